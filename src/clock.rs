//! The wall clock, which a run against a sandbox can set ahead or back.

use jiff::{SignedDuration, Timestamp};

/// Tells the time of day. Durations inside one process are measured with `tokio::time::Instant`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    offset: SignedDuration,
}

impl Clock {
    /// A clock that runs `offset` ahead of the machine's.
    pub(crate) fn shifted(offset: SignedDuration) -> Self {
        Self { offset }
    }

    /// How far it runs ahead of the machine's.
    pub(crate) fn offset(self) -> SignedDuration {
        self.offset
    }

    /// Now, by this clock.
    pub(crate) fn now(self) -> Timestamp {
        Timestamp::now().saturating_add(self.offset).unwrap_or(Timestamp::MAX)
    }
}
