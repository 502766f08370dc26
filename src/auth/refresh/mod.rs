//! Keeping a login alive: the refresh protocol.
//!
//! TikTok's refresh tokens rotate strictly: a refresh kills the token that it spends
//! (<https://developers.tiktok.com/doc/oauth-user-access-token-management>). So one process at a time
//! refreshes an account, never without the lease; what others have refreshed meanwhile is adopted; the
//! disk is probed before a token is spent; and the answer is durable before it is parsed.

mod outcome;
pub(super) mod recover;
mod rotate;
mod worker;

use std::collections::HashSet;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tiktok_open::Client;
use tokio::sync::{OnceCell, Semaphore, watch};
use tokio::time::timeout;

pub(crate) use outcome::{Outcome, RefreshPolicy};

use self::rotate::Rotation;
use super::apps::Apps;
use super::due::{Due, NEED, SKEW_LIMIT, due};
use super::error::AuthError;
use super::event::{AuthEvent, Reporter};
use super::login_store::{HeldLease, LoginStore};
use crate::api::App;
use crate::clock::Clock;
use crate::model::account::{Account, NeedsLogin, Reason};
use crate::problem::Coded as _;
use crate::secret::Secret;
use crate::signals::Shutdown;
use crate::store::local::Logs;
use crate::store::{Edit, Holder, LeaseError, StoreError};
use crate::text::chain;
use crate::timing::Timing;

/// Processes that wake up together with an expired token start to queue this far apart at most.
const JITTER: Duration = Duration::from_millis(200);

/// What ends within this time is not worth a word.
const MOMENT: Duration = Duration::from_millis(100);

/// Hands out access tokens that are good, refreshing them on need. Cheap to clone; clones share what
/// they know.
#[derive(Clone)]
pub(crate) struct Tokens(Arc<Inner>);

struct Inner {
    store: LoginStore,
    client: Client,
    apps: Arc<dyn Apps>,
    clock: Clock,
    timing: Timing,
    reporter: Arc<dyn Reporter>,
    patience: Duration,
    shutdown: Option<Shutdown>,
    /// Accounts whose tokens this process has got itself, so that a clock that differs does not make
    /// it refresh them again and again.
    fresh: Mutex<HashSet<String>>,
    /// Accounts whose refresh TikTok has refused in this run, so that it is not asked with every call.
    given_up: Mutex<HashSet<String>>,
    /// What was told already: most notices are worth one line per run.
    told: Mutex<HashSet<(String, &'static str)>>,
    under_way: watch::Sender<usize>,
    /// How many refreshes talk to TikTok at the same time at most.
    turns: Semaphore,
    /// Whether this process has waited for its turn among those that woke up with it.
    apart: OnceCell<()>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("store", &self.0.store).finish_non_exhaustive()
    }
}

impl Tokens {
    /// For the accounts of a store. `apps` finds the app of each: its tokens work with the one that
    /// made them.
    pub(crate) fn new(
        store: LoginStore,
        client: Client,
        apps: Arc<dyn Apps>,
        clock: Clock,
        timing: Timing,
        reporter: Arc<dyn Reporter>,
    ) -> Self {
        Self(Arc::new(Inner {
            store,
            client,
            apps,
            clock,
            timing,
            reporter,
            patience: Duration::ZERO,
            shutdown: None,
            fresh: Mutex::default(),
            given_up: Mutex::default(),
            told: Mutex::default(),
            under_way: watch::channel(0).0,
            turns: Semaphore::new(Semaphore::MAX_PERMITS),
            apart: OnceCell::new(),
        }))
    }

