//! `status`: what the journal knows, and what TikTok says now of what is not final.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tiktok_open::Code;
use tokio::time::Instant;

use crate::auth::Tokens;
use crate::cli::StatusArgs;
use crate::commands::tokens::StoredTokens;
use crate::commands::{Context, at_rest, journal};
use crate::engine::{CallError, Engine, can_be_reconciled};
use crate::exit::Exit;
use crate::model::{Attempt, Failed, Phase, PostNumber, RecordedPost, Transfer};
use crate::output::{Failure, Table, moment};
use crate::problem::ErrorKind;
use crate::store::Journal;
use crate::store::local::LocalStore;
use crate::text;

/// Runs the command.
pub(super) async fn run(context: &Context, args: &StatusArgs) -> Result<Exit, Failure> {
    let number = args.post.as_deref().map(parse_number).transpose()?;
    let Some((store, journal)) = journal::existing(context).await? else {
        if let Some(number) = number {
            return Err(Failure::usage(format!("there is no post {number}")));
        }
        context.printer.note("nothing was posted from here yet");
        return Ok(Exit::Done);
    };
    let timing = &context.settings.timing;
    let (mut wait, started) = (timing.poll_first, Instant::now());
    let mut questions = None;
    loop {
        let asked = ask(context, &store, &journal, number, &mut questions).await?;
        // A last chunk that never arrived stays as it is until `upload` sends it.
        let over = started.elapsed() >= timing.poll_limit;
        let moves = |post: &RecordedPost| {
            is_with_tiktok(post)
                && !asked.stuck.contains(&post.number)
                && !(over && matches!(post.phase(), Some(Phase::FinalIntent { .. })))
        };
        if args.wait && !asked.interrupted && asked.posts.iter().any(moves) {
            let moving = asked.posts.iter().filter(|post| moves(post)).count();
            context.printer.step(format!("waiting for TikTok; posts under way: {moving}"));
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                signal = context.shutdown.requested() => return Ok(signal.exit()),
            }
            wait = (wait * 2).min(timing.poll_cap);
            continue;
        }
        let now = context.settings.clock.now();
        show(context, journal.as_ref(), &asked.posts, args).await?;
        return Ok(asked.posts.iter().map(|post| exit_of(post, now)).fold(asked.exit, Exit::worst));
    }
}

/// What a round of questions came to.
struct Asked {
    posts: Vec<RecordedPost>,
    exit: Exit,
    /// Those that cannot be asked for until somebody does something.
    stuck: HashSet<PostNumber>,
    interrupted: bool,
}

/// Reads a post's number as `status` shows it.
pub(super) fn parse_number(text: &str) -> Result<PostNumber, Failure> {
    text.trim_start_matches('#').parse().map_err(|_| {
        Failure::usage(format!("`{}` is not the number of a post", text::plain(text)))
            .hint("`tiktok-up status --all` lists the posts with their numbers")
    })
}

/// What TikTok is asked with. One for a run, however often it asks: it remembers which tokens this run
/// has got itself, which refreshes were refused, and what the user was told already.
struct Questions {
    tokens: Tokens,
    engine: Engine,
    told: HashSet<String>,
}

impl Questions {
    async fn begin(
        context: &Context,
        store: &LocalStore,
        journal: &Arc<dyn Journal>,
    ) -> Result<Self, Failure> {
        let tokens = context.tokens(&at_rest::unlocked(context, store.clone()).await?).await?;
        let engine = engine(context, store, journal, &tokens);
        Ok(Self { tokens, engine, told: HashSet::new() })
    }
}

/// The posts, those that TikTok works on freshly asked for. A post that cannot be asked for stays as
/// the journal has it, and the exit code says why: once in a run, if `questions` are kept. They are
/// begun when there is something to ask.
async fn ask(
    context: &Context,
    store: &LocalStore,
    journal: &Arc<dyn Journal>,
    number: Option<PostNumber>,
    questions: &mut Option<Questions>,
) -> Result<Asked, Failure> {
    let posts = match number {
        Some(number) => vec![journal.post(number).await?],
        None => journal.all().await?,
    };
    if !posts.iter().any(|post| is_asked_for(post) || is_unfinished_draft(post)) {
        let (exit, stuck) = (Exit::Done, HashSet::new());
        return Ok(Asked { posts, exit, stuck, interrupted: false });
    }
    let questions = match questions {
        Some(questions) => questions,
        None => questions.insert(Questions::begin(context, store, journal).await?),
    };
    let asked = ask_each(context, questions, posts, number.is_some()).await;
    // Also after an error: a refresh that has begun must reach the disk before the program ends.
    questions.tokens.flush().await;
    asked
}

