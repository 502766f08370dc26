//! Which app a run speaks as, and its credentials.

use std::path::{Path, PathBuf};

use super::command::secret_from;
use super::config::{AppEntry, Config, SecretSource};
use super::file::UserFile;
use super::{Environment, SettingsError};
use crate::secret::Secret;
use crate::tiktok::App;

const KEY_VAR: &str = "TIKTOK_CLIENT_KEY";
const SECRET_VAR: &str = "TIKTOK_CLIENT_SECRET";

/// Where the app comes from. Its secret is fetched when it is needed, not before: a passphrase is
/// not asked for by a command that sends nothing.
#[derive(Clone, Debug)]
pub(super) enum Choice {
    /// Both credentials stand in the environment, or were given by the program itself.
    Given(App),
    /// `[apps.NAME]`.
    Entry { name: String, entry: AppEntry },
    /// There is none, or none was chosen; the reason is told once an app is needed.
    None(NoApp),
}

/// Why there is no app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoApp {
    /// Neither the environment nor the configuration names one.
    Nowhere {
        /// The file in which it could be.
        config: PathBuf,
    },
    /// The configuration has several, and none was chosen.
    Several(Vec<String>),
}

impl Choice {
    /// The environment's app, else the one that `--app`, `[defaults] app` or there being no other
    /// chooses.
    pub(super) fn make(
        flag: Option<&str>,
        env: &Environment<'_>,
        config: &Config,
        path: &Path,
    ) -> Result<Self, SettingsError> {
        let names = || config.apps.keys().cloned().collect::<Vec<_>>();
        if let Some(app) = from_environment(env)? {
            return match flag {
                Some(name) => Err(SettingsError::TwoApps { name: name.to_owned() }),
                None => Ok(Self::Given(app)),
            };
        }
        let chosen = flag.map(str::to_owned).or_else(|| config.app.clone());
        let name = match (chosen, names().as_slice()) {
            (Some(name), _) => name,
            (None, [only]) => only.clone(),
            (None, []) => return Ok(Self::None(NoApp::Nowhere { config: path.to_owned() })),
            (None, several) => return Ok(Self::None(NoApp::Several(several.to_vec()))),
        };
        match config.apps.get(&name) {
            Some(entry) => Ok(Self::Entry { name, entry: entry.clone() }),
            None => {
                Err(SettingsError::UnknownApp { name, known: names(), config: path.to_owned() })
            }
        }
    }

    /// The app with its secret, wherever that is.
    pub(super) fn app(&self) -> Result<App, SettingsError> {
        let (name, entry) = match self {
            Self::Given(app) => return Ok(app.clone()),
            Self::None(reason) => return Err(SettingsError::NoApp(reason.clone())),
            Self::Entry { name, entry } => (name, entry),
        };
        let (client_secret, from) = match &entry.secret {
            SecretSource::Here(secret) => (secret.clone(), "client_secret"),
            SecretSource::File(path) => (secret_in(path)?, "client_secret_file"),
            SecretSource::Command(words) => {
                let secret = secret_from(words)
                    .map_err(|source| SettingsError::Command { app: name.clone(), source })?;
                (secret, "client_secret_command")
            }
        };
        check(
            (&format!("`client_key` of `[apps.{name}]`"), &entry.client_key),
            (&format!("`{from}` of `[apps.{name}]`"), &client_secret),
        )?;
        Ok(App {
            name: Some(name.clone()),
            client_key: entry.client_key.clone(),
            client_secret,
            redirect_uri: entry.redirect_uri.clone(),
            scopes: entry.scopes.clone(),
        })
    }
}

fn from_environment(env: &Environment<'_>) -> Result<Option<App>, SettingsError> {
    let (client_key, secret) = match (variable(env, KEY_VAR)?, variable(env, SECRET_VAR)?) {
        (None, None) => return Ok(None),
        (Some(_), None) => {
            return Err(SettingsError::HalfApp { set: KEY_VAR, missing: SECRET_VAR });
        }
        (None, Some(_)) => {
            return Err(SettingsError::HalfApp { set: SECRET_VAR, missing: KEY_VAR });
        }
        (Some(key), Some(secret)) => (key, Secret::new(secret)),
    };
    check((KEY_VAR, &client_key), (SECRET_VAR, &secret))?;
    Ok(Some(App {
        name: None,
        client_key,
        client_secret: secret,
        redirect_uri: None,
        scopes: None,
    }))
}

