//! One post, driven from where the journal has it to its true outcome.
//!
//! The loop is the state machine's: perform an action, hand the event to [`state::step`], make the new
//! phase durable, perform the next action. Whatever makes the run leave early (a signal, a full disk,
//! no token) is a `Leave` and changes no phase.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::exit::Exit;
use crate::journal::{self, Facts, JournalError, LocalFile};
use crate::retry::Backoff;
use crate::signals::Signal;
use crate::text;
use crate::tiktok::{Error, PutAnswer, UploadUrl};
use crate::upload::calls::{Authority, CallError, Calls};
use crate::upload::chunk::{self, ChunkPut, PutEnd};
use crate::upload::gate::Gate;
use crate::upload::pace::Pace;
use crate::upload::plan::Plan;
use crate::upload::poll::Word;
use crate::upload::post::Post;
use crate::upload::report::{Progress, Trouble};
use crate::upload::state::{self, Action, Event, Failed, Phase, Seen, Step, Transfer};
use crate::upload::video::{Fingerprint, Video, VideoError};

/// Tries of one chunk without progress.
const CHUNK_TRIES: u32 = 6;
/// Answers 416 without progress.
const RESYNCS: u32 = 3;
/// Attempts of one post within an hour whose init came to nothing at TikTok.
const ORPHANS: usize = 2;
/// Attempts of one post that TikTok failed with a reason that permits another.
const FAILED_ATTEMPTS: usize = 3;
/// The recorded reason of an attempt whose init provably never left.
const NOT_SENT: &str = "not_sent";
/// Bytes after which a link's speed says something.
const RATE_SAMPLE: u64 = 16 << 20;

/// What a run was told to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// Wait until TikTok has worked off each post.
    pub wait: bool,
    /// `--chunk-size`.
    pub chunk_size: Option<u64>,
    /// Post again what was posted before.
    pub repost: bool,
    /// `--limit-rate`.
    pub pace: Pace,
    /// The time of day.
    pub clock: Clock,
}

/// Why a run leaves a post where it is.
#[derive(Debug)]
pub(super) enum Leave {
    /// A call came to nothing.
    Call(CallError),
    /// The journal did not record a step; nothing was sent after it.
    Journal(JournalError),
    /// The file is not there (any more), or not readable.
    File(VideoError),
    /// A signal.
    Interrupted(Signal),
    /// TikTok still works on it.
    StillProcessing,
    /// Only time can prove that the final chunk did not arrive.
    WaitingForProof {
        /// From when on the proof can be had.
        from: Timestamp,
    },
    /// A chunk failed too often.
    ChunkFailed {
        /// The last failure, in words.
        why: String,
    },
    /// TikTok and this program disagree about the position, again and again.
    OutOfStep,
    /// TikTok calls a chunk malformed.
    ChunkRefused {
        /// HTTP status.
        status: u16,
    },
    /// The link is too slow for the hour that TikTok gives.
    TooSlow {
        /// Megabits a second that it would take.
        needs: f64,
    },
    /// Something that was checked before the init forbids it.
    Unfit {
        /// What.
        trouble: Trouble,
        /// The exit code that it leads to.
        exit: Exit,
    },
    /// Too many attempts; when the next one is allowed, if that is a matter of time.
    NoMoreAttempts {
        /// When.
        next: Option<Timestamp>,
    },
}

impl<E: Into<CallError>> From<E> for Leave {
    fn from(error: E) -> Self {
        match error.into() {
            CallError::Journal(error) => Self::Journal(error),
            CallError::Interrupted(signal) => Self::Interrupted(signal),
            error => Self::Call(error),
        }
    }
}

/// One post on its way.
pub(super) struct Drive<'a, A> {
    pub(super) calls: &'a Calls<'a, A>,
    pub(super) gate: &'a Gate<'a, A>,
    pub(super) options: &'a Options,
    pub(super) post: &'a Post,
    pub(super) row: journal::Post,
    /// The open file and its plan; `None` for pulls, and for a file that is gone.
    pub(super) source: Option<(Video, Plan)>,
    pub(super) transfer: Transfer,
    /// The last attempt, if there was one.
    pub(super) attempt: Option<journal::Attempt>,
    /// What TikTok last said about it.
    pub(super) post_ids: Vec<u64>,
    /// The refusal or failure behind the last phase.
    pub(super) trouble: Option<Trouble>,
    pub(super) exit: Option<Exit>,
    run: RunState,
}

