//! `init`: an app's credentials go into config.toml, unseen, and nothing else in it is touched.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::person::{chmod, eventually};
use crate::pty::Pty;
use crate::world::{ADA, Ran, World};

const SECRET: &str = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1eF";
const KEY: &str = "sbawx1x2x3x4x5x6x7";

impl World {
    fn config(&self) -> String {
        fs::read_to_string(self.home().join("home/config.toml")).unwrap_or_default()
    }

    /// `init` with these lines on standard input.
    fn init(&self, args: &[&str], lines: &str) -> Ran {
        let mut command = self.configured(&[&["init"], args].concat());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A run that refuses its arguments may have left already.
        _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
        Ran::after(String::new(), child)
    }
}

#[test]
fn a_newcomer_is_led_from_the_credentials_to_the_login() {
    let world = World::new();
    let secret = world.sandbox.client_secret();
    let lines = format!(" {} \n{}\r\n", world.sandbox.client_key(), secret.expose());
    let ran = world.init(&["-vvvv"], &lines).exits(0).never_says(secret.expose());
    let ran = ran.says("[apps.default]").says("http://127.0.0.1:*/callback/").says("Desktop");
    let ran = ran.says("Content Posting API").says("video.publish").says("Target users");
    ran.says("SELF_ONLY").says("next: tiktok-up login\n");
    let mode = fs::metadata(world.home().join("home/config.toml")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);
    world.consent(&serde_json::json!({ "account": ADA }));
    world.login_by(world.configured(&["login", "--no-browser", "--port", "0"])).exits(0);
    assert_eq!(world.entry(ADA)["app"], "default");
}

#[test]
fn a_pipe_may_name_the_app_or_leave_that_to_the_option() {
    let world = World::new();
    world.init(&[], &format!("one\n{KEY}\n{SECRET}\n")).exits(0);
    world.init(&["--app", "two"], &format!("{KEY}\n{SECRET}")).exits(0);
    world.init(&["--app", "three", "--client-key", KEY], SECRET).exits(0);
    world.init(&["--client-key", KEY], &format!("four\n{SECRET}\n")).exits(0);
    for name in ["one", "two", "three", "four"] {
        assert!(world.config().contains(&format!("[apps.{name}]\nclient_key = \"{KEY}\"\n")));
    }
}

#[test]
fn an_input_that_never_ends_is_refused_at_once() {
    let world = World::new();
    for lines in ["x\n", "x"] {
        let mut init = world.configured(&["init"]);
        init.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = init.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let lines = lines.repeat(1 << 16);
        // Until nobody reads any more.
        while input.write_all(lines.as_bytes()).is_ok() {}
        let ran = Ran::after(String::new(), child).exits(2);
        assert!(ran.stderr.len() < 1000, "{}", ran.stderr.len());
        assert!(world.config().is_empty());
    }
}

#[test]
fn what_is_in_the_file_already_stays_byte_for_byte() {
    let world = World::new();
    let old = "# mine\n[defaults]\nmode = \"draft\" # for now\n\n[apps.a]\nclient_key = \"k\"\n\
        client_secret = \"s\"\n";
    world.configure(old);
    let ran = world.init(&["--app", "b"], &format!("{KEY}\n{SECRET}\n")).exits(0);
    ran.says("next: tiktok-up login --app b");
    assert!(world.config().starts_with(old), "{}", world.config());
    assert!(world.leftovers().is_empty());
}

#[test]
fn an_app_that_is_there_is_replaced_only_by_force() {
    let world = World::new();
    world.init(&["--app", "a"], "oldkey\noldsecret\n").exits(0);
    let before = world.config();
    let ran = world.init(&["--app", "a"], &format!("{KEY}\n{SECRET}\n")).exits(2);
    ran.says("`[apps.a]` is in").says("--force");
    assert_eq!(world.config(), before);
    world.init(&["--app", "a", "--force"], &format!("{KEY}\n{SECRET}\n")).exits(0);
    assert_eq!(world.config(), before.replace("oldkey", KEY).replace("oldsecret", SECRET));
}

