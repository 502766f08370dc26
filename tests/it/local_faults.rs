//! A machine that fails: disks that do not read, file systems without locks, limits, files that somebody
//! has edited. Its trouble is called its own.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, mknodat};
use rustix::process::Signal;
use serde_json::json;

use crate::process::Running;
use crate::tracer::{Act, Call, Fault, Traced, UNKNOWN, trace};
use crate::world::{ADA, BEA, Ran, World};

/// A run that takes longer hangs.
const LIMIT: Duration = Duration::from_mins(1);

/// Where an untouched run of a command makes the calls that `wanted` picks; nothing where processes may not
/// be traced, or do not show their paths.
fn calls(world: &World, args: &[&str], wanted: impl Fn(&Call) -> bool) -> Vec<usize> {
    let Ok(traced) = trace(world.command(args), None, LIMIT, |_| ()) else { return Vec::new() };
    let calls = traced.calls.iter().enumerate();
    calls.filter(|(_, call)| wanted(call)).map(|(at, _)| at).collect()
}

fn broken(world: &World, args: &[&str], at: usize, act: Act) -> Traced {
    trace(world.command(args), Some(Fault::At(at, act)), LIMIT, |_| ()).unwrap()
}

fn is_about(call: &Call, name: &str) -> bool {
    call.about.rsplit('/').next() == Some(name)
}

#[test]
fn a_disk_that_does_not_read_is_not_a_mistake_in_the_manifest() {
    let world = World::logged_in();
    let manifest = world.short();
    let upload = ["upload", "--dry-run", &manifest];
    for name in ["clip.mp4", "videos_to_upload.json"] {
        let reads = |call: &Call| {
            ["openat", "open", "read", "pread64"].contains(&call.name) && is_about(call, name)
        };
        let (points, mut refused) = (calls(&world, &upload, reads), 0);
        for at in &points {
            let traced = broken(&world, &upload, *at, Act::Fail(libc::EIO));
            // Threads may make their calls in another order; and what is looked at again is there then.
            let hit = traced.hit.as_ref().is_some_and(|(call, _)| reads(call));
            if hit && traced.ran.code != Some(0) {
                let ran = traced.ran.exits(4);
                ran.says(name).says("disk").says("Input/output error").never_says("correct this");
                refused += 1;
            }
        }
        assert!(points.is_empty() || refused > 0, "{name}: {points:?}");
    }
    assert_eq!(world.inits(), 0);
}

#[test]
fn a_file_system_without_locks_is_not_another_run() {
    let world = World::logged_in();
    let manifest = world.short();
    world.run(&["upload", &manifest]).exits(0);
    let kinds: [fn(&Call) -> bool; 3] = [
        // The locks of the program, those of SQLite, and the lock of an account alone.
        |call| call.name == "flock",
        |call| call.name == "fcntl",
        |call| call.name == "flock" && call.about.ends_with(".upload.lock"),
    ];
    for without in kinds {
        let fault = Fault::Each(without, libc::ENOLCK);
        let Ok(traced) = trace(world.command(&["upload", &manifest]), Some(fault), LIMIT, |_| ())
        else {
            return;
        };
        // Where no path can be read, no lock is known for that of an account.
        if traced.hit.is_none() && traced.calls.iter().any(|call| call.about == UNKNOWN) {
            continue;
        }
        let ran = traced.ran.exits(4);
        ran.says("locks")
            .says("--home")
            .never_says("wait for the other run")
            .never_says("another run");
        // What a broken run leaves in the notes, the next one takes out.
        world.run(&["upload", &manifest]).exits(0);
    }
    assert_eq!(world.inits(), 1, "of the untouched run");
}

/// A command under a limit on the size of files, in blocks of 512 bytes.
fn limited(world: &World, blocks: u32, args: &str) -> Command {
    let mut shell = Command::new("sh");
    let script = format!("ulimit -f {blocks}; exec \"$0\" {args}");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_tiktok-up")]);
    world.dress(shell)
}

#[test]
fn a_limit_on_the_size_of_files_ends_nothing_without_a_word() {
    let world = World::logged_in();
    let before = world.store_text();
    let ran = Ran::of(limited(&world, 1, "refresh --force"));
    ran.exits(4).says("ulimit -f").never_says("free space");
    assert_eq!((world.refreshes(), world.store_text()), (0, before), "no token is spent");
    // From the first write on, before anything else is set up.
    for (args, code) in [("--help", 4), ("nonsense", 2), ("accounts", 4)] {
        let said = world.path("said").display().to_string();
        let ran = Ran::of(limited(&world, 0, &format!("{args} > {said}")));
        ran.exits(code);
    }
    let manifest = world.short();
    let ran = Ran::of(limited(&world, 16, &format!("upload {manifest}")));
    ran.exits(4).says("ulimit -f");
    assert_eq!(world.inits(), 0);
    world.upload(&manifest).exits(0);
}

#[test]
fn a_directory_that_is_not_synced_does_not_cost_the_login() {
    let world = World::logged_in();
    let home = world.home().join("home").display().to_string();
    let refresh = ["refresh", "--force"];
    for at in calls(&world, &refresh, |call| call.name == "fsync" && call.about == home) {
        let traced = broken(&world, &refresh, at, Act::Fail(libc::EIO));
        assert!([Some(0), Some(4)].contains(&traced.ran.code), "{traced:?}");
        traced.ran.never_says("probably lost");
        world.run(&refresh).exits(0);
    }
}

