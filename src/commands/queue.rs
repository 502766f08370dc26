//! The worker of a queue: takes accounts that have something to be made, a few at a time, and posts for each what is
//! due, by the same rules and with the same journal as `upload`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use super::upload::{NoQueue, PostList, QueuedList, refused_posts};
use super::{Context, at_rest, hooks, loaded, unattended, upload};
use crate::cli::RunArgs;
use crate::engine::RateLimiter;
use crate::exit::Exit;
use crate::model::{PostOutcome, PostState};
use crate::output::{Failure, Matter, Notes, post_hint};
use crate::retry::jittered;
use crate::secret::Secret;
use crate::store::queue::{End, Queue, Queued, Why};
use crate::text::{self, chain};

/// How long until what passes by itself is tried again, at most.
const SOON: Duration = Duration::from_secs(30);

/// The shortest time until an account is looked at again.
const SHORTEST: Duration = Duration::from_secs(1);

/// How many looks at the queue a claim outlives.
const LOOKS: u32 = 6;

/// How a worker works.
#[derive(Debug)]
pub(super) struct Worker {
    run: RunArgs,
    /// How often what was put off is tried again, if nothing says when it may be.
    every: Duration,
    rate: RateLimiter,
}

/// What became of an account's posts.
#[derive(Debug, Default)]
struct Round {
    ended: Vec<(Queued, End)>,
    /// How long until what is left is worth another look.
    pause: Option<Duration>,
}

impl Round {
    fn left(&mut self, pause: Duration) {
        let pause = pause.max(SHORTEST);
        self.pause = Some(self.pause.map_or(pause, |known| known.min(pause)));
    }
}

/// The queue of the store that the settings name, ready to be worked off.
pub(super) async fn open(context: &Context) -> Result<Arc<dyn Queue>, Failure> {
    if context.settings.database.is_none() {
        return Err(NoQueue.into());
    }
    let store = at_rest::unlocked(context, context.store().await?).await?;
    Ok(store.shared.queue().ok_or(NoQueue)?)
}

impl Worker {
    /// One that is told so much of each of its runs.
    pub(super) fn new(run: &RunArgs, every: Duration) -> Arc<Self> {
        let rate = run.limit_rate.clone().map_or_else(RateLimiter::unlimited, RateLimiter::limited);
        Arc::new(Self { run: run.clone(), every, rate })
    }

    /// Works until it is told to stop, and ends with what it has by then. `settings` gives those of now.
    pub(super) async fn work(self: Arc<Self>, settings: &(dyn Fn() -> Context + Sync)) {
        let shutdown = settings().shutdown;
        let (mut tasks, mut held) = (JoinSet::new(), BTreeSet::new());
        while shutdown.asked().is_none() {
            let context = settings();
            let poll = context.settings.timing.queue_poll;
            if let Err(failure) = self.look(&context, &mut held, &mut tasks).await {
                let why = chain(failure.error.as_ref());
                context.printer.trouble_of(&Matter::passing("queue"), why);
            } else {
                context.printer.settle(&["queue".to_owned()]);
            }
            tokio::select! {
                biased;
                _ = shutdown.requested() => {}
                Some(ended) = tasks.join_next() => forget(&mut held, ended),
                () = tokio::time::sleep(jittered(poll + poll / 2)) => {}
            }
        }
        self.drain(&settings(), held, tasks).await;
    }

    /// Keeps what it has, and takes more if it has room.
    async fn look(
        self: &Arc<Self>,
        context: &Context,
        held: &mut BTreeSet<String>,
        tasks: &mut JoinSet<String>,
    ) -> Result<(), Failure> {
        let queue = open(context).await?;
        let life = context.settings.timing.queue_poll * LOOKS;
        queue.keep(held.iter().cloned().collect(), life).await?;
        let room = self.run.jobs.max(1).saturating_sub(held.len());
        if room == 0 {
            return Ok(());
        }
        let room = u32::try_from(room).unwrap_or(u32::MAX);
        for account in queue.claim(room, life).await? {
            held.insert(account.clone());
            let (worker, queue) = (Arc::clone(self), Arc::clone(&queue));
            tasks.spawn(worker.serve(context.clone(), queue, account));
        }
        Ok(())
    }

