//! The HTTP client: TLS, proxies, timeouts, and the one way by which a request leaves.

use std::error::Error as _;
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Certificate, RequestBuilder, Response, redirect, retry};
use tracing::{debug, info};
use zeroize::Zeroizing;

use crate::answer::log_id;
use crate::grant::Cut;
use crate::text;
use crate::{Endpoints, Error};

/// The longest answer that is read, in bytes: TikTok's are a few hundred.
pub const LONGEST_ANSWER: usize = 512 << 10;
/// Room for the answers that TikTok gives, so that no half of one is left behind in memory by growing.
const FIRST_PIECE: usize = 4 << 10;
/// The longest `Retry-After` that is honoured.
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(15);
/// How a client names itself if nothing else is asked for.
const USER_AGENT: &str = concat!("tiktok-open/", env!("CARGO_PKG_VERSION"));
/// So much memory a call may need, in bytes.
const SOME_MEMORY: usize = 1 << 20;
/// `ENOMEM`, which is the same number on every Unix.
const OUT_OF_MEMORY: i32 = 12;

/// Called before each step of a request, with its name: `network: connect`, `network: send`,
/// `network: answer`, `network: read answer`. An error counts as if the network had failed there.
pub type OnStep = fn(&'static str) -> io::Result<()>;

/// A client of TikTok's API. Cheap to clone; clones share connections and the observed clock skew.
#[derive(Clone, Debug)]
pub struct Client {
    /// For JSON and OAuth calls: every call on a connection of its own, so that a stale pooled one
    /// never makes the outcome of an init unknown.
    calls: reqwest::Client,
    /// For chunks: one connection kept through an upload.
    transfers: reqwest::Client,
    endpoints: Endpoints,
    answer_timeout: Duration,
    clock_offset: SignedDuration,
    on_step: OnStep,
    skew: Arc<Mutex<Option<SignedDuration>>>,
}

/// How a [`Client`] is to be.
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    endpoints: Endpoints,
    user_agent: String,
    connect_timeout: Duration,
    answer_timeout: Duration,
    clock_offset: SignedDuration,
    on_step: OnStep,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            endpoints: Endpoints::default(),
            user_agent: USER_AGENT.to_owned(),
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_mins(1),
            clock_offset: SignedDuration::ZERO,
            on_step: |_| Ok(()),
        }
    }
}

impl ClientBuilder {
    /// Where TikTok is; TikTok itself by default.
    #[must_use]
    pub fn endpoints(mut self, endpoints: Endpoints) -> Self {
        self.endpoints = endpoints;
        self
    }

    /// The `User-Agent`, such as `my-program/1.2`; `tiktok-open/VERSION` by default.
    #[must_use]
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// How long to connect may take, TLS handshake included; 10 seconds by default.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a call may take to its whole answer; a minute by default. It does not bound
    /// [`Client::put_chunk`].
    #[must_use]
    pub fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.answer_timeout = timeout;
        self
    }

    /// How far the caller's clock is ahead of the machine's, for [`Client::clock_skew`] and
    /// [`Client::server_now`]; zero by default.
    #[must_use]
    pub fn clock_offset(mut self, offset: SignedDuration) -> Self {
        self.clock_offset = offset;
        self
    }

    /// What to call before each step of a request, to test what a caller does when the network fails.
    #[must_use]
    pub fn on_step(mut self, on_step: OnStep) -> Self {
        self.on_step = on_step;
        self
    }

    /// The client. It trusts Mozilla's roots and the platform's, and goes through the proxies of the
    /// environment.
    pub fn build(self) -> Result<Client, BuildError> {
        // The process-wide provider may be installed already; both times it is ring.
        _ = rustls::crypto::ring::default_provider().install_default();
        let build = |idle: usize| {
            let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS
                .iter()
                .filter_map(|der| Certificate::from_der(der).ok());
            let mut builder = reqwest::Client::builder()
                .user_agent(&self.user_agent)
                .redirect(redirect::Policy::none())
                .retry(retry::never())
                .referer(false)
                .connect_timeout(self.connect_timeout)
                .pool_max_idle_per_host(idle)
                .tls_certs_merge(roots);
            if self.endpoints.on_loopback() {
                // What is on this machine is never reached through a proxy.
                builder = builder.no_proxy();
            }
            builder.build().map_err(|e| BuildError(innermost(&e)))
        };
        Ok(Client {
            calls: build(0)?,
            transfers: build(1)?,
            endpoints: self.endpoints,
            answer_timeout: self.answer_timeout,
            clock_offset: self.clock_offset,
            on_step: self.on_step,
            skew: Arc::default(),
        })
    }
}

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up TLS: {0}")]
pub struct BuildError(String);

