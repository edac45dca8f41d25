//! Times of foreign tables, read to the millisecond.

use std::borrow::Cow;

use jiff::civil::DateTime;
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, Zoned};

use super::cell::Cell;
use super::duration::{Plus, decimal_ms};
use super::view::RowView;

/// Where an instant comes from: a cell, its format, and what is added to it.
#[derive(Clone, Debug)]
pub(super) struct TimeRule {
    pub(super) cell: Cell,
    /// The first format that reads the text counts.
    pub(super) formats: Vec<TimeFormat>,
    /// The zone of times without an offset.
    pub(super) zone: Option<TimeZone>,
    /// The names of the months, where they are not English.
    pub(super) months: Option<Months>,
    /// A duration that is added.
    pub(super) plus: Option<Plus>,
    /// Where the instant comes from if the cell is empty.
    pub(super) default: Option<Box<TimeRule>>,
}

/// How a table writes its times.
#[derive(Clone, Debug)]
pub(super) enum TimeFormat {
    /// RFC 3339.
    Rfc3339,
    /// Seconds since 1970, with a fraction or without.
    UnixSeconds,
    /// Milliseconds since 1970, with a fraction or without.
    UnixMilliseconds,
    /// Days since the end of 1899, as spreadsheets count them.
    SpreadsheetDays,
    /// A strptime pattern; `abbreviation` if it ends with `%Z`, which is left out of `text`.
    Pattern { text: String, abbreviation: bool },
}

/// Twelve names of months.
#[derive(Clone, Debug)]
pub(super) struct Months(pub(super) Vec<String>);

/// An instant, or the two that a local time means in an hour that comes twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeReading {
    /// Milliseconds since 1970.
    pub(super) ms: i64,
    /// The second of the two.
    pub(super) later_ms: Option<i64>,
    /// The local time does not exist; it is read with the offset before the change of clocks.
    pub(super) skipped: bool,
    /// Of this, what was added to the time that was read.
    pub(super) plus_ms: i64,
}

const PARSER: DateTimeParser = DateTimeParser::new();
const ENGLISH: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The reason why a time cannot be read, without the value.
pub(super) type TimeResult<T> = Result<T, String>;

impl TimeReading {
    pub(super) fn at(ms: i64) -> TimeReading {
        TimeReading { ms, later_ms: None, skipped: false, plus_ms: 0 }
    }

    /// The instants of the time that was read, before anything was added.
    pub(super) fn base(self) -> (i64, Option<i64>) {
        (self.ms - self.plus_ms, self.later_ms.map(|later| later - self.plus_ms))
    }

    fn plus(self, end_ms: impl Fn(i64) -> TimeResult<i64>) -> TimeResult<TimeReading> {
        let ms = end_ms(self.ms)?;
        let later_ms = self.later_ms.map(end_ms).transpose()?;
        Ok(TimeReading { ms, later_ms, skipped: self.skipped, plus_ms: ms - self.ms })
    }

    fn of_local(local: DateTime, zone: &TimeZone) -> Result<TimeReading, jiff::Error> {
        let ambiguous = zone.to_ambiguous_timestamp(local);
        let (later_ms, skipped) = match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } => (None, false),
            AmbiguousOffset::Gap { .. } => (None, true),
            AmbiguousOffset::Fold { .. } => (Some(ambiguous.later()?.as_millisecond()), false),
        };
        Ok(TimeReading { ms: ambiguous.compatible()?.as_millisecond(), later_ms, skipped, plus_ms: 0 })
    }
}

impl TimeFormat {
    /// A strptime pattern, which may have `%Z` at its end.
    pub(super) fn pattern(pattern: &str) -> TimeFormat {
        let without = pattern.strip_suffix("%Z");
        TimeFormat::Pattern { text: without.unwrap_or(pattern).to_owned(), abbreviation: without.is_some() }
    }
}

