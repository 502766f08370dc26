//! The redirect URI of an app: where TikTok sends the browser with the answer to a login.
//!
//! What can be registered for a desktop app: `localhost` or `127.0.0.1`, http or https, a port or `*`
//! for any, any path, no query and no fragment
//! (<https://developers.tiktok.com/doc/login-kit-desktop/>); for a web app, https and any host
//! (<https://developers.tiktok.com/doc/login-kit-web>). What is sent must be what is registered, byte for
//! byte, so nothing of it is ever written anew but the port.

use url::Url;

/// The longest redirect URI, in bytes.
const LONGEST: usize = 511;

/// Where the browser is when nothing is configured.
const DEFAULT: (&str, &str) = ("http://127.0.0.1", "/callback/");

/// What stands for any port.
const ANY: &str = "*";

/// A redirect URI as it is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RedirectUri {
    /// Scheme and host, as they are written.
    start: String,
    /// The port as it is written, or [`ANY`].
    port: Option<String>,
    /// The path as it is written, with or without a slash at its end; may be empty.
    path: String,
    target: Target,
}

/// Whom a redirect URI leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// This machine, by its address.
    Loopback,
    /// This machine, by its name.
    Localhost,
    /// This machine by https, which needs a certificate that no browser trusts.
    Tls,
    /// Another one: a web app's.
    Web,
}

/// Why a text is no redirect URI that TikTok takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RedirectUriError {
    /// Not an address at all, or too long, or with more to it than a path.
    #[error(
        "not a redirect URI such as `http://127.0.0.1:3456/callback/`, without query and fragment"
    )]
    Form,
    /// http to another machine.
    #[error("TikTok takes http for `127.0.0.1` and `localhost` only; any other host needs https")]
    Host,
    /// No port.
    #[error("TikTok wants a port in it, such as `:3456`, or `:*` if that is what is registered")]
    Port,
}

impl Default for RedirectUri {
    /// `http://127.0.0.1:*/callback/`.
    fn default() -> Self {
        let (start, path) = DEFAULT;
        Self {
            start: start.to_owned(),
            port: Some(ANY.to_owned()),
            path: path.to_owned(),
            target: Target::Loopback,
        }
    }
}

impl RedirectUri {
    /// Reads what a user has registered with TikTok.
    pub(crate) fn parse(text: &str) -> Result<Self, RedirectUriError> {
        let plain = |char: char| char.is_ascii_graphic() && char != '\\';
        if text.len() > LONGEST || !text.chars().all(plain) {
            return Err(RedirectUriError::Form);
        }
        let (scheme, rest) = text.split_once("://").ok_or(RedirectUriError::Form)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let any = port == Some(ANY);
        // A star is no port to a parser of addresses.
        let parsed = if any { format!("{scheme}://{host}:1{path}") } else { text.to_owned() };
        let url = Url::parse(&parsed).map_err(|_| RedirectUriError::Form)?;
        let has_more = url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some();
        if has_more || !matches!(url.scheme(), "http" | "https") {
            return Err(RedirectUriError::Form);
        }
        let target = match (url.host_str(), url.scheme()) {
            (Some("127.0.0.1"), "http") => Target::Loopback,
            (Some("localhost"), "http") => Target::Localhost,
            (Some("127.0.0.1" | "localhost"), _) => Target::Tls,
            (_, "http") => return Err(RedirectUriError::Host),
            _ => Target::Web,
        };
        let number = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
        match (target, port) {
            (Target::Web, port) if any || port.is_some_and(|port| !number(port)) => {
                return Err(RedirectUriError::Form);
            }
            (Target::Web, _) => {}
            (_, Some(port)) if any || number(port) => {}
            _ => return Err(RedirectUriError::Port),
        }
        Ok(Self {
            start: format!("{scheme}://{host}"),
            port: port.map(ToOwned::to_owned),
            path: path.to_owned(),
            target,
        })
    }

    /// Whether this program can wait where it leads to.
    pub(crate) fn can_be_listened_on(&self) -> bool {
        matches!(self.target, Target::Loopback | Target::Localhost)
    }

