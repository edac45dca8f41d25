//! What the questions of a page share: the contributions of each metric are read once, with every dimension that a question
//! cuts them by, over all ranges that are asked about, and held in memory while the page is made.
//!
//! Questions are together where the SQL of their contributions is the same, with the same parameters. What cannot be held is
//! asked by itself.

mod rows;
mod tally;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::aggregation::Aggregation;
use super::catalogue::Catalogue;
use super::contributions::{Contributions, Ids, reads_at_once, reads_itself};
use super::dimension::{CaseValues, Dimension, DimensionSql};
use super::filter::Filter;
use super::functions::STOCK_READS;
use super::header::{Metric, MetricKind};
use super::opening::question_before;
use super::question::Question;
use super::range::zone_name;
use super::tally::{Asked, Counted};
use crate::error::Result;
use crate::query::database::Database;
use rows::Rows;

/// The contributions that several questions share.
#[derive(Debug, Default)]
pub struct Shared {
    groups: BTreeMap<Key, Vec<Group>>,
    bytes: AtomicUsize,
}

/// Questions about ranges that touch each other, and the contributions to them.
#[derive(Debug)]
struct Group {
    /// One question about all of the ranges, by all of the dimensions.
    whole: Question,
    /// The first and the last instant at which a stock is read.
    reads: Option<(i64, i64)>,
    /// How often they will still be asked for.
    asks: AtomicUsize,
    /// Nothing where the contributions cannot be held, and after the last question.
    rows: OnceCell<Mutex<Option<Arc<Rows>>>>,
}

/// What is the same in the SQL of the contributions: the metric, the filters, and the values of those parameters on which it
/// depends.
type Key = (String, String, Vec<i64>);

impl Shared {
    /// What these questions share, each of which is asked once. Nothing is read before one of them is asked, and what is held is
    /// freed after the last one.
    #[must_use]
    pub fn new(questions: impl IntoIterator<Item = Question>, catalogue: &Catalogue) -> Shared {
        let mut all: BTreeMap<Key, Vec<Question>> = BTreeMap::new();
        for question in questions {
            for (question, metric) in asked(question, catalogue) {
                all.entry(key(&question, metric)).or_default().push(question);
            }
        }
        let groups = all.into_iter().map(|(key, questions)| (key, groups(questions))).collect();
        Shared { groups, bytes: AtomicUsize::new(0) }
    }

    /// The bytes of all contributions that are held, about.
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The contributions to a question, beside those to others; nothing where they are not held.
    async fn rows(&self, question: &Question, metric: &Metric, database: &Database) -> Option<Arc<Rows>> {
        let groups = self.groups.get(&key(question, metric))?;
        let group = groups.iter().find(|group| group.covers(question))?;
        let rows = group.rows.get_or_init(|| async { Mutex::new(self.read(group, metric, database).await) }).await;
        // What is held is whole whatever a thread that panicked did.
        let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
        if group.asks.fetch_sub(1, Ordering::Relaxed) > 1 {
            return rows.clone();
        }
        let last = rows.take();
        self.bytes.fetch_sub(last.as_ref().map_or(0, |rows| rows.bytes()), Ordering::Relaxed);
        last
    }

    /// The numbers of a question; nothing where its contributions are not held.
    pub(super) async fn count(&self, asked: &Asked<'_>, database: &Database) -> Option<Counted> {
        self.rows(asked.question, asked.metric, database).await?.count(asked)
    }

    /// How many contributions have a value below each bound, and at or above the last; nothing where they are not held.
    pub(super) async fn distribution(
        &self,
        question: &Question,
        metric: &Metric,
        bounds: &[f64],
        database: &Database,
    ) -> Option<Vec<i64>> {
        self.rows(question, metric, database).await?.distribution(question, metric, bounds)
    }

    /// The contributions of a group; nothing where they cannot be held, or the question would be refused when it is asked by
    /// itself.
    async fn read(&self, group: &Group, metric: &Metric, database: &Database) -> Option<Arc<Rows>> {
        let bytes_max = database.kept_bytes_max().saturating_sub(self.bytes_held());
        let rows = group.read(metric, database, bytes_max).await.ok().flatten()?;
        self.bytes.fetch_add(rows.bytes(), Ordering::Relaxed);
        Some(Arc::new(rows))
    }
}

impl Group {
    fn new(question: Question) -> Group {
        let reads = question.reads();
        let reads = reads.first().copied().zip(reads.last().copied());
        Group { whole: question, reads, asks: AtomicUsize::new(1), rows: OnceCell::new() }
    }

