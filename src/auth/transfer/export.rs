//! The way out: no run here uses a login any more from before its file leaves.

use std::time::Duration;

use super::{TransferError, seal};
use crate::auth::refresh::recover::adopt_logged_answers;
use crate::clock::Clock;
use crate::fs::{Lock, LockError};
use crate::model::account::{Account, NeedsLogin, Reason};
use crate::secret::Secret;
use crate::store::Edit;
use crate::store::local::TokenFile;

/// A login that is marked as exported, and the file to write. The locks are held until it is dropped.
#[derive(Debug)]
pub(crate) struct HandedOver {
    /// The login.
    pub(crate) account: Account,
    /// The encrypted file, armored.
    pub(crate) file: String,
    store: TokenFile,
    marked: bool,
    _locks: [Lock; 2],
}

/// Encrypts a login and marks it as exported, in this order. Waits at most `wait` for a refresh of it
/// to end, and not at all for an upload. Blocks the thread.
pub(crate) fn export(
    store: &TokenFile,
    open_id: &str,
    passphrase: &Secret,
    clock: Clock,
    wait: Duration,
) -> Result<HandedOver, TransferError> {
    let name = store.account(Some(open_id))?.name().to_owned();
    let busy = |error| match error {
        LockError::Held { pid, .. } => TransferError::Busy { account: name.clone(), pid },
        error @ LockError::File(_) => error.into(),
    };
    let upload = Lock::try_acquire(&store.upload_lock(open_id)).map_err(busy)?;
    let refresh = Lock::acquire_blocking(&store.refresh_lock(open_id), wait).map_err(busy)?;
    // What an interrupted refresh has left may be the only living token.
    if adopt_logged_answers(store, open_id, "TikTok", &refresh)?.unread.is_some() {
        return Err(TransferError::Unread { account: name });
    }
    let account = store.login(open_id)?;
    check(&account, clock)?;
    let sent = Account { needs_login: None, ..account };
    let file = seal(&sent, passphrase, clock.now())?;
    let marked = mark(store, &sent, clock)?;
    Ok(HandedOver { account: sent, file, store: store.clone(), marked, _locks: [upload, refresh] })
}

impl HandedOver {
    /// Takes the mark back: the file has not left.
    pub(crate) fn undo(self) -> Result<(), TransferError> {
        if !self.marked {
            return Ok(());
        }
        self.store.edit::<TransferError>(&self.account.open_id, |current, _| {
            Ok(match current.filter(|current| is_same(current, &self.account)) {
                Some(current) => {
                    Edit::Put(Box::new(Account { needs_login: None, ..current.clone() }))
                }
                None => Edit::Keep,
            })
        })?;
        Ok(())
    }
}

fn check(account: &Account, clock: Clock) -> Result<(), TransferError> {
    let name = || account.name().to_owned();
    match &account.needs_login {
        Some(needs) if needs.reason != Reason::Exported => {
            Err(TransferError::NeedsLogin { account: name(), reason: needs.reason })
        }
        _ if account.refresh_expires_at <= clock.now() => {
            Err(TransferError::Ended { account: name() })
        }
        _ => Ok(()),
    }
}

/// Marks the very tokens that the file holds; says whether they were not marked yet.
fn mark(store: &TokenFile, sent: &Account, clock: Clock) -> Result<bool, TransferError> {
    let mut marked = false;
    store.edit(&sent.open_id, |current, _| {
        let current = current.filter(|current| is_same(current, sent));
        let Some(current) = current else {
            return Err(TransferError::Replaced { account: sent.name().to_owned() });
        };
        if current.is_exported() {
            return Ok(Edit::Keep);
        }
        marked = true;
        let needs_login = Some(NeedsLogin { since: clock.now(), reason: Reason::Exported });
        Ok(Edit::Put(Box::new(Account { needs_login, ..current.clone() })))
    })?;
    Ok(marked)
}

fn is_same(one: &Account, other: &Account) -> bool {
    one.refresh_token == other.refresh_token
}
