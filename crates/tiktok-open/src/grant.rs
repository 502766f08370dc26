//! Reading an answer of the token endpoint.
//!
//! The answer to a refresh is the only copy of a login: TikTok has killed the token that was spent for
//! it (<https://developers.tiktok.com/doc/oauth-user-access-token-management>). So it is read for its two
//! tokens, wherever they stand and whatever else is missing, odd or cut off; and an answer in which
//! there may be tokens that cannot be read is told apart from one in which there are none.

use std::fmt;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::answer::{not_json, refusal};
use crate::secret::Secret;
use crate::transport::Received;
use crate::{Error, Scopes};

/// The call, as in the documentation.
pub(super) const TOKEN: &str = "oauth/token";

/// What an access token lives if the answer does not say: the shortest documented life, two hours
/// (<https://developers.tiktok.com/doc/oauth-get-a-user-access-token>).
const ACCESS_LIFE: i64 = 2 * 60 * 60;

/// A century bounds what later arithmetic has to bear, in seconds.
const CENTURY: i64 = 3_155_760_000;

/// The fewest characters after `act.` or `rft.` that may be a token; real ones have dozens.
const SHORTEST: usize = 4;

/// A successful answer of the token endpoint.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Grant {
    /// Access token (`act.…`).
    pub access_token: Secret,
    /// Seconds until the access token ends; two hours if the answer does not say.
    pub expires_in: i64,
    /// The user, as this app knows them, if the answer says so.
    pub open_id: Option<String>,
    /// Refresh token (`rft.…`); replaces the one that was spent.
    pub refresh_token: Secret,
    /// Seconds until the refresh token ends, if the answer says so.
    pub refresh_expires_in: Option<i64>,
    /// The scopes really granted; none if the answer does not say.
    pub scopes: Scopes,
}

impl Grant {
    /// These two tokens, with the shortest documented life and nothing else known.
    pub fn new(access_token: Secret, refresh_token: Secret) -> Self {
        Self {
            access_token,
            expires_in: ACCESS_LIFE,
            open_id: None,
            refresh_token,
            refresh_expires_in: None,
            scopes: Scopes::default(),
        }
    }
}

