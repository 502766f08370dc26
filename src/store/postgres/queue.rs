//! The queue: a table of what is to be made, and one of whose turn it is.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_postgres::Row;

use super::at_rest::{self, KeyCell};
use super::leases::Identity;
use super::link::{Commit, Session};
use super::tx::Tx;
use crate::encrypt::{self, Key, Place};
use crate::secret::Secret;
use crate::store::queue::{
    Added, Doing, End, Queue, Queued, Removed, SeenWorker, Why, Wish, WishKey,
};
use crate::store::{AccountError, StoreError, StoreFuture};

/// The most posts of an account that are given at a time.
const MOST_DUE: i64 = 200;

/// The time, in ms since 1970, of an account that nothing is known to wait for.
const NEVER: i64 = i64::MAX;

/// How long a process may say nothing before it is taken to be gone, in seconds.
const SILENCE: i64 = 90;

/// The columns that make a [`Queued`]; `$1` is the identity of this machine.
const COLUMNS: &str =
    "queue.number, queue.version, queue.account, label, publish_at, added, queue.host,
    queue.machine IS NULL OR queue.machine = $1, failed, why, hint, code, at.host";

/// Who is at an account: whoever claimed its turn, or has its lease.
const AT: &str = "LEFT JOIN LATERAL (
    SELECT workers.host FROM workers WHERE workers.id IN (
        SELECT worker FROM turns
        WHERE turns.account = queue.account AND turns.until > clock_timestamp()
        UNION ALL
        SELECT worker FROM leases
        WHERE leases.account = queue.account AND kind = 'upload' AND until > clock_timestamp()
    ) LIMIT 1) AS at ON true";

/// The queue of a database.
#[derive(Debug)]
pub(super) struct PostgresQueue {
    pub(super) session: Arc<Session>,
    pub(super) identity: Arc<Identity>,
    pub(super) key: Arc<KeyCell>,
}

