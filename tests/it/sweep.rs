//! The n-th operation sweep: a run is broken, and then killed, at its n-th file, journal or network
//! operation, for every n until a run passes untouched; then it is run again in peace. TikTok's own
//! count decides.
//!
//! `TIKTOK_UP_SWEEP_STEP` breaks only every n-th operation, from a random first one (its seed
//! is printed; `TIKTOK_UP_SEED` sets it).

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::SignedDuration;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use tempfile::TempDir;

use crate::stage::{Kind, Stage, number, say, tidy};
use crate::world::{ADA, BEA, Ran, World};

/// How far apart the broken operations are, unless the environment says otherwise.
const STEP: u64 = 11;

/// What happens at the n-th operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Fail(&'static str),
    Kill,
}

impl Fault {
    /// Those that fit an operation.
    fn fitting(operation: &str) -> [Self; 3] {
        if ["network", "callback"].iter().any(|room| operation.starts_with(room)) {
            [Self::Kill, Self::Fail("reset"), Self::Fail("timeout")]
        } else {
            [Self::Kill, Self::Fail("ENOSPC"), Self::Fail("EIO")]
        }
    }

    fn at(self, n: u64) -> String {
        match self {
            Self::Fail(error) => format!("fail:{n}:{error}"),
            Self::Kill => format!("kill:{n}"),
        }
    }
}

/// Sets a fault, and where the operations are told.
fn arm(command: &mut Command, fault: &str, log: &Path) {
    _ = fs::remove_file(log);
    command.env("TIKTOK_UP_FAULT", fault).env("TIKTOK_UP_FAULT_LOG", log);
}

/// The operations that a run came to, in order.
fn operations(log: &Path) -> Vec<String> {
    let text = fs::read_to_string(log).unwrap_or_default();
    let name = |line: &str| line.split_once(' ').unwrap().1.to_owned();
    text.lines().map(name).collect()
}

/// The numbers (from 1) of the operations between which a crash leaves something unknown: after the
/// `nth` last `before` that precedes the `nth` `network: send`, up to the first `after` that follows.
fn window(operations: &[String], nth: usize, before: &str, after: &str) -> Range<u64> {
    let sends = operations.iter().enumerate().filter(|(_, name)| *name == "network: send");
    let send = sends.map(|(at, _)| at).nth(nth).unwrap();
    let first = operations[..=send].iter().rposition(|name| name == before).unwrap();
    let last = send + operations[send..].iter().position(|name| name == after).unwrap();
    first as u64 + 1..last as u64 + 1
}

/// Whether a refresh was sent before the `nth` operation, and its answer not yet made durable: from TikTok's
/// rotation to there nothing in the world can save the grant.
fn is_not_durable(operations: &[String], nth: u64) -> bool {
    let until = usize::try_from(nth).unwrap().saturating_sub(1).min(operations.len());
    let mut before = operations[..until].iter();
    before.any(|name| name == "network: send") && !before.any(|name| name == "rename")
}

/// How many transactions were durable at the `nth` operation.
fn commits(operations: &[String], nth: u64) -> usize {
    let until = usize::try_from(nth).unwrap().min(operations.len());
    operations[..until].iter().filter(|name| *name == "journal: committed").count()
}

/// Which operations are broken, and how often it went how.
struct Sweep {
    name: &'static str,
    next: u64,
    step: u64,
    operations: u64,
    faults: u64,
    unknown: u64,
    exits: BTreeMap<String, u64>,
    wrong: Vec<String>,
}

impl Sweep {
    fn new(name: &'static str) -> Self {
        let step = number("TIKTOK_UP_SWEEP_STEP", STEP);
        let seed = number("TIKTOK_UP_SEED", u64::from(std::process::id()));
        let next = StdRng::seed_from_u64(seed).random_range(1..=step);
        if step > 1 {
            say(&format!("sweep {name}: every {step}th operation from {next}, seed {seed}"));
        }
        Self {
            name,
            next,
            step,
            operations: 0,
            faults: 0,
            unknown: 0,
            exits: BTreeMap::new(),
            wrong: Vec::new(),
        }
    }

    fn wrong(&mut self, at: &str, operation: &str, what: &str) {
        say(&format!("sweep {}: WRONG at {at} ({operation}): {what}", self.name));
        self.wrong.push(format!("{at} ({operation}): {what}"));
    }

    /// Counts a fault that was met, and what the broken run made of it.
    fn count(&mut self, broken: &Ran) {
        self.faults += 1;
        let exit = broken.code.map_or_else(|| "killed".to_owned(), |code| format!("exit {code}"));
        *self.exits.entry(exit).or_default() += 1;
    }

    fn end(self) {
        say(&format!(
            "sweep {}: {} operations, every {}th broken: {} faults, {} unknown outcomes, {} wrong; \
             broken runs: {:?}",
            self.name,
            self.operations,
            self.step,
            self.faults,
            self.unknown,
            self.wrong.len(),
            self.exits
        ));
        assert!(self.wrong.is_empty(), "{:#?}", self.wrong);
    }
}

