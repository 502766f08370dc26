//! What hooks are told of: posts, logins and whole runs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cli::HookArgs;
use crate::commands::Context;
use crate::commands::stores::Stores;
use crate::exit::Exit;
use crate::hooks::{Hooks, Notice, Targets, Webhook};
use crate::model::{HookKind, PostOutcome, PostState};
use crate::output::{Failure, Matter, json_of, told};
use crate::problem::{ErrorCode, ErrorKind};
use crate::settings::{HookSettings, Settings, hook_address};

/// The hooks of a run, by its settings and its options.
pub(super) fn of(settings: &Settings, args: &HookArgs) -> Result<Hooks, Failure> {
    let HookSettings { command, webhook, desktop, when } = settings.hooks.clone();
    let by_option = args.notify_command.as_ref();
    let by_option = by_option.map(|text| vec!["sh".to_owned(), "-c".to_owned(), text.clone()]);
    let key = webhook.as_ref().and_then(|(_, key)| key.clone());
    let url = match &args.webhook {
        Some(text) => {
            let wrong = |why| Failure::usage(format!("`--webhook`: {why}"));
            Some(hook_address(text).map_err(wrong)?)
        }
        None => webhook.map(|(url, _)| url),
    };
    let when = if args.notify_when.is_empty() { when } else { args.notify_when.clone() };
    let when = if when.is_empty() { HookKind::USUAL.to_vec() } else { when };
    let targets = Targets {
        command: by_option.or(command),
        webhook: url.map(|url| Webhook { url, key }),
        desktop,
        when,
    };
    let (state, timing) = (settings.home.state.clone(), settings.timing.clone());
    Ok(Hooks::new(targets, state, settings.clock, timing))
}

/// The hooks of a command that calls none.
pub(super) fn none(settings: &Settings) -> Hooks {
    let (state, timing) = (settings.home.state.clone(), settings.timing.clone());
    Hooks::new(Targets::default(), state, settings.clock, timing)
}

/// Notices how a post of an account ended its run. `about`: as `--json` tells of it.
pub(super) fn notice_post(hooks: &Hooks, open_id: &str, report: &PostOutcome, about: Value) {
    let kind = match (report.state, report.failure) {
        (PostState::Published, _) => HookKind::Published,
        (PostState::Inbox, _) => HookKind::DraftWaiting,
        (PostState::Unresolved, _) => HookKind::Unknown,
        (PostState::Failed, Some(ErrorKind::Interrupted(_))) => return,
        // The next run tries it again.
        (PostState::Failed, _) if report.post_error.as_ref().is_some_and(|it| it.retryable) => {
            return;
        }
        // Told of the account, once for all of its posts.
        (_, Some(ErrorKind::Login)) => return,
        // Also what waits for somebody to mend a setting.
        (PostState::Failed, _)
        | (PostState::Deferred, Some(ErrorKind::Input | ErrorKind::Local)) => HookKind::Failed,
        _ => return,
    };
    let code = report.post_error.as_ref().map_or("", |error| error.code.as_str());
    let which = match report.number {
        Some(number) => number.to_string(),
        None => report.entry.clone(),
    };
    let publish_id = report.publish_id.as_deref().unwrap_or_default();
    let what = report.post_error.as_ref().map(|error| format!(": {}", error.message));
    let address = report.url.as_ref().map(|url| format!(" {url}"));
    let text = format!(
        "{}: {} of {}{}",
        kind.as_str().replace('_', " "),
        report.post_ref.video,
        report.post_ref.account,
        what.or(address).unwrap_or_default()
    );
    let key = format!("post {open_id} {which} {code} {publish_id}");
    hooks.notice(Notice { kind, key, text, about });
}

/// The logins that a run came upon and that are of no use: why, by the `open_id` of their account.
pub(super) type LostLogins = BTreeMap<String, (ErrorCode, String)>;

/// Notices that accounts have to log in.
pub(super) async fn notice_logins(context: &Context, store: &Stores, lost: &LostLogins) {
    if lost.is_empty() || !context.hooks.wants(HookKind::LoginNeeded) {
        return;
    }
    // As they are stored now: it may have been this run that found out.
    let accounts = store.shared.accounts().all().await.unwrap_or_default();
    let now = context.settings.clock.now();
    for (open_id, (code, message)) in lost {
        let Some(account) = accounts.get(open_id) else { continue };
        // As long as it is the same login, it is told once.
        let which = match &account.needs_login {
            Some(needs) => needs.since.to_string(),
            None if account.refresh_expires_at <= now => account.refresh_expires_at.to_string(),
            None => format!("{} {}", code.as_str(), account.scopes),
        };
        let about = json!({ "event": "login_needed", "code": code.as_str(), "message": message });
        context.hooks.notice(Notice {
            kind: HookKind::LoginNeeded,
            key: format!("login {open_id} {which}"),
            text: format!("login needed: {}: {message}", account.name()),
            about: json_of(&super::about(account, about)),
        });
    }
}

/// Notices what a whole run came to. What passes by itself is nobody's business.
fn notice_run(hooks: &Hooks, run: &str, outcome: &Result<Exit, Failure>) {
    let failure = match outcome {
        Err(failure) => failure,
        Ok(Exit::Signal(_)) => return,
        Ok(_) => return hooks.is_over(format!("{} run {run} ", HookKind::Failed.as_str())),
    };
    let kind = match failure.exit {
        Exit::Temporary | Exit::Signal(_) => return,
        Exit::Login => HookKind::LoginNeeded,
        Exit::Unknown => HookKind::Unknown,
        _ => HookKind::Failed,
    };
    let message = told(failure).join(": ");
    let key = format!("run {run} {}", blake3::hash(message.as_bytes()).to_hex());
    let line = message.replace('\n', "; ");
    let text = format!("{}: {run}: {line}", kind.as_str().replace('_', " "));
    let about = json_of(&json!({
        "event": "run",
        "run": run,
        "message": message,
        "hint": failure.hint,
        "exit": failure.exit.code(),
    }));
    hooks.notice(Notice { kind, key, text, about });
}

/// Tells the hooks of a run that has come to its end. One that is stopped leaves that to the next.
pub(super) async fn end(context: &Context, run: &str, outcome: &Result<Exit, Failure>) {
    notice_run(&context.hooks, run, outcome);
    keep(context).await;
    if context.shutdown.asked().is_some() {
        return;
    }
    let (troubles, worked) = tokio::select! {
        told = context.hooks.tell() => told,
        _ = context.shutdown.requested() => return,
    };
    context.printer.settle(&worked.into_iter().map(subject).collect::<Vec<_>>());
    for trouble in troubles {
        let text = format!(
            "the hook `{}` did not work: {}; what it was to be told is kept, and the next run tries again",
            trouble.hook, trouble.why
        );
        context.printer.trouble_of(&Matter::passing(subject(trouble.hook)), text);
    }
}

/// Writes down what was noticed, so that a run that is killed afterwards loses none of it.
pub(super) async fn keep(context: &Context) {
    if let Err(trouble) = context.hooks.keep().await {
        let matter = Matter::passing(subject(trouble.hook));
        context.printer.trouble_of(&matter, format!("{}: {}", trouble.hook, trouble.why));
    }
}

fn subject(hook: &str) -> String {
    format!("hook {hook}")
}
