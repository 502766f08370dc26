//! Runs under cron with `--quiet`: every line is a mail, so only what a human must do is said, once.

use std::fs::{self, OpenOptions};

use jiff::SignedDuration;
use serde_json::json;
use tiktok_up::testing::Phase;

use crate::process::Running;
use crate::pty::Pty;
use crate::world::{ADA, BEA, CHUNK, Ran, World};

/// What cron would mail of a run: all that it said, but that TikTok is a sandbox.
fn mail(ran: &Ran) -> Vec<String> {
    let said = ran.stdout.lines().chain(ran.stderr.lines());
    let told = said.filter(|line| !line.contains("this is not TikTok itself") && !line.is_empty());
    told.map(str::to_owned).collect()
}

#[track_caller]
fn mails_nothing(ran: &Ran) {
    assert_eq!(mail(ran), [""; 0], "{ran:#?}");
}

fn quiet(world: &World, manifest: &str) -> Ran {
    world.run(&["--quiet", "upload", manifest])
}

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A time that does not come while a test runs, and not so far ahead that it is told.
fn next_year() -> String {
    (jiff::Timestamp::now() + SignedDuration::from_hours(24 * 300)).to_string()
}

#[test]
fn a_week_of_runs_says_a_failure_once() {
    let mut world = World::logged_in();
    for (name, size) in [("a.mp4", 100_001), ("b.mp4", 100_002), ("c.mp4", 100_003)] {
        world.video(name, size);
    }
    let ada = world.open_id(ADA);
    let manifest = world.manifest(&json!([
        { "user_id": ada, "video_path": "a.mp4", "privacy_level": "SELF_ONLY" },
        { "user_id": ada, "video_path": "b.mp4", "privacy_level": "SELF_ONLY" },
        { "user_id": ada, "video_path": "c.mp4", "publish_at": next_year() },
    ]));
    world.fault(&json!({ "endpoint": "video_init", "nth": 2, "do": { "outcome": {
        "status": "FAILED", "fail_reason": "picture_size_check_failed" } } }));
    let first = quiet(&world, &manifest).exits(1);
    let told = mail(&first);
    assert_eq!(told.iter().filter(|line| line.starts_with("error: ")).count(), 1, "{first:#?}");
    assert_eq!(told.len(), 2, "the error and its hint: {first:#?}");
    for _ in 0..8 {
        mails_nothing(&quiet(&world, &manifest).exits(1));
        world.advance(DAY);
    }
    world.run(&["status"]).says("failed").says("b.mp4");
    // A failure of another attempt is another one.
    world.fault(&json!({ "endpoint": "video_init", "do": { "outcome": {
        "status": "FAILED", "fail_reason": "picture_size_check_failed" } } }));
    world.run(&["resolve", "2", "--not-posted"]).exits(0);
    quiet(&world, &manifest).exits(1).says("error: ");
    mails_nothing(&quiet(&world, &manifest).exits(1));
}

#[test]
fn a_failure_that_was_told_by_another_run_is_not_told_again() {
    for by_status in [false, true] {
        let world = World::logged_in();
        world.fault(&json!({ "endpoint": "video_init", "do": { "outcome": {
            "status": "FAILED", "fail_reason": "picture_size_check_failed" } } }));
        let manifest = world.short();
        if by_status {
            world.run(&["upload", "--no-wait", &manifest]).exits(5);
            world.run(&["status", "--wait"]).exits(1).says("failed").never_says("final");
        } else {
            world.upload(&manifest).exits(1).says("error: ");
        }
        mails_nothing(&quiet(&world, &manifest).exits(1));
    }
}

#[test]
fn a_login_that_needs_a_human_is_said_once_and_again_after_a_week() {
    let mut world = World::logged_in();
    let manifest = world.short();
    world.refuse("token_refresh", 1, 0, "invalid_grant");
    world.advance(DAY + DAY);
    let refresh = ["--quiet", "refresh"];
    world.run(&refresh).exits(3).says("tiktok-up login");
    for _ in 0..6 {
        mails_nothing(&world.run(&refresh).exits(3));
        mails_nothing(&quiet(&world, &manifest).exits(3));
        world.advance(DAY);
    }
    world.advance(DAY);
    assert_eq!(mail(&quiet(&world, &manifest).exits(3)).len(), 2);
    mails_nothing(&world.run(&refresh).exits(3));
    world.let_go();
    world.login(ADA).exits(0);
    mails_nothing(&world.run(&refresh).exits(0));
    mails_nothing(&quiet(&world, &manifest).exits(0));
}

#[test]
fn a_login_is_said_once_for_all_posts_of_its_account() {
    let mut world = World::logged_in();
    world.video("a.mp4", 100_001);
    world.video("b.mp4", 100_002);
    let ada = world.open_id(ADA);
    let manifest = world.manifest(&json!([
        { "user_id": ada, "video_path": "a.mp4" }, { "user_id": ada, "video_path": "b.mp4" },
    ]));
    world.refuse("token_refresh", 1, 0, "invalid_grant");
    world.advance(DAY + DAY);
    let told = mail(&quiet(&world, &manifest).exits(3));
    assert_eq!(told.len(), 3, "the error, its hint and the number of others: {told:#?}");
    assert!(told[2].contains("1 more post waits for the same reason"), "{told:#?}");
}

#[test]
fn what_the_next_run_outlives_is_not_said() {
    let world = World::logged_in();
    world.hold("creator_info", 1, "middle");
    let manifest = world.short();
    let run = world.start_upload(&manifest);
    world.wait_until("it works on it", |world| !world.calls("creator_info").is_empty());
    mails_nothing(&quiet(&world, &manifest).exits(5));
    world.let_go();
    run.end().exits(0);

    let world = World::logged_in();
    let manifest = world.short();
    world.refuse("video_init", 1, 1, "spam_risk_too_many_posts");
    mails_nothing(&quiet(&world, &manifest).exits(5));
    mails_nothing(&quiet(&world, &manifest).exits(5));
}

#[test]
fn what_does_not_pass_within_a_day_is_said_once() {
    let mut world = World::logged_in();
    let manifest = world.short();
    let writer = OpenOptions::new().append(true).open(world.path("clip.mp4")).unwrap();
    mails_nothing(&quiet(&world, &manifest).exits(5));
    world.advance(DAY + SignedDuration::from_hours(1));
    let ran = quiet(&world, &manifest).exits(5);
    ran.says("still being written").says("so since");
    mails_nothing(&quiet(&world, &manifest).exits(5));
    drop(writer);
    mails_nothing(&quiet(&world, &manifest).exits(0));
}

#[test]
fn a_warning_comes_with_the_post_that_it_is_about_and_once() {
    let mut world = World::logged_in();
    world.video("clip.mp4", 100_000);
    let due = |at: &str| {
        world.manifest(&json!([{ "user_id": world.open_id(ADA), "video_path": "clip.mp4",
            "publish_at": at }]))
    };
    mails_nothing(&quiet(&world, &due(&next_year())).exits(0));
    let manifest = due("2020-01-01T00:00:00Z");
    world.run(&["--quiet", "upload", &manifest]).exits(0).says("SELF_ONLY");
    mails_nothing(&quiet(&world, &manifest).exits(0));
    world.advance(DAY);
    mails_nothing(&quiet(&world, &manifest).exits(0));
}

#[test]
fn what_keeps_a_post_from_being_made_is_said_once() {
    let mut world = World::logged_in();
    world.account(ADA, &json!({ "privacy_level_options": ["SELF_ONLY"] }));
    world.video("clip.mp4", 100_000);
    let manifest = world.manifest(&json!([{ "user_id": world.open_id(ADA),
        "video_path": "clip.mp4", "privacy_level": "PUBLIC_TO_EVERYONE" }]));
    quiet(&world, &manifest).exits(1).says("it offers SELF_ONLY");
    for _ in 0..3 {
        world.advance(DAY);
        mails_nothing(&quiet(&world, &manifest).exits(1));
    }
}

