//! The proxy that requests go through, as the environment names it.
//!
//! A variable that names no proxy is an error: whoever sets one does not want a direct connection instead.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::Url;

use crate::{BuildError, Secret};

/// What names a proxy for https, in the order in which it is looked for.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// What names the hosts that are reached without it.
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// The kinds of proxies, each with the port that it has if none is named.
const SCHEMES: [(&str, u16); 6] = [
    ("http", 80),
    ("https", 443),
    ("socks4", 1080),
    ("socks4a", 1080),
    ("socks5", 1080),
    ("socks5h", 1080),
];
/// So much of a proxy's answer is read, in bytes: the status comes first.
const STATUS_LINE: usize = 256;

/// A variable of the environment that should name a proxy, and does not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}")]
pub struct ProxyError {
    /// The variable.
    pub variable: &'static str,
    /// What is wrong with it. Its text is never repeated: it may hold a password.
    pub problem: ProxyProblem,
}

/// What is wrong with the name of a proxy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyProblem {
    /// Not UTF-8.
    #[error("is not UTF-8")]
    NotText,
    /// Not the address of a host.
    #[error("does not name a proxy")]
    Form,
    /// A kind of proxy that is not known.
    #[error("names a proxy of the kind `{0}`, which is not known")]
    Scheme(String),
    /// There is more behind the host and its port: the address of a web page or a script.
    #[error("has more than a host and a port")]
    Parts,
}

/// The name of a proxy, for messages: without user and password.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProxyName {
    /// The variable that names it.
    pub variable: &'static str,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl fmt::Display for ProxyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// A proxy, and which hosts are reached through it.
pub(crate) struct Proxy {
    name: ProxyName,
    scheme: &'static str,
    /// With user and password, as far as there are any.
    address: Secret,
    /// Kept, so that it is taken out of all texts.
    _password: Secret,
    /// Hosts, with commas between them.
    exceptions: String,
    matcher: Matcher,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.name).finish()
    }
}

impl Proxy {
    /// The proxy that the environment of this process names.
    pub(crate) fn from_env() -> Result<Option<Self>, ProxyError> {
        Self::find(env::var_os)
    }

