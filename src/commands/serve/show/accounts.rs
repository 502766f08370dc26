//! The accounts.

use super::{T, frame, when};
use crate::commands::serve::console::Console;
use crate::console::access::{Role, Visitor};
use crate::console::pages::{AccountCard, AccountsPage, scope_choices};

pub(super) fn health(word: &str) -> (&'static str, &'static str) {
    match word {
        "ok" => (T.health_ok, "good"),
        "refresh_due" => (T.health_due, "calm"),
        "ends_soon" => (T.health_soon, "warn"),
        "exported" => (T.health_exported, "calm"),
        _ => (T.health_login, "bad"),
    }
}

/// What a scope allows.
fn scope_words(scope: &str) -> String {
    let words = match scope {
        "user.info.basic" => T.scope_basic,
        "user.info.profile" => T.scope_profile,
        "user.info.stats" => T.scope_stats,
        "video.publish" => T.scope_publish,
        "video.upload" => T.scope_upload,
        "video.list" => T.scope_list,
        other => other,
    };
    words.to_owned()
}

/// The accounts.
pub(crate) async fn accounts(console: &Console, visitor: &Visitor) -> AccountsPage {
    let known = console.accounts().await;
    let cards = known.into_iter().map(|account| {
        let (health, tone) = health(&account.health);
        AccountCard {
            name: account.name(),
            alias: account.alias.clone().unwrap_or_default(),
            display_name: account.display_name,
            app: account.app.unwrap_or_default(),
            scopes: account.scopes.iter().map(|scope| scope_words(scope)).collect(),
            health,
            tone,
            is_paused: account.paused_since.is_some(),
            ends: account.refresh_expires_at.map(when),
            needs_login: account.needs_login,
            open_id: account.open_id,
        }
    });
    AccountsPage {
        t: T,
        frame: frame(console, visitor, "/accounts", T.accounts),
        can_change: visitor.role >= Role::Owner,
        accounts: cards.collect(),
        apps: console.app_names(),
        scopes: {
            let usual = console.usual_scopes();
            scope_choices(T, |scope| usual.has(scope))
        },
    }
}
