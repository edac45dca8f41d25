//! The rows of cases, read by column name.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, TimestampMillisecondType};
use datafusion::common::ScalarValue;
use datafusion::prelude::{DataFrame, SessionContext, ident, lit};
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::error::Result;
use crate::export::{Format, RowWriter, Shown};
use crate::model::time::Instant;
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

    /// The rows of a frame by case, for each of those cases; rows of one case are in the order of these columns.
    async fn by_case(frame: DataFrame, order: &str, cases: &[String]) -> Result<Vec<Rows>> {
        let among = ident(CASE_ID).in_list(cases.iter().map(|case| lit(case.as_str())).collect(), false);
        let order = std::iter::once(CASE_ID).chain(order.split(", ")).map(|name| ident(name).sort(true, false));
        let batches = frame.filter(among)?.sort(order.collect())?.collect().await?;
        let Some(first) = batches.first() else { return Ok(cases.iter().map(|_| Rows::default()).collect()) };
        let rows = concat_batches(&first.schema(), &batches)?;
        let ids = rows.column_by_name(CASE_ID).map(|ids| cast(ids, &DataType::Utf8)).transpose()?;
        let mut parts = ids.as_ref().map(|ids| parts(ids.as_string())).unwrap_or_default();
        let of_case = |case: &String| {
            let (begin, count) = parts.remove(case.as_str())?;
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

/// The column by which rows belong to a case.
const CASE_ID: &str = "case_id";

/// Every row that the tables hold of one case.
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

/// Each table that has rows of cases, with the order of the rows of one case.
const TABLES: [(&str, &str); 11] = [
    ("cases", "case_id"),
    ("events", "time, sequence, source, id"),
    ("periods", "since"),
    ("assignments", "n"),
    ("turns", "n"),
    ("milestones", "milestone, n"),
    ("ledger", "milestone, n, since"),
    ("resolutions", "n"),
    ("messages", "time, message"),
    ("surveys", "survey"),
    ("findings", "time, source, id, rule"),
];

impl CaseRows {
    /// Reads those of several cases, one query for each table; the result is in the order of the cases.
    ///
    /// # Errors
    /// When the tables cannot be read.
    pub async fn read(session: &SessionContext, cases: &[String]) -> Result<Vec<CaseRows>> {
        engine::read_keys_first(session);
        // Each is short and much of it is one core's; beside each other they keep all cores.
        let queries = TABLES.map(|(table, order)| {
            let (session, cases) = (session.clone(), cases.to_vec());
            tokio::spawn(async move { Rows::by_case(session.table(table).await?, order, &cases).await })
        });
        let customers = Rows::by_case(session.sql(CUSTOMERS).await?, "since", cases);
        let mut customers = customers.await?.into_iter();
        let mut tables = Vec::new();
        for query in queries {
            tables.push(query.await??.into_iter());
        }
        let of_case = |_: &String| {
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
                customers: customers.next().unwrap_or_default(),
            }
        };
        Ok(cases.iter().map(of_case).collect())
    }
}

const CUSTOMERS: &str = "\
    SELECT case_id, greatest(since, created_at) AS time, since, known.name, known.data \
    FROM customers AS known JOIN cases USING (customer) \
    WHERE deleted_at IS NULL AND (until IS NULL OR until > created_at)";
