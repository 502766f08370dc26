//! The fault matrix, where an attempt begins: rows 25 to 32 and 70 to 77.

use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;
use serde_json::{Value, json};
use tiktok_sandbox::Options;
use tiktok_up::testing::{Failed, Phase};
use tokio::net::TcpSocket;

use crate::world::{ADA, BEA, Ran, World};

/// The ways in which an init is not answered so that it is known what became of it, and what is said of
/// each; one needs [`IMPATIENT`].
fn lost_answers() -> [(Value, &'static str); 6] {
    const NONE: &str = "no answer from 127.0.0.1 to `";
    [
        (json!({ "drop": "before" }), NONE),
        (json!({ "drop": "middle" }), NONE),
        (json!({ "drop": "after" }), NONE),
        (json!({ "answer": { "status": 503 }, "when": "after" }), "with HTTP 503"),
        (json!({ "garbage": true, "when": "after" }), "not as TikTok does"),
        (json!({ "stall": "1h", "when": "after" }), NONE),
    ]
}

/// Waiting times for who is kept waiting for an answer, yet long enough for all answers that come.
const IMPATIENT: &str = "answer=3s";

#[test]
fn f25_a_refused_token_is_renewed_and_the_same_init_sent_again() {
    let world = World::logged_in();
    world.refuse("video_init", 1, 1, "access_token_invalid");
    world.upload(&world.short()).exits(0);
    assert_eq!(world.calls("token_refresh").len(), 1);
    assert_eq!((world.inits(), world.published()), (2, 1));
    assert_eq!(world.phases(), [Phase::Rejected, Phase::Published]);
}

#[test]
fn f25_killed_while_the_token_is_renewed_nothing_is_unknown() {
    pulled(|world, manifest, init| {
        world.refuse(init, 1, 1, "access_token_invalid");
        world.hold("token_refresh", 1, "before");
        let run = world.start_upload(&manifest);
        world.wait_until("the refusal is recorded", |world| world.phases() == [Phase::Rejected]);
        run.kill();
        // What TikTok holds back is not let go: it must not renew the token now.
        world.upload(&manifest).exits(0).never_says("unknown");
        assert_eq!((world.inits(), world.published()), (2, 1));
    });
}

#[test]
fn f25_refused_with_a_new_token_too_it_is_not_sent_a_third_time() {
    let world = World::logged_in();
    world.refuse("video_init", 1, 0, "access_token_invalid");
    world.upload(&world.short()).exits(3).says("tiktok-up login");
    assert_eq!((world.inits(), world.calls("token_refresh").len()), (2, 1));
}

#[test]
fn f25_without_a_login_the_init_is_not_sent_again() {
    let world = World::logged_in();
    world.refuse("video_init", 1, 1, "access_token_invalid");
    world.refuse("token_refresh", 1, 0, "invalid_grant");
    let manifest = world.short();
    world.upload(&manifest).exits(3).says("tiktok-up login");
    assert_eq!(world.inits(), 1);
    world.sandbox.clear_faults();
    world.login(ADA).exits(0);
    world.upload(&manifest).exits(0);
    assert_eq!(world.published(), 1);
}

#[test]
fn f26_a_refused_chunk_size_is_said_and_not_tried_again() {
    let world = World::logged_in();
    world.fault(&json!({ "endpoint": "video_init", "do": { "refuse": {
        "code": "invalid_params", "message": "The chunk size is invalid" } } }));
    world
        .upload(&world.short())
        .exits(1)
        .says("chunk size is invalid")
        .says("--chunk-size")
        .says("log_id");
    assert_eq!(world.inits(), 1);
    assert_eq!(world.phases(), [Phase::Rejected]);
}

/// Two posts by `@ada`, one by `@bea`.
fn two_accounts(world: &World) -> String {
    world.login(BEA);
    for (name, size) in [("a.mp4", 100_000), ("b.mp4", 100_001), ("c.mp4", 100_002)] {
        world.video(name, size);
    }
    world.manifest(&json!([
        { "user_id": world.open_id(ADA), "video_path": "a.mp4" },
        { "user_id": world.open_id(ADA), "video_path": "b.mp4" },
        { "user_id": world.open_id(BEA), "video_path": "c.mp4" },
    ]))
}

#[test]
fn f27_a_cap_defers_the_rest_of_its_account_and_no_other() {
    for endpoint in ["creator_info", "video_init"] {
        let world = World::logged_in();
        let manifest = two_accounts(&world);
        world.fault(&json!({ "endpoint": endpoint, "times": 0, "account": "@ada",
            "do": { "refuse": { "code": "spam_risk_too_many_posts" } } }));
        let ran = world.run(&["upload", "--json", &manifest]).exits(5).says("quota of posts");
        let states: Vec<_> =
            ran.json().iter().filter_map(|line| Some(line["state"].as_str()?.to_owned())).collect();
        assert_eq!(states.iter().filter(|state| *state == "deferred").count(), 2, "{ran:?}");
        assert_eq!(world.published(), 1);
        assert_eq!(
            world.calls(endpoint).iter().filter(|c| c.account.as_deref() == Some(ADA)).count(),
            1
        );
    }
}

#[test]
fn f27_a_cap_is_remembered_until_it_may_have_passed() {
    let mut world = World::logged_in();
    let manifest = world.short();
    world.refuse("creator_info", 1, 1, "spam_risk_too_many_posts");
    world.upload(&manifest).exits(5).says("not before");
    world.upload(&manifest).exits(5).says("not before");
    assert_eq!(world.calls("creator_info").len(), 1, "TikTok is not asked again at once");
    world.advance(SignedDuration::from_hours(25));
    world.upload(&manifest).exits(0);
    assert_eq!(world.published(), 1);
}

#[test]
fn f27_five_pending_drafts_are_known_before_the_sixth_init() {
    let mut world = World::logged_in();
    let posts: Vec<_> = (0..6)
        .map(|i| {
            let name = format!("{i}.mp4");
            world.video(&name, 100_000 + i);
            json!({ "user_id": world.open_id(ADA), "video_path": name, "mode": "draft" })
        })
        .collect();
    let manifest = world.manifest(&json!(posts));
    world.upload(&manifest).exits(5).says("not before").says("drafts");
    assert_eq!((world.inits(), world.published()), (5, 5));
    world.advance(SignedDuration::from_hours(25));
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (6, 6));
}

