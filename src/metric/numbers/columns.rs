//! The columns of an answer: the same for machines (8.2) and for people, who read numbers in their units.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use jiff::tz::TimeZone;

use super::asked::Asked;
use crate::error::Result;
use crate::metric::aggregation::Aggregation;
use crate::metric::compare::{AlignedRow, Cell, Reading, align, change, percent};
use crate::metric::range::Grain;
use crate::metric::unit::{Unit, percent_text};
use crate::model::time::Instant;

/// What has no value, for people.
const MISSING: &str = "–";

/// A column of an answer.
pub struct Column {
    name: String,
    /// The name for people, where it is another.
    title: Option<String>,
    values: Values,
    /// Whether its numbers are parts of one sum.
    adds_up: bool,
}

enum Values {
    Buckets { grain: Grain, zone: TimeZone, starts: Vec<Option<Instant>> },
    Group(Vec<Option<String>>),
    Numbers { form: Form, is_integer: bool, numbers: Vec<Option<f64>> },
    Tally(Vec<Option<i64>>),
}

/// How people read a number.
enum Form {
    In(Unit),
    /// A difference, in the unit.
    Change(Unit),
    /// A change in percent.
    Percent,
}

impl Column {
    fn new(name: String, values: Values) -> Column {
        Column { name, title: None, values, adds_up: false }
    }

    /// The name in every machine format, and the one in a table for people.
    pub fn names(&self) -> (&str, &str) {
        (&self.name, self.title.as_deref().unwrap_or(&self.name))
    }

    /// Whether its numbers are milliseconds.
    pub fn is_duration(&self) -> bool {
        matches!(&self.values, Values::Numbers { form: Form::In(Unit::Duration) | Form::Change(Unit::Duration), .. })
    }

    /// The sum of some rows in words, such as `count 12`; nothing where rows do not add up.
    pub fn sum_text(&self, rows: &[usize]) -> Option<String> {
        let Values::Numbers { form, numbers, .. } = &self.values else { return None };
        let numbers = rows.iter().filter_map(|row| numbers.get(*row).copied().flatten());
        self.adds_up.then(|| format!("{} {}", self.name, form.text(Some(numbers.sum()))))
    }
}

/// The columns of an answer, and of the answers about earlier ranges beside it.
pub fn columns(asked: &[Asked]) -> Vec<Column> {
    let readings: Vec<Reading<'_>> = asked.iter().map(Asked::reading).collect();
    let rows = align(&readings);
    let Some(first) = asked.first() else { return Vec::new() };
    let mut columns: Vec<Column> = asked.iter().enumerate().filter_map(|(n, asked)| buckets(asked, &rows, n)).collect();
    for (position, dimension) in first.question.by.iter().enumerate() {
        let groups = rows.iter().map(|row| row.group.get(position).cloned().flatten()).collect();
        columns.push(Column::new(dimension.name.clone(), Values::Group(groups)));
    }
    for (position, shown) in first.answer.show.iter().enumerate() {
        columns.extend(numbers(asked, &rows, position, shown));
    }
    for (n, asked) in asked.iter().enumerate() {
        let tally = |name: &str, count: fn(&Cell) -> Option<i64>| {
            let counts = rows.iter().map(|row| row.cells.get(n).and_then(count)).collect();
            Column::new(asked.column(name), Values::Tally(counts))
        };
        columns.extend([tally("contributions", |cell| cell.contributions), tally("cases", |cell| cell.cases)]);
    }
    columns
}

/// The first instants of the buckets of the `n`th range.
fn buckets(asked: &Asked, rows: &[AlignedRow], n: usize) -> Option<Column> {
    let grain = asked.question.grain?;
    let starts = rows.iter().map(|row| row.cells.get(n).and_then(|cell| cell.bucket)).collect();
    let zone = asked.question.range.zone().clone();
    let values = Values::Buckets { grain, zone, starts };
    Some(Column { title: Some(asked.column(grain.name())), ..Column::new(asked.column("bucket"), values) })
}

