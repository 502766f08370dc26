//! Where a video's bytes come from.
//!
//! A [`Video`] is open: it has a size, a [`Version`] that tells when the content is another one, reads of
//! any range, and a check whether it is still what it was. What lies behind it is a [`VideoSource`], today
//! a local file ([`VideoFile`]). What only a local file has, holes and other processes that write it, is
//! asked of [`Video::file`] and of [`FileWatch`].

mod blocks;
mod error;
mod file;
mod fingerprint;
pub(crate) mod near;
mod watch;

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::task::Poll;

use tokio::task::JoinError;
use video_probe::ReadAt;

#[cfg(test)]
pub(crate) use self::blocks::BLOCK;
pub(crate) use self::blocks::Blocks;
pub(crate) use self::error::VideoError;
pub(crate) use self::file::VideoFile;
pub(crate) use self::fingerprint::Fingerprint;
pub(crate) use self::watch::{FileWatch, UnfinishedFiles, WatchError, check_finished};

use crate::fault;
use crate::model::FileIdentity;

/// What can be read as a video: a local file, later an object in a store.
///
/// Every method but the first three may block, for the disk or for the network; [`Video`] calls those on a
/// thread that may. Reads are of the content that was opened: a source that is told that there is another
/// one (an `If-Match` that fails) ends a read as a file that has become shorter does, with 0 bytes.
pub(crate) trait VideoSource: ReadAt + fmt::Debug + Send + Sync {
    /// Where it lies, as it was named.
    fn path(&self) -> &Path;

    /// Size in bytes at the time of opening.
    fn size(&self) -> u64;

    /// What the content was known by at the time of opening.
    fn version(&self) -> Version;

    /// Whether the content is still that of [`VideoSource::version`].
    fn is_unchanged(&self) -> io::Result<bool>;

    /// The open file, if it is one on this machine.
    fn file(&self) -> Option<&File> {
        None
    }
}

/// What tells that the content of a source changed: as long as this is the same, so are the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// A local file.
    File(FileIdentity),
}

/// An open video. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Video(Arc<dyn VideoSource>);

