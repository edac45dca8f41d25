//! A foreign table as the mapping sees it: the cells of the columns that it names, record by record.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use super::error::ImportError;
use super::mapping::Mapping;
use crate::input::records;
use crate::input::records::{Dialect, Fields, RECORD_MIB_MAX, Records, Unreadable};
use crate::spelling::did_you_mean;

/// An open table.
pub(super) struct Table {
    records: Records,
    path: PathBuf,
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
    pub(super) cells: Result<Vec<&'t str>, String>,
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
    pub(super) fn open(path: &Path, mapping: &Mapping) -> Result<Self, ImportError> {
        let file: Arc<str> = path.display().to_string().into();
        let dialect = Dialect { delimiter: mapping.delimiter, quote: mapping.quote };
        let records = Records::open(path, dialect).map_err(|cause| unreadable(cause, path, &file))?;
        let names = records.header();
        let find = |column: &super::mapping::Column| {
            names.iter().position(|name| *name == column.name).ok_or_else(|| ImportError::MissingColumn {
                input: file.clone(),
                column: column.name.clone(),
                mapping: mapping.file.clone(),
                line: column.line,
                hint: did_you_mean(&column.name, names.iter().map(AsRef::as_ref)),
            })
        };
        let positions = mapping.columns.iter().map(find).collect::<Result<_, _>>()?;
        Ok(Self { records, path: path.to_owned(), file, positions })
    }

    /// Bytes read so far, after decompression.
    pub(super) fn bytes(&self) -> u64 {
        self.records.bytes()
    }

    /// The next record that is not blank.
    pub(super) fn next(&mut self) -> Result<Option<Record<'_>>, ImportError> {
        let record = self.records.next_record().map_err(|cause| unreadable(cause, &self.path, &self.file))?;
        Ok(record.map(|record| {
            let cells = texts(record, &self.positions);
            Record { line: record.line, offset: record.offset, cells, fields: record.fields }
        }))
    }
}

fn texts<'t>(record: records::Record<'t>, positions: &[usize]) -> Result<Vec<&'t str>, String> {
    let texts = record.texts().map_err(|malformed| malformed.to_string())?;
    Ok(positions.iter().map(|position| texts.get(*position).copied().unwrap_or_default()).collect())
}

fn unreadable(cause: Unreadable, path: &Path, file: &Arc<str>) -> ImportError {
    match cause {
        Unreadable::NoHeader => ImportError::NoHeader { input: file.clone() },
        Unreadable::TooLong { line } => {
            ImportError::RecordTooLong { input: file.clone(), line, limit_mib: RECORD_MIB_MAX }
        }
        Unreadable::Io(cause) => ImportError::File { doing: "read", path: path.to_owned(), cause },
    }
}
