//! Attempts: how they begin and move.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Transaction, named_params};

use super::calls;
use super::database::checksum::{Checked, write_checksum};
use super::database::db_error::DbError;
use super::epochs;
use super::rows;
use crate::model::machine::{self, Settled};
use crate::model::{Attempt, AttemptUpdate, CallKind, Phase, PostNumber, RecordedPost, Transfer};
use crate::problem::ErrorCode;
use crate::secret::redact;
use crate::store::JournalError;
use crate::store::rules::calls::start;
use crate::store::rules::phase::Written;
use crate::store::rules::posts::{by_number, duplicates};
use crate::store::rules::words::post_ids_text;

/// Begins an attempt in [`Phase::InitIntent`] and counts its init.
///
/// Refused with [`JournalError::MayBePosted`] if an earlier attempt could still become a post, did become one
/// or was refused for good (invariant I1), and with [`JournalError::SameContent`] if another post has the
/// content.
pub(super) fn begin(
    tx: &Transaction<'_>,
    post: PostNumber,
    now: Timestamp,
) -> Result<Attempt, DbError> {
    let post = by_number(tx, post)?;
    let earlier = rows::attempts(tx, post.number)?;
    if let Some(open) = earlier.iter().find(|earlier| !earlier.phase.allows_another()) {
        return Err(duplicates::still_open(open).into());
    }
    let fingerprint = post.file.as_ref().and_then(|file| file.fingerprint.as_deref());
    duplicates::duplicates(tx, &post, fingerprint)?;
    calls::note(tx, &post.account, CallKind::Init, now)?;
    insert(tx, post.number, post.transfer(), Phase::InitIntent, now)
}

/// All attempts at a post, the first one first.
pub(super) fn of_post(tx: &Transaction<'_>, post: PostNumber) -> Result<Vec<Attempt>, DbError> {
    by_number(tx, post)?;
    rows::attempts(tx, post)
}

/// A person says whether a post was posted, and takes its account over. The reason that the journal has stays in
/// the history.
pub(super) fn resolve(
    tx: &Transaction<'_>,
    post: PostNumber,
    posted: bool,
    now: Timestamp,
) -> Result<RecordedPost, DbError> {
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
    epochs::take_over(tx, &found.account)?;
    let last = match last {
        Some(last) => last.clone(),
        // Posted by hand before anything was tried: that, too, is said of an attempt.
        None => insert(tx, found.number, found.transfer(), Phase::InitIntent, now)?,
    };
    let word = if posted { "posted" } else { "not posted" };
    let before = last.message.as_ref().map(|message| format!("; before that: {message}"));
    let settled = AttemptUpdate {
        code: Some(ErrorCode::ResolvedByHand.as_str().to_owned()),
        message: Some(format!("settled by hand as {word}{}", before.unwrap_or_default())),
        ..AttemptUpdate::default()
    };
    update(tx, &last, to, &settled, now)?;
    by_number(tx, post)
}

/// Drafts of an account that are alive and began within a time.
pub(super) const DRAFTS: &str =
    "SELECT attempts.created FROM attempts JOIN posts ON posts.id = attempts.post
     WHERE account = ?1 AND mode = 'draft' AND attempts.created > ?2 AND attempts.created <= ?3
     AND phase IN ('init-intent', 'open', 'final-intent', 'uploaded', 'inboxed', 'unresolved')
     ORDER BY attempts.created";

/// When the drafts of an account began that wait in its inbox or are on their way there, the oldest first;
/// those that began within the last so much time.
pub(super) fn drafts(
    tx: &Transaction<'_>,
    account: &str,
    now: Timestamp,
    window: Duration,
) -> Result<Vec<Timestamp>, DbError> {
    let since = start(now, window);
    // A later one was made under a clock that was ahead.
    rows::times(tx, DRAFTS, (account, since.as_millisecond(), now.as_millisecond()))
}

/// Records the next attempt at a post, in a phase of which nothing else is to be recorded.
pub(super) fn insert(
    tx: &Transaction<'_>,
    post: PostNumber,
    transfer: Transfer,
    phase: Phase,
    now: Timestamp,
) -> Result<Attempt, DbError> {
    let chunks = match transfer {
        Transfer::File { chunks } => Some(chunks),
        Transfer::Pull => None,
    };
    tx.prepare_cached(
        "INSERT INTO attempts (post, number, chunks, phase, created, updated)
         VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM attempts WHERE post = ?1), ?2, ?3,
         ?4, ?4)",
    )?
    .execute((post.0, chunks, Written::from(phase).word, now.as_millisecond()))?;
    write_checksum(tx, Checked::Attempts, tx.last_insert_rowid())?;
    last(tx, post)
}

/// The guarded update: the row must be found in the phase that the caller knows.
pub(super) fn update(
    tx: &Transaction<'_>,
    from: &Attempt,
    to: Phase,
    update: &AttemptUpdate,
    now: Timestamp,
) -> Result<Attempt, DbError> {
    let (known, new) = (Written::from(from.phase), Written::from(to));
    let url = update.upload_url.as_ref().map(crate::secret::Secret::expose);
    let mut write = tx.prepare_cached(
        "UPDATE attempts SET phase = :phase, stored = :stored, failed = :failed,
         publish_id = coalesce(:publish_id, publish_id),
         upload_url = iif(:needs_url, coalesce(:url, upload_url), NULL),
         issued = coalesce(:issued, issued),
         issued_there = coalesce(:issued_there, issued_there),
         post_ids = iif(:post_ids = '', post_ids, :post_ids),
         code = coalesce(:code, code), message = coalesce(:message, message),
         log_id = coalesce(:log_id, log_id), updated = :updated
         WHERE post = :post AND number = :number AND phase = :known_phase
         AND stored IS :known_stored AND failed IS :known_failed",
    )?;
    let changed = write.execute(named_params! {
        ":phase": new.word,
        ":stored": new.stored,
        ":failed": new.failed,
        ":publish_id": update.publish_id,
        ":needs_url": to.needs_url(),
        ":url": url,
        ":issued": update.issued_at.map(Timestamp::as_millisecond),
        ":issued_there": update.issued_there.map(Timestamp::as_millisecond),
        ":post_ids": post_ids_text(&update.post_ids),
        // In TikTok's words, which may repeat what they were sent.
        ":code": update.code.as_deref().map(redact),
        ":message": update.message.as_deref().map(redact),
        ":log_id": update.log_id.as_deref().map(redact),
        ":updated": now.as_millisecond(),
        ":post": from.post.0,
        ":number": from.number,
        ":known_phase": known.word,
        ":known_stored": known.stored,
        ":known_failed": known.failed,
    })?;
    if changed != 1 {
        return Err(JournalError::MovedOn { post: from.post, attempt: from.number }.into());
    }
    let id = tx
        .prepare_cached("SELECT id FROM attempts WHERE post = ?1 AND number = ?2")?
        .query_row((from.post.0, from.number), |row| row.get(0))?;
    write_checksum(tx, Checked::Attempts, id)?;
    last(tx, from.post)
}

fn last(tx: &Transaction<'_>, post: PostNumber) -> Result<Attempt, DbError> {
    rows::last_attempt(tx, post)?
        .ok_or_else(|| DbError::Unreadable("an attempt vanished while it was written".to_owned()))
}
