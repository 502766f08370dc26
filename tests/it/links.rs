//! Videos behind links that this program reads itself (`transfer: upload`): pinned, read in parts, sent on.

use std::fs;

use serde_json::json;
use tiktok_up::testing::Phase;

use crate::process::{Ran, Running};
use crate::shelf::{HOST, Shelf};
use crate::world::{ADA, CHUNK, World, sha256};

/// Bytes of a chunk of which the sockets do not take the half: so a video can change while it is sent.
const BIG: u64 = 24_000_000;
/// What no message may repeat.
const SIGNATURE: &str = "s1gnature-canary";

/// A world and a server with one file of three chunks.
fn three_chunks() -> (World, Shelf) {
    let (world, shelf) = (World::logged_in(), Shelf::new());
    put(&world, &shelf, 3 * CHUNK + 1000);
    (world, shelf)
}

fn put(world: &World, shelf: &Shelf, size: u64) {
    shelf.put("/clip.mp4", fs::read(world.video("clip.mp4", size)).unwrap());
}

/// A manifest with one post of what lies at a path of the server.
fn linked(world: &World, path: &str) -> String {
    let url = format!("https://{HOST}{path}?X-Amz-Signature={SIGNATURE}&X-Amz-Expires=60");
    world.manifest(&json!([{ "user_id": world.open_id(ADA), "privacy_level": "SELF_ONLY",
        "video_url": url, "transfer": "upload" }]))
}

fn run(world: &World, shelf: &Shelf, args: &[&str]) -> Ran {
    Ran::of(shelf.behind_proxy(world.command(args))).never_says(SIGNATURE)
}

fn upload(world: &World, shelf: &Shelf, manifest: &str) -> Ran {
    run(world, shelf, &["upload", "--chunk-size", &CHUNK.to_string(), manifest])
}

fn start_upload(world: &World, shelf: &Shelf, manifest: &str) -> Running {
    let args = ["upload", "--chunk-size", &CHUNK.to_string(), manifest];
    Running::of(shelf.behind_proxy(world.command(&args)))
}

/// TikTok has the file as it was put there, once.
#[track_caller]
fn is_posted(world: &World) {
    let posted = world.posts();
    let posted = posted.last().unwrap();
    assert_eq!(posted.sha256.as_deref(), Some(sha256(&world.path("clip.mp4")).as_str()));
    assert_eq!((posted.source, world.published()), ("FILE_UPLOAD", 1));
}

#[test]
fn a_video_behind_a_link_is_read_in_parts_of_one_version_and_posted_once() {
    let (world, shelf) = three_chunks();
    let manifest = linked(&world, "/clip.mp4");
    upload(&world, &shelf, &manifest).exits(0).says("https://cdn.example.com/clip.mp4");
    is_posted(&world);
    let asked = shelf.conduct().asked.clone();
    let (pinned, opened): (Vec<_>, Vec<_>) =
        asked.iter().partition(|asked| asked.headers.contains_key("if-match"));
    assert!(asked.iter().all(|asked| asked.method == "GET" && asked.headers.contains_key("range")));
    assert!(opened.len() <= 4 && pinned.len() > opened.len(), "{asked:#?}");
    // A link that is made anew is the same video.
    let again = fs::read_to_string(&manifest).unwrap().replace(SIGNATURE, "another");
    fs::write(&manifest, again).unwrap();
    upload(&world, &shelf, &manifest).exits(0).says("already posted");
    assert_eq!((world.inits(), world.published()), (1, 1));
    let journal = fs::read(world.home().join("home/journal.sqlite")).unwrap();
    assert!(!journal.windows(SIGNATURE.len()).any(|part| part == SIGNATURE.as_bytes()));
}

