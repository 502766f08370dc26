//! A secret that cannot be printed by accident, not even in somebody else's words.

mod redact;
mod registry;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serializer};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub use self::redact::redact;

/// A token, client secret, authorization code, verifier, state or `upload_url`.
///
/// `Debug` and `Display` redact and there is no `Serialize`. The text itself leaves only through
/// [`Secret::expose`], so that a search for that word finds every place where a secret goes out.
///
/// The process remembers every secret, and [`redact()`] takes it out of other texts. Its memory is wiped
/// once nobody holds it and many others have come.
#[derive(Clone, Default)]
pub struct Secret(registry::Text);

impl Secret {
    /// Wraps a text that must never be shown, and looks for it in other texts from now on.
    pub fn new(text: impl Into<String>) -> Self {
        Self(registry::enlist(text.into()))
    }

    /// Wraps a text of which it is not known yet what it is, such as a line that somebody pastes or a
    /// parameter that anybody may send: it is not looked for elsewhere, or it could hide what it likes.
    pub fn unlisted(text: impl Into<String>) -> Self {
        Self(Arc::new(Zeroizing::new(text.into())))
    }

    /// The text itself, for the request, the store or the child that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the secret is the empty text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// Compares in constant time, so that an answer's timing tells nothing about the secret.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(redacted)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(redacted)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// For `#[serde(serialize_with = "tiktok_open::secret::persist")]` on the few records that are meant to
/// hold the text itself, such as a file that only its owner may read.
pub fn persist<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_prints_shows_the_text() {
        let secret = Secret::new("act.canary");
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), {
            "(redacted) (redacted) Some((redacted))"
        });
    }

    #[test]
    fn equality_is_by_text() {
        assert_eq!(Secret::new("a"), Secret::new("a"));
        assert_ne!(Secret::new("a"), Secret::new("ab"));
    }
}
