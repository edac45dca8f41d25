//! Charts with everything decided: series, scales, ticks, labels, and the table of the same numbers.

use jiff::tz::TimeZone;

use super::build::Asking;
use super::dashboard::ChartKind;
use super::frame::{Frame, Line, group_label};
use super::page::{Align, Arrangement, Axis, Body, Categories, Cell, Chart, Column, Ink, Mark, Series, Table, Widget};
use super::scale::axis;
use crate::error::Result;
use crate::metric::aggregation::Aggregation;
use crate::metric::dimension::Dimension;
use crate::metric::question::Answer;
use crate::metric::range::Grain;
use crate::metric::unit::{Unit, number_text};
use crate::model::time::Instant;

/// At most this many labels on a horizontal axis.
const TICKS_MAX: usize = 10;

/// A bucket's name on the page.
pub(super) fn bucket_label(start: Instant, grain: Grain, zone: &TimeZone) -> String {
    let local = start.to_local(zone);
    match grain {
        Grain::Hour => local.strftime("%-d %b %H:%M").to_string(),
        Grain::Day => local.strftime("%a %-d %b").to_string(),
        Grain::Week => local.strftime("W%V, %-d %b").to_string(),
        Grain::Month => local.strftime("%b %Y").to_string(),
        Grain::Quarter => format!("Q{} {}", (local.month() - 1) / 3 + 1, local.year()),
        Grain::Year => local.strftime("%Y").to_string(),
    }
}

/// A line's values in words.
struct Drawn {
    line: Line,
    ink: Ink,
    unit: Unit,
}

impl Drawn {
    fn series(&self) -> Series {
        let texts = self.line.values.iter().map(|value| self.unit.text(*value)).collect();
        Series { name: self.line.name.clone(), values: self.line.values.clone(), texts, ink: self.ink }
    }
}

/// The parts of a chart over time or categories.
struct Plot {
    labels: Vec<String>,
    short_labels: Vec<String>,
    drawn: Vec<Drawn>,
    unit: Unit,
    heading: String,
    /// What is not drawn.
    left_out: Vec<String>,
}

impl Plot {
    fn categories(&self) -> Categories {
        let every = self.labels.len().div_ceil(TICKS_MAX).max(1);
        let ticks = self.short_labels.iter().cloned().enumerate().step_by(every).collect();
        Categories { labels: self.labels.clone(), ticks }
    }

    fn axis(&self, stacked: bool, at_least: f64) -> Axis {
        let value = |drawn: &Drawn, at: usize| drawn.line.values.get(at).copied().flatten().unwrap_or(0.0);
        let heights = (0..self.labels.len()).map(|at| {
            let values = self.drawn.iter().map(|drawn| value(drawn, at));
            if stacked { values.sum::<f64>() } else { values.fold(0.0, f64::max) }
        });
        axis(heights.fold(at_least, f64::max), &self.unit)
    }

    fn series(&self) -> Vec<Series> {
        self.drawn.iter().map(Drawn::series).collect()
    }

    fn table(&self) -> Table {
        let right = |heading: &str| Column { heading: heading.to_owned(), align: Align::Right };
        let mut columns = vec![Column { heading: self.heading.clone(), align: Align::Left }];
        columns.extend(self.drawn.iter().map(|drawn| right(&drawn.line.name)));
        let row = |(at, label): (usize, &String)| {
            let cells = self.drawn.iter().map(|drawn| drawn.unit.text(drawn.line.values.get(at).copied().flatten()));
            std::iter::once(label.clone()).chain(cells).collect()
        };
        Table { columns, rows: self.labels.iter().enumerate().map(row).collect() }
    }

    fn widget(self, asking: &Asking<'_>, answer: Answer, chart: Chart) -> Widget {
        let what = asking.what(&answer);
        let mut widget = asking.widget(&what, &[answer], Body::Chart(chart), self.table());
        widget.left_out.extend(self.left_out);
        widget
    }
}

/// A line or an area over time.
pub(super) async fn lines(asking: &Asking<'_>) -> Result<Widget> {
    let (plot, answer) = over_time(asking).await?;
    let target = asking.plan.target.as_ref();
    let mark = target.map(|(value, text)| Mark { value: *value, label: format!("target {text}") });
    let chart = Chart::Lines {
        x: plot.categories(),
        y: plot.axis(false, target.map_or(0.0, |(value, _)| *value)),
        series: plot.series(),
        mark,
        filled: asking.plan.chart == ChartKind::Area,
    };
    Ok(plot.widget(asking, answer, chart))
}

