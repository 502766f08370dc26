//! Which posts have which times of slots: `slots.json` in the state directory.
//!
//! Without it every post that waits is given another time, a later one, so nothing rests on it that must never be
//! lost.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fs::{self, FsError, Lock, LockError, PRIVATE_FILE};
use crate::model::slot::{Booking, Slot, Wanted, book};
use crate::problem::{Coded, ErrorCode, Problem};

/// The name of the file in its directory.
pub(crate) const FILE: &str = "slots.json";

/// The longest file that is read, in bytes.
const LONGEST: u64 = 64 << 20;

/// How long another run's look at it is waited for, which takes milliseconds.
const WAIT: Duration = Duration::from_secs(10);

/// What is written.
const VERSION: u32 = 1;

/// The times that posts of one state directory have.
#[derive(Clone, Debug)]
pub(crate) struct SlotFile {
    path: PathBuf,
}

/// Why no times can be given.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SlotError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FsError),
    /// Another run does not let go of it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// What lies there was written by nobody, or by a newer version.
    #[error("{} does not hold the times of slots as this version writes them", .0.display())]
    Damaged(PathBuf),
}

impl Coded for SlotError {
    fn problem(&self) -> Problem {
        match self {
            Self::File(error) => error.problem(),
            Self::Lock(error) => error.problem(),
            Self::Damaged(path) => {
                Problem::new(ErrorCode::SlotsDamaged).with("path", path.display())
            }
        }
    }
}

#[derive(Debug, Default, Deserialize, Serialize)]
struct Kept {
    version: u32,
    bookings: Vec<Booking>,
}

impl SlotFile {
    /// That of a state directory.
    pub(super) fn in_dir(dir: &Path) -> Self {
        Self { path: dir.join(FILE) }
    }

    /// As [`book`] says.
    pub(crate) fn book(
        &self,
        slots: &BTreeMap<String, Slot>,
        manifest: &str,
        wanted: &[Wanted],
        taken: &BTreeSet<(String, Timestamp)>,
        now: Timestamp,
    ) -> Result<Vec<Option<Timestamp>>, SlotError> {
        self.change(|bookings| book(bookings, slots, manifest, wanted, taken, now))
    }

    /// The times that [`SlotFile::book`] would give. Nothing is kept.
    pub(crate) fn look(
        &self,
        slots: &BTreeMap<String, Slot>,
        manifest: &str,
        wanted: &[Wanted],
        taken: &BTreeSet<(String, Timestamp)>,
        now: Timestamp,
    ) -> Result<Vec<Option<Timestamp>>, SlotError> {
        Ok(book(&mut self.read()?, slots, manifest, wanted, taken, now))
    }

    /// Frees the times of posts that are made before them, by account and [`Wanted::post`].
    pub(crate) fn free(
        &self,
        made: &BTreeSet<(String, String)>,
        now: Timestamp,
    ) -> Result<(), SlotError> {
        self.change(|bookings| {
            let is_made = |it: &Booking| made.contains(&(it.account.clone(), it.post.clone()));
            bookings.retain(|it| it.at <= now || !is_made(it));
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut Vec<Booking>) -> T) -> Result<T, SlotError> {
        let lock = Lock::acquire_blocking(&self.path.with_extension("json.lock"), WAIT)?;
        fs::clean_temps(&self.path, &lock)?;
        let before = self.read()?;
        let mut bookings = before.clone();
        let given = change(&mut bookings);
        if bookings != before {
            let kept = Kept { version: VERSION, bookings };
            // Texts, numbers and times into memory: this cannot fail.
            let bytes = serde_json::to_vec_pretty(&kept).unwrap_or_default();
            fs::write_atomic(&self.path, &bytes, PRIVATE_FILE)?;
        }
        Ok(given)
    }

    fn read(&self) -> Result<Vec<Booking>, SlotError> {
        let Some(bytes) = fs::read_private_to(&self.path, LONGEST)? else { return Ok(Vec::new()) };
        match serde_json::from_slice::<Kept>(&bytes) {
            Ok(kept) if kept.version == VERSION => Ok(kept.bookings),
            _ => Err(SlotError::Damaged(self.path.clone())),
        }
    }
}
