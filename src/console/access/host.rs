//! Under which names the console is asked for. A page of another site can lead a name of its own to this machine
//! ("DNS rebinding"); its requests then carry that name, so what is not exactly one of ours is told nothing.

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use http::header::{AsHeaderName, HOST, HeaderMap, HeaderValue, ORIGIN};
use http::uri::Authority;

use crate::console::server::Listen;

/// A host as it is written in an address, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Ip(IpAddr),
    /// In lower case.
    Name(String),
}

/// A host with the port that was named, if one was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    host: Host,
    port: Option<u16>,
}

impl Place {
    /// Reads `host`, `host:port` or `[v6]:port`, and nothing that could be read in two ways.
    fn parse(text: &str) -> Option<Self> {
        let authority: Authority = text.parse().ok()?;
        if text.contains('@') {
            return None;
        }
        let name = authority.host();
        let port = match text.strip_prefix(name)?.strip_prefix(':') {
            None => None,
            Some(digits) => {
                let port: u16 = digits.parse().ok()?;
                (port.to_string() == digits).then_some(port)?.into()
            }
        };
        let inner = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        let host = match inner {
            Some(address) => Host::Ip(IpAddr::V6(address.parse().ok()?)),
            None => name.parse().map_or_else(
                |_| Host::Name(name.to_ascii_lowercase()),
                |address| Host::Ip(IpAddr::V4(address)),
            ),
        };
        (host != Host::Name(String::new())).then_some(Self { host, port })
    }

    fn is_localhost(&self) -> bool {
        self.host == Host::Name("localhost".to_owned())
    }
}

/// The scheme, host and port of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    https: bool,
    place: Place,
}

