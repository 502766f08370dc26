//! `refresh`: renews what is due. Made for cron: quiet when nothing is.

use std::pin::pin;

use futures_util::{StreamExt as _, future, stream};
use serde_json::json;

use crate::auth::{Account, AuthError, Outcome, RefreshPolicy};
use crate::cli::RefreshArgs;
use crate::commands::hooks::LostLogins;
use crate::commands::stores::Stores;
use crate::commands::{Context, about, apps, at_rest, hooks};
use crate::exit::Exit;
use crate::model::account::Accounts;
use crate::output::{
    Everywhere, Explain, Failure, Matter, Printer, SettingsOf, UNREACHED, account_subject,
    is_connection, refresh_subjects,
};
use crate::problem::{Coded, ErrorCode, ErrorKind, Problem};
use crate::store::AccountError;
use crate::text::{self, chain};

/// How many accounts are begun before the first of them is told. Beyond `--jobs` they wait for the store, which
/// saves all that wait at once.
const WAITING: usize = 64;

/// Runs the command.
pub(super) async fn run(context: &Context, args: &RefreshArgs) -> Result<Exit, Failure> {
    let store = context.store().await?;
    let accounts = store.shared.accounts().all().await?;
    let chosen: Vec<&Account> = if args.account.is_empty() {
        // Those that were handed over are another machine's to renew.
        let ours = |account: &&Account| apps::is_about(context, account) && !account.is_exported();
        accounts.iter().filter(ours).collect()
    } else {
        let named = args.account.iter().map(|name| accounts.find(Some(name)));
        named.collect::<Result<_, _>>().map_err(AccountError::from)?
    };
    if chosen.is_empty() {
        return nobody(context, &store, &accounts).await;
    }
    context.printer.settle_everywhere(Everywhere::NoLogin);
    apps::is_there_one(context)?;
    let accounts_now = store.clone();
    let tokens = context.tokens(&at_rest::unlocked(context, store).await?).await?;
    let tokens = tokens.with_jobs(args.jobs);
    let ask = || if args.force { RefreshPolicy::Force } else { RefreshPolicy::Within(args.within) };
    let logs = tokens.logs().await?;
    let begun = stream::iter((1..).zip(chosen.iter().copied()))
        .take_while(|_| future::ready(context.shutdown.asked().is_none()))
        .map(|(number, account)| {
            context.printer.step(format!("{} ({number} of {})", account.name(), chosen.len()));
            let refresh = tokens.refresh_known(account, &logs, ask());
            async move { (account, refresh.await) }
        });
    let mut outcomes = pin!(begun.buffered(WAITING));
    let mut flushed = pin!(async {
        _ = context.shutdown.requested().await;
        tokens.flush().await;
    });
    let (mut exit, mut troubles, mut is_flushed) = (Exit::Done, Troubles::default(), false);
    loop {
        let next = tokio::select! {
            biased;
            next = outcomes.next() => next,
            // What has begun reaches the disk, and is told, before the program ends.
            () = &mut flushed, if !is_flushed => {
                is_flushed = true;
                continue;
            }
        };
        let Some((account, outcome)) = next else { break };
        exit = exit.worst(report(context, account, outcome, &mut troubles));
    }
    hooks::notice_logins(context, &accounts_now, &troubles.lost).await;
    troubles.tell(&context.printer);
    if let Some(signal) = context.shutdown.asked() {
        exit = exit.worst(signal.exit());
    }
    tokens.flush().await;
    Ok(exit)
}

/// There is no account to refresh: a cron job that never finds one must not look like one that works.
async fn nobody(context: &Context, store: &Stores, accounts: &Accounts) -> Result<Exit, Failure> {
    let by = context.settings.apps.only().map(|app| format!(" by the app {}", app.label()));
    if accounts.iter().any(|account| apps::is_about(context, account)) {
        let by = by.unwrap_or_default();
        context.printer.note(format!(
            "every login{by} was handed over to another machine, so there is nothing to refresh"
        ));
        return Ok(Exit::Done);
    }
    let store = store.shared.accounts();
    let found = if !store.is_there().await? {
        "is not there".to_owned()
    } else if accounts.is_empty() {
        "holds no account".to_owned()
    } else {
        format!("holds only {} of other apps", text::count(accounts.len() as u64, "account"))
    };
    let of_others = by.is_some() && !accounts.is_empty();
    let error = Nobody { by: by.unwrap_or_default(), place: store.place(), found };
    let hint = if of_others {
        "leave `--app` out: each account is used with the app that made its tokens; or log an account in \
         with this one by `tiktok-up login` and the same `--app`"
    } else {
        "run `tiktok-up login`, or name the directory of the logins with `--home` or TIKTOK_UP_HOME: under \
         cron HOME may be another one"
    };
    let failure = Failure::from(error).hint(hint);
    // What is logged in by another app is of use to other commands.
    Err(if accounts.is_empty() { failure.met_everywhere(Everywhere::NoLogin) } else { failure })
}

