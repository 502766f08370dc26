//! The fault matrix, once TikTok has everything: rows 48, 49, 53 to 56, 58 and 69.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;
use tiktok_sandbox::Options;
use tiktok_up::testing::{Failed, Phase};

use crate::world::{ADA, World};

/// What becomes of the posts that the next inits make.
fn outcome(world: &World, times: u64, outcome: &serde_json::Value) {
    world.fault(&json!({ "endpoint": "video_init", "times": times, "do": { "outcome": outcome } }));
}

fn failed(world: &World, times: u64, reason: &str) {
    outcome(world, times, &json!({ "status": "FAILED", "fail_reason": reason }));
}

#[test]
fn f48_a_token_that_ends_in_the_upload_never_leads_to_a_new_init() {
    let world = World::logged_in();
    world.refuse("status", 1, 1, "access_token_invalid");
    world.upload(&world.long()).exits(0);
    assert_eq!(world.calls("token_refresh").len(), 1);
    assert_eq!((world.inits(), world.published()), (1, 1));
    assert_eq!(world.phases(), [Phase::Published]);
}

#[test]
fn f49_without_a_login_a_post_is_left_with_tiktok() {
    let world = World::logged_in();
    world.refuse("status", 1, 1, "access_token_invalid");
    world.refuse("token_refresh", 1, 0, "invalid_grant");
    let manifest = world.short();
    world.upload(&manifest).exits(3).says("tiktok-up login").says("may be live");
    assert_eq!(world.phases(), [Phase::Uploaded]);
    world.sandbox.clear_faults();
    world.login(ADA).exits(0);
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn f53_an_internal_failure_gets_one_new_attempt_a_run_and_three_in_all() {
    let world = World::logged_in();
    failed(&world, 1, "internal");
    world.upload(&world.short()).exits(0).says("internal");
    assert_eq!(world.phases(), [Phase::Failed(Failed::Internal), Phase::Published]);
    assert_eq!(world.published(), 1);

    let world = World::logged_in();
    failed(&world, 0, "internal");
    let manifest = world.short();
    for (inits, words, hint, retryable) in [
        (
            2,
            "failed it again; the next run tries once more",
            "the next run tries it once more",
            true,
        ),
        (3, "failed it in every attempt", "resolve 1 --not-posted", false),
        (3, "failed it in every attempt", "resolve 1 --not-posted", false),
    ] {
        let ran = world.run(&["upload", "--json", &manifest]).exits(1).says("internal").says(words);
        let error = &ran.json().into_iter().find(|line| line["event"] == "post").unwrap()["error"];
        assert!(error["hint"].as_str().unwrap().contains(hint), "{error}");
        assert_eq!(error["retryable"], retryable, "{error}");
        assert_eq!(world.inits(), inits);
    }
}

#[test]
fn f53_the_new_attempt_can_be_switched_off() {
    let world = World::logged_in();
    failed(&world, 1, "internal");
    let manifest = world.short();
    let ran = world.run(&["upload", "--no-retry", &manifest]).exits(1).says("internal");
    ran.says("told not to try again").says("without `--no-retry`").never_says("every attempt");
    assert_eq!(world.inits(), 1);
    world.run(&["upload", &manifest]).exits(0);
    assert_eq!((world.inits(), world.published()), (2, 1));
}

#[test]
fn f54_other_failures_are_said_in_words_and_never_tried_again() {
    for reason in
        ["spam_risk", "spam_risk_text", "frame_rate_check_failed", "duration_check_failed"]
    {
        let world = World::logged_in();
        failed(&world, 0, reason);
        let manifest = world.short();
        // The run in which it fails is the one that is read.
        for _ in 0..2 {
            let ran = world.run(&["upload", "--json", &manifest]).exits(1).says(reason);
            let hint = "it is not tried again by itself: once the cause is mended, \
                        `tiktok-up resolve 1 --not-posted` lets the next run try it again \
                        (another file in its place is a post of its own, unless it has an `id`)";
            let error =
                &ran.json().into_iter().find(|line| line["event"] == "post").unwrap()["error"];
            let told = error["hint"].as_str().unwrap();
            assert!(told.ends_with(hint) && told.len() > hint.len() + 5, "{error}");
            assert_eq!(error["retryable"], false, "{error}");
        }
        assert_eq!(world.inits(), 1);
        assert_eq!(world.phases(), [Phase::Failed(Failed::Final)]);
        world.run(&["status"]).exits(0);
    }
}

#[test]
fn f54_a_cap_that_shows_only_in_the_status_defers_the_rest() {
    let world = World::logged_in();
    failed(&world, 1, "spam_risk_too_many_posts");
    world.video("a.mp4", 100_000);
    world.video("b.mp4", 100_001);
    let ada = world.open_id(ADA);
    let manifest = world.manifest(&json!([
        { "user_id": ada, "video_path": "a.mp4" }, { "user_id": ada, "video_path": "b.mp4" },
    ]));
    world.upload(&manifest).exits(1).says("1 deferred, 1 failed");
    assert_eq!(world.inits(), 1);
}

#[test]
fn f54_a_removed_authorization_asks_for_a_login() {
    let world = World::logged_in();
    failed(&world, 1, "auth_removed");
    let manifest = world.short();
    world.upload(&manifest).exits(3).says("auth_removed");
    // The login may be a new one by then, so it is not asked for again and again.
    world.upload(&manifest).exits(1).says("tiktok-up resolve 1 --not-posted");
    assert_eq!(world.inits(), 1);
    assert_eq!(world.phases(), [Phase::Failed(Failed::AuthRemoved)]);
    world.run(&["resolve", "1", "--not-posted"]).exits(0);
    world.upload(&manifest).exits(0);
    assert_eq!(world.published(), 1);
}

/// TikTok has not come to them.
#[test]
fn f54_posts_behind_a_removed_authorization_are_not_called_failed() {
    let world = World::logged_in();
    failed(&world, 1, "auth_removed");
    let entry = |video: &str| {
        world.video(video, 100_000 + video.len() as u64);
        json!({ "user_id": world.open_id(ADA), "video_path": video, "privacy_level": "SELF_ONLY" })
    };
    let manifest = world.manifest(&json!([entry("a.mp4"), entry("bb.mp4"), entry("ccc.mp4")]));
    let ran = world.run(&["--quiet", "upload", &manifest]).exits(3);
    let ran = ran
        .says("bb.mp4: not begun, as TikTok failed an earlier post of this account: auth_removed");
    assert_eq!(ran.stderr.matches("TikTok did not post it").count(), 1, "{ran:#?}");
    assert_eq!(world.inits(), 1);
}

#[test]
fn f55_a_status_that_fails_is_asked_again() {
    for fault in [
        json!({ "answer": { "status": 503 } }),
        json!({ "refuse": { "code": "rate_limit_exceeded" } }),
        json!({ "refuse": { "code": "internal_error" } }),
        json!({ "drop": "before" }),
    ] {
        let world = World::logged_in();
        world.fault(&json!({ "endpoint": "status", "times": 9, "do": fault }));
        world.upload(&world.short()).exits(0);
        assert_eq!((world.inits(), world.published()), (1, 1));
    }
}

#[test]
fn f55_a_server_error_with_json_of_its_own_is_asked_again() {
    let world = World::logged_in();
    let body = json!({ "error": { "code": "overloaded", "message": "", "log_id": "1" } });
    world.fault(&json!({ "endpoint": "status", "times": 2,
        "do": { "answer": { "status": 503, "body": body } } }));
    world.upload(&world.short()).exits(0);
    assert_eq!(world.phases(), [Phase::Published]);
}

#[test]
fn f55_at_the_limit_the_post_is_left() {
    let world = World::logged_in().timing("poll_limit=100ms");
    world
        .fault(&json!({ "endpoint": "status", "times": 0, "do": { "answer": { "status": 503 } } }));
    let manifest = world.short();
    world.upload(&manifest).exits(5);
    assert_eq!(world.phases(), [Phase::Uploaded]);
    world.sandbox.clear_faults();
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn f56_what_is_still_processing_is_asked_for_later() {
    let world = World::logged_in().timing("poll_limit=100ms");
    world.say_status(0, &json!({ "status": "PROCESSING_UPLOAD" }));
    let manifest = world.short();
    world.upload(&manifest).exits(5).says("still working on it").says("tiktok-up status");
    assert_eq!(world.phases(), [Phase::Uploaded]);
    world.run(&["status"]).exits(5).says("processing");
    world.sandbox.clear_faults();
    world.run(&["status"]).exits(0);
    assert_eq!(world.phases(), [Phase::Published]);
    world.upload(&manifest).exits(0).says("already posted");
    assert_eq!(world.inits(), 1);
}

#[test]
fn f56_an_unknown_word_is_waited_for() {
    let world = World::logged_in();
    world.say_status(2, &json!({ "status": "POLISHING" }));
    world.upload(&world.short()).exits(0);
    assert_eq!(world.published(), 1);
}

/// The four ways to post one thing.
const KINDS: [fn(&World) -> String; 4] = [World::short, World::long, World::pull, World::photos];

#[test]
fn f58_a_publish_id_that_is_not_known_yet_is_asked_for_again() {
    for manifest in KINDS {
        let world = World::logged_in();
        world.refuse("status", 1, 3, "invalid_publish_id");
        let ran = world.upload(&manifest(&world)).exits(0);
        ran.says("TikTok does not know the publish_id yet");
        assert_eq!(world.phases(), [Phase::Published]);
        assert_eq!((world.inits(), world.published()), (1, 1));
    }
}

/// As it has happened: the id is unknown for a while after its init, and the post is published.
#[test]
fn f58_a_publish_id_that_tiktok_comes_to_know_later_is_one_post() {
    let delayed = |publish_id_delay| {
        let world = World::with(Options { publish_id_delay, ..Options::default() });
        world.login(ADA);
        world
    };
    for manifest in KINDS {
        let world = delayed(Duration::from_mins(1));
        let run = world.start_upload(&manifest(&world));
        world.wait_until("it asks again", |_| run.said("TikTok does not know the publish_id yet"));
        world.sandbox.advance(SignedDuration::from_mins(1));
        run.end().exits(0);
        assert_eq!(world.phases(), [Phase::Published]);
        assert_eq!((world.inits(), world.published()), (1, 1));

        let mut world = delayed(Duration::from_hours(1));
        let manifest = manifest(&world);
        world.run(&["upload", "--no-wait", &manifest]).exits(5);
        world.run(&["status"]).exits(5);
        world.run(&["upload", "--no-wait", &manifest]).exits(5);
        world.advance(SignedDuration::from_mins(61));
        world.run(&["status", "1"]).exits(0).says("published");
        world.run(&["upload", &manifest]).exits(0);
        assert_eq!(world.phases(), [Phase::Published]);
        assert_eq!((world.inits(), world.published()), (1, 1));
    }
}

#[test]
fn f58_also_by_later_runs_and_by_status() {
    let world = World::logged_in();
    let manifest = world.short();
    world.run(&["upload", "--no-wait", &manifest]).exits(5);
    world.refuse("status", 1, 2, "invalid_publish_id");
    world.run(&["status"]).exits(5);
    world.run(&["upload", "--no-wait", &manifest]).exits(5);
    assert_eq!(world.phases(), [Phase::Uploaded]);
    world.run(&["status", "1"]).exits(0).says("published");
    assert_eq!(world.phases(), [Phase::Published]);
    assert_eq!(world.inits(), 1);
}

#[test]
fn f58_a_publish_id_that_stays_unknown_is_for_a_human() {
    for code in ["invalid_publish_id", "token_not_authorized_for_specified_publish_id"] {
        for manifest in KINDS {
            let world = World::logged_in().timing("poll_limit=100ms");
            world.refuse("status", 1, 0, code);
            let manifest = manifest(&world);
            let ran = world.upload(&manifest).exits(6);
            ran.says("profile").says("tiktok-up resolve 1 --posted").says("--not-posted");
            assert_eq!(world.phases(), [Phase::Unresolved]);
            world.upload(&manifest).exits(6);
            world.run(&["status"]).exits(6);
            assert_eq!((world.inits(), world.published()), (1, 1));
        }
    }
}

#[test]
fn f58_a_publish_id_that_is_unknown_a_day_later_is_not_waited_for() {
    let mut world = World::logged_in();
    let manifest = world.short();
    world.run(&["upload", "--no-wait", &manifest]).exits(5);
    world.advance(SignedDuration::from_hours(25));
    world.refuse("status", 1, 0, "invalid_publish_id");
    world.upload(&manifest).exits(6).never_says("asking again");
    assert_eq!(world.phases(), [Phase::Unresolved]);
}

#[test]
fn f58_what_tiktok_says_later_settles_an_unknown_outcome() {
    for manifest in KINDS {
        for (again, says) in [(true, "already posted"), (false, "every post is final")] {
            let world = World::logged_in().timing("poll_limit=100ms");
            world.refuse("status", 1, 0, "invalid_publish_id");
            let manifest = manifest(&world);
            world.upload(&manifest).exits(6);
            world.let_go();
            let ran = if again { world.upload(&manifest) } else { world.run(&["status"]) };
            ran.exits(0).says(says);
            assert_eq!(world.phases(), [Phase::Published]);
            assert_eq!((world.inits(), world.published()), (1, 1));
        }
    }
}

#[test]
fn f58_a_failure_that_shows_later_settles_it_too() {
    let world = World::logged_in().timing("poll_limit=100ms");
    outcome(&world, 1, &json!({ "status": "FAILED", "fail_reason": "spam_risk_text" }));
    world.refuse("status", 1, 0, "invalid_publish_id");
    let manifest = world.short();
    world.upload(&manifest).exits(6);
    world.let_go();
    world.upload(&manifest).exits(1).says("spam_risk_text");
    assert_eq!(world.phases(), [Phase::Failed(Failed::Final)]);
    assert_eq!(world.inits(), 1);
}

#[test]
fn f58_posts_that_left_the_manifest_are_settled_too() {
    let world = World::logged_in().timing("poll_limit=100ms");
    world.refuse("status", 1, 0, "invalid_publish_id");
    world.upload(&world.short()).exits(6);
    world.let_go();
    world.upload(&world.long()).exits(0);
    assert_eq!(world.attempts(1)[0].phase, Phase::Published);
}

#[test]
fn f58_also_when_the_answer_to_the_final_chunk_was_lost() {
    let world = World::logged_in().timing("poll_limit=100ms");
    world.fault(&json!({ "endpoint": "upload", "nth": 3, "do": { "drop": "after" } }));
    world.refuse("status", 1, 0, "invalid_publish_id");
    world.upload(&world.long()).exits(6);
    assert_eq!(world.phases(), [Phase::Unresolved]);
}

#[test]
fn f69_every_public_id_is_recorded_and_said() {
    let world = World::logged_in();
    let ids = json!([7_400_000_000_000_000_001_i64, 7_400_000_000_000_000_002_i64]);
    outcome(&world, 1, &json!({ "status": "PUBLISH_COMPLETE", "post_ids": ids }));
    let manifest = world.short();
    let ran = world.run(&["upload", "--json", &manifest]).exits(0).says("warning");
    assert_eq!(ran.json()[0]["post_ids"], json!(["7400000000000000001", "7400000000000000002"]));
    assert_eq!(world.attempts(1)[0].post_ids.len(), 2);
    world.run(&["status", "1"]).exits(0).says("7400000000000000002");
}

#[test]
fn without_waiting_the_next_run_asks() {
    let world = World::logged_in();
    let manifest = world.short();
    world.run(&["upload", "--no-wait", &manifest]).exits(5);
    assert_eq!(world.phases(), [Phase::Uploaded]);
    assert!(world.calls("status").is_empty());
    world.run(&["upload", "--no-wait", &manifest]).exits(0);
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn status_waits_and_tells_json() {
    let world = World::logged_in().timing("poll_limit=100ms");
    world.say_status(6, &json!({ "status": "PROCESSING_UPLOAD", "uploaded_bytes": 100_000 }));
    let manifest = world.short();
    world.run(&["upload", "--no-wait", &manifest]).exits(5);
    let ran = world.run(&["status", "--wait", "--json", "--all"]).exits(0);
    let line = &ran.json()[0];
    assert_eq!((&line["state"], &line["post"]), (&json!("published"), &json!(1)));
    assert!(world.calls("status").len() > 6);
    world.run(&["status", "1"]).exits(0).says("published").says(&world.posts()[0].publish_id);
    world.run(&["status", "2"]).exits(2).says("no post 2");
    world.run(&["status", "one"]).exits(2);
}

#[test]
fn a_draft_that_was_finished_is_published() {
    let world = World::logged_in();
    let manifest = world.short();
    world.run(&["upload", "--draft", &manifest]).exits(0);
    assert_eq!(world.phases(), [Phase::Inboxed]);
    world.run(&["status"]).exits(0);
    world.say_status(1, &json!({ "status": "PUBLISH_COMPLETE" }));
    world.run(&["status", "1"]).exits(0).says("published");
    assert_eq!(world.phases(), [Phase::Published]);
}

#[test]
fn what_is_not_due_is_deferred_and_what_is_late_comes_oldest_first() {
    let mut world = World::logged_in();
    let now = jiff::Timestamp::now();
    let at = |hours: i64| (now + SignedDuration::from_hours(hours)).to_string();
    for (i, name) in (0_u64..).zip(["none.mp4", "second.mp4", "first.mp4", "never.mp4"]) {
        world.video(name, 100_000 + i);
    }
    let ada = world.open_id(ADA);
    let manifest = world.manifest(&json!([
        { "user_id": ada, "video_path": "none.mp4", "description": "none" },
        { "user_id": ada, "video_path": "second.mp4", "description": "second", "publish_at": at(2) },
        { "user_id": ada, "video_path": "first.mp4", "description": "first", "publish_at": at(1) },
        { "user_id": ada, "video_path": "never.mp4", "description": "never", "publish_at": at(90) },
    ]));
    world.video("none.mp4", 100_000);
    world.upload(&manifest).exits(0).says("1 published, 3 deferred").says("not before");
    world.advance(SignedDuration::from_hours(3));
    world.upload(&manifest).exits(0).says("2 published, 1 skipped, 1 deferred");
    let titles: Vec<_> = world.posts().iter().map(|post| post.title.clone()).collect();
    assert_eq!(titles, ["none", "first", "second"]);
}
