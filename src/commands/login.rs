//! `login`: one account, by a browser, a pasted address or a QR code.

use std::io::IsTerminal as _;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tiktok_open::Scopes;

use crate::api::App;
use crate::auth::paste::Lines;
use crate::auth::{AuthEvent, Browser, LoggedIn, Login, LoginMethod, Reporter};
use crate::cli::LoginArgs;
use crate::commands::picture::Picture;
use crate::commands::{Context, about, apps, at_rest};
use crate::exit::Exit;
use crate::model::RedirectUri;
use crate::output::{AuthOutput, Failure, Line, Printer, moment};
use crate::signals::Signal;
use crate::store::AccountStore;

/// What a login asks for unless it is told otherwise: to read the name, to post, to leave drafts.
const SCOPES: &str = "user.info.basic,video.publish,video.upload";

/// Runs the command.
pub(super) async fn run(context: &Context, args: &LoginArgs) -> Result<Exit, Failure> {
    let way = if args.qr || args.qr_png.is_some() || args.qr_open {
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
    let ready = match ready(context, args.scopes.as_ref()).await? {
        Ok(ready) => ready,
        Err(signal) => return Ok(signal.exit()),
    };
    let way = listenable(context, &ready.app, way)?;
    let picture = Picture::of(args)?;
    let output = AuthOutput::new(&context.printer).with_picture(picture.is_some());
    let printer = context.printer.clone();
    let reporter = Watching { output, printer, picture, exchanging: AtomicBool::new(false) };
    let login = ready.login(context, args.alias.as_deref(), args.timeout, &reporter);
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

/// What a login asks for that is not told what: the scopes of its app, if those are set.
pub(super) fn usual_scopes(of_app: Option<&Scopes>) -> Scopes {
    of_app.cloned().unwrap_or_else(|| Scopes::from_answer(SCOPES))
}

/// What a login is made with.
pub(super) struct Ready {
    pub(super) app: App,
    store: Arc<dyn AccountStore>,
    scopes: Scopes,
}

/// Fetches the app with its secret and opens the store: before anybody consents to a login that could not be kept.
/// `Err`: a signal came.
pub(super) async fn ready(
    context: &Context,
    scopes: Option<&Scopes>,
) -> Result<Result<Ready, Signal>, Failure> {
    context.printer.step("fetching the client secret");
    let here = context.clone();
    let app = match context.aside(move || apps::fetched_for_login(&here)).await? {
        Ok(app) => app?,
        Err(signal) => return Ok(Err(signal)),
    };
    let store = context.store().await?;
    let store = at_rest::unlocked_for_login(context, store).await?.shared.accounts();
    let scopes = scopes.cloned().unwrap_or_else(|| usual_scopes(app.scopes.as_ref()));
    Ok(Ok(Ready { app, store, scopes }))
}

impl Ready {
    /// The login of an account, known or new, by that name if there is one.
    pub(super) fn login<'a>(
        &'a self,
        context: &'a Context,
        name: Option<&'a str>,
        limit: Duration,
        reporter: &'a dyn Reporter,
    ) -> Login<'a> {
        Login {
            client: &context.client,
            store: self.store.as_ref(),
            app: &self.app,
            scopes: &self.scopes,
            name,
            limit,
            clock: context.settings.clock,
            timing: &context.settings.timing,
            reporter,
        }
    }
}

/// A browser that is sent where this program cannot wait ends at a page that does not load: whoever sits
/// at a terminal pastes its address.
fn listenable(context: &Context, app: &App, way: LoginMethod) -> Result<LoginMethod, Failure> {
    let LoginMethod::Browser { port, .. } = &way else { return Ok(way) };
    let waits = app.redirect_uri.as_ref().is_none_or(RedirectUri::can_be_listened_on);
    if waits || !std::io::stdin().is_terminal() {
        return Ok(way);
    }
    context.printer.note(
        "the app's redirect URI leads where this program cannot wait, so its address is pasted, as with \
         `--paste`",
    );
    Ok(LoginMethod::Paste { port: *port, lines: Lines::of_stdin()? })
}

/// Passes on what happens in a login, makes a picture of a code, and remembers when the code of the grant
/// begins to be spent: from then on a signal waits until the tokens are on the disk.
struct Watching {
    output: AuthOutput,
    printer: Printer,
    picture: Option<Picture>,
    exchanging: AtomicBool,
}

impl Reporter for Watching {
    fn report(&self, event: AuthEvent) {
        if event == AuthEvent::Exchanging {
            self.exchanging.store(true, Ordering::SeqCst);
        }
        let code = match &event {
            AuthEvent::QrCode { url } => Some(url.clone()),
            _ => None,
        };
        self.output.report(event);
        if let (Some(picture), Some(url)) = (&self.picture, code) {
            picture.show(&url, &self.printer);
        }
    }
}

/// Who logged in, what was granted, and until when.
fn report(context: &Context, done: &LoggedIn) {
    let account = &done.account;
    let printer = &context.printer;
    if printer.is_json() {
        let event = json!({
            "event": "login",
            "alias": account.alias,
            "scopes": account.scopes.iter().collect::<Vec<_>>(),
            "missing_scopes": done.missing.iter().collect::<Vec<_>>(),
            "access_expires_at": account.access_expires_at,
            "refresh_expires_at": account.refresh_expires_at,
            "again": done.again,
        });
        printer.json(&about(account, event));
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
