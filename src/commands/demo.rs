//! `demo`: the whole thing in seconds, offline: a sandbox, a login, an upload, its status; or the console in the
//! browser, with an account that is logged in and videos to post.
//!
//! The same code as a real run, in a temporary home; only the browser of the first login is played by the program.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, kill_process};
use tiktok_open::Endpoints;
use tiktok_sandbox::{ConsentPlan, Sandbox};
use tokio::process::{Child, Command};
use url::Url;

use crate::api::App;
use crate::auth::{Browser, LoginMethod};
use crate::cli::{DemoArgs, LoginArgs, RunArgs, StatusArgs};
use crate::commands::example::{Example, VIDEO};
use crate::commands::{Context, login, sandbox, status, upload};
use crate::exit::Exit;
use crate::fs::{PRIVATE_FILE, write_atomic};
use crate::output::{Failure, Line, OutputOptions, Printer};
use crate::secret::Secret;
use crate::settings::{Home, Settings};
use crate::signals::Shutdown;
use crate::timing::Timing;

/// The manifest of the demo, as a user would write it.
const MANIFEST: &str = r#"[
    {
        "user_id": "ada",
        "video_path": "demo.mp4",
        "description": "Hello from tiktok-up",
        "tags": ["demo", "cli"],
        "privacy_level": "SELF_ONLY",
    },
]
"#;

/// Runs the command.
pub(super) async fn run(
    printer: &Printer,
    shutdown: &Shutdown,
    args: &DemoArgs,
) -> Result<Exit, Failure> {
    let folder = tempfile::Builder::new().prefix("tiktok-up-demo-").tempdir();
    let folder = folder.map_err(|error| failed("make a temporary home", error))?;
    if args.web {
        return Box::pin(web(folder.path(), printer, shutdown, args)).await;
    }
    let sandbox = start_sandbox(true)?;
    let context = context(folder.path(), &sandbox, printer, shutdown)?;
    say(
        printer,
        "Everything below happens offline, against a stand-in for TikTok on this machine,",
    );
    say(printer, "in a temporary home that is removed at the end.");

    step(printer, 1, "start the offline TikTok", "tiktok-up sandbox");
    say(printer, &format!("its page: {}", sandbox.page()));

    step(printer, 2, "log an account in", "tiktok-up login --alias ada");
    let exit = log_in(&context).await?;
    if exit != Exit::Done {
        return Ok(exit);
    }

    step(printer, 3, "post a video", "tiktok-up upload videos_to_upload.json");
    let manifest = folder.path().join("videos_to_upload.json");
    write(&folder.path().join("demo.mp4"), VIDEO)?;
    write(&manifest, MANIFEST.as_bytes())?;
    for line in MANIFEST.trim_end().lines() {
        say(printer, line);
    }
    let exit =
        Box::pin(upload::run(&context, &upload::PostList::Manifest(manifest), &RunArgs::default()))
            .await?;
    if exit != Exit::Done {
        return Ok(exit);
    }

    step(printer, 4, "ask what became of it", "tiktok-up status --all");
    let exit = status::run(&context, &StatusArgs { all: true, ..StatusArgs::default() }).await?;
    printer.talk("");
    say(
        printer,
        "That was all of it. For the real one: register an app, then `tiktok-up init` and `tiktok-up",
    );
    say(printer, "login`; the README leads through it.");
    sandbox.shutdown().await;
    Ok(exit)
}

/// The console, in a process of its own: what it reads of the environment is the demo's, and nobody's real settings.
async fn web(
    folder: &Path,
    printer: &Printer,
    shutdown: &Shutdown,
    args: &DemoArgs,
) -> Result<Exit, Failure> {
    let sandbox = start_sandbox(false)?;
    // The first login needs nobody; for the next one the page of the sandbox asks.
    let consents = sandbox.consent(ConsentPlan::default());
    consents.map_err(|error| failed("plan the login", io::Error::other(error)))?;
    let quiet = Printer::on(OutputOptions::default(), Box::new(io::sink()), Box::new(io::sink()));
    let context = context(folder, &sandbox, &quiet, shutdown)?;
    let exit = log_in(&context).await?;
    if exit != Exit::Done {
        return Ok(exit);
    }
    Example::write(folder)?;
    write(&folder.join("demo.mp4"), VIDEO)?;
    let manifest = folder.join("posted.json");
    write(&manifest, MANIFEST.as_bytes())?;
    let list = upload::PostList::Manifest(manifest);
    let exit = Box::pin(upload::run(&context, &list, &RunArgs::default())).await?;
    if exit != Exit::Done {
        return Ok(exit);
    }
    let home = &context.settings.home.config;
    let config = config(&sandbox, &folder.join("videos"));
    write_atomic(&home.join("config.toml"), config.as_bytes(), PRIVATE_FILE)?;

    say(
        printer,
        "The console in the browser, offline, against a stand-in for TikTok on this machine.",
    );
    say(
        printer,
        "An account is logged in and has posted a video; `New post` has more to choose from.",
    );
    say(printer, &format!("What arrives at the stand-in: {}", sandbox.page()));
    say(printer, "Ctrl-C ends it, and nothing is left.");
    let console = console(home, &sandbox, args)
        .spawn()
        .map_err(|error| failed("start the console", error))?;
    let ended = until_its_end(console, shutdown).await;
    let ended = ended.map_err(|error| failed("wait for the console", error))?;
    sandbox.shutdown().await;
    Ok(if ended.success() { Exit::Done } else { Exit::Failed })
}

