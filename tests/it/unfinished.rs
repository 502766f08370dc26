//! Files that are still being written, and files that never were written to their end.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;

use serde_json::json;
use tiktok_up::testing::Phase;

use crate::world::{ADA, World};

fn open(world: &World, name: &str) -> File {
    OpenOptions::new().append(true).open(world.path(name)).unwrap()
}

#[test]
fn a_file_that_another_process_writes_is_put_off_until_it_is_finished() {
    let world = World::logged_in();
    let manifest = world.short();
    let writer = open(&world, "clip.mp4");
    let quiet = ["upload", "--quiet", manifest.as_str()];
    world.upload(&manifest).exits(5).says("still being written").says("open for writing");
    // Nothing for anybody to do.
    world.run(&quiet).exits(5).never_says("still being written");
    world.run(&["upload", "--dry-run", &manifest]).exits(5).says("still being written");
    let ran = world.run(&["upload", "--json", &manifest]).exits(5);
    let post = &ran.json()[0];
    assert_eq!(
        (&post["state"], &post["error"]["code"]),
        (&json!("deferred"), &json!("file_unfinished"))
    );
    assert_eq!(world.inits(), 0);
    drop(writer);
    // A finished export is taken at once.
    world.run(&quiet).exits(0);
    assert_eq!(world.published(), 1);
}

#[test]
fn a_recording_that_grows_is_one_post() {
    let world = World::logged_in();
    let whole = include_bytes!("../fixtures/fragmented.mp4");
    // Where its fragments begin: each of these prefixes is a whole video.
    let fragments: Vec<usize> =
        whole.windows(4).enumerate().filter(|(_, w)| w == b"moof").map(|(at, _)| at - 4).collect();
    assert!(fragments.len() > 1);
    let manifest = world.one_post(ADA, "clip.mp4");
    let mut recording = File::create(world.path("clip.mp4")).unwrap();
    let mut written = 0;
    for end in fragments.into_iter().chain([whole.len()]) {
        recording.write_all(&whole[written..end]).unwrap();
        written = end;
        world.run(&["upload", "--quiet", &manifest]).exits(5);
    }
    drop(recording);
    for _ in 0..2 {
        world.run(&["upload", "--quiet", &manifest]).exits(0);
    }
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn an_unfinished_file_keeps_no_other_post_from_being_made() {
    let world = World::logged_in();
    world.video("done.mp4", 100_000);
    let mut recording = File::create(world.path("recording.mp4")).unwrap();
    recording.write_all(include_bytes!("../fixtures/without-moov.mp4")).unwrap();
    let user = world.open_id(ADA);
    let post =
        |video| json!({ "user_id": user, "video_path": video, "privacy_level": "SELF_ONLY" });
    let manifest = world.manifest(&json!([post("recording.mp4"), post("done.mp4")]));
    world.upload(&manifest).exits(5).says("still being written");
    assert_eq!(world.published(), 1);
    drop(recording);
    world.upload(&manifest).exits(2).says("no index");
}

#[test]
fn what_is_posted_stays_so_while_its_file_is_open() {
    let world = World::logged_in();
    let manifest = world.short();
    world.upload(&manifest).exits(0);
    let _writer = open(&world, "clip.mp4");
    world.upload(&manifest).exits(0).says("already posted");
}

#[test]
fn an_upload_whose_outcome_is_pending_is_asked_for_while_its_file_is_open() {
    let world = World::logged_in();
    let manifest = world.short();
    world.run(&["upload", "--no-wait", &manifest]).exits(5);
    let _writer = open(&world, "clip.mp4");
    world.upload(&manifest).exits(0);
    assert_eq!(world.phases(), [Phase::Published]);
}

#[test]
fn a_file_whose_time_has_not_come_may_be_written_until_then() {
    let world = World::logged_in();
    world.video("clip.mp4", 100_000);
    let manifest = world
        .manifest(&json!([{ "user_id": world.open_id(ADA), "video_path": "clip.mp4",
        "privacy_level": "SELF_ONLY", "publish_at": "2099-01-01T00:00:00Z" }]));
    let _writer = open(&world, "clip.mp4");
    world.upload(&manifest).exits(0).says("its time has not come");
}

#[test]
fn a_file_that_is_opened_for_writing_just_before_its_turn_is_put_off() {
    let world = World::logged_in();
    world.hold("creator_info", 1, "middle");
    let manifest = world.short();
    let run = world.start_upload(&manifest);
    world.wait_until("the creator is asked for", |world| !world.calls("creator_info").is_empty());
    let _writer = open(&world, "clip.mp4");
    world.let_go();
    run.end().exits(5).says("still being written");
    assert_eq!(world.inits(), 0);
}

/// A video of 8 MB whose last box is of this kind, and in the middle of it nothing was ever written.
fn with_a_hole(world: &World, kind: [u8; 4]) -> String {
    let path = world.file("clip.mp4", include_bytes!("../fixtures/fast-start.mp4"));
    let file = OpenOptions::new().write(true).open(path).unwrap();
    let head = file.metadata().unwrap().len();
    let size = 8_000_000_u32;
    file.write_all_at(&size.to_be_bytes(), head).unwrap();
    file.write_all_at(&kind, head + 4).unwrap();
    file.write_all_at(&[1; 4096], head + u64::from(size) - 4096).unwrap();
    world.one_post(ADA, "clip.mp4")
}

#[test]
fn a_file_with_a_hole_where_data_should_be_is_refused() {
    let world = World::logged_in();
    let manifest = with_a_hole(&world, *b"mdat");
    world.upload(&manifest).exits(2).says("a part of it was never written").says("--sparse=never");
    assert_eq!(world.inits(), 0);
    let manifest = with_a_hole(&world, *b"free");
    world.upload(&manifest).exits(0);
    assert_eq!(world.published(), 1);
}
