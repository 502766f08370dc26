//! The connection: how it is opened, how a transaction ends, what damage leads to.

mod checked;
pub(super) mod checksum;
pub(super) mod db_error;
pub(super) mod dir;
pub(super) mod schema;

use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use self::checked::LastCheck;
use self::db_error::DbError;
use self::dir::{DirState, JournalDir};
use self::schema::{Found, SCHEMA};
use crate::clock::Clock;
use crate::fault;
use crate::fs::{Lock, LockError, SharedLock};
use crate::store::JournalError;

/// How long a transaction waits for those of other processes.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many prepared statements a connection keeps: more than there are kinds.
const STATEMENTS: usize = 64;

/// How long emptying the write-ahead log waits for readers; the next commit tries again.
const BRIEF: Duration = Duration::from_millis(100);

/// The shared half of a [`super::SqliteJournal`].
#[derive(Debug)]
pub(super) struct Database {
    journal_dir: JournalDir,
    clock: Clock,
    /// `None` after a failed transaction: the next one begins on a new connection.
    connection: Mutex<Option<Connection>>,
    /// Held by everybody who has the database open.
    users: Option<SharedLock>,
    /// When the whole database was last read and found sound, if that is known.
    checked_at: Option<Timestamp>,
}

impl Database {
    /// Opens the database that lies there: reads it from end to end and migrates it, unless that was done less
    /// than a day ago and the file is as it was left then.
    pub(super) fn open(
        journal_dir: JournalDir,
        clock: Clock,
        held: &Lock,
    ) -> Result<Self, JournalError> {
        let (users, is_shared) = journal_dir.join_users(held)?;
        let noted = LastCheck::read(&journal_dir.checked());
        let (now, file) = (clock.now(), checked::file_of(journal_dir.path()));
        // A log that nobody uses is what a crash leaves.
        let is_whole = is_shared || !journal_dir.has_log();
        let counts = is_whole && noted.is_some_and(|noted| noted.counts(file, now));
        let known = if counts { quick(&journal_dir) } else { None };
        let (connection, checked_at) = match known {
            Some(connection) => (connection, noted.map(|noted| noted.at)),
            None => match sound(&journal_dir) {
                Err(db_error) => return Err(stopped(&journal_dir, clock, db_error, "open", held)),
                Ok(connection) => (connection, Some(now)),
            },
        };
        let connection = Mutex::new(Some(connection));
        Ok(Self { journal_dir, clock, connection, users: Some(users), checked_at })
    }

    pub(super) fn path(&self) -> &Path {
        self.journal_dir.path()
    }

    pub(super) fn dir(&self) -> &JournalDir {
        &self.journal_dir
    }

