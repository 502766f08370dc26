//! What was composed in the console and is to be posted: a manifest for each account, which is posted from as from any
//! other. So it outlives a crash, and `tiktok-up upload` with the same file goes on where the console stopped.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use crate::fs::{FsError, private_dir, read_private_to, write_atomic};
use crate::problem::{Coded, ErrorCode, Problem};

/// The largest manifest that is read, in bytes.
const LARGEST: u64 = 16 << 20;

/// The posts of the console, by the `open_id` of their account.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    folder: PathBuf,
    /// One change at a time.
    lock: Arc<Mutex<()>>,
}

/// A post as a manifest has it; its `id` is what the console knows it by.
pub(crate) type QueueEntry = Map<String, Value>;

/// Why the posts of the console cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueueError {
    #[error(transparent)]
    File(#[from] FsError),
    #[error("`{}` is no list of posts any more", path.display())]
    Foreign { path: PathBuf, source: serde_json::Error },
}

impl Coded for QueueError {
    fn problem(&self) -> Problem {
        match self {
            Self::File(error) => error.problem(),
            Self::Foreign { path, .. } => {
                Problem::new(ErrorCode::ConsoleQueueDamaged).with("path", path.display())
            }
        }
    }
}

impl Queue {
    /// Under the directory of the console.
    pub(crate) fn open(console: &Path) -> Result<Self, QueueError> {
        let folder = console.join("queue");
        private_dir(&folder)?;
        Ok(Self { folder, lock: Arc::default() })
    }

    /// The manifest of an account.
    pub(crate) fn manifest(&self, open_id: &str) -> PathBuf {
        // An `open_id` is TikTok's to choose, a name of a file is not.
        let name = blake3::hash(open_id.as_bytes()).to_hex();
        self.folder.join(format!("{}.json", &name[..16]))
    }

    /// The posts of an account, in the order in which they were composed.
    pub(crate) fn entries(&self, open_id: &str) -> Result<Vec<QueueEntry>, QueueError> {
        read(&self.manifest(open_id))
    }

    /// Every post, by account.
    pub(crate) fn all(&self) -> Result<Vec<QueueEntry>, QueueError> {
        let mut all = Vec::new();
        for path in crate::fs::list(&self.folder)? {
            if path.extension().is_some_and(|end| end == "json") {
                all.extend(read(&path)?);
            }
        }
        Ok(all)
    }

    /// Adds a post at the end. One with the same `id` is there already: then nothing changes.
    pub(crate) fn add(&self, open_id: &str, entry: QueueEntry) -> Result<(), QueueError> {
        self.change(open_id, |entries| {
            if entries.iter().all(|other| other["id"] != entry["id"]) {
                entries.push(entry);
            }
        })
    }

    /// Changes the posts of an account.
    pub(crate) fn change<T>(
        &self,
        open_id: &str,
        change: impl FnOnce(&mut Vec<QueueEntry>) -> T,
    ) -> Result<T, QueueError> {
        let _one = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.manifest(open_id);
        let before = read(&path)?;
        let mut entries = before.clone();
        let changed = change(&mut entries);
        if entries != before {
            write_atomic(&path, &text_of(&entries), 0o600)?;
        }
        Ok(changed)
    }
}

/// The text of a manifest with these posts.
pub(crate) fn text_of(entries: &[QueueEntry]) -> Vec<u8> {
    let all = Value::Array(entries.iter().cloned().map(Value::Object).collect());
    format!("{all:#}\n").into_bytes()
}

fn read(path: &Path) -> Result<Vec<QueueEntry>, QueueError> {
    let Some(text) = read_private_to(path, LARGEST)? else { return Ok(Vec::new()) };
    let foreign = |source| QueueError::Foreign { path: path.to_owned(), source };
    serde_json::from_slice(&text).map_err(foreign)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(id: &str) -> QueueEntry {
        let Value::Object(entry) = json!({ "id": id, "user_id": "a" }) else { unreachable!() };
        entry
    }

    #[test]
    fn a_post_is_added_once_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let queue = Queue::open(dir.path()).unwrap();
        queue.add("a", entry("one")).unwrap();
        queue.add("a", entry("two")).unwrap();
        queue.add("a", entry("one")).unwrap();
        queue.add("b", entry("three")).unwrap();
        let ids = |entries: Vec<QueueEntry>| -> Vec<String> {
            entries.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
        };
        let again = Queue::open(dir.path()).unwrap();
        assert_eq!(ids(again.entries("a").unwrap()), ["one", "two"]);
        assert_eq!(again.all().unwrap().len(), 3);
        again.change("a", |entries| entries.retain(|it| it["id"] != "one")).unwrap();
        assert_eq!(ids(queue.entries("a").unwrap()), ["two"]);
        std::fs::write(queue.manifest("b"), "{").unwrap();
        assert!(matches!(queue.all(), Err(QueueError::Foreign { .. })));
    }
}
