//! One post, driven from where the journal has it to its true outcome.
//!
//! The loop is the state machine's: perform an action, hand the event to [`state::step`], make the new
//! phase durable, perform the next action. Whatever makes the run leave early (a signal, a full disk,
//! no token) is a `Leave` and changes no phase.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::exit::Exit;
use crate::journal::{self, Facts, JournalError};
use crate::retry::Backoff;
use crate::tiktok::{Error, Reaction};
use crate::upload::calls::{Authority, CallError, Calls};
use crate::upload::gate::Gate;
use crate::upload::leave::Leave;
use crate::upload::pace::Pace;
use crate::upload::plan::Plan;
use crate::upload::post::Post;
use crate::upload::report::{Progress, Trouble};
use crate::upload::state::{self, Action, Event, Phase, Step, Transfer};
use crate::upload::video::{Fingerprint, Video, VideoError};

/// Tries of one chunk without progress.
const CHUNK_TRIES: u32 = 6;
/// Attempts of one post within an hour whose init came to nothing at TikTok.
const ORPHANS: usize = 2;
/// Attempts of one post that TikTok failed with a reason that permits another.
const FAILED_ATTEMPTS: usize = 3;
/// The recorded reason of an attempt whose init provably never left.
const NOT_SENT: &str = "not_sent";

/// What a run was told to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// Wait until TikTok has worked off each post.
    pub wait: bool,
    /// `--chunk-size`.
    pub chunk_size: Option<u64>,
    /// Post again what was posted before.
    pub repost: bool,
    /// Start a post over that TikTok failed with an error of its own.
    pub retry_failed: bool,
    /// `--limit-rate`.
    pub pace: Pace,
    /// The time of day.
    pub clock: Clock,
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
    pub(super) run: RunState,
}

/// What only this run knows.
pub(super) struct RunState {
    pub(super) tries: Backoff,
    pub(super) unsent: Backoff,
    /// After an init that provably never left: the pause before the next, or why there is none.
    pub(super) unsent_wait: Result<Option<Duration>, CallError>,
    pub(super) resyncs: u32,
    pub(super) polling: Option<Polling>,
    /// The init of the current attempt was sent by this run, at this moment.
    pub(super) begun: Option<Instant>,
    /// Whether the final chunk's last block may have been handed over in this attempt.
    pub(super) final_handed: bool,
    pub(super) failed_here: usize,
    pub(super) proof: Option<Timestamp>,
    pub(super) fingerprint: Fingerprint,
    pub(super) warned_slow: AtomicBool,
    pub(super) announced: bool,
}

pub(super) struct Polling {
    pub(super) since: Instant,
    pub(super) wait: Duration,
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
            // What is under way keeps the plan that its init declared, whatever the file is now.
            let begun = row.last.as_ref().filter(|attempt| !attempt.phase.is_over());
            let recorded = || row.file().map_or(1, |file| file.chunks);
            let planned = || source.as_ref().map_or_else(recorded, |(_, plan)| plan.count());
            begun.map_or_else(|| Transfer::File { chunks: planned() }, |begun| begun.transfer)
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
            if self.phase() != Some(step.phase) {
                // Another run asked TikTok too, and was told the end first.
                return Ok(());
            }
            if (event, step.phase) == (Event::FileReplaced, Phase::Abandoned) {
                self.tell(&Progress::Note("the file is another one now; starting over".into()));
                return Err(Leave::Replaced);
            }
        }
    }

    /// Makes a phase durable, and remembers it. If that fails nothing more is sent.
    pub(super) fn record(&mut self, phase: Phase, facts: &Facts) -> Result<(), Leave> {
        let Some(attempt) = &mut self.attempt else { return Ok(()) };
        if attempt.phase == phase {
            return Ok(());
        }
        // Reported even if the commit fails: the user may then be the only one who knows it.
        if attempt.publish_id.is_none() {
            attempt.publish_id.clone_from(&facts.publish_id);
        }
        match self.calls.journal.advance(attempt, phase, facts) {
            Ok(()) => Ok(()),
            // This video is known: nothing of it may reach the final chunk.
            Err(error @ JournalError::SameContent { .. }) => {
                self.calls.journal.advance(attempt, Phase::Abandoned, &Facts::default())?;
                Err(error.into())
            }
            Err(error @ JournalError::MovedOn { .. }) => {
                let attempts = self.calls.journal.attempts(attempt.post)?;
                match attempts.into_iter().next_back() {
                    Some(last) if last.number == attempt.number && last.phase.is_over() => {
                        *attempt = last;
                        Ok(())
                    }
                    _ => Err(error.into()),
                }
            }
            Err(error) => {
                let said_by_tiktok = phase.is_done()
                    || phase == Phase::Uploaded
                    || (self.transfer == Transfer::Pull && phase == Phase::Open { stored: 0 });
                if said_by_tiktok {
                    Err(Leave::Unrecorded { phase, error })
                } else {
                    Err(error.into())
                }
            }
        }
    }

    /// Starts an attempt: its intent is durable when this returns.
    async fn begin(&mut self) -> Result<Step, Leave> {
        if let Some((video, plan)) = &self.source {
            video.check_unchanged().map_err(Leave::File)?;
            if self.row.file().is_none_or(|file| file.identity != video.identity()) {
                return Err(Leave::Replaced);
            }
            self.transfer = Transfer::File { chunks: plan.count() };
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
        let enough =
            failed >= FAILED_ATTEMPTS || self.run.failed_here > 1 || !self.options.retry_failed;
        match self.phase() {
            Some(Phase::Failed(_)) if enough => {
                let last = attempts.last().map(Trouble::of_attempt).map(Box::new);
                return Err(Leave::NoMoreAttempts { next: None, last });
            }
            Some(Phase::Failed(_)) => {
                let last = attempts.last().map(Trouble::of_attempt);
                let why = last.map(|last| last.message).unwrap_or_default();
                self.tell(&Progress::Note(format!("{why}; trying it once more")));
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
                    return Err(Leave::NoMoreAttempts { next, last: None });
                }
                if self.phase() == Some(Phase::Abandoned) {
                    let why = "TikTok takes no more of the upload that was begun; starting over";
                    self.tell(&Progress::Note(why.into()));
                } else if here {
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

    pub(super) fn tell(&self, progress: &Progress) {
        self.calls.reporter.progress(&self.post.subject, progress);
    }
}
