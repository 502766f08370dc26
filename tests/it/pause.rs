//! `accounts pause` and `accounts resume`: what waits, what goes on, and what is said of it.

use jiff::SignedDuration;
use rustix::process::Signal;
use serde_json::{Value, json};
use tiktok_up::testing::Phase;

use crate::world::{ADA, BEA, CHUNK, Ran, Running, World};

const DAY: SignedDuration = SignedDuration::from_hours(24);

impl World {
    fn pause(&self, account: &str) -> Ran {
        self.run(&["accounts", "pause", account]).exits(0)
    }

    fn resume(&self, account: &str) -> Ran {
        self.run(&["accounts", "resume", account]).exits(0)
    }

    /// The account as `accounts --json` tells of it.
    fn told(&self) -> Value {
        self.run(&["--json", "accounts"]).exits(0).json()[0].clone()
    }

    /// A run that sends nothing, and says nothing under cron.
    #[track_caller]
    fn waits(&self, manifest: &str) {
        let before = (self.inits(), self.calls("upload").len(), self.calls("status").len());
        let ran = self.run(&["-q", "upload", manifest]).exits(0);
        assert!(ran.stdout.is_empty(), "{ran:#?}");
        assert!(ran.stderr.lines().all(|line| line.contains("not TikTok itself")), "{ran:#?}");
        let after = (self.inits(), self.calls("upload").len(), self.calls("status").len());
        assert_eq!(before, after);
    }
}

/// Ada as `ada`, logged in.
fn world() -> World {
    let world = World::new();
    world.consent(&json!({ "account": ADA }));
    world.login_with(&["--alias", "ada"]).exits(0);
    world
}

#[test]
fn the_posts_of_a_paused_account_wait_until_it_is_resumed() {
    let world = world();
    for (name, size) in [("a.mp4", 100_001), ("b.mp4", 100_002)] {
        world.video(name, size);
    }
    let manifest = world.manifest(&json!([
        { "user_id": "ada", "video_path": "a.mp4", "privacy_level": "SELF_ONLY" },
        { "user_id": "ada", "video_path": "b.mp4", "mode": "draft" },
    ]));
    world.pause("ada").says("ada is paused").says("tiktok-up accounts resume ada");
    world.waits(&manifest);
    for dry in [false, true] {
        let mut args = vec!["upload", &manifest];
        args.extend(dry.then_some("--dry-run"));
        let ran = world.run(&args).exits(0).says("the account is paused");
        // Once, with what ends it, and the others counted.
        assert_eq!(ran.stderr.matches("tiktok-up accounts resume ada").count(), 1, "{ran:#?}");
        ran.says("2 deferred").says("1 more post waits for the same reason");
        let lines = world.run(&[&["--json"][..], &args].concat()).exits(0).json();
        assert_eq!(lines.len(), 3, "{lines:#?}");
        for line in &lines[..2] {
            assert_eq!(line["state"], "deferred", "{line:#}");
            assert_eq!(line["error"]["code"], "account_paused", "{line:#}");
            assert_eq!(line["error"]["retryable"], false, "{line:#}");
        }
        assert_eq!((&lines[2]["deferred"], &lines[2]["exit"]), (&json!(2), &json!(0)));
    }
    let video = world.path("a.mp4");
    let post = ["post", "--account", "ada", "--privacy", "SELF_ONLY", video.to_str().unwrap()];
    world.run(&post).exits(5).says("the account is paused");
    assert_eq!(world.inits(), 0);
    world.resume("ada").says("ada was paused since").says("go on with the next upload");
    world.run(&["upload", &manifest]).exits(0).says("1 published");
    assert_eq!(world.published(), 2);
    // What was posted is told as such, paused or not.
    world.pause("ada");
    world.run(&["upload", &manifest]).exits(0).says("2 skipped").never_says("paused");
}

#[test]
fn only_the_account_that_is_paused_waits() {
    let world = world();
    world.account(BEA, &json!({ "private": true }));
    world.login(BEA).exits(0);
    world.video("a.mp4", 100_001);
    world.video("b.mp4", 100_002);
    let manifest = world.manifest(&json!([
        { "user_id": "ada", "video_path": "a.mp4", "privacy_level": "SELF_ONLY" },
        { "user_id": world.open_id(BEA), "video_path": "b.mp4", "privacy_level": "SELF_ONLY" },
    ]));
    world.pause("ada");
    world.run(&["upload", &manifest]).exits(0).says("1 published, 1 deferred");
}

