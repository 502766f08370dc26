//! What is told on the page that follows a button.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::commands::serve::answer::Failed;
use crate::console::pages::Tone;

/// What is told on the next page of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flash {
    /// How it is meant.
    pub(crate) tone: Tone,
    /// What happened.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: Option<String>,
}

impl Flash {
    pub(crate) fn good(message: impl Into<String>) -> Self {
        Self { tone: Tone::Good, message: message.into(), hint: None }
    }

    pub(crate) fn warn(message: impl Into<String>) -> Self {
        Self { tone: Tone::Warn, message: message.into(), hint: None }
    }

    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self { tone: Tone::Bad, message: message.into(), hint: None }
    }
}

impl From<Failed> for Flash {
    fn from(failed: Failed) -> Self {
        Self { tone: Tone::Bad, message: failed.message, hint: failed.hint }
    }
}

/// What waits to be told, by session, the one that has waited longest first.
#[derive(Debug, Default)]
pub(crate) struct Flashes(Mutex<VecDeque<(String, VecDeque<Flash>)>>);

/// So many sessions may have something to be told; of more the one that has waited longest is forgotten.
const SESSIONS: usize = 256;

/// So much may wait for one of them, the newest.
const EACH: usize = 10;

impl Flashes {
    pub(crate) fn add(&self, session: &str, flash: Flash) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, told)) = all.iter_mut().find(|(of, _)| of == session) {
            if told.len() >= EACH {
                told.pop_front();
            }
            told.push_back(flash);
            return;
        }
        if all.len() >= SESSIONS {
            all.pop_front();
        }
        all.push_back((session.to_owned(), VecDeque::from([flash])));
    }

    pub(crate) fn take(&self, session: &str) -> Vec<Flash> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = all.iter().position(|(of, _)| of == session);
        at.and_then(|at| all.remove(at)).map(|(_, told)| told.into()).unwrap_or_default()
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

    #[test]
    fn what_nobody_comes_for_makes_room_one_by_one() {
        let flashes = Flashes::default();
        for nth in 0..=SESSIONS {
            flashes.add(&nth.to_string(), Flash::good("one"));
        }
        assert_eq!(flashes.take("0"), []);
        assert_eq!(flashes.take("1"), [Flash::good("one")]);
        for nth in 0..=EACH {
            flashes.add("a", Flash::good(nth.to_string()));
        }
        let told = flashes.take("a");
        assert_eq!((told.len(), &*told[0].message), (EACH, "1"));
    }
}
