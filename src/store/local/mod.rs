//! The store of one machine: `user_tokens.json`, `journal.sqlite` and lock files in one directory.
//!
//! [`TokenFile`] and [`SqliteJournal`] do the work, and block; [`LocalStore`] does it on a thread of its own
//! behind the interface. What only files need (looking at a damaged journal, repairing it, encrypting what
//! lies there) is asked of them directly.

mod accounts;
mod files;
mod group;
pub(crate) mod journal;
mod leases;
pub(crate) mod mark;
mod slots;
mod sqlite;
#[cfg(test)]
mod tests;
pub(crate) mod tokens;

use std::path::Path;
use std::sync::{Arc, OnceLock};

pub(crate) use journal::{Evidence, JOURNAL_FILE, Looked, Repair, Repaired, SqliteJournal};
pub(crate) use tokens::{FILE as TOKENS_FILE, Logged, Logs, Migrated, RefreshLog, TokenFile};

pub(crate) use files::LocalFiles;
pub(crate) use slots::FILE as SLOTS_FILE;

use accounts::LocalAccounts;
use leases::LockFiles;
use mark::{Mark, TokenMark};
use slots::LocalSlots;
use sqlite::LocalJournal;

use crate::clock::Clock;
use crate::encrypt::{Encryption, Key};
use crate::store::thread::StoreThread;
use crate::store::{
    Accept, AccountError, AccountStore, ExistingJournal, FlushOnDrop, Journal, JournalError,
    Leases, OpenedJournal, Slots, Store, StoreError, StoreFuture,
};

/// The store of a directory. Cheap to clone; clones share one thread.
#[derive(Clone, Debug)]
pub(crate) struct LocalStore {
    tokens: TokenFile,
    clock: Clock,
    /// What `upload_url`s are encrypted with, once it is known. The open journals share it.
    key: Arc<OnceLock<Arc<Key>>>,
    thread: Arc<StoreThread>,
}

impl LocalStore {
    /// The store beside a token file, with the key that that has. Its thread is started now.
    pub(crate) fn new(tokens: TokenFile, clock: Clock) -> Result<Self, StoreError> {
        let key = tokens.key().cloned().map_or_else(OnceLock::new, OnceLock::from);
        Ok(Self { tokens, clock, key: Arc::new(key), thread: Arc::new(StoreThread::start()?) })
    }

    /// The store in a directory, which is made (0700) if it is not there, and must be ours alone. Without
    /// the key of an encrypted one.
    pub(crate) fn open(dir: &Path, clock: Clock) -> Result<Self, StoreError> {
        Self::new(TokenFile::open(dir, clock)?, clock)
    }

    fn journal(&self, journal: SqliteJournal) -> Arc<dyn Journal> {
        let (key, thread) = (Arc::clone(&self.key), Arc::clone(&self.thread));
        Arc::new(LocalJournal { journal, key, thread })
    }
}

impl Store for LocalStore {
    fn accounts(&self) -> Arc<dyn AccountStore> {
        Arc::new(LocalAccounts::new(self.tokens.clone(), Arc::clone(&self.thread)))
    }

    fn leases(&self) -> Arc<dyn Leases> {
        let (tokens, thread) = (self.tokens.clone(), Arc::clone(&self.thread));
        Arc::new(LockFiles { tokens, thread })
    }

    fn slots(&self) -> Arc<dyn Slots> {
        Arc::new(LocalSlots::in_dir(self.tokens.dir(), Arc::clone(&self.thread)))
    }

    fn encryption(&self) -> StoreFuture<'_, Option<Encryption>> {
        let tokens = self.tokens.clone();
        self.thread.run(move || tokens.encryption())
    }

    fn with_key(&self, key: Key) -> Arc<dyn Store> {
        let tokens = self.tokens.clone().with_key(key);
        if let Some(key) = tokens.key() {
            self.key.get_or_init(|| Arc::clone(key));
        }
        Arc::new(Self { tokens, ..self.clone() })
    }

    fn open_journal(&self, accept: Accept) -> StoreFuture<'_, OpenedJournal> {
        let (tokens, clock) = (self.tokens.clone(), self.clock);
        let open = self.thread.run(move || {
            SqliteJournal::open(tokens.dir(), clock, Arc::new(tokens.clone()), accept)
        });
        Box::pin(async move {
            let journal = open.await?;
            Ok(OpenedJournal {
                came_from_elsewhere: journal.came_from_elsewhere(),
                accepted: journal.accepted(),
                journal: self.journal(journal),
            })
        })
    }

    fn existing_journal(&self) -> StoreFuture<'_, ExistingJournal> {
        let (tokens, clock) = (self.tokens.clone(), self.clock);
        let open = self.thread.run(move || {
            SqliteJournal::open_existing(tokens.dir(), clock, Arc::new(tokens.clone()))
        });
        Box::pin(async move {
            let Looked { journal, doubt } = open.await?;
            let journal = journal.map(|journal| self.journal(journal));
            Ok(ExistingJournal { journal, doubt: doubt.map(Into::into) })
        })
    }

    fn flush(&self) -> StoreFuture<'_, ()> {
        self.thread.run(|| Ok::<_, StoreError>(()))
    }

    fn flush_on_drop(&self) -> FlushOnDrop {
        let thread = Arc::clone(&self.thread);
        FlushOnDrop::new(move || thread.wait())
    }
}

/// The token file keeps the mark of the journal beside it.
impl TokenMark for TokenFile {
    fn read(&self) -> Result<Option<Mark>, JournalError> {
        self.journal_mark().map_err(of_mark)
    }

    fn write(&self, mark: &Mark) -> Result<(), JournalError> {
        self.set_journal_mark(mark).map_err(of_mark)
    }
}

fn of_mark(error: AccountError) -> JournalError {
    match error {
        AccountError::File(error) => error.into(),
        AccountError::Lock(error) => error.into(),
        error => JournalError::Tokens { error: Box::new(error) },
    }
}
