//! The rows of attempts, who may write them, and what TikTok counts.

use std::time::Duration;

use jiff::Timestamp;
use tokio_postgres::Row;

use super::columns::{count, maybe_count, time};
use crate::model::{Attempt, AttemptUpdate, CallKind, Phase, PostNumber, QuotaKind, Transfer};
use crate::secret::{Secret, redact};
use crate::store::postgres::leases::Silence;
use crate::store::postgres::tx::Tx;
use crate::store::rules::attempts::Attempts;
use crate::store::rules::calls::{believed, end, remembered, start};
use crate::store::rules::phase::{self, Written};
use crate::store::rules::words::{call_word, cap_word, post_ids, post_ids_text};
use crate::store::{Epoch, Holder, JournalError, LeaseError, StoreError};

const COLUMNS: &str = "post, number, chunks, phase, stored, failed, publish_id, upload_url, issued,
    issued_there, post_ids, code, message, log_id, created, updated";

/// Reads an attempt whose columns begin at one of a row.
pub(super) fn read(tx: &Tx<'_>, row: &Row, at: usize) -> Result<Attempt, StoreError> {
    let word: String = tx.get(row, at + 3)?;
    let failed: Option<String> = tx.get(row, at + 5)?;
    let phase = phase::read(&word, maybe_count(tx, row, at + 4)?, failed.as_deref())
        .ok_or_else(|| tx.odd(format!("an attempt has the phase `{word}`")))?;
    let maybe_time =
        |column: usize| tx.get::<Option<i64>>(row, column)?.map(|at| time(tx, at)).transpose();
    let chunks = maybe_count(tx, row, at + 2)?;
    Ok(Attempt {
        post: PostNumber(count(tx, row, at)?),
        number: count(tx, row, at + 1)?,
        transfer: chunks.map_or(Transfer::Pull, |chunks| Transfer::File { chunks }),
        phase,
        publish_id: tx.get(row, at + 6)?,
        upload_url: tx.get::<Option<String>>(row, at + 7)?.map(Secret::new),
        issued_at: maybe_time(at + 8)?,
        issued_there: maybe_time(at + 9)?,
        post_ids: post_ids(&tx.get::<String>(row, at + 10)?)
            .ok_or_else(|| tx.odd("an attempt has an odd post id"))?,
        code: tx.get(row, at + 11)?,
        message: tx.get(row, at + 12)?,
        log_id: tx.get(row, at + 13)?,
        created_at: time(tx, tx.get(row, at + 14)?)?,
        updated_at: time(tx, tx.get(row, at + 15)?)?,
    })
}

/// Waits for those who write of an account, keeps others from it until the transaction ends, and gives its epoch.
/// The time of the transaction is that after the wait.
pub(super) fn lock(tx: &Tx<'_>, account: &str) -> Result<Epoch, StoreError> {
    let row = tx.row(
        "INSERT INTO epochs AS it (account, epoch) VALUES ($1, 0)
         ON CONFLICT (account) DO UPDATE SET epoch = it.epoch
         RETURNING epoch, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint",
        &[account.into()],
    )?;
    let row = row.ok_or_else(|| tx.odd("an account cannot be locked"))?;
    tx.is_now(tx.get(&row, 1)?)?;
    Ok(Epoch::from(tx.get::<i64>(&row, 0)?))
}

/// The same for the account of a post, which it gives.
pub(super) fn lock_of(tx: &Tx<'_>, post: PostNumber) -> Result<(String, Epoch), StoreError> {
    let statement = "SELECT account FROM posts WHERE id = $1";
    let account: Option<String> = tx.one(statement, &[post.0.into()])?;
    let account = account.ok_or(JournalError::NoPost(post))?;
    let epoch = lock(tx, &account)?;
    Ok((account, epoch))
}

/// The guard of every write: an error if somebody has taken the account over since.
pub(super) fn hold(tx: &Tx<'_>, account: &str, mine: Epoch) -> Result<(), StoreError> {
    if lock(tx, account)? == mine { Ok(()) } else { Err(taken_over(account)) }
}

/// The same for the account of a post, which it gives.
pub(super) fn hold_of(tx: &Tx<'_>, post: PostNumber, mine: Epoch) -> Result<String, StoreError> {
    let (account, epoch) = lock_of(tx, post)?;
    if epoch == mine { Ok(account) } else { Err(taken_over(&account)) }
}

