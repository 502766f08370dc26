//! What can be wrong with a lease.

use std::fmt;

use jiff::Timestamp;

use crate::clock::moment;
use crate::fs::FsError;
use crate::problem::{Coded, ErrorCode, Problem};

/// Who has a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// The number of the process.
    pub(crate) pid: u32,
    /// The machine, if it is another one.
    pub(crate) host: Option<String>,
    /// Since when, if that is known.
    pub(crate) since: Option<Timestamp>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.pid)?;
        if let Some(host) = &self.host {
            write!(f, " on {host}")?;
        }
        match self.since {
            Some(since) => write!(f, ", since {}", moment(since)),
            None => Ok(()),
        }
    }
}

/// Why a lease was not taken, or does not hold any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LeaseError {
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
    #[cfg_attr(
        not(any(test, feature = "postgres")),
        expect(dead_code, reason = "the lease of a file lasts by itself")
    )]
    Lost {
        /// What was locked, for people.
        what: String,
    },
    /// The lock file cannot be used.
    #[error(transparent)]
    File(#[from] FsError),
}

impl Coded for LeaseError {
    fn problem(&self) -> Problem {
        match self {
            Self::Held { .. } => ErrorCode::Locked.into(),
            Self::Lost { .. } => ErrorCode::LeaseLost.into(),
            Self::File(error) => error.problem(),
        }
    }
}
