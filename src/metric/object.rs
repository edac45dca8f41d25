//! A metric as JSON, for programs: in short for a list, and whole with the SQL of its contributions.

use serde_json::{Map, Value};

use super::header::Metric;

/// What a list shows of a metric: its name, title, unit and meaning.
#[must_use]
pub fn short(metric: &Metric) -> Map<String, Value> {
    let texts =
        [("metric", &metric.name), ("title", &metric.title), ("unit", &metric.unit), ("meaning", &metric.meaning)];
    texts.into_iter().map(|(key, text)| (key.to_owned(), Value::from(text.as_str()))).collect()
}

/// Every key of a metric's header: what it counts, on which date, for whom, and what it leaves out.
#[must_use]
pub fn definition(metric: &Metric) -> Value {
    metric.header.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect()
}

/// Everything about a metric.
#[must_use]
pub fn whole(metric: &Metric) -> Value {
    let more = [
        ("aggregate", Value::from(metric.aggregate.as_str())),
        ("header", definition(metric)),
        ("sql", Value::from(metric.sql.clone())),
    ];
    let more = more.into_iter().map(|(key, value)| (key.to_owned(), value));
    short(metric).into_iter().chain(more).collect()
}
