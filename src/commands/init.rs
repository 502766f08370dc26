//! `init`: the credentials of an app, into config.toml, and what must be set in the developer portal.

use std::io::{self, IsTerminal as _};

use rustix::termios::OptionalActions;
use serde_json::json;

use crate::auth::paste::{LineError, Lines};
use crate::cli::{GlobalArgs, InitArgs};
use crate::commands::flags;
use crate::commands::hidden::Hidden;
use crate::exit::Exit;
use crate::output::{Failure, Line, Printer};
use crate::secret::Secret;
use crate::settings::{ConfigFile, Environment, NewApp};
use crate::signals::{Shutdown, Signal};
use crate::text;

/// The name of an app that is given none.
const NAME: &str = "default";

/// How often an empty answer on a terminal is asked for again.
const TRIES: u32 = 3;

/// Asks for the secret.
const SECRET_QUESTION: &str = "Client secret (not shown): ";

/// What must be set in the developer portal for the program to work.
const PORTAL: &str = "\
The app's settings at https://developers.tiktok.com/apps/ must match this program:

  platform      Desktop
  products      Login Kit, and Content Posting API with Direct Post switched on
  redirect URI  http://127.0.0.1:*/callback/ under Login Kit > Desktop, with the star and the slash
  scopes        user.info.basic, video.publish (to post), video.upload (to leave drafts)

A sandbox has a client key and secret of its own. Make the same settings there, add the accounts under
Sandbox settings > Target users and press Apply changes. The keys of the production side work once
TikTok has reviewed the app.

Until TikTok has audited the app, an account must be private when it posts, posts must be SELF_ONLY,
and five accounts may post in 24 hours.";

/// What is to be written.
struct Answers {
    name: String,
    client_key: String,
    client_secret: Secret,
}

/// Why there are none.
enum NoAnswers {
    Signal(Signal),
    Failure(Failure),
}

impl<E: Into<Failure>> From<E> for NoAnswers {
    fn from(error: E) -> Self {
        Self::Failure(error.into())
    }
}

/// Runs the command. It reads no more of the settings than the file that it writes.
pub(super) async fn run(
    global: &GlobalArgs,
    args: &InitArgs,
    printer: &Printer,
    shutdown: &Shutdown,
    env: &Environment<'_>,
) -> Result<Exit, Failure> {
    let file = ConfigFile::find(&flags(global), env)?;
    if let Some(name) = &global.app {
        file.check_name(name, args.force)?;
    }
    let mut person = Person { lines: Lines::of_stdin()?, printer, shutdown };
    let asked = if io::stdin().is_terminal() {
        person.is_asked(global, args, &file).await
    } else {
        person.has_piped(global, args).await
    };
    let Answers { name, client_key, client_secret } = match asked {
        Ok(answers) => answers,
        Err(NoAnswers::Signal(signal)) => return Ok(signal.exit()),
        Err(NoAnswers::Failure(failure)) => return Err(failure),
    };
    // Now it is known which of the lines is the secret.
    let client_secret = Secret::new(client_secret.expose());
    let app = NewApp { name: &name, client_key: &client_key, client_secret: &client_secret };
    file.put(&app, args.force)?;
    let path = file.path();
    if printer.is_json() {
        printer.json(&json!({ "event": "init", "app": name, "config": path }));
    } else {
        printer.talk(format!("[apps.{name}] is in {}, for you alone to read", path.display()));
        printer.talk("");
        for line in PORTAL.lines() {
            printer.talk(line);
        }
    }
    let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
    if set("TIKTOK_CLIENT_KEY") {
        printer.warn(
            "TIKTOK_CLIENT_KEY is set and wins over config.toml; unset it and \
             TIKTOK_CLIENT_SECRET to use this app",
        );
    }
    if !printer.is_json() {
        printer.talk("");
        let login = next_command(global, &file, &name);
        printer.talk(Line::default().text("next: ").heading(login));
    }
    Ok(Exit::Done)
}

/// The login to go on with.
fn next_command(global: &GlobalArgs, file: &ConfigFile, name: &str) -> String {
    let mut login = "tiktok-up login".to_owned();
    if file.must_be_named(name) {
        login.push_str(" --app ");
        login.push_str(name);
    }
    if let Some(home) = &global.home {
        login.push_str(" --home ");
        login.push_str(&text::quoted(home));
    }
    login
}

