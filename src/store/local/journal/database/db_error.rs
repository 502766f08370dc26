//! What stopped a piece of work on the database, before it is known what that means.

use std::io;
use std::path::Path;

use crate::fs::check_record_locks;
use crate::problem::{Coded as _, ErrorCode as Code};
use crate::resources::file_size_limit;
use crate::store::JournalError;
use rusqlite::ffi::ErrorCode;
use rustix::io::Errno;

/// Why a transaction did not come to its end.
#[derive(Debug)]
pub(in crate::store) enum DbError {
    /// SQLite refused.
    Sql(rusqlite::Error),
    /// The fault layer, standing for the disk, refused.
    Io(io::Error),
    /// A row says something that is never written.
    Unreadable(String),
    /// A rule of ours forbids it; the database is fine.
    Rule(Box<JournalError>),
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<JournalError> for DbError {
    fn from(error: JournalError) -> Self {
        Self::Rule(Box::new(error))
    }
}

impl DbError {
    /// Whether it tells that the database is damaged. SQLite says the same of one that the disk did
    /// not let it read.
    pub(in crate::store::local::journal) fn damage(&self) -> Option<String> {
        match self {
            Self::Sql(error) => is_damage(error).then(|| error.to_string()),
            Self::Unreadable(what) => Some(what.clone()),
            Self::Io(_) | Self::Rule(_) => None,
        }
    }

    /// Whether the disk refused.
    pub(in crate::store::local::journal) fn is_of_the_disk(&self) -> bool {
        match self {
            Self::Sql(error) => code(error) == Some(ErrorCode::SystemIoFailure),
            Self::Io(_) => true,
            Self::Unreadable(_) | Self::Rule(_) => false,
        }
    }

    /// The error as the journal's users see it.
    pub(in crate::store::local::journal) fn explain(
        self,
        doing: &'static str,
        path: &Path,
    ) -> JournalError {
        let path = path.to_owned();
        match self {
            Self::Rule(error) => *error,
            Self::Unreadable(what) => JournalError::Corrupt { path, what, moved_to: None },
            Self::Io(source) if source.kind() == io::ErrorKind::StorageFull => {
                JournalError::NoSpace { doing, path, source: source.into() }
            }
            Self::Io(source) => JournalError::Io { doing, path, source },
            // All that SQLite says of a write beyond the limit is that it failed.
            Self::Sql(ref error) if is_write(error) && file_size_limit().is_some() => {
                JournalError::Io { doing, path, source: Errno::FBIG.into() }
            }
            Self::Sql(source) => match code(&source) {
                Some(ErrorCode::DiskFull) => {
                    JournalError::NoSpace { doing, path, source: source.into() }
                }
                // SQLite says the same of a file system that has no locks.
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                    match path.parent().map(|dir| check_record_locks(&dir.join("locks"))) {
                        Some(Err(error)) if error.problem().code == Code::LocksMissing => {
                            error.into()
                        }
                        _ => JournalError::Busy { path },
                    }
                }
                _ => JournalError::Sqlite { doing, path, source },
            },
        }
    }
}

/// Whether a write failed, for a reason that SQLite does not tell.
fn is_write(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_WRITE};
    matches!(error, rusqlite::Error::SqliteFailure(failure, _)
        if [SQLITE_IOERR_WRITE, SQLITE_IOERR_TRUNCATE].contains(&failure.extended_code))
}

fn code(error: &rusqlite::Error) -> Option<ErrorCode> {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => Some(failure.code),
        _ => None,
    }
}

/// "malformed", "not a database", or a value that its column never holds.
pub(in crate::store::local::journal) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error as E;
    matches!(code(error), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        || matches!(
            error,
            E::FromSqlConversionFailure(..)
                | E::IntegralValueOutOfRange(..)
                | E::Utf8Error(..)
                | E::InvalidColumnType(..)
        )
}
