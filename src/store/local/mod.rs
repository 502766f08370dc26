//! The store of one machine.

pub mod journal;
pub mod mark;
pub mod tokens;

pub use journal::{Inspection, Looked, Repair, Repaired, SqliteJournal};
pub use tokens::{Migrated, TokenFile};

use mark::{Mark, TokenMark};

use crate::exit::Explain as _;
use crate::store::{AccountError, JournalError};

/// The token file keeps the mark of the journal beside it.
impl TokenMark for TokenFile {
    fn read(&self) -> Result<Option<Mark>, JournalError> {
        self.journal_mark().map_err(of_mark)
    }

    fn write(&self, mark: &Mark) -> Result<(), JournalError> {
        self.set_journal_mark(mark).map_err(of_mark)
    }
}

fn of_mark(error: AccountError) -> JournalError {
    match error {
        AccountError::File(error) => error.into(),
        AccountError::Lock(error) => error.into(),
        error => JournalError::Tokens { message: error.to_string(), hint: error.hint() },
    }
}
