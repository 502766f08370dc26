//! What kept posts from being made, once it is mended; and what several commands come upon, told once.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::person::chmod;
use crate::world::{ADA, BEA, Ran, World};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A login that TikTok does not renew any more, and whose access token has ended.
fn dead() -> World {
    let mut world = World::logged_in();
    world.refuse("token_refresh", 1, 0, "invalid_grant");
    world.advance(48 * HOUR);
    world
}

/// What a quiet run says, but that TikTok is a sandbox.
fn told(ran: &Ran) -> String {
    let said = ran.stdout.lines().chain(ran.stderr.lines());
    said.filter(|line| !line.contains("this is not TikTok itself")).collect()
}

/// What `status` lists for programs, run by this.
fn listed(of: &dyn Fn(&[&str]) -> Command) -> Vec<Value> {
    Ran::of(of(&["--json", "status"])).exits(0).json()
}

/// `status` tells a cause, with these words.
#[track_caller]
fn is_told(of: &dyn Fn(&[&str]) -> Command, words: &str) {
    for args in [&["status"][..], &["-q", "status"]] {
        Ran::of(of(args)).exits(0).says(words);
    }
    let line = &listed(of)[0];
    assert!(line["message"].is_string(), "{line:#}");
}

/// `status` says that the next run tries the post, and no word of what kept it from being made.
#[track_caller]
fn is_mended(of: &dyn Fn(&[&str]) -> Command, words: &str) {
    let ran = Ran::of(of(&["status"])).exits(0).never_says(words);
    ran.says("the next upload tries again").never_says("is final").never_says("since");
    assert_eq!(told(&Ran::of(of(&["-q", "status"])).exits(0)), "");
    let lines = listed(of);
    let [line] = lines.as_slice() else { panic!("{lines:#?}") };
    assert_eq!(line["state"], "deferred", "{line:#}");
    for field in ["reason", "message", "hint"] {
        assert!(line.get(field).is_none_or(Value::is_null), "{field}: {line:#}");
    }
}

#[test]
fn a_login_that_is_there_again_is_not_asked_for_by_status() {
    let world = dead();
    let (manifest, run) = (world.short(), |args: &[&str]| world.command(args));
    world.run(&["--quiet", "upload", &manifest]).exits(3);
    is_told(&run, "tiktok-up login");
    // Another one than that is of no use.
    world.let_go();
    world.login(BEA).exits(0);
    is_told(&run, "tiktok-up login");
    world.login(ADA).exits(0);
    is_mended(&run, "tiktok-up login");
    world.run(&["--quiet", "upload", &manifest]).exits(0);
    world.run(&["status"]).exits(0).says("every post is final");
}

#[test]
fn a_login_that_came_back_from_another_machine_is_not_asked_for() {
    let world = World::logged_in();
    let (manifest, run) = (world.short(), |args: &[&str]| world.command(args));
    let mut export = world.command(&["accounts", "export", &world.open_id(ADA)]);
    export.env("TIKTOK_UP_PASSPHRASE", "a long passphrase");
    let file = world.file("ada.login", Ran::of(export).exits(0).stdout);
    world.run(&["upload", &manifest]).exits(3);
    is_told(&run, "handed over");
    let mut import = world.command(&["accounts", "import", file.to_str().unwrap()]);
    import.env("TIKTOK_UP_PASSPHRASE", "a long passphrase");
    Ran::of(import).exits(0);
    is_mended(&run, "handed over");
}

