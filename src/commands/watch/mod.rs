//! `watch`: one `upload` after another, in the foreground: posts what is due when it is due, and keeps the logins
//! alive. The same rules and the same journal as under cron. With `--queue` it works off the queue of a shared store
//! beside that.

mod metrics;
mod server;
mod systemd;

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;

use self::metrics::Metrics;
use self::server::{PATH, Server};
use self::systemd::Manager;
use super::ended::EndedPosts;
use super::upload::PostList;
use super::{Context, loaded, queue, refresh, run_upload, unattended};
use crate::cli::{GlobalArgs, RefreshArgs, RunArgs, WatchArgs};
use crate::exit::Exit;
use crate::output::{Failure, Notes, Printer, moment};
use crate::settings::Environment;
use crate::signals::Shutdown;

/// The shortest pause between two rounds.
const SHORTEST: Duration = Duration::from_secs(1);

/// Runs the command.
pub(super) async fn run(
    global: &GlobalArgs,
    args: &WatchArgs,
    printer: &Printer,
    shutdown: &Shutdown,
    env: &Environment<'_>,
) -> Result<Exit, Failure> {
    let RunArgs { repost, new_journal, dry_run, max_runtime, .. } = args.run;
    if max_runtime.is_some() {
        return Err(Failure::usage(
            "`watch` runs until it is told to stop, and takes no `--max-runtime`",
        ));
    }
    if repost || new_journal || dry_run {
        // Each of them is for one run: the next round would do it again.
        return Err(Failure::usage(
            "`watch` takes neither `--repost` nor `--new-journal` nor `--dry-run`",
        )
        .hint("give it to one `tiktok-up upload`, then watch"));
    }
    check_queue(args)?;
    let manager = Arc::new(Manager::of_this_process());
    // What is wrong with the settings at the beginning ends it; later on the next round tries again.
    let context = Context::load(global, printer, shutdown, env, true).await?;
    if let Some(list) = args.list.as_ref().filter(|list| !list.exists()) {
        // A slip of whoever starts it; what goes away later may come back.
        let list = PostList::Manifest(list.clone());
        return run_upload(printer, Ok(context), &list, &args.run).await;
    }
    if args.queue {
        queue::open(&context).await?;
    }
    let (clock, first) = (context.settings.clock, context.clone());
    let ended = Arc::<EndedPosts>::default();
    let metrics = Arc::new(Metrics::new(clock, Arc::clone(&ended)));
    let server = match args.metrics {
        Some(address) => Some(listen(address, &metrics, printer).await?),
        None => None,
    };
    // The settings of the last round that could read them.
    let known = Arc::new(RwLock::new(Context { ended: Arc::clone(&ended), ..context.clone() }));
    let mut context = Ok(context);
    manager.ready();
    if let Some(limit) = manager.watchdog {
        let manager = Arc::clone(&manager);
        tokio::spawn(async move {
            loop {
                manager.alive();
                tokio::time::sleep(limit / 2).await;
            }
        });
    }
    let last_known = Arc::clone(&known);
    let settings = move || last_known.read().unwrap_or_else(PoisonError::into_inner).clone();
    let working = async {
        if args.queue {
            queue::Worker::new(&args.run, args.every).work(&settings).await;
        }
    };
    let rounds = async {
        let mut hangups = 0;
        while shutdown.asked().is_none() {
            manager.status("at work");
            let counting = context.map(|context| Context { ended: Arc::clone(&ended), ..context });
            let seen = counting.as_ref().ok().cloned();
            if let Some(context) = &seen {
                *known.write().unwrap_or_else(PoisonError::into_inner) = context.clone();
            }
            let list = args.list.clone().map(PostList::Manifest);
            let exit = Box::pin(round(list.as_ref(), &args.run, printer, counting)).await;
            let now = clock.now();
            let pause = pause(args.every, printer.notes(), now);
            let next = now.checked_add(pause).unwrap_or(now);
            if server.is_some() {
                tokio::select! {
                    // A journal that is held by others keeps nobody from stopping it.
                    _ = shutdown.requested() => {}
                    () = metrics.note(seen.as_ref(), printer.notes(), exit, next) => {}
                }
            }
            manager.status(&format!(
                "the last round ended with {}; next one at {}",
                exit.code(),
                moment(next)
            ));
            tokio::select! {
                biased;
                _ = shutdown.requested() => break,
                asked = shutdown.hung_up(hangups) => hangups = asked,
                () = tokio::time::sleep(pause) => {}
            }
            context = Context::load(global, printer, shutdown, env, true).await;
            // Its connections stay, for as long as the settings lead to the same database.
            context = context.map(|context| context.beside(&first));
        }
    };
    tokio::join!(rounds, working);
    manager.stopping();
    // It was to run until somebody stops it.
    Ok(Exit::Done)
}

