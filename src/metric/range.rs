//! Ranges of time and the buckets they are cut into, by the calendar of a zone.
//!
//! Days, weeks and months are those of the zone's calendar, never so many times 24 hours.

use jiff::civil::{Date, DateTime, ISOWeekDate, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan, Unit, Zoned};

use crate::error::{Error, Result};
use crate::model::time::Instant;
use crate::spelling::did_you_mean;

/// How long a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grain {
    Hour,
    Day,
    /// From Monday.
    Week,
    Month,
    Quarter,
    Year,
}

impl Grain {
    /// Every name.
    pub const NAMES: [&'static str; 6] = ["hour", "day", "week", "month", "quarter", "year"];
    const ALL: [Grain; 6] = [Grain::Hour, Grain::Day, Grain::Week, Grain::Month, Grain::Quarter, Grain::Year];

    /// The grain of that name.
    ///
    /// # Errors
    /// When there is none; the nearest name is the hint.
    pub fn parse(name: &str) -> Result<Grain> {
        let found = Grain::ALL.into_iter().find(|grain| grain.name() == name);
        found.ok_or_else(|| {
            let error = Error::invalid("grain", format!("`{name}` is not a grain"));
            error.with_hint(
                did_you_mean(name, Grain::NAMES)
                    .unwrap_or_else(|| format!("the grains are {}", Grain::NAMES.join(", "))),
            )
        })
    }

    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Grain::Hour => "hour",
            Grain::Day => "day",
            Grain::Week => "week",
            Grain::Month => "month",
            Grain::Quarter => "quarter",
            Grain::Year => "year",
        }
    }

    fn span(self) -> Span {
        match self {
            Grain::Hour => 1.hour(),
            Grain::Day => 1.day(),
            Grain::Week => 1.week(),
            Grain::Month => 1.month(),
            Grain::Quarter => 3.months(),
            Grain::Year => 1.year(),
        }
    }

    /// The first local date of the bucket that holds a date; of an hour's bucket the date itself.
    fn first_date(self, date: Date) -> Date {
        let month = date.first_of_month();
        match self {
            Grain::Hour | Grain::Day => date,
            Grain::Week => {
                let back = i64::from(date.weekday().to_monday_zero_offset());
                date.checked_sub(back.days()).unwrap_or(date)
            }
            Grain::Month => month,
            Grain::Quarter => month.checked_sub((i64::from(date.month() - 1) % 3).months()).unwrap_or(month),
            Grain::Year => date.first_of_year(),
        }
    }

    /// The bucket that holds an instant.
    #[must_use]
    pub fn bucket(self, instant: Instant, zone: &TimeZone) -> Bucket {
        let local = instant.to_timestamp().to_zoned(zone.clone());
        if self == Grain::Hour {
            return hour_bucket(instant, &local, zone);
        }
        let first = self.first_date(local.date());
        let next = first.checked_add(self.span()).unwrap_or(Date::MAX);
        Bucket { start: start_of_day(first, zone), end: start_of_day(next, zone) }
    }
}

/// An interval of the calendar, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub start: Instant,
    pub end: Instant,
}

/// An hour of the zone's clock; a clock change within it ends it.
fn hour_bucket(instant: Instant, local: &Zoned, zone: &TimeZone) -> Bucket {
    let (minute, second) = (i64::from(local.minute()), i64::from(local.second()));
    let start = instant.plus_ms(-((minute * 60 + second) * 1000 + i64::from(local.millisecond())));
    let change = |found: Option<jiff::tz::TimeZoneTransition<'_>>| {
        found.map(|found| Instant(found.timestamp().as_millisecond()))
    };
    let before = change(zone.preceding(instant.plus_ms(1).to_timestamp()).next());
    let after = change(zone.following(instant.to_timestamp()).next());
    Bucket {
        start: before.map_or(start, |before| start.max(before)),
        end: after.map_or(start.plus_ms(3_600_000), |after| start.plus_ms(3_600_000).min(after)),
    }
}

fn instant_of(zoned: &Zoned) -> Instant {
    Instant(zoned.timestamp().as_millisecond())
}

