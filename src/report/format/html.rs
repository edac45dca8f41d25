//! A report as one HTML file that needs nothing else: no network, no script, no font of its own.
//!
//! The page holds every chart wide, narrow and, where it needs it, in its width on paper, and the style shows the one that
//! suits, because letters in a picture that is shrunk to a phone cannot be read. The numbers follow each picture as a
//! table.

use crate::error::Result;
use crate::report::chart::Chart;
use crate::report::draw::paint::{self, DrawError, escaped};
use crate::report::page::{Body, Change, Figure, Page, Row, Scope, Tab, Verdict, Widget};
use crate::report::table::Table;
use crate::report::text;
use crate::report::value::{Load, Value};

/// HTML text, or why a chart was not drawn.
type DrawResult = std::result::Result<String, DrawError>;

const STYLE: &str = include_str!("html/page.css");
/// Width of a card's content where the card takes all twelve columns of a wide screen.
const CONTENT_WIDTH: u32 = 1152;
/// What a column adds to a card's content, and what gutter and padding take from it.
const COLUMN_WIDTH: u32 = 101;
const CARD_LOSS: u32 = 62;
/// Width of a card's content on a phone, and about that of five or six columns on paper.
const PHONE_WIDTH: u32 = 344;
/// As above on A4, drawn a little larger than it is printed: letters on paper are read from closer by.
const PAPER_COLUMN_WIDTH: u32 = 67;
const PAPER_LOSS: u32 = 48;

/// The page as an HTML document.
///
/// # Errors
/// When a chart cannot be drawn.
pub(super) fn page(page: &Page) -> Result<Vec<u8>> {
    Ok(page_html(page)?.into_bytes())
}

fn page_html(page: &Page) -> DrawResult {
    let line = text::scope_line(&page.scope);
    let tabs = page.tabs.iter().map(|one| tab(one, &line)).collect::<DrawResult>()?;
    let title = escaped(&page.title);
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<header class=\"head\">\n<h1>{title}</h1>\n{}{}</header>\n<main>\n{tabs}</main>\n{}</body>\n</html>\n",
        paragraph("description", &page.description),
        scope(&page.scope),
        notes(&page.notes),
    ))
}

fn paragraph(class: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<p class=\"{class}\">{}</p>\n", escaped(text)) }
}

fn scope(scope: &Scope) -> String {
    let entry = |(label, value): (&str, String)| format!("<div><dt>{label}</dt><dd>{}</dd></div>\n", escaped(&value));
    let entries = text::scope(scope).into_iter().map(entry);
    format!("<dl class=\"facts\">\n{}</dl>\n", entries.collect::<String>())
}

fn notes(notes: &[String]) -> String {
    if notes.is_empty() {
        return String::new();
    }
    format!("<footer class=\"notes\">\n<h2>Notes</h2>\n{}</footer>\n", list(notes))
}

fn list(items: &[String]) -> String {
    let item = |item: &String| format!("<li>{}</li>\n", escaped(item));
    format!("<ul>\n{}</ul>\n", items.iter().map(item).collect::<String>())
}

fn tab(tab: &Tab, scope: &str) -> DrawResult {
    let level = if tab.title.is_some() { 3 } else { 2 };
    let rows = tab.rows.iter().map(|one| row(one, level, scope)).collect::<DrawResult>()?;
    Ok(match &tab.title {
        Some(title) => {
            format!("<section class=\"tab\">\n<h2 class=\"tab-title\">{}</h2>\n{rows}</section>\n", escaped(title))
        }
        None => rows,
    })
}

fn row(row: &Row, level: u32, scope: &str) -> DrawResult {
    let (title, level) = match &row.title {
        Some(title) => (format!("<h{level} class=\"row-title\">{}</h{level}>\n", escaped(title)), level + 1),
        None => (String::new(), level),
    };
    let cards = row.widgets.iter().map(|widget| card(widget, level, scope)).collect::<DrawResult>()?;
    Ok(format!("<section>\n{title}<div class=\"row\">\n{cards}</div>\n</section>\n"))
}

/// A widget; its caption shows the scope of the page where it is pointed at.
fn card(widget: &Widget, level: u32, scope: &str) -> DrawResult {
    let width = widget.width.clamp(1, 12);
    // On paper a card stays whole, unless it cannot.
    let is_long = matches!(widget.body, Body::Table) && widget.table.rows.len() > 30;
    let kind = if is_long { " long" } else { "" };
    Ok(format!(
        "<article class=\"card w{width}{kind}\">\n<h{level} class=\"title\">{}</h{level}>\n\
         <p class=\"caption\" title=\"{}\">{}</p>\n{}{}{}</article>\n",
        escaped(&widget.title),
        escaped(scope),
        escaped(&text::caption(widget)),
        body(widget, width)?,
        left_out(&widget.left_out),
        more(widget),
    ))
}

