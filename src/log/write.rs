//! Parquet files: how the store writes them, and reading them back column by column.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef, TimestampMillisecondType};
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::disk;
use super::table::{NewFile, new_file_name};
use crate::error::{Error, Result};
use crate::model::time::Instant;

/// Rows of a row group: what a scan can pass over at once.
const ROW_GROUP_ROWS: usize = 128 * 1024;

/// Columns whose values seldom repeat: a dictionary of them would only be in the way.
const UNIQUE_COLUMNS: &[&str] = &["id", "text", "data", "message", "identity", "content"];

/// The column by which the facts are sorted, so that a value begins as the one before.
const SORTED_COLUMN: &str = "case_id";

fn properties(schema: &SchemaRef) -> WriterProperties {
    let level = ZstdLevel::try_new(1).unwrap_or_default();
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Chunk);
    for field in schema.fields() {
        let name = field.name().as_str();
        let encoding = match field.data_type() {
            DataType::Int32 | DataType::Int64 | DataType::Timestamp(..) => Some(Encoding::DELTA_BINARY_PACKED),
            _ if name == SORTED_COLUMN => Some(Encoding::DELTA_BYTE_ARRAY),
            _ if UNIQUE_COLUMNS.contains(&name) => Some(Encoding::PLAIN),
            // Dictionaries.
            _ => None,
        };
        if let Some(encoding) = encoding {
            let column = ColumnPath::from(name);
            builder =
                builder.set_column_dictionary_enabled(column.clone(), false).set_column_encoding(column, encoding);
        }
    }
    builder.build()
}

/// A Parquet file in the making, in a table's folder; not part of the table until it is committed.
pub struct FileWriter {
    name: String,
    path: std::path::PathBuf,
    writer: ArrowWriter<File>,
    rows: u64,
    time_range: Option<(i64, i64)>,
}

impl FileWriter {
    /// Begins a file with a fresh name.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn create(folder: &Path, prefix: &str, schema: &SchemaRef) -> Result<FileWriter> {
        let name = new_file_name(prefix);
        let path = folder.join(&name);
        let file = disk::create(&path).map_err(Error::file(&path))?;
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties(schema)))?;
        Ok(FileWriter { name, path, writer, rows: 0, time_range: None })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        if let Some(times) =
            batch.column_by_name("time").and_then(|times| times.as_primitive_opt::<TimestampMillisecondType>())
        {
            let (first, last) = (arrow::compute::min(times), arrow::compute::max(times));
            if let (Some(first), Some(last)) = (first, last) {
                let (known_first, known_last) = self.time_range.unwrap_or((first, last));
                self.time_range = Some((known_first.min(first), known_last.max(last)));
            }
        }
        Ok(self.writer.write(batch)?)
    }

    /// Ends the file and flushes it to disk.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finish(self) -> Result<NewFile> {
        let file = self.writer.into_inner()?;
        disk::flush(&file, &self.path).map_err(Error::file(&self.path))?;
        let bytes = file.metadata().map_err(Error::file(&self.path))?.len();
        let text = |ms| Instant(ms).to_string();
        let time_range = self.time_range.map(|(first, last)| (text(first), text(last)));
        Ok(NewFile { name: self.name, bytes, rows: self.rows, time_range })
    }
}

/// Begins a file beside its destination, to be persisted there whole; readable as other new files are.
///
/// # Errors
/// When the disk refuses.
pub fn begin_whole_file(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".casebook-");
    // What any new file gets, less the user's mask; temporary files are private otherwise.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Reads some columns of a Parquet file, in the order they are named.
///
/// # Errors
/// When the file cannot be read or lacks a column.
pub fn read_file(path: &Path, columns: &[&str]) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
    let mut file = OpenFile::open(path)?;
    let positions: Vec<usize> = columns.iter().map(|name| file.position(name)).collect::<Result<_>>()?;
    // The reader keeps the file's order of columns; ours is put in order after.
    let order: Vec<usize> = positions.iter().map(|own| positions.iter().filter(|other| *other < own).count()).collect();
    file.roots = positions;
    let reader = file.into_reader()?;
    Ok(reader.map(move |batch| Ok(batch?.project(&order)?)))
}

/// Reads a Parquet file whole.
///
/// # Errors
/// When the file cannot be read.
pub fn read_whole_file(path: &Path) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
    let mut file = OpenFile::open(path)?;
    file.roots = (0..file.builder.schema().fields().len()).collect();
    Ok(file.into_reader()?.map(|batch| Ok(batch?)))
}

struct OpenFile {
    path: String,
    builder: ParquetRecordBatchReaderBuilder<File>,
    roots: Vec<usize>,
}

impl OpenFile {
    fn open(path: &Path) -> Result<OpenFile> {
        let file = File::open(path).map_err(Error::file(path))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
        Ok(OpenFile { path: path.display().to_string(), builder, roots: Vec::new() })
    }

    fn position(&self, column: &str) -> Result<usize> {
        self.builder
            .schema()
            .index_of(column)
            .map_err(|_| Error::invalid(&self.path, format!("there is no column `{column}`")))
    }

    fn into_reader(self) -> Result<ParquetRecordBatchReader> {
        let mask = ProjectionMask::roots(self.builder.parquet_schema(), self.roots);
        Ok(self.builder.with_projection(mask).with_batch_size(8192).build()?)
    }
}

/// Casts nothing: a batch of a file has the table's schema but for metadata; this gives it that schema.
///
/// # Errors
/// When a column's type differs.
pub fn with_schema(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    Ok(RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec())?)
}
