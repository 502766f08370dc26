//! Posts and their attempts, and what TikTok counts.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Doubt, Epoch, StoreError, StoreFuture};
use crate::model::{
    Attempt, AttemptUpdate, CallKind, FileIdentity, LocalFile, Mode, Phase, PostNumber,
    PostRequest, QuotaKind, RecordedPost, Source,
};
use crate::secret::Secret;

/// The system of record about posts: what was asked for, what was tried, what came of it.
///
/// TikTok has no idempotency key, no list of what is under way and no way to cancel an upload. That a post
/// is made once therefore rests on this: each step that cannot be taken back is durable here before it is
/// taken.
pub(crate) trait Journal: Quota {
    /// The post that an entry stands for, if it is known: by its `id`, by its content as far as that is
    /// known, or by the very same unchanged file. Of several reposts, the latest.
    fn find<'a>(&'a self, new: &'a PostRequest) -> StoreFuture<'a, Option<RecordedPost>>;

    /// For each of these entries the post that was made of it, if [`Journal::post_for`] would give it and change
    /// nothing. Of many at a time, as most entries of a long manifest were posted long ago.
    fn made(&self, entries: Vec<PostRequest>) -> StoreFuture<'_, Vec<Option<RecordedPost>>>;

    /// For each of these entries whether [`Journal::find`] and [`Journal::alike`] find nothing of it, whatever
    /// its content is. Of many at a time, as a long manifest may wait for its time.
    fn are_new(&self, entries: Vec<PostRequest>) -> StoreFuture<'_, Vec<bool>>;

