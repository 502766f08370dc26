//! The rows of posts and their keys, as the rules ([`crate::store::rules`]) read and write them.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use jiff::Timestamp;
use tokio_postgres::Row;

use super::attempts;
use super::columns::{count, maybe_count, time};
use crate::model::{FileIdentity, LocalFile, PostNumber, PostRequest, RecordedPost, SourceKind};
use crate::secret::redact;
use crate::store::StoreError;
use crate::store::postgres::tx::Tx;
use crate::store::postgres::value::Value;
use crate::store::rules::rows::{Look, NewPost, Rows};
use crate::store::rules::words::{self, mode_word, nanoseconds, source_word};

/// A post with its latest attempt. The columns of the attempt follow those of the post.
const SELECT: &str = "SELECT posts.id, posts.repost, posts.same_as, posts.account, posts.username, posts.mode,
    posts.name, posts.source, posts.label, posts.path, posts.device, posts.inode, posts.size, posts.mtime,
    posts.ctime, posts.chunk_size, posts.chunks, posts.fingerprint, posts.settings, posts.caption,
    posts.publish_at, posts.created, posts.machine, posts.host, last.*
    FROM posts LEFT JOIN LATERAL (SELECT attempts.post, attempts.number, attempts.chunks, attempts.phase,
        attempts.stored, attempts.failed, attempts.publish_id, attempts.upload_url, attempts.issued,
        attempts.issued_there, attempts.post_ids, attempts.code, attempts.message, attempts.log_id,
        attempts.created, attempts.updated
        FROM attempts WHERE attempts.post = posts.id ORDER BY attempts.number DESC LIMIT 1) last ON true";

/// Where the columns of the attempt begin.
const LAST: usize = 24;

const WITH_SIZE: &str = "account = $1 AND mode = $2 AND size = $3 AND same_as IS NULL ORDER BY id";
const WITH_PATH: &str = "account = $1 AND mode = $2 AND md5(path) = md5($3) AND path = $3
    ORDER BY id DESC LIMIT 1";
const WITH_LABEL: &str = "account = $1 AND mode = $2 AND source <> 'file' AND md5(label) = md5($3)
    AND label = $3 ORDER BY id DESC LIMIT 1";
const LATEST: &str = "original = $1 ORDER BY repost DESC LIMIT 1";
const GROUP: &str = "original = $1 ORDER BY repost DESC";
const UNFINISHED: &str =
    "($1::text IS NULL OR account = $1) AND id IN (SELECT post FROM attempts WHERE phase
    IN ('init-intent', 'open', 'final-intent', 'uploaded', 'unresolved')) ORDER BY id";
const UNPUBLISHED: &str = "NOT published AND same_as IS NULL ORDER BY id";
const NAMED: &str =
    "account = $1 AND mode IN ('direct', 'draft') AND md5(label) = md5($2) AND label = $2
    ORDER BY id";
const EARLIER: &str = "original = $1 AND repost < $2 ORDER BY repost DESC LIMIT 1";
const LATER: &str = "original = $1 AND repost > $2 ORDER BY repost LIMIT 1";

/// Another post of the same content: an account's, of a mode, not that of a number, with an `id` or not.
const OF_FINGERPRINT: &str = "account = $1 AND mode = $2 AND same_as IS NULL
    AND original <> (SELECT original FROM posts WHERE id = $3)
    AND (name IS NULL OR $4) AND fingerprint = $5 ORDER BY id";

/// The same of content that was not read to its end, by its size.
const OF_SIZE: &str = "account = $1 AND mode = $2 AND same_as IS NULL
    AND original <> (SELECT original FROM posts WHERE id = $3)
    AND (name IS NULL OR $4) AND fingerprint IS NULL AND size = $5 ORDER BY id";

/// A look as a condition on `posts` with its values.
fn condition(look: Look<'_>) -> (&'static str, Vec<Value>) {
    let others = |post: &RecordedPost| {
        vec![
            (&post.account).into(),
            mode_word(post.mode).into(),
            post.number.0.into(),
            post.id.is_none().into(),
        ]
    };
    match look {
        Look::Number { number } => ("id = $1", vec![number.0.into()]),
        Look::Any => ("true LIMIT 1", Vec::new()),
        Look::Group { original } => (GROUP, vec![original.into()]),
        Look::Latest { original } => (LATEST, vec![original.into()]),
        Look::Earlier { original, repost } => (EARLIER, vec![original.into(), repost.into()]),
        Look::Later { original, repost } => (LATER, vec![original.into(), repost.into()]),
        Look::WithSize { account, mode, size } => {
            (WITH_SIZE, vec![account.into(), mode_word(mode).into(), size.cast_signed().into()])
        }
        Look::WithPath { account, mode, path } => {
            let path = Some(path.as_os_str().as_bytes());
            (WITH_PATH, vec![account.into(), mode_word(mode).into(), path.into()])
        }
        Look::WithLabel { account, mode, label } => {
            (WITH_LABEL, vec![account.into(), mode_word(mode).into(), label.into()])
        }
        Look::OfFingerprint { post, fingerprint } => {
            let mut values = others(post);
            values.push(fingerprint.into());
            (OF_FINGERPRINT, values)
        }
        Look::OfSize { post, size } => {
            let mut values = others(post);
            values.push(size.cast_signed().into());
            (OF_SIZE, values)
        }
        Look::Named { account, label } => (NAMED, vec![account.into(), label.into()]),
        Look::Unfinished { account } => (UNFINISHED, vec![account.into()]),
        Look::Unpublished => (UNPUBLISHED, Vec::new()),
    }
}

