//! A page, or rows, as a mail: HTML that mail programs show, plain text that reads as well, and pictures of the charts.

mod html;
pub mod letter;
mod text;

use crate::error::Result;
use crate::report::chart::Chart;
use crate::report::draw::paint;
use crate::report::draw::sketch::Sketch;
use crate::report::format::File;
use crate::report::page::{Body, Page, Widget};
use crate::report::table::Table;
use crate::report::text as words;
use crate::report::value::Value;
pub use html::joined as joined_html;
use letter::{Block, Card, Cell, Heading, Letter, Part, Picture, Rows};
pub use text::joined as joined_text;

/// Width of a chart in CSS pixels, and of the white around it: narrow, so that its letters can be read on a phone.
const CHART_WIDTH: u32 = 520;
const MARGIN: f64 = 10.0;
/// Rows of a table under a chart, at most.
const ROWS_UNDER_CHART: usize = 12;
/// Rows of a widget that is a table, at most.
const ROWS_OF_TABLE: usize = 25;
/// Figures that the list of mails shows, at most.
const FIGURES_IN_PREVIEW: usize = 4;

/// A mail, and the pictures that its HTML shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mail {
    pub html: String,
    pub text: String,
    /// Shown under `cid:` and their names.
    pub pictures: Vec<File>,
}

/// The mail that shows a page.
///
/// # Errors
/// When a chart cannot be drawn.
pub fn mail(page: &Page) -> Result<Mail> {
    let mut pictures = Vec::new();
    let letter = of_page(page, &mut pictures)?;
    Ok(Mail { pictures, ..of_letter(&letter) })
}

/// The mail that shows a letter without pictures.
#[must_use]
pub fn of_letter(letter: &Letter) -> Mail {
    Mail { html: html::document(letter), text: text::document(letter), pictures: Vec::new() }
}

fn of_page(page: &Page, pictures: &mut Vec<File>) -> Result<Letter> {
    let mut stems = page.widget_stems().into_iter();
    let mut parts = Vec::new();
    for tab in &page.tabs {
        parts.extend(tab.title.clone().map(Part::Heading));
        for row in &tab.rows {
            // Within a tab, the titles of the widgets are enough.
            parts.extend(row.title.clone().filter(|_| tab.title.is_none()).map(Part::Heading));
            for widget in &row.widgets {
                parts.push(Part::Card(card(widget, &stems.next().unwrap_or_default(), pictures)?));
            }
        }
    }
    let facts = words::scope(&page.scope).into_iter().map(|(label, value)| (label.to_owned(), value)).collect();
    let (title, description, notes) = (page.title.clone(), page.description.clone(), page.notes.clone());
    Ok(Letter { title, description, facts, preview: preview(page), parts, notes })
}

/// The first figures; without any, the range.
fn preview(page: &Page) -> String {
    let figures = page.widgets().filter_map(|widget| match &widget.body {
        Body::Figures(figures) => Some(figures),
        _ => None,
    });
    let shown: Vec<String> = figures
        .flatten()
        .take(FIGURES_IN_PREVIEW)
        .map(|figure| format!("{} {}", figure.label, figure.value.text()))
        .collect();
    if shown.is_empty() { page.scope.range.text() } else { shown.join(" · ") }
}

fn card(widget: &Widget, stem: &str, pictures: &mut Vec<File>) -> Result<Card> {
    let blocks = match &widget.body {
        Body::Figures(figures) => vec![Block::Figures(figures.clone())],
        Body::Chart(chart) => {
            let name = format!("{stem}.png");
            let text = format!("{}: {}", widget.title, chart.description());
            pictures.push(File { name: name.clone(), bytes: drawn(chart)? });
            vec![Block::Picture(Picture { name, text }), Block::Table(rows(&widget.table, ROWS_UNDER_CHART))]
        }
        Body::Table if widget.table.rows.is_empty() => vec![Block::Text("no rows".to_owned())],
        Body::Table => vec![Block::Table(rows(&widget.table, ROWS_OF_TABLE))],
        Body::Empty(why) => vec![Block::Text(why.clone())],
    };
    // Beside figures, the numbers of cases would be as many again.
    let caption = match &widget.body {
        Body::Figures(_) => widget.what.clone(),
        _ => words::caption(widget),
    };
    let title = widget.title.clone();
    Ok(Card { title, caption, blocks, remarks: widget.left_out.clone() })
}

/// The chart as a PNG file, two dots for a pixel.
fn drawn(chart: &Chart) -> Result<Vec<u8>> {
    let (width, height) = (f64::from(CHART_WIDTH), f64::from(chart.height(CHART_WIDTH)));
    let mut sketch = Sketch::default();
    // A picture is white, and a dark screen shows where it ends.
    sketch.add(chart.sketch(width, height), MARGIN, MARGIN);
    Ok(paint::bitmap(&sketch, width + 2.0 * MARGIN, height + 2.0 * MARGIN)?)
}

/// The rows of a widget: the first, and of those over time the last.
fn rows(table: &Table, most: usize) -> Rows {
    let hidden = table.rows.len().saturating_sub(most);
    let is_over_time = table.keys.iter().any(|key| key.grain.is_some());
    let (skipped, which) = if is_over_time { (hidden, "earlier") } else { (0, "more") };
    let cells = |row: &crate::report::table::Row| {
        let loads = std::iter::once(None).chain(row.values.iter().map(Value::load));
        table.texts(row).into_iter().zip(loads).map(|(text, load)| Cell { text, load }).collect()
    };
    let heading = |(position, text): (usize, String)| Heading { text, is_number: position > 0 };
    Rows {
        columns: table.headings().into_iter().enumerate().map(heading).collect(),
        rows: table.rows.iter().skip(skipped).take(most).map(cells).collect(),
        more: left_out(hidden, which),
    }
}

/// How many rows are not shown.
#[must_use]
pub fn left_out(hidden: usize, which: &str) -> Option<String> {
    let noun = if hidden == 1 { "row is" } else { "rows are" };
    (hidden > 0).then(|| format!("{hidden} {which} {noun} not shown here"))
}
