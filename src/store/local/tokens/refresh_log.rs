//! The refresh log: answers to refreshes on their way into the store, on the machine that asked for them.
//!
//! TikTok kills the spent refresh token with its answer, so the answer is made durable here before anything
//! is parsed (`user_tokens.json.ACCOUNT.new`), and goes when the store has its tokens. One that cannot be
//! used is set aside (`.unread`). The log is a directory of this machine whatever store takes the tokens: it is
//! written when nothing may fail any more, a network least of all. All of it blocks.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use super::{FILE, file_name, name_of};
use crate::encrypt::{self, Key, Place};
use crate::fs::{self, FsError, PRIVATE_FILE};
use crate::store::AccountError;

/// The log of one state directory, with the key that its answers are opened with. Cheap to clone; all state
/// is in the files. Whoever changes what belongs to an account holds its refresh lease.
#[derive(Clone, Debug)]
pub(crate) struct RefreshLog {
    dir: PathBuf,
    key: Option<Arc<Key>>,
    probes: Arc<Probes>,
}

/// The accounts of which something lay in the log at one moment.
#[derive(Debug)]
pub(crate) struct Logs(BTreeSet<String>);

impl Logs {
    /// Whether something of that account lay there.
    pub(crate) fn have(&self, open_id: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&file_name(open_id))
    }
}

/// Probes that are waited for at the same time, which are made as one: each makes files, and waits for the disk.
#[derive(Debug, Default)]
struct Probes {
    waiting: Mutex<Waiting>,
    /// The numbers of those that the last one was made for, if it went well. Held by whoever probes.
    proved: Mutex<Range<u64>>,
}

/// Probes that have not begun.
#[derive(Debug, Default)]
struct Waiting {
    /// Their numbers.
    numbers: Range<u64>,
    /// The bytes that they are to have room for, together.
    room: usize,
}

/// What a file of the log holds.
#[derive(Debug)]
pub(crate) enum Logged {
    /// Nothing: it is gone.
    Gone,
    /// Nothing of ours.
    Foreign(FsError),
    /// It was encrypted, and does not open.
    Damaged,
    /// An answer, or what a crash has left of one.
    Answer(Zeroizing<Vec<u8>>),
}

impl RefreshLog {
    pub(in crate::store::local) fn new(dir: PathBuf, key: Option<Arc<Key>>) -> Self {
        Self { dir, key, probes: Arc::default() }
    }

    /// Where an account's answer is made durable before it is parsed.
    pub(crate) fn answer_path(&self, open_id: &str) -> PathBuf {
        self.dir.join(format!("{FILE}.{}.new", file_name(open_id)))
    }

