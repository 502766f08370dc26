//! `doctor`: looks at what is on this machine and says what to change; saves what can be saved of a
//! damaged journal. Nothing is asked of TikTok.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use crate::auth::{Account, Apps as _, AuthError, NotUsable};
use crate::cli::{DoctorArgs, GlobalArgs};
use crate::commands::{Context, apps, at_rest};
use crate::exit::Exit;
use crate::fs::{self, Lock, LockError};
use crate::model::PostNumber;
use crate::output::{Explain, Failure, Printer, moment};
use crate::settings::Environment;
use crate::signals::Shutdown;
use crate::store::local::TokenFile;
use crate::store::local::{Repair, Repaired, SqliteJournal};
use crate::text;
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
        return context.to_its_end(move || repair(&here)).await?;
    }
    let context = match Context::load(global, printer, shutdown, env, false).await {
        Ok(context) => context,
        Err(failure) => {
            let message = format!("{:#}", failure.error);
            let finding =
                Finding { check: "config", exit: failure.exit, message, hint: failure.hint };
            report(printer, &finding);
            return Ok(finding.exit);
        }
    };
    // A key may come from a command or a keyring that does not answer.
    let here = context.clone();
    let findings = match context.aside(move || check(&here)).await? {
        Ok(findings) => findings,
        Err(signal) => return Ok(signal.exit()),
    };
    Ok(findings.iter().fold(Exit::Done, |exit, finding| {
        report(printer, finding);
        exit.worst(finding.exit)
    }))
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

    fn bad(check: &'static str, error: &impl Explain) -> Self {
        let exit = match error.exit() {
            exit @ (Exit::Login | Exit::Usage) => exit,
            // What a lock or a full disk keeps from being looked at is local trouble here.
            _ => Exit::Local,
        };
        Self { check, exit, message: chain(error), hint: error.hint() }
    }
}

fn report(printer: &Printer, finding: &Finding) {
    let Finding { check, exit, message, hint } = finding;
    let good = *exit == Exit::Done;
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
    let hint = hint.as_ref().map(|hint| format!(" -> {hint}")).unwrap_or_default();
    printer.data(format!("{word}  {check}: {message}{hint}"));
}

fn check(context: &Context) -> Vec<Finding> {
    let home = &context.settings.home;
    let mut findings = vec![config(&home.config_file()), proxy(context), certificates(context)];
    findings.extend(credentials(context));
    if !home.state.exists() {
        let message = format!("`{}` is not there yet", home.state.display());
        findings.push(Finding::good("state", message));
        findings.push(nobody(context));
        return findings;
    }
    let store = match TokenFile::open(&home.state, context.settings.clock) {
        Ok(store) => store,
        Err(error) => {
            findings.push(Finding::bad("state", &error));
            return findings;
        }
    };
    findings.push(Finding::good("state", format!("`{}` is yours alone", store.dir().display())));
    findings.push(locks(store.dir()));
    findings.extend(tokens(context, &store));
    findings.extend(secrets(context));
    findings.extend(the_journal(store));
    findings
}

/// Reading it was part of loading the settings.
fn config(path: &Path) -> Finding {
    let message = if path.exists() {
        format!("`{}` can be read", path.display())
    } else {
        format!("`{}` is not there; nothing but the environment is used", path.display())
    };
    Finding::good("config", message)
}

/// Which proxy requests go through; that it can be read was part of making the client.
fn proxy(context: &Context) -> Finding {
    let host = context.client.api_host();
    let message = match context.client.proxy() {
        Some(proxy) => format!("what is for {host} goes through {proxy} ({})", proxy.variable),
        None => format!("no proxy is set for {host}"),
    };
    Finding::good("proxy", message)
}

/// Whether the apps that this run may speak as have a client key and secret: read as a run reads them, so
/// that a command is run, and may take as long as it may there.
fn credentials(context: &Context) -> Vec<Finding> {
    let known = &context.settings.apps;
    if let (true, Err(error)) = (known.is_empty(), known.for_login()) {
        return vec![Finding::bad("apps", &error)];
    }
    let mut findings = Vec::new();
    for app in known.in_use() {
        let label = app.label();
        let mut odd = None;
        findings.push(match app.fetch(|lookalike| odd = Some(lookalike.to_string())) {
            Err(error) => Finding {
                message: format!("the app {label} cannot be used: {}", chain(&*error)),
                ..Finding::bad("apps", &*error)
            },
            Ok(_) => match odd {
                Some(message) => Finding {
                    check: "apps",
                    exit: Exit::Usage,
                    message,
                    hint: Some(COMPARE.to_owned()),
                },
                None => Finding::good("apps", format!("the app {label} has client key and secret")),
            },
        });
    }
    // Also where no account is logged in yet: it is the next thing that somebody runs into.
    findings.extend(known.for_login().err().map(|error| Finding::bad("apps", &error)));
    findings
}

/// What to do about credentials that look odd.
const COMPARE: &str =
    "compare them with the app's page at https://developers.tiktok.com/apps/, which shows both";

