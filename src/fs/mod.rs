//! Files: durable writes, checked opens and locks.
//!
//! Every operation on a durable file goes through `step`, so that each error names its path and a
//! test can break any of them ([`crate::fault`]).

mod atomic;
mod check;
mod lock;
mod overwrite;

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::fault;
use crate::problem::{Coded, ErrorCode, Problem};
use crate::resources::Shortage;
use crate::text;

pub(crate) use atomic::{
    check_removal, clean_all_temps, clean_temps, is_temp_of, list, probe, remove, remove_dir_all,
    rename, sync_dir, write_atomic,
};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use check::file_system;
pub(crate) use check::{
    PRIVATE_DIR, PRIVATE_FILE, PrivateFile, SIZE_LIMIT, check_metadata, close_to_others,
    network_file_system, open_private, private_dir, read_private, read_private_file,
    read_private_to,
};
pub(crate) use lock::{Lock, LockError, SharedLock, check_record_locks, give_up_waiting, pause};
pub(crate) use overwrite::overwrite;

/// Why a file of ours could not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FsError {
    /// The system refused an operation.
    #[error("failed to {operation} `{}`", path.display())]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Other users may read or write it.
    #[error("`{}` is open to other users (mode {mode:04o})", path.display())]
    Mode {
        /// Which file or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The permission bits that are right.
        wanted: u32,
    },
    /// Another user owns it.
    #[error("`{}` belongs to user {owner}, not to the user running this", path.display())]
    Owner {
        /// Which file or directory.
        path: PathBuf,
        /// The owner's user id.
        owner: u32,
    },
    /// A symbolic link, FIFO, device or directory stands where a file should be.
    #[error("`{}` is not a regular file", path.display())]
    Kind {
        /// Which path.
        path: PathBuf,
    },
    /// The file has a second name somewhere.
    #[error("`{}` has {links} hard links instead of one", path.display())]
    Links {
        /// Which file.
        path: PathBuf,
        /// How many names it has.
        links: u64,
    },
    /// The file is bigger than any file of ours.
    #[error("`{}` is {size} bytes long, more than the {limit} it may have", path.display())]
    Size {
        /// Which file.
        path: PathBuf,
        /// Its length in bytes.
        size: u64,
        /// The longest that it may be, in bytes.
        limit: u64,
    },
    /// It has its new content, and the disk did not confirm that it keeps it.
    #[error("`{}` was written, but the disk did not confirm it", path.display())]
    NotSynced {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl FsError {
    /// Whether space (or quota) is what is missing, or the process may not write longer files.
    pub(crate) fn is_disk_full(&self) -> bool {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        matches!(self, Self::Io { source, .. }
            if matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge))
    }

    /// Whether the file has its new content all the same.
    pub(crate) fn is_written(&self) -> bool {
        matches!(self, Self::NotSynced { .. })
    }
}

impl Coded for FsError {
    fn problem(&self) -> Problem {
        use ErrorCode as Code;
        let of = |code, path: &Path| Problem::new(code).with("path", path.display());
        match self {
            Self::Mode { path, wanted, .. } => Problem::new(Code::FileMode)
                .with("mode", format_args!("{wanted:o}"))
                .with("path", text::quoted(path)),
            Self::Owner { path, .. } => Problem::new(Code::FileOwner)
                .with("user", rustix::process::geteuid().as_raw())
                .with("path", text::quoted(path)),
            Self::Links { path, .. } => match Content::of(path) {
                Content::Journal => links(Code::JournalFileLinks, path),
                Content::JournalWal => links(Code::JournalWalLinks, path),
                Content::Tokens => links(Code::TokensFileLinks, path),
                Content::Other => of(Code::FileInTheWay, path),
            },
            Self::Kind { path } => match Content::of(path) {
                Content::Journal | Content::JournalWal => Code::JournalFileKind.into(),
                Content::Tokens => Code::TokensFileKind.into(),
                Content::Other => of(Code::FileInTheWay, path),
            },
            Self::Size { path, .. } => match Content::of(path) {
                Content::Tokens => Code::TokensFileSize.into(),
                // The journal has no limit.
                Content::Journal | Content::JournalWal | Content::Other => {
                    of(Code::FileInTheWay, path)
                }
            },
            Self::NotSynced { path, .. } => of(Code::FileNotSynced, path),
            Self::Io { source, path, operation } => match source.kind() {
                _ if let Some(shortage) = Shortage::in_error(source) => shortage.behind(),
                io::ErrorKind::ResourceBusy if *operation == "rename" => {
                    of(Code::FileMounted, path)
                }
                io::ErrorKind::PermissionDenied if is_kept_from_changes(source, operation) => {
                    of(Code::FileImmutable, path)
                }
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    of(Code::DiskFull, path)
                }
                io::ErrorKind::FileTooLarge => of(Code::FileSizeLimit, path),
                _ if *operation == "lock" && are_locks_missing(source) => {
                    of(Code::LocksMissing, path)
                }
                io::ErrorKind::ReadOnlyFilesystem => Code::DiskReadOnly.into(),
                io::ErrorKind::PermissionDenied => Code::FileDenied.into(),
                _ => Code::FileFailed.into(),
            },
        }
    }
}

/// What is in a file, by its name: what would be lost with it.
enum Content {
    /// The journal.
    Journal,
    /// What belongs to the journal until SQLite has taken it over.
    JournalWal,
    /// The tokens, or a refresh answer that is not in them yet.
    Tokens,
    /// Nothing: a lock, or what SQLite rebuilds.
    Other,
}

