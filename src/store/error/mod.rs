//! What can be wrong with the store.

mod account;
#[cfg(feature = "postgres")]
mod database;
mod journal;
mod lease;
mod slots;

pub(crate) use account::AccountError;
#[cfg(feature = "postgres")]
pub(crate) use database::DatabaseError;
pub(crate) use journal::{Doubt, JournalError};
pub(crate) use lease::{Holder, LeaseError};
pub(crate) use slots::SlotError;

use crate::problem::{Coded, ErrorCode, Problem};
use crate::resources::Shortage;

/// Why something was not read or recorded. The causes keep their types, for callers decide on them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The accounts.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The journal, or what TikTok counts.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A lease.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// The times of slots.
    #[error(transparent)]
    Slots(#[from] SlotError),
    /// The database that keeps them.
    #[cfg(feature = "postgres")]
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The system does not give what the store needs to begin.
    #[error(transparent)]
    Shortage(#[from] Shortage),
    /// The store does not work any more: the program is ending.
    #[error("the store was closed")]
    Closed,
}

impl StoreError {
    /// Whether somebody else has taken the account over.
    pub(crate) fn is_taken_over(&self) -> bool {
        matches!(self, Self::Journal(JournalError::TakenOver { .. }))
    }

    /// Whether space on a disk is what is missing.
    pub(crate) fn is_disk_full(&self) -> bool {
        match self {
            Self::Account(error) => error.is_disk_full(),
            Self::Lease(LeaseError::File(error)) => error.is_disk_full(),
            _ => false,
        }
    }
}

impl Coded for StoreError {
    fn problem(&self) -> Problem {
        match self {
            Self::Account(error) => error.problem(),
            Self::Journal(error) => error.problem(),
            Self::Lease(error) => error.problem(),
            Self::Slots(error) => error.problem(),
            #[cfg(feature = "postgres")]
            Self::Database(error) => error.problem(),
            Self::Shortage(error) => error.problem(),
            Self::Closed => ErrorCode::StoreClosed.into(),
        }
    }
}