impl TimeRule {
    /// A rule for a column of RFC 3339.
    pub(super) fn plain(cell: Cell) -> TimeRule {
        let formats = vec![TimeFormat::Rfc3339];
        TimeRule { cell, formats, zone: None, months: None, plus: None, default: None }
    }

    /// Every cell it may be taken from.
    pub(super) fn cells(&self) -> Vec<&Cell> {
        let default = self.default.iter().flat_map(|default| default.cells());
        std::iter::once(&self.cell).chain(self.plus.iter().map(|plus| &plus.cell)).chain(default).collect()
    }

    /// The instant of a row; absent where the cell is empty. The error is the text that cannot be read, and why not.
    pub(super) fn read(&self, view: RowView<'_>) -> Result<Option<TimeReading>, (String, String)> {
        let text = view.text(&self.cell);
        if text.trim().is_empty() {
            return self.default.as_ref().map_or(Ok(None), |default| default.read(view));
        }
        let moment = self.moment(&text).map_err(|reason| (text.into_owned(), reason))?;
        let Some(plus) = &self.plus else { return Ok(Some(moment)) };
        let duration = view.text(&plus.cell);
        if duration.trim().is_empty() {
            return Ok(None);
        }
        moment
            .plus(|from_ms| plus.end_ms(from_ms, &duration))
            .map(Some)
            .map_err(|reason| (duration.into_owned(), reason))
    }

    /// Which of its cells is empty, where there is no instant.
    pub(super) fn empty_cell(&self, view: RowView<'_>) -> &Cell {
        match &self.plus {
            Some(plus) if !view.text(&self.cell).trim().is_empty() => &plus.cell,
            _ => &self.cell,
        }
    }

    /// The instant that a text means; digits below a millisecond are cut off.
    pub(super) fn moment(&self, text: &str) -> TimeResult<TimeReading> {
        let mut failure = None;
        for format in &self.formats {
            match self.by_format(format, text) {
                Ok(moment) => return Ok(moment),
                Err(reason) => failure = failure.or(Some(reason)),
            }
        }
        match self.formats.as_slice() {
            [_] => Err(failure.unwrap_or_default()),
            formats => {
                let expected = formats.iter().map(|format| format!("`{format}`")).collect::<Vec<_>>();
                Err(format!("expected one of the formats {}", expected.join(", ")))
            }
        }
    }

    fn by_format(&self, format: &TimeFormat, text: &str) -> TimeResult<TimeReading> {
        match format {
            TimeFormat::Rfc3339 => self.rfc3339(text.trim()),
            TimeFormat::UnixSeconds => decimal_ms(text, 1000).map(TimeReading::at),
            TimeFormat::UnixMilliseconds => decimal_ms(text, 1).map(TimeReading::at),
            TimeFormat::SpreadsheetDays => self.spreadsheet(text),
            TimeFormat::Pattern { text: pattern, abbreviation } => {
                let text =
                    self.months.as_ref().map_or(Cow::Borrowed(text), |months| Cow::Owned(months.in_english(text)));
                let expected = |reason: jiff::Error| {
                    let is_name = self.months.is_none() && reason.to_string().contains("month name");
                    let months = if is_name { "; `months` names those of another language" } else { "" };
                    format!("expected the format `{format}`: {reason}{months}")
                };
                if *abbreviation {
                    self.with_abbreviation(pattern, &text)
                } else {
                    self.by_pattern(pattern, &text).map_err(expected)?
                }
            }
        }
    }

    fn rfc3339(&self, text: &str) -> TimeResult<TimeReading> {
        let expected = |reason: jiff::Error| format!("expected the format `rfc3339`: {reason}");
        match (PARSER.parse_timestamp(text), &self.zone) {
            (Ok(instant), _) => Ok(TimeReading::at(instant.as_millisecond())),
            (Err(_), Some(zone)) => {
                PARSER.parse_datetime(text).and_then(|local| TimeReading::of_local(local, zone)).map_err(expected)
            }
            (Err(_), None) if PARSER.parse_datetime(text).is_ok() => Err(NO_ZONE.to_owned()),
            (Err(error), None) => Err(expected(error)),
        }
    }

