//! The system of record about posts: what was asked for, what was tried, what came of it.
//!
//! TikTok has no idempotency key, no list of what is under way and no way to cancel an upload. That
//! a post is made once therefore rests on this: each step that cannot be taken back is durable here
//! before it is taken. An error of a write means that it was not recorded, and no call may follow.
//!
//! The journal is one SQLite database, `journal.sqlite`, beside the token store. A [`RecordedPost`] is what
//! was asked for; an [`Attempt`] is one init and what came of it; a phase changes only by
//! [`Journal::advance`], which fails if the phase is not the one that the caller knows.
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
mod db_error;
mod error;
mod guard;
mod host;
mod inspect;
mod keys;
mod marks;
mod phase;
mod place;
mod posts;
mod repair;
mod rows;
mod salvage;
mod schema;
mod seal;
mod store;
#[cfg(test)]
mod tests;
mod twins;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock::Clock;
use crate::encrypt::Key;
use crate::fs::{self, Lock};

pub use alike::{Alike, Likeness};
pub use error::JournalError;
pub use inspect::Inspection;
pub use marks::{Doubt, Mark, TokenMark};
pub use repair::{Repair, Repaired};

use guard::{Guard, Here};
use marks::Known;
use place::{Lies, Place};
use store::Store;

/// An open journal. Clones share one connection. Every call blocks until the disk has answered, and
/// for some seconds if other processes keep the journal busy.
#[derive(Clone, Debug)]
pub struct Journal {
    store: Arc<Store>,
    guard: Arc<Guard>,
    /// What `upload_url`s are sealed with, if they are.
    key: Option<Arc<Key>>,
}

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

/// What [`Journal::open_existing`] found.
#[derive(Debug)]
pub struct Looked {
    /// The journal, if there is one.
    pub journal: Option<Journal>,
    /// Why nothing is posted with it.
    pub doubt: Option<JournalError>,
}

impl Journal {
    /// Opens the journal of a directory to post, creating both if there is none.
    ///
    /// Every page and row is checked. A damaged journal is set aside and the error tells what to do;
    /// as long as one lies there, this fails. If posts were made that the journal does not know,
    /// `accept` decides.
    pub fn open(
        dir: &Path,
        clock: Clock,
        tokens: Arc<dyn TokenMark>,
        accept: Accept,
    ) -> Result<Self, JournalError> {
        let place = Place::new(fs::private_dir(dir)?);
        let held = place.lock()?;
        let lies = place.look()?;
        if lies == Lies::Remains {
            return Err(store::lost(&place, clock, &held));
        }
        if let Some(dir) = place.aside()? {
            return Err(JournalError::SetAside { dir });
        }
        let mut guard = Guard::new(&place, tokens);
        let marks = guard.marks()?;
        let gone = if lies == Lies::Nothing { marks.doubt(None, None) } else { None };
        refuse(gone, accept, place.path())?;
        if lies == Lies::Nothing {
            store::create(&place, &held)?;
        }
        let (store, known, here) = read(place, clock, None, held)?;
        let doubt = gone.or_else(|| marks.doubt(Some(&known), Some(&here)));
        refuse(doubt, accept, store.path())?;
        guard.found(&here, doubt);
        let journal = Self { store: Arc::new(store), guard: Arc::new(guard), key: None };
        match (doubt, accept) {
            (Some(_), Accept::Once) => journal.take(&here)?,
            (Some(_), _) => {}
            (None, _) => journal.settle_in(&known, &marks, &here)?,
        }
        Ok(journal)
    }

    /// Opens the journal of a directory to look at it or to settle posts.
    ///
    /// It is checked as by [`Journal::open`]. If a damaged one was set aside and nobody has restored
    /// a journal since, that is an error; else [`Journal::set_aside`] tells of it. That posts were
    /// made that it does not know is told, and does not keep it from being looked at.
    pub fn open_existing(
        dir: &Path,
        clock: Clock,
        tokens: Arc<dyn TokenMark>,
    ) -> Result<Looked, JournalError> {
        if !dir.exists() {
            return Ok(Looked { journal: None, doubt: None });
        }
        let place = Place::new(fs::private_dir(dir)?);
        let path = place.path().to_owned();
        let doubtful = |doubt: Option<Doubt>| {
            doubt.map(|doubt| JournalError::Doubtful { path: path.clone(), doubt })
        };
        let guard = Guard::new(&place, tokens);
        let nothing = |place: &Place| {
            if let Some(dir) = place.aside()? {
                return Err(JournalError::SetAside { dir });
            }
            let doubt = guard.marks_to_look()?.doubt(None, None);
            Ok(Looked { journal: None, doubt: doubtful(doubt) })
        };
        let aside = place.aside()?;
        if place.look()? == Lies::Nothing {
            return nothing(&place);
        }
        let held = place.lock()?;
        match place.look()? {
            Lies::Journal => {}
            Lies::Remains => return Err(store::lost(&place, clock, &held)),
            // Another process has just set it aside.
            Lies::Nothing => return nothing(&place),
        }
        let marks = guard.marks_to_look()?;
        let (store, known, here) = read(place, clock, aside, held)?;
        let doubt = doubtful(marks.doubt(Some(&known), Some(&here)));
        let journal = Self { store: Arc::new(store), guard: Arc::new(guard), key: None };
        Ok(Looked { journal: Some(journal), doubt })
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        self.store.path()
    }

    /// Whether the journal was last used on another machine: a copy or a restored backup, which may
    /// not know what was posted since. [`Journal::open`] tells it once.
    pub fn came_from_elsewhere(&self) -> bool {
        self.guard.elsewhere()
    }

    /// What was wrong with the journal that [`Accept`] let pass.
    pub fn accepted(&self) -> Option<Doubt> {
        self.guard.accepted()
    }

    /// The damaged journal that lies beside this one. Nothing can be posted while it is there.
    pub fn set_aside(&self) -> Option<&Path> {
        self.store.aside()
    }

    /// Checks every page and row again, as opening did.
    pub fn check(&self) -> Result<(), JournalError> {
        self.store.check()
    }
}

/// Opens the database that lies there, and reads what it says about itself. The marks were read before
/// that, under the same lock: no other run is counted in between.
fn read(
    place: Place,
    clock: Clock,
    aside: Option<PathBuf>,
    held: Lock,
) -> Result<(Store, Known, Here), JournalError> {
    let store = Store::open(place, clock, aside, &held)?;
    let known = store.try_read(Known::read);
    drop(held);
    let known = known.map_err(|stopped| store.explain(stopped, "read"))?;
    let here = Here::of(store.path(), &known)?;
    Ok((store, known, here))
}

fn refuse(doubt: Option<Doubt>, accept: Accept, path: &Path) -> Result<(), JournalError> {
    match (doubt, accept) {
        (Some(doubt), Accept::Never) => {
            Err(JournalError::Doubtful { path: path.to_owned(), doubt })
        }
        _ => Ok(()),
    }
}
