//! A dry run takes the way of a run and ends it before the first call that creates something.

use std::fs;

use serde_json::{Value, json};

use crate::world::{ADA, BEA, Ran, World};

/// The posts that a run told of, in the manifest's order.
fn told(world: &World, args: &[&str], exit: i32) -> Vec<Value> {
    let ran = world.run(&[&["upload", "--json"], args].concat()).exits(exit);
    let mut posts = ran.json();
    posts.retain(|line| line["event"] == "post");
    posts.sort_by_key(|post| post["index"].as_u64());
    posts
}

fn states(posts: &[Value]) -> Vec<&str> {
    posts.iter().map(|post| post["state"].as_str().unwrap()).collect()
}

#[test]
fn a_dry_run_shows_the_caption_as_tiktok_gets_it() {
    let world = World::logged_in();
    world.video("clip.mp4", 100_000);
    let ada = world.open_id(ADA);
    let photos = json!(["https://verified.example/1.jpg"]);
    let manifest = world.manifest(&json!([
        { "user_id": ada, "video_path": "clip.mp4", "description": "two\nlines", "tags": ["fun"] },
        { "user_id": ada, "photo_urls": photos, "title": "A head", "description": "é" },
        { "user_id": ada, "video_url": "https://verified.example/v.mp4", "description": "no",
          "mode": "draft" },
    ]));
    let posts = told(&world, &["--dry-run", &manifest], 0);
    let notes: Vec<_> = posts.iter().map(|post| post["note"].as_str().unwrap()).collect();
    assert_eq!(
        notes,
        [
            "100.0 kB in 1 chunk, SELF_ONLY, caption \"two\\nlines #fun\"",
            "pulled by TikTok, SELF_ONLY, title \"A head\", caption \"é\"",
            "pulled by TikTok, draft",
        ]
    );
    world.run(&["upload", &manifest]).exits(0);
    let sent: Vec<_> = world.posts().into_iter().map(|post| post.title).collect();
    assert!(sent.contains(&"two\nlines #fun".to_owned()), "{sent:?}");
}

#[test]
fn what_a_manifest_names_twice_is_skipped_as_in_a_run() {
    let world = World::logged_in();
    world.video("clip.mp4", 100_000);
    world.video("other.mp4", 100_000);
    fs::write(world.path("other.mp4"), other_of_that_size(&world)).unwrap();
    fs::copy(world.path("clip.mp4"), world.path("copy.mp4")).unwrap();
    let ada = world.open_id(ADA);
    let manifest = world.manifest(&json!([
        { "user_id": ada, "video_path": "clip.mp4" },
        { "user_id": ada, "video_path": "clip.mp4" },
        { "user_id": ada, "video_path": "copy.mp4" },
        { "user_id": ada, "video_path": "other.mp4" },
        { "user_id": ada, "video_path": "clip.mp4", "mode": "draft" },
        { "user_id": ada, "video_url": "https://verified.example/v.mp4" },
        { "user_id": ada, "video_url": "https://verified.example/v.mp4" },
    ]));
    let dry = told(&world, &["--dry-run", &manifest], 0);
    assert_eq!(
        states(&dry),
        ["planned", "skipped", "skipped", "planned", "planned", "planned", "skipped"]
    );
    let note = dry[2]["note"].as_str().unwrap();
    assert!(note.starts_with("the same as post 1 of this manifest; to have both"), "{note}");
    let ran = told(&world, &[&manifest], 0);
    assert_eq!(
        states(&ran),
        ["published", "skipped", "skipped", "published", "inbox", "published", "skipped"]
    );
}

/// A video of the size of `clip.mp4` with another content.
fn other_of_that_size(world: &World) -> Vec<u8> {
    let mut content = fs::read(world.path("clip.mp4")).unwrap();
    *content.last_mut().unwrap() ^= 1;
    content
}

#[test]
fn two_ids_are_two_posts_in_a_dry_run_too() {
    let world = World::logged_in();
    world.video("clip.mp4", 100_000);
    let ada = world.open_id(ADA);
    let manifest = world.manifest(&json!([
        { "user_id": ada, "video_path": "clip.mp4", "id": "a" },
        { "user_id": ada, "video_path": "clip.mp4", "id": "b" },
        { "user_id": ada, "video_path": "clip.mp4" },
    ]));
    let dry = told(&world, &["--dry-run", &manifest], 0);
    let ran = told(&world, &[&manifest], 0);
    assert_eq!(states(&dry), ["planned", "planned", "skipped"]);
    assert_eq!(states(&ran), ["published", "published", "skipped"]);
}

