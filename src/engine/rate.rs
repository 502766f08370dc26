//! When the next bytes may go: the budget that all uploads of a run have together, and how a chunk begins.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Zoned;
use tokio::time::Instant;

use crate::model::rate::Rates;

/// The least that is handed over at a time where a limit makes it less: a call each, a hundred times a second.
const LEAST_FRAME: usize = 1 << 10;

/// How much of the time in which nothing was sent is made up for: timers wake late, and between two chunks TikTok
/// answers first. What went since the beginning is never more than the limit allows.
const CREDIT: Duration = Duration::from_millis(250);

/// How often the timetable is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// An answer that comes sooner leaves no gap worth the timers of a pace.
const SOON: Duration = Duration::from_millis(10);

/// No chunk is held to a pace for longer.
const LONGEST_PACE: Duration = Duration::from_secs(1);

/// Says when the next bytes may go. Clones share the budget.
#[derive(Clone, Debug, Default)]
pub(crate) struct RateLimiter {
    limit: Option<Arc<Limit>>,
}

#[derive(Debug)]
struct Limit {
    rates: Rates,
    budget: Mutex<Budget>,
}

#[derive(Debug, Default)]
struct Budget {
    /// What holds now, and when that was looked up. `None`: not yet.
    rate: Option<(Option<u64>, Instant)>,
    free_at: Option<Instant>,
}

impl RateLimiter {
    /// No limit.
    pub(crate) fn unlimited() -> Self {
        Self::default()
    }

    /// At most as many bytes a second as a timetable says, over all uploads together. The time of day is the
    /// machine's.
    pub(crate) fn limited(rates: Rates) -> Self {
        let limit = Limit { rates, budget: Mutex::default() };
        Self { limit: Some(Arc::new(limit)) }
    }

    /// The most bytes a second that it ever allows. `None`: at times, or always, there is no limit.
    pub(crate) fn fastest(&self) -> Option<u64> {
        self.limit.as_ref().and_then(|limit| limit.rates.fastest())
    }

    /// How many bytes are to go at once, of `most`: those of a hundredth of a second.
    pub(super) fn frame(&self, most: usize) -> usize {
        let rate =
            self.limit.as_ref().and_then(|limit| limit.rate(&mut limit.budget(), Instant::now()));
        let frame = rate.map_or(u64::MAX, |rate| rate / 100);
        usize::try_from(frame).unwrap_or(usize::MAX).max(LEAST_FRAME).min(most)
    }

    /// Books `bytes` and says when they may go. `None`: at once.
    pub(super) fn book(&self, bytes: u64) -> Option<Instant> {
        self.book_at(bytes, Instant::now())
    }

    fn book_at(&self, bytes: u64, now: Instant) -> Option<Instant> {
        let limit = self.limit.as_ref()?;
        let mut budget = limit.budget();
        let Some(rate) = limit.rate(&mut budget, now) else {
            budget.free_at = None;
            return None;
        };
        let start = match budget.free_at {
            // Nothing was sent yet, so that there is nothing to make up for.
            None => now,
            Some(at) => now.checked_sub(CREDIT).map_or(at, |earliest| at.max(earliest)),
        };
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate);
        budget.free_at =
            Some(start + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)));
        (start > now).then_some(start)
    }
}

impl Limit {
    fn budget(&self) -> std::sync::MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rate that holds now.
    fn rate(&self, budget: &mut Budget, now: Instant) -> Option<u64> {
        match budget.rate {
            Some((rate, at)) if !self.rates.changes() || now.duration_since(at) < LOOK => rate,
            _ => {
                let rate = self.rates.at(Zoned::now().time());
                budget.rate = Some((rate, now));
                rate
            }
        }
    }
}

/// How the chunk behind another one begins on the same connection: about as fast as that one went, for about
/// as long as nothing was on its way between the two. TCP would send all that its window allows at once, which
/// by then is more than a link takes and a router keeps; what is lost there makes the window smaller with each
/// chunk. From then on the answers of the other end keep the pace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    /// Bytes a second.
    rate: f64,
    lasts: Duration,
    /// Bytes that were booked so far.
    booked: u64,
    /// When the first ones were.
    began: Option<Instant>,
}

impl Pace {
    /// A fifth faster than these bytes went, so that the link is never left without work.
    const MARGIN: f64 = 1.2;