/// One aggregation: its number in each range, and how far it moved since each earlier one.
fn numbers(asked: &[Asked], rows: &[AlignedRow], position: usize, shown: &Aggregation) -> Vec<Column> {
    let mut columns = Vec::new();
    let of = |n: usize| -> Vec<Option<f64>> {
        let number = |row: &AlignedRow| row.cells.get(n)?.values.get(position).copied().flatten();
        rows.iter().map(number).collect()
    };
    let now = of(0);
    for (n, asked) in asked.iter().enumerate() {
        let (name, unit) = (asked.column(shown.name()), Unit::of(&asked.answer.metric, shown));
        let is_integer = asked.answer.is_integer(shown);
        let adds_up = asked.adds_up(position);
        let then = of(n);
        let moved = |by: fn(Option<f64>, Option<f64>) -> Option<f64>| -> Vec<Option<f64>> {
            now.iter().zip(&then).map(|(now, then)| by(*now, *then)).collect()
        };
        let mut more = Vec::new();
        match unit {
            _ if asked.compare.is_none() => {}
            Unit::Share => {
                let points = |now, then| change(now, then).map(|change| change * 100.0);
                more.push(("points", Form::Change(Unit::Share), false, moved(points)));
            }
            Unit::Duration | Unit::Count(_) => {
                more.push(("change", Form::Change(unit.clone()), is_integer, moved(change)));
                more.push(("percent", Form::Percent, false, moved(percent)));
            }
        }
        let column = |name, form, is_integer, numbers| Column::new(name, Values::Numbers { form, is_integer, numbers });
        let more = more
            .into_iter()
            .map(|(what, form, is_integer, numbers)| column(format!("{name}_{what}"), form, is_integer, numbers))
            .collect::<Vec<_>>();
        columns.push(Column { adds_up, ..column(name, Form::In(unit), is_integer, then) });
        columns.extend(more);
    }
    columns
}

/// The rows for machines.
pub fn for_machines(columns: &[Column]) -> Result<RecordBatch> {
    Ok(RecordBatch::try_from_iter(columns.iter().map(|column| (column.name.as_str(), column.values.for_machines())))?)
}

/// The rows for people: durations and shares in words, instants in the range's zone.
pub fn for_people(columns: &[Column]) -> Result<RecordBatch> {
    Ok(RecordBatch::try_from_iter(columns.iter().map(|column| (column.names().1, column.values.for_people())))?)
}

impl Values {
    fn for_machines(&self) -> ArrayRef {
        match self {
            Values::Buckets { starts, .. } => {
                let starts: TimestampMillisecondArray = starts.iter().map(|start| start.map(|start| start.0)).collect();
                Arc::new(starts.with_timezone("UTC"))
            }
            Values::Group(values) => Arc::new(values.iter().cloned().collect::<StringArray>()),
            // Exact below 2^53: sums of milliseconds are, up to 285,000 years.
            Values::Numbers { is_integer: true, numbers, .. } => {
                Arc::new(numbers.iter().map(|number| number.map(|number| number as i64)).collect::<Int64Array>())
            }
            Values::Numbers { numbers, .. } => Arc::new(numbers.iter().copied().collect::<Float64Array>()),
            Values::Tally(counts) => Arc::new(counts.iter().copied().collect::<Int64Array>()),
        }
    }

    fn for_people(&self) -> ArrayRef {
        let texts: StringArray = match self {
            Values::Buckets { grain, zone, starts } => {
                let text = |start: &Option<Instant>| {
                    start.map_or_else(|| MISSING.to_owned(), |start| bucket_text(start, *grain, zone))
                };
                starts.iter().map(|start| Some(text(start))).collect()
            }
            Values::Group(values) => values.iter().map(|value| Some(value.as_deref().unwrap_or(MISSING))).collect(),
            Values::Numbers { form, numbers, .. } => numbers.iter().map(|number| Some(form.text(*number))).collect(),
            Values::Tally(counts) => counts
                .iter()
                .map(|count| Some(count.map_or_else(|| MISSING.to_owned(), |count| count.to_string())))
                .collect(),
        };
        Arc::new(texts)
    }
}

impl Form {
    fn text(&self, number: Option<f64>) -> String {
        match (self, number) {
            (Form::In(unit), number) => unit.text(number),
            // What moved by points is in points already.
            (Form::Change(Unit::Share), Some(points)) => Unit::Share.difference_text(points / 100.0),
            (Form::Change(unit), Some(number)) => unit.difference_text(number),
            (Form::Change(_), None) => MISSING.to_owned(),
            (Form::Percent, number) => percent_text(number),
        }
    }
}

/// A bucket's name in its zone.
fn bucket_text(start: Instant, grain: Grain, zone: &TimeZone) -> String {
    let local = start.to_local(zone);
    let pattern = match grain {
        Grain::Hour => "%Y-%m-%d %H:%M",
        Grain::Day => "%a %Y-%m-%d",
        Grain::Week => "%G-W%V",
        Grain::Month => "%Y-%m",
        Grain::Quarter => return format!("{}-Q{}", local.year(), (local.month() - 1) / 3 + 1),
        Grain::Year => "%Y",
    };
    local.strftime(pattern).to_string()
}
