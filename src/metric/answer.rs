//! The answer to a question: its numbers, and the counts of what they were computed from.

use std::collections::{BTreeMap, BTreeSet};

use super::aggregation::Aggregation;
use super::header::Metric;
use super::question::Question;
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
