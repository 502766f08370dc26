//! The journal of a database: posts, attempts, who may record, and what TikTok counts.

mod attempts;
mod columns;
mod posts;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::SAY_BEHIND;
use super::at_rest::{self, KeyCell};
use super::cluster;
use super::leases::Identity;
use super::link::{Commit, Link, Session};
use super::machine::Devices;
use super::marks::{Made, Marks};
use super::tx::Tx;
use crate::encrypt;
use crate::model::{
    Attempt, AttemptUpdate, CallKind, FileIdentity, LocalFile, Mode, Phase, PostNumber,
    PostRequest, QuotaKind, RecordedPost, Source,
};
use crate::secret::Secret;
use crate::store::rules::attempts::{self as steps, Attempts as _};
use crate::store::rules::calls::free_at;
use crate::store::rules::posts::{self as rules, alike, duplicates, keys};
use crate::store::rules::{at_rest as resting, phase};
use crate::store::{Alike, Doubt, Epoch, Journal, JournalError, Quota, StoreError, StoreFuture};

const LOOK: &str = "look for a post";
const READ: &str = "read the posts";

/// The journal.
#[derive(Debug)]
pub(super) struct PostgresJournal {
    pub(super) session: Arc<Session>,
    pub(super) identity: Arc<Identity>,
    pub(super) marks: Marks,
    /// What `upload_url`s are encrypted with, once that is known.
    pub(super) key: Arc<KeyCell>,
}

impl PostgresJournal {
    fn read<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        self.session.run(doing, Commit::Read, work)
    }

    /// Reads posts, with what tells this machine's files from those of others.
    fn look<T: OfPosts + Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Tx<'_>, &Devices) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        let identity = Arc::clone(&self.identity);
        self.read(doing, move |tx| {
            let devices = identity.machine.devices()?;
            Ok(work(tx, devices)?.to_here(devices))
        })
    }

    fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        self.session.run(doing, Commit::Everywhere, work)
    }
}

impl Journal for PostgresJournal {
    fn find<'a>(&'a self, new: &'a PostRequest) -> StoreFuture<'a, Option<RecordedPost>> {
        let new = new.clone();
        self.look(LOOK, move |tx, devices| rules::find(tx, &devices.to_all(&new)))
    }