    fn by_pattern(&self, pattern: &str, text: &str) -> Result<TimeResult<TimeReading>, jiff::Error> {
        let parts = BrokenDownTime::parse(pattern, text.trim())?;
        if parts.offset().is_some() || parts.timestamp().is_some() {
            return Ok(Ok(TimeReading::at(parts.to_timestamp()?.as_millisecond())));
        }
        let Some(zone) = &self.zone else { return Ok(Err(NO_ZONE.to_owned())) };
        // A date alone is its first instant.
        let local = match parts.to_datetime() {
            Ok(local) => local,
            Err(_) => parts.to_date()?.to_datetime(jiff::civil::Time::midnight()),
        };
        Ok(Ok(TimeReading::of_local(local, zone)?))
    }

    /// A local time with the abbreviation of an offset after it, which must be one that the zone has at that time.
    fn with_abbreviation(&self, pattern: &str, text: &str) -> TimeResult<TimeReading> {
        let expected = |reason: &dyn std::fmt::Display| format!("expected the format `{pattern}%Z`: {reason}");
        let zone = self.zone.as_ref().ok_or("`%Z` needs a `zone`, whose abbreviations it reads")?;
        let text = text.trim();
        let Some((rest, abbreviation)) = text.rsplit_once(' ') else { return Err(expected(&"found no abbreviation")) };
        let moment = self.by_pattern(pattern.trim_end(), rest).map_err(|error| expected(&error))??;
        let name = zone.iana_name().unwrap_or("the zone");
        let has = |ms: i64| {
            let instant = Timestamp::from_millisecond(ms).map_err(|error| expected(&error))?;
            Ok::<_, String>(zone.to_offset_info(instant).abbreviation() == abbreviation)
        };
        if has(moment.ms)? {
            return Ok(TimeReading::at(moment.ms));
        }
        match moment.later_ms {
            Some(later) if has(later)? => Ok(TimeReading::at(later)),
            _ => Err(format!("`{abbreviation}` is not what {name} is called at that time")),
        }
    }

    fn spreadsheet(&self, text: &str) -> TimeResult<TimeReading> {
        const DAY_MS: i64 = 86_400_000;
        // 1 is 1 January 1900, and spreadsheets count 29 February 1900, which did not exist: from March on, 0 is 30 December 1899.
        const FIRST: DateTime = DateTime::constant(1899, 12, 30, 0, 0, 0, 0);
        let zone = self.zone.as_ref().ok_or(NO_ZONE)?;
        let days = decimal_ms(text, DAY_MS)?;
        let span = jiff::SignedDuration::from_millis(days);
        FIRST.checked_add(span).and_then(|local| TimeReading::of_local(local, zone)).map_err(|error| error.to_string())
    }

    /// Finds out what is wrong with the formats, by writing a time with each and reading that again.
    pub(super) fn check_formats(&self) -> TimeResult<()> {
        let sample = Timestamp::from_second(1_000_000_000)
            .map(|instant| instant.to_zoned(TimeZone::UTC))
            .unwrap_or_else(|_| Zoned::default());
        self.formats.iter().try_for_each(|format| {
            let (TimeFormat::Pattern { text, abbreviation }, zone) = (format, &self.zone) else { return Ok(()) };
            if *abbreviation && zone.is_none() {
                return Err("`%Z` needs a `zone`, whose abbreviations it reads".to_owned());
            }
            let written = strtime::format(text, &sample).map_err(|error| error.to_string())?;
            let text = text.trim_end();
            self.by_pattern(text, &written).map_err(|error| error.to_string())?.map(drop)
        })
    }
}

const NO_ZONE: &str = "it has no offset, and the mapping states no `zone`";

