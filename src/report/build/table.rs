//! A table with a row for each bucket and value of a dimension, and a column for each number.

use std::collections::{BTreeMap, BTreeSet};

use super::request::Request;
use crate::error::Result;
use crate::metric::aggregation::Aggregation;
use crate::metric::answer::{Answer, AnswerRow};
use crate::metric::unit::Unit;
use crate::model::time::Instant;
use crate::report::page::{Body, Widget};
use crate::report::table::{Column, Key, Row, Table};
use crate::report::value::Value;

/// What a row is about: its bucket, and a value for each dimension; what has none comes last.
type RowKey = (Option<Instant>, Vec<(bool, String)>);

/// One column of numbers.
struct Numbers {
    column: Column,
    unit: Unit,
    by_key: BTreeMap<RowKey, Option<f64>>,
    /// The number of a group without contributions: 0 for counts, nothing for durations.
    default: Option<f64>,
}

/// The widget whose body is its table.
pub(super) async fn build(request: &Request<'_>) -> Result<Widget> {
    let mut columns = Vec::new();
    let mut answers = Vec::new();
    for metric in &request.plan.metrics {
        let answer = request.sources.answer(&request.question(metric, &request.plan.by, request.plan.grain)).await?;
        columns.extend(numbers(&metric.title, &answer, request.plan.grain.is_some()));
        answers.push(answer);
    }
    let keys: Vec<Key> =
        request.plan.grain.map(Key::bucket).into_iter().chain(request.plan.by.iter().map(Key::dimension)).collect();
    let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
    let what = if names.is_empty() { "all together".to_owned() } else { format!("by {}", names.join(", ")) };
    let rows = rows(request, &columns);
    let table = Table { keys, columns: columns.into_iter().map(|numbers| numbers.column).collect(), rows };
    Ok(request.widget(&what, &answers, Body::Table, table))
}

fn numbers(title: &str, answer: &Answer, over_time: bool) -> Vec<Numbers> {
    let several = answer.show.len() > 1;
    let column = |(position, shown): (usize, &Aggregation)| {
        let unit = Unit::of(&answer.metric, shown);
        let heading = if several { format!("{title} {}", shown.name()) } else { title.to_owned() };
        let adds_up = if over_time { answer.buckets_add_up(position) } else { answer.groups_add_up(position) };
        Numbers {
            column: Column { adds_up, ..Column::new(heading, unit.clone()) },
            unit,
            by_key: answer.rows.iter().map(|row| (key(row), row.values.get(position).copied().flatten())).collect(),
            default: answer.metric.of_nothing(shown),
        }
    };
    answer.show.iter().enumerate().map(column).collect()
}

fn key(row: &AnswerRow) -> RowKey {
    let value = |value: &Option<String>| (value.is_none(), value.clone().unwrap_or_default());
    (row.bucket, row.group.iter().map(value).collect())
}

fn rows(request: &Request<'_>, columns: &[Numbers]) -> Vec<Row> {
    let keys: BTreeSet<&RowKey> = columns.iter().flat_map(|numbers| numbers.by_key.keys()).collect();
    let row = |key: &RowKey| {
        // A bucket after the as-of has no number, not 0.
        let has_begun = key.0.is_none_or(|bucket| bucket <= request.sources.as_of());
        let value = |numbers: &Numbers| {
            let default = numbers.default.filter(|_| has_begun);
            Value::of(numbers.by_key.get(key).copied().unwrap_or(default), &numbers.unit)
        };
        Row { keys: key_values(request, key), values: columns.iter().map(value).collect() }
    };
    keys.into_iter().map(row).collect()
}

fn key_values(request: &Request<'_>, (bucket, group): &RowKey) -> Vec<Value> {
    let bucket = bucket.map(|start| request.bucket(start, request.grain()));
    let groups = group.iter().map(|(is_missing, value)| match is_missing {
        true => Value::Missing,
        false => Value::Text(value.clone()),
    });
    bucket.into_iter().chain(groups).collect()
}
