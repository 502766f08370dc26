//! One post, driven from where the journal has it to its true outcome.
//!
//! The loop is the state machine's: perform an action, hand the event to [`machine::step`], make the new
//! phase durable, perform the next action. Whatever makes the run leave early (a signal, a full disk,
//! no token) is a `Leave` and changes no phase.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::Clock;
use crate::exit::Exit;
use crate::journal::JournalError;
use crate::model::{
    Action, Attempt, AttemptUpdate, Event, Phase, Plan, PostError, RecordedPost, Transfer, machine,
};
use crate::retry::Backoff;
use crate::upload::age::Clocks;
use crate::upload::calls::{Authority, Calls};
use crate::upload::gate::Gate;
use crate::upload::init::Inits;
use crate::upload::leave::Leave;
use crate::upload::pace::Pace;
use crate::upload::post::PreparedPost;
use crate::upload::report::Progress;
use crate::upload::video::{Fingerprint, Video, VideoError};

/// Tries of one chunk without progress.
const CHUNK_TRIES: u32 = 6;

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
    pub(super) post: &'a PreparedPost,
    pub(super) row: RecordedPost,
    /// The open file and its plan; `None` for pulls, and for a file that is gone.
    pub(super) source: Option<(Video, Plan)>,
    pub(super) transfer: Transfer,
    /// The last attempt, if there was one.
    pub(super) attempt: Option<Attempt>,
    /// What TikTok last said about it.
    pub(super) post_ids: Vec<u64>,
    /// The refusal or failure behind the last phase.
    pub(super) trouble: Option<PostError>,
    pub(super) exit: Option<Exit>,
    pub(super) run: RunState,
}

/// What only this run knows.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct RunState {
    pub(super) tries: Backoff,
    /// The most chunks that TikTok had so far in this attempt: only more of them is progress.
    pub(super) furthest: u32,
    pub(super) resyncs: u32,
    pub(super) inits: Inits,
    pub(super) polling: Option<Polling>,
    /// The init of the current attempt was sent by this run, at this moment.
    pub(super) begun: Option<Instant>,
    /// Whether the final chunk's last block may have been handed over in this attempt.
    pub(super) final_handed: bool,
    /// Whether this run has sent every byte of the attempt's file, the last ones included.
    pub(super) sent_whole: bool,
    pub(super) failed_here: usize,
    pub(super) proof: Option<Instant>,
    pub(super) fingerprint: Fingerprint,
    pub(super) warned_slow: AtomicBool,
    pub(super) announced: bool,
    /// Whether TikTok did not know the `publish_id` when it was last asked, as may be in the beginning.
    pub(super) id_is_unknown: bool,
    pub(super) said_id_is_unknown: bool,
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
        post: &'a PreparedPost,
        row: RecordedPost,
        source: Option<(Video, Plan)>,
    ) -> Self {
        let timing = calls.timing;
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
            inits: Inits::new(backoff()),
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
                self.check_settings(phase)?;
                let found = machine::resume(self.transfer, phase);
                self.record(found.phase, &AttemptUpdate::default())?;
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
            step = machine::step(self.transfer, phase, event);
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

    /// An upload goes on with the settings that its init declared. If the entry asks for others by now
    /// (it may be seen by fewer people), it is begun again while nothing can have been posted.
    fn check_settings(&mut self, phase: Phase) -> Result<(), Leave> {
        if phase.is_over() || self.row.settings == self.post.settings_hash() {
            return Ok(());
        }
        let step = machine::step(self.transfer, phase, Event::SettingsChanged);
        if step.phase == Phase::Abandoned {
            self.record(step.phase, &AttemptUpdate::default())?;
            self.tell(&Progress::Note("its settings were changed; starting over".into()));
            return Err(Leave::Replaced);
        }
        let late = "its settings were changed too late: TikTok has it with those of before";
        self.tell(&Progress::Warning(late.into()));
        Ok(())
    }

    /// What time it is, for the age of an attempt.
    pub(super) fn clocks(&self) -> Clocks {
        self.calls.clocks(self.run.begun.map(|begun| begun.elapsed()))
    }

    /// Leaves if a signal asked for it and nothing is on its way.
    pub(super) fn heed_signals(&self) -> Result<(), Leave> {
        self.calls.shutdown.asked().map_or(Ok(()), |signal| Err(Leave::Interrupted(signal)))
    }

    /// Makes a phase durable, and remembers it. If that fails nothing more is sent.
    pub(super) fn record(&mut self, phase: Phase, facts: &AttemptUpdate) -> Result<(), Leave> {
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
                self.calls.journal.advance(attempt, Phase::Abandoned, &AttemptUpdate::default())?;
                Err(error.into())
            }
            Err(error @ JournalError::MovedOn { .. }) => {
                let attempts = self.calls.journal.attempts(attempt.post)?;
                match attempts.into_iter().next_back() {
                    Some(last) if last.number == attempt.number && last.phase.is_over() => {
                        *attempt = last;
                        // A word in hand is better than none.
                        if attempt.phase == Phase::Unresolved && phase.is_done() {
                            self.calls.journal.advance(attempt, phase, facts)?;
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
                    Err(Leave::Unrecorded { phase, error })
                } else {
                    Err(error.into())
                }
            }
        }
    }

    pub(super) fn gone(&self) -> Leave {
        let path = self.post.asked.source.file().cloned().unwrap_or_default();
        let source = std::io::Error::from(std::io::ErrorKind::NotFound);
        Leave::File(VideoError::Io { path, source })
    }

    pub(super) fn tell(&self, progress: &Progress) {
        self.calls.reporter.progress(&self.post.subject, progress);
    }
}
