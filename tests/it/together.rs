//! Posts among other posts: quotas over several runs, what a dry run tells, what other manifests left.

use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;
use serde_json::{Value, json};
use tiktok_sandbox::Privacy;
use tiktok_up::testing::Phase;

use crate::world::{ADA, BEA, CHUNK, World};

/// The minute of the quotas, longer than any machine takes to use them up.
const LONG_MINUTE: &str = "quota_window=1h";

/// A manifest of so many videos by `@ada`, the first one with this number.
fn videos(world: &World, first: u64, count: u64) -> String {
    let posts = (first..first + count).map(|i| {
        let name = format!("{i}.mp4");
        world.video(&name, 100_000 + i);
        json!({ "user_id": world.open_id(ADA), "video_path": name })
    });
    world.manifest(&posts.collect())
}

/// The states of a run's posts, in the manifest's order.
fn states(world: &World, args: &[&str], exit: i32) -> Vec<String> {
    let ran = world.run(&[&["upload", "--json"], args].concat()).exits(exit);
    let mut posts: Vec<Value> = ran.json();
    posts.retain(|line| line["event"] == "post");
    posts.sort_by_key(|post| post["index"].as_u64());
    posts.iter().map(|post| post["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn six_inits_a_minute_are_counted_over_all_runs() {
    let mut world = World::logged_in().timing(LONG_MINUTE);
    world.upload(&videos(&world, 0, 4)).exits(0);
    let manifest = videos(&world, 4, 4);
    let run = world.start_upload(&manifest);
    world.wait_until("the quota is used up", |_| {
        run.said("TikTok allows 6 of these calls a minute")
    });
    assert_eq!(world.inits(), 6);
    run.signal(Signal::INT);
    run.end().exits(130);
    world.advance(SignedDuration::from_mins(61));
    world.upload(&manifest).exits(0).says("2 published, 2 skipped");
    assert_eq!((world.inits(), world.published()), (8, 8));
}

#[test]
fn a_deferred_post_says_when_it_may_be_tried_again() {
    let mut world = World::logged_in();
    world.refuse("video_init", 1, 1, "spam_risk_too_many_posts");
    let manifest = world.short();
    let ran = world.run(&["upload", "--json", &manifest]).exits(5);
    let (post, told) = (&ran.json()[0], "not_before");
    assert_eq!(post["error"]["code"], "spam_risk_too_many_posts");
    let at: Timestamp = post[told].as_str().unwrap().parse().unwrap();
    world.advance(at.duration_since(Timestamp::now()) - SignedDuration::from_mins(30));
    let again = world.run(&["upload", "--json", &manifest]).exits(5);
    assert_eq!(again.json()[0][told], post[told]);
    world.advance(SignedDuration::from_mins(60));
    let posted = world.run(&["upload", "--json", &manifest]).exits(0);
    assert_eq!(posted.json()[0].get(told), None);
    let history = &world.run(&["status", "1", "--json"]).exits(0).json()[0]["history"];
    assert_eq!(history[0]["reason"], "spam_risk_too_many_posts");
    assert_eq!(
        (&history[0]["state"], &history[1]["state"]),
        (&json!("refused"), &json!("published"))
    );
}

#[test]
fn twenty_questions_about_a_creator_a_minute_are_counted_over_all_runs() {
    let world = World::logged_in().timing(LONG_MINUTE);
    // A dry run counts in a journal that is there, and makes none.
    world.run(&["upload", "--draft", &videos(&world, 0, 1)]).exits(0);
    let manifest = world.short();
    for _ in 0..20 {
        world.run(&["upload", "--dry-run", &manifest]).exits(0);
    }
    let run = world.start_upload(&manifest);
    world.wait_until("the quota is used up", |_| {
        run.said("TikTok allows 20 of these calls a minute")
    });
    run.signal(Signal::TERM);
    run.end().exits(143);
    assert_eq!((world.calls("creator_info").len(), world.inits()), (20, 1));
}

#[test]
fn thirty_status_calls_a_minute_are_counted_over_all_runs() {
    let world = World::logged_in().timing(LONG_MINUTE).timing("poll_first=1ms,poll_cap=1ms");
    world.say_status(0, &json!({ "status": "PROCESSING_UPLOAD" }));
    let run = world.start_upload(&world.short());
    world.wait_until("the quota is used up", |_| {
        run.said("TikTok allows 30 of these calls a minute")
    });
    assert_eq!(world.calls("status").len(), 30);
    run.signal(Signal::TERM);
    run.end().exits(143);
    assert_eq!(world.phases(), [Phase::Uploaded]);
}

#[test]
fn a_dry_run_tells_what_is_posted_and_what_is_in_the_way() {
    let world = World::logged_in();
    world.account(ADA, &json!({ "privacy_level_options": ["SELF_ONLY"] }));
    world.upload(&videos(&world, 0, 1)).exits(0);
    let (ada, later) = (world.open_id(ADA), Timestamp::now() + SignedDuration::from_hours(9));
    world.video("1.mp4", 100_001);
    world.video("2.mp4", 100_002);
    std::fs::copy(world.path("0.mp4"), world.path("copy.mp4")).unwrap();
    let manifest = world.manifest(&json!([
        { "user_id": ada, "video_path": "0.mp4" },
        { "user_id": ada, "video_path": "copy.mp4" },
        { "user_id": ada, "video_path": "1.mp4" },
        { "user_id": ada, "video_path": "2.mp4", "privacy_level": "PUBLIC_TO_EVERYONE" },
        { "user_id": ada, "video_path": "2.mp4", "publish_at": later.to_string() },
        { "user_id": ada, "video_url": "https://verified.example/clip.mp4" },
    ]));
    let before = world.sandbox.requests().len();
    let told = states(&world, &["--dry-run", &manifest], 1);
    assert_eq!(told, ["skipped", "skipped", "planned", "failed", "deferred", "planned"]);
    world.run(&["upload", "--dry-run", &manifest]).exits(1).says("it offers SELF_ONLY");
    assert_eq!(world.inits(), 1);
    let asked: Vec<_> =
        world.sandbox.requests()[before..].iter().map(|call| call.endpoint.clone()).collect();
    assert_eq!(asked, ["creator_info", "creator_info"], "once in each run");
    assert_eq!(world.posts_in_journal().unwrap().len(), 1, "nothing is recorded");
}

#[test]
fn a_dry_run_checks_the_length_that_the_creator_may_post() {
    let world = World::logged_in();
    world.account(ADA, &json!({ "max_video_post_duration_sec": 1 }));
    let manifest = videos(&world, 0, 1);
    world.run(&["upload", "--dry-run", &manifest]).exits(1).says("may post up to 1 s");
    assert_eq!(world.inits(), 0);
}

#[test]
fn a_post_that_another_manifest_left_is_looked_after() {
    let world = World::logged_in();
    world.run(&["upload", "--no-wait", &videos(&world, 0, 1)]).exits(5);
    assert_eq!(world.phases(), [Phase::Uploaded]);
    world.upload(&videos(&world, 1, 1)).exits(0);
    assert_eq!(world.phases(), [Phase::Published]);
    world.run(&["status"]).exits(0);
}

#[test]
fn an_upload_that_no_manifest_names_any_more_is_given_up_when_it_is_dead() {
    let mut world = World::logged_in();
    world.fault(&json!({ "endpoint": "upload", "nth": 2, "times": 6,
        "do": { "answer": { "status": 503 } } }));
    world.upload(&world.long()).exits(5);
    let manifest = videos(&world, 0, 1);
    world.upload(&manifest).exits(0);
    assert_eq!(world.phases(), [Phase::Open { stored: 1 }]);
    world.run(&["status"]).exits(5).says("uploading");
    world.advance(SignedDuration::from_mins(76));
    world.upload(&manifest).exits(0);
    assert_eq!(world.phases(), [Phase::Abandoned]);
    world.run(&["status"]).exits(0);
}

#[test]
fn what_is_posted_is_called_so_also_after_a_cap() {
    let world = World::logged_in();
    world.upload(&videos(&world, 1, 1)).exits(0);
    let manifest = videos(&world, 0, 3);
    world.refuse("creator_info", 1, 0, "spam_risk_too_many_posts");
    assert_eq!(states(&world, &[&manifest], 5), ["deferred", "skipped", "deferred"]);
}

#[test]
fn a_post_that_is_being_uploaded_cannot_be_settled_by_hand() {
    let world = World::logged_in();
    world.fault(&json!({ "endpoint": "video_init", "do": { "garbage": true } }));
    world.upload(&world.pull()).exits(6);
    world.hold("upload", 1, "after");
    let run = world.start_upload(&videos(&world, 0, 1));
    world.wait_until("another post is on its way", |world| world.calls("video_init").len() == 2);
    world.run(&["resolve", "1", "--posted"]).exits(5).says("by process");
    run.kill();
    world.run(&["--json", "resolve", "1", "--posted"]).exits(0).says("\"posted\":true");
}

#[test]
fn status_learns_the_end_beside_an_upload_that_waits() {
    let world = World::logged_in();
    world.hold("status", 1, "middle");
    let run = world.start_upload(&world.short());
    world.wait_until("the upload waits", |world| world.calls("status").len() == 1);
    assert_eq!(world.phases(), [Phase::Uploaded]);
    world.run(&["status"]).exits(0);
    assert_eq!(world.phases(), [Phase::Published]);
    assert!(!run.has_left());
    world.let_go();
    run.end().exits(0).says("1 published");
}

#[test]
fn after_one_post_stopped_the_account_the_others_are_called_what_they_are() {
    let mut world = World::logged_in();
    world.upload(&videos(&world, 3, 1)).exits(0);
    world.run(&["upload", "--no-wait", &videos(&world, 1, 2)]).exits(5);
    world.refuse("token_refresh", 1, 0, "invalid_grant");
    world.advance(SignedDuration::from_hours(3));
    let manifest = videos(&world, 1, 4);
    let ran = world.run(&["upload", "--json", &manifest]).exits(3);
    let posts = ran.json();
    let states: Vec<_> = posts[..4].iter().map(|post| post["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["processing", "processing", "skipped", "deferred"]);
    for post in &posts[..2] {
        assert!(post["publish_id"].is_string());
        assert!(post["error"]["hint"].as_str().unwrap().contains("may be live"));
    }
}

#[test]
fn without_the_scope_of_every_post_nothing_is_sent() {
    let world = World::new();
    world.consent(&json!({ "account": ADA, "scopes": ["user.info.basic", "video.publish"] }));
    world.login_with(&[]);
    world.video("a.mp4", 100_000);
    world.video("b.mp4", 100_001);
    let manifest = world.manifest(&json!([
        { "user_id": world.open_id(ADA), "video_path": "a.mp4" },
        { "user_id": world.open_id(ADA), "video_path": "b.mp4", "mode": "draft" },
    ]));
    world.upload(&manifest).exits(3).says("did not grant the scope `video.upload`").says("post 2");
    assert!(world.calls("creator_info").is_empty());
}

#[test]
fn an_id_is_unique_for_its_account() {
    let world = World::logged_in();
    world.login(BEA);
    world.run(&["accounts", "alias", &world.open_id(ADA), "ada"]).exits(0);
    world.video("a.mp4", 100_000);
    world.video("b.mp4", 100_001);
    let of =
        |user: &str, video: &str| json!({ "user_id": user, "video_path": video, "id": "monday" });
    let both = world.manifest(&json!([of("ada", "a.mp4"), of(&world.open_id(BEA), "b.mp4")]));
    world.upload(&both).exits(0).says("2 published");
    let twice = world.manifest(&json!([of("ada", "a.mp4"), of(&world.open_id(ADA), "b.mp4")]));
    world.upload(&twice).exits(2).says("the same as that of post 1");
}

#[test]
fn status_waits_for_what_moves_and_not_for_a_chunk_that_never_came() {
    let world = World::logged_in().timing("poll_limit=200ms,final_wait=50ms");
    world.fault(&json!({ "endpoint": "upload", "do": { "stall": "1h", "when": "before" } }));
    let run = world.start_upload(&videos(&world, 1, 1));
    world.wait_until("the last chunk is on its way", |world| {
        world.phases() == [Phase::FinalIntent { stored: 0 }]
    });
    run.kill();
    world.run(&["status", "--wait"]).exits(5).says("last chunk unconfirmed");
}

#[test]
fn an_upload_whose_entry_was_made_private_is_not_finished_as_a_public_one() {
    let world = World::new();
    world.login(BEA);
    world.video("long.mp4", 3 * CHUNK);
    let entry = |privacy: &str| {
        world.manifest(&json!([{ "user_id": world.open_id(BEA), "video_path": "long.mp4",
            "privacy_level": privacy }]))
    };
    world.fault(&json!({ "endpoint": "upload", "nth": 2, "times": 6,
        "do": { "answer": { "status": 503 } } }));
    world.upload(&entry("PUBLIC_TO_EVERYONE")).exits(5);
    assert_eq!(world.phases(), [Phase::Open { stored: 1 }]);
    world.upload(&entry("SELF_ONLY")).exits(0).says("settings were changed; starting over");
    assert_eq!(world.phases(), [Phase::Abandoned, Phase::Published]);
    let published: Vec<_> =
        world.posts().into_iter().filter(|post| post.status == "PUBLISH_COMPLETE").collect();
    assert_eq!(published.len(), 1);
    assert_eq!(published[0].privacy, Some(Privacy::SelfOnly));
    // Nothing can be done any more about what TikTok has.
    world.upload(&entry("PUBLIC_TO_EVERYONE")).exits(0).says("the entry has other settings by now");
}

#[test]
fn settings_that_change_too_late_are_said() {
    let world = World::logged_in();
    world.video("clip.mp4", 100_000);
    let entry = |words: &str| {
        world.manifest(&json!([{ "user_id": world.open_id(ADA), "video_path": "clip.mp4",
            "description": words }]))
    };
    world.run(&["upload", "--no-wait", &entry("one")]).exits(5);
    world.upload(&entry("two")).exits(0).says("changed too late");
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn a_flag_that_is_wider_than_the_manifests_own_default_is_said() {
    let world = World::new();
    world.login(BEA);
    world.video("a.mp4", 100_000);
    world.video("b.mp4", 100_001);
    let of = |level: &str, name: &str| {
        world.manifest(
            &json!({ "defaults": { "user_id": world.open_id(BEA), "privacy_level": level },
            "posts": [{ "video_path": name }] }),
        )
    };
    let wide = ["upload", "--privacy", "PUBLIC_TO_EVERYONE"];
    world
        .run(&[&wide[..], &[&of("SELF_ONLY", "a.mp4")]].concat())
        .exits(0)
        .says("wider than SELF_ONLY");
    let narrow = ["upload", "--privacy", "SELF_ONLY"];
    let ran = world.run(&[&narrow[..], &[&of("PUBLIC_TO_EVERYONE", "b.mp4")]].concat());
    ran.exits(0).never_says("wider");
    let levels: Vec<_> = world.posts().into_iter().map(|post| post.privacy).collect();
    assert_eq!(levels, [Some(Privacy::PublicToEveryone), Some(Privacy::SelfOnly)]);
}

#[test]
fn a_post_that_failed_for_good_is_tried_again_by_itself() {
    let world = World::logged_in();
    let manifest = videos(&world, 1, 3);
    world.fault(&json!({ "endpoint": "video_init", "nth": 2, "do": { "outcome": {
        "status": "FAILED", "fail_reason": "picture_size_check_failed" } } }));
    world.upload(&manifest).exits(1).says("2 published, 1 failed");
    world
        .upload(&manifest)
        .exits(1)
        .says("tiktok-up resolve 2 --not-posted")
        .never_says("--repost");
    let settle = ["resolve", "2", "--not-posted"];
    world.run(&settle).exits(0).says("counts as not posted; the next upload");
    // Why it failed is not forgotten.
    let why = "settled by hand as not posted; before that: TikTok did not post it: picture_size";
    world.run(&["status", "2"]).says(why);
    let ran = world.run(&settle).exits(0);
    ran.says("settled already: the next upload that names it posts it");
    let line = world.run(&["--json", "resolve", "2", "--not-posted"]).exits(0).json().remove(0);
    assert_eq!(line["changed"], false, "{line}");
    world.run(&["status", "2"]).says(why);
    world.upload(&manifest).exits(0).says("1 published, 2 skipped");
    assert_eq!(world.published(), 3);
}

#[test]
fn a_failed_post_that_somebody_posted_by_hand_is_not_sent_again() {
    let world = World::logged_in();
    let manifest = videos(&world, 0, 1);
    world.fault(&json!({ "endpoint": "video_init", "do": { "outcome": {
        "status": "FAILED", "fail_reason": "spam_risk_text" } } }));
    world.upload(&manifest).exits(1);
    world.run(&["resolve", "1", "--posted"]).exits(0).says("not posted again");
    world
        .run(&["status", "1"])
        .exits(0)
        .says("before that: TikTok did not post it: spam_risk_text");
    world.upload(&manifest).exits(0).says("1 skipped");
    world.run(&["resolve", "1", "--posted"]).exits(0).says("already");
    assert_eq!((world.inits(), world.published()), (1, 0));
}

#[test]
fn what_tiktok_works_on_can_be_called_posted_and_not_the_reverse() {
    let world = World::logged_in();
    world.say_status(0, &json!({ "status": "PROCESSING_UPLOAD" }));
    let manifest = videos(&world, 0, 1);
    world.run(&["upload", "--no-wait", &manifest]).exits(5);
    let ran = world.run(&["resolve", "1", "--not-posted"]).exits(2);
    ran.says("cannot be settled as not posted").says("tiktok-up status 1");
    world.run(&["resolve", "1", "--posted"]).exits(0);
    world.upload(&manifest).exits(0).says("already posted");
    assert_eq!(world.inits(), 1);
}

#[test]
fn an_account_that_is_logged_out_while_it_uploads_needs_a_login() {
    let world = World::logged_in();
    world.fault(&json!({ "endpoint": "upload", "do": { "stall": "1h", "when": "after" } }));
    let run = world.start_upload(&world.short());
    world.wait_until("TikTok has it", |world| world.published() == 1);
    let ada = world.open_id(ADA);
    world.run(&["logout", &ada]).exits(5).says("a run is posting for the account");
    world.run(&["logout", &ada, "--local-only"]).exits(0);
    world.sandbox.clear_faults();
    run.end().exits(3);
}
