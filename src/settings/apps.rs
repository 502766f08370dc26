//! The apps that a run may speak as, and their credentials.
//!
//! An account's tokens work with the one app that made them, so all apps are known to a run: the
//! environment's and every `[apps.NAME]`. Secrets are fetched when they are needed, not before: a
//! passphrase is not asked for by a command that sends nothing.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use tiktok_open::Scopes;

use super::command::secret_from;
use super::config::{AppEntry, Config, SecretSource};
use super::credentials::{Lookalike, check};
use super::file::UserFile;
use super::{Environment, SettingsError};
use crate::api::App;
use crate::model::RedirectUri;
use crate::secret::Secret;
use crate::text::key_start;

pub(super) const KEY_VAR: &str = "TIKTOK_CLIENT_KEY";
pub(super) const SECRET_VAR: &str = "TIKTOK_CLIENT_SECRET";

/// All apps of a run. Cheap to clone; clones fetch each secret once.
#[derive(Clone, Debug)]
pub(crate) struct Apps(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    known: Vec<KnownApp>,
    /// The one that new logins are made with, or why there is none.
    login: Result<usize, NoApp>,
    /// The one that `--app` names: no other app's tokens are used.
    only: Option<usize>,
}

/// Why there is no app to log in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoApp {
    /// Neither the environment nor the configuration names one.
    Nowhere {
        /// The file in which it could be.
        config: PathBuf,
    },
    /// The configuration has several, and none was chosen.
    Several(Vec<String>),
}

/// An app, its secret yet to be fetched.
#[derive(Debug)]
pub(crate) struct KnownApp {
    /// The name in config.toml, if it is there.
    pub(crate) name: Option<String>,
    /// The client key.
    pub(crate) client_key: String,
    redirect_uri: Option<RedirectUri>,
    scopes: Option<Scopes>,
    secret: SecretFrom,
    fetched: OnceLock<Result<App, Arc<SettingsError>>>,
}

/// Where an app's secret comes from.
#[derive(Clone, Debug)]
enum SecretFrom {
    /// From the environment, or from the program itself.
    Given(Secret),
    Config(SecretSource),
}

impl Apps {
    /// Of the environment and the configuration; `flag` is the name that `--app` gave.
    pub(super) fn make(
        flag: Option<&str>,
        env: &Environment<'_>,
        config: &Config,
        path: &Path,
    ) -> Result<Self, SettingsError> {
        let mut known: Vec<KnownApp> = config.apps.iter().map(KnownApp::of_config).collect();
        let named = |known: &[KnownApp], name: &str| {
            known.iter().position(|app| app.name.as_deref() == Some(name))
        };
        let only = match flag {
            None => None,
            Some(name) => Some(named(&known, name).ok_or_else(|| SettingsError::UnknownApp {
                name: name.to_owned(),
                known: config.apps.keys().cloned().collect(),
                config: path.to_owned(),
            })?),
        };
        let given = from_environment(env)?.map(|(key, secret)| {
            let same = |at: &usize| known.get(*at).is_some_and(|app| app.client_key == key);
            let at = only.filter(same).or_else(|| (0..known.len()).find(same));
            let at = at.unwrap_or_else(|| {
                known.push(KnownApp::given(None, key));
                known.len() - 1
            });
            (at, secret)
        });
        let login = match (given, only, config.app.as_deref()) {
            (Some((at, secret)), ..) => {
                if let Some(app) = known.get_mut(at) {
                    app.secret = SecretFrom::Given(secret);
                }
                Ok(at)
            }
            (None, Some(at), _) => Ok(at),
            (None, None, Some(name)) => named(&known, name).ok_or_else(|| nowhere(path)),
            (None, None, None) if known.is_empty() => Err(nowhere(path)),
            (None, None, None) if known.len() == 1 => Ok(0),
            (None, None, None) => Err(NoApp::Several(config.apps.keys().cloned().collect())),
        };
        Ok(Self(Arc::new(Inner { known, login, only })))
    }

