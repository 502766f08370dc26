//! The second sweep, from outside: the system calls of the executable fail, or it is killed there, one by
//! one; then it is run again in peace, and TikTok's own count decides. `docs/PROOF.md` says how to run it.
//!
//! `TIKTOK_UP_OUTSIDE_STEP` takes every n-th fault, from a random first one (its seed is printed;
//! `TIKTOK_UP_SEED` sets it).

use std::any::Any;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use jiff::SignedDuration;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use tempfile::TempDir;
use url::Url;

use crate::person::header;
use crate::stage::{Kind, Round, Stage, number, say, tidy};
use crate::tracer::{Act, Call, Fault, Traced, UNKNOWN, trace};
use crate::world::{ADA, BEA, Ran, World};

/// A run that takes longer hangs.
const LIMIT: Duration = Duration::from_mins(1);

/// The figures of one sweep.
#[derive(Debug, Default)]
struct Outside {
    name: &'static str,
    points: usize,
    faults: u64,
    lost_in_window: u64,
    lost_beyond: u64,
    doubled: u64,
    vanished: u64,
    unknown: u64,
    panics: u64,
    hangs: u64,
    exits: BTreeMap<String, u64>,
    wrong: Vec<String>,
}

/// A fault of the sweep, and the run that met it.
struct Met<'a> {
    at: usize,
    call: &'a Call,
    act: Act,
    traced: &'a Traced,
}

impl Met<'_> {
    fn is_network(&self) -> bool {
        self.call.about == "socket" || ["connect", "socket"].contains(&self.call.name)
    }

    /// Whether it comes after a call of this name.
    fn follows(&self, name: &str) -> bool {
        self.traced.calls[..self.at].iter().any(|call| call.name == name)
    }

    /// What to say of it: enough to do it again.
    fn told(&self) -> String {
        let Call { name, about, .. } = self.call;
        format!(
            "{:?} at call {} ({name} {about}) {}",
            self.act,
            self.at,
            self.call.strace(self.act)
        )
    }

    fn said(&self) -> String {
        let Ran { code, stderr, .. } = &self.traced.ran;
        format!("exit {code:?}, signal {:?}: {}", self.traced.signal, stderr.trim())
    }
}

impl Outside {
    /// Runs a sweep over the calls of an untouched run.
    fn sweep(name: &'static str, calls: &[Call], mut one: impl FnMut(&mut Self, usize, Act)) {
        let mut this = Self { name, points: calls.len(), ..Self::default() };
        let step = usize::try_from(number("TIKTOK_UP_OUTSIDE_STEP", 40)).unwrap();
        let seed = number("TIKTOK_UP_SEED", u64::from(std::process::id()));
        let faults = calls.iter().enumerate().flat_map(|(at, call)| {
            let errors = call.errors.iter().map(|error| Act::Fail(*error));
            errors.chain([Act::Kill]).map(move |act| (at, act))
        });
        let first = StdRng::seed_from_u64(seed).random_range(0..step);
        for (at, act) in faults.skip(first).step_by(step) {
            one(&mut this, at, act);
        }
        say(&format!("outside {name}: every {step}th fault from {first}, seed {seed}"));
        this.end();
    }

    fn wrong(&mut self, met: &Met<'_>, what: &str) {
        let wrong = format!("{}: {what}", met.told());
        say(&format!("outside {}: WRONG {wrong}", self.name));
        self.wrong.push(wrong);
    }

    /// Counts a fault, and judges the broken run by itself.
    fn count(&mut self, met: &Met<'_>, done: bool, may_be: impl Fn(i32) -> bool) {
        self.faults += 1;
        let Traced { ran, signal, hung, .. } = met.traced;
        let exit = match (ran.code, signal) {
            (Some(code), _) => format!("exit {code}"),
            (None, signal) => format!("signal {}", signal.unwrap_or_default()),
        };
        *self.exits.entry(exit).or_default() += 1;
        let panicked = ran.stderr.contains("internal error")
            || ran.stderr.contains("panicked")
            || ran.code == Some(101)
            || *signal == Some(libc::SIGABRT);
        let fits = match ran.code {
            None => met.act == Act::Kill && *signal == Some(libc::SIGKILL),
            // Done, if TikTok says so.
            Some(0) => done,
            Some(4 | 5) => true,
            Some(code) => may_be(code),
        };
        if *hung {
            self.hangs += 1;
            self.wrong(met, "hangs");
        } else if panicked {
            self.panics += 1;
            self.wrong(met, &format!("panics: {}", met.said()));
        } else if !fits {
            self.wrong(met, &met.said());
        }
    }

