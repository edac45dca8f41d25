//! Rows of a query as a table of a page.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field};
use datafusion::prelude::DataFrame;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use crate::error::Result;
use crate::export;
use crate::metric::numbers::joined;
use crate::report::table::capitalized;
use crate::serve::http::params::Params;
use crate::serve::http::site::case_address;

/// A cell with more bytes is not made narrow.
const LONG: usize = 40;

/// How a column is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Text,
    Number,
    Instant,
}

/// Rows with what is shown around them.
pub struct Rows<'t> {
    caption: &'t str,
    batch: &'t RecordBatch,
    zone: &'t TimeZone,
    /// Names of columns and instants as they are, to be written in a query.
    is_exact: bool,
    /// From that column on texts are numbers in words.
    numbers_from: usize,
}

impl<'t> Rows<'t> {
    /// Rows for people: headings in words, instants to the minute.
    #[must_use]
    pub fn new(caption: &'t str, batch: &'t RecordBatch, zone: &'t TimeZone) -> Rows<'t> {
        Rows { caption, batch, zone, is_exact: false, numbers_from: usize::MAX }
    }

    /// The same with the names of the columns and whole instants.
    #[must_use]
    pub fn exact(self) -> Rows<'t> {
        Rows { is_exact: true, ..self }
    }

    /// The same with numbers in words from that column on.
    #[must_use]
    pub fn with_numbers_from(self, numbers_from: usize) -> Rows<'t> {
        Rows { numbers_from, ..self }
    }

    /// The rows as a table; a cell may be replaced by markup of its own.
    ///
    /// # Errors
    /// Arrow's, which would be a defect.
    pub fn table(&self, cell: impl Fn(&str, &str) -> Option<Markup>) -> Result<Markup> {
        self.table_with(cell, |_| None)
    }

    /// The same with headings that order the rows: of a column the markup of its heading.
    ///
    /// # Errors
    /// As [`Rows::table`].
    pub fn table_with(
        &self,
        cell: impl Fn(&str, &str) -> Option<Markup>,
        heading: impl Fn(&str) -> Option<Markup>,
    ) -> Result<Markup> {
        let rows = export::texts(self.batch, self.zone)?;
        let schema = self.batch.schema();
        let columns: Vec<(&str, Column)> = schema
            .fields()
            .iter()
            .enumerate()
            .map(|(at, field)| (field.name().as_str(), self.column(at, field)))
            .collect();
        let class = |kind: Column| (kind == Column::Number).then_some("number");
        let class_of = |kind: Column, text: &str| if text.len() > LONG { Some("long") } else { class(kind) };
        let shown = |name: &str, kind: Column, text: &str| match cell(name, text) {
            Some(own) => own,
            None if kind == Column::Instant && !self.is_exact => instant(text),
            None => html! { (text) },
        };
        let plain = |name: &str| if self.is_exact { name.to_owned() } else { in_words(name) };
        let plain_heading = |name: &str, kind: Column| html! { th scope="col" class=[class(kind)] { (plain(name)) } };
        let head = columns.iter().map(|(name, kind)| heading(name).unwrap_or_else(|| plain_heading(name, *kind)));
        let lines = html! {
            @for row in &rows {
                tr {
                    @for (text, (name, kind)) in row.iter().zip(&columns) {
                        td class=[class_of(*kind, text)] { (shown(name, *kind, text)) }
                    }
                }
            }
            @if rows.is_empty() { tr { td class="grey" colspan=(columns.len()) { "None" } } }
        };
        Ok(framed_table(self.caption, head, &lines))
    }

    fn column(&self, at: usize, field: &Field) -> Column {
        match field.data_type() {
            DataType::Timestamp(..) => Column::Instant,
            kind if kind.is_numeric() || at >= self.numbers_from => Column::Number,
            _ => Column::Text,
        }
    }
}

/// A table in a frame that scrolls where it is wider than the page, so that it must be reached by keyboard and have a name.
pub fn framed_table(caption: &str, headings: impl Iterator<Item = Markup>, rows: &Markup) -> Markup {
    html! {
        div class="frame" tabindex="0" role="group" aria-label=(caption) {
            table class="list" {
                caption class="caption" { (caption) }
                thead { tr { @for heading in headings { (heading) } } }
                tbody { (rows) }
            }
        }
    }
}

/// The name of a column in words: of `created_at` it is `Created`, of `case_id` it is `Case`.
pub fn in_words(name: &str) -> String {
    let name = name.strip_suffix("_at").or(name.strip_suffix("_id")).or(name.strip_suffix("_ms")).unwrap_or(name);
    capitalized(&name.replace('_', " "))
}

/// An instant to the minute; whole where it is pointed at.
pub fn instant(text: &str) -> Markup {
    match text.get(.."2026-05-31 20:07".len()) {
        Some(minute) => html! { time datetime=(text.replacen(' ', "T", 1).replace(' ', "")) title=(text) { (minute) } },
        None => html! { (text) },
    }
}

/// A heading by which the rows are ordered: a link to the next of its orders, the first of which is what it begins with.
pub fn ordering(params: &Params, title: &str, orders: [(&str, bool); 2], chosen: &str) -> Markup {
    let present = orders.iter().find(|(name, _)| *name == chosen);
    let [first, second] = orders;
    let next = if present == Some(&first) { second } else { first };
    let (sort, sign) = match present {
        Some((_, true)) => ("ascending", " ↑"),
        Some((_, false)) => ("descending", " ↓"),
        None => ("none", ""),
    };
    let address = match params.without("page").with("sort", &[next.0]) {
        query if query.is_empty() => "?".to_owned(),
        query => query,
    };
    html! {
        th scope="col" aria-sort=(sort) { a href=(address) { (title) span aria-hidden="true" { (sign) } } }
    }
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
    is_case.then(|| html! { a href=(case_address(text)) { (text) } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_instants_are_in_words_and_an_order_leads_to_its_opposite() {
        assert_eq!(
            ["case_id", "last_customer_message_at", "value_ms", "by"].map(in_words),
            ["Case", "Last customer message", "Value", "By"]
        );
        let shown = instant("2026-05-31 20:07:48.376 +02:00").into_string();
        let expected = "<time datetime=\"2026-05-31T20:07:48.376+02:00\" title=\"2026-05-31 20:07:48.376 +02:00\">2026-05-31 20:07</time>";
        assert_eq!(shown, expected);
        assert_eq!(instant("").into_string(), "");
        let params = Params::of("status=open&sort=oldest&page=3");
        let heading =
            |chosen: &str| ordering(&params, "Created", [("newest", false), ("oldest", true)], chosen).into_string();
        assert!(
            heading("oldest").contains("aria-sort=\"ascending\"")
                && heading("oldest").contains("?status=open&amp;sort=newest\"")
        );
        assert!(heading("newest").contains("aria-sort=\"descending\"") && heading("newest").contains("sort=oldest"));
        assert!(heading("case").contains("aria-sort=\"none\"") && heading("case").contains("sort=newest"));
    }
}
