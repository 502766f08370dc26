//! Asking TikTok how a post stands: while it works, after an unclear chunk, and for proof.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::exit::{Exit, Explain};
use crate::journal::{Facts, LocalFile};
use crate::upload::calls::{Authority, CallError};
use crate::upload::engine::{Drive, Polling};
use crate::upload::leave::Leave;
use crate::upload::plan::Plan;
use crate::upload::poll::Word;
use crate::upload::report::Progress;
use crate::upload::state::{Event, Failed, Phase, Seen, Transfer};

impl<A: Authority> Drive<'_, A> {
    /// Asks for the status: at once after an unclear chunk or a restart, at growing intervals while
    /// TikTok works.
    pub(super) async fn ask(&mut self) -> Result<(Event, Facts), Leave> {
        self.wait_for_poll().await?;
        let (event, facts) = match self.status().await {
            // Everything is with TikTok: a status that cannot be had now can be had later.
            Err(Leave::Call(CallError::Api(error)))
                if self.run.polling.is_some() && error.exit() == Exit::Temporary =>
            {
                self.tell(&Progress::Note(format!("no status yet: {error}")));
                (Event::Status(Seen::Processing { stored: None }), Facts::default())
            }
            asked => asked?,
        };
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
        if word.post_ids.len() > 1 && word.post_ids != self.post_ids {
            let ids = word.post_ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            self.tell(&Progress::Warning(format!("TikTok made several posts of it: {ids}")));
        }
        self.trouble = word.trouble;
        self.post_ids = word.post_ids;
        Ok((Event::Status(word.seen), facts))
    }

    /// Waits for the server's proof that the final chunk never arrived: bytes missing on two reads far
    /// enough apart, both late enough after the issue of the URL.
    pub(super) async fn prove(&mut self) -> Result<(Event, Facts), Leave> {
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
            // Of a URL of this run the age is known without a clock that may be set.
            let here = self.run.begun.map(|begun| begun.elapsed());
            let left = here.map(|age| signed(self.calls.timing.proof_age.saturating_sub(age)));
            let from = left.and_then(|left| now.checked_add(left).ok()).unwrap_or(from).max(from);
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
}

/// The plan that an attempt was begun with, also when its file is gone.
fn recorded_plan(file: &LocalFile) -> Option<Plan> {
    Plan::recorded(file.identity.size, file.chunk_size)
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
