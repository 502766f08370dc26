//! Settings to be changed.

use std::collections::BTreeSet;

use super::{T, frame};
use crate::commands::serve::console::Console;
use crate::commands::serve::read::Setting;
use crate::commands::serve::settings::keys_of;
use crate::console::access::Visitor;
use crate::console::pages::{
    Message, NewSlot, SettingField, SettingGroup, SettingKind, SettingsFormPage, Tone,
};

/// What was sent and is wrong, to stand beside its field.
#[derive(Debug)]
pub(crate) struct Refusal<'a> {
    pub(crate) key: &'a str,
    pub(crate) value: &'a str,
    pub(crate) why: String,
}

/// The settings that can be changed here.
pub(crate) async fn settings_form(
    console: &Console,
    visitor: &Visitor,
    refusal: Option<Refusal<'_>>,
) -> SettingsFormPage {
    let all = console.settings_in_use().await;
    let tables = all.iter().filter_map(|setting| setting.key.rsplit_once('.'));
    let mut tables: BTreeSet<&str> = tables.map(|(table, _)| table).collect();
    tables.extend(["hooks", "serve"]);
    let group = |table: &str| {
        let fields = keys_of(table).iter().map(|(name, kind, is_needed, help)| {
            let key = format!("{table}.{name}");
            let setting = all.iter().find(|setting| setting.key == key);
            let wrong = refusal.as_ref().filter(|refusal| refusal.key == key);
            let value = match wrong {
                _ if *kind == SettingKind::Secret => String::new(),
                Some(wrong) => wrong.value.to_owned(),
                None => setting.map(written).unwrap_or_default(),
            };
            SettingField {
                name,
                kind: *kind,
                value,
                is_set: setting.is_some_and(|setting| setting.set),
                is_needed: *is_needed,
                help,
                error: wrong.map(|wrong| wrong.why.clone()),
                key,
            }
        });
        SettingGroup { table: table.to_owned(), fields: fields.collect() }
    };
    let groups = tables.into_iter().map(group).filter(|group| !group.fields.is_empty());
    let groups: Vec<SettingGroup> = groups.collect();
    let mut frame = frame(console, visitor, "/settings", T.settings_change);
    // What has no field here to stand beside.
    let has_field =
        |key: &str| groups.iter().flat_map(|group| &group.fields).any(|field| field.key == key);
    frame.flashes.extend(
        refusal.filter(|refusal| !has_field(refusal.key)).map(|refusal| Message {
            tone: Tone::Bad,
            text: refusal.why,
            hint: None,
        }),
    );
    SettingsFormPage {
        t: T,
        groups,
        config_file: console.context().settings.home.config_file().display().to_string(),
        app_error: None,
        app_name: String::new(),
        app_key: String::new(),
        slot: NewSlot::default(),
        frame,
    }
}

/// A value as it is written into its field.
fn written(setting: &Setting) -> String {
    match &setting.value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Bool(flag) => flag.to_string(),
        serde_json::Value::Array(words) => {
            let words: Vec<_> = words.iter().filter_map(serde_json::Value::as_str).collect();
            words.join("\n")
        }
        _ => String::new(),
    }
}
