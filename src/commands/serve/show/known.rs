//! What the commands know of posts and accounts, and what people read of it.

use std::path::Path;

use super::T;
use crate::cli::{HistoryArgs, StatusArgs};
use crate::commands::serve::answer::Failed;
use crate::commands::serve::console::Console;
use crate::commands::serve::posting::live::Progress;
use crate::commands::serve::read::{HistoryPost, KnownAccount, StatusPost};
use crate::commands::{Context, accounts as accounts_command, history as history_command, status};
use crate::console::pages::Message;
use crate::output::Failure;
use crate::text;

/// What `status` lists, without a question to TikTok.
pub(super) async fn posts(console: &Console) -> Vec<StatusPost> {
    let args = StatusArgs::default();
    let run = |context: Context| async move { status::look(&context, &args).await };
    console.ask(run).await.all("status")
}

/// The accounts.
pub(super) async fn known_accounts(console: &Console) -> Vec<KnownAccount> {
    let run = |context: Context| async move { accounts_command::list(&context, false).await };
    console.ask(run).await.all("account")
}

pub(super) async fn made(console: &Console, account: Option<String>) -> Vec<HistoryPost> {
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

/// How far a post is, in words.
pub(crate) fn numbers(progress: &Progress) -> String {
    if progress.size == 0 {
        return String::new();
    }
    let (sent, size) = (text::size(progress.sent), text::size(progress.size));
    match progress.chunks {
        0 | 1 => format!("{sent} of {size}"),
        chunks => format!("{sent} of {size}, chunk {} of {chunks}", progress.chunk),
    }
}

pub(super) fn name_of(path: &str) -> String {
    let is_address = path.starts_with("https://") || path.starts_with("http://");
    let name = Path::new(path).file_name().and_then(|name| name.to_str());
    name.filter(|_| !is_address).unwrap_or(path).to_owned()
}

pub(super) fn is_unknown(post: &StatusPost) -> bool {
    post.state == "unresolved"
}

/// In which part of the queue a post belongs; `None`: it is over.
pub(super) fn part(post: &StatusPost) -> Option<&'static str> {
    match post.state.as_str() {
        "failed" | "unresolved" => Some(T.failed),
        _ if post.phase == "scheduled" => Some(T.next),
        "published" | "inbox" | "skipped" => None,
        "deferred" => Some(T.waits),
        _ if post.is_final => None,
        _ => Some(T.under_way),
    }
}

pub(super) fn word_of(post: &StatusPost) -> &str {
    if post.phase == "scheduled" { "scheduled" } else { &post.state }
}

/// An error as a page tells it.
pub(super) fn told(error: impl Into<Failure>) -> Message {
    let failed = Failed::from(&error.into());
    Message { good: false, text: failed.message, hint: failed.hint }
}

/// What the console lists as waiting: what `status` knows, and what was composed a moment ago, whether it is of the
/// console's queue; and why the queue cannot be read.
pub(super) async fn listed(console: &Console) -> (Vec<(StatusPost, bool)>, Option<Message>) {
    let (queued, unread) = match console.posting.queue.all() {
        Ok(queued) => (queued, None),
        Err(error) => (Vec::new(), Some(told(error))),
    };
    let queued_ids: Vec<&str> = queued.iter().filter_map(|it| it["id"].as_str()).collect();
    let known = posts(console).await;
    let accounts = known_accounts(console).await;
    let mut all = Vec::new();
    for entry in &queued {
        let id = entry["id"].as_str().unwrap_or_default();
        if known.iter().any(|post| post.id.as_deref() == Some(id)) {
            continue;
        }
        let text = |name: &str| entry.get(name).and_then(|it| it.as_str()).map(str::to_owned);
        let open_id = text("user_id").unwrap_or_default();
        let account = accounts.iter().find(|account| account.open_id == open_id);
        let post = StatusPost {
            id: Some(id.to_owned()),
            account: account.map_or_else(|| open_id.clone(), KnownAccount::name),
            open_id,
            video: text("video_path").or(text("video_url")).unwrap_or_else(|| T.photos.to_owned()),
            mode: text("mode").unwrap_or_default(),
            state: "queued".to_owned(),
            publish_at: text("publish_at").and_then(|at| at.parse().ok()),
            ..StatusPost::default()
        };
        all.push((post, true));
    }
    // What failed, and waits for somebody to ask for it again.
    let held = console.posting.queue.held().unwrap_or_default();
    let held: Vec<_> = held.into_iter().filter(|post| !queued_ids.contains(&post.id())).collect();
    for post in &held {
        if known.iter().any(|known| known.id.as_deref() == Some(post.id())) {
            continue;
        }
        let text = |name: &str| post.entry.get(name).and_then(|it| it.as_str()).map(str::to_owned);
        let open_id = text("user_id").unwrap_or_default();
        let account = accounts.iter().find(|account| account.open_id == open_id);
        let failed = StatusPost {
            id: Some(post.id().to_owned()),
            account: account.map_or_else(|| open_id.clone(), KnownAccount::name),
            open_id,
            video: text("video_path").or(text("video_url")).unwrap_or_else(|| T.photos.to_owned()),
            mode: text("mode").unwrap_or_default(),
            state: "failed".to_owned(),
            message: Some(post.message.clone()),
            hint: post.hint.clone(),
            ..StatusPost::default()
        };
        all.push((failed, true));
    }
    all.extend(known.into_iter().map(|post| {
        let is_ours = post.id.as_deref().is_some_and(|id| queued_ids.contains(&id));
        (post, is_ours)
    }));
    (all, unread)
}
