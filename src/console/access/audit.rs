//! What was done through the console: a line for every write, sign-in and refusal, each an object of JSON. Neither
//! query strings nor bodies are in it.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use serde::Serialize;
use tokio::time::Instant;

use super::tries::{Limit, Tries};
use super::visitor::{Role, Visitor};
use crate::clock::Clock;
use crate::fs::{FsError, PRIVATE_FILE, check_metadata, private_dir, rename, step};
use crate::problem::{Coded, Problem};
use crate::resources::Shortage;
use crate::secret::redact;
use crate::worker::Worker;

/// How long the file gets before another one is begun, in bytes.
const LENGTH: u64 = 10 << 20;

/// How much of a path is noted, in characters.
const PATH: usize = 200;

/// How many refusals of each kind are noted a minute: whoever is refused must not be able to push out what was done.
const REFUSALS: Limit = Limit { tries: 30, within: Duration::from_mins(1) };

/// The same for all kinds together.
const ALL_REFUSALS: Limit = Limit { tries: 60, within: Duration::from_mins(1) };

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Event {
    Write,
    SignIn,
    SignInFailed,
    SignOut,
    Refused,
}

/// One line but for its time.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Line {
    pub(super) event: Event,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) who: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<Role>,
    pub(super) method: String,
    pub(super) path: String,
    /// The answer's; `None` if the visitor left before it.
    pub(super) status: Option<u16>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'static str>,
}

impl Line {
    /// Of a request, without what comes of it.
    pub(super) fn of(
        event: Event,
        visitor: Option<&Visitor>,
        method: &http::Method,
        path: &str,
    ) -> Self {
        Self {
            event,
            who: visitor.map(|visitor| visitor.name.clone()),
            role: visitor.map(|visitor| visitor.role),
            method: method.as_str().chars().take(16).collect(),
            path: path.chars().take(PATH).collect(),
            status: None,
            reason: None,
        }
    }
}

/// Why there is no audit log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditError {
    /// The file, or its directory.
    #[error(transparent)]
    File(#[from] FsError),
    /// No thread to write it.
    #[error(transparent)]
    Thread(#[from] Shortage),
}

impl Coded for AuditError {
    fn problem(&self) -> Problem {
        match self {
            Self::File(error) => error.problem(),
            Self::Thread(error) => error.problem(),
        }
    }
}

/// Is told that a line could not be written.
type OnFailure = Box<dyn Fn(&FsError) + Send + Sync>;

/// The log. Lines are written by a thread of their own, in order; dropping this waits for it.
pub(super) struct Audit {
    worker: Worker,
    log: Arc<Mutex<Log>>,
    refusals: Mutex<(Tries, u64)>,
}

impl std::fmt::Debug for Audit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Audit")
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        self.worker.wait();
    }
}

impl Audit {
    /// Opens `audit.jsonl` in a directory, which is made if need be.
    pub(super) fn open(dir: &Path, clock: Clock, failed: OnFailure) -> Result<Self, AuditError> {
        let path = private_dir(dir)?.join("audit.jsonl");
        let file = open(&path)?;
        let log = Log { path, file, length: LENGTH, clock, failed, is_failing: false };
        Ok(Self {
            worker: Worker::start("audit")?,
            log: Arc::new(Mutex::new(log)),
            refusals: Mutex::new((Tries::new(REFUSALS, ALL_REFUSALS), 0)),
        })
    }

    /// Notes a line.
    pub(super) fn note(&self, line: Line) {
        self.write(line, 0);
    }

    /// Notes a refusal, if there were not too many just now; how many were left out is noted with the next.
    pub(super) fn note_refusal(&self, line: Line, now: Instant) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let (tries, left_out) = &mut *refusals;
        let kind = if line.event == Event::SignInFailed { "sign-in" } else { "request" };
        if tries.begin(kind, now).is_err() {
            *left_out += 1;
            return;
        }
        self.write(line, std::mem::take(left_out));
    }

    fn write(&self, line: Line, left_out: u64) {
        let log = Arc::clone(&self.log);
        self.worker.begin(move || {
            log.lock().unwrap_or_else(PoisonError::into_inner).write(line, left_out);
        });
    }

    /// Blocks until everything is written.
    #[cfg(test)]
    pub(super) fn wait(&self) {
        self.worker.wait();
    }
}

/// The file, as the thread has it.
struct Log {
    path: PathBuf,
    file: File,
    length: u64,
    clock: Clock,
    failed: OnFailure,
    /// Whether the last line could not be written: that is told once.
    is_failing: bool,
}