fn start_of_day(date: Date, zone: &TimeZone) -> Instant {
    // A midnight that a clock change skips begins where the clock goes on.
    zone.to_ambiguous_zoned(DateTime::from(date)).compatible().map_or(Instant(i64::MAX), |zoned| instant_of(&zoned))
}

/// A half-open range of time in a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    pub from: Instant,
    pub to: Instant,
    /// The unit that the range is exactly one of, if any: its previous range is the whole one before.
    unit: Option<Grain>,
    first: Date,
    /// The day after the last.
    end: Date,
    zone: TimeZone,
}

/// All instants that an event can have, as a range is typed.
pub const ALWAYS: &str = "1970-01-01..2200-01-01";

const EXAMPLES: &str = "write 2026, 2026-Q1, 2026-02, 2026-W07, 2026-02-03, 2026-02-03..2026-02-10 (without its last day), `last 7 days` or `last full month`";

impl Range {
    /// Reads a range; `now` settles what is relative.
    ///
    /// # Errors
    /// When it is none of the forms of 8.2.
    pub fn parse(text: &str, zone: &TimeZone, now: Instant) -> Result<Range> {
        let text = text.trim();
        let invalid = || Error::invalid("range", format!("`{text}` is not a range")).with_hint(EXAMPLES);
        let today = now.to_local(zone).date();
        let (first, end, unit) = absolute(text).or_else(|| relative(text, today)).ok_or_else(invalid)?;
        if first >= end {
            return Err(Error::invalid("range", format!("`{text}` ends before it begins"))
                .with_hint("the end is not part of the range"));
        }
        Ok(Range::of_days(first, end, unit, zone))
    }

    fn of_days(first: Date, end: Date, unit: Option<Grain>, zone: &TimeZone) -> Range {
        let (from, to) = (start_of_day(first, zone), start_of_day(end, zone));
        let is_one =
            |grain: &Grain| grain.first_date(first) == first && first.checked_add(grain.span()).ok() == Some(end);
        let unit = unit.or_else(|| Grain::ALL.into_iter().skip(1).find(is_one));
        Range { from, to, unit, first, end, zone: zone.clone() }
    }

    /// The zone whose days the range is made of.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The instant as of which the range is answered: its last millisecond, or the present if that is earlier.
    #[must_use]
    pub fn as_of(&self, now: Instant) -> Instant {
        self.to.plus_ms(-1).min(now)
    }

    /// The range before: the whole week, month, quarter or year before, else the same number of days.
    #[must_use]
    pub fn previous(&self) -> Range {
        let first = match self.unit {
            Some(unit) if unit >= Grain::Week => self.first.checked_sub(unit.span()),
            _ => self.first.checked_sub(self.days().days()),
        };
        Range::of_days(first.unwrap_or(self.first), self.first, self.unit, &self.zone)
    }

    /// The day that ends where the range begins.
    #[must_use]
    pub fn day_before(&self) -> Range {
        Range::of_days(self.first.yesterday().unwrap_or(self.first), self.first, None, &self.zone)
    }

    /// The same range a year earlier: of a whole week the week of the same number, or the last one of a year without it.
    #[must_use]
    pub fn year_before(&self) -> Range {
        let earlier = |date: Date| date.checked_sub(1.year()).unwrap_or(date);
        let (mut first, mut end) = (earlier(self.first), earlier(self.end));
        if self.unit == Some(Grain::Week) {
            let week = self.first.iso_week_date();
            let numbered = |number| ISOWeekDate::new(week.year() - 1, number, Weekday::Monday).ok();
            first = numbered(week.week()).or_else(|| numbered(52)).map_or(first, ISOWeekDate::date);
        }
        if let Some(unit) = self.unit {
            end = first.checked_add(unit.span()).unwrap_or(end);
        } else if self.end.month() == 2 && self.end.day() == 29 {
            // The last day is 28 February in both years.
            end = end.tomorrow().unwrap_or(end);
        }
        Range::of_days(first, end, self.unit, &self.zone)
    }

    /// The range from the earlier begin to the later end of both.
    #[must_use]
    pub(super) fn spanning(&self, other: &Range) -> Range {
        let (from, to) = (self.from.min(other.from), self.to.max(other.to));
        let (first, end) = (self.first.min(other.first), self.end.max(other.end));
        Range { from, to, unit: None, first, end, zone: self.zone.clone() }
    }

