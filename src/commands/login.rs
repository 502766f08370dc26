//! `login`: one account, by a browser, a pasted address or a QR code.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tiktok_open::Scopes;

use crate::auth::paste::Lines;
use crate::auth::{AuthEvent, Browser, LoggedIn, Login, LoginMethod, Reporter};
use crate::cli::LoginArgs;
use crate::commands::{Context, apps, at_rest};
use crate::exit::Exit;
use crate::output::{AuthOutput, Failure, Line, moment};
use crate::signals::Signal;
use crate::store::Store as _;
use crate::store::local::LocalStore;

/// What a login asks for unless it is told otherwise: to read the name, to post, to leave drafts.
const SCOPES: &str = "user.info.basic,video.publish,video.upload";

/// Runs the command.
pub(super) async fn run(context: &Context, args: &LoginArgs) -> Result<Exit, Failure> {
    let way = if args.qr {
        LoginMethod::Qr
    } else if args.paste {
        LoginMethod::Paste { port: args.port, lines: Lines::of_stdin()? }
    } else {
        let browser = if args.no_browser { Browser::Print } else { Browser::Open };
        LoginMethod::Browser { port: args.port, browser }
    };
    by(context, args, way).await
}

/// Logs in by the given way.
pub(super) async fn by(
    context: &Context,
    args: &LoginArgs,
    way: LoginMethod,
) -> Result<Exit, Failure> {
    context.printer.step("fetching the client secret");
    let here = context.clone();
    let app = match context.aside(move || apps::fetched_for_login(&here)).await? {
        Ok(app) => app?,
        Err(signal) => return Ok(signal.exit()),
    };
    // Before anybody consents to a login that could not be kept.
    let store = LocalStore::open(&context.settings.home.state, context.settings.clock)?;
    let store = at_rest::unlocked_for_login(context, store).await?.accounts();
    let scopes = match (&args.scopes, &app.scopes) {
        (Some(scopes), _) | (None, Some(scopes)) => scopes.clone(),
        (None, None) => Scopes::from_answer(SCOPES),
    };
    let output = AuthOutput::new(&context.printer).with_png(args.qr_png.clone());
    let reporter = Watching { output, exchanging: AtomicBool::new(false) };
    let login = Login {
        client: &context.client,
        store: store.as_ref(),
        app: &app,
        scopes: &scopes,
        name: args.alias.as_deref(),
        limit: args.timeout,
        clock: context.settings.clock,
        timing: &context.settings.timing,
        reporter: &reporter,
    };
    let mut run = pin!(login.run(way));
    let (done, stopped_by) = tokio::select! {
        biased;
        done = &mut run => (done?, None),
        signal = context.shutdown.requested() => {
            if !reporter.exchanging.load(Ordering::SeqCst) {
                return Ok(signal.exit());
            }
            context.printer.note("TikTok is handing out the tokens: they are saved before this ends");
            (run.await?, Some(signal))
        }
    };
    report(context, &done);
    Ok(stopped_by.map_or(Exit::Done, Signal::exit))
}

/// Passes on what happens in a login, and remembers when its code begins to be spent: from then on a
/// signal waits until the tokens are on the disk.
struct Watching {
    output: AuthOutput,
    exchanging: AtomicBool,
}

impl Reporter for Watching {
    fn report(&self, event: AuthEvent) {
        if event == AuthEvent::Exchanging {
            self.exchanging.store(true, Ordering::SeqCst);
        }
        self.output.report(event);
    }
}

/// Who logged in, what was granted, and until when.
fn report(context: &Context, done: &LoggedIn) {
    let account = &done.account;
    let printer = &context.printer;
    if printer.is_json() {
        printer.json(&json!({
            "event": "login",
            "open_id": account.open_id,
            "alias": account.alias,
            "display_name": account.display_name,
            "scopes": account.scopes.iter().collect::<Vec<_>>(),
            "missing_scopes": done.missing.iter().collect::<Vec<_>>(),
            "access_expires_at": account.access_expires_at,
            "refresh_expires_at": account.refresh_expires_at,
            "again": done.again,
        }));
        return;
    }
    let name = account.display_name.as_deref().unwrap_or("(no name)");
    let known = account.alias.as_ref().map(|alias| format!(", alias {alias}")).unwrap_or_default();
    let line = |text: String| printer.talk(Line::default().text(text));
    line(format!("logged in: {name} ({}{known})", account.open_id));
    line(format!("granted:   {}", account.scopes));
    line(format!(
        "lasts:     until {} without use; the access token of {} is renewed by itself",
        moment(account.refresh_expires_at),
        moment(account.access_expires_at)
    ));
}
