//! One post, driven from where the journal has it to its true outcome.
//!
//! [`PostRunner::run`] is the loop of the state machine: perform an action, hand its event to
//! [`machine::step`], **make the new phase durable**, perform the next action. Whatever makes the run leave
//! early (a signal, a full disk, no token) is a [`StopReason`] and changes no phase. Below the loop the
//! actions follow in the order of an upload:
//!
//! 1. An attempt begins: the preflight check, the quota, then its intent is durable. Its init is sent. A
//!    local file's init is harmless without its answer. A pull's or a photo post's makes the post, so it is
//!    repeated only after an answer that proves that nothing was begun, and the proof is durable before the
//!    pause: a crash in the middle of it must not look like an init on its way.
//! 2. The chunks: which one may go, what its answer means, when it is tried again. Before the final one the
//!    intent to send it is durable.
//! 3. Status polling: while TikTok works, after an unclear chunk, and for the proof that the final chunk
//!    never arrived.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tiktok_open::{Error, InitAnswer, Privacy, PutAnswer, Reaction, UploadUrl};
use tokio::time::Instant;

use crate::api::post_error;
use crate::engine::Options;
use crate::engine::calls::{CallError, Calls, SLOW_DOWNS};
use crate::engine::chunk::{self, ChunkEvent, ChunkPut, PutEnd, SpeedWatch};
use crate::engine::clocks::Clocks;
use crate::engine::events::{Note, Progress, WaitReason, Warning};
use crate::engine::post::PreparedPost;
use crate::engine::preflight::Preflight;
use crate::engine::status::{StatusReading, recorded_plan};
use crate::engine::stop::StopReason;
use crate::model::{
    Action, Attempt, AttemptUpdate, Event, Failed, Phase, Plan, PostError, RecordedPost,
    ReportedStatus, Step, Transfer, machine,
};
use crate::problem::{Coded, ErrorCode, ErrorKind};
use crate::retry::Backoff;
use crate::secret::Secret;
use crate::signals::Signal;
use crate::source::{Fingerprint, Version, Video, VideoError, check_finished};
use crate::store::{JournalError, StoreError};
use crate::text;

/// Tries of one chunk without progress.
const CHUNK_TRIES: u32 = 6;
/// Answers 416 without progress.
const RESYNCS: u32 = 3;
/// Attempts of one post within an hour whose init came to nothing at TikTok.
const ORPHANS: usize = 2;
/// Attempts of one post that TikTok failed with a reason that permits another.
const FAILED_ATTEMPTS: usize = 3;

/// Whether TikTok failed a post so often that no run tries it again by itself.
pub(crate) fn is_failed_for_good(attempts: &[Attempt]) -> bool {
    attempts.iter().filter(|one| matches!(one.phase, Phase::Failed(_))).count() >= FAILED_ATTEMPTS
}

/// The recorded reason of an attempt whose init provably never left.
const NOT_SENT: &str = ErrorCode::NotSent.as_str();
/// The recorded reason of an attempt that a human said was not posted.
const RESOLVED: &str = ErrorCode::ResolvedByHand.as_str();

/// One post on its way.
pub(super) struct PostRunner<'a> {
    calls: &'a Calls,
    preflight: &'a Preflight,
    options: &'a Options,
    post: &'a PreparedPost,
    pub(super) row: RecordedPost,
    /// The open file and its plan; `None` for pulls, and for a file that is gone.
    source: Option<(Video, Plan)>,
    transfer: Transfer,
    /// The last attempt, if there was one.
    pub(super) attempt: Option<Attempt>,
    /// What TikTok last said about it.
    pub(super) post_ids: Vec<u64>,
    /// The refusal or failure behind the last phase.
    pub(super) post_error: Option<PostError>,
    /// The kind of trouble that this was.
    pub(super) failure: Option<ErrorKind>,
    run: RunState,
}

/// What only this run knows.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct RunState {
    tries: Backoff,
    /// The most chunks that TikTok had so far in this attempt: only more of them is progress.
    furthest: u32,
    resyncs: u32,
    inits: Inits,
    polling: Option<Polling>,
    /// The init of the current attempt was sent by this run, at this moment.
    begun: Option<Instant>,
    /// Whether the final chunk's last block may have been handed over in this attempt.
    final_handed: bool,
    /// Whether this run has sent every byte of the attempt's file, the last ones included.
    sent_whole: bool,
    failed_here: usize,
    proof: Option<Instant>,
    fingerprint: Fingerprint,
    warned_slow: AtomicBool,
    announced: bool,
    /// Whether TikTok did not know the `publish_id` when it was last asked, as may be in the beginning.
    id_is_unknown: bool,
    said_id_is_unknown: bool,
}

/// The status polling of a post that TikTok works on.
struct Polling {
    since: Instant,
    /// The pause before the next status call.
    wait: Duration,
}

/// The inits of this run.
struct Inits {
    /// Those that never left.
    unsent: Backoff,
    /// Those that TikTok asked to send more slowly.
    slowed: u32,
    /// Whether one was refused for its token.
    renewed: bool,
    delay: RetryDelay,
}

