//! Numbered points at which a rehearsal can break the program.
//!
//! Every durable or irreversible operation passes [`point`] first. Without the cargo feature
//! `faults`, and so in every release, it does nothing.

#[cfg(not(feature = "faults"))]
use std::io;

/// Announces one operation (such as `fsync`), before it is done.
///
/// With the feature `faults` the operations of this process are counted from 1, and the environment
/// decides what happens at the n-th: `TIKTOK_UP_FAULT=fail:N:ENOSPC` or `fail:N:EIO` makes it fail,
/// `kill:N` ends the process there as SIGKILL does. `TIKTOK_UP_FAULT_COUNT=FILE` appends a line
/// `N OPERATION` per operation, so that a sweep knows where to stop.
#[cfg(not(feature = "faults"))]
#[inline]
pub fn point(_operation: &'static str) -> io::Result<()> {
    Ok(())
}

#[cfg(feature = "faults")]
pub use armed::point;

#[cfg(feature = "faults")]
mod armed {
    use std::env;
    use std::fs::OpenOptions;
    use std::io::{self, Write as _};
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::io::Errno;
    use rustix::process::{Signal, getpid, kill_process};

    static OPERATIONS: AtomicU64 = AtomicU64::new(0);
    static PLAN: OnceLock<Option<Plan>> = OnceLock::new();

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) enum Plan {
        Fail(u64, Errno),
        Kill(u64),
    }

    impl Plan {
        pub(super) fn parse(text: &str) -> Option<Self> {
            let mut parts = text.split(':');
            let kind = parts.next()?;
            let at = parts.next()?.parse().ok()?;
            match (kind, parts.next(), parts.next()) {
                ("kill", None, None) => Some(Self::Kill(at)),
                ("fail", Some("ENOSPC"), None) => Some(Self::Fail(at, Errno::NOSPC)),
                ("fail", Some("EIO"), None) => Some(Self::Fail(at, Errno::IO)),
                _ => None,
            }
        }
    }

    /// See the inert twin above.
    pub fn point(operation: &'static str) -> io::Result<()> {
        let number = OPERATIONS.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(path) = env::var_os("TIKTOK_UP_FAULT_COUNT") {
            let mut file = OpenOptions::new().create(true).append(true).open(path)?;
            file.write_all(format!("{number} {operation}\n").as_bytes())?;
        }
        let plan = PLAN.get_or_init(|| {
            let text = env::var("TIKTOK_UP_FAULT").ok()?;
            Plan::parse(&text)
        });
        match *plan {
            Some(Plan::Fail(at, errno)) if at == number => Err(errno.into()),
            Some(Plan::Kill(at)) if at == number => {
                kill_process(getpid(), Signal::KILL)?;
                loop {
                    std::thread::park();
                }
            }
            _ => Ok(()),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_plan_names_its_operation_and_its_error() {
            assert_eq!(Plan::parse("kill:7"), Some(Plan::Kill(7)));
            assert_eq!(Plan::parse("fail:2:EIO"), Some(Plan::Fail(2, Errno::IO)));
            assert_eq!(Plan::parse("fail:2:EPERM"), None);
            assert_eq!(Plan::parse("kill:seven"), None);
        }
    }
}
