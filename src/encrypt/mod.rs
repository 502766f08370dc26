//! Secrets at rest: texts that only the holder of a key can read, and that are good only in the place
//! that they were written for.
//!
//! An encrypted value says by itself that it is one, and with which key: `enc:1:KEYID:BASE64`. A
//! text that leaves the machine is armored around one, and a passphrase opens it. Nothing here reads a file or knows where a key comes from.

mod armor;
mod header;
mod key;
mod passphrase;
mod value;

pub(crate) use armor::{ArmorError, Armored, Label, armor};
pub(crate) use header::{Encryption, Scheme};
pub(crate) use key::{Key, KeyError, KeyId};
pub(crate) use passphrase::{UnwrapError, WrapError, Wrapped};
pub(crate) use value::{
    OpenError, Place, encrypt, encrypt_bytes, is_encrypted, key_of, open, open_bytes,
};
