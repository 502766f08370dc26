//! `--limit-rate`: one budget of bytes a second for the whole process.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Says when the next bytes may go. Clones share the budget.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    limit: Option<Arc<Limit>>,
}

#[derive(Debug)]
struct Limit {
    bytes_per_second: u64,
    free_at: Mutex<Option<Instant>>,
}

impl Pace {
    /// No limit.
    pub fn unlimited() -> Self {
        Self::default()
    }

    /// At most so many bytes a second, over all uploads together.
    pub fn limited(bytes_per_second: u64) -> Self {
        let limit = Limit { bytes_per_second: bytes_per_second.max(1), free_at: Mutex::new(None) };
        Self { limit: Some(Arc::new(limit)) }
    }

    /// The limit in bytes a second.
    pub fn limit(&self) -> Option<u64> {
        self.limit.as_ref().map(|limit| limit.bytes_per_second)
    }

    /// Books `bytes` and says when they may go. `None`: at once.
    pub fn book(&self, bytes: u64) -> Option<Instant> {
        self.book_at(bytes, Instant::now())
    }

    fn book_at(&self, bytes: u64, now: Instant) -> Option<Instant> {
        let limit = self.limit.as_ref()?;
        let mut free_at = limit.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let start = free_at.map_or(now, |at| at.max(now));
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(limit.bytes_per_second);
        *free_at = Some(start + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)));
        (start > now).then_some(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_budget_takes_a_second() {
        let (pace, now) = (Pace::limited(1000), Instant::now());
        assert_eq!(pace.book_at(500, now), None);
        let half = pace.book_at(500, now).unwrap();
        assert_eq!(half - now, Duration::from_millis(500));
        assert_eq!(pace.clone().book_at(1, now).unwrap() - now, Duration::from_secs(1));
    }

    #[test]
    fn no_limit_never_waits() {
        assert_eq!(Pace::unlimited().book(u64::MAX), None);
    }
}
