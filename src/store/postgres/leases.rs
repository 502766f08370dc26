//! Leases that end by themselves, and the processes that hold them. They are judged by the clock of the server as
//! it runs, not by the time at which a transaction began, which may have waited for long.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::link::{Commit, Session};
use super::machine::{Machine, Process};
use super::tx::Tx;
use crate::retry::jittered;
use crate::store::{Holder, Lease, LeaseError, LeaseKind, Leases, StoreError, StoreFuture};
use crate::timing::Timing;

/// How often a lease is renewed in the time that it lasts if nobody renews it.
const BEATS: u32 = 4;

/// The version of this program, for others.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The longest pause between two looks at a lease that somebody else has.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Who this process is to others.
#[derive(Debug)]
pub(super) struct Identity {
    /// A number that nobody else has.
    pub(super) id: String,
    pub(super) host: String,
    pid: u32,
    /// What this is one of the processes of.
    pub(super) machine: Arc<Machine>,
    /// Which of them, where that can be told.
    process: Option<Process>,
    /// How long a lease lasts that nobody renews.
    pub(super) life: Duration,
    /// How long processes must have been silent that nothing of them gets to TikTok any more.
    pub(super) silence: Silence,
    /// How many leases it has asked for.
    asked: AtomicU64,
}

/// How long a process must have been silent that it is known not to be in a call for a post any more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Silence {
    /// For one that TikTok fetches: its init is all there is.
    pub(super) pull: Duration,
    /// For a file.
    pub(super) file: Duration,
}

impl Identity {
    pub(super) fn new(timing: &Timing, machine: &Arc<Machine>) -> Self {
        Self {
            id: format!("{:032x}", rand::random::<u128>()),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            pid: process::id(),
            machine: Arc::clone(machine),
            process: Process::this(),
            life: timing.lease,
            silence: Silence { pull: timing.no_init_after(), file: timing.no_chunk_after() },
            asked: AtomicU64::new(0),
        }
    }

    /// The same on a machine, before anything was said of it.
    pub(super) fn on(&self, machine: Arc<Machine>) -> Self {
        let (id, host, process) = (self.id.clone(), self.host.clone(), self.process.clone());
        Self { id, host, process, machine, asked: AtomicU64::new(0), ..*self }
    }

    /// Says in the database that it lives.
    fn beat(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        tx.execute(
            "INSERT INTO workers (id, host, pid, machine, process, version, heartbeat)
             VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp())
             ON CONFLICT (id) DO UPDATE SET heartbeat = clock_timestamp(), stopped = NULL",
            &[
                (&self.id).into(),
                (&self.host).into(),
                self.pid.into(),
                self.machine.id()?.into(),
                self.process.as_ref().map(Process::text).into(),
                VERSION.into(),
            ],
        )?;
        Ok(())
    }

    /// Whether another process, as it has said, was one of this machine's and is certain to have ended.
    pub(super) fn knows_gone(
        &self,
        machine: &str,
        process: Option<&str>,
    ) -> Result<bool, StoreError> {
        let this = self.process.as_ref().zip(process);
        let is_gone = this.is_some_and(|(this, process)| this.knows_gone(process));
        Ok(is_gone && machine == self.machine.id()?)
    }

    /// Says that it takes posts from the queue.
    pub(super) fn works(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        self.beat(tx)?;
        self.does(tx, Some("works"))?;
        // Of what it was at before, nobody need wait for it.
        self.stops(tx)
    }

    /// Says that it takes none any more.
    pub(super) fn drains(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        self.beat(tx)?;
        self.does(tx, Some("drains"))?;
        self.stops(tx)
    }

    /// Says that it has ended, if it holds nothing any more.
    fn stops(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        tx.execute(
            "UPDATE workers SET stopped = clock_timestamp() WHERE id = $1
             AND NOT EXISTS (SELECT 1 FROM leases WHERE worker = $1)
             AND NOT EXISTS (SELECT 1 FROM holders WHERE worker = $1)",
            &[(&self.id).into()],
        )?;
        Ok(())
    }

    fn does(&self, tx: &Tx<'_>, what: Option<&str>) -> Result<(), StoreError> {
        let statement = "UPDATE workers SET queue = $2 WHERE id = $1 AND queue IS DISTINCT FROM $2";
        tx.execute(statement, &[(&self.id).into(), what.into()])?;
        Ok(())
    }
}

/// The leases of a database.
#[derive(Debug)]
pub(super) struct PostgresLeases {
    pub(super) session: Arc<Session>,
    pub(super) identity: Arc<Identity>,
}

