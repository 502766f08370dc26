//! What a service manager is told, by the protocol of `sd_notify`:
//! <https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>.

use std::env;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The service manager that has started this process, if one did and listens.
#[derive(Debug)]
pub(super) struct Manager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// How often it wants to hear that this process lives.
    pub(super) watchdog: Option<Duration>,
}

impl Manager {
    /// By `NOTIFY_SOCKET` and `WATCHDOG_USEC`.
    pub(super) fn of_this_process() -> Self {
        let socket = env::var("NOTIFY_SOCKET").ok().and_then(|name| {
            let address = address(&name)?;
            Some((UnixDatagram::unbound().ok()?, address))
        });
        let is_ours =
            env::var("WATCHDOG_PID").map_or(true, |pid| pid == std::process::id().to_string());
        let watchdog = env::var("WATCHDOG_USEC").ok().filter(|_| is_ours);
        let watchdog = watchdog.and_then(|text| text.parse().ok()).map(Duration::from_micros);
        Self { socket, watchdog: watchdog.filter(|limit| !limit.is_zero()) }
    }

    /// Rounds begin.
    pub(super) fn ready(&self) {
        self.tell("READY=1");
    }

    /// Where it stands, in a line.
    pub(super) fn status(&self, words: &str) {
        self.tell(&format!("STATUS={}", words.replace('\n', " ")));
    }

    /// This process lives.
    pub(super) fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    /// It is about to end.
    pub(super) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// A manager that does not listen any more is no trouble of ours.
    fn tell(&self, what: &str) {
        if let Some((socket, address)) = &self.socket {
            _ = socket.send_to_addr(what.as_bytes(), address);
        }
    }
}

/// A path, or with an `@` in front a name that is no file.
fn address(name: &str) -> Option<SocketAddr> {
    match name.strip_prefix('@') {
        None => SocketAddr::from_pathname(name).ok(),
        #[cfg(any(target_os = "linux", target_os = "android"))]
        Some(name) => {
            #[cfg(target_os = "android")]
            use std::os::android::net::SocketAddrExt as _;
            #[cfg(target_os = "linux")]
            use std::os::linux::net::SocketAddrExt as _;
            SocketAddr::from_abstract_name(name).ok()
        }
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        Some(_) => None,
    }
}