    /// Waits for what it has begun, which was told to stop as well.
    async fn drain(
        &self,
        context: &Context,
        mut held: BTreeSet<String>,
        mut tasks: JoinSet<String>,
    ) {
        let Ok(queue) = open(context).await else {
            while tasks.join_next().await.is_some() {}
            return;
        };
        let poll = context.settings.timing.queue_poll;
        // Whether that is known changes nothing of what it does.
        _ = queue.drain().await;
        while !tasks.is_empty() {
            tokio::select! {
                Some(ended) = tasks.join_next() => forget(&mut held, ended),
                () = tokio::time::sleep(poll) => {
                    _ = queue.keep(held.iter().cloned().collect(), poll * LOOKS).await;
                    _ = queue.drain().await;
                }
            }
        }
        _ = queue.drain().await;
    }

    /// Posts what is due of an account, and says in the queue what became of it.
    async fn serve(
        self: Arc<Self>,
        context: Context,
        queue: Arc<dyn Queue>,
        account: String,
    ) -> String {
        let printer = context.printer.apart();
        if context.printer.notes().is_some() {
            let (state, clock) = (&context.settings.home.state, context.settings.clock);
            printer.remember(Notes::open(state, clock));
        }
        let context = Context { printer, ..context };
        let round = match Box::pin(self.round(&context, queue.as_ref(), &account)).await {
            Ok(round) => round,
            Err(failure) => {
                context.printer.unattended_failure(&name(&account), &failure);
                Round { pause: Some(self.every.min(SOON)), ..Round::default() }
            }
        };
        if let Err(error) = queue.settle(&account, round.ended, round.pause).await {
            // Another run finds in the journal what was made.
            let text = format!("{}: the queue does not know yet: {}", account, chain(&error));
            context.printer.trouble_of(&Matter::passing(name(&account)), text);
        }
        account
    }

    async fn round(
        &self,
        context: &Context,
        queue: &dyn Queue,
        account: &str,
    ) -> Result<Round, Failure> {
        let mut round = Round::default();
        let mut due = queue.due(account).await?;
        while !due.is_empty() {
            let list = Arc::new(QueuedList {
                name: name(account),
                text: text_of(&due),
                rate: self.rate.clone(),
                ended: Mutex::default(),
            });
            let ran = self.run(context, &list).await;
            if let Err(failure) = &ran
                && let Some((refused, missing)) = refused_posts(failure)
                && !refused.is_empty()
            {
                // What can be made of the others is no less to be made.
                let mut rest = Vec::new();
                for (at, (post, entry)) in due.into_iter().enumerate() {
                    match refused.get(&at) {
                        None => rest.push((post, entry)),
                        Some(why) if missing.iter().any(|path| is_of(&entry, path)) => {
                            round.left(self.every);
                            round.ended.push((post, End::Waits(Some(because(why)))));
                        }
                        Some(why) => {
                            let text =
                                format!("{}: {}: {why}", list.name, text::shown(&post.label));
                            let matter = Matter::once(text.as_str(), "");
                            context.printer.warn_of(&matter, text);
                            round.ended.push((post, End::Failed(because(why))));
                        }
                    }
                }
                due = rest;
                continue;
            }
            if let Err(failure) = &ran {
                // Whoever looks is told what somebody has to mend.
                let is_lasting = failure.exit != Exit::Temporary;
                let why = is_lasting.then(|| Why {
                    hint: failure.hint.clone(),
                    ..because(&chain(failure.error.as_ref()))
                });
                let waits = |(post, _)| (post, End::Waits(why.clone()));
                round.ended.extend(due.into_iter().map(waits));
                round.left(self.every.min(SOON));
                _ = unattended(&context.printer, &list.name, ran);
                break;
            }
            let outcomes =
                std::mem::take(&mut *list.ended.lock().unwrap_or_else(PoisonError::into_inner));
            self.take_in(context, &mut round, due, outcomes);
            match unattended(&context.printer, &list.name, ran) {
                Ok(Exit::Temporary) | Err(_) => round.left(self.every.min(SOON)),
                Ok(_) => {}
            }
            break;
        }
        if context.shutdown.asked().is_some() {
            // What a worker leaves that is to stop another one takes at once.
            round.pause = None;
            for (_, end) in &mut round.ended {
                if matches!(end, End::Waits(_)) {
                    *end = End::Waits(None);
                }
            }
        }
        Ok(round)
    }

