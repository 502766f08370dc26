//! The part of a refresh that cannot be taken back: a refresh token is spent, and its successor must
//! reach the disk.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::{Outcome, Tokens, blocking};
use crate::auth::account::{Account, NeedsLogin, Reason};
use crate::auth::error::AuthError;
use crate::auth::notice::Notice;
use crate::auth::pending;
use crate::auth::store::at_rest::seal_answer;
use crate::auth::store::{Edit, StoreError};
use crate::encrypt::Key;
use crate::fs::{self, Lock, PRIVATE_FILE};
use crate::secret::Secret;
use crate::text::key_start;
use crate::tiktok::{App, Code, Error as ApiError, Grant, RawAnswer, Refusal, parse_grant};

/// How often a save is tried before the disk is given up.
const SAVES: u32 = 4;

/// What a refresh writes at most besides the store itself, in bytes.
const ROOM: u64 = 16 * 1024;

impl Tokens {
    /// Refreshes, holding the account's refresh lock.
    pub(super) async fn spend(&self, _held: &Lock, account: Account) -> Result<Outcome, AuthError> {
        let app = self.app_of(&account).await?;
        self.probe(&account).await?;
        let key = self.key_for_answers().await?;
        let asked_at = self.0.clock.now();
        let spent = account.refresh_token.clone();
        let answer = self.post(&app, &account).await?;
        let kept = self.keep(&account, asked_at, &answer, key).await;
        match parse_grant(&self.0.client.api_host(), &answer) {
            Ok(grant) if grant.open_id == account.open_id => {
                let saved = self.save(&account, &spent, &grant, asked_at, kept).await?;
                self.forget_pending(&account).await;
                self.warn_of_skew();
                Ok(saved)
            }
            Ok(grant) => {
                self.forget_pending(&account).await;
                Err(AuthError::OtherAccount {
                    account: account.name().to_owned(),
                    expected: account.open_id,
                    found: grant.open_id,
                    theirs: None,
                })
            }
            Err(error) => {
                self.forget_pending(&account).await;
                self.refused(account, &spent, error).await
            }
        }
    }

    /// Proves that the disk takes as much as a refresh writes, before a token is spent.
    async fn probe(&self, account: &Account) -> Result<(), AuthError> {
        let path = self.0.store.pending(&account.open_id);
        let store = self.0.store.path();
        blocking(move || {
            let stored = std::fs::metadata(store).map_or(0, |found| found.len());
            let size = usize::try_from(stored.min(fs::SIZE_LIMIT) + ROOM).unwrap_or(usize::MAX);
            Ok(fs::probe(&path, size)?)
        })
        .await
    }

    /// The key that the answer is sealed with, if the store is encrypted.
    async fn key_for_answers(&self) -> Result<Option<Arc<Key>>, AuthError> {
        let store = self.0.store.clone();
        blocking(move || store.key_for_answers()).await
    }

    /// Sends the refresh; once more if no answer came. That cannot make things worse: if TikTok has
    /// rotated, the new token is lost already, and if not, the second try gets it.
    async fn post(&self, app: &App, account: &Account) -> Result<RawAnswer, AuthError> {
        let token = &account.refresh_token;
        let answer = match self.0.client.refresh(app, token).await {
            Err(ApiError::NotSent { .. } | ApiError::NoAnswer { .. }) => {
                sleep(self.0.timing.backoff_base.mul_f64(rand::random_range(0.5..1.0))).await;
                self.0.client.refresh(app, token).await
            }
            other => other,
        };
        let name = || account.name().to_owned();
        let key = key_start(&account.client_key);
        answer.map_err(|source| AuthError::Refresh {
            account: name(),
            key,
            source: Box::new(source),
        })
    }

    /// Makes the answer durable as it came. Says whether it lies there.
    async fn keep(
        &self,
        account: &Account,
        asked_at: Timestamp,
        answer: &RawAnswer,
        key: Option<Arc<Key>>,
    ) -> bool {
        let path = self.0.store.pending(&account.open_id);
        let bytes = pending::encode(&account.open_id, asked_at, &account.refresh_token, answer);
        let bytes = match key {
            Some(key) => seal_answer(&key, &path, &bytes),
            None => bytes,
        };
        // A failure is no reason to stop: the answer in memory is all there is now.
        blocking(move || Ok(fs::write_atomic(&path, &bytes, PRIVATE_FILE)?)).await.is_ok()
    }

