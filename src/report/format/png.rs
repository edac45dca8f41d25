//! A dashboard or a widget as one PNG file, two dots for a CSS pixel.

use crate::error::Result;
use crate::report::draw::paint;
use crate::report::page::{Page, Scope, Widget};
use crate::report::picture::{self, Picture};

/// The whole dashboard.
///
/// # Errors
/// When the drawing library refuses or the picture is too large.
pub(super) fn page(page: &Page) -> Result<Vec<u8>> {
    painted(&picture::of_page(page))
}

/// One widget.
///
/// # Errors
/// When the drawing library refuses or the picture is too large.
pub(super) fn widget(scope: &Scope, widget: &Widget) -> Result<Vec<u8>> {
    painted(&picture::of_widget(scope, widget))
}

fn painted(picture: &Picture) -> Result<Vec<u8>> {
    Ok(paint::bitmap(&picture.sketch, picture.width, picture.height)?)
}
