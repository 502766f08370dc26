//! What a refresh is asked for, and what comes of it.

use std::time::Duration;

use crate::model::account::Account;
use crate::secret::Secret;

/// When a refresh is wanted.
#[derive(Clone, Debug)]
pub(crate) enum RefreshPolicy {
    /// When less than this is left of the access token's life (never less than five minutes).
    Within(Duration),
    /// Now.
    Force,
    /// When this is still the stored access token: TikTok has refused it.
    Instead(Secret),
}

/// What came of asking for a refresh; each with the account as it is stored now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The token lives long enough.
    NotDue(Account),
    /// Somebody else has refreshed meanwhile.
    Adopted(Account),
    /// An interrupted refresh was brought to its end.
    Recovered(Account),
    /// New tokens.
    Refreshed(Account),
    /// Another process holds the lease for too long; the token at hand still lives.
    Kept(Account),
}

impl Outcome {
    /// The account.
    pub(crate) fn account(&self) -> &Account {
        match self {
            Self::NotDue(account)
            | Self::Adopted(account)
            | Self::Recovered(account)
            | Self::Refreshed(account)
            | Self::Kept(account) => account,
        }
    }

    /// The account, taken out of it.
    pub(crate) fn into_account(self) -> Account {
        match self {
            Self::NotDue(account)
            | Self::Adopted(account)
            | Self::Recovered(account)
            | Self::Refreshed(account)
            | Self::Kept(account) => account,
        }
    }
}
