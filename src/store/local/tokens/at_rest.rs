//! Tokens at rest: which secrets of an entry are encrypted, and what each is bound to. [`super::TokenFile`]
//! encrypts, decrypts and migrates them.
//!
//! The document says whether it is encrypted and with which key, and every write keeps to that, whatever
//! the settings of the run are: tokens are never written in plain text into an encrypted store. All
//! tokens of a document have the same form, for it is replaced as a whole.

use crate::encrypt::Place;
use crate::model::account::Account;
use crate::secret::Secret;

/// What a migration came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Migrated {
    /// How many logins there are.
    pub(crate) logins: usize,
    /// Whether the file was replaced.
    pub(crate) changed: bool,
}

/// The secrets of an entry, by the names of their fields.
pub(super) fn tokens(account: &mut Account) -> [(&'static str, &mut Secret); 2] {
    [("access_token", &mut account.access_token), ("refresh_token", &mut account.refresh_token)]
}

/// Where a token belongs.
pub(super) fn place(open_id: &str, field: &str) -> Place {
    Place::of(&["user_tokens", open_id, field])
}

#[cfg(test)]
mod tests;
