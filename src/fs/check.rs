//! Opens that trust nothing about the path: what counts is the descriptor.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use zeroize::Zeroizing;

use super::{FsError, step};

/// The mode of every file of ours.
pub(crate) const PRIVATE_FILE: u32 = 0o600;

/// The mode of every directory of ours.
pub(crate) const PRIVATE_DIR: u32 = 0o700;

/// The longest file that is read whole, unless something else is said of it, in bytes: 1 MiB.
pub(crate) const SIZE_LIMIT: u64 = 1 << 20;

const GROUP_OR_OTHERS: u32 = 0o077;
const WRITABLE_BY_GROUP_OR_OTHERS: u32 = 0o022;

/// Flags of every open: links are not followed, children do not inherit, a FIFO does not block.
pub(super) const CAREFUL: OFlags =
    OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// Opens a file of ours for reading, or says what is wrong with it: it must be a regular file, be
/// ours, have one name, be closed to group and others and not be longer than `limit`, in bytes. Gives what
/// is known of it, too. Gives its metadata, too.
pub(crate) fn open_private(path: &Path, limit: u64) -> Result<(File, Metadata), FsError> {
    let file = open(path, OFlags::RDONLY)?;
    let found = check_file(&file, path, limit)?;
    Ok((file, found))
}

/// Reads a whole file of ours of at most [`SIZE_LIMIT`] bytes through [`open_private`]; `None` if there is
/// none.
pub(crate) fn read_private(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, FsError> {
    read_private_to(path, SIZE_LIMIT)
}

/// As [`read_private`], with another limit, in bytes.
pub(crate) fn read_private_to(
    path: &Path,
    limit: u64,
) -> Result<Option<Zeroizing<Vec<u8>>>, FsError> {
    Ok(read_private_file(path, limit)?.map(|found| found.bytes))
}

/// A file of ours that was read whole.
#[derive(Debug)]
pub(crate) struct PrivateFile {
    /// The open file.
    pub(crate) file: File,
    /// What was known of it before it was read.
    pub(crate) before: Metadata,
    /// Its content.
    pub(crate) bytes: Zeroizing<Vec<u8>>,
}

/// As [`read_private_to`], for whoever asks later whether it is still the same.
pub(crate) fn read_private_file(path: &Path, limit: u64) -> Result<Option<PrivateFile>, FsError> {
    let (file, before) = match open_private(path, limit) {
        Err(FsError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(None);
        }
        other => other?,
    };
    let room = usize::try_from(before.len().min(limit)).unwrap_or(0).saturating_add(1);
    // Large enough from the beginning, as a buffer that is outgrown is not wiped.
    let mut bytes = Zeroizing::new(Vec::new());
    _ = bytes.try_reserve_exact(room);
    // One byte more than allowed, so that a file that grows under the read is noticed.
    step("read", path, || (&file).take(limit + 1).read_to_end(&mut bytes))?;
    let size = bytes.len() as u64;
    if size > limit {
        return Err(FsError::Size { path: path.to_owned(), size, limit });
    }
    Ok(Some(PrivateFile { file, before, bytes }))
}

/// Takes from group and others what they must not have of a file or a directory of ours: of a file everything, of
/// a directory that they write. Gives the mode that it had if that was changed.
///
/// What counts is the descriptor here, too: no link is followed, and what belongs to another user or has a second
/// name stays as it is.
pub(crate) fn close_to_others(path: &Path) -> Result<Option<u32>, FsError> {
    let file = open(path, OFlags::RDONLY)?;
    let found = step("examine", path, || file.metadata())?;
    let forbidden = if found.is_dir() { WRITABLE_BY_GROUP_OR_OTHERS } else { GROUP_OR_OTHERS };
    let (mode, wanted) = if found.is_dir() {
        check_owner(&found, path)?;
        (found.mode() & 0o7777, PRIVATE_DIR)
    } else {
        match check_metadata(&found, path) {
            Err(FsError::Mode { mode, wanted, .. }) => (mode, wanted),
            other => return other.map(|()| None),
        }
    };
    if mode & forbidden == 0 {
        return Ok(None);
    }
    step("chmod", path, || file.set_permissions(fs::Permissions::from_mode(wanted)))?;
    Ok(Some(mode))
}

/// Makes sure that a directory exists (created 0700), is ours and cannot be written by others;
/// gives its canonical path.
pub(crate) fn private_dir(path: &Path) -> Result<PathBuf, FsError> {
    create_dirs(path)?;
    let canonical = step("resolve", path, || fs::canonicalize(path))?;
    let dir = open(&canonical, OFlags::RDONLY | OFlags::DIRECTORY)?;
    let found = step("examine", &canonical, || dir.metadata())?;
    check_owner(&found, &canonical)?;
    let mode = found.mode() & 0o7777;
    if mode & WRITABLE_BY_GROUP_OR_OTHERS != 0 {
        return Err(FsError::Mode { path: canonical, mode, wanted: PRIVATE_DIR });
    }
    Ok(canonical)
}

/// The kind of network file system that a directory lies on, if it does. Locks and SQLite's
/// write-ahead log cannot be trusted there.
#[cfg(target_os = "linux")]
pub(crate) fn network_file_system(dir: &Path) -> Result<Option<&'static str>, FsError> {
    // From statfs(2) and linux/magic.h.
    const KNOWN: [(u64, &str); 8] = [
        (0x6969, "NFS"),
        (0x517B, "SMB"),
        (0xFF53_4D42, "CIFS"),
        (0xFE53_4D42, "SMB2"),
        (0x5346_414F, "AFS"),
        (0x0102_1997, "9P"),
        (0x00C3_6400, "Ceph"),
        (0x0BD0_0BD0, "Lustre"),
    ];
    let magic = step("examine", dir, || file_system(dir))?;
    Ok(KNOWN.iter().find(|(known, _)| *known == magic).map(|(_, name)| *name))
}

