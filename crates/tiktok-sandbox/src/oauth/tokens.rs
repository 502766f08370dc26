//! Codes, access tokens and refresh tokens, and the grants that they stand for.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::accounts::{AccountNo, AppNo};
use crate::call::Form;
use crate::clock::after;
use crate::ids;
use crate::options::{Lifetimes, Options};
use crate::secret::{Secret, Secrets};
use crate::state::Access;

/// How long a code can be exchanged. Documented nowhere; the field says five to ten minutes.
const CODE_LIFE: Duration = Duration::from_mins(10);

/// What a person agreed to.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) app: AppNo,
    pub(crate) account: AccountNo,
    pub(crate) scopes: Vec<String>,
}

/// An authorization code that was handed out.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) grant: Grant,
    pub(super) bound: Bound,
    issued: Timestamp,
}

/// What an exchange must prove besides the code.
#[derive(Clone, Debug)]
pub(super) enum Bound {
    /// The authorize request's redirect URI, and its challenge if it had one.
    Redirect { uri: String, challenge: Option<String> },
    /// Nothing: the code came through a QR code.
    Qr,
}

#[derive(Debug)]
struct AccessToken {
    grant: Grant,
    ends: Timestamp,
}

#[derive(Debug)]
struct RefreshToken {
    grant: Grant,
    ends: Timestamp,
    /// False once it was used: its successor lives.
    alive: bool,
}

/// A new pair of tokens.
pub(super) struct Pair {
    pub(super) access: String,
    pub(super) expires_in: i64,
    pub(super) refresh: String,
    pub(super) refresh_expires_in: i64,
    pub(super) grant: Grant,
}

/// For the state page: a grant and when its newest tokens end.
#[derive(Clone, Debug)]
pub(crate) struct GrantView {
    pub(crate) grant: Grant,
    pub(crate) access_ends: Option<Timestamp>,
    pub(crate) refresh_ends: Timestamp,
}

/// All codes and tokens.
#[derive(Default)]
pub(crate) struct Tokens {
    codes: HashMap<String, Code>,
    access: HashMap<String, AccessToken>,
    refresh: HashMap<String, RefreshToken>,
}

impl Tokens {
    /// Hands out a code.
    pub(super) fn code(
        &mut self,
        grant: Grant,
        bound: Bound,
        secrets: &mut Secrets,
        now: Timestamp,
    ) -> String {
        let code = ids::code();
        secrets.note(Secret::new(&code));
        self.codes.insert(code.clone(), Code { grant, bound, issued: now });
        code
    }

    /// Takes a code away, whatever comes of it; `None` if it is unknown, used or too old.
    pub(super) fn take_code(&mut self, code: &str, now: Timestamp) -> Option<Code> {
        self.codes.remove(code).filter(|code| now < after(code.issued, CODE_LIFE))
    }

    /// The first pair of a grant.
    pub(super) fn first_pair(
        &mut self,
        grant: Grant,
        rules: &Options,
        secrets: &mut Secrets,
        now: Timestamp,
    ) -> Pair {
        let ends = after(now, lifetimes(rules).1);
        self.pair(grant, ends, rules, secrets, now)
    }

    /// The next pair; the refresh token that was sent dies with it. `None`: unknown, used, ended,
    /// or another app's.
    pub(super) fn rotate(
        &mut self,
        app: AppNo,
        refresh: &str,
        rules: &Options,
        secrets: &mut Secrets,
        now: Timestamp,
    ) -> Option<Pair> {
        let old = self.refresh.get_mut(refresh)?;
        if !old.alive || old.grant.app != app || old.ends <= now {
            return None;
        }
        old.alive = false;
        let ends = if rules.refresh_extends { after(now, lifetimes(rules).1) } else { old.ends };
        let grant = old.grant.clone();
        Some(self.pair(grant, ends, rules, secrets, now))
    }

    fn pair(
        &mut self,
        grant: Grant,
        ends: Timestamp,
        rules: &Options,
        secrets: &mut Secrets,
        now: Timestamp,
    ) -> Pair {
        let (access, refresh) = (ids::token("act"), ids::token("rft"));
        secrets.note(Secret::new(&access));
        secrets.note(Secret::new(&refresh));
        let life = lifetimes(rules).0;
        let token = AccessToken { grant: grant.clone(), ends: after(now, life) };
        let expires_in = token.ends.duration_since(now).as_secs();
        self.access.insert(access.clone(), token);
        let token = RefreshToken { grant: grant.clone(), ends, alive: true };
        self.refresh.insert(refresh.clone(), token);
        let refresh_expires_in = ends.duration_since(now).as_secs();
        Pair { access, expires_in, refresh, refresh_expires_in, grant }
    }

    /// What a living access token stands for, and its scopes.
    pub(crate) fn living(&self, access: &str, now: Timestamp) -> Option<(Access, &[String])> {
        let token = self.access.get(access).filter(|token| now < token.ends)?;
        let Grant { app, account, scopes } = &token.grant;
        Some((Access { app: *app, account: *account }, scopes))
    }

    /// Whose access token it is, living or ended.
    pub(super) fn grant_of_access(&self, access: &str) -> Option<&Grant> {
        self.access.get(access).map(|token| &token.grant)
    }

    pub(crate) fn account_of_access(&self, access: &str) -> Option<AccountNo> {
        self.grant_of_access(access).map(|grant| grant.account)
    }

    /// Whose code or token a form carries.
    pub(crate) fn account_of_form(&self, form: &Form) -> Option<AccountNo> {
        let code = || self.codes.get(form.get("code")?).map(|code| code.grant.account);
        let refresh = || self.refresh.get(form.get("refresh_token")?).map(|t| t.grant.account);
        let access = || self.account_of_access(form.get("token")?);
        code().or_else(refresh).or_else(access)
    }

    /// Everything of one person with one app dies.
    pub(crate) fn kill(&mut self, app: AppNo, account: AccountNo) {
        let stays = |grant: &Grant| grant.app != app || grant.account != account;
        self.codes.retain(|_, code| stays(&code.grant));
        self.access.retain(|_, token| stays(&token.grant));
        self.refresh.retain(|_, token| stays(&token.grant));
    }

    /// The grants that can still be refreshed.
    pub(crate) fn grants(&self, now: Timestamp) -> Vec<GrantView> {
        let living = self.refresh.values().filter(|token| token.alive && now < token.ends);
        let mut grants: Vec<_> = living
            .map(|token| GrantView {
                grant: token.grant.clone(),
                access_ends: self.access_end(&token.grant, now),
                refresh_ends: token.ends,
            })
            .collect();
        let key = |view: &GrantView| (view.grant.account, view.grant.app);
        grants.sort_by_key(|view| (key(view), std::cmp::Reverse(view.refresh_ends)));
        // A person who agreed twice is shown once, as of the last time.
        grants.dedup_by_key(|view| key(view));
        grants
    }

    fn access_end(&self, grant: &Grant, now: Timestamp) -> Option<Timestamp> {
        let same = |token: &&AccessToken| {
            token.grant.app == grant.app && token.grant.account == grant.account && now < token.ends
        };
        self.access.values().filter(same).map(|token| token.ends).max()
    }
}

/// Access and refresh token's lives.
fn lifetimes(rules: &Options) -> (Duration, Duration) {
    match rules.lifetimes {
        Lifetimes::Newer => (Duration::from_hours(2), Duration::from_hours(180 * 24)),
        Lifetimes::Older => (Duration::from_hours(24), Duration::from_hours(365 * 24)),
    }
}
