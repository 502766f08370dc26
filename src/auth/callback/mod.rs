//! The loopback server that receives TikTok's answer to a login in the browser.
//!
//! [`classify()`](classify::classify) decides what a request means; this shell binds, limits, answers and hands
//! the one result over.

pub(crate) mod classify;
pub(crate) mod page;

mod refusal;
mod server;

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tiktok_open::callback::Denial;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

pub(crate) use classify::Grant;

use super::event::length;
use crate::fault;
use crate::problem::{Coded, ErrorCode, Problem};
use crate::resources::Shortage;
use crate::secret::Secret;
use classify::CALLBACK_PATH;
use server::{Event, HEADER_READ, Room, serve};

/// How long the browser has to fetch its last page after the callback that counted.
const LAST_PAGE: Duration = Duration::from_secs(2);

/// A request that did not count but that the user may want to know about; told once per kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnexpectedRequest {
    /// A callback whose state is not this login's.
    ForeignState,
    /// A callback that reports an error and does not belong to this login either, as far as one can
    /// tell: whether TikTok echoes the state with an error is documented nowhere.
    ErrorWithoutState,
}

/// Why no code came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallbackError {
    /// Another program listens on the port.
    #[error("port {port} of 127.0.0.1 is in use")]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// The port cannot be listened on for another reason.
    #[error("failed to listen on port {port} of 127.0.0.1")]
    Bind {
        /// The port.
        port: u16,
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
            Self::PortInUse { port } => Problem::new(ErrorCode::PortInUse).with("port", port),
            Self::Bind { .. } => ErrorCode::CallbackPort.into(),
            Self::Shortage(shortage) => shortage.problem(),
            Self::Timeout { .. } => ErrorCode::LoginTimeout.into(),
            Self::Denied { denial } => Problem::new(match denial.error.as_str() {
                "access_denied" => ErrorCode::LoginDenied,
                "invalid_scope" => ErrorCode::LoginScope,
                "unauthorized_client" => ErrorCode::LoginNoTarget,
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
    listener: Option<TcpListener>,
    port: u16,
    header_read: Duration,
    serving: Option<Serving>,
}

#[derive(Debug)]
struct Serving {
    task: JoinHandle<()>,
    room: Arc<Room>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Callback {
    /// Listens on a port of 127.0.0.1, and nowhere else; 0 takes a free one.
    pub(crate) async fn bind(port: u16) -> Result<Self, CallbackError> {
        let listener = match fault::point("callback: bind") {
            Ok(()) => TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await,
            Err(error) => Err(error),
        };
        let bound = listener.and_then(|listener| Ok((listener.local_addr()?.port(), listener)));
        match bound {
            Ok((port, listener)) => {
                let listener = Some(listener);
                Ok(Self { listener, port, header_read: HEADER_READ, serving: None })
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                Err(CallbackError::PortInUse { port })
            }
            Err(source) => Err(match Shortage::in_error(&source) {
                Some(shortage) => CallbackError::Shortage(shortage),
                None => CallbackError::Bind { port, source },
            }),
        }
    }

    /// The port that it listens on.
    #[cfg(test)]
    fn port(&self) -> u16 {
        self.port
    }

    /// The redirect URI, for the authorize URL and, byte for byte the same, for the exchange.
    pub(crate) fn redirect_uri(&self) -> String {
        redirect_uri(self.port)
    }

    /// Serves until the callback of `state` comes or `limit` has passed. Whatever else comes is
    /// answered and does not end the wait. A second call finds the server closed.
    pub(crate) async fn wait(
        &mut self,
        state: &Secret,
        limit: Duration,
        mut on_stray: impl FnMut(UnexpectedRequest) + Send,
    ) -> Result<Grant, CallbackError> {
        let listener = self.listener.take().ok_or(CallbackError::Stopped)?;
        // Each kind of stray is sent once and the result once, so this never fills up.
        let (events, mut inbox) = mpsc::channel(4);
        let room = Arc::new(Room::new(state.clone(), self.port, events));
        let task = tokio::spawn(serve(listener, Arc::clone(&room), self.header_read));
        self.serving = Some(Serving { task, room });
        let deadline = Instant::now() + limit;
        loop {
            match timeout_at(deadline, inbox.recv()).await {
                Ok(Some(Event::UnexpectedRequest(stray))) => on_stray(stray),
                Ok(Some(Event::Granted(grant))) => return Ok(grant),
                Ok(Some(Event::Denied(denial))) => return Err(CallbackError::Denied { denial }),
                Ok(None) => return Err(CallbackError::Stopped),
                Err(_elapsed) => {
                    self.serving = None;
                    return Err(CallbackError::Timeout { after: limit });
                }
            }
        }
    }

    /// Stops listening, after the browser has had its last page or two seconds to fetch it.
    pub(crate) async fn close(mut self) {
        if let Some(serving) = self.serving.take() {
            let _ = timeout(LAST_PAGE, serving.room.last_page_seen()).await;
        }
    }
}

/// The redirect URI of a port, trailing slash included.
pub(crate) fn redirect_uri(port: u16) -> String {
    format!("http://127.0.0.1:{port}{CALLBACK_PATH}")
}

#[cfg(test)]
mod tests;
