//! How values look to machines: Arrow's writers, set up for the way in which this project writes instants and nested values.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, StringBuilder, TimestampMillisecondArray};
use arrow::csv;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, TimestampMillisecondType};
use arrow::error::ArrowError;
use arrow::json::WriterBuilder;
use arrow::json::writer::{Encoder, EncoderFactory, EncoderOptions, JsonFormat, NullableEncoder, make_encoder};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::spreadsheet;
use crate::log::rows::instant_type;
use crate::model::time::Instant;

/// A timestamp without a zone is no instant: it keeps the three digits and goes without `Z`.
const WITHOUT_ZONE: &str = "%Y-%m-%dT%H:%M:%S%.3f";

/// The array of `sql`, one row a line.
#[derive(Debug, Default)]
pub struct Rows;

impl JsonFormat for Rows {
    fn start_stream<W: Write>(&self, writer: &mut W) -> Result<(), ArrowError> {
        Ok(writer.write_all(b"[")?)
    }

    fn start_row<W: Write>(&self, writer: &mut W, is_first_row: bool) -> Result<(), ArrowError> {
        Ok(writer.write_all(if is_first_row { b"\n" } else { b",\n" })?)
    }

    fn end_stream<W: Write>(&self, writer: &mut W) -> Result<(), ArrowError> {
        Ok(writer.write_all(b"]\n")?)
    }
}

/// Writers of JSON.
pub fn json_writer() -> WriterBuilder {
    WriterBuilder::new()
        .with_explicit_nulls(true)
        .with_timestamp_format(WITHOUT_ZONE.to_owned())
        .with_encoder_factory(Arc::new(Instants))
}

/// The rows as lines of CSV, after a header where one is due. They are bytes because Arrow's writer would report
/// a closed pipe as an error of the CSV.
pub fn csv_lines(batch: &RecordBatch, header: bool) -> Result<Vec<u8>, ArrowError> {
    let mut lines = Vec::new();
    let builder = csv::WriterBuilder::new().with_header(header).with_timestamp_format(WITHOUT_ZONE.to_owned());
    builder.build(&mut lines).write(&flat(batch)?)?;
    Ok(lines)
}

/// How Parquet files are written.
pub fn parquet_properties() -> WriterProperties {
    WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build()
}

/// The rows with their instants and nested values as text, which is all that CSV can hold.
fn flat(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| flat_column(field, column));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let fields = schema.fields().iter().zip(&columns);
    let fields: Vec<Field> = fields
        .map(|(field, column)| Field::new(spreadsheet::cell(field.name()), column.data_type().clone(), true))
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

fn flat_column(field: &FieldRef, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match column.data_type() {
        DataType::Timestamp(_, Some(_)) => {
            let mut texts = StringBuilder::new();
            for instant in &instants(column)? {
                texts.append_option(instant.map(|ms| Instant(ms).to_string()));
            }
            Ok(Arc::new(texts.finish()))
        }
        kind if kind.is_nested() => json_texts(field, column),
        kind if is_text(kind) => {
            let texts = arrow::compute::cast(column, &DataType::Utf8)?;
            let texts = texts.as_string::<i32>();
            if !texts.iter().flatten().any(spreadsheet::is_formula) {
                return Ok(Arc::clone(column));
            }
            let cells: StringArray = texts.iter().map(|text| text.map(spreadsheet::cell)).collect();
            Ok(Arc::new(cells))
        }
        // Written as texts such as `-1 mons`, not as numbers.
        DataType::Interval(_) | DataType::Duration(_) => {
            let options = FormatOptions::default();
            let formatter = ArrayFormatter::try_new(column, &options)?;
            let mut cells = StringBuilder::new();
            for row in 0..column.len() {
                if column.is_null(row) {
                    cells.append_null();
                } else {
                    cells.append_value(spreadsheet::cell(&formatter.value(row).try_to_string()?));
                }
            }
            Ok(Arc::new(cells.finish()))
        }
        _ => Ok(Arc::clone(column)),
    }
}

fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// Each value of a column as a JSON text; null where there is none.
///
/// # Errors
/// When the type of the column has no form in JSON.
pub fn json_texts(field: &FieldRef, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = EncoderOptions::default()
        .with_explicit_nulls(true)
        .with_timestamp_format(WITHOUT_ZONE.to_owned())
        .with_encoder_factory(Arc::new(Instants));
    let mut encoder = make_encoder(field, column, &options)?;
    let (mut texts, mut buffer) = (StringBuilder::new(), Vec::new());
    for row in 0..column.len() {
        if encoder.is_null(row) {
            texts.append_null();
            continue;
        }
        buffer.clear();
        encoder.encode(row, &mut buffer);
        texts.append_value(String::from_utf8_lossy(&buffer));
    }
    Ok(Arc::new(texts.finish()))
}

/// Milliseconds since 1970 of an array of instants, whatever its unit and zone.
///
/// # Errors
/// When an instant lies beyond what milliseconds can tell.
pub fn instants(array: &dyn Array) -> Result<TimestampMillisecondArray, ArrowError> {
    let cast = arrow::compute::cast(array, &instant_type())?;
    Ok(cast.as_primitive::<TimestampMillisecondType>().clone())
}

/// Writes instants in JSON, also within lists and maps.
#[derive(Debug)]
struct Instants;

impl EncoderFactory for Instants {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn Array,
        _options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let DataType::Timestamp(_, Some(_)) = array.data_type() else { return Ok(None) };
        let encoder = Box::new(InstantEncoder(instants(array)?));
        Ok(Some(NullableEncoder::new(encoder, array.nulls().cloned())))
    }
}

struct InstantEncoder(TimestampMillisecondArray);

impl Encoder for InstantEncoder {
    fn encode(&mut self, idx: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("\"{}\"", Instant(self.0.value(idx))).as_bytes());
    }
}
