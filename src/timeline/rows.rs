//! The rows of cases, read by column name.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, TimestampMillisecondType};
use datafusion::common::ScalarValue;
use datafusion::prelude::{DataFrame, SessionContext, ident, lit};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::tables::{CASE_ID, CUSTOMERS, CaseTable, TABLES};
use crate::error::Result;
use crate::export::{Format, RowWriter, Shown};
use crate::model::time::Instant;
use crate::query::database::Database;
use crate::store::engine;

/// Rows of a query.
#[derive(Default)]
pub struct Rows {
    batches: Vec<RecordBatch>,
}

impl Rows {
    /// The rows of a query, in which `$name` is that text.
    ///
    /// # Errors
    /// When the query is not one of the tables, or they cannot be read.
    pub async fn ask(session: &SessionContext, sql: &str, name: &str, text: &str) -> Result<Rows> {
        let frame = session.sql(sql).await?.with_param_values(vec![(name, ScalarValue::from(text))])?;
        Ok(Rows { batches: frame.collect().await? })
    }

    /// The rows that a table has of each of those cases; of a page only the columns that it shows. Rows of one case are in the
    /// order of the table.
    async fn by_case(table: &CaseTable, frame: DataFrame, cases: &[CaseKey], shown: bool) -> Result<Vec<Rows>> {
        let is_by_number = frame.schema().field_with_unqualified_name(CASE_ID)?.data_type() == &DataType::UInt64;
        let frame = if shown { frame.select_columns(&table.shown_columns())? } else { frame };
        let literals = cases.iter().filter_map(|case| match is_by_number {
            true => case.number.map(lit),
            false => Some(lit(case.id.as_str())),
        });
        let batches = frame.filter(ident(CASE_ID).in_list(literals.collect(), false))?.collect().await?;
        let Some(first) = batches.first() else { return Ok(cases.iter().map(|_| Rows::default()).collect()) };
        let rows = table.sorted(&concat_batches(&first.schema(), &batches)?)?;
        let keys = rows.column_by_name(CASE_ID).map(|keys| cast(keys, &DataType::Utf8)).transpose()?;
        let mut parts = keys.as_ref().map(|keys| parts(keys.as_string())).unwrap_or_default();
        let of_case = |case: &CaseKey| {
            let number = case.number.map(|number| number.to_string());
            let (begin, count) = parts.remove(if is_by_number { number.as_deref()? } else { &case.id })?;
            Some(Rows { batches: vec![rows.slice(begin, count)] })
        };
        Ok(cases.iter().map(of_case).map(Option::unwrap_or_default).collect())
    }

    /// The rows, one by one.
    pub fn iter(&self) -> impl Iterator<Item = RowAt<'_>> {
        self.batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| RowAt { batch, row }))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// The rows as JSON objects, nulls included.
    ///
    /// # Errors
    /// When a row holds what JSON has no form for.
    pub fn json(&self) -> Result<Vec<Value>> {
        let Some(first) = self.batches.first() else { return Ok(Vec::new()) };
        let mut bytes = Vec::new();
        let mut writer =
            RowWriter::begin(Format::Json, &first.schema(), &Shown::new(TimeZone::UTC, "Rows"), &mut bytes)?;
        for batch in &self.batches {
            writer.write(batch)?;
        }
        writer.finish()?;
        Ok(serde_json::from_slice(&bytes)?)
    }
}

/// Where the rows of each case begin, and how many they are.
fn parts(ids: &StringArray) -> HashMap<&str, (usize, usize)> {
    let mut parts: HashMap<&str, (usize, usize)> = HashMap::new();
    for (row, id) in ids.iter().enumerate() {
        parts.entry(id.unwrap_or_default()).or_insert((row, 0)).1 += 1;
    }
    parts
}

/// One row.
#[derive(Clone, Copy)]
pub struct RowAt<'a> {
    batch: &'a RecordBatch,
    row: usize,
}

