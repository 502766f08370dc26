//! Telling success from refusal by the body, never by the HTTP status alone.
//!
//! API endpoints answer with an envelope, `{"data":{…},"error":{"code":"ok",…}}`; OAuth endpoints
//! answer flat, and an `error` there is a string. Both may carry a refusal with HTTP 200.

use reqwest::RequestBuilder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::text;
use crate::transport::{Received, Transport};
use crate::{Code, Error, Refusal};

/// What either family says beside its data. Each field is read for itself, so that an odd one hides no
/// other.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    error: Value,
    error_description: Value,
    log_id: Value,
    logid: Value,
}

impl Head {
    fn read(body: &[u8]) -> Self {
        // A list would be taken for the fields in their order.
        let object = body.trim_ascii_start().starts_with(b"{");
        object.then(|| serde_json::from_slice(body).ok()).flatten().unwrap_or_default()
    }

    /// The error code: `ok` or empty is none.
    fn code(&self) -> Option<&str> {
        match &self.error {
            Value::Object(error) => error.get("code")?.as_str(),
            error => error.as_str(),
        }
    }

    fn message(&self) -> &str {
        let inner = self.error.get("message").unwrap_or(&self.error_description);
        inner.as_str().unwrap_or_default()
    }

    /// The id that TikTok gives each of its answers.
    fn log_id(&self) -> Option<String> {
        let inner = ["log_id", "logid"].map(|name| self.error.get(name).unwrap_or(&Value::Null));
        let found = inner.into_iter().chain([&self.log_id, &self.logid]).find_map(Value::as_str);
        found.filter(|id| !id.is_empty()).map(text::plain)
    }
}

fn is_success(code: &str) -> bool {
    code.is_empty() || code == "ok"
}

/// One call of an API endpoint; the envelope's `data` on success.
pub(super) async fn call<T: DeserializeOwned>(
    transport: &Transport,
    call: &'static str,
    request: RequestBuilder,
) -> Result<T, Error> {
    let received = transport.exchange(call, request).await?;
    envelope(call, &transport.api_host(), &received)
}

/// Opens an envelope.
pub(super) fn envelope<T: DeserializeOwned>(
    call: &'static str,
    host: &str,
    received: &Received,
) -> Result<T, Error> {
    #[derive(Deserialize)]
    struct Envelope<T> {
        data: Option<T>,
    }

    if let Some(refusal) = refusal(call, received) {
        return Err(refusal.into());
    }
    let not_tiktok = |what: String| Error::NotTikTok {
        host: host.to_owned(),
        call,
        status: received.status,
        what,
    };
    let envelope: Envelope<T> = serde_json::from_slice(&received.body)
        .map_err(|e| not_tiktok(not_json(&received.body, &e)))?;
    match Head::read(&received.body).code() {
        None => Err(not_tiktok("the answer has no `error` object".into())),
        Some(code) if !is_success(code) => {
            Err(not_tiktok("an error that is none of TikTok's".into()))
        }
        Some(_) if !(200..300).contains(&received.status) => {
            Err(not_tiktok("the body says ok, the status does not".into()))
        }
        Some(_) => envelope.data.ok_or_else(|| not_tiktok("the answer has no `data`".into())),
    }
}

/// TikTok's refusal in an answer of either family, if there is one: its code is on one of TikTok's
/// pages, or it has the id that TikTok gives each answer. Another word beside `error` may be anybody's: a
/// gateway that gave up writes JSON, too.
pub(super) fn refusal(call: &'static str, received: &Received) -> Option<Refusal> {
    any_refusal(call, received)
        .filter(|refusal| refusal.code.is_listed() || refusal.log_id.is_some())
}

/// The refusal in an answer of either family, whoever wrote it.
pub(super) fn any_refusal(call: &'static str, received: &Received) -> Option<Refusal> {
    let head = Head::read(&received.body);
    let code = head.code().filter(|code| !is_success(code))?;
    Some(Refusal {
        call,
        status: received.status,
        code: Code::from(code),
        message: text::plain(head.message()),
        log_id: head.log_id(),
        retry_after: received.retry_after,
    })
}

/// What came of a call that has no data to answer with.
pub(super) fn without_data(
    call: &'static str,
    host: &str,
    received: &Received,
) -> Result<(), Error> {
    if let Some(refusal) = refusal(call, received) {
        return Err(refusal.into());
    }
    if is_plain_success(received) {
        return Ok(());
    }
    let what = "neither empty nor an error".to_owned();
    Err(Error::NotTikTok { host: host.to_owned(), call, status: received.status, what })
}

/// Whether the body is a JSON object without an error, or nothing at all: how a call ends well that has
/// no data to answer with.
fn is_plain_success(received: &Received) -> bool {
    let body = received.body.trim_ascii();
    let object = || {
        let head = body.starts_with(b"{").then(|| serde_json::from_slice::<Head>(body).ok());
        head.flatten()
            .is_some_and(|head| head.error.is_null() || head.code().is_some_and(is_success))
    };
    (200..300).contains(&received.status) && (body.is_empty() || object())
}

