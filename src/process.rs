//! What the process does for its secrets before it does anything else.

use std::io::{self, Write as _};
use std::panic::{self, PanicHookInfo};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Leaves no core dump behind, keeps other processes from looking in, and lets a panic tell where it
/// was but not what it held. A system that refuses one of these is not a reason to stop.
pub(crate) fn harden() {
    let limit = getrlimit(Resource::Core);
    _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: limit.maximum });
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
    panic::set_hook(Box::new(tell));
}

fn tell(panic: &PanicHookInfo<'_>) {
    // The payload may hold anything, a secret too, so it is not shown.
    let place = panic.location().map_or_else(String::new, |place| format!(" at {place}"));
    let text = format!(
        "error: internal error{place}\n\nhint: this is a fault of tiktok-up; please report it\n"
    );
    _ = io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn t19_no_core_is_dumped_and_nobody_looks_in() {
        use rustix::process::{DumpableBehavior, dumpable_behavior};
        let hook = panic::take_hook();
        harden();
        panic::set_hook(hook);
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
    }
}
