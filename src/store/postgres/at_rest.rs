//! How secrets rest in the database: as they are, or encrypted with the key that the database names.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::tx::Tx;
use crate::encrypt::{Encryption, Key};
use crate::store::{AccountError, StoreError};

/// The name in `meta` of the key.
const NAME: &str = "encryption";

/// The key of this run, once it is known: of all that a store has given. After tokens were encrypted anew it is another
/// one.
#[derive(Debug, Default)]
pub(super) struct KeyCell(Mutex<Option<Arc<Key>>>);

impl KeyCell {
    pub(super) fn get(&self) -> Option<Arc<Key>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set(&self, key: Key) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(key));
    }
}

/// The key that secrets rest encrypted with. `None`: they rest in plain text. An error if this run has it not.
pub(super) fn key(tx: &Tx<'_>, key: Option<&Arc<Key>>) -> Result<Option<Arc<Key>>, StoreError> {
    let Some(needed) = encryption(tx)?.map(|encryption| encryption.key) else { return Ok(None) };
    match key.filter(|key| key.id() == needed) {
        Some(key) => Ok(Some(Arc::clone(key))),
        None => Err(AccountError::NoKey { path: PathBuf::from(tx.place), key: needed }.into()),
    }
}

/// How secrets rest; `None` if they are not encrypted.
pub(super) fn encryption(tx: &Tx<'_>) -> Result<Option<Encryption>, StoreError> {
    let said: Option<String> = tx.one("SELECT value FROM meta WHERE name = $1", &[NAME.into()])?;
    let odd = |_| tx.odd("what tells how its secrets are encrypted does not");
    said.map(|said| serde_json::from_str(&said).map_err(odd)).transpose()
}

/// Says that secrets rest encrypted from now on, and how.
pub(super) fn say(tx: &Tx<'_>, encryption: &Encryption) -> Result<(), StoreError> {
    let text = serde_json::to_string(encryption).map_err(|error| tx.odd(error.to_string()))?;
    let statement = "INSERT INTO meta (name, value) VALUES ($1, $2)";
    tx.execute(statement, &[NAME.into(), text.into()])?;
    Ok(())
}
