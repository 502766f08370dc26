//! The store of many machines: a `PostgreSQL` database.
//!
//! Three connections, each on a thread of its own: accounts, posts, and leases, whose heartbeat waits for nothing
//! else. What is asked for is done in that order, and to its end, even if nobody waits for it any more.
//!
//! All that is written of an account's posts waits for the account's row in `epochs`, and compares its epoch:
//! whoever lost the lease records nothing. Times by which machines are judged are those of the server.

mod accounts;
mod address;
mod at_rest;
mod check;
mod cluster;
mod journal;
mod leases;
mod link;
mod machine;
mod marks;
mod queue;
mod schema;
mod slots;
mod target;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod tls;
mod tx;
mod value;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use check::Checked;
pub(crate) use schema::latest;
pub(crate) use target::Target;

use accounts::PostgresAccounts;
use at_rest::KeyCell;
use journal::PostgresJournal;
use leases::{Identity, PostgresLeases};
use link::{Commit, Session};
use machine::Machine;
use marks::Marks;
use queue::PostgresQueue;
use slots::PostgresSlots;
use tx::Tx;

use crate::clock::Clock;
use crate::encrypt::{Encryption, Key};
use crate::store::{
    Accept, AccountStore, Doubt, ExistingJournal, FlushOnDrop, Journal, Leases, OpenedJournal,
    Queue, Slots, Store, StoreError, StoreFuture,
};
use crate::timing::Timing;

const SAY_BEHIND: &str = "say that posts are missing";

/// The store of a database. Nothing is asked of the server before anything is asked of this.
#[derive(Clone, Debug)]
pub(crate) struct PostgresStore {
    target: Arc<Target>,
    accounts: Arc<Session>,
    journal: Arc<Session>,
    leases: Arc<Session>,
    identity: Arc<Identity>,
    /// What this machine has seen of the database.
    marks: Marks,
    key: Arc<KeyCell>,
}

impl PostgresStore {
    /// The store of a database, without the key of an encrypted one. Its leases last as long as `life` if nobody
    /// renews them. Its threads are started now.
    pub(crate) fn new(target: Target, clock: Clock, life: Duration) -> Result<Self, StoreError> {
        let target = Arc::new(target);
        let timing = Timing { lease: life, ..Timing::default() };
        Ok(Self {
            accounts: Arc::new(Session::start(&target, clock)?),
            journal: Arc::new(Session::start(&target, clock)?),
            leases: Arc::new(Session::start(&target, clock)?),
            identity: Arc::new(Identity::new(&timing, &Arc::new(Machine::new(None)))),
            marks: Marks::new(None, target.place()),
            key: Arc::default(),
            target,
        })
    }

    /// The same for a run with waiting times of its own.
    #[must_use]
    pub(crate) fn timed(self, timing: &Timing) -> Self {
        Self { identity: Arc::new(Identity::new(timing, &self.identity.machine)), ..self }
    }

    /// The same with a directory of this machine, in which it remembers what it has seen of the database.
    #[must_use]
    pub(crate) fn remembering_in(self, dir: &Path) -> Self {
        let machine = Arc::new(Machine::new(Some(dir)));
        let identity = Arc::new(self.identity.on(machine));
        Self { marks: Marks::new(Some(dir), self.target.place()), identity, ..self }
    }

    /// The address of the database for people, without user and password.
    pub(crate) fn place(&self) -> &str {
        self.target.place()
    }

