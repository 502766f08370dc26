//! What lasts.

pub mod accounts;
pub mod journal;
mod journal_error;
pub mod local;

pub use accounts::{AccountError, Edit};
pub use journal::{Accept, Alike, Doubt, Likeness};
pub use journal_error::JournalError;