    async fn forget_pending(&self, account: &Account) {
        let path = self.0.store.pending(&account.open_id);
        // If it stays, the next run finds it outdated and removes it.
        let _ = blocking(move || Ok(fs::remove(&path)?)).await;
    }

    /// Puts the grant into the store, however long that takes within reason.
    async fn save(
        &self,
        account: &Account,
        spent: &Secret,
        grant: &Grant,
        asked_at: Timestamp,
        kept: bool,
    ) -> Result<Outcome, AuthError> {
        let mut tries = 0;
        let mut give_up = None;
        loop {
            let error = match self.save_once(account, spent, grant, asked_at).await {
                Err(AuthError::Store(error)) => error,
                other => return other,
            };
            tries += 1;
            let deadline = *give_up.get_or_insert_with(|| self.patience_for(account, &error));
            if tries >= SAVES && Instant::now() >= deadline {
                let account = account.name().to_owned();
                return Err(AuthError::RefreshNotSaved { account, kept, source: error });
            }
            sleep(self.0.timing.backoff_base).await;
        }
    }

    /// Until when saving is tried again; tells the user if there is something to do until then.
    fn patience_for(&self, account: &Account, error: &StoreError) -> Instant {
        let wait = self.0.patience;
        if !error.is_disk_full() || wait.is_zero() {
            return Instant::now();
        }
        let (account, path) = (account.name().to_owned(), self.0.store.path());
        self.tell(Notice::DiskFull { account, path, wait });
        Instant::now() + wait
    }

    async fn save_once(
        &self,
        account: &Account,
        spent: &Secret,
        grant: &Grant,
        asked_at: Timestamp,
    ) -> Result<Outcome, AuthError> {
        let store = self.0.store.clone();
        let (open_id, spent, grant) = (account.open_id.clone(), spent.clone(), grant.clone());
        let (saved, ours) = blocking(move || {
            let mut ours = false;
            let saved = store.edit::<StoreError>(&open_id, |current, _| {
                Ok(match current.filter(|current| current.refresh_token == spent) {
                    Some(current) => {
                        ours = true;
                        Edit::Put(Box::new(current.refreshed(grant, asked_at)))
                    }
                    // A login came in between; its tokens are newer than these.
                    None => Edit::Keep,
                })
            })?;
            Ok((saved, ours))
        })
        .await?;
        let Some(saved) = saved else {
            return self.load(&account.open_id).await.map(Outcome::Adopted);
        };
        if !ours {
            return Ok(Outcome::Adopted(saved));
        }
        let mut fresh = self.0.fresh.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        fresh.insert(saved.open_id.clone());
        Ok(Outcome::Refreshed(saved))
    }

    /// TikTok did not answer with tokens. If it says that the spent token is dead and the store still
    /// holds that one, only a login helps; the entry is kept and marked, never deleted.
    async fn refused(
        &self,
        account: Account,
        spent: &Secret,
        error: ApiError,
    ) -> Result<Outcome, AuthError> {
        let name = account.name().to_owned();
        let refusal = match error {
            ApiError::Refused(refusal) if is_dead(&refusal) => refusal,
            source => {
                let key = key_start(&account.client_key);
                return Err(AuthError::Refresh { account: name, key, source: Box::new(source) });
            }
        };
        let store = self.0.store.clone();
        let (open_id, spent, since) = (account.open_id.clone(), spent.clone(), self.0.clock.now());
        let (stored, marked) = blocking(move || {
            let mut marked = false;
            let stored = store.edit::<StoreError>(&open_id, |current, _| {
                Ok(match current.filter(|current| current.refresh_token == spent) {
                    Some(current) => {
                        marked = true;
                        let needs_login = Some(NeedsLogin { since, reason: Reason::Rejected });
                        Edit::Put(Box::new(Account { needs_login, ..current.clone() }))
                    }
                    None => Edit::Keep,
                })
            })?;
            Ok((stored, marked))
        })
        .await?;
        match stored {
            Some(stored) if !marked => {
                self.check_usable(&stored)?;
                Ok(Outcome::Adopted(stored))
            }
            _ => Err(AuthError::NeedsLogin {
                account: name,
                reason: Reason::Rejected,
                source: Some(Box::new(refusal)),
            }),
        }
    }
}

/// Whether a refusal means that this refresh token will never work again. That a sandbox's key may
/// not refresh at all is reported nowhere officially; it would be one of the last two.
fn is_dead(refusal: &Refusal) -> bool {
    matches!(
        refusal.code,
        Code::InvalidGrant | Code::UnauthorizedClient | Code::UnsupportedGrantType
    )
}
