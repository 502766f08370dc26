//! SIGINT and SIGTERM: the first asks to stop at the next safe place, the second insists.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::exit::Exit;

/// Which signal came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Signal {
    /// The exit code of a run that it ended.
    pub fn exit(self) -> Exit {
        match self {
            Self::Interrupt => Exit::Interrupted,
            Self::Terminate => Exit::Terminated,
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    first: Option<Signal>,
    insists: bool,
}

/// Tells whether the run was asked to stop. Clones hear the same signals.
#[derive(Clone, Debug)]
pub struct Shutdown {
    heard: watch::Receiver<Heard>,
}

impl Shutdown {
    /// Starts to listen; needs a running tokio runtime.
    pub fn listen() -> io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let (tell, heard) = watch::channel(Heard::default());
        tokio::spawn(async move {
            loop {
                let signal = tokio::select! {
                    Some(()) = interrupt.recv() => Signal::Interrupt,
                    Some(()) = terminate.recv() => Signal::Terminate,
                    else => return,
                };
                tell.send_modify(|heard| {
                    heard.insists = heard.first.is_some();
                    heard.first.get_or_insert(signal);
                });
            }
        });
        Ok(Self { heard })
    }

    /// The signal that asked to stop, if one did.
    pub fn asked(&self) -> Option<Signal> {
        self.heard.borrow().first
    }

    /// Waits until a signal asks to stop.
    pub async fn requested(&self) -> Signal {
        self.until(|heard| heard.first).await
    }

    /// Waits until a second signal insists.
    pub async fn insisted(&self) -> Signal {
        self.until(|heard| heard.first.filter(|_| heard.insists)).await
    }

    async fn until(&self, ready: impl Fn(&Heard) -> Option<Signal>) -> Signal {
        let mut heard = self.heard.clone();
        loop {
            if let Some(signal) = ready(&heard.borrow_and_update()) {
                return signal;
            }
            if heard.changed().await.is_err() {
                // The listener ended with the runtime; no signal will come.
                std::future::pending::<()>().await;
            }
        }
    }
}
