//! Reading what can be read of a damaged journal.
//!
//! A row is taken if its checksum holds. Nothing that is read here may make a post look as if it could
//! be made again: where rows are missing, what could have been in them is taken to be so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, Row, Transaction, params_from_iter};

use crate::fs::{PRIVATE_FILE, write_atomic};
use crate::model::{AttemptUpdate, Phase, PostNumber, RecordedPost};
use crate::store::JournalError;
use crate::store::local::journal::at_rest;
use crate::store::local::journal::attempts;
use crate::store::local::journal::database::checksum::{self, Checked};
use crate::store::local::journal::database::db_error::DbError;
use crate::store::local::journal::database::schema::{SCHEMA, Schema};
use crate::store::local::journal::epochs;
use crate::store::local::journal::marks;
use crate::store::local::journal::rows;
use crate::store::rules::posts::keys;
use crate::store::rules::rows::Rows as _;

/// The size of a page, in bytes.
pub(in crate::store::local::journal) const PAGE: usize = 4096;

/// How many rows are looked for one by one where a table cannot be read in order.
const GAP: i64 = 1_000_000;

/// The tables, those first that others refer to.
const TABLES: [(&str, Option<Checked>); 6] = [
    ("posts", Some(Checked::Posts)),
    ("keys", Some(Checked::Keys)),
    ("attempts", Some(Checked::Attempts)),
    ("caps", Some(Checked::Caps)),
    ("epochs", Some(Checked::Epochs)),
    ("calls", None),
];

/// A row as it was written: its columns by name.
type Columns = Vec<(String, Value)>;

/// What could be read of one table.
#[derive(Debug, Default)]
struct Table {
    rows: BTreeMap<i64, Columns>,
    /// A row is missing, or may be.
    lacking: bool,
}

/// What could be read of a journal.
#[derive(Debug)]
pub(in crate::store::local::journal) struct Salvage {
    version: i64,
    tables: Vec<Table>,
    /// What the journal says of itself that a new one may take over: `identity`, `counter`, `host`, whether
    /// posts are missing since an earlier repair (`repaired`), and with which key the `upload_url`s are
    /// encrypted (`encryption`).
    meta: Vec<(String, String)>,
    /// Whether every byte of database and log could be read.
    whole: bool,
    /// All that is wrong is that indexes are not what the tables say.
    only_indexes: bool,
}

/// A new journal, made of what could be read of another one.
#[derive(Debug)]
pub(in crate::store::local::journal) struct Built {
    pub(in crate::store::local::journal) connection: Connection,
    pub(in crate::store::local::journal) posts: u32,
    /// Posts that were there and could not be read.
    pub(in crate::store::local::journal) missing: Vec<PostNumber>,
    /// Posts whose attempts may be missing, so that nobody knows what became of them.
    pub(in crate::store::local::journal) unresolved: Vec<PostNumber>,
    /// Nothing is missing.
    pub(in crate::store::local::journal) whole: bool,
}

impl Salvage {
    /// Reads a journal from the bytes of its database and its log, with the help of files in `dir`.
    /// `whole`: every byte of it could be read from the disk.
    ///
    /// If its first page, without which SQLite finds nothing, is damaged, that of an empty journal
    /// takes its place: in all journals of a version the tables begin at the same pages.
    pub(in crate::store::local::journal) fn of(
        database: &[u8],
        log: Option<&[u8]>,
        whole: bool,
        dir: &Path,
    ) -> Result<Self, DbError> {
        let copy = |name: &str, bytes: &[u8]| -> Result<PathBuf, DbError> {
            let path = dir.join(name);
            write_atomic(&path, bytes, PRIVATE_FILE).map_err(JournalError::from)?;
            if let Some(log) = log {
                let log_path = dir.join(format!("{name}-wal"));
                write_atomic(&log_path, log, PRIVATE_FILE).map_err(JournalError::from)?;
            }
            Ok(path)
        };
        let newest = SCHEMA.version();
        let mut best = Self::read(&copy("as-it-is", database)?, newest, whole)?;
        for version in (1..=newest).rev() {
            if best.posts() > 0 && !best.tables.iter().any(|table| table.lacking) {
                break;
            }
            let path =
                copy(&format!("as-version-{version}"), &with_first_page(database, version)?)?;
            let other = Self::read(&path, version, false)?;
            best = if other.taken() > best.taken() { other } else { best };
        }
        Ok(Self { whole, ..best })
    }

