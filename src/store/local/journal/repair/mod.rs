//! Making a journal of what can be read of a damaged one.
//!
//! The damaged files are kept: first in the directory that blocks `upload`, then, when the new journal is
//! in place, under a name that does not. Whatever cuts this off, `upload` stays blocked or the journal
//! is whole.

pub(super) mod salvage;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use self::salvage::{Built, PAGE, Salvage};
use super::database::db_error::DbError;
use super::database::dir::{DirState, JournalDir};
use super::database::schema::{Found, SCHEMA, Schema};
use super::database::{self, Database};
use super::marks;
use crate::clock::Clock;
use crate::fault;
use crate::fs::{FsError, Lock, private_dir};
use crate::model::PostNumber;
use crate::store::JournalError;

/// What a repair came to.
#[derive(Debug)]
pub(crate) enum Repair {
    /// There is no journal, and none was set aside.
    Nothing,
    /// The journal is sound; nothing was changed.
    Sound,
    /// No post could be read of the journal in this place; nothing was changed.
    Hopeless(PathBuf),
    /// A journal was made of what could be read.
    Done(Repaired),
}

/// What could be read of a damaged journal.
#[derive(Debug)]
pub(crate) struct Repaired {
    /// How many posts.
    pub(crate) posts: u32,
    /// Posts that are known to have been there and could not be read.
    pub(crate) missing: Vec<PostNumber>,
    /// Posts of which nobody knows any more what became of them.
    pub(crate) unresolved: Vec<PostNumber>,
    /// Nothing is missing: the journal counts as before. Else `upload` asks for `--new-journal`.
    pub(crate) whole: bool,
    /// Where the damaged files lie now.
    pub(crate) kept: Vec<PathBuf>,
}

/// The name in `meta` of the directory that a repaired journal was made of.
const SOURCE: &str = "repaired_from";

/// Makes a journal of what can be read of the damaged one in a directory, or of the one that was set
/// aside last. Not while anybody posts.
pub(super) fn repair(dir: &Path, clock: Clock) -> Result<Repair, JournalError> {
    if !dir.exists() {
        return Ok(Repair::Nothing);
    }
    let journal_dir = JournalDir::new(private_dir(dir)?);
    let held = journal_dir.lock()?;
    let _nobody_posts = journal_dir.lock_uploads()?;
    let state = journal_dir.look()?;
    let mut db_error = None;
    if state == DirState::Journal {
        match database::sound(&journal_dir) {
            Ok(connection) => {
                drop(connection);
                return finish(&journal_dir, clock, &held);
            }
            Err(found) if found.damage().is_some() || found.is_of_the_disk() => {
                db_error = Some(found);
            }
            Err(found) => return Err(found.explain("open", journal_dir.path())),
        }
    }
    let Some(source) = Source::find(&journal_dir, state)? else {
        return Ok(match state {
            DirState::OrphanedWal => Repair::Hopeless(journal_dir.path().to_owned()),
            _ => Repair::Nothing,
        });
    };
    let explain = |db_error: DbError| db_error.explain("repair", journal_dir.path());
    let copy = source.read()?;
    if let Some(db_error) = db_error.filter(|db_error| db_error.damage().is_none())
        && copy.unreadable == 0
    {
        // The disk refused once, and does not any more: there is nothing to repair.
        return Err(db_error.explain("open", journal_dir.path()));
    }
    let salvage = salvage(&journal_dir, &copy, &held)?;
    if salvage.posts() == 0 {
        return Ok(Repair::Hopeless(source.database));
    }
    let mut built = salvage.build(clock.now()).map_err(explain)?;
    match SCHEMA.examine(&built.connection).map_err(|error| explain(error.into()))? {
        Found::Current => {}
        found => return Err(explain(DbError::Unreadable(format!("{found:?}")))),
    }
    let mut kept = Vec::new();
    if state != DirState::Empty {
        kept.push(journal_dir.set_aside(clock.now(), &held)?);
    }
    kept.extend(source.aside.filter(|dir| !kept.contains(dir)));
    put_in_place(&journal_dir, &mut built, &kept, &held)?;
    let kept = kept.iter().map(|dir| journal_dir.retire(dir)).collect::<Result<_, _>>()?;
    let Built { posts, missing, unresolved, whole, .. } = built;
    Ok(Repair::Done(Repaired { posts, missing, unresolved, whole, kept }))
}