#[test]
fn f28_a_rate_limited_init_waits_and_is_the_same_init() {
    let world = World::logged_in();
    world.refuse("video_init", 1, 3, "rate_limit_exceeded");
    world.upload(&world.short()).exits(0).says("slow down");
    assert_eq!((world.inits(), world.published()), (4, 1));
    // Each refusal is durable before the wait, so that a crash in it leaves no doubt.
    let refused = Phase::Rejected;
    assert_eq!(world.phases(), [refused, refused, refused, Phase::Published]);
}

#[test]
fn f28_killed_while_it_waits_nothing_is_unknown() {
    pulled(|world, manifest, init| {
        let world = world.timing("rate_limited=1h");
        world.refuse(init, 1, 1, "rate_limit_exceeded");
        let run = world.start_upload(&manifest);
        world.wait_until("the refusal is recorded", |world| world.phases() == [Phase::Rejected]);
        run.kill();
        world.run(&["status"]).exits(5).says("refused").never_says("unknown");
        world.upload(&manifest).exits(0).never_says("unknown");
        assert_eq!((world.inits(), world.published()), (2, 1));
    });
}

#[test]
fn f28_retry_after_is_honoured() {
    let world = World::logged_in();
    let body = json!({ "data": {}, "error": { "code": "rate_limit_exceeded", "message": "", "log_id": "1" } });
    world.fault(&json!({ "endpoint": "video_init", "do": { "answer": {
        "status": 429, "headers": { "Retry-After": "605" }, "body": body } } }));
    let manifest = world.short();
    let run = world.start_upload(&manifest);
    world.wait_until("it waits as long as TikTok asks", |_| run.said("waiting 10m 5s"));
    world.wait_until("it does nothing else", |_| run.is_at_rest());
    run.signal(Signal::INT);
    run.end().exits(130);
    assert_eq!((world.inits(), world.phases()), (1, vec![Phase::Rejected]));
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (2, 1));
}

