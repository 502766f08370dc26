//! The connection to the server, and transactions on it.
//!
//! It is worked with on a thread of its own, which waits for each statement and not longer than [`DEADLINE`].
//! Nothing outlives a transaction but the connection itself: no settings of a session, no prepared statements,
//! so that a pooler may hand each transaction to another server process.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::{DbError, Severity};
use tokio_postgres::{AsyncMessage, Client, Config};

use super::schema;
use super::target::Target;
use super::tx::{CONNECT, DEADLINE, Tx, silent, told};
use crate::clock::Clock;
use crate::retry::Backoff;
use crate::store::error::DatabaseError;
use crate::store::thread::StoreThread;
use crate::store::{StoreError, StoreFuture};

/// What every transaction begins with. Others are waited for as long as a local journal does. Warnings are sent
/// whatever the user of the database has set: a commit is judged by them.
const BEGIN: &str = "SET LOCAL client_min_messages = warning; SET LOCAL lock_timeout = '10s'; \
    SET LOCAL statement_timeout = '25s'; SET LOCAL idle_in_transaction_session_timeout = '60s';";

/// What a transaction ends with. In one that has failed already, a COMMIT alone would answer ROLLBACK and not be an
/// error; what stands before it is one there, and is all that is done then.
const COMMIT: &str = "SELECT 1; COMMIT";

/// How durable what a transaction writes must be before it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Commit {
    /// It writes nothing.
    Read,
    /// It survives the loss of a machine: on a standby as well, if one is configured to be waited for. What a
    /// call to TikTok follows, and what may not be forgotten.
    Everywhere,
    /// A crash of the server may forget it. What can be asked for again, or ends by itself.
    Soon,
}

/// A connection, with the thread that works with it.
#[derive(Debug)]
pub(super) struct Session {
    thread: StoreThread,
    link: Arc<Mutex<Link>>,
}

impl Session {
    /// Nothing is connected before the first transaction.
    pub(super) fn start(target: &Arc<Target>, clock: Clock) -> Result<Self, StoreError> {
        let target = Arc::clone(target);
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5), u32::MAX);
        let link = Link { target, clock, runtime: None, open: None, backoff, not_before: None };
        Ok(Self { thread: StoreThread::start()?, link: Arc::new(Mutex::new(link)) })
    }

    /// Does a transaction, in the order of the first polls; once begun it is done to its end.
    pub(super) fn run<T: Send + 'static>(
        &self,
        doing: &'static str,
        commit: Commit,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        let link = Arc::clone(&self.link);
        self.thread.run(move || lock(&link).transaction(doing, commit, work))
    }

    /// Does a transaction, whatever is there: nothing is migrated for it.
    pub(super) fn bare<T: Send + 'static>(
        &self,
        doing: &'static str,
        commit: Commit,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        let link = Arc::clone(&self.link);
        self.thread.run(move || lock(&link).bare(doing, commit, work))
    }

    /// Does a transaction, and what is to follow its commit before anybody learns of that.
    pub(super) fn run_then<T: Send + 'static, U: Send + 'static>(
        &self,
        doing: &'static str,
        commit: Commit,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
        then: impl FnOnce(&mut Link, T) -> Result<U, StoreError> + Send + 'static,
    ) -> StoreFuture<'_, U> {
        let link = Arc::clone(&self.link);
        self.thread.run(move || {
            let mut link = lock(&link);
            let done = link.transaction(doing, commit, work)?;
            then(&mut link, done)
        })
    }

    /// Begins a transaction that nobody waits for.
    pub(super) fn begin(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Tx<'_>) -> Result<(), StoreError> + Send + 'static,
    ) {
        let link = Arc::clone(&self.link);
        self.thread.begin(move || {
            if let Err(error) = lock(&link).transaction(doing, Commit::Soon, work) {
                tracing::debug!(%error, doing, "nobody waited for it");
            }
        });
    }

    /// Blocks until all that was begun before is done.
    pub(super) fn wait(&self) {
        self.thread.wait();
    }

    /// Ends when all that was begun before is done.
    pub(super) fn flush(&self) -> StoreFuture<'_, ()> {
        self.thread.run(|| Ok::<_, StoreError>(()))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let link = Arc::clone(&self.link);
        self.thread.begin(move || lock(&link).close());
    }
}

