//! Large numbers and how they moved.

use super::build::Asking;
use super::dashboard::{Better, MetricPlan};
use super::page::{Align, Body, Change, Column, Direction, Figure, Table, Verdict, Widget};
use crate::error::Result;
use crate::metric::question::{Answer, Question};
use crate::metric::range::Range;
use crate::metric::unit::Unit;

/// One metric's number now and then.
struct Reading {
    title: String,
    unit: Unit,
    now: Option<f64>,
    then: Option<f64>,
    better: Option<Better>,
}

/// A row of figures.
pub(super) async fn build(asking: &Asking<'_>) -> Result<Widget> {
    let compared = asking.compared();
    let mut readings = Vec::new();
    let mut answers = Vec::new();
    for metric in &asking.plan.metrics {
        let question = asking.question(metric, &[], None);
        let now = asking.sources.answer(&question).await?;
        let then = match &compared {
            Some((range, _)) => Some(before(asking, &question, range).await?),
            None => None,
        };
        readings.push(read(metric, &now, then.as_ref()));
        answers.push(now);
    }
    let name = compared.as_ref().map_or("", |(_, name)| name.as_str());
    let figures = readings.iter().map(|reading| figure(reading, name)).collect();
    let cases = answers.iter().map(|answer| answer.cases).max().unwrap_or(0);
    let mut left_out: Vec<String> = Vec::new();
    for answer in &answers {
        for (reason, count) in answer.left_out.iter().filter(|(_, count)| *count > 0) {
            left_out.push(format!("{}: {count} left out: {reason}.", answer.metric.title));
        }
    }
    let body = match answers.iter().all(|answer| answer.contributions == 0) {
        true => Body::Empty(asking.empty_text()),
        false => Body::Figures(figures),
    };
    Ok(Widget {
        title: asking.plan.title.clone(),
        width: asking.plan.width,
        caption: asking.caption(
            &if name.is_empty() { "figures".to_owned() } else { format!("figures, change against {name}") },
            cases,
        ),
        left_out,
        cases_command: asking.cases_command(),
        body,
        table: table(&readings, name),
    })
}

/// The same question about the compared range, asked as of that range's end.
async fn before(asking: &Asking<'_>, question: &Question, range: &Range) -> Result<Answer> {
    asking.sources.answer(&question.over(range.clone(), asking.sources.now)).await
}

fn read(metric: &MetricPlan, now: &Answer, then: Option<&Answer>) -> Reading {
    let value = |answer: &Answer| answer.rows.first().and_then(|row| row.values.first().copied().flatten());
    let unit = now.show.first().map_or(Unit::Count(now.metric.unit.clone()), |shown| Unit::of(&now.metric, shown));
    Reading { title: metric.title.clone(), unit, now: value(now), then: then.and_then(value), better: metric.better }
}

fn figure(reading: &Reading, name: &str) -> Figure {
    let change = reading.now.zip(reading.then).map(|(now, then)| change(reading, now, then, name));
    Figure { label: reading.title.clone(), value: reading.unit.text(reading.now), change }
}

fn change(reading: &Reading, now: f64, then: f64, name: &str) -> Change {
    let difference = now - then;
    let direction = match difference.partial_cmp(&0.0) {
        Some(std::cmp::Ordering::Greater) => Direction::Up,
        Some(std::cmp::Ordering::Less) => Direction::Down,
        _ => Direction::Same,
    };
    let text = match (direction, &reading.unit) {
        (Direction::Same, _) => "unchanged".to_owned(),
        (_, Unit::Count(_)) if then != 0.0 => {
            format!("{}{:.0} %", if difference < 0.0 { "−" } else { "+" }, (difference / then * 100.0).abs())
        }
        (_, unit) => unit.difference_text(difference),
    };
    let verdict = match (direction, reading.better) {
        (Direction::Up, Some(Better::Higher)) | (Direction::Down, Some(Better::Lower)) => Verdict::Better,
        (Direction::Up, Some(Better::Lower)) | (Direction::Down, Some(Better::Higher)) => Verdict::Worse,
        _ => Verdict::Neutral,
    };
    Change { text, then: format!("was {} {name}", reading.unit.text(Some(then))), direction, verdict }
}

fn table(readings: &[Reading], name: &str) -> Table {
    let column = |heading: &str, align: Align| Column { heading: heading.to_owned(), align };
    let mut columns = vec![column("Figure", Align::Left), column("Value", Align::Right)];
    if !name.is_empty() {
        let mut heading = name.chars();
        let first: String = heading.next().into_iter().flat_map(char::to_uppercase).collect();
        columns.push(column(&format!("{first}{}", heading.as_str()), Align::Right));
    }
    let row = |reading: &Reading| {
        let mut cells = vec![reading.title.clone(), reading.unit.text(reading.now)];
        if !name.is_empty() {
            cells.push(reading.unit.text(reading.then));
        }
        cells
    };
    Table { columns, rows: readings.iter().map(row).collect() }
}
