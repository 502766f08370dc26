//! Which posts have which times of slots.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;

use super::StoreFuture;
use crate::model::slot::{Booking, Slot, Wanted, book};

/// The times that slots have given to posts. Without them every post that waits is given another time, a later
/// one, so nothing rests on them that must never be lost.
pub(crate) trait Slots: fmt::Debug + Send + Sync {
    /// Gives each of a manifest's posts its time, in the order in which it names them, in one step for all
    /// processes; see [`book`]. Kept when this ends.
    fn book(&self, asked: Asked) -> StoreFuture<'_, Vec<Option<Timestamp>>>;

    /// The times that [`Slots::book`] would give. Nothing is kept.
    fn look(&self, asked: Asked) -> StoreFuture<'_, Vec<Option<Timestamp>>>;

    /// Frees the times of posts that were made before them, by account and [`Wanted::post`]; what lies before `now` stays.
    fn free(&self, made: BTreeSet<(String, String)>, now: Timestamp) -> StoreFuture<'_, ()>;
}

/// What a manifest asks of slots.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The slots that there are, by their names.
    pub(crate) slots: BTreeMap<String, Slot>,
    /// What the manifest goes by.
    pub(crate) manifest: String,
    /// Its posts that name a slot.
    pub(crate) wanted: Vec<Wanted>,
    /// Times that posts of accounts name themselves.
    pub(crate) taken: BTreeSet<(String, Timestamp)>,
    /// The time at which it asks.
    pub(crate) now: Timestamp,
}

impl Asked {
    /// Gives the times, among all that are given.
    pub(crate) fn book(&self, bookings: &mut Vec<Booking>) -> Vec<Option<Timestamp>> {
        book(bookings, &self.slots, &self.manifest, &self.wanted, &self.taken, self.now)
    }
}
