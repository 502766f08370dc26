//! The rows of attempts, as the rules ([`crate::store::rules`]) read and write them.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Transaction, named_params};

use super::calls;
use super::database::checksum::{Checked, write_checksum};
use super::database::db_error::DbError;
use super::epochs;
use super::rows;
use crate::model::{Attempt, AttemptUpdate, CallKind, Phase, PostNumber, Transfer};
use crate::secret::redact;
use crate::store::JournalError;
use crate::store::rules::attempts::Attempts;
use crate::store::rules::calls::start;
use crate::store::rules::phase::Written;
use crate::store::rules::words::post_ids_text;

impl Attempts for Transaction<'_> {
    fn attempts(&self, post: PostNumber) -> Result<Vec<Attempt>, DbError> {
        rows::attempts(self, post)
    }

    fn insert_attempt(
        &self,
        post: PostNumber,
        transfer: Transfer,
        phase: Phase,
        now: Timestamp,
    ) -> Result<Attempt, DbError> {
        insert(self, post, transfer, phase, now)
    }

    fn update_attempt(
        &self,
        from: &Attempt,
        to: Phase,
        new: &AttemptUpdate,
        now: Timestamp,
    ) -> Result<Attempt, DbError> {
        update(self, from, to, new, now)
    }

    fn note_call(&self, account: &str, kind: CallKind, now: Timestamp) -> Result<(), DbError> {
        calls::note(self, account, kind, now)
    }

    fn shut_out(&self, account: &str) -> Result<(), DbError> {
        epochs::take_over(self, account).map(drop)
    }
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