/// What was begun goes on, and is not called deferred.
#[test]
fn a_post_that_was_cut_off_is_called_so_once_its_login_is_there_again() {
    let mut world = World::logged_in();
    let manifest = world.long();
    world.fault(&json!({ "endpoint": "upload", "nth": 2, "times": 6,
        "do": { "answer": { "status": 503 } } }));
    world.upload(&manifest).exits(5);
    world.refuse("token_refresh", 1, 0, "invalid_grant");
    world.advance(48 * HOUR);
    world.upload(&manifest).exits(3);
    let state =
        |world: &World| world.run(&["--json", "status"]).exits(5).json()[0]["state"].clone();
    world.run(&["status"]).exits(5).says("tiktok-up login");
    assert_eq!(state(&world), "processing");
    world.let_go();
    world.login(ADA).exits(0);
    let ran = world
        .run(&["status"])
        .exits(5)
        .says("post 1 is not sent whole yet; ")
        .says("the next upload that names it, goes on");
    ran.never_says("tiktok-up login");
    assert_eq!(state(&world), "processing");
}

#[test]
fn what_tiktok_refused_a_login_is_mended_by_tokens_that_it_issues_later() {
    let mut world = World::logged_in();
    let (manifest, run) = (world.short(), |world: &World, args: &[&str]| world.command(args));
    world.refuse("creator_info", 1, 0, "scope_not_authorized");
    world.upload(&manifest).exits(3);
    is_told(&|args| run(&world, args), "scope_not_authorized");
    world.advance(HOUR);
    world.let_go();
    is_told(&|args| run(&world, args), "scope_not_authorized");
    world.login(ADA).exits(0);
    is_mended(&|args| run(&world, args), "scope_not_authorized");
}

/// Also where the environment of whoever asks has the app: under cron it is another one.
#[test]
fn an_app_that_can_be_used_again_is_not_asked_for_by_status() {
    let mut world = World::logged_in();
    let manifest = world.short();
    world.advance(3 * HOUR);
    let (key, secret) = (world.sandbox.client_key().clone(), world.home().join("home/secret"));
    world.configure(&format!(
        "[apps.main]\nclient_key = \"{key}\"\nclient_secret_file = \"secret\"\n"
    ));
    let (cron, run) = (|args: &[&str]| world.configured(args), |args: &[&str]| world.command(args));
    Ran::of(cron(&["--quiet", "upload", &manifest])).exits(2);
    is_told(&cron, "client_secret_file");
    is_told(&run, "client_secret_file");
    fs::write(&secret, "").unwrap();
    chmod(&secret, 0o644);
    Ran::of(cron(&["--quiet", "upload", &manifest])).exits(4);
    is_told(&cron, "chmod 600");
    chmod(&secret, 0o600);
    is_told(&cron, "chmod 600");
    fs::write(&secret, world.sandbox.client_secret().expose()).unwrap();
    is_mended(&cron, "chmod 600");
    Ran::of(cron(&["upload", &manifest])).exits(0);
    // No app at all.
    world.configure("");
    world.video("other.mp4", 100_001);
    let manifest = world.one_post(ADA, "other.mp4");
    Ran::of(cron(&["upload", &manifest])).exits(2);
    is_told(&cron, "no TikTok app is configured");
    is_told(&run, "no TikTok app is configured");
    world.configure(&format!(
        "[apps.main]\nclient_key = \"{key}\"\nclient_secret_file = \"secret\"\n"
    ));
    is_mended(&cron, "no TikTok app is configured");
    let good = fs::read_to_string(world.home().join("home/config.toml")).unwrap();
    world.configure("[apps.main\n");
    Ran::of(cron(&["upload", &manifest])).exits(2).says("config.toml");
    world.configure(&good);
    is_mended(&cron, "cannot be used");
}

#[test]
fn an_account_that_is_there_now_is_not_called_missing() {
    let world = World::new();
    let (manifest, run) = (world.short(), |args: &[&str]| world.command(args));
    world.upload(&manifest).exits(3);
    is_told(&run, "no account is logged in");
    world.login(BEA).exits(0);
    world.upload(&manifest).exits(3);
    is_told(&run, "no account is called");
    world.login(ADA).exits(0);
    is_mended(&run, "no account is called");
    world.upload(&manifest).exits(0);
    world.run(&["status"]).exits(0).says("every post is final");
    // A mistake beside it stays one.
    let mut wrong: Value = serde_json::from_str(&fs::read_to_string(&manifest).unwrap()).unwrap();
    wrong[0]["user_id"] = json!("nobody");
    wrong[0]["video_path"] = json!("gone.mp4");
    let manifest = world.manifest(&wrong);
    world.upload(&manifest).exits(2);
    is_told(&run, "the last run of");
}

