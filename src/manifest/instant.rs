//! A moment, as RFC 3339 writes it: with an offset, or it would mean another moment on each machine.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use thiserror::Error;

/// The offsets from UTC that clocks anywhere have, in minutes: -12:00 to +14:00.
///
/// <https://www.iana.org/time-zones>
const OFFSETS: std::ops::RangeInclusive<i32> = -12 * 60..=14 * 60;

/// Why a text is not a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum NotAnInstant {
    /// A date without a time of day.
    #[error("a time of day and an offset from UTC are missing")]
    DateOnly,
    /// A local time of nobody knows where.
    #[error("the offset from UTC is missing, so it is not known which moment this is")]
    Naive,
    /// A time of day in hours and minutes, with an offset.
    #[error("the seconds are missing")]
    NoSeconds,
    /// The same without an offset.
    #[error("the seconds and the offset from UTC are missing")]
    NaiveNoSeconds,
    /// A moment beyond what this program reckons with.
    #[error("that is later than any time that is known here")]
    TooLate,
    /// An offset that no clock has, as its sign, hours and minutes.
    #[error("{0}{1:02}:{2:02} is no offset from UTC that clocks have anywhere")]
    NoSuchOffset(char, i32, i32),
    /// A second 60 that is no leap second.
    #[error("a minute has a second 60 only as a leap second, at 23:59:60 UTC")]
    NoLeapSecond,
    /// The form of RFC 3339, but there is no such moment.
    #[error("there is no such date or time")]
    NoSuchMoment,
    /// Something else.
    #[error("not a time as RFC 3339 writes it")]
    Form,
}

impl NotAnInstant {
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Naive => "add Z for UTC, or an offset such as +01:00",
            Self::TooLate => "leave `publish_at` out, or name a time that will come",
            Self::NoSuchOffset(..) => {
                "offsets go from -12:00 to +14:00, with up to 59 minutes, such as +01:00"
            }
            Self::NoLeapSecond => "write a second from 00 to 59",
            Self::DateOnly
            | Self::NoSeconds
            | Self::NaiveNoSeconds
            | Self::NoSuchMoment
            | Self::Form => "write it like 2026-12-01T18:00:00+01:00",
        }
    }
}

/// Reads `2026-12-01T18:00:00+01:00`: the moment, and the day as it is written.
pub(super) fn parse(text: &str) -> Result<(Timestamp, Date), NotAnInstant> {
    if has_form(text) {
        let day = text.get(..10).and_then(|day| day.parse().ok());
        return Ok((moment(text)?, day.ok_or(NotAnInstant::NoSuchMoment)?));
    }
    // Only the seconds may be missing.
    if let Some((minutes, rest)) = text.split_at_checked(16)
        && minutes.is_ascii()
        && !rest.starts_with(':')
        && format!("{minutes}:00").parse::<DateTime>().is_ok()
    {
        if rest.is_empty() {
            return Err(NotAnInstant::NaiveNoSeconds);
        }
        if has_form(&format!("{minutes}:00{rest}")) {
            return Err(NotAnInstant::NoSeconds);
        }
    }
    // `DateTime` ignores an offset, which here could only be one in the wrong form.
    let naive = !text.get(10..).unwrap_or_default().contains(['+', '-', 'Z', 'z', '[']);
    Err(if text.parse::<Date>().is_ok() && text.len() == 10 {
        NotAnInstant::DateOnly
    } else if naive && text.parse::<DateTime>().is_ok() {
        NotAnInstant::Naive
    } else {
        NotAnInstant::Form
    })
}

/// Reads what has the form.
fn moment(text: &str) -> Result<Timestamp, NotAnInstant> {
    check_offset(text)?;
    let moment: Timestamp = cut(text).parse().map_err(|_| {
        if text.starts_with("9999-12-3") && text[..19].parse::<DateTime>().is_ok() {
            NotAnInstant::TooLate
        } else {
            NotAnInstant::NoSuchMoment
        }
    })?;
    // A second 60 is read as 59.
    let is_leap = text.get(17..19) == Some("60");
    if is_leap && moment.as_second().rem_euclid(24 * 60 * 60) != 24 * 60 * 60 - 1 {
        return Err(NotAnInstant::NoLeapSecond);
    }
    Ok(moment)
}

/// Refuses the offset of a text that has the form where no clock has it. A reader of times would take up to 25
/// hours, and with them another day than was meant.
fn check_offset(text: &str) -> Result<(), NotAnInstant> {
    let Some((sign, offset)) =
        text.rfind(['+', '-']).filter(|at| *at >= 19).map(|at| text.split_at(at).1.split_at(1))
    else {
        return Ok(());
    };
    let number = |part: Option<&str>| part.and_then(|part| part.parse().ok()).unwrap_or(0);
    let (hours, minutes): (i32, i32) = (number(offset.get(..2)), number(offset.get(3..)));
    let whole = hours * 60 + minutes;
    if minutes < 60 && OFFSETS.contains(&if sign == "-" { -whole } else { whole }) {
        return Ok(());
    }
    Err(NotAnInstant::NoSuchOffset(if sign == "-" { '-' } else { '+' }, hours, minutes))
}

/// The same with no more digits of a fraction of a second than there are nanoseconds.
fn cut(text: &str) -> String {
    let digits = text.get(20..).unwrap_or_default();
    let end = 20 + digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    match (text.get(..29), text.get(end..)) {
        (Some(start), Some(rest)) if end > 29 => format!("{start}{rest}"),
        _ => text.to_owned(),
    }
}

