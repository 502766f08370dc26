//! What can be wrong with the accounts and their tokens.

use std::path::PathBuf;

use crate::encrypt::{KeyId, OpenError};
use crate::fs::{FsError, LockError};
use crate::model::account::{AliasError, NameError};
use crate::problem::{Coded, ErrorCode, Problem};

/// Why accounts could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    /// A file or the directory is in trouble.
    #[error(transparent)]
    File(#[from] FsError),
    /// The store lock was not to be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The file is not what this program writes. What is wrong is told by place alone, for the text
    /// there may be a secret.
    #[error("the token store `{}` is corrupt: {what}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        what: String,
    },
    /// A newer version of this program wrote it.
    #[error("the token store `{}` has version {version}, newer than this program knows",
        path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
    /// The tokens are encrypted, and this run has not the key.
    #[error("the tokens in `{}` are encrypted with the key {key}, which this run has not got",
        path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
        /// The key that opens them.
        key: KeyId,
    },
    /// A token does not open, although the key is the right one.
    #[error("a token of `{account}` in `{}` cannot be decrypted", path.display())]
    Undecrypted {
        /// The file.
        path: PathBuf,
        /// Whose token.
        account: String,
        /// Why.
        source: OpenError,
    },
    /// A token holds what none does: somebody has edited the file.
    #[error("a token of `{account}` in `{}` holds a line break or another character that no token has",
        path.display())]
    OddToken {
        /// The file.
        path: PathBuf,
        /// Whose token.
        account: String,
    },
    /// The tokens are encrypted already, with another key or in another way.
    #[error("the tokens in `{}` are encrypted already, with the key {key}", path.display())]
    Encrypted {
        /// The file.
        path: PathBuf,
        /// That key.
        key: KeyId,
    },
    /// An account that came meanwhile.
    #[error("another run logged `{account}` in meanwhile")]
    MovedOn {
        /// The account.
        account: String,
    },
    /// A name leads to no account, or to several.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A name cannot be an alias.
    #[error(transparent)]
    Alias(#[from] AliasError),
}

impl AccountError {
    /// Whether what was to be saved is there all the same.
    pub(crate) fn is_written(&self) -> bool {
        matches!(self, Self::File(error) if error.is_written())
    }

    /// Whether space on the disk is what is missing.
    pub(crate) fn is_disk_full(&self) -> bool {
        match self {
            Self::File(error) | Self::Lock(LockError::File(error)) => error.is_disk_full(),
            _ => false,
        }
    }
}

impl Coded for AccountError {
    fn problem(&self) -> Problem {
        use ErrorCode as Code;
        match self {
            Self::File(error) => error.problem(),
            Self::Lock(error) => error.problem(),
            Self::Corrupt { path, .. } => {
                Problem::new(Code::TokensCorrupt).with("path", path.display())
            }
            Self::Newer { .. } => Code::TokensNewer.into(),
            Self::NoKey { .. } => Code::TokensNoKey.into(),
            Self::Undecrypted { account, .. } => {
                Problem::new(Code::TokenNotDecrypted).with("account", account)
            }
            Self::OddToken { path, account } => {
                Problem::new(Code::TokenOdd).with("account", account).with("path", path.display())
            }
            Self::Encrypted { .. } => Code::TokensEncrypted.into(),
            Self::MovedOn { .. } => Code::AccountMovedOn.into(),
            Self::Name(NameError::Nobody) => Code::NoAccount.into(),
            Self::Name(NameError::Missing { .. }) => Code::AccountUnknown.into(),
            Self::Name(NameError::Ambiguous { .. }) => Code::AccountAmbiguous.into(),
            Self::Alias(_) => Code::AliasInvalid.into(),
        }
    }
}
