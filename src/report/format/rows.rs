//! The rows of one widget for programs: CSV and Parquet.

use jiff::tz::TimeZone;

use crate::error::Result;
use crate::export;
use crate::export::{Format, Shown};
use crate::report::page::{Scope, Widget};
use crate::report::rows;

/// A header and a line for each row.
///
/// # Errors
/// The writer's, which would be a defect.
pub(super) fn csv(_: &Scope, widget: &Widget) -> Result<Vec<u8>> {
    written(Format::Csv, widget)
}

/// A Parquet file.
///
/// # Errors
/// The writer's, which would be a defect.
pub(super) fn parquet(_: &Scope, widget: &Widget) -> Result<Vec<u8>> {
    written(Format::Parquet, widget)
}

/// The rows of a widget in a format.
///
/// # Errors
/// The writer's, which would be a defect.
pub(super) fn written(format: Format, widget: &Widget) -> Result<Vec<u8>> {
    let batch = rows::rows(&widget.table)?;
    let batches = if batch.num_rows() > 0 { std::slice::from_ref(&batch) } else { &[] };
    export::file(format, &batch.schema(), batches, &Shown::new(TimeZone::UTC, "Rows"))
}
