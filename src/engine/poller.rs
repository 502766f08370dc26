//! What TikTok says of a post that this run works on: asked while TikTok works, after an unclear chunk, and for
//! the proof that the final chunk never arrived.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::engine::Options;
use crate::engine::attempt::{Current, Outcome, Told};
use crate::engine::calls::{CallError, Calls};
use crate::engine::events::{Note, Progress, WaitReason, Warning};
use crate::engine::status::{StatusReading, recorded_plan};
use crate::engine::stop::StopReason;
use crate::model::{
    Event, Failed, Phase, Plan, PostRef, RecordedPost, ReportedStatus, Transfer, machine,
};
use crate::problem::{Coded as _, ErrorKind};

/// Asks for the status of one post.
pub(super) struct StatusPoller<'a> {
    calls: &'a Calls,
    options: &'a Options,
    post_ref: &'a PostRef,
    /// The chunks that the attempt was begun with, if it is of a file.
    plan: Option<Plan>,
    polling: Option<Polling>,
    /// The first of the two reads that prove that the final chunk never arrived.
    proof: Option<Instant>,
    /// How many attempts of this run TikTok has failed.
    failed: usize,
    /// Ids of public posts that TikTok told.
    post_ids: Vec<u64>,
    /// Whether TikTok did not know the `publish_id` when it was last asked, as may be in the beginning.
    id_is_unknown: bool,
    said_id_is_unknown: bool,
}

/// The polling of a post that TikTok works on.
struct Polling {
    since: Instant,
    /// The pause before the next status call.
    wait: Duration,
}

impl<'a> StatusPoller<'a> {
    pub(super) fn new(
        calls: &'a Calls,
        options: &'a Options,
        post_ref: &'a PostRef,
        row: &RecordedPost,
    ) -> Self {
        Self {
            calls,
            options,
            post_ref,
            plan: row.file.as_ref().and_then(recorded_plan),
            polling: None,
            proof: None,
            failed: 0,
            post_ids: Vec::new(),
            id_is_unknown: false,
            said_id_is_unknown: false,
        }
    }

    /// A new attempt begins.
    pub(super) fn begin(&mut self) {
        self.proof = None;
        self.polling = None;
    }

    /// How many attempts of this run TikTok has failed.
    pub(super) fn failed(&self) -> usize {
        self.failed
    }

    /// Ids of public posts that TikTok told.
    pub(super) fn post_ids(&self) -> &[u64] {
        &self.post_ids
    }

    /// Asks for the status: at once after an unclear chunk or a restart, at growing intervals while
    /// TikTok works.
    pub(super) async fn poll(&mut self, now: Current<'_>) -> Result<Outcome, StopReason> {
        self.wait_for_poll(now).await?;
        let reading = match self.status(now).await {
            // Everything is with TikTok: a status that cannot be had now can be had later.
            Err(StopReason::Call(CallError::Api(error)))
                if self.polling.is_some() && error.is_temporary() =>
            {
                self.report(Progress::Note(Note::NoStatusYet { why: error.to_string() }));
                StatusReading::processing()
            }
            asked => self.wait_for_id(asked?, now),
        };
        if let ReportedStatus::Processing { stored } = reading.seen {
            let more_to_send = match (now.attempt.phase, now.transfer) {
                (Phase::Open { .. }, Transfer::File { .. }) => true,
                (Phase::FinalIntent { .. }, Transfer::File { chunks }) => {
                    stored.is_some_and(|stored| stored < chunks)
                }
                _ => false,
            };
            if !more_to_send && self.polling.is_none() {
                self.report(Progress::Processing);
                self.polling =
                    Some(Polling { since: Instant::now(), wait: self.calls.timing.poll_first });
            }
        }
        Ok(self.outcome_of(reading, now))
    }

