//! `store check`, `store migrate` and `store workers`: the database that machines share.

use serde_json::json;

use crate::cli::{StoreAction, StoreArgs};
use crate::commands::Context;
use crate::exit::Exit;
use crate::output::{Failure, Table, moment};
use crate::problem::{Coded, ErrorCode, Problem};
use crate::store::queue::Doing;
use crate::text;

/// What was found, and what is wrong with it, if something is.
pub(super) type Found = (String, Option<Failure>);

/// That no database keeps the store.
#[derive(Debug, thiserror::Error)]
#[error("no database keeps the store")]
struct NoDatabase;

impl Coded for NoDatabase {
    fn problem(&self) -> Problem {
        ErrorCode::DatabaseNotSet.into()
    }
}

/// Runs the command.
pub(super) async fn run(context: &Context, args: &StoreArgs) -> Result<Exit, Failure> {
    match args.action {
        StoreAction::Check => check(context).await,
        StoreAction::Migrate => migrate(context).await,
        StoreAction::Workers => workers(context).await,
    }
}

/// Lists who works with the database.
async fn workers(context: &Context) -> Result<Exit, Failure> {
    if context.settings.database.is_none() {
        return Err(NoDatabase.into());
    }
    let store = context.store().await?;
    let queue = store.shared.queue().ok_or(NoDatabase)?;
    let workers = queue.workers().await?;
    let accounts = store.shared.accounts().all().await.unwrap_or_default();
    let name = |open_id: &String| {
        accounts.get(open_id).map_or_else(|| open_id.clone(), |it| it.name().to_owned())
    };
    let printer = &context.printer;
    let mut table = Table::new(&["MACHINE", "PID", "VERSION", "DOES", "SPOKE", "HOLDS"]);
    for worker in &workers {
        let doing = match worker.doing {
            Doing::Works => "works",
            Doing::Drains => "drains",
            Doing::Runs => "runs",
            Doing::Ended => "ended",
            Doing::Silent => "silent",
        };
        let holds: Vec<_> = worker.holds.iter().map(name).collect();
        if printer.is_json() {
            printer.json(&json!({
                "event": "worker",
                "host": worker.host,
                "pid": worker.pid,
                "version": worker.version,
                "state": doing,
                "heartbeat": worker.heartbeat.to_string(),
                "holds": holds,
            }));
            continue;
        }
        let (pid, spoke) = (worker.pid.to_string(), moment(worker.heartbeat));
        let [host, version] = [&worker.host, &worker.version].map(|it| text::plain(it));
        let holds = text::plain(&holds.join(", "));
        table.row([host, pid, version, doing.to_owned(), spoke, holds]);
    }
    if !printer.is_json() && workers.is_empty() {
        printer.note("nobody has worked with the database within the last hour");
    } else if !printer.is_json() {
        printer.table(&table);
    }
    Ok(Exit::Done)
}

async fn check(context: &Context) -> Result<Exit, Failure> {
    let found = look(context).await?;
    let printer = &context.printer;
    let mut exit = Exit::Done;
    for (message, problem) in found {
        if printer.is_json() {
            let hint = problem.as_ref().and_then(|failure| failure.hint.clone());
            printer.json(&json!({
                "event": "store",
                "action": "check",
                "ok": problem.is_none(),
                "message": message,
                "hint": hint,
            }));
        } else if problem.is_none() && !printer.options().quiet {
            printer.data(message);
        }
        if let Some(failure) = problem {
            exit = exit.worst(failure.exit);
            if !printer.is_json() {
                printer.failure(&failure);
            }
        }
    }
    Ok(exit)
}

/// That of a store which is files.
fn of_files(context: &Context) -> Vec<Found> {
    let state = context.settings.home.state.display();
    let message = format!(
        "no database keeps the store, but files in `{state}`: `tiktok-up doctor` looks at them"
    );
    vec![(message, None)]
}

/// Looks at what keeps the store of the settings.
#[cfg(not(feature = "postgres"))]
#[expect(clippy::unused_async, reason = "a database is waited for")]
pub(super) async fn look(context: &Context) -> Result<Vec<Found>, Failure> {
    Ok(of_files(context))
}

#[cfg(not(feature = "postgres"))]
#[expect(clippy::unused_async, reason = "a database is waited for")]
async fn migrate(_: &Context) -> Result<Exit, Failure> {
    Err(NoDatabase.into())
}

#[cfg(feature = "postgres")]
pub(super) use database::look;

#[cfg(feature = "postgres")]
use database::migrate;

#[cfg(feature = "postgres")]
mod database {
    use std::path::PathBuf;

    use jiff::SignedDuration;
    use serde_json::json;

    use super::{Found, NoDatabase, of_files};
    use crate::commands::{Context, at_rest};
    use crate::exit::Exit;
    use crate::output::Failure;
    use crate::store::JournalError;
    use crate::store::postgres::{PostgresStore, latest};
    use crate::store::{DatabaseError, StoreError};
    use crate::text;

