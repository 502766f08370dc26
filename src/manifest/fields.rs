//! The fields that one object of the file gives, each read by its type.

use std::collections::BTreeMap;

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged;
use tiktok_open::Privacy;

use super::review::Review;
use super::value;
use crate::model::{Field, FieldValues, Mode, Part};
use crate::text;

/// The key by which editors know a file's schema. It says nothing about a post, and may stand in any object.
pub(super) const SCHEMA: &str = "$schema";

/// What a post or `defaults` says.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// Where the value of each field lies that was given, readable or not.
    given: BTreeMap<Field, usize>,
    /// Whether an unknown key seems to mean a source.
    pub(super) has_misspelt_source: bool,
    /// The values that could be read.
    pub(super) values: FieldValues,
}

impl Fields {
    /// Reads an object; `part` says which one.
    pub(super) fn read(object: &Object<'_>, part: Part, review: &mut Review<'_>) -> Self {
        let mut fields = Self::default();
        let mut keys: BTreeMap<&str, usize> = BTreeMap::new();
        let mut again = Vec::new();
        for property in &object.properties {
            let (key, at) = (property.name.as_str(), property.name.start());
            (review.part, review.field) = (part, Field::named(key));
            if let Some(&first) = keys.get(key) {
                again.push((key, at, first));
                continue;
            }
            keys.insert(key, at);
            match review.field {
                Some(field) if part == Part::Defaults && field.is_one_posts_own() => {
                    review.refuse(at, "cannot be a default, as it belongs to one post");
                }
                Some(field) => {
                    fields.given.insert(field, property.value.start());
                    fields.values.set(field, value::read(field, &property.value, review));
                }
                None if key == SCHEMA => value::schema(&property.value, review),
                None => fields.refuse_unknown(key, at, &property.value, review),
            }
        }
        refuse_repeated(&again, part, review);
        (review.part, review.field) = (part, None);
        fields
    }

    fn refuse_unknown(&mut self, key: &str, at: usize, value: &Value<'_>, review: &mut Review<'_>) {
        let meant = Field::meant_by(key);
        self.has_misspelt_source |= meant.is_some_and(|field| Field::SOURCES.contains(&field));
        let hint = meant.map(|field| {
            if let Some(word) = switched_on(field, key, value) {
                return format!("write \"{}\": \"{word}\"", field.name());
            }
            let unlike = text::unlike(key, field.name()).map(|it| format!(" {it}"));
            format!("did you mean `{}`?{}", field.name(), unlike.unwrap_or_default())
        });
        let hint = match (hint, text::listed(key)) {
            (hint, None) => hint,
            (Some(hint), Some(hidden)) => Some(format!("{hint} the name holds {hidden}")),
            (None, Some(hidden)) => Some(format!("the name holds {hidden}")),
        };
        let hint = if key == "posts" && review.part == Part::Defaults {
            Some(BESIDE.to_owned())
        } else {
            hint
        };
        review.refuse_key(at, key, "no such field", hint);
    }

    /// Where the value of a field lies, if it was given at all.
    pub(super) fn place_of(&self, field: Field) -> Option<usize> {
        self.given.get(&field).copied()
    }

    /// Whether a field was given but could not be read.
    pub(super) fn is_invalid(&self, field: Field) -> bool {
        !self.values.has(field) && self.given.contains_key(&field)
    }

    /// The fields that were given, with the places of their values.
    pub(super) fn given(&self) -> impl Iterator<Item = (Field, usize)> {
        self.given.iter().map(|(&field, &at)| (field, at))
    }
}

/// Refuses the keys that an object has `again`, each with its place and the first one's. Several of them, one of which
/// is a source, are those of a second post.
fn refuse_repeated(again: &[(&str, usize, usize)], part: Part, review: &mut Review<'_>) {
    let is_source =
        |key: &str| Field::named(key).is_some_and(|field| Field::SOURCES.contains(&field));
    if let [(key, at, _), others @ ..] = again
        && !others.is_empty()
        && again.iter().any(|(key, ..)| is_source(key))
    {
        (review.part, review.field) = (part, Field::named(key));
        let are = if others.len() == 1 { "is" } else { "are" };
        let others: Vec<_> = others.iter().map(|(key, ..)| format!("`{key}`")).collect();
        let others = others.join(", ");
        let hint =
            format!("so {are} {others}: if another post begins here, write }}, {{ before it");
        review.refuse_key(*at, key, "given twice", Some(hint));
        return;
    }
    for (key, at, first) in again {
        (review.part, review.field) = (part, Field::named(key));
        let (line, column) = review.locate(*first);
        let first = format!("the first is on line {line}, column {column}");
        review.refuse_key(*at, key, "given twice", Some(first));
    }
}

/// Where the list of posts stands.
const BESIDE: &str = "the list of posts stands beside `defaults`, not in it: write }, before it and a } less at the \
    end";

/// The value of `field` that a key names as if it were a field of its own, such as `"draft": true`.
fn switched_on(field: Field, key: &str, value: &Value<'_>) -> Option<&'static str> {
    if !matches!(value, Value::BooleanLit(on) if on.value) {
        return None;
    }
    match field {
        Field::Mode => Mode::meant_by(key).map(Mode::as_str),
        Field::PrivacyLevel => Privacy::meant_by(key).map(Privacy::as_str),
        _ => None,
    }
}
