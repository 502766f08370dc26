//! `doctor`: what is wrong on this machine, and what can be saved of a damaged journal.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use serde_json::json;
use tiktok_sandbox::Options;

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

/// The lines of what is in order, and of what is still to do.
fn others<'a>(ran: &'a Ran, check: &str) -> Vec<&'a str> {
    let lines = ran.stdout.lines();
    let of_check = |line: &&str| line.get(9..).is_some_and(|line| line.starts_with(check));
    lines.filter(of_check).collect()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
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
        let ran = Ran::of(world.configured(&["doctor", "--offline"])).exits(exit);
        let found = trouble(&ran);
        assert_eq!(found.len(), 1, "{config}: {ran:#?}");
        let found = found[0];
        assert!(found.starts_with("trouble  apps: ") && found.contains(words), "{found}");
        assert!(ran.stdout.contains(hint), "{config}: {ran:#?}");
        let args = ["doctor", "--offline", "--json"];
        let checks = Ran::of(world.configured(&args)).exits(exit).json();
        assert!(checks.iter().any(|check| check["check"] == "apps" && check["exit"] == exit));
    }
    world.configure(&app("client_secret_command = \"echo printed-secret\""));
    let args = ["doctor", "--offline"];
    let ran = Ran::of(world.configured(&args)).exits(0).never_says("printed-secret");
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
    let ran = Ran::of(world.configured(&["doctor", "--offline"])).exits(2);
    assert_eq!(trouble(&ran).len(), 1, "one cause: {ran:#?}");
    let ran = ran.says("trouble  apps").says("which is not configured").says("tiktok-up init");
    ran.says(&world.open_id(ADA)).says(&world.open_id(BEA));
    let mut astray = world.command(&["doctor"]);
    astray.env("TIKTOK_UP_API_URL", other.sandbox.url());
    let ran = Ran::of(astray).exits(2).says("trouble  apps").says("were issued by");
    ran.says("TIKTOK_UP_API_URL");
    world.run(&["doctor", "--offline"]).exits(0);
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
    // Nobody listens there.
    let ran = Ran::of(command).exits(5).says("goes through 127.0.0.1:1").never_says("reached");
    ran.says("trouble  api").says("HTTPS_PROXY").never_says("clock:");
}

#[test]
fn files_that_others_may_read_are_named_with_the_line_that_mends_it() {
    let world = World::logged_in();
    let tokens = world.state_file("user_tokens.json");
    fs::set_permissions(&tokens, fs::Permissions::from_mode(0o644)).unwrap();
    world.run(&["doctor"]).exits(4).says("trouble  tokens").says("chmod 600");
}

#[test]
fn tiktok_is_asked_for_its_time_the_apps_and_the_accounts_and_nothing_is_spent() {
    let mut world = World::logged_in();
    let ran = world.run(&["doctor"]).exits(0);
    for (check, words) in [
        ("api: ", "127.0.0.1 answers"),
        ("clock: ", "it agrees with TikTok's"),
        ("apps: ", "TikTok takes client key and secret"),
        ("account: ", "may post as"),
        ("logins: ", "video.publish"),
    ] {
        assert!(others(&ran, check).iter().any(|line| line.contains(words)), "{words}: {ran:#?}");
    }
    assert_eq!((world.calls("token_client").len(), world.calls("creator_info").len()), (1, 1));
    world.run(&["doctor", "--offline"]).exits(0).never_says("answers");
    assert_eq!((world.calls("token_client").len(), world.calls("creator_info").len()), (1, 1));
    // It may be long until the next run, whose token it is.
    let store = world.store_text();
    world.advance(SignedDuration::from_hours(30));
    world.run(&["doctor"]).exits(0).says("the next run renews it");
    assert_eq!((world.refreshes(), world.calls("creator_info").len()), (0, 1));
    assert_eq!(world.store_text(), store);
}

#[test]
fn what_tiktok_refuses_is_a_finding_with_the_exit_code_of_its_cause() {
    let world = World::logged_in();
    let mut wrong = world.command(&["doctor"]);
    wrong.env("TIKTOK_CLIENT_SECRET", "of-another-app");
    let ran = Ran::of(wrong).exits(2).says("trouble  apps: ").says("invalid_client");
    assert_eq!(trouble(&ran).len(), 1, "{ran:#?}");
    // A grant that the app may not have says nothing of its key and secret.
    world.refuse("token_client", 1, 1, "unauthorized_client");
    world.run(&["doctor"]).exits(0).says("no token of its own (unauthorized_client)");
    world.let_go();
    world.refuse("token_client", 1, 1, "server_error");
    world.run(&["doctor"]).exits(5).says("trouble  apps: ");
    world.let_go();
    world.refuse("creator_info", 1, 1, "spam_risk_too_many_posts");
    world.run(&["doctor"]).exits(5).says("trouble  account: ").says("spam_risk_too_many_posts");
    world.let_go();
    world.run(&["doctor"]).exits(0);
}

