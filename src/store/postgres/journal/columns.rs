//! Values of columns.

use jiff::Timestamp;
use tokio_postgres::Row;

use crate::store::StoreError;
use crate::store::postgres::tx::Tx;

/// A number that is never negative.
pub(super) fn count(tx: &Tx<'_>, row: &Row, column: usize) -> Result<u32, StoreError> {
    let number: i64 = tx.get(row, column)?;
    u32::try_from(number).map_err(|_| tx.odd("a number is out of range"))
}

/// The same where there may be none.
pub(super) fn maybe_count(
    tx: &Tx<'_>,
    row: &Row,
    column: usize,
) -> Result<Option<u32>, StoreError> {
    let number: Option<i64> = tx.get(row, column)?;
    number.map(u32::try_from).transpose().map_err(|_| tx.odd("a number is out of range"))
}

/// A time in ms since 1970.
pub(super) fn time(tx: &Tx<'_>, milliseconds: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(milliseconds).map_err(|_| tx.odd("a time is out of range"))
}
