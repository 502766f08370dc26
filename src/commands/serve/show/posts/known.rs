//! What the commands know of posts and accounts, and what people read of it.

use std::path::Path;

use crate::cli::{HistoryArgs, StatusArgs};
use crate::commands::serve::answer::Failed;
use crate::commands::serve::console::Console;
use crate::commands::serve::posting::live::Progress;
use crate::commands::serve::read::{HistoryPost, StatusPost};
use crate::commands::{Context, history as history_command, status};
use crate::console::pages::{Message, Tone};
use crate::output::Failure;
use crate::text;

/// How hints name what a terminal is needed for.
const TERMINAL: &str = "`tiktok-up ";

/// What `status` lists, without a question to TikTok.
pub(in crate::commands::serve::show) async fn posts(console: &Console) -> Vec<StatusPost> {
    let args = StatusArgs::default();
    let run = |context: Context| async move { status::look(&context, &args).await };
    console.ask(run).await.all("status")
}

pub(in crate::commands::serve::show) async fn made(
    console: &Console,
    account: Option<String>,
) -> Vec<HistoryPost> {
    let args = HistoryArgs { account, ..HistoryArgs::default() };
    let run = |context: Context| async move { history_command::run(&context, &args).await };
    console.ask(run).await.all("history")
}

/// What people read of a state or a phase of docs/JSON.md.
pub(crate) fn state_words(state: &str) -> &'static str {
    match state {
        "published" => "published",
        "inbox" => "in the inbox",
        "skipped" => "posted before",
        "failed" => "failed",
        "unresolved" | "unknown" => "outcome unknown",
        "deferred" => "waits",
        "scheduled" => "scheduled",
        "processing" => "TikTok is at work on it",
        "sending" | "stored" => "being sent",
        "retrying" => "tries again",
        "waiting" => "waits for a moment",
        "queued" => "in the queue",
        "interrupted" => "stopped",
        _ => "under way",
    }
}

/// How a state is meant: `good`, `warn`, `bad` or `calm`.
pub(crate) fn tone(state: &str) -> &'static str {
    match state {
        "published" | "inbox" | "skipped" => "good",
        "failed" | "unresolved" | "unknown" => "bad",
        "retrying" | "interrupted" => "warn",
        _ => "calm",
    }
}

/// How far a post is, in words. Nothing is to be counted of what was handed over.
pub(crate) fn numbers(progress: &Progress) -> String {
    if progress.size == 0 || progress.phase == "processing" {
        return String::new();
    }
    let (sent, size) = (text::size(progress.sent), text::size(progress.size));
    match progress.chunks {
        0 | 1 => format!("{sent} of {size}"),
        chunks => format!("{sent} of {size}, chunk {} of {chunks}", progress.chunk),
    }
}

pub(in crate::commands::serve::show) fn name_of(path: &str) -> String {
    let is_address = path.starts_with("https://") || path.starts_with("http://");
    let name = Path::new(path).file_name().and_then(|name| name.to_str());
    name.filter(|_| !is_address).unwrap_or(path).to_owned()
}

/// A hint, unless it names a command where the console has a button for the same, or goes on by itself.
pub(in crate::commands::serve::show) fn hint_beside_buttons(hint: Option<&str>) -> Option<String> {
    let is_of_terminal = |hint: &&str| hint.contains(TERMINAL) || hint.starts_with("run ");
    hint.filter(|hint| !is_of_terminal(hint)).map(str::to_owned)
}

/// An error as a page tells it.
pub(in crate::commands::serve::show) fn told(error: impl Into<Failure>) -> Message {
    let failed = Failed::from(&error.into());
    Message { tone: Tone::Bad, text: failed.message, hint: failed.hint }
}
