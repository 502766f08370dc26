//! `upload MANIFEST`: post what has not been posted, resume what was cut off.

mod input;

use std::sync::Arc;

use crate::auth::Tokens;
use crate::cli::UploadArgs;
use crate::commands::tokens::StoredTokens;
use crate::commands::{Context, apps, at_rest, journal};
use crate::engine::{Engine, Options, Preparation, Prepared, RateLimiter, Refused};
use crate::exit::Exit;
use crate::manifest::{self, Manifest};
use crate::model::{Defaults, Diagnostics, Field, FieldValue, FieldValues, Mode};
use crate::output::{self, Failure, UploadOutput};
use crate::source::{FileWatch, WatchError};
use crate::store::local::LocalStore;
use crate::store::{Accept, Journal, Store as _};

use self::input::Input;

/// Runs the command.
pub(super) async fn run(context: &Context, args: &UploadArgs) -> Result<Exit, Failure> {
    // What is to be posted.
    context.printer.step("reading the manifest");
    let path = args.manifest.clone();
    let input = match context.aside(move || Input::read(&path)).await? {
        Ok(input) => input?,
        Err(signal) => return Ok(signal.exit()),
    };
    let (manifest, faults) = read(context, args, &input)?;

    // What is there: accounts, posts made before, files.
    let state = &context.settings.home.state;
    let store = LocalStore::open(state, context.settings.clock)?;
    // A second signal ends the run here and now, and the tasks of the engine may outlive this for a moment.
    let _flushed = store.flush_on_drop();
    let accounts = store.accounts().all().await?;
    let journal = match (args.new_journal, args.dry_run) {
        (false, _) => journal::open(context, &store, Accept::Never).await?,
        (true, true) => journal::open(context, &store, Accept::DryRun).await?,
        // To prepare posts, whatever is wrong with it. It is taken once it is sure that this run can post.
        (true, false) => store.open_journal(Accept::DryRun).await?.journal,
    };
    let timing = &context.settings.timing;
    let files = manifest.entries.iter().filter_map(|entry| entry.post.source.file().cloned());
    let watch = FileWatch::begin(files, timing).await?;
    if watch.recent() > 0 {
        context.printer.note(output::watching(watch.recent(), timing));
    }
    let unfinished = match watch.end(timing, &context.shutdown).await {
        Ok(unfinished) => unfinished,
        Err(WatchError::Interrupted(signal)) => return Ok(signal.exit()),
        Err(WatchError::Shortage(shortage)) => return Err(shortage.into()),
    };

    // The posts, checked as far as that goes without TikTok.
    let options = options(args);
    let preparation = Preparation {
        name: input.name,
        folder: input.folder,
        accounts,
        unfinished,
        options: options.clone(),
        timing: timing.clone(),
        now: context.settings.clock.now(),
    };
    let prepared = preparation.prepare(journal.as_ref(), manifest, faults).await?;
    let posts = prepared.accounts.iter().map(|(_, posts)| posts.len()).sum();
    let output = UploadOutput::new(&context.printer).of(posts);
    for warning in &prepared.warnings {
        context.printer.warn(warning.as_str());
    }
    if prepared.accounts.is_empty() {
        return Ok(output.finish(Exit::Done));
    }

    // Only now the key of the token store is asked for, and the journal taken on.
    let store = at_rest::unlocked(context, store).await?;
    let tokens = context.tokens(&store).await?;
    let journal = if args.new_journal && !args.dry_run {
        drop(journal);
        journal::open(context, &store, Accept::Once).await?
    } else {
        journal
    };
    journal.check_key().await?;

    let engine = engine(context, &tokens, store, journal, options);
    let done = work(context, &engine, prepared, args.dry_run, &output).await;
    // Also after an error: a refresh that has begun must reach the disk before the program ends.
    tokens.flush().await;
    done?;
    let exit = output.finish(Exit::Done);
    if args.repost && exit != Exit::Done && !args.dry_run {
        context.printer.warn(
            "to finish, run it again without `--repost`: with it, what was posted now would be posted \
             once more",
        );
    }
    Ok(exit)
}

/// The posts of a manifest as flags and config.toml complete them, and what is wrong with it.
fn read(
    context: &Context,
    args: &UploadArgs,
    input: &Input,
) -> Result<(Manifest, Diagnostics), Failure> {
    let (mut manifest, faults) =
        manifest::examine(&input.text, &input.folder, &defaults(context, args));
    if manifest.entries.is_empty() && !faults.is_empty() {
        let manifest = input.name.clone();
        return Err(Refused { manifest, problems: faults, unknown_accounts: 0 }.into());
    }
    if let Some(level) = manifest.widened.filter(|_| !args.draft) {
        context.printer.warn(format!(
            "`--privacy` is wider than {level}, which the manifest's `defaults` say, and wins over it"
        ));
    }
    if args.skip_media_check {
        manifest.entries.iter_mut().for_each(|entry| entry.post.skip_media_check = true);
    }
    Ok((manifest, faults))
}

fn engine(
    context: &Context,
    tokens: &Tokens,
    store: LocalStore,
    journal: Arc<dyn Journal>,
    options: Options,
) -> Engine {
    Engine::builder(
        context.client.clone(),
        Arc::new(store),
        journal,
        Arc::new(StoredTokens(tokens.clone())),
        context.shutdown.clone(),
    )
    .clock(context.settings.clock)
    .timing(context.settings.timing.clone())
    .options(options)
    .build()
}

/// Works off the posts, or says what that would do, and tells what happens on the way.
async fn work(
    context: &Context,
    engine: &Engine,
    prepared: Prepared,
    dry_run: bool,
    output: &UploadOutput,
) -> Result<(), Failure> {
    if let Err(no_app) = apps::is_there_one(context)
        && engine.has_work(&prepared).await
    {
        return Err(no_app);
    }
    let mut events = if dry_run { engine.dry_run(prepared) } else { engine.upload(prepared) };
    while let Some(event) = events.next().await {
        output.event(&event);
    }
    Ok(())
}

fn options(args: &UploadArgs) -> Options {
    Options {
        wait: !args.no_wait,
        chunk_size: args.chunk_size,
        repost: args.repost,
        retry_failed: !args.no_retry,
        rate: args.limit_rate.map_or_else(RateLimiter::unlimited, RateLimiter::limited),
        jobs: args.jobs,
    }
}

fn defaults(context: &Context, args: &UploadArgs) -> Defaults {
    let flags = FieldValues::default()
        .with(Field::UserId, args.account.clone().map(FieldValue::Text))
        .with(Field::PrivacyLevel, args.privacy.map(FieldValue::Privacy));
    // Said on the command line for every post: a draft is never seen by more people.
    let draft = args.draft.then_some(FieldValue::Mode(Mode::Draft));
    let overrule = FieldValues::default().with(Field::Mode, draft);
    Defaults { overrule, flags, config: context.settings.defaults.clone() }
}
