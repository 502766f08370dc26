//! Signals: each that would end the process stops it at the next safe place.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use jiff::SignedDuration;
use rustix::process::Signal;
use serde_json::json;
use tiktok_up::testing::{Lock, Phase};

use crate::person::{after, answer, chmod, eventually};
use crate::world::{ADA, CHUNK, Ran, Running, World};

/// Those that end a process unless it catches them.
const ENDING: [Signal; 11] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::TERM,
    Signal::ALARM,
    Signal::VTALARM,
    Signal::PROF,
    Signal::USR2,
    Signal::XCPU,
    Signal::IO,
    Signal::POWER,
];

fn exit_of(signal: Signal) -> i32 {
    128 + signal.as_raw()
}

/// A refresh whose answer is on its way, which TikTok holds back.
fn refresh_under_way(world: &mut World, command: &Command) -> Running {
    world.advance(SignedDuration::from_hours(3));
    let before = world.calls("token_refresh").len();
    world.hold("token_refresh", 1, "middle");
    let mut copy = after("true", command);
    copy.stdin(Stdio::null());
    let run = Running::of(copy);
    world.wait_until("the tokens have rotated", |world| {
        world.calls("token_refresh").len() == before + 1
    });
    run
}

/// The page that a login sends the user to.
fn authorize_url(login: &Running) -> String {
    eventually("the URL", || login.find_word("/v2/auth/authorize/"))
}

/// The stored refresh token is the one that TikTok still takes.
#[track_caller]
fn the_login_lives(world: &World) {
    world.run(&["refresh", "--force"]).exits(0);
    assert!(world.calls("token_refresh").iter().all(|call| call.status == Some(200)));
}

#[test]
fn every_signal_in_a_refresh_waits_for_the_tokens() {
    let mut world = World::logged_in();
    for signal in ENDING {
        let command = {
            world.advance(SignedDuration::from_hours(3));
            world.command(&["refresh"])
        };
        let run = refresh_under_way(&mut world, &command);
        run.signal(signal);
        world.wait_until("it says that it waits", |_| run.said("a refresh is on its way"));
        world.let_go();
        run.end().exits(exit_of(signal)).says("refreshed");
        the_login_lives(&world);
    }
}

#[test]
fn a_status_that_is_stopped_in_a_refresh_saves_the_tokens_and_lists_what_is_known() {
    let mut world = World::logged_in();
    let manifest = world.short();
    world.say_status(100, &json!({ "status": "PROCESSING_UPLOAD", "uploaded_bytes": 100_000 }));
    world.run(&["upload", "--no-wait", &manifest]);
    let command = {
        world.advance(SignedDuration::from_hours(3));
        world.command(&["status"])
    };
    let run = refresh_under_way(&mut world, &command);
    run.signal(Signal::TERM);
    world.wait_until("it says that it waits", |_| run.said("a refresh is on its way"));
    world.let_go();
    run.end().exits(143).says("clip.mp4");
    the_login_lives(&world);
}

#[test]
fn a_terminal_that_says_twice_that_it_is_gone_insists_on_nothing() {
    let mut world = World::logged_in();
    let command = world.command(&["refresh", "--force"]);
    let run = refresh_under_way(&mut world, &command);
    run.signal(Signal::HUP);
    world.wait_until("it says that it waits", |_| run.said("a refresh is on its way"));
    run.signal(Signal::HUP);
    // What is asked after it is answered after it.
    run.signal(Signal::USR1);
    world.wait_until("it goes on", |_| run.said("refresh: "));
    world.let_go();
    run.end().exits(129);
    the_login_lives(&world);
}

