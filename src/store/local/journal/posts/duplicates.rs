//! Posts of the same content that were not known to be the same when they were made.

use rusqlite::Transaction;

use super::keys;
use super::{latest, original, set};
use crate::model::{Attempt, Phase, PostNumber, RecordedPost};
use crate::store::JournalError;
use crate::store::local::journal::database::checksum::{Checked, write_checksum};
use crate::store::local::journal::database::db_error::DbError;
use crate::store::local::journal::rows::{self, mode_word};

/// Another post of the same content: an account's, of a mode, not that of a number, with an `id` or not.
pub(super) const OF_FINGERPRINT: &str = "account = ?1 AND mode = ?2 AND same_as IS NULL
    AND original <> (SELECT original FROM posts WHERE id = ?3)
    AND (name IS NULL OR ?4) AND fingerprint = ?5";

/// The same of content that was not read to its end, by its size.
pub(super) const OF_SIZE: &str = "account = ?1 AND mode = ?2 AND same_as IS NULL
    AND original <> (SELECT original FROM posts WHERE id = ?3)
    AND (name IS NULL OR ?4) AND fingerprint IS NULL AND size = ?5";

/// Records that a post, whose attempts are all dead, is the same as another one: whoever looks for it finds
/// that one from now on.
pub(in crate::store::local::journal) fn same_as(
    tx: &Transaction<'_>,
    post: PostNumber,
    other: PostNumber,
) -> Result<(), DbError> {
    let (post, other) = (rows::post_by_number(tx, post)?, rows::post_by_number(tx, other)?);
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
pub(in crate::store::local::journal) fn claim(
    tx: &Transaction<'_>,
    number: PostNumber,
    fingerprint: &str,
) -> Result<(), DbError> {
    keys::check_fingerprint(fingerprint)?;
    let post = rows::post_by_number(tx, number)?;
    let known = post.file.as_ref().and_then(|file| file.fingerprint.as_deref());
    if known.is_some_and(|known| known != fingerprint) {
        return Err(JournalError::OtherContent(number).into());
    }
    for duplicate in duplicates(tx, &post, Some(fingerprint))? {
        join(tx, &duplicate, &post)?;
    }
    tx.execute("UPDATE posts SET fingerprint = ?2 WHERE id = ?1", (number.0, fingerprint))?;
    write_checksum(tx, Checked::Posts, number.0.into())?;
    let key = keys::of_fingerprint(post.mode, fingerprint);
    keys::give(tx, &post.account, &key, original(tx, number)?)
}

/// Other posts of the same content of which nothing was posted and nothing can be; an error if there
/// is one of which that cannot be said. A repost is meant to have them, and so are two `id`s.
pub(in crate::store::local::journal) fn duplicates(
    tx: &Transaction<'_>,
    post: &RecordedPost,
    fingerprint: Option<&str>,
) -> Result<Vec<RecordedPost>, DbError> {
    if let Some(joined) = post.same_as {
        let other = Box::new(latest(tx, original(tx, joined)?)?);
        return Err(JournalError::SameContent { other, certain: true }.into());
    }
    let Some(file) = post.file.as_ref().filter(|_| post.repost == 0) else { return Ok(Vec::new()) };
    let (account, mode) = (&post.account, mode_word(post.mode));
    let (number, id) = (post.number.0, post.id.is_none());
    let mut others = match fingerprint {
        Some(content) => rows::posts(tx, OF_FINGERPRINT, (account, mode, number, id, content))?,
        None => Vec::new(),
    };
    let size = file.identity.size.cast_signed();
    others.extend(rows::posts(tx, OF_SIZE, (account, mode, number, id, size))?);
    let mut duplicates = Vec::new();
    for other in others {
        let certain = other.file.as_ref().is_some_and(|file| file.fingerprint.is_some());
        let clash = if certain { !other.may_begin() } else { may_be_posted(&other) };
        if clash {
            let other = latest(tx, original(tx, other.number)?)?;
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

fn join(tx: &Transaction<'_>, post: &RecordedPost, other: &RecordedPost) -> Result<(), DbError> {
    let (from, to) = (original(tx, post.number)?, original(tx, other.number)?);
    keys::reassign(tx, from, to)?;
    if let (Some(id), None) = (&post.id, &other.id) {
        set(tx, to, "name", id)?;
    }
    set(tx, from, "same_as", &other.number.0)
}

/// Invariant I1, as an error.
pub(in crate::store::local::journal) fn still_open(attempt: &Attempt) -> JournalError {
    JournalError::MayBePosted { post: attempt.post, attempt: attempt.number, phase: attempt.phase }
}
