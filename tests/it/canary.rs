//! No secret is ever said. What every run of every test says is heard here, and looked through when
//! its world ends for all secrets that there were in it. The tests of this file add the ways in which
//! a run can be loud.

use std::cell::RefCell;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::SignedDuration;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tiktok_up::testing::command;

use crate::person::{address_bar, eventually};
use crate::world::{ADA, BEA, Ran, Running, World};

/// What the runs of one test have said.
#[derive(Default)]
struct Heard {
    worlds: usize,
    said: Vec<String>,
}

thread_local! {
    static HEARD: RefCell<Heard> = RefCell::default();
}

/// A world begins in this test.
pub(crate) fn world_begins() {
    HEARD.with_borrow_mut(|heard| heard.worlds += 1);
}

impl Ran {
    /// Remembers what was said until the world ends.
    pub(crate) fn heard(self) -> Self {
        HEARD
            .with_borrow_mut(|heard| heard.said.extend([self.stdout.clone(), self.stderr.clone()]));
        self
    }
}

/// A passphrase of these tests, as secret as the rest.
pub(crate) const PASSPHRASE: &str = "canary sings no word";

impl World {
    /// Every secret of this world, as it is and as a URL has it.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let secrets = self.sandbox.secrets();
        let plain = secrets.iter().map(|secret| secret.expose().to_owned());
        let plain = plain.chain([PASSPHRASE.to_owned()]);
        let both = |text: String| {
            let encoded = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
            [text, encoded]
        };
        plain.flat_map(both).collect()
    }

    /// A text that must hold none of them.
    #[track_caller]
    fn holds_no_secret(&self, what: &str, text: &str) {
        for secret in self.secrets() {
            if let Some(at) = text.find(&secret) {
                let around = text.get(at.saturating_sub(80)..at).unwrap_or_default();
                panic!("{what} holds {secret} after {around:?}");
            }
        }
    }

    /// Files with a secret in them are ours alone, and nowhere but in the store and the journal.
    #[track_caller]
    fn keeps_its_files(&self, folder: &Path) {
        let secrets = self.secrets();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.keeps_its_files(&path);
                continue;
            }
            let content = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            if secrets.iter().any(|secret| content.contains(secret)) {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                assert_eq!(path.metadata().unwrap().mode() & 0o077, 0, "{name}");
                assert!(
                    name.starts_with("user_tokens.json") || name.starts_with("journal.sqlite"),
                    "{name} holds a secret"
                );
            }
        }
    }

    /// The executable, as loud as it can be.
    fn loud(&self, args: &[&str]) -> Command {
        let mut command = self.command(args);
        command.arg("-vvvv").envs([
            ("RUST_LOG", "trace"),
            ("RUST_BACKTRACE", "full"),
            ("TIKTOK_UP_LOG", "trace"),
            ("TIKTOK_UP_PASSPHRASE", PASSPHRASE),
        ]);
        command
    }

    /// Runs it, in words and in JSON.
    fn shout(&self, args: &[&str]) -> [Ran; 2] {
        let mut json = self.loud(args);
        json.arg("--json");
        [Ran::of(self.loud(args)), Ran::of(json)]
    }

    /// The same, to an exit code.
    #[track_caller]
    fn shout_to(&self, code: i32, args: &[&str]) {
        for ran in self.shout(args) {
            ran.exits(code);
        }
    }

    /// A login that shouts, in words or in JSON; the printed URL is opened.
    fn shout_login(&self, json: bool) -> Ran {
        let mut command = self.loud(&["login", "--no-browser", "--port", "0", "--timeout", "20s"]);
        if json {
            command.arg("--json");
        }
        self.login_by(command)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let said = HEARD.with_borrow_mut(|heard| {
            heard.worlds = heard.worlds.saturating_sub(1);
            let last = heard.worlds == 0;
            if last { std::mem::take(&mut heard.said) } else { heard.said.clone() }
        });
        if !std::thread::panicking() {
            for text in said {
                self.holds_no_secret("what was said", &text);
            }
        }
    }
}

