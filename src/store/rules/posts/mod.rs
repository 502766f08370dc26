//! Finding, making and recognising posts.

mod address;
pub(in crate::store) mod alike;
pub(in crate::store) mod duplicates;
pub(in crate::store) mod keys;

use std::path::Path;

use jiff::Timestamp;

use crate::model::{LocalFile, Mode, Phase, PostNumber, PostRequest, RecordedPost};
use crate::store::JournalError;
use crate::store::rules::rows::{Look, NewPost, Rows};

/// The post that an entry stands for, if the journal knows it.
pub(in crate::store) fn find<R: Rows>(
    tx: &R,
    new: &PostRequest,
) -> Result<Option<RecordedPost>, R::Error> {
    Ok(lookup(tx, new)?.map(|found| found.post))
}

/// The post that was made of an entry, if nothing is to be learned from the entry: [`find_or_make`] gives it,
/// and changes nothing.
pub(in crate::store) fn made<R: Rows>(
    tx: &R,
    new: &PostRequest,
) -> Result<Option<RecordedPost>, R::Error> {
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
        if tx.owner(&new.account, &key)?.is_none() {
            return Ok(None);
        }
    }
    if let (Some(file), Some(known)) = (new.source.file(), &post.file)
        && file.path != known.path
    {
        // Which of two `id`s the path leads to does not matter, so they do not take it from each other.
        let owner = tx.owner(&new.account, &keys::of_path(new.mode, &file.path))?;
        let original = tx.original(post.number)?;
        if owner.is_none() || (new.id.is_none() && owner != Some(original)) {
            return Ok(None);
        }
    }
    Ok(Some(post))
}

/// Whether nothing is known that an entry could stand for or be like, whatever its content is.
pub(in crate::store) fn is_new<R: Rows>(tx: &R, new: &PostRequest) -> Result<bool, R::Error> {
    let id = new.id.as_deref().map(keys::of_id);
    let keys = id.into_iter().chain(keys::of_content(new)).chain(keys::of_place(new));
    for key in keys {
        if tx.owner(&new.account, &key)?.is_some() {
            return Ok(false);
        }
    }
    let look = match new.source.file() {
        // Its content may be that of one of these.
        Some(file) => {
            Look::WithSize { account: &new.account, mode: new.mode, size: file.identity.size }
        }
        None => Look::with_label(new),
    };
    Ok(!tx.is_any(look)?)
}

/// The post to which one of the account's keys leads.
pub(in crate::store) fn find_by_key<R: Rows>(
    tx: &R,
    account: &str,
    key: &str,
) -> Result<Option<RecordedPost>, R::Error> {
    tx.owner(account, key)?.map(|original| latest(tx, original)).transpose()
}

/// Posts of files of that size in bytes.
pub(in crate::store) fn with_size<R: Rows>(
    tx: &R,
    account: &str,
    mode: Mode,
    size: u64,
) -> Result<Vec<RecordedPost>, R::Error> {
    tx.posts(Look::WithSize { account, mode, size })
}

/// The latest post of a file that lay there, or came to lie there since.
pub(in crate::store) fn with_path<R: Rows>(
    tx: &R,
    account: &str,
    mode: Mode,
    path: &Path,
) -> Result<Option<RecordedPost>, R::Error> {
    if let Some(post) = find_by_key(tx, account, &keys::of_path(mode, path))? {
        return Ok(Some(post));
    }
    // Earlier versions kept the path in the post's row alone.
    Ok(tx.posts(Look::WithPath { account, mode, path })?.into_iter().next())
}

/// The post that an entry stands for, made if there is none.
pub(in crate::store) fn find_or_make<R: Rows>(
    tx: &R,
    new: &PostRequest,
    now: Timestamp,
) -> Result<RecordedPost, R::Error> {
    let number = match lookup(tx, new)? {
        None => make(tx, new, None, now)?,
        Some(found) if new.repost && found.post.may_repost() => {
            make(tx, new, Some(&found.post), now)?
        }
        Some(found) => renew(tx, new, found)?,
    };
    by_number(tx, number)
}

/// What a repost repeats: the post itself or the repost before it.
pub(in crate::store) fn repeated<R: Rows>(
    tx: &R,
    repost: &RecordedPost,
) -> Result<Option<RecordedPost>, R::Error> {
    let original = tx.original(repost.number)?;
    Ok(tx.posts(Look::Earlier { original, repost: repost.repost })?.pop())
}

/// The posts with an attempt that is under way or unresolved, of one account or of all.
pub(in crate::store) fn unfinished<R: Rows>(
    tx: &R,
    account: Option<&str>,
) -> Result<Vec<RecordedPost>, R::Error> {
    tx.posts(Look::Unfinished { account })
}

/// The posts that are neither published nor the same as another one.
pub(in crate::store) fn unpublished<R: Rows>(tx: &R) -> Result<Vec<RecordedPost>, R::Error> {
    tx.posts(Look::Unpublished)
}

/// The posts of an account that are called so.
pub(in crate::store) fn named<R: Rows>(
    tx: &R,
    account: &str,
    label: &str,
) -> Result<Vec<RecordedPost>, R::Error> {
    tx.posts(Look::Named { account, label })
}

/// Whether a later one repeats a post.
pub(in crate::store) fn is_repeated<R: Rows>(
    tx: &R,
    post: &RecordedPost,
) -> Result<bool, R::Error> {
    let original = tx.original(post.number)?;
    tx.is_any(Look::Later { original, repost: post.repost })
}

