//! Replacing a file so that a crash leaves the old or the new one, never a torn one.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::{FsError, Lock, PRIVATE_FILE, check, step};

/// Replaces `path` by `bytes`: a new file beside it, written, synced, renamed over it, and the
/// directory synced. The mode is set on the descriptor, so that the umask does not matter.
///
/// After an error the old file is still there, unless it is [`FsError::NotSynced`]: then the new one is in
/// its place, and a crash may still bring back the old one. Calling again is safe even after a failed
/// fsync, for every call writes a file of its own: the pages of one that failed may be marked clean and
/// lost.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FsError> {
    let mut temp = Temp::create(path, mode)?;
    temp.fill(bytes)?;
    step("rename", path, || fs::rename(&temp.path, path))?;
    temp.gone = true;
    sync_dir(dir_of(path)).map_err(|error| match error {
        FsError::Io { source, .. } => FsError::NotSynced { path: path.to_owned(), source },
        other => other,
    })
}

/// Proves that the disk beside `path` takes `size` more bytes, durably, and that a file there can be
/// given another name and be removed: a directory that is append-only takes it and keeps it.
pub(crate) fn probe(path: &Path, size: usize) -> Result<(), FsError> {
    // An empty one first: if it cannot be removed, at least it takes no room.
    check_removal(path)?;
    let mut temp = Temp::create(path, PRIVATE_FILE)?;
    // Not zeros: a file system that compresses would take those without taking space.
    let mut noise = vec![0; size];
    rand::fill(&mut noise[..]);
    temp.fill(&noise)?;
    let renamed = temp_name(path);
    step("rename", &temp.path, || fs::rename(&temp.path, &renamed))?;
    temp.path = renamed;
    sync_dir(dir_of(path))?;
    temp.discard()
}

/// Proves that files beside `path` can be removed again: a directory that is append-only keeps each, the one
/// that this makes as well, which is empty.
pub(crate) fn check_removal(path: &Path) -> Result<(), FsError> {
    Temp::create(path, PRIVATE_FILE)?.discard()
}

/// Removes a file durably; one that is not there is fine.
pub(crate) fn remove(path: &Path) -> Result<(), FsError> {
    let gone = step("remove", path, || match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        other => other.map(|()| true),
    })?;
    if gone { sync_dir(dir_of(path)) } else { Ok(()) }
}

/// Removes a directory with what lies in it, durably; one that is not there is fine.
pub(crate) fn remove_dir_all(path: &Path) -> Result<(), FsError> {
    let gone = step("remove", path, || match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        other => other.map(|()| true),
    })?;
    if gone { sync_dir(dir_of(path)) } else { Ok(()) }
}

/// Gives a file another name, durably; one of that name is replaced.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), FsError> {
    step("rename", to, || fs::rename(from, to))?;
    sync_dir(dir_of(to))
}

/// Removes what interrupted writes of `path` have left. The lock is the one under which `path` is
/// written, so that no living write loses its file.
pub(crate) fn clean_temps(path: &Path, _held: &Lock) -> Result<(), FsError> {
    for leftover in list(dir_of(path))? {
        if is_temp_of(&leftover, path) {
            step("remove", &leftover, || fs::remove_file(&leftover))?;
        }
    }
    Ok(())
}

/// Removes what interrupted writes have left in a directory. Nothing in it is written without the lock.
pub(crate) fn clean_all_temps(dir: &Path, _held: &Lock) -> Result<(), FsError> {
    for leftover in list(dir)? {
        let name = name_of(&leftover);
        if name.starts_with(b".") && name.windows(TEMP.len()).any(|part| part == TEMP) {
            step("remove", &leftover, || fs::remove_file(&leftover))?;
        }
    }
    Ok(())
}

/// What lies in a directory, in no order.
pub(crate) fn list(dir: &Path) -> Result<Vec<PathBuf>, FsError> {
    let entries = step("list", dir, || fs::read_dir(dir))?;
    entries.map(|entry| step("list", dir, || entry).map(|entry| entry.path())).collect()
}

/// The last part of a path as bytes.
fn name_of(path: &Path) -> &[u8] {
    path.file_name().map_or(b"", |name| name.as_encoded_bytes())
}

/// Whether a file is what an interrupted write of `target` has left.
pub(crate) fn is_temp_of(path: &Path, target: &Path) -> bool {
    name_of(path).starts_with(temp_stem(target).as_encoded_bytes())
}

fn dir_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// What the names of files on their way to their own have in them.
const TEMP: &[u8] = b".tmp-";

