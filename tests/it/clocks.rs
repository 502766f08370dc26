//! Clocks that are wrong, and set right between two runs: TikTok's own decides how old an upload is.

use jiff::SignedDuration;
use serde_json::json;
use tiktok_up::testing::Phase;

use crate::world::{Ran, Running, World};

/// An upload under a clock that runs this far ahead of TikTok's.
fn upload(world: &World, manifest: &str, ahead: SignedDuration) -> std::process::Command {
    let chunk = crate::world::CHUNK.to_string();
    under_clock(world, &["upload", "--chunk-size", &chunk, manifest], ahead)
}

/// A command under a clock that runs this far ahead of TikTok's.
pub(crate) fn under_clock(
    world: &World,
    args: &[&str],
    ahead: SignedDuration,
) -> std::process::Command {
    let mut command = world.command(args);
    let timing = command
        .get_envs()
        .find_map(|(name, value)| (name == "TIKTOK_UP_TIMING").then(|| value.unwrap().to_owned()))
        .unwrap();
    let timing = format!("{},clock_offset={}s", timing.to_str().unwrap(), ahead.as_secs());
    command.env("TIKTOK_UP_TIMING", timing);
    command
}

/// A first run under such a clock that is killed while TikTok has all bytes, and the answer to the last
/// chunk is on its way.
fn killed_in_the_last_put(world: &World, ahead: SignedDuration) -> String {
    world.hold("upload", 3, "after");
    let manifest = world.long();
    let run = Running::of(upload(world, &manifest, ahead));
    world.wait_until("everything is there", |world| world.published() == 1);
    run.kill();
    world.let_go();
    manifest
}

#[test]
fn a_clock_that_was_behind_does_not_make_an_upload_old() {
    let world = World::logged_in().timing("proof_gap=20ms,poll_limit=200ms");
    let manifest = killed_in_the_last_put(&world, SignedDuration::from_hours(-3));
    // The status lags behind: to trust it now would post a second time.
    world.say_status(0, &json!({ "status": "PROCESSING_UPLOAD", "uploaded_bytes": 0 }));
    world
        .fault(&json!({ "endpoint": "upload", "times": 0, "do": { "answer": { "status": 403 } } }));
    Ran::of(upload(&world, &manifest, SignedDuration::ZERO)).exits(5).says("proved");
    assert_eq!(world.phases(), [Phase::FinalIntent { stored: 2 }]);
    world.let_go();
    Ran::of(upload(&world, &manifest, SignedDuration::ZERO)).exits(0);
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn a_clock_that_was_ahead_does_not_make_an_upload_young_for_ever() {
    let mut world = World::logged_in().timing("proof_gap=20ms,poll_limit=200ms");
    world.fault(&json!({ "endpoint": "upload", "nth": 3, "do": { "answer": { "status": 403 } } }));
    let manifest = world.long();
    Ran::of(upload(&world, &manifest, SignedDuration::from_hours(3))).exits(5).says("proved");
    world.advance(SignedDuration::from_mins(76));
    Ran::of(upload(&world, &manifest, SignedDuration::from_mins(76))).exits(0);
    assert_eq!(world.phases(), [Phase::Abandoned, Phase::Published]);
    assert_eq!((world.inits(), world.published()), (2, 1));
}

#[test]
fn a_wait_under_a_clock_that_is_off_renews_the_tokens_once_and_says_so_once() {
    let world = World::logged_in();
    world.say_status(6, &json!({ "status": "PROCESSING_UPLOAD" }));
    world.run(&["upload", "--no-wait", &world.short()]).exits(5);
    let ahead = SignedDuration::from_mins(3);
    let ran = Ran::of(under_clock(&world, &["status", "--wait"], ahead)).exits(0);
    assert!(world.calls("status").len() > 5, "it asked again and again");
    assert_eq!(world.calls("token_refresh").len(), 1, "{ran:?}");
    assert_eq!(ran.stderr.matches("clock").count(), 1, "{ran:?}");
}
