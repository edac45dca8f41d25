//! Large numbers and how they moved.

use super::build::Asking;
use super::dashboard::{Better, MetricPlan};
use super::page::{Align, Body, Change, Column, Direction, Figure, Table, Verdict, Widget};
use crate::error::Result;
use crate::metric::header::MetricKind;
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
    /// The range is still running, so a flow of it is not yet what it will be.
    so_far: bool,
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
        readings.push(read(metric, &now, then.as_ref(), asking.is_running()));
        answers.push(now);
    }
    let name = compared.as_ref().map_or("", |(_, name)| name.as_str());
    let figures = readings.iter().map(|reading| figure(reading, name)).collect();
    let what = if name.is_empty() { "figures".to_owned() } else { format!("figures, change against {name}") };
    Ok(asking.widget(&what, &answers, Body::Figures(figures), table(&readings, name)))
}

/// The same question about the compared range, asked as of that range's end.
async fn before(asking: &Asking<'_>, question: &Question, range: &Range) -> Result<Answer> {
    asking.sources.answer(&question.over(range.clone(), asking.sources.now)).await
}

fn read(metric: &MetricPlan, now: &Answer, then: Option<&Answer>, is_running: bool) -> Reading {
    let value = |answer: &Answer| answer.rows.first().and_then(|row| row.values.first().copied().flatten());
    let unit = now.show.first().map_or(Unit::Count(now.metric.unit.clone()), |shown| Unit::of(&now.metric, shown));
    let so_far = is_running && now.metric.kind != MetricKind::Stock;
    let (title, better) = (metric.title.clone(), metric.better);
    Reading { title, unit, now: value(now), then: then.and_then(value), better, so_far }
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
    // What rounds to 0 %, and what has grown from nothing, is told as the difference itself.
    let percent = if then == 0.0 { 0.0 } else { (difference / then * 100.0).abs().round() };
    let text = match (direction, &reading.unit) {
        (Direction::Same, _) => "unchanged".to_owned(),
        (_, Unit::Count(_)) if percent >= 1.0 => format!("{}{percent:.0} %", if difference < 0.0 { "−" } else { "+" }),
        (_, unit) => unit.difference_text(difference),
    };
    let verdict = match (direction, reading.better) {
        _ if reading.so_far => Verdict::Neutral,
        (Direction::Up, Some(Better::Higher)) | (Direction::Down, Some(Better::Lower)) => Verdict::Better,
        (Direction::Up, Some(Better::Lower)) | (Direction::Down, Some(Better::Higher)) => Verdict::Worse,
        _ => Verdict::Neutral,
    };
    let was = reading.unit.text(Some(then));
    let then = match reading.so_far {
        true => format!("so far; was {was} in the whole {}", name.strip_prefix("the ").unwrap_or(name)),
        false => format!("was {was} {name}"),
    };
    Change { text, then, direction, verdict }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(now: f64, then: f64, so_far: bool) -> Change {
        let unit = Unit::Count("cases".to_owned());
        let better = Some(Better::Lower);
        let reading = Reading { title: String::new(), unit, now: Some(now), then: Some(then), better, so_far };
        change(&reading, now, then, "the month before")
    }

    #[test]
    fn a_change_that_rounds_to_nothing_is_told_as_it_is() {
        let texts = [(1003.0, 1000.0), (997.0, 1000.0), (1010.0, 1000.0), (3.0, 0.0), (7.0, 7.0)]
            .map(|(now, then)| changed(now, then, false).text);
        assert_eq!(texts, ["+3", "−3", "+1 %", "+3", "unchanged"]);
    }

    #[test]
    fn what_is_still_running_is_not_judged() {
        let whole = changed(70.0, 695.0, false);
        assert_eq!((whole.verdict, whole.then.as_str()), (Verdict::Better, "was 695 the month before"));
        let running = changed(70.0, 695.0, true);
        let expected = "so far; was 695 in the whole month before";
        assert_eq!((running.verdict, running.then.as_str()), (Verdict::Neutral, expected));
    }
}
