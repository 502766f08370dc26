//! Proof Key for Code Exchange, the way TikTok wants it.
//!
//! The challenge is the lowercase **hex** SHA-256 of the verifier, not its base64url as in RFC 7636:
//! <https://developers.tiktok.com/doc/login-kit-desktop/>.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::TryRng as _;
use rand::rngs::{SysError, SysRng};
use sha2::{Digest as _, Sha256};

use crate::secret::Secret;

/// The letters of a verifier: the documented ones without `~`, which encoders treat differently.
const ALPHABET: &[u8; 65] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";

/// The length of a verifier in characters; TikTok takes 43 to 128.
const LENGTH: usize = 64;

/// The operating system gives no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random numbers")]
pub struct RandomError(#[source] SysError);

/// A code verifier, fresh for each login.
#[derive(Clone, Debug)]
pub struct Verifier(Secret);

impl Verifier {
    /// A new one from the operating system's generator.
    pub fn generate() -> Result<Self, RandomError> {
        let mut text = String::with_capacity(LENGTH);
        while text.len() < LENGTH {
            let mut bytes = [0_u8; LENGTH];
            SysRng.try_fill_bytes(&mut bytes).map_err(RandomError)?;
            // 195 = 3 × 65: bytes from there on are drawn again, so that all letters are as likely.
            let even = bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < 195);
            let letters = even.map(|byte| char::from(ALPHABET[byte % ALPHABET.len()]));
            text.extend(letters.take(LENGTH - text.len()));
        }
        Ok(Self(Secret::new(text)))
    }

    /// The text for `code_verifier` in the exchange.
    pub fn secret(&self) -> &Secret {
        &self.0
    }

    /// The text for `code_challenge` in the authorize URL: 64 characters `[0-9a-f]`.
    pub fn challenge(&self) -> String {
        challenge(self.0.expose())
    }
}

/// 256 random bits in 43 characters that no URL encodes: a `state`, or the `client_ticket` of a QR
/// code, which every character makes bigger.
pub fn nonce() -> Result<Secret, RandomError> {
    let mut bytes = [0_u8; 32];
    SysRng.try_fill_bytes(&mut bytes).map_err(RandomError)?;
    Ok(Secret::new(BASE64_URL_SAFE_NO_PAD.encode(bytes)))
}

fn challenge(verifier: &str) -> String {
    hex(&Sha256::digest(verifier.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t10_the_challenge_is_lowercase_hex() {
        let vectors = [
            (
                "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned(),
                "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3",
            ),
            ("a".repeat(43), "66d34fba71f8f450f7e45598853e53bfc23bbd129027cbb131a2f4ffd7878cd0"),
            (
                "A-._~".repeat(12) + "Zz09",
                "4d7ab7df5d6afc712d476ff3eefb5eb3eb3cf00d3330ec61dd6c9fc356743f94",
            ),
        ];
        for (verifier, expected) in vectors {
            assert_eq!(challenge(&verifier), expected);
        }
    }

    #[test]
    fn a_verifier_is_64_legal_characters_and_never_the_same() {
        let one = Verifier::generate().unwrap();
        let text = one.secret().expose();
        assert_eq!(text.len(), 64);
        assert!(text.bytes().all(|byte| ALPHABET.contains(&byte)));
        assert_ne!(text, Verifier::generate().unwrap().secret().expose());
    }

    #[test]
    fn a_state_has_256_bits_and_is_never_the_same() {
        let one = nonce().unwrap();
        assert_eq!(one.expose().len(), 43);
        assert_ne!(one, nonce().unwrap());
    }
}
