//! Several apps at once: every account is used with the app that made its tokens.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use jiff::SignedDuration;
use serde_json::{Value, json};
use tiktok_sandbox::{App, Options, Secret};
use tiktok_up::testing::Lock;

use crate::person::{chmod, eventually};
use crate::world::{ADA, BEA, Ran, World};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

const MAIN: (&str, &str) = ("awmainmainmain11", "mainsecret");
const SHOP: (&str, &str) = ("sbawshopshopshop22", "shopsecret");

/// Two apps at TikTok and in config.toml, none in the environment, nobody logged in.
fn two_apps() -> World {
    let app = |(key, secret): (&str, &str)| App::new(key, Secret::new(secret));
    let world = World::with(Options { apps: vec![app(MAIN), app(SHOP)], ..Options::default() });
    world.configure(&both());
    world
}

/// `@ada` is logged in by the app `main`, `@bea` by the app `shop`; named so.
fn two_logins() -> World {
    let world = two_apps();
    world.login_by_app("main", ADA).exits(0);
    world.login_by_app("shop", BEA).exits(0);
    world
}

fn both() -> String {
    format!("{}{}", section("main", MAIN), section("shop", SHOP))
}

fn section(name: &str, (key, secret): (&str, &str)) -> String {
    format!("[apps.{name}]\nclient_key = \"{key}\"\nclient_secret = \"{secret}\"\n")
}

impl World {
    /// Replaces config.toml.
    pub(crate) fn configure(&self, text: &str) {
        let home = self.home().join("home");
        fs::create_dir_all(&home).unwrap();
        chmod(&home, 0o700);
        fs::write(home.join("config.toml"), text).unwrap();
        chmod(&home.join("config.toml"), 0o600);
    }

    /// A command that finds its app in config.toml alone.
    pub(crate) fn configured(&self, args: &[&str]) -> Command {
        let mut command = self.command(args);
        command.env_remove("TIKTOK_CLIENT_KEY").env_remove("TIKTOK_CLIENT_SECRET");
        command
    }

    fn run_configured(&self, args: &[&str]) -> Ran {
        Ran::of(self.configured(args))
    }

    fn login_by_app(&self, app: &str, handle: &str) -> Ran {
        self.consent(&json!({ "account": handle }));
        let alias = handle.trim_start_matches('@');
        let args = ["login", "--no-browser", "--port", "0", "--app", app, "--alias", alias];
        self.login_by(self.configured(&args))
    }

    /// The stored entry with an alias.
    fn named(&self, alias: &str) -> Value {
        let store: Value = serde_json::from_str(&self.store_text()).unwrap();
        let accounts = store["accounts"].as_object().unwrap();
        let (id, entry) = accounts.iter().find(|(_, entry)| entry["alias"] == alias).unwrap();
        let mut entry = entry.clone();
        entry["open_id"] = id.as_str().into();
        entry
    }

    fn generations(&self) -> (u64, u64) {
        let generation = |alias| self.named(alias)["generation"].as_u64().unwrap();
        (generation("ada"), generation("bea"))
    }

    /// A manifest with one video for each of the two.
    fn one_each(&self) -> String {
        self.video("ada.mp4", 100_000);
        self.video("bea.mp4", 100_001);
        let post = |user: &str| {
            json!({ "user_id": user, "video_path": format!("{user}.mp4"), "description": "hello",
                "privacy_level": "SELF_ONLY" })
        };
        self.manifest(&json!([post("ada"), post("bea")]))
    }
}

#[test]
fn one_refresh_serves_the_accounts_of_every_app() {
    let mut world = two_logins();
    world.advance(3 * HOUR);
    world.run_configured(&["refresh"]).exits(0);
    assert_eq!(world.generations(), (2, 2));
    assert!(world.calls("token_refresh").iter().all(|call| call.code.is_none()));
}

#[test]
fn the_environment_s_app_and_those_of_the_file_serve_side_by_side() {
    let mut world = two_logins();
    world.configure(&section("shop", SHOP));
    world.advance(3 * HOUR);
    // The environment has the key and secret of the first app.
    world.run(&["refresh"]).exits(0);
    assert_eq!(world.generations(), (2, 2));
}

#[test]
fn an_account_whose_app_is_not_configured_is_told_and_the_others_go_on() {
    let mut world = two_logins();
    world.configure(&section("main", MAIN));
    world.advance(3 * HOUR);
    let ran = world.run_configured(&["refresh"]).exits(2);
    let ran = ran.says("the tokens of `bea` belong to the app `shop` (client key `sbawsh…`)");
    ran.says("which is not configured").says("tiktok-up init --app shop").never_says(SHOP.0);
    assert_eq!(world.generations(), (2, 1));
}

