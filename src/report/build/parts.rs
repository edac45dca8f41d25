//! The parts of a widget: where in its table a contribution counts, and what lists the cases of one row or column.

use super::histogram;
use super::request::Request;
use super::series::is_rest;
use crate::metric::filter;
use crate::metric::range::Grain;
use crate::model::time::Instant;
use crate::report::cases::{CasesRequest, Narrowing, Place};
use crate::report::dashboard::{Groups, MetricPlan};
use crate::report::table::{Key, Table};
use crate::report::value::{Bucket, Value};

/// A widget with its table.
pub(super) struct Parts<'a> {
    pub request: &'a Request<'a>,
    pub table: &'a Table,
}

/// A way in which a widget is cut into parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Each row is a group.
    Groups,
    /// Each column of numbers is a group.
    Columns,
    /// Each row is a bucket.
    Buckets,
    /// Each number is a cell.
    Cells,
}

impl Cut {
    /// The part to which a place belongs.
    pub fn part(self, place: Place) -> Place {
        match self {
            Cut::Groups | Cut::Buckets => Place { column: None, ..place },
            Cut::Columns => Place { row: None, ..place },
            Cut::Cells => place,
        }
    }

    /// Whether the parts have names.
    pub fn is_of_groups(self) -> bool {
        matches!(self, Cut::Groups | Cut::Columns)
    }
}

