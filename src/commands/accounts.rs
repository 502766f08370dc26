//! `accounts`: who is logged in, and until when; names for them; logins that come and go.

pub(super) mod pause;
mod show;
mod transfer;

use std::io::{self, IsTerminal as _};

use serde_json::json;

use crate::cli::{AccountsAction, AccountsArgs};
use crate::commands::at_rest::{self, Rest};
use crate::commands::stores::Stores;
use crate::commands::{Context, about, apps};
use crate::exit::Exit;
use crate::model::Account;
use crate::output::{Failure, Table, day, moment};
use crate::problem::{Coded, ErrorCode, Problem};
use crate::secret::Secret;
use crate::settings::Environment;
use crate::store::AccountError;
use crate::text;

/// Runs the command.
pub(super) async fn run(
    context: &Context,
    args: &AccountsArgs,
    env: &Environment<'_>,
) -> Result<Exit, Failure> {
    match &args.action {
        None => list(context, args.wide).await,
        Some(AccountsAction::Show { account }) => show::run(context, account.as_deref()).await,
        Some(AccountsAction::Alias { account, name }) => alias(context, account, name).await,
        Some(AccountsAction::Pause { account }) => pause::pause(context, account).await,
        Some(AccountsAction::Resume { account }) => pause::resume(context, account).await,
        Some(AccountsAction::Export { account, passphrase }) => {
            transfer::export(context, account, passphrase, env).await
        }
        Some(AccountsAction::Import { file, passphrase }) => {
            transfer::import(context, file, passphrase, env).await
        }
        Some(AccountsAction::Token { account, show }) => token(context, account, *show).await,
        Some(AccountsAction::Encrypt) => at_rest::encrypt(context).await,
        Some(AccountsAction::Decrypt) => at_rest::decrypt(context).await,
    }
}

/// An account with an access token that TikTok takes now.
pub(super) async fn with_token(context: &Context, name: Option<&str>) -> Result<Account, Failure> {
    let store = context.store().await?;
    let account = store.shared.accounts().find(name).await?;
    apps::is_there_one(context)?;
    let store = at_rest::unlocked(context, store).await?;
    let tokens = context.tokens(&store).await?;
    let renewed = tokens.access_token(&account.open_id).await;
    tokens.flush().await;
    Ok(renewed?)
}

/// An account whose login does not cover what was asked for.
#[derive(Debug, thiserror::Error)]
#[error("the login of {account} does not have the scope `{scope}`")]
pub(super) struct NotGranted {
    account: String,
    scope: &'static str,
}

impl Coded for NotGranted {
    fn problem(&self) -> Problem {
        Problem::new(ErrorCode::ScopeNotAsked).with("scope", self.scope)
    }
}

/// An error if the login of an account does not have a scope.
pub(super) fn has_scope(account: &Account, scope: &'static str) -> Result<(), NotGranted> {
    if account.scopes.has(scope) {
        return Ok(());
    }
    Err(NotGranted { account: account.name().to_owned(), scope })
}

/// Prints an access token that is good for a while, renewed if it is not.
async fn token(context: &Context, name: &str, show: bool) -> Result<Exit, Failure> {
    if io::stdout().is_terminal() && !show {
        return Err(Failure::usage("an access token is not shown on a terminal")
            .hint("give `--show`, or send the output to the program that needs it"));
    }
    let account = with_token(context, Some(name)).await?;
    let printer = &context.printer;
    if printer.is_json() {
        let event = json!({
            "event": "token",
            "access_token": account.access_token.expose(),
            "expires_at": account.access_expires_at,
        });
        printer.secret(&Secret::new(about(&account, event).to_string()));
    } else {
        printer.secret(&account.access_token);
    }
    Ok(Exit::Done)
}

/// Names an account.
pub(super) async fn alias(context: &Context, account: &str, name: &str) -> Result<Exit, Failure> {
    let store = context.store().await?.shared.accounts();
    let before = store.find(Some(account)).await?;
    let account = store.set_alias(&before.open_id, Some(name)).await?;
    let printer = &context.printer;
    let old = before.alias.as_deref().filter(|old| *old != name);
    if let Some(old) = old.filter(|old| context.settings.account_defaults.contains_key(*old)) {
        let (old, new) = (text::shown(old), text::shown(name));
        printer.warn(format!(
            "config.toml has `[accounts.{old}]`: write `[accounts.{new}]` there, or no upload begins"
        ));
    }
    if printer.is_json() {
        printer.json(&about(&account, json!({ "event": "alias", "alias": account.alias })));
    } else {
        printer.note(format!("{} is now {}", account.open_id, account.name()));
    }
    Ok(Exit::Done)
}

