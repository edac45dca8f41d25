//! Asking: from a question to its answer. Every question has a session of its own, so any number can be asked at once.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::aggregation::Aggregation;
use super::answer::{Answer, fill};
use super::catalogue::Catalogue;
use super::contributions::Contributions;
use super::header::{Metric, MetricKind};
use super::question::Question;
use super::ratio::{Answered, Side, divide};
use super::values;
use crate::error::{Error, Result};
use crate::query::database::Database;

impl Question {
    /// Answers the question.
    ///
    /// # Errors
    /// When the metric is not known, or cannot be cut like that, or a custom field is not known, or the engine fails.
    pub async fn answer(&self, database: &Database, catalogue: &Catalogue) -> Result<Answer> {
        let metric = catalogue.get(&self.metric)?;
        self.check_filters()?;
        if metric.kind == MetricKind::Ratio {
            return Box::pin(answer_ratio(self, metric, database, catalogue)).await;
        }
        let show = self.shown(metric)?;
        values::check_fields(self, database).await?;
        let contributions = Contributions::open(self, metric, database).await?;
        let mut rows = contributions.aggregate(&show).await?;
        let (count, cases, left_out) = contributions.totals().await?;
        fill(self, &mut rows, &show, &metric.unit);
        let distinct = contributions.have_keys();
        Ok(Answer { metric: metric.clone(), show, rows, contributions: count, cases, left_out, distinct })
    }

    /// The contributions behind the answer, one row each: which cases these are.
    ///
    /// # Errors
    /// As [`Question::answer`].
    pub async fn contributions(
        &self,
        database: &Database,
        catalogue: &Catalogue,
    ) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let metric = catalogue.get(&self.metric)?;
        self.check_filters()?;
        if metric.kind == MetricKind::Ratio {
            let hint = "ask for the cases of its numerator or denominator";
            return Err(
                Error::refused(format!("`{}` is a ratio and has no cases of its own", metric.name)).with_hint(hint)
            );
        }
        values::check_fields(self, database).await?;
        Contributions::open(self, metric, database).await?.listed().await
    }

    /// How many contributions have a value below each bound, and at or above the last: one more number than bounds.
    ///
    /// # Errors
    /// As [`Question::answer`].
    pub async fn distribution(&self, bounds: &[f64], database: &Database, catalogue: &Catalogue) -> Result<Vec<i64>> {
        let metric = catalogue.get(&self.metric)?;
        Contributions::open(self, metric, database).await?.distribution(bounds).await
    }
}

/// Answers a question about a ratio: each group's numerator by its denominator; nothing where there is none.
async fn answer_ratio(
    question: &Question,
    metric: &Metric,
    database: &Database,
    catalogue: &Catalogue,
) -> Result<Answer> {
    let show = question.shown(metric)?;
    let side = |text: &Option<String>| {
        let missing = || Error::invalid(&metric.file, "a ratio needs `numerator` and `denominator`");
        text.as_deref().ok_or_else(missing).and_then(Side::parse)
    };
    let (numerator, denominator) = (side(&metric.numerator)?, side(&metric.denominator)?);
    if let Some(grain) = question.grain.filter(|_| numerator.at_end && denominator.at_end) {
        let message =
            format!("`{}` is read at the end of the range and cannot be cut into `{}`", metric.name, grain.name());
        return Err(Error::invalid("grain", message).with_hint("leave the grain out"));
    }
    let top = answer_side(question, &numerator, database, catalogue).await?;
    let bottom = answer_side(question, &denominator, database, catalogue).await?;
    Ok(Answer {
        metric: metric.clone(),
        show,
        rows: divide(&Answered { side: &numerator, answer: &top }, &Answered { side: &denominator, answer: &bottom }),
        contributions: top.contributions + bottom.contributions,
        cases: bottom.cases.max(top.cases),
        left_out: top.left_out.iter().chain(&bottom.left_out).cloned().collect(),
        distinct: true,
    })
}

async fn answer_side(question: &Question, side: &Side, database: &Database, catalogue: &Catalogue) -> Result<Answer> {
    let show: Vec<Aggregation> = side.aggregate.clone().into_iter().collect();
    let asked = Question {
        metric: side.metric.clone(),
        show,
        grain: question.grain.filter(|_| !side.at_end),
        ..question.clone()
    };
    Box::pin(asked.answer(database, catalogue)).await
}
