//! The mark of a journal, which the token file repeats: what tells that posts were made that are not in
//! the journal at hand.

use std::fmt;

use crate::store::JournalError;

/// A state of a journal, as it is known outside of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The identity of the journal: 128 random bits in hex.
    pub(crate) journal: String,
    /// How many runs had begun to post with it.
    pub(crate) counter: u64,
}

impl Mark {
    /// Whether this one may take the place of another: a mark never goes back.
    pub(crate) fn replaces(&self, other: &Self) -> bool {
        self.journal != other.journal || self.counter > other.counter
    }
}

/// Where the token store keeps the mark of the journal that its accounts posted with.
pub(crate) trait TokenMark: fmt::Debug + Send + Sync {
    /// The mark, if there is one.
    fn read(&self) -> Result<Option<Mark>, JournalError>;

    /// Keeps a mark durably, if it [replaces](Mark::replaces) the one that is there.
    fn write(&self, mark: &Mark) -> Result<(), JournalError>;
}

/// For a journal without a token store beside it.
impl TokenMark for () {
    fn read(&self) -> Result<Option<Mark>, JournalError> {
        Ok(None)
    }

    fn write(&self, _mark: &Mark) -> Result<(), JournalError> {
        Ok(())
    }
}
