//! Parquet files: how the store writes them, and reading them back column by column.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrowPrimitiveType, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int32Type, Int64Type, SchemaRef, TimestampMillisecondType};
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnPath;
use xxhash_rust::xxh3::Xxh3Default;

use crate::error::{Error, Result};
use crate::model::time::Instant;
use crate::store::disk;
use crate::store::table::{NewFile, new_file_name};

/// Rows of a row group: what a scan can pass over at once.
const ROW_GROUP_ROWS: usize = 128 * 1024;

/// Rows of facts that are encoded at once: more than a batch of them has, which would be cut.
const FACT_BATCH_ROWS: usize = 8192;

/// Columns whose values seldom repeat: a dictionary of them would only be in the way.
const UNIQUE_COLUMNS: &[&str] =
    &["id", "text", "data", "message", "identity", "content", "event_id", "event_place", "since_place", "until_place"];

/// A column of which that holds where there is a row for each case.
const UNIQUE_COLUMN_OF_FACTS: &str = "customer";

/// Columns that no compression makes smaller.
const RANDOM_COLUMNS: &[&str] = &["identity", "content"];

/// The column by which the facts are sorted, so that a value begins as the one before.
const SORTED_COLUMN: &str = "case_id";

/// Columns with a Bloom filter in each row group, and how often it may say "perhaps" of a value that is not there.
///
/// Ten thousand new identities are looked for in every row group at once: at one in a hundred thousand nine row groups
/// in ten are passed over unread. That takes 4 bytes an event. A case is looked for alone, and its filter takes little,
/// for a case has many events.
const FILTERED_COLUMNS: &[(&str, f64)] = &[("identity", 1e-5), ("case_id", 1e-2)];

fn properties(schema: &SchemaRef) -> WriterProperties {
    let of_the_log = schema.column_with_name("identity").is_some();
    // Facts are written whole again and again, and read more often than that; the log is kept. What stands in a
    // dictionary or as differences is small as it is.
    let zstd = Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default());
    let (of_texts, of_others) = match of_the_log {
        true => (zstd, zstd),
        false => (Compression::LZ4_RAW, Compression::UNCOMPRESSED),
    };
    let mut builder = WriterProperties::builder()
        .set_compression(of_others)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Chunk);
    if !of_the_log {
        builder = builder.set_write_batch_size(FACT_BATCH_ROWS);
    }
    for field in schema.fields() {
        let name = field.name().as_str();
        let encoding = match field.data_type() {
            DataType::Int32 | DataType::Int64 | DataType::Timestamp(..) => Some(Encoding::DELTA_BINARY_PACKED),
            _ if name == SORTED_COLUMN => Some(Encoding::DELTA_BYTE_ARRAY),
            _ if UNIQUE_COLUMNS.contains(&name) => Some(Encoding::PLAIN),
            _ if !of_the_log && name == UNIQUE_COLUMN_OF_FACTS => Some(Encoding::PLAIN),
            // Dictionaries.
            _ => None,
        };
        // What a row group of texts spans tells little, but for the column that the rows are sorted by, and takes comparisons.
        if field.data_type() == &DataType::Utf8View && name != SORTED_COLUMN {
            builder = builder.set_column_statistics_enabled(ColumnPath::from(name), EnabledStatistics::None);
        }
        if let Some(encoding) = encoding {
            let column = ColumnPath::from(name);
            if encoding == Encoding::PLAIN {
                builder = builder.set_column_compression(column.clone(), of_texts);
            }
            builder =
                builder.set_column_dictionary_enabled(column.clone(), false).set_column_encoding(column, encoding);
        }
    }
    for name in RANDOM_COLUMNS.iter().filter(|name| schema.column_with_name(name).is_some()) {
        builder = builder.set_column_compression(ColumnPath::from(*name), Compression::UNCOMPRESSED);
    }
    // The facts are sorted by case, so that what a row group spans tells.
    for (name, misses) in FILTERED_COLUMNS.iter().filter(|_| of_the_log) {
        builder = builder.set_column_bloom_filter_fpp(ColumnPath::from(*name), *misses);
    }
    builder.build()
}

