//! A page as a workbook: a sheet for each widget with real numbers, dates and durations, one of the cases
//! behind them, and one that explains them.
//!
//! The table of a widget begins in its first cell, so that programs read it without skipping lines. Other
//! readers show `[h]:mm:ss` in their own way, so a column of plain seconds stands beside each
//! column of durations.

mod cases;
mod cells;

use std::collections::HashSet;

use rust_xlsxwriter::{
    Chart, ChartFont, ChartType, ConditionalFormat2ColorScale, DocProperties, ExcelDateTime, Format, Url, Workbook,
    Worksheet,
};

use crate::error::Result;
use crate::export::workbook::{DURATION, MS_A_DAY, refused, sheet_name};
use crate::metric::range::Grain;
use crate::metric::unit::Unit;
use crate::model::time::Instant;
use crate::report::chart::Chart as Drawn;
use crate::report::chart::bars::Arrangement;
use crate::report::chart::series::{Series, SeriesStyle};
use crate::report::page::{Body, Page, Scope, Widget};
use crate::report::palette::{self, Rgb};
use crate::report::table::Table;
use crate::report::text;
use crate::report::value::{Bucket, Load, Value};
use cases::{CASES, cases};
use cells::{Written, count_format, excel_time, heading, number_format};

/// Of one line of a cell, in points.
const LINE_HEIGHT: f64 = 15.0;
const CONTENTS: &str = "Contents";
const DEFINITIONS: &str = "Definitions";

/// The whole page.
///
/// # Errors
/// When the workbook is refused, such as for more rows than a sheet has.
pub(super) fn page(page: &Page) -> Result<Vec<u8>> {
    let widgets: Vec<&Widget> = page.widgets().collect();
    made(&page.title, &page.scope, &widgets, Some(page)).map_err(refused)
}

/// One widget alone.
///
/// # Errors
/// As [`page`].
pub(super) fn widget(scope: &Scope, widget: &Widget) -> Result<Vec<u8>> {
    made(&widget.title, scope, &[widget], None).map_err(refused)
}

fn made(title: &str, scope: &Scope, widgets: &[&Widget], page: Option<&Page>) -> Written<Vec<u8>> {
    let mut workbook = Workbook::new();
    // The time of the file is that of its numbers, so that the same report is the same bytes.
    let properties = DocProperties::new().set_title(title).set_creation_datetime(&civil(scope.as_of, scope)?);
    workbook.set_properties(&properties);
    let names = sheet_names(widgets);
    contents(workbook.add_worksheet(), title, scope, widgets, &names, page)?;
    for (widget, name) in widgets.iter().zip(&names) {
        let sheet = workbook.add_worksheet();
        sheet.set_name(name)?;
        self::sheet(sheet, widget, name)?;
    }
    if let Some(page) = page {
        if page.widgets().any(|widget| !widget.behind.cases.is_empty()) {
            cases(workbook.add_worksheet(), page)?;
        }
        definitions(workbook.add_worksheet(), page)?;
    }
    workbook.save_to_buffer()
}

/// A name for each sheet, by the title of its widget; a title that comes again, or is cut to the same name, gets a number.
fn sheet_names(widgets: &[&Widget]) -> Vec<String> {
    let mut known: HashSet<String> = [CONTENTS, CASES, DEFINITIONS].map(str::to_lowercase).into();
    let name = |widget: &&Widget| {
        let mut candidates = (1_u32..).map(|copy| sheet_name(&widget.title, copy));
        // Excel does not distinguish letters by their case.
        candidates.find(|name| known.insert(name.to_lowercase())).unwrap_or_default()
    };
    widgets.iter().map(name).collect()
}