/// What only this run knows.
struct RunState {
    tries: Backoff,
    unsent: Backoff,
    /// After an init that provably never left: the pause before the next, or why there is none.
    unsent_wait: Result<Option<Duration>, CallError>,
    resyncs: u32,
    polling: Option<Polling>,
    /// The init of the current attempt was sent by this run, at this moment.
    begun: Option<Instant>,
    /// Whether the final chunk's last block may have been handed over in this attempt.
    final_handed: bool,
    failed_here: usize,
    proof: Option<Timestamp>,
    fingerprint: Fingerprint,
    warned_slow: AtomicBool,
    announced: bool,
}

struct Polling {
    since: Instant,
    wait: Duration,
}

impl<'a, A: Authority> Drive<'a, A> {
    pub(super) fn new(
        gate: &'a Gate<'a, A>,
        calls: &'a Calls<'a, A>,
        options: &'a Options,
        post: &'a Post,
        row: journal::Post,
        source: Option<(Video, Plan)>,
    ) -> Self {
        let timing = calls.timing;
        let transfer = if post.content.is_pulled() {
            Transfer::Pull
        } else {
            let planned = source.as_ref().map(|(_, plan)| plan.count());
            Transfer::File { chunks: planned.or(row.file().map(|file| file.chunks)).unwrap_or(1) }
        };
        let backoff = || Backoff::new(timing.backoff_base, timing.backoff_cap, CHUNK_TRIES);
        let run = RunState {
            tries: backoff(),
            unsent: backoff(),
            unsent_wait: Ok(None),
            resyncs: 0,
            polling: None,
            begun: None,
            // Whatever an earlier process handed over is unknown here.
            final_handed: true,
            failed_here: 0,
            proof: None,
            fingerprint: Fingerprint::default(),
            warned_slow: AtomicBool::new(false),
            announced: false,
        };
        let attempt = row.last.clone();
        Self {
            calls,
            gate,
            options,
            post,
            row,
            source,
            transfer,
            attempt,
            post_ids: Vec::new(),
            trouble: None,
            exit: None,
            run,
        }
    }

    /// The phase of the last attempt.
    pub(super) fn phase(&self) -> Option<Phase> {
        self.attempt.as_ref().map(|attempt| attempt.phase)
    }

    /// Drives the post until it is over or the run has to leave it.
    pub(super) async fn run(&mut self) -> Result<(), Leave> {
        let mut step = match self.phase() {
            None => self.begin().await?,
            Some(phase) => {
                let found = state::resume(self.transfer, phase);
                self.record(found.phase, &Facts::default())?;
                found
            }
        };
        loop {
            let (event, facts) = match step.action {
                Action::Stop => return Ok(()),
                Action::Again => {
                    step = self.again().await?;
                    continue;
                }
                Action::Init => self.init().await?,
                Action::Intend => self.intend().await?,
                Action::Send { index } => self.send(index).await?,
                Action::Ask => self.ask().await?,
                Action::Prove => self.prove().await?,
            };
            let Some(phase) = self.phase() else { return Ok(()) };
            step = state::step(self.transfer, phase, event);
            self.record(step.phase, &facts)?;
        }
    }

    /// Makes a phase durable, and remembers it. If that fails nothing more is sent.
    fn record(&mut self, phase: Phase, facts: &Facts) -> Result<(), Leave> {
        let Some(attempt) = &mut self.attempt else { return Ok(()) };
        if attempt.phase == phase {
            return Ok(());
        }
        // Reported even if the commit fails: the user may then be the only one who knows it.
        if attempt.publish_id.is_none() {
            attempt.publish_id.clone_from(&facts.publish_id);
        }
        match self.calls.journal.advance(attempt, phase, facts) {
            // This video is known: nothing of it may reach the final chunk.
            Err(error @ JournalError::SameContent { .. }) => {
                self.calls.journal.advance(attempt, Phase::Abandoned, &Facts::default())?;
                Err(error.into())
            }
            done => Ok(done?),
        }
    }