    fn add(&mut self, other: Group) {
        *self.asks.get_mut() += other.asks.into_inner();
        let Question { range, as_of, by, .. } = other.whole;
        let whole = &mut self.whole;
        if whole.range != range {
            whole.range = whole.range.spanning(&range);
        }
        whole.as_of = whole.as_of.max(as_of);
        for dimension in by {
            if whole.by.iter().all(|known| known.name != dimension.name) {
                whole.by.push(dimension);
            }
        }
        self.reads = match (self.reads, other.reads) {
            (Some(own), Some(others)) => Some((own.0.min(others.0), own.1.max(others.1))),
            (own, others) => own.or(others),
        };
    }

    fn covers(&self, question: &Question) -> bool {
        let Question { range, as_of, .. } = &self.whole;
        let reads = question.reads();
        let (first, last) = self.reads.unwrap_or((i64::MAX, i64::MIN));
        range.from <= question.range.from
            && question.range.to <= range.to
            && question.as_of <= *as_of
            && reads.first().is_none_or(|read| first <= *read)
            && reads.last().is_none_or(|read| *read <= last)
    }

    async fn read(&self, metric: &Metric, database: &Database, bytes_max: usize) -> Result<Option<Rows>> {
        if metric.kind == MetricKind::Stock && self.reads.is_none() {
            return Ok(None);
        }
        if reads_itself(metric) && self.whole.reads().len() > reads_at_once(metric) {
            return Ok(None);
        }
        let mut question = self.whole.clone();
        if metric.kind == MetricKind::Stock && !question.by.is_empty() {
            let uncut = Question { by: Vec::new(), ..self.whole.clone() };
            let contributions = Contributions::open(&uncut, metric, database, Ids::Any).await?;
            question.by.retain(|dimension| contributions.has_one_value(dimension));
        }
        let contributions = Contributions::open(&question, metric, database, Ids::Any).await?;
        Rows::read(&contributions, self.reads, bytes_max).await
    }
}

/// The questions to be asked for one, with their metrics: both sides of a ratio, and the stock before the range.
fn asked(question: Question, catalogue: &Catalogue) -> Vec<(Question, &Metric)> {
    // Of a custom field a case may have several values, and then it is in several groups.
    if question.by.iter().any(|dimension| dimension.field().is_some()) {
        return Vec::new();
    }
    // A metric that is not known is refused when it is asked.
    let Ok(metric) = catalogue.get(&question.metric) else { return Vec::new() };
    if metric.kind == MetricKind::Ratio {
        let sides = metric.sides().into_iter().flatten();
        return sides.flat_map(|side| asked(side.question(&question), catalogue)).collect();
    }
    let before = question.show.contains(&Aggregation::Opening);
    let before = before.then(|| question_before(&question, Aggregation::Count)).flatten();
    std::iter::once(question).chain(before).map(|question| (question, metric)).collect()
}

fn key(question: &Question, metric: &Metric) -> Key {
    let filters: Vec<String> = question.filters.iter().map(Filter::text).collect();
    let filters = format!("{} {}", zone_name(question.range.zone()), filters.join("\n"));
    let sql = depends_on(question, metric);
    let has = |name: &str| sql.iter().any(|sql| sql.contains(name));
    let mut values = Vec::new();
    // `$from` is no part of another parameter's name, nor is `$to`.
    if has("$from") || has("$to") {
        values.extend([question.range.from.0, question.range.to.0]);
    }
    if has("as_of") {
        values.push(question.as_of.0);
    }
    if has("$at") || has("_read") || has(STOCK_READS) {
        values.extend([question.range.from.0, question.range.to.0, question.as_of.0]);
        values.extend(question.reads());
    }
    (question.metric.clone(), filters, values)
}

/// SQL of which the contributions consist.
fn depends_on(question: &Question, metric: &Metric) -> Vec<String> {
    let of = |sql: DimensionSql| std::iter::once(sql.expression).chain(sql.joins.into_iter().map(|join| join.sql));
    let (columns, values) = (BTreeSet::new(), CaseValues::Joined);
    let dimension =
        |(position, dimension): (usize, &Dimension)| of(dimension.sql(position, metric.agent, &columns, None, values));
    let dimensions = question.dimensions().enumerate().flat_map(dimension);
    metric.sql.iter().cloned().chain(dimensions).collect()
}

/// Groups of questions whose ranges touch each other.
fn groups(mut questions: Vec<Question>) -> Vec<Group> {
    questions.sort_by_key(|question| question.range.from);
    let mut groups: Vec<Group> = Vec::new();
    for group in questions.into_iter().map(Group::new) {
        match groups.last_mut().filter(|last| group.whole.range.from <= last.whole.range.to) {
            Some(last) => last.add(group),
            None => groups.push(group),
        }
    }
    groups
}
