//! Who works on what: one run at a time posts for an account, and one renews its tokens.

use std::fmt;
use std::time::Duration;

use super::StoreFuture;
use crate::exit::{Exit, Explain};
use crate::fs::FsError;

/// What a lease is for. An account has one of each. Whoever needs both takes `Upload` first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeaseKind {
    /// Posting for the account, and settling its posts; held for a run.
    Upload,
    /// Renewing its tokens; held across one call to TikTok.
    Refresh,
}

/// Gives leases.
pub trait Leases: fmt::Debug + Send + Sync {
    /// Takes a lease, waiting at most `wait` for whoever has it ([`LeaseError::Held`] after that). A
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
pub trait Lease: fmt::Debug + Send + Sync {
    /// Makes it last. To be called more often than it would end; [`LeaseError::Lost`] says that somebody
    /// else may have it by now. A local one lasts by itself.
    fn renew(&self) -> StoreFuture<'_, ()>;

    /// Gives it back, and ends when others can have it.
    fn release(self: Box<Self>) -> StoreFuture<'static, ()>;
}

/// Who has a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The number of the process.
    pub pid: u32,
    /// The machine, if it is another one.
    pub host: Option<String>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.pid)?;
        match &self.host {
            Some(host) => write!(f, " on {host}"),
            None => Ok(()),
        }
    }
}

/// Why a lease was not taken, or does not hold any more.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Somebody else had it for as long as was waited.
    #[error("`{what}` is locked{}", holder.as_ref().map(|holder| format!(" by {holder}")).unwrap_or_default())]
    Held {
        /// What is locked, for people: the lock file, or the account.
        what: String,
        /// Who has it, if that is known.
        holder: Option<Holder>,
    },
    /// It ended before it was renewed.
    #[error("`{what}` was left to another run")]
    Lost {
        /// What was locked, for people.
        what: String,
    },
    /// The lock file cannot be used.
    #[error(transparent)]
    File(#[from] FsError),
}

impl Explain for LeaseError {
    fn exit(&self) -> Exit {
        match self {
            Self::Held { .. } | Self::Lost { .. } => Exit::Temporary,
            Self::File(error) => error.exit(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Held { .. } | Self::Lost { .. } => {
                Some("wait for the other run to end, then run again".to_owned())
            }
            Self::File(error) => error.hint(),
        }
    }
}
