//! From a post that is composed to its end: drafts and their files, the entry that a form asks for, the queue, and what
//! posts from it.

pub(super) mod compose;
pub(super) mod draft;
pub(super) mod live;
pub(super) mod queue;
pub(super) mod spool;
pub(super) mod worker;