    async fn run(&self, context: &Context, list: &Arc<QueuedList>) -> Result<Exit, Failure> {
        let context = loaded(&context.printer, Ok(context.clone()), self.run.hooks_of_run())?;
        let posts = PostList::Queue(Arc::clone(list));
        let outcome = Box::pin(upload::run(&context, &posts, &self.run)).await;
        hooks::end(&context, &list.name, &outcome).await;
        outcome
    }

    fn take_in(
        &self,
        context: &Context,
        round: &mut Round,
        due: Vec<(Queued, Secret)>,
        outcomes: Vec<PostOutcome>,
    ) {
        let mut due: Vec<_> = due.into_iter().map(|(post, _)| Some(post)).collect();
        let now = context.settings.clock.now();
        for outcome in outcomes {
            let Some(post) = due.get_mut(outcome.post_ref.index).and_then(Option::take) else {
                continue;
            };
            let end = end_of(&outcome);
            if matches!(end, End::Waits(_)) {
                let until =
                    outcome.at.and_then(|at| Duration::try_from(at.duration_since(now)).ok());
                round.left(match outcome.state {
                    PostState::Processing => self.every.min(SOON),
                    _ => until.unwrap_or(self.every),
                });
            }
            round.ended.push((post, end));
        }
        // The run did not come to those.
        if due.iter().any(Option::is_some) {
            round.left(self.every.min(SOON));
        }
    }
}

fn because(why: &str) -> Why {
    Why { message: why.to_owned(), ..Why::default() }
}

/// Whether an entry is of this file. One that is not there may come: the disk that it lies on may be away.
fn is_of(entry: &Secret, path: &Path) -> bool {
    let entry: Value = serde_json::from_str(entry.expose()).unwrap_or_default();
    entry["video_path"].as_str().is_some_and(|it| Path::new(it) == path)
}

/// What a run of an account's posts is called.
fn name(account: &str) -> String {
    format!("the queue of {}", text::shown(account))
}

fn forget(held: &mut BTreeSet<String>, ended: Result<String, tokio::task::JoinError>) {
    match ended {
        Ok(account) => _ = held.remove(&account),
        // Its claim ends by itself.
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => {}
    }
}

/// A manifest of posts.
fn text_of(due: &[(Queued, Secret)]) -> Vec<u8> {
    let entries = due
        .iter()
        .map(|(_, entry)| serde_json::from_str::<Value>(entry.expose()).unwrap_or(Value::Null));
    Value::Array(entries.collect()).to_string().into_bytes()
}

fn end_of(outcome: &PostOutcome) -> End {
    let why = outcome.post_error.as_ref().map(|error| Why {
        message: error.message.clone(),
        hint: post_hint(error),
        code: Some(error.code.clone()),
    });
    let why = why.or_else(|| {
        outcome.note.as_ref().map(|note| Why { message: note.clone(), ..Why::default() })
    });
    let puts_off = outcome.failure.is_some_and(crate::problem::ErrorKind::puts_off);
    match outcome.state {
        PostState::Published | PostState::Inbox => End::Made,
        // What another entry stands for is made with that one.
        PostState::Skipped if !outcome.is_named_before() => End::Made,
        PostState::Failed if !puts_off => End::Failed(why.unwrap_or_default()),
        _ => End::Waits(why),
    }
}
