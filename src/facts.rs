//! The fact tables: their columns, the rows that replay puts into them, and the files that hold them.
//!
//! [`tables`] declares every table of [`columns`]; [`rows`] builds record batches of them; [`manifest`] names the files that are the
//! facts of a store; [`layers`] reads them as tables.

pub mod columns;
pub mod layers;
pub mod manifest;
pub mod rows;
pub mod tables;
pub mod vacuum;
