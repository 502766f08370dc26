//! What is one matter for whoever reads the mail of cron, and what are several.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{ADA, BEA, Ran, World};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What a run said on standard error, but that TikTok is a sandbox.
fn said(ran: &Ran) -> Vec<&str> {
    let lines = ran.stderr.lines();
    lines.filter(|line| !line.contains("this is not TikTok itself") && !line.is_empty()).collect()
}

#[track_caller]
fn says_nothing(ran: &Ran) {
    assert_eq!(said(ran), [""; 0], "{ran:#?}");
}

/// The videos of two entries become another one: each entry's failure is said, and said once.
#[test]
fn each_of_two_entries_of_one_video_is_said_once() {
    let twins: [(&str, Value); 3] = [
        ("other", json!({})),
        ("the same", json!({})),
        ("waits", json!({ "publish_at": "2099-01-01T00:00:00Z" })),
    ];
    for (caption, more) in twins {
        let world = World::logged_in();
        let post = |id: &str, caption: &str| {
            json!({ "user_id": world.open_id(ADA), "id": id, "video_path": "p.mp4",
                "description": caption, "privacy_level": "SELF_ONLY" })
        };
        let mut twin = post("s2", caption);
        for (key, value) in more.as_object().unwrap() {
            twin[key] = value.clone();
        }
        let waits = twin.get("publish_at").is_some();
        let manifest = world.manifest(&json!([post("s1", "the same"), twin]));
        world.video("p.mp4", 100_000);
        world.run(&["--quiet", "upload", &manifest]).exits(0);
        world.video("p.mp4", 200_000);
        let first = world.run(&["--quiet", "upload", &manifest]).exits(1).says("`id` \"s1\"");
        let errors = first.stderr.matches("error: ").count();
        assert_eq!(errors, if waits { 1 } else { 2 }, "{caption}: {first:#?}");
        first.says("a manifest of this post alone");
        for _ in 0..3 {
            says_nothing(&world.run(&["--quiet", "upload", &manifest]).exits(1));
        }
    }
}

#[test]
fn what_a_quiet_status_cannot_ask_for_now_is_said_after_a_day() {
    for code in ["internal_error", "rate_limit_exceeded"] {
        let mut world = World::logged_in();
        world.run(&["upload", "--no-wait", &world.short()]).exits(5);
        world.refuse("status", 1, 0, code);
        let status = ["--quiet", "status"];
        for _ in 0..3 {
            says_nothing(&world.run(&status).exits(5));
            world.advance(8 * HOUR);
        }
        world.advance(2 * HOUR);
        world.run(&status).exits(5).says("so since").says(code);
        says_nothing(&world.run(&status).exits(5));
        world.run(&["status"]).exits(5).says(code);
        world.let_go();
        says_nothing(&world.run(&status).exits(0));
    }
}

#[test]
fn a_wrong_secret_is_one_message_for_all_accounts_and_commands() {
    let mut world = World::logged_in();
    world.login(BEA).exits(0);
    world.video("a.mp4", 100_000);
    world.video("b.mp4", 100_001);
    let (ada, bea) = (world.open_id(ADA), world.open_id(BEA));
    let post = |who: &str, video: &str| json!({ "user_id": who, "video_path": video, "privacy_level": "SELF_ONLY" });
    let adas = post(&ada, "a.mp4");
    let both = json!([adas.clone(), post(&bea, "b.mp4")]);
    let manifest = world.manifest(&json!([adas]));
    world.advance(3 * HOUR);
    let wrong = |world: &World, args: &[&str]| {
        let mut command = world.command(args);
        command.env("TIKTOK_CLIENT_SECRET", "of-another-app");
        Ran::of(command).exits(2)
    };
    let upload = ["--quiet", "upload", &manifest];
    let refresh = ["--quiet", "refresh"];
    assert_eq!(said(&wrong(&world, &upload)).len(), 2, "the error and its hint");
    says_nothing(&wrong(&world, &refresh));
    world.manifest(&both);
    says_nothing(&wrong(&world, &upload));
    let ran = wrong(&world, &["upload", &manifest]);
    assert_eq!(ran.stderr.matches("hint: ").count(), 1, "{ran:#?}");
    let ran = ran.says("1 more post waits for the same reason");
    assert_eq!(ran.stderr.matches("waits for the same reason").count(), 1, "{ran:#?}");
    // Once tokens were renewed it is right, and wrong anew; a token that lives proves nothing.
    world.run(&["--quiet", "refresh", "--account", &ada]).exits(0);
    let ran = wrong(&world, &upload).says("invalid_client");
    assert_eq!(ran.stderr.matches("hint: ").count(), 1, "{ran:#?}");
    assert_eq!(world.published(), 1);
    world.video("c.mp4", 100_002);
    world.manifest(&json!([post(&ada, "c.mp4"), post(&bea, "b.mp4")]));
    says_nothing(&wrong(&world, &upload));
    assert_eq!(world.published(), 2);
}

