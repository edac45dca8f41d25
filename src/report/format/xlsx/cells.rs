//! How cells are written: formats of numbers, and instants on the clock of a zone.

use jiff::civil::DateTime;
use rust_xlsxwriter::{ExcelDateTime, Format, FormatAlign, XlsxError};

/// What was written, or why not.
pub(super) type Written<T = ()> = std::result::Result<T, XlsxError>;

/// The format of a heading.
pub(super) fn heading() -> Format {
    Format::new().set_bold().set_text_wrap().set_align(FormatAlign::Bottom)
}

/// A format of numbers, as Excel writes it.
pub(super) fn number_format(format: &str) -> Format {
    Format::new().set_num_format(format)
}

/// The format of a number of things: whole where it is whole.
pub(super) fn count_format(number: f64) -> Format {
    number_format(if number.fract() == 0.0 { "#,##0" } else { "#,##0.0##" })
}

/// A civil time as Excel has it.
pub(super) fn excel_time(local: impl Into<DateTime>) -> Written<ExcelDateTime> {
    let local: DateTime = local.into();
    let part = |part: i8| part.unsigned_abs();
    let date = ExcelDateTime::from_ymd(local.year().unsigned_abs(), part(local.month()), part(local.day()))?;
    date.and_hms(u16::from(part(local.hour())), part(local.minute()), f64::from(part(local.second())))
}