    /// How far the clocks of this machine and of the server may be apart: TikTok's times are told from both.
    const APART: SignedDuration = SignedDuration::from_secs(30);

    async fn opened(context: &Context) -> Result<(PostgresStore, String), Failure> {
        let store = match &context.settings.database {
            Some(_) => context.store().await?.database,
            None => None,
        };
        let store = store.ok_or(NoDatabase)?;
        let place = store.place().to_owned();
        Ok((store, place))
    }

    /// Looks at the database of the settings.
    pub(in crate::commands) async fn look(context: &Context) -> Result<Vec<Found>, Failure> {
        if context.settings.database.is_none() {
            return Ok(of_files(context));
        }
        let (store, place) = opened(context).await?;
        let found = store.check().await?;
        let mut all: Vec<Found> = Vec::new();
        let over = if found.tls { "over TLS" } else { "without TLS" };
        all.push((format!("`{place}` answers {over}: PostgreSQL {}", found.server), None));
        if found.is_standby {
            let why = "it is on a standby".to_owned();
            let error = DatabaseError::ReadOnly { place: place.clone(), why };
            let error = StoreError::Database(error);
            all.push((error.to_string(), Some(error.into())));
        }
        if found.readers > latest() {
            let newer = StoreError::Database(DatabaseError::Newer {
                place: place.clone(),
                found: found.version,
                known: latest(),
            });
            all.push((newer.to_string(), Some(newer.into())));
            return Ok(all);
        }
        all.push(match found.version {
            0 => (
                "nothing is there yet: the first run, or `tiktok-up store migrate`, makes it"
                    .to_owned(),
                None,
            ),
            version if version < latest() => (
                format!("it has version {version}, and the next run brings it to {}", latest()),
                None,
            ),
            version => (format!("it has version {version}"), None),
        });
        if !found.may_write && !found.is_standby {
            let what = "this user of the database may not write there".to_owned();
            let failure = Failure::usage(what.clone()).hint(match found.version {
                0 => {
                    "as its owner, `GRANT CREATE ON DATABASE … TO …` lets it make the schema \
                         `tiktok_up`"
                }
                _ => {
                    "as its owner, `GRANT USAGE ON SCHEMA tiktok_up TO …` and `GRANT SELECT, \
                         INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA tiktok_up TO …`"
                }
            });
            all.push((what, Some(failure)));
        }
        all.push(match found.standbys.as_str() {
            "" => (
                "commits wait for no standby: a failover to one forgets what was last recorded there".to_owned(),
                None,
            ),
            names => (format!("commits wait for standbys: {}", text::plain(names)), None),
        });
        let apart = context.settings.clock.now().duration_since(found.now)
            - context.settings.clock.offset();
        let seconds = apart.as_secs();
        all.push((format!("its clock is {} s from that of this machine", seconds.abs()), None));
        if apart.abs() > APART {
            let what = format!("the clocks are {} s apart", seconds.abs());
            let failure = Failure::usage(what.clone()).hint("set both by NTP");
            all.push((what, Some(failure)));
        }
        all.push(match &found.encryption {
            Some(encryption) => {
                let (scheme, key) = (encryption.scheme, encryption.key);
                let rest = at_rest::in_database(context, &place, encryption.clone());
                let misfit = match context.aside(move || rest.key()).await? {
                    Ok(key) => key.err().map(Failure::from),
                    // Nobody waits any more for whoever is asked for it.
                    Err(_) => None,
                };
                let what = format!("what is secret rests encrypted (\"{scheme}\", key {key})");
                match misfit {
                    None => (what, None),
                    Some(failure) => (format!("{:#}", failure.error), Some(failure)),
                }
            }
            None if context.settings.encrypt.is_some() => (
                "`encrypt` is set, and what is secret does not rest encrypted there yet: run `tiktok-up accounts \
                 encrypt` once"
                    .to_owned(),
                None,
            ),
            None => (
                "tokens rest there in plain text: set `encrypt` under `[store]` and run `tiktok-up accounts \
                 encrypt`"
                    .to_owned(),
                None,
            ),
        });
        if let Some(doubt) = found.doubt {
            let error =
                StoreError::Journal(JournalError::Doubtful { path: PathBuf::from(&place), doubt });
            all.push((error.to_string(), Some(error.into())));
        }
        Ok(all)
    }

    pub(super) async fn migrate(context: &Context) -> Result<Exit, Failure> {
        let (store, place) = opened(context).await?;
        let before = store.migrate().await?;
        let printer = &context.printer;
        let now = latest();
        if printer.is_json() {
            printer.json(&json!({
                "event": "store",
                "action": "migrate",
                "ok": true,
                "message": format!("`{place}` has version {now}"),
                "hint": null,
            }));
        } else if before == now {
            printer.note(format!("`{place}` has version {now} already"));
        } else {
            printer.note(format!("`{place}` was brought from version {before} to {now}"));
        }
        Ok(Exit::Done)
    }
}
