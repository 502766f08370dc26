//! How many bytes a second may be sent, by the time of day.

use std::str::FromStr;

use jiff::civil::Time;

/// A timetable of rates: each holds from its time of day on, and the last one through the night.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rates(Vec<(Time, Option<u64>)>);

impl Rates {
    /// The same all day, in bytes a second.
    pub(crate) fn always(rate: u64) -> Self {
        Self(vec![(Time::MIN, Some(rate.max(1)))])
    }

    /// The rate in bytes a second at a time of day. `None`: no limit.
    pub(crate) fn at(&self, time: Time) -> Option<u64> {
        let begun = self.0.iter().rev().find(|(from, _)| *from <= time);
        begun.or(self.0.last()).and_then(|(_, rate)| *rate)
    }

    /// The largest of them. `None`: there is a time without a limit.
    pub(crate) fn fastest(&self) -> Option<u64> {
        self.0.iter().map(|(_, rate)| *rate).try_fold(0, |most, rate| Some(most.max(rate?)))
    }

    /// Whether it changes with the time of day.
    pub(crate) fn changes(&self) -> bool {
        self.0.len() > 1
    }

    /// Reads a rate, or a timetable such as `08:00,512k 19:00,10M 23:00,off`; a rate is read by `rate`.
    pub(crate) fn read(
        text: &str,
        rate: impl Fn(&str) -> Result<u64, String>,
    ) -> Result<Self, String> {
        if !text.contains(',') {
            return rate(text.trim()).map(Self::always);
        }
        let mut table = Vec::new();
        for entry in text.split_whitespace() {
            let how = || format!("`{entry}` is none of `08:00,512k` and `23:00,off`");
            let (time, written) = entry.split_once(',').ok_or_else(how)?;
            let time = Time::from_str(time).ok().filter(|_| time.contains(':')).ok_or_else(how)?;
            let rate = if written == "off" { None } else { Some(rate(written)?) };
            if table.iter().any(|(known, _)| *known == time) {
                return Err(format!("{time} is there twice"));
            }
            table.push((time, rate));
        }
        table.sort_unstable_by_key(|(time, _)| *time);
        Ok(Self(table))
    }
}

/// A number of bytes, with or without a unit: decimal ones (`kB`, `MB`, `GB`, also `k`, `M`, `G`)
/// and binary ones (`KiB`, `MiB`, `GiB`).
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let how = || "write it like 10485760, 500kB, 10MB or 8MiB".to_owned();
    let text = text.trim();
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let factor: u64 = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err(how()),
    };
    let number: u64 = number.parse().map_err(|_| how())?;
    number.checked_mul(factor).ok_or_else(|| "it is too large".to_owned())
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;

    use super::*;

    fn read(text: &str) -> Result<Rates, String> {
        Rates::read(text, |text| text.parse().map_err(|_| "no rate".to_owned()))
    }

    #[test]
    fn each_rate_holds_from_its_time_on_and_the_last_one_through_the_night() {
        let rates = read("19:00,10 08:00,5 23:30,off").unwrap();
        for (hour, minute, rate) in [
            (0, 0, None),
            (7, 59, None),
            (8, 0, Some(5)),
            (18, 59, Some(5)),
            (19, 0, Some(10)),
            (23, 29, Some(10)),
            (23, 30, None),
        ] {
            assert_eq!(rates.at(time(hour, minute, 0, 0)), rate, "{hour}:{minute}");
        }
        assert_eq!(rates.fastest(), None);
        assert_eq!(read("08:00,5 19:00,10").unwrap().fastest(), Some(10));
    }

    #[test]
    fn one_rate_holds_all_day() {
        let rates = read("7").unwrap();
        assert_eq!((rates.at(Time::MIN), rates.at(Time::MAX)), (Some(7), Some(7)));
        assert!(!rates.changes());
    }

    #[test]
    fn what_is_no_timetable_is_refused() {
        for text in ["08:00,x", "8,5", "08:00,5 19:00", "25:00,5", "08:00,5 08:00,6", "08:00;5", ""]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
