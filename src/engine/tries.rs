//! How often a post is tried.

use jiff::{SignedDuration, Timestamp};

use crate::engine::stop::{StopReason, failure_of};
use crate::model::{Attempt, Phase};
use crate::problem::ErrorCode;

/// Attempts of one post within an hour whose init came to nothing at TikTok.
const ORPHANS: usize = 2;
/// Attempts of one post that TikTok failed with a reason that permits another.
const FAILED_ATTEMPTS: usize = 3;

/// The recorded reason of an attempt whose init provably never left.
pub(super) const NOT_SENT: &str = ErrorCode::NotSent.as_str();
/// The recorded reason of an attempt that a human said was not posted.
const RESOLVED: &str = ErrorCode::ResolvedByHand.as_str();

/// Whether TikTok failed a post so often that no run tries it again by itself.
pub(crate) fn is_failed_for_good(attempts: &[Attempt]) -> bool {
    attempts.iter().filter(|one| matches!(one.phase, Phase::Failed(_))).count() >= FAILED_ATTEMPTS
}

/// Whether a run in which TikTok failed so many of a post's attempts may begin another one after these, of
/// which the last is dead; the reason if not.
pub(super) fn may_follow(
    attempts: &[Attempt],
    failed_here: usize,
    retry_failed: bool,
    now: Timestamp,
) -> Result<(), StopReason> {
    let Some(last) = attempts.last() else { return Ok(()) };
    match last.phase {
        Phase::Failed(_) => {
            let failure = Box::new(failure_of(last));
            if is_failed_for_good(attempts) {
                return Err(StopReason::FailedForGood { last: failure });
            }
            let no_retry = !retry_failed;
            if no_retry || failed_here > 1 {
                return Err(StopReason::FailedAgain { last: failure, no_retry });
            }
        }
        Phase::Lost | Phase::Abandoned => {
            let hour_ago = now.saturating_sub(SignedDuration::from_hours(1)).unwrap_or(now);
            let orphans: Vec<_> = attempts
                .iter()
                .filter(|a| matches!(a.phase, Phase::Lost | Phase::Abandoned))
                .filter(|a| ![Some(NOT_SENT), Some(RESOLVED)].contains(&a.code.as_deref()))
                .filter(|a| a.created_at > hour_ago && a.created_at <= now)
                .collect();
            if let Some(first) = orphans.iter().map(|a| a.created_at).min()
                && orphans.len() >= ORPHANS
            {
                let next = first.saturating_add(SignedDuration::from_hours(1));
                let (attempts, next) = (orphans.len(), next.unwrap_or(Timestamp::MAX));
                let last = last.message.clone();
                return Err(StopReason::TooManyAttempts { attempts, last, next });
            }
        }
        _ => {}
    }
    Ok(())
}
