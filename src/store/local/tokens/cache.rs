//! The document as it was last read, for as long as the file is the same: a run asks for each of
//! thousands of accounts, and the file is as long as all of them.

use std::fs::{File, Metadata, symlink_metadata};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::document::Document;
use crate::fs::open_private;
use crate::model::FileIdentity;

/// What changed so short a time ago, in ns, may change once more without its times telling: kernels count
/// them in steps of up to 10 ms.
const STEP: i128 = 50_000_000;

/// Shared by all handles of a store.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Option<Cached>>);

#[derive(Debug)]
struct Cached {
    /// Held open, so that no other file gets its inode number.
    _file: File,
    identity: FileIdentity,
    document: Arc<Document>,
    /// Whether no account in it was saved since: a save replaces the file before it leaves its mark.
    is_newest: bool,
}

impl Cache {
    /// The document, if the file at `path` is still the one that it was read from.
    pub(super) fn get(&self, path: &Path) -> Option<Arc<Document>> {
        self.find(path, |_| true)
    }

    /// The same if it is known that it is not that of a backup.
    pub(super) fn newest(&self, path: &Path) -> Option<Arc<Document>> {
        self.find(path, |cached| cached.is_newest)
    }

    /// Remembers that a document, if it is the one that is kept, is not that of a backup.
    pub(super) fn is_newest(&self, document: &Arc<Document>) {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cached) = cached.as_mut() {
            cached.is_newest |= Arc::ptr_eq(&cached.document, document);
        }
    }

    /// Keeps what a save has just written, under the lock of all saves: each save makes another file, so that
    /// this one is known by its number alone.
    pub(super) fn keep_saved(&self, path: &Path, document: &Arc<Document>) {
        let cached = open_private(path, u64::MAX).ok().map(|(file, found)| Cached {
            _file: file,
            identity: FileIdentity::of(&found),
            document: Arc::clone(document),
            is_newest: false,
        });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = cached;
    }

    fn find(&self, path: &Path, fits: impl Fn(&Cached) -> bool) -> Option<Arc<Document>> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = cached.as_ref().filter(|cached| fits(cached))?;
        let found = FileIdentity::of(&symlink_metadata(path).ok()?);
        (found == cached.identity).then(|| Arc::clone(&cached.document))
    }

    /// Keeps what was read at `now` from a file, whose metadata was taken before that.
    pub(super) fn keep(
        &self,
        file: File,
        before: &Metadata,
        document: &Arc<Document>,
        now: SystemTime,
    ) {
        let identity = FileIdentity::of(before);
        let now = now.duration_since(SystemTime::UNIX_EPOCH).map(|since| since.as_nanos());
        let settled = identity.mtime.max(identity.ctime) + STEP;
        let is_settled = now.is_ok_and(|now| i128::try_from(now).is_ok_and(|now| now >= settled));
        let cached = is_settled.then(|| Cached {
            _file: file,
            identity,
            document: Arc::clone(document),
            is_newest: false,
        });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = cached;
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, rename};
    use std::time::Duration;

    use super::*;

    struct Home {
        dir: tempfile::TempDir,
        cache: Cache,
    }

    impl Home {
        fn new() -> Self {
            let home = Self { dir: tempfile::tempdir().unwrap(), cache: Cache::default() };
            fs::write(home.path(), "12345678").unwrap();
            home
        }

        fn path(&self) -> std::path::PathBuf {
            self.dir.path().join("tokens")
        }

        /// As a read so long after the last change.
        fn read(&self, after: Duration) -> Arc<Document> {
            let file = File::open(self.path()).unwrap();
            let (before, document) = (file.metadata().unwrap(), Arc::default());
            let now = before.modified().unwrap() + after;
            self.cache.keep(file, &before, &document, now);
            document
        }
    }

    #[test]
    fn a_file_that_is_the_same_is_not_read_again() {
        let home = Home::new();
        assert!(home.cache.get(&home.path()).is_none());
        let read = home.read(Duration::from_secs(1));
        assert!(Arc::ptr_eq(&home.cache.get(&home.path()).unwrap(), &read));
        assert!(home.cache.newest(&home.path()).is_none());
        home.cache.is_newest(&Arc::default());
        assert!(home.cache.newest(&home.path()).is_none());
        home.cache.is_newest(&read);
        assert!(Arc::ptr_eq(&home.cache.newest(&home.path()).unwrap(), &read));
        // Another one of the same length, under the same name.
        let other = home.dir.path().join("other");
        fs::write(&other, "87654321").unwrap();
        rename(&other, home.path()).unwrap();
        assert!(home.cache.get(&home.path()).is_none());
        assert!(home.cache.newest(&home.path()).is_none());
        home.read(Duration::from_secs(1));
        fs::remove_file(home.path()).unwrap();
        assert!(home.cache.get(&home.path()).is_none());
    }

    #[test]
    fn what_may_change_unseen_is_read_again() {
        let home = Home::new();
        home.read(Duration::from_millis(1));
        assert!(home.cache.get(&home.path()).is_none());
    }
}