#[test]
fn f28_a_rate_limit_without_end_is_left_for_later() {
    let world = World::logged_in();
    world.refuse("video_init", 1, 4, "rate_limit_exceeded");
    let manifest = world.short();
    world.upload(&manifest).exits(5);
    assert_eq!(world.inits(), 4);
    world.upload(&manifest).exits(0);
    assert_eq!(world.published(), 1);
}

#[test]
fn f29_a_lost_answer_to_a_files_init_is_followed_by_one_new_init() {
    for (fault, came) in lost_answers() {
        let world = World::logged_in().timing(IMPATIENT);
        world.fault(&json!({ "endpoint": "video_init", "do": fault }));
        let manifest = world.short();
        let ran = world.upload(&manifest).exits(0).says(came).says("nothing can have been posted");
        ran.never_says("lost");
        assert_eq!(world.phases(), [Phase::Lost, Phase::Published], "{fault}");
        assert_eq!(world.published(), 1, "{fault}");
        world.upload(&manifest).exits(0);
        assert_eq!(world.published(), 1, "{fault}");
    }
}

#[test]
fn f29_at_most_two_inits_an_hour_are_lost() {
    let mut world = World::logged_in();
    world.fault(&json!({ "endpoint": "video_init", "times": 2, "do": { "drop": "after" } }));
    let manifest = world.short();
    world.upload(&manifest).exits(5);
    world.upload(&manifest).exits(5).says("not before");
    assert_eq!(world.inits(), 2);
    world.advance(SignedDuration::from_mins(61));
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (3, 1));
}

#[test]
fn f30_killed_before_the_inits_answer_was_recorded() {
    let world = World::logged_in();
    world.hold("video_init", 1, "after");
    let manifest = world.short();
    let run = world.start_upload(&manifest);
    world.wait_until("TikTok has the init", |world| world.posts().len() == 1);
    run.kill();
    assert_eq!(world.phases(), [Phase::InitIntent]);
    world.upload(&manifest).exits(0);
    assert_eq!(world.phases(), [Phase::Lost, Phase::Published]);
    assert_eq!(world.published(), 1);
}

#[test]
fn f31_an_init_that_cannot_be_recorded_is_followed_by_no_byte() {
    let world = World::logged_in();
    world.hold("video_init", 1, "after");
    let manifest = world.short();
    let run = world.start_upload_on_small_disk(&manifest);
    world.wait_until("TikTok has the init", |world| world.posts().len() == 1);
    run.fill_disk();
    world.let_go();
    run.end().exits(4).says("could not record");
    assert!(world.calls("upload").is_empty());
    assert_eq!(world.phases(), [Phase::InitIntent]);
    world.upload(&manifest).exits(0);
    assert_eq!(world.published(), 1);
}

#[test]
fn f32_bytes_go_to_no_other_host() {
    for long in [false, true] {
        let world = World::logged_in();
        let url = "https://upload.evil.example/video?upload_token=hush";
        world.fault(&json!({ "endpoint": "video_init", "do": { "answer": { "status": 200,
            "headers": { "Content-Type": "application/json" },
            "body": { "data": { "publish_id": "v_pub_file~v2.1", "upload_url": url },
                      "error": { "code": "ok", "message": "", "log_id": "1" } } } } }));
        let manifest = if long { world.long() } else { world.short() };
        world.upload(&manifest).exits(1).says("upload.evil.example").never_says("hush");
        assert_eq!(world.phases(), [Phase::Abandoned]);
        assert!(world.calls("upload").is_empty());
    }
}

