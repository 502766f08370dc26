//! What TikTok counts: calls per minute and token, and caps that it said are full. Counted here,
//! because the quota outlives the process.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Transaction;

use super::database::checksum::{self, Checked, write_checksum};
use super::database::db_error::DbError;
use super::rows;
use crate::model::{CallKind, QuotaKind};
use crate::store::rules::calls::{believed, end, free_at, remembered, start};
use crate::store::rules::words::{call_word, cap_word};

/// Counts a call if there is room for it. `Some`: there is none before that time, and nothing was counted.
pub(super) fn take_slot(
    tx: &Transaction<'_>,
    account: &str,
    kind: CallKind,
    limit: u32,
    window: Duration,
    now: Timestamp,
) -> Result<Option<Timestamp>, DbError> {
    let free = free_at(&within(tx, account, kind, now, window)?, limit, window);
    if free.is_none() {
        note(tx, account, kind, now)?;
    }
    Ok(free)
}

/// Remembers that TikTok said that a cap is full, and until when not to try again.
pub(super) fn set_full(
    tx: &Transaction<'_>,
    subject: &str,
    kind: QuotaKind,
    until: Timestamp,
) -> Result<(), DbError> {
    let id = tx.query_row(
        "INSERT INTO caps (subject, kind, until) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET until = excluded.until RETURNING id",
        (subject, cap_word(kind), until.as_millisecond()),
        |row| row.get(0),
    )?;
    Ok(write_checksum(tx, Checked::Caps, id)?)
}

/// Until when a cap is full. `None`: not that we know.
pub(super) fn full_until(
    tx: &Transaction<'_>,
    subject: &str,
    kind: QuotaKind,
    now: Timestamp,
) -> Result<Option<Timestamp>, DbError> {
    let mut statement = tx.prepare_cached("SELECT * FROM caps WHERE subject = ?1 AND kind = ?2")?;
    let mut found = statement.query((subject, cap_word(kind)))?;
    let Some(row) = found.next()? else { return Ok(None) };
    checksum::hold(Checked::Caps, row)?;
    Ok(believed(rows::time(row.get("until")?)?, now))
}

/// Counts a call and forgets those that no window reaches any more.
pub(super) fn note(
    tx: &Transaction<'_>,
    account: &str,
    kind: CallKind,
    now: Timestamp,
) -> Result<(), DbError> {
    let (first, last) = remembered(now);
    tx.execute(
        "DELETE FROM calls WHERE account = ?1 AND at NOT BETWEEN ?2 AND ?3",
        (account, first.as_millisecond(), last.as_millisecond()),
    )?;
    tx.execute(
        "INSERT INTO calls (account, kind, at) VALUES (?1, ?2, ?3)",
        (account, call_word(kind), now.as_millisecond()),
    )?;
    Ok(())
}

/// The times of the calls in a window, the oldest first.
pub(super) fn within(
    tx: &Transaction<'_>,
    account: &str,
    kind: CallKind,
    now: Timestamp,
    window: Duration,
) -> Result<Vec<Timestamp>, DbError> {
    rows::times(
        tx,
        "SELECT at FROM calls WHERE account = ?1 AND kind = ?2 AND at > ?3 AND at < ?4 ORDER BY at",
        (
            account,
            call_word(kind),
            start(now, window).as_millisecond(),
            end(now, window).as_millisecond(),
        ),
    )
}
