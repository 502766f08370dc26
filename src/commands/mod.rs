//! One file per command: the only module that joins the others.

mod accounts;
mod apps;
mod at_rest;
mod cancel;
mod complete;
mod config;
mod demo;
mod doctor;
mod ended;
mod example;
mod explain;
mod hidden;
mod history;
mod hooks;
mod init;
mod journal;
mod login;
mod logout;
mod open;
mod passphrase;
mod picture;
mod queue;
mod refresh;
mod resolve;
mod sandbox;
mod serve;
mod shell;
mod status;
mod store;
mod stores;
mod tokens;
mod upload;
mod videos;
mod watch;

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tiktok_open::Client;
use tokio::sync::{Mutex as AsyncMutex, oneshot};

use crate::api;
use crate::auth::Tokens;
use crate::cli::{Cli, Command, GlobalArgs, HookArgs, RunArgs};
use crate::clock::{self, Clock};
use crate::encrypt::Key;
use crate::exit::Exit;
use crate::fs;
use crate::hooks::Hooks;
use crate::model::account::Accounts;
use crate::model::{Account, RecordedPost};
use crate::output::{AuthOutput, Everywhere, Failure, Matter, Notes, Printer};
use crate::problem::Coded as _;
use crate::resources::{Shortage, no_threads};
use crate::settings::{Database, Environment, Flags, Home, Settings};
use crate::signals::{Shutdown, Signal};
use crate::source::{blocking, near};
use crate::text::{self, chain};

use self::ended::EndedPosts;
use self::stores::Stores;

/// What is told of the certificates that the environment names.
const CERTIFICATES: &str = "certificates";

/// What a command works with.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// What the run was told.
    pub(crate) settings: Settings,
    /// Where it talks.
    pub(crate) printer: Printer,
    /// TikTok.
    pub(crate) client: Client,
    /// Asks to stop.
    pub(crate) shutdown: Shutdown,
    /// How its posts end.
    ended: Arc<EndedPosts>,
    /// Whom it tells of what happens.
    hooks: Arc<Hooks>,
    /// The key of an encrypted token store, once it was fetched.
    store_key: Arc<OnceLock<Key>>,
    /// A database that was opened: what works side by side shares its few connections.
    opened: Arc<AsyncMutex<Option<Opened>>>,
}

/// A store in a database, and the settings that name it.
#[derive(Debug)]
struct Opened {
    database: Database,
    stores: Stores,
}

impl Context {
    /// Reads the settings, says so if they lead elsewhere than to TikTok, and makes the client.
    /// `keeps_count`: whether what is said is remembered, so that runs under cron say it once.
    pub(crate) async fn load(
        global: &GlobalArgs,
        printer: &Printer,
        shutdown: &Shutdown,
        env: &Environment<'_>,
        keeps_count: bool,
    ) -> Result<Self, Failure> {
        let loaded = Settings::load(&flags(global), env);
        if keeps_count {
            // What is wrong with the settings is said once as well, if there is a place to note it.
            let home = match &loaded {
                Ok(settings) => Some((settings.home.clone(), settings.clock)),
                Err(_) => Home::find(global.home.as_deref(), env)
                    .ok()
                    .map(|home| (home, Clock::default())),
            };
            if let Some((home, clock)) = home {
                printer.remember(Notes::open(&home.state, clock));
            }
        }
        let settings = loaded?;
        let overrides = settings.overrides();
        if !overrides.is_empty() {
            printer.warn(format!("this is not TikTok itself: {}", overrides.join(", ")));
        }
        if let Some(name) = clock::misnamed_zone() {
            printer.note(format!(
                "TZ names no time zone that is known: `{}`; times are told in UTC",
                text::shown(&name.to_string_lossy())
            ));
        }
        let state = settings.home.state.clone();
        if let Some(other) = blocking(move || near::sibling(&state)).await {
            let text = format!(
                "`{}` is not there; `{}` is",
                text::shown(&settings.home.state.display().to_string()),
                text::shown(&other.display().to_string())
            );
            printer.warn_of(&Matter::lasting("home", &text), text.clone());
        }
        // A directory that is not there yet is looked at once it is.
        if let Ok(Some(kind)) = fs::network_file_system(&settings.home.state) {
            let matter = Matter::lasting("network file system", settings.home.state.display());
            printer.warn_of(
                &matter,
                format!(
                    "{} is on a network file system ({kind}), where locks and the journal are not \
                     safe; choose a local directory with `--home`",
                    settings.home.state.display()
                ),
            );
        }
        let context = Self::new(settings, printer.clone(), shutdown.clone())?;
        match context.client.authorities().trouble() {
            Some(trouble) => printer.warn_of(
                &Matter::lasting(CERTIFICATES, &trouble),
                format!(
                    "{trouble}; the system's own certificates are not looked at while it is set"
                ),
            ),
            None => printer.settle(&[CERTIFICATES.to_owned()]),
        }
        Ok(context)
    }

