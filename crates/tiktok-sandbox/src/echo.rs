//! Answers that repeat the request, as error messages and debug pages do.

use axum::http::header::{CONTENT_RANGE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::call::Call;
use crate::envelope::Answer;
use crate::faults::Echo;

/// The answer in place of the real one, if the field is none of that.
pub(super) fn instead(call: &Call, echo: &Echo) -> Option<Answer> {
    let given = |default: u16| {
        let status = StatusCode::from_u16(echo.status.unwrap_or(default));
        status.unwrap_or(StatusCode::BAD_REQUEST)
    };
    let text = request(call);
    let in_refusal = |name: &str| {
        let said = |field: &str, otherwise: &str| {
            if field == name { text.clone() } else { otherwise.to_owned() }
        };
        let (code, message) =
            (said("code", "invalid_request"), said("message", "You sent odd words."));
        let log_id = said("log_id", &call.log_id);
        if call.endpoint.is_oauth() {
            json!({ "error": code, "error_description": message, "log_id": log_id })
        } else {
            json!({ "data": {}, "error": { "code": code, "message": message, "log_id": log_id } })
        }
    };
    match echo.field.as_str() {
        name @ ("code" | "message" | "log_id") => Some(Answer::json(given(400), &in_refusal(name))),
        "body" => {
            Some(Answer { body: Bytes::from(text), ..Answer::json(given(400), &Value::Null) })
        }
        "headers" => {
            // What a header can hold.
            let text: String = text.chars().filter(|c| c.is_ascii() && !c.is_control()).collect();
            let answer = Answer::redirect(given(302), &format!("https://example.com/?{text}"));
            let names = [CONTENT_RANGE, RETRY_AFTER, WWW_AUTHENTICATE];
            let names = names.into_iter().chain([HeaderName::from_static("x-tt-logid")]);
            Some(names.fold(answer, |answer, name| answer.header(name, &text)))
        }
        _ => None,
    }
}

/// The real answer with the request in a field of it.
pub(super) fn within(call: &Call, echo: &Echo, mut answer: Answer) -> Answer {
    if let Ok(mut body) = serde_json::from_slice(&answer.body) {
        put(&mut body, &echo.field, &request(call));
        answer.body = Bytes::from(body.to_string());
    }
    answer
}

fn put(value: &mut Value, field: &str, text: &str) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == field {
                    *value = json!(text);
                } else {
                    put(value, field, text);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| put(item, field, text)),
        _ => {}
    }
}

/// The request as text.
fn request(call: &Call) -> String {
    let (method, path) = call.endpoint.route();
    let body = String::from_utf8_lossy(&call.body);
    format!("{method} {path}?{}\n{}\n{body}", call.query, headers(&call.headers))
}

fn headers(headers: &HeaderMap) -> String {
    let line = |(name, value): (&HeaderName, &axum::http::HeaderValue)| {
        format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()))
    };
    headers.iter().map(line).collect()
}
