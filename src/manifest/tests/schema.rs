//! The schema for editors says what the reader does.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

/// The file that people point their editors at.
const FILE: &str = include_str!("../schema.json");

fn schema() -> Value {
    serde_json::from_str(&super::super::schema::schema()).unwrap()
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_file_is_what_the_table_of_fields_makes() {
    let made = super::super::schema::schema();
    assert_eq!(made, FILE, "write this to src/manifest/schema.json:\n{made}");
}

#[test]
fn it_knows_the_fields_of_a_post() {
    let known = Field::ALL.iter().map(|field| field.name()).chain(["$schema"]).collect();
    assert_eq!(keys(&schema()["$defs"]["post"]["properties"]), known);
}

#[test]
fn it_knows_which_fields_can_be_defaults() {
    let shared = Field::ALL.iter().filter(|field| !field.is_one_posts_own());
    let shared = shared.map(|field| field.name()).chain(["$schema"]).collect();
    assert_eq!(keys(&schema()["$defs"]["defaults"]["properties"]), shared);
}

#[test]
fn it_knows_the_words_that_a_field_takes() {
    let fields = &schema()["$defs"];
    assert_eq!(fields["privacy_level"]["enum"], json!(Privacy::ALL));
    let modes = Mode::ALL.map(Mode::as_str);
    assert_eq!(fields["mode"]["enum"], json!(modes));
}

#[test]
fn every_reference_leads_somewhere() {
    fn follow(value: &Value, root: &Value) {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            let target = root.pointer(reference.strip_prefix('#').unwrap());
            assert!(target.is_some(), "{reference}");
        }
        match value {
            Value::Object(map) => map.values().for_each(|value| follow(value, root)),
            Value::Array(list) => list.iter().for_each(|value| follow(value, root)),
            _ => {}
        }
    }
    follow(&schema(), &schema());
}
