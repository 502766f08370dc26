//! The one way by which a request leaves: TLS, proxies, timeouts, and what is known of it afterwards.

use std::error::Error as _;
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{CONTENT_LENGTH, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, redirect, retry};
use serde::Serialize;
use tracing::{debug, info};
use url::Url;
use zeroize::Zeroizing;

use crate::answer::log_id;
use crate::client::{BuildError, ClientBuilder};
use crate::endpoints::is_loopback;
use crate::grant::Cut;
use crate::guard::{Guard, Withheld};
use crate::proxy::{Proxy, is_unsure};
use crate::public::{NotPublic, PublicOnly};
use crate::trust::{Authorities, TrustOnDemand, distrust};
use crate::{Endpoints, Error, Obstacle, ProxyName, Secret, text};

/// The longest answer that is read, in bytes: TikTok's are a few hundred.
pub const LONGEST_ANSWER: usize = 512 << 10;
/// Room for the answers that TikTok gives, so that no half of one is left behind in memory by growing.
const FIRST_PIECE: usize = 4 << 10;
/// The longest `Retry-After` that is honoured.
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(15);
/// So much memory a call may need, in bytes.
const SOME_MEMORY: usize = 1 << 20;
/// `ENOMEM`, which is the same number on every Unix.
const OUT_OF_MEMORY: i32 = 12;

/// A step of a request, in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// A connection is made: if this fails, the request cannot have arrived.
    Connect,
    /// The request is sent: if this fails, it may have arrived.
    Send,
    /// It was sent, and its answer begins: if this fails, it arrived and was not answered.
    Answer,
    /// A piece of the answer's body is read; this comes as often as there are pieces, and once more.
    ReadAnswer,
}

/// Called before each [`Step`] of a request. An error counts as if the network had failed there.
pub type OnStep = fn(Step) -> io::Result<()>;

/// A host that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reached {
    /// Its name.
    pub host: String,
    /// The proxy that it was reached through.
    pub proxy: Option<ProxyName>,
    /// When the certificate ends that it showed, which may be that of a proxy which looks into TLS. `None`: it
    /// showed none, or one that cannot be read.
    pub certificate_ends: Option<Timestamp>,
}

/// What a client's clones share, and each of its calls goes through.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    /// For JSON and OAuth calls: every call on a connection of its own, so that a stale pooled one
    /// never makes the outcome of an init unknown.
    calls: reqwest::Client,
    /// For chunks: one connection kept through an upload.
    transfers: reqwest::Client,
    endpoints: Endpoints,
    /// What is on this machine is never reached through one.
    proxy: Option<Arc<Proxy>>,
    authorities: Authorities,
    trust: Arc<TrustOnDemand>,
    connect_timeout: Duration,
    answer_timeout: Duration,
    clock_offset: SignedDuration,
    on_step: OnStep,
    /// What is asked before the body of a JSON call goes.
    guard: Option<Guard>,
    skew: Arc<Mutex<Option<SignedDuration>>>,
}

/// A whole answer: status and body, not yet judged.
pub(super) struct Received {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// A client for a server that is not TikTok's.
pub(super) fn for_others(
    builder: &ClientBuilder,
    server: &Url,
) -> Result<reqwest::Client, BuildError> {
    let proxy = if is_loopback(server) { None } else { Proxy::from_env()? };
    let is_proxied = proxy.as_ref().is_some_and(|proxy| {
        // It finds the proxy's own name in the same way.
        server.host_str().is_some_and(|host| proxy.is_for(host))
    });
    let public_only = builder.public_only && !is_proxied;
    let client = http(builder, tls()?.0, proxy.as_ref(), builder.idle)?;
    let client = if public_only { client.dns_resolver(Arc::new(PublicOnly)) } else { client };
    built(client)
}

/// Why a request of a client for others failed, in words that name neither path nor query.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestTrouble {
    /// The certificate of the server is not trusted.
    Certificate(String),
    /// The name of the host leads to an address that is not public.
    NotPublic(NotPublic),
    /// Anything else: no connection, or a broken one.
    Network(String),
}

