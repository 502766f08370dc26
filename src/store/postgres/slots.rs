//! The times of slots: one row, as they stand in a file.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::link::{Commit, Session};
use super::tx::Tx;
use crate::model::slot::Booking;
use crate::store::{Asked, Slots, StoreError, StoreFuture};

/// The times that slots have given to posts.
#[derive(Debug)]
pub(super) struct PostgresSlots {
    pub(super) session: Arc<Session>,
}

impl Slots for PostgresSlots {
    fn book(&self, asked: Asked) -> StoreFuture<'_, Vec<Option<Timestamp>>> {
        let work = move |tx: &Tx<'_>| change(tx, |bookings| asked.book(bookings));
        self.session.run("give times", Commit::Everywhere, work)
    }

    fn look(&self, asked: Asked) -> StoreFuture<'_, Vec<Option<Timestamp>>> {
        self.session.run("look at times", Commit::Read, move |tx| {
            let kept: Option<String> = tx.one("SELECT kept FROM bookings", &[])?;
            Ok(asked.book(&mut read(tx, kept.as_deref())?))
        })
    }

    fn free(&self, made: BTreeSet<(String, String)>, now: Timestamp) -> StoreFuture<'_, ()> {
        self.session.run("free times", Commit::Everywhere, move |tx| {
            change(tx, |bookings| {
                let is_made = |it: &Booking| made.contains(&(it.account.clone(), it.post.clone()));
                bookings.retain(|it| it.at <= now || !is_made(it));
            })
        })
    }
}

fn read(tx: &Tx<'_>, kept: Option<&str>) -> Result<Vec<Booking>, StoreError> {
    let odd = |_| tx.odd("the times of slots cannot be read");
    kept.map_or_else(|| Ok(Vec::new()), |kept| serde_json::from_str(kept).map_err(odd))
}

fn change<T>(tx: &Tx<'_>, change: impl FnOnce(&mut Vec<Booking>) -> T) -> Result<T, StoreError> {
    // Made if it is not there, and nobody else's until the transaction ends.
    let kept: Option<String> = tx.one(
        "INSERT INTO bookings AS it (kept) VALUES ('[]')
         ON CONFLICT (single) DO UPDATE SET kept = it.kept RETURNING kept",
        &[],
    )?;
    let before = read(tx, kept.as_deref())?;
    let mut bookings = before.clone();
    let given = change(&mut bookings);
    if bookings != before {
        let text = serde_json::to_string(&bookings).map_err(|error| tx.odd(error.to_string()))?;
        tx.execute("UPDATE bookings SET kept = $1", &[text.into()])?;
    }
    Ok(given)
}
