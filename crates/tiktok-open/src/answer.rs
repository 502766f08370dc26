//! Telling success from refusal by the body, never by the HTTP status alone.
//!
//! API endpoints answer with an envelope, `{"data":{…},"error":{"code":"ok",…}}`; OAuth endpoints
//! answer flat, and an `error` there is a string. Both may carry a refusal with HTTP 200.

use reqwest::RequestBuilder;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::text;
use crate::transport::{Received, Transport};
use crate::{Code, Error, Refusal};

#[derive(Deserialize)]
struct Envelope<T> {
    data: Option<T>,
    error: Option<ErrorPart>,
}

/// The `error` of either family.
#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorPart {
    Object {
        code: String,
        #[serde(default)]
        message: Option<String>,
        #[serde(default, alias = "logid")]
        log_id: Option<String>,
    },
    Flat(String),
}

/// The flat family's remaining fields.
#[derive(Default, Deserialize)]
struct Flat {
    error: Option<ErrorPart>,
    error_description: Option<String>,
    #[serde(alias = "logid")]
    log_id: Option<String>,
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
    // A word of its own beside `error` may be anybody's: a proxy that gave up writes JSON, too.
    let told = refusal(call, received);
    if let Some(refusal) = told.filter(|r| r.code.is_listed() || is_enveloped(received)) {
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
    match (envelope.error, envelope.data) {
        (None, _) => Err(not_tiktok("the answer has no `error` object".into())),
        (Some(_), _) if !(200..300).contains(&received.status) => {
            Err(not_tiktok("the body says ok, the status does not".into()))
        }
        (Some(_), Some(data)) => Ok(data),
        (Some(_), None) => Err(not_tiktok("the answer has no `data`".into())),
    }
}

/// The refusal in an answer of either family, if there is one.
pub(super) fn refusal(call: &'static str, received: &Received) -> Option<Refusal> {
    let flat: Flat = serde_json::from_slice(&received.body).ok()?;
    let (code, message, log_id) = match flat.error? {
        ErrorPart::Flat(code) => (code, flat.error_description, flat.log_id),
        ErrorPart::Object { code, message, log_id } => (code, message, log_id.or(flat.log_id)),
    };
    if code.is_empty() || code == "ok" {
        return None;
    }
    Some(Refusal {
        call,
        status: received.status,
        code: Code::from(code.as_str()),
        message: text::plain(message.as_deref().unwrap_or_default()),
        log_id: log_id.filter(|id| !id.is_empty()).map(|id| text::plain(&id)),
        retry_after: received.retry_after,
    })
}

/// Whether a refusal has the shape of the API's endpoints, and the `log_id` that TikTok gives each.
fn is_enveloped(received: &Received) -> bool {
    let flat: Option<Flat> = serde_json::from_slice(&received.body).ok();
    matches!(flat.and_then(|flat| flat.error), Some(ErrorPart::Object { log_id: Some(_), .. }))
}

/// The id of an answer of either family, to be quoted to TikTok's support.
pub(super) fn log_id(received: &Received) -> Option<String> {
    let flat: Flat = serde_json::from_slice(&received.body).ok()?;
    let inner = match flat.error {
        Some(ErrorPart::Object { log_id, .. }) => log_id,
        _ => None,
    };
    inner.or(flat.log_id).map(|id| text::plain(&id))
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
        ] {
            assert!(matches!(open(200, body), Err(Error::NotTikTok { .. })), "{body}");
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
