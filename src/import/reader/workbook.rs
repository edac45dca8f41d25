//! Workbooks (XLSX): the rows of a worksheet, gone through as they are read. The texts that its cells share are held.
//!
//! A cell is text: a number without zeros after the point, a date as a local time in the form of RFC 3339, a time of day and a duration
//! as `hh:mm:ss`, `true` and `false`, an error by its name.

use crate::store::scratch::File;
use std::io::BufReader;

use calamine::{DataRef, ExcelDateTime, Reader as _, SheetType, SheetVisible, Xlsx, XlsxCellReader, XlsxError};
use jiff::civil::{DateTime, date};
use jiff::{SignedDuration, ToSpan};

use super::super::mapping::Mapping;
use super::super::record::{Ended, Record, TakeRecord};
use super::layout::{self, Layout};
use crate::error::{Error, Result};
use crate::input::source::LocalFile;
use crate::spelling::did_you_mean;

/// The columns that a worksheet can have.
const COLUMNS_MAX: u32 = 16_384;
const DAY_MS: f64 = 86_400_000.0;

type Workbook = Xlsx<BufReader<File>>;

/// An open worksheet.
pub(in crate::import) struct WorkbookReader<'m> {
    mapping: &'m Mapping,
    file: String,
    workbook: Workbook,
    worksheet: String,
    header: Vec<String>,
    layout: Layout,
    bytes: u64,
    _local: LocalFile,
}

impl<'m> WorkbookReader<'m> {
    /// Finds the worksheet and the mapping's columns in its header.
    ///
    /// # Errors
    /// When it is no workbook, has no such worksheet, no rows, or lacks a column.
    pub(super) fn open(file: String, local: LocalFile, mapping: &'m Mapping) -> Result<WorkbookReader<'m>> {
        let (input, bytes) = local.open()?;
        let mut workbook: Workbook = Xlsx::new(BufReader::new(input)).map_err(|error| cannot_read(&file, &error))?;
        let (worksheet, header) = find_worksheet(&file, &mut workbook, mapping)?;
        let layout = Layout::of(mapping, &header, &format!("{file}, {worksheet}"), None)?;
        Ok(WorkbookReader { mapping, file, workbook, worksheet, header, layout, bytes, _local: local })
    }

    /// Gives every row below the header.
    pub(super) fn read(self, take: TakeRecord<'_>) -> Result<Ended> {
        let WorkbookReader { mapping, file, mut workbook, worksheet, header, layout, bytes, _local } = self;
        let mut rows = Rows::of(&file, &mut workbook, &worksheet, mapping.input.skip_lines)?;
        rows.next()?;
        let mut record = Record::default();
        while let Some(number) = rows.next()? {
            let texts = &mut rows.texts;
            texts.resize(texts.len().max(header.len()), String::new());
            record.begin(number, 0);
            record.hash = layout::hash(texts.iter().map(String::as_bytes));
            if texts.len() > header.len() && !mapping.input.uneven_rows {
                let (found, expected) = (texts.len(), header.len());
                record.problem = Some(format!("found {found} cells, expected at most {expected}, as the header has"));
            } else {
                layout.fill(mapping, 0, texts, &mut record);
            }
            take(&record, &|| layout::object(&header, texts))?;
        }
        Ok(Ended::after(bytes))
    }
}

fn cannot_read(file: &str, error: &XlsxError) -> Error {
    Error::invalid(file, format!("the workbook cannot be read: {error}"))
}

/// The worksheet that the mapping names or the first with rows, and its header.
fn find_worksheet(file: &str, workbook: &mut Workbook, mapping: &Mapping) -> Result<(String, Vec<String>)> {
    let of_cells = |sheet: &&calamine::Sheet| sheet.typ == SheetType::WorkSheet;
    let (mut shown, hidden): (Vec<_>, Vec<_>) = workbook
        .sheets_metadata()
        .iter()
        .filter(of_cells)
        .cloned()
        .partition(|sheet| sheet.visible == SheetVisible::Visible);
    shown.extend(hidden);
    let names: Vec<String> = shown.into_iter().map(|sheet| sheet.name).collect();
    let chosen = match &mapping.input.worksheet {
        None => names.clone(),
        Some((name, _)) if names.contains(name) => vec![name.clone()],
        Some((name, line)) => {
            let all = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let message = format!("no worksheet `{name}`, which {}:{line} names; the workbook has {all}", mapping.file);
            let near = did_you_mean(name, names.iter().map(String::as_str));
            return Err(Error::invalid(file, message).with_any_hint(near));
        }
    };
    for name in chosen {
        let mut rows = Rows::of(file, workbook, &name, mapping.input.skip_lines)?;
        if rows.next()?.is_some() {
            return Ok((name, rows.texts));
        }
    }
    Err(Error::invalid(file, "found no rows in the workbook, expected a header and rows"))
}

/// The rows of a worksheet that have a cell, one after the other.
struct Rows<'w> {
    file: &'w str,
    cells: XlsxCellReader<'w, BufReader<File>>,
    is_1904: bool,
    /// The first row that is read, from 0.
    first: u64,
    /// The cell after the row, with its row and its column.
    next: Option<(u32, u32, String)>,
    has_ended: bool,
    texts: Vec<String>,
}

