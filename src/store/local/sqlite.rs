//! The journal's database behind the interface.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;

use super::journal::SqliteJournal;
use crate::encrypt::Key;
use crate::model::{
    Attempt, AttemptUpdate, CallKind, FileIdentity, LocalFile, Mode, Phase, PostNumber,
    PostRequest, QuotaKind, RecordedPost, Source,
};
use crate::secret::Secret;
use crate::store::thread::StoreThread;
use crate::store::{Alike, Epoch, Journal, JournalError, Quota, StoreFuture};

/// An open journal, worked with on the store's thread.
#[derive(Debug)]
pub(super) struct LocalJournal {
    pub(super) journal: SqliteJournal,
    /// The store's.
    pub(super) key: Arc<OnceLock<Arc<Key>>>,
    pub(super) thread: Arc<StoreThread>,
}

impl LocalJournal {
    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&SqliteJournal) -> Result<T, JournalError> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        let journal = self.with_key();
        self.thread.run(move || work(&journal))
    }

    fn with_key(&self) -> SqliteJournal {
        self.journal.clone().with_key(self.key.get().cloned())
    }
}

impl Journal for LocalJournal {
    fn find<'a>(&'a self, new: &'a PostRequest) -> StoreFuture<'a, Option<RecordedPost>> {
        let new = new.clone();
        self.run(move |journal| journal.find(&new))
    }

    fn made(&self, entries: Vec<PostRequest>) -> StoreFuture<'_, Vec<Option<RecordedPost>>> {
        self.run(move |journal| journal.made(&entries))
    }

    fn are_new(&self, entries: Vec<PostRequest>) -> StoreFuture<'_, Vec<bool>> {
        self.run(move |journal| journal.are_new(&entries))
    }

    fn find_by_id<'a>(
        &'a self,
        account: &'a str,
        id: &'a str,
    ) -> StoreFuture<'a, Option<RecordedPost>> {
        let account = account.to_owned();
        let id = id.to_owned();
        self.run(move |journal| journal.find_by_id(&account, &id))
    }

    fn find_by_file<'a>(
        &'a self,
        account: &'a str,
        mode: Mode,
        file: &'a FileIdentity,
    ) -> StoreFuture<'a, Option<RecordedPost>> {
        let account = account.to_owned();
        let file = *file;
        self.run(move |journal| journal.find_by_file(&account, mode, &file))
    }

    fn find_by_path<'a>(
        &'a self,
        account: &'a str,
        mode: Mode,
        path: &'a Path,
    ) -> StoreFuture<'a, Option<RecordedPost>> {
        let (account, path) = (account.to_owned(), path.to_owned());
        self.run(move |journal| journal.find_by_path(&account, mode, &path))
    }

    fn known_with_size<'a>(
        &'a self,
        account: &'a str,
        mode: Mode,
        size: u64,
    ) -> StoreFuture<'a, Vec<RecordedPost>> {
        let account = account.to_owned();
        self.run(move |journal| journal.known_with_size(&account, mode, size))
    }

    fn id_of_other_content<'a>(
        &'a self,
        new: &'a PostRequest,
    ) -> StoreFuture<'a, Option<RecordedPost>> {
        let new = new.clone();
        self.run(move |journal| journal.id_of_other_content(&new))
    }

    fn content_keys(&self, mode: Mode, source: &Source<LocalFile>) -> Vec<String> {
        SqliteJournal::content_keys(mode, source)
    }

    fn alike<'a>(
        &'a self,
        new: &'a PostRequest,
        own: Option<PostNumber>,
    ) -> StoreFuture<'a, Option<Alike>> {
        let new = new.clone();
        self.run(move |journal| journal.alike(&new, own))
    }

    fn take_over<'a>(&'a self, account: &'a str) -> StoreFuture<'a, Epoch> {
        let account = account.to_owned();
        self.run(move |journal| journal.take_over(&account))
    }

    fn epoch<'a>(&'a self, account: &'a str) -> StoreFuture<'a, Epoch> {
        let account = account.to_owned();
        self.run(move |journal| journal.epoch(&account))
    }

    fn post_for<'a>(&'a self, new: &'a PostRequest, mine: Epoch) -> StoreFuture<'a, RecordedPost> {
        let new = new.clone();
        self.run(move |journal| journal.post_for(&new, mine))
    }

    fn repeated<'a>(&'a self, repost: &'a RecordedPost) -> StoreFuture<'a, Option<RecordedPost>> {
        let repost = repost.clone();
        self.run(move |journal| journal.repeated(&repost))
    }

    fn post(&self, number: PostNumber) -> StoreFuture<'_, RecordedPost> {
        self.run(move |journal| journal.post(number))
    }

    fn all(&self) -> StoreFuture<'_, Vec<RecordedPost>> {
        self.run(SqliteJournal::all)
    }

    fn after(&self, number: PostNumber, most: u32) -> StoreFuture<'_, Vec<RecordedPost>> {
        self.run(move |journal| journal.after(number, most))
    }

    fn unfinished<'a>(&'a self, account: Option<&'a str>) -> StoreFuture<'a, Vec<RecordedPost>> {
        let account = account.map(ToOwned::to_owned);
        self.run(move |journal| journal.unfinished(account.as_deref()))
    }

    fn unpublished(&self) -> StoreFuture<'_, Vec<RecordedPost>> {
        self.run(SqliteJournal::unpublished)
    }

    fn is_empty(&self) -> StoreFuture<'_, bool> {
        self.run(SqliteJournal::is_empty)
    }

    fn named<'a>(&'a self, account: &'a str, label: &'a str) -> StoreFuture<'a, Vec<RecordedPost>> {
        let (account, label) = (account.to_owned(), label.to_owned());
        self.run(move |journal| journal.named(&account, &label))
    }

    fn is_repeated<'a>(&'a self, post: &'a RecordedPost) -> StoreFuture<'a, bool> {
        let post = post.clone();
        self.run(move |journal| journal.is_repeated(&post))
    }

    fn attempts(&self, post: PostNumber) -> StoreFuture<'_, Vec<Attempt>> {
        self.run(move |journal| journal.attempts(post))
    }

    fn begin_attempt(&self, post: PostNumber, mine: Epoch) -> StoreFuture<'_, Attempt> {
        self.run(move |journal| journal.begin_attempt(post, mine))
    }

    fn advance<'a>(
        &'a self,
        known: &'a Attempt,
        to: Phase,
        update: &'a AttemptUpdate,
        mine: Epoch,
    ) -> StoreFuture<'a, Attempt> {
        let (mut attempt, update) = (known.clone(), update.clone());
        self.run(move |journal| {
            journal.advance(&mut attempt, to, &update, mine)?;
            Ok(attempt)
        })
    }

    fn same_as(&self, post: PostNumber, other: PostNumber, mine: Epoch) -> StoreFuture<'_, ()> {
        self.run(move |journal| journal.same_as(post, other, mine))
    }

    fn resolve(&self, post: PostNumber, posted: bool) -> StoreFuture<'_, RecordedPost> {
        self.run(move |journal| journal.resolve(post, posted))
    }

    fn check_key(&self) -> StoreFuture<'_, ()> {
        self.run(SqliteJournal::check_key)
    }

    fn upload_url(&self, account: &str, attempt: &Attempt) -> Option<Secret> {
        self.with_key().upload_url(account, attempt)
    }
}