/// Bars over time where there is a grain, else over the values of a dimension.
pub(super) async fn bars(asking: &Asking<'_>) -> Result<Widget> {
    let stacked = asking.plan.chart == ChartKind::StackedBar;
    let (plot, answer) = match asking.plan.grain.is_some() || asking.plan.by.is_empty() || stacked {
        true => over_time(asking).await?,
        false => over_groups(asking).await?,
    };
    let arrangement = if stacked { Arrangement::Stacked } else { Arrangement::Grouped };
    let chart = Chart::Bars { x: plot.categories(), y: plot.axis(stacked, 0.0), series: plot.series(), arrangement };
    Ok(plot.widget(asking, answer, chart))
}

fn shown_unit(answer: &Answer, shown: usize) -> Unit {
    answer.show.get(shown).map_or(Unit::Count(answer.metric.unit.clone()), |shown| Unit::of(&answer.metric, shown))
}

async fn over_time(asking: &Asking<'_>) -> Result<(Plot, Answer)> {
    let Some(metric) = asking.metric() else { return Err(crate::error::Error::refused("a widget names no metric")) };
    let grain = asking.grain();
    let question = asking.question(metric, asking.plan.by.get(..1).unwrap_or(&[]), Some(grain));
    let answer = asking.sources.answer(&question).await?;
    let buckets = question.range.buckets(grain);
    let label = |bucket: &crate::metric::range::Bucket| asking.label(bucket.start, grain);
    let labels: Vec<String> = buckets.iter().map(label).collect();
    let zone = asking.sources.range.zone();
    let short_labels = buckets.iter().map(|bucket| short_label(bucket.start, grain, zone)).collect();
    let unit = shown_unit(&answer, 0);
    let mut left_out = Vec::new();
    let mut drawn = match question.by.first() {
        None => shown_lines(&answer),
        Some(dimension) => {
            let (drawn, note) = grouped_lines(&answer, asking.plan.top, dimension)?;
            left_out.extend(note);
            drawn
        }
    };
    if let Some((range, name)) = asking.compared().filter(|_| question.by.is_empty()) {
        let before = asking.sources.answer(&question.over(range, asking.sources.now)).await?;
        let mut values: Vec<Option<f64>> =
            before.rows.iter().map(|row| row.values.first().copied().flatten()).collect();
        values.resize(labels.len(), None);
        let line = Line { name, values };
        drawn.push(Drawn { line, ink: Ink::Previous, unit: unit.clone() });
    }
    Ok((Plot { labels, short_labels, drawn, unit, heading: heading(grain.name()), left_out }, answer))
}

fn short_label(start: Instant, grain: Grain, zone: &TimeZone) -> String {
    match grain {
        Grain::Day => start.to_local(zone).strftime("%-d %b").to_string(),
        Grain::Week => start.to_local(zone).strftime("W%V").to_string(),
        _ => bucket_label(start, grain, zone),
    }
}

/// A name as a heading: `Day of week`.
pub(super) fn heading(name: &str) -> String {
    let mut letters = name.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}", letters.as_str()).replace('_', " ")
}

/// One line an aggregation.
fn shown_lines(answer: &Answer) -> Vec<Drawn> {
    let line = |(position, shown): (usize, &Aggregation)| {
        let values = answer.rows.iter().map(|row| row.values.get(position).copied().flatten()).collect();
        let name = if answer.show.len() == 1 && !shown.is_in_unit() {
            answer.metric.title.clone()
        } else {
            shown.name().to_owned()
        };
        Drawn { line: Line { name, values }, ink: Ink::Palette(position), unit: shown_unit(answer, position) }
    };
    answer.show.iter().enumerate().map(line).collect()
}

/// One line a group, the largest first; the rest as "other" where values add up, else what is said about it.
fn grouped_lines(answer: &Answer, top: usize, dimension: &Dimension) -> Result<(Vec<Drawn>, Option<String>)> {
    let frame = Frame::new(answer, 0)?;
    let ranked = frame.ranked_groups()?;
    let unit = shown_unit(answer, 0);
    let (kept, rest) = ranked.split_at(ranked.len().min(top));
    let draw = |(position, line): (usize, Line)| {
        let line = Line { name: group_label(&line.name, dimension), ..line };
        Drawn { line, ink: Ink::Palette(position), unit: unit.clone() }
    };
    let mut drawn: Vec<Drawn> = frame.lines(kept)?.into_iter().enumerate().map(draw).collect();
    if !rest.is_empty() && adds_up(answer) {
        let line = Line { name: other_name(rest), values: frame.sum_without(kept)? };
        drawn.push(Drawn { line, ink: Ink::Other, unit });
    }
    Ok((drawn, not_drawn(answer, rest)))
}