    /// Looks at the database, and changes nothing there.
    pub(crate) fn check(&self) -> StoreFuture<'_, Checked> {
        let marks = self.marks.clone();
        let look = move |tx: &Tx<'_>| check::check(tx, &marks);
        self.accounts.bare("look at the database", Commit::Read, look)
    }

    /// Brings the database to the version of this program. Gives the version that was there.
    pub(crate) fn migrate(&self) -> StoreFuture<'_, i64> {
        self.accounts.bare("migrate", Commit::Everywhere, schema::migrate)
    }

    /// Encrypts all that is secret with a key, which `encryption` describes; whatever comes after that is
    /// encrypted as well. Gives how many logins and `upload_url`s it encrypted.
    pub(crate) fn encrypt(
        &self,
        encryption: Encryption,
        key: Key,
    ) -> StoreFuture<'_, (usize, usize)> {
        let key = Arc::new(key);
        self.accounts
            .run("encrypt", Commit::Everywhere, move |tx| check::encrypt(tx, &encryption, &key))
    }

    fn opened(&self) -> Arc<dyn Journal> {
        Arc::new(PostgresJournal {
            session: Arc::clone(&self.journal),
            identity: Arc::clone(&self.identity),
            marks: self.marks.clone(),
            key: Arc::clone(&self.key),
        })
    }

    /// Why the database may not know what was posted.
    fn doubt(&self) -> StoreFuture<'_, Option<Doubt>> {
        let marks = self.marks.clone();
        let look = move |tx: &Tx<'_>| cluster::doubt(tx, &marks);
        self.journal.run("look which server it is", Commit::Read, look)
    }

    /// Has the database count as it is from now on, for all machines.
    fn accept(&self) -> StoreFuture<'_, ()> {
        let marks = self.marks.clone();
        let keep = move |_: &mut _, known: cluster::Known| {
            marks.note(&known.identity, known.accepted, None)
        };
        self.journal.run_then("accept the database", Commit::Everywhere, cluster::accept, keep)
    }

    fn doubtful(&self, doubt: Doubt) -> StoreError {
        cluster::doubtful(self.target.place(), doubt)
    }
}

impl Store for PostgresStore {
    fn accounts(&self) -> Arc<dyn AccountStore> {
        Arc::new(PostgresAccounts {
            session: Arc::clone(&self.accounts),
            identity: Arc::clone(&self.identity),
            key: Arc::clone(&self.key),
            place: self.target.place().to_owned(),
        })
    }

    fn leases(&self) -> Arc<dyn Leases> {
        Arc::new(PostgresLeases {
            session: Arc::clone(&self.leases),
            identity: Arc::clone(&self.identity),
        })
    }

    fn slots(&self) -> Arc<dyn Slots> {
        Arc::new(PostgresSlots { session: Arc::clone(&self.journal) })
    }

    fn queue(&self) -> Option<Arc<dyn Queue>> {
        Some(Arc::new(PostgresQueue {
            session: Arc::clone(&self.journal),
            identity: Arc::clone(&self.identity),
            key: Arc::clone(&self.key),
        }))
    }

    fn encryption(&self) -> StoreFuture<'_, Option<Encryption>> {
        self.accounts.run("read how it is encrypted", Commit::Read, at_rest::encryption)
    }

    fn with_key(&self, key: Key) -> Arc<dyn Store> {
        self.key.set(key);
        Arc::new(self.clone())
    }

    fn open_journal(&self, accept: Accept) -> StoreFuture<'_, OpenedJournal> {
        Box::pin(async move {
            let accepted = self.doubt().await?;
            match (accepted, accept) {
                (Some(doubt), Accept::Never) => {
                    if doubt == Doubt::Behind {
                        // As in the journal: before anybody learns of it.
                        _ = self.journal.run(SAY_BEHIND, Commit::Soon, cluster::is_behind).await;
                    }
                    return Err(self.doubtful(doubt));
                }
                (Some(_), Accept::Once) => self.accept().await?,
                _ => {}
            }
            Ok(OpenedJournal { journal: self.opened(), came_from_elsewhere: false, accepted })
        })
    }

    fn existing_journal(&self) -> StoreFuture<'_, ExistingJournal> {
        Box::pin(async move {
            let doubt = self.doubt().await?.map(|doubt| self.doubtful(doubt));
            Ok(ExistingJournal { journal: Some(self.opened()), doubt })
        })
    }

    fn flush(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            for session in [&self.accounts, &self.journal, &self.leases] {
                session.flush().await?;
            }
            Ok(())
        })
    }

    fn flush_on_drop(&self) -> FlushOnDrop {
        let sessions = [&self.accounts, &self.journal, &self.leases].map(Arc::clone);
        FlushOnDrop::new(move || {
            for session in sessions {
                session.wait();
            }
        })
    }
}
