use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::exit::Exit;
use crate::output::Explain as _;
use crate::settings::testing::env;

const BOTH: [(&str, &str); 2] = [(KEY_VAR, " envkey\n"), (SECRET_VAR, "envsecret")];
const TWO: &str = "[apps.a]\nclient_key = \"akey\"\nclient_secret = \"asecret\"\n\
    [apps.b]\nclient_key = \"bkey\"\nclient_secret = \"bsecret\"\n";

fn app(
    flag: Option<&str>,
    variables: &[(&str, &str)],
    config: &str,
) -> Result<App, Arc<SettingsError>> {
    apps(flag, variables, config)?.for_login()?.fetch(|_| ())
}

fn apps(
    flag: Option<&str>,
    variables: &[(&str, &str)],
    config: &str,
) -> Result<Apps, SettingsError> {
    let dir = Path::new("/etc/here");
    let config = Config::read(config, dir).unwrap();
    Apps::make(flag, &env(variables), &config, &dir.join("config.toml"))
}

fn key(flag: Option<&str>, variables: &[(&str, &str)], config: &str) -> String {
    app(flag, variables, config).unwrap().client_key
}

#[test]
fn the_environment_wins_over_the_file() {
    let found = app(None, &BOTH, &format!("{TWO}[defaults]\napp = \"a\"\n")).unwrap();
    assert_eq!((found.client_key.as_str(), found.client_secret.expose()), ("envkey", "envsecret"));
    assert_eq!(found.name, None);
}

#[test]
fn the_flag_wins_over_the_default_and_the_default_over_nothing() {
    let config = format!("{TWO}[defaults]\napp = \"a\"\n");
    assert_eq!(key(Some("b"), &[], &config), "bkey");
    assert_eq!(key(None, &[], &config), "akey");
}

#[test]
fn the_only_app_needs_no_name() {
    let config = "[apps.x]\nclient_key = \"xkey\"\nclient_secret = \"xsecret\"";
    let found = app(None, &[], config).unwrap();
    assert_eq!((found.client_key.as_str(), found.name.as_deref()), ("xkey", Some("x")));
}

#[test]
fn several_apps_without_a_choice_are_named() {
    let error = app(None, &[], TWO).unwrap_err();
    assert_eq!(error.exit(), Exit::Usage);
    assert!(error.hint().unwrap().contains("`--app a`"));
    assert!(error.to_string().contains("`a`, `b`"), "{error}");
}

#[test]
fn an_app_that_is_not_there_is_an_error_with_a_guess() {
    let error = app(Some("ab"), &[], TWO).unwrap_err();
    assert_eq!(error.exit(), Exit::Usage);
    assert!(error.hint().unwrap().contains("`a`, `b`"));
}

#[test]
fn no_app_at_all_says_exactly_what_to_set() {
    let error = app(None, &[], "").unwrap_err();
    assert_eq!(error.exit(), Exit::Usage);
    let hint = error.hint().unwrap();
    for part in
        ["export TIKTOK_CLIENT_KEY=", "export TIKTOK_CLIENT_SECRET=", "/etc/here/config.toml"]
    {
        assert!(hint.contains(part), "{hint}");
    }
}

#[test]
fn one_credential_without_the_other_is_an_error() {
    let error = app(None, &BOTH[..1], TWO).unwrap_err();
    assert_eq!(error.to_string(), "TIKTOK_CLIENT_KEY is set, but TIKTOK_CLIENT_SECRET is not");
    let empty = [BOTH[1], (KEY_VAR, "  ")];
    let error = app(None, &empty, TWO).unwrap_err();
    assert_eq!(error.to_string(), "TIKTOK_CLIENT_SECRET is set, but TIKTOK_CLIENT_KEY is not");
}

#[test]
fn the_environment_wins_over_the_flag_for_a_login_and_the_flag_says_whose_tokens_are_used() {
    let apps = apps(Some("a"), &BOTH, TWO).unwrap();
    assert_eq!(apps.for_login().unwrap().client_key, "envkey");
    assert_eq!(apps.only().unwrap().client_key, "akey");
    let (asked, used) = apps.overruled().unwrap();
    assert_eq!((asked.client_key.as_str(), used.client_key.as_str()), ("akey", "envkey"));
}

