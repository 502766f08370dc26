//! Secrets at rest: with `[store] encrypt` no token and no `upload_url` stands in any file, everything
//! works as before, and a key that is not at hand costs nothing but an exit code.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tiktok_up::testing::{Lock, Phase, refresh_lock};

use crate::canary::PASSPHRASE;
use crate::person::chmod;
use crate::terminal::{CTRL_C, Terminal};
use crate::world::{ADA, BEA, CHUNK, Ran, Running, World};

const KEY_FILE: &str = "encrypt = \"key-file\"\nkey_file = \"../keys/store.key\"";
const WITH_PASSPHRASE: &str = "encrypt = \"passphrase\"\npassphrase_file = \"../keys/words\"";
const KEY_COMMAND: &str = "encrypt = \"key-file\"\nkey_command = [\"cat\", \"keys/printed\"]";

/// All ways to encrypt that need no desktop.
const WAYS: [&str; 3] = [KEY_FILE, WITH_PASSPHRASE, KEY_COMMAND];

impl World {
    fn state_dir(&self) -> PathBuf {
        self.home().join("home")
    }

    /// Writes `[store]` into config.toml, and what the ways to encrypt need.
    fn set_store(&self, lines: &str) {
        let keys = self.home().join("keys");
        for dir in [&self.state_dir(), &keys] {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).unwrap();
        }
        fs::write(self.state_dir().join("config.toml"), format!("[store]\n{lines}\n")).unwrap();
        let hex = "0123456789abcdef".repeat(4);
        for (name, text) in [("words", PASSPHRASE), ("printed", &hex)] {
            fs::write(keys.join(name), format!("{text}\n")).unwrap();
            chmod(&keys.join(name), 0o600);
        }
    }

    fn key_file(&self) -> PathBuf {
        self.home().join("keys/store.key")
    }

    /// `@ada` logged in, in a store that is encrypted in a way.
    fn encrypted(way: &str) -> Self {
        let world = Self::new();
        world.set_store(way);
        world.run(&["accounts", "encrypt"]).exits(0).says("encrypted");
        world.login(ADA).exits(0);
        world
    }

    /// No byte of a file below the home is part of a token or an `upload_url`; also not of a sandbox's
    /// words for it.
    #[track_caller]
    fn rests_encrypted(&self) {
        let secrets = self.secrets();
        let client_secret = self.sandbox.client_secret();
        let rest: Vec<&str> = secrets
            .iter()
            .map(String::as_str)
            .filter(|secret| *secret != client_secret.expose() && *secret != PASSPHRASE)
            .collect();
        assert!(rest.len() > 3, "there is something to look for");
        for file in files(&self.state_dir()) {
            let content = fs::read(&file).unwrap();
            for secret in &rest {
                let found = content.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "{} holds {secret}", file.display());
            }
        }
    }

    /// Starts an upload and lets it come to the middle of the second chunk.
    fn upload_half(&self, manifest: &str) -> Running {
        self.hold("upload", 2, "middle");
        let running = self.start_upload(manifest);
        self.wait_until("the second chunk is under way", |world| {
            world.posts().last().is_some_and(|post| post.received > CHUNK)
        });
        running
    }

    /// How often TikTok was asked for anything.
    fn asked(&self) -> usize {
        self.sandbox.requests().len()
    }

    /// What every file of the state directory holds, locks aside.
    fn snapshot(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let state = files(&self.state_dir()).into_iter().filter(|file| {
            file.file_name().is_some_and(|name| name == "user_tokens.json") || is_answer(file)
        });
        state.map(|file| (file.clone(), fs::read(&file).unwrap())).collect()
    }

    /// A run that needs the key and has it not: exit 4, nothing sent, nothing changed.
    #[track_caller]
    fn lacks_its_key(&self, says: &str) {
        let (before, asked) = (self.snapshot(), self.asked());
        let manifest = self.short();
        let ada = self.open_id(ADA);
        for args in [
            &["refresh", "--force"][..],
            &["refresh"],
            &["upload", &manifest],
            &["upload", "--dry-run", &manifest],
            &["login", "--no-browser", "--port", "0"],
            &["logout", &ada],
            &["accounts", "decrypt"],
            &["accounts", "export", &ada],
        ] {
            let ran = Ran::of(self.without_terminal(args)).exits(4).says(says);
            ran.says("hint:").never_says("needs a new login");
        }
        assert_eq!(self.asked(), asked, "nothing was sent");
        assert_eq!(self.snapshot(), before, "nothing was changed");
        // What needs no token needs no key.
        let ran = self.run(&["accounts", "--json"]).exits(0);
        assert_eq!(ran.json()[0]["health"], "ok");
        self.run(&["accounts", "alias", &ada, "shop"]).exits(0);
        self.run(&["accounts", "alias", "shop", "other"]).exits(0);
    }

    /// A command in a session of its own, as cron starts it.
    fn without_terminal(&self, args: &[&str]) -> Command {
        let command = self.command(args);
        let mut alone = Command::new("setsid");
        alone.arg("--wait").arg(command.get_program()).args(command.get_args()).env_clear();
        alone.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        alone.current_dir(self.home());
        alone
    }
}