impl Queue for PostgresQueue {
    fn add(&self, wishes: Vec<Wish>) -> StoreFuture<'_, Vec<Added>> {
        let (key, identity) = (self.key.get(), Arc::clone(&self.identity));
        self.session.run("take posts into the queue", Commit::Everywhere, move |tx| {
            // Whoever encrypts what rests here waits for this, and this for them.
            tx.batch("LOCK TABLE queue IN ROW SHARE MODE")?;
            let key = at_rest::key(tx, key.as_ref())?;
            lock_turns(tx, &wishes)?;
            let (now, machine) = (tx.now()?, identity.machine.id()?);
            let add = |wish: &Wish| {
                let pin = wish.is_here.then_some((machine, identity.host.as_str()));
                add(tx, wish, pin, key.as_deref(), now)
            };
            wishes.iter().map(add).collect()
        })
    }

    fn all(&self) -> StoreFuture<'_, Vec<Queued>> {
        let identity = Arc::clone(&self.identity);
        self.session.run("read the queue", Commit::Read, move |tx| {
            let statement = format!("SELECT {COLUMNS} FROM queue {AT} ORDER BY queue.number");
            let rows = tx.rows(&statement, &[identity.machine.id()?.into()])?;
            rows.iter().map(|row| queued(tx, row)).collect()
        })
    }

    fn claim(&self, most: u32, life: Duration) -> StoreFuture<'_, Vec<String>> {
        let identity = Arc::clone(&self.identity);
        self.session.run("take accounts of the queue", Commit::Soon, move |tx| {
            identity.works(tx)?;
            let now = tx.now()?.as_millisecond();
            let rows = tx.rows(
                // Put in meanwhile, a post says when it is to be looked at.
                "UPDATE turns SET worker = $1, again = $6,
                     until = clock_timestamp() + $2::bigint * interval '1 millisecond'
                 WHERE account IN (
                     SELECT account FROM turns AS it
                     WHERE (until IS NULL AND again <= $3 OR until <= clock_timestamp())
                     AND EXISTS (
                         SELECT 1 FROM queue WHERE queue.account = it.account AND NOT failed
                         AND (machine IS NULL OR machine = $4)
                         AND (publish_at IS NULL OR publish_at <= $3))
                     AND NOT EXISTS (
                         SELECT 1 FROM leases WHERE leases.account = it.account
                         AND kind = 'upload' AND leases.until > clock_timestamp())
                     ORDER BY again LIMIT $5 FOR UPDATE SKIP LOCKED)
                 RETURNING account",
                &[
                    (&identity.id).into(),
                    milliseconds(life).into(),
                    now.into(),
                    identity.machine.id()?.into(),
                    most.into(),
                    NEVER.into(),
                ],
            )?;
            rows.iter().map(|row| tx.get(row, 0)).collect()
        })
    }

    fn keep(&self, accounts: Vec<String>, life: Duration) -> StoreFuture<'_, ()> {
        let identity = Arc::clone(&self.identity);
        self.session.run("keep accounts of the queue", Commit::Soon, move |tx| {
            identity.works(tx)?;
            for account in accounts {
                tx.execute(
                    "UPDATE turns SET until = clock_timestamp() + $3::bigint * interval '1 millisecond'
                     WHERE account = $1 AND worker = $2",
                    &[account.into(), (&identity.id).into(), milliseconds(life).into()],
                )?;
            }
            Ok(())
        })
    }

    fn due<'a>(&'a self, account: &'a str) -> StoreFuture<'a, Vec<(Queued, Secret)>> {
        let (key, identity) = (self.key.get(), Arc::clone(&self.identity));
        let account = account.to_owned();
        self.session.run("read the queue", Commit::Read, move |tx| {
            let key = at_rest::key(tx, key.as_ref())?;
            let statement = format!(
                "SELECT {COLUMNS}, entry, key FROM queue {AT} WHERE queue.account = $2 AND NOT failed
                 AND (queue.machine IS NULL OR queue.machine = $1)
                 AND (publish_at IS NULL OR publish_at <= $3)
                 ORDER BY why IS NOT NULL, publish_at, queue.number LIMIT $4"
            );
            let now = tx.now()?.as_millisecond();
            let values = [identity.machine.id()?.into(), account.into(), now.into(), MOST_DUE.into()];
            let read = |row: &Row| {
                let queued = queued(tx, row)?;
                let (entry, name): (String, String) = (tx.get(row, "entry")?, tx.get(row, "key")?);
                let entry = opened(tx, key.as_deref(), entry, &queued.account, &name)?;
                Ok((queued, entry))
            };
            tx.rows(&statement, &values)?.iter().map(read).collect()
        })
    }

    fn settle<'a>(
        &'a self,
        account: &'a str,
        ended: Vec<(Queued, End)>,
        pause: Option<Duration>,
    ) -> StoreFuture<'a, ()> {
        let (identity, account) = (Arc::clone(&self.identity), account.to_owned());
        self.session.run("say how posts of the queue ended", Commit::Soon, move |tx| {
            // First, as all who change the account's queue do.
            tx.row("SELECT 1 FROM turns WHERE account = $1 FOR UPDATE", &[(&account).into()])?;
            for (queued, end) in &ended {
                settle(tx, queued, end)?;
            }
            let pause = pause.map(milliseconds);
            let now = tx.now()?.as_millisecond();
            // What somebody put in meanwhile is looked at when it is due, whatever the others wait for.
            tx.execute(
                "UPDATE turns SET worker = NULL, until = NULL, again = LEAST(
                     (SELECT min(publish_at) FROM queue
                      WHERE queue.account = $1 AND NOT failed AND publish_at > $3),
                     CASE WHEN EXISTS (
                         SELECT 1 FROM queue WHERE queue.account = $1 AND NOT failed
                         AND (publish_at IS NULL OR publish_at <= $3))
                     THEN $3 + COALESCE($4, 0) END,
                     again)
                 WHERE account = $1 AND worker = $2",
                &[(&account).into(), (&identity.id).into(), now.into(), pause.into()],
            )?;
            tx.execute(
                "DELETE FROM turns WHERE account = $1 AND until IS NULL
                 AND NOT EXISTS (SELECT 1 FROM queue WHERE queue.account = $1)",
                &[(&account).into()],
            )?;
            Ok(())
        })
    }

    fn remove(&self, number: i64) -> StoreFuture<'_, Removed> {
        let identity = Arc::clone(&self.identity);
        self.session.run("take a post out of the queue", Commit::Everywhere, move |tx| {
            let account: Option<String> =
                tx.one("SELECT account FROM queue WHERE number = $1", &[number.into()])?;
            let Some(account) = account else { return Ok(Removed::Unknown) };
            // Whoever comes to it waits for this.
            tx.row("SELECT 1 FROM turns WHERE account = $1 FOR UPDATE", &[account.into()])?;
            let statement = format!("SELECT {COLUMNS} FROM queue {AT} WHERE queue.number = $2");
            let row = tx.row(&statement, &[identity.machine.id()?.into(), number.into()])?;
            let Some(queued) = row.map(|row| queued(tx, &row)).transpose()? else {
                return Ok(Removed::Unknown);
            };
            if let Some(host) = queued.at.filter(|_| !queued.failed) {
                return Ok(Removed::InHand(host));
            }
            tx.execute("DELETE FROM queue WHERE number = $1", &[number.into()])?;
            Ok(Removed::Out(queued.label))
        })
    }

    fn drain(&self) -> StoreFuture<'_, ()> {
        let identity = Arc::clone(&self.identity);
        self.session
            .run("say that it takes nothing more", Commit::Soon, move |tx| identity.drains(tx))
    }

    fn workers(&self) -> StoreFuture<'_, Vec<SeenWorker>> {
        self.session.run("read who works", Commit::Read, |tx| {
            let rows = tx.rows(
                "SELECT host, pid, version, floor(extract(epoch FROM heartbeat) * 1000)::bigint,
                     queue, stopped IS NOT NULL,
                     heartbeat < clock_timestamp() - $1::bigint * interval '1 second', held.accounts
                 FROM workers LEFT JOIN LATERAL (
                     SELECT string_agg(DISTINCT account, ' ' ORDER BY account) AS accounts FROM (
                         SELECT account FROM leases
                         WHERE worker = workers.id AND leases.until > clock_timestamp()
                         UNION ALL
                         SELECT account FROM turns
                         WHERE worker = workers.id AND turns.until > clock_timestamp()) AS it
                     ) AS held ON true
                 WHERE heartbeat > clock_timestamp() - interval '1 hour' OR held.accounts IS NOT NULL
                 ORDER BY host, pid, heartbeat",
                &[SILENCE.into()],
            )?;
            rows.iter().map(|row| seen(tx, row)).collect()
        })
    }
}

