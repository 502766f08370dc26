//! What an upload tells while it runs, and what it came to. Output implements the trait; nothing
//! below it prints or knows a progress bar.

use std::time::Duration;

use jiff::Timestamp;

use crate::exit::Exit;

/// Hears what happens. One reporter serves all accounts of a run at once.
pub trait Reporter: Send + Sync {
    /// Something happened to a post.
    fn progress(&self, subject: &Subject, progress: &Progress);
    /// A post ended its run. Called once for every post of the manifest.
    fn ended(&self, report: &PostReport);
}

/// Which post it happened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Position in the manifest, from 0.
    pub index: usize,
    /// Alias of the account, else its `open_id`.
    pub account: String,
    /// The file's path or the URL, as the manifest has it.
    pub video: String,
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

/// How a post ended its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostState {
    /// TikTok says that it is posted.
    Published,
    /// TikTok says that the draft is in the inbox.
    Inbox,
    /// Nothing to do: posted earlier.
    Skipped,
    /// Not now: its time has not come, or a cap is full.
    Deferred,
    /// TikTok still works on it, or it was cut off: run again.
    Processing,
    /// Not posted.
    Failed,
    /// Nobody but a human can tell.
    Unresolved,
    /// A dry run would post it.
    Planned,
}

impl PostState {
    /// The word of the JSON output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Inbox => "inbox",
            Self::Skipped => "skipped",
            Self::Deferred => "deferred",
            Self::Processing => "processing",
            Self::Failed => "failed",
            Self::Unresolved => "unresolved",
            Self::Planned => "planned",
        }
    }
}

/// An error as a post reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Stable name: TikTok's code, or one of ours.
    pub code: String,
    /// What happened, in words.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Whether running the same command again may help.
    pub retryable: bool,
    /// TikTok's id of the answer.
    pub log_id: Option<String>,
}

/// What a post came to in this run.
#[derive(Clone, Debug, PartialEq)]
pub struct PostReport {
    /// Which post.
    pub subject: Subject,
    /// How it ended.
    pub state: PostState,
    /// TikTok's name of the post, if an init was answered.
    pub publish_id: Option<String>,
    /// Ids of public posts.
    pub post_ids: Vec<u64>,
    /// Where the post can be seen, if that is known.
    pub url: Option<String>,
    /// Size of the file in bytes; 0 for pulls and photos.
    pub bytes: u64,
    /// How long this run worked on it.
    pub took: Duration,
    /// When it is worth another try (deferred posts), or when it was posted (skipped ones).
    pub at: Option<Timestamp>,
    /// Further words for people: why it was skipped or deferred, the plan of a dry run.
    pub note: Option<String>,
    /// What went wrong.
    pub trouble: Option<Trouble>,
    /// The exit code that this post alone leads to.
    pub exit: Exit,
}
