//! A local video, opened once: its identity, its bytes by position, its fingerprint.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::exit::{Exit, Explain};
use crate::fault;
use crate::model::{FileIdentity, Unfinished};

/// Bytes that one read asks for. Small reads are many times slower.
pub const READ: usize = 1 << 20;

/// An open video. Clones share the descriptor.
#[derive(Clone, Debug)]
pub struct Video {
    file: Arc<File>,
    path: PathBuf,
    identity: FileIdentity,
}

/// A file that cannot be sent, or not any more.
#[derive(Debug, thiserror::Error)]
pub enum VideoError {
    /// Opening or reading failed.
    #[error("cannot read {}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A directory, a FIFO, a device.
    #[error("{} is not a regular file", path.display())]
    NotRegular {
        /// Which file.
        path: PathBuf,
    },
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

impl Explain for VideoError {
    fn exit(&self) -> Exit {
        match self {
            Self::Unchecked { .. } | Self::Unfinished { .. } => Exit::Temporary,
            _ => Exit::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Changed { .. } | Self::Unchecked { .. } => {
                Some("nothing of it was posted; run again once the file is finished".into())
            }
            Self::Unfinished { .. } => {
                Some("nothing of it was posted; a later run takes it once it is finished".into())
            }
            _ => None,
        }
    }
}

impl VideoError {
    /// Whether the file does not exist.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

impl Video {
    /// Opens a regular file for reading.
    pub fn open(path: &Path) -> Result<Self, VideoError> {
        let failed = |source| VideoError::Io { path: path.to_owned(), source };
        fault::point("video: open").map_err(failed)?;
        // Without O_NONBLOCK the open of a FIFO would wait for a writer.
        let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
        let file =
            OpenOptions::new().read(true).custom_flags(nonblock).open(path).map_err(failed)?;
        fault::point("video: examine").map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(VideoError::NotRegular { path: path.to_owned() });
        }
        let identity = FileIdentity::of(&metadata);
        Ok(Self { file: Arc::new(file), path: path.to_owned(), identity })
    }

    /// The identity at the time of opening.
    pub fn identity(&self) -> FileIdentity {
        self.identity
    }

    /// Size in bytes at the time of opening.
    pub fn size(&self) -> u64 {
        self.identity.size
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The open file, for probing.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Asks the descriptor whether the file is still the one that was opened.
    ///
    /// A file whose last name was taken away meanwhile (deleted, or replaced by a rename) is still the
    /// one that was opened, although that moved its `ctime`.
    pub fn check_unchanged(&self) -> Result<(), VideoError> {
        fault::point("video: check").map_err(|e| self.failed(e))?;
        let metadata = self.file.metadata().map_err(|e| self.failed(e))?;
        let now = FileIdentity::of(&metadata);
        let unlinked = metadata.nlink() == 0;
        if now == self.identity
            || (unlinked && FileIdentity { ctime: self.identity.ctime, ..now } == self.identity)
        {
            Ok(())
        } else {
            Err(VideoError::Changed { path: self.path.clone() })
        }
    }

    /// Fills `buffer` from `position`; an early end means that the file changed.
    pub fn read_at(&self, buffer: &mut [u8], position: u64) -> Result<(), VideoError> {
        fault::point("video: read").map_err(|e| self.failed(e))?;
        self.file.read_exact_at(buffer, position).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => VideoError::Changed { path: self.path.clone() },
            _ => self.failed(e),
        })
    }

    pub(super) fn failed(&self, source: io::Error) -> VideoError {
        VideoError::Io { path: self.path.clone(), source }
    }
}

/// The fingerprint of a video in the making: BLAKE3 of its first bytes.
#[derive(Clone, Debug, Default)]
pub struct Fingerprint {
    hasher: blake3::Hasher,
    covered: u64,
}

impl Fingerprint {
    /// Bytes covered so far.
    pub fn covered(&self) -> u64 {
        self.covered
    }

    /// Reads on to `end`. Blocks; meant for a blocking thread.
    pub fn extend(mut self, video: &Video, end: u64) -> Result<Self, VideoError> {
        let mut buffer = vec![0; READ];
        while self.covered < end {
            let want = usize::try_from(end - self.covered).map_or(READ, |left| left.min(READ));
            let block = &mut buffer[..want];
            video.read_at(block, self.covered)?;
            self.hasher.update(block);
            self.covered += want as u64;
        }
        Ok(self)
    }

    /// The fingerprint in lowercase hex.
    pub fn hex(&self) -> String {
        self.hasher.finalize().to_hex().to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        file
    }

    #[test]
    fn a_fingerprint_in_steps_is_that_of_the_whole() {
        let content: Vec<u8> = (0..3_000_000_u32).map(|i| i.to_le_bytes()[0]).collect();
        let file = file(&content);
        let video = Video::open(file.path()).unwrap();
        let steps = [1, 5, 2_000_000, 3_000_000]
            .iter()
            .fold(Fingerprint::default(), |f, end| f.extend(&video, *end).unwrap());
        assert_eq!(steps.hex(), blake3::hash(&content).to_hex().to_string());
    }

    #[test]
    fn t26_only_regular_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Video::open(folder.path()), Err(VideoError::NotRegular { .. })));
        let fifo = folder.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .unwrap();
        assert!(matches!(Video::open(&fifo), Err(VideoError::NotRegular { .. })));
        assert!(Video::open(&folder.path().join("none")).unwrap_err().is_missing());
        assert!(matches!(Video::open(Path::new("/dev/null")), Err(VideoError::NotRegular { .. })));
    }

    #[test]
    fn a_rewrite_is_noticed_even_with_size_and_mtime_kept() {
        let mut file = file(b"0123456789");
        let video = Video::open(file.path()).unwrap();
        video.check_unchanged().unwrap();
        let before = file.as_file().metadata().unwrap().modified().unwrap();
        // Coarse clocks stamp in ticks: write until the tick has moved.
        while video.check_unchanged().is_ok() {
            file.as_file().write_all_at(b"x", 3).unwrap();
            file.as_file_mut().set_modified(before).unwrap();
        }
        assert_eq!(file.as_file().metadata().unwrap().modified().unwrap(), before);
    }

    #[test]
    fn a_file_that_lost_its_name_is_still_the_same_until_it_is_written() {
        let mut file = file(b"0123456789");
        let video = Video::open(file.path()).unwrap();
        std::fs::remove_file(file.path()).unwrap();
        video.check_unchanged().unwrap();
        while video.check_unchanged().is_ok() {
            file.as_file_mut().write_all(b"x").unwrap();
        }
    }

    #[test]
    fn a_shorter_file_is_a_changed_file() {
        let file = file(&[7; 100]);
        let video = Video::open(file.path()).unwrap();
        file.as_file().set_len(50).unwrap();
        assert!(matches!(video.read_at(&mut [0; 100], 0), Err(VideoError::Changed { .. })));
    }
}
