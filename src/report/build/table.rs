//! A table with a row for each bucket and value of a dimension, and a column for each number.

use std::collections::{BTreeMap, BTreeSet};

use super::categories::{column, unit_of};
use super::request::{Built, Request};
use crate::error::Result;
use crate::metric::answer::{Answer, AnswerRow};
use crate::metric::compare::{change, running_text};
use crate::metric::dimension::Dimension;
use crate::metric::dimension::kinds::ValueKind;
use crate::metric::foremost::Wanted;
use crate::metric::question::Question;
use crate::metric::unit::Unit;
use crate::model::time::Instant;
use crate::report::dashboard::MetricPlan;
use crate::report::page::Body;
use crate::report::table::{Column, Key, Row, Table};
use crate::report::value::Value;

/// What a row is about: its bucket, and a value for each dimension; what has none comes last.
type RowKey = (Option<Instant>, Vec<(bool, String)>);

/// One column of numbers.
struct Numbers {
    column: Column,
    unit: Unit,
    /// How far a number moved, not the number itself.
    is_change: bool,
    /// How many there may be, where the number is shown beside that.
    most: Option<BTreeMap<RowKey, Option<f64>>>,
    by_key: BTreeMap<RowKey, Option<f64>>,
    /// The number of a group without contributions: 0 for counts, nothing for durations.
    default: Option<f64>,
}

/// The widget whose body is its table.
pub(super) async fn build(request: &Request<'_>) -> Result<Built> {
    let mut columns = Vec::new();
    let mut answers = Vec::new();
    let compared = request.compared();
    let mut notes: Vec<String> = Vec::new();
    let mut known = Known::default();
    for metric in &request.plan.metrics {
        let question = request.question(metric, &request.plan.by, request.plan.grain);
        let answer = known.answer(request, &question, request.wanted(metric)).await?;
        let before = match &compared {
            Some((range, name)) => {
                notes.extend(running_text(&question, answer.metric.kind, range).map(|text| format!("{text}.")));
                let before = question.over(range.clone(), request.sources.now);
                Some((known.answer(request, &before, Wanted::default()).await?, name.as_str()))
            }
            None => None,
        };
        let mut own = numbers(&metric.title, &answer, before.as_ref(), request.plan.grain.is_some());
        if let Some(of) = &metric.of {
            let most = MetricPlan { metric: of.clone(), show: Vec::new(), ..metric.clone() };
            let most = request.question(&most, &request.plan.by, request.plan.grain);
            let most = request.sources.answer(&most).await?;
            own.iter_mut().take(1).for_each(|numbers| numbers.beside(&most));
        }
        columns.extend(own);
        answers.push(answer);
    }
    notes.dedup();
    let keys: Vec<Key> =
        request.plan.grain.map(Key::bucket).into_iter().chain(request.plan.by.iter().map(Key::dimension)).collect();
    let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
    let what = if names.is_empty() { "all together".to_owned() } else { format!("by {}", names.join(", ")) };
    let rows = rows(request, &columns);
    let table = Table { keys, columns: columns.into_iter().map(|numbers| numbers.column).collect(), rows };
    let mut built = request.widget(&what, &answers, Body::Table, table);
    built.widget.left_out.extend(notes);
    Ok(built)
}

/// Answers of which several columns show an aggregation each.
#[derive(Default)]
struct Known(Vec<(Question, Answer)>);

impl Known {
    /// The answer to a question of the widget.
    async fn answer(&mut self, request: &Request<'_>, question: &Question, wanted: Wanted) -> Result<Answer> {
        let Some(show) = request.shown_together(&question.metric) else {
            return request.sources.answer_with_cases(question, wanted).await;
        };
        let together = Question { show, ..question.clone() };
        if let Some((_, answer)) = self.0.iter().find(|(known, _)| *known == together) {
            return Ok(answer.showing(&question.show));
        }
        let answer = request.sources.answer_with_cases(&together, wanted).await?;
        let shown = answer.showing(&question.show);
        self.0.push((together, answer));
        Ok(shown)
    }
}

/// The columns of a metric: each aggregation, beside it what it was in the range before, and how far it moved.
fn numbers(title: &str, answer: &Answer, before: Option<&(Answer, &str)>, over_time: bool) -> Vec<Numbers> {
    let several = answer.show.len() > 1;
    let mut columns = Vec::new();
    for (position, shown) in answer.show.iter().enumerate() {
        let heading = if several { format!("{title} {}", shown.name()) } else { title.to_owned() };
        let now = Numbers::of(&heading, answer, position, over_time);
        let Some((before, name)) = before else {
            columns.push(now);
            continue;
        };
        let then = Numbers::of(&format!("{heading}, {name}"), before, position, over_time).named("before");
        let change = now.change_since(&then, format!("{heading}, change")).named("change");
        columns.extend([now, then, change]);
    }
    columns
}

