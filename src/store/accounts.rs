//! Accounts and their tokens.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tiktok_open::Grant;

use super::{StoreError, StoreFuture};
use crate::encrypt::{KeyId, OpenError};
use crate::exit::{Exit, Explain};
use crate::fs::{FsError, LockError};
use crate::model::account::{Account, Accounts, AliasError, NameError};
use crate::secret::Secret;

/// The accounts with their tokens. An encrypted store gives tokens as they rest, except where it is said.
pub trait AccountStore: fmt::Debug + Send + Sync {
    /// All accounts as they are stored now.
    fn all(&self) -> StoreFuture<'_, Accounts>;

    /// The account that a user means by a name; see [`Accounts::find`].
    fn find<'a>(&'a self, name: Option<&'a str>) -> StoreFuture<'a, Account>;

    /// An account with tokens that are of use. Needs the key of an encrypted store.
    fn login<'a>(&'a self, open_id: &'a str) -> StoreFuture<'a, Account>;

    /// Changes one account in one step for all processes: `change` decides on its state then (and on all
    /// others, to look at), and what it decides is durable when this ends. Gives the account as it is
    /// stored now. The account is shown with its tokens, which needs the key of an encrypted store; the
    /// others are as they rest.
    fn change<'a>(&'a self, open_id: &'a str, change: Change) -> StoreFuture<'a, Option<Account>>;

    /// Puts the tokens that TikTok gave for `spent` in its place, if that is still the stored refresh
    /// token: else a login came in between, whose tokens are newer. Durable, on all machines, when this
    /// ends; asks for no lease. `api` is the API that answered, `asked_at` the time before it was asked.
    fn rotate<'a>(
        &'a self,
        open_id: &'a str,
        spent: &'a Secret,
        grant: &'a Grant,
        api: &'a str,
        asked_at: Timestamp,
    ) -> StoreFuture<'a, Rotated>;

    /// Gives an account another alias, or none. Needs no key.
    fn set_alias<'a>(
        &'a self,
        open_id: &'a str,
        alias: Option<&'a str>,
    ) -> StoreFuture<'a, Account>;
}

/// Decides on an account, and may be kept for as long as the store is busy. It must not wait for anything.
pub type Change = Box<dyn FnOnce(Option<&Account>, &Accounts) -> Edit + Send>;

impl dyn AccountStore {
    /// [`AccountStore::change`] for a decision that also says something to its caller: that, and the account
    /// as it is stored now.
    pub async fn decide<T: Send + 'static>(
        &self,
        open_id: &str,
        decide: impl FnOnce(Option<&Account>, &Accounts) -> (Edit, T) + Send + 'static,
    ) -> Result<(Option<Account>, T), StoreError> {
        let said = Arc::new(Mutex::new(None));
        let say = Arc::clone(&said);
        let change: Change = Box::new(move |current, accounts| {
            let (edit, word) = decide(current, accounts);
            *say.lock().unwrap_or_else(PoisonError::into_inner) = Some(word);
            edit
        });
        let stored = self.change(open_id, change).await?;
        let said = said.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A store that gives `Ok` has asked.
        Ok((stored, said.ok_or(StoreError::Closed)?))
    }
}

/// What came of [`AccountStore::rotate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// The new tokens are stored.
    Saved(Box<Account>),
    /// Others were stored meanwhile, and stay.
    Superseded(Box<Account>),
    /// The account is not there any more.
    Gone,
}

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

/// What to do with an entry, decided on its freshly read state.
#[derive(Debug)]
pub enum Edit {
    /// Leave it.
    Keep,
    /// Store this in its place; the generation is the store's business.
    Put(Box<Account>),
    /// Forget it.
    Remove,
}
