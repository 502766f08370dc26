//! Chunks: the check of `upload_url`, and the PUT.
//! <https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide>.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

pub use reqwest::Body;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap};
use url::{Host, Url};

use crate::endpoints::is_loopback;
use crate::transport::Transport;
use crate::{Endpoints, Error, Secret, text};

/// The host in the samples of the documentation
/// (<https://developers.tiktok.com/doc/content-posting-api-reference-direct-post>).
const SAMPLE: &str = "https://open-upload.tiktokapis.com/";

/// How long the body of an answer may take.
const DRAINED_WITHIN: Duration = Duration::from_secs(1);

/// A checked `upload_url`: a secret that bytes may be sent to.
#[derive(Clone)]
pub struct UploadUrl(Url);

/// An `upload_url` that no byte may be sent to. Only ever names the host.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("TikTok named `{host}` as upload host, {why}")]
pub struct UploadUrlError {
    host: String,
    why: &'static str,
}

impl UploadUrlError {
    /// The host that TikTok named.
    pub fn host(&self) -> &str {
        &self.host
    }
}

impl fmt::Debug for UploadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UploadUrl({}, redacted)", self.host())
    }
}

impl UploadUrl {
    /// Checks where the bytes would go: https on `tiktokapis.com` or a subdomain, default port, no
    /// user info; loopback only if the API itself is there.
    pub fn check(url: &Secret, endpoints: &Endpoints) -> Result<Self, UploadUrlError> {
        let refuse = |host: &str, why| Err(UploadUrlError { host: text::plain(host), why });
        let Ok(url) = Url::parse(url.expose()) else {
            return refuse("(unreadable)", "which is not a URL");
        };
        let host = url.host_str().unwrap_or_default().to_owned();
        if !url.username().is_empty() || url.password().is_some() {
            return refuse(&host, "with user info in the URL");
        }
        if endpoints.on_loopback() && is_loopback(&url) && matches!(url.scheme(), "http" | "https")
        {
            return Ok(Self(url));
        }
        let tiktok = match url.host() {
            Some(Host::Domain(name)) => {
                name == "tiktokapis.com" || name.ends_with(".tiktokapis.com")
            }
            _ => false,
        };
        if !tiktok {
            return refuse(&host, "which is not a host of tiktokapis.com");
        }
        if url.scheme() != "https" {
            return refuse(&host, "but not with https");
        }
        if url.port().is_some() {
            return refuse(&host, "but on another port than 443");
        }
        Ok(Self(url))
    }

    /// The host, which may be shown.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

/// Where the samples of the documentation send chunks.
pub(super) fn sample_host() -> Url {
    Url::parse(SAMPLE).unwrap_or_else(|_| unreachable!("the constant is an address"))
}

/// The bytes of one chunk within the file: `bytes FIRST-LAST/TOTAL`, zero-based and inclusive, so that it
/// holds at least one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRange {
    first: u64,
    last: u64,
    total: u64,
}

impl ContentRange {
    /// These bytes of a file of `total` bytes. `None` if there are none,
    /// or if they go beyond the end of the file.
    pub fn new(bytes: Range<u64>, total: u64) -> Option<Self> {
        let Range { start: first, end } = bytes;
        (first < end && end <= total).then(|| Self { first, last: end - 1, total })
    }

    /// Position of the first byte.
    pub fn first(self) -> u64 {
        self.first
    }

    /// Position of the last byte.
    pub fn last(self) -> u64 {
        self.last
    }

    /// Size of the file.
    pub fn total(self) -> u64 {
        self.total
    }

    /// Bytes in the range.
    #[expect(clippy::len_without_is_empty, reason = "a range of the wire holds at least one byte")]
    pub fn len(self) -> u64 {
        self.last - self.first + 1
    }
}

impl fmt::Display for ContentRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bytes {}-{}/{}", self.first, self.last, self.total)
    }
}

/// The answer to a chunk: its status, and the progress header if it could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PutAnswer {
    /// HTTP status.
    pub status: u16,
    /// The number after the dash of `Content-Range: bytes 0-N/TOTAL`: the last position or a count,
    /// which the documentation leaves open.
    pub progress: Option<u64>,
}

