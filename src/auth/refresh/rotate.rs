//! The part of a refresh that cannot be taken back: the tokens are rotated, and the new ones must reach the
//! store.

use std::time::Duration;

use jiff::Timestamp;
use tiktok_open::{Code, Error as ApiError, Grant, RawTokenAnswer, Reading, Refusal};
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

use super::worker::LogWorker;
use super::{NEED, Outcome, RefreshPolicy, Tokens};
use crate::api::App;
use crate::auth::error::{AuthError, Whose};
use crate::auth::event::AuthEvent;
use crate::auth::login_store::HeldLease;
use crate::auth::refresh_log;
use crate::model::account::{Account, NeedsLogin, Reason};
use crate::problem::Coded as _;
use crate::resources::Reserve;
use crate::secret::Secret;
use crate::store::local::RefreshLog;
use crate::store::{Edit, Rotated, Spender, StoreError};
use crate::text::{key_start, plain};

/// How often a save is tried before the disk is given up.
const SAVES: u32 = 4;

/// How long before a token is spent the store has shown at most that it takes another.
const PROVED: Duration = Duration::from_secs(1);

/// What a refresh writes at most besides the store itself, in bytes.
const ROOM: usize = 16 * 1024;

/// Descriptors that are held until the answer is there: more than saving it opens at once.
const DESCRIPTORS: usize = 8;

/// Memory that is held until the answer is there, in bytes: more than reading and saving it takes.
const MEMORY: usize = 4 << 20;

/// A refresh under way, and the log that takes its answer.
struct Refresh {
    account: Account,
    /// The refresh token that is spent.
    spent: Secret,
    asked_at: Timestamp,
    log: LogWorker,
}

/// The rotation of one account's tokens.
pub(super) struct Rotation<'a> {
    tokens: &'a Tokens,
}

impl<'a> Rotation<'a> {
    pub(super) fn of(tokens: &'a Tokens) -> Self {
        Self { tokens }
    }

    /// Refreshes, holding the account's refresh lease. What waits for the store takes no turn, before the answer
    /// or after it: it keeps nobody from TikTok, and the store does for all at once what they wait for.
    pub(super) async fn rotate(
        &self,
        held: &HeldLease,
        account: Account,
    ) -> Result<Outcome, AuthError> {
        let app = self.tokens.app_of(&account).await?;
        // Before a token is spent: that the store takes the tokens, and at the last moment, after the wait for a
        // turn, that the log takes the answer, which is all that must not be lost.
        let probe = || self.tokens.0.store.accounts().probe(ROOM);
        let (mut key, proved) = (probe().await?, Instant::now());
        // It is never closed.
        let turn = self.tokens.0.turns.acquire().await.ok();
        // Those that waited behind it do nothing more.
        if self.tokens.is_stopping() {
            return Err(AuthError::Stopped);
        }
        if proved.elapsed() > PROVED {
            key = probe().await?;
        }
        let log = LogWorker::start(self.tokens.0.store.log().clone())?;
        let open_id = account.open_id.clone();
        log.run(move |log| log.probe(&open_id, ROOM)).await?;
        // The secret may have taken longer than a lease lasts by itself. Without it nothing is spent.
        held.renew().await?;
        let reserve = Reserve::take(DESCRIPTORS, MEMORY)?;
        // The lease and the secret may have taken a while.
        if self.tokens.is_stopping() {
            return Err(AuthError::Stopped);
        }
        self.tokens.0.store.accounts().spending(&account.open_id, &account.refresh_token).await?;
        let (spent, asked_at) = (account.refresh_token.clone(), self.tokens.0.clock.now());
        let refresh = Refresh { account, spent, asked_at, log };
        let answer = match self.post(held, &app, &refresh).await {
            Ok(answer) => answer,
            Err(error) => {
                self.unspent(&refresh).await;
                return Err(error);
            }
        };
        let api = self.tokens.api();
        let open_id = &refresh.account.open_id;
        let bytes = refresh_log::encode(open_id, asked_at, &refresh.spent, &api, &answer);
        let bytes = self.tokens.0.store.log().encrypted(open_id, bytes, key.as_deref());
        let kept = self.keep(&refresh, bytes.clone(), reserve).await;
        drop(turn);
        match answer.read(&self.tokens.0.client.api_host(), Some(&refresh.spent)) {
            Reading::Grant(grant) if refresh_log::is_for(&grant, &refresh.account) => {
                let saved = self.save(&refresh, &grant, kept).await;
                // Where the store has not taken the tokens, the answer is all there is of them.
                if !matches!(saved, Err(AuthError::RefreshNotSaved { .. })) {
                    self.forget_answer(&refresh).await;
                }
                self.tokens.warn_of_skew();
                saved
            }
            Reading::Grant(grant) => Err(self.unread(&refresh, bytes, kept, grant.open_id).await),
            Reading::Unread => Err(self.unread(&refresh, bytes, kept, None).await),
            Reading::None(error) => {
                self.forget_answer(&refresh).await;
                self.unspent(&refresh).await;
                self.refused(&refresh, error).await
            }
        }
    }

