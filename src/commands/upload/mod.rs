//! `upload MANIFEST` and `post FILE`: post what has not been posted, resume what was cut off.

mod enqueue;
mod given;
mod input;
mod left;
mod sidecar;
mod slots;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tempfile::TempDir;

use crate::auth::Tokens;
use crate::cli::{PostArgs, RunArgs};
use crate::commands::hooks::LostLogins;
use crate::commands::stores::Stores;
use crate::commands::tokens::StoredTokens;
use crate::commands::{Context, apps, at_rest, hooks, journal};
use crate::engine::{
    Engine, Event, Options, PostedFiles, Preparation, PrepareError, Prepared, RateLimiter, Refused,
    posted_files,
};
use crate::exit::Exit;
use crate::fs::give_up_waiting;
use crate::manifest::{self, Manifest};
use crate::model::account::Accounts;
use crate::model::{
    AccountDefaults, AccountDefaultsError, Defaults, Diagnostics, Entry, Field, FieldValue,
    FieldValues, Mode, Part, UserOrigin,
};
use crate::output::{self, Everywhere, Failure, Matter, UploadOutput};
use crate::problem::ErrorKind;
use crate::signals::Signal;
use crate::source::{FileWatch, Fingerprints, Sources, WatchError};
use crate::store::{Accept, AccountError, ExistingJournal, Journal, Store};

pub(super) use self::enqueue::{NoQueue, enqueue};
use self::given::Origins;
use self::input::{Input, InputError};
pub(super) use self::input::{PostList, QueuedList, TextList};
pub(super) use self::left::note_refusal;
use self::left::{leftovers, tell_gone};
use self::slots::Slots;

/// The end of a run that a signal has stopped before it came to a post. A program is told so.
fn stopped_before(context: &Context, signal: Signal) -> Exit {
    let exit = signal.exit();
    if context.printer.is_json() { UploadOutput::new(&context.printer).finish(exit) } else { exit }
}

