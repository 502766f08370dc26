//! Everything the sandbox knows, behind one lock, and who may ask for what.

use std::fs::File;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::header::AUTHORIZATION;
use jiff::Timestamp;

use crate::accounts::{Account, AccountNo, App, AppNo};
use crate::call::{Call, Endpoint};
use crate::clock::SandboxClock;
use crate::envelope::Refusal;
use crate::faults::Faults;
use crate::log::Log;
use crate::oauth::consent::Consents;
use crate::oauth::qr::QrCodes;
use crate::oauth::tokens::Tokens;
use crate::options::Options;
use crate::posting::post::Posts;
use crate::quota::Quota;
use crate::secret::Secrets;

/// The world behind its lock, shared by all connections and the handle.
pub(super) struct Core {
    world: Mutex<World>,
    /// `http://127.0.0.1:PORT`.
    pub(super) origin: String,
    /// The port that the `Host` of control requests must name.
    pub(super) port: u16,
    /// Proves that a form was served by this sandbox.
    pub(super) form_key: String,
}

impl Core {
    pub(super) fn new(world: World, port: u16) -> Self {
        let origin = world.origin.clone();
        Self { world: Mutex::new(world), origin, port, form_key: crate::ids::letters(32) }
    }

    /// The world, alone. A panic elsewhere leaves it as it is: every change is one call.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state of this TikTok.
pub(super) struct World {
    pub(super) clock: SandboxClock,
    pub(super) rules: Options,
    pub(super) origin: String,
    pub(super) apps: Vec<App>,
    pub(super) accounts: Vec<Account>,
    pub(super) consents: Consents,
    pub(super) qr: QrCodes,
    pub(super) tokens: Tokens,
    pub(super) secrets: Secrets,
    pub(super) posts: Posts,
    pub(super) quota: Quota,
    pub(super) faults: Faults,
    pub(super) log: Log,
}

/// What a good access token stands for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access {
    pub(super) app: AppNo,
    pub(super) account: AccountNo,
}

impl World {
    /// The state at the start; what the options leave empty is filled in.
    pub(super) fn new(
        mut rules: Options,
        origin: String,
        log: Option<File>,
        mut secrets: Secrets,
    ) -> Self {
        let mut faults = Faults::default();
        faults.add(std::mem::take(&mut rules.faults));
        let mut apps = std::mem::take(&mut rules.apps);
        if apps.is_empty() {
            apps.push(App::random());
        }
        for app in &apps {
            secrets.note(app.client_secret.clone());
        }
        let mut accounts = std::mem::take(&mut rules.accounts);
        if accounts.is_empty() {
            accounts = Account::default_three();
        }
        Self {
            clock: SandboxClock::default(),
            rules,
            origin,
            apps,
            accounts,
            consents: Consents::default(),
            qr: QrCodes::default(),
            tokens: Tokens::default(),
            secrets,
            posts: Posts::default(),
            quota: Quota::default(),
            faults,
            log: Log::to_file(log),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The account of a handle, with or without its `@`.
    pub(super) fn find_account(&self, handle: &str) -> Option<AccountNo> {
        let handle = handle.trim_start_matches('@');
        self.accounts.iter().position(|account| account.handle == handle)
    }

    /// `@handle`.
    pub(super) fn handle(&self, account: AccountNo) -> String {
        self.accounts
            .get(account)
            .map_or_else(String::new, |account| format!("@{}", account.handle))
    }

    /// Whose call this is, as far as it can be told before it is judged.
    pub(super) fn caller(&self, call: &Call) -> Option<AccountNo> {
        match call.endpoint {
            Endpoint::Upload => self.posts.account_of_upload(call.query_value("upload_id")?),
            Endpoint::Token | Endpoint::Revoke => self.tokens.account_of_form(&call.form()),
            _ => self.tokens.account_of_access(bearer(call)?),
        }
    }

    /// Lets a call in: a living token, one of the scopes, and room in the minute.
    pub(super) fn admit(
        &mut self,
        call: &Call,
        scopes: &[&str],
        per_minute: usize,
    ) -> Result<Access, Refusal> {
        let access = self.authorize(call, scopes)?;
        let key = (access.app, access.account, call.endpoint);
        if self.quota.take(key, per_minute, MINUTE, call.now) {
            Ok(access)
        } else {
            Err(Refusal::coded("rate_limit_exceeded"))
        }
    }

    /// A living token with one of the scopes.
    pub(super) fn authorize(&self, call: &Call, scopes: &[&str]) -> Result<Access, Refusal> {
        let invalid = || Refusal::coded("access_token_invalid");
        let token = bearer(call).ok_or_else(invalid)?;
        let (access, granted) = self.tokens.living(token, call.now).ok_or_else(invalid)?;
        if scopes.iter().any(|scope| granted.iter().any(|have| have == scope)) {
            Ok(access)
        } else {
            Err(Refusal::coded("scope_not_authorized"))
        }
    }

    /// The scopes behind a call's token.
    pub(super) fn granted(&self, call: &Call) -> &[String] {
        bearer(call)
            .and_then(|token| self.tokens.living(token, call.now))
            .map_or(&[], |(_, granted)| granted)
    }

    /// The creator removes the app, or the app gives its access back: tokens die, posts under way
    /// fail.
    pub(super) fn disconnect(&mut self, app: AppNo, account: AccountNo, now: Timestamp) {
        self.tokens.kill(app, account);
        self.posts.fail_running(app, account, "auth_removed", now, &self.rules);
    }
}

/// The window of the API's rate limits.
const MINUTE: Duration = Duration::from_mins(1);

fn bearer(call: &Call) -> Option<&str> {
    let value = call.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
