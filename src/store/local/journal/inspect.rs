//! A look at the journal that changes nothing and sets nothing aside.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::database;
use super::database::db_error::DbError;
use super::database::dir::{DirState, JournalDir};
use super::marks::Known;
use super::marks::guard::Guard;
use super::marks::host::Here;
use crate::fs;
use crate::store::JournalError;
use crate::store::local::mark::TokenMark;

/// What an inspection found.
#[derive(Debug)]
pub(crate) struct Inspection {
    /// How many posts the journal knows. `None`: there is no journal.
    pub(crate) posts: Option<u32>,
    /// Why nothing is posted with it.
    pub(crate) doubt: Option<JournalError>,
    /// Damaged journals that were set aside, the oldest first.
    pub(crate) aside: Vec<PathBuf>,
}

/// Reads the journal of a directory from end to end, and holds it against its marks. What is
/// damaged stays where it is.
pub(super) fn inspect(dir: &Path, tokens: Arc<dyn TokenMark>) -> Result<Inspection, JournalError> {
    let journal_dir = JournalDir::new(fs::private_dir(dir)?);
    let held = journal_dir.lock()?;
    let marks = Guard::new(&journal_dir, tokens).marks()?;
    let path = journal_dir.path().to_owned();
    let aside = journal_dir.all_aside()?;
    let found = match journal_dir.look()? {
        DirState::Empty => None,
        DirState::OrphanedWal => {
            let what = "what was recorded in it is gone".to_owned();
            return Err(JournalError::Corrupt { path, what, moved_to: None });
        }
        DirState::Journal => {
            Some(read(&journal_dir).map_err(|db_error| match db_error.damage() {
                Some(what) => JournalError::Corrupt { path: path.clone(), what, moved_to: None },
                None => db_error.explain("check", &path),
            })?)
        }
    };
    drop(held);
    let here = found
        .as_ref()
        .map(|(_, known)| Here::of(&path, known.host.as_deref(), known.file))
        .transpose()?;
    let doubt = marks.doubt(found.as_ref().map(|(_, known)| known), here.as_ref());
    Ok(Inspection {
        posts: found.map(|(posts, _)| posts),
        doubt: doubt.map(|doubt| JournalError::Doubtful { path, doubt }),
        aside,
    })
}

fn read(journal_dir: &JournalDir) -> Result<(u32, Known), DbError> {
    let mut connection = database::sound(journal_dir)?;
    let tx = connection.transaction()?;
    let posts = tx.query_row("SELECT count(*) FROM posts", [], |row| row.get(0))?;
    Ok((posts, Known::read(&tx)?))
}
