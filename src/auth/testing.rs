//! What the tests of this room share.

use jiff::Timestamp;

use super::account::Account;
use crate::secret::Secret;
use crate::tiktok::{Grant, Scopes};

/// A point in time.
pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A token answer of two hours and 180 days, with tokens that name the account and a number.
pub(super) fn grant(open_id: &str, number: u32) -> Grant {
    Grant {
        access_token: Secret::new(format!("act.{open_id}.{number}")),
        expires_in: 7200,
        open_id: open_id.to_owned(),
        refresh_token: Secret::new(format!("rft.{open_id}.{number}")),
        refresh_expires_in: 15_552_000,
        scopes: Scopes::from_answer("user.info.basic,video.upload"),
    }
}

/// An account that logged in on 2026-11-01 at noon.
pub(super) fn account(open_id: &str) -> Account {
    Account::new(grant(open_id, 1), "key", None, at("2026-11-01T12:00:00Z"))
}
