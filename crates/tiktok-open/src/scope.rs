//! Scopes: what an app may do for a user (<https://developers.tiktok.com/doc/tiktok-api-scopes>).

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A set of scopes, written as TikTok writes it: separated by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<String>);

/// A list of scopes that cannot be asked for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScopeError {
    /// One of them has a form that no page documents.
    #[error("`{0}` is not a scope: scopes are lowercase words joined by dots, separated by commas")]
    Form(String),
    /// There is none.
    #[error("no scope is named")]
    Empty,
}

impl Scopes {
    /// Reads an answer's list, tolerantly: commas or spaces, empty parts dropped.
    pub fn from_answer(text: &str) -> Self {
        Self(
            text.split([',', ' '])
                .filter(|scope| !scope.is_empty())
                .map(crate::text::plain)
                .collect(),
        )
    }

    /// Whether a scope is in the set.
    pub fn has(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes of this set that `granted` lacks.
    #[must_use]
    pub fn missing_from(&self, granted: &Self) -> Self {
        Self(self.0.difference(&granted.0).cloned().collect())
    }

    /// Both sets together.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// The scopes in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl FromStr for Scopes {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let scopes: BTreeSet<String> = text
            .split(',')
            .map(|scope| scope.trim().to_owned())
            .filter(|s| !s.is_empty())
            .collect();
        match scopes.iter().find(|scope| !scope.chars().all(is_legal)) {
            Some(bad) => Err(ScopeError::Form(crate::text::plain(bad))),
            None if scopes.is_empty() => Err(ScopeError::Empty),
            None => Ok(Self(scopes)),
        }
    }
}

/// Whether a character may stand in the name of a scope.
fn is_legal(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c)
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(String::as_str).collect::<Vec<_>>().join(","))
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // As they were written down here. To look for secrets in them costs more than all else in an account.
        let is_known = |scope: &str| scope.chars().all(is_legal);
        Ok(if text.split(',').all(is_known) {
            Self(text.split(',').filter(|scope| !scope.is_empty()).map(str::to_owned).collect())
        } else {
            Self::from_answer(&text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_separate_and_order_does_not_matter() {
        let scopes: Scopes = "video.upload, user.info.basic".parse().unwrap();
        assert_eq!(scopes.to_string(), "user.info.basic,video.upload");
        assert!("video.publish video.upload".parse::<Scopes>().is_err());
        assert!("".parse::<Scopes>().is_err());
    }

    #[test]
    fn what_was_not_granted_is_named() {
        let asked: Scopes = "user.info.basic,video.publish".parse().unwrap();
        let granted = Scopes::from_answer("user.info.basic");
        assert_eq!(asked.missing_from(&granted).to_string(), "video.publish");
    }
}
