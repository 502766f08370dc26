//! The schema of config.toml says what the reader does.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tiktok_open::Privacy;

use super::SCHEMA;
use super::config::{APP, HOOKS, ROOT, SERVE, SLOT, SOURCES, STORE, account_names, default_names};
use crate::encrypt::Scheme;
use crate::model::{Field, FieldType, HookKind, Mode};

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn it_knows_every_key_of_the_reader_and_no_other() {
    let schema = schema();
    let tables = &schema["properties"];
    let app = &schema["$defs"]["app"];
    for (table, known) in [
        (&schema, ROOT),
        (&tables["defaults"], &default_names()[..]),
        (&tables["hooks"], HOOKS),
        (&tables["serve"], SERVE),
        (&tables["sources"], SOURCES),
        (&tables["store"], STORE),
        (app, APP),
        (&schema["$defs"]["slot"], SLOT),
        (&schema["$defs"]["account"], &account_names()[..]),
    ] {
        assert_eq!(keys(&table["properties"]), known.iter().copied().collect());
        assert_eq!(table["additionalProperties"], false);
    }
    assert_eq!(tables["apps"]["additionalProperties"]["$ref"], "#/$defs/app");
    assert_eq!(tables["accounts"]["additionalProperties"]["$ref"], "#/$defs/account");
    assert_eq!(tables["slots"]["additionalProperties"]["$ref"], "#/$defs/slot");
    for name in account_names() {
        let own = &schema["$defs"]["account"]["properties"][name];
        assert_eq!(own["$ref"], format!("#/properties/defaults/properties/{name}"));
    }
}

#[test]
fn it_knows_the_words_that_a_key_takes() {
    let schema = schema();
    let tables = &schema["properties"];
    let defaults = &tables["defaults"]["properties"];
    assert_eq!(defaults["privacy_level"]["enum"], json!(Privacy::ALL));
    assert_eq!(defaults["mode"]["enum"], json!(Mode::ALL.map(Mode::as_str)));
    let schemes: BTreeSet<_> = Scheme::ALL.map(Scheme::as_str).into();
    let listed = tables["store"]["properties"]["encrypt"]["enum"].as_array().unwrap();
    assert_eq!(listed.iter().map(|it| it.as_str().unwrap()).collect::<BTreeSet<_>>(), schemes);
    let when = &tables["hooks"]["properties"]["when"];
    assert_eq!(when["items"]["enum"], json!(HookKind::ALL.map(HookKind::as_str)));
    assert_eq!(when["default"], json!(HookKind::USUAL.map(HookKind::as_str)));
}

#[test]
fn it_describes_the_fields_as_the_schema_of_manifests_does() {
    let defaults = &schema()["properties"]["defaults"]["properties"];
    for &field in Field::ALL.iter().filter(|field| field.is_for_config()) {
        let key = &defaults[field.name()];
        assert_eq!(key["description"], field.description(), "{}", field.name());
        let is_flag = field.value_type() == FieldType::Flag;
        assert_eq!(key["type"] == "boolean", is_flag, "{}", field.name());
    }
}
