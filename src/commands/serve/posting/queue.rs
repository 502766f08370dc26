//! What was composed in the console and is to be posted: a manifest for each account, which is posted from as from any
//! other. So it outlives a crash, and `tiktok-up upload` with the same file goes on where the console stopped.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::fs::{FsError, private_dir, read_private_to, write_atomic};
use crate::problem::{Coded, ErrorCode, Problem};

/// The largest manifest that is read, in bytes.
const LARGEST: u64 = 16 << 20;

/// The posts of the console, by the `open_id` of their account.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    folder: PathBuf,
    /// The file of those that failed.
    failed: PathBuf,
    /// One change at a time.
    lock: Arc<Mutex<()>>,
}

/// A post as a manifest has it; its `id` is what the console knows it by.
pub(crate) type QueueEntry = Map<String, Value>;

/// A post that failed: nobody tries it again before somebody asks for that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FailedPost {
    pub(crate) entry: QueueEntry,
    #[serde(flatten)]
    pub(crate) why: Why,
}

/// Why a post failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Why {
    /// In words.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// Whether its file is another one than somebody has looked at.
    #[serde(default)]
    pub(crate) replaced: bool,
}

impl FailedPost {
    /// What the post is known by.
    pub(crate) fn id(&self) -> &str {
        self.entry["id"].as_str().unwrap_or_default()
    }
}

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
        Ok(Self { folder, failed: console.join("held.json"), lock: Arc::default() })
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
        let (all, unread) = self.readable();
        unread.into_iter().next().map_or(Ok(all), Err)
    }

    /// Every post that can be read, by account; and why others cannot.
    pub(crate) fn readable(&self) -> (Vec<QueueEntry>, Vec<QueueError>) {
        let paths = match crate::fs::list(&self.folder) {
            Ok(paths) => paths,
            Err(error) => return (Vec::new(), vec![error.into()]),
        };
        let (mut all, mut unread) = (Vec::new(), Vec::new());
        for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "json")) {
            match read::<QueueEntry>(path) {
                Ok(entries) => all.extend(entries),
                Err(error) => unread.push(error),
            }
        }
        (all, unread)
    }

    /// Adds a post at the end. One with the same `id` is there already: then nothing changes.
    pub(crate) fn add(&self, open_id: &str, entry: QueueEntry) -> Result<(), QueueError> {
        self.change(open_id, |entries| {
            if entries.iter().all(|other| other["id"] != entry["id"]) {
                entries.push(entry);
            }
        })
    }

    /// The posts that failed.
    pub(crate) fn failed(&self) -> Result<Vec<FailedPost>, QueueError> {
        read(&self.failed)
    }

    /// Keeps posts that failed from being posted with the others. A crash in between leaves them in both, which
    /// [`Self::settle`] mends.
    pub(crate) fn set_aside(
        &self,
        open_id: &str,
        failed: Vec<(String, Why)>,
    ) -> Result<(), QueueError> {
        if failed.is_empty() {
            return Ok(());
        }
        let entries = self.entries(open_id)?;
        let found = failed.into_iter().filter_map(|(id, why)| {
            let entry = entries.iter().find(|entry| entry["id"] == id.as_str())?.clone();
            Some(FailedPost { entry, why })
        });
        let found: Vec<_> = found.collect();
        let is_it = |id: &str| found.iter().any(|post| post.id() == id);
        self.change_failed(|held| {
            held.retain(|post| !is_it(post.id()));
            held.extend(found.iter().cloned());
        })?;
        self.change(open_id, |entries| {
            entries.retain(|entry| !entry["id"].as_str().is_some_and(is_it));
        })
    }

    /// What a crash has left in both places has failed: nobody has asked for it again, as far as that was kept.
    pub(crate) fn settle(&self) -> Result<(), QueueError> {
        let failed = self.failed()?;
        for post in &failed {
            let open_id = post.entry["user_id"].as_str().unwrap_or_default();
            self.change(open_id, |entries| entries.retain(|entry| entry["id"] != post.id()))?;
        }
        Ok(())
    }

    /// Takes a post out, wherever it waits.
    pub(crate) fn remove(&self, open_id: &str, id: &str) -> Result<(), QueueError> {
        self.let_go(id)?;
        self.change(open_id, |entries| entries.retain(|entry| entry["id"] != id))
    }

    /// Every post that waits, or has failed and waits to be tried again.
    pub(crate) fn posts(&self) -> Result<Vec<QueueEntry>, QueueError> {
        let mut posts = self.all()?;
        for failed in self.failed()? {
            if posts.iter().all(|entry| entry["id"] != failed.id()) {
                posts.push(failed.entry);
            }
        }
        Ok(posts)
    }

    /// Lets a post that failed be posted with the others again; its account. `None`: there is none of that `id`.
    pub(crate) fn release(&self, id: &str) -> Result<Option<String>, QueueError> {
        let Some(post) = self.failed()?.into_iter().find(|post| post.id() == id) else {
            return Ok(None);
        };
        let open_id = post.entry["user_id"].as_str().unwrap_or_default().to_owned();
        self.add(&open_id, post.entry)?;
        self.let_go(id)?;
        Ok(Some(open_id))
    }

    /// Forgets a post that failed. `false`: there is none of that `id`.
    pub(crate) fn let_go(&self, id: &str) -> Result<bool, QueueError> {
        self.change_failed(|held| {
            let before = held.len();
            held.retain(|post| post.id() != id);
            held.len() < before
        })
    }

    fn change_failed<T>(
        &self,
        change: impl FnOnce(&mut Vec<FailedPost>) -> T,
    ) -> Result<T, QueueError> {
        let _one = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let before: Vec<FailedPost> = read(&self.failed)?;
        let mut held = before.clone();
        let changed = change(&mut held);
        if held != before {
            // Texts and values into memory: this cannot fail.
            let text = serde_json::to_vec_pretty(&held).unwrap_or_default();
            write_atomic(&self.failed, &text, 0o600)?;
        }
        Ok(changed)
    }

    /// Changes the posts of an account.
    pub(crate) fn change<T>(
        &self,
        open_id: &str,
        change: impl FnOnce(&mut Vec<QueueEntry>) -> T,
    ) -> Result<T, QueueError> {
        let _one = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.manifest(open_id);
        let before: Vec<QueueEntry> = read(&path)?;
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

/// What a list of posts is made of.
trait OfPosts: DeserializeOwned {
    fn entry(&self) -> &QueueEntry;
}

impl OfPosts for QueueEntry {
    fn entry(&self) -> &QueueEntry {
        self
    }
}

impl OfPosts for FailedPost {
    fn entry(&self) -> &QueueEntry {
        &self.entry
    }
}

/// A list of posts, each of which says which it is and whose.
fn read<T: OfPosts>(path: &Path) -> Result<Vec<T>, QueueError> {
    let Some(text) = read_private_to(path, LARGEST)? else { return Ok(Vec::new()) };
    let foreign = |source| QueueError::Foreign { path: path.to_owned(), source };
    let posts: Vec<T> = serde_json::from_slice(&text).map_err(foreign)?;
    let has = |post: &T, name: &str| post.entry().get(name).is_some_and(Value::is_string);
    for name in ["id", "user_id"] {
        if !posts.iter().all(|post| has(post, name)) {
            return Err(foreign(serde_json::Error::custom(format!("a post without `{name}`"))));
        }
    }
    Ok(posts)
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
    fn a_post_that_failed_waits_until_somebody_asks_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let queue = Queue::open(dir.path()).unwrap();
        for id in ["one", "two"] {
            queue.add("a", entry(id)).unwrap();
        }
        let why = || Why { message: "no".to_owned(), hint: None, replaced: false };
        queue.set_aside("a", vec![("one".to_owned(), why()), ("gone".to_owned(), why())]).unwrap();
        assert_eq!(queue.entries("a").unwrap(), [entry("two")]);
        assert_eq!(queue.failed().unwrap().iter().map(FailedPost::id).collect::<Vec<_>>(), ["one"]);
        // A crash has left it in both.
        queue.add("a", entry("one")).unwrap();
        queue.settle().unwrap();
        assert_eq!(queue.entries("a").unwrap(), [entry("two")]);
        // Once more, as after a crash.
        queue.add("a", entry("one")).unwrap();
        queue.set_aside("a", vec![("one".to_owned(), why())]).unwrap();
        assert_eq!(queue.failed().unwrap().len(), 1);
        assert_eq!(queue.release("one").unwrap().as_deref(), Some("a"));
        assert_eq!(queue.entries("a").unwrap(), [entry("two"), entry("one")]);
        assert_eq!((queue.failed().unwrap().len(), queue.release("one").unwrap()), (0, None));
        queue.set_aside("a", vec![("two".to_owned(), why())]).unwrap();
        assert!(queue.let_go("two").unwrap() && !queue.let_go("two").unwrap());
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
        // What a hand has written without a name cannot be told from others.
        std::fs::write(queue.manifest("b"), "[{\"id\": \"x\"}]").unwrap();
        assert!(matches!(queue.all(), Err(QueueError::Foreign { .. })));
        // A list that is damaged hides no other account's posts.
        let (read, unread) = queue.readable();
        assert_eq!((ids(read), unread.len()), (vec!["two".to_owned()], 1));
    }
}
