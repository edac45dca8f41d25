//! A heat map of weekday by hour.

use super::categories::{column, unit_of};
use super::request::{Built, Request};
use crate::error::Result;
use crate::metric::aggregation::Aggregation;
use crate::metric::dimension::Dimension;
use crate::metric::unit::Unit;
use crate::report::chart::Chart;
use crate::report::chart::heatmap::Heatmap;
use crate::report::page::Body;
use crate::report::table::{Column, Key, Row, Table};
use crate::report::value::Value;

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The widget.
pub(super) async fn build(request: &Request<'_>) -> Result<Built> {
    let by = request.plan.chart.cuts.iter().map(|name| Dimension::parse(name)).collect::<Result<Vec<_>>>()?;
    let metric = request.metric()?;
    let answer = request.answer(metric, &request.question(metric, &by, None)).await?;
    let is_counted = answer.show.first().is_some_and(|shown| shown.is_zero_of_nothing(&answer.metric.unit));
    let unit = unit_of(&answer, 0);
    let hours: Vec<String> = (0..24).map(|hour| format!("{hour:02}")).collect();
    let number = |day: usize, hour: &String| {
        let day = (day + 1).to_string();
        let row = answer
            .rows
            .iter()
            .find(|row| row.group.first() == Some(&Some(day.clone())) && row.group.get(1) == Some(&Some(hour.clone())));
        let found = row.and_then(|row| row.values.first().copied().flatten());
        found.or(is_counted.then_some(0.0))
    };
    let numbers: Vec<Vec<Option<f64>>> =
        (0..7).map(|day| hours.iter().map(|hour| number(day, hour)).collect()).collect();
    let cells = column(&answer, 0, "", answer.groups_add_up(0));
    let table = table(&hours, &numbers, &unit, &cells);
    let rows = WEEKDAYS.map(|day| day.get(..3).unwrap_or(day).to_owned()).to_vec();
    let chart = Chart::Heatmap(Heatmap { columns: hours, rows, unit, numbers });
    let cells = match answer.show.first() {
        Some(Aggregation::Count | Aggregation::Sum) => "cells are sums over the range",
        _ => "cells are of the whole range",
    };
    let what = format!("{}, {cells}", request.what(&answer));
    Ok(request.widget(&what, &[answer], Body::Chart(chart), table))
}

/// A column for each hour, all of one kind.
fn table(hours: &[String], numbers: &[Vec<Option<f64>>], unit: &Unit, cells: &Column) -> Table {
    let column = |hour: &String| {
        let name = cells.name.as_str();
        Column { name: format!("hour_{hour}_{name}"), heading: hour.clone(), ..cells.clone() }
    };
    let row = |(day, numbers): (&&str, &Vec<Option<f64>>)| Row {
        keys: vec![Value::Text((*day).to_owned())],
        values: numbers.iter().map(|number| Value::of(*number, unit)).collect(),
    };
    Table {
        keys: vec![Key::named("day")],
        columns: hours.iter().map(column).collect(),
        rows: WEEKDAYS.iter().zip(numbers).map(row).collect(),
    }
}
