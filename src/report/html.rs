//! A report as one HTML file that needs nothing else: no network, no script, no font of its own.
//!
//! Every chart stands in the page wide, narrow and, where it needs it, in its width on paper, and the style shows the
//! one that suits, because letters in a picture that is shrunk to a phone cannot be read. The numbers follow each
//! picture as a table.

use super::draw::{DrawError, arrow, chart_height, chart_svg, escaped, verdict_word};
use super::page::{Align, Body, Change, Chart, Column, Fact, Figure, Page, Row, Table, Verdict, Widget};

const STYLE: &str = include_str!("html/page.css");
/// Width of a card's content where the card takes all twelve columns of a wide screen.
const CONTENT_WIDTH: u32 = 1152;
/// What a column adds to a card's content, and the gutter and padding that every card gives away.
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
pub fn page_html(page: &Page) -> Result<String, DrawError> {
    let rows = page.rows.iter().map(row).collect::<Result<String, _>>()?;
    let title = escaped(&page.title);
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<header class=\"head\">\n<h1>{title}</h1>\n{}{}</header>\n<main>\n{rows}</main>\n{}</body>\n</html>\n",
        paragraph("description", &page.description),
        facts(&page.facts),
        notes(&page.notes),
    ))
}

fn paragraph(class: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<p class=\"{class}\">{}</p>\n", escaped(text)) }
}

