//! TikTok has answered a refresh and the disk is full, while somebody watches.

use std::fs;
use std::path::PathBuf;

use jiff::SignedDuration;

use crate::terminal::Terminal;
use crate::world::{ADA, Ran, World};

const REFRESH: &str = concat!(env!("CARGO_BIN_EXE_tiktok-up"), " refresh");

/// A login that is due, and a disk that is full from the answer on for as long as a file is there.
fn full_after_the_answer() -> (World, PathBuf, String) {
    let due = || {
        let mut world = World::logged_in();
        world.advance(SignedDuration::from_hours(3));
        world
    };
    let rehearsal = due();
    let trace = rehearsal.path("trace");
    let mut command = rehearsal.command(&["refresh"]);
    command.env("TIKTOK_UP_FAULT_LOG", &trace);
    Ran::of(command).exits(0);
    let trace = fs::read_to_string(trace).unwrap();
    let answer = trace.lines().position(|line| line.ends_with("network: answer")).unwrap() + 1;
    let world = due();
    let full = world.file("full", "");
    let plan = format!("full:{answer}:{}", full.display());
    (world, full, plan)
}

#[test]
fn f20_somebody_who_watches_has_time_to_free_space() {
    if !Terminal::is_there() {
        return;
    }
    let (world, full, plan) = full_after_the_answer();
    let mut terminal = Terminal::start(&world, REFRESH, &[("TIKTOK_UP_FAULT", &plan)]);
    terminal.sees("free space");
    fs::remove_file(full).unwrap();
    let (success, shown) = terminal.end();
    assert!(success && shown.contains("refreshed"), "{shown}");
    assert_eq!(world.entry(ADA)["generation"], 2);
    assert!(world.leftovers().is_empty());
    assert_eq!(world.refreshes(), 1);
    world.run(&["refresh", "--force"]).exits(0);
}

#[test]
fn f20_time_that_passes_in_vain_ends_with_4_and_no_token_shown() {
    if !Terminal::is_there() {
        return;
    }
    let (world, full, plan) = full_after_the_answer();
    let world = world.timing("disk_full=300ms");
    let before = world.store_text();
    let command = format!("{REFRESH}; echo exit $?");
    let terminal = Terminal::start(&world, &command, &[("TIKTOK_UP_FAULT", &plan)]);
    let (_, shown) = terminal.end();
    assert!(shown.contains("exit 4") && shown.contains("could not be saved"), "{shown}");
    assert!(!shown.contains("act.") && !shown.contains("rft."), "{shown}");
    assert_eq!(world.store_text(), before);
    // Nothing was kept: the disk took nothing at all.
    fs::remove_file(full).unwrap();
    world.run(&["refresh"]).exits(3).says("tiktok-up login");
}
