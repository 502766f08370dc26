//! The system of record about posts: what was asked for, what was tried, what came of it.
//!
//! TikTok has no idempotency key, no list of what is under way and no way to cancel an upload. That
//! a post is made once therefore rests on this: each step that cannot be taken back is durable here
//! before it is taken. An error of a write means that it was not recorded, and no call may follow.
//!
//! The journal is one SQLite database, `journal.sqlite`, beside the token store. A [`RecordedPost`] is what
//! was asked for; an [`Attempt`] is one init and what came of it; a phase changes only by
//! `SqliteJournal::advance`, which fails if the phase is not the one that the caller knows, or if somebody else
//! has taken the account over since.
//!
//! [`RecordedPost`]: crate::model::RecordedPost
//! [`Attempt`]: crate::model::Attempt
//!
//! A copy or an older state of the journal that was put in its place is recognised by marks outside of
//! it ([`TokenMark`]), and nothing is posted with it until a person has looked.
//!
//! A damaged journal is set aside and never deleted, and while it lies there nothing is posted: an
//! empty one would post everything again.

mod at_rest;
mod attempts;
mod calls;
mod database;
mod epochs;
mod inspect;
mod marks;
mod posts;
mod repair;
mod rows;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Transaction;

use crate::clock::Clock;
use crate::encrypt::Key;
use crate::fs::{self, Lock};
use crate::model::{
    Attempt, AttemptUpdate, CallKind, FileIdentity, LocalFile, Mode, Phase, PostNumber,
    PostRequest, QuotaKind, RecordedPost, Source, Transfer,
};
use crate::secret::Secret;
use crate::store::local::mark::TokenMark;
use crate::store::rules::attempts as steps;
use crate::store::rules::posts::{self as rules, alike, duplicates, keys};
use crate::store::rules::{at_rest as resting, calls as windows, phase};
use crate::store::{Accept, Alike, Doubt, Epoch, JournalError};

pub(crate) use database::dir::NAME as JOURNAL_FILE;
pub(crate) use inspect::Evidence;
pub(crate) use repair::{Repair, Repaired};

use database::Database;
use database::dir::{DirState, JournalDir};
use marks::Known;
use marks::guard::Guard;
use marks::host::Here;

/// How much memory [`SqliteJournal::fill`] may take for its pages: as SQLite has it, negative and in KiB.
const FILLING: i64 = -(8 << 20);

/// An open journal. Clones share one connection. Every call blocks until the disk has answered, and
/// for some seconds if other processes keep the journal busy.
///
/// Methods that [`Journal`](crate::store::Journal) and [`Quota`](crate::store::Quota) have do what is said
/// there.
#[derive(Clone, Debug)]
pub(crate) struct SqliteJournal {
    db: Arc<Database>,
    guard: Arc<Guard>,
    /// What `upload_url`s are encrypted with, if they are.
    key: Option<Arc<Key>>,
}

/// What [`SqliteJournal::open_existing`] found.
#[derive(Debug)]
pub(crate) struct Looked {
    /// The journal, if there is one.
    pub(crate) journal: Option<SqliteJournal>,
    /// Why nothing is posted with it.
    pub(crate) doubt: Option<JournalError>,
}

impl SqliteJournal {
    /// Opens the journal of a directory to post, creating both if there is none.
    ///
    /// Every page and row is checked. A damaged journal is set aside and the error tells what to do;
    /// as long as one lies there, this fails. If posts were made that the journal does not know,
    /// `accept` decides.
    pub(crate) fn open(
        dir: &Path,
        clock: Clock,
        tokens: Arc<dyn TokenMark>,
        accept: Accept,
    ) -> Result<Self, JournalError> {
        let journal_dir = JournalDir::new(fs::private_dir(dir)?);
        let held = journal_dir.lock()?;
        let state = journal_dir.look()?;
        if state == DirState::OrphanedWal {
            return Err(database::lost(&journal_dir, clock, &held));
        }
        if let Some(dir) = journal_dir.aside()? {
            return Err(JournalError::SetAside { dir });
        }
        let mut guard = Guard::new(&journal_dir, tokens);
        let marks = guard.marks()?;
        let gone = if state == DirState::Empty { marks.doubt(None, None) } else { None };
        refuse(gone, accept, journal_dir.path())?;
        if state == DirState::Empty {
            database::create(&journal_dir, &held)?;
        }
        let (db, known, here) = read(journal_dir, clock, held)?;
        let doubt = gone.or_else(|| marks.doubt(Some(&known), Some(&here)));
        refuse(doubt, accept, db.path())?;
        guard.found(&here, doubt);
        let journal = Self { db: Arc::new(db), guard: Arc::new(guard), key: None };
        match (doubt, accept) {
            (Some(_), Accept::Once) => journal.guard.take(&journal.db, &here)?,
            (Some(_), _) => {}
            (None, _) => journal.guard.settle_in(&journal.db, &known, &marks, &here)?,
        }
        Ok(journal)
    }

