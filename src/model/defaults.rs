//! What applies to a post that does not say it itself.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::fields::{Field, FieldValue};
use super::mode::Mode;
use tiktok_open::Privacy;

/// What comes from outside the manifest. For each field the order is: `overrule`, the post, `flags`, the
/// manifest's own `defaults`, `config`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Defaults {
    /// What the command line says whatever a post says itself.
    pub(crate) overrule: FieldValues,
    /// The command line.
    pub(crate) flags: FieldValues,
    /// The configuration file.
    pub(crate) config: FieldValues,
}

/// What one origin says of fields: a post, the manifest's `defaults`, the command line or config.toml.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldValues(BTreeMap<Field, FieldValue>);

impl FieldValues {
    /// Sets a field, if there is a value.
    pub(crate) fn set(&mut self, field: Field, value: impl Into<Option<FieldValue>>) {
        if let Some(value) = value.into() {
            self.0.insert(field, value);
        }
    }

    /// The same with a field set, if there is a value.
    #[must_use]
    pub(crate) fn with(mut self, field: Field, value: impl Into<Option<FieldValue>>) -> Self {
        self.set(field, value);
        self
    }

    /// These, and those of `below` where there are none.
    #[must_use]
    pub(crate) fn over(mut self, below: &Self) -> Self {
        for (&field, value) in &below.0 {
            self.0.entry(field).or_insert_with(|| value.clone());
        }
        self
    }

    /// Whether a field has a value.
    pub(crate) fn has(&self, field: Field) -> bool {
        self.0.contains_key(&field)
    }

    /// The value of a flag.
    pub(crate) fn flag(&self, field: Field) -> Option<bool> {
        match self.0.get(&field) {
            Some(FieldValue::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// The value of a count.
    pub(crate) fn count(&self, field: Field) -> Option<u32> {
        match self.0.get(&field) {
            Some(FieldValue::Count(count)) => Some(*count),
            _ => None,
        }
    }

    /// The value of a text, a path or a URL.
    pub(crate) fn text(&self, field: Field) -> Option<&str> {
        match self.0.get(&field) {
            Some(FieldValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The value of a list of texts.
    pub(crate) fn texts(&self, field: Field) -> Option<&[String]> {
        match self.0.get(&field) {
            Some(FieldValue::Texts(texts)) => Some(texts),
            _ => None,
        }
    }

    /// `mode`.
    pub(crate) fn mode(&self) -> Option<Mode> {
        match self.0.get(&Field::Mode) {
            Some(FieldValue::Mode(mode)) => Some(*mode),
            _ => None,
        }
    }

    /// `privacy_level`.
    pub(crate) fn privacy(&self) -> Option<Privacy> {
        match self.0.get(&Field::PrivacyLevel) {
            Some(FieldValue::Privacy(privacy)) => Some(*privacy),
            _ => None,
        }
    }

    /// `publish_at`.
    pub(crate) fn publish_at(&self) -> Option<Timestamp> {
        match self.0.get(&Field::PublishAt) {
            Some(FieldValue::Moment(moment)) => Some(*moment),
            _ => None,
        }
    }
}
