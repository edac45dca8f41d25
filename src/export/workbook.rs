//! Rows as a workbook with one sheet. A row goes to a temporary file as soon as it is written, so a workbook takes little memory
//! until it is packed.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Field, FieldRef, Schema, TimeUnit, TimestampMillisecondType};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use jiff::tz::TimeZone;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::machine;
use super::shown::Shown;
use crate::error::{Error, Result};
use crate::model::time::Instant;

/// Rows of a sheet, the header among them.
const ROWS_MAX: u32 = 1_048_576;

/// The longest name of a sheet, in units of UTF-16.
const NAME_MAX: usize = 31;

/// How instants are shown.
const INSTANT: &str = "yyyy-mm-dd hh:mm:ss.000";

/// How dates are shown.
const DATE: &str = "yyyy-mm-dd";

/// How durations are shown. Excel shows no time below zero, so these are shown as a number of days, which is what the cell holds.
pub const DURATION: &str = r#"[h]:mm:ss;-0.0000" days""#;

/// The ending of the names of columns of milliseconds.
const MS: &str = "_ms";

/// Milliseconds of a day, of which Excel counts times.
pub const MS_A_DAY: f64 = 86_400_000.0;

/// 1970-01-01 in the days of Excel.
const EPOCH_DAYS: f64 = 25_569.0;

/// A workbook that is being written.
pub struct Writer {
    workbook: Workbook,
    zone: TimeZone,
    columns: Vec<Column>,
    next_row: u32,
}

/// How the cells of a column are written.
struct Column {
    kind: Kind,
    /// Of cells that are no plain numbers.
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Duration,
    Instant,
    Date,
    Other,
}

/// The cells of a column of a batch.
enum Cells {
    Numbers(Float64Array),
    /// In days of Excel.
    Times(Float64Array),
    Flags(BooleanArray),
    Texts(StringArray),
}

impl Writer {
    /// Begins a workbook with a header.
    ///
    /// # Errors
    /// When there are more columns than a sheet has, or no temporary file can be written.
    pub fn begin(schema: &Schema, shown: &Shown) -> Result<Writer> {
        let mut workbook = Workbook::new();
        let head = Format::new().set_bold();
        let columns: Vec<Column> = schema.fields().iter().map(|field| Column::of(field, shown)).collect();
        let begun = (|| {
            // The time of the file is always the same, so that the same rows are the same bytes.
            let properties = DocProperties::new().set_creation_datetime(&ExcelDateTime::from_ymd(2000, 1, 1)?);
            workbook.set_properties(&properties);
            let rows = workbook.add_worksheet_with_constant_memory()?;
            rows.set_name(sheet_name(&shown.name, 1))?.set_freeze_panes(1, 0)?;
            for ((number, field), column) in (0..).zip(schema.fields()).zip(&columns) {
                let heading = column.heading(field);
                rows.write_string_with_format(0, number, heading, &head)?;
                rows.set_column_width(number, column.kind.width().max(heading.chars().count() as f64 + 2.0))?;
            }
            Ok(())
        })();
        begun.map_err(refused)?;
        Ok(Writer { workbook, zone: shown.zone.clone(), columns, next_row: 1 })
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
        let fields = batch.schema_ref().fields().iter().zip(batch.columns());
        let cells = fields.zip(&self.columns).map(|((field, array), column)| column.cells(field, array, &self.zone));
        let cells = cells.collect::<std::result::Result<Vec<Cells>, ArrowError>>()?;
        let sheet = self.workbook.worksheet_from_index(0).map_err(refused)?;
        for row in 0..batch.num_rows() {
            for ((number, column), cells) in (0..).zip(&self.columns).zip(&cells) {
                cells.write(sheet, (self.next_row, number), row, &column.format).map_err(refused)?;
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

impl Column {
    fn of(field: &Field, shown: &Shown) -> Column {
        let is_duration = || field.name().ends_with(MS) || shown.durations.contains(field.name());
        let kind = match field.data_type() {
            DataType::Timestamp(_, Some(_)) => Kind::Instant,
            DataType::Date32 => Kind::Date,
            kind if kind.is_numeric() && is_duration() => Kind::Duration,
            _ => Kind::Other,
        };
        Column { kind, format: kind.format() }
    }

    /// The name of the column; that of durations without their unit, which is another in a workbook.
    fn heading<'a>(&self, field: &'a Field) -> &'a str {
        match self.kind {
            Kind::Duration => field.name().strip_suffix(MS).unwrap_or(field.name()),
            Kind::Instant | Kind::Date | Kind::Other => field.name(),
        }
    }

    fn cells(&self, field: &FieldRef, array: &ArrayRef, zone: &TimeZone) -> std::result::Result<Cells, ArrowError> {
        let numbers = || -> std::result::Result<Float64Array, ArrowError> {
            Ok(cast(array, &DataType::Float64)?.as_primitive().clone())
        };
        Ok(match (self.kind, array.data_type()) {
            (Kind::Instant, _) => {
                let ms = cast(array, &DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())))?;
                let ms = ms.as_primitive::<TimestampMillisecondType>();
                Cells::Times(ms.unary(|ms| excel_days(Instant(ms), zone)))
            }
            (Kind::Date, _) => {
                Cells::Times(array.as_primitive::<Date32Type>().unary(|days| f64::from(days) + EPOCH_DAYS))
            }
            (Kind::Duration, _) => Cells::Times(numbers()?.unary(|ms| ms / MS_A_DAY)),
            (Kind::Other, DataType::Boolean) => Cells::Flags(array.as_boolean().clone()),
            (Kind::Other, kind) if kind.is_numeric() => Cells::Numbers(numbers()?),
            (Kind::Other, kind) if kind.is_nested() => {
                Cells::Texts(cast(&machine::json_texts(field, array)?, &DataType::Utf8)?.as_string().clone())
            }
            (Kind::Other, _) => {
                let options = FormatOptions::default();
                let formatter = ArrayFormatter::try_new(array, &options)?;
                let text = |row| (!array.is_null(row)).then(|| formatter.value(row).try_to_string()).transpose();
                Cells::Texts((0..array.len()).map(text).collect::<std::result::Result<StringArray, _>>()?)
            }
        })
    }
}

