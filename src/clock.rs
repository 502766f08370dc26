//! The wall clock, which a run against a sandbox can set ahead or back; and the zone and form in which people
//! read times.

use std::ffi::OsString;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rustix::time::{ClockId, clock_gettime};

/// The zone of this machine.
#[derive(Debug)]
struct Zone {
    zone: TimeZone,
    /// What `TZ` says, if that is no zone.
    misnamed: Option<OsString>,
}

/// Tells the time of day. Durations inside one process are measured with `tokio::time::Instant`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    offset: SignedDuration,
}

impl Clock {
    /// A clock that runs `offset` ahead of the machine's.
    pub(crate) fn shifted(offset: SignedDuration) -> Self {
        Self { offset }
    }

    /// How far it runs ahead of the machine's.
    pub(crate) fn offset(self) -> SignedDuration {
        self.offset
    }

    /// Now, by this clock.
    pub(crate) fn now(self) -> Timestamp {
        Timestamp::now().saturating_add(self.offset).unwrap_or(Timestamp::MAX)
    }
}

/// A moment by which something has to be done, by a clock that goes on while the machine sleeps: others, who may take
/// over what it was at, do not sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deadline(Duration);

impl Deadline {
    /// So much from now.
    pub(crate) fn after(wait: Duration) -> Self {
        Self(since_boot().saturating_add(wait))
    }

    /// Whether it is over.
    pub(crate) fn is_over(self) -> bool {
        since_boot() >= self.0
    }
}

/// How long the machine has been there, asleep or not.
fn since_boot() -> Duration {
    // Elsewhere the monotonic clock goes on by itself.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = ClockId::Monotonic;
    // Neither is ever negative.
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}

/// The zone as `TZ` or the system says it; UTC where neither can be read.
pub(crate) fn zone() -> &'static TimeZone {
    &here().zone
}

/// What `TZ` says, if that is no zone: times are in UTC then.
pub(crate) fn misnamed_zone() -> Option<&'static OsString> {
    here().misnamed.as_ref()
}

/// How the clock on the wall is off where `TZ` is not set, as under cron: by that zone's offset at a point of
/// time, if it is another one than [`zone`]'s. `None`: they agree, or the system names no zone.
pub(crate) fn other_offset_without_tz(at: Timestamp) -> Option<String> {
    let file = std::fs::read("/etc/localtime").ok();
    let system = file.map_or(Ok(TimeZone::UTC), |file| TimeZone::tzif("/etc/localtime", &file));
    let there = system.ok()?.to_offset(at);
    (there != zone().to_offset(at)).then(|| there.to_string())
}

fn here() -> &'static Zone {
    static HERE: OnceLock<Zone> = OnceLock::new();
    HERE.get_or_init(|| {
        let set = std::env::var_os("TZ").filter(|name| !name.is_empty());
        // A device or a pipe in the place of a file would never end.
        let readable = set.as_ref().is_none_or(|name| {
            let path = name.to_str().map(|name| Path::new(name.trim_start_matches(':')));
            path.is_none_or(|path| !path.is_absolute() || path.is_file() || !path.exists())
        });
        let found = if readable { TimeZone::try_system().ok() } else { None };
        match found.filter(|zone| !zone.is_unknown()) {
            Some(zone) => Zone { zone, misnamed: None },
            None => Zone { zone: TimeZone::UTC, misnamed: set },
        }
    })
}

/// A point of time to the minute, on the clock on the wall: `2026-11-05 14:30 +01:00`. The one form in which
/// people are told times.
pub(crate) fn moment(at: Timestamp) -> String {
    at.to_zoned(zone().clone()).strftime("%Y-%m-%d %H:%M %:z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_says_its_offset() {
        let text = moment("2026-11-05T13:30:59Z".parse().unwrap());
        assert!(text.starts_with("2026-11-0") && text.contains(":30 "), "{text}");
        assert!(text.ends_with(":00") || text.ends_with(":30") || text.ends_with(":45"), "{text}");
    }

    #[test]
    fn a_deadline_is_over_once_its_time_has_come() {
        assert!(Deadline::after(Duration::ZERO).is_over());
        assert!(!Deadline::after(Duration::from_mins(1)).is_over());
        assert!(!Deadline::after(Duration::MAX).is_over());
    }

    #[test]
    fn the_database_of_zones_is_in_the_program() {
        let zone = jiff::tz::TimeZoneDatabase::bundled().get("Europe/Berlin").unwrap();
        let summer: Timestamp = "2026-07-01T10:00:00Z".parse().unwrap();
        assert_eq!(summer.to_zoned(zone).hour(), 12);
    }
}
