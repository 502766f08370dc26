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
    /// The authorization code, which [`Query::code_for`] gives to whoever sent the state.
    pub(super) code: Option<Secret>,
    /// Echo of the state in the authorize URL: whatever comes without it is somebody else's.
    pub(super) state: Option<Secret>,
    /// The scopes really granted, comma-separated.
    pub scopes: Option<String>,
    /// Set when the user refused or may not log in.
    pub error: Option<String>,
    /// Human text about `error`.
    pub error_description: Option<String>,
}

/// Why a query gives no code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoCode {
    /// It does not carry the state that was sent: it is another login's, or anybody's.
    #[error("this is not the answer to this login")]
    ForeignState,
    /// TikTok's refusal is in it instead.
    #[error("TikTok refused the login: {0}")]
    Denied(Denial),
    /// There is neither a code nor a refusal in it.
    #[error("there is no code in it")]
    Empty,
}

/// The query is not form-encoded text, or says something twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
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

    /// The authorization code, for the login whose authorize URL carried `state`.
    pub fn code_for(&self, state: &Secret) -> Result<Secret, NoCode> {
        if self.state.as_ref() != Some(state) {
            return Err(NoCode::ForeignState);
        }
        // It came with our state, so it is TikTok's code, and no word that anybody wants to have hidden.
        let code = self.code.as_ref().map(|code| Secret::new(code.expose()));
        if let Some(denial) = self.denial() {
            return Err(NoCode::Denied(denial));
        }
        code.filter(|code| !code.is_empty()).ok_or(NoCode::Empty)
    }

    /// The refusal in it, if there is one. Without the state that was sent it may be anybody's.
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
    fn the_code_is_for_the_state_that_was_sent_alone() {
        let state = Secret::new("5ec2e7");
        let code = |text| Query::parse(text).unwrap().code_for(&state);
        assert_eq!(code("code=c&state=5ec2e7"), Ok(Secret::new("c")));
        for foreign in ["code=c", "code=c&state=", "code=c&state=5ec2e8", "error=x&state=5ec2e"] {
            assert_eq!(code(foreign), Err(NoCode::ForeignState), "{foreign}");
        }
        assert_eq!(code("code=&state=5ec2e7"), Err(NoCode::Empty));
        let denied = code("code=c&error=access_denied&state=5ec2e7");
        assert!(matches!(denied, Err(NoCode::Denied(denial)) if denial.error == "access_denied"));
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
