//! Rows on disk between being read and being ordered: a temporary Parquet file with the cells the mapping needs.
//!
//! Only this file knows the columns of that file, both for writing and for reading them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, Int64Array, Int64Builder, PrimitiveArray, RecordBatch,
    StringArray, StringBuilder, UInt32Builder, UInt64Builder,
};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field, Int64Type, Schema, SchemaRef, UInt32Type, UInt64Type};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::mapping::{Mapping, OrderKey};
use super::row::{Belongs, Place, Row, RowResult};
use super::time_rule::TimeReading;
use super::view::RowView;
use crate::error::{Error, Result};
use crate::store::scratch::{self, File};

/// Rows of one batch at most; fewer when they are long.
const BATCH_ROWS: usize = 8192;
const BATCH_TEXT_BYTES: usize = 4 << 20;

/// Why rows could not be written, sorted or read again, most often for lack of memory or disk.
pub(super) fn cannot_sort(cause: impl std::fmt::Display) -> Error {
    let hint = "give more memory with `--memory`, or name a temporary folder with more space in TMPDIR";
    Error::refused(format!("cannot bring the rows into order: {cause}")).with_hint(hint)
}

/// The columns of the file by which the rows of a case are ordered, in SQL.
/// The elements of a record come after it, in their order.
pub(super) fn order_columns(mapping: &Mapping) -> String {
    let keys = mapping.order.iter().enumerate().map(|(number, key)| match key {
        OrderKey::Time => "time_ms".to_owned(),
        OrderKey::Sequence => "sequence".to_owned(),
        OrderKey::Integer(_) | OrderKey::Text(_) => format!("order_{number} NULLS FIRST"),
    });
    let keys = keys.chain(["level".to_owned(), "index".to_owned()]);
    keys.collect::<Vec<_>>().join(", ")
}

fn schema(mapping: &Mapping) -> Schema {
    let whole = |name: &str| Field::new(name, DataType::UInt64, false);
    let mut fields = vec![Field::new("id", DataType::Utf8, false), Field::new("parent", DataType::Utf8, true)];
    fields.extend([Field::new("time_ms", DataType::Int64, false), Field::new("later_ms", DataType::Int64, true)]);
    fields.extend([Field::new("skipped", DataType::Boolean, false), Field::new("sequence", DataType::Int64, false)]);
    fields.extend([
        whole("hash_high"),
        whole("hash_low"),
        whole("level"),
        whole("index"),
        Field::new("file", DataType::UInt32, false),
        whole("line"),
        whole("offset"),
    ]);
    for (number, key) in mapping.order.iter().enumerate() {
        match key {
            OrderKey::Time | OrderKey::Sequence => {}
            OrderKey::Integer(_) => fields.push(Field::new(format!("order_{number}"), DataType::Int64, true)),
            OrderKey::Text(_) => fields.push(Field::new(format!("order_{number}"), DataType::Utf8, true)),
        }
    }
    fields.extend((0..mapping.columns.len()).map(|number| Field::new(format!("cell_{number}"), DataType::Utf8, false)));
    Schema::new(fields)
}

/// A Parquet file that is written batch by batch, with little memory.
pub(super) struct SpoolFile {
    writer: ArrowWriter<File>,
    path: PathBuf,
}

impl SpoolFile {
    pub(super) fn create(path: &Path, schema: SchemaRef, memory_bytes: usize) -> Result<Self> {
        let file = scratch::create_file(path).map_err(Error::file(path))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_bytes(Some((memory_bytes / 16).clamp(2 << 20, 64 << 20)))
            .build();
        let writer = ArrowWriter::try_new(file, schema, Some(properties)).map_err(cannot_sort)?;
        Ok(Self { writer, path: path.to_owned() })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(batch).map_err(cannot_sort)
    }

    pub(super) fn close(self) -> Result<PathBuf> {
        self.writer.close().map_err(cannot_sort)?;
        Ok(self.path)
    }
}

/// Collects rows and writes them out.
pub(super) struct Spool<'m> {
    mapping: &'m Mapping,
    file: SpoolFile,
    schema: SchemaRef,
    rows: Rows,
    count: u64,
    text_bytes: u64,
}

/// A spool that has been written.
pub(super) struct Spooled {
    pub(super) path: PathBuf,
    /// Mean bytes of a row, to choose how many go together.
    pub(super) row_bytes_mean: usize,
}

impl<'m> Spool<'m> {
    pub(super) fn create(path: &Path, mapping: &'m Mapping, memory_bytes: usize) -> Result<Self> {
        let schema = Arc::new(schema(mapping));
        let file = SpoolFile::create(path, schema.clone(), memory_bytes)?;
        Ok(Self { mapping, file, schema, rows: Rows::new(mapping), count: 0, text_bytes: 0 })
    }

