//! `doctor`: looks at what a run needs, here and at TikTok, and says what to change. It changes nothing itself, not
//! even tokens that are due; `--fix` mends what is ours and safe to mend, and `--repair-journal` saves what can be
//! saved of a damaged journal.

mod fix;
mod machine;
mod repair;
mod tiktok;
mod unattended;

use serde_json::json;

use crate::cli::{DoctorArgs, GlobalArgs};
use crate::commands::{Context, flags, store};
use crate::exit::Exit;
use crate::output::{Explain, Failure, Printer};
use crate::settings::{Environment, in_use};
use crate::signals::Shutdown;
use crate::text::chain;

/// Runs the command.
pub(super) async fn run(
    global: &GlobalArgs,
    args: &DoctorArgs,
    printer: &Printer,
    shutdown: &Shutdown,
    env: &Environment<'_>,
) -> Result<Exit, Failure> {
    if args.repair_journal {
        let context = Context::load(global, printer, shutdown, env, false).await?;
        let here = context.clone();
        return context.to_its_end(move || repair::repair(&here)).await?;
    }
    if args.fix {
        fix::mend(global, printer, env)?;
    }
    let mut report = Report { printer, exit: Exit::Done };
    let context = match Context::load(global, printer, shutdown, env, false).await {
        Ok(context) => context,
        Err(failure) => {
            let message = format!("{:#}", failure.error);
            report.tell(Finding {
                check: "config",
                exit: failure.exit,
                message,
                hint: failure.hint,
            });
            return Ok(report.exit);
        }
    };
    let settings = in_use(&flags(global), env)?;
    report.tell(machine::config(&context.settings.home.config_file()));
    report.tell_all(machine::origins(&settings));
    // A key may come from a command or a keyring that does not answer.
    let here = context.clone();
    let machine = match context.aside(move || machine::check(&here)).await? {
        Ok(machine) => machine,
        Err(signal) => return Ok(signal.exit()),
    };
    report.tell_all(machine.findings);
    if context.settings.database.is_some() {
        report.tell_all(Box::pin(database(&context)).await);
    }
    report.tell(machine::callback(&context).await);
    report.tell_all(unattended::check(&settings, env));
    // What is mended is mended on this machine alone.
    if !args.offline && !args.fix {
        tokio::select! {
            biased;
            signal = context.shutdown.requested() => return Ok(signal.exit()),
            () = tiktok::check(&context, &machine.logins, &mut report) => {}
        }
    }
    Ok(report.exit)
}

/// What is found of the database that keeps the store.
async fn database(context: &Context) -> Vec<Finding> {
    match store::look(context).await {
        Ok(found) => {
            let told = found.into_iter().map(|(message, problem)| match problem {
                None => Finding::good("store", message),
                Some(failure) => Finding {
                    check: "store",
                    exit: failure.exit,
                    message: format!("{:#}", failure.error),
                    hint: failure.hint,
                },
            });
            told.collect()
        }
        Err(failure) => vec![Finding {
            check: "store",
            exit: failure.exit,
            message: format!("{:#}", failure.error),
            hint: failure.hint,
        }],
    }
}

/// What a check came to: good if its exit code is 0, and then something is still to do if there is a hint.
#[derive(Debug)]
struct Finding {
    check: &'static str,
    exit: Exit,
    message: String,
    hint: Option<String>,
}

impl Finding {
    fn good(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, exit: Exit::Done, message: message.into(), hint: None }
    }

    /// What is in the way on this machine.
    fn bad(check: &'static str, error: &impl Explain) -> Self {
        let exit = match error.exit() {
            exit @ (Exit::Login | Exit::Usage) => exit,
            // What a lock or a full disk keeps from being looked at is local trouble here.
            _ => Exit::Local,
        };
        Self { exit, ..Self::of(check, error) }
    }

    /// What came of asking TikTok.
    fn of(check: &'static str, error: &impl Explain) -> Self {
        Self { check, exit: error.exit(), message: chain(error), hint: error.hint() }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// Tells what was found, and keeps the worst of it.
struct Report<'a> {
    printer: &'a Printer,
    exit: Exit,
}

impl Report<'_> {
    fn tell_all(&mut self, findings: impl IntoIterator<Item = Finding>) {
        findings.into_iter().for_each(|finding| self.tell(finding));
    }

    fn tell(&mut self, finding: Finding) {
        let Finding { check, exit, message, hint } = finding;
        let printer = self.printer;
        self.exit = self.exit.worst(exit);
        let good = exit == Exit::Done;
        if good && printer.options().quiet && !printer.is_json() {
            return;
        }
        if printer.is_json() {
            printer.json(&json!({
                "event": "check",
                "check": check,
                "ok": good,
                "message": message,
                "hint": hint,
                "exit": exit.code(),
            }));
            return;
        }
        let word = match hint {
            _ if !good => "trouble",
            None => "ok     ",
            Some(_) => "to do  ",
        };
        let hint = hint.map(|hint| format!(" -> {hint}")).unwrap_or_default();
        printer.data(format!("{word}  {check}: {message}{hint}"));
    }
}
