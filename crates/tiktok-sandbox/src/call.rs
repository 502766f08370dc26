//! One request to an endpoint of the contract, read whole (but for the bytes of an upload).

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use crate::faults::Outcome;

/// The endpoints of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Endpoint {
    Authorize,
    Token,
    Revoke,
    GetQrcode,
    CheckQrcode,
    CreatorInfo,
    VideoInit,
    InboxInit,
    ContentInit,
    Cancel,
    Status,
    UserInfo,
    VideoList,
    VideoQuery,
    Upload,
}

impl Endpoint {
    /// Every endpoint.
    pub(super) const ALL: [Self; 15] = [
        Self::Authorize,
        Self::Token,
        Self::Revoke,
        Self::GetQrcode,
        Self::CheckQrcode,
        Self::CreatorInfo,
        Self::VideoInit,
        Self::InboxInit,
        Self::ContentInit,
        Self::Cancel,
        Self::Status,
        Self::UserInfo,
        Self::VideoList,
        Self::VideoQuery,
        Self::Upload,
    ];

    /// A second exact path of it. The slash at the end is no matter on www.tiktok.com, which serves the
    /// authorize page, and a must on the hosts of the API.
    pub(super) fn other_path(self) -> Option<&'static str> {
        (self == Self::Authorize).then_some("/v2/auth/authorize")
    }

    /// Method and exact path.
    pub(super) fn route(self) -> (Method, &'static str) {
        match self {
            Self::Authorize => (Method::GET, "/v2/auth/authorize/"),
            Self::Token => (Method::POST, "/v2/oauth/token/"),
            Self::Revoke => (Method::POST, "/v2/oauth/revoke/"),
            Self::GetQrcode => (Method::POST, "/v2/oauth/get_qrcode/"),
            Self::CheckQrcode => (Method::POST, "/v2/oauth/check_qrcode/"),
            Self::CreatorInfo => (Method::POST, "/v2/post/publish/creator_info/query/"),
            Self::VideoInit => (Method::POST, "/v2/post/publish/video/init/"),
            Self::InboxInit => (Method::POST, "/v2/post/publish/inbox/video/init/"),
            Self::ContentInit => (Method::POST, "/v2/post/publish/content/init/"),
            Self::Cancel => (Method::POST, "/v2/post/publish/cancel/"),
            Self::Status => (Method::POST, "/v2/post/publish/status/fetch/"),
            Self::UserInfo => (Method::GET, "/v2/user/info/"),
            Self::VideoList => (Method::POST, "/v2/video/list/"),
            Self::VideoQuery => (Method::POST, "/v2/video/query/"),
            Self::Upload => (Method::PUT, "/upload"),
        }
    }

    /// The name in fault scripts and in the log.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Token => "token",
            Self::Revoke => "revoke",
            Self::GetQrcode => "get_qrcode",
            Self::CheckQrcode => "check_qrcode",
            Self::CreatorInfo => "creator_info",
            Self::VideoInit => "video_init",
            Self::InboxInit => "inbox_init",
            Self::ContentInit => "content_init",
            Self::Cancel => "cancel",
            Self::Status => "status",
            Self::UserInfo => "user_info",
            Self::VideoList => "video_list",
            Self::VideoQuery => "video_query",
            Self::Upload => "upload",
        }
    }

    /// Whether errors are flat, as on the OAuth endpoints.
    pub(super) fn is_oauth(self) -> bool {
        matches!(self, Self::Token | Self::Revoke | Self::GetQrcode | Self::CheckQrcode)
    }
}

/// A request to an endpoint.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) endpoint: Endpoint,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    /// Empty for an upload, whose bytes are streamed.
    pub(super) body: Bytes,
    pub(super) now: Timestamp,
    pub(super) log_id: String,
    /// What a fault rule says will become of the post that this call makes.
    pub(super) outcome: Option<Outcome>,
}

impl Call {
    /// The first value of a query parameter, as it stands in the URL's undecoded text. Only for ids
    /// and tokens that need no decoding.
    pub(super) fn query_value(&self, name: &str) -> Option<&str> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    pub(super) fn query(&self) -> Form {
        Form::parse(self.query.as_bytes())
    }

    /// The body as form fields, whatever its content type says.
    pub(super) fn form(&self) -> Form {
        Form::parse(&self.body)
    }

    /// The log's and the fault script's name of the call: tokens tell their grant type.
    pub(super) fn name(&self) -> &'static str {
        if self.endpoint != Endpoint::Token {
            return self.endpoint.name();
        }
        match self.form().get("grant_type") {
            Some("authorization_code") => "token_code",
            Some("refresh_token") => "token_refresh",
            Some("client_credentials") => "token_client",
            _ => "token",
        }
    }

    /// Whether the one content type is this one, in UTF-8 as far as it says.
    pub(super) fn has_content_type(&self, wanted: &str) -> bool {
        let mut values = self.headers.get_all(CONTENT_TYPE).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return false };
        let Ok(value) = value.to_str() else { return false };
        let mut parts = value.split(';').map(str::trim);
        parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case(wanted))
            && parts.filter(|part| !part.is_empty()).all(|part| match part.split_once('=') {
                Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                    let charset = value.trim().trim_matches('"');
                    charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
                }
                _ => true,
            })
    }

    /// The body as a JSON value, if it is one and no content type says otherwise. Clients that send none
    /// are answered as if they had.
    pub(super) fn json(&self) -> Option<Value> {
        let untyped = !self.headers.contains_key(CONTENT_TYPE);
        if !untyped && !self.has_content_type("application/json") {
            return None;
        }
        serde_json::from_slice(&self.body).ok()
    }
}

/// Decoded form fields, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn parse(text: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(text).into_owned().collect())
    }

    /// The only value of a field; none if it is absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of a field, if it is there and not empty.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Every value of a field.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A field that is there more than once, which no reader may choose from.
    pub(super) fn repeated(&self) -> Option<&str> {
        let mut seen = std::collections::HashSet::new();
        self.0.iter().map(|(key, _)| key.as_str()).find(|key| !seen.insert(*key))
    }
}
