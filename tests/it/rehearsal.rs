//! The example of `sandbox --example`, from the command that writes it to the posts.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::Signal;
use serde_json::json;

use crate::person::eventually;
use crate::world::{Ran, Running, World};

/// A shell in an empty home of its own, with a browser that says yes wherever it is led.
pub(crate) struct Shell {
    world: World,
    /// Scripts log in as they are written, on the usual port: one at a time.
    _port: MutexGuard<'static, ()>,
}

static PORT: Mutex<()> = Mutex::new(());

/// What a script that fails has started in the background would keep its output open for ever.
const CLEAN_UP: &str = "trap '[ -z \"${!:-}\" ] || kill $! 2>/dev/null || true' EXIT\n";

impl Shell {
    pub(crate) fn new() -> Self {
        let world = World::new();
        let browser = world.path("xdg-open");
        fs::write(
            &browser,
            "#!/bin/sh\ncurl -sL --noproxy '*' -o /dev/null \"$1&sandbox_account=ada\"\n",
        )
        .unwrap();
        fs::set_permissions(&browser, fs::Permissions::from_mode(0o755)).unwrap();
        // One that failed leaves nothing behind.
        let port = PORT.lock().unwrap_or_else(PoisonError::into_inner);
        Self { world, _port: port }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.world.home().join(name)
    }

    /// Runs a script, as it is typed into a shell. `program` is a folder with `tiktok-up` in it.
    fn command(&self, script: &str, program: Option<&Path>) -> Command {
        let mut shell = Command::new("/bin/sh");
        let mut path = format!("{}:/usr/bin:/bin", self.world.path("").display());
        if let Some(program) = program {
            path = format!("{}:{path}", program.display());
        }
        shell.args(["-euc", script]).current_dir(self.world.home()).env_clear();
        shell.env("HOME", self.world.home()).env("PATH", path).env("DISPLAY", ":0");
        // As in a world: reading the system's certificates takes longest of all.
        shell.env("SSL_CERT_FILE", "/dev/null");
        shell.env("TIKTOK_UP_TIMING", "poll_first=10ms").stdin(Stdio::null());
        shell
    }

    pub(crate) fn run(&self, script: &str, program: Option<&Path>) -> Ran {
        Ran::of(self.command(&format!("{CLEAN_UP}{script}"), program))
    }

    /// Starts a sandbox that writes its example, and waits until it listens.
    fn sandbox(&self, more: &str) -> Running {
        let exe = env!("CARGO_BIN_EXE_tiktok-up");
        // Of an earlier one.
        _ = fs::remove_file(self.path("said"));
        let script = format!("exec {exe} sandbox {more} > env 2> said");
        let sandbox = Running::of(self.command(&script, None));
        eventually("the sandbox", || self.said().contains("Ctrl-C").then_some(()));
        sandbox
    }

    fn said(&self) -> String {
        fs::read_to_string(self.path("said")).unwrap_or_default()
    }

    /// What is printed to be pasted: the environment, and the commands that are set off.
    fn to_paste(&self) -> String {
        let said = self.said();
        let commands = said.lines().filter(|line| line.starts_with("  ")).collect::<Vec<_>>();
        let environment = fs::read_to_string(self.path("env")).unwrap();
        format!("{environment}{}\n", commands.join("\n"))
    }
}

fn ends(sandbox: Running) {
    sandbox.signal(Signal::INT);
    sandbox.end().exits(0);
}

#[test]
fn what_the_example_prints_is_to_be_pasted() {
    let shell = Shell::new();
    for dir in ["rehearsal", "a folder/with 'quotes' in it", "rehearsal"] {
        let sandbox = shell.sandbox(&format!("--example \"{dir}\""));
        let pasted = shell.to_paste();
        for command in [" login --alias my-account", "--dry-run", " upload ", " status"] {
            assert!(pasted.contains(command), "{pasted}");
        }
        // From whatever folder.
        let ran = shell.run(&format!("cd /\n{pasted}"), None).exits(0);
        assert!(ran.stdout.matches("\npublished").count() >= 2, "{ran:#?}");
        assert!(ran.stdout.contains("planned"), "{ran:#?}");
        // The real home has nothing of it.
        assert!(!shell.path(".local").exists() && !shell.path(".config").exists());
        ends(sandbox);
    }
}

#[test]
fn an_example_overwrites_nothing_and_can_be_gone_on_with() {
    let shell = Shell::new();
    ends(shell.sandbox("--example there"));
    let manifest = shell.path("there/videos_to_upload.json");
    let written = fs::read_to_string(&manifest).unwrap();
    let mine = written.replace("SELF_ONLY", "MUTUAL_FOLLOW_FRIENDS");
    fs::write(&manifest, &mine).unwrap();
    let videos = fs::read_dir(shell.path("there/videos")).unwrap();
    let mut videos: Vec<_> = videos.map(|entry| entry.unwrap().path()).collect();
    videos.sort();
    fs::write(&videos[0], "mine").unwrap();
    fs::remove_file(&videos[1]).unwrap();
    let other = shell.path("other");
    fs::write(&other, "other").unwrap();
    symlink(&other, &videos[1]).unwrap();

    ends(shell.sandbox("--example there"));
    assert_eq!(fs::read_to_string(&manifest).unwrap(), mine);
    assert_eq!(fs::read(&videos[0]).unwrap(), b"mine");
    assert_eq!(fs::read(&other).unwrap(), b"other");
    assert!(shell.said().contains("left as"), "{}", shell.said());

    fs::write(shell.path("file"), "").unwrap();
    let exe = env!("CARGO_BIN_EXE_tiktok-up");
    shell.run(&format!("{exe} sandbox --example file"), None).exits(4).says("file");
}

#[test]
fn json_names_the_example() {
    let shell = Shell::new();
    let sandbox = shell.sandbox_json();
    let env = eventually("the line", || {
        let text = fs::read_to_string(shell.path("env")).ok()?;
        serde_json::from_str::<serde_json::Value>(&text).ok()
    });
    assert!(Path::new(env["manifest"].as_str().unwrap()).is_file(), "{env}");
    assert!(Path::new(env["home"].as_str().unwrap()).is_absolute(), "{env}");
    ends(sandbox);
}

impl Shell {
    fn sandbox_json(&self) -> Running {
        let exe = env!("CARGO_BIN_EXE_tiktok-up");
        let script = format!("exec {exe} sandbox --json --example there > env 2> said");
        Running::of(self.command(&script, None))
    }
}

#[test]
fn a_schema_may_be_named_anywhere_in_a_manifest() {
    let world = World::logged_in();
    world.video("a.mp4", 100_000);
    let post = json!({ "$schema": "../schema.json", "user_id": world.open_id(crate::world::ADA),
        "video_path": "a.mp4", "privacy_level": "SELF_ONLY" });
    for manifest in
        [json!([post]), json!({ "$schema": "s", "defaults": { "$schema": "d" }, "posts": [post] })]
    {
        world.run(&["upload", "--dry-run", &world.manifest(&manifest)]).exits(0).says("planned");
    }
    let odd = json!([{ "$schema": 7, "video_path": "a.mp4" }]);
    world
        .run(&["upload", "--dry-run", &world.manifest(&odd)])
        .exits(2)
        .says("`$schema` must be text");
}
