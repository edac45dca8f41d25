//! A widget or a whole dashboard as one picture: cards on a grid, as a sketch that SVG and PNG are painted from.

mod card;
mod dashboard;

use super::draw::sketch::Sketch;
use super::page::{Page, Scope, Widget};

/// A sketch and its size in CSS pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub sketch: Sketch,
    pub width: f64,
    pub height: f64,
    /// What it shows, in words.
    pub title: String,
}

/// The whole page.
#[must_use]
pub fn of_page(page: &Page) -> Picture {
    let (sketch, width, height) = dashboard::of_page(page);
    Picture { sketch, width, height, title: page.title.clone() }
}

/// One widget: its card, as wide as on its page.
#[must_use]
pub fn of_widget(scope: &Scope, widget: &Widget) -> Picture {
    let (sketch, width, height) = dashboard::of_widget(scope, widget);
    Picture { sketch, width, height, title: widget.title.clone() }
}
