//! The storm: workers that share accounts through one database, killed, stopped beyond their leases and cut off, while
//! the servers crash, fail over and stand still, and TikTok loses calls. Afterwards all is brought to its end in
//! peace, and the checker holds TikTok's log against what the database recorded.
//!
//! `TIKTOK_UP_FLEET_MINUTES` sets how long it lasts, `TIKTOK_UP_SEED` the seed, which is printed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{RngExt as _, SeedableRng as _};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tiktok_sandbox::{Account, AccountView, Options, PostView};

use super::checker::{Chunk, Evidence, Journaled, LostLogin, Made, Recorded};
use super::pair::Pair;
use super::wire::{From, Wire};
use crate::stage::{number, say};
use crate::world::{CHUNK, Ran, World, sha256};

/// As those of the other proofs, with leases that end in seconds.
const TIMING: &str = "proof_gap=60ms,stall=2s,chunk_answer=2s,final_wait=2s,answer=5s,quota_window=5s,\
                      poll_limit=20s,refresh_lock=5s,lease=2s";

/// How long a lease lasts that nobody renews.
const LEASE: Duration = Duration::from_secs(2);

/// Posts of an account that are asked for at a time.
const WAVE: usize = 2;

/// Keeps every step of every attempt that is recorded, and who was about to spend a token, in the transaction that
/// records it.
const HISTORY: &str = "
    CREATE TABLE public.steps (
        id bigint GENERATED ALWAYS AS IDENTITY, post bigint, phase text, publish_id text, synchronous text);
    CREATE FUNCTION public.keep_step() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO public.steps (post, phase, publish_id, synchronous)
        VALUES (NEW.post, NEW.phase, NEW.publish_id, current_setting('synchronous_commit'));
        RETURN NULL; END $$;
    CREATE TRIGGER keep_step AFTER INSERT OR UPDATE OF phase ON tiktok_up.attempts
        FOR EACH ROW EXECUTE FUNCTION public.keep_step();
    CREATE TABLE public.claims (
        id bigint GENERATED ALWAYS AS IDENTITY, account text, pid bigint, at timestamptz);
    CREATE FUNCTION public.keep_claim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO public.claims (account, pid, at)
        SELECT NEW.account, pid, clock_timestamp() FROM tiktok_up.workers WHERE id = NEW.worker;
        RETURN NULL; END $$;
    CREATE TRIGGER keep_claim AFTER INSERT OR UPDATE OF owner ON tiktok_up.leases
        FOR EACH ROW WHEN (NEW.kind = 'refresh') EXECUTE FUNCTION public.keep_claim()";

/// Ends the waits for the standby as an administrator may: what waited is there for all to see, and on no standby.
const CANCEL: &str =
    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

/// What is to be posted.
#[derive(Clone)]
struct Wanted {
    key: String,
    entry: Value,
    video: Option<PathBuf>,
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    Kill,
    Stop,
    Cut,
    Crash,
    FailOver,
    Forget,
    Split,
    StandbyAway,
    Cancel,
    TikTok,
    Hours,
}

/// How often each is, of the sum.
const TROUBLES: [(Trouble, u32); 11] = [
    (Trouble::Kill, 25),
    (Trouble::Stop, 15),
    (Trouble::Cut, 25),
    (Trouble::Crash, 7),
    (Trouble::FailOver, 5),
    (Trouble::Forget, 3),
    (Trouble::Split, 3),
    (Trouble::StandbyAway, 5),
    (Trouble::Cancel, 5),
    (Trouble::TikTok, 10),
    (Trouble::Hours, 2),
];

