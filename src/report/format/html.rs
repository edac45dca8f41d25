//! A report as one HTML file that needs nothing else: no network, no font of its own.
//!
//! The page holds every chart wide, narrow and, where it needs it, in its width on paper, and the style shows the one that
//! suits, because letters in a picture that is shrunk to a phone cannot be read. The numbers follow each picture as a
//! table. The page is complete without its script, which only adds convenience. A policy makes browsers run that script
//! and no other, and fetch nothing.

mod anchors;
mod cases;
mod definitions;
mod links;
mod script;
mod style;
mod table;
mod timeline;

use std::fmt::Write;

use jiff::tz::TimeZone;

use crate::error::Result;
use crate::model::time::Instant;
use crate::report::chart::Chart;
use crate::report::draw::paint::{self, DrawError, escaped};
use crate::report::page::{Body, Change, Figure, Page, Row, Scope, Stems, Tab, Verdict, Widget};
use crate::report::text;
use crate::timeline::Timeline;
use anchors::Anchors;
use definitions::definitions;
use links::Leads;
pub use links::Links;
pub use script::SCRIPT;
use table::table;

/// HTML text, or why a chart was not drawn.
type DrawResult = std::result::Result<String, DrawError>;

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
    let Parts { title, head, main } = parts(page, None)?;
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{}</style>\n</head>\n",
        script::policy(),
        style::style(),
    );
    // Writing to a string cannot fail.
    let _ = write!(
        html,
        "<body>\n<header class=\"head\">\n<h1>{title}</h1>\n{head}</header>\n<main>\n{main}<script>{SCRIPT}</script>\n</body>\n</html>\n",
    );
    Ok(html)
}

/// A page as parts of HTML, for a frame around it that has the style and the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The title, escaped.
    pub title: String,
    /// What stands below the title: what the page is about, and its scope.
    pub head: String,
    /// The content of the element `main`, its end, and what follows it.
    pub main: String,
}

/// The parts of a page that leads to other pages: each number to all cases behind it.
///
/// # Errors
/// When a chart cannot be drawn.
pub fn embedded(page: &Page, links: &Links<'_>) -> Result<Parts> {
    Ok(parts(page, Some(links))?)
}

/// The timeline of one case, for a frame around it.
///
/// # Errors
/// When it cannot be drawn.
pub fn case_section(timeline: &Timeline, zone: &TimeZone, as_of: Instant) -> Result<String> {
    let timeline = timeline::alone(timeline, zone, as_of)?;
    Ok(format!("<section class=\"cases\">\n{timeline}</section>\n"))
}

/// The style that the parts of a page need.
#[must_use]
pub fn stylesheet() -> String {
    style::style()
}

fn parts(page: &Page, links: Option<&Links<'_>>) -> std::result::Result<Parts, DrawError> {
    let mut places = Places::of(page, links);
    let mut headings = Vec::new();
    let mut tabs = String::new();
    for one in &page.tabs {
        tabs += &tab(one, &mut places, &mut headings)?;
    }
    Ok(Parts {
        title: escaped(&page.title),
        head: paragraph("description", &page.description) + &scope(&page.scope),
        main: format!(
            "{}{tabs}{}{}</main>\n{}",
            jump_list("jump tabs", "Tabs", &headings),
            definitions(&page.definitions),
            timeline::section(page, &places.cases)?,
            notes(&page.notes),
        ),
    })
}

/// What has been placed so far, so that each heading that a link may lead to has an id of its own.
struct Places<'l> {
    /// The scope of the page in one line.
    scope: String,
    tabs: Stems,
    rows: Stems,
    widgets: Stems,
    cases: Anchors<'l>,
    /// Other pages, where there are any.
    links: Option<&'l Links<'l>>,
}

impl<'l> Places<'l> {
    fn of(page: &Page, links: Option<&'l Links<'l>>) -> Places<'l> {
        let scope = text::scope_line(&page.scope);
        let (tabs, rows, widgets) = (Stems::default(), Stems::default(), Stems::default());
        Places { scope, tabs, rows, widgets, cases: Anchors::of(page, links), links }
    }
}

/// A heading of the page: its id, and its text.
type Link = (String, String);

