//! The schema, its versions, and whether a database is what we left.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::checksum;

/// `application_id` of the file: "ttup".
const APPLICATION: i64 = 0x7474_7570;

/// What this program writes and understands.
pub(in crate::store::local::journal) const SCHEMA: Schema = Schema {
    steps: &[
        include_str!("v1.sql"),
        include_str!("v2.sql"),
        include_str!("v3.sql"),
        include_str!("v4.sql"),
        include_str!("v5.sql"),
        include_str!("v6.sql"),
    ],
};

/// The version that lists the posts that are not published, and those that its list lacks.
const WITH_UNPUBLISHED: i64 = 4;
const UNLISTED: &str = "SELECT 1 FROM posts WHERE same_as IS NULL
    AND NOT EXISTS (SELECT 1 FROM attempts WHERE post = posts.id AND phase = 'published')
    AND NOT EXISTS (SELECT 1 FROM pending WHERE post = posts.id)";

/// A line of versions.
#[derive(Clone, Copy, Debug)]
pub(in crate::store::local::journal) struct Schema {
    /// What turns version n into version n + 1. A released step never changes.
    pub(in crate::store::local::journal) steps: &'static [&'static str],
}

/// What is found in a file.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store::local::journal) enum Found {
    /// A journal of this version, every row intact.
    Current,
    /// An intact journal of an earlier version.
    Older,
    /// A journal of a later version: not looked into.
    Newer(i64),
    /// Damaged, in words.
    Damaged(String),
}

impl Schema {
    /// The version that is written.
    pub(in crate::store::local::journal) fn version(self) -> i64 {
        i64::try_from(self.steps.len()).unwrap_or(i64::MAX)
    }

    /// Reads the whole database and says what it is.
    pub(in crate::store::local::journal) fn examine(
        self,
        connection: &Connection,
    ) -> rusqlite::Result<Found> {
        let version = version(connection)?;
        if application(connection)? != APPLICATION || version < 1 {
            return Ok(Found::Damaged("it is not a journal".to_owned()));
        }
        if version > self.version() {
            return Ok(Found::Newer(version));
        }
        if let Some(what) = self.damage(connection, version)? {
            return Ok(Found::Damaged(what));
        }
        Ok(if version == self.version() { Found::Current } else { Found::Older })
    }

    /// Whether a database that was read from end to end before is of the version that is written, and what it
    /// says about itself can be read.
    pub(in crate::store::local::journal) fn is_current(
        self,
        connection: &Connection,
    ) -> rusqlite::Result<bool> {
        let mut meta = connection.prepare("SELECT name, value FROM meta")?;
        let mut rows = meta.query([])?;
        while rows.next()?.is_some() {}
        Ok(application(connection)? == APPLICATION && version(connection)? == self.version())
    }

    /// Looks for damage of any kind: pages, indexes, schema, references, rows.
    fn damage(self, connection: &Connection, version: i64) -> rusqlite::Result<Option<String>> {
        // Not quick_check: a row that an index does not find is a post that is made twice.
        let verdict: String =
            connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        if verdict != "ok" {
            return Ok(Some(verdict));
        }
        if statements(connection)? != statements(&self.blank(version)?)? {
            return Ok(Some("its tables are not those of a journal".to_owned()));
        }
        if connection.prepare("PRAGMA foreign_key_check")?.exists([])? {
            return Ok(Some("a row refers to one that is not there".to_owned()));
        }
        if version >= WITH_UNPUBLISHED && connection.prepare(UNLISTED)?.exists([])? {
            return Ok(Some("a post that is not published is not listed as that".to_owned()));
        }
        checksum::first_mismatch(connection, version)
    }

    /// Takes an intact older journal, version by version, to this one, in one transaction.
    pub(in crate::store::local::journal) fn migrate(
        self,
        connection: &mut Connection,
    ) -> rusqlite::Result<()> {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let from = version(&tx)?;
        self.advance(&tx, from, self.version())?;
        checksum::write_all(&tx, self.version())?;
        tx.commit()
    }

    fn advance(self, tx: &Transaction<'_>, from: i64, to: i64) -> rusqlite::Result<()> {
        for (version, statements) in (1..).zip(self.steps) {
            if (from + 1..=to).contains(&version) {
                tx.execute_batch(statements)?;
                tx.pragma_update(None, "user_version", version)?;
            }
        }
        Ok(())
    }

    /// An empty journal of some version, in memory.
    pub(in crate::store::local::journal) fn blank(
        self,
        version: i64,
    ) -> rusqlite::Result<Connection> {
        let mut connection = Connection::open_in_memory()?;
        // What a step drops leaves no bytes behind.
        connection.execute_batch("PRAGMA secure_delete = ON")?;
        connection.pragma_update(None, "application_id", APPLICATION)?;
        let tx = connection.transaction()?;
        self.advance(&tx, 0, version)?;
        tx.commit()?;
        Ok(connection)
    }

    /// The bytes of an empty journal, so that it can appear under its name whole or not at all: a
    /// file that was cut to nothing must not pass for a new journal.
    pub(in crate::store::local::journal) fn image(self) -> rusqlite::Result<Vec<u8>> {
        Self::wal_image(&mut self.blank(self.version())?)
    }

    /// The bytes of a journal in memory, as a file with a write-ahead log.
    pub(in crate::store::local::journal) fn wal_image(
        connection: &mut Connection,
    ) -> rusqlite::Result<Vec<u8>> {
        let mut image = connection.serialize("main")?.to_vec();
        // Write and read version: WAL (<https://www.sqlite.org/fileformat.html>, offset 18 and 19).
        if let Some(versions) = image.get_mut(18..20) {
            versions.fill(2);
        }
        Ok(image)
    }
}

fn application(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Kind, name, table and text of everything in the schema.
type Statement = (String, String, String, Option<String>);

fn statements(connection: &Connection) -> rusqlite::Result<Vec<Statement>> {
    connection
        .prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect()
}