impl RowAt<'_> {
    /// The instant in a column.
    pub fn instant(&self, column: &str) -> Option<Instant> {
        let array = self.batch.column_by_name(column)?.as_primitive_opt::<TimestampMillisecondType>()?;
        array.is_valid(self.row).then(|| Instant(array.value(self.row)))
    }

    /// The value of a column as text.
    pub fn text(&self, column: &str) -> Option<String> {
        let column = self.batch.column_by_name(column)?;
        if let Some(texts) = column.as_string_view_opt() {
            return texts.is_valid(self.row).then(|| texts.value(self.row).to_owned());
        }
        let text = cast(&column.slice(self.row, 1), &DataType::Utf8).ok()?;
        let text = text.as_string::<i32>();
        text.is_valid(0).then(|| text.value(0).to_owned())
    }

    /// The whole number in a column.
    pub fn whole(&self, column: &str) -> Option<i64> {
        self.text(column)?.parse().ok()
    }

    /// Whether the row of `events` is a message.
    pub fn is_message(&self) -> bool {
        self.text("type").is_some_and(|kind| kind.starts_with("message."))
    }
}

/// Rows that the tables hold of one case; none of a table that was not read.
#[derive(Default)]
pub struct CaseRows {
    pub cases: Rows,
    pub events: Rows,
    pub periods: Rows,
    pub assignments: Rows,
    pub turns: Rows,
    pub milestones: Rows,
    pub ledger: Rows,
    pub resolutions: Rows,
    pub messages: Rows,
    pub surveys: Rows,
    pub findings: Rows,
    /// What was known of the case's customer since its creation; nothing of a deleted case's.
    pub customers: Rows,
}

/// A case, as the tables know it.
#[derive(Clone, Debug)]
struct CaseKey {
    id: String,
    /// Nothing of a case that was never created, and where tables are read by id.
    number: Option<u64>,
}

impl CaseRows {
    /// Reads all that a session has of a case.
    ///
    /// # Errors
    /// When the tables cannot be read.
    pub async fn read(session: &SessionContext, id: &str) -> Result<CaseRows> {
        let case = CaseKey { id: id.to_owned(), number: None };
        let mut rows = CaseRows::of_tables(session, vec![case], false).await?;
        Ok(rows.pop().unwrap_or_default())
    }

    /// Reads what pages show of cases; the result is in their order.
    ///
    /// # Errors
    /// When the tables cannot be read.
    pub async fn read_shown(database: &Database, ids: &[String]) -> Result<Vec<CaseRows>> {
        let numbers = database.case_numbers(ids).await?;
        let key = |id: &String| CaseKey { id: id.clone(), number: numbers.get(id).copied() };
        CaseRows::of_tables(&database.session_by_number(), ids.iter().map(key).collect(), true).await
    }

    /// One query for each table.
    async fn of_tables(session: &SessionContext, cases: Vec<CaseKey>, shown: bool) -> Result<Vec<CaseRows>> {
        engine::read_keys_first(session);
        let cases = Arc::new(cases);
        // Each is short and much of it is one core's; beside each other they keep all cores.
        let queries = TABLES.iter().map(|table| {
            let (session, cases) = (session.clone(), Arc::clone(&cases));
            tokio::spawn(async move {
                if shown && table.shown.is_empty() {
                    return Ok(Vec::new());
                }
                let frame = match table.name {
                    "customers" => session.sql(CUSTOMERS).await?,
                    name => session.table(name).await?,
                };
                Rows::by_case(table, frame, &cases, shown).await
            })
        });
        let mut tables = Vec::new();
        for query in queries.collect::<Vec<_>>() {
            tables.push(query.await??.into_iter());
        }
        let of_case = |_: &CaseKey| {
            let mut rows = tables.iter_mut().map(|rows| rows.next().unwrap_or_default());
            let mut next = || rows.next().unwrap_or_default();
            CaseRows {
                cases: next(),
                events: next(),
                periods: next(),
                assignments: next(),
                turns: next(),
                milestones: next(),
                ledger: next(),
                resolutions: next(),
                messages: next(),
                surveys: next(),
                findings: next(),
                customers: next(),
            }
        };
        Ok(cases.iter().map(of_case).collect())
    }
}