/// Links to headings; one alone needs none.
fn jump_list(class: &str, name: &str, links: &[Link]) -> String {
    if links.len() < 2 {
        return String::new();
    }
    let item = |(id, title): &Link| format!("<li><a href=\"#{id}\">{}</a></li>\n", escaped(title));
    let items: String = links.iter().map(item).collect();
    format!("<nav class=\"{class}\" aria-label=\"{}\">\n<ul>\n{items}</ul>\n</nav>\n", escaped(name))
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

/// A tab with links to its rows; its own place is added to the links.
fn tab(tab: &Tab, places: &mut Places<'_>, links: &mut Vec<Link>) -> DrawResult {
    let level = if tab.title.is_some() { 3 } else { 2 };
    let mut own = Vec::new();
    let mut rows = String::new();
    for one in &tab.rows {
        rows += &row(one, level, places, &mut own)?;
    }
    let Some(title) = &tab.title else {
        return Ok(jump_list("jump", "On this page", &own) + &rows);
    };
    let id = format!("tab-{}", places.tabs.unique(title));
    links.push((id.clone(), title.clone()));
    Ok(format!(
        "<section class=\"tab\" id=\"{id}\" aria-labelledby=\"{id}-title\">\n<h2 class=\"tab-title\" id=\"{id}-title\">{}</h2>\n\
         {}{rows}</section>\n",
        escaped(title),
        jump_list("jump", &format!("In {title}"), &own),
    ))
}

fn row(row: &Row, level: u32, places: &mut Places<'_>, links: &mut Vec<Link>) -> DrawResult {
    let (name, heading, level) = match &row.title {
        Some(title) => {
            let id = format!("row-{}", places.rows.unique(title));
            links.push((id.clone(), title.clone()));
            let heading = format!("<h{level} class=\"row-title\" id=\"{id}\">{}</h{level}>\n", escaped(title));
            (format!(" aria-labelledby=\"{id}\""), heading, level + 1)
        }
        None => (String::new(), String::new(), level),
    };
    let cards = row.widgets.iter().map(|widget| card(widget, level, places)).collect::<DrawResult>()?;
    Ok(format!("<section{name}>\n{heading}<div class=\"row\">\n{cards}</div>\n</section>\n"))
}

/// A widget; its caption shows the scope of the page where it is pointed at.
fn card(widget: &Widget, level: u32, places: &mut Places<'_>) -> DrawResult {
    let width = widget.width.clamp(1, 12);
    let id = format!("widget-{}", places.widgets.unique(&widget.title));
    // On paper a card stays whole, unless it cannot.
    let is_table = matches!(widget.body, Body::Table);
    let long = if is_table && widget.table.rows.len() > 30 { " long" } else { "" };
    // There a table with more columns than the grid gives it takes the whole width.
    let columns = u32::try_from(widget.table.columns.len()).unwrap_or(u32::MAX);
    let broad = if is_table && columns >= width { " broad" } else { "" };
    let leads = Leads { widget, links: places.links };
    Ok(format!(
        "<article class=\"card w{width}{long}{broad}\" aria-labelledby=\"{id}\">\n<h{level} id=\"{id}\" class=\"title\">{}</h{level}>\n\
         <p class=\"caption\" title=\"{}\">{}</p>\n{}{}{}</article>\n",
        leads.title(),
        escaped(&places.scope),
        escaped(&text::caption(widget)),
        body(&leads, width, &id)?,
        left_out(&widget.left_out),
        more(&leads, &id, &places.cases),
    ))
}

fn body(leads: &Leads<'_>, width: u32, id: &str) -> DrawResult {
    match &leads.widget.body {
        Body::Figures(figures) => Ok(self::figures(figures, leads)),
        Body::Chart(chart) => pictures(chart, width),
        Body::Table => Ok(table(leads, id)),
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
    let cells = if matches!(chart, Chart::Heatmap(_)) { " cells" } else { "" };
    let (wide, high) = (f64::from(width), f64::from(chart.height(width)));
    let svg = paint::svg(&chart.sketch(wide, high), wide, high, &chart.description())?;
    Ok(format!("<div class=\"chart {class}{cells}\">{svg}</div>\n"))
}

fn figures(figures: &[Figure], leads: &Leads<'_>) -> String {
    let figures = figures.iter().enumerate().map(|(row, one)| figure(one, row, leads));
    format!("<div class=\"figures\">\n{}</div>\n", figures.collect::<String>())
}

fn figure(figure: &Figure, row: usize, leads: &Leads<'_>) -> String {
    let change = figure.change.as_ref().map(|change| self::change(figure, change)).unwrap_or_default();
    let value = figure.value.text();
    // A long value is written in smaller letters rather than in two lines.
    let size = if value.chars().count() > 9 { " small" } else { "" };
    format!(
        "<div class=\"figure\"><p class=\"label\">{}</p><p class=\"value{size}\">{}</p>{change}</div>\n",
        escaped(&figure.label),
        leads.to_cases(row, None, &value),
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
    format!("<div class=\"left-out\"><p>Remarks</p>\n{}</div>\n", list(notes))
}

/// What a reader opens: the numbers behind the picture, and the cases or the command that lists them.
fn more(leads: &Leads<'_>, id: &str, anchors: &Anchors<'_>) -> String {
    let widget = leads.widget;
    let is_table = matches!(widget.body, Body::Table);
    let numbers = match is_table || widget.table.columns.is_empty() {
        true => String::new(),
        false => {
            format!("<details>\n<summary>Numbers</summary>\n{}</details>\n", table(leads, id))
        }
    };
    let cases = match cases::list(leads, anchors) {
        none if none.is_empty() && leads.links.is_some() => none,
        none if none.is_empty() => command(&widget.cases_command()),
        list => list,
    };
    match numbers + &cases {
        nothing if nothing.is_empty() => nothing,
        more => format!("<div class=\"more\">\n{more}</div>\n"),
    }
}

/// One command is shown; several are in a list that the reader opens.
fn command(commands: &str) -> String {
    let text = cases::breakable(commands);
    match commands.lines().count() {
        0 => String::new(),
        1 => format!("<p class=\"command\"><span>Cases behind this</span> <code tabindex=\"0\">{text}</code></p>\n"),
        _ => format!(
            "<details>\n<summary>Cases behind this</summary>\n<pre tabindex=\"0\"><code>{text}</code></pre>\n</details>\n"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::range::Range;
    use crate::metric::unit::Unit;
    use crate::model::time::Instant;
    use crate::report::cases::{CaseList, CasesRequest, ListedCase, ListedMetric, Narrowing, Place};
    use crate::report::chart::bars::{Arrangement, Bars};
    use crate::report::chart::series::{Axis, Categories, Series, SeriesStyle};
    use crate::report::table::{self, Column, Key, Table};
    use crate::report::value::Value;

    fn request(filter: &str) -> CasesRequest {
        let text = |text: &str| text.to_owned();
        let (metric, range, zone) = (text("created_cases"), text("2026-05"), text("UTC"));
        CasesRequest { metric, range, zone, filters: vec![text(filter)], ..CasesRequest::default() }
    }

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
            requests: vec![request("a < b")],
            behind: CaseList::default(),
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
            cases: Vec::new(),
            definitions: Vec::new(),
            notes: vec!["3 findings > 2".to_owned()],
            unknown: Vec::new(),
        }
    }

    /// The page without its own script, of which there is one.
    fn without_script(html: &str) -> String {
        let script = format!("<script>{SCRIPT}</script>");
        assert_eq!(html.matches(&script).count(), 1, "{html}");
        html.replace(&script, "")
    }

    #[test]
    fn every_text_is_escaped() {
        let mut page = page();
        page.tabs = ["Tab <1>", "Tab \"2\""]
            .map(|title| {
                let rows = page.tabs[0].rows.iter().cloned();
                let rows = rows.flat_map(|row| {
                    ["Row <1>", "</section>"].map(|title| Row { title: Some(title.to_owned()), ..row.clone() })
                });
                Tab { title: Some(title.to_owned()), rows: rows.collect() }
            })
            .to_vec();
        let html = without_script(&page_html(&page).unwrap());
        assert!(html.contains("Cases &amp; &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"), "{html}");
        let raw =
            ["<script", "<19>", "<May>", "<live>", "<2>", "2 < 3", "findings > 2", "a < b", "a & b", "<1>", "\"2\""];
        for raw in raw {
            assert!(!html.contains(raw), "`{raw}` is in the page as it was");
        }
        assert_eq!(html.matches("<section").count(), html.matches("</section>").count());
    }

    #[test]
    fn headings_have_ids_and_links_lead_to_them() {
        let mut page = page();
        let mut row = page.tabs[0].rows[0].clone();
        row.title = Some("At a glance".to_owned());
        let rows = vec![row.clone(), row];
        let tab = |title: &str| Tab { title: Some(title.to_owned()), rows: rows.clone() };
        page.tabs = vec![tab("Volume"), tab("Volume"), tab("!")];
        let html = page_html(&page).unwrap();
        let ids: Vec<&str> = html.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        let unique: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "{ids:?}");
        for id in ["tab-volume", "tab-volume-2", "tab-", "row-at-a-glance", "row-at-a-glance-6"] {
            assert!(unique.contains(id) && html.contains(&format!("<a href=\"#{id}\">")), "{id}: {ids:?}");
        }
        let named = html.split(" aria-labelledby=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        assert_eq!(named.filter(|id| !unique.contains(id)).count(), 0);
    }

    #[test]
    fn the_same_page_is_the_same_bytes() {
        assert_eq!(page_html(&page()).unwrap(), page_html(&page()).unwrap());
    }

    #[test]
    fn nothing_is_fetched() {
        let html = page_html(&page()).unwrap();
        for fetch in ["src=", "url(", "@import", "<link", "<iframe", "<object", "<embed", "<base", "<form"] {
            assert!(!html.contains(fetch), "`{fetch}` would leave the file");
        }
        let links = html.split("href=").skip(1);
        assert_eq!(links.filter(|link| !link.starts_with("\"#")).count(), 0, "a link leaves the file");
        assert!(html.contains("content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-"));
    }

    #[test]
    fn several_commands_are_in_a_list_that_the_reader_opens() {
        let mut page = page();
        assert!(page_html(&page).unwrap().contains("<p class=\"command\">"));
        page.tabs[0].rows[0].widgets[0].requests.push(request("c"));
        let html = page_html(&page).unwrap();
        assert!(html.contains("<summary>Cases behind this</summary>"), "{html}");
        assert!(
            html.contains("\ncasebook <wbr>metric ")
                && html.contains(" <wbr>--where <wbr>c <wbr>--cases</code></pre>")
                && !html.contains("<p class=\"command\">")
        );
    }

    #[test]
    fn where_a_page_leads_to_others_a_number_leads_to_its_cases() {
        let mut page = page();
        let widget = &mut page.tabs[0].rows[0].widgets[0];
        widget.table.rows[0].values = vec![Value::Count(2.0)];
        widget.behind.of_rows = vec![Narrowing::filters(["day=1".to_owned()])];
        let unit = Unit::Count("cases".to_owned());
        let (name, title) = ("created_cases".to_owned(), "Created <cases>".to_owned());
        let (order, is_since, is_stock) = (crate::metric::foremost::Order::Latest, false, false);
        widget.behind.metrics = vec![ListedMetric { name, title, unit, order, is_since, is_stock, cases: 2 }];
        let (at, value, place) = (Instant(0), Value::Count(1.0), Place::default());
        widget.behind.cases =
            vec![ListedCase { metric: 0, case: "C/1".to_owned(), at, value, groups: Vec::new(), place }];
        let links = Links {
            case: &|case| format!("/cases/{}", case.replace('/', "%2F")),
            cases: &|request| format!("/of/{}?{}", request.metric, request.filters.join("&")),
            widget: Some(&|title| format!("/widgets/{}", title.len())),
        };
        let html = embedded(&page, &links).unwrap().main;
        for link in [
            "<a href=\"/cases/C%2F1\">C/1</a>",
            "<a href=\"/of/created_cases?a &lt; b&amp;day=1\">1 May</a>",
            "<a href=\"/of/created_cases?a &lt; b&amp;day=1\">2</a>",
            "<a href=\"/of/created_cases?a &lt; b\">Created &lt;cases&gt; (2)</a>",
            "<a href=\"/widgets/35\">Cases &amp; ",
        ] {
            assert!(html.contains(link), "{link}: {html}");
        }
        assert!(!html.contains("casebook metric"), "{html}");
    }
}
