//! What can be wrong with a database on a server.

use crate::problem::{Coded, ErrorCode, Problem};

/// Why a database could not be used. `place` is its address without user and password.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    /// Nobody answers there, or the server went away, or it is not to be used now.
    #[error("the database `{place}` cannot be reached: {why}")]
    Away {
        /// The database.
        place: String,
        /// What happened, without anything that is secret.
        why: String,
    },
    /// A standby answers, or it is set to be read only.
    #[error("the database `{place}` takes no writes: {why}")]
    ReadOnly {
        /// The database.
        place: String,
        /// In the words of the server.
        why: String,
    },
    /// The server has as many connections as it takes, or as it takes of this user.
    #[error("the database `{place}` takes no more connections: {why}")]
    Crowded {
        /// The database.
        place: String,
        /// In the words of the server.
        why: String,
    },
    /// The database is there and takes no connections at all.
    #[error("the database `{place}` takes no connections: {why}")]
    Closed {
        /// The database.
        place: String,
        /// In the words of the server.
        why: String,
    },
    /// Others kept it busy for longer than we wait.
    #[error("the database `{place}` is busy")]
    Busy {
        /// The database.
        place: String,
    },
    /// A commit was not acknowledged cleanly. Whether it was made nobody knows, and no call to TikTok may follow.
    #[error("the database `{place}` did not acknowledge what was to be recorded: {why}")]
    Unacknowledged {
        /// The database.
        place: String,
        /// What happened.
        why: String,
    },
    /// The server does not let this user in, or has no such database.
    #[error("the database `{place}` refuses the login: {why}")]
    Refused {
        /// The database.
        place: String,
        /// In the words of the server.
        why: String,
    },
    /// TLS was asked for, and cannot be had, or the certificate is not trusted.
    #[error("no trusted connection to the database `{place}`: {why}")]
    Tls {
        /// The database.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// The user of the database may not do what is needed.
    #[error("the database `{place}` does not permit this user to {doing}: {why}")]
    Denied {
        /// The database.
        place: String,
        /// What was being done, as a verb.
        doing: &'static str,
        /// In the words of the server.
        why: String,
    },
    /// It was written by a later version of this program, and this one may not even read it.
    #[error("the database `{place}` has version {found}; this program knows up to {known}")]
    Newer {
        /// The database.
        place: String,
        /// Its version.
        found: i64,
        /// The latest version that this program knows.
        known: i64,
    },
    /// The disk of the server is full.
    #[error("no space left to {doing} in the database `{place}`")]
    NoSpace {
        /// The database.
        place: String,
        /// What was being done, as a verb.
        doing: &'static str,
    },
    /// It has failed over, and what was under way then for an account has not been settled yet.
    #[error("the database `{place}` has failed over, and {open} {} under way for this account then",
        if *open == 1 { "post was" } else { "posts were" })]
    FailedOver {
        /// The database.
        place: String,
        /// How many posts of the account are not settled.
        open: i64,
    },
    /// The server refused.
    #[error("failed to {doing} in the database `{place}`: {why}")]
    Failed {
        /// The database.
        place: String,
        /// What was being done, as a verb.
        doing: &'static str,
        /// In the words of the server.
        why: String,
    },
    /// A row says something that is never written.
    #[error("the database `{place}` holds something that is never written there: {what}")]
    Unreadable {
        /// The database.
        place: String,
        /// What is wrong, and where.
        what: String,
    },
}

impl Coded for DatabaseError {
    fn problem(&self) -> Problem {
        use ErrorCode as Code;
        let code = match self {
            Self::Away { .. } => Code::DatabaseAway,
            Self::ReadOnly { .. } => Code::DatabaseReadOnly,
            Self::Crowded { .. } => Code::DatabaseCrowded,
            Self::Closed { .. } => Code::DatabaseClosed,
            Self::Busy { .. } => Code::DatabaseBusy,
            Self::Unacknowledged { .. } => Code::DatabaseUnacknowledged,
            Self::Refused { .. } => Code::DatabaseRefused,
            Self::Tls { .. } => Code::DatabaseTls,
            Self::Denied { .. } => Code::DatabaseDenied,
            Self::Newer { .. } => Code::DatabaseNewer,
            Self::NoSpace { .. } => Code::DatabaseFull,
            Self::FailedOver { .. } => Code::DatabaseFailedOver,
            Self::Failed { .. } => Code::DatabaseFailed,
            Self::Unreadable { .. } => Code::DatabaseDamaged,
        };
        code.into()
    }
}
