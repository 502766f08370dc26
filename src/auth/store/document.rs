//! The store's document: JSON with a version, and nothing lost that a newer version added.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use zeroize::Zeroizing;

use super::StoreError;
use crate::auth::account::{Account, Accounts, Unknown};
use crate::journal::Mark;

const VERSION: u64 = 1;

/// The parsed file.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) accounts: Accounts,
    /// The journal that the accounts posted with.
    pub(super) journal: Option<JournalMark>,
    unknown: Unknown,
}

/// A [`Mark`] as the file holds it.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct JournalMark {
    id: String,
    counter: u64,
    #[serde(flatten)]
    unknown: Unknown,
}

impl JournalMark {
    pub(super) fn mark(&self) -> Mark {
        Mark { journal: self.id.clone(), counter: self.counter }
    }
}

impl From<&Mark> for JournalMark {
    fn from(mark: &Mark) -> Self {
        let unknown = Unknown::default();
        Self { id: mark.journal.clone(), counter: mark.counter, unknown }
    }
}

#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

#[derive(Deserialize)]
struct Read {
    #[serde(rename = "version")]
    _version: u64,
    accounts: BTreeMap<String, Account>,
    journal: Option<JournalMark>,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Serialize)]
struct Write<'a> {
    version: u64,
    accounts: &'a BTreeMap<String, Account>,
    #[serde(skip_serializing_if = "Option::is_none")]
    journal: Option<&'a JournalMark>,
    #[serde(flatten)]
    unknown: &'a Unknown,
}

impl Document {
    pub(super) fn decode(bytes: &[u8], path: &Path) -> Result<Self, StoreError> {
        let corrupt = |error: &serde_json::Error| StoreError::Corrupt {
            path: path.to_owned(),
            what: place(error),
        };
        let Versioned { version } = serde_json::from_slice(bytes).map_err(|e| corrupt(&e))?;
        if version > VERSION {
            return Err(StoreError::Newer { path: path.to_owned(), version });
        }
        let Read { mut accounts, journal, unknown, .. } =
            serde_json::from_slice(bytes).map_err(|e| corrupt(&e))?;
        for (open_id, account) in &mut accounts {
            account.open_id.clone_from(open_id);
        }
        Ok(Self { accounts: Accounts(accounts), journal, unknown })
    }

    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
        let whole = Write {
            version: VERSION,
            accounts: &self.accounts.0,
            journal: self.journal.as_ref(),
            unknown: &self.unknown,
        };
        // Text, numbers and times into memory: this cannot fail.
        let _ = serde_json::to_writer_pretty(&mut *bytes, &whole);
        bytes.push(b'\n');
        bytes
    }
}

/// What is wrong, by place and kind alone: the message of the parser would quote the text.
fn place(error: &serde_json::Error) -> String {
    let kind = match error.classify() {
        Category::Eof => "it ends too early",
        Category::Syntax => "not JSON",
        Category::Data => "a field is missing or has the wrong type",
        Category::Io => "unreadable",
    };
    format!("{kind} (line {}, column {})", error.line(), error.column())
}