    /// Makes the client for settings that are known already.
    pub(crate) fn new(
        settings: Settings,
        printer: Printer,
        shutdown: Shutdown,
    ) -> Result<Self, Failure> {
        let client = api::client(settings.endpoints.clone(), settings.clock, &settings.timing)?;
        let hooks = Arc::new(hooks::none(&settings));
        let (ended, store_key, opened) = <_>::default();
        Ok(Self { settings, printer, client, shutdown, ended, hooks, store_key, opened })
    }

    /// The same with the database that another one has opened, if both lead to it.
    #[must_use]
    fn beside(self, other: &Self) -> Self {
        Self { opened: Arc::clone(&other.opened), ..self }
    }

    /// With the hooks of the settings and of options, for a command that calls any.
    fn with_hooks(self, args: &HookArgs) -> Result<Self, Failure> {
        let hooks = Arc::new(hooks::of(&self.settings, args)?);
        Ok(Self { hooks, ..self })
    }

    /// Does work that may never end (a pipe that stays open, a command that waits for somebody) in a
    /// thread of its own, so that a signal need not wait for it: what it came to, or the signal.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Result<T, Signal>, Failure> {
        let (tell, told) = oneshot::channel();
        std::thread::Builder::new()
            .name("aside".to_owned())
            .spawn(move || _ = tell.send(work()))
            .map_err(|_| no_threads())?;
        tokio::select! {
            biased;
            signal = self.shutdown.requested() => Ok(Err(signal)),
            done = told => match done {
                Ok(done) => Ok(Ok(done)),
                Err(stopped) => Err(Failure::unexpected(stopped)),
            },
        }
    }

    /// Does work that is not to be left half done in a thread of its own, so that signals are heard
    /// meanwhile: the first one waits for it, the second one ends the run.
    async fn to_its_end<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let (tell, told) = oneshot::channel();
        std::thread::Builder::new()
            .name("to-its-end".to_owned())
            .spawn(move || _ = tell.send(work()))
            .map_err(|_| no_threads())?;
        told.await.map_err(Failure::unexpected)
    }

    /// The store that the settings name, made if there is none. Without the key of an encrypted one.
    async fn store(&self) -> Result<Stores, Failure> {
        let Some(database) = &self.settings.database else {
            return Box::pin(Stores::open(&self.settings)).await;
        };
        let mut opened = self.opened.lock().await;
        if let Some(known) = opened.as_ref().filter(|known| known.database == *database) {
            return Ok(known.stores.clone());
        }
        let stores = Box::pin(Stores::open(&self.settings)).await?;
        *opened = Some(Opened { database: database.clone(), stores: stores.clone() });
        Ok(stores)
    }

    /// The same if there is one: whoever only looks makes none.
    async fn existing_store(&self) -> Result<Option<Stores>, Failure> {
        if self.settings.database.is_some() {
            return self.store().await.map(Some);
        }
        Box::pin(Stores::existing(&self.settings)).await
    }

    /// The tokens of a store's accounts, interrupted refreshes brought to their end. Each account
    /// finds its own app.
    async fn tokens(&self, store: &Stores) -> Result<Tokens, Failure> {
        let accounts = store.shared.accounts().all().await.unwrap_or_default();
        let store = store.logins();
        let reporter = Arc::new(AuthOutput::new(&self.printer));
        let (client, timing) = (self.client.clone(), self.settings.timing.clone());
        let apps = Arc::new(apps::in_use(self));
        let tokens = Tokens::new(store, client, apps, self.settings.clock, timing, reporter);
        let watched = io::IsTerminal::is_terminal(&io::stderr());
        let patience = if watched { self.settings.timing.disk_full } else { Duration::ZERO };
        let tokens = tokens.with_patience(patience).with_shutdown(self.shutdown.clone());
        let failed = tokens.recover().await?;
        let mut recovered: Vec<_> = accounts.iter().map(recovery_subject).collect();
        recovered.retain(|one| failed.iter().all(|(account, _)| *one != recovery_subject(account)));
        self.printer.settle(&recovered);
        for (account, error) in failed {
            let text = format!(
                "an interrupted refresh of {} could not be brought to its end: {}",
                account.name(),
                chain(&error)
            );
            let subject = recovery_subject(&account);
            let matter = if error.is_temporary() {
                Matter::passing(subject)
            } else {
                Matter::lasting(subject, "recovery")
            };
            self.printer.warn_of(&matter, text);
        }
        Ok(tokens)
    }
}

