//! `status`: what the journal knows, and what TikTok says now of what is not final.

use std::collections::HashSet;

use serde_json::json;

use crate::auth::Store;
use crate::cli::StatusArgs;
use crate::commands::Context;
use crate::commands::authority::AccountTokens;
use crate::exit::{Exit, Failure};
use crate::journal::{Attempt, Journal, Post, PostNumber};
use crate::output::{Table, moment};
use crate::text;
use crate::upload::calls::{CallError, Calls};
use crate::upload::poll::poll;
use crate::upload::report::{PostReport, Progress, Reporter, Subject};
use crate::upload::state::{Failed, Phase, Transfer};

/// Runs the command.
pub(super) async fn run(context: &Context, args: &StatusArgs) -> Result<Exit, Failure> {
    let state = &context.settings.home.state;
    let number = args.post.as_deref().map(parse_number).transpose()?;
    let Some(journal) = Journal::open_existing(state, context.settings.clock)? else {
        if let Some(number) = number {
            return Err(Failure::usage(format!("there is no post {number}")));
        }
        context.printer.note("nothing was posted from here yet");
        return Ok(Exit::Done);
    };
    let mut wait = context.settings.timing.poll_first;
    loop {
        let (posts, asked) = ask(context, &journal, number).await?;
        let exit = posts.iter().map(exit_of).fold(asked, Exit::worst);
        if args.wait && exit == Exit::Temporary && posts.iter().any(is_with_tiktok) {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                signal = context.shutdown.requested() => return Ok(signal.exit()),
            }
            wait = (wait * 2).min(context.settings.timing.poll_cap);
            continue;
        }
        show(context, &journal, &posts, args)?;
        return Ok(exit);
    }
}

/// Reads a post's number as `status` shows it.
pub(super) fn parse_number(text: &str) -> Result<PostNumber, Failure> {
    text.trim_start_matches('#').parse().map_err(|_| {
        Failure::usage(format!("`{}` is not the number of a post", text::plain(text)))
            .hint("`tiktok-up status --all` lists the posts with their numbers")
    })
}

/// The posts, those that TikTok works on freshly asked for. A post that cannot be asked for stays as
/// the journal has it, and the exit code says why.
async fn ask(
    context: &Context,
    journal: &Journal,
    number: Option<PostNumber>,
) -> Result<(Vec<Post>, Exit), Failure> {
    let posts = match number {
        Some(number) => vec![journal.post(number)?],
        None => journal.all()?,
    };
    if !posts.iter().any(|post| is_with_tiktok(post) || is_unfinished_draft(post)) {
        return Ok((posts, Exit::Done));
    }
    let store = Store::open(&context.settings.home.state, context.settings.clock)?;
    let tokens = context.tokens(store).await?;
    let mut exit = Exit::Done;
    let mut told = HashSet::new();
    let mut fresh = Vec::with_capacity(posts.len());
    for post in posts {
        // A delivered draft is final enough; it is asked for only when it was named.
        if !(is_with_tiktok(&post) || (number.is_some() && is_unfinished_draft(&post))) {
            fresh.push(post);
            continue;
        }
        let authority = AccountTokens { tokens: &tokens, open_id: &post.account };
        let calls = Calls {
            client: &context.client,
            authority: &authority,
            journal,
            account: &post.account,
            clock: context.settings.clock,
            timing: &context.settings.timing,
            reporter: &Silent,
            shutdown: &context.shutdown,
        };
        let account = post.username.clone().unwrap_or_else(|| post.account.clone());
        let subject = Subject { index: 0, account, video: post.label.clone() };
        match poll(&calls, &subject, post.clone()).await {
            Ok(post) => fresh.push(post),
            Err(CallError::Interrupted(signal)) => {
                tokens.settle().await;
                return Ok((fresh, signal.exit()));
            }
            Err(CallError::Journal(error)) => return Err(error.into()),
            Err(error) => {
                let trouble = error.trouble();
                if told.insert(trouble.message.clone()) {
                    context.printer.warn(format!("{}: {}", subject.account, trouble.message));
                }
                exit = exit.worst(error.exit());
                fresh.push(post);
            }
        }
    }
    tokens.settle().await;
    Ok((fresh, exit))
}

fn is_with_tiktok(post: &Post) -> bool {
    match post.phase() {
        Some(Phase::FinalIntent { .. } | Phase::Uploaded) => true,
        Some(Phase::Open { .. }) => post.transfer() == Transfer::Pull,
        _ => false,
    }
}

fn is_unfinished_draft(post: &Post) -> bool {
    post.phase() == Some(Phase::Inboxed)
}

fn is_final(post: &Post) -> bool {
    post.phase().is_some_and(|phase| phase.is_done() || phase.is_dead()) || post.same_as.is_some()
}

