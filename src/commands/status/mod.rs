//! `status`: what the journal knows, and what TikTok says now of what is not final.

mod entry;
mod event;
mod evidence;
mod listing;
mod mended;
mod queued;
mod words;

use std::collections::HashSet;
use std::sync::Arc;

use tokio::time::Instant;

use crate::auth::Tokens;
use crate::cli::StatusArgs;
use crate::commands::stores::Stores;
use crate::commands::tokens::StoredTokens;
use crate::commands::{Context, at_rest, hooks, journal};
use crate::engine::{CallError, Engine, can_be_reconciled, settled};
use crate::exit::Exit;
use crate::model::account::Accounts;
use crate::model::{Failed, Phase, PostNumber, RecordedPost};
use crate::output::{Failure, Matter, UNREACHED, is_connection, post_json};
use crate::problem::ErrorKind;
use crate::signals::Signal;
use crate::store::{Journal, StoreError};
use crate::text;

use self::listing::Listing;
use self::words::with_tiktok;

/// Runs the command.
pub(super) async fn run(context: &Context, args: &StatusArgs) -> Result<Exit, Failure> {
    let number = args.post.as_deref().map(parse_number).transpose()?;
    let Some((store, journal)) = journal::existing(context).await? else {
        if let Some(number) = number {
            return Err(Failure::usage(format!("there is no post {number}")));
        }
        let accounts = known_accounts(context).await;
        let listing = Listing::new(context, args, None, &accounts, Vec::new()).await?;
        listing.show(true).await?;
        return Ok(listing.exit());
    };
    // Names are told if they can be had.
    let accounts = store.shared.accounts().all().await.unwrap_or_default();
    let timing = &context.settings.timing;
    let (mut wait, started) = (timing.poll_first, Instant::now());
    let (mut questions, mut learned) = (None, Exit::Done);
    loop {
        let asked = ask(context, &store, &journal, number, args.all, &mut questions).await?;
        learned = learned.worst(asked.learned);
        // A last chunk that never arrived stays as it is until `upload` sends it.
        let over = started.elapsed() >= timing.poll_limit;
        let moves = |post: &RecordedPost| {
            with_tiktok(post)
                && !asked.stuck.contains(&post.number)
                && !(over && matches!(post.phase(), Some(Phase::FinalIntent { .. })))
        };
        let mut stopped = asked.stopped;
        if args.wait && stopped.is_none() && asked.posts.iter().any(moves) {
            let moving = asked.posts.iter().filter(|post| moves(post)).count();
            context.printer.step(format!("waiting for TikTok; posts under way: {moving}"));
            tokio::select! {
                () = tokio::time::sleep(wait) => {
                    wait = (wait * 2).min(timing.poll_cap);
                    continue;
                }
                // What is known is shown all the same.
                signal = context.shutdown.requested() => stopped = Some(signal),
            }
        }
        let complete = asked.exit == Exit::Done && stopped.is_none();
        let evidence = if complete {
            let posts = &asked.posts;
            evidence::look(context, &store, &journal, &mut questions, &accounts, posts).await
        } else {
            Ok(evidence::AllEvidence::new())
        };
        let listing =
            Listing::new(context, args, Some(journal.as_ref()), &accounts, asked.posts).await?;
        // Where it cannot be had, the posts are listed without it.
        let listing = listing.with(evidence.unwrap_or_default());
        listing.show(complete).await?;
        let queued = queued::show(context, args, &store, &accounts).await?;
        if stopped.is_some() {
            say_unasked(context, &asked.unasked, args.wait);
        }
        let exit = listing.exit().worst(asked.exit).worst(learned).worst(queued);
        return Ok(stopped.map_or(exit, |signal| exit.worst(signal.exit())));
    }
}

/// The same without a question to TikTok: what is known here.
pub(super) async fn look(context: &Context, args: &StatusArgs) -> Result<Exit, Failure> {
    let number = args.post.as_deref().map(parse_number).transpose()?;
    let Some((store, journal)) = journal::existing(context).await? else {
        if let Some(number) = number {
            return Err(Failure::usage(format!("there is no post {number}")));
        }
        let accounts = known_accounts(context).await;
        let listing = Listing::new(context, args, None, &accounts, Vec::new()).await?;
        listing.show(true).await?;
        return Ok(listing.exit());
    };
    let accounts = store.shared.accounts().all().await.unwrap_or_default();
    let posts = recorded(&journal, number, args.all).await?;
    let listing = Listing::new(context, args, Some(journal.as_ref()), &accounts, posts).await?;
    listing.show(true).await?;
    let queued = queued::show(context, args, &store, &accounts).await?;
    Ok(listing.exit().worst(queued))
}

/// The posts that are asked for.
async fn recorded(
    journal: &Arc<dyn Journal>,
    number: Option<PostNumber>,
    all: bool,
) -> Result<Vec<RecordedPost>, StoreError> {
    match number {
        Some(number) => Ok(vec![journal.post(number).await?]),
        None if all => journal.all().await,
        // What is published is over, and nobody asked for it.
        None => journal.unpublished().await,
    }
}

