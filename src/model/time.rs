//! Instants, spans and durations: whole milliseconds, UTC, no floats.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Refusal;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub i64);

/// Milliseconds in a day of 24 hours.
pub const DAY_MS: i64 = 86_400_000;

/// 2200-01-01T00:00:00Z, the first instant after the last year that events may have.
const END_OF_TIME_MS: i64 = 7_258_118_400_000;

impl Instant {
    /// Reads RFC 3339 with an offset, years 1970 to 2199; digits below a millisecond are cut off and a leap second
    /// (`:60`) counts as the start of the next second.
    ///
    /// # Errors
    /// `time_without_offset`, `time_out_of_range` or `invalid_time`.
    pub fn parse(text: &str) -> Result<Instant, Refusal> {
        let invalid = || Refusal::new("invalid_time", format!("`{text}` is not an RFC 3339 time"));
        let local = LocalTime::parse(text.as_bytes()).ok_or_else(invalid)?;
        if local.rest.is_empty() {
            return Err(Refusal::new("time_without_offset", format!("`{text}` has no offset such as `Z` or `+02:00`")));
        }
        let offset_ms = parse_offset(local.rest).ok_or_else(invalid)?;
        let instant = local.ms - offset_ms;
        if (0..END_OF_TIME_MS).contains(&instant) {
            Ok(Instant(instant))
        } else {
            Err(Refusal::new("time_out_of_range", format!("`{text}` is not within the years 1970 to 2199")))
        }
    }

    /// The instant that much later; stays within 64 bits.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Instant {
        Instant(self.0.saturating_add(ms))
    }

    /// Milliseconds since an earlier instant (negative if it is later).
    #[must_use]
    pub fn since_ms(self, earlier: Instant) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The instant as a timestamp of jiff, limited to its range.
    #[must_use]
    pub fn to_timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 { Timestamp::MIN } else { Timestamp::MAX })
    }

    /// The instant on the wall clock of a zone.
    #[must_use]
    pub fn to_local(self, zone: &TimeZone) -> jiff::civil::DateTime {
        zone.to_datetime(self.to_timestamp())
    }
}