/// No account is logged in.
#[derive(Debug, thiserror::Error)]
#[error("no account is logged in{by}: `{place}` {found}")]
struct Nobody {
    by: String,
    place: String,
    found: String,
}

impl Coded for Nobody {
    fn problem(&self) -> Problem {
        ErrorCode::NoAccount.into()
    }
}

/// What kept accounts from being refreshed: each cause but a login that is needed once, however
/// many accounts it meets.
#[derive(Default)]
struct Troubles {
    others: Vec<(AuthError, Vec<Matter>)>,
    /// The logins that are of no use.
    lost: LostLogins,
}

impl Troubles {
    fn add(&mut self, error: AuthError, matter: Matter) {
        let same = self
            .others
            .iter_mut()
            .find_map(|(known, matters)| known.join(&error).then_some(matters));
        match same {
            Some(matters) => matters.push(matter),
            None => self.others.push((error, vec![matter])),
        }
    }

    fn tell(self, printer: &Printer) {
        for (error, matters) in self.others {
            printer.failure_of(&matters, &Failure::from(error));
        }
    }
}

/// One line for an account to which something happened (nothing, if it is not due); what others may share with it comes into
/// `troubles`.
fn report(
    context: &Context,
    account: &Account,
    outcome: Result<Option<Outcome>, AuthError>,
    troubles: &mut Troubles,
) -> Exit {
    let printer = &context.printer;
    // What others do with the account, or what is still good of it, says nothing of its login.
    let is_renewed = matches!(
        outcome,
        Ok(Some(Outcome::Adopted(_) | Outcome::Recovered(_) | Outcome::Refreshed(_)))
    );
    let is_kept = matches!(outcome, Ok(Some(Outcome::Kept(_))));
    let word = match &outcome {
        Ok(None | Some(Outcome::NotDue(_))) => "not_due",
        Ok(Some(Outcome::Kept(_))) => "kept",
        Ok(Some(Outcome::Adopted(_))) => "adopted",
        Ok(Some(Outcome::Recovered(_))) => "recovered",
        Ok(Some(Outcome::Refreshed(_))) => "refreshed",
        Err(_) => "failed",
    };
    let (stored, error) = match outcome {
        Ok(outcome) => (outcome.map(Outcome::into_account), None),
        Err(error) => (None, Some(error)),
    };
    let account = stored.as_ref().unwrap_or(account);
    if let (Some(signal), Some(AuthError::Stopped)) = (context.shutdown.asked(), &error) {
        // Nothing was begun.
        return signal.exit();
    }
    let exit = error.as_ref().map_or(Exit::Done, Explain::exit);
    if let Some(error) = error.as_ref().filter(|error| error.kind() == ErrorKind::Login) {
        troubles.lost.insert(account.open_id.clone(), (error.problem().code, chain(error)));
    }
    let subject = format!("refresh {}", account.open_id);
    if error.is_none() {
        printer.settle(std::slice::from_ref(&subject));
    }
    if error.is_none() && !is_kept {
        printer.settle(&refresh_subjects(account.name()));
    }
    if is_renewed {
        printer.settle(&[account_subject(&account.open_id), UNREACHED.to_owned()]);
        printer.settle(&SettingsOf::from(account).used());
    }
    if printer.is_json() {
        let event = json!({
            "event": "refresh",
            "alias": account.alias,
            "outcome": word,
            "access_expires_at": account.access_expires_at,
            "refresh_expires_at": account.refresh_expires_at,
            "error": error.as_ref().map(|error| json!({
                "code": error.refusal().map(|refusal| refusal.code.as_str()),
                "message": chain(error),
                "hint": error.hint(),
                "log_id": error.refusal().and_then(|refusal| refusal.log_id.as_deref()),
                "exit": exit.code(),
            })),
        });
        printer.json(&about(account, event));
    } else if let Some(error) = error {
        match error.kind() {
            ErrorKind::Login => {
                let matter = Matter::login(&account.open_id);
                printer.failure_of(&[matter], &Failure::from(error));
            }
            ErrorKind::Temporary if is_connection(error.problem().code) => {
                troubles.add(error, Matter::unreached());
            }
            ErrorKind::Temporary => troubles.add(error, Matter::passing(subject)),
            ErrorKind::Input => {
                let matter = Matter::setting(&SettingsOf::from(account), error.problem().code);
                troubles.add(error, matter);
            }
            _ => {
                let matter = Matter::lasting(subject, error.problem().code.as_str());
                troubles.add(error, matter);
            }
        }
    } else if word == "refreshed" {
        printer.note(format!("refreshed {}", account.name()));
    }
    exit
}