    /// Now, in the journal's own resolution: a value that comes back as it was written.
    pub(super) fn now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// Reads one consistent state.
    pub(super) fn read<T>(
        &self,
        doing: &'static str,
        work: impl Fn(&Transaction<'_>) -> Result<T, DbError>,
    ) -> Result<T, JournalError> {
        self.insist(doing, || self.try_read(&work))
    }

    /// As [`Database::read`], for whoever holds the lock of the journal: nothing is looked at again.
    pub(super) fn try_read<T>(
        &self,
        work: impl Fn(&Transaction<'_>) -> Result<T, DbError>,
    ) -> Result<T, Stopped> {
        self.transact(TransactionBehavior::Deferred, |connection, behavior| {
            fault::point("journal: read").map_err(DbError::Io)?;
            let tx = connection.transaction_with_behavior(behavior)?;
            Ok(work(&tx)?)
        })
    }

    /// Writes, durably or not at all.
    pub(super) fn write<T>(
        &self,
        doing: &'static str,
        work: impl Fn(&Transaction<'_>) -> Result<T, DbError>,
    ) -> Result<T, JournalError> {
        self.insist(doing, || self.try_write(&work))
    }

    /// Writes whole or not at all, but durably only with the next [`Database::write`]: for what is worth
    /// keeping and can be found out again. Nothing is waited for but the memory of the machine.
    pub(super) fn write_soon<T>(
        &self,
        doing: &'static str,
        work: impl Fn(&Transaction<'_>) -> Result<T, DbError>,
    ) -> Result<T, JournalError> {
        self.insist(doing, || self.try_write_as(Durable::Soon, &work))
    }

    /// As [`Database::write`], for whoever holds the lock of the journal: nothing is looked at again.
    pub(super) fn try_write<T>(
        &self,
        work: impl Fn(&Transaction<'_>) -> Result<T, DbError>,
    ) -> Result<T, Stopped> {
        self.try_write_as(Durable::Now, work)
    }

    fn try_write_as<T>(
        &self,
        durable: Durable,
        work: impl Fn(&Transaction<'_>) -> Result<T, DbError>,
    ) -> Result<T, Stopped> {
        let mut sound = true;
        let value = self.transact(TransactionBehavior::Immediate, |connection, behavior| {
            fault::point("journal: begin").map_err(DbError::Io)?;
            // Each time: a step that a rule has refused leaves the connection as it was set for that one.
            synchronous(connection, durable)?;
            let tx = connection.transaction_with_behavior(behavior)?;
            let value = work(&tx)?;
            let commit = fault::point("journal: commit").map_err(DbError::Io);
            commit.and_then(|()| Ok(tx.commit()?)).map_err(Stopped::at_commit)?;
            // Durable: from here on only the end of the process can follow, not an error.
            sound = fault::point("journal: committed").is_ok()
                && match durable {
                    Durable::Now => empty_log(connection),
                    Durable::Soon => synchronous(connection, Durable::Now).is_ok(),
                };
            // A moment at which a test may end the process; there is nothing here to fail.
            let _ = fault::point("journal: emptied");
            Ok(value)
        })?;
        if !sound {
            self.connection().take();
        }
        Ok(value)
    }

    /// Runs a transaction. After any error but that of a rule the connection is dropped, which
    /// rolls back: what failed is never committed again on it.
    fn transact<T>(
        &self,
        behavior: TransactionBehavior,
        run: impl FnOnce(&mut Connection, TransactionBehavior) -> Result<T, Stopped>,
    ) -> Result<T, Stopped> {
        let mut shared = self.connection();
        let mut connection = match shared.take() {
            Some(connection) => connection,
            None => connect_again(&self.journal_dir)?,
        };
        let outcome = run(&mut connection, behavior);
        if matches!(outcome, Ok(_) | Err(Stopped { db_error: DbError::Rule(_), .. })) {
            *shared = Some(connection);
        } else {
            // If this fails, the log is copied into the database as at any other end: nothing of it
            // is lost, only its form.
            let _ = keep_log(&connection, true);
        }
        outcome
    }

    /// Runs a transaction, and once more if what stopped it read like damage and was none: one read
    /// error of the disk is told by SQLite as a malformed database.
    fn insist<T>(
        &self,
        doing: &'static str,
        run: impl Fn() -> Result<T, Stopped>,
    ) -> Result<T, JournalError> {
        let stopped = match run() {
            Ok(value) => return Ok(value),
            Err(stopped) => stopped,
        };
        if stopped.db_error.damage().is_none() {
            return Err(self.explain(stopped, doing));
        }
        self.look_again(&stopped.db_error, doing)?;
        if stopped.committing {
            // It may have been committed: then a second try would not be the same step.
            return Err(self.explain(stopped, doing));
        }
        run().map_err(|again| self.explain(again, doing))
    }

    /// The error of a transaction as it is.
    pub(super) fn explain(&self, stopped: Stopped, doing: &'static str) -> JournalError {
        stopped.db_error.explain(doing, self.path())
    }

    /// The connection as it is, for tests that break it.
    #[cfg(test)]
    pub(super) fn raw<T>(&self, use_it: impl FnOnce(&Connection) -> T) -> T {
        use_it(self.connection().as_ref().unwrap())
    }

    fn connection(&self) -> MutexGuard<'_, Option<Connection>> {
        // A panic inside a transaction dropped it, and so rolled it back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something read like damage: if a fresh look at the whole file says the same, that is the
    /// error; else the file is sound.
    fn look_again(&self, db_error: &DbError, doing: &'static str) -> Result<(), JournalError> {
        let held = self.journal_dir.lock()?;
        match self.journal_dir.look()? {
            DirState::Journal => {}
            // Another process was faster.
            DirState::Empty => return Err(JournalError::Vanished { path: self.path().to_owned() }),
            DirState::OrphanedWal => return Err(lost(&self.journal_dir, self.clock, &held)),
        }
        match sound(&self.journal_dir) {
            Ok(_) => {
                tracing::warn!(
                    error = db_error.damage(),
                    "the journal read like a damaged one, and was sound when it was read again"
                );
                Ok(())
            }
            Err(again) => Err(stopped(&self.journal_dir, self.clock, again, doing, &held)),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let connection = self.connection.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // One that was dropped after an error has left the file as nobody knows.
        let (Some(connection), Some(at)) = (connection, self.checked_at) else { return };
        // The last one to close copies the log into the database, after which nobody writes to it.
        if connection.close().is_err() {
            return;
        }
        // Held until it is noted.
        let Some(Ok(Some(_last))) = self.users.take().map(SharedLock::leave) else { return };
        let path = self.journal_dir.checked();
        let note = checked::file_of(self.path()).map(|file| LastCheck { at, file });
        if let Some(note) = note.filter(|note| LastCheck::read(&path).as_ref() != Some(note))
            && let Err(error) = note.write(&path)
        {
            tracing::debug!(%error, "the next run reads the journal from end to end");
        }
    }
}

/// When what is written is to be on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Durable {
    /// When the commit returns.
    Now,
    /// With the next commit that is.
    Soon,
}

/// What ended a transaction.
#[derive(Debug)]
pub(super) struct Stopped {
    db_error: DbError,
    /// It came from the commit, so that nobody knows whether it is durable.
    committing: bool,
}

impl Stopped {
    fn at_commit(db_error: DbError) -> Self {
        Self { db_error, committing: true }
    }
}

impl<E: Into<DbError>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self { db_error: error.into(), committing: false }
    }
}

/// Puts an empty journal in place.
pub(super) fn create(journal_dir: &JournalDir, held: &Lock) -> Result<(), JournalError> {
    let image = SCHEMA
        .image()
        .map_err(|error| DbError::from(error).explain("prepare tables", journal_dir.path()))?;
    Ok(journal_dir.create(&image, held)?)
}

/// The error for a journal whose content is gone: what is left of it is set aside.
pub(super) fn lost(journal_dir: &JournalDir, clock: Clock, held: &Lock) -> JournalError {
    let gone = DbError::Unreadable("what was recorded in it is gone".to_owned());
    stopped(journal_dir, clock, gone, "open", held)
}

/// What an unusable database leads to: damage is set aside, unless somebody posts with it right now;
/// anything else is left as it is.
fn stopped(
    journal_dir: &JournalDir,
    clock: Clock,
    db_error: DbError,
    doing: &'static str,
    held: &Lock,
) -> JournalError {
    let Some(what) = db_error.damage() else { return db_error.explain(doing, journal_dir.path()) };
    let path = journal_dir.path().to_owned();
    // Held until it is moved, so that nobody begins meanwhile.
    let _nobody_posts = match journal_dir.lock_uploads() {
        Ok(locks) => locks,
        Err(LockError::Held { pid, .. }) => return JournalError::DamagedInUse { path, what, pid },
        Err(error) => return error.into(),
    };
    match journal_dir.set_aside(clock.now(), held) {
        Ok(dir) => JournalError::Corrupt { path, what, moved_to: Some(dir) },
        Err(error) => error.into(),
    }
}

/// A connection to a database that was read from end to end before. `None`: it is to be read again.
fn quick(journal_dir: &JournalDir) -> Option<Connection> {
    let connection = connect(journal_dir).ok()?;
    if !SCHEMA.is_current(&connection).ok()? {
        return None;
    }
    keep_log(&connection, false).ok()?;
    Some(connection)
}

/// A connection to a database that is sound. What looks damaged is read a second time, through a
/// fresh connection: SQLite tells one read error of the disk as damage, and only what is still
/// damaged then, and can be read from end to end, is.
pub(super) fn sound(journal_dir: &JournalDir) -> Result<Connection, DbError> {
    let first = match checked(journal_dir) {
        Err(db_error) if db_error.damage().is_some() => db_error,
        outcome => return outcome,
    };
    let second = checked(journal_dir);
    match &second {
        Ok(_) => tracing::warn!(
            error = first.damage(),
            "the journal read like a damaged one, and was sound when it was read again"
        ),
        Err(db_error) if db_error.damage().is_some() => {
            journal_dir.read_through().map_err(DbError::Io)?;
        }
        Err(_) => {}
    }
    second
}

/// A connection to a database that was looked at from end to end.
fn checked(journal_dir: &JournalDir) -> Result<Connection, DbError> {
    let mut connection = connect(journal_dir)?;
    // One transaction, so that the many reads of it see the same state.
    let tx = connection.transaction()?;
    let found = SCHEMA.examine(&tx)?;
    drop(tx);
    match found {
        Found::Current => {}
        Found::Older => {
            fault::point("journal: migrate").map_err(DbError::Io)?;
            SCHEMA.migrate(&mut connection)?;
        }
        Found::Newer(found) => {
            let (path, known) = (journal_dir.path().to_owned(), SCHEMA.version());
            return Err(JournalError::Newer { path, found, known }.into());
        }
        Found::Damaged(what) => return Err(DbError::Unreadable(what)),
    }
    keep_log(&connection, false)?;
    Ok(connection)
}

/// A new connection to a database that was checked when it was opened.
fn connect_again(journal_dir: &JournalDir) -> Result<Connection, DbError> {
    let connection = connect(journal_dir)?;
    keep_log(&connection, false)?;
    Ok(connection)
}

/// Whether the end of this connection, if it is the last one, leaves the write-ahead log as it is
/// instead of copying it into the database: what is damaged is to be kept as it was found.
fn keep_log(connection: &Connection, keep: bool) -> Result<(), DbError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep)?;
    Ok(())
}

fn connect(journal_dir: &JournalDir) -> Result<Connection, DbError> {
    fault::point("journal: open").map_err(DbError::Io)?;
    // Without CREATE: a journal that vanished must not come back empty.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(journal_dir.path(), flags)?;
    keep_log(&connection, true)?;
    connection.busy_timeout(PATIENCE)?;
    // To prepare a statement takes longer than to run it. QPSG: what it is run with does not change how.
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        let refused = io::Error::other("its file system does not support a write-ahead log");
        return Err(DbError::Io(refused));
    }
    synchronous(&connection, Durable::Now)?;
    connection.execute_batch(
        "PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
         PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;
         PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;",
    )?;
    Ok(connection)
}

/// How the next commit is done. FULL: it is on the disk when it returns; on macOS with `F_FULLFSYNC`,
/// which [`connect`] asks for. NORMAL: it is whole or not there after a loss of power, as it is in the log.
/// <https://www.sqlite.org/pragma.html#pragma_synchronous>
fn synchronous(connection: &Connection, durable: Durable) -> rusqlite::Result<()> {
    connection.execute_batch(match durable {
        Durable::Now => "PRAGMA synchronous = FULL",
        Durable::Soon => "PRAGMA synchronous = NORMAL",
    })
}

/// Empties the write-ahead log after a commit. Then a log that is damaged or lost can take no more
/// than the commit under way with it, and no forgotten `upload_url` stays in it. What cannot be done
/// now, because another process reads or the disk is full, is done after the next commit. `false`:
/// the disk refused, and this connection is not to be used again.
fn empty_log(connection: &Connection) -> bool {
    let emptied = connection.busy_timeout(BRIEF).and_then(|()| {
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
    });
    if let Err(error) = &emptied {
        tracing::warn!(%error, "the journal's log could not be emptied");
    }
    emptied.is_ok() && connection.busy_timeout(PATIENCE).is_ok()
}
