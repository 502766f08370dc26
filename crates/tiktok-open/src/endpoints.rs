//! Where TikTok is: the API's and the authorize page's base, and which others are allowed.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

/// TikTok's API host (<https://developers.tiktok.com/doc/oauth-user-access-token-management>).
const API: &str = "https://open.tiktokapis.com";
/// The host of the consent page (<https://developers.tiktok.com/doc/login-kit-desktop/>).
const AUTH: &str = "https://www.tiktok.com";

/// The two bases to which the contract's paths are appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    api: Url,
    auth: Url,
}

/// One of the two bases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// Of the API.
    Api,
    /// Of the consent page.
    Auth,
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Api => "the base URL of the API",
            Self::Auth => "the base URL of the authorize page",
        })
    }
}

/// A base URL that no request may go to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{base} {problem}")]
pub struct EndpointsError {
    /// Which one.
    pub base: Base,
    /// What is wrong with it.
    pub problem: BaseProblem,
}

/// What is wrong with a base URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BaseProblem {
    /// Not a URL at all.
    #[error("is not a URL: {0}")]
    Form(url::ParseError),
    /// Neither https, nor http on loopback.
    #[error("must be https, or http on 127.0.0.1, not `{0}`")]
    Insecure(String),
    /// Carries what a base must not carry.
    #[error("must be a plain base URL without user, query or fragment")]
    Parts,
}

impl Default for Endpoints {
    fn default() -> Self {
        // Both constants are tested below.
        Self::new(None, None).unwrap_or_else(|_| unreachable!("the built-in bases are valid"))
    }
}

impl Endpoints {
    /// TikTok's own bases, or others in their place: a proxy, or an imitation of TikTok for tests.
    /// They are https, or http on this machine.
    pub fn new(api: Option<&str>, auth: Option<&str>) -> Result<Self, EndpointsError> {
        let base = |base, text| checked(text).map_err(|problem| EndpointsError { base, problem });
        Ok(Self {
            api: base(Base::Api, api.unwrap_or(API))?,
            auth: base(Base::Auth, auth.unwrap_or(AUTH))?,
        })
    }

    /// Whether the API base is on this machine: then it is an imitation of TikTok, reached without a
    /// proxy, and an `upload_url` may be on this machine, too.
    pub fn on_loopback(&self) -> bool {
        is_loopback(&self.api)
    }

    /// The API's base as it is compared and kept with what it has issued: scheme, host, port unless it
    /// is the scheme's own, path, no slash at its end.
    pub fn api_base(&self) -> String {
        self.api.as_str().trim_end_matches('/').to_owned()
    }

    /// The base of the consent page, in the same spelling.
    pub fn auth_base(&self) -> String {
        self.auth.as_str().trim_end_matches('/').to_owned()
    }

    /// Whether the API is TikTok's own.
    pub fn is_tiktok(&self) -> bool {
        self.api_base() == API
    }

    pub(super) fn api(&self, path: &str) -> Url {
        append(&self.api, path)
    }

    pub(super) fn auth(&self, path: &str) -> Url {
        append(&self.auth, path)
    }
}

/// Whether a URL's host is a loopback address or `localhost`.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn checked(text: &str) -> Result<Url, BaseProblem> {
    let url = Url::parse(text.trim()).map_err(BaseProblem::Form)?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        scheme => {
            let host = url.host_str().unwrap_or_default();
            return Err(BaseProblem::Insecure(format!("{scheme}://{host}")));
        }
    }
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if plain { Ok(url) } else { Err(BaseProblem::Parts) }
}

fn append(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let joined = format!("{}{path}", base.path().trim_end_matches('/'));
    url.set_path(&joined);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_bases_are_tiktok() {
        let endpoints = Endpoints::default();
        assert_eq!(
            endpoints.api("/v2/oauth/token/").as_str(),
            "https://open.tiktokapis.com/v2/oauth/token/"
        );
        assert_eq!(
            endpoints.auth("/v2/auth/authorize/").as_str(),
            "https://www.tiktok.com/v2/auth/authorize/"
        );
        assert_eq!((endpoints.api_base().as_str(), endpoints.auth_base().as_str()), (API, AUTH));
        assert!(!endpoints.on_loopback());
    }

    #[test]
    fn a_base_is_compared_in_one_spelling() {
        let base = |api| Endpoints::new(api, None).unwrap().api_base();
        assert_eq!(base(None), API);
        assert_eq!(base(Some("HTTPS://Open.TikTokAPIs.com:443//")), API);
        assert_eq!(base(Some("http://127.0.0.1:80/up/")), "http://127.0.0.1/up");
        assert_ne!(base(Some("http://127.0.0.1:1")), base(Some("http://127.0.0.1:2")));
        assert!(Endpoints::default().is_tiktok());
        assert!(!Endpoints::new(Some("https://proxy.example"), None).unwrap().is_tiktok());
    }

    #[test]
    fn an_override_is_https_or_loopback() {
        for good in [
            "https://proxy.example/tiktok",
            "http://127.0.0.1:8080/",
            "http://[::1]:1",
            "http://localhost:9",
        ] {
            assert!(Endpoints::new(Some(good), None).is_ok(), "{good}");
        }
        for bad in [
            "http://example.com",
            "ftp://127.0.0.1",
            "nonsense",
            "https://u:p@h/",
            "https://h/?q",
            "http://127.0.0.1.evil/",
            "",
        ] {
            assert!(Endpoints::new(Some(bad), None).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_base_path_is_kept_and_slashes_do_not_double() {
        for base in ["http://127.0.0.1:1/up", "http://127.0.0.1:1/up/"] {
            let endpoints = Endpoints::new(Some(base), None).unwrap();
            assert_eq!(endpoints.api("/v2/x/").as_str(), "http://127.0.0.1:1/up/v2/x/");
        }
    }
}
