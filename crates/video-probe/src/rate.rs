//! How many frames a second, and how evenly they come.

use std::time::Duration;

/// The most stretches of equal frames that are kept to judge evenness by.
const KEPT: usize = 8192;

/// Frames of a track and the time they take, in the track's own ticks.
#[derive(Clone, Debug, Default)]
pub(super) struct Rate {
    /// Number of frames.
    pub(super) frames: u64,
    /// Ticks that they take.
    pub(super) ticks: u64,
    /// Stretches of frames that take the same number of ticks each.
    stretches: Vec<(u32, u32)>,
}

impl Rate {
    /// Adds frames of `ticks` each to the sums and to what is judged.
    pub(super) fn add(&mut self, frames: u32, ticks: u32) {
        self.frames = self.frames.saturating_add(frames.into());
        self.ticks = self.ticks.saturating_add(u64::from(frames).saturating_mul(ticks.into()));
        self.judge_by(frames, ticks);
    }

    /// Adds the frames of `other`.
    pub(super) fn merge(&mut self, other: &Self) {
        self.frames = self.frames.saturating_add(other.frames);
        self.ticks = self.ticks.saturating_add(other.ticks);
        for &(frames, ticks) in &other.stretches {
            self.judge_by(frames, ticks);
        }
    }

    fn judge_by(&mut self, frames: u32, ticks: u32) {
        let full = self.stretches.len() >= KEPT;
        match self.stretches.last_mut() {
            Some((count, same)) if *same == ticks => *count = count.saturating_add(frames),
            _ if full => {}
            _ => self.stretches.push((frames, ticks)),
        }
    }

    /// Average frames a second; `None` for a single frame, or without time.
    pub(super) fn per_second(&self, ticks_a_second: u32) -> Option<f64> {
        let known = self.frames > 1 && self.ticks > 0 && ticks_a_second > 0;
        known
            .then(|| approximate(self.frames) * f64::from(ticks_a_second) / approximate(self.ticks))
    }

    /// Whether nine of ten frames take about the average time. Time scales that do not divide by
    /// the rate, and a last frame of another length, are even.
    pub(super) fn is_steady(&self) -> bool {
        let judged: u64 = self.stretches.iter().map(|&(count, _)| u64::from(count)).sum();
        if judged == 0 || self.frames == 0 {
            return false;
        }
        let average = approximate(self.ticks) / approximate(self.frames);
        let near = |&&(_, ticks): &&(u32, u32)| {
            (f64::from(ticks) - average).abs() <= (average * 0.1).max(1.0)
        };
        let even: u64 =
            self.stretches.iter().filter(near).map(|&(count, _)| u64::from(count)).sum();
        even.saturating_mul(10) >= judged.saturating_mul(9)
    }
}

/// A number of frames or ticks, near enough for a rate.
#[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
pub(super) fn approximate(count: u64) -> f64 {
    count as f64
}

/// The time that `ticks` take; `None` when a second has none.
pub(super) fn time(ticks: u64, ticks_a_second: u32) -> Option<Duration> {
    let scale = u64::from(ticks_a_second);
    let (seconds, rest) = (ticks.checked_div(scale)?, ticks.checked_rem(scale)?);
    let nanos = rest.checked_mul(1_000_000_000)? / scale;
    Some(Duration::new(seconds, u32::try_from(nanos).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(stretches: &[(u32, u32)]) -> Rate {
        let mut rate = Rate::default();
        for &(frames, ticks) in stretches {
            rate.add(frames, ticks);
        }
        rate
    }

    #[test]
    fn the_average_is_over_all_frames() {
        assert_eq!(rate(&[(30, 512), (30, 512)]).per_second(15360), Some(30.0));
        assert_eq!(rate(&[(10, 100), (10, 300)]).per_second(1000), Some(5.0));
    }

    #[test]
    fn one_frame_has_no_rate() {
        assert_eq!(rate(&[(1, 512)]).per_second(15360), None);
        assert_eq!(rate(&[(2, 0)]).per_second(15360), None);
        assert_eq!(rate(&[(2, 1)]).per_second(0), None);
    }

    #[test]
    fn rounded_ticks_and_an_odd_last_frame_are_steady() {
        assert!(rate(&[(30, 1)]).is_steady());
        assert!(rate(&[(1, 33), (2, 33), (1, 34), (2, 33), (1, 34)]).is_steady());
        assert!(rate(&[(299, 512), (1, 600)]).is_steady());
    }

    #[test]
    fn a_time_scale_too_coarse_for_the_rate_is_steady() {
        assert!(rate(&[(1, 1), (2, 2), (1, 1), (2, 2), (1, 1), (2, 2)]).is_steady());
    }

    #[test]
    fn frames_that_come_as_they_like_are_not_steady() {
        assert!(!rate(&[(10, 100), (10, 300)]).is_steady());
        assert!(!Rate::default().is_steady());
    }

    #[test]
    fn time_is_exact_to_the_nanosecond() {
        assert_eq!(time(1001, 30000), Some(Duration::from_nanos(33_366_666)));
        assert_eq!(time(u64::MAX, 1), Some(Duration::from_secs(u64::MAX)));
        assert_eq!(time(1, 0), None);
    }
}
