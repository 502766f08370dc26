//! What TikTok sends the browser back with: the query of the redirect URI, decoded exactly once.
//!
//! Codes of TikTok contain `*` and `!` and arrive as `%2A` and `%21`; decoding twice, or not at all,
//! breaks the exchange.

use std::borrow::Cow;
use std::fmt;

use crate::secret::Secret;
use crate::text;

/// What TikTok appends to the redirect URI, form-encoded:
/// <https://developers.tiktok.com/doc/login-kit-desktop/>.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The authorization code.
    pub code: Option<Secret>,
    /// Echo of the state in the authorize URL: whatever comes without it is somebody else's.
    pub state: Option<Secret>,
    /// The scopes really granted, comma-separated.
    pub scopes: Option<String>,
    /// Set when the user refused or may not log in.
    pub error: Option<String>,
    /// Human text about `error`.
    pub error_description: Option<String>,
}

/// The query is not form-encoded text, or says something twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// `%` without two hex digits after it, or bytes that are not UTF-8.
    #[error("the query is not percent-encoded UTF-8")]
    Encoding,
    /// A parameter that matters stands there twice.
    #[error("a parameter is repeated")]
    Repeated,
}

impl Query {
    /// Reads the text after the `?`. Unknown parameters are ignored.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let mut query = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            match name.as_str() {
                "code" => once(&mut query.code, Secret::unlisted(value))?,
                "state" => once(&mut query.state, Secret::unlisted(value))?,
                "scopes" => once(&mut query.scopes, value)?,
                "error" => once(&mut query.error, value)?,
                "error_description" => once(&mut query.error_description, value)?,
                _ => {}
            }
        }
        Ok(query)
    }

    /// The refusal in it, if there is one.
    pub fn denial(&self) -> Option<Denial> {
        let error = self.error.as_deref().filter(|error| !error.is_empty())?;
        let description = self.error_description.as_deref().map(text::plain);
        Some(Denial { error: text::plain(error), description })
    }
}

/// The refusal of a login in TikTok's words, made harmless for a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Such as `access_denied`.
    pub error: String,
    /// Human text.
    pub description: Option<String>,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.description.as_deref().filter(|text| !text.is_empty()) {
            Some(text) => write!(f, "{} ({text})", self.error),
            None => f.write_str(&self.error),
        }
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), QueryError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(QueryError::Repeated),
    }
}

/// Undoes the form encoding: `+` is a space, `%XX` a byte.
fn decode(text: &str) -> Result<String, QueryError> {
    percent_decode(&text.replace('+', " "))
}

/// Undoes the percent encoding once. Stricter than `percent_encoding`, which lets a `%` stand that
/// encodes nothing.
pub(super) fn percent_decode(text: &str) -> Result<String, QueryError> {
    let encodes = |rest: &str| {
        rest.as_bytes()
            .first_chunk()
            .is_some_and(|digits: &[u8; 2]| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !text.split('%').skip(1).all(encodes) {
        return Err(QueryError::Encoding);
    }
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded.map(Cow::into_owned).map_err(|_| QueryError::Encoding)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::form_urlencoded;

    use super::*;

    #[test]
    fn a_code_is_decoded_exactly_once() {
        let query = Query::parse("code=act%2A0%216410&state=%252A").unwrap();
        assert_eq!(query.code.unwrap().expose(), "act*0!6410");
        assert_eq!(query.state.unwrap().expose(), "%2A");
    }

    #[test]
    fn a_plus_is_a_space_and_an_encoded_plus_is_a_plus() {
        let query = Query::parse("error_description=not+now%2B").unwrap();
        assert_eq!(query.error_description.unwrap(), "not now+");
    }

    #[test]
    fn saying_something_twice_is_refused_however_it_is_spelt() {
        for text in ["state=a&state=a", "code=1&code=2", "state=a&st%61te=b", "error&error"] {
            assert_eq!(Query::parse(text), Err(QueryError::Repeated), "{text}");
        }
    }

    #[test]
    fn broken_encodings_are_refused() {
        for text in ["code=%", "code=%2", "code=%zz", "code=%ff", "%=1", "x=%+1"] {
            assert_eq!(Query::parse(text), Err(QueryError::Encoding), "{text}");
        }
    }

    #[test]
    fn unknown_and_empty_parts_are_ignored() {
        let query = Query::parse("&&utm=1&utm=2&code=c&=&").unwrap();
        assert_eq!(query, Query { code: Some(Secret::new("c")), ..Query::default() });
    }

    proptest! {
        #[test]
        fn whatever_a_form_encoder_writes_is_read_back(code in ".*", state in ".*", error in ".*") {
            let text = form_urlencoded::Serializer::new(String::new())
                .append_pair("code", &code)
                .append_pair("state", &state)
                .append_pair("error", &error)
                .finish();
            let query = Query::parse(&text).unwrap();
            prop_assert_eq!(query.code, Some(Secret::new(code)));
            prop_assert_eq!(query.state, Some(Secret::new(state)));
            prop_assert_eq!(query.error, Some(error));
        }

        #[test]
        fn no_text_is_too_strange(text in "[code=&%+sta0-9A-F\u{0}-\u{ff}]*") {
            let _ = Query::parse(&text);
        }
    }
}
