//! Who works on what: one run at a time posts for an account, and one renews its tokens.

use std::fmt;
use std::time::Duration;

use super::StoreFuture;

/// What a lease is for. An account has one of each. Whoever needs both takes `Upload` first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum LeaseKind {
    /// Posting for the account, and settling its posts; held for a run.
    Upload,
    /// Renewing its tokens; held across one call to TikTok.
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "every store is held to it; logins and refreshes do not go through it yet"
        )
    )]
    Refresh,
}

/// Gives leases.
pub(crate) trait Leases: fmt::Debug + Send + Sync {
    /// Takes a lease, waiting at most `wait` for whoever has it ([`LeaseError::Held`](super::LeaseError::Held) after that). A
    /// second one in the same process waits like one of another machine. If the future is dropped, the
    /// lease is not taken, or is given back.
    fn acquire<'a>(
        &'a self,
        kind: LeaseKind,
        account: &'a str,
        wait: Duration,
    ) -> StoreFuture<'a, Box<dyn Lease>>;
}

/// A lease that is held. Dropping it gives it back, at once or when it would have ended by itself; it ends
/// with the process, however that ends.
pub(crate) trait Lease: fmt::Debug + Send + Sync {
    /// Makes it last. To be called more often than it would end; [`LeaseError::Lost`](super::LeaseError::Lost) says that somebody
    /// else may have it by now. A local one lasts by itself.
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "a run makes none last yet: the lease of a file lasts by itself"
        )
    )]
    fn renew(&self) -> StoreFuture<'_, ()>;

    /// Gives it back, and ends when others can have it.
    fn release(self: Box<Self>) -> StoreFuture<'static, ()>;
}