#[test]
fn trouble_that_passed_meanwhile_is_not_said_to_last() {
    let mut world = World::logged_in();
    let manifest = world.short();
    let busy = |world: &World, nth: u64| {
        world.hold("creator_info", nth, "middle");
        let calls = world.calls("creator_info").len();
        let run = world.start_upload(&manifest);
        world.wait_until("it works on it", |world| world.calls("creator_info").len() > calls);
        mails_nothing(&quiet(world, &manifest).exits(5));
        world.let_go();
        run.end().exits(0);
    };
    busy(&world, 1);
    world.advance(DAY);
    mails_nothing(&quiet(&world, &manifest).exits(0));
    world.advance(SignedDuration::from_hours(1));
    world.video("clip.mp4", 100_001);
    busy(&world, 1);
}

#[test]
fn what_put_a_post_off_before_it_had_a_number_is_over_once_it_is_posted() {
    let mut world = World::logged_in();
    let manifest = world.short();
    let open =
        |world: &World| OpenOptions::new().append(true).open(world.path("clip.mp4")).unwrap();
    let writer = open(&world);
    mails_nothing(&quiet(&world, &manifest).exits(5));
    drop(writer);
    mails_nothing(&quiet(&world, &manifest).exits(0));
    world.advance(DAY + SignedDuration::from_hours(1));
    world.video("clip.mp4", 100_001);
    let writer = open(&world);
    mails_nothing(&quiet(&world, &manifest).exits(5));
    drop(writer);
}

#[test]
fn a_refresh_that_is_not_due_undoes_nothing_that_was_told_of_posts() {
    let world = World::logged_in();
    let manifest = world.short();
    for code in ["spam_risk_user_banned_from_posting", "scope_not_authorized"] {
        world.refuse("creator_info", 1, 0, code);
        assert!(!mail(&quiet(&world, &manifest)).is_empty(), "{code}");
        for _ in 0..2 {
            mails_nothing(&world.run(&["--quiet", "refresh"]).exits(0));
            mails_nothing(&quiet(&world, &manifest));
        }
        world.let_go();
    }
}

#[test]
fn settings_that_are_amiss_are_said_once() {
    let world = World::logged_in();
    for (missing, told) in [("a.pem", true), ("a.pem", false), ("b.pem", true), ("b.pem", false)] {
        let mut command = world.command(&["--quiet", "refresh"]);
        command.env("SSL_CERT_FILE", world.path(missing));
        let ran = Ran::of(command).exits(0);
        assert_eq!(ran.stderr.contains("while it is set"), told, "{missing}: {ran:#?}");
    }
}

/// The lines of `status --json`.
fn status(world: &World) -> Vec<serde_json::Value> {
    world.run(&["--json", "status"]).json()
}

#[test]
fn status_says_why_what_was_never_begun_waits() {
    let mut world = World::logged_in();
    let manifest = world.short();
    world.refuse("token_refresh", 1, 0, "invalid_grant");
    world.advance(DAY + DAY);
    quiet(&world, &manifest).exits(3);
    mails_nothing(&quiet(&world, &manifest).exits(3));
    let ran = world.run(&["status"]).exits(0);
    ran.says("deferred").says("since").says("tiktok-up login").says("REASON");
    let line = &status(&world)[0];
    assert_eq!((&line["state"], &line["final"]), (&json!("deferred"), &json!(false)), "{line:#}");
    assert!(line["reason"].is_string() && line["message"].is_string(), "{line:#}");
    assert!(line["hint"].as_str().unwrap().contains("tiktok-up login"), "{line:#}");
    assert_eq!(line["manifest"], manifest.as_str(), "{line:#}");
    // Under cron `status` says what somebody has to do, and nothing else.
    let brief = world.run(&["-q", "status"]).exits(0);
    assert!(mail(&brief).iter().any(|line| line.contains("tiktok-up login")), "{brief:#?}");
    world.let_go();
    world.login(ADA).exits(0);
    mails_nothing(&quiet(&world, &manifest).exits(0));
    mails_nothing(&world.run(&["-q", "status"]).exits(0));
    world.run(&["status"]).exits(0).says("every post is final");
}

#[test]
fn an_error_that_the_journal_does_not_keep_is_in_status_until_it_is_mended() {
    let world = World::logged_in();
    world.video("a.mp4", 100_001);
    world.video("b.mp4", 100_002);
    let entry = |video: &str, id: &str| {
        world.manifest(&json!([{ "user_id": world.open_id(ADA), "video_path": video, "id": id,
            "privacy_level": "SELF_ONLY" }]))
    };
    quiet(&world, &entry("a.mp4", "one")).exits(0);
    let reused = entry("b.mp4", "one");
    quiet(&world, &reused).exits(1).says("error: ");
    mails_nothing(&quiet(&world, &reused).exits(1));
    for args in [&["status"][..], &["-q", "status"]] {
        let ran = world.run(args).exits(0);
        ran.says("b.mp4").says("was not made").says("`id` of its own").never_says("is final");
    }
    let line = &status(&world)[0];
    assert_eq!((&line["state"], &line["video"]), (&json!("failed"), &json!("b.mp4")), "{line:#}");
    assert_eq!((&line["post"], &line["id"]), (&json!(null), &json!("one")), "{line:#}");
    quiet(&world, &entry("b.mp4", "two")).exits(0);
    assert_eq!(status(&world), [json!(null); 0]);
}

#[test]
fn a_run_that_is_stopped_forgets_nothing_of_the_posts_that_it_did_not_reach() {
    let world = World::logged_in();
    for (name, size) in [("a.mp4", 100_001), ("b.mp4", 100_002)] {
        world.video(name, size);
    }
    let ada = world.open_id(ADA);
    let manifest = world.manifest(&json!([
        { "user_id": ada, "video_path": "a.mp4", "privacy_level": "SELF_ONLY" },
        { "user_id": ada, "video_path": "b.mp4", "privacy_level": "PUBLIC_TO_EVERYONE" },
    ]));
    world.account(ADA, &json!({ "privacy_level_options": ["SELF_ONLY"] }));
    world.refuse("video_init", 1, 1, "invalid_params");
    world.upload(&manifest).exits(1);
    let reasons = |world: &World| -> Vec<_> {
        status(world).iter().map(|line| line["reason"].clone()).collect()
    };
    let before = reasons(&world);
    assert!(before.contains(&json!("privacy_level_option_mismatch")), "{before:?}");
    for signal in [true, false] {
        world.hold("creator_info", 1, "middle");
        let calls = world.calls("creator_info").len();
        let run = world.start_upload(&manifest);
        world.wait_until("it works", |world| world.calls("creator_info").len() > calls);
        if signal {
            run.signal(rustix::process::Signal::INT);
            world.wait_until("it has heard", |_| run.said("stopping"));
            world.let_go();
            run.end().exits(130);
        } else {
            run.kill();
            world.let_go();
        }
        let after = reasons(&world);
        assert!(after.contains(&json!("privacy_level_option_mismatch")), "{signal}: {after:?}");
    }
}

#[test]
fn what_refuses_a_whole_manifest_is_said_once_and_again_after_a_week() {
    let mut world = World::logged_in();
    world.video("a.mp4", 100_001);
    let ada = world.open_id(ADA);
    let later = |video: &str| {
        json!([{ "user_id": ada, "video_path": "a.mp4", "privacy_level": "SELF_ONLY" },
               { "user_id": ada, "video_path": video, "publish_at": next_year() }])
    };
    let manifest = world.manifest(&later("gone.mp4"));
    quiet(&world, &manifest).exits(2).says("gone.mp4");
    for _ in 0..6 {
        mails_nothing(&quiet(&world, &manifest).exits(2));
        world.advance(DAY);
    }
    let ran = world.run(&["status"]).exits(0);
    ran.says("the last run of").says("gone.mp4").never_says("is final");
    let all = world.run(&["upload", "--dry-run", &manifest]).exits(2);
    all.says("gone.mp4");
    assert_eq!(status(&world)[0]["state"], "refused");
    world.run(&["-q", "status"]).exits(0).says("gone.mp4");
    world.advance(DAY);
    quiet(&world, &manifest).exits(2).says("gone.mp4");
    // Another text is another matter.
    world.manifest(&later("gone2.mp4"));
    quiet(&world, &manifest).exits(2).says("gone2.mp4");
    mails_nothing(&quiet(&world, &manifest).exits(2));
    world.video("gone2.mp4", 100_002);
    mails_nothing(&quiet(&world, &manifest).exits(0));
    world.run(&["status"]).exits(0).never_says("the last run of").says("scheduled for ");
    // A run that went through was there.
    std::fs::remove_file(world.path("gone2.mp4")).unwrap();
    quiet(&world, &manifest).exits(2).says("gone2.mp4");
}

