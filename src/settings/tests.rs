use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use tiktok_open::Privacy;

use super::testing::env;
use super::*;
use crate::exit::Exit;
use crate::output::Explain as _;

fn load(home: &Path, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let flags = Flags { home: Some(home), ..Flags::default() };
    Settings::load(&flags, &env(variables))
}

fn write(home: &Path, text: &str, mode: u32) {
    let path = home.join("config.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
}

const LOOPBACK: (&str, &str) = ("TIKTOK_UP_API_URL", "http://127.0.0.1:9");
const APP: &str = "[apps.x]\nclient_key = \"k\"\nclient_secret = \"s\"\n";

#[test]
fn without_any_setting_a_run_speaks_to_tiktok_and_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let settings = load(home.path(), &[]).unwrap();
    assert_eq!(settings.endpoints, Endpoints::default());
    assert_eq!(settings.timing, Timing::default());
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn t30_a_foreign_api_over_http_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let error = load(home.path(), &[("TIKTOK_UP_API_URL", "http://example.com")]).unwrap_err();
    assert_eq!(error.exit(), Exit::Usage);
}

#[test]
fn times_are_shortened_on_loopback_only() {
    let home = tempfile::tempdir().unwrap();
    let timing = ("TIKTOK_UP_TIMING", "stall=200ms");
    let settings = load(home.path(), &[LOOPBACK, timing]).unwrap();
    assert_eq!(settings.timing.stall, Duration::from_millis(200));
    let error = load(home.path(), &[timing]).unwrap_err();
    assert!(matches!(error, SettingsError::TimingElsewhere));
    assert_eq!(error.exit(), Exit::Usage);
    let bad = load(home.path(), &[LOOPBACK, ("TIKTOK_UP_TIMING", "stal=1s")]).unwrap_err();
    assert_eq!(bad.exit(), Exit::Usage);
}

#[test]
fn the_clock_is_shifted_with_the_times() {
    let home = tempfile::tempdir().unwrap();
    let settings =
        load(home.path(), &[LOOPBACK, ("TIKTOK_UP_TIMING", "clock_offset=100h")]).unwrap();
    let ahead = settings.clock.now().duration_since(Clock::default().now());
    assert!(ahead.as_hours() >= 99, "{ahead}");
}

#[test]
fn a_config_file_with_a_secret_must_be_private() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), APP, 0o644);
    let error = load(home.path(), &[]).unwrap_err();
    assert_eq!(error.exit(), Exit::Local);
    let path = home.path().join("config.toml");
    assert_eq!(error.hint().unwrap(), format!("run `chmod 600 {}`", path.display()));
    write(home.path(), APP, 0o600);
    assert_eq!(load(home.path(), &[]).unwrap().apps.for_login().unwrap().client_key, "k");
}

#[test]
fn a_config_file_without_a_secret_may_be_read_by_all() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), "[defaults]\nprivacy_level = \"SELF_ONLY\"\n", 0o644);
    let settings = load(home.path(), &[]).unwrap();
    assert_eq!(settings.defaults.privacy(), Some(Privacy::SelfOnly));
}

#[test]
fn a_mistake_in_the_config_file_names_the_file_and_the_place() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), "[default]\n", 0o600);
    let error = load(home.path(), &[]).unwrap_err();
    assert_eq!(error.exit(), Exit::Usage);
    let text = error.to_string();
    let path = home.path().join("config.toml").display().to_string();
    assert!(text.contains(&path), "{text}");
    assert!(
        text.contains("line 1, column 2: unknown key `default`; did you mean `defaults`?"),
        "{text}"
    );
}

#[test]
fn an_app_is_missed_only_when_it_is_needed() {
    let home = tempfile::tempdir().unwrap();
    let settings = load(home.path(), &[]).unwrap();
    let app = settings.apps.for_login();
    assert!(matches!(app, Err(SettingsError::NoApp(NoApp::Nowhere { .. }))));
}

#[test]
fn settings_can_be_logged() {
    let home = tempfile::tempdir().unwrap();
    let secret = [("TIKTOK_CLIENT_KEY", "key"), ("TIKTOK_CLIENT_SECRET", "canary")];
    write(home.path(), &APP.replace("\"s\"", "\"canary\""), 0o600);
    for variables in [&secret[..], &[]] {
        let settings = load(home.path(), variables).unwrap();
        assert!(!format!("{settings:?}").contains("canary"));
    }
}

#[test]
fn a_passphrase_of_the_environment_serves_where_the_file_leads_to_none() {
    let home = tempfile::tempdir().unwrap();
    let variables = [("TIKTOK_UP_PASSPHRASE", " correct horse ")];
    write(home.path(), "[store]\nencrypt = \"passphrase\"\n", 0o644);
    let given = Encrypt::Passphrase(PassphraseFrom::Given(Secret::new(" correct horse ")));
    assert_eq!(load(home.path(), &variables).unwrap().encrypt, Some(given));
    assert!(load(home.path(), &[]).unwrap().encrypt.unwrap().is_typed());
    write(home.path(), "[store]\nencrypt = \"passphrase\"\npassphrase_file = \"p\"\n", 0o644);
    let file = Encrypt::Passphrase(PassphraseFrom::File(home.path().join("p")));
    assert_eq!(load(home.path(), &variables).unwrap().encrypt, Some(file));
}
