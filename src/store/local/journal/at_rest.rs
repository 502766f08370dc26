//! `upload_url`s at rest: whoever has one may send bytes in the account's name, so they are encrypted
//! with the key of the token store, if that has one.
//!
//! The journal remembers whether its `upload_url`s are encrypted, and with which key, so that a run that
//! began before they were does not write one in plain text afterwards. A value that no key at hand opens
//! is as good as none: the attempt goes on as after any lost URL, which never makes a second post.

use std::path::Path;
use std::time::Duration;

use rusqlite::{OptionalExtension as _, Transaction};

use super::database::Database;
use super::database::checksum::{Checked, write_checksum};
use super::database::db_error::DbError;
use crate::encrypt::{self, Key, KeyId, Place};
use crate::model::{Attempt, AttemptUpdate};
use crate::secret::Secret;
use crate::store::JournalError;
use crate::store::rules::at_rest::place;

/// The name in `meta` of the key.
pub(super) const NAME: &str = "encryption";

/// How often, and how far apart, it is tried to empty the log after plain text was encrypted.
const LOG_TRIES: u32 = 20;
const LOG_PAUSE: Duration = Duration::from_millis(100);

/// One `upload_url` as it is stored.
struct Row {
    id: i64,
    url: Secret,
    place: Place,
}

/// Whether the `upload_url`s of a journal can be read and written with the key at hand.
pub(super) fn check_key(db: &Database, key: Option<&Key>) -> Result<(), JournalError> {
    let said = db.read("read how it is encrypted", encrypted_with)?;
    match said.filter(|id| key.is_none_or(|key| key.id() != *id)) {
        Some(key) => Err(JournalError::NoKey { path: db.path().to_owned(), key }),
        None => Ok(()),
    }
}

/// Encrypts the `upload_url`s of all living attempts, in one transaction. Gives their number.
pub(super) fn encrypt(db: &Database, key: &Key) -> Result<usize, JournalError> {
    let already = db.read("look at the upload_urls", |tx| {
        Ok(encrypted_with(tx)? == Some(key.id())
            && rows(tx)?.iter().all(|row| is_encrypted_with(row, key)))
    })?;
    if already {
        return Ok(0);
    }
    let encrypted = db.write("encrypt the upload_urls", |tx| {
        let rows = rows(tx)?;
        for row in &rows {
            let encrypted = if is_encrypted_with(row, key) {
                continue;
            } else if encrypt::is_encrypted(row.url.expose()) {
                // With a key that is gone: nobody can use it any more.
                None
            } else {
                let encrypted = encrypt::encrypt(key, &row.url, &row.place);
                reads_back(key, &encrypted, row)?;
                Some(encrypted)
            };
            put(tx, row.id, encrypted.as_ref())?;
        }
        say(tx, key)?;
        Ok(rows.len())
    })?;
    // A reader keeps the log as it was, plain text included; each commit empties it if it can.
    for _ in 0..LOG_TRIES {
        if log_is_empty(db) {
            break;
        }
        std::thread::sleep(LOG_PAUSE);
        db.write("encrypt the upload_urls", |tx| say(tx, key))?;
    }
    Ok(encrypted)
}

fn log_is_empty(db: &Database) -> bool {
    let log = db.dir().companion("-wal");
    std::fs::symlink_metadata(log).map_or(true, |log| log.len() == 0)
}

/// Puts the `upload_url`s back into plain text, in one transaction. Those that the key does not open are
/// forgotten. Gives their number.
pub(super) fn decrypt(db: &Database, key: Option<&Key>) -> Result<usize, JournalError> {
    let already = db.read("look at the upload_urls", |tx| {
        Ok(encrypted_with(tx)?.is_none()
            && rows(tx)?.iter().all(|row| !encrypt::is_encrypted(row.url.expose())))
    })?;
    if already {
        return Ok(0);
    }
    db.write("decrypt the upload_urls", |tx| {
        let rows = rows(tx)?;
        for row in rows.iter().filter(|row| encrypt::is_encrypted(row.url.expose())) {
            let url = key.and_then(|key| encrypt::open(key, row.url.expose(), &row.place).ok());
            put(tx, row.id, url.as_ref())?;
        }
        tx.execute("DELETE FROM meta WHERE name = ?1", [NAME])?;
        Ok(rows.len())
    })
}

/// What is recorded with a phase in the journal at `path`, the `upload_url` in the form in which it is to
/// rest.
pub(super) fn as_it_rests(
    tx: &Transaction<'_>,
    path: &Path,
    key: Option<&Key>,
    attempt: &Attempt,
    update: &AttemptUpdate,
) -> Result<AttemptUpdate, DbError> {
    let Some(url) = &update.upload_url else { return Ok(update.clone()) };
    let said = encrypted_with(tx)?;
    if let Some(needed) = said.filter(|id| key.is_none_or(|key| key.id() != *id)) {
        return Err(JournalError::NoKey { path: path.to_owned(), key: needed }.into());
    }
    let Some(key) = key else { return Ok(update.clone()) };
    if said.is_none() {
        say(tx, key)?;
    }
    let account: String =
        tx.query_row("SELECT account FROM posts WHERE id = ?1", [attempt.post.0], |row| {
            row.get(0)
        })?;
    let place = place(&account, attempt.post.0, attempt.number);
    let url = encrypt::encrypt(key, url, &place);
    Ok(AttemptUpdate { upload_url: Some(url), ..update.clone() })
}

/// The key that the journal's `upload_url`s are encrypted with, as it says itself.
fn encrypted_with(tx: &Transaction<'_>) -> Result<Option<KeyId>, DbError> {
    let said: Option<String> = tx
        .query_row("SELECT value FROM meta WHERE name = ?1", [NAME], |row| row.get(0))
        .optional()?;
    let odd = |_| DbError::Unreadable("what names the key of its upload_urls does not".to_owned());
    said.map(|id| id.parse().map_err(odd)).transpose()
}

fn say(tx: &Transaction<'_>, key: &Key) -> Result<(), DbError> {
    let id = key.id().to_string();
    tx.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)", [NAME, &id])?;
    Ok(())
}

fn rows(tx: &Transaction<'_>) -> Result<Vec<Row>, DbError> {
    let mut statement = tx.prepare(
        "SELECT attempts.id, attempts.post, attempts.number, upload_url, account
         FROM attempts JOIN posts ON posts.id = attempts.post WHERE upload_url IS NOT NULL",
    )?;
    let mut found = statement.query([])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let account: String = row.get(4)?;
        rows.push(Row {
            id: row.get(0)?,
            url: Secret::new(row.get::<_, String>(3)?),
            place: place(&account, row.get(1)?, row.get(2)?),
        });
    }
    Ok(rows)
}

fn put(tx: &Transaction<'_>, id: i64, url: Option<&Secret>) -> Result<(), DbError> {
    let url = url.map(Secret::expose);
    tx.execute("UPDATE attempts SET upload_url = ?2 WHERE id = ?1", (id, url))?;
    Ok(write_checksum(tx, Checked::Attempts, id)?)
}

fn is_encrypted_with(row: &Row, key: &Key) -> bool {
    encrypt::open(key, row.url.expose(), &row.place).is_ok()
}

fn reads_back(key: &Key, encrypted: &Secret, row: &Row) -> Result<(), DbError> {
    match encrypt::open(key, encrypted.expose(), &row.place) {
        Ok(url) if url == row.url => Ok(()),
        _ => Err(DbError::Io(std::io::Error::other("what was encrypted does not read back"))),
    }
}
