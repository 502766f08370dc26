//! A moment, as RFC 3339 writes it: with an offset, or it would mean another moment on each machine.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use thiserror::Error;

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
            Self::DateOnly
            | Self::NoSeconds
            | Self::NaiveNoSeconds
            | Self::NoSuchMoment
            | Self::Form => "write it like 2026-12-01T18:00:00+01:00",
        }
    }
}

/// Reads `2026-12-01T18:00:00+01:00`.
pub(super) fn parse(text: &str) -> Result<Timestamp, NotAnInstant> {
    if has_form(text) {
        return cut(text).parse().map_err(|_| {
            let last = text.starts_with("9999-12-3") && text[..19].parse::<DateTime>().is_ok();
            let day = |offset: &str| offset < "24";
            let offset = text.rfind(['+', '-']).filter(|at| *at >= 19);
            if last && offset.is_none_or(|at| text.get(at + 1..).is_some_and(day)) {
                NotAnInstant::TooLate
            } else {
                NotAnInstant::NoSuchMoment
            }
        });
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
            assert_eq!(parse(text), Ok(moment), "{text}");
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
            "2026-12-01T10:00:00+30:00",
        ] {
            assert_eq!(parse(text), Err(NotAnInstant::NoSuchMoment), "{text}");
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
            prop_assert_eq!(parse(&moment.to_string()), Ok(moment));
        }
    }
}
