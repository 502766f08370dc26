//! A range of a video in blocks, read one ahead on a thread that may block.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::{Fingerprint, Video, VideoError, joined};

/// Bytes that one read asks for. Smaller reads cost more calls; larger ones have left the processor's cache
/// by the time that they are hashed and encrypted.
pub(crate) const BLOCK: usize = 256 << 10;

/// A range of a video, in blocks.
#[derive(Debug)]
pub(crate) struct Blocks {
    video: Video,
    next: u64,
    end: u64,
    reading: Option<JoinHandle<Result<Bytes, VideoError>>>,
    checking: Option<JoinHandle<Result<(), VideoError>>>,
    pool: Pool,
    /// What is read is added to it.
    fingerprint: Fingerprint,
}

impl Blocks {
    pub(super) fn new(video: Video, first: u64, end: u64, fingerprint: Fingerprint) -> Self {
        let pool = Pool::default();
        Self { video, next: first, end, reading: None, checking: None, pool, fingerprint }
    }

    /// The video that is read.
    pub(crate) fn video(&self) -> &Video {
        &self.video
    }

    /// Starts the read of the next block, if there is one and none runs.
    pub(crate) fn read_ahead(&mut self) {
        if self.reading.is_some() || self.next >= self.end {
            return;
        }
        let length = usize::try_from(self.end - self.next).map_or(BLOCK, |left| left.min(BLOCK));
        let (video, pool, position) = (self.video.clone(), self.pool.clone(), self.next);
        let fingerprint = self.fingerprint.clone();
        self.next += length as u64;
        self.reading = Some(tokio::task::spawn_blocking(move || {
            let mut buffer = pool.take();
            let block = &mut buffer.bytes[..length];
            video.read_exact(block, position)?;
            fingerprint.add(block, position);
            Ok(Bytes::from_owner(buffer).slice(..length))
        }));
    }

    /// The next block; `None` after the last one.
    pub(crate) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, VideoError>>> {
        self.read_ahead();
        let Some(reading) = &mut self.reading else { return Poll::Ready(None) };
        let read = ready!(joined(ready!(Pin::new(reading).poll(cx))));
        self.reading = None;
        Poll::Ready(Some(read))
    }

    /// As [`Video::check_unchanged`].
    pub(crate) fn poll_unchanged(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), VideoError>> {
        let video = &self.video;
        let checking = self.checking.get_or_insert_with(|| {
            let video = video.clone();
            tokio::task::spawn_blocking(move || video.check_now())
        });
        let checked = ready!(joined(ready!(Pin::new(checking).poll(cx))));
        self.checking = None;
        Poll::Ready(checked)
    }

    /// Reads no more.
    pub(crate) fn stop(&mut self) {
        self.next = self.end;
    }
}

/// Buffers that come back when the socket is done with them, so that memory stays constant and no page is
/// faulted in twice.
#[derive(Clone, Debug, Default)]
struct Pool(Arc<Mutex<Vec<Vec<u8>>>>);

struct Buffer {
    bytes: Vec<u8>,
    home: Pool,
}

impl Pool {
    fn take(&self) -> Buffer {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Buffer { bytes: bytes.unwrap_or_else(|| vec![0; BLOCK]), home: self.clone() }
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
    use std::future::poll_fn;

    use super::*;

    #[tokio::test]
    async fn memory_does_not_grow_with_the_range() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let total = 20 * BLOCK as u64;
        file.as_file().set_len(total).unwrap();
        let mut blocks =
            Video::open(file.path()).await.unwrap().blocks(0, total, &Fingerprint::default());
        let pool = blocks.pool.clone();
        let mut read = 0;
        while let Some(block) = poll_fn(|cx| blocks.poll_next(cx)).await {
            blocks.read_ahead();
            read += block.unwrap().len() as u64;
        }
        assert_eq!(read, total);
        assert!(pool.0.lock().unwrap().len() <= 3, "a few buffers serve every read");
    }
}