/// Scope, and a line for each widget: its title, what its numbers are, of how many cases, and what they leave out.
fn contents(
    sheet: &mut Worksheet,
    title: &str,
    scope: &Scope,
    widgets: &[&Widget],
    names: &[String],
    page: Option<&Page>,
) -> Written {
    sheet.set_name(CONTENTS)?;
    sheet.write_with_format(0, 0, title, &Format::new().set_bold().set_font_size(16))?;
    let mut row = 1;
    if let Some(page) = page.filter(|page| !page.description.is_empty()) {
        sheet.write(row, 0, &page.description)?;
        row += 1;
    }
    for (label, value) in text::scope(scope) {
        sheet.write(row, 0, label)?;
        sheet.write(row, 1, value)?;
        row += 1;
    }
    row += 1;
    for (column, name) in (0..).zip(["Sheet", "Numbers", "Cases", "Left out", "Cases behind this"]) {
        sheet.write_with_format(row, column, name, &heading())?;
    }
    for (widget, name) in widgets.iter().zip(names) {
        row += 1;
        sheet.write_url_with_text(
            row,
            0,
            Url::new(format!("internal:'{}'!A1", name.replace('\'', "''"))),
            &widget.title,
        )?;
        sheet.write(row, 1, &widget.what)?;
        sheet.write(row, 2, &widget.cases)?;
        sheet.write(row, 3, widget.left_out.join(" "))?;
        sheet.write_with_format(row, 4, widget.cases_command(), &Format::new().set_text_wrap())?;
        let lines = u16::try_from(widget.requests.len().max(1)).unwrap_or(u16::MAX);
        sheet.set_row_height(row, LINE_HEIGHT * f64::from(lines))?;
    }
    for note in page.map(|page| page.notes.as_slice()).unwrap_or_default() {
        row += 2;
        sheet.write(row, 0, note)?;
    }
    sheet.set_landscape().set_print_fit_to_pages(1, 0);
    for (column, width) in (0..).zip([34.0, 40.0, 40.0, 50.0, 110.0]) {
        sheet.set_column_width(column, width)?;
    }
    Ok(())
}

/// The table of a widget, and its chart beside it.
fn sheet(sheet: &mut Worksheet, widget: &Widget, name: &str) -> Written {
    let table = &widget.table;
    if table.columns.is_empty() {
        if let Body::Empty(why) = &widget.body {
            sheet.write(0, 0, why)?;
        }
        return Ok(());
    }
    let places = Places::of(table);
    let head = heading();
    for (column, key) in (0..).zip(&table.keys) {
        sheet.write_with_format(0, column, key.name.replace('_', " "), &head)?;
        sheet.set_column_width(column, if key.grain.is_some() { 17.0 } else { 26.0 })?;
    }
    for (place, column) in places.columns.iter().zip(&table.columns) {
        sheet.write_with_format(0, place.value, &column.heading, &head)?;
        sheet.set_column_width(place.value, 15.0)?;
        if let Some(beside) = place.beside {
            let what = if column.out_of.is_some() { "of" } else { "s" };
            sheet.write_with_format(0, beside, format!("{} ({what})", column.heading), &head)?;
            sheet.set_column_width(beside, 15.0)?;
        }
    }
    for (number, row) in (1..).zip(&table.rows) {
        for ((column, key), value) in (0..).zip(&table.keys).zip(&row.keys) {
            match value {
                Value::Bucket(bucket) => write_bucket(sheet, number, column, bucket)?,
                value => {
                    sheet.write(number, column, key.text(value))?;
                }
            }
        }
        for (place, value) in places.columns.iter().zip(&row.values) {
            write_value(sheet, number, place, value)?;
        }
    }
    sheet.set_freeze_panes(1, u16::try_from(table.keys.len()).unwrap_or(0))?;
    sheet.set_repeat_rows(0, 0)?;
    sheet.set_landscape().set_print_fit_to_pages(1, 0);
    if let Body::Chart(drawn) = &widget.body {
        draw(sheet, drawn, widget, &places, name)?;
    }
    Ok(())
}

/// Where the columns of a table are.
struct Places {
    columns: Vec<Place>,
    /// The first column behind the table.
    end: u16,
}

struct Place {
    value: u16,
    /// The column of plain seconds, or of how many there may be.
    beside: Option<u16>,
}

