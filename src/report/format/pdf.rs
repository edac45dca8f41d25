//! A page as a PDF for paper: typst lays out what `pdf/page.typ` states, with the page as data and the charts as vectors.
//!
//! The file is tagged, has real text, and is the same bytes each time: it holds no time of its making.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Serialize;
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use crate::error::{Error, Result};
use crate::report::chart::Chart;
use crate::report::draw::{fonts, paint};
use crate::report::page::{self, Body, Page, Widget};
use crate::report::palette::NAMED;
use crate::report::table::{Row, Table};
use crate::report::text;
use crate::report::value::{Load, Value};

const TEMPLATE: &str = include_str!("pdf/page.typ");
const TEMPLATE_NAME: &str = "page.typ";
const DATA_NAME: &str = "page.json";

/// Pixels of a chart that takes one column of twelve, and the space between two charts.
const COLUMN_WIDTH: u32 = 78;
const GUTTER: u32 = 17;
/// A table with more rows has lines of its own, for it can be longer than what is left of the paper.
const ROWS_BESIDE: usize = 20;
/// A table with more columns does, too.
const COLUMNS_BESIDE: usize = 6;

/// The page on A4.
///
/// # Errors
/// When a chart cannot be drawn, or typst refuses the document, which would be a defect.
pub(super) fn a4(page: &Page) -> Result<Vec<u8>> {
    made(page, "a4")
}

/// The page on US Letter.
///
/// # Errors
/// As [`a4`].
pub(super) fn letter(page: &Page) -> Result<Vec<u8>> {
    made(page, "us-letter")
}

fn made(page: &Page, paper: &'static str) -> Result<Vec<u8>> {
    let mut charts = Vec::new();
    let data = document(page, paper, &mut charts)?;
    let data = serde_json::to_string(&data)?;
    let standards = standards(&data)?;
    let world = Paper::new(data, charts)?;
    let document = typst::compile::<PagedDocument>(&world).output.map_err(|errors| defect(&errors))?;
    // A process that makes many documents does not keep the parts of each.
    typst::comemo::evict(0);
    let ident = Smart::Custom(format!("{} {}", page.title, text::scope_line(&page.scope)));
    let creator = Smart::Custom(Some(format!("Casebook {}", env!("CARGO_PKG_VERSION"))));
    let options = PdfOptions { ident, creator, standards, ..PdfOptions::default() };
    typst_pdf::pdf(&document, &options).map_err(|errors| defect(&errors))
}

/// PDF/UA-1, unless the page has a letter that no font has, which it does not allow. The file is tagged all the same.
fn standards(data: &str) -> Result<PdfStandards> {
    let standard = data.chars().all(fonts::has).then_some(PdfStandard::Ua_1);
    PdfStandards::new(standard.as_slice()).map_err(|error| Error::refused(error.message().as_str()))
}

fn defect(errors: &[SourceDiagnostic]) -> Error {
    let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    Error::refused(format!("the PDF cannot be made: {}", messages.join("; ")))
}

#[derive(Serialize)]
struct Document<'a> {
    paper: &'static str,
    colors: BTreeMap<&'static str, String>,
    title: &'a str,
    description: &'a str,
    scope: Vec<(&'static str, String)>,
    footer: String,
    tabs: Vec<Tab<'a>>,
    numbers: Vec<Numbers<'a>>,
    definitions: &'a [page::Definition],
    notes: &'a [String],
}

#[derive(Serialize)]
struct Tab<'a> {
    title: Option<&'a str>,
    rows: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    title: Option<&'a str>,
    /// Widgets side by side.
    lines: Vec<Vec<Card<'a>>>,
}

#[derive(Serialize)]
struct Card<'a> {
    title: &'a str,
    caption: String,
    width: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    figures: Vec<Figure<'a>>,
    chart: Option<Picture>,
    table: Option<Cells>,
    empty: Option<&'a str>,
    left_out: &'a [String],
}

#[derive(Serialize)]
struct Figure<'a> {
    label: &'a str,
    value: String,
    change: Option<String>,
    verdict: Option<&'static str>,
    before: Option<String>,
}

#[derive(Serialize)]
struct Picture {
    file: String,
    words: String,
}

/// A table in words.
#[derive(Serialize)]
struct Cells {
    headings: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Cell {
    Plain(String),
    /// A number against how many there may be, in a colour of the palette.
    Load {
        text: String,
        color: &'static str,
    },
}

/// The numbers behind a chart or large figures, at the end of the document.
#[derive(Serialize)]
struct Numbers<'a> {
    title: &'a str,
    table: Cells,
}

fn document<'a>(page: &'a Page, paper: &'static str, charts: &mut Vec<String>) -> Result<Document<'a>> {
    let mut tabs = Vec::new();
    for tab in &page.tabs {
        let mut rows = Vec::new();
        for row in &tab.rows {
            let mut lines = Vec::new();
            for line in row.lines_of(width) {
                lines.push(line.into_iter().map(|widget| card(widget, charts)).collect::<Result<Vec<_>>>()?);
            }
            rows.push(Line { title: row.title.as_deref(), lines });
        }
        tabs.push(Tab { title: tab.title.as_deref(), rows });
    }
    let has_picture = |widget: &&Widget| matches!(widget.body, Body::Figures(_) | Body::Chart(_));
    let numbers = page.widgets().filter(has_picture);
    Ok(Document {
        paper,
        colors: NAMED.iter().map(|(name, color)| (*name, color.hex())).collect(),
        title: &page.title,
        description: &page.description,
        scope: text::scope(&page.scope),
        footer: format!("{} · {}", page.title, text::scope_line(&page.scope)),
        tabs,
        numbers: numbers.map(|widget| Numbers { title: &widget.title, table: cells(&widget.table) }).collect(),
        definitions: &page.definitions,
        notes: &page.notes,
    })
}

