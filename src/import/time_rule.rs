//! Times of foreign tables, read to the millisecond.

use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::cell::Cell;

/// A column of times, their format, and the zone of those without an offset.
#[derive(Debug)]
pub(super) struct TimeRule {
    pub(super) cell: Cell,
    pub(super) format: TimeFormat,
    pub(super) zone: Option<TimeZone>,
}

/// How a table writes its times.
#[derive(Debug)]
pub(super) enum TimeFormat {
    /// RFC 3339.
    Rfc3339,
    /// Whole seconds since 1970.
    UnixSeconds,
    /// Whole milliseconds since 1970.
    UnixMilliseconds,
    /// A strptime pattern.
    Pattern(String),
}

const PARSER: DateTimeParser = DateTimeParser::new();

impl TimeRule {
    /// The instant of a text, in milliseconds since 1970; digits below are cut off. A local time that a change of clocks
    /// skips or repeats is read as RFC 5545 does: with the offset in force before the change.
    pub(super) fn read_ms(&self, text: &str) -> Result<i64, String> {
        let instant = match &self.format {
            TimeFormat::Rfc3339 => self.rfc3339(text),
            TimeFormat::UnixSeconds => {
                whole(text).and_then(|count| Timestamp::from_second(count).map_err(|error| error.to_string()))
            }
            TimeFormat::UnixMilliseconds => {
                whole(text).and_then(|count| Timestamp::from_millisecond(count).map_err(|error| error.to_string()))
            }
            TimeFormat::Pattern(pattern) => self.by_pattern(pattern, text),
        };
        instant.map(Timestamp::as_millisecond).map_err(|reason| format!("time `{text}`: {reason}"))
    }

    fn rfc3339(&self, text: &str) -> Result<Timestamp, String> {
        match (PARSER.parse_timestamp(text), &self.zone) {
            (Ok(instant), _) => Ok(instant),
            (Err(_), Some(zone)) => PARSER
                .parse_datetime(text)
                .and_then(|local| zone.to_timestamp(local))
                .map_err(|error| error.to_string()),
            (Err(error), None) => Err(error.to_string()),
        }
    }

    fn by_pattern(&self, pattern: &str, text: &str) -> Result<Timestamp, String> {
        let parts = BrokenDownTime::parse(pattern, text).map_err(|error| error.to_string())?;
        if parts.offset().is_some() || parts.timestamp().is_some() {
            return parts.to_timestamp().map_err(|error| error.to_string());
        }
        let zone = self.zone.as_ref().ok_or("it has no offset, and the mapping states no `zone`")?;
        parts.to_datetime().and_then(|local| zone.to_timestamp(local)).map_err(|error| error.to_string())
    }

    /// Finds out what is wrong with a pattern, by writing a time with it and reading that again.
    pub(super) fn check_pattern(&self) -> Result<(), String> {
        let TimeFormat::Pattern(pattern) = &self.format else { return Ok(()) };
        let sample = Timestamp::from_second(1_000_000_000)
            .map(|instant| instant.to_zoned(TimeZone::UTC))
            .unwrap_or_else(|_| Zoned::default());
        let written = strtime::format(pattern, &sample).map_err(|error| error.to_string())?;
        self.by_pattern(pattern, &written).map(drop)
    }
}

fn whole(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| "expected a whole number".to_owned())
}

/// An instant as the wire format writes it: `2026-03-02T09:14:05.250Z`.
pub(super) fn written(time_ms: i64) -> String {
    Timestamp::from_millisecond(time_ms).map(|instant| format!("{instant:.3}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: TimeFormat, zone: Option<&str>, text: &str) -> Result<String, String> {
        let cell = Cell::plain(0);
        let zone = zone.map(|name| TimeZone::get(name).unwrap());
        TimeRule { cell, format, zone }.read_ms(text).map(written)
    }

    #[test]
    fn formats_and_zones() {
        let pattern = |text: &str| TimeFormat::Pattern(text.to_owned());
        let read = |format, zone, text: &str| read(format, zone, text).unwrap();
        assert_eq!(read(TimeFormat::Rfc3339, None, "2010-03-31T16:59:42.1239+02:00"), "2010-03-31T14:59:42.123Z");
        assert_eq!(read(TimeFormat::Rfc3339, Some("Europe/Prague"), "2026-07-01T12:00:00"), "2026-07-01T10:00:00.000Z");
        assert_eq!(read(TimeFormat::UnixSeconds, None, "1000000000"), "2001-09-09T01:46:40.000Z");
        assert_eq!(read(TimeFormat::UnixMilliseconds, None, "1000000000250"), "2001-09-09T01:46:40.250Z");
        assert_eq!(
            read(pattern("%a %b %d %H:%M:%S %z %Y"), None, "Tue Oct 31 22:10:47 +0000 2017"),
            "2017-10-31T22:10:47.000Z"
        );
        assert_eq!(
            read(pattern("%d.%m.%Y %H:%M"), Some("Europe/Prague"), "01.02.2026 09:30"),
            "2026-02-01T08:30:00.000Z"
        );
        // 02:30 does not exist on the night the clocks go forward; it is read with the offset before.
        assert_eq!(
            read(pattern("%Y-%m-%d %H:%M"), Some("Europe/Prague"), "2026-03-29 02:30"),
            "2026-03-29T01:30:00.000Z"
        );
    }

    #[test]
    fn a_time_without_offset_or_zone_is_no_instant() {
        assert!(read(TimeFormat::Rfc3339, None, "2026-07-01T12:00:00").is_err());
        assert!(
            read(TimeFormat::Pattern("%Y-%m-%d".to_owned()), None, "2026-07-01").unwrap_err().contains("no offset")
        );
    }
}
