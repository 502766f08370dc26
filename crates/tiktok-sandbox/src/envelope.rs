//! The shapes of TikTok's answers: flat for OAuth, an envelope for the API, `null` for uploads.

use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION,
};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::options::OauthErrors;

/// An answer before it is sent: what the log needs to know of it and what the wire carries.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Bytes,
    /// TikTok's error code, for the log.
    pub(super) code: Option<String>,
    /// The error in words, for the log.
    pub(super) message: Option<Box<str>>,
    /// What a person reading the log should know.
    pub(super) note: Option<Box<str>>,
    /// The connection broke while the request came in: there is nobody to answer.
    pub(super) is_lost: bool,
}

impl Answer {
    fn new(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static(content_type))];
        let body = body.into();
        Self { status, headers, body, code: None, message: None, note: None, is_lost: false }
    }

    pub(super) fn json(status: StatusCode, body: &Value) -> Self {
        Self::new(status, "application/json; charset=utf-8", body.to_string())
    }

    pub(super) fn html(status: StatusCode, body: String) -> Self {
        Self::new(status, "text/html; charset=utf-8", body)
            .header(CACHE_CONTROL, "no-store")
            // With `no-referrer` a browser sends `Origin: null` with our own forms.
            .header(HeaderName::from_static("referrer-policy"), "same-origin")
            .header(HeaderName::from_static("x-content-type-options"), "nosniff")
    }

    pub(super) fn text(status: StatusCode, body: &'static str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body)
    }

    /// What the gateway says to an unknown path and to the wrong method alike.
    pub(super) fn janus() -> Self {
        let answer = Self::text(StatusCode::NOT_FOUND, "Unsupported path(Janus)");
        Self { code: Some("unsupported_path".to_owned()), ..answer }
    }

    pub(super) fn redirect(status: StatusCode, to: &str) -> Self {
        Self::new(status, "text/html; charset=utf-8", "")
            .header(CACHE_CONTROL, "no-store")
            // With `no-referrer` a browser sends `Origin: null` with our own forms.
            .header(HeaderName::from_static("referrer-policy"), "same-origin")
            .header(LOCATION, to)
    }

    /// The answer to a chunk: a bare status and the body `null`.
    pub(super) fn chunk(status: StatusCode) -> Self {
        Self::new(status, "application/json; charset=utf-8", "null")
    }

    /// Stands for an upload whose connection broke.
    pub(super) fn lost() -> Self {
        let code = Some("connection_lost".to_owned());
        Self { code, is_lost: true, ..Self::chunk(StatusCode::BAD_REQUEST) }
    }

    /// Adds the progress header `bytes 0-{UPLOADED_BYTES}/{TOTAL}`.
    pub(super) fn progress(self, uploaded: u64, total: u64) -> Self {
        self.header(CONTENT_RANGE, &format!("bytes 0-{uploaded}/{total}"))
    }

    /// Adds a header; a value that is no header value is left out.
    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    pub(super) fn noted(mut self, note: impl Into<Box<str>>) -> Self {
        self.note = Some(note.into());
        self
    }
}

/// A refusal of an API endpoint: `error.code`, its documented HTTP status, `error.message`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: String,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &str, message: &str) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, code: code.to_owned(), message: message.to_owned() }
    }

    /// A known code with its documented status and message.
    pub(super) fn coded(code: &str) -> Self {
        let (status, message) = documented(code);
        Self::new(status, code, message)
    }

    /// 400 `invalid_params`, as real bodies spell it.
    pub(super) fn params(message: &str) -> Self {
        Self::new(400, "invalid_params", message)
    }

    /// The same refusal with another status: `creator_info` sends some with 200.
    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }
}