/// That an interrupted refresh of an account is brought to its end.
fn recovery_subject(account: &Account) -> String {
    format!("recovery {}", account.open_id)
}

/// What the command line says about the settings.
fn flags(global: &GlobalArgs) -> Flags<'_> {
    Flags { home: global.home.as_deref(), app: global.app.as_deref() }
}

/// Runs the command. Only those that need settings read them: a faulty `config.toml` is no reason
/// not to run the others.
pub(crate) async fn dispatch(
    cli: Cli,
    printer: &Printer,
    env: &Environment<'_>,
) -> Result<Exit, Failure> {
    let is_service = matches!(cli.command, Command::Watch(_) | Command::Serve(_));
    let limit = cli.command.max_runtime();
    let shutdown =
        Shutdown::listen_for(is_service, limit).map_err(|error| {
            match Shortage::in_error(&error) {
                Some(shortage) => shortage.into(),
                None => Failure::unexpected(error).context("cannot listen to signals"),
            }
        })?;
    printer.begin(cli.command.name());
    // In a task of its own, so that it is answered also while the command computes.
    tokio::spawn(answer_questions(printer.behind(), shutdown.clone()));
    // The sandbox runs until it is told to stop.
    let is_answered = !matches!(cli.command, Command::Sandbox(_));
    if is_answered {
        tokio::spawn(answer_signals(printer.clone(), shutdown.clone()));
    }
    let command = perform(cli, printer, &shutdown, env);
    let outcome = tokio::select! {
        outcome = command => outcome,
        // Once asked to stop a command does so at the next safe place; a second signal insists.
        signal = shutdown.insisted() => Ok(signal.exit()),
    };
    if let Some(signal) = shutdown.asked().filter(|_| is_answered) {
        printer.stopping(signal);
    }
    match shutdown.has_insisted() {
        // Also if what it waited for without an end was given up for it.
        Some(signal) => {
            printer.stopped();
            // What went wrong before it is told all the same: it may be that tokens could not be saved.
            if let Err(failure) = outcome
                && !matches!(failure.exit, Exit::Signal(_))
            {
                printer.failure(&failure);
            }
            Ok(signal.exit())
        }
        None => outcome,
    }
}

/// How long a run may take to end after a second signal: what has begun to be written is written. After
/// that the process ends, whatever keeps it, be it a terminal that takes no more words.
const END: Duration = Duration::from_secs(3);

