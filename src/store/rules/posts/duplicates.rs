//! Posts of the same content that were not known to be the same when they were made.

use super::keys;
use super::{by_number, latest};
use crate::model::{Attempt, Phase, PostNumber, RecordedPost};
use crate::store::JournalError;
use crate::store::rules::rows::{Look, Rows};

/// Records that a post, whose attempts are all dead, is the same as another one: whoever looks for it finds
/// that one from now on.
pub(in crate::store) fn same_as<R: Rows>(
    tx: &R,
    post: PostNumber,
    other: PostNumber,
) -> Result<(), R::Error> {
    let (post, other) = (by_number(tx, post)?, by_number(tx, other)?);
    match post.last.as_ref().filter(|last| !last.phase.allows_another()) {
        Some(last) => Err(still_open(last).into()),
        None => join(tx, &post, &other),
    }
}

/// Makes a fingerprint (BLAKE3 in lowercase hex) this post's own.
///
/// [`JournalError::SameContent`] says that another post of the account and mode has the same content: then
/// this one must not reach its final chunk. It is to be given up ([`Phase::Abandoned`]) and, if that is
/// certain, joined with the other by [`same_as`].
pub(in crate::store) fn claim<R: Rows>(
    tx: &R,
    number: PostNumber,
    fingerprint: &str,
) -> Result<(), R::Error> {
    keys::check_fingerprint(fingerprint)?;
    let post = by_number(tx, number)?;
    let known = post.file.as_ref().and_then(|file| file.fingerprint.as_deref());
    if known.is_some_and(|known| known != fingerprint) {
        return Err(JournalError::OtherContent(number).into());
    }
    for duplicate in duplicates(tx, &post, Some(fingerprint))? {
        join(tx, &duplicate, &post)?;
    }
    tx.set_fingerprint(number, fingerprint)?;
    let key = keys::of_fingerprint(post.mode, fingerprint);
    tx.give_key(&post.account, &key, tx.original(number)?)
}

/// Other posts of the same content of which nothing was posted and nothing can be; an error if there
/// is one of which that cannot be said. A repost is meant to have them, and so are two `id`s.
pub(in crate::store) fn duplicates<R: Rows>(
    tx: &R,
    post: &RecordedPost,
    fingerprint: Option<&str>,
) -> Result<Vec<RecordedPost>, R::Error> {
    if let Some(joined) = post.same_as {
        let other = Box::new(latest(tx, tx.original(joined)?)?);
        return Err(JournalError::SameContent { other, certain: true }.into());
    }
    let Some(file) = post.file.as_ref().filter(|_| post.repost == 0) else { return Ok(Vec::new()) };
    let mut others = match fingerprint {
        Some(fingerprint) => tx.posts(Look::OfFingerprint { post, fingerprint })?,
        None => Vec::new(),
    };
    others.extend(tx.posts(Look::OfSize { post, size: file.identity.size })?);
    let mut duplicates = Vec::new();
    for other in others {
        let certain = other.file.as_ref().is_some_and(|file| file.fingerprint.is_some());
        let clash = if certain { !other.may_begin() } else { may_be_posted(&other) };
        if clash {
            let other = latest(tx, tx.original(other.number)?)?;
            return Err(JournalError::SameContent { other: Box::new(other), certain }.into());
        }
        if certain {
            duplicates.push(other);
        }
    }
    Ok(duplicates)
}

/// Whether TikTok may have got the final chunk, for a post whose content was not read to the end:
/// TikTok said that it was complete before it was.
fn may_be_posted(post: &RecordedPost) -> bool {
    matches!(
        post.phase(),
        Some(
            Phase::FinalIntent { .. }
                | Phase::Uploaded
                | Phase::Published
                | Phase::Inboxed
                | Phase::Unresolved
        )
    )
}

fn join<R: Rows>(tx: &R, post: &RecordedPost, other: &RecordedPost) -> Result<(), R::Error> {
    let (from, to) = (tx.original(post.number)?, tx.original(other.number)?);
    tx.reassign_keys(from, to)?;
    if let (Some(id), None) = (&post.id, &other.id) {
        tx.set_id(to, id)?;
    }
    tx.set_same_as(from, other.number)
}

/// Invariant I1, as an error.
pub(in crate::store) fn still_open(attempt: &Attempt) -> JournalError {
    JournalError::MayBePosted { post: attempt.post, attempt: attempt.number, phase: attempt.phase }
}
