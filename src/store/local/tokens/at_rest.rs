//! Tokens at rest: the key, what an encrypted entry looks like, and the way from one form to the other.
//!
//! The document says whether it is encrypted and with which key, and every write keeps to that, whatever
//! the settings of the run are: tokens are never written in plain text into an encrypted store. All
//! tokens of a document have the same form, for it is replaced as a whole.

use std::path::Path;

use zeroize::Zeroizing;

use super::{FILE, file_name, name_of};
use crate::encrypt::{self, Key, Place};
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

/// The bytes of an answer to a refresh, encrypted for the file that they go to, or for another one of the
/// same account: it is renamed on its way.
pub(crate) fn encrypt_answer(key: &Key, path: &Path, bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(encrypt::encrypt_bytes(key, bytes, &answer_place(path)).into_bytes())
}

pub(super) fn is_encrypted_answer(bytes: &[u8]) -> bool {
    // Also one of which only the beginning was written.
    bytes.starts_with(b"enc:")
}

/// Where an answer belongs: to an account, under whichever name.
pub(super) fn answer_place(path: &Path) -> Place {
    Place::of(&["refresh answer", account_of_answer(path).unwrap_or_default()])
}

/// Whose answer a file holds, as its name says: `user_tokens.json.ACCOUNT.new`.
pub(super) fn account_of_answer(path: &Path) -> Option<&str> {
    let name = name_of(path).trim_start_matches('.').strip_prefix(FILE)?.strip_prefix('.')?;
    let (account, _) = name.split_once('.')?;
    (account.len() == file_name("").len()).then_some(account)
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