/// What the threads of a storm share.
struct Fleet {
    world: RwLock<World>,
    /// How far TikTok's clock was ahead, from when on.
    ahead: Mutex<Vec<(Timestamp, SignedDuration)>>,
    wire: Wire,
    program: PathBuf,
    homes: Vec<PathBuf>,
    /// The run of each worker.
    runs: Vec<Mutex<Option<Child>>>,
    wanted: Mutex<Vec<Wanted>>,
    /// What still has to be asked for.
    open: Mutex<Vec<Wanted>>,
    kills: Mutex<Vec<(u32, Timestamp)>>,
    exits: Mutex<BTreeMap<String, u64>>,
    wrong: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Fleet {
    fn new(pair: &Pair, workers: usize, accounts: usize) -> Self {
        let wire = Wire::to(pair.socket(), "127.0.0.1");
        let people = (1..=accounts).map(|nth| Account::new(&handle(nth), &format!("Nr {nth}")));
        let folder = tempfile::Builder::new().prefix("tiktok-up-fleet-").tempdir().unwrap().keep();
        let options = Options {
            accounts: people.collect(),
            daily_posts: usize::MAX,
            pending_drafts: usize::MAX,
            download: Duration::ZERO,
            log: Some(folder.join("tiktok.log")),
            ..Options::default()
        };
        let world = World::with(options).timing(TIMING).in_database(wire.url());
        for nth in 1..=accounts {
            world.login(&format!("@{}", handle(nth))).exits(0);
        }
        // Another build into the same folder must not change what runs here.
        let program = folder.join("tiktok-up");
        fs::copy(env!("CARGO_BIN_EXE_tiktok-up"), &program).unwrap();
        let homes = (0..workers).map(|nth| folder.join(format!("home-{nth}")));
        let ahead = Mutex::new(vec![(Timestamp::MIN, SignedDuration::ZERO)]);
        pair.sql(HISTORY);
        Self {
            world: RwLock::new(world),
            ahead,
            wire,
            program,
            homes: homes.collect(),
            runs: (0..workers).map(|_| Mutex::default()).collect(),
            wanted: Mutex::default(),
            open: Mutex::default(),
            kills: Mutex::default(),
            exits: Mutex::default(),
            wrong: Mutex::default(),
            is_over: AtomicBool::new(false),
        }
    }

    fn folder(&self) -> &Path {
        self.program.parent().unwrap()
    }

    /// The executable in the home of a worker.
    fn command(&self, worker: usize, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args);
        let mut command = self.world.read().unwrap().dress(command);
        command.env("TIKTOK_UP_HOME", &self.homes[worker]);
        command
    }

    /// What a worker runs, over and over: as cron would, each with the list in an order of its own.
    fn work(&self, worker: usize, posts: &[Wanted]) -> Command {
        let list: Vec<&Value> = posts.iter().map(|wanted| &wanted.entry).collect();
        let manifest = self.folder().join(format!("list-{worker}.json"));
        fs::write(&manifest, json!(list).to_string()).unwrap();
        let chunk = CHUNK.to_string();
        let manifest = manifest.to_str().unwrap();
        self.command(worker, &["upload", "--jobs", "4", "--chunk-size", &chunk, manifest])
    }

    /// Lets time pass at TikTok, and for those that begin after it.
    fn advance(&self, by: SignedDuration) {
        let mut world = self.world.write().unwrap();
        let mut ahead = lock(&self.ahead);
        let total = ahead.last().unwrap().1 + by;
        ahead.push((Timestamp::now(), total));
        world.advance(by);
    }

    /// A time of TikTok's clock by the one of this machine.
    fn real(&self, theirs: Timestamp) -> Timestamp {
        let ahead = lock(&self.ahead);
        // A moment between two steps is before the later one by every reckoning but its own.
        let mut all = ahead.iter().rev().map(|(from, ahead)| (*from, theirs - *ahead));
        all.find(|(from, real)| real >= from).unwrap().1
    }

    fn posts(&self) -> Vec<PostView> {
        self.world.read().unwrap().posts()
    }