#[test]
fn a_post_that_would_fail_does_not_stand_for_the_next_of_its_kind() {
    let world = World::logged_in();
    world.account(ADA, &json!({ "privacy_level_options": ["SELF_ONLY"] }));
    world.video("clip.mp4", 100_000);
    let ada = world.open_id(ADA);
    let manifest = world.manifest(&json!([
        { "user_id": ada, "video_path": "clip.mp4", "privacy_level": "PUBLIC_TO_EVERYONE" },
        { "user_id": ada, "video_path": "clip.mp4" },
    ]));
    let dry = told(&world, &["--dry-run", &manifest], 1);
    assert_eq!(states(&dry), ["failed", "planned"]);
    assert_eq!(dry[0]["error"]["code"], "privacy_level_option_mismatch");
    assert_eq!(dry[1]["error"], Value::Null);
    assert_eq!(states(&told(&world, &[&manifest], 1)), ["failed", "published"]);
}

#[test]
fn a_dry_run_says_what_the_limits_leave() {
    let world = World::logged_in().timing("quota_window=1h");
    world.login(BEA);
    for name in ["0.mp4", "1.mp4", "2.mp4"] {
        world.video(name, 100_000 + u64::from(name.as_bytes()[0]));
    }
    let (ada, bea) = (world.open_id(ADA), world.open_id(BEA));
    let entry = |user: &str, name: &str, mode: &str| json!({ "user_id": user, "video_path": name, "mode": mode });
    let (posted, draft) = (entry(&ada, "0.mp4", "direct"), entry(&ada, "1.mp4", "draft"));
    world.upload(&world.manifest(&json!([&posted, draft]))).exits(0);
    let next = [entry(&ada, "2.mp4", "draft"), entry(&bea, "2.mp4", "direct"), posted.clone()];
    let manifest = world.manifest(&json!(next));
    let ran = world.run(&["upload", "--dry-run", &manifest]).exits(0);
    ran.says(
        "4 of 6 posts may be begun within the coming minute; the inbox has room for 4 of 5 drafts",
    )
    .says("6 of 6 posts may be begun within the coming minute; no limit of 24 hours");
    // Nothing is left to post: nobody needs to know.
    let done = world.manifest(&json!([posted]));
    world.run(&["upload", "--dry-run", &done]).exits(0).never_says("coming minute");

    world.refuse("video_init", 1, 1, "spam_risk_too_many_posts");
    let refused = world.manifest(&json!([entry(&bea, "1.mp4", "direct")]));
    world.upload(&refused).exits(5);
    let full = world.run(&["upload", "--dry-run", &refused]).exits(5);
    full.says("limit of 24 hours is full; it is asked again from")
        .never_says("full until")
        .says("deferred")
        .never_says("planned")
        .never_says("coming minute");
}

/// What a dry run and then a run make of a manifest: the same, with the same exit code, and the dry run
/// without a call that a run alone makes.
#[track_caller]
fn foretold(world: &World, args: &[&str], exit: i32, expected: &[&str]) {
    let calls = || world.sandbox.requests().len();
    let before = calls();
    let dry = told(world, &[&["--dry-run"], args].concat(), exit);
    assert_eq!(states(&dry), expected, "{dry:#?}");
    assert_eq!(calls(), before, "nothing was asked");
    let ran = told(world, args, exit);
    assert_eq!(states(&ran), expected, "{ran:#?}");
    for (dry, ran) in dry.iter().zip(&ran) {
        assert_eq!(dry["error"], ran["error"]);
    }
}

fn drafts(world: &World, count: u64) -> String {
    let entries: Vec<_> = (0..count)
        .map(|number| {
            let name = format!("{number}.mp4");
            world.video(&name, 100_000 + number);
            json!({ "user_id": world.open_id(ADA), "video_path": name, "mode": "draft" })
        })
        .collect();
    world.manifest(&json!(entries))
}