fn body(widget: &Widget, width: u32) -> DrawResult {
    match &widget.body {
        Body::Figures(figures) => Ok(self::figures(figures)),
        Body::Chart(chart) => pictures(chart, width),
        Body::Table => Ok(table(&widget.table, &widget.title)),
        Body::Empty(why) => Ok(format!("<p class=\"empty\">{}</p>\n", escaped(why))),
    }
}

fn pictures(chart: &Chart, columns: u32) -> DrawResult {
    let wide = (columns * COLUMN_WIDTH).saturating_sub(CARD_LOSS).clamp(180, CONTENT_WIDTH);
    let paper = (columns * PAPER_COLUMN_WIDTH).saturating_sub(PAPER_LOSS).max(180);
    let suits_paper = (5..=6).contains(&columns);
    let mut pictures = picture("wide", chart, wide)?;
    pictures += &picture(if suits_paper { "narrow paper" } else { "narrow" }, chart, PHONE_WIDTH)?;
    if !suits_paper {
        pictures += &picture("paper", chart, paper)?;
    }
    Ok(pictures)
}

fn picture(class: &str, chart: &Chart, width: u32) -> DrawResult {
    let (wide, high) = (f64::from(width), f64::from(chart.height(width)));
    let svg = paint::svg(&chart.sketch(wide, high), wide, high, &chart.description())?;
    Ok(format!("<div class=\"chart {class}\">{svg}</div>\n"))
}

fn figures(figures: &[Figure]) -> String {
    format!("<div class=\"figures\">\n{}</div>\n", figures.iter().map(figure).collect::<String>())
}

fn figure(figure: &Figure) -> String {
    let change = figure.change.as_ref().map(|change| self::change(figure, change)).unwrap_or_default();
    let value = figure.value.text();
    // A long value is written in smaller letters rather than in two lines.
    let size = if value.chars().count() > 9 { " small" } else { "" };
    format!(
        "<div class=\"figure\"><p class=\"label\">{}</p><p class=\"value{size}\">{}</p>{change}</div>\n",
        escaped(&figure.label),
        escaped(&value),
    )
}

fn change(figure: &Figure, change: &Change) -> String {
    let class = match change.verdict {
        Verdict::Better => "better",
        Verdict::Worse => "worse",
        Verdict::Neutral => "neutral",
    };
    let word = text::verdict(change.verdict).map(|word| format!(", {word}")).unwrap_or_default();
    format!(
        "<p class=\"chip {class}\"><span aria-hidden=\"true\">{}</span> {}{word}</p><p class=\"then\">{}</p>",
        text::arrow(change.direction),
        escaped(&text::difference(figure, change)),
        escaped(&text::before(change)),
    )
}

fn left_out(notes: &[String]) -> String {
    if notes.is_empty() {
        return String::new();
    }
    format!("<div class=\"left-out\"><p>Left out</p>\n{}</div>\n", list(notes))
}

/// What a reader opens: the numbers behind the picture, and the command that lists the cases.
fn more(widget: &Widget) -> String {
    let is_table = matches!(widget.body, Body::Table);
    let numbers =
        if is_table || widget.table.columns.is_empty() { String::new() } else { table(&widget.table, &widget.title) };
    let numbers = match numbers.as_str() {
        "" => numbers,
        table => format!("<details>\n<summary>Numbers</summary>\n{table}</details>\n"),
    };
    match numbers + &command(&widget.cases_command) {
        nothing if nothing.is_empty() => nothing,
        more => format!("<div class=\"more\">\n{more}</div>\n"),
    }
}

/// One command is shown; several are in a list that the reader opens.
fn command(commands: &str) -> String {
    let text = escaped(commands);
    match commands.lines().count() {
        0 => String::new(),
        1 => format!("<p class=\"command\"><span>Cases behind this</span> <code tabindex=\"0\">{text}</code></p>\n"),
        _ => format!(
            "<details>\n<summary>Cases behind this</summary>\n<pre tabindex=\"0\"><code>{text}</code></pre>\n</details>\n"
        ),
    }
}

fn table(table: &Table, name: &str) -> String {
    if table.rows.is_empty() {
        return "<p class=\"empty\">no rows</p>\n".to_owned();
    }
    let heading =
        |(index, text): (usize, String)| format!("<th scope=\"col\"{}>{}</th>", aligned(index), escaped(&text));
    let headings: String = table.headings().into_iter().enumerate().map(heading).collect();
    let rows: String = table.rows.iter().map(|row| table_row(table.texts(row), &row.values)).collect();
    // The frame scrolls sideways on a phone, so it must be reachable by keyboard and have a name.
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table>\n<thead><tr>{headings}</tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table></div>\n",
        escaped(&format!("numbers of {name}")),
    )
}

