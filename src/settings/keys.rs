//! The keys of `config.toml` by their names on the command line, such as `apps.main.client_key`.

use super::config::{
    APP, HOOKS, SERVE, SLOT, SOURCES, STORE, account_names, default_names, nearest,
};
use crate::model::{Field, FieldType};

/// A key that config.toml may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// The tables that it stands in, the outermost first, and its own name.
    pub(super) path: Vec<String>,
    /// What its values are.
    pub(super) kind: KeyKind,
}

/// What the values of a key are, as far as it matters how they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    /// `true` or `false`.
    Flag,
    /// A text.
    Word,
    /// A list of texts.
    Words,
    /// A program with its arguments, or a text for `sh -c`.
    Command,
    /// A text that nobody else may see.
    Secret,
}

/// A name that no key has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnknownKey {
    /// What may be meant.
    pub(crate) meant: Option<String>,
}

/// The tables whose tables have names of their own.
const NAMED: [&str; 3] = ["apps", "accounts", "slots"];

/// The other tables.
const TABLES: [&str; 5] = ["defaults", "hooks", "serve", "sources", "store"];

/// Keys of which a table has one at most.
const RIVALS: &[&[&str]] = &[
    &["client_secret", "client_secret_command", "client_secret_file"],
    &["key_command", "key_file"],
    &["passphrase_command", "passphrase_file"],
    &["password_command", "password_file"],
    &["webhook_secret", "webhook_secret_file"],
];

impl Key {
    /// The key of that name. The name of an app may hold dots.
    pub(crate) fn named(name: &str) -> Result<Self, UnknownKey> {
        let unknown = |meant: Option<String>| UnknownKey { meant };
        let Some((table, own)) = name.rsplit_once('.') else {
            // Somebody who leaves out the table means the only key of that name.
            let mut all = TABLES.iter().flat_map(|table| {
                names_in(table).into_iter().map(move |own| (own, format!("{table}.{own}")))
            });
            return Err(unknown(all.find(|(own, _)| *own == name).map(|(_, full)| full)));
        };
        let named = NAMED.into_iter().find_map(|outer| {
            let inner = table.strip_prefix(outer)?.strip_prefix('.')?;
            (!inner.is_empty()).then_some((outer, inner))
        });
        let (tables, known) = match named {
            Some((outer, inner)) => (vec![outer.to_owned(), inner.to_owned()], names_in(outer)),
            None if NAMED.contains(&table) => (Vec::new(), Vec::new()),
            None => (vec![table.to_owned()], names_in(table)),
        };
        if known.is_empty() {
            let table = nearest(table, &TABLES);
            return Err(unknown(table.map(|table| format!("{table}.{own}"))));
        }
        if !known.contains(&own) {
            return Err(unknown(nearest(own, &known).map(|own| format!("{table}.{own}"))));
        }
        let kind = kind_of(own);
        Ok(Self { path: tables.into_iter().chain([own.to_owned()]).collect(), kind })
    }

    /// Every key that a file may have with the names that `named` gives for a table of [`NAMED`].
    pub(super) fn all(named: impl Fn(&str) -> Vec<String>) -> Vec<Self> {
        let mut keys = Vec::new();
        let key = |path: &[&str]| Self {
            path: path.iter().map(|name| (*name).to_owned()).collect(),
            kind: kind_of(path.last().unwrap_or(&"")),
        };
        for outer in NAMED {
            for inner in named(outer) {
                keys.extend(names_in(outer).into_iter().map(|name| key(&[outer, &inner, name])));
            }
        }
        for table in TABLES {
            keys.extend(names_in(table).into_iter().map(|name| key(&[table, name])));
        }
        keys
    }

    /// As it is written on the command line.
    pub(crate) fn name(&self) -> String {
        self.path.join(".")
    }

    /// Whether its value is a secret, which nothing shows and no argument holds.
    pub(crate) fn is_secret(&self) -> bool {
        self.kind == KeyKind::Secret
    }

    /// Whether it is of the posts of a single account, which has to be logged in.
    pub(crate) fn is_of_account(&self) -> bool {
        self.path.first().is_some_and(|table| table == "accounts")
    }

    /// The keys whose place it takes.
    pub(super) fn rivals(&self) -> Vec<&'static str> {
        let own = self.path.last().map(String::as_str).unwrap_or_default();
        let group = RIVALS.iter().find(|group| group.contains(&own)).copied().unwrap_or_default();
        group.iter().copied().filter(|name| *name != own).collect()
    }
}

fn names_in(table: &str) -> Vec<&'static str> {
    match table {
        "accounts" => account_names(),
        "apps" => APP.to_vec(),
        "defaults" => default_names(),
        "hooks" => HOOKS.to_vec(),
        "serve" => SERVE.to_vec(),
        "slots" => SLOT.to_vec(),
        "sources" => SOURCES.to_vec(),
        "store" => STORE.to_vec(),
        _ => Vec::new(),
    }
}

/// No two tables have keys of one name and of different kinds.
fn kind_of(name: &str) -> KeyKind {
    match name {
        "client_secret" | "url" | "webhook" | "webhook_secret" => KeyKind::Secret,
        "days" | "folders" | "scopes" | "times" | "when" => KeyKind::Words,
        "desktop" => KeyKind::Flag,
        name if name.ends_with("_command") => KeyKind::Command,
        name => match Field::named(name).map(Field::value_type) {
            Some(FieldType::Flag) => KeyKind::Flag,
            _ => KeyKind::Word,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_by_its_name() {
        for key in Key::all(|_| vec!["main".to_owned(), "with.dot".to_owned()]) {
            assert_eq!(Key::named(&key.name()), Ok(key));
        }
    }

    #[test]
    fn a_misspelt_key_leads_to_the_one_that_is_meant() {
        for (name, meant) in [
            ("defaults.privacy_levle", Some("defaults.privacy_level")),
            ("default.mode", Some("defaults.mode")),
            ("privacy_level", Some("defaults.privacy_level")),
            ("apps.main.client_kye", Some("apps.main.client_key")),
            ("apps.client_key", None),
            ("apps..client_key", None),
            ("", None),
            ("frobnicate", None),
        ] {
            assert_eq!(Key::named(name), Err(UnknownKey { meant: meant.map(str::to_owned) }));
        }
    }

    #[test]
    fn a_secret_takes_the_place_of_a_file_with_it() {
        let key = Key::named("apps.a.client_secret").unwrap();
        assert!(key.is_secret());
        assert_eq!(key.rivals(), ["client_secret_command", "client_secret_file"]);
        assert!(Key::named("defaults.mode").unwrap().rivals().is_empty());
    }
}
