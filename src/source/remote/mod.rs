//! A video that lies elsewhere: pinned when it is opened, and read as a stream that runs ahead.
//!
//! What is at the other end is asked for ranges, each under the condition that it is still the one that was
//! pinned. Reads are mostly one behind the other: those go on with the answer to the last request, of which a task
//! keeps a little in memory. A read elsewhere asks for a small range first, as it may be of a header, and for
//! larger ones as long as reads follow it.

mod error;
#[cfg(feature = "cloud")]
mod secrets;
#[cfg(feature = "cloud")]
mod store;
mod web;

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use video_probe::ReadAt;

pub(crate) use self::error::{RemoteError, RemoteTrouble};
#[cfg(feature = "cloud")]
pub(super) use self::store::StoredObject;
pub(super) use self::web::WebFile;

use super::{Version, VideoSource};
use crate::fault;
use crate::model::FileIdentity;
use crate::retry::Backoff;
use crate::signals::Shutdown;
use crate::timing::Timing;

/// Tries of one read without progress.
const TRIES: u32 = 5;

/// Bytes of the first request at a place: enough for the headers of most videos.
pub(super) const FIRST: u64 = 256 << 10;
/// How many times more the request behind it asks for.
const GROWTH: u64 = 8;
/// The most bytes of a request: connections that are open for very long are cut more often.
const MOST: u64 = 256 << 20;

/// Reads of fewer bytes are made from pages of [`FIRST`] bytes, of which so many are kept.
const FEW: usize = 64 << 10;
const PAGES: usize = 4;

/// Pieces of an answer that are kept ahead: of up to half a megabyte each.
const AHEAD: usize = 6;

/// Places at which reads may go on: of the chunk, of the fingerprint that is made up for, and one more.
const STREAMS: usize = 3;

/// What must stay as it is for the bytes to be the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pin {
    /// Size in bytes.
    pub(super) size: u64,
    /// The entity tag, as the server writes it.
    pub(super) etag: Option<String>,
    /// The name of the version, in a store that keeps several.
    pub(super) version: Option<String>,
    /// When it was last changed, as the server writes it.
    pub(super) modified: Option<String>,
}

impl Pin {
    /// The tag, if the same tag means the same bytes.
    pub(super) fn strong_etag(&self) -> Option<&str> {
        self.etag.as_deref().filter(|tag| !tag.starts_with("W/"))
    }

    /// Whether it tells two contents apart. A weak tag does not: it may stay the same where bytes change.
    fn tells_versions_apart(&self) -> bool {
        self.strong_etag().is_some() || self.version.is_some() || self.modified.is_some()
    }

    /// Whether an answer is of the same content.
    fn is_same(&self, other: &Self) -> bool {
        let is_same_version = match (&self.version, &other.version) {
            (Some(one), Some(other)) => Some(one == other),
            // Some stores tell a version in some answers only.
            _ => None,
        };
        let is_surely_same = self.strong_etag().is_some()
            || is_same_version == Some(true)
            || self.modified.is_some();
        self.size == other.size
            && self.etag == other.etag
            && is_same_version != Some(false)
            // A server may have several copies of a file, each with a time of its own.
            && (self.strong_etag().is_some() || self.modified == other.modified)
            && is_surely_same
    }

    /// What tells it from another one.
    fn text(&self) -> String {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        let modified =
            if self.strong_etag().is_some() { String::new() } else { part(&self.modified) };
        format!("{}\n{}\n{modified}", part(&self.etag), part(&self.version))
    }
}

/// An answer to a request for a range.
pub(super) struct Part {
    /// What is there.
    pub(super) pin: Pin,
    /// The bytes of the range, from its beginning.
    pub(super) bytes: BoxStream<'static, Result<Bytes, RemoteTrouble>>,
}

