//! How posts have ended since the program began, for whoever watches it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::engine::Event;

/// How many posts have ended a run in which state. Only `watch` makes more than one run.
#[derive(Debug, Default)]
pub(super) struct EndedPosts(Mutex<BTreeMap<&'static str, u64>>);

impl EndedPosts {
    /// Counts a post that has ended.
    pub(super) fn event(&self, event: &Event) {
        if let Event::Ended(report) = event {
            *self.counts().entry(report.state.as_str()).or_default() += 1;
        }
    }

    /// The counts by the words of the states.
    pub(super) fn all(&self) -> BTreeMap<&'static str, u64> {
        self.counts().clone()
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
