//! `doctor`: what is wrong on this machine, and what can be saved of a damaged journal.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::PathBuf;

use jiff::SignedDuration;

use crate::world::{ADA, BEA, Ran, World};

impl World {
    fn state_file(&self, name: &str) -> PathBuf {
        self.home().join("home").join(name)
    }

    /// Overwrites a part of the journal.
    fn damage_journal(&self, at: u64, length: usize) {
        let journal = File::options().write(true).open(self.state_file("journal.sqlite")).unwrap();
        journal.write_all_at(&vec![0xAB; length], at).unwrap();
    }

    /// The names in the state directory that begin so.
    fn beginning_with(&self, beginning: &str) -> Vec<String> {
        let entries = fs::read_dir(self.home().join("home")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(beginning)).collect()
    }
}

/// The lines of findings that are not good.
fn trouble(ran: &Ran) -> Vec<&str> {
    ran.stdout.lines().filter(|line| line.starts_with("trouble")).collect()
}

#[test]
fn where_nothing_is_wrong_it_says_so_for_each_thing() {
    let world = World::new();
    let ran = world.run(&["doctor"]).exits(0);
    assert!(trouble(&ran).is_empty(), "{ran:#?}");
    assert!(!world.home().join("home").exists(), "a look makes nothing");
    world.login(ADA).exits(0);
    world.upload(&world.short()).exits(0);
    let ran = world.run(&["doctor"]).exits(0);
    for words in ["config:", "state:", "locks: they hold", "1 account", "right one: 1 post"] {
        assert!(ran.stdout.contains(words), "{words}: {ran:#?}");
    }
    let checks = world.run(&["doctor", "--json"]).exits(0).json();
    assert!(checks.iter().all(|check| check["event"] == "check" && check["ok"] == true));
}

#[test]
fn an_account_that_has_to_log_in_again_is_named() {
    let mut world = World::logged_in();
    world.advance(SignedDuration::from_hours(24 * 400));
    let ran = world.run(&["doctor"]).exits(3);
    assert_eq!(trouble(&ran).len(), 1, "{ran:#?}");
    ran.says("has to log in again").says("tiktok-up login");
}

const KEY: &str = "awdoctordoctor11";

#[test]
fn an_app_that_a_run_could_not_use_is_a_finding_with_the_setting() {
    let world = World::new();
    let app = |secret: &str| format!("[apps.main]\nclient_key = \"{KEY}\"\n{secret}\n");
    let two = "[apps.other]\nclient_key = \"awother\"\nclient_secret = \"othersecret\"\n";
    for (config, exit, words, hint) in [
        (String::new(), 2, "no TikTok app is configured", "tiktok-up init"),
        (app("client_secret_file = \"none\""), 2, "no client secret file", "`client_secret_file`"),
        (app("client_secret_file = \".\""), 2, "which is a directory", "`client_secret_file`"),
        (app("client_secret_file = \"config.toml/x\""), 2, "config.toml/x", "a regular file"),
        (app("client_secret_file = \"open\""), 4, "open", "chmod 600"),
        (app("client_secret_command = \"exit 7\""), 2, "gave no client secret", "run the command"),
        (app("client_secret = \"...\""), 2, "still a placeholder", "developers.tiktok.com"),
        (app("client_secret = \"mainsecret\"") + two, 2, "several apps", "`[defaults]`"),
    ] {
        world.configure(&config);
        fs::write(world.state_file("open"), "secret").unwrap();
        fs::set_permissions(world.state_file("open"), fs::Permissions::from_mode(0o644)).unwrap();
        let ran = Ran::of(world.configured(&["doctor"])).exits(exit);
        let found = trouble(&ran);
        assert_eq!(found.len(), 1, "{config}: {ran:#?}");
        let found = found[0];
        assert!(found.starts_with("trouble  apps: ") && found.contains(words), "{found}");
        assert!(ran.stdout.contains(hint), "{config}: {ran:#?}");
        let checks = Ran::of(world.configured(&["doctor", "--json"])).exits(exit).json();
        assert!(checks.iter().any(|check| check["check"] == "apps" && check["exit"] == exit));
    }
    world.configure(&app("client_secret_command = \"echo printed-secret\""));
    let ran = Ran::of(world.configured(&["doctor"])).exits(0).never_says("printed-secret");
    ran.says("the app `main` has client key and secret");
    assert!(world.sandbox.requests().is_empty(), "TikTok is not asked");
}