#[test]
fn credentials_that_cannot_be_right_are_refused_and_nothing_is_written() {
    for (lines, words) in [
        ("", "not the lines that were expected"),
        ("\n\n", "not the lines that were expected"),
        (KEY, "not the lines that were expected"),
        (&format!("name\n\n{SECRET}\n"), "the client key is empty"),
        (&format!("{KEY}\n\"{SECRET}\"\n"), "a quote"),
        (&format!("{KEY}\n{KEY}\n"), "are the same"),
        (&format!("{SECRET}\n{KEY}\n"), "in each other's place"),
        (&format!("bad name\n{KEY}\n{SECRET}\n"), "cannot be the name of an app"),
    ] {
        let world = World::new();
        let ran = world.init(&[], lines).exits(2).says(words);
        ran.never_says(SECRET);
        assert_eq!(world.config(), "", "{lines:?}");
    }
}

#[test]
fn lookalikes_are_taken_by_force() {
    let world = World::new();
    world.init(&["--force"], &format!("{SECRET}\n{KEY}\n")).exits(0);
    assert!(world.config().contains(SECRET));
}

#[test]
fn a_faulty_or_open_file_is_refused_before_anything_is_asked() {
    let world = World::new();
    world.configure("[apps.a\n");
    world.init(&[], &format!("{KEY}\n{SECRET}\n")).exits(2).says("line 1");
    assert_eq!(world.config(), "[apps.a\n");
    world.configure("[apps.a]\nclient_key = \"k\"\nclient_secret = \"s\"\n");
    chmod(&world.home().join("home/config.toml"), 0o644);
    world.init(&[], &format!("{KEY}\n{SECRET}\n")).exits(4).says("chmod 600");
}

#[test]
fn a_file_behind_a_link_is_written_where_it_lies() {
    let world = World::new();
    world.configure("");
    let (link, real) = (world.home().join("home/config.toml"), world.path("dotfiles.toml"));
    fs::rename(&link, &real).unwrap();
    symlink(&real, &link).unwrap();
    world.init(&[], &format!("{KEY}\n{SECRET}\n")).exits(0);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains(KEY));
}

#[test]
fn an_environment_that_wins_over_the_file_is_told() {
    let world = World::new();
    let mut command = world.command(&["init", "--client-key", KEY]);
    command.stdin(Stdio::from(File::open(world.file("secret", SECRET)).unwrap()));
    Ran::of(command).exits(0).says("TIKTOK_CLIENT_KEY is set and wins");
}

#[test]
fn json_names_the_app_and_the_file() {
    let world = World::new();
    let rows = world.init(&["--json"], &format!("{KEY}\n{SECRET}\n")).exits(0).json();
    assert_eq!((rows.len(), &rows[0]["event"]), (1, &"init".into()));
    assert_eq!(rows[0]["app"], "default");
}

/// Starts a command that asks on a terminal, and talks elsewhere.
fn start_on(terminal: &Pty, mut command: Command) -> Child {
    command.stdin(terminal.stdio()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn on_a_terminal_the_secret_is_not_shown_while_it_is_typed() {
    let (world, terminal) = (World::new(), Pty::new(80, 24));
    let child = start_on(&terminal, world.configured(&["init"]));
    terminal.types(&format!("shop\n{KEY}\n"));
    eventually("the hidden question", || (!terminal.echoes()).then_some(()));
    terminal.types(&format!("{SECRET}\n"));
    let ran = Ran::after(String::new(), child)
        .exits(0)
        .says("Client secret (not shown): ")
        .never_says(SECRET);
    ran.says("next: tiktok-up login");
    assert!(terminal.echoes(), "the terminal is as it was");
    let shown = terminal.shown();
    assert!(shown.contains(KEY) && !shown.contains(SECRET), "{shown}");
    assert!(world.config().contains("[apps.shop]") && world.config().contains(SECRET));
}

#[test]
fn a_signal_during_the_hidden_question_leaves_the_terminal_as_it_was() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (world, terminal) = (World::new(), Pty::new(80, 24));
        let child =
            start_on(&terminal, world.configured(&["init", "--app", "a", "--client-key", KEY]));
        eventually("the hidden question", || (!terminal.echoes()).then_some(()));
        kill_process(Pid::from_child(&child), signal).unwrap();
        Ran::after(String::new(), child).exits(code);
        assert!(terminal.echoes(), "{signal:?}");
        assert_eq!(world.config(), "");
    }
}
