//! Settings that an owner changes in the browser: by the function of `config set`, key by key. What runs a program or
//! names a file with a secret is left to those who have the machine.

use super::console::Console;
use crate::commands::flags;
use crate::console::pages::{ENGLISH, SettingKind};
use crate::secret::Secret;
use crate::settings::{ConfigFile, Key, NewApp, SettingsError, begin_table, change, is_plain_name};
use crate::text::chain;

/// A key of a table: its name, what it is, whether a run needs it, and what it is for.
pub(super) type Known = (&'static str, SettingKind, bool, &'static str);

const APP: [Known; 4] = [
    ("client_key", SettingKind::Text, true, ENGLISH.help_client_key),
    ("client_secret", SettingKind::Secret, true, ENGLISH.help_client_secret),
    ("redirect_uri", SettingKind::Text, false, ENGLISH.help_redirect_uri),
    ("scopes", SettingKind::List, false, ENGLISH.help_scopes),
];

const SERVE: [Known; 3] = [
    ("folders", SettingKind::List, false, ENGLISH.help_folders),
    ("origin", SettingKind::Text, false, ENGLISH.help_origin),
    ("upload_limit", SettingKind::Text, false, ENGLISH.help_upload_limit),
];

const SLOT: [Known; 4] = [
    ("days", SettingKind::List, false, ENGLISH.help_days),
    ("times", SettingKind::List, true, ENGLISH.help_times),
    ("zone", SettingKind::Text, false, ENGLISH.help_zone),
    ("jitter", SettingKind::Text, false, ENGLISH.help_jitter),
];

const HOOKS: [Known; 4] = [
    ("desktop", SettingKind::Flag, false, ENGLISH.help_desktop),
    ("when", SettingKind::List, false, ENGLISH.help_when),
    ("webhook", SettingKind::Secret, false, ENGLISH.help_webhook),
    ("webhook_secret", SettingKind::Secret, false, ENGLISH.help_webhook_secret),
];

/// What of a table is changed here.
pub(super) fn keys_of(table: &str) -> &'static [Known] {
    match table.split_once('.') {
        Some(("apps", _)) => &APP,
        Some(("slots", _)) => &SLOT,
        None if table == "serve" => &SERVE,
        None if table == "hooks" => &HOOKS,
        _ => &[],
    }
}

/// What a form asks for.
#[derive(Debug)]
pub(super) struct Change<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a str,
    pub(super) unset: bool,
}

/// Changes a key of config.toml; what is wrong with it in words.
pub(super) async fn set(console: &Console, asked: Change<'_>) -> Result<(), String> {
    let known = asked.key.rsplit_once('.').and_then(|(table, own)| {
        keys_of(table).iter().find(|(name, ..)| *name == own).map(|(_, kind, ..)| *kind)
    });
    let (Some(kind), Ok(key)) = (known, Key::named(asked.key)) else {
        return Err(ENGLISH.setting_unknown.to_owned());
    };
    let value = value(kind, asked.value);
    if value.is_none() && kind == SettingKind::Secret && !asked.unset {
        return Err(ENGLISH.secret_missing.to_owned());
    }
    let value = value.filter(|_| !asked.unset);
    let global = console.global.clone();
    let changed = tokio::task::spawn_blocking(move || {
        let env = |name: &str| std::env::var_os(name);
        change(&flags(&global), &env, &key, value.as_ref().map(Secret::expose))
    });
    match changed.await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(said(&error)),
        Err(error) => Err(error.to_string()),
    }
}

/// What was written, as `config set` takes it; nothing if nothing was. It may be a secret.
fn value(kind: SettingKind, text: &str) -> Option<Secret> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    Some(match kind {
        SettingKind::List => {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            // Strings of JSON are strings of TOML.
            let lines: Vec<_> =
                lines.map(|line| serde_json::Value::from(line).to_string()).collect();
            Secret::unlisted(format!("[{}]", lines.join(", ")))
        }
        SettingKind::Secret => Secret::new(text),
        SettingKind::Text | SettingKind::Flag => Secret::unlisted(text),
    })
}

/// Adds an app to config.toml; what is wrong with it in words.
pub(super) async fn add_app(
    console: &Console,
    name: String,
    key: String,
    secret: Secret,
) -> Result<(), String> {
    let global = console.global.clone();
    let added = tokio::task::spawn_blocking(move || {
        let env = |name: &str| std::env::var_os(name);
        let app = NewApp { name: &name, client_key: &key, client_secret: &secret };
        ConfigFile::find(&flags(&global), &env)?.put(&app, false)
    });
    match added.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(said(&error)),
        Err(error) => Err(error.to_string()),
    }
}

/// What is wrong with a slot that is to be made, and with which of its fields.
#[derive(Debug)]
pub(super) enum SlotError {
    Name(String),
    Times(String),
}

/// Makes a slot with its times, one a line.
pub(super) async fn add_slot(console: &Console, name: &str, times: &str) -> Result<(), SlotError> {
    let key = Key::named(&format!("slots.{name}.times")).ok().filter(|_| is_plain_name(name));
    let key = key.ok_or_else(|| SlotError::Name(ENGLISH.slot_name_wrong.to_owned()))?;
    let times = value(SettingKind::List, times)
        .ok_or_else(|| SlotError::Times(ENGLISH.slot_times_missing.to_owned()))?;
    let global = console.global.clone();
    let made = tokio::task::spawn_blocking(move || {
        let env = |name: &str| std::env::var_os(name);
        begin_table(&flags(&global), &env, &key, times.expose())
    });
    match made.await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err(SlotError::Name(ENGLISH.slot_exists.to_owned())),
        Ok(Err(error)) => Err(SlotError::Times(said(&error))),
        Err(error) => Err(SlotError::Times(error.to_string())),
    }
}

/// What stands beside a field: only what is wrong with it, where that is known.
fn said(error: &SettingsError) -> String {
    match error {
        SettingsError::Refused { mistakes, .. } => {
            let all: Vec<_> = mistakes.iter().map(|mistake| mistake.message.clone()).collect();
            all.join("; ")
        }
        error => chain(error).lines().collect::<Vec<_>>().join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_is_changed_here_is_one_and_runs_nothing() {
        for table in ["apps.main", "serve", "slots.noon", "hooks"] {
            for (name, kind, ..) in keys_of(table) {
                let key = Key::named(&format!("{table}.{name}")).unwrap();
                assert_eq!(key.is_secret(), *kind == SettingKind::Secret, "{name}");
                assert!(!name.ends_with("_command") && !name.ends_with("_file"), "{name}");
            }
        }
        for table in ["defaults", "accounts.a", "store", "", "apps"] {
            assert!(keys_of(table).is_empty(), "{table}");
        }
    }

    #[test]
    fn a_list_is_written_line_by_line() {
        let written = value(SettingKind::List, " /a b \n\n/c\"d\r\n").unwrap();
        assert_eq!(written.expose(), r#"["/a b", "/c\"d"]"#);
        assert!(value(SettingKind::List, " \n ").is_none());
    }
}
