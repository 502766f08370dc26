//! Where a video's bytes come from.
//!
//! A [`Video`] is open: it has a size, a [`Version`] that tells when the content is another one, reads of
//! any range, and a check whether it is still what it was. What lies behind it is a [`VideoSource`]:
//! a local file ([`VideoFile`]), or what lies elsewhere (`remote`). [`Sources`] opens either. What only a local file has, holes and other processes that write it, is
//! asked of [`Video::file`] and of [`FileWatch`].

mod blocks;
mod error;
mod file;
mod fingerprint;
mod fingerprints;
pub(crate) mod near;
mod remote;
mod sources;
mod watch;

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::task::JoinError;
use tokio::time::timeout;
use video_probe::ReadAt;

#[cfg(test)]
pub(crate) use self::blocks::BLOCK;
pub(crate) use self::blocks::Blocks;
pub(crate) use self::error::VideoError;
pub(crate) use self::file::VideoFile;
pub(crate) use self::fingerprint::Fingerprint;
pub(crate) use self::fingerprints::Fingerprints;
pub(crate) use self::remote::{RemoteError, RemoteTrouble};
pub(crate) use self::sources::Sources;
pub(crate) use self::watch::{FileWatch, UnfinishedFiles, WatchError, check_finished};

use crate::fault;
use crate::model::FileIdentity;

/// What can be read as a video: a local file, an object in a store, a file behind a URL.
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

    /// Whether it lies elsewhere: then every method has an end by itself, with an error of its own.
    fn is_remote(&self) -> bool {
        false
    }
}

