//! Every file and network operation of a login and a refresh, broken one by one.
//!
//! Only with the cargo feature `faults`: operation n fails, or the process is killed there, for
//! n = 1, 2, 3 … until a run passes untouched. Then the same command runs once more without faults.

use std::fs;

use jiff::SignedDuration;
use serde_json::Value;

use crate::world::{ADA, Ran, World};

/// What happens at operation n.
const KILL: &str = "kill:{n}";
const FULL: &str = "fail:{n}:ENOSPC";
const BROKEN: &str = "fail:{n}:EIO";

/// One broken run: what it came to, and the operations up to the broken one.
struct Broken {
    ran: Ran,
    trace: Vec<String>,
}

impl Broken {
    /// Whether operation `n` was reached at all.
    fn reached(&self, n: usize) -> bool {
        self.trace.len() >= n
    }

    /// Whether the answer of the n-th operation was the refresh answer, or the operation was one of
    /// those that make it durable.
    fn is_between_answer_and_disk(&self, n: usize) -> bool {
        let Some(answer) = self.trace.iter().position(|step| step == "network: answer") else {
            return false;
        };
        let durable = self.trace[answer..].iter().position(|step| step == "fsync directory");
        n > answer && durable.is_none_or(|durable| n <= answer + durable)
    }
}

fn trace(world: &World) -> Vec<String> {
    let text = fs::read_to_string(world.path("trace")).unwrap_or_default();
    let names = text.lines().filter_map(|line| line.split_once(' '));
    names.map(|(_, name)| name.to_owned()).collect()
}

fn broken(world: &World, args: &[&str], plan: &str, n: usize) -> Broken {
    let mut command = world.command(args);
    command
        .env("TIKTOK_UP_FAULT", plan.replace("{n}", &n.to_string()))
        .env("TIKTOK_UP_FAULT_LOG", world.path("trace"));
    Broken { ran: Ran::of(command), trace: trace(world) }
}

/// The store is whole, or not there.
#[track_caller]
fn store_is_whole(world: &World) {
    if world.store_path().exists() {
        let store: Value = serde_json::from_str(&world.store_text()).unwrap();
        assert_eq!(store["version"], 1);
    }
}

/// Sweeps `refresh`; gives how many operations there are and at which of them the login was lost.
fn sweep_refresh(plan: &str) -> (usize, Vec<usize>) {
    let mut lost = Vec::new();
    for n in 1.. {
        let mut world = World::logged_in();
        world.advance(SignedDuration::from_hours(3));
        let broken = broken(&world, &["refresh"], plan, n);
        store_is_whole(&world);
        broken.ran.never_says_a_token();
        if !broken.reached(n) {
            assert_eq!(broken.ran.code, Some(0));
            return (n - 1, lost);
        }
        let again = world.run(&["refresh"]);
        if again.code == Some(3) {
            assert!(
                broken.is_between_answer_and_disk(n),
                "lost at {n}, {:?}: {again:?}",
                broken.trace.get(n - 1)
            );
            lost.push(n);
            continue;
        }
        assert_eq!(again.code, Some(0), "after {n}, {:?}: {again:?}", broken.trace.get(n - 1));
        world.run(&["refresh", "--force"]).exits(0);
        assert!(world.leftovers().is_empty(), "after {n}: {:?}", world.leftovers());
    }
    unreachable!()
}

#[test]
fn all_that_saving_does_was_done_before_the_token_was_spent() {
    let mut world = World::logged_in();
    world.advance(SignedDuration::from_hours(3));
    let trace = broken(&world, &["refresh"], KILL, 100_000).trace;
    let at = |name: &str| trace.iter().position(|step| step == name).unwrap();
    let (asked, answered) = (at("network: connect"), at("network: answer"));
    let saving = trace[answered..].iter().filter(|step| !step.starts_with("network"));
    for step in saving {
        assert!(trace[..asked].contains(step), "{step}: {trace:?}");
    }
}

impl Ran {
    #[track_caller]
    fn never_says_a_token(&self) {
        for said in [&self.stdout, &self.stderr] {
            assert!(!said.contains("act.") && !said.contains("rft."), "{self:?}");
        }
    }
}

#[test]
fn f19_a_refresh_killed_anywhere_loses_the_login_only_between_answer_and_disk() {
    let (operations, lost) = sweep_refresh(KILL);
    assert!(operations > 20, "{operations}");
    assert!(lost.len() <= 12, "{lost:?}");
}

#[test]
fn f20_a_full_disk_anywhere_loses_no_login() {
    // All that can be lost is an answer that never came, or not to its end: row 19.
    let (_, lost) = sweep_refresh(FULL);
    assert!(lost.len() <= 4, "{lost:?}");
}

#[test]
fn f64_a_broken_disk_anywhere_loses_no_login() {
    let (_, lost) = sweep_refresh(BROKEN);
    assert!(lost.len() <= 4, "{lost:?}");
}

/// A login with a fault, its address opened if it gets that far.
fn broken_login(world: &World, plan: &str, n: usize) -> Broken {
    let mut command = world.command(&["login", "--no-browser", "--port", "0"]);
    command
        .env("TIKTOK_UP_FAULT", plan.replace("{n}", &n.to_string()))
        .env("TIKTOK_UP_FAULT_LOG", world.path("trace"));
    Broken { ran: world.login_by(command), trace: trace(world) }
}

fn sweep_login(plan: &str, check: impl Fn(&World, &Broken, usize)) {
    for n in 1.. {
        let world = World::new();
        let broken = broken_login(&world, plan, n);
        store_is_whole(&world);
        broken.ran.never_says_a_token();
        if !broken.reached(n) {
            assert_eq!(broken.ran.code, Some(0), "{:?}", broken.ran);
            assert!(n > 10, "{n}");
            return;
        }
        check(&world, &broken, n);
        world.login(ADA).exits(0);
        world.run(&["refresh", "--force"]).exits(0);
        assert!(world.leftovers().is_empty(), "after {n}: {:?}", world.leftovers());
    }
}

#[test]
fn f08_a_login_killed_anywhere_is_made_again() {
    sweep_login(KILL, |_, _, _| {});
}

#[test]
fn f09_a_full_disk_anywhere_stores_the_login_or_takes_it_back() {
    sweep_login(FULL, |world, broken, n| {
        let what = format!("{n}, {:?}: {:?}", broken.trace.get(n - 1), broken.ran);
        if broken.ran.code == Some(0) {
            assert!(world.entry(ADA).is_object(), "{what}");
            return;
        }
        // A disk can be full for files alone; elsewhere the error only stands for any failure.
        let step = broken.trace[n - 1].as_str();
        let answered = ["network", "callback"].iter().any(|room| step.starts_with(room));
        assert!(matches!(broken.ran.code, Some(3..=5)) || answered, "{what}");
        assert!(world.leftovers().is_empty(), "{what}");
        let exchanged = world.calls("token_code").iter().any(|call| call.status == Some(200));
        if exchanged && !answered && !world.store_path().exists() {
            assert_eq!(world.calls("revoke").len(), 1, "{what}");
            assert_eq!(broken.ran.code, Some(4), "{what}");
        }
    });
}