    fn end(self) {
        say(&format!(
            "outside {}: {} points, {} faults, logins lost inside the window {} and outside {}, {} \
             doubled, {} lost, {} unknown, {} panics, {} hangs, {} wrong; broken runs: {:?}",
            self.name,
            self.points,
            self.faults,
            self.lost_in_window,
            self.lost_beyond,
            self.doubled,
            self.vanished,
            self.unknown,
            self.panics,
            self.hangs,
            self.wrong.len(),
            self.exits
        ));
        assert!(self.wrong.is_empty(), "{:#?}", self.wrong);
    }
}

/// Runs a command under a fault.
fn traced(command: Command, fault: Option<Fault>) -> Traced {
    trace(command, fault, LIMIT, |_| ()).unwrap()
}

/// The calls of an untouched run; nothing, said aloud, where processes may not be traced.
fn untouched(command: Command, listen: fn(&str)) -> Option<Vec<Call>> {
    match trace(command, None, LIMIT, listen) {
        Ok(traced) => {
            traced.ran.exits(0);
            assert!(traced.calls.len() > 50, "{:?}", traced.calls);
            Some(traced.calls)
        }
        Err(error) => {
            say(&format!("skipped: processes may not be traced here: {error}"));
            None
        }
    }
}

fn may_be_video(path: &str) -> bool {
    path == UNKNOWN || Path::new(path).extension().is_some_and(|extension| extension == "mp4")
}

fn words(panic: &(dyn Any + Send)) -> String {
    let owned = panic.downcast_ref::<String>().cloned();
    owned.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
}

fn sweep_upload(name: &'static str, kind: Kind) {
    let mut stage = Stage::new();
    let round = stage.round(kind);
    let Some(calls) = untouched(stage.upload(&round), |_| ()) else { return };
    stage.end(round);
    Outside::sweep(name, &calls, |sweep, at, act| {
        let round = stage.round(kind);
        let traced = traced(stage.upload(&round), Some(Fault::At(at, act)));
        let Some((call, act)) = traced.hit.clone() else {
            // This run came to an end before that call.
            return settled(&mut stage, round, |_, _, _| Ok(()), |_| ());
        };
        let met = Met { at, call: &call, act, traced: &traced };
        let posted = stage.made(&round).len() == 1;
        let asked = stage.world.posts().iter().any(|post| post.title == round.caption);
        sweep.count(&met, posted, |code| match code {
            // The manifest or the video could not be read.
            2 => !asked,
            1 => may_be_video(&call.about),
            // The init may have arrived.
            6 => kind.init_posts() && (asked || met.is_network()),
            _ => false,
        });
        let judge = |stage: &mut Stage, round: &Round, code| {
            let made = stage.made(round).len();
            sweep.lost_beyond += u64::from(code == 3);
            sweep.doubled += u64::from(made > 1);
            sweep.vanished += u64::from(made == 0 && code == 0);
            sweep.unknown += u64::from(code == 6);
            match code {
                3 => Err("the login is lost".to_owned()),
                // Before the first call has come and gone, no init is meant to be sent.
                6 if !met.follows("connect") => Err("unknown before the init".to_owned()),
                _ => stage.judge(round, code),
            }
        };
        let mut what = None;
        settled(&mut stage, round, judge, |wrong| what = Some(wrong.to_owned()));
        if let Some(what) = what {
            sweep.wrong(&met, &format!("{what}; the broken run: {}", met.said()));
        }
    });
}

/// Runs a round to its end in peace and lets `judge` say whether all is well. A stage on which it is not
/// is given up, so that the next rounds start from a sound one.
fn settled(
    stage: &mut Stage,
    round: Round,
    judge: impl FnOnce(&mut Stage, &Round, i32) -> Result<(), String>,
    wrong: impl FnOnce(&str),
) {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let code = stage.settle(&round);
        judge(stage, &round, code)
    }));
    match outcome.unwrap_or_else(|panic| Err(words(&*panic))) {
        Ok(()) => stage.end(round),
        Err(what) => {
            wrong(&what);
            *stage = Stage::new();
        }
    }
}