    /// Asks for new posts of every account; what is done is kept in the lists for a while, so that it might be
    /// made again.
    fn ask(&self, wave: u64, accounts: usize, rng: &mut StdRng) {
        let world = self.world.read().unwrap();
        let mut new = Vec::new();
        for account in 1..=accounts {
            for nth in 0..WAVE {
                let key = format!("{}-{wave}-{nth}", handle(account));
                let open_id = world.open_id(&format!("@{}", handle(account)));
                let mut entry = json!({ "user_id": open_id, "privacy_level": "SELF_ONLY",
                    "description": key });
                let mut video = None;
                if rng.random_bool(0.1) {
                    entry["video_url"] = json!(format!("https://verified.example/{key}.mp4"));
                } else {
                    let more = rng.random_range(1..100) * 1000;
                    let size = if rng.random_bool(0.3) { 2 * CHUNK + more } else { 100_000 + more };
                    let path = world.video(&format!("{key}.mp4"), size);
                    entry["video_path"] = json!(path);
                    video = Some(path);
                }
                new.push(Wanted { key, entry, video });
            }
        }
        lock(&self.wanted).extend(new.iter().cloned());
        let old = self.unfinished();
        let mut open = lock(&self.open);
        // Those of the last wave, done or not.
        let kept = open.len().saturating_sub(WAVE * accounts);
        let last = open.split_off(kept);
        *open = old.into_iter().filter(|old| last.iter().all(|last| last.key != old.key)).collect();
        open.extend(last);
        open.extend(new);
    }

    /// What TikTok does not have yet.
    fn unfinished(&self) -> Vec<Wanted> {
        let posts = self.posts();
        let done: std::collections::BTreeSet<&str> =
            posts.iter().filter(|post| is_done(post)).map(|post| post.title.as_str()).collect();
        let wanted = lock(&self.wanted);
        wanted.iter().filter(|wanted| !done.contains(wanted.key.as_str())).cloned().collect()
    }

    /// The life of a worker: one run after the other.
    fn live(&self, worker: usize, mut rng: StdRng) {
        while !self.is_over.load(Ordering::SeqCst) {
            let mut posts = lock(&self.open).clone();
            posts.shuffle(&mut rng);
            let said = self.folder().join(format!("said-{worker}"));
            let mut command = self.work(worker, &posts);
            if rng.random_bool(0.05) {
                command = self.command(worker, &["refresh", "--force"]);
            }
            let output = fs::File::create(&said).unwrap();
            command.stdout(Stdio::null()).stderr(output);
            *lock(&self.runs[worker]) = Some(command.spawn().unwrap());
            let code = loop {
                // Whoever kills it holds the lock, so that the number is that of this process.
                let mut run = lock(&self.runs[worker]);
                if let Some(status) = run.as_mut().unwrap().try_wait().unwrap() {
                    *run = None;
                    break status.code();
                }
                drop(run);
                thread::sleep(Duration::from_millis(10));
            };
            let exit = code.map_or_else(|| "killed".to_owned(), |code| format!("exit {code}"));
            *lock(&self.exits).entry(exit).or_default() += 1;
            let said = fs::read_to_string(&said).unwrap_or_default();
            // New tokens that the database does not take are told as what they are, and lie in the log of this machine.
            let is_told = matches!(code, None | Some(0 | 3 | 5 | 6))
                || code == Some(4) && said.contains("[refresh_not_saved]");
            if !is_told {
                lock(&self.wrong).push(format!("worker {worker} ended with {code:?}: {said}"));
            }
            thread::sleep(Duration::from_millis(rng.random_range(50..400)));
        }
    }

    /// Sends a worker's run a signal; whether there was one.
    fn signal(&self, worker: usize, signal: Signal) -> Option<u32> {
        let run = lock(&self.runs[worker]);
        let child = run.as_ref()?;
        // It may have ended just now; its number is its own until it is waited for.
        _ = kill_process(Pid::from_child(child), signal);
        Some(child.id())
    }

