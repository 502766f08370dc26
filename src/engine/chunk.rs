//! One chunk on its way: the budget of bytes, the body that reads the file, and the PUT under watch.

use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tiktok_open::{Client, ContentRange, Error, PutAnswer, UploadUrl};
use tokio::time::{Instant, MissedTickBehavior, Sleep, interval};

use crate::clock::Deadline;
use crate::engine::rate::{Pace, RateLimiter};
use crate::fault;
use crate::model::Plan;
use crate::signals::Shutdown;
use crate::source::{Blocks, Fingerprint, Video, VideoError};
use crate::timing::Timing;

/// How often the watchdog looks, and the progress is told.
const TICK: Duration = Duration::from_millis(100);

/// How long the body of a chunk that is not the final one may move nothing once a signal has asked to stop,
/// and how long the chunk may take at most. A socket takes some MB at once, which a slow link needs a few
/// seconds for.
const IDLE: Duration = Duration::from_secs(5);
const FINISH: Duration = Duration::from_secs(30);

/// Bytes handed to the socket at a time: small enough that a slow link still shows progress well
/// within the stall limit, large enough that the calls cost nothing.
const FRAME: usize = 128 << 10;

/// Bytes after which a link's speed says something.
const RATE_SAMPLE: u64 = 16 << 20;

/// What is sent, and how.
#[derive(Debug)]
pub(super) struct ChunkPut<'a> {
    /// Where the bytes go.
    pub(super) url: &'a UploadUrl,
    /// The file.
    pub(super) video: &'a Video,
    /// `video/mp4`, `video/quicktime` or `video/webm`.
    pub(super) content_type: &'static str,
    /// What of the file is read is added to this.
    pub(super) fingerprint: &'a Fingerprint,
    /// Which bytes.
    pub(super) range: ContentRange,
    /// Whether it is the final chunk, the one behind the point of no return.
    pub(super) is_final: bool,
    /// The budget of `--limit-rate`.
    pub(super) rate: &'a RateLimiter,
    /// How it begins, behind another chunk.
    pub(super) pace: Option<Pace>,
    /// From then on the URL counts as expired, and the PUT is given up: its last block is not sent any more.
    pub(super) deadline: Deadline,
}

/// What is told while a chunk is on its way.
#[derive(Clone, Copy, Debug)]
pub(super) enum ChunkEvent {
    /// So many bytes of the file were handed over.
    Position(u64),
    /// A signal came, and the answer to the final chunk is waited for up to so long.
    Staying(Duration),
}

/// What came of a PUT.
#[derive(Debug)]
pub(super) struct Put {
    /// The end that it came to.
    pub(super) end: PutEnd,
    /// Whether the chunk's last block was handed to the socket: only then can it have arrived whole.
    pub(super) handed_over: bool,
    /// How the next chunk is to begin on this connection.
    pub(super) pace: Option<Pace>,
}

/// The end that a PUT came to.
#[derive(Debug)]
pub(super) enum PutEnd {
    /// It was answered.
    Answered(PutAnswer),
    /// It was not answered: not sent, cut off, or unreadable.
    Failed(Error),
    /// The watchdog dropped it.
    Stalled {
        /// Whether the body was out already.
        after_body: bool,
    },
    /// The URL's time was over.
    Expired,
    /// The file is not the same any more; the chunk was cut off before its last block.
    FileChanged,
    /// The file could not be read on, or not in time; the chunk was cut off before its last block.
    File(VideoError),
    /// A signal dropped it.
    Interrupted,
}