/// What comes between an init that began nothing and the next one.
#[derive(Debug, Default)]
enum RetryDelay {
    #[default]
    None,
    /// The network did not take it.
    Unsent(Duration),
    /// TikTok asks to slow down.
    SlowDown(Duration),
    /// TikTok refused this access token.
    Stale(Secret),
    /// There is no next one in this run.
    Leave(CallError),
}

impl<'a> PostRunner<'a> {
    pub(super) fn new(
        calls: &'a Calls,
        preflight: &'a Preflight,
        options: &'a Options,
        post: &'a PreparedPost,
        row: RecordedPost,
        source: Option<(Video, Plan)>,
    ) -> Self {
        let timing = &calls.timing;
        let transfer = if post.asked.source.is_pulled() {
            Transfer::Pull
        } else {
            // What is under way keeps the plan that its init declared, whatever the file is now.
            let begun = row.last.as_ref().filter(|attempt| !attempt.phase.is_over());
            let recorded = || row.file.as_ref().map_or(1, |file| file.chunks);
            let planned = || source.as_ref().map_or_else(recorded, |(_, plan)| plan.count());
            begun.map_or_else(|| Transfer::File { chunks: planned() }, |begun| begun.transfer)
        };
        let backoff = || Backoff::new(timing.backoff_base, timing.backoff_cap, CHUNK_TRIES);
        let run = RunState {
            tries: backoff(),
            furthest: 0,
            resyncs: 0,
            inits: Inits { unsent: backoff(), slowed: 0, renewed: false, delay: RetryDelay::None },
            polling: None,
            begun: None,
            // Whatever an earlier process handed over is unknown here.
            final_handed: true,
            sent_whole: false,
            failed_here: 0,
            proof: None,
            fingerprint: Fingerprint::default(),
            warned_slow: AtomicBool::new(false),
            announced: false,
            id_is_unknown: false,
            said_id_is_unknown: false,
        };
        let attempt = row.last.clone();
        Self {
            calls,
            preflight,
            options,
            post,
            row,
            source,
            transfer,
            attempt,
            post_ids: Vec::new(),
            post_error: None,
            failure: None,
            run,
        }
    }

    /// The phase of the last attempt.
    pub(super) fn phase(&self) -> Option<Phase> {
        self.attempt.as_ref().map(|attempt| attempt.phase)
    }

    /// Drives the post until it is over or the run has to leave it.
    pub(super) async fn run(&mut self) -> Result<(), StopReason> {
        let mut step = match self.phase() {
            None => self.begin().await?,
            Some(phase) => {
                self.check_settings(phase).await?;
                let found = machine::resume(self.transfer, phase);
                self.record(found.phase, &AttemptUpdate::default()).await?;
                found
            }
        };
        loop {
            let (event, update) = match step.action {
                Action::Stop => return Ok(()),
                Action::Again => {
                    step = self.again().await?;
                    continue;
                }
                Action::Init => self.init().await?,
                Action::Intend => self.intend().await?,
                Action::Send { index } => self.send(index).await?,
                Action::Ask => self.poll_status().await?,
                Action::Prove => self.prove().await?,
            };
            let Some(phase) = self.phase() else { return Ok(()) };
            step = machine::step(self.transfer, phase, event);
            self.record(step.phase, &update).await?;
            if self.phase() != Some(step.phase) {
                // A concurrent run recorded the final status.
                return Ok(());
            }
            if (event, step.phase) == (Event::FileReplaced, Phase::Abandoned) {
                self.report(Progress::Note(Note::FileReplaced));
                return Err(StopReason::Replaced);
            }
        }
    }

    /// An upload goes on with the settings that its init declared. If the entry asks for others by now
    /// (it may be seen by fewer people), it is begun again while nothing can have been posted.
    async fn check_settings(&mut self, phase: Phase) -> Result<(), StopReason> {
        if phase.is_over() || self.row.settings == self.post.settings_hash() {
            return Ok(());
        }
        let step = machine::step(self.transfer, phase, Event::SettingsChanged);
        if step.phase == Phase::Abandoned {
            self.record(step.phase, &AttemptUpdate::default()).await?;
            self.report(Progress::Note(Note::SettingsChanged));
            return Err(StopReason::Replaced);
        }
        self.report(Progress::Warning(Warning::SettingsChangedTooLate));
        Ok(())
    }

