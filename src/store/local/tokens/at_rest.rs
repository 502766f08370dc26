//! Tokens at rest: the key, what an encrypted entry looks like, and the way from one form to the other.
//!
//! The document says whether it is encrypted and with which key, and every write keeps to that, whatever
//! the settings of the run are: tokens are never written in plain text into an encrypted store. All
//! tokens of a document have the same form, for it is replaced as a whole.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::document::Document;
use super::{FILE, TokenFile, WAIT, file_name, name_of};
use crate::encrypt::{self, Encryption, Key, Place};
use crate::fs::{self, Lock, PRIVATE_FILE};
use crate::model::account::Account;
use crate::secret::Secret;
use crate::store::AccountError;

/// What a migration came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Migrated {
    /// How many logins there are.
    pub(crate) logins: usize,
    /// Whether the file was replaced.
    pub(crate) changed: bool,
}

impl TokenFile {
    /// The same store with the key that it is encrypted with.
    #[must_use]
    pub(crate) fn with_key(self, key: Key) -> Self {
        Self { key: Some(Arc::new(key)), ..self }
    }

    /// The key, if this run has one.
    pub(crate) fn key(&self) -> Option<&Arc<Key>> {
        self.key.as_ref()
    }

    /// How the tokens rest; `None` if they are not encrypted. Needs no key.
    pub(crate) fn encryption(&self) -> Result<Option<Encryption>, AccountError> {
        let path = self.path();
        match fs::read_private(&path)? {
            Some(bytes) => Document::encryption_of(&bytes, &path),
            None => Ok(None),
        }
    }

    /// Whether an interrupted refresh has left something.
    pub(crate) fn has_refresh_log(&self) -> Result<bool, AccountError> {
        Ok(!self.answers()?.is_empty())
    }

    /// An account with its tokens, which needs the key if they are encrypted. The accounts of
    /// [`TokenFile::accounts`] have theirs as they rest.
    pub(crate) fn login(&self, open_id: &str) -> Result<Account, AccountError> {
        let document = self.read()?;
        let account = document.accounts.find(Some(open_id))?;
        self.opened(account, &document)
    }

    /// Encrypts all tokens with the key of this run, which `encryption` describes. `locked` are the
    /// accounts that no other run is at. What is to be written is read and compared before it replaces
    /// the old file.
    pub(crate) fn encrypt(
        &self,
        encryption: &Encryption,
        locked: &BTreeSet<String>,
    ) -> Result<Migrated, AccountError> {
        self.migrate(Some(encryption), locked)
    }

    /// Puts all tokens back into plain text.
    pub(crate) fn decrypt(&self, locked: &BTreeSet<String>) -> Result<Migrated, AccountError> {
        self.migrate(None, locked)
    }

    /// Puts what interrupted refreshes have left into the form of the tokens: encrypted, or plain if
    /// `decrypt`. To be called while no refresh is under way, and while the key is known. Gives the number
    /// of files.
    pub(crate) fn migrate_refresh_log(&self, decrypt: bool) -> Result<usize, AccountError> {
        let files = self.answers()?;
        for path in &files {
            let Some(found) = fs::read_private(path)? else { continue };
            let encrypted = is_encrypted_answer(&found);
            let Some(key) = self.key.as_deref().filter(|_| encrypted == decrypt) else { continue };
            let bytes = if decrypt {
                self.open_answer(path, &found)?
            } else {
                Some(encrypt_answer(key, path, &found))
            };
            // What is damaged stays as it is: it may be of use to somebody.
            if let Some(bytes) = bytes {
                fs::write_atomic(path, &bytes, PRIVATE_FILE)?;
            }
        }
        Ok(files.len())
    }

    /// The answers to refreshes that are not in the store, wherever on their way they are.
    fn answers(&self) -> Result<Vec<PathBuf>, AccountError> {
        let mut files = self.refresh_log()?;
        files.retain(|path| account_of_answer(path).is_some());
        Ok(files)
    }

    /// What the answer to a refresh is to be encrypted with on its way into the store, with
    /// [`encrypt_answer`]. Asked for before a token is spent, so that a key that is gone costs none.
    pub(crate) fn key_for_answers(&self) -> Result<Option<Arc<Key>>, AccountError> {
        let Some(key) = &self.key else { return Ok(None) };
        match self.encryption()? {
            None => Ok(None),
            Some(encryption) => self.key_of(&encryption).map(|_| Some(Arc::clone(key))),
        }
    }

