//! `upload MANIFEST`: post what has not been posted, resume what was cut off.

mod input;
mod prepare;
mod refused;

use futures_util::stream::{self, StreamExt};

use crate::auth::{Account, Store, Tokens};
use crate::cli::UploadArgs;
use crate::commands::{Context, journal};
use crate::exit::{Exit, Explain, Failure};
use crate::fs::{Lock, LockError};
use crate::journal::{Accept, Journal};
use crate::manifest;
use crate::model::{
    Defaults, Field, FieldValue, FieldValues, Mode, PostError, PostOutcome, PostState,
};
use crate::output::UploadOutput;
use crate::text;
use crate::timing::Timing;
use crate::upload::account::AccountRun;
use crate::upload::calls::Calls;
use crate::upload::engine::Options;
use crate::upload::pace::Pace;
use crate::upload::post::PreparedPost;
use crate::upload::report::Reporter;
use crate::upload::writing::unfinished_files;

use self::input::Input;
use self::prepare::{Look, Prepared, prepare};
use self::refused::Refused;
use crate::commands::authority::AccountTokens;

/// Runs the command.
pub(super) async fn run(context: &Context, args: &UploadArgs) -> Result<Exit, Failure> {
    let options = options(context, args);
    context.printer.step("reading the manifest");
    let manifest = args.manifest.clone();
    let input = match context.aside(move || Input::read(&manifest)).await? {
        Ok(input) => input?,
        Err(signal) => return Ok(signal.exit()),
    };
    let (mut manifest, faults) =
        manifest::examine(&input.text, &input.folder, &defaults(context, args));
    if manifest.entries.is_empty() && !faults.is_empty() {
        return Err(Refused { manifest: input.name, problems: faults, strangers: 0 }.into());
    }
    if let Some(level) = manifest.widened.filter(|_| !args.draft) {
        context.printer.warn(format!(
            "`--privacy` is wider than {level}, which the manifest's `defaults` say, and wins over it"
        ));
    }
    if args.draft {
        // Said on the command line for every post: a draft is never seen by more people.
        manifest.entries.iter_mut().for_each(|entry| entry.post.mode = Mode::Draft);
    }
    let state = &context.settings.home.state;
    let store = Store::open(state, context.settings.clock)?;
    let accounts = store.accounts()?;
    let journal = match (args.new_journal, args.dry_run) {
        (false, _) => journal::open(context, &store, Accept::Never)?,
        (true, true) => journal::open(context, &store, Accept::Rehearsing)?,
        // It is taken once it is sure that this run can post.
        (true, false) => journal::preview(context, &store)?,
    };
    let timing = &context.settings.timing;
    let files = manifest.entries.iter().filter_map(|entry| entry.post.source.file().cloned());
    let watching = |count| context.printer.note(watching_words(count, timing));
    let unfinished = match unfinished_files(files, timing, &context.shutdown, watching).await {
        Ok(unfinished) => unfinished,
        Err(signal) => return Ok(signal.exit()),
    };
    let look = Look {
        input: &input,
        journal: &journal,
        options: &options,
        timing,
        unfinished: &unfinished,
    };
    let prepared = prepare(manifest, faults, &look, &accounts)?;
    let posts = prepared.accounts.iter().map(|(_, posts)| posts.len()).sum();
    let output = UploadOutput::new(&context.printer).of(posts);
    for warning in &prepared.warnings {
        context.printer.warn(warning.as_str());
    }
    if prepared.accounts.is_empty() {
        return Ok(output.finish(Exit::Done));
    }
    let store = context.unlocked(store).await?;
    let key = store.key().cloned();
    let tokens = context.tokens(store).await?;
    let journal = if args.new_journal && !args.dry_run {
        drop(journal);
        journal::open(context, tokens.store(), Accept::Once)?
    } else {
        journal
    };
    let journal = journal.with_key(key);
    journal.check_key()?;
    let run =
        Run { context, options: &options, journal: &journal, tokens: &tokens, output: &output };
    let done = run.all(prepared, args).await;
    // Also after an error: a refresh that has begun must reach the disk before the program ends.
    tokens.settle().await;
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

fn watching_words(count: usize, timing: &Timing) -> String {
    format!(
        "{} changed within the last {} s, and it cannot be told whether they are finished: watching \
         until they have been still for {} s",
        text::count(u64::try_from(count).unwrap_or(u64::MAX), "file"),
        timing.recent.as_secs(),
        timing.still.as_secs(),
    )
}

/// What all accounts of a run share.
struct Run<'a> {
    context: &'a Context,
    options: &'a Options,
    journal: &'a Journal,
    tokens: &'a Tokens,
    output: &'a UploadOutput,
}

