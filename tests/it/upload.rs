//! The main job: what is posted, how it is said, and what the exit code is.

use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::Stdio;

use jiff::SignedDuration;
use rustix::fs::OFlags;
use serde_json::json;
use tiktok_sandbox::{Megabyte, Options, Resend, UploadedBytes};

use crate::clocks::under_clock;
use crate::world::{ADA, BEA, World, sha256};

const MB: u64 = 1_000_000;
const MIB: u64 = 1 << 20;

#[test]
fn a_video_is_posted_byte_exact_and_said_to_be_published() {
    let world = World::logged_in();
    let video = world.video("clip.mp4", 3 * MB);
    let manifest = world.one_post(ADA, "clip.mp4");
    world.run(&["upload", &manifest]).exits(0).says("published");
    let posts = world.posts();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].sha256.as_deref(), Some(sha256(&video).as_str()));
    assert_eq!(posts[0].status, "PUBLISH_COMPLETE");
    assert_eq!(posts[0].title, "hello");
}

#[test]
fn json_tells_each_post_and_the_summary() {
    let world = World::logged_in();
    world.video("clip.mp4", 100_000);
    let ran = world.run(&["upload", "--json", &world.one_post(ADA, "clip.mp4")]).exits(0);
    let lines = ran.json();
    let [post, summary] = lines.as_slice() else { panic!("{lines:#?}") };
    assert_eq!(post["event"], "post");
    assert_eq!(post["index"], 0);
    assert_eq!(post["state"], "published");
    assert_eq!(post["bytes"], 100_000);
    assert_eq!(post["video"], "clip.mp4");
    assert!(post["error"].is_null());
    assert!(post["publish_id"].is_string() && post["post_ids"].is_array());
    assert_eq!(
        *summary,
        json!({"event": "summary", "published": 1, "inbox": 0, "skipped": 0, "deferred": 0,
               "processing": 0, "failed": 0, "unresolved": 0, "exit": 0})
    );
}

#[test]
fn a_second_run_posts_nothing() {
    let world = World::logged_in();
    world.video("clip.mp4", 100_000);
    let manifest = world.one_post(ADA, "clip.mp4");
    world.run(&["upload", &manifest]).exits(0);
    world.run(&["upload", &manifest]).exits(0).says("already posted");
    assert_eq!(world.posts().len(), 1);
    world.run(&["upload", "--repost", &manifest]).exits(0);
    assert_eq!(world.posts().len(), 2);
}

#[test]
fn a_renamed_or_copied_video_is_recognised() {
    let world = World::logged_in();
    let video = world.video("clip.mp4", 100_000);
    world.run(&["upload", &world.one_post(ADA, "clip.mp4")]).exits(0);
    std::fs::copy(&video, world.path("copy.mp4")).unwrap();
    world.run(&["upload", &world.one_post(ADA, "copy.mp4")]).exits(0).says("already posted");
    std::fs::rename(&video, world.path("renamed.mp4")).unwrap();
    world.run(&["upload", &world.one_post(ADA, "renamed.mp4")]).exits(0).says("already posted");
    assert_eq!(world.posts().len(), 1);
}

#[test]
fn a_posted_video_may_be_deleted() {
    let world = World::logged_in();
    let video = world.video("clip.mp4", 100_000);
    let manifest = world.one_post(ADA, "clip.mp4");
    world.run(&["upload", &manifest]).exits(0);
    std::fs::remove_file(video).unwrap();
    world.run(&["upload", &manifest]).exits(0).says("already posted");
}

#[test]
fn a_dry_run_creates_nothing() {
    let world = World::logged_in();
    world.video("clip.mp4", 70 * MB);
    let ran = world.run(&["upload", "--dry-run", &world.one_post(ADA, "clip.mp4")]).exits(0);
    ran.says("2 chunks");
    assert!(world.posts().is_empty());
    assert!(world.calls("video_init").is_empty());
}

/// Whoever reads the outcomes late, or stopped the terminal, keeps no post from being made.
#[test]
fn an_output_that_nobody_reads_stops_no_upload() {
    let world = World::logged_in();
    world.video("a.mp4", 100_000);
    world.video("b.mp4", 100_001);
    let manifest = world.manifest(&json!([
        { "user_id": world.open_id(ADA), "video_path": "a.mp4" },
        { "user_id": world.open_id(ADA), "video_path": "b.mp4" },
    ]));
    let (mut reader, mut full) = std::io::pipe().unwrap();
    rustix::fs::fcntl_setfl(&full, OFlags::NONBLOCK).unwrap();
    while full.write(&[b' '; 256]).is_ok() {}
    rustix::fs::fcntl_setfl(&full, OFlags::empty()).unwrap();
    let mut command = world.command(&["upload", &manifest]);
    let mut run = command.stdout(full).stderr(Stdio::null()).spawn().unwrap();
    // It keeps its end of the pipe open.
    drop(command);
    world.wait_until("both are published", |world| world.published() == 2);
    assert!(run.try_wait().unwrap().is_none(), "its output is still to be read");
    let mut said = String::new();
    reader.read_to_string(&mut said).unwrap();
    assert_eq!(said.matches("published  ").count(), 2, "{}", said.trim());
    assert!(run.wait().unwrap().success());
}

