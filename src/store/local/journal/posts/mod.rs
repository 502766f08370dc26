//! Finding, making and recognising posts.

mod address;
pub(super) mod alike;
pub(super) mod duplicates;
pub(super) mod keys;

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Transaction, named_params};

use super::database::checksum::{Checked, write_checksum, write_checksums};
use super::database::db_error::DbError;
use super::rows::{self, mode_word, nanoseconds, source_word};
use crate::model::{LocalFile, Mode, Phase, PostNumber, PostRequest, RecordedPost};
use crate::secret::redact;

const WITH_SIZE: &str = "account = ?1 AND mode = ?2 AND size = ?3 AND same_as IS NULL ORDER BY id";
const WITH_PATH: &str = "account = ?1 AND mode = ?2 AND path = ?3 ORDER BY id DESC LIMIT 1";
const LATEST: &str = "original = ?1 ORDER BY repost DESC LIMIT 1";
const GROUP: &str = "original = ?1 ORDER BY repost DESC";
const UNFINISHED: &str =
    "(?1 IS NULL OR account = ?1) AND id IN (SELECT post FROM attempts WHERE phase
    IN ('init-intent', 'open', 'final-intent', 'uploaded', 'unresolved')) ORDER BY id";
const UNPUBLISHED: &str = "id IN (SELECT post FROM pending) ORDER BY id";
const NAMED: &str = "account = ?1 AND mode IN ('direct', 'draft') AND label = ?2 ORDER BY id";
const LATER: &str = "original = ?1 AND repost > ?2 ORDER BY repost LIMIT 1";

/// Every condition on posts that a run looks for; each is answered by an index.
#[cfg(test)]
pub(super) const LOOKS: &[&str] = &[
    WITH_SIZE,
    WITH_PATH,
    LATEST,
    GROUP,
    UNFINISHED,
    UNPUBLISHED,
    NAMED,
    LATER,
    alike::WITH_LABEL,
    duplicates::OF_FINGERPRINT,
    duplicates::OF_SIZE,
];

/// The post that an entry stands for, if the journal knows it.
pub(super) fn find(
    tx: &Transaction<'_>,
    new: &PostRequest,
) -> Result<Option<RecordedPost>, DbError> {
    Ok(lookup(tx, new)?.map(|found| found.post))
}

/// The post that was made of an entry, if nothing is to be learned from the entry: [`find_or_make`] gives it,
/// and changes nothing.
pub(super) fn made(
    tx: &Transaction<'_>,
    new: &PostRequest,
) -> Result<Option<RecordedPost>, DbError> {
    let Some(Found { post, .. }) = lookup(tx, new)? else { return Ok(None) };
    let is_done = post.phase().is_some_and(Phase::is_done) && !new.repost;
    let is_known = match (&new.id, &post.id) {
        (None, _) => true,
        // It would get the `id`.
        (Some(_), None) => false,
        (Some(id), Some(_)) => alike::id_of_other_content(tx, id, new)?.is_none(),
    };
    if !(is_done && is_known) {
        return Ok(None);
    }
    for key in keys::of_content(new).into_iter().chain(keys::of_place(new)) {
        if keys::owner(tx, &new.account, &key)?.is_none() {
            return Ok(None);
        }
    }
    if let (Some(file), Some(known)) = (new.source.file(), &post.file)
        && file.path != known.path
    {
        // Which of two `id`s the path leads to does not matter, so they do not take it from each other.
        let owner = keys::owner(tx, &new.account, &keys::of_path(new.mode, &file.path))?;
        let original = original(tx, post.number)?;
        if owner.is_none() || (new.id.is_none() && owner != Some(original)) {
            return Ok(None);
        }
    }
    Ok(Some(post))
}

/// Whether nothing is known that an entry could stand for or be like, whatever its content is.
pub(super) fn is_new(tx: &Transaction<'_>, new: &PostRequest) -> Result<bool, DbError> {
    let id = new.id.as_deref().map(keys::of_id);
    let keys = id.into_iter().chain(keys::of_content(new)).chain(keys::of_place(new));
    for key in keys {
        if keys::owner(tx, &new.account, &key)?.is_some() {
            return Ok(false);
        }
    }
    let (account, mode) = (&new.account, mode_word(new.mode));
    let look =
        |condition: &str| tx.prepare_cached(&format!("SELECT 1 FROM posts WHERE {condition}"));
    let is_known = match new.source.file() {
        // Its content may be that of one of these.
        Some(file) => {
            let size = file.identity.size.cast_signed();
            look(WITH_SIZE)?.exists((account, mode, size))?
        }
        None => look(alike::WITH_LABEL)?.exists((account, mode, &new.label))?,
    };
    Ok(!is_known)
}

