//! An attempt under way, as those see it who perform its actions, and what an action came to.

use tokio::time::Instant;

use crate::engine::calls::Calls;
use crate::engine::clocks::Clocks;
use crate::engine::stop::StopReason;
use crate::model::{Attempt, AttemptUpdate, Event, Phase, PostError, Transfer};
use crate::problem::{Coded, ErrorCode, ErrorKind};
use crate::text;

/// An attempt before an action.
#[derive(Clone, Copy)]
pub(super) struct Current<'r> {
    /// As the journal has it.
    pub(super) attempt: &'r Attempt,
    pub(super) transfer: Transfer,
    /// When this run sent its init, if this run did.
    pub(super) begun: Option<Instant>,
    /// Whether this run has sent every byte of its file, the last ones included.
    pub(super) sent_whole: bool,
}

/// What an action came to.
pub(super) struct Outcome {
    /// What it is to the state machine.
    pub(super) event: Event,
    /// What the journal keeps with the phase that follows.
    pub(super) update: AttemptUpdate,
    /// What is told of that phase.
    pub(super) told: Told,
    /// The kind of trouble that it was.
    pub(super) failure: Option<ErrorKind>,
    /// Why the run leaves the post once the phase is recorded.
    pub(super) leave: Option<StopReason>,
}

/// What is told of an attempt besides its phase.
pub(super) enum Told {
    /// What was told of it before.
    AsBefore,
    /// This, or nothing.
    Instead(Option<PostError>),
}

impl Current<'_> {
    /// Whether the final chunk may go, or has gone.
    pub(super) fn is_final(&self) -> bool {
        matches!(self.attempt.phase, Phase::FinalIntent { .. })
    }

    /// What time it is, for the age of the attempt.
    pub(super) fn clocks(&self, calls: &Calls) -> Clocks {
        Clocks::now(calls, self.begun.map(|begun| begun.elapsed()))
    }
}

impl Outcome {
    /// An event, and nothing more.
    pub(super) fn of(event: Event) -> Self {
        let update = AttemptUpdate::default();
        Self { event, update, told: Told::AsBefore, failure: None, leave: None }
    }

    /// An event that ends the attempt for good, with the reason.
    pub(super) fn failed(event: Event, code: ErrorCode, why: &(impl Coded + ?Sized)) -> Self {
        let error = PostError::new(code, text::plain(&why.to_string()), why.problem());
        let update = error.update();
        let (told, failure) = (Told::Instead(Some(error)), Some(ErrorKind::Final));
        Self { update, told, failure, ..Self::of(event) }
    }
}

/// Leaves if a signal asked for it and nothing is on its way.
pub(super) fn heed_signals(calls: &Calls) -> Result<(), StopReason> {
    calls.shutdown.asked().map_or(Ok(()), |signal| Err(StopReason::Interrupted(signal)))
}
