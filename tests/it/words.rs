//! What programs read: JSON with one word for one state in all commands, and `status`, in its order.

use std::io::Read as _;

use jiff::{SignedDuration, Timestamp};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use serde_json::{Value, json};

use crate::process::eventually;
use crate::world::{ADA, BEA, Ran, World};

fn the_line(ran: &Ran, event: &str) -> Value {
    let lines = ran.json();
    lines.into_iter().find(|line| line["event"] == event).unwrap_or_else(|| panic!("{ran:#?}"))
}

#[test]
fn every_command_names_the_account_in_the_same_way() {
    let world = World::logged_in();
    let ada = world.open_id(ADA);
    let name = world.run(&["--json", "accounts"]).json()[0]["display_name"].clone();
    assert!(name.is_string());
    let manifest = world.pull();
    world.fault(&json!({ "endpoint": "video_init", "do": { "garbage": true } }));
    let runs: [(&[&str], &str); 8] = [
        (&["accounts", "alias", &ada, "ada"], "alias"),
        (&["accounts"], "account"),
        (&["refresh", "--force"], "refresh"),
        (&["upload", "--dry-run", &manifest], "post"),
        (&["upload", &manifest], "post"),
        (&["status"], "status"),
        (&["resolve", "1", "--posted"], "resolve"),
        (&["logout", "ada"], "logout"),
    ];
    for (args, event) in runs {
        let ran = world.run(&[&["--json"], args].concat());
        let line = the_line(&ran, event);
        assert_eq!(
            (&line["account"], &line["open_id"], &line["display_name"]),
            (&json!("ada"), &json!(ada), &name),
            "{args:?}: {line:#}"
        );
    }
    // Without the account, what the journal knows.
    let line = the_line(&world.run(&["--json", "status", "--all"]), "status");
    assert_eq!((&line["open_id"], &line["display_name"]), (&json!(ada), &Value::Null));
}

#[test]
fn status_has_the_word_that_upload_had() {
    let words = |world: &World, args: &[&str]| {
        let upload = world.run(&[&["upload", "--json"], args].concat());
        let status = world.run(&["status", "1", "--json"]);
        let upload = the_line(&upload, "post")["state"].clone();
        (upload, the_line(&status, "status")["state"].clone())
    };
    let world = World::logged_in();
    let (upload, status) = words(&world, &["--draft", &world.short()]);
    assert_eq!((&upload, &status), (&json!("inbox"), &json!("inbox")));

    let world = World::logged_in();
    world.refuse("video_init", 1, 1, "spam_risk_too_many_posts");
    let (upload, status) = words(&world, &[&world.short()]);
    assert_eq!((&upload, &status), (&json!("deferred"), &json!("deferred")));

    let world = World::logged_in();
    world.fault(&json!({ "endpoint": "upload", "nth": 2, "times": 6,
        "do": { "answer": { "status": 503 } } }));
    let (upload, status) = words(&world, &["--chunk-size", "5242880", &world.long()]);
    assert_eq!((&upload, &status), (&json!("processing"), &json!("processing")));

    let world = World::logged_in();
    world.fault(&json!({ "endpoint": "video_init", "do": { "outcome": {
        "status": "FAILED", "fail_reason": "picture_size_check_failed" } } }));
    let (upload, status) = words(&world, &[&world.short()]);
    assert_eq!((&upload, &status), (&json!("failed"), &json!("failed")));
}

#[test]
fn an_import_tells_its_outcome_in_a_word() {
    let world = World::logged_in();
    let mut export = world.command(&["accounts", "export", &world.open_id(ADA)]);
    export.env("TIKTOK_UP_PASSPHRASE", "a long passphrase");
    let file = world.file("ada.login", Ran::of(export).exits(0).stdout);
    for outcome in ["taken_back", "kept"] {
        let mut import = world.command(&["--json", "accounts", "import", file.to_str().unwrap()]);
        import.env("TIKTOK_UP_PASSPHRASE", "a long passphrase");
        let line = the_line(&Ran::of(import).exits(0), "import");
        assert_eq!(line["outcome"], outcome, "{line:#}");
        assert!(line["message"].is_string() && line["account"].is_string());
    }
}

