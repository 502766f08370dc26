//! `upload MANIFEST`: post what has not been posted, resume what was cut off.

mod input;
mod prepare;
mod refused;

use futures_util::stream::{self, StreamExt};

use crate::auth::{Account, Store, Tokens};
use crate::cli::UploadArgs;
use crate::commands::Context;
use crate::exit::{Exit, Explain, Failure};
use crate::fs::{Lock, LockError};
use crate::journal::Journal;
use crate::manifest::{self, Defaults, Mode, Preferences};
use crate::output::UploadOutput;
use crate::upload::account::AccountRun;
use crate::upload::calls::Calls;
use crate::upload::engine::Options;
use crate::upload::pace::Pace;
use crate::upload::post::Post;
use crate::upload::report::{PostReport, PostState, Reporter, Trouble};

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
        manifest.entries.iter_mut().for_each(|entry| entry.mode = Mode::Draft);
    }
    let state = &context.settings.home.state;
    let store = Store::open(state, context.settings.clock)?;
    let accounts = store.accounts()?;
    let journal = Journal::open(state, context.settings.clock)?;
    if journal.came_from_elsewhere() {
        context.printer.warn(
            "the journal was last used on another machine: if it is a copy or a restored backup, it \
             may not know what was posted since, and that may be posted again",
        );
    }
    let timing = &context.settings.timing;
    let look = Look { input: &input, journal: &journal, options: &options, timing };
    let prepared = prepare(manifest, faults, &look, &accounts)?;
    let posts = prepared.accounts.iter().map(|(_, posts)| posts.len()).sum();
    let output = UploadOutput::new(&context.printer).of(posts);
    for warning in &prepared.warnings {
        context.printer.warn(warning.as_str());
    }
    if prepared.accounts.is_empty() {
        return Ok(output.finish(Exit::Done));
    }
    let tokens = context.tokens(store).await?;
    let run =
        Run { context, options: &options, journal: &journal, tokens: &tokens, output: &output };
    if let Err(no_app) = context.some_app()
        && run.is_due(&prepared).await
    {
        return Err(no_app);
    }
    if args.dry_run {
        run.rehearse(&prepared).await;
    } else {
        run.upload(prepared, args.jobs).await;
    }
    // A refresh that has begun must reach the disk before the program ends.
    tokens.settle().await;
    let exit = output.finish(Exit::Done);
    if args.repost && exit != Exit::Done && !args.dry_run {
        context.printer.warn(
            "to finish, run it again without `--repost`: with it, what was posted now would be posted \
             once more",
        );
    }
    Ok(exit)
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
    /// Works off the accounts, `jobs` of them side by side.
    async fn upload(&self, prepared: Prepared, jobs: usize) {
        let accounts = prepared.accounts.into_iter();
        let runs = accounts.map(|(account, posts)| self.account(account, posts));
        stream::iter(runs).buffer_unordered(jobs).collect::<()>().await;
    }

    async fn account(&self, account: Account, posts: Vec<Post>) {
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
    fn locked_out(&self, posts: &[Post], error: &LockError) {
        let trouble = Trouble {
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
            self.output.ended(&PostReport { trouble: Some(trouble.clone()), ..report });
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

    async fn planned(&self, prepared: &Prepared) -> Vec<PostReport> {
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

fn plain_report(post: &Post, state: PostState, exit: Exit) -> PostReport {
    PostReport {
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
    let flags = Preferences {
        user: args.account.clone(),
        mode: args.draft.then_some(Mode::Draft),
        privacy: args.privacy,
        ..Preferences::default()
    };
    Defaults { flags, config: context.settings.defaults.clone() }
}
