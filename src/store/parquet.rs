//! Parquet files on the local disk: how tables write them, and reading them column by column.
//!
//! Many threads write files of a table at once, each its own ([`FileWriter`]), and many read row groups
//! ([`DataFile`]). Both use local files directly, because encoding, compressing and reading block their thread anyway.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrowPrimitiveType, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int32Type, Int64Type, SchemaRef, TimestampMillisecondType};
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::bloom_filter::Sbbf;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnPath;
use xxhash_rust::xxh3::Xxh3Default;

use crate::error::{Error, Result};
use crate::model::time::Instant;
use crate::store::contents::Contents;
use crate::store::data_file::{EXTENSION, NewFile, new_file_name};
use crate::store::disk;
use crate::store::objects::Store;

/// Rows of a row group: what a scan can skip at once.
const ROW_GROUP_ROWS: usize = 128 * 1024;

/// Rows that a reader returns at once; an event may have a megabyte.
const READ_ROWS: usize = 512;

/// How values are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Not at all.
    None,
    /// Quick to write and to read.
    Lz4,
    /// Small.
    Zstd,
}

impl Codec {
    fn compression(self) -> Compression {
        match self {
            Codec::None => Compression::UNCOMPRESSED,
            Codec::Lz4 => Compression::LZ4_RAW,
            Codec::Zstd => Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default()),
        }
    }
}

/// How the files of a table are written. Each module that has tables states this for its own tables; columns are given by
/// name, and a name that a table lacks means nothing.
#[derive(Clone, Copy, Debug)]
pub struct FileLayout {
    /// Of columns whose values are written one by one.
    pub plain_codec: Codec,
    /// Of columns whose values are in a dictionary or are differences.
    pub codec: Codec,
    /// Columns whose values seldom repeat, so that a dictionary would only take space.
    pub unique_columns: &'static [&'static str],
    /// Columns that no compression makes smaller.
    pub random_columns: &'static [&'static str],
    /// The column by which the rows are sorted, so that most values begin as the value before.
    pub sorted_column: Option<&'static str>,
    /// Columns with a Bloom filter in each row group, and the share of values that it accepts though they are not there.
    pub filtered_columns: &'static [(&'static str, f64)],
    /// Rows that are encoded at once; without a number as many as the library does.
    pub encoded_rows: Option<usize>,
    /// Whether the table is one of events: its `time` and `batch` have ranges ([`NewFile`]), and events of `rank` 0 are in
    /// row groups of their own.
    pub has_events: bool,
}

impl FileLayout {
    fn properties(&self, schema: &SchemaRef) -> WriterProperties {
        let mut builder = WriterProperties::builder()
            .set_compression(self.codec.compression())
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_statistics_enabled(EnabledStatistics::Chunk);
        if let Some(rows) = self.encoded_rows {
            builder = builder.set_write_batch_size(rows);
        }
        for field in schema.fields() {
            let name = field.name().as_str();
            let is_sorted = self.sorted_column == Some(name);
            let encoding = match field.data_type() {
                DataType::Int32 | DataType::Int64 | DataType::UInt64 | DataType::Timestamp(..) => {
                    Some(Encoding::DELTA_BINARY_PACKED)
                }
                _ if is_sorted => Some(Encoding::DELTA_BYTE_ARRAY),
                _ if self.unique_columns.contains(&name) => Some(Encoding::PLAIN),
                // A dictionary.
                _ => None,
            };
            // The least and the greatest text of a row group say little, unless the rows are sorted by it, and take
            // comparisons.
            if field.data_type() == &DataType::Utf8View && !is_sorted {
                builder = builder.set_column_statistics_enabled(ColumnPath::from(name), EnabledStatistics::None);
            }
            if let Some(encoding) = encoding {
                let column = ColumnPath::from(name);
                if encoding == Encoding::PLAIN {
                    builder = builder.set_column_compression(column.clone(), self.plain_codec.compression());
                }
                builder =
                    builder.set_column_dictionary_enabled(column.clone(), false).set_column_encoding(column, encoding);
            }
        }
        for name in self.random_columns.iter().filter(|name| schema.column_with_name(name).is_some()) {
            builder = builder.set_column_compression(ColumnPath::from(*name), Compression::UNCOMPRESSED);
        }
        for (name, accepted) in self.filtered_columns {
            builder = builder.set_column_bloom_filter_fpp(ColumnPath::from(*name), *accepted);
        }
        builder.build()
    }
}

/// A Parquet file that is being written in a table's folder. It is not part of the table until it is committed.
pub struct FileWriter {
    name: String,
    unfinished: Unfinished,
    writer: ArrowWriter<HashedFile>,
    has_events: bool,
    rows: u64,
    time_range: Option<(i64, i64)>,
    batch_range: Option<(i64, i64)>,
    contents: Contents,
    /// Whether the last rows were events of rank 0; nothing where they were mixed.
    ends_in_rank_0: Option<bool>,
}

