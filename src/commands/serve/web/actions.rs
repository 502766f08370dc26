//! What the console's buttons do, each by the function of a command, and what is told of it on the page that follows.

use super::flash::Flash;
use crate::cli::{CancelArgs, LogoutArgs, ResolveArgs, Verdict};
use crate::commands::accounts::pause;
use crate::commands::serve::answer::Answer;
use crate::commands::serve::console::Console;
use crate::commands::serve::queueing::{self, Changeable};
use crate::commands::{Context, accounts, cancel, logout, resolve};
use crate::console::pages::Tone;
use crate::exit::Exit;

/// What a command came to, for the next page: what went wrong, else what it warned of and `done`.
fn told(answer: Answer, done: impl Into<String>) -> Vec<Flash> {
    let mut flashes: Vec<_> = answer.warnings.into_iter().map(Flash::warn).collect();
    match answer.failed {
        Some(failed) => flashes.push(failed.into()),
        None if answer.exit == Exit::Done => flashes.insert(0, Flash::good(done)),
        None => {}
    }
    flashes
}

/// `accounts alias`.
pub(super) async fn name_account(console: &Console, open_id: &str, name: &str) -> Vec<Flash> {
    let run = |context: Context| async move { accounts::alias(&context, open_id, name).await };
    told(console.ask(run).await, format!("The account is called {name} now."))
}

/// `accounts pause`.
pub(super) async fn pause_account(console: &Console, open_id: &str) -> Vec<Flash> {
    let run = |context: Context| async move { pause::pause(&context, open_id).await };
    told(console.ask(run).await, "The account is paused: its posts wait.")
}

/// `accounts resume`.
pub(super) async fn resume_account(console: &Console, open_id: &str) -> Vec<Flash> {
    let run = |context: Context| async move { pause::resume(&context, open_id).await };
    told(console.ask(run).await, "The account's posts go on.")
}

/// `logout`.
pub(super) async fn log_out(console: &Console, open_id: &str) -> Vec<Flash> {
    let args = LogoutArgs { account: open_id.to_owned(), local_only: false };
    let run = |context: Context| async move { logout::run(&context, &args).await };
    told(console.ask(run).await, "The account is logged out and forgotten here.")
}

/// `resolve`.
pub(super) async fn settle(console: &Console, number: u32, posted: bool) -> Vec<Flash> {
    let verdict = Verdict { posted, not_posted: !posted };
    let args = ResolveArgs { post: number.to_string(), verdict };
    let run = |context: Context| async move { resolve::run(&context, &args).await };
    let done = if posted {
        format!("Post {number} is settled: it is there.")
    } else {
        format!("Post {number} is settled: it is not there, and may be posted again.")
    };
    told(console.ask(run).await, done)
}

/// Lets a post that failed be posted again, as somebody asks for it: what TikTok failed for good is made again once it is
/// called not posted.
pub(super) async fn try_again(console: &Console, id: &str) -> Vec<Flash> {
    match changeable(console, id).await {
        Ok(post) => vec![queueing::release(console, &post, id)],
        Err(told) => told,
    }
}

/// Takes a post that has not begun, or has failed, out of the queue to be composed further.
pub(super) async fn edit(console: &Console, id: &str) -> Result<(), Vec<Flash>> {
    let post = changeable(console, id).await?;
    queueing::reopen(console, &post, id).await.map_err(|told| vec![told])
}

/// A post that no run comes to meanwhile; what TikTok failed for good is called not posted, so that it may be made again.
async fn changeable(console: &Console, id: &str) -> Result<Changeable, Vec<Flash>> {
    let post = queueing::take(console, id, true).await.map_err(|told| vec![told])?;
    if let Some(number) = post.failed {
        let settled = settle(console, number, false).await;
        if settled.iter().any(|told| told.tone == Tone::Bad) {
            return Err(settled);
        }
    }
    Ok(post)
}

/// `cancel`.
pub(super) async fn call_off(console: &Console, number: u32) -> Vec<Flash> {
    let args = CancelArgs { post: number.to_string() };
    let run = |context: Context| async move { cancel::run(&context, &args).await };
    told(
        Box::pin(console.ask(run)).await,
        format!("Post {number} is called off: TikTok does not post it."),
    )
}