/// Lists them.
pub(super) async fn list(context: &Context, wide: bool) -> Result<Exit, Failure> {
    let store = context.store().await?;
    let rest = at_rest::where_they_rest(context, &store).await?;
    recover(context, &store).await?;
    let all = store.shared.accounts().all().await?;
    let mut accounts: Vec<_> =
        all.iter().filter(|account| apps::is_about(context, account)).collect();
    accounts.sort_by_key(|account| {
        (account.alias.is_none(), &account.alias, &account.display_name, &account.open_id)
    });
    let now = context.settings.clock.now();
    let api = context.settings.endpoints.api_base();
    let (printer, apps) = (&context.printer, &context.settings.apps);
    if printer.is_json() {
        for account in accounts {
            let app = apps.with_key(&account.client_key);
            let event = json!({
                "event": "account",
                "alias": account.alias,
                "client_key": account.client_key,
                "app": app.map_or(&account.app, |app| &app.name),
                "app_configured": app.is_some(),
                "api": account.api,
                "scopes": account.scopes.iter().collect::<Vec<_>>(),
                "access_expires_at": account.access_expires_at,
                "refresh_expires_at": account.refresh_expires_at,
                "health": health(account, now),
                "needs_login": account.needs_login.as_ref().map(|needs| needs.reason.to_string()),
                "paused_since": account.paused_since,
                "tokens_at_rest": rest.word(),
            });
            printer.json(&about(account, event));
        }
        return Ok(Exit::Done);
    }
    if accounts.is_empty() {
        printer.note(match apps.only() {
            Some(only) if !all.is_empty() => format!(
                "no account is of the app {}; without `--app` there is {} of other apps",
                only.label(),
                text::count(all.len() as u64, "account")
            ),
            _ => "no account is logged in; `tiktok-up login` logs one in".to_owned(),
        });
        report_rest(context, &rest);
        return Ok(Exit::Done);
    }
    let mut table = if wide {
        Table::new(&[
            "ALIAS",
            "OPEN_ID",
            "NAME",
            "APP",
            "SCOPES",
            "ACCESS ENDS",
            "LOGIN ENDS",
            "HEALTH",
        ])
    } else {
        Table::new(&["ALIAS", "NAME", "APP", "HEALTH", "ENDS"]).cutting(&[0, 1, 2])
    };
    for account in &accounts {
        let app = apps.with_key(&account.client_key);
        let health = health_words(account, now);
        let health = match app {
            _ if account.other_api(&api).is_some() => format!("{health}, of another API"),
            Some(_) => health,
            None => format!("{health}, app not configured"),
        };
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
        let (alias, name) = (or_dash(&account.alias), or_dash(&account.display_name));
        let app = or_dash(app.map_or(&account.app, |app| &app.name));
        if wide {
            let (access, login) = (account.access_expires_at, account.refresh_expires_at);
            let (open_id, scopes) = (account.open_id.clone(), account.scopes.to_string());
            table.row([alias, open_id, name, app, scopes, moment(access), moment(login), health]);
        } else {
            table.row([alias, name, app, health, ends(account, now)]);
        }
    }
    printer.table(&table);
    if !wide && accounts.iter().any(|account| account.alias.is_none()) {
        printer.note(
            "an account without an alias is called by its open_id, which `tiktok-up accounts --wide` \
             shows; `tiktok-up accounts alias OPEN_ID NAME` names it",
        );
    }
    report_rest(context, &rest);
    Ok(Exit::Done)
}

/// Brings interrupted refreshes to their end. Looking needs no key: a list without what such a refresh
/// has left is better than none.
async fn recover(context: &Context, store: &Stores) -> Result<(), Failure> {
    let encrypted = store.shared.encryption().await?.is_some();
    if encrypted && store.local.refresh_log().files().map_err(AccountError::from)?.is_empty() {
        return Ok(());
    }
    match at_rest::unlocked(context, store.clone()).await {
        Ok(store) => context.tokens(&store).await.map(|_| ()),
        Err(failure) if encrypted && failure.exit == Exit::Local => {
            let why = format!("{:#}", failure.error);
            context
                .printer
                .warn(format!("what an interrupted refresh has left stays there: {why}"));
            Ok(())
        }
        Err(failure) => Err(failure),
    }
}

/// The day on which a login ends. What TikTok does not renew ends with its access token; what needs a login
/// for another reason has ended.
fn ends(account: &Account, now: jiff::Timestamp) -> String {
    match &account.needs_login {
        None => day(account.refresh_expires_at),
        Some(_) if account.is_exported() => day(account.refresh_expires_at),
        Some(_) if account.is_usable(now) => day(account.access_expires_at),
        Some(_) => "-".to_owned(),
    }
}

fn report_rest(context: &Context, rest: &Rest) {
    context.printer.note(rest.to_string());
    // That they are not encrypted yet was said where they were read.
    if let Some(misfit) = rest.misfit().filter(|_| rest.is_encrypted()) {
        context.printer.warn(misfit);
    } else if let Err(error) = rest.key_at_hand() {
        context.printer.warn(error.to_string());
    }
}

/// The state of a login, and whether the account is paused, which hides nothing that somebody has to do.
fn health_words(account: &Account, now: jiff::Timestamp) -> String {
    let health = health(account, now).replace('_', " ");
    match (account.paused_since, account.needs_login.is_none() && account.ends_soon(now).is_none())
    {
        (None, _) => health,
        (Some(_), true) => "paused".to_owned(),
        (Some(_), false) => format!("{health}, paused"),
    }
}

/// A word for the state of a login.
fn health(account: &Account, now: jiff::Timestamp) -> &'static str {
    if account.is_exported() {
        "exported"
    } else if account.needs_login.is_some() || account.refresh_expires_at <= now {
        "needs_login"
    } else if account.ends_soon(now).is_some() {
        "ends_soon"
    } else if account.lives(now) {
        "ok"
    } else {
        "refresh_due"
    }
}
