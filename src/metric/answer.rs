//! The answer to a question: its numbers, and the counts of what they were computed from.

use std::collections::{BTreeMap, BTreeSet};

use super::aggregation::Aggregation;
use super::foremost::Foremost;
use super::header::{Metric, MetricKind};
use super::question::Question;
use super::unit::{Unit, number_text};
use crate::model::time::Instant;

/// One group of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerRow {
    pub bucket: Option<Instant>,
    pub group: Vec<Option<String>>,
    /// One number an aggregation; nothing where nothing was measured.
    pub values: Vec<Option<f64>>,
    pub contributions: i64,
    pub cases: i64,
}

/// The numbers, and the counts of what they were computed from.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub metric: Metric,
    pub show: Vec<Aggregation>,
    /// Ordered by bucket, then by dimension.
    pub rows: Vec<AnswerRow>,
    pub contributions: i64,
    pub cases: i64,
    /// Name and count of what each exclusion of the header left out.
    pub left_out: Vec<(String, i64)>,
    /// Counts are of distinct keys, so those of groups do not add up.
    pub distinct: bool,
    /// Distinct keys of all rows together, where counts are of those and there are groups or buckets.
    pub keys: Option<i64>,
    /// The values of contributions are of an integer type, and so are their sums.
    pub integral: bool,
    /// Where a case counts in several groups.
    pub overlap: Option<Overlap>,
    /// Cases behind it, where they are wanted: of the metric, or of both sides of a ratio.
    pub foremost: Vec<Foremost>,
}

/// Groups that have cases in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Overlap {
    /// The dimensions of which a case may have several values.
    pub dimensions: Vec<String>,
    /// One number an aggregation, of all groups and buckets together.
    pub whole: Vec<Option<f64>>,
}

impl Answer {
    /// The answer of a metric to which nothing contributed, without a row.
    pub(super) fn nothing(metric: &Metric, show: &[Aggregation]) -> Answer {
        Answer {
            metric: metric.clone(),
            show: show.to_vec(),
            rows: Vec::new(),
            contributions: 0,
            cases: 0,
            left_out: Vec::new(),
            distinct: false,
            keys: None,
            integral: false,
            overlap: None,
            foremost: Vec::new(),
        }
    }

    /// The answer to the same question about some of its aggregations.
    #[must_use]
    pub fn showing(&self, show: &[Aggregation]) -> Answer {
        let positions: Vec<usize> =
            show.iter().filter_map(|shown| self.show.iter().position(|known| known == shown)).collect();
        let of = |values: &[Option<f64>]| -> Vec<Option<f64>> {
            positions.iter().filter_map(|position| values.get(*position).copied()).collect()
        };
        let row = |row: &AnswerRow| AnswerRow { values: of(&row.values), ..row.clone() };
        let overlap = self.overlap.as_ref().map(|overlap| Overlap { whole: of(&overlap.whole), ..overlap.clone() });
        Answer { show: show.to_vec(), rows: self.rows.iter().map(row).collect(), overlap, ..self.clone() }
    }

    /// Whether an aggregation of the answer is an integer.
    #[must_use]
    pub fn is_integer(&self, shown: &Aggregation) -> bool {
        self.metric.read_as(shown).is_integer(self.integral)
    }

    /// Whether the numbers of groups may be added: counts may, but neither those of distinct keys, nor those of groups that
    /// have cases in common, nor medians. `shown` is the position of the aggregation.
    #[must_use]
    pub fn groups_add_up(&self, shown: usize) -> bool {
        match self.show.get(shown).map(|shown| self.metric.read_as(shown)) {
            _ if self.overlap.is_some() => false,
            Some(Aggregation::Count | Aggregation::PerDay) => !self.distinct,
            Some(Aggregation::Sum | Aggregation::Hours) => true,
            _ => false,
        }
    }

    /// Whether the numbers of buckets may be added: a stock that is read every day may not.
    #[must_use]
    pub fn buckets_add_up(&self, shown: usize) -> bool {
        self.groups_add_up(shown) && self.metric.kind == MetricKind::Flow
    }

    /// What a reader of rows that have cases in common should know; nothing where they have none.
    #[must_use]
    pub fn overlap_text(&self) -> Option<String> {
        let Some(Overlap { dimensions, whole }) = self.overlap.as_ref() else { return self.counted_in_several_rows() };
        let names: Vec<String> = dimensions.iter().map(|name| format!("`{name}`")).collect();
        let numbers = self.show.iter().zip(whole).map(|(shown, value)| {
            let unit = Unit::of(&self.metric, shown);
            format!("{} {}", shown.name(), unit.text(*value))
        });
        Some(format!(
            "a case counts under each of its values of {}, so the groups do not add up; all together: {}",
            names.join(" and "),
            numbers.collect::<Vec<_>>().join(", ")
        ))
    }

    /// The counts of distinct keys, of which a row has some in common with another. The readings of a stock are of different
    /// instants, so they have no sum to compare with.
    fn counted_in_several_rows(&self) -> Option<String> {
        let position = self.show.iter().position(|shown| *shown == Aggregation::Count)?;
        let whole = self.keys.filter(|_| self.metric.kind == MetricKind::Flow)?;
        // Counts are far below 2^53, where the conversions are exact.
        let sum: f64 = self.rows.iter().filter_map(|row| row.values.get(position).copied().flatten()).sum();
        (sum != whole as f64).then(|| {
            let (sum, whole) = (number_text(sum), number_text(whole as f64));
            format!("what counts once is in several rows, whose counts add up to {sum}; all together: count {whole}")
        })
    }
}

/// What stands where nothing contributed: 0 where something is counted; nothing where it is measured, and before the range
/// or the bucket has begun.
pub(super) fn values_of_nothing(
    question: &Question,
    show: &[Aggregation],
    metric: &Metric,
    bucket: Option<Instant>,
) -> Vec<Option<f64>> {
    let begins = bucket.map_or(question.range.from, |bucket| bucket.max(question.range.from));
    show.iter().map(|shown| metric.of_nothing(shown).filter(|_| begins <= question.as_of)).collect()
}

/// What groups are ordered by: a missing value comes last.
pub(super) fn group_order(group: &[Option<String>]) -> Vec<(bool, Option<String>)> {
    group.iter().map(|value| (value.is_none(), value.clone())).collect()
}

/// Adds the buckets and groups in which nothing happened, and empties those after the as-of, so that a gap is never
/// mistaken for a zero.
pub(super) fn fill(question: &Question, rows: &mut Vec<AnswerRow>, show: &[Aggregation], metric: &Metric) {
    if question.as_of < question.range.from {
        rows.iter_mut().for_each(|row| row.values.fill(None));
    }
    if let Some(grain) = question.grain {
        let mut groups: BTreeSet<Vec<Option<String>>> = rows.iter().map(|row| row.group.clone()).collect();
        if question.by.is_empty() {
            groups.insert(Vec::new());
        }
        let mut known: BTreeMap<_, AnswerRow> =
            rows.drain(..).map(|row| ((row.bucket, row.group.clone()), row)).collect();
        for bucket in question.range.buckets(grain).into_iter().map(|bucket| Some(bucket.start)) {
            for group in &groups {
                let nothing = || AnswerRow {
                    bucket,
                    group: group.clone(),
                    values: values_of_nothing(question, show, metric, bucket),
                    contributions: 0,
                    cases: 0,
                };
                rows.push(known.remove(&(bucket, group.clone())).unwrap_or_else(nothing));
            }
        }
    }
    rows.sort_by_key(|row| (row.bucket, group_order(&row.group)));
}
