//! How bytes travel when a fault slows, stalls or cuts them.

use std::time::Duration;

use axum::body::Body;
use bytes::{Buf, Bytes};
use futures_util::stream;
use http_body_util::BodyExt;

use crate::faults::Hold;
use crate::server::Hangup;

/// How the body of an answer is sent, or that of an upload is read.
#[derive(Clone, Debug, Default)]
pub(super) enum Pace {
    /// As fast as it goes.
    #[default]
    Plain,
    /// So many bytes a second.
    Slow(u64),
    /// A pause after half of it.
    StallHalfway(Hold),
    /// The connection ends after half of it.
    CutHalfway(Hangup),
    /// Followed by filling up to so many bytes.
    Filled(u64),
}

/// Slices of a slow body a second.
const SLICES: u64 = 10;

/// Piece size of a filled body.
const FILLING: usize = 64 * 1024;

/// How long what was written before a cut may take to leave.
const FLUSH: Duration = Duration::from_millis(20);

impl Pace {
    /// The body of an answer, sent at this pace.
    pub(super) fn send(self, body: Bytes) -> Body {
        let half = body.len() / 2;
        match self {
            Self::Plain => Body::from(body),
            Self::Slow(rate) => {
                let slice = usize::try_from(rate / SLICES).unwrap_or(usize::MAX).max(1);
                Body::from_stream(stream::unfold(body, move |mut rest| async move {
                    if rest.is_empty() {
                        return None;
                    }
                    let part = rest.split_to(slice.min(rest.len()));
                    pause_for(part.len(), rate).await;
                    Some((Ok::<_, std::io::Error>(part), rest))
                }))
            }
            Self::StallHalfway(hold) => halves(&body, half, move || hold.wait()),
            Self::CutHalfway(hangup) => halves(&body, half, move || async move {
                tokio::time::sleep(FLUSH).await;
                hangup.now().await;
            }),
            Self::Filled(size) => {
                let filling = Bytes::from(vec![b'x'; FILLING]);
                Body::from_stream(stream::unfold((body, size), move |(next, left)| {
                    let part =
                        next.slice(..next.len().min(usize::try_from(left).unwrap_or(FILLING)));
                    let left = left - part.len() as u64;
                    let state = (!part.is_empty())
                        .then(|| (Ok::<_, std::io::Error>(part), (filling.clone(), left)));
                    std::future::ready(state)
                }))
            }
        }
    }
}

fn halves<F, Fut>(body: &Bytes, half: usize, between: F) -> Body
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let (first, second) = (body.slice(..half), body.slice(half..));
    let parts = stream::unfold((Some(first), Some((between, second))), |state| async move {
        match state {
            (Some(first), rest) => Some((Ok::<_, std::io::Error>(first), (None, rest))),
            (None, Some((between, second))) => {
                between().await;
                Some((Ok(second), (None, None)))
            }
            (None, None) => None,
        }
    });
    Body::from_stream(parts)
}

async fn pause_for(bytes: usize, rate: u64) {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    let micros = bytes.saturating_mul(1_000_000) / rate.max(1);
    tokio::time::sleep(Duration::from_micros(micros)).await;
}

/// Reads a request body at a pace.
pub(super) struct Reader {
    body: Body,
    pace: Pace,
    /// What a slow reader took from the connection and has not handed on.
    pending: Bytes,
    /// Bytes until the half of the body, for the paces that care.
    to_half: u64,
    /// Bytes of the last part.
    handed: usize,
}

impl Reader {
    /// `length`: what the request declares.
    pub(super) fn new(body: Body, pace: Pace, length: u64) -> Self {
        Self { body, pace, pending: Bytes::new(), to_half: length / 2, handed: 0 }
    }

    /// The next bytes; `None` at the end, an error if the connection broke.
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, axum::Error>> {
        self.wait().await;
        if self.pending.is_empty() {
            match self.frame().await? {
                Ok(bytes) => self.pending = bytes,
                Err(broken) => return Some(Err(broken)),
            }
        }
        let take = match self.pace {
            Pace::Slow(rate) => usize::try_from(rate / SLICES).unwrap_or(usize::MAX).max(1),
            Pace::StallHalfway(_) | Pace::CutHalfway(_) if self.to_half > 0 => {
                usize::try_from(self.to_half).unwrap_or(usize::MAX)
            }
            _ => usize::MAX,
        };
        let part = self.pending.split_to(take.min(self.pending.remaining()));
        self.handed = part.len();
        Some(Ok(part))
    }

    async fn frame(&mut self) -> Option<Result<Bytes, axum::Error>> {
        loop {
            match self.body.frame().await? {
                // Trailers are no bytes of the file.
                Ok(frame) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Some(Ok(data)),
                    _ => {}
                },
                Err(broken) => return Some(Err(broken)),
            }
        }
    }

    /// Waits for what the last part has led to, when more is asked for: until then it counts.
    async fn wait(&mut self) {
        let handed = std::mem::take(&mut self.handed);
        if let Pace::Slow(rate) = self.pace {
            return pause_for(handed, rate).await;
        }
        if self.to_half == 0 {
            return;
        }
        self.to_half = self.to_half.saturating_sub(u64::try_from(handed).unwrap_or(u64::MAX));
        if self.to_half == 0 {
            match &self.pace {
                Pace::StallHalfway(hold) => hold.clone().wait().await,
                Pace::CutHalfway(hangup) => {
                    hangup.now().await;
                }
                Pace::Plain | Pace::Slow(_) | Pace::Filled(_) => {}
            }
        }
    }
}