    /// Makes trouble. What it takes two servers for waits until both are there again.
    fn make(self: &Arc<Self>, trouble: Trouble, pair: &mut Pair, rng: &mut StdRng) {
        let worker = rng.random_range(0..self.homes.len());
        match trouble {
            Trouble::Kill => {
                if let Some(pid) = self.signal(worker, Signal::KILL) {
                    lock(&self.kills).push((pid, Timestamp::now()));
                }
            }
            Trouble::Stop => {
                let (fleet, pause) = (Arc::clone(self), LEASE + moment(rng, 4000));
                if self.signal(worker, Signal::STOP).is_some() {
                    thread::spawn(move || {
                        thread::sleep(pause);
                        fleet.signal(worker, Signal::CONT);
                    });
                }
            }
            Trouble::Cut => {
                let from = *[From::Program, From::Server].choose(rng).unwrap();
                self.wire.cut_in(from, rng.random_range(1..500));
            }
            Trouble::Crash => {
                pair.crash();
                thread::sleep(moment(rng, 1500));
                pair.recover();
            }
            Trouble::FailOver => {
                pair.fail_over();
                self.wire.leads_to(pair.socket());
                thread::sleep(moment(rng, 1500));
                pair.follow();
            }
            Trouble::Forget => {
                pair.deafen_standby();
                let is_cancelled = rng.random_bool(0.5);
                for _ in 0..rng.random_range(1..10) {
                    thread::sleep(moment(rng, 500));
                    if is_cancelled {
                        pair.sql(CANCEL);
                    }
                }
                pair.fail_over_deaf();
                self.wire.leads_to(pair.socket());
                pair.follow();
            }
            Trouble::Split => {
                pair.split();
                self.wire.leads_to(pair.socket());
                thread::sleep(moment(rng, 4000));
                pair.follow();
            }
            Trouble::StandbyAway => {
                pair.standby_goes();
                thread::sleep(moment(rng, 4000));
                pair.standby_comes();
            }
            Trouble::Cancel => {
                pair.standby_goes();
                for _ in 0..5 {
                    thread::sleep(moment(rng, 300));
                    pair.sql(CANCEL);
                }
                pair.standby_comes();
            }
            Trouble::TikTok => {
                let endpoint = *["upload", "upload", "video_init", "status"].choose(rng).unwrap();
                let when = *["before", "middle", "after"].choose(rng).unwrap();
                let rule = json!({ "endpoint": endpoint, "nth": rng.random_range(1..10),
                    "do": { "drop": when } });
                self.world.read().unwrap().fault(&rule);
            }
            Trouble::Hours => self.advance(SignedDuration::from_hours(3)),
        }
    }

    /// Ends the workers, and all trouble.
    fn end(&self, workers: Vec<thread::JoinHandle<()>>) {
        self.is_over.store(true, Ordering::SeqCst);
        self.wire.cut_nothing();
        self.world.read().unwrap().let_go();
        for worker in 0..self.homes.len() {
            self.signal(worker, Signal::CONT);
        }
        for worker in workers {
            worker.join().unwrap();
        }
    }

    /// Brings all to its end in peace. The logins that are lost come back: nothing else could be settled.
    fn settle(&self, pair: &Pair) -> Vec<LostLogin> {
        // What an answer left on one machine only that one finds.
        for worker in 0..self.homes.len() {
            pair.wait_until(super::NO_LEASE);
            Ran::of(self.command(worker, &["refresh"]));
        }
        let lost = self.lost_logins(pair);
        let all = lock(&self.wanted).clone();
        let mut said = Vec::new();
        for minutes in [0, 2, 80, 2, 61, 61, 61, 61] {
            self.advance(SignedDuration::from_mins(minutes));
            pair.wait_until(super::NO_LEASE);
            // A minute takes six inits of an account.
            for _ in 0..20 {
                let ran = Ran::of(self.work(0, &all));
                // An outcome that is unknown goes before what has to wait for its minute.
                let unknown = pair.sql(
                    "SELECT caption FROM tiktok_up.attempts JOIN tiktok_up.posts ON id = post
                     WHERE phase = 'unresolved'",
                );
                let mut unfinished = self.unfinished();
                unfinished.retain(|wanted| unknown.iter().all(|row| row[0] != wanted.key));
                let waits = !unfinished.is_empty();
                if matches!(ran.code, Some(0 | 6)) && !waits {
                    return lost;
                }
                said.push(ran);
                self.advance(SignedDuration::from_secs(61));
            }
        }
        let tail = said.split_off(said.len().saturating_sub(2));
        panic!("never settled: {tail:#?}");
    }

