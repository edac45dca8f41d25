//! Intervals of what has an order: instants, durations, numbers, hours of the day and days of the week.
//!
//! What is typed stands for an interval: a day for all its instants, a number for itself. So `>` is above the whole of it and
//! `<=` up to its end. Values are doubles, which hold whole numbers below 2^53 exactly, milliseconds of instants included.

use datafusion::common::ScalarValue;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::range::calendar_unit;
use crate::model::time::{Instant, parse_duration_ms};

/// What values are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// An instant, in milliseconds.
    Instant,
    Number,
    /// What a metric measures: milliseconds, or a number.
    Measure,
    /// An hour of the day, from 0 to 23.
    Hour,
    /// A day of the week, from 1 (Monday) to 7.
    Weekday,
    /// A number that a custom field has as text.
    FieldNumber,
    /// A day that a custom field has as text.
    FieldDay,
}

/// Why a text is not an interval of a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misread {
    /// Not a value of the scale.
    Value,
    /// `A..B` whose end is not after its beginning.
    Empty,
}

/// The names of the days of the week.
pub const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Scale {
    /// The interval that a text stands for: one value, or `A..B` from A to before B. Days are those of the zone.
    ///
    /// # Errors
    /// When it stands for none.
    pub fn interval(self, typed: &str, zone: &TimeZone) -> Result<Interval, Misread> {
        let value = |text: &str| self.value(text.trim(), zone).ok_or(Misread::Value);
        match typed.split_once("..") {
            Some((from, to)) => value(from)?.until(value(to)?).ok_or(Misread::Empty),
            None => value(typed),
        }
    }

    fn value(self, typed: &str, zone: &TimeZone) -> Option<Interval> {
        let unit = |zone: &TimeZone| calendar_unit(typed, zone).map(|(from, to)| Interval::between(ms(from), ms(to)));
        match self {
            Scale::Instant => unit(zone).or_else(|| Instant::parse(typed).ok().map(|at| Interval::of(ms(at)))),
            Scale::Number | Scale::FieldNumber => number(typed).map(Interval::of),
            Scale::Measure => measured_ms(typed).or_else(|| number(typed)).map(Interval::of),
            Scale::Hour => digits(typed).filter(|hour| *hour < 24).map(|hour| Interval::of(f64::from(hour))),
            Scale::Weekday => {
                let day = digits(typed).filter(|day| (1..=7).contains(day)).or_else(|| weekday(typed));
                day.map(|day| Interval::of(f64::from(day)))
            }
            Scale::FieldDay => unit(&TimeZone::UTC),
        }
    }

    /// What its values are, for messages, and an example of a comparison.
    #[must_use]
    pub fn about(self) -> (&'static str, &'static str) {
        match self {
            Scale::Instant => ("days, months and so on, and instants with an offset", ">=2026-05-01"),
            Scale::Number => ("numbers", ">=5"),
            Scale::Measure => ("numbers, or durations of a time", ">=4h"),
            Scale::Hour => ("0 to 23", "=9..17"),
            Scale::Weekday => ("1 (Monday) to 7 (Sunday), or the name of a day", "<=5"),
            Scale::FieldNumber | Scale::FieldDay => ("numbers or days, where it is compared", ">=100"),
        }
    }

    /// The SQL of what is compared, from that of the value.
    #[must_use]
    pub fn operand(self, expression: &str) -> String {
        match self {
            Scale::Instant => expression.to_owned(),
            Scale::Number | Scale::Measure | Scale::Hour | Scale::Weekday => format!("CAST({expression} AS DOUBLE)"),
            Scale::FieldNumber => format!("text_number({expression})"),
            Scale::FieldDay => format!("text_day({expression})"),
        }
    }

    /// A value as the engine's, to compare with the operand.
    #[must_use]
    pub fn parameter(self, value: f64) -> ScalarValue {
        match self {
            Scale::Instant => ScalarValue::TimestampMillisecond(Some(value as i64), Some("UTC".into())),
            _ => ScalarValue::Float64(Some(value)),
        }
    }
}

fn ms(instant: Instant) -> f64 {
    instant.0 as f64
}