#[test]
fn an_app_that_has_another_key_now_is_not_used_for_the_old_tokens() {
    let mut world = two_logins();
    world.configure(&format!("{}{}", section("main", MAIN), section("shop", ("awnew1", "s"))));
    world.advance(3 * HOUR);
    world.run_configured(&["refresh"]).exits(2).says("has another client key (`awnew1…`) now");
    assert_eq!(world.generations(), (2, 1));
}

#[test]
fn no_app_at_all_says_how_to_configure_one() {
    let world = two_logins();
    world.configure("");
    let ran = world.run_configured(&["refresh"]).exits(2);
    ran.says("no TikTok app is configured").says("tiktok-up init");
}

#[test]
fn the_option_restricts_a_refresh_to_the_accounts_of_one_app() {
    let mut world = two_logins();
    world.advance(3 * HOUR);
    world.run_configured(&["refresh", "--app", "shop"]).exits(0);
    assert_eq!(world.generations(), (1, 2));
    let ran = world.run_configured(&["refresh", "--app", "shop", "--account", "ada"]).exits(2);
    ran.says("belong to the app `main`").says("`--app shop` was asked for");
    assert_eq!(world.generations(), (1, 2));
    let rows = world.run_configured(&["accounts", "--app", "shop", "--json"]).exits(0).json();
    assert_eq!((rows.len(), &rows[0]["alias"]), (1, &json!("bea")));
}

#[test]
fn an_unknown_app_is_a_usage_error_that_names_the_known_ones() {
    let world = two_apps();
    world.run(&["accounts", "--app", "shpo"]).exits(2).says("`main`, `shop`");
}

#[test]
fn a_secret_command_is_run_when_an_account_needs_it_and_once() {
    let mut world = two_apps();
    let mark = world.path("mark");
    let ran = || fs::read_to_string(&mark).unwrap_or_default().lines().count();
    let command = format!(
        "{}[apps.shop]\nclient_key = \"{}\"\nclient_secret_command = \"echo x >> {}; echo {}\"\n",
        section("main", MAIN),
        SHOP.0,
        mark.display(),
        SHOP.1
    );
    world.login_by_app("shop", ADA).exits(0);
    world.login_by_app("shop", BEA).exits(0);
    world.configure(&command);
    for args in [&["accounts"][..], &["refresh"], &["status"]] {
        world.run_configured(args).exits(0);
        assert_eq!(ran(), 0, "{args:?}");
    }
    world.advance(3 * HOUR);
    world.run_configured(&["refresh", "-vvvv"]).exits(0).never_says(SHOP.1);
    assert_eq!((ran(), world.generations()), (1, (2, 2)));
}

#[test]
fn a_secret_that_cannot_be_had_stops_its_own_accounts_only() {
    for (broken, exit, words) in [
        ("client_secret_command = \"exit 7\"", 2, "`client_secret_command` of `[apps.shop]`"),
        ("client_secret_file = \"none\"", 2, "there is no client secret file"),
        ("client_secret_file = \"open\"", 4, "chmod 600"),
    ] {
        let mut world = two_logins();
        let open = world.home().join("home/open");
        fs::write(&open, SHOP.1).unwrap();
        chmod(&open, 0o644);
        world.configure(&format!(
            "{}[apps.shop]\nclient_key = \"{}\"\n{broken}\n",
            section("main", MAIN),
            SHOP.0
        ));
        world.advance(3 * HOUR);
        world.run_configured(&["refresh"]).exits(exit).says(words).says("`bea`");
        assert_eq!(world.generations(), (2, 1), "{broken}");
    }
}

#[test]
fn one_upload_posts_for_accounts_of_two_apps() {
    let mut world = two_logins();
    world.advance(3 * HOUR);
    let manifest = world.one_each();
    Ran::of(world.configured(&["upload", &manifest])).exits(0);
    assert_eq!(world.published(), 2);
}

#[test]
fn an_upload_leaves_out_the_account_whose_app_is_missing() {
    let world = two_logins();
    world.configure(&section("main", MAIN));
    let manifest = world.one_each();
    let ran = Ran::of(world.configured(&["upload", "--json", &manifest])).exits(2);
    let posts = ran.json();
    let of = |account: &str| posts.iter().find(|post| post["account"] == account).unwrap();
    assert_eq!(of("ada")["state"], "published");
    assert_eq!(of("bea")["state"], "deferred", "it only waits for the app");
    assert_eq!(of("bea")["error"]["code"], "app_not_configured");
    assert_eq!(world.published(), 1);
    world.configure(&both());
    Ran::of(world.configured(&["upload", &manifest])).exits(0);
    assert_eq!(world.published(), 2);
}

