//! A dashboard or a widget as one SVG document, whose text is text.

use crate::error::Result;
use crate::report::draw::paint;
use crate::report::page::{Page, Scope, Widget};
use crate::report::picture::{self, Picture};

/// The whole dashboard.
///
/// # Errors
/// When the drawing library refuses.
pub(super) fn page(page: &Page) -> Result<Vec<u8>> {
    painted(&picture::of_page(page))
}

/// One widget.
///
/// # Errors
/// When the drawing library refuses.
pub(super) fn widget(scope: &Scope, widget: &Widget) -> Result<Vec<u8>> {
    painted(&picture::of_widget(scope, widget))
}

fn painted(Picture { sketch, width, height, title }: &Picture) -> Result<Vec<u8>> {
    Ok(paint::svg(sketch, *width, *height, title)?.into_bytes())
}