/// Answers signals at once, also while the command computes or waits for a lock.
#[expect(clippy::exit, reason = "whatever keeps the process may keep it for ever")]
async fn answer_signals(printer: Printer, shutdown: Shutdown) {
    let signal = shutdown.requested().await;
    let answered = printer.clone();
    // It may be the terminal that is stopped.
    let answer = move || answered.stopping(signal);
    let answering = std::thread::Builder::new().name("answer".to_owned()).spawn(answer);
    drop(answering);
    let signal = shutdown.insisted().await;
    fs::give_up_waiting();
    tokio::time::sleep(END).await;
    let end = std::thread::Builder::new().name("end".to_owned()).spawn(move || printer.stopped());
    if end.is_ok() {
        tokio::time::sleep(END / 6).await;
    }
    std::process::exit(signal.exit().code().into());
}

/// Tells where the run stands, as often as that is asked.
async fn answer_questions(printer: Printer, shutdown: Shutdown) {
    let mut answered = 0;
    loop {
        answered = shutdown.questioned(answered).await;
        printer.report_standing();
    }
}

async fn perform(
    cli: Cli,
    printer: &Printer,
    shutdown: &Shutdown,
    env: &Environment<'_>,
) -> Result<Exit, Failure> {
    // What cron runs. A dry run writes nothing.
    let keeps_count = match &cli.command {
        Command::Post(args) => !args.run.dry_run,
        Command::Upload(args) => !args.run.dry_run,
        Command::Refresh(_) | Command::Status(_) => true,
        _ => false,
    };
    let load = || Context::load(&cli.global, printer, shutdown, env, keeps_count);
    match &cli.command {
        Command::Init(args) => init::run(&cli.global, args, printer, shutdown, env).await,
        Command::Login(args) => login::run(&load().await?, args).await,
        Command::Logout(args) => logout::run(&load().await?, args).await,
        Command::Refresh(args) => {
            let outcome = match loaded(printer, load().await, Some(&args.hooks)) {
                Ok(context) => {
                    let outcome = refresh::run(&context, args).await;
                    hooks::end(&context, "refresh", &outcome).await;
                    outcome
                }
                Err(failure) => Err(failure),
            };
            unattended(printer, "refresh", outcome)
        }
        Command::Accounts(args) => accounts::run(&load().await?, args, env).await,
        Command::Upload(args) => {
            let list = upload::PostList::Manifest(args.manifest.clone());
            if args.queue.enqueue {
                return Box::pin(upload::enqueue(&load().await?, &list, &args.run)).await;
            }
            run_upload(printer, load().await, &list, &args.run).await
        }
        Command::Post(args) => {
            let list = upload::PostList::Options(args.clone());
            if args.queue.enqueue {
                return Box::pin(upload::enqueue(&load().await?, &list, &args.run)).await;
            }
            let run = upload::post_key(args);
            let outcome = match loaded(printer, load().await, args.run.hooks_of_run()) {
                Ok(context) => {
                    let outcome = Box::pin(upload::run(&context, &list, &args.run)).await;
                    hooks::end(&context, &run, &outcome).await;
                    outcome
                }
                Err(failure) => Err(failure),
            };
            unattended(printer, &run, outcome)
        }
        Command::Status(args) => {
            let context = load().await?.with_hooks(&args.hooks)?;
            let outcome = status::run(&context, args).await;
            hooks::end(&context, "status", &outcome).await;
            match outcome {
                // A quiet one says what passes no sooner than an upload does.
                Err(failure) if failure.exit == Exit::Temporary => {
                    unattended(printer, "status", Err(failure))
                }
                Ok(exit) => unattended(printer, "status", Ok(exit)),
                outcome => outcome,
            }
        }
        Command::Store(args) => Box::pin(store::run(&load().await?, args)).await,
        Command::Resolve(args) => resolve::run(&load().await?, args).await,
        Command::Cancel(args) => cancel::run(&load().await?, args).await,
        Command::History(args) => history::run(&load().await?, args).await,
        Command::Open(args) => open::run(&load().await?, args).await,
        Command::Config(args) => config::run(&cli.global, args, printer, shutdown, env).await,
        Command::Doctor(args) => doctor::run(&cli.global, args, printer, shutdown, env).await,
        Command::Watch(args) => {
            Box::pin(watch::run(&cli.global, args, printer, shutdown, env)).await
        }
        Command::Serve(args) => Box::pin(serve::run(&cli.global, &load().await?, args, env)).await,
        Command::Videos(args) => videos::run(&load().await?, args).await,
        Command::Explain(args) => explain::run(args, printer),
        Command::Completions(args) => Ok(shell::completions(args, printer)),
        Command::Man(args) => shell::man(args, printer),
        Command::Schema(args) => Ok(shell::schema(args.what, printer)),
        Command::Help(args) => Ok(shell::help(args, printer)),
        Command::Complete(args) => {
            complete::run(args, printer, env).await;
            Ok(Exit::Done)
        }
        Command::Sandbox(args) => sandbox::run(args, printer, shutdown, env).await,
        Command::Demo(args) => Box::pin(demo::run(printer, shutdown, args)).await,
    }
}