/// What gives ranges of something that lies elsewhere.
pub(super) trait Ranges: fmt::Debug + Send + Sync {
    /// Asks for a range, which is not empty, of what was pinned: [`RemoteTrouble::Changed`] if it is another one now.
    /// Without a pin the range may reach over the end, and what is empty has no bytes.
    fn get<'a>(
        &'a self,
        range: Range<u64>,
        pin: Option<&'a Pin>,
    ) -> BoxFuture<'a, Result<Part, RemoteTrouble>>;
}

/// How long is waited, and what ends that.
#[derive(Clone, Debug)]
pub(super) struct Patience {
    pub(super) timing: Timing,
    pub(super) shutdown: Shutdown,
}

impl Patience {
    fn backoff(&self) -> Backoff {
        Backoff::new(self.timing.backoff_base, self.timing.backoff_cap, TRIES)
    }

    /// Waits before the next try, if there is one and the trouble may pass.
    async fn pause(&self, why: RemoteTrouble, backoff: &mut Backoff) -> Result<(), RemoteTrouble> {
        let Some(pause) = backoff.pause().filter(|_| why.may_pass()) else { return Err(why) };
        tracing::debug!(?why, ?pause, "reading is tried again");
        tokio::select! {
            biased;
            _ = self.shutdown.requested() => Err(why),
            () = sleep(pause) => Ok(()),
        }
    }

    /// Asks for a range, again if that may help.
    async fn get(
        &self,
        ranges: &dyn Ranges,
        range: Range<u64>,
        pin: Option<&Pin>,
    ) -> Result<Part, RemoteTrouble> {
        let mut backoff = self.backoff();
        loop {
            let asked = timeout(self.timing.stall, ranges.get(range.clone(), pin)).await;
            let part = asked.unwrap_or(Err(RemoteTrouble::Silent(self.timing.stall)));
            match part {
                Ok(part) if pin.is_some_and(|pin| !pin.is_same(&part.pin)) => {
                    return Err(RemoteTrouble::Changed);
                }
                Ok(part) => return Ok(part),
                Err(why) => self.pause(why, &mut backoff).await?,
            }
        }
    }
}

/// A video that lies elsewhere, as it was when it was opened.
#[derive(Debug)]
pub(super) struct RemoteVideo {
    /// Its address, for messages.
    place: PathBuf,
    ranges: Arc<dyn Ranges>,
    pin: Pin,
    identity: FileIdentity,
    patience: Patience,
    runtime: Handle,
    /// Those that a read may go on with, the latest last.
    streams: Mutex<Vec<Stream>>,
    /// Where small reads were made, each with its first byte, the latest last.
    pages: Mutex<Vec<(u64, Bytes)>>,
}

impl RemoteVideo {
    /// Pins what is there, by a request for its beginning.
    ///
    /// `recorded` is what the journal knows its place by.
    pub(super) async fn open(
        ranges: Arc<dyn Ranges>,
        place: PathBuf,
        recorded: &Path,
        patience: Patience,
    ) -> Result<Self, RemoteError> {
        let shown = place.display().to_string();
        let asked =
            fault::point("video: open").map_err(|error| RemoteTrouble::Network(error.to_string()));
        let part = match asked {
            Ok(()) => patience.get(ranges.as_ref(), 0..FIRST, None).await,
            Err(why) => Err(why),
        };
        let Part { pin, bytes } = part.map_err(|why| why.of(&shown))?;
        if !pin.tells_versions_apart() {
            return Err(RemoteTrouble::NoVersion.of(&shown));
        }
        let identity =
            FileIdentity::elsewhere(&recorded.display().to_string(), pin.size, &pin.text());
        let runtime = Handle::current();
        let end = FIRST.min(pin.size);
        let first = Stream::start(&runtime, 0..end, FIRST, bytes);
        let streams = Mutex::new(vec![first]);
        Ok(Self {
            place,
            ranges,
            pin,
            identity,
            patience,
            runtime,
            streams,
            pages: Mutex::default(),
        })
    }