    /// Starts an attempt: its intent is durable when this returns.
    async fn begin(&mut self) -> Result<Step, Leave> {
        if let Some((video, _)) = &self.source {
            video.check_unchanged().map_err(Leave::File)?;
        } else if !self.post.content.is_pulled() {
            return Err(self.gone());
        }
        self.gate.admit(self.post).await?;
        self.calls.ready_for_init(&self.post.subject).await?;
        self.attempt = Some(self.calls.journal.begin_attempt(self.row.number)?);
        self.run.begun = Some(Instant::now());
        self.run.final_handed = false;
        self.run.proof = None;
        self.run.polling = None;
        self.run.tries.reset();
        Ok(Step { phase: Phase::InitIntent, action: Action::Init })
    }

    fn gone(&self) -> Leave {
        let path = match &self.post.content {
            crate::upload::post::Content::File { path, .. } => path.clone(),
            _ => std::path::PathBuf::new(),
        };
        let source = std::io::Error::from(std::io::ErrorKind::NotFound);
        Leave::File(VideoError::Io { path, source })
    }

    /// A new attempt after a dead one, within the limits.
    async fn again(&mut self) -> Result<Step, Leave> {
        let attempts = self.calls.journal.attempts(self.row.number)?;
        let failed = attempts.iter().filter(|a| matches!(a.phase, Phase::Failed(_))).count();
        let here = self.run.begun.is_some();
        match self.phase() {
            Some(Phase::Failed(_)) if failed >= FAILED_ATTEMPTS || self.run.failed_here > 1 => {
                return Err(Leave::NoMoreAttempts { next: None });
            }
            Some(Phase::Lost | Phase::Abandoned) => {
                if let Some(wait) = std::mem::replace(&mut self.run.unsent_wait, Ok(None))? {
                    self.retry_unsent(wait).await?;
                    return self.begin().await;
                }
                let now = self.options.clock.now();
                let hour_ago = now.saturating_sub(SignedDuration::from_hours(1)).unwrap_or(now);
                let orphans: Vec<_> = attempts
                    .iter()
                    .filter(|a| matches!(a.phase, Phase::Lost | Phase::Abandoned))
                    .filter(|a| a.code.as_deref() != Some(NOT_SENT) && a.created_at > hour_ago)
                    .collect();
                if orphans.len() >= ORPHANS {
                    let next = orphans.iter().map(|a| a.created_at).min();
                    let next = next.and_then(|t| t.checked_add(SignedDuration::from_hours(1)).ok());
                    return Err(Leave::NoMoreAttempts { next });
                }
                if here && self.phase() == Some(Phase::Lost) {
                    let wait = self.calls.timing.init_again;
                    let why =
                        "the answer to the init was lost, which cannot have posted".to_owned();
                    self.tell(&Progress::Waiting { why, wait });
                    self.calls.pause(wait).await?;
                }
            }
            _ => {}
        }
        self.begin().await
    }

    async fn retry_unsent(&self, wait: Duration) -> Result<(), Leave> {
        let why = self.trouble.as_ref().map(|t| t.message.clone()).unwrap_or_default();
        let (attempt, of) = (self.run.unsent.attempt(), self.run.unsent.most());
        self.tell(&Progress::Retrying { why, attempt, of, wait });
        self.calls.pause(wait).await?;
        Ok(())
    }

    async fn init(&mut self) -> Result<(Event, Facts), Leave> {
        let plan = self.source.as_ref().map(|(_, plan)| plan);
        let Some(init) = self.post.init(plan) else { return Err(self.gone()) };
        let issued_at = self.options.clock.now();
        let error = match self.calls.init(&self.post.subject, &init).await {
            Ok(answer) if self.transfer == Transfer::Pull => {
                let (publish_id, issued_at) = (Some(answer.publish_id), Some(issued_at));
                let facts = Facts { publish_id, issued_at, ..Facts::default() };
                return Ok((Event::InitAccepted, facts));
            }
            Ok(answer) => match answer.upload_url {
                Some(url) => {
                    let (publish_id, upload_url) = (Some(answer.publish_id), Some(url));
                    let issued_at = Some(issued_at);
                    let facts = Facts { publish_id, upload_url, issued_at, ..Facts::default() };
                    return Ok((Event::InitAccepted, facts));
                }
                None => CallError::Api(Error::NotTikTok {
                    host: self.calls.client.api_host(),
                    call: "init",
                    status: 200,
                    what: "an init answer without `upload_url`".into(),
                }),
            },
            Err(error) => error,
        };
        Ok(self.init_failed(error))
    }