/// The post to which one of the account's keys leads.
pub(super) fn find_by_key(
    tx: &Transaction<'_>,
    account: &str,
    key: &str,
) -> Result<Option<RecordedPost>, DbError> {
    keys::owner(tx, account, key)?.map(|original| latest(tx, original)).transpose()
}

/// Posts of files of that size in bytes.
pub(super) fn with_size(
    tx: &Transaction<'_>,
    account: &str,
    mode: Mode,
    size: u64,
) -> Result<Vec<RecordedPost>, DbError> {
    rows::posts(tx, WITH_SIZE, (account, mode_word(mode), size.cast_signed()))
}

/// The latest post of a file that lay there, or came to lie there since.
pub(super) fn with_path(
    tx: &Transaction<'_>,
    account: &str,
    mode: Mode,
    path: &Path,
) -> Result<Option<RecordedPost>, DbError> {
    if let Some(post) = find_by_key(tx, account, &keys::of_path(mode, path))? {
        return Ok(Some(post));
    }
    // Earlier versions kept the path in the post's row alone.
    let found =
        rows::posts(tx, WITH_PATH, (account, mode_word(mode), path.as_os_str().as_bytes()))?;
    Ok(found.into_iter().next())
}

/// The post that an entry stands for, made if there is none.
pub(super) fn find_or_make(
    tx: &Transaction<'_>,
    new: &PostRequest,
    now: Timestamp,
) -> Result<RecordedPost, DbError> {
    let number = match lookup(tx, new)? {
        None => make(tx, new, None, now)?,
        Some(found) if new.repost && found.post.may_repost() => {
            make(tx, new, Some(&found.post), now)?
        }
        Some(found) => renew(tx, new, found)?,
    };
    rows::post_by_number(tx, number)
}

/// What a repost repeats: the post itself or the repost before it.
pub(super) fn repeated(
    tx: &Transaction<'_>,
    repost: &RecordedPost,
) -> Result<Option<RecordedPost>, DbError> {
    let earlier = (original(tx, repost.number)?, repost.repost);
    let where_ = "original = ?1 AND repost < ?2 ORDER BY repost DESC LIMIT 1";
    Ok(rows::posts(tx, where_, earlier)?.pop())
}

/// The posts with an attempt that is under way or unresolved, of one account or of all.
pub(super) fn unfinished(
    tx: &Transaction<'_>,
    account: Option<&str>,
) -> Result<Vec<RecordedPost>, DbError> {
    rows::posts(tx, UNFINISHED, [account])
}

/// The posts that are neither published nor the same as another one.
pub(super) fn unpublished(tx: &Transaction<'_>) -> Result<Vec<RecordedPost>, DbError> {
    rows::posts(tx, UNPUBLISHED, [])
}

/// The posts of an account that are called so.
pub(super) fn named(
    tx: &Transaction<'_>,
    account: &str,
    label: &str,
) -> Result<Vec<RecordedPost>, DbError> {
    rows::posts(tx, NAMED, (account, label))
}

/// Whether a later one repeats a post.
pub(super) fn is_repeated(tx: &Transaction<'_>, post: &RecordedPost) -> Result<bool, DbError> {
    let place = (original(tx, post.number)?, post.repost);
    Ok(!rows::posts(tx, LATER, place)?.is_empty())
}

/// Whether there is no post at all.
pub(super) fn is_empty(tx: &Transaction<'_>) -> Result<bool, DbError> {
    Ok(!tx.prepare_cached("SELECT 1 FROM posts LIMIT 1")?.exists([])?)
}

struct Found {
    post: RecordedPost,
    /// Whether by the entry's `id`, and not by its content.
    by_id: bool,
}

fn lookup(tx: &Transaction<'_>, new: &PostRequest) -> Result<Option<Found>, DbError> {
    if let Some(id) = &new.id
        && let Some(original) = keys::owner(tx, &new.account, &keys::of_id(id))?
    {
        return Ok(Some(Found { post: latest_for(tx, original, new)?, by_id: true }));
    }
    for key in keys::of_content(new) {
        let Some(original) = keys::owner(tx, &new.account, &key)? else { continue };
        let post = match copy_at_path(tx, new)? {
            Some(copy) => copy,
            None => latest_for(tx, original, new)?,
        };
        // Two different ids are two posts, whatever their content.
        if new.id.is_none() || post.id.is_none() {
            return Ok(Some(Found { post, by_id: false }));
        }
    }
    Ok(None)
}

