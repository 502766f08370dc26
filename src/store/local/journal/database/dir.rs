//! The files of the journal: how they come into being, what is demanded of them, how a damaged
//! journal is set aside.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::mem::ManuallyDrop;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::fault;
use crate::fs::{
    FsError, Lock, LockError, PRIVATE_DIR, PRIVATE_FILE, SharedLock, check_metadata, clean_temps,
    list, private_dir, rename, step, sync_dir, write_atomic,
};

/// Name of the database.
pub(crate) const NAME: &str = "journal.sqlite";

/// What SQLite keeps beside it.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// How the directories begin into which damaged journals are moved.
pub(in crate::store::local::journal) const ASIDE: &str = "journal.corrupt-";

/// How the directories begin in which copies of a damaged journal are read.
const SCRATCH: &str = ".journal.repair-";

/// Where the locks are, and how those end that are held while an account's posts are made.
const LOCKS: &str = "locks";
const UPLOAD_LOCK: &str = ".upload.lock";

/// How long opening waits for other processes that open the journal.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a journal lives. The directory is canonical, so that no link leads out of it.
#[derive(Clone, Debug)]
pub(in crate::store::local::journal) struct JournalDir {
    dir: PathBuf,
    path: PathBuf,
}

/// What is found in the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::local::journal) enum DirState {
    /// No journal.
    Empty,
    /// A file that may be a journal.
    Journal,
    /// A write-ahead log whose database is gone, or a database without a byte: what was recorded is
    /// lost.
    OrphanedWal,
}

impl JournalDir {
    /// In a directory that is canonical.
    pub(in crate::store::local::journal) fn new(dir: PathBuf) -> Self {
        let path = dir.join(NAME);
        Self { dir, path }
    }

    /// The database.
    pub(in crate::store::local::journal) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the witness is, beside the locks.
    pub(in crate::store::local::journal) fn witness(&self) -> PathBuf {
        self.dir.join(LOCKS).join("journal.mark")
    }

    /// Makes sure that there is a directory for locks.
    pub(in crate::store::local::journal) fn make_locks(&self) -> Result<(), FsError> {
        private_dir(&self.dir.join(LOCKS)).map(|_| ())
    }

    /// Keeps other processes from creating, checking, migrating or setting aside meanwhile.
    pub(in crate::store::local::journal) fn lock(&self) -> Result<Lock, LockError> {
        Lock::acquire_blocking(&self.dir.join("journal.lock"), PATIENCE)
    }

    /// Joins the processes that have the database open, and says whether there are any. `held` keeps others
    /// from joining meanwhile.
    pub(in crate::store::local::journal) fn join_users(
        &self,
        _held: &Lock,
    ) -> Result<(SharedLock, bool), LockError> {
        self.make_locks()?;
        SharedLock::join(&self.dir.join(LOCKS).join("journal.users"), PATIENCE)
    }

    /// Whether a write-ahead log lies there: somebody uses the database, or did not close it.
    pub(in crate::store::local::journal) fn has_log(&self) -> bool {
        // What cannot be examined may be one.
        self.companion("-wal").try_exists().unwrap_or(true)
    }

    /// Where it is noted when the database was last read from end to end.
    pub(in crate::store::local::journal) fn checked(&self) -> PathBuf {
        self.dir.join(LOCKS).join("journal.checked")
    }

    /// Looks at the files, never through a link, and demands that they are ours alone.
    ///
    /// They are not opened for that: closing a second descriptor would drop the locks that SQLite
    /// holds on the file in this process
    /// (<https://www.sqlite.org/howtocorrupt.html>, section 2.2).
    pub(in crate::store::local::journal) fn look(&self) -> Result<DirState, FsError> {
        let main = check(&self.path)?;
        let mut log = 0;
        for suffix in COMPANIONS {
            let size = check(&self.companion(suffix))?.unwrap_or(0);
            log = if suffix == "-wal" { size } else { log };
        }
        Ok(match main {
            None if log == 0 => DirState::Empty,
            None | Some(0) => DirState::OrphanedWal,
            Some(_) => DirState::Journal,
        })
    }

    /// Takes the upload locks of all accounts. [`LockError::Held`] says that somebody posts.
    pub(in crate::store::local::journal) fn lock_uploads(&self) -> Result<Vec<Lock>, LockError> {
        let dir = self.dir.join(LOCKS);
        let mut locks = Vec::new();
        let paths = match list(&dir) {
            // Nobody has posted from here.
            Err(FsError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(locks);
            }
            listed => listed?,
        };
        for path in paths {
            let name = path.file_name().map_or(&[][..], |name| name.as_encoded_bytes());
            if name.ends_with(UPLOAD_LOCK.as_bytes()) {
                locks.push(Lock::try_acquire(&path)?);
            }
        }
        Ok(locks)
    }

