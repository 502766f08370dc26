//! A person at a terminal: what it shows, and what is typed. By `script` of util-linux.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::stage::say;
use crate::world::World;

/// Ctrl-C.
pub(crate) const CTRL_C: &str = "\u{3}";

/// A shell's command that runs in a terminal of its own.
pub(crate) struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: ChildStdout,
    shown: String,
    /// Up to where it was looked at.
    seen: usize,
}

impl Terminal {
    /// Whether this machine has what it takes; says so if not.
    pub(crate) fn is_there() -> bool {
        let there = Command::new("script").arg("--version").output().is_ok();
        if !there {
            say("skipped: `script` is not installed");
        }
        there
    }

    /// Starts a command in a world, with more environment.
    pub(crate) fn start(world: &World, command: &str, env: &[(&str, &str)]) -> Self {
        // A prompt that never comes ends the test, too.
        let mut script = Command::new("timeout");
        script.args(["60", "script", "-qec", command, "/dev/null"]);
        script.env_clear().env("SHELL", "/bin/sh");
        let dressed = world.command(&[]);
        script.envs(dressed.get_envs().filter_map(|(name, value)| Some((name, value?))));
        script.envs(env.iter().copied()).current_dir(world.home());
        let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (keys, screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, keys, screen, shown: String::new(), seen: 0 }
    }

    /// Waits until these words appear.
    #[track_caller]
    pub(crate) fn sees(&mut self, words: &str) -> &mut Self {
        loop {
            if let Some(at) = self.shown[self.seen..].find(words) {
                self.seen += at + words.len();
                return self;
            }
            assert!(self.look(), "no {words:?} in {}", self.shown);
        }
    }

    /// The rest of the line, once it is there.
    #[track_caller]
    pub(crate) fn word(&mut self) -> String {
        loop {
            let rest = &self.shown[self.seen..];
            if let Some((word, _)) = rest.split_once(['\r', '\n']) {
                return word.trim().to_owned();
            }
            assert!(self.look(), "no whole line in {}", self.shown);
        }
    }

    fn look(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let read = self.screen.read(&mut buffer).unwrap_or(0);
        self.shown.push_str(&String::from_utf8_lossy(&buffer[..read]));
        read > 0
    }

    /// Types a line.
    pub(crate) fn types(&mut self, line: &str) {
        self.presses(&format!("{line}\n"));
    }

    /// Presses keys.
    pub(crate) fn presses(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for the end: whether it was a success, and all that was shown.
    pub(crate) fn end(mut self) -> (bool, String) {
        while self.look() {}
        drop(self.keys);
        (self.child.wait().unwrap().success(), self.shown)
    }
}