#[test]
fn a_manifest_or_a_video_that_is_back_is_not_called_missing() {
    let world = World::logged_in();
    let run = |args: &[&str]| world.command(args);
    let later = world.path("later.json").to_str().unwrap().to_owned();
    world.upload(&later).exits(2);
    is_told(&run, "there is no manifest");
    fs::write(&later, "[]").unwrap();
    is_mended(&run, "there is no manifest");
    world.upload(&later).exits(0);
    let manifest = world.one_post(ADA, "later.mp4");
    world.upload(&manifest).exits(2);
    is_told(&run, "no such file");
    world.video("later.mp4", 100_001);
    is_mended(&run, "no such file");
    world.upload(&manifest).exits(0);
    world.run(&["status"]).exits(0).says("every post is final");
}

/// The command that `status` would advise is another one.
#[test]
fn what_was_no_run_of_a_manifest_is_not_told_by_status() {
    let world = World::logged_in();
    let video = world.video("clip.mp4", 100_001);
    let manifest = world.one_post(ADA, "gone.mp4");
    world.upload(video.to_str().unwrap()).exits(2);
    world.run(&["upload", "--repost", &manifest]).exits(2).says("no such file");
    assert_eq!(listed(&|args| world.command(args)), Vec::<Value>::new());
    world.upload(&manifest).exits(2);
    is_told(&|args| world.command(args), "no such file");
}

/// Whichever command comes upon it first.
#[test]
fn what_every_command_comes_upon_is_said_by_one_of_them() {
    let manifest = |world: &World| world.short();
    let run = |world: &World, args: &[&str], with_app: bool| {
        let mut command = world.command(args);
        if !with_app {
            command.env_remove("TIKTOK_CLIENT_KEY").env_remove("TIKTOK_CLIENT_SECRET");
        }
        Ran::of(command)
    };
    for refresh_first in [true, false] {
        for cause in ["nobody", "no app", "config"] {
            let world = if cause == "nobody" { World::new() } else { World::logged_in() };
            let (manifest, with_app) = (manifest(&world), cause != "no app");
            if cause == "config" {
                world.configure("[apps.a\n");
            }
            let upload = ["--quiet", "upload", manifest.as_str()];
            let mut order = vec![&["--quiet", "refresh"][..], &upload];
            if !refresh_first {
                order.reverse();
            }
            let code = if cause == "nobody" { 3 } else { 2 };
            let first = run(&world, order[0], with_app).exits(code);
            assert_ne!(told(&first), "", "{cause}: {first:#?}");
            for args in [order[1], order[0], order[1]] {
                let ran = run(&world, args, with_app).exits(code);
                assert_eq!(told(&ran), "", "{cause}: {ran:#?}");
            }
            // Once it is mended it is new.
            world.configure("");
            world.login(ADA).exits(0);
            for args in &order {
                assert_eq!(told(&world.run(args).exits(0)), "", "{cause}");
            }
            if cause == "config" {
                world.configure("[apps.a\n");
                assert_ne!(told(&run(&world, order[1], with_app).exits(code)), "", "{cause}");
            }
        }
    }
}

/// An upload of nothing says nothing of logins.
#[test]
fn an_upload_without_posts_does_not_make_a_missing_login_new() {
    let world = World::new();
    let manifest = world.manifest(&json!([]));
    assert_ne!(told(&world.run(&["-q", "refresh"]).exits(3)), "");
    for _ in 0..2 {
        assert_eq!(told(&world.run(&["-q", "upload", &manifest]).exits(0)), "");
        assert_eq!(told(&world.run(&["-q", "refresh"]).exits(3)), "");
    }
}