#[test]
fn all_apps_are_known_whichever_is_chosen() {
    let apps = apps(None, &BOTH, TWO).unwrap();
    for (key, secret) in [("akey", "asecret"), ("bkey", "bsecret"), ("envkey", "envsecret")] {
        let app = apps.with_key(key).unwrap().fetch(|_| ()).unwrap();
        assert_eq!(app.client_secret.expose(), secret);
    }
    assert!(apps.with_key("other").is_none() && apps.only().is_none());
}

#[test]
fn an_app_of_the_environment_keeps_its_name_and_the_environment_s_secret() {
    let env = [(KEY_VAR, "bkey"), (SECRET_VAR, "newsecret")];
    let config = format!("{TWO}scopes = \"video.upload\"\n");
    let apps = apps(Some("b"), &env, &config).unwrap();
    let app = apps.for_login().unwrap().fetch(|_| ()).unwrap();
    assert_eq!((app.name.as_deref(), app.client_secret.expose()), (Some("b"), "newsecret"));
    assert!(app.scopes.unwrap().has("video.upload") && apps.overruled().is_none());
}

#[test]
fn of_two_entries_with_one_key_the_chosen_one_counts() {
    let config = TWO.replace("bkey", "akey");
    let apps = apps(Some("b"), &[], &config).unwrap();
    assert_eq!(apps.with_key("akey").unwrap().name.as_deref(), Some("b"));
}

#[test]
fn lookalikes_are_told_once() {
    let env = [(KEY_VAR, "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1eF"), (SECRET_VAR, "sbawx1x2x3x4x5x6x7")];
    let apps = apps(None, &env, "").unwrap();
    let mut told = Vec::new();
    for _ in 0..2 {
        apps.for_login().unwrap().fetch(|flag| told.push(flag.to_string())).unwrap();
    }
    let [flag] = &told[..] else { panic!("{told:?}") };
    assert!(flag.starts_with("TIKTOK_CLIENT_KEY looks like a client secret"), "{flag}");
}

#[test]
fn slips_in_pasting_are_found_without_showing_the_value() {
    for (key, secret) in [
        ("same1", "same1"),
        ("a key", "canary"),
        ("key", "\"canary\""),
        ("key", "TIKTOK_CLIENT_SECRET=canary"),
        ("key", "can\u{7}ary"),
    ] {
        let error = app(None, &[(KEY_VAR, key), (SECRET_VAR, secret)], "").unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        let shown = format!("{error} {error:?} {:?}", error.hint());
        assert!(!shown.contains("canary") && !shown.contains("same1"), "{shown}");
    }
}

#[test]
fn a_secret_file_is_trimmed_and_must_be_private() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    fs::write(&path, "filesecret\n").unwrap();
    let config =
        format!("[apps.x]\nclient_key = \"xkey\"\nclient_secret_file = \"{}\"", path.display());
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let error = app(None, &[], &config).unwrap_err();
    assert_eq!(error.exit(), Exit::Local);
    assert_eq!(error.hint().unwrap(), format!("run `chmod 600 {}`", path.display()));
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(app(None, &[], &config).unwrap().client_secret.expose(), "filesecret");
}

#[test]
fn a_secret_command_is_run_once_when_the_app_is_needed_and_not_before() {
    let dir = tempfile::tempdir().unwrap();
    let mark = dir.path().join("ran");
    let config = format!(
        "[apps.x]\nclient_key = \"xkey\"\nclient_secret_command = \"echo ran >> {}; echo printed\"",
        mark.display()
    );
    let apps = apps(None, &[], &config).unwrap();
    assert!(!mark.exists());
    for _ in 0..2 {
        let app = apps.for_login().unwrap().fetch(|_| ()).unwrap();
        assert_eq!(app.client_secret.expose(), "printed");
    }
    assert_eq!(fs::read_to_string(&mark).unwrap(), "ran\n", "once a run");
}

#[test]
fn a_failing_secret_command_ends_the_run_before_anything_is_sent() {
    let config = "[apps.x]\nclient_key = \"k\"\nclient_secret_command = [\"false\"]";
    assert_eq!(app(None, &[], config).unwrap_err().exit(), Exit::Usage);
}
