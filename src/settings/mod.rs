//! Settings: flags, then the environment, then `config.toml`, then what is built in; checked once,
//! before anything else happens.

mod apps;
mod change;
mod command;
mod config;
mod credentials;
mod database;
mod edit;
mod error;
mod file;
mod home;
mod keyring;
mod keys;
mod listing;
mod mistake;
mod store_key;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tiktok_open::Endpoints;
use url::Url;

pub(crate) use self::apps::{Apps, KnownApp, NoApp};
pub(crate) use self::change::{begin_table, change};
pub(crate) use self::database::Database;
pub(crate) use self::edit::{ConfigFile, NewApp, is_plain_name};
pub(crate) use self::error::SettingsError;
pub(crate) use self::home::Home;
pub(crate) use self::keys::Key;
pub(crate) use self::listing::{InUse, Origin, SettingValue, in_use};
pub(crate) use self::store_key::{Encrypt, PassphraseFrom, StoreKeyError};

use self::apps::{secret_in, variable};
use self::config::{Config, HooksEntry, SecretSource};
use self::file::UserFile;
use crate::api::App;
use crate::clock::Clock;
use crate::model::slot::Slot;
use crate::model::{FieldValues, HookKind, StoreEndpoints};
use crate::secret::Secret;
use crate::timing::Timing;

pub(crate) use crate::process::Environment;

/// The JSON Schema of config.toml.
pub(crate) const SCHEMA: &str = include_str!("schema.json");

/// What the command line says about the settings.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags<'a> {
    /// `--home`: the one directory of all files.
    pub(crate) home: Option<&'a Path>,
    /// `--app`: the app `[apps.NAME]` of config.toml.
    pub(crate) app: Option<&'a str>,
}

/// A base URL of the API in the place of TikTok's own.
const API_URL_VAR: &str = "TIKTOK_UP_API_URL";

/// A base URL of the consent page in the place of TikTok's own.
const AUTH_URL_VAR: &str = "TIKTOK_UP_AUTH_URL";

/// Waiting times for rehearsals; see [`Timing::with`].
const TIMING_VAR: &str = "TIKTOK_UP_TIMING";

/// The passphrase of an encrypted token store.
const PASSPHRASE_VAR: &str = "TIKTOK_UP_PASSPHRASE";

/// Everything that a run is told from outside.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where the program's files are.
    pub(crate) home: Home,
    /// Where TikTok is.
    pub(crate) endpoints: Endpoints,
    /// What time it is.
    pub(crate) clock: Clock,
    /// How long to wait for what.
    pub(crate) timing: Timing,
    /// What `[defaults]` of `config.toml` says about posts.
    pub(crate) defaults: FieldValues,
    /// What `[accounts.NAME]` says about the posts of single accounts.
    pub(crate) account_defaults: BTreeMap<String, FieldValues>,
    /// The apps that it may speak as.
    pub(crate) apps: Apps,
    /// How the token store is encrypted, if it is to be.
    pub(crate) encrypt: Option<Encrypt>,
    /// The database that keeps the store. `None`: files of this machine do.
    pub(crate) database: Option<Database>,
    /// Who is told of what happens.
    pub(crate) hooks: HookSettings,
    /// The times that posts may be spread over.
    pub(crate) slots: BTreeMap<String, Slot>,
    /// What the console may do.
    pub(crate) serve: ServeSettings,
    /// Where stores of videos are.
    pub(crate) sources: StoreEndpoints,
}

/// `[serve]` of `config.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServeSettings {
    /// The folders of this machine whose videos may be chosen in the console.
    pub(crate) folders: Vec<PathBuf>,
    /// Where browsers find the console behind a proxy that speaks https.
    pub(crate) origin: Option<Url>,
    /// The largest file that is taken from a browser, in bytes.
    pub(crate) upload_limit: u64,
}

impl Default for ServeSettings {
    fn default() -> Self {
        // The largest video that TikTok takes.
        Self { folders: Vec::new(), origin: None, upload_limit: 4_000_000_000 }
    }
}

/// `[hooks]` of `config.toml`.
#[derive(Clone, Debug, Default)]
pub(crate) struct HookSettings {
    /// A program and its arguments.
    pub(crate) command: Option<Vec<String>>,
    /// The address of a webhook, and what its messages are signed with.
    pub(crate) webhook: Option<(Secret, Option<Secret>)>,
    /// Whether the desktop shows it.
    pub(crate) desktop: bool,
    /// Of what.
    pub(crate) when: Vec<HookKind>,
}

