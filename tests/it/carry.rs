//! A login goes from one machine to another, and is used by one of them at a time.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::person::{after, chmod};
use crate::terminal::{CTRL_C, Terminal};
use crate::world::{ADA, BEA, Ran, World};

const WORDS: &str = "correct horse battery";

/// A file that asks for 100 GiB of memory, with the checksum that goes with it.
const DEAR: &str = "\
    -----BEGIN TIKTOK-UP LOGIN-----\n\
    v1 $argon2id$v=19$m=104857600,t=1,p=1$AAECAwQFBgcICQoLDA0ODw 12b8bd3d754d347a\n\
    enc:1:2613fbf6b463:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\
    -----END TIKTOK-UP LOGIN-----\n\
    ";

impl World {
    /// The executable with the passphrase in the environment.
    fn knowing(&self, passphrase: &str, args: &[&str]) -> Command {
        let mut command = self.command(args);
        command.env("TIKTOK_UP_PASSPHRASE", passphrase);
        command
    }

    /// The home directory of the other machine.
    fn there(&self) -> String {
        self.home().join("there").to_str().unwrap().to_owned()
    }

    /// Exports `@ada` into a file.
    fn exported(&self) -> PathBuf {
        let ran = Ran::of(self.knowing(WORDS, &["accounts", "export", &self.open_id(ADA)]));
        self.file("ada.login", ran.exits(0).stdout)
    }

    /// Imports a file on the other machine.
    fn import_there(&self, file: &Path, passphrase: &str) -> Ran {
        let there = self.there();
        let args = ["--home", &there, "accounts", "import", file.to_str().unwrap()];
        Ran::of(self.knowing(passphrase, &args))
    }

    /// Imports a file here.
    fn import_here(&self, file: &Path) -> Ran {
        Ran::of(self.knowing(WORDS, &["accounts", "import", file.to_str().unwrap()]))
    }

    fn health(&self) -> Value {
        self.run(&["accounts", "--json"]).exits(0).json()[0]["health"].clone()
    }
}

#[test]
fn a_login_goes_through_a_pipe_and_lives_on_there() {
    let world = World::logged_in();
    world.run(&["accounts", "alias", &world.open_id(ADA), "shop"]).exits(0);
    let program = env!("CARGO_BIN_EXE_tiktok-up");
    let script = format!(
        "{program} accounts export shop | {program} --home {} accounts import -",
        world.there()
    );
    let ran = Ran::of(after(&script, &world.knowing(WORDS, &["--version"]))).exits(0);
    ran.says("shop: imported").says("is handed over").never_says("act.").never_says("rft.");
    let there = world.there();
    world
        .run(&["--home", &there, "refresh", "--force", "--account", "shop"])
        .exits(0)
        .says("refreshed");
}

#[test]
fn t15_after_an_export_no_run_here_spends_the_token() {
    let world = World::logged_in();
    let file = world.exported();
    assert_eq!(world.health(), "exported");
    let open_id = world.open_id(ADA);
    world.run(&["refresh", "--force"]).exits(0).says("every login was handed over to another");
    world.run(&["refresh", "--force", "--account", &open_id]).exits(3).says("handed over");
    world.upload(&world.short()).exits(3).says("handed over");
    assert_eq!(world.refreshes(), 0);
    world.import_there(&file, WORDS).exits(0);
    world.run(&["logout", "--local-only", &open_id]).exits(0);
    world.run(&["--home", &world.there(), "refresh", "--force"]).exits(0).says("refreshed");
}

#[test]
fn an_exported_login_can_be_taken_back_as_long_as_nobody_used_it() {
    let world = World::logged_in();
    let file = world.exported();
    world.import_here(&file).exits(0).says("taken back");
    assert_eq!(world.health(), "ok");
    world.run(&["refresh", "--force"]).exits(0).says("refreshed");
    // The file is worth nothing now, and does no harm.
    let before = world.store_text();
    world.import_here(&file).exits(0).says("kept");
    assert_eq!(world.store_text(), before);
}