/// A variable's text without the white space around it; one that is set to nothing is not set.
pub(super) fn variable(
    env: &Environment<'_>,
    name: &'static str,
) -> Result<Option<String>, SettingsError> {
    let Some(value) = env(name) else { return Ok(None) };
    let text = value.into_string().map_err(|_| SettingsError::NotText { name })?;
    Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
}

fn secret_in(path: &Path) -> Result<Secret, SettingsError> {
    let file = UserFile::read(path)?
        .ok_or_else(|| SettingsError::NoSecretFile { path: path.to_owned() })?;
    file.check_private()?;
    match file.text.trim() {
        "" => Err(SettingsError::EmptySecretFile { path: path.to_owned() }),
        text => Ok(Secret::new(text)),
    }
}

/// Finds what a slip in pasting leaves behind. The form of keys and secrets is documented nowhere, so
/// nothing else is held against them.
fn check(key: (&str, &str), secret: (&str, &Secret)) -> Result<(), SettingsError> {
    for (name, value) in [key, (secret.0, secret.1.expose())] {
        let odd = |c: char| c.is_whitespace() || c.is_control() || "\"'`=".contains(c);
        if value.chars().any(odd) {
            return Err(SettingsError::OddCredential { name: name.to_owned() });
        }
    }
    if *secret.1 == Secret::new(key.1) {
        return Err(SettingsError::SameTwice {
            key: key.0.to_owned(),
            secret: secret.0.to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::exit::{Exit, Explain as _};
    use crate::settings::testing::env;

    const BOTH: [(&str, &str); 2] = [(KEY_VAR, " envkey\n"), (SECRET_VAR, "envsecret")];
    const TWO: &str = "[apps.a]\nclient_key = \"akey\"\nclient_secret = \"asecret\"\n\
        [apps.b]\nclient_key = \"bkey\"\nclient_secret = \"bsecret\"\n";

    fn app(
        flag: Option<&str>,
        variables: &[(&str, &str)],
        config: &str,
    ) -> Result<App, SettingsError> {
        let dir = Path::new("/etc/here");
        let config = Config::read(config, dir).unwrap();
        Choice::make(flag, &env(variables), &config, &dir.join("config.toml"))?.app()
    }

    fn key(flag: Option<&str>, variables: &[(&str, &str)], config: &str) -> String {
        app(flag, variables, config).unwrap().client_key
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let found = app(None, &BOTH, &format!("{TWO}[defaults]\napp = \"a\"\n")).unwrap();
        assert_eq!(
            (found.client_key.as_str(), found.client_secret.expose()),
            ("envkey", "envsecret")
        );
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
    fn the_environment_and_the_flag_contradict_each_other() {
        let error = app(Some("a"), &BOTH, TWO).unwrap_err();
        assert!(matches!(error, SettingsError::TwoApps { .. }));
        assert_eq!(error.exit(), Exit::Usage);
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
    fn a_secret_command_is_run_when_the_app_is_needed_and_not_before() {
        let dir = tempfile::tempdir().unwrap();
        let mark = dir.path().join("ran");
        let config = format!(
            "[apps.x]\nclient_key = \"xkey\"\nclient_secret_command = \"touch {}; echo printed\"",
            mark.display()
        );
        let config = Config::read(&config, dir.path()).unwrap();
        let choice = Choice::make(None, &env(&[]), &config, dir.path()).unwrap();
        assert!(!mark.exists());
        assert_eq!(choice.app().unwrap().client_secret.expose(), "printed");
        assert!(mark.exists());
    }

    #[test]
    fn a_failing_secret_command_ends_the_run_before_anything_is_sent() {
        let config = "[apps.x]\nclient_key = \"k\"\nclient_secret_command = [\"false\"]";
        assert_eq!(app(None, &[], config).unwrap_err().exit(), Exit::Usage);
    }
}
