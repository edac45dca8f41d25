//! Readers: an input of any format, record by record, as the cells of the columns that the mapping names.
//!
//! The format is that of the first bytes of an input, whatever its name: a table in text, JSON, a workbook, Parquet, an event log in XES or OCEL. Each reader gives its records to
//! [`TakeRecord`] one by one and holds no more than one of them.

mod columnar;
mod elements;
mod json;
mod layout;
mod ocel;
mod plan;
pub(super) mod table;
pub(super) mod text;
mod values;
mod workbook;
mod xes;
mod xml;

pub(super) use layout::SHOWN_COLUMNS;

use super::mapping::Mapping;
use super::record::{Ended, TakeRecord};
use crate::error::Result;
use crate::input::signature::{self, BinaryTable};
use crate::input::source::Source;

/// Whether an input is a table whose cells have types: a workbook or Parquet.
///
/// # Errors
/// When it cannot be read.
pub(super) fn has_typed_cells(source: &Source) -> Result<bool> {
    Ok(matches!(text::begin(source)?.binary(), Some(BinaryTable::Workbook | BinaryTable::Parquet)))
}

/// An input that is open: of a known format, with all columns of the mapping.
pub(super) enum Reader<'m> {
    Table(table::TableReader<'m>),
    Json(json::JsonReader<'m>),
    Xes(Box<xes::XesReader<'m>>),
    Ocel(ocel::OcelReader<'m>),
    Workbook(Box<workbook::WorkbookReader<'m>>),
    Columnar(Box<columnar::ColumnarReader<'m>>),
}

impl<'m> Reader<'m> {
    /// Opens an input, finds out its format and looks for the mapping's columns.
    ///
    /// # Errors
    /// When it cannot be read, is of a format that is not read, or lacks a column.
    pub(super) fn open(source: &Source, mapping: &'m Mapping) -> Result<Reader<'m>> {
        let begun = text::begin(source)?;
        let file = source.name();
        match begun.binary() {
            Some(BinaryTable::Workbook) => {
                let reader = workbook::WorkbookReader::open(file, begun.local()?, mapping)?;
                return Ok(Reader::Workbook(Box::new(reader)));
            }
            Some(BinaryTable::Parquet) => {
                let reader = columnar::ColumnarReader::open(file, begun.local()?, mapping)?;
                return Ok(Reader::Columnar(Box::new(reader)));
            }
            Some(BinaryTable::Sqlite) => {
                return Ok(Reader::Ocel(ocel::OcelReader::of_database(file, begun.local()?, mapping)?));
            }
            None => {}
        }
        let input = begun.text(mapping)?;
        if let Some(written) = signature::ocel_text(input.beginning()) {
            let file = text::TextFile::of(source, input, mapping)?;
            return Ok(Reader::Ocel(ocel::OcelReader::of_text(file, written, mapping)?));
        }
        match input.first_byte() {
            Some(b'<') if text::is_xml(input.beginning()) => {
                Ok(Reader::Xes(Box::new(xes::XesReader::open(input, mapping)?)))
            }
            Some(b'{' | b'[') => Ok(Reader::Json(json::JsonReader::open(input, mapping)?)),
            _ => Ok(Reader::Table(table::TableReader::open(input, mapping)?)),
        }
    }

    /// Gives every record, in order.
    ///
    /// # Errors
    /// When the input cannot be read on, and any error of `take`.
    pub(super) fn read(self, take: TakeRecord<'_>) -> Result<Ended> {
        match self {
            Reader::Table(reader) => reader.read(take),
            Reader::Json(reader) => reader.read(take),
            Reader::Xes(reader) => reader.read(take),
            Reader::Ocel(reader) => reader.read(take),
            Reader::Workbook(reader) => reader.read(take),
            Reader::Columnar(reader) => reader.read(take),
        }
    }
}