    /// Sends the refresh; once more if no answer came. That cannot make things worse: if TikTok has
    /// rotated, the new token is lost already, and if not, the second try gets it. An answer that was
    /// cut off in a token is not sent for again: TikTok has rotated for it. For the second try holds
    /// what held for the first: not without the lease, and not once the run is to stop.
    async fn post(
        &self,
        held: &HeldLease,
        app: &App,
        refresh: &Refresh,
    ) -> Result<RawTokenAnswer, AuthError> {
        let failed = |source| failed(&refresh.account, source);
        let first = match self.post_once(app, &refresh.spent).await {
            Err(error @ (ApiError::NotSent { .. } | ApiError::NoAnswer { .. }))
                if error.is_temporary() =>
            {
                error
            }
            other => return other.map_err(failed),
        };
        sleep(self.tokens.0.timing.backoff_base.mul_f64(rand::random_range(0.5..1.0))).await;
        if self.tokens.is_stopping() || held.renew().await.is_err() {
            return Err(failed(first));
        }
        self.post_once(app, &refresh.spent).await.map_err(failed)
    }

    /// One request. Of its answer no more is looked at here than whether it broke off: any other is made
    /// durable before it is read. One that broke off is read for the tokens that may stand in it.
    async fn post_once(&self, app: &App, token: &Secret) -> Result<RawTokenAnswer, ApiError> {
        let answer = self.tokens.0.client.refresh(&app.credentials(), token).await?;
        if answer.is_cut_off()
            && let Reading::None(error @ ApiError::NoAnswer { .. }) =
                answer.read(&self.tokens.0.client.api_host(), Some(token))
        {
            return Err(error);
        }
        Ok(answer)
    }

    /// Makes the answer durable as it came. Says whether it lies there.
    async fn keep(&self, refresh: &Refresh, bytes: Zeroizing<Vec<u8>>, reserve: Reserve) -> bool {
        let open_id = refresh.account.open_id.clone();
        // A failure is no reason to stop: the answer in memory is all there is now.
        let write = move |log: &RefreshLog| {
            // Only now, so that nobody else takes what it held.
            drop(reserve);
            log.keep(&open_id, &bytes)
        };
        refresh.log.run(write).await.is_ok()
    }

    async fn forget_answer(&self, refresh: &Refresh) {
        let open_id = refresh.account.open_id.clone();
        // If it stays, the next run finds it outdated and removes it.
        let _ = refresh.log.run(move |log| log.remove_answer(&open_id)).await;
    }

    /// Says that nobody waits for tokens of this run: none came.
    async fn unspent(&self, refresh: &Refresh) {
        // Where that fails the others ask for the log of this machine, in vain.
        _ = self.tokens.0.store.accounts().unspent(&refresh.account.open_id).await;
    }

    /// Waits until no other run that has spent the same token can be about to store what it got for it, but not for
    /// ever. Gives whoever may still have it.
    async fn other_spender(&self, refresh: &Refresh) -> Result<Option<Spender>, AuthError> {
        let accounts = self.tokens.0.store.accounts();
        let deadline = Instant::now() + self.tokens.0.timing.refresh_lock;
        loop {
            let others = accounts.spenders(&refresh.account.open_id, &refresh.spent).await?;
            let waits = others.iter().any(|other| other.lives) && Instant::now() < deadline;
            if !waits || self.tokens.is_stopping() {
                // One that is heard of may still save them by itself.
                let living = others.iter().position(|other| other.lives).unwrap_or_default();
                return Ok(others.into_iter().nth(living));
            }
            sleep(self.tokens.0.timing.backoff_base.mul_f64(rand::random_range(0.5..1.0))).await;
        }
    }

    /// Keeps an answer that holds tokens which are not to be had, under a name of its own.
    async fn unread(
        &self,
        refresh: &Refresh,
        bytes: Zeroizing<Vec<u8>>,
        kept: bool,
        found: Option<String>,
    ) -> AuthError {
        let open_id = refresh.account.open_id.clone();
        let answer = self.tokens.0.store.log().answer_path(&open_id);
        let from = answer.clone();
        let set_aside = refresh.log.run(move |log| {
            if kept { log.set_aside(&open_id, &from) } else { log.keep_aside(&open_id, &bytes) }
        });
        // Where that fails it stays where it is, and the next run finds it there.
        let path = set_aside.await.ok().or(kept.then_some(answer));
        let found = found.map(|open_id| plain(&open_id));
        AuthError::Unread { account: refresh.account.name().to_owned(), path, found }
    }

