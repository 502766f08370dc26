//! The times of slots as a file: `slots.json` in the state directory.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fs::{self, Lock, PRIVATE_FILE};
use crate::model::slot::Booking;
use crate::store::thread::StoreThread;
use crate::store::{Asked, SlotError, Slots, StoreFuture};

/// The name of the file in its directory.
pub(crate) const FILE: &str = "slots.json";

/// The longest file that is read, in bytes.
const LONGEST: u64 = 64 << 20;

/// How long another run's look at it is waited for, which takes milliseconds.
const WAIT: Duration = Duration::from_secs(10);

/// What is written.
const VERSION: u32 = 1;

/// The file behind the interface.
#[derive(Debug)]
pub(super) struct LocalSlots {
    file: SlotFile,
    thread: Arc<StoreThread>,
}

impl LocalSlots {
    /// Those of a state directory.
    pub(super) fn in_dir(dir: &Path, thread: Arc<StoreThread>) -> Self {
        Self { file: SlotFile { path: dir.join(FILE) }, thread }
    }
}

impl Slots for LocalSlots {
    fn book(&self, asked: Asked) -> StoreFuture<'_, Vec<Option<Timestamp>>> {
        let file = self.file.clone();
        self.thread.run(move || file.change(|bookings| asked.book(bookings)))
    }

    fn look(&self, asked: Asked) -> StoreFuture<'_, Vec<Option<Timestamp>>> {
        let file = self.file.clone();
        self.thread.run(move || Ok::<_, SlotError>(asked.book(&mut file.read()?)))
    }

    fn free(&self, made: BTreeSet<(String, String)>, now: Timestamp) -> StoreFuture<'_, ()> {
        let file = self.file.clone();
        self.thread.run(move || {
            file.change(|bookings| {
                let is_made = |it: &Booking| made.contains(&(it.account.clone(), it.post.clone()));
                bookings.retain(|it| it.at <= now || !is_made(it));
            })
        })
    }
}

/// The times that posts of one state directory have.
#[derive(Clone, Debug)]
struct SlotFile {
    path: PathBuf,
}

#[derive(Debug, Default, Deserialize, Serialize)]
struct Kept {
    version: u32,
    bookings: Vec<Booking>,
}

impl SlotFile {
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
