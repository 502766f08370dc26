//! A file is one machine's: what another one says of its post.

use std::fs;

use jiff::SignedDuration;
use serde_json::json;

use super::pair::Pair;
use crate::world::{ADA, Ran, World};

#[test]
fn a_post_whose_file_is_on_another_machine_waits_for_that_one() {
    let Some(pair) = Pair::start() else { return };
    let mut world = World::new().in_database(pair.url());
    world.login(ADA).exits(0);
    let on = |world: &World, machine: &str, args: &[&str]| {
        let mut command = world.command(args);
        command.env("TIKTOK_UP_HOME", world.home().join(machine));
        Ran::of(command)
    };
    // What is begun on a, and comes to nothing there.
    let clip = world.video("clip.mp4", 100_000);
    let manifest = world.one_post("ada", "clip.mp4");
    let upload = ["upload", manifest.as_str()];
    world.fault(&json!({ "endpoint": "video_init", "times": 2, "do": { "drop": "before" } }));
    on(&world, "a", &upload).exits(5);
    let away = clip.with_extension("away");
    fs::rename(&clip, &away).unwrap();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let there = format!("its file is on {host}, and not here");
    let ran = on(&world, "b", &upload).exits(5).says(&there).says("file_elsewhere");
    ran.never_says("was not posted");
    on(&world, "b", &["status"]).says(&format!("clip.mp4 (on {host})"));
    // On a itself it is gone.
    world.advance(SignedDuration::from_mins(61));
    on(&world, "a", &upload).never_says(&there).says("No such file");
    fs::rename(&away, &clip).unwrap();
    on(&world, "a", &upload).exits(0);
    fs::remove_file(&clip).unwrap();
    on(&world, "b", &upload).exits(0);
    assert_eq!(world.posts().len(), 1);
}