    /// Sorts what came of an init into refused, unclear and provably not sent.
    fn init_failed(&mut self, error: CallError) -> (Event, Facts) {
        let trouble = error.trouble();
        let mut facts = trouble.facts();
        let event = match &error {
            CallError::Api(Error::Refused(refusal)) if refusal.status < 500 => {
                use crate::tiktok::Reaction;
                match refusal.code.reaction() {
                    Reaction::Later => Event::InitUnclear,
                    _ => Event::InitRefused,
                }
            }
            CallError::Api(Error::NotSent { .. }) => Event::InitNotSent,
            CallError::Api(_) => Event::InitUnclear,
            // No token, or a signal, before the call or after a refusal of it.
            _ => Event::InitNotSent,
        };
        self.exit = Some(error.exit());
        self.trouble = Some(trouble);
        if event != Event::InitNotSent {
            return (event, facts);
        }
        // The pause, or the leaving, comes after the phase was recorded: a crash in it must not look
        // like an init on its way.
        self.run.unsent_wait = match error {
            CallError::Api(_) => self.run.unsent.pause().ok_or(error),
            error => Err(error),
        }
        .map(Some);
        facts.code = Some(NOT_SENT.to_owned());
        (event, facts)
    }

    /// Completes the fingerprint; the intent to send the final chunk is recorded with it.
    async fn intend(&mut self) -> Result<(Event, Facts), Leave> {
        let Some((video, plan)) = &self.source else {
            return Ok((Event::FileReplaced, Facts::default()));
        };
        if let Some(event) = self.usable(video) {
            return Ok((event, Facts::default()));
        }
        match hash_to(self.run.fingerprint.clone(), video, plan.size()).await {
            Ok(fingerprint) => {
                let facts = Facts { fingerprint: Some(fingerprint.hex()), ..Facts::default() };
                self.run.fingerprint = fingerprint;
                Ok((Event::Intend, facts))
            }
            Err(VideoError::Changed { .. }) => {
                Ok((Event::FileChanged { handed_over: self.run.final_handed }, Facts::default()))
            }
            Err(error) => Err(Leave::File(error)),
        }
    }

    /// Whether the attempt's URL and file can still be used; the event if not.
    fn usable(&self, video: &Video) -> Option<Event> {
        if video.check_unchanged().is_err() {
            return Some(Event::FileChanged { handed_over: self.run.final_handed });
        }
        let attempt = self.attempt.as_ref()?;
        // A resumed attempt belongs to the file that it was planned for.
        if self.run.begun.is_none()
            && self.row.file().is_none_or(|file| file.identity != video.identity())
        {
            return Some(Event::FileReplaced);
        }
        self.url_age(attempt).filter(|age| *age >= self.calls.timing.url_life)?;
        Some(Event::UrlExpired)
    }

    /// Time since the URL was issued: monotonic for one of this run, by the wall clock otherwise. A
    /// clock that went back means that the age is unknown, so the URL counts as expired.
    fn url_age(&self, attempt: &journal::Attempt) -> Option<Duration> {
        let by_wall = attempt.issued_at.map(|issued| {
            let age = self.options.clock.now().duration_since(issued);
            Duration::try_from(age).unwrap_or(Duration::MAX)
        });
        let here = self.run.begun.map(|begun| begun.elapsed());
        here.max(by_wall)
    }

    /// Sends one chunk until its outcome is an event.
    async fn send(&mut self, index: u32) -> Result<(Event, Facts), Leave> {
        loop {
            let Some((video, plan)) = self.source.clone() else {
                return Ok((Event::FileReplaced, Facts::default()));
            };
            if let Some(event) = self.usable(&video) {
                return self.too_late(event);
            }
            let Some(url) = self.attempt.as_ref().and_then(|a| a.upload_url.clone()) else {
                return Ok((Event::UrlGone, Facts::default()));
            };
            let url = match UploadUrl::check(&url, self.calls.client.endpoints()) {
                Ok(url) => url,
                Err(error) => return Ok(self.bad_url(&error)),
            };
            self.announce(&plan, index);
            let end = self.put(&video, &plan, index, &url).await?;
            if let Some(event) = self.judge(end, &plan, index).await? {
                return Ok((event, Facts::default()));
            }
        }
    }