    /// Adds a row. The outer error ends the import, the inner one is what is wrong with the row.
    pub(super) fn push(&mut self, row: &Row<'_>, belongs: &Belongs<'_>) -> Result<RowResult<()>> {
        let order = match order_values(self.mapping, &row.cells) {
            Ok(order) => order,
            Err(reason) => return Ok(Err(reason)),
        };
        self.rows.push(row, belongs, order);
        if self.rows.count >= BATCH_ROWS || self.rows.text_bytes >= BATCH_TEXT_BYTES {
            self.flush()?;
        }
        Ok(Ok(()))
    }

    fn flush(&mut self) -> Result<()> {
        self.count += self.rows.count as u64;
        self.text_bytes += self.rows.text_bytes as u64;
        self.file.write(&self.rows.finish(&self.schema)?)
    }

    pub(super) fn close(mut self) -> Result<Spooled> {
        self.flush()?;
        let row_bytes_mean = (self.text_bytes / self.count.max(1)) as usize + 64;
        Ok(Spooled { path: self.file.close()?, row_bytes_mean })
    }
}

enum OrderValue {
    Integer(Option<i64>),
    Text(String),
}

fn order_values(mapping: &Mapping, cells: &[&str]) -> RowResult<Vec<OrderValue>> {
    let view = RowView { row: cells, first: &[] };
    let value = |key: &OrderKey| match key {
        OrderKey::Time | OrderKey::Sequence => None,
        OrderKey::Integer(cell) => Some(mapping.integer(cell, cells).map(OrderValue::Integer)),
        OrderKey::Text(cell) => Some(Ok(OrderValue::Text(view.text(cell).into_owned()))),
    };
    mapping.order.iter().filter_map(value).collect()
}

enum OrderBuilder {
    Integer(Int64Builder),
    Text(StringBuilder),
}

/// The rows of one batch, column by column.
struct Rows {
    id: StringBuilder,
    parent: StringBuilder,
    time_ms: Int64Builder,
    later_ms: Int64Builder,
    skipped: BooleanBuilder,
    sequence: Int64Builder,
    level: UInt64Builder,
    index: UInt64Builder,
    hash_high: UInt64Builder,
    hash_low: UInt64Builder,
    file: UInt32Builder,
    line: UInt64Builder,
    offset: UInt64Builder,
    order: Vec<OrderBuilder>,
    cells: Vec<StringBuilder>,
    count: usize,
    text_bytes: usize,
}

impl Rows {
    fn new(mapping: &Mapping) -> Self {
        let builder = |key: &OrderKey| match key {
            OrderKey::Time | OrderKey::Sequence => None,
            OrderKey::Integer(_) => Some(OrderBuilder::Integer(Int64Builder::new())),
            OrderKey::Text(_) => Some(OrderBuilder::Text(StringBuilder::new())),
        };
        Self {
            id: StringBuilder::new(),
            parent: StringBuilder::new(),
            time_ms: Int64Builder::new(),
            later_ms: Int64Builder::new(),
            skipped: BooleanBuilder::new(),
            level: UInt64Builder::new(),
            index: UInt64Builder::new(),
            sequence: Int64Builder::new(),
            hash_high: UInt64Builder::new(),
            hash_low: UInt64Builder::new(),
            file: UInt32Builder::new(),
            line: UInt64Builder::new(),
            offset: UInt64Builder::new(),
            order: mapping.order.iter().filter_map(builder).collect(),
            cells: mapping.columns.iter().map(|_| StringBuilder::new()).collect(),
            count: 0,
            text_bytes: 0,
        }
    }

    fn push(&mut self, row: &Row<'_>, belongs: &Belongs<'_>, order: Vec<OrderValue>) {
        self.id.append_value(&belongs.id);
        self.parent.append_option(belongs.parent.as_deref());
        self.time_ms.append_value(row.time.ms);
        self.later_ms.append_option(row.time.later_ms);
        self.skipped.append_value(row.time.skipped);
        self.level.append_value(row.level as u64);
        self.index.append_value(row.index);
        self.sequence.append_value(row.sequence);
        self.hash_high.append_value((row.hash >> 64) as u64);
        self.hash_low.append_value(row.hash as u64);
        self.file.append_value(row.place.file);
        self.line.append_value(row.place.line);
        self.offset.append_value(row.place.offset);
        for (builder, value) in self.order.iter_mut().zip(order) {
            match (builder, value) {
                (OrderBuilder::Integer(builder), OrderValue::Integer(value)) => builder.append_option(value),
                (OrderBuilder::Text(builder), OrderValue::Text(value)) => builder.append_value(value),
                (OrderBuilder::Integer(builder), OrderValue::Text(_)) => builder.append_null(),
                (OrderBuilder::Text(builder), OrderValue::Integer(_)) => builder.append_null(),
            }
        }
        for (builder, cell) in self.cells.iter_mut().zip(&row.cells) {
            builder.append_value(cell);
            self.text_bytes += cell.len();
        }
        self.count += 1;
    }