/// Elsewhere the kind cannot be told: assumed to be local.
#[cfg(not(target_os = "linux"))]
pub(crate) fn network_file_system(_dir: &Path) -> Result<Option<&'static str>, FsError> {
    Ok(None)
}

/// The kind of file system that a path lies on, as statfs(2) and linux/magic.h number them.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn file_system(path: &Path) -> io::Result<u64> {
    let found = rustix::fs::statfs(path)?;
    // The field's type differs between architectures; the magic numbers have 32 bits.
    #[expect(clippy::cast_sign_loss, reason = "a bit pattern, not a number")]
    let magic = found.f_type as u64 & 0xFFFF_FFFF;
    Ok(magic)
}

/// Opens without following links; a link is reported as what it is.
pub(super) fn open(path: &Path, how: OFlags) -> Result<File, FsError> {
    let mode = Mode::from_raw_mode(PRIVATE_FILE);
    step("open", path, || Ok(File::from(rustix::fs::open(path, how | CAREFUL, mode)?))).map_err(
        |error| match &error {
            FsError::Io { source, .. } if is_link(source) => {
                FsError::Kind { path: path.to_owned() }
            }
            _ => error,
        },
    )
}

fn is_link(error: &io::Error) -> bool {
    let errno = rustix::io::Errno::from_io_error(error);
    errno == Some(rustix::io::Errno::LOOP) || errno == Some(rustix::io::Errno::MLINK)
}

/// What [`open_private`] demands of an open file.
pub(super) fn check_file(file: &File, path: &Path, limit: u64) -> Result<Metadata, FsError> {
    let found = step("examine", path, || file.metadata())?;
    check_metadata(&found, path)?;
    if found.len() > limit {
        return Err(FsError::Size { path: path.to_owned(), size: found.len(), limit });
    }
    Ok(found)
}

/// An error unless this is a regular file that is ours alone, whatever its size.
pub(crate) fn check_metadata(found: &fs::Metadata, path: &Path) -> Result<(), FsError> {
    let path = || path.to_owned();
    if !found.is_file() {
        return Err(FsError::Kind { path: path() });
    }
    check_owner(found, &path())?;
    if found.nlink() > 1 {
        return Err(FsError::Links { path: path(), links: found.nlink() });
    }
    let mode = found.mode() & 0o7777;
    if mode & GROUP_OR_OTHERS != 0 {
        return Err(FsError::Mode { path: path(), mode, wanted: PRIVATE_FILE });
    }
    Ok(())
}

fn check_owner(found: &fs::Metadata, path: &Path) -> Result<(), FsError> {
    if found.uid() == rustix::process::geteuid().as_raw() {
        Ok(())
    } else {
        Err(FsError::Owner { path: path.to_owned(), owner: found.uid() })
    }
}