impl fmt::Display for Instant {
    /// RFC 3339, UTC, three digits.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.3}", self.to_timestamp())
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Instant, D::Error> {
        Instant::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// The part of an RFC 3339 time before its offset, as if it were UTC.
struct LocalTime<'a> {
    ms: i64,
    rest: &'a [u8],
}

impl<'a> LocalTime<'a> {
    fn parse(text: &'a [u8]) -> Option<LocalTime<'a>> {
        let head = text.get(..19)?;
        let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
        let well_formed = separators.iter().all(|(at, byte)| head.get(*at) == Some(byte));
        if !well_formed || !matches!(head.get(10)?, b'T' | b't') {
            return None;
        }
        let field = |from: usize, to: usize| digits(head.get(from..to)?);
        let (year, month, day) = (field(0, 4)?, field(5, 7)?, field(8, 10)?);
        let (hour, minute, second) = (field(11, 13)?, field(14, 16)?, field(17, 19)?);
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let days = days_since_epoch(year, month, day)?;
        let (fraction_ms, rest) = parse_fraction(text.get(19..)?)?;
        let fraction_ms = if second == 60 { 0 } else { fraction_ms };
        let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
        Some(LocalTime { ms: seconds * 1000 + fraction_ms, rest })
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0_i64, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar; none where there is no such date.
fn days_since_epoch(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if day < 1 || day > length {
        return None;
    }
    // Years from March, so that a leap day is a year's last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468)
}

fn parse_fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(after_point) = text.strip_prefix(b".") else { return Some((0, text)) };
    let length = after_point.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let kept = digits(after_point.get(..length.min(3))?)?;
    let scale = match length {
        0 => return None,
        1 => 100,
        2 => 10,
        _ => 1,
    };
    Some((kept * scale, after_point.get(length..)?))
}

fn parse_offset(text: &[u8]) -> Option<i64> {
    if matches!(text, b"Z" | b"z") {
        return Some(0);
    }
    let sign = match text.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = (digits(text.get(1..3)?)?, digits(text.get(4..)?)?);
    let well_formed = text.len() == 6 && text.get(3) == Some(&b':') && hours <= 23 && minutes <= 59;
    well_formed.then_some(sign * (hours * 60 + minutes) * 60_000)
}

/// Reads a duration such as `1d 12h 30m` into milliseconds.
///
/// # Errors
/// `invalid_duration` for anything but the units `d` `h` `m` `s`, each at most once, in that order, separated by one
/// space, not all zero.
pub fn parse_duration_ms(text: &str) -> Result<i64, Refusal> {
    let invalid = || Refusal::new("invalid_duration", format!("`{text}` is not a duration such as `1d 12h 30m`"));
    let units = [("d", DAY_MS), ("h", 3_600_000), ("m", 60_000), ("s", 1000)];
    let mut left = units.iter();
    let mut total = 0_i64;
    for part in text.split(' ') {
        let (number, unit) = part.split_at_checked(part.len().saturating_sub(1)).ok_or_else(invalid)?;
        let (_, unit_ms) = left.find(|(name, _)| *name == unit).ok_or_else(invalid)?;
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid());
        }
        let count: i64 = number.parse().map_err(|_| invalid())?;
        total = count.checked_mul(*unit_ms).and_then(|ms| total.checked_add(ms)).ok_or_else(invalid)?;
    }
    if total > 0 { Ok(total) } else { Err(invalid()) }
}

/// Milliseconds as text: `1d 2h 5m`, `45s`, `320ms`; the two or three largest units.
#[must_use]
pub fn duration_text(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let ms = ms.unsigned_abs();
    if ms < 1000 {
        return format!("{sign}{ms}ms");
    }
    let seconds = ms / 1000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    // Seconds matter only where there is no hour.
    let seconds = if days + hours > 0 { 0 } else { seconds % 60 };
    let parts = [(days, 'd'), (hours, 'h'), (minutes, 'm'), (seconds, 's')];
    let texts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    format!("{sign}{}", texts.join(" "))
}

/// Milliseconds as exact text, so that durations can be added up by hand: `2d 16h 20m 5.250s`.
#[must_use]
pub fn exact_duration_text(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let ms = ms.unsigned_abs();
    let (seconds, rest_ms) = (ms / 1000, ms % 1000);
    let whole = [(seconds / 86_400, 'd'), (seconds / 3600 % 24, 'h'), (seconds / 60 % 60, 'm')];
    let mut texts: Vec<String> = whole.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    match (seconds % 60, rest_ms) {
        (0, 0) if !texts.is_empty() => {}
        (seconds, 0) => texts.push(format!("{seconds}s")),
        (seconds, rest_ms) => texts.push(format!("{seconds}.{rest_ms:03}s")),
    }
    format!("{sign}{}", texts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        Instant::parse(text).unwrap().0
    }

    #[test]
    fn times_are_read_as_rfc_3339_defines() {
        assert_eq!(ms("1970-01-01T00:00:00Z"), 0);
        assert_eq!(ms("2026-03-02T09:14:05.250Z"), 1_772_442_845_250);
        assert_eq!(ms("2026-03-02T11:14:05.2509+02:00"), 1_772_442_845_250);
        assert_eq!(ms("2016-12-31T23:59:60.7Z"), ms("2017-01-01T00:00:00Z"));
        assert_eq!(ms("2199-12-31T23:59:59.999Z"), END_OF_TIME_MS - 1);
        assert_eq!(ms("2024-02-29t00:00:00z"), 1_709_164_800_000);
    }

    #[test]
    fn every_day_of_two_centuries_agrees_with_jiff() {
        let mut day = jiff::civil::date(1970, 1, 1);
        for expected in 0.. {
            let (y, m, d) = (i64::from(day.year()), i64::from(day.month()), i64::from(day.day()));
            assert_eq!(days_since_epoch(y, m, d), Some(expected));
            day = day.tomorrow().unwrap();
            if day.year() == 2200 {
                break;
            }
        }
    }

    #[test]
    fn times_that_are_none_are_refused_by_rule() {
        let rule = |text: &str| Instant::parse(text).unwrap_err().rule;
        assert_eq!(rule("2026-03-02T09:14:05"), "time_without_offset");
        assert_eq!(rule("2026-03-02T09:14:05.5"), "time_without_offset");
        assert_eq!(rule("1969-12-31T23:59:59Z"), "time_out_of_range");
        assert_eq!(rule("2200-01-01T00:00:00Z"), "time_out_of_range");
        for text in [
            "",
            "today",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-03-02 09:14:05Z",
            "2026-03-02T24:00:00Z",
            "2026-03-02T09:14:05.Z",
            "2026-03-02T09:14:05+0200",
            "2026-03-02T09:14Z",
            "2026-03-02T09:14:05+24:00",
        ] {
            assert_eq!(rule(text), "invalid_time", "{text}");
        }
    }

    #[test]
    fn durations_are_read_strictly() {
        assert_eq!(parse_duration_ms("1d 12h 30m").unwrap(), 131_400_000);
        assert_eq!(parse_duration_ms("90m").unwrap(), 5_400_000);
        for text in ["", "0m", "1h  2m", "2m 1h", "1h 1h", "-1h", "1.5h", "1w", "h", " 1h", "99999999999999999999d"] {
            assert!(parse_duration_ms(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_written_for_people() {
        let cases = [(0, "0ms"), (999, "999ms"), (45_000, "45s"), (3_905_000, "1h 5m"), (93_900_000, "1d 2h 5m")];
        for (ms, text) in cases {
            assert_eq!(duration_text(ms), text);
        }
        assert_eq!(duration_text(-60_000), "-1m");
    }

    #[test]
    fn exact_durations_leave_nothing_out() {
        let cases = [
            (0, "0s"),
            (1, "0.001s"),
            (60_000, "1m"),
            (61_000, "1m 1s"),
            (DAY_MS + 30_250, "1d 30.250s"),
            (-3_600_000, "-1h"),
        ];
        for (ms, text) in cases {
            assert_eq!(exact_duration_text(ms), text);
        }
    }
}