    /// An expired URL in the run that got it means that the link is too slow to try again at once.
    fn too_late(&mut self, event: Event) -> Result<(Event, Facts), Leave> {
        if event == Event::UrlExpired
            && self.run.begun.is_some()
            && let Some(phase @ Phase::Open { .. }) = self.phase()
            && let Some((_, plan)) = &self.source
        {
            #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
            let needs = plan.size() as f64 * 8.0 / 1e6 / self.calls.timing.url_life.as_secs_f64();
            let step = state::step(self.transfer, phase, event);
            self.record(step.phase, &Facts::default())?;
            return Err(Leave::TooSlow { needs });
        }
        if matches!(event, Event::FileChanged { .. }) {
            self.file_changed();
        }
        Ok((event, Facts::default()))
    }

    fn file_changed(&mut self) {
        let Some((video, _)) = &self.source else { return };
        let error = VideoError::Changed { path: video.path().to_owned() };
        self.exit = Some(Exit::Failed);
        self.trouble = Some(trouble("file_changed", &error));
    }

    fn bad_url(&mut self, error: &crate::tiktok::UploadUrlError) -> (Event, Facts) {
        let trouble = trouble("bad_upload_url", error);
        let facts = trouble.facts();
        self.exit = Some(Exit::Failed);
        self.trouble = Some(trouble);
        (Event::BadUploadUrl, facts)
    }

    /// One PUT, while the fingerprint runs along.
    async fn put(
        &mut self,
        video: &Video,
        plan: &Plan,
        index: u32,
        url: &UploadUrl,
    ) -> Result<PutEnd, Leave> {
        let is_final = matches!(self.phase(), Some(Phase::FinalIntent { .. }));
        let content_type = match &self.post.content {
            crate::upload::post::Content::File { content_type: Some(content_type), .. } => {
                content_type
            }
            _ => "video/mp4",
        };
        let pace = &self.options.pace;
        let range = plan.range(index);
        let chunk = ChunkPut { url, video, content_type, range, is_final, pace };
        let warning = RateWatch { begun: self.run.begun, plan, warned: &self.run.warned_slow };
        let position = |sent: u64| {
            self.tell(&Progress::Position { sent });
            if let Some(text) = warning.look(sent, self.calls.timing.url_life) {
                self.tell(&Progress::Warning(text));
            }
        };
        let put = chunk::put(
            self.calls.client,
            &chunk,
            self.calls.timing,
            self.calls.shutdown,
            &position,
        );
        let sent = if is_final {
            put.await
        } else {
            // The fingerprint keeps up with the chunks, so that each byte is read from disk once.
            let covered = self.run.fingerprint.clone();
            let (sent, hashed) = tokio::join!(put, hash_to(covered, video, range.last + 1));
            if let Ok(fingerprint) = hashed {
                self.run.fingerprint = fingerprint;
            }
            sent
        };
        if is_final && sent.handed_over {
            self.run.final_handed = true;
        }
        Ok(sent.end)
    }

    /// Makes an event of a PUT's end, or `None` to send the same chunk again.
    async fn judge(
        &mut self,
        end: PutEnd,
        plan: &Plan,
        index: u32,
    ) -> Result<Option<Event>, Leave> {
        let in_final = matches!(self.phase(), Some(Phase::FinalIntent { .. }));
        match end {
            PutEnd::Answered(answer) => self.judge_answer(answer, plan, index).await,
            PutEnd::FileChanged => {
                self.file_changed();
                Ok(Some(Event::FileChanged { handed_over: self.run.final_handed }))
            }
            PutEnd::Interrupted => {
                Err(Leave::Interrupted(self.calls.shutdown.asked().unwrap_or(Signal::Interrupt)))
            }
            PutEnd::Stalled { after_body } => {
                let why = if after_body { "no answer to the chunk" } else { "the link stalled" };
                self.try_again(why.to_owned()).await?;
                Ok(Some(Event::ChunkUnclear))
            }
            PutEnd::Failed(error) => {
                self.try_again(error.to_string()).await?;
                let unsent = matches!(error, Error::NotSent { .. }) && !in_final;
                Ok((!unsent).then_some(Event::ChunkUnclear))
            }
        }
    }

