//! The loopback server that receives TikTok's answer to a login in the browser.
//!
//! [`classify()`](classify::classify) decides what a request means; this shell binds, limits, answers and hands
//! the one result over.

pub(crate) mod classify;
pub(crate) mod page;

mod refusal;
mod server;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use tiktok_open::callback::Denial;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

pub(crate) use classify::{Address, Grant};
pub(crate) use page::Page;

use super::event::length;
use crate::fault;
use crate::model::RedirectUri;
use crate::problem::{Coded, ErrorCode, Problem};
use crate::resources::Shortage;
use crate::secret::Secret;
use server::{Event, HEADER_READ, Shared, serve};

/// How long the browser has to fetch its last page after the callback that counted, or to take it once it
/// can be said.
const LAST_PAGE: Duration = Duration::from_secs(2);

/// A request that did not count but that the user may want to know about; told once per kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UnexpectedRequest {
    /// A callback whose state is not this login's.
    ForeignState,
    /// A callback that reports an error and does not belong to this login either, as far as one can
    /// tell: whether TikTok echoes the state with an error is documented nowhere.
    ErrorWithoutState,
    /// This login's callback, sent to another name of this machine.
    Elsewhere {
        /// That name, as the browser says it.
        host: String,
    },
}

/// How often a free port is looked for that both addresses of `localhost` have.
const FREE_PORTS: usize = 16;

/// Why no code came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallbackError {
    /// Another program listens on the port.
    #[error("port {port} of {host} is in use")]
    PortInUse {
        /// The port.
        port: u16,
        /// The address that it is in use of.
        host: &'static str,
    },
    /// The port cannot be listened on for another reason.
    #[error("failed to listen on port {port} of {host}")]
    Bind {
        /// The port.
        port: u16,
        /// The address.
        host: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The system has no room for the listener.
    #[error(transparent)]
    Shortage(Shortage),
    /// Nobody came in time.
    #[error("no answer came from TikTok within {}", length(*after))]
    Timeout {
        /// How long the wait was.
        after: Duration,
    },
    /// The user, or TikTok, refused.
    #[error("TikTok refused the login: {denial}")]
    Denied {
        /// In whose words.
        denial: Denial,
    },
    /// The server task is gone, which nothing but the end of the program should cause.
    #[error("the callback server stopped")]
    Stopped,
}

impl Coded for CallbackError {
    fn problem(&self) -> Problem {
        match self {
            Self::PortInUse { port, .. } => Problem::new(ErrorCode::PortInUse).with("port", port),
            Self::Bind { .. } => ErrorCode::CallbackPort.into(),
            Self::Shortage(shortage) => shortage.problem(),
            Self::Timeout { .. } => ErrorCode::LoginTimeout.into(),
            Self::Denied { denial } => Problem::new(match denial.error.as_str() {
                "access_denied" => ErrorCode::LoginDenied,
                "invalid_scope" => ErrorCode::LoginScope,
                "unauthorized_client" | "non_sandbox_target" => ErrorCode::LoginNoTarget,
                "server_error" | "temporarily_unavailable" => ErrorCode::LoginTrouble,
                _ => ErrorCode::LoginRefused,
            }),
            Self::Stopped => ErrorCode::CallbackStopped.into(),
        }
    }
}

/// A bound callback address. The very socket that was bound first is the one that serves, so that
/// nobody can slip in between.
#[derive(Debug)]
pub(crate) struct Callback {
    listeners: Vec<TcpListener>,
    address: Address,
    header_read: Duration,
    serving: Option<Serving>,
}