    /// Puts the grant into the store, however long that takes within reason.
    async fn save(
        &self,
        refresh: &Refresh,
        grant: &Grant,
        kept: bool,
    ) -> Result<Outcome, AuthError> {
        let account = &refresh.account;
        let mut tries = 0;
        let mut give_up = None;
        loop {
            let error = match self.save_once(refresh, grant).await {
                Ok(rotated) => return self.saved(rotated, &account.open_id).await,
                Err(error) => error,
            };
            tries += 1;
            let deadline = *give_up.get_or_insert_with(|| self.patience_for(account, &error));
            if tries >= SAVES && Instant::now() >= deadline {
                let account = account.name().to_owned();
                let source = Box::new(error);
                return Err(AuthError::RefreshNotSaved { account, kept, source });
            }
            sleep(self.tokens.0.timing.backoff_base).await;
        }
    }

    /// Until when saving is tried again; tells the user if there is something to do until then.
    fn patience_for(&self, account: &Account, error: &StoreError) -> Instant {
        let wait = self.tokens.0.patience;
        if !error.is_disk_full() || wait.is_zero() {
            return Instant::now();
        }
        let (account, place) = (account.name().to_owned(), self.tokens.0.store.accounts().place());
        self.tokens.report(AuthEvent::DiskFull { account, place, wait });
        Instant::now() + wait
    }

    async fn save_once(&self, refresh: &Refresh, grant: &Grant) -> Result<Rotated, StoreError> {
        let (open_id, api) = (&refresh.account.open_id, self.tokens.api());
        let accounts = self.tokens.0.store.accounts();
        accounts.rotate(open_id, &refresh.spent, grant, &api, refresh.asked_at).await
    }

    /// What the store has made of the tokens. That the account is gone is no failed save: somebody has
    /// logged it out, and nobody wants them.
    async fn saved(&self, rotated: Rotated, open_id: &str) -> Result<Outcome, AuthError> {
        let saved = match rotated {
            Rotated::Saved(saved) => *saved,
            Rotated::Superseded(stored) => return Ok(Outcome::Adopted(*stored)),
            // It may be back by now, from a new login.
            Rotated::Gone => return self.tokens.load(open_id).await.map(Outcome::Adopted),
        };
        self.tokens.0.reporter.renewed(&saved);
        let mut fresh =
            self.tokens.0.fresh.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        fresh.insert(saved.open_id.clone());
        Ok(Outcome::Refreshed(saved))
    }

    /// TikTok did not answer with tokens. If it says that the spent token is dead and the store still
    /// holds that one, only a login helps; the entry is kept and marked, never deleted.
    async fn refused(&self, refresh: &Refresh, error: ApiError) -> Result<Outcome, AuthError> {
        let account = &refresh.account;
        let refusal = match error {
            ApiError::Refused(refusal) if self.ends_the_login(account, &refusal) => refusal,
            source => return Err(failed(account, source)),
        };
        // What they got for it is the only login that lives: when it is stored, it is this run's as well.
        if let Some(other) = self.other_spender(refresh).await? {
            let (account, holder) = (account.name().to_owned(), other.holder);
            return Err(if other.lives {
                AuthError::RefreshBusy { account, holder: Some(holder) }
            } else {
                AuthError::Elsewhere { account, holder }
            });
        }
        let (now, spent) = (self.tokens.0.clock.now(), refresh.spent.clone());
        let mark = move |current: Option<&Account>, _: &_| {
            let Some(current) = current.filter(|current| current.refresh_token == spent) else {
                return (Edit::Keep, false);
            };
            let needs_login = Some(NeedsLogin { since: now, reason: Reason::Rejected });
            let edit = match &current.needs_login {
                Some(known) if matches!(known.reason, Reason::Rejected | Reason::Refused) => {
                    Edit::Keep
                }
                _ => Edit::Put(Box::new(Account { needs_login, ..current.clone() })),
            };
            (edit, true)
        };
        let accounts = self.tokens.0.store.accounts();
        let (stored, marked) = accounts.decide(&account.open_id, mark).await?;
        match stored {
            Some(stored) if !marked => {
                self.tokens.check_usable(&stored, &RefreshPolicy::Within(NEED))?;
                Ok(Outcome::Adopted(stored))
            }
            stored => {
                let known = stored.as_ref().and_then(|stored| stored.needs_login.as_ref());
                let reason = known.map_or(Reason::Rejected, |known| known.reason);
                let lives = reason == Reason::Rejected && now < account.access_expires_at;
                Err(AuthError::NeedsLogin {
                    account: account.name().to_owned(),
                    reason,
                    until: lives.then_some(account.access_expires_at),
                    source: Some(Box::new(refusal)),
                })
            }
        }
    }

    /// Whether a refusal means that this refresh token will never work again. That a sandbox's key may
    /// not refresh, or not just now, says nothing about the token; and of tokens whose API is not known
    /// only TikTok itself can say it.
    fn ends_the_login(&self, account: &Account, refusal: &Refusal) -> bool {
        refusal.code == Code::InvalidGrant
            && (account.api.is_some() || self.tokens.0.client.endpoints().is_tiktok())
    }
}

fn failed(account: &Account, source: ApiError) -> AuthError {
    AuthError::Refresh {
        whose: Whose::one(account),
        key: key_start(&account.client_key),
        source: Box::new(source),
    }
}
