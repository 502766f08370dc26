//! The engine: from a manifest's posts to their true outcomes.
//!
//! [`Preparation`] makes posts of a manifest, or says all that is wrong with it. [`Engine::upload`] works
//! them off and [`Engine::dry_run`] ends each before the first call that would create something; both say
//! what happens as one stream of [`Event`]s. The engine owns what it works with, so that its tasks outlive
//! the call that starts them.
//!
//! The way of one upload, from here downwards:
//!
//! 1. `prepare.rs`: accounts resolved, files looked at and [measured](crate::limits), what is
//!    still being written put off ([`source`](crate::source)).
//! 2. `account.rs`: a task for each account, at most [`Options::jobs`] at once. It takes the account's upload
//!    lease and works off its posts one by one; what stops one may stop the others. `claim.rs`: what it may
//!    record, as long as nobody else takes the account over.
//! 3. `resolve.rs`: the journal's row of a post, by `id`, by sight or by content; `named.rs`: which entries of
//!    the manifest are one post; `begun.rs`: which of them earlier runs began.
//! 4. `runner.rs`: the loop around the pure [`machine`](crate::model::machine). Every phase is durable before
//!    its action. It sends the init, behind `preflight.rs` (scopes, quotas of a day, the creator's options).
//!    What it hands to those who perform its other actions, and gets back from them, is in `attempt.rs`.
//! 5. `sender.rs`: the chunks of a post, which may go and what their answers mean; `chunk.rs`: one PUT of a
//!    chunk, its body read from the open file, the watchdog beside it.
//! 6. `calls.rs`: every call that may be repeated, with the retries, rate limits and tokens of one account.
//! 7. `poller.rs`: the status of a post, asked until TikTok is done with it; `status.rs`: what TikTok says,
//!    read for the state machine; `clocks.rs`: how old an attempt is.
//! 8. `tries.rs`: how often a post is tried; `stop.rs`: why a run leaves a post, and the outcome that it
//!    reports; `account_stop.rs`: what that means for the account's other posts; `withdrawn.rs`: which posts are taken
//!    back before their turn.

mod account;
mod account_stop;
mod attempt;
mod begun;
mod calls;
mod chunk;
mod claim;
mod clocks;
mod events;
mod media;
mod named;
mod poller;
mod post;
mod posted;
mod preflight;
mod prepare;
mod rate;
mod resolve;
mod runner;
mod sender;
mod status;
mod stop;
mod tries;
mod withdrawn;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use tiktok_open::Client;
use tokio::task::JoinSet;

pub(crate) use self::account_stop::paused;
pub(crate) use self::calls::{CallError, TokenError, TokenProvider};
pub(crate) use self::events::EventSender;
pub(crate) use self::events::{Event, Events, Note, Progress, QuotaLeft, WaitReason, Warning};
pub(crate) use self::post::{FileState, PreparedPost};
pub(crate) use self::posted::{PostedFiles, posted_files};
pub(crate) use self::prepare::{Preparation, PrepareError, Prepared, Refused, Warned};
pub(crate) use self::rate::RateLimiter;
pub(crate) use self::status::can_be_reconciled;
pub(crate) use self::stop::{failed_for_good, settled};
pub(crate) use self::tries::is_failed_for_good;
pub(crate) use self::withdrawn::{InHand, Withdrawals};

use self::account::AccountWorker;
use self::calls::Calls;
use self::claim::Claim;
use crate::clock::Clock;
use crate::model::{RecordedPost, StoreEndpoints};
use crate::signals::Shutdown;
use crate::source::{Fingerprints, Sources};
use crate::store::{Journal, Store};
use crate::timing::Timing;

/// What a run was told to do.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Wait until TikTok has worked off each post.
    pub(crate) wait: bool,
    /// `--chunk-size`.
    pub(crate) chunk_size: Option<u64>,
    /// Post again what was posted before.
    pub(crate) repost: bool,
    /// Start a post over that TikTok failed with an error of its own.
    pub(crate) retry_failed: bool,
    /// `--limit-rate`.
    pub(crate) rate: RateLimiter,
    /// Accounts that are worked on at once.
    pub(crate) jobs: usize,
    /// Posts that are taken back while the run is at others.
    pub(crate) withdrawals: Withdrawals,
}

