//! `accounts pause` and `accounts resume`: whether the posts of an account go.

use std::path::Path;

use serde_json::json;

use crate::commands::{Context, about};
use crate::exit::Exit;
use crate::model::Account;
use crate::output::{Failure, moment};
use crate::text;

/// Keeps the posts of an account waiting.
pub(in crate::commands) async fn pause(context: &Context, name: &str) -> Result<Exit, Failure> {
    let store = context.store().await?.shared.accounts();
    let open_id = store.find(Some(name)).await?.open_id;
    let now = context.settings.clock.now();
    let account = store.set_paused(&open_id, Some(now)).await?;
    let since = account.paused_since.filter(|since| *since != now);
    // As a shell takes it for one word.
    let (name, word) = (account.name(), text::quoted(Path::new(account.name())));
    let words = match since {
        None => {
            format!("{name} is paused: its posts wait until `tiktok-up accounts resume {word}`")
        }
        Some(since) => format!("{name} is paused already, since {}", moment(since)),
    };
    tell(context, &account, "pause", since.is_none(), words);
    Ok(Exit::Done)
}

/// Lets them go on.
pub(in crate::commands) async fn resume(context: &Context, name: &str) -> Result<Exit, Failure> {
    let store = context.store().await?.shared.accounts();
    let before = store.find(Some(name)).await?;
    let account = store.set_paused(&before.open_id, None).await?;
    let name = account.name();
    let words = match before.paused_since {
        Some(since) => {
            format!(
                "{name} was paused since {}; its posts go on with the next upload",
                moment(since)
            )
        }
        None => format!("{name} is not paused"),
    };
    tell(context, &account, "resume", before.paused_since.is_some(), words);
    Ok(Exit::Done)
}

/// Tells what became of it. `changed`: whether that is anything new.
fn tell(context: &Context, account: &Account, event: &str, changed: bool, words: String) {
    let printer = &context.printer;
    if printer.is_json() {
        let since = account.paused_since;
        let event = json!({ "event": event, "changed": changed, "paused_since": since });
        printer.json(&about(account, event));
    } else {
        printer.note(words);
    }
}