impl Kind {
    fn format(self) -> Format {
        match self {
            Kind::Duration => Format::new().set_num_format(DURATION),
            Kind::Instant => Format::new().set_num_format(INSTANT),
            Kind::Date => Format::new().set_num_format(DATE),
            Kind::Other => Format::new(),
        }
    }

    /// The least width of a column, in characters. Excel shows `####` for a time that is wider than its column.
    fn width(self) -> f64 {
        match self {
            Kind::Instant => 23.0,
            Kind::Duration | Kind::Date | Kind::Other => 12.0,
        }
    }
}

impl Cells {
    /// Writes the cell of a row; none of null.
    fn write(
        &self,
        sheet: &mut Worksheet,
        (row, column): (u32, u16),
        at: usize,
        format: &Format,
    ) -> std::result::Result<(), XlsxError> {
        match self {
            // A cell has no number that is none.
            Cells::Numbers(numbers) if numbers.is_valid(at) && numbers.value(at).is_finite() => {
                sheet.write_number(row, column, numbers.value(at))?;
            }
            Cells::Times(days) if days.is_valid(at) && days.value(at).is_finite() => {
                sheet.write_number_with_format(row, column, days.value(at), format)?;
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

/// The name of a sheet about something that has this name; of the second copy with the number 2.
#[must_use]
pub fn sheet_name(name: &str, copy: u32) -> String {
    let letters = name.chars().filter(|letter| !"[]:*?/\\".contains(*letter) && !letter.is_control());
    let plain = letters.collect::<String>();
    let plain = match plain.trim_matches([' ', '\'']) {
        "" => "Rows",
        // Excel has this name for itself, in letters of any case.
        name if name.eq_ignore_ascii_case("history") => "History of",
        name => name,
    };
    let ending = if copy == 1 { String::new() } else { format!(" {copy}") };
    let mut units = ending.len();
    let cut: String = plain
        .chars()
        .take_while(|letter| {
            units += letter.len_utf16();
            units <= NAME_MAX
        })
        .collect();
    format!("{}{ending}", cut.trim_end_matches([' ', '\'']))
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

    #[test]
    fn names_of_sheets_are_those_that_excel_permits() {
        let long = "first_resolution_time_business_of_all";
        for (name, copy, expected) in [
            ("Cases", 1, "Cases"),
            ("Cases", 2, "Cases 2"),
            ("a/b: [c]?", 1, "ab c"),
            ("'quoted'", 1, "quoted"),
            ("*", 1, "Rows"),
            ("history", 1, "History of"),
            (long, 1, "first_resolution_time_business_"),
            (long, 12, "first_resolution_time_busine 12"),
            ("the apostrophe at the cut is 'x", 2, "the apostrophe at the cut is 2"),
            ("😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀", 1, "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀"),
        ] {
            let given = sheet_name(name, copy);
            assert_eq!(given, expected);
            rust_xlsxwriter::utility::check_sheet_name(&given).unwrap();
        }
    }
}