/// A Parquet file in the making, in a table's folder; not part of the table until it is committed.
pub struct FileWriter {
    name: String,
    unfinished: Unfinished,
    writer: ArrowWriter<HashedFile>,
    rows: u64,
    time_range: Option<(i64, i64)>,
    batch_range: Option<(i64, i64)>,
    /// Whether the last rows were events of rank 0; nothing where that cannot be said.
    ends_in_rank_0: Option<bool>,
}

/// A file that goes away unless it is finished: a failure leaves no litter, and on a full disk its room is needed.
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
    /// Begins a file with a fresh name.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn create(folder: &Path, prefix: &str, schema: &SchemaRef) -> Result<FileWriter> {
        let name = new_file_name(prefix);
        let path = folder.join(&name);
        let file = disk::create(&path).map_err(Error::file(&path))?;
        let unfinished = Unfinished { path, is_finished: false };
        let file = HashedFile { file, hash: Xxh3Default::new() };
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties(schema)))?;
        Ok(FileWriter { name, unfinished, writer, rows: 0, time_range: None, batch_range: None, ends_in_rank_0: None })
    }

    /// Adds rows. Those of rank 0 among events stand in row groups of their own, if they come together: whoever wants
    /// only them, or only the others, passes over the rest.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        for part in by_rank_0(batch) {
            let begins_otherwise = part.is_rank_0.is_some_and(|rank_0| self.ends_in_rank_0 == Some(!rank_0));
            if begins_otherwise {
                self.writer.flush().map_err(failed(&self.unfinished.path))?;
            }
            self.ends_in_rank_0 = part.is_rank_0;
            self.write_part(&part.rows)?;
        }
        Ok(())
    }

    fn write_part(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        self.time_range = widen::<TimestampMillisecondType>(self.time_range, batch, "time");
        self.batch_range = widen::<Int64Type>(self.batch_range, batch, "batch");
        self.writer.write(batch).map_err(failed(&self.unfinished.path))
    }

    /// Ends the file and flushes it to disk.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finish(mut self) -> Result<NewFile> {
        let path = &self.unfinished.path;
        // Not `into_inner` at once, which makes a text of what the disk says.
        self.writer.finish().map_err(failed(path))?;
        self.writer.sync().map_err(Error::file(path))?;
        let HashedFile { file, hash } = self.writer.inner_mut();
        disk::flush(file, path).map_err(Error::file(path))?;
        let bytes = file.metadata().map_err(Error::file(path))?.len();
        self.unfinished.is_finished = true;
        let time_range = self.time_range.map(|(first, last)| (Instant(first), Instant(last)));
        let (rows, batch_range) = (self.rows, self.batch_range);
        Ok(NewFile { name: self.name, bytes, rows, time_range, batch_range, hash: hash.digest() })
    }
}

/// Rows that are all events of rank 0, or none of them; or of which that cannot be said.
struct Part {
    rows: RecordBatch,
    is_rank_0: Option<bool>,
}

/// The rows in one part, or in two where one begins with what is of rank 0 or ends with it.
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

/// A disk that refuses says so through Parquet's writer; what it said is what matters.
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

/// Rows of a Parquet file, by its end.
///
/// # Errors
/// When the file cannot be read.
pub fn rows(path: &Path) -> Result<u64> {
    let file = File::open(path).map_err(Error::file(path))?;
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&file)?;
    Ok(u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0))
}

/// The first and last batch in a file of the log, by its own statistics.
///
/// # Errors
/// When the file cannot be read.
pub fn batch_range(path: &Path) -> Result<Option<(i64, i64)>> {
    let file = File::open(path).map_err(Error::file(path))?;
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&file)?;
    let columns = metadata.row_groups().iter().flat_map(|group| group.columns());
    let bounds = columns.filter(|column| column.column_path().string() == "batch").filter_map(|column| {
        let Some(Statistics::Int64(values)) = column.statistics() else { return None };
        values.min_opt().copied().zip(values.max_opt().copied())
    });
    Ok(bounds.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))))
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
        // An event may have a megabyte.
        Ok(self.builder.with_projection(mask).with_batch_size(512).build()?)
    }
}

/// Casts nothing: a batch of a file has the table's schema but for metadata; this gives it that schema.
///
/// # Errors
/// When a column's type differs.
pub fn with_schema(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    Ok(RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec())?)
}
