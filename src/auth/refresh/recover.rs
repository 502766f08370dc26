//! Bringing an interrupted refresh to its end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Tokens;
use crate::auth::error::AuthError;
use crate::auth::event::AuthEvent;
use crate::auth::login_store::{HeldLease, LoginStore};
use crate::auth::refresh_log::{self, LoggedAnswer};
use crate::fs;
use crate::model::account::Account;
use crate::store::local::{Logged, RefreshLog};
use crate::store::{AccountError, Edit, LeaseError, StoreError};

/// What was found of interrupted refreshes of an account, and what became of it.
#[derive(Debug, Default)]
pub(in crate::auth) struct Found {
    /// Tokens from there are in the store now.
    pub(in crate::auth) adopted: bool,
    /// Something was of no use, and is gone.
    pub(in crate::auth) removed: bool,
    /// What may hold tokens was set aside now, under these names.
    pub(in crate::auth) set_aside: Vec<PathBuf>,
    /// An answer to the refresh of the stored token that cannot be used: that token is dead.
    pub(in crate::auth) unread: Option<PathBuf>,
}

/// See [`Tokens::recover`].
pub(super) async fn recover(tokens: &Tokens) -> Result<Vec<(Account, AuthError)>, AuthError> {
    let files = tokens.0.store.logged().await?;
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let accounts = tokens.0.store.accounts().all().await?;
    let mut failed = Vec::new();
    for account in accounts.iter() {
        if !files.iter().any(|path| RefreshLog::is_of(path, &account.open_id)) {
            continue;
        }
        if let Err(error) = recover_account(tokens, account).await {
            failed.push((account.clone(), error));
        }
    }
    Ok(failed)
}

async fn recover_account(tokens: &Tokens, account: &Account) -> Result<(), AuthError> {
    match tokens.0.store.refresh_lease(&account.open_id, Duration::ZERO).await {
        Ok(lease) => recover_locked(tokens, account, &lease).await.map(|_| ()),
        // The file is that process's.
        Err(StoreError::Lease(LeaseError::Held { .. })) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Judges what interrupted refreshes have left, holding the account's refresh lease.
pub(super) async fn recover_locked(
    tokens: &Tokens,
    account: &Account,
    lease: &HeldLease,
) -> Result<Found, AuthError> {
    let host = tokens.0.client.api_host();
    let found = adopt_logged_answers(&tokens.0.store, &account.open_id, &host, lease).await?;
    let name = || account.name().to_owned();
    if found.adopted {
        tokens.report(AuthEvent::Recovered { account: name() });
    } else if found.removed {
        tokens.report(AuthEvent::LeftoverRemoved { account: name() });
    }
    for path in &found.set_aside {
        tokens.report(AuthEvent::LeftoverKept { account: name(), path: path.clone() });
    }
    Ok(found)
}

/// Puts what interrupted refreshes have left into the store if it is newer, and removes what is of no
/// use. What may hold tokens and cannot be used is never removed while the store holds the token that
/// was spent for it. `held` is the account's refresh lease; `host` is for messages.
pub(in crate::auth) async fn adopt_logged_answers(
    store: &LoginStore,
    open_id: &str,
    host: &str,
    held: &HeldLease,
) -> Result<Found, StoreError> {
    let log = Leftovers { store, open_id, host, held };
    let mut found = Found::default();
    let answer = store.log().answer_path(open_id);
    for path in log.files().await? {
        let was_cut_off = path != answer && !RefreshLog::is_unread(&path);
        let Some(logged) = log.classify(&path, was_cut_off).await? else { continue };
        match logged {
            LoggedAnswer::Newer { .. } => {
                log.remove(&path).await?;
                found.adopted = true;
            }
            LoggedAnswer::Outdated | LoggedAnswer::Worthless => {
                log.remove(&path).await?;
                // Of a write that was cut off nobody needs to know.
                found.removed |= !was_cut_off;
            }
            LoggedAnswer::Unread => found.unread = Some(log.set_aside(path, &mut found).await?),
            LoggedAnswer::Illegible => _ = log.set_aside(path, &mut found).await?,
        }
    }
    Ok(found)
}

/// What interrupted refreshes of an account have left.
struct Leftovers<'a> {
    store: &'a LoginStore,
    open_id: &'a str,
    host: &'a str,
    held: &'a HeldLease,
}

impl Leftovers<'_> {
    /// Judges one file, and saves its tokens if they are newer. Gives nothing for a file that is gone.
    async fn classify(
        &self,
        path: &Path,
        was_cut_off: bool,
    ) -> Result<Option<LoggedAnswer>, StoreError> {
        let file = path.to_owned();
        let bytes = match self.on_files(move |log| log.read(&file)).await? {
            Logged::Answer(bytes) => bytes,
            Logged::Damaged => return Ok(Some(LoggedAnswer::Illegible)),
            Logged::Gone => return Ok(None),
            // Not what this program writes: nothing under the name of an interrupted write is anybody's.
            Logged::Foreign(_) if was_cut_off => {
                self.remove(path).await?;
                return Ok(None);
            }
            Logged::Foreign(error) => return Err(AccountError::from(error).into()),
        };
        let (host, held) = (self.host.to_owned(), Arc::clone(self.held));
        let save = move |current: Option<&Account>, _: &_| {
            // The lease lasts until it is decided.
            let _held = held;
            let Some(current) = current else { return (Edit::Keep, LoggedAnswer::Outdated) };
            let verdict = refresh_log::classify(&bytes, current, &host);
            let edit = match &verdict {
                LoggedAnswer::Newer { grant, asked_at, api } => {
                    let grant = grant.as_ref().clone();
                    Edit::Put(Box::new(current.refreshed(grant, api.as_deref(), *asked_at)))
                }
                _ => Edit::Keep,
            };
            (edit, verdict)
        };
        let (_, verdict) = self.store.accounts().decide(self.open_id, save).await?;
        Ok(Some(verdict))
    }

    async fn files(&self) -> Result<Vec<PathBuf>, StoreError> {
        let open_id = self.open_id.to_owned();
        self.on_files(move |log| Ok(log.files_of(&open_id)?)).await
    }

    async fn remove(&self, path: &Path) -> Result<(), StoreError> {
        let path = path.to_owned();
        self.on_files(move |_| Ok(fs::remove(&path)?)).await
    }

    /// Gives a file a name under which it stays, if it has not got one.
    async fn set_aside(&self, path: PathBuf, found: &mut Found) -> Result<PathBuf, StoreError> {
        if RefreshLog::is_unread(&path) {
            return Ok(path);
        }
        let open_id = self.open_id.to_owned();
        let kept = self.on_files(move |log| Ok(log.set_aside(&open_id, &path)?)).await?;
        found.set_aside.push(kept.clone());
        Ok(kept)
    }

    /// Work on the log, for which the lease is kept even if nobody waits for it any more.
    async fn on_files<T: Send + 'static>(
        &self,
        work: impl FnOnce(&RefreshLog) -> Result<T, AccountError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let held = Arc::clone(self.held);
        let work = move |log: &RefreshLog| {
            let done = work(log);
            drop(held);
            done
        };
        self.store.in_log(work).await
    }
}