#[test]
fn a_dry_run_knows_of_a_login_that_is_of_no_use() {
    let mut world = World::logged_in();
    world.refuse("token_refresh", 1, 0, "invalid_grant");
    world.run(&["refresh", "--force"]).exits(3);
    world.advance(jiff::SignedDuration::from_hours(48));
    foretold(&world, &[&drafts(&world, 2)], 3, &["deferred", "deferred"]);
    foretold(&world, &[&world.short()], 3, &["deferred"]);
}

#[test]
fn a_dry_run_knows_of_an_app_that_is_missing() {
    let world = World::logged_in();
    let manifest = drafts(&world, 1);
    let run = |args: &[&str]| {
        let mut command = world.command(&[&["upload", "--json"], args].concat());
        command.env("TIKTOK_CLIENT_KEY", "another_key").env("TIKTOK_CLIENT_SECRET", "another");
        Ran::of(command).exits(2).json().remove(0)
    };
    let dry = run(&["--dry-run", &manifest]);
    assert_eq!(dry["error"]["code"], "app_not_configured", "{dry:#}");
    let ran = run(&[&manifest]);
    assert_eq!((&dry["state"], &dry["error"]), (&ran["state"], &ran["error"]));
}

#[test]
fn a_dry_run_counts_the_drafts_that_it_would_make() {
    let world = World::logged_in().timing("quota_window=1ms");
    let manifest = drafts(&world, 7);
    let expected = ["planned", "planned", "planned", "planned", "planned", "deferred", "deferred"];
    let ran = world.run(&["upload", "--dry-run", &manifest]).exits(5);
    ran.says("this manifest has more drafts than that: posts 6, 7 wait, for now until");
    assert_eq!(states(&told(&world, &["--dry-run", &manifest], 5)), expected);
    let ran = told(&world, &[&manifest], 5);
    assert_eq!(states(&ran), expected.map(|it| if it == "planned" { "inbox" } else { it }));
    // Now that they are there, too.
    let dry = told(&world, &["--dry-run", &manifest], 5);
    let expected = expected.map(|it| if it == "planned" { "skipped" } else { it });
    assert_eq!(states(&dry), expected);
}

#[test]
fn a_dry_run_knows_what_a_run_does_not_try_again() {
    let world = World::logged_in();
    let manifest = world.short();
    world.fault(&json!({ "endpoint": "video_init", "times": 0, "do": { "outcome": {
        "status": "FAILED", "fail_reason": "internal" } } }));
    world.upload(&manifest).exits(1);
    world.upload(&manifest).exits(1);
    foretold(&world, &[&manifest], 1, &["failed"]);

    let mut world = World::logged_in();
    world.fault(&json!({ "endpoint": "video_init", "times": 0, "do": { "drop": "after" } }));
    let manifest = world.short();
    world.upload(&manifest).exits(5);
    foretold(&world, &[&manifest], 5, &["deferred"]);
    world.advance(jiff::SignedDuration::from_hours(2));
    fs::remove_file(world.path("clip.mp4")).unwrap();
    foretold(&world, &[&manifest], 1, &["failed"]);
}

/// What is wrong with its words can be mended before its time.
#[test]
fn a_post_that_waits_is_shown_as_it_will_be_sent() {
    let world = World::logged_in();
    world.video("a.mp4", 100_001);
    let manifest = world.manifest(&json!([{ "user_id": world.open_id(ADA), "video_path": "a.mp4",
        "privacy_level": "SELF_ONLY", "description": "{stem}, part {n}", "tags": ["a-b"],
        "publish_at": "2999-01-01T00:00:00Z" }]));
    let ran = world.run(&["upload", "--dry-run", &manifest]).exits(0);
    let ran = ran
        .says("its time has not come; ")
        .says("SELF_ONLY")
        .says("caption \"{stem}, part {n} #a-b\"");
    ran.says("`{stem}` is filled in with `--templates` alone").says("#a");
    world.run(&["upload", &manifest]).exits(0).never_says("caption");
}

#[test]
fn an_account_that_nobody_is_called_is_told_also_where_no_post_takes_it() {
    let world = World::logged_in();
    let manifest = world.short();
    world.run(&["upload", "--account", "nobody", &manifest]).says("no account is called `nobody`");
    assert_eq!(world.inits(), 0);
}
