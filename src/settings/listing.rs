//! The settings in use, each with where it comes from.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use super::apps::{KEY_VAR, SECRET_VAR, variable};
use super::database::URL_VAR;
use super::file::UserFile;
use super::keys::Key;
use super::{
    API_URL_VAR, AUTH_URL_VAR, Environment, Flags, PASSPHRASE_VAR, Settings, SettingsError,
    TIMING_VAR,
};
use crate::model::{Field, FieldType, HookKind, Mode};
use tiktok_open::Privacy;

/// A setting in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InUse {
    /// Its name: of a key of config.toml the dotted one.
    pub(crate) name: String,
    /// Its value.
    pub(crate) value: SettingValue,
    /// Where that comes from.
    pub(crate) from: Origin,
}

/// The value of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SettingValue {
    /// One that is not shown.
    Secret,
    /// `true` or `false`.
    Flag(bool),
    /// A text.
    Text(String),
    /// Several of them.
    List(Vec<String>),
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// An option.
    Flag(&'static str),
    /// A variable of the environment.
    Variable(&'static str),
    /// A line of config.toml, counted from 1.
    Line(usize),
    /// Nobody has said anything else.
    Default,
}

/// What config.toml says: each value and its line, by its dotted name.
type Written = BTreeMap<String, (SettingValue, usize)>;

/// All settings in use. They are checked as a run checks them.
pub(crate) fn in_use(
    flags: &Flags<'_>,
    env: &Environment<'_>,
) -> Result<Vec<InUse>, SettingsError> {
    let settings = Settings::load(flags, env)?;
    let file = UserFile::read(&settings.home.config_file())?;
    let text = file.map_or_else(Zeroizing::default, |file| file.text);
    let written = written(&text);
    let mut all = Vec::new();
    let mut add = |name: &str, value, from| {
        all.push(InUse { name: name.to_owned(), value, from });
    };
    let is_set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
    let home = |xdg| match () {
        () if flags.home.is_some() => Origin::Flag("--home"),
        () if is_set("TIKTOK_UP_HOME") => Origin::Variable("TIKTOK_UP_HOME"),
        () if is_set(xdg) => Origin::Variable(xdg),
        () => Origin::Default,
    };
    let shown = |path: &std::path::Path| SettingValue::Text(path.display().to_string());
    add("config_dir", shown(&settings.home.config), home("XDG_CONFIG_HOME"));
    add("state_dir", shown(&settings.home.state), home("XDG_STATE_HOME"));
    let of_variable = |name: &'static str| {
        if is_set(name) { Origin::Variable(name) } else { Origin::Default }
    };
    let api = settings.endpoints.api_base().clone();
    add("api_url", SettingValue::Text(api), of_variable(API_URL_VAR));
    let auth = settings.endpoints.auth_base().clone();
    add("auth_url", SettingValue::Text(auth), of_variable(AUTH_URL_VAR));
    if let Some(list) = variable(env, TIMING_VAR)? {
        add("timing", SettingValue::Text(list), Origin::Variable(TIMING_VAR));
    }
    if is_set(URL_VAR) {
        add("database_url", SettingValue::Secret, Origin::Variable(URL_VAR));
    }
    if is_set(PASSPHRASE_VAR) {
        add("passphrase", SettingValue::Secret, Origin::Variable(PASSPHRASE_VAR));
    }
    if let Some(key) = variable(env, KEY_VAR)? {
        add("client_key", SettingValue::Text(key), Origin::Variable(KEY_VAR));
        add("client_secret", SettingValue::Secret, Origin::Variable(SECRET_VAR));
    }
    if let Ok(app) = settings.apps.for_login() {
        let chosen = written.get("defaults.app").map(|(_, line)| Origin::Line(*line));
        let from = match flags.app {
            _ if is_set(KEY_VAR) => Origin::Variable(KEY_VAR),
            Some(_) => Origin::Flag("--app"),
            None => chosen.unwrap_or(Origin::Default),
        };
        let name = app.name.clone().unwrap_or_else(|| app.client_key.clone());
        add("app", SettingValue::Text(name), from);
    }
    for key in Key::all(|table| names_in(&text, table)) {
        let name = key.name();
        match written.get(&name) {
            Some((_, line)) if key.is_secret() => {
                add(&name, SettingValue::Secret, Origin::Line(*line));
            }
            Some((value, line)) => add(&name, value.clone(), Origin::Line(*line)),
            None => {
                if let Some(value) = usual(&name) {
                    add(&name, value, Origin::Default);
                }
            }
        }
    }
    Ok(all)
}

/// What holds where config.toml says nothing.
fn usual(name: &str) -> Option<SettingValue> {
    let text = |word: &str| Some(SettingValue::Text(word.to_owned()));
    match name {
        "defaults.mode" => text(Mode::default().as_str()),
        "defaults.privacy_level" => text(Privacy::SelfOnly.as_str()),
        "serve.upload_limit" => text("4GB"),
        "hooks.desktop" => Some(SettingValue::Flag(false)),
        "hooks.when" => {
            let usual = HookKind::USUAL.map(|kind| kind.as_str().to_owned());
            Some(SettingValue::List(usual.into()))
        }
        name => {
            let field = Field::named(name.strip_prefix("defaults.")?)?;
            (field.value_type() == FieldType::Flag).then_some(SettingValue::Flag(false))
        }
    }
}

/// The names in a table of tables, of a text that a run can read.
fn names_in(text: &str, table: &str) -> Vec<String> {
    let root = DeTable::parse(text).ok();
    let inner = root.as_ref().and_then(|root| root.get_ref().get(table));
    match inner.map(toml::Spanned::get_ref) {
        Some(DeValue::Table(inner)) => {
            inner.keys().map(|name| name.get_ref().to_string()).collect()
        }
        _ => Vec::new(),
    }
}

fn written(text: &str) -> Written {
    fn add(table: &DeTable<'_>, within: &str, text: &str, all: &mut Written) {
        for (key, value) in table {
            let name = format!("{within}{}", key.get_ref());
            let read = match value.get_ref() {
                DeValue::Table(inner) => {
                    add(inner, &format!("{name}."), text, all);
                    continue;
                }
                DeValue::Boolean(flag) => SettingValue::Flag(*flag),
                DeValue::String(word) => SettingValue::Text(word.trim_ascii().to_owned()),
                DeValue::Array(items) => {
                    let words = items.iter().filter_map(|item| item.get_ref().as_str());
                    SettingValue::List(words.map(|word| word.trim_ascii().to_owned()).collect())
                }
                // No setting is a number or a date.
                _ => continue,
            };
            let before = text.get(..key.span().start).unwrap_or_default();
            all.insert(name, (read, before.matches('\n').count() + 1));
        }
    }
    let mut all = Written::new();
    if let Ok(root) = DeTable::parse(text) {
        add(root.get_ref(), "", text, &mut all);
    }
    all
}