/// The id of an answer of either family, to be quoted to TikTok's support.
pub(super) fn log_id(received: &Received) -> Option<String> {
    Head::read(&received.body).log_id()
}

/// Why a body is not the JSON that was expected; never quotes the body, which may hold a secret.
pub(super) fn not_json(body: &[u8], error: &serde_json::Error) -> String {
    let start = body.trim_ascii_start();
    if start.is_empty() {
        "an empty body".to_owned()
    } else if start.starts_with(b"<") {
        "a web page instead of JSON".to_owned()
    } else if error.is_data() {
        format!("JSON of another shape (line {}, column {})", error.line(), error.column())
    } else {
        "not JSON".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    fn received(status: u16, body: &str) -> Received {
        Received { status, retry_after: None, body: Zeroizing::new(body.as_bytes().to_vec()) }
    }

    fn open(status: u16, body: &str) -> Result<serde_json::Value, Error> {
        envelope("video/init", "host", &received(status, body))
    }

    #[test]
    fn only_code_ok_is_success() {
        let ok = r#"{"data":{"publish_id":"x"},"error":{"code":"ok","message":"","log_id":"1"}}"#;
        assert!(open(200, ok).is_ok());
        assert!(matches!(open(500, ok), Err(Error::NotTikTok { .. })));
    }

    #[test]
    fn a_refusal_with_http_200_is_a_refusal() {
        let body =
            r#"{"data":{},"error":{"code":"spam_risk_too_many_posts","message":"m","logid":"L"}}"#;
        let Err(Error::Refused(refusal)) = open(200, body) else { panic!() };
        assert_eq!((refusal.code, refusal.log_id.as_deref()), (Code::TooManyPosts, Some("L")));
    }

    #[test]
    fn a_flat_oauth_error_is_a_refusal_at_any_status() {
        let body = r#"{"error":"invalid_grant","error_description":"expired","log_id":"L"}"#;
        for status in [200, 400, 401] {
            let refusal = refusal("oauth/token", &received(status, body)).unwrap();
            assert_eq!((refusal.code, refusal.message.as_str()), (Code::InvalidGrant, "expired"));
        }
    }

    #[test]
    fn an_unlisted_code_is_tiktoks_only_in_its_own_shape() {
        let body = r#"{"error":{"code":"brand_new","message":"","log_id":"L"}}"#;
        assert!(matches!(open(400, body), Err(Error::Refused(_))));
        let body = r#"{"error":"access_token_invalid"}"#;
        assert!(matches!(open(401, body), Err(Error::Refused(_))));
    }

    #[test]
    fn anything_else_is_not_tiktok() {
        for body in [
            r#"{"error":"upstream request timeout"}"#,
            r#"{"error":{"code":"timeout","message":"gateway"}}"#,
            "",
            "<html>",
            "[]",
            "{}",
            "null",
            r#"{"data":{}}"#,
            "{\"data\":",
            r#"{"error":{"code":"ok"}}"#,
            r#"{"data":{"a":1},"error":{"code":"upstream_down"}}"#,
            r#"["invalid_grant"]"#,
        ] {
            assert!(matches!(open(200, body), Err(Error::NotTikTok { .. })), "{body}");
        }
    }

    #[test]
    fn an_odd_field_hides_no_other() {
        let body = r#"{"error":"invalid_grant","error_description":5,"log_id":7,"logid":"L"}"#;
        let refusal = refusal("oauth/token", &received(400, body)).unwrap();
        assert_eq!((refusal.code, refusal.log_id.as_deref()), (Code::InvalidGrant, Some("L")));
        let body = r#"{"error":{"code":"invalid_params","message":{},"log_id":"L","logid":"M"}}"#;
        assert!(matches!(open(400, body), Err(Error::Refused(_))));
    }

    #[test]
    fn a_call_without_data_ends_well_only_without_an_error() {
        let success = |body| is_plain_success(&received(200, body));
        assert!(success("") && success(" \n") && success("{}"));
        assert!(success(r#"{"error":"","log_id":"L"}"#) && success(r#"{"error":{"code":"ok"}}"#));
        for body in [r#"{"error":"odd"}"#, r#"{"error":5}"#, r#"{"error":{}}"#, "[]", "null", "<p>"]
        {
            assert!(!success(body), "{body}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_without_a_crash() {
        assert!(open(200, &"[".repeat(1_000_000)).is_err());
    }

    #[test]
    fn a_message_cannot_steer_the_terminal() {
        let body = r#"{"error":{"code":"x","message":"\u001b[2Jgone","log_id":"\u001b"}}"#;
        let Err(error) = open(400, body) else { panic!() };
        assert!(!error.to_string().contains('\u{1b}'));
    }
}