#[test]
fn a_terminal_that_stands_still_stops_no_upload_that_has_something_to_tell() {
    // The clock is off, which is said once TikTok has answered: from within the upload.
    let world = World::logged_in();
    world.video("clip.mp4", 100_000);
    let manifest = world.one_post(ADA, "clip.mp4");
    world.hold("creator_info", 1, "middle");
    let (mut reader, writer) = std::io::pipe().unwrap();
    // Opened anew, as the executable is not to have writes that do not wait.
    let mut full = std::fs::File::options()
        .write(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(format!("/proc/self/fd/{}", writer.as_raw_fd()))
        .unwrap();
    let mut command = under_clock(&world, &["upload", &manifest], SignedDuration::from_mins(3));
    let mut run = command.stdout(Stdio::null()).stderr(writer).spawn().unwrap();
    drop(command);
    world.wait_until("TikTok is asked", |world| !world.calls("creator_info").is_empty());
    while full.write(b" ").is_ok() {}
    drop(full);
    world.let_go();
    world.wait_until("it is published", |world| world.published() == 1);
    let mut said = String::new();
    reader.read_to_string(&mut said).unwrap();
    assert!(said.contains("this machine's clock differs"), "{}", said.trim());
    assert!(run.wait().unwrap().success());
}

/// Sizes around every limit of the media transfer guide, in both readings of MB, each in a world of
/// its own reading. A few at a time, because a creator may start six posts a minute.
fn arrives(sizes: &[u64], options: &Options, more: &[&str]) {
    for sizes in sizes.chunks(5) {
        for megabyte in [Megabyte::Decimal, Megabyte::Binary] {
            let world = World::with(Options { megabyte, ..options.clone() });
            world.login(ADA);
            let posts: Vec<_> = sizes
                .iter()
                .map(|size| {
                    let name = format!("{size}.mp4");
                    world.video(&name, *size);
                    json!({ "user_id": world.open_id(ADA), "video_path": name })
                })
                .collect();
            let manifest = world.manifest(&json!(posts));
            let mut args = vec!["upload", &manifest];
            args.extend(more);
            world.run(&args).exits(0);
            let arrived = world.posts();
            assert_eq!(arrived.len(), sizes.len());
            for (post, size) in arrived.iter().zip(sizes) {
                let sent = sha256(&world.path(&format!("{size}.mp4")));
                assert_eq!(post.sha256.as_deref(), Some(sent.as_str()), "{size}");
                assert_eq!(post.size, *size);
            }
        }
    }
}

#[test]
fn awkward_sizes_arrive_whole() {
    let around = |at: u64| [at - 1, at, at + 1];
    let sizes: Vec<u64> = [5 * MB, 5 * MIB, 64 * MB].into_iter().flat_map(around).collect();
    arrives(&sizes, &Options::default(), &[]);
}

#[test]
fn awkward_sizes_arrive_in_chunks() {
    let sizes = [64 * MIB, 64 * MIB + 1, 96 * MB - 1, 96 * MB, 96 * MIB + 1];
    arrives(&sizes, &Options::default(), &[]);
    arrives(&[128 * MB, 128 * MB + 1, 128 * MIB - 1, 128 * MIB + 1], &Options::default(), &[]);
}

#[test]
fn awkward_sizes_arrive_in_the_smallest_chunks() {
    let chunk = 5 * MIB;
    let sizes = [2 * chunk - 1, 2 * chunk, 2 * chunk + 1, 3 * chunk - 1, 3 * chunk];
    for uploaded_bytes in [UploadedBytes::Index, UploadedBytes::Count] {
        let options = Options { uploaded_bytes, ..Options::default() };
        arrives(&sizes, &options, &["--chunk-size", "5242880"]);
    }
}

#[test]
fn a_chunk_whose_answer_is_lost_is_not_sent_twice_or_is_accepted_twice() {
    for resend in [Resend::Refused, Resend::Accepted] {
        let world = World::with(Options { resend, ..Options::default() });
        world.login(ADA);
        let video = world.video("clip.mp4", 20 * MB);
        for (nth, when) in [(1, "after"), (2, "before"), (3, "middle")] {
            world.fault(&json!({ "endpoint": "upload", "nth": nth, "do": { "drop": when } }));
        }
        let manifest = world.one_post(ADA, "clip.mp4");
        world.run(&["upload", "--chunk-size", "5242880", &manifest]).exits(0);
        assert_eq!(world.posts()[0].sha256.as_deref(), Some(sha256(&video).as_str()));
    }
}

#[test]
fn the_unaudited_wall_names_the_account_setting() {
    let world = World::with(Options { unaudited: true, ..Options::default() });
    world.login(BEA);
    world.video("clip.mp4", 100_000);
    let manifest = world.one_post(BEA, "clip.mp4");
    let ran = world.run(&["upload", &manifest]).exits(1);
    ran.says("unaudited_client_can_only_post_to_private_accounts").says("*account*").says("log_id");
}

#[test]
fn a_failed_post_is_never_called_published() {
    let world = World::logged_in();
    world.video("clip.mp4", 100_000);
    world.fault(&json!({ "endpoint": "video_init",
        "do": { "outcome": { "status": "FAILED", "fail_reason": "picture_size_check_failed" } } }));
    let ran = world.run(&["upload", "--json", &world.one_post(ADA, "clip.mp4")]).exits(1);
    let post = &ran.json()[0];
    assert_eq!(post["state"], "failed");
    assert_eq!(post["error"]["code"], "picture_size_check_failed");
}

#[test]
fn an_access_token_that_ends_while_polling_is_renewed_and_the_same_post_polled() {
    let world = World::logged_in();
    world.video("clip.mp4", 100_000);
    world.fault(&json!({ "endpoint": "status", "do": {
        "refuse": { "code": "access_token_invalid", "status": 401, "message": "expired" } } }));
    world.run(&["upload", &world.one_post(ADA, "clip.mp4")]).exits(0);
    assert_eq!(world.posts().len(), 1);
    assert_eq!(world.calls("token_refresh").len(), 1);
}

#[test]
fn an_expired_token_is_refreshed_before_it_is_used() {
    let mut world = World::logged_in();
    world.video("clip.mp4", 100_000);
    world.advance(SignedDuration::from_hours(3));
    world.run(&["upload", &world.one_post(ADA, "clip.mp4")]).exits(0);
    assert_eq!(world.calls("token_refresh").len(), 1);
    assert!(world.calls("video_init").iter().all(|call| call.code.is_none()));
}

#[test]
fn a_draft_ends_in_the_inbox_and_says_that_its_caption_stays_behind() {
    let world = World::logged_in();
    world.video("clip.mp4", 100_000);
    let manifest = world.one_post(ADA, "clip.mp4");
    let ran = world.run(&["upload", "--draft", "--json", &manifest]).exits(0);
    assert_eq!(ran.json()[0]["state"], "inbox");
    ran.says("no caption");
    assert_eq!(world.posts()[0].status, "SEND_TO_USER_INBOX");
}

#[test]
fn two_accounts_are_served_side_by_side() {
    let world = World::logged_in();
    world.login(BEA);
    world.video("a.mp4", 100_000);
    world.video("b.mp4", 100_001);
    let manifest = world.manifest(&json!([
        { "user_id": world.open_id(ADA), "video_path": "a.mp4" },
        { "user_id": world.open_id(BEA), "video_path": "b.mp4" },
        { "user_id": world.open_id(ADA), "video_path": "b.mp4" },
    ]));
    world.run(&["upload", &manifest]).exits(0);
    assert_eq!(world.posts().len(), 3);
}

#[test]
fn a_fault_of_one_account_does_not_stop_another() {
    let world = World::logged_in();
    world.login(BEA);
    world.account(ADA, &json!({ "banned": true }));
    world.video("a.mp4", 100_000);
    world.video("b.mp4", 100_001);
    let manifest = world.manifest(&json!([
        { "user_id": world.open_id(ADA), "video_path": "a.mp4" },
        { "user_id": world.open_id(BEA), "video_path": "b.mp4" },
    ]));
    world.run(&["upload", &manifest]).exits(1).says("bars this account");
    assert_eq!(world.posts().len(), 1);
}

#[test]
fn no_login_at_all_exits_3() {
    let world = World::new();
    world.video("clip.mp4", 100_000);
    let manifest = world.manifest(&json!([{ "video_path": "clip.mp4" }]));
    world.run(&["upload", &manifest]).exits(3).says("tiktok-up login");
}

#[test]
fn t25_a_scope_that_was_not_granted_stops_before_the_init() {
    let world = World::new();
    world.consent(&json!({ "account": ADA, "scopes": ["user.info.basic", "video.upload"] }));
    world.login_with(&[]);
    world.video("clip.mp4", 100_000);
    let ran = world.run(&["upload", &world.one_post(ADA, "clip.mp4")]).exits(3);
    ran.says("video.publish");
    assert!(world.calls("video_init").is_empty());
}

/// 300 MB here; `just big` sets the size to 4 GB.
#[cfg(target_os = "linux")]
#[test]
fn memory_stays_flat_whatever_the_size() {
    let size = std::env::var("TIKTOK_UP_BIG").map_or(300 * MB, |size| size.parse().unwrap());
    let world = World::logged_in();
    let video = world.video("big.mp4", size);
    let mut child = world.command(&["upload", &world.one_post(ADA, "big.mp4")]).spawn().unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        peak = peak.max(peak_memory_kib(child.id()).unwrap_or_default());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(child.wait().unwrap().success());
    assert_eq!(world.posts()[0].sha256.as_deref(), Some(sha256(&video).as_str()));
    assert!((1..64 << 10).contains(&peak), "{peak} KiB at the most");
    println!("{size} bytes: {peak} KiB at the most");
}

/// The most memory that a process has had resident so far.
#[cfg(target_os = "linux")]
fn peak_memory_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