    /// How long new tokens that find no space on the disk are kept in memory for the user to free
    /// some: a minute on a terminal, nothing under cron. To be set before the first use.
    #[must_use]
    pub(crate) fn with_patience(mut self, patience: Duration) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.patience = patience;
        }
        self
    }

    /// How many refreshes talk to TikTok at the same time at most. To be set before the first use.
    #[must_use]
    pub(crate) fn with_jobs(mut self, jobs: usize) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.turns = Semaphore::new(jobs);
        }
        self
    }

    /// Once a signal asks to stop, no token is spent any more. To be set before the first use.
    #[must_use]
    pub(crate) fn with_shutdown(mut self, shutdown: Shutdown) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.shutdown = Some(shutdown);
        }
        self
    }

    /// Whether the run was asked to stop.
    pub(super) fn is_stopping(&self) -> bool {
        self.0.shutdown.as_ref().is_some_and(|shutdown| shutdown.asked().is_some())
    }

    /// The lease under which an account's tokens are replaced, waited for as a refresh waits for it.
    pub(super) async fn lease(&self, open_id: &str) -> Result<HeldLease, StoreError> {
        self.0.store.refresh_lease(open_id, self.0.timing.refresh_lock).await
    }

    /// Where the logins are kept.
    pub(super) fn store(&self) -> &LoginStore {
        &self.0.store
    }

    pub(super) fn client(&self) -> &Client {
        &self.0.client
    }

    /// The account with an access token that lives for another five minutes, refreshed if need be;
    /// if that fails, with one that still lives, and a warning.
    pub(crate) async fn access_token(&self, open_id: &str) -> Result<Account, AuthError> {
        if let Some(account) = self.given_up(open_id).await {
            return Ok(account);
        }
        match self.refresh(open_id, RefreshPolicy::Within(NEED)).await {
            Ok(outcome) => Ok(outcome.into_account()),
            Err(error) => self.without_refresh(open_id, error).await,
        }
    }

    /// Why an account's login is of no use now, as far as that is known without asking TikTok: what
    /// [`Tokens::access_token`] would end with. What an interrupted refresh left may mend it, which is found
    /// out when a token is asked for.
    pub(crate) async fn check(&self, open_id: &str) -> Result<(), AuthError> {
        let account = self.load(open_id).await?;
        if self.0.store.log().answer_path(open_id).exists() || self.is_usable(&account) {
            return Ok(());
        }
        self.check_usable(&account, &RefreshPolicy::Within(NEED))
    }

    /// The account with a token to revoke its login with: the one at hand while it lives, else a new one.
    pub(super) async fn token_to_revoke(&self, open_id: &str) -> Result<Account, AuthError> {
        let account = self.load(open_id).await?;
        if self.is_usable(&account) { Ok(account) } else { self.access_token(open_id).await }
    }

    /// The account whose refresh TikTok has refused in this run, while its access token lives.
    async fn given_up(&self, open_id: &str) -> Option<Account> {
        let known =
            self.0.given_up.lock().unwrap_or_else(PoisonError::into_inner).contains(open_id);
        // What cannot be read now, the usual way says.
        let account = if known { self.load(open_id).await.ok()? } else { return None };
        self.is_usable(&account).then_some(account)
    }

    /// The account for which a refresh failed, if its access token can still be used.
    async fn without_refresh(&self, open_id: &str, error: AuthError) -> Result<Account, AuthError> {
        if !error.leaves_the_access_token() {
            return Err(error);
        }
        let account = match self.load(open_id).await {
            Ok(account) if self.is_usable(&account) => account,
            _ => return Err(error),
        };
        if matches!(&error, AuthError::Refresh { source, .. } if source.refusal().is_some()) {
            let mut given_up = self.0.given_up.lock().unwrap_or_else(PoisonError::into_inner);
            given_up.insert(open_id.to_owned());
        }
        let (name, until) = (account.name().to_owned(), account.access_expires_at);
        let event = match error {
            AuthError::NeedsLogin { .. } => AuthEvent::NotRenewable { account: name, until },
            error => {
                let (why, passes) = (chain(&error), error.kind().may_pass());
                AuthEvent::NotRenewed { account: name, until, why, passes }
            }
        };
        self.report_once(open_id, "not renewed", event);
        Ok(account)
    }

    fn is_usable(&self, account: &Account) -> bool {
        account.is_usable(self.0.clock.now())
            && account.other_api(&self.api()).is_none()
            && self.0.apps.check(account).is_ok()
    }

    /// After TikTok has refused `rejected` with `access_token_invalid`: the stored token if that is
    /// another one by now, else a refreshed one. Never for `scope_not_authorized`, which only a new
    /// consent mends.
    pub(crate) async fn renew(
        &self,
        open_id: &str,
        rejected: &Secret,
    ) -> Result<Account, AuthError> {
        match self.refresh(open_id, RefreshPolicy::Instead(rejected.clone())).await {
            Err(AuthError::NeedsLogin { account, reason: Reason::Rejected, source, .. }) => {
                self.note_refused(open_id, rejected).await;
                let reason = Reason::Refused;
                Err(AuthError::NeedsLogin { account, reason, until: None, source })
            }
            outcome => Ok(outcome?.into_account()),
        }
    }

    /// Remembers that TikTok takes the access token no more than the refresh token, so that no run hands
    /// it out, or says that it works.
    async fn note_refused(&self, open_id: &str, rejected: &Secret) {
        let (since, rejected) = (self.0.clock.now(), rejected.clone());
        let mark = move |current: Option<&Account>, _: &_| {
            let is_marked = |current: &&Account| {
                let reason = current.needs_login.as_ref().map(|needs| needs.reason);
                current.access_token == rejected && reason == Some(Reason::Rejected)
            };
            let edit = current.filter(is_marked).map_or(Edit::Keep, |current| {
                let needs_login = Some(NeedsLogin { since, reason: Reason::Refused });
                Edit::Put(Box::new(Account { needs_login, ..current.clone() }))
            });
            (edit, ())
        };
        // A store that does not take it costs the next run one more call.
        _ = self.0.store.accounts().decide(open_id, mark).await;
    }

    /// What interrupted refreshes of any account have left by now.
    pub(crate) async fn logs(&self) -> Result<Logs, AuthError> {
        Ok(self.0.store.logs().await?)
    }

    /// As [`Tokens::refresh`], for an account as it was read a moment ago, and with what there was of the log
    /// after that: nothing is read again if it is not due, and then this gives nothing. An answer that has
    /// come since is another process's, which is at it or has died just now: whoever needs a token of the
    /// account looks again, and so does whoever refreshes it, with its lease.
    pub(crate) async fn refresh_known(
        &self,
        account: &Account,
        logs: &Logs,
        policy: RefreshPolicy,
    ) -> Result<Option<Outcome>, AuthError> {
        if let RefreshPolicy::Within(within) = policy
            && self.check_usable(account, &policy).is_ok()
            && !logs.have(&account.open_id)
            && !self.is_due(account, within)
        {
            self.warn_of_end(account);
            return Ok(None);
        }
        self.refresh(&account.open_id, policy).await.map(Some)
    }

    /// Refreshes an account if that is due. Dropping the future does not interrupt a refresh that has
    /// begun; see [`Tokens::flush`].
    pub(crate) async fn refresh(
        &self,
        open_id: &str,
        policy: RefreshPolicy,
    ) -> Result<Outcome, AuthError> {
        let account = self.load(open_id).await?;
        let left_behind = self.0.store.log().answer_path(open_id).exists();
        if !left_behind {
            self.check_usable(&account, &policy)?;
            if let Some(outcome) = self.nothing_to_do(&account, &policy) {
                return Ok(outcome);
            }
        }
        let task = {
            let tokens = self.clone();
            let guard = UnderWay::new(&self.0.under_way);
            tokio::spawn(async move {
                let outcome = tokens.refresh_locked(account, policy, left_behind).await;
                drop(guard);
                outcome
            })
        };
        task.await.unwrap_or_else(|ended| Err(AuthError::ended(&ended)))
    }

    /// Brings interrupted refreshes to their end, except those that another process is at. To be
    /// called once at the start of a run. Gives the accounts where that failed: whoever needs their
    /// tokens runs into it again, all others are not kept from theirs.
    pub(crate) async fn recover(&self) -> Result<Vec<(Account, AuthError)>, AuthError> {
        recover::recover(self).await
    }

    /// Ends when no refresh is under way. A run that is about to end early (on a signal) waits for
    /// this first: a token is lost if the program ends between TikTok's answer and the disk.
    pub(crate) async fn flush(&self) {
        let mut under_way = self.0.under_way.subscribe();
        // The sender lives as long as this does, so the wait ends only at zero.
        let mut done = pin!(under_way.wait_for(|count| *count == 0));
        if timeout(MOMENT, &mut done).await.is_err() {
            self.report(AuthEvent::Finishing);
            _ = done.await;
        }
        self.0.store.flush().await;
    }

    /// Decides without the lease, and again with it.
    fn nothing_to_do(&self, account: &Account, policy: &RefreshPolicy) -> Option<Outcome> {
        match policy {
            RefreshPolicy::Force => return None,
            RefreshPolicy::Instead(rejected) => {
                let other = account.access_token != *rejected;
                return other.then(|| Outcome::Adopted(account.clone()));
            }
            RefreshPolicy::Within(within) if self.is_due(account, *within) => return None,
            RefreshPolicy::Within(_) => {}
        }
        self.warn_of_end(account);
        Some(Outcome::NotDue(account.clone()))
    }

    /// Whether it is time to refresh an account; tells of a clock that makes it so.
    fn is_due(&self, account: &Account, within: Duration) -> bool {
        let event = match self.due(account, within) {
            Due::NotYet => return false,
            Due::Ending => return true,
            Due::ClockWentBack(by) => AuthEvent::ClockWentBack { by },
            Due::ClockOff(by) => AuthEvent::ClockOff { by },
        };
        self.report_once("", "clock", event);
        true
    }

    fn due(&self, account: &Account, within: Duration) -> Due {
        let fresh = self.0.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        let skew = self.0.client.clock_skew().filter(|_| !fresh.contains(&account.open_id));
        due(account, self.0.clock.now(), within, skew)
    }

    async fn refresh_locked(
        &self,
        seen: Account,
        policy: RefreshPolicy,
        left_behind: bool,
    ) -> Result<Outcome, AuthError> {
        if !left_behind {
            // Before the lease, which others wait for: somebody may have to type a passphrase.
            self.app_of(&seen).await?;
        }
        if !seen.lives(self.0.clock.now()) {
            let apart = || tokio::time::sleep(JITTER.mul_f64(rand::random_range(0.0..1.0)));
            self.0.apart.get_or_init(apart).await;
        }
        let lease = tokio::select! {
            biased;
            lease = self.lease(&seen.open_id) => lease,
            // Nothing has begun.
            () = self.stopping() => return Err(AuthError::Stopped),
        };
        let lease = match lease {
            Ok(lease) => lease,
            Err(StoreError::Lease(LeaseError::Held { holder, .. })) => {
                return self.without_lease(&seen, &policy, holder).await;
            }
            Err(error) => return Err(error.into()),
        };
        let found = recover::recover_locked(self, &seen, &lease).await?;
        let account = self.load(&seen.open_id).await?;
        self.check_usable(&account, &policy)?;
        if account.access_token != seen.access_token {
            self.warn_of_end(&account);
            let made = if found.adopted { Outcome::Recovered } else { Outcome::Adopted };
            if self.due(&account, NEED) == Due::NotYet {
                return Ok(made(account));
            }
        } else if let Some(outcome) = self.nothing_to_do(&account, &policy) {
            return Ok(outcome);
        }
        if let Some(path) = found.unread.filter(|_| !matches!(policy, RefreshPolicy::Force)) {
            let account = account.name().to_owned();
            return Err(AuthError::Unread { account, path: Some(path), found: None });
        }
        let outcome = Rotation::of(self).rotate(&lease, account).await?;
        self.warn_of_end(outcome.account());
        Ok(outcome)
    }

    /// Waits until a signal asks to stop.
    async fn stopping(&self) {
        match &self.0.shutdown {
            Some(shutdown) => _ = shutdown.requested().await,
            None => std::future::pending().await,
        }
    }

    /// Another process holds the lease for too long: never refresh without it, but use what is good.
    async fn without_lease(
        &self,
        seen: &Account,
        policy: &RefreshPolicy,
        holder: Option<Holder>,
    ) -> Result<Outcome, AuthError> {
        let account = self.load(&seen.open_id).await?;
        self.check_usable(&account, policy)?;
        if account.access_token != seen.access_token {
            return Ok(Outcome::Adopted(account));
        }
        let name = account.name().to_owned();
        let refused = matches!(policy, RefreshPolicy::Instead(_));
        if refused || !account.lives(self.0.clock.now()) {
            return Err(AuthError::RefreshBusy { account: name, holder });
        }
        self.report(AuthEvent::RefreshBusy {
            account: name,
            holder: holder.map(|holder| holder.to_string()),
        });
        Ok(Outcome::Kept(account))
    }

    /// The app that an account's tokens belong to, with its secret, if it may be used.
    pub(crate) async fn app_of(&self, account: &Account) -> Result<App, AuthError> {
        let (apps, account) = (Arc::clone(&self.0.apps), account.clone());
        let find = move || apps.app(&account).map_err(|why| AuthError::app(&account, why));
        tokio::task::spawn_blocking(find)
            .await
            .unwrap_or_else(|ended| Err(AuthError::ended(&ended)))
    }

    /// The base URL of the API that this run talks to.
    pub(super) fn api(&self) -> String {
        self.0.client.endpoints().api_base()
    }

    fn check_usable(&self, account: &Account, policy: &RefreshPolicy) -> Result<(), AuthError> {
        // First: what else is wrong with it, another API cannot mend.
        AuthError::check_api(account, self.api())?;
        if let Some(needs) =
            account.needs_login.as_ref().filter(|needs| !overrules(policy, needs.reason))
        {
            let until = account.is_usable(self.0.clock.now()).then_some(account.access_expires_at);
            let (account, reason) = (account.name().to_owned(), needs.reason);
            return Err(AuthError::NeedsLogin { account, reason, until, source: None });
        }
        self.0.apps.check(account).map_err(|why| AuthError::app(account, why))
    }

    async fn load(&self, open_id: &str) -> Result<Account, AuthError> {
        Ok(self.0.store.accounts().login(open_id).await?)
    }

    fn warn_of_end(&self, account: &Account) {
        if let Some(at) = account.ends_soon(self.0.clock.now()) {
            let event = AuthEvent::EndsSoon { account: account.name().to_owned(), at };
            self.report_once(&account.open_id, "ends soon", event);
        }
    }

    fn warn_of_skew(&self) {
        if let Some(by) =
            self.0.client.clock_skew().filter(|skew: &SignedDuration| skew.abs() > SKEW_LIMIT)
        {
            self.report_once("", "clock", AuthEvent::ClockOff { by });
        }
    }

    fn report(&self, event: AuthEvent) {
        self.0.reporter.report(event);
    }

    fn report_once(&self, about: &str, kind: &'static str, event: AuthEvent) {
        let first = {
            let mut told = self.0.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.insert((about.to_owned(), kind))
        };
        if first {
            self.report(event);
        }
    }
}

/// Whether a refresh is tried although the account is marked. What is on another machine now is not:
/// that would end its login there.
fn overrules(policy: &RefreshPolicy, reason: Reason) -> bool {
    matches!(policy, RefreshPolicy::Force)
        && matches!(reason, Reason::Rejected | Reason::Refused | Reason::Restored)
}

/// Counts a refresh as under way for as long as it lives.
struct UnderWay(watch::Sender<usize>);

impl UnderWay {
    fn new(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests;