impl Numbers {
    fn of(heading: &str, answer: &Answer, position: usize, over_time: bool) -> Numbers {
        let adds_up = if over_time { answer.buckets_add_up(position) } else { answer.groups_add_up(position) };
        Numbers {
            column: column(answer, position, heading, adds_up),
            unit: unit_of(answer, position),
            is_change: false,
            most: None,
            by_key: answer.rows.iter().map(|row| (key(row), row.values.get(position).copied().flatten())).collect(),
            default: answer.show.get(position).and_then(|shown| answer.metric.of_nothing(shown)),
        }
    }

    /// Shows the numbers as `3/5`: of those of another metric. A row that only the other has gets a number, too.
    fn beside(&mut self, most: &Answer) {
        let most = Numbers::of("", most, 0, false);
        for key in most.by_key.keys() {
            self.by_key.entry(key.clone()).or_insert(self.default);
        }
        self.column.out_of = Some(most.column.name);
        self.most = Some(most.by_key);
    }

    /// The numbers under a name for programs that ends in that word.
    fn named(mut self, word: &str) -> Numbers {
        self.column = self.column.derived(word, self.column.heading.as_str());
        self
    }

    fn change_since(&self, then: &Numbers, heading: String) -> Numbers {
        let number = |numbers: &Numbers, key: &RowKey| numbers.by_key.get(key).copied().unwrap_or(numbers.default);
        let keys = self.by_key.keys().chain(then.by_key.keys());
        Numbers {
            column: Column { heading, ..self.column.clone() },
            unit: self.unit.clone(),
            is_change: true,
            most: None,
            by_key: keys.map(|key| (key.clone(), change(number(self, key), number(then, key)))).collect(),
            default: change(self.default, then.default),
        }
    }

    fn value(&self, key: &RowKey, number: Option<f64>) -> Value {
        if let Some((most, number)) = self.most.as_ref().zip(number) {
            return Value::OutOf(number, most.get(key).copied().flatten());
        }
        match number.filter(|_| self.is_change) {
            Some(change) => Value::Change(change, self.unit.clone()),
            None => Value::of(number, &self.unit),
        }
    }
}

fn key(row: &AnswerRow) -> RowKey {
    let value = |value: &Option<String>| (value.is_none(), value.clone().unwrap_or_default());
    (row.bucket, row.group.iter().map(value).collect())
}

fn rows(request: &Request<'_>, columns: &[Numbers]) -> Vec<Row> {
    let keys: BTreeSet<&RowKey> = columns.iter().flat_map(|numbers| numbers.by_key.keys()).collect();
    let mut keys: Vec<&RowKey> = keys.into_iter().collect();
    keys.sort_by_key(|key| ranks(request, key));
    let running = request.plan.grain.and_then(|grain| request.running(grain));
    let row = |key: &RowKey| {
        // A bucket after the as-of has no number, not 0.
        let has_begun = key.0.is_none_or(|bucket| bucket <= request.sources.as_of());
        let value = |numbers: &Numbers| {
            let default = numbers.default.filter(|_| has_begun);
            numbers.value(key, numbers.by_key.get(key).copied().unwrap_or(default))
        };
        Row { keys: key_values(request, key, running), values: columns.iter().map(value).collect() }
    };
    keys.into_iter().map(row).collect()
}

/// Where a row stands: values of a dimension that has names of its own are in the order of these, such as urgent before high.
fn ranks(request: &Request<'_>, (bucket, group): &RowKey) -> (Option<Instant>, Vec<usize>) {
    let rank = |(dimension, (is_missing, value)): (&Dimension, &(bool, String))| match dimension.value_kind() {
        _ if *is_missing => usize::MAX,
        ValueKind::OneOf(names) => names.iter().position(|name| name == value).unwrap_or(names.len()),
        ValueKind::Scaled(_) | ValueKind::Text => 0,
    };
    (*bucket, request.plan.by.iter().zip(group).map(rank).collect())
}

fn key_values(request: &Request<'_>, (bucket, group): &RowKey, running: Option<Instant>) -> Vec<Value> {
    let bucket = bucket.map(|start| request.bucket(start, request.grain(), running));
    let groups = group.iter().map(|(is_missing, value)| match is_missing {
        true => Value::Missing,
        false => Value::Text(value.clone()),
    });
    bucket.into_iter().chain(groups).collect()
}
