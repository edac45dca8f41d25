//! The formats of a page, in one list. Each has a file of its own, with functions from a page or a widget to bytes.
//!
//! A new format is that file and one entry in [`FORMATS`]; the command line reads the list.

mod html;
mod png;
mod svg;

use super::page::{Page, Widget};
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
    page: Render<Page>,
    widget: Option<Render<Widget>>,
}

type Render<T> = fn(&T) -> Result<Vec<u8>>;

/// Every format; the first is the default.
pub const FORMATS: &[Format] = &[
    Format {
        name: "html",
        ending: "html",
        about: "one file for a browser, without network",
        page: html::page,
        widget: None,
    },
    Format { name: "png", ending: "png", about: "a picture of pixels", page: png::page, widget: Some(png::widget) },
    Format { name: "svg", ending: "svg", about: "a picture that scales", page: svg::page, widget: Some(svg::widget) },
];

impl Format {
    /// The format of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Format> {
        FORMATS.iter().find(|format| format.name == name)
    }

    /// The bytes of a file that shows the whole page.
    ///
    /// # Errors
    /// When the page cannot be drawn.
    pub fn page(&self, page: &Page) -> Result<Vec<u8>> {
        (self.page)(page)
    }

    /// The bytes of a file that shows one widget.
    ///
    /// # Errors
    /// When the widget cannot be drawn, and of formats that only show whole pages.
    pub fn widget(&self, widget: &Widget) -> Result<Vec<u8>> {
        let Some(render) = self.widget else {
            let able = FORMATS.iter().filter(|format| format.widget.is_some());
            let able: Vec<String> = able.map(|format| format!("`--format {}`", format.name)).collect();
            let error = Error::refused(format!("`{}` shows a whole page, not one widget", self.name));
            return Err(error.with_hint(format!("add {}", able.join(" or "))));
        };
        render(widget)
    }
}