/// An error if somebody may be in the middle of a call for a post, as it has not been silent for long enough: TikTok may
/// be about to get it. That is whoever has claimed the account's posts and has not said that it is done, whoever has the
/// lease by now (but for `worker`, which asks, with its own), and whoever recorded an attempt at it.
pub(super) fn hold_dead(
    tx: &Tx<'_>,
    post: PostNumber,
    worker: &str,
    silence: Silence,
) -> Result<(), StoreError> {
    let ms = |silent: Duration| i64::try_from(silent.as_millis()).unwrap_or(i64::MAX);
    let row = tx.row(
        "SELECT host, pid FROM workers
         WHERE greatest(heartbeat, (SELECT max(called) FROM holders WHERE holders.worker = workers.id))
             > clock_timestamp() - interval '1 millisecond' * CASE WHEN EXISTS (
                 SELECT 1 FROM attempts WHERE attempts.post = $1 AND attempts.chunks IS NOT NULL)
             THEN $4::bigint ELSE $3::bigint END AND (
             id IN (SELECT holders.worker FROM holders
                 JOIN posts ON posts.account = holders.account
                 WHERE posts.id = $1 AND NOT EXISTS (SELECT 1 FROM leases
                     WHERE leases.owner = holders.owner AND leases.worker = $2))
             OR id <> $2 AND stopped IS NULL
                 AND id IN (SELECT attempts.worker FROM attempts WHERE attempts.post = $1))
         ORDER BY heartbeat DESC LIMIT 1",
        &[post.0.into(), worker.into(), ms(silence.pull).into(), ms(silence.file).into()],
    )?;
    let Some(row) = row else { return Ok(()) };
    let (host, pid): (String, i64) = (tx.get(&row, 0)?, tx.get(&row, 1)?);
    let holder = Holder {
        pid: u32::try_from(pid).unwrap_or_default(),
        host: Some(host),
        since: None,
        until: None,
    };
    Err(LeaseError::Held { what: format!("post {post}"), holder: Some(holder) }.into())
}

fn taken_over(account: &str) -> StoreError {
    JournalError::TakenOver { account: account.to_owned() }.into()
}

/// The epoch of an account.
pub(super) fn epoch(tx: &Tx<'_>, account: &str) -> Result<Epoch, StoreError> {
    let epoch = tx.one::<i64>("SELECT epoch FROM epochs WHERE account = $1", &[account.into()])?;
    Ok(epoch.map_or(Epoch::NONE, Epoch::from))
}

/// Begins a new epoch of an account.
pub(super) fn take_over(tx: &Tx<'_>, account: &str) -> Result<Epoch, StoreError> {
    let epoch = lock(tx, account)?.next();
    let statement = "UPDATE epochs SET epoch = $2 WHERE account = $1";
    tx.execute(statement, &[account.into(), i64::from(epoch).into()])?;
    Ok(epoch)
}

/// Says which process recorded an attempt last, and under which epoch; and that a call of its may follow. That is no
/// heartbeat, whose row a commit that waits for a standby would keep from being renewed.
pub(super) fn sign(tx: &Tx<'_>, attempt: &Attempt, worker: &str) -> Result<(), StoreError> {
    tx.execute(
        "WITH called AS (UPDATE holders SET called = clock_timestamp() WHERE worker = $3
             AND account = (SELECT posts.account FROM posts WHERE posts.id = $1))
         UPDATE attempts SET worker = $3, epoch = (SELECT epochs.epoch FROM epochs JOIN posts
             ON posts.account = epochs.account WHERE posts.id = $1)
         WHERE post = $1 AND number = $2",
        &[attempt.post.0.into(), attempt.number.into(), worker.into()],
    )?;
    Ok(())
}