#[test]
fn f70_a_captive_portal_is_a_network_fault() {
    for endpoint in ["creator_info", "video_init", "upload", "status"] {
        let world = World::logged_in();
        world.fault(&json!({ "endpoint": endpoint, "do": { "garbage": true } }));
        let manifest = world.long();
        world.upload(&manifest).exits(0);
        assert_eq!(world.published(), 1, "{endpoint}");
    }
}

#[test]
fn f70_a_captive_portal_that_stays_is_for_a_later_run() {
    let world = World::logged_in();
    world.fault(&json!({ "endpoint": "any", "times": 0, "do": { "garbage": true } }));
    let manifest = world.short();
    world.upload(&manifest).exits(5).says("not as TikTok does");
    world.sandbox.clear_faults();
    world.upload(&manifest).exits(0);
    assert_eq!(world.published(), 1);
}

/// A pull and a photo post, each with a world of its own.
fn pulled(mut test: impl FnMut(World, String, &'static str)) {
    let world = World::logged_in();
    let manifest = world.pull();
    test(world, manifest, "video_init");
    let world = World::logged_in();
    let manifest = world.photos();
    test(world, manifest, "content_init");
}

#[test]
fn a_pull_and_photos_are_posted_once() {
    pulled(|world, manifest, _| {
        world.upload(&manifest).exits(0);
        world.upload(&manifest).exits(0).says("already posted");
        assert_eq!((world.inits(), world.published()), (1, 1));
    });
}

#[test]
fn f71_an_unclear_init_of_a_pull_is_never_sent_again() {
    for (fault, came) in lost_answers() {
        pulled(|world, manifest, init| {
            let world = world.timing(IMPATIENT);
            world.fault(&json!({ "endpoint": init, "do": fault }));
            let ran = world.upload(&manifest).exits(6).says("tiktok-up resolve 1 --posted");
            ran.says("profile").says(came);
            assert_eq!(world.phases(), [Phase::Unresolved], "{fault}");
            world.upload(&manifest).exits(6).says("tiktok-up resolve 1 --posted");
            assert_eq!(world.inits(), 1, "{fault}");
            world.run(&["status"]).exits(6).says("resolve 1");
        });
    }
}

#[test]
fn f71_json_of_a_gateway_is_no_refusal() {
    for (status, body) in [
        (200, json!({ "error": "upstream request timeout" })),
        (408, json!({ "error": { "code": "timeout", "message": "gateway" } })),
    ] {
        pulled(|world, manifest, init| {
            world.fault(&json!({ "endpoint": init, "do": {
                "answer": { "status": status, "body": body }, "when": "after" } }));
            world.upload(&manifest).exits(6).says("resolve 1");
            assert_eq!(world.phases(), [Phase::Unresolved], "{body}");
            assert_eq!((world.inits(), world.posts().len()), (1, 1));
        });
    }
}

#[test]
fn f71_killed_before_the_inits_answer_was_recorded() {
    pulled(|world, manifest, init| {
        world.hold(init, 1, "after");
        let run = world.start_upload(&manifest);
        world.wait_until("TikTok has the init", |world| world.posts().len() == 1);
        run.kill();
        world.upload(&manifest).exits(6).says("resolve 1");
        assert_eq!(world.phases(), [Phase::Unresolved]);
        assert_eq!(world.posts().len(), 1);
    });
}

#[test]
fn f71_a_human_settles_it() {
    let unclear = || {
        let world = World::logged_in();
        world.fault(&json!({ "endpoint": "video_init", "do": { "garbage": true } }));
        let manifest = world.pull();
        world.upload(&manifest).exits(6);
        (world, manifest)
    };
    let (world, manifest) = unclear();
    world.run(&["resolve", "1", "--posted"]).exits(0);
    world.upload(&manifest).exits(0).says("already posted");
    world.run(&["status"]).exits(0);
    assert_eq!(world.inits(), 1);
    let (world, manifest) = unclear();
    world.run(&["resolve", "1", "--not-posted"]).exits(0);
    world.run(&["status"]).exits(0);
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (2, 1));
    world.run(&["resolve", "1", "--posted"]).exits(0).says("published already");
    world.run(&["resolve", "1", "--not-posted"]).exits(2).says("cannot be settled as not posted");
    world.run(&["resolve", "7", "--posted"]).exits(2).says("no post 7");
}

