//! The executable as a process: a run under way, a login that waits, and what they came to.

use std::fs;
use std::io::{BufRead, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::{Arc, Mutex, Once};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::Value;

/// A login that waits for its callback.
pub(crate) struct Login {
    child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
    /// The authorize URL that it printed.
    pub(crate) url: String,
}

impl Login {
    /// Starts it and reads the URL that it prints.
    pub(crate) fn of(command: Command) -> Self {
        let mut login = Self::start(command);
        login.url = login.next_url().unwrap_or_else(|| panic!("no URL: {}", login.said));
        login
    }

    /// Runs it to its end; `open` gets every URL that it prints.
    pub(crate) fn each_url(command: Command, open: impl Fn(&str)) -> Ran {
        let mut login = Self::start(command);
        while let Some(url) = login.next_url() {
            open(&url);
        }
        login.end()
    }

    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr, said: String::new(), url: String::new() }
    }

    /// The next authorize URL, or none when nothing more is said.
    fn next_url(&mut self) -> Option<String> {
        loop {
            let before = self.said.len();
            if self.stderr.read_line(&mut self.said).unwrap() == 0 {
                return None;
            }
            let mut words = self.said[before..].split_whitespace();
            if let Some(url) = words.find(|word| word.contains("/v2/auth/authorize/")) {
                return Some(url.to_owned());
            }
        }
    }

    /// A parameter of the authorize URL.
    pub(crate) fn parameter(&self, name: &str) -> String {
        let url = url::Url::parse(&self.url).unwrap();
        url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
    }

    /// Kills it where it stands.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ran {
        self.stderr.read_to_string(&mut self.said).unwrap();
        Ran::after(self.said, self.child)
    }
}

/// A run under way.
pub(crate) struct Running {
    child: Child,
    said: Arc<Mutex<String>>,
    listener: JoinHandle<()>,
}

impl Running {
    /// Starts it.
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (heard, stderr) = (Arc::clone(&said), BufReader::new(child.stderr.take().unwrap()));
        let listener = std::thread::spawn(move || {
            for line in stderr.lines() {
                let mut heard = heard.lock().unwrap();
                heard.push_str(&line.unwrap());
                heard.push('\n');
            }
        });
        Self { child, said, listener }
    }

    /// Whether it has said this on stderr.
    pub(crate) fn said(&self, words: &str) -> bool {
        self.said.lock().unwrap().contains(words)
    }

    /// The first word that it has said with this beginning.
    pub(crate) fn word(&self, beginning: &str) -> Option<String> {
        let said = self.said.lock().unwrap();
        said.split_whitespace().find(|word| word.starts_with(beginning)).map(str::to_owned)
    }

    /// The first word that it has said with this in it.
    pub(crate) fn find_word(&self, part: &str) -> Option<String> {
        let said = self.said.lock().unwrap();
        said.split_whitespace().find(|word| word.contains(part)).map(str::to_owned)
    }

    /// All such words.
    pub(crate) fn find_words(&self, part: &str) -> Vec<String> {
        let said = self.said.lock().unwrap();
        said.split_whitespace().filter(|it| it.contains(part)).map(str::to_owned).collect()
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Whether it has begun to listen to signals.
    pub(crate) fn listens(&self) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        let caught = u64::from_str_radix(caught.trim(), 16).unwrap();
        // The last one that it gets to, but for SIGXFSZ, which it catches from its beginning on.
        caught & (1 << (Signal::USR1.as_raw() - 1)) != 0
    }

    /// Whether it has taken in all signals and all its threads sleep: from now on nothing happens in
    /// it but by a timer or from outside.
    pub(crate) fn is_at_rest(&self) -> bool {
        let process = PathBuf::from(format!("/proc/{}", self.pid()));
        let nothing_pending = || {
            let status = fs::read_to_string(process.join("status")).unwrap();
            let mut pending = status.lines().filter_map(|line| line.strip_prefix("ShdPnd:"));
            pending.all(|signals| signals.trim().bytes().all(|digit| digit == b'0'))
        };
        let asleep = || {
            let threads = fs::read_dir(process.join("task")).unwrap();
            threads.map(|thread| thread.unwrap().path().join("stat")).all(|stat| {
                // The state follows the name, which is in parentheses.
                let stat = fs::read_to_string(stat).unwrap_or_default();
                stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S'))
            })
        };
        // One thread may wake another while they are looked at one by one.
        (0..3).all(|_| nothing_pending() && asleep())
    }

    /// Whether it has left: its stderr is closed.
    pub(crate) fn has_left(&self) -> bool {
        self.listener.is_finished()
    }

    /// Ends it as a power cut does.
    pub(crate) fn kill(self) {
        self.signal(Signal::KILL);
        self.end();
    }

    /// From now on every write to a file fails.
    pub(crate) fn fill_disk(&self) {
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        prlimit(Some(Pid::from_child(&self.child)), Resource::Fsize, none).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(self) -> Ran {
        let output = self.child.wait_with_output().unwrap();
        self.listener.join().unwrap();
        Ran::new(std::mem::take(&mut self.said.lock().unwrap()), output)
    }
}

/// What a run of the executable came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Runs a command to its end.
    pub(crate) fn of(mut command: Command) -> Self {
        Self::new(String::new(), command.output().unwrap())
    }

    /// Waits for the end of a child with captured output; `said` was read of its stderr already.
    pub(crate) fn after(said: String, child: Child) -> Self {
        Self::new(said, child.wait_with_output().unwrap())
    }

    fn new(said: String, output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: said + std::str::from_utf8(&output.stderr).unwrap(),
        }
        .heard()
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Somewhere on stderr or stdout.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(
            self.stderr.contains(words) || self.stdout.contains(words),
            "no {words:?} in {self:#?}"
        );
        self
    }

    #[track_caller]
    pub(crate) fn never_says(self, words: &str) -> Self {
        assert!(
            !self.stderr.contains(words) && !self.stdout.contains(words),
            "{words:?} in {self:#?}"
        );
        self
    }

    /// The JSON lines on stdout, each as the schema says.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<Value> {
        let line =
            |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let lines: Vec<Value> = self.stdout.lines().map(line).collect();
        lines.iter().for_each(crate::events::assert_known);
        lines
    }
}

/// Waits for something that must come to be.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Tests that are started by `nohup`, or in the background of a script, have signals ignored, and so
/// would the executable have them.
#[expect(unsafe_code, reason = "the standard library does not reset signals")]
pub(crate) fn inherit_no_ignored_signal() {
    static RESET: Once = Once::new();
    RESET.call_once(|| {
        for signal in (1..32).filter(|signal| *signal != libc::SIGPIPE) {
            if tiktok_up::testing::is_ignored(signal) {
                // SAFETY: the default action is no function of ours.
                unsafe { libc::signal(signal, libc::SIG_DFL) };
            }
        }
    });
}
