//! What is told on the page that follows a button.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::answer::Failed;

/// What is told on the next page of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flash {
    /// Whether it went well.
    pub(super) good: bool,
    /// What happened.
    pub(super) message: String,
    /// What to do next.
    pub(super) hint: Option<String>,
}

impl Flash {
    pub(super) fn good(message: impl Into<String>) -> Self {
        Self { good: true, message: message.into(), hint: None }
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self { good: false, message: message.into(), hint: None }
    }
}

impl From<Failed> for Flash {
    fn from(failed: Failed) -> Self {
        Self { good: false, message: failed.message, hint: failed.hint }
    }
}

/// What waits to be told, by session.
#[derive(Debug, Default)]
pub(super) struct Flashes(Mutex<HashMap<String, Vec<Flash>>>);

/// So many sessions may have something to be told; those that never come back are forgotten.
const MOST: usize = 256;

impl Flashes {
    pub(super) fn add(&self, session: &str, flash: Flash) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(session) {
            all.clear();
        }
        all.entry(session.to_owned()).or_default().push(flash);
    }

    pub(super) fn take(&self, session: &str) -> Vec<Flash> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(session).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_told_once() {
        let flashes = Flashes::default();
        flashes.add("a", Flash::good("one"));
        flashes.add("a", Flash::bad("two"));
        flashes.add("b", Flash::good("three"));
        assert_eq!(flashes.take("a"), [Flash::good("one"), Flash::bad("two")]);
        assert_eq!(flashes.take("a"), []);
        assert_eq!(flashes.take("b").len(), 1);
    }
}