impl Log {
    fn write(&mut self, line: Line, left_out: u64) {
        #[derive(Serialize)]
        struct Timed {
            time: String,
            #[serde(flatten)]
            line: Line,
            #[serde(skip_serializing_if = "is_none")]
            left_out: u64,
        }
        let time = self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let Ok(text) = serde_json::to_string(&Timed { time, line, left_out }) else { return };
        let outcome = self.append(&format!("{}\n", redact(&text)));
        if let Err(error) = &outcome
            && !self.is_failing
        {
            (self.failed)(error);
        }
        self.is_failing = outcome.is_err();
    }

    fn append(&mut self, line: &str) -> Result<(), FsError> {
        let length = step("examine", &self.path, || self.file.metadata())?.len();
        if length > 0 && length + line.len() as u64 > self.length {
            rename(&self.path, &self.path.with_file_name("audit.1.jsonl"))?;
            self.file = open(&self.path)?;
        }
        // In one piece, so that lines of two processes do not mix.
        step("write", &self.path, || (&self.file).write_all(line.as_bytes()))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none(number: &u64) -> bool {
    *number == 0
}

/// Opens the file to append to it, and makes it if need be; it must be ours alone.
fn open(path: &Path) -> Result<File, FsError> {
    let how = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let how = how | OFlags::NONBLOCK | OFlags::NOCTTY;
    let mode = Mode::from_raw_mode(PRIVATE_FILE);
    let file = step("open", path, || Ok(File::from(rustix::fs::open(path, how, mode)?)))?;
    let found = step("examine", path, || file.metadata())?;
    check_metadata(&found, path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use http::Method;

    use super::*;

    fn audit() -> (tempfile::TempDir, Audit) {
        let dir = tempfile::tempdir().unwrap();
        let audit = Audit::open(dir.path(), Clock::default(), Box::new(|_| panic!())).unwrap();
        (dir, audit)
    }

    fn lines(dir: &tempfile::TempDir, name: &str) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(dir.path().join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn line(path: &str) -> Line {
        let (name, csrf) = ("ada".to_owned(), "c".into());
        let visitor = Visitor { name, role: Role::Editor, csrf };
        let line = Line::of(Event::Write, Some(&visitor), &Method::POST, path);
        Line { status: Some(303), ..line }
    }

    #[test]
    fn a_line_says_who_did_what_and_what_came_of_it() {
        let (dir, audit) = audit();
        audit.note(line("/queue/1/cancel"));
        audit.wait();
        let mut lines = lines(&dir, "audit.jsonl");
        let time = lines[0].as_object_mut().unwrap().remove("time").unwrap();
        assert!(time.as_str().unwrap().ends_with('Z'));
        let said = r#"{"event":"write","who":"ada","role":"editor","method":"POST","path":"/queue/1/cancel","status":303}"#;
        assert_eq!(lines, [serde_json::from_str::<serde_json::Value>(said).unwrap()]);
        let mode = std::fs::metadata(dir.path().join("audit.jsonl")).unwrap().mode();
        assert_eq!(mode & 0o7777, PRIVATE_FILE);
    }

    #[test]
    fn no_path_makes_a_line_of_its_own_or_tells_a_secret() {
        let (dir, audit) = audit();
        let secret = crate::secret::Secret::new("canary-of-the-audit-log");
        audit.note(line("/a\n{\"event\":\"write\"}"));
        audit.note(line(&format!("/{}", secret.expose())));
        audit.note(line(&"/".repeat(1000)));
        audit.wait();
        let lines = lines(&dir, "audit.jsonl");
        assert_eq!(lines.len(), 3);
        assert!(!lines[1].to_string().contains("canary"));
        assert_eq!(lines[2]["path"].as_str().unwrap().len(), PATH);
    }

    #[test]
    fn a_long_file_makes_way_for_a_new_one() {
        let (dir, audit) = audit();
        audit.log.lock().unwrap().length = 250;
        for path in ["/1", "/2", "/3"] {
            audit.note(line(path));
        }
        audit.wait();
        assert_eq!(lines(&dir, "audit.1.jsonl").len(), 2);
        assert_eq!(lines(&dir, "audit.jsonl")[0]["path"], "/3");
    }

    #[test]
    fn refusals_are_noted_up_to_a_limit() {
        let (dir, audit) = audit();
        let refused = || Line { event: Event::Refused, reason: Some("host"), ..line("/") };
        let now = Instant::now();
        for _ in 0..100 {
            audit.note_refusal(refused(), now);
        }
        audit.note(line("/"));
        audit.note_refusal(refused(), now + Duration::from_mins(1));
        audit.wait();
        let lines = lines(&dir, "audit.jsonl");
        assert_eq!(lines.len(), 32);
        assert_eq!(lines[31]["left_out"], 70);
    }
}
