//! The system of record about posts: what was asked for, what was tried, what came of it.
//!
//! TikTok has no idempotency key, no list of what is under way and no way to cancel an upload. That
//! a post is made once therefore rests on this: each step that cannot be taken back is durable here
//! before it is taken. An error of a write means that it was not recorded, and no call may follow.
//!
//! The journal is one SQLite database, `journal.sqlite`, beside the token store. A [`Post`] is what
//! was asked for; an [`Attempt`] is one init and what came of it; a phase changes only by
//! [`Journal::advance`], which fails if the phase is not the one that the caller knows.
//!
//! A damaged journal is set aside and never deleted, and while it lies there nothing is posted: an
//! empty one would post everything again.

mod address;
mod alike;
mod at_rest;
mod attempts;
mod calls;
mod error;
mod host;
mod keys;
mod phase;
mod place;
mod posts;
mod records;
mod rows;
mod schema;
mod seal;
mod store;
#[cfg(test)]
mod tests;
mod trouble;
mod twins;

use std::path::Path;
use std::sync::Arc;

use crate::clock::Clock;
use crate::encrypt::Key;
use crate::fs;

pub use alike::{Alike, Likeness};
pub use error::JournalError;
pub use records::{
    Attempt, CallKind, CapKind, Content, Facts, LocalFile, NewPost, Post, PostNumber, Source,
};

use place::{Lies, Place};
use store::Store;

/// An open journal. Clones share one connection. Every call blocks until the disk has answered, and
/// for some seconds if other processes keep the journal busy.
#[derive(Clone, Debug)]
pub struct Journal {
    store: Arc<Store>,
    /// What `upload_url`s are sealed with, if they are.
    key: Option<Arc<Key>>,
}

impl Journal {
    /// Opens the journal of a directory to post, creating both if there is none.
    ///
    /// Every page and row is checked. A damaged journal is set aside and the error tells what to do;
    /// as long as one lies there, this fails.
    pub fn open(dir: &Path, clock: Clock) -> Result<Self, JournalError> {
        let place = Place::new(fs::private_dir(dir)?);
        let held = place.lock()?;
        match place.look()? {
            Lies::Remains => return Err(store::lost(&place, clock, &held)),
            Lies::Journal | Lies::Nothing => {}
        }
        if let Some(dir) = place.aside()? {
            return Err(JournalError::SetAside { dir });
        }
        if place.look()? == Lies::Nothing {
            store::create(&place, &held)?;
        }
        let store = Store::open(place, clock, None, &held)?;
        drop(held);
        store.remember_host()?;
        Ok(Self { store: Arc::new(store), key: None })
    }

    /// Opens the journal of a directory to look at it or to settle posts; `None` if there is none.
    ///
    /// It is checked as by [`Journal::open`]. If a damaged one was set aside and nobody has restored
    /// a journal since, that is an error; else [`Journal::set_aside`] tells of it.
    pub fn open_existing(dir: &Path, clock: Clock) -> Result<Option<Self>, JournalError> {
        if !dir.exists() {
            return Ok(None);
        }
        let place = Place::new(fs::private_dir(dir)?);
        let aside = place.aside()?;
        if place.look()? == Lies::Nothing {
            return aside.map_or(Ok(None), |dir| Err(JournalError::SetAside { dir }));
        }
        let held = place.lock()?;
        match place.look()? {
            Lies::Journal => {}
            Lies::Remains => return Err(store::lost(&place, clock, &held)),
            // Another process has just set it aside.
            Lies::Nothing => {
                return place.aside()?.map_or(Ok(None), |dir| Err(JournalError::SetAside { dir }));
            }
        }
        let store = Store::open(place, clock, aside, &held)?;
        Ok(Some(Self { store: Arc::new(store), key: None }))
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        self.store.path()
    }

    /// Whether the journal was last used on another machine: a copy or a restored backup, which may
    /// not know what was posted since. [`Journal::open`] tells it once.
    pub fn came_from_elsewhere(&self) -> bool {
        self.store.came_from_elsewhere()
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