    /// Starts an attempt: its intent is durable when this returns.
    async fn begin(&mut self) -> Result<Step, StopReason> {
        if let Some((video, plan)) = &self.source {
            check_unsent(video, self.calls.timing.stall).await?;
            if !self.is_recorded(video) {
                return Err(StopReason::Replaced);
            }
            self.transfer = Transfer::File { chunks: plan.count() };
        } else if !self.post.asked.source.is_pulled() {
            return Err(self.gone());
        }
        self.preflight.check(self.post).await?;
        self.calls.ready_for_init(&self.post.post_ref).await?;
        if let Some((video, _)) = &self.source {
            // A batch may take hours, and a quota minutes: no init is spent on what changed meanwhile.
            check_finished(video).await.map_err(StopReason::File)?;
            check_unsent(video, self.calls.timing.stall).await?;
        }
        // The last moment: what the intent below announces must follow it.
        self.heed_signals()?;
        self.attempt = Some(self.calls.journal.begin_attempt(self.row.number).await?);
        self.run.begun = Some(Instant::now());
        self.run.final_handed = false;
        self.run.sent_whole = false;
        self.run.proof = None;
        self.run.polling = None;
        self.run.tries.reset();
        self.run.resyncs = 0;
        self.run.furthest = 0;
        Ok(Step { phase: Phase::InitIntent, action: Action::Init })
    }

    /// A new attempt after a dead one, within the limits.
    async fn again(&mut self) -> Result<Step, StopReason> {
        match std::mem::take(&mut self.run.inits.delay) {
            RetryDelay::None => self.within_limits().await?,
            delay => self.wait_out(delay).await?,
        }
        self.begin().await
    }

