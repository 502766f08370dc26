//! Threads, descriptors and memory: what a run needs of them is proved to be there, and a system that
//! gives none is told by the limit that holds it back.

use std::convert::Infallible;
use std::fmt;
use std::fs::File;
use std::io;
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use rustix::fs::{Access, access};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use crate::problem::{Coded, ErrorCode, Problem};
use crate::text;

/// A kind of thing that the system gives a process, up to a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Threads and processes of the user.
    Threads,
    /// Open files and sockets of this process.
    Descriptors,
    /// Open files and sockets of all processes.
    SystemDescriptors,
    /// Address space of this process, or the machine's memory.
    Memory,
}

/// The system gives no more of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives this process no more {kind}{}", state(*.kind, *.limit))]
pub(crate) struct Shortage {
    /// Of what.
    pub(crate) kind: Kind,
    /// The limit in force, if there is one.
    pub(crate) limit: Option<u64>,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Threads => "threads",
            Self::Descriptors | Self::SystemDescriptors => "open files",
            Self::Memory => "memory",
        })
    }
}

fn state(kind: Kind, limit: Option<u64>) -> String {
    let name = match kind {
        Kind::Threads => "RLIMIT_NPROC",
        Kind::Descriptors => "RLIMIT_NOFILE",
        Kind::SystemDescriptors => return " (fs.file-max of the whole system)".to_owned(),
        Kind::Memory => "RLIMIT_AS",
    };
    limit.map_or_else(|| format!(" ({name} is unlimited)"), |limit| format!(" ({name} is {limit})"))
}

impl Shortage {
    fn of(kind: Kind) -> Self {
        let limit = match kind {
            Kind::Threads => getrlimit(Resource::Nproc).current,
            Kind::Descriptors => getrlimit(Resource::Nofile).current,
            Kind::SystemDescriptors => None,
            Kind::Memory => getrlimit(Resource::As).current,
        };
        Self { kind, limit }
    }

    /// The shortage that a panic speaks of, if it does: a thread that starts got no memory for its signal
    /// stack, which the standard library has no other words for. Such a panic cannot be caught, and ends
    /// in SIGABRT.
    pub(crate) fn in_panic(panic: &PanicHookInfo<'_>) -> Option<Self> {
        let starts = panic.location()?.file().ends_with("stack_overflow.rs");
        starts.then(|| Self::of(Kind::Memory))
    }

    /// The shortage that an error of a file, directory or socket speaks of, if it does.
    pub(crate) fn in_error(error: &io::Error) -> Option<Self> {
        Some(Self::of(match Errno::from_io_error(error)? {
            Errno::MFILE => Kind::Descriptors,
            Errno::NFILE => Kind::SystemDescriptors,
            Errno::NOMEM | Errno::NOBUFS => Kind::Memory,
            _ => return None,
        }))
    }
}

/// The system lets this user not read a file of its own.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub(crate) struct Denied {
    path: PathBuf,
    source: io::Error,
}

impl Denied {
    /// What an error that came of reading a file says of its permissions, if it does.
    pub(crate) fn in_error(path: &Path, error: &io::Error) -> Option<Self> {
        let errno = Errno::from_io_error(error)?;
        let denied = matches!(errno, Errno::ACCESS | Errno::PERM);
        denied.then(|| Self { path: path.to_owned(), source: errno.into() })
    }

    /// The first folder on the way to the file that cannot be entered.
    fn closed_folder(&self) -> Option<PathBuf> {
        let path = std::path::absolute(&self.path).ok()?;
        let mut folders: Vec<_> = path.ancestors().skip(1).collect();
        folders.reverse();
        let is_closed = |folder: &&Path| access(*folder, Access::EXEC_OK) == Err(Errno::ACCESS);
        folders.into_iter().find(is_closed).map(Path::to_owned)
    }
}

impl Coded for Denied {
    fn problem(&self) -> Problem {
        let shown = |path: &Path| text::shown(&path.display().to_string());
        let what = match self.closed_folder() {
            Some(folder) => format!("the folder `{}`", shown(&folder)),
            None => format!("the file `{}`", shown(&self.path)),
        };
        Problem::new(ErrorCode::ReadDenied)
            .with("what", what)
            .with("user", rustix::process::geteuid().as_raw())
    }
}

/// Whether a file could not be used because the system failed or refused it, and not because of where or what
/// it is.
pub(crate) fn is_machine_fault(error: &io::Error) -> bool {
    Errno::from_io_error(error).is_some_and(|error| {
        !matches!(
            error,
            Errno::NOENT
                | Errno::NOTDIR
                | Errno::ISDIR
                | Errno::LOOP
                | Errno::NAMETOOLONG
                | Errno::INVAL
                | Errno::NXIO
                | Errno::OPNOTSUPP
                | Errno::ILSEQ
        )
    })
}

impl Coded for Shortage {
    fn problem(&self) -> Problem {
        Problem::new(match self.kind {
            Kind::Threads => ErrorCode::NoThreads,
            Kind::Descriptors => ErrorCode::NoDescriptors,
            Kind::SystemDescriptors => ErrorCode::NoSystemDescriptors,
            Kind::Memory => ErrorCode::NoMemory,
        })
    }
}

