//! What TikTok counts: how long calls are remembered, and when there is room for another one.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// How long calls are remembered: longer than any window.
const MEMORY: Duration = Duration::from_hours(25);

/// Caps are of 24 hours; whatever is said to be full for longer is not believed.
const LONGEST_CAP: SignedDuration = SignedDuration::from_hours(25);

/// The first and the last time of which calls are remembered.
pub(in crate::store) fn remembered(now: Timestamp) -> (Timestamp, Timestamp) {
    (start(now, MEMORY), end(now, MEMORY))
}

/// Until when a cap is full that is said to be so. One that ends later than a cap can was made under a clock
/// that was ahead.
pub(in crate::store) fn believed(until: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let latest = now.checked_add(LONGEST_CAP).unwrap_or(Timestamp::MAX);
    Some(until).filter(|until| *until > now && *until <= latest)
}

/// When fewer than `limit` of these remain in the window. `None`: it is so now.
pub(in crate::store) fn free_at(
    times: &[Timestamp],
    limit: u32,
    window: Duration,
) -> Option<Timestamp> {
    let over = times.len().checked_sub(usize::try_from(limit).unwrap_or(usize::MAX))?;
    // With a limit of 0 there is never room: then say one window from the last one.
    let blocking = times.get(over).or(times.last())?;
    Some(end(*blocking, window))
}

/// The beginning of the window that ends now.
pub(in crate::store) fn start(now: Timestamp, window: Duration) -> Timestamp {
    let window = SignedDuration::try_from(window).unwrap_or(SignedDuration::MAX);
    now.saturating_sub(window).unwrap_or(Timestamp::MIN)
}

/// The end of the window that begins now. Calls that seem to lie ahead by less than a window count as well: the
/// clock was set back a little.
pub(in crate::store) fn end(now: Timestamp, window: Duration) -> Timestamp {
    let window = SignedDuration::try_from(window).unwrap_or(SignedDuration::MAX);
    now.saturating_add(window).unwrap_or(Timestamp::MAX)
}
