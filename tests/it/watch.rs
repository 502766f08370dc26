//! `watch`: one round after another, as a service.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;
use serde_json::json;

use crate::world::{ADA, Running, World};

fn start(world: &World, args: &[&str]) -> Running {
    Running::of(world.command(&[&["watch"], args].concat()))
}

fn ends(run: Running) -> crate::world::Ran {
    run.signal(Signal::TERM);
    run.end().exits(0)
}

#[test]
fn what_is_added_is_posted_and_a_service_manager_is_told() {
    let world = World::logged_in();
    let manifest = world.short();
    let socket = world.path("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut command = world.command(&["watch", &manifest, "--every", "1h"]);
    command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "200000");
    let run = Running::of(command);
    let heard = |words: &str| {
        let mut buffer = [0; 1000];
        loop {
            let length = manager.recv(&mut buffer).unwrap();
            let said = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if said.contains(words) {
                return said;
            }
        }
    };
    heard("READY=1");
    heard("WATCHDOG=1");
    heard("STATUS=the last round ended with 0; next one at ");
    assert_eq!(world.published(), 1);
    world.video("other.mp4", 100_777);
    let user = world.open_id(ADA);
    let both = json!([
        { "user_id": user, "video_path": "clip.mp4", "privacy_level": "SELF_ONLY" },
        { "user_id": user, "video_path": "other.mp4", "privacy_level": "SELF_ONLY" },
    ]);
    // A slip ends nothing.
    fs::write(&manifest, "[{]").unwrap();
    run.signal(Signal::HUP);
    heard("STATUS=the last round ended with 2");
    fs::write(&manifest, both.to_string()).unwrap();
    run.signal(Signal::HUP);
    heard("STATUS=the last round ended with 0");
    assert_eq!((world.published(), world.inits()), (2, 2));
    run.signal(Signal::TERM);
    heard("STOPPING=1");
    run.end().exits(0);
}

#[test]
fn what_waits_for_its_time_is_posted_when_it_comes() {
    let world = World::logged_in();
    world.video("later.mp4", 100_001);
    let at = Timestamp::now() + SignedDuration::from_secs(3);
    let manifest = world.manifest(&json!([{ "video_path": "later.mp4",
        "privacy_level": "SELF_ONLY", "publish_at": at.to_string() }]));
    let run = start(&world, &[&manifest, "--every", "1h"]);
    world.wait_until("the post", |world| world.published() == 1);
    assert!(Timestamp::now() >= at);
    ends(run);
}

#[test]
fn a_chunk_under_way_is_ended_first_and_nothing_is_posted_twice() {
    let world = World::logged_in();
    let manifest = world.long();
    world.hold("upload", 2, "middle");
    let run = start(&world, &[&manifest, "--every", "1h", "--chunk-size", "5MiB"]);
    world.wait_until("the chunk", |world| !world.calls("upload").is_empty() && run.is_at_rest());
    run.signal(Signal::TERM);
    world.let_go();
    run.end().exits(0);
    world.run(&["upload", "--chunk-size", "5MiB", &manifest]).exits(0);
    assert_eq!((world.published(), world.inits()), (1, 1));
}

#[test]
fn what_is_for_one_run_is_not_repeated() {
    let world = World::logged_in();
    let manifest = world.short();
    for option in ["--repost", "--new-journal", "--dry-run"] {
        world.run(&["watch", &manifest, option]).exits(2).says("one `tiktok-up upload`");
    }
    assert_eq!(world.inits(), 0);
    // Without a list, or settings that can be used, it does not begin.
    world.run(&["watch", "nothing.json"]).exits(2).says("there is no manifest `nothing.json`");
    world.configure("[apps.a\n");
    world.run(&["watch", &manifest]).exits(2).says("config.toml");
}