impl std::fmt::Display for TimeFormat {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TimeFormat::Rfc3339 => formatter.write_str("rfc3339"),
            TimeFormat::UnixSeconds => formatter.write_str("unix"),
            TimeFormat::UnixMilliseconds => formatter.write_str("unix_ms"),
            TimeFormat::SpreadsheetDays => formatter.write_str("spreadsheet"),
            TimeFormat::Pattern { text, abbreviation } => {
                write!(formatter, "{text}{}", if *abbreviation { "%Z" } else { "" })
            }
        }
    }
}

impl Months {
    /// The text with the name of a month, its longest first, replaced by the English one.
    fn in_english(&self, text: &str) -> String {
        let lower = text.to_lowercase();
        let mut names: Vec<(&String, &str)> = self.0.iter().zip(ENGLISH).collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let found =
            names.into_iter().find_map(|(name, english)| Some((lower.find(&name.to_lowercase())?, name, english)));
        match found {
            // The English abbreviation is read by `%b`, and by `%B` too.
            Some((at, name, english)) if lower.len() == text.len() => {
                let (before, rest) = text.split_at_checked(at).unwrap_or((text, ""));
                format!("{before}{english}{}", rest.get(name.to_lowercase().len()..).unwrap_or_default())
            }
            _ => text.to_owned(),
        }
    }
}

