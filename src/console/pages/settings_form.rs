//! Settings to be changed, each by a form of its own.

use askama::Template;

use super::{Frame, Words};

/// The settings that can be changed here.
#[derive(Debug, Template)]
#[template(path = "settings_form.html")]
pub(crate) struct SettingsFormPage {
    pub(crate) t: &'static Words,
    pub(crate) frame: Frame,
    pub(crate) config_file: String,
    pub(crate) groups: Vec<SettingGroup>,
    /// What is wrong with the app that was to be added, and what was written of it.
    pub(crate) app_error: Option<String>,
    pub(crate) app_name: String,
    pub(crate) app_key: String,
    pub(crate) slot: NewSlot,
}

/// A slot that was to be made: what was written of it, and what is wrong.
#[derive(Debug, Default)]
pub(crate) struct NewSlot {
    pub(crate) name: String,
    pub(crate) name_error: Option<String>,
    pub(crate) times: String,
    pub(crate) times_error: Option<String>,
}

/// A table of config.toml.
#[derive(Debug)]
pub(crate) struct SettingGroup {
    /// As it is written there: `apps.main`.
    pub(crate) table: String,
    pub(crate) fields: Vec<SettingField>,
}

/// A key of it.
#[derive(Debug)]
pub(crate) struct SettingField {
    /// With its table: `apps.main.client_key`.
    pub(crate) key: String,
    /// Without.
    pub(crate) name: &'static str,
    pub(crate) kind: SettingKind,
    /// What is set, or was written and is wrong; nothing of a secret.
    pub(crate) value: String,
    pub(crate) is_set: bool,
    /// Whether a run needs it.
    pub(crate) is_needed: bool,
    pub(crate) help: &'static str,
    pub(crate) error: Option<String>,
}

/// What its values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SettingKind {
    Text,
    /// One a line.
    List,
    Flag,
    /// Written, and never shown.
    Secret,
}

/// How many lines a list of so many has room for.
fn rows_of(lines: &str) -> usize {
    (lines.lines().count() + 1).clamp(3, 12)
}

impl NewSlot {
    fn rows(&self) -> usize {
        rows_of(&self.times)
    }
}

impl SettingField {
    fn rows(&self) -> usize {
        rows_of(&self.value)
    }

    fn is(&self, kind: &str) -> bool {
        kind == match self.kind {
            SettingKind::Text => "text",
            SettingKind::List => "list",
            SettingKind::Flag => "flag",
            SettingKind::Secret => "secret",
        }
    }
}
