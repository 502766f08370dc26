//! Lengths and points of time as people read them.

use std::time::Duration;

use jiff::Timestamp;

pub(crate) use crate::clock::moment;
use crate::clock::zone;

/// A length of time by its two largest units: `350ms`, `12s`, `4m 5s`, `2h 30m`, `3d 4h`.
pub(crate) fn span(length: Duration) -> String {
    let seconds = length.as_secs();
    let (first, second) = match seconds {
        0 => return format!("{}ms", length.as_millis()),
        1..60 => return format!("{seconds}s"),
        60..3600 => ((seconds / 60, "m"), (seconds % 60, "s")),
        3600..86_400 => ((seconds / 3600, "h"), (seconds / 60 % 60, "m")),
        _ => ((seconds / 86_400, "d"), (seconds / 3600 % 24, "h")),
    };
    match second.0 {
        0 => format!("{}{}", first.0, first.1),
        _ => format!("{}{} {}{}", first.0, first.1, second.0, second.1),
    }
}

/// The day of a point of time, by the calendar on the wall: `2026-11-05`.
pub(crate) fn day(at: Timestamp) -> String {
    at.to_zoned(zone().clone()).strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_units_are_enough() {
        for (seconds, text) in [
            (1, "1s"),
            (59, "59s"),
            (60, "1m"),
            (245, "4m 5s"),
            (9000, "2h 30m"),
            (86_400, "1d"),
            (273_600, "3d 4h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
        assert_eq!(span(Duration::from_millis(350)), "350ms");
    }
}
