//! `status`: what the journal knows, and what TikTok says now of what is not final.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::json;
use tiktok_open::{Code, Reaction};
use tokio::time::Instant;

use crate::auth::Tokens;
use crate::cli::StatusArgs;
use crate::commands::tokens::StoredTokens;
use crate::commands::{Context, about_known, about_post, at_rest, journal};
use crate::engine::{CallError, Engine, can_be_reconciled, is_failed_for_good};
use crate::exit::Exit;
use crate::model::account::Accounts;
use crate::model::{
    Account, Attempt, Failed, Mode, Phase, PostError, PostNumber, PostState, QuotaKind,
    RecordedPost, Transfer,
};
use crate::output::{Failure, Matter, Notes, Scheduled, Table, moment};
use crate::problem::{ErrorCode, ErrorKind};
use crate::signals::Signal;
use crate::store::local::LocalStore;
use crate::store::{Journal, Store as _};
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
    // Names are told if they can be had.
    let accounts = store.accounts().all().await.unwrap_or_default();
    let timing = &context.settings.timing;
    let (mut wait, started) = (timing.poll_first, Instant::now());
    let (mut questions, mut learned) = (None, Exit::Done);
    loop {
        let asked = ask(context, &store, &journal, number, &mut questions).await?;
        learned = learned.worst(asked.learned);
        // A last chunk that never arrived stays as it is until `upload` sends it.
        let over = started.elapsed() >= timing.poll_limit;
        let moves = |post: &RecordedPost| {
            is_with_tiktok(post)
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
        let listing = Listing::new(context, args, journal.as_ref(), &accounts, asked.posts).await?;
        listing.show(asked.exit == Exit::Done && stopped.is_none()).await?;
        if stopped.is_some() {
            say_unasked(context, &asked.unasked, args.wait);
        }
        let exit = listing.exit().worst(asked.exit).worst(learned);
        return Ok(stopped.map_or(exit, |signal| exit.worst(signal.exit())));
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
        match engine.refresh_status(post.clone()).await {
            Ok(post) => {
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
            Phase::Lost | Phase::Abandoned | Phase::Failed(Failed::Internal | Failed::Pull) => true,
            Phase::Rejected => passes(),
            _ => false,
        }
}

/// How a run ends that learned that a post failed.
fn exit_of_failure(post: &RecordedPost) -> Exit {
    match post.phase() {
        Some(Phase::Failed(Failed::AuthRemoved)) => Exit::Login,
        Some(Phase::Failed(Failed::Final)) => Exit::Failed,
        _ => Exit::Done,
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

/// Where a post stands, for the order in which posts are listed: what needs somebody comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Unknown,
    Failed,
    /// Posts of a manifest whose time has not come stand here as well.
    PutOff,
    UnderWay,
    Over,
}

/// What a run of `status` lists.
struct Listing<'a> {
    context: &'a Context,
    args: &'a StatusArgs,
    journal: &'a dyn Journal,
    accounts: &'a Accounts,
    now: Timestamp,
    /// Every post that was looked at, in the order in which they are listed.
    posts: Vec<(Place, RecordedPost)>,
    /// Posts of manifests whose time has not come, each with its manifest.
    scheduled: Vec<(String, Scheduled)>,
    /// Those that TikTok failed so often that no run tries them again by itself.
    given_up: HashSet<PostNumber>,
}

impl<'a> Listing<'a> {
    async fn new(
        context: &'a Context,
        args: &'a StatusArgs,
        journal: &'a dyn Journal,
        accounts: &'a Accounts,
        posts: Vec<RecordedPost>,
    ) -> Result<Self, Failure> {
        let now = context.settings.clock.now();
        // What was repeated on purpose is settled.
        let mut repeated = HashSet::new();
        for post in posts.iter().filter(|post| post.repost > 0) {
            repeated.extend(journal.repeated(post).await?.map(|before| before.number));
        }
        let mut given_up = HashSet::new();
        for post in &posts {
            if let Some(Phase::Failed(Failed::Internal | Failed::Pull)) = post.phase()
                && is_failed_for_good(&journal.attempts(post.number).await?)
            {
                given_up.insert(post.number);
            }
        }
        let is_final = |post: &RecordedPost| is_final(post, now, &given_up);
        let place = |post: &RecordedPost| match post.phase() {
            Some(Phase::Unresolved) => Place::Unknown,
            Some(Phase::Failed(_) | Phase::Rejected)
                if is_final(post) && post.same_as.is_none() && !repeated.contains(&post.number) =>
            {
                Place::Failed
            }
            _ if is_final(post) => Place::Over,
            phase if phase.is_none_or(Phase::is_dead) => Place::PutOff,
            _ => Place::UnderWay,
        };
        let mut posts: Vec<_> = posts.into_iter().map(|post| (place(&post), post)).collect();
        posts.sort_by_key(|(place, post)| (*place, post.number));
        let one = args.post.is_some();
        let notes = context.printer.notes().filter(|_| !one);
        let scheduled = notes.map(Notes::scheduled).unwrap_or_default();
        Ok(Self { context, args, journal, accounts, now, posts, scheduled, given_up })
    }

    /// How the run ends, as far as the posts decide.
    fn exit(&self) -> Exit {
        let exit = self.posts.iter().map(|(place, post)| match (place, post.phase()) {
            (Place::Unknown, _) => Exit::Unknown,
            // Nothing of it is begun: the next upload comes to it.
            (_, None | Some(Phase::Abandoned)) if !self.args.wait => Exit::Done,
            (Place::PutOff | Place::UnderWay, _) => Exit::Temporary,
            (Place::Failed | Place::Over, _) => Exit::Done,
        });
        let exit = exit.fold(Exit::Done, Exit::worst);
        let waits = self.args.wait && !self.scheduled.is_empty();
        if waits { exit.worst(Exit::Temporary) } else { exit }
    }

    fn shown(&self) -> impl Iterator<Item = (Place, &RecordedPost)> {
        let all = self.args.all || self.args.post.is_some();
        let shown = self.posts.iter().filter(move |(place, _)| all || *place != Place::Over);
        shown.map(|(place, post)| (*place, post))
    }

    /// Lists them. `complete`: whether nothing kept the run from asking TikTok.
    async fn show(&self, complete: bool) -> Result<(), Failure> {
        let (printer, one) = (&self.context.printer, self.args.post.is_some());
        for (place, post) in self.shown() {
            // What is told here, runs under cron need not tell again.
            if let (Place::Failed | Place::Unknown, Some(last), Some(notes)) =
                (place, &post.last, printer.notes())
                && last.phase != Phase::Rejected
            {
                notes.note(&told(post, last));
            }
        }
        if printer.is_json() {
            return self.show_json().await;
        }
        let mut table = Table::new(&["POST", "ACCOUNT", "WHAT", "STATE", "SINCE", "IDS"]);
        let mut rows = 0;
        let mut scheduled = self.scheduled.iter();
        for (place, post) in self.shown() {
            if place > Place::PutOff {
                scheduled.by_ref().for_each(|(_, post)| {
                    rows += 1;
                    table.row(self.scheduled_row(post));
                });
            }
            rows += 1;
            table.row(self.row(post));
        }
        scheduled.for_each(|(_, post)| {
            rows += 1;
            table.row(self.scheduled_row(post));
        });
        if rows == 0 {
            if complete {
                printer.note("every post is final; `--all` lists them");
            }
            return Ok(());
        }
        printer.table(&table);
        if one {
            for (_, post) in self.shown() {
                attempts(self.context, &self.journal.attempts(post.number).await?);
            }
        }
        self.advise();
        Ok(())
    }

    /// What somebody has to do.
    fn advise(&self) {
        let printer = &self.context.printer;
        for (place, post) in &self.posts {
            let n = post.number;
            match place {
                Place::Unknown => printer.warn(format!(
                    "it is unknown whether post {n} was posted: look at the profile, then run \
                     `tiktok-up resolve {n} --posted` or `tiktok-up resolve {n} --not-posted`"
                )),
                Place::Failed if !self.args.all => {
                    let why = post.last.as_ref().and_then(|last| last.message.clone());
                    let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
                    let again = post.may_begin() && !self.given_up.contains(&n);
                    printer.talk(if again {
                        let refused = post.phase() == Some(Phase::Rejected);
                        let what = if refused { "was refused" } else { "failed" };
                        format!("post {n} {what}{why}; the next upload that names it tries again")
                    } else {
                        format!(
                            "post {n} failed{why}; once the cause is mended, `tiktok-up resolve {n} \
                             --not-posted` lets the next upload try it again"
                        )
                    });
                }
                _ => {}
            }
        }
    }

    fn row(&self, post: &RecordedPost) -> [String; 6] {
        let account = self.accounts.get(&post.account);
        let name = || post.username.clone().unwrap_or_else(|| post.account.clone());
        [
            post.number.to_string(),
            account.map_or_else(name, |account| account.name().to_owned()),
            post.label.clone(),
            words(post).to_owned(),
            moment(post.last.as_ref().map_or(post.created_at, |last| last.updated_at)),
            post.last.as_ref().map(ids).unwrap_or_default(),
        ]
    }

    fn scheduled_row(&self, post: &Scheduled) -> [String; 6] {
        let account = self.accounts.get(&post.account);
        [
            "-".to_owned(),
            account.map_or(post.account.as_str(), Account::name).to_owned(),
            post.video.clone(),
            format!("{} for {}", self.scheduled_word(post), moment(post.publish_at)),
            "-".to_owned(),
            String::new(),
        ]
    }

    /// After its time only the next run keeps it waiting.
    fn scheduled_word(&self, post: &Scheduled) -> &'static str {
        if post.publish_at > self.now { "scheduled" } else { "due since, scheduled" }
    }

    async fn show_json(&self) -> Result<(), Failure> {
        let printer = &self.context.printer;
        let mut scheduled = self.scheduled.iter();
        for (place, post) in self.shown() {
            if place > Place::PutOff {
                scheduled.by_ref().for_each(|one| printer.json(&self.scheduled_event(one)));
            }
            let mut event = self.event(place, post).await?;
            if self.args.post.is_some() {
                let attempts = self.journal.attempts(post.number).await?;
                event.history = Some(attempts.iter().map(history).collect());
            }
            printer.json(&about_post(self.accounts, post, json!(event)));
        }
        scheduled.for_each(|one| printer.json(&self.scheduled_event(one)));
        Ok(())
    }

    async fn event<'p>(
        &self,
        place: Place,
        post: &'p RecordedPost,
    ) -> Result<StatusEvent<'p>, Failure> {
        let last = post.last.as_ref();
        let not_before = self.room_at(post).await?.or(post.publish_at);
        Ok(StatusEvent {
            event: "status",
            post: Some(post.number.0),
            video: &post.label,
            id: post.id.as_deref(),
            mode: post.mode.as_str(),
            manifest: None,
            state: state(place, post).as_str(),
            phase: word(words(post)),
            is_final: is_final(post, self.now, &self.given_up),
            publish_at: post.publish_at,
            not_before: not_before.filter(|at| *at > self.now && place == Place::PutOff),
            publish_id: last.and_then(|last| last.publish_id.as_deref()),
            post_ids: last.map(post_ids).unwrap_or_default(),
            attempts: last.map_or(0, |last| last.number),
            reason: last.and_then(|last| last.code.as_deref()),
            message: last.and_then(|last| last.message.as_deref()),
            created_at: Some(post.created_at),
            updated_at: Some(last.map_or(post.created_at, |last| last.updated_at)),
            history: None,
        })
    }

    /// When there may be room again under the quota that put a post off.
    async fn room_at(&self, post: &RecordedPost) -> Result<Option<Timestamp>, Failure> {
        let code = post.last.as_ref().and_then(|last| last.code.as_deref()).map(Code::from);
        if code.map(|code| code.reaction()) != Some(Reaction::Quota) {
            return Ok(None);
        }
        let of_mode = match post.mode {
            Mode::Direct => QuotaKind::Posts,
            Mode::Draft => QuotaKind::Drafts,
        };
        let mut room = None;
        for kind in [of_mode, QuotaKind::ActiveUsers] {
            room = room.max(self.journal.quota_full_until(&post.account, kind).await?);
        }
        Ok(room)
    }

    fn scheduled_event(&self, (manifest, post): &(String, Scheduled)) -> serde_json::Value {
        let event = StatusEvent {
            event: "status",
            post: None,
            video: &post.video,
            id: post.id.as_deref(),
            mode: &post.mode,
            manifest: Some(manifest),
            state: PostState::Deferred.as_str(),
            phase: "scheduled".to_owned(),
            is_final: false,
            publish_at: Some(post.publish_at),
            not_before: Some(post.publish_at).filter(|at| *at > self.now),
            publish_id: None,
            post_ids: Vec::new(),
            attempts: 0,
            reason: None,
            message: None,
            created_at: None,
            updated_at: None,
            history: None,
        };
        about_known(self.accounts, &post.account, &post.account, json!(event))
    }
}