fn exit_of(post: &Post) -> Exit {
    match post.phase() {
        Some(Phase::Unresolved) => Exit::Unknown,
        _ if is_final(post) => Exit::Done,
        Some(_) => Exit::Temporary,
        None => Exit::Done,
    }
}

/// The words for where a post stands.
fn words(post: &Post) -> &'static str {
    post.last.as_ref().map_or("not started", words_of)
}

/// The words for where an attempt stands.
fn words_of(attempt: &Attempt) -> &'static str {
    match attempt.phase {
        Phase::InitIntent => "starting",
        Phase::Open { .. } if attempt.transfer != Transfer::Pull => "uploading",
        Phase::FinalIntent { .. } => "last chunk unconfirmed",
        Phase::Open { .. } | Phase::Uploaded => "processing",
        Phase::Rejected => "refused",
        Phase::Lost | Phase::Abandoned => "not posted",
        Phase::Failed(Failed::Internal | Failed::Pull) => "failed, may be tried again",
        Phase::Failed(_) => "failed",
        Phase::Published => "published",
        Phase::Inboxed => "in the inbox",
        Phase::Unresolved => "unresolved",
    }
}

/// One word for scripts.
fn word(words: &str) -> String {
    words.replace([',', ' '], "_").replace("__", "_")
}

fn show(
    context: &Context,
    journal: &Journal,
    posts: &[Post],
    args: &StatusArgs,
) -> Result<(), Failure> {
    let one = args.post.is_some();
    let shown: Vec<&Post> =
        posts.iter().filter(|post| one || args.all || !is_final(post)).collect();
    let printer = &context.printer;
    if printer.is_json() {
        for post in shown {
            let mut event = event(post);
            if one {
                let attempts = journal.attempts(post.number)?;
                event["history"] = attempts.iter().map(history).collect();
            }
            printer.json(&event);
        }
        return Ok(());
    }
    if shown.is_empty() {
        printer.note("every post is final; `--all` lists them");
        return Ok(());
    }
    let mut table = Table::new(&["POST", "ACCOUNT", "WHAT", "STATE", "SINCE", "IDS"]);
    for post in &shown {
        table.row([
            post.number.to_string(),
            post.username.clone().unwrap_or_else(|| post.account.clone()),
            post.label.clone(),
            words(post).to_owned(),
            moment(post.last.as_ref().map_or(post.created_at, |last| last.updated_at)),
            post.last.as_ref().map(ids).unwrap_or_default(),
        ]);
    }
    printer.table(&table);
    if one {
        for attempt in shown.iter().map(|post| journal.attempts(post.number)) {
            attempts(context, &attempt?);
        }
    }
    for post in posts.iter().filter(|post| post.phase() == Some(Phase::Unresolved)) {
        printer.warn(format!(
            "it is unknown whether post {n} was posted: look at the profile, then run `tiktok-up \
             resolve {n} --posted` or `tiktok-up resolve {n} --not-posted`",
            n = post.number
        ));
    }
    Ok(())
}

fn attempts(context: &Context, attempts: &[Attempt]) {
    let mut table =
        Table::new(&["ATTEMPT", "STATE", "BEGUN", "LAST CHANGE", "PUBLISH_ID", "REASON", "LOG_ID"]);
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    for attempt in attempts {
        table.row([
            attempt.number.to_string(),
            words_of(attempt).to_owned(),
            moment(attempt.created_at),
            moment(attempt.updated_at),
            or_dash(&attempt.publish_id),
            or_dash(&attempt.message),
            or_dash(&attempt.log_id),
        ]);
    }
    context.printer.data("");
    context.printer.table(&table);
}

fn ids(attempt: &Attempt) -> String {
    attempt.post_ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn event(post: &Post) -> serde_json::Value {
    let last = post.last.as_ref();
    json!({
        "event": "status",
        "post": post.number.0,
        "account": post.account,
        "video": post.label,
        "id": post.id,
        "mode": post.mode.as_str(),
        "state": word(words(post)),
        "final": is_final(post),
        "publish_id": last.and_then(|last| last.publish_id.clone()),
        "post_ids": last.map(|last| last.post_ids.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap_or_default(),
        "attempts": last.map_or(0, |last| last.number),
        "reason": last.and_then(|last| last.code.clone()),
        "created_at": post.created_at,
        "updated_at": last.map_or(post.created_at, |last| last.updated_at),
    })
}

/// An attempt of a post that was asked for by its number.
fn history(attempt: &Attempt) -> serde_json::Value {
    json!({
        "attempt": attempt.number,
        "state": word(words_of(attempt)),
        "publish_id": attempt.publish_id,
        "reason": attempt.code,
        "message": attempt.message,
        "log_id": attempt.log_id,
        "created_at": attempt.created_at,
        "updated_at": attempt.updated_at,
    })
}

/// Nobody watches a status call.
struct Silent;

impl Reporter for Silent {
    fn progress(&self, _subject: &Subject, _progress: &Progress) {}

    fn ended(&self, _report: &PostReport) {}
}
