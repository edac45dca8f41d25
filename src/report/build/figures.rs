//! Large numbers and how they moved.

use super::request::{Built, Request};
use crate::error::Result;
use crate::metric::answer::Answer;
use crate::metric::header::MetricKind;
use crate::metric::question::Question;
use crate::metric::range::Range;
use crate::metric::unit::Unit;
use crate::report::dashboard::{Better, MetricPlan};
use crate::report::page::{Body, Change, Direction, Figure, Verdict};
use crate::report::table::{Column, Key, Row, Table, capitalized};
use crate::report::value::Value;

/// One metric's number now and before.
struct Reading {
    title: String,
    unit: Unit,
    now: Option<f64>,
    before: Option<f64>,
    better: Option<Better>,
    /// The range is still running, so the number of a flow is not final.
    so_far: bool,
}

/// The widget.
pub(super) async fn build(request: &Request<'_>) -> Result<Built> {
    let compared = request.compared();
    let mut readings = Vec::new();
    let mut answers = Vec::new();
    for metric in &request.plan.metrics {
        let question = request.question(metric, &[], None);
        let now = request.answer(metric, &question).await?;
        let before = match &compared {
            Some((range, _)) => Some(answer_before(request, &question, range).await?),
            None => None,
        };
        readings.push(read(metric, &now, before.as_ref(), request.is_running()));
        answers.push(now);
    }
    let name = compared.as_ref().map_or("", |(_, name)| name.as_str());
    let figures = readings.iter().map(|reading| figure(reading, name)).collect();
    let what = if name.is_empty() { "figures".to_owned() } else { format!("figures, change against {name}") };
    Ok(request.widget(&what, &answers, Body::Figures(figures), table(&readings, name)))
}

/// The same question about the compared range, asked as of that range's end.
async fn answer_before(request: &Request<'_>, question: &Question, range: &Range) -> Result<Answer> {
    request.sources.answer(&question.over(range.clone(), request.sources.now)).await
}

fn read(metric: &MetricPlan, now: &Answer, before: Option<&Answer>, is_running: bool) -> Reading {
    let number = |answer: &Answer| answer.rows.first().and_then(|row| row.values.first().copied().flatten());
    let unit = now.show.first().map_or(Unit::Count(now.metric.unit.clone()), |shown| Unit::of(&now.metric, shown));
    let so_far = is_running && now.metric.kind != MetricKind::Stock;
    let (title, better) = (metric.title.clone(), metric.better);
    Reading { title, unit, now: number(now), before: before.and_then(number), better, so_far }
}

fn figure(reading: &Reading, name: &str) -> Figure {
    let change = reading.now.zip(reading.before).map(|(now, before)| change(reading, now, before, name));
    Figure { label: reading.title.clone(), value: Value::of(reading.now, &reading.unit), change }
}

fn change(reading: &Reading, now: f64, before: f64, name: &str) -> Change {
    let direction = Direction::of(now, before);
    let verdict = match (direction, reading.better) {
        _ if reading.so_far => Verdict::Neutral,
        (Direction::Up, Some(Better::Higher)) | (Direction::Down, Some(Better::Lower)) => Verdict::Better,
        (Direction::Up, Some(Better::Lower)) | (Direction::Down, Some(Better::Higher)) => Verdict::Worse,
        _ => Verdict::Neutral,
    };
    let before = Value::of(Some(before), &reading.unit);
    Change { before, range: name.to_owned(), so_far: reading.so_far, direction, verdict }
}

fn table(readings: &[Reading], name: &str) -> Table {
    // Each figure has a unit of its own.
    let column = |name: &str, heading: String| {
        let name = name.to_owned();
        Column { name, heading, unit: None, out_of: None, is_integer: false, adds_up: false }
    };
    let has_before = !name.is_empty();
    let mut columns = vec![column("value", "Value".to_owned())];
    columns.extend(has_before.then(|| column("before", capitalized(name))));
    let row = |reading: &Reading| {
        let mut values = vec![Value::of(reading.now, &reading.unit)];
        values.extend(has_before.then(|| Value::of(reading.before, &reading.unit)));
        Row { keys: vec![Value::Text(reading.title.clone())], values }
    };
    Table { keys: vec![Key::named("figure")], columns, rows: readings.iter().map(row).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(now: f64, before: f64, so_far: bool) -> Verdict {
        let unit = Unit::Count("cases".to_owned());
        let better = Some(Better::Lower);
        let reading = Reading { title: String::new(), unit, now: Some(now), before: Some(before), better, so_far };
        change(&reading, now, before, "the month before").verdict
    }

    #[test]
    fn a_range_that_is_still_running_is_not_judged() {
        assert_eq!([verdict(70.0, 695.0, false), verdict(70.0, 695.0, true)], [Verdict::Better, Verdict::Neutral]);
        assert_eq!([verdict(8.0, 7.0, false), verdict(7.0, 7.0, false)], [Verdict::Worse, Verdict::Neutral]);
    }
}
