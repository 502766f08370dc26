//! The file: a login as JSON, encrypted and armored by age (<https://age-encryption.org/v1>).

use std::io::{self, Read as _, Write as _};
use std::iter;

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::scrypt::{Identity, Recipient};
use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, Encryptor};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::CarryError;
use crate::auth::account::Account;
use crate::secret::Secret;
use crate::text;

/// scrypt's N as a power of two: 128 MiB and half a second, which a small server can give, too.
const WORK: u8 = if cfg!(test) { 10 } else { 17 };

/// The most that is done to open a file: as much as the `age` tool asks for by itself, about a
/// second. A file from elsewhere must not keep a machine busy for minutes.
const MOST_WORK: u8 = 18;

const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
const BINARY: &[u8] = b"age-encryption.org/";

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

/// Whether these bytes mean to be a file of age, armored or not.
pub fn is_sealed(bytes: &[u8]) -> bool {
    let bytes = bytes.trim_ascii_start();
    bytes.starts_with(ARMOR) || bytes.starts_with(BINARY)
}

/// Encrypts a login with a passphrase: armored text with a line break at its end.
pub fn seal(account: &Account, passphrase: &Secret, now: Timestamp) -> Result<String, CarryError> {
    let plain = encode(account, now);
    let mut recipient = Recipient::new(secret_string(passphrase));
    recipient.set_work_factor(WORK);
    encrypt(&recipient, &plain).map_err(|_| CarryError::Encrypt)
}

fn encrypt(recipient: &Recipient, plain: &[u8]) -> io::Result<String> {
    let encryptor = Encryptor::with_recipients(iter::once(recipient as &dyn age::Recipient))
        .map_err(|_| io::ErrorKind::Other)?;
    let armor = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
    let mut writer = encryptor.wrap_output(armor)?;
    writer.write_all(plain)?;
    let armored = writer.finish()?.finish()?;
    String::from_utf8(armored).map_err(|_| io::ErrorKind::InvalidData.into())
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

/// Opens such a file and checks that it holds a login that can be one.
pub fn unseal(bytes: &[u8], passphrase: &Secret) -> Result<Account, CarryError> {
    let sealed = ArmoredReader::new(bytes.trim_ascii_start());
    let decryptor = Decryptor::new_buffered(sealed).map_err(|error| refused(&error))?;
    if !decryptor.is_scrypt() {
        return Err(CarryError::NoPassphrase);
    }
    let mut identity = Identity::new(secret_string(passphrase));
    identity.set_max_work_factor(MOST_WORK);
    let mut reader = decryptor
        .decrypt(iter::once(&identity as &dyn age::Identity))
        .map_err(|error| refused(&error))?;
    // Never longer than the file, so that no half of it is left behind by growing.
    let mut plain = Zeroizing::new(Vec::with_capacity(bytes.len()));
    reader
        .read_to_end(&mut plain)
        .map_err(|_| CarryError::Damaged { what: "it is cut off or was changed" })?;
    decode(&plain)
}

fn refused(error: &DecryptError) -> CarryError {
    match error {
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => {
            CarryError::Passphrase
        }
        DecryptError::ExcessiveWork { required, .. } => {
            CarryError::Work { asked: *required, most: MOST_WORK }
        }
        DecryptError::NoMatchingKeys => CarryError::NoPassphrase,
        DecryptError::InvalidMac => CarryError::Damaged { what: "its header was changed" },
        DecryptError::Io(_) => CarryError::Damaged { what: "it is cut off or was changed" },
        _ => CarryError::Damaged { what: "its header cannot be read" },
    }
}

fn decode(plain: &[u8]) -> Result<Account, CarryError> {
    // The parser's own message would quote the content.
    let odd = |what| CarryError::Content { what };
    let form = |_| odd("not the JSON of one");
    let Versioned { format, version } = serde_json::from_slice(plain).map_err(form)?;
    if format != FORMAT {
        return Err(odd("it calls itself something else"));
    }
    if version > VERSION {
        return Err(CarryError::Newer { version });
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

fn secret_string(secret: &Secret) -> SecretString {
    SecretString::from(secret.expose())
}
