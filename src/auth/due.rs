//! When an access token wants a refresh: pure arithmetic on times.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::account::Account;

/// The life that an access token must have left to be handed out.
pub(crate) const NEED: Duration = Duration::from_mins(5);

/// How far TikTok's clock may be from ours before our reading of the token's end means nothing.
pub(crate) const SKEW_LIMIT: SignedDuration = SignedDuration::from_secs(60);

/// Whether a refresh is due, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// No: the token lives long enough.
    NotYet,
    /// Its end is near or past.
    Ending,
    /// It was issued in our future: the clock went back by at least this much.
    ClockWentBack(SignedDuration),
    /// TikTok's clock is ahead of ours by this much (negative: behind).
    ClockOff(SignedDuration),
}

/// Decides. `within` is how much life must be left, never less than [`NEED`]; `skew` is how far
/// TikTok's clock was ahead of ours when it last answered.
pub(crate) fn due(
    account: &Account,
    now: Timestamp,
    within: Duration,
    skew: Option<SignedDuration>,
) -> Due {
    if now < account.issued_at {
        return Due::ClockWentBack(account.issued_at.duration_since(now));
    }
    if let Some(skew) = skew.filter(|skew| skew.abs() > SKEW_LIMIT) {
        return Due::ClockOff(skew);
    }
    let within = SignedDuration::try_from(within.max(NEED)).unwrap_or(SignedDuration::MAX);
    if account.access_expires_at.duration_since(now) < within { Due::Ending } else { Due::NotYet }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::auth::testing::{account, at};

    const ISSUED: &str = "2026-11-01T12:00:00Z";
    const ENDS: &str = "2026-11-01T14:00:00Z";

    fn after(seconds: i64) -> Timestamp {
        at(ISSUED) + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn a_token_is_due_when_less_than_five_minutes_are_left() {
        let due_at = |seconds| due(&account("id"), after(seconds), Duration::ZERO, None);
        assert_eq!(due_at(0), Due::NotYet);
        assert_eq!(due_at(7200 - 300), Due::NotYet);
        assert_eq!(due_at(7200 - 299), Due::Ending);
        assert_eq!(due_at(7200 * 1000), Due::Ending);
    }

    #[test]
    fn within_widens_but_never_narrows() {
        let due_in = |within| due(&account("id"), after(5000), within, None);
        assert_eq!(due_in(Duration::from_mins(30)), Due::NotYet);
        assert_eq!(due_in(Duration::from_mins(40)), Due::Ending);
        assert_eq!(due_in(Duration::MAX), Due::Ending);
    }

    #[test]
    fn f23_a_clock_that_went_back_makes_it_due() {
        let due = due(&account("id"), after(-90), NEED, None);
        assert_eq!(due, Due::ClockWentBack(SignedDuration::from_secs(90)));
    }

    #[test]
    fn f23_a_clock_that_differs_by_more_than_a_minute_makes_it_due() {
        let due_by =
            |seconds| due(&account("id"), after(0), NEED, Some(SignedDuration::from_secs(seconds)));
        assert_eq!(due_by(60), Due::NotYet);
        assert_eq!(due_by(-60), Due::NotYet);
        assert_eq!(due_by(61), Due::ClockOff(SignedDuration::from_secs(61)));
        assert_eq!(due_by(-61), Due::ClockOff(SignedDuration::from_secs(-61)));
    }

    proptest! {
        #[test]
        fn what_is_not_due_lives_for_as_long_as_was_asked(
            seconds in -10_000_i64..20_000,
            within in 0_u64..20_000,
        ) {
            let (now, within) = (after(seconds), Duration::from_secs(within));
            if due(&account("id"), now, within, None) == Due::NotYet {
                prop_assert!(now + NEED.max(within) <= at(ENDS));
            }
        }
    }
}