/// Status and message of a code.
///
/// <https://developers.tiktok.com/doc/tiktok-api-v2-error-handling> and the error tables of
/// <https://developers.tiktok.com/doc/content-posting-api-reference-direct-post>.
fn documented(code: &str) -> (u16, &'static str) {
    match code {
        "access_token_invalid" => (401, "The access token is invalid or not found in the request."),
        "scope_not_authorized" => {
            (401, "The user did not authorize the scope required for completing this request.")
        }
        "scope_permission_missed" => {
            (400, "Additional permission is required from the user to access the requested fields.")
        }
        "invalid_publish_id" => (400, "The publish_id does not exist."),
        "token_not_authorized_for_specified_publish_id" => {
            (400, "The access_token does not have authorization for the publish_id.")
        }
        "publish_not_cancellable" => (400, "The publish can no longer be cancelled."),
        "app_version_check_failed" => (400, "The user's TikTok app is older than 31.8."),
        "invalid_file_upload" => (400, "The uploaded file does not meet the specification."),
        // Recorded answers repeat the code where others have words.
        "spam_risk_too_many_posts" => (403, "spam_risk_too_many_posts"),
        "spam_risk_user_banned_from_posting" => (403, "spam_risk_user_banned_from_posting"),
        "spam_risk_too_many_pending_share" => (403, "spam_risk_too_many_pending_share"),
        "reached_active_user_cap" => {
            (403, "The daily quota for active publishing users from the client is reached.")
        }
        "unaudited_client_can_only_post_to_private_accounts" => (
            403,
            "Please review our integration guidelines at https://developers.tiktok.com/doc/content-sharing-guidelines/",
        ),
        "url_ownership_unverified" => (
            403,
            "Please review our URL ownership verification rules at https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide#pull_from_url",
        ),
        "privacy_level_option_mismatch" => {
            (403, "The privacy_level is missing or not among the creator's privacy_level_options.")
        }
        "rate_limit_exceeded" => (429, "The API rate limit was exceeded. Please try again later."),
        "internal_error" => (500, "Please try again later."),
        _ => (400, ""),
    }
}

/// The envelope of the API endpoints.
pub(super) fn api(outcome: Result<Value, Refusal>, log_id: &str) -> Answer {
    match outcome {
        Ok(data) => {
            let error = json!({ "code": "ok", "message": "", "log_id": log_id });
            Answer::json(StatusCode::OK, &json!({ "data": data, "error": error }))
        }
        Err(refusal) => {
            let Refusal { status, code, message } = refusal;
            let error = json!({ "code": code, "message": message, "log_id": log_id });
            let body = if code.starts_with("spam_risk") {
                // As recorded: without `data`.
                json!({ "error": error })
            } else {
                json!({ "data": {}, "error": error })
            };
            Answer {
                code: Some(code),
                message: Some(message.into()),
                ..Answer::json(status, &body)
            }
        }
    }
}

/// The envelope without `data`, as `cancel` answers.
pub(super) fn api_without_data(outcome: Result<(), Refusal>, log_id: &str) -> Answer {
    let (status, code, message) = match outcome {
        Ok(()) => (StatusCode::OK, "ok".to_owned(), String::new()),
        Err(refusal) => (refusal.status, refusal.code, refusal.message),
    };
    let error = json!({ "code": code, "message": message, "log_id": log_id });
    let answer = Answer::json(status, &json!({ "error": error }));
    if code == "ok" {
        return answer;
    }
    Answer { code: Some(code), message: Some(message.into()), ..answer }
}

/// A flat refusal of an OAuth endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OauthRefusal {
    pub(super) error: String,
    pub(super) description: String,
}

impl OauthRefusal {
    pub(super) fn new(error: &str, description: &str) -> Self {
        Self { error: error.to_owned(), description: description.to_owned() }
    }

    pub(super) fn malformed() -> Self {
        Self::new("invalid_request", "The request parameters are malformed.")
    }

    /// The HTTP status is documented nowhere. Clients in the field look for the error in a 200; the others
    /// are the usual ones of OAuth 2.0.
    fn status(&self, statuses: OauthErrors) -> StatusCode {
        match self.error.as_str() {
            _ if statuses == OauthErrors::Ok => StatusCode::OK,
            "invalid_client" => StatusCode::UNAUTHORIZED,
            "access_denied" => StatusCode::FORBIDDEN,
            "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
            "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// The flat answer of the OAuth endpoints.
pub(super) fn oauth(
    outcome: Result<Value, OauthRefusal>,
    log_id: &str,
    statuses: OauthErrors,
) -> Answer {
    let answer = match outcome {
        Ok(body) => Answer::json(StatusCode::OK, &body),
        Err(refusal) => {
            let status = refusal.status(statuses);
            let OauthRefusal { error, description } = refusal;
            let body =
                json!({ "error": error, "error_description": description, "log_id": log_id });
            Answer {
                code: Some(error),
                message: Some(description.into()),
                ..Answer::json(status, &body)
            }
        }
    };
    answer.header(CACHE_CONTROL, "no-store")
}
