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
    /// When it ends if its holder does not renew it, if it ends by itself.
    pub(crate) until: Option<Timestamp>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.pid)?;
        if let Some(host) = &self.host {
            write!(f, " on {host}")?;
        }
        if let Some(since) = self.since {
            write!(f, ", since {}", moment(since))?;
        }
        match self.until {
            Some(until) => write!(f, ", and until {} if it ends without a word", moment(until)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_a_lease_is_told_with_the_machine_and_until_when() {
        let at = |text: &str| Some(text.parse().unwrap());
        let holder = Holder {
            pid: 12,
            host: Some("b".to_owned()),
            since: at("2026-01-01T10:00:00Z"),
            until: at("2026-01-01T10:01:00Z"),
        };
        let said = holder.to_string();
        let (since, until) = (moment(holder.since.unwrap()), moment(holder.until.unwrap()));
        assert_eq!(
            said,
            format!("process 12 on b, since {since}, and until {until} if it ends without a word")
        );
        assert_eq!(
            Holder { host: None, since: None, until: None, ..holder }.to_string(),
            "process 12"
        );
    }
}
