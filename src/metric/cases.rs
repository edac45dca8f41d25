//! One row for each case: what the case is, the metrics of the case alone, and its milestones.
//!
//! The column of a metric is the metric's own aggregation of the contributions of that case, up to the as-of. So it has the
//! numbers that `metric` counts and averages, and none is computed in another way.

mod columns;
mod milestones;
mod places;

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Schema, SchemaRef, UInt64Type};
use datafusion::execution::SendableRecordBatchStream;
use futures::{StreamExt, TryStreamExt, stream};

use super::catalogue::Catalogue;
use super::contributions::{Contributions, Ids};
use super::filter::Filter;
use super::header::MetricKind;
use super::question::{Question, instant_value};
use super::range::{ALWAYS, Range};
use crate::error::Result;
use crate::model::time::Instant;
use crate::query::database::Database;
use columns::{MetricColumn, attributes_sql};
use milestones::Milestones;
use places::Places;

/// The metric whose contributions are the cases of a range.
const CREATED: &str = "created_cases";

/// Metrics that are asked at once: while one query is planned, on one core, another runs.
const QUESTIONS_AT_ONCE: usize = 2;

/// Bytes that a row of attributes takes while its metrics are read, about.
const ROW_BYTES: usize = 600;

/// Which cases, as of when.
#[derive(Clone, Debug)]
pub struct CasesQuestion {
    /// When they were created.
    pub range: Range,
    /// Which of these, as of their creation.
    pub filters: Vec<Filter>,
    pub as_of: Instant,
}

/// The rows of cases, in the order of their ids.
pub struct CaseTable<'q> {
    database: &'q Database,
    /// About each metric, in the order of its column.
    questions: Vec<(Question, MetricColumn)>,
    catalogue: &'q Catalogue,
    as_of: Instant,
    chosen: Chosen,
    /// What the cases are, with their numbers.
    attributes: SendableRecordBatchStream,
    /// Rows that were read and have not been given.
    rest: Option<RecordBatch>,
    schema: SchemaRef,
    rows_at_once: usize,
}