/// Runs the command.
pub(super) async fn run(
    context: &Context,
    list: &PostList,
    args: &RunArgs,
) -> Result<Exit, Failure> {
    // Given up only after the locks that it waits for.
    let mut ready = Box::pin(make_ready(context, list, args));
    let ready = tokio::select! {
        biased;
        ready = &mut ready => ready?,
        signal = context.shutdown.requested() => {
            // Nothing was begun, so nothing is waited for: no disk, and no lock of another run. What else the
            // process does goes on waiting for its own.
            if context.shutdown.ends_all() {
                give_up_waiting();
            }
            return Ok(stopped_before(context, signal));
        }
    };
    let Ready { store, journal, prepared, mut slots, options, _scratch } = match ready {
        Ok(ready) => ready,
        Err(signal) => return Ok(stopped_before(context, signal)),
    };
    // A second signal ends the run here and now, and the tasks of the engine may outlive this for a moment.
    let _flushed = store.shared.flush_on_drop();
    let output = UploadOutput::new(&context.printer).of(&prepared);
    if !list.is_kept() && has_later_ones(&prepared, context.settings.clock.now()) {
        context.printer.note(
            "nothing keeps a post for later: run the same command again once its time has come",
        );
    }
    // Of what no manifest lists nothing is left to a later run of it.
    let manifest = list.manifest().map(manifest_key);
    let notes = context.printer.notes().zip(manifest.as_deref());
    let accounts = store.shared.accounts().all().await?;
    if prepared.accounts.is_empty() {
        if let Some((mut left, gone)) =
            leftovers(context, list, notes, journal.as_ref(), &accounts, None, &prepared).await?
        {
            tell_gone(context, list, journal.as_ref(), &accounts, gone, true).await?;
            left.let_go();
            left.note();
        }
        if let Some((notes, manifest)) = notes {
            notes.keep_fingerprints(manifest, BTreeMap::new());
        }
        return Ok(output.finish(Exit::Done));
    }

    // Only now the key of the token store is asked for, and the journal taken on.
    let store = at_rest::unlocked(context, store).await?;
    let tokens = context.tokens(&store).await?;
    let accounts_now = store.clone();
    let journal = if args.new_journal && !args.dry_run {
        drop(journal);
        journal::open(context, store.shared.as_ref(), Accept::Once).await?
    } else {
        journal
    };
    journal.check_key().await?;

    let kept = notes.map(|(notes, manifest)| notes.last_run(manifest).fingerprints);
    let fingerprints = Arc::new(Fingerprints::new(kept.unwrap_or_default()));
    let posts = Arc::clone(&journal);
    let engine = engine(context, &tokens, store.shared, journal, options, &fingerprints);
    if let Err(no_app) = has_app(context, &engine, &prepared).await {
        tokens.flush().await;
        return Err(no_app);
    }
    let left =
        leftovers(context, list, notes, posts.as_ref(), &accounts, Some(&engine), &prepared).await;
    if left.is_err() {
        tokens.flush().await;
    }
    let (mut left, gone) = left?.unzip();
    let mut events = if args.dry_run { engine.dry_run(prepared) } else { engine.upload(prepared) };
    let mut logins = LostLogins::new();
    while let Some(event) = events.next().await.inspect(|event| context.ended.event(event)) {
        output.event(&event);
        list.event(&event);
        if !args.dry_run {
            notice(context, &output, &event, &mut logins).await;
        }
        if let Some(left) = &mut left {
            left.event(&event);
        }
        if let Some(slots) = &mut slots {
            slots.event(&event);
        }
    }
    if let Some(slots) = slots {
        slots.free().await;
    }
    // What the journal does not tell now, the next run tells: what this one has made is reported all the same.
    let told =
        tell_gone(context, list, posts.as_ref(), &accounts, gone.unwrap_or_default(), true).await;
    if let Some(mut left) = left {
        if told.is_ok() {
            left.let_go();
        }
        left.note();
    }
    if let Some((notes, manifest)) = notes.filter(|_| context.shutdown.asked().is_none()) {
        notes.keep_fingerprints(manifest, fingerprints.used());
    }
    // Also after an error: a refresh that has begun must reach the disk before the program ends.
    tokens.flush().await;
    hooks::notice_logins(context, &accounts_now, &logins).await;
    // No manifest lists it, so nothing comes to it by itself.
    let is_unkept = !list.is_kept() && output.has_paused();
    let exit = output.finish(if is_unkept { Exit::Temporary } else { Exit::Done });
    say_what_to_run_again(context, args, is_unkept, output.has_posted() && exit != Exit::Done);
    Ok(exit)
}

/// Says how the same command is to be run again, where that is not all.
fn say_what_to_run_again(context: &Context, args: &RunArgs, is_unkept: bool, is_half_done: bool) {
    if args.repost && is_half_done {
        context.printer.warn(
            "to finish, run it again without `--repost`: with it, what was posted now would be posted \
             once more",
        );
    }
    if is_unkept {
        context.printer.warn(
            "nothing keeps a post of a paused account for later: run the same command again after \
             `tiktok-up accounts resume`",
        );
    }
}

/// Keeps for the hooks how a post ended; of lost logins once all posts are known.
async fn notice(context: &Context, output: &UploadOutput, event: &Event, logins: &mut LostLogins) {
    let Some((open_id, report, about)) = output.ended_post(event) else { return };
    if report.failure == Some(ErrorKind::Login)
        && let Some(error) = &report.post_error
    {
        logins.insert(open_id, (error.problem.code, error.message.clone()));
    } else {
        hooks::notice_post(&context.hooks, &open_id, report, about);
        hooks::keep(context).await;
    }
}

/// Whether the time of a post has not come.
fn has_later_ones(prepared: &Prepared, now: Timestamp) -> bool {
    let mut posts = prepared.accounts.iter().flat_map(|(_, posts)| posts);
    posts.any(|post| post.asked.publish_at.is_some_and(|at| at > now))
}

/// What a run begins with, before anything is sent.
struct Ready {
    store: Stores,
    journal: Arc<dyn Journal>,
    prepared: Prepared,
    /// The times of posts that name a slot.
    slots: Option<Slots>,
    options: Options,
    /// Where a dry run keeps what it must not leave behind.
    _scratch: Option<TempDir>,
}