/// The damaged journal that blocks `upload`, if there is one.
pub(super) fn set_aside_in(dir: &Path) -> Result<Option<PathBuf>, JournalError> {
    if !dir.exists() {
        return Ok(None);
    }
    Ok(JournalDir::new(private_dir(dir)?).aside()?)
}

fn put_in_place(
    journal_dir: &JournalDir,
    built: &mut Built,
    kept: &[PathBuf],
    held: &Lock,
) -> Result<(), JournalError> {
    let mut image = || -> rusqlite::Result<Vec<u8>> {
        let tx = built.connection.transaction()?;
        let names = kept.iter().filter_map(|dir| dir.file_name()?.to_str());
        marks::set(&tx, SOURCE, &names.collect::<Vec<_>>().join("/"))?;
        tx.commit()?;
        Schema::wal_image(&mut built.connection)
    };
    let image =
        image().map_err(|error| DbError::from(error).explain("repair", journal_dir.path()))?;
    Ok(journal_dir.create(&image, held)?)
}

/// Brings a repair to its end that was cut off when its journal was in place already.
fn finish(journal_dir: &JournalDir, clock: Clock, held: &Lock) -> Result<Repair, JournalError> {
    let db = Database::open(journal_dir.clone(), clock, held)?;
    let source = db.try_read(|tx| Ok(marks::get(tx, SOURCE)?));
    let source = source.map_err(|stopped| db.explain(stopped, "read"))?;
    for name in source.iter().flat_map(|names| names.split('/')) {
        let dir = journal_dir.path().with_file_name(name);
        if name.starts_with(super::database::dir::ASIDE) && dir.is_dir() {
            journal_dir.retire(&dir)?;
        }
    }
    Ok(Repair::Sound)
}

/// The files of a damaged journal.
#[derive(Debug)]
struct Source {
    database: PathBuf,
    log: PathBuf,
    /// The directory that it was set aside in.
    aside: Option<PathBuf>,
}

/// Their bytes.
#[derive(Debug)]
struct Copy {
    database: Vec<u8>,
    log: Option<Vec<u8>>,
    /// How many pages the disk did not let read.
    unreadable: usize,
}

impl Source {
    /// The journal in place, else the last one that was set aside with its database.
    fn find(journal_dir: &JournalDir, state: DirState) -> Result<Option<Self>, FsError> {
        if state == DirState::Journal {
            let (database, log) = (journal_dir.path().to_owned(), journal_dir.companion("-wal"));
            return Ok(Some(Self { database, log, aside: None }));
        }
        for dir in journal_dir.all_aside()?.into_iter().rev() {
            let database = dir.join(super::database::dir::NAME);
            if !database.exists() {
                continue;
            }
            let log = dir.join(format!("{}-wal", super::database::dir::NAME));
            // Setting it aside may have been cut off before the log was moved.
            let log = if log.exists() { log } else { journal_dir.companion("-wal") };
            return Ok(Some(Self { database, log, aside: Some(dir) }));
        }
        Ok(None)
    }

    fn read(&self) -> Result<Copy, FsError> {
        let mut unreadable = 0;
        let database = read(&self.database, &mut unreadable)?.unwrap_or_default();
        let log = read(&self.log, &mut unreadable)?;
        Ok(Copy { database, log, unreadable })
    }
}

/// Reads a file page by page; one that the disk does not give is taken to be empty. SQLite has none of
/// them open in this process (see [`JournalDir::look`]).
fn read(path: &Path, unreadable: &mut usize) -> Result<Option<Vec<u8>>, FsError> {
    let failed = |source| FsError::Io { operation: "read", path: path.to_owned(), source };
    let file = match fault::point("journal: read damaged").and_then(|()| File::open(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(failed)?,
    };
    let size = usize::try_from(file.metadata().map_err(failed)?.len()).unwrap_or(usize::MAX);
    let mut bytes = vec![0; size];
    for (number, page) in bytes.chunks_mut(PAGE).enumerate() {
        if file.read_exact_at(page, (number * PAGE) as u64).is_err() {
            page.fill(0);
            *unreadable += 1;
        }
    }
    Ok(Some(bytes))
}

fn salvage(journal_dir: &JournalDir, copy: &Copy, held: &Lock) -> Result<Salvage, JournalError> {
    let dir = journal_dir.scratch(held)?;
    let whole = copy.unreadable == 0;
    let outcome = Salvage::of(&copy.database, copy.log.as_deref(), whole, &dir);
    // The next repair clears what stays here.
    let _ = fs::remove_dir_all(&dir);
    outcome.map_err(|db_error| db_error.explain("repair", journal_dir.path()))
}
