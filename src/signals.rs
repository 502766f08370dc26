//! Signals: whatever would end the process asks it to stop at the next safe place, and insists when it
//! comes again; SIGUSR1 asks where the run stands.
//!
//! A signal that the process was started with ignored (`nohup`, `trap '' HUP`) stays ignored. SIGXFSZ is
//! caught and no more, from the first moment on: the write over the limit then fails as on a full disk, which
//! is an error like others. SIGPIPE is ignored, as the standard library has it, and a closed pipe an error of
//! its write.

use std::io;
use std::task::Poll;
use std::time::Duration;

use tokio::signal::unix::{self, SignalKind};
use tokio::sync::watch;

use crate::exit::Exit;
use crate::sys;

/// A signal that asks the run to stop, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signal(i32);

impl Signal {
    /// SIGINT, Ctrl-C.
    pub(crate) const INTERRUPT: Self = Self(libc::SIGINT);

    /// None of the system's: the time that the run was given is over.
    pub(crate) const TIME_UP: Self = Self(0);

    /// The exit code of a run that it ended: 128 and its number. What is left when the time is over the next
    /// run goes on with.
    pub(crate) fn exit(self) -> Exit {
        if self == Self::TIME_UP {
            return Exit::Temporary;
        }
        Exit::Signal(u8::try_from(self.0).unwrap_or_default())
    }
}

/// Every signal that ends a process unless it is caught, but those of a fault of the program itself
/// (SIGSEGV, SIGABRT …).
fn ending() -> Vec<i32> {
    let mut ending = vec![
        libc::SIGINT,
        libc::SIGTERM,
        libc::SIGHUP,
        libc::SIGQUIT,
        libc::SIGALRM,
        libc::SIGVTALRM,
        libc::SIGPROF,
        libc::SIGUSR2,
        libc::SIGXCPU,
    ];
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        // The other systems do not have these, or ignore them.
        ending.extend([libc::SIGIO, libc::SIGPWR]);
        #[cfg(not(any(target_arch = "mips", target_arch = "mips64", target_arch = "sparc64")))]
        ending.push(libc::SIGSTKFLT);
        ending.extend(libc::SIGRTMIN()..=libc::SIGRTMAX());
    }
    ending
}

/// The signals that ask where the run stands.
const ASKING: &[i32] = &[
    libc::SIGUSR1,
    // Ctrl-T.
    #[cfg(any(
        target_os = "macos",
        target_os = "ios",
        target_os = "freebsd",
        target_os = "netbsd",
        target_os = "openbsd",
        target_os = "dragonfly"
    ))]
    libc::SIGINFO,
];

#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    first: Option<Signal>,
    insists: bool,
    /// How often somebody asked where the run stands.
    questions: u64,
    /// Whether SIGHUP asks to look again rather than to stop, as services have it.
    is_service: bool,
    /// How often it came then.
    hangups: u64,
}

impl Heard {
    fn note(&mut self, number: i32) {
        if ASKING.contains(&number) {
            self.questions += 1;
        } else if self.is_service && number == libc::SIGHUP {
            self.hangups += 1;
        } else if self.first.is_none_or(|first| first == Signal::TIME_UP) {
            self.first = Some(Signal(number));
        } else if ![libc::SIGXCPU, libc::SIGHUP].contains(&number) {
            // The first comes again with every further second, and a terminal that goes away says so
            // several times and after other signals: nobody insists by these.
            self.insists = true;
        }
    }
}

/// Asks a part of a run to stop.
#[derive(Clone, Debug)]
pub(crate) struct StopPart(watch::Sender<Heard>);

impl StopPart {
    /// Asks it to stop at the next safe place.
    pub(crate) fn ask(&self) {
        self.0.send_modify(|heard| heard.first = heard.first.or(Some(Signal::TIME_UP)));
    }
}

/// Tells whether the run was asked to stop. Clones hear the same signals.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown {
    heard: watch::Receiver<Heard>,
    /// What the process hears, if this is of a part of it.
    whole: Option<watch::Receiver<Heard>>,
}

impl Shutdown {
    /// Starts to listen; needs a running tokio runtime.
    #[cfg(test)]
    pub(crate) fn listen() -> io::Result<Self> {
        Self::listen_for(false, None)
    }

    /// The same. `is_service`: SIGHUP does not stop it. After `limit` it is asked to stop as by a signal.
    pub(crate) fn listen_for(is_service: bool, limit: Option<Duration>) -> io::Result<Self> {
        let mut streams = Vec::new();
        let wanted = ending().into_iter().chain(ASKING.iter().copied()).chain([libc::SIGXFSZ]);
        for number in wanted.filter(|number| !sys::is_ignored(*number)) {
            streams.push((number, unix::signal(SignalKind::from_raw(number))?));
        }
        let (tell, heard) = watch::channel(Heard { is_service, ..Heard::default() });
        if let Some(limit) = limit {
            let tell = tell.clone();
            tokio::spawn(async move {
                tokio::time::sleep(limit).await;
                tell.send_modify(|heard| heard.first = heard.first.or(Some(Signal::TIME_UP)));
            });
        }
        tokio::spawn(async move {
            loop {
                let came = std::future::poll_fn(|context| {
                    for (number, stream) in &mut streams {
                        if stream.poll_recv(context).is_ready() {
                            return Poll::Ready(*number);
                        }
                    }
                    Poll::Pending
                });
                let number = came.await;
                if number != libc::SIGXFSZ {
                    tell.send_modify(|heard| heard.note(number));
                }
            }
        });
        Ok(Self { heard, whole: None })
    }

