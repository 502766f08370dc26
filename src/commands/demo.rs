//! `demo`: the whole thing in seconds, offline: a sandbox, a login, an upload, its status.
//!
//! The same code as a real run, in a temporary home; only the browser is played by the program.

use std::path::Path;
use std::time::Duration;

use tiktok_open::Endpoints;
use tiktok_sandbox::Sandbox;
use url::Url;

use crate::api::App;
use crate::auth::{Browser, LoginMethod};
use crate::cli::{DemoArgs, LoginArgs, RunArgs, StatusArgs};
use crate::commands::example::VIDEO;
use crate::commands::{Context, login, sandbox, status, upload};
use crate::exit::Exit;
use crate::output::{Failure, Line, Printer};
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
    _args: &DemoArgs,
) -> Result<Exit, Failure> {
    let folder = tempfile::Builder::new().prefix("tiktok-up-demo-").tempdir();
    let folder = folder.map_err(|error| failed("make a temporary home", error))?;
    let sandbox = start_sandbox()?;
    let context = context(folder.path(), &sandbox, printer, shutdown)?;
    say(
        printer,
        "Everything below happens offline, against a stand-in for TikTok on this machine,",
    );
    say(printer, "in a temporary home that is removed at the end.");

    step(printer, 1, "start the offline TikTok", "tiktok-up sandbox");
    say(printer, &format!("its page: {}", sandbox.page()));

    step(printer, 2, "log an account in", "tiktok-up login --alias ada");
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
    let exit = login::by(&context, &login, LoginMethod::Browser { port: Some(0), browser }).await?;
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

fn start_sandbox() -> Result<Sandbox, Failure> {
    let sandbox = Sandbox::builder().auto_consent(true).processing(Duration::from_secs(1));
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