/// A file that is removed unless it is finished: a failure leaves no file, and a full disk needs the space.
struct Unfinished {
    path: PathBuf,
    is_finished: bool,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.is_finished {
            let _ = disk::remove(&self.path);
        }
    }
}

/// A file that is written from the beginning to the end, and the fingerprint of what was written.
struct HashedFile {
    file: File,
    hash: Xxh3Default,
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl FileWriter {
    /// Begins a file with a new name in that folder.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn create(folder: &Store, prefix: &str, schema: &SchemaRef, layout: &FileLayout) -> Result<FileWriter> {
        let name = new_file_name(prefix, EXTENSION);
        let path = folder.local_path(&name);
        let file = disk::create(&path).map_err(Error::file(&path))?;
        let unfinished = Unfinished { path, is_finished: false };
        let file = HashedFile { file, hash: Xxh3Default::new() };
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(layout.properties(schema)))?;
        Ok(FileWriter {
            name,
            unfinished,
            writer,
            has_events: layout.has_events,
            rows: 0,
            time_range: None,
            batch_range: None,
            contents: Contents::default(),
            ends_in_rank_0: None,
        })
    }

    /// Adds rows. Events of rank 0 that come together are in row groups of their own: a reader that wants only them, or
    /// only the others, skips the rest.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if !self.has_events {
            return self.write_rows(batch);
        }
        self.time_range = widen::<TimestampMillisecondType>(self.time_range, batch, "time");
        self.batch_range = widen::<Int64Type>(self.batch_range, batch, "batch");
        self.contents += Contents::of(batch)?;
        for part in by_rank_0(batch) {
            let differs = part.is_rank_0.is_some_and(|rank_0| self.ends_in_rank_0 == Some(!rank_0));
            if differs {
                self.writer.flush().map_err(failed(&self.unfinished.path))?;
            }
            self.ends_in_rank_0 = part.is_rank_0;
            self.write_rows(&part.rows)?;
        }
        Ok(())
    }

    fn write_rows(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        self.writer.write(batch).map_err(failed(&self.unfinished.path))
    }

    /// Ends the file and flushes it to the disk.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finish(mut self) -> Result<NewFile> {
        let path = &self.unfinished.path;
        // Not `into_inner` at once, which turns the disk's error into a text.
        self.writer.finish().map_err(failed(path))?;
        self.writer.sync().map_err(Error::file(path))?;
        let HashedFile { file, hash } = self.writer.inner_mut();
        disk::flush(file, path).map_err(Error::file(path))?;
        let bytes = file.metadata().map_err(Error::file(path))?.len();
        self.unfinished.is_finished = true;
        let time_range = self.time_range.map(|(first, last)| (Instant(first), Instant(last)));
        let (rows, batch_range) = (self.rows, self.batch_range);
        let events = self.has_events.then_some(self.contents.fingerprint);
        Ok(NewFile { name: self.name, bytes, rows, time_range, batch_range, events, hash: hash.digest() })
    }
}

/// Rows that are all events of rank 0, or none of which is; or both.
struct Part {
    rows: RecordBatch,
    is_rank_0: Option<bool>,
}

/// The rows in one part; in two parts where the rows of rank 0 come first or last.
fn by_rank_0(batch: &RecordBatch) -> Vec<Part> {
    let ranks = batch.column_by_name("rank").and_then(|ranks| ranks.as_primitive_opt::<Int32Type>());
    let ranks = ranks.map_or(&[][..], |ranks| ranks.values());
    let runs: Vec<_> = ranks.chunk_by(|rank, next| (*rank == 0) == (*next == 0)).collect();
    let is_rank_0 = |run: &[i32]| run.first().map(|rank| *rank == 0);
    match runs.as_slice() {
        [run] => vec![Part { rows: batch.clone(), is_rank_0: is_rank_0(run) }],
        [first, second] => vec![
            Part { rows: batch.slice(0, first.len()), is_rank_0: is_rank_0(first) },
            Part { rows: batch.slice(first.len(), second.len()), is_rank_0: is_rank_0(second) },
        ],
        _ => vec![Part { rows: batch.clone(), is_rank_0: None }],
    }
}

/// The disk's own error where Parquet's writer passes one on.
fn failed(path: &Path) -> impl FnOnce(ParquetError) -> Error {
    let path = path.to_owned();
    move |error| match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(source) => Error::File { path, source: *source },
            Err(source) => ParquetError::External(source).into(),
        },
        error => error.into(),
    }
}

