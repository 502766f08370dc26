//! Bodies of forms: read whole up to a limit, and looked into.

use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::{StreamExt as _, stream};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::time::timeout;
use url::form_urlencoded;

/// How long a form may take to come, all of it.
const WAIT: Duration = Duration::from_secs(30);

/// Within so many bytes the first field of a form with files ends, if it is the token of a session.
const FIRST: usize = 1024;

/// Why a form was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is longer than it may be.
    TooLong,
    /// It did not come, or not in time.
    Missing,
}

/// The whole body of a form of at most `limit` bytes.
pub(super) async fn read(body: Body, limit: usize) -> Result<Bytes, Unread> {
    read_within(WAIT, body, limit).await
}

async fn read_within(wait: Duration, body: Body, limit: usize) -> Result<Bytes, Unread> {
    let read = timeout(wait, Limited::new(body, limit).collect()).await;
    match read.map_err(|_| Unread::Missing)? {
        Ok(read) => Ok(read.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Unread::TooLong),
        Err(_) => Err(Unread::Missing),
    }
}

/// What a request's body is said to be, in lower case and without parameters.
pub(super) fn kind(headers: &HeaderMap) -> String {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The only value of a field in a query or an urlencoded body; `None` if it is not there exactly once.
pub(super) fn field(form: &[u8], name: &str) -> Option<String> {
    let mut values = form_urlencoded::parse(form).filter(|(field, _)| field == name);
    let (_, value) = values.next()?;
    values.next().is_none().then(|| value.into_owned())
}

/// The value of the first field of a form with files, if that is the one asked for and short; and the body, whole.
pub(super) async fn first_part(
    headers: &HeaderMap,
    body: Body,
    name: &str,
) -> (Option<String>, Body) {
    let mut rest = body.into_data_stream();
    let (mut pieces, mut begun, mut value) = (Vec::new(), Vec::new(), None);
    if let Some(boundary) = boundary(headers) {
        let reading = async {
            while begun.len() < FIRST && value.is_none() {
                let Some(piece) = rest.next().await else { break };
                if let Ok(bytes) = &piece {
                    let room = FIRST - begun.len();
                    begun.extend_from_slice(&bytes[..bytes.len().min(room)]);
                }
                let is_broken = piece.is_err();
                pieces.push(piece);
                if is_broken {
                    break;
                }
                value = value_of_first(&begun, &boundary, name);
            }
        };
        // Without it the request is refused.
        _ = timeout(WAIT, reading).await;
    }
    (value, Body::from_stream(stream::iter(pieces).chain(rest)))
}

/// What stands between the parts of a form with files.
fn boundary(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let value = kind.split(';').skip(1).find_map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then_some(value)
    })?;
    let value = value.trim().trim_matches('"');
    (!value.is_empty()).then(|| value.to_owned())
}

/// The value of the first part, once all of it is there and it is that of the field.
fn value_of_first(begun: &[u8], boundary: &str, name: &str) -> Option<String> {
    let text = begun.strip_prefix(format!("--{boundary}\r\n").as_bytes())?;
    let (head, text) = split_once(text, b"\r\n\r\n")?;
    let (value, _) = split_once(text, format!("\r\n--{boundary}").as_bytes())?;
    let wanted = format!("form-data; name=\"{name}\"");
    let is_wanted = std::str::from_utf8(head).ok()?.split("\r\n").any(|line| {
        line.split_once(':').is_some_and(|(header, is)| {
            header.eq_ignore_ascii_case("content-disposition") && is.trim() == wanted
        })
    });
    is_wanted.then(|| String::from_utf8(value.to_vec()).ok())?
}

fn split_once<'a>(bytes: &'a [u8], by: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(by.len()).position(|window| window == by)?;
    Some((&bytes[..at], &bytes[at + by.len()..]))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[tokio::test]
    async fn the_first_field_of_a_form_with_files_is_read_and_the_body_stays_whole() {
        let mut headers = HeaderMap::new();
        let kind = HeaderValue::from_static("multipart/form-data; boundary=\"x\"");
        headers.insert(CONTENT_TYPE, kind);
        let part = |name: &str, value: &str| {
            format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let long = "v".repeat(FIRST);
        for (form, expected) in [
            (part("csrf", "abc") + &part("file", &long) + "--x--\r\n", Some("abc")),
            (part("file", "f") + &part("csrf", "abc") + "--x--\r\n", None),
            (part("csrf", &long) + "--x--\r\n", None),
            (part("csrf", "abc"), None),
            (String::new(), None),
        ] {
            // However it is cut.
            for size in [1, 7, form.len().max(1)] {
                let pieces = form.as_bytes().chunks(size).map(Bytes::copy_from_slice);
                let pieces: Vec<_> = pieces.map(Ok::<_, axum::Error>).collect();
                let body = Body::from_stream(stream::iter(pieces));
                let (value, whole) = first_part(&headers, body, "csrf").await;
                assert_eq!(value.as_deref(), expected, "{form}");
                assert_eq!(read(whole, usize::MAX).await.unwrap(), form);
            }
        }
    }

    #[test]
    fn a_field_is_there_once_or_not_at_all() {
        let form = b"a=1&b=x%20y+z&a=2&c";
        assert_eq!(field(form, "b").as_deref(), Some("x y z"));
        assert_eq!(field(form, "c").as_deref(), Some(""));
        assert_eq!(field(form, "a"), None);
        assert_eq!(field(form, "d"), None);
    }

    #[tokio::test]
    async fn a_form_has_a_length() {
        assert_eq!(read(Body::from("abc"), 3).await.unwrap(), "abc");
        assert_eq!(read(Body::from("abcd"), 3).await, Err(Unread::TooLong));
    }

    #[tokio::test]
    async fn a_form_that_does_not_come_is_given_up() {
        let body = Body::from_stream(futures_util::stream::pending::<Result<Bytes, axum::Error>>());
        let read = read_within(Duration::from_millis(1), body, 3).await;
        assert_eq!(read, Err(Unread::Missing));
    }
}