    /// The accounts whose token TikTok does not take any more; each is logged in again.
    fn lost_logins(&self, pair: &Pair) -> Vec<LostLogin> {
        let world = self.world.read().unwrap();
        let calls = self.log();
        let mut lost = Vec::new();
        for (name, open_id) in self.accounts() {
            let ran =
                Ran::of(self.command(0, &["refresh", "--force", &format!("--account={open_id}")]));
            if ran.code == Some(0) {
                continue;
            }
            if ran.code != Some(3) {
                lock(&self.wrong).push(format!("a refresh in peace: {ran:#?}"));
            }
            let mut rotations = calls.iter().filter(|call| {
                call["endpoint"] == "token_refresh"
                    && call["account"] == json!(name)
                    && call["code"].is_null()
            });
            let rotated = rotations.next_back().map(|call| self.real(time(call)));
            // Others have tried it since, and had the lease after whoever spent it.
            let spent = rotated.map(|at| {
                pair.sql(&format!(
                    "SELECT pid FROM public.claims WHERE account = '{open_id}' AND at <= '{at}'
                     ORDER BY id DESC LIMIT 1"
                ))
            });
            let spent_by = spent.and_then(|rows| rows.first()?[0].parse().ok());
            lost.push(LostLogin { account: name.clone(), rotated, spent_by });
            world.consent(&json!({ "account": name }));
            let args = ["login", "--no-browser", "--port", "0"];
            world.login_by(self.command(0, &args)).exits(0);
        }
        lost
    }

    /// Each account with its `open_id`.
    fn accounts(&self) -> Vec<(String, String)> {
        let world = self.world.read().unwrap();
        let state = world.sandbox.state();
        let known = |it: &AccountView| (format!("@{}", it.account.handle), it.open_id.clone());
        state.accounts.iter().map(known).collect()
    }

