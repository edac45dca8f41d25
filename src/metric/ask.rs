//! Asking: from a question to its answer. Every question has a session of its own, so any number can be asked at once.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::aggregation::Aggregation;
use super::answer::{Answer, Overlap, fill};
use super::catalogue::Catalogue;
use super::contributions::{Contributions, Ids};
use super::foremost::{Foremost, ForemostOfGroup, Order, Wanted};
use super::header::{Metric, MetricKind};
use super::opening::{Openings, question_before};
use super::question::Question;
use super::ratio::{Answered, Side, divide, quotient};
use super::tally::Tally;
use crate::error::{Error, Result};
use crate::query::database::Database;

/// The contributions behind an answer.
pub struct Listing {
    /// Of the metric.
    pub title: String,
    /// Whether the values are milliseconds.
    pub value_is_duration: bool,
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
    /// The dimensions of which a contribution may have several values, and then is listed once for each of them.
    pub several: Vec<String>,
    pub contributions: i64,
    pub cases: i64,
    /// Name and count of what each exclusion of the header leaves out of numbers; it is listed.
    pub left_out: Vec<(String, i64)>,
}

impl Question {
    /// Answers the question.
    ///
    /// # Errors
    /// When the metric is not known, or cannot be cut like that, or a custom field is not known, or the engine fails.
    pub async fn answer(&self, database: &Database, catalogue: &Catalogue) -> Result<Answer> {
        self.answer_with_cases(Wanted::default(), database, catalogue).await
    }

    /// The same, with cases behind each group.
    ///
    /// # Errors
    /// As [`Question::answer`].
    pub async fn answer_with_cases(
        &self,
        wanted: Wanted,
        database: &Database,
        catalogue: &Catalogue,
    ) -> Result<Answer> {
        let metric = catalogue.get(&self.metric)?;
        if metric.kind == MetricKind::Ratio {
            return Box::pin(answer_ratio(self, metric, wanted, database, catalogue)).await;
        }
        let show = self.shown(metric)?;
        let read: Vec<Aggregation> = show.iter().map(|shown| metric.read_as(shown)).collect();
        let asked = Contributions::open(self, metric, database, Ids::Any).await?;
        let order = wanted.order.unwrap_or_else(|| Order::of(metric));
        let ranked = (wanted.count > 0).then_some((wanted.count, order));
        let is_stock = metric.kind == MetricKind::Stock;
        let Tally { mut rows, mut contributions, cases, keys, left_out, foremost } =
            asked.tally(&read, ranked.filter(|_| !is_stock)).await?;
        let mut behind = Vec::new();
        if let Some(ranked) = ranked {
            let of_groups = match is_stock {
                true => self.foremost_at_end(metric, ranked, database).await?,
                false => (foremost, cases),
            };
            let (groups, cases) = of_groups;
            behind.push(Foremost { metric: metric.clone(), order, is_since: asked.is_since(), cases, groups });
        }
        let mut left_out: Vec<(String, i64)> = left_out.into_iter().collect();
        if show.contains(&Aggregation::Opening) {
            let before = self.answer_before(metric, database, catalogue).await?;
            let openings = Openings::new(&show, before.as_ref());
            openings.add_groups(self, &read, metric, &mut rows);
            fill(self, &mut rows, &read, metric);
            openings.put(self, &read, metric, &mut rows);
        } else {
            fill(self, &mut rows, &read, metric);
        }
        let mut overlap = None;
        let dimensions = asked.several();
        if !dimensions.is_empty() {
            let ungrouped = Question { by: Vec::new(), ..self.clone() };
            let ungrouped = Box::pin(ungrouped.answer(database, catalogue)).await?;
            (contributions, left_out) = (ungrouped.contributions, ungrouped.left_out);
            overlap = Some(Overlap { dimensions, whole: self.whole(database, catalogue).await? });
        }
        let (distinct, integral) = (asked.have_keys(), asked.are_integral());
        let metric = metric.clone();
        Ok(Answer {
            metric,
            show,
            rows,
            contributions,
            cases,
            left_out,
            distinct,
            keys,
            integral,
            overlap,
            foremost: behind,
        })
    }

    /// The cases of a stock as it is at the end of the range, and how many there are.
    async fn foremost_at_end(
        &self,
        metric: &Metric,
        ranked: (usize, Order),
        database: &Database,
    ) -> Result<(Vec<ForemostOfGroup>, i64)> {
        let at_end = Question { grain: None, ..self.clone() };
        let asked = Contributions::open(&at_end, metric, database, Ids::Any).await?;
        let Tally { foremost, cases, .. } = asked.tally(&[], Some(ranked)).await?;
        Ok((foremost, cases))
    }

