//! The way out: no run here uses a login any more from before its file leaves.

use std::fmt;
use std::time::Duration;

use super::{TransferError, encrypt};
use crate::auth::login_store::{HeldLease, LoginStore};
use crate::auth::refresh::recover::adopt_logged_answers;
use crate::clock::Clock;
use crate::model::account::{Account, NeedsLogin, Reason};
use crate::secret::Secret;
use crate::store::{AccountStore, Edit, LeaseError, StoreError};

/// A login that is marked as exported, and the file to write. The leases are held until it is dropped.
pub(crate) struct ExportedLogin {
    /// The login.
    pub(crate) account: Account,
    /// The encrypted file, armored.
    pub(crate) file: String,
    store: LoginStore,
    marked: bool,
    _leases: [HeldLease; 2],
}

impl fmt::Debug for ExportedLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportedLogin").field("account", &self.account).finish_non_exhaustive()
    }
}

/// Encrypts a login and marks it as exported, in this order. Waits at most `wait` for a refresh of it
/// to end, and not at all for an upload.
pub(crate) async fn export(
    store: &LoginStore,
    open_id: &str,
    passphrase: Secret,
    clock: Clock,
    wait: Duration,
) -> Result<ExportedLogin, TransferError> {
    let accounts = store.accounts();
    let name = accounts.find(Some(open_id)).await?.name().to_owned();
    let busy = |error| match error {
        StoreError::Lease(LeaseError::Held { holder, .. }) => {
            TransferError::Busy { account: name.clone(), holder }
        }
        error => error.into(),
    };
    let upload = store.upload_lease(open_id).await.map_err(busy)?;
    let refresh = store.refresh_lease(open_id, wait).await.map_err(busy)?;
    // What an interrupted refresh has left may be the only living token.
    if adopt_logged_answers(store, open_id, "TikTok", &refresh).await?.unread.is_some() {
        return Err(TransferError::Unread { account: name });
    }
    let account = accounts.login(open_id).await?;
    check(&account, clock)?;
    let sent = Account { needs_login: None, ..account };
    let encrypted = sent.clone();
    // Deriving the key takes a while, and nothing but computing.
    let encrypt =
        tokio::task::spawn_blocking(move || encrypt(&encrypted, &passphrase, clock.now()));
    let file = encrypt.await.map_err(|_ended| StoreError::Closed)??;
    // Which may be longer than a lease lasts by itself.
    upload.renew().await?;
    refresh.renew().await?;
    let marked = mark(accounts, &sent, clock).await?;
    Ok(ExportedLogin {
        account: sent,
        file,
        store: store.clone(),
        marked,
        _leases: [upload, refresh],
    })
}

impl ExportedLogin {
    /// Takes the mark back: the file has not left.
    pub(crate) async fn undo(self) -> Result<(), TransferError> {
        if !self.marked {
            return Ok(());
        }
        let sent = self.account.clone();
        let unmark = move |current: Option<&Account>, _: &_| match current
            .filter(|current| is_same(current, &sent))
        {
            Some(current) => Edit::Put(Box::new(Account { needs_login: None, ..current.clone() })),
            None => Edit::Keep,
        };
        self.store.accounts().change(&self.account.open_id, Box::new(unmark)).await?;
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
async fn mark(
    accounts: &dyn AccountStore,
    sent: &Account,
    clock: Clock,
) -> Result<bool, TransferError> {
    let (open_id, sent) = (sent.open_id.as_str(), sent.clone());
    let mark = move |current: Option<&Account>, _: &_| {
        let current = current.filter(|current| is_same(current, &sent));
        let Some(current) = current else {
            let account = sent.name().to_owned();
            return (Edit::Keep, Err(TransferError::Replaced { account }));
        };
        if current.is_exported() {
            return (Edit::Keep, Ok(false));
        }
        let needs_login = Some(NeedsLogin { since: clock.now(), reason: Reason::Exported });
        (Edit::Put(Box::new(Account { needs_login, ..current.clone() })), Ok(true))
    };
    accounts.decide(open_id, mark).await?.1
}

fn is_same(one: &Account, other: &Account) -> bool {
    one.refresh_token == other.refresh_token
}
