//! The server behind the callback address: small limits, fixed answers, one result.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, HeaderValue, LOCATION};
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tiktok_open::callback::Denial;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::UnexpectedRequest;
use super::classify::{
    DENIED_PATH, DONE_PATH, Grant, Ignored, Landing, Request, Verdict, classify,
};
use super::page::{Page, headers};
use super::refusal::Guarded;
use crate::secret::Secret;

/// How long a client may take to send its request.
pub(super) const HEADER_READ: Duration = Duration::from_secs(5);

/// How long a connection may last in all.
const CONNECTION: Duration = Duration::from_secs(10);

/// The longest request head in bytes.
const REQUEST_LIMIT: usize = 8 * 1024;

/// How many connections there are at once. One more, and the oldest is closed: a browser sends its
/// request at once, so the old ones are those that only sit there.
const CONNECTIONS: usize = 16;

/// What the server tells those who wait.
#[derive(Debug)]
pub(super) enum Event {
    Granted(Grant),
    Denied(Denial),
    UnexpectedRequest(UnexpectedRequest),
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Room {
    state: Secret,
    port: u16,
    progress: Mutex<Progress>,
    events: mpsc::Sender<Event>,
    last_page: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Progress {
    /// Where the browser is sent once the result is in; the first result stays.
    ended: Option<Landing>,
    foreign_told: bool,
    error_told: bool,
}

impl Room {
    pub(super) fn new(state: Secret, port: u16, events: mpsc::Sender<Event>) -> Self {
        let (last_page, _) = watch::channel(false);
        Self { state, port, progress: Mutex::default(), events, last_page }
    }

    /// Ends when a browser has been sent its last page.
    pub(super) async fn last_page_seen(&self) {
        // The sender lives as long as this does, so the wait ends only when it was seen.
        let _ = self.last_page.subscribe().wait_for(|seen| *seen).await;
    }

    /// Turns a verdict into an answer and, the first time, into an event.
    fn answer(&self, verdict: Verdict) -> Answer {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        match verdict {
            Verdict::Granted(grant) => {
                self.end(&mut progress, Landing::Done, Event::Granted(grant))
            }
            Verdict::Denied(denial) => {
                self.end(&mut progress, Landing::Denied, Event::Denied(denial))
            }
            Verdict::Landing(landing) if progress.ended == Some(landing) => Answer::Last(landing),
            Verdict::Landing(_) => Answer::Ignored(Ignored::Path),
            Verdict::Ignored(reason) => {
                let (told, stray) = match reason {
                    Ignored::ForeignState => {
                        (&mut progress.foreign_told, UnexpectedRequest::ForeignState)
                    }
                    Ignored::ErrorWithoutState => {
                        (&mut progress.error_told, UnexpectedRequest::ErrorWithoutState)
                    }
                    _ => return Answer::Ignored(reason),
                };
                if !std::mem::replace(told, true) {
                    self.report(Event::UnexpectedRequest(stray));
                }
                Answer::Ignored(reason)
            }
        }
    }

    fn end(&self, progress: &mut Progress, landing: Landing, event: Event) -> Answer {
        if progress.ended.is_none() {
            progress.ended = Some(landing);
            self.report(event);
        }
        Answer::Redirect(progress.ended.unwrap_or(landing))
    }

    fn report(&self, event: Event) {
        // It fails only when nobody waits any longer.
        let _ = self.events.try_send(event);
    }
}

enum Answer {
    Redirect(Landing),
    Last(Landing),
    Ignored(Ignored),
}

impl Answer {
    fn response(&self) -> Response<Full<Bytes>> {
        let (status, body) = match self {
            Self::Redirect(_) => (StatusCode::SEE_OTHER, Bytes::new()),
            Self::Last(Landing::Done) => (StatusCode::OK, Page::Done.html()),
            Self::Last(Landing::Denied) => (StatusCode::OK, Page::Denied.html()),
            Self::Ignored(Ignored::Prefetch) => (Ignored::Prefetch.status(), Bytes::new()),
            Self::Ignored(reason) => (reason.status(), Page::NotHere.html()),
        };
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        *response.headers_mut() = headers();
        if let Self::Redirect(landing) = self {
            let path = match landing {
                Landing::Done => DONE_PATH,
                Landing::Denied => DENIED_PATH,
            };
            response.headers_mut().insert(LOCATION, HeaderValue::from_static(path));
        }
        if matches!(self, Self::Ignored(Ignored::Method)) {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
        }
        response
    }
}

/// Accepts until it is aborted; the connections end with it.
pub(super) async fn serve(listener: TcpListener, room: Arc<Room>, header_read: Duration) {
    let mut connections = JoinSet::new();
    let mut oldest_first: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let Ok((stream, _peer)) = listener.accept().await else {
            // Out of descriptors, as a rule; it passes when connections close.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        oldest_first.retain(|connection| !connection.is_finished());
        if oldest_first.len() >= CONNECTIONS
            && let Some(oldest) = oldest_first.pop_front()
        {
            oldest.abort();
        }
        oldest_first.push_back(connections.spawn(connection(
            stream,
            Arc::clone(&room),
            header_read,
        )));
    }
}

/// One request and its answer.
async fn connection(stream: TcpStream, room: Arc<Room>, header_read: Duration) {
    let was_last = Mutex::new(false);
    let asked = Arc::new(AtomicBool::new(false));
    let stream = Guarded::new(stream, Arc::clone(&asked));
    let service = service_fn(|request: http::Request<Incoming>| {
        asked.store(true, Ordering::Release);
        let (parts, _body) = request.into_parts();
        let answer = room.answer(classify(&Request::of(&parts), &room.state, room.port));
        if matches!(answer, Answer::Last(_)) {
            *was_last.lock().unwrap_or_else(PoisonError::into_inner) = true;
        }
        let response = answer.response();
        async move { Ok::<_, Infallible>(response) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_read)
        .max_buf_size(REQUEST_LIMIT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // What a client does to its own connection is not our trouble.
    let _ = timeout(CONNECTION, served).await;
    if was_last.into_inner().unwrap_or_else(PoisonError::into_inner) {
        room.last_page.send_replace(true);
    }
}
