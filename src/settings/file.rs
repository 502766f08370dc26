//! Files that the user wrote: read whole, and asked who else may read them.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::fault;
use crate::fs::{FsError, PRIVATE_FILE, SIZE_LIMIT};

const GROUP_OR_OTHERS: u32 = 0o077;
const OTHERS: u32 = 0o007;
const ROOT: u32 = 0;

/// A file's text, with what is known about the descriptor it was read from.
///
/// Unlike the files that the program writes, these may lie behind a symbolic link: people keep their
/// configuration in a repository, and systems mount secrets so.
#[derive(Debug)]
pub(super) struct UserFile {
    path: PathBuf,
    found: Metadata,
    pub(super) text: Zeroizing<String>,
}

impl UserFile {
    /// Reads a regular file of at most [`SIZE_LIMIT`] bytes; `None` if there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, FsError> {
        let io = |operation| move |source| FsError::Io { operation, path: path.to_owned(), source };
        // A FIFO must not keep the run waiting.
        let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        fault::point("settings: open").map_err(io("open"))?;
        let file = match File::options().read(true).custom_flags(nonblock).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(io("open"))?,
        };
        let found = file.metadata().map_err(io("examine"))?;
        if !found.is_file() {
            return Err(FsError::Kind { path: path.to_owned() });
        }
        let mut text = Zeroizing::new(String::new());
        fault::point("settings: read").map_err(io("read"))?;
        file.take(SIZE_LIMIT + 1).read_to_string(&mut text).map_err(io("read"))?;
        let size = text.len() as u64;
        if size > SIZE_LIMIT {
            return Err(FsError::Size { path: path.to_owned(), size, limit: SIZE_LIMIT });
        }
        Ok(Some(Self { path: path.to_owned(), found, text }))
    }

    /// Whether the file may hold a secret: it is ours and nobody else may read or write it, or it is
    /// root's, who then chose the group that may.
    pub(super) fn check_private(&self) -> Result<(), FsError> {
        let owner = self.found.uid();
        let forbidden = if owner == rustix::process::geteuid().as_raw() {
            GROUP_OR_OTHERS
        } else if owner == ROOT {
            OTHERS
        } else {
            return Err(FsError::Owner { path: self.path.clone(), owner });
        };
        let mode = self.found.mode() & 0o7777;
        if mode & forbidden == 0 {
            return Ok(());
        }
        Err(FsError::Mode { path: self.path.clone(), mode, wanted: PRIVATE_FILE })
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn file_of_mode(mode: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "text").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    #[test]
    fn what_is_not_there_is_none() {
        let dir = tempfile::tempdir().unwrap();
        assert!(UserFile::read(&dir.path().join("nothing")).unwrap().is_none());
    }

    #[test]
    fn a_file_that_others_may_read_holds_no_secret() {
        for mode in [0o644, 0o640, 0o604, 0o660] {
            let (_dir, path) = file_of_mode(mode);
            let file = UserFile::read(&path).unwrap().unwrap();
            assert!(
                matches!(file.check_private(), Err(FsError::Mode { mode: m, .. }) if m == mode)
            );
        }
        for mode in [0o600, 0o400] {
            let (_dir, path) = file_of_mode(mode);
            UserFile::read(&path).unwrap().unwrap().check_private().unwrap();
        }
    }

    #[test]
    fn a_link_is_followed_and_judged_by_what_it_leads_to() {
        let (dir, path) = file_of_mode(0o600);
        let link = dir.path().join("link");
        symlink(&path, &link).unwrap();
        UserFile::read(&link).unwrap().unwrap().check_private().unwrap();
    }

    #[test]
    fn a_directory_is_no_file() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(UserFile::read(dir.path()), Err(FsError::Kind { .. })));
    }
}