/// Reads the manifest and all that is known of its posts. Nothing is sent and nothing is begun, so this may
/// be given up at any time. `Err`: a signal came.
async fn make_ready(
    context: &Context,
    list: &PostList,
    args: &RunArgs,
) -> Result<Result<Ready, Signal>, Failure> {
    // What is to be posted.
    context.printer.step("reading the manifest");
    let named = match list {
        PostList::Manifest(path) => manifest_key(path),
        PostList::Text(list) => manifest_key(&list.path),
        PostList::Options(args) => post_key(args),
        PostList::Queue(list) => list.name.clone(),
    };
    let list = list.clone();
    let (withdrawals, rate, is_complete) = (list.withdrawals(), list.rate(), list.is_complete());
    let (input, origins) = match context.aside(move || read_list(&list)).await? {
        Ok(input) => input?,
        Err(signal) => return Ok(Err(signal)),
    };

    for left_out in origins.iter().flat_map(|origins| &origins.left_out) {
        context.printer.warn_of(&Matter::once(format!("left out {left_out}"), ""), left_out);
    }

    // What is there: accounts, posts made before, files.
    let mut scratch = None;
    let store = if !args.dry_run {
        context.store().await?
    } else if let Some(store) = context.existing_store().await? {
        store
    } else {
        Stores::in_dir(make_scratch(&mut scratch)?, context.settings.clock).await?
    };
    let accounts = store.shared.accounts().all().await?;
    if !accounts.is_empty() {
        context.printer.settle_everywhere(Everywhere::NoLogin);
    }
    let given = if is_complete { Defaults::default() } else { defaults(context, args, &accounts)? };
    let (manifest, faults) = read(context, args, &input, origins.as_ref(), &given)?;
    let is_from_options = |entry: &Entry| entry.user_from == UserOrigin::CommandLine;
    if let Some(name) = args.account.as_ref().filter(|_| !accounts.is_empty())
        && origins.is_none()
        && faults.is_empty()
        && !manifest.entries.iter().any(is_from_options)
    {
        // Who gives it means somebody, also where each post names another one.
        accounts.find(Some(name)).map_err(AccountError::from)?;
    }
    context.printer.step("looking at what is known of the posts");
    let journal = match (args.new_journal, args.dry_run) {
        (false, true) => looked_at(context, store.shared.as_ref(), &mut scratch).await?,
        (false, false) => journal::open(context, store.shared.as_ref(), Accept::Never).await?,
        (true, true) => journal::open(context, store.shared.as_ref(), Accept::DryRun).await?,
        // To prepare posts, whatever is wrong with it. It is taken once it is sure that this run can post.
        (true, false) => store.shared.open_journal(Accept::DryRun).await?.journal,
    };
    let timing = &context.settings.timing;
    let sources = Sources::new(timing.clone(), context.shutdown.clone())
        .with_stores(Arc::new(context.settings.sources.clone()));
    let posted = if args.repost {
        PostedFiles::default()
    } else {
        posted_files(&manifest, journal.as_ref(), &accounts, &sources, timing, &context.shutdown)
            .await?
    };
    let left = manifest.entries.iter().filter(|entry| posted.version(entry.index).is_none());
    let files: Vec<_> =
        left.filter_map(|entry| entry.post.source.file()?.local().map(Path::to_owned)).collect();
    let watch = FileWatch::begin(files, timing).await?;
    if watch.recent() > 0 {
        context.printer.note(output::watching(watch.recent(), timing));
    }
    let unfinished = match watch.end(timing, &context.shutdown).await {
        Ok(unfinished) => unfinished,
        Err(WatchError::Interrupted(signal)) => return Ok(Err(signal)),
        Err(WatchError::Shortage(shortage)) => return Err(shortage.into()),
    };

    // The posts, checked as far as that goes without TikTok.
    let options = options(args);
    let options = Options { withdrawals, rate: rate.unwrap_or(options.rate), ..options };
    let preparation = Preparation {
        name: input.name,
        folder: input.folder,
        accounts: Arc::unwrap_or_clone(accounts),
        posted,
        sources,
        unfinished,
        options: options.clone(),
        timing: timing.clone(),
        shutdown: context.shutdown.clone(),
        now: context.settings.clock.now(),
    };
    let mut prepared = match preparation.prepare(journal.as_ref(), manifest, faults).await {
        Err(PrepareError::Interrupted(signal)) => return Ok(Err(signal)),
        Err(nobody @ PrepareError::Nobody { .. }) => {
            return Err(Failure::from(nobody).met_everywhere(Everywhere::NoLogin));
        }
        Err(PrepareError::Refused(refused)) => {
            return Err(PrepareError::Refused(told(refused, origins.as_ref())).into());
        }
        prepared => prepared?,
    };
    let slots = store.shared.slots();
    let slots =
        Slots::give(context, slots, journal.as_ref(), &mut prepared, named, args.dry_run).await?;
    let ready = Ready { store, journal, prepared, slots, options, _scratch: scratch };
    Ok(Ok(ready))
}

