//! A look at the journal that changes nothing and sets nothing aside.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::Transaction;
use tiktok_open::Code;

use super::database;
use super::database::db_error::DbError;
use super::database::dir::{DirState, JournalDir};
use super::marks::Known;
use super::marks::guard::Guard;
use super::marks::host::Here;
use crate::fs;
use crate::model::PostNumber;
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
    /// What it shows of audits, for each account of which it shows any.
    pub(crate) evidence: Vec<Evidence>,
}

/// What the posts of an account show of whether TikTok has audited its app: the latest of each kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// The `open_id` of the account.
    pub(crate) account: String,
    /// A direct post that is public, which those of an app without an audit never are.
    pub(crate) public: Option<(PostNumber, Timestamp)>,
    /// A post that TikTok refused because it had not audited the app.
    pub(crate) refused: Option<(PostNumber, Timestamp)>,
}

/// What was read of a journal.
struct Read {
    posts: u32,
    known: Known,
    evidence: Vec<Evidence>,
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
        .map(|read| Here::of(&path, read.known.host.as_deref(), read.known.file))
        .transpose()?;
    let doubt = marks.doubt(found.as_ref().map(|read| &read.known), here.as_ref());
    Ok(Inspection {
        posts: found.as_ref().map(|read| read.posts),
        doubt: doubt.map(|doubt| JournalError::Doubtful { path, doubt }),
        aside,
        evidence: found.map(|read| read.evidence).unwrap_or_default(),
    })
}

fn read(journal_dir: &JournalDir) -> Result<Read, DbError> {
    let mut connection = database::sound(journal_dir)?;
    let tx = connection.transaction()?;
    let posts = tx.query_row("SELECT count(*) FROM posts", [], |row| row.get(0))?;
    Ok(Read { posts, known: Known::read(&tx)?, evidence: evidence(&tx)? })
}

fn evidence(tx: &Transaction<'_>) -> Result<Vec<Evidence>, DbError> {
    let mut all: BTreeMap<String, Evidence> = BTreeMap::new();
    // With `max` the other columns are those of the row that has it (<https://www.sqlite.org/lang_select.html>).
    let mut latest = |which: &str, code: &str, is_public: bool| -> Result<(), DbError> {
        let mut statement = tx.prepare(&format!(
            "SELECT posts.account, posts.id, max(attempts.updated) FROM attempts
             JOIN posts ON posts.id = attempts.post WHERE {which} GROUP BY posts.account"
        ))?;
        let mut rows = statement.query([code])?;
        while let Some(row) = rows.next()? {
            let (account, post): (String, u32) = (row.get(0)?, row.get(1)?);
            let at = Timestamp::from_millisecond(row.get(2)?).unwrap_or(Timestamp::MIN);
            let of_account = all.entry(account.clone()).or_insert(Evidence {
                account,
                public: None,
                refused: None,
            });
            let kind = if is_public { &mut of_account.public } else { &mut of_account.refused };
            *kind = Some((PostNumber(post), at));
        }
        Ok(())
    };
    // What became public of a draft, its creator has made so in the app.
    let public = "attempts.phase = ?1 AND attempts.post_ids <> '' AND posts.mode = 'direct'";
    latest(public, "published", true)?;
    latest("attempts.code = ?1", Code::UnauditedClient.as_str(), false)?;
    Ok(all.into_values().collect())
}
