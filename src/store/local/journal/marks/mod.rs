//! What tells journals apart, so that one that is missing, older or another one is noticed before
//! something is posted again.
//!
//! A journal has an identity and counts the runs that posted with it. Both are known in two more
//! places: the token store, and a witness among the locks. A run that is about to post for the first
//! time counts itself in the journal, then in the tokens, then in the witness, all durable before the
//! init is sent. So a journal that is ahead of its marks is what a crash leaves, and harmless; a mark
//! that is ahead of the journal, or of another one, tells that posts were made that are not in it.
//!
//! If all files were put back together, their marks agree. Then it tells that journal and witness
//! know which files they were: see [`self::host`].

pub(super) mod guard;
pub(super) mod host;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension as _, Transaction};

use self::host::{FileId, Here};
use super::database::db_error::DbError;
use crate::fs::{self, FsError, Lock, PRIVATE_FILE};
use crate::store::Doubt;
use crate::store::local::mark::Mark;

/// What the journal says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) identity: Option<String>,
    pub(super) counter: u64,
    pub(super) host: Option<String>,
    pub(super) file: Option<FileId>,
    pub(super) repaired: bool,
}

impl Known {
    pub(super) fn read(tx: &Transaction<'_>) -> Result<Self, DbError> {
        // What is no number is behind every mark.
        let counter = get(tx, "counter")?.and_then(|text| text.parse().ok()).unwrap_or(0);
        Ok(Self {
            identity: get(tx, "identity")?,
            counter,
            host: get(tx, "host")?,
            file: get(tx, "file")?.and_then(|text| FileId::parse(&text)),
            repaired: get(tx, REPAIRED)?.is_some(),
        })
    }
}

/// The name in `meta` under which a repaired journal tells that posts may be missing.
pub(super) const REPAIRED: &str = "repaired";

pub(super) fn get(tx: &Transaction<'_>, name: &str) -> rusqlite::Result<Option<String>> {
    tx.query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0)).optional()
}

pub(super) fn set(tx: &Transaction<'_>, name: &str, value: &str) -> rusqlite::Result<()> {
    tx.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)", [name, value])?;
    Ok(())
}

/// A new identity.
pub(super) fn identity() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// Gives a journal an identity if it has none, and tells its mark.
pub(super) fn ensure_identity(tx: &Transaction<'_>) -> Result<Mark, DbError> {
    tx.execute("INSERT OR IGNORE INTO meta (name, value) VALUES ('identity', ?1)", [identity()])?;
    let known = Known::read(tx)?;
    // It was just made sure of.
    Ok(Mark { journal: known.identity.unwrap_or_default(), counter: known.counter })
}

/// Counts a run that is about to post.
pub(super) fn count_run(tx: &Transaction<'_>) -> Result<Mark, DbError> {
    let mut mark = ensure_identity(tx)?;
    mark.counter += 1;
    set(tx, "counter", &mark.counter.to_string())?;
    Ok(mark)
}

/// Makes the journal one of its own, which no copy or older state of it can be taken for.
pub(super) fn begin_anew(tx: &Transaction<'_>) -> Result<Mark, DbError> {
    set(tx, "identity", &identity())?;
    tx.execute("DELETE FROM meta WHERE name = ?1", [REPAIRED])?;
    count_run(tx)
}

/// The marks outside of the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) tokens: Option<Mark>,
    pub(super) witness: Option<Said>,
}

/// What the witness says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// A mark, and whether the file is still the one that it was written to, if that can be told.
    Mark(Mark, bool),
    /// Nothing that was ever written.
    Nonsense,
}

impl Marks {
    /// Whether anything was ever posted from here.
    pub(super) fn are_there(&self) -> bool {
        self.tokens.is_some() || self.witness.is_some()
    }

    /// Holds the marks against what lies there. `None`: no journal.
    ///
    /// That it is another file than before is no wonder on another machine.
    pub(super) fn doubt(&self, known: Option<&Known>, here: Option<&Here>) -> Option<Doubt> {
        let Some(known) = known else { return self.are_there().then_some(Doubt::Gone) };
        if known.repaired {
            return Some(Doubt::Repaired);
        }
        let mut copied = here.is_some_and(|here| here.copied);
        let mut marks: Vec<&Mark> = self.tokens.iter().collect();
        match &self.witness {
            Some(Said::Nonsense) => return Some(Doubt::Unclear),
            Some(Said::Mark(mark, in_place)) => {
                marks.push(mark);
                copied |= !in_place;
            }
            None => {}
        }
        if marks.iter().any(|mark| known.identity.as_ref() != Some(&mark.journal)) {
            Some(Doubt::Other)
        } else if marks.iter().any(|mark| mark.counter > known.counter) {
            Some(Doubt::Behind)
        } else {
            (copied && !here.is_some_and(|here| here.elsewhere)).then_some(Doubt::Copied)
        }
    }
}

/// A file beside the locks that knows the journal and its counter, and which file it is itself: one
/// that was copied into the place of a later one gives itself away.
///
/// Lines of a name and a value; names that are not known are passed over. The last line, which says
/// which file it is, comes after the file is in its place, so it may be missing.
#[derive(Clone, Debug)]
pub(super) struct Witness {
    path: PathBuf,
}

impl Witness {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn read(&self) -> Result<Option<Said>, FsError> {
        let Some(bytes) = fs::read_private(&self.path)? else { return Ok(None) };
        let Some((mark, file)) = parse(&bytes) else { return Ok(Some(Said::Nonsense)) };
        let in_place = match file {
            None => true,
            Some(file) => file.is_still(FileId::of(&self.path)?),
        };
        Ok(Some(Said::Mark(mark, in_place)))
    }

    /// Keeps a mark durably, if it replaces the one that is there, and makes the file know itself in
    /// any case: whoever writes it has judged it.
    pub(super) fn write(&self, mark: &Mark, held: &Lock) -> Result<(), FsError> {
        if let Some(Said::Mark(known, true)) = self.read()?
            && !mark.replaces(&known)
        {
            return Ok(());
        }
        fs::clean_temps(&self.path, held)?;
        let text = format!("journal {}\ncounter {}\n", mark.journal, mark.counter);
        fs::write_atomic(&self.path, text.as_bytes(), PRIVATE_FILE)?;
        match FileId::of(&self.path)? {
            Some(file) => append(&self.path, &format!("file {file}\n")),
            None => Ok(()),
        }
    }
}

/// The mark and the file; `None` if there is no mark.
fn parse(bytes: &[u8]) -> Option<(Mark, Option<FileId>)> {
    // What is no text is nonsense, and told as that.
    let text = std::str::from_utf8(bytes).ok()?;
    let value = |name: &str| {
        // A line that was cut off is no line.
        let lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        lines.filter_map(|line| line.split_once(' ')).find(|(known, _)| *known == name)
    };
    let (_, journal) = value("journal")?;
    let counter = value("counter")?.1.parse().ok()?;
    let file = value("file").and_then(|(_, text)| FileId::parse(text));
    Some((Mark { journal: journal.to_owned(), counter }, file))
}

fn append(path: &Path, line: &str) -> Result<(), FsError> {
    fs::step("write", path, || {
        let mut file = OpenOptions::new().append(true).open(path)?;
        file.write_all(line.as_bytes())?;
        file.sync_all()
    })
}