    async fn wait_out(&self, delay: RetryDelay) -> Result<(), StopReason> {
        match delay {
            RetryDelay::None => {}
            RetryDelay::Unsent(wait) => {
                let why = self.post_error.as_ref().map(|t| t.message.clone()).unwrap_or_default();
                let unsent = &self.run.inits.unsent;
                let (attempt, of) = (unsent.attempt(), unsent.most());
                self.report(Progress::Retrying { why, attempt, of, wait });
                self.calls.pause(wait).await?;
            }
            RetryDelay::SlowDown(wait) => self.calls.slow_down(&self.post.post_ref, wait).await?,
            RetryDelay::Stale(token) => {
                self.heed_signals()?;
                self.calls.renewed(&token).await?;
            }
            RetryDelay::Leave(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Whether a dead attempt may be followed by another, and the pause before it.
    async fn within_limits(&self) -> Result<(), StopReason> {
        let attempts = self.calls.journal.attempts(self.row.number).await?;
        let here = self.run.begun.is_some();
        match (self.phase(), &self.attempt) {
            (Some(Phase::Failed(_)), Some(last)) => {
                let last = Box::new(PostError::of_attempt(last));
                let no_retry = !self.options.retry_failed;
                if is_failed_for_good(&attempts) {
                    return Err(StopReason::FailedForGood { last });
                }
                if no_retry || self.run.failed_here > 1 {
                    return Err(StopReason::FailedAgain { last, no_retry });
                }
                self.report(Progress::Note(Note::TryingOnceMore { why: last.message }));
            }
            (Some(Phase::Lost | Phase::Abandoned), _) => {
                let now = self.calls.clock.now();
                let hour_ago = now.saturating_sub(SignedDuration::from_hours(1)).unwrap_or(now);
                let orphans: Vec<_> = attempts
                    .iter()
                    .filter(|a| matches!(a.phase, Phase::Lost | Phase::Abandoned))
                    .filter(|a| ![Some(NOT_SENT), Some(RESOLVED)].contains(&a.code.as_deref()))
                    .filter(|a| a.created_at > hour_ago && a.created_at <= now)
                    .collect();
                if let Some(first) = orphans.iter().map(|a| a.created_at).min()
                    && orphans.len() >= ORPHANS
                {
                    let next = first.saturating_add(SignedDuration::from_hours(1));
                    let next = next.unwrap_or(Timestamp::MAX);
                    return Err(StopReason::TooManyAttempts { attempts: orphans.len(), next });
                }
                if self.phase() == Some(Phase::Abandoned) {
                    self.report(Progress::Note(Note::UploadAbandoned));
                } else if here {
                    let wait = self.calls.timing.init_again;
                    self.report(Progress::Waiting { why: WaitReason::InitLost, wait });
                    self.calls.pause(wait).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    async fn init(&mut self) -> Result<(Event, AttemptUpdate), StopReason> {
        let plan = self.source.as_ref().map(|(_, plan)| plan);
        let Some(init) = self.post.init(plan) else { return Err(self.gone()) };
        let issued_at = self.calls.clock.now();
        let token = match self.calls.token().await {
            Ok(token) => token,
            Err(error) => return Ok(self.not_sent(error)),
        };
        let answer =
            init.send(&self.calls.client, &token).await.and_then(|answer| self.whole(answer));
        match answer {
            Ok(InitAnswer { publish_id, upload_url, .. }) => {
                self.run.inits.slowed = 0;
                self.run.inits.renewed = false;
                let publish_id = Some(publish_id);
                let issued_at = Some(issued_at);
                let issued_there = self.calls.client.server_now();
                let update = AttemptUpdate {
                    publish_id,
                    upload_url,
                    issued_at,
                    issued_there,
                    ..AttemptUpdate::default()
                };
                Ok((Event::InitAccepted, update))
            }
            Err(error) => {
                let (event, update) = self.init_failed(error, token);
                self.specify_unaudited_refusal().await;
                Ok((event, update))
            }
        }
    }

    /// A file's init must be answered with the URL for its bytes; a pull has none.
    fn whole(&self, mut answer: InitAnswer) -> Result<InitAnswer, Error> {
        if self.transfer == Transfer::Pull {
            answer.upload_url = None;
            return Ok(answer);
        }
        if answer.upload_url.is_some() {
            return Ok(answer);
        }
        Err(Error::NotTikTok {
            host: self.calls.client.api_host(),
            call: "init",
            status: 200,
            what: "an init answer without `upload_url`".into(),
        })
    }

    /// Sorts what came of an init into refused, put off, unclear and provably not sent.
    fn init_failed(&mut self, error: Error, token: Secret) -> (Event, AttemptUpdate) {
        let inits = &mut self.run.inits;
        let event = match &error {
            Error::Refused(refusal) if refusal.status < 500 => match refusal.code.reaction() {
                Reaction::Later => Event::InitUnclear,
                Reaction::RenewToken if !inits.renewed => {
                    inits.renewed = true;
                    inits.delay = RetryDelay::Stale(token);
                    Event::InitPutOff
                }
                Reaction::SlowDown if inits.slowed < SLOW_DOWNS => {
                    inits.slowed += 1;
                    inits.delay = RetryDelay::SlowDown(self.calls.asked_pause(refusal));
                    Event::InitPutOff
                }
                _ => Event::InitRefused,
            },
            Error::NotSent { .. } => return self.not_sent(error.into()),
            _ => Event::InitUnclear,
        };
        let post_error = post_error(&error);
        let update = post_error.update();
        self.failure = Some(error.kind());
        self.post_error = Some(post_error);
        (event, update)
    }

    /// What helps an app that is not audited depends on what the account and the post are.
    async fn specify_unaudited_refusal(&mut self) {
        let refused = self.post_error.as_mut().map(|refused| &mut refused.problem);
        let Some(problem) = refused.filter(|it| it.code == ErrorCode::UnauditedClient) else {
            return;
        };
        let unseen = self.post.asked.effective_privacy() == Privacy::SelfOnly;
        problem.code = match (self.preflight.is_private().await, unseen) {
            (true, false) => ErrorCode::UnauditedClientPost,
            (false, false) => ErrorCode::UnauditedClientBoth,
            (_, true) => ErrorCode::UnauditedClient,
        };
    }

    /// An init that provably never left: for want of a token, or of a connection.
    fn not_sent(&mut self, error: CallError) -> (Event, AttemptUpdate) {
        let post_error = error.post_error();
        let update = AttemptUpdate { code: Some(NOT_SENT.to_owned()), ..post_error.update() };
        self.failure = Some(error.kind());
        self.post_error = Some(post_error);
        let passes = matches!(&error, CallError::Api(error) if error.is_temporary());
        let again = passes.then(|| self.run.inits.unsent.pause());
        self.run.inits.delay = match again.flatten() {
            Some(wait) => RetryDelay::Unsent(wait),
            None => RetryDelay::Leave(error),
        };
        (Event::InitNotSent, update)
    }

    /// Completes the fingerprint; the intent to send the final chunk is recorded with it.
    async fn intend(&mut self) -> Result<(Event, AttemptUpdate), StopReason> {
        let Some((video, plan)) = self.source.clone() else {
            return Ok((Event::FileReplaced, AttemptUpdate::default()));
        };
        if let Some(event) = self.usable(&video).await? {
            return self.too_late(event).await;
        }
        if let Err(refused) = self.upload_url() {
            return Ok(*refused);
        }
        match self.fingerprint_to(&video, plan.size()).await {
            Ok(()) => {
                self.heed_signals()?;
                let update = AttemptUpdate {
                    fingerprint: Some(self.run.fingerprint.hex()),
                    ..AttemptUpdate::default()
                };
                // Whoever comes here from an open attempt has sent nothing of its final chunk.
                self.run.final_handed = false;
                Ok((Event::Intend, update))
            }
            Err(StopReason::File(VideoError::Changed { .. })) => Ok(self.file_changed()),
            Err(reason) => Err(reason),
        }
    }

    /// Makes the fingerprint of a file up to `end`, unless a signal comes or the disk hangs.
    async fn fingerprint_to(&self, video: &Video, end: u64) -> Result<(), StopReason> {
        tokio::select! {
            biased;
            signal = self.calls.shutdown.requested() => Err(StopReason::Interrupted(signal)),
            reached = self.run.fingerprint.reach(video, end, self.calls.timing.stall) => {
                reached.map_err(StopReason::File)
            }
        }
    }

    /// Whether the journal has the post as that of this very file.
    fn is_recorded(&self, video: &Video) -> bool {
        self.row.file.as_ref().is_some_and(|file| Version::File(file.identity) == video.version())
    }

    /// Whether the attempt's URL and file can still be used; the event if not.
    async fn usable(&self, video: &Video) -> Result<Option<Event>, StopReason> {
        match video.check_unchanged(self.calls.timing.stall).await {
            Ok(()) => {}
            Err(VideoError::Changed { .. }) => {
                return Ok(Some(Event::FileChanged { handed_over: self.run.final_handed }));
            }
            Err(error) => return Err(StopReason::File(error)),
        }
        let Some(attempt) = &self.attempt else { return Ok(None) };
        // A resumed attempt belongs to the file that it was planned for.
        if self.run.begun.is_none() && !self.is_recorded(video) {
            return Ok(Some(Event::FileReplaced));
        }
        let expired =
            self.clocks().longest(attempt).is_some_and(|age| age >= self.calls.timing.url_life);
        Ok(expired.then_some(Event::UrlExpired))
    }

    /// Sends one chunk until its outcome is an event.
    async fn send(&mut self, index: u32) -> Result<(Event, AttemptUpdate), StopReason> {
        loop {
            let Some((video, plan)) = self.source.clone() else {
                return Ok((Event::FileReplaced, AttemptUpdate::default()));
            };
            if let Some(event) = self.usable(&video).await? {
                return self.too_late(event).await;
            }
            let url = match self.upload_url() {
                Ok(url) => url,
                Err(refused) => return Ok(*refused),
            };
            self.heed_signals()?;
            self.announce(&plan, index);
            let end = self.put(&video, &plan, index, &url).await?;
            if let Some(outcome) = self.classify(end, &plan, index).await? {
                return Ok(outcome);
            }
        }
    }

    /// An expired URL in the run that got it means that the link is too slow to try again at once.
    async fn too_late(&mut self, event: Event) -> Result<(Event, AttemptUpdate), StopReason> {
        if event == Event::UrlExpired
            && self.run.begun.is_some()
            && let Some(phase @ Phase::Open { .. }) = self.phase()
            && let Some((_, plan)) = &self.source
        {
            #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
            let needs = plan.size() as f64 * 8.0 / 1e6 / self.calls.timing.url_life.as_secs_f64();
            let step = machine::step(self.transfer, phase, event);
            self.record(step.phase, &AttemptUpdate::default()).await?;
            return Err(StopReason::TooSlow { needs });
        }
        if matches!(event, Event::FileChanged { .. }) {
            return Ok(self.file_changed());
        }
        Ok((event, AttemptUpdate::default()))
    }

    fn file_changed(&mut self) -> (Event, AttemptUpdate) {
        let event = Event::FileChanged { handed_over: self.run.final_handed };
        let Some((video, _)) = &self.source else { return (event, AttemptUpdate::default()) };
        let error = video.changed();
        let post_error = error_of(ErrorCode::FileChanged, &error);
        let update = post_error.update();
        self.failure = Some(ErrorKind::Final);
        self.post_error = Some(post_error);
        (event, update)
    }

    /// Where the chunks go, if bytes may be sent there; else what is the matter with it.
    fn upload_url(&mut self) -> Result<UploadUrl, Box<(Event, AttemptUpdate)>> {
        let attempt = self.attempt.as_ref();
        let (journal, account) = (&self.calls.journal, &self.calls.account);
        let Some(url) = attempt.and_then(|attempt| journal.upload_url(account, attempt)) else {
            return Err(Box::new((Event::UrlGone, AttemptUpdate::default())));
        };
        UploadUrl::check(&url, self.calls.client.endpoints())
            .map_err(|error| Box::new(self.bad_url(&error)))
    }

    fn bad_url(&mut self, error: &tiktok_open::UploadUrlError) -> (Event, AttemptUpdate) {
        let post_error = error_of(ErrorCode::UploadUrlInvalid, error);
        let update = post_error.update();
        self.failure = Some(ErrorKind::Final);
        self.post_error = Some(post_error);
        (Event::BadUploadUrl, update)
    }

    /// One PUT, while the fingerprint runs along.
    async fn put(
        &mut self,
        video: &Video,
        plan: &Plan,
        index: u32,
        url: &UploadUrl,
    ) -> Result<PutEnd, StopReason> {
        let is_final = matches!(self.phase(), Some(Phase::FinalIntent { .. }));
        let content_type = self.post.checked_file().map_or("video/mp4", |file| file.content_type);
        let rate = &self.options.rate;
        let range = plan.range(index).ok_or(StopReason::OutOfStep)?;
        let age = self.attempt.as_ref().and_then(|attempt| self.clocks().longest(attempt));
        let deadline =
            Instant::now() + self.calls.timing.url_life.saturating_sub(age.unwrap_or_default());
        let fingerprint = &self.run.fingerprint;
        let chunk =
            ChunkPut { url, video, fingerprint, content_type, range, is_final, rate, deadline };
        let speed = SpeedWatch { begun: self.run.begun, plan, warned: &self.run.warned_slow };
        let report = |event| match event {
            ChunkEvent::Position(sent) => {
                self.report(Progress::Position { sent });
                let life = self.calls.timing.url_life;
                if let Some(takes) = speed.look(sent, life) {
                    self.report(Progress::Warning(Warning::SlowLink { takes, life }));
                }
            }
            ChunkEvent::Staying(wait) => {
                self.report(Progress::Waiting { why: WaitReason::FinalAnswer, wait });
            }
        };
        let put = chunk::put(
            &self.calls.client,
            &chunk,
            &self.calls.timing,
            &self.calls.shutdown,
            &report,
        );
        // What is sent is read once for both; a run that goes on with an upload has to make up for what
        // was sent before.
        let sent = if is_final || fingerprint.covered() >= range.first() {
            put.await
        } else {
            let covered = self.fingerprint_to(video, range.last() + 1);
            let (mut sent, covered) = chunk::beside(put, covered).await;
            match covered {
                // What is wrong with the file is why the chunk did not get there, not the link.
                Some(Err(StopReason::File(
                    error @ (VideoError::Io { .. } | VideoError::Stalled { .. }),
                ))) if matches!(sent.end, PutEnd::Failed(_) | PutEnd::Stalled { .. }) => {
                    sent.end = PutEnd::File(error);
                }
                // Before the final chunk it is made up for, and what is wrong told.
                Some(Ok(()) | Err(_)) | None => {}
            }
            sent
        };
        if is_final && sent.handed_over {
            self.run.final_handed = true;
            // The chunks before it were stored, or TikTok would not have asked for this one.
            self.run.sent_whole |= plan.is_last(index);
        }
        Ok(sent.end)
    }

    /// Makes an event of a PUT's end, or `None` to send the same chunk again.
    async fn classify(
        &mut self,
        end: PutEnd,
        plan: &Plan,
        index: u32,
    ) -> Result<Option<(Event, AttemptUpdate)>, StopReason> {
        let in_final = matches!(self.phase(), Some(Phase::FinalIntent { .. }));
        let event = match end {
            PutEnd::Answered(answer) => self.classify_answer(answer, plan, index).await?,
            PutEnd::FileChanged => return Ok(Some(self.file_changed())),
            PutEnd::Expired => return self.too_late(Event::UrlExpired).await.map(Some),
            PutEnd::File(error) => return Err(StopReason::File(error)),
            PutEnd::Interrupted => {
                let signal = self.calls.shutdown.asked().unwrap_or(Signal::INTERRUPT);
                return Err(StopReason::Interrupted(signal));
            }
            PutEnd::Stalled { after_body } => {
                let why = if after_body { "no answer to the chunk" } else { "the link stalled" };
                self.try_again(why.to_owned()).await?;
                Some(Event::ChunkUnclear)
            }
            // No other try would fare better.
            PutEnd::Failed(error) if error.obstacle().is_some() && !error.is_temporary() => {
                return Err(error.into());
            }
            PutEnd::Failed(error) => {
                self.try_again(error.to_string()).await?;
                let unsent = matches!(error, Error::NotSent { .. }) && !in_final;
                (!unsent).then_some(Event::ChunkUnclear)
            }
        };
        Ok(event.map(|event| (event, AttemptUpdate::default())))
    }

    async fn classify_answer(
        &mut self,
        answer: PutAnswer,
        plan: &Plan,
        index: u32,
    ) -> Result<Option<Event>, StopReason> {
        let in_final = matches!(self.phase(), Some(Phase::FinalIntent { .. }));
        match answer.status {
            201 => {
                self.stored(plan, index);
                if in_final && !plan.is_last(index) {
                    // Its status says otherwise. The chunk may be asked for again, but not for ever.
                    self.try_again("TikTok says that it has everything".into()).await?;
                }
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
            // Of the final chunk it says nothing: it may be there already, and this be a second one.
            400 if !in_final => Err(StopReason::ChunkRefused { status: 400 }),
            403 | 404 => Ok(Some(Event::UrlGone)),
            416 => {
                self.run.resyncs += 1;
                if self.run.resyncs > RESYNCS {
                    return Err(StopReason::OutOfStep);
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
        // What TikTok stores again after it was taken back is no progress.
        if index >= self.run.furthest {
            self.run.furthest = index + 1;
            self.run.tries.reset();
            self.run.resyncs = 0;
        }
        self.report(Progress::Position { sent: plan.boundary(index + 1) });
        self.report(Progress::ChunkStored { chunk: index + 1, of: plan.count() });
    }

    /// Counts a failed try of a chunk and waits before the next.
    async fn try_again(&mut self, why: String) -> Result<(), StopReason> {
        let Some(wait) = self.run.tries.pause() else {
            return Err(StopReason::ChunkFailed { why });
        };
        let (attempt, of) = (self.run.tries.attempt(), self.run.tries.most());
        self.report(Progress::Retrying { why, attempt, of, wait });
        self.calls.pause(wait).await?;
        Ok(())
    }

    fn announce(&mut self, plan: &Plan, index: u32) {
        if !std::mem::replace(&mut self.run.announced, true) {
            let (size, stored) = (plan.size(), plan.boundary(index));
            self.report(Progress::Sending { size, stored, chunks: plan.count() });
        }
    }

    /// Asks for the status: at once after an unclear chunk or a restart, at growing intervals while
    /// TikTok works.
    async fn poll_status(&mut self) -> Result<(Event, AttemptUpdate), StopReason> {
        self.wait_for_poll().await?;
        let reading = match self.status().await {
            // Everything is with TikTok: a status that cannot be had now can be had later.
            Err(StopReason::Call(CallError::Api(error)))
                if self.run.polling.is_some() && error.is_temporary() =>
            {
                self.report(Progress::Note(Note::NoStatusYet { why: error.to_string() }));
                StatusReading::processing()
            }
            asked => self.wait_for_id(asked?),
        };
        if let ReportedStatus::Processing { stored } = reading.seen {
            let more_to_send = match (self.phase(), self.transfer) {
                (Some(Phase::Open { .. }), Transfer::File { .. }) => true,
                (Some(Phase::FinalIntent { .. }), Transfer::File { chunks }) => {
                    stored.is_some_and(|stored| stored < chunks)
                }
                _ => false,
            };
            if !more_to_send && self.run.polling.is_none() {
                self.report(Progress::Processing);
                self.run.polling =
                    Some(Polling { since: Instant::now(), wait: self.calls.timing.poll_first });
            }
        }
        Ok(self.event_of(reading))
    }

    /// Right after an upload TikTok may not know the `publish_id` yet: as long as this run polls, that
    /// counts as still processing.
    fn wait_for_id(&mut self, reading: StatusReading) -> StatusReading {
        // Before its final chunk an attempt is simply given up: nothing can have been posted.
        let replaceable = matches!(
            (self.phase(), self.transfer),
            (Some(Phase::Open { .. }), Transfer::File { .. })
        );
        let age = self.attempt.as_ref().and_then(|attempt| self.clocks().age(attempt));
        let limit = self.calls.timing.poll_limit;
        let last = self.run.polling.as_ref().is_some_and(|p| p.since.elapsed() + p.wait >= limit);
        self.run.id_is_unknown = !replaceable && !last && reading.is_early(age);
        if !self.run.id_is_unknown {
            return reading;
        }
        if !std::mem::replace(&mut self.run.said_id_is_unknown, true) {
            self.report(Progress::Note(Note::IdUnknownYet));
        }
        StatusReading::processing()
    }

    /// What a reading is to the state machine, and what the journal keeps of it.
    fn event_of(&mut self, reading: StatusReading) -> (Event, AttemptUpdate) {
        if let ReportedStatus::Failed(failed) = reading.seen {
            self.run.failed_here += 1;
            let login = failed == Failed::AuthRemoved;
            self.failure = Some(if login { ErrorKind::Login } else { ErrorKind::Final });
        }
        if reading.post_ids.len() > 1 && reading.post_ids != self.post_ids {
            let ids = reading.post_ids.clone();
            self.report(Progress::Warning(Warning::SeveralPosts { ids }));
        }
        let completed = self
            .phase()
            .and_then(|phase| reading.completes(phase, self.transfer, self.run.sent_whole));
        if let Some(event) = completed {
            return (event, AttemptUpdate::default());
        }
        let event = Event::Status(reading.seen);
        let next = self.phase().map(|phase| machine::step(self.transfer, phase, event).phase);
        let update = next.map(|next| reading.update(next)).unwrap_or_default();
        self.post_error = reading.post_error;
        self.post_ids = reading.post_ids;
        (event, update)
    }

    async fn wait_for_poll(&mut self) -> Result<(), StopReason> {
        let all_sent = matches!(self.phase(), Some(Phase::Uploaded))
            || matches!((self.phase(), self.transfer), (Some(Phase::Open { .. }), Transfer::Pull));
        if all_sent && self.run.begun.is_some() && self.run.polling.is_none() {
            self.report(Progress::Processing);
            let wait = self.calls.timing.poll_first;
            self.run.polling = Some(Polling { since: Instant::now(), wait });
        }
        let Some(polling) = &mut self.run.polling else { return Ok(()) };
        let over = polling.since.elapsed() >= self.calls.timing.poll_limit;
        // Of an id that was never known the last answer counts, so it is asked for once more.
        if over && self.options.wait && std::mem::take(&mut self.run.id_is_unknown) {
            return Ok(());
        }
        if !self.options.wait || over {
            return Err(StopReason::StillProcessing);
        }
        let wait = polling.wait;
        polling.wait = (wait * 2).min(self.calls.timing.poll_cap);
        self.calls.pause(wait).await?;
        Ok(())
    }

    /// One status call.
    async fn status(&self) -> Result<StatusReading, StopReason> {
        let publish_id = self.attempt.as_ref().and_then(|attempt| attempt.publish_id.clone());
        let Some(publish_id) = publish_id else { return Ok(StatusReading::id_unknown(None)) };
        let plan = self.row.file.as_ref().and_then(recorded_plan);
        Ok(match self.calls.status(&self.post.post_ref, &publish_id).await {
            Ok(status) => StatusReading::of(status, plan.as_ref()),
            Err(error) => StatusReading::of_error(&error).ok_or(error)?,
        })
    }

    /// Waits for the server's proof that the final chunk never arrived: bytes missing on two reads far
    /// enough apart, both late enough after the issue of the URL.
    async fn prove(&mut self) -> Result<(Event, AttemptUpdate), StopReason> {
        loop {
            let reading = self.status().await?;
            let age = self.attempt.as_ref().and_then(|attempt| self.clocks().age(attempt));
            let ReportedStatus::Processing { stored } = reading.seen else {
                if reading.is_early(age) {
                    return Err(StopReason::StillProcessing);
                }
                return Ok(self.event_of(reading));
            };
            let missing = match self.transfer {
                Transfer::File { chunks } => stored.is_some_and(|stored| stored < chunks),
                Transfer::Pull => false,
            };
            let (Some(age), true) = (age, missing) else {
                return Err(StopReason::StillProcessing);
            };
            let left = signed(self.calls.timing.proof_age).saturating_sub(age);
            if left.is_positive() {
                let from = self.calls.clock.now().checked_add(left).unwrap_or(Timestamp::MAX);
                return Err(StopReason::WaitingForProof { from });
            }
            let first = *self.run.proof.get_or_insert_with(Instant::now);
            if first.elapsed() >= self.calls.timing.proof_gap {
                return Ok((Event::ProvedIncomplete, AttemptUpdate::default()));
            }
            let wait = self.calls.timing.proof_gap;
            self.report(Progress::Waiting { why: WaitReason::Proof, wait });
            self.calls.pause(wait + Duration::from_millis(1)).await?;
        }
    }

    /// What time it is, for the age of an attempt.
    fn clocks(&self) -> Clocks {
        Clocks::now(self.calls, self.run.begun.map(|begun| begun.elapsed()))
    }

    /// Leaves if a signal asked for it and nothing is on its way.
    fn heed_signals(&self) -> Result<(), StopReason> {
        self.calls.shutdown.asked().map_or(Ok(()), |signal| Err(StopReason::Interrupted(signal)))
    }

    /// Makes a phase durable, and remembers it. If that fails nothing more is sent.
    async fn record(&mut self, phase: Phase, update: &AttemptUpdate) -> Result<(), StopReason> {
        let Some(attempt) = &mut self.attempt else { return Ok(()) };
        if attempt.phase == phase {
            return Ok(());
        }
        // Reported even if the commit fails: the user may then be the only one who knows it.
        if attempt.publish_id.is_none() {
            attempt.publish_id.clone_from(&update.publish_id);
        }
        let journal = &self.calls.journal;
        match journal.advance(attempt, phase, update).await {
            Ok(advanced) => {
                *attempt = advanced;
                Ok(())
            }
            // This video is known: nothing of it may reach the final chunk.
            Err(error @ StoreError::Journal(JournalError::SameContent { .. })) => {
                let update = AttemptUpdate::default();
                *attempt = journal.advance(attempt, Phase::Abandoned, &update).await?;
                Err(error.into())
            }
            Err(error @ StoreError::Journal(JournalError::MovedOn { .. })) => {
                let attempts = journal.attempts(attempt.post).await?;
                match attempts.into_iter().next_back() {
                    Some(last) if last.number == attempt.number && last.phase.is_over() => {
                        *attempt = last;
                        // Use the last known status.
                        if attempt.phase == Phase::Unresolved && phase.is_done() {
                            *attempt = journal.advance(attempt, phase, update).await?;
                        }
                        Ok(())
                    }
                    _ => Err(error.into()),
                }
            }
            Err(error) => {
                let of_a_pull =
                    matches!(phase, Phase::Open { stored: 0 } | Phase::Rejected | Phase::Lost);
                let said_by_tiktok = phase.is_done()
                    || phase == Phase::Uploaded
                    || (self.transfer == Transfer::Pull && of_a_pull);
                if said_by_tiktok {
                    Err(StopReason::Unrecorded { phase, error })
                } else {
                    Err(error.into())
                }
            }
        }
    }

    fn gone(&self) -> StopReason {
        let path = self.post.asked.source.file().cloned().unwrap_or_default();
        let source = std::io::Error::from(std::io::ErrorKind::NotFound);
        StopReason::File(VideoError::Io { path, source })
    }

    fn report(&self, progress: Progress) {
        self.calls.events.progress(&self.post.post_ref, progress);
    }
}

/// An error if a file is not what was checked before the run. Of this attempt nothing was sent: the next
/// run checks the file as it is then.
async fn check_unsent(video: &Video, stall: Duration) -> Result<(), StopReason> {
    video.check_unchanged(stall).await.map_err(|error| {
        StopReason::File(match error {
            VideoError::Changed { path } => VideoError::Unchecked { path },
            error => error,
        })
    })
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

fn error_of(code: ErrorCode, error: &(impl Coded + ?Sized)) -> PostError {
    PostError::new(code, text::plain(&error.to_string()), error.problem())
}
