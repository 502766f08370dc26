//! URLs that TikTok can pull from.

use thiserror::Error;
use url::{Host, Url};

/// Why TikTok cannot pull from a URL.
///
/// <https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum NotPullable {
    /// No URL at all.
    #[error("not a URL")]
    Form,
    /// Another scheme.
    #[error("must be an https URL")]
    Scheme,
    /// An address instead of a name.
    #[error("the host must be a name, not an IP address")]
    Address,
    /// `https://user:password@…`.
    #[error("the URL must not carry a user name or password")]
    UserInfo,
    /// White space or control characters, which would be read differently here and there.
    #[error("the URL must not contain white space, control characters or backslashes")]
    Characters,
}

impl NotPullable {
    pub(super) fn hint(self) -> Option<&'static str> {
        match self {
            Self::Form | Self::Scheme => {
                Some("TikTok pulls over https only; a file on this machine goes into `video_path`")
            }
            Self::Address => Some("TikTok pulls only from domains that the app has verified"),
            Self::UserInfo => None,
            Self::Characters => Some("write a space as %20"),
        }
    }
}

/// Whether TikTok can pull from this URL, as far as its form tells.
pub(super) fn check(text: &str) -> Result<(), NotPullable> {
    if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err(NotPullable::Characters);
    }
    let url = Url::parse(text).map_err(|_| NotPullable::Form)?;
    if url.scheme() != "https" {
        return Err(NotPullable::Scheme);
    }
    // The URL goes to TikTok as it is written, so what a lenient parser mends is not good enough.
    if !text.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"))
        || text[8..].starts_with('/')
    {
        return Err(NotPullable::Form);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(NotPullable::UserInfo);
    }
    match url.host() {
        Some(Host::Domain(_)) => Ok(()),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => Err(NotPullable::Address),
        None => Err(NotPullable::Form),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_https_url_with_a_name_is_taken() {
        for url in [
            "https://cdn.example.com/a.mp4",
            "HTTPS://CDN.example.com:8443/a%20b.mp4?sig=x%2Fy&z#f",
            "https://münchen.example/ä.mp4",
            "https://localhost/a.mp4",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn other_urls_are_refused_with_the_reason() {
        for (url, reason) in [
            ("", NotPullable::Form),
            ("clip.mp4", NotPullable::Form),
            ("https://", NotPullable::Form),
            ("https:cdn.example.com/a.mp4", NotPullable::Form),
            ("https:///cdn.example.com/a.mp4", NotPullable::Form),
            ("http://cdn.example.com/a.mp4", NotPullable::Scheme),
            ("file:///home/me/a.mp4", NotPullable::Scheme),
            ("https://192.0.2.7/a.mp4", NotPullable::Address),
            ("https://127.1/a.mp4", NotPullable::Address),
            ("https://[2001:db8::7]/a.mp4", NotPullable::Address),
            ("https://me:pw@cdn.example.com/a.mp4", NotPullable::UserInfo),
            ("https://me@cdn.example.com/a.mp4", NotPullable::UserInfo),
            ("https://cdn.example.com/a b.mp4", NotPullable::Characters),
            (" https://cdn.example.com/a.mp4", NotPullable::Characters),
            ("https:\\\\cdn.example.com\\a.mp4", NotPullable::Characters),
            ("https://cdn.example.com/\n", NotPullable::Characters),
        ] {
            assert_eq!(check(url), Err(reason), "{url:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = check(&text);
        }
    }
}