/// The journal for a dry run, which leaves none where none was.
async fn looked_at(
    context: &Context,
    store: &dyn Store,
    scratch: &mut Option<TempDir>,
) -> Result<Arc<dyn Journal>, Failure> {
    let ExistingJournal { journal, doubt } = store.existing_journal().await?;
    if journal.is_some() || doubt.is_some() {
        // What is wrong with it is said as in a run.
        return Ok(journal::open(context, store, Accept::Never).await?);
    }
    let empty = Stores::in_dir(make_scratch(scratch)?, context.settings.clock).await?;
    Ok(empty.shared.open_journal(Accept::Never).await?.journal)
}

fn make_scratch(scratch: &mut Option<TempDir>) -> Result<&Path, Failure> {
    if scratch.is_none() {
        let made = tempfile::Builder::new().prefix("tiktok-up-dry-run-").tempdir();
        let failed = |error| Failure {
            exit: Exit::Local,
            ..Failure::unexpected(error).context("cannot make a directory for a dry run")
        };
        *scratch = Some(made.map_err(failed)?);
    }
    Ok(scratch.as_ref().map_or(Path::new("."), TempDir::path))
}

/// What a manifest is known by: its path, wherever a run starts.
pub(super) fn manifest_key(manifest: &Path) -> String {
    if manifest == Path::new("-") {
        return "standard input".to_owned();
    }
    let absolute = std::path::absolute(manifest);
    absolute.as_deref().unwrap_or(manifest).display().to_string()
}

/// What a run of `post` is known by: what it posts, and for whom.
pub(super) fn post_key(args: &PostArgs) -> String {
    let files = args.files.iter().map(|file| manifest_key(file));
    let addresses = args.url.iter().chain(&args.photos).cloned();
    let account = args.run.account.iter().cloned();
    let words: Vec<_> = account.chain(files).chain(addresses).collect();
    format!("post {}", words.join(" "))
}

/// A refusal of posts that no manifest lists, said of the options and sidecars that give them.
fn told(refused: Refused, origins: Option<&Origins>) -> Refused {
    let Some(origins) = origins else { return refused };
    let (of_logins, problems) = (refused.is_of_logins(), origins.of(&refused.problems));
    let mut missing_logins = refused.missing_logins;
    // What is wrong with the account of all is said once, and is no more the whole of it than before.
    missing_logins.truncate(problems.len() - usize::from(!of_logins));
    Refused { problems, missing_logins, ..refused }
}

/// What is wrong with posts of a list, by their places, if that is all that has ended a run; and the files that are not
/// there.
pub(super) fn refused_posts(failure: &Failure) -> Option<(BTreeMap<usize, String>, &[PathBuf])> {
    let Some(PrepareError::Refused(refused)) = failure.error.downcast_ref() else { return None };
    // That is no fault of a post.
    if !refused.missing_logins.is_empty() {
        return None;
    }
    let mut posts = BTreeMap::new();
    for problem in &refused.problems {
        let Part::Post(index) = problem.part else { return None };
        posts.entry(index).or_insert(problem.message.clone());
    }
    Some((posts, &refused.missing_files))
}

