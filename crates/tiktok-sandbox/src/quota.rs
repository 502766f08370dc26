//! Sliding windows: how many calls of an endpoint an account may make in a minute.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use crate::accounts::{AccountNo, AppNo};
use crate::call::Endpoint;
use crate::clock::after;

/// The documentation limits each access token; a refresh must not reset the count, so the window
/// belongs to the account of the app.
type Key = (AppNo, AccountNo, Endpoint);

#[derive(Debug, Default)]
pub(super) struct Quota {
    windows: HashMap<Key, VecDeque<Timestamp>>,
}

impl Quota {
    /// Takes one place in the window, if one is free. A refused call takes none.
    pub(super) fn take(
        &mut self,
        key: Key,
        limit: usize,
        window: Duration,
        now: Timestamp,
    ) -> bool {
        let taken = self.windows.entry(key).or_default();
        while taken.front().is_some_and(|first| after(*first, window) <= now) {
            taken.pop_front();
        }
        if taken.len() >= limit {
            return false;
        }
        taken.push_back(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_call_is_a_window_old() {
        let (mut quota, start) = (Quota::default(), Timestamp::UNIX_EPOCH);
        let mut at = |millis: i64| {
            let now = start + jiff::SignedDuration::from_millis(millis);
            quota.take((0, 0, Endpoint::VideoInit), 2, Duration::from_mins(1), now)
        };
        assert_eq!(
            [at(0), at(30_000), at(59_999), at(60_000), at(60_001), at(90_000)],
            [true, true, false, true, false, true]
        );
    }
}