    fn find(
        variable: impl Fn(&'static str) -> Option<OsString>,
    ) -> Result<Option<Self>, ProxyError> {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let value = variable(name).filter(|value| !value.is_empty())?;
                let problem = ProxyProblem::NotText;
                let text = value.into_string();
                Some(
                    text.map(|text| (*name, text))
                        .map_err(|_| ProxyError { variable: name, problem }),
                )
            })
        };
        let Some((variable, text)) = first(&VARIABLES).transpose()? else { return Ok(None) };
        if text.trim().is_empty() {
            return Ok(None);
        }
        let exceptions = first(&EXCEPTIONS).transpose()?.map(|(_, list)| list).unwrap_or_default();
        Self::parse(variable, text.trim(), &exceptions)
            .map(Some)
            .map_err(|problem| ProxyError { variable, problem })
    }

    fn parse(variable: &'static str, text: &str, exceptions: &str) -> Result<Self, ProxyProblem> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let known = SCHEMES.iter().find(|(known, _)| scheme.eq_ignore_ascii_case(known));
        let Some(&(scheme, default_port)) = known else {
            let word = |c: char| c.is_ascii_alphanumeric() || "+.-".contains(c);
            return Err(if scheme.len() <= 16 && !scheme.is_empty() && scheme.chars().all(word) {
                ProxyProblem::Scheme(scheme.to_owned())
            } else {
                ProxyProblem::Form
            });
        };
        // What a browser would overlook.
        if rest.starts_with('/') || rest.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(ProxyProblem::Form);
        }
        // As two schemes have it, each of which leaves out a port of its own.
        let [http, https] =
            ["http", "https"].map(|scheme| Url::parse(&format!("{scheme}://{rest}")));
        let (url, other) = (http.map_err(form)?, https.map_err(form)?);
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(ProxyProblem::Parts);
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(ProxyProblem::Form)?;
        let port = url.port().or_else(|| other.port()).unwrap_or(default_port);
        if port == 0 {
            return Err(ProxyProblem::Form);
        }
        let user = match (url.username(), url.password()) {
            ("", None) => String::new(),
            (user, None) => format!("{user}@"),
            (user, Some(password)) => format!("{user}:{password}@"),
        };
        let password = percent_encoding::percent_decode_str(url.password().unwrap_or_default());
        let password = Secret::new(password.decode_utf8_lossy());
        let address = format!("{scheme}://{user}{host}:{port}/");
        // The user alone is no secret.
        let address =
            if password.is_empty() { Secret::unlisted(address) } else { Secret::new(address) };
        let any = Matcher::builder().https(address.expose()).build();
        if any.intercept(&Uri::from_static("https://host/")).is_none() {
            return Err(ProxyProblem::Form);
        }
        let exceptions = list(exceptions);
        let matcher = Matcher::builder().https(address.expose()).no(exceptions.as_str()).build();
        let name = ProxyName { variable, host: host.to_owned(), port };
        Ok(Self { name, scheme, address, _password: password, exceptions, matcher })
    }

    /// The same for `reqwest`.
    pub(crate) fn for_client(&self) -> Result<reqwest::Proxy, BuildError> {
        let problem = |_| ProxyError { variable: self.name.variable, problem: ProxyProblem::Form };
        let proxy = reqwest::Proxy::https(self.address.expose()).map_err(problem)?;
        Ok(proxy.no_proxy(reqwest::NoProxy::from_string(&self.exceptions)))
    }

    /// Its name.
    pub(crate) fn name(&self) -> &ProxyName {
        &self.name
    }

    /// Whether a host is reached through it.
    pub(crate) fn is_for(&self, host: &str) -> bool {
        self.intercept(host).is_some()
    }

    fn intercept(&self, host: &str) -> Option<Intercept> {
        let target = Uri::builder().scheme("https").authority(host).path_and_query("/");
        self.matcher.intercept(&target.build().ok()?)
    }

    /// Whether it resolves the names of hosts itself, so that every name that is not found here is its own.
    pub(crate) fn resolves(&self) -> bool {
        !matches!(self.scheme, "socks4" | "socks5")
    }

    /// Whether its own name is not to be found.
    pub(crate) async fn is_unknown(&self, limit: Duration) -> bool {
        let host = self.name.host.trim_start_matches('[').trim_end_matches(']');
        let found = timeout(limit, lookup_host((host, self.name.port))).await;
        matches!(found, Ok(Err(error)) if !is_unsure(&error.to_string()))
    }

    /// The status that it answers if it is asked for a way to a host, which `reqwest` does not tell. `None`
    /// if it cannot be had.
    pub(crate) async fn status(&self, host: &str, port: u16, limit: Duration) -> Option<u16> {
        // Behind TLS it would take a connection of another kind.
        if self.scheme != "http" {
            return None;
        }
        timeout(limit, self.ask(host, port)).await.ok()?
    }

    async fn ask(&self, host: &str, port: u16) -> Option<u16> {
        let at = self.name.host.trim_start_matches('[').trim_end_matches(']');
        let mut socket = TcpStream::connect((at, self.name.port)).await.ok()?;
        let mut request =
            format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n").into_bytes();
        if let Some(credentials) = self.intercept(host)?.basic_auth() {
            request.extend_from_slice(b"Proxy-Authorization: ");
            request.extend_from_slice(credentials.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        socket.write_all(&request).await.ok()?;
        let mut answer = Vec::with_capacity(STATUS_LINE);
        let mut socket = socket.take(STATUS_LINE as u64);
        while !answer.contains(&b'\n') && socket.read_buf(&mut answer).await.ok()? > 0 {}
        status_of(&answer)
    }
}

fn form(_: url::ParseError) -> ProxyProblem {
    ProxyProblem::Form
}

/// Whether a lookup of a name failed for the network's sake: it may be found later.
pub(crate) fn is_unsure(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    ["temporary failure", "try again", "timed out"].iter().any(|words| reason.contains(words))
}

/// The status in the first line of an answer.
fn status_of(answer: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(answer.split(|byte| *byte == b'\n').next()?).ok()?;
    let mut words = line.split_ascii_whitespace();
    let status = words.next().filter(|version| version.starts_with("HTTP/")).and(words.next())?;
    status.parse().ok().filter(|status| (100..600).contains(status))
}

/// A list of exceptions as it is looked through: commas or white space between the hosts, `*.` before one
/// is the same as `.`, and a port says nothing.
fn list(exceptions: &str) -> String {
    let hosts = exceptions.split(|c: char| c == ',' || c.is_whitespace());
    let hosts = hosts.filter(|host| !host.is_empty()).map(|host| {
        let host = if host.starts_with("*.") { &host[1..] } else { host };
        match host.split_once(':') {
            Some((name, port)) if !name.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
                name
            }
            _ => host,
        }
    });
    hosts.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    fn found(set: &[(&'static str, &str)]) -> Result<Option<Proxy>, ProxyError> {
        Proxy::find(|name| set.iter().find(|(set, _)| *set == name).map(|(_, value)| value.into()))
    }

    fn named(text: &str) -> (String, String) {
        let proxy = found(&[("HTTPS_PROXY", text)]).unwrap().unwrap();
        assert!(proxy.is_for("open.tiktokapis.com") && proxy.for_client().is_ok(), "{text}");
        (proxy.name.to_string(), proxy.address.expose().to_owned())
    }

    #[test]
    fn a_proxy_is_read_as_it_is_written() {
        for (text, name, address) in [
            ("proxy:3128", "proxy:3128", "http://proxy:3128/"),
            ("proxy", "proxy:80", "http://proxy:80/"),
            (" http://proxy:80/ ", "proxy:80", "http://proxy:80/"),
            ("HTTP://Proxy.Example", "proxy.example:80", "http://proxy.example:80/"),
            ("https://proxy", "proxy:443", "https://proxy:443/"),
            ("https://proxy:80", "proxy:80", "https://proxy:80/"),
            ("http://10.0.0.1:1", "10.0.0.1:1", "http://10.0.0.1:1/"),
            ("http://[::1]:3128", "[::1]:3128", "http://[::1]:3128/"),
            ("socks5h://localhost", "localhost:1080", "socks5h://localhost:1080/"),
            ("socks5://localhost:80", "localhost:80", "socks5://localhost:80/"),
            ("socks4a://localhost:443", "localhost:443", "socks4a://localhost:443/"),
            ("me:canary@proxy:3128", "proxy:3128", "http://me:canary@proxy:3128/"),
            ("http://me:c@na:ry@proxy:1", "proxy:1", "http://me:c%40na%3Ary@proxy:1/"),
            ("http://me:can%40ry@proxy:1", "proxy:1", "http://me:can%40ry@proxy:1/"),
            ("http://me@proxy:1", "proxy:1", "http://me@proxy:1/"),
        ] {
            assert_eq!(named(text), (name.to_owned(), address.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_names_no_proxy_is_refused_without_a_word_of_it() {
        for text in [
            "ftp://proxy:21",
            "socks://proxy:1080",
            "http://",
            "http:///proxy",
            "http://:3128",
            "http://proxy:canary",
            "http://proxy:99999",
            "http://proxy:0",
            "http://me:can#ary@proxy:3128",
            "http://me:1234/ary@proxy:3128",
            "http://me:1234?ary@proxy:3128",
            "http://proxy:3128/proxy.pac",
            "http:/proxy:3128",
            "http//proxy:3128",
            "http://pro xy:3128",
            "me:canary://x@proxy:1",
            "://proxy:1",
            "http://[::1:3128",
        ] {
            let error = found(&[("https_proxy", text)]).unwrap_err();
            assert_eq!(error.variable, "https_proxy");
            let said = format!("{error} {error:?}");
            assert!(
                !["can", "ary", "1234", "me:"].iter().any(|part| said.contains(part)),
                "{said}"
            );
        }
        let error = found(&[("HTTPS_PROXY", "ftp://proxy:21")]).unwrap_err();
        assert!(error.to_string().contains("`ftp`"));
    }

    #[test]
    fn the_first_variable_that_says_something_counts() {
        let name = |set: &[_]| found(set).unwrap().map(|proxy| proxy.name);
        assert_eq!(name(&[("HTTP_PROXY", "plain:1"), ("NO_PROXY", "*")]), None);
        assert_eq!(name(&[("HTTPS_PROXY", ""), ("ALL_PROXY", "  ")]), None);
        let all = name(&[("HTTPS_PROXY", ""), ("all_proxy", "all:1")]).unwrap();
        assert_eq!((all.variable, all.to_string().as_str()), ("all_proxy", "all:1"));
        let first = name(&[("ALL_PROXY", "all:1"), ("https_proxy", "https:1")]).unwrap();
        assert_eq!(first.variable, "https_proxy");
        // One that cannot be read is not passed over.
        assert!(found(&[("HTTPS_PROXY", "ftp://x"), ("ALL_PROXY", "all:1")]).is_err());
    }

    #[test]
    fn what_is_not_text_is_refused() {
        for wrong in ["HTTPS_PROXY", "all_proxy", "NO_PROXY"] {
            let odd = OsString::from_vec(b"http://\xff:1".to_vec());
            let error = Proxy::find(|name| match name {
                name if name == wrong => Some(odd.clone()),
                "ALL_PROXY" if wrong == "NO_PROXY" => Some("proxy:1".into()),
                _ => None,
            });
            let problem = ProxyProblem::NotText;
            assert_eq!(error.unwrap_err(), ProxyError { variable: wrong, problem });
        }
    }

    #[test]
    fn exceptions_are_read_as_people_write_them() {
        let through = |exceptions: &str, host: &str| {
            let set = [("HTTPS_PROXY", "proxy:1"), ("no_proxy", exceptions)];
            found(&set).unwrap().unwrap().is_for(host)
        };
        for list in [
            "*",
            "tiktokapis.com",
            ".tiktokapis.com",
            "*.tiktokapis.com",
            "example.com, open.tiktokapis.com:443",
            "example.com open.tiktokapis.com",
        ] {
            assert!(!through(list, "open.tiktokapis.com"), "{list}");
        }
        for list in ["", "iktokapis.com", "open.tiktokapis.com.evil", "10.0.0.0/8", "::1"] {
            assert!(through(list, "open.tiktokapis.com"), "{list}");
        }
        assert!(!through("10.0.0.0/8", "10.1.2.3"));
        assert!(!through("::1", "[::1]"));
    }

    #[test]
    fn the_status_of_an_answer_is_its_second_word() {
        assert_eq!(status_of(b"HTTP/1.1 407 Proxy Authentication Required\r\n"), Some(407));
        assert_eq!(status_of(b"HTTP/1.0 403\r\nX: y\r\n\r\n"), Some(403));
        for odd in [&b""[..], b"403 no\r\n", b"HTTP/1.1 fine\r\n", b"HTTP/1.1 42\r\n", b"\xff"] {
            assert_eq!(status_of(odd), None);
        }
    }
}
