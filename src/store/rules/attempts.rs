//! How attempts begin, move and are settled.

use jiff::Timestamp;

use super::posts::{by_number, duplicates};
use super::rows::Rows;
use crate::model::machine::{self, Settled};
use crate::model::{Attempt, AttemptUpdate, CallKind, Phase, PostNumber, RecordedPost, Transfer};
use crate::problem::ErrorCode;
use crate::store::JournalError;

/// The rows of attempts, and what is written with them.
pub(in crate::store) trait Attempts: Rows {
    /// All attempts at a post, the first one first.
    fn attempts(&self, post: PostNumber) -> Result<Vec<Attempt>, Self::Error>;

    /// Records the next attempt at a post, in a phase of which nothing else is to be recorded.
    fn insert_attempt(
        &self,
        post: PostNumber,
        transfer: Transfer,
        phase: Phase,
        now: Timestamp,
    ) -> Result<Attempt, Self::Error>;

    /// The guarded update: the row must be found in the phase that `from` has, else
    /// [`JournalError::MovedOn`]. The `upload_url` is as it is to rest.
    fn update_attempt(
        &self,
        from: &Attempt,
        to: Phase,
        update: &AttemptUpdate,
        now: Timestamp,
    ) -> Result<Attempt, Self::Error>;

    /// Counts a call and forgets those that no window reaches any more.
    fn note_call(&self, account: &str, kind: CallKind, now: Timestamp) -> Result<(), Self::Error>;

    /// Lets nobody record anything of an account any more who took it over before.
    fn shut_out(&self, account: &str) -> Result<(), Self::Error>;
}

/// Begins an attempt in [`Phase::InitIntent`] and counts its init.
///
/// Refused with [`JournalError::MayBePosted`] if an earlier attempt could still become a post, did become one
/// or was refused for good (invariant I1), and with [`JournalError::SameContent`] if another post has the
/// content.
pub(in crate::store) fn begin<R: Attempts>(
    tx: &R,
    post: PostNumber,
    now: Timestamp,
) -> Result<Attempt, R::Error> {
    let post = by_number(tx, post)?;
    let earlier = tx.attempts(post.number)?;
    if let Some(open) = earlier.iter().find(|earlier| !earlier.phase.allows_another()) {
        return Err(duplicates::still_open(open).into());
    }
    let fingerprint = post.file.as_ref().and_then(|file| file.fingerprint.as_deref());
    duplicates::duplicates(tx, &post, fingerprint)?;
    tx.note_call(&post.account, CallKind::Init, now)?;
    tx.insert_attempt(post.number, post.transfer(), Phase::InitIntent, now)
}

/// All attempts at a post, the first one first.
pub(in crate::store) fn of_post<R: Attempts>(
    tx: &R,
    post: PostNumber,
) -> Result<Vec<Attempt>, R::Error> {
    by_number(tx, post)?;
    tx.attempts(post)
}

/// A person says whether a post was posted, and takes its account over. The reason that the journal has stays in
/// the history.
pub(in crate::store) fn resolve<R: Attempts>(
    tx: &R,
    post: PostNumber,
    posted: bool,
    now: Timestamp,
) -> Result<RecordedPost, R::Error> {
    let found = by_number(tx, post)?;
    if let Some(other) = found.same_as {
        return Err(JournalError::IsAnother { post, other }.into());
    }
    let (phase, last) = (found.phase(), found.last.as_ref());
    let transfer = last.map_or_else(|| found.transfer(), |last| last.transfer);
    let to = match machine::settle(transfer, phase, posted) {
        Settled::As(phase) => phase,
        Settled::Already => return Ok(found),
        Settled::Refused => {
            let code = last.and_then(|last| last.code.as_deref());
            let by_hand = code == Some(ErrorCode::ResolvedByHand.as_str());
            return Err(JournalError::NotSettled { post, phase, by_hand }.into());
        }
    };
    // Whoever works on it still, unknown to that person, records nothing after this.
    tx.shut_out(&found.account)?;
    let last = match last {
        Some(last) => last.clone(),
        // Posted by hand before anything was tried: that, too, is said of an attempt.
        None => tx.insert_attempt(found.number, found.transfer(), Phase::InitIntent, now)?,
    };
    let word = if posted { "posted" } else { "not posted" };
    let before = last.message.as_ref().map(|message| format!("; before that: {message}"));
    let settled = AttemptUpdate {
        code: Some(ErrorCode::ResolvedByHand.as_str().to_owned()),
        message: Some(format!("settled by hand as {word}{}", before.unwrap_or_default())),
        ..AttemptUpdate::default()
    };
    tx.update_attempt(&last, to, &settled, now)?;
    by_number(tx, post)
}