    /// What TikTok was asked.
    fn log(&self) -> Vec<Value> {
        let log = fs::read_to_string(self.folder().join("tiktok.log")).unwrap();
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// All that is known in the end.
    fn evidence(&self, pair: &Pair, lost_logins: Vec<LostLogin>) -> Evidence {
        let wanted = lock(&self.wanted);
        let hashes: BTreeMap<&str, Option<String>> = wanted
            .iter()
            .map(|wanted| (wanted.key.as_str(), wanted.video.as_deref().map(sha256)))
            .collect();
        let made = self.posts().into_iter().map(|post| Made {
            is_done: is_done(&post),
            init: self.real(post.created),
            is_right: hashes.get(post.title.as_str()).is_some_and(|hash| *hash == post.sha256),
            key: post.title,
            publish_id: post.publish_id,
        });
        let log = self.log();
        let chunks = log.iter().filter(|call| call["endpoint"] == "upload").filter_map(|call| {
            Some(Chunk {
                publish_id: call["publish_id"].as_str()?.to_owned(),
                came: self.real(time(call)),
                range: call["range"].as_str().unwrap_or_default().to_owned(),
            })
        });
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let steps = pair.sql(
            "SELECT caption, phase, publish_id, synchronous,
                 (extract(epoch FROM pg_xact_commit_timestamp(s.xmin)) * 1000000)::bigint
             FROM public.steps s JOIN tiktok_up.posts p ON p.id = s.post ORDER BY s.id",
        );
        let recorded = steps.into_iter().map(|row| Recorded {
            key: row[0].clone(),
            phase: row[1].clone(),
            publish_id: text(&row[2]),
            synchronous: row[3].clone(),
            committed: Timestamp::from_microsecond(row[4].parse().unwrap()).unwrap(),
        });
        let rows = pair.sql(
            "SELECT DISTINCT ON (post) caption, phase, publish_id FROM tiktok_up.attempts
             JOIN tiktok_up.posts ON id = post ORDER BY post, number DESC",
        );
        let journal = rows.into_iter().map(|row| {
            (row[0].clone(), Journaled { phase: row[1].clone(), publish_id: text(&row[2]) })
        });
        Evidence {
            made: made.collect(),
            chunks: chunks.collect(),
            recorded: recorded.collect(),
            journal: journal.collect(),
            lost_logins,
            kills: lock(&self.kills).clone(),
            wanted: wanted
                .iter()
                .map(|wanted| (wanted.key.clone(), wanted.video.is_none()))
                .collect(),
        }
    }
}

/// Some time, at most so many ms.
fn moment(rng: &mut StdRng, most: u64) -> Duration {
    Duration::from_millis(rng.random_range(0..most))
}

fn handle(nth: usize) -> String {
    format!("user{nth}")
}

fn is_done(post: &PostView) -> bool {
    matches!(post.status.as_str(), "PUBLISH_COMPLETE" | "SEND_TO_USER_INBOX")
}

fn time(call: &Value) -> Timestamp {
    call["time"].as_str().unwrap().parse().unwrap()
}

/// Raises a storm.
fn storm(workers: usize, accounts: usize, length: Duration) {
    let Some(mut pair) = Pair::start() else { return };
    let seed = number("TIKTOK_UP_SEED", u64::from(std::process::id()));
    say(&format!("fleet: {workers} workers, {accounts} accounts, {length:?}, seed {seed}"));
    let mut rng = StdRng::seed_from_u64(seed);
    let fleet = Arc::new(Fleet::new(&pair, workers, accounts));
    fleet.ask(0, accounts, &mut rng);
    let lives = (0..workers).map(|worker| {
        let (fleet, rng) = (Arc::clone(&fleet), StdRng::seed_from_u64(rng.random()));
        thread::spawn(move || fleet.live(worker, rng))
    });
    let lives: Vec<_> = lives.collect();
    let mut troubles: BTreeMap<Trouble, u64> = BTreeMap::new();
    let (begun, mut wave, mut minute) = (Instant::now(), 0, Instant::now());
    let mut told = Instant::now();
    while begun.elapsed() < length {
        thread::sleep(Duration::from_millis(rng.random_range(200..1500)));
        let unfinished = fleet.unfinished().len();
        if unfinished < accounts / 2 || minute.elapsed() > Duration::from_secs(30) {
            // Past the minute in which TikTok counts inits.
            fleet.advance(SignedDuration::from_secs(61));
            minute = Instant::now();
            if unfinished < 3 * accounts {
                wave += 1;
                fleet.ask(wave, accounts, &mut rng);
            }
        }
        if told.elapsed() > Duration::from_mins(1) {
            told = Instant::now();
            say(&format!(
                "fleet: wave {wave}, {unfinished} unfinished, exits {:?}",
                lock(&fleet.exits)
            ));
        }
        let trouble = TROUBLES.choose_weighted(&mut rng, |(_, weight)| *weight).unwrap().0;
        *troubles.entry(trouble).or_default() += 1;
        fleet.make(trouble, &mut pair, &mut rng);
    }
    fleet.end(lives);
    let cut = fleet.wire.cut(From::Program) + fleet.wire.cut(From::Server);
    let lost = fleet.settle(&pair);
    let evidence = fleet.evidence(&pair, lost);
    let checked = evidence.check();
    say(&format!(
        "fleet: {} s, {} posts asked for, {} attempts at TikTok, {} steps recorded, troubles {troubles:?} \
         ({cut} connections cut), runs {:?}, timeline {}",
        begun.elapsed().as_secs(),
        evidence.wanted.len(),
        evidence.made.len(),
        evidence.recorded.len(),
        lock(&fleet.exits),
        pair.timeline(),
    ));
    let wrong = lock(&fleet.wrong);
    match checked {
        Ok(figures) => {
            let planted = evidence.is_watched();
            say(&format!("fleet: {figures:?}, and {planted} planted faults found"));
        }
        Err(found) => {
            panic!("seed {seed}, in {}: {found:#?}, {wrong:#?}", fleet.folder().display())
        }
    }
    assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
    fs::remove_dir_all(fleet.folder()).unwrap();
}

#[test]
fn three_workers_outlive_a_short_storm() {
    storm(3, 4, Duration::from_secs(15));
}

#[test]
#[ignore = "half an hour: `just fleet`"]
fn eight_workers_and_twenty_accounts_outlive_all_that_may_fail() {
    let minutes = number("TIKTOK_UP_FLEET_MINUTES", 30);
    storm(8, 20, Duration::from_mins(minutes));
}
