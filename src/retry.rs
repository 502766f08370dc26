//! The one retry layer's arithmetic: full jitter under a growing ceiling, a count of tries.

use std::time::Duration;

use rand::RngExt;

/// Pauses between the tries of one thing.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    base: Duration,
    cap: Duration,
    most: u32,
    tried: u32,
}

impl Backoff {
    /// At most `most` tries, the first included; pauses of up to `base`, doubling, never over `cap`.
    pub(crate) fn new(base: Duration, cap: Duration, most: u32) -> Self {
        Self { base, cap, most, tried: 1 }
    }

    /// Another try failed: the pause before the next one, or `None` when it was the last.
    pub(crate) fn pause(&mut self) -> Option<Duration> {
        if self.tried >= self.most {
            return None;
        }
        self.tried += 1;
        let ceiling = self.base.saturating_mul(1 << (self.tried - 2).min(16)).min(self.cap);
        Some(ceiling.mul_f64(rand::rng().random::<f64>()))
    }

    /// The number of the current try, from 1.
    pub(crate) fn attempt(&self) -> u32 {
        self.tried
    }

    /// The most tries.
    pub(crate) fn most(&self) -> u32 {
        self.most
    }

    /// Progress was made: counting begins anew.
    pub(crate) fn reset(&mut self) {
        self.tried = 1;
    }
}

/// A pause with up to a tenth on top, so that many processes do not come back at once.
pub(crate) fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(1.0 + rand::rng().random::<f64>() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_counted_and_pauses_stay_under_the_ceiling() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(4), 6);
        let ceilings = [1, 2, 4, 4, 4];
        for ceiling in ceilings {
            assert!(backoff.pause().unwrap() <= Duration::from_secs(ceiling));
        }
        assert_eq!(backoff.pause(), None);
        backoff.reset();
        assert!(backoff.pause().is_some());
    }
}
