//! The store's document: JSON with a version, and nothing lost that a newer version added.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use zeroize::Zeroizing;

use crate::encrypt::Encryption;
use crate::model::account::{Account, Accounts, Unknown};
use crate::store::AccountError;
use crate::store::local::mark::Mark;

/// What is written while the tokens stand there as they are.
const VERSION: u64 = 1;

/// What is written while they are encrypted: a program that does not know of that must not take them
/// for tokens.
const VERSION_ENCRYPTED: u64 = 2;

/// The parsed file.
#[derive(Clone, Debug, Default)]
pub(super) struct Document {
    /// Shared with those who look at them.
    pub(super) accounts: Arc<Accounts>,
    /// How the tokens are encrypted, if they are.
    pub(super) encryption: Option<Encryption>,
    /// The journal that the accounts posted with.
    pub(super) journal: Option<JournalMark>,
    unknown: Unknown,
    /// What tells the file that it was read from, or saved as, from every other.
    pub(super) file: Option<String>,
}

/// A [`Mark`] as the file holds it.
#[derive(Clone, Debug, Deserialize, Serialize)]
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
    encryption: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Header {
    encryption: Option<Encryption>,
}

#[derive(Deserialize)]
struct Read {
    version: u64,
    accounts: BTreeMap<String, Account>,
    encryption: Option<Encryption>,
    journal: Option<JournalMark>,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Serialize)]
struct Write<'a> {
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption: Option<&'a Encryption>,
    accounts: &'a BTreeMap<String, Account>,
    #[serde(skip_serializing_if = "Option::is_none")]
    journal: Option<&'a JournalMark>,
    #[serde(flatten)]
    unknown: &'a Unknown,
}

impl Document {
    pub(super) fn decode(bytes: &[u8], path: &Path) -> Result<Self, AccountError> {
        let read = match serde_json::from_slice(bytes) {
            Ok(read) => read,
            Err(error) => {
                // One of a newer version may be of another form.
                check_version(bytes, path)?;
                return Err(corrupt(&error, path));
            }
        };
        let Read { version, mut accounts, encryption, journal, unknown } = read;
        check_known(version, encryption.is_some(), path)?;
        for (open_id, account) in &mut accounts {
            account.open_id.clone_from(open_id);
        }
        let accounts = Arc::new(Accounts(accounts));
        Ok(Self { accounts, encryption, journal, unknown, file: None })
    }

    /// The accounts, to be changed; whoever looks at them keeps those that were.
    pub(super) fn accounts_mut(&mut self) -> &mut BTreeMap<String, Account> {
        &mut Arc::make_mut(&mut self.accounts).0
    }

    /// How the tokens of a document are encrypted; the rest of it is not looked at.
    pub(super) fn encryption_of(
        bytes: &[u8],
        path: &Path,
    ) -> Result<Option<Encryption>, AccountError> {
        check_version(bytes, path)?;
        let Header { encryption } = serde_json::from_slice(bytes).map_err(|e| corrupt(&e, path))?;
        Ok(encryption)
    }

    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
        let whole = Write {
            version: if self.encryption.is_some() { VERSION_ENCRYPTED } else { VERSION },
            encryption: self.encryption.as_ref(),
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

fn check_version(bytes: &[u8], path: &Path) -> Result<(), AccountError> {
    let Versioned { version, encryption } =
        serde_json::from_slice(bytes).map_err(|e| corrupt(&e, path))?;
    check_known(version, encryption.is_some(), path)
}

fn check_known(version: u64, is_encrypted: bool, path: &Path) -> Result<(), AccountError> {
    let known = if is_encrypted { VERSION_ENCRYPTED } else { VERSION };
    if version > known {
        return Err(AccountError::Newer { path: path.to_owned(), version });
    }
    Ok(())
}

fn corrupt(error: &serde_json::Error, path: &Path) -> AccountError {
    AccountError::Corrupt { path: path.to_owned(), what: place(error) }
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
