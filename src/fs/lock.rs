//! Locks between processes, over files that are never renamed and never deleted.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;

use super::{FsError, SIZE_LIMIT, check, step};
use crate::fault;
use crate::problem::{Coded, ErrorCode, Problem};

/// The longest pause between two tries; the real ones are random below it, so that many waiters do
/// not try in step.
const PAUSE: Duration = Duration::from_millis(40);

/// Whether nobody waits for a lock any more.
static GIVEN_UP: AtomicBool = AtomicBool::new(false);

/// From now on no lock is waited for, but for those of saves that have begun: one that is held counts as held
/// for good. For a run that is told to end at once, or that has begun nothing yet.
pub(crate) fn give_up_waiting() {
    GIVEN_UP.store(true, Ordering::SeqCst);
}

/// A lock that lasts as long as the value. It excludes other processes as well as other holders in
/// this process, and the system releases it when the process dies, however it dies.
#[derive(Debug)]
pub(crate) struct Lock {
    // Closing the file is what unlocks.
    _file: File,
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    /// Another process, or another task of this one, kept it for longer than we wait.
    #[error("`{}` is locked{}", path.display(), holder(*pid))]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Who wrote itself into the file.
        pid: Option<u32>,
    },
    /// The lock file cannot be used.
    #[error(transparent)]
    File(#[from] FsError),
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" by process {pid}"))
}

impl Coded for LockError {
    fn problem(&self) -> Problem {
        match self {
            Self::Held { .. } => ErrorCode::Locked.into(),
            Self::File(error) => error.problem(),
        }
    }
}

impl Lock {
    /// Takes the lock, blocking the thread for at most `wait`.
    pub(crate) fn acquire_blocking(path: &Path, wait: Duration) -> Result<Self, LockError> {
        Self::acquire_while(path, wait, || !GIVEN_UP.load(Ordering::SeqCst))
    }

    /// The same for a save that has begun: a run that is told to end waits all the same, as what is to be
    /// saved may be had nowhere else. Only for locks that are held for milliseconds.
    pub(crate) fn acquire_to_save(path: &Path, wait: Duration) -> Result<Self, LockError> {
        Self::acquire_while(path, wait, || true)
    }

    fn acquire_while(
        path: &Path,
        wait: Duration,
        is_worth_waiting: impl Fn() -> bool,
    ) -> Result<Self, LockError> {
        let deadline = Instant::now() + wait;
        loop {
            match Self::try_acquire(path) {
                Err(LockError::Held { .. }) if Instant::now() < deadline && is_worth_waiting() => {
                    std::thread::sleep(pause(deadline));
                }
                outcome => return outcome,
            }
        }
    }

    /// Takes the lock if it is free.
    pub(crate) fn try_acquire(path: &Path) -> Result<Self, LockError> {
        let mut file = check::open(path, OFlags::RDWR | OFlags::CREATE)?;
        check::check_file(&file, path, SIZE_LIMIT)?;
        match fault::point("lock").map_err(TryLockError::Error).and_then(|()| file.try_lock()) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { path: path.to_owned(), pid: read_pid(&mut file) });
            }
            Err(TryLockError::Error(source)) => {
                return Err(FsError::Io { operation: "lock", path: path.to_owned(), source }.into());
            }
        }
        // If someone deleted the file between our open and our lock, this lock excludes nobody.
        let links = step("examine", path, || file.metadata())?.nlink();
        if links == 0 {
            return Err(LockError::Held { path: path.to_owned(), pid: None });
        }
        // For the message of those who wait; the lock holds without it.
        let _ = write_pid(&mut file);
        Ok(Self { _file: file })
    }
}

/// A lock that any number of holders have at the same time, each of whom can tell whether it is the only one.
#[derive(Debug)]
pub(crate) struct SharedLock {
    file: File,
    path: PathBuf,
}

impl SharedLock {
    /// Joins those who have it, and says whether there are any. Whoever joins is kept apart from others who do
    /// by a lock of the caller's.
    pub(crate) fn join(path: &Path, wait: Duration) -> Result<(Self, bool), LockError> {
        let file = check::open(path, OFlags::RDWR | OFlags::CREATE)?;
        check::check_file(&file, path, SIZE_LIMIT)?;
        let lock = Self { file, path: path.to_owned() };
        let is_alone = lock.is_had(File::try_lock)?;
        let deadline = Instant::now() + wait;
        // Whoever leaves as the last one has it alone for a moment.
        while !lock.is_had(File::try_lock_shared)? {
            if Instant::now() >= deadline || GIVEN_UP.load(Ordering::SeqCst) {
                return Err(LockError::Held { path: path.to_owned(), pid: None });
            }
            std::thread::sleep(pause(deadline));
        }
        Ok((lock, !is_alone))
    }