impl Places {
    fn of(table: &Table) -> Places {
        let mut end = u16::try_from(table.keys.len()).unwrap_or(u16::MAX);
        let mut next = || {
            let place = end;
            end = end.saturating_add(1);
            place
        };
        let is_duration = |value: &Value| matches!(value, Value::Duration(_) | Value::Change(_, Unit::Duration));
        let has_durations =
            |position: usize| table.rows.iter().filter_map(|row| row.values.get(position)).any(is_duration);
        let mut columns = Vec::new();
        for (position, column) in table.columns.iter().enumerate() {
            let value = next();
            let has_beside = column.unit == Some(Unit::Duration) || column.out_of.is_some() || has_durations(position);
            columns.push(Place { value, beside: has_beside.then(&mut next) });
        }
        Places { columns, end }
    }
}

fn write_value(sheet: &mut Worksheet, row: u32, place: &Place, value: &Value) -> Written {
    let column = place.value;
    match value {
        Value::Missing => {}
        Value::Text(text) => {
            sheet.write(row, column, text)?;
        }
        Value::Count(number) | Value::Change(number, Unit::Count(_)) => {
            sheet.write_with_format(row, column, *number, &count_format(*number))?;
        }
        Value::Share(share) | Value::Change(share, Unit::Share) => {
            sheet.write_with_format(row, column, *share, &number_format("0.0%"))?;
        }
        Value::Duration(ms) | Value::Change(ms, Unit::Duration) => {
            sheet.write_with_format(row, column, ms / MS_A_DAY, &number_format(DURATION))?;
            if let Some(seconds) = place.beside {
                sheet.write_with_format(row, seconds, ms / 1000.0, &number_format("0.0##"))?;
            }
        }
        Value::OutOf(number, most) => {
            let format = match value.load() {
                Some(Load::Above) => count_format(*number).set_bold().set_font_color(color(palette::ABOVE)),
                Some(Load::Free) => count_format(*number).set_font_color(color(palette::BETTER.1)),
                Some(Load::Within) | None => count_format(*number),
            };
            sheet.write_with_format(row, column, *number, &format)?;
            if let Some((beside, most)) = place.beside.zip(*most) {
                sheet.write_with_format(row, beside, most, &count_format(most))?;
            }
        }
        Value::Bucket(bucket) => write_bucket(sheet, row, column, bucket)?,
    }
    Ok(())
}

/// The start of a bucket on the calendar of its zone.
fn write_bucket(sheet: &mut Worksheet, row: u32, column: u16, bucket: &Bucket) -> Written {
    let format = if bucket.grain == Grain::Hour { "yyyy-mm-dd hh:mm" } else { "yyyy-mm-dd" };
    let start = excel_time(bucket.start.to_local(&bucket.zone))?;
    sheet.write_with_format(row, column, &start, &number_format(format))?;
    Ok(())
}

fn civil(at: Instant, scope: &Scope) -> Written<ExcelDateTime> {
    excel_time(at.to_local(scope.range.zone()))
}

fn color(Rgb(red, green, blue): Rgb) -> rust_xlsxwriter::Color {
    rust_xlsxwriter::Color::RGB(u32::from(red) << 16 | u32::from(green) << 8 | u32::from(blue))
}

