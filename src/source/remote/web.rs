//! A file behind an https URL, such as a presigned link of an object store.
//!
//! It is only ever read by GET: a link that is signed for GET is not valid for HEAD.

use std::fmt;
use std::ops::Range;

use futures_util::future::BoxFuture;
use futures_util::stream;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{
    CONTENT_ENCODING, CONTENT_RANGE, DATE, ETAG, HeaderMap, HeaderName, IF_MATCH,
    IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
};
use reqwest::{Client, Response};
use tiktok_open::RequestTrouble;
use url::Url;

use super::{Part, Pin, Ranges, RemoteTrouble};
use crate::model::WebAddress;
use crate::text::{chain, plain};
use crate::timing::Timing;

/// How this program names itself.
const USER_AGENT: &str = concat!("tiktok-up/", env!("CARGO_PKG_VERSION"));

/// What times are told to.
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// The most of a refusal that is read, in bytes: its code stands in the beginning.
const REFUSAL: usize = 4 << 10;

/// Idle connections that are kept: one of the bytes, one of the checks between them.
const IDLE: usize = 2;

/// A file behind an https URL.
pub(in crate::source) struct WebFile {
    address: WebAddress,
    url: Url,
    client: Client,
}

/// Without the query, which may be a signature.
impl fmt::Debug for WebFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebFile").field("address", &self.address).finish_non_exhaustive()
    }
}

impl WebFile {
    /// Nothing is asked yet.
    pub(in crate::source) fn new(
        address: &WebAddress,
        timing: &Timing,
    ) -> Result<Self, RemoteTrouble> {
        let url: Url = address
            .expose()
            .parse()
            .map_err(|_| RemoteTrouble::Setup("its address is none".to_owned()))?;
        let client = tiktok_open::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(timing.connect)
            .idle_connections(IDLE)
            .public_hosts_only()
            .build_for_others(&url)
            .map_err(|error| RemoteTrouble::Setup(chain(&error)))?;
        Ok(Self { address: address.clone(), url, client })
    }

    async fn ask(&self, range: Range<u64>, pin: Option<&Pin>) -> Result<Part, RemoteTrouble> {
        let last = range.end.saturating_sub(1);
        let mut request = self
            .client
            .get(self.url.clone())
            .header(RANGE, format!("bytes={}-{last}", range.start));
        if let Some(pin) = pin {
            // A weak tag matches nothing here; what the answer says is compared in any case.
            if let Some(tag) = pin.strong_etag() {
                request = request.header(IF_MATCH, tag);
            } else if let Some(modified) = &pin.modified {
                request = request.header(IF_UNMODIFIED_SINCE, modified);
            }
        }
        let answer = request.send().await.map_err(|error| trouble(&error))?;
        let status = answer.status().as_u16();
        let headers = answer.headers();
        match status {
            206 => {}
            416 => return nothing_there(headers, pin),
            _ => return Err(refusal(answer).await),
        }
        let encoding = text(headers, &CONTENT_ENCODING);
        if encoding.is_some_and(|encoding| encoding != "identity") {
            return Err(RemoteTrouble::NoRanges(status));
        }
        let (first, end, size) = text(headers, &CONTENT_RANGE)
            .as_deref()
            .and_then(content_range)
            .ok_or(RemoteTrouble::NoRanges(status))?;
        if first != range.start || end != range.end.min(size) {
            return Err(RemoteTrouble::NoRanges(status));
        }
        let found = pin_of(headers, size);
        // https://www.rfc-editor.org/rfc/rfc9110#section-8.8.2.2
        if pin.is_none() && found.strong_etag().is_none() && found.version.is_none() {
            let [modified, now] = [LAST_MODIFIED, DATE].map(|name| text(headers, &name));
            let is_just_changed =
                match (modified.as_deref().and_then(time), now.as_deref().and_then(time)) {
                    (Some(modified), Some(now)) => now.duration_since(modified) < SECOND,
                    _ => false,
                };
            if is_just_changed {
                return Err(RemoteTrouble::JustChanged);
            }
        }
        Ok(Part { pin: found, bytes: Box::pin(pieces(answer)) })
    }
}

impl Ranges for WebFile {
    fn get<'a>(
        &'a self,
        range: Range<u64>,
        pin: Option<&'a Pin>,
    ) -> BoxFuture<'a, Result<Part, RemoteTrouble>> {
        tracing::debug!(of = self.address.shown(), ?range, "asked for a part");
        Box::pin(self.ask(range, pin))
    }
}