#[test]
fn a_file_that_never_arrived_can_be_written_again() {
    let world = World::logged_in();
    drop(world.exported());
    let file = world.exported();
    world.import_there(&file, WORDS).exits(0).says("imported");
}

#[test]
fn a_login_whose_file_cannot_be_written_stays_here() {
    let world = World::logged_in();
    let open_id = world.open_id(ADA);
    for sink in ["/dev/full", "/proc/self/fd/3"] {
        let mut command = world.knowing(WORDS, &["accounts", "export", &open_id]);
        // The second is a pipe that nobody reads any more.
        let sink = if sink == "/dev/full" {
            Stdio::from(std::fs::File::options().write(true).open(sink).unwrap())
        } else {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            Stdio::from(writer)
        };
        let output = command.stdout(sink).stderr(Stdio::piped()).spawn().unwrap();
        let output = output.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(said.contains("stays logged in here"), "{said}");
        assert_eq!(world.health(), "ok");
    }
}

#[test]
fn what_does_not_open_is_refused_and_changes_nothing() {
    let world = World::logged_in();
    let file = world.exported();
    let text = std::fs::read_to_string(&file).unwrap();
    let big = "x".repeat((1 << 20) + 1);
    world.import_there(&file, "wrong horse battery").exits(2).says("passphrase is wrong");
    for (content, says) in [
        (&text[..text.len() / 2], "damaged"),
        ("", "is empty"),
        (" \n", "is empty"),
        ("hello", "not a token file"),
        ("-----BEGIN TIKTOK-UP LOGIN-----\nhello\n", "damaged"),
        ("-----BEGIN TIKTOK-UP LOGIN-----\nv2 hello\n", "newer than this program knows"),
        ("-----BEGIN AGE ENCRYPTED FILE-----\nhello\n", "`tiktok-up accounts export` there"),
        ("age-encryption.org/v1\nhello", "`tiktok-up accounts export` there"),
        (DEAR, "102400 MiB of memory"),
        (big.as_str(), "not a token file"),
    ] {
        let file = world.file("odd", content);
        world.import_there(&file, WORDS).exits(2).says(says).never_says("panicked");
    }
    let there = world.there();
    world.import_there(Path::new("/nonexistent"), WORDS).exits(2);
    assert!(!Path::new(&there).join("user_tokens.json").exists());
}

#[test]
fn the_journal_and_its_posts_keep_a_login_here() {
    let world = World::logged_in();
    world.say_status(0, &json!({ "status": "PROCESSING_UPLOAD" }));
    world.run(&["upload", "--no-wait", &world.short()]);
    let ran = Ran::of(world.knowing(WORDS, &["accounts", "export", &world.open_id(ADA)]));
    ran.exits(5).says("1 post").says("not final").never_says("-----BEGIN");
    assert_eq!(world.health(), "ok");
}

#[test]
fn json_carries_the_file_in_an_event() {
    let world = World::logged_in();
    let ran = Ran::of(world.knowing(WORDS, &["--json", "accounts", "export", &world.open_id(ADA)]));
    let lines = ran.exits(0).json();
    assert_eq!((lines.len(), &lines[0]["event"]), (1, &json!("export")));
    let file = world.file("ada.login", lines[0]["file"].as_str().unwrap());
    world.import_there(&file, WORDS).exits(0);
}

#[test]
fn a_passphrase_comes_from_a_file_that_is_ours_alone() {
    let world = World::logged_in();
    let passphrase = world.file("passphrase", format!("{WORDS}\nsecond line\n"));
    let open_id = world.open_id(ADA);
    let path = passphrase.to_str().unwrap();
    let args = ["accounts", "export", &open_id, "--passphrase-file", path];
    chmod(&passphrase, 0o644);
    world.run(&args).exits(4).says("chmod 600").never_says(WORDS);
    chmod(&passphrase, 0o600);
    let file = world.file("ada.login", world.run(&args).exits(0).stdout);
    world.import_there(&file, WORDS).exits(0);
}

