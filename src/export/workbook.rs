//! Rows as a workbook with one sheet. A row goes to a temporary file as soon as it is written, so a workbook takes little memory
//! until it is packed.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema, TimeUnit, TimestampMillisecondType};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use jiff::tz::TimeZone;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::machine;
use crate::error::{Error, Result};
use crate::model::time::Instant;

/// Rows of a sheet, the header among them.
const ROWS_MAX: u32 = 1_048_576;

/// How instants are shown.
const INSTANT: &str = "yyyy-mm-dd hh:mm:ss.000";

/// Milliseconds of a day, of which Excel counts times.
pub const MS_A_DAY: f64 = 86_400_000.0;

/// 1970-01-01 in the days of Excel.
const EPOCH_DAYS: f64 = 25_569.0;

/// A workbook that is being written.
pub struct Writer {
    workbook: Workbook,
    zone: TimeZone,
    instant: Format,
    next_row: u32,
}

/// The cells of a column of a batch.
enum Cells {
    Numbers(Float64Array),
    /// In days of Excel, on the clock of the zone.
    Instants(Float64Array),
    Flags(BooleanArray),
    Texts(StringArray),
}

impl Writer {
    /// Begins a workbook with a header. Instants are those of the zone, for Excel has no zones.
    ///
    /// # Errors
    /// When there are more columns than a sheet has, or no temporary file can be written.
    pub fn begin(schema: &Schema, zone: &TimeZone) -> Result<Writer> {
        let mut workbook = Workbook::new();
        let head = Format::new().set_bold();
        let begun = (|| {
            // The time of the file is always the same, so that the same rows are the same bytes.
            let properties = DocProperties::new().set_creation_datetime(&ExcelDateTime::from_ymd(2000, 1, 1)?);
            workbook.set_properties(&properties);
            let sheet = workbook.add_worksheet_with_constant_memory()?;
            sheet.set_name("Rows")?.set_freeze_panes(1, 0)?;
            for (column, field) in (0..).zip(schema.fields()) {
                sheet.write_string_with_format(0, column, field.name(), &head)?;
            }
            Ok(())
        })();
        begun.map_err(refused)?;
        let instant = Format::new().set_num_format(INSTANT);
        Ok(Writer { workbook, zone: zone.clone(), instant, next_row: 1 })
    }

    /// Writes some rows.
    ///
    /// # Errors
    /// When a sheet has no space for them, or a text is longer than a cell can hold.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let rows = u32::try_from(batch.num_rows()).unwrap_or(u32::MAX);
        if rows > ROWS_MAX - self.next_row {
            let error = Error::refused(format!("a sheet of a workbook has {ROWS_MAX} rows, and these are more"));
            return Err(error.with_hint("write `--format parquet` or `csv`, or ask for fewer rows"));
        }
        let columns = batch.schema_ref().fields().iter().zip(batch.columns());
        let columns = columns.map(|(field, column)| Cells::of(field, column, &self.zone));
        let columns = columns.collect::<std::result::Result<Vec<Cells>, ArrowError>>()?;
        let sheet = self.workbook.worksheet_from_index(0).map_err(refused)?;
        for row in 0..batch.num_rows() {
            for (column, cells) in (0..).zip(&columns) {
                cells.write(sheet, (self.next_row, column), row, &self.instant).map_err(refused)?;
            }
            self.next_row += 1;
        }
        Ok(())
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        self.workbook.save_to_buffer().map_err(refused)
    }
}

impl Cells {
    fn of(
        field: &arrow::datatypes::FieldRef,
        column: &ArrayRef,
        zone: &TimeZone,
    ) -> std::result::Result<Cells, ArrowError> {
        Ok(match column.data_type() {
            DataType::Timestamp(_, Some(_)) => {
                let ms = cast(column, &DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())))?;
                let ms = ms.as_primitive::<TimestampMillisecondType>();
                Cells::Instants(ms.iter().map(|ms| ms.map(|ms| excel_days(Instant(ms), zone))).collect())
            }
            DataType::Boolean => Cells::Flags(column.as_boolean().clone()),
            kind if kind.is_numeric() => Cells::Numbers(cast(column, &DataType::Float64)?.as_primitive().clone()),
            kind if kind.is_nested() => {
                Cells::Texts(cast(&machine::json_texts(field, column)?, &DataType::Utf8)?.as_string().clone())
            }
            _ => {
                let options = FormatOptions::default();
                let formatter = ArrayFormatter::try_new(column, &options)?;
                let text = |row| (!column.is_null(row)).then(|| formatter.value(row).try_to_string()).transpose();
                Cells::Texts((0..column.len()).map(text).collect::<std::result::Result<StringArray, _>>()?)
            }
        })
    }

    /// Writes the cell of a row; none of null.
    fn write(
        &self,
        sheet: &mut Worksheet,
        (row, column): (u32, u16),
        at: usize,
        instant: &Format,
    ) -> std::result::Result<(), XlsxError> {
        match self {
            // A cell has no number that is none.
            Cells::Numbers(numbers) if numbers.is_valid(at) && numbers.value(at).is_finite() => {
                sheet.write_number(row, column, numbers.value(at))?;
            }
            Cells::Instants(days) if days.is_valid(at) => {
                sheet.write_number_with_format(row, column, days.value(at), instant)?;
            }
            Cells::Flags(flags) if flags.is_valid(at) => {
                sheet.write_boolean(row, column, flags.value(at))?;
            }
            Cells::Texts(texts) if texts.is_valid(at) => {
                sheet.write_string(row, column, texts.value(at))?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// An instant on the clock of a zone, in days of Excel.
fn excel_days(instant: Instant, zone: &TimeZone) -> f64 {
    let timestamp = jiff::Timestamp::from_millisecond(instant.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let offset = zone.to_offset(timestamp).seconds();
    // Milliseconds of the years that a date can have are far below 2^53.
    (instant.0 + i64::from(offset) * 1000) as f64 / MS_A_DAY + EPOCH_DAYS
}

/// The error of a command whose workbook is refused.
#[must_use]
pub fn refused(error: XlsxError) -> Error {
    Error::refused(format!("the workbook cannot be made: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_days_on_the_clock_of_the_zone() {
        let at = Instant::parse("2026-07-01T12:00:00Z").unwrap();
        assert_eq!(excel_days(at, &TimeZone::UTC), 46_204.5);
        let prague = TimeZone::get("Europe/Prague").unwrap();
        assert!((excel_days(at, &prague) - (46_204.5 + 2.0 / 24.0)).abs() < 1e-9);
    }
}