impl Default for Options {
    /// Waits, repeats what may be repeated, one account at a time, and posts nothing twice.
    fn default() -> Self {
        Self {
            wait: true,
            chunk_size: None,
            repost: false,
            retry_failed: true,
            rate: RateLimiter::unlimited(),
            jobs: 1,
            withdrawals: Withdrawals::default(),
        }
    }
}

/// Makes posts of prepared ones. Cheap to clone; clones share everything.
#[derive(Clone)]
pub(crate) struct Engine(Arc<Shared>);

/// An [`Engine`] in the making.
#[derive(Clone)]
pub(crate) struct EngineBuilder(Shared);

/// What all accounts of a run share.
#[derive(Clone)]
struct Shared {
    client: Client,
    store: Arc<dyn Store>,
    journal: Arc<dyn Journal>,
    tokens: Arc<dyn TokenProvider>,
    shutdown: Shutdown,
    clock: Clock,
    timing: Arc<Timing>,
    options: Arc<Options>,
    fingerprints: Arc<Fingerprints>,
    stores: Arc<StoreEndpoints>,
}

impl Engine {
    /// An engine on an API, a store (for the leases of its accounts), its journal and a source of access
    /// tokens. It stops when `shutdown` asks for it.
    pub(crate) fn builder(
        client: Client,
        store: Arc<dyn Store>,
        journal: Arc<dyn Journal>,
        tokens: Arc<dyn TokenProvider>,
        shutdown: Shutdown,
    ) -> EngineBuilder {
        EngineBuilder(Shared {
            client,
            store,
            journal,
            tokens,
            shutdown,
            clock: Clock::default(),
            timing: Arc::default(),
            options: Arc::default(),
            fingerprints: Arc::default(),
            stores: Arc::default(),
        })
    }

    /// Works off the posts in tasks of their own. The stream ends when all of them have ended; a run whose
    /// stream is dropped stops where it stands.
    pub(crate) fn upload(&self, prepared: Prepared) -> Events {
        let engine = Arc::clone(&self.0);
        Events::of(|events| async move {
            let mut accounts = prepared.accounts.into_iter();
            let mut workers = JoinSet::new();
            loop {
                while workers.len() < engine.options.jobs.max(1)
                    && let Some((account, posts)) = accounts.next()
                {
                    let worker = AccountWorker::new(Arc::clone(&engine), account, events.clone());
                    workers.spawn(worker.run(posts));
                }
                let Some(ended) = workers.join_next().await else { return };
                events::pass_on_panic(ended);
            }
        })
    }

    /// Says what [`Engine::upload`] would do now: the same lookups and checks, ended before the first call
    /// that would create something. The outcomes come in the manifest's order.
    pub(crate) fn dry_run(&self, prepared: Prepared) -> Events {
        let engine = Arc::clone(&self.0);
        Events::of(|events| async move {
            let mut outcomes = Vec::new();
            for (account, mut posts) in prepared.accounts {
                let worker = AccountWorker::new(Arc::clone(&engine), account, events.clone());
                let planned = worker.dry_run(&mut posts).await;
                if engine.shutdown.asked().is_none() {
                    worker.report_quota(&posts, &planned).await;
                }
                outcomes.extend(planned);
            }
            outcomes.sort_by_key(|outcome| outcome.post_ref.index);
            for outcome in outcomes {
                events.ended(outcome);
            }
        })
    }

    /// Whether anything is left to send or to ask for, found out as by a dry run. After a signal nothing is.
    pub(crate) async fn has_work(&self, prepared: &Prepared) -> bool {
        for (account, posts) in &prepared.accounts {
            if self.0.shutdown.asked().is_some() {
                return false;
            }
            let events = EventSender::silent();
            let worker = AccountWorker::new(Arc::clone(&self.0), account.clone(), events);
            if worker.has_work(posts).await {
                return true;
            }
        }
        false
    }