/// The accounts, where there is no journal.
async fn known_accounts(context: &Context) -> Arc<Accounts> {
    match context.existing_store().await {
        Ok(Some(store)) => store.shared.accounts().all().await.unwrap_or_default(),
        Ok(None) | Err(_) => Arc::default(),
    }
}

/// What a run that was stopped did not ask TikTok about.
fn say_unasked(context: &Context, unasked: &[PostNumber], waited: bool) {
    let numbers = unasked.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    context.printer.warn(match unasked {
        [] if waited => "interrupted: what is not final is not waited for any more".to_owned(),
        [] => "interrupted after TikTok was asked about every post".to_owned(),
        [_] => format!("interrupted: TikTok was not asked about post {numbers}"),
        _ => format!("interrupted: TikTok was not asked about posts {numbers}"),
    });
}

/// What a round of questions came to.
struct Asked {
    posts: Vec<RecordedPost>,
    exit: Exit,
    /// Those that cannot be asked for until somebody does something.
    stuck: HashSet<PostNumber>,
    /// How a run ends that learned of the failures among them.
    learned: Exit,
    /// The signal that came before all were asked for, and those that were not.
    stopped: Option<Signal>,
    unasked: Vec<PostNumber>,
}

impl Asked {
    /// What is known of some posts, without a question.
    fn about(posts: Vec<RecordedPost>) -> Self {
        let (exit, learned, stuck) = (Exit::Done, Exit::Done, HashSet::new());
        Self { posts, exit, stuck, learned, stopped: None, unasked: Vec::new() }
    }
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
pub(super) struct Questions {
    pub(super) tokens: Tokens,
    pub(super) engine: Engine,
    told: HashSet<String>,
}

impl Questions {
    pub(super) async fn begin(
        context: &Context,
        store: &Stores,
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
    store: &Stores,
    journal: &Arc<dyn Journal>,
    number: Option<PostNumber>,
    all: bool,
    questions: &mut Option<Questions>,
) -> Result<Asked, Failure> {
    let posts = recorded(journal, number, all).await?;
    if !posts.iter().any(|post| is_asked_for(post) || is_unfinished_draft(post)) {
        return Ok(Asked::about(posts));
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
    store: &Stores,
    journal: &Arc<dyn Journal>,
    tokens: &Tokens,
) -> Engine {
    Engine::builder(
        context.client.clone(),
        Arc::clone(&store.shared),
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
    let mut asked = Asked::about(Vec::with_capacity(posts.len()));
    let mut posts = posts.into_iter();
    while let Some(post) = posts.next() {
        // A delivered draft is final enough; it is asked for only when it was named.
        let is_asked =
            |post: &RecordedPost| is_asked_for(post) || (named && is_unfinished_draft(post));
        if !is_asked(&post) {
            asked.posts.push(post);
            continue;
        }
        let post_ref = post.post_ref();
        context.printer.step(format!("asking TikTok about post {}", post.number));
        let before = post.phase();
        match engine.refresh_status(post.clone()).await {
            Ok(post) => {
                if let Some(report) = settled(&post).filter(|_| post.phase() != before) {
                    let about = post_json(&report, &post.account);
                    hooks::notice_post(&context.hooks, &post.account, &report, about);
                }
                context.printer.settle(&[UNREACHED.to_owned(), asking(&post.account)]);
                // A failure is reported by the run that learns of it.
                asked.learned = asked.learned.worst(exit_of_failure(&post));
                asked.posts.push(post);
            }
            Err(CallError::Interrupted(signal)) => {
                asked.stopped = Some(signal);
                asked.unasked.push(post.number);
                asked.unasked.extend(
                    posts.as_slice().iter().filter(|post| is_asked(post)).map(|post| post.number),
                );
                asked.posts.push(post);
                asked.posts.extend(posts);
                break;
            }
            Err(CallError::Store(error)) => return Err(error.into()),
            Err(error) => {
                let post_error = error.post_error();
                if told.insert(post_error.message.clone()) {
                    let text = format!("{}: {}", post_ref.account, post_error.message);
                    match error.kind() {
                        ErrorKind::Temporary if is_connection(post_error.problem.code) => {
                            context.printer.trouble_of(&Matter::unreached(), text);
                        }
                        ErrorKind::Temporary => {
                            context
                                .printer
                                .trouble_of(&Matter::passing(asking(&post.account)), text);
                        }
                        _ => context.printer.warn(text),
                    }
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

/// That TikTok answers for the posts of an account, by its `open_id`.
fn asking(account: &str) -> String {
    format!("asking {account}")
}

/// What TikTok works on, and what it may yet know the outcome of.
fn is_asked_for(post: &RecordedPost) -> bool {
    with_tiktok(post) || post.last.as_ref().is_some_and(can_be_reconciled)
}

fn is_unfinished_draft(post: &RecordedPost) -> bool {
    post.phase() == Some(Phase::Inboxed)
}

/// How a run ends that learned that a post failed.
fn exit_of_failure(post: &RecordedPost) -> Exit {
    match post.phase() {
        Some(Phase::Failed(Failed::AuthRemoved)) => Exit::Login,
        Some(Phase::Failed(Failed::Final)) => Exit::Failed,
        _ => Exit::Done,
    }
}