fn facts(facts: &[Fact]) -> String {
    if facts.is_empty() {
        return String::new();
    }
    let fact = |fact: &Fact| format!("<div><dt>{}</dt><dd>{}</dd></div>\n", escaped(&fact.label), escaped(&fact.value));
    format!("<dl class=\"facts\">\n{}</dl>\n", facts.iter().map(fact).collect::<String>())
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

fn row(row: &Row) -> Result<String, DrawError> {
    let (title, level) = match &row.title {
        Some(title) => (format!("<h2 class=\"row-title\">{}</h2>\n", escaped(title)), 3),
        None => (String::new(), 2),
    };
    let cards = row.widgets.iter().map(|widget| card(widget, level)).collect::<Result<String, _>>()?;
    Ok(format!("<section>\n{title}<div class=\"row\">\n{cards}</div>\n</section>\n"))
}

fn card(widget: &Widget, level: u32) -> Result<String, DrawError> {
    let width = widget.width.clamp(1, 12);
    // On paper a card stays whole, unless it cannot.
    let is_long = matches!(widget.body, Body::Table) && widget.table.rows.len() > 30;
    let kind = if is_long { " long" } else { "" };
    Ok(format!(
        "<article class=\"card w{width}{kind}\">\n<h{level} class=\"title\">{}</h{level}>\n{}{}{}{}</article>\n",
        escaped(&widget.title),
        paragraph("caption", &widget.caption),
        body(widget, width)?,
        left_out(&widget.left_out),
        more(widget),
    ))
}

fn body(widget: &Widget, width: u32) -> Result<String, DrawError> {
    match &widget.body {
        Body::Figures(figures) => Ok(self::figures(figures)),
        Body::Chart(chart) => pictures(chart, width),
        Body::Table => Ok(table(&widget.table, &widget.title)),
        Body::Empty(why) => Ok(format!("<p class=\"empty\">{}</p>\n", escaped(why))),
    }
}

fn pictures(chart: &Chart, columns: u32) -> Result<String, DrawError> {
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

fn picture(class: &str, chart: &Chart, width: u32) -> Result<String, DrawError> {
    let svg = chart_svg(chart, (width, chart_height(chart, width)))?;
    Ok(format!("<div class=\"chart {class}\">{svg}</div>\n"))
}

fn figures(figures: &[Figure]) -> String {
    format!("<div class=\"figures\">\n{}</div>\n", figures.iter().map(figure).collect::<String>())
}

fn figure(figure: &Figure) -> String {
    let change = figure.change.as_ref().map(change).unwrap_or_default();
    // A long value stands in smaller letters rather than in two lines.
    let size = if figure.value.chars().count() > 9 { " small" } else { "" };
    format!(
        "<div class=\"figure\"><p class=\"label\">{}</p><p class=\"value{size}\">{}</p>{change}</div>\n",
        escaped(&figure.label),
        escaped(&figure.value),
    )
}

fn change(change: &Change) -> String {
    let class = match change.verdict {
        Verdict::Better => "better",
        Verdict::Worse => "worse",
        Verdict::Neutral => "neutral",
    };
    let word = verdict_word(change.verdict).map(|word| format!(", {word}")).unwrap_or_default();
    format!(
        "<p class=\"chip {class}\"><span aria-hidden=\"true\">{}</span> {}{word}</p><p class=\"then\">{}</p>",
        arrow(change.direction),
        escaped(&change.text),
        escaped(&change.then),
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

/// One command stands open; several wait under a heading.
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
    let heading = |column: &Column| format!("<th scope=\"col\"{}>{}</th>", aligned(column), escaped(&column.heading));
    let headings: String = table.columns.iter().map(heading).collect();
    let rows: String = table.rows.iter().map(|cells| table_row(&table.columns, cells)).collect();
    // The frame scrolls sideways on a phone, so it must be reachable by keyboard and have a name.
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table>\n<thead><tr>{headings}</tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table></div>\n",
        escaped(&format!("numbers of {name}")),
    )
}

fn table_row(columns: &[Column], cells: &[String]) -> String {
    let cell = |(index, (column, text)): (usize, (&Column, &String))| {
        let (text, align) = (escaped(text), aligned(column));
        if index == 0 { format!("<th scope=\"row\"{align}>{text}</th>") } else { format!("<td{align}>{text}</td>") }
    };
    let cells: String = columns.iter().zip(cells).enumerate().map(cell).collect();
    format!("<tr>{cells}</tr>\n")
}

fn aligned(column: &Column) -> &'static str {
    match column.align {
        Align::Left => "",
        Align::Right => " class=\"number\"",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::page::{Arrangement, Axis, Categories, Ink, Series};

    fn page() -> Page {
        let series = Series {
            name: "chat <live>".to_owned(),
            values: vec![Some(2.0), None],
            texts: vec!["2".to_owned(), "none".to_owned()],
            ink: Ink::Palette(0),
        };
        let labels = vec!["1 May".to_owned(), "2 May".to_owned()];
        let chart = Chart::Bars {
            x: Categories { ticks: labels.iter().cloned().enumerate().collect(), labels },
            y: Axis { max: 2.0, ticks: vec![(0.0, "0".to_owned()), (2.0, "2".to_owned())], label: "cases".to_owned() },
            series: vec![series],
            arrangement: Arrangement::Grouped,
        };
        let widget = Widget {
            title: "Cases & <script>alert('x')</script>".to_owned(),
            width: 6,
            caption: "cases \"opened\"".to_owned(),
            left_out: vec!["2 < 3 cases".to_owned()],
            cases_command: "casebook cases --where 'a < b'".to_owned(),
            body: Body::Chart(chart),
            table: Table {
                columns: vec![
                    Column { heading: "day".to_owned(), align: Align::Left },
                    Column { heading: "cases".to_owned(), align: Align::Right },
                ],
                rows: vec![vec!["1 May".to_owned(), "<2>".to_owned()]],
            },
        };
        Page {
            title: "Week <19>".to_owned(),
            description: "a & b".to_owned(),
            facts: vec![Fact { label: "range".to_owned(), value: "<May>".to_owned() }],
            rows: vec![Row { title: None, widgets: vec![widget] }],
            notes: vec!["3 findings > 2".to_owned()],
        }
    }

    #[test]
    fn every_text_is_escaped() {
        let html = page_html(&page()).unwrap();
        assert!(html.contains("Cases &amp; &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"), "{html}");
        for raw in ["<script", "<19>", "<May>", "<live>", "<2>", "2 < 3", "findings > 2", "a < b", "a & b"] {
            assert!(!html.contains(raw), "`{raw}` stands in the page as it was");
        }
    }

    #[test]
    fn the_same_page_is_the_same_bytes() {
        assert_eq!(page_html(&page()).unwrap(), page_html(&page()).unwrap());
        assert_eq!(super::super::draw::page_svg(&page()).unwrap(), super::super::draw::page_svg(&page()).unwrap());
        assert_eq!(super::super::draw::page_png(&page()).unwrap(), super::super::draw::page_png(&page()).unwrap());
    }

    #[test]
    fn nothing_is_fetched() {
        let html = page_html(&page()).unwrap();
        for fetch in ["src=", "href=", "url(", "@import", "<link"] {
            assert!(!html.contains(fetch), "`{fetch}` would leave the file");
        }
    }

    #[test]
    fn several_commands_wait_under_a_heading() {
        let mut page = page();
        assert!(page_html(&page).unwrap().contains("<p class=\"command\">"));
        page.rows[0].widgets[0].cases_command = "casebook a\ncasebook b".to_owned();
        let html = page_html(&page).unwrap();
        assert!(html.contains("<summary>Cases behind this</summary>"), "{html}");
        assert!(html.contains("<code>casebook a\ncasebook b</code></pre>") && !html.contains("<p class=\"command\">"));
    }

    #[test]
    fn the_numbers_stand_in_a_table_with_headings() {
        let html = page_html(&page()).unwrap();
        assert!(html.contains("<th scope=\"col\" class=\"number\">cases</th>"), "{html}");
        assert!(html.contains("<th scope=\"row\">1 May</th><td class=\"number\">&lt;2&gt;</td>"), "{html}");
    }
}