impl RequestTrouble {
    /// Reads an error of a client that [`ClientBuilder::build_for_others`] made.
    pub fn of(error: &reqwest::Error) -> Self {
        let causes = causes(error);
        if let Some(why) = causes.iter().find_map(|cause| cause.downcast_ref::<NotPublic>()) {
            return Self::NotPublic(*why);
        }
        let tls = causes.iter().find_map(|cause| cause.downcast_ref::<rustls::Error>());
        match tls.and_then(distrust) {
            Some(why) => Self::Certificate(why),
            None if error.is_timeout() => Self::Network("timed out".to_owned()),
            None => Self::Network(innermost(error)),
        }
    }
}

/// A client that keeps so many idle connections.
fn http(
    builder: &ClientBuilder,
    tls: rustls::ClientConfig,
    proxy: Option<&Proxy>,
    idle: usize,
) -> Result<reqwest::ClientBuilder, BuildError> {
    let mut client = reqwest::Client::builder()
        .user_agent(&builder.user_agent)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .connect_timeout(builder.connect_timeout)
        .pool_max_idle_per_host(idle)
        .tls_backend_preconfigured(tls)
        // What the environment says was read before.
        .no_proxy();
    if let Some(proxy) = proxy {
        client = client.proxy(proxy.for_client()?);
    }
    Ok(client)
}

fn built(client: reqwest::ClientBuilder) -> Result<reqwest::Client, BuildError> {
    client.build().map_err(|e| BuildError::Tls(innermost(&e)))
}

impl Transport {
    pub(super) fn new(builder: ClientBuilder) -> Result<Self, BuildError> {
        let (tls, trust) = tls()?;
        let proxy = if builder.endpoints.on_loopback() { None } else { Proxy::from_env()? };
        let client = |idle| built(http(&builder, tls.clone(), proxy.as_ref(), idle)?);
        Ok(Self {
            calls: client(0)?,
            transfers: client(1)?,
            endpoints: builder.endpoints,
            proxy: proxy.map(Arc::new),
            authorities: Authorities::look(),
            trust,
            connect_timeout: builder.connect_timeout,
            answer_timeout: builder.answer_timeout,
            clock_offset: builder.clock_offset,
            on_step: builder.on_step,
            guard: None,
            skew: Arc::default(),
        })
    }

    /// The same with a guard of its JSON calls.
    pub(super) fn guarded(mut self, guard: Guard) -> Self {
        self.guard = Some(guard);
        self
    }

    pub(super) fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The host of the API, for messages.
    pub(super) fn api_host(&self) -> String {
        self.endpoints.api("/").host_str().unwrap_or_default().to_owned()
    }

    pub(super) fn proxy(&self) -> Option<&ProxyName> {
        let proxy = self.proxy.as_ref().filter(|proxy| proxy.is_for(&self.api_host()));
        proxy.map(|proxy| proxy.name())
    }

    pub(super) fn authorities(&self) -> &Authorities {
        &self.authorities
    }

