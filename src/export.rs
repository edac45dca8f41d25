//! Rows as bytes of a file: one writer per format, batch by batch, so that a result may be larger than memory. Only the
//! table for people is collected first, because its columns are as wide as their widest value; of a workbook its packed bytes are.

mod machine;
mod shown;
mod spreadsheet;
mod table;
pub mod workbook;

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::writer::{LineDelimited, Writer as JsonWriter};
use jiff::tz::TimeZone;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;

use crate::error::{Error, Result};
pub use machine::json_texts;
pub use shown::Shown;
pub use table::printable;

/// The media type of a file, by the ending of its name.
#[must_use]
pub fn media_type(name: &str) -> &'static str {
    match Path::new(name).extension().and_then(|ending| ending.to_str()).unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "md" => "text/markdown; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "json" => "application/json",
        "ndjson" => "application/x-ndjson",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "parquet" => "application/vnd.apache.parquet",
        "arrow" => "application/vnd.apache.arrow.stream",
        _ => "application/octet-stream",
    }
}

/// The format in which rows are written. Instants are RFC 3339, UTC, three digits in every format but the table and the
/// workbook, which show them in the report's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table for people.
    Table,
    /// A header and one line per row, for spreadsheets.
    Csv,
    /// One array of objects, nulls included.
    Json,
    /// One object per line, nulls included.
    Ndjson,
    /// A Parquet file.
    Parquet,
    /// A workbook of Excel.
    Xlsx,
}

impl Format {
    /// The format that a file's name asks for, if it does.
    #[must_use]
    pub fn of_file(path: &Path) -> Option<Format> {
        match path.extension()?.to_str()? {
            "csv" => Some(Format::Csv),
            "json" => Some(Format::Json),
            "ndjson" | "jsonl" => Some(Format::Ndjson),
            "parquet" => Some(Format::Parquet),
            "xlsx" => Some(Format::Xlsx),
            _ => None,
        }
    }

    /// Whether a file of this format is for programs alone and holds the rows of one query.
    #[must_use]
    pub fn is_binary(self) -> bool {
        matches!(self, Format::Parquet | Format::Xlsx)
    }

    /// What a file of this format is called.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Format::Table | Format::Csv | Format::Json | Format::Ndjson => "a text",
            Format::Parquet => "a Parquet file",
            Format::Xlsx => "a workbook",
        }
    }
}

/// Writes the rows of one result. Every result has its header, its brackets or its schema, also without a row.
pub enum RowWriter<W: Write + Send> {
    Table { batches: Vec<RecordBatch>, zone: TimeZone, out: W },
    Csv { begun: bool, out: W },
    Json(JsonWriter<W, machine::Rows>),
    Ndjson(JsonWriter<W, LineDelimited>),
    Parquet(Box<ArrowWriter<W>>),
    Xlsx { workbook: Box<workbook::Writer>, out: W },
}

impl<W: Write + Send> RowWriter<W> {
    /// Begins a result of these columns.
    ///
    /// # Errors
    /// When two columns share a name in a format that finds values by name, or nothing can be written.
    pub fn begin(format: Format, schema: &SchemaRef, shown: &Shown, out: W) -> Result<RowWriter<W>> {
        // The empty batch carries the header of a result without rows.
        let head = RecordBatch::new_empty(schema.clone());
        match format {
            Format::Table => Ok(RowWriter::Table { batches: vec![head], zone: shown.zone.clone(), out }),
            Format::Csv => {
                let mut writer = RowWriter::Csv { begun: false, out };
                writer.write(&head)?;
                Ok(writer)
            }
            Format::Json => {
                refuse_twins(schema)?;
                Ok(RowWriter::Json(machine::json_writer().build(out)))
            }
            Format::Ndjson => {
                refuse_twins(schema)?;
                Ok(RowWriter::Ndjson(machine::json_writer().build(out)))
            }
            Format::Parquet => {
                refuse_twins(schema)?;
                let writer = ArrowWriter::try_new(out, schema.clone(), Some(machine::parquet_properties()));
                Ok(RowWriter::Parquet(Box::new(writer.map_err(parquet_error)?)))
            }
            Format::Xlsx => Ok(RowWriter::Xlsx { workbook: Box::new(workbook::Writer::begin(schema, shown)?), out }),
        }
    }

    /// Writes some rows.
    ///
    /// # Errors
    /// When they cannot be written, or hold a type that the format has no form for.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match self {
            RowWriter::Table { batches, .. } => {
                batches.push(batch.clone());
                Ok(())
            }
            RowWriter::Csv { begun, out } => {
                let lines = machine::csv_lines(batch, !*begun).map_err(arrow_error)?;
                *begun = true;
                Ok(out.write_all(&lines)?)
            }
            RowWriter::Json(writer) => writer.write(batch).map_err(arrow_error),
            RowWriter::Ndjson(writer) => writer.write(batch).map_err(arrow_error),
            RowWriter::Parquet(writer) => writer.write(batch).map_err(parquet_error),
            RowWriter::Xlsx { workbook, .. } => workbook.write(batch),
        }
    }

    /// Ends the result.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> Result<()> {
        match self {
            RowWriter::Table { batches, zone, mut out } => {
                let text = table::render(&batches, &zone).map_err(arrow_error)?;
                Ok(writeln!(out, "{text}")?)
            }
            RowWriter::Csv { .. } => Ok(()),
            RowWriter::Json(mut writer) => writer.finish().map_err(arrow_error),
            RowWriter::Ndjson(mut writer) => writer.finish().map_err(arrow_error),
            RowWriter::Parquet(writer) => writer.close().map(|_| ()).map_err(parquet_error),
            RowWriter::Xlsx { workbook, mut out } => Ok(out.write_all(&workbook.finish()?)?),
        }
    }
}

/// The bytes of a file of these rows.
///
/// # Errors
/// When two columns share a name in a format that finds values by name, or a column has a type that the format has no form for.
pub fn file(format: Format, schema: &SchemaRef, batches: &[RecordBatch], shown: &Shown) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut writer = RowWriter::begin(format, schema, shown, &mut bytes)?;
    batches.iter().try_for_each(|batch| writer.write(batch))?;
    writer.finish()?;
    Ok(bytes)
}

/// The cells of rows as people read them in a table.
///
/// # Errors
/// When a column has a type that cannot be shown.
pub fn texts(batch: &RecordBatch, zone: &TimeZone) -> Result<Vec<Vec<String>>> {
    table::texts(batch, zone).map_err(arrow_error)
}

/// Two columns of one name cannot both be found by name, and readers of JSON keep one of them silently.
fn refuse_twins(schema: &Schema) -> Result<()> {
    let mut names = HashSet::new();
    let Some(twin) = schema.fields().iter().find(|field| !names.insert(field.name())) else { return Ok(()) };
    let message = format!("two columns are called `{}`", twin.name());
    Err(Error::refused(message).with_hint("give one of them another name with `AS`, or use `--format csv`"))
}

/// An error of the destination is reported as such, so that a closed pipe is recognized.
fn arrow_error(error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, source) => Error::Output(source),
        error => Error::Arrow(error),
    }
}

fn parquet_error(error: ParquetError) -> Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(source) => Error::Output(*source),
            Err(source) => Error::Parquet(ParquetError::External(source)),
        },
        error => Error::Parquet(error),
    }
}