    /// Opens the journal of a directory to look at it or to settle posts.
    ///
    /// It is checked as by `SqliteJournal::open`. If a damaged one was set aside and nobody has restored
    /// a journal since, that is an error. That posts were
    /// made that it does not know is told, and does not keep it from being looked at.
    pub(crate) fn open_existing(
        dir: &Path,
        clock: Clock,
        tokens: Arc<dyn TokenMark>,
    ) -> Result<Looked, JournalError> {
        if !dir.exists() {
            return Ok(Looked { journal: None, doubt: None });
        }
        let journal_dir = JournalDir::new(fs::private_dir(dir)?);
        let path = journal_dir.path().to_owned();
        let doubtful = |doubt: Option<Doubt>| {
            doubt.map(|doubt| JournalError::Doubtful { path: path.clone(), doubt })
        };
        let guard = Guard::new(&journal_dir, tokens);
        let nothing = |journal_dir: &JournalDir| {
            if let Some(dir) = journal_dir.aside()? {
                return Err(JournalError::SetAside { dir });
            }
            let doubt = guard.marks_to_look()?.doubt(None, None);
            Ok(Looked { journal: None, doubt: doubtful(doubt) })
        };
        if journal_dir.look()? == DirState::Empty {
            return nothing(&journal_dir);
        }
        let held = journal_dir.lock()?;
        match journal_dir.look()? {
            DirState::Journal => {}
            DirState::OrphanedWal => return Err(database::lost(&journal_dir, clock, &held)),
            // Another process has just set it aside.
            DirState::Empty => return nothing(&journal_dir),
        }
        let marks = guard.marks_to_look()?;
        let (db, known, here) = read(journal_dir, clock, held)?;
        let doubt = doubtful(marks.doubt(Some(&known), Some(&here)));
        let journal = Self { db: Arc::new(db), guard: Arc::new(guard), key: None };
        Ok(Looked { journal: Some(journal), doubt })
    }

    /// Reads the journal of a directory from end to end, and holds it against its marks. What is damaged
    /// stays where it is.
    pub(crate) fn inspect(
        dir: &Path,
        tokens: Arc<dyn TokenMark>,
    ) -> Result<inspect::Inspection, JournalError> {
        inspect::inspect(dir, tokens)
    }

    /// Makes a journal of what can be read of the damaged one in a directory, or of the one that was set
    /// aside last. Not while anybody posts.
    pub(crate) fn repair(dir: &Path, clock: Clock) -> Result<Repair, JournalError> {
        repair::repair(dir, clock)
    }

    /// The damaged journal that blocks `upload`, if there is one.
    pub(crate) fn set_aside_in(dir: &Path) -> Result<Option<PathBuf>, JournalError> {
        repair::set_aside_in(dir)
    }

    /// The same journal with the key of the token store, if that is encrypted.
    #[must_use]
    pub(crate) fn with_key(self, key: Option<Arc<Key>>) -> Self {
        Self { key, ..self }
    }

    /// The database file.
    pub(crate) fn path(&self) -> &Path {
        self.db.path()
    }

    /// Whether the journal was last used on another machine: a copy or a restored backup, which may
    /// not know what was posted since. [`SqliteJournal::open`] tells it once.
    pub(crate) fn came_from_elsewhere(&self) -> bool {
        self.guard.elsewhere()
    }

    /// What was wrong with the journal that [`Accept`] let pass.
    pub(crate) fn accepted(&self) -> Option<Doubt> {
        self.guard.accepted()
    }

    pub(crate) fn find(&self, new: &PostRequest) -> Result<Option<RecordedPost>, JournalError> {
        self.db.read("look for a post", |tx| rules::find(tx, new))
    }