#[test]
fn the_option_keeps_an_upload_from_the_tokens_of_other_apps() {
    let world = two_logins();
    let manifest = world.one_each();
    let args = ["upload", "--app", "main", "--json", &manifest];
    let posts = world.run_configured(&args).exits(2).json();
    let of = |account: &str| posts.iter().find(|post| post["account"] == account).unwrap();
    assert_eq!(of("ada")["state"], "published");
    assert_eq!(of("bea")["error"]["code"], "other_app");
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn a_login_of_a_known_account_by_another_app_is_refused_with_the_reason() {
    let world = two_logins();
    let before = world.store_text();
    let ran = world.login_by_app("main", BEA).exits(3);
    ran.says("`bea` belongs to the app `shop` (client key `sbawsh…`)").says("--app");
    assert_eq!(world.store_text(), before);
}

#[test]
fn a_status_asks_for_the_posts_of_every_app() {
    let world = two_logins();
    let manifest = world.one_each();
    Ran::of(world.configured(&["upload", "--no-wait", &manifest])).exits(5);
    world.wait_until("both are published", |world| world.published() == 2);
    world.run_configured(&["status", "--wait"]).exits(0);
}

#[test]
fn a_status_whose_app_is_missing_shows_what_the_journal_knows_and_says_so() {
    let world = two_logins();
    let manifest = world.one_each();
    Ran::of(world.configured(&["upload", "--no-wait", &manifest])).exits(5);
    world.wait_until("both are published", |world| world.published() == 2);
    world.configure(&section("main", MAIN));
    let ran = world.run_configured(&["status", "--all"]).exits(2).says("which is not configured");
    ran.says("published").says("processing");
}

#[test]
fn what_is_posted_already_needs_no_app() {
    let world = two_logins();
    let manifest = world.one_each();
    Ran::of(world.configured(&["upload", &manifest])).exits(0);
    world.configure("");
    let calls = world.sandbox.requests().len();
    Ran::of(world.configured(&["upload", &manifest])).exits(0).says("already posted");
    world.run_configured(&["status", "--all"]).exits(0).says("published");
    assert_eq!(world.sandbox.requests().len(), calls);
}

#[test]
fn an_upload_without_any_app_sends_nothing_and_says_how_to_configure_one() {
    let world = two_logins();
    world.configure("");
    let manifest = world.one_each();
    let calls = world.sandbox.requests().len();
    for args in [&["upload", &manifest][..], &["upload", "--dry-run", &manifest]] {
        let ran = world.run_configured(args).exits(2);
        assert_eq!(ran.stderr.matches("no TikTok app is configured").count(), 1, "{ran:?}");
        assert_eq!(ran.says("tiktok-up init").stdout, "");
    }
    assert_eq!(world.sandbox.requests().len(), calls);
    assert!(world.attempts(1).is_empty());
}

#[test]
fn a_logout_revokes_with_the_account_s_own_app() {
    let world = two_logins();
    world.run_configured(&["logout", "bea"]).exits(0).never_says("was not revoked");
    assert!(world.calls("revoke").iter().all(|call| call.code.is_none()));
    assert!(world.sandbox.state().grants.iter().all(|grant| grant.account != BEA));
}

#[test]
fn a_logout_without_the_app_forgets_and_says_what_it_could_not_do() {
    let world = two_logins();
    world.configure("");
    world.run_configured(&["logout", "ada"]).exits(0).says("was not revoked");
    world.run_configured(&["logout", "--local-only", "bea"]).exits(0);
    assert!(world.calls("revoke").is_empty());
    world.run_configured(&["accounts"]).exits(0).says("no account is logged in");
}

#[test]
fn accounts_names_the_app_and_says_when_it_is_missing() {
    let world = two_logins();
    world.configure(&section("renamed", MAIN));
    let rows = world.run_configured(&["accounts", "--json"]).exits(0).json();
    let of = |alias: &str| rows.iter().find(|row| row["alias"] == alias).unwrap();
    assert_eq!(
        (&of("ada")["app"], &of("ada")["app_configured"]),
        (&json!("renamed"), &json!(true))
    );
    assert_eq!((&of("bea")["app"], &of("bea")["app_configured"]), (&json!("shop"), &json!(false)));
    world.run_configured(&["accounts"]).exits(0).says("ok, app not configured");
}

#[test]
fn accounts_of_other_apps_are_not_called_logged_out() {
    let world = two_logins();
    world.configure(&format!("{}{}", both(), section("other", ("awother", "othersecret"))));
    let ran = world.run_configured(&["accounts", "--app", "other"]).exits(0);
    ran.says("no account is of the app `other`")
        .says("2 accounts of other apps")
        .never_says("logged in");
    world.run_configured(&["refresh", "--app", "other"]).exits(3).says("2 accounts of other apps");
}

#[test]
fn one_app_in_trouble_is_told_once_for_all_its_accounts() {
    let mut world = two_apps();
    world.login_by_app("shop", ADA).exits(0);
    world.login_by_app("shop", BEA).exits(0);
    world.advance(3 * HOUR);
    for (secret, words) in [
        ("client_secret_file = \"none\"", "there is no client secret file"),
        ("client_secret = \"wrong-one\"", "invalid_client"),
    ] {
        world.configure(&format!("[apps.shop]\nclient_key = \"{}\"\n{secret}\n", SHOP.0));
        let ran = world.run_configured(&["refresh"]).exits(2).says(words);
        assert_eq!(ran.stderr.matches("error: ").count(), 1, "{ran:#?}");
        assert!(ran.stderr.contains("`ada` and `bea`") || ran.stderr.contains("`bea` and `ada`"));
        // A program gets an object for each.
        let lines = world.run_configured(&["refresh", "--json"]).exits(2).json();
        assert!(
            lines.len() == 2 && lines.iter().all(|line| line["error"]["exit"] == 2),
            "{lines:?}"
        );
    }
}

/// A login with an app of the environment.
fn login_with_env(world: &World, app: Option<&str>, env: (&str, &str)) -> Ran {
    let mut args = vec!["login", "--no-browser", "--port", "0"];
    args.extend(app.into_iter().flat_map(|name| ["--app", name]));
    let mut command = world.command(&args);
    command.env("TIKTOK_CLIENT_KEY", env.0).env("TIKTOK_CLIENT_SECRET", env.1);
    world.login_by(command).exits(0)
}

#[test]
fn the_environment_wins_over_the_file_and_over_the_option_which_is_said() {
    let world = two_apps();
    world.configure(&format!("{}[defaults]\napp = \"main\"\n", both()));
    let speaks_as_shop = format!("client_key={}&", SHOP.0);
    let ran = login_with_env(&world, None, SHOP).says(&speaks_as_shop);
    ran.never_says("wins over");
    let ran = login_with_env(&world, Some("main"), SHOP).says(&speaks_as_shop);
    ran.says("TIKTOK_CLIENT_KEY is set and wins over `--app main`");
    let ran = login_with_env(&world, Some("shop"), SHOP).says(&speaks_as_shop);
    ran.never_says("wins over");
}

#[test]
fn credentials_in_each_other_s_place_are_flagged_where_they_are_read() {
    let world = two_apps();
    let (key, secret) = ("sbawshopshopshop22", "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1eF");
    world.configure(&section("shop", (secret, key)));
    let mut command = world.configured(&["login", "--no-browser", "--timeout", "100ms"]);
    command.args(["--port", "0"]);
    let ran = Ran::of(command).exits(5).says("they seem to be in each other's place");
    ran.says("`client_key` of `[apps.shop]`").never_says(key);
}

impl World {
    /// Cuts a refresh off after TikTok's answer was made durable and before the store has it: the
    /// save waits for the store lock, which this test holds.
    fn cut_off_before_the_save(&self, open_id: &str, mut refresh: Command) {
        self.hold("token_refresh", 1, "middle");
        let hash = blake3::hash(open_id.as_bytes()).to_hex();
        let answer = self.store_path().with_file_name(format!("user_tokens.json.{hash}.new"));
        let mut refresh = refresh.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.wait_until("TikTok has the refresh", |world| world.refreshes() == 1);
        let lock = self.store_path().with_file_name("user_tokens.json.lock");
        let held = Lock::take(&lock).unwrap();
        self.let_go();
        eventually("the answer", || answer.exists().then_some(()));
        refresh.kill().unwrap();
        refresh.wait().unwrap();
        drop(held);
    }
}

#[test]
fn whichever_command_comes_next_brings_an_interrupted_refresh_to_its_end() {
    for args in [&["accounts"][..], &["logout", "bea"], &["refresh", "--account", "bea"]] {
        let mut world = two_logins();
        world.advance(3 * HOUR);
        let id = world.named("ada")["open_id"].as_str().unwrap().to_owned();
        world.cut_off_before_the_save(&id, world.configured(&["refresh", "--account", "ada"]));
        assert_eq!(world.named("ada")["generation"], 1);
        let ran = world.run_configured(args).exits(0);
        assert_eq!(world.named("ada")["generation"], 2, "{ran:?}");
        ran.says("an interrupted refresh of `ada` was recovered");
    }
}

#[test]
fn an_interrupted_refresh_that_cannot_be_looked_at_keeps_nobody_else_waiting() {
    let mut world = two_logins();
    world.advance(3 * HOUR);
    let id = world.named("ada")["open_id"].as_str().unwrap().to_owned();
    let hash = blake3::hash(id.as_bytes()).to_hex();
    let answer = world.store_path().with_file_name(format!("user_tokens.json.{hash}.new"));
    symlink(world.file("precious", "precious"), &answer).unwrap();
    world.run_configured(&["refresh", "--account", "bea"]).exits(0).says("of ada could not");
    assert_eq!(world.generations(), (1, 2));
    world.run_configured(&["refresh"]).exits(4);
}