/// An answer of the token endpoint before it is judged, so that it can be made durable first.
#[non_exhaustive]
pub struct RawTokenAnswer {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After`, if it was sent.
    pub retry_after: Option<Duration>,
    /// The bytes as received: a secret.
    pub body: Zeroizing<Vec<u8>>,
    /// Why these are not all, if so.
    pub cut: Option<Cut>,
}

impl fmt::Debug for RawTokenAnswer {
    /// Without the body, which holds tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, retry_after: _, body, cut } = self;
        f.debug_struct("RawTokenAnswer")
            .field("status", status)
            .field("bytes", &body.len())
            .field("cut", cut)
            .finish()
    }
}

/// Why an answer was not read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cut {
    /// The connection ended first, for this reason.
    Lost(String),
    /// It is longer than any answer of TikTok's.
    TooLong(usize),
}

/// What an answer comes to. Exhaustive, as each case decides about the only copy of a login.
#[derive(Debug)]
pub enum Reading {
    /// Both tokens stand in it.
    Grant(Box<Grant>),
    /// There may be tokens in it, but not two that can be told; or it names two users, and whose tokens
    /// they are cannot be told.
    Unread,
    /// There are none: a refusal, somebody else's answer, or no answer.
    None(Error),
}

/// Two values for one field.
struct Ambiguous;

impl RawTokenAnswer {
    /// A whole answer, such as one that was made durable before.
    pub fn new(status: u16, body: impl Into<Zeroizing<Vec<u8>>>) -> Self {
        Self { status, retry_after: None, body: body.into(), cut: None }
    }

    /// Whether the connection ended before the answer did. Known without reading what stands in it.
    pub fn is_cut_off(&self) -> bool {
        matches!(self.cut, Some(Cut::Lost(_)))
    }

    /// Reads the answer, whatever its HTTP status. `spent` is the refresh token in the request, which
    /// an answer may echo; `host` is for messages.
    pub fn read(&self, host: &str, spent: Option<&Secret>) -> Reading {
        read(host, self, spent)
    }
}

fn read(host: &str, answer: &RawTokenAnswer, spent: Option<&Secret>) -> Reading {
    let body = answer.body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&answer.body);
    if let Ok(Some(grant)) = grant(body, spent) {
        return Reading::Grant(Box::new(grant));
    }
    let RawTokenAnswer { status, retry_after, .. } = *answer;
    let received = Received { status, retry_after, body: Zeroizing::new(body.to_vec()) };
    if let Some(refusal) = refusal(TOKEN, &received) {
        return Reading::None(refusal.into());
    }
    if may_hold_a_token(body, spent) {
        return Reading::Unread;
    }
    let (host, call) = (host.to_owned(), TOKEN);
    let what = match &answer.cut {
        Some(Cut::Lost(reason)) => {
            return Reading::None(Error::NoAnswer { host, call, reason: reason.clone() });
        }
        Some(Cut::TooLong(limit)) => format!("the answer is longer than {limit} bytes"),
        None => match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
            Err(error) => not_json(body, &error),
            Ok(_) => "neither tokens nor an error code".to_owned(),
        },
    };
    Reading::None(Error::NotTikTok { host, call, status, what })
}

fn grant(body: &[u8], spent: Option<&Secret>) -> Result<Option<Grant>, Ambiguous> {
    if !matches!(body.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return Ok(None);
    }
    let access = only(texts::<Secret>(body, "access_token"))?;
    let mut refresh = texts::<Secret>(body, "refresh_token");
    if refresh.iter().any(|token| Some(token) != spent) {
        // Beside a new token the spent one is an echo.
        refresh.retain(|token| Some(token) != spent);
    }
    let (Some(access_token), Some(refresh_token)) = (access, only(refresh)?) else {
        return Ok(None);
    };
    let open_id = only(texts::<String>(body, "open_id"))?;
    Ok(Some(Grant {
        access_token,
        expires_in: seconds(body, "expires_in").unwrap_or(ACCESS_LIFE),
        open_id,
        refresh_token,
        refresh_expires_in: seconds(body, "refresh_expires_in"),
        scopes: scopes(body),
    }))
}

fn only<T: PartialEq>(mut found: Vec<T>) -> Result<Option<T>, Ambiguous> {
    found.dedup();
    match found.len() {
        0 | 1 => Ok(found.pop()),
        _ => Err(Ambiguous),
    }
}

/// The rests of the body behind `"NAME":`, each beginning with a value.
fn values<'a>(body: &'a [u8], name: &str) -> impl Iterator<Item = &'a [u8]> {
    let name = format!("\"{name}\"").into_bytes();
    (0..body.len()).filter_map(move |at| {
        let behind = body[at..].strip_prefix(name.as_slice())?.trim_ascii_start();
        Some(behind.strip_prefix(b":")?.trim_ascii_start())
    })
}

/// The values of a field that are texts to their closing quote, and not empty. Only a secret is read as
/// one: whatever is, is taken out of all that is said.
fn texts<T: DeserializeOwned>(body: &[u8], name: &str) -> Vec<T> {
    let text = |rest: &[u8]| {
        // An empty text is no value.
        if rest.starts_with(b"\"\"") {
            return None;
        }
        serde_json::Deserializer::from_slice(rest).into_iter().next()?.ok()
    };
    values(body, name).filter_map(text).collect()
}

/// A number of seconds, also as text or with a fraction.
fn seconds(body: &[u8], name: &str) -> Option<i64> {
    let rest = values(body, name).next()?;
    let mut stream = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
    let value = stream.next()?.ok()?;
    if stream.byte_offset() == rest.len() {
        // Cut off, perhaps in the middle of the number.
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a fraction of a second is dropped")]
    let seconds = match &value {
        Value::Number(n) => n.as_i64().or_else(|| n.as_f64().map(|f| f as i64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    seconds.filter(|seconds| (1..=CENTURY).contains(seconds))
}

/// The scopes as a text or a list.
fn scopes(body: &[u8]) -> Scopes {
    let value = values(body, "scope")
        .next()
        .and_then(|rest| serde_json::Deserializer::from_slice(rest).into_iter().next()?.ok());
    match value {
        Some(Value::String(text)) => Scopes::from_answer(&text),
        Some(Value::Array(list)) => {
            let list: Vec<_> = list.iter().filter_map(Value::as_str).collect();
            Scopes::from_answer(&list.join(","))
        }
        _ => Scopes::default(),
    }
}

/// Whether there may be a token in the bytes, other than an echo of the spent one: a value of a field
/// of such a name, or a word that begins as TikTok's tokens do.
pub fn may_hold_a_token(body: &[u8], spent: Option<&Secret>) -> bool {
    let body = Zeroizing::new(body.to_ascii_lowercase());
    let echoes: Vec<_> = spent.iter().flat_map(|spent| echoes_of(spent)).collect();
    let is_new = |at: usize| !echoes.iter().any(|echo| body[at..].starts_with(echo));
    let named = |at: usize| {
        ["access_token", "refresh_token", "accesstoken", "refreshtoken"]
            .iter()
            .filter_map(|name| body[at..].strip_prefix(name.as_bytes()))
            .any(|rest| value_behind_a_name(rest).is_some_and(|rest| is_new(body.len() - rest)))
    };
    let begun = |at: usize| {
        let word = ["act.", "rft."].iter().any(|start| body[at..].starts_with(start.as_bytes()));
        let first = at == 0 || !(is_token_byte(body[at - 1]) || body[at - 1] == b'/');
        let rest = || body[at + 4..].iter().take_while(|byte| is_token_byte(**byte)).count();
        word && first && rest() >= SHORTEST && is_new(at)
    };
    (0..body.len()).any(|at| named(at) || begun(at))
}

/// How many bytes are left where a value begins, if one does: behind quotes, spaces and at least one
/// `:` or `=`.
fn value_behind_a_name(rest: &[u8]) -> Option<usize> {
    let between = rest.iter().take_while(|byte| b"\"'\\:= \t\r\n".contains(byte)).count();
    let (between, value) = rest.split_at(between);
    let word: Vec<u8> = value.iter().copied().take_while(|byte| is_token_byte(*byte)).collect();
    let is_value = between.iter().any(|byte| b":=".contains(byte))
        && !word.is_empty()
        && !["null", "none", "undefined", "true", "false"].iter().any(|no| no.as_bytes() == word);
    is_value.then_some(value.len())
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-!*%~".contains(&byte)
}

/// How a token in the request may come back, in lower case.
fn echoes_of(token: &Secret) -> [Zeroizing<Vec<u8>>; 2] {
    let encoded: String = url::form_urlencoded::byte_serialize(token.expose().as_bytes()).collect();
    [token.expose().as_bytes(), encoded.as_bytes()]
        .map(|text| Zeroizing::new(text.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WHOLE: &str = r#"{"access_token":"act.example1","expires_in":86400,"open_id":"afd97af1",
        "refresh_expires_in":31536000,"refresh_token":"rft.example2",
        "scope":"user.info.basic,video.list","token_type":"Bearer"}"#;

    fn answer(status: u16, body: &str) -> RawTokenAnswer {
        RawTokenAnswer::new(status, body.as_bytes().to_vec())
    }

    fn reading(body: &str) -> Reading {
        read("host", &answer(200, body), Some(&Secret::new("rft.spent!1")))
    }

    fn granted(body: &str) -> Grant {
        match reading(body) {
            Reading::Grant(grant) => *grant,
            other => panic!("{other:?}: {body}"),
        }
    }

    #[test]
    fn an_answer_does_not_show_what_is_in_it() {
        let shown = format!("{:?}", answer(200, "act.example1"));
        assert_eq!(shown, "RawTokenAnswer { status: 200, bytes: 12, cut: None }");
    }

    #[test]
    fn the_documented_answer_is_read() {
        let grant = granted(WHOLE);
        assert_eq!((grant.expires_in, grant.refresh_expires_in), (86_400, Some(31_536_000)));
        assert_eq!(grant.open_id.as_deref(), Some("afd97af1"));
        assert!(grant.scopes.has("video.list"));
    }

    #[test]
    fn both_tokens_are_read_whatever_the_rest_looks_like() {
        for body in [
            format!("\u{feff}{WHOLE}"),
            format!(r#"{{"data":{WHOLE},"message":"success"}}"#),
            format!(r#"{{"data":{{"data":{WHOLE}}},"error":{{"code":"ok"}}}}"#),
            format!("[{WHOLE}]"),
            format!("{WHOLE}\n{{}}"),
            WHOLE.replace(r#""user.info.basic,video.list""#, "null"),
            WHOLE.replace(r#""user.info.basic,video.list""#, "7"),
            WHOLE.replace("86400", "null").replace("31536000", "\"soon\""),
            WHOLE.replace("\"expires_in\":86400,", "").replace("31536000", "-5"),
            WHOLE.replace("\"open_id\":\"afd97af1\",", ""),
            WHOLE.replace("\"afd97af1\"", "null"),
            WHOLE.replace("\"token_type\"", "\"extra\":{\"a\":[1]},\"token_type\""),
            WHOLE.replace("\"token_type\"", "\"error\":\"\",\"token_type\""),
            WHOLE.replace("\"token_type\"", "\"refresh_token\":\"rft.spent!1\",\"token_type\""),
        ] {
            let grant = granted(&body);
            assert_eq!(grant.access_token.expose(), "act.example1", "{body}");
            assert_eq!(grant.refresh_token.expose(), "rft.example2", "{body}");
        }
        let failed = answer(500, WHOLE);
        assert!(matches!(read("host", &failed, None), Reading::Grant(_)));
    }

    #[test]
    fn what_is_missing_or_odd_is_the_shortest_documented() {
        for odd in ["null", "\"\"", "0", "-1", "1e99", "[]", "\"soon\""] {
            let body = WHOLE.replace("86400", odd).replace("31536000", odd);
            let grant = granted(&body);
            assert_eq!((grant.expires_in, grant.refresh_expires_in), (7200, None), "{odd}");
        }
        let grant = granted(&WHOLE.replace("86400", "\"3600\"").replace("31536000", "60.5"));
        assert_eq!((grant.expires_in, grant.refresh_expires_in), (3600, Some(60)));
    }

    #[test]
    fn scopes_come_as_a_text_or_a_list() {
        let list = WHOLE
            .replace(r#""user.info.basic,video.list""#, r#"["user.info.basic","video.list",3]"#);
        assert_eq!(granted(&list).scopes, granted(WHOLE).scopes);
        assert!(granted(&WHOLE.replace("\"scope\"", "\"x\"")).scopes.is_empty());
    }

    #[test]
    fn an_answer_that_is_cut_off_counts_as_soon_as_both_tokens_are_whole() {
        let access = WHOLE.find("act.").unwrap();
        let both = WHOLE.find("example2\"").unwrap() + "example2\"".len();
        for end in 0..WHOLE.len() {
            let cut = Some(Cut::Lost("reset".into()));
            let answer = RawTokenAnswer { cut, ..answer(200, &WHOLE[..end]) };
            match read("host", &answer, None) {
                Reading::Grant(_) => assert!(end >= both, "{end}"),
                Reading::Unread => assert!(end > access && end < both, "{end}"),
                Reading::None(error) => {
                    assert!(end <= access, "{end}");
                    assert!(matches!(error, Error::NoAnswer { .. }));
                }
            }
        }
    }

    #[test]
    fn a_number_that_may_be_cut_off_is_not_believed() {
        let body = r#"{"access_token":"act.1","refresh_token":"rft.2","expires_in":72"#;
        assert_eq!(granted(body).expires_in, ACCESS_LIFE);
        assert_eq!(granted(&format!("{body}}}")).expires_in, 72);
    }

    #[test]
    fn a_refusal_is_one_in_tiktoks_own_shape_alone() {
        for own in [
            r#"{"error":"invalid_grant","error_description":"x","log_id":"y"}"#,
            r#"{"error":"invalid_grant"}"#,
            r#"{"error":"brand_new","error_description":"x","log_id":"y"}"#,
            r#"{"error":{"code":"internal_error","message":"","log_id":"y"}}"#,
            // It may quote the request.
            r#"{"error":"invalid_request","error_description":"refresh_token=rft.other1","log_id":"y"}"#,
        ] {
            assert!(matches!(reading(own), Reading::None(Error::Refused(_))), "{own}");
        }
        let gateway = r#"{"error":"upstream request timeout"}"#;
        assert!(matches!(reading(gateway), Reading::None(Error::NotTikTok { .. })));
    }

    #[test]
    fn what_may_be_a_token_is_not_called_nothing() {
        for body in [
            r#"{"access_token":"act.example1","refresh_token":""}"#,
            r#"{"access_token":"act.example1","refresh_token":"rft.a","x":{"refresh_token":"rft.b"}}"#,
            r#"{"tokens":{"access":"act.example1","refresh":"rft.example2"}}"#,
            r#"{"accessToken":"x1","refreshToken":"x2"}"#,
            r#""{\"access_token\":\"x1\",\"refresh_token\":\"x2\"}""#,
            "access_token=x1&refresh_token=x2",
            "<html>rft.example2</html>",
        ] {
            assert!(matches!(reading(body), Reading::Unread), "{body}");
        }
    }

    #[test]
    fn a_gateways_page_is_no_answer() {
        for body in [
            "",
            "<html><script src=\"/react.production.min.js\"></script>Please contact.support</html>",
            "<a href=\"/act.production\">",
            r#"{"message":"invalid access_token"}"#,
            r#"{"code":"access_token_invalid_or_missing"}"#,
            r#"{"access_token":null,"refresh_token":""}"#,
            r#"{"data":{},"message":"success"}"#,
            // The request as it was sent, and as it was written.
            "<pre>refresh_token=rft.spent%211&grant_type=refresh_token</pre>",
            r#"{"request":{"refresh_token":"rft.spent!1"}}"#,
            "{",
            "null",
        ] {
            assert!(matches!(reading(body), Reading::None(Error::NotTikTok { .. })), "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_is_too_strange(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let answer = RawTokenAnswer::new(200, body);
            let _ = read("host", &answer, None);
        }

        #[test]
        fn tokens_are_read_as_they_were_written(access in "[ -~]{1,40}", refresh in "[ -~]{1,40}") {
            let body = serde_json::json!({ "refresh_token": refresh, "access_token": access });
            if let Reading::Grant(grant) = read("host", &answer(200, &body.to_string()), None) {
                prop_assert_eq!(grant.access_token.expose(), access);
                prop_assert_eq!(grant.refresh_token.expose(), refresh);
            } else {
                panic!("{body}")
            }
        }
    }
}