    /// Right after an upload TikTok may not know the `publish_id` yet: as long as this run polls, that
    /// counts as still processing.
    fn wait_for_id(&mut self, reading: StatusReading, now: Current<'_>) -> StatusReading {
        // Before its final chunk an attempt is simply given up: nothing can have been posted.
        let replaceable = matches!(
            (now.attempt.phase, now.transfer),
            (Phase::Open { .. }, Transfer::File { .. })
        );
        let age = now.clocks(self.calls).age(now.attempt);
        let limit = self.calls.timing.poll_limit;
        let last = self.polling.as_ref().is_some_and(|p| p.since.elapsed() + p.wait >= limit);
        self.id_is_unknown = !replaceable && !last && reading.is_early(age);
        if !self.id_is_unknown {
            return reading;
        }
        if !std::mem::replace(&mut self.said_id_is_unknown, true) {
            self.report(Progress::Note(Note::IdUnknownYet));
        }
        StatusReading::processing()
    }

    /// What a reading is to the state machine, and what the journal keeps of it.
    fn outcome_of(&mut self, reading: StatusReading, now: Current<'_>) -> Outcome {
        let mut failure = None;
        if let ReportedStatus::Failed(failed) = reading.seen {
            self.failed += 1;
            let login = failed == Failed::AuthRemoved;
            failure = Some(if login { ErrorKind::Login } else { ErrorKind::Final });
        }
        if reading.post_ids.len() > 1 && reading.post_ids != self.post_ids {
            let ids = reading.post_ids.clone();
            self.report(Progress::Warning(Warning::SeveralPosts { ids }));
        }
        let phase = now.attempt.phase;
        if let Some(event) = reading.completes(phase, now.transfer, now.sent_whole) {
            return Outcome::of(event);
        }
        let event = Event::Status(reading.seen);
        let update = reading.update(machine::step(now.transfer, phase, event).phase);
        let told = Told::Instead(reading.post_error);
        self.post_ids = reading.post_ids;
        Outcome { update, told, failure, ..Outcome::of(event) }
    }

    async fn wait_for_poll(&mut self, now: Current<'_>) -> Result<(), StopReason> {
        let all_sent = matches!(
            (now.attempt.phase, now.transfer),
            (Phase::Uploaded, _) | (Phase::Open { .. }, Transfer::Pull)
        );
        if all_sent && now.begun.is_some() && self.polling.is_none() {
            self.report(Progress::Processing);
            let wait = self.calls.timing.poll_first;
            self.polling = Some(Polling { since: Instant::now(), wait });
        }
        let Some(polling) = &mut self.polling else { return Ok(()) };
        let over = polling.since.elapsed() >= self.calls.timing.poll_limit;
        // Of an id that was never known the last answer counts, so it is asked for once more.
        if over && self.options.wait && std::mem::take(&mut self.id_is_unknown) {
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
    async fn status(&self, now: Current<'_>) -> Result<StatusReading, StopReason> {
        let Some(publish_id) = &now.attempt.publish_id else {
            return Ok(StatusReading::id_unknown(None));
        };
        Ok(match self.calls.status(self.post_ref, publish_id).await {
            Ok(status) => StatusReading::of(status, self.plan.as_ref()),
            Err(error) => StatusReading::of_error(&error).ok_or(error)?,
        })
    }

    /// Waits for the server's proof that the final chunk never arrived: bytes missing on two reads far
    /// enough apart, both late enough after the issue of the URL.
    pub(super) async fn prove(&mut self, now: Current<'_>) -> Result<Outcome, StopReason> {
        loop {
            let reading = self.status(now).await?;
            let age = now.clocks(self.calls).age(now.attempt);
            let ReportedStatus::Processing { stored } = reading.seen else {
                if reading.is_early(age) {
                    return Err(StopReason::StillProcessing);
                }
                return Ok(self.outcome_of(reading, now));
            };
            let missing = match now.transfer {
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
            let first = *self.proof.get_or_insert_with(Instant::now);
            if first.elapsed() >= self.calls.timing.proof_gap {
                return Ok(Outcome::of(Event::ProvedIncomplete));
            }
            let wait = self.calls.timing.proof_gap;
            self.report(Progress::Waiting { why: WaitReason::Proof, wait });
            self.calls.pause(wait + Duration::from_millis(1)).await?;
        }
    }

    fn report(&self, progress: Progress) {
        self.calls.events.progress(self.post_ref, progress);
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
