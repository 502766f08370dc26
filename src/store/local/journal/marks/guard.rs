//! What keeps a journal from being taken for another one: which run is counted when, and how the marks
//! outside of it follow.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Transaction;

use super::host::Here;
use super::{Known, Marks, Witness};
use crate::fs::Lock;
use crate::store::local::journal::database::Database;
use crate::store::local::journal::database::db_error::DbError;
use crate::store::local::journal::database::dir::JournalDir;
use crate::store::local::journal::marks;
use crate::store::local::mark::{Mark, TokenMark};
use crate::store::{Doubt, JournalError};

/// The marks of a journal, and what was found when it was opened.
#[derive(Debug)]
pub(in crate::store::local::journal) struct Guard {
    tokens: Arc<dyn TokenMark>,
    witness: Witness,
    /// Whether this run was counted.
    counted: Mutex<bool>,
    elsewhere: bool,
    accepted: Option<Doubt>,
}

impl Guard {
    pub(in crate::store::local::journal) fn new(
        journal_dir: &JournalDir,
        tokens: Arc<dyn TokenMark>,
    ) -> Self {
        let witness = Witness::new(journal_dir.witness());
        Self { tokens, witness, counted: Mutex::default(), elsewhere: false, accepted: None }
    }

    pub(in crate::store::local::journal) fn marks(&self) -> Result<Marks, JournalError> {
        Ok(Marks { tokens: self.tokens.read()?, witness: self.witness.read()? })
    }

    /// The same for a look that posts nothing: a token store that cannot be read is told by whoever
    /// needs it.
    pub(in crate::store::local::journal) fn marks_to_look(&self) -> Result<Marks, JournalError> {
        Ok(Marks { tokens: self.tokens.read().ok().flatten(), witness: self.witness.read()? })
    }

    /// Remembers what was found.
    pub(in crate::store::local::journal) fn found(&mut self, here: &Here, doubt: Option<Doubt>) {
        (self.elsewhere, self.accepted) = (here.elsewhere, doubt);
    }

    pub(in crate::store::local::journal) fn elsewhere(&self) -> bool {
        self.elsewhere
    }

    pub(in crate::store::local::journal) fn accepted(&self) -> Option<Doubt> {
        self.accepted
    }

    /// Counts this run, once, before its first attempt: from then on an earlier state of the journal
    /// is known to be one.
    pub(in crate::store::local::journal) fn count_run(
        &self,
        db: &Database,
    ) -> Result<(), JournalError> {
        // A panic while it was held has counted nothing, or too much, which does no harm.
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if !*counted {
            self.declare(db, "count this run", marks::count_run)?;
            *counted = true;
        }
        Ok(())
    }

    /// Makes a doubtful journal the one that counts.
    pub(in crate::store::local::journal) fn take(
        &self,
        db: &Database,
        here: &Here,
    ) -> Result<(), JournalError> {
        self.declare(db, "take the journal", |tx| {
            let mark = marks::begin_anew(tx)?;
            record(tx, here)?;
            Ok(mark)
        })
    }

    /// Makes a journal that nothing is wrong with know where it is.
    pub(in crate::store::local::journal) fn settle_in(
        &self,
        db: &Database,
        known: &Known,
        marks: &Marks,
        here: &Here,
    ) -> Result<(), JournalError> {
        if known.identity.is_some() && here.is_known(known.host.as_deref(), known.file) {
            return Ok(());
        }
        let mark = db.write("record its identity", marks::ensure_identity)?;
        if here.elsewhere && marks.are_there() {
            // The witness, a copy as well, before the journal says that it belongs here.
            let held = db.dir().lock()?;
            self.mark_outside(db, &mark, &held)?;
        }
        db.write("record the machine", |tx| Ok(record(tx, here)?))
    }

    /// Changes what the journal says about itself, and then tells the tokens and the witness.
    fn declare(
        &self,
        db: &Database,
        doing: &'static str,
        change: impl Fn(&Transaction<'_>) -> Result<Mark, DbError>,
    ) -> Result<(), JournalError> {
        let held = db.dir().lock()?;
        match db.try_write(change) {
            Ok(mark) => self.mark_outside(db, &mark, &held),
            Err(stopped) => {
                drop(held);
                Err(db.explain(stopped, doing))
            }
        }
    }

    fn mark_outside(&self, db: &Database, mark: &Mark, held: &Lock) -> Result<(), JournalError> {
        self.tokens.write(mark)?;
        db.dir().make_locks()?;
        Ok(self.witness.write(mark, held)?)
    }
}

/// Makes a journal say where it is.
fn record(tx: &Transaction<'_>, here: &Here) -> rusqlite::Result<()> {
    if let Some(host) = &here.host {
        marks::set(tx, "host", host)?;
    }
    if let Some(file) = &here.file {
        marks::set(tx, "file", &file.to_string())?;
    }
    Ok(())
}
