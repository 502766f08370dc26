//! Where TikTok is: the API's and the authorize page's base, and which others are allowed.

use std::net::IpAddr;

use url::{Host, Url};

use crate::exit::{Exit, Explain};

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

/// A base URL that no request may go to.
#[derive(Debug, thiserror::Error)]
pub enum EndpointsError {
    /// Not a URL at all.
    #[error("{name} is not a URL: {reason}")]
    Form {
        /// The setting.
        name: &'static str,
        /// The parser's words.
        reason: url::ParseError,
    },
    /// Neither https, nor http on loopback.
    #[error("{name} must be https, or http on 127.0.0.1, not `{given}`")]
    Insecure {
        /// The setting.
        name: &'static str,
        /// Scheme and host as given.
        given: String,
    },
    /// Carries what a base must not carry.
    #[error("{name} must be a plain base URL without user, query or fragment")]
    Parts {
        /// The setting.
        name: &'static str,
    },
}

impl Explain for EndpointsError {
    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("nothing was sent; unset the variable to use TikTok itself".into())
    }
}

impl Default for Endpoints {
    fn default() -> Self {
        // Both constants are tested below.
        Self::new(None, None).unwrap_or_else(|_| unreachable!("the built-in bases are valid"))
    }
}

impl Endpoints {
    /// The built-in bases, or the overrides of `TIKTOK_UP_API_URL` and `TIKTOK_UP_AUTH_URL`.
    pub fn new(api: Option<&str>, auth: Option<&str>) -> Result<Self, EndpointsError> {
        Ok(Self {
            api: base("TIKTOK_UP_API_URL", api.unwrap_or(API))?,
            auth: base("TIKTOK_UP_AUTH_URL", auth.unwrap_or(AUTH))?,
        })
    }

    /// Whether the API base is on this machine: then it is a sandbox, and rehearsal settings apply.
    pub fn on_loopback(&self) -> bool {
        is_loopback(&self.api)
    }

    /// The overrides in force, for the run to announce.
    pub fn overrides(&self) -> Vec<String> {
        let built_in = Self::default();
        [(&self.api, &built_in.api, "API"), (&self.auth, &built_in.auth, "authorize page")]
            .into_iter()
            .filter(|(used, usual, _)| used != usual)
            .map(|(used, _, what)| format!("{what} at {}", used.as_str().trim_end_matches('/')))
            .collect()
    }

    /// The API's base as it is compared and kept with what it has issued: scheme, host, port unless it
    /// is the scheme's own, path, no slash at its end.
    pub fn api_base(&self) -> String {
        self.api.as_str().trim_end_matches('/').to_owned()
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

fn base(name: &'static str, text: &str) -> Result<Url, EndpointsError> {
    let url = Url::parse(text.trim()).map_err(|reason| EndpointsError::Form { name, reason })?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        scheme => {
            let given = format!("{scheme}://{}", url.host_str().unwrap_or_default());
            return Err(EndpointsError::Insecure { name, given });
        }
    }
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if plain { Ok(url) } else { Err(EndpointsError::Parts { name }) }
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
        assert!(endpoints.overrides().is_empty());
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
