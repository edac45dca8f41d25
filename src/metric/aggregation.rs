//! How contributions become one number: exact, with their rules named (5.1).

use super::sets::COUNT_DISTINCT;
use crate::error::{Error, Result};
use crate::spelling::did_you_mean;

/// An aggregation.
#[derive(Clone, Debug, PartialEq)]
pub enum Aggregation {
    /// Contributions, or distinct keys where the metric has a key.
    Count,
    Sum,
    /// The exact sum, divided once.
    Mean,
    /// The mean of zeros and ones.
    Share,
    /// Exact, linear between the two nearest ranks; the number is in thousandths.
    Percentile(u32, String),
    Min,
    Max,
    /// Contributions a distinct key.
    PerKey,
    /// The sum of milliseconds, in hours.
    Hours,
    /// The count divided by the days of the range up to the as-of.
    PerDay,
    /// One metric divided by another; only of ratios.
    Ratio,
    /// A stock, by its own aggregation, just before the range and before each bucket.
    Opening,
    /// A stock, by its own aggregation, at the end of the range and of each bucket.
    Closing,
}

const NAMES: [&str; 15] = [
    "count", "sum", "mean", "median", "p90", "p95", "min", "max", "share", "per_key", "per_day", "hours", "ratio",
    "opening", "closing",
];

impl Aggregation {
    /// The aggregation of that name.
    ///
    /// # Errors
    /// When there is none; the nearest name is the hint.
    pub fn parse(name: &str) -> Result<Aggregation> {
        let percentile = name.strip_prefix('p').and_then(thousandths);
        Ok(match (name, percentile) {
            ("count", _) => Aggregation::Count,
            ("sum", _) => Aggregation::Sum,
            ("mean", _) => Aggregation::Mean,
            ("share", _) => Aggregation::Share,
            ("median", _) => Aggregation::Percentile(500, name.to_owned()),
            ("min", _) => Aggregation::Min,
            ("max", _) => Aggregation::Max,
            ("per_key", _) => Aggregation::PerKey,
            ("hours", _) => Aggregation::Hours,
            ("per_day", _) => Aggregation::PerDay,
            ("ratio", _) => Aggregation::Ratio,
            ("opening", _) => Aggregation::Opening,
            ("closing", _) => Aggregation::Closing,
            (_, Some(thousandths)) => Aggregation::Percentile(thousandths, name.to_owned()),
            _ => {
                let error = Error::invalid("aggregation", format!("`{name}` is not an aggregation"));
                let hint =
                    did_you_mean(name, NAMES).unwrap_or_else(|| format!("the aggregations are {}", NAMES.join(", ")));
                return Err(error.with_hint(hint));
            }
        })
    }

    /// The column's name in every output.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Aggregation::Count => "count",
            Aggregation::Sum => "sum",
            Aggregation::Mean => "mean",
            Aggregation::Share => "share",
            Aggregation::Percentile(_, name) => name,
            Aggregation::Min => "min",
            Aggregation::Max => "max",
            Aggregation::PerKey => "per_key",
            Aggregation::PerDay => "per_day",
            Aggregation::Hours => "hours",
            Aggregation::Ratio => "ratio",
            Aggregation::Opening => "opening",
            Aggregation::Closing => "closing",
        }
    }

    /// Whether nothing makes 0 (a count, a sum of things) rather than null.
    #[must_use]
    pub fn is_zero_of_nothing(&self, unit: &str) -> bool {
        match self {
            Aggregation::Count => true,
            Aggregation::Sum => !matches!(unit, "ms" | "share"),
            _ => false,
        }
    }

    /// Whether the result is an integer: a count is, and so is the sum, the least or the largest of integers.
    #[must_use]
    pub fn is_integer(&self, of_integers: bool) -> bool {
        match self {
            Aggregation::Count => true,
            Aggregation::Sum | Aggregation::Min | Aggregation::Max => of_integers,
            _ => false,
        }
    }

    /// Whether the result is in the metric's unit rather than a number of something.
    #[must_use]
    pub fn is_in_unit(&self) -> bool {
        !matches!(self, Aggregation::Count | Aggregation::PerKey | Aggregation::PerDay | Aggregation::Hours)
    }

    /// SQL over `value` and `key`, as a double. `key` is a number, that of the case where the metric has no key. Refers to the
    /// parameter `$days`.
    #[must_use]
    pub fn expression(&self, has_key: bool) -> String {
        let distinct = format!("{COUNT_DISTINCT}(key)");
        let count = if has_key { distinct.as_str() } else { "count(value)" };
        let number = match self {
            Aggregation::Count => count.to_owned(),
            Aggregation::Sum => "sum(value)".to_owned(),
            Aggregation::Mean | Aggregation::Share => "CAST(sum(value) AS DOUBLE) / count(value)".to_owned(),
            Aggregation::Percentile(thousandths, _) => {
                format!("{}(CAST(value AS DOUBLE))", percentile_name(*thousandths))
            }
            Aggregation::Min => "min(value)".to_owned(),
            Aggregation::Max => "max(value)".to_owned(),
            Aggregation::PerKey => format!("CAST(count(value) AS DOUBLE) / nullif({distinct}, 0)"),
            Aggregation::PerDay => format!("CAST({count} AS DOUBLE) / nullif($days, 0)"),
            Aggregation::Hours => "CAST(sum(value) AS DOUBLE) / 3600000.0".to_owned(),
            // What these stand for is the metric's.
            Aggregation::Ratio | Aggregation::Opening | Aggregation::Closing => "NULL".to_owned(),
        };
        format!("CAST({number} AS DOUBLE)")
    }
}

/// The name of the SQL function that gives a percentile.
#[must_use]
pub fn percentile_name(thousandths: u32) -> String {
    format!("exact_percentile_{thousandths}")
}

/// `90` is 900, `99.9` is 999.
fn thousandths(digits: &str) -> Option<u32> {
    let (whole, tenth) = digits.split_once('.').unwrap_or((digits, "0"));
    let number =
        |text: &str| if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse::<u32>().ok() } else { None };
    let found = number(whole)?.checked_mul(10)?.checked_add(number(tenth).filter(|tenth| *tenth < 10)?)?;
    (0..=1000).contains(&found).then_some(found)
}