/// A whole answer: status and body, not yet judged.
pub(super) struct Received {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Zeroizing<Vec<u8>>,
}

impl Client {
    /// A client of TikTok itself, to be set up.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// The bases in use.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// How far TikTok's clock is ahead of ours, by the last answer's `Date` (whole seconds).
    pub fn clock_skew(&self) -> Option<SignedDuration> {
        *self.skew.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Now by TikTok's clock, as far as its last answer told.
    pub fn server_now(&self) -> Option<Timestamp> {
        self.clock_skew().and_then(|skew| self.now().checked_add(skew).ok())
    }

    fn now(&self) -> Timestamp {
        Timestamp::now().saturating_add(self.clock_offset).unwrap_or(Timestamp::MAX)
    }

    pub(super) fn post(&self, path: &str) -> RequestBuilder {
        self.calls.post(self.endpoints.api(path)).timeout(self.answer_timeout)
    }

    pub(super) fn get(&self, path: &str) -> RequestBuilder {
        self.calls.get(self.endpoints.api(path)).timeout(self.answer_timeout)
    }

    pub(super) fn transfers(&self) -> &reqwest::Client {
        &self.transfers
    }

    /// Sends a request and reads its whole answer, whatever the status.
    pub(super) async fn exchange(
        &self,
        call: &'static str,
        request: RequestBuilder,
    ) -> Result<Received, Error> {
        let host = self.api_host();
        let (received, cut) = self.receive(call, request).await?;
        match cut {
            None => Ok(received),
            Some(Cut::Lost(reason)) => Err(Error::NoAnswer { host, call, reason }),
            Some(Cut::TooLong(limit)) => {
                let what = format!("the answer is longer than {limit} bytes");
                Err(Error::NotTikTok { host, call, status: received.status, what })
            }
        }
    }

    /// Sends a request and reads its answer, whatever the status, as far as it comes.
    pub(super) async fn receive(
        &self,
        call: &'static str,
        request: RequestBuilder,
    ) -> Result<(Received, Option<Cut>), Error> {
        let mut response = self.send(call, request).await?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let mut body = Zeroizing::new(Vec::with_capacity(FIRST_PIECE));
        let cut = loop {
            if let Err(error) = (self.on_step)("network: read answer") {
                break Some(Cut::Lost(error.to_string()));
            }
            match response.chunk().await {
                Ok(Some(piece)) => {
                    let room = LONGEST_ANSWER - body.len();
                    body.extend_from_slice(&piece[..piece.len().min(room)]);
                    if piece.len() > room {
                        break Some(Cut::TooLong(LONGEST_ANSWER));
                    }
                }
                Ok(None) => break None,
                Err(error) => break Some(Cut::Lost(innermost(&error))),
            }
        };
        let received = Received { status, retry_after, body };
        let log_id = log_id(&received).unwrap_or_default();
        info!(call, status, log_id, whole = cut.is_none(), "TikTok answered");
        Ok((received, cut))
    }

    /// Sends a request and reads the head of its answer.
    pub(super) async fn send(
        &self,
        call: &'static str,
        request: RequestBuilder,
    ) -> Result<Response, Error> {
        let started = tokio::time::Instant::now();
        let target = self.endpoints.api("/").host_str().unwrap_or_default().to_owned();
        let lost =
            |e: io::Error| Error::NoAnswer { host: target.clone(), call, reason: e.to_string() };
        // Three faults: it cannot have arrived; it may have, but did not; it did, unanswered.
        (self.on_step)("network: connect")
            .map_err(|e| not_sent(target.clone(), e.to_string(), &e))?;
        (self.on_step)("network: send").map_err(lost)?;
        let response = request.send().await.map_err(|e| failed(call, &target, &e))?;
        (self.on_step)("network: answer").map_err(lost)?;
        self.note_skew(response.headers());
        debug!(call, status = response.status().as_u16(), elapsed = ?started.elapsed(), "answered");
        Ok(response)
    }

    fn note_skew(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|value| value.to_str().ok());
        let Some(there) = date.and_then(http_date) else { return };
        let skew = there.duration_since(self.now());
        *self.skew.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(SignedDuration::from_secs(skew.as_secs()));
    }
}

