//! The fault matrix, where the file does not stay what it was: rows 33 to 36 and 67.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

use jiff::SignedDuration;
use serde_json::json;
use tiktok_up::testing::Phase;

use crate::world::{ADA, CHUNK, Ran, Running, World, sha256};

/// Large enough that no socket takes half of one before it is read at the other end.
const BIG: u64 = 24_000_000;

/// `upload` of a video in chunks of [`BIG`]: one, or three of them.
fn command(world: &World, manifest: &str) -> Command {
    world.command(&["upload", "--chunk-size", &BIG.to_string(), manifest])
}

fn upload(world: &World, manifest: &str) -> Ran {
    Ran::of(command(world, manifest))
}

/// Uploads it and changes it while TikTok has read half of the chunk with this index.
fn change_in(world: &World, manifest: &str, index: u64, change: impl Fn(&Path)) -> Ran {
    let coming = world.posts().last().map_or(0, |post| post.stored / BIG);
    world.hold("upload", index - coming + 1, "middle");
    let run = Running::of(command(world, manifest));
    world.wait_until("the chunk is on its way", |world| {
        world.posts().last().is_some_and(|post| post.received >= index * BIG + BIG / 2)
    });
    change(&world.path("big.mp4"));
    world.let_go();
    run.end()
}

/// Three chunks by [`upload`].
fn big(world: &World) -> String {
    world.video("big.mp4", 3 * BIG);
    world.one_post(ADA, "big.mp4")
}

/// One chunk.
fn whole(world: &World) -> String {
    world.video("big.mp4", BIG);
    world.one_post(ADA, "big.mp4")
}

/// Bytes written near the end, size and modification time as before.
fn rewrite(path: &Path) {
    let file = File::options().write(true).open(path).unwrap();
    let metadata = file.metadata().unwrap();
    file.write_all_at(b"other", metadata.len() - 4000).unwrap();
    file.set_modified(metadata.modified().unwrap()).unwrap();
}

fn truncate(path: &Path) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() - 5000).unwrap();
}

fn append(path: &Path) {
    let file = File::options().write(true).open(path).unwrap();
    file.write_all_at(b"more", file.metadata().unwrap().len()).unwrap();
}

/// What is on TikTok is what is on the disk now, and nothing else was published.
#[track_caller]
fn posted_as_it_is(world: &World) {
    let posts = world.posts();
    let posted = posts.last().unwrap();
    assert_eq!(posted.sha256.as_deref(), Some(sha256(&world.path("big.mp4")).as_str()));
    assert_eq!(world.published(), 1);
}

#[test]
fn f33_a_file_that_shrinks_or_grows_completes_no_chunk() {
    for change in [truncate, append] {
        for index in [0, 1, 2] {
            let world = World::logged_in();
            let manifest = big(&world);
            change_in(&world, &manifest, index, change).exits(1).says("changed while");
            assert_eq!(world.phases(), [Phase::Abandoned]);
            assert_eq!(world.posts()[0].stored, index * BIG);
            assert_eq!(world.published(), 0);
        }
    }
}

#[test]
fn f33_in_a_chunk_that_is_the_first_and_the_last() {
    let world = World::logged_in();
    let manifest = whole(&world);
    change_in(&world, &manifest, 0, rewrite).exits(1).says("changed while");
    assert_eq!(world.phases(), [Phase::Abandoned]);
    assert_eq!(world.published(), 0);
    // The file is finished now.
    upload(&world, &manifest).exits(0);
    posted_as_it_is(&world);
}

#[test]
fn f33_our_own_proof_holds_also_if_an_earlier_run_sent_the_other_chunks() {
    let world = World::logged_in();
    let manifest = big(&world);
    world.fault(&json!({ "endpoint": "upload", "nth": 2, "times": 6, "do": { "answer": { "status": 500 } } }));
    upload(&world, &manifest).exits(5);
    assert_eq!(world.phases(), [Phase::Open { stored: 1 }]);
    world.sandbox.clear_faults();
    change_in(&world, &manifest, 2, truncate).exits(1).says("changed while");
    assert_eq!(world.phases(), [Phase::Abandoned]);
    assert_eq!(world.published(), 0);
}