fn lock(link: &Mutex<Link>) -> std::sync::MutexGuard<'_, Link> {
    // A panic of other work leaves a connection whose transaction is open, which the next one ends.
    link.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection that is made when it is needed, and again when it was lost.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) target: Arc<Target>,
    clock: Clock,
    runtime: Option<Runtime>,
    open: Option<Open>,
    backoff: Backoff,
    /// When to try to connect again after that has failed.
    not_before: Option<Instant>,
}

struct Open {
    client: Client,
    driver: JoinHandle<()>,
    warnings: Arc<Mutex<Vec<String>>>,
    /// Whether the schema was found to be one that this program knows.
    is_known: bool,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").field("closed", &self.client.is_closed()).finish_non_exhaustive()
    }
}

impl Link {
    /// Does a transaction in a schema of this version, which is made if it is not there.
    pub(super) fn transaction<T>(
        &mut self,
        doing: &'static str,
        commit: Commit,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.begin(doing, commit)?;
        if !self.open.as_ref().is_some_and(|open| open.is_known) {
            self.finish(doing, Commit::Read, schema::is_known).and_then(|known| {
                if known {
                    Ok(())
                } else {
                    self.bare(doing, Commit::Everywhere, schema::migrate).map(drop)
                }
            })?;
            if let Some(open) = &mut self.open {
                open.is_known = true;
            }
            self.begin(doing, commit)?;
        }
        self.finish(doing, commit, work)
    }

    /// Does a transaction, whatever is there.
    pub(super) fn bare<T>(
        &mut self,
        doing: &'static str,
        commit: Commit,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.begin(doing, commit)?;
        self.finish(doing, commit, work)
    }

    /// Begins a transaction. A connection that was lost since the last one is made anew: nothing was begun on it.
    fn begin(&mut self, doing: &'static str, commit: Commit) -> Result<(), StoreError> {
        let statements = match commit {
            Commit::Read => format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {BEGIN}"),
            Commit::Everywhere => format!("BEGIN; SET LOCAL synchronous_commit = on; {BEGIN}"),
            Commit::Soon => format!("BEGIN; SET LOCAL synchronous_commit = off; {BEGIN}"),
        };
        let schema = &self.target.schema;
        let statements = format!("{statements} SET LOCAL search_path = {schema}, pg_temp");
        let is_open = self.open.as_ref().is_some_and(|open| !open.client.is_closed());
        if is_open && self.simple(&statements, doing).is_ok() {
            return Ok(());
        }
        // Whatever went wrong: what is left of that connection, a transaction that failed half begun, is nobody's.
        self.connect()?;
        self.simple(&statements, doing).inspect_err(|_| self.close_connection())
    }

    fn finish<T>(
        &mut self,
        doing: &'static str,
        commit: Commit,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        // A panic drops the connection with the transaction that it leaves open.
        let (Some(runtime), Some(open)) = (&self.runtime, self.open.take()) else {
            return Err(StoreError::Closed);
        };
        let tx = Tx {
            runtime,
            client: &open.client,
            place: &self.target.place,
            schema: &self.target.schema,
            clock: self.clock,
            now: Cell::new(None),
            doing,
        };
        let done = work(&tx);
        self.open = Some(open);
        match done {
            Ok(done) => {
                if commit == Commit::Read {
                    // Nothing depends on it.
                    _ = self.simple("ROLLBACK", doing).inspect_err(|_| self.open = None);
                    return Ok(done);
                }
                self.commit(doing)?;
                Ok(done)
            }
            Err(error) => {
                let is_lost = matches!(error, StoreError::Database(DatabaseError::Away { .. }));
                if is_lost || self.simple("ROLLBACK", doing).is_err() {
                    self.open = None;
                }
                Err(error)
            }
        }
    }

    /// Ends a transaction. Whatever comes in between, a warning included, means that nobody knows whether it was
    /// recorded, and where: a standby that was waited for in vain is a warning.
    fn commit(&mut self, doing: &'static str) -> Result<(), StoreError> {
        let place = self.target.place.clone();
        let unknown = |why: String| DatabaseError::Unacknowledged { place, why };
        self.warnings();
        if let Err(error) = self.simple(COMMIT, doing) {
            self.open = None;
            return Err(unknown(error.to_string()).into());
        }
        match self.warnings().into_iter().next() {
            None => Ok(()),
            Some(warning) => Err(unknown(warning).into()),
        }
    }

