//! The database that keeps the store, and the password for it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

#[cfg(feature = "postgres")]
use super::command::secret_from;
use super::config::{DatabaseEntry, SecretSource};
#[cfg(feature = "postgres")]
use super::secret_in;
use super::{Environment, SettingsError};
use crate::secret::Secret;

/// An address in the place of that of config.toml.
pub(super) const URL_VAR: &str = "TIKTOK_UP_DATABASE_URL";

/// What libpq looks at, and what names certificate authorities.
const VARIABLES: [&str; 5] = ["HOME", "PGHOST", "PGPASSFILE", "PGPASSWORD", "SSL_CERT_FILE"];

/// The database that keeps the store. What it shows of itself is no secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Database {
    /// Its address, which may hold a password.
    pub(crate) url: Secret,
    password: Option<SecretSource>,
    /// What the environment says that belongs to it.
    variables: BTreeMap<&'static str, OsString>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of the variables, one is a password.
        let names: Vec<&str> = self.variables.keys().copied().collect();
        f.debug_struct("Database").field("variables", &names).finish_non_exhaustive()
    }
}

impl Database {
    /// The one of the environment, else that of config.toml.
    pub(super) fn read(
        entry: DatabaseEntry,
        env: &Environment<'_>,
    ) -> Result<Option<Self>, SettingsError> {
        let given = super::apps::variable(env, URL_VAR)?.map(Secret::new);
        let Some(url) = given.or(entry.url) else { return Ok(None) };
        if !cfg!(feature = "postgres") {
            return Err(SettingsError::NoDatabase);
        }
        let known = VARIABLES.into_iter().filter_map(|name| Some((name, env(name)?)));
        Ok(Some(Self { url, password: entry.password, variables: known.collect() }))
    }

    /// The password that config.toml leads to. Blocks until a command has answered.
    #[cfg(feature = "postgres")]
    pub(crate) fn password(&self) -> Result<Option<Secret>, SettingsError> {
        match &self.password {
            None => Ok(None),
            Some(SecretSource::Here(password)) => Ok(Some(password.clone())),
            Some(SecretSource::File(path)) => secret_in(path).map(Some),
            Some(SecretSource::Command(words)) => secret_from(words)
                .map(Some)
                .map_err(|source| SettingsError::DatabaseCommand { source }),
        }
    }

    /// A variable of the environment that belongs to it.
    #[cfg(feature = "postgres")]
    pub(crate) fn variable(&self, name: &str) -> Option<OsString> {
        self.variables.get(name).cloned()
    }
}

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use super::*;

    #[test]
    fn it_shows_no_password() {
        let env = |name: &str| match name {
            "PGPASSWORD" => Some(OsString::from("s3cr3t")),
            URL_VAR => Some(OsString::from("postgres://ana:hunter2@db/posts")),
            _ => None,
        };
        let database = Database::read(DatabaseEntry::default(), &env).unwrap().unwrap();
        let shown = format!("{database:?}");
        assert!(shown.contains("PGPASSWORD"), "{shown}");
        assert!(!shown.contains("s3cr3t") && !shown.contains("hunter2"), "{shown}");
        assert_eq!(database.variable("PGPASSWORD").unwrap(), "s3cr3t");
    }
}