/// The widget's chart as one of Excel's own, beside the table; a heat map as colours of its cells.
fn draw(sheet: &mut Worksheet, drawn: &Drawn, widget: &Widget, places: &Places, name: &str) -> Written {
    let table = &widget.table;
    let last_row = u32::try_from(table.rows.len()).unwrap_or(u32::MAX);
    let (kind, series): (ChartType, &[Series]) = match drawn {
        Drawn::Lines(lines) if lines.filled => (ChartType::Area, &lines.series),
        Drawn::Lines(lines) => (ChartType::Line, &lines.series),
        Drawn::Bars(bars) if bars.arrangement == Arrangement::Stacked => (ChartType::ColumnStacked, &bars.series),
        Drawn::Bars(bars) => (ChartType::Column, &bars.series),
        Drawn::Funnel(_) => (ChartType::Bar, &[]),
        Drawn::Gauge(_) => return Ok(()),
        Drawn::Heatmap(_) => return shade(sheet, places, last_row),
    };
    let mut chart = Chart::new(kind);
    let drawn_columns = if series.is_empty() { 1 } else { series.len() };
    for (position, place) in places.columns.iter().take(drawn_columns).enumerate() {
        let one = chart.add_series();
        one.set_name((name, 0, place.value));
        one.set_categories((name, 1, 0, last_row, 0)).set_values((name, 1, place.value, last_row, place.value));
        let shown = match series.get(position).map(|series| series.style) {
            Some(SeriesStyle::Color(index)) => palette::series(index),
            Some(SeriesStyle::Previous) => palette::PREVIOUS,
            Some(SeriesStyle::Other) => palette::OTHER,
            None => palette::series(0),
        };
        one.set_format(&mut series_format(kind, color(shown)));
    }
    if kind == ChartType::Bar {
        // Excel draws the first bar at the bottom.
        chart.y_axis().set_reverse();
    }
    // Without this, buckets of time are numbers of days on the axis.
    let grain = table.keys.first().and_then(|key| key.grain);
    if let Some(grain) = grain {
        let format = if grain == Grain::Hour { "d mmm hh:mm" } else { "d mmm" };
        chart.x_axis().set_text_axis(true).set_num_format(format);
    }
    let axis = chart.y_axis();
    match table.columns.first().and_then(|column| column.unit.as_ref()) {
        Some(Unit::Share) => axis.set_num_format("0%"),
        Some(Unit::Duration) => axis.set_num_format("[h]:mm"),
        _ => axis,
    };
    // Excel would begin bars above 0, so that their lengths mean nothing.
    let numbers = table.rows.iter().flat_map(|row| &row.values).filter_map(Value::number);
    if kind != ChartType::Line && numbers.fold(0.0, f64::min) >= 0.0 {
        axis.set_min(0);
    }
    chart.title().set_name(&widget.title).set_font(ChartFont::new().set_size(12));
    if drawn_columns == 1 {
        chart.legend().set_hidden();
    }
    chart.set_width(760).set_height(380);
    sheet.insert_chart(1, places.end.saturating_add(1), &chart)?;
    Ok(())
}

fn series_format(kind: ChartType, color: rust_xlsxwriter::Color) -> rust_xlsxwriter::ChartFormat {
    use rust_xlsxwriter::{ChartFormat, ChartLine, ChartSolidFill};
    let mut format = ChartFormat::new();
    if kind == ChartType::Line {
        format.set_line(ChartLine::new().set_color(color).set_width(2.25));
    } else {
        format.set_solid_fill(ChartSolidFill::new().set_color(color));
    }
    format
}

/// The cells of a heat map, darker where there is more.
fn shade(sheet: &mut Worksheet, places: &Places, last_row: u32) -> Written {
    let (Some(first), Some(last)) = (places.columns.first(), places.columns.last()) else { return Ok(()) };
    let scale = ConditionalFormat2ColorScale::new()
        .set_minimum_color(color(palette::ramp(0.0)))
        .set_maximum_color(color(palette::ramp(0.55)));
    sheet.add_conditional_format(1, first.value, last_row.max(1), last.value, &scale)?;
    Ok(())
}

/// What every metric means.
fn definitions(sheet: &mut Worksheet, page: &Page) -> Written {
    sheet.set_name(DEFINITIONS)?;
    for (column, name) in (0..).zip(["Metric", "Title", "Meaning", "More"]) {
        sheet.write_with_format(0, column, name, &heading())?;
    }
    for (row, metric) in (1..).zip(&page.definitions) {
        sheet.write(row, 0, &metric.name)?;
        sheet.write(row, 1, &metric.title)?;
        sheet.write(row, 2, &metric.meaning)?;
        let details = metric.details.iter().map(|(key, value)| format!("{key}: {value}"));
        sheet.write(row, 3, details.collect::<Vec<_>>().join("; "))?;
    }
    for (column, width) in (0..).zip([30.0, 30.0, 80.0, 100.0]) {
        sheet.set_column_width(column, width)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}
