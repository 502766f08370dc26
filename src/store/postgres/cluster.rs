//! Which server answers: another one, or one that has failed over, may have forgotten what was recorded.

use super::tx::Tx;
use crate::store::StoreError;
use crate::store::error::DatabaseError;

/// What tells one state of a server from another that does not go on from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cluster {
    /// The identifier that a server is made with; a dump that was put into another one has another.
    pub(super) system_id: String,
    /// Changes with each promotion of a standby, and when a server is put back to an earlier time.
    pub(super) timeline: String,
}

/// The server as it is now. The timeline is that of the log that is written: that of the last checkpoint lags
/// behind a promotion.
pub(super) fn current(tx: &Tx<'_>) -> Result<Cluster, StoreError> {
    let row = tx.row(
        "SELECT (SELECT system_identifier::text FROM pg_control_system()),
             substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)",
        &[],
    )?;
    let row = row.ok_or_else(|| tx.odd("the server does not say which it is"))?;
    Ok(Cluster { system_id: tx.get(&row, 0)?, timeline: tx.get(&row, 1)? })
}

/// The one that posts were made with.
pub(super) fn known(tx: &Tx<'_>) -> Result<Option<Cluster>, StoreError> {
    let row = tx.row("SELECT system_id, timeline FROM cluster", &[])?;
    row.map(|row| Ok(Cluster { system_id: tx.get(&row, 0)?, timeline: tx.get(&row, 1)? }))
        .transpose()
}

/// Remembers that posts are made with this one from now on.
pub(super) fn remember(tx: &Tx<'_>, cluster: &Cluster) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO cluster (system_id, timeline) VALUES ($1, $2)
         ON CONFLICT (single) DO UPDATE SET system_id = excluded.system_id, timeline = excluded.timeline",
        &[(&cluster.system_id).into(), (&cluster.timeline).into()],
    )?;
    Ok(())
}

/// Before anything new is begun: an error as long as what was under way at a failover has not been settled.
pub(super) fn hold(tx: &Tx<'_>) -> Result<(), StoreError> {
    let current = current(tx)?;
    if known(tx)?.as_ref() == Some(&current) {
        return Ok(());
    }
    let open: Option<i64> = tx.one(
        "SELECT count(DISTINCT post) FROM attempts
         WHERE phase IN ('init-intent', 'open', 'final-intent', 'uploaded')",
        &[],
    )?;
    match open {
        Some(open @ 1..) => {
            Err(DatabaseError::FailedOver { place: tx.place.to_owned(), open }.into())
        }
        _ => remember(tx, &current),
    }
}