    /// Days in the range.
    #[must_use]
    pub fn days(&self) -> i64 {
        self.first.until((Unit::Day, self.end)).map_or(0, |span| i64::from(span.get_days()))
    }

    /// The buckets that the range is cut into, in order.
    #[must_use]
    pub fn buckets(&self, grain: Grain) -> Vec<Bucket> {
        let mut buckets = Vec::new();
        let mut bucket = grain.bucket(self.from, &self.zone);
        while bucket.start < self.to {
            buckets.push(bucket);
            bucket = grain.bucket(bucket.end, &self.zone);
        }
        buckets
    }

    /// The days of the range in which a bucket lies.
    #[must_use]
    pub fn part(&self, bucket: Bucket) -> Range {
        let date = |instant: Instant| instant.to_local(&self.zone).date();
        let last = date(bucket.end.plus_ms(-1));
        let end = last.tomorrow().unwrap_or(last).min(self.end);
        Range::of_days(date(bucket.start).max(self.first), end, None, &self.zone)
    }

    /// The range in words: `May 2026`, `3 to 9 May 2026`.
    #[must_use]
    pub fn text(&self) -> String {
        let last = self.end.yesterday().unwrap_or(self.end);
        let full = |date: Date| date.strftime("%-d %B %Y").to_string();
        match self.unit {
            Some(Grain::Day) => full(self.first),
            Some(Grain::Week) => format!(
                "week {} of {} ({} to {})",
                self.first.iso_week_date().week(),
                self.first.iso_week_date().year(),
                full(self.first),
                full(last)
            ),
            Some(Grain::Month) => self.first.strftime("%B %Y").to_string(),
            Some(Grain::Quarter) => format!("Q{} {}", (self.first.month() - 1) / 3 + 1, self.first.year()),
            Some(Grain::Year) => self.first.year().to_string(),
            _ => format!("{} to {}", full(self.first), full(last)),
        }
    }

    /// What the range's previous one is called: `the month before`.
    #[must_use]
    pub fn previous_name(&self) -> String {
        match self.unit {
            Some(unit) => format!("the {} before", unit.name()),
            None => format!("the {} days before", self.days()),
        }
    }

    /// The range as it can be typed.
    #[must_use]
    pub fn typed(&self) -> String {
        match self.unit {
            Some(Grain::Month) => self.first.strftime("%Y-%m").to_string(),
            Some(Grain::Year) => self.first.year().to_string(),
            Some(Grain::Day) => self.first.to_string(),
            _ => format!("{}..{}", self.first, self.end),
        }
    }
}

type Days = (Date, Date, Option<Grain>);

fn unit_from(first: Date, grain: Grain) -> Option<Days> {
    Some((first, first.checked_add(grain.span()).ok()?, Some(grain)))
}

fn absolute(text: &str) -> Option<Days> {
    if let Some((first, end)) = text.split_once("..") {
        let (first, end) = (unit(first)?.0, unit(end)?.0);
        return Some((first, end, None));
    }
    unit(text)
}

/// The first instant of a year, quarter, month, week or day as it is typed, and the first after it.
#[must_use]
pub fn calendar_unit(text: &str, zone: &TimeZone) -> Option<(Instant, Instant)> {
    let (first, end, _) = unit(text)?;
    Some((start_of_day(first, zone), start_of_day(end, zone)))
}

fn unit(text: &str) -> Option<Days> {
    let number = |part: &str, length: usize| -> Option<i16> {
        let well_formed = part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        if well_formed { part.parse().ok() } else { None }
    };
    let mut parts = text.split('-');
    let year = number(parts.next()?, 4)?;
    let january = Date::new(year, 1, 1).ok()?;
    match (parts.next(), parts.next(), parts.next()) {
        (None, _, _) => unit_from(january, Grain::Year),
        (Some(part), None, _) if part.starts_with('Q') => {
            let quarter = number(part.get(1..)?, 1).filter(|quarter| (1..=4).contains(quarter))?;
            unit_from(january.checked_add((i64::from(quarter - 1) * 3).months()).ok()?, Grain::Quarter)
        }
        (Some(part), None, _) if part.starts_with('W') => {
            let week = i8::try_from(number(part.get(1..)?, 2)?).ok()?;
            unit_from(ISOWeekDate::new(year, week, Weekday::Monday).ok()?.date(), Grain::Week)
        }
        (Some(month), None, _) => {
            unit_from(Date::new(year, i8::try_from(number(month, 2)?).ok()?, 1).ok()?, Grain::Month)
        }
        (Some(month), Some(day), None) => {
            let (month, day) = (i8::try_from(number(month, 2)?).ok()?, i8::try_from(number(day, 2)?).ok()?);
            unit_from(Date::new(year, month, day).ok()?, Grain::Day)
        }
        _ => None,
    }
}