#[test]
fn a_post_that_a_login_keeps_back_is_deferred_in_every_command() {
    for code in ["invalid_grant", "scope_not_authorized", "of the init"] {
        let mut world = World::logged_in();
        let manifest = world.short();
        match code {
            "invalid_grant" => {
                world.refuse("token_refresh", 1, 0, code);
                world.advance(48 * HOUR);
            }
            "of the init" => world.refuse("video_init", 1, 0, "scope_not_authorized"),
            code => world.refuse("creator_info", 1, 0, code),
        }
        let lines = world.run(&["upload", "--json", &manifest]).exits(3).json();
        assert_eq!(
            (&lines[0]["state"], &lines[0]["error"]["retryable"]),
            (&json!("deferred"), &json!(false))
        );
        assert_eq!((&lines[1]["deferred"], &lines[1]["failed"]), (&json!(1), &json!(0)), "{code}");
        assert_eq!(lines[1]["exit"], 3);
        let ran = world.upload(&manifest).exits(3).says("deferred").says("1 deferred");
        ran.says("warning: ").never_says("error: ").never_says("failed");
        if code != "of the init" {
            world.run(&["upload", "--dry-run", &manifest]).exits(3).says("1 deferred");
        }
        let line = &world.run(&["--json", "status"]).json()[0];
        assert_eq!((&line["state"], &line["final"]), (&json!("deferred"), &json!(false)), "{code}");
        let ran = world.run(&["status"]);
        assert!(ran.stdout.contains("deferred"), "{code}: {ran:#?}");
        let ran = ran.says("waits (since").says("tiktok-up login");
        ran.never_says("not made").never_says("failed").never_says("was refused");
        assert_ne!(told(&world.run(&["-q", "status"])), "", "somebody has to do something");
    }
}

#[test]
fn since_is_the_moment_of_the_cause_that_is_told() {
    let mut world = World::logged_in();
    let manifest = world.short();
    world.fault(&json!({ "endpoint": "creator_info", "times": 0, "do": { "drop": "before" } }));
    world.upload(&manifest).exits(5);
    world.let_go();
    world.refuse("token_refresh", 1, 0, "invalid_grant");
    world.advance(48 * HOUR);
    world.upload(&manifest).exits(3);
    let ran = world.run(&["status"]).exits(0).says("tiktok-up login");
    let words: Vec<_> =
        ran.stdout.split_whitespace().chain(ran.stderr.split_whitespace()).collect();
    let is_date =
        |word: &&&str| word.len() == 10 && word.starts_with("20") && word.matches('-').count() == 2;
    let moments: BTreeSet<_> = words.iter().filter(is_date).collect();
    assert_eq!(moments.len(), 1, "{ran:#?}");
}

/// Without a terminal nobody can be asked: what a command says is told if it failed, and not else.
#[test]
fn what_the_command_of_a_secret_says_is_told_where_it_failed() {
    let mut world = World::logged_in();
    let manifest = world.short();
    world.advance(3 * HOUR);
    let (key, secret) = (world.sandbox.client_key().clone(), world.sandbox.client_secret().clone());
    let run = |script: &str, args: &[&str]| {
        world.configure(&format!(
            "[apps.main]\nclient_key = \"{key}\"\nclient_secret_command = \"{script}\"\n"
        ));
        let mut command = Command::new("setsid");
        command.args(["--wait", env!("CARGO_BIN_EXE_tiktok-up")]).args(args);
        let mut command = world.dress(command);
        command.env_remove("TIKTOK_CLIENT_KEY").env_remove("TIKTOK_CLIENT_SECRET");
        Ran::of(command)
    };
    let secret = secret.expose();
    let failing = format!("echo no key for you >&2; echo {secret}; echo {secret} >&2; exit 7");
    let ran = run(&failing, &["-q", "refresh"]).exits(2).says("no key for you").never_says(secret);
    assert_eq!(ran.stderr.matches("no key for you").count(), 1, "{ran:#?}");
    run(&failing, &["doctor"]).exits(2).says("no key for you").never_says(secret);
    let good = format!("echo some advice >&2; echo {secret}");
    run(&good, &["-q", "refresh"]).exits(0).never_says("some advice");
    run(&good, &["upload", &manifest]).exits(0).never_says("some advice");
}

