//! Posts and their attempts, and what TikTok counts.

use crate::model::RecordedPost;

/// What to do about a journal that may not know what was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// Refuse to post with it.
    Never,
    /// Let a rehearsal look at it, in which nothing is posted.
    Rehearsing,
    /// Take it, or a new one in the place of one that is gone: from now on it counts.
    Once,
}

/// Why a journal may not know what was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Posts were made with a journal that is not there any more.
    Gone,
    /// Posts were made with a later state of it.
    Behind,
    /// Posts were made with another one.
    Other,
    /// It is a copy of the one that posts were made with, or was restored from a backup.
    Copied,
    /// It was put together from what could be read of a damaged one.
    Repaired,
    /// The witness says something that is never written.
    Unclear,
}

/// How an entry that nobody has posted is like a post that is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Alike {
    /// The post.
    pub post: RecordedPost,
    /// What is the same.
    pub how: Likeness,
}

/// What an entry and a post that it does not stand for have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// The content; each has an `id` of its own, so they are two posts.
    Content,
    /// The address but for the query, which names another thing for all that is known.
    Address,
    /// The address but for a query that seems to be renewed with each link: most likely the same thing.
    PassingAddress,
}