    fn read(database: &Path, version: i64, whole: bool) -> Result<Self, DbError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(database, flags)?;
        // What cannot be read at all gives no rows below.
        let _ =
            connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;");
        let found = connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
        let version =
            found.ok().filter(|found| (1..=SCHEMA.version()).contains(found)).unwrap_or(version);
        let tables = TABLES.map(|(name, checked)| match checked {
            Some(checked) if !checked.is_in(version) => Table::default(),
            _ => Table::read(&connection, name, checked),
        });
        let tables = tables.into();
        // Without them the journal is one of its own.
        let meta = meta(&connection).unwrap_or_default();
        let only_indexes = whole && only_indexes(&connection);
        Ok(Self { version, tables, meta, whole, only_indexes })
    }

    fn table(&self, checked: Checked) -> &Table {
        let at = TABLES.iter().position(|(_, table)| *table == Some(checked));
        &self.tables[at.unwrap_or(0)]
    }

    /// How many rows could be read and are what was written.
    fn taken(&self) -> usize {
        let checked = TABLES.iter().zip(&self.tables).filter(|((_, checked), _)| checked.is_some());
        checked.map(|(_, table)| table.rows.len()).sum()
    }

    /// How many posts could be read.
    pub(in crate::store::local::journal) fn posts(&self) -> usize {
        self.table(Checked::Posts).rows.len()
    }

    /// Makes a journal of this version of the program of it, in memory.
    pub(in crate::store::local::journal) fn build(self, now: Timestamp) -> Result<Built, DbError> {
        let mut connection = SCHEMA.blank(self.version)?;
        connection.pragma_update(None, "foreign_keys", false)?;
        let missing = self.missing();
        let attempts = self.table(Checked::Attempts);
        // What was not read whole may be an older state, without the last attempts.
        let attempts_lack = !self.whole || attempts.lacking || !is_dense(&attempts.rows);
        let mut lacking =
            attempts_lack || !missing.is_empty() || self.tables.iter().any(|table| table.lacking);

        let tx = connection.transaction()?;
        for ((name, _), table) in TABLES.iter().zip(&self.tables) {
            for row in table.rows.values() {
                lacking |= insert(&tx, name, row).is_err();
            }
        }
        let mended = mend(&tx)?;
        lacking |= mended.any;
        checksum::write_all(&tx, self.version)?;
        tx.commit()?;
        SCHEMA.migrate(&mut connection)?;

        let whole = self.only_indexes && !lacking;
        let tx = connection.transaction()?;
        // A run that worked with the damaged one, unknown to who repairs it, records nothing in this one. What
        // could not be read of an epoch is no loss: a new one is like no other.
        epochs::take_over_all(&tx)?;
        let mut unresolved = Vec::new();
        for (name, value) in &self.meta {
            // What is not whole is another journal, in which encrypted values are still encrypted.
            if whole || name == at_rest::NAME {
                marks::set(&tx, name, value)?;
            }
        }
        if !whole {
            find_again(&tx)?;
            let open =
                |post: &RecordedPost| attempts_lack || mended.parted.contains(&post.number.0);
            unresolved = doubt(&tx, open, now)?;
            marks::set(&tx, "identity", &marks::identity())?;
            marks::set(&tx, marks::REPAIRED, &now.to_string())?;
        }
        let posts = tx.query_row("SELECT count(*) FROM posts", [], |row| row.get::<_, u32>(0))?;
        tx.commit()?;
        Ok(Built { connection, posts, missing, unresolved, whole })
    }

    /// The posts that any row speaks of, or that a later one follows, and that could not be read.
    fn missing(&self) -> Vec<PostNumber> {
        let known = &self.table(Checked::Posts).rows;
        let named = [Checked::Keys, Checked::Attempts].map(|table| {
            self.table(table).rows.values().filter_map(|row| integer(row, "post")).max()
        });
        let last = named.into_iter().flatten().chain(known.keys().next_back().copied()).max();
        (1..=last.unwrap_or(0).min(GAP))
            .filter(|number| !known.contains_key(number))
            .filter_map(|number| u32::try_from(number).ok().map(PostNumber))
            .collect()
    }
}