#[test]
fn doctor_says_that_nobody_is_logged_in_and_calls_it_no_trouble() {
    let world = World::new();
    for there in [false, true] {
        if there {
            world.run(&["refresh"]).exits(3);
        }
        let ran = world.run(&["doctor"]).exits(0).says("no account is logged in");
        ran.says("tiktok-up login").never_says("trouble");
        assert_eq!(told(&world.run(&["-q", "doctor"]).exits(0)), "");
        let checks = world.run(&["--json", "doctor"]).exits(0).json();
        let logins = checks.iter().find(|check| check["check"] == "logins").unwrap();
        assert_eq!((&logins["ok"], &logins["exit"]), (&json!(true), &json!(0)), "{logins:#}");
        assert!(logins["hint"].as_str().unwrap().contains("tiktok-up login"), "{logins:#}");
    }
    world.login(ADA).exits(0);
    world.run(&["doctor"]).exits(0).never_says("no account is logged in");
}

/// The post of the `id` is another one's, however the run before ended.
#[test]
fn an_id_that_is_taken_is_listed_after_a_run_that_was_stopped() {
    let world = World::logged_in();
    world.video("h1.mp4", 100_001);
    let manifest = world.manifest(&json!([{ "id": "h1", "video_path": "h1.mp4",
        "privacy_level": "SELF_ONLY" }]));
    world.say_status(1_000_000, &json!({ "status": "PROCESSING_UPLOAD" }));
    let run = world.start_upload(&manifest);
    world.wait_until("the question", |world| !world.calls("status").is_empty());
    run.signal(rustix::process::Signal::TERM);
    run.end().exits(143);
    world.let_go();
    world.video("h1.mp4", 100_777);
    world.run(&["-q", "upload", &manifest]).exits(1).says("the `id` \"h1\" was used");
    for args in [&["status"][..], &["-q", "status"]] {
        world.run(args).exits(0).says("h1.mp4").says("id_reused");
    }
    assert_eq!(world.inits(), 1);
}

#[test]
fn a_scheduled_post_stays_scheduled_while_another_run_has_its_account() {
    let world = World::logged_in();
    world.video("now.mp4", 100_001);
    world.video("later.mp4", 100_002);
    let manifest = world.manifest(&json!([
        { "video_path": "now.mp4", "privacy_level": "SELF_ONLY" },
        { "video_path": "later.mp4", "privacy_level": "SELF_ONLY",
          "publish_at": "2999-01-01T12:00:00Z" },
    ]));
    world.hold("upload", 1, "before");
    let run = world.start_upload(&manifest);
    world.wait_until("the chunk", |world| world.inits() == 1);
    world.run(&["-q", "upload", &manifest]).exits(5);
    let later = |world: &World| {
        let lines = Ran::of(world.command(&["--json", "status"])).json();
        lines.into_iter().find(|line| line["video"] == "later.mp4").unwrap()
    };
    let line = later(&world);
    assert_eq!((&line["phase"], &line["reason"]), (&json!("scheduled"), &Value::Null), "{line:#}");
    run.kill();
    world.let_go();
    let line = later(&world);
    assert_eq!((&line["phase"], &line["reason"]), (&json!("scheduled"), &Value::Null), "{line:#}");
    Ran::of(world.command(&["status"])).says("scheduled for 2999");
}