#[test]
fn a_token_with_a_line_break_is_no_trouble_of_the_network() {
    let world = World::logged_in();
    let manifest = world.short();
    let good = world.store_text();
    for field in ["access_token", "refresh_token"] {
        let token = world.entry(ADA)[field].as_str().unwrap().to_owned();
        for odd in ["\\r\\n", "\\n", " ", "\\u0000", "\u{e9}"] {
            world.write_store(&good.replace(&token, &format!("{token}{odd}")));
            for args in [&["refresh", "--force"][..], &["upload", &manifest]] {
                let ran = world.run(args).exits(4).never_says("could not connect");
                ran.says("line break").says("user_tokens.json").never_says(&token);
            }
        }
    }
    assert_eq!((world.inits(), world.refreshes()), (0, 0));
    // A new login takes its place.
    world.login(ADA).exits(0);
    world.upload(&manifest).exits(0);
}

#[test]
fn a_store_of_thousands_of_accounts_is_one() {
    let world = World::logged_in();
    let mut store: serde_json::Value = serde_json::from_str(&world.store_text()).unwrap();
    let entry = world.entry(ADA);
    let accounts = store["accounts"].as_object_mut().unwrap();
    for number in 0..2500 {
        accounts.insert(format!("another-{number}"), entry.clone());
    }
    world.write_store(&serde_json::to_string_pretty(&store).unwrap());
    assert!(fs::metadata(world.store_path()).unwrap().size() > 1 << 20);
    let ada = world.open_id(ADA);
    world.run(&["refresh", "--force", "--account", &ada]).exits(0).says("refreshed");
    world.run(&["accounts", "--wide"]).exits(0).says("another-2499");
    world.upload(&world.short()).exits(0);
}

fn fifo(world: &World) -> String {
    let path = world.path("logins");
    mknodat(CWD, &path, FileType::Fifo, 0o600.into(), 0).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_pipe_that_nobody_writes_into_is_not_waited_for_for_ever() {
    let world = World::new();
    let fifo = fifo(&world);
    let begun = Instant::now();
    world.run(&["accounts", "import", &fifo]).exits(2).says("nobody writes");
    assert!(begun.elapsed() < Duration::from_secs(30));
    let import = Running::of(world.command(&["accounts", "import", &fifo]));
    crate::process::eventually("listening", || import.listens().then_some(()));
    import.signal(Signal::INT);
    let begun = Instant::now();
    import.end().exits(130);
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_pipe_that_somebody_writes_into_is_read_to_its_end() {
    let world = World::logged_in();
    let entry = world.entry(ADA);
    let file = json!({ world.open_id(ADA): {
        "access_token": entry["access_token"], "refresh_token": entry["refresh_token"],
        "expires_in": 7200, "refresh_expires_in": 15_552_000, "open_id": world.open_id(ADA),
        "scope": entry["scopes"], "token_type": "Bearer",
        "expires_in_datetime": "2026-01-01T00:00:00", "refresh_expires_in_datetime": "2026-01-01T00:00:00" } });
    fs::remove_dir_all(world.home().join("home")).unwrap();
    let fifo = fifo(&world);
    let import = Running::of(world.command(&["accounts", "import", &fifo]));
    let writer = thread::spawn(move || {
        use std::io::Write as _;
        let mut pipe = fs::OpenOptions::new().write(true).open(fifo).unwrap();
        let text = file.to_string();
        let (first, second) = text.split_at(text.len() / 2);
        pipe.write_all(first.as_bytes()).unwrap();
        // Whoever asks for a passphrase in between takes his time.
        thread::sleep(Duration::from_millis(200));
        pipe.write_all(second.as_bytes()).unwrap();
    });
    import.end().exits(0).says("imported");
    writer.join().unwrap();
}

#[test]
fn a_refresh_that_finds_no_account_says_where_it_looked() {
    let path = |world: &World| world.home().join("home/user_tokens.json").display().to_string();
    let mut world = World::new();
    for args in [&["refresh"][..], &["-q", "refresh"]] {
        world = World::new();
        let ran = world.run(args).exits(3).says("no account is logged in");
        ran.says(&path(&world)).says("is not there").says("TIKTOK_UP_HOME").says("tiktok-up login");
    }
    world.login(ADA).exits(0);
    world.run(&["logout", &world.open_id(ADA)]).exits(0);
    world.run(&["refresh"]).exits(3).says(&path(&world)).says("holds no account");
}

#[test]
fn an_account_that_is_private_already_is_told_what_is_left_to_do() {
    let options = tiktok_sandbox::Options { unaudited: true, ..Default::default() };
    let world = World::with(options);
    world.login(ADA).exits(0);
    world.login(BEA).exits(0);
    world.account(ADA, &json!({ "private": true }));
    world.video("clip.mp4", 100_000);
    let post = |user: &str, level: &str| {
        let manifest = json!([{ "user_id": world.open_id(user), "video_path": "clip.mp4",
            "privacy_level": level }]);
        world.upload(&world.manifest(&manifest)).exits(1)
    };
    let ran = post(ADA, "MUTUAL_FOLLOW_FRIENDS").says("private already").says("SELF_ONLY");
    ran.never_says("*account*");
    let ran = post(BEA, "PUBLIC_TO_EVERYONE").says("*account*").says("SELF_ONLY");
    ran.never_says("private already");
    post(BEA, "SELF_ONLY").says("*account*").never_says("private already");
}
