//! Whether what the last run came upon is mended, as far as that shows on this machine.

use std::path::Path;

use crate::auth::Account;
use crate::commands::Context;
use crate::model::account::Accounts;
use crate::model::{AccountDefaults, Mode};
use crate::output::{Left, Needs, Refusal, Why};
use crate::problem::ErrorCode;
use crate::process::is_gone;
use crate::settings::KnownApp;
use jiff::Timestamp;

/// What shows on this machine: its logins and its settings. TikTok is not asked.
pub(super) struct Mending<'a> {
    pub(super) context: &'a Context,
    pub(super) accounts: &'a Accounts,
    pub(super) now: Timestamp,
}

impl Mending<'_> {
    /// Whether nothing is known any more of what kept a post from being made.
    pub(super) async fn of_post(&self, left: &Left, why: &Why) -> bool {
        let Some(account) = self.accounts.get(&left.account) else { return false };
        if why.is_wanted() {
            return account.paused_since.is_none();
        }
        let Some(needs) = &why.needs else { return false };
        let lives = account.needs_login.is_none() && self.now < account.refresh_expires_at;
        match needs {
            // With a newer login it is another cause, if any.
            Needs::Login => {
                let renewed = why.code != ErrorCode::ScopeNotGranted.as_str();
                lives && (grants(account, &left.mode) || (renewed && account.issued_at > why.seen))
            }
            Needs::Tokens => lives && account.issued_at > why.seen,
            Needs::App => self.has_app_of(account).await,
            Needs::Process(number) => is_gone(*number),
            Needs::AnyApp | Needs::Config | Needs::Logins(_) | Needs::Files(_) => self.has(needs),
        }
    }

    /// The same of what ended a run.
    pub(super) fn of_run(&self, refusal: &Refusal) -> bool {
        refusal.needs.as_ref().is_some_and(|needs| self.has(needs))
    }

    /// What is no single account's.
    fn has(&self, needs: &Needs) -> bool {
        match needs {
            Needs::AnyApp => self.context.settings.apps.in_use().any(KnownApp::is_configured),
            // This run has read it; what it says of accounts may still be of none.
            Needs::Config => {
                let of_accounts = &self.context.settings.account_defaults;
                AccountDefaults::new(of_accounts, self.accounts).is_ok()
            }
            Needs::Logins(needed) => needed.iter().all(|needed| self.accounts.have(needed)),
            Needs::Files(paths) => paths.iter().all(|path| Path::new(path).exists()),
            Needs::Login | Needs::Tokens | Needs::App | Needs::Process(_) => false,
        }
    }

    /// Whether config.toml has the app of an account, and its secret can be had: read as a run reads it. That
    /// the environment has it says nothing of the run's, which is another one under cron.
    async fn has_app_of(&self, account: &Account) -> bool {
        let (apps, key) = (self.context.settings.apps.clone(), account.client_key.clone());
        let fetch = move || {
            let app = apps.with_key(&key).filter(|app| app.is_configured());
            app.is_some_and(|app| app.fetch(|_| ()).is_ok())
        };
        matches!(self.context.aside(fetch).await, Ok(Ok(true)))
    }
}

/// Whether a login has the scope that posts of a mode need.
fn grants(account: &Account, mode: &str) -> bool {
    let mode = Mode::ALL.into_iter().find(|known| known.as_str() == mode);
    mode.is_some_and(|mode| account.scopes.has(mode.scope()))
}
