//! The rows of posts and their keys, as the rules ([`crate::store::rules`]) read and write them.

use std::os::unix::ffi::OsStrExt as _;

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{ToSql, Transaction, named_params, params, params_from_iter};

use super::database::checksum::{self, Checked, write_checksum, write_checksums};
use super::database::db_error::DbError;
use super::rows;
use crate::model::{PostNumber, PostRequest, RecordedPost};
use crate::secret::redact;
use crate::store::rules::rows::{Look, NewPost, Rows};
use crate::store::rules::words::{mode_word, nanoseconds, source_word};

const WITH_SIZE: &str = "account = ?1 AND mode = ?2 AND size = ?3 AND same_as IS NULL ORDER BY id";
const WITH_PATH: &str = "account = ?1 AND mode = ?2 AND path = ?3 ORDER BY id DESC LIMIT 1";
const WITH_LABEL: &str =
    "account = ?1 AND mode = ?2 AND source <> 'file' AND label = ?3 ORDER BY id DESC LIMIT 1";
const LATEST: &str = "original = ?1 ORDER BY repost DESC LIMIT 1";
const GROUP: &str = "original = ?1 ORDER BY repost DESC";
const UNFINISHED: &str =
    "(?1 IS NULL OR account = ?1) AND id IN (SELECT post FROM attempts WHERE phase
    IN ('init-intent', 'open', 'final-intent', 'uploaded', 'unresolved')) ORDER BY id";
const UNPUBLISHED: &str = "id IN (SELECT post FROM pending) ORDER BY id";
const NAMED: &str = "account = ?1 AND mode IN ('direct', 'draft') AND label = ?2 ORDER BY id";
const EARLIER: &str = "original = ?1 AND repost < ?2 ORDER BY repost DESC LIMIT 1";
const LATER: &str = "original = ?1 AND repost > ?2 ORDER BY repost LIMIT 1";

/// Another post of the same content: an account's, of a mode, not that of a number, with an `id` or not.
const OF_FINGERPRINT: &str = "account = ?1 AND mode = ?2 AND same_as IS NULL
    AND original <> (SELECT original FROM posts WHERE id = ?3)
    AND (name IS NULL OR ?4) AND fingerprint = ?5";

/// The same of content that was not read to its end, by its size.
const OF_SIZE: &str = "account = ?1 AND mode = ?2 AND same_as IS NULL
    AND original <> (SELECT original FROM posts WHERE id = ?3)
    AND (name IS NULL OR ?4) AND fingerprint IS NULL AND size = ?5";

/// Every condition on posts that a run looks for; each is answered by an index.
#[cfg(test)]
pub(super) const LOOKS: &[&str] = &[
    WITH_SIZE,
    WITH_PATH,
    WITH_LABEL,
    LATEST,
    GROUP,
    UNFINISHED,
    UNPUBLISHED,
    NAMED,
    EARLIER,
    LATER,
    OF_FINGERPRINT,
    OF_SIZE,
];

/// A look as a condition on `posts` with its values.
fn condition(look: Look<'_>) -> (&'static str, Vec<Value>) {
    let mode = |mode| Value::from(mode_word(mode).to_owned());
    let text = |text: &str| Value::from(text.to_owned());
    let others = |post: &RecordedPost| {
        vec![text(&post.account), mode(post.mode), post.number.0.into(), post.id.is_none().into()]
    };
    match look {
        Look::Number { number } => ("id = ?1", vec![number.0.into()]),
        Look::Any => ("true LIMIT 1", Vec::new()),
        Look::Group { original } => (GROUP, vec![original.into()]),
        Look::Latest { original } => (LATEST, vec![original.into()]),
        Look::Earlier { original, repost } => (EARLIER, vec![original.into(), repost.into()]),
        Look::Later { original, repost } => (LATER, vec![original.into(), repost.into()]),
        Look::WithSize { account, mode: of, size } => {
            (WITH_SIZE, vec![text(account), mode(of), size.cast_signed().into()])
        }
        Look::WithPath { account, mode: of, path } => {
            let path = path.as_os_str().as_bytes().to_vec();
            (WITH_PATH, vec![text(account), mode(of), path.into()])
        }
        Look::WithLabel { account, mode: of, label } => {
            (WITH_LABEL, vec![text(account), mode(of), text(label)])
        }
        Look::OfFingerprint { post, fingerprint } => {
            let mut values = others(post);
            values.push(text(fingerprint));
            (OF_FINGERPRINT, values)
        }
        Look::OfSize { post, size } => {
            let mut values = others(post);
            values.push(size.cast_signed().into());
            (OF_SIZE, values)
        }
        Look::Named { account, label } => (NAMED, vec![text(account), text(label)]),
        Look::Unfinished { account } => (UNFINISHED, vec![account.map(str::to_owned).into()]),
        Look::Unpublished => (UNPUBLISHED, Vec::new()),
    }
}