#[test]
fn an_account_whose_app_or_api_is_another_one_is_a_finding() {
    let (world, other) = (World::logged_in(), World::new());
    world.login(BEA).exits(0);
    world.configure(&format!(
        "[apps.main]\nclient_key = \"{KEY}\"\nclient_secret = \"thesecret\"\n"
    ));
    let ran = Ran::of(world.configured(&["doctor"])).exits(2);
    assert_eq!(trouble(&ran).len(), 1, "one cause: {ran:#?}");
    let ran = ran.says("trouble  apps").says("which is not configured").says("tiktok-up init");
    ran.says(&world.open_id(ADA)).says(&world.open_id(BEA));
    let mut astray = world.command(&["doctor"]);
    astray.env("TIKTOK_UP_API_URL", other.sandbox.url());
    let ran = Ran::of(astray).exits(2).says("trouble  apps").says("were issued by");
    ran.says("TIKTOK_UP_API_URL");
    world.run(&["doctor"]).exits(0);
}

#[test]
fn quiet_it_says_only_what_is_wrong() {
    let mut world = World::logged_in();
    let said = |ran: &Ran| ran.stdout.clone();
    assert_eq!(said(&world.run(&["--quiet", "doctor"]).exits(0)), "");
    world.advance(SignedDuration::from_hours(24 * 400));
    let ran = world.run(&["--quiet", "doctor"]).exits(3);
    assert_eq!((said(&ran).lines().count(), trouble(&ran).len()), (1, 1), "{ran:#?}");
}

#[test]
fn the_proxy_is_named_and_not_said_to_work() {
    let world = World::new();
    world.run(&["doctor"]).exits(0).says("no proxy is set for").never_says("reached");
    let mut command = world.command(&["doctor"]);
    // A loopback API is reached without the system's proxy.
    command.env("TIKTOK_UP_API_URL", "https://api.example").env_remove("TIKTOK_UP_TIMING");
    command.env("HTTPS_PROXY", "http://127.0.0.1:1");
    Ran::of(command).exits(0).says("goes through 127.0.0.1:1").never_says("reached");
}

#[test]
fn files_that_others_may_read_are_named_with_the_line_that_mends_it() {
    let world = World::logged_in();
    let tokens = world.state_file("user_tokens.json");
    fs::set_permissions(&tokens, fs::Permissions::from_mode(0o644)).unwrap();
    world.run(&["doctor"]).exits(4).says("trouble  tokens").says("chmod 600");
}

#[test]
fn a_config_that_cannot_be_read_is_a_finding() {
    let world = World::logged_in();
    fs::write(world.state_file("config.toml"), "[defaults\n").unwrap();
    world.run(&["doctor"]).exits(2).says("trouble  config");
}

#[test]
fn a_journal_that_upload_would_refuse_is_a_finding_and_stays_where_it_is() {
    let world = World::logged_in();
    world.upload(&world.short()).exits(0);
    world.damage_journal(50, 1000);
    let ran = world.run(&["doctor"]).exits(4);
    ran.says("is damaged").says("doctor --repair-journal");
    assert!(world.beginning_with("journal.corrupt-").is_empty());
    fs::remove_file(world.state_file("journal.sqlite")).unwrap();
    world.run(&["doctor"]).exits(4).says("a journal that is gone").says("--new-journal");
}

#[test]
fn what_can_be_read_of_a_damaged_journal_is_saved_and_nothing_is_posted_twice() {
    let world = World::logged_in();
    let manifest = world.short();
    world.upload(&manifest).exits(0);
    world.damage_journal(50, 1000);
    world.upload(&manifest).exits(4).says("doctor --repair-journal");
    assert_eq!(world.beginning_with("journal.corrupt-").len(), 1);
    world.run(&["doctor"]).exits(4);
    let ran = world.run(&["doctor", "--repair-journal"]).exits(0);
    ran.says("1 post saved").says("journal.repaired-").says("--new-journal");
    assert!(world.beginning_with("journal.corrupt-").is_empty());
    assert_eq!(world.beginning_with("journal.repaired-").len(), 1);
    world.upload(&manifest).exits(4).says("was repaired").says("--new-journal");
    world.run(&["--quiet", "status"]).exits(0).says("was repaired");
    world.run(&["upload", "--new-journal", &manifest]).exits(0).says("skipped");
    world.upload(&manifest).exits(0).never_says("--new-journal");
    assert_eq!((world.inits(), world.published()), (1, 1));
    let repaired = world.run(&["doctor", "--repair-journal", "--json"]).exits(0).json();
    assert_eq!(repaired[0]["outcome"], "sound");
}