/// Gives what is in a directory, and itself, to a user.
fn give(path: &Path, user: u32) {
    chown(path, Some(user), Some(user)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), user);
        }
    }
}

#[test]
fn what_the_system_does_not_let_be_read_is_named_with_who_may_not() {
    const NOBODY: u32 = 65534;
    let user = NOBODY.to_string();
    let dropped = ["setpriv", "--reuid", &user, "--clear-groups", env!("CARGO_BIN_EXE_tiktok-up")];
    let mut can = Command::new(dropped[0]);
    if !can.args(&dropped[1..]).arg("--version").output().is_ok_and(|ran| ran.status.success()) {
        return crate::stage::say("Skipped: `setpriv` cannot take another user here.");
    }
    let world = World::logged_in();
    let manifest = world.short();
    fs::create_dir(world.path("closed")).unwrap();
    world.video("closed/a.mp4", 100_000);
    world.video("locked.mp4", 100_001);
    let folder = world.one_post(ADA, "closed/a.mp4");
    fs::copy(&folder, world.path("folder.json")).unwrap();
    let file = world.one_post(ADA, "locked.mp4");
    fs::copy(&file, world.path("file.json")).unwrap();
    let ada = world.open_id(ADA);
    let entry = |name: &str| serde_json::json!({ "user_id": ada, "video_path": name });
    let all = ["closed/a.mp4", "missing.mp4", "locked.mp4"].map(entry);
    fs::copy(world.manifest(&serde_json::json!(all)), world.path("all.json")).unwrap();
    give(world.home(), NOBODY);
    for (name, mode) in [("videos_to_upload.json", 0o600), ("locked.mp4", 0), ("closed", 0o700)] {
        chown(world.path(name), Some(0), Some(0)).unwrap();
        fs::set_permissions(world.path(name), PermissionsExt::from_mode(mode)).unwrap();
    }
    let (folder, file) = (world.path("folder.json"), world.path("file.json"));
    for (manifest, what) in [
        (manifest.as_str(), "the file `"),
        (folder.to_str().unwrap(), "/closed` is closed to"),
        (file.to_str().unwrap(), "/locked.mp4` is closed to"),
    ] {
        let mut command = Command::new(dropped[0]);
        command.args(&dropped[1..]).args(["upload", manifest]);
        let ran = Ran::of(world.dress(command)).exits(4).says(what).says("(uid 65534)");
        ran.says("Permission denied");
    }
    // With all that is wrong besides, each at its place.
    let mut command = Command::new(dropped[0]);
    command.args(&dropped[1..]).args(["upload", world.path("all.json").to_str().unwrap()]);
    let ran = Ran::of(world.dress(command)).exits(4);
    ran.says("post 1, field `video_path`: ")
        .says("/closed/a.mp4`: cannot read the file: Permission denied")
        .says("/missing.mp4`: there is no such file")
        .says("/locked.mp4`: cannot read the file: Permission denied");
    let mut command = Command::new(dropped[0]);
    command.args(&dropped[1..]).args(["accounts", "import", manifest.as_str()]);
    Ran::of(world.dress(command)).exits(4).says("(uid 65534)");
    assert_eq!(world.inits(), 0);
}