#[test]
fn pausing_and_resuming_twice_says_so() {
    let mut world = world();
    world.resume("ada").says("ada is not paused");
    world.pause("ada");
    let since = world.told()["paused_since"].as_str().unwrap().to_owned();
    world.advance(DAY);
    world.pause("ada").says(&format!("ada is paused already, since {}", &since[..10]));
    assert_eq!(world.told()["paused_since"], since.as_str());
    let line =
        |command| world.run(&["--json", "accounts", command, "ada"]).exits(0).json()[0].clone();
    for (command, changed, paused) in
        [("pause", false, true), ("resume", true, false), ("resume", false, false)]
    {
        let line = line(command);
        assert_eq!(line["event"], command, "{line:#}");
        assert_eq!(line["changed"], changed, "{line:#}");
        assert_eq!(line["paused_since"].is_string(), paused, "{line:#}");
        assert_eq!(line["account"], "ada", "{line:#}");
    }
    world.run(&["accounts", "pause", "nobody"]).exits(2).says("no account is called");
}

/// A pause of months costs no login, and hides none that is needed.
#[test]
fn a_paused_account_is_refreshed_and_listed_as_what_it_is() {
    let mut world = world();
    assert_eq!(world.told()["paused_since"], Value::Null);
    world.pause("ada");
    let row = |world: &World| {
        let table = world.run(&["accounts"]).exits(0).stdout;
        table.lines().find(|line| line.starts_with("ada")).unwrap().to_owned()
    };
    assert!(row(&world).contains("  paused  "), "{}", row(&world));
    for _ in 0..2 {
        world.advance(60 * DAY);
        world.run(&["refresh"]).exits(0).says("refreshed");
    }
    assert_eq!(world.told()["health"], "ok");
    world.login(ADA).exits(0);
    assert!(world.told()["paused_since"].is_string(), "who logs in again does not resume");
    world.run(&["accounts", "show", "ada"]).exits(0).says("paused:");
    world.advance(400 * DAY);
    assert!(row(&world).contains("needs login, paused"), "{}", row(&world));
}

#[test]
fn status_says_why_posts_wait_and_what_ends_it() {
    let mut world = world();
    world.video("a.mp4", 100_001);
    world.video("b.mp4", 100_002);
    let later = (jiff::Timestamp::now() + 40 * DAY).to_string();
    let manifest = world.manifest(&json!([
        { "user_id": "ada", "video_path": "a.mp4", "privacy_level": "SELF_ONLY" },
        { "user_id": "ada", "video_path": "b.mp4", "privacy_level": "SELF_ONLY", "publish_at": later },
    ]));
    world.pause("ada");
    world.waits(&manifest);
    world.advance(3 * DAY);
    world.waits(&manifest);
    world
        .run(&["status"])
        .exits(0)
        .says("deferred")
        .says("scheduled for")
        .says("`a.mp4` of ada and `b.mp4` of ada wait (since ")
        .says("the account is paused; `tiktok-up accounts resume ada` lets its posts go on");
    let lines = world.run(&["--json", "status"]).exits(0).json();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    for line in &lines {
        assert_eq!(
            (&line["state"], &line["reason"]),
            (&json!("deferred"), &json!("account_paused"))
        );
    }
    // Whoever paused it knows, however long ago that is.
    let ran = world.run(&["-q", "status"]).exits(0);
    assert!(ran.stdout.is_empty(), "{ran:#?}");
    ran.never_says("paused");
    world.resume("ada");
    world.run(&["status"]).exits(0).says("the next upload tries again").never_says("paused");
    // Said as soon as it is so, whether a run has come to it or not.
    world.pause("ada");
    world.run(&["status"]).exits(0).says("the account is paused");
}

