//! The formats of a page, in one list. Each has a file of its own, with functions from a page or a widget to bytes.
//!
//! A new format is that file and one entry in [`FORMATS`]; the command line reads the list.

mod aligned;
pub mod html;
mod json;
pub mod mail;
mod markdown;
mod pdf;
mod png;
mod rows;
mod svg;
mod terminal;
mod xlsx;

use super::page::{Page, Scope, Widget, file_stem};
use crate::error::{Error, Result};

/// A format of a page.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The name that a user types.
    pub name: &'static str,
    /// The ending of its files.
    pub ending: &'static str,
    /// One line for the help.
    pub about: &'static str,
    /// Whether it is written to standard output unless a file is asked for.
    pub is_read_at_once: bool,
    /// What it shows of the cases behind its widgets.
    pub cases: ShownCases,
    render: Render,
}

/// What is shown of the cases behind widgets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ShownCases {
    #[default]
    None,
    /// Which they are.
    Listed,
    /// On a whole page also what happened in each.
    WithTimelines,
}

/// How a format shows a page.
#[derive(Clone, Copy, Debug)]
enum Render {
    /// One file for the page; a widget alone where there is a function for it.
    Page(fn(&Page) -> Result<Vec<u8>>, Option<RenderWidget>),
    /// A file for each widget.
    Widgets(RenderWidget),
}

type RenderWidget = fn(&Scope, &Widget) -> Result<Vec<u8>>;

/// A file of a report: its name without a folder, and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub name: String,
    pub bytes: Vec<u8>,
}

const IN_A_FILE: Format = Format {
    name: "",
    ending: "",
    about: "",
    is_read_at_once: false,
    cases: ShownCases::None,
    render: Render::Widgets(rows::csv),
};

/// Every format; the first is the default.
pub const FORMATS: &[Format] = &[
    Format {
        name: "html",
        ending: "html",
        about: "one file for a browser, without network",
        cases: ShownCases::WithTimelines,
        render: Render::Page(html::page, None),
        ..IN_A_FILE
    },
    Format {
        name: "pdf",
        ending: "pdf",
        about: "a document for paper, A4",
        render: Render::Page(pdf::a4, None),
        ..IN_A_FILE
    },
    Format {
        name: "pdf-letter",
        ending: "letter.pdf",
        about: "a document for paper, US Letter",
        render: Render::Page(pdf::letter, None),
        ..IN_A_FILE
    },
    Format {
        name: "xlsx",
        ending: "xlsx",
        about: "a workbook, a sheet for each widget",
        cases: ShownCases::Listed,
        render: Render::Page(xlsx::page, Some(xlsx::widget)),
        ..IN_A_FILE
    },
    Format {
        name: "png",
        ending: "png",
        about: "a picture of pixels",
        render: Render::Page(png::page, Some(png::widget)),
        ..IN_A_FILE
    },
    Format {
        name: "svg",
        ending: "svg",
        about: "a picture that scales",
        render: Render::Page(svg::page, Some(svg::widget)),
        ..IN_A_FILE
    },
    Format {
        name: "markdown",
        ending: "md",
        about: "a summary to paste, with tables",
        render: Render::Page(markdown::page, Some(markdown::widget)),
        ..IN_A_FILE
    },
    Format {
        name: "terminal",
        ending: "txt",
        about: "a summary to read at once, with bars",
        is_read_at_once: true,
        render: Render::Page(terminal::page, Some(terminal::widget)),
        ..IN_A_FILE
    },
    Format {
        name: "csv",
        ending: "csv",
        about: "the rows of each widget, a file each",
        render: Render::Widgets(rows::csv),
        ..IN_A_FILE
    },
    Format {
        name: "parquet",
        ending: "parquet",
        about: "the rows of each widget, a file each",
        render: Render::Widgets(rows::parquet),
        ..IN_A_FILE
    },
    Format {
        name: "json",
        ending: "json",
        about: "everything that the page shows, for programs",
        cases: ShownCases::WithTimelines,
        render: Render::Page(json::page, Some(json::widget)),
        ..IN_A_FILE
    },
];

impl Format {
    /// The format of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Format> {
        FORMATS.iter().find(|format| format.name == name)
    }

    /// The files that show the whole page; `stem` is what their names begin with.
    ///
    /// # Errors
    /// When the page cannot be drawn.
    pub fn page(&self, page: &Page, stem: &str) -> Result<Vec<File>> {
        match self.render {
            Render::Page(render, _) => Ok(vec![self.file(stem, render(page)?)]),
            Render::Widgets(render) => {
                let stems = page.widget_stems();
                let files = page
                    .widgets()
                    .zip(stems)
                    .map(|(widget, own)| Ok(self.file(&format!("{stem}.{own}"), render(&page.scope, widget)?)));
                files.collect()
            }
        }
    }

    /// The file that shows one widget of a page, under a name or the widget's title.
    ///
    /// # Errors
    /// When the widget cannot be drawn, and of formats that only show whole pages.
    pub fn widget(&self, scope: &Scope, widget: &Widget, stem: Option<&str>) -> Result<File> {
        let (Render::Page(_, Some(render)) | Render::Widgets(render)) = self.render else {
            let able = FORMATS.iter().filter(|format| format.shows_widgets());
            let able: Vec<String> = able.map(|format| format!("`{}`", format.name)).collect();
            let error = Error::refused(format!("`{}` shows a whole page, not one widget", self.name));
            return Err(error.with_hint(format!("write `--format` with one of {}", able.join(", "))));
        };
        let stem = stem.map_or_else(|| file_stem(&widget.title), str::to_owned);
        Ok(self.file(&stem, render(scope, widget)?))
    }

    /// Whether it shows a widget alone.
    #[must_use]
    pub fn shows_widgets(&self) -> bool {
        matches!(self.render, Render::Page(_, Some(_)) | Render::Widgets(_))
    }

    fn file(&self, stem: &str, bytes: Vec<u8>) -> File {
        File { name: format!("{stem}.{}", self.ending), bytes }
    }
}