/// What tells that the content of a source changed: as long as this is the same, so are the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// A file, wherever it lies.
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

    /// As [`Video::open`]; an error if the disk gives nothing for as long as `stall`.
    pub(crate) async fn open_within(path: &Path, stall: Duration) -> Result<Self, VideoError> {
        within(stall, path, || 0, Self::open(path)).await
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

    /// Whether it lies elsewhere, and not on this machine.
    pub(crate) fn is_remote(&self) -> bool {
        self.0.is_remote()
    }

    /// An error if the content is not any more what was opened, or if the disk does not say so within
    /// `stall`.
    pub(crate) async fn check_unchanged(&self, stall: Duration) -> Result<(), VideoError> {
        let video = self.clone();
        self.within(stall, || 0, blocking(move || video.check_now())).await
    }

    /// The bytes from `first` up to, but without, `end`, in blocks and one of them ahead. What is read is
    /// added to the fingerprint.
    pub(crate) fn blocks(&self, first: u64, end: u64, fingerprint: &Fingerprint) -> Blocks {
        Blocks::new(self.clone(), first, end, fingerprint.clone())
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
        let source = match source.downcast::<RemoteError>() {
            Ok(remote) => return VideoError::Remote(remote),
            Err(source) => source,
        };
        VideoError::Io { path: self.path().to_owned(), source }
    }

    /// That the disk, or the server, gave nothing for so long.
    pub(crate) fn stalled(&self, after: Duration) -> VideoError {
        if self.0.is_remote() {
            let place = self.path().display().to_string();
            return RemoteError { place, why: RemoteTrouble::Silent(after) }.into();
        }
        VideoError::Stalled { path: self.path().to_owned(), after }
    }

    /// That the content is another one.
    pub(crate) fn changed(&self) -> VideoError {
        VideoError::Changed { path: self.path().to_owned() }
    }

    /// As the function of this name, for work that reads this video.
    async fn within<T>(
        &self,
        stall: Duration,
        position: impl Fn() -> u64,
        work: impl Future<Output = Result<T, VideoError>>,
    ) -> Result<T, VideoError> {
        if self.0.is_remote() {
            return Box::pin(work).await;
        }
        within(stall, self.path(), position, work).await
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

/// How often it is looked whether a read gets on.
const LOOK: Duration = Duration::from_millis(100);

/// Waits for work that reads the file at `path` as long as it gets on: what `position` gives is another one
/// at least once within `stall`. An error if it is not; what blocks then goes on blocking its thread.
fn within<T>(
    stall: Duration,
    path: &Path,
    position: impl Fn() -> u64,
    work: impl Future<Output = Result<T, VideoError>>,
) -> impl Future<Output = Result<T, VideoError>> {
    // Boxed, as it is a part of what many others wait for.
    let mut work = Box::pin(work);
    async move {
        let look = LOOK.min(stall / 4).max(Duration::from_millis(1));
        let (mut before, mut unmoved) = (position(), Duration::ZERO);
        while unmoved < stall {
            if let Ok(done) = timeout(look, &mut work).await {
                return done;
            }
            // Counted in looks and not by the clock: while this process was stopped the disk was not asked.
            let now = position();
            unmoved = if now == before { unmoved + look } else { Duration::ZERO };
            before = now;
        }
        Err(VideoError::Stalled { path: path.to_owned(), after: stall })
    }
}

/// Does work on a thread that may block.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
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
    use std::sync::{Mutex, mpsc};

    use super::*;
    use crate::exit::Exit;
    use crate::output::Explain as _;
    use crate::problem::{Coded as _, ErrorCode};

    const STALL: Duration = Duration::from_mins(1);

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
        video.check_unchanged(STALL).await.unwrap();
        assert!(video.file().is_none() && check_finished(&video).await.is_ok());
        let whole = Fingerprint::default();
        whole.reach(&video, size, STALL).await.unwrap();
        assert_eq!(whole.hex(), blake3::hash(&bytes).to_hex().to_string());
        let other = Video::new(Object { bytes, size: size + 1 });
        assert!(matches!(other.check_unchanged(STALL).await, Err(VideoError::Changed { .. })));
        let cut = Fingerprint::default().reach(&other, size + 1, STALL).await;
        assert!(matches!(cut, Err(VideoError::Changed { .. })));
    }

    /// A source whose disk does not answer, as long as the other end of the channel is there.
    #[derive(Debug)]
    struct Dead(Mutex<mpsc::Receiver<()>>);

    impl ReadAt for Dead {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            if offset > 0 {
                _ = self.0.lock().unwrap().recv();
            }
            Ok(buffer.len())
        }
    }

    impl VideoSource for Dead {
        fn path(&self) -> &Path {
            Path::new("/disk/clip.mp4")
        }

        fn size(&self) -> u64 {
            3 * BLOCK as u64
        }

        fn version(&self) -> Version {
            let size = self.size();
            Version::File(FileIdentity { device: 0, inode: 0, size, mtime: 0, ctime: 0 })
        }

        fn is_unchanged(&self) -> io::Result<bool> {
            _ = self.0.lock().unwrap().recv();
            Ok(true)
        }
    }

    #[tokio::test]
    async fn a_disk_that_does_not_answer_is_not_waited_for_without_end() {
        let (held, hangs) = mpsc::channel();
        let video = Video::new(Dead(Mutex::new(hangs)));
        let stall = Duration::from_millis(200);
        let read = Fingerprint::default().reach(&video, video.size(), stall).await;
        let checked = video.check_unchanged(stall).await;
        for error in [read.unwrap_err(), checked.unwrap_err()] {
            assert!(matches!(error, VideoError::Stalled { .. }), "{error:?}");
            assert_eq!((error.problem().code, error.exit()), (ErrorCode::VideoDisk, Exit::Local));
        }
        drop(held);
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
        let hashed =
            tokio::spawn(
                async move { Fingerprint::default().reach(&hashing, 10, STALL).await.is_ok() },
            );
        assert!(hashed.await.unwrap_err().is_panic());
        let mut blocks = video.blocks(0, 10, &Fingerprint::default());
        let read = tokio::spawn(async move { poll_fn(|cx| blocks.poll_next(cx)).await });
        assert!(read.await.unwrap_err().is_panic());
        let mut blocks = video.blocks(0, 10, &Fingerprint::default());
        let checked = tokio::spawn(async move { poll_fn(|cx| blocks.poll_unchanged(cx)).await });
        assert!(checked.await.unwrap_err().is_panic());
    }
}
