//! The parts that charts over buckets and over groups share: their axes, their series and the table of the same numbers.

use super::request::{Built, Request};
use crate::metric::answer::Answer;
use crate::metric::unit::Unit;
use crate::report::chart::Chart;
use crate::report::chart::series::{Axis, Categories, Series};
use crate::report::page::Body;
use crate::report::scale::axis;
use crate::report::table::{Column, Key, Row, Table};
use crate::report::value::Value;

/// At most this many labels on a horizontal axis.
const TICKS_MAX: usize = 10;

/// The numbers of a chart, by category and series.
pub(super) struct Numbers {
    pub key: Key,
    pub categories: Vec<Value>,
    pub series: Vec<Series>,
    /// The columns of the table, one for each series.
    pub columns: Vec<Column>,
    /// The unit of the vertical axis.
    pub unit: Unit,
    /// What is not drawn.
    pub left_out: Vec<String>,
}

impl Numbers {
    pub fn x(&self) -> Categories {
        let every = self.categories.len().div_ceil(TICKS_MAX).max(1);
        let ticks = (0..self.categories.len()).step_by(every).collect();
        Categories { key: self.key.clone(), values: self.categories.clone(), ticks }
    }

    /// An axis that holds all numbers, and `at_least` that one.
    pub fn y(&self, stacked: bool, at_least: f64) -> Axis {
        let heights = (0..self.categories.len()).map(|at| {
            let numbers = self.series.iter().map(|series| series.number(at).unwrap_or(0.0));
            if stacked { numbers.sum::<f64>() } else { numbers.fold(0.0, f64::max) }
        });
        axis(heights.fold(at_least, f64::max), &self.unit)
    }

    fn table(&self) -> Table {
        let row = |(at, category): (usize, &Value)| {
            let values = self.series.iter().map(|series| Value::of(series.number(at), &series.unit)).collect();
            Row { keys: vec![category.clone()], values }
        };
        Table {
            keys: vec![self.key.clone()],
            columns: self.columns.clone(),
            rows: self.categories.iter().enumerate().map(row).collect(),
        }
    }

    pub fn widget(self, request: &Request<'_>, answer: Answer, chart: Chart) -> Built {
        let what = request.what(&answer);
        let mut built = request.widget(&what, &[answer], Body::Chart(chart), self.table());
        built.widget.left_out.extend(self.left_out);
        built
    }
}

/// The column of an aggregation of an answer. Its name is that of the metric, and of the aggregation where that is not the
/// one of the metric's header.
pub(super) fn column(answer: &Answer, shown: usize, heading: &str, adds_up: bool) -> Column {
    let aggregation = answer.show.get(shown);
    let own = aggregation.filter(|shown| shown.name() != answer.metric.aggregate);
    let name = own.map_or_else(|| answer.metric.name.clone(), |own| format!("{}_{}", answer.metric.name, own.name()));
    let is_integer = aggregation.is_some_and(|shown| answer.is_integer(shown));
    Column { is_integer, adds_up, ..Column::new(name, heading, unit_of(answer, shown)) }
}

/// The unit of an aggregation of an answer.
pub(super) fn unit_of(answer: &Answer, shown: usize) -> Unit {
    answer.show.get(shown).map_or(Unit::Count(answer.metric.unit.clone()), |shown| Unit::of(&answer.metric, shown))
}
