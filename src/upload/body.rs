//! The body of one chunk: streamed from the open file with constant memory and an exact length.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tiktok_open::ContentRange;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep};

use crate::fault;
use crate::upload::pace::Pace;
use crate::upload::video::{READ, Video, VideoError};

/// Bytes handed to the socket at a time: small enough that a slow link still shows progress well
/// within the stall limit, large enough that the calls cost nothing.
const FRAME: usize = 128 << 10;

/// What a chunk's body tells while it is being sent, for the watchdog and the progress.
#[derive(Debug)]
pub struct Flow {
    handed: AtomicU64,
    last_block_handed: AtomicBool,
    changed: AtomicBool,
    /// When the socket last took bytes, or a pause of our own ended.
    moved: Mutex<Instant>,
    paused: AtomicBool,
}

impl Flow {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            handed: AtomicU64::new(0),
            last_block_handed: AtomicBool::new(false),
            changed: AtomicBool::new(false),
            moved: Mutex::new(Instant::now()),
            paused: AtomicBool::new(false),
        })
    }

    /// Bytes of the chunk handed to the socket so far.
    pub fn handed(&self) -> u64 {
        self.handed.load(Ordering::Relaxed)
    }

    /// Whether the chunk's last block was handed over: from then on it may arrive whole.
    pub fn last_block_handed(&self) -> bool {
        self.last_block_handed.load(Ordering::SeqCst)
    }

    /// Whether the body ended because the file is not the same any more.
    pub fn file_changed(&self) -> bool {
        self.changed.load(Ordering::SeqCst)
    }

    /// How long the socket has taken nothing, our own pauses not counted.
    pub fn idle(&self) -> Duration {
        if self.paused.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        self.moved.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    fn mark(&self) {
        *self.moved.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// The bytes of one chunk as an HTTP body.
///
/// Reads run one block ahead on a blocking thread. Before the last block is handed over the open
/// descriptor is asked for its identity; if the file changed, the body ends in an error and the chunk
/// cannot complete.
pub struct ChunkBody {
    video: Video,
    next_read: u64,
    end: u64,
    left: u64,
    block: Bytes,
    reading: Option<JoinHandle<Result<Bytes, VideoError>>>,
    pool: Pool,
    pace: Pace,
    pause: Option<Pin<Box<Sleep>>>,
    booked: bool,
    flow: Arc<Flow>,
}

impl std::fmt::Debug for ChunkBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChunkBody").field("left", &self.left).finish_non_exhaustive()
    }
}

impl ChunkBody {
    /// The body for `range` of `video`, and what it will tell.
    pub fn new(video: Video, range: ContentRange, pace: Pace) -> (Self, Arc<Flow>) {
        let flow = Flow::new();
        let body = Self {
            video,
            next_read: range.first,
            end: range.last + 1,
            left: range.len(),
            block: Bytes::new(),
            reading: None,
            pool: Pool::default(),
            pace,
            pause: None,
            booked: false,
            flow: Arc::clone(&flow),
        };
        (body, flow)
    }

    /// Starts the read of the next block, if there is one and none runs.
    fn read_ahead(&mut self) {
        if self.reading.is_some() || self.next_read >= self.end {
            return;
        }
        let length = usize::try_from(self.end - self.next_read).map_or(READ, |left| left.min(READ));
        let (video, pool, position) = (self.video.clone(), self.pool.clone(), self.next_read);
        self.next_read += length as u64;
        self.reading = Some(tokio::task::spawn_blocking(move || {
            let mut buffer = pool.take();
            video.read_at(&mut buffer.bytes[..length], position)?;
            Ok(Bytes::from_owner(buffer).slice(..length))
        }));
    }

    /// Waits for the budget of the next frame.
    fn poll_pace(&mut self, cx: &mut Context<'_>, bytes: u64) -> Poll<()> {
        if !self.booked {
            self.booked = true;
            self.pause = self.pace.book(bytes).map(|at| Box::pin(tokio::time::sleep_until(at)));
            self.flow.paused.store(self.pause.is_some(), Ordering::Relaxed);
        }
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
            self.flow.mark();
            self.flow.paused.store(false, Ordering::Relaxed);
        }
        Poll::Ready(())
    }

    /// The next frame, once its block is there.
    fn hand_over(&mut self) -> Result<Frame<Bytes>, VideoError> {
        let frame = self.block.split_to(self.block.len().min(FRAME));
        let last = frame.len() as u64 == self.left;
        if last {
            fault::point("body: last frame").map_err(|e| self.video.failed(e))?;
            self.video.check_unchanged()?;
            self.flow.last_block_handed.store(true, Ordering::SeqCst);
        }
        self.left -= frame.len() as u64;
        self.flow.handed.fetch_add(frame.len() as u64, Ordering::Relaxed);
        self.booked = false;
        Ok(Frame::data(frame))
    }

    fn fail(&mut self, error: VideoError) -> VideoError {
        if matches!(error, VideoError::Changed { .. }) {
            self.flow.changed.store(true, Ordering::SeqCst);
        }
        self.next_read = self.end;
        self.block = Bytes::new();
        error
    }
}