#[test]
fn f34_a_rewrite_with_size_and_time_put_back_is_noticed() {
    for index in [0, 1, 2] {
        let world = World::logged_in();
        let manifest = big(&world);
        change_in(&world, &manifest, index, rewrite).exits(1).says("changed while");
        assert_eq!(world.phases(), [Phase::Abandoned]);
        assert_eq!(world.published(), 0);
        upload(&world, &manifest).exits(0);
        posted_as_it_is(&world);
    }
}

#[test]
fn f34_after_a_crash_in_the_final_chunk_only_the_server_can_prove() {
    let mut world = World::logged_in().timing("proof_gap=50ms");
    let manifest = world.long();
    // It is not let go: the rest of the chunk, which may be in the sockets, never arrives.
    world.hold("upload", 3, "middle");
    let run = world.start_upload(&manifest);
    world.wait_until("some of it is there", |world| {
        world.posts().last().is_some_and(|post| post.received > 2 * CHUNK)
    });
    run.kill();
    rewrite(&world.path("long.mp4"));
    world.upload(&manifest).exits(5).says("proved");
    assert_eq!(world.phases(), [Phase::FinalIntent { stored: 2 }]);
    assert_eq!(world.inits(), 1);
    world.advance(SignedDuration::from_mins(80));
    world.upload(&manifest).exits(0);
    assert_eq!(world.phases(), [Phase::Abandoned]);
    assert_eq!((world.inits(), world.published()), (2, 1));
    world.run(&["status"]).exits(0);
}

#[test]
fn f35_a_file_replaced_by_rename_is_read_on() {
    let world = World::logged_in();
    let manifest = big(&world);
    let before = sha256(&world.path("big.mp4"));
    world.video("new.mp4", 3 * BIG);
    let new = world.path("new.mp4");
    change_in(&world, &manifest, 1, |old| fs::rename(&new, old).unwrap()).exits(0);
    assert_eq!(world.posts()[0].sha256.as_deref(), Some(before.as_str()));
    assert_eq!(world.phases(), [Phase::Published]);
}

#[test]
fn f35_a_file_replaced_between_runs_starts_over() {
    for id in [None, Some("the clip")] {
        for size in [4 * CHUNK, 5 * CHUNK] {
            let world = World::logged_in();
            world.video("big.mp4", 4 * CHUNK);
            let mut post = json!({ "user_id": world.open_id(ADA), "video_path": "big.mp4" });
            if let Some(id) = id {
                post["id"] = json!(id);
            }
            let manifest = world.manifest(&json!([post]));
            world.fault(&json!({ "endpoint": "upload", "nth": 2, "times": 6,
                "do": { "answer": { "status": 500 } } }));
            world.upload(&manifest).exits(5);
            assert_eq!(world.phases(), [Phase::Open { stored: 1 }]);
            world.video("new.mp4", size);
            fs::rename(world.path("new.mp4"), world.path("big.mp4")).unwrap();
            world.upload(&manifest).exits(0).says("starting over");
            assert_eq!(world.phases()[0], Phase::Abandoned);
            assert_eq!(world.inits(), 2);
            posted_as_it_is(&world);
            world.run(&["status"]).exits(0);
        }
    }
}

#[test]
fn f35_a_file_replaced_after_its_final_chunk_is_another_post() {
    let world = World::logged_in();
    world.video("big.mp4", 100_000);
    let manifest = world.one_post(ADA, "big.mp4");
    world.run(&["upload", "--no-wait", &manifest]).exits(5);
    world.video("new.mp4", 100_001);
    fs::rename(world.path("new.mp4"), world.path("big.mp4")).unwrap();
    world.upload(&manifest).exits(0).says("1 published");
    assert_eq!(world.phases(), [Phase::Published]);
    assert_eq!((world.inits(), world.published()), (2, 2));
    let posts = world.posts();
    assert_eq!(posts[1].sha256.as_deref(), Some(sha256(&world.path("big.mp4")).as_str()));
    world.upload(&manifest).exits(0).says("already posted");
}

