//! Asks the program and the plain reading the same questions.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use casebook::metric::aggregation::Aggregation;
use casebook::metric::catalogue::Catalogue;
use casebook::metric::dimension::Dimension;
use casebook::metric::filter::Filter;
use casebook::metric::header::Metric;
use casebook::metric::question::Question;
use casebook::metric::range::{Grain, Range};
use casebook::model::time::Instant;
use casebook::query::database::Database;
use casebook::query::memory;
use casebook::store::engine::Resources;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::definitions::{Reading, definition};
use super::dimension::DIMENSIONS;
use super::known::{Contribution, Known};
use super::question::{Asked, Cut, Group, Numbers, answer, groups_of, passing};
use crate::auditor::instant;
use crate::project::rows_of;

const RESOURCES: Resources = Resources { memory_bytes: 256 << 20, threads: 1 };

/// A range in a zone and an as-of, of which every metric is asked.
#[derive(Clone, Debug)]
pub struct Ask {
    /// As it can be typed.
    pub range: String,
    pub zone: &'static str,
    pub as_of: i64,
    /// Which of the dimensions each metric is cut by.
    pub salt: usize,
}

/// A database over a history, whose repeated events count once.
pub async fn open(lines: &[Value]) -> Database {
    let mut known = HashSet::new();
    let new = lines.iter().filter(|line| known.insert((line["source"].to_string(), line["id"].to_string())));
    let texts: Vec<String> = new.map(Value::to_string).collect();
    memory::database(texts.iter().map(String::as_bytes), RESOURCES).await.unwrap()
}

impl Ask {
    fn range(&self) -> Range {
        Range::parse(&self.range, &TimeZone::get(self.zone).unwrap(), Instant(0)).unwrap()
    }

    fn days(&self) -> i64 {
        self.range().days()
    }

    fn asked(&self) -> Asked {
        let range = self.range();
        Asked { from: range.from.0, to: range.to.0, as_of: self.as_of, zone: range.zone().clone() }
    }

    /// The program's question.
    fn question(&self, metric: &Metric, cut: &Cut) -> Question {
        Question {
            metric: metric.name.clone(),
            by: cut.by.iter().map(|name| Dimension::parse(name).unwrap()).collect(),
            grain: cut.grain.map(|name| Grain::parse(name).unwrap()),
            range: self.range(),
            as_of: Instant(self.as_of),
            show: cut.show.iter().map(|name| Aggregation::parse(name).unwrap()).collect(),
            filters: cut
                .filter
                .iter()
                .map(|(name, value)| Filter::parse("test", &format!("{name}={value}")).unwrap())
                .collect(),
        }
    }
}

/// What differs: a metric, and how.
pub type Difference = (String, String);

/// Asks every metric, or only one, and gives what differs.
pub async fn differences(
    database: &Database,
    catalogue: &Catalogue,
    known: &Known,
    ask: &Ask,
    only: Option<&str>,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let is_compared = |metric: &Metric| only.is_none_or(|only| metric.name == only);
    for (number, metric) in catalogue.iter().enumerate().filter(|(_, metric)| is_compared(metric)) {
        let cut = cut(metric, ask, number);
        for text in differences_of(database, catalogue, known, ask, metric, &cut).await {
            found.push((metric.name.clone(), format!("{} {cut:?}: {text}", metric.name)));
        }
    }
    found
}