    /// One app that the program itself gives: the demo's.
    pub(super) fn given(app: App) -> Self {
        let known = KnownApp {
            redirect_uri: app.redirect_uri,
            scopes: app.scopes,
            secret: SecretFrom::Given(app.client_secret),
            ..KnownApp::given(app.name, app.client_key)
        };
        Self(Arc::new(Inner { known: vec![known], login: Ok(0), only: None }))
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.known.is_empty()
    }

    /// The app that new logins are made with: the environment's, else the one that `--app`,
    /// `[defaults] app` or there being no other chooses.
    pub(crate) fn for_login(&self) -> Result<&KnownApp, SettingsError> {
        let at = self.0.login.as_ref().map_err(|reason| SettingsError::NoApp(reason.clone()))?;
        self.0.known.get(*at).ok_or_else(|| SettingsError::NoApp(NoApp::Several(Vec::new())))
    }

    /// The app that `--app` names: the run uses no other's tokens.
    pub(crate) fn only(&self) -> Option<&KnownApp> {
        self.0.only.and_then(|at| self.0.known.get(at))
    }

    /// The app with a client key.
    pub(crate) fn with_key(&self, client_key: &str) -> Option<&KnownApp> {
        // Two entries may have the same key; the chosen one goes first.
        let chosen = self.only().into_iter().chain(self.for_login().ok());
        let mut all = chosen.chain(&self.0.known);
        all.find(|app| app.client_key == client_key)
    }

    /// Those that a run may speak as: with `--app` the one that it names and the one that logins are made
    /// with, else all.
    pub(crate) fn in_use(&self) -> impl Iterator<Item = &KnownApp> {
        let only = self.0.only;
        let is_used = move |at: usize| only.is_none() || only == Some(at) || self.0.login == Ok(at);
        self.0.known.iter().enumerate().filter(move |(at, _)| is_used(*at)).map(|(_, app)| app)
    }

    /// The app with a name in config.toml.
    pub(crate) fn named(&self, name: &str) -> Option<&KnownApp> {
        self.0.known.iter().find(|app| app.name.as_deref() == Some(name))
    }

    /// The apps of `--app` and of the environment, if they are two: each claims to be the one to log
    /// in with, and the environment's is.
    pub(crate) fn overruled(&self) -> Option<(&KnownApp, &KnownApp)> {
        let (asked, used) = (self.only()?, self.for_login().ok()?);
        (asked.client_key != used.client_key).then_some((asked, used))
    }
}

fn nowhere(config: &Path) -> NoApp {
    NoApp::Nowhere { config: config.to_owned() }
}

impl KnownApp {
    fn given(name: Option<String>, client_key: String) -> Self {
        Self {
            name,
            client_key,
            redirect_uri: None,
            scopes: None,
            secret: SecretFrom::Given(Secret::new("")),
            fetched: OnceLock::new(),
        }
    }

    fn of_config((name, entry): (&String, &AppEntry)) -> Self {
        Self {
            redirect_uri: entry.redirect_uri.clone(),
            scopes: entry.scopes.clone(),
            secret: SecretFrom::Config(entry.secret.clone()),
            ..Self::given(Some(name.clone()), entry.client_key.clone())
        }
    }

    /// Whether config.toml has it with its secret, wherever that is, and the environment does not.
    pub(crate) fn is_configured(&self) -> bool {
        matches!(self.secret, SecretFrom::Config(_))
    }

    /// A registered redirect URI that replaces the built-in one.
    pub(crate) fn redirect_uri(&self) -> Option<&RedirectUri> {
        self.redirect_uri.as_ref()
    }

    /// What its logins ask for, if that is set.
    pub(crate) fn scopes(&self) -> Option<&Scopes> {
        self.scopes.as_ref()
    }

