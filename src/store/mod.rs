//! What lasts: accounts with their tokens, the journal, what TikTok counts, the times of slots, and who works on
//! what.
//!
//! One asynchronous interface, and an implementation for one machine in [`local`]: files and SQLite, which
//! need nothing. The traits are made to be held as `Arc<dyn …>`, and for a second implementation on a
//! database that several machines share. Every implementation is held to the same rules by the tests of
//! `contract`.
//!
//! # Rules
//!
//! - **A phase is durable before its action.** When [`Journal::advance`] or [`Journal::begin_attempt`] gives
//!   `Ok`, a crash of the program or of the machine takes nothing of it back. After an error nobody may
//!   make the call to TikTok that it was to come before: the step was not recorded, or nobody knows.
//! - **Writes are guarded** twice. What is recorded of an account's posts is recorded under the [`Epoch`] that
//!   the caller began with [`Journal::take_over`] when it got the account's lease; if somebody else has begun
//!   one since, nothing is recorded and [`JournalError::TakenOver`] says so: whoever lost its lease does not
//!   know it, and may be late by hours. And a step is recorded only if the attempt stands where the caller
//!   knows it to; else [`JournalError::MovedOn`].
//! - **Tokens are fenced by themselves.** [`AccountStore::rotate`] replaces the tokens that were spent, and
//!   no others, whoever holds the lease by then: TikTok's answer is the only living login.
//! - **Dropping a future loses no write.** Nothing begins before a future is polled. What has begun is done
//!   to its end, durably or not at all, even if nobody waits for it any more; what is asked for later comes
//!   after it. [`Store::flush`] waits for that, and so does dropping the last handle of a local store.
//! - **Nothing blocks.** No method waits for a disk or for another process on the thread that polls it.

pub(crate) mod accounts;
#[cfg(test)]
pub(crate) mod contract;
mod epoch;
mod error;
pub(crate) mod journal;
pub(crate) mod leases;
pub(crate) mod local;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "such a build has no queue"))]
pub(crate) mod queue;
mod rules;
mod slots;
#[cfg(test)]
pub(crate) mod testing;
mod thread;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

pub(crate) use accounts::{AccountStore, Change, Edit, Rotated, Spender};
pub(crate) use epoch::Epoch;
#[cfg(feature = "postgres")]
pub(crate) use error::DatabaseError;
pub(crate) use error::{
    AccountError, Doubt, Holder, JournalError, LeaseError, SlotError, StoreError,
};
pub(crate) use journal::{Accept, Alike, ExistingJournal, Journal, Likeness, OpenedJournal, Quota};
pub(crate) use leases::{Lease, LeaseKind, Leases};
pub(crate) use queue::Queue;
pub(crate) use slots::{Asked, Slots};

use crate::encrypt::{Encryption, Key};

/// What a method of the interface gives.
pub(crate) type StoreFuture<'a, T> =
    Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A store. All that it gives shares its state and its order.
pub(crate) trait Store: fmt::Debug + Send + Sync {
    /// The accounts.
    fn accounts(&self) -> Arc<dyn AccountStore>;

    /// Who works on what.
    fn leases(&self) -> Arc<dyn Leases>;

    /// The times that slots have given to posts.
    fn slots(&self) -> Arc<dyn Slots>;

    /// The posts that wait for a worker. `None`: this store is one machine's, which needs none.
    fn queue(&self) -> Option<Arc<dyn Queue>> {
        None
    }

    /// How tokens and `upload_url`s rest. `None`: in plain text. Needs no key.
    fn encryption(&self) -> StoreFuture<'_, Option<Encryption>>;

    /// The same store with the key that it is encrypted with. The journals that it opened before have the key
    /// as well from now on; the accounts that it gave before have not.
    fn with_key(&self, key: Key) -> Arc<dyn Store>;

    /// Opens the journal to post, made if there is none. If posts were made that it does not know,
    /// `accept` decides ([`JournalError::Doubtful`]).
    fn open_journal(&self, accept: Accept) -> StoreFuture<'_, OpenedJournal>;

    /// Opens the journal to look at it or to settle posts. That posts were made that it does not know is
    /// told, and does not keep it from being looked at.
    fn existing_journal(&self) -> StoreFuture<'_, ExistingJournal>;

    /// Ends when all that was begun before is done.
    fn flush(&self) -> StoreFuture<'_, ()>;

    /// Waits, when it is dropped, until all that was begun is done. Whoever may be dropped while tasks of
    /// theirs have handles of the store keeps one, so that the program does not end in the middle of a write.
    fn flush_on_drop(&self) -> FlushOnDrop;
}

/// What [`Store::flush_on_drop`] gives.
pub(crate) struct FlushOnDrop(Option<Box<dyn FnOnce() + Send>>);

impl FlushOnDrop {
    /// `wait` blocks until all is done. It is called on a thread that may be one of the runtime's.
    pub(crate) fn new(wait: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(wait)))
    }
}

impl fmt::Debug for FlushOnDrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlushOnDrop")
    }
}

impl Drop for FlushOnDrop {
    fn drop(&mut self) {
        if let Some(wait) = self.0.take() {
            wait();
        }
    }
}