#[test]
fn f36_a_file_deleted_before_the_final_chunk_is_not_posted() {
    let world = World::logged_in();
    let manifest = world.long();
    world.fault(&json!({ "endpoint": "upload", "nth": 2, "times": 6, "do": { "answer": { "status": 500 } } }));
    world.upload(&manifest).exits(5);
    fs::remove_file(world.path("long.mp4")).unwrap();
    world.upload(&manifest).exits(1).says("not posted");
    assert_eq!(world.phases(), [Phase::Abandoned]);
    assert_eq!((world.inits(), world.published()), (1, 0));
}

#[test]
fn f36_a_file_deleted_after_the_final_chunk_is_reconciled() {
    let world = World::logged_in();
    let manifest = world.long();
    world.hold("upload", 3, "after");
    let run = world.start_upload(&manifest);
    world.wait_until("everything is there", |world| world.published() == 1);
    run.kill();
    assert_eq!(world.phases(), [Phase::FinalIntent { stored: 2 }]);
    fs::remove_file(world.path("long.mp4")).unwrap();
    world.upload(&manifest).exits(0);
    assert_eq!(world.phases(), [Phase::Published]);
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn f36_a_file_deleted_whose_final_chunk_is_missing_needs_proof() {
    let mut world = World::logged_in().timing("proof_gap=50ms");
    let manifest = world.short();
    world
        .fault(&json!({ "endpoint": "upload", "times": 6, "do": { "answer": { "status": 500 } } }));
    world.upload(&manifest).exits(5);
    fs::remove_file(world.path("clip.mp4")).unwrap();
    world.upload(&manifest).exits(5);
    assert_eq!(world.phases(), [Phase::FinalIntent { stored: 0 }]);
    world.advance(SignedDuration::from_mins(80));
    world.upload(&manifest).exits(1).says("not posted");
    assert_eq!(world.phases(), [Phase::Abandoned]);
}

#[test]
fn f67_the_same_content_is_posted_once_whatever_it_is_called() {
    for draft in [false, true] {
        let world = World::logged_in();
        let mode = if draft { "draft" } else { "direct" };
        let post = |video: &str, words: &str| {
            world.manifest(&json!([{ "user_id": world.open_id(ADA), "video_path": video,
                "description": words, "mode": mode }]))
        };
        let video = world.video("clip.mp4", 100_000);
        world.upload(&post("clip.mp4", "one")).exits(0);
        let folder = world.path("elsewhere");
        fs::create_dir(&folder).unwrap();
        fs::copy(&video, folder.join("copy.mp4")).unwrap();
        fs::rename(&video, world.path("renamed.mp4")).unwrap();
        for (name, words) in
            [("renamed.mp4", "one"), ("elsewhere/copy.mp4", "one"), ("renamed.mp4", "two")]
        {
            let known = if draft { "in the inbox already, since" } else { "already posted on" };
            world.upload(&post(name, words)).exits(0).says(known);
        }
        assert_eq!((world.inits(), world.published()), (1, 1));
        world.run(&["upload", "--repost", &post("renamed.mp4", "two")]).exits(0);
        assert_eq!((world.inits(), world.published()), (2, 2));
    }
}

#[test]
fn f67_an_id_is_the_identity() {
    let world = World::logged_in();
    let post = |id: &str, video: &str| {
        world.manifest(&json!([{ "user_id": world.open_id(ADA), "video_path": video, "id": id }]))
    };
    world.video("a.mp4", 100_000);
    world.video("b.mp4", 100_001);
    world.upload(&post("monday", "a.mp4")).exits(0);
    world.upload(&post("monday", "b.mp4")).exits(1).says("was used for a.mp4");
    assert_eq!(world.published(), 1);
    world.upload(&post("tuesday", "a.mp4")).exits(0);
    assert_eq!(world.published(), 2);
}

#[test]
fn f67_a_twin_that_is_only_seen_while_streaming_is_not_posted() {
    let world = World::logged_in();
    let video = world.video("a.mp4", 100_000);
    fs::copy(&video, world.path("b.mp4")).unwrap();
    let manifest = world.manifest(&json!([
        { "user_id": world.open_id(ADA), "video_path": "a.mp4" },
        { "user_id": world.open_id(ADA), "video_path": "b.mp4" },
    ]));
    world.upload(&manifest).exits(0).says("1 published, 1 skipped");
    assert_eq!(world.published(), 1);
}

#[test]
fn f67_a_repost_is_one_post_however_often_the_manifest_names_it() {
    let world = World::logged_in();
    let video = world.video("a.mp4", 100_000);
    fs::copy(&video, world.path("b.mp4")).unwrap();
    let manifest = world.manifest(&json!([
        { "user_id": world.open_id(ADA), "video_path": "a.mp4" },
        { "user_id": world.open_id(ADA), "video_path": "b.mp4" },
    ]));
    world.upload(&manifest).exits(0);
    world.run(&["upload", "--repost", &manifest]).exits(0).says("1 published, 1 skipped");
    assert_eq!(world.published(), 2);
}

#[test]
fn f67_what_a_repost_could_not_finish_is_finished_without_it() {
    let world = World::logged_in();
    for (name, size) in [("a.mp4", 100_000), ("b.mp4", 100_001), ("c.mp4", 100_002)] {
        world.video(name, size);
    }
    let manifest = world.manifest(&json!(
        ["a.mp4", "b.mp4", "c.mp4"]
            .map(|name| { json!({ "user_id": world.open_id(ADA), "video_path": name }) })
    ));
    world.upload(&manifest).exits(0);
    world.refuse("video_init", 2, 1, "spam_risk_too_many_posts");
    let ran = world.run(&["upload", "--repost", &manifest]).exits(5);
    ran.says("1 published, 2 deferred").says("without `--repost`");
    let mut world = world;
    world.advance(SignedDuration::from_hours(2));
    world.upload(&manifest).exits(0).says("2 published, 1 skipped");
    world.upload(&manifest).exits(0).says("3 skipped");
    assert_eq!(world.published(), 6);
}

#[test]
fn f67_a_repost_that_is_refused_for_good_is_not_asked_for_again() {
    let world = World::logged_in();
    let manifest = world.short();
    world.upload(&manifest).exits(0);
    world.refuse("video_init", 1, 1, "invalid_params");
    world.run(&["upload", "--repost", &manifest]).exits(1);
    world.upload(&manifest).exits(0).says("already posted");
    world.run(&["upload", "--dry-run", &manifest]).exits(0).says("already posted");
    assert_eq!((world.inits(), world.published()), (2, 1));
}

#[test]
fn f35_a_file_that_changed_after_the_check_waits_for_the_next_run() {
    let world = World::logged_in();
    world.video("a.mp4", 100_000);
    world.video("b.mp4", 100_001);
    let manifest = world.manifest(&json!(
        ["a.mp4", "b.mp4"]
            .map(|name| { json!({ "user_id": world.open_id(ADA), "video_path": name }) })
    ));
    world.hold("upload", 1, "after");
    let run = world.start_upload(&manifest);
    world.wait_until("the first one is sent", |world| world.published() == 1);
    world.file("b.mp4", "no video any more");
    world.let_go();
    run.end().exits(5).says("changed after it was checked").says("1 published, 1 deferred");
    world.upload(&manifest).exits(2).says("b.mp4");
    world.video("b.mp4", 100_001);
    world.upload(&manifest).exits(0).says("1 published, 1 skipped");
}

#[test]
fn f35_a_file_that_changed_before_the_init_costs_none_and_waits_for_the_next_run() {
    let world = World::logged_in();
    let manifest = world.short();
    world.hold("creator_info", 1, "middle");
    let run = world.start_upload(&manifest);
    world.wait_until("it is about to begin", |world| world.calls("creator_info").len() == 1);
    append(&world.path("clip.mp4"));
    world.let_go();
    run.end().exits(5).says("changed after it was checked");
    assert_eq!((world.inits(), world.phases().len()), (0, 0));
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (1, 1));
}
