//! Parquet: columns with types. Texts are read as those of CSV are, but an empty one is a value; null is absent.
//!
//! Only a timestamp with a zone is an instant. One without becomes a time without an offset, which no event may have.
//!
//! The libraries of the format panic on some damaged files instead of returning an error. Here a panic becomes an error.

use std::borrow::Cow;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, FieldRef};
use arrow::json::writer::{EncoderOptions, NullableEncoder, make_encoder};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::ParquetMetaData;

use crate::error::{Error, Result};
use crate::input::flat::{Cell, Layout, PIECE_BYTES, PIECE_ROWS};
use crate::input::piece::{MadeLine, Piece};

/// An open table of events.
pub struct ParquetRows {
    file: Arc<str>,
    reader: ParquetRecordBatchReader,
    layout: Layout,
    /// Rows read so far.
    rows: u64,
    bytes: u64,
}

impl ParquetRows {
    /// Opens a file and finds the columns of events in its schema.
    ///
    /// # Errors
    /// When the file cannot be read, or its columns are not those of events.
    pub fn open(path: &Path) -> Result<ParquetRows> {
        let file: Arc<str> = path.display().to_string().into();
        without_panic(&file.clone(), || ParquetRows::open_whole(path, file))
    }

    fn open_whole(path: &Path, file: Arc<str>) -> Result<ParquetRows> {
        let input = File::open(path).map_err(Error::file(path))?;
        let bytes = input.metadata().map_err(Error::file(path))?.len();
        let builder = ParquetRecordBatchReaderBuilder::try_new(input).map_err(unreadable(&file))?;
        let names: Vec<String> = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
        let layout = Layout::of(&file, names.iter().map(String::as_str))?;
        let needed: Vec<usize> = (0..names.len()).filter(|column| layout.needs(*column)).collect();
        let layout = Layout::of(&file, needed.iter().filter_map(|column| names.get(*column)).map(String::as_str))?;
        let mask = ProjectionMask::roots(builder.parquet_schema(), needed);
        let rows = rows_at_once(builder.metadata());
        let reader = builder.with_projection(mask).with_batch_size(rows).build().map_err(unreadable(&file))?;
        Ok(ParquetRows { file, reader, layout, rows: 0, bytes })
    }

    /// Bytes of the file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next rows as lines; the line's number is the row's.
    ///
    /// # Errors
    /// When the file cannot be read on.
    pub fn next_piece(&mut self) -> Result<Option<Piece>> {
        without_panic(&self.file.clone(), || self.next_rows())
    }

    fn next_rows(&mut self) -> Result<Option<Piece>> {
        let Some(batch) = self.reader.next() else { return Ok(None) };
        let batch = batch.map_err(unreadable(&self.file))?;
        let lines = self.lines(&batch).map_err(unreadable(&self.file))?;
        self.rows += lines.len() as u64;
        Ok(Some(Piece::Lines { number: 0, lines }))
    }

    fn lines(&self, batch: &RecordBatch) -> std::result::Result<Vec<MadeLine>, arrow::error::ArrowError> {
        let options = EncoderOptions::default();
        let schema = batch.schema();
        let columns = schema.fields().iter().zip(batch.columns());
        let mut columns = columns
            .map(|(field, column)| Column::of(field, column, &options))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        let mut lines = Vec::with_capacity(batch.num_rows());
        for (row, line) in (0..batch.num_rows()).zip(self.rows + 1..) {
            let cells: Vec<Cell<'_>> = columns.iter_mut().map(|column| column.cell(row)).collect();
            lines.push(MadeLine { json: self.layout.line(&cells), file: self.file.clone(), line, offset: 0 });
        }
        Ok(lines)
    }
}

/// Rows that are read at once, so that long ones do not fill the memory.
fn rows_at_once(metadata: &ParquetMetaData) -> usize {
    let groups = metadata.row_groups();
    let (bytes, rows) = groups.iter().fold((0, 0), |(bytes, rows), group| {
        (bytes + group.total_byte_size().max(0) as u64, rows + group.num_rows().max(0) as u64)
    });
    let row_bytes_mean = usize::try_from(bytes / rows.max(1)).unwrap_or(usize::MAX);
    (PIECE_BYTES / row_bytes_mean.max(1)).clamp(16, PIECE_ROWS)
}

fn unreadable<E: std::fmt::Display>(file: &str) -> impl FnOnce(E) -> Error + use<E> {
    let file = file.to_owned();
    move |error| {
        Error::invalid(file, format!("not a Parquet file that can be read: {error}"))
            .with_hint("a damaged or incomplete Parquet file cannot be read in part; export or download it again")
    }
}

/// The result of reading; a panic of the libraries becomes an error of the file.
fn without_panic<T>(file: &str, read: impl FnOnce() -> Result<T>) -> Result<T> {
    // Nothing is read after an error, so state that a panic left incomplete is never used.
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied());
        Err(unreadable(file)(text.unwrap_or("its parts contradict each other")))
    })
}

/// A column of one batch.
enum Column<'b> {
    Texts(StringArray),
    Typed(NullableEncoder<'b>),
}

impl<'b> Column<'b> {
    fn of(
        field: &'b FieldRef,
        column: &'b dyn Array,
        options: &'b EncoderOptions,
    ) -> std::result::Result<Column<'b>, arrow::error::ArrowError> {
        if holds_texts(column.data_type()) {
            let texts = arrow::compute::cast(column, &DataType::Utf8)?;
            return Ok(Column::Texts(texts.as_string().clone()));
        }
        Ok(Column::Typed(make_encoder(field, column, options)?))
    }

    fn cell(&mut self, row: usize) -> Cell<'_> {
        match self {
            Column::Texts(texts) if texts.is_null(row) => Cell::Absent,
            Column::Texts(texts) => Cell::Text(Cow::Borrowed(texts.value(row))),
            Column::Typed(encoder) if encoder.is_null(row) => Cell::Absent,
            Column::Typed(encoder) => {
                let mut json = Vec::new();
                encoder.encode(row, &mut json);
                Cell::Json(json)
            }
        }
    }
}

fn holds_texts(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => holds_texts(values),
        _ => false,
    }
}
