//! Runs under cron with `--quiet`: every line is a mail, so only what a human must do is said, once.

use std::fs::OpenOptions;

use jiff::SignedDuration;
use serde_json::json;

use crate::world::{ADA, BEA, Ran, World};

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
        { "user_id": ada, "video_path": "c.mp4", "publish_at": "2099-01-01T00:00:00Z" },
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
    assert_eq!(mail(&quiet(&world, &manifest).exits(3)).len(), 2);
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
    mails_nothing(&quiet(&world, &due("2099-01-01T00:00:00Z")).exits(0));
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
    for command in [&["--quiet", "upload", manifest.as_str()][..], &["--quiet", "refresh"]] {
        let ran = wrong(command).says("invalid_client");
        assert_eq!(ran.stderr.matches("invalid_client").count(), 1, "{ran:#?}");
        mails_nothing(&wrong(command));
    }
    let manifest = ["--quiet", "upload", manifest.as_str()];
    mails_nothing(&world.run(&manifest).exits(0));
    assert_eq!(world.published(), 2);
}
