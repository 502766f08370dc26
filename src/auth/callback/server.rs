//! The server behind the callback address: small limits, fixed answers, one result.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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
use super::classify::{Address, Grant, Ignored, Landing, Request, Verdict, classify};
use super::page::{Page, headers};
use super::refusal::Guarded;
use crate::secret::Secret;

/// How long a client may take to send its request.
pub(super) const HEADER_READ: Duration = Duration::from_secs(5);

/// How long a connection may last in all, unless it waits for what comes of the login.
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
pub(super) struct Shared {
    state: Secret,
    address: Address,
    progress: Mutex<Progress>,
    events: mpsc::Sender<Event>,
    /// What the last page says, once that is known.
    last_page: watch::Sender<Option<Page>>,
    last_page_sent: watch::Sender<bool>,
    /// Browsers that wait for it.
    readers: AtomicUsize,
}

#[derive(Debug, Default)]
struct Progress {
    /// Where the browser is sent once the result is in; the first result stays.
    ended: Option<Landing>,
    foreign_told: bool,
    error_told: bool,
    elsewhere_told: bool,
}

impl Shared {
    pub(super) fn new(state: Secret, address: Address, events: mpsc::Sender<Event>) -> Self {
        Self {
            state,
            address,
            progress: Mutex::default(),
            events,
            last_page: watch::Sender::new(None),
            last_page_sent: watch::Sender::new(false),
            readers: AtomicUsize::new(0),
        }
    }

    /// Sets what the last page says; the first word stays.
    pub(super) fn finish(&self, page: Page) {
        self.last_page.send_if_modified(|said| {
            let first = said.is_none();
            said.get_or_insert(page);
            first
        });
    }

    /// Whether a browser waits for the last page.
    pub(super) fn has_readers(&self) -> bool {
        self.readers.load(Ordering::Acquire) > 0
    }

    /// The last page, as soon as it is known.
    async fn last_page(&self) -> Page {
        self.readers.fetch_add(1, Ordering::AcqRel);
        let _leaves = Leaves(&self.readers);
        let mut said = self.last_page.subscribe();
        let said = said.wait_for(Option::is_some).await.ok().and_then(|page| page.clone());
        // The sender lives as long as this does.
        said.unwrap_or(Page::NotHere)
    }

    /// Ends when a browser has been sent its last page.
    pub(super) async fn last_page_seen(&self) {
        // The sender lives as long as this does, so the wait ends only when it was seen.
        let _ = self.last_page_sent.subscribe().wait_for(|seen| *seen).await;
    }

    /// Turns a verdict into an answer and, the first time, into an event.
    fn answer(&self, verdict: Verdict) -> Answer {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        match verdict {
            Verdict::Granted(grant) => {
                self.end(&mut progress, Landing::Done, Event::Granted(grant))
            }
            Verdict::Denied(denial) => {
                if progress.ended.is_none() {
                    self.finish(Page::denied(&denial));
                }
                self.end(&mut progress, Landing::Denied, Event::Denied(denial))
            }
            Verdict::Landing(landing) if progress.ended == Some(landing) => Answer::Last,
            Verdict::Landing(_) => Answer::Ignored(Ignored::Path),
            Verdict::Elsewhere(host) => {
                if progress.ended.is_none()
                    && !std::mem::replace(&mut progress.elsewhere_told, true)
                {
                    self.report(Event::UnexpectedRequest(UnexpectedRequest::Elsewhere { host }));
                }
                Answer::Elsewhere(Page::Elsewhere { uri: self.address.uri().to_owned() })
            }
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
        Answer::Redirect(self.address.landing(progress.ended.unwrap_or(landing)))
    }

    fn report(&self, event: Event) {
        // It fails only when nobody waits any longer.
        let _ = self.events.try_send(event);
    }
}

/// One browser fewer waits, also when its connection ends first.
struct Leaves<'a>(&'a AtomicUsize);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

enum Answer {
    Redirect(&'static str),
    /// The last page, once it can be said.
    Last,
    Elsewhere(Page),
    Ignored(Ignored),
}

impl Answer {
    async fn response(self, shared: &Shared) -> Response<Full<Bytes>> {
        let (status, body) = match &self {
            Self::Redirect(_) => (StatusCode::SEE_OTHER, Bytes::new()),
            Self::Last => (StatusCode::OK, shared.last_page().await.html()),
            Self::Elsewhere(page) => (Ignored::Host.status(), page.html()),
            Self::Ignored(Ignored::Prefetch) => (Ignored::Prefetch.status(), Bytes::new()),
            Self::Ignored(reason) => (reason.status(), Page::NotHere.html()),
        };
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        *response.headers_mut() = headers();
        if let Self::Redirect(path) = self {
            response.headers_mut().insert(LOCATION, HeaderValue::from_static(path));
        }
        if matches!(self, Self::Ignored(Ignored::Method)) {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
        }
        response
    }
}

/// Accepts until it is aborted; the connections end with it.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>, header_read: Duration) {
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
            Arc::clone(&shared),
            header_read,
        )));
    }
}

/// One request and its answer.
async fn connection(stream: TcpStream, shared: Arc<Shared>, header_read: Duration) {
    let was_last = AtomicBool::new(false);
    let asked = Arc::new(AtomicBool::new(false));
    let stream = Guarded::new(stream, Arc::clone(&asked));
    let service = service_fn(|request: http::Request<Incoming>| {
        asked.store(true, Ordering::Release);
        let (parts, _body) = request.into_parts();
        let answer = shared.answer(classify(&Request::of(&parts), &shared.state, &shared.address));
        if matches!(answer, Answer::Last) {
            was_last.store(true, Ordering::Release);
        }
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer.response(&shared).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_read)
        .max_buf_size(REQUEST_LIMIT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = pin!(served);
    loop {
        // What a client does to its own connection is not our trouble.
        let is_over = timeout(CONNECTION, &mut served).await.is_ok();
        let waits = was_last.load(Ordering::Acquire) && shared.last_page.borrow().is_none();
        if is_over || !waits {
            break;
        }
    }
    if was_last.load(Ordering::Acquire) && shared.last_page.borrow().is_some() {
        shared.last_page_sent.send_replace(true);
    }
}