/// The accounts whose tokens a run would not use, whatever they are worth: the app that made them is not
/// there, or another API issued them.
fn unusable(context: &Context, accounts: &[&Account]) -> Vec<Finding> {
    let apps = apps::in_use(context);
    let mut errors: Vec<AuthError> = Vec::new();
    for account in accounts {
        let ours = context.settings.endpoints.api_base();
        let error = match (AuthError::check_api(account, ours), apps.check(account)) {
            (Err(error), _) => error,
            // That there is no app at all was said.
            (Ok(()), Ok(()) | Err(NotUsable::NoApp(_))) => continue,
            (Ok(()), Err(why)) => AuthError::app(account, why),
        };
        if !errors.iter_mut().any(|known| known.join(&error)) {
            errors.push(error);
        }
    }
    errors.iter().map(|error| Finding::bad("apps", error)).collect()
}

/// Whether the certificate authorities are there that the environment names.
fn certificates(context: &Context) -> Finding {
    let authorities = context.client.authorities();
    match authorities.trouble() {
        None => Finding::good("certificates", authorities.to_string()),
        Some(message) => Finding {
            check: "certificates",
            exit: Exit::Local,
            message,
            hint: Some("correct or unset SSL_CERT_FILE and SSL_CERT_DIR".to_owned()),
        },
    }
}

/// Whether a lock excludes anybody in this directory.
fn locks(dir: &Path) -> Finding {
    match fs::network_file_system(dir) {
        Ok(Some(kind)) => {
            return Finding {
                check: "locks",
                exit: Exit::Local,
                message: format!(
                    "`{}` is on a network file system ({kind}), where locks and the journal are not \
                     safe",
                    dir.display()
                ),
                hint: Some("choose a local directory with `--home`".to_owned()),
            };
        }
        Ok(None) => {}
        Err(error) => return Finding::bad("locks", &error),
    }
    let path = dir.join("locks").join("doctor.lock");
    let first = match Lock::try_acquire(&path) {
        Ok(lock) => lock,
        // Another doctor is at it, so they do exclude each other.
        Err(LockError::Held { .. }) => return Finding::good("locks", "they hold"),
        Err(error) => return Finding::bad("locks", &error),
    };
    let second = Lock::try_acquire(&path);
    drop(first);
    match second {
        Err(LockError::Held { .. }) => Finding::good("locks", "they hold"),
        Err(error) => Finding::bad("locks", &error),
        Ok(_) => Finding {
            check: "locks",
            exit: Exit::Local,
            message: format!("a lock in `{}` excludes nobody", dir.display()),
            hint: Some("choose a directory on another file system with `--home`".to_owned()),
        },
    }
}

fn tokens(context: &Context, store: &TokenFile) -> Vec<Finding> {
    let accounts = match store.accounts() {
        Ok(accounts) => accounts,
        Err(error) => return vec![Finding::bad("tokens", &error)],
    };
    let now = context.settings.clock.now();
    let accounts: Vec<_> =
        accounts.iter().filter(|account| apps::is_about(context, account)).collect();
    let (ended, others): (Vec<&Account>, Vec<&Account>) = accounts
        .iter()
        .filter(|account| !account.is_exported())
        .partition(|account| account.needs_login.is_some() || account.refresh_expires_at <= now);
    let mut findings: Vec<_> = ended
        .iter()
        .map(|account| Finding {
            check: "tokens",
            exit: Exit::Login,
            message: format!("`{}` has to log in again: {}", account.name(), why(account, now)),
            hint: Some(format!("run `tiktok-up login` and consent as `{}`", account.name())),
        })
        .collect();
    findings.extend(unusable(context, &others));
    let count = text::count(u64::try_from(accounts.len()).unwrap_or(u64::MAX), "account");
    findings.insert(0, Finding::good("tokens", format!("they can be read: {count}")));
    findings.extend(accounts.is_empty().then(|| nobody(context)));
    findings
}

/// That no account is logged in, as on every machine that is being set up.
fn nobody(context: &Context) -> Finding {
    let by = context.settings.apps.only().map(|app| format!(" by the app {}", app.label()));
    let message = format!("no account is logged in{}", by.unwrap_or_default());
    let hint = Some("run `tiktok-up login` before anything can be posted".to_owned());
    Finding { hint, ..Finding::good("logins", message) }
}

/// Why an account has to log in.
fn why(account: &Account, now: Timestamp) -> String {
    match &account.needs_login {
        None => format!("its login ended at {}", moment(account.refresh_expires_at)),
        Some(needs) if account.is_usable(now) => {
            format!(
                "{}; its access token ends at {}",
                needs.reason,
                moment(account.access_expires_at)
            )
        }
        Some(needs) => needs.reason.to_string(),
    }
}

/// Where the tokens rest, and whether they can be had from there. That the store cannot be read at all
/// was found before.
fn secrets(context: &Context) -> Option<Finding> {
    let rest = at_rest::where_secrets_rest(context).ok()?;
    Some(match (rest.check_key(), rest.misfit()) {
        (Err(error), _) => Finding::bad("secrets", &error),
        (Ok(()), Some(misfit)) => {
            Finding { check: "secrets", exit: Exit::Local, message: misfit, hint: None }
        }
        (Ok(()), None) => Finding::good("secrets", rest.to_string()),
    })
}

