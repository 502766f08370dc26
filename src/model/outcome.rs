//! What a post came to, and the error that it reports.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::machine::{Failed, Phase};
use super::media::Media;
use super::post::PostRef;
use super::record::{Attempt, AttemptUpdate};
use crate::exit::Exit;

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

/// An error as a post reports it, and as the `error` of a post in the JSON output: its fields are a
/// promise there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PostError {
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

impl PostError {
    /// As the journal kept it with an attempt.
    pub(crate) fn of_attempt(attempt: &Attempt) -> Self {
        let retryable = matches!(attempt.phase, Phase::Failed(Failed::Internal | Failed::Pull));
        Self {
            code: attempt.code.clone().unwrap_or_else(|| "failed".into()),
            message: attempt.message.clone().unwrap_or_else(|| "failed in an earlier run".into()),
            hint: None,
            retryable,
            log_id: attempt.log_id.clone(),
        }
    }

    /// As the journal keeps it with an attempt.
    pub(crate) fn update(&self) -> AttemptUpdate {
        AttemptUpdate {
            code: Some(self.code.clone()),
            message: Some(self.message.clone()),
            log_id: self.log_id.clone(),
            ..AttemptUpdate::default()
        }
    }
}

/// What a post came to in this run.
#[derive(Clone, Debug, PartialEq)]
pub struct PostOutcome {
    /// Which post.
    pub subject: PostRef,
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
    /// What was measured of its video, if it has a file that was looked at.
    pub media: Option<Media>,
    /// What speaks against its video, but does not keep it from being sent.
    pub warnings: Vec<String>,
    /// Further words for people: why it was skipped or deferred, the plan of a dry run.
    pub note: Option<String>,
    /// What went wrong.
    pub trouble: Option<PostError>,
    /// The exit code that this post alone leads to.
    pub exit: Exit,
}