impl<'w> Rows<'w> {
    fn of(file: &'w str, workbook: &'w mut Workbook, worksheet: &str, first: u64) -> Result<Rows<'w>> {
        let is_1904 = workbook.has_1904_epoch();
        let cells = workbook.worksheet_cells_reader(worksheet).map_err(|error| cannot_read(file, &error))?;
        Ok(Rows { file, cells, is_1904, first, next: None, has_ended: false, texts: Vec::new() })
    }

    /// Reads the next row into `texts`, and gives its number, from 1.
    fn next(&mut self) -> Result<Option<u64>> {
        self.texts.clear();
        let mut cell = match self.next.take() {
            Some(cell) => Some(cell),
            None => self.next_cell()?,
        };
        let mut number = None;
        while let Some((row, column, text)) = cell {
            match number {
                Some(number) if number < row => {
                    self.next = Some((row, column, text));
                    break;
                }
                Some(number) if number > row => {
                    return Err(Error::invalid(self.file, format!("row {} comes after row {}", row + 1, number + 1)));
                }
                _ => number = Some(row),
            }
            self.put(column, text)?;
            cell = self.next_cell()?;
        }
        Ok(number.map(|number| u64::from(number) + 1))
    }

    fn put(&mut self, column: u32, text: String) -> Result<()> {
        if column >= COLUMNS_MAX {
            let message = format!("found a cell in column {}, expected at most {COLUMNS_MAX}", u64::from(column) + 1);
            return Err(Error::invalid(self.file, message));
        }
        let column = column as usize;
        if self.texts.len() <= column {
            self.texts.resize(column + 1, String::new());
        }
        if let Some(cell) = self.texts.get_mut(column) {
            *cell = text;
        }
        Ok(())
    }

    /// The next cell with a text.
    fn next_cell(&mut self) -> Result<Option<(u32, u32, String)>> {
        while !self.has_ended {
            let cell = self.cells.next_cell().map_err(|error| cannot_read(self.file, &error))?;
            let Some(cell) = cell else {
                // The cells that follow the last one are an error of the library.
                self.has_ended = true;
                break;
            };
            let (row, column) = cell.get_position();
            let text = text(cell.get_value(), self.is_1904);
            if !text.is_empty() && u64::from(row) >= self.first {
                return Ok(Some((row, column, text)));
            }
        }
        Ok(None)
    }
}

fn text(value: &DataRef<'_>, is_1904: bool) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(flag) => flag.to_string(),
        DataRef::DateTime(days) => time_text(days, is_1904).unwrap_or_else(|| days.as_f64().to_string()),
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}

/// Days of a spreadsheet, to the millisecond; absent where they are no time.
fn time_text(days: &ExcelDateTime, is_1904: bool) -> Option<String> {
    let number = days.as_f64();
    // From the year 10000 on they are no dates.
    if !(-3_000_000.0..3_000_000.0).contains(&number) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "it has at most 15 digits")]
    let ms = (number * DAY_MS).round() as i64;
    if days.is_duration() || (0.0..1.0).contains(&number) {
        return Some(layout::clock(SignedDuration::from_millis(ms)));
    }
    // Spreadsheets count a day in 1900 that there was not.
    let first = match (is_1904, number) {
        (true, _) => date(1904, 1, 1),
        (false, 61.0..) => date(1899, 12, 30),
        (false, 1.0..60.0) => date(1899, 12, 31),
        (false, _) => return None,
    };
    let time: DateTime = first.to_datetime(jiff::civil::Time::midnight()).checked_add(ms.milliseconds()).ok()?;
    Some(time.to_string())
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;

    use super::*;

    #[test]
    fn days_are_local_times_times_of_day_and_durations() {
        let time =
            |days: f64, is_1904| time_text(&ExcelDateTime::new(days, ExcelDateTimeType::DateTime, is_1904), is_1904);
        let cases = [
            (46_083.384_722_222, false, Some("2026-03-02T09:14:00")),
            (44_621.384_722_222, true, Some("2026-03-02T09:14:00")),
            (46_083.0, false, Some("2026-03-02T00:00:00")),
            (46_083.000_011_578_7, false, Some("2026-03-02T00:00:01")),
            (1.0, false, Some("1900-01-01T00:00:00")),
            (60.5, false, None),
            (61.0, false, Some("1900-03-01T00:00:00")),
            (0.384_722_222_2, false, Some("09:14:00")),
            (-1.0, false, None),
            (1e9, false, None),
            (f64::NAN, false, None),
        ];
        for (days, is_1904, expected) in cases {
            assert_eq!(time(days, is_1904).as_deref(), expected, "{days}");
        }
        let duration = |days| time_text(&ExcelDateTime::new(days, ExcelDateTimeType::TimeDelta, false), false).unwrap();
        assert_eq!((duration(1.541_666_666_7), duration(-0.5)), ("37:00:00".to_owned(), "-12:00:00".to_owned()));
        assert_eq!(text(&DataRef::Float(12_345.0), false), "12345");
        assert_eq!(text(&DataRef::Float(0.1), false), "0.1");
    }
}