impl HookSettings {
    fn read(entry: HooksEntry) -> Result<Self, SettingsError> {
        let key = match entry.key {
            Some(SecretSource::Here(key)) => Some(key),
            Some(SecretSource::File(path)) => Some(secret_in(&path)?),
            Some(SecretSource::Command(_)) | None => None,
        };
        Ok(Self {
            command: entry.command,
            webhook: entry.webhook.map(|url| (url, key)),
            desktop: entry.desktop,
            when: entry.when.unwrap_or_else(|| HookKind::USUAL.to_vec()),
        })
    }
}

/// The address of a webhook that an option names.
pub(crate) fn hook_address(text: &str) -> Result<Secret, &'static str> {
    config::hook_address(text)
}

impl Settings {
    /// Reads and checks all settings. Of the environment, only what `env` tells is looked at.
    pub(crate) fn load(flags: &Flags<'_>, env: &Environment<'_>) -> Result<Self, SettingsError> {
        let home = Home::find(flags.home, env)?;
        let api = variable(env, API_URL_VAR)?;
        let auth = variable(env, AUTH_URL_VAR)?;
        let endpoints =
            Endpoints::new(api.as_deref(), auth.as_deref()).map_err(SettingsError::Endpoints)?;
        let timing = timing(env, &endpoints)?;
        let config = read_config(&home)?;
        let apps = Apps::make(flags.app, env, &config, &home.config_file())?;
        let encrypt = config.store.map(|encrypt| with_passphrase(encrypt, env)).transpose()?;
        let hooks = HookSettings::read(config.hooks)?;
        let database = Database::read(config.database, env)?;
        let (defaults, account_defaults) = (config.defaults, config.accounts);
        Ok(Self {
            account_defaults,
            database,
            hooks,
            slots: config.slots,
            serve: config.serve,
            sources: config.sources,
            home,
            endpoints,
            clock: Clock::shifted(timing.clock_offset),
            timing,
            defaults,
            apps,
            encrypt,
        })
    }

    /// The bases in the place of TikTok's own, for the run to announce.
    pub(crate) fn overrides(&self) -> Vec<String> {
        let (used, usual) = (&self.endpoints, Endpoints::default());
        [
            ("API", used.api_base(), usual.api_base()),
            ("authorize page", used.auth_base(), usual.auth_base()),
        ]
        .into_iter()
        .filter(|(_, used, usual)| used != usual)
        .map(|(what, used, _)| format!("{what} at {used}"))
        .chain(self.clock_words())
        .collect()
    }

    /// That the time is not the machine's, to announce as well.
    fn clock_words(&self) -> Option<String> {
        let offset = self.clock.offset();
        let way = if offset.is_negative() { "back" } else { "forward" };
        (!offset.is_zero()).then(|| format!("the time put {way} by {:#}", offset.abs()))
    }

    /// The settings of a run that is given everything by the program itself: the demo.
    pub(crate) fn given(home: Home, endpoints: Endpoints, timing: Timing, app: App) -> Self {
        Self {
            home,
            endpoints,
            clock: Clock::shifted(timing.clock_offset),
            timing,
            defaults: FieldValues::default(),
            apps: Apps::given(app),
            database: None,
            encrypt: None,
            hooks: HookSettings::default(),
            account_defaults: BTreeMap::new(),
            slots: BTreeMap::new(),
            serve: ServeSettings::default(),
            sources: StoreEndpoints::default(),
        }
    }
}

/// A passphrase that the file does not lead to may be in the environment. The file goes first, against
/// the rule: the variable is for the files of `accounts export`, too.
fn with_passphrase(encrypt: Encrypt, env: &Environment<'_>) -> Result<Encrypt, SettingsError> {
    let given = env(PASSPHRASE_VAR).filter(|value| encrypt.is_typed() && !value.is_empty());
    let Some(value) = given else { return Ok(encrypt) };
    let text = value.into_string().map_err(|_| SettingsError::NotText { name: PASSPHRASE_VAR })?;
    Ok(Encrypt::Passphrase(PassphraseFrom::Given(Secret::new(text))))
}

fn timing(env: &Environment<'_>, endpoints: &Endpoints) -> Result<Timing, SettingsError> {
    match variable(env, TIMING_VAR)? {
        None => Ok(Timing::default()),
        Some(_) if !endpoints.on_loopback() => Err(SettingsError::TimingElsewhere),
        Some(list) => Timing::default().with(&list).map_err(SettingsError::Timing),
    }
}

fn read_config(home: &Home) -> Result<Config, SettingsError> {
    let path = home.config_file();
    let Some(file) = UserFile::read(&path)? else {
        return Ok(Config::default());
    };
    let config = Config::read(&file.text, &home.config)
        .map_err(|mistakes| SettingsError::Config { path, mistakes })?;
    if config.holds_a_secret() {
        file.check_private()?;
    }
    Ok(config)
}

#[cfg(test)]
mod schema;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
