//! What an upload tells while it runs, and what it came to. Output implements the trait; nothing
//! below it prints or knows a progress bar.

use std::time::Duration;

use crate::model::{PostOutcome, PostRef};

/// Hears what happens. One reporter serves all accounts of a run at once.
pub trait Reporter: Send + Sync {
    /// Something happened to a post.
    fn progress(&self, subject: &PostRef, progress: &Progress);
    /// A post ended its run. Called once for every post of the manifest.
    fn ended(&self, outcome: &PostOutcome);
}

/// What happened to a post.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// The creator that TikTok named for this account, shown as its guidelines ask.
    Creator {
        /// Display name.
        nickname: String,
    },
    /// An upload begins or goes on.
    Sending {
        /// Size in bytes.
        size: u64,
        /// Bytes already stored at TikTok.
        stored: u64,
        /// Number of chunks.
        chunks: u32,
    },
    /// The position in the file up to which bytes were handed to the socket.
    Position {
        /// In bytes.
        sent: u64,
    },
    /// A chunk is stored.
    ChunkStored {
        /// Number of the chunk, from 1.
        chunk: u32,
        /// Number of chunks.
        of: u32,
    },
    /// Something failed and is tried again.
    Retrying {
        /// What failed, in words.
        why: String,
        /// Number of the coming try, from 2.
        attempt: u32,
        /// The most tries.
        of: u32,
        /// The pause before it.
        wait: Duration,
    },
    /// A pause that TikTok's limits ask for.
    Waiting {
        /// In words.
        why: String,
        /// How long.
        wait: Duration,
    },
    /// TikTok has every byte (or pulls them itself) and works on the post.
    Processing,
    /// Worth a line, no cause for worry.
    Note(String),
    /// Worth a line, and perhaps an act.
    Warning(String),
}
