//! Entries that look like a post that is known, and may not mean it.

use super::address::Address;
use super::keys;
use super::{find_by_key, latest_for, with_size};
use crate::model::{LocalFile, PostNumber, PostRequest, RecordedPost};
use crate::store::rules::rows::{Look, Rows};
use crate::store::{Alike, Likeness};

/// The post that has an entry's `id` and was made, or is being made, of other content. `None` also where that
/// cannot be told, as for a file whose content nobody has read.
pub(in crate::store) fn id_of_other_content<R: Rows>(
    tx: &R,
    id: &str,
    new: &PostRequest,
) -> Result<Option<RecordedPost>, R::Error> {
    let Some(post) = find_by_key(tx, &new.account, &keys::of_id(id))? else { return Ok(None) };
    let other = !post.may_begin() && is_other_content(tx, new, &post)?;
    Ok(other.then_some(post))
}

/// The post that an entry is like without standing for it. `own` is the post that it stands for, of which
/// nothing was begun.
pub(in crate::store) fn alike<R: Rows>(
    tx: &R,
    new: &PostRequest,
    own: Option<PostNumber>,
) -> Result<Option<Alike>, R::Error> {
    let counts = |post: &RecordedPost| Some(post.number) != own && !post.may_begin();
    for key in keys::of_content(new) {
        let Some(original) = tx.owner(&new.account, &key)? else { continue };
        let post = latest_for(tx, original, new)?;
        if counts(&post) {
            return Ok(Some(Alike { post, how: Likeness::Content }));
        }
    }
    // The content may be known as that of another post, which was never made.
    if let Some(post) = of_same_content(tx, new)?.into_iter().rev().find(counts) {
        return Ok(Some(Alike { post, how: Likeness::Content }));
    }
    // An `id` says that it is another thing.
    if new.id.is_some() {
        return Ok(None);
    }
    Ok(of_same_place(tx, new)?.filter(|alike| counts(&alike.post)))
}

/// The posts of the same content, whatever they go by.
fn of_same_content<R: Rows>(tx: &R, new: &PostRequest) -> Result<Vec<RecordedPost>, R::Error> {
    let Some(file) = new.source.file() else {
        let named = new.id.is_some().then(|| tx.posts(Look::with_label(new)));
        return Ok(named.transpose()?.unwrap_or_default());
    };
    let mut posts = with_size(tx, &new.account, new.mode, file.identity.size)?;
    let is_same = |known: &LocalFile| {
        known.identity == file.identity
            || (known.fingerprint.is_some() && known.fingerprint == file.fingerprint)
    };
    posts.retain(|post| post.file.as_ref().is_some_and(is_same));
    Ok(posts)
}

fn is_other_content<R: Rows>(
    tx: &R,
    new: &PostRequest,
    post: &RecordedPost,
) -> Result<bool, R::Error> {
    let original = tx.original(post.number)?;
    for key in keys::of_content(new).iter().chain(&keys::of_place(new)) {
        if tx.owner(&new.account, key)? == Some(original) {
            return Ok(false);
        }
    }
    Ok(match (new.source.file(), &post.file) {
        (Some(file), Some(known)) => {
            // A file that is known is not read again: its content is that of the post that it was sent for.
            let of_its_post = || -> Result<Option<String>, R::Error> {
                let key = keys::of_file(new.mode, &file.identity);
                let post = find_by_key(tx, &new.account, &key)?;
                Ok(post.and_then(|post| post.file).and_then(|file| file.fingerprint))
            };
            let fingerprint = match &file.fingerprint {
                Some(fingerprint) => Some(fingerprint.clone()),
                None => of_its_post()?,
            };
            let fingerprints = fingerprint.as_ref().zip(known.fingerprint.as_ref());
            file.identity.size != known.identity.size
                || fingerprints.is_some_and(|(new, known)| new != known)
        }
        (Some(_), None) | (None, Some(_)) => true,
        // The place may be known as that of another post with another `id`.
        (None, None) => !is_same_label(&new.label, &post.label),
    })
}

/// Whether two labels of URLs name the same place.
fn is_same_label(one: &str, other: &str) -> bool {
    Address::of(one).place == Address::of(other).place
}

fn of_same_place<R: Rows>(tx: &R, new: &PostRequest) -> Result<Option<Alike>, R::Error> {
    if !new.source.is_pulled() {
        return Ok(None);
    }
    let addresses: Vec<_> = new.source.urls().iter().map(|url| Address::of(url)).collect();
    let place = keys::of_place(new).unwrap_or_default();
    if let Some(post) = find_by_key(tx, &new.account, &place)? {
        let passing = addresses.iter().any(Address::seems_to_pass);
        let how = if passing { Likeness::PassingAddress } else { Likeness::Address };
        return Ok(Some(Alike { post, how }));
    }
    // Earlier versions kept the spelling alone, so another signature was another post.
    if !addresses.iter().any(|address| address.signed) {
        return Ok(None);
    }
    let known = tx.posts(Look::with_label(new))?;
    let how = Likeness::PassingAddress;
    Ok(known.into_iter().next().map(|post| Alike { post, how }))
}
