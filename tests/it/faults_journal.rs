//! The fault matrix, where the journal cannot be kept: rows 50, 52 and 62 to 64.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;

use serde_json::json;
use tiktok_up::testing::Phase;

use crate::world::{Ran, World};

/// Uploads, and fills the disk while the answer to the next call of this endpoint is on its way.
fn disk_fills_at(world: &World, endpoint: &str, manifest: &str) -> Ran {
    let before = world.calls(endpoint).len();
    world.hold(endpoint, 1, "middle");
    let run = world.start_upload_on_small_disk(manifest);
    world.wait_until("TikTok is asked", |world| world.calls(endpoint).len() > before);
    run.fill_disk();
    world.let_go();
    run.end()
}

#[test]
fn f50_the_final_chunk_is_not_sent_if_its_intent_cannot_be_recorded() {
    let world = World::logged_in();
    world.fault(&json!({ "endpoint": "upload", "nth": 3, "times": 6, "do": { "drop": "before" } }));
    world.fault(&json!({ "endpoint": "upload", "nth": 2, "times": 6, "do": { "answer": { "status": 503 } } }));
    let manifest = world.long();
    world.upload(&manifest).exits(5);
    world.sandbox.clear_faults();
    // Chunk two arrives, and its answer is lost with the run.
    world.hold("upload", 1, "after");
    let run = world.start_upload(&manifest);
    world.wait_until("two chunks are there", |world| world.posts()[0].stored > 10_000_000);
    run.kill();
    let chunks = 8;
    world.wait_until("the cut chunk is logged", |world| world.calls("upload").len() == chunks);
    disk_fills_at(&world, "status", &manifest).exits(4).says("could not record");
    assert_eq!(world.calls("upload").len(), chunks);
    assert!(matches!(world.phases()[..], [Phase::Open { .. }]));
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn f52_what_was_posted_and_cannot_be_recorded_is_said() {
    let world = World::logged_in();
    let manifest = world.short();
    let ran = disk_fills_at(&world, "status", &manifest).exits(4);
    ran.says("published").says("could not be recorded");
    assert_eq!(world.phases(), [Phase::Uploaded]);
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn f52_an_upload_whose_end_cannot_be_recorded_is_asked_for_again() {
    let world = World::logged_in();
    world.hold("upload", 1, "after");
    let manifest = world.short();
    let run = world.start_upload_on_small_disk(&manifest);
    world.wait_until("everything is there", |world| world.published() == 1);
    run.fill_disk();
    world.let_go();
    run.end().exits(4).says("could not be recorded");
    assert_eq!(world.phases(), [Phase::FinalIntent { stored: 0 }]);
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published(), world.calls("upload").len()), (1, 1, 1));
}

#[test]
fn f62_a_commit_that_was_cut_off_is_rolled_back() {
    let world = World::logged_in();
    world.hold("upload", 1, "after");
    let manifest = world.short();
    let run = world.start_upload(&manifest);
    world.wait_until("everything is there", |world| world.published() == 1);
    run.kill();
    // The beginning of another commit, torn.
    let wal = world.home().join("home/journal.sqlite-wal");
    File::options().append(true).create(true).open(&wal).unwrap().write_all(&[7; 3000]).unwrap();
    world.upload(&manifest).exits(0);
    assert_eq!(world.phases(), [Phase::Published]);
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn f63_a_corrupt_journal_is_set_aside_and_nothing_is_posted() {
    let world = World::logged_in();
    let manifest = world.short();
    world.upload(&manifest).exits(0);
    let home = world.home().join("home");
    let journal = File::options().write(true).open(home.join("journal.sqlite")).unwrap();
    journal.write_all_at(&[0xAB; 5000], 50).unwrap();
    world.upload(&manifest).exits(4).says("damaged").says("journal.corrupt-");
    let aside: Vec<_> = fs::read_dir(&home)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("journal.corrupt-"))
        .collect();
    assert_eq!(aside.len(), 1);
    world.upload(&manifest).exits(4).says(&aside[0]);
    world.run(&["status"]).exits(4);
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn f63_a_journal_of_a_later_version_is_left_alone() {
    let world = World::logged_in();
    let manifest = world.short();
    world.upload(&manifest).exits(0);
    let path = world.home().join("home/journal.sqlite");
    let database = rusqlite::Connection::open(&path).unwrap();
    database.pragma_update(None, "user_version", 999).unwrap();
    drop(database);
    let before = fs::read(&path).unwrap();
    world.upload(&manifest).exits(4).says("version 999");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(world.inits(), 1);
}

#[test]
fn f64_a_disk_error_stops_before_the_next_call() {
    let world = World::logged_in();
    let manifest = world.short();
    disk_fills_at(&world, "creator_info", &manifest).exits(4).says("could not record");
    assert_eq!(world.inits(), 0);
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (1, 1));
}