/// The way in which a metric is cut: not at all, by agent, by day and something, or each contribution by itself, some filtered.
fn cut(metric: &Metric, ask: &Ask, number: usize) -> Cut {
    let (_, reading, own) = definition(&metric.name);
    let all: Vec<&str> = match reading {
        // What belongs to a user has few dimensions.
        Reading::Stock(_) if metric.name == "capacity" => vec!["agent", "team"],
        Reading::Time(_) if metric.name == "workload_time" => vec!["agent", "status", "priority", "profile"],
        Reading::Time(_) if metric.name == "capacity_time" => vec!["agent", "team"],
        Reading::Time(_) => [&["agent"], *own].concat(),
        Reading::Ratio(..) if metric.name != "days_to_clear" => vec!["agent"],
        _ => [*own, &DIMENSIONS].concat(),
    };
    let salt = ask.salt + number * 5;
    let dimension = |step: usize| all[(salt / 4 + step * 7) % all.len()].to_owned();
    let show: Vec<&'static str> = match (reading, metric.unit.as_str()) {
        (Reading::Ratio(..), _) => vec!["ratio"],
        (Reading::Time(_), _) => vec!["sum", "hours"],
        (_, "ms") => vec!["median", "count", "sum", "p90"],
        _ => ["count", "share", "mean", "sum", "per_key"]
            .into_iter()
            .filter(|name| *name == "count" || *name == metric.aggregate)
            .collect(),
    };
    let grain = if ask.days() > 8 { "week" } else { "day" };
    let filter =
        [("status", "open"), ("agent", "ana"), ("priority@now", "medium"), ("deleted", "kept"), ("field.tags", "a")]
            [salt / 8 % 5];
    let may_filter = (salt / 4).is_multiple_of(2) && !matches!(reading, Reading::Time(_) | Reading::Ratio(..));
    let filter = may_filter.then(|| (filter.0, filter.1.to_owned()));
    let cut = Cut { show, ..Cut::default() };
    let grain = Some(grain).filter(|_| metric.name != "days_to_clear");
    let mut listed: Vec<String> = (0..3).map(dimension).chain(own.iter().map(|&name| name.to_owned())).collect();
    listed.sort();
    listed.dedup();
    match salt % 4 {
        0 => cut,
        1 => Cut { by: vec!["agent".to_owned()], ..cut },
        2 => Cut { by: vec![dimension(4)], grain, ..cut },
        _ => Cut { by: listed, filter, is_listed: true, ..cut },
    }
}

async fn differences_of(
    database: &Database,
    catalogue: &Catalogue,
    known: &Known,
    ask: &Ask,
    metric: &Metric,
    cut: &Cut,
) -> Vec<String> {
    let (asked, question, reading) = (ask.asked(), ask.question(metric, cut), definition(&metric.name).1);
    let answered = match question.answer(database, catalogue).await {
        // The history has no such field.
        Err(error) if error.to_string().contains("neither defines nor uses") => return Vec::new(),
        Err(error) => return vec![error.to_string()],
        Ok(answered) => answered,
    };
    let mut texts = Vec::new();
    let mut check = |what: String, expected: String, found: String| {
        if expected != found {
            texts.push(format!("{what}: expected {expected}, found {found}"));
        }
    };
    let expected = answer(known, &asked, &metric.name, cut);
    let found: BTreeMap<Group, Numbers> = answered
        .rows
        .iter()
        .map(|row| {
            let numbers = Numbers { values: row.values.clone(), contributions: row.contributions, cases: row.cases };
            ((row.bucket.map(|bucket| bucket.0), row.group.clone()), numbers)
        })
        .collect();
    let groups: BTreeSet<&Group> = expected.keys().chain(found.keys()).collect();
    for group in groups {
        check(group_text(group), numbers_text(expected.get(group), reading), numbers_text(found.get(group), reading));
    }
    if matches!(reading, Reading::Ratio(..)) {
        return texts;
    }
    let contributions = passing(known, &asked, reading, cut);
    if !matches!(reading, Reading::Time(_)) {
        let counted = contributions.iter().filter(|contribution| contribution.excluded.is_none());
        let cases: HashSet<&String> =
            counted.clone().filter_map(|contribution| contribution.case_id.as_ref()).collect();
        check("contributions".to_owned(), counted.count().to_string(), answered.contributions.to_string());
        check("cases".to_owned(), cases.len().to_string(), answered.cases.to_string());
        let left_out = |name: &String| {
            let count = contributions.iter().filter(|contribution| contribution.excluded == Some(name)).count();
            (name.clone(), count as i64)
        };
        let mut names = metric.excludes.clone();
        names.sort();
        let left_out: Vec<(String, i64)> = names.iter().map(left_out).collect();
        check("left out".to_owned(), format!("{left_out:?}"), format!("{:?}", answered.left_out));
    }
    if cut.is_listed {
        let batches = question.contributions(database, catalogue).await.unwrap().batches;
        let rows: Vec<Value> = batches.iter().flat_map(rows_of).map(Value::Object).collect();
        let expected = listed(known, &asked, reading, cut);
        let found = rows.iter().map(|row| {
            let text = |column: &str| row[column].as_str().map(str::to_owned);
            let value = if row["value_ms"].is_null() { &row["value"] } else { &row["value_ms"] };
            let mut key = vec![text("case_id"), text("agent"), text("excluded")];
            key.extend(cut.by.iter().map(|name| text(name)));
            (row["at"].as_str().map(instant).unwrap_or_default(), key, value.as_f64())
        });
        let (expected, found) = (merged(expected.into_iter(), reading), merged(found, reading));
        for row in expected.iter().filter(|row| !found.contains(row)) {
            texts.push(format!("expected the contribution {row:?}"));
        }
        for row in found.iter().filter(|row| !expected.contains(row)) {
            texts.push(format!("found the contribution {row:?}"));
        }
    }
    texts
}