/// What an endpoint may do, each of them another error of ours.
fn troubles() -> Vec<Value> {
    vec![
        json!({ "drop": "before" }),
        json!({ "drop": "after" }),
        json!({ "garbage": true }),
        json!({ "answer": { "status": 500 } }),
        json!({ "answer": { "status": 302, "headers": { "Location": "https://example.com/" } } }),
        json!({ "answer": { "status": 200, "body": { "access_token": 7, "refresh_token": [] } } }),
        json!({ "refuse": { "code": "invalid_grant" } }),
        json!({ "refuse": { "code": "invalid_client" } }),
        json!({ "refuse": { "code": "access_token_invalid" } }),
        json!({ "refuse": { "code": "scope_not_authorized" } }),
        json!({ "refuse": { "code": "rate_limit_exceeded" } }),
        json!({ "refuse": { "code": "spam_risk_too_many_posts" } }),
        json!({ "refuse": { "code": "nobody_knows_this_code" } }),
    ]
}

#[test]
fn the_canary_is_heard_where_it_sings() {
    let world = World::logged_in();
    let secrets = world.secrets();
    let entry = world.entry(ADA);
    for name in ["access_token", "refresh_token"] {
        assert!(secrets.contains(&entry[name].as_str().unwrap().to_owned()), "{name}");
    }
    // A secret, a code, a verifier and two tokens; each twice.
    assert!(secrets.len() >= 12, "{}", secrets.len());
    world.upload(&world.short()).exits(0);
    assert_eq!(world.secrets().len(), secrets.len() + 2, "an upload has one more");
    let said = Ran { code: None, stdout: String::new(), stderr: format!("x{}x", secrets[0]) };
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        world.holds_no_secret("a test", &said.stderr);
    }));
    assert!(caught.is_err());
}

#[test]
fn t18_every_login_keeps_its_secrets() {
    for json in [false, true] {
        let world = World::new();
        world.shout_login(json).exits(0);
        world.consent(&json!({ "deny": true }));
        world.shout_login(json).exits(3);
        for trouble in troubles() {
            world.fault(&json!({ "endpoint": "token_code", "do": trouble }));
            world.shout_login(json);
            world.sandbox.clear_faults();
            world.fault(&json!({ "endpoint": "user_info", "do": trouble }));
            world.shout_login(json);
            world.sandbox.clear_faults();
        }
        world.keeps_its_files(&world.home().join("home"));
    }
}

#[test]
fn t18_a_pasted_login_keeps_its_secrets() {
    let world = World::new();
    for wrong in [true, false] {
        let mut command = world.loud(&["login", "--paste", "--timeout", "20s"]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(world.path("said")).unwrap())
            .spawn()
            .unwrap();
        let url = eventually("the URL", || {
            let said = fs::read_to_string(world.path("said")).unwrap();
            let words = said.split_whitespace();
            words.map(str::to_owned).find(|word| word.contains("/v2/auth/authorize/"))
        });
        let mut keys = child.stdin.take().unwrap();
        let landed = address_bar(&url);
        if wrong {
            writeln!(keys, "{}", landed.replace("state=", "state=x")).unwrap();
        }
        writeln!(keys, "{landed}").unwrap();
        drop(keys);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        let said = fs::read_to_string(world.path("said")).unwrap();
        world.holds_no_secret("a pasted login", &said);
        world.holds_no_secret("a pasted login", &String::from_utf8(output.stdout).unwrap());
    }
}

#[test]
fn t18_a_scanned_login_keeps_its_secrets() {
    let world = World::new();
    let login = Running::of(world.loud(&["login", "--qr", "--timeout", "20s"]));
    let url = eventually("the QR code", || login.word("aweme://"));
    let token = world.sandbox.scan(&url).unwrap();
    world.sandbox.confirm(&token, BEA).unwrap();
    login.end().exits(0);
    for trouble in troubles() {
        world.fault(&json!({ "endpoint": "get_qrcode", "do": trouble }));
        world.shout(&["login", "--qr", "--timeout", "100ms"]);
        world.sandbox.clear_faults();
    }
}