impl Content {
    fn of(path: &Path) -> Self {
        match path.file_name().map_or(&[][..], |name| name.as_encoded_bytes()) {
            b"journal.sqlite" => Self::Journal,
            b"journal.sqlite-wal" => Self::JournalWal,
            name if name.starts_with(b"user_tokens.json") && !name.ends_with(b".lock") => {
                Self::Tokens
            }
            _ => Self::Other,
        }
    }
}

/// That a file has a second name, with the names that a shell needs to give it one of its own.
fn links(code: ErrorCode, path: &Path) -> Problem {
    let mut copy = path.as_os_str().to_owned();
    copy.push(".copy");
    Problem::new(code).with("file", text::quoted(path)).with("copy", text::quoted(Path::new(&copy)))
}

/// Whether an error says that the file system has no locks, rather than that somebody holds one.
fn are_locks_missing(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    errno.is_some_and(|errno| {
        [Errno::NOLCK, Errno::NOSYS, Errno::OPNOTSUPP, Errno::NOTSUP, Errno::INVAL].contains(&errno)
    })
}

/// Whether an operation that only needs a directory of ours was refused: by EPERM, not EACCES.
fn is_kept_from_changes(error: &io::Error, operation: &str) -> bool {
    Errno::from_io_error(error) == Some(Errno::PERM) && ["rename", "remove"].contains(&operation)
}

/// One operation on one file: announced to the fault layer, its error bound to the path.
pub(crate) fn step<T>(
    operation: &'static str,
    path: &Path,
    act: impl FnOnce() -> io::Result<T>,
) -> Result<T, FsError> {
    fault::point(operation).and_then(|()| act()).map_err(|source| FsError::Io {
        operation,
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Explain as _;

    #[test]
    fn the_hint_is_a_line_that_a_shell_takes() {
        let error = FsError::Mode { path: "/a b/it's".into(), mode: 0o644, wanted: 0o600 };
        assert_eq!(error.hint().unwrap(), r"run `chmod 600 '/a b/it'\''s'`");
    }

    #[test]
    fn what_nobody_can_make_anew_is_never_to_be_moved_away() {
        let irreplaceable = [
            ("journal.sqlite", "would be posted again"),
            ("journal.sqlite-wal", "would be posted again"),
            ("user_tokens.json", "log in again"),
            ("user_tokens.json.0a1b.new", "log in again"),
        ];
        for (name, cost) in irreplaceable {
            let path = PathBuf::from(format!("/a b/{name}"));
            let mut errors = vec![
                FsError::Kind { path: path.clone() },
                FsError::Links { path: path.clone(), links: 2 },
            ];
            // Of these alone the size has a limit.
            if name.starts_with("user_tokens") {
                errors.push(FsError::Size { path: path.clone(), size: 1, limit: 0 });
            }
            for error in errors {
                let hint = error.hint().unwrap();
                assert!(hint.contains(cost) && !hint.contains("away"), "{hint}");
            }
        }
        let error = FsError::Links { path: "/a b/user_tokens.json".into(), links: 2 };
        let line = "`cp -p '/a b/user_tokens.json' '/a b/user_tokens.json.copy' && mv \
                    '/a b/user_tokens.json.copy' '/a b/user_tokens.json'`";
        assert!(error.hint().unwrap().contains(line), "{}", error.hint().unwrap());
        for name in ["user_tokens.json.lock", "journal.lock", "journal.sqlite-shm", "config.toml"] {
            let error = FsError::Kind { path: name.into() };
            assert!(error.hint().unwrap().contains("after looking at what it is"), "{name}");
        }
    }

    #[test]
    fn a_file_of_another_user_is_taken_over_by_a_line() {
        let error = FsError::Owner { path: "/a b/journal.sqlite".into(), owner: 1 };
        let line =
            format!("sudo chown {} '/a b/journal.sqlite'", rustix::process::geteuid().as_raw());
        assert!(error.hint().unwrap().contains(&line));
    }

    #[test]
    fn a_file_that_cannot_be_replaced_is_told_with_what_to_do() {
        let hint = |operation, errno: Errno| {
            let source = errno.into();
            FsError::Io { operation, path: "/home/tokens".into(), source }.hint().unwrap()
        };
        assert!(hint("rename", Errno::BUSY).contains("mount its directory"));
        assert!(hint("rename", Errno::PERM).contains("chattr -a"));
        assert!(hint("remove", Errno::PERM).contains("chattr -a"));
        assert!(hint("rename", Errno::ACCESS).contains("run as the user"));
        assert!(hint("open", Errno::MFILE).contains("RLIMIT_NOFILE is"));
        assert!(hint("list", Errno::NOMEM).contains("RLIMIT_AS is"));
    }

    #[test]
    fn a_file_system_without_locks_is_not_another_run() {
        for errno in [Errno::NOLCK, Errno::NOSYS, Errno::OPNOTSUPP] {
            let error = FsError::Io { operation: "lock", path: "/x".into(), source: errno.into() };
            assert_eq!(error.exit(), crate::exit::Exit::Local);
            assert!(error.hint().unwrap().contains("another file system"), "{errno:?}");
        }
    }

    #[test]
    fn a_limit_on_the_size_of_files_is_told_as_one() {
        let source = Errno::FBIG.into();
        let error = FsError::Io { operation: "write", path: "/x".into(), source };
        assert!(error.is_disk_full());
        assert!(error.hint().unwrap().contains("ulimit -f"));
    }

    #[test]
    fn a_full_disk_is_told_apart() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let error = FsError::Io { operation: "write", path: "/x".into(), source: full };
        assert!(error.is_disk_full());
        assert!(error.hint().unwrap().contains("free space"));
    }
}