/// Reads what lists the posts, and where their fields come from if that is no manifest.
fn read_list(list: &PostList) -> Result<(Input, Option<Origins>), InputError> {
    let given = match list {
        PostList::Options(args) => given::read(args)?,
        PostList::Manifest(path) if path != Path::new("-") && path.is_dir() => {
            given::of_folder(path)?
        }
        PostList::Manifest(path) => return Ok((Input::read(path)?, None)),
        PostList::Text(list) => return Ok((Input::from(&**list), None)),
        PostList::Queue(list) => return Ok((Input::from(&**list), None)),
    };
    Ok((given.0, Some(given.1)))
}

/// The posts of a manifest as flags and config.toml complete them, and what is wrong with it.
fn read(
    context: &Context,
    args: &RunArgs,
    input: &Input,
    origins: Option<&Origins>,
    given: &Defaults,
) -> Result<(Manifest, Diagnostics), Failure> {
    let (mut manifest, faults) = manifest::examine(&input.text, &input.folder, given);
    if manifest.entries.is_empty() && !faults.is_empty() {
        let manifest = input.name.clone();
        let refused = Refused {
            manifest,
            problems: faults,
            missing_logins: Vec::new(),
            missing_files: Vec::new(),
            is_manifest: manifest::is_manifest(&input.text),
            overrulable: 0,
            denied: false,
        };
        return Err(told(refused, origins).into());
    }
    if let Some(level) = manifest.widened.filter(|_| !args.draft) {
        let text = format!(
            "`--privacy` is wider than {level}, which the manifest's `defaults` say, and wins over it"
        );
        context
            .printer
            .warn_of(&Matter::once(format!("wider {}", input.name), &text), text.clone());
    }
    if args.skip_media_check {
        manifest.entries.iter_mut().for_each(|entry| entry.post.skip_media_check = true);
    }
    Ok((manifest, faults))
}

fn engine(
    context: &Context,
    tokens: &Tokens,
    store: Arc<dyn Store>,
    journal: Arc<dyn Journal>,
    options: Options,
    fingerprints: &Arc<Fingerprints>,
) -> Engine {
    Engine::builder(
        context.client.clone(),
        store,
        journal,
        Arc::new(StoredTokens(tokens.clone())),
        context.shutdown.clone(),
    )
    .clock(context.settings.clock)
    .timing(context.settings.timing.clone())
    .options(options)
    .fingerprints(Arc::clone(fingerprints))
    .stores(context.settings.sources.clone())
    .build()
}

/// Without any app nothing is sent; that is no trouble where nothing is to be sent.
async fn has_app(context: &Context, engine: &Engine, prepared: &Prepared) -> Result<(), Failure> {
    match apps::is_there_one(context) {
        Err(no_app) if Box::pin(engine.has_work(prepared)).await => Err(no_app),
        _ => Ok(()),
    }
}

fn options(args: &RunArgs) -> Options {
    Options {
        wait: !args.no_wait,
        chunk_size: args.chunk_size,
        repost: args.repost,
        retry_failed: !args.no_retry,
        rate: args.limit_rate.clone().map_or_else(RateLimiter::unlimited, RateLimiter::limited),
        jobs: args.jobs,
        ..Options::default()
    }
}

fn defaults(
    context: &Context,
    args: &RunArgs,
    accounts: &Accounts,
) -> Result<Defaults, AccountDefaultsError> {
    let flags = FieldValues::default()
        .with(Field::UserId, args.account.clone().map(FieldValue::Text))
        .with(Field::PrivacyLevel, args.privacy.map(FieldValue::Privacy));
    // Said on the command line for every post: a draft is never seen by more people.
    let draft = args.draft.then_some(FieldValue::Mode(Mode::Draft));
    let overrule = FieldValues::default().with(Field::Mode, draft);
    let settings = &context.settings;
    let accounts = AccountDefaults::new(&settings.account_defaults, accounts)?;
    Ok(Defaults {
        slots: settings.slots.clone(),
        overrule,
        flags,
        accounts,
        config: settings.defaults.clone(),
        templates: args.templates,
    })
}