/// Columns of twelve that a widget takes on paper.
fn width(widget: &Widget) -> u32 {
    let is_table = matches!(widget.body, Body::Table);
    let is_large = widget.table.rows.len() > ROWS_BESIDE || widget.table.columns.len() > COLUMNS_BESIDE;
    if is_table && is_large { 12 } else { widget.width.clamp(1, 12) }
}

fn card<'a>(widget: &'a Widget, charts: &mut Vec<String>) -> Result<Card<'a>> {
    let width = width(widget);
    let (mut figures, mut chart, mut table, mut empty) = (Vec::new(), None, None, None);
    match &widget.body {
        Body::Figures(all) => figures = all.iter().map(figure).collect(),
        Body::Chart(drawn) => chart = Some(picture(drawn, width, charts)?),
        Body::Table => table = Some(cells(&widget.table)),
        Body::Empty(why) => empty = Some(why.as_str()),
    }
    let caption = text::caption(widget);
    Ok(Card { title: &widget.title, caption, width, figures, chart, table, empty, left_out: &widget.left_out })
}

fn figure(figure: &page::Figure) -> Figure<'_> {
    let change = figure.change.as_ref();
    let moved = change.map(|change| {
        let verdict = text::verdict(change.verdict).map(|word| format!(", {word}")).unwrap_or_default();
        format!("{} {}{verdict}", text::arrow(change.direction), text::difference(figure, change))
    });
    Figure {
        label: &figure.label,
        value: figure.value.text(),
        change: moved,
        verdict: change.and_then(|change| text::verdict(change.verdict)),
        before: change.map(text::before),
    }
}

fn picture(chart: &Chart, width: u32, charts: &mut Vec<String>) -> Result<Picture> {
    let wide = (width * COLUMN_WIDTH).saturating_sub(GUTTER).max(180);
    let (wide, high) = (f64::from(wide), f64::from(chart.height(wide)));
    let words = chart.description();
    let drawn = paint::svg(&chart.sketch(wide, high), wide, high, &words)?;
    let file = format!("chart-{}.svg", charts.len());
    charts.push(drawn);
    Ok(Picture { file, words })
}

fn cells(table: &Table) -> Cells {
    let cells = |row: &Row| {
        let loads = std::iter::once(None).chain(row.values.iter().map(Value::load));
        table.texts(row).into_iter().zip(loads).map(|(text, load)| cell(text, load)).collect()
    };
    Cells { headings: table.headings(), rows: table.rows.iter().map(cells).collect() }
}

fn cell(text: String, load: Option<Load>) -> Cell {
    match load {
        Some(Load::Free) => Cell::Load { text, color: "better" },
        Some(Load::Above) => Cell::Load { text, color: "above" },
        Some(Load::Within) | None => Cell::Plain(text),
    }
}

/// The fonts of every document, and where typst finds them.
static FONTS: LazyLock<(LazyHash<FontBook>, Vec<Font>)> = LazyLock::new(|| {
    let fonts: Vec<Font> = fonts::files().into_iter().flat_map(|file| Font::iter(Bytes::new(file))).collect();
    (LazyHash::new(FontBook::from_fonts(&fonts)), fonts)
});

static LIBRARY: LazyLock<LazyHash<Library>> = LazyLock::new(|| LazyHash::new(Library::default()));

/// What typst may read: the template, the data and the charts. No file, no network, no clock.
struct Paper {
    main: Source,
    data: (FileId, Bytes),
    charts: Vec<(FileId, Bytes)>,
}

impl Paper {
    fn new(data: String, charts: Vec<String>) -> Result<Paper> {
        let charts = charts.into_iter().enumerate();
        let charts = charts.map(|(number, svg)| Ok((id(&format!("chart-{number}.svg"))?, Bytes::from_string(svg))));
        Ok(Paper {
            main: Source::new(id(TEMPLATE_NAME)?, TEMPLATE.to_owned()),
            data: (id(DATA_NAME)?, Bytes::from_string(data)),
            charts: charts.collect::<Result<_>>()?,
        })
    }
}

fn id(name: &str) -> Result<FileId> {
    let path = VirtualPath::new(name).map_err(|error| Error::refused(format!("{name}: {error:?}")))?;
    Ok(FileId::new(RootedPath::new(VirtualRoot::Project, path)))
}

impl World for Paper {
    fn library(&self) -> &LazyHash<Library> {
        &LIBRARY
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &FONTS.0
    }

    fn main(&self) -> FileId {
        self.main.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.main.id() { Ok(self.main.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let files = std::iter::once(&self.data).chain(&self.charts);
        files.into_iter().find(|(own, _)| *own == id).map(|(_, bytes)| bytes.clone()).ok_or(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.1.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}