/// Whether a file is a refresh answer that waits to be saved.
fn is_answer(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "new")
}

/// All files below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn t18_with_every_way_to_encrypt_all_works_and_no_file_shows_a_secret() {
    for way in WAYS {
        let mut world = World::encrypted(way);
        world.rests_encrypted();
        world.advance(jiff::SignedDuration::from_hours(25));
        world.run(&["refresh"]).exits(0).says("refreshed");
        world.rests_encrypted();
        // A run is killed in the middle of a chunk; the next one goes on where it was.
        let manifest = world.long();
        let running = world.upload_half(&manifest);
        world.rests_encrypted();
        running.kill();
        world.rests_encrypted();
        assert!(matches!(world.phases()[..], [Phase::Open { .. }]), "{:?}", world.phases());
        world.let_go();
        world.upload(&manifest).exits(0);
        assert_eq!((world.inits(), world.published()), (1, 1), "{way}: it went on where it was");
        world.run(&["status", "1"]).exits(0);
        world.rests_encrypted();
        world.run(&["accounts"]).exits(0).says("encrypted with");
        let json = world.run(&["accounts", "--json"]).exits(0).json();
        assert_ne!(json[0]["tokens_at_rest"], "plain");
        world.run(&["logout", &world.open_id(ADA)]).exits(0).never_says("not revoked");
    }
}

#[test]
fn a_store_in_plain_text_is_migrated_there_and_back_with_a_post_under_way() {
    for way in WAYS {
        let world = World::logged_in();
        world.login(BEA).exits(0);
        world.run(&["accounts"]).exits(0).says("mode 0600, not encrypted");
        let manifest = world.long();
        let running = world.upload_half(&manifest);
        world.set_store(way);
        world.run(&["accounts", "encrypt"]).exits(5).says("process");
        running.kill();
        let before = world.store_text();
        world.run(&["accounts", "encrypt"]).exits(0).says("encrypted: 2 logins");
        world.rests_encrypted();
        let encrypted = world.store_text();
        world.run(&["accounts", "encrypt"]).exits(0).says("already");
        assert_eq!(world.store_text(), encrypted);
        world.run(&["accounts", "decrypt"]).exits(0).says("decrypted: 2 logins");
        assert_eq!(world.store_text(), before);
        world.run(&["accounts", "decrypt"]).exits(0).says("already");
        let ran = world.run(&["--json", "accounts", "encrypt"]).exits(0);
        let event = &ran.json()[0];
        assert_eq!((&event["event"], &event["logins"]), (&json!("encrypt"), &json!(2)));
        assert_eq!((&event["upload_urls"], &event["changed"]), (&json!(1), &json!(true)));
        world.rests_encrypted();
        world.let_go();
        world.upload(&manifest).exits(0);
        assert_eq!((world.inits(), world.published()), (1, 1), "it went on where it was");
        world.run(&["refresh", "--force"]).exits(0);
    }
}