/// Sends one chunk.
pub(super) async fn put(
    transport: &Transport,
    url: &UploadUrl,
    content_type: &'static str,
    range: ContentRange,
    body: Body,
) -> Result<PutAnswer, Error> {
    let request = transport
        .put(url.0.clone())
        .header(CONTENT_TYPE, content_type)
        .header(CONTENT_LENGTH, range.len())
        .header(CONTENT_RANGE, range.to_string())
        .body(body);
    let response = transport.send("upload", request).await?;
    let answer = PutAnswer {
        status: response.status().as_u16(),
        progress: progress(response.headers(), range.total),
    };
    // The body is `null` or empty, and the answer is known already. Reading it to its end keeps the
    // connection; one that does not end costs the connection, not the chunk.
    _ = tokio::time::timeout(DRAINED_WITHIN, drain(response)).await;
    Ok(answer)
}

async fn drain(mut response: reqwest::Response) {
    const ENOUGH: usize = 64 << 10;
    let mut seen = 0;
    while let Ok(Some(piece)) = response.chunk().await {
        seen += piece.len();
        if seen > ENOUGH {
            return;
        }
    }
}

/// Reads `Content-Range: bytes 0-N/TOTAL` of an answer; anything else is no information.
fn progress(headers: &HeaderMap, total: u64) -> Option<u64> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    parse_progress(text, total)
}

fn parse_progress(text: &str, total: u64) -> Option<u64> {
    let (range, whole) = text.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let number = |text: &str| -> Option<u64> {
        let text = text.trim();
        text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
    };
    (number(first)? == 0 && number(whole)? == total).then(|| number(last))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_may_be_sent_to_the_host_of_the_samples() {
        let host = Secret::unlisted(sample_host().as_str());
        assert!(UploadUrl::check(&host, &Endpoints::default()).is_ok());
    }

    fn check(url: &str, api: Option<&str>) -> bool {
        UploadUrl::check(&Secret::new(url), &Endpoints::new(api, None).unwrap()).is_ok()
    }

    #[test]
    fn t21_bytes_go_to_tiktok_alone() {
        for good in [
            "https://open-upload.tiktokapis.com/video/?upload_id=1&upload_token=x",
            "https://open-upload-sg.tiktokapis.com/upload?upload_id=1",
            "https://upload.us.tiktokapis.com:443/x",
            "https://tiktokapis.com/",
        ] {
            assert!(check(good, None), "{good}");
        }
        for bad in [
            "http://open-upload.tiktokapis.com/",
            "https://u:p@open-upload.tiktokapis.com/",
            "https://u@open-upload.tiktokapis.com/",
            "https://open-upload.tiktokapis.com:8443/",
            "https://eviltiktokapis.com/",
            "https://x.tiktokapis.com.evil/",
            "https://tiktokapis.com.evil/",
            "https://1.2.3.4/",
            "https://[::1]/",
            "https://127.0.0.1/",
            "http://127.0.0.1:1/",
            "ftp://open-upload.tiktokapis.com/",
            "open-upload.tiktokapis.com",
            "",
        ] {
            assert!(!check(bad, None), "{bad}");
        }
    }

    #[test]
    fn t21_loopback_needs_a_loopback_api() {
        let api = Some("http://127.0.0.1:9");
        assert!(check("http://127.0.0.1:1/upload?x", api));
        assert!(check("https://127.0.0.1:1/upload?x", api));
        assert!(!check("http://10.0.0.1/upload", api));
        assert!(!check("http://127.0.0.1:1/", Some("https://proxy.example")));
    }

    #[test]
    fn a_refused_url_shows_its_host_only() {
        let error = UploadUrl::check(
            &Secret::new("https://evil.test/p?token=canary"),
            &Endpoints::default(),
        )
        .unwrap_err();
        assert!(error.to_string().contains("evil.test") && !error.to_string().contains("canary"));
    }

    #[test]
    fn a_range_without_bytes_is_none() {
        let range = ContentRange::new(5..8, 8).unwrap();
        assert_eq!((range.to_string().as_str(), range.len()), ("bytes 5-7/8", 3));
        #[expect(clippy::reversed_empty_ranges, reason = "this is what is refused")]
        for none in [0..0, 5..5, 8..8, 6..5, 5..0, 0..9, 8..9] {
            assert_eq!(ContentRange::new(none.clone(), 8), None, "{none:?}");
        }
    }

    #[test]
    fn progress_is_read_strictly() {
        assert_eq!(parse_progress("bytes 0-9999999/50000123", 50_000_123), Some(9_999_999));
        for odd in [
            "bytes 5-9/50",
            "bytes 0-9/51",
            "bytes */50",
            "0-9/50",
            "bytes 0-+9/50",
            "bytes 0--9/50",
            "bytes 0-9",
            "",
        ] {
            assert_eq!(parse_progress(odd, 50), None, "{odd}");
        }
    }
}