/// Whether a text has the form `date-time` of RFC 3339, whatever its digits say.
///
/// <https://www.rfc-editor.org/rfc/rfc3339#section-5.6>
fn has_form(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some((date_time, rest)) = bytes.split_at_checked(19) else { return false };
    if !matches(date_time, b"0000-00-00T00:00:00") {
        return false;
    }
    let offset = match rest.split_first() {
        Some((b'.', fraction)) => {
            let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
            if digits == 0 {
                return false;
            }
            &fraction[digits..]
        }
        _ => rest,
    };
    matches!(offset, b"Z" | b"z") || matches(offset, b"+00:00") || matches(offset, b"-00:00")
}

/// Whether `bytes` has a digit where `form` has `0`, either case or a space where it has `T`, and
/// else the same.
fn matches(bytes: &[u8], form: &[u8]) -> bool {
    let same = |(byte, form): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't' | b' '),
        _ => byte == form,
    };
    bytes.len() == form.len() && bytes.iter().zip(form).all(same)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_same_moment_in_any_offset_is_the_same() {
        let moment: Timestamp = "2026-12-01T17:00:00Z".parse().unwrap();
        for text in [
            "2026-12-01T17:00:00Z",
            "2026-12-01t17:00:00z",
            "2026-12-01 17:00:00Z",
            "2026-12-01T18:00:00+01:00",
            "2026-12-01T11:30:00.000-05:30",
            "2026-12-01T17:00:00.0000000009Z",
            "2026-12-01T17:00:00-00:00",
        ] {
            assert_eq!(parse(text).map(|(at, _)| at), Ok(moment), "{text}");
        }
    }

    #[test]
    fn a_local_time_is_told_what_it_lacks() {
        for text in ["2026-12-01T18:00:00", "2026-12-01 18:00:00", "2026-12-01T18:00:00.5"] {
            assert_eq!(parse(text), Err(NotAnInstant::Naive), "{text}");
        }
        assert_eq!(parse("2026-12-01T18:00"), Err(NotAnInstant::NaiveNoSeconds));
        assert_eq!(parse("2026-12-01T18:00+01:00"), Err(NotAnInstant::NoSeconds));
        assert_eq!(parse("2026-12-01T18:00Z"), Err(NotAnInstant::NoSeconds));
        assert_eq!(parse("9999-12-31T23:59:59Z"), Err(NotAnInstant::TooLate));
        assert_eq!(parse("9999-12-31T24:59:59Z"), Err(NotAnInstant::NoSuchMoment));
    }

    #[test]
    fn a_date_is_told_what_it_lacks() {
        assert_eq!(parse("2026-12-01"), Err(NotAnInstant::DateOnly));
    }

    #[test]
    fn a_day_that_does_not_exist_is_refused() {
        for text in [
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-12-01T24:00:00Z",
            "2026-12-01T10:60:00Z",
            "2026-12-01T10:00:61Z",
        ] {
            assert_eq!(parse(text), Err(NotAnInstant::NoSuchMoment), "{text}");
        }
    }

    #[test]
    fn an_offset_that_no_clock_has_is_refused_by_name() {
        for offset in [
            "+25:00", "+24:00", "-24:00", "+30:00", "+99:99", "+14:01", "-12:01", "+23:59",
            "-23:59", "+01:60", "-00:60",
        ] {
            for text in ["2026-12-01T10:00:00", "2026-12-01T10:00:00.5", "9999-12-31T10:00:00"] {
                let error = parse(&format!("{text}{offset}")).unwrap_err();
                assert!(error.to_string().starts_with(offset), "{text}{offset}: {error}");
            }
        }
        for (offset, utc) in [("+14:00", "30T20"), ("-12:00", "01T22"), ("-00:00", "01T10")] {
            let (moment, day) = parse(&format!("2026-12-01T10:00:00{offset}")).unwrap();
            assert_eq!(day.to_string(), "2026-12-01", "{offset}");
            assert!(moment.to_string().contains(&format!("{utc}:00:00Z")), "{moment}");
        }
    }

    #[test]
    fn a_second_60_is_a_leap_second_or_none() {
        let last: Timestamp = "2026-12-31T23:59:59Z".parse().unwrap();
        for text in ["2026-12-31T23:59:60Z", "2027-01-01T00:59:60+01:00"] {
            assert_eq!(parse(text).map(|(at, _)| at), Ok(last), "{text}");
        }
        for text in ["2026-12-01T10:00:60Z", "2026-12-31T23:59:60+01:00", "2026-12-31T23:58:60Z"] {
            assert_eq!(parse(text), Err(NotAnInstant::NoLeapSecond), "{text}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "tomorrow",
            "01.12.2026 18:00",
            "1764612000",
            "2026-12-01T18:00:00+01",
            "2026-12-01T18:00:00+0100",
            "2026-12-01T18:00:00 +01:00",
            "2026-12-01T18:00:00+01:00[Europe/Berlin]",
            "2026-12-01T18:00:00,5Z",
            "20261201T180000Z",
            "2026-12-01T18:00:00.Z",
            " 2026-12-01T18:00:00Z",
            "２026-12-01T18:00:00Z",
        ] {
            assert_eq!(parse(text), Err(NotAnInstant::Form), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn what_a_timestamp_prints_is_read_back(second in -2_000_000_000_i64..4_000_000_000) {
            let moment = Timestamp::from_second(second).unwrap();
            prop_assert_eq!(parse(&moment.to_string()).map(|(at, _)| at), Ok(moment));
        }
    }
}
