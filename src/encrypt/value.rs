//! One encrypted value: XChaCha20-Poly1305 with a random nonce, as a text.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, AeadInOut as _, KeyInit as _, Payload};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::key::{Key, KeyId};
use crate::secret::Secret;

/// How every encrypted value begins, whatever its version.
const MARK: &str = "enc:";

/// The version that is written.
const VERSION: &str = "1";

/// Length of the nonce that stands before the ciphertext, in bytes. It is random: with 24 bytes no two
/// ever meet.
const NONCE: usize = 24;

/// Length of the tag that ends the ciphertext, in bytes.
const TAG: usize = 16;

/// What a value belongs to. It is authenticated with the value, which opens nowhere else: whoever may
/// write the file cannot put one account's token into another's entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place(Vec<u8>);

impl Place {
    /// The place that these parts name together. Each part goes in with its length, so that no two
    /// lists make the same place.
    pub(crate) fn of(parts: &[&str]) -> Self {
        let mut bytes = Vec::new();
        for part in parts {
            bytes.extend((part.len() as u64).to_le_bytes());
            bytes.extend(part.as_bytes());
        }
        Self(bytes)
    }

    /// The authenticated text: the value's own head, then the place.
    fn data(&self, head: &str) -> Vec<u8> {
        [head.as_bytes(), &self.0].concat()
    }
}

/// Why an encrypted value does not open. The value is never quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OpenError {
    /// It is cut off, or was never one.
    #[error("it is damaged")]
    Form,
    /// A newer version of this program wrote it.
    #[error("a newer version of tiktok-up wrote it")]
    Newer,
    /// It was encrypted with another key.
    #[error("it is encrypted with the key {needed}, and the key at hand is {given}")]
    OtherKey {
        /// The key that opens it.
        needed: KeyId,
        /// The key that was tried.
        given: KeyId,
    },
    /// Something in it was changed, or it was moved here from another place.
    #[error("it was changed, or belongs elsewhere")]
    Refused,
}

/// Whether a text claims to be an encrypted value.
pub(crate) fn is_encrypted(text: &str) -> bool {
    text.starts_with(MARK)
}

/// The key that an encrypted text needs; `None` if it is not an encrypted text of this version.
pub(crate) fn key_of(text: &str) -> Option<KeyId> {
    parts(text).ok().map(|(_, id, _)| id)
}

/// Encrypts a text for a place. What comes of it may be seen by anybody.
pub(crate) fn encrypt(key: &Key, secret: &Secret, place: &Place) -> Secret {
    Secret::unlisted(encrypt_bytes(key, secret.expose().as_bytes(), place))
}

/// Encrypts bytes for a place.
pub(crate) fn encrypt_bytes(key: &Key, plain: &[u8], place: &Place) -> String {
    let head = format!("{MARK}{VERSION}:{}", key.id());
    let nonce: [u8; NONCE] = rand::random();
    let mut encrypted = nonce.to_vec();
    // All that can fail is a text of 256 GiB.
    if let Ok(ciphertext) =
        cipher(key).encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &place.data(&head) })
    {
        encrypted.extend(ciphertext);
    }
    format!("{head}:{}", URL_SAFE_NO_PAD.encode(encrypted))
}

/// Opens a text that was encrypted for this place.
pub(crate) fn open(key: &Key, encrypted: &str, place: &Place) -> Result<Secret, OpenError> {
    let bytes = open_bytes(key, encrypted, place)?;
    std::str::from_utf8(&bytes).map(Secret::new).map_err(|_| OpenError::Form)
}

/// Opens bytes that were encrypted for this place.
pub(crate) fn open_bytes(
    key: &Key,
    encrypted: &str,
    place: &Place,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let (head, needed, body) = parts(encrypted)?;
    let given = key.id();
    if needed != given {
        return Err(OpenError::OtherKey { needed, given });
    }
    let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| OpenError::Form)?;
    let (nonce, rest) = bytes.split_first_chunk::<NONCE>().ok_or(OpenError::Form)?;
    let (ciphertext, tag) = rest.split_last_chunk::<TAG>().ok_or(OpenError::Form)?;
    let mut plain = Zeroizing::new(ciphertext.to_vec());
    cipher(key)
        .decrypt_inout_detached(
            &XNonce::from(*nonce),
            &place.data(head),
            plain.as_mut_slice().into(),
            &Tag::from(*tag),
        )
        .map_err(|_| OpenError::Refused)?;
    Ok(plain)
}

