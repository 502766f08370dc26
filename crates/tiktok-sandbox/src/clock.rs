//! The time of day in the sandbox, which can be put forward.

use jiff::{SignedDuration, Timestamp};

/// A wall clock that only ever goes forward from the machine's.
#[derive(Debug, Default)]
pub(super) struct SandboxClock {
    ahead: SignedDuration,
}

impl SandboxClock {
    pub(super) fn now(&self) -> Timestamp {
        Timestamp::now().saturating_add(self.ahead).unwrap_or(Timestamp::MAX)
    }

    /// Puts the clock forward; a negative length leaves it.
    pub(super) fn advance(&mut self, by: SignedDuration) {
        self.ahead = self.ahead.saturating_add(by.max(SignedDuration::ZERO));
    }

    pub(super) fn ahead(&self) -> SignedDuration {
        self.ahead
    }
}

/// `since` plus a length, at the end of time at the latest.
pub(super) fn after(since: Timestamp, length: std::time::Duration) -> Timestamp {
    since.saturating_add(length).unwrap_or(Timestamp::MAX)
}