/// `.NAME.tmp-`, to which a random number is added.
fn temp_stem(path: &Path) -> OsString {
    let mut stem = OsString::from(".");
    stem.push(path.file_name().unwrap_or_default());
    stem.push(".tmp-");
    stem
}

/// A name for a file on its way to `target`, which no other write takes.
fn temp_name(target: &Path) -> PathBuf {
    let mut name = temp_stem(target);
    name.push(format!("{:016x}", rand::random::<u64>()));
    dir_of(target).join(name)
}

/// What a file system says that cannot sync a directory.
const NO_SYNC: [Option<Errno>; 3] =
    [Some(Errno::INVAL), Some(Errno::OPNOTSUPP), Some(Errno::NOSYS)];

/// Makes durable what was created, renamed or removed in a directory.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), FsError> {
    step("fsync directory", dir, || match File::open(dir)?.sync_all() {
        // A file system that has no such thing keeps the order by other means, or none at all.
        Err(error) if NO_SYNC.contains(&Errno::from_io_error(&error)) => Ok(()),
        other => other,
    })
}

/// A file on its way to its name; unlinked if it does not get there.
struct Temp {
    file: File,
    path: PathBuf,
    /// Whether it has its name, or is removed.
    gone: bool,
}

impl Temp {
    fn create(target: &Path, mode: u32) -> Result<Self, FsError> {
        let path = temp_name(target);
        let file = check::open(&path, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)?;
        let temp = Self { file, path, gone: false };
        step("chmod", &temp.path, || temp.file.set_permissions(fs::Permissions::from_mode(mode)))?;
        Ok(temp)
    }

    fn fill(&mut self, bytes: &[u8]) -> Result<(), FsError> {
        step("write", &self.path, || self.file.write_all(bytes))?;
        step("fsync", &self.path, || self.file.sync_all())
    }

    /// Unlinks it, or says why that cannot be done.
    fn discard(mut self) -> Result<(), FsError> {
        step("remove", &self.path, || fs::remove_file(&self.path))?;
        self.gone = true;
        Ok(())
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.gone {
            // Nothing can be done about a failure here; the next run cleans up.
            let _ = step("remove temp", &self.path, || fs::remove_file(&self.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, symlink};
    use std::time::Duration;

    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_new_content_replaces_the_old_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tokens");
        write_atomic(&path, b"old", PRIVATE_FILE).unwrap();
        write_atomic(&path, b"new", PRIVATE_FILE).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(dir.path()), ["tokens"]);
    }

    #[test]
    fn the_mode_is_explicit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tokens");
        write_atomic(&path, b"", PRIVATE_FILE).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, PRIVATE_FILE);
    }

    #[test]
    fn a_planted_link_is_replaced_and_its_target_untouched() {
        let dir = tempfile::tempdir().unwrap();
        let (target, path) = (dir.path().join("target"), dir.path().join("tokens"));
        fs::write(&target, "precious").unwrap();
        symlink(&target, &path).unwrap();
        write_atomic(&path, b"new", PRIVATE_FILE).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"precious");
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_temp() {
        let dir = tempfile::tempdir().unwrap();
        // Renaming a file over a directory fails after everything else went well.
        let path = dir.path().join("tokens");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), "").unwrap();
        assert!(matches!(
            write_atomic(&path, b"new", PRIVATE_FILE),
            Err(FsError::Io { operation: "rename", .. })
        ));
        assert_eq!(names(dir.path()), ["tokens"]);
    }

    #[test]
    fn a_probe_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        probe(&dir.path().join("tokens"), 4096).unwrap();
        assert!(names(dir.path()).is_empty());
        assert!(probe(&dir.path().join("missing/tokens"), 1).is_err());
    }

    #[test]
    fn only_leftovers_of_the_named_file_are_cleaned() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in [".tokens.tmp-00", ".other.tmp-00", "tokens", "tokens.tmp-00"] {
            fs::write(at(name), "").unwrap();
        }
        let lock = Lock::acquire_blocking(&at("lock"), Duration::ZERO).unwrap();
        clean_temps(&at("tokens"), &lock).unwrap();
        assert_eq!(names(dir.path()), [".other.tmp-00", "lock", "tokens", "tokens.tmp-00"]);
    }

    #[test]
    fn removing_what_is_not_there_is_fine() {
        let dir = tempfile::tempdir().unwrap();
        remove(&dir.path().join("nothing")).unwrap();
    }
}
