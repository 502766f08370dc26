//! What the database adds to the rules of every store (`store::contract`): damage, versions, copies, and
//! what is in the files.

mod at_rest;
mod checked;
mod damage;
mod files;
mod identity;
mod memory;
mod quota;
mod repair;
mod steps;
mod versions;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::SqliteJournal;
use super::database::db_error::DbError;
use super::database::schema::{Found, SCHEMA};
use crate::clock::Clock;
use crate::exit::Exit;
use crate::model::*;
use crate::output::Explain as _;
use crate::store::contract::fixtures::*;
use crate::store::rules::posts::duplicates;
use crate::store::{Accept, Epoch, JournalError};

/// A directory with a journal in it.
struct Home {
    dir: TempDir,
}

impl Home {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The journal, as another process would open it.
    fn open(&self) -> SqliteJournal {
        self.try_open().unwrap()
    }

    fn try_open(&self) -> Result<SqliteJournal, JournalError> {
        self.open_with(Clock::default())
    }

    fn open_with(&self, clock: Clock) -> Result<SqliteJournal, JournalError> {
        SqliteJournal::open(self.path(), clock, Arc::new(()), Accept::Never)
    }

    /// The journal in another time.
    fn open_ahead(&self, by: SignedDuration) -> SqliteJournal {
        self.open_with(Clock::shifted(by)).unwrap()
    }

    fn look(&self) -> Result<Option<SqliteJournal>, JournalError> {
        let looked = SqliteJournal::open_existing(self.path(), Clock::default(), Arc::new(()))?;
        Ok(looked.journal)
    }
}

/// The writes, each by somebody who takes the account over for it.
impl SqliteJournal {
    fn recorded(&self, new: &PostRequest) -> Result<RecordedPost, JournalError> {
        self.post_for(new, self.take_over(&new.account)?)
    }

    fn begun(&self, post: PostNumber) -> Result<Attempt, JournalError> {
        self.begin_attempt(post, self.claimed(post)?)
    }

    fn step(
        &self,
        attempt: &mut Attempt,
        to: Phase,
        update: &AttemptUpdate,
    ) -> Result<(), JournalError> {
        let mine = self.claimed(attempt.post)?;
        self.advance(attempt, to, update, mine)
    }

    /// Takes the account of a post over.
    fn claimed(&self, post: PostNumber) -> Result<Epoch, JournalError> {
        self.take_over(&self.post(post)?.account)
    }

    /// Walks a new attempt through phases.
    fn walk(&self, post: &RecordedPost, phases: &[(Phase, AttemptUpdate)]) -> Attempt {
        let mut attempt = self.begun(post.number).unwrap();
        for (phase, facts) in phases {
            self.step(&mut attempt, *phase, facts).unwrap();
        }
        attempt
    }

    /// Posts an entry, of a file with that content.
    fn publish(&self, new: &PostRequest, content: &str) -> RecordedPost {
        let post = self.recorded(new).unwrap();
        let mut phases = vec![(OPEN, accepted()), (Phase::Published, NO_FACTS)];
        if post.file.is_some() {
            phases.insert(1, (INTENT, read_as(content)));
        }
        self.walk(&post, &phases);
        self.post(post.number).unwrap()
    }

    /// Records the content of a file's post.
    fn set_fingerprint(&self, post: PostNumber, fingerprint: &str) -> Result<(), JournalError> {
        self.db.write("record a fingerprint", |tx| duplicates::claim(tx, post, fingerprint))
    }

    /// Checks every page and row again, as opening did.
    fn check(&self) -> Result<(), JournalError> {
        self.db.read("check", |tx| match SCHEMA.examine(tx)? {
            Found::Damaged(what) => Err(DbError::Unreadable(what)),
            _ => Ok(()),
        })
    }

    /// Everything that it holds about posts.
    fn content(&self) -> Vec<(RecordedPost, Vec<Attempt>)> {
        let posts = self.all().unwrap().into_iter();
        posts.map(|post| (post.clone(), self.attempts(post.number).unwrap())).collect()
    }
}

/// The error that was hoped for, and that it leads to this exit code.
fn refused<T: std::fmt::Debug>(outcome: Result<T, JournalError>, exit: Exit) -> JournalError {
    let error = outcome.unwrap_err();
    assert_eq!(error.exit(), exit, "{error}");
    error
}