#[test]
fn a_short_passphrase_and_none_at_all_are_refused() {
    let world = World::logged_in();
    let open_id = world.open_id(ADA);
    Ran::of(world.knowing("1234567", &["accounts", "export", &open_id])).exits(2).says("8");
    // Without a terminal: a session of its own has none.
    let mut alone = Command::new("setsid");
    let export = world.command(&["accounts", "export", &open_id]);
    alone.arg("--wait").arg(export.get_program()).args(export.get_args()).env_clear();
    alone.envs(export.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Ran::of(alone).exits(2).says("no terminal").says("TIKTOK_UP_PASSPHRASE");
    assert_eq!(world.health(), "ok");
}

#[test]
fn t18_a_passphrase_is_typed_twice_and_not_shown() {
    if !Terminal::is_there() {
        return;
    }
    let world = World::logged_in();
    let (program, open_id) = (env!("CARGO_BIN_EXE_tiktok-up"), world.open_id(ADA));
    let export = format!("{program} accounts export {open_id} > ada.login");
    for second in ["another passphrase", WORDS] {
        let mut terminal = Terminal::start(&world, &export, &[]);
        terminal.sees("Passphrase for the file: ").types(WORDS);
        terminal.sees("The same again: ").types(second);
        let (success, shown) = terminal.end();
        assert!(!shown.contains(WORDS), "{shown}");
        assert_eq!((success, shown.contains("differ")), (second == WORDS, second != WORDS));
    }
    let import = format!("{program} --home {} accounts import - < ada.login", world.there());
    let mut terminal = Terminal::start(&world, &import, &[]);
    terminal.sees("Passphrase of standard input: ").types("wrong one");
    terminal.sees("once more").sees("Passphrase of standard input: ").types(WORDS);
    let (success, shown) = terminal.end();
    assert!(success && shown.contains("imported") && !shown.contains(WORDS), "{shown}");
}

/// What somebody signs in to the console with is a password, not a passphrase.
#[test]
fn t18_the_password_of_a_user_is_typed_twice_and_called_so() {
    if !Terminal::is_there() {
        return;
    }
    let world = World::logged_in();
    let add = format!("{} serve add-user ada", env!("CARGO_BIN_EXE_tiktok-up"));
    for second in ["another password", WORDS] {
        let mut terminal = Terminal::start(&world, &add, &[]);
        terminal.sees("Password for the user ada: ").types(WORDS);
        terminal.sees("The same again: ").types(second);
        let (success, shown) = terminal.end();
        assert!(!shown.contains(WORDS) && !shown.to_lowercase().contains("passphrase"), "{shown}");
        let differ = shown.contains("the two passwords differ");
        assert_eq!((success, differ), (second == WORDS, second != WORDS), "{shown}");
    }
    let file = world.file("words", format!("{WORDS}\n"));
    chmod(&file, 0o600);
    let args = ["serve", "add-user", "bea", "--password-file", file.to_str().unwrap()];
    world.run(&args).exits(0);
    world.run(&["serve", "users"]).exits(0).says("ada").says("bea");
}

#[test]
fn an_interrupted_prompt_leaves_the_terminal_as_it_was() {
    if !Terminal::is_there() {
        return;
    }
    let world = World::logged_in();
    let (program, open_id) = (env!("CARGO_BIN_EXE_tiktok-up"), world.open_id(ADA));
    let command = format!("trap : INT; {program} accounts export {open_id}; echo exit $?; stty -a");
    let mut terminal = Terminal::start(&world, &command, &[]);
    terminal.sees("Passphrase for the file: ").presses(CTRL_C);
    let (_, shown) = terminal.end();
    assert!(shown.contains("exit 130") && shown.contains(" echo "), "{shown}");
    assert_eq!(world.health(), "ok");
}

#[test]
fn t24_tokens_of_another_app_do_not_replace_those_here() {
    let world = World::logged_in();
    world.login(BEA).exits(0);
    let file = world.exported();
    let text = world.store_text().replace(&world.sandbox.client_key(), "another-app");
    world.write_store(&text);
    world.import_here(&file).exits(3).says("another app");
    assert_eq!(world.store_text(), text);
}
