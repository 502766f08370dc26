//! Progress on terminals of any kind and size.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;
use unicode_width::UnicodeWidthStr as _;

use crate::person::eventually;
use crate::stage::say;
use crate::terminal::Terminal;
use crate::world::{ADA, BEA, CHUNK, World};

/// A terminal of tmux, which wraps and joins lines anew when its width changes, as most do.
struct Tmux<'a> {
    world: &'a World,
    raw: PathBuf,
}

impl<'a> Tmux<'a> {
    fn is_there() -> bool {
        let there = Command::new("tmux").arg("-V").output().is_ok();
        if !there {
            say("skipped: `tmux` is not installed");
        }
        there
    }

    /// Runs a shell's command, and shows its exit code when it has ended.
    fn start(world: &'a World, columns: u16, command: &str) -> Self {
        let tmux = Self { world, raw: world.path("raw") };
        let command = format!("{command}; echo ended $?; exec cat");
        let size = [columns.to_string(), "24".to_owned()];
        tmux.does(&["new-session", "-d", "-s", "s", "-x", &size[0], "-y", &size[1], &command]);
        let pipe = format!("cat >> {}", tmux.raw.display());
        tmux.does(&["pipe-pane", "-t", "s", &pipe]);
        tmux
    }

    fn does(&self, args: &[&str]) -> String {
        let mut tmux = Command::new("tmux");
        tmux.args(["-u", "-f", "/dev/null", "-S"]).arg(self.world.home().join("tmux")).args(args);
        let output = self.world.dress(tmux).env("SHELL", "/bin/sh").output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What was written to it.
    fn written(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.raw).unwrap_or_default()).into_owned()
    }

    /// Gives it another width, and waits until what is drawn fits it.
    fn resize(&self, columns: u16) {
        let before = self.written().len();
        self.does(&["resize-window", "-t", "s", "-x", &columns.to_string(), "-y", "24"]);
        eventually("another drawing", || {
            let written = self.written();
            let (_, drawn) = written.rsplit_once("\u{1b}[?7l")?;
            let (drawn, _) = drawn.split_once("\u{1b}[?7h")?;
            let mut lines = drawn.split(['\r', '\n']);
            let fits = lines.all(|line| line.width() < usize::from(columns));
            (written.len() > before && fits).then_some(())
        });
    }

    /// All lines that it has shown and still shows, those that it has wrapped put together again.
    fn shows(&self) -> String {
        self.does(&["capture-pane", "-p", "-J", "-S", "-", "-t", "s"])
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        self.does(&["kill-server"]);
    }
}

/// Two posts by two accounts under way at once, names and all as long and wide as they come.
fn two_posts(world: &World) -> String {
    world.consent(&json!({ "account": BEA }));
    world.login_with(&["--alias", "bea"]).exits(0);
    let names = [
        "東京タワーの夜景と桜👩‍👩‍👧‍👦e\u{301}e\u{301}.mp4",
        "a-name-that-is-longer-than-most-terminals-are-wide.mp4",
    ];
    for name in names {
        world.video(name, 3 * CHUNK + 1000);
    }
    world.manifest(&json!([
        { "user_id": world.open_id(ADA), "video_path": names[0], "privacy_level": "SELF_ONLY" },
        { "user_id": "bea", "video_path": names[1], "privacy_level": "SELF_ONLY" }
    ]))
}

#[test]
fn no_line_is_lost_while_the_width_changes() {
    if !Tmux::is_there() {
        return;
    }
    let world = World::logged_in();
    let manifest = two_posts(&world);
    world.fault(&json!({ "endpoint": "upload", "times": 0, "do": { "slow": 200_000 } }));
    let program = env!("CARGO_BIN_EXE_tiktok-up");
    let upload = format!("seq 1000 1012; {program} upload --chunk-size {CHUNK} {manifest}");
    let tmux = Tmux::start(&world, 100, &upload);
    eventually("both bars", || (tmux.shows().matches("MB").count() >= 2).then_some(()));
    for columns in [60, 100, 30, 120, 20, 8, 90] {
        tmux.resize(columns);
    }
    world.let_go();
    let shown = eventually("the end", || {
        let shown = tmux.shows();
        shown.contains("ended 0").then_some(shown)
    });
    for number in 1000..=1012 {
        let lines = shown.lines().filter(|line| line.trim_end() == number.to_string()).count();
        assert_eq!(lines, 1, "{number} in\n{shown}");
    }
    assert_eq!(shown.matches("posting as").count(), 2, "{shown}");
    assert_eq!(shown.lines().filter(|line| line.starts_with("published")).count(), 2, "{shown}");
}

#[test]
fn a_terminal_that_can_do_nothing_gets_lines() {
    if !Terminal::is_there() {
        return;
    }
    let program = env!("CARGO_BIN_EXE_tiktok-up");
    for term in [&[("TERM", "dumb")][..], &[]] {
        let world = World::logged_in();
        let command = format!("{program} upload {}", world.short());
        let (success, shown) = Terminal::start(&world, &command, term).end();
        assert!(success && shown.contains("sending 100.0 kB in 1 chunk"), "{term:?}: {shown}");
        assert!(!shown.contains('\r') || !shown.replace("\r\n", "").contains('\r'), "{shown:?}");
        assert!(!shown.contains('\u{1b}') || term.is_empty(), "{shown:?}");
    }
}