/// Head, key and body of an encrypted text.
fn parts(text: &str) -> Result<(&str, KeyId, &str), OpenError> {
    let (version, rest) =
        text.strip_prefix(MARK).and_then(|rest| rest.split_once(':')).ok_or(OpenError::Form)?;
    if version != VERSION {
        let newer = version.parse::<u32>().is_ok_and(|version| version > 1);
        return Err(if newer { OpenError::Newer } else { OpenError::Form });
    }
    let (id, body) = rest.split_once(':').ok_or(OpenError::Form)?;
    let id = id.parse().map_err(|_| OpenError::Form)?;
    let head = text.get(..text.len() - body.len() - 1).ok_or(OpenError::Form)?;
    Ok((head, id, body))
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.bytes().into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(fill: u8) -> Key {
        Key::of(Zeroizing::new([fill; 32]))
    }

    fn here() -> Place {
        Place::of(&["access_token", "id-1"])
    }

    #[test]
    fn an_encrypted_value_has_its_version_its_key_and_nothing_of_the_text() {
        let encrypted = encrypt(&key(1), &Secret::new("act.canary"), &here());
        let text = encrypted.expose();
        assert!(text.starts_with(&format!("enc:1:{}:", key(1).id())), "{text}");
        assert!(is_encrypted(text) && key_of(text) == Some(key(1).id()));
        assert!(!text.contains("canary"));
        assert_ne!(
            encrypted,
            encrypt(&key(1), &Secret::new("act.canary"), &here()),
            "the nonce is new"
        );
    }

    #[test]
    fn a_value_of_the_first_version_opens_for_ever() {
        assert_eq!(open(&key(7), KNOWN, &Place::of(&["a", "b"])).unwrap().expose(), "act.known");
    }

    /// Written once, by version 1.
    const KNOWN: &str =
        "enc:1:2613fbf6b463:JI8o8Sx-IcYx473blyj3NagZd2ujHm2zXCz6QzmP5s4XIU3cvQZ4rxCi0CUrl1polQ";

    #[test]
    fn another_key_is_named() {
        let encrypted = encrypt(&key(1), &Secret::new("x"), &here());
        let (needed, given) = (key(1).id(), key(2).id());
        let error = open(&key(2), encrypted.expose(), &here());
        assert_eq!(error, Err(OpenError::OtherKey { needed, given }));
    }

    #[test]
    fn a_value_opens_nowhere_else() {
        let encrypted = encrypt(&key(1), &Secret::new("x"), &here());
        for elsewhere in [
            Place::of(&["access_token", "id-2"]),
            Place::of(&["refresh_token", "id-1"]),
            Place::of(&["access_tokeni", "d-1"]),
            Place::of(&["access_token", "id-1", ""]),
            Place::of(&["access_token"]),
            Place::of(&[]),
        ] {
            assert_eq!(open(&key(1), encrypted.expose(), &elsewhere), Err(OpenError::Refused));
        }
    }

    #[test]
    fn a_value_of_a_later_version_is_told_apart_from_damage() {
        assert_eq!(open(&key(1), "enc:2:whatever", &here()), Err(OpenError::Newer));
        for odd in ["enc:", "enc:1", "enc:0:", "enc:1:", "enc:x:", "act.1", "", "enc:-1:a:b"] {
            assert_eq!(open(&key(1), odd, &here()), Err(OpenError::Form), "{odd}");
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let encrypted = encrypt(&key(1), &Secret::new("act.0123456789"), &here());
        let bytes = encrypted.expose().as_bytes();
        for at in 0..bytes.len() * 8 {
            let mut bytes = bytes.to_vec();
            bytes[at / 8] ^= 1 << (at % 8);
            let Ok(text) = String::from_utf8(bytes) else { continue };
            assert!(open(&key(1), &text, &here()).is_err(), "bit {at}: {text}");
        }
    }

    #[test]
    fn every_cut_is_noticed() {
        let encrypted = encrypt(&key(1), &Secret::new("act.0123456789"), &here());
        let text = encrypted.expose();
        for end in 0..text.len() {
            assert!(open(&key(1), &text[..end], &here()).is_err(), "{end}");
        }
        assert!(open(&key(1), &format!("{text}A"), &here()).is_err());
        assert!(open(&key(1), &format!("{text}="), &here()).is_err());
        assert!(open(&key(1), &format!("{text}\n"), &here()).is_err());
    }

    proptest! {
        #[test]
        fn what_is_encrypted_opens(text in ".{0,300}", part in ".{0,40}", fill in any::<u8>()) {
            let place = Place::of(&["field", &part]);
            let encrypted = encrypt(&key(fill), &Secret::new(text.as_str()), &place);
            prop_assert_eq!(open(&key(fill), encrypted.expose(), &place), Ok(Secret::new(text)));
        }

        #[test]
        fn bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let encrypted = encrypt_bytes(&key(3), &bytes, &here());
            prop_assert_eq!(&*open_bytes(&key(3), &encrypted, &here()).unwrap(), &bytes);
        }

        #[test]
        fn no_two_lists_are_one_place(
            one in proptest::collection::vec(".{0,4}", 0..4),
            other in proptest::collection::vec(".{0,4}", 0..4),
        ) {
            let place = |parts: &[String]| Place::of(&parts.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert_eq!(place(&one) == place(&other), one == other);
        }

        #[test]
        fn no_text_is_too_strange(text in "(enc:[0-9]{0,3}:?)?[0-9a-f]{0,13}:?.{0,80}") {
            prop_assert!(open(&key(1), &text, &here()).is_err());
            let _ = key_of(&text);
        }
    }
}