/// The body of an answer, piece by piece.
fn pieces(
    answer: Response,
) -> impl futures_util::Stream<Item = Result<bytes::Bytes, RemoteTrouble>> {
    stream::unfold(Some(answer), async |answer| {
        let mut answer = answer?;
        match answer.chunk().await {
            Ok(Some(piece)) => Some((Ok(piece), Some(answer))),
            Ok(None) => None,
            Err(error) => Some((Err(trouble(&error)), None)),
        }
    })
}

pub(super) fn trouble(error: &reqwest::Error) -> RemoteTrouble {
    match RequestTrouble::of(error) {
        RequestTrouble::Certificate(why) => RemoteTrouble::NotTrusted(why),
        RequestTrouble::NotPublic(address) => RemoteTrouble::NotPublic(address.0),
        RequestTrouble::Network(why) => RemoteTrouble::Network(why),
        other => RemoteTrouble::Network(format!("{other:?}")),
    }
}

/// What an answer means that is no part of the file.
async fn refusal(answer: Response) -> RemoteTrouble {
    let status = answer.status().as_u16();
    // Of a whole file nothing is read.
    if answer.status().is_success() {
        return RemoteTrouble::NoRanges(status);
    }
    let code = code_in(&refusal_text(answer).await);
    meaning(status, code, true)
}

/// The beginning of what is said with a refusal.
pub(super) async fn refusal_text(mut answer: Response) -> String {
    let mut said = Vec::new();
    while said.len() < REFUSAL
        && let Ok(Some(piece)) = answer.chunk().await
    {
        said.extend_from_slice(&piece[..piece.len().min(REFUSAL)]);
    }
    String::from_utf8_lossy(&said).into_owned()
}

/// What a status means that is no success, with what the server calls it.
pub(super) fn meaning(status: u16, code: Option<String>, is_link: bool) -> RemoteTrouble {
    match status {
        300..=399 => RemoteTrouble::Redirected(status),
        401 | 403 => RemoteTrouble::Forbidden { status, code, is_link },
        404 | 410 => RemoteTrouble::Missing(status),
        412 => RemoteTrouble::Changed,
        408 | 425 | 429 | 500..=599 => RemoteTrouble::Busy { status, code },
        _ => RemoteTrouble::Refused { status, code },
    }
}

/// An answer that the range lies behind the end: of an empty file, or of one that has become shorter.
fn nothing_there(headers: &HeaderMap, pin: Option<&Pin>) -> Result<Part, RemoteTrouble> {
    if pin.is_some() {
        return Err(RemoteTrouble::Changed);
    }
    let is_empty = text(headers, &CONTENT_RANGE).is_none_or(|range| range.trim() == "bytes */0");
    if !is_empty {
        return Err(RemoteTrouble::NoRanges(416));
    }
    let modified = Some(String::new());
    let pin = Pin { modified, ..pin_of(headers, 0) };
    Ok(Part { pin, bytes: Box::pin(stream::empty()) })
}

fn pin_of(headers: &HeaderMap, size: u64) -> Pin {
    let version = text(headers, &HeaderName::from_static("x-amz-version-id"));
    let (etag, modified) = (text(headers, &ETAG), text(headers, &LAST_MODIFIED));
    Pin { size, etag, version, modified }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// The time of `Thu, 01 Jan 2026 00:00:00 GMT`.
fn time(text: &str) -> Option<Timestamp> {
    Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp())
}

/// First byte, end and size of `bytes 0-99/1000`.
fn content_range(text: &str) -> Option<(u64, u64, u64)> {
    let (range, size) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    Some((first.parse().ok()?, last.parse::<u64>().ok()?.checked_add(1)?, size.parse().ok()?))
}

/// What an object store calls a refusal: `<Code>AccessDenied</Code>`.
pub(super) fn code_in(body: &str) -> Option<String> {
    let (_, rest) = body.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (code.len() <= 64 && code.chars().all(is_word)).then(|| plain(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_is_read() {
        assert_eq!(content_range("bytes 0-99/1000"), Some((0, 100, 1000)));
        for odd in ["bytes 0-99/*", "bytes */0", "items 0-1/2", "bytes 1/2", ""] {
            assert_eq!(content_range(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_signature_is_in_no_debug_output() {
        let address = WebAddress::new("https://cdn.example.com/a.mp4?X-Amz-Signature=canary");
        let shown = format!("{:?}", WebFile::new(&address, &Timing::default()).unwrap());
        assert!(shown.contains("cdn.example.com/a.mp4") && !shown.contains("canary"), "{shown}");
    }

    #[test]
    fn of_a_refusal_only_its_code_is_told() {
        let body = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
        assert_eq!(code_in(body).as_deref(), Some("AccessDenied"));
        assert_eq!(code_in("<Code>\u{1b}[31m</Code>"), None);
        assert_eq!(code_in("<html>"), None);
    }
}
