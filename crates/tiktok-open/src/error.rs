//! What can come of a call besides its answer.

use std::time::Duration;

use jiff::Timestamp;

use crate::{Authorities, Code, ProxyName, Reaction};

/// A call that did not answer with what was asked for.
///
/// The variants are ordered by what is known about the request: never sent, perhaps worked off, or
/// answered with a refusal. There is no other case, so the enum is exhaustive: whoever repeats calls has
/// to decide about each.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Name lookup, connect or TLS handshake failed, or it was withheld: the request provably never left.
    #[error("{}", not_sent(host, reason, obstacle.as_deref()))]
    NotSent {
        /// Host of the request.
        host: String,
        /// The innermost cause in words.
        reason: String,
        /// The operating system's number for it (`errno`), if it is behind this: the one of the
        /// innermost cause that has one, or of a look whether there are descriptors and memory to be
        /// had, for a resolver keeps that to itself.
        os_error: Option<i32>,
        /// What stood in the way, if it is more than a network that did not work.
        obstacle: Option<Box<Obstacle>>,
    },
    /// Sent, at least in part, and not answered: the outcome is open.
    #[error("no answer from {host} to `{call}`: {reason}")]
    NoAnswer {
        /// Host of the request.
        host: String,
        /// The call, as in the documentation (`video/init`).
        call: &'static str,
        /// The innermost cause in words.
        reason: String,
    },
    /// Something answered, but not with TikTok's JSON: a proxy, a captive portal, a gateway.
    #[error("{host} answered `{call}` with HTTP {status}, but not as TikTok does: {what}")]
    NotTikTok {
        /// Host of the request.
        host: String,
        /// The call.
        call: &'static str,
        /// HTTP status.
        status: u16,
        /// What was wrong with it.
        what: String,
    },
    /// TikTok refused, with a code.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// What keeps requests from leaving, besides a network that does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// The server's certificate is not trusted.
    Certificate {
        /// What else is taken for trustworthy here.
        authorities: Authorities,
        /// What time it is here: a clock that is wrong makes a good certificate a bad one.
        now: Timestamp,
        /// The proxy that was to be passed: it may have shown a certificate of its own.
        proxy: Option<ProxyName>,
    },
    /// The name of the proxy is not to be found.
    ProxyUnknown(ProxyName),
    /// The proxy wants a user and a password, or others.
    ProxyLogin(ProxyName),
    /// The proxy does not let requests to this host through.
    ProxyRefuses(ProxyName),
    /// The proxy did not work: it cannot be reached, or could not reach the host. This may pass.
    Proxy(ProxyName),
    /// The request cannot be written down, whatever the network: a token, say, with a line break in it.
    Request,
    /// It had become too late for it once the connection stood ([`Client::only_while`](crate::Client::only_while)).
    TooLate,
}

impl Obstacle {
    /// Whether it may be gone later, without anybody changing anything.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Proxy(_))
    }
}

fn not_sent(host: &str, reason: &str, obstacle: Option<&Obstacle>) -> String {
    let through =
        |proxy: &ProxyName| format!("could not connect to {host} through the proxy {proxy}");
    match obstacle {
        None => format!("could not connect to {host}: {reason}"),
        Some(Obstacle::TooLate) => format!("a request to {host} was withheld: {reason}"),
        Some(Obstacle::Request) => format!("a request to {host} could not be made: {reason}"),
        Some(Obstacle::Certificate { authorities, now, proxy }) => {
            let to = proxy.as_ref().map_or_else(|| format!("could not connect to {host}"), through);
            let now = now.strftime("%Y-%m-%d %H:%M UTC");
            format!("{to}: {reason}; {authorities}; the clock here says {now}")
        }
        Some(
            Obstacle::ProxyUnknown(proxy)
            | Obstacle::ProxyLogin(proxy)
            | Obstacle::ProxyRefuses(proxy)
            | Obstacle::Proxy(proxy),
        ) => format!("{}: {reason}", through(proxy)),
    }
}

/// TikTok's refusal of a call: `error.code` was not `ok`, or the flat OAuth `error` was set.
#[derive(Clone, Debug, thiserror::Error)]
#[error("TikTok refused `{call}`: {code}{}{} (HTTP {status}{})",
    if message.is_empty() { "" } else { ": " }, message,
    log_id.as_ref().map(|id| format!(", log_id {id}")).unwrap_or_default())]
#[non_exhaustive]
pub struct Refusal {
    /// The call, as in the documentation (`video/init`).
    pub call: &'static str,
    /// HTTP status: informative only, the code decides.
    pub status: u16,
    /// The error code.
    pub code: Code,
    /// TikTok's own words, made harmless for a terminal.
    pub message: String,
    /// The id to quote to TikTok's support.
    pub log_id: Option<String>,
    /// `Retry-After`, if it was sent (no page documents it).
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal with a code alone: to test what a caller makes of it.
    pub fn new(call: &'static str, status: u16, code: Code) -> Self {
        Self { call, status, code, message: String::new(), log_id: None, retry_after: None }
    }

    /// Whether TikTok's own trouble is behind it, or too many calls, so that the same call may work
    /// later: by its code or, where that says nothing, by its HTTP status.
    pub fn may_pass(&self) -> bool {
        let reaction = self.code.reaction();
        self.status >= 500
            || reaction == Reaction::Later
            || (self.status == 429 && matches!(reaction, Reaction::Final | Reaction::Settings))
    }
}

impl Error {
    /// The refusal, if it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether this is a refusal with that code.
    pub fn is(&self, code: &Code) -> bool {
        self.refusal().is_some_and(|refusal| refusal.code == *code)
    }

    /// What it means beyond this call, if TikTok itself answered.
    pub fn reaction(&self) -> Option<Reaction> {
        self.refusal().map(|refusal| refusal.code.reaction())
    }

    /// What kept the request from leaving, if it is more than a network that did not work.
    pub fn obstacle(&self) -> Option<&Obstacle> {
        match self {
            Self::NotSent { obstacle, .. } => obstacle.as_deref(),
            _ => None,
        }
    }

    /// A short stable name: TikTok's code, or one of this crate's for a call that TikTok did not answer
    /// (`not_sent`, `not_trusted`, `proxy_unknown`, `proxy_login`, `proxy_refuses`, `proxy_trouble`,
    /// `not_a_request`, `no_answer`, `not_tiktok`).
    pub fn code(&self) -> &str {
        match self {
            Self::NotSent { obstacle: Some(obstacle), .. } => match **obstacle {
                Obstacle::Certificate { .. } => "not_trusted",
                Obstacle::ProxyUnknown(_) => "proxy_unknown",
                Obstacle::ProxyLogin(_) => "proxy_login",
                Obstacle::ProxyRefuses(_) => "proxy_refuses",
                Obstacle::Proxy(_) => "proxy_trouble",
                Obstacle::Request => "not_a_request",
                Obstacle::TooLate => "not_sent",
            },
            Self::NotSent { .. } => "not_sent",
            Self::NoAnswer { .. } => "no_answer",
            Self::NotTikTok { .. } => "not_tiktok",
            Self::Refused(refusal) => refusal.code.as_str(),
        }
    }
}
