//! What waits in the queue of a shared store.

use jiff::Timestamp;
use serde_json::json;

use crate::cli::StatusArgs;
use crate::commands::stores::Stores;
use crate::commands::{Context, about_known};
use crate::exit::Exit;
use crate::model::account::{Account, Accounts};
use crate::output::{Failure, moment};
use crate::store::queue::Queued;
use crate::text;

/// Lists the queue, if the store has one and no post was asked for by its number. [`Exit::Failed`]: some have failed.
pub(super) async fn show(
    context: &Context,
    args: &StatusArgs,
    store: &Stores,
    accounts: &Accounts,
) -> Result<Exit, Failure> {
    let Some(queue) = store.shared.queue().filter(|_| args.post.is_none()) else {
        return Ok(Exit::Done);
    };
    let mut exit = Exit::Done;
    let (printer, now) = (&context.printer, context.settings.clock.now());
    for post in queue.all().await? {
        if post.failed {
            exit = Exit::Failed;
        }
        if printer.is_json() {
            let event = json!({
                "event": "queued",
                "number": post.number,
                "video": post.label,
                "state": if post.failed { "failed" } else { "waits" },
                "publish_at": post.publish_at.map(|at| at.to_string()),
                "added": post.added.to_string(),
                "host": post.host,
                "worker": post.at,
                "message": post.why.as_ref().map(|why| &why.message),
                "hint": post.why.as_ref().and_then(|why| why.hint.as_ref()),
                "code": post.why.as_ref().and_then(|why| why.code.as_ref()),
            });
            printer.json(&about_known(accounts, &post.account, &post.account, event));
            continue;
        }
        let account = accounts.get(&post.account).map_or(&*post.account, Account::name);
        let (account, video) = (text::plain(account), text::shown(&post.label));
        printer.data(format!("q{} {account}: {video}: {}", post.number, words(&post, now)));
    }
    Ok(exit)
}

/// What a post of the queue waits for.
fn words(post: &Queued, now: Timestamp) -> String {
    let why = post.why.as_ref().map(|why| {
        let hint = why.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        text::plain(&format!("{}{hint}", why.message))
    });
    if post.failed {
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        return format!(
            "failed{why}; `--enqueue` again tries it again, `cancel q{}` drops it",
            post.number
        );
    }
    let mut words = match (&post.at, post.publish_at.filter(|at| *at > now)) {
        (_, Some(at)) => format!("in the queue for {}", moment(at)),
        (Some(host), None) => {
            format!("in the queue; a worker on {} is at its account", text::plain(host))
        }
        (None, None) => "in the queue, waits for a worker".to_owned(),
    };
    if let Some(host) = &post.host {
        let here = if post.is_for_here { "this machine" } else { &*text::plain(host) };
        words = format!("{words}; its file is on {here}");
    }
    match why {
        Some(why) => format!("{words}; last time: {why}"),
        None => words,
    }
}
