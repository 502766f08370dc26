//! Stores that behave as one of many machines may, for the tests of those who use them.

use std::sync::Arc;
use std::time::Duration;

use super::*;

/// A store whose leases end before anybody renews them.
#[derive(Debug)]
pub(crate) struct Forgetful(pub(crate) Arc<dyn Store>);

/// A lease that somebody else has by now, and what gives it.
#[derive(Debug)]
struct Lapsed;

impl Store for Forgetful {
    fn accounts(&self) -> Arc<dyn AccountStore> {
        self.0.accounts()
    }

    fn leases(&self) -> Arc<dyn Leases> {
        Arc::new(Lapsed)
    }

    fn slots(&self) -> Arc<dyn Slots> {
        self.0.slots()
    }

    fn encryption(&self) -> StoreFuture<'_, Option<Encryption>> {
        self.0.encryption()
    }

    fn with_key(&self, key: Key) -> Arc<dyn Store> {
        Arc::new(Self(self.0.with_key(key)))
    }

    fn open_journal(&self, accept: Accept) -> StoreFuture<'_, OpenedJournal> {
        self.0.open_journal(accept)
    }

    fn existing_journal(&self) -> StoreFuture<'_, ExistingJournal> {
        self.0.existing_journal()
    }

    fn flush(&self) -> StoreFuture<'_, ()> {
        self.0.flush()
    }

    fn flush_on_drop(&self) -> FlushOnDrop {
        self.0.flush_on_drop()
    }
}

impl Leases for Lapsed {
    fn acquire<'a>(
        &'a self,
        _: LeaseKind,
        _: &'a str,
        _: Duration,
    ) -> StoreFuture<'a, Box<dyn Lease>> {
        Box::pin(async { Ok(Box::new(Self) as Box<dyn Lease>) })
    }
}

impl Lease for Lapsed {
    fn renew(&self) -> StoreFuture<'_, ()> {
        Box::pin(async { Err(LeaseError::Lost { what: "the lease".to_owned() }.into()) })
    }

    fn release(self: Box<Self>) -> StoreFuture<'static, ()> {
        Box::pin(async { Ok(()) })
    }
}