impl World {
    /// The refresh answers that wait to be saved.
    fn answers(&self) -> Vec<PathBuf> {
        let mut answers = files(&self.state_dir());
        answers.retain(|file| is_answer(file));
        answers
    }

    /// Kills a refresh after TikTok's answer was made durable and before the store has it.
    fn cut_off_a_refresh(&mut self) {
        self.advance(jiff::SignedDuration::from_hours(25));
        self.hold("token_refresh", 1, "middle");
        let refresh = Running::of(self.command(&["refresh"]));
        self.wait_until("TikTok has the refresh", |world| !world.calls("token_refresh").is_empty());
        let held = Lock::take(&self.state_dir().join("user_tokens.json.lock")).unwrap();
        self.let_go();
        self.wait_until("the answer is durable", |world| !world.answers().is_empty());
        refresh.kill();
        drop(held);
    }
}

#[test]
fn the_answer_of_a_refresh_that_was_cut_off_rests_encrypted_and_waits_for_the_key() {
    let mut world = World::encrypted(KEY_FILE);
    world.cut_off_a_refresh();
    world.rests_encrypted();
    let answer = fs::read(&world.answers()[0]).unwrap();
    let key = fs::read(world.key_file()).unwrap();
    fs::remove_file(world.key_file()).unwrap();
    world.run(&["refresh"]).exits(4).says("key file");
    world.run(&["accounts"]).exits(0).says("stays there");
    assert_eq!(fs::read(&world.answers()[0]).unwrap(), answer);
    fs::write(world.key_file(), key).unwrap();
    chmod(&world.key_file(), 0o600);
    world.run(&["refresh"]).exits(0).says("recovered");
    assert!(world.answers().is_empty());
    world.rests_encrypted();
    assert_eq!(world.calls("token_refresh").len(), 1);
    world.run(&["refresh", "--force"]).exits(0).says("refreshed");
}

#[test]
fn the_answer_of_a_refresh_that_was_cut_off_is_migrated_with_the_tokens() {
    let mut world = World::logged_in();
    world.set_store(KEY_FILE);
    world.cut_off_a_refresh();
    world.run(&["accounts", "encrypt"]).exits(0);
    assert_eq!(world.answers().len(), 1);
    world.rests_encrypted();
    world.run(&["accounts", "decrypt"]).exits(0);
    world.set_store("");
    world.run(&["refresh"]).exits(0).says("recovered");
    assert_eq!(world.calls("token_refresh").len(), 1);
    world.run(&["refresh", "--force"]).exits(0).says("refreshed");
}

#[test]
fn an_answer_that_cannot_be_read_rests_encrypted_and_is_kept_through_a_migration() {
    let mut world = World::encrypted(KEY_FILE);
    world.advance(jiff::SignedDuration::from_hours(25));
    // Only a later version could use it.
    let body = json!({ "tokens": { "access": UNREAD_TOKENS[0], "refresh": UNREAD_TOKENS[1] } });
    world.fault(&json!({ "endpoint": "token_refresh", "nth": 1, "do": { "answer": {
        "status": 200, "headers": { "Content-Type": "application/json" }, "body": body } } }));
    let ran = world.run(&["refresh"]).exits(3);
    let path = ran.word_with(".unread");
    let holds_tokens = |path: &str| {
        let content = fs::read_to_string(path).unwrap();
        UNREAD_TOKENS.map(|token| content.contains(token))
    };
    assert_eq!(holds_tokens(&path), [false; 2]);
    world.run(&["accounts", "decrypt"]).exits(0);
    assert_eq!(holds_tokens(&path), [true; 2]);
    world.run(&["refresh"]).exits(3).says(".unread");
    world.run(&["accounts", "encrypt"]).exits(0);
    assert_eq!(holds_tokens(&path), [false; 2]);
    world.run(&["refresh"]).exits(3).says(".unread");
    assert_eq!(world.calls("token_refresh").len(), 1, "the dead token is not sent again");
}