impl Quota for LocalJournal {
    fn note_call<'a>(&'a self, account: &'a str, kind: CallKind) -> StoreFuture<'a, ()> {
        let account = account.to_owned();
        self.run(move |journal| journal.note_call(&account, kind))
    }

    fn calls_within<'a>(
        &'a self,
        account: &'a str,
        kind: CallKind,
        window: Duration,
    ) -> StoreFuture<'a, u32> {
        let account = account.to_owned();
        self.run(move |journal| journal.calls_within(&account, kind, window))
    }

    fn next_slot<'a>(
        &'a self,
        account: &'a str,
        kind: CallKind,
        limit: u32,
        window: Duration,
    ) -> StoreFuture<'a, Option<Timestamp>> {
        let account = account.to_owned();
        self.run(move |journal| journal.next_slot(&account, kind, limit, window))
    }

    fn take_slot<'a>(
        &'a self,
        account: &'a str,
        kind: CallKind,
        limit: u32,
        window: Duration,
    ) -> StoreFuture<'a, Option<Timestamp>> {
        let account = account.to_owned();
        self.run(move |journal| journal.take_slot(&account, kind, limit, window))
    }

    fn set_quota_full<'a>(
        &'a self,
        subject: &'a str,
        kind: QuotaKind,
        until: Timestamp,
    ) -> StoreFuture<'a, ()> {
        let subject = subject.to_owned();
        self.run(move |journal| journal.set_quota_full(&subject, kind, until))
    }

    fn quota_full_until<'a>(
        &'a self,
        subject: &'a str,
        kind: QuotaKind,
    ) -> StoreFuture<'a, Option<Timestamp>> {
        let subject = subject.to_owned();
        self.run(move |journal| journal.quota_full_until(&subject, kind))
    }

    fn pending_drafts<'a>(&'a self, account: &'a str, window: Duration) -> StoreFuture<'a, u32> {
        let account = account.to_owned();
        self.run(move |journal| journal.pending_drafts(&account, window))
    }

    fn next_draft<'a>(
        &'a self,
        account: &'a str,
        limit: u32,
        window: Duration,
    ) -> StoreFuture<'a, Option<Timestamp>> {
        let account = account.to_owned();
        self.run(move |journal| journal.next_draft(&account, limit, window))
    }
}
