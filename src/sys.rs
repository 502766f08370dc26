//! What neither the standard library nor `rustix` asks of the system. The only unsafe code of this
//! program, each block one call with plain arguments.
#![expect(unsafe_code, reason = "no safe wrapper of these calls is kept well")]

use std::fs::File;

/// Whether somebody has a file open for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writers {
    /// Nobody has, at this moment.
    None,
    /// Somebody has.
    Some,
    /// It cannot be told: another system, a network file system, a file of another user.
    Unknown,
}

/// Asks whether a file, open for reading alone here, is open for writing anywhere on this machine.
///
/// A read lease is granted only while nobody writes; it is given back at once
/// (<https://man7.org/linux/man-pages/man2/F_GETLEASE.2const.html>).
#[cfg(target_os = "linux")]
pub(crate) fn writers(file: &File) -> Writers {
    use std::os::fd::AsRawFd as _;

    /// Chooses the signal that tells of a broken lease; not in every version of `libc`.
    const F_SETSIG: libc::c_int = 10;

    let set = |command: libc::c_int, value: libc::c_int| {
        // SAFETY: the descriptor is open for as long as `file` is borrowed, and neither command
        // touches memory of ours.
        unsafe { libc::fcntl(file.as_raw_fd(), command, value) }
    };
    // Somebody may begin to write in the moment between the two calls below. The default signal for
    // that, SIGIO, ends a process; SIGURG is ignored.
    if set(F_SETSIG, libc::SIGURG) != 0 {
        return Writers::Unknown;
    }
    if set(libc::F_SETLEASE, libc::F_RDLCK) == 0 {
        // Closing the file ends a lease as well, so a failure here costs nothing.
        let _ = set(libc::F_SETLEASE, libc::F_UNLCK);
        return Writers::None;
    }
    match std::io::Error::last_os_error().raw_os_error() {
        Some(libc::EAGAIN) => Writers::Some,
        _ => Writers::Unknown,
    }
}

/// Other systems have no leases.
#[cfg(not(target_os = "linux"))]
pub(crate) fn writers(_file: &File) -> Writers {
    Writers::Unknown
}

/// Whether this process was started with a signal ignored, as `nohup` does with SIGHUP. To be asked
/// before anybody listens to the signal.
pub(crate) fn is_ignored(signal: i32) -> bool {
    // SAFETY: all bits zero is a valid `sigaction`.
    let mut found: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: without a new action the call only writes the present one into `found`.
    let asked = unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut found) };
    asked == 0 && found.sa_sigaction == libc::SIG_IGN
}

/// Makes a signal that would end this process do nothing, as far as it has not been told to ignore it.
/// Programs that it starts do not inherit that.
pub(crate) fn survive(signal: i32) {
    extern "C" fn nothing(_: libc::c_int) {}

    if is_ignored(signal) {
        return;
    }
    // SAFETY: all bits zero is a valid `sigaction`.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = nothing as extern "C" fn(libc::c_int) as libc::sighandler_t;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the call only reads `action`, and a handler that does nothing may come at any time.
    let _ = unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) };
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_file_is_being_written_while_somebody_has_it_open_for_writing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("recording");
        let writer = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        let reader = File::open(&path).unwrap();
        assert_eq!(writers(&reader), Writers::Some);
        drop(writer);
        assert_eq!(writers(&reader), Writers::None);
        // The question leaves nothing behind that would make a writer wait.
        OpenOptions::new().append(true).open(&path).unwrap();
        assert_eq!(writers(&reader), Writers::None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_writer_that_comes_while_it_is_asked_ends_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("recording");
        std::fs::write(&path, "x").unwrap();
        let writer = {
            let path = path.clone();
            std::thread::spawn(move || {
                for _ in 0..2000 {
                    OpenOptions::new().append(true).open(&path).unwrap();
                }
            })
        };
        let reader = File::open(&path).unwrap();
        while !writer.is_finished() {
            assert_ne!(writers(&reader), Writers::Unknown);
        }
        writer.join().unwrap();
        assert_eq!(writers(&reader), Writers::None);
    }

    #[test]
    fn a_signal_that_nobody_ignores_is_not_ignored() {
        // The standard library ignores SIGPIPE for every program.
        assert!(is_ignored(libc::SIGPIPE));
        assert!(!is_ignored(libc::SIGUSR2));
    }
}