/// Of several posts of a file's content, each made under an `id` of its own, the one whose file lay where an entry
/// without an `id` has it.
fn copy_at_path(tx: &Transaction<'_>, new: &PostRequest) -> Result<Option<RecordedPost>, DbError> {
    let (Some(file), None) = (new.source.file(), &new.id) else { return Ok(None) };
    let Some(fingerprint) = &file.fingerprint else { return Ok(None) };
    let post = with_path(tx, &new.account, new.mode, &file.path)?;
    let counts = |post: &RecordedPost| post.phase().is_some_and(Phase::is_done);
    Ok(post.filter(|post| counts(post) && post.same_as.is_none() && post.is_of(fingerprint)))
}

/// As [`latest`], of the content of an entry if there is one of it: under an `id` a repost may be of other content.
pub(super) fn latest_for(
    tx: &Transaction<'_>,
    original: i64,
    new: &PostRequest,
) -> Result<RecordedPost, DbError> {
    let last = latest(tx, original)?;
    let may_differ = last.repost > 0 && last.id.is_some();
    let Some(file) = new.source.file().filter(|_| may_differ) else { return Ok(last) };
    let group = rows::posts(tx, GROUP, [original])?;
    // What is known of a file at sight counts for each post that was made of it.
    let read = |known: &LocalFile| {
        let mut files = group.iter().filter_map(|post| post.file.as_ref());
        let mut of_it =
            || files.find(|it| it.identity == known.identity && it.fingerprint.is_some());
        known.fingerprint.clone().or_else(|| of_it()?.fingerprint.clone())
    };
    let fingerprint = read(file);
    let is_it = |known: &LocalFile| {
        known.identity == file.identity || (fingerprint.is_some() && read(known) == fingerprint)
    };
    let may_be = |known: &LocalFile| {
        let both = read(known).zip(fingerprint.clone());
        known.identity.size == file.identity.size && both.is_none_or(|(one, other)| one == other)
    };
    let of = |is: &dyn Fn(&LocalFile) -> bool, counts: &dyn Fn(&RecordedPost) -> bool| {
        group.iter().find(|post| counts(post) && post.file.as_ref().is_some_and(is))
    };
    // One that is under way comes first: as long as it may be of this content, none is made beside it.
    let is_under_way = |post: &RecordedPost| post.phase().is_some_and(|phase| !phase.is_over());
    let found = of(&may_be, &is_under_way);
    let found = found.or_else(|| of(&is_it, &|_| true)).or_else(|| of(&may_be, &|_| true));
    Ok(found.cloned().unwrap_or(last))
}

pub(super) fn latest(tx: &Transaction<'_>, original: i64) -> Result<RecordedPost, DbError> {
    rows::posts(tx, LATEST, [original])?
        .pop()
        .ok_or_else(|| DbError::Unreadable("a key leads to no post".to_owned()))
}

pub(super) fn original(tx: &Transaction<'_>, post: PostNumber) -> rusqlite::Result<i64> {
    tx.prepare_cached("SELECT original FROM posts WHERE id = ?1")?
        .query_row([post.0], |row| row.get(0))
}

/// Makes a post; with `again`, one that repeats another.
pub(super) fn make(
    tx: &Transaction<'_>,
    new: &PostRequest,
    again: Option<&RecordedPost>,
    now: Timestamp,
) -> Result<PostNumber, DbError> {
    let number: u32 = tx
        .prepare_cached("SELECT coalesce(max(id), 0) + 1 FROM posts")?
        .query_row([], |row| row.get(0))?;
    let number = PostNumber(number);
    let (first, repost) = match again {
        None => (i64::from(number.0), 0),
        Some(post) => {
            let original = original(tx, post.number)?;
            (original, latest(tx, original)?.repost + 1)
        }
    };
    // Sizes that satisfy the table until `plan` has written the real ones.
    let unknown = new.source.file().map(|_| 0);
    tx.prepare_cached(
        "INSERT INTO posts (id, original, repost, account, mode, name, source, label, settings,
         created, size, chunks) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, '', '', ?8, ?9, ?9)",
    )?
    .execute(rusqlite::params![
        number.0,
        first,
        repost,
        new.account,
        mode_word(new.mode),
        new.id.as_ref().or(again.and_then(|post| post.id.as_ref())),
        source_word(new.source.kind()),
        now.as_millisecond(),
        unknown,
    ])?;
    plan(tx, number, new)?;
    if let Some(id) = &new.id {
        keys::give(tx, &new.account, &keys::of_id(id), first)?;
    }
    give_content(tx, new, first)?;
    Ok(number)
}