impl Table {
    /// Reads it forwards as far as that goes, then backwards, then row by row what lies between.
    fn read(connection: &Connection, name: &str, checked: Option<Checked>) -> Self {
        let mut table = Self::default();
        let whole = table.scan(connection, &format!("SELECT * FROM {name} ORDER BY id"), checked);
        if whole {
            return table;
        }
        table.lacking = true;
        let last = table.rows.keys().next_back().copied().unwrap_or(0);
        table.scan(connection, &format!("SELECT * FROM {name} ORDER BY id DESC"), checked);
        let next = table.rows.range(last + 1..).next().map(|(id, _)| *id);
        // Where not even the end can be read, some more than are known.
        let end = next.unwrap_or(last + 1000).min(last + GAP);
        for id in last + 1..end {
            table.scan(connection, &format!("SELECT * FROM {name} WHERE id = {id}"), checked);
        }
        table
    }

    /// Takes the rows that a query gives; says whether it came to its end.
    fn scan(&mut self, connection: &Connection, query: &str, checked: Option<Checked>) -> bool {
        let mut take = || -> rusqlite::Result<()> {
            let mut statement = connection.prepare(query)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let id: i64 = row.get("id")?;
                if self.rows.contains_key(&id) {
                    // Read from the other side already.
                    break;
                }
                if checked.is_none_or(|checked| checksum::matches(checked, row).unwrap_or(false)) {
                    self.rows.insert(id, columns(row)?);
                } else {
                    self.lacking = true;
                }
            }
            Ok(())
        };
        take().is_ok()
    }
}

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    let names = row.as_ref().column_names().map(ToOwned::to_owned);
    names.enumerate().map(|(at, name)| Ok((name, row.get(at)?))).collect()
}

fn integer(row: &Columns, column: &str) -> Option<i64> {
    row.iter().find(|(name, _)| name == column).and_then(|(_, value)| match value {
        Value::Integer(number) => Some(*number),
        _ => None,
    })
}

/// Whether the numbers of the rows go from 1 without a gap, as they are given.
fn is_dense(rows: &BTreeMap<i64, Columns>) -> bool {
    rows.keys().copied().eq(1..=i64::try_from(rows.len()).unwrap_or(i64::MAX))
}

