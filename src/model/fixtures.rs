//! Accounts for the tests of several modules.

use jiff::Timestamp;
use tiktok_open::{Grant, Scopes};

use super::account::{Account, Issuer};
use crate::secret::Secret;

/// TikTok's own API.
pub(crate) const API: &str = "https://open.tiktokapis.com";

/// The app of the accounts here, and the API that has issued their tokens.
pub(crate) const ISSUER: Issuer<'_> = Issuer { client_key: "key", app: None, api: API };

/// A point in time.
pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A token answer of two hours and 180 days, with tokens that name the account and a number.
pub(crate) fn grant(open_id: &str, number: u32) -> Grant {
    let token = |kind| Secret::new(format!("{kind}.{open_id}.{number}"));
    let mut grant = Grant::new(token("act"), token("rft"));
    grant.expires_in = 7200;
    grant.open_id = Some(open_id.to_owned());
    grant.refresh_expires_in = Some(15_552_000);
    grant.scopes = Scopes::from_answer("user.info.basic,video.upload");
    grant
}

/// An account that logged in on 2026-11-01 at noon.
pub(crate) fn account(open_id: &str) -> Account {
    Account::new(open_id.to_owned(), grant(open_id, 1), ISSUER, at("2026-11-01T12:00:00Z"))
}
