//! One post, driven from where the journal has it to its true outcome.
//!
//! [`PostRunner::run`] is the loop of the state machine: perform an action, hand its event to
//! [`machine::step`], **make the new phase durable**, perform the next action. Whatever makes the run leave
//! early (a signal, a full disk, no token) is a [`StopReason`] and changes no phase.
//!
//! What stands here besides is how an attempt begins: the preflight check, the quota, then its intent is
//! durable. Its init is sent. A local file's init is harmless without its answer. A pull's or a photo post's
//! makes the post, so it is repeated only after an answer that proves that nothing was begun, and the proof
//! is durable before the pause: a crash in the middle of it must not look like an init on its way. The
//! chunks are sent by [`ChunkSender`], the status is asked by [`StatusPoller`]; neither records anything.

use std::time::Duration;

use tiktok_open::{Error, InitAnswer, Privacy, Reaction};
use tokio::time::Instant;

use crate::api::post_error;
use crate::clock::Deadline;
use crate::engine::Options;
use crate::engine::attempt::{Current, Outcome, Told, heed_signals};
use crate::engine::calls::{CallError, Calls, SLOW_DOWNS};
use crate::engine::events::{Note, Progress, WaitReason, Warning};
use crate::engine::poller::StatusPoller;
use crate::engine::post::PreparedPost;
use crate::engine::preflight::Preflight;
use crate::engine::sender::{CHUNK_TRIES, ChunkSender};
use crate::engine::stop::StopReason;
use crate::engine::tries::{NOT_SENT, may_follow};
use crate::model::{
    Action, Attempt, AttemptUpdate, Event, Phase, Plan, PostError, RecordedPost, Step, Transfer,
    machine,
};
use crate::problem::{Coded as _, ErrorCode, ErrorKind};
use crate::retry::Backoff;
use crate::secret::Secret;
use crate::source::{Video, VideoError, check_finished};
use crate::store::{JournalError, StoreError};

/// One post on its way.
pub(super) struct PostRunner<'a> {
    calls: &'a Calls,
    preflight: &'a Preflight,
    options: &'a Options,
    post: &'a PreparedPost,
    pub(super) row: RecordedPost,
    chunks: ChunkSender<'a>,
    statuses: StatusPoller<'a>,
    transfer: Transfer,
    /// The last attempt, if there was one.
    pub(super) attempt: Option<Attempt>,
    /// The refusal or failure behind the last phase.
    pub(super) post_error: Option<PostError>,
    /// The kind of trouble that this was.
    pub(super) failure: Option<ErrorKind>,
    inits: Inits,
    /// When the init of the current attempt was sent, if this run sent it.
    begun: Option<Instant>,
    /// What the init of the current attempt is sent with.
    ready: Option<Ready>,
    /// Whether the post's file is not the entry's.
    is_replaced: bool,
    /// Whether the entry asks for other settings than those with which a resumed attempt may arrive.
    settings_are_late: bool,
}

