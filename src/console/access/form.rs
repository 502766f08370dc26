//! Bodies of forms: read whole up to a limit, and looked into.

use std::time::Duration;

use axum::body::{Body, Bytes};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::time::timeout;
use url::form_urlencoded;

/// How long a form may take to come, all of it.
const WAIT: Duration = Duration::from_secs(30);

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

#[cfg(test)]
mod tests {
    use super::*;

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
