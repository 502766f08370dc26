//! What can be wrong with the times of slots.

use std::path::PathBuf;

use crate::fs::{FsError, LockError};
use crate::problem::{Coded, ErrorCode, Problem};

/// Why no times can be given.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SlotError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FsError),
    /// Another run does not let go of it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// What lies there was written by nobody, or by a newer version.
    #[error("{} does not hold the times of slots as this version writes them", .0.display())]
    Damaged(PathBuf),
}

impl Coded for SlotError {
    fn problem(&self) -> Problem {
        match self {
            Self::File(error) => error.problem(),
            Self::Lock(error) => error.problem(),
            Self::Damaged(path) => {
                Problem::new(ErrorCode::SlotsDamaged).with("path", path.display())
            }
        }
    }
}