/// Whether no upload is expected to change it.
fn is_final(post: &RecordedPost, now: Timestamp, given_up: &HashSet<PostNumber>) -> bool {
    let over = post.phase().is_some_and(|phase| phase.is_done() || phase.is_dead());
    let waits = is_put_off(post, now) && !given_up.contains(&post.number);
    post.same_as.is_some() || (over && !waits)
}

/// A post as `status --json` tells of it, whether the journal has it or only a manifest; its account is
/// added.
#[derive(Debug, Serialize)]
struct StatusEvent<'a> {
    event: &'static str,
    /// `None`: the journal does not have it.
    post: Option<u32>,
    video: &'a str,
    id: Option<&'a str>,
    mode: &'a str,
    /// The manifest in which it waits for its time.
    manifest: Option<&'a str>,
    state: &'static str,
    phase: String,
    #[serde(rename = "final")]
    is_final: bool,
    publish_at: Option<Timestamp>,
    /// When it is worth another try, if that is still to come.
    not_before: Option<Timestamp>,
    publish_id: Option<&'a str>,
    post_ids: Vec<String>,
    attempts: u32,
    reason: Option<&'a str>,
    message: Option<&'a str>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    /// Its attempts, if it was asked for by its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<Vec<serde_json::Value>>,
}

/// One word for what a post came to, the same that `upload` has for it.
fn state(place: Place, post: &RecordedPost) -> PostState {
    match (place, post.phase()) {
        (_, Some(Phase::Published)) => PostState::Published,
        (_, Some(Phase::Inboxed)) => PostState::Inbox,
        (Place::Unknown, _) => PostState::Unresolved,
        (Place::PutOff, _) => PostState::Deferred,
        (Place::UnderWay, _) => PostState::Processing,
        // The same video is posted by another entry.
        (Place::Over, _) if post.same_as.is_some() => PostState::Skipped,
        (Place::Failed | Place::Over, _) => PostState::Failed,
    }
}

/// What runs under cron count as told of a post that failed, or whose outcome is unknown.
fn told(post: &RecordedPost, last: &Attempt) -> Matter {
    let unknown = ErrorCode::OutcomeUnknown.as_str();
    let failed = || PostError::of_attempt(last).code;
    let code = if last.phase == Phase::Unresolved { unknown.to_owned() } else { failed() };
    Matter::recorded_failure(&post.account, post.number, &code, last.publish_id.as_deref())
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
    post_ids(attempt).join(" ")
}

fn post_ids(attempt: &Attempt) -> Vec<String> {
    attempt.post_ids.iter().map(ToString::to_string).collect()
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