impl Origin {
    /// Reads `https://host`, `https://host:port`, or the same with http; no path may follow.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let https = match scheme {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let place = Place::parse(authority)?;
        Some(Self { https, place })
    }

    /// Whether browsers reach it by https.
    pub(crate) fn is_https(&self) -> bool {
        self.https
    }

    fn port(&self) -> u16 {
        self.place.port.unwrap_or(default_port(self.https))
    }

    fn is_same(&self, other: &Self) -> bool {
        self.https == other.https
            && self.place.host == other.place.host
            && self.port() == other.port()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        match &self.place.host {
            Host::Ip(IpAddr::V6(address)) => write!(f, "{scheme}://[{address}]"),
            Host::Ip(address) => write!(f, "{scheme}://{address}"),
            Host::Name(name) => write!(f, "{scheme}://{name}"),
        }?;
        self.place.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

fn default_port(https: bool) -> u16 {
    if https { 443 } else { 80 }
}

/// All names of the console.
#[derive(Debug)]
pub(super) struct Hosts {
    listen: Listen,
    https: bool,
    public: Option<Origin>,
}

impl Hosts {
    /// `listen` has the port that is really listened on; `public` is where a reverse proxy shows the console.
    pub(super) fn new(listen: Listen, https: bool, public: Option<Origin>) -> Self {
        Self { listen, https, public }
    }

    /// The address to be told to people.
    pub(super) fn address(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        match (&self.public, &self.listen) {
            (Some(public), _) => public.to_string(),
            (None, Listen::Unix(_)) => format!("{scheme}://localhost"),
            (None, Listen::Tcp(address)) if address.ip().is_unspecified() => {
                format!("{scheme}://localhost:{}", address.port())
            }
            (None, Listen::Tcp(address)) => format!("{scheme}://{address}"),
        }
    }

    /// The name under which a request asks for the console; `None` if that is not one of its names, or if the request
    /// names none or more than one.
    pub(super) fn asked(&self, headers: &HeaderMap, uri: &Uri) -> Option<Place> {
        let place = Place::parse(only(headers, HOST)?.to_str().ok()?)?;
        let named_twice = uri.authority().map(|authority| Place::parse(authority.as_str()));
        let agrees = named_twice.is_none_or(|named| named.as_ref() == Some(&place));
        (agrees && (self.is_here(&place) || self.is_public(&place))).then_some(place)
    }

    /// Whether a request comes from one of the console's own pages. Without the header it does not, whatever else it
    /// says.
    pub(super) fn is_from_here(&self, headers: &HeaderMap, asked: &Place) -> bool {
        let origin = only(headers, ORIGIN).and_then(|origin| origin.to_str().ok());
        let Some(origin) = origin.and_then(Origin::parse) else { return false };
        if self.public.as_ref().is_some_and(|public| public.is_same(&origin)) {
            return true;
        }
        // Where the console has any number of names, the page must come from the very one that is asked.
        let is_exact =
            matches!(self.listen, Listen::Tcp(address) if !address.ip().is_unspecified());
        origin.https == self.https
            && self.is_here(&origin.place)
            && (is_exact || origin.place == *asked)
    }

    fn is_here(&self, place: &Place) -> bool {
        match &self.listen {
            Listen::Tcp(address) => {
                let is_host = match place.host {
                    // No name of another site leads here if an address is asked for.
                    Host::Ip(ip) => address.ip() == ip || address.ip().is_unspecified(),
                    Host::Name(_) => {
                        place.is_localhost()
                            && (address.ip().is_loopback() || address.ip().is_unspecified())
                    }
                };
                is_host && place.port.unwrap_or(default_port(self.https)) == address.port()
            }
            // Whatever port leads to the socket, such as that of `ssh -L`, is on the browser's own machine.
            Listen::Unix(_) => match place.host {
                Host::Ip(ip) => ip.is_loopback(),
                Host::Name(_) => place.is_localhost(),
            },
        }
    }

    fn is_public(&self, place: &Place) -> bool {
        self.public.as_ref().is_some_and(|public| {
            let port = place.port.unwrap_or(default_port(public.https));
            public.place.host == place.host && public.port() == port
        })
    }
}

/// The value of a header that is there exactly once.
pub(super) fn only(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(address: &str) -> Hosts {
        Hosts::new(Listen::Tcp(address.parse().unwrap()), false, None)
    }

    fn is_asked(hosts: &Hosts, values: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HOST, value.parse().unwrap());
        }
        hosts.asked(&headers, &Uri::from_static("/")).is_some()
    }

    fn is_from_here(hosts: &Hosts, host: &str, origin: &str) -> bool {
        let headers = HeaderMap::from_iter([
            (HOST, host.parse().unwrap()),
            (ORIGIN, origin.parse().unwrap()),
        ]);
        let asked = hosts.asked(&headers, &Uri::from_static("/")).unwrap();
        hosts.is_from_here(&headers, &asked)
    }

    #[test]
    fn exactly_what_is_listened_on_is_a_name_of_the_console() {
        let v4 = hosts("127.0.0.1:8723");
        for host in ["127.0.0.1:8723", "localhost:8723", "LocalHost:8723"] {
            assert!(is_asked(&v4, &[host]), "{host}");
        }
        assert!(is_asked(&hosts("[::1]:8723"), &["[::1]:8723"]));
        assert!(is_asked(&hosts("127.0.0.1:80"), &["localhost"]));
        for host in [
            "127.evil.com",
            "127.evil.com:8723",
            "127.0.0.1.evil.com:8723",
            "localhost.evil:8723",
            "localhost.:8723",
            "evil@127.0.0.1:8723",
            "127.0.0.1:8723@evil.com",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:8724",
            "127.0.0.1:08723",
            "127.0.0.1:74259",
            "127.0.0.2:8723",
            "127.1:8723",
            "0x7f.0.0.1:8723",
            "2130706433:8723",
            "0.0.0.0:8723",
            "[::1]:8723",
            "[::ffff:127.0.0.1]:8723",
            "::1:8723",
            "",
            ":8723",
            "127.0.0.1:8723/",
            "http://127.0.0.1:8723",
        ] {
            assert!(!is_asked(&v4, &[host]), "{host}");
        }
        assert!(!is_asked(&v4, &[]));
        assert!(!is_asked(&v4, &["127.0.0.1:8723", "127.0.0.1:8723"]));
    }

    #[test]
    fn the_target_of_a_request_may_not_name_another_host() {
        let hosts = hosts("127.0.0.1:8723");
        let headers = HeaderMap::from_iter([(HOST, "127.0.0.1:8723".parse().unwrap())]);
        assert!(hosts.asked(&headers, &"http://127.0.0.1:8723/".parse().unwrap()).is_some());
        assert!(hosts.asked(&headers, &"http://evil.com/".parse().unwrap()).is_none());
    }

    #[test]
    fn every_address_is_a_name_where_all_are_listened_on_and_no_name_is() {
        let hosts = hosts("0.0.0.0:8723");
        assert!(is_asked(&hosts, &["192.168.1.5:8723"]) && is_asked(&hosts, &["localhost:8723"]));
        assert!(!is_asked(&hosts, &["evil.com:8723"]) && !is_asked(&hosts, &["192.168.1.5"]));
        assert!(is_from_here(&hosts, "10.0.0.5:8723", "http://10.0.0.5:8723"));
        assert!(!is_from_here(&hosts, "10.0.0.5:8723", "http://10.0.0.66:8723"));
    }

    #[test]
    fn a_socket_is_asked_for_by_local_names_and_its_pages_come_from_the_same_port() {
        let hosts = Hosts::new(Listen::Unix("/x".into()), false, None);
        for host in ["localhost", "localhost:9000", "127.0.0.1:9000"] {
            assert!(is_asked(&hosts, &[host]), "{host}");
        }
        assert!(!is_asked(&hosts, &["evil.com"]) && !is_asked(&hosts, &["10.0.0.1"]));
        assert!(is_from_here(&hosts, "localhost:9000", "http://localhost:9000"));
        assert!(!is_from_here(&hosts, "localhost:9000", "http://localhost:9001"));
        assert!(!is_from_here(&hosts, "localhost", "http://localhost:9001"));
    }

    #[test]
    fn only_pages_of_the_console_are_from_here() {
        let hosts = hosts("127.0.0.1:8723");
        let from = |origin| is_from_here(&hosts, "127.0.0.1:8723", origin);
        assert!(from("http://127.0.0.1:8723") && from("http://localhost:8723"));
        for origin in [
            "null",
            "",
            "https://127.0.0.1:8723",
            "http://127.0.0.1",
            "http://127.0.0.1:8724",
            "http://127.0.0.1:8723/",
            "http://127.0.0.1.evil.com:8723",
            "http://evil.com",
            "127.0.0.1:8723",
            "file://",
        ] {
            assert!(!from(origin), "{origin}");
        }
    }

    #[test]
    fn a_public_origin_is_one_more_name() {
        let public = Origin::parse("https://post.example.com").unwrap();
        let listen = Listen::Tcp("127.0.0.1:8723".parse().unwrap());
        let hosts = Hosts::new(listen, false, Some(public));
        assert_eq!(hosts.address(), "https://post.example.com");
        assert!(is_asked(&hosts, &["post.example.com"]));
        assert!(is_asked(&hosts, &["post.example.com:443"]));
        assert!(is_asked(&hosts, &["127.0.0.1:8723"]));
        assert!(!is_asked(&hosts, &["post.example.com:80"]));
        assert!(!is_asked(&hosts, &["post.example.com.evil.com"]));
        assert!(is_from_here(&hosts, "127.0.0.1:8723", "https://post.example.com"));
        assert!(!is_from_here(&hosts, "127.0.0.1:8723", "http://post.example.com"));
    }

    #[test]
    fn an_origin_is_written_as_it_was() {
        for text in ["https://a.example", "http://127.0.0.1:1", "https://[::1]:8723"] {
            assert_eq!(Origin::parse(text).unwrap().to_string(), text);
        }
        for text in ["a.example", "ftp://a.example", "https://", "https://a.example/b"] {
            assert_eq!(Origin::parse(text), None, "{text}");
        }
    }
}
