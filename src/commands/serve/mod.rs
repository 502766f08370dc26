//! `serve`: the console in the browser. Gathers what its pages show, and does what their buttons ask for through the
//! functions of the other commands.

mod answer;
mod checks;
mod composing;
mod console;
mod folders;
mod logins;
mod posting;
mod queueing;
mod read;
mod settings;
mod show;
mod standing;
mod users;
mod web;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use url::Url;

use self::checks::Checks;
use self::console::{Composing, Console};
use self::logins::{CALLBACK, Logins};
use self::posting::draft::Drafts;
use self::posting::queue::Queue;
use self::posting::worker::{self, Posting, Workers};
use self::web::flash::Flashes;
use self::web::streams::Streams;
use super::{Context, queue};
use crate::auth::browser;
use crate::cli::{GlobalArgs, Listen, RunArgs, ServeArgs};
use crate::console::access::{Access, Hooks, Origin, Rules};
use crate::console::server::{self, Server, Tls};
use crate::exit::Exit;
use crate::fs::{Lock, LockError, private_dir};
use crate::output::{Failure, Line};
use crate::problem::{Coded, ErrorCode, Problem};
use crate::settings::Environment;
use crate::text::chain;

/// Runs the command.
pub(super) async fn run(
    global: &GlobalArgs,
    context: &Context,
    args: &ServeArgs,
    env: &Environment<'_>,
) -> Result<Exit, Failure> {
    private_dir(&context.settings.home.state)?;
    let folder = private_dir(&context.settings.home.state.join("console"))?;
    if let Some(action) = &args.action {
        return users::run(context, &folder, action, env).await;
    }
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(certificates), Some(key)) => Some(Tls::read(certificates, key)?),
        _ => None,
    };
    let listen = match &args.listen {
        Listen::Tcp(address) => server::Listen::Tcp(*address),
        Listen::Unix(path) => server::Listen::Unix(path.clone()),
    };
    // Two consoles would take posts out of each other's hands.
    let lock = folder.join("console.lock");
    let alone = match Lock::try_acquire(&lock) {
        Err(LockError::Held { .. }) => return Err(ServeError::Running { lock }.into()),
        taken => taken?,
    };
    let serve = &context.settings.serve;
    let origin = serve.origin.as_ref();
    let server = Server::bind(&listen, tls).await?;
    let public = origin.and_then(|origin| Origin::parse(&origin.origin().ascii_serialization()));
    let queue = Queue::open(&folder)?;
    let drafts = Drafts::open(&folder)?;
    let port = match server.address() {
        server::Listen::Tcp(address) => Some(address.port()),
        server::Listen::Unix(_) => None,
    };
    let endpoints = &context.settings.endpoints;
    let origin_of = |base: String| {
        let url = Url::parse(&base).ok()?;
        Origin::parse(&url.origin().ascii_serialization())
    };
    let rules = Rules {
        listen: server.address().clone(),
        tls: server.is_tls(),
        public,
        authorize: origin_of(endpoints.auth_base()),
        pictures: Some(endpoints.api_base())
            .filter(|_| endpoints.on_loopback())
            .and_then(origin_of),
        open_paths: vec![CALLBACK.to_owned(), CALLBACK.trim_end_matches('/').to_owned()],
    };
    let access = Access::open(&folder, context.settings.clock, rules, hooks(context))?;
    check_reach(&server, &access, origin.is_some())?;
    let posting = Posting::new(global.clone(), context.clone(), queue, drafts);
    let console = Arc::new(Console {
        global: global.clone(),
        address: access.address(),
        port,
        access: Mutex::new(Some(Arc::clone(&access))),
        folder,
        posting: Arc::clone(&posting),
        logins: Logins::default(),
        workers: Workers::new(posting),
        flashes: Flashes::default(),
        streams: Streams::default(),
        checks: Checks::default(),
        composing: Composing::default(),
    });
    console.clean(&alone)?;
    console.settle()?;
    console.wake_all();
    let link = access.first_link();
    context.printer.demand(Line::default().text("the console is at ").verbatim(link.expose()));
    if !args.no_browser
        && let Ok(url) = Url::parse(link.expose())
        && browser::is_likely()
    {
        _ = browser::open(&url).await;
    }
    let shutdown = context.shutdown.clone();
    let ends = async move { _ = shutdown.requested().await };
    let serving = server.serve(access.protect(web::router(Arc::clone(&console))), ends);
    let working = async {
        if args.worker {
            let settings = || console.context();
            let queue = async {
                if context.settings.database.is_some() {
                    queue::Worker::new(&RunArgs::default(), worker::EVERY).work(&settings).await;
                }
            };
            tokio::join!(worker::work(&console.posting, args.list.clone()), queue);
        }
    };
    tokio::join!(serving, working, console.sweep_drafts());
    console.logins.end().await;
    console.workers.end().await;
    // It was to run until somebody stops it.
    Ok(Exit::Done)
}

/// Why the console is not served.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    /// One serves already.
    #[error("another console runs here: it holds `{}`", lock.display())]
    Running { lock: PathBuf },
    /// There is nobody whom the console could know from anybody else.
    #[error("other machines would reach the console, and it has no users with passwords")]
    NoUsers,
    /// Passwords and posts would be readable on the way.
    #[error("other machines reach that address, and what is sent to it could be read on the way")]
    InTheClear,
}

impl Coded for ServeError {
    fn problem(&self) -> Problem {
        let reach = |missing| Problem::new(ErrorCode::ConsoleReach).with("missing", missing);
        match self {
            Self::Running { .. } => ErrorCode::ConsoleRunning.into(),
            Self::NoUsers => reach("`tiktok-up serve add-user NAME` adds one"),
            Self::InTheClear => reach(
                "give `--tls-cert` and `--tls-key`, or listen on 127.0.0.1 behind a proxy that speaks https",
            ),
        }
    }
}

/// An error if other machines reach a console that is not protected against them.
fn check_reach(server: &Server, access: &Access, by_proxy: bool) -> Result<(), Failure> {
    let is_local = server.address().is_local();
    let has_users = !access.users().list()?.is_empty();
    if (!is_local || by_proxy) && !has_users {
        return Err(ServeError::NoUsers.into());
    }
    if !is_local && !server.is_tls() {
        return Err(ServeError::InTheClear.into());
    }
    Ok(())
}

/// What the pages of those who have no session say, and what is told at the terminal.
fn hooks(context: &Context) -> Hooks {
    let (terminal, warned) = (context.printer.clone(), context.printer.clone());
    Hooks {
        sign_in: Box::new(show::sign_in),
        refused: Box::new(show::refused),
        told: Box::new(show::told),
        print_link: Box::new(move |link| {
            terminal.behind().demand(Line::default().text("open ").verbatim(link.expose()));
        }),
        audit_failed: Box::new(move |error| {
            let why = chain(error);
            warned.warn(format!("what is done in the console cannot be noted down: {why}"));
        }),
    }
}
