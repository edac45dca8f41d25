//! The numbers of a metric as they were asked for in words, on a command line or in a file: a question, what it is compared
//! with, and the order of the rows.

mod asked;
mod caption;
mod columns;
mod order;

use arrow::array::RecordBatch;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::aggregation::Aggregation;
use super::answer::Answer;
use super::catalogue::Catalogue;
use super::compare::Compare;
use super::dimension::Dimension;
use super::filter::Filter;
use super::header::Metric;
use super::question::Question;
use super::range::{Grain, Range};
use super::unit::Unit;
use super::values;
use crate::error::{Error, Result};
use crate::model::time::Instant;
use crate::query::database::Database;
use asked::Asked;
pub use caption::of_cases as caption_of_cases;
use columns::Column;
pub use order::{Order, Ordered, joined};

/// What is asked of a metric, in the words that were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumbersRequest {
    pub metric: String,
    pub range: String,
    pub by: Vec<String>,
    pub grain: Option<String>,
    pub show: Vec<String>,
    /// Filters: `where` to a user.
    pub filters: Vec<String>,
    pub compare: Vec<String>,
    pub sort: Vec<String>,
    pub limit: Option<usize>,
}

/// What is asked of a metric, understood.
#[derive(Clone)]
pub struct NumbersQuestion {
    pub question: Question,
    pub compare: Vec<Compare>,
    pub order: Order,
    now: Instant,
}

impl NumbersRequest {
    /// Reads what was written; `place` makes the place of an error of a key, such as `by` or `where`. Relative ranges end at `now`.
    ///
    /// # Errors
    /// When the catalogue has no such metric, or a word is not what is expected in its place.
    pub fn read(
        &self,
        place: impl Fn(&str) -> String,
        zone: &TimeZone,
        now: Instant,
        catalogue: &Catalogue,
    ) -> Result<NumbersQuestion> {
        let metric = catalogue.get(&self.metric).map_err(|error| error.at(place("metric")))?;
        let range = Range::parse(&self.range, zone, now).map_err(|error| error.at(place("range")))?;
        let (by, filters) = (place("by"), place("where"));
        let dimension = |name: &String| Ok(Dimension::parse(name).map_err(|error| error.at(&by))?.written_at(&by));
        let show = place("show");
        let aggregation = |name: &String| Aggregation::parse(name).map_err(|error| error.at(&show));
        let grain = self.grain.as_deref().map(Grain::parse).transpose();
        let question = Question {
            metric: self.metric.clone(),
            by: self.by.iter().map(dimension).collect::<Result<_>>()?,
            grain: grain.map_err(|error| error.at(place("grain")))?,
            as_of: range.as_of(now),
            show: self.show.iter().map(aggregation).collect::<Result<_>>()?,
            filters: self.filters.iter().map(|text| Filter::parse(&filters, text)).collect::<Result<_>>()?,
            range,
        };
        let compare = self.comparisons(&place("compare"))?;
        let order = Order::parse(&place("sort"), &self.sort, self.limit)?;
        question.check_show(metric).map_err(|error| error.at(&show))?;
        Ok(NumbersQuestion { question, compare, order, now })
    }

    /// The comparisons, each once.
    fn comparisons(&self, place: &str) -> Result<Vec<Compare>> {
        let mut found: Vec<Compare> = Vec::new();
        for name in &self.compare {
            let compare = Compare::parse(name).map_err(|error| error.at(place))?;
            if found.contains(&compare) {
                return Err(Error::invalid(place, format!("`{name}` is asked for twice")).with_hint("name it once"));
            }
            found.push(compare);
        }
        Ok(found)
    }
}

impl NumbersQuestion {
    /// Checks that the rows will have the columns that they are to be ordered by, without reading anything.
    ///
    /// # Errors
    /// When they will not.
    pub fn check_order(&self, metric: &Metric) -> Result<()> {
        let show = self.question.shown(metric)?;
        let ranges = std::iter::once(None).chain(self.compare.iter().copied().map(Some));
        let asked: Vec<Asked> = ranges
            .map(|compare| Asked { compare, question: self.question.clone(), answer: Answer::nothing(metric, &show) })
            .collect();
        let columns = columns::columns(&asked);
        let names: Vec<(&str, &str)> = columns.iter().map(Column::names).collect();
        self.order.of(&columns::for_machines(&columns)?, &names).map(drop)
    }

    /// The question with filters by the values that the tables of a database show.
    ///
    /// # Errors
    /// When the facts cannot be read.
    pub async fn shown(mut self, database: &Database) -> Result<NumbersQuestion> {
        for filter in &mut self.question.filters {
            *filter = filter.clone().shown(database).await?;
        }
        Ok(self)
    }