    pub(crate) fn made(
        &self,
        entries: &[PostRequest],
    ) -> Result<Vec<Option<RecordedPost>>, JournalError> {
        self.db
            .read("look for posts", |tx| entries.iter().map(|new| rules::made(tx, new)).collect())
    }

    pub(crate) fn are_new(&self, entries: &[PostRequest]) -> Result<Vec<bool>, JournalError> {
        self.db
            .read("look for posts", |tx| entries.iter().map(|new| rules::is_new(tx, new)).collect())
    }

    pub(crate) fn find_by_id(
        &self,
        account: &str,
        id: &str,
    ) -> Result<Option<RecordedPost>, JournalError> {
        let key = keys::of_id(id);
        self.db.read("look for a post", |tx| rules::find_by_key(tx, account, &key))
    }

    pub(crate) fn find_by_file(
        &self,
        account: &str,
        mode: Mode,
        file: &FileIdentity,
    ) -> Result<Option<RecordedPost>, JournalError> {
        let key = keys::of_file(mode, file);
        self.db.read("look for a post", |tx| rules::find_by_key(tx, account, &key))
    }

    pub(crate) fn find_by_path(
        &self,
        account: &str,
        mode: Mode,
        path: &Path,
    ) -> Result<Option<RecordedPost>, JournalError> {
        self.db.read("look for a post", |tx| rules::with_path(tx, account, mode, path))
    }

    pub(crate) fn known_with_size(
        &self,
        account: &str,
        mode: Mode,
        size: u64,
    ) -> Result<Vec<RecordedPost>, JournalError> {
        self.db.read("look for a post", |tx| rules::with_size(tx, account, mode, size))
    }

    pub(crate) fn id_of_other_content(
        &self,
        new: &PostRequest,
    ) -> Result<Option<RecordedPost>, JournalError> {
        let Some(id) = &new.id else { return Ok(None) };
        self.db.read("look for a post", |tx| alike::id_of_other_content(tx, id, new))
    }

    pub(crate) fn content_keys(mode: Mode, source: &Source<LocalFile>) -> Vec<String> {
        keys::of_source(mode, source)
    }

    pub(crate) fn alike(
        &self,
        new: &PostRequest,
        own: Option<PostNumber>,
    ) -> Result<Option<Alike>, JournalError> {
        self.db.read("look for a post", |tx| alike::alike(tx, new, own))
    }

    pub(crate) fn take_over(&self, account: &str) -> Result<Epoch, JournalError> {
        self.db.write("take an account over", |tx| epochs::take_over(tx, account))
    }

    pub(crate) fn epoch(&self, account: &str) -> Result<Epoch, JournalError> {
        self.db.read("look who posts", |tx| epochs::current(tx, account))
    }

    pub(crate) fn post_for(
        &self,
        new: &PostRequest,
        mine: Epoch,
    ) -> Result<RecordedPost, JournalError> {
        if let Some(LocalFile { fingerprint: Some(fingerprint), .. }) = new.source.file() {
            keys::check_fingerprint(fingerprint)?;
        }
        let now = self.db.now();
        self.db.write("record a post", |tx| {
            epochs::hold(tx, &new.account, mine)?;
            rules::find_or_make(tx, new, now)
        })
    }

    pub(crate) fn repeated(
        &self,
        repost: &RecordedPost,
    ) -> Result<Option<RecordedPost>, JournalError> {
        self.db.read("read a post", |tx| rules::repeated(tx, repost))
    }

    pub(crate) fn post(&self, number: PostNumber) -> Result<RecordedPost, JournalError> {
        self.db.read("read a post", |tx| rules::by_number(tx, number))
    }

    pub(crate) fn all(&self) -> Result<Vec<RecordedPost>, JournalError> {
        self.db.read("read the posts", |tx| rows::posts(tx, "true ORDER BY id", []))
    }

    pub(crate) fn after(
        &self,
        number: PostNumber,
        most: u32,
    ) -> Result<Vec<RecordedPost>, JournalError> {
        let condition = "id > ?1 ORDER BY id LIMIT ?2";
        self.db.read("read the posts", |tx| rows::posts(tx, condition, [number.0, most]))
    }

    pub(crate) fn unfinished(
        &self,
        account: Option<&str>,
    ) -> Result<Vec<RecordedPost>, JournalError> {
        self.db.read("read the posts", |tx| rules::unfinished(tx, account))
    }