fn meta(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    connection
        .prepare(
            "SELECT name, value FROM meta WHERE name IN
             ('identity', 'counter', 'host', 'repaired', 'encryption')",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// Whether SQLite complains of nothing but indexes.
fn only_indexes(connection: &Connection) -> bool {
    let complaints = || -> rusqlite::Result<Vec<String>> {
        connection
            .prepare("PRAGMA integrity_check(10000)")?
            .query_map([], |row| row.get(0))?
            .collect()
    };
    let of_an_index = |complaint: &String| {
        complaint.contains("missing from index")
            || complaint.starts_with("wrong # of entries in index")
            || complaint.starts_with("non-unique entry in index")
    };
    complaints().is_ok_and(|complaints| complaints.iter().all(of_an_index))
}

/// A database with the first page of an empty journal.
fn with_first_page(bytes: &[u8], version: i64) -> rusqlite::Result<Vec<u8>> {
    let image = Schema::wal_image(&mut SCHEMA.blank(version)?)?;
    let mut bytes = bytes.to_vec();
    let length = bytes.len().max(PAGE).next_multiple_of(PAGE);
    bytes.resize(length, 0);
    bytes[..PAGE].copy_from_slice(&image[..PAGE]);
    // Size in pages, and no free ones (<https://www.sqlite.org/fileformat.html>, offsets 28 and 32).
    let pages = u32::try_from(length / PAGE).unwrap_or(u32::MAX);
    bytes[28..32].copy_from_slice(&pages.to_be_bytes());
    bytes[32..40].fill(0);
    Ok(bytes)
}

fn insert(tx: &Transaction<'_>, table: &str, row: &Columns) -> rusqlite::Result<usize> {
    let names: Vec<_> = row.iter().map(|(name, _)| name.as_str()).collect();
    let marks = vec!["?"; row.len()].join(", ");
    let statement = format!("INSERT INTO {table} ({}) VALUES ({marks})", names.join(", "));
    tx.execute(&statement, params_from_iter(row.iter().map(|(_, value)| value)))
}

/// What had to be done so that every reference leads to a row.
#[derive(Debug, Default)]
struct Mended {
    any: bool,
    /// Posts that were the same as one that is missing.
    parted: Vec<u32>,
}

/// Makes every reference lead to a row.
fn mend(tx: &Transaction<'_>) -> rusqlite::Result<Mended> {
    let mut mended = Mended::default();
    // The first of the reposts that are left takes the place of what they repeated.
    let orphans: Vec<(i64, i64)> = tx
        .prepare(
            "SELECT original, min(id) FROM posts WHERE original NOT IN (SELECT id FROM posts)
             GROUP BY original",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (gone, first) in &orphans {
        tx.execute("UPDATE posts SET original = ?2 WHERE original = ?1", [gone, first])?;
        tx.execute("UPDATE posts SET repost = 0 WHERE id = ?1", [first])?;
    }
    mended.parted = tx
        .prepare("SELECT id FROM posts WHERE same_as NOT IN (SELECT id FROM posts)")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    mended.any = !orphans.is_empty() || !mended.parted.is_empty();
    for statement in [
        "UPDATE posts SET same_as = NULL WHERE same_as NOT IN (SELECT id FROM posts)",
        "DELETE FROM keys WHERE post NOT IN (SELECT id FROM posts)",
        "DELETE FROM attempts WHERE post NOT IN (SELECT id FROM posts)",
    ] {
        mended.any |= tx.execute(statement, [])? > 0;
    }
    Ok(mended)
}

/// Lets each post be found by all that its own row says.
fn find_again(tx: &Transaction<'_>) -> Result<(), DbError> {
    for post in rows::posts(tx, "repost = 0 AND same_as IS NULL ORDER BY id", [])? {
        let number = i64::from(post.number.0);
        let mut names: Vec<String> = post.id.iter().map(|id| keys::of_id(id)).collect();
        if let Some(file) = &post.file {
            let fingerprint = file.fingerprint.iter();
            names.extend(fingerprint.map(|known| keys::of_fingerprint(post.mode, known)));
            names.push(keys::of_file(post.mode, &file.identity));
        }
        for name in names {
            tx.give_key(&post.account, &name, number)?;
        }
    }
    Ok(())
}

/// Where an attempt may be missing, nobody knows what became of a post that seems to be free.
fn doubt(
    tx: &Transaction<'_>,
    open: impl Fn(&RecordedPost) -> bool,
    now: Timestamp,
) -> Result<Vec<PostNumber>, DbError> {
    let posts = rows::posts(tx, "same_as IS NULL ORDER BY id", [])?;
    let mut unresolved = Vec::new();
    for post in posts.iter().filter(|post| post.may_begin() && open(post)) {
        let attempt = attempts::insert(tx, post.number, post.transfer(), Phase::InitIntent, now)?;
        let update = AttemptUpdate {
            code: Some("repaired".to_owned()),
            message: Some(
                "the journal was damaged, and what was tried after this may be missing".to_owned(),
            ),
            ..AttemptUpdate::default()
        };
        attempts::update(tx, &attempt, Phase::Unresolved, &update, now)?;
        unresolved.push(post.number);
    }
    Ok(unresolved)
}