/// `last full month`, `last 7 days`: whole units before the one that is running. `today`, `this week`: the one that is running.
fn relative(text: &str, today: Date) -> Option<Days> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let grain = |unit: &str| Grain::ALL.into_iter().skip(1).find(|grain| unit == grain.name());
    let (count, unit) = match words.as_slice() {
        ["today"] => return running(Grain::Day, today),
        ["this", unit] => return running(grain(unit)?, today),
        ["yesterday"] => ("full", "day"),
        ["last", count, unit] => (*count, *unit),
        _ => return None,
    };
    let grain = grain(unit.trim_end_matches('s'))?;
    let end = grain.first_date(today);
    let count: i64 =
        if count == "full" { 1 } else { count.parse().ok().filter(|count| (1..=10_000).contains(count))? };
    let first = (0..count).try_fold(end, |first, _| first.checked_sub(grain.span()).ok())?;
    Some((first, end, (count == 1).then_some(grain)))
}

/// The unit in which a day is.
fn running(grain: Grain, today: Date) -> Option<Days> {
    let first = grain.first_date(today);
    Some((first, first.checked_add(grain.span()).ok()?, Some(grain)))
}

/// The zone of that name.
///
/// # Errors
/// When there is none.
pub fn parse_zone(name: &str) -> Result<TimeZone> {
    TimeZone::get(name).map_err(|_| {
        let known: Vec<String> = jiff::tz::db().available().map(|zone| zone.to_string()).collect();
        let error = Error::invalid("time zone", format!("`{name}` is not a time zone"));
        let near = did_you_mean(name, known.iter().map(String::as_str));
        error.with_hint(near.unwrap_or_else(|| "zones have names such as `Europe/Prague`".to_owned()))
    })
}