fn table_row(cells: Vec<String>, values: &[Value]) -> String {
    let cell = |(index, text): (usize, String)| match (index.checked_sub(1), escaped(&text)) {
        (None, text) => format!("<th scope=\"row\">{text}</th>"),
        (Some(position), text) => match values.get(position).and_then(Value::load) {
            Some(load) => format!("<td class=\"number {}\">{text}</td>", load_class(load)),
            None => format!("<td{}>{text}</td>", aligned(index)),
        },
    };
    format!("<tr>{}</tr>\n", cells.into_iter().enumerate().map(cell).collect::<String>())
}

/// Green, black or red (2.5); what is above is bold, too, for those who see no red.
fn load_class(load: Load) -> &'static str {
    match load {
        Load::Free => "free",
        Load::Within => "within",
        Load::Above => "above",
    }
}

/// The keys in the first column start at its left, numbers end at the right.
fn aligned(index: usize) -> &'static str {
    if index == 0 { "" } else { " class=\"number\"" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::range::Range;
    use crate::metric::unit::Unit;
    use crate::model::time::Instant;
    use crate::report::chart::bars::{Arrangement, Bars};
    use crate::report::chart::series::{Axis, Categories, Series, SeriesStyle};
    use crate::report::table::{self, Column, Key};

    fn page() -> Page {
        let unit = Unit::Count("cases".to_owned());
        let series = Series {
            name: "chat <live>".to_owned(),
            unit: unit.clone(),
            numbers: vec![Some(2.0), None],
            style: SeriesStyle::Color(0),
        };
        let days = ["1 May", "2 May"].map(|day| Value::Text(day.to_owned())).to_vec();
        let chart = Chart::Bars(Bars {
            x: Categories { key: Key::named("day"), values: days, ticks: vec![0, 1] },
            y: Axis { unit: unit.clone(), max: 2.0, ticks: vec![0.0, 2.0] },
            series: vec![series],
            arrangement: Arrangement::Grouped,
        });
        let widget = Widget {
            title: "Cases & <script>alert('x')</script>".to_owned(),
            width: 6,
            what: "cases \"opened\"".to_owned(),
            cases: "2 cases".to_owned(),
            left_out: vec!["2 < 3 cases".to_owned()],
            cases_command: "casebook cases --where 'a < b'".to_owned(),
            body: Body::Chart(chart),
            table: Table {
                keys: vec![Key::named("day")],
                columns: vec![Column::new("cases", "cases", unit)],
                rows: vec![table::Row {
                    keys: vec![Value::Text("1 May".to_owned())],
                    values: vec![Value::Text("<2>".to_owned())],
                }],
            },
        };
        let range = Range::parse("2026-05", &jiff::tz::TimeZone::UTC, Instant(0)).unwrap();
        let filters = vec!["text = <May>".to_owned()];
        Page {
            title: "Week <19>".to_owned(),
            description: "a & b".to_owned(),
            scope: Scope { as_of: range.to, range, last_batch: 3, events: 12, business_hours: false, filters },
            tabs: vec![Tab { title: None, rows: vec![Row { title: None, widgets: vec![widget] }] }],
            notes: vec!["3 findings > 2".to_owned()],
            unknown: Vec::new(),
        }
    }

    #[test]
    fn every_text_is_escaped() {
        let html = page_html(&page()).unwrap();
        assert!(html.contains("Cases &amp; &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"), "{html}");
        for raw in ["<script", "<19>", "<May>", "<live>", "<2>", "2 < 3", "findings > 2", "a < b", "a & b"] {
            assert!(!html.contains(raw), "`{raw}` is in the page as it was");
        }
    }

    #[test]
    fn the_same_page_is_the_same_bytes() {
        assert_eq!(page_html(&page()).unwrap(), page_html(&page()).unwrap());
    }

    #[test]
    fn nothing_is_fetched() {
        let html = page_html(&page()).unwrap();
        for fetch in ["src=", "href=", "url(", "@import", "<link"] {
            assert!(!html.contains(fetch), "`{fetch}` would leave the file");
        }
    }

    #[test]
    fn several_commands_are_in_a_list_that_the_reader_opens() {
        let mut page = page();
        assert!(page_html(&page).unwrap().contains("<p class=\"command\">"));
        page.tabs[0].rows[0].widgets[0].cases_command = "casebook a\ncasebook b".to_owned();
        let html = page_html(&page).unwrap();
        assert!(html.contains("<summary>Cases behind this</summary>"), "{html}");
        assert!(html.contains("<code>casebook a\ncasebook b</code></pre>") && !html.contains("<p class=\"command\">"));
    }

    #[test]
    fn the_numbers_are_in_a_table_with_headings() {
        let html = page_html(&page()).unwrap();
        assert!(html.contains("<th scope=\"col\" class=\"number\">cases</th>"), "{html}");
        assert!(html.contains("<th scope=\"row\">1 May</th><td class=\"number\">&lt;2&gt;</td>"), "{html}");
    }
}