impl Shortage {
    /// An error of something else that this was behind.
    pub(crate) fn behind(&self) -> Problem {
        Problem::new(ErrorCode::SystemLimit).with("limit", self).caused_by(self.problem())
    }
}

/// Descriptors and memory that are held so that they are there later.
#[derive(Debug)]
pub(crate) struct Reserve {
    _descriptors: Vec<File>,
    _memory: Vec<u8>,
}

impl Reserve {
    /// Takes that many descriptors, and so many bytes of memory.
    pub(crate) fn take(descriptors: usize, bytes: usize) -> Result<Self, Shortage> {
        let mut memory = Vec::new();
        memory.try_reserve_exact(bytes).map_err(|_| Shortage::of(Kind::Memory))?;
        let mut held = Vec::new();
        held.try_reserve_exact(descriptors).map_err(|_| Shortage::of(Kind::Memory))?;
        for _ in 0..descriptors {
            let next = match held.last() {
                None => File::open("/dev/null"),
                Some(first) => File::try_clone(first),
            };
            match next {
                Ok(file) => held.push(file),
                Err(error) => match Shortage::in_error(&error) {
                    Some(shortage) => return Err(shortage),
                    // A system without the device proves nothing.
                    None => break,
                },
            }
        }
        Ok(Self { _descriptors: held, _memory: memory })
    }
}

/// Proves that so many threads can live at once, by starting them; each ends at once after that.
pub(crate) fn prove_threads(count: usize) -> Result<(), Shortage> {
    let mut started = Vec::new();
    for _ in 0..count {
        let (end, ended) = mpsc::channel::<Infallible>();
        // Ends when the other side of its channel is dropped.
        let thread = thread::Builder::new().spawn(move || _ = ended.recv());
        started.push((end, thread.map_err(|_| Shortage::of(Kind::Threads))?));
    }
    for (end, thread) in started {
        drop(end);
        // It does nothing that could panic.
        _ = thread.join();
    }
    Ok(())
}

/// The longest file that this process may write, in bytes, if there is a limit.
pub(crate) fn file_size_limit() -> Option<u64> {
    getrlimit(Resource::Fsize).current
}

/// That no more threads were to be had.
pub(crate) fn no_threads() -> Shortage {
    Shortage::of(Kind::Threads)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use crate::output::Explain as _;
    use crate::problem::ErrorKind;

    #[test]
    fn what_is_there_is_given() {
        drop(Reserve::take(4, 1 << 20).unwrap());
        prove_threads(3).unwrap();
    }

    #[test]
    fn memory_that_is_not_there_is_told_by_its_limit() {
        let shortage = Reserve::take(0, isize::MAX.cast_unsigned()).unwrap_err();
        assert_eq!((shortage.kind, shortage.exit()), (Kind::Memory, Exit::Local));
        assert!(shortage.to_string().contains("RLIMIT_AS is"), "{shortage}");
        assert!(shortage.hint().unwrap().contains("ulimit -v"));
    }

    #[test]
    fn a_disk_that_fails_is_told_from_a_file_that_is_another() {
        for errno in [
            Errno::IO,
            Errno::NOMEM,
            Errno::STALE,
            Errno::BADMSG,
            Errno::NODEV,
            Errno::ACCESS,
            Errno::PERM,
        ] {
            assert!(is_machine_fault(&errno.into()), "{errno:?}");
        }
        for errno in [Errno::NOENT, Errno::LOOP, Errno::NAMETOOLONG, Errno::NXIO] {
            assert!(!is_machine_fault(&errno.into()), "{errno:?}");
        }
        assert!(!is_machine_fault(&io::ErrorKind::InvalidInput.into()));
    }

    #[test]
    fn a_file_that_is_denied_is_named_with_the_user_who_may_not_read_it() {
        let path = Path::new("/a\n/b");
        let denied = Denied::in_error(path, &Errno::ACCESS.into()).unwrap();
        assert_eq!(
            (denied.problem().code, denied.kind()),
            (ErrorCode::ReadDenied, ErrorKind::Local)
        );
        let hint = denied.hint().unwrap();
        let user = rustix::process::geteuid().as_raw();
        assert!(hint.starts_with("the file `/a\\n/b` is closed to the user"), "{hint}");
        assert!(hint.contains(&format!("(uid {user})")), "{hint}");
        assert!(Denied::in_error(path, &Errno::NOENT.into()).is_none());
    }

    #[test]
    fn errors_that_speak_of_a_limit_are_known() {
        for (errno, kind) in [
            (Errno::MFILE, Kind::Descriptors),
            (Errno::NFILE, Kind::SystemDescriptors),
            (Errno::NOMEM, Kind::Memory),
        ] {
            let found = Shortage::in_error(&errno.into()).unwrap();
            assert_eq!(found.kind, kind);
        }
        assert_eq!(Shortage::in_error(&Errno::CONNREFUSED.into()), None);
        let named = Shortage::in_error(&Errno::MFILE.into()).unwrap().to_string();
        assert!(named.contains("RLIMIT_NOFILE is"), "{named}");
    }
}
