//! Parquet: the columns that the mapping names, batch by batch; without a key of the mapping all columns, as all of a row identify it.
//!
//! A column is one of the file, or a path into one that is nested: `a.b`, `tags[0]`.

use crate::store::scratch::File;

use arrow::array::{ArrayRef, RecordBatch};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::super::mapping::Mapping;
use super::super::path::Path;
use super::super::record::{Ended, Record, TakeRecord};
use super::layout::{self, INDEX, Layout};
use super::values;
use crate::error::{Error, Result};
use crate::input::source::LocalFile;

/// Rows that are decoded at once.
const BATCH_ROWS: usize = 1024;

/// An open file.
pub(in crate::import) struct ColumnarReader<'m> {
    mapping: &'m Mapping,
    file: String,
    builder: ParquetRecordBatchReaderBuilder<File>,
    columns: Vec<Cells>,
    header: Vec<String>,
    layout: Layout,
    bytes: u64,
    _local: LocalFile,
}

/// Where the cells of a column of the header are.
struct Cells {
    /// The column of the file.
    root: usize,
    /// Within it.
    path: Option<Path>,
    is_used: bool,
}

impl<'m> ColumnarReader<'m> {
    /// Reads the schema and finds the mapping's columns in it.
    ///
    /// # Errors
    /// When it is no Parquet file, or lacks a column.
    pub(super) fn open(file: String, local: LocalFile, mapping: &'m Mapping) -> Result<ColumnarReader<'m>> {
        let (input, bytes) = local.open()?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(input).map_err(|error| cannot_read(&file, error))?;
        let mut header: Vec<String> = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
        let mut columns: Vec<Cells> =
            (0..header.len()).map(|root| Cells { root, path: None, is_used: mapping.key.is_empty() }).collect();
        let names = mapping.columns.iter().filter(|column| column.level == 0).flat_map(|column| &column.names);
        for name in names.filter(|name| *name != INDEX) {
            if header.contains(name) {
                continue;
            }
            let Some((root, path)) = nested(&header, name) else { continue };
            header.push(name.clone());
            columns.push(Cells { root, path: Some(path), is_used: mapping.key.is_empty() });
        }
        let layout = Layout::of(mapping, &header, &file, None)?;
        for position in layout.used() {
            columns.get_mut(position).into_iter().for_each(|column| column.is_used = true);
        }
        Ok(ColumnarReader { mapping, file, builder, columns, header, layout, bytes, _local: local })
    }

    /// Gives every row.
    pub(super) fn read(self, take: TakeRecord<'_>) -> Result<Ended> {
        let ColumnarReader { mapping, file, builder, columns, header, layout, bytes, _local } = self;
        let roots = columns.iter().filter(|column| column.is_used).map(|column| column.root);
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        let names: Vec<String> = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
        let batches = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build();
        let batches = batches.map_err(|error| cannot_read(&file, error))?;
        let mut record = Record::default();
        let mut number = 0;
        let mut texts = vec![String::new(); columns.len()];
        for batch in batches {
            let batch = batch.map_err(|error| cannot_read(&file, error))?;
            let arrays = arrays(&batch, &columns, &names).map_err(|error| cannot_read(&file, error))?;
            for row in 0..batch.num_rows() {
                number += 1;
                record.begin(number, 0);
                let outcome = read_row(&columns, &arrays, row, &mut texts);
                record.hash = layout::hash(texts.iter().map(String::as_bytes));
                match outcome {
                    Ok(()) => layout.fill(mapping, 0, &texts, &mut record),
                    Err(reason) => record.problem = Some(reason),
                }
                take(&record, &|| {
                    let used = columns.iter().zip(header.iter().zip(&texts)).filter(|(column, _)| column.is_used);
                    let (names, texts): (Vec<String>, Vec<&String>) =
                        used.map(|(_, (name, text))| (name.clone(), text)).unzip();
                    layout::object(&names, &texts)
                })?;
            }
        }
        Ok(Ended::after(bytes))
    }
}

fn cannot_read(file: &str, error: impl std::fmt::Display) -> Error {
    Error::invalid(file, format!("the Parquet file cannot be read: {error}"))
}

/// The column of the file that a path begins with, and the rest of the path.
fn nested(header: &[String], name: &str) -> Option<(usize, Path)> {
    let ends = name.match_indices(['.', '[']).map(|(end, _)| end);
    ends.filter_map(|end| name.split_at_checked(end)).find_map(|(root, rest)| {
        let root = header.iter().position(|known| known == root)?;
        Some((root, Path::parse(rest.strip_prefix('.').unwrap_or(rest)).ok()?))
    })
}

/// The values of each column that is used.
fn arrays(
    batch: &RecordBatch,
    columns: &[Cells],
    names: &[String],
) -> std::result::Result<Vec<Option<ArrayRef>>, arrow::error::ArrowError> {
    let array = |column: &Cells| {
        let name = names.get(column.root).filter(|_| column.is_used);
        name.and_then(|name| batch.column_by_name(name)).map(values::plain).transpose()
    };
    columns.iter().map(array).collect()
}

fn read_row(
    columns: &[Cells],
    arrays: &[Option<ArrayRef>],
    row: usize,
    texts: &mut [String],
) -> std::result::Result<(), String> {
    for ((column, array), text) in columns.iter().zip(arrays).zip(texts) {
        text.clear();
        let Some(array) = array else { continue };
        match &column.path {
            None => text.push_str(&values::text(array, row)?),
            Some(path) => {
                let value = values::json(array, row)?;
                text.push_str(&path.find(&value).map(|found| values::text_of(&found)).unwrap_or_default());
            }
        }
    }
    Ok(())
}
