//! The names by which a post is found again.
//!
//! A key belongs to one post (and its reposts). A post that has an `id` owns it, and its content as
//! well if nobody else does; one without an `id` owns its content: the hash of a URL as it is
//! compared, the fingerprint of a file or, as long as that is not known, the identity of the file on this machine. A copy that
//! was once read and recognised leaves its file identity as one more key, so that it is not read
//! again at the next run. Where a file lay leads to the latest post of it, so that it is known when it is gone.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::address::Address;
use crate::model::{FileIdentity, LocalFile, Mode, PostRequest, Source};
use crate::store::JournalError;
use crate::store::rules::words::{mode_word, nanoseconds};

pub(in crate::store) fn of_id(id: &str) -> String {
    format!("id {id}")
}

pub(in crate::store) fn of_fingerprint(mode: Mode, fingerprint: &str) -> String {
    format!("{} blake3 {fingerprint}", mode_word(mode))
}

pub(in crate::store) fn of_file(mode: Mode, file: &FileIdentity) -> String {
    let FileIdentity { device, inode, size, mtime, ctime } = *file;
    let (mtime, ctime) = (nanoseconds(mtime), nanoseconds(ctime));
    format!("{} file {device}:{inode}:{size}:{mtime}:{ctime}", mode_word(mode))
}

/// The keys of what is posted, the surest first.
pub(in crate::store) fn of_content(new: &PostRequest) -> Vec<String> {
    of_source(new.mode, &new.source)
}

/// The same of what is posted in a mode. URLs are hashed: they may carry signatures.
pub(in crate::store) fn of_source(mode: Mode, source: &Source<LocalFile>) -> Vec<String> {
    let word = mode_word(mode);
    match source {
        Source::File(LocalFile { identity, fingerprint, .. }) => fingerprint
            .iter()
            .map(|fingerprint| of_fingerprint(mode, fingerprint))
            .chain([of_file(mode, identity)])
            .collect(),
        Source::Url(url) => vec![
            format!("{word} source {}", hash([Address::of(url).whole()])),
            // As earlier versions knew it: by its very spelling.
            format!("{word} url {}", blake3::hash(url.as_bytes())),
        ],
        Source::Photos { urls, .. } => vec![
            format!("{word} sources {}", hash(urls.iter().map(|url| Address::of(url).whole()))),
            format!("{word} photos {}", hash(urls)),
        ],
    }
}

/// The key of where what is posted lies, whatever the query says; a file has none.
pub(in crate::store) fn of_place(new: &PostRequest) -> Option<String> {
    let mode = mode_word(new.mode);
    match &new.source {
        Source::File(_) => None,
        Source::Url(url) => Some(format!("{mode} place {}", hash([Address::of(url).place]))),
        Source::Photos { urls, .. } => {
            let places = urls.iter().map(|url| Address::of(url).place);
            Some(format!("{mode} places {}", hash(places)))
        }
    }
}

/// The key of where a file lies.
pub(in crate::store) fn of_path(mode: Mode, path: &Path) -> String {
    format!("{} path {}", mode_word(mode), blake3::hash(path.as_os_str().as_bytes()))
}

/// A hash of texts, each with its length.
fn hash(texts: impl IntoIterator<Item = impl AsRef<str>>) -> blake3::Hash {
    let mut hash = blake3::Hasher::new();
    for text in texts {
        let text = text.as_ref();
        hash.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    hash.finalize()
}

/// Whether a text is BLAKE3 in lowercase hex.
pub(in crate::store) fn check_fingerprint(text: &str) -> Result<(), JournalError> {
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() == 64 && text.bytes().all(hex) {
        Ok(())
    } else {
        Err(JournalError::Fingerprint(text.to_owned()))
    }
}
