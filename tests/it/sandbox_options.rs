//! `tiktok-up sandbox` as it is started from a shell: what its options make of the app, and what comes of it.

use std::fs;
use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::process::{Login, Running, eventually};
use crate::world::{Ran, World};

/// A sandbox of its own process, and a home that talks to it.
struct Shell {
    world: World,
    sandbox: Running,
    /// What it printed for others.
    env: Value,
}

impl Shell {
    fn start(options: &[&str]) -> Self {
        let world = World::new();
        let printed = world.path("env");
        let mut command = world.command(&[&["--json", "sandbox"], options].concat());
        // Its own pipe is read at its end.
        let exe = command.get_program().to_owned();
        let args: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        command = world.dress(Command::new("/bin/sh"));
        command.args(["-c", "exec \"$@\" > \"$0\""]).arg(&printed).arg(exe).args(args);
        let sandbox = Running::of(command);
        let env = eventually("the sandbox", || {
            serde_json::from_str(&fs::read_to_string(&printed).ok()?).ok()
        });
        Self { world, sandbox, env }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.world.command(args);
        for (name, field) in [
            ("TIKTOK_UP_API_URL", "api_url"),
            ("TIKTOK_UP_AUTH_URL", "auth_url"),
            ("TIKTOK_CLIENT_KEY", "client_key"),
            ("TIKTOK_CLIENT_SECRET", "client_secret"),
        ] {
            command.env(name, self.env[field].as_str().unwrap());
        }
        command.current_dir(self.world.path("."));
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args))
    }

    fn login(&self) {
        let login = Login::of(self.command(&["login", "--no-browser", "--port", "0"]));
        self.world.browse(&login.url);
        login.end().exits(0);
    }

    fn end(self) {
        self.sandbox.signal(Signal::INT);
        self.sandbox.end().exits(0);
    }
}

const AT_ONCE: [&str; 7] =
    ["--auto-consent", "--processing", "0s", "--download", "0s", "--account", "mia"];

#[test]
fn an_app_without_the_audit_goes_wrong_as_the_script_says_and_all_is_written_down() {
    let files = World::new();
    let script = json!({ "faults": [
        { "endpoint": "creator_info", "nth": 1, "do": { "refuse": { "code": "internal_error" } } }
    ] });
    let (faults, log) = (files.file("faults.json", script.to_string()), files.path("log.jsonl"));
    let paths = ["--faults", faults.to_str().unwrap(), "--log", log.to_str().unwrap()];
    let shell = Shell::start(&[&AT_ONCE[..], &["--unaudited"], &paths].concat());
    shell.login();
    shell.world.video("a.mp4", 100_001);
    let alone = ["post", "a.mp4", "--privacy", "SELF_ONLY"];
    shell.run(&alone).exits(1).says("unaudited_client_can_only_post_to_private_accounts");
    shell.end();
    let log = fs::read_to_string(log).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |endpoint| lines.iter().filter(move |line| line["endpoint"] == endpoint);
    assert_eq!(of("creator_info").count(), 2, "the script refused the first one");
    assert_eq!(of("video_init").count(), 1);
}

#[test]
fn a_creator_has_as_many_posts_a_day_as_the_option_says_and_pulls_from_what_it_verifies() {
    let limits = ["--daily-posts", "2", "--verified-url", "https://videos.example/", "--no-hash"];
    let shell = Shell::start(&[&AT_ONCE[..], &limits].concat());
    shell.login();
    for (n, name) in [(1, "a.mp4"), (2, "b.mp4")] {
        shell.world.video(name, 100_000 + n);
    }
    let public = ["--brand-content", "--privacy", "PUBLIC_TO_EVERYONE"];
    let post = |what: &[&str]| shell.run(&[&["post"], what, &public[..]].concat());
    post(&["a.mp4"]).exits(0).says("1 published");
    post(&["--url", "https://videos.example/c.mp4"]).exits(0).says("1 published");
    post(&["b.mp4"]).exits(5).says("spam_risk_too_many_posts");
    shell.end();
}
