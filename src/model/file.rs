//! What is known of a file that is sent in chunks.

use std::fmt;

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a file must keep to be the same file: `ctime` also moves when content is rewritten and
/// `mtime` is put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileIdentity {
    /// Device number.
    pub(crate) device: u64,
    /// Inode number.
    pub(crate) inode: u64,
    /// Size in bytes.
    pub(crate) size: u64,
    /// Last change of content, in ns since 1970.
    pub(crate) mtime: i128,
    /// Last change of anything, in ns since 1970.
    pub(crate) ctime: i128,
}

impl FileIdentity {
    /// The identity that a file's metadata tells.
    pub(crate) fn of(metadata: &std::fs::Metadata) -> Self {
        let ns = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            mtime: ns(metadata.mtime(), metadata.mtime_nsec()),
            ctime: ns(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// That of what lies elsewhere: `place` says where, `version` what it must keep to be the same. No file system
    /// has a device of this number.
    pub(crate) fn elsewhere(place: &str, size: u64, version: &str) -> Self {
        let number = |text: &str, at: usize| {
            let hash = blake3::hash(text.as_bytes());
            let part = hash.as_bytes()[at..].first_chunk().copied().unwrap_or_default();
            u64::from_le_bytes(part)
        };
        let time = |at| i128::from(number(version, at).cast_signed());
        let (inode, mtime, ctime) = (number(place, 0), time(0), time(8));
        Self { device: u64::MAX, inode, size, mtime, ctime }
    }

    /// Whether this is surely the same file with the same content, wherever it lies now: a new name or new rights
    /// change `ctime` alone.
    pub(crate) fn is_surely_same(&self, known: &Self) -> bool {
        Self { ctime: known.ctime, ..*self } == *known
    }

    /// Whether this is surely another file than one that lay there: one that was touched, or copied back with its
    /// times, may be the same.
    pub(crate) fn is_surely_other(&self, known: &Self) -> bool {
        self.size != known.size || (self.inode != known.inode && self.mtime != known.mtime)
    }
}

/// A file as it was planned: what the journal keeps of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalFile {
    /// Where it lies: an absolute path, or an address as [`Location::recorded`](super::Location::recorded) gives it.
    pub(crate) path: PathBuf,
    /// What it must keep to be the same file; its size is the planned one.
    pub(crate) identity: FileIdentity,
    /// Bytes of every chunk but the last.
    pub(crate) chunk_size: u64,
    /// Number of chunks.
    pub(crate) chunks: u32,
    /// BLAKE3 of the whole content in lowercase hex, once it is known.
    pub(crate) fingerprint: Option<String>,
}

impl LocalFile {
    /// One of which nothing was read or planned.
    pub(crate) fn at_sight(path: PathBuf, identity: FileIdentity) -> Self {
        Self { path, identity, chunk_size: 0, chunks: 0, fingerprint: None }
    }
}

/// How it shows that a file is still being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// Another process has it open for writing.
    OpenElsewhere,
    /// It changed as long as it was watched.
    Changing,
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenElsewhere => "another process has it open for writing",
            Self::Changing => "it kept changing while it was watched",
        })
    }
}