    pub(crate) fn unpublished(&self) -> Result<Vec<RecordedPost>, JournalError> {
        self.db.read("read the posts", |tx| rules::unpublished(tx))
    }

    pub(crate) fn is_empty(&self) -> Result<bool, JournalError> {
        self.db.read("look for a post", |tx| rules::is_empty(tx))
    }

    pub(crate) fn named(
        &self,
        account: &str,
        label: &str,
    ) -> Result<Vec<RecordedPost>, JournalError> {
        self.db.read("look for a post", |tx| rules::named(tx, account, label))
    }

    pub(crate) fn is_repeated(&self, post: &RecordedPost) -> Result<bool, JournalError> {
        self.db.read("read a post", |tx| rules::is_repeated(tx, post))
    }

    pub(crate) fn attempts(&self, post: PostNumber) -> Result<Vec<Attempt>, JournalError> {
        self.db.read("read the attempts", |tx| steps::of_post(tx, post))
    }

    pub(crate) fn begin_attempt(
        &self,
        post: PostNumber,
        mine: Epoch,
    ) -> Result<Attempt, JournalError> {
        self.guard.count_run(&self.db)?;
        let now = self.db.now();
        self.db.write("record an attempt", |tx| {
            epochs::hold_of(tx, post, mine)?;
            steps::begin(tx, post, now)
        })
    }