/// Instant, texts and value of a listed contribution.
type Listed = (i64, Vec<Option<String>>, Option<f64>);

fn listed(known: &Known, asked: &Asked, reading: Reading, cut: &Cut) -> Vec<Listed> {
    let listed = |contribution: Contribution| {
        let excluded = contribution.excluded.map(str::to_owned);
        let first = vec![contribution.case_id.clone(), contribution.agent.clone(), excluded];
        let groups = groups_of(known, asked, &contribution, cut).into_iter();
        let rows = groups.map(|group| (contribution.at, [first.clone(), group].concat(), contribution.value));
        rows.collect::<Vec<_>>()
    };
    passing(known, asked, reading, cut).into_iter().flat_map(listed).collect()
}

/// Rows in order, each with the number of its like. The value of what is left out does not matter; of a time only the sum does.
fn merged(rows: impl Iterator<Item = Listed>, reading: Reading) -> Vec<String> {
    let mut all: BTreeMap<String, (usize, f64)> = BTreeMap::new();
    for (at, key, value) in rows {
        let is_time = matches!(reading, Reading::Time(_));
        let value = value.filter(|_| key[2].is_none()).unwrap_or(0.0);
        let text = if is_time { format!("{key:?}") } else { format!("{} {key:?} {value}", time_text(at)) };
        let entry = all.entry(text).or_default();
        *entry = (entry.0 + 1, entry.1 + value);
    }
    let row = |(text, (count, sum)): (String, (usize, f64))| match reading {
        Reading::Time(_) => format!("{text} {sum}"),
        _ => format!("{count} x {text}"),
    };
    all.into_iter().map(row).collect()
}

fn time_text(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map(|time| format!("{time:.3}")).unwrap_or_default()
}

fn group_text(group: &Group) -> String {
    format!("{} {:?}", group.0.map(time_text).unwrap_or_default(), group.1)
}

fn numbers_text(numbers: Option<&Numbers>, reading: Reading) -> String {
    let Some(numbers) = numbers else { return "no row".to_owned() };
    let value = |value: &Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.9e}"));
    let values: Vec<String> = numbers.values.iter().map(value).collect();
    let counts = match reading {
        Reading::Flow(_) | Reading::Stock(_) => format!(" of {} in {} cases", numbers.contributions, numbers.cases),
        Reading::Time(_) => format!(" in {} cases", numbers.cases),
        Reading::Ratio(..) => String::new(),
    };
    values.join(" ") + &counts
}
