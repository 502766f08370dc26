//! The settings in use.

use super::{T, frame};
use crate::commands::serve::console::Console;
use crate::commands::serve::read::Setting;
use crate::console::access::Visitor;
use crate::console::pages::SettingsPage;

/// The settings in use.
pub(crate) async fn settings(console: &Console, visitor: &Visitor) -> SettingsPage {
    let settings = console.settings_in_use().await.into_iter().map(|setting: Setting| {
        let value = match &setting.value {
            _ if setting.secret => T.secret.to_owned(),
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Null => String::new(),
            value => value.to_string(),
        };
        let from = setting.from.unwrap_or_default();
        let line = setting.line.map(|line| format!(", line {line}")).unwrap_or_default();
        (setting.key, value, format!("{from}{line}"))
    });
    SettingsPage {
        t: T,
        frame: frame(console, visitor, "/settings", T.settings),
        config_file: console.context().settings.home.config_file().display().to_string(),
        settings: settings.collect(),
        users: console.users(),
    }
}
