//! A table with a row for each value of a dimension and a column for each number.

use std::collections::BTreeMap;

use super::build::Asking;
use super::frame::NOBODY;
use super::page::{Align, Body, Column, Table, Widget};
use crate::error::{Error, Result};
use crate::metric::question::Answer;
use crate::metric::unit::Unit;

/// One column of numbers.
struct Numbers {
    heading: String,
    unit: Unit,
    by_group: BTreeMap<String, f64>,
    /// What a group without a number shows: 0 of counts, nothing of durations.
    nothing: Option<f64>,
}

/// The widget whose table is the widget.
pub(super) async fn build(asking: &Asking<'_>) -> Result<Widget> {
    let mut columns = Vec::new();
    let mut answers = Vec::new();
    for metric in &asking.plan.metrics {
        let answer = asking.sources.answer(&asking.question(metric, &asking.plan.by, asking.plan.grain)).await?;
        columns.extend(numbers(&metric.title, &answer, asking));
        answers.push(answer);
    }
    let Some(first) = answers.iter().max_by_key(|answer| answer.cases) else {
        return Err(Error::refused("a table names no metric"));
    };
    let table = lay_out(asking, &columns);
    let mut widget = asking.widget(first, Body::Table, table);
    let by: Vec<&str> = asking.plan.by.iter().map(|dimension| dimension.name.as_str()).collect();
    widget.caption = asking.caption(&format!("by {}", by.join(", ")), first.cases);
    Ok(widget)
}

fn numbers(title: &str, answer: &Answer, asking: &Asking<'_>) -> Vec<Numbers> {
    let several = answer.show.len() > 1;
    let column = |(position, shown): (usize, &crate::metric::aggregation::Aggregation)| Numbers {
        heading: if several { format!("{title} {}", shown.name()) } else { title.to_owned() },
        unit: Unit::of(&answer.metric, shown),
        by_group: answer
            .rows
            .iter()
            .filter_map(|row| Some((group_name(row, asking), row.values.get(position).copied().flatten()?)))
            .collect(),
        nothing: shown.is_zero_of_nothing().then_some(0.0),
    };
    answer.show.iter().enumerate().map(column).collect()
}

fn group_name(row: &crate::metric::question::AnswerRow, asking: &Asking<'_>) -> String {
    let bucket = row.bucket.map(|bucket| asking.label(bucket, asking.grain()));
    let values = row.group.iter().map(|value| value.clone().unwrap_or_else(|| NOBODY.to_owned()));
    bucket.into_iter().chain(values).collect::<Vec<_>>().join(" · ")
}

fn lay_out(asking: &Asking<'_>, columns: &[Numbers]) -> Table {
    let mut groups: Vec<&String> = columns.iter().flat_map(|column| column.by_group.keys()).collect();
    groups.sort_by_key(|group| (group.as_str() == NOBODY, group.as_str()));
    groups.dedup();
    let by: Vec<String> = asking.plan.by.iter().map(|dimension| dimension.name.clone()).collect();
    let mut headings = vec![Column { heading: by.join(" · "), align: Align::Left }];
    headings.extend(columns.iter().map(|column| Column { heading: column.heading.clone(), align: Align::Right }));
    let row = |group: &&String| {
        let cells =
            columns.iter().map(|column| column.unit.text(column.by_group.get(*group).copied().or(column.nothing)));
        let name = if group.as_str() == NOBODY { "nobody".to_owned() } else { (*group).clone() };
        std::iter::once(name).chain(cells).collect()
    };
    Table { columns: headings, rows: groups.iter().map(row).collect() }
}