    /// Gives it up, unless nobody else has it: then nobody else gets it until what this gives is dropped.
    pub(crate) fn leave(self) -> Result<Option<Self>, LockError> {
        // One that is not got alone is lost: flock(2) gives up the shared one first.
        let is_alone = self.is_had(File::try_lock)?;
        Ok(is_alone.then_some(self))
    }

    fn is_had(
        &self,
        lock: impl FnOnce(&File) -> Result<(), TryLockError>,
    ) -> Result<bool, LockError> {
        match fault::point("lock").map_err(TryLockError::Error).and_then(|()| lock(&self.file)) {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(source)) => {
                let path = self.path.clone();
                Err(FsError::Io { operation: "lock", path, source }.into())
            }
        }
    }
}

/// Proves that files in a directory can be locked in parts, as SQLite does it, by locking one that is there
/// for nothing else.
pub(crate) fn check_record_locks(dir: &Path) -> Result<(), FsError> {
    let path = dir.join("parts.lock");
    let file = check::open(&path, OFlags::RDWR | OFlags::CREATE)?;
    step("lock", &path, || {
        match rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockShared) {
            // Somebody else proves the same.
            Err(Errno::AGAIN | Errno::ACCESS) => Ok(()),
            other => Ok(other?),
        }
    })
}

/// A pause before the next try, which does not go beyond the deadline.
pub(crate) fn pause(deadline: Instant) -> Duration {
    let left = deadline.saturating_duration_since(Instant::now());
    PAUSE.mul_f64(rand::random_range(0.1..1.0)).min(left)
}

fn write_pid(file: &mut File) -> io::Result<()> {
    fault::point("write lock holder")?;
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// Who holds the lock, for a message; without it the message says less.
fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::thread;

    use super::*;
    use crate::exit::Exit;
    use crate::output::Explain as _;

    #[test]
    fn a_held_lock_names_its_holder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let _held = Lock::try_acquire(&path).unwrap();
        let error = Lock::try_acquire(&path).unwrap_err();
        assert!(
            matches!(error, LockError::Held { pid: Some(pid), .. } if pid == std::process::id())
        );
        assert_eq!(error.exit(), Exit::Temporary);
    }

    #[test]
    fn a_dropped_lock_is_free_and_its_file_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        drop(Lock::try_acquire(&path).unwrap());
        assert!(path.exists());
        Lock::try_acquire(&path).unwrap();
    }

    #[test]
    fn a_waiter_gets_it_when_the_holder_lets_go() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = Lock::try_acquire(&path).unwrap();
        let waiter = thread::spawn(move || Lock::acquire_blocking(&path, Duration::from_secs(30)));
        thread::sleep(Duration::from_millis(20));
        assert!(!waiter.is_finished());
        drop(held);
        waiter.join().unwrap().unwrap();
    }

    #[test]
    fn waiting_ends_at_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let _held = Lock::try_acquire(&path).unwrap();
        let waited = Lock::acquire_blocking(&path, Duration::from_millis(50));
        assert!(matches!(waited, Err(LockError::Held { .. })));
    }

    #[test]
    fn the_last_one_of_several_knows_that_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("users");
        let wait = Duration::from_secs(30);
        let (first, others) = SharedLock::join(&path, wait).unwrap();
        assert!(!others);
        let (second, others) = SharedLock::join(&path, wait).unwrap();
        assert!(others);
        assert!(first.leave().unwrap().is_none());
        let last = second.leave().unwrap().unwrap();
        let joining = SharedLock::join(&path, Duration::ZERO);
        assert!(matches!(joining, Err(LockError::Held { .. })));
        drop(last);
        assert!(!SharedLock::join(&path, wait).unwrap().1);
    }

    #[test]
    fn a_planted_link_is_refused_and_its_target_untouched() {
        let dir = tempfile::tempdir().unwrap();
        let (target, path) = (dir.path().join("target"), dir.path().join("lock"));
        fs::write(&target, "precious").unwrap();
        symlink(&target, &path).unwrap();
        assert!(matches!(Lock::try_acquire(&path), Err(LockError::File(FsError::Kind { .. }))));
        fs::remove_file(&path).unwrap();
        fs::hard_link(&target, &path).unwrap();
        assert!(matches!(Lock::try_acquire(&path), Err(LockError::File(_))));
        assert_eq!(fs::read(&target).unwrap(), b"precious");
    }
}
