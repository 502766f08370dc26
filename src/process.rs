//! What the process does for its secrets before it does anything else, and what it knows of others.

use std::ffi::OsString;
use std::process::Command;

use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, setrlimit, test_kill_process};

/// Where environment variables are looked up.
pub(crate) type Environment<'a> = dyn Fn(&str) -> Option<OsString> + Send + Sync + 'a;

/// The environment variables that no child process is given.
const SECRET_VARS: [&str; 5] = [
    "PGPASSWORD",
    "TIKTOK_CLIENT_KEY",
    "TIKTOK_CLIENT_SECRET",
    "TIKTOK_UP_DATABASE_URL",
    "TIKTOK_UP_PASSPHRASE",
];

/// Takes our secrets out of a child's environment. Every child goes through here, the browser
/// included.
pub(crate) fn without_secrets(command: &mut Command) -> &mut Command {
    for name in SECRET_VARS {
        command.env_remove(name);
    }
    command
}

/// Leaves no core dump behind, and keeps other processes from looking in. A system that refuses one of
/// these is not a reason to stop.
pub(crate) fn harden() {
    let limit = getrlimit(Resource::Core);
    _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: limit.maximum });
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Whether no process has that number any more.
pub(crate) fn is_gone(number: i32) -> bool {
    let process = Pid::from_raw(number);
    process.is_some_and(|process| test_kill_process(process) == Err(Errno::SRCH))
}

/// Lets the process hold so many more files open at once, as far as the system permits.
pub(crate) fn allow_descriptors(more: u64) {
    let limit = getrlimit(Resource::Nofile);
    // Some for what is open already, and for what follows.
    let wanted = more.saturating_add(256);
    if limit.current.is_some_and(|current| current < wanted) {
        let current = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
        // If that is refused, whoever opens the file that is one too many says so.
        _ = setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum: limit.maximum });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t17_a_child_does_not_inherit_our_secrets() {
        let mut command = Command::new("env");
        command.env("OTHER", "kept").envs(SECRET_VARS.map(|name| (name, "canary")));
        let output = without_secrets(&mut command).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(printed.contains("OTHER=kept") && !printed.contains("canary"), "{printed}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn t19_no_core_is_dumped_and_nobody_looks_in() {
        use rustix::process::{DumpableBehavior, dumpable_behavior};
        harden();
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
    }
}