    fn made(&self, entries: Vec<PostRequest>) -> StoreFuture<'_, Vec<Option<RecordedPost>>> {
        self.look(LOOK, move |tx, devices| {
            entries.iter().map(|new| rules::made(tx, &devices.to_all(new))).collect()
        })
    }

    fn are_new(&self, entries: Vec<PostRequest>) -> StoreFuture<'_, Vec<bool>> {
        self.look(LOOK, move |tx, devices| {
            entries.iter().map(|new| rules::is_new(tx, &devices.to_all(new))).collect()
        })
    }

    fn find_by_id<'a>(
        &'a self,
        account: &'a str,
        id: &'a str,
    ) -> StoreFuture<'a, Option<RecordedPost>> {
        let (account, key) = (account.to_owned(), keys::of_id(id));
        self.look(LOOK, move |tx, _| rules::find_by_key(tx, &account, &key))
    }

    fn find_by_file<'a>(
        &'a self,
        account: &'a str,
        mode: Mode,
        file: &'a FileIdentity,
    ) -> StoreFuture<'a, Option<RecordedPost>> {
        let (account, file) = (account.to_owned(), *file);
        self.look(LOOK, move |tx, devices| {
            // One that is read over a network is the same to all machines.
            for file in [devices.swapped(file), file] {
                let key = keys::of_file(mode, &file);
                if let Some(found) = rules::find_by_key(tx, &account, &key)? {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        })
    }

    fn find_by_path<'a>(
        &'a self,
        account: &'a str,
        mode: Mode,
        path: &'a Path,
    ) -> StoreFuture<'a, Option<RecordedPost>> {
        let (account, path) = (account.to_owned(), path.to_owned());
        self.look(LOOK, move |tx, _| rules::with_path(tx, &account, mode, &path))
    }

    fn known_with_size<'a>(
        &'a self,
        account: &'a str,
        mode: Mode,
        size: u64,
    ) -> StoreFuture<'a, Vec<RecordedPost>> {
        let account = account.to_owned();
        self.look(LOOK, move |tx, _| rules::with_size(tx, &account, mode, size))
    }

    fn id_of_other_content<'a>(
        &'a self,
        new: &'a PostRequest,
    ) -> StoreFuture<'a, Option<RecordedPost>> {
        let new = new.clone();
        self.look(LOOK, move |tx, devices| match &new.id {
            Some(id) => alike::id_of_other_content(tx, id, &devices.to_all(&new)),
            None => Ok(None),
        })
    }

    fn content_keys(&self, mode: Mode, source: &Source<LocalFile>) -> Vec<String> {
        keys::of_source(mode, source)
    }

    fn alike<'a>(
        &'a self,
        new: &'a PostRequest,
        own: Option<PostNumber>,
    ) -> StoreFuture<'a, Option<Alike>> {
        let new = new.clone();
        self.look(LOOK, move |tx, devices| alike::alike(tx, &devices.to_all(&new), own))
    }

    fn take_over<'a>(&'a self, account: &'a str) -> StoreFuture<'a, Epoch> {
        let account = account.to_owned();
        self.write("take an account over", move |tx| attempts::take_over(tx, &account))
    }

    fn epoch<'a>(&'a self, account: &'a str) -> StoreFuture<'a, Epoch> {
        let account = account.to_owned();
        self.read("look who posts", move |tx| attempts::epoch(tx, &account))
    }

    fn post_for<'a>(&'a self, new: &'a PostRequest, mine: Epoch) -> StoreFuture<'a, RecordedPost> {
        let (new, identity) = (new.clone(), Arc::clone(&self.identity));
        self.write("record a post", move |tx| {
            if let Some(LocalFile { fingerprint: Some(fingerprint), .. }) = new.source.file() {
                keys::check_fingerprint(fingerprint)?;
            }
            attempts::hold(tx, &new.account, mine)?;
            let devices = identity.machine.devices()?;
            let new = devices.to_all(&new);
            let made = rules::find_or_make(tx, &new, tx.now()?)?;
            let is_its = |file: &LocalFile| {
                devices.has(file)
                    && new.source.file().is_some_and(|new| new.identity == file.identity)
            };
            if made.file.as_ref().is_some_and(is_its) {
                posts::lies_here(tx, made.number, devices.machine(), &identity.host)?;
            }
            // Whoever made it has it.
            Ok(rules::by_number(tx, made.number)?.to_here(devices))
        })
    }

    fn repeated<'a>(&'a self, repost: &'a RecordedPost) -> StoreFuture<'a, Option<RecordedPost>> {
        let repost = repost.clone();
        self.look(READ, move |tx, _| rules::repeated(tx, &repost))
    }

    fn post(&self, number: PostNumber) -> StoreFuture<'_, RecordedPost> {
        self.look(READ, move |tx, _| rules::by_number(tx, number))
    }

    fn all(&self) -> StoreFuture<'_, Vec<RecordedPost>> {
        self.look(READ, |tx, _| posts::select(tx, "true ORDER BY id", &[]))
    }

    fn after(&self, number: PostNumber, most: u32) -> StoreFuture<'_, Vec<RecordedPost>> {
        self.look(READ, move |tx, _| {
            posts::select(tx, "id > $1 ORDER BY id LIMIT $2", &[number.0.into(), most.into()])
        })
    }

    fn unfinished<'a>(&'a self, account: Option<&'a str>) -> StoreFuture<'a, Vec<RecordedPost>> {
        let account = account.map(ToOwned::to_owned);
        self.look(READ, move |tx, _| rules::unfinished(tx, account.as_deref()))
    }

    fn unpublished(&self) -> StoreFuture<'_, Vec<RecordedPost>> {
        self.look(READ, |tx, _| rules::unpublished(tx))
    }

    fn is_empty(&self) -> StoreFuture<'_, bool> {
        self.read(LOOK, |tx| rules::is_empty(tx))
    }

    fn named<'a>(&'a self, account: &'a str, label: &'a str) -> StoreFuture<'a, Vec<RecordedPost>> {
        let (account, label) = (account.to_owned(), label.to_owned());
        self.look(LOOK, move |tx, _| rules::named(tx, &account, &label))
    }

    fn is_repeated<'a>(&'a self, post: &'a RecordedPost) -> StoreFuture<'a, bool> {
        let post = post.clone();
        self.read(READ, move |tx| rules::is_repeated(tx, &post))
    }

    fn attempts(&self, post: PostNumber) -> StoreFuture<'_, Vec<Attempt>> {
        self.read("read the attempts", move |tx| steps::of_post(tx, post))
    }

    fn begin_attempt(&self, post: PostNumber, mine: Epoch) -> StoreFuture<'_, Attempt> {
        let (worker, marks) = (self.identity.id.clone(), self.marks.clone());
        let held = marks.clone();
        let begin = move |tx: &Tx<'_>| {
            let account = attempts::hold_of(tx, post, mine)?;
            let known = cluster::hold(tx, &account, &held)?;
            let attempt = steps::begin(tx, post, tx.now()?)?;
            attempts::sign(tx, &attempt, &worker)?;
            Ok((known, attempt))
        };
        let keep = move |link: &mut Link, (known, attempt)| {
            keep(&marks, &known, &attempt).inspect_err(|_| {
                // No init follows this, so nothing comes of it.
                let back = |tx: &Tx<'_>| {
                    attempts::hold_of(tx, post, mine)?;
                    tx.update_attempt(&attempt, Phase::Lost, &AttemptUpdate::default(), tx.now()?)
                };
                _ = link.transaction("take an attempt back", Commit::Everywhere, back);
            })?;
            Ok(attempt)
        };
        Box::pin(async move {
            let done =
                self.session.run_then("record an attempt", Commit::Everywhere, begin, keep).await;
            if let Err(StoreError::Journal(JournalError::Doubtful {
                doubt: Doubt::Behind, ..
            })) = &done
            {
                // Before anybody learns of it, so that it never comes after a person has accepted it.
                _ = self.session.run(SAY_BEHIND, Commit::Soon, cluster::is_behind).await;
            }
            done
        })
    }

    fn advance<'a>(
        &'a self,
        known: &'a Attempt,
        to: Phase,
        update: &'a AttemptUpdate,
        mine: Epoch,
    ) -> StoreFuture<'a, Attempt> {
        let (known, mut update) = (known.clone(), update.clone());
        let (key, identity) = (self.key.get(), Arc::clone(&self.identity));
        // Which chunks are stored TikTok says, too, and is asked by whoever goes on with an upload.
        let is_progress = matches!((known.phase, to), (Phase::Open { .. }, Phase::Open { .. }));
        let commit = if is_progress { Commit::Soon } else { Commit::Everywhere };
        let is_last_chunk = !matches!(known.phase, Phase::FinalIntent { .. })
            && matches!(to, Phase::FinalIntent { .. });
        let marks = self.marks.clone();
        let step = move |tx: &Tx<'_>| {
            if !phase::follows(known.phase, to) {
                let Attempt { post, number, phase: from, .. } = known;
                return Err(JournalError::NoSuchStep { post, attempt: number, from, to }.into());
            }
            let account = attempts::hold_of(tx, known.post, mine)?;
            if let Some(fingerprint) = &update.fingerprint {
                let devices = identity.machine.devices()?;
                let claimed = duplicates::claim(tx, known.post, fingerprint);
                claimed.map_err(|error| same_here(error, devices))?;
            }
            if let Some(url) = &update.upload_url
                && let Some(key) = at_rest::key(tx, key.as_ref())?
            {
                let place = resting::place(&account, known.post.0, known.number);
                update.upload_url = Some(encrypt::encrypt(&key, url, &place));
            }
            let known_to_be = if is_last_chunk { Some(cluster::hold_server(tx)?) } else { None };
            let attempt = tx.update_attempt(&known, to, &update, tx.now()?)?;
            attempts::sign(tx, &attempt, &identity.id)?;
            Ok((known_to_be, attempt))
        };
        self.session.run_then("record a step", commit, step, move |_, (known, attempt)| {
            if let Some(known) = known {
                keep(&marks, &known, &attempt)?;
            }
            Ok(attempt)
        })
    }

    fn same_as(&self, post: PostNumber, other: PostNumber, mine: Epoch) -> StoreFuture<'_, ()> {
        self.write("join two posts", move |tx| {
            attempts::hold_of(tx, post, mine)?;
            duplicates::same_as(tx, post, other)
        })
    }

    fn resolve(&self, post: PostNumber, posted: bool) -> StoreFuture<'_, RecordedPost> {
        let worker = self.identity.id.clone();
        let (silence, identity) = (self.identity.silence, Arc::clone(&self.identity));
        self.write("settle a post", move |tx| {
            attempts::lock_of(tx, post)?;
            if !posted {
                attempts::hold_dead(tx, post, &worker, silence)?;
            }
            let settled = steps::resolve(tx, post, posted, tx.now()?)?;
            Ok(settled.to_here(identity.machine.devices()?))
        })
    }

    fn check_key(&self) -> StoreFuture<'_, ()> {
        let key = self.key.get();
        self.read("read how it is encrypted", move |tx| at_rest::key(tx, key.as_ref()).map(drop))
    }

    fn upload_url(&self, account: &str, attempt: &Attempt) -> Option<Secret> {
        resting::upload_url(self.key.get().as_deref(), account, attempt)
    }
}

