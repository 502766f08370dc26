//! The schema and its versions.
//!
//! Versions expand first and contract later: what an earlier program needs stays until the version after the one
//! that does without it. So the table of versions says of each from which version on a program may go on with it.

use super::tx::Tx;
use crate::store::StoreError;
use crate::store::error::DatabaseError;

/// One step from a version to the next one.
struct Step {
    statements: &'static str,
    /// The earliest version of a program that understands what it leaves.
    readers: i64,
}

/// What turns version n into version n + 1. A released step never changes.
const STEPS: &[Step] = &[Step { statements: include_str!("v1.sql"), readers: 1 }];

/// Keeps two programs from changing the schema at once.
const LOCK: i64 = 0x7474_7570_0001;

/// What is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// Its number; 0: nothing.
    pub(crate) number: i64,
    /// The earliest version of a program that understands it.
    pub(crate) readers: i64,
}

/// The version that this program writes.
pub(crate) fn latest() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// What is there.
pub(super) fn found(tx: &Tx<'_>) -> Result<Version, StoreError> {
    let nothing = Version { number: 0, readers: 0 };
    let there = "SELECT to_regclass($1) IS NOT NULL";
    let table = format!("{}.versions", tx.schema);
    if tx.one::<bool>(there, &[table.into()])? != Some(true) {
        return Ok(nothing);
    }
    let statement = "SELECT version, readers FROM versions ORDER BY version DESC LIMIT 1";
    let Some(row) = tx.row(statement, &[])? else { return Ok(nothing) };
    Ok(Version { number: tx.get(&row, 0)?, readers: tx.get(&row, 1)? })
}

/// Whether this program can work with what is there; `false`: once it is migrated.
pub(super) fn is_known(tx: &Tx<'_>) -> Result<bool, StoreError> {
    let found = found(tx)?;
    if found.readers > latest() {
        let place = tx.place.to_owned();
        return Err(DatabaseError::Newer { place, found: found.number, known: latest() }.into());
    }
    Ok(found.number >= latest())
}

/// Brings the schema to the version of this program, all in one step. Gives the version that was there.
pub(super) fn migrate(tx: &Tx<'_>) -> Result<i64, StoreError> {
    tx.rows("SELECT pg_advisory_xact_lock($1)", &[LOCK.into()])?;
    if is_known(tx)? {
        return Ok(latest());
    }
    let schema = tx.schema;
    // Who may not create one may use one that is there, and would be refused `IF NOT EXISTS` as well.
    let there = "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)";
    if tx.one::<bool>(there, &[schema.into()])? != Some(true) {
        tx.batch(&format!("CREATE SCHEMA IF NOT EXISTS {schema}"))?;
    }
    tx.batch(
        "CREATE TABLE IF NOT EXISTS versions (version bigint PRIMARY KEY, readers bigint NOT NULL)",
    )?;
    let before = found(tx)?.number;
    for (version, step) in (1..).zip(STEPS).filter(|(version, _)| *version > before) {
        tx.batch(step.statements)?;
        let row = "INSERT INTO versions (version, readers) VALUES ($1, $2)";
        tx.execute(row, &[version.into(), step.readers.into()])?;
    }
    Ok(before)
}