/// A finite number.
#[must_use]
pub fn number(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse().ok().filter(|number: &f64| is_plain && number.is_finite())
}

/// A duration in milliseconds.
#[must_use]
pub fn measured_ms(text: &str) -> Option<f64> {
    parse_duration_ms(text).ok().map(|ms| ms as f64)
}

/// The first instant of a day such as `2026-03-02`, in milliseconds, as if its zone were UTC.
#[must_use]
pub fn day_ms(text: &str) -> Option<f64> {
    let date: Date = Some(text).filter(|text| text.len() == "2026-03-02".len())?.parse().ok()?;
    let start = date.to_zoned(TimeZone::UTC).ok()?;
    Some(start.timestamp().as_millisecond() as f64)
}

fn digits(text: &str) -> Option<u8> {
    Some(text).filter(|text| text.len() <= 2)?.parse().ok()
}

/// The number of a day of the week whose name, or at least its first three letters, was typed.
fn weekday(typed: &str) -> Option<u8> {
    let name = typed.to_lowercase();
    let is_name = |day: &str| name.len() >= 3 && day.starts_with(&name);
    (1..).zip(WEEKDAYS).find(|(_, day)| is_name(day)).map(|(number, _)| number)
}

/// A place just before a value or just after it.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
struct Edge {
    value: f64,
    is_after: bool,
}

const LOWEST: Edge = Edge { value: f64::NEG_INFINITY, is_after: false };
const HIGHEST: Edge = Edge { value: f64::INFINITY, is_after: true };

/// All values between two places; never none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    from: Edge,
    to: Edge,
}

impl Interval {
    fn of(value: f64) -> Interval {
        Interval { from: Edge { value, is_after: false }, to: Edge { value, is_after: true } }
    }

    fn between(from: f64, to: f64) -> Interval {
        let edge = |value: f64| Edge { value, is_after: false };
        Interval { from: edge(from), to: edge(to) }
    }

    /// From its beginning to before the beginning of another; nothing where there is nothing between.
    fn until(self, other: Interval) -> Option<Interval> {
        (self.from < other.from).then_some(Interval { from: self.from, to: other.from })
    }

    /// What is less than all of it.
    #[must_use]
    pub fn below(self) -> Interval {
        Interval { from: LOWEST, to: self.from }
    }

    /// What is in it or less.
    #[must_use]
    pub fn up_to(self) -> Interval {
        Interval { from: LOWEST, to: self.to }
    }

    /// What is more than all of it.
    #[must_use]
    pub fn above(self) -> Interval {
        Interval { from: self.to, to: HIGHEST }
    }

    /// What is in it or more.
    #[must_use]
    pub fn at_least(self) -> Interval {
        Interval { from: self.from, to: HIGHEST }
    }

    /// Whether a value can be in both.
    #[must_use]
    pub fn meets(&self, other: &Interval) -> bool {
        self.from < other.to && other.from < self.to
    }

    /// Whether each of its values is in the other.
    #[must_use]
    pub fn is_within(&self, other: &Interval) -> bool {
        other.from <= self.from && self.to <= other.to
    }

    /// The condition in SQL that an operand is in it, over the parameters of that name.
    #[must_use]
    pub fn condition(&self, operand: &str, name: &str) -> String {
        if *self == Interval::of(self.from.value) {
            return format!("{operand} = ${name}_from");
        }
        let (from, to) = (if self.from.is_after { ">" } else { ">=" }, if self.to.is_after { "<=" } else { "<" });
        let conditions = [
            self.from.value.is_finite().then(|| format!("{operand} {from} ${name}_from")),
            self.to.value.is_finite().then(|| format!("{operand} {to} ${name}_to")),
        ];
        format!("({})", conditions.into_iter().flatten().collect::<Vec<_>>().join(" AND "))
    }