/// What stands in an answer that this version cannot use.
const UNREAD_TOKENS: [&str; 2] = ["act.0123456789unread", "rft.0123456789unread"];

impl Ran {
    /// The path with these letters in it, wherever it was said.
    #[track_caller]
    fn word_with(&self, letters: &str) -> String {
        let words = self.stderr.split_whitespace().find(|word| word.contains(letters));
        let word = words.unwrap_or_else(|| panic!("no {letters} in {self:#?}"));
        word.trim_matches(|c: char| "`'\":;,.".contains(c)).to_owned()
    }
}

#[test]
fn a_key_file_that_is_missing_another_or_open_to_others_is_named_and_nothing_is_lost() {
    let world = World::encrypted(KEY_FILE);
    let (path, key) = (world.key_file(), fs::read(world.key_file()).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let store: Value = serde_json::from_str(&world.store_text()).unwrap();
    let id = store["encryption"]["key"].as_str().unwrap().to_owned();
    fs::remove_file(&path).unwrap();
    world.lacks_its_key(&format!("key {id}"));
    world.run(&["accounts", "encrypt"]).exits(4).says(&id);
    assert!(!path.exists(), "no new key takes the place of the lost one");
    fs::write(&path, "ab".repeat(32)).unwrap();
    chmod(&path, 0o600);
    world.lacks_its_key(&format!("key {id}"));
    fs::write(&path, "hello").unwrap();
    world.lacks_its_key("not a key");
    fs::write(&path, &key).unwrap();
    chmod(&path, 0o644);
    world.lacks_its_key("chmod 600");
    chmod(&path, 0o600);
    world.run(&["refresh", "--force"]).exits(0).says("refreshed");
}

#[test]
fn a_setting_that_is_missing_or_another_is_named_and_nothing_is_lost() {
    let world = World::encrypted(KEY_FILE);
    let store: Value = serde_json::from_str(&world.store_text()).unwrap();
    let id = store["encryption"]["key"].as_str().unwrap().to_owned();
    world.set_store("");
    world.lacks_its_key("`[store] encrypt` is not set");
    world.lacks_its_key(&id);
    world.run(&["accounts"]).exits(0).says("is not set").says(&id);
    world.run(&["accounts", "encrypt"]).exits(2).says("[store]");
    world.set_store(WITH_PASSPHRASE);
    world.lacks_its_key("\"passphrase\" now");
    world.run(&["accounts", "encrypt"]).exits(4).says("accounts decrypt");
    world.set_store(KEY_FILE);
    world.run(&["refresh", "--force"]).exits(0).says("refreshed");
}

#[test]
fn what_is_left_after_a_decryption_is_called_what_it_is() {
    for (way, left) in [
        (KEY_FILE, "the key is left where it is"),
        (WITH_PASSPHRASE, "keep the passphrase"),
        (KEY_COMMAND, "keep what `key_command` prints"),
    ] {
        let world = World::encrypted(way);
        let ran = world.run(&["accounts", "decrypt"]).exits(0).says(left);
        assert_eq!(ran.stderr.contains("the key is left"), way == KEY_FILE, "{ran:#?}");
    }
}

#[test]
fn that_the_tokens_are_not_encrypted_yet_is_said_once_in_a_run() {
    let world = World::logged_in();
    world.set_store(KEY_FILE);
    for args in [&["accounts"][..], &["refresh"], &["status"]] {
        let ran = world.run(args).exits(0);
        assert!(ran.stderr.matches("not encrypted yet").count() <= 1, "{ran:#?}");
    }
    world.run(&["accounts"]).exits(0).says("not encrypted yet");
}

#[test]
fn a_passphrase_that_nobody_is_there_to_type_or_that_is_wrong_is_local_trouble() {
    let world = World::encrypted(WITH_PASSPHRASE);
    world.set_store("encrypt = \"passphrase\"");
    world.lacks_its_key("no terminal");
    let mut wrong = world.command(&["refresh", "--force"]);
    wrong.env("TIKTOK_UP_PASSPHRASE", "another passphrase");
    Ran::of(wrong).exits(4).says("passphrase is wrong");
    world.set_store("encrypt = \"passphrase\"\npassphrase_command = \"exit 3\"");
    world.lacks_its_key("passphrase_command");
    world.set_store(WITH_PASSPHRASE);
    fs::remove_file(world.home().join("keys/words")).unwrap();
    world.lacks_its_key("its file is not there");
    world.set_store("encrypt = \"passphrase\"");
    let mut right = world.command(&["refresh", "--force"]);
    right.env("TIKTOK_UP_PASSPHRASE", PASSPHRASE);
    Ran::of(right).exits(0).says("refreshed");
}

#[test]
fn t18_a_passphrase_is_typed_at_a_terminal_and_may_be_wrong_twice() {
    if !Terminal::is_there() {
        return;
    }
    let world = World::logged_in();
    world.set_store("encrypt = \"passphrase\"");
    let program = env!("CARGO_BIN_EXE_tiktok-up");
    let mut terminal = Terminal::start(&world, &format!("{program} accounts encrypt"), &[]);
    terminal.sees("Passphrase for the token store: ").types(PASSPHRASE);
    terminal.sees("The same again: ").types(PASSPHRASE);
    let (success, shown) = terminal.end();
    assert!(success && shown.contains("encrypted: 1 login"), "{shown}");
    world.rests_encrypted();
    let mut terminal = Terminal::start(&world, &format!("{program} refresh --force"), &[]);
    for words in ["wrong", "wrong again"] {
        terminal.sees("Passphrase of the token store: ").types(words);
        terminal.sees("once more");
    }
    terminal.sees("Passphrase of the token store: ").types(PASSPHRASE);
    let (success, shown) = terminal.end();
    assert!(success && shown.contains("refreshed"), "{shown}");
}

#[test]
fn the_key_is_fetched_once_in_a_run_however_long_that_is() {
    let world = World::logged_in();
    world.login(BEA).exits(0);
    let key = "0123456789abcdef".repeat(4);
    world.set_store(&format!(
        "encrypt = \"key-file\"\nkey_command = \"echo x >> {}; echo {key}\"",
        world.path("fetched").display()
    ));
    let fetched = || {
        let text = fs::read_to_string(world.path("fetched")).unwrap_or_default();
        _ = fs::remove_file(world.path("fetched"));
        text.lines().count()
    };
    world.run(&["accounts", "encrypt"]).exits(0);
    assert_eq!(fetched(), 2, "once to know it, and once to know that it comes back");
    world.run(&["refresh", "--force"]).exits(0);
    assert_eq!(fetched(), 1);
    world.say_status(6, &json!({ "status": "PROCESSING_UPLOAD" }));
    world.run(&["upload", "--no-wait", &world.short()]);
    assert_eq!(fetched(), 1);
    world.run(&["status", "--wait"]).exits(0);
    assert!(world.calls("status").len() > 5);
    assert_eq!(fetched(), 1);
    world.run(&["accounts"]).exits(0);
    assert_eq!(fetched(), 0, "nothing is needed that is encrypted");
}

#[test]
fn a_prompt_that_is_interrupted_ends_as_a_signal_does() {
    if !Terminal::is_there() {
        return;
    }
    let world = World::encrypted(WITH_PASSPHRASE);
    world.set_store("encrypt = \"passphrase\"");
    let program = env!("CARGO_BIN_EXE_tiktok-up");
    let command = format!("trap : INT; {program} refresh --force; echo exit $?");
    let mut terminal = Terminal::start(&world, &command, &[]);
    terminal.sees("Passphrase of the token store: ").presses(CTRL_C);
    let (_, shown) = terminal.end();
    assert!(shown.contains("exit 130"), "{shown}");
    assert!(!shown.contains("interrupted"), "{shown}");
    assert_eq!(world.calls("token_refresh").len(), 0);
}

#[test]
fn a_signal_is_heeded_while_encrypting_waits_for_a_refresh_to_end() {
    let world = World::logged_in();
    world.set_store(KEY_FILE);
    let _held = Lock::take(&refresh_lock(&world.state_dir(), &world.open_id(ADA))).unwrap();
    let before = world.store_text();
    let run = Running::of(world.command(&["accounts", "encrypt"]));
    // It takes the lock for posts before it waits for this one.
    let refresh = refresh_lock(&world.state_dir(), &world.open_id(ADA));
    let name = refresh.file_name().unwrap().to_str().unwrap().replace("refresh", "upload");
    let upload = refresh.with_file_name(name);
    world.wait_until("it waits", |_| upload.exists() && Lock::take(&upload).is_none());
    run.signal(Signal::TERM);
    run.end().exits(143);
    assert_eq!(world.store_text(), before);
}

#[test]
fn a_doctor_whose_key_command_does_not_end_heeds_a_signal() {
    let world = World::encrypted(KEY_COMMAND);
    let mark = world.path("mark");
    world.set_store(&format!(
        "encrypt = \"key-file\"\nkey_command = \"touch {}; exec sleep 60\"",
        mark.display()
    ));
    let mut doctor = world.command(&["doctor"]);
    // The command outlives it, and must not hold the pipe that tells of its end.
    let said = fs::File::create(world.path("said")).unwrap();
    let mut child = doctor.stdout(Stdio::null()).stderr(said).spawn().unwrap();
    world.wait_until("the command runs", |_| mark.exists());
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

#[test]
fn two_passphrases_that_differ_are_a_mistake_and_encrypt_nothing() {
    if !Terminal::is_there() {
        return;
    }
    let world = World::logged_in();
    world.set_store("encrypt = \"passphrase\"");
    let before = world.store_text();
    let command = format!("{} accounts encrypt; echo exit $?", env!("CARGO_BIN_EXE_tiktok-up"));
    let mut terminal = Terminal::start(&world, &command, &[]);
    terminal.sees("Passphrase for the token store: ").types(PASSPHRASE);
    terminal.sees("The same again: ").types("another passphrase");
    let (_, shown) = terminal.end();
    assert!(shown.contains("the two passphrases differ") && shown.contains("exit 2"), "{shown}");
    assert_eq!(world.store_text(), before);
}

#[test]
fn a_short_passphrase_encrypts_nothing() {
    let world = World::logged_in();
    world.set_store("encrypt = \"passphrase\"");
    let mut encrypt = world.command(&["accounts", "encrypt"]);
    encrypt.env("TIKTOK_UP_PASSPHRASE", "1234567");
    Ran::of(encrypt).exits(2).says("fewer than 8");
    world.run(&["accounts"]).exits(0).says("not encrypted");
}

#[test]
fn what_is_set_but_not_done_is_said_and_nothing_stops() {
    let world = World::logged_in();
    world.set_store(KEY_FILE);
    // A quiet run says it once.
    world.run(&["-q", "refresh", "--force"]).exits(0).says("accounts encrypt");
    world.run(&["-q", "refresh", "--force"]).exits(0).never_says("accounts encrypt");
    world.run(&["refresh", "--force"]).exits(0).says("accounts encrypt").says("refreshed");
    world.run(&["accounts"]).exits(0).says("not encrypted").says("accounts encrypt");
    assert!(!world.key_file().exists());
    // But the first login of all is not written in plain text.
    let world = World::new();
    world.set_store(KEY_FILE);
    let asked = world.asked();
    world.run(&["login", "--no-browser", "--port", "0"]).exits(4).says("accounts encrypt");
    assert_eq!(world.asked(), asked);
}

#[test]
fn the_doctor_says_where_secrets_rest_and_what_is_the_matter_with_it() {
    let world = World::logged_in();
    world.run(&["doctor"]).exits(0).says("secrets: tokens rest in").says("not encrypted");
    world.set_store(KEY_FILE);
    world.run(&["doctor"]).exits(4).says("accounts encrypt");
    world.run(&["accounts", "encrypt"]).exits(0);
    world.run(&["doctor"]).exits(0).says("encrypted with the key in");
    let key = fs::read(world.key_file()).unwrap();
    fs::remove_file(world.key_file()).unwrap();
    world.run(&["doctor"]).exits(4).says("trouble  secrets: the key file").says("is not there");
    fs::write(world.key_file(), key).unwrap();
    chmod(&world.key_file(), 0o600);
    world.set_store("");
    world.run(&["doctor"]).exits(4).says("`[store] encrypt` is not set");
}

#[test]
fn a_key_beside_the_tokens_is_warned_of() {
    let world = World::logged_in();
    world.set_store("encrypt = \"key-file\"");
    world.run(&["accounts", "encrypt"]).exits(0).says("beside the tokens");
    world.run(&["refresh", "--force"]).exits(0);
}

#[test]
fn a_login_leaves_and_arrives_encrypted_or_not() {
    let world = World::encrypted(KEY_FILE);
    let with_words = |args: &[&str]| {
        let mut command = world.command(args);
        command.env("TIKTOK_UP_PASSPHRASE", PASSPHRASE);
        Ran::of(command)
    };
    let file = with_words(&["accounts", "export", &world.open_id(ADA)]).exits(0).stdout;
    let file = world.file("ada.login", file);
    let there = world.home().join("there").to_str().unwrap().to_owned();
    with_words(&["--home", &there, "accounts", "import", file.to_str().unwrap()]).exits(0);
    with_words(&["accounts", "import", file.to_str().unwrap()]).exits(0).says("taken back");
    world.rests_encrypted();
    world.run(&["refresh", "--force"]).exits(0).says("refreshed");
}

#[test]
fn a_lost_key_costs_the_logins_and_no_more() {
    let world = World::encrypted(KEY_FILE);
    fs::remove_file(world.key_file()).unwrap();
    world.run(&["accounts", "decrypt"]).exits(4);
    world.run(&["logout", "--local-only", &world.open_id(ADA)]).exits(0);
    world.run(&["accounts", "decrypt"]).exits(0).says("no login needs it");
    world.run(&["accounts", "encrypt"]).exits(0);
    world.login(ADA).exits(0);
    world.rests_encrypted();
    world.upload(&world.short()).exits(0);
}

#[test]
fn no_init_is_sent_whose_upload_url_could_not_be_kept() {
    let world = World::logged_in();
    world.upload(&world.short()).exits(0);
    let plain = world.store_text();
    world.set_store(KEY_FILE);
    world.run(&["accounts", "encrypt"]).exits(0);
    let encrypted = world.store_text();
    // The tokens are put back as they were; the journal stays encrypted.
    fs::write(world.store_path(), plain).unwrap();
    let asked = world.asked();
    world.upload(&world.long()).exits(4).says("encrypted").says("accounts encrypt");
    assert_eq!(world.asked(), asked, "nothing was sent");
    fs::write(world.store_path(), encrypted).unwrap();
    world.upload(&world.long()).exits(0);
}

#[test]
fn a_build_says_whether_it_can_use_a_keyring() {
    let world = World::logged_in();
    world.set_store("encrypt = \"keyring\"");
    if cfg!(feature = "keyring") {
        let mut encrypt = world.command(&["accounts", "encrypt"]);
        encrypt.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
        Ran::of(encrypt).exits(4).says("keyring").says("key-file");
        world.set_store("");
        world.run(&["accounts"]).exits(0).says("not encrypted");
    } else {
        world.run(&["accounts", "encrypt"]).exits(2).says("--features keyring");
    }
}

/// A bus at which somebody answers the telephone and says nothing, as a keyring does that waits to be
/// unlocked.
#[cfg(feature = "keyring")]
#[test]
fn a_keyring_that_does_not_answer_is_given_up() {
    let world = World::logged_in();
    world.set_store("encrypt = \"keyring\"");
    let path = world.home().join("bus");
    let bus = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let mut encrypt = world.command(&["accounts", "encrypt"]);
    encrypt.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", path.display()));
    Ran::of(encrypt).exits(4).says("did not answer within 10 s");
    drop(bus);
    assert_eq!(world.entry(ADA)["generation"], 1);
}

/// Every operation of a migration, broken or the last one of its process: whatever is left is readable,
/// the login is good and the post goes on.
#[cfg(feature = "faults")]
mod sweep {
    use super::*;
    use crate::stage::{number, say};

    fn migrate(what: &str) {
        let world = World::logged_in();
        world.set_store(KEY_FILE);
        if what == "decrypt" {
            world.run(&["accounts", "encrypt"]).exits(0);
        }
        let manifest = world.long();
        let running = world.upload_half(&manifest);
        running.kill();
        world.let_go();
        let (state, keys) = (world.state_dir(), world.home().join("keys"));
        let (kept, kept_keys) = (world.home().join("kept"), world.home().join("kept-keys"));
        put_back(&state, &kept);
        put_back(&keys, &kept_keys);
        let log = world.path("trace");
        let step = usize::try_from(number("TIKTOK_UP_SWEEP_STEP", 5)).unwrap();
        for (plan, step) in [("kill:{n}", 1), ("fail:{n}:ENOSPC", step), ("fail:{n}:EIO", step)] {
            let first = rand::random_range(1..=step);
            for n in (first..).step_by(step) {
                for (from, to) in [(&kept, &state), (&kept_keys, &keys)] {
                    put_back(from, to);
                }
                _ = fs::remove_file(&log);
                let mut broken = world.command(&["accounts", what]);
                broken.env("TIKTOK_UP_FAULT", plan.replace("{n}", &n.to_string()));
                broken.env("TIKTOK_UP_FAULT_LOG", &log);
                let ran = Ran::of(broken);
                let trace = fs::read_to_string(&log).unwrap_or_default();
                if trace.lines().count() < n {
                    ran.exits(0);
                    assert!(n > 20, "{n}");
                    say(&format!(
                        "sweep {what}: {plan}, {n} operations, one in {step} from {first}"
                    ));
                    break;
                }
                let at = format!("{what}, {plan} at {n}: {:?}: {ran:?}", trace.lines().last());
                assert!(matches!(ran.code, None | Some(0 | 4)), "{at}");
                // The tokens and the URL are there, whichever form they have.
                let journal = world.run(&["upload", "--dry-run", &manifest]);
                assert_eq!(journal.code, Some(0), "{at}: {journal:?}");
                let again = world.run(&["accounts", what]);
                assert_eq!(again.code, Some(0), "{at}: {again:?}");
                if what == "encrypt" {
                    world.rests_encrypted();
                }
                let expected = if what == "encrypt" { "key-file" } else { "plain" };
                let json = world.run(&["accounts", "--json"]).exits(0).json();
                assert_eq!(json[0]["tokens_at_rest"], expected, "{at}");
                let living = world.attempts(1).remove(0);
                assert!(living.has_upload_url, "{at}: the URL is gone");
            }
        }
        world.upload(&manifest).exits(0);
        assert_eq!((world.inits(), world.published()), (1, 1));
        world.run(&["refresh", "--force"]).exits(0);
    }

    /// Makes a directory what another one is. Files that are there stay the same files, as the journal
    /// knows which one it is.
    fn put_back(from: &Path, to: &Path) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(to).unwrap();
        for file in files(to) {
            if !from.join(file.strip_prefix(to).unwrap()).exists() {
                fs::remove_file(file).unwrap();
            }
        }
        for file in files(from) {
            let there = to.join(file.strip_prefix(from).unwrap());
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(there.parent().unwrap())
                .unwrap();
            fs::copy(&file, there).unwrap();
        }
    }

    #[test]
    fn encrypting_that_is_cut_off_anywhere_leaves_every_login_and_url() {
        migrate("encrypt");
    }

    #[test]
    fn decrypting_that_is_cut_off_anywhere_leaves_every_login_and_url() {
        migrate("decrypt");
    }
}
