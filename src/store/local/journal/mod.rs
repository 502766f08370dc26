//! The system of record about posts: what was asked for, what was tried, what came of it.
//!
//! TikTok has no idempotency key, no list of what is under way and no way to cancel an upload. That
//! a post is made once therefore rests on this: each step that cannot be taken back is durable here
//! before it is taken. An error of a write means that it was not recorded, and no call may follow.
//!
//! The journal is one SQLite database, `journal.sqlite`, beside the token store. A [`RecordedPost`] is what
//! was asked for; an [`Attempt`] is one init and what came of it; a phase changes only by
//! `SqliteJournal::advance`, which fails if the phase is not the one that the caller knows.
//!
//! [`RecordedPost`]: crate::model::RecordedPost
//! [`Attempt`]: crate::model::Attempt
//!
//! A copy or an older state of the journal that was put in its place is recognised by marks outside of
//! it ([`TokenMark`]), and nothing is posted with it until a person has looked.
//!
//! A damaged journal is set aside and never deleted, and while it lies there nothing is posted: an
//! empty one would post everything again.

mod address;
mod alike;
mod at_rest;
mod attempts;
mod calls;
mod checksum;
mod database;
mod db_error;
mod dir;
mod duplicates;
mod guard;
mod host;
mod inspect;
mod keys;
mod marks;
mod phase;
mod posts;
mod repair;
mod rows;
mod salvage;
mod schema;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use crate::clock::Clock;
use crate::encrypt::Key;
use crate::fs::{self, Lock};
use crate::store::local::mark::TokenMark;
use crate::store::{Accept, Doubt, JournalError};

pub(crate) use repair::{Repair, Repaired};

use database::Database;
use dir::{DirState, JournalDir};
use guard::Guard;
use host::Here;
use marks::Known;

/// An open journal. Clones share one connection. Every call blocks until the disk has answered, and
/// for some seconds if other processes keep the journal busy.
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
            (Some(_), Accept::Once) => journal.take(&here)?,
            (Some(_), _) => {}
            (None, _) => journal.settle_in(&known, &marks, &here)?,
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