    pub(super) fn clock_skew(&self) -> Option<SignedDuration> {
        *self.skew.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn server_now(&self) -> Option<Timestamp> {
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

    /// A request for a chunk.
    pub(super) fn put(&self, url: Url) -> RequestBuilder {
        self.transfers.put(url)
    }

    /// A call with a JSON body, by the owner of an access token.
    pub(super) fn json<T: Serialize>(
        &self,
        path: &str,
        token: &Secret,
        body: &T,
    ) -> RequestBuilder {
        // With the documented charset; `json` adds none, and leaves a header that is there alone.
        let request = self
            .post(path)
            .bearer_auth(token.expose())
            .header("Content-Type", "application/json; charset=UTF-8");
        // What cannot be written as JSON `json` makes an error of.
        match self.guard.as_ref().zip(serde_json::to_vec(body).ok()) {
            Some((guard, json)) => {
                request.header(CONTENT_LENGTH, json.len()).body(guard.body(json))
            }
            None => request.json(body),
        }
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
            if let Err(error) = (self.on_step)(Step::ReadAnswer) {
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
        let target = self.api_host();
        let lost =
            |e: io::Error| Error::NoAnswer { host: target.clone(), call, reason: e.to_string() };
        // Three faults: it cannot have arrived; it may have, but did not; it did, unanswered.
        (self.on_step)(Step::Connect).map_err(|e| not_sent(target.clone(), e.to_string(), &e))?;
        (self.on_step)(Step::Send).map_err(lost)?;
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Err(self.failed(call, &target, &error).await),
        };
        (self.on_step)(Step::Answer).map_err(lost)?;
        self.note_skew(response.headers());
        debug!(call, status = response.status().as_u16(), elapsed = ?started.elapsed(), "answered");
        Ok(response)
    }

    /// Asks a host for its front page. Any answer will do.
    pub(super) async fn reach(&self, url: Url) -> Result<Reached, Error> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let request = self.calls.get(url).timeout(self.answer_timeout);
        drop(self.send("GET /", request).await?);
        let certificate_ends = self.trust.end_of(&host);
        let proxy = self.proxy.as_ref().filter(|proxy| proxy.is_for(&host));
        let proxy = proxy.map(|proxy| proxy.name().clone());
        Ok(Reached { host, proxy, certificate_ends })
    }

    /// What came of a request that was not answered.
    async fn failed(&self, call: &'static str, target: &str, error: &reqwest::Error) -> Error {
        // Only the host is ever named: path and query may carry a credential.
        let url = error.url();
        let host = url.and_then(|url| url.host_str()).unwrap_or(target).to_owned();
        let reason = if error.is_timeout() { "timed out".to_owned() } else { innermost(error) };
        if error.is_builder() {
            let obstacle = Some(Box::new(Obstacle::Request));
            return Error::NotSent { host, reason, os_error: None, obstacle };
        }
        if causes(error).iter().any(|cause| cause.is::<Withheld>()) {
            let obstacle = Some(Box::new(Obstacle::TooLate));
            return Error::NotSent { host, reason, os_error: None, obstacle };
        }
        if !error.is_connect() {
            return Error::NoAnswer { host, call, reason };
        }
        let port = url.and_then(url::Url::port_or_known_default).unwrap_or(443);
        match not_sent(host, reason, error) {
            Error::NotSent { host, reason, os_error, obstacle: _ } if !is_shortage(os_error) => {
                let (reason, obstacle) = self.obstacle(&host, port, reason, error).await;
                Error::NotSent { host, reason, os_error, obstacle: obstacle.map(Box::new) }
            }
            shortage => shortage,
        }
    }

    /// What stood in the way of a connection, and the reason in words for it.
    async fn obstacle(
        &self,
        host: &str,
        port: u16,
        reason: String,
        error: &reqwest::Error,
    ) -> (String, Option<Obstacle>) {
        let proxy = self.proxy.as_deref().filter(|proxy| proxy.is_for(host));
        let name = || proxy.map(|proxy| proxy.name().clone());
        let (distrusted, said) = {
            let causes = causes(error);
            let tls = causes.iter().find_map(|cause| cause.downcast_ref::<rustls::Error>());
            let said: Vec<_> = causes.iter().map(ToString::to_string).collect();
            (tls.and_then(distrust), said.join("\n"))
        };
        if let Some(why) = distrusted {
            let authorities = self.authorities.clone();
            let obstacle = Obstacle::Certificate { authorities, now: self.now(), proxy: name() };
            return (why, Some(obstacle));
        }
        let Some(proxy) = proxy else { return (reason, None) };
        let name = proxy.name().clone();
        let says = |words: &str| said.contains(words);
        let limit = self.connect_timeout;
        // The types of these errors have no names outside of the crate that makes them.
        if says("SOCKS error: ") {
            return if says("authentication") || says("credentials not accepted") {
                (reason, Some(Obstacle::ProxyLogin(name)))
            } else if says("not allowed") {
                (reason, Some(Obstacle::ProxyRefuses(name)))
            } else if says("underlying connection") && proxy.is_unknown(limit).await {
                (
                    "the name of the proxy is not known".to_owned(),
                    Some(Obstacle::ProxyUnknown(name)),
                )
            } else {
                (reason, Some(Obstacle::Proxy(name)))
            };
        }
        if says("proxy authorization required") {
            return refused_by(name, Some(407));
        }
        if says("tunnel error: unsuccessful") {
            return refused_by(name, proxy.status(host, port, limit).await);
        }
        if says("dns error") {
            // A proxy that resolves no names leaves those of hosts to this machine.
            if !proxy.resolves() && says("resolving for socks") {
                return (reason, None);
            }
            if !is_unsure(&reason) {
                let reason = format!("the name of the proxy is not known ({reason})");
                return (reason, Some(Obstacle::ProxyUnknown(name)));
            }
        }
        (reason, Some(Obstacle::Proxy(name)))
    }

    fn note_skew(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|value| value.to_str().ok());
        let Some(there) = date.and_then(http_date) else { return };
        let skew = there.duration_since(self.now());
        *self.skew.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(SignedDuration::from_secs(skew.as_secs()));
    }
}