    /// Takes the new state into `attempt`.
    pub(crate) fn advance(
        &self,
        attempt: &mut Attempt,
        to: Phase,
        update: &AttemptUpdate,
        mine: Epoch,
    ) -> Result<(), JournalError> {
        if !phase::follows(attempt.phase, to) {
            let Attempt { post, number, phase: from, .. } = *attempt;
            return Err(JournalError::NoSuchStep { post, attempt: number, from, to });
        }
        let now = self.db.now();
        let (path, key) = (self.path(), self.key.as_deref());
        let step = |tx: &Transaction<'_>| {
            epochs::hold_of(tx, attempt.post, mine)?;
            if let Some(fingerprint) = &update.fingerprint {
                duplicates::claim(tx, attempt.post, fingerprint)?;
            }
            let update = at_rest::as_it_rests(tx, path, key, attempt, update)?;
            attempts::update(tx, attempt, to, &update, now)
        };
        // Which chunks are stored TikTok says, too, and is asked by whoever goes on with an upload.
        let is_progress = matches!((attempt.phase, to), (Phase::Open { .. }, Phase::Open { .. }));
        *attempt = if is_progress {
            self.db.write_soon("record a step", step)?
        } else {
            self.db.write("record a step", step)?
        };
        Ok(())
    }

    /// Records posts that the journal does not know as published, all in one step, whose pages are kept in
    /// memory until its end: a journal of any size, for measurements.
    pub(crate) fn fill(&self, posts: &[PostRequest]) -> Result<(), JournalError> {
        self.guard.count_run(&self.db)?;
        let now = self.db.now();
        self.db.write("record posts", |tx| {
            // Its keys are hashes: each lies in another page.
            tx.pragma_update(None, "cache_size", FILLING)?;
            for new in posts {
                let post = rules::make(tx, new, None, now)?;
                let file = new.source.file().map(|file| Transfer::File { chunks: file.chunks });
                let transfer = file.unwrap_or(Transfer::Pull);
                attempts::insert(tx, post, transfer, Phase::Published, now)?;
            }
            Ok(())
        })
    }

    pub(crate) fn same_as(
        &self,
        post: PostNumber,
        other: PostNumber,
        mine: Epoch,
    ) -> Result<(), JournalError> {
        self.db.write("join two posts", |tx| {
            epochs::hold_of(tx, post, mine)?;
            duplicates::same_as(tx, post, other)
        })
    }

    pub(crate) fn resolve(
        &self,
        post: PostNumber,
        posted: bool,
    ) -> Result<RecordedPost, JournalError> {
        let now = self.db.now();
        self.db.write("settle a post", |tx| steps::resolve(tx, post, posted, now))
    }

    pub(crate) fn note_call(&self, account: &str, kind: CallKind) -> Result<(), JournalError> {
        let now = self.db.now();
        self.db.write("count a call", |tx| calls::note(tx, account, kind, now))
    }

    pub(crate) fn calls_within(
        &self,
        account: &str,
        kind: CallKind,
        window: Duration,
    ) -> Result<u32, JournalError> {
        Ok(number_of(&self.calls(account, kind, window)?))
    }

    pub(crate) fn next_slot(
        &self,
        account: &str,
        kind: CallKind,
        limit: u32,
        window: Duration,
    ) -> Result<Option<Timestamp>, JournalError> {
        Ok(windows::free_at(&self.calls(account, kind, window)?, limit, window))
    }

    fn calls(
        &self,
        account: &str,
        kind: CallKind,
        window: Duration,
    ) -> Result<Vec<Timestamp>, JournalError> {
        let now = self.db.now();
        self.db.read("count the calls", |tx| calls::within(tx, account, kind, now, window))
    }

    pub(crate) fn take_slot(
        &self,
        account: &str,
        kind: CallKind,
        limit: u32,
        window: Duration,
    ) -> Result<Option<Timestamp>, JournalError> {
        let now = self.db.now();
        self.db.write("count a call", |tx| calls::take_slot(tx, account, kind, limit, window, now))
    }

    pub(crate) fn set_quota_full(
        &self,
        subject: &str,
        kind: QuotaKind,
        until: Timestamp,
    ) -> Result<(), JournalError> {
        self.db.write("remember a quota that is used up", |tx| {
            calls::set_full(tx, subject, kind, until)
        })
    }

    pub(crate) fn quota_full_until(
        &self,
        subject: &str,
        kind: QuotaKind,
    ) -> Result<Option<Timestamp>, JournalError> {
        let now = self.db.now();
        self.db.read("look for a quota that is used up", |tx| {
            calls::full_until(tx, subject, kind, now)
        })
    }

    pub(crate) fn pending_drafts(
        &self,
        account: &str,
        window: Duration,
    ) -> Result<u32, JournalError> {
        Ok(number_of(&self.drafts(account, window)?))
    }

    pub(crate) fn next_draft(
        &self,
        account: &str,
        limit: u32,
        window: Duration,
    ) -> Result<Option<Timestamp>, JournalError> {
        Ok(windows::free_at(&self.drafts(account, window)?, limit, window))
    }

    fn drafts(&self, account: &str, window: Duration) -> Result<Vec<Timestamp>, JournalError> {
        let now = self.db.now();
        self.db.read("count the drafts", |tx| attempts::drafts(tx, account, now, window))
    }

    pub(crate) fn check_key(&self) -> Result<(), JournalError> {
        at_rest::check_key(&self.db, self.key.as_deref())
    }

    pub(crate) fn upload_url(&self, account: &str, attempt: &Attempt) -> Option<Secret> {
        resting::upload_url(self.key.as_deref(), account, attempt)
    }

    /// Encrypts the `upload_url`s of all living attempts with the key of this journal, in one transaction.
    /// Gives their number.
    pub(crate) fn encrypt(&self) -> Result<usize, JournalError> {
        self.key.as_deref().map_or(Ok(0), |key| at_rest::encrypt(&self.db, key))
    }

    /// Puts the `upload_url`s back into plain text, in one transaction. Those that the key of this
    /// journal does not open are forgotten. Gives their number.
    pub(crate) fn decrypt(&self) -> Result<usize, JournalError> {
        at_rest::decrypt(&self.db, self.key.as_deref())
    }
}

fn number_of(times: &[Timestamp]) -> u32 {
    u32::try_from(times.len()).unwrap_or(u32::MAX)
}

/// Opens the database that lies there, and reads what it says about itself. The marks were read before
/// that, under the same lock: no other run is counted in between.
fn read(
    journal_dir: JournalDir,
    clock: Clock,
    held: Lock,
) -> Result<(Database, Known, Here), JournalError> {
    let db = Database::open(journal_dir, clock, &held)?;
    let known = db.try_read(Known::read);
    drop(held);
    let known = known.map_err(|stopped| db.explain(stopped, "read"))?;
    let here = Here::of(db.path(), known.host.as_deref(), known.file)?;
    Ok((db, known, here))
}

fn refuse(doubt: Option<Doubt>, accept: Accept, path: &Path) -> Result<(), JournalError> {
    match (doubt, accept) {
        (Some(doubt), Accept::Never) => {
            Err(JournalError::Doubtful { path: path.to_owned(), doubt })
        }
        _ => Ok(()),
    }
}