#[test]
fn t18_every_refresh_and_logout_keeps_its_secrets() {
    for endpoint in ["token_refresh", "revoke"] {
        for trouble in troubles() {
            let mut world = World::logged_in();
            world.advance(SignedDuration::from_hours(3));
            world.fault(&json!({ "endpoint": endpoint, "times": 0, "do": trouble }));
            world.shout(&["refresh", "--force"]);
            world.shout(&["upload", &world.short()]);
            world.shout(&["logout", &world.open_id(ADA)]);
        }
    }
}

#[test]
fn t18_every_upload_keeps_its_secrets() {
    for endpoint in ["creator_info", "video_init", "upload", "status"] {
        for trouble in troubles() {
            let world = World::logged_in().timing("poll_limit=50ms,stall=300ms,chunk_answer=300ms");
            world.fault(&json!({ "endpoint": endpoint, "times": 0, "do": trouble }));
            world.shout(&["upload", &world.short()]);
            world.shout(&["status", "--all"]);
            world.shout(&["resolve", "1", "--posted"]);
            world.keeps_its_files(&world.home().join("home"));
        }
    }
    let world = World::logged_in();
    for manifest in [world.short(), world.pull(), world.photos()] {
        world.shout(&["upload", "--dry-run", &manifest]);
        world.shout(&["upload", &manifest]);
    }
    world.file("bad.json", r#"[{"user_id": 1, "video_path": }]"#);
    world.shout(&["upload", world.path("bad.json").to_str().unwrap()]);
}

/// The whole request, its tokens included, in TikTok's own words: each of them elsewhere in an answer.
fn echoes() -> Vec<Value> {
    let mut echoes: Vec<_> =
        [200, 400, 500].map(|status| json!({ "field": "message", "status": status })).into();
    echoes.extend(["code", "log_id", "headers"].map(|field| json!({ "field": field })));
    echoes.extend([200, 401, 503].map(|status| json!({ "field": "body", "status": status })));
    echoes
}

impl World {
    /// Does something under each echo of an endpoint, and under the echo in other fields of its answer.
    fn under_echoes(&mut self, endpoint: &str, fields: &[&str], act: impl Fn(&Self, u64)) {
        let more = fields.iter().map(|field| json!({ "field": field }));
        for (round, echo) in (0..).zip(echoes().into_iter().chain(more)) {
            // Past the minute in which TikTok counts inits.
            self.advance(SignedDuration::from_secs(61));
            self.fault(&json!({ "endpoint": endpoint, "times": 0, "do": { "echo": echo } }));
            act(self, round);
            self.let_go();
            self.journal_holds_no_token();
        }
    }

    /// The upload URL of an attempt is in the journal, and no other secret; no text there has one.
    #[track_caller]
    fn journal_holds_no_token(&self) {
        let app = self.sandbox.client_secret();
        let mut secrets = self.secrets();
        for post in self.posts_in_journal().unwrap_or_default() {
            self.holds_no_secret("a label", &format!("{} {:?}", post.label, post.username));
            for attempt in self.attempts(post.number) {
                let texts = [attempt.code, attempt.message, attempt.log_id];
                self.holds_no_secret("an attempt", &format!("{texts:?}"));
            }
        }
        secrets.retain(|secret| {
            secret.starts_with("act.") || secret.starts_with("rft.") || secret == app.expose()
        });
        for name in ["journal.sqlite", "journal.sqlite-wal"] {
            let Ok(bytes) = fs::read(self.home().join("home").join(name)) else { continue };
            let text = String::from_utf8_lossy(&bytes);
            for secret in &secrets {
                assert!(!text.contains(secret), "{name} holds {secret}");
            }
        }
    }

    /// A manifest with a video that was not posted yet.
    fn short_of_round(&self, round: u64) -> String {
        let name = format!("{round}.mp4");
        self.video(&name, 100_000 + round);
        self.one_post(ADA, &name)
    }
}

#[test]
fn t18_an_echo_in_a_login_is_not_passed_on() {
    let mut world = World::new();
    for (endpoint, fields) in [("token_code", &[][..]), ("user_info", &["display_name"])] {
        world.under_echoes(endpoint, fields, |world, round| {
            world.shout_login(round % 2 == 0);
        });
    }
    for endpoint in ["get_qrcode", "check_qrcode"] {
        world.under_echoes(endpoint, &[], |world, _| {
            world.shout(&["login", "--qr", "--timeout", "100ms"]);
        });
    }
    world.keeps_its_files(&world.home().join("home"));
}

#[test]
fn t18_an_echo_in_a_refresh_or_a_logout_is_not_passed_on() {
    for endpoint in ["token_refresh", "revoke"] {
        let mut world = World::logged_in();
        world.under_echoes(endpoint, &[], |world, _| {
            world.shout(&["refresh", "--force"]);
            world.shout(&["upload", &world.short()]);
            if endpoint == "revoke" {
                world.shout(&["logout", &world.open_id(ADA)]);
                world.sandbox.clear_faults();
                world.login(ADA).exits(0);
            }
        });
    }
}

#[test]
fn t18_an_echo_in_an_upload_is_not_passed_on() {
    for (endpoint, fields) in [
        ("creator_info", &["creator_nickname", "creator_username"][..]),
        ("video_init", &[]),
        ("upload", &[]),
        ("status", &["fail_reason", "status"]),
    ] {
        let mut world = World::logged_in().timing("poll_limit=50ms,stall=300ms,chunk_answer=300ms");
        world.under_echoes(endpoint, fields, |world, round| {
            let outcome = json!({ "status": "FAILED", "fail_reason": "internal" });
            world.fault(&json!({ "endpoint": "video_init", "times": 0,
                "do": { "outcome": outcome } }));
            world.shout(&["upload", &world.short_of_round(round)]);
            world.shout(&["status", "--all"]);
            world.shout(&["status", &(round + 1).to_string()]);
        });
        world.keeps_its_files(&world.home().join("home"));
    }
    let mut world = World::logged_in();
    world.under_echoes("content_init", &[], |world, _| {
        world.shout(&["upload", &world.photos()]);
        world.shout(&["status", "--all"]);
    });
    world.under_echoes("inbox_init", &[], |world, round| {
        world.shout(&["upload", "--draft", &world.short_of_round(round)]);
    });
}

#[test]
fn t18_an_echo_in_a_callback_is_not_passed_on() {
    let world = World::new();
    let secret = world.sandbox.client_secret();
    for json in [false, true] {
        let mut command = world.loud(&["login", "--no-browser", "--port", "0"]);
        if json {
            command.arg("--json");
        }
        let login = crate::world::Login::of(command);
        let (state, challenge) = (login.parameter("state"), login.parameter("code_challenge"));
        let words = [secret.expose(), &state, "and", &challenge].join("%20");
        login.get(&format!(
            "/callback/?error=access_denied%20{words}&error_description={words}&state={state}"
        ));
        let ran = login.end().exits(2).says("(redacted)");
        let after = ran.stderr.split_once("code_challenge_method").unwrap().1;
        assert!(!after.contains(&state) && !ran.stdout.contains(&state), "{ran:?}");
    }
}

#[test]
fn t18_logins_that_come_and_go_keep_their_secrets() {
    let world = World::logged_in();
    let open_id = world.open_id(ADA);
    let there = world.home().join("there");
    let there = there.to_str().unwrap();
    let [ran, _] = world.shout(&["accounts", "export", &open_id]);
    let file = world.file("ada.login", &ran.stdout);
    let file = file.to_str().unwrap();
    world.shout_to(0, &["--home", there, "accounts", "import", file]);
    world.shout_to(0, &["accounts", "import", file]);
    let mut wrong = world.loud(&["accounts", "import", file]);
    wrong.env("TIKTOK_UP_PASSPHRASE", format!("{PASSPHRASE}?"));
    Ran::of(wrong).exits(2);
    let store = world.store_path();
    let opened = world.file("opened", world.store_text());
    for odd in [store.to_str().unwrap(), opened.to_str().unwrap(), "/dev/null"] {
        world.shout_to(2, &["accounts", "import", odd]);
    }
    world.keeps_its_files(&world.home().join("home"));
    world.keeps_its_files(Path::new(there));
}

#[test]
fn t18_every_command_there_is_keeps_its_secrets() {
    let world = World::logged_in();
    let config = world.home().join("home/config.toml");
    let secret = world.sandbox.client_secret();
    let app = format!(
        "[apps.main]\nclient_key = \"{}\"\nclient_secret = \"{}\"\n",
        world.sandbox.client_key(),
        secret.expose()
    );
    let of_its_own = ["sandbox", "demo"];
    for command in command().get_subcommands() {
        let name = command.get_name();
        if of_its_own.contains(&name) {
            continue;
        }
        let more =
            ["--help", "--no-such-option", "nobody", &world.open_id(ADA), "--account=nobody"];
        for argument in [None].into_iter().chain(more.into_iter().map(Some)) {
            // A login that waits would wait for long, and a console serves until it is stopped.
            let quick = match name {
                "login" => Some("--timeout=50ms"),
                "serve" => Some("users"),
                _ => None,
            };
            let args: Vec<_> = [name].into_iter().chain(quick).chain(argument).collect();
            world.shout(&args);
        }
    }
    // The same secret in a file that is open to others, and in one that cannot be read.
    fs::write(&config, &app).unwrap();
    world.shout_to(4, &["accounts"]);
    fs::write(&config, format!("{app}oops = [\n")).unwrap();
    crate::person::chmod(&config, 0o600);
    world.shout_to(2, &["accounts"]);
}

#[test]
fn t18_a_demo_keeps_its_secrets() {
    let world = World::new();
    for ran in world.shout(&["demo"]) {
        ran.exits(0).never_says("act.").never_says("rft.").never_says("upload_token=");
    }
}

#[test]
fn t19_a_run_that_aborts_leaves_no_core() {
    let world = World::new();
    let login = Running::of(world.loud(&["login", "--no-browser", "--port", "0"]));
    eventually("the URL", || login.word("http://127.0.0.1").map(drop));
    let limits = fs::read_to_string(format!("/proc/{}/limits", login.pid())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    login.signal(Signal::ABORT);
    login.end();
    // Also where the limit of the shell before it was higher.
    let mut command = crate::person::after("ulimit -c unlimited", &world.loud(&["login", "--qr"]));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("the limit", || {
        let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        (core.split_whitespace().nth(4) == Some("0")).then_some(())
    });
    kill_process(Pid::from_child(&child), Signal::ABORT).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(Signal::ABORT.as_raw()));
    assert!(!status.core_dumped());
}

/// Every operation of a login, a refresh and an upload panics once, with a secret in its payload.
#[cfg(feature = "faults")]
#[test]
fn t18_a_panic_anywhere_keeps_its_secrets() {
    for args in [&["refresh", "--force"][..], &["upload"], &["accounts", "export"]] {
        for n in 1.. {
            let world = World::logged_in();
            let (manifest, open_id) = (world.short(), world.open_id(ADA));
            let last = match args[0] {
                "upload" => Some(manifest.as_str()),
                "accounts" => Some(open_id.as_str()),
                _ => None,
            };
            let args: Vec<_> = args.iter().copied().chain(last).collect();
            let mut command = world.loud(&args);
            command.env("TIKTOK_UP_FAULT", format!("panic:{n}"));
            let ran = Ran::of(command);
            if !ran.stderr.contains("internal error") {
                ran.exits(0);
                assert!(n > 5, "only {n} operations of {args:?}");
                break;
            }
            ran.never_says("panicked at");
        }
    }
}