/// Says whose file a post's is, which was planned just now.
pub(super) fn lies_here(
    tx: &Tx<'_>,
    post: PostNumber,
    machine: &str,
    host: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE posts SET machine = $2, host = $3
         WHERE id = $1 AND (machine, host) IS DISTINCT FROM ($2, $3)",
        &[post.0.into(), machine.into(), host.into()],
    )?;
    Ok(())
}

/// The posts that a condition selects.
pub(super) fn select(
    tx: &Tx<'_>,
    condition: &str,
    values: &[Value],
) -> Result<Vec<RecordedPost>, StoreError> {
    // Inside, the names of columns are those of `posts` alone.
    let statement = format!(
        "WITH found AS (SELECT row_number() OVER () AS place, it.id FROM (SELECT id FROM posts WHERE {condition}) it)
         {SELECT} JOIN found ON found.id = posts.id ORDER BY found.place"
    );
    let rows = tx.rows(&statement, values)?;
    rows.iter().map(|row| post(tx, row)).collect()
}

impl Rows for Tx<'_> {
    type Error = StoreError;

    fn unreadable(&self, what: &str) -> StoreError {
        self.odd(what)
    }

    fn posts(&self, look: Look<'_>) -> Result<Vec<RecordedPost>, StoreError> {
        let (condition, values) = condition(look);
        select(self, condition, &values)
    }

    fn is_any(&self, look: Look<'_>) -> Result<bool, StoreError> {
        let (condition, values) = condition(look);
        Ok(self.row(&format!("SELECT 1 FROM posts WHERE {condition}"), &values)?.is_some())
    }

    fn original(&self, post: PostNumber) -> Result<i64, StoreError> {
        let original = self.one("SELECT original FROM posts WHERE id = $1", &[post.0.into()])?;
        original.ok_or_else(|| self.odd("a post vanished while it was looked at"))
    }

    fn insert(&self, post: &NewPost<'_>, now: Timestamp) -> Result<PostNumber, StoreError> {
        let NewPost { entry, id, original, repost } = *post;
        // Sizes that satisfy the table until `plan` has written the real ones.
        let unknown = entry.source.file().map(|_| 0_i64);
        let number: Option<i64> = self.one(
            "WITH next AS (INSERT INTO post_numbers DEFAULT VALUES RETURNING number::bigint AS last)
             INSERT INTO posts (id, original, repost, account, mode, name, source, label, settings,
                 created, size, chunks)
             SELECT last, coalesce($1, last), $2, $3, $4, $5, $6, '', '', $7, $8, $8 FROM next
             RETURNING id",
            &[
                original.into(),
                repost.into(),
                (&entry.account).into(),
                mode_word(entry.mode).into(),
                id.into(),
                source_word(entry.source.kind()).into(),
                now.as_millisecond().into(),
                unknown.into(),
            ],
        )?;
        let number = number.and_then(|number| u32::try_from(number).ok());
        Ok(PostNumber(number.ok_or_else(|| self.odd("there is no next number of a post"))?))
    }

    fn plan(&self, post: PostNumber, entry: &PostRequest) -> Result<(), StoreError> {
        let file = entry.source.file();
        let identity = file.map(|file| file.identity);
        self.execute(
            "UPDATE posts SET mode = $2, source = $3, username = $4, label = $5, settings = $6,
                 caption = $7, publish_at = $8, path = $9, device = $10, inode = $11, size = $12,
                 mtime = $13, ctime = $14, chunk_size = $15, chunks = $16,
                 fingerprint = coalesce($17, CASE WHEN (device, inode, size, mtime, ctime) =
                     ($10, $11, $12, $13, $14) THEN fingerprint END)
             WHERE id = $1",
            &[
                post.0.into(),
                mode_word(entry.mode).into(),
                source_word(entry.source.kind()).into(),
                entry.username.as_deref().map(|text| redact(text).into_owned()).into(),
                redact(&entry.label).into_owned().into(),
                (&entry.settings).into(),
                entry.caption.as_deref().map(|text| redact(text).into_owned()).into(),
                entry.publish_at.map(Timestamp::as_millisecond).into(),
                file.map(|file| file.path.as_os_str().as_bytes()).into(),
                identity.map(|identity| identity.device.cast_signed()).into(),
                identity.map(|identity| identity.inode.cast_signed()).into(),
                identity.map(|identity| identity.size.cast_signed()).into(),
                identity.map(|identity| nanoseconds(identity.mtime)).into(),
                identity.map(|identity| nanoseconds(identity.ctime)).into(),
                file.map(|file| file.chunk_size.cast_signed()).into(),
                file.map(|file| file.chunks).into(),
                file.and_then(|file| file.fingerprint.as_deref()).into(),
            ],
        )?;
        Ok(())
    }

    fn set_fingerprint(&self, post: PostNumber, fingerprint: &str) -> Result<(), StoreError> {
        let statement = "UPDATE posts SET fingerprint = $2 WHERE id = $1";
        self.execute(statement, &[post.0.into(), fingerprint.into()])?;
        Ok(())
    }

    fn set_id(&self, original: i64, id: &str) -> Result<(), StoreError> {
        let statement = "UPDATE posts SET name = $2 WHERE original = $1";
        self.execute(statement, &[original.into(), id.into()])?;
        Ok(())
    }

    fn set_same_as(&self, original: i64, other: PostNumber) -> Result<(), StoreError> {
        let statement = "UPDATE posts SET same_as = $2 WHERE original = $1";
        self.execute(statement, &[original.into(), other.0.into()])?;
        Ok(())
    }

    fn owner(&self, account: &str, key: &str) -> Result<Option<i64>, StoreError> {
        let statement = "SELECT post FROM keys WHERE account = $1 AND key = $2";
        self.one(statement, &[account.into(), key.into()])
    }

    fn give_key(&self, account: &str, key: &str, original: i64) -> Result<(), StoreError> {
        let statement =
            "INSERT INTO keys (account, key, post) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        self.execute(statement, &[account.into(), key.into(), original.into()])?;
        Ok(())
    }

    fn take_key(&self, account: &str, key: &str, original: i64) -> Result<(), StoreError> {
        let statement = "INSERT INTO keys (account, key, post) VALUES ($1, $2, $3)
             ON CONFLICT (account, key) DO UPDATE SET post = excluded.post";
        self.execute(statement, &[account.into(), key.into(), original.into()])?;
        Ok(())
    }

    fn drop_content_keys(&self, original: i64) -> Result<(), StoreError> {
        let statement = "DELETE FROM keys WHERE post = $1 AND key NOT LIKE 'id %'";
        self.execute(statement, &[original.into()])?;
        Ok(())
    }

    fn reassign_keys(&self, from: i64, to: i64) -> Result<(), StoreError> {
        let statement = "UPDATE keys SET post = $2 WHERE post = $1";
        self.execute(statement, &[from.into(), to.into()])?;
        Ok(())
    }
}