/// Whoever answers.
struct Person<'a> {
    lines: Lines,
    printer: &'a Printer,
    shutdown: &'a Shutdown,
}

impl Person<'_> {
    /// On a terminal: question by question, the secret unseen.
    async fn is_asked(
        &mut self,
        global: &GlobalArgs,
        args: &InitArgs,
        file: &ConfigFile,
    ) -> Result<Answers, NoAnswers> {
        let name = if let Some(name) = &global.app {
            name.clone()
        } else {
            let question = format!("Name of the app in config.toml [{NAME}]: ");
            let name = self.line(&question).await?.expose().trim().to_owned();
            if name.is_empty() { NAME.to_owned() } else { name }
        };
        file.check_name(&name, args.force)?;
        let client_key = match &args.client_key {
            Some(key) => key.trim().to_owned(),
            None => self.something("Client key: ").await?.expose().to_owned(),
        };
        // What was typed ahead may be the secret.
        let hidden = Hidden::begin(io::stdin(), OptionalActions::Now);
        let client_secret = if let Ok(mut hidden) = hidden {
            tokio::select! {
                answer = self.something(SECRET_QUESTION) => answer?,
                never = hidden.keep() => match never {},
            }
        } else {
            self.printer.warn("this terminal shows what is typed");
            self.something(SECRET_QUESTION).await?
        };
        Ok(Answers { name, client_key, client_secret })
    }

    /// From a pipe: a line each for what no option has said; the name may be left out.
    async fn has_piped(
        &mut self,
        global: &GlobalArgs,
        args: &InitArgs,
    ) -> Result<Answers, NoAnswers> {
        let wanted = if args.client_key.is_some() { 1 } else { 2 };
        let may_name = global.app.is_none();
        let mut lines = Vec::new();
        while let Some(line) = self.next().await? {
            let line = Secret::unlisted(line.expose().trim());
            if lines.len() <= wanted {
                lines.push(line);
            } else if !line.is_empty() {
                // Whatever follows: it is not what was asked for, and it may never end.
                return Err(piped_wrongly(args.client_key.is_some(), may_name).into());
            }
        }
        while lines.last().is_some_and(Secret::is_empty) {
            lines.pop();
        }
        let named = may_name && lines.len() == wanted + 1;
        if lines.len() != wanted && !named {
            return Err(piped_wrongly(args.client_key.is_some(), may_name).into());
        }
        let mut lines = lines.into_iter();
        let mut next = || lines.next().unwrap_or_default();
        let name = if named { Some(next().expose().to_owned()) } else { global.app.clone() };
        let client_key = match &args.client_key {
            Some(key) => key.trim().to_owned(),
            None => next().expose().to_owned(),
        };
        let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| NAME.to_owned());
        Ok(Answers { name, client_key, client_secret: next() })
    }

    /// An answer that is not empty, without the white space around it.
    async fn something(&mut self, question: &str) -> Result<Secret, NoAnswers> {
        for _ in 0..TRIES {
            let answer = Secret::unlisted(self.line(question).await?.expose().trim());
            if !answer.is_empty() {
                return Ok(answer);
            }
        }
        Err(Failure::usage("nothing was typed")
            .hint("the portal shows both on the app's page")
            .into())
    }

    async fn line(&mut self, question: &str) -> Result<Secret, NoAnswers> {
        self.printer.ask(question);
        let line = self.next().await?;
        line.ok_or_else(|| Failure::usage("the input ended; nothing was written").into())
    }

    async fn next(&mut self) -> Result<Option<Secret>, NoAnswers> {
        tokio::select! {
            line = self.lines.next() => Ok(line.transpose().map_err(cannot_read)?),
            signal = self.shutdown.requested() => Err(NoAnswers::Signal(signal)),
        }
    }
}

fn cannot_read(error: LineError) -> Failure {
    let failure = match error {
        LineError::Input(error) => {
            Failure::unexpected(error).context("failed to read standard input")
        }
        error => Failure::usage(format!("standard input has {error}; nothing was written")),
    };
    Failure { exit: Exit::Usage, ..failure }
}

fn piped_wrongly(has_key: bool, may_name: bool) -> Failure {
    let what = if has_key { "the client secret" } else { "the client key, the client secret" };
    let name = if may_name { "the app's name (may be left out), " } else { "" };
    Failure::usage("standard input is not the lines that were expected; nothing was written")
        .hint(format!("pipe one line each: {name}{what}"))
}