#[test]
fn one_link_is_posted_without_a_manifest() {
    let (world, shelf) = (World::logged_in(), Shelf::new());
    put(&world, &shelf, 100_000);
    let url = format!("https://{HOST}/clip.mp4?X-Amz-Signature={SIGNATURE}");
    let post = ["post", "--url", &url, "--transfer", "upload", "--privacy", "SELF_ONLY"];
    run(&world, &shelf, &post).exits(0);
    is_posted(&world);
}

#[test]
fn what_was_posted_from_the_disk_is_known_behind_a_link() {
    let (world, shelf) = (World::logged_in(), Shelf::new());
    put(&world, &shelf, 100_000);
    world.upload(&world.one_post(ADA, "clip.mp4")).exits(0);
    upload(&world, &shelf, &linked(&world, "/clip.mp4")).exits(0).says("already posted");
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn one_address_is_one_post_whether_tiktok_pulls_or_we_upload() {
    let (world, shelf) = (World::logged_in(), Shelf::new());
    put(&world, &shelf, 100_000);
    let entry = |transfer: &str, path: &str| {
        world.manifest(&json!([{ "user_id": world.open_id(ADA), "privacy_level": "SELF_ONLY",
            "video_url": format!("https://{HOST}{path}"), "transfer": transfer }]))
    };
    upload(&world, &shelf, &entry("upload", "/clip.mp4")).exits(0);
    upload(&world, &shelf, &entry("pull", "/clip.mp4")).exits(0).says("already posted");
    assert_eq!(world.inits(), 1);
    shelf.put("/pulled.mp4", fs::read(world.video("pulled.mp4", 90_000)).unwrap());
    let pulled = |transfer: &str| {
        world.manifest(&json!([{ "user_id": world.open_id(ADA), "privacy_level": "SELF_ONLY",
            "video_url": "https://verified.example/pulled.mp4", "transfer": transfer }]))
    };
    upload(&world, &shelf, &pulled("pull")).exits(0);
    upload(&world, &shelf, &pulled("upload"));
    assert_eq!((world.inits(), world.published()), (2, 2));
}

#[test]
fn a_killed_run_is_gone_on_with_at_the_next_chunk() {
    let (world, shelf) = three_chunks();
    let manifest = linked(&world, "/clip.mp4");
    world.hold("upload", 2, "middle");
    let run = start_upload(&world, &shelf, &manifest);
    world.wait_until("some of the second chunk is there", |world| {
        world.posts().last().is_some_and(|post| post.received > CHUNK)
    });
    run.kill();
    world.let_go();
    upload(&world, &shelf, &manifest).exits(0);
    is_posted(&world);
    assert_eq!(world.inits(), 1);
}

#[test]
fn one_that_is_another_one_after_a_kill_starts_over() {
    let (world, shelf) = three_chunks();
    let manifest = linked(&world, "/clip.mp4");
    world.hold("upload", 2, "middle");
    let run = start_upload(&world, &shelf, &manifest);
    world.wait_until("some of the second chunk is there", |world| {
        world.posts().last().is_some_and(|post| post.received > CHUNK)
    });
    run.kill();
    world.let_go();
    put(&world, &shelf, 3 * CHUNK + 2000);
    upload(&world, &shelf, &manifest).exits(0);
    is_posted(&world);
    assert_eq!(world.inits(), 2);
}

#[test]
fn one_that_changes_meanwhile_completes_no_chunk() {
    for chunk in [0, 1, 2] {
        let (world, shelf) = (World::logged_in(), Shelf::new());
        put(&world, &shelf, 3 * BIG);
        let manifest = linked(&world, "/clip.mp4");
        let run = begin_chunk(&world, &shelf, &manifest, chunk);
        put(&world, &shelf, 3 * BIG);
        world.let_go();
        run.end().exits(1).says("changed while").never_says(SIGNATURE);
        assert_eq!(world.phases(), [Phase::Abandoned], "chunk {chunk}");
        assert_eq!(world.published(), 0);
        upload(&world, &shelf, &manifest).exits(0);
        is_posted(&world);
    }
}

#[test]
fn a_weak_tag_that_stays_hides_no_change() {
    for chunk in [0, 1, 2] {
        let (world, shelf) = (World::logged_in(), Shelf::new());
        put(&world, &shelf, 3 * BIG);
        shelf.conduct().weak = true;
        let manifest = linked(&world, "/clip.mp4");
        let run = begin_chunk(&world, &shelf, &manifest, chunk);
        // Of the same size.
        put(&world, &shelf, 3 * BIG);
        world.let_go();
        run.end().exits(1).says("changed while");
        assert_eq!((world.phases(), world.published()), (vec![Phase::Abandoned], 0));
    }
}

#[test]
fn what_tells_no_two_versions_apart_is_not_read() {
    let (world, shelf) = three_chunks();
    let manifest = linked(&world, "/clip.mp4");
    shelf.conduct().weak = true;
    shelf.conduct().undated = true;
    upload(&world, &shelf, &manifest).exits(2).says("neither Last-Modified nor an ETag");
    // One that was changed in this second may be so again, and keep its time.
    shelf.conduct().undated = false;
    shelf.conduct().fresh = true;
    upload(&world, &shelf, &manifest).exits(5).says("in this second");
    assert_eq!(world.inits(), 0);
    shelf.conduct().fresh = false;
    upload(&world, &shelf, &manifest).exits(0);
    is_posted(&world);
}

/// Starts an upload and waits until TikTok has read half of the chunk with this index.
fn begin_chunk(world: &World, shelf: &Shelf, manifest: &str, index: u64) -> Running {
    world.hold("upload", index + 1, "middle");
    let args = ["upload", "--chunk-size", &BIG.to_string(), manifest];
    let run = Running::of(shelf.behind_proxy(world.command(&args)));
    world.wait_until("the chunk is on its way", |world| {
        world.posts().last().is_some_and(|post| post.received >= index * BIG + BIG / 2)
    });
    run
}

#[test]
fn answers_that_are_cut_off_are_asked_for_again_from_there() {
    let (world, shelf) = three_chunks();
    shelf.conduct().cuts = (4, 200_000);
    upload(&world, &shelf, &linked(&world, "/clip.mp4")).exits(0);
    is_posted(&world);
    assert_eq!(shelf.conduct().cuts.0, 0);
}

#[test]
fn a_server_that_is_busy_is_asked_again_and_then_left_for_later() {
    let (world, shelf) = three_chunks();
    shelf.conduct().faults = 3;
    let manifest = linked(&world, "/clip.mp4");
    upload(&world, &shelf, &manifest).exits(0);
    is_posted(&world);

    let (world, shelf) = three_chunks();
    shelf.conduct().faults = 1000;
    let url = format!("https://{HOST}/clip.mp4?X-Amz-Signature={SIGNATURE}");
    world.video("other.mp4", 90_000);
    let (user, only) = (world.open_id(ADA), "SELF_ONLY");
    let manifest = world.manifest(&json!([
        { "user_id": user, "privacy_level": only, "video_url": url, "transfer": "upload" },
        { "user_id": user, "privacy_level": only, "video_path": "other.mp4" }
    ]));
    let ran = upload(&world, &shelf, &manifest).exits(5).says("SlowDown").says("HTTP 503");
    ran.says("1 published");
    assert_eq!((world.inits(), world.published()), (1, 1));
    shelf.conduct().faults = 0;
    upload(&world, &shelf, &manifest).exits(0).says("1 published, 1 skipped");
}

#[test]
fn what_no_later_run_could_read_is_refused_before_anything_is_sent() {
    let (world, shelf) = three_chunks();
    let manifest = linked(&world, "/clip.mp4");
    shelf.conduct().whole = true;
    let ran = upload(&world, &shelf, &manifest).exits(2).says("gives no parts of it");
    ran.says("line 1").says("field `video_url`");
    shelf.conduct().whole = false;
    shelf.conduct().unversioned = true;
    upload(&world, &shelf, &manifest).exits(2).says("neither Last-Modified nor an ETag");
    shelf.conduct().unversioned = false;
    let location = "Location: https://elsewhere.example/clip.mp4\r\n";
    shelf.conduct().status = Some((302, location, ""));
    upload(&world, &shelf, &manifest).exits(2).says("sends elsewhere (HTTP 302)");
    let expired = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
    shelf.conduct().status = Some((403, "", expired));
    let ran = upload(&world, &shelf, &manifest).exits(2).says("HTTP 403, AccessDenied");
    ran.says("make a new link");
    shelf.conduct().status = None;
    upload(&world, &shelf, &linked(&world, "/none.mp4")).exits(2).says("HTTP 404");
    shelf.put("/empty.mp4", Vec::new());
    upload(&world, &shelf, &linked(&world, "/empty.mp4")).exits(2).says("the file is empty");
    shelf.put("/page.mp4", b"<html>log in first</html>".to_vec());
    upload(&world, &shelf, &linked(&world, "/page.mp4")).exits(2);
    assert_eq!(world.inits(), 0);
}

#[test]
fn a_link_that_has_expired_says_nothing_against_what_was_posted() {
    let (world, shelf) = three_chunks();
    let manifest = linked(&world, "/clip.mp4");
    upload(&world, &shelf, &manifest).exits(0);
    shelf.conduct().status = Some((403, "", ""));
    upload(&world, &shelf, &manifest).exits(0).says("already posted");
    assert_eq!(world.inits(), 1);
}

#[test]
fn a_link_that_expires_in_the_middle_leaves_the_post_to_a_new_one() {
    let (world, shelf) = (World::logged_in(), Shelf::new());
    put(&world, &shelf, 3 * BIG);
    let manifest = linked(&world, "/clip.mp4");
    let run = begin_chunk(&world, &shelf, &manifest, 1);
    shelf.conduct().status = Some((403, "", "<Error><Code>AccessDenied</Code></Error>"));
    world.let_go();
    run.end().exits(2).says("AccessDenied").says("make a new link").never_says(SIGNATURE);
    assert_eq!(world.phases(), [Phase::Open { stored: 1 }]);
    shelf.conduct().status = None;
    upload(&world, &shelf, &manifest).exits(0);
    is_posted(&world);
    assert_eq!(world.inits(), 1);
}

#[test]
fn a_server_that_nobody_trusts_is_told_with_what_decides_about_it() {
    let (world, shelf) = three_chunks();
    let manifest = linked(&world, "/clip.mp4");
    let mut command = shelf.behind_proxy(world.command(&["upload", &manifest]));
    command.env("SSL_CERT_FILE", "/dev/null");
    Ran::of(command).exits(2).says("SSL_CERT_FILE").never_says(SIGNATURE);
    assert_eq!(world.inits(), 0);
}

#[test]
fn how_a_video_travels_is_said_of_links_alone() {
    let world = World::logged_in();
    let one = |entry: &serde_json::Value| world.manifest(&json!([entry]));
    world.video("clip.mp4", 90_000);
    let manifest = one(&json!({ "video_path": "clip.mp4", "transfer": "upload" }));
    world.run(&["upload", &manifest]).exits(2).says("only a `video_url` has this");
    let manifest =
        one(&json!({ "video_url": "https://cdn.example.com/a.mp4", "transfer": "FILE_UPLOAD" }));
    world.run(&["upload", &manifest]).exits(2).says("did you mean `upload`?");
    for url in ["http://cdn.example.com/a.mp4", "https://127.0.0.1/a.mp4", "https://nas.lan/a"] {
        let manifest = one(&json!({ "video_url": url, "transfer": "upload" }));
        world.run(&["upload", &manifest]).exits(2);
    }
}
