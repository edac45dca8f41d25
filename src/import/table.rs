//! A foreign table, record by record: the cells of the columns that the mapping names.

use std::path::Path;
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use super::mapping::{Column, Mapping};
use crate::error::{Error, Result};
use crate::input::records::{self, Dialect, Fields, Records};
use crate::spelling::did_you_mean;

/// What to do about a record that is too long.
const ADVICE: &str = "look for a quote that is never closed, or state another `quote` or `delimiter` in the mapping";

/// An open table.
pub(super) struct Table {
    records: Records,
    file: Arc<str>,
    /// For each column of the mapping its position in this file.
    positions: Vec<usize>,
}

/// One record: what the mapping needs of it, or why it cannot be read.
pub(super) struct Record<'t> {
    /// Line on which it begins, from 1.
    pub(super) line: u64,
    /// Byte offset at which it begins, after decompression.
    pub(super) offset: u64,
    /// The cells in the mapping's order, or the reason why the record is malformed.
    pub(super) cells: std::result::Result<Vec<&'t str>, String>,
    fields: Fields<'t>,
}

impl Record<'_> {
    /// A hash of the whole record, columns the mapping does not name included.
    pub(super) fn hash(&self) -> u128 {
        let mut hash = Xxh3::new();
        for field in self.fields.iter() {
            hash.update(&(field.len() as u64).to_le_bytes());
            hash.update(field);
        }
        hash.digest128()
    }
}

impl Table {
    /// Opens a file and finds the mapping's columns in its header.
    pub(super) fn open(path: &Path, mapping: &Mapping) -> Result<Self> {
        let file: Arc<str> = path.display().to_string().into();
        let dialect = Dialect { delimiter: mapping.delimiter, quote: mapping.quote };
        let records = Records::open(path, dialect).map_err(|cause| cause.of(&file, ADVICE))?;
        let names = records.header();
        let find = |column: &Column| {
            let position = names.iter().position(|name| *name == column.name);
            position.ok_or_else(|| missing(column, names, &file, mapping))
        };
        let positions = mapping.columns.iter().map(find).collect::<Result<_>>()?;
        Ok(Self { records, file, positions })
    }

    /// Bytes read so far, after decompression.
    pub(super) fn bytes(&self) -> u64 {
        self.records.bytes()
    }

    /// The next record that is not blank.
    pub(super) fn next(&mut self) -> Result<Option<Record<'_>>> {
        let record = self.records.next_record().map_err(|cause| cause.of(&self.file, ADVICE))?;
        Ok(record.map(|record| {
            let cells = texts(record, &self.positions);
            Record { line: record.line, offset: record.offset, cells, fields: record.fields }
        }))
    }
}

fn texts<'t>(record: records::Record<'t>, positions: &[usize]) -> std::result::Result<Vec<&'t str>, String> {
    let texts = record.texts().map_err(|malformed| malformed.to_string())?;
    Ok(positions.iter().map(|position| texts.get(*position).copied().unwrap_or_default()).collect())
}

fn missing(column: &Column, names: &[String], file: &str, mapping: &Mapping) -> Error {
    let message = format!("no column `{}`, which {}:{} names", column.name, mapping.file, column.line);
    let error = Error::invalid(format!("{file}:1"), message);
    match did_you_mean(&column.name, names.iter().map(String::as_str)) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}
