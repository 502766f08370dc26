//! Posts that are taken back from a run before their turn.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The posts of a run, by `id`, that whoever started it has taken back meanwhile. Clones share them. One lock decides
/// who is first: who takes a post back, or the run that begins it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Withdrawals(Arc<Mutex<Turns>>);

#[derive(Debug, Default)]
struct Turns {
    withdrawn: HashSet<String>,
    /// Those that somebody has in hand who may take them back.
    in_hand: HashSet<String>,
    /// Those that the run is at.
    under_way: HashSet<String>,
}

/// That somebody has a post in hand, to change it: until this is dropped the run does not come to it.
#[derive(Debug)]
pub(crate) struct InHand {
    turns: Withdrawals,
    id: String,
}

/// That a run is at a post, which nobody takes back until this is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    turns: &'a Withdrawals,
    id: Option<&'a str>,
}

impl Withdrawals {
    /// Takes a post in hand: the run does not come to it meanwhile. `None`: the run is at it now. What became of one that
    /// the run has left the journal knows.
    pub(crate) fn take_in_hand(&self, id: &str) -> Option<InHand> {
        let mut turns = self.turns();
        if turns.under_way.contains(id) {
            return None;
        }
        turns.in_hand.insert(id.to_owned());
        Some(InHand { turns: self.clone(), id: id.to_owned() })
    }

    /// Whether a post was taken back.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.turns().withdrawn.contains(id)
    }

    /// Comes to a post; of one that `has_turn` all may begin from here on. `None`: it was taken back, or may be. One without an
    /// `id` nobody can take back.
    pub(super) fn come_to<'a>(&'a self, id: Option<&'a str>, has_turn: bool) -> Option<Turn<'a>> {
        if let Some(id) = id {
            let mut turns = self.turns();
            if turns.withdrawn.contains(id) || turns.in_hand.contains(id) {
                return None;
            }
            if has_turn {
                turns.under_way.insert(id.to_owned());
            }
        }
        Some(Turn { turns: self, id: id.filter(|_| has_turn) })
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InHand {
    /// Takes the post back for good: the run does not come to it any more, and what it has made of it before is past.
    pub(crate) fn withdraw(&self) {
        self.turns.turns().withdrawn.insert(self.id.clone());
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.turns.turns().in_hand.remove(&self.id);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.turns.turns().under_way.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_first_has_the_post() {
        let all = Withdrawals::default();
        assert!(all.come_to(Some("one"), false).is_some() && all.come_to(None, true).is_some());
        let turn = all.come_to(Some("one"), true).unwrap();
        assert!(all.take_in_hand("one").is_none() && !all.has("one"));
        all.clone().take_in_hand("two").unwrap().withdraw();
        assert!(all.has("two") && all.come_to(Some("two"), true).is_none());
        // Its turn is over, and the run comes to it no more.
        drop(turn);
        all.take_in_hand("one").unwrap().withdraw();
        assert!(all.come_to(Some("one"), false).is_none());
    }

    #[test]
    fn what_was_in_hand_and_not_changed_is_as_it_was() {
        let all = Withdrawals::default();
        let in_hand = all.take_in_hand("one").unwrap();
        assert!(all.come_to(Some("one"), true).is_none() && !all.has("one"));
        drop(in_hand);
        assert!(!all.has("one") && all.come_to(Some("one"), true).is_some());
    }
}
