//! How the contributions of a duration are distributed over classes.

use super::categories::Numbers;
use super::request::{Built, Request, Sources};
use crate::error::{Error, Result};
use crate::metric::unit::Unit;
use crate::report::chart::Chart;
use crate::report::chart::bars::{Arrangement, Bars};
use crate::report::chart::series::{Categories, Series, SeriesStyle};
use crate::report::page::Body;
use crate::report::table::{Column, Key, Row, Table};
use crate::report::value::Value;

const MINUTE: f64 = 60_000.0;
const HOUR: f64 = 60.0 * MINUTE;
/// Each class ends before this many milliseconds.
const CLASSES: [(f64, &str); 10] = [
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

/// What the numbers count.
const CONTRIBUTIONS: &str = "contributions";

/// The widget.
pub(super) async fn build(request: &Request<'_>) -> Result<Built> {
    let metric = request.metric()?;
    let question = request.question(metric, &[], None);
    let answer = request.answer(metric, &question).await?;
    if answer.metric.unit != "ms" {
        let error = Error::refused(format!("`{}` is not a duration, so it has no histogram", metric.metric));
        return Err(error.with_hint("write chart = \"bar\""));
    }
    let bounds = CLASSES.map(|(bound, _)| bound);
    let Sources { database, catalogue, shared, .. } = request.sources;
    let counts = question.distribution(&bounds, shared, database, catalogue).await?;
    let classes = CLASSES.iter().map(|(_, name)| format!("<{name}"));
    let classes = classes.chain(CLASSES.last().map(|(_, name)| format!("≥{name}")));
    let categories: Vec<Value> = classes.map(Value::Text).collect();
    let table = table(&categories, &counts);
    let unit = Unit::Count(CONTRIBUTIONS.to_owned());
    let series = Series {
        name: answer.metric.title.clone(),
        unit: unit.clone(),
        numbers: counts.iter().map(|count| Some(*count as f64)).collect(),
        style: SeriesStyle::Color(0),
    };
    let (series, columns) = (vec![series], table.columns.clone());
    let numbers = Numbers { key: waited(), categories, series, columns, unit, left_out: Vec::new() };
    let x = Categories { ticks: (0..numbers.categories.len()).collect(), ..numbers.x() };
    let y = numbers.y(false, 0.0);
    let chart = Chart::Bars(Bars { x, y, series: numbers.series, arrangement: Arrangement::Histogram });
    Ok(request.widget(CONTRIBUTIONS, &[answer], Body::Chart(chart), table))
}

/// The position of the class of a duration.
pub(super) fn class(value: f64) -> usize {
    CLASSES.iter().filter(|(bound, _)| *bound <= value).count()
}

/// The filter by the durations of a class, as it is typed.
pub(super) fn filter_of(class: usize) -> String {
    let name = |at: usize| CLASSES.get(at).map(|(_, name)| *name);
    match (class.checked_sub(1).and_then(name), name(class)) {
        (None, Some(end)) => format!("value<{end}"),
        (Some(begin), Some(end)) => format!("value={begin}..{end}"),
        (Some(begin), None) => format!("value>={begin}"),
        (None, None) => String::new(),
    }
}

fn waited() -> Key {
    Key::named("waited")
}

fn table(classes: &[Value], counts: &[i64]) -> Table {
    let unit = Unit::Count(CONTRIBUTIONS.to_owned());
    let columns = vec![
        Column { is_integer: true, adds_up: true, ..Column::new(CONTRIBUTIONS, "Contributions", unit.clone()) },
        Column { adds_up: true, ..Column::new("share", "Share", Unit::Share) },
        Column::new("running_share", "Running", Unit::Share),
    ];
    let total: i64 = counts.iter().sum();
    let share = |count: i64| Value::of((total != 0).then(|| count as f64 / total as f64), &Unit::Share);
    let mut running = 0;
    let row = |(class, count): (&Value, &i64)| {
        running += count;
        let values = vec![Value::of(Some(*count as f64), &unit), share(*count), share(running)];
        Row { keys: vec![class.clone()], values }
    };
    Table { keys: vec![waited()], columns, rows: classes.iter().zip(counts).map(row).collect() }
}
