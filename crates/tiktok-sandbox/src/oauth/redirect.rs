//! Redirect URIs: what can be registered, and what a registered one fits.
//!
//! <https://developers.tiktok.com/doc/login-kit-desktop/>,
//! <https://developers.tiktok.com/doc/login-kit-web>

use url::Url;

/// The longest redirect URI, in characters.
const LONGEST: usize = 511;

/// The hosts of desktop apps.
const DESKTOP: [&str; 2] = ["127.0.0.1", "localhost"];

/// Why a redirect URI cannot be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    /// Not absolute, or neither http nor https.
    #[error("it is no absolute http or https address")]
    Form,
    /// 512 characters or more.
    #[error("it has 512 characters or more")]
    Length,
    /// It carries what is TikTok's to add.
    #[error("it has a query or a fragment")]
    Parts,
    /// A desktop app's without a port.
    #[error("on `localhost` or `127.0.0.1` it needs a port, or `*` for any")]
    Port,
    /// http to another host than this machine.
    #[error("http leads to `localhost` or `127.0.0.1` only; a web app needs https")]
    Host,
}

/// Checks a redirect URI as TikTok's portal does when one is registered.
pub(crate) fn check(uri: &str) -> Result<(), RedirectUriError> {
    if uri.len() > LONGEST {
        return Err(RedirectUriError::Length);
    }
    let (_, port) = split(uri).ok_or(RedirectUriError::Form)?;
    // A star is no port to a parser of addresses.
    let url = Url::parse(&uri.replacen(":*", ":1", usize::from(port == Some("*"))));
    let url = url.map_err(|_| RedirectUriError::Form)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(RedirectUriError::Form);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(RedirectUriError::Parts);
    }
    match (is_desktop(uri), port) {
        (true, None) => Err(RedirectUriError::Port),
        (true, Some(port)) if port != "*" && !is_port(port) => Err(RedirectUriError::Port),
        (false, Some("*")) => Err(RedirectUriError::Form),
        (false, _) if url.scheme() == "http" => Err(RedirectUriError::Host),
        _ => Ok(()),
    }
}

/// Whether it is a desktop app's: it leads to the machine that the browser is on.
pub(crate) fn is_desktop(uri: &str) -> bool {
    split(uri).is_some_and(|(host, _)| DESKTOP.contains(&host))
}

/// Whether a redirect URI equals a registered one, the port aside where a `*` stands for it.
pub(crate) fn fits(registered: &str, uri: &str) -> bool {
    match registered.split_once(":*") {
        None => registered == uri,
        Some((before, after)) => uri
            .strip_prefix(before)
            .and_then(|rest| rest.strip_prefix(':'))
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(is_port),
    }
}

/// Host and port as they are written.
fn split(uri: &str) -> Option<(&str, Option<&str>)> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    Some(match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    })
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<u16>().is_ok_and(|port| port > 0 && port.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_pages_can_be_registered() {
        for uri in [
            "http://localhost:3455/callback/",
            "http://127.0.0.1:*/callback/",
            "https://127.0.0.1:3455/callback/",
            "http://localhost:*",
            "http://127.0.0.1:8080/auth/tiktok",
            "https://example.com/callback",
            "https://example.com:8443/",
        ] {
            assert_eq!(check(uri), Ok(()), "{uri}");
        }
    }

    #[test]
    fn what_breaks_a_rule_cannot() {
        use RedirectUriError::{Form, Host, Length, Parts, Port};
        for (uri, why) in [
            ("callback", Form),
            ("ftp://127.0.0.1:1/", Form),
            ("https://example.com:*/callback/", Form),
            ("http://127.0.0.1/callback/", Port),
            ("http://localhost:0/", Port),
            ("http://localhost:1/?a=b", Parts),
            ("http://localhost:1/#a", Parts),
            ("http://example.com/callback/", Host),
            ("http://[::1]:3456/callback/", Host),
            ("http://192.168.0.2:3456/callback/", Host),
        ] {
            assert_eq!(check(uri), Err(why), "{uri}");
        }
        assert_eq!(check(&format!("https://example.com/{}", "a".repeat(492))), Err(Length));
        assert_eq!(check(&format!("https://example.com/{}", "a".repeat(491))), Ok(()));
    }

    #[test]
    fn a_star_stands_for_a_port_and_for_nothing_else() {
        for (registered, uri) in [
            ("http://localhost:*", "http://localhost:3456"),
            ("http://localhost:*/auth/x", "http://localhost:65535/auth/x"),
            ("http://127.0.0.1:80/", "http://127.0.0.1:80/"),
        ] {
            assert!(fits(registered, uri), "{uri}");
        }
        for (registered, uri) in [
            ("http://localhost:*", "http://localhost:3456/"),
            ("http://localhost:*/", "http://localhost:3456"),
            ("http://localhost:*/", "http://localhost:1/2/"),
            ("http://localhost:*/", "http://localhost:*/"),
            ("http://localhost:*/", "http://127.0.0.1:1/"),
        ] {
            assert!(!fits(registered, uri), "{uri}");
        }
    }
}