impl Body for ChunkBody {
    type Data = Bytes;
    type Error = VideoError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, VideoError>>> {
        let this = &mut *self;
        if this.left == 0 {
            return Poll::Ready(None);
        }
        // Being asked for more means that the socket took what it had.
        if !this.booked {
            this.flow.mark();
        }
        if this.block.is_empty() {
            this.read_ahead();
            if let Some(reading) = &mut this.reading {
                let read = ready!(Pin::new(reading).poll(cx));
                this.reading = None;
                match read {
                    Ok(Ok(block)) => {
                        if let Err(error) = fault::point("body: block") {
                            let error = this.video.failed(error);
                            return Poll::Ready(Some(Err(this.fail(error))));
                        }
                        this.block = block;
                    }
                    Ok(Err(error)) => return Poll::Ready(Some(Err(this.fail(error)))),
                    Err(_) => {
                        let source = std::io::Error::other("the reading thread ended");
                        let path = this.video.path().to_owned();
                        return Poll::Ready(Some(Err(this.fail(VideoError::Io { path, source }))));
                    }
                }
            }
            this.read_ahead();
        }
        ready!(this.poll_pace(cx, this.block.len().min(FRAME) as u64));
        let frame = this.hand_over().map_err(|error| this.fail(error));
        Poll::Ready(Some(frame))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// Blocks that come back when the socket is done with them, so that memory stays constant and no
/// page is faulted in twice.
#[derive(Clone, Debug, Default)]
struct Pool(Arc<Mutex<Vec<Vec<u8>>>>);

struct Buffer {
    bytes: Vec<u8>,
    home: Pool,
}

impl Pool {
    fn take(&self) -> Buffer {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Buffer { bytes: bytes.unwrap_or_else(|| vec![0; READ]), home: self.clone() }
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.home.0.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::FileExt;

    use http_body_util::BodyExt;

    use super::*;

    fn video(content: &[u8]) -> (tempfile::NamedTempFile, Video) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        let video = Video::open(file.path()).unwrap();
        (file, video)
    }

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|i| u8::try_from(i * 31 % 251).unwrap()).collect()
    }

    #[tokio::test]
    async fn every_range_arrives_byte_exact() {
        let content = content(3 * READ + 17);
        let (_file, video) = video(&content);
        let total = content.len() as u64;
        for (first, last) in [(0, 0), (0, total - 1), (5, READ as u64 + 4), (total - 1, total - 1)]
        {
            let range = ContentRange { first, last, total };
            let (body, flow) = ChunkBody::new(video.clone(), range, Pace::unlimited());
            assert_eq!(body.size_hint().exact(), Some(range.len()));
            let got = body.collect().await.unwrap().to_bytes();
            let (first, last) = (usize::try_from(first).unwrap(), usize::try_from(last).unwrap());
            assert!(got == content[first..=last], "{range}");
            assert!(flow.last_block_handed());
            assert_eq!(flow.handed(), range.len());
        }
    }

    #[tokio::test]
    async fn the_last_block_of_a_changed_file_is_withheld() {
        let (file, video) = video(&content(2 * READ));
        let total = 2 * READ as u64;
        let range = ContentRange { first: 0, last: total - 1, total };
        let (mut body, flow) = ChunkBody::new(video.clone(), range, Pace::unlimited());
        body.frame().await.unwrap().unwrap();
        while video.check_unchanged().is_ok() {
            file.as_file().write_all_at(b"x", 0).unwrap();
        }
        let error = body.collect().await.unwrap_err();
        assert!(matches!(error, VideoError::Changed { .. }));
        assert!(flow.file_changed() && !flow.last_block_handed());
        assert!(flow.handed() < total);
    }

    #[tokio::test]
    async fn a_truncated_file_ends_in_an_error() {
        let (file, video) = video(&content(2 * READ));
        file.as_file().set_len(READ as u64).unwrap();
        let total = 2 * READ as u64;
        let range = ContentRange { first: 0, last: total - 1, total };
        let (body, flow) = ChunkBody::new(video, range, Pace::unlimited());
        assert!(body.collect().await.is_err());
        assert!(flow.file_changed() && !flow.last_block_handed());
    }

    #[tokio::test]
    async fn memory_does_not_grow_with_the_chunk() {
        let (_file, video) = video(&content(20 * READ));
        let total = 20 * READ as u64;
        let range = ContentRange { first: 0, last: total - 1, total };
        let (mut body, _flow) = ChunkBody::new(video, range, Pace::unlimited());
        let pool = body.pool.clone();
        while let Some(frame) = body.frame().await {
            drop(frame.unwrap());
        }
        drop(body);
        assert!(pool.0.lock().unwrap().len() <= 3, "a few blocks serve every read");
    }
}