#[test]
fn a_run_under_nohup_ignores_that_the_session_ends() {
    let world = World::logged_in();
    world.hold("upload", 2, "middle");
    let manifest = world.long();
    let upload = world.command(&["upload", "--chunk-size", &CHUNK.to_string(), &manifest]);
    let run = Running::of(after("trap '' HUP QUIT", &upload));
    world.wait_until("the second chunk is on its way", |world| {
        world.posts().last().is_some_and(|post| post.received > CHUNK)
    });
    run.signal(Signal::HUP);
    run.signal(Signal::QUIT);
    world.wait_until("the signals are gone", |_| run.is_at_rest());
    world.let_go();
    run.end().exits(0);
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn every_signal_before_the_final_chunk_keeps_what_is_stored() {
    for signal in [Signal::HUP, Signal::QUIT, Signal::USR2] {
        let world = World::logged_in();
        world.hold("upload", 2, "middle");
        let manifest = world.long();
        let run = world.start_upload(&manifest);
        world.wait_until("the second chunk is on its way", |world| {
            world.posts().last().is_some_and(|post| post.received > CHUNK)
        });
        run.signal(signal);
        run.end().exits(exit_of(signal)).says("run the same command again");
        assert_eq!(world.phases(), [Phase::Open { stored: 1 }]);
        world.upload(&manifest).exits(0);
        assert_eq!((world.inits(), world.published()), (1, 1));
    }
}

#[test]
fn a_second_signal_of_another_kind_insists_and_the_first_one_names_the_exit() {
    let world = World::logged_in();
    world.hold("upload", 3, "after");
    let manifest = world.long();
    let run = world.start_upload(&manifest);
    world.wait_until("everything is there", |world| world.published() == 1);
    run.signal(Signal::HUP);
    world.wait_until("it says how to leave", |_| run.said("a second signal leaves"));
    run.signal(Signal::TERM);
    run.end().exits(129);
    assert_eq!(world.phases(), [Phase::FinalIntent { stored: 2 }]);
}

#[test]
fn usr1_tells_where_an_upload_stands_and_it_goes_on() {
    for (more, quiet) in [(None, false), (Some("--quiet"), true), (Some("--json"), false)] {
        let world = World::logged_in();
        world.hold("upload", 2, "middle");
        let manifest = world.long();
        let mut args = vec!["upload", "--chunk-size", "5242880", &manifest];
        args.extend(more);
        let run = Running::of(world.command(&args));
        world.wait_until("the second chunk is on its way", |world| {
            world.posts().last().is_some_and(|post| post.received > CHUNK)
        });
        world.wait_until("as much as fits is on its way", |_| {
            run.signal(Signal::USR1);
            run.said("long.mp4: ") && run.said("% sent (") && run.said(" of 15.7 MB), for ")
        });
        world.wait_until("it counts", |_| run.said("upload: 0 done, 1 under way, 0 to come"));
        world.let_go();
        let ran = run.end().exits(0);
        assert!(!ran.stdout.contains("under way"), "{ran:?}");
        assert_eq!(ran.stderr.contains("sending"), !quiet, "{ran:?}");
        assert_eq!((world.inits(), world.published()), (1, 1));
    }
}

#[test]
fn usr1_tells_that_tiktok_is_processing() {
    let world = World::logged_in().timing("poll_first=1h");
    let manifest = world.short();
    let run = world.start_upload(&manifest);
    world.wait_until("TikTok has it", |world| world.published() == 1);
    world.wait_until("it waits for TikTok", |_| {
        run.signal(Signal::USR1);
        run.said("clip.mp4: TikTok is processing it, for ")
    });
    run.signal(Signal::TERM);
    run.end().exits(143);
}

#[test]
fn usr1_tells_what_a_login_and_a_refresh_do() {
    let mut world = World::new();
    world.consent(&json!({ "account": ADA }));
    let login = Running::of(world.command(&["login", "--no-browser", "--port", "0", "-q"]));
    let url = authorize_url(&login);
    world.wait_until("it tells", |_| {
        login.signal(Signal::USR1);
        login.said("login: waiting up to 5 minutes for TikTok's answer, for ")
    });
    world.browse(&url);
    login.end().exits(0);
    let command = world.command(&["refresh", "--force", "--json"]);
    let run = refresh_under_way(&mut world, &command);
    run.signal(Signal::USR1);
    world.wait_until("it tells", |_| run.said(" (1 of 1), for "));
    world.let_go();
    run.end().exits(0);
}

#[test]
fn a_signal_after_the_consent_waits_until_the_tokens_are_saved() {
    let world = World::new();
    world.consent(&json!({ "account": ADA }));
    world.hold("token_code", 1, "middle");
    let login = Running::of(world.command(&["login", "--no-browser", "--port", "0"]));
    let url = authorize_url(&login);
    answer(&url);
    world.wait_until("the code is spent", |world| world.calls("token_code").len() == 1);
    login.signal(Signal::HUP);
    world.wait_until("it says that it waits", |_| login.said("they are saved before this ends"));
    world.let_go();
    login.end().exits(129).says("logged in");
    the_login_lives(&world);
}

#[test]
fn a_second_signal_leaves_tokens_the_time_to_be_saved() {
    let world = World::new();
    world.consent(&json!({ "account": ADA }));
    world.hold("token_code", 1, "middle");
    let login = Running::of(world.command(&["login", "--no-browser", "--port", "0"]));
    let url = authorize_url(&login);
    // Another process saves just then.
    let saving = Lock::take(&world.home().join("home/user_tokens.json.lock")).unwrap();
    answer(&url);
    world.wait_until("the code is spent", |world| world.calls("token_code").len() == 1);
    login.signal(Signal::INT);
    world.wait_until("it says that it waits", |_| login.said("they are saved before this ends"));
    world.let_go();
    // What waits for the lock shows nowhere; a run that gave up at once would be gone by then.
    std::thread::sleep(Duration::from_millis(300));
    login.signal(Signal::INT);
    std::thread::sleep(Duration::from_millis(300));
    drop(saving);
    login.end().exits(130);
    the_login_lives(&world);
}

#[test]
fn a_signal_before_the_consent_ends_a_login_at_once() {
    let world = World::new();
    for args in [&["--no-browser", "--port", "0"][..], &["--paste"], &["--qr"]] {
        let mut command = world.command(&["login"]);
        command.args(args).stdin(Stdio::piped());
        let login = Running::of(command);
        world.wait_until("it shows where to go", |_| {
            login.said("://") && (!args.contains(&"--paste") || login.said("press Enter"))
        });
        login.signal(Signal::HUP);
        // Its standard input stays open until then.
        world.wait_until("it leaves", |_| login.has_left());
        login.end().exits(129);
    }
    assert!(world.calls("token_code").is_empty());
    assert!(!world.store_path().exists());
}

#[test]
fn a_command_that_never_prints_the_secret_does_not_keep_a_login_from_ending() {
    let world = World::new();
    let mark = world.path("mark");
    let config = world.home().join("home/config.toml");
    fs::create_dir_all(world.home().join("home")).unwrap();
    let app = format!(
        "[apps.main]\nclient_key = \"{}\"\nclient_secret_command = \"touch {}; exec sleep 60\"\n",
        world.sandbox.client_key(),
        mark.display()
    );
    fs::write(&config, app).unwrap();
    chmod(&config, 0o600);
    let mut command = world.command(&["login", "--no-browser", "--port", "0"]);
    command.env_remove("TIKTOK_CLIENT_KEY").env_remove("TIKTOK_CLIENT_SECRET");
    // The command outlives it, and must not hold the pipe that tells of its end.
    let said = fs::File::create(world.path("said")).unwrap();
    let mut child = command.stdout(Stdio::null()).stderr(said).spawn().unwrap();
    eventually("the command runs", || mark.exists().then_some(()));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

#[test]
fn whatever_waits_heeds_a_signal() {
    let world = World::logged_in();
    for (args, code) in [
        (&["init"][..], 129),
        (&["accounts", "import", "-"], 129),
        (&["upload", "-"], 129),
        (&["sandbox"], 0),
        (&["demo"], 129),
    ] {
        let mut command = world.command(args);
        command.stdin(Stdio::piped());
        if args[0] == "demo" {
            command.env("TIKTOK_UP_TIMING", "poll_first=1h,poll_cap=1h");
        }
        let run = Running::of(command);
        world.wait_until("it listens", |_| run.listens());
        world.wait_until("it waits", |_| {
            run.signal(Signal::USR1);
            let ready = match args[0] {
                "demo" => "TikTok is processing it, for ",
                "sandbox" => "press Ctrl-C",
                name => name,
            };
            run.said(ready)
        });
        run.signal(Signal::HUP);
        world.wait_until("it leaves", |_| run.has_left());
        run.end().exits(code);
    }
}

#[test]
fn a_file_over_the_size_limit_is_an_error_and_no_death() {
    let mut world = World::logged_in();
    // The journal's and the store's writes, without anybody ignoring SIGXFSZ for it.
    let small = |command: &Command| Ran::of(after("ulimit -f 0", command));
    let manifest = world.short();
    small(&world.command(&["upload", &manifest])).exits(4);
    assert_eq!(world.inits(), 0);
    world.advance(SignedDuration::from_hours(3));
    small(&world.command(&["refresh"])).exits(4);
    assert!(world.calls("token_refresh").is_empty());
    world.upload(&manifest).exits(0);
    the_login_lives(&world);
}

#[test]
fn a_disk_limit_in_the_middle_of_an_upload_is_an_error_and_no_death() {
    let world = World::logged_in();
    world.hold("upload", 2, "middle");
    let manifest = world.long();
    let run = world.start_upload(&manifest);
    world.wait_until("the second chunk is on its way", |world| {
        world.posts().last().is_some_and(|post| post.received > CHUNK)
    });
    run.fill_disk();
    world.let_go();
    run.end().exits(4);
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (1, 1));
}