impl Parts<'_> {
    fn chart(&self) -> &'static str {
        self.request.plan.chart.name
    }

    /// Whether each row is one of the metrics.
    pub fn are_metrics(&self) -> bool {
        matches!(self.chart(), "number" | "funnel")
    }

    /// Whether each column of numbers is a group.
    fn are_columns_groups(&self) -> bool {
        let plan = self.request.plan;
        plan.chart.groups == Groups::Top && plan.has_buckets() && !plan.by.is_empty()
    }

    /// The ways in which it is cut, the first first.
    pub fn cuts(&self) -> Vec<Cut> {
        match self.chart() {
            "histogram" => Vec::new(),
            "heatmap" => vec![Cut::Cells],
            _ if self.are_columns_groups() => vec![Cut::Columns, Cut::Buckets],
            _ if self.table.keys.iter().any(|key| key.grain.is_some()) => vec![Cut::Buckets],
            _ => vec![Cut::Groups],
        }
    }

    /// The dimensions that a listed case has values of.
    pub fn dimensions(&self) -> Vec<Key> {
        let by = &self.request.plan.by;
        let used = match self.request.plan.chart.groups {
            Groups::None => 0,
            Groups::Top => 1,
            Groups::All => by.len(),
        };
        by.iter().take(used).map(Key::dimension).collect()
    }

    /// Where a contribution to the metric at that position counts.
    pub fn place(&self, metric: usize, bucket: Option<Instant>, groups: &[Value], value: f64) -> Place {
        let number = |at: usize| groups.get(at).and_then(|group| group.text().parse::<usize>().ok());
        match self.chart() {
            "number" | "funnel" => Place { row: Some(metric), column: None },
            "gauge" => Place { row: Some(0), column: None },
            "histogram" => Place { row: Some(histogram::class(value)), column: None },
            "heatmap" => Place { row: number(0).and_then(|day| day.checked_sub(1)), column: number(1) },
            _ if self.are_columns_groups() => {
                Place { row: self.row_of(bucket, &[]), column: groups.first().and_then(|group| self.column_of(group)) }
            }
            _ => Place { row: self.row_of(bucket, groups), column: None },
        }
    }

    /// The row of a bucket and groups. A stock is listed as it is at the end of the last bucket that has begun.
    fn row_of(&self, bucket: Option<Instant>, groups: &[Value]) -> Option<usize> {
        let range = &self.request.sources.range;
        let last = self.request.sources.as_of().min(range.to.plus_ms(-1));
        let start = |grain: Grain| bucket.unwrap_or_else(|| grain.bucket(last, range.zone()).start);
        let is_row = |values: &[Value]| {
            let mut groups = groups.iter();
            self.table.keys.iter().zip(values).all(|(key, value)| match (key.grain, value) {
                (Some(grain), Value::Bucket(bucket)) => bucket.start == start(grain),
                _ => groups.next() == Some(value),
            })
        };
        let rest = || self.table.rows.iter().rposition(|row| row.keys.first().is_some_and(is_rest));
        self.table.rows.iter().position(|row| is_row(&row.keys)).or_else(rest)
    }

    fn column_of(&self, group: &Value) -> Option<usize> {
        let name = self.dimensions().first().map(|key| key.text(group))?;
        let columns = || self.table.columns.iter();
        let rest = || columns().rposition(|column| is_rest(&Value::Text(column.heading.clone())));
        columns().position(|column| column.heading == name).or_else(rest)
    }

    /// What the requests have for each row.
    pub fn of_rows(&self) -> Vec<Narrowing> {
        let row = |(at, keys): (usize, &Vec<Value>)| match self.chart() {
            "number" | "funnel" => {
                let metric = self.request.plan.metrics.get(at);
                Narrowing { requests: self.request.requests_of(metric), ..Narrowing::default() }
            }
            "gauge" => Narrowing::default(),
            "histogram" => Narrowing::filters([histogram::filter_of(at)]),
            "heatmap" => Narrowing::filters([format!("day_of_week={}", at + 1)]),
            _ => self.of_keys(keys),
        };
        self.table.rows.iter().map(|row| &row.keys).enumerate().map(row).collect()
    }

    fn of_keys(&self, keys: &[Value]) -> Narrowing {
        let mut narrowing = Narrowing::default();
        for (key, value) in self.table.keys.iter().zip(keys) {
            match value {
                Value::Bucket(bucket) => narrowing.range = Some(self.range_of(bucket)),
                rest if is_rest(rest) => {}
                group => narrowing.filters.push(filter_of(key, group)),
            }
        }
        narrowing
    }

    fn range_of(&self, bucket: &Bucket) -> String {
        let range = &self.request.sources.range;
        range.part(bucket.grain.bucket(bucket.start, range.zone())).typed()
    }

    /// What the requests have for each column of numbers, where these are groups or hours.
    pub fn of_columns(&self) -> Vec<Narrowing> {
        let columns = self.table.columns.iter().map(|column| column.heading.as_str());
        if self.chart() == "heatmap" {
            return columns.map(|hour| Narrowing::filters([format!("hour_of_day={hour}")])).collect();
        }
        let Some(key) = self.dimensions().into_iter().next().filter(|_| self.are_columns_groups()) else {
            return Vec::new();
        };
        let group = |heading: &str| match heading {
            missing if missing == key.missing => Value::Missing,
            name => Value::Text(name.to_owned()),
        };
        let narrowing = |value: Value| match is_rest(&value) {
            true => Narrowing::default(),
            false => Narrowing::filters([filter_of(&key, &value)]),
        };
        columns.map(group).map(narrowing).collect()
    }

    /// The requests for each column of numbers, where the columns of a table are those of several metrics.
    pub fn of_metrics(&self) -> Vec<Vec<CasesRequest>> {
        let plan = self.request.plan;
        if self.chart() != "table" || plan.metrics.len() < 2 {
            return Vec::new();
        }
        // Beside each number that of another range, and the change.
        let beside = if plan.compare.is_some() { 2 } else { 0 };
        let of_metric = |metric: &MetricPlan| {
            let number = self.request.requests_of([metric]);
            let columns = std::iter::once(number).chain(std::iter::repeat_n(Vec::new(), beside)).collect::<Vec<_>>();
            std::iter::repeat_n(columns, metric.show.len().max(1)).flatten()
        };
        plan.metrics.iter().flat_map(of_metric).collect()
    }
}

/// The filter by a group, as it is typed.
fn filter_of(key: &Key, group: &Value) -> String {
    let value = (*group != Value::Missing).then(|| group.text());
    filter::text_of(&key.name, value.as_deref())
}
