//! Everything that a page shows, for programs: one JSON object.
//!
//! Instants are RFC 3339 in UTC, durations milliseconds, shares parts of one; what is missing is null. The rows of a widget have
//! the names of `columns`, as in the CSV and Parquet files of the same widget.

mod cases;

use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::rows::written;
use crate::error::Result;
use crate::export::Format;
use crate::metric::range::zone_name;
use crate::report::cases::CasesRequest;
use crate::report::page::{self, Body, Page, Verdict, Widget};
use crate::report::rows;
use crate::report::table::{self, Table};
use crate::report::text;

/// The whole page.
///
/// # Errors
/// The writer's, which would be a defect.
pub(super) fn page(page: &Page) -> Result<Vec<u8>> {
    let tabs = page.tabs.iter().map(tab).collect::<Result<_>>()?;
    bytes(&PageObject {
        title: &page.title,
        description: &page.description,
        scope: scope(&page.scope),
        tabs,
        cases: page.cases.iter().map(cases::timeline).collect(),
        definitions: &page.definitions,
        notes: &page.notes,
    })
}

/// One widget, with the scope of its page.
///
/// # Errors
/// The writer's, which would be a defect.
pub(super) fn widget(of_page: &page::Scope, widget: &Widget) -> Result<Vec<u8>> {
    bytes(&WidgetAlone { scope: scope(of_page), widget: widget_object(widget)? })
}

fn bytes(object: &impl Serialize) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(object)?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[derive(Serialize)]
struct PageObject<'a> {
    title: &'a str,
    description: &'a str,
    scope: Scope<'a>,
    tabs: Vec<Tab<'a>>,
    /// What happened in each case that a widget lists.
    cases: Vec<Value>,
    definitions: &'a [page::Definition],
    notes: &'a [String],
}

#[derive(Serialize)]
struct WidgetAlone<'a> {
    scope: Scope<'a>,
    #[serde(flatten)]
    widget: WidgetObject<'a>,
}

#[derive(Serialize)]
struct Scope<'a> {
    range: String,
    from: String,
    to: String,
    time_zone: String,
    as_of: String,
    last_batch: i64,
    events: u64,
    /// `all` or `business`.
    hours: &'static str,
    filters: &'a [String],
}

#[derive(Serialize)]
struct Tab<'a> {
    title: Option<&'a str>,
    rows: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    title: Option<&'a str>,
    widgets: Vec<WidgetObject<'a>>,
}

#[derive(Serialize)]
struct WidgetObject<'a> {
    title: &'a str,
    what: &'a str,
    cases: &'a str,
    /// Why there is nothing to show.
    empty: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    figures: Vec<Figure<'a>>,
    keys: Vec<String>,
    columns: Vec<Column<'a>>,
    rows: Box<RawValue>,
    /// The rows in words, their keys joined, as formats for people show them.
    texts: Vec<Vec<String>>,
    left_out: &'a [String],
    cases_commands: Vec<String>,
    /// Some of the cases behind the widget.
    cases_behind: Value,
}

/// How a figure moved; its numbers are in the rows.
#[derive(Serialize)]
struct Figure<'a> {
    figure: &'a str,
    text: String,
    change: Option<String>,
    compared_with: Option<&'a str>,
    so_far: bool,
    #[serde(serialize_with = "verdict")]
    verdict: Option<Verdict>,
}

#[derive(Serialize)]
struct Column<'a> {
    name: String,
    heading: &'a str,
    /// Nothing where each row names its unit.
    unit: Option<&'a str>,
    adds_up: bool,
}

fn scope(scope: &page::Scope) -> Scope<'_> {
    Scope {
        range: scope.range.typed(),
        from: scope.range.from.to_string(),
        to: scope.range.to.to_string(),
        time_zone: zone_name(scope.range.zone()),
        as_of: scope.as_of.to_string(),
        last_batch: scope.last_batch,
        events: scope.events,
        hours: if scope.business_hours { "business" } else { "all" },
        filters: &scope.filters,
    }
}

fn tab(tab: &page::Tab) -> Result<Tab<'_>> {
    Ok(Tab { title: tab.title.as_deref(), rows: tab.rows.iter().map(row).collect::<Result<_>>()? })
}

fn row(row: &page::Row) -> Result<Row<'_>> {
    let widgets = row.widgets.iter().map(widget_object).collect::<Result<_>>()?;
    Ok(Row { title: row.title.as_deref(), widgets })
}

fn widget_object(widget: &Widget) -> Result<WidgetObject<'_>> {
    let table = &widget.table;
    let empty = match &widget.body {
        Body::Empty(why) => Some(why.as_str()),
        Body::Figures(_) | Body::Chart(_) | Body::Table => None,
    };
    let figures = match &widget.body {
        Body::Figures(figures) => figures.iter().map(figure).collect(),
        Body::Chart(_) | Body::Table | Body::Empty(_) => Vec::new(),
    };
    Ok(WidgetObject {
        title: &widget.title,
        what: &widget.what,
        cases: &widget.cases,
        empty,
        figures,
        keys: table.keys.iter().map(|key| key.name.clone()).collect(),
        columns: columns(table),
        rows: serde_json::from_slice(&written(Format::Json, widget)?)?,
        texts: table.rows.iter().map(|row| table.texts(row)).collect(),
        left_out: &widget.left_out,
        cases_commands: widget.requests.iter().map(CasesRequest::command).collect(),
        cases_behind: cases::list(&widget.behind),
    })
}

fn figure(figure: &page::Figure) -> Figure<'_> {
    let change = figure.change.as_ref();
    Figure {
        figure: &figure.label,
        text: figure.value.text(),
        change: change.map(|change| text::difference(figure, change)),
        compared_with: change.map(|change| change.range.as_str()),
        so_far: change.is_some_and(|change| change.so_far),
        verdict: change.map(|change| change.verdict),
    }
}

/// A verdict as the word that pages show; nothing where there is none.
fn verdict<S: Serializer>(verdict: &Option<Verdict>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    verdict.and_then(text::verdict).serialize(serializer)
}

fn columns(table: &Table) -> Vec<Column<'_>> {
    fn object((name, column): (String, &table::Column)) -> Column<'_> {
        Column {
            name,
            heading: &column.heading,
            unit: column.unit.as_ref().map(rows::unit_name),
            adds_up: column.adds_up,
        }
    }
    rows::named_columns(table).map(object).collect()
}
