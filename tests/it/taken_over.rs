//! A run that was stopped for long and has lost its account to another one by then: it finds out with its next
//! record, and does nothing more.

use std::fs;

use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::json;
use tiktok_up::testing::Phase;

use crate::world::{ADA, CHUNK, Ran, Running, World};

/// Deletes the lock of the upload that is under way, as somebody might who takes its run for dead.
fn delete_lock(world: &World) {
    let locks = fs::read_dir(world.home().join("home/locks")).unwrap();
    let locks = locks.map(|entry| entry.unwrap().path());
    let uploads: Vec<_> =
        locks.filter(|path| path.to_string_lossy().ends_with(".upload.lock")).collect();
    assert_eq!(uploads.len(), 1, "{uploads:?}");
    fs::remove_file(&uploads[0]).unwrap();
}

/// What TikTok was asked so far.
fn asked(world: &World) -> [usize; 4] {
    ["video_init", "upload", "status", "creator_info"].map(|endpoint| world.calls(endpoint).len())
}

/// Lets a run go on that is stopped in a call. It must leave the journal as it is, and sends TikTok nothing after
/// that call: at most it asks what has become of the chunk that was under way, which it does before it would record
/// what it learns.
fn wakes_up_too_late(world: &World, run: Running, code: i32) -> Ran {
    let recorded = (world.posts_in_journal().unwrap().len(), world.phases());
    let [inits, chunks, statuses, creators] = asked(world);
    run.signal(Signal::CONT);
    let ran = run.end().exits(code);
    assert_eq!((world.posts_in_journal().unwrap().len(), world.phases()), recorded);
    let [inits_now, chunks_now, statuses_now, creators_now] = asked(world);
    assert_eq!((inits_now, creators_now), (inits, creators));
    // A chunk is in the list once it is answered.
    assert!(chunks_now <= chunks + 1, "{chunks_now} after {chunks}");
    assert!(statuses_now <= statuses + 1, "{statuses_now} after {statuses}");
    ran
}

#[test]
fn who_lost_the_account_in_a_chunk_never_sends_the_last_one() {
    for when in ["middle", "after"] {
        let world = World::logged_in();
        world.video("long.mp4", 3 * CHUNK + 1000);
        world.video("next.mp4", 100_000);
        let entry = |video: &str| {
            json!({ "user_id": world.open_id(ADA), "video_path": video,
                "privacy_level": "SELF_ONLY" })
        };
        let manifest = world.manifest(&json!([entry("long.mp4"), entry("next.mp4")]));
        world.hold("upload", 2, when);
        let run = world.start_upload(&manifest);
        world.wait_until("the second chunk is on its way", |world| {
            world.posts().last().is_some_and(|post| post.received > CHUNK)
        });
        run.signal(Signal::STOP);
        delete_lock(&world);
        world.let_go();
        world.upload(&manifest).exits(0).says("2 published");
        assert_eq!((world.inits(), world.published()), (2, 2));

        let ran = wakes_up_too_late(&world, run, 5);
        ran.says("another run has taken over the posts of this account")
            .says("`tiktok-up status` tells how far it is");
        assert_eq!((world.inits(), world.published()), (2, 2));
        world.upload(&manifest).exits(0).says("2 skipped");
    }
}

/// What became of a pull nobody knows but the run that was stopped, and it says so.
#[test]
fn who_lost_the_account_in_the_init_of_a_pull_tells_and_records_nothing() {
    let world = World::logged_in();
    let manifest = world.pull();
    world.hold("video_init", 1, "middle");
    let run = world.start_upload(&manifest);
    world.wait_until("the init is on its way", |world| !world.calls("video_init").is_empty());
    run.signal(Signal::STOP);
    delete_lock(&world);
    world.let_go();
    world.upload(&manifest).exits(6);
    assert_eq!(world.phases(), [Phase::Unresolved]);
    wakes_up_too_late(&world, run, 6).says("another run has taken over");
    assert_eq!(world.inits(), 1);
}

/// A person settles what a run that is stopped was at.
#[test]
fn a_person_who_settles_a_post_takes_it_from_a_run_that_is_stopped() {
    let world = World::logged_in();
    let manifest = world.long();
    world.hold("upload", 2, "middle");
    let run = world.start_upload(&manifest);
    world.wait_until("the second chunk is on its way", |world| {
        world.posts().last().is_some_and(|post| post.received > CHUNK)
    });
    run.signal(Signal::STOP);
    delete_lock(&world);
    world.let_go();
    world.run(&["resolve", "1", "--posted"]).exits(0);
    assert_eq!(world.phases(), [Phase::Published]);
    wakes_up_too_late(&world, run, 5);
    assert_eq!((world.inits(), world.published()), (1, 0));
}

/// How often the account was taken over: the upper half of its number.
fn times(world: &World) -> i64 {
    let journal = Connection::open(world.home().join("home/journal.sqlite")).unwrap();
    journal.query_row("SELECT max(epoch) >> 32 FROM epochs", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_run_takes_an_account_over_once_and_only_to_record_something() {
    let world = World::logged_in();
    let manifest = world.short();
    world.upload(&manifest).exits(0);
    assert_eq!(times(&world), 1);
    world.upload(&manifest).exits(0).says("1 skipped");
    world.run(&["upload", "--dry-run", &manifest]).exits(0);
    world.run(&["status", "--all"]).exits(0);
    assert_eq!(times(&world), 1);
    let manifest = world.long();
    world.upload(&manifest).exits(0);
    assert_eq!(times(&world), 2);
}
