//! What a run came to.

use std::fmt;

use crate::exit::Exit;
use crate::model::{PostOutcome, PostState};

const STATES: [PostState; 8] = [
    PostState::Published,
    PostState::Inbox,
    PostState::Planned,
    PostState::Skipped,
    PostState::Deferred,
    PostState::Processing,
    PostState::Failed,
    PostState::Unresolved,
];

/// How many posts ended in which state, and the worst exit code among them.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    counts: [u64; STATES.len()],
    exit: Exit,
}

impl Tally {
    pub(super) fn add(&mut self, report: &PostOutcome) {
        for (state, count) in STATES.iter().zip(&mut self.counts) {
            *count += u64::from(*state == report.state);
        }
        self.exit = self.exit.worst(report.failure.map_or(Exit::Done, Exit::from));
    }

    pub(super) fn of(&self, state: PostState) -> u64 {
        STATES.iter().zip(self.counts).filter(|(s, _)| **s == state).map(|(_, n)| n).sum()
    }

    pub(super) fn exit(&self) -> Exit {
        self.exit
    }
}

/// `2 published, 1 skipped`; states without a post are left out.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = STATES.iter().zip(self.counts).filter(|(_, count)| *count > 0);
        let parts: Vec<String> =
            counted.map(|(state, count)| format!("{count} {}", word(*state))).collect();
        if parts.is_empty() {
            f.write_str("nothing to post")
        } else {
            f.write_str(&parts.join(", "))
        }
    }
}

/// A state for people. Nothing is called published that TikTok has not called so, and what is cut
/// off or still processing is only said to be unfinished.
pub(super) fn word(state: PostState) -> &'static str {
    match state {
        PostState::Published => "published",
        PostState::Inbox => "in inbox",
        PostState::Skipped => "skipped",
        PostState::Deferred => "deferred",
        PostState::Processing => "unfinished",
        PostState::Failed => "failed",
        PostState::Unresolved => "unknown",
        PostState::Planned => "planned",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::upload::testing::report;
    use crate::problem::ErrorKind;

    #[test]
    fn every_state_is_counted_under_a_word_of_its_own() {
        let mut tally = Tally::default();
        for (i, state) in STATES.into_iter().enumerate() {
            (0..=i).for_each(|_| tally.add(&report(state)));
        }
        assert_eq!(
            tally.to_string(),
            "1 published, 2 in inbox, 3 planned, 4 skipped, 5 deferred, 6 unfinished, 7 failed, \
             8 unknown"
        );
        assert_eq!(tally.of(PostState::Failed), 7);
    }

    #[test]
    fn an_empty_run_says_so() {
        assert_eq!(Tally::default().to_string(), "nothing to post");
    }

    #[test]
    fn the_worst_post_decides() {
        let mut tally = Tally::default();
        for kind in [ErrorKind::Temporary, ErrorKind::Unknown, ErrorKind::Final] {
            tally.add(&PostOutcome { failure: Some(kind), ..report(PostState::Failed) });
        }
        assert_eq!(tally.exit(), Exit::Unknown);
    }
}
