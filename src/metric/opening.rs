//! The opening stock: what a stock was just before a range, and before each of its buckets.

use std::collections::BTreeMap;

use super::aggregation::Aggregation;
use super::answer::{Answer, AnswerRow, values_of_nothing};
use super::header::Metric;
use super::question::Question;
use crate::model::time::Instant;

/// Which columns of an answer are opening stocks, and the stock just before the range.
pub(super) struct Openings<'a> {
    /// The positions of the columns.
    positions: Vec<usize>,
    /// The answer at the last millisecond before the range; nothing where that is after the as-of.
    before: Option<&'a Answer>,
}

impl<'a> Openings<'a> {
    pub fn new(show: &[Aggregation], before: Option<&'a Answer>) -> Openings<'a> {
        let is_opening =
            |(position, shown): (usize, &Aggregation)| (*shown == Aggregation::Opening).then_some(position);
        Openings { positions: show.iter().enumerate().filter_map(is_opening).collect(), before }
    }

    /// Adds a row for each group that was part of the stock just before the range and is not part of it any more. `read` has
    /// the aggregations by which the stock is read.
    pub fn add_groups(&self, question: &Question, read: &[Aggregation], metric: &Metric, rows: &mut Vec<AnswerRow>) {
        let first = question.grain.and_then(|grain| question.range.buckets(grain).first().map(|bucket| bucket.start));
        for group in self.before.iter().flat_map(|answer| &answer.rows).map(|row| &row.group) {
            if rows.iter().all(|row| row.group != *group) {
                let values = values_of_nothing(question, read, metric, first);
                rows.push(AnswerRow { bucket: first, group: group.clone(), values, contributions: 0, cases: 0 });
            }
        }
    }

    /// Puts the opening stocks into their columns, which have the closing ones: the stock at the end of a bucket is the opening
    /// stock of the next. The rows are in the order of their buckets.
    pub fn put(&self, question: &Question, read: &[Aggregation], metric: &Metric, rows: &mut [AnswerRow]) {
        let Some(before) = self.before else {
            for row in rows {
                self.set(row, |_| None);
            }
            return;
        };
        let nothing = read.iter().map(|shown| metric.of_nothing(shown)).collect::<Vec<_>>();
        let mut last: BTreeMap<Vec<Option<String>>, Vec<Option<f64>>> = before
            .rows
            .iter()
            .map(|row| (row.group.clone(), vec![row.values.first().copied().flatten(); read.len()]))
            .collect();
        for row in rows {
            let closing = row.values.clone();
            let opening = last.insert(row.group.clone(), closing).unwrap_or_else(|| nothing.clone());
            let begins = row.bucket.map_or(question.range.from, |bucket| bucket.max(question.range.from));
            let is_known = begins <= question.as_of.plus_ms(1);
            self.set(row, |position| opening.get(position).copied().flatten().filter(|_| is_known));
        }
    }

    fn set(&self, row: &mut AnswerRow, value: impl Fn(usize) -> Option<f64>) {
        for position in &self.positions {
            if let Some(cell) = row.values.get_mut(*position) {
                *cell = value(*position);
            }
        }
    }
}

/// The question about the stock at the last millisecond before the range; nothing where that is after the as-of.
pub(super) fn question_before(question: &Question, aggregation: Aggregation) -> Option<Question> {
    let before: Instant = question.range.from.plus_ms(-1);
    let range = question.range.day_before();
    (before <= question.as_of).then(|| Question { range, grain: None, show: vec![aggregation], ..question.clone() })
}
