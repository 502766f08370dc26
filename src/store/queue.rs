//! What is to be posted by whichever worker comes to it first, where several machines share a store.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::StoreFuture;
use crate::secret::Secret;

/// The posts that wait for a worker. It is a list of wishes and no more: whether a post was made the
/// [`Journal`](super::Journal) alone knows, so that nothing here is a reason to post anything twice.
pub(crate) trait Queue: fmt::Debug + Send + Sync {
    /// Takes posts in, all of them or none, and says what became of each. Durable when this ends.
    fn add(&self, wishes: Vec<Wish>) -> StoreFuture<'_, Vec<Added>>;

    /// Everything that waits, in the order in which it was taken in, without the entries.
    fn all(&self) -> StoreFuture<'_, Vec<Queued>>;

    /// Takes accounts to itself that have a post which may be made now on this machine and that nobody is at: the
    /// one that waits longest first, `most` of them. They are its own for `life`, unless [`Queue::keep`] makes that
    /// longer.
    fn claim(&self, most: u32, life: Duration) -> StoreFuture<'_, Vec<String>>;

    /// Makes the claims of this process last; says of those that somebody else has by now nothing.
    fn keep(&self, accounts: Vec<String>, life: Duration) -> StoreFuture<'_, ()>;

    /// The posts of an account that may be made now on this machine: those without a time and those whose time has
    /// come, in their order; those that were put off for a reason of their own last.
    fn due<'a>(&'a self, account: &'a str) -> StoreFuture<'a, Vec<(Queued, Secret)>>;

    /// Says how posts ended, and lets the account go. A post that was taken in anew meanwhile stays. It is looked at
    /// again at once, or after a `pause`, or once the time of its next post has come.
    fn settle<'a>(
        &'a self,
        account: &'a str,
        ended: Vec<(Queued, End)>,
        pause: Option<Duration>,
    ) -> StoreFuture<'a, ()>;

    /// Takes a post out that nobody is at.
    fn remove(&self, number: i64) -> StoreFuture<'_, Removed>;

    /// Says that this process takes nothing more, and ends with what it has.
    fn drain(&self) -> StoreFuture<'_, ()>;

    /// The processes that were there within the last hour, or hold something.
    fn workers(&self) -> StoreFuture<'_, Vec<SeenWorker>>;
}

/// A post that is to be made.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// The `open_id` of its account.
    pub(crate) account: String,
    /// What tells it from the account's other posts: two with the same one are one.
    pub(crate) key: WishKey,
    /// As a manifest has it, complete: no setting of a machine is added. It may name an address with a signature.
    pub(crate) entry: Secret,
    /// What it is called.
    pub(crate) label: String,
    /// Not before.
    pub(crate) publish_at: Option<Timestamp>,
    /// Whether its file lies on this machine, so that no other one can post it.
    pub(crate) is_here: bool,
}

/// What a post is known by in the queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum WishKey {
    /// Its own `id`.
    Id(String),
    /// A hash of its mode and of where its content is. Of a file on a machine it is that machine's: another one may have
    /// another file there.
    Source(String),
}

/// What became of a post that was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    /// It waits from now on.
    New,
    /// It waited, and does as it was.
    Known,
    /// It waited, and is made as it was taken in now.
    Changed,
    /// It had failed, and is tried again.
    Again,
    /// It waits as it was taken in before: somebody is at its account, and may be making it so.
    InHand,
}

/// A post that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Queued {
    /// Its number in the queue.
    pub(crate) number: i64,
    /// How often it was taken in anew.
    pub(crate) version: i64,
    /// The `open_id` of its account.
    pub(crate) account: String,
    /// What it is called.
    pub(crate) label: String,
    /// Not before.
    pub(crate) publish_at: Option<Timestamp>,
    /// When it was taken in.
    pub(crate) added: Timestamp,
    /// The name of the machine that has its file, if only one has.
    pub(crate) host: Option<String>,
    /// Whether that is this one, or any may post it.
    pub(crate) is_for_here: bool,
    /// Whether it failed: nobody tries it again before somebody takes it in again.
    pub(crate) failed: bool,
    /// Why it was put off, or failed.
    pub(crate) why: Option<Why>,
    /// The name of the machine that is at its account.
    pub(crate) at: Option<String>,
}

/// Why a post was not made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Why {
    /// In words.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// What `explain` knows it by.
    pub(crate) code: Option<String>,
}

/// How a post ended a worker's run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is made, or was before: it leaves the queue.
    Made,
    /// It failed.
    Failed(Why),
    /// It waits still.
    Waits(Option<Why>),
}

/// What became of a post that was to be taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Removed {
    /// It waits no more, and was called so.
    Out(String),
    /// A worker is at its account, on the machine of this name.
    InHand(String),
    /// There is none of that number.
    Unknown,
}

/// A process that works with the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenWorker {
    /// Its machine.
    pub(crate) host: String,
    /// Its number there.
    pub(crate) pid: i64,
    /// The version of its program.
    pub(crate) version: String,
    /// When it said last that it lives.
    pub(crate) heartbeat: Timestamp,
    /// What it does.
    pub(crate) doing: Doing,
    /// The accounts that it holds.
    pub(crate) holds: Vec<String>,
}

/// What a process does with the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// It takes posts from it.
    Works,
    /// It takes no more, and ends with what it has.
    Drains,
    /// It is a command with a list of its own.
    Runs,
    /// It has ended.
    Ended,
    /// It says nothing any more, and has not said that it ends.
    Silent,
}
