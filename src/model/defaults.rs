//! What applies to a post that does not say it itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::account::{Accounts, NameError};
use super::fields::{Field, FieldValue};
use super::mode::Mode;
use super::slot::Slot;
use super::transport::Transport;
use crate::problem::{Coded, ErrorCode, Problem};
use crate::text;
use tiktok_open::Privacy;

/// What comes from outside the manifest. For each field the order is: `overrule`, the post, `flags`, the
/// manifest's own `defaults`, `accounts`, `config`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Defaults {
    /// What the command line says whatever a post says itself.
    pub(crate) overrule: FieldValues,
    /// The command line.
    pub(crate) flags: FieldValues,
    /// What the configuration file says of single accounts.
    pub(crate) accounts: AccountDefaults,
    /// The configuration file.
    pub(crate) config: FieldValues,
    /// Whether captions are templates.
    pub(crate) templates: bool,
    /// The slots that `publish_at` may name.
    pub(crate) slots: BTreeMap<String, Slot>,
}

/// What the configuration file says of the posts of single accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AccountDefaults {
    /// By every name that an account goes by.
    by_name: BTreeMap<String, FieldValues>,
    /// Where nobody is named, as there is one account only.
    only: FieldValues,
}

/// Names in the configuration file that cannot be gone by.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountDefaultsError {
    /// Posts of the account that is meant would go without what is said of them.
    #[error("config.toml has `[accounts.{name}]`: {why}")]
    Unknown {
        /// The name.
        name: String,
        /// That nobody is called so.
        why: NameError,
    },
    /// It would depend on their order what counts.
    #[error("`[accounts.{}]` and `[accounts.{}]` of config.toml are of the same account", .0, .1)]
    Same(String, String),
}

impl Coded for AccountDefaultsError {
    fn problem(&self) -> Problem {
        ErrorCode::ConfigAccounts.into()
    }
}

impl AccountDefaults {
    /// `given`, by an alias or `open_id` each, for the accounts that are logged in.
    pub(crate) fn new(
        given: &BTreeMap<String, FieldValues>,
        accounts: &Accounts,
    ) -> Result<Self, AccountDefaultsError> {
        let mut by_name: BTreeMap<String, FieldValues> = BTreeMap::new();
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        // Without any login nothing is posted, and that is said. What says nothing is of no account's posts.
        let says = |values: &FieldValues| !accounts.is_empty() && !values.0.is_empty();
        for (name, values) in given.iter().filter(|(_, values)| says(values)) {
            let account = accounts
                .find(Some(name))
                .map_err(|why| AccountDefaultsError::Unknown { name: text::shown(name), why })?;
            if let Some(other) = seen.insert(&account.open_id, name) {
                let (first, second) = (text::shown(other), text::shown(name));
                return Err(AccountDefaultsError::Same(first, second));
            }
            by_name.insert(account.open_id.clone(), values.clone());
            by_name.insert(account.name().to_owned(), values.clone());
        }
        let only = accounts.find(None).ok().and_then(|only| by_name.get(&only.open_id).cloned());
        Ok(Self { by_name, only: only.unwrap_or_default() })
    }

    /// What is said of the account that a post names, or of the only one.
    pub(crate) fn of(&self, name: Option<&str>) -> Option<&FieldValues> {
        match name {
            Some(name) => self.by_name.get(name),
            None => Some(&self.only),
        }
    }
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

    /// `transfer`.
    pub(crate) fn transport(&self) -> Option<Transport> {
        match self.0.get(&Field::Transfer) {
            Some(FieldValue::Transport(way)) => Some(*way),
            _ => None,
        }
    }

    /// `publish_at`.
    pub(crate) fn publish_at(&self) -> Option<Timestamp> {
        match self.0.get(&Field::PublishAt) {
            Some(FieldValue::Moment { at, .. }) => Some(*at),
            _ => None,
        }
    }

    /// The slot that `publish_at` names.
    pub(crate) fn slot(&self) -> Option<&str> {
        match self.0.get(&Field::PublishAt) {
            Some(FieldValue::Slot(name)) => Some(name),
            _ => None,
        }
    }

    /// The day of `publish_at`, as it is written there: the same on each machine.
    pub(crate) fn publish_day(&self) -> Option<Date> {
        match self.0.get(&Field::PublishAt) {
            Some(FieldValue::Moment { day, .. }) => Some(*day),
            _ => None,
        }
    }
}
