//! One PUT of one chunk, watched: what came of it, and whether it may have arrived whole.

use std::pin::pin;
use std::time::Duration;

use tiktok_open::{Body, Client, ContentRange, Error, PutAnswer, UploadUrl};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::signals::Shutdown;
use crate::timing::Timing;
use crate::upload::body::{ChunkBody, Flow};
use crate::upload::pace::Pace;
use crate::upload::video::Video;

/// How often the watchdog looks, and the progress is told.
const TICK: Duration = Duration::from_millis(100);

/// What is sent, and how.
#[derive(Debug)]
pub struct ChunkPut<'a> {
    /// Where the bytes go.
    pub url: &'a UploadUrl,
    /// The file.
    pub video: &'a Video,
    /// `video/mp4`, `video/quicktime` or `video/webm`.
    pub content_type: &'static str,
    /// Which bytes.
    pub range: ContentRange,
    /// Whether it is the final chunk, the one behind the point of no return.
    pub is_final: bool,
    /// The budget of `--limit-rate`.
    pub pace: &'a Pace,
    /// From then on the URL counts as expired, and the PUT is given up.
    pub deadline: Instant,
}

/// What is told while a chunk is on its way.
#[derive(Clone, Copy, Debug)]
pub enum Told {
    /// So many bytes of the file were handed over.
    Position(u64),
    /// A signal came, and the answer to the final chunk is waited for up to so long.
    Staying(Duration),
}

/// What came of a PUT.
#[derive(Debug)]
pub struct Put {
    /// The end that it came to.
    pub end: PutEnd,
    /// Whether the chunk's last block was handed to the socket: only then can it have arrived whole.
    pub handed_over: bool,
}

/// The end that a PUT came to.
#[derive(Debug)]
pub enum PutEnd {
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
    /// A signal dropped it.
    Interrupted,
}

/// Sends one chunk and watches it.
pub async fn put(
    client: &Client,
    chunk: &ChunkPut<'_>,
    timing: &Timing,
    shutdown: &Shutdown,
    tell: &(dyn Fn(Told) + Sync),
) -> Put {
    let (body, flow) = ChunkBody::new(chunk.video.clone(), chunk.range, chunk.pace.clone());
    let body = Body::wrap(body);
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
                Err(_) if flow.file_changed() => PutEnd::FileChanged,
                Err(error) => PutEnd::Failed(error),
            },
            _ = shutdown.requested(), if leave_by.is_none() => {
                if !chunk.is_final {
                    break PutEnd::Interrupted;
                }
                // The answer to the final chunk is worth waiting for.
                leave_by = Some(Instant::now() + timing.final_wait);
                tell(Told::Staying(timing.final_wait));
            }
            _ = tick.tick() => {
                tell(Told::Position(chunk.range.first + flow.handed()));
                if leave_by.is_some_and(|by| Instant::now() >= by) {
                    break PutEnd::Interrupted;
                }
                // Once it is all out, only its answer matters.
                if !flow.last_block_handed() && Instant::now() >= chunk.deadline {
                    break PutEnd::Expired;
                }
                if let Some(stalled) = watch.look(&flow, timing) {
                    break stalled;
                }
            }
        }
    };
    Put { end, handed_over: flow.last_block_handed() }
}

/// Two watchdogs: one for the body, one for the answer after it. A timeout of the whole request would
/// kill healthy long uploads.
#[derive(Default)]
struct Watch {
    body_out_at: Option<Instant>,
}

impl Watch {
    fn look(&mut self, flow: &Flow, timing: &Timing) -> Option<PutEnd> {
        if flow.last_block_handed() {
            let since = *self.body_out_at.get_or_insert_with(Instant::now);
            (since.elapsed() >= timing.chunk_answer).then_some(PutEnd::Stalled { after_body: true })
        } else {
            (flow.idle() >= timing.stall).then_some(PutEnd::Stalled { after_body: false })
        }
    }
}
