//! Why a video cannot be sent, or not any more.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::remote::{RemoteError, RemoteTrouble};
use crate::model::Unfinished;
use crate::problem::{Coded, ErrorCode, ErrorKind, Problem};
use crate::resources::{Denied, Shortage, is_machine_fault};

/// A file that cannot be sent, or not any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VideoError {
    /// Opening or reading failed.
    #[error("cannot read {}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The disk that it lies on gives nothing, and no error either: one of a machine that does not answer.
    #[error("cannot read {}: the disk gave nothing for {} s", path.display(), after.as_secs_f64())]
    Stalled {
        /// Which file.
        path: PathBuf,
        /// For how long it was waited for.
        after: Duration,
    },
    /// A directory, a FIFO, a device.
    #[error("{} is not a regular file", path.display())]
    NotRegular {
        /// Which file.
        path: PathBuf,
        /// Whether it is a directory.
        is_directory: bool,
    },
    /// What lies elsewhere cannot be read.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The file is not the one that was looked at before the run began to send.
    #[error("{} changed after it was checked", path.display())]
    Unchecked {
        /// Which file.
        path: PathBuf,
    },
    /// It is still being written: a recording, an export or a copy under way.
    #[error("{} is still being written: {how}", path.display())]
    Unfinished {
        /// Which file.
        path: PathBuf,
        /// How that shows.
        how: Unfinished,
    },
    /// The open file is not what it was when it was planned.
    #[error("{} changed while it was being uploaded", path.display())]
    Changed {
        /// Which file.
        path: PathBuf,
    },
}

impl Coded for VideoError {
    fn problem(&self) -> Problem {
        Problem::new(match self {
            Self::Io { source, .. } if let Some(shortage) = Shortage::in_error(source) => {
                return shortage.behind();
            }
            Self::Io { path, source } if let Some(denied) = Denied::in_error(path, source) => {
                return denied.problem();
            }
            Self::Io { source, .. } if is_machine_fault(source) => ErrorCode::VideoDisk,
            Self::Stalled { .. } => ErrorCode::VideoDisk,
            Self::Remote(error) => return error.problem(),
            Self::Unchecked { .. } => ErrorCode::FileChangedSince,
            Self::Unfinished { .. } => ErrorCode::FileUnfinished,
            Self::Changed { .. } => ErrorCode::FileChanged,
            Self::Io { .. } | Self::NotRegular { .. } => ErrorCode::VideoUnreadable,
        })
    }
}

impl VideoError {
    /// Whether this machine is in the way, whatever the file is.
    pub(crate) fn is_machine_fault(&self) -> bool {
        self.kind() == ErrorKind::Local
    }

    /// Whether the file does not exist.
    pub(crate) fn is_missing(&self) -> bool {
        match self {
            Self::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::Remote(error) => matches!(error.why, RemoteTrouble::Missing(_)),
            _ => false,
        }
    }

    /// Whether the file does not exist, or is behind a link that may have expired.
    pub(crate) fn is_out_of_reach(&self) -> bool {
        let is_link = |error: &RemoteError| {
            matches!(error.why, RemoteTrouble::Forbidden { is_link: true, .. })
        };
        self.is_missing() || matches!(self, Self::Remote(error) if is_link(error))
    }
}
