//! One number against its target.

use super::categories::{column, unit_of};
use super::request::{Built, Request};
use crate::error::{Error, Result};
use crate::report::chart::Chart;
use crate::report::chart::gauge::Gauge;
use crate::report::dashboard::Better;
use crate::report::page::Body;
use crate::report::scale::axis;
use crate::report::table::{Column, Key, Row, Table};
use crate::report::value::Value;

/// The widget.
pub(super) async fn build(request: &Request<'_>) -> Result<Built> {
    let metric = request.metric()?;
    let Some(target) = request.plan.target else { return Err(Error::refused("a gauge needs a target")) };
    let answer = request.answer(metric, &request.question(metric, &[], None)).await?;
    let unit = unit_of(&answer, 0);
    let number = answer.rows.first().and_then(|row| row.values.first().copied().flatten());
    let lower_is_better = metric.better == Some(Better::Lower);
    let scale = axis(number.unwrap_or_default().max(target), &unit);
    let gauge = Gauge { name: metric.title.clone(), unit: unit.clone(), number, target, scale, lower_is_better };
    let reached = gauge.verdict().to_owned();
    let value = column(&answer, 0, &metric.title, false);
    let of_target = |word, heading| Column { is_integer: false, ..value.derived(word, heading) };
    let columns = vec![value.clone(), of_target("target", "Target"), of_target("difference", "Difference")];
    let difference = number.map_or(Value::Missing, |number| Value::Change(number - target, unit.clone()));
    let values = vec![Value::of(number, &unit), Value::of(Some(target), &unit), difference];
    let rows = vec![Row { keys: vec![Value::Text(reached)], values }];
    let table = Table { keys: vec![Key::named("verdict")], columns, rows };
    let what = format!("{} against its target", request.what(&answer));
    Ok(request.widget(&what, &[answer], Body::Chart(Chart::Gauge(gauge)), table))
}
