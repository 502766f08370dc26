//! What this machine has seen of databases, kept beside its other files: what tells it that a database was put back
//! to an earlier state, or made anew, and does not know posts that were made from here.
//!
//! It is written once a post, after the commit and before the call to TikTok that may make the post: what stands
//! here stood in the database, and what TikTok may have posted stands here.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fs::{self, Lock, PRIVATE_FILE};
use crate::model::{Attempt, Phase, Transfer};
use crate::store::{JournalError, StoreError};

/// The file, among the locks as that of a journal is.
const FILE: &str = "locks/database.mark";

/// How long others are waited for, who are at it for milliseconds.
const WAIT: Duration = Duration::from_secs(10);

/// How many attempts are remembered of a database. Several, as runs beside each other note theirs in another order
/// than they were recorded in.
const MOST: usize = 8;

/// The version that is written.
const VERSION: u32 = 1;

/// The marks of a machine, and the database that is used.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    path: Option<PathBuf>,
    place: String,
}

/// What the file says.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    version: u32,
    databases: Vec<Seen>,
}

/// What was seen of a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    /// Its address, without user and password.
    pub(super) place: String,
    /// The identity of the store there.
    pub(super) identity: String,
    /// How often a person had accepted it as it was then.
    pub(super) accepted: i64,
    /// The last attempts that were made from here.
    pub(super) made: Vec<Made>,
}

/// An attempt that TikTok may have made a post of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Made {
    /// The number of its post.
    pub(super) post: u32,
    /// Its own number.
    pub(super) attempt: u32,
    /// When it was begun, in ms since 1970 by the clock of the server: what tells it from another one that has its
    /// number now.
    pub(super) created: i64,
    /// Whether its init could make the post, and not only its last chunk.
    pub(super) by_init: bool,
}

impl Made {
    /// What is to be kept of an attempt before TikTok is called; `None`: that call makes no post yet.
    pub(super) fn of(attempt: &Attempt) -> Option<Self> {
        let by_init = match (attempt.phase, attempt.transfer) {
            (Phase::InitIntent, Transfer::Pull) => true,
            (Phase::FinalIntent { .. }, _) => false,
            _ => return None,
        };
        Some(Self {
            post: attempt.post.0,
            attempt: attempt.number,
            created: attempt.created_at.as_millisecond(),
            by_init,
        })
    }
}

impl Marks {
    /// Those in a directory of this machine. `None`: nothing is kept.
    pub(super) fn new(dir: Option<&Path>, place: &str) -> Self {
        Self { path: dir.map(|dir| dir.join(FILE)), place: place.to_owned() }
    }

    /// What was seen of the database that is used, as far as it is known by its address or its identity. `None`: it
    /// cannot be told.
    pub(super) fn read(&self, identity: Option<&str>) -> Result<Option<Vec<Seen>>, StoreError> {
        let Some(path) = &self.path else { return Ok(Some(Vec::new())) };
        let Some(mut all) = read(path)? else { return Ok(None) };
        all.retain(|seen| self.is_about(seen, identity));
        Ok(Some(all))
    }

    fn is_about(&self, seen: &Seen, identity: Option<&str>) -> bool {
        seen.place == self.place || Some(seen.identity.as_str()) == identity
    }

    /// Keeps an attempt durably, or that a person has accepted the database.
    pub(super) fn note(
        &self,
        identity: &str,
        accepted: i64,
        made: Option<Made>,
    ) -> Result<(), StoreError> {
        let Some(path) = &self.path else { return Ok(()) };
        if let Some(dir) = path.parent() {
            fs::private_dir(dir).map_err(JournalError::from)?;
        }
        let held = Lock::acquire_to_save(&path.with_extension("lock"), WAIT);
        let held = held.map_err(JournalError::from)?;
        let before = read(path)?.unwrap_or_default();
        let (ours, mut databases): (Vec<Seen>, Vec<Seen>) =
            before.into_iter().partition(|seen| self.is_about(seen, Some(identity)));
        // What was seen before a person accepted it does not count any more.
        let is_same = |seen: &Seen| seen.identity == identity && seen.accepted == accepted;
        let same = ours.into_iter().filter(is_same);
        let mut all: Vec<Made> = same.flat_map(|seen| seen.made).chain(made).collect();
        all.drain(..all.len().saturating_sub(MOST));
        let (place, identity) = (self.place.clone(), identity.to_owned());
        databases.push(Seen { place, identity, accepted, made: all });
        let text = serde_json::to_vec(&Kept { version: VERSION, databases }).unwrap_or_default();
        fs::clean_temps(path, &held).map_err(JournalError::from)?;
        fs::write_atomic(path, &text, PRIVATE_FILE).map_err(JournalError::from)?;
        Ok(())
    }
}

/// All that is kept. `None`: it is nothing that was ever written.
fn read(path: &Path) -> Result<Option<Vec<Seen>>, StoreError> {
    let Some(bytes) = fs::read_private(path).map_err(JournalError::from)? else {
        return Ok(Some(Vec::new()));
    };
    let kept: Option<Kept> = serde_json::from_slice(&bytes).ok();
    Ok(kept.filter(|kept| kept.version <= VERSION).map(|kept| kept.databases))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(post: u32) -> Made {
        Made { post, attempt: 1, created: 7, by_init: false }
    }

    #[test]
    fn the_last_attempts_are_kept_of_each_database() {
        let dir = tempfile::tempdir().unwrap();
        let at = |place: &str| Marks::new(Some(dir.path()), place);
        assert_eq!(at("a").read(None).unwrap(), Some(Vec::new()));
        for post in 1..=10 {
            at("a").note("one", 0, Some(made(post))).unwrap();
        }
        at("b").note("two", 0, Some(made(1))).unwrap();
        let seen = at("a").read(None).unwrap().unwrap();
        let posts: Vec<u32> = seen[0].made.iter().map(|made| made.post).collect();
        assert_eq!(posts, [3, 4, 5, 6, 7, 8, 9, 10]);
        // A database that has moved is known by what it is.
        assert_eq!(at("c").read(Some("one")).unwrap().unwrap(), seen);
        at("c").note("one", 0, Some(made(11))).unwrap();
        assert_eq!(at("a").read(Some("one")).unwrap().unwrap()[0].made.len(), MOST);
        // What a person has accepted begins anew.
        at("c").note("one", 1, None).unwrap();
        let seen = at("c").read(None).unwrap().unwrap();
        assert_eq!((seen[0].accepted, seen[0].made.len(), seen.len()), (1, 0, 1));
        assert_eq!(at("b").read(None).unwrap().unwrap().len(), 1);
    }

    #[test]
    fn what_cannot_be_read_is_told_from_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let marks = Marks::new(Some(dir.path()), "a");
        marks.note("one", 0, None).unwrap();
        for nonsense in ["", "{", "[]", r#"{"version":2,"databases":[]}"#] {
            std::fs::write(dir.path().join(FILE), nonsense).unwrap();
            assert_eq!(marks.read(None).unwrap(), None, "{nonsense}");
        }
        marks.note("one", 0, None).unwrap();
        assert!(marks.read(None).unwrap().is_some());
    }
}
