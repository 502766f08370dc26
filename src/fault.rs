//! Numbered points at which a test can break the program.
//!
//! Every file, journal and network operation passes [`point`] first. Without the cargo feature
//! `faults`, and so in every release, it does nothing.
//!
//! With the feature the operations of a process are counted from 1, and the environment decides what
//! happens at the n-th:
//!
//! | `TIKTOK_UP_FAULT` | operation N |
//! |---|---|
//! | `fail:N` or `fail:N:EIO` | fails as a broken disk does |
//! | `fail:N:ENOSPC` | fails as a full disk does |
//! | `fail:N:reset` | fails as a connection that was cut does |
//! | `fail:N:timeout` | fails as a peer that says nothing does |
//! | `kill:N` | is never reached: the process dies as by SIGKILL |
//! | `panic:N` | panics, with the client secret in what it panics with |
//! | `full:N:FILE` | and all later ones that take room on a disk fail as on a full one, as long as there is a FILE |
//!
//! `TIKTOK_UP_FAULT_LOG=FILE` appends a line `N OPERATION` for each operation, before it is done, so
//! that a sweep knows what it broke and where to stop. Operations of parallel tasks may change places
//! between two runs; the count does not skip any.

#[cfg(not(feature = "faults"))]
use std::io;

/// Announces one operation (such as `fsync`), before it is done.
///
/// The error is what the operation is to fail with; operations that stand for a moment after which
/// nothing can fail any more (such as a commit that is done) ignore it.
#[cfg(not(feature = "faults"))]
#[inline]
#[expect(clippy::unnecessary_wraps, reason = "as with `faults`")]
pub(crate) fn point(_operation: &'static str) -> io::Result<()> {
    Ok(())
}

#[cfg(feature = "faults")]
pub(crate) use armed::point;

#[cfg(feature = "faults")]
mod armed {
    use std::env;
    use std::fs::OpenOptions;
    use std::io::{self, Write as _};
    use std::path::PathBuf;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::io::Errno;
    use rustix::process::{Signal, getpid, kill_process};

    static OPERATIONS: AtomicU64 = AtomicU64::new(0);
    static PLAN: OnceLock<Result<Option<Plan>, String>> = OnceLock::new();

    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(super) enum Plan {
        Fail(u64, Errno),
        Kill(u64),
        Panic(u64),
        Full(u64, PathBuf),
    }

    impl Plan {
        pub(super) fn parse(text: &str) -> Option<Self> {
            let mut parts = text.split(':');
            let kind = parts.next()?;
            let at = parts.next()?.parse().ok()?;
            match (kind, parts.next(), parts.next()) {
                ("kill", None, None) => Some(Self::Kill(at)),
                ("panic", None, None) => Some(Self::Panic(at)),
                ("full", Some(file), None) => Some(Self::Full(at, file.into())),
                ("fail", error, None) => Some(Self::Fail(at, errno(error.unwrap_or("EIO"))?)),
                _ => None,
            }
        }
    }

    fn errno(name: &str) -> Option<Errno> {
        match name {
            "EIO" => Some(Errno::IO),
            "ENOSPC" => Some(Errno::NOSPC),
            "reset" => Some(Errno::CONNRESET),
            "timeout" => Some(Errno::TIMEDOUT),
            _ => None,
        }
    }

    /// The plan of the environment. One that cannot be read is an error of every operation: a test that
    /// breaks nothing by mistake would prove nothing.
    fn plan() -> io::Result<Option<Plan>> {
        let plan = PLAN.get_or_init(|| match env::var("TIKTOK_UP_FAULT") {
            Err(_) => Ok(None),
            Ok(text) => Plan::parse(&text).map(Some).ok_or(text),
        });
        plan.clone().map_err(|text| {
            io::Error::other(format!("TIKTOK_UP_FAULT=`{text}` is no plan for a fault"))
        })
    }

    /// As the one without the feature; this one fails.
    pub(crate) fn point(operation: &'static str) -> io::Result<()> {
        let number = OPERATIONS.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(path) = env::var_os("TIKTOK_UP_FAULT_LOG") {
            let mut file = OpenOptions::new().create(true).append(true).open(path)?;
            file.write_all(format!("{number} {operation}\n").as_bytes())?;
        }
        match plan()? {
            Some(Plan::Fail(at, errno)) if at == number => Err(errno.into()),
            Some(Plan::Kill(at)) if at == number => {
                kill_process(getpid(), Signal::KILL)?;
                loop {
                    std::thread::park();
                }
            }
            Some(Plan::Panic(at)) if at == number => {
                std::panic::panic_any(env::var("TIKTOK_CLIENT_SECRET"))
            }
            Some(Plan::Full(from, file))
                if from <= number && takes_room(operation) && file.exists() =>
            {
                Err(Errno::NOSPC.into())
            }
            _ => Ok(()),
        }
    }

    fn takes_room(operation: &str) -> bool {
        ["write", "fsync", "create", "commit"].iter().any(|word| operation.contains(word))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_plan_names_its_operation_and_its_error() {
            assert_eq!(Plan::parse("kill:7"), Some(Plan::Kill(7)));
            assert_eq!(Plan::parse("fail:2:EIO"), Some(Plan::Fail(2, Errno::IO)));
            assert_eq!(Plan::parse("fail:2"), Some(Plan::Fail(2, Errno::IO)));
            assert_eq!(Plan::parse("fail:9:reset"), Some(Plan::Fail(9, Errno::CONNRESET)));
            assert_eq!(Plan::parse("panic:3"), Some(Plan::Panic(3)));
            assert_eq!(Plan::parse("full:3:/flag"), Some(Plan::Full(3, "/flag".into())));
            assert_eq!(Plan::parse("full:3"), None);
            assert_eq!(Plan::parse("fail:2:EPERM"), None);
            assert_eq!(Plan::parse("fail:2:EIO:more"), None);
            assert_eq!(Plan::parse("kill:seven"), None);
        }
    }
}