/// Whether the numbers of groups may be added: counts may, but neither those of distinct keys nor medians.
fn adds_up(answer: &Answer) -> bool {
    match answer.show.first() {
        Some(Aggregation::Count) => !answer.distinct,
        Some(Aggregation::Sum) => true,
        _ => false,
    }
}

fn other_name(rest: &[String]) -> String {
    format!("other ({})", rest.len())
}

/// What is said about groups that cannot be made one.
fn not_drawn(answer: &Answer, rest: &[String]) -> Option<String> {
    match rest.len() {
        0 => None,
        _ if adds_up(answer) => None,
        1 => Some("1 smaller group is not drawn: see the command.".to_owned()),
        count => Some(format!("{count} smaller groups are not drawn: see the command.")),
    }
}

async fn over_groups(asking: &Asking<'_>) -> Result<(Plot, Answer)> {
    let (Some(metric), Some(dimension)) = (asking.metric(), asking.plan.by.first()) else {
        return Err(crate::error::Error::refused("a widget names no metric or no dimension"));
    };
    let answer = asking.sources.answer(&asking.question(metric, std::slice::from_ref(dimension), None)).await?;
    let unit = shown_unit(&answer, 0);
    let frame = Frame::new(&answer, 0)?;
    let ranked = frame.ranked_groups()?;
    let (kept, rest) = ranked.split_at(ranked.len().min(asking.plan.top));
    let mut labels: Vec<String> = kept.iter().map(|group| group_label(group, dimension)).collect();
    let first = |line: Line| line.values.first().copied().flatten();
    let mut values: Vec<Option<f64>> = frame.lines(kept)?.into_iter().map(first).collect();
    if !rest.is_empty() && adds_up(&answer) {
        labels.push(other_name(rest));
        values.push(frame.sum_without(kept)?.first().copied().flatten());
    }
    let left_out = not_drawn(&answer, rest).into_iter().collect();
    let line = Line { name: metric.title.clone(), values };
    let drawn = vec![Drawn { line, ink: Ink::Palette(0), unit: unit.clone() }];
    let heading = heading(&dimension.name);
    Ok((Plot { short_labels: labels.clone(), labels, drawn, unit, heading, left_out }, answer))
}

/// What a heat map cuts by: its rows and its columns.
pub(super) const HEATMAP_DIMENSIONS: [&str; 2] = ["day_of_week", "hour_of_day"];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A heat map of weekday by hour.
pub(super) async fn heatmap(asking: &Asking<'_>) -> Result<Widget> {
    let Some(metric) = asking.metric() else { return Err(crate::error::Error::refused("a widget names no metric")) };
    let by = HEATMAP_DIMENSIONS.into_iter().map(Dimension::parse).collect::<Result<Vec<_>>>()?;
    let answer = asking.sources.answer(&asking.question(metric, &by, None)).await?;
    let is_counted = answer.show.first().is_some_and(|shown| shown.is_zero_of_nothing(&answer.metric.unit));
    let unit = shown_unit(&answer, 0);
    let hours: Vec<String> = (0..24).map(|hour| format!("{hour:02}")).collect();
    let value = |day: usize, hour: &String| {
        let day = (day + 1).to_string();
        let row = answer
            .rows
            .iter()
            .find(|row| row.group.first() == Some(&Some(day.clone())) && row.group.get(1) == Some(&Some(hour.clone())));
        let found = row.and_then(|row| row.values.first().copied().flatten());
        found.or(is_counted.then_some(0.0))
    };
    let grid: Vec<Vec<Option<f64>>> = (0..7).map(|day| hours.iter().map(|hour| value(day, hour)).collect()).collect();
    let max = grid.iter().flatten().flatten().copied().fold(0.0, f64::max);
    let cell = |value: &Option<f64>| Cell {
        shade: value.map(|value| if max > 0.0 { value / max } else { 0.0 }),
        text: value.map_or(String::new(), |value| if value == 0.0 { String::new() } else { unit.text(Some(value)) }),
    };
    let cells = grid.iter().map(|row| row.iter().map(cell).collect()).collect();
    let (low, high) = (unit.text(Some(0.0)), unit.text(Some(max)));
    let rows = WEEKDAYS.map(|day| day.get(..3).unwrap_or(day).to_owned()).to_vec();
    let table = heat_table(&hours, &grid, &unit);
    let chart = Chart::Heatmap { columns: hours, rows, cells, low, high };
    let cells = match answer.show.first() {
        Some(Aggregation::Count | Aggregation::Sum) => "cells are sums over the range",
        _ => "cells are of the whole range",
    };
    let what = format!("{}, {cells}", asking.what(&answer));
    Ok(asking.widget(&what, &[answer], Body::Chart(chart), table))
}