    /// Reads the database and its log from end to end, as they are on the disk. An error is the
    /// disk's.
    pub(in crate::store::local::journal) fn read_through(&self) -> io::Result<()> {
        for path in [self.path.clone(), self.companion("-wal")] {
            fault::point("journal: read through")?;
            let file = match File::open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                other => other?,
            };
            // Never closed: that would drop the locks that SQLite may hold on the file in this process
            // (see `look`). It happens once, before the run ends.
            let file = ManuallyDrop::new(file);
            let (mut block, mut at) = (vec![0; 1 << 16], 0);
            loop {
                match file.read_at(&mut block, at)? {
                    0 => break,
                    count => at += count as u64,
                }
            }
        }
        Ok(())
    }

    pub(in crate::store::local::journal) fn companion(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(suffix);
        name.into()
    }

    /// Puts an empty journal under its name, whole and durable, 0600 whatever the umask.
    pub(in crate::store::local::journal) fn create(
        &self,
        image: &[u8],
        held: &Lock,
    ) -> Result<(), FsError> {
        clean_temps(&self.path, held)?;
        write_atomic(&self.path, image, PRIVATE_FILE)
    }

    /// The oldest damaged journal that still lies here.
    pub(in crate::store::local::journal) fn aside(&self) -> Result<Option<PathBuf>, FsError> {
        Ok(self.all_aside()?.into_iter().next())
    }

    /// All damaged journals that still lie here, the oldest first.
    pub(in crate::store::local::journal) fn all_aside(&self) -> Result<Vec<PathBuf>, FsError> {
        self.beginning_with(ASIDE)
    }

    fn beginning_with(&self, beginning: &str) -> Result<Vec<PathBuf>, FsError> {
        let mut found = list(&self.dir)?;
        found.retain(|path| {
            let name = path.file_name().unwrap_or_default();
            name.as_encoded_bytes().starts_with(beginning.as_bytes())
        });
        found.sort();
        Ok(found)
    }

    /// Gives a damaged journal, in whose place another one is, a name that blocks nobody.
    pub(in crate::store::local::journal) fn retire(
        &self,
        aside: &Path,
    ) -> Result<PathBuf, FsError> {
        let name = aside.file_name().and_then(|name| name.to_str()).unwrap_or(ASIDE);
        let kept = self.dir.join(name.replacen(ASIDE, "journal.repaired-", 1));
        rename(aside, &kept)?;
        Ok(kept)
    }

    /// A new directory for a repair, after what earlier ones have left was removed.
    pub(in crate::store::local::journal) fn scratch(
        &self,
        _held: &Lock,
    ) -> Result<PathBuf, FsError> {
        for left in self.beginning_with(SCRATCH)? {
            step("remove", &left, || fs::remove_dir_all(&left))?;
        }
        let dir = self.dir.join(format!("{SCRATCH}{:016x}", rand::random::<u64>()));
        step("create directory", &dir, || DirBuilder::new().mode(PRIVATE_DIR).create(&dir))?;
        Ok(dir)
    }

    /// Moves the database and its companions into a directory of their own, and deletes nothing. The
    /// database goes first: if this is cut off, the rest is recognised as [`DirState::OrphanedWal`].
    pub(in crate::store::local::journal) fn set_aside(
        &self,
        now: Timestamp,
        _held: &Lock,
    ) -> Result<PathBuf, FsError> {
        let aside = self.make_aside(now)?;
        sync_dir(&self.dir)?;
        let companions = COMPANIONS.map(|suffix| self.companion(suffix));
        for path in [self.path.clone()].iter().chain(&companions) {
            // Each of them has a name.
            let to = aside.join(path.file_name().unwrap_or_default());
            step("set aside", path, || match fs::rename(path, to) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                moved => moved,
            })?;
        }
        sync_dir(&aside)?;
        sync_dir(&self.dir)?;
        Ok(aside)
    }

    fn make_aside(&self, now: Timestamp) -> Result<PathBuf, FsError> {
        let time = now.strftime("%Y%m%dT%H%M%SZ");
        let mut tries = 0_u32;
        loop {
            let suffix = if tries == 0 { String::new() } else { format!("-{tries}") };
            let aside = self.dir.join(format!("{ASIDE}{time}{suffix}"));
            let made = step("create directory", &aside, || {
                match DirBuilder::new().mode(PRIVATE_DIR).create(&aside) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < 1000 => {
                        Ok(false)
                    }
                    made => made.map(|()| true),
                }
            })?;
            if made {
                return Ok(aside);
            }
            tries += 1;
        }
    }
}

/// The size of a file that is as it must be; `None` if there is none.
fn check(path: &Path) -> Result<Option<u64>, FsError> {
    let found = step("examine", path, || match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    })?;
    let Some(found) = found else { return Ok(None) };
    check_metadata(&found, path)?;
    Ok(Some(found.size()))
}