/// Cron says it once: `status` is what is left to look at.
#[test]
fn a_list_of_posts_that_became_something_else_is_listed_with_its_last_cause() {
    let world = World::logged_in();
    let manifest = world.short();
    let utf16: Vec<u8> =
        fs::read_to_string(&manifest).unwrap().encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(&manifest, utf16).unwrap();
    world.run(&["-q", "upload", &manifest]).exits(2);
    world.run(&["status"]).exits(0).says("UTF-16");
    fs::write(&manifest, "<html><body>Sign in</body></html>").unwrap();
    world.run(&["-q", "upload", &manifest]).exits(2);
    world.run(&["status"]).exits(0).says("this is a web page").never_says("UTF-16");
    // A video that was named by mistake is no list.
    let clip = world.path("clip.mp4");
    world.run(&["upload", clip.to_str().unwrap()]).exits(2);
    world.run(&["status"]).exits(0).never_says("clip.mp4");
    let other = world.file("plan.txt", "a.mp4\nb.mp4\n");
    world.run(&["-q", "upload", other.to_str().unwrap()]).exits(2);
    world.run(&["status"]).exits(0).says("plan.txt").says("a list of files");
}

/// What passes by itself is told after a day, in every list alike.
#[test]
fn a_post_that_waits_for_more_than_a_day_has_its_reason_in_every_list() {
    let mut world = World::logged_in();
    let manifest = world.short();
    world.fault(&json!({ "endpoint": "creator_info", "times": 0,
        "do": { "answer": { "status": 503, "body": "" } } }));
    world.run(&["-q", "upload", &manifest]).exits(5);
    world.run(&["-q", "status"]).exits(0).never_says("clip.mp4");
    world.advance(25 * HOUR);
    world.run(&["-q", "upload", &manifest]).exits(5);
    for args in [&["status"][..], &["-q", "status"]] {
        Ran::of(world.command(args)).says("clip.mp4").says("HTTP 503");
    }
}

/// A post that was refused for now, and whose entry was given a time since, is one post: it waits for its time.
#[test]
fn a_post_that_was_put_off_and_is_scheduled_now_is_listed_once() {
    let mut world = World::logged_in();
    world.video("a.mp4", 100_000);
    let ada = world.open_id(ADA);
    let mut post = json!({ "user_id": ada, "video_path": "a.mp4", "privacy_level": "SELF_ONLY" });
    let manifest = world.manifest(&json!([post]));
    world.refuse("video_init", 1, 1, "spam_risk_too_many_posts");
    world.run(&["upload", &manifest]).exits(5);
    world.run(&["status"]).exits(5).says("spam_risk_too_many_posts");
    post["publish_at"] = (jiff::Timestamp::now() + 48 * HOUR).to_string().into();
    world.manifest(&json!([post]));
    world.run(&["upload", &manifest]).exits(0).says("its time has not come");
    let listing = world.run(&["status"]).exits(0);
    listing.says("scheduled for").never_says("spam_risk_too_many_posts");
    assert_eq!(told(&world.run(&["-q", "status"]).exits(0)), "");
    let lines = listed(&|args: &[&str]| world.command(args));
    let [line] = lines.as_slice() else { panic!("{lines:#?}") };
    assert_eq!((&line["post"], &line["phase"]), (&json!(1), &json!("scheduled")), "{line:#}");
    assert_eq!((&line["state"], &line["final"]), (&json!("deferred"), &json!(false)), "{line:#}");
    assert!(line.get("reason").is_none_or(Value::is_null), "{line:#}");
    world.run(&["status", "--wait"]).exits(5).says("what waits for its time is not final");

    // A day later no run has come to it, and it waits all the same.
    world.advance(26 * HOUR);
    world.run(&["status"]).exits(0).says("scheduled for").never_says("was not posted");
    world.advance(23 * HOUR);
    world.run(&["upload", &manifest]).exits(0);
    world.run(&["status"]).exits(0).says("every post is final");
    assert_eq!(world.inits(), 2);
}
