//! A refresh answer on its way into the store.
//!
//! TikTok kills the spent refresh token with the answer, so the answer is made durable as it came,
//! before anything is parsed. What a crash leaves behind is judged here.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tiktok_open::{Grant, LONGEST_ANSWER, RawTokenAnswer, Reading, may_hold_a_token};
use zeroize::Zeroizing;

use crate::fs::SIZE_LIMIT;
use crate::model::account::Account;
use crate::secret::Secret;

const VERSION: u32 = 1;

// Whatever is read as an answer fits the file, encrypted and with its header.
const _: () = assert!((LONGEST_ANSWER as u64) * 3 / 2 + 4096 < SIZE_LIMIT);

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
    /// The base URL of the API that answered; older versions did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    api: Option<String>,
    /// HTTP status of the answer.
    status: u16,
}

/// The file's bytes for an answer to the refresh of `spent`.
pub(super) fn encode(
    open_id: &str,
    asked_at: Timestamp,
    spent: &Secret,
    api: &str,
    answer: &RawTokenAnswer,
) -> Zeroizing<Vec<u8>> {
    let header = Header {
        version: VERSION,
        account: open_id.to_owned(),
        asked_at,
        spent: fingerprint(spent),
        api: Some(api.to_owned()),
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
pub(super) enum LoggedAnswer {
    /// A complete grant, made with the refresh token that the store still holds.
    Newer {
        /// The tokens.
        grant: Box<Grant>,
        /// When they were asked for.
        asked_at: Timestamp,
        /// The API that answered, if that is known.
        api: Option<String>,
    },
    /// The store holds other tokens by now: those of this answer, or later ones.
    Outdated,
    /// The answer to the refresh of the stored token, and not one that this version can use: tokens
    /// may stand in it, or another user's do. The stored refresh token is dead.
    Unread,
    /// Tokens may stand in it, but whose cannot be told.
    Illegible,
    /// No token stands in it.
    Worthless,
}

/// Judges a leftover file against the account's stored entry.
pub(super) fn classify(bytes: &[u8], stored: &Account, host: &str) -> LoggedAnswer {
    let spent = &stored.refresh_token;
    let Some((header, answer)) = decode(bytes) else {
        let tokens = may_hold_a_token(bytes, Some(spent));
        return if tokens { LoggedAnswer::Illegible } else { LoggedAnswer::Worthless };
    };
    if header.spent != fingerprint(spent) {
        return LoggedAnswer::Outdated;
    }
    if header.version > VERSION {
        return LoggedAnswer::Unread;
    }
    match answer.read(host, Some(spent)) {
        Reading::Grant(grant) if header.account == stored.open_id && is_for(&grant, stored) => {
            LoggedAnswer::Newer { grant, asked_at: header.asked_at, api: header.api }
        }
        Reading::Grant(_) | Reading::Unread => LoggedAnswer::Unread,
        Reading::None(_) => LoggedAnswer::Worthless,
    }
}

/// Whether a grant is for the account that a refresh was made for, as far as it says.
pub(super) fn is_for(grant: &Grant, account: &Account) -> bool {
    grant.open_id.as_ref().is_none_or(|open_id| *open_id == account.open_id)
}

fn decode(bytes: &[u8]) -> Option<(Header, RawTokenAnswer)> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (head, body) = (bytes.get(..end)?, bytes.get(end + 1..)?);
    // One that cannot be read is told from a whole one by the caller.
    let header: Header = serde_json::from_slice(head).ok()?;
    let body = Zeroizing::new(body.to_vec());
    let answer = RawTokenAnswer::new(header.status, body);
    Some((header, answer))
}

/// Enough to recognise a token by, useless to anybody else.
fn fingerprint(token: &Secret) -> String {
    let digest = Sha256::digest(token.expose().as_bytes());
    digest.iter().fold(String::with_capacity(digest.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::auth::testing::{API, account, at};

    const HOST: &str = "host";

    fn answer(open_id: &str) -> RawTokenAnswer {
        let body = format!(
            r#"{{"access_token":"act.2","expires_in":7200,"open_id":"{open_id}",
               "refresh_token":"rft.2","refresh_expires_in":15552000,"scope":"s"}}"#
        );
        RawTokenAnswer::new(200, body.into_bytes())
    }

    fn file(open_id: &str, spent: &str) -> Zeroizing<Vec<u8>> {
        let asked_at = at("2026-11-01T13:55:00Z");
        encode(open_id, asked_at, &Secret::new(spent), API, &answer(open_id))
    }

    #[test]
    fn f13_a_complete_answer_to_the_stored_token_is_newer() {
        let LoggedAnswer::Newer { grant, asked_at, api } =
            classify(&file("id", "rft.id.1"), &account("id"), HOST)
        else {
            panic!("not newer")
        };
        assert_eq!(grant.refresh_token.expose(), "rft.2");
        assert_eq!(asked_at, at("2026-11-01T13:55:00Z"));
        assert_eq!(api.as_deref(), Some(API));
    }

    #[test]
    fn an_older_header_does_not_say_which_api_answered() {
        let bytes = String::from_utf8(file("id", "rft.id.1").to_vec()).unwrap();
        let older = bytes.replace(&format!(",\"api\":\"{API}\""), "");
        assert_ne!(older, bytes);
        let logged = classify(older.as_bytes(), &account("id"), HOST);
        assert!(matches!(logged, LoggedAnswer::Newer { api: None, .. }));
    }

    #[test]
    fn what_a_newer_version_has_kept_is_left_to_it() {
        let bytes = String::from_utf8(file("id", "rft.id.1").to_vec()).unwrap();
        let newer = bytes.replace("\"version\":1", "\"version\":2");
        assert!(matches!(classify(newer.as_bytes(), &account("id"), HOST), LoggedAnswer::Unread));
    }

    #[test]
    fn f14_an_answer_to_another_token_is_outdated() {
        let logged = classify(&file("id", "rft.id.0"), &account("id"), HOST);
        assert!(matches!(logged, LoggedAnswer::Outdated));
    }

    #[test]
    fn t24_an_answer_for_another_account_is_not_used_and_not_thrown_away() {
        let asked_at = at("2026-11-01T13:55:00Z");
        let mixed = encode("id", asked_at, &Secret::new("rft.id.1"), API, &answer("other"));
        assert!(matches!(classify(&mixed, &account("id"), HOST), LoggedAnswer::Unread));
        let whole = file("other", "rft.id.1");
        assert!(matches!(classify(&whole, &account("id"), HOST), LoggedAnswer::Unread));
    }

    #[test]
    fn f14_every_torn_file_is_judged_by_the_tokens_in_it() {
        let whole = file("id", "rft.id.1");
        let text = String::from_utf8_lossy(&whole);
        let (first, second) = (text.find("act.2").unwrap(), text.find("rft.2\"").unwrap() + 6);
        for end in 0..whole.len() {
            let logged = classify(&whole[..end], &account("id"), HOST);
            let right = match logged {
                LoggedAnswer::Worthless => end <= first,
                LoggedAnswer::Unread => first < end && end < second,
                LoggedAnswer::Newer { .. } => second <= end,
                LoggedAnswer::Outdated | LoggedAnswer::Illegible => false,
            };
            assert!(right, "{logged:?} at {end}");
        }
    }

    #[test]
    fn tokens_under_a_torn_header_are_not_called_worthless() {
        let whole = file("id", "rft.id.1");
        assert!(matches!(classify(&whole[9..], &account("id"), HOST), LoggedAnswer::Illegible));
    }

    #[test]
    fn a_refusal_is_worth_nothing() {
        let body = br#"{"error":"invalid_grant","error_description":"","log_id":"1"}"#.to_vec();
        let refused = RawTokenAnswer::new(200, body);
        let asked_at = at("2026-11-01T13:55:00Z");
        let bytes = encode("id", asked_at, &Secret::new("rft.id.1"), API, &refused);
        assert!(matches!(classify(&bytes, &account("id"), HOST), LoggedAnswer::Worthless));
    }

    #[test]
    fn the_header_does_not_hold_the_spent_token() {
        let bytes = file("id", "rft.id.1");
        assert!(!String::from_utf8_lossy(&bytes).contains("rft.id.1"));
    }

    proptest! {
        #[test]
        fn no_file_is_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = classify(&bytes, &account("id"), HOST);
        }
    }
}
