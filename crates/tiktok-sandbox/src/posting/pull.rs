//! URLs that TikTok is asked to fetch. The sandbox never fetches anything.
//!
//! <https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide#pull_from_url>

use url::{Host, Url};

use super::fields::SOURCE_INFO;
use crate::envelope::Refusal;

/// Holds a URL against the rules: https, a name and no address, under a verified domain or prefix.
pub(super) fn check(text: &str, verified: &[String]) -> Result<(), Refusal> {
    let url = Url::parse(text).ok().filter(|url| url.scheme() == "https");
    let Some((url, Host::Domain(host))) = url.as_ref().and_then(|url| Some((url, url.host()?)))
    else {
        return Err(Refusal::params(SOURCE_INFO));
    };
    if verified.iter().any(|property| covers(property, url, host)) {
        Ok(())
    } else {
        Err(Refusal::coded("url_ownership_unverified"))
    }
}

/// A domain covers its paths and subdomains, a prefix what starts with it.
fn covers(property: &str, url: &Url, host: &str) -> bool {
    if property.contains("://") {
        return url.as_str().starts_with(property);
    }
    host == property || host.strip_suffix(property).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(url: &str) -> String {
        let verified = ["verified.example".to_owned(), "https://cdn.example/mine/".to_owned()];
        check(url, &verified).map_or_else(|refusal| refusal.code, |()| "ok".to_owned())
    }

    #[test]
    fn a_domain_covers_its_subdomains_and_a_prefix_only_what_starts_with_it() {
        for (url, expected) in [
            ("https://verified.example/a.mp4", "ok"),
            ("https://deep.sub.verified.example/a.mp4?x=1", "ok"),
            ("https://cdn.example/mine/a.mp4", "ok"),
            ("https://cdn.example/theirs/a.mp4", "url_ownership_unverified"),
            ("https://cdn.example/mine", "url_ownership_unverified"),
            ("https://sub.cdn.example/mine/a.mp4", "url_ownership_unverified"),
            ("https://notverified.example/a.mp4", "url_ownership_unverified"),
            ("https://example/a.mp4", "url_ownership_unverified"),
            ("http://verified.example/a.mp4", "invalid_params"),
            ("https://127.0.0.1/a.mp4", "invalid_params"),
            ("https://[::1]/a.mp4", "invalid_params"),
            ("verified.example/a.mp4", "invalid_params"),
            ("", "invalid_params"),
        ] {
            assert_eq!(verdict(url), expected, "{url}");
        }
    }
}