    async fn judge_answer(
        &mut self,
        answer: PutAnswer,
        plan: &Plan,
        index: u32,
    ) -> Result<Option<Event>, Leave> {
        let in_final = matches!(self.phase(), Some(Phase::FinalIntent { .. }));
        match answer.status {
            201 => {
                self.stored(plan, index);
                Ok(Some(Event::AllStored { index }))
            }
            // The documentation says what a 206 means; a header that says otherwise is looked into.
            206 if answer.progress.is_none_or(|n| plan.stored_by_header(n) == Some(index + 1)) => {
                if plan.is_last(index) {
                    self.try_again("TikTok expects more bytes after the last".into()).await?;
                } else {
                    self.stored(plan, index);
                }
                Ok(Some(Event::ChunkStored { index }))
            }
            400 => Err(Leave::ChunkRefused { status: 400 }),
            403 | 404 => Ok(Some(Event::UrlGone)),
            416 => {
                self.run.resyncs += 1;
                if self.run.resyncs > RESYNCS {
                    return Err(Leave::OutOfStep);
                }
                Ok(Some(Event::ChunkUnclear))
            }
            408 | 429 | 500..=599 if !in_final => {
                self.try_again(format!("HTTP {} for a chunk", answer.status)).await?;
                Ok(None)
            }
            status => {
                self.try_again(format!("HTTP {status} for a chunk")).await?;
                Ok(Some(Event::ChunkUnclear))
            }
        }
    }

    fn stored(&mut self, plan: &Plan, index: u32) {
        self.run.tries.reset();
        self.run.resyncs = 0;
        self.tell(&Progress::Position { sent: plan.boundary(index + 1) });
        self.tell(&Progress::ChunkStored { chunk: index + 1, of: plan.count() });
    }

    /// Counts a failed try of a chunk and waits before the next.
    async fn try_again(&mut self, why: String) -> Result<(), Leave> {
        let Some(wait) = self.run.tries.pause() else { return Err(Leave::ChunkFailed { why }) };
        let (attempt, of) = (self.run.tries.attempt(), self.run.tries.most());
        self.tell(&Progress::Retrying { why, attempt, of, wait });
        self.calls.pause(wait).await?;
        Ok(())
    }

    /// Asks for the status: at once after an unclear chunk or a restart, at growing intervals while
    /// TikTok works.
    async fn ask(&mut self) -> Result<(Event, Facts), Leave> {
        self.wait_for_poll().await?;
        let (event, facts) = self.status().await?;
        if let Event::Status(Seen::Processing { stored }) = event {
            let more_to_send = match (self.phase(), self.transfer) {
                (Some(Phase::Open { .. }), Transfer::File { .. }) => true,
                (Some(Phase::FinalIntent { .. }), Transfer::File { chunks }) => {
                    stored.is_some_and(|stored| stored < chunks)
                }
                _ => false,
            };
            if !more_to_send && self.run.polling.is_none() {
                self.tell(&Progress::Processing);
                self.run.polling =
                    Some(Polling { since: Instant::now(), wait: self.calls.timing.poll_first });
            }
        }
        Ok((event, facts))
    }

    async fn wait_for_poll(&mut self) -> Result<(), Leave> {
        let all_sent = matches!(self.phase(), Some(Phase::Uploaded))
            || matches!((self.phase(), self.transfer), (Some(Phase::Open { .. }), Transfer::Pull));
        if all_sent && self.run.begun.is_some() && self.run.polling.is_none() {
            self.tell(&Progress::Processing);
            let wait = self.calls.timing.poll_first;
            self.run.polling = Some(Polling { since: Instant::now(), wait });
        }
        let Some(polling) = &mut self.run.polling else { return Ok(()) };
        if !self.options.wait || polling.since.elapsed() >= self.calls.timing.poll_limit {
            return Err(Leave::StillProcessing);
        }
        let wait = polling.wait;
        polling.wait = (wait * 2).min(self.calls.timing.poll_cap);
        self.calls.pause(wait).await?;
        Ok(())
    }