/// Lets a post be found by what an entry says of its content, and where that lies.
fn give_content(tx: &Transaction<'_>, new: &PostRequest, original: i64) -> Result<(), DbError> {
    for key in keys::of_content(new).into_iter().chain(keys::of_place(new)) {
        keys::give(tx, &new.account, &key, original)?;
    }
    match new.source.file() {
        Some(file) => keys::take(tx, &new.account, &keys::of_path(new.mode, &file.path), original),
        None => Ok(()),
    }
}

/// Whether an entry is known to be of a post's content.
fn is_of_content(
    tx: &Transaction<'_>,
    new: &PostRequest,
    post: &RecordedPost,
    original: i64,
) -> Result<bool, DbError> {
    let fingerprint = new.source.file().and_then(|file| file.fingerprint.as_deref());
    if fingerprint.is_some_and(|fingerprint| post.is_of(fingerprint)) {
        return Ok(true);
    }
    for key in keys::of_content(new) {
        if keys::owner(tx, &new.account, &key)? == Some(original) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Writes down what the next attempt is to send.
fn plan(tx: &Transaction<'_>, number: PostNumber, new: &PostRequest) -> Result<(), DbError> {
    let file = new.source.file();
    let identity = file.map(|file| file.identity);
    tx.prepare_cached(
        "UPDATE posts SET mode = :mode, source = :source, username = :username, label = :label, settings = :settings,
         caption = :caption, publish_at = :publish_at, path = :path, device = :device, inode = :inode, size = :size,
         mtime = :mtime, ctime = :ctime, chunk_size = :chunk_size, chunks = :chunks,
         -- What is known of an unchanged file stays known.
         fingerprint = coalesce(:fingerprint, iif((device, inode, size, mtime, ctime) =
             (:device, :inode, :size, :mtime, :ctime), fingerprint, NULL))
         WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": number.0,
        ":mode": mode_word(new.mode),
        ":source": source_word(new.source.kind()),
        ":username": new.username.as_deref().map(redact),
        ":label": redact(&new.label),
        ":settings": new.settings,
        ":caption": new.caption.as_deref().map(redact),
        ":publish_at": new.publish_at.map(Timestamp::as_millisecond),
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
    Ok(write_checksum(tx, Checked::Posts, number.0.into())?)
}

/// Lets a known post learn from the entry by which it was found.
fn renew(tx: &Transaction<'_>, new: &PostRequest, found: Found) -> Result<PostNumber, DbError> {
    let Found { post, by_id } = found;
    let original = original(tx, post.number)?;
    if let (Some(id), None) = (&new.id, &post.id) {
        adopt(tx, &new.account, id, original)?;
    }
    if by_id && !is_of_content(tx, new, &post, original)? {
        if !post.may_begin() {
            return Ok(post.number);
        }
        if post.repost == 0 {
            keys::drop_content(tx, original)?;
        }
    }
    // As a post of another mode the same content is another post.
    if post.mode == new.mode || post.may_begin() {
        give_content(tx, new, original)?;
    }
    if post.may_begin() {
        plan(tx, post.number, new)?;
    }
    Ok(post.number)
}

/// Gives an `id` to a post that was made without one, and to its reposts.
fn adopt(tx: &Transaction<'_>, account: &str, id: &str, original: i64) -> Result<(), DbError> {
    keys::give(tx, account, &keys::of_id(id), original)?;
    set(tx, original, "name", &id)
}

/// Sets a column of a post and its reposts.
pub(super) fn set(
    tx: &Transaction<'_>,
    original: i64,
    column: &'static str,
    value: &dyn rusqlite::ToSql,
) -> Result<(), DbError> {
    tx.execute(
        &format!("UPDATE posts SET {column} = ?2 WHERE original = ?1"),
        rusqlite::params![original, value],
    )?;
    let numbers: Vec<i64> = tx
        .prepare("SELECT id FROM posts WHERE original = ?1")?
        .query_map([original], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(write_checksums(tx, Checked::Posts, numbers)?)
}
