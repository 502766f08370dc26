//! Asking TikTok how a post stands: while it works, after an unclear chunk, and for proof.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::exit::{Exit, Explain};
use crate::model::{AttemptUpdate, Event, Failed, Phase, Seen, Transfer, machine::step};
use crate::upload::calls::{Authority, CallError};
use crate::upload::engine::{Drive, Polling};
use crate::upload::leave::Leave;
use crate::upload::poll::{StatusReading, recorded_plan};
use crate::upload::report::Progress;

impl<A: Authority> Drive<'_, A> {
    /// Asks for the status: at once after an unclear chunk or a restart, at growing intervals while
    /// TikTok works.
    pub(super) async fn ask(&mut self) -> Result<(Event, AttemptUpdate), Leave> {
        self.wait_for_poll().await?;
        let reading = match self.status().await {
            // Everything is with TikTok: a status that cannot be had now can be had later.
            Err(Leave::Call(CallError::Api(error)))
                if self.run.polling.is_some() && error.exit() == Exit::Temporary =>
            {
                self.tell(&Progress::Note(format!("no status yet: {error}")));
                StatusReading::processing()
            }
            asked => self.wait_for_id(asked?),
        };
        if let Seen::Processing { stored } = reading.seen {
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
            let note = "TikTok does not know the publish_id yet; asking again";
            self.tell(&Progress::Note(note.into()));
        }
        StatusReading::processing()
    }

    /// What a reading is to the state machine, and what the journal keeps of it.
    fn event_of(&mut self, reading: StatusReading) -> (Event, AttemptUpdate) {
        if let Seen::Failed(failed) = reading.seen {
            self.run.failed_here += 1;
            let login = failed == Failed::AuthRemoved;
            self.exit = Some(if login { Exit::Login } else { Exit::Failed });
        }
        if reading.post_ids.len() > 1 && reading.post_ids != self.post_ids {
            let ids =
                reading.post_ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            self.tell(&Progress::Warning(format!("TikTok made several posts of it: {ids}")));
        }
        let completed = self
            .phase()
            .and_then(|phase| reading.completes(phase, self.transfer, self.run.sent_whole));
        if let Some(event) = completed {
            return (event, AttemptUpdate::default());
        }
        let event = Event::Status(reading.seen);
        let next = self.phase().map(|phase| step(self.transfer, phase, event).phase);
        let facts = next.map(|next| reading.facts(next)).unwrap_or_default();
        self.trouble = reading.trouble;
        self.post_ids = reading.post_ids;
        (event, facts)
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
        let over = polling.since.elapsed() >= self.calls.timing.poll_limit;
        // Of an id that was never known the last answer counts, so it is asked for once more.
        if over && self.options.wait && std::mem::take(&mut self.run.id_is_unknown) {
            return Ok(());
        }
        if !self.options.wait || over {
            return Err(Leave::StillProcessing);
        }
        let wait = polling.wait;
        polling.wait = (wait * 2).min(self.calls.timing.poll_cap);
        self.calls.pause(wait).await?;
        Ok(())
    }

    /// One status call.
    async fn status(&self) -> Result<StatusReading, Leave> {
        let publish_id = self.attempt.as_ref().and_then(|attempt| attempt.publish_id.clone());
        let Some(publish_id) = publish_id else { return Ok(StatusReading::id_unknown(None)) };
        let plan = self.row.file.as_ref().and_then(recorded_plan);
        Ok(match self.calls.status(&self.post.subject, &publish_id).await {
            Ok(status) => StatusReading::of(status, plan.as_ref()),
            Err(error) => StatusReading::of_error(&error).ok_or(error)?,
        })
    }

    /// Waits for the server's proof that the final chunk never arrived: bytes missing on two reads far
    /// enough apart, both late enough after the issue of the URL.
    pub(super) async fn prove(&mut self) -> Result<(Event, AttemptUpdate), Leave> {
        loop {
            let reading = self.status().await?;
            let age = self.attempt.as_ref().and_then(|attempt| self.clocks().age(attempt));
            let Seen::Processing { stored } = reading.seen else {
                if reading.is_early(age) {
                    return Err(Leave::StillProcessing);
                }
                return Ok(self.event_of(reading));
            };
            let missing = match self.transfer {
                Transfer::File { chunks } => stored.is_some_and(|stored| stored < chunks),
                Transfer::Pull => false,
            };
            let (Some(age), true) = (age, missing) else {
                return Err(Leave::StillProcessing);
            };
            let left = signed(self.calls.timing.proof_age).saturating_sub(age);
            if left.is_positive() {
                let from = self.options.clock.now().checked_add(left).unwrap_or(Timestamp::MAX);
                return Err(Leave::WaitingForProof { from });
            }
            let first = *self.run.proof.get_or_insert_with(Instant::now);
            if first.elapsed() >= self.calls.timing.proof_gap {
                return Ok((Event::ProvedIncomplete, AttemptUpdate::default()));
            }
            let wait = self.calls.timing.proof_gap;
            let why = "making sure that the last chunk never arrived".to_owned();
            self.tell(&Progress::Waiting { why, wait });
            self.calls.pause(wait + Duration::from_millis(1)).await?;
        }
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
