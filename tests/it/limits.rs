//! What a refresh or a login will need is proved to be there before anything is spent for it: a store
//! that can be replaced, threads, descriptors, memory.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::json;

use crate::stage::say;
use crate::world::{ADA, Ran, World};

const EXE: &str = env!("CARGO_BIN_EXE_tiktok-up");

/// `@ada` logged in three hours ago.
fn ended() -> World {
    let mut world = World::logged_in();
    world.advance(SignedDuration::from_hours(3));
    world
}

/// Whether this machine lets us run what a test needs; if not, that the test is skipped is said aloud.
fn needs(program: &str, args: &[&str]) -> bool {
    let can = can(program, args);
    if !can {
        say(&format!("skipped: `{program} {}` does not work here", args.join(" ")));
    }
    can
}

fn can(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

impl World {
    /// Runs the executable from a shell that does something first.
    fn run_after(&self, wrapper: &[&str], first: &str, args: &[&str]) -> Ran {
        let script = format!("{first} && exec \"$0\" \"$@\"");
        let mut words = wrapper.to_vec();
        words.extend(["sh", "-c", &script, EXE]);
        words.extend(args);
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        Ran::of(self.dress(command))
    }
}

/// Nothing was sent, and a run without the trouble goes well.
#[track_caller]
fn nothing_was_spent(world: &World) {
    assert_eq!(world.refreshes(), 0);
    world.run(&["refresh"]).exits(0);
    assert!(world.leftovers().is_empty(), "{:?}", world.leftovers());
}

/// A mount namespace of our own.
const MOUNTS: [&str; 4] = ["unshare", "--user", "--map-root-user", "--mount"];

#[test]
fn a_store_that_is_mounted_by_itself_is_found_before_the_token_is_spent() {
    if !needs(MOUNTS[0], &[&MOUNTS[1..], &["true"]].concat()) {
        return;
    }
    let world = ended();
    let store = world.store_path().display().to_string();
    let before = world.store_text();
    let mount = format!("mount --bind {store} {store}");
    world.run_after(&MOUNTS, &mount, &["refresh"]).exits(4).says("mount its directory");
    world
        .run_after(&MOUNTS, &mount, &["login", "--no-browser"])
        .exits(4)
        .never_says("/v2/auth/authorize/");
    assert_eq!(world.store_text(), before);
    nothing_was_spent(&world);
}

/// A directory or file that nothing can be removed from while this lives.
struct AppendOnly<'a>(&'a Path);

impl<'a> AppendOnly<'a> {
    fn is_possible() -> bool {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_str().unwrap();
        needs("chattr", &["+a", path]) && needs("chattr", &["-a", path])
    }

    fn made(path: &'a Path) -> Self {
        assert!(can("chattr", &["+a", path.to_str().unwrap()]));
        Self(path)
    }
}

impl Drop for AppendOnly<'_> {
    fn drop(&mut self) {
        can("chattr", &["-a", self.0.to_str().unwrap()]);
    }
}

#[test]
fn a_store_that_is_append_only_is_found_before_the_token_is_spent() {
    if !AppendOnly::is_possible() {
        return;
    }
    for whole_directory in [true, false] {
        let world = ended();
        let store = world.store_path();
        let kept = if whole_directory { store.parent().unwrap() } else { &store };
        {
            let _held = AppendOnly::made(kept);
            for _ in 0..2 {
                world.run(&["refresh"]).exits(4).says("chattr -a");
            }
        }
        nothing_was_spent(&world);
    }
}

#[test]
fn a_limit_that_is_too_low_for_a_run_is_named_at_its_start() {
    for (limit, name) in [("ulimit -n 20", "RLIMIT_NOFILE is 20"), ("ulimit -v 60000", "RLIMIT_AS")]
    {
        let world = ended();
        let before = world.store_text();
        for args in [&["refresh"][..], &["accounts"], &["login", "--no-browser"]] {
            world.run_after(&["env"], limit, args).exits(4).says(name).says("ulimit");
        }
        assert_eq!(world.store_text(), before);
        nothing_was_spent(&world);
    }
}

/// An ordinary user: root is not held to the limit on threads.
const NOBODY: [&str; 5] = ["setpriv", "--reuid", "65534", "--clear-groups", "prlimit"];

#[test]
fn too_few_threads_end_a_run_at_once() {
    if !needs(NOBODY[0], &[&NOBODY[1..], &["--nproc=100", EXE, "--version"]].concat()) {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let world = World::new();
    for threads in 1..=7 {
        let mut command = Command::new(NOBODY[0]);
        command.args(&NOBODY[1..]).arg(format!("--nproc={threads}")).args([EXE, "accounts"]);
        let mut command = world.dress(command);
        command.env("TIKTOK_UP_HOME", home.path().join("home"));
        let started = Instant::now();
        let ran = Ran::of(command).exits(4).says(&format!("RLIMIT_NPROC is {threads}"));
        ran.says("ulimit -u").never_says("internal error");
        assert!(started.elapsed() < Duration::from_secs(20));
    }
}

#[test]
fn a_login_that_nothing_stands_in_the_way_of_is_not_kept_from_being_made() {
    let world = World::new();
    world.run_after(&["env"], "ulimit -n 64", &["accounts"]).exits(0);
    world.login(ADA).exits(0);
    world.run_after(&["env"], "ulimit -n 64", &["refresh", "--force"]).exits(0);
}

#[test]
fn a_run_that_has_no_descriptors_to_see_what_is_written_ends_before_it_sends() {
    let world = World::logged_in();
    let user = world.open_id(ADA);
    let names: Vec<String> = (0..60).map(|n| format!("clip-{n}.mp4")).collect();
    for name in &names {
        world.video(name, 100_000);
    }
    let open = |name: &String| File::options().append(true).open(world.path(name)).unwrap();
    let writers: Vec<File> = names.iter().map(open).collect();
    let posts = names
        .iter()
        .map(|name| json!({ "user_id": user, "video_path": name, "privacy_level": "SELF_ONLY" }));
    let manifest = world.manifest(&posts.collect());
    let ran = world.run_after(&["env"], "ulimit -n 64", &["upload", &manifest]);
    ran.exits(4).says("RLIMIT_NOFILE is 64").says("ulimit -n");
    assert_eq!(world.inits(), 0);
    drop(writers);
    world.run_after(&["env"], "ulimit -n 64", &["upload", "--dry-run", &manifest]).exits(0);
}
