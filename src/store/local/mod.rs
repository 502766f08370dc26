//! The store of one machine: `user_tokens.json`, `journal.sqlite` and lock files in one directory.
//!
//! [`TokenFile`] and [`SqliteJournal`] do the work, and block; [`LocalStore`] does it on a thread of its own
//! behind the interface. What only files need (looking at a damaged journal, repairing it, encrypting what
//! lies there) is asked of them directly.

mod accounts;
pub mod journal;
mod leases;
pub mod mark;
mod sqlite;
mod thread;
pub mod tokens;

use std::path::Path;
use std::sync::Arc;

pub use journal::{Inspection, Looked, Repair, Repaired, SqliteJournal};
pub use tokens::{Migrated, TokenFile};

use accounts::LocalAccounts;
use leases::LockFiles;
use mark::{Mark, TokenMark};
use sqlite::LocalJournal;
use thread::StoreThread;

use crate::clock::Clock;
use crate::exit::Explain as _;
use crate::store::{
    Accept, AccountError, AccountStore, ExistingJournal, Journal, JournalError, Leases,
    OpenedJournal, Store, StoreError, StoreFuture,
};

/// The store of a directory. Cheap to clone; clones share one thread.
#[derive(Clone, Debug)]
pub struct LocalStore {
    tokens: TokenFile,
    clock: Clock,
    thread: Arc<StoreThread>,
}

impl LocalStore {
    /// The store beside a token file, with the key that that has. Its thread is started now.
    pub fn new(tokens: TokenFile, clock: Clock) -> Result<Self, StoreError> {
        Ok(Self { tokens, clock, thread: Arc::new(StoreThread::start()?) })
    }

    /// The store in a directory, which is made (0700) if it is not there, and must be ours alone. Without
    /// the key of an encrypted one.
    pub fn open(dir: &Path, clock: Clock) -> Result<Self, StoreError> {
        Self::new(TokenFile::open(dir, clock)?, clock)
    }

    /// The token file.
    pub fn token_file(&self) -> &TokenFile {
        &self.tokens
    }

    fn journal(&self, journal: SqliteJournal) -> Arc<dyn Journal> {
        let journal = journal.with_key(self.tokens.key().cloned());
        Arc::new(LocalJournal { journal, thread: Arc::clone(&self.thread) })
    }
}

impl Store for LocalStore {
    fn accounts(&self) -> Arc<dyn AccountStore> {
        let (tokens, thread) = (self.tokens.clone(), Arc::clone(&self.thread));
        Arc::new(LocalAccounts { tokens, thread })
    }

    fn leases(&self) -> Arc<dyn Leases> {
        let (tokens, thread) = (self.tokens.clone(), Arc::clone(&self.thread));
        Arc::new(LockFiles { tokens, thread })
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
        error => JournalError::Tokens { message: error.to_string(), hint: error.hint() },
    }
}