/// Posts what a manifest lists.
async fn run_upload(
    printer: &Printer,
    context: Result<Context, Failure>,
    list: &upload::PostList,
    args: &RunArgs,
) -> Result<Exit, Failure> {
    let manifest = list.manifest().map(upload::manifest_key).unwrap_or_default();
    let run = format!("upload {manifest}");
    let outcome = match loaded(printer, context, args.hooks_of_run()) {
        Ok(context) => {
            let outcome = Box::pin(upload::run(&context, list, args)).await;
            hooks::end(&context, &run, &outcome).await;
            outcome
        }
        Err(failure) => Err(failure),
    };
    if let (Some(notes), Err(failure)) = (printer.notes(), &outcome) {
        upload::note_refusal(notes, args, &manifest, failure);
    }
    unattended(printer, &run, outcome)
}

/// What came of reading the settings for a run that may be one of cron's.
fn loaded(
    printer: &Printer,
    settings: Result<Context, Failure>,
    hooks: Option<&HookArgs>,
) -> Result<Context, Failure> {
    let context = settings.map_err(|failure| failure.met_everywhere(Everywhere::Settings))?;
    printer.settle_everywhere(Everywhere::Settings);
    match hooks {
        Some(args) => context.with_hooks(args),
        None => Ok(context),
    }
}

/// What a run came to that may be one of cron's, for which every word is a mail: what ends it is told here.
/// What a signal has ended was ended on purpose.
fn unattended(
    printer: &Printer,
    run: &str,
    outcome: Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    match outcome {
        Err(failure) if !matches!(failure.exit, Exit::Signal(_)) => {
            printer.unattended_failure(run, &failure);
            Ok(failure.exit)
        }
        Ok(Exit::Signal(_)) | Err(_) => outcome,
        Ok(_) => {
            printer.settle_run(run);
            outcome
        }
    }
}

/// An object about an account, with what it is called: `account` (its alias, else its `open_id`), `open_id`
/// and `display_name`.
fn about(account: &Account, mut event: serde_json::Value) -> serde_json::Value {
    event["account"] = account.name().into();
    event["open_id"] = account.open_id.as_str().into();
    event["display_name"] = account.display_name.clone().into();
    event
}

/// The same of a post, whose account may be logged out by now: then it is called what it was called.
fn about_post(
    accounts: &Accounts,
    post: &RecordedPost,
    event: serde_json::Value,
) -> serde_json::Value {
    about_known(accounts, &post.account, &post.post_ref().account, event)
}

/// The same of an account, by its `open_id`, that is called `name` if it is not known.
fn about_known(
    accounts: &Accounts,
    open_id: &str,
    name: &str,
    mut event: serde_json::Value,
) -> serde_json::Value {
    if let Some(account) = accounts.get(open_id) {
        return about(account, event);
    }
    event["account"] = name.into();
    event["open_id"] = open_id.into();
    event["display_name"] = serde_json::Value::Null;
    event
}
