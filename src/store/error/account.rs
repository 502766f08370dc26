//! What can be wrong with the accounts and their tokens.

use std::path::PathBuf;

use crate::encrypt::{KeyId, OpenError};
use crate::exit::{Exit, Explain};
use crate::fs::{FsError, LockError};
use crate::model::account::{AliasError, NameError};

/// Why accounts could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
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
    Sealed {
        /// The file.
        path: PathBuf,
        /// Whose token.
        account: String,
        /// Why.
        source: OpenError,
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
    /// Whether space on the disk is what is missing.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::File(error) | Self::Lock(LockError::File(error)) => error.is_disk_full(),
            _ => false,
        }
    }
}

impl Explain for AccountError {
    fn exit(&self) -> Exit {
        match self {
            Self::File(error) => error.exit(),
            Self::Lock(error) => error.exit(),
            Self::Corrupt { .. }
            | Self::Newer { .. }
            | Self::NoKey { .. }
            | Self::Sealed { .. }
            | Self::Encrypted { .. } => Exit::Local,
            Self::MovedOn { .. } => Exit::Temporary,
            Self::Name(NameError::Nobody) => Exit::Login,
            Self::Name(_) | Self::Alias(_) => Exit::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Lock(error) => error.hint(),
            Self::Corrupt { path, .. } => Some(format!(
                "restore `{}` from a backup; without it every login in it is forgotten, and each \
                 account has to log in again",
                path.display()
            )),
            Self::Newer { .. } => {
                Some("update tiktok-up; this version leaves the file as it is".to_owned())
            }
            Self::NoKey { .. } => Some(
                "if the tokens were encrypted a moment ago, run again; `tiktok-up accounts` tells how \
                 they are encrypted"
                    .to_owned(),
            ),
            Self::Sealed { account, .. } => Some(format!(
                "restore the file from a backup; or give this login up with `tiktok-up logout \
                 --local-only {account}` and log in again"
            )),
            Self::Encrypted { .. } => Some(
                "run `tiktok-up accounts decrypt` with the old setting first, then `tiktok-up accounts \
                 encrypt` with the new one"
                    .to_owned(),
            ),
            Self::MovedOn { .. } => Some("run the same command again".to_owned()),
            Self::Name(NameError::Nobody) => Some("run `tiktok-up login`".to_owned()),
            Self::Name(NameError::Missing { .. }) => {
                Some("name one of these, or log in with `tiktok-up login --alias NAME`".to_owned())
            }
            Self::Name(NameError::Ambiguous { .. }) => {
                Some("say which one with `--account`".to_owned())
            }
            Self::Alias(_) => Some("choose another alias".to_owned()),
        }
    }
}