impl Attempts for Tx<'_> {
    fn attempts(&self, post: PostNumber) -> Result<Vec<Attempt>, StoreError> {
        let statement = format!("SELECT {COLUMNS} FROM attempts WHERE post = $1 ORDER BY number");
        let rows = self.rows(&statement, &[post.0.into()])?;
        rows.iter().map(|row| read(self, row, 0)).collect()
    }

    fn insert_attempt(
        &self,
        post: PostNumber,
        transfer: Transfer,
        phase: Phase,
        now: Timestamp,
    ) -> Result<Attempt, StoreError> {
        let chunks = match transfer {
            Transfer::File { chunks } => Some(chunks),
            Transfer::Pull => None,
        };
        let row = self.row(
            &format!(
                "INSERT INTO attempts (post, number, chunks, phase, created, updated, epoch)
                 SELECT $1, (SELECT coalesce(max(number), 0) + 1 FROM attempts WHERE post = $1),
                     $2, $3, $4, $4, (SELECT epochs.epoch FROM epochs JOIN posts
                         ON posts.account = epochs.account WHERE posts.id = $1)
                 RETURNING {COLUMNS}"
            ),
            &[
                post.0.into(),
                chunks.into(),
                Written::from(phase).word.into(),
                now.as_millisecond().into(),
            ],
        )?;
        let row = row.ok_or_else(|| self.odd("an attempt vanished while it was written"))?;
        read(self, &row, 0)
    }

    fn update_attempt(
        &self,
        from: &Attempt,
        to: Phase,
        update: &AttemptUpdate,
        now: Timestamp,
    ) -> Result<Attempt, StoreError> {
        let (known, new) = (Written::from(from.phase), Written::from(to));
        // In TikTok's words, which may repeat what they were sent.
        let said = |text: &Option<String>| text.as_deref().map(|text| redact(text).into_owned());
        let row = self.row(
            &format!(
                "UPDATE attempts SET phase = $1, stored = $2, failed = $3,
                     publish_id = coalesce($4, publish_id),
                     upload_url = CASE WHEN $5 THEN coalesce($6, upload_url) END,
                     issued = coalesce($7, issued), issued_there = coalesce($8, issued_there),
                     post_ids = CASE WHEN $9 = '' THEN post_ids ELSE $9 END,
                     code = coalesce($10, code), message = coalesce($11, message),
                     log_id = coalesce($12, log_id), updated = $13
                 WHERE post = $14 AND number = $15 AND phase = $16
                     AND stored IS NOT DISTINCT FROM $17 AND failed IS NOT DISTINCT FROM $18
                 RETURNING {COLUMNS}"
            ),
            &[
                new.word.into(),
                new.stored.into(),
                new.failed.into(),
                update.publish_id.as_deref().into(),
                to.needs_url().into(),
                update.upload_url.as_ref().map(Secret::expose).into(),
                update.issued_at.map(Timestamp::as_millisecond).into(),
                update.issued_there.map(Timestamp::as_millisecond).into(),
                post_ids_text(&update.post_ids).into(),
                said(&update.code).into(),
                said(&update.message).into(),
                said(&update.log_id).into(),
                now.as_millisecond().into(),
                from.post.0.into(),
                from.number.into(),
                known.word.into(),
                known.stored.into(),
                known.failed.into(),
            ],
        )?;
        let moved_on = JournalError::MovedOn { post: from.post, attempt: from.number };
        let row = row.ok_or(moved_on)?;
        if to == Phase::Published {
            let statement = "UPDATE posts SET published = true WHERE id = $1";
            self.execute(statement, &[from.post.0.into()])?;
        }
        read(self, &row, 0)
    }

    fn note_call(&self, account: &str, kind: CallKind, now: Timestamp) -> Result<(), StoreError> {
        let (first, last) = remembered(now);
        self.execute(
            "DELETE FROM calls WHERE account = $1 AND at NOT BETWEEN $2 AND $3",
            &[account.into(), first.as_millisecond().into(), last.as_millisecond().into()],
        )?;
        self.execute(
            "INSERT INTO calls (account, kind, at) VALUES ($1, $2, $3)",
            &[account.into(), call_word(kind).into(), now.as_millisecond().into()],
        )?;
        Ok(())
    }

    fn shut_out(&self, account: &str) -> Result<(), StoreError> {
        take_over(self, account).map(drop)
    }
}

/// The times of the calls in a window, the oldest first.
pub(super) fn calls_within(
    tx: &Tx<'_>,
    account: &str,
    kind: CallKind,
    now: Timestamp,
    window: Duration,
) -> Result<Vec<Timestamp>, StoreError> {
    let statement =
        "SELECT at FROM calls WHERE account = $1 AND kind = $2 AND at > $3 AND at < $4 ORDER BY at";
    let (first, last) = (start(now, window), end(now, window));
    let values = [
        account.into(),
        call_word(kind).into(),
        first.as_millisecond().into(),
        last.as_millisecond().into(),
    ];
    tx.rows(statement, &values)?.iter().map(|row| time(tx, tx.get(row, 0)?)).collect()
}

/// Remembers that TikTok said that a cap is full, and until when not to try again.
pub(super) fn set_full(
    tx: &Tx<'_>,
    subject: &str,
    kind: QuotaKind,
    until: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO caps (subject, kind, until) VALUES ($1, $2, $3)
         ON CONFLICT (subject, kind) DO UPDATE SET until = excluded.until",
        &[subject.into(), cap_word(kind).into(), until.as_millisecond().into()],
    )?;
    Ok(())
}

/// Until when a cap is full. `None`: not that we know.
pub(super) fn full_until(
    tx: &Tx<'_>,
    subject: &str,
    kind: QuotaKind,
) -> Result<Option<Timestamp>, StoreError> {
    let statement = "SELECT until FROM caps WHERE subject = $1 AND kind = $2";
    let until = tx.one::<i64>(statement, &[subject.into(), cap_word(kind).into()])?;
    let Some(until) = until else { return Ok(None) };
    Ok(believed(time(tx, until)?, tx.now()?))
}

/// When the drafts of an account began that wait in its inbox or are on their way there, the oldest first; those
/// that began within the last so much time.
pub(super) fn drafts(
    tx: &Tx<'_>,
    account: &str,
    window: Duration,
) -> Result<Vec<Timestamp>, StoreError> {
    let now = tx.now()?;
    // A later one was made under a clock that was ahead.
    let rows = tx.rows(
        "SELECT attempts.created FROM attempts JOIN posts ON posts.id = attempts.post
         WHERE account = $1 AND mode = 'draft' AND attempts.created > $2 AND attempts.created <= $3
         AND phase IN ('init-intent', 'open', 'final-intent', 'uploaded', 'inboxed', 'unresolved')
         ORDER BY attempts.created",
        &[account.into(), start(now, window).as_millisecond().into(), now.as_millisecond().into()],
    )?;
    rows.iter().map(|row| time(tx, tx.get(row, 0)?)).collect()
}
