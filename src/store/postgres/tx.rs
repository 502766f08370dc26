//! A transaction, and what an error of the server means.

use std::cell::Cell;
use std::error::Error as _;
use std::fmt;
use std::io;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::row::RowIndex;
use tokio_postgres::types::FromSqlOwned;
use tokio_postgres::{Client, Row};

use super::value::Value;
use crate::clock::Clock;
use crate::store::StoreError;
use crate::store::error::DatabaseError;

/// How long a statement may take, the commit included. The server is told less for all but the commit, whose
/// wait for a standby it does not end by itself.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);

/// What is done before anything else.
pub(super) const CONNECT: &str = "connect";

/// A transaction that is open.
pub(super) struct Tx<'l> {
    pub(super) runtime: &'l Runtime,
    pub(super) client: &'l Client,
    pub(super) place: &'l str,
    pub(super) schema: &'l str,
    pub(super) clock: Clock,
    /// Its time, once that was asked for.
    pub(super) now: Cell<Option<Timestamp>>,
    /// What is being done, as a verb.
    pub(super) doing: &'static str,
}

impl fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").field("doing", &self.doing).finish_non_exhaustive()
    }
}

impl Tx<'_> {
    /// The rows of a statement.
    pub(super) fn rows(&self, statement: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let typed: Vec<_> = values.iter().map(|value| (value as _, value.kind())).collect();
        let done = self.runtime.block_on(async {
            timeout(DEADLINE, self.client.query_typed(statement, &typed)).await
        });
        match done {
            Ok(done) => done.map_err(|error| told(&error, self.place, self.doing)),
            Err(_) => Err(silent(self.place)),
        }
    }

    /// The first row of a statement, if there is any.
    pub(super) fn row(&self, statement: &str, values: &[Value]) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(statement, values)?.into_iter().next())
    }

    /// The first column of the first row.
    pub(super) fn one<T: FromSqlOwned>(
        &self,
        statement: &str,
        values: &[Value],
    ) -> Result<Option<T>, StoreError> {
        self.row(statement, values)?.map(|row| self.get(&row, 0)).transpose()
    }

    /// How many rows a statement changed.
    pub(super) fn execute(&self, statement: &str, values: &[Value]) -> Result<u64, StoreError> {
        let typed: Vec<_> = values.iter().map(|value| (value as _, value.kind())).collect();
        let done = self.runtime.block_on(async {
            timeout(DEADLINE, self.client.execute_typed(statement, &typed)).await
        });
        match done {
            Ok(done) => done.map_err(|error| told(&error, self.place, self.doing)),
            Err(_) => Err(silent(self.place)),
        }
    }

    /// Statements without values, which give nothing.
    pub(super) fn batch(&self, statements: &str) -> Result<(), StoreError> {
        let done = self
            .runtime
            .block_on(async { timeout(DEADLINE, self.client.batch_execute(statements)).await });
        match done {
            Ok(done) => done.map_err(|error| told(&error, self.place, self.doing)),
            Err(_) => Err(silent(self.place)),
        }
    }

    /// A column of a row, by number or name.
    pub(super) fn get<T: FromSqlOwned>(
        &self,
        row: &Row,
        column: impl RowIndex + fmt::Display,
    ) -> Result<T, StoreError> {
        row.try_get(column).map_err(|error| self.odd(error.to_string()))
    }

    /// A row says something that is never written.
    pub(super) fn odd(&self, what: impl Into<String>) -> StoreError {
        DatabaseError::Unreadable { place: self.place.to_owned(), what: what.into() }.into()
    }

    /// Now, by the clock of the server, which all machines share; taken once the transaction waits for nobody
    /// any more.
    pub(super) fn now(&self) -> Result<Timestamp, StoreError> {
        if let Some(now) = self.now.get() {
            return Ok(now);
        }
        let statement = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
        let now = self.one(statement, &[])?.unwrap_or_default();
        self.is_now(now)
    }

    /// Takes the server's time, in ms since 1970, for the time of this transaction.
    pub(super) fn is_now(&self, milliseconds: i64) -> Result<Timestamp, StoreError> {
        let now = Timestamp::from_millisecond(milliseconds).map_err(|e| self.odd(e.to_string()))?;
        let now = now.saturating_add(self.clock.offset()).unwrap_or(Timestamp::MAX);
        self.now.set(Some(now));
        Ok(now)
    }
}

/// The server has not answered in time.
pub(super) fn silent(place: &str) -> StoreError {
    let why = format!("no answer within {} s", DEADLINE.as_secs());
    DatabaseError::Away { place: place.to_owned(), why }.into()
}

/// What an error of the library means.
pub(super) fn told(error: &tokio_postgres::Error, place: &str, doing: &'static str) -> StoreError {
    let place = place.to_owned();
    let Some(said) = error.as_db_error() else {
        // Causes first: the library's own words name the stage alone.
        let why = error.source().map_or_else(
            || error.to_string(),
            |cause| {
                let mut why = cause.to_string();
                if let Some(deeper) = cause.source() {
                    why = format!("{why}: {deeper}");
                }
                why
            },
        );
        let words = error.to_string();
        // As the library says that a server is not what `target_session_attrs` asks for.
        let is_read_only = error
            .source()
            .and_then(|cause| cause.downcast_ref::<io::Error>())
            .is_some_and(|cause| cause.kind() == io::ErrorKind::PermissionDenied)
            && why.contains("allow writes");
        return match () {
            () if is_read_only => DatabaseError::ReadOnly { place, why },
            () if words.contains("TLS") => DatabaseError::Tls { place, why },
            () if words.contains("authentication") || words.contains("password") => {
                DatabaseError::Refused { place, why }
            }
            () if words.contains("configuration") => DatabaseError::Refused { place, why },
            () if words.contains("deserializing") || words.contains("unexpected number") => {
                DatabaseError::Unreadable { place, what: why }
            }
            () => DatabaseError::Away { place, why },
        }
        .into();
    };
    refused(said, place, doing).into()
}

/// What a refusal of the server means.
fn refused(said: &DbError, place: String, doing: &'static str) -> DatabaseError {
    let why = said.message().to_owned();
    let code = said.code();
    match code.code().get(..2).unwrap_or_default() {
        // Connection exceptions; insufficient resources; operator intervention.
        "08" => DatabaseError::Away { place, why },
        _ if *code == SqlState::DISK_FULL => DatabaseError::NoSpace { place, doing },
        _ if [
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::QUERY_CANCELED,
        ]
        .contains(code) =>
        {
            DatabaseError::Busy { place }
        }
        _ if *code == SqlState::TOO_MANY_CONNECTIONS => DatabaseError::Crowded { place, why },
        "53" | "57" => DatabaseError::Away { place, why },
        _ if *code == SqlState::READ_ONLY_SQL_TRANSACTION => DatabaseError::ReadOnly { place, why },
        _ if *code == SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE && doing == CONNECT => {
            DatabaseError::Closed { place, why }
        }
        // Invalid authorization; no such database.
        "28" | "3D" => DatabaseError::Refused { place, why },
        _ if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            DatabaseError::Denied { place, doing, why }
        }
        _ => DatabaseError::Failed { place, doing, why },
    }
}