fn heat_table(hours: &[String], grid: &[Vec<Option<f64>>], unit: &Unit) -> Table {
    let mut columns = vec![Column { heading: "Day".to_owned(), align: Align::Left }];
    columns.extend(hours.iter().map(|hour| Column { heading: hour.clone(), align: Align::Right }));
    let row = |(day, values): (&&str, &Vec<Option<f64>>)| {
        std::iter::once((*day).to_owned()).chain(values.iter().map(|value| unit.text(*value))).collect()
    };
    Table { columns, rows: WEEKDAYS.iter().zip(grid).map(row).collect() }
}

const MINUTE: f64 = 60_000.0;
const HOUR: f64 = 60.0 * MINUTE;
/// Classes of a duration's histogram: each ends before this many milliseconds.
const DURATION_CLASSES: [(f64, &str); 10] = [
    (5.0 * MINUTE, "5m"),
    (15.0 * MINUTE, "15m"),
    (30.0 * MINUTE, "30m"),
    (HOUR, "1h"),
    (2.0 * HOUR, "2h"),
    (4.0 * HOUR, "4h"),
    (8.0 * HOUR, "8h"),
    (24.0 * HOUR, "1d"),
    (72.0 * HOUR, "3d"),
    (168.0 * HOUR, "7d"),
];

/// How the contributions of a duration are distributed.
pub(super) async fn histogram(asking: &Asking<'_>) -> Result<Widget> {
    let Some(metric) = asking.metric() else { return Err(crate::error::Error::refused("a widget names no metric")) };
    let question = asking.question(metric, &[], None);
    let answer = asking.sources.answer(&question).await?;
    if answer.metric.unit != "ms" {
        let error =
            crate::error::Error::refused(format!("`{}` is not a duration, so it has no histogram", metric.metric));
        return Err(error.with_hint("write chart = \"bar\""));
    }
    let bounds = DURATION_CLASSES.map(|(bound, _)| bound);
    let counts = question.distribution(&bounds, asking.sources.context, asking.sources.catalogue).await?;
    let mut labels: Vec<String> = DURATION_CLASSES.iter().map(|(_, name)| format!("< {name}")).collect();
    labels.extend(DURATION_CLASSES.last().map(|(_, name)| format!("≥ {name}")));
    let unit = Unit::Count("contributions".to_owned());
    let values: Vec<Option<f64>> = counts.iter().map(|count| Some(*count as f64)).collect();
    let total: i64 = counts.iter().sum();
    let table = class_table(&labels, &counts, total);
    let line = Line { name: answer.metric.title.clone(), values };
    let drawn = vec![Drawn { line, ink: Ink::Palette(0), unit: unit.clone() }];
    let plot =
        Plot { short_labels: labels.clone(), labels, drawn, unit, heading: "Waited".to_owned(), left_out: Vec::new() };
    let x = Categories { ticks: plot.short_labels.iter().cloned().enumerate().collect(), labels: plot.labels.clone() };
    let chart = Chart::Bars { x, y: plot.axis(false, 0.0), series: plot.series(), arrangement: Arrangement::Histogram };
    let what = asking.what(&answer);
    Ok(asking.widget(&what, &[answer], Body::Chart(chart), table))
}

fn class_table(labels: &[String], counts: &[i64], total: i64) -> Table {
    let column = |heading: &str, align: Align| Column { heading: heading.to_owned(), align };
    let columns = vec![
        column("Waited", Align::Left),
        column("Contributions", Align::Right),
        column("Share", Align::Right),
        column("Running", Align::Right),
    ];
    let share = |count: i64| {
        if total == 0 { "–".to_owned() } else { format!("{:.1} %", count as f64 / total as f64 * 100.0) }
    };
    let mut running = 0;
    let row = |(label, count): (&String, &i64)| {
        running += count;
        vec![label.clone(), number_text(*count as f64), share(*count), share(running)]
    };
    Table { columns, rows: labels.iter().zip(counts).map(row).collect() }
}