    /// What a refresh has left in a file, encrypted or not. `None`: it was encrypted, and is damaged.
    pub(crate) fn open_answer(
        &self,
        path: &Path,
        bytes: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, AccountError> {
        if !is_encrypted_answer(bytes) {
            return Ok(Some(Zeroizing::new(bytes.to_vec())));
        }
        let Ok(text) = std::str::from_utf8(bytes) else { return Ok(None) };
        let Some(needed) = encrypt::key_of(text) else { return Ok(None) };
        let key = self.key.as_deref().filter(|key| key.id() == needed);
        let key = key.ok_or_else(|| AccountError::NoKey { path: path.to_owned(), key: needed })?;
        Ok(encrypt::open_bytes(key, text, &answer_place(path)).ok())
    }

    fn migrate(
        &self,
        to: Option<&Encryption>,
        locked: &BTreeSet<String>,
    ) -> Result<Migrated, AccountError> {
        let path = self.path();
        let lock = Lock::acquire_blocking(&self.store_lock(), WAIT)?;
        let before = self.read_as_stored()?;
        let logins = before.accounts.len();
        if before.encryption.as_ref() == to {
            return Ok(Migrated { logins, changed: false });
        }
        // Anything but from plain to encrypted or back would need two keys.
        if let (Some(known), Some(_)) = (&before.encryption, to) {
            return Err(AccountError::Encrypted { path, key: known.key });
        }
        if let Some(stranger) = before.accounts.iter().find(|one| !locked.contains(&one.open_id)) {
            return Err(AccountError::MovedOn { account: stranger.name().to_owned() });
        }
        let plain = before
            .accounts
            .iter()
            .map(|account| self.opened(account, &before))
            .collect::<Result<Vec<_>, _>>()?;
        let mut after = before;
        after.encryption = to.cloned();
        for account in &plain {
            let resting = self.resting(account, &after)?;
            after.accounts.0.insert(account.open_id.clone(), resting);
        }
        let bytes = after.encode();
        let read = Document::decode(&bytes, &path)?;
        let same = read.accounts.len() == plain.len()
            && plain.iter().all(|account| {
                let found = read.accounts.get(&account.open_id);
                found.and_then(|found| self.opened(found, &read).ok()).as_ref() == Some(account)
            });
        if !same || read.encryption.as_ref() != to {
            let what = "what would be written does not read back as it is".to_owned();
            return Err(AccountError::Corrupt { path, what });
        }
        fs::clean_temps(&path, &lock)?;
        fs::write_atomic(&path, &bytes, PRIVATE_FILE)?;
        Ok(Migrated { logins, changed: true })
    }

    /// An entry of a document with its tokens opened.
    pub(super) fn opened(
        &self,
        account: &Account,
        document: &Document,
    ) -> Result<Account, AccountError> {
        let Some(encryption) = &document.encryption else {
            return match encrypt::key_of(account.access_token.expose()) {
                None => Ok(account.clone()),
                // Whoever took out what the file said about itself.
                Some(key) => Err(AccountError::NoKey { path: self.path(), key }),
            };
        };
        let key = self.key_of(encryption)?;
        let mut account = account.clone();
        let (open_id, name) = (account.open_id.clone(), account.name().to_owned());
        for (field, token) in tokens(&mut account) {
            let place = place(&open_id, field);
            *token = encrypt::open(key, token.expose(), &place).map_err(|source| {
                AccountError::Sealed { path: self.path(), account: name.clone(), source }
            })?;
        }
        Ok(account)
    }

    /// An account as an entry of a document. Tokens that are encrypted already stay so.
    pub(super) fn resting(
        &self,
        account: &Account,
        document: &Document,
    ) -> Result<Account, AccountError> {
        let mut account = account.clone();
        let Some(encryption) = &document.encryption else { return Ok(account) };
        let open_id = account.open_id.clone();
        for (field, token) in tokens(&mut account) {
            if !encrypt::is_sealed(token.expose()) {
                *token = encrypt::seal(self.key_of(encryption)?, token, &place(&open_id, field));
            }
        }
        Ok(account)
    }

    /// The key of an encrypted document, if this run has it.
    pub(super) fn key_of(&self, encryption: &Encryption) -> Result<&Key, AccountError> {
        let key = self.key.as_deref().filter(|key| key.id() == encryption.key);
        key.ok_or_else(|| AccountError::NoKey { path: self.path(), key: encryption.key })
    }
}

/// The bytes of an answer to a refresh, encrypted for the file that they go to, or for another one of the
/// same account: it is renamed on its way.
pub(crate) fn encrypt_answer(key: &Key, path: &Path, bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(encrypt::seal_bytes(key, bytes, &answer_place(path)).into_bytes())
}

fn is_encrypted_answer(bytes: &[u8]) -> bool {
    // Also one of which only the beginning was written.
    bytes.starts_with(b"enc:")
}

/// Where an answer belongs: to an account, under whichever name.
fn answer_place(path: &Path) -> Place {
    Place::of(&["refresh answer", account_of_answer(path).unwrap_or_default()])
}

/// Whose answer a file holds, as its name says: `user_tokens.json.ACCOUNT.new`.
fn account_of_answer(path: &Path) -> Option<&str> {
    let name = name_of(path).trim_start_matches('.').strip_prefix(FILE)?.strip_prefix('.')?;
    let (account, _) = name.split_once('.')?;
    (account.len() == file_name("").len()).then_some(account)
}

/// The secrets of an entry, by the names of their fields.
fn tokens(account: &mut Account) -> [(&'static str, &mut Secret); 2] {
    [("access_token", &mut account.access_token), ("refresh_token", &mut account.refresh_token)]
}

/// Where a token belongs.
fn place(open_id: &str, field: &str) -> Place {
    Place::of(&["user_tokens", open_id, field])
}

#[cfg(test)]
mod tests;
