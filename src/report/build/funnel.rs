//! Counts one below the other, each as a part of the first.

use super::request::{Built, Request};
use crate::error::{Error, Result};
use crate::metric::unit::Unit;
use crate::report::chart::Chart;
use crate::report::chart::funnel::{Funnel, Stage};
use crate::report::page::Body;
use crate::report::table::{Column, Key, Row, Table};
use crate::report::value::Value;

/// The widget.
pub(super) async fn build(request: &Request<'_>) -> Result<Built> {
    let (mut stages, mut answers) = (Vec::new(), Vec::new());
    for metric in &request.plan.metrics {
        let answer = request.answer(metric, &request.question(metric, &[], None)).await?;
        let shown = answer.show.first().map(|shown| Unit::of(&answer.metric, shown));
        if !matches!(shown, Some(Unit::Count(_))) {
            let error = Error::refused(format!("`{}` is not a count, so it is no part of a funnel", metric.metric));
            return Err(error.with_hint("write chart = \"number\""));
        }
        let number = answer.rows.first().and_then(|row| row.values.first().copied().flatten());
        stages.push(Stage { name: metric.title.clone(), number: number.unwrap_or_default() });
        answers.push(answer);
    }
    let funnel = Funnel { stages };
    let table = table(&funnel);
    let what = "counts, each as a part of the first";
    Ok(request.widget(what, &answers, Body::Chart(Chart::Funnel(funnel)), table))
}

fn table(funnel: &Funnel) -> Table {
    let count = Unit::Count(String::new());
    let columns = vec![
        Column { is_integer: true, ..Column::new("number", "Number", count.clone()) },
        Column::new("of_first_share", "Of the first", Unit::Share),
        Column::new("of_previous_share", "Of the one before", Unit::Share),
    ];
    let row = |(position, stage): (usize, &Stage)| {
        let before = position.checked_sub(1).and_then(|before| funnel.stages.get(before));
        let of_before = before.and_then(|before| (before.number > 0.0).then(|| stage.number / before.number));
        let values = vec![
            Value::of(Some(stage.number), &count),
            Value::of(funnel.of_first(position), &Unit::Share),
            Value::of(of_before, &Unit::Share),
        ];
        Row { keys: vec![Value::Text(stage.name.clone())], values }
    };
    let rows = funnel.stages.iter().enumerate().map(row).collect();
    Table { keys: vec![Key::named("stage")], columns, rows }
}
