//! A terminal that shows nothing of what is typed.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::process::Signal;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};

/// Hides what is typed for as long as it lives.
pub(super) struct Hidden {
    terminal: OwnedFd,
    before: Termios,
    during: Termios,
    /// The process goes on after it was stopped.
    continued: Option<tokio::signal::unix::Signal>,
}

impl Hidden {
    /// Begins to hide; `when` says what becomes of that which was typed before. An error if this is no
    /// terminal.
    pub(super) fn begin(terminal: impl AsFd, when: OptionalActions) -> io::Result<Self> {
        let terminal = terminal.as_fd().try_clone_to_owned()?;
        let before = tcgetattr(&terminal)?;
        let mut during = before.clone();
        during.local_modes.remove(LocalModes::ECHO);
        // The line break is shown, or the next output would stand behind the question.
        during.local_modes.insert(LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        // Heard before it hides, or a process that goes on in between would show what is typed.
        let continued = signal(SignalKind::from_raw(Signal::CONT.as_raw())).ok();
        tcsetattr(&terminal, when, &during)?;
        Ok(Self { terminal, before, during, continued })
    }

    /// Hides again whenever the process goes on after it was stopped (Ctrl-Z, `fg`), as the shell may have
    /// made the terminal show what is typed. Never ends.
    pub(super) async fn keep(&mut self) -> Infallible {
        while let Some(continued) = &mut self.continued
            && continued.recv().await.is_some()
        {
            _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.during);
        }
        pending().await
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}