/// Creates what is missing of a directory path, each level 0700 and durable in its parent.
fn create_dirs(path: &Path) -> Result<(), FsError> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        create_dirs(parent)?;
    }
    let made = step("create directory", path, || {
        match DirBuilder::new().mode(PRIVATE_DIR).create(path) {
            // Another process of ours was faster, or something else is in the way; which of the
            // two, the checks after this find out.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            other => other.map(|()| true),
        }
    })?;
    match path.parent().filter(|parent| made && !parent.as_os_str().is_empty()) {
        Some(parent) => step("fsync directory", parent, || File::open(parent)?.sync_all()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::fs::write_atomic;

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_file_open_to_others_is_refused_with_the_chmod_line() {
        use crate::output::Explain as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tokens");
        for mode in [0o644, 0o640, 0o604, 0o620, 0o602] {
            fs::write(&path, "x").unwrap();
            chmod(&path, mode);
            let error = open_private(&path, SIZE_LIMIT).unwrap_err();
            assert!(matches!(error, FsError::Mode { mode: found, .. } if found == mode));
            assert_eq!(error.hint().unwrap(), format!("run `chmod 600 {}`", path.display()));
        }
    }

    #[test]
    fn a_symbolic_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (target, link) = (dir.path().join("target"), dir.path().join("link"));
        write_atomic(&target, b"x", PRIVATE_FILE).unwrap();
        symlink(&target, &link).unwrap();
        assert!(matches!(open_private(&link, SIZE_LIMIT), Err(FsError::Kind { .. })));
    }

    #[test]
    fn a_second_name_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tokens");
        write_atomic(&path, b"x", PRIVATE_FILE).unwrap();
        fs::hard_link(&path, dir.path().join("other")).unwrap();
        assert!(matches!(open_private(&path, SIZE_LIMIT), Err(FsError::Links { links: 2, .. })));
    }

    #[test]
    fn a_fifo_or_a_directory_is_refused_without_waiting() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            Mode::from_raw_mode(PRIVATE_FILE),
            0,
        )
        .unwrap();
        assert!(matches!(open_private(&fifo, SIZE_LIMIT), Err(FsError::Kind { .. })));
        assert!(matches!(open_private(dir.path(), SIZE_LIMIT), Err(FsError::Kind { .. })));
    }

    #[test]
    fn a_file_over_the_limit_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("big");
        write_atomic(&path, b"", PRIVATE_FILE).unwrap();
        File::options().write(true).open(&path).unwrap().set_len(SIZE_LIMIT + 1).unwrap();
        assert!(matches!(read_private(&path), Err(FsError::Size { .. })));
    }

    #[test]
    fn what_is_not_there_is_none() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read_private(&dir.path().join("nothing")).unwrap().is_none());
    }

    #[test]
    fn a_new_directory_is_closed_to_others_at_every_level() {
        let dir = tempfile::tempdir().unwrap();
        let made = private_dir(&dir.path().join("a/b")).unwrap();
        for level in [made.as_path(), made.parent().unwrap()] {
            assert_eq!(fs::metadata(level).unwrap().mode() & 0o777, PRIVATE_DIR);
        }
    }

    #[test]
    fn a_directory_that_others_may_write_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        chmod(dir.path(), 0o770);
        assert!(matches!(private_dir(dir.path()), Err(FsError::Mode { wanted: PRIVATE_DIR, .. })));
    }

    #[test]
    fn what_is_ours_is_closed_to_others_and_nothing_behind_a_link_is() {
        let dir = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        fs::write(&file, "x").unwrap();
        chmod(&file, 0o644);
        symlink(&file, &link).unwrap();
        assert!(matches!(close_to_others(&link), Err(FsError::Kind { .. })));
        assert_eq!(mode(&file), 0o644);
        assert_eq!(close_to_others(&file).unwrap(), Some(0o644));
        assert_eq!((mode(&file), close_to_others(&file).unwrap()), (PRIVATE_FILE, None));
        fs::hard_link(&file, dir.path().join("other")).unwrap();
        chmod(&file, 0o644);
        assert!(matches!(close_to_others(&file), Err(FsError::Links { .. })));
        assert_eq!(mode(&file), 0o644);
        chmod(dir.path(), 0o755);
        assert_eq!(close_to_others(dir.path()).unwrap(), None);
        chmod(dir.path(), 0o775);
        assert_eq!(close_to_others(dir.path()).unwrap(), Some(0o775));
        assert_eq!(mode(dir.path()), PRIVATE_DIR);
    }

    #[test]
    fn this_machine_s_own_disk_is_no_network_file_system() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(network_file_system(dir.path()).unwrap(), None);
    }
}