impl Rows for Transaction<'_> {
    type Error = DbError;

    fn unreadable(&self, what: &str) -> DbError {
        DbError::Unreadable(what.to_owned())
    }

    fn posts(&self, look: Look<'_>) -> Result<Vec<RecordedPost>, DbError> {
        let (condition, values) = condition(look);
        rows::posts(self, condition, params_from_iter(values))
    }

    fn is_any(&self, look: Look<'_>) -> Result<bool, DbError> {
        let (condition, values) = condition(look);
        let mut found = self.prepare_cached(&format!("SELECT 1 FROM posts WHERE {condition}"))?;
        Ok(found.exists(params_from_iter(values))?)
    }

    fn original(&self, post: PostNumber) -> Result<i64, DbError> {
        let mut found = self.prepare_cached("SELECT original FROM posts WHERE id = ?1")?;
        Ok(found.query_row([post.0], |row| row.get(0))?)
    }

    fn insert(&self, post: &NewPost<'_>, now: Timestamp) -> Result<PostNumber, DbError> {
        let number: u32 = self
            .prepare_cached("SELECT coalesce(max(id), 0) + 1 FROM posts")?
            .query_row([], |row| row.get(0))?;
        let NewPost { entry, id, original, repost } = *post;
        // Sizes that satisfy the table until `plan` has written the real ones.
        let unknown = entry.source.file().map(|_| 0);
        self.prepare_cached(
            "INSERT INTO posts (id, original, repost, account, mode, name, source, label, settings,
             created, size, chunks) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, '', '', ?8, ?9, ?9)",
        )?
        .execute(params![
            number,
            original.unwrap_or(number.into()),
            repost,
            entry.account,
            mode_word(entry.mode),
            id,
            source_word(entry.source.kind()),
            now.as_millisecond(),
            unknown,
        ])?;
        Ok(PostNumber(number))
    }

    fn plan(&self, post: PostNumber, entry: &PostRequest) -> Result<(), DbError> {
        let file = entry.source.file();
        let identity = file.map(|file| file.identity);
        self.prepare_cached(
            "UPDATE posts SET mode = :mode, source = :source, username = :username, label = :label,
             settings = :settings, caption = :caption, publish_at = :publish_at, path = :path,
             device = :device, inode = :inode, size = :size, mtime = :mtime, ctime = :ctime,
             chunk_size = :chunk_size, chunks = :chunks,
             fingerprint = coalesce(:fingerprint, iif((device, inode, size, mtime, ctime) =
                 (:device, :inode, :size, :mtime, :ctime), fingerprint, NULL))
             WHERE id = :id",
        )?
        .execute(named_params! {
            ":id": post.0,
            ":mode": mode_word(entry.mode),
            ":source": source_word(entry.source.kind()),
            ":username": entry.username.as_deref().map(redact),
            ":label": redact(&entry.label),
            ":settings": entry.settings,
            ":caption": entry.caption.as_deref().map(redact),
            ":publish_at": entry.publish_at.map(Timestamp::as_millisecond),
            ":path": file.map(|file| file.path.as_os_str().as_bytes()),
            ":device": identity.map(|identity| identity.device.cast_signed()),
            ":inode": identity.map(|identity| identity.inode.cast_signed()),
            ":size": identity.map(|identity| identity.size.cast_signed()),
            ":mtime": identity.map(|identity| nanoseconds(identity.mtime)),
            ":ctime": identity.map(|identity| nanoseconds(identity.ctime)),
            ":chunk_size": file.map(|file| file.chunk_size.cast_signed()),
            ":chunks": file.map(|file| file.chunks),
            ":fingerprint": file.and_then(|file| file.fingerprint.as_ref()),
        })?;
        Ok(write_checksum(self, Checked::Posts, post.0.into())?)
    }

    fn set_fingerprint(&self, post: PostNumber, fingerprint: &str) -> Result<(), DbError> {
        self.execute("UPDATE posts SET fingerprint = ?2 WHERE id = ?1", (post.0, fingerprint))?;
        Ok(write_checksum(self, Checked::Posts, post.0.into())?)
    }

    fn set_id(&self, original: i64, id: &str) -> Result<(), DbError> {
        set(self, original, "name", &id)
    }

    fn set_same_as(&self, original: i64, other: PostNumber) -> Result<(), DbError> {
        set(self, original, "same_as", &other.0)
    }

    fn owner(&self, account: &str, key: &str) -> Result<Option<i64>, DbError> {
        let mut statement =
            self.prepare_cached("SELECT * FROM keys WHERE account = ?1 AND key = ?2")?;
        let mut rows = statement.query([account, key])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        checksum::hold(Checked::Keys, row)?;
        Ok(Some(row.get("post")?))
    }

    fn give_key(&self, account: &str, key: &str, original: i64) -> Result<(), DbError> {
        let given = self
            .prepare_cached(
                "INSERT INTO keys (account, key, post) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )?
            .execute((account, key, original))?;
        if given == 1 {
            write_checksum(self, Checked::Keys, self.last_insert_rowid())?;
        }
        Ok(())
    }

    fn take_key(&self, account: &str, key: &str, original: i64) -> Result<(), DbError> {
        let taken: Vec<i64> = self
            .prepare_cached(
                "INSERT INTO keys (account, key, post) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET post = ?3 WHERE post <> ?3 RETURNING id",
            )?
            .query_map((account, key, original), |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(write_checksums(self, Checked::Keys, taken)?)
    }

    fn drop_content_keys(&self, original: i64) -> Result<(), DbError> {
        self.execute("DELETE FROM keys WHERE post = ?1 AND key NOT LIKE 'id %'", [original])?;
        Ok(())
    }

    fn reassign_keys(&self, from: i64, to: i64) -> Result<(), DbError> {
        let keys: Vec<i64> = self
            .prepare("SELECT id FROM keys WHERE post = ?1")?
            .query_map([from], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for key in keys {
            self.execute("UPDATE keys SET post = ?2 WHERE id = ?1", [key, to])?;
            write_checksum(self, Checked::Keys, key)?;
        }
        Ok(())
    }
}

/// Sets a column of a post and its reposts.
fn set(
    tx: &Transaction<'_>,
    original: i64,
    column: &'static str,
    value: &dyn ToSql,
) -> Result<(), DbError> {
    tx.execute(
        &format!("UPDATE posts SET {column} = ?2 WHERE original = ?1"),
        params![original, value],
    )?;
    let numbers: Vec<i64> = tx
        .prepare("SELECT id FROM posts WHERE original = ?1")?
        .query_map([original], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(write_checksums(tx, Checked::Posts, numbers)?)
}
