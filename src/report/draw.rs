//! Drawing without pages: a sketch of shapes, the layout of text, and the painter that turns a sketch into SVG or PNG.
//!
//! Layout makes a [`sketch::Sketch`] and never fails; [`paint`] turns it into bytes and is the only file that names
//! plotters. The same sketch is always the same bytes: no clock, no random name, no font of the machine.

pub mod fonts;
pub mod paint;
mod png;
pub mod sketch;
pub mod text_layout;
