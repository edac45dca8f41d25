//! Metrics that are one metric divided by another.

use std::collections::BTreeMap;

use datafusion::prelude::SessionContext;

use super::Catalogue;
use super::aggregation::Aggregation;
use super::header::Metric;
use super::question::{Answer, AnswerRow, Question};
use crate::error::{Error, Result};

/// One side of a ratio: `METRIC[:AGGREGATE][@end]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    pub metric: String,
    pub aggregate: Option<Aggregation>,
    /// Read at the end of the range instead of each bucket.
    pub at_end: bool,
}

impl Side {
    /// Reads a side.
    ///
    /// # Errors
    /// When the aggregation is not known.
    pub fn parse(text: &str) -> Result<Side> {
        let (text, at_end) = text.strip_suffix("@end").map_or((text, false), |text| (text, true));
        let (metric, aggregate) = text.split_once(':').map_or((text, None), |(metric, name)| (metric, Some(name)));
        let aggregate = aggregate.map(Aggregation::parse).transpose()?;
        Ok(Side { metric: metric.trim().to_owned(), aggregate, at_end })
    }
}

/// Answers a question about a ratio: each group's numerator by its denominator; nothing where there is none.
///
/// # Errors
/// As [`Question::answer`].
pub async fn answer(
    question: &Question,
    metric: &Metric,
    context: &SessionContext,
    catalogue: &Catalogue,
) -> Result<Answer> {
    let side = |text: &Option<String>| {
        let missing = || Error::invalid(&metric.file, "a ratio needs `numerator` and `denominator`");
        text.as_deref().ok_or_else(missing).and_then(Side::parse)
    };
    let (numerator, denominator) = (side(&metric.numerator)?, side(&metric.denominator)?);
    let top = ask(question, &numerator, context, catalogue).await?;
    let bottom = ask(question, &denominator, context, catalogue).await?;
    let key = |row: &AnswerRow, side: &Side| (row.bucket.filter(|_| !side.at_end), row.group.clone());
    let tops: BTreeMap<_, _> = top.rows.iter().map(|row| (key(row, &numerator), row)).collect();
    let divided = |row: &AnswerRow| {
        let of = |side: &Side| (row.bucket.filter(|_| !side.at_end), row.group.clone());
        let number = |row: Option<&&AnswerRow>| row.and_then(|row| row.values.first().copied().flatten());
        let bottom = row.values.first().copied().flatten().filter(|bottom| *bottom != 0.0);
        let value = number(tops.get(&of(&numerator))).zip(bottom).map(|(top, bottom)| top / bottom);
        AnswerRow { values: vec![value], ..row.clone() }
    };
    Ok(Answer {
        metric: metric.clone(),
        show: vec![Aggregation::Ratio],
        rows: bottom.rows.iter().map(divided).collect(),
        contributions: top.contributions + bottom.contributions,
        cases: bottom.cases.max(top.cases),
        left_out: Vec::new(),
    })
}

async fn ask(question: &Question, side: &Side, context: &SessionContext, catalogue: &Catalogue) -> Result<Answer> {
    let asked = Question {
        metric: side.metric.clone(),
        show: side.aggregate.clone().into_iter().collect(),
        grain: question.grain.filter(|_| !side.at_end),
        ..question.clone()
    };
    Box::pin(asked.answer(context, catalogue)).await
}
