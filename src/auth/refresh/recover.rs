//! Bringing an interrupted refresh to its end.

use std::path::{Path, PathBuf};

use super::{Tokens, blocking};
use crate::auth::error::AuthError;
use crate::auth::notice::Notice;
use crate::auth::refresh_log::{self, LoggedAnswer};
use crate::fs::{self, FsError, Lock, LockError};
use crate::model::account::Account;
use crate::store::local::TokenFile;
use crate::store::{AccountError, Edit};

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
    let store = tokens.0.store.clone();
    let (accounts, files) = blocking(move || Ok((store.accounts()?, store.refresh_log()?))).await?;
    let mut failed = Vec::new();
    for account in accounts.iter() {
        let is_theirs = |path: &PathBuf| TokenFile::is_refresh_log_of(path, &account.open_id);
        if !files.iter().any(is_theirs) {
            continue;
        }
        if let Err(error) = recover_account(tokens, account).await {
            failed.push((account.clone(), error));
        }
    }
    Ok(failed)
}

async fn recover_account(tokens: &Tokens, account: &Account) -> Result<(), AuthError> {
    match Lock::try_acquire(&tokens.0.store.refresh_lock(&account.open_id)) {
        Ok(lock) => recover_locked(tokens, account, lock).await.map(|_| ()),
        // The file is that process's.
        Err(LockError::Held { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Judges what interrupted refreshes have left, holding the account's refresh lock, which is
/// given back.
pub(super) async fn recover_locked(
    tokens: &Tokens,
    account: &Account,
    lock: Lock,
) -> Result<(Lock, Found), AuthError> {
    let (store, host) = (tokens.0.store.clone(), tokens.0.client.api_host());
    let open_id = account.open_id.clone();
    let (lock, found) = blocking(move || {
        let found = adopt_logged_answers(&store, &open_id, &host, &lock)?;
        Ok((lock, found))
    })
    .await?;
    let name = || account.name().to_owned();
    if found.adopted {
        tokens.tell(Notice::Recovered { account: name() });
    } else if found.removed {
        tokens.tell(Notice::LeftoverRemoved { account: name() });
    }
    for path in &found.set_aside {
        tokens.tell(Notice::LeftoverKept { account: name(), path: path.clone() });
    }
    Ok((lock, found))
}

/// Puts what interrupted refreshes have left into the store if it is newer, and removes what is of no
/// use. What may hold tokens and cannot be used is never removed while the store holds the token that
/// was spent for it. `held` is the account's refresh lock; `host` is for messages.
pub(in crate::auth) fn adopt_logged_answers(
    store: &TokenFile,
    open_id: &str,
    host: &str,
    _held: &Lock,
) -> Result<Found, AccountError> {
    let mut found = Found::default();
    let answer = store.answer_path(open_id);
    let files = store.refresh_log()?;
    for path in files.into_iter().filter(|path| TokenFile::is_refresh_log_of(path, open_id)) {
        let was_cut_off = path != answer && !TokenFile::is_unread(&path);
        let Some(logged) = classify(store, open_id, host, &path, was_cut_off)? else { continue };
        match logged {
            LoggedAnswer::Newer { .. } => {
                fs::remove(&path)?;
                found.adopted = true;
            }
            LoggedAnswer::Outdated | LoggedAnswer::Worthless => {
                fs::remove(&path)?;
                // Of a write that was cut off nobody needs to know.
                found.removed |= !was_cut_off;
            }
            LoggedAnswer::Unread => {
                found.unread = Some(set_aside(store, open_id, path, &mut found)?);
            }
            LoggedAnswer::Illegible => _ = set_aside(store, open_id, path, &mut found)?,
        }
    }
    Ok(found)
}

/// Judges one file, and saves its tokens if they are newer. Gives nothing for a file that is gone.
fn classify(
    store: &TokenFile,
    open_id: &str,
    host: &str,
    path: &Path,
    was_cut_off: bool,
) -> Result<Option<LoggedAnswer>, AccountError> {
    let bytes = match fs::read_private(path) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(None),
        // Not what this program writes: nothing under the name of an interrupted write is anybody's.
        Err(error) if was_cut_off && !matches!(error, FsError::Io { .. }) => {
            fs::remove(path)?;
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let Some(bytes) = store.open_answer(path, &bytes)? else {
        return Ok(Some(LoggedAnswer::Illegible));
    };
    let mut verdict = LoggedAnswer::Outdated;
    store.edit::<AccountError>(open_id, |current, _| {
        let Some(current) = current else { return Ok(Edit::Keep) };
        verdict = refresh_log::classify(&bytes, current, host);
        Ok(match &verdict {
            LoggedAnswer::Newer { grant, asked_at, api } => {
                let grant = grant.as_ref().clone();
                Edit::Put(Box::new(current.refreshed(grant, api.as_deref(), *asked_at)))
            }
            _ => Edit::Keep,
        })
    })?;
    Ok(Some(verdict))
}

/// Gives a file a name under which it stays, if it has not got one.
fn set_aside(
    store: &TokenFile,
    open_id: &str,
    path: PathBuf,
    found: &mut Found,
) -> Result<PathBuf, AccountError> {
    if TokenFile::is_unread(&path) {
        return Ok(path);
    }
    let kept = store.free_unread(open_id)?;
    fs::rename(&path, &kept)?;
    found.set_aside.push(kept.clone());
    Ok(kept)
}