#[test]
fn the_next_try_is_told_wherever_it_is_known() {
    let world = World::logged_in();
    let manifest = world.short();
    world.refuse("video_init", 1, 1, "spam_risk_too_many_posts");
    let ran = world.run(&["upload", "--json", &manifest]).exits(5);
    assert!(the_line(&ran, "post")["not_before"].is_string());
    let line = the_line(&world.run(&["status", "--json"]).exits(5), "status");
    assert!(line["not_before"].is_string(), "{line:#}");
}

#[test]
fn nothing_is_lost_on_a_pipe_that_does_not_block() {
    let world = World::logged_in();
    let posts: Vec<_> = (0..400)
        .map(|i| {
            json!({ "user_id": world.open_id(ADA), "privacy_level": "SELF_ONLY",
            "video_url": format!("https://verified.example/{}/{i}.mp4", "long/".repeat(20)) })
        })
        .collect();
    let manifest = world.manifest(&json!(posts));
    let (mut reader, writer) = std::io::pipe().unwrap();
    fcntl_setfl(&writer, fcntl_getfl(&writer).unwrap() | OFlags::NONBLOCK).unwrap();
    let mut command = world.command(&["upload", "--dry-run", "--json", &manifest]);
    let mut child = command.stdout(writer).stderr(std::process::Stdio::null()).spawn().unwrap();
    drop(command);
    // As much as fits is there.
    eventually("the pipe is full", || {
        let full = rustix::io::ioctl_fionread(&reader).unwrap() > 60_000;
        (full || child.try_wait().unwrap().is_some()).then_some(())
    });
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 401);
}

#[test]
fn what_some_readers_take_for_the_end_of_a_line_is_escaped() {
    let world = World::logged_in();
    world.video("a\u{2028}b.mp4", 100_000);
    let manifest = world.one_post(ADA, "a\u{2028}b.mp4");
    let ran = world.run(&["upload", "--json", &manifest]).exits(0);
    assert!(!ran.stdout.contains('\u{2028}'));
    assert_eq!(the_line(&ran, "post")["video"], "a\u{2028}b.mp4");
}

#[test]
fn status_wait_ends_with_5_while_something_is_not_final() {
    let world = World::logged_in();
    world.account(ADA, &json!({ "privacy_level_options": ["SELF_ONLY"] }));
    world.video("clip.mp4", 100_000);
    let manifest = world.manifest(&json!([{ "user_id": world.open_id(ADA),
        "video_path": "clip.mp4", "privacy_level": "PUBLIC_TO_EVERYONE" }]));
    world.upload(&manifest).exits(1);
    let ran = world.run(&["status", "--wait", "--json"]).exits(5);
    assert_eq!(ran.json()[0]["final"], false);
}