/// Runs an upload of drafts while nothing listens at TikTok's address.
fn upload_to_nobody(world: &World, manifest: &str) -> Ran {
    // Bound, so that nobody else gets the port meanwhile, and deaf.
    let deaf = TcpSocket::new_v4().unwrap();
    deaf.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    // Tokens that are known to be of one API are not used with another.
    world.forget_api(ADA);
    let mut command = world.command(&["upload", "--draft", manifest]);
    command.env("TIKTOK_UP_API_URL", format!("http://{}", deaf.local_addr().unwrap()));
    Ran::of(command)
}

#[test]
fn f27_an_inbox_that_is_full_has_room_when_its_first_draft_is_a_day_old() {
    let mut world = World::logged_in();
    for (size, name) in (100_000..).zip(["a.mp4", "b.mp4", "c.mp4"]) {
        world.video(name, size);
    }
    let draft = |world: &World, name: &str| {
        world.manifest(&json!([{ "user_id": world.open_id(ADA), "video_path": name,
            "mode": "draft" }]))
    };
    world.upload(&draft(&world, "a.mp4")).exits(0);
    world.advance(SignedDuration::from_hours(20));
    world.upload(&draft(&world, "b.mp4")).exits(0);
    // TikTok counts drafts that this machine does not know.
    world.refuse("inbox_init", 1, 1, "spam_risk_too_many_pending_share");
    let ran = world.run(&["upload", "--json", &draft(&world, "c.mp4")]).exits(5);
    let post = ran.json().into_iter().find(|line| line["event"] == "post").unwrap();
    let at: Timestamp = post["not_before"].as_str().unwrap().parse().unwrap();
    let left = at.duration_since(Timestamp::now() + SignedDuration::from_hours(20));
    assert!(left < SignedDuration::from_hours(5), "{left:?}: {post}");
}

#[test]
fn f72_an_init_that_never_left_is_repeated_in_any_mode() {
    for manifest in [World::short, World::pull, World::photos] {
        let world = World::logged_in();
        let manifest = manifest(&world);
        upload_to_nobody(&world, &manifest).exits(5).says("could not connect");
        let attempts = world.attempts(1);
        assert!(attempts.len() > 1, "it was tried again");
        assert!(attempts.iter().all(|attempt| attempt.phase == Phase::Lost));
        world.run(&["upload", "--draft", &manifest]).exits(0);
        assert_eq!((world.inits(), world.published()), (1, 1));
    }
}

#[test]
fn f73_a_failed_pull_waits_for_a_later_run_and_gets_three_in_all() {
    let world = World::logged_in();
    let manifest = world.pull();
    world.fault(&json!({ "endpoint": "video_init", "times": 0, "do": { "outcome": {
        "status": "FAILED", "fail_reason": "video_pull_failed" } } }));
    let given_up = "it is not tried again by itself";
    for inits in [1, 2] {
        let ran = world.upload(&manifest).exits(1).never_says(given_up);
        ran.says("the URL must be public")
            .says("the next run tries it again")
            .says("resolve 1 --posted");
        assert_eq!(world.inits(), inits);
    }
    for _ in 0..2 {
        let ran = world.upload(&manifest).exits(1).says("the URL must be public").says(given_up);
        ran.never_says("the next run tries it again");
        assert_eq!(world.inits(), 3);
    }
    assert_eq!(world.phases(), [Phase::Failed(Failed::Pull); 3]);
    let world = World::logged_in();
    world.fault(&json!({ "endpoint": "video_init", "do": { "outcome": {
        "status": "FAILED", "fail_reason": "video_pull_failed" } } }));
    let manifest = world.pull();
    world.upload(&manifest).exits(1).says("video_pull_failed");
    world.upload(&manifest).exits(0);
    assert_eq!(world.published(), 1);
}

