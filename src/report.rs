//! Reports.

pub mod draw;
pub mod html;
pub mod page;
pub mod palette;