    /// The stream that a read at a position goes on with, if there is one.
    fn take(&self, position: u64) -> Option<Stream> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let at = streams.iter().position(|stream| stream.position == position)?;
        Some(streams.remove(at))
    }

    /// Whether a large answer has been read up to this position: then a small read is the end of a chunk, and the next
    /// chunk goes on behind it.
    fn is_in_the_middle(&self, position: u64) -> bool {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.iter().any(|stream| stream.position == position && stream.window > FIRST)
    }

    fn put_back(&self, stream: Stream) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.push(stream);
        if streams.len() > STREAMS {
            streams.remove(0);
        }
    }

    /// A stream from a position on that asks for up to `window` bytes.
    async fn begin(&self, position: u64, window: u64) -> Result<Stream, RemoteTrouble> {
        let end = self.pin.size.min(position.saturating_add(window));
        let part = self.patience.get(self.ranges.as_ref(), position..end, Some(&self.pin)).await?;
        Ok(Stream::start(&self.runtime, position..end, window, part.bytes))
    }

    /// A few bytes, such as those of a header: headers lie close to each other, and are read in leaps.
    async fn read_few(&self, buffer: &mut [u8], position: u64) -> Result<usize, RemoteTrouble> {
        let first = position - position % FIRST;
        let kept = {
            let pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
            pages.iter().find(|(at, _)| *at == first).map(|(_, page)| page.clone())
        };
        let page = match kept {
            Some(page) => page,
            None => self.page(first).await?,
        };
        let behind = usize::try_from(position - first).unwrap_or(usize::MAX);
        let there = page.get(behind..).unwrap_or_default();
        let count = buffer.len().min(there.len());
        buffer[..count].copy_from_slice(&there[..count]);
        Ok(count)
    }

    async fn page(&self, first: u64) -> Result<Bytes, RemoteTrouble> {
        let length = usize::try_from(FIRST.min(self.pin.size - first)).unwrap_or(usize::MAX);
        let mut page = vec![0; length];
        self.fill(&mut page, first).await?;
        let page = Bytes::from(page);
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.push((first, page.clone()));
        if pages.len() > PAGES {
            pages.remove(0);
        }
        Ok(page)
    }

    /// Reads all of a range: what is left of one is no small read.
    async fn fill(&self, buffer: &mut [u8], position: u64) -> Result<usize, RemoteTrouble> {
        let mut filled = 0;
        while filled < buffer.len() {
            filled += self.read(&mut buffer[filled..], position + filled as u64).await?;
        }
        Ok(filled)
    }

    async fn read(&self, buffer: &mut [u8], position: u64) -> Result<usize, RemoteTrouble> {
        let mut backoff = self.patience.backoff();
        let mut stream = match self.take(position) {
            Some(stream) if stream.position < stream.end => stream,
            // Reads go on where an answer ended.
            Some(done) => {
                self.begin(position, done.window.saturating_mul(GROWTH).min(MOST)).await?
            }
            None => self.begin(position, FIRST).await?,
        };
        loop {
            match stream.read(buffer, self.patience.timing.stall).await {
                Ok(count) => {
                    self.put_back(stream);
                    return Ok(count);
                }
                Err(why) => {
                    let window = stream.window;
                    self.patience.pause(why, &mut backoff).await?;
                    stream = self.begin(position, window).await?;
                }
            }
        }
    }

    fn failed(&self, why: RemoteTrouble) -> io::Error {
        io::Error::other(why.of(&self.place.display().to_string()))
    }
}

impl ReadAt for RemoteVideo {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if buffer.is_empty() || offset >= self.pin.size {
            return Ok(0);
        }
        let left = usize::try_from(self.pin.size - offset).unwrap_or(usize::MAX);
        let most = buffer.len().min(left);
        let buffer = &mut buffer[..most];
        let is_few = most < FEW && most < left && !self.is_in_the_middle(offset);
        let read = if is_few {
            self.runtime.block_on(self.read_few(buffer, offset))
        } else {
            self.runtime.block_on(self.fill(buffer, offset))
        };
        match read {
            // As a file that has become shorter.
            Err(RemoteTrouble::Changed) => Ok(0),
            read => read.map_err(|why| self.failed(why)),
        }
    }
}

