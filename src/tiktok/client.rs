//! The HTTP client: TLS, proxies, timeouts, and the one way by which a request leaves.

use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Certificate, RequestBuilder, Response, redirect, retry};
use tracing::{debug, info};
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::exit::{Exit, Explain};
use crate::fault;
use crate::resources::{Shortage, shortage_now};
use crate::text;
use crate::tiktok::answer::log_id;
use crate::tiktok::grant::Cut;
use crate::tiktok::{Endpoints, Error};
use crate::timing::Timing;

/// The longest answer that is read, in bytes: TikTok's are a few hundred. One that is kept in a file of
/// ours must fit there ([`crate::fs::SIZE_LIMIT`]).
const LONGEST_ANSWER: usize = 512 << 10;
/// Room for the answers that TikTok gives, so that no half of one is left behind in memory by growing.
const FIRST_PIECE: usize = 4 << 10;
/// The longest `Retry-After` that is honoured.
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(15);
/// How this program names itself.
const USER_AGENT: &str = concat!("tiktok-up/", env!("CARGO_PKG_VERSION"));

/// A client of TikTok's API. Cheap to clone; clones share connections and the observed clock skew.
#[derive(Clone, Debug)]
pub struct Client {
    /// For JSON and OAuth calls: every call on a connection of its own, so that a stale pooled one
    /// never makes the outcome of an init unknown.
    calls: reqwest::Client,
    /// For chunks: one connection kept through an upload.
    transfers: reqwest::Client,
    endpoints: Endpoints,
    clock: Clock,
    timing: Timing,
    skew: Arc<Mutex<Option<SignedDuration>>>,
}

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up TLS: {0}")]
pub struct BuildError(String);

impl Explain for BuildError {
    fn exit(&self) -> Exit {
        Exit::Failed
    }

    fn hint(&self) -> Option<String> {
        Some("check SSL_CERT_FILE and the proxy variables".into())
    }
}

/// A whole answer: status and body, not yet judged.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Zeroizing<Vec<u8>>,
}

impl Client {
    /// A client for the given bases.
    pub fn new(endpoints: Endpoints, clock: Clock, timing: Timing) -> Result<Self, BuildError> {
        // The process-wide provider may be installed already; both times it is ring.
        _ = rustls::crypto::ring::default_provider().install_default();
        let build = |idle: usize| {
            let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS
                .iter()
                .filter_map(|der| Certificate::from_der(der).ok());
            let mut builder = reqwest::Client::builder()
                .user_agent(USER_AGENT)
                .redirect(redirect::Policy::none())
                .retry(retry::never())
                .referer(false)
                .connect_timeout(timing.connect)
                .pool_max_idle_per_host(idle)
                .tls_certs_merge(roots);
            if endpoints.on_loopback() {
                // A sandbox on this machine is never reached through a proxy.
                builder = builder.no_proxy();
            }
            builder.build().map_err(|e| BuildError(innermost(&e)))
        };
        Ok(Self {
            calls: build(0)?,
            transfers: build(1)?,
            endpoints,
            clock,
            timing,
            skew: Arc::default(),
        })
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
        self.clock_skew().and_then(|skew| self.clock.now().checked_add(skew).ok())
    }

    pub(super) fn post(&self, path: &str) -> RequestBuilder {
        self.calls.post(self.endpoints.api(path)).timeout(self.timing.answer)
    }

    pub(super) fn get(&self, path: &str) -> RequestBuilder {
        self.calls.get(self.endpoints.api(path)).timeout(self.timing.answer)
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
            if let Err(error) = fault::point("network: read answer") {
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
        let lost = |e: std::io::Error| Error::NoAnswer {
            host: target.clone(),
            call,
            reason: e.to_string(),
        };
        // Three faults: it cannot have arrived; it may have, but did not; it did, unanswered.
        fault::point("network: connect")
            .map_err(|e| not_sent(target.clone(), e.to_string(), &e))?;
        fault::point("network: send").map_err(lost)?;
        let response = request.send().await.map_err(|e| failed(call, &target, &e))?;
        fault::point("network: answer").map_err(lost)?;
        self.note_skew(response.headers());
        debug!(call, status = response.status().as_u16(), elapsed = ?started.elapsed(), "answered");
        Ok(response)
    }

    fn note_skew(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|value| value.to_str().ok());
        let Some(there) = date.and_then(http_date) else { return };
        let skew = there.duration_since(self.clock.now());
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

/// That a request never left. A system that gives no socket says so in words of the network.
fn not_sent(host: String, reason: String, error: &(dyn std::error::Error + 'static)) -> Error {
    let mut shortage = None;
    let mut cause = Some(error);
    while let (Some(error), None) = (cause, shortage) {
        let of_system = error.downcast_ref::<std::io::Error>();
        shortage = of_system.and_then(Shortage::in_error);
        // What such an error wraps it does not call its source.
        let wrapped = of_system.and_then(std::io::Error::get_ref);
        cause = wrapped.map(|inner| inner as _).or_else(|| error.source());
    }
    Error::NotSent { host, reason, shortage: shortage.or_else(shortage_now) }
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

    #[test]
    fn a_machine_without_a_socket_to_give_is_not_the_network() {
        for errno in [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE, rustix::io::Errno::NOBUFS]
        {
            let cause = std::io::Error::other(std::io::Error::from(errno));
            let error = not_sent("host".into(), "reason".into(), &cause);
            assert_eq!(error.exit(), Exit::Local);
            assert!(!error.hint().unwrap().contains("network"), "{error:?}");
        }
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let error = not_sent("host".into(), "reason".into(), &refused);
        assert_eq!(error.exit(), Exit::Temporary);
        assert!(error.hint().unwrap().contains("network"));
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