/// What an init is sent with.
struct Ready {
    token: Secret,
    /// Until then the account is certain to be this run's own: its lease was renewed before the intent was recorded. A
    /// machine may sleep at any moment after that, and others take over, and be told by a person that nothing comes.
    until: Deadline,
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
        let unsent = Backoff::new(timing.backoff_base, timing.backoff_cap, CHUNK_TRIES);
        let attempt = row.last.clone();
        Self {
            calls,
            preflight,
            options,
            post,
            chunks: ChunkSender::new(calls, options, post, &row, source),
            statuses: StatusPoller::new(calls, options, &post.post_ref, &row),
            row,
            transfer,
            attempt,
            post_error: None,
            failure: None,
            inits: Inits { unsent, slowed: 0, renewed: false, delay: RetryDelay::None },
            begun: None,
            ready: None,
            is_replaced: false,
            settings_are_late: false,
        }
    }

    /// The same of a post whose file is not the entry's: it is brought to its end, and not begun again.
    pub(super) fn of_other_file(mut self, is_other: bool) -> Self {
        self.is_replaced = is_other;
        self
    }

    /// The phase of the last attempt.
    pub(super) fn phase(&self) -> Option<Phase> {
        self.attempt.as_ref().map(|attempt| attempt.phase)
    }

    /// Ids of public posts that TikTok told.
    pub(super) fn post_ids(&self) -> &[u64] {
        self.statuses.post_ids()
    }

    /// Drives the post until it is over or the run has to leave it.
    pub(super) async fn run(&mut self) -> Result<(), StopReason> {
        // What has nothing to send is not given up here while another machine has it.
        let may_be_sent = |phase: Phase| {
            phase.allows_another() || matches!(phase, Phase::InitIntent | Phase::Open { .. })
        };
        if self.row.elsewhere.is_some()
            && self.chunks.source().is_none()
            && !self.post.asked.source.is_pulled()
            && self.phase().is_none_or(may_be_sent)
        {
            return Err(StopReason::not_here(self.post, Some(&self.row)));
        }
        // The account is this run's own before TikTok is asked for anything that decides what is recorded.
        self.calls.claim.recorder().await?;
        let mut step = match self.phase() {
            None => self.begin().await?,
            Some(phase) => {
                if !self.is_replaced {
                    self.check_settings(phase).await?;
                }
                let found = machine::resume(self.transfer, phase);
                self.record(found.phase, &AttemptUpdate::default()).await?;
                found
            }
        };
        loop {
            self.tell_settings_are_late();
            let now = self.attempt.as_ref().map(|attempt| Current {
                attempt,
                transfer: self.transfer,
                begun: self.begun,
                sent_whole: self.chunks.sent_whole(),
            });
            let outcome = match (step.action, now) {
                (Action::Stop, _) | (_, None) => return Ok(()),
                // What lies there now is another post's.
                (Action::Again, _) if self.is_replaced => return Ok(()),
                // It is to be looked up anew, and waits for its time then.
                (Action::Again, _) if !self.is_due() => return Err(StopReason::Replaced),
                (Action::Again, _) => {
                    step = self.again().await?;
                    continue;
                }
                (Action::Init, _) => self.init().await?,
                // What TikTok does not have yet it would get as it was asked for before: the entry is begun again
                // once it is sure that nothing comes of this attempt.
                (Action::Send { .. } | Action::Intend, Some(_))
                    if self.settings_are_late && self.begun.is_none() =>
                {
                    Outcome::of(Event::SettingsChanged)
                }
                (Action::Intend, Some(now)) => self.chunks.intend(now).await?,
                (Action::Send { index }, Some(now)) => self.chunks.send(index, now).await?,
                (Action::Ask, Some(now)) => self.statuses.poll(now).await?,
                (Action::Prove, Some(now)) => self.statuses.prove(now).await?,
            };
            let Outcome { event, update, told, failure, leave } = outcome;
            if let Told::Instead(error) = told {
                self.post_error = error;
            }
            self.failure = failure.or(self.failure);
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
            if let Some(reason) = leave {
                return Err(reason);
            }
        }
    }

    /// An upload goes on with the settings that its init declared. If the entry asks for others by now
    /// (it may be seen by fewer people), or for a later time, it is begun again while nothing can have been posted.
    async fn check_settings(&mut self, phase: Phase) -> Result<(), StopReason> {
        if phase.is_over() || (self.row.settings == self.post.settings_hash() && self.is_due()) {
            return Ok(());
        }
        let step = machine::step(self.transfer, phase, Event::SettingsChanged);
        if step.phase == Phase::Abandoned {
            self.record(step.phase, &AttemptUpdate::default()).await?;
            self.report(Progress::Note(Note::SettingsChanged));
            return Err(StopReason::Replaced);
        }
        // If it never arrived, the next attempt has the new ones.
        self.settings_are_late = true;
        Ok(())
    }

    fn is_due(&self) -> bool {
        self.post.asked.is_due(self.calls.clock.now())
    }

    /// Tells that TikTok has the post with settings that the entry does not ask for any more, once that is sure.
    fn tell_settings_are_late(&mut self) {
        let is_there = match self.phase() {
            Some(Phase::Uploaded | Phase::Published | Phase::Inboxed) => true,
            Some(Phase::Open { .. }) => self.transfer == Transfer::Pull,
            _ => false,
        };
        if is_there && self.begun.is_none() && std::mem::take(&mut self.settings_are_late) {
            self.report(Progress::Warning(Warning::SettingsChangedTooLate));
        }
    }

    /// Starts an attempt: its intent is durable when this returns.
    async fn begin(&mut self) -> Result<Step, StopReason> {
        if let Some((video, plan)) = self.chunks.source() {
            check_unsent(video, self.calls.timing.stall).await?;
            if !self.chunks.is_recorded() {
                return Err(StopReason::Replaced);
            }
            self.transfer = Transfer::File { chunks: plan.count() };
        } else if !self.post.asked.source.is_pulled() {
            return Err(StopReason::not_here(self.post, Some(&self.row)));
        }
        self.preflight.check(self.post).await?;
        let token = self.calls.ready_for_init(&self.post.post_ref).await?;
        if let Some((video, _)) = self.chunks.source() {
            // A batch may take hours, and a quota minutes: no init is spent on what changed meanwhile.
            check_finished(video).await.map_err(StopReason::File)?;
            check_unsent(video, self.calls.timing.stall).await?;
        }
        // The last moment: what the intent below announces must follow it.
        heed_signals(self.calls)?;
        let until = Deadline::after(self.calls.timing.lease);
        self.calls.claim.renew().await?;
        self.attempt =
            Some(self.calls.claim.recorder().await?.begin_attempt(self.row.number).await?);
        self.begun = Some(Instant::now());
        self.ready = Some(Ready { token, until });
        self.settings_are_late = false;
        self.chunks.begin();
        self.statuses.begin();
        Ok(Step { phase: Phase::InitIntent, action: Action::Init })
    }

    /// A new attempt after a dead one, within the limits.
    async fn again(&mut self) -> Result<Step, StopReason> {
        match std::mem::take(&mut self.inits.delay) {
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
                let unsent = &self.inits.unsent;
                let (attempt, of) = (unsent.attempt(), unsent.most());
                self.report(Progress::Retrying { why, attempt, of, wait });
                self.calls.pause(wait).await?;
            }
            RetryDelay::SlowDown(wait) => self.calls.slow_down(&self.post.post_ref, wait).await?,
            RetryDelay::Stale(token) => {
                heed_signals(self.calls)?;
                self.calls.renewed(&token).await?;
            }
            RetryDelay::Leave(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Whether a dead attempt may be followed by another, and the pause before it.
    async fn within_limits(&self) -> Result<(), StopReason> {
        let attempts = self.calls.journal.attempts(self.row.number).await?;
        let (failed_here, retry_failed) = (self.statuses.failed(), self.options.retry_failed);
        may_follow(&attempts, failed_here, retry_failed, self.calls.clock.now())?;
        match (self.phase(), &self.attempt) {
            (Some(Phase::Failed(_)), Some(last)) => {
                let why = PostError::of_attempt(last).message;
                self.report(Progress::Note(Note::TryingOnceMore { why }));
            }
            // What somebody called not posted was not cut off, and without its file nothing starts over.
            (Some(Phase::Abandoned), Some(last))
                if last.code.as_deref() != Some(ErrorCode::ResolvedByHand.as_str())
                    && self.chunks.source().is_some() =>
            {
                self.report(Progress::Note(Note::UploadAbandoned));
            }
            (Some(Phase::Lost), _) if self.begun.is_some() => {
                let wait = self.calls.timing.init_again;
                let came = self.post_error.as_ref().map(|came| came.message.clone());
                let why = WaitReason::InitUnclear { came: came.unwrap_or_default() };
                self.report(Progress::Waiting { why, wait });
                self.calls.pause(wait).await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Sends the init, whatever comes of it.
    async fn init(&mut self) -> Result<Outcome, StopReason> {
        let plan = self.chunks.source().map(|(_, plan)| plan);
        let Some(init) = self.post.init(plan) else {
            return Err(StopReason::not_here(self.post, Some(&self.row)));
        };
        let Some(Ready { token, until }) = self.ready.take() else {
            return Err(StopReason::OutOfStep);
        };
        let issued_at = self.calls.clock.now();
        let client = self.calls.client.only_while(move || !until.is_over());
        let answer = init.send(&client, &token).await.and_then(|answer| self.whole(answer));
        match answer {
            Ok(InitAnswer { publish_id, upload_url, .. }) => {
                self.inits.slowed = 0;
                self.inits.renewed = false;
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
                Ok(Outcome { update, ..Outcome::of(Event::InitAccepted) })
            }
            Err(error) => {
                let outcome = self.init_failed(error, token);
                self.specify_unaudited_refusal().await;
                Ok(outcome)
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
    fn init_failed(&mut self, error: Error, token: Secret) -> Outcome {
        let inits = &mut self.inits;
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
        Outcome { update, ..Outcome::of(event) }
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

    /// An init that provably never left: for want of a connection, or of time.
    fn not_sent(&mut self, error: CallError) -> Outcome {
        let post_error = error.post_error();
        let update = AttemptUpdate { code: Some(NOT_SENT.to_owned()), ..post_error.update() };
        self.failure = Some(error.kind());
        self.post_error = Some(post_error);
        let passes = matches!(&error, CallError::Api(error) if error.is_temporary());
        let again = passes.then(|| self.inits.unsent.pause());
        self.inits.delay = match again.flatten() {
            Some(wait) => RetryDelay::Unsent(wait),
            None => RetryDelay::Leave(error),
        };
        Outcome { update, ..Outcome::of(Event::InitNotSent) }
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
        let (journal, recorder) = (&self.calls.journal, self.calls.claim.recorder().await?);
        match recorder.advance(attempt, phase, update).await {
            Ok(advanced) => {
                *attempt = advanced;
                Ok(())
            }
            // This video is known: nothing of it may reach the final chunk.
            Err(error @ StoreError::Journal(JournalError::SameContent { .. })) => {
                let update = AttemptUpdate::default();
                *attempt = recorder.advance(attempt, Phase::Abandoned, &update).await?;
                Err(error.into())
            }
            Err(error @ StoreError::Journal(JournalError::MovedOn { .. })) => {
                let attempts = journal.attempts(attempt.post).await?;
                match attempts.into_iter().next_back() {
                    Some(last) if last.number == attempt.number && last.phase.is_over() => {
                        *attempt = last;
                        // Use the last known status.
                        if attempt.phase == Phase::Unresolved && phase.is_done() {
                            *attempt = recorder.advance(attempt, phase, update).await?;
                        }
                        Ok(())
                    }
                    _ => Err(error.into()),
                }
            }
            Err(error) => {
                let of_a_pull =
                    matches!(phase, Phase::Open { stored: 0 } | Phase::Rejected | Phase::Lost);
                let of_a_pull = self.transfer == Transfer::Pull && of_a_pull;
                // By its `publish_id` whoever has the account now is told the same.
                let is_told_again = error.is_taken_over();
                let said_by_tiktok = phase.is_done() || phase == Phase::Uploaded;
                if of_a_pull || (said_by_tiktok && !is_told_again) {
                    Err(StopReason::Unrecorded { phase, error })
                } else {
                    Err(error.into())
                }
            }
        }
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
