//! Who may record what becomes of an account's posts: the last one who took it over.

use rusqlite::Transaction;

use super::database::checksum::{self, Checked, write_checksum};
use super::database::db_error::DbError;
use crate::model::PostNumber;
use crate::store::{Epoch, JournalError};

/// Begins a new epoch of an account: from now on nobody records anything under an earlier one.
pub(super) fn take_over(tx: &Transaction<'_>, account: &str) -> Result<Epoch, DbError> {
    let epoch = current(tx, account)?.next();
    let id = tx
        .prepare_cached(
            "INSERT INTO epochs (account, epoch) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET epoch = excluded.epoch RETURNING id",
        )?
        .query_row((account, i64::from(epoch)), |row| row.get(0))?;
    write_checksum(tx, Checked::Epochs, id)?;
    Ok(epoch)
}

/// The epoch of an account.
pub(super) fn current(tx: &Transaction<'_>, account: &str) -> Result<Epoch, DbError> {
    let mut statement = tx.prepare_cached("SELECT * FROM epochs WHERE account = ?1")?;
    let mut found = statement.query([account])?;
    let Some(row) = found.next()? else { return Ok(Epoch::NONE) };
    checksum::hold(Checked::Epochs, row)?;
    Ok(row.get::<_, i64>("epoch")?.into())
}

/// The guard of every write: an error if somebody has taken the account over since.
pub(super) fn hold(tx: &Transaction<'_>, account: &str, mine: Epoch) -> Result<(), DbError> {
    if current(tx, account)? == mine {
        return Ok(());
    }
    Err(JournalError::TakenOver { account: account.to_owned() }.into())
}

/// The same for the account of a post.
pub(super) fn hold_of(tx: &Transaction<'_>, post: PostNumber, mine: Epoch) -> Result<(), DbError> {
    hold(tx, &account_of(tx, post)?, mine)
}

/// The account of a post.
pub(super) fn account_of(tx: &Transaction<'_>, post: PostNumber) -> Result<String, DbError> {
    let mut statement = tx.prepare_cached("SELECT account FROM posts WHERE id = ?1")?;
    let mut found = statement.query([post.0])?;
    match found.next()? {
        Some(row) => Ok(row.get("account")?),
        None => Err(JournalError::NoPost(post).into()),
    }
}

/// Begins a new epoch of every account that is known: for a journal that was put together anew.
pub(super) fn take_over_all(tx: &Transaction<'_>) -> Result<(), DbError> {
    let accounts: Vec<String> = tx
        .prepare("SELECT account FROM epochs UNION SELECT account FROM posts")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for account in accounts {
        take_over(tx, &account)?;
    }
    Ok(())
}