#[test]
fn where_only_an_index_is_damaged_the_repaired_journal_counts_as_before() {
    let world = World::logged_in();
    let manifest = world.short();
    world.upload(&manifest).exits(0);
    let database = rusqlite::Connection::open(world.state_file("journal.sqlite")).unwrap();
    let index = "SELECT rootpage FROM sqlite_schema WHERE name = 'keys_of_post'";
    let page: u32 = database.query_row(index, [], |row| row.get(0)).unwrap();
    drop(database);
    let journal = File::options().write(true).open(world.state_file("journal.sqlite")).unwrap();
    // A leaf without cells.
    journal.write_all_at(&[10, 0, 0, 0, 0, 0x10, 0, 0], u64::from(page - 1) * 4096).unwrap();
    drop(journal);
    world.upload(&manifest).exits(4);
    world.run(&["doctor", "--repair-journal"]).exits(0).says("nothing is missing");
    world.run(&["--quiet", "upload", &manifest]).exits(0).never_says("--new-journal");
    world.run(&["doctor"]).exits(0);
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn a_journal_of_which_nothing_can_be_read_stays_as_it_is() {
    let world = World::logged_in();
    world.upload(&world.short()).exits(0);
    let length = fs::metadata(world.state_file("journal.sqlite")).unwrap().len();
    world.damage_journal(0, usize::try_from(length).unwrap());
    let before = fs::read(world.state_file("journal.sqlite")).unwrap();
    world.run(&["doctor", "--repair-journal"]).exits(4).says("nothing was changed");
    assert_eq!(fs::read(world.state_file("journal.sqlite")).unwrap(), before);
}

#[test]
fn a_damaged_journal_is_not_moved_from_under_a_run_that_posts() {
    let world = World::logged_in();
    let manifest = world.short();
    world.hold("upload", 1, "after");
    let run = world.start_upload(&manifest);
    world.wait_until("everything is there", |world| world.published() == 1);
    world.damage_journal(4096, 16384);
    world.run(&["status"]).exits(4).says("is posting with it");
    world.run(&["doctor", "--repair-journal"]).exits(5);
    assert!(world.beginning_with("journal.corrupt-").is_empty());
    run.kill();
    world.run(&["status"]).exits(4).says("journal.corrupt-");
}

/// The disk refuses the last look at a journal that read like a damaged one twice: then it is not
/// known to be damaged, and stays where it is.
#[cfg(feature = "faults")]
#[test]
fn what_the_disk_does_not_let_read_is_not_set_aside() {
    let world = World::logged_in();
    let manifest = world.short();
    world.upload(&manifest).exits(0);
    world.damage_journal(50, 1000);
    let log = world.path("operations");
    let copy = world.path("copy");
    crate::stage::copy(&world.home().join("home"), &copy);
    let run = |fault: &str, home: &PathBuf| {
        let mut command = world.command(&["upload", &manifest]);
        command.env("TIKTOK_UP_HOME", home).env("TIKTOK_UP_FAULT", fault);
        _ = fs::remove_file(&log);
        Ran::of({
            command.env("TIKTOK_UP_FAULT_LOG", &log);
            command
        })
    };
    run("kill:1000000", &copy).exits(4).says("journal.corrupt-");
    let operations = fs::read_to_string(&log).unwrap();
    let read = operations.lines().find(|line| line.ends_with("journal: read through")).unwrap();
    let number = read.split_once(' ').unwrap().0;
    let ran = run(&format!("fail:{number}:EIO"), &world.home().join("home")).exits(4);
    ran.says("check the disk");
    assert!(world.beginning_with("journal.corrupt-").is_empty());
}