/// Sends one chunk and watches it.
pub(super) async fn put(
    client: &Client,
    chunk: &ChunkPut<'_>,
    timing: &Timing,
    shutdown: &Shutdown,
    report: &(dyn Fn(ChunkEvent) + Sync),
) -> Put {
    let (mut body, progress) =
        ChunkBody::new(chunk.video, chunk.fingerprint, chunk.range, chunk.rate.clone());
    body.pace = chunk.pace;
    body.deadline = Some(chunk.deadline);
    let body = tiktok_open::Body::wrap(body);
    let sending = client.put_chunk(chunk.url, chunk.content_type, chunk.range, body);
    let mut sending = pin!(sending);
    let mut tick = interval(TICK.min(timing.stall / 4).max(Duration::from_millis(1)));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watch = Watch::default();
    let mut leave_by: Option<Instant> = None;
    let end = loop {
        tokio::select! {
            biased;
            sent = &mut sending => break match sent {
                Ok(answer) => PutEnd::Answered(answer),
                Err(error) => match progress.take_failure() {
                    None if progress.is_expired() => PutEnd::Expired,
                    None => PutEnd::Failed(error),
                    // A file that comes over a network may be read later.
                    Some(VideoError::Io { source, .. }) if is_of_a_network(&source) => {
                        PutEnd::Failed(error)
                    }
                    Some(VideoError::Changed { .. }) => PutEnd::FileChanged,
                    Some(error) => PutEnd::File(error),
                },
            },
            _ = shutdown.requested(), if leave_by.is_none() => {
                let most = if chunk.is_final { Duration::MAX } else { FINISH };
                leave_by = Some(Instant::now() + timing.final_wait.min(most));
                // The answer to the final chunk is worth waiting for. Another one is finished as long as
                // it gets on, so that its bytes need not be sent again.
                if chunk.is_final {
                    report(ChunkEvent::Staying(timing.final_wait));
                }
            }
            _ = tick.tick() => {
                report(ChunkEvent::Position(chunk.range.first() + progress.handed()));
                let hangs = !chunk.is_final
                    && !progress.last_block_handed()
                    && progress.idle() >= IDLE;
                if leave_by.is_some_and(|by| hangs || Instant::now() >= by) {
                    break PutEnd::Interrupted;
                }
                // Once it is all out, only its answer matters.
                if !progress.last_block_handed() && chunk.deadline.is_over() {
                    break PutEnd::Expired;
                }
                if let Some(stalled) = watch.look(&progress, timing) {
                    break if progress.is_reading() {
                        PutEnd::File(chunk.video.stalled(timing.stall))
                    } else {
                        stalled
                    };
                }
            }
        }
    };
    let pace = if matches!(end, PutEnd::Answered(_)) { progress.pace() } else { None };
    Put { end, handed_over: progress.last_block_handed(), pace }
}

/// One PUT while its bytes are read for something else: what came of both. The reading is waited for only
/// if it can be of use: not if the disk hangs, nobody takes the bytes, or the run is to end.
pub(super) async fn beside<T>(
    put: impl Future<Output = Put>,
    reading: impl Future<Output = T>,
) -> (Put, Option<T>) {
    let (mut put, mut reading) = (pin!(put), pin!(reading));
    let mut read = None;
    let put = loop {
        tokio::select! {
            biased;
            put = &mut put => break put,
            done = &mut reading, if read.is_none() => read = Some(done),
        }
    };
    if read.is_none() && matches!(put.end, PutEnd::Answered(_) | PutEnd::Failed(_)) {
        read = Some(reading.await);
    }
    (put, read)
}

/// Two watchdogs: one for the body, one for the answer after it. A timeout of the whole request would
/// kill healthy long uploads.
#[derive(Default)]
struct Watch {
    body_out_at: Option<Instant>,
}

impl Watch {
    fn look(&mut self, progress: &BodyProgress, timing: &Timing) -> Option<PutEnd> {
        if progress.last_block_handed() {
            let since = *self.body_out_at.get_or_insert_with(Instant::now);
            (since.elapsed() >= timing.chunk_answer).then_some(PutEnd::Stalled { after_body: true })
        } else {
            (progress.idle() >= timing.stall).then_some(PutEnd::Stalled { after_body: false })
        }
    }
}

/// Says early when a link will not make it within the life of the URL.
pub(super) struct SpeedWatch<'a> {
    /// When the upload began, if this run began it.
    pub(super) begun: Option<Instant>,
    /// What is sent.
    pub(super) plan: &'a Plan,
    /// Whether it was said already.
    pub(super) warned: &'a AtomicBool,
}

impl SpeedWatch<'_> {
    /// With so many bytes sent: how long the whole takes at this speed, if that is longer than `life`. Said
    /// once.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(super) fn look(&self, sent: u64, life: Duration) -> Option<Duration> {
        let two_chunks = self.plan.boundary(2).min(4 * RATE_SAMPLE);
        let sample = if self.plan.count() > 2 { two_chunks } else { RATE_SAMPLE };
        let elapsed = self.begun?.elapsed();
        if sent < sample {
            return None;
        }
        let whole = elapsed.mul_f64(self.plan.size() as f64 / sent as f64);
        (whole > life && !self.warned.swap(true, Ordering::Relaxed)).then_some(whole)
    }
}