    /// The posts that were made, by their places in the manifest. Nothing is read to find them.
    pub(crate) async fn made(&self, prepared: &Prepared) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for (account, posts) in &prepared.accounts {
            let events = EventSender::silent();
            let worker = AccountWorker::new(Arc::clone(&self.0), account.clone(), events);
            found.extend(worker.made(posts).await);
        }
        found
    }

    /// The posts that wait for nothing although their time has not come, by their places in the manifest: they
    /// were made before it was put off, or are the same as another one of the manifest that goes first. Nothing
    /// is read to find them, and after a signal no more are looked for.
    pub(crate) async fn not_waiting(&self, prepared: &Prepared) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for (account, posts) in &prepared.accounts {
            let events = EventSender::silent();
            let worker = AccountWorker::new(Arc::clone(&self.0), account.clone(), events);
            found.extend(worker.not_waiting(posts).await);
        }
        found
    }

    /// Asks TikTok once for a post that is with it or whose outcome is unknown, and records what that
    /// changes. Posts that still need bytes are left to [`Engine::upload`].
    pub(crate) async fn refresh_status(
        &self,
        post: RecordedPost,
    ) -> Result<RecordedPost, CallError> {
        let calls = self.0.calls(&post.account, EventSender::silent());
        let post_ref = post.post_ref();
        status::poll(&calls, &post_ref, post).await
    }

    /// Asks TikTok to call off the download of a post that it pulls, and records what came of it. It is under
    /// way still if TikTok does not say within [`Timing::call_off`].
    pub(crate) async fn call_off(&self, post: RecordedPost) -> Result<RecordedPost, CallError> {
        let calls = self.0.calls(&post.account, EventSender::silent());
        status::call_off(&calls, post).await
    }
}

impl EngineBuilder {
    /// The time of day; the system's unless this is called.
    #[must_use]
    pub(crate) fn clock(mut self, clock: Clock) -> Self {
        self.0.clock = clock;
        self
    }

    /// Waiting times; those for TikTok itself unless this is called.
    #[must_use]
    pub(crate) fn timing(mut self, timing: Timing) -> Self {
        self.0.timing = Arc::new(timing);
        self
    }

    /// What the run is told to do.
    #[must_use]
    pub(crate) fn options(mut self, options: Options) -> Self {
        self.0.options = Arc::new(options);
        self
    }

    /// What is known of files that wait for their time; nothing unless this is called.
    #[must_use]
    pub(crate) fn fingerprints(mut self, fingerprints: Arc<Fingerprints>) -> Self {
        self.0.fingerprints = fingerprints;
        self
    }

    /// Where stores of videos are, if elsewhere than is usual.
    #[must_use]
    pub(crate) fn stores(mut self, stores: StoreEndpoints) -> Self {
        self.0.stores = Arc::new(stores);
        self
    }

    /// The engine.
    pub(crate) fn build(self) -> Engine {
        Engine(Arc::new(self.0))
    }
}

impl Shared {
    /// The calls of one account.
    fn calls(&self, account: &str, events: EventSender) -> Calls {
        Calls {
            client: self.client.clone(),
            tokens: Arc::clone(&self.tokens),
            journal: Arc::clone(&self.journal),
            claim: Arc::new(Claim::new(Arc::clone(&self.journal), account.to_owned())),
            account: account.to_owned(),
            clock: self.clock,
            timing: Arc::clone(&self.timing),
            sources: Sources::new(Timing::clone(&self.timing), self.shutdown.clone())
                .with_stores(Arc::clone(&self.stores)),
            events,
            shutdown: self.shutdown.clone(),
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("options", &self.0.options).finish_non_exhaustive()
    }
}

impl fmt::Debug for EngineBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineBuilder").field("options", &self.0.options).finish_non_exhaustive()
    }
}
