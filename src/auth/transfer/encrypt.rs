//! The file: a login as JSON, encrypted with a passphrase and armored.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::TransferError;
use crate::encrypt::{Armored, Label, armor};
use crate::model::account::Account;
use crate::secret::Secret;
use crate::text;

const LABEL: Label = Label("TIKTOK-UP LOGIN");

/// How a file of age (<https://age-encryption.org/v1>) begins, armored and not: what the program
/// exported before it had a format of its own.
const AGE: [&[u8]; 2] = [b"-----BEGIN AGE ENCRYPTED FILE-----", b"age-encryption.org/"];

/// What the content calls itself.
const FORMAT: &str = "tiktok-up login";
const VERSION: u64 = 1;

#[derive(Serialize)]
struct Write<'a> {
    format: &'static str,
    version: u64,
    exported_at: Timestamp,
    open_id: &'a str,
    account: &'a Account,
}

#[derive(Deserialize)]
struct Versioned {
    format: String,
    version: u64,
}

#[derive(Deserialize)]
struct Read {
    open_id: String,
    account: Account,
}

/// A file with a login, not opened yet.
#[derive(Debug)]
pub(crate) struct EncryptedLogin(Armored);

/// Encrypts a login with a passphrase: armored text with a line break at its end.
pub(crate) fn encrypt(
    account: &Account,
    passphrase: &Secret,
    now: Timestamp,
) -> Result<String, TransferError> {
    Ok(armor(LABEL, &encode(account, now), passphrase)?)
}

fn encode(account: &Account, now: Timestamp) -> Zeroizing<Vec<u8>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(4096));
    let whole = Write {
        format: FORMAT,
        version: VERSION,
        exported_at: now,
        open_id: &account.open_id,
        account,
    };
    // Text, numbers and times into memory: this cannot fail.
    let _ = serde_json::to_writer(&mut *plain, &whole);
    plain
}

impl EncryptedLogin {
    /// Reads a file, as far as that goes without its passphrase. `None`: it does not even mean to be
    /// one with an encrypted login.
    pub(crate) fn read(bytes: &[u8]) -> Option<Result<Self, TransferError>> {
        if AGE.iter().any(|begin| bytes.trim_ascii_start().starts_with(begin)) {
            return Some(Err(TransferError::Age));
        }
        LABEL.begins(bytes).then(|| Ok(Self(Armored::parse(LABEL, bytes)?)))
    }

    /// Opens it and checks that it holds a login that can be one. Derives the key, which is slow on
    /// purpose.
    pub(crate) fn open(&self, passphrase: &Secret) -> Result<Account, TransferError> {
        decode(&self.0.open(passphrase)?)
    }
}

fn decode(plain: &[u8]) -> Result<Account, TransferError> {
    // The parser's own message would quote the content.
    let odd = |what| TransferError::Content { what };
    let form = |_| odd("not the JSON of one");
    let Versioned { format, version } = serde_json::from_slice(plain).map_err(form)?;
    if format != FORMAT {
        return Err(odd("it calls itself something else"));
    }
    if version > VERSION {
        return Err(TransferError::Newer { version });
    }
    let Read { open_id, account } = serde_json::from_slice(plain).map_err(form)?;
    if open_id.is_empty() || text::plain(&open_id) != open_id {
        return Err(odd("the open_id is missing or odd"));
    }
    if account.access_token.is_empty() || account.refresh_token.is_empty() {
        return Err(odd("a token is missing"));
    }
    if account.client_key.is_empty() {
        return Err(odd("it does not say which app it belongs to"));
    }
    Ok(Account { open_id, ..account })
}