impl Quota for PostgresJournal {
    fn note_call<'a>(&'a self, account: &'a str, kind: CallKind) -> StoreFuture<'a, ()> {
        let account = account.to_owned();
        self.session.run("count a call", Commit::Soon, move |tx| {
            attempts::lock(tx, &account)?;
            tx.note_call(&account, kind, tx.now()?)
        })
    }

    fn calls_within<'a>(
        &'a self,
        account: &'a str,
        kind: CallKind,
        window: Duration,
    ) -> StoreFuture<'a, u32> {
        let account = account.to_owned();
        self.read("count the calls", move |tx| {
            let calls = attempts::calls_within(tx, &account, kind, tx.now()?, window)?;
            Ok(number_of(&calls))
        })
    }

    fn next_slot<'a>(
        &'a self,
        account: &'a str,
        kind: CallKind,
        limit: u32,
        window: Duration,
    ) -> StoreFuture<'a, Option<Timestamp>> {
        let account = account.to_owned();
        self.read("count the calls", move |tx| {
            let calls = attempts::calls_within(tx, &account, kind, tx.now()?, window)?;
            Ok(free_at(&calls, limit, window))
        })
    }

    fn take_slot<'a>(
        &'a self,
        account: &'a str,
        kind: CallKind,
        limit: u32,
        window: Duration,
    ) -> StoreFuture<'a, Option<Timestamp>> {
        let account = account.to_owned();
        self.session.run("count a call", Commit::Soon, move |tx| {
            attempts::lock(tx, &account)?;
            let now = tx.now()?;
            let calls = attempts::calls_within(tx, &account, kind, now, window)?;
            let free = free_at(&calls, limit, window);
            if free.is_none() {
                tx.note_call(&account, kind, now)?;
            }
            Ok(free)
        })
    }

    fn set_quota_full<'a>(
        &'a self,
        subject: &'a str,
        kind: QuotaKind,
        until: Timestamp,
    ) -> StoreFuture<'a, ()> {
        let subject = subject.to_owned();
        self.write("remember a quota that is used up", move |tx| {
            attempts::set_full(tx, &subject, kind, until)
        })
    }

    fn quota_full_until<'a>(
        &'a self,
        subject: &'a str,
        kind: QuotaKind,
    ) -> StoreFuture<'a, Option<Timestamp>> {
        let subject = subject.to_owned();
        self.read("look for a quota that is used up", move |tx| {
            attempts::full_until(tx, &subject, kind)
        })
    }

    fn pending_drafts<'a>(&'a self, account: &'a str, window: Duration) -> StoreFuture<'a, u32> {
        let account = account.to_owned();
        self.read("count the drafts", move |tx| {
            Ok(number_of(&attempts::drafts(tx, &account, window)?))
        })
    }

    fn next_draft<'a>(
        &'a self,
        account: &'a str,
        limit: u32,
        window: Duration,
    ) -> StoreFuture<'a, Option<Timestamp>> {
        let account = account.to_owned();
        self.read("count the drafts", move |tx| {
            Ok(free_at(&attempts::drafts(tx, &account, window)?, limit, window))
        })
    }
}