    /// The stock just before the range; nothing where that is after the as-of.
    async fn answer_before(
        &self,
        metric: &Metric,
        database: &Database,
        catalogue: &Catalogue,
    ) -> Result<Option<Answer>> {
        match question_before(self, metric.read_as(&Aggregation::Opening)) {
            Some(before) => Ok(Some(Box::pin(before.answer(database, catalogue)).await?)),
            None => Ok(None),
        }
    }

    /// The numbers of all groups and buckets together.
    async fn whole(&self, database: &Database, catalogue: &Catalogue) -> Result<Vec<Option<f64>>> {
        let whole = Question { by: Vec::new(), grain: None, ..self.clone() };
        let whole = Box::pin(whole.answer(database, catalogue)).await?;
        Ok(whole.rows.into_iter().next().map(|row| row.values).unwrap_or_default())
    }

    /// The contributions behind the answer, one row each: which cases these are.
    ///
    /// # Errors
    /// As [`Question::answer`].
    pub async fn contributions(&self, database: &Database, catalogue: &Catalogue) -> Result<Listing> {
        let metric = catalogue.get(&self.metric)?;
        if metric.kind == MetricKind::Ratio {
            let error = Error::refused(format!("`{}` is a ratio and has no cases of its own", metric.name));
            let sides: Vec<String> =
                metric.sides()?.iter().map(|side| format!("`casebook metric {} --cases`", side.metric)).collect();
            return Err(error.with_hint(format!("ask for those of what is divided: {}", sides.join(" and "))));
        }
        let contributions = Contributions::open(self, metric, database, Ids::Texts).await?;
        let (schema, batches) = contributions.listed().await?;
        let ungrouped = Question { by: Vec::new(), show: vec![Aggregation::Count], ..self.clone() };
        let Answer { contributions: count, cases, left_out, .. } =
            Box::pin(ungrouped.answer(database, catalogue)).await?;
        let (title, several) = (metric.title.clone(), contributions.several());
        let value_is_duration = metric.unit == "ms";
        Ok(Listing { title, value_is_duration, schema, batches, several, contributions: count, cases, left_out })
    }

    /// How many contributions have a value below each bound, and at or above the last: one more number than bounds.
    ///
    /// # Errors
    /// As [`Question::answer`].
    pub async fn distribution(&self, bounds: &[f64], database: &Database, catalogue: &Catalogue) -> Result<Vec<i64>> {
        let metric = catalogue.get(&self.metric)?;
        Contributions::open(self, metric, database, Ids::Any).await?.distribution(bounds).await
    }
}

/// Answers a question about a ratio: each group's numerator by its denominator; nothing where there is none.
async fn answer_ratio(
    question: &Question,
    metric: &Metric,
    wanted: Wanted,
    database: &Database,
    catalogue: &Catalogue,
) -> Result<Answer> {
    let show = question.shown(metric)?;
    question.check_value_filters(metric, true)?;
    let [numerator, denominator] = metric.sides()?;
    if let Some(grain) = question.grain.filter(|_| numerator.at_end && denominator.at_end) {
        let message =
            format!("`{}` is read at the end of the range and cannot be cut into `{}`", metric.name, grain.name());
        return Err(Error::invalid("grain", message).with_hint("leave the grain out"));
    }
    let wanted = Wanted { order: None, ..wanted };
    let top = answer_side(question, &numerator, wanted, database, catalogue).await?;
    let bottom = answer_side(question, &denominator, wanted, database, catalogue).await?;
    let overlap = top.overlap.as_ref().zip(bottom.overlap.as_ref()).map(|(top, bottom)| Overlap {
        dimensions: top.dimensions.clone(),
        whole: top.whole.iter().zip(&bottom.whole).map(|(top, bottom)| quotient(*top, *bottom)).collect(),
    });
    Ok(Answer {
        metric: metric.clone(),
        show,
        rows: divide(&Answered { side: &numerator, answer: &top }, &Answered { side: &denominator, answer: &bottom }),
        contributions: top.contributions + bottom.contributions,
        cases: bottom.cases.max(top.cases),
        left_out: top.left_out.iter().chain(&bottom.left_out).cloned().collect(),
        distinct: true,
        keys: None,
        integral: false,
        overlap,
        foremost: top.foremost.into_iter().chain(bottom.foremost).collect(),
    })
}

async fn answer_side(
    question: &Question,
    side: &Side,
    wanted: Wanted,
    database: &Database,
    catalogue: &Catalogue,
) -> Result<Answer> {
    let show: Vec<Aggregation> = side.aggregate.clone().into_iter().collect();
    let asked = Question {
        metric: side.metric.clone(),
        show,
        grain: question.grain.filter(|_| !side.at_end),
        ..question.clone()
    };
    Box::pin(asked.answer_with_cases(wanted, database, catalogue)).await
}