    /// The answers, in rows.
    ///
    /// # Errors
    /// As [`Question::answer`], and when there is no column to order the rows by.
    pub async fn answer(&self, database: &Database, catalogue: &Catalogue) -> Result<Numbers> {
        let NumbersQuestion { question, compare, order, now } = self;
        let answer = question.answer(database, catalogue).await?;
        let is_empty = answer.contributions == 0 && answer.left_out.iter().all(|(_, count)| *count == 0);
        let unknown =
            if is_empty || hides_misspelled(question) { unknown_values(question, database).await? } else { Vec::new() };
        let mut asked = vec![Asked { compare: None, question: question.clone(), answer }];
        for compare in compare {
            let question = question.over(compare.range(&question.range), *now);
            let answer = question.answer(database, catalogue).await?;
            asked.push(Asked { compare: Some(*compare), question, answer });
        }
        let columns = columns::columns(&asked);
        let names: Vec<(&str, &str)> = columns.iter().map(Column::names).collect();
        let ordered = order.of(&columns::for_machines(&columns)?, &names)?;
        let begins = if asked.len() > 1 { database.log_begins().await? } else { None };
        Ok(Numbers { asked, columns, ordered, unknown, begins })
    }
}

/// A number of a whole range.
#[derive(Clone, Debug, PartialEq)]
pub struct WholeNumber {
    /// Of the aggregation.
    pub name: String,
    pub unit: Unit,
    /// Nothing where nothing was measured.
    pub number: Option<f64>,
    /// The same number of the first range that is compared with, and what that range is called.
    pub before: Option<(f64, String)>,
    /// Whether the range is not over, so that the number is not final.
    pub so_far: bool,
}

/// The numbers of a metric.
pub struct Numbers {
    /// The range that was asked for, then those that it is compared with.
    asked: Vec<Asked>,
    columns: Vec<Column>,
    ordered: Ordered,
    /// What a reader should know of values in filters that nothing in the log has.
    pub unknown: Vec<String>,
    /// When the log begins, where ranges are compared.
    begins: Option<Instant>,
}

impl Numbers {
    /// The rows that are shown, for machines.
    ///
    /// # Errors
    /// Arrow's, which would be a defect.
    pub fn for_machines(&self) -> Result<RecordBatch> {
        self.ordered.shown(&columns::for_machines(&self.columns)?)
    }

    /// The rows that are shown, for people: durations and shares in words, instants in the range's zone.
    ///
    /// # Errors
    /// Arrow's, which would be a defect.
    pub fn for_people(&self) -> Result<RecordBatch> {
        self.ordered.shown(&columns::for_people(&self.columns)?)
    }

    /// The numbers of the whole range, where it is not cut into parts; else none.
    #[must_use]
    pub fn whole(&self) -> Vec<WholeNumber> {
        let Some(Asked { question, answer, .. }) = self.asked.first() else { return Vec::new() };
        let values = answer.rows.first().filter(|_| !question.has_parts()).map(|row| row.values.as_slice());
        let earlier = self.asked.get(1).and_then(|asked| Some((asked.answer.rows.first()?, asked.compare?)));
        let before = |position: usize| {
            let (row, compare) = earlier?;
            Some((row.values.get(position).copied().flatten()?, compare.title(&question.range)))
        };
        let number = |(position, (shown, number)): (usize, (&Aggregation, &Option<f64>))| WholeNumber {
            name: shown.name().to_owned(),
            unit: Unit::of(&answer.metric, shown),
            number: *number,
            before: before(position),
            so_far: question.as_of < question.range.to.plus_ms(-1),
        };
        answer.show.iter().zip(values.unwrap_or_default()).enumerate().map(number).collect()
    }

    /// The title of the metric.
    #[must_use]
    pub fn title(&self) -> &str {
        self.asked.first().map_or("", |asked| &asked.answer.metric.title)
    }

    /// How many rows there are, and how many of them are shown.
    #[must_use]
    pub fn rows(&self) -> (usize, usize) {
        (self.ordered.len(), self.ordered.len() - self.ordered.hidden().len())
    }

    /// The names of the columns of milliseconds.
    #[must_use]
    pub fn durations(&self) -> Vec<String> {
        let durations = self.columns.iter().filter(|column| column.is_duration());
        durations.map(|column| column.names().0.to_owned()).collect()
    }

    /// What the numbers were computed from, and what the limit leaves out, one sentence a line.
    #[must_use]
    pub fn caption(&self) -> Vec<String> {
        let mut lines = caption::lines(&self.asked, self.begins);
        lines.extend(caption::hidden(&self.columns, &self.ordered));
        lines
    }
}

/// The remark on rows that a limit leaves out.
#[must_use]
pub fn caption_of_hidden(ordered: &Ordered) -> Option<String> {
    caption::hidden(&[], ordered)
}

/// Whether a filter of the question hides a misspelled value.
#[must_use]
pub fn hides_misspelled(question: &Question) -> bool {
    question.filters.iter().any(Filter::hides_a_misspelled_value)
}

/// Remarks on an empty answer, which may be due to a name that nothing in the log has.
///
/// # Errors
/// When the facts cannot be read.
pub async fn unknown_values(question: &Question, database: &Database) -> Result<Vec<String>> {
    // A metric of the project may have other values than the usual ones.
    let is_built_in = Catalogue::is_built_in(&question.metric);
    let in_question = |filter: &&Filter| is_built_in || filter.dimension.usual_values().is_empty();
    values::notes(question.filters.iter().filter(in_question), database).await
}