#[test]
#[ignore = "for an hour; see docs/PROOF.md"]
fn a_one_chunk_post_from_outside() {
    sweep_upload("one chunk", Kind::OneChunk);
}

#[test]
#[ignore = "for an hour; see docs/PROOF.md"]
fn a_three_chunk_post_from_outside() {
    sweep_upload("three chunks", Kind::ThreeChunks);
}

#[test]
#[ignore = "for an hour; see docs/PROOF.md"]
fn a_pull_from_outside() {
    sweep_upload("pull", Kind::Pull);
}

#[test]
#[ignore = "for an hour; see docs/PROOF.md"]
fn a_photo_post_from_outside() {
    sweep_upload("photos", Kind::Photos);
}

/// Whether a call lies between the moment when TikTok may have rotated and the one when its answer is
/// durable: where a kill, or a cut connection, loses a login that nothing could save.
fn in_window(met: &Met<'_>) -> bool {
    let calls = &met.traced.calls[..=met.at];
    let sent = calls.iter().any(|call| ["sendto", "writev"].contains(&call.name));
    let last_sent = calls.iter().rposition(|call| ["sendto", "writev"].contains(&call.name));
    let durable = last_sent.is_some_and(|sent| {
        calls[sent..calls.len() - 1].iter().any(|call| call.name.starts_with("rename"))
    });
    sent && !durable && (met.act == Act::Kill || met.is_network())
}

#[test]
#[ignore = "for an hour; see docs/PROOF.md"]
fn a_refresh_from_outside() {
    let mut world = World::logged_in();
    let home = world.home().join("home");
    world.advance(SignedDuration::from_hours(3));
    let Some(calls) = untouched(world.command(&["refresh"]), |_| ()) else { return };
    Outside::sweep("refresh", &calls, |sweep, at, act| {
        world.advance(SignedDuration::from_hours(3));
        let traced = traced(world.command(&["refresh"]), Some(Fault::At(at, act)));
        let Some((call, act)) = traced.hit.clone() else { return };
        let met = Met { at, call: &call, act, traced: &traced };
        sweep.count(&met, true, |code| code == 3 && in_window(&met));
        let again = world.run(&["refresh"]);
        if again.code == Some(3) {
            if in_window(&met) {
                sweep.lost_in_window += 1;
            } else {
                sweep.lost_beyond += 1;
                sweep.wrong(&met, &format!("the login is lost: {}", met.said()));
            }
            world.login(ADA).exits(0);
        } else if again.code != Some(0) {
            sweep.wrong(&met, &format!("{}; then {again:?}", met.said()));
            world.login(ADA).exits(0);
        }
        // The stored refresh token is the one that TikTok still takes.
        let forced = world.run(&["refresh", "--force"]);
        if forced.code != Some(0) {
            sweep.wrong(&met, &format!("{}; then forced {forced:?}", met.said()));
            world.login(ADA).exits(0);
        }
        if let Err(what) = tidy(&home) {
            sweep.wrong(&met, &what);
        }
    });
}

/// Opens the address in a line, if there is one, as a browser does; what is not there is not opened.
fn open(line: &str) {
    let get = |url: &str| {
        let url = Url::parse(url).ok()?;
        let mut socket = TcpStream::connect(("127.0.0.1", url.port()?)).ok()?;
        socket.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
        let (path, query) = (url.path(), url.query().unwrap_or_default());
        let head = format!("Host: 127.0.0.1:{}\r\nConnection: close", url.port()?);
        write!(socket, "GET {path}?{query} HTTP/1.1\r\n{head}\r\n\r\n").ok()?;
        let mut answer = String::new();
        _ = socket.read_to_string(&mut answer);
        Some(answer)
    };
    let mut words = line.split_whitespace();
    if let Some(url) = words.find(|word| word.contains("/v2/auth/authorize/"))
        && let Some(landed) = get(url).and_then(|answer| header(&answer, "location"))
    {
        _ = get(&landed);
    }
}

fn login(world: &World, home: &Path, handle: &str) -> Command {
    world.consent(&json!({ "account": handle }));
    let mut command = world.command(&["login", "--no-browser", "--port", "0", "--timeout", "10s"]);
    command.env("TIKTOK_UP_HOME", home);
    command
}

