//! Lines and bars, over time or over the values of a dimension.

use super::categories::{Numbers, column, unit_of};
use super::request::{Built, Request};
use crate::error::Result;
use crate::metric::aggregation::Aggregation;
use crate::metric::answer::Answer;
use crate::metric::compare::buckets_more;
use crate::metric::dimension::Dimension;
use crate::report::chart::Chart;
use crate::report::chart::bars::{Arrangement, Bars};
use crate::report::chart::lines::{Lines, ReferenceLine};
use crate::report::chart::series::{Series, SeriesStyle};
use crate::report::frame::{Frame, Line, group_value};
use crate::report::table::{Column, Key};
use crate::report::value::Value;

/// Lines over time, with or without the area under them.
pub(super) async fn lines(request: &Request<'_>, filled: bool) -> Result<Built> {
    let (numbers, answer) = over_time(request).await?;
    let target = request.plan.target;
    let label = |value: f64| format!("target {}", numbers.unit.text(Some(value)));
    let chart = Chart::Lines(Lines {
        x: numbers.x(),
        y: numbers.y(false, target.unwrap_or_default()),
        series: numbers.series.clone(),
        reference: target.map(|value| ReferenceLine { value, label: label(value) }),
        filled,
    });
    Ok(numbers.widget(request, answer, chart))
}

/// Bars over time where there is a grain, else over the values of a dimension.
pub(super) async fn bars(request: &Request<'_>) -> Result<Built> {
    let (numbers, answer) = match request.plan.by.first() {
        Some(dimension) if request.plan.grain.is_none() => over_groups(request, dimension).await?,
        _ => over_time(request).await?,
    };
    Ok(bar_chart(request, numbers, answer, Arrangement::Grouped))
}

/// Bars over time, one part for each group.
pub(super) async fn stacked_bars(request: &Request<'_>) -> Result<Built> {
    let (numbers, answer) = over_time(request).await?;
    Ok(bar_chart(request, numbers, answer, Arrangement::Stacked))
}

fn bar_chart(request: &Request<'_>, numbers: Numbers, answer: Answer, arrangement: Arrangement) -> Built {
    let y = numbers.y(arrangement == Arrangement::Stacked, 0.0);
    let chart = Chart::Bars(Bars { x: numbers.x(), y, series: numbers.series.clone(), arrangement });
    numbers.widget(request, answer, chart)
}

async fn over_time(request: &Request<'_>) -> Result<(Numbers, Answer)> {
    let grain = request.grain();
    let metric = request.metric()?;
    let question = request.question(metric, request.plan.by.get(..1).unwrap_or(&[]), Some(grain));
    let answer = request.answer(metric, &question).await?;
    let buckets = question.range.buckets(grain);
    let running = request.running(grain);
    let categories: Vec<Value> = buckets.iter().map(|bucket| request.bucket(bucket.start, grain, running)).collect();
    let unit = unit_of(&answer, 0);
    let (mut series, left_out) = match question.by.first() {
        None => (series_of_aggregations(&answer), None),
        Some(dimension) => series_of_groups(&answer, request.plan.top, dimension)?,
    };
    let adds_up = answer.buckets_add_up(0);
    let mut columns = match question.by.first() {
        None => columns_of_aggregations(&answer, &series),
        Some(_) => columns_of_groups(&answer, &series),
    };
    let mut left_out: Vec<String> = left_out.into_iter().collect();
    if let Some((range, name)) = request.compared().filter(|_| question.by.is_empty()) {
        let (more, text) = buckets_more(&question.range, &range, grain);
        left_out.extend((more > 0).then(|| format!("{text}, not drawn.")));
        let before = request.sources.answer(&question.over(range, request.sources.now)).await?;
        let mut numbers = first_numbers(&before, 0);
        numbers.resize(categories.len(), None);
        columns.push(column(&before, 0, "", adds_up).derived("before", name.as_str()));
        series.push(Series { name, unit: unit.clone(), numbers, style: SeriesStyle::Previous });
    }
    Ok((Numbers { key: Key::bucket(grain), categories, series, columns, unit, left_out }, answer))
}

fn columns_of_aggregations(answer: &Answer, series: &[Series]) -> Vec<Column> {
    let adds_up = answer.buckets_add_up(0);
    series.iter().enumerate().map(|(position, series)| column(answer, position, &series.name, adds_up)).collect()
}

/// A column for each group, under its name.
fn columns_of_groups(answer: &Answer, series: &[Series]) -> Vec<Column> {
    let of_group = |series: &Series| {
        let group = column(answer, 0, &series.name, answer.buckets_add_up(0));
        Column { name: Column::new(series.name.clone(), "", series.unit.clone()).name, ..group }
    };
    series.iter().map(of_group).collect()
}