#[test]
fn status_leads_with_what_failed_or_is_unknown() {
    let world = World::logged_in();
    world.login(BEA);
    let (ada, bea) = (world.open_id(ADA), world.open_id(BEA));
    for (name, size) in [("failed.mp4", 100_001), ("moves.mp4", 100_002), ("later.mp4", 100_003)] {
        world.video(name, size);
    }
    let later = Timestamp::now() + SignedDuration::from_hours(9);
    let post = |user: &str, name: &str| json!({ "user_id": user, "video_path": name, "privacy_level": "SELF_ONLY" });
    let manifest = world.manifest(&json!([post(&bea, "moves.mp4")]));
    world.say_status(0, &json!({ "status": "PROCESSING_UPLOAD" }));
    world.run(&["upload", "--no-wait", &manifest]).exits(5);
    world.let_go();
    world.fault(&json!({ "endpoint": "video_init", "account": ADA, "do": { "outcome": {
        "status": "FAILED", "fail_reason": "picture_size_check_failed" } } }));
    let mut waits = post(&ada, "later.mp4");
    waits["publish_at"] = json!(later.to_string());
    let manifest = world.manifest(&json!([post(&ada, "failed.mp4"), waits]));
    world.run(&["upload", &manifest]).exits(1);
    world.fault(&json!({ "endpoint": "video_init", "account": ADA, "do": { "garbage": true } }));
    let pulled = world.manifest(&json!([{ "user_id": ada, "privacy_level": "SELF_ONLY",
        "video_url": "https://verified.example/unknown.mp4" }]));
    // In another file, as the posts of one are replaced with it.
    let other = world.path("other.json");
    std::fs::copy(&pulled, &other).unwrap();
    world.manifest(&json!([post(&ada, "failed.mp4")]));
    world.run(&["upload", other.to_str().unwrap()]).exits(6);
    world.say_status(0, &json!({ "status": "PROCESSING_UPLOAD" }));

    let ran = world.run(&["status"]).exits(6).never_says("every post is final");
    let places: Vec<_> = ["unknown.mp4", "failed.mp4", "later.mp4", "moves.mp4"]
        .map(|name| ran.stdout.find(name).unwrap_or_else(|| panic!("no {name} in {ran:#?}")))
        .into();
    assert!(places.is_sorted(), "{ran:#?}");
    ran.says("scheduled for ").says("resolve 2 --not-posted");
    let lines = world.run(&["status", "--json"]).exits(6).json();
    let states: Vec<_> = lines.iter().map(|line| line["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["unresolved", "failed", "deferred", "processing"]);
    assert_eq!(lines[2]["publish_at"].as_str().unwrap().parse::<Timestamp>().unwrap(), later);
}

#[test]
fn status_never_says_that_every_post_is_final_after_a_failure() {
    let world = World::logged_in();
    world.fault(&json!({ "endpoint": "video_init", "do": { "outcome": {
        "status": "FAILED", "fail_reason": "picture_size_check_failed" } } }));
    let manifest = world.short();
    world.upload(&manifest).exits(1);
    world.run(&["status"]).exits(0).never_says("every post is final").says("failed");
    // What was repeated on purpose is settled.
    world.run(&["upload", "--repost", &manifest]).exits(0);
    world.run(&["status"]).exits(0).says("every post is final");
}

#[test]
fn what_waits_for_its_time_goes_with_its_manifest_and_not_with_what_was_posted() {
    let world = World::logged_in();
    let manifest = |at: &str| {
        world.manifest(&json!([{ "user_id": world.open_id(ADA), "video_path": "clip.mp4",
            "publish_at": at, "privacy_level": "SELF_ONLY" }]))
    };
    world.video("clip.mp4", 100_000);
    world.upload(&manifest("2099-01-01T00:00:00Z")).exits(0);
    world.run(&["status", "--wait"]).exits(5).says("scheduled for 2099");
    world.upload(&world.manifest(&json!([]))).exits(0);
    world.run(&["status", "--wait"]).exits(0).never_says("scheduled for");
    // Put off after it was posted.
    world.upload(&manifest("2020-01-01T00:00:00Z")).exits(0);
    let later = manifest("2099-01-01T00:00:00Z");
    let line = the_line(&world.run(&["--json", "upload", &later]).exits(0), "post");
    assert_eq!(line["state"], "skipped", "{line:#}");
    world.run(&["status", "--wait"]).exits(0).never_says("scheduled for");
}

#[test]
fn what_waits_is_listed_in_the_order_in_which_it_goes() {
    let mut world = World::logged_in();
    let ada = world.open_id(ADA);
    let (now, hour) = (Timestamp::now(), SignedDuration::from_hours(1));
    let minute = Timestamp::from_second(now.as_second() / 60 * 60).unwrap();
    let post = |name: &str, at: Option<Timestamp>| {
        let mut post = json!({ "user_id": ada, "video_path": name, "privacy_level": "SELF_ONLY" });
        if let Some(at) = at {
            post["publish_at"] = json!(at.to_string());
        }
        post
    };
    for (n, name) in ["a", "b", "c", "d", "e", "f"].into_iter().enumerate() {
        world.video(&format!("{name}.mp4"), 100_001 + n as u64);
    }
    // It gets a number, and is worth another try in an hour.
    world.refuse("video_init", 1, 0, "spam_risk_too_many_posts");
    world.upload(&world.manifest(&json!([post("a.mp4", None)]))).exits(5);
    world.let_go();
    let manifest = json!([
        post("b.mp4", Some(minute + 40 * hour)),
        post("c.mp4", Some(minute + 3 * hour)),
        post("d.mp4", Some(minute + 2 * hour)),
        post("e.mp4", Some(minute + 3 * hour + SignedDuration::from_secs(59))),
        post("a.mp4", None),
        post("f.mp4", Some(minute + SignedDuration::from_mins(30))),
    ]);
    let manifest = world.manifest(&manifest);
    world.upload(&manifest).exits(5);
    let listed = |world: &World| {
        let lines = world.run(&["--json", "status"]).json();
        let of =
            |line: &Value| (line["video"].as_str().unwrap()[..1].to_owned(), line["clash"] == true);
        lines.iter().map(of).collect::<Vec<_>>()
    };
    let expected = |order: &str, clashes: &str| {
        let names = order.chars().map(|name| (name.to_string(), clashes.contains(name)));
        names.collect::<Vec<_>>()
    };
    assert_eq!(listed(&world), expected("fadceb", "ce"));
    world
        .run(&["status"])
        .says(&format!("`c.mp4` of {ada} and `e.mp4` of {ada} are to go in the same minute"))
        .says("one after the other");
    // What is due comes first, and what has a time before what has none; it clashes no more.
    world.advance(24 * hour);
    assert_eq!(listed(&world), expected("fdceab", ""));
    world.run(&["status"]).never_says("same minute");
}

#[test]
fn all_posts_have_the_same_fields() {
    let mut world = World::logged_in();
    world.video("clip.mp4", 100_000);
    world.video("later.mp4", 100_001);
    let at = Timestamp::now() + SignedDuration::from_hours(2);
    let manifest = world.manifest(&json!([
        { "user_id": world.open_id(ADA), "video_path": "clip.mp4", "privacy_level": "SELF_ONLY" },
        { "user_id": world.open_id(ADA), "video_path": "later.mp4", "publish_at": at.to_string() },
    ]));
    world.upload(&manifest).exits(0);
    let lines = world.run(&["--json", "status", "--all"]).exits(0).json();
    let names = |line: &Value| line.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert_eq!(names(&lines[0]), names(&lines[1]));
    let scheduled =
        |lines: Vec<Value>| lines.into_iter().find(|line| line["post"].is_null()).unwrap();
    let line = scheduled(lines);
    assert!(line["not_before"].is_string() && line["message"].is_null(), "{line:#}");
    world.advance(SignedDuration::from_hours(3));
    let line = scheduled(world.run(&["--json", "status", "--all"]).json());
    assert!(line["not_before"].is_null() && line["publish_at"].is_string(), "{line:#}");
}

#[test]
fn what_the_next_upload_makes_is_not_final() {
    let world = World::logged_in();
    world.fault(&json!({ "endpoint": "video_init", "do": { "outcome": {
        "status": "FAILED", "fail_reason": "picture_size_check_failed" } } }));
    let manifest = world.short();
    world.upload(&manifest).exits(1);
    world.run(&["resolve", "1", "--not-posted"]).exits(0);
    let ran = world.run(&["status"]).exits(0);
    ran.never_says("every post is final").says("not posted");
    let line = the_line(&world.run(&["--json", "status"]).exits(0), "status");
    assert_eq!((&line["state"], &line["final"]), (&json!("deferred"), &json!(false)), "{line:#}");
    world.upload(&manifest).exits(0);
    world.run(&["status"]).exits(0).says("every post is final");
}

#[test]
fn a_failure_is_left_to_the_next_upload_as_long_as_that_tries_again() {
    let mut world = World::logged_in();
    let manifest = world.short();
    world.fault(&json!({ "endpoint": "video_init", "times": 0, "do": { "outcome": {
        "status": "FAILED", "fail_reason": "internal" } } }));
    world.upload(&manifest).exits(1);
    world.run(&["status"]).exits(5).says("may be tried again");
    world.advance(SignedDuration::from_hours(26));
    let ran = world.run(&["status"]).exits(0).says("the next upload that names it tries again");
    ran.never_says("--not-posted");
    world.upload(&manifest).exits(1).says("failed it in every attempt");
    let ran = world.run(&["status"]).exits(0).never_says("the next upload that names it");
    ran.says("resolve 1 --not-posted");
    let line = the_line(&world.run(&["--json", "status"]).exits(0), "status");
    assert_eq!((&line["state"], &line["final"]), (&json!("failed"), &json!(true)), "{line:#}");
}

#[test]
fn a_dry_run_on_a_fresh_home_writes_nothing() {
    let world = World::new();
    world.video("clip.mp4", 100_000);
    let manifest = world.manifest(&json!([{ "video_path": "clip.mp4" }]));
    let home = world.home().join("home");
    let exists = home.exists();
    world.run(&["upload", "--dry-run", &manifest]).exits(3);
    assert_eq!(home.exists(), exists);
    world.login(ADA);
    let manifest = world.short();
    let files = || {
        let mut names: Vec<_> =
            std::fs::read_dir(&home).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = files();
    world.run(&["upload", "--dry-run", &manifest]).exits(0).says("planned");
    assert_eq!(files(), before);
    world.upload(&manifest).exits(0);
}