    /// The post that has a user's own `id`.
    fn find_by_id<'a>(
        &'a self,
        account: &'a str,
        id: &'a str,
    ) -> StoreFuture<'a, Option<RecordedPost>>;

    /// The post that was made of this very file, unchanged since: no need to read it.
    fn find_by_file<'a>(
        &'a self,
        account: &'a str,
        mode: Mode,
        file: &'a FileIdentity,
    ) -> StoreFuture<'a, Option<RecordedPost>>;

    /// The latest post that was made of a file which lay there, by its absolute path.
    fn find_by_path<'a>(
        &'a self,
        account: &'a str,
        mode: Mode,
        path: &'a Path,
    ) -> StoreFuture<'a, Option<RecordedPost>>;

    /// Posts of other files of that size in bytes. If there are any, a file that is not known as it is
    /// must be read to the end before it is planned: it may be one of them, renamed, moved or copied.
    fn known_with_size<'a>(
        &'a self,
        account: &'a str,
        mode: Mode,
        size: u64,
    ) -> StoreFuture<'a, Vec<RecordedPost>>;

    /// The post that has an entry's `id` and was made, or is being made, of other content. `None` also
    /// where that cannot be told, as for a file whose content nobody has read.
    fn id_of_other_content<'a>(
        &'a self,
        new: &'a PostRequest,
    ) -> StoreFuture<'a, Option<RecordedPost>>;

    /// The names by which the content of a post is known, as far as it is known itself: two entries of an
    /// account with one in common are of the same content. Reads nothing.
    fn content_keys(&self, mode: Mode, source: &Source<LocalFile>) -> Vec<String>;

    /// The post that an entry is like without standing for it. `own` is the post that it stands for, of
    /// which nothing was begun.
    fn alike<'a>(
        &'a self,
        new: &'a PostRequest,
        own: Option<PostNumber>,
    ) -> StoreFuture<'a, Option<Alike>>;

    /// Begins a new epoch of an account, durably: from now on nobody records anything of its posts under an
    /// earlier one. To be called once by whoever got the account's upload lease, before it decides by what the
    /// journal says. The writes below take it as `mine`, and fail with
    /// [`TakenOver`](super::JournalError::TakenOver) once there is a later one.
    fn take_over<'a>(&'a self, account: &'a str) -> StoreFuture<'a, Epoch>;

    /// The epoch of an account, for those who look at its posts beside whoever works on them, and record what
    /// TikTok says: as long as nobody takes it over meanwhile. [`Epoch::NONE`]: nobody has yet.
    fn epoch<'a>(&'a self, account: &'a str) -> StoreFuture<'a, Epoch>;

    /// The post that an entry stands for, made if there is none; however many ask at once, one.
    ///
    /// As long as nothing of the post can be under way or posted, it takes its file, plan and settings from
    /// the entry. After that it stays as it is. [`PostRequest::repost`] makes another one of a post that is
    /// done or refused for good.
    fn post_for<'a>(&'a self, new: &'a PostRequest, mine: Epoch) -> StoreFuture<'a, RecordedPost>;

    /// What a repost repeats: the post itself or the repost before it.
    fn repeated<'a>(&'a self, repost: &'a RecordedPost) -> StoreFuture<'a, Option<RecordedPost>>;

    /// A post by its number.
    fn post(&self, number: PostNumber) -> StoreFuture<'_, RecordedPost>;

    /// Every post, in the order of their numbers.
    fn all(&self) -> StoreFuture<'_, Vec<RecordedPost>>;

    /// The posts with a number above one, `most` of them, in the order of their numbers.
    fn after(&self, number: PostNumber, most: u32) -> StoreFuture<'_, Vec<RecordedPost>>;

    /// The posts with an attempt that is under way or unresolved, of one account or of all.
    fn unfinished<'a>(&'a self, account: Option<&'a str>) -> StoreFuture<'a, Vec<RecordedPost>>;

    /// The posts that are neither published nor the same as another one, in the order of their numbers.
    fn unpublished(&self) -> StoreFuture<'_, Vec<RecordedPost>>;

    /// Whether there is no post at all.
    fn is_empty(&self) -> StoreFuture<'_, bool>;

    /// The posts of an account that are called so, in the order of their numbers: by their path or URL as it is
    /// shown.
    fn named<'a>(&'a self, account: &'a str, label: &'a str) -> StoreFuture<'a, Vec<RecordedPost>>;

    /// Whether a later post repeats one.
    fn is_repeated<'a>(&'a self, post: &'a RecordedPost) -> StoreFuture<'a, bool>;

    /// All attempts at a post, the first one first.
    fn attempts(&self, post: PostNumber) -> StoreFuture<'_, Vec<Attempt>>;

    /// Begins an attempt in [`Phase::InitIntent`] and counts its init, in one step. Durable before the
    /// init is sent.
    ///
    /// Refused with [`MayBePosted`](super::JournalError::MayBePosted) if an earlier attempt could still
    /// become a post, did become one or was refused for good (invariant I1), and with
    /// [`SameContent`](super::JournalError::SameContent) if another post has the content.
    fn begin_attempt(&self, post: PostNumber, mine: Epoch) -> StoreFuture<'_, Attempt>;

    /// Records what became of an attempt, and gives its new state.
    ///
    /// Guarded: if the attempt is not in the phase that `known` has, nothing is recorded and
    /// [`MovedOn`](super::JournalError::MovedOn) says so. With
    /// [`AttemptUpdate::fingerprint`] the content becomes this post's own in the same step, or
    /// [`SameContent`](super::JournalError::SameContent) says whose it is. The `upload_url` is forgotten
    /// with the first phase that does not need it.
    fn advance<'a>(
        &'a self,
        known: &'a Attempt,
        to: Phase,
        update: &'a AttemptUpdate,
        mine: Epoch,
    ) -> StoreFuture<'a, Attempt>;

    /// Records that a post, whose attempts are all dead, is the same as another one: whoever looks for it
    /// finds that one from now on.
    fn same_as(&self, post: PostNumber, other: PostNumber, mine: Epoch) -> StoreFuture<'_, ()>;

    /// A person says whether a post was posted: one whose outcome is unknown, one that failed for good and is
    /// to be tried again, or one that somebody has posted by hand. What stands so already stays as it is.
    ///
    /// Refused with [`NotSettled`](super::JournalError::NotSettled) where TikTok may still post it, or has,
    /// and the person says that it is not posted ([`settle`](crate::model::machine::settle)). No run works
    /// on the post: the caller holds the upload lease of its account, which is taken over in the same step, so
    /// that one that lost that lease records nothing later.
    fn resolve(&self, post: PostNumber, posted: bool) -> StoreFuture<'_, RecordedPost>;

    /// Whether `upload_url`s can be read and written with the key at hand. To be asked before an init is
    /// sent, whose answer could not be recorded otherwise.
    fn check_key(&self) -> StoreFuture<'_, ()>;

    /// The `upload_url` of an attempt of an account, which the attempt itself has as it rests. `None`:
    /// there is none, or none that can be read. Reads nothing.
    fn upload_url(&self, account: &str, attempt: &Attempt) -> Option<Secret>;
}