fn the_journal(store: TokenFile) -> Vec<Finding> {
    let dir = store.dir().to_owned();
    let found = match SqliteJournal::inspect(&dir, Arc::new(store)) {
        Ok(found) => found,
        Err(error) => return vec![Finding::bad("journal", &error)],
    };
    let mut findings = Vec::new();
    match (found.posts, &found.doubt) {
        (_, Some(doubt)) => findings.push(Finding::bad("journal", doubt)),
        (None, None) => {
            findings.push(Finding::good("journal", "there is none: nothing was posted from here"));
        }
        (Some(posts), None) => {
            let posts = text::count(posts, "post");
            let message = format!("every page and row is sound, and it is the right one: {posts}");
            findings.push(Finding::good("journal", message));
        }
    }
    findings.extend(
        found
            .aside
            .into_iter()
            .map(|dir| Finding::bad("journal", &crate::store::JournalError::SetAside { dir })),
    );
    findings
}

/// Saves what can be saved of a damaged journal.
fn repair(context: &Context) -> Result<Exit, Failure> {
    let printer = &context.printer;
    let state = &context.settings.home.state;
    let outcome = SqliteJournal::repair(state, context.settings.clock)?;
    if printer.is_json() {
        printer.json(&event(&outcome));
    }
    match outcome {
        Repair::Nothing => printer.note("there is no journal to repair, and none was set aside"),
        Repair::Sound => {
            printer.note("the journal is sound; nothing was changed");
            if let Some(aside) = SqliteJournal::set_aside_in(state)? {
                printer.warn(format!(
                    "`{}` still lies there, and nothing is posted until it has another name: give it \
                     one if the journal in place is the right one",
                    aside.display()
                ));
            }
        }
        Repair::Hopeless(at) => {
            let message = format!("no post can be read of the journal `{}`", at.display());
            let failure = Failure::usage(message).hint(
                "nothing was changed. Restore the journal from a good copy; or look at the profile, \
                 take out of the manifest what is posted, give the damaged journal another name \
                 without deleting it, and run `tiktok-up upload --new-journal ...` once",
            );
            return Err(Failure { exit: Exit::Local, ..failure });
        }
        Repair::Done(repaired) => say(printer, &repaired),
    }
    Ok(Exit::Done)
}

fn say(printer: &Printer, repaired: &Repaired) {
    let kept: Vec<_> = repaired.kept.iter().map(|dir| format!("`{}`", dir.display())).collect();
    printer.note(format!(
        "{} saved; the damaged files are kept in {}",
        text::count(repaired.posts, "post"),
        kept.join(" and ")
    ));
    if repaired.whole {
        printer.note("nothing is missing: `upload` goes on as before");
        return;
    }
    let missing = match repaired.missing.as_slice() {
        [] => "posts may be missing".to_owned(),
        missing => format!("missing: {}, and others may be", numbers(missing)),
    };
    printer.warn(format!(
        "{missing}: what the journal does not know would be posted again. Look at the profile, take \
         out of the manifest what is posted, then run `tiktok-up upload --new-journal ...` once"
    ));
    if !repaired.unresolved.is_empty() {
        printer.warn(format!(
            "nobody knows any more what became of {}: look at the profile, then run `tiktok-up \
             resolve POST --posted` or `--not-posted` for each",
            numbers(&repaired.unresolved)
        ));
    }
}

/// `post 3, posts 5 to 9`.
fn numbers(posts: &[PostNumber]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for post in posts {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(post.0) => *last = post.0,
            _ => runs.push((post.0, post.0)),
        }
    }
    let runs = runs.into_iter().map(|(first, last)| {
        if first == last { format!("post {first}") } else { format!("posts {first} to {last}") }
    });
    runs.collect::<Vec<_>>().join(", ")
}

fn event(outcome: &Repair) -> serde_json::Value {
    let list = |posts: &[PostNumber]| posts.iter().map(|post| post.0).collect::<Vec<_>>();
    let shown = |path: &Path| path.display().to_string();
    match outcome {
        Repair::Nothing => json!({ "event": "repair", "outcome": "nothing" }),
        Repair::Sound => json!({ "event": "repair", "outcome": "sound" }),
        Repair::Hopeless(at) => {
            json!({ "event": "repair", "outcome": "hopeless", "journal": shown(at) })
        }
        Repair::Done(repaired) => json!({
            "event": "repair",
            "outcome": if repaired.whole { "whole" } else { "in_part" },
            "posts": repaired.posts,
            "missing": list(&repaired.missing),
            "unresolved": list(&repaired.unresolved),
            "kept": repaired.kept.iter().map(|dir| shown(dir)).collect::<Vec<_>>(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posts_that_follow_each_other_are_told_as_one_range() {
        let posts = |numbers: &[u32]| numbers.iter().copied().map(PostNumber).collect::<Vec<_>>();
        assert_eq!(numbers(&posts(&[3])), "post 3");
        assert_eq!(numbers(&posts(&[1, 2, 3, 7, 9, 10])), "posts 1 to 3, post 7, posts 9 to 10");
    }
}