impl Run<'_> {
    async fn all(&self, prepared: Prepared, args: &UploadArgs) -> Result<(), Failure> {
        if let Err(no_app) = self.context.some_app()
            && self.is_due(&prepared).await
        {
            return Err(no_app);
        }
        if args.dry_run {
            self.rehearse(&prepared).await;
        } else {
            self.upload(prepared, args.jobs).await;
        }
        Ok(())
    }

    /// Works off the accounts, `jobs` of them side by side.
    async fn upload(&self, prepared: Prepared, jobs: usize) {
        let accounts = prepared.accounts.into_iter();
        let runs = accounts.map(|(account, posts)| self.account(account, posts));
        stream::iter(runs).buffer_unordered(jobs).collect::<()>().await;
    }

    async fn account(&self, account: Account, posts: Vec<PreparedPost>) {
        let lock = self.tokens.store().upload_lock(&account.open_id);
        let _held = match Lock::try_acquire(&lock) {
            Ok(held) => held,
            Err(error) => return self.locked_out(&posts, &error),
        };
        let authority = AccountTokens { tokens: self.tokens, open_id: &account.open_id };
        let calls = self.calls(&authority);
        AccountRun::new(&calls, self.options, &account.scopes).run(posts).await;
    }

    /// The calls of one account.
    fn calls<'a>(&'a self, authority: &'a AccountTokens<'a>) -> Calls<'a, AccountTokens<'a>> {
        Calls {
            client: &self.context.client,
            authority,
            journal: self.journal,
            account: authority.open_id,
            clock: self.context.settings.clock,
            timing: &self.context.settings.timing,
            reporter: self.output,
            shutdown: &self.context.shutdown,
        }
    }

    /// Another run posts for this account, or its lock cannot be had.
    fn locked_out(&self, posts: &[PreparedPost], error: &LockError) {
        let trouble = PostError {
            code: "account_busy".into(),
            message: match error {
                LockError::Held { pid, .. } => {
                    let by = pid.map_or_else(String::new, |pid| format!(", by process {pid}"));
                    format!("another run is posting for this account{by}")
                }
                LockError::File(_) => error.to_string(),
            },
            hint: error.hint(),
            retryable: error.exit() == Exit::Temporary,
            log_id: None,
        };
        let state = match error.exit() {
            Exit::Temporary => PostState::Deferred,
            _ => PostState::Failed,
        };
        for post in posts {
            let report = plain_report(post, state, error.exit());
            self.output.ended(&PostOutcome { trouble: Some(trouble.clone()), ..report });
        }
    }

    /// Whether anything is left to send or to ask for.
    async fn is_due(&self, prepared: &Prepared) -> bool {
        self.planned(prepared).await.iter().any(|report| report.state == PostState::Planned)
    }

    /// A dry run: what would be sent, and nothing is that makes a post.
    async fn rehearse(&self, prepared: &Prepared) {
        let mut reports = self.planned(prepared).await;
        reports.sort_by_key(|report| report.subject.index);
        for report in &reports {
            self.output.ended(report);
        }
    }

    async fn planned(&self, prepared: &Prepared) -> Vec<PostOutcome> {
        let mut reports = Vec::new();
        for (account, posts) in &prepared.accounts {
            let authority = AccountTokens { tokens: self.tokens, open_id: &account.open_id };
            let calls = self.calls(&authority);
            let run = AccountRun::new(&calls, self.options, &account.scopes);
            reports.extend(run.rehearse(posts).await);
        }
        reports
    }
}

fn plain_report(post: &PreparedPost, state: PostState, exit: Exit) -> PostOutcome {
    PostOutcome {
        subject: post.subject.clone(),
        state,
        publish_id: None,
        post_ids: Vec::new(),
        url: None,
        bytes: 0,
        took: std::time::Duration::ZERO,
        at: None,
        note: None,
        trouble: None,
        exit,
    }
}

fn options(context: &Context, args: &UploadArgs) -> Options {
    Options {
        wait: !args.no_wait,
        chunk_size: args.chunk_size,
        repost: args.repost,
        retry_failed: !args.no_retry,
        pace: args.limit_rate.map_or_else(Pace::unlimited, Pace::limited),
        clock: context.settings.clock,
    }
}

fn defaults(context: &Context, args: &UploadArgs) -> Defaults {
    let flags = FieldValues::default()
        .with(Field::UserId, args.account.clone().map(FieldValue::Text))
        .with(Field::Mode, args.draft.then_some(FieldValue::Mode(Mode::Draft)))
        .with(Field::PrivacyLevel, args.privacy.map(FieldValue::Privacy));
    Defaults { flags, config: context.settings.defaults.clone() }
}