/// What TikTok counts: calls per minute and token, and quotas of a day that it said are used up. It
/// outlives the process.
pub(crate) trait Quota: fmt::Debug + Send + Sync {
    /// Counts a call that is about to be made. [`Journal::begin_attempt`] counts its init itself.
    fn note_call<'a>(&'a self, account: &'a str, kind: CallKind) -> StoreFuture<'a, ()>;

    /// How many calls an account made within the last so much time.
    fn calls_within<'a>(
        &'a self,
        account: &'a str,
        kind: CallKind,
        window: Duration,
    ) -> StoreFuture<'a, u32>;

    /// When an account may make another call, if `limit` of them are allowed per `window`. `None`: now.
    fn next_slot<'a>(
        &'a self,
        account: &'a str,
        kind: CallKind,
        limit: u32,
        window: Duration,
    ) -> StoreFuture<'a, Option<Timestamp>>;

    /// Counts a call if there is room for it, in one step for all processes. `Some`: there is none before
    /// that time, and nothing was counted.
    fn take_slot<'a>(
        &'a self,
        account: &'a str,
        kind: CallKind,
        limit: u32,
        window: Duration,
    ) -> StoreFuture<'a, Option<Timestamp>>;

    /// Remembers that TikTok said that a quota is used up, and until when not to try again.
    fn set_quota_full<'a>(
        &'a self,
        subject: &'a str,
        kind: QuotaKind,
        until: Timestamp,
    ) -> StoreFuture<'a, ()>;

    /// Until when a quota is used up. `None`: not that we know.
    fn quota_full_until<'a>(
        &'a self,
        subject: &'a str,
        kind: QuotaKind,
    ) -> StoreFuture<'a, Option<Timestamp>>;

    /// How many drafts of an account that began within the last so much time wait in its inbox or are on
    /// their way there.
    fn pending_drafts<'a>(&'a self, account: &'a str, window: Duration) -> StoreFuture<'a, u32>;

    /// When another draft may be begun, if `limit` of them may be pending at once. `None`: now.
    fn next_draft<'a>(
        &'a self,
        account: &'a str,
        limit: u32,
        window: Duration,
    ) -> StoreFuture<'a, Option<Timestamp>>;
}

/// A journal that was opened to post.
#[derive(Debug)]
pub(crate) struct OpenedJournal {
    /// The journal.
    pub(crate) journal: Arc<dyn Journal>,
    /// It was last used on another machine: a copy or a restored backup, which may not know what was
    /// posted since. Told once.
    pub(crate) came_from_elsewhere: bool,
    /// What was wrong with it that [`Accept`] let pass.
    pub(crate) accepted: Option<Doubt>,
}

/// A journal that was opened to look at it.
#[derive(Debug)]
pub(crate) struct ExistingJournal {
    /// The journal, if there is one.
    pub(crate) journal: Option<Arc<dyn Journal>>,
    /// Why nothing is posted with it.
    pub(crate) doubt: Option<StoreError>,
}

/// What to do about a journal that may not know what was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accept {
    /// Refuse to post with it.
    Never,
    /// Let a dry run look at it, in which nothing is posted.
    DryRun,
    /// Take it, or a new one in the place of one that is gone: from now on it counts.
    Once,
}

/// How an entry that nobody has posted is like a post that is known.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alike {
    /// The post.
    pub(crate) post: RecordedPost,
    /// What is the same.
    pub(crate) how: Likeness,
}

/// What an entry and a post that it does not stand for have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// The content; each has an `id` of its own, so they are two posts.
    Content,
    /// The address but for the query, which names another thing for all that is known.
    Address,
    /// The address but for a query that seems to be renewed with each link: most likely the same thing.
    PassingAddress,
}