impl PostgresLeases {
    fn claim(&self, kind: LeaseKind, account: &str) -> StoreFuture<'_, Held> {
        let identity = Arc::clone(&self.identity);
        let claim = Claim {
            kind: word(kind),
            account: account.to_owned(),
            owner: format!("{}-{}", identity.id, identity.asked.fetch_add(1, Ordering::SeqCst)),
            identity,
        };
        let session = Arc::clone(&self.session);
        self.session.run("claim a lease", Commit::Soon, move |tx| {
            claim.enter(tx)?;
            // If nobody waits for it any more, dropping it gives it back.
            Ok(Held {
                session,
                claim,
                is_lost: AtomicBool::new(false),
                is_over: AtomicBool::new(false),
            })
        })
    }
}

impl Leases for PostgresLeases {
    fn acquire<'a>(
        &'a self,
        kind: LeaseKind,
        account: &'a str,
        wait: Duration,
    ) -> StoreFuture<'a, Box<dyn Lease>> {
        Box::pin(async move {
            let deadline = Instant::now() + wait;
            let mut pause = Duration::from_millis(50);
            loop {
                match self.claim(kind, account).await {
                    Ok(held) => {
                        return Ok(Box::new(PostgresLease::kept(held)) as Box<dyn Lease>);
                    }
                    Err(StoreError::Lease(LeaseError::Held { .. }))
                        if Instant::now() < deadline =>
                    {
                        let left = deadline.saturating_duration_since(Instant::now());
                        sleep(jittered(pause).min(left)).await;
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                    Err(error) => return Err(error),
                }
            }
        })
    }
}

fn word(kind: LeaseKind) -> &'static str {
    match kind {
        LeaseKind::Upload => "upload",
        LeaseKind::Refresh => "refresh",
    }
}

/// What is claimed, and as whom.
#[derive(Clone, Debug)]
struct Claim {
    identity: Arc<Identity>,
    kind: &'static str,
    account: String,
    owner: String,
}

impl Claim {
    fn enter(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        self.identity.beat(tx)?;
        let claimed = tx.execute(
            "INSERT INTO leases AS it (account, kind, owner, worker, since, until)
             VALUES ($1, $2, $3, $4, clock_timestamp(),
                 clock_timestamp() + $5::bigint * interval '1 millisecond')
             ON CONFLICT (account, kind) DO UPDATE SET owner = excluded.owner,
                 worker = excluded.worker, since = clock_timestamp(),
                 until = clock_timestamp() + $5::bigint * interval '1 millisecond'
             WHERE it.until < clock_timestamp()",
            &[
                (&self.account).into(),
                self.kind.into(),
                (&self.owner).into(),
                (&self.identity.id).into(),
                self.life().into(),
            ],
        )?;
        if claimed == 1 {
            return self.holds(tx);
        }
        let holder = tx.row(
            "SELECT pid, host, floor(extract(epoch FROM since) * 1000)::bigint, owner, machine, process,
                 floor(extract(epoch FROM until) * 1000)::bigint
             FROM leases JOIN workers ON workers.id = leases.worker
             WHERE account = $1 AND kind = $2",
            &[(&self.account).into(), self.kind.into()],
        )?;
        if let Some(row) = &holder {
            let (machine, process): (String, Option<String>) = (tx.get(row, 4)?, tx.get(row, 5)?);
            if self.identity.knows_gone(&machine, process.as_deref())?
                && self.inherit(tx, tx.get(row, 3)?)?
            {
                return self.holds(tx);
            }
        }
        let holder = holder.map(|row| -> Result<Holder, StoreError> {
            let (pid, host): (i64, String) = (tx.get(&row, 0)?, tx.get(&row, 1)?);
            let pid = u32::try_from(pid).map_err(|_| tx.odd("a worker has an odd number"))?;
            let since = Timestamp::from_millisecond(tx.get(&row, 2)?).ok();
            let until = Timestamp::from_millisecond(tx.get(&row, 6)?).ok();
            Ok(Holder { pid, host: Some(host), since, until })
        });
        Err(LeaseError::Held { what: self.what(), holder: holder.transpose()? }.into())
    }

    /// Takes the lease of a process that has ended without giving it back. What it recorded stays as it is: whatever it
    /// has sent may be on its way still.
    fn inherit(&self, tx: &Tx<'_>, from: String) -> Result<bool, StoreError> {
        let inherited = tx.execute(
            "UPDATE leases SET owner = $3, worker = $4, since = clock_timestamp(),
                 until = clock_timestamp() + $5::bigint * interval '1 millisecond'
             WHERE account = $1 AND kind = $2 AND owner = $6",
            &[
                (&self.account).into(),
                self.kind.into(),
                (&self.owner).into(),
                (&self.identity.id).into(),
                self.life().into(),
                from.into(),
            ],
        )?;
        Ok(inherited == 1)
    }

    /// Notes who may make calls for the account until it says that it is done, whoever has the lease by then.
    fn holds(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        if self.kind == word(LeaseKind::Upload) {
            tx.execute(
                "INSERT INTO holders (account, owner, worker) VALUES ($1, $2, $3)",
                &[(&self.account).into(), (&self.owner).into(), (&self.identity.id).into()],
            )?;
            // Those that died long ago say nothing any more.
            tx.execute(
                "DELETE FROM holders USING workers WHERE holders.account = $1
                 AND workers.id = holders.worker
                 AND workers.heartbeat < clock_timestamp() - interval '7 days'",
                &[(&self.account).into()],
            )?;
        }
        Ok(())
    }