/// TLS with ring's cryptography, whatever provider the process has chosen. Trusted are Mozilla's roots and
/// the platform's, by the verifier that comes with it.
fn tls() -> Result<(rustls::ClientConfig, Arc<TrustOnDemand>), BuildError> {
    let failed = |error: rustls::Error| BuildError::Tls(text::plain(&error.to_string()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(TrustOnDemand::new(Arc::clone(&provider)));
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&verifier) as Arc<_>)
        .with_no_client_auth();
    // No HTTP/2: see Cargo.toml.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((config, verifier))
}

/// What a proxy means that does not open a way, by the status that it answers.
fn refused_by(proxy: ProxyName, status: Option<u16>) -> (String, Option<Obstacle>) {
    let (reason, obstacle): (_, fn(ProxyName) -> Obstacle) = match status {
        Some(407) => ("it wants a user and a password (HTTP 407)".to_owned(), Obstacle::ProxyLogin),
        None => ("it did not open a connection".to_owned(), Obstacle::ProxyRefuses),
        // Asked once more it opened one.
        Some(status @ 200..300) => (
            format!("it did not open a connection before it answered HTTP {status}"),
            Obstacle::Proxy,
        ),
        Some(status @ (408 | 425 | 429 | 500..)) => {
            (format!("it could not open a connection (HTTP {status})"), Obstacle::Proxy)
        }
        Some(status) => {
            (format!("it refused to open a connection (HTTP {status})"), Obstacle::ProxyRefuses)
        }
    };
    (reason, Some(obstacle(proxy)))
}

/// An error and all that it stems from, the innermost last.
fn causes<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> Vec<&'e (dyn std::error::Error + 'static)> {
    let mut causes = Vec::new();
    let mut cause = Some(error);
    while let Some(error) = cause {
        causes.push(error);
        // What such an error wraps it does not call its source.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = wrapped.map(|inner| inner as _).or_else(|| error.source());
    }
    causes
}

/// That a request never left.
fn not_sent(host: String, reason: String, error: &(dyn std::error::Error + 'static)) -> Error {
    let of_system = |error: &&(dyn std::error::Error + 'static)| {
        error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error)
    };
    let os_error = causes(error).iter().rev().find_map(of_system);
    Error::NotSent { host, reason, os_error: shortage().or(os_error), obstacle: None }
}

/// Whether this machine lacked something, so that nothing else is to blame.
fn is_shortage(os_error: Option<i32>) -> bool {
    // `EMFILE` and `ENFILE` are the same numbers on every Unix, too.
    matches!(os_error, Some(OUT_OF_MEMORY | 23 | 24))
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