fn failed(call: &'static str, target: &str, error: &reqwest::Error) -> Error {
    // Only the host is ever named: path and query may carry a credential.
    let host = error.url().and_then(|url| url.host_str()).unwrap_or(target).to_owned();
    let reason = if error.is_timeout() { "timed out".to_owned() } else { innermost(error) };
    if error.is_connect() || error.is_builder() {
        not_sent(host, reason, error)
    } else {
        Error::NoAnswer { host, call, reason }
    }
}

/// That a request never left.
fn not_sent(host: String, reason: String, error: &(dyn std::error::Error + 'static)) -> Error {
    let mut os_error = None;
    let mut cause = Some(error);
    while let Some(error) = cause {
        let of_system = error.downcast_ref::<io::Error>();
        os_error = of_system.and_then(io::Error::raw_os_error).or(os_error);
        // What such an error wraps it does not call its source.
        let wrapped = of_system.and_then(io::Error::get_ref);
        cause = wrapped.map(|inner| inner as _).or_else(|| error.source());
    }
    Error::NotSent { host, reason, os_error: shortage().or(os_error) }
}

/// What the system says when it is asked for a descriptor and some memory, if it has none: a failure
/// that names another cause or none, such as a resolver's, may be for want of them.
fn shortage() -> Option<i32> {
    let memory = Vec::<u8>::new().try_reserve_exact(SOME_MEMORY).err().map(|_| OUT_OF_MEMORY);
    memory.or_else(|| match File::open("/dev/null") {
        Ok(_) => None,
        // A system without the device proves nothing.
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => error.raw_os_error(),
    })
}

/// The innermost cause of an HTTP error: the part that says something, and never the URL.
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = match error.source() {
        Some(source) => source,
        None if error.is_timeout() => return "timed out".to_owned(),
        None => return "the request could not be made".to_owned(),
    };
    while let Some(next) = cause.source() {
        cause = next;
    }
    text::plain(&cause.to_string())
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);

    #[test]
    fn the_number_of_the_system_is_found_wherever_it_is() {
        let number = |error: &io::Error| match not_sent("host".into(), "reason".into(), error) {
            Error::NotSent { os_error, .. } => os_error,
            other => panic!("{other:?}"),
        };
        let refused = || io::Error::from_raw_os_error(111);
        assert_eq!(number(&refused()), Some(111));
        assert_eq!(number(&io::Error::other(io::Error::other(refused()))), Some(111));
        assert_eq!(number(&io::ErrorKind::ConnectionRefused.into()), None);
        // The innermost says why.
        let outer = Outer(io::Error::from_raw_os_error(24));
        assert_eq!(number(&io::Error::other(outer)), Some(24));
    }

    #[test]
    fn an_http_date_is_read() {
        let date = http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(date.as_second(), 784_111_777);
        assert_eq!(http_date("yesterday"), None);
    }

    #[test]
    fn retry_after_is_capped_and_dates_are_ignored() {
        let headers = |value: &str| HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
        assert_eq!(retry_after(&headers("7")), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(&headers("99999999")), Some(LONGEST_RETRY_AFTER));
        assert_eq!(retry_after(&headers("-1")), None);
        assert_eq!(retry_after(&headers("Sun, 06 Nov 1994 08:49:37 GMT")), None);
    }
}