/// What a chunk's body tells while it is being sent, for the watchdog and the progress.
#[derive(Debug)]
pub(super) struct BodyProgress {
    handed: AtomicU64,
    last_block_handed: AtomicBool,
    /// Why the body ended early.
    failure: Mutex<Option<VideoError>>,
    /// Whether it ended early because it was too late for its last block.
    expired: AtomicBool,
    /// Whether the socket would take more, and the file is waited for.
    reading: AtomicBool,
    /// When the socket last took bytes, or a pause of our own ended.
    moved: Mutex<Instant>,
    paused: AtomicBool,
    second_half: Mutex<SecondHalf>,
}

/// How fast the second half of a chunk goes: the first one fills what the kernel keeps, and finds out what the
/// link can do.
#[derive(Debug, Default)]
struct SecondHalf {
    bytes: u64,
    began: Option<Instant>,
    /// When its last block was handed over.
    ended: Option<Instant>,
}

impl BodyProgress {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            handed: AtomicU64::new(0),
            last_block_handed: AtomicBool::new(false),
            failure: Mutex::default(),
            expired: AtomicBool::new(false),
            reading: AtomicBool::new(false),
            moved: Mutex::new(Instant::now()),
            paused: AtomicBool::new(false),
            second_half: Mutex::default(),
        })
    }

    /// Counts what is handed over, with so much left behind it.
    fn hand(&self, length: u64, left: u64) {
        let handed = self.handed.fetch_add(length, Ordering::Relaxed) + length;
        if handed < left {
            return;
        }
        let mut half = self.second_half.lock().unwrap_or_else(PoisonError::into_inner);
        if half.began.is_none() {
            *half = SecondHalf { bytes: left, began: Some(Instant::now()), ended: None };
        }
        if left == 0 {
            half.ended = Some(Instant::now());
        }
    }

    /// How the chunk behind this one is to begin, now that this one is answered.
    fn pace(&self) -> Option<Pace> {
        let half = self.second_half.lock().unwrap_or_else(PoisonError::into_inner);
        let (began, ended) = (half.began?, half.ended?);
        Pace::behind(half.bytes, ended - began, ended.elapsed())
    }

    /// Bytes of the chunk handed to the socket so far.
    pub(super) fn handed(&self) -> u64 {
        self.handed.load(Ordering::Relaxed)
    }

    /// Whether the chunk's last block was handed over: from then on it may arrive whole.
    pub(super) fn last_block_handed(&self) -> bool {
        self.last_block_handed.load(Ordering::SeqCst)
    }

    /// Whether the body ended early because it was too late for its last block.
    fn is_expired(&self) -> bool {
        self.expired.load(Ordering::SeqCst)
    }

    /// What was wrong with the file, if the body ended early for it.
    pub(super) fn take_failure(&self) -> Option<VideoError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether it is the file that is waited for, and not the socket.
    pub(super) fn is_reading(&self) -> bool {
        self.reading.load(Ordering::Relaxed)
    }

    /// How long the socket has taken nothing, our own pauses not counted.
    pub(super) fn idle(&self) -> Duration {
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
pub(super) struct ChunkBody {
    blocks: Blocks,
    left: u64,
    block: Bytes,
    /// The most bytes of a frame.
    frame: usize,
    /// Whether it is being asked if the file is still the same.
    checking: bool,
    rate: RateLimiter,
    pace: Option<Pace>,
    /// From then on its last block is kept back.
    deadline: Option<Deadline>,
    pause: Option<Pin<Box<Sleep>>>,
    booked: bool,
    progress: Arc<BodyProgress>,
}

impl std::fmt::Debug for ChunkBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChunkBody").field("left", &self.left).finish_non_exhaustive()
    }
}

impl ChunkBody {
    /// The body for `range` of `video`, and what it will tell.
    pub(super) fn new(
        video: &Video,
        fingerprint: &Fingerprint,
        range: ContentRange,
        rate: RateLimiter,
    ) -> (Self, Arc<BodyProgress>) {
        let progress = BodyProgress::new();
        let body = Self {
            blocks: video.blocks(range.first(), range.last() + 1, fingerprint),
            left: range.len(),
            block: Bytes::new(),
            frame: rate.frame(FRAME),
            checking: false,
            rate,
            pace: None,
            deadline: None,
            pause: None,
            booked: false,
            progress: Arc::clone(&progress),
        };
        (body, progress)
    }

