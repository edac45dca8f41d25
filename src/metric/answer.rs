//! The answer to a question: its numbers, and the counts of what they were computed from.

use std::collections::{BTreeMap, BTreeSet};

use super::aggregation::Aggregation;
use super::header::Metric;
use super::question::Question;
use super::unit::Unit;
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
    /// Where a case counts in several groups.
    pub overlap: Option<Overlap>,
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
    /// What a reader of groups that have cases in common should know; nothing where they have none.
    #[must_use]
    pub fn overlap_text(&self) -> Option<String> {
        let Overlap { dimensions, whole } = self.overlap.as_ref()?;
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
}

/// Adds the buckets and groups in which nothing happened, and empties those after the as-of, so that a gap is never
/// mistaken for a zero.
pub(super) fn fill(question: &Question, rows: &mut Vec<AnswerRow>, show: &[Aggregation], unit: &str) {
    let empty: Vec<Option<f64>> = show.iter().map(|shown| shown.is_zero_of_nothing(unit).then_some(0.0)).collect();
    let nothing = |bucket: Option<Instant>, group: &[Option<String>], values: Vec<Option<f64>>| AnswerRow {
        bucket,
        group: group.to_vec(),
        values,
        contributions: 0,
        cases: 0,
    };
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
        for bucket in question.range.buckets(grain) {
            for group in &groups {
                let values = if bucket.start <= question.as_of { empty.clone() } else { vec![None; show.len()] };
                let key = (Some(bucket.start), group.clone());
                rows.push(known.remove(&key).unwrap_or_else(|| nothing(Some(bucket.start), group, values)));
            }
        }
    }
    let order =
        |group: &[Option<String>]| group.iter().map(|value| (value.is_none(), value.clone())).collect::<Vec<_>>();
    rows.sort_by_key(|row| (row.bucket, order(&row.group)));
}