fn first_numbers(answer: &Answer, shown: usize) -> Vec<Option<f64>> {
    answer.rows.iter().map(|row| row.values.get(shown).copied().flatten()).collect()
}

/// One series for each aggregation.
fn series_of_aggregations(answer: &Answer) -> Vec<Series> {
    let series = |(position, shown): (usize, &Aggregation)| {
        let is_plain = answer.show.len() == 1 && !shown.is_in_unit();
        Series {
            name: if is_plain { answer.metric.title.clone() } else { shown.name().to_owned() },
            unit: unit_of(answer, position),
            numbers: first_numbers(answer, position),
            style: SeriesStyle::Color(position),
        }
    };
    answer.show.iter().enumerate().map(series).collect()
}

/// One series for each group, the largest first; the others as "other" where numbers add up, else a note about them.
fn series_of_groups(answer: &Answer, top: usize, dimension: &Dimension) -> Result<(Vec<Series>, Option<String>)> {
    let frame = Frame::new(answer, 0)?;
    let ranked = frame.ranked_groups()?;
    let unit = unit_of(answer, 0);
    let (kept, rest) = largest(ranked, top, dimension);
    let (kept, rest) = (kept.as_slice(), rest.as_slice());
    let key = Key::dimension(dimension);
    let draw = |(position, line): (usize, Line)| Series {
        name: key.text(&group_value(&line.name)),
        unit: unit.clone(),
        numbers: line.values,
        style: SeriesStyle::Color(position),
    };
    let mut drawn: Vec<Series> = frame.lines(kept)?.into_iter().enumerate().map(draw).collect();
    if !rest.is_empty() && answer.groups_add_up(0) {
        let (name, numbers) = (other_name(rest), frame.sum_without(kept)?);
        drawn.push(Series { name, unit, numbers, style: SeriesStyle::Other });
    }
    Ok((drawn, not_drawn(answer, rest)))
}

/// The groups that are shown by name, in the order of the dimension where it has one, and those that are not.
fn largest(mut ranked: Vec<String>, top: usize, dimension: &Dimension) -> (Vec<String>, Vec<String>) {
    let rest = ranked.split_off(ranked.len().min(top));
    if dimension.has_order() {
        ranked.sort();
    }
    (ranked, rest)
}

/// Whether a name is the one of the groups that are not shown by name.
pub(super) fn is_rest(name: &Value) -> bool {
    matches!(name, Value::Text(name) if name.starts_with(OTHER) && name.ends_with(')'))
}

/// What the name of the groups that are not shown by name begins with.
const OTHER: &str = "other (";

fn other_name(rest: &[String]) -> String {
    format!("{OTHER}{})", rest.len())
}

/// The note about groups whose numbers cannot be added.
fn not_drawn(answer: &Answer, rest: &[String]) -> Option<String> {
    match rest.len() {
        0 => None,
        _ if answer.groups_add_up(0) => None,
        1 => Some("1 smaller group is not drawn: see the command.".to_owned()),
        count => Some(format!("{count} smaller groups are not drawn: see the command.")),
    }
}

async fn over_groups(request: &Request<'_>, dimension: &Dimension) -> Result<(Numbers, Answer)> {
    let metric = request.metric()?;
    let answer = request.answer(metric, &request.question(metric, std::slice::from_ref(dimension), None)).await?;
    let unit = unit_of(&answer, 0);
    let frame = Frame::new(&answer, 0)?;
    let ranked = frame.ranked_groups()?;
    let (kept, rest) = largest(ranked, request.plan.top, dimension);
    let (kept, rest) = (kept.as_slice(), rest.as_slice());
    let mut categories: Vec<Value> = kept.iter().map(|group| group_value(group)).collect();
    let first = |line: Line| line.values.first().copied().flatten();
    let mut numbers: Vec<Option<f64>> = frame.lines(kept)?.into_iter().map(first).collect();
    if !rest.is_empty() && answer.groups_add_up(0) {
        categories.push(Value::Text(other_name(rest)));
        numbers.push(frame.sum_without(kept)?.first().copied().flatten());
    }
    let left_out = not_drawn(&answer, rest).into_iter().collect();
    let name = metric.title.clone();
    let series = vec![Series { name, unit: unit.clone(), numbers, style: SeriesStyle::Color(0) }];
    let (key, columns) = (Key::dimension(dimension), vec![column(&answer, 0, &metric.title, answer.groups_add_up(0))]);
    Ok((Numbers { key, categories, series, columns, unit, left_out }, answer))
}