/// What the console of the demo has for settings.
fn config(sandbox: &Sandbox, videos: &Path) -> String {
    // A string of JSON is one of TOML.
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let (key, secret) = (sandbox.client_key(), sandbox.client_secret());
    format!(
        "[apps.demo]\nclient_key = {}\nclient_secret = {}\n\n[serve]\nfolders = [{}]\n\n\
         [slots.evening]\ntimes = [\"18:00\"]\n",
        text(&key),
        text(secret.expose()),
        text(&videos.display().to_string()),
    )
}

/// `tiktok-up serve` as somebody would type it whose settings are those of the demo alone.
fn console(home: &Path, sandbox: &Sandbox, args: &DemoArgs) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap_or_else(|_| "tiktok-up".into()));
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"TIKTOK_") {
            command.env_remove(name);
        }
    }
    command.args(["serve", "--listen", "127.0.0.1:0"]);
    if args.no_browser {
        command.arg("--no-browser");
    }
    command
        .env("TIKTOK_UP_HOME", home)
        .env("TIKTOK_UP_API_URL", sandbox.url())
        .env("TIKTOK_UP_AUTH_URL", sandbox.url())
        .stdin(Stdio::null())
        // A signal of the terminal is to reach it once, from here.
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// Waits until the console has ended, which a signal asks it for.
async fn until_its_end(mut console: Child, shutdown: &Shutdown) -> io::Result<ExitStatus> {
    tokio::select! {
        ended = console.wait() => return ended,
        _ = shutdown.requested() => {}
    }
    let id = console.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(id) = id {
        // It may have ended by now.
        _ = kill_process(id, rustix::process::Signal::TERM);
    }
    tokio::select! {
        ended = console.wait() => return ended,
        _ = shutdown.insisted() => console.start_kill()?,
    }
    console.wait().await
}

/// `login --alias ada`, in a browser that says yes.
async fn log_in(context: &Context) -> Result<Exit, Failure> {
    let browser = Browser::Custom(Box::new(browse));
    let login = LoginArgs {
        no_browser: false,
        qr: false,
        qr_png: None,
        qr_open: false,
        paste: false,
        port: Some(0),
        timeout: Duration::from_mins(1),
        scopes: None,
        alias: Some("ada".into()),
    };
    login::by(context, &login, LoginMethod::Browser { port: Some(0), browser }).await
}

fn start_sandbox(auto_consent: bool) -> Result<Sandbox, Failure> {
    let sandbox = Sandbox::builder().auto_consent(auto_consent).processing(Duration::from_secs(1));
    sandbox::redacted(sandbox).start().map_err(|error| failed("start the sandbox", error))
}

fn context(
    folder: &Path,
    sandbox: &Sandbox,
    printer: &Printer,
    shutdown: &Shutdown,
) -> Result<Context, Failure> {
    let endpoints = Endpoints::new(Some(sandbox.url()), Some(sandbox.url()))?;
    let app = App {
        name: Some("demo".into()),
        client_key: sandbox.client_key(),
        client_secret: Secret::new(sandbox.client_secret().expose()),
        redirect_uri: None,
        scopes: None,
    };
    let home = folder.join("home");
    let home = Home { config: home.clone(), state: home };
    let settings = Settings::given(home, endpoints, Timing::default(), app);
    Context::new(settings, printer.clone(), shutdown.clone())
}

/// Plays the person with the browser: opens the page and follows where it leads.
fn browse(url: &Url) {
    let url = url.clone();
    tokio::spawn(async move {
        // All of it is on this machine: no proxy, and no certificates, which a machine may lack.
        // The build wants cryptography all the same, and takes that of the process.
        _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build();
        // If it fails the login says that nobody came.
        if let Ok(client) = client {
            _ = client.get(url).send().await;
        }
    });
}

fn step(printer: &Printer, number: u32, what: &str, command: &str) {
    printer.talk("");
    printer.talk(Line::default().heading(format!("{number}. {what}")));
    printer.talk(format!("   $ {command}"));
}

fn say(printer: &Printer, text: &str) {
    printer.talk(format!("   {text}"));
}

fn write(path: &Path, content: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, content)
        .map_err(|error| failed(&format!("write {}", path.display()), error))
}

fn failed(doing: &str, error: std::io::Error) -> Failure {
    Failure::unexpected(error).context(format!("cannot {doing}"))
}
