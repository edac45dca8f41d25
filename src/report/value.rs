//! Values of a page: what was measured, in its unit, before any format has decided how it looks.
//!
//! Formats for people show [`Value::text`]; formats for spreadsheets and programs match on the variants.

use jiff::tz::TimeZone;

use crate::metric::range::Grain;
use crate::metric::unit::{Unit, number_text};
use crate::model::time::Instant;

/// One value of a page.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing was measured, or a case has no value of a dimension.
    Missing,
    Text(String),
    /// A number of things; the column or the figure names them.
    Count(f64),
    /// A part of one.
    Share(f64),
    /// Milliseconds.
    Duration(f64),
    /// How far a number in a unit moved.
    Change(f64, Unit),
    /// A number of things and how many there may be, such as 3 of 5; nothing where no number is known.
    OutOf(f64, Option<f64>),
    /// The start of a bucket of time.
    Bucket(Bucket),
}

/// Whether a number is within how many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    Free,
    Within,
    Above,
}

/// The start of a bucket of time, on the calendar of a zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    pub start: Instant,
    pub grain: Grain,
    pub zone: TimeZone,
    /// The bucket was not over as of the report, so its numbers are not final.
    pub so_far: bool,
}

impl Value {
    /// A number in its unit.
    #[must_use]
    pub fn of(number: Option<f64>, unit: &Unit) -> Value {
        match (number, unit) {
            (None, _) => Value::Missing,
            (Some(number), Unit::Count(_)) => Value::Count(number),
            (Some(number), Unit::Share) => Value::Share(number),
            (Some(number), Unit::Duration) => Value::Duration(number),
        }
    }

    /// The number, where it is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Count(number)
            | Value::Share(number)
            | Value::Duration(number)
            | Value::Change(number, _)
            | Value::OutOf(number, _) => Some(*number),
            Value::Missing | Value::Text(_) | Value::Bucket(_) => None,
        }
    }

    /// The value as people read it; a missing one is a dash.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Value::Missing => "–".to_owned(),
            Value::Text(text) => text.clone(),
            Value::Count(number) => Unit::Count(String::new()).text(Some(*number)),
            Value::Share(number) => Unit::Share.text(Some(*number)),
            Value::Duration(number) => Unit::Duration.text(Some(*number)),
            Value::Change(number, unit) => unit.difference_text(*number),
            Value::OutOf(number, Some(most)) => format!("{}/{}", number_text(*number), number_text(*most)),
            Value::OutOf(number, None) => number_text(*number),
            Value::Bucket(bucket) => bucket.text(),
        }
    }

    /// How a number of things stands to how many there may be (2.5).
    #[must_use]
    pub fn load(&self) -> Option<Load> {
        match self {
            Value::OutOf(0.0, Some(_)) => Some(Load::Free),
            Value::OutOf(number, Some(most)) if number > most => Some(Load::Above),
            Value::OutOf(_, Some(_)) => Some(Load::Within),
            _ => None,
        }
    }

    /// The text under an axis, where there is less space.
    #[must_use]
    pub fn short_text(&self) -> String {
        match self {
            Value::Bucket(bucket) => bucket.short_text(),
            other => other.text(),
        }
    }
}

impl Bucket {
    fn text(&self) -> String {
        if self.so_far { format!("{}, so far", self.name()) } else { self.name() }
    }

    fn name(&self) -> String {
        let local = self.start.to_local(&self.zone);
        match self.grain {
            Grain::Hour => local.strftime("%-d %b %H:%M").to_string(),
            Grain::Day => local.strftime("%a %-d %b").to_string(),
            Grain::Week => local.strftime("W%V, %-d %b").to_string(),
            Grain::Month => local.strftime("%b %Y").to_string(),
            Grain::Quarter => format!("Q{} {}", (local.month() - 1) / 3 + 1, local.year()),
            Grain::Year => local.strftime("%Y").to_string(),
        }
    }

    fn short_text(&self) -> String {
        let local = self.start.to_local(&self.zone);
        match self.grain {
            Grain::Day => local.strftime("%-d %b").to_string(),
            Grain::Week => local.strftime("W%V").to_string(),
            _ => self.name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_reads_as_people_write_it() {
        let start = Instant::parse("2026-05-03T22:00:00Z").unwrap();
        let bucket = |grain| {
            Value::Bucket(Bucket { start, grain, zone: TimeZone::get("Europe/Prague").unwrap(), so_far: false })
        };
        let texts = [
            Value::of(None, &Unit::Duration),
            Value::of(Some(1234.0), &Unit::Count("cases".to_owned())),
            Value::of(Some(0.256), &Unit::Share),
            Value::of(Some(5_400_000.4), &Unit::Duration),
            Value::Text("ana".to_owned()),
            Value::Change(-0.05, Unit::Share),
            bucket(Grain::Day),
            bucket(Grain::Week),
            bucket(Grain::Quarter),
        ]
        .map(|value| value.text());
        assert_eq!(
            texts,
            ["–", "1,234", "25.6 %", "1h 30m", "ana", "−5.0 points", "Mon 4 May", "W19, 4 May", "Q2 2026"]
        );
        let running = Bucket { start, grain: Grain::Day, zone: TimeZone::UTC, so_far: true };
        assert_eq!(Value::Bucket(running).text(), "Sun 3 May, so far");
        let short = [Grain::Day, Grain::Week, Grain::Month].map(|grain| bucket(grain).short_text());
        assert_eq!(short, ["4 May", "W19", "May 2026"]);
    }
}
