//! The hash of a chunk as it arrives, beside the connection rather than in its way.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Chunks up to this size are hashed where they are read: a thread would cost more.
const INLINE: u64 = 1024 * 1024;

/// Parts on their way to the hashing thread; more of them wait in the socket.
const QUEUE: usize = 16;

/// A hash under way.
pub(super) enum Hashing {
    /// Nobody wants to know.
    Off,
    Inline(Sha256),
    /// On a thread of its own: SHA-256 is slower than loopback.
    Thread(mpsc::Sender<Bytes>, JoinHandle<Sha256>),
}

impl Hashing {
    /// Goes on from the hash of what came before, for `length` more bytes.
    pub(super) fn start(before: Option<Sha256>, length: u64) -> Self {
        match before {
            None => Self::Off,
            Some(hasher) if length <= INLINE => Self::Inline(hasher),
            Some(mut hasher) => {
                let (parts, mut queue) = mpsc::channel::<Bytes>(QUEUE);
                let thread = tokio::task::spawn_blocking(move || {
                    while let Some(part) = queue.blocking_recv() {
                        hasher.update(&part);
                    }
                    hasher
                });
                Self::Thread(parts, thread)
            }
        }
    }

    pub(super) async fn take(&mut self, part: Bytes) {
        match self {
            Self::Off => {}
            Self::Inline(hasher) => hasher.update(&part),
            // A thread that is gone is found out at the end.
            Self::Thread(parts, _) => _ = parts.send(part).await,
        }
    }

    /// The hash with everything that was taken in it.
    pub(super) async fn finish(self) -> Option<Sha256> {
        match self {
            Self::Off => None,
            Self::Inline(hasher) => Some(hasher),
            Self::Thread(parts, thread) => {
                drop(parts);
                thread.await.ok()
            }
        }
    }
}
