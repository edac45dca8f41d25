//! A table with a row for each bucket and value of a dimension, and a column for each number.

use std::collections::{BTreeMap, BTreeSet};

use super::build::Asking;
use super::chart::heading;
use super::frame::nothing_label;
use super::page::{Align, Body, Column, Table, Widget};
use crate::error::Result;
use crate::metric::aggregation::Aggregation;
use crate::metric::question::{Answer, AnswerRow};
use crate::metric::unit::Unit;
use crate::model::time::Instant;

/// What a row is about: its bucket, and a value for each dimension; what has none comes last.
type Key = (Option<Instant>, Vec<(bool, String)>);

/// One column of numbers.
struct Numbers {
    heading: String,
    unit: Unit,
    by_key: BTreeMap<Key, Option<f64>>,
    /// What a group without a number shows: 0 of counts, nothing of durations.
    nothing: Option<f64>,
}

/// The widget whose table is the widget.
pub(super) async fn build(asking: &Asking<'_>) -> Result<Widget> {
    let mut columns = Vec::new();
    let mut answers = Vec::new();
    for metric in &asking.plan.metrics {
        let answer = asking.sources.answer(&asking.question(metric, &asking.plan.by, asking.plan.grain)).await?;
        columns.extend(numbers(&metric.title, &answer));
        answers.push(answer);
    }
    let cut = cut_by(asking);
    let what = if cut.is_empty() { "all together".to_owned() } else { format!("by {}", cut.join(", ")) };
    Ok(asking.widget(&what, &answers, Body::Table, lay_out(asking, &columns, &cut)))
}

/// The grain and the dimensions that the rows are cut by.
fn cut_by<'a>(asking: &'a Asking<'_>) -> Vec<&'a str> {
    let grain = asking.plan.grain.map(|grain| grain.name());
    grain.into_iter().chain(asking.plan.by.iter().map(|dimension| dimension.name.as_str())).collect()
}

fn numbers(title: &str, answer: &Answer) -> Vec<Numbers> {
    let several = answer.show.len() > 1;
    let column = |(position, shown): (usize, &Aggregation)| Numbers {
        heading: if several { format!("{title} {}", shown.name()) } else { title.to_owned() },
        unit: Unit::of(&answer.metric, shown),
        by_key: answer.rows.iter().map(|row| (key(row), row.values.get(position).copied().flatten())).collect(),
        nothing: shown.is_zero_of_nothing(&answer.metric.unit).then_some(0.0),
    };
    answer.show.iter().enumerate().map(column).collect()
}

fn key(row: &AnswerRow) -> Key {
    let value = |value: &Option<String>| (value.is_none(), value.clone().unwrap_or_default());
    (row.bucket, row.group.iter().map(value).collect())
}

fn lay_out(asking: &Asking<'_>, columns: &[Numbers], cut: &[&str]) -> Table {
    let keys: BTreeSet<&Key> = columns.iter().flat_map(|column| column.by_key.keys()).collect();
    let mut headings = vec![Column { heading: heading(&cut.join(" · ")), align: Align::Left }];
    headings.extend(columns.iter().map(|column| Column { heading: column.heading.clone(), align: Align::Right }));
    let row = |key: &Key| {
        // A bucket after the as-of is empty, not nought.
        let has_begun = key.0.is_none_or(|bucket| bucket <= asking.sources.as_of());
        let nothing = |column: &Numbers| column.nothing.filter(|_| has_begun);
        let value = |column: &Numbers| column.by_key.get(key).copied().unwrap_or(nothing(column));
        let cells = columns.iter().map(|column| column.unit.text(value(column)));
        std::iter::once(label(asking, key)).chain(cells).collect()
    };
    Table { columns: headings, rows: keys.into_iter().map(row).collect() }
}

fn label(asking: &Asking<'_>, (bucket, group): &Key) -> String {
    let bucket = bucket.map(|bucket| asking.label(bucket, asking.grain()));
    let named = group.iter().zip(&asking.plan.by).map(|((is_nothing, value), dimension)| {
        if *is_nothing { nothing_label(dimension).to_owned() } else { value.clone() }
    });
    let parts: Vec<String> = bucket.into_iter().chain(named).collect();
    if parts.is_empty() { "all".to_owned() } else { parts.join(" · ") }
}