/// What is told of posts, in which files of this machine have their devices' own numbers.
trait OfPosts {
    fn to_here(self, devices: &Devices) -> Self;
}

impl OfPosts for bool {
    fn to_here(self, _: &Devices) -> Self {
        self
    }
}

impl OfPosts for RecordedPost {
    fn to_here(self, devices: &Devices) -> Self {
        devices.to_here(self)
    }
}

impl OfPosts for Alike {
    fn to_here(self, devices: &Devices) -> Self {
        Self { post: devices.to_here(self.post), ..self }
    }
}

impl<T: OfPosts> OfPosts for Option<T> {
    fn to_here(self, devices: &Devices) -> Self {
        self.map(|it| it.to_here(devices))
    }
}

impl<T: OfPosts> OfPosts for Vec<T> {
    fn to_here(self, devices: &Devices) -> Self {
        self.into_iter().map(|it| it.to_here(devices)).collect()
    }
}

/// An error that names another post, as that is here.
fn same_here(error: StoreError, devices: &Devices) -> StoreError {
    match error {
        StoreError::Journal(JournalError::SameContent { other, certain }) => {
            JournalError::SameContent { other: Box::new(devices.to_here(*other)), certain }.into()
        }
        error => error,
    }
}

/// Remembers here an attempt that TikTok may make a post of from now on.
fn keep(marks: &Marks, known: &cluster::Known, attempt: &Attempt) -> Result<(), StoreError> {
    match Made::of(attempt) {
        Some(made) => marks.note(&known.identity, known.accepted, Some(made)),
        None => Ok(()),
    }
}

fn number_of(times: &[Timestamp]) -> u32 {
    u32::try_from(times.len()).unwrap_or(u32::MAX)
}
