//! `config`: what is set and where, and changes of config.toml that leave the rest of it alone.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::store::chmod;
use crate::world::{Ran, World};

const SECRET: &str = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1eF";

const FILE: &str = "# ours\n[defaults]\nprivacy_level = \"SELF_ONLY\"  # until the audit\n\n\
    [apps.main]\nclient_key = \"sbawx1x2x3x4x5x6x7\"\n\
    client_secret = \"aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1eF\"\n\n\
    [hooks]\nwebhook = \"https://hooks.example.com/T0/Quokka\"\n";

impl World {
    fn with_config(text: &str) -> Self {
        let world = Self::new();
        world.configure(text);
        world
    }

    fn config_text(&self) -> String {
        fs::read_to_string(self.home().join("home/config.toml")).unwrap()
    }

    /// A run without credentials in the environment.
    fn bare(&self, args: &[&str]) -> Ran {
        Ran::of(self.configured(args))
    }

    fn piped(&self, args: &[&str], input: &str) -> Ran {
        let mut command = self.configured(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Ran::after(String::new(), child)
    }
}

#[test]
fn the_place_of_every_file_is_told() {
    let world = World::with_config(FILE);
    let config = world.home().join("home/config.toml");
    let ran = world.bare(&["config", "path"]).exits(0);
    assert_eq!(ran.stdout, format!("{}\n", config.display()));
    let json = world.bare(&["--json", "config", "path"]).exits(0).json();
    let there: Vec<_> =
        json.iter().map(|line| (line["what"].as_str().unwrap(), line["exists"] == true)).collect();
    assert_eq!(
        there,
        [
            ("config", true),
            ("state", true),
            ("tokens", false),
            ("journal", false),
            ("notes", false),
            ("hooks", false),
        ]
    );
    assert_eq!(json[0]["path"], json!(config));
}

#[test]
fn each_setting_is_shown_with_where_it_comes_from() {
    let world = World::with_config(FILE);
    let ran = world.run(&["config", "get"]).exits(0).never_says(SECRET).never_says("Quokka");
    for (key, value, from) in [
        ("config_dir", "home", "TIKTOK_UP_HOME"),
        ("api_url", "http://127.0.0.1", "TIKTOK_UP_API_URL"),
        ("client_key", &world.sandbox.client_key(), "TIKTOK_CLIENT_KEY"),
        ("client_secret", "(set)", "TIKTOK_CLIENT_SECRET"),
        ("app", "", "TIKTOK_CLIENT_KEY"),
        ("defaults.privacy_level", "SELF_ONLY", "config.toml, line 3"),
        ("defaults.mode", "direct", "default"),
        ("defaults.is_aigc", "false", "default"),
        ("apps.main.client_key", "sbawx1x2x3x4x5x6x7", "config.toml, line 6"),
        ("apps.main.client_secret", "(set)", "config.toml, line 7"),
        ("hooks.webhook", "(set)", "config.toml, line 10"),
        ("hooks.when", "failed, unknown, login_needed, draft_waiting", "default"),
    ] {
        let row = |line: &&str| line.split_whitespace().next() == Some(key);
        let line = ran.stdout.lines().find(row).unwrap_or_else(|| panic!("{key}: {ran:#?}"));
        assert!(line.contains(value) && line.trim_end().ends_with(from), "{line}");
    }
    let home = world.home().join("home");
    let app = world.bare(&["config", "get", "app", "--app", "main", "--json"]).exits(0).json();
    let [app] = app.as_slice() else { panic!("{app:#?}") };
    assert_eq!((&app["value"], &app["name"]), (&json!("main"), &json!("--app")));
    let json = world.bare(&["--json", "config", "get", "hooks"]).exits(0).json();
    let webhook = json.iter().find(|line| line["key"] == "hooks.webhook").unwrap();
    assert_eq!((&webhook["value"], &webhook["secret"]), (&Value::Null, &json!(true)));
    assert_eq!((&webhook["from"], &webhook["line"]), (&json!("config"), &json!(10)));
    assert!(json.iter().all(|line| line["key"].as_str().unwrap().starts_with("hooks.")));
    assert_eq!(world.bare(&["config", "get", "config_dir"]).stdout.trim(), home.to_str().unwrap());
}

#[test]
fn one_value_is_printed_alone_and_a_secret_not_at_all() {
    let world = World::with_config(FILE);
    let get = |key: &str| world.bare(&["config", "get", key]);
    assert_eq!(get("defaults.privacy_level").exits(0).stdout, "SELF_ONLY\n");
    assert_eq!(get("defaults.disable_duet").exits(0).stdout, "false\n");
    assert_eq!(get("app").exits(0).stdout, "main\n");
    let secret = get("apps.main.client_secret").exits(0).never_says(SECRET);
    assert_eq!(secret.stdout, "(set), config.toml, line 7\n");
    let unset = get("store.key_file").exits(0).says("`store.key_file` is not set");
    assert!(unset.stdout.is_empty(), "{unset:#?}");
    get("defaults.privacy_levle").exits(2).says("did you mean `defaults.privacy_level`?");
    get("frobnicate").exits(2).says("schema config");
}

#[test]
fn a_key_is_set_and_taken_out_again_and_all_else_stays() {
    let world = World::with_config(FILE);
    let set = |key: &str, value: &str| world.bare(&["config", "set", key, value]);
    set("defaults.privacy_level", "PUBLIC_TO_EVERYONE").exits(0);
    assert_eq!(world.config_text(), FILE.replace("SELF_ONLY", "PUBLIC_TO_EVERYONE"));
    set("defaults.privacy_level", "PUBLIC_TO_EVERYONE").exits(0).says("already");
    set("defaults.privacy_level", "SELF_ONLY").exits(0);
    set("hooks.when", "failed, published").exits(0);
    assert_eq!(world.config_text(), format!("{FILE}when = [\"failed\", \"published\"]\n"));
    let get = world.bare(&["config", "get", "hooks.when"]).exits(0);
    assert_eq!(get.stdout, "failed, published\n");
    let json = world.bare(&["--json", "config", "unset", "hooks.when"]).exits(0).json();
    assert_eq!((&json[0]["event"], &json[0]["changed"]), (&json!("config"), &json!(true)));
    assert_eq!(world.config_text(), FILE);
    world.bare(&["config", "unset", "hooks.when"]).exits(0).says("is not in");
    let mode = fs::metadata(world.home().join("home/config.toml")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);
    let empty = World::new();
    empty.bare(&["config", "unset", "hooks.when"]).exits(0);
    assert!(!empty.home().join("home/config.toml").exists());
    empty.bare(&["config", "set", "defaults.mode", "draft"]).exits(0);
    assert_eq!(empty.config_text(), "[defaults]\nmode = \"draft\"\n");
}

#[test]
fn what_a_run_would_refuse_is_not_written() {
    let world = World::with_config(FILE);
    let set = |key: &str, value: &str| world.bare(&["config", "set", key, value]);
    set("defaults.privacy_level", "PUBLIC")
        .exits(2)
        .says("was not changed")
        .says("line 3, column 17");
    set("defaults.is_aigc", "yes").exits(2).says("must be true or false");
    // What was wrong before is said of the file, not of the key.
    world.configure("[defaults]\nprivacy = \"x\"\n");
    let said = set("defaults.mode", "draft")
        .exits(2)
        .says("unknown key `privacy`")
        .says("line 2, column 1");
    said.never_says("with this");
    world.run(&["config", "unset", "defaults.privacy"]).exits(2).says("is taken out in the file");
    world.configure("[slots.e]\ntimes = [\"18:30\"]\n");
    let said = world.run(&["config", "unset", "slots.e.times"]).exits(2).says("has no `times`");
    said.says("take out in the file the section");
    world.configure(FILE);
    set("defaults.frobnicate", "1").exits(2).says("there is no setting `defaults.frobnicate`");
    set("hooks.webhook_secret_file", "not.there").exits(2).says("not.there");
    set("store.key_file", "/k").exits(2).says("of no use without `encrypt`");
    set("apps.other.client_key", "k").exits(2).says("the app has no `client_secret`");
    world.bare(&["config", "unset", "apps.main.client_key"]).exits(2).says("has no `client_key`");
    assert_eq!(world.config_text(), FILE);
    let world = World::with_config("[defaults\n");
    let ran = world.bare(&["config", "set", "defaults.mode", "draft"]).exits(2);
    ran.says("line 1, column");
    assert_eq!(world.config_text(), "[defaults\n");
}

#[test]
fn a_secret_comes_from_standard_input_alone() {
    let world = World::with_config(FILE);
    for (key, value) in [
        ("apps.main.client_secret", "zY8xW6vU4tS2rQ0pO8nM6lK4jI2hG0fE"),
        ("hooks.webhook", "https://hooks.example.com/T1/Wombat"),
        ("hooks.webhook_secret", "Numbat-Numbat-Numbat"),
    ] {
        let ran = world.bare(&["config", "set", key, value]).exits(2).never_says(value);
        ran.says("others can read the arguments").says("standard input");
        let ran = world.piped(&["config", "set", key, "-"], &format!("{value}\n")).exits(0);
        ran.never_says(value);
        assert!(world.config_text().contains(value), "{key}");
    }
    world.piped(&["config", "set", "hooks.webhook", "-"], "\n").exits(2).says("is empty");
    world.piped(&["config", "set", "defaults.mode", "-"], "draft\n").exits(0);
}

#[test]
fn all_mistakes_are_listed_and_a_sound_file_is_called_so() {
    let world = World::with_config(FILE);
    world.bare(&["config", "check"]).exits(0).says("is in order");
    let wrong = World::with_config("[defaults]\nmode = \"drift\"\nis_aigc = 1\n\n[hoks]\n");
    let ran = wrong.bare(&["config", "check"]).exits(2);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{ran:#?}");
    assert!(lines[0].contains("config.toml:2:8: not a mode"), "{ran:#?}");
    let json = wrong.bare(&["--json", "config", "check"]).exits(2).json();
    let [line] = json.as_slice() else { panic!("{json:#?}") };
    assert_eq!((&line["ok"], &line["mistakes"][1]["line"]), (&json!(false), &json!(3)));
    World::new().bare(&["config", "check"]).exits(0).says("there is no");
    let open = World::with_config(FILE);
    chmod(&open.home().join("home/config.toml"), 0o644);
    open.bare(&["config", "check"]).exits(4).says("chmod 600");
}