    fn finish(&mut self, schema: &SchemaRef) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.id.finish()),
            Arc::new(self.parent.finish()),
            Arc::new(self.time_ms.finish()),
            Arc::new(self.later_ms.finish()),
            Arc::new(self.skipped.finish()),
            Arc::new(self.sequence.finish()),
            Arc::new(self.hash_high.finish()),
            Arc::new(self.hash_low.finish()),
            Arc::new(self.level.finish()),
            Arc::new(self.index.finish()),
            Arc::new(self.file.finish()),
            Arc::new(self.line.finish()),
            Arc::new(self.offset.finish()),
        ];
        columns.extend(self.order.iter_mut().map(|builder| match builder {
            OrderBuilder::Integer(builder) => Arc::new(builder.finish()) as ArrayRef,
            OrderBuilder::Text(builder) => Arc::new(builder.finish()),
        }));
        columns.extend(self.cells.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef));
        (self.count, self.text_bytes) = (0, 0);
        RecordBatch::try_new(schema.clone(), columns).map_err(cannot_sort)
    }
}

/// A batch of rows that came back in order, each with its case.
pub(super) struct Ordered<'b> {
    case: &'b StringArray,
    time_ms: &'b [i64],
    later_ms: &'b Int64Array,
    skipped: &'b BooleanArray,
    level: &'b [u64],
    index: &'b [u64],
    sequence: &'b [i64],
    hash_high: &'b [u64],
    hash_low: &'b [u64],
    file: &'b [u32],
    line: &'b [u64],
    offset: &'b [u64],
    cells: Vec<&'b StringArray>,
}

impl<'b> Ordered<'b> {
    pub(super) fn of(batch: &'b RecordBatch, mapping: &Mapping) -> Result<Self> {
        Ok(Self {
            case: texts(batch, "case_id")?,
            time_ms: numbers::<Int64Type>(batch, "time_ms")?,
            later_ms: array(batch, "later_ms")?,
            skipped: array(batch, "skipped")?,
            level: numbers::<UInt64Type>(batch, "level")?,
            index: numbers::<UInt64Type>(batch, "index")?,
            sequence: numbers::<Int64Type>(batch, "sequence")?,
            hash_high: numbers::<UInt64Type>(batch, "hash_high")?,
            hash_low: numbers::<UInt64Type>(batch, "hash_low")?,
            file: numbers::<UInt32Type>(batch, "file")?,
            line: numbers::<UInt64Type>(batch, "line")?,
            offset: numbers::<UInt64Type>(batch, "offset")?,
            cells: (0..mapping.columns.len())
                .map(|number| texts(batch, &format!("cell_{number}")))
                .collect::<Result<_>>()?,
        })
    }

    /// The rows, each with its case; none in a thread that is a circle.
    pub(super) fn rows(&self) -> impl Iterator<Item = (Option<&'b str>, Row<'b>)> {
        (0..self.case.len()).filter_map(|at| Some((self.case.is_valid(at).then(|| self.case.value(at)), self.row(at)?)))
    }

    fn row(&self, at: usize) -> Option<Row<'b>> {
        Some(Row {
            cells: self.cells.iter().map(|cells| cells.value(at)).collect(),
            level: usize::try_from(*self.level.get(at)?).ok()?,
            index: *self.index.get(at)?,
            time: TimeReading {
                ms: *self.time_ms.get(at)?,
                later_ms: self.later_ms.is_valid(at).then(|| self.later_ms.value(at)),
                skipped: self.skipped.value(at),
                plus_ms: 0,
            },
            sequence: *self.sequence.get(at)?,
            hash: (u128::from(*self.hash_high.get(at)?) << 64) | u128::from(*self.hash_low.get(at)?),
            place: Place { file: *self.file.get(at)?, line: *self.line.get(at)?, offset: *self.offset.get(at)? },
        })
    }
}

fn column<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| cannot_sort(format!("no column `{name}` in the ordered rows")))
}

pub(super) fn texts<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b StringArray> {
    let wrong = || cannot_sort(format!("column `{name}` of the ordered rows is not text"));
    column(batch, name)?.as_string_opt::<i32>().ok_or_else(wrong)
}

fn array<'b, A: Array + 'static>(batch: &'b RecordBatch, name: &str) -> Result<&'b A> {
    let wrong = || cannot_sort(format!("column `{name}` of the ordered rows is of another type"));
    column(batch, name)?.as_any().downcast_ref().ok_or_else(wrong)
}

fn numbers<'b, T: ArrowPrimitiveType>(batch: &'b RecordBatch, name: &str) -> Result<&'b [T::Native]> {
    let wrong = || cannot_sort(format!("column `{name}` of the ordered rows is not {}", T::DATA_TYPE));
    let array: &PrimitiveArray<T> = column(batch, name)?.as_primitive_opt::<T>().ok_or_else(wrong)?;
    Ok(array.values())
}