    /// Takes the warnings that came since.
    fn warnings(&self) -> Vec<String> {
        let Some(open) = &self.open else { return Vec::new() };
        std::mem::take(&mut *open.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn simple(&self, statements: &str, doing: &'static str) -> Result<(), StoreError> {
        let (Some(runtime), Some(open)) = (&self.runtime, &self.open) else {
            return Err(StoreError::Closed);
        };
        let place = &self.target.place;
        let done = runtime
            .block_on(async { timeout(DEADLINE, open.client.batch_execute(statements)).await });
        match done {
            Ok(done) => done.map_err(|error| told(&error, place, doing)),
            Err(_) => Err(silent(place)),
        }
    }

    /// Connects, not sooner after a failure than it makes sense.
    fn connect(&mut self) -> Result<(), StoreError> {
        self.close_connection();
        if let Some(not_before) = self.not_before {
            std::thread::sleep(not_before.saturating_duration_since(Instant::now()));
        }
        match self.try_connect() {
            Ok(open) => {
                (self.open, self.not_before) = (Some(open), None);
                self.backoff.reset();
                Ok(())
            }
            Err(error) => {
                self.not_before = self.backoff.pause().map(|pause| Instant::now() + pause);
                Err(error)
            }
        }
    }

    fn try_connect(&mut self) -> Result<Open, StoreError> {
        let place = &self.target.place;
        let runtime = match &mut self.runtime {
            Some(runtime) => runtime,
            none => {
                let made = Builder::new_current_thread().enable_all().build();
                none.insert(made.map_err(|error| DatabaseError::Away {
                    place: place.clone(),
                    why: error.to_string(),
                })?)
            }
        };
        let target = &self.target;
        let warnings = Arc::new(Mutex::new(Vec::new()));
        let connected = runtime.block_on(async {
            timeout(DEADLINE, async {
                let first = connected(&target.config, target, &warnings).await;
                match first {
                    Err(_) if target.plain_first => {
                        let mut config = target.config.clone();
                        config.ssl_mode(SslMode::Require);
                        connected(&config, target, &warnings).await
                    }
                    first => first,
                }
            })
            .await
        });
        let (client, driver) = match connected {
            Ok(connected) => connected.map_err(|error| told(&error, place, CONNECT))?,
            Err(_) => return Err(silent(place)),
        };
        Ok(Open { client, driver, warnings, is_known: false })
    }

    fn close_connection(&mut self) {
        let (Some(runtime), Some(open)) = (&self.runtime, self.open.take()) else { return };
        drop(open.client);
        // So that the server hears of it.
        _ = runtime.block_on(async { timeout(Duration::from_secs(1), open.driver).await });
    }

    fn close(&mut self) {
        self.close_connection();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Where this is dropped, nothing may wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn connected(
    config: &Config,
    target: &Target,
    warnings: &Arc<Mutex<Vec<String>>>,
) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
    let (client, mut connection) = config.connect(target.tls.clone()).await?;
    let warnings = Arc::clone(warnings);
    let driver = tokio::spawn(async move {
        loop {
            match std::future::poll_fn(|cx| connection.poll_message(cx)).await {
                Some(Ok(AsyncMessage::Notice(notice))) if is_warning(&notice) => {
                    let mut warnings = warnings.lock().unwrap_or_else(PoisonError::into_inner);
                    warnings.push(notice.message().to_owned());
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    tracing::debug!(%error, "the connection to the database ended");
                    return;
                }
                None => return,
            }
        }
    });
    Ok((client, driver))
}

/// Whether a notice is more than a remark. By what is the same in all languages, not by the word that is translated;
/// one that does not say it counts as a warning.
fn is_warning(notice: &DbError) -> bool {
    let remarks = [Severity::Notice, Severity::Info, Severity::Log, Severity::Debug];
    !notice.parsed_severity().is_some_and(|severity| remarks.contains(&severity))
}