#[test]
fn a_tiktok_that_does_not_answer_is_said_once_and_asked_nothing_more() {
    let world = World::logged_in();
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let mut command = world.command(&["doctor"]);
    command.env("TIKTOK_UP_API_URL", format!("http://127.0.0.1:{free}"));
    let ran = Ran::of(command).says("trouble  api: ").never_says("clock: ");
    assert_eq!(trouble(&ran).iter().filter(|line| line.contains("api: ")).count(), 1, "{ran:#?}");
}

#[test]
fn a_clock_that_is_wrong_is_local_trouble() {
    let world = World::logged_in();
    world.sandbox.advance(SignedDuration::from_mins(10));
    let ran = world.run(&["doctor"]).exits(4).says("trouble  clock: ").says("behind TikTok's");
    ran.says("timedatectl");
}

#[test]
fn where_values_come_from_is_said_and_no_secret_is() {
    let world = World::new();
    let secret = world.sandbox.client_secret().expose().to_owned();
    world.configure("[defaults]\nprivacy_level = \"SELF_ONLY\"\n");
    let ran = world.run(&["doctor", "--offline"]).exits(0).never_says(&secret);
    for words in [
        "settings: defaults.privacy_level is SELF_ONLY (from config.toml, line 2)",
        "(from TIKTOK_UP_HOME)",
        "settings: client_secret is (set) (from TIKTOK_CLIENT_SECRET)",
    ] {
        assert!(ran.stdout.contains(words), "{words}: {ran:#?}");
    }
}

#[test]
fn a_port_that_another_program_has_is_to_do_before_the_next_login() {
    let world = World::new();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let with = |uri: &str| {
        let secret = world.sandbox.client_secret().expose().to_owned();
        world.configure(&format!(
            "[apps.main]\nclient_key = \"{}\"\nclient_secret = \"{secret}\"\nredirect_uri = \"{uri}\"\n",
            world.sandbox.client_key(),
        ));
        Ran::of(world.configured(&["doctor", "--offline"])).exits(0)
    };
    let ran = with(&format!("http://127.0.0.1:{port}/callback/"));
    let said = others(&ran, "callback: ");
    assert!(said[0].starts_with("to do") && said[0].contains(&port.to_string()), "{ran:#?}");
    let ran = with("https://example.com/callback");
    let said = others(&ran, "callback: ");
    assert!(said[0].starts_with("to do") && said[0].contains("--paste"), "{ran:#?}");
}

#[test]
fn what_cron_lacks_of_this_environment_is_to_do() {
    let world = World::new();
    let tools = world.path("tools");
    fs::create_dir_all(&tools).unwrap();
    fs::write(tools.join("give-key"), "#!/bin/sh\necho the-secret-of-a-tool\n").unwrap();
    chmod(&tools.join("give-key"), 0o755);
    world.configure(&format!(
        "[apps.main]\nclient_key = \"{KEY}\"\nclient_secret_command = [\"give-key\"]\n"
    ));
    let mut command = world.configured(&["doctor", "--offline"]);
    command.env("PATH", format!("/usr/bin:/bin:{}", tools.display()));
    command.env("TZ", "Pacific/Kiritimati");
    let ran = Ran::of(command).exits(0).never_says("the-secret-of-a-tool");
    let cron = others(&ran, "cron: ").join("\n");
    assert!(cron.contains("TIKTOK_UP_HOME") && !cron.contains("TIKTOK_CLIENT_KEY"), "{cron}");
    assert!(cron.contains("`give-key`") && cron.contains(tools.to_str().unwrap()), "{cron}");
    let zone = others(&ran, "time zone: ");
    assert!(zone[0].starts_with("to do") && zone[0].contains("Pacific/Kiritimati"), "{zone:?}");
    let ran = world.run(&["doctor", "--offline"]);
    assert!(others(&ran, "cron: ").join("\n").contains("TIKTOK_CLIENT_KEY"), "{ran:#?}");
}

#[test]
fn what_the_journal_shows_of_an_audit_is_said_for_the_app() {
    let wall = "only as SELF_ONLY";
    let public = |options: Options| {
        let world = World::with(options);
        world.account(BEA, &json!({ "private": false }));
        world.login(BEA).exits(0);
        world.run(&["doctor", "--offline"]).exits(0).says("no post shows yet").says(wall);
        world.video("public.mp4", 100_000);
        let manifest = world.manifest(&json!([{ "video_path": "public.mp4",
            "privacy_level": "PUBLIC_TO_EVERYONE" }]));
        world.upload(&manifest);
        world.run(&["doctor", "--offline"]).exits(0)
    };
    let zero = std::time::Duration::ZERO;
    let options = || Options { processing: zero, ..Options::default() };
    public(options()).says("is audited: TikTok made post 1 public").never_says(wall);
    let ran = public(Options { unaudited: true, ..options() });
    ran.says("had not audited the app").says("refused post 1").says(wall);
}