#[derive(Debug)]
struct Serving {
    tasks: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
    /// When the callback that counted came.
    ended: Option<Instant>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Callback {
    /// Listens where a redirect URI leads to, on a port; 0 takes a free one. That is 127.0.0.1 and nowhere
    /// else; a browser that is sent to `localhost` may try `::1` first, so that is taken, too, if the
    /// machine has it: nobody else may sit there.
    pub(crate) async fn bind(redirect: &RedirectUri, port: u16) -> Result<Self, CallbackError> {
        let (port, listeners) = if redirect.is_localhost() {
            Self::bind_both(port).await?
        } else {
            let (port, listener) = Self::bind_ip4(port).await?;
            (port, vec![listener])
        };
        let address = Address::new(redirect, port);
        Ok(Self { listeners, address, header_read: HEADER_READ, serving: None })
    }

    async fn bind_ip4(port: u16) -> Result<(u16, TcpListener), CallbackError> {
        let listener = match fault::point("callback: bind") {
            Ok(()) => TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await,
            Err(error) => Err(error),
        };
        listener
            .and_then(|listener| Ok((listener.local_addr()?.port(), listener)))
            .map_err(|error| not_bound(error, port, "127.0.0.1"))
    }

    async fn bind_both(port: u16) -> Result<(u16, Vec<TcpListener>), CallbackError> {
        let mut tries = 0;
        loop {
            let (bound, ip4) = Self::bind_ip4(port).await?;
            match TcpListener::bind((Ipv6Addr::LOCALHOST, bound)).await {
                Ok(ip6) => return Ok((bound, vec![ip4, ip6])),
                // Free here, but not there: another one.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    tries += 1;
                    if port != 0 || tries == FREE_PORTS {
                        return Err(CallbackError::PortInUse { port: bound, host: "::1" });
                    }
                }
                // A machine without IPv6, as a rule.
                Err(_) => return Ok((bound, vec![ip4])),
            }
        }
    }

    /// The port that it listens on, until it waits.
    #[cfg(test)]
    fn port(&self) -> u16 {
        self.listeners[0].local_addr().unwrap().port()
    }

    /// Where it waits.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Serves until the callback of `state` comes or `limit` has passed. Whatever else comes is
    /// answered and does not end the wait. A second call finds the server closed.
    pub(crate) async fn wait(
        &mut self,
        state: &Secret,
        limit: Duration,
        mut on_stray: impl FnMut(UnexpectedRequest) + Send,
    ) -> Result<Grant, CallbackError> {
        let listeners = std::mem::take(&mut self.listeners);
        if listeners.is_empty() {
            return Err(CallbackError::Stopped);
        }
        // Each kind of stray is sent once and the result once, so this never fills up.
        let (events, mut inbox) = mpsc::channel(8);
        let shared = Arc::new(Shared::new(state.clone(), self.address.clone(), events));
        let serve_on =
            |listener| tokio::spawn(serve(listener, Arc::clone(&shared), self.header_read));
        let tasks = listeners.into_iter().map(serve_on).collect();
        let serving = self.serving.insert(Serving { tasks, shared, ended: None });
        let deadline = Instant::now() + limit;
        loop {
            let came = match timeout_at(deadline, inbox.recv()).await {
                Ok(Some(Event::UnexpectedRequest(stray))) => {
                    on_stray(stray);
                    continue;
                }
                Ok(Some(Event::Granted(grant))) => Ok(grant),
                Ok(Some(Event::Denied(denial))) => Err(CallbackError::Denied { denial }),
                Ok(None) => return Err(CallbackError::Stopped),
                Err(_elapsed) => {
                    self.serving = None;
                    return Err(CallbackError::Timeout { after: limit });
                }
            };
            serving.ended = Some(Instant::now());
            return came;
        }
    }

    /// Says on the last page what came of the login, and stops listening once the browser has it. One that
    /// does not come for it is waited for no longer than two seconds after the callback.
    pub(crate) async fn close(mut self, page: Page) {
        let Some(serving) = self.serving.take() else { return };
        let Some(ended) = serving.ended else { return };
        serving.shared.finish(page);
        let limit = if serving.shared.has_readers() {
            LAST_PAGE
        } else {
            LAST_PAGE.saturating_sub(ended.elapsed())
        };
        let _ = timeout(limit, serving.shared.last_page_seen()).await;
    }
}

fn not_bound(source: io::Error, port: u16, host: &'static str) -> CallbackError {
    if source.kind() == io::ErrorKind::AddrInUse {
        return CallbackError::PortInUse { port, host };
    }
    match Shortage::in_error(&source) {
        Some(shortage) => CallbackError::Shortage(shortage),
        None => CallbackError::Bind { port, host, source },
    }
}

#[cfg(test)]
mod tests;
