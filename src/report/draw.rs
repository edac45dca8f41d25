//! A report as pictures: one chart, one widget or a whole dashboard, as SVG or PNG.
//!
//! Layout (`chart`, `card`, `sheet`) turns the plain value of a report into a `sketch::Sketch` of shapes and never
//! fails; `paint` turns a sketch into SVG or pixels and is the only file that names plotters. The same report is the
//! same bytes: no clock, no random name, no font of the machine.

mod bars;
mod card;
mod chart;
mod heatmap;
mod lettering;
mod lines;
mod paint;
mod png;
mod sheet;
mod sketch;

pub use card::{arrow, verdict_word};
pub use paint::escaped;

use super::page::{Chart, Page, Widget};

/// What keeps a picture from being drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    /// The drawing library refused.
    #[error("cannot draw the picture: {0}")]
    Backend(String),
    /// The picture would not fit in memory.
    #[error("a picture of {width} by {height} dots is too large; ask for SVG or HTML, or for fewer widgets")]
    TooLarge { width: u32, height: u32 },
    /// The font that travels inside the program could not be read.
    #[error("cannot read the font inside the program")]
    Font,
}

/// One chart as SVG, for a file of its own or inside HTML. The size is in CSS pixels; the picture scales.
///
/// # Errors
/// When the drawing library refuses.
pub fn chart_svg(chart: &Chart, size: (u32, u32)) -> Result<String, DrawError> {
    let (width, height) = (f64::from(size.0), f64::from(size.1));
    paint::svg(&chart::sketch(chart, width, height), width, height, &chart::spoken(chart))
}

/// The height in CSS pixels that suits a chart of this width.
pub fn chart_height(chart: &Chart, width: u32) -> u32 {
    chart::height(chart, width)
}

/// One widget as an SVG document: its card, as on the dashboard.
///
/// # Errors
/// When the drawing library refuses.
pub fn widget_svg(widget: &Widget) -> Result<String, DrawError> {
    let (sketch, width, height) = sheet::of_widget(widget);
    paint::svg(&sketch, width, height, &widget.title)
}

/// One widget as a PNG file, two dots for a CSS pixel.
///
/// # Errors
/// When the drawing library refuses or the picture is too large.
pub fn widget_png(widget: &Widget) -> Result<Vec<u8>, DrawError> {
    let (sketch, width, height) = sheet::of_widget(widget);
    paint::bitmap(&sketch, width, height)
}

/// A whole dashboard as one SVG document.
///
/// # Errors
/// When the drawing library refuses.
pub fn page_svg(page: &Page) -> Result<String, DrawError> {
    let (sketch, width, height) = sheet::of_page(page);
    paint::svg(&sketch, width, height, &page.title)
}

/// A whole dashboard as one PNG file, two dots for a CSS pixel.
///
/// # Errors
/// When the drawing library refuses or the picture is too large.
pub fn page_png(page: &Page) -> Result<Vec<u8>, DrawError> {
    let (sketch, width, height) = sheet::of_page(page);
    paint::bitmap(&sketch, width, height)
}