/// The range with the values of a batch's column, if it has that column.
fn widen<T: ArrowPrimitiveType<Native = i64>>(
    range: Option<(i64, i64)>,
    batch: &RecordBatch,
    column: &str,
) -> Option<(i64, i64)> {
    let values = batch.column_by_name(column).and_then(|values| values.as_primitive_opt::<T>());
    let found = values.and_then(|values| arrow::compute::min(values).zip(arrow::compute::max(values)));
    match (range, found) {
        (Some((first, last)), Some((from, until))) => Some((first.min(from), last.max(until))),
        (range, found) => range.or(found),
    }
}

/// A Parquet file that is read, and what its footer states about it.
pub struct DataFile {
    path: PathBuf,
    file: File,
    metadata: ArrowReaderMetadata,
}

impl DataFile {
    /// Opens a file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn open(path: &Path) -> Result<DataFile> {
        let file = File::open(path).map_err(Error::file(path))?;
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?;
        Ok(DataFile { path: path.to_owned(), file, metadata })
    }

    /// How many row groups the file has.
    #[must_use]
    pub fn row_groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    /// The rows of a row group.
    #[must_use]
    pub fn rows_of(&self, group: usize) -> usize {
        let rows = self.metadata.metadata().row_groups().get(group).map_or(0, |group| group.num_rows());
        usize::try_from(rows).unwrap_or(0)
    }

    /// The Bloom filter of a column in a row group; files of older stores have none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn bloom_filter(&self, group: usize, column: &str) -> Result<Option<Sbbf>> {
        let groups = self.metadata.metadata().row_groups();
        let chunk = groups.get(group).and_then(|group| group.columns().get(self.position(column).ok()?));
        Ok(chunk.map(|chunk| Sbbf::read_from_column_chunk(chunk, &self.file)).transpose()?.flatten())
    }

    /// Reads a column of a row group, that many rows at once.
    ///
    /// # Errors
    /// When the file cannot be read or lacks the column.
    pub fn read_row_group(&self, group: usize, column: &str, rows: usize) -> Result<ParquetRecordBatchReader> {
        let file = self.file.try_clone().map_err(Error::file(&self.path))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), [self.position(column)?]);
        Ok(builder.with_projection(mask).with_row_groups(vec![group]).with_batch_size(rows).build()?)
    }

    fn into_reader(self, columns: Vec<usize>) -> Result<ParquetRecordBatchReader> {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.file, self.metadata);
        let mask = ProjectionMask::roots(builder.parquet_schema(), columns);
        Ok(builder.with_projection(mask).with_batch_size(READ_ROWS).build()?)
    }

    fn position(&self, column: &str) -> Result<usize> {
        let position = self.metadata.schema().index_of(column);
        position.map_err(|_| Error::invalid(self.path.display().to_string(), format!("there is no column `{column}`")))
    }
}

/// The number of rows of a Parquet file, by its end.
///
/// # Errors
/// When the file cannot be read.
pub fn rows(path: &Path) -> Result<u64> {
    let file = DataFile::open(path)?;
    Ok(u64::try_from(file.metadata.metadata().file_metadata().num_rows()).unwrap_or(0))
}

/// The first and last number in the `batch` column of a file, by the statistics at its end.
///
/// # Errors
/// When the file cannot be read.
pub fn batch_range(path: &Path) -> Result<Option<(i64, i64)>> {
    let file = DataFile::open(path)?;
    let columns = file.metadata.metadata().row_groups().iter().flat_map(|group| group.columns());
    let bounds = columns.filter(|column| column.column_path().string() == "batch").filter_map(|column| {
        let Some(Statistics::Int64(values)) = column.statistics() else { return None };
        values.min_opt().copied().zip(values.max_opt().copied())
    });
    Ok(bounds.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))))
}

/// Reads some columns of a Parquet file, in the order in which they are named.
///
/// # Errors
/// When the file cannot be read or lacks a column.
pub fn read_file(path: &Path, columns: &[&str]) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
    let file = DataFile::open(path)?;
    let positions: Vec<usize> = columns.iter().map(|name| file.position(name)).collect::<Result<_>>()?;
    // The reader returns the columns in the file's order.
    let order: Vec<usize> = positions.iter().map(|own| positions.iter().filter(|other| *other < own).count()).collect();
    Ok(file.into_reader(positions)?.map(move |batch| Ok(batch?.project(&order)?)))
}

/// Reads all columns of a Parquet file.
///
/// # Errors
/// When the file cannot be read.
pub fn read_whole_file(path: &Path) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
    let file = DataFile::open(path)?;
    let columns = (0..file.metadata.schema().fields().len()).collect();
    Ok(file.into_reader(columns)?.map(|batch| Ok(batch?)))
}

/// The same rows with a table's schema, which differs from the schema of a file only in metadata.
///
/// # Errors
/// When a column's type differs.
pub fn with_schema(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    Ok(RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec())?)
}