/// Encrypts what rests in plain text; how many posts that were.
pub(super) fn encrypt(tx: &Tx<'_>, key: &Key) -> Result<usize, StoreError> {
    let rows = tx.rows("SELECT number, account, key, entry FROM queue FOR UPDATE", &[])?;
    let mut done = 0;
    for row in &rows {
        let number: i64 = tx.get(row, 0)?;
        let (account, name): (String, String) = (tx.get(row, 1)?, tx.get(row, 2)?);
        let entry: String = tx.get(row, 3)?;
        if !encrypt::is_encrypted(&entry) {
            let entry = encrypt::encrypt(key, &Secret::new(entry), &place(&account, &name));
            let statement = "UPDATE queue SET entry = $2 WHERE number = $1";
            tx.execute(statement, &[number.into(), entry.expose().into()])?;
            done += 1;
        }
    }
    Ok(done)
}

fn place(account: &str, key: &str) -> Place {
    Place::of(&["queue", account, key])
}

fn opened(
    tx: &Tx<'_>,
    key: Option<&Key>,
    entry: String,
    account: &str,
    name: &str,
) -> Result<Secret, StoreError> {
    let Some(needed) = encrypt::key_of(&entry) else { return Ok(Secret::new(entry)) };
    let Some(key) = key.filter(|key| key.id() == needed) else {
        return Err(AccountError::NoKey { path: tx.place.into(), key: needed }.into());
    };
    encrypt::open(key, &entry, &place(account, name))
        .map_err(|_| tx.odd(format!("a post of the queue of {account} cannot be decrypted")))
}

/// Takes the turns of all accounts, in an order that is the same for all. What changes an account's queue waits for it.
fn lock_turns(tx: &Tx<'_>, wishes: &[Wish]) -> Result<(), StoreError> {
    let accounts: BTreeSet<_> = wishes.iter().map(|wish| wish.account.as_str()).collect();
    for account in accounts {
        tx.execute(
            "INSERT INTO turns AS it (account, again) VALUES ($1, $2)
             ON CONFLICT (account) DO UPDATE SET again = it.again",
            &[account.into(), NEVER.into()],
        )?;
    }
    Ok(())
}