impl VideoSource for RemoteVideo {
    fn path(&self) -> &Path {
        &self.place
    }

    fn size(&self) -> u64 {
        self.pin.size
    }

    fn version(&self) -> Version {
        Version::File(self.identity)
    }

    /// Asks for one byte of what was pinned.
    fn is_unchanged(&self) -> io::Result<bool> {
        if self.pin.size == 0 {
            return Ok(true);
        }
        let asking = self.patience.get(self.ranges.as_ref(), 0..1, Some(&self.pin));
        match self.runtime.block_on(asking) {
            Ok(_) => Ok(true),
            Err(RemoteTrouble::Changed) => Ok(false),
            Err(why) => Err(self.failed(why)),
        }
    }

    fn is_remote(&self) -> bool {
        true
    }
}

/// The answer to a request for a range, from where it was read to. A task reads a little ahead of it.
#[derive(Debug)]
struct Stream {
    position: u64,
    end: u64,
    /// The bytes that the request asked for, had there been as many.
    window: u64,
    /// What came and was not taken yet.
    rest: Bytes,
    pieces: mpsc::Receiver<Result<Bytes, RemoteTrouble>>,
    task: AbortHandle,
}

impl Stream {
    fn start(
        runtime: &Handle,
        range: Range<u64>,
        window: u64,
        mut bytes: BoxStream<'static, Result<Bytes, RemoteTrouble>>,
    ) -> Self {
        let (tell, pieces) = mpsc::channel(AHEAD);
        let reading = runtime.spawn(async move {
            while let Some(piece) = bytes.next().await {
                let is_last = piece.is_err();
                if tell.send(piece).await.is_err() || is_last {
                    return;
                }
            }
        });
        let (position, end) = (range.start, range.end);
        let task = reading.abort_handle();
        Self { position, end, window, rest: Bytes::new(), pieces, task }
    }

    /// Some bytes, at least one, from where the last read ended.
    async fn read(&mut self, buffer: &mut [u8], stall: Duration) -> Result<usize, RemoteTrouble> {
        while self.rest.is_empty() {
            let piece = timeout(stall, self.pieces.recv()).await;
            let piece = piece.map_err(|_| RemoteTrouble::Silent(stall))?;
            let mut piece = piece.ok_or(RemoteTrouble::Cut)??;
            // What comes beyond the range was not asked for.
            let wanted = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
            piece.truncate(wanted);
            self.rest = piece;
        }
        let count = buffer.len().min(self.rest.len());
        buffer[..count].copy_from_slice(&self.rest.split_to(count));
        self.position += count as u64;
        Ok(count)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(etag: Option<&str>, version: Option<&str>, modified: Option<&str>) -> Pin {
        let [etag, version, modified] = [etag, version, modified].map(|it| it.map(str::to_owned));
        Pin { size: 9, etag, version, modified }
    }

    #[test]
    fn only_what_tells_contents_apart_says_that_they_are_the_same() {
        let strong = pin(Some("\"a\""), None, Some("now"));
        assert!(strong.is_same(&pin(Some("\"a\""), None, Some("then"))));
        assert!(!strong.is_same(&pin(Some("\"b\""), None, Some("now"))));
        assert!(!strong.is_same(&Pin { size: 8, ..strong.clone() }));
        let weak = pin(Some("W/\"a\""), None, Some("now"));
        assert!(weak.is_same(&weak) && !weak.is_same(&pin(Some("W/\"a\""), None, Some("then"))));
        assert!(!weak.is_same(&pin(Some("W/\"a\""), None, None)));
        let versioned = pin(None, Some("1"), None);
        assert!(versioned.is_same(&versioned) && !versioned.is_same(&pin(None, Some("2"), None)));
        assert!(!versioned.is_same(&pin(None, None, None)));
        let nothing = pin(Some("W/\"a\""), None, None);
        assert!(!nothing.tells_versions_apart() && !nothing.is_same(&nothing));
    }
}