#[test]
fn f74_an_account_that_must_be_private_stops_with_the_setting_to_change() {
    let world = World::with(Options { unaudited: true, ..Options::default() });
    world.login(BEA);
    world.video("a.mp4", 100_000);
    world.video("b.mp4", 100_001);
    let manifest = world.manifest(&json!([
        { "user_id": world.open_id(BEA), "video_path": "a.mp4" },
        { "user_id": world.open_id(BEA), "video_path": "b.mp4" },
    ]));
    world.upload(&manifest).exits(1).says("*account*").says("2 failed");
    assert_eq!(world.inits(), 1, "the second would meet the same");
    assert_eq!(world.phases(), [Phase::Rejected]);
}

#[test]
fn f74_a_privacy_level_that_is_not_offered_is_not_widened() {
    let world = World::logged_in();
    world.account(ADA, &json!({ "privacy_level_options": ["SELF_ONLY"] }));
    world.video("a.mp4", 100_000);
    world.video("b.mp4", 100_001);
    let manifest = world.manifest(&json!([
        { "user_id": world.open_id(ADA), "video_path": "a.mp4", "privacy_level": "PUBLIC_TO_EVERYONE" },
        { "user_id": world.open_id(ADA), "video_path": "b.mp4", "privacy_level": "SELF_ONLY" },
    ]));
    world.upload(&manifest).exits(1).says("it offers SELF_ONLY");
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn f74_a_url_that_the_app_does_not_own() {
    let world = World::logged_in();
    let manifest = world.manifest(&json!([{ "user_id": world.open_id(ADA),
        "video_url": "https://elsewhere.example/clip.mp4" }]));
    world.upload(&manifest).exits(1).says("URL properties");
    assert_eq!(world.phases(), [Phase::Rejected]);
}

#[test]
fn f75_a_missing_scope_asks_for_a_login_and_refreshes_nothing() {
    let world = World::logged_in();
    world.refuse("video_init", 1, 1, "scope_not_authorized");
    world.upload(&world.short()).exits(3).says("scope");
    assert!(world.calls("token_refresh").is_empty());
    assert_eq!(world.phases(), [Phase::Rejected]);
}

#[test]
fn f77_a_pull_that_cannot_be_recorded_is_told_by_its_publish_id() {
    pulled(|world, manifest, init| {
        world.hold(init, 1, "after");
        let run = world.start_upload_on_small_disk(&manifest);
        world.wait_until("TikTok has the init", |world| world.posts().len() == 1);
        run.fill_disk();
        world.let_go();
        let ran = run.end().exits(6).says("could not be recorded").says("tiktok-up resolve 1 ");
        assert!(ran.stderr.contains(&world.posts()[0].publish_id), "{ran:?}");
        assert_eq!(world.phases(), [Phase::InitIntent]);
        let told = world.run(&["status"]).exits(5).says("may have been told and may post it");
        told.says("tiktok-up resolve 1 --posted").never_says("not sent");
        world.upload(&manifest).exits(6);
        assert_eq!(world.phases(), [Phase::Unresolved]);
        assert_eq!(world.inits(), 1);
        let explained = |code: &str| world.run(&["--json", "explain", code]).exits(0).json();
        for code in ["unrecorded_open", "unrecorded_refusal"] {
            assert_eq!(explained(code)[0]["exit"], 6, "{code}");
        }
    });
}

#[test]
fn f77_an_upload_that_died_at_its_init_is_told_as_one_that_may_have_begun() {
    let world = World::logged_in();
    world.hold("video_init", 1, "after");
    let run = world.start_upload(&world.short());
    world.wait_until("TikTok has the init", |world| world.posts().len() == 1);
    run.kill();
    world.let_go();
    let told = world.run(&["status"]).exits(5).says("which may have been told");
    told.says("no post comes of that").never_says("not sent");
}