/// An error for what belongs to whoever puts posts into a queue: there it is fixed who sees a post.
fn check_queue(args: &WatchArgs) -> Result<(), Failure> {
    let RunArgs { account, privacy, draft, templates, skip_media_check, .. } = &args.run;
    if !args.queue {
        return Ok(());
    }
    let given = [
        ("--account", account.is_some()),
        ("--privacy", privacy.is_some()),
        ("--draft", *draft),
        ("--templates", *templates),
        ("--skip-media-check", *skip_media_check),
    ];
    match given.iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((option, _)) => Err(Failure::usage(format!(
            "`{option}` does not go with `--queue`: a post of the queue is as it was put in"
        ))
        .hint("give it to `upload --enqueue` or `post --enqueue`, or watch the manifest without `--queue`")),
    }
}

/// Begins to serve the metrics, and says where: the port may have been left to the system.
async fn listen(
    address: SocketAddr,
    metrics: &Arc<Metrics>,
    printer: &Printer,
) -> Result<Server, Failure> {
    let server = Server::start(address, Arc::clone(metrics)).await.map_err(|error| {
        let failure = Failure::unexpected(error).context(format!("cannot listen on {address}"));
        Failure { exit: Exit::Local, ..failure }
            .hint("name another address with `--metrics`, or the port 0 for one that is free")
    })?;
    printer.demand(format!("metrics are at http://{}{PATH}", server.address));
    Ok(server)
}

/// Uploads what is listed, if anything is, and refreshes.
pub(super) async fn round(
    list: Option<&PostList>,
    run: &RunArgs,
    printer: &Printer,
    context: Result<Context, Failure>,
) -> Exit {
    let again = context.as_ref().ok().cloned();
    let uploaded = match list {
        Some(list) => Box::pin(run_upload(printer, context, list, run)).await,
        None => context.map(|_| Exit::Done),
    };
    let uploaded = uploaded.unwrap_or_else(|failure| failure.exit);
    let Some(context) = again.filter(|context| context.shutdown.asked().is_none()) else {
        return uploaded;
    };
    let refreshed = match loaded(printer, Ok(context), Some(&run.hooks)) {
        Ok(context) => {
            let outcome = refresh::run(&context, &RefreshArgs::default()).await;
            super::hooks::end(&context, "refresh", &outcome).await;
            outcome
        }
        Err(failure) => Err(failure),
    };
    let refreshed = unattended(printer, "refresh", refreshed);
    uploaded.worst(refreshed.unwrap_or_else(|failure| failure.exit))
}

/// How long until the next round: until something is due that waits for its time, `every` at most.
pub(super) fn pause(every: Duration, notes: Option<&Notes>, now: Timestamp) -> Duration {
    let posts = notes.map(|notes| notes.remains().posts).unwrap_or_default();
    let times = posts
        .iter()
        .flat_map(|(_, left)| [left.publish_at, left.why.as_ref().and_then(|why| why.not_before)]);
    let next = times.flatten().filter(|at| *at > now).min();
    let next = next.and_then(|at| Duration::try_from(at.duration_since(now)).ok());
    next.map_or(every, |next| next.min(every)).max(SHORTEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_anything_to_wait_for_a_round_comes_as_often_as_was_asked() {
        let every = Duration::from_mins(5);
        assert_eq!(pause(every, None, Timestamp::UNIX_EPOCH), every);
        assert_eq!(pause(Duration::ZERO, None, Timestamp::UNIX_EPOCH), SHORTEST);
    }
}
