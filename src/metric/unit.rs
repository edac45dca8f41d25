//! Numbers as people read them, by the unit of their metric.

use super::aggregation::Aggregation;
use super::header::Metric;
use crate::model::time::duration_text;

/// What a number is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Duration,
    /// A part of one.
    Share,
    /// A number of something, named in the plural.
    Count(String),
}

impl Unit {
    /// The unit of a metric's numbers under an aggregation.
    #[must_use]
    pub fn of(metric: &Metric, aggregation: &Aggregation) -> Unit {
        let aggregation = metric.read_as(aggregation);
        match metric.unit.as_str() {
            "ms" if aggregation.is_in_unit() => Unit::Duration,
            "ms" if aggregation == Aggregation::Hours => Unit::Count("hours".to_owned()),
            "ms" => Unit::Count("cases".to_owned()),
            "share" if aggregation.is_in_unit() => Unit::Share,
            unit => Unit::Count(unit.to_owned()),
        }
    }

    /// The unit's name in a caption.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Unit::Duration => "time",
            Unit::Share => "share",
            Unit::Count(name) => name,
        }
    }

    /// A number in this unit; nothing is a dash.
    #[must_use]
    pub fn text(&self, value: Option<f64>) -> String {
        match (value, self) {
            (None, _) => "–".to_owned(),
            (Some(value), Unit::Duration) => duration_text(rounded(value)),
            (Some(value), Unit::Share) => format!("{:.1} %", value * 100.0),
            (Some(value), Unit::Count(_)) => number_text(value),
        }
    }

    /// A difference in this unit, with its sign.
    #[must_use]
    pub fn difference_text(&self, value: f64) -> String {
        let size = match self {
            Unit::Share => format!("{:.1} points", value.abs() * 100.0),
            _ => self.text(Some(value.abs())),
        };
        format!("{}{size}", sign(value))
    }
}

/// A change in percent, with its sign; nothing is a dash.
#[must_use]
pub fn percent_text(value: Option<f64>) -> String {
    value
        .map_or_else(|| "–".to_owned(), |value| format!("{}{} %", sign(value), grouped(&format!("{:.1}", value.abs()))))
}

/// The sign of a change; none of what did not change.
fn sign(change: f64) -> &'static str {
    match change.partial_cmp(&0.0) {
        Some(std::cmp::Ordering::Less) => "−",
        Some(std::cmp::Ordering::Greater) => "+",
        _ => "",
    }
}

/// The nearest whole number, halves away from zero.
fn rounded(value: f64) -> i64 {
    // Durations are far below 2^53, where the conversion is exact.
    value.round() as i64
}

/// A number with thousands apart; whole where it is whole, else with one digit.
#[must_use]
pub fn number_text(value: f64) -> String {
    grouped(&if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.1}") })
}

/// The digits of a number with thousands apart.
fn grouped(text: &str) -> String {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("−", digits));
    let mut grouped = String::from(sign);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if fraction.is_empty() { grouped } else { format!("{grouped}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        let texts = [0.0, 999.0, 1000.0, 1_234_567.0, 12.34, -4321.0].map(number_text);
        assert_eq!(texts, ["0", "999", "1,000", "1,234,567", "12.3", "−4,321"]);
        assert_eq!(Unit::Duration.text(Some(5_400_000.4)), "1h 30m");
        assert_eq!(Unit::Duration.difference_text(-60_000.0), "−1m");
        assert_eq!(Unit::Duration.difference_text(0.0), "0ms");
        assert_eq!(Unit::Share.difference_text(0.05), "+5.0 points");
        assert_eq!(
            [Some(12.34), Some(1234.56), Some(-7.0), Some(0.0), None].map(percent_text),
            ["+12.3 %", "+1,234.6 %", "−7.0 %", "0.0 %", "–"]
        );
        assert_eq!(Unit::Share.text(Some(0.1234)), "12.3 %");
        assert_eq!(Unit::Share.text(None), "–");
    }
}
