//! Which machine this is, and which file, to notice a journal that was copied or restored.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::fault;
use crate::fs::FsError;

/// A hash that tells machines apart and does not tell which one it is. `None`: this machine has no
/// lasting name, as most containers.
///
/// The machine id is to be hashed before it is stored anywhere:
/// <https://www.freedesktop.org/software/systemd/man/latest/machine-id.html>.
pub(in crate::store::local::journal) fn id() -> Option<String> {
    let name = ["/etc/machine-id", "/var/lib/dbus/machine-id"]
        .iter()
        // One that is not there, or cannot be read, tells nothing.
        .find_map(|path| fs::read_to_string(path).ok())
        .map(|text| text.trim().to_owned())
        .filter(|text| text.len() == 32)
        .or_else(node_name)?;
    let key = blake3::derive_key("tiktok-up journal host 1", name.as_bytes());
    Some(blake3::Hash::from_bytes(key).to_hex().as_str()[..32].to_owned())
}

/// Where there is no machine id file at all, the name of the host has to do. On Linux a missing one
/// means a container, whose name changes with each run.
fn node_name() -> Option<String> {
    if cfg!(target_os = "linux") {
        return None;
    }
    rustix::system::uname().nodename().to_str().ok().map(str::to_owned)
}

/// What a file keeps as long as it is changed in place or renamed, and what no copy of it has: its
/// number on the disk, and when it was made, in ns since 1970, if the file system knows that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::local::journal) struct FileId {
    inode: u64,
    made: Option<u128>,
}

impl FileId {
    /// The file under a path, which is not opened: see [`crate::store::local::journal::database::dir::JournalDir::look`]. `None`: there is
    /// none, or its file system is not known to keep the two.
    pub(in crate::store::local::journal) fn of(path: &Path) -> Result<Option<Self>, FsError> {
        let examined = fault::point("journal: examine").and_then(|()| {
            let found = match fs::symlink_metadata(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                other => other?,
            };
            if !keeps_file_ids(path)? {
                return Ok(None);
            }
            // Not every file system knows when a file was made.
            let made = found.created().ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok());
            Ok(Some(Self { inode: found.ino(), made: made.map(|made| made.as_nanos()) }))
        });
        examined.map_err(|source| FsError::Io {
            operation: "examine",
            path: path.to_owned(),
            source,
        })
    }

    /// Whether it is this file that is found now. What cannot be told is taken to be.
    pub(in crate::store::local::journal) fn is_still(self, found: Option<Self>) -> bool {
        found.is_none_or(|found| {
            let same_time = self.made.is_none() || found.made.is_none() || self.made == found.made;
            self.inode == found.inode && same_time
        })
    }

    pub(in crate::store::local::journal) fn parse(text: &str) -> Option<Self> {
        let (inode, made) = text.split_once(' ')?;
        let made = if made == "-" { None } else { Some(made.parse().ok()?) };
        Some(Self { inode: inode.parse().ok()?, made })
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.inode)?;
        match self.made {
            Some(made) => write!(f, "{made}"),
            None => f.write_str("-"),
        }
    }
}

/// Where a journal is, and whether it was there before.
#[derive(Debug, Default)]
pub(in crate::store::local::journal) struct Here {
    pub(in crate::store::local::journal) host: Option<String>,
    pub(in crate::store::local::journal) file: Option<FileId>,
    /// On another machine than where it was last used.
    pub(in crate::store::local::journal) elsewhere: bool,
    /// Not the file that it was last, as far as that can be told.
    pub(in crate::store::local::journal) copied: bool,
}

impl Here {
    /// Where the journal under a path is; the others are what it says itself.
    pub(in crate::store::local::journal) fn of(
        path: &Path,
        known_host: Option<&str>,
        known_file: Option<FileId>,
    ) -> Result<Self, FsError> {
        let (host, file) = (id(), FileId::of(path)?);
        let elsewhere = known_host.is_some() && host.is_some() && known_host != host.as_deref();
        let copied = known_file.is_some_and(|known| !known.is_still(file));
        Ok(Self { host, file, elsewhere, copied })
    }

    /// Whether the journal says so already.
    pub(in crate::store::local::journal) fn is_known(
        &self,
        host: Option<&str>,
        file: Option<FileId>,
    ) -> bool {
        (self.host.is_none() || self.host.as_deref() == host)
            && (self.file.is_none() || self.file == file)
    }
}

/// Whether the file system keeps both over a restart: not so those of a network, or those that make
/// the numbers up.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn keeps_file_ids(path: &Path) -> io::Result<bool> {
    // From statfs(2) and linux/magic.h; ZFS from its own sources.
    const KNOWN: [u64; 7] = [
        0xEF53,      // ext2, ext3, ext4
        0x5846_5342, // XFS
        0x9123_683E, // btrfs
        0xF2F5_2010, // F2FS
        0x2FC1_2FC1, // ZFS
        0x0102_1994, // tmpfs
        0x794C_7630, // overlayfs
    ];
    Ok(KNOWN.contains(&crate::fs::file_system(path)?))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn keeps_file_ids(_path: &Path) -> io::Result<bool> {
    Ok(cfg!(target_os = "macos"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_same_after_a_rename_and_a_change_and_a_copy_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("a"), "one").unwrap();
        let Some(file) = FileId::of(&at("a")).unwrap() else { return };
        fs::copy(at("a"), at("b")).unwrap();
        assert!(!file.is_still(FileId::of(&at("b")).unwrap()));
        fs::write(at("a"), "two").unwrap();
        fs::rename(at("a"), at("c")).unwrap();
        assert!(file.is_still(FileId::of(&at("c")).unwrap()));
        assert!(file.is_still(FileId::of(&at("nothing")).unwrap()), "nothing can be told");
    }

    #[test]
    fn what_is_written_of_a_file_is_read_back() {
        for file in [FileId { inode: u64::MAX, made: None }, FileId { inode: 1, made: Some(7) }] {
            assert_eq!(FileId::parse(&file.to_string()), Some(file));
        }
        for text in ["", "1", "1 ", "x 2", "1 x"] {
            assert_eq!(FileId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn one_whose_birth_is_not_known_goes_by_its_number() {
        let [known, unknown] = [Some(7), None].map(|made| FileId { inode: 1, made });
        assert!(known.is_still(Some(unknown)) && unknown.is_still(Some(known)));
        assert!(!known.is_still(Some(FileId { inode: 1, made: Some(8) })));
    }
}
