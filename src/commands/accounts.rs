//! `accounts`: who is logged in, and until when; names for them; logins that come and go.

mod carry;

use serde_json::json;

use crate::auth::{Account, Store};
use crate::cli::{AccountsAction, AccountsArgs};
use crate::commands::Context;
use crate::exit::{Exit, Failure};
use crate::output::{Table, moment};
use crate::settings::Environment;

/// Runs the command.
pub(super) async fn run(
    context: &Context,
    args: &AccountsArgs,
    env: &Environment<'_>,
) -> Result<Exit, Failure> {
    match &args.action {
        None => list(context).await,
        Some(AccountsAction::Alias { account, name }) => alias(context, account, name),
        Some(AccountsAction::Export { account, passphrase }) => {
            carry::export(context, account, passphrase, env).await
        }
        Some(AccountsAction::Import { file, passphrase }) => {
            carry::import(context, file, passphrase, env).await
        }
    }
}

fn alias(context: &Context, account: &str, name: &str) -> Result<Exit, Failure> {
    let store = Store::open(&context.settings.home.state, context.settings.clock)?;
    let account = store.account(Some(account))?;
    let account = store.set_alias(&account.open_id, Some(name))?;
    let printer = &context.printer;
    if printer.is_json() {
        printer
            .json(&json!({ "event": "alias", "open_id": account.open_id, "alias": account.alias }));
    } else {
        printer.note(format!("{} is now {}", account.open_id, account.name()));
    }
    Ok(Exit::Done)
}

async fn list(context: &Context) -> Result<Exit, Failure> {
    let store = Store::open(&context.settings.home.state, context.settings.clock)?;
    context.tokens(store.clone()).await?;
    let accounts = store.accounts()?;
    let accounts: Vec<_> = accounts.iter().filter(|account| context.is_about(account)).collect();
    let now = context.settings.clock.now();
    let api = context.settings.endpoints.api_base();
    let (printer, apps) = (&context.printer, &context.settings.apps);
    if printer.is_json() {
        for account in accounts {
            let app = apps.with_key(&account.client_key);
            printer.json(&json!({
                "event": "account",
                "open_id": account.open_id,
                "alias": account.alias,
                "display_name": account.display_name,
                "client_key": account.client_key,
                "app": app.map_or(&account.app, |app| &app.name),
                "app_configured": app.is_some(),
                "api": account.api,
                "scopes": account.scopes.iter().collect::<Vec<_>>(),
                "access_expires_at": account.access_expires_at,
                "refresh_expires_at": account.refresh_expires_at,
                "health": health(account, now),
            }));
        }
        return Ok(Exit::Done);
    }
    if accounts.is_empty() {
        printer.note("no account is logged in; `tiktok-up login` logs one in");
        return Ok(Exit::Done);
    }
    let heading =
        ["ALIAS", "OPEN_ID", "NAME", "APP", "SCOPES", "ACCESS ENDS", "LOGIN ENDS", "HEALTH"];
    let mut table = Table::new(&heading);
    for account in accounts {
        let app = apps.with_key(&account.client_key);
        let health = health(account, now).replace('_', " ");
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
        table.row([
            or_dash(&account.alias),
            account.open_id.clone(),
            or_dash(&account.display_name),
            or_dash(app.map_or(&account.app, |app| &app.name)),
            account.scopes.to_string(),
            moment(account.access_expires_at),
            moment(account.refresh_expires_at),
            match app {
                _ if account.other_api(&api).is_some() => format!("{health}, of another API"),
                Some(_) => health,
                None => format!("{health}, app not configured"),
            },
        ]);
    }
    printer.table(&table);
    Ok(Exit::Done)
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