    /// The files of all accounts, wherever on their way they are, in the order of their names.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>, FsError> {
        let mut files = fs::list(&self.dir)?;
        files.retain(|path| account_of(path).is_some());
        files.sort();
        Ok(files)
    }

    /// Of which accounts there is anything.
    pub(crate) fn logs(&self) -> Result<Logs, FsError> {
        let files = self.files()?;
        Ok(Logs(files.iter().filter_map(|path| account_of(path)).map(ToOwned::to_owned).collect()))
    }

    /// The files of an account: its answer, those that were set aside, and what an interrupted write of
    /// either has left.
    pub(crate) fn files_of(&self, open_id: &str) -> Result<Vec<PathBuf>, FsError> {
        let mut files = self.files()?;
        files.retain(|path| Self::is_of(path, open_id));
        Ok(files)
    }

    /// Whether a file of the log is of that account.
    pub(crate) fn is_of(path: &Path, open_id: &str) -> bool {
        account_of(path) == Some(&file_name(open_id))
    }

    /// Whether a file is an answer that was set aside.
    pub(crate) fn is_unread(path: &Path) -> bool {
        let name = name_of(path);
        name.starts_with(FILE) && name.contains(".unread")
    }

    /// What lies in a file.
    pub(crate) fn read(&self, path: &Path) -> Result<Logged, AccountError> {
        let bytes = match fs::read_private(path) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(Logged::Gone),
            Err(error @ FsError::Io { .. }) => return Err(error.into()),
            Err(error) => return Ok(Logged::Foreign(error)),
        };
        Ok(self.open(path, &bytes)?.map_or(Logged::Damaged, Logged::Answer))
    }

    /// Proves, before a token is spent, that an answer can be written, renamed and removed, if it has no
    /// more than `room` bytes. What others wait to have proved by then is proved with it: that the disk takes
    /// all of their answers together.
    pub(crate) fn probe(&self, open_id: &str, room: usize) -> Result<(), FsError> {
        let number = {
            let mut waiting = self.probes.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.room += room;
            waiting.numbers.end += 1;
            waiting.numbers.end - 1
        };
        let mut proved = self.probes.proved.lock().unwrap_or_else(PoisonError::into_inner);
        if proved.contains(&number) {
            return Ok(());
        }
        let path = self.answer_path(open_id);
        let all = {
            let mut waiting = self.probes.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let next = waiting.numbers.end;
            std::mem::replace(&mut *waiting, Waiting { numbers: next..next, room: 0 })
        };
        let with_others = all.numbers.contains(&number) && all.room > room;
        if with_others && fs::probe(&path, all.room).is_ok() {
            *proved = all.numbers;
            return Ok(());
        }
        // Each by itself, with an error of its own.
        fs::probe(&path, room)
    }

    /// The bytes that stand for an answer to a refresh of an account: encrypted if there is a key.
    pub(crate) fn encrypted(
        &self,
        open_id: &str,
        answer: Zeroizing<Vec<u8>>,
        key: Option<&Key>,
    ) -> Zeroizing<Vec<u8>> {
        match key {
            Some(key) => encrypted(key, &self.answer_path(open_id), &answer),
            None => answer,
        }
    }

    /// Makes an account's answer durable, as [`RefreshLog::encrypted`] gave it.
    pub(crate) fn keep(&self, open_id: &str, answer: &[u8]) -> Result<(), FsError> {
        fs::write_atomic(&self.answer_path(open_id), answer, PRIVATE_FILE)
    }

    /// Removes an account's answer.
    pub(crate) fn remove_answer(&self, open_id: &str) -> Result<(), FsError> {
        fs::remove(&self.answer_path(open_id))
    }

    /// Makes an answer durable that is in no file yet, under a name of its own, under which it stays.
    pub(crate) fn keep_aside(&self, open_id: &str, answer: &[u8]) -> Result<PathBuf, FsError> {
        let path = self.free_unread(open_id)?;
        fs::write_atomic(&path, answer, PRIVATE_FILE)?;
        Ok(path)
    }

    /// Gives a file of an account a name of its own, under which it stays.
    pub(crate) fn set_aside(&self, open_id: &str, path: &Path) -> Result<PathBuf, FsError> {
        let kept = self.free_unread(open_id)?;
        fs::rename(path, &kept)?;
        Ok(kept)
    }

    /// Removes everything of an account.
    pub(crate) fn forget(&self, open_id: &str) -> Result<(), FsError> {
        self.files_of(open_id)?.iter().try_for_each(|path| fs::remove(path))
    }

    /// Puts everything into the form that the tokens have: encrypted, or plain if `decrypt`. To be called
    /// while no refresh is under way, and while the key is known. Gives the number of files.
    pub(crate) fn migrate(&self, decrypt: bool) -> Result<usize, AccountError> {
        let files = self.files()?;
        for path in &files {
            let Some(found) = fs::read_private(path)? else { continue };
            let was_encrypted = is_encrypted(&found);
            let Some(key) = self.key.as_deref().filter(|_| was_encrypted == decrypt) else {
                continue;
            };
            let bytes =
                if decrypt { self.open(path, &found)? } else { Some(encrypted(key, path, &found)) };
            // What is damaged stays as it is: it may be of use to somebody.
            if let Some(bytes) = bytes {
                fs::write_atomic(path, &bytes, PRIVATE_FILE)?;
            }
        }
        Ok(files.len())
    }

    /// What lies in a file, encrypted or not. `None`: it was encrypted, and is damaged.
    fn open(&self, path: &Path, bytes: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, AccountError> {
        if !is_encrypted(bytes) {
            return Ok(Some(Zeroizing::new(bytes.to_vec())));
        }
        let Ok(text) = std::str::from_utf8(bytes) else { return Ok(None) };
        let Some(needed) = encrypt::key_of(text) else { return Ok(None) };
        let key = self.key.as_deref().filter(|key| key.id() == needed);
        let key = key.ok_or_else(|| AccountError::NoKey { path: path.to_owned(), key: needed })?;
        Ok(encrypt::open_bytes(key, text, &place(path)).ok())
    }

    /// A name for an answer to be set aside under, which no file has.
    fn free_unread(&self, open_id: &str) -> Result<PathBuf, FsError> {
        let first = self.dir.join(format!("{FILE}.{}.unread", file_name(open_id)));
        let taken = self.files()?;
        let others = (2..).map(|number| first.with_extension(format!("unread-{number}")));
        let free = std::iter::once(first.clone()).chain(others).find(|name| !taken.contains(name));
        Ok(free.unwrap_or(first))
    }
}

