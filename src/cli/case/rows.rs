//! The rows of one case, read by column name.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, TimestampMillisecondType};
use datafusion::common::ScalarValue;
use datafusion::prelude::SessionContext;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::error::Result;
use crate::export::{Format, RowWriter};
use crate::model::time::Instant;
use crate::store::engine;

/// Rows of a query.
pub struct Rows {
    batches: Vec<RecordBatch>,
}

impl Rows {
    /// The rows of a query, in which `$name` is that text.
    pub async fn ask(session: &SessionContext, sql: &str, name: &str, text: &str) -> Result<Rows> {
        let frame = session.sql(sql).await?.with_param_values(vec![(name, ScalarValue::from(text))])?;
        Ok(Rows { batches: frame.collect().await? })
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
    pub fn json(&self) -> Result<Vec<Value>> {
        let Some(first) = self.batches.first() else { return Ok(Vec::new()) };
        let mut bytes = Vec::new();
        let mut writer = RowWriter::begin(Format::Json, &first.schema(), &TimeZone::UTC, &mut bytes)?;
        for batch in &self.batches {
            writer.write(batch)?;
        }
        writer.finish()?;
        Ok(serde_json::from_slice(&bytes)?)
    }
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
        let slice = self.batch.column_by_name(column)?.slice(self.row, 1);
        let text = arrow::compute::cast(&slice, &DataType::Utf8).ok()?;
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

impl CaseRows {
    /// Reads them.
    ///
    /// # Errors
    /// When the tables cannot be read.
    pub async fn read(session: &SessionContext, id: &str) -> Result<CaseRows> {
        engine::read_keys_first(session);
        // Each is short and much of it is one core's; beside each other they keep all cores.
        let begin = |sql: String| {
            let (session, id) = (session.clone(), id.to_owned());
            tokio::spawn(async move { Rows::ask(&session, &sql, "case_id", &id).await })
        };
        let of = |table: &str, order: &str| {
            begin(format!("SELECT * FROM {table} WHERE case_id = $case_id ORDER BY {order}"))
        };
        let events = of("events", "time, sequence, source, id");
        let (cases, customers) = (of("cases", "case_id"), begin(CUSTOMERS.to_owned()));
        let (periods, assignments, turns) = (of("periods", "since"), of("assignments", "n"), of("turns", "n"));
        let (milestones, ledger) = (of("milestones", "milestone, n"), of("ledger", "milestone, n, since"));
        let (resolutions, messages) = (of("resolutions", "n"), of("messages", "time, message"));
        let (surveys, findings) = (of("surveys", "survey"), of("findings", "time, source, id, rule"));
        Ok(CaseRows {
            cases: cases.await??,
            events: events.await??,
            periods: periods.await??,
            assignments: assignments.await??,
            turns: turns.await??,
            milestones: milestones.await??,
            ledger: ledger.await??,
            resolutions: resolutions.await??,
            messages: messages.await??,
            surveys: surveys.await??,
            findings: findings.await??,
            customers: customers.await??,
        })
    }
}

const CUSTOMERS: &str = "\
    SELECT greatest(since, created_at) AS time, known.name, known.data \
    FROM customers AS known JOIN cases USING (customer) \
    WHERE case_id = $case_id AND deleted_at IS NULL AND (until IS NULL OR until > created_at) ORDER BY since";
