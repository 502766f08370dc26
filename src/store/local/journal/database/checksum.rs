//! A checksum in every row that decides whether something is posted. SQLite checks the structure of
//! its pages, not their content: without it, one flipped bit could make a posted video look new.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, Transaction};

use super::db_error::DbError;

/// The version that tells who may record.
const WITH_EPOCHS: i64 = 6;

/// The tables whose rows have a checksum. Each has the columns `id` and `sum`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::local::journal) enum Checked {
    Posts,
    Keys,
    Attempts,
    Caps,
    Epochs,
}

impl Checked {
    const ALL: [Self; 5] = [Self::Posts, Self::Keys, Self::Attempts, Self::Caps, Self::Epochs];

    /// Whether a journal of some version has the table.
    pub(in crate::store::local::journal) fn is_in(self, version: i64) -> bool {
        self != Self::Epochs || version >= WITH_EPOCHS
    }

    fn name(self) -> &'static str {
        match self {
            Self::Posts => "posts",
            Self::Keys => "keys",
            Self::Attempts => "attempts",
            Self::Caps => "caps",
            Self::Epochs => "epochs",
        }
    }
}

/// Writes the checksum of a row after it was written, in the transaction that wrote it.
pub(in crate::store::local::journal) fn write_checksum(
    tx: &Transaction<'_>,
    table: Checked,
    id: i64,
) -> rusqlite::Result<()> {
    write_checksums(tx, table, [id])
}

/// As [`write_checksum`], for several rows.
pub(in crate::store::local::journal) fn write_checksums(
    tx: &Transaction<'_>,
    table: Checked,
    ids: impl IntoIterator<Item = i64>,
) -> rusqlite::Result<()> {
    let name = table.name();
    let mut read = tx.prepare_cached(&format!("SELECT * FROM {name} WHERE id = ?1"))?;
    let mut write = tx.prepare_cached(&format!("UPDATE {name} SET sum = ?2 WHERE id = ?1"))?;
    for id in ids {
        let sum = read.query_row([id], |row| sum(table, row))?;
        write.execute([id, sum])?;
    }
    Ok(())
}

/// The first row of a journal of some version whose checksum is wrong, in words.
pub(in crate::store::local::journal) fn first_mismatch(
    connection: &Connection,
    version: i64,
) -> rusqlite::Result<Option<String>> {
    for table in Checked::ALL.into_iter().filter(|table| table.is_in(version)) {
        let name = table.name();
        let mut rows = connection.prepare(&format!("SELECT * FROM {name}"))?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            if !matches(table, row)? {
                let id: i64 = row.get("id")?;
                return Ok(Some(wrong(table, id)));
            }
        }
    }
    Ok(None)
}

/// An error if a row, read with all its columns, is not what was written: for rows that a run decides by.
pub(in crate::store::local::journal) fn hold(table: Checked, row: &Row<'_>) -> Result<(), DbError> {
    if matches(table, row)? {
        return Ok(());
    }
    let id: i64 = row.get("id")?;
    Err(DbError::Unreadable(wrong(table, id)))
}

fn wrong(table: Checked, id: i64) -> String {
    format!("row {id} of its {} is not what was written", table.name())
}

/// Whether a row, read with all its columns, is what was written.
pub(in crate::store::local::journal) fn matches(
    table: Checked,
    row: &Row<'_>,
) -> rusqlite::Result<bool> {
    Ok(row.get_ref(own(row)?)? == ValueRef::Integer(sum(table, row)?))
}

/// Writes every checksum of a journal of some version anew, after a migration that gave rows other columns.
pub(in crate::store::local::journal) fn write_all(
    tx: &Transaction<'_>,
    version: i64,
) -> rusqlite::Result<()> {
    for table in Checked::ALL.into_iter().filter(|table| table.is_in(version)) {
        let ids: Vec<i64> = tx
            .prepare(&format!("SELECT id FROM {}", table.name()))?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        write_checksums(tx, table, ids)?;
    }
    Ok(())
}

/// Where the checksum stands in a row: among the last columns of the table.
fn own(row: &Row<'_>) -> rusqlite::Result<usize> {
    let statement = row.as_ref();
    for column in (0..statement.column_count()).rev() {
        if statement.column_name(column)? == "sum" {
            return Ok(column);
        }
    }
    Err(rusqlite::Error::InvalidColumnName("sum".to_owned()))
}

/// A hash of all columns but the checksum itself, each with its type and length.
fn sum(table: Checked, row: &Row<'_>) -> rusqlite::Result<i64> {
    let own = own(row)?;
    let mut bytes = table.name().as_bytes().to_vec();
    let mut part = |tag: u8, value: &[u8]| {
        bytes.push(tag);
        bytes.extend((value.len() as u64).to_le_bytes());
        bytes.extend(value);
    };
    for column in (0..row.as_ref().column_count()).filter(|column| *column != own) {
        match row.get_ref(column)? {
            ValueRef::Null => part(0, &[]),
            ValueRef::Integer(number) => part(1, &number.to_le_bytes()),
            ValueRef::Real(number) => part(2, &number.to_le_bytes()),
            ValueRef::Text(text) => part(3, text),
            ValueRef::Blob(bytes) => part(4, bytes),
        }
    }
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(&bytes).as_bytes()[..8]);
    Ok(i64::from_le_bytes(first))
}
