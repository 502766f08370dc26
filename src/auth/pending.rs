//! A refresh answer on its way into the store.
//!
//! TikTok kills the spent refresh token with the answer, so the answer is made durable as it came,
//! before anything is parsed. What a crash leaves behind is judged here.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::account::Account;
use crate::secret::Secret;
use crate::tiktok::{Grant, RawAnswer, parse_grant};

const VERSION: u32 = 1;

/// What stands in the first line of the file; the answer's bytes follow.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    version: u32,
    /// Whose refresh token was spent.
    account: String,
    /// When the request for it was made.
    asked_at: Timestamp,
    /// A fingerprint of the refresh token that was spent.
    spent: String,
    /// HTTP status of the answer.
    status: u16,
}

/// The file's bytes for an answer to the refresh of `spent`.
pub(super) fn encode(
    open_id: &str,
    asked_at: Timestamp,
    spent: &Secret,
    answer: &RawAnswer,
) -> Zeroizing<Vec<u8>> {
    let header = Header {
        version: VERSION,
        account: open_id.to_owned(),
        asked_at,
        spent: fingerprint(spent),
        status: answer.status,
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(answer.body.len() + 512));
    // Plain text and numbers into memory: this cannot fail.
    let _ = serde_json::to_writer(&mut *bytes, &header);
    bytes.push(b'\n');
    bytes.extend_from_slice(&answer.body);
    bytes
}

/// What a leftover file is worth.
#[derive(Debug)]
pub(super) enum Leftover {
    /// A complete grant, made with the refresh token that the store still holds.
    Newer {
        /// The tokens.
        grant: Box<Grant>,
        /// When they were asked for.
        asked_at: Timestamp,
    },
    /// The store holds other tokens by now: those of this answer, or later ones.
    Outdated,
    /// No complete grant for this account.
    Torn,
}

/// Judges a leftover file against the account's stored entry.
pub(super) fn judge(bytes: &[u8], stored: &Account, host: &str) -> Leftover {
    let Some((header, answer)) = decode(bytes) else { return Leftover::Torn };
    let Ok(grant) = parse_grant(host, &answer) else { return Leftover::Torn };
    if header.account != stored.open_id || grant.open_id != stored.open_id {
        return Leftover::Torn;
    }
    if header.spent != fingerprint(&stored.refresh_token) {
        return Leftover::Outdated;
    }
    Leftover::Newer { grant: Box::new(grant), asked_at: header.asked_at }
}

fn decode(bytes: &[u8]) -> Option<(Header, RawAnswer)> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (head, body) = (bytes.get(..end)?, bytes.get(end + 1..)?);
    let header: Header = serde_json::from_slice(head).ok()?;
    let answer = RawAnswer { status: header.status, body: Zeroizing::new(body.to_vec()) };
    (header.version == VERSION).then_some((header, answer))
}

/// Enough to recognise a token by, useless to anybody else.
fn fingerprint(token: &Secret) -> String {
    let digest = Sha256::digest(token.expose().as_bytes());
    super::pkce::hex(&digest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::auth::testing::{account, at};

    const HOST: &str = "host";

    fn answer(open_id: &str) -> RawAnswer {
        let body = format!(
            r#"{{"access_token":"act.2","expires_in":7200,"open_id":"{open_id}",
               "refresh_token":"rft.2","refresh_expires_in":15552000,"scope":"s"}}"#
        );
        RawAnswer { status: 200, body: Zeroizing::new(body.into_bytes()) }
    }

    fn file(open_id: &str, spent: &str) -> Zeroizing<Vec<u8>> {
        let asked_at = at("2026-11-01T13:55:00Z");
        encode(open_id, asked_at, &Secret::new(spent), &answer(open_id))
    }

    #[test]
    fn f13_a_complete_answer_to_the_stored_token_is_newer() {
        let Leftover::Newer { grant, asked_at } =
            judge(&file("id", "rft.id.1"), &account("id"), HOST)
        else {
            panic!("not newer")
        };
        assert_eq!(grant.refresh_token.expose(), "rft.2");
        assert_eq!(asked_at, at("2026-11-01T13:55:00Z"));
    }

    #[test]
    fn f14_an_answer_to_another_token_is_outdated() {
        let leftover = judge(&file("id", "rft.id.0"), &account("id"), HOST);
        assert!(matches!(leftover, Leftover::Outdated));
    }

    #[test]
    fn t24_an_answer_for_another_account_is_worth_nothing() {
        let asked_at = at("2026-11-01T13:55:00Z");
        let mixed = encode("id", asked_at, &Secret::new("rft.id.1"), &answer("other"));
        assert!(matches!(judge(&mixed, &account("id"), HOST), Leftover::Torn));
        let whole = file("other", "rft.id.1");
        assert!(matches!(judge(&whole, &account("id"), HOST), Leftover::Torn));
    }

    #[test]
    fn f14_every_torn_file_is_recognised() {
        let whole = file("id", "rft.id.1");
        for end in 0..whole.len() {
            assert!(matches!(judge(&whole[..end], &account("id"), HOST), Leftover::Torn), "{end}");
        }
    }

    #[test]
    fn a_refusal_is_worth_nothing() {
        let body = br#"{"error":"invalid_grant","error_description":"","log_id":"1"}"#.to_vec();
        let refused = RawAnswer { status: 200, body: Zeroizing::new(body) };
        let asked_at = at("2026-11-01T13:55:00Z");
        let bytes = encode("id", asked_at, &Secret::new("rft.id.1"), &refused);
        assert!(matches!(judge(&bytes, &account("id"), HOST), Leftover::Torn));
    }

    #[test]
    fn the_header_does_not_hold_the_spent_token() {
        let bytes = file("id", "rft.id.1");
        assert!(!String::from_utf8_lossy(&bytes).contains("rft.id.1"));
    }

    proptest! {
        #[test]
        fn no_file_is_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = judge(&bytes, &account("id"), HOST);
        }
    }
}
