//! Where a post stands, in words.

use jiff::{SignedDuration, Timestamp};
use tiktok_open::{Code, Reaction};

use crate::model::{Attempt, Failed, Phase, PostError, PostState, RecordedPost, Transfer};
use crate::output::Matter;
use crate::problem::ErrorCode;

/// Whether it is TikTok that works on a post.
pub(super) fn with_tiktok(post: &RecordedPost) -> bool {
    match post.phase() {
        Some(Phase::FinalIntent { .. } | Phase::Uploaded) => true,
        Some(Phase::Open { .. }) => post.transfer() == Transfer::Pull,
        _ => false,
    }
}

/// Whether only a run finds out if TikTok has the whole file.
pub(super) fn is_unconfirmed(post: &RecordedPost) -> bool {
    matches!(post.phase(), Some(Phase::FinalIntent { .. }))
}

/// How long a post that was put off is expected to be tried again. After that it has left the manifest.
const PUT_OFF: SignedDuration = SignedDuration::from_hours(25);

/// Whether the next `upload` is expected to try it again.
pub(super) fn is_put_off(post: &RecordedPost, now: Timestamp) -> bool {
    let Some(last) = &post.last else { return false };
    now.duration_since(last.updated_at) < PUT_OFF
        && match last.phase {
            Phase::Lost | Phase::Abandoned | Phase::Failed(Failed::Internal | Failed::Pull) => true,
            Phase::Rejected => is_temporary(last),
            _ => false,
        }
}

/// Whether what kept an attempt from being made passes by itself.
pub(super) fn is_temporary(last: &Attempt) -> bool {
    last.code.as_deref().map(Code::from).is_some_and(|code| code.is_temporary())
}

/// How long a post is listed of which nothing came.
const LISTED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Whether a post of which nothing came is listed still.
pub(super) fn is_listed_still(post: &RecordedPost, now: Timestamp) -> bool {
    post.last.as_ref().is_some_and(|last| now.duration_since(last.updated_at) < LISTED)
}

/// Of what nothing was made.
pub(super) const NOT_POSTED: &str = "not posted";

/// The words for where a post stands.
pub(super) fn words(post: &RecordedPost) -> &'static str {
    post.last.as_ref().map_or("not started", words_of)
}

/// The words for where an attempt stands.
pub(super) fn words_of(attempt: &Attempt) -> &'static str {
    match attempt.phase {
        Phase::InitIntent => "starting",
        Phase::Open { .. } if attempt.transfer != Transfer::Pull => "uploading",
        Phase::FinalIntent { .. } => "last chunk unconfirmed",
        Phase::Open { .. } | Phase::Uploaded => "processing",
        Phase::Rejected => "refused",
        Phase::Lost | Phase::Abandoned => NOT_POSTED,
        Phase::Failed(Failed::Internal | Failed::Pull) => "failed, may be tried again",
        Phase::Failed(_) => "failed",
        Phase::Published => "published",
        Phase::Inboxed => "in the inbox",
        Phase::Unresolved => "unresolved",
    }
}

/// One word for scripts.
pub(super) fn word(words: &str) -> String {
    words.replace([',', ' '], "_").replace("__", "_")
}

/// Where a post stands, for the order in which posts are listed: what needs somebody comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Unknown,
    Failed,
    /// Posts of a manifest whose time has not come stand here as well.
    PutOff,
    UnderWay,
    Over,
}

/// Whether no upload is expected to change it. `given_up`: whether TikTok failed it so often that no run
/// tries it again by itself.
pub(super) fn is_final(post: &RecordedPost, now: Timestamp, given_up: bool) -> bool {
    let over = post.phase().is_some_and(|phase| phase.is_done() || phase.is_dead());
    let waits = is_put_off(post, now) && !given_up;
    post.same_as.is_some() || (over && !waits)
}

/// One word for what a post came to, the same that `upload` has for it.
pub(super) fn state(place: Place, post: &RecordedPost) -> PostState {
    match (place, post.phase()) {
        (_, Some(Phase::Published)) => PostState::Published,
        (_, Some(Phase::Inboxed)) => PostState::Inbox,
        (Place::Unknown, _) => PostState::Unresolved,
        (Place::PutOff, _) => PostState::Deferred,
        (Place::UnderWay, _) => PostState::Processing,
        // The same video is posted by another entry.
        (Place::Over, _) if post.same_as.is_some() => PostState::Skipped,
        (Place::Failed | Place::Over, _) => PostState::Failed,
    }
}

/// What runs under cron count as told of a post that failed, or whose outcome is unknown.
pub(super) fn told(post: &RecordedPost, last: &Attempt) -> Matter {
    let unknown = ErrorCode::OutcomeUnknown.as_str();
    let failed = || PostError::of_attempt(last).code;
    let code = if last.phase == Phase::Unresolved { unknown.to_owned() } else { failed() };
    Matter::recorded_failure(&post.account, post.number, &code, last.publish_id.as_deref())
}

/// The code and the words that the journal has for where an attempt stands: why it failed or is not made yet.
/// What kept one that is done waiting on its way is no reason for anything.
pub(super) fn reason_of(attempt: &Attempt) -> (Option<&str>, Option<&str>) {
    let is_of_hand = attempt.code.as_deref() == Some(ErrorCode::ResolvedByHand.as_str());
    if attempt.phase.is_done() && !is_of_hand {
        return (None, None);
    }
    (attempt.code.as_deref(), attempt.message.as_deref())
}

/// Whether a post waits for room under a quota of TikTok's.
pub(super) fn waits_for_room(code: Option<&str>) -> bool {
    code.map(|code| Code::from(code).reaction()) == Some(Reaction::Quota)
}
