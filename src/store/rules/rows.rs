//! What the rules need of a journal's rows.

use std::path::Path;

use jiff::Timestamp;

use crate::model::{Mode, PostNumber, PostRequest, RecordedPost};
use crate::store::JournalError;

/// The rows of a journal within one transaction, which no other one that writes of the same account can come
/// in between. A post and its reposts have one `original`: the number of the first of them.
pub(in crate::store) trait Rows {
    /// Why a row was not read or written.
    type Error: From<JournalError>;

    /// A row says something that is never written.
    fn unreadable(&self, what: &str) -> Self::Error;

    /// The posts that are looked for, each with its latest attempt.
    fn posts(&self, look: Look<'_>) -> Result<Vec<RecordedPost>, Self::Error>;

    /// Whether there is any.
    fn is_any(&self, look: Look<'_>) -> Result<bool, Self::Error>;

    /// The original of a post, which is there.
    fn original(&self, post: PostNumber) -> Result<i64, Self::Error>;

    /// Records a post of which nothing is planned, under the next number.
    fn insert(&self, post: &NewPost<'_>, now: Timestamp) -> Result<PostNumber, Self::Error>;

    /// Writes down what the next attempt at a post is to send. What is known of an unchanged file stays known.
    fn plan(&self, post: PostNumber, entry: &PostRequest) -> Result<(), Self::Error>;

    /// Writes down the content of a post's file.
    fn set_fingerprint(&self, post: PostNumber, fingerprint: &str) -> Result<(), Self::Error>;

    /// Gives a post and its reposts an `id`.
    fn set_id(&self, original: i64, id: &str) -> Result<(), Self::Error>;

    /// Records that a post and its reposts are the same as another post.
    fn set_same_as(&self, original: i64, other: PostNumber) -> Result<(), Self::Error>;

    /// The original post that owns a key.
    fn owner(&self, account: &str, key: &str) -> Result<Option<i64>, Self::Error>;

    /// Gives a key to an original post, unless it belongs to one already.
    fn give_key(&self, account: &str, key: &str, original: i64) -> Result<(), Self::Error>;

    /// Gives a key to an original post, whoever had it before.
    fn take_key(&self, account: &str, key: &str, original: i64) -> Result<(), Self::Error>;

    /// Lets a post go by its `id` alone: its file was replaced.
    fn drop_content_keys(&self, original: i64) -> Result<(), Self::Error>;

    /// Whoever looks for one original post finds another from now on.
    fn reassign_keys(&self, from: i64, to: i64) -> Result<(), Self::Error>;
}

/// Which posts are looked for, and in what order they come.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) enum Look<'a> {
    /// The one with a number.
    Number { number: PostNumber },
    /// Any.
    Any,
    /// All of an original, the latest first.
    Group { original: i64 },
    /// The latest of an original.
    Latest { original: i64 },
    /// The next one of an original before a repost.
    Earlier { original: i64, repost: u32 },
    /// The next one of an original after a repost.
    Later { original: i64, repost: u32 },
    /// Those of files of a size in bytes that are not the same as another one, by their numbers.
    WithSize { account: &'a str, mode: Mode, size: u64 },
    /// The latest of a file that lay there.
    WithPath { account: &'a str, mode: Mode, path: &'a Path },
    /// The latest that is no file's and is called so.
    WithLabel { account: &'a str, mode: Mode, label: &'a str },
    /// Others of the content, whose `id` does not tell them apart.
    OfFingerprint { post: &'a RecordedPost, fingerprint: &'a str },
    /// The same of content that was not read to its end, by its size in bytes.
    OfSize { post: &'a RecordedPost, size: u64 },
    /// Those that are called so, by their numbers.
    Named { account: &'a str, label: &'a str },
    /// Those with an attempt that is under way or unresolved, of one account or of all, by their numbers.
    Unfinished { account: Option<&'a str> },
    /// Those that are neither published nor the same as another one, by their numbers.
    Unpublished,
}

impl<'a> Look<'a> {
    /// [`Look::WithLabel`] of an entry.
    pub(in crate::store) fn with_label(new: &'a PostRequest) -> Self {
        Look::WithLabel { account: &new.account, mode: new.mode, label: &new.label }
    }
}

/// A post that is about to be recorded.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct NewPost<'a> {
    /// The entry that asks for it.
    pub(in crate::store) entry: &'a PostRequest,
    /// Its `id`: the entry's, or that of the post that it repeats.
    pub(in crate::store) id: Option<&'a str>,
    /// The original that it repeats. `None`: it is one.
    pub(in crate::store) original: Option<i64>,
    /// Which repost of it.
    pub(in crate::store) repost: u32,
}