fn post(tx: &Tx<'_>, row: &Row) -> Result<RecordedPost, StoreError> {
    let mode: String = tx.get(row, 5)?;
    let source: String = tx.get(row, 7)?;
    let kind = words::source(&source)
        .ok_or_else(|| tx.odd(format!("a post has the source `{source}`")))?;
    let publish_at: Option<i64> = tx.get(row, 20)?;
    let last: Option<i64> = tx.get(row, LAST)?;
    Ok(RecordedPost {
        number: PostNumber(count(tx, row, 0)?),
        account: tx.get(row, 3)?,
        username: tx.get(row, 4)?,
        mode: words::mode(&mode).ok_or_else(|| tx.odd(format!("a post has the mode `{mode}`")))?,
        id: tx.get(row, 6)?,
        file: if kind == SourceKind::File { Some(file(tx, row)?) } else { None },
        // With the number of the machine, by which this one is told from others.
        elsewhere: tx
            .get::<Option<String>>(row, 22)?
            .zip(tx.get::<Option<String>>(row, 23)?)
            .map(|(machine, host)| format!("{machine} {host}")),
        kind,
        label: tx.get(row, 8)?,
        settings: tx.get(row, 18)?,
        caption: tx.get(row, 19)?,
        repost: count(tx, row, 1)?,
        same_as: maybe_count(tx, row, 2)?.map(PostNumber),
        publish_at: publish_at.map(|at| time(tx, at)).transpose()?,
        created_at: time(tx, tx.get(row, 21)?)?,
        last: if last.is_some() { Some(attempts::read(tx, row, LAST)?) } else { None },
    })
}

fn file(tx: &Tx<'_>, row: &Row) -> Result<LocalFile, StoreError> {
    let unsigned = |column: usize| tx.get::<i64>(row, column).map(i64::cast_unsigned);
    Ok(LocalFile {
        path: OsString::from_vec(tx.get(row, 9)?).into(),
        identity: FileIdentity {
            device: unsigned(10)?,
            inode: unsigned(11)?,
            size: unsigned(12)?,
            mtime: tx.get::<i64>(row, 13)?.into(),
            ctime: tx.get::<i64>(row, 14)?.into(),
        },
        chunk_size: unsigned(15)?,
        chunks: count(tx, row, 16)?,
        fingerprint: tx.get(row, 17)?,
    })
}