#[test]
fn files_of_ours_that_others_may_use_are_named_and_mended_by_fix() {
    let world = World::logged_in();
    world.upload(&world.short()).exits(0);
    let (notes, tokens) = (world.state_file("notes.json"), world.state_file("user_tokens.json"));
    let (journal, locks) = (world.state_file("journal.sqlite"), world.state_file("locks"));
    for path in [&notes, &tokens, &journal] {
        chmod(path, 0o644);
    }
    chmod(&locks, 0o777);
    let ran = world.run(&["doctor", "--offline"]).exits(4).says("trouble  permissions: ");
    ran.says("notes.json").says("chmod 600");
    let before = (fs::read(&tokens).unwrap(), fs::read(&journal).unwrap());
    let asked = world.sandbox.requests().len();
    let ran = world.run(&["doctor", "--fix"]).exits(0);
    let mended = ran.stdout.lines().filter(|line| line.starts_with("mended   permissions: "));
    assert_eq!(mended.count(), 4, "{ran:#?}");
    assert_eq!((mode(&notes), mode(&tokens), mode(&journal)), (0o600, 0o600, 0o600));
    assert_eq!(mode(&locks), 0o700);
    assert_eq!(before, (fs::read(&tokens).unwrap(), fs::read(&journal).unwrap()));
    assert_eq!(world.sandbox.requests().len(), asked, "TikTok is not asked");
    world.run(&["doctor", "--fix"]).exits(0).never_says("mended");
}

#[test]
fn what_lies_behind_a_link_is_left_as_it_is() {
    let world = World::logged_in();
    let elsewhere = world.file("elsewhere.json", "{}");
    chmod(&elsewhere, 0o644);
    let notes = world.state_file("notes.json");
    _ = fs::remove_file(&notes);
    symlink(&elsewhere, &notes).unwrap();
    let ran = world.run(&["doctor", "--fix"]).exits(4).says("left     permissions: ");
    ran.says("is not a regular file");
    assert_eq!(mode(&elsewhere), 0o644);
    let json = world.run(&["doctor", "--fix", "--json"]).exits(4).json();
    let fix = json.iter().find(|line| line["event"] == "fix").unwrap();
    assert_eq!((&fix["what"], &fix["done"]), (&json!("permissions"), &json!(false)));
}

#[test]
fn settings_that_hold_a_secret_are_closed_by_fix() {
    let world = World::new();
    world.configure(&format!(
        "[apps.main]\nclient_key = \"{KEY}\"\nclient_secret = \"thesecretofanapp\"\n"
    ));
    let config = world.state_file("config.toml");
    chmod(&config, 0o644);
    Ran::of(world.configured(&["doctor", "--offline"])).exits(4).says("trouble  config: ");
    Ran::of(world.configured(&["doctor", "--fix"])).exits(0).says("mended   permissions: ");
    assert_eq!(mode(&config), 0o600);
    // Without one, others may read it.
    world.configure("[defaults]\nmode = \"draft\"\n");
    chmod(&config, 0o644);
    world.run(&["doctor", "--fix"]).exits(0).never_says("mended");
}

#[test]
fn what_an_interrupted_run_left_is_removed_unless_a_run_is_at_it() {
    let world = World::logged_in();
    let left = [".user_tokens.json.tmp-0001", ".notes.json.tmp-0002", ".journal.sqlite.tmp-0003"];
    let others = ["other.tmp-1", ".user_tokens.json.0a.new.tmp-0004"];
    for name in left.iter().chain(&others) {
        fs::write(world.state_file(name), "half").unwrap();
        chmod(&world.state_file(name), 0o600);
    }
    let lock = File::options().write(true).open(world.state_file("user_tokens.json.lock")).unwrap();
    lock.lock().unwrap();
    world.run(&["doctor", "--fix"]).exits(0).says("mended   temporary: ");
    let is_there = |name: &str| world.state_file(name).exists();
    assert_eq!(left.map(is_there), [true, false, false], "a run is at the tokens");
    drop(lock);
    world.run(&["doctor", "--fix"]).exits(0);
    assert_eq!(left.map(is_there), [false, false, false]);
    // It may hold the only copy of a login.
    assert_eq!(others.map(is_there), [true, true]);
}

#[test]
fn a_state_directory_that_is_missing_is_made_by_fix_alone() {
    let world = World::new();
    world.run(&["doctor", "--offline"]).exits(0);
    assert!(!world.home().join("home").exists());
    world.run(&["doctor", "--fix"]).exits(0).says("mended   directory: ");
    assert_eq!(mode(&world.home().join("home")), 0o700);
    for with in ["--offline", "--fix"] {
        world.run(&["doctor", "--repair-journal", with]).exits(2);
    }
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