impl<'q> CaseTable<'q> {
    /// Finds the cases and the columns.
    ///
    /// # Errors
    /// When a filter names what is not known, or the facts cannot be read.
    pub async fn open(
        asked: &CasesQuestion,
        database: &'q Database,
        catalogue: &'q Catalogue,
        memory_bytes: usize,
    ) -> Result<CaseTable<'q>> {
        let created = Question {
            metric: CREATED.to_owned(),
            by: Vec::new(),
            grain: None,
            range: asked.range.clone(),
            as_of: asked.as_of,
            show: Vec::new(),
            filters: asked.filters.clone(),
        };
        let chosen = Chosen::of(&created, database, catalogue).await?;
        let whole = Range::parse(ALWAYS, asked.range.zone(), asked.as_of)?;
        let mut questions = Vec::new();
        for metric in catalogue.iter().filter(|metric| metric.kind == MetricKind::Flow) {
            let (name, filters) = (metric.name.clone(), Vec::new());
            let question = Question { metric: name, range: whole.clone(), filters, ..created.clone() };
            if let Some(column) = MetricColumn::of(&question, metric, database).await? {
                questions.push((question, column));
            }
        }
        let taken: HashSet<&str> = questions.iter().map(|(_, column)| column.name.as_str()).collect();
        let session = database.session();
        session.register_table("numbered_cases", database.cases_with_numbers().await?)?;
        let sql = attributes_sql(&session, &taken).await?;
        let attributes = session.sql(&sql).await?.with_param_values(vec![("as_of", instant_value(asked.as_of))])?;
        let mut fields = attributes.schema().fields().iter().skip(1).cloned().collect::<Vec<_>>();
        fields.extend(questions.iter().map(|(_, column)| Arc::new(column.field())));
        fields.extend(Milestones::fields().into_iter().map(Arc::new));
        let row_bytes = ROW_BYTES + 8 * questions.len() + Milestones::BYTES;
        Ok(CaseTable {
            database,
            questions,
            catalogue,
            as_of: asked.as_of,
            chosen,
            attributes: attributes.execute_stream().await?,
            rest: None,
            schema: Arc::new(Schema::new(fields)),
            rows_at_once: (memory_bytes / 4 / row_bytes).max(1),
        })
    }

    /// The columns.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next rows: as many as fit into memory with their metrics. None after the last.
    ///
    /// # Errors
    /// When the facts cannot be read.
    pub async fn next(&mut self) -> Result<Option<Vec<RecordBatch>>> {
        let (mut batches, mut rows) = (Vec::new(), 0);
        while rows < self.rows_at_once
            && let Some(batch) = self.next_batch(self.rows_at_once - rows).await?
        {
            rows += batch.num_rows();
            batches.extend(Some(batch).filter(|batch| batch.num_rows() > 0));
        }
        if batches.is_empty() {
            return Ok(None);
        }
        let places = Places::of(&batches)?;
        let asked = self.questions.iter().map(|(question, column)| self.values(question, column, &places));
        let metrics: Vec<Vec<f64>> = stream::iter(asked).buffered(QUESTIONS_AT_ONCE).try_collect().await?;
        let milestones = Milestones::read(self.database, self.as_of, &places).await?;
        let mut from = 0;
        let mut whole = Vec::new();
        for batch in &batches {
            let to = from + batch.num_rows();
            let mut columns: Vec<ArrayRef> = batch.columns().iter().skip(1).cloned().collect();
            let values = metrics.iter().zip(&self.questions);
            columns.extend(values.map(|(values, (_, column))| column.array(values.get(from..to).unwrap_or_default())));
            columns.extend(milestones.arrays(from..to));
            whole.push(RecordBatch::try_new(Arc::clone(&self.schema), columns)?);
            from = to;
        }
        Ok(Some(whole))
    }

    /// Chosen cases, so many at most.
    async fn next_batch(&mut self, rows: usize) -> Result<Option<RecordBatch>> {
        let batch = match self.rest.take() {
            Some(rest) => rest,
            None => match self.attributes.try_next().await? {
                Some(batch) => self.chosen.of_batch(&batch)?,
                None => return Ok(None),
            },
        };
        let (taken, all) = (batch.num_rows().min(rows), batch.num_rows());
        self.rest = (taken < all).then(|| batch.slice(taken, all - taken));
        Ok(Some(batch.slice(0, taken)))
    }

    /// The value of a metric for each place.
    async fn values(&self, question: &Question, column: &MetricColumn, places: &Places) -> Result<Vec<f64>> {
        let mut values = vec![column.of_nothing; places.count];
        let metric = self.catalogue.get(&question.metric)?;
        let contributions = Contributions::open(question, metric, self.database, Ids::Any).await?;
        let mut batches = contributions.of_each_case(&column.shown).await?.execute_stream().await?;
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            let numbers = batch.column(1).as_primitive::<arrow::datatypes::Float64Type>();
            for (row, place) in places.of_column(batch.column(0))?.enumerate() {
                if let Some(value) = place.and_then(|place| values.get_mut(place)).filter(|_| numbers.is_valid(row)) {
                    *value = numbers.value(row);
                }
            }
        }
        Ok(values)
    }
}

/// Which cases were chosen; all without a list.
struct Chosen {
    numbers: HashSet<u64>,
    ids: HashSet<String>,
}

impl Chosen {
    async fn of(created: &Question, database: &Database, catalogue: &Catalogue) -> Result<Chosen> {
        let metric = catalogue.get(&created.metric)?;
        let contributions = Contributions::open(created, metric, database, Ids::Any).await?;
        let mut batches = contributions.cases_frame().await?.execute_stream().await?;
        let mut chosen = Chosen { numbers: HashSet::new(), ids: HashSet::new() };
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            match batch.column(0).as_primitive_opt::<UInt64Type>() {
                Some(numbers) => chosen.numbers.extend(numbers.iter().flatten()),
                None => {
                    let ids = arrow::compute::cast(batch.column(0), &DataType::Utf8View)?;
                    chosen.ids.extend(ids.as_string_view().iter().flatten().map(str::to_owned));
                }
            }
        }
        Ok(chosen)
    }

    /// The rows of chosen cases. The first column has the number, the second the id.
    fn of_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let numbers = batch.column(0).as_primitive::<UInt64Type>();
        let ids = arrow::compute::cast(batch.column(1), &DataType::Utf8View)?;
        let ids = ids.as_string_view();
        let is_chosen = |row: usize| self.numbers.contains(&numbers.value(row)) || self.ids.contains(ids.value(row));
        let chosen: arrow::array::BooleanArray = (0..batch.num_rows()).map(|row| Some(is_chosen(row))).collect();
        Ok(arrow::compute::filter_record_batch(batch, &chosen)?)
    }
}