/// The bytes of an answer, encrypted for the file that they go to, or for another one of the same account:
/// it is renamed on its way.
fn encrypted(key: &Key, path: &Path, bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(encrypt::encrypt_bytes(key, bytes, &place(path)).into_bytes())
}

fn is_encrypted(bytes: &[u8]) -> bool {
    // Also one of which only the beginning was written.
    bytes.starts_with(b"enc:")
}

/// Where an answer belongs: to an account, under whichever name.
fn place(path: &Path) -> Place {
    Place::of(&["refresh answer", account_of(path).unwrap_or_default()])
}

/// Whose answer a file holds, as its name says: `user_tokens.json.ACCOUNT.new`.
fn account_of(path: &Path) -> Option<&str> {
    let name = name_of(path).trim_start_matches('.').strip_prefix(FILE)?.strip_prefix('.')?;
    let (account, _) = name.split_once('.')?;
    (account.len() == file_name("").len()).then_some(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(dir: &Path) -> RefreshLog {
        RefreshLog::new(dir.to_owned(), None)
    }

    #[test]
    fn probes_that_wait_together_are_made_as_one() {
        let dir = tempfile::tempdir().unwrap();
        let log = &log(dir.path());
        let busy = log.probes.proved.lock().unwrap();
        std::thread::scope(|scope| {
            let asked = ["a", "b", "c"].map(|open_id| scope.spawn(move || log.probe(open_id, 10)));
            while log.probes.waiting.lock().unwrap().numbers.end < 3 {
                std::thread::yield_now();
            }
            assert_eq!(log.probes.waiting.lock().unwrap().room, 30);
            drop(busy);
            for asked in asked {
                asked.join().unwrap().unwrap();
            }
        });
        assert_eq!(*log.probes.proved.lock().unwrap(), 0..3);
        assert_eq!(log.probes.waiting.lock().unwrap().numbers, 3..3);
        log.probe("d", 10).unwrap();
        assert!(log.files().unwrap().is_empty(), "nothing is left of them");
    }

    #[test]
    fn each_of_the_probes_that_fail_together_fails_with_an_error_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let log = &log(&dir.path().join("gone"));
        let busy = log.probes.proved.lock().unwrap();
        std::thread::scope(|scope| {
            let asked = ["a", "b", "c"].map(|open_id| scope.spawn(move || log.probe(open_id, 10)));
            while log.probes.waiting.lock().unwrap().numbers.end < 3 {
                std::thread::yield_now();
            }
            drop(busy);
            for asked in asked {
                assert!(asked.join().unwrap().is_err());
            }
        });
        assert_eq!(*log.probes.proved.lock().unwrap(), 0..0);
    }

    #[test]
    fn of_which_accounts_there_is_anything() {
        let dir = tempfile::tempdir().unwrap();
        let log = log(dir.path());
        assert!(!log.logs().unwrap().have("a"));
        log.keep("a", b"answer").unwrap();
        let logs = log.logs().unwrap();
        assert!(logs.have("a") && !logs.have("b"));
    }
}
