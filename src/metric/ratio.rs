//! Metrics that are one metric divided by another.

use std::collections::BTreeSet;

use super::aggregation::Aggregation;
use super::answer::{Answer, AnswerRow};
use super::header::Metric;
use super::question::Question;
use crate::error::{Error, Result};
use crate::model::time::Instant;

/// One side of a ratio: `METRIC[:AGGREGATE][@end]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    pub metric: String,
    pub aggregate: Option<Aggregation>,
    /// Read at the end of the range instead of each bucket.
    pub at_end: bool,
}

impl Side {
    /// Reads a side.
    ///
    /// # Errors
    /// When the aggregation is not known.
    pub fn parse(text: &str) -> Result<Side> {
        let (text, at_end) = text.strip_suffix("@end").map_or((text, false), |text| (text, true));
        let (metric, aggregate) = text.split_once(':').map_or((text, None), |(metric, name)| (metric, Some(name)));
        let aggregate = aggregate.map(Aggregation::parse).transpose()?;
        Ok(Side { metric: metric.trim().to_owned(), aggregate, at_end })
    }

    /// What is asked of the side for a question about the ratio.
    #[must_use]
    pub fn question(&self, question: &Question) -> Question {
        let show = self.aggregate.clone().into_iter().collect();
        let grain = question.grain.filter(|_| !self.at_end);
        Question { metric: self.metric.clone(), show, grain, ..question.clone() }
    }
}

impl Metric {
    /// What a ratio divides, and by what.
    ///
    /// # Errors
    /// When it is no ratio, or an aggregation is not known.
    pub fn sides(&self) -> Result<[Side; 2]> {
        let side = |text: &Option<String>| {
            let missing = || Error::invalid(&self.file, "a ratio needs `numerator` and `denominator`");
            text.as_deref().ok_or_else(missing).and_then(Side::parse)
        };
        Ok([side(&self.numerator)?, side(&self.denominator)?])
    }
}

/// One side and what it gave.
pub(super) struct Answered<'a> {
    pub side: &'a Side,
    pub answer: &'a Answer,
}

impl Answered<'_> {
    /// The row for a bucket and group; a side read at the end has one row for all buckets.
    fn row(&self, key: &Key) -> Option<&AnswerRow> {
        let bucket = key.0.filter(|_| !self.side.at_end);
        self.answer.rows.iter().find(|row| row.bucket == bucket && row.group == key.1)
    }

    fn keys(&self) -> impl Iterator<Item = Key> {
        self.answer.rows.iter().map(|row| (row.bucket, row.group.clone()))
    }
}

type Key = (Option<Instant>, Vec<Option<String>>);

/// One number divided by another; nothing where either is missing, or the divisor is 0.
pub(super) fn quotient(above: Option<f64>, below: Option<f64>) -> Option<f64> {
    above.zip(below.filter(|below| *below != 0.0)).map(|(above, below)| above / below)
}

/// Every bucket and group that either side knows, in order.
pub(super) fn divide(top: &Answered<'_>, bottom: &Answered<'_>) -> Vec<AnswerRow> {
    let sides = [top, bottom];
    let buckets: BTreeSet<_> =
        sides.iter().filter(|side| !side.side.at_end).flat_map(|side| side.keys().map(|key| key.0)).collect();
    let buckets = if buckets.is_empty() { BTreeSet::from([None]) } else { buckets };
    let groups: BTreeSet<_> = sides.iter().flat_map(|side| side.keys().map(|key| key.1)).collect();
    let mut rows = Vec::new();
    for bucket in buckets {
        for group in &groups {
            let key = (bucket, group.clone());
            let number = |row: Option<&AnswerRow>| row.and_then(|row| row.values.first().copied().flatten());
            let (above, below) = (top.row(&key), bottom.row(&key));
            let count = |of: fn(&AnswerRow) -> i64| above.map_or(0, of).max(below.map_or(0, of));
            rows.push(AnswerRow {
                values: vec![quotient(number(above), number(below))],
                contributions: count(|row| row.contributions),
                cases: count(|row| row.cases),
                bucket,
                group: key.1,
            });
        }
    }
    rows
}