#[test]
fn what_ends_a_run_otherwise_is_said_once_as_well() {
    let world = World::logged_in();
    let manifest = world.short();
    let without_app = |args: &[&str]| {
        let mut command = world.command(args);
        command.env_remove("TIKTOK_CLIENT_KEY").env_remove("TIKTOK_CLIENT_SECRET");
        Ran::of(command)
    };
    let first = without_app(&["--quiet", "upload", &manifest]).exits(2);
    assert!(!mail(&first).is_empty(), "{first:#?}");
    // Once for every command that comes upon it.
    for args in [&["--quiet", "upload", &manifest][..], &["--quiet", "refresh"]] {
        mails_nothing(&without_app(args).exits(2));
    }
    let ran = world.run(&["status"]).exits(0).says("the last run of").says("tiktok-up init");
    ran.never_says("nothing was posted");
    mails_nothing(&quiet(&world, &manifest).exits(0));
    world.run(&["status"]).exits(0).never_says("the last run of");
    // Mistakes in the settings, too.
    std::fs::write(world.home().join("home/config.toml"), "[apps.a\n").unwrap();
    quiet(&world, &manifest).exits(2).says("config.toml");
    mails_nothing(&quiet(&world, &manifest).exits(2));
}

#[test]
fn a_run_that_can_keep_no_notes_says_it_each_time() {
    let world = World::new();
    let manifest = world.manifest(&json!([{ "video_path": "gone.mp4" }]));
    std::fs::write(world.home().join("home"), "no directory").unwrap();
    for _ in 0..2 {
        let ran = quiet(&world, &manifest);
        assert!(!mail(&ran).is_empty(), "{ran:#?}");
    }
}

#[test]
fn a_person_at_a_terminal_is_always_told() {
    let world = World::logged_in();
    world.account(ADA, &json!({ "privacy_level_options": ["SELF_ONLY"] }));
    world.video("clip.mp4", 100_000);
    let manifest = world.manifest(&json!([{ "user_id": world.open_id(ADA),
        "video_path": "clip.mp4", "privacy_level": "PUBLIC_TO_EVERYONE" }]));
    quiet(&world, &manifest).exits(1).says("it offers SELF_ONLY");
    mails_nothing(&quiet(&world, &manifest).exits(1));
    let pty = Pty::new(200, 24);
    let run = pty.start(&world, &["--quiet", "upload", &manifest]);
    assert_eq!(pty.end(run).code(), Some(1));
    assert!(pty.shown().contains("it offers SELF_ONLY"), "{}", pty.shown());
}

#[test]
fn one_cause_is_said_once_with_the_number_of_posts_that_wait_for_it() {
    let mut world = World::logged_in();
    let posts: Vec<_> = (0..5)
        .map(|i| {
            let name = format!("{i}.mp4");
            world.video(&name, 100_000 + i);
            json!({ "user_id": world.open_id(ADA), "video_path": name,
                "privacy_level": "SELF_ONLY" })
        })
        .collect();
    let manifest = world.manifest(&json!(posts));
    let count = |ran: &Ran, words: &str| ran.stderr.matches(words).count();
    for code in ["spam_risk_user_banned_from_posting", "spam_risk_too_many_posts"] {
        world.refuse("creator_info", 1, 1, code);
        let ran = world.upload(&manifest);
        assert_eq!((count(&ran, "hint: "), count(&ran, "4 more posts")), (1, 1), "{ran:#?}");
        assert_eq!(ran.stdout.lines().count(), 5, "a line of data for each: {ran:#?}");
        world.advance(DAY);
    }
    world.refuse("token_refresh", 1, 0, "invalid_grant");
    world.advance(DAY + DAY);
    let ran = quiet(&world, &manifest).exits(3);
    assert_eq!((count(&ran, "hint: "), count(&ran, "4 more posts")), (1, 1), "{ran:#?}");
    mails_nothing(&quiet(&world, &manifest).exits(3));
    let json = world.run(&["upload", "--json", &manifest]).exits(3).json();
    assert_eq!(json.iter().filter(|line| line["error"].is_object()).count(), 5);
    let ran = world.run(&["status"]).exits(0);
    assert_eq!(count(&ran, "run `tiktok-up login`"), 1, "{ran:#?}");
    ran.says("and 2 more wait (since");
}

#[test]
fn a_network_that_is_away_is_said_once_for_all_posts() {
    let world = World::logged_in();
    let posts: Vec<_> = (0..3)
        .map(|i| {
            let name = format!("{i}.mp4");
            world.video(&name, 100_000 + i);
            json!({ "user_id": world.open_id(ADA), "video_path": name,
                "privacy_level": "SELF_ONLY" })
        })
        .collect();
    let manifest = world.manifest(&json!(posts));
    world.fault(&json!({ "endpoint": "creator_info", "times": 0, "do": { "drop": "before" } }));
    let ran = world.upload(&manifest).exits(5);
    assert_eq!(ran.stderr.matches("hint: ").count(), 1, "{ran:#?}");
    ran.says("2 more posts wait for the same reason");
    let ran = world.run(&["status"]).exits(0);
    ran.says("post 1, post 2 and post 3 wait (since");
    mails_nothing(&world.run(&["-q", "status"]).exits(0));
}

#[test]
fn a_run_that_hangs_is_named_with_how_to_stop_it() {
    let world = World::logged_in();
    world.hold("creator_info", 1, "middle");
    let manifest = world.short();
    let run = world.start_upload(&manifest);
    world.wait_until("it works on it", |world| !world.calls("creator_info").is_empty());
    let other = world.upload(&manifest).exits(5);
    other.says(&format!("process {}, since ", run.pid())).says(&format!("kill {}", run.pid()));
    world.let_go();
    run.end().exits(0);
}