    /// One status call as an event.
    async fn status(&mut self) -> Result<(Event, Facts), Leave> {
        let publish_id = self.attempt.as_ref().and_then(|attempt| attempt.publish_id.clone());
        let Some(publish_id) = publish_id else {
            return Ok((Event::Status(Seen::IdUnknown), Facts::default()));
        };
        let plan = self.row.file().and_then(recorded_plan);
        let word = match self.calls.status(&self.post.subject, &publish_id).await {
            Ok(status) => Word::of(status, plan.as_ref()),
            Err(error) => Word::of_error(&error).ok_or(error)?,
        };
        let facts = word.facts();
        if let Seen::Failed(failed) = word.seen {
            self.run.failed_here += 1;
            let login = failed == Failed::AuthRemoved;
            self.exit = Some(if login { Exit::Login } else { Exit::Failed });
        }
        self.trouble = word.trouble;
        self.post_ids = word.post_ids;
        Ok((Event::Status(word.seen), facts))
    }

    /// Waits for the server's proof that the final chunk never arrived: bytes missing on two reads far
    /// enough apart, both late enough after the issue of the URL.
    async fn prove(&mut self) -> Result<(Event, Facts), Leave> {
        let issued_at = self.attempt.as_ref().and_then(|attempt| attempt.issued_at);
        loop {
            let (event, facts) = self.status().await?;
            let Event::Status(Seen::Processing { stored }) = event else {
                return Ok((event, facts));
            };
            let missing = match self.transfer {
                Transfer::File { chunks } => stored.is_some_and(|stored| stored < chunks),
                Transfer::Pull => false,
            };
            let (Some(issued_at), true) = (issued_at, missing) else {
                return Err(Leave::StillProcessing);
            };
            let now = self.options.clock.now();
            let from = issued_at
                .checked_add(signed(self.calls.timing.proof_age))
                .unwrap_or(Timestamp::MAX);
            if now < from {
                return Err(Leave::WaitingForProof { from });
            }
            let first = *self.run.proof.get_or_insert(now);
            if now.duration_since(first) >= signed(self.calls.timing.proof_gap) {
                return Ok((Event::ProvedIncomplete, Facts::default()));
            }
            let wait = self.calls.timing.proof_gap;
            let why = "making sure that the last chunk never arrived".to_owned();
            self.tell(&Progress::Waiting { why, wait });
            self.calls.pause(wait + Duration::from_millis(1)).await?;
        }
    }

    fn announce(&mut self, plan: &Plan, index: u32) {
        if !std::mem::replace(&mut self.run.announced, true) {
            let (size, stored) = (plan.size(), plan.boundary(index));
            self.tell(&Progress::Sending { size, stored, chunks: plan.count() });
        }
    }

    pub(super) fn tell(&self, progress: &Progress) {
        self.calls.reporter.progress(&self.post.subject, progress);
    }
}

/// Says early when a link will not make it within the life of the URL.
struct RateWatch<'a> {
    begun: Option<Instant>,
    plan: &'a Plan,
    warned: &'a AtomicBool,
}

impl RateWatch<'_> {
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn look(&self, sent: u64, life: Duration) -> Option<String> {
        let sample = if self.plan.count() > 2 { self.plan.boundary(2) } else { RATE_SAMPLE };
        let elapsed = self.begun?.elapsed();
        if sent < sample {
            return None;
        }
        let whole = elapsed.as_secs_f64() * self.plan.size() as f64 / sent as f64;
        if whole <= life.as_secs_f64() || self.warned.swap(true, Ordering::Relaxed) {
            return None;
        }
        Some(format!(
            "at this speed the upload takes {:.0} minutes, and TikTok gives it {:.0}",
            whole / 60.0,
            life.as_secs_f64() / 60.0
        ))
    }
}

/// The plan that an attempt was begun with, also when its file is gone.
fn recorded_plan(file: &LocalFile) -> Option<Plan> {
    Plan::recorded(file.identity.size, file.chunk_size)
}

async fn hash_to(from: Fingerprint, video: &Video, end: u64) -> Result<Fingerprint, VideoError> {
    if from.covered() >= end {
        return Ok(from);
    }
    let (video, path) = (video.clone(), video.path().to_owned());
    tokio::task::spawn_blocking(move || from.extend(&video, end)).await.unwrap_or_else(|_| {
        Err(VideoError::Io { path, source: std::io::Error::other("the hashing thread ended") })
    })
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

fn trouble(code: &str, error: &(impl crate::exit::Explain + ?Sized)) -> Trouble {
    Trouble {
        code: code.to_owned(),
        message: text::plain(&error.to_string()),
        hint: error.hint(),
        retryable: false,
        log_id: None,
    }
}
