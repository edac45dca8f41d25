//! Rows of an answer as clients get them. Types that clients do not know become text: maps, nested lists and structures as
//! JSON, intervals as the engine writes them.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion_postgres::arrow_pg::datatypes::arrow_schema_to_pg_fields;
use datafusion_postgres::arrow_pg::row_encoder::RowEncoder;
use datafusion_postgres::pgwire::api::portal::Format;
use datafusion_postgres::pgwire::api::results::FieldInfo;
use datafusion_postgres::pgwire::error::PgWireError;
use futures::StreamExt;
use tokio::io::AsyncWrite;

use super::output::Output;
use super::problem::{Answer, PROTOCOL, Problem};
use crate::export;

/// Rows that are encoded at a time.
const ROWS_AT_ONCE: usize = 1024;

/// Columns of an answer; the protocol counts them in 16 bits.
const COLUMNS_MAX: usize = 1600;

/// Rows of an answer that are not sent yet.
pub struct Rows {
    stream: SendableRecordBatchStream,
    /// The columns as clients get them.
    shown: SchemaRef,
    rest: Option<RecordBatch>,
    has_ended: bool,
}

impl Rows {
    /// The rows of a stream, with these columns.
    #[must_use]
    pub fn new(stream: SendableRecordBatchStream, shown: SchemaRef) -> Rows {
        Rows { stream, shown, rest: None, has_ended: false }
    }

    /// Rows of texts.
    ///
    /// # Errors
    /// When the columns differ in length.
    pub fn of_texts(names: &[&str], columns: Vec<Vec<String>>) -> Answer<Rows> {
        let shown = texts(names);
        let columns: Vec<ArrayRef> =
            columns.into_iter().map(|column| -> ArrayRef { Arc::new(StringArray::from(column)) }).collect();
        let batch = RecordBatch::try_new(Arc::clone(&shown), columns)?;
        let stream = futures::stream::once(std::future::ready(Ok(batch)));
        Ok(Rows::new(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&shown), stream)), shown))
    }

    /// The columns.
    #[must_use]
    pub fn shown(&self) -> &SchemaRef {
        &self.shown
    }

    /// The next rows, at most that many; nothing at the end.
    async fn next(&mut self, rows_max: usize) -> Answer<Option<RecordBatch>> {
        while !self.has_ended {
            if let Some(batch) = self.rest.take().filter(|batch| batch.num_rows() > 0) {
                let count = batch.num_rows().min(rows_max);
                self.rest = Some(batch.slice(count, batch.num_rows() - count));
                return Ok(Some(batch.slice(0, count)));
            }
            match self.stream.next().await {
                Some(batch) => self.rest = Some(converted(&batch?, &self.shown)?),
                None => self.has_ended = true,
            }
        }
        Ok(None)
    }

    /// Sends at most that many rows; gives how many there were.
    ///
    /// # Errors
    /// When the engine fails, or a value cannot be encoded.
    pub async fn send<W: AsyncWrite + Unpin>(
        &mut self,
        output: &mut Output<W>,
        fields: &Arc<Vec<FieldInfo>>,
        rows_max: Option<usize>,
    ) -> Answer<usize> {
        let mut sent = 0;
        let count = i16::try_from(fields.len()).unwrap_or(i16::MAX);
        loop {
            let left = rows_max.map_or(ROWS_AT_ONCE, |max| (max - sent).min(ROWS_AT_ONCE));
            if left == 0 {
                return Ok(sent);
            }
            let Some(batch) = self.next(left).await? else { return Ok(sent) };
            sent += batch.num_rows();
            if batch.num_columns() == 0 {
                (0..batch.num_rows()).for_each(|_| output.row(0, &[]));
                continue;
            }
            let mut encoder = RowEncoder::new(batch, Arc::clone(fields));
            while let Some(row) = encoder.next_row() {
                output.row(count, &row.map_err(unencoded)?.data);
                output.send_if_full().await.map_err(|_| Problem::fatal(PROTOCOL, "the client is gone"))?;
            }
        }
    }
}

/// Columns of texts.
#[must_use]
pub fn texts(names: &[&str]) -> SchemaRef {
    let fields: Vec<Field> = names.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
    Arc::new(Schema::new(fields))
}

/// The columns as clients get them.
///
/// # Errors
/// When there are too many.
pub fn shown(schema: &Schema) -> Answer<SchemaRef> {
    if schema.fields().len() > COLUMNS_MAX {
        return Err(Problem::new("54011", format!("an answer has at most {COLUMNS_MAX} columns")));
    }
    let shown = |field: &FieldRef| -> FieldRef {
        let kind = shown_type(field.data_type());
        if kind == *field.data_type() {
            Arc::clone(field)
        } else {
            Arc::new(field.as_ref().clone().with_data_type(kind))
        }
    };
    Ok(Arc::new(Schema::new(schema.fields().iter().map(shown).collect::<Vec<_>>())))
}

/// The columns with the formats that a client asked for: none, one for all, or one for each.
///
/// # Errors
/// When the number of formats fits in no way.
pub fn fields(shown: &Schema, formats: &[i16]) -> Answer<Arc<Vec<FieldInfo>>> {
    let count = shown.fields().len();
    let format = match formats {
        [] | [0] => Format::UnifiedText,
        [_] => Format::UnifiedBinary,
        formats if formats.len() == count => Format::Individual(formats.to_vec()),
        formats => {
            let message = format!("there are {} formats for {count} columns", formats.len());
            return Err(Problem::new(PROTOCOL, message));
        }
    };
    arrow_schema_to_pg_fields(shown, &format, None).map(Arc::new).map_err(unencoded)
}

fn unencoded(error: PgWireError) -> Problem {
    Problem::new("22000", format!("a value cannot be sent: {error}"))
}

fn shown_type(kind: &DataType) -> DataType {
    match kind {
        DataType::Dictionary(_, values) => shown_type(values),
        DataType::Float16 => DataType::Float32,
        DataType::Date64 => DataType::Timestamp(TimeUnit::Millisecond, None),
        DataType::Timestamp(TimeUnit::Second | TimeUnit::Nanosecond, zone) => {
            DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
        }
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal128(..)
        | DataType::Date32
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Timestamp(..)
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView => kind.clone(),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            let shown = shown_type(item.data_type());
            // What is text within a list because clients do not know it is better text as a whole.
            let is_known = shown == *item.data_type() || !matches!(shown, DataType::Utf8);
            if is_known { DataType::List(Arc::new(Field::new_list_field(shown, true))) } else { DataType::Utf8 }
        }
        _ => DataType::Utf8,
    }
}

/// A batch with the columns as clients get them.
fn converted(batch: &RecordBatch, shown: &SchemaRef) -> Answer<RecordBatch> {
    let schema = batch.schema();
    let columns = batch.columns().iter().zip(schema.fields()).zip(shown.fields());
    let columns = columns.map(|((column, field), shown)| match (field.data_type(), shown.data_type()) {
        (own, shown) if own == shown => Ok(Arc::clone(column)),
        (own, DataType::Utf8) if own.is_nested() => export::json_texts(field, column),
        (_, shown) => cast(column, shown),
    });
    let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
    // Whether a column may be null does not matter here, and the plan may have been wrong about it.
    let nullable: Vec<FieldRef> =
        shown.fields().iter().map(|field| Arc::new(field.as_ref().clone().with_nullable(true))).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(nullable)), columns, &options)?)
}
