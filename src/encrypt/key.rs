//! Keys, and the short names by which a wrong one is recognised.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use rand::TryRng as _;
use rand::rngs::{SysError, SysRng};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// The length of a key, in bytes.
const LENGTH: usize = 32;

/// What the fingerprint of a key is derived for, so that it is of use for nothing else.
const ID_CONTEXT: &str = "tiktok-up 2026-11 fingerprint of a store key";

/// A key: 32 random bytes, wiped from memory on drop and never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key(Zeroizing<[u8; LENGTH]>);

impl Key {
    /// A new one.
    pub(crate) fn random() -> Result<Self, SysError> {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        SysRng.try_fill_bytes(&mut *bytes)?;
        Ok(Self(bytes))
    }

    /// Of exactly these bytes.
    pub(super) fn of(bytes: Zeroizing<[u8; LENGTH]>) -> Self {
        Self(bytes)
    }

    /// Reads the text of a key: 32 bytes as 64 hex digits or as base64, the white space around it
    /// ignored.
    pub(crate) fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let bytes = if text.len() == 2 * LENGTH { from_hex(text) } else { from_base64(text) };
        let bytes = bytes.ok_or(KeyError)?;
        let mut key = Zeroizing::new([0; LENGTH]);
        if bytes.len() != LENGTH {
            return Err(KeyError);
        }
        key.copy_from_slice(&bytes);
        Ok(Self(key))
    }

    /// The key as [`Key::parse`] reads it.
    pub(crate) fn to_text(&self) -> Secret {
        Secret::new(STANDARD.encode(self.bytes()))
    }

    /// Its fingerprint, which tells nothing about it.
    pub(crate) fn id(&self) -> KeyId {
        let derived = blake3::derive_key(ID_CONTEXT, self.bytes());
        let mut id = [0; 6];
        id.copy_from_slice(&derived[..6]);
        KeyId(id)
    }

    pub(super) fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id())
    }
}

fn from_hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH));
    for pair in text.as_bytes().chunks(2) {
        let [high, low] = *pair else { return None };
        let digit = |digit: u8| char::from(digit).to_digit(16);
        bytes.push(u8::try_from(digit(high)? << 4 | digit(low)?).ok()?);
    }
    Some(bytes)
}

fn from_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let kinds = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD];
    kinds.iter().find_map(|kind| kind.decode(text).ok()).map(Zeroizing::new)
}

/// A text that is no key. It is never quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not a key: 32 random bytes as base64 or hex")]
pub(crate) struct KeyError;

/// The fingerprint of a key: twelve hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct KeyId([u8; 6]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for KeyId {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let digits = text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        let bytes = from_hex(text).filter(|_| digits).ok_or(KeyError)?;
        bytes.as_slice().try_into().map(Self).map_err(|_| KeyError)
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_written_and_in_the_other_common_forms() {
        let key = Key::random().unwrap();
        let hex = key.bytes().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let forms = [
            STANDARD.encode(key.bytes()),
            STANDARD_NO_PAD.encode(key.bytes()),
            URL_SAFE.encode(key.bytes()),
            hex.to_uppercase(),
            format!("  {hex}\r\n"),
            format!("{}\n", key.to_text().expose()),
        ];
        for form in forms {
            assert_eq!(Key::parse(&form), Ok(key.clone()), "{form}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_without_quoting_it() {
        let short = STANDARD.encode([7; 31]);
        let long = STANDARD.encode([7; 33]);
        for text in ["", "canary", "ö", &"g".repeat(64), &"ab".repeat(31), &short, &long] {
            assert_eq!(Key::parse(text), Err(KeyError), "{text}");
        }
        assert!(!KeyError.to_string().contains("canary"));
    }

    #[test]
    fn keys_differ_and_so_do_their_names() {
        let (one, other) = (Key::random().unwrap(), Key::random().unwrap());
        assert_ne!(one.id(), other.id());
        assert_eq!(one.id().to_string().parse(), Ok(one.id()));
        assert_eq!(one.id().to_string().len(), 12);
        for bad in ["", "0123456789ab0", "0123456789a", "0123456789AB", "0123456789xy"] {
            assert_eq!(bad.parse::<KeyId>(), Err(KeyError), "{bad}");
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        let key = Key::of(Zeroizing::new([b'k'; LENGTH]));
        assert!(!format!("{key:?}").contains("107"), "{key:?}");
        assert!(!format!("{key:?}").contains(key.to_text().expose()));
    }
}
