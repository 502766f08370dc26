//! How old an attempt is, by every clock at hand.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::engine::calls::Calls;
use crate::model::Attempt;

/// What time it is, by every clock at hand, for the age of an attempt's `upload_url`.
///
/// Within the run that got the URL a stopwatch tells, and no clock that may be set. Across runs TikTok's
/// own clock does, which was kept with the attempt; this machine's clock alone only for attempts of which
/// TikTok's time is not known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    /// This machine's.
    pub(super) here: Timestamp,
    /// TikTok's, if it answered in this run.
    pub(super) there: Option<Timestamp>,
    /// Time since this run sent the attempt's init, if this run did.
    pub(super) stopwatch: Option<Duration>,
}

impl Clocks {
    /// Now; `stopwatch` is the time since this run sent an attempt's init.
    pub(super) fn now(calls: &Calls, stopwatch: Option<Duration>) -> Self {
        Self { here: calls.clock.now(), there: calls.client.server_now(), stopwatch }
    }

    /// The age for whoever waits until the URL is surely dead. `None`: it was never issued.
    pub(super) fn age(&self, attempt: &Attempt) -> Option<SignedDuration> {
        let stopwatch = self.stopwatch.and_then(|age| SignedDuration::try_from(age).ok());
        stopwatch.or_else(|| self.between_runs(attempt))
    }

    /// The age for whoever still uses the URL: the longest that any clock tells. A clock that went back
    /// tells nothing, so the URL counts as dead.
    pub(super) fn longest(&self, attempt: &Attempt) -> Option<Duration> {
        let between =
            self.between_runs(attempt).map(|age| Duration::try_from(age).unwrap_or(Duration::MAX));
        self.stopwatch.max(between)
    }

    fn between_runs(&self, attempt: &Attempt) -> Option<SignedDuration> {
        match (attempt.issued_there, self.there) {
            // TikTok tells whole seconds, and answers take a while: a little less than nothing is nothing.
            (Some(issued), Some(now)) => Some(now.duration_since(issued).max(SignedDuration::ZERO)),
            _ => attempt.issued_at.map(|issued| self.here.duration_since(issued)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Phase, PostNumber, Transfer};

    const START: i64 = 1_800_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(START + seconds).unwrap()
    }

    /// Issued at second 0 of TikTok's clock, when this machine's said `here`.
    fn issued(here: i64, there: Option<i64>) -> Attempt {
        Attempt {
            post: PostNumber(1),
            number: 1,
            transfer: Transfer::File { chunks: 1 },
            phase: Phase::FinalIntent { stored: 0 },
            publish_id: None,
            upload_url: None,
            issued_at: Some(at(here)),
            issued_there: there.map(at),
            post_ids: Vec::new(),
            code: None,
            message: None,
            log_id: None,
            created_at: at(here),
            updated_at: at(here),
        }
    }

    fn clocks(here: i64, there: Option<i64>, stopwatch: Option<u64>) -> Clocks {
        let stopwatch = stopwatch.map(Duration::from_secs);
        Clocks { here: at(here), there: there.map(at), stopwatch }
    }

    #[test]
    fn tiktoks_clock_decides_when_this_machines_was_set() {
        let behind = issued(-3 * 3600, Some(0));
        let now = clocks(60, Some(60), None);
        assert_eq!(now.age(&behind), Some(SignedDuration::from_mins(1)));
        assert_eq!(now.longest(&behind), Some(Duration::from_mins(1)));
        let ahead = issued(3 * 3600, Some(0));
        assert_eq!(now.age(&ahead), Some(SignedDuration::from_mins(1)));
    }

    #[test]
    fn the_stopwatch_of_the_run_that_sent_the_init_needs_no_clock() {
        let attempt = issued(0, Some(0));
        let now = clocks(-9999, Some(9999), Some(30));
        assert_eq!(now.age(&attempt), Some(SignedDuration::from_secs(30)));
        // But a machine that slept for hours does not use the URL any more.
        assert_eq!(now.longest(&attempt), Some(Duration::from_secs(9999)));
    }

    #[test]
    fn a_date_in_whole_seconds_makes_no_url_old() {
        let attempt = issued(0, Some(1));
        let now = clocks(0, Some(0), Some(0));
        assert_eq!(now.longest(&attempt), Some(Duration::ZERO));
        assert_eq!(clocks(0, Some(0), None).age(&attempt), Some(SignedDuration::ZERO));
    }

    #[test]
    fn without_tiktoks_clock_this_machines_has_to_do() {
        let now = clocks(100, Some(100), None);
        assert_eq!(now.age(&issued(0, None)), Some(SignedDuration::from_secs(100)));
        assert_eq!(clocks(-5, None, None).longest(&issued(0, Some(0))), Some(Duration::MAX));
    }
}
