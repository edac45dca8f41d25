//! The cases behind a number of a metric, as an address asks for them: the parameters are the flags of `casebook metric NAME --cases`.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{filter_record_batch, is_null};
use jiff::tz::TimeZone;

use super::api::encode::RowFormat;
use super::api::numbers;
use super::app::App;
use super::params::Params;
use super::problem::Problem;
use super::reply::Answer;
use crate::error::Result;
use crate::export::Shown;
use crate::metric::ask::Listing;
use crate::metric::numbers::{NumbersQuestion, caption_of_cases, joined};
use crate::query::database::Database;
use crate::query::rights::Viewer;
use crate::serve::engine::State;

/// The parameters.
const PARAMETERS: &[&str] = &["range", "by", "where", "sort", "tz"];

/// A question for the cases behind a number.
pub struct BehindQuestion {
    state: Arc<State>,
    question: NumbersQuestion,
    metric: String,
    /// The order of the rows.
    pub sort: String,
    /// The zone of days.
    pub zone: TimeZone,
    /// Whether the values are times, in milliseconds.
    is_time: bool,
}

/// What counts, in its order.
pub struct Behind {
    /// The title of the metric.
    pub title: String,
    /// What the rows are, and why others are not among them.
    pub caption: Vec<String>,
    pub rows: RecordBatch,
    /// How many cases the rows are of.
    pub cases: i64,
    pub database: Arc<Database>,
}

impl BehindQuestion {
    /// Reads the address of a metric's cases, which may have other parameters. Without an order that is asked for, the last is first, of times the longest.
    ///
    /// # Errors
    /// When there is no such metric, or a parameter is not known or not what is expected.
    pub fn read(
        app: &App,
        name: &str,
        params: &Params,
        others: &[&str],
    ) -> std::result::Result<BehindQuestion, Problem> {
        let state = app.engine.state();
        let is_time = state.catalogue.get(name).is_ok_and(|metric| metric.unit == "ms");
        let typed = params.one("sort")?.map(str::to_owned);
        let sort = typed.unwrap_or_else(|| if is_time { "-value_ms" } else { "-at" }.to_owned());
        let ordered = params.without("sort").and("sort", &sort);
        let (question, zone) = numbers::read(app, name, &ordered, &[PARAMETERS, others].concat())?;
        Ok(BehindQuestion { state, question, metric: name.to_owned(), sort, zone, is_time })
    }

    /// The contributions that count, for that viewer.
    ///
    /// # Errors
    /// When the question cannot be answered.
    pub async fn answer(&self, viewer: &Viewer) -> Result<Behind> {
        let database = self.state.database(viewer).await?;
        let question = self.question.clone().shown(&database).await?;
        let listing = question.question.contributions(&database, &self.state.catalogue).await?;
        let (rows, caption) = (counted_rows(&question, &listing)?, caption_of_cases(&question.question, &listing));
        Ok(Behind { title: listing.title, caption, rows, cases: listing.cases, database })
    }

    /// All rows as a file.
    ///
    /// # Errors
    /// When they cannot be written in that format.
    pub fn file(&self, rows: &RecordBatch, format: RowFormat) -> Result<Answer> {
        let durations = self.is_time.then(|| "value_ms".to_owned()).into_iter().collect();
        let shown = Shown { durations, ..Shown::new(self.zone.clone(), &self.metric) };
        format.answer(&rows.schema(), std::slice::from_ref(rows), &shown, &format!("{}-cases", self.metric))
    }
}

/// The contributions that count, in their order; why the others do not is in the caption.
fn counted_rows(question: &NumbersQuestion, listing: &Listing) -> Result<RecordBatch> {
    let batch = joined(&listing.schema, &listing.batches)?;
    let excluded = batch.schema().index_of("excluded")?;
    let mut counted = filter_record_batch(&batch, &is_null(batch.column(excluded))?)?;
    counted.remove_column(excluded);
    question.order.of(&counted, &[])?.shown(&counted)
}