#[test]
fn what_waits_for_room_is_not_called_refused_and_one_time_is_told() {
    let world = World::logged_in();
    let manifest = world.short();
    world.refuse("video_init", 1, 1, "spam_risk_too_many_posts");
    let ran = world.upload(&manifest).exits(5);
    ran.never_says("tomorrow").says("not before");
    let ran = world.run(&["status"]).exits(5);
    assert!(!ran.stdout.contains("refused"), "{ran:#?}");
    ran.says("waits for room, not before").never_says("tomorrow");
    let at = |ran: &Ran| {
        let line = ran.json().into_iter().find(|line| line["not_before"].is_string()).unwrap();
        line["not_before"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap()
    };
    let told = [&["--json", "status"][..], &["--json", "upload", &manifest]];
    let [status, upload] = told.map(|args| at(&world.run(args).exits(5)));
    assert!(status.duration_since(upload).abs() < SignedDuration::from_secs(2));
}

#[test]
fn a_draft_in_the_inbox_is_not_called_posted() {
    let world = World::logged_in();
    let manifest = world.short();
    world.run(&["upload", "--draft", &manifest]).exits(0);
    let ran = world.run(&["upload", "--draft", &manifest]).exits(0);
    ran.says("in the inbox already").never_says("already posted");
}

#[test]
fn what_is_posted_has_no_reason_and_an_empty_journal_no_final_post() {
    let world = World::logged_in();
    world.upload(&world.manifest(&json!([]))).exits(0);
    world.run(&["status"]).exits(0).says("nothing was posted from here yet");
    let manifest = world.short();
    world
        .fault(&json!({ "endpoint": "upload", "times": 6, "do": { "answer": { "status": 503 } } }));
    world.upload(&manifest).exits(5);
    world.run(&["status"]).exits(5).says("a chunk failed too often");
    world.let_go();
    world.upload(&manifest).exits(0);
    let lines = world.run(&["--json", "status", "--all"]).exits(0).json();
    assert_eq!((&lines[0]["reason"], &lines[0]["message"]), (&json!(null), &json!(null)));
    world.run(&["status", "1"]).exits(0).never_says("failed");
}

#[test]
fn what_is_not_final_is_never_left_without_a_word() {
    let world = World::logged_in();
    for (name, size) in [("a.mp4", 3 * CHUNK), ("b.mp4", 100_002)] {
        world.video(name, size);
    }
    let entry = |video: &str| json!({ "user_id": world.open_id(ADA), "video_path": video, "privacy_level": "SELF_ONLY" });
    let manifest = world.manifest(&json!([entry("a.mp4"), entry("b.mp4")]));
    // What the run did not come to is known as well.
    world.hold("creator_info", 1, "middle");
    let run = world.start_upload(&manifest);
    world.wait_until("it works on it", |world| !world.calls("creator_info").is_empty());
    run.signal(rustix::process::Signal::INT);
    world.wait_until("it has heard", |_| run.said("stopping"));
    world.let_go();
    run.end().exits(130);
    world.run(&["status"]).exits(0).says("b.mp4").says("stopped before its turn");
    assert_eq!(status(&world).len(), 2, "each post once");
    // A run that was killed says nothing more.
    world.hold("upload", 2, "middle");
    let run = world.start_upload(&manifest);
    world.wait_until("it sends", |world| !world.calls("upload").is_empty());
    run.kill();
    world.let_go();
    world.run(&["status"]).exits(5).says("uploading").says("post 1 is not sent whole yet");
    world.say_status(0, &json!({ "status": "PROCESSING_UPLOAD", "uploaded_bytes": CHUNK }));
    world.run(&["upload", "--no-wait", &world.one_post(ADA, "b.mp4")]).exits(5);
    world
        .run(&["status"])
        .exits(5)
        .says("TikTok is at work on post 2")
        .says("post 1 is not sent whole yet");
    world.let_go();
    let manifest = world.manifest(&json!([entry("a.mp4"), entry("b.mp4")]));
    world.upload(&manifest).exits(0);
    world.run(&["status"]).exits(0).says("every post is final");
}

#[test]
fn a_network_that_stays_away_is_one_mail_for_all_accounts_of_a_refresh() {
    let mut world = World::logged_in();
    world.login(BEA).exits(0);
    world.advance(3 * SignedDuration::from_hours(1));
    world.fault(&json!({ "endpoint": "token_refresh", "times": 0,
        "do": { "answer": { "status": 503 } } }));
    let refresh = ["--quiet", "refresh"];
    mails_nothing(&world.run(&refresh).exits(5));
    world.advance(DAY + SignedDuration::from_hours(1));
    let ran = world.run(&refresh).exits(5).says("so since");
    assert_eq!(ran.stderr.matches("error: ").count(), 1, "{ran:#?}");
    assert_eq!(ran.stderr.matches("so since").count(), 1, "{ran:#?}");
    let ran = ran.says(&world.open_id(ADA)).says(&world.open_id(BEA));
    assert_eq!(ran.stderr.matches("hint: ").count(), 1, "{ran:#?}");
    mails_nothing(&world.run(&refresh).exits(5));
    world.let_go();
    mails_nothing(&world.run(&refresh).exits(0));
}

/// A wrong setting is told at once, once for the account, and again when it is another one.
#[test]
fn a_setting_that_keeps_posts_waiting_is_said_once() {
    let mut world = World::logged_in();
    world.video("a.mp4", 100_000);
    world.video("b.mp4", 100_001);
    let post = |video: &str| {
        json!({ "user_id": world.open_id(ADA), "video_path": video,
        "privacy_level": "SELF_ONLY" })
    };
    let manifest = world.manifest(&json!([post("a.mp4"), post("b.mp4")]));
    world.advance(3 * SignedDuration::from_hours(1));
    let wrong = |args: &[&str]| {
        let mut command = world.command(args);
        command.env("TIKTOK_CLIENT_SECRET", "of-another-app");
        Ran::of(command).exits(2)
    };
    let manifest = ["--quiet", "upload", manifest.as_str()];
    let ran = wrong(&manifest).says("invalid_client");
    assert_eq!(ran.stderr.matches("hint: ").count(), 1, "{ran:#?}");
    mails_nothing(&wrong(&manifest));
    mails_nothing(&wrong(&["--quiet", "refresh"]));
    mails_nothing(&world.run(&manifest).exits(0));
    assert_eq!(world.published(), 2);
}

/// What is said of a post that is made late is not said while it is not made.
#[test]
fn a_late_post_is_mentioned_when_it_is_made() {
    let mut world = World::logged_in();
    world.video("a.mp4", 100_000);
    let at = jiff::Timestamp::now() + DAY;
    let manifest = world.manifest(&json!([{ "user_id": world.open_id(ADA), "video_path": "a.mp4",
        "privacy_level": "SELF_ONLY", "publish_at": at }]));
    world.advance(DAY + DAY + DAY);
    world.refuse("token_refresh", 1, 0, "invalid_grant");
    quiet(&world, &manifest).exits(3).never_says("past");
    for _ in 0..3 {
        world.advance(DAY);
        mails_nothing(&quiet(&world, &manifest).exits(3));
    }
    world.let_go();
    world.login(ADA).exits(0);
    quiet(&world, &manifest).exits(0).says("days past");
}

/// A full quota passes, unless nothing is sent for a day.
#[test]
fn a_quota_that_stays_full_is_told_after_a_day() {
    let mut world = World::logged_in();
    let manifest = world.short();
    world.refuse("video_init", 1, 0, "spam_risk_too_many_posts");
    for _ in 0..3 {
        mails_nothing(&quiet(&world, &manifest).exits(5));
        world.advance(8 * SignedDuration::from_hours(1));
    }
    world.advance(2 * SignedDuration::from_hours(1));
    quiet(&world, &manifest).exits(5).says("so since").says("spam_risk_too_many_posts");
    world.advance(DAY);
    mails_nothing(&quiet(&world, &manifest).exits(5));
    // However long ago TikTok refused it: it waits.
    let ran = world.run(&["status"]).exits(5).says("waits for room");
    ran.never_says("was refused");
}

/// What is put off is left to the next run, so that nobody has heard of it: by the run that does not name it any more,
/// whatever else that posts, it is told.
#[test]
fn a_post_that_was_put_off_and_left_its_manifest_is_mailed_once() {
    let causes =
        [("creator_info", "rate_limit_exceeded"), ("video_init", "spam_risk_too_many_posts")];
    for (endpoint, code) in causes {
        for next in ["another file", "another content", "nothing"] {
            let mut world = World::logged_in();
            let one = |video: &str| {
                world.manifest(&json!([{ "user_id": world.open_id(ADA),
                    "video_path": video, "privacy_level": "SELF_ONLY" }]))
            };
            world.video("a.mp4", 100_001);
            world.video("b.mp4", 100_002);
            world.refuse(endpoint, 1, 0, code);
            let manifest = one("a.mp4");
            mails_nothing(&quiet(&world, &manifest).exits(5));
            world.let_go();
            let manifest = match next {
                "another file" => one("b.mp4"),
                "nothing" => world.manifest(&json!([])),
                _ => {
                    world.video("a.mp4", 100_003);
                    manifest
                }
            };
            world.advance(14 * SignedDuration::from_hours(1));
            let ran = quiet(&world, &manifest).exits(0);
            assert_eq!(mail(&ran).len(), 1, "{code}, {next}: {ran:#?}");
            ran.says("not posted");
            mails_nothing(&quiet(&world, &manifest).exits(0));
            // It has no other name a day later, and nobody is told that a quota is full now.
            world.advance(3 * DAY);
            mails_nothing(&world.run(&["-q", "status"]).exits(0));
            let ran =
                world.run(&["status"]).exits(0).never_says("was refused").never_says("room again");
            if next != "another content" {
                ran.says("not posted").says("the next upload that names it");
            }
        }
    }
}

/// A run that is killed leaves no word: what it had in hand is told by the next one all the same.
#[test]
fn what_a_killed_run_had_in_hand_and_left_its_manifest_is_mailed_once() {
    for (endpoint, next) in [("video_init", "c.mp4"), ("creator_info", "c.mp4"), ("upload", "")] {
        let world = World::logged_in().timing("proof_gap=50ms");
        let of = |videos: &[&str]| {
            let entry = |video: &&str| {
                json!({ "user_id": world.open_id(ADA), "video_path": video,
                    "privacy_level": "SELF_ONLY" })
            };
            world.manifest(&videos.iter().map(entry).collect())
        };
        for (n, video) in (0..).zip(["a.mp4", "b.mp4", "c.mp4"]) {
            world.video(video, 100_001 + n);
        }
        world.hold(endpoint, 1, if endpoint == "upload" { "middle" } else { "before" });
        let run = world.start_upload(&of(&["a.mp4", "b.mp4"]));
        // While it runs nobody is told that it does not.
        let at_work =
            |world: &World| world.run(&["status"]).stderr.contains("a run has it in hand");
        world.wait_until("it is at work", at_work);
        let alive = world.run(&["status"]).never_says("cut off");
        assert!(alive.stdout.contains("b.mp4"), "{alive:#?}");
        let has_begun = |world: &World| {
            endpoint != "upload" || matches!(world.phases()[..], [Phase::FinalIntent { .. }])
        };
        world.wait_until("it sends", has_begun);
        run.kill();
        world.let_go();
        world.run(&["status"]).never_says("has it in hand");
        let manifest = if next.is_empty() { of(&[]) } else { of(&[next]) };
        let ran = quiet(&world, &manifest).exits(0);
        assert_eq!(mail(&ran).len(), 2, "{endpoint}: {ran:#?}");
        ran.says("`a.mp4` of").says("`b.mp4` of").says("was not posted, as its run was cut off");
        mails_nothing(&quiet(&world, &manifest).exits(0));
        assert_eq!(world.published(), usize::from(!next.is_empty()), "{endpoint}");
    }
}

/// What TikTok is at work on for long is told by whoever comes upon it.
#[test]
fn what_tiktok_does_not_finish_is_mailed_once_after_its_manifest_was_written_anew() {
    let mut world = World::logged_in().timing("poll_limit=200ms");
    let entry = |world: &World, video: &str| {
        json!([{ "user_id": world.open_id(ADA), "video_path": video,
            "privacy_level": "SELF_ONLY" }])
    };
    world.video("a.mp4", 100_001);
    world.video("b.mp4", 100_002);
    let elsewhere = world.file("elsewhere.json", entry(&world, "a.mp4").to_string());
    let elsewhere = elsewhere.to_str().unwrap();
    world.fault(&json!({ "endpoint": "video_init", "nth": 1, "do": { "outcome":
        { "status": "PROCESSING_UPLOAD", "uploaded_bytes": 100_001 } } }));
    mails_nothing(&quiet(&world, elsewhere).exits(5));
    let other = world.manifest(&entry(&world, "b.mp4"));
    world.file("elsewhere.json", "[]");
    mails_nothing(&quiet(&world, elsewhere).exits(0));
    mails_nothing(&quiet(&world, &other).exits(0));
    world.advance(DAY + SignedDuration::from_hours(1));
    let ran = quiet(&world, &other).exits(0);
    ran.says("a.mp4 (post 1): TikTok is still working on it, and this manifest does not name it");
    mails_nothing(&quiet(&world, &other).exits(0));
}

/// TikTok is asked for a post that was cut off before anything is said of it.
#[test]
fn a_cut_off_post_that_left_its_manifest_and_was_posted_is_no_mail() {
    let world = World::logged_in();
    let one = |video: &str| {
        world.manifest(&json!([{ "user_id": world.open_id(ADA), "video_path": video,
            "privacy_level": "SELF_ONLY" }]))
    };
    world.video("a.mp4", 100_001);
    world.video("b.mp4", 100_002);
    world.fault(&json!({ "endpoint": "upload", "nth": 1, "do": { "drop": "after" } }));
    world
        .fault(&json!({ "endpoint": "status", "times": 0, "do": { "answer": { "status": 503 } } }));
    mails_nothing(&quiet(&world, &one("a.mp4")).exits(5));
    world.let_go();
    mails_nothing(&quiet(&world, &one("b.mp4")).exits(0));
    assert_eq!(world.published(), 2);
}

/// The same manifest may be run for several accounts, and as drafts.
#[test]
fn what_another_account_or_mode_is_run_for_has_not_left_the_manifest() {
    let world = World::logged_in();
    world.login(BEA).exits(0);
    world.video("a.mp4", 100_001);
    let manifest =
        world.manifest(&json!([{ "video_path": "a.mp4", "privacy_level": "SELF_ONLY" }]));
    let (ada, bea) = (world.open_id(ADA), world.open_id(BEA));
    world.refuse("video_init", 1, 1, "spam_risk_too_many_posts");
    world.run(&["-q", "upload", "--account", &ada, &manifest]).exits(5);
    mails_nothing(&world.run(&["-q", "upload", "--account", &bea, &manifest]).exits(0));
    world.refuse("video_init", 1, 1, "spam_risk_too_many_posts");
    world.video("a.mp4", 100_002);
    world.run(&["-q", "upload", "--account", &bea, &manifest]).exits(5);
    world
        .run(&["-q", "upload", "--draft", "--account", &bea, &manifest])
        .exits(0)
        .never_says("not name");
}

#[test]
fn a_full_inbox_keeps_no_direct_post_waiting() {
    let world = World::logged_in();
    let ada = world.open_id(ADA);
    let mut posts = Vec::new();
    for n in 0..7 {
        let video = format!("{n}.mp4");
        world.video(&video, 100_000 + n);
        posts.push(json!({ "user_id": ada, "video_path": video, "mode": "draft" }));
    }
    posts[6] = json!({ "user_id": ada, "video_path": "6.mp4", "privacy_level": "SELF_ONLY" });
    let manifest = world.manifest(&json!(posts));
    let dry = world.run(&["upload", "--dry-run", &manifest]).exits(5);
    dry.says("6 planned, 1 deferred").says("post 6 waits");
    world.upload(&manifest).exits(5).says("1 published, 5 in inbox, 1 deferred");
    // And the other way round.
    let world = World::logged_in();
    let ada = world.open_id(ADA);
    world.video("7.mp4", 100_007);
    world.video("8.mp4", 100_008);
    world.refuse("video_init", 1, 1, "spam_risk_too_many_posts");
    let direct = json!({ "user_id": ada, "video_path": "7.mp4", "privacy_level": "SELF_ONLY" });
    let draft = json!({ "user_id": ada, "video_path": "8.mp4", "mode": "draft" });
    let manifest = world.manifest(&json!([direct, draft]));
    world.upload(&manifest).exits(5).says("1 in inbox, 1 deferred");
}

#[test]
fn what_was_seen_of_a_file_before_its_manifest_was_refused_is_not_told_any_more() {
    let world = World::logged_in();
    let path = world.file("w.mp4", "");
    let manifest = world.one_post(ADA, "w.mp4");
    let writing = OpenOptions::new().append(true).open(&path).unwrap();
    world.upload(&manifest).exits(5).says("still being written");
    world.run(&["status"]).exits(0).says("still being written");
    drop(writing);
    world.upload(&manifest).exits(2).says("the file is empty");
    world.run(&["status"]).exits(0).says("the file is empty").never_says("still being written");
    // The command for all of it needs a manifest.
    let manifest = world.manifest(&json!([{ "user_id": "nobody" }, { "video_path": "gone.mp4" }]));
    world.upload(&manifest).exits(2);
    world.run(&["status"]).exits(0).says("upload --dry-run");
    fs::remove_file(&manifest).unwrap();
    world.run(&["status"]).exits(0).says("it is not there any more").never_says("--dry-run");
}

/// Whichever command comes upon a cause first tells it, for both.
#[test]
fn a_cause_is_told_by_one_command_for_all() {
    let mut world = World::logged_in();
    let manifest = world.short();
    world.advance(3 * SignedDuration::from_hours(1));
    let wrong = |args: &[&str]| {
        let mut command = world.command(args);
        command.env("TIKTOK_CLIENT_SECRET", "of-another-app");
        Ran::of(command).exits(2)
    };
    assert!(!mail(&wrong(&["--quiet", "refresh"])).is_empty());
    mails_nothing(&wrong(&["--quiet", "upload", &manifest]));
    let line = &wrong(&["--json", "upload", &manifest]).json()[0];
    assert_eq!(line["state"], "deferred", "{line:#}");
    let line = &status(&world)[0];
    assert_eq!((&line["state"], &line["final"]), (&json!("deferred"), &json!(false)), "{line:#}");
}

#[test]
fn what_every_draft_goes_without_is_said_once() {
    let world = World::logged_in();
    let draft = |name: &str, size| {
        world.video(name, size);
        json!({ "user_id": world.open_id(ADA), "video_path": name, "is_aigc": true,
            "privacy_level": "SELF_ONLY" })
    };
    let mut posts = vec![draft("a.mp4", 100_001)];
    let upload = |posts: &[serde_json::Value]| {
        let manifest = world.manifest(&json!(posts));
        world.run(&["--quiet", "upload", "--draft", &manifest]).exits(0)
    };
    let said = "TikTok takes no `privacy_level` and `is_aigc` with this draft";
    upload(&posts).says(said);
    mails_nothing(&upload(&posts));
    posts.push(draft("b.mp4", 100_002));
    mails_nothing(&upload(&posts));
    mails_nothing(&upload(&posts));
    // Loud runs say it of each.
    posts.push(draft("c.mp4", 100_003));
    let manifest = world.manifest(&json!(posts));
    world.run(&["upload", "--draft", &manifest]).exits(0).says(said);
}

/// That other requests are answered does not make a post that waits for TikTok's word wait any less long.
#[test]
fn a_post_whose_outcome_stays_open_is_told_after_a_day() {
    let mut world = World::logged_in();
    let manifest = world.short();
    world.fault(&json!({ "endpoint": "upload", "times": 0, "do": { "drop": "after" } }));
    world
        .fault(&json!({ "endpoint": "status", "times": 0, "do": { "answer": { "status": 500 } } }));
    let rounds = |world: &mut World| {
        let mut mails = Vec::new();
        for _ in 0..7 {
            world.run(&["--quiet", "refresh"]).exits(0);
            mails.push(mail(&quiet(world, &manifest).exits(5)).concat());
            world.advance(4 * SignedDuration::from_hours(1));
        }
        mails
    };
    let mails = rounds(&mut world);
    assert_eq!(mails[..6].concat(), "", "{mails:#?}");
    assert!(mails[6].contains("so since"), "{mails:#?}");
    assert_eq!(rounds(&mut world).concat(), "");
    let listed = world.run(&["--quiet", "status"]).exits(5);
    listed.says("post 1 waits").says("last chunk unconfirmed");
}

/// What only the other run could know is not said once it is dead.
#[test]
fn a_run_that_died_is_not_waited_for() {
    let world = World::logged_in();
    let manifest = world.short();
    world.hold("creator_info", 1, "middle");
    let run = world.start_upload(&manifest);
    world.wait_until("it works on it", |world| !world.calls("creator_info").is_empty());
    quiet(&world, &manifest).exits(5);
    world.run(&["status"]).says("another run is posting for this account");
    // It was not begun, so nothing of it was cut off.
    let none = world.manifest(&json!([]));
    run.kill();
    world.run(&["status"]).never_says("another run").never_says("kill");
    world.let_go();
    let ran = quiet(&world, &none).exits(0);
    ran.says("was put off and not posted (another run is posting").never_says("cut off");
}

/// A quota that was full is no beginning of an outage.
#[test]
fn trouble_with_another_cause_begins_anew() {
    let mut world = World::logged_in();
    let manifest = world.short();
    world.refuse("video_init", 1, 0, "spam_risk_too_many_posts");
    mails_nothing(&quiet(&world, &manifest).exits(5));
    world.advance(DAY - SignedDuration::from_hours(1));
    world.let_go();
    world.fault(&json!({ "endpoint": "any", "times": 0, "do": { "drop": "before" } }));
    mails_nothing(&quiet(&world, &manifest).exits(5));
    world.advance(SignedDuration::from_hours(2));
    mails_nothing(&quiet(&world, &manifest).exits(5));
    world.let_go();
    world.advance(DAY);
    mails_nothing(&quiet(&world, &manifest).exits(0));
}

/// TikTok waits for bytes that nobody sends: nothing is said to be at work on them.
#[test]
fn a_last_chunk_that_was_cut_off_is_not_called_work_of_tiktok() {
    let mut world = World::logged_in().timing("proof_age=1s,proof_gap=50ms");
    let manifest = world.short();
    world.hold("upload", 1, "middle");
    let run = world.start_upload(&manifest);
    let sends = |world: &World| matches!(world.phases()[..], [Phase::FinalIntent { .. }]);
    world.wait_until("it sends", sends);
    run.kill();
    world.let_go();
    world.run(&["status"]).exits(5).says("the next upload that names it").never_says("at work");
    world.run(&["--quiet", "status"]).exits(5).never_says("post 1");
    world.advance(DAY + SignedDuration::from_hours(1));
    world.run(&["--quiet", "status"]).exits(5).says("the next upload that names it");
    world
        .run(&["resolve", "1", "--not-posted"])
        .exits(2)
        .says("the next upload of that makes sure");
    mails_nothing(&quiet(&world, &manifest).exits(0));
}

/// A new manifest each day: nobody comes to the posts of the last one but the run that finds out.
#[test]
fn what_came_of_a_post_that_left_the_manifest_is_mailed_once() {
    let ends = [
        (json!({ "status": "FAILED", "fail_reason": "spam_risk" }), 1, "spam_risk"),
        (json!({ "status": "FAILED", "fail_reason": "internal" }), 1, "internal"),
        (json!({ "status": "PUBLISH_COMPLETE" }), 0, ""),
    ];
    for (end, exit, says) in ends {
        let world = World::logged_in();
        let one = |video: &str| {
            world.manifest(&json!([{ "user_id": world.open_id(ADA),
            "video_path": video, "privacy_level": "SELF_ONLY" }]))
        };
        world.video("a.mp4", 100_001);
        world.video("b.mp4", 100_002);
        quiet(&world, &one("a.mp4")).exits(0);
        world.say_status(0, &json!({ "status": "PROCESSING_UPLOAD" }));
        world.run(&["--quiet", "upload", "--no-wait", &one("b.mp4")]).exits(5);
        world.let_go();
        world.say_status(0, &end);
        let manifest = one("a.mp4");
        let ran = quiet(&world, &manifest).exits(exit);
        match says {
            "" => mails_nothing(&ran),
            says => {
                let about = "b.mp4 (post 2): TikTok did not post it: ";
                ran.says(&format!("{about}{says}"));
            }
        }
        for _ in 0..2 {
            mails_nothing(&quiet(&world, &manifest).exits(0));
        }
    }
    // To programs and people, too.
    let world = World::logged_in();
    for (name, size) in [("a.mp4", 100_001), ("b.mp4", 100_002)] {
        world.video(name, size);
    }
    let manifest = world.one_post(ADA, "b.mp4");
    world.say_status(0, &json!({ "status": "PROCESSING_UPLOAD" }));
    world.run(&["upload", "--no-wait", &manifest]).exits(5);
    world.let_go();
    world.say_status(0, &json!({ "status": "FAILED", "fail_reason": "spam_risk" }));
    let told = world.run(&["upload", "--json", &world.one_post(ADA, "a.mp4")]).exits(1).json();
    let earlier: Vec<_> = told.iter().filter(|line| line["event"] == "earlier_post").collect();
    assert_eq!(earlier.len(), 1, "{told:#?}");
    assert_eq!((&earlier[0]["post"], &earlier[0]["state"]), (&json!(1), &json!("failed")));
    assert_eq!(earlier[0].get("index"), None);
}

/// The answer is had with a login that works: what it says of the post is told whatever was told of the login.
#[test]
fn access_that_was_taken_away_is_mailed_with_the_post_that_it_cost() {
    let world = World::logged_in();
    let manifest = world.short();
    world.say_status(0, &json!({ "status": "PROCESSING_UPLOAD" }));
    world.run(&["--quiet", "upload", "--no-wait", &manifest]).exits(5);
    world.let_go();
    world.sandbox.remove_apps(ADA).unwrap();
    quiet(&world, &manifest).exits(3).says("needs a new login");
    let status = world.run(&["--quiet", "status"]).exits(3);
    status.says("post 1 cannot be asked for").never_says("was not made");
    world.login(ADA).exits(0);
    world.let_go();
    world.say_status(0, &json!({ "status": "FAILED", "fail_reason": "auth_removed" }));
    quiet(&world, &manifest).exits(3).says("auth_removed").says("tiktok-up resolve 1 --not-posted");
    for _ in 0..2 {
        mails_nothing(&quiet(&world, &manifest).exits(1));
    }
}

/// A run that is killed with the last chunk under way, of the entry that comes back.
fn killed_at_its_last_chunk(world: &World, id: Option<&str>) -> serde_json::Value {
    let mut entry = json!({ "user_id": world.open_id(ADA), "video_path": "a.mp4", "privacy_level": "SELF_ONLY" });
    if let Some(id) = id {
        entry["id"] = id.into();
    }
    world.video("a.mp4", 100_001);
    world.hold("upload", 1, "middle");
    let manifest = world.manifest(&json!([entry]));
    let run = Running::of(world.command(&["--quiet", "upload", &manifest]));
    world.wait_until("the last chunk is under way", |world| {
        world.posts().last().is_some_and(|post| post.received > 0)
    });
    run.kill();
    world.let_go();
    entry
}

/// The run is at it: it makes sure of the post, and posts it if its last chunk did not arrive.
#[test]
fn a_post_that_was_killed_and_renamed_or_replaced_is_not_called_gone() {
    for (id, replaced) in [(None, false), (Some("x"), false), (None, true)] {
        let mut world = World::logged_in().timing("proof_gap=50ms,poll_limit=1s");
        let mut entry = killed_at_its_last_chunk(&world, None);
        if replaced {
            fs::rename(world.path("a.mp4"), world.path("kept.mp4")).unwrap();
            world.video("a.mp4", 200_002);
        } else {
            fs::rename(world.path("a.mp4"), world.path("b.mp4")).unwrap();
            entry["video_path"] = "b.mp4".into();
        }
        if let Some(id) = id {
            entry["id"] = id.into();
        }
        let manifest = world.manifest(&json!([entry]));
        mails_nothing(&quiet(&world, &manifest).exits(5));
        world.advance(SignedDuration::from_mins(100));
        let ran = quiet(&world, &manifest).exits(0);
        if replaced {
            ran.says("post 1 was not posted, and another video lies where its own did");
        } else {
            mails_nothing(&ran);
        }
        assert_eq!(world.published(), 1, "{id:?} {replaced}");
    }
}

/// What is done about a post whose outcome is open may make a second one of the same content.
#[test]
fn content_that_is_posted_twice_under_two_ids_is_told_whichever_goes_last() {
    let mut world = World::logged_in().timing("proof_gap=50ms,poll_limit=1s");
    let mut entry = killed_at_its_last_chunk(&world, Some("one"));
    let first = world.file("first.json", json!([entry]).to_string()).display().to_string();
    entry["id"] = "two".into();
    let second = world.manifest(&json!([entry]));
    let ran = world.run(&["upload", "--dry-run", &second]).says("(post 1, `id` \"one\")");
    ran.says("of which it is not known yet whether it was posted").never_says("once more");
    world.upload(&second).exits(0).says("of which it is not known yet whether it was posted");
    world.advance(SignedDuration::from_mins(100));
    let ran =
        quiet(&world, &first).exits(0).says("the same content as a.mp4 (post 2, `id` \"two\")");
    ran.says("it is posted once more");
    assert_eq!(world.published(), 2);
}

/// The last chunk of a post that left the manifest: nobody but its own entry can make sure of it.
#[test]
fn a_last_chunk_that_nobody_makes_sure_of_is_mailed_once() {
    is_mailed_once(true);
    is_mailed_once(false);
}

/// `told_by_its_own`: whether the post's own manifest is run again, without it.
fn is_mailed_once(told_by_its_own: bool) {
    let mut world = World::logged_in().timing("proof_gap=50ms");
    world.video("a.mp4", 100_001);
    world.video("b.mp4", 100_002);
    let one = |world: &World, video: &str| {
        world.manifest(&json!([{ "user_id": world.open_id(ADA), "video_path": video,
            "privacy_level": "SELF_ONLY" }]))
    };
    let manifest = one(&world, "a.mp4");
    quiet(&world, &manifest).exits(0);
    world.fault(&json!({ "endpoint": "upload", "times": 0, "do": { "drop": "middle" } }));
    quiet(&world, &one(&world, "b.mp4")).exits(5);
    world.let_go();
    // Another manifest does not know that this one left it out.
    let other = world.file("other.json", fs::read(one(&world, "a.mp4")).unwrap());
    let other = other.to_str().unwrap();
    if told_by_its_own {
        let ran = quiet(&world, &one(&world, "a.mp4")).exits(0).says("`b.mp4` of");
        let ran = ran.says("(post 2): it is not known whether its last chunk has arrived");
        assert_eq!(mail(&ran).len(), 1, "{ran:#?}");
    }
    for _ in 0..4 {
        world.advance(SignedDuration::from_hours(7));
        mails_nothing(&quiet(&world, other).exits(0));
    }
    if !told_by_its_own {
        let ran = quiet(&world, &one(&world, "a.mp4")).exits(0).says("warning: ");
        ran.says("(post 2): it is not known whether its last chunk has arrived");
    }
    let manifest = one(&world, "a.mp4");
    for _ in 0..3 {
        world.advance(SignedDuration::from_hours(30));
        mails_nothing(&quiet(&world, &manifest).exits(0));
    }
    // The hint, followed, wherever the file lies by now.
    fs::rename(world.path("b.mp4"), world.path("moved.mp4")).unwrap();
    mails_nothing(&quiet(&world, &one(&world, "moved.mp4")).exits(0));
    assert_eq!(world.published(), 2);
}

/// What the next run tries once more by itself is nobody's business yet.
#[test]
fn a_failure_that_the_next_run_tries_again_is_not_mailed() {
    let world = World::logged_in();
    let manifest = world.short();
    let end = json!({ "status": "FAILED", "fail_reason": "internal" });
    world.fault(&json!({ "endpoint": "video_init", "times": 0, "do": { "outcome": end } }));
    mails_nothing(&quiet(&world, &manifest).exits(1));
    quiet(&world, &manifest).exits(1).says("failed it in every attempt");
    mails_nothing(&quiet(&world, &manifest).exits(1));
    world.run(&["status"]).exits(0).never_says("may be tried again");
}

/// An account that TikTok barred when it came to a post: each post that this cost is one of its own.
#[test]
fn each_post_that_a_ban_cost_is_mailed_once() {
    let mut world = World::logged_in();
    let end = json!({ "status": "FAILED", "fail_reason": "spam_risk_user_banned_from_posting" });
    let fails = || json!({ "endpoint": "video_init", "do": { "outcome": end } });
    let mut entries = Vec::new();
    let mut next = |world: &World| {
        let name = format!("{}.mp4", entries.len());
        world.video(&name, 100_000 + entries.len() as u64);
        entries.push(json!({ "user_id": world.open_id(ADA), "video_path": name,
            "privacy_level": "SELF_ONLY" }));
        world.manifest(&json!(entries))
    };
    world.fault(&fails());
    quiet(&world, &next(&world)).exits(1).says("0.mp4: TikTok did not post it");
    for _ in 0..3 {
        // One that goes well settles nothing of the first.
        let manifest = next(&world);
        world.advance(DAY);
        for _ in 0..2 {
            mails_nothing(&quiet(&world, &manifest).exits(1));
        }
    }
    world.fault(&fails());
    let manifest = next(&world);
    let ran = quiet(&world, &manifest).exits(1).says("4.mp4: TikTok did not post it");
    ran.never_says("0.mp4");
    mails_nothing(&quiet(&world, &manifest).exits(1));
}

/// Of those that wait behind the first one nothing was looked up: they have no number.
#[test]
fn a_post_without_a_number_whose_video_was_replaced_is_mailed_once() {
    let mut world = World::logged_in();
    let entry = |video: &str| json!({ "user_id": world.open_id(ADA), "video_path": video, "privacy_level": "SELF_ONLY" });
    let manifest = world.manifest(&json!([entry("a.mp4"), entry("b.mp4"), entry("c.mp4")]));
    for (n, video) in (0..).zip(["a.mp4", "b.mp4", "c.mp4"]) {
        world.video(video, 100_001 + n);
    }
    world.advance(3 * SignedDuration::from_hours(1));
    world.fault(&json!({ "endpoint": "any", "times": 0, "do": { "answer": { "status": 503 } } }));
    mails_nothing(&quiet(&world, &manifest).exits(5));
    assert!(world.posts_in_journal().is_none_or(|posts| posts.len() < 2));
    world.let_go();
    world.video("b.mp4", 100_009);
    // Touched, or copied anew with its times, it is the same.
    fs::File::open(world.path("c.mp4"))
        .unwrap()
        .set_modified(std::time::SystemTime::now())
        .unwrap();
    let ran = quiet(&world, &manifest).exits(0).says("`b.mp4` of");
    assert_eq!(mail(&ran).len(), 1, "{ran:#?}");
    ran.says("was put off and not posted").says("another video lies where its own did");
    mails_nothing(&quiet(&world, &manifest).exits(0));
    assert_eq!(world.published(), 3);
}

/// It is not to come any more.
#[test]
fn a_post_that_waits_and_was_made_by_another_run_is_not_listed() {
    let world = World::logged_in();
    world.video("a.mp4", 100_001);
    let manifest = world.manifest(&json!([{ "user_id": world.open_id(ADA), "video_path": "a.mp4",
        "privacy_level": "SELF_ONLY", "publish_at": next_year() }]));
    quiet(&world, &manifest).exits(0);
    world.run(&["status"]).says("scheduled for");
    let video = world.path("a.mp4").display().to_string();
    world.run(&["post", &video, "--privacy", "SELF_ONLY"]).exits(0).says("1 published");
    world.run(&["status"]).exits(0).says("every post is final").never_says("scheduled for");
    world.upload(&manifest).exits(0).says("1 skipped");
}

/// It looks as if it would be posted twice.
#[test]
fn a_post_whose_manifest_was_renamed_is_listed_once() {
    let world = World::logged_in();
    world.video("a.mp4", 100_001);
    let manifest = world.manifest(&json!([{ "id": "once", "user_id": world.open_id(ADA),
        "video_path": "a.mp4", "privacy_level": "SELF_ONLY", "publish_at": next_year() }]));
    quiet(&world, &manifest).exits(0);
    let renamed = world.path("renamed.json").display().to_string();
    fs::rename(&manifest, &renamed).unwrap();
    let listed = || world.run(&["status"]).stdout.matches("scheduled for").count();
    assert_eq!(listed(), 1);
    quiet(&world, &renamed).exits(0);
    assert_eq!(listed(), 1);
}

/// TikTok answered each init with an error that passes: the post has a number, and nobody was told of it.
#[test]
fn a_post_that_was_put_off_and_whose_video_was_replaced_is_mailed_once() {
    let world = World::logged_in();
    let manifest = world.one_post(ADA, "a.mp4");
    world.video("a.mp4", 100_001);
    world.fault(
        &json!({ "endpoint": "video_init", "times": 2, "do": { "answer": { "status": 503 } } }),
    );
    mails_nothing(&quiet(&world, &manifest).exits(5));
    world.run(&["status"]).says("a.mp4");
    fs::remove_file(world.path("a.mp4")).unwrap();
    world.video("a.mp4", 100_009);
    let ran = quiet(&world, &manifest).exits(0).says("post 1 was not posted, and another video");
    assert_eq!(mail(&ran).len(), 1, "{ran:#?}");
    mails_nothing(&quiet(&world, &manifest).exits(0));
    // One that TikTok failed, and that the next run would have tried again.
    fs::remove_file(world.path("a.mp4")).unwrap();
    world.video("a.mp4", 100_017);
    let end = json!({ "status": "FAILED", "fail_reason": "internal" });
    world.fault(&json!({ "endpoint": "video_init", "times": 0, "do": { "outcome": end } }));
    mails_nothing(&quiet(&world, &manifest).exits(1));
    world.let_go();
    fs::remove_file(world.path("a.mp4")).unwrap();
    world.video("a.mp4", 100_033);
    quiet(&world, &manifest).exits(0).says("post 3 was not posted, and another video");
    assert_eq!(world.published(), 2);
}

/// Nothing says that a run made it: the manifest was not run again, or was refused.
#[test]
fn a_post_that_is_overdue_stays_listed_until_its_manifest_is_run_again() {
    let mut world = World::logged_in();
    world.video("a.mp4", 100_001);
    let at = (jiff::Timestamp::now() + SignedDuration::from_hours(5)).to_string();
    let manifest = world.manifest(&json!([{ "user_id": world.open_id(ADA), "video_path": "a.mp4",
        "privacy_level": "SELF_ONLY", "publish_at": at }]));
    quiet(&world, &manifest).exits(0);
    for days in [1, 2, 20] {
        world.advance(days * DAY);
        world.run(&["status"]).exits(0).says("due since, scheduled for");
    }
    quiet(&world, &manifest).exits(0);
    world.run(&["status"]).exits(0).says("every post is final");
}

/// The entry stands for the same post.
#[test]
fn an_id_that_is_given_while_a_post_is_put_off_is_no_loss() {
    for (before, after) in [(None, Some("x")), (Some("x"), None), (Some("x"), Some("y"))] {
        let world = World::logged_in();
        world.video("a.mp4", 100_001);
        let named = |id: Option<&str>| {
            let mut post = json!({ "user_id": world.open_id(ADA), "video_path": "a.mp4",
                "privacy_level": "SELF_ONLY" });
            post.as_object_mut().unwrap().extend(id.map(|id| ("id".to_owned(), id.into())));
            world.manifest(&json!([post]))
        };
        let down = json!({ "endpoint": "any", "times": 0, "do": { "answer": { "status": 503 } } });
        world.fault(&down);
        mails_nothing(&quiet(&world, &named(before)).exits(5));
        mails_nothing(&quiet(&world, &named(after)).exits(5));
        world.let_go();
        mails_nothing(&quiet(&world, &named(after)).exits(0));
        assert_eq!(world.published(), 1);
        world.run(&["status"]).exits(0).says("every post is final");
    }
}