    /// The lease for people.
    fn what(&self) -> String {
        format!("{} of {}", self.kind, self.account)
    }

    /// How long it lasts if nobody renews it, in ms.
    fn life(&self) -> i64 {
        i64::try_from(self.identity.life.as_millis()).unwrap_or(i64::MAX)
    }

    fn values(&self) -> [super::value::Value; 3] {
        [(&self.account).into(), self.kind.into(), (&self.owner).into()]
    }

    /// Makes it last; `false`: somebody else may have it.
    fn renew(&self, tx: &Tx<'_>) -> Result<bool, StoreError> {
        self.identity.beat(tx)?;
        let [account, kind, owner] = self.values();
        // One that has ended may be taken at any moment, and is not made to last again.
        let renewed = tx.execute(
            "UPDATE leases SET until = clock_timestamp() + $4::bigint * interval '1 millisecond'
             WHERE account = $1 AND kind = $2 AND owner = $3 AND until >= clock_timestamp()",
            &[account, kind, owner, self.life().into()],
        )?;
        Ok(renewed == 1)
    }

    /// Says that all is done for which it was claimed. One that was lost leaves the lease to whoever has it.
    fn give_back(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        tx.execute(
            "DELETE FROM leases WHERE account = $1 AND kind = $2 AND owner = $3",
            &self.values(),
        )?;
        tx.execute("DELETE FROM holders WHERE owner = $1", &[(&self.owner).into()])?;
        // Whoever has no lease left works on nothing.
        self.identity.stops(tx)
    }
}

/// A row of a lease that is this process's, given back when it is dropped.
#[derive(Debug)]
struct Held {
    session: Arc<Session>,
    claim: Claim,
    /// Whether somebody else may have it.
    is_lost: AtomicBool,
    /// Whether it was given back.
    is_over: AtomicBool,
}

impl Held {
    /// Says that the process lives, which may be in a call whether it still has the lease or not, and keeps the lease as
    /// long as it has it.
    fn beat(self: Arc<Self>) -> StoreFuture<'static, ()> {
        if !self.is_lost.load(Ordering::SeqCst) {
            return self.renewed();
        }
        Box::pin(async move {
            let identity = Arc::clone(&self.claim.identity);
            self.session.run("say that it lives", Commit::Soon, move |tx| identity.beat(tx)).await
        })
    }

    fn renewed(self: Arc<Self>) -> StoreFuture<'static, ()> {
        Box::pin(async move {
            let lost = || StoreError::from(LeaseError::Lost { what: self.claim.what() });
            if self.is_lost.load(Ordering::SeqCst) {
                return Err(lost());
            }
            let claim = self.claim.clone();
            let work = move |tx: &Tx<'_>| claim.renew(tx);
            let renewed = self.session.run("renew a lease", Commit::Soon, work).await?;
            if !renewed {
                self.is_lost.store(true, Ordering::SeqCst);
                return Err(lost());
            }
            Ok(())
        })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_over.swap(true, Ordering::SeqCst) {
            return;
        }
        // Without the session: whoever drops the last handle of it waits until this is done.
        let claim = self.claim.clone();
        self.session.begin("give a lease back", move |tx| claim.give_back(tx));
    }
}

/// A lease that is renewed until it is dropped.
#[derive(Debug)]
struct PostgresLease {
    held: Arc<Held>,
    heartbeat: JoinHandle<()>,
}

impl PostgresLease {
    fn kept(held: Held) -> Self {
        let held = Arc::new(held);
        let kept = Arc::downgrade(&held);
        let often = (held.claim.identity.life / BEATS).max(Duration::from_millis(1));
        let heartbeat = tokio::spawn(async move {
            let mut ticks = interval(often);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks.tick().await;
            loop {
                ticks.tick().await;
                let Some(held) = kept.upgrade() else { return };
                // Whether it was lost the next one who renews it is told.
                if let Err(error) = held.beat().await {
                    tracing::warn!(%error, "a lease was not renewed");
                }
            }
        });
        Self { held, heartbeat }
    }
}

impl Lease for PostgresLease {
    fn renew(&self) -> StoreFuture<'_, ()> {
        Arc::clone(&self.held).renewed()
    }

    fn release(self: Box<Self>) -> StoreFuture<'static, ()> {
        Box::pin(async move {
            let held = Arc::clone(&self.held);
            drop(self);
            if held.is_over.swap(true, Ordering::SeqCst) {
                return Ok(());
            }
            let claim = held.claim.clone();
            held.session.run("give a lease back", Commit::Soon, move |tx| claim.give_back(tx)).await
        })
    }
}

impl Drop for PostgresLease {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}
