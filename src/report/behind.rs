//! What moved a figure: the contributions behind a widget that only one of two states of the log gives.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::TimestampMillisecondType;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::dashboard::{Dashboard, WidgetPlan};
use super::moved::Moved;
use super::table::Key;
use super::value::{Bucket, Value};
use crate::error::Result;
use crate::json::fingerprint;
use crate::metric::ask::Listing;
use crate::metric::catalogue::Catalogue;
use crate::metric::dimension::Dimension;
use crate::metric::header::MetricKind;
use crate::metric::question::Question;
use crate::metric::range::Range;
use crate::model::time::Instant;
use crate::query::database::Database;

/// A contribution that one state of the log gives and the other does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    pub case: Option<String>,
    at: Option<Instant>,
    /// The values of the widget's dimensions.
    groups: BTreeMap<String, Option<String>>,
    /// The metric of the widget, by name and title.
    metric: (String, String),
    /// Of the range that the widget compares with.
    is_compared: bool,
}

/// Two states of the log, and what is asked of both.
pub struct States<'a> {
    pub then: &'a Database,
    pub now: &'a Database,
    pub dashboard: &'a Dashboard,
    pub catalogue: &'a Catalogue,
    pub range: Range,
    pub as_of: Instant,
}

impl States<'_> {
    /// The contributions behind a widget in which the two states differ.
    ///
    /// # Errors
    /// When a metric cannot be asked for its contributions.
    pub async fn changed(&self, plan: &WidgetPlan) -> Result<Vec<Contribution>> {
        let mut changed = Vec::new();
        let compared = plan.compare.map(|compare| compare.range(&self.range));
        for metric in &plan.metrics {
            let names = std::iter::once(&metric.metric).chain(&metric.of);
            let leaves: BTreeSet<String> =
                names.map(|name| self.leaves(name)).collect::<Result<Vec<_>>>()?.concat().into_iter().collect();
            for leaf in leaves {
                let question = self.question(plan, &leaf)?;
                let of = (metric.metric.clone(), metric.title.clone());
                self.add(&question, plan, (&of, false), &mut changed).await?;
                if let Some(range) = &compared {
                    self.add(&question.over(range.clone(), self.as_of), plan, (&of, true), &mut changed).await?;
                }
            }
        }
        Ok(changed)
    }

    /// The metric, or both sides of a ratio.
    fn leaves(&self, name: &str) -> Result<Vec<String>> {
        let metric = self.catalogue.get(name)?;
        if metric.kind != MetricKind::Ratio {
            return Ok(vec![metric.name.clone()]);
        }
        let sides = metric.sides()?.map(|side| self.leaves(&side.metric));
        Ok(sides.into_iter().collect::<Result<Vec<_>>>()?.concat())
    }

    fn question(&self, plan: &WidgetPlan, metric: &str) -> Result<Question> {
        let cuts = plan.chart.cuts.iter().map(|name| Dimension::parse(name));
        let by = plan.by.iter().cloned().map(Ok).chain(cuts).collect::<Result<Vec<_>>>()?;
        // A stock is listed at each instant at which it is read.
        let is_read = self.catalogue.get(metric)?.kind == MetricKind::Stock && plan.has_buckets();
        Ok(Question {
            metric: metric.to_owned(),
            by,
            grain: is_read.then(|| plan.grain_over(&self.range)),
            range: self.range.clone(),
            as_of: self.as_of,
            show: Vec::new(),
            filters: self.dashboard.filters.iter().chain(&plan.filters).cloned().collect(),
        })
    }

    async fn add(
        &self,
        question: &Question,
        plan: &WidgetPlan,
        (metric, is_compared): (&(String, String), bool),
        changed: &mut Vec<Contribution>,
    ) -> Result<()> {
        let then = question.contributions(self.then, self.catalogue).await?;
        let now = question.contributions(self.now, self.catalogue).await?;
        let mut counts: HashMap<u128, i64> = HashMap::new();
        for (listing, step) in [(&then, -1), (&now, 1)] {
            each_row(listing, |_, _, print| {
                *counts.entry(print).or_default() += step;
                Ok(())
            })?;
        }
        counts.retain(|_, count| *count != 0);
        for listing in [&then, &now] {
            each_row(listing, |batch, row, print| {
                if counts.contains_key(&print) {
                    changed.push(contribution(batch, row, plan, (metric, is_compared))?);
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Every row of a listing with a fingerprint of its values.
fn each_row(listing: &Listing, mut take: impl FnMut(&RecordBatch, usize, u128) -> Result<()>) -> Result<()> {
    let options = FormatOptions::default();
    for batch in &listing.batches {
        let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
        let columns = columns.collect::<arrow::error::Result<Vec<_>>>()?;
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            text.clear();
            for (formatter, column) in columns.iter().zip(batch.columns()) {
                let value = if column.is_null(row) { None } else { Some(formatter.value(row).try_to_string()?) };
                text.push_str(&format!("{value:?},"));
            }
            take(batch, row, fingerprint(text.as_bytes()))?;
        }
    }
    Ok(())
}

fn contribution(
    batch: &RecordBatch,
    row: usize,
    plan: &WidgetPlan,
    (metric, is_compared): (&(String, String), bool),
) -> Result<Contribution> {
    let text = |name: &str| -> Result<Option<String>> {
        let Some(column) = batch.column_by_name(name).filter(|column| column.is_valid(row)) else { return Ok(None) };
        let options = FormatOptions::default();
        Ok(Some(ArrayFormatter::try_new(column.as_ref(), &options)?.value(row).try_to_string()?))
    };
    let at = batch.column_by_name("at").filter(|at| at.is_valid(row));
    let at = at.and_then(|at| Some(Instant(at.as_primitive_opt::<TimestampMillisecondType>()?.value(row))));
    let mut groups = BTreeMap::new();
    for dimension in &plan.by {
        groups.insert(dimension.name.clone(), text(&dimension.name)?);
    }
    Ok(Contribution { case: text("case_id")?, at, groups, metric: metric.clone(), is_compared })
}

/// Those of the changed contributions of a widget that are behind a figure; all where the figure is of none alone, such as
/// one of "other" groups.
#[must_use]
pub fn behind<'c>(moved: &Moved, plan: &WidgetPlan, changed: &'c [Contribution]) -> Vec<&'c Contribution> {
    let name = moved.column.strip_suffix("_ms").unwrap_or(&moved.column);
    let has_group = |contribution: &Contribution| {
        let heading = |dimension: &Dimension| {
            let group = contribution.groups.get(&dimension.name).cloned().flatten();
            Key::dimension(dimension).text(&group.map_or(Value::Missing, Value::Text))
        };
        plan.by.iter().any(|dimension| heading(dimension) == name)
    };
    let is_column_a_group = changed.iter().any(has_group);
    let mut metrics: Vec<&str> = plan.metrics.iter().map(|metric| metric.metric.as_str()).collect();
    metrics.sort_by_key(|metric| std::cmp::Reverse(metric.len()));
    let metric = metrics.into_iter().find(|metric| name.starts_with(metric));
    let (is_before, is_change) = (name.ends_with("before"), name.contains("_change"));
    let fits = |contribution: &&Contribution| {
        let of_column = match (is_column_a_group, metric) {
            (true, _) => has_group(contribution),
            (false, Some(metric)) => contribution.metric.0 == metric,
            (false, None) => true,
        };
        of_column
            && (is_change || contribution.is_compared == is_before)
            && moved.keys.iter().all(|(key, value)| contribution.has(key, value, plan))
    };
    let behind: Vec<&Contribution> = changed.iter().filter(fits).collect();
    if behind.is_empty() { changed.iter().collect() } else { behind }
}

impl Contribution {
    /// Whether it may count in a row of that key.
    fn has(&self, key: &str, value: &Value, plan: &WidgetPlan) -> bool {
        match value {
            // Buckets of the compared range stand beside those at their position.
            Value::Bucket(_) if self.is_compared => true,
            Value::Bucket(Bucket { start, grain, zone, .. }) => {
                self.at.is_none_or(|at| grain.bucket(at, zone).start == *start)
            }
            value => match self.groups.get(key) {
                Some(group) => match value {
                    Value::Missing => group.is_none(),
                    value => group.as_deref() == Some(value.text().as_str()),
                },
                // The key of large numbers is the title of a metric.
                None => {
                    let is_title = plan.metrics.iter().any(|metric| metric.title == value.text());
                    !is_title || self.metric.1 == value.text()
                }
            },
        }
    }
}