    /// Whether it names this machine by `localhost`, which may be its IPv6 address, too.
    pub(crate) fn is_localhost(&self) -> bool {
        self.target == Target::Localhost
    }

    /// Whether it belongs to a desktop app.
    pub(crate) fn is_desktop(&self) -> bool {
        self.target != Target::Web
    }

    /// The port, unless any will do.
    pub(crate) fn port(&self) -> Option<u16> {
        self.port.as_deref().filter(|port| *port != ANY)?.parse().ok()
    }

    /// The address to send, on this port; a web app's stays as it is.
    pub(crate) fn on(&self, port: u16) -> String {
        if self.is_desktop() && self.port() != Some(port) {
            format!("{}:{port}{}", self.start, self.path)
        } else {
            self.text()
        }
    }

    /// The address to send, if it leaves nothing open.
    pub(crate) fn fixed(&self) -> Option<String> {
        (self.port.as_deref() != Some(ANY)).then(|| self.text())
    }

    /// As it is registered.
    pub(crate) fn text(&self) -> String {
        let port = self.port.as_ref().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}{port}{}", self.start, self.path)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_that_tiktok_takes_is_one() {
        for (text, listens, port) in [
            ("http://127.0.0.1:3456/callback/", true, Some(3456)),
            ("http://127.0.0.1:*/callback/", true, None),
            ("http://localhost:3455/callback/", true, Some(3455)),
            ("http://localhost:8080", true, Some(8080)),
            ("http://localhost:*", true, None),
            ("http://localhost:8080/", true, Some(8080)),
            ("http://LocalHost:8080/auth/tiktok", true, Some(8080)),
            ("http://127.0.0.1:80/callback", true, Some(80)),
            ("https://127.0.0.1:3455/callback/", false, Some(3455)),
            ("https://localhost:*/callback/", false, None),
            ("https://example.com/callback/", false, None),
            ("https://example.com:8443/callback", false, Some(8443)),
        ] {
            let uri = RedirectUri::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((uri.can_be_listened_on(), uri.port()), (listens, port), "{text}");
            assert_eq!(uri.text(), text);
        }
    }

    #[test]
    fn what_tiktok_does_not_take_is_none() {
        use RedirectUriError::{Form, Host, Port};
        for (text, why) in [
            ("callback", Form),
            ("", Form),
            ("ftp://127.0.0.1:1/callback/", Form),
            ("http://127.0.0.1:1/callback/?x=1", Form),
            ("http://127.0.0.1:1/#x", Form),
            ("http://user@127.0.0.1:1/", Form),
            ("http://127.0.0.1:1/ä", Form),
            ("http://127.0.0.1:1/a b", Form),
            ("https://example.com:*/callback/", Form),
            ("http://127.0.0.1/callback/", Port),
            ("http://localhost/", Port),
            ("http://localhost:0/", Port),
            ("http://example.com/callback/", Host),
            ("http://[::1]:3456/callback/", Host),
        ] {
            assert_eq!(RedirectUri::parse(text), Err(why), "{text}");
        }
        assert_eq!(RedirectUri::parse("http://127.0.0.1:99999/"), Err(Form));
    }

    #[test]
    fn only_the_port_is_ever_written_anew() {
        for (text, port, expected) in [
            ("http://127.0.0.1:*/callback/", 1, "http://127.0.0.1:1/callback/"),
            ("http://localhost:3456/a//b", 9, "http://localhost:9/a//b"),
            ("http://localhost:*", 9, "http://localhost:9"),
            ("http://localhost:03456/", 3456, "http://localhost:03456/"),
            ("https://example.com/callback", 9, "https://example.com/callback"),
        ] {
            assert_eq!(RedirectUri::parse(text).unwrap().on(port), expected);
        }
        assert_eq!(RedirectUri::default().on(3456), "http://127.0.0.1:3456/callback/");
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "(https?://)?[a-z0-9.:*/@?#\\[\\]%-]{0,40}") {
            if let Ok(uri) = RedirectUri::parse(&text) {
                prop_assert_eq!(uri.text(), text);
            }
        }
    }
}
