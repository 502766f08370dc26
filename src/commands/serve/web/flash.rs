//! What is told on the page that follows a button.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::commands::serve::answer::Failed;

/// What is told on the next page of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flash {
    /// Whether it went well.
    pub(crate) good: bool,
    /// What happened.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: Option<String>,
}

impl Flash {
    pub(crate) fn good(message: impl Into<String>) -> Self {
        Self { good: true, message: message.into(), hint: None }
    }

    pub(crate) fn bad(message: impl Into<String>) -> Self {
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
pub(crate) struct Flashes(Mutex<HashMap<String, Vec<Flash>>>);

/// So many sessions may have something to be told; those that never come back are forgotten.
const MOST: usize = 256;

impl Flashes {
    pub(crate) fn add(&self, session: &str, flash: Flash) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(session) {
            all.clear();
        }
        all.entry(session.to_owned()).or_default().push(flash);
    }

    pub(crate) fn take(&self, session: &str) -> Vec<Flash> {
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