fn engine(
    context: &Context,
    store: &LocalStore,
    journal: &Arc<dyn Journal>,
    tokens: &Tokens,
) -> Engine {
    Engine::builder(
        context.client.clone(),
        Arc::new(store.clone()),
        Arc::clone(journal),
        Arc::new(StoredTokens(tokens.clone())),
        context.shutdown.clone(),
    )
    .clock(context.settings.clock)
    .timing(context.settings.timing.clone())
    .build()
}

async fn ask_each(
    context: &Context,
    questions: &mut Questions,
    posts: Vec<RecordedPost>,
    named: bool,
) -> Result<Asked, Failure> {
    let Questions { engine, told, .. } = questions;
    let fresh = Vec::with_capacity(posts.len());
    let mut asked =
        Asked { posts: fresh, exit: Exit::Done, stuck: HashSet::new(), interrupted: false };
    let mut posts = posts.into_iter();
    while let Some(post) = posts.next() {
        // A delivered draft is final enough; it is asked for only when it was named.
        if !(is_asked_for(&post) || (named && is_unfinished_draft(&post))) {
            asked.posts.push(post);
            continue;
        }
        let post_ref = post.post_ref();
        context.printer.step(format!("asking TikTok about post {}", post.number));
        match engine.refresh_status(post.clone()).await {
            Ok(post) => asked.posts.push(post),
            Err(CallError::Interrupted(signal)) => {
                asked.exit = signal.exit();
                asked.interrupted = true;
                asked.posts.push(post);
                asked.posts.extend(posts);
                break;
            }
            Err(CallError::Store(error)) => return Err(error.into()),
            Err(error) => {
                let post_error = error.post_error();
                if told.insert(post_error.message.clone()) {
                    context.printer.warn(format!("{}: {}", post_ref.account, post_error.message));
                }
                if error.kind() != ErrorKind::Temporary {
                    asked.stuck.insert(post.number);
                }
                asked.exit = asked.exit.worst(error.kind().into());
                asked.posts.push(post);
            }
        }
    }
    Ok(asked)
}

fn is_with_tiktok(post: &RecordedPost) -> bool {
    match post.phase() {
        Some(Phase::FinalIntent { .. } | Phase::Uploaded) => true,
        Some(Phase::Open { .. }) => post.transfer() == Transfer::Pull,
        _ => false,
    }
}

/// What TikTok works on, and what it may yet know the outcome of.
fn is_asked_for(post: &RecordedPost) -> bool {
    is_with_tiktok(post) || post.last.as_ref().is_some_and(can_be_reconciled)
}

fn is_unfinished_draft(post: &RecordedPost) -> bool {
    post.phase() == Some(Phase::Inboxed)
}

/// How long a post that was put off is expected to be tried again. After that it has left the manifest.
const PUT_OFF: SignedDuration = SignedDuration::from_hours(25);

/// Whether the next `upload` is expected to try it again.
fn is_put_off(post: &RecordedPost, now: Timestamp) -> bool {
    let Some(last) = &post.last else { return false };
    let passes = || last.code.as_deref().map(Code::from).is_some_and(|code| code.is_temporary());
    now.duration_since(last.updated_at) < PUT_OFF
        && match last.phase {
            Phase::Lost | Phase::Failed(Failed::Internal | Failed::Pull) => true,
            Phase::Rejected => passes(),
            _ => false,
        }
}

fn is_final(post: &RecordedPost, now: Timestamp) -> bool {
    let over = post.phase().is_some_and(|phase| phase.is_done() || phase.is_dead());
    post.same_as.is_some() || (over && !is_put_off(post, now))
}

fn exit_of(post: &RecordedPost, now: Timestamp) -> Exit {
    match post.phase() {
        None => Exit::Done,
        Some(Phase::Unresolved) => Exit::Unknown,
        Some(_) if is_final(post, now) => Exit::Done,
        Some(_) => Exit::Temporary,
    }
}

/// The words for where a post stands.
fn words(post: &RecordedPost) -> &'static str {
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

async fn show(
    context: &Context,
    journal: &dyn Journal,
    posts: &[RecordedPost],
    args: &StatusArgs,
) -> Result<(), Failure> {
    let (one, now) = (args.post.is_some(), context.settings.clock.now());
    let shown: Vec<&RecordedPost> =
        posts.iter().filter(|post| one || args.all || !is_final(post, now)).collect();
    let printer = &context.printer;
    if printer.is_json() {
        for post in shown {
            let mut event = event(post, now);
            if one {
                let attempts = journal.attempts(post.number).await?;
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
        for post in &shown {
            attempts(context, &journal.attempts(post.number).await?);
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

fn event(post: &RecordedPost, now: Timestamp) -> serde_json::Value {
    let last = post.last.as_ref();
    json!({
        "event": "status",
        "post": post.number.0,
        "account": post.account,
        "video": post.label,
        "id": post.id,
        "mode": post.mode.as_str(),
        "state": word(words(post)),
        "final": is_final(post, now),
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