    /// The same for a part of the run, which can be asked to stop by itself, as by `--max-runtime`.
    pub(crate) fn of_part(&self) -> (Self, StopPart) {
        let (tell, heard) = watch::channel(*self.heard.borrow());
        let (own, mut whole) = (tell.clone(), self.heard.clone());
        let ends_all = Some(self.whole.clone().unwrap_or_else(|| whole.clone()));
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = own.closed() => return,
                    changed = whole.changed() => if changed.is_err() { return },
                }
                let now = *whole.borrow_and_update();
                own.send_modify(|heard| *heard = Heard { first: now.first.or(heard.first), ..now });
            }
        });
        (Self { heard, whole: ends_all }, StopPart(tell))
    }

    /// What a run hears that a signal has asked to stop.
    #[cfg(test)]
    pub(crate) fn asked_by(signal: Signal) -> Self {
        let heard = Heard { first: Some(signal), ..Heard::default() };
        Self { heard: watch::channel(heard).1, whole: None }
    }

    /// The signal that asked to stop, if one did.
    pub(crate) fn asked(&self) -> Option<Signal> {
        self.heard.borrow().first
    }

    /// Whether all of the process was asked to stop, and not a part of it alone.
    pub(crate) fn ends_all(&self) -> bool {
        self.whole.as_ref().unwrap_or(&self.heard).borrow().first.is_some()
    }

    /// The first signal, once a second one has insisted.
    pub(crate) fn has_insisted(&self) -> Option<Signal> {
        let heard = self.heard.borrow();
        heard.first.filter(|_| heard.insists)
    }

    /// Waits until a signal asks to stop.
    pub(crate) async fn requested(&self) -> Signal {
        self.until(|heard| heard.first).await
    }

    /// Waits until a second signal insists.
    pub(crate) async fn insisted(&self) -> Signal {
        self.until(|heard| heard.first.filter(|_| heard.insists)).await
    }

    /// Waits until somebody asks where the run stands for more than the `answered`th time; how often it
    /// was asked by then.
    pub(crate) async fn questioned(&self, answered: u64) -> u64 {
        self.until(|heard| Some(heard.questions).filter(|asked| *asked > answered)).await
    }

    /// Waits until SIGHUP comes to a service for more than the `known`th time; how often it came by then.
    pub(crate) async fn hung_up(&self, known: u64) -> u64 {
        self.until(|heard| Some(heard.hangups).filter(|hangups| *hangups > known)).await
    }

    async fn until<T>(&self, ready: impl Fn(&Heard) -> Option<T>) -> T {
        let mut heard = self.heard.clone();
        loop {
            if let Some(ready) = ready(&heard.borrow_and_update()) {
                return ready;
            }
            if heard.changed().await.is_err() {
                // The listener ended with the runtime; no signal will come.
                std::future::pending::<()>().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_signal_decides_and_any_second_one_insists() {
        let mut heard = Heard::default();
        heard.note(libc::SIGUSR1);
        assert_eq!((heard.first, heard.questions), (None, 1));
        heard.note(libc::SIGHUP);
        heard.note(libc::SIGHUP);
        heard.note(libc::SIGUSR1);
        assert!(!heard.insists);
        heard.note(libc::SIGTERM);
        assert!(heard.insists);
        assert_eq!(heard.first.map(|signal| signal.exit().code()), Some(129));
    }

    #[tokio::test]
    async fn a_part_stops_by_itself_or_with_the_whole() {
        let (tell, heard) = watch::channel(Heard::default());
        let whole = Shutdown { heard, whole: None };
        let (one, stop) = whole.of_part();
        let (other, _stop) = whole.of_part();
        assert_eq!(one.asked(), None);
        stop.ask();
        assert_eq!(one.requested().await, Signal::TIME_UP);
        assert_eq!((other.asked(), whole.asked()), (None, None));
        assert!(!one.ends_all() && !whole.ends_all());
        tell.send_modify(|heard| heard.note(libc::SIGTERM));
        assert_eq!(other.requested().await, Signal(libc::SIGTERM));
        assert!(one.ends_all() && other.of_part().0.ends_all() && whole.ends_all());
        tell.send_modify(|heard| heard.note(libc::SIGTERM));
        assert_eq!(one.insisted().await, Signal(libc::SIGTERM));
    }

    #[test]
    fn the_seconds_of_a_cpu_limit_do_not_insist() {
        let mut heard = Heard::default();
        heard.note(libc::SIGXCPU);
        heard.note(libc::SIGXCPU);
        assert!(heard.first.is_some() && !heard.insists);
    }

    /// What each signal does by default is in the system's table, not in ours.
    #[test]
    #[cfg(target_os = "linux")]
    fn every_signal_is_listened_to_or_left_alone_for_a_reason() {
        let faults = [
            libc::SIGILL,
            libc::SIGTRAP,
            libc::SIGABRT,
            libc::SIGBUS,
            libc::SIGFPE,
            libc::SIGSEGV,
            libc::SIGSYS,
        ];
        // They end nothing, cannot be caught, or are dealt with elsewhere.
        let others = [
            libc::SIGKILL,
            libc::SIGPIPE,
            libc::SIGCHLD,
            libc::SIGCONT,
            libc::SIGSTOP,
            libc::SIGTSTP,
            libc::SIGTTIN,
            libc::SIGTTOU,
            libc::SIGURG,
            libc::SIGXFSZ,
            libc::SIGWINCH,
        ];
        let ending = ending();
        for number in 1..32 {
            let left_alone = faults.contains(&number) || others.contains(&number);
            let heard = ending.contains(&number) || ASKING.contains(&number);
            assert!(heard != left_alone, "{number}");
        }
    }
}