/// Whether a broken run may end so. What it could not overcome it must call by its right name: a
/// full disk is not a bad video, and nothing is called done that is not.
fn fitting_exit(ran: &Ran, fault: Fault, operation: &str, posted: bool, asked: bool) -> bool {
    match ran.code {
        None => fault == Fault::Kill,
        // Done, if TikTok says so.
        Some(0) => posted,
        // The manifest could not be read; nothing was sent.
        Some(2) => !asked && (operation.starts_with("video") || operation.starts_with("manifest")),
        // The video could not be read.
        Some(1) => operation.starts_with("video") || operation.starts_with("body"),
        // Whatever a local operation failed with; where the numbers have moved it may be any fault.
        Some(4) => {
            matches!(fault, Fault::Fail("ENOSPC" | "EIO"))
                || (fault != Fault::Kill && !operation.starts_with("network"))
        }
        Some(5) => fault != Fault::Kill && !operation.starts_with("journal"),
        Some(6) => operation.starts_with("network"),
        Some(_) => false,
    }
}

fn sweep_upload(name: &'static str, kind: Kind) {
    let mut stage = Stage::new();
    let mut sweep = Sweep::new(name);

    let round = stage.round(kind);
    let mut command = stage.upload(&round);
    arm(&mut command, "kill:1000000", &round.log());
    Ran::of(command).exits(0);
    let untouched = operations(&round.log());
    sweep.operations = untouched.len() as u64;
    // The second request is the init: creator_info, init, status.
    let unknown = window(&untouched, 1, "journal: committed", "journal: committed");
    // Other operations may be more or fewer in another run, as with the files that lie there.
    let intended = commits(&untouched, unknown.start);
    stage.end(round);

    while sweep.next <= untouched.len() as u64 + 10 {
        let n = sweep.next;
        sweep.next += sweep.step;
        let mut reached = true;
        let mut name = untouched.get(usize::try_from(n - 1).unwrap()).cloned().unwrap_or_default();
        for fault in Fault::fitting(&name) {
            let round = stage.round(kind);
            let mut command = stage.upload(&round);
            arm(&mut command, &fault.at(n), &round.log());
            let broken = Ran::of(command);
            let log = operations(&round.log());
            reached = log.len() as u64 >= n;
            name = log.get(usize::try_from(n - 1).unwrap()).cloned().unwrap_or_default();
            let posted = stage.made(&round).len() == 1;
            let asked = stage.init_arrived(&round);
            if reached && !fitting_exit(&broken, fault, &name, posted, asked) {
                sweep.wrong(&fault.at(n), &name, &format!("the broken run: {broken:#?}"));
            }
            if reached {
                sweep.count(&broken);
            }
            let code = stage.settle(&round);
            if let Err(what) = stage.judge(&round, code) {
                sweep.wrong(&fault.at(n), &name, &what);
            }
            if code == 6 {
                sweep.unknown += 1;
                if commits(&log, n) != intended {
                    sweep.wrong(&fault.at(n), &name, "unknown outside of the init's window");
                }
            }
            stage.end(round);
        }
        if !reached {
            break;
        }
    }
    sweep.end();
}

#[test]
fn a_one_chunk_post_survives_every_operation() {
    sweep_upload("one chunk", Kind::OneChunk);
}

#[test]
fn a_three_chunk_post_survives_every_operation() {
    sweep_upload("three chunks", Kind::ThreeChunks);
}

#[test]
fn a_pull_survives_every_operation() {
    sweep_upload("pull", Kind::Pull);
}

#[test]
fn a_photo_post_survives_every_operation() {
    sweep_upload("photos", Kind::Photos);
}