/// The name of a zone, for SQL.
#[must_use]
pub fn zone_name(zone: &TimeZone) -> String {
    zone.iana_name().unwrap_or("UTC").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn bounds(text: &str) -> String {
        let now = Instant::parse("2026-05-20T23:30:00Z").unwrap();
        match Range::parse(text, &zone("Europe/Prague"), now) {
            Ok(range) => format!("{} {}", range.from, range.to),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn ranges_are_whole_local_days() {
        let cases = [
            ("2026", "2025-12-31T23:00:00.000Z 2026-12-31T23:00:00.000Z"),
            ("2026-Q2", "2026-03-31T22:00:00.000Z 2026-06-30T22:00:00.000Z"),
            ("2026-03", "2026-02-28T23:00:00.000Z 2026-03-31T22:00:00.000Z"),
            ("2026-W01", "2025-12-28T23:00:00.000Z 2026-01-04T23:00:00.000Z"),
            ("2026-03-29", "2026-03-28T23:00:00.000Z 2026-03-29T22:00:00.000Z"),
            ("2026-02-03..2026-02-10", "2026-02-02T23:00:00.000Z 2026-02-09T23:00:00.000Z"),
            // 23:30Z is the 21st in Prague.
            ("last 7 days", "2026-05-13T22:00:00.000Z 2026-05-20T22:00:00.000Z"),
            ("last full month", "2026-03-31T22:00:00.000Z 2026-04-30T22:00:00.000Z"),
            ("last full week", "2026-05-10T22:00:00.000Z 2026-05-17T22:00:00.000Z"),
            ("today", "2026-05-20T22:00:00.000Z 2026-05-21T22:00:00.000Z"),
            ("yesterday", "2026-05-19T22:00:00.000Z 2026-05-20T22:00:00.000Z"),
            ("this week", "2026-05-17T22:00:00.000Z 2026-05-24T22:00:00.000Z"),
            ("this month", "2026-04-30T22:00:00.000Z 2026-05-31T22:00:00.000Z"),
            ("this hour", "range: `this hour` is not a range"),
            ("tomorrow", "range: `tomorrow` is not a range"),
            ("2026-02-10..2026-02-03", "range: `2026-02-10..2026-02-03` ends before it begins"),
            ("2026-13", "range: `2026-13` is not a range"),
        ];
        for (text, expected) in cases {
            assert_eq!(bounds(text), expected, "{text}");
        }
    }

    #[test]
    fn a_range_is_the_same_when_it_is_typed_by_its_days() {
        let now = Instant::parse("2026-05-18T23:30:00Z").unwrap();
        let texts = "2026|2026-Q2|2026-03|2026-W01|2026-03-29|2026-02-03..2026-02-10|2026-03-02..2026-03-09|2026-04-01..2026-07-01|\
                     last 7 days|last 1 day|last 2 weeks|last full week|last full month|last full quarter|last full year|last 12 months";
        for text in texts.split('|') {
            for zone in ["UTC", "Europe/Prague", "America/Denver"].map(zone) {
                let range = Range::parse(text, &zone, now).unwrap();
                assert_eq!(Range::parse(&range.typed(), &zone, Instant(0)).unwrap(), range, "{text}");
            }
        }
    }

    #[test]
    fn days_with_clock_changes_have_23_and_25_hours() {
        let denver = zone("America/Denver");
        let range = Range::parse("2026-03-07..2026-03-10", &denver, Instant(0)).unwrap();
        let hours = |bucket: &Bucket| bucket.end.since_ms(bucket.start) / 3_600_000;
        assert_eq!(range.buckets(Grain::Day).iter().map(hours).collect::<Vec<_>>(), [24, 23, 24]);
        let autumn = Range::parse("2026-11-01", &denver, Instant(0)).unwrap();
        assert_eq!(autumn.buckets(Grain::Hour).len(), 25);
        // Clocks go back by half an hour: 24 whole hours and a half.
        let half = Range::parse("2026-04-05", &zone("Australia/Lord_Howe"), Instant(0)).unwrap();
        let lengths: Vec<i64> =
            half.buckets(Grain::Hour).iter().map(|bucket| bucket.end.since_ms(bucket.start) / 60_000).collect();
        assert_eq!((lengths.len(), lengths.iter().sum::<i64>()), (25, 24 * 60 + 30));
        assert!(half.buckets(Grain::Hour).windows(2).all(|pair| pair[0].end == pair[1].start));
    }

    #[test]
    fn the_previous_range_is_the_whole_unit_before_or_as_many_days() {
        let previous = |text: &str| Range::parse(text, &TimeZone::UTC, Instant(0)).unwrap().previous().typed();
        assert_eq!(previous("2026-03"), "2026-02");
        assert_eq!(previous("2026-Q1"), "2025-10-01..2026-01-01");
        assert_eq!(previous("2026-03-10..2026-03-13"), "2026-03-07..2026-03-10");
        assert_eq!(previous("2026-03-01"), "2026-02-28");
        assert_eq!(previous("2026-05-01..2026-06-01"), "2026-04");
    }

    #[test]
    fn the_range_a_year_before_has_the_same_dates_and_of_a_week_the_same_number() {
        let year_before = |text: &str| Range::parse(text, &TimeZone::UTC, Instant(0)).unwrap().year_before().typed();
        let cases = [
            ("2026", "2025"),
            ("2026-Q1", "2025-01-01..2025-04-01"),
            ("2025-02", "2024-02"),
            ("2024-02", "2023-02"),
            ("2026-W07", "2025-02-10..2025-02-17"),
            // 2020 has a week 53, 2019 has none.
            ("2020-W53", "2019-12-23..2019-12-30"),
            ("2024-02-28", "2023-02-28"),
            ("2024-02-29", "2023-02-28"),
            ("2024-02-20..2024-02-29", "2023-02-20..2023-03-01"),
            ("2024-02-29..2024-03-05", "2023-02-28..2023-03-05"),
        ];
        for (text, expected) in cases {
            assert_eq!(year_before(text), expected, "{text}");
        }
    }
}
