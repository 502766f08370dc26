//! One cause, one exit code, whichever command meets it first.

use std::fs;
use std::process::Command;

use jiff::SignedDuration;
use serde_json::json;

use crate::person::chmod;
use crate::world::{ADA, Ran, World};

/// `@ada` logged in three hours ago, so that whatever needs a token needs the app.
fn ended() -> (World, String) {
    let mut world = World::logged_in();
    let manifest = world.short();
    world.advance(SignedDuration::from_hours(3));
    (world, manifest)
}

/// Every way to come upon an app's credentials. A login goes on until TikTok has refused them.
fn meet(world: &World, manifest: &str, prepare: &dyn Fn(&mut Command)) -> Vec<(String, Ran)> {
    let commands: [&[&str]; 5] = [
        &["refresh"],
        &["upload", manifest],
        &["login", "--qr", "--timeout", "5s"],
        &["login", "--no-browser", "--port", "0", "--timeout", "5s"],
        &["doctor"],
    ];
    let run = |args: &&[&str]| {
        let mut command = world.command(args);
        prepare(&mut command);
        let ran = if args.contains(&"--no-browser") {
            world.consent(&json!({ "account": ADA }));
            world.login_by(command)
        } else {
            Ran::of(command)
        };
        (args.join(" "), ran)
    };
    commands.iter().map(run).collect()
}

#[test]
fn a_secret_that_cannot_be_one_is_a_wrong_setting_everywhere() {
    let (world, manifest) = ended();
    let home = world.home().join("home");
    for (name, text) in [("empty", &b"\n"[..]), ("odd", b"\xff\xfe"), ("holder", b"xxxx")] {
        fs::write(home.join(name), text).unwrap();
        chmod(&home.join(name), 0o600);
    }
    std::os::unix::fs::symlink("loop", home.join("loop")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        home.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let key = world.sandbox.client_key().clone();
    for secret in [
        "client_secret_file = \"none\"",
        "client_secret_file = \".\"",
        "client_secret_file = \"empty\"",
        "client_secret_file = \"odd\"",
        "client_secret_file = \"holder\"",
        "client_secret_file = \"loop\"",
        "client_secret_file = \"pipe\"",
        "client_secret_file = \"empty/below\"",
        "client_secret_command = \"exit 3\"",
        "client_secret = \"<client secret>\"",
    ] {
        world.configure(&format!("[apps.main]\nclient_key = \"{key}\"\n{secret}\n"));
        // A look asks whether TikTok is there, whatever the secret.
        let calls = || {
            let all = world.sandbox.requests().into_iter();
            all.filter(|call| call.endpoint != "unknown").count()
        };
        let before = calls();
        let without_environment = |command: &mut Command| {
            command.env_remove("TIKTOK_CLIENT_KEY").env_remove("TIKTOK_CLIENT_SECRET");
        };
        for (command, ran) in meet(&world, &manifest, &without_environment) {
            assert_eq!(ran.code, Some(2), "{secret}: {command}: {ran:#?}");
        }
        assert_eq!(calls(), before, "{secret}");
    }
}

#[test]
fn a_secret_that_tiktok_refuses_is_a_wrong_setting_everywhere() {
    let (world, manifest) = ended();
    let wrong = |command: &mut Command| {
        command.env("TIKTOK_CLIENT_SECRET", "of-another-app");
    };
    for (command, ran) in meet(&world, &manifest, &wrong) {
        // A QR code is shown for a key alone, and nobody scans it.
        if !command.contains("--qr") {
            assert_eq!(ran.code, Some(2), "{command}: {ran:#?}");
        }
    }
    // That nothing was posted is no failure of the post: it waits for the right secret.
    let mut command = world.command(&["upload", "--json", &manifest]);
    wrong(&mut command);
    let post = Ran::of(command).exits(2).json().remove(0);
    assert_eq!((&post["state"], &post["error"]["retryable"]), (&json!("deferred"), &json!(false)));
    world.upload(&manifest).exits(0);
    assert_eq!(world.published(), 1);
}

#[test]
fn without_any_app_every_command_says_the_same() {
    let (world, manifest) = ended();
    let none = |command: &mut Command| {
        command.env_remove("TIKTOK_CLIENT_KEY").env_remove("TIKTOK_CLIENT_SECRET");
    };
    for (command, ran) in meet(&world, &manifest, &none) {
        let ran = ran.says("no TikTok app is configured");
        assert_eq!(ran.code, Some(2), "{command}: {ran:#?}");
    }
}

/// What the disk or the system refuses is no wrong setting.
#[cfg(feature = "faults")]
#[test]
fn a_disk_that_does_not_give_the_secret_is_local_trouble_everywhere() {
    let (world, manifest) = ended();
    let home = world.home().join("home");
    fs::write(home.join("secret"), world.sandbox.client_secret().expose()).unwrap();
    chmod(&home.join("secret"), 0o600);
    let key = world.sandbox.client_key().clone();
    let text = format!("[apps.main]\nclient_key = \"{key}\"\nclient_secret_file = \"secret\"\n");
    world.configure(&text);
    let log = world.path("operations");
    for args in [&["refresh"][..], &["upload", &manifest], &["login", "--qr"], &["doctor"]] {
        let run = |fault: &str| {
            let mut command = world.configured(args);
            command.env("TIKTOK_UP_FAULT", fault).env("TIKTOK_UP_FAULT_LOG", &log);
            _ = fs::remove_file(&log);
            Ran::of(command)
        };
        // The first read is of config.toml, the second one of the secret; each is one operation.
        run("fail:1:EIO").exits(4);
        let operations = fs::read_to_string(&log).unwrap();
        assert!(operations.contains("settings: "), "{operations}");
        run("fail:4:EIO").exits(4);
    }
}
