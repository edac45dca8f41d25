//! A table for people: instants on the clock of the report's zone, and nothing that would command the terminal.

use std::fmt::{Display, Write};

use arrow::array::{Array, RecordBatch, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, ArrayFormatterFactory, DisplayIndex, FormatOptions, FormatResult};
use arrow::util::pretty::pretty_format_batches_with_options;
use jiff::tz::TimeZone;

use super::machine::instants;
use crate::model::time::Instant;

/// Draws the rows; the first batch names the columns.
pub fn render(batches: &[RecordBatch], zone: &TimeZone) -> Result<impl Display + use<>, ArrowError> {
    let factory = People { zone: zone.clone() };
    let options = FormatOptions::new().with_formatter_factory(Some(&factory));
    pretty_format_batches_with_options(batches, &options)
}

/// The cells of every row.
pub fn texts(batch: &RecordBatch, zone: &TimeZone) -> Result<Vec<Vec<String>>, ArrowError> {
    let (factory, options) = (People { zone: zone.clone() }, FormatOptions::new());
    let mut rows = vec![Vec::new(); batch.num_rows()];
    for column in batch.columns() {
        let own = factory.create_array_formatter(column, &options, None)?;
        let formatter = own.map_or_else(|| ArrayFormatter::try_new(column, &options), Ok)?;
        for (position, row) in rows.iter_mut().enumerate() {
            row.push(formatter.value(position).try_to_string()?);
        }
    }
    Ok(rows)
}

/// What people see otherwise than Arrow would show it.
#[derive(Debug)]
struct People {
    zone: TimeZone,
}

impl ArrayFormatterFactory for People {
    fn create_array_formatter<'formatter>(
        &self,
        array: &'formatter dyn Array,
        options: &FormatOptions<'formatter>,
        _field: Option<&'formatter Field>,
    ) -> Result<Option<ArrayFormatter<'formatter>>, ArrowError> {
        let null = options.null();
        let display: Box<dyn DisplayIndex + 'formatter> = match array.data_type() {
            DataType::Timestamp(_, Some(zone)) => {
                Box::new(Instants { instants: instants(array)?, zone: self.zone_of(zone), null })
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                Box::new(Texts { raw: ArrayFormatter::try_new(array, &FormatOptions::new().with_null(null))? })
            }
            _ => return Ok(None),
        };
        Ok(Some(ArrayFormatter::new(display, options.safe())))
    }
}

impl People {
    /// A column that SQL has converted to a zone is shown in that zone.
    fn zone_of(&self, column: &str) -> TimeZone {
        let chosen = if matches!(column, "UTC" | "+00:00") { None } else { TimeZone::get(column).ok() };
        chosen.unwrap_or_else(|| self.zone.clone())
    }
}

struct Instants<'a> {
    instants: TimestampMillisecondArray,
    zone: TimeZone,
    null: &'a str,
}

impl DisplayIndex for Instants<'_> {
    fn write(&self, idx: usize, out: &mut dyn Write) -> FormatResult {
        if self.instants.is_null(idx) {
            return Ok(out.write_str(self.null)?);
        }
        let local = Instant(self.instants.value(idx)).to_timestamp().to_zoned(self.zone.clone());
        Ok(write!(out, "{}", local.strftime("%Y-%m-%d %H:%M:%S%.3f %:z"))?)
    }
}

/// A text without what would command the terminal, in one line: control characters are written as `\u{1b}` or `\n`.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            printable.extend(letter.escape_default());
        } else {
            printable.push(letter);
        }
    }
    printable
}

/// Customers write these texts: a control sequence in one must not command the terminal. Lines stay lines, within their
/// cell.
struct Texts<'a> {
    raw: ArrayFormatter<'a>,
}

impl DisplayIndex for Texts<'_> {
    fn write(&self, idx: usize, out: &mut dyn Write) -> FormatResult {
        let text = self.raw.value(idx).try_to_string()?;
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                out.write_char('\n')?;
            }
            out.write_str(&printable(line))?;
        }
        Ok(())
    }
}