#[test]
fn a_refresh_survives_every_operation() {
    let mut sweep = Sweep::new("refresh");
    let mut world = World::logged_in();
    let home = world.home().join("home");
    let log = world.path("operations");

    world.advance(SignedDuration::from_hours(3));
    let mut command = world.command(&["refresh"]);
    arm(&mut command, "kill:1000000", &log);
    Ran::of(command).exits(0);
    let untouched = operations(&log);
    sweep.operations = untouched.len() as u64;

    while sweep.next <= untouched.len() as u64 + 5 {
        let n = sweep.next;
        sweep.next += sweep.step;
        let mut reached = true;
        let mut name = untouched.get(usize::try_from(n - 1).unwrap()).cloned().unwrap_or_default();
        for fault in Fault::fitting(&name) {
            world.advance(SignedDuration::from_hours(3));
            let before = world.calls("token_refresh").len();
            let mut command = world.command(&["refresh"]);
            arm(&mut command, &fault.at(n), &log);
            let broken = Ran::of(command);
            let ran = operations(&log);
            reached = ran.len() as u64 >= n;
            name = ran.get(usize::try_from(n - 1).unwrap()).cloned().unwrap_or_default();
            if reached {
                sweep.count(&broken);
            }
            let may_be_lost =
                is_not_durable(&ran, n) && (fault == Fault::Kill || name.starts_with("network: "));
            let fits = match broken.code {
                None => fault == Fault::Kill,
                Some(0) => true,
                Some(3) => may_be_lost,
                Some(4) => {
                    matches!(fault, Fault::Fail("ENOSPC" | "EIO"))
                        || (fault != Fault::Kill && !name.starts_with("network"))
                }
                Some(5) => matches!(fault, Fault::Fail("reset" | "timeout")),
                Some(_) => false,
            };
            if !fits {
                sweep.wrong(&fault.at(n), &name, &format!("the broken run: {broken:#?}"));
            }
            let again = world.run(&["refresh"]);
            if again.code == Some(3) && may_be_lost {
                sweep.unknown += 1;
                world.login(ADA).exits(0);
            } else if again.code != Some(0) {
                sweep.wrong(&fault.at(n), &name, &format!("{broken:#?}\nthen {again:#?}"));
                world.login(ADA).exits(0);
            }
            // The stored refresh token is the one that TikTok still takes.
            world.run(&["refresh", "--force"]).exits(0);
            let rotations = world.calls("token_refresh").split_off(before);
            let good = rotations.iter().filter(|call| call.code.is_none()).count();
            if good > 3 || (!may_be_lost && good != rotations.len()) {
                sweep.wrong(&fault.at(n), &name, &format!("rotations: {rotations:#?}"));
            }
            if let Err(what) = tidy(&home) {
                sweep.wrong(&fault.at(n), &name, &what);
            }
        }
        if !reached {
            break;
        }
    }
    sweep.end();
}

/// `login` in a home of its own, by a person who allows whatever the browser shows.
fn login(world: &World, home: &Path, handle: &str, fault: Option<(&str, &Path)>) -> Ran {
    world.consent(&json!({ "account": handle }));
    let args = ["login", "--no-browser", "--port", "0", "--timeout", "10s"];
    let mut command = world.command(&args);
    command.env("TIKTOK_UP_HOME", home).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some((fault, log)) = fault {
        arm(&mut command, fault, log);
    }
    world.login_by(command)
}

#[test]
fn a_login_survives_every_operation() {
    let mut sweep = Sweep::new("login");
    let world = World::new();
    let log = world.path("operations");

    let home = TempDir::with_prefix("tiktok-up-round-").unwrap();
    login(&world, home.path(), BEA, None).exits(0);
    login(&world, home.path(), ADA, Some(("kill:1000000", &log))).exits(0);
    let untouched = operations(&log);
    let count = untouched.len() as u64;
    sweep.operations = count;

    while sweep.next <= count + 5 {
        let n = sweep.next;
        sweep.next += sweep.step;
        let mut reached = true;
        let mut name = untouched.get(usize::try_from(n - 1).unwrap()).cloned().unwrap_or_default();
        for fault in Fault::fitting(&name) {
            let home = TempDir::with_prefix("tiktok-up-round-").unwrap();
            // Another account's login is there, and must not suffer.
            login(&world, home.path(), BEA, None).exits(0);
            let broken = login(&world, home.path(), ADA, Some((&fault.at(n), &log)));
            let ran = operations(&log);
            reached = ran.len() as u64 >= n;
            name = ran.get(usize::try_from(n - 1).unwrap()).cloned().unwrap_or_default();
            if reached {
                sweep.count(&broken);
            }
            let fits = match broken.code {
                None => fault == Fault::Kill,
                Some(0) => true,
                // Where the numbers have moved it may be any fault.
                Some(4) => {
                    matches!(fault, Fault::Fail("ENOSPC" | "EIO"))
                        || (fault != Fault::Kill && !name.starts_with("network"))
                }
                Some(5) => name.starts_with("network"),
                // Nothing says why a port cannot be had.
                Some(1) => name.starts_with("callback"),
                Some(_) => false,
            };
            if !fits {
                sweep.wrong(&fault.at(n), &name, &format!("the broken run: {broken:#?}"));
            }
            let again = login(&world, home.path(), ADA, None);
            if again.code != Some(0) {
                sweep.wrong(&fault.at(n), &name, &format!("{broken:#?}\nthen {again:#?}"));
            }
            let mut command = world.command(&["refresh", "--force"]);
            command.env("TIKTOK_UP_HOME", home.path());
            let both = Ran::of(command);
            if both.code != Some(0) || both.stderr.matches("refreshed").count() != 2 {
                sweep.wrong(&fault.at(n), &name, &format!("{broken:#?}\nthen {both:#?}"));
            }
            if let Err(what) = tidy(home.path()) {
                sweep.wrong(&fault.at(n), &name, &what);
            }
        }
        if !reached {
            break;
        }
    }
    sweep.end();
}