    /// Waits for the budget of the next frame.
    fn poll_rate(&mut self, cx: &mut Context<'_>, bytes: u64) -> Poll<()> {
        if !self.booked {
            self.booked = true;
            let paced = self.pace.as_mut().and_then(|pace| pace.book(bytes, Instant::now()));
            // The later one of the two, if there is any.
            let at = self.rate.book(bytes).max(paced);
            self.pause = at.map(|at| Box::pin(tokio::time::sleep_until(at)));
            self.progress.paused.store(self.pause.is_some(), Ordering::Relaxed);
        }
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
            self.progress.mark();
            self.progress.paused.store(false, Ordering::Relaxed);
        }
        Poll::Ready(())
    }

    /// The next frame, once its block is there; before the last one, once the file is known to be the
    /// same.
    fn poll_next_block(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<Bytes>, VideoError>> {
        let length = self.block.len().min(self.frame);
        if length as u64 == self.left {
            if !self.checking {
                fault::point("body: last frame").map_err(|e| self.blocks.video().failed(e))?;
                self.checking = true;
            }
            let unchanged = self.blocks.poll_unchanged(cx);
            self.progress.reading.store(unchanged.is_pending(), Ordering::Relaxed);
            ready!(unchanged)?;
            self.progress.last_block_handed.store(true, Ordering::SeqCst);
        }
        let frame = self.block.split_to(length);
        self.left -= length as u64;
        self.progress.hand(length as u64, self.left);
        self.booked = false;
        Poll::Ready(Ok(Frame::data(frame)))
    }

    /// Ends the body. The error is kept for whoever sends it: of what the connection makes of it, nothing
    /// tells the file's from its own.
    fn fail(&mut self, error: VideoError) -> BodyCut {
        *self.progress.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        self.blocks.stop();
        self.block = Bytes::new();
        BodyCut
    }
}

/// That a body ended before its time; [`BodyProgress::take_failure`] says why.
#[derive(Debug, thiserror::Error)]
#[error("the file could not be read on")]
pub(super) struct BodyCut;

/// Whether an error is that of a connection: a file that comes over a network may be read later.
fn is_of_a_network(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::TimedOut)
}

impl Body for ChunkBody {
    type Data = Bytes;
    type Error = BodyCut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyCut>>> {
        let this = &mut *self;
        if this.left == 0 {
            return Poll::Ready(None);
        }
        // Being asked for more means that the socket took what it had.
        if !this.booked {
            this.progress.mark();
        }
        if this.block.is_empty() {
            let read = this.blocks.poll_next(cx);
            this.progress.reading.store(read.is_pending(), Ordering::Relaxed);
            let block = match ready!(read) {
                Some(Ok(block)) => block,
                Some(Err(error)) => return Poll::Ready(Some(Err(this.fail(error)))),
                // The blocks are as long as the range: only after an error is there none left.
                None => return Poll::Ready(None),
            };
            if let Err(error) = fault::point("body: block") {
                let error = this.blocks.video().failed(error);
                return Poll::Ready(Some(Err(this.fail(error))));
            }
            this.block = block;
            this.blocks.read_ahead();
        }
        ready!(this.poll_rate(cx, this.block.len().min(this.frame) as u64));
        // A machine that slept for long in the middle of it finds out here, before anything else looks.
        if this.block.len().min(this.frame) as u64 == this.left
            && this.deadline.is_some_and(Deadline::is_over)
        {
            this.progress.expired.store(true, Ordering::SeqCst);
            this.blocks.stop();
            return Poll::Ready(Some(Err(BodyCut)));
        }
        let frame = ready!(this.poll_next_block(cx));
        Poll::Ready(Some(frame.map_err(|error| this.fail(error))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::FileExt;

    use std::path::Path;

    use http_body_util::BodyExt;
    use tiktok_open::Endpoints;
    use tokio::io::AsyncWriteExt as _;
    use video_probe::ReadAt;

    use super::*;
    use crate::api::client;
    use crate::clock::Clock;
    use crate::exit::Exit;
    use crate::model::FileIdentity;
    use crate::output::Explain as _;
    use crate::problem::{Coded as _, ErrorCode};
    use crate::secret::Secret;
    use crate::signals::Signal;
    use crate::source::{BLOCK, Version, VideoSource};
    use crate::text::chain;

    const STALL: Duration = Duration::from_mins(1);

    async fn video(content: &[u8]) -> (tempfile::NamedTempFile, Video) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        let video = Video::open(file.path()).await.unwrap();
        (file, video)
    }

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|i| u8::try_from(i * 31 % 251).unwrap()).collect()
    }

