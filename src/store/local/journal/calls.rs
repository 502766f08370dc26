//! What TikTok counts: calls per minute and token, and caps that it said are full. Counted here,
//! because the quota outlives the process.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Transaction;

use super::database::checksum::{self, Checked, write_checksum};
use super::database::db_error::DbError;
use super::rows::{self, call_word, cap_word};
use crate::model::{CallKind, QuotaKind};

/// How long calls are remembered: longer than any window.
const MEMORY: Duration = Duration::from_hours(25);

/// Caps are of 24 hours; whatever is said to be full for longer is not believed.
const LONGEST_CAP: SignedDuration = SignedDuration::from_hours(25);

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
    let until = Some(rows::time(row.get("until")?)?);
    // One that ends later than a cap can was made under a clock that was ahead.
    let latest = now.checked_add(LONGEST_CAP).unwrap_or(Timestamp::MAX);
    Ok(until.filter(|until| *until > now && *until <= latest))
}

/// Counts a call and forgets those that no window reaches any more.
pub(super) fn note(
    tx: &Transaction<'_>,
    account: &str,
    kind: CallKind,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM calls WHERE account = ?1 AND at NOT BETWEEN ?2 AND ?3",
        (account, start(now, MEMORY).as_millisecond(), end(now, MEMORY).as_millisecond()),
    )?;
    tx.execute(
        "INSERT INTO calls (account, kind, at) VALUES (?1, ?2, ?3)",
        (account, call_word(kind), now.as_millisecond()),
    )?;
    Ok(())
}

/// The times of the calls in a window, the oldest first. Those that seem to lie ahead by less than a
/// window count as well: the clock was set back a little.
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

/// When fewer than `limit` of these remain in the window. `None`: it is so now.
pub(super) fn free_at(times: &[Timestamp], limit: u32, window: Duration) -> Option<Timestamp> {
    let over = times.len().checked_sub(usize::try_from(limit).unwrap_or(usize::MAX))?;
    // With a limit of 0 there is never room: then say one window from the last one.
    let blocking = times.get(over).or(times.last())?;
    Some(end(*blocking, window))
}

/// The beginning of the window that ends now.
pub(super) fn start(now: Timestamp, window: Duration) -> Timestamp {
    let window = SignedDuration::try_from(window).unwrap_or(SignedDuration::MAX);
    now.saturating_sub(window).unwrap_or(Timestamp::MIN)
}

fn end(now: Timestamp, window: Duration) -> Timestamp {
    let window = SignedDuration::try_from(window).unwrap_or(SignedDuration::MAX);
    now.saturating_add(window).unwrap_or(Timestamp::MAX)
}