#[test]
#[ignore = "for an hour; see docs/PROOF.md"]
fn a_login_from_outside() {
    let world = World::new();
    let fresh = || {
        // Another account's login is there, and must not suffer.
        let home = TempDir::with_prefix("tiktok-up-round-").unwrap();
        world.login_by(login(&world, home.path(), BEA)).exits(0);
        home
    };
    let home = fresh();
    let Some(calls) = untouched(login(&world, home.path(), ADA), open) else { return };
    Outside::sweep("login", &calls, |sweep, at, act| {
        let home = fresh();
        let command = login(&world, home.path(), ADA);
        let traced = trace(command, Some(Fault::At(at, act)), LIMIT, open).unwrap();
        let Some((call, act)) = traced.hit.clone() else { return };
        let met = Met { at, call: &call, act, traced: &traced };
        let stored = std::fs::read_to_string(home.path().join("user_tokens.json"));
        let done = stored.is_ok_and(|text| text.contains(&world.open_id(ADA)));
        // A cut callback is one that never came.
        sweep.count(&met, done, |code| code == 3 && met.is_network());
        let again = world.login_by(login(&world, home.path(), ADA));
        if again.code != Some(0) {
            sweep.wrong(&met, &format!("{}; then {again:?}", met.said()));
        }
        let mut command = world.command(&["refresh", "--force"]);
        command.env("TIKTOK_UP_HOME", home.path());
        let both = Ran::of(command);
        if both.code != Some(0) || both.stderr.matches("refreshed").count() != 2 {
            sweep.lost_beyond += 1;
            sweep.wrong(&met, &format!("{}; then {both:?}", met.said()));
        }
        if let Err(what) = tidy(home.path()) {
            sweep.wrong(&met, &what);
        }
    });
}

/// The whole sweep runs by hand; this kind of fault is quick enough to be met every time.
#[test]
fn what_a_starting_thread_does_not_get_is_told_by_its_limit() {
    let mut world = World::logged_in();
    world.advance(SignedDuration::from_hours(3));
    let Some(calls) = untouched(world.command(&["refresh"]), |_| ()) else { return };
    let mut refused = 0;
    let starts = |call: &Call| ["mmap", "clone3"].contains(&call.name);
    for at in (0..calls.len()).filter(|at| starts(&calls[*at])) {
        world.advance(SignedDuration::from_hours(3));
        let fault = Act::Fail(calls[at].errors[0]);
        let traced = traced(world.command(&["refresh"]), Some(Fault::At(at, fault)));
        // Threads start in another order each time.
        if !traced.hit.as_ref().is_some_and(|(call, _)| starts(call)) {
            continue;
        }
        let Traced { ran, signal, .. } = traced;
        assert_eq!(signal, None, "call {at}: {ran:?}");
        if ran.code != Some(0) {
            refused += 1;
            ran.exits(4).says("RLIMIT_").never_says("internal error");
        }
        world.run(&["refresh"]).exits(0);
    }
    assert!(refused > 5, "{refused}");
}

#[test]
fn what_the_listener_of_a_login_does_not_get_is_told_by_its_limit() {
    let world = World::new();
    let fresh = || TempDir::with_prefix("tiktok-up-round-").unwrap();
    let Some(calls) = untouched(login(&world, fresh().path(), ADA), open) else { return };
    let listens = calls.iter().position(|call| call.name == "accept4").unwrap();
    let asked = |call: &Call| ["socket", "setsockopt", "epoll_ctl"].contains(&call.name);
    let mut refused = 0;
    for at in (0..listens).filter(|at| asked(&calls[*at])) {
        let home = fresh();
        let fault = Act::Fail(calls[at].errors[0]);
        let command = login(&world, home.path(), ADA);
        let traced = trace(command, Some(Fault::At(at, fault)), LIMIT, open).unwrap();
        // Threads make their calls in another order each time.
        if traced.hit.as_ref().is_some_and(|(call, _)| asked(call)) && traced.ran.code != Some(0) {
            traced.ran.exits(4).says("RLIMIT_").says("ulimit");
            refused += 1;
        }
    }
    assert!(refused >= 3, "{refused}");
}