    #[tokio::test]
    async fn every_range_arrives_byte_exact() {
        let content = content(3 * BLOCK + 17);
        let (_file, video) = video(&content).await;
        let total = content.len() as u64;
        for (first, last) in [(0, 0), (0, total - 1), (5, BLOCK as u64 + 4), (total - 1, total - 1)]
        {
            let range = ContentRange::new(first..last + 1, total).unwrap();
            let (body, progress) =
                ChunkBody::new(&video, &Fingerprint::default(), range, RateLimiter::unlimited());
            assert_eq!(body.size_hint().exact(), Some(range.len()));
            let got = body.collect().await.unwrap().to_bytes();
            let (first, last) = (usize::try_from(first).unwrap(), usize::try_from(last).unwrap());
            assert!(got == content[first..=last], "{range}");
            assert!(progress.last_block_handed());
            assert_eq!(progress.handed(), range.len());
        }
    }

    #[tokio::test]
    async fn the_last_block_of_a_changed_file_is_withheld() {
        let (file, video) = video(&content(2 * BLOCK)).await;
        let total = 2 * BLOCK as u64;
        let range = ContentRange::new(0..total, total).unwrap();
        let (mut body, progress) =
            ChunkBody::new(&video, &Fingerprint::default(), range, RateLimiter::unlimited());
        body.frame().await.unwrap().unwrap();
        while video.check_unchanged(STALL).await.is_ok() {
            file.as_file().write_all_at(b"x", 0).unwrap();
        }
        body.collect().await.unwrap_err();
        assert!(matches!(progress.take_failure(), Some(VideoError::Changed { .. })));
        assert!(!progress.last_block_handed());
        assert!(progress.handed() < total);
    }

    #[tokio::test]
    async fn the_last_block_is_withheld_once_the_url_has_expired() {
        let (_file, video) = video(&content(2 * BLOCK)).await;
        let total = 2 * BLOCK as u64;
        let range = ContentRange::new(0..total, total).unwrap();
        let (mut body, progress) =
            ChunkBody::new(&video, &Fingerprint::default(), range, RateLimiter::unlimited());
        body.frame().await.unwrap().unwrap();
        // The machine slept for an hour.
        body.deadline = Some(Deadline::after(Duration::ZERO));
        body.collect().await.unwrap_err();
        assert!(progress.is_expired() && !progress.last_block_handed());
        assert!(progress.handed() < total);
    }

    #[tokio::test]
    async fn a_truncated_file_ends_in_an_error() {
        let (file, video) = video(&content(2 * BLOCK)).await;
        file.as_file().set_len(BLOCK as u64).unwrap();
        let total = 2 * BLOCK as u64;
        let range = ContentRange::new(0..total, total).unwrap();
        let (body, progress) =
            ChunkBody::new(&video, &Fingerprint::default(), range, RateLimiter::unlimited());
        assert!(body.collect().await.is_err());
        assert!(matches!(progress.take_failure(), Some(VideoError::Changed { .. })));
        assert!(!progress.last_block_handed());
    }

    /// A file on a disk that fails, or hangs, after its first block.
    #[derive(Debug)]
    struct BadDisk {
        size: u64,
        /// Reads wait until the other end is gone; without it they fail.
        hangs: Option<Mutex<std::sync::mpsc::Receiver<()>>>,
    }

