//! Rows and values, both ways.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use jiff::Timestamp;
use rusqlite::types::FromSql;
use rusqlite::{OptionalExtension as _, Params, Row, Statement, Transaction};

use super::database::checksum::{self, Checked};
use super::database::db_error::DbError;
use crate::model::{
    Attempt, FileIdentity, LocalFile, PostNumber, RecordedPost, SourceKind, Transfer,
};
use crate::secret::Secret;
use crate::store::rules::{phase, words};

/// The posts that a condition on `posts` selects, each with its latest attempt.
pub(super) fn posts(
    tx: &Transaction<'_>,
    condition: &str,
    params: impl Params,
) -> Result<Vec<RecordedPost>, DbError> {
    let mut statement = tx.prepare_cached(&format!("SELECT * FROM posts WHERE {condition}"))?;
    let mut last = tx.prepare_cached(LAST_ATTEMPT)?;
    let mut rows = statement.query(params)?;
    let mut posts = Vec::new();
    while let Some(row) = rows.next()? {
        let mut post = post(row)?;
        post.last = read_last_attempt(&mut last, post.number)?;
        posts.push(post);
    }
    Ok(posts)
}

/// The columns of a row by name, each looked for from the last one on: they are asked for in the order of the
/// table, as SQLite compares the names of all columns up to the one that is meant.
struct Columns<'r, 's> {
    row: &'r Row<'s>,
    next: usize,
}

impl<'r, 's> Columns<'r, 's> {
    fn of(row: &'r Row<'s>) -> Self {
        Self { row, next: 0 }
    }

    fn get<T: FromSql>(&mut self, name: &str) -> rusqlite::Result<T> {
        let statement = self.row.as_ref();
        let count = statement.column_count();
        for at in (self.next..count).chain(0..self.next) {
            if statement.column_name(at)? == name {
                self.next = at + 1;
                return self.row.get(at);
            }
        }
        Err(rusqlite::Error::InvalidColumnName(name.to_owned()))
    }
}

fn post(row: &Row<'_>) -> Result<RecordedPost, DbError> {
    checksum::hold(Checked::Posts, row)?;
    let mut row = Columns::of(row);
    let number = PostNumber(row.get("id")?);
    let repost = row.get("repost")?;
    let same_as = row.get::<Option<u32>>("same_as")?.map(PostNumber);
    let account = row.get("account")?;
    let username = row.get("username")?;
    let mode: String = row.get("mode")?;
    let id = row.get("name")?;
    let source: String = row.get("source")?;
    let label = row.get("label")?;
    let kind = words::source(&source)
        .ok_or_else(|| DbError::Unreadable(format!("a post has the source `{source}`")))?;
    let file = (kind == SourceKind::File).then(|| file(&mut row)).transpose()?;
    Ok(RecordedPost {
        number,
        account,
        username,
        mode: words::mode(&mode)
            .ok_or_else(|| DbError::Unreadable(format!("a post has the mode `{mode}`")))?,
        id,
        file,
        elsewhere: None,
        kind,
        label,
        settings: row.get("settings")?,
        caption: row.get("caption")?,
        repost,
        same_as,
        publish_at: row.get::<Option<i64>>("publish_at")?.map(time).transpose()?,
        created_at: time(row.get("created")?)?,
        last: None,
    })
}

fn file(row: &mut Columns<'_, '_>) -> Result<LocalFile, DbError> {
    let path = OsString::from_vec(row.get("path")?).into();
    let mut unsigned = |name: &str| row.get::<i64>(name).map(i64::cast_unsigned);
    let (device, inode, size) = (unsigned("device")?, unsigned("inode")?, unsigned("size")?);
    let (mtime, ctime) = (row.get::<i64>("mtime")?.into(), row.get::<i64>("ctime")?.into());
    Ok(LocalFile {
        path,
        identity: FileIdentity { device, inode, size, mtime, ctime },
        chunk_size: row.get::<i64>("chunk_size")?.cast_unsigned(),
        chunks: row.get("chunks")?,
        fingerprint: row.get("fingerprint")?,
    })
}

pub(super) fn last_attempt(
    tx: &Transaction<'_>,
    post: PostNumber,
) -> Result<Option<Attempt>, DbError> {
    read_last_attempt(&mut *tx.prepare_cached(LAST_ATTEMPT)?, post)
}

const LAST_ATTEMPT: &str = "SELECT * FROM attempts WHERE post = ?1 ORDER BY number DESC LIMIT 1";

fn read_last_attempt(
    statement: &mut Statement<'_>,
    post: PostNumber,
) -> Result<Option<Attempt>, DbError> {
    statement.query_row([post.0], |row| Ok(attempt(row))).optional()?.transpose()
}

pub(super) fn attempts(tx: &Transaction<'_>, post: PostNumber) -> Result<Vec<Attempt>, DbError> {
    let mut statement =
        tx.prepare_cached("SELECT * FROM attempts WHERE post = ?1 ORDER BY number")?;
    let mut rows = statement.query([post.0])?;
    let mut attempts = Vec::new();
    while let Some(row) = rows.next()? {
        attempts.push(attempt(row)?);
    }
    Ok(attempts)
}

fn attempt(row: &Row<'_>) -> Result<Attempt, DbError> {
    checksum::hold(Checked::Attempts, row)?;
    let mut row = Columns::of(row);
    let post = PostNumber(row.get("post")?);
    let number = row.get("number")?;
    let chunks: Option<u32> = row.get("chunks")?;
    let word: String = row.get("phase")?;
    let (stored, failed): (_, Option<String>) = (row.get("stored")?, row.get("failed")?);
    let phase = phase::read(&word, stored, failed.as_deref())
        .ok_or_else(|| DbError::Unreadable(format!("an attempt has the phase `{word}`")))?;
    Ok(Attempt {
        post,
        number,
        transfer: chunks.map_or(Transfer::Pull, |chunks| Transfer::File { chunks }),
        phase,
        publish_id: row.get("publish_id")?,
        upload_url: row.get::<Option<String>>("upload_url")?.map(Secret::new),
        issued_at: row.get::<Option<i64>>("issued")?.map(time).transpose()?,
        post_ids: words::post_ids(&row.get::<String>("post_ids")?)
            .ok_or_else(|| DbError::Unreadable("an attempt has an odd post id".to_owned()))?,
        code: row.get("code")?,
        message: row.get("message")?,
        log_id: row.get("log_id")?,
        created_at: time(row.get("created")?)?,
        updated_at: time(row.get("updated")?)?,
        issued_there: row.get::<Option<i64>>("issued_there")?.map(time).transpose()?,
    })
}

pub(super) fn time(milliseconds: i64) -> Result<Timestamp, DbError> {
    Timestamp::from_millisecond(milliseconds)
        .map_err(|_| DbError::Unreadable("a time is out of range".to_owned()))
}

/// The times that a query finds in its one column.
pub(super) fn times(
    tx: &Transaction<'_>,
    query: &str,
    values: impl Params,
) -> Result<Vec<Timestamp>, DbError> {
    let mut statement = tx.prepare_cached(query)?;
    let mut rows = statement.query(values)?;
    let mut times = Vec::new();
    while let Some(row) = rows.next()? {
        times.push(time(row.get(0)?)?);
    }
    Ok(times)
}