fn add(
    tx: &Tx<'_>,
    wish: &Wish,
    pin: Option<(&str, &str)>,
    key: Option<&Key>,
    now: Timestamp,
) -> Result<Added, StoreError> {
    let now = now.as_millisecond();
    let at = wish.publish_at.map(Timestamp::as_millisecond);
    let (machine, host) = pin.unzip();
    let name = match (&wish.key, machine) {
        (WishKey::Id(id), _) => format!("id {id}"),
        (WishKey::Source(hash), None) => format!("source {hash}"),
        (WishKey::Source(hash), Some(machine)) => format!("source {hash} {machine}"),
    };
    let statement = format!(
        "SELECT entry, failed, machine, publish_at, at.host FROM queue {AT}
         WHERE queue.account = $1 AND key = $2"
    );
    let before = tx.row(&statement, &[(&wish.account).into(), (&name).into()])?;
    let added = match &before {
        None => Added::New,
        Some(row) => {
            let entry = opened(tx, key, tx.get(row, 0)?, &wish.account, &name)?;
            let is_same = entry.expose() == wish.entry.expose()
                && tx.get::<Option<String>>(row, 2)?.as_deref() == machine
                && tx.get::<Option<i64>>(row, 3)? == at;
            match (tx.get::<bool>(row, 1)?, is_same) {
                (true, _) => Added::Again,
                (false, true) => return Ok(Added::Known),
                // Whoever is at it has read it, and would make it as it was, which may be for more people.
                (false, false) if tx.get::<Option<String>>(row, 4)?.is_some() => {
                    return Ok(Added::InHand);
                }
                (false, false) => Added::Changed,
            }
        }
    };
    let entry = match key {
        Some(key) => encrypt::encrypt(key, &wish.entry, &place(&wish.account, &name)),
        None => wish.entry.clone(),
    };
    tx.execute(
        "INSERT INTO queue AS it (account, key, entry, label, machine, host, publish_at, added)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (account, key) DO UPDATE SET version = it.version + 1, entry = excluded.entry,
             label = excluded.label, machine = excluded.machine, host = excluded.host,
             publish_at = excluded.publish_at, failed = false, why = NULL, hint = NULL, code = NULL",
        &[
            (&wish.account).into(),
            (&name).into(),
            entry.expose().into(),
            (&wish.label).into(),
            machine.into(),
            host.into(),
            at.into(),
            now.into(),
        ],
    )?;
    tx.execute(
        "UPDATE turns SET again = LEAST(again, GREATEST($2, $3)) WHERE account = $1",
        &[(&wish.account).into(), at.into(), now.into()],
    )?;
    Ok(added)
}

fn settle(tx: &Tx<'_>, queued: &Queued, end: &End) -> Result<(), StoreError> {
    let (number, version) = (queued.number.into(), queued.version.into());
    let (failed, why) = match end {
        End::Made => {
            let statement = "DELETE FROM queue WHERE number = $1 AND version = $2";
            tx.execute(statement, &[number, version])?;
            return Ok(());
        }
        End::Failed(why) => (true, Some(why)),
        End::Waits(why) => (false, why.as_ref()),
    };
    tx.execute(
        "UPDATE queue SET failed = $3, why = $4, hint = $5, code = $6
         WHERE number = $1 AND version = $2",
        &[
            number,
            version,
            failed.into(),
            why.map(|why| why.message.as_str()).into(),
            why.and_then(|why| why.hint.as_deref()).into(),
            why.and_then(|why| why.code.as_deref()).into(),
        ],
    )?;
    Ok(())
}

fn queued(tx: &Tx<'_>, row: &Row) -> Result<Queued, StoreError> {
    let time = |at: i64| {
        Timestamp::from_millisecond(at).map_err(|_| tx.odd("a post of the queue has an odd time"))
    };
    let why: Option<String> = tx.get(row, 9)?;
    let (hint, code) = (tx.get(row, 10)?, tx.get(row, 11)?);
    Ok(Queued {
        number: tx.get(row, 0)?,
        version: tx.get(row, 1)?,
        account: tx.get(row, 2)?,
        label: tx.get(row, 3)?,
        publish_at: tx.get::<Option<i64>>(row, 4)?.map(time).transpose()?,
        added: time(tx.get(row, 5)?)?,
        host: tx.get(row, 6)?,
        is_for_here: tx.get(row, 7)?,
        failed: tx.get(row, 8)?,
        why: why.map(|message| Why { message, hint, code }),
        at: tx.get(row, 12)?,
    })
}

fn seen(tx: &Tx<'_>, row: &Row) -> Result<SeenWorker, StoreError> {
    let heartbeat = Timestamp::from_millisecond(tx.get(row, 3)?);
    let queue: Option<String> = tx.get(row, 4)?;
    let (has_ended, is_silent): (bool, bool) = (tx.get(row, 5)?, tx.get(row, 6)?);
    let holds: Option<String> = tx.get(row, 7)?;
    Ok(SeenWorker {
        host: tx.get(row, 0)?,
        pid: tx.get(row, 1)?,
        version: tx.get(row, 2)?,
        heartbeat: heartbeat.map_err(|_| tx.odd("a worker has an odd time"))?,
        doing: match queue.as_deref() {
            // It has stopped for as long as it is at nothing.
            Some("works") if !is_silent => Doing::Works,
            _ if has_ended => Doing::Ended,
            _ if is_silent => Doing::Silent,
            Some(_) => Doing::Drains,
            None => Doing::Runs,
        },
        holds: holds.iter().flat_map(|all| all.split(' ')).map(str::to_owned).collect(),
    })
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