    impl ReadAt for BadDisk {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            if offset < BLOCK as u64 {
                return Ok(buffer.len().min(BLOCK));
            }
            if let Some(hangs) = &self.hangs {
                _ = hangs.lock().unwrap().recv();
            }
            Err(rustix::io::Errno::IO.into())
        }
    }

    impl VideoSource for BadDisk {
        fn path(&self) -> &Path {
            Path::new("/disk/clip.mp4")
        }

        fn size(&self) -> u64 {
            self.size
        }

        fn version(&self) -> Version {
            let size = self.size;
            Version::File(FileIdentity { device: 0, inode: 0, size, mtime: 0, ctime: 0 })
        }

        fn is_unchanged(&self) -> io::Result<bool> {
            Ok(true)
        }
    }

    /// Sends all of such a file to somebody who takes every byte and answers nothing.
    async fn put_from(disk: BadDisk, timing: &str) -> PutEnd {
        let shutdown = Shutdown::listen().unwrap();
        let put = put_chunk(&Video::new(disk), true, timing, &shutdown, None).await;
        assert!(!put.handed_over);
        put.end
    }

    /// Sends all of a video to somebody who takes every byte and answers after a while, or not at all.
    async fn put_chunk(
        video: &Video,
        is_final: bool,
        timing: &str,
        shutdown: &Shutdown,
        answers_after: Option<Duration>,
    ) -> Put {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let Some(after) = answers_after else {
                _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
                return;
            };
            let (mut from, mut to) = stream.split();
            let mut sink = tokio::io::sink();
            let taking = tokio::io::copy(&mut from, &mut sink);
            _ = tokio::time::timeout(after, taking).await;
            _ = to.write_all(b"HTTP/1.1 206 Partial Content\r\ncontent-length: 0\r\n\r\n").await;
            _ = tokio::io::copy(&mut from, &mut sink).await;
        });
        _ = rustls::crypto::ring::default_provider().install_default();
        let endpoints = Endpoints::new(Some(&base), None).unwrap();
        let url = UploadUrl::check(&Secret::new(format!("{base}/put")), &endpoints).unwrap();
        let timing = Timing::default().with(timing).unwrap();
        let client = client(endpoints, Clock::default(), &timing).unwrap();
        let size = video.size();
        let chunk = ChunkPut {
            url: &url,
            video,
            fingerprint: &Fingerprint::default(),
            content_type: "video/mp4",
            range: ContentRange::new(0..size, size).unwrap(),
            is_final,
            rate: &RateLimiter::unlimited(),
            pace: None,
            deadline: Deadline::after(Duration::from_hours(1)),
        };
        put(&client, &chunk, &timing, shutdown, &|_| {}).await
    }

    #[tokio::test]
    async fn a_disk_that_fails_in_a_chunk_is_no_silence_of_tiktoks() {
        let end = put_from(BadDisk { size: 3 * BLOCK as u64, hangs: None }, "stall=10m").await;
        let PutEnd::File(error) = end else { panic!("{end:?}") };
        assert!(chain(&error).contains("error 5"), "{}", chain(&error));
    }

    #[tokio::test]
    async fn a_disk_that_hangs_in_a_chunk_is_no_stalled_link() {
        let (held, hangs) = std::sync::mpsc::channel();
        let disk = BadDisk { size: 3 * BLOCK as u64, hangs: Some(Mutex::new(hangs)) };
        let end = put_from(disk, "stall=200ms").await;
        drop(held);
        let PutEnd::File(error) = end else { panic!("{end:?}") };
        assert!(chain(&error).contains("the disk gave nothing for 0.2 s"), "{}", chain(&error));
        assert_eq!((error.problem().code, error.exit()), (ErrorCode::VideoDisk, Exit::Local));
    }

    #[tokio::test]
    async fn what_reads_along_with_a_chunk_that_gets_nowhere_keeps_nobody() {
        for end in [
            PutEnd::Stalled { after_body: false },
            PutEnd::Interrupted,
            PutEnd::File(VideoError::Stalled { path: "/disk/clip.mp4".into(), after: STALL }),
        ] {
            let put = std::future::ready(Put { end, handed_over: false, pace: None });
            let (_, read) = beside(put, std::future::pending::<()>()).await;
            assert_eq!(read, None);
        }
        let cut = Error::NotTikTok {
            host: "upload".to_owned(),
            call: "chunk",
            status: 200,
            what: "no HTTP".into(),
        };
        let put =
            std::future::ready(Put { end: PutEnd::Failed(cut), handed_over: true, pace: None });
        let (_, read) = beside(put, tokio::task::yield_now()).await;
        assert_eq!(read, Some(()), "what was sent need not be read again");
    }

    #[tokio::test]
    async fn a_chunk_whose_answer_takes_a_while_is_finished_after_a_signal() {
        let shutdown = Shutdown::asked_by(Signal::INTERRUPT);
        let file = content(BLOCK);
        let (_file, video) = video(&file).await;
        let taken = Duration::from_millis(5500);
        let put = put_chunk(&video, false, "stall=10m", &shutdown, Some(taken)).await;
        assert!(matches!(put.end, PutEnd::Answered(_)), "{:?}", put.end);
    }
}
