//! Bringing an interrupted refresh to its end.

use super::{Tokens, blocking};
use crate::auth::account::Account;
use crate::auth::error::AuthError;
use crate::auth::notice::Notice;
use crate::auth::pending::{self, Leftover};
use crate::auth::store::{Edit, Store, StoreError};
use crate::fs::{self, Lock, LockError};

impl Tokens {
    /// Brings interrupted refreshes to their end, except those that another process is at. To be
    /// called once at the start of a run. Gives the accounts where that failed: whoever needs their
    /// tokens runs into it again, all others are not kept from theirs.
    pub async fn recover(&self) -> Result<Vec<(Account, AuthError)>, AuthError> {
        let accounts = self.accounts().await?;
        let mut failed = Vec::new();
        for account in accounts.iter() {
            if let Err(error) = self.recover_account(account).await {
                failed.push((account.clone(), error));
            }
        }
        Ok(failed)
    }

    async fn recover_account(&self, account: &Account) -> Result<(), AuthError> {
        let open_id = account.open_id.as_str();
        if !self.0.store.pending(open_id).exists() {
            return Ok(());
        }
        match Lock::try_acquire(&self.0.store.refresh_lock(open_id)) {
            Ok(lock) => self.recover_locked(account, lock).await.map(|_| ()),
            // The file is that process's.
            Err(LockError::Held { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Judges what an interrupted refresh has left, holding the account's refresh lock, which is
    /// given back; says whether the leftover was adopted.
    pub(super) async fn recover_locked(
        &self,
        account: &Account,
        lock: Lock,
    ) -> Result<(Lock, bool), AuthError> {
        let (store, host) = (self.0.store.clone(), self.0.client.api_host());
        let open_id = account.open_id.clone();
        let (lock, found) = blocking(move || {
            let found = adopt_leftover(&store, &open_id, &host, &lock)?;
            Ok((lock, found))
        })
        .await?;
        if let Some(adopted) = found {
            let account = account.name().to_owned();
            self.tell(if adopted {
                Notice::Recovered { account }
            } else {
                Notice::LeftoverRemoved { account }
            });
        }
        Ok((lock, found == Some(true)))
    }
}

/// Puts what an interrupted refresh has left into the store if it is newer, and removes the leftover.
/// Says whether there was one, and whether it was adopted. `held` is the account's refresh lock;
/// `host` is for messages.
pub(in crate::auth) fn adopt_leftover(
    store: &Store,
    open_id: &str,
    host: &str,
    held: &Lock,
) -> Result<Option<bool>, StoreError> {
    let path = store.pending(open_id);
    fs::clean_temps(&path, held)?;
    let Some(bytes) = fs::read_private(&path)? else { return Ok(None) };
    let Some(bytes) = store.open_answer(&path, &bytes)? else {
        fs::remove(&path)?;
        return Ok(Some(false));
    };
    let mut adopted = false;
    store.edit::<StoreError>(open_id, |current, _| {
        let Some(current) = current else { return Ok(Edit::Keep) };
        Ok(match pending::judge(&bytes, current, host) {
            Leftover::Newer { grant, asked_at } => {
                adopted = true;
                Edit::Put(Box::new(current.refreshed(*grant, asked_at)))
            }
            Leftover::Outdated | Leftover::Torn => Edit::Keep,
        })
    })?;
    fs::remove(&path)?;
    Ok(Some(adopted))
}