/// Whether there is no post at all.
pub(in crate::store) fn is_empty<R: Rows>(tx: &R) -> Result<bool, R::Error> {
    Ok(!tx.is_any(Look::Any)?)
}

struct Found {
    post: RecordedPost,
    /// Whether by the entry's `id`, and not by its content.
    by_id: bool,
}

fn lookup<R: Rows>(tx: &R, new: &PostRequest) -> Result<Option<Found>, R::Error> {
    if let Some(id) = &new.id
        && let Some(original) = tx.owner(&new.account, &keys::of_id(id))?
    {
        return Ok(Some(Found { post: latest_for(tx, original, new)?, by_id: true }));
    }
    for key in keys::of_content(new) {
        let Some(original) = tx.owner(&new.account, &key)? else { continue };
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
fn copy_at_path<R: Rows>(tx: &R, new: &PostRequest) -> Result<Option<RecordedPost>, R::Error> {
    let (Some(file), None) = (new.source.file(), &new.id) else { return Ok(None) };
    let Some(fingerprint) = &file.fingerprint else { return Ok(None) };
    let post = with_path(tx, &new.account, new.mode, &file.path)?;
    let counts = |post: &RecordedPost| post.phase().is_some_and(Phase::is_done);
    Ok(post.filter(|post| counts(post) && post.same_as.is_none() && post.is_of(fingerprint)))
}

/// As [`latest`], of the content of an entry if there is one of it: under an `id` a repost may be of other content.
pub(in crate::store) fn latest_for<R: Rows>(
    tx: &R,
    original: i64,
    new: &PostRequest,
) -> Result<RecordedPost, R::Error> {
    let last = latest(tx, original)?;
    let may_differ = last.repost > 0 && last.id.is_some();
    let Some(file) = new.source.file().filter(|_| may_differ) else { return Ok(last) };
    let group = tx.posts(Look::Group { original })?;
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

pub(in crate::store) fn latest<R: Rows>(tx: &R, original: i64) -> Result<RecordedPost, R::Error> {
    let found = tx.posts(Look::Latest { original })?.pop();
    found.ok_or_else(|| tx.unreadable("a key leads to no post"))
}

/// The post with a number.
pub(in crate::store) fn by_number<R: Rows>(
    tx: &R,
    number: PostNumber,
) -> Result<RecordedPost, R::Error> {
    let found = tx.posts(Look::Number { number })?.pop();
    found.ok_or_else(|| JournalError::NoPost(number).into())
}

/// Makes a post; with `again`, one that repeats another.
pub(in crate::store) fn make<R: Rows>(
    tx: &R,
    new: &PostRequest,
    again: Option<&RecordedPost>,
    now: Timestamp,
) -> Result<PostNumber, R::Error> {
    let (original, repost) = match again {
        None => (None, 0),
        Some(post) => {
            let original = tx.original(post.number)?;
            (Some(original), latest(tx, original)?.repost + 1)
        }
    };
    let id = new.id.as_ref().or(again.and_then(|post| post.id.as_ref()));
    let number =
        tx.insert(&NewPost { entry: new, id: id.map(String::as_str), original, repost }, now)?;
    let first = original.unwrap_or(i64::from(number.0));
    tx.plan(number, new)?;
    if let Some(id) = &new.id {
        tx.give_key(&new.account, &keys::of_id(id), first)?;
    }
    give_content(tx, new, first)?;
    Ok(number)
}

/// Lets a post be found by what an entry says of its content, and where that lies.
fn give_content<R: Rows>(tx: &R, new: &PostRequest, original: i64) -> Result<(), R::Error> {
    for key in keys::of_content(new).into_iter().chain(keys::of_place(new)) {
        tx.give_key(&new.account, &key, original)?;
    }
    match new.source.file() {
        Some(file) => tx.take_key(&new.account, &keys::of_path(new.mode, &file.path), original),
        None => Ok(()),
    }
}

/// Whether an entry is known to be of a post's content.
fn is_of_content<R: Rows>(
    tx: &R,
    new: &PostRequest,
    post: &RecordedPost,
    original: i64,
) -> Result<bool, R::Error> {
    let fingerprint = new.source.file().and_then(|file| file.fingerprint.as_deref());
    if fingerprint.is_some_and(|fingerprint| post.is_of(fingerprint)) {
        return Ok(true);
    }
    for key in keys::of_content(new) {
        if tx.owner(&new.account, &key)? == Some(original) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Lets a known post learn from the entry by which it was found.
fn renew<R: Rows>(tx: &R, new: &PostRequest, found: Found) -> Result<PostNumber, R::Error> {
    let Found { post, by_id } = found;
    let original = tx.original(post.number)?;
    if let (Some(id), None) = (&new.id, &post.id) {
        adopt(tx, &new.account, id, original)?;
    }
    if by_id && !is_of_content(tx, new, &post, original)? {
        if !post.may_begin() {
            return Ok(post.number);
        }
        if post.repost == 0 {
            tx.drop_content_keys(original)?;
        }
    }
    // As a post of another mode the same content is another post.
    if post.mode == new.mode || post.may_begin() {
        give_content(tx, new, original)?;
    }
    if post.may_begin() {
        tx.plan(post.number, new)?;
    }
    Ok(post.number)
}

/// Gives an `id` to a post that was made without one, and to its reposts.
fn adopt<R: Rows>(tx: &R, account: &str, id: &str, original: i64) -> Result<(), R::Error> {
    tx.give_key(account, &keys::of_id(id), original)?;
    tx.set_id(original, id)
}