    /// Behind a chunk whose last `bytes` bytes went in `took`, and whose answer came so long after them.
    /// `None`: nothing to be gained.
    #[expect(clippy::cast_precision_loss, reason = "a rate need not be exact")]
    pub(super) fn behind(bytes: u64, took: Duration, answer: Duration) -> Option<Self> {
        if answer < SOON || took < SOON {
            return None;
        }
        let rate = bytes as f64 * Self::MARGIN / took.as_secs_f64();
        Some(Self { rate, lasts: answer.min(LONGEST_PACE), booked: 0, began: None })
    }

    /// Books `bytes` and says when they may go. `None`: at once.
    #[expect(clippy::cast_precision_loss, reason = "for a second at most")]
    pub(super) fn book(&mut self, bytes: u64, now: Instant) -> Option<Instant> {
        let began = *self.began.get_or_insert(now);
        let after = Duration::from_secs_f64((self.booked as f64 / self.rate).min(1e6));
        self.booked += bytes;
        let at = began + after.min(self.lasts);
        (at > now).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: usize = 128 << 10;

    fn limited(rate: u64) -> RateLimiter {
        RateLimiter::limited(Rates::always(rate))
    }

    #[test]
    fn a_second_of_budget_takes_a_second() {
        let (rate, now) = (limited(1000), Instant::now());
        assert_eq!(rate.book_at(500, now), None);
        let half = rate.book_at(500, now).unwrap();
        assert_eq!(half - now, Duration::from_millis(500));
        assert_eq!(rate.clone().book_at(1, now).unwrap() - now, Duration::from_secs(1));
    }

    /// Wakes late by up to `late` before each frame, as timers do.
    fn sent_within(limit: u64, senders: usize, late: Duration, time: Duration) -> u64 {
        let (rate, begin) = (limited(limit), Instant::now());
        let frame = rate.frame(FRAME) as u64;
        let (mut now, mut sent) = (vec![begin; senders], 0);
        // Whoever is the first in time books next.
        while let Some(next) = now.iter_mut().min().filter(|now| **now < begin + time) {
            if let Some(at) = rate.book_at(frame, *next) {
                *next = at + late;
            }
            if *next < begin + time {
                sent += frame;
            }
        }
        sent
    }

    #[test]
    fn a_limit_is_kept_and_used_from_the_first_second_by_all_together() {
        for limit in [50_000, 1_000_000, 20_000_000, 100_000_000, 400_000_000] {
            for senders in [1, 4] {
                for late in [Duration::ZERO, Duration::from_millis(2)] {
                    for seconds in [1, 5] {
                        let time = Duration::from_secs(seconds);
                        let sent = sent_within(limit, senders, late, time);
                        let wanted = limit * seconds;
                        let off = sent.abs_diff(wanted) * 100 / wanted;
                        assert!(off < 3, "{sent} of {wanted} by {senders}, {late:?} late");
                    }
                }
            }
        }
    }

    #[test]
    fn a_long_pause_is_not_made_up_for() {
        let (rate, now) = (limited(1000), Instant::now());
        assert_eq!(rate.book_at(1000, now), None);
        let later = now + Duration::from_mins(1);
        assert_eq!(rate.book_at(250, later), None);
        assert_eq!(rate.book_at(1, later), None);
        assert!(rate.book_at(1, later).unwrap() > later);
    }

    #[test]
    fn a_chunk_begins_about_as_fast_as_the_one_before_it_went() {
        let (ms, now) = (Duration::from_millis, Instant::now());
        let mut pace = Pace::behind(10_000_000, ms(1000), ms(100)).unwrap();
        let mut last = now;
        let mut sent = 0;
        while last < now + ms(100) {
            last = pace.book(120_000, last).unwrap_or(last).max(last);
            sent += 120_000;
        }
        // 12 MB a second for a tenth of one, and the frames at both ends.
        assert!((1_200_000..=1_440_000).contains(&sent), "{sent}");
        for _ in 0..1000 {
            assert_eq!(pace.book(120_000, last), None, "it lasts as long as the answer took");
        }
    }

    #[test]
    fn no_pace_lasts_longer_than_a_second_or_is_kept_where_answers_come_at_once() {
        let (ms, now) = (Duration::from_millis, Instant::now());
        assert_eq!(Pace::behind(1 << 30, ms(900), ms(3)), None);
        assert_eq!(Pace::behind(1 << 10, ms(0), ms(300)), None);
        let mut slow = Pace::behind(1, ms(60_000), ms(60_000)).unwrap();
        assert_eq!(slow.book(1 << 20, now), None);
        assert_eq!(slow.book(1 << 20, now), Some(now + ms(1000)));
    }

    #[test]
    fn no_limit_never_waits() {
        assert_eq!(RateLimiter::unlimited().book(u64::MAX), None);
    }
}
