//! Carrying a login to another machine, in a file that only a passphrase opens.
//!
//! TikTok's refresh tokens rotate strictly: whoever refreshes first ends the copies of all others
//! (<https://developers.tiktok.com/doc/oauth-user-access-token-management>). So a login is handed over,
//! not copied. The order in which nothing is lost: under the account's leases the entry here is marked
//! as exported, durably, so that no run spends its token any more; only then the file leaves. The
//! tokens stay in the store, so that a file that never arrived can be written again or taken back.

mod encrypt;
mod export;
mod import;

pub(crate) use encrypt::{EncryptedLogin, encrypt};
pub(crate) use export::{ExportedLogin, export};
pub(crate) use import::{ImportOutcome, import};

use super::event::by;
use crate::encrypt::{ArmorError, WrapError};
use crate::model::account::Reason;
use crate::problem::{Coded, ErrorCode, Problem};
use crate::store::{Holder, StoreError};

/// Why a login could not be carried.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransferError {
    /// The token store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A run that uses the login is under way.
    #[error("a run{} is at work with `{account}`", by(holder.as_ref()))]
    Busy {
        /// The account.
        account: String,
        /// Who it is, if that is known.
        holder: Option<Holder>,
    },
    /// Another process has replaced the tokens in between.
    #[error("the login of `{account}` has just been replaced")]
    Replaced {
        /// The account.
        account: String,
    },
    /// The tokens here are of no use to anybody.
    #[error("`{account}` needs a new login: {reason}")]
    NeedsLogin {
        /// The account.
        account: String,
        /// Why.
        reason: Reason,
    },
    /// TikTok has answered a refresh with tokens that this version cannot read.
    #[error("the tokens of `{account}` are spent, and TikTok's answer for them cannot be read")]
    Unread {
        /// The account.
        account: String,
    },
    /// The login has come to its end.
    #[error("the login of `{account}` has ended")]
    Ended {
        /// The account.
        account: String,
    },
    /// The tokens that are here belong to another app than those in the file.
    #[error("`{account}` is logged in here with another app than the file's")]
    OtherApp {
        /// The account.
        account: String,
    },
    /// The tokens that are here were issued by another API than those in the file.
    #[error("`{account}` is logged in here at another API than the file's")]
    OtherApi {
        /// The account.
        account: String,
    },
    /// No random numbers, or no memory for the derivation of a key.
    #[error("the login could not be encrypted")]
    Encrypt(#[from] WrapError),
    /// The last version that wrote files of age exported it.
    #[error(
        "an older version of tiktok-up exported the file, and this one does not read its format (age)"
    )]
    Age,
    /// It is cut off or was changed.
    #[error("the file is damaged: {what}")]
    Damaged {
        /// Where.
        what: &'static str,
    },
    /// It was encrypted with another one.
    #[error("the passphrase is wrong")]
    Passphrase,
    /// It would take too much to open.
    #[error(
        "the file asks for {memory_mib} MiB of memory and {passes} passes to open it, which is too much"
    )]
    Work {
        /// How much memory.
        memory_mib: u32,
        /// How often over it.
        passes: u32,
    },
    /// It takes more to open than there is here.
    #[error("there are no {memory_mib} MiB of memory to open the file")]
    Memory {
        /// How much it takes.
        memory_mib: u32,
    },
    /// It opens, but holds something else.
    #[error("the file does not hold a login: {what}")]
    Content {
        /// What is odd; nothing of the content.
        what: &'static str,
    },
    /// A newer version of this program wrote it.
    #[error("the file has version {version}, newer than this program knows")]
    Newer {
        /// Its version.
        version: u64,
    },
}

impl From<ArmorError> for TransferError {
    fn from(error: ArmorError) -> Self {
        match error {
            ArmorError::Damaged(what) => Self::Damaged { what },
            ArmorError::Newer(version) => Self::Newer { version },
            ArmorError::TooDear { memory_kib, passes, .. } => {
                Self::Work { memory_mib: memory_kib.div_ceil(1024), passes }
            }
            ArmorError::Wrong => Self::Passphrase,
            ArmorError::Memory(kib) => Self::Memory { memory_mib: kib.div_ceil(1024) },
        }
    }
}

impl Coded for TransferError {
    fn problem(&self) -> Problem {
        use ErrorCode as Code;
        match self {
            Self::Store(error) => error.problem(),
            Self::Busy { .. } => Code::TransferBusy.into(),
            Self::Replaced { .. } => Code::TransferReplaced.into(),
            Self::NeedsLogin { account, .. }
            | Self::Unread { account }
            | Self::Ended { account } => Problem::new(Code::TransferLogin).with("account", account),
            Self::OtherApp { account } | Self::OtherApi { account } => {
                Problem::new(Code::TransferOther).with("account", account)
            }
            Self::Encrypt(_) => Code::TransferNotEncrypted.into(),
            Self::Age => Code::TransferAge.into(),
            Self::Damaged { .. } => Code::TransferDamaged.into(),
            Self::Passphrase => Code::TransferPassphrase.into(),
            Self::Memory { .. } => Code::TransferMemory.into(),
            Self::Work { .. } | Self::Content { .. } => Code::TransferContent.into(),
            Self::Newer { .. } => Code::TransferNewer.into(),
        }
    }
}

#[cfg(test)]
mod tests;