    /// How it is called when it is talked about.
    pub(crate) fn label(&self) -> String {
        match &self.name {
            Some(name) => format!("`{}`", crate::text::plain(name)),
            None => format!("with the client key {}", key_start(&self.client_key)),
        }
    }

    /// The app with its secret, wherever that is: a file may be read or a command run, once, which
    /// may take until somebody has typed a passphrase. `flag` is told if the credentials look odd.
    pub(crate) fn fetch(&self, flag: impl FnOnce(Lookalike)) -> Result<App, Arc<SettingsError>> {
        let fetched = self.fetched.get_or_init(|| {
            let (app, lookalike) = self.fetch_now()?;
            lookalike.map(flag);
            Ok(app)
        });
        fetched.clone()
    }

    fn fetch_now(&self) -> Result<(App, Option<Lookalike>), SettingsError> {
        let name = self.name.as_deref().unwrap_or_default();
        let of_app = |field: &str| format!("`{field}` of `[apps.{name}]`");
        let (client_secret, key_name, secret_name) = match &self.secret {
            SecretFrom::Given(secret) => {
                (secret.clone(), KEY_VAR.to_owned(), SECRET_VAR.to_owned())
            }
            SecretFrom::Config(source) => {
                let (secret, field) = match source {
                    SecretSource::Here(secret) => (secret.clone(), "client_secret"),
                    SecretSource::File(path) => (secret_in(path)?, "client_secret_file"),
                    SecretSource::Command(words) => {
                        let secret = secret_from(words).map_err(|source| {
                            SettingsError::Command { app: name.to_owned(), source }
                        })?;
                        (secret, "client_secret_command")
                    }
                };
                (secret, of_app("client_key"), of_app(field))
            }
        };
        let lookalike = check((&key_name, &self.client_key), (&secret_name, &client_secret))?;
        let app = App {
            name: self.name.clone(),
            client_key: self.client_key.clone(),
            client_secret,
            redirect_uri: self.redirect_uri.clone(),
            scopes: self.scopes.clone(),
        };
        Ok((app, lookalike))
    }
}

fn from_environment(env: &Environment<'_>) -> Result<Option<(String, Secret)>, SettingsError> {
    let (key, secret) = match (variable(env, KEY_VAR)?, variable(env, SECRET_VAR)?) {
        (None, None) => return Ok(None),
        (Some(_), None) => {
            return Err(SettingsError::HalfApp { set: KEY_VAR, missing: SECRET_VAR });
        }
        (None, Some(_)) => {
            return Err(SettingsError::HalfApp { set: SECRET_VAR, missing: KEY_VAR });
        }
        (Some(key), Some(secret)) => (key, Secret::new(secret)),
    };
    // Wrong variables are wrong for every command; suspicious ones are told when they are used.
    check((KEY_VAR, &key), (SECRET_VAR, &secret))?;
    Ok(Some((key, secret)))
}

/// A variable's text without the white space around it; one that is set to nothing is not set.
pub(super) fn variable(
    env: &Environment<'_>,
    name: &'static str,
) -> Result<Option<String>, SettingsError> {
    let Some(value) = env(name) else { return Ok(None) };
    let text = value.into_string().map_err(|_| SettingsError::NotText { name })?;
    Ok(Some(text.trim_ascii().to_owned()).filter(|text| !text.is_empty()))
}

pub(super) fn secret_in(path: &Path) -> Result<Secret, SettingsError> {
    if path.is_dir() {
        return Err(SettingsError::SecretFolder { path: path.to_owned() });
    }
    let file = UserFile::read(path)?
        .ok_or_else(|| SettingsError::NoSecretFile { path: path.to_owned() })?;
    file.check_private()?;
    match file.text.trim_ascii() {
        "" => Err(SettingsError::EmptySecretFile { path: path.to_owned() }),
        text => Ok(Secret::new(text)),
    }
}

#[cfg(test)]
mod tests;
