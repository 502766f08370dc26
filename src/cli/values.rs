//! How the values of options are written.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{
    OsStringValueParser, PossibleValue, PossibleValuesParser, RangedU64ValueParser,
    TypedValueParser,
};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};
use jiff::SignedDuration;
use tiktok_open::{Privacy, UnknownPrivacy};

use crate::model::HookKind;
use crate::model::plan::{CHUNK_MAX, CHUNK_MIN};
use crate::model::rate::{Rates, bytes};

/// The most accounts that are served at once.
const MOST_JOBS: u64 = 64;

/// A length of time such as `90s`, `5m` or `1h 30m`; never zero.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let length: SignedDuration =
        text.trim().parse().map_err(|_| "write it like 90s, 5m or 1h30m".to_owned())?;
    match Duration::try_from(length) {
        Ok(length) if !length.is_zero() => Ok(length),
        _ => Err("it must be longer than nothing".to_owned()),
    }
}

/// An address of this machine that no other one reaches, with a port.
pub(super) fn loopback(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim();
    let by_name = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    let by_name = by_name.map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let address = by_name.or_else(|| text.parse().ok());
    let address = address.ok_or_else(|| "write it like 127.0.0.1:9184 or [::1]:9184".to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("other machines reach that address; 127.0.0.1 and [::1] are this one's alone"
            .to_owned())
    }
}

/// Where the console listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    /// On an address.
    Tcp(SocketAddr),
    /// On a socket of this path.
    Unix(PathBuf),
}

/// Where the console listens.
pub(super) fn listen(text: &str) -> Result<Listen, String> {
    let text = text.trim();
    if let Some(path) = text.strip_prefix("unix:") {
        let is_there = |path: &&str| !path.is_empty();
        let path = Some(path).filter(is_there).ok_or("name the socket: unix:/run/console.sock")?;
        return Ok(Listen::Unix(PathBuf::from(path)));
    }
    let by_name = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    let by_name = by_name.map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let address = by_name.or_else(|| text.parse().ok());
    address.map(Listen::Tcp).ok_or_else(|| "write it like 127.0.0.1:8723 or unix:PATH".to_owned())
}

/// What a hook may be called for.
pub(super) fn hook_kind(text: &str) -> Result<HookKind, String> {
    let known = HookKind::ALL.map(HookKind::as_str).join(", ");
    HookKind::named(text.trim()).ok_or_else(|| format!("there are {known}"))
}

/// Since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// So long ago.
    Ago(jiff::SignedDuration),
    /// The beginning of a day where this machine is.
    Day(jiff::civil::Date),
    /// A moment.
    Moment(jiff::Timestamp),
}

/// A day, a moment, or how long ago.
pub(super) fn since(text: &str) -> Result<Since, String> {
    let text = text.trim();
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u16>().ok());
    if let Some(days) = days {
        return Ok(Since::Ago(SignedDuration::from_hours(i64::from(days) * 24)));
    }
    let ago = || text.parse().ok().filter(SignedDuration::is_positive).map(Since::Ago);
    let moment = || text.parse().ok().map(Since::Moment);
    let day = || text.parse().ok().map(Since::Day);
    let read = moment().or_else(day).or_else(ago);
    read.ok_or_else(|| "write it like 2026-12-01, 2026-12-01T18:00:00+01:00, 7d or 36h".to_owned())
}

/// A chunk size within TikTok's limits under both readings of "MB"
/// (<https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide>).
pub(super) fn chunk_size(text: &str) -> Result<u64, String> {
    let size = bytes(text)?;
    if (CHUNK_MIN..=CHUNK_MAX).contains(&size) {
        Ok(size)
    } else {
        Err(format!("it must be between {CHUNK_MIN} and {CHUNK_MAX} bytes"))
    }
}

/// A rate in bytes a second.
fn rate(text: &str) -> Result<u64, String> {
    match bytes(text.strip_suffix("/s").unwrap_or(text))? {
        0 => Err("it must be more than nothing".to_owned()),
        rate => Ok(rate),
    }
}

/// A rate, or a timetable of rates.
pub(super) fn rates(text: &str) -> Result<Rates, String> {
    Rates::read(text, rate)
}

pub(super) fn jobs() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=MOST_JOBS)
}

/// One of the API's levels.
pub(super) fn privacy() -> impl TypedValueParser<Value = Privacy> {
    Level(PossibleValuesParser::new(Privacy::ALL.map(Privacy::as_str)))
}

/// Reads a level; what other sites call one is asked for.
#[derive(Clone)]
struct Level(PossibleValuesParser);

impl TypedValueParser for Level {
    type Value = Privacy;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Privacy, clap::Error> {
        let meant = value.to_str().and_then(Privacy::meant_by);
        let level = self.0.parse_ref(command, arg, value).map_err(|mut error| {
            if let Some(meant) = meant {
                let meant = ContextValue::String(meant.as_str().to_owned());
                error.insert(ContextKind::SuggestedValue, meant);
            }
            error
        })?;
        level.parse().map_err(|UnknownPrivacy| {
            command.clone().error(ErrorKind::InvalidValue, UnknownPrivacy)
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.0.possible_values()
    }
}

/// A path that is not empty.
pub(super) fn directory() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(|path| {
        if path.is_empty() { Err("it must not be empty") } else { Ok(PathBuf::from(path)) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_with_a_unit() {
        assert_eq!(duration("5m"), Ok(Duration::from_mins(5)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_mins(90)));
        assert_eq!(duration("1500ms"), Ok(Duration::from_millis(1500)));
        for bad in ["", "5", "soon", "-5m", "0s"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_are_decimal_unless_they_say_otherwise() {
        assert_eq!(bytes("10485760"), Ok(10_485_760));
        assert_eq!(bytes("500kB"), Ok(500_000));
        assert_eq!(bytes("10 MB"), Ok(10_000_000));
        assert_eq!(bytes("2m"), Ok(2_000_000));
        assert_eq!(bytes("8MiB"), Ok(8 << 20));
        for bad in ["", "MB", "1.5MB", "-1", "1TB", "99999999999999999999", "20000000000G"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_chunk_is_legal_under_both_readings_of_mb() {
        assert!(chunk_size("5MB").is_err());
        assert_eq!(chunk_size("5MiB"), Ok(5 << 20));
        assert_eq!(chunk_size("64MB"), Ok(64_000_000));
        assert!(chunk_size("64000001").is_err());
    }

    #[test]
    fn a_rate_may_say_that_it_is_one() {
        assert_eq!(rate("2MB/s"), Ok(2_000_000));
        assert!(rate("0").is_err());
    }
}
