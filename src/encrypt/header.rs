//! What an encrypted store says about itself.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::key::KeyId;
use super::passphrase::Wrapped;

/// Where the key of a store comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scheme {
    /// A file or a command holds it.
    KeyFile,
    /// The store holds it, wrapped by a key that a passphrase makes.
    Passphrase,
    /// The desktop's keyring holds it.
    Keyring,
}

impl Scheme {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Keyring, Self::Passphrase, Self::KeyFile];

    /// Its name in config.toml.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::KeyFile => "key-file",
            Self::Passphrase => "passphrase",
            Self::Keyring => "keyring",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a store is encrypted. It stands readable in the store, so that a run without the key knows what
/// it lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Encryption {
    /// Where the key comes from.
    pub(crate) scheme: Scheme,
    /// Which key it is.
    pub(crate) key: KeyId,
    /// The key itself, wrapped, if a passphrase is what opens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wrapped: Option<Wrapped>,
}
