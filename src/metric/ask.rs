//! Asking: from a question to its answer. Every question has a session of its own, so any number can be asked at once.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::aggregation::Aggregation;
use super::answer::{Answer, Overlap, fill};
use super::catalogue::Catalogue;
use super::contributions::{Contributions, Ids};
use super::foremost::{Behind, Order, Wanted};
use super::header::{Metric, MetricKind};
use super::opening::{Openings, question_before};
use super::question::Question;
use super::ratio::{Answered, divide, quotient};
use super::shared::Shared;
use super::tally::{Asked, Counted, Ranked, Tally};
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
        self.answer_sharing(&Shared::default(), Wanted::default(), database, catalogue).await
    }

    /// The same answer with cases behind each group, from the contributions that it shares with other questions where there are
    /// such.
    ///
    /// # Errors
    /// As [`Question::answer`].
    pub async fn answer_sharing(
        &self,
        shared: &Shared,
        wanted: Wanted,
        database: &Database,
        catalogue: &Catalogue,
    ) -> Result<Answer> {
        let metric = catalogue.get(&self.metric)?;
        let sources = Sources { shared, database, catalogue };
        if metric.kind == MetricKind::Ratio {
            return Box::pin(answer_ratio(self, metric, wanted, sources)).await;
        }
        let show = self.shown(metric)?;
        let read: Vec<Aggregation> = show.iter().map(|shown| metric.read_as(shown)).collect();
        let order = wanted.order.unwrap_or_else(|| Order::of(metric));
        let ranked = (wanted.count > 0).then_some((wanted.count, order));
        let Counted { tally, behind, distinct, integral, several } = self.count(metric, &read, ranked, sources).await?;
        let Tally { mut rows, mut contributions, cases, keys, left_out, .. } = tally;
        let mut left_out: Vec<(String, i64)> = left_out.into_iter().collect();
        if show.contains(&Aggregation::Opening) {
            let before = self.answer_before(metric, sources).await?;
            let openings = Openings::new(&show, before.as_ref());
            openings.add_groups(self, &read, metric, &mut rows);
            fill(self, &mut rows, &read, metric);
            openings.put(self, &read, metric, &mut rows);
        } else {
            fill(self, &mut rows, &read, metric);
        }
        let mut overlap = None;
        if !several.is_empty() {
            let ungrouped = sources.answer(&Question { by: Vec::new(), ..self.clone() }, Wanted::default()).await?;
            (contributions, left_out) = (ungrouped.contributions, ungrouped.left_out);
            overlap = Some(Overlap { dimensions: several, whole: self.whole(sources).await? });
        }
        let metric = metric.clone();
        let foremost = behind.into_iter().map(|behind| behind.of(&metric, order)).collect();
        Ok(Answer { metric, show, rows, contributions, cases, left_out, distinct, keys, integral, overlap, foremost })
    }

    /// The numbers of every group, and what they are of.
    async fn count(
        &self,
        metric: &Metric,
        show: &[Aggregation],
        ranked: Ranked,
        sources: Sources<'_>,
    ) -> Result<Counted> {
        let Sources { shared, database, .. } = sources;
        let asked = Asked { question: self, metric, show, ranked };
        let mut counted = match shared.count(&asked, database).await {
            Some(counted) => counted,
            None => count_alone(&asked, database).await?,
        };
        if let (None, Some(ranked)) = (&counted.behind, ranked) {
            counted.behind = Some(self.behind_at_end(metric, ranked, database).await?);
        }
        Ok(counted)
    }

    /// The cases of a stock as it is at the end of the range.
    async fn behind_at_end(&self, metric: &Metric, ranked: (usize, Order), database: &Database) -> Result<Behind> {
        let at_end = Question { grain: None, ..self.clone() };
        let contributions = Contributions::open(&at_end, metric, database, Ids::Any).await?;
        let mut tally = contributions.tally(&[], Some(ranked)).await?;
        Ok(tally.behind(contributions.is_since()))
    }

    /// The stock just before the range; nothing where that is after the as-of.
    async fn answer_before(&self, metric: &Metric, sources: Sources<'_>) -> Result<Option<Answer>> {
        match question_before(self, metric.read_as(&Aggregation::Opening)) {
            Some(before) => Ok(Some(sources.answer(&before, Wanted::default()).await?)),
            None => Ok(None),
        }
    }

    /// The numbers of all groups and buckets together.
    async fn whole(&self, sources: Sources<'_>) -> Result<Vec<Option<f64>>> {
        let whole = Question { by: Vec::new(), grain: None, ..self.clone() };
        let whole = sources.answer(&whole, Wanted::default()).await?;
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
    pub async fn distribution(
        &self,
        bounds: &[f64],
        shared: &Shared,
        database: &Database,
        catalogue: &Catalogue,
    ) -> Result<Vec<i64>> {
        let metric = catalogue.get(&self.metric)?;
        if let Some(counts) = shared.distribution(self, metric, bounds, database).await {
            return Ok(counts);
        }
        Contributions::open(self, metric, database, Ids::Any).await?.distribution(bounds).await
    }
}

/// What questions are answered from.
#[derive(Clone, Copy)]
struct Sources<'a> {
    shared: &'a Shared,
    database: &'a Database,
    catalogue: &'a Catalogue,
}

impl Sources<'_> {
    /// Answers a question that is a part of another.
    async fn answer(self, question: &Question, wanted: Wanted) -> Result<Answer> {
        Box::pin(question.answer_sharing(self.shared, wanted, self.database, self.catalogue)).await
    }
}

/// The numbers of every group, from contributions that are read for this question alone. The cases behind a stock are not there
/// where they are read otherwise than its numbers.
async fn count_alone(asked: &Asked<'_>, database: &Database) -> Result<Counted> {
    let Asked { question, metric, show, ranked } = *asked;
    let contributions = Contributions::open(question, metric, database, Ids::Any).await?;
    let is_at_end = question.grain.is_none() && contributions.reads_itself();
    let ranked = ranked.filter(|_| metric.kind != MetricKind::Stock || is_at_end);
    let mut tally = contributions.tally(show, ranked).await?;
    let behind = ranked.map(|_| tally.behind(contributions.is_since()));
    let (distinct, integral) = (contributions.have_keys(), contributions.are_integral());
    Ok(Counted { tally, behind, distinct, integral, several: contributions.several() })
}

/// Answers a question about a ratio: each group's numerator by its denominator; nothing where there is none.
async fn answer_ratio(question: &Question, metric: &Metric, wanted: Wanted, sources: Sources<'_>) -> Result<Answer> {
    let show = question.shown(metric)?;
    question.check_value_filters(metric, true)?;
    let [numerator, denominator] = metric.sides()?;
    if let Some(grain) = question.grain.filter(|_| numerator.at_end && denominator.at_end) {
        let message =
            format!("`{}` is read at the end of the range and cannot be cut into `{}`", metric.name, grain.name());
        return Err(Error::invalid("grain", message).with_hint("leave the grain out"));
    }
    let wanted = Wanted { order: None, ..wanted };
    let top = sources.answer(&numerator.question(question), wanted).await?;
    let bottom = sources.answer(&denominator.question(question), wanted).await?;
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