    /// Name and value of each parameter of the condition.
    pub fn parameters(&self, name: &str) -> impl Iterator<Item = (String, f64)> {
        let ends = [(format!("{name}_from"), self.from.value), (format!("{name}_to"), self.to.value)];
        ends.into_iter().filter(|(_, value)| value.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(scale: Scale, typed: &str) -> Result<Interval, Misread> {
        scale.interval(typed, &TimeZone::get("Europe/Prague").unwrap())
    }

    #[test]
    fn a_text_stands_for_an_interval_of_its_scale() {
        let day = 86_400_000.0;
        // Midnight of 1 January 1970 in Prague is 23:00 UTC of the day before.
        let new_year = -3_600_000.0;
        let cases = [
            (Scale::Instant, "1970-01-01", Ok(Interval::between(new_year, new_year + day))),
            (Scale::Instant, "1970-01", Ok(Interval::between(new_year, new_year + 31.0 * day))),
            (Scale::Instant, "1970-01-01..1970-01-03", Ok(Interval::between(new_year, new_year + 2.0 * day))),
            (Scale::Instant, "1970-01-01T00:00:01Z", Ok(Interval::of(1000.0))),
            (Scale::Instant, "1970-01-01T00:00:01", Err(Misread::Value)),
            (Scale::Instant, "last 7 days", Err(Misread::Value)),
            (Scale::Instant, "1970-01-03..1970-01-01", Err(Misread::Empty)),
            (Scale::Number, "2.5", Ok(Interval::of(2.5))),
            (Scale::Number, "-1..3", Ok(Interval::between(-1.0, 3.0))),
            (Scale::Number, "4h", Err(Misread::Value)),
            (Scale::Number, "inf", Err(Misread::Value)),
            (Scale::Number, "1e999", Err(Misread::Value)),
            (Scale::Measure, "1h 30m", Ok(Interval::of(5_400_000.0))),
            (Scale::Measure, "0", Ok(Interval::of(0.0))),
            (Scale::Hour, "09", Ok(Interval::of(9.0))),
            (Scale::Hour, "9..17", Ok(Interval::between(9.0, 17.0))),
            (Scale::Hour, "24", Err(Misread::Value)),
            (Scale::Hour, "009", Err(Misread::Value)),
            (Scale::Weekday, "01", Ok(Interval::of(1.0))),
            (Scale::Weekday, "Mon..sat", Ok(Interval::between(1.0, 6.0))),
            (Scale::Weekday, "mo", Err(Misread::Value)),
            (Scale::FieldDay, "1970-01-02", Ok(Interval::between(day, 2.0 * day))),
        ];
        for (scale, typed, expected) in cases {
            assert_eq!(read(scale, typed), expected, "{typed}");
        }
        assert_eq!((day_ms("1970-01-02"), day_ms("1970-1-2"), day_ms("1970-01-02T00")), (Some(day), None, None));
    }

    #[test]
    fn a_comparison_is_with_the_whole_interval() {
        let day = Interval::between(10.0, 20.0);
        let condition = |interval: Interval| interval.condition("x", "p");
        assert_eq!(condition(day), "(x >= $p_from AND x < $p_to)");
        assert_eq!(condition(Interval::of(5.0)), "x = $p_from");
        let parts = |interval: Interval| {
            let values: Vec<String> = interval.parameters("p").map(|(name, value)| format!("{name} {value}")).collect();
            format!("{} {}", condition(interval), values.join(" "))
        };
        assert_eq!(parts(day.below()), "(x < $p_to) p_to 10");
        assert_eq!(parts(day.up_to()), "(x < $p_to) p_to 20");
        assert_eq!(parts(day.above()), "(x >= $p_from) p_from 20");
        assert_eq!(parts(day.at_least()), "(x >= $p_from) p_from 10");
        let five = Interval::of(5.0);
        assert_eq!(parts(five.above()), "(x > $p_from) p_from 5");
        assert_eq!(parts(five.up_to()), "(x <= $p_to) p_to 5");
        assert_eq!(parts(five.at_least()), "(x >= $p_from) p_from 5");
    }

    #[test]
    fn intervals_meet_where_a_value_is_in_both() {
        let (five, six) = (Interval::of(5.0), Interval::of(6.0));
        assert!(five.up_to().meets(&five.at_least()) && !five.up_to().meets(&five.above()));
        assert!(!five.below().meets(&five.at_least()) && five.above().meets(&six.below()));
        assert!(five.is_within(&six.below()) && !six.is_within(&six.below()) && six.is_within(&five.above()));
    }
}