impl Video {
    /// A video from a source that is open.
    pub(crate) fn new(source: impl VideoSource + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// Opens a local file.
    pub(crate) async fn open(path: &Path) -> Result<Self, VideoError> {
        let path = path.to_owned();
        blocking(move || VideoFile::open(&path)).await.map(Self::new)
    }

    /// Where it lies, as it was named.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Size in bytes at the time of opening.
    pub(crate) fn size(&self) -> u64 {
        self.0.size()
    }

    /// What the content was known by at the time of opening.
    pub(crate) fn version(&self) -> Version {
        self.0.version()
    }

    /// The open file, if it is one on this machine.
    pub(crate) fn file(&self) -> Option<&File> {
        self.0.file()
    }

    /// An error if the content is not any more what was opened.
    pub(crate) async fn check_unchanged(&self) -> Result<(), VideoError> {
        let video = self.clone();
        blocking(move || video.check_now()).await
    }

    /// The bytes from `first` up to, but without, `end`, in blocks and one of them ahead.
    pub(crate) fn blocks(&self, first: u64, end: u64) -> Blocks {
        Blocks::new(self.clone(), first, end)
    }

    /// Does work that reads the video on a thread that may block.
    pub(crate) async fn examine<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> T {
        let video = self.clone();
        blocking(move || work(&video)).await
    }

    /// An error of this video.
    pub(crate) fn failed(&self, source: io::Error) -> VideoError {
        VideoError::Io { path: self.path().to_owned(), source }
    }

    /// That the content is another one.
    pub(crate) fn changed(&self) -> VideoError {
        VideoError::Changed { path: self.path().to_owned() }
    }

    /// As [`Video::check_unchanged`]; blocks.
    fn check_now(&self) -> Result<(), VideoError> {
        let unchanged = fault::point("video: check").and_then(|()| self.0.is_unchanged());
        if unchanged.map_err(|error| self.failed(error))? { Ok(()) } else { Err(self.changed()) }
    }

    /// Fills `buffer` from `position`; an early end means that the content changed. Blocks.
    fn read_exact(&self, mut buffer: &mut [u8], mut position: u64) -> Result<(), VideoError> {
        fault::point("video: read").map_err(|error| self.failed(error))?;
        while !buffer.is_empty() {
            match self.0.read_at(buffer, position) {
                Ok(0) => return Err(self.changed()),
                Ok(count) => {
                    buffer = &mut buffer[count..];
                    position += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(())
    }
}

impl ReadAt for Video {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }
}

/// Does work on a thread that may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match joined(tokio::task::spawn_blocking(work).await) {
        Poll::Ready(done) => done,
        Poll::Pending => std::future::pending().await,
    }
}

/// What work on another thread came to; a panic there goes on here. Pending: the runtime is being shut down,
/// and nobody will poll this again.
fn joined<T>(ended: Result<T, JoinError>) -> Poll<T> {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(done) => Poll::Ready(done),
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_)) => Poll::Pending,
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// An object in a store, as far as these tests need one.
    #[derive(Debug)]
    struct Object {
        bytes: Vec<u8>,
        size: u64,
    }

    impl ReadAt for Object {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            // Answers of a server come in pieces.
            let few = buffer.len().min(1000);
            self.bytes.read_at(&mut buffer[..few], offset)
        }
    }

    impl VideoSource for Object {
        fn path(&self) -> &Path {
            Path::new("store://bucket/key")
        }

        fn size(&self) -> u64 {
            self.size
        }

        fn version(&self) -> Version {
            let ctime = i128::from(self.size);
            Version::File(FileIdentity { device: 0, inode: 0, size: self.size, mtime: 0, ctime })
        }

        fn is_unchanged(&self) -> io::Result<bool> {
            Ok(self.bytes.len() as u64 == self.size)
        }
    }

    #[tokio::test]
    async fn a_source_need_not_be_a_file() {
        let bytes: Vec<u8> = (0..BLOCK + 3000).map(|i| i.to_le_bytes()[1]).collect();
        let size = bytes.len() as u64;
        let video = Video::new(Object { bytes: bytes.clone(), size });
        video.check_unchanged().await.unwrap();
        assert!(video.file().is_none() && check_finished(&video).await.is_ok());
        let whole = Fingerprint::default().reach(&video, size).await.unwrap();
        assert_eq!(whole.hex(), blake3::hash(&bytes).to_hex().to_string());
        let other = Video::new(Object { bytes, size: size + 1 });
        assert!(matches!(other.check_unchanged().await, Err(VideoError::Changed { .. })));
        let cut = Fingerprint::default().reach(&other, size + 1).await;
        assert!(matches!(cut, Err(VideoError::Changed { .. })));
    }

    /// A source with a mistake in it.
    #[derive(Debug)]
    struct Mistaken;

    impl ReadAt for Mistaken {
        fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
            panic!("a mistake")
        }
    }

    impl VideoSource for Mistaken {
        fn path(&self) -> &Path {
            Path::new("store://bucket/key")
        }

        fn size(&self) -> u64 {
            10
        }

        fn version(&self) -> Version {
            Version::File(FileIdentity { device: 0, inode: 0, size: 10, mtime: 0, ctime: 0 })
        }

        fn is_unchanged(&self) -> io::Result<bool> {
            panic!("a mistake")
        }
    }

    #[tokio::test]
    async fn a_mistake_of_ours_is_not_told_as_a_file_that_cannot_be_read() {
        let video = Video::new(Mistaken);
        let hashing = video.clone();
        let hashed = tokio::spawn(async move {
            Fingerprint::default().reach(&hashing, 10).await.map(|hash| hash.hex())
        });
        assert!(hashed.await.unwrap_err().is_panic());
        let mut blocks = video.blocks(0, 10);
        let read = tokio::spawn(async move { poll_fn(|cx| blocks.poll_next(cx)).await });
        assert!(read.await.unwrap_err().is_panic());
        let mut blocks = video.blocks(0, 10);
        let checked = tokio::spawn(async move { poll_fn(|cx| blocks.poll_unchanged(cx)).await });
        assert!(checked.await.unwrap_err().is_panic());
    }
}
