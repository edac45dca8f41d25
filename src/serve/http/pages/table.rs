//! Rows of a query as a table of a page.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::prelude::DataFrame;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use crate::error::Result;
use crate::export;
use crate::metric::numbers::joined;
use crate::serve::http::site::in_path;

/// The rows as a table with a caption; a cell may be replaced by markup of its own.
///
/// # Errors
/// Arrow's, which would be a defect.
pub fn table(
    caption: &str,
    batch: &RecordBatch,
    zone: &TimeZone,
    cell: impl Fn(&str, &str) -> Option<Markup>,
) -> Result<Markup> {
    let rows = export::texts(batch, zone)?;
    let schema = batch.schema();
    let columns: Vec<(&str, bool)> =
        schema.fields().iter().map(|field| (field.name().as_str(), field.data_type().is_numeric())).collect();
    let class = |is_number: bool| is_number.then_some("number");
    Ok(html! {
        div class="frame" tabindex="0" role="group" aria-label=(caption) {
            table class="list" {
                caption class="caption" { (caption) }
                thead { tr { @for (name, is_number) in &columns { th scope="col" class=[class(*is_number)] { (name.replace('_', " ")) } } } }
                tbody {
                    @for row in &rows {
                        tr {
                            @for (text, (name, is_number)) in row.iter().zip(&columns) {
                                td class=[class(*is_number)] { (cell(name, text).unwrap_or_else(|| html! { (text) })) }
                            }
                        }
                    }
                }
            }
        }
    })
}

/// All rows of a frame in one batch.
///
/// # Errors
/// When the engine fails.
pub async fn collected(frame: DataFrame) -> Result<RecordBatch> {
    let schema = Arc::clone(frame.schema().inner());
    joined(&schema, &frame.collect().await?)
}

/// A link to a case, where a cell names one.
pub fn case_link(name: &str, text: &str) -> Option<Markup> {
    let is_case = name == "case_id" && !text.is_empty();
    is_case.then(|| html! { a href={ "/cases/" (in_path(text)) } { (text) } })
}