#[test]
fn what_was_cut_off_waits_as_it_is_and_goes_on_later() {
    let world = world();
    world.hold("upload", 2, "middle");
    let manifest = world.long();
    let run = world.start_upload(&manifest);
    world.wait_until("the second chunk is on its way", |world| {
        world.posts().last().is_some_and(|post| post.received > CHUNK)
    });
    run.signal(Signal::INT);
    run.end().exits(130);
    world.let_go();
    world.pause("ada");
    world.waits(&manifest);
    let lines = world.run(&["--json", "upload", &manifest]).exits(0).json();
    assert_eq!(lines[0]["state"], "processing", "{lines:#?}");
    assert_eq!(lines[0]["error"]["code"], "account_paused", "{lines:#?}");
    // Also where no manifest names it any more.
    let other = world.file("other.json", "[]");
    world.waits(other.to_str().unwrap());
    world.run(&["status"]).exits(0).says("post 1 waits").says("tiktok-up accounts resume ada");
    assert_eq!(world.phases(), [Phase::Open { stored: 1 }]);
    world.resume("ada");
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn what_tiktok_has_is_asked_for_by_status_alone() {
    let world = world();
    let manifest = world.short();
    world.say_status(1000, &json!({ "status": "PROCESSING_UPLOAD", "uploaded_bytes": 100_000 }));
    world.run(&["upload", "--no-wait", &manifest]).exits(5);
    world.pause("ada");
    world.waits(&manifest);
    world.run(&["status"]).exits(5).says("TikTok is at work on post 1").never_says("paused");
    world.let_go();
    world.run(&["status"]).exits(0).says("every post is final");
    world.run(&["upload", &manifest]).exits(0).says("1 skipped");
}

/// Whoever pauses an account does not mean the next run alone.
#[test]
fn a_run_that_is_at_it_ends_with_the_post_under_way() {
    let world = world();
    world.hold("upload", 1, "middle");
    world.video("a.mp4", 100_001);
    world.video("b.mp4", 100_002);
    let manifest = world.manifest(&json!([
        { "user_id": "ada", "video_path": "a.mp4", "privacy_level": "SELF_ONLY" },
        { "user_id": "ada", "video_path": "b.mp4", "privacy_level": "SELF_ONLY" },
    ]));
    let run = Running::of(world.command(&["upload", &manifest]));
    world.wait_until("the first is on its way", |world| {
        world.posts().last().is_some_and(|post| post.received > 0)
    });
    world.pause("ada");
    world.let_go();
    run.end().exits(0).says("1 published, 1 deferred");
    assert_eq!(world.inits(), 1);
}

/// Nothing is to be sent, so nothing is missing.
#[test]
fn a_pause_needs_no_app() {
    let world = world();
    let manifest = world.short();
    world.pause("ada");
    let mut upload = world.command(&["upload", &manifest]);
    upload.env_remove("TIKTOK_CLIENT_KEY").env_remove("TIKTOK_CLIENT_SECRET");
    Ran::of(upload).exits(0).says("the account is paused");
}

#[test]
fn a_pause_goes_with_the_login_to_another_machine() {
    let world = world();
    world.pause("ada");
    let mut export = world.command(&["accounts", "export", "ada"]);
    export.env("TIKTOK_UP_PASSPHRASE", "a long passphrase");
    let file = world.file("ada.login", Ran::of(export).exits(0).stdout);
    let there = world.home().join("there");
    let there = there.to_str().unwrap();
    let mut import =
        world.command(&["--home", there, "accounts", "import", file.to_str().unwrap()]);
    import.env("TIKTOK_UP_PASSPHRASE", "a long passphrase");
    Ran::of(import).exits(0);
    world.run(&["--home", there, "upload", &world.short()]).exits(0).says("the account is paused");
    world.run(&["--home", there, "accounts", "resume", "ada"]).exits(0).says("was paused since");
}

/// No manifest lists it, so no later run comes to it.
#[test]
fn a_post_without_a_manifest_says_that_nothing_keeps_it() {
    let world = World::logged_in();
    world.video("a.mp4", 100_001);
    let video = world.path("a.mp4");
    let post = ["post", video.to_str().unwrap()];
    world.run(&["accounts", "pause", &world.open_id(ADA)]).exits(0);
    for args in [&post[..], &["-q", "post", post[1]]] {
        world.run(args).exits(5).says("run the same command again after");
    }
    world.run(&["accounts", "resume", &world.open_id(ADA)]).exits(0);
    world.run(&post).exits(0).says("1 published");
    assert_eq!(world.inits(), 1);
}

#[test]
fn what_waits_for_a_pause_is_told_with_a_time_only_if_each_of_it_has_one() {
    let world = world();
    for (name, size) in [("a.mp4", 100_001), ("b.mp4", 100_002), ("c.mp4", 100_003)] {
        world.video(name, size);
    }
    let post = |name: &str, at: Option<&str>| {
        let mut post =
            json!({ "user_id": "ada", "video_path": name, "privacy_level": "SELF_ONLY" });
        if let Some(at) = at {
            post["publish_at"] = at.into();
        }
        post
    };
    let (first, second) = (Some("2099-01-01T10:00:00Z"), Some("2099-01-02T10:00:00Z"));
    world.pause("ada");
    let told = |posts: &[Value]| {
        let manifest = world.manifest(&json!(posts));
        world.upload(&manifest).exits(0);
        world.run(&["status"]).exits(0)
    };
    let pause = "the account is paused";
    let all = [post("a.mp4", None), post("b.mp4", first)];
    told(&all).says(pause).never_says("Z, not before").never_says("first not before");
    let later = [post("b.mp4", first), post("c.mp4", second)];
    told(&later).says(pause).says("the first not before 2099-01-01");
}
