//! What a post came to, and the error that it reports.

use std::time::Duration;

use jiff::Timestamp;
use tiktok_open::Code;

use super::machine::{Failed, Phase};
use super::media::Media;
use super::post::PostRef;
use super::record::{Attempt, AttemptUpdate, PostNumber};
use crate::problem::{ErrorCode, ErrorKind, Problem};

/// How a post ended its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PostState {
    /// TikTok says that it is posted.
    Published,
    /// TikTok says that the draft is in the inbox.
    Inbox,
    /// Nothing to do: posted earlier.
    Skipped,
    /// Not now: its time has not come, a cap is full, or a setting or a login keeps it from being begun.
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
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) struct PostError {
    /// Stable name: TikTok's code, or one of ours.
    pub(crate) code: String,
    /// What happened, in words.
    pub(crate) message: String,
    /// Which error it is, and so what to do next: often more exactly than `code`, which scripts rely on.
    pub(crate) problem: Problem,
    /// TikTok's code, if one is behind it: what is decided by where TikTok has the word.
    pub(crate) theirs: Option<Code>,
    /// Whether the post may be live all the same.
    pub(crate) may_be_live: bool,
    /// Whether running the same command again may help.
    pub(crate) retryable: bool,
    /// TikTok's id of the answer.
    pub(crate) log_id: Option<String>,
}

impl PostError {
    /// An error that another run of the same command does not mend, reported under this code.
    pub(crate) fn new(
        code: ErrorCode,
        message: impl Into<String>,
        problem: impl Into<Problem>,
    ) -> Self {
        Self {
            code: code.as_str().to_owned(),
            message: message.into(),
            problem: problem.into(),
            theirs: None,
            may_be_live: false,
            retryable: false,
            log_id: None,
        }
    }

    /// As the journal kept it with an attempt.
    pub(crate) fn of_attempt(attempt: &Attempt) -> Self {
        let retryable = matches!(attempt.phase, Phase::Failed(Failed::Internal | Failed::Pull));
        let failed = ErrorCode::PostFailed;
        let message = attempt.message.as_deref().unwrap_or("failed in an earlier run");
        Self {
            code: attempt.code.clone().unwrap_or_else(|| failed.as_str().to_owned()),
            theirs: attempt.code.as_deref().map(Code::from),
            retryable,
            log_id: attempt.log_id.clone(),
            ..Self::new(failed, message, failed)
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
pub(crate) struct PostOutcome {
    /// Which post.
    pub(crate) post_ref: PostRef,
    /// Its number in the journal. `None`: it was not looked up, or is not there yet.
    pub(crate) number: Option<PostNumber>,
    /// What tells whether the entry asks for something else, or its file is another one, than in an earlier
    /// run.
    pub(crate) entry: String,
    /// How it ended.
    pub(crate) state: PostState,
    /// TikTok's name of the post, if an init was answered.
    pub(crate) publish_id: Option<String>,
    /// Ids of public posts.
    pub(crate) post_ids: Vec<u64>,
    /// Where the post can be seen, if that is known.
    pub(crate) url: Option<String>,
    /// Size of the file in bytes; 0 for pulls and photos.
    pub(crate) bytes: u64,
    /// How long this run worked on it.
    pub(crate) took: Duration,
    /// When it is worth another try (deferred posts), or when it was posted (skipped ones).
    pub(crate) at: Option<Timestamp>,
    /// What an earlier run brought it to: a skipped post is published or lies in the inbox.
    pub(crate) brought_to: Option<PostState>,
    /// What was measured of its video, if it has a file that was looked at.
    pub(crate) media: Option<Media>,
    /// What speaks against its video, but does not keep it from being sent.
    pub(crate) warnings: Vec<String>,
    /// Further words for people: why it was skipped or deferred, the plan of a dry run.
    pub(crate) note: Option<String>,
    /// What went wrong.
    pub(crate) post_error: Option<PostError>,
    /// What kind of trouble it ended in, if in any.
    pub(crate) failure: Option<ErrorKind>,
}

impl PostOutcome {
    /// Whether it was left as the same post as another entry of its manifest, or as one that is under way:
    /// what becomes of it, that one's outcome tells.
    pub(crate) fn is_named_before(&self) -> bool {
        self.state == PostState::Skipped && self.brought_to.is_none()
    }
}