/// An instant as the wire format writes it: `2026-03-02T09:14:05.250Z`.
pub(super) fn written(time_ms: i64) -> String {
    Timestamp::from_millisecond(time_ms).map(|instant| format!("{instant:.3}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(formats: Vec<TimeFormat>, zone: Option<&str>) -> TimeRule {
        let zone = zone.map(|name| TimeZone::get(name).unwrap());
        TimeRule { formats, zone, ..TimeRule::plain(Cell::plain(0)) }
    }

    fn read(format: TimeFormat, zone: Option<&str>, text: &str) -> Result<String, String> {
        rule(vec![format], zone).moment(text).map(|moment| written(moment.ms))
    }

    #[test]
    fn formats_and_zones() {
        let read = |format, zone, text: &str| read(format, zone, text).unwrap();
        assert_eq!(read(TimeFormat::Rfc3339, None, "2010-03-31T16:59:42.1239+02:00"), "2010-03-31T14:59:42.123Z");
        assert_eq!(read(TimeFormat::Rfc3339, Some("Europe/Prague"), "2026-07-01T12:00:00"), "2026-07-01T10:00:00.000Z");
        assert_eq!(read(TimeFormat::UnixSeconds, None, "1000000000"), "2001-09-09T01:46:40.000Z");
        assert_eq!(read(TimeFormat::UnixSeconds, None, "1000000000,2509"), "2001-09-09T01:46:40.250Z");
        assert_eq!(read(TimeFormat::UnixMilliseconds, None, "1000000000250"), "2001-09-09T01:46:40.250Z");
        assert_eq!(
            read(TimeFormat::pattern("%a %b %d %H:%M:%S %z %Y"), None, "Tue Oct 31 22:10:47 +0000 2017"),
            "2017-10-31T22:10:47.000Z"
        );
        assert_eq!(
            read(TimeFormat::pattern("%d.%m.%Y %H:%M"), Some("Europe/Prague"), "01.02.2026 09:30"),
            "2026-02-01T08:30:00.000Z"
        );
        assert_eq!(
            read(TimeFormat::pattern("%d.%m.%Y"), Some("Europe/Prague"), "01.02.2026"),
            "2026-01-31T23:00:00.000Z"
        );
        // 02:30 does not exist on the night the clocks go forward; it is read with the offset before.
        assert_eq!(
            read(TimeFormat::pattern("%Y-%m-%d %H:%M"), Some("Europe/Prague"), "2026-03-29 02:30"),
            "2026-03-29T01:30:00.000Z"
        );
        assert_eq!(read(TimeFormat::SpreadsheetDays, Some("Europe/Prague"), "46115.5"), "2026-04-03T10:00:00.000Z");
    }

    #[test]
    fn a_month_of_another_language_is_an_error_that_names_the_key() {
        let error = read(TimeFormat::pattern("%d/%b/%y"), Some("UTC"), "27/M\u{e4}r/26").unwrap_err();
        assert!(error.ends_with("; `months` names those of another language"), "{error}");
        let error = read(TimeFormat::pattern("%d/%b/%y"), Some("UTC"), "x/Mar/26").unwrap_err();
        assert!(!error.contains("`months`"), "{error}");
    }

    #[test]
    fn a_time_without_offset_or_zone_is_no_instant() {
        for (format, text) in
            [(TimeFormat::Rfc3339, "2026-07-01T12:00:00"), (TimeFormat::pattern("%Y-%m-%d"), "2026-07-01")]
        {
            assert_eq!(read(format, None, text).unwrap_err(), NO_ZONE);
        }
        let error = read(TimeFormat::pattern("%d.%m.%Y"), Some("Europe/Prague"), "yesterday").unwrap_err();
        assert!(error.starts_with("expected the format `%d.%m.%Y`: "), "{error}");
    }

    #[test]
    fn an_abbreviation_chooses_between_the_two_hours_and_must_be_one_of_the_zone() {
        let read = |text: &str| read(TimeFormat::pattern("%d.%m.%Y %H:%M %Z"), Some("Europe/Prague"), text);
        assert_eq!(read("02.03.2026 09:14 CET").unwrap(), "2026-03-02T08:14:00.000Z");
        assert_eq!(read("30.03.2026 09:14 CEST").unwrap(), "2026-03-30T07:14:00.000Z");
        assert_eq!(read("25.10.2026 02:10 CEST").unwrap(), "2026-10-25T00:10:00.000Z");
        assert_eq!(read("25.10.2026 02:10 CET").unwrap(), "2026-10-25T01:10:00.000Z");
        let error = read("02.03.2026 09:14 EST").unwrap_err();
        assert_eq!(error, "`EST` is not what Europe/Prague is called at that time");
    }

    #[test]
    fn a_local_time_of_an_hour_that_comes_twice_means_two_instants() {
        let rule = rule(vec![TimeFormat::pattern("%Y-%m-%d %H:%M")], Some("Europe/Prague"));
        let moment = rule.moment("2026-10-25 02:50").unwrap();
        assert_eq!(moment.later_ms, Some(moment.ms + 3_600_000));
        assert!(rule.moment("2026-03-29 02:30").unwrap().skipped);
        assert_eq!(rule.moment("2026-03-29 03:30").unwrap(), TimeReading::at(1_774_747_800_000));
    }

    #[test]
    fn several_formats_and_months_of_another_language() {
        let formats = vec![TimeFormat::pattern("%d.%m.%Y %H:%M"), TimeFormat::pattern("%d. %B %Y")];
        let names = ["ledna", "února", "března", "dubna", "května", "června", "července", "srpna", "září", "října"];
        let months = names.into_iter().chain(["listopadu", "prosince"]).map(str::to_owned).collect();
        let rule = TimeRule { months: Some(Months(months)), ..rule(formats, Some("Europe/Prague")) };
        assert_eq!(written(rule.moment("2. července 2026").unwrap().ms), "2026-07-01T22:00:00.000Z");
        assert_eq!(written(rule.moment("2. června 2026").unwrap().ms), "2026-06-01T22:00:00.000Z");
        assert_eq!(written(rule.moment("02.07.2026 10:00").unwrap().ms), "2026-07-02T08:00:00.000Z");
        assert_eq!(rule.moment("July").unwrap_err(), "expected one of the formats `%d.%m.%Y %H:%M`, `%d. %B %Y`");
    }
}
