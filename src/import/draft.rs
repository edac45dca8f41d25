//! A first mapping for an export: what its columns hold, as comments, and the rules that this suggests.
//!
//! `look` reads the export, `times` finds the formats of its times, `roles` guesses what its columns are, `write` puts the text of a
//! mapping together. What cannot be known from the cells, such as the zone of times, is a comment in the text.

mod look;
mod roles;
mod times;
mod write;

use crate::error::{Error, Result};
use crate::input::source::Source;

/// The text of a first mapping, which reads the export; `name` becomes the source of its events.
///
/// # Errors
/// When the export cannot be read, is neither a table nor JSON, or has no column of times.
pub fn draft(export: &Source, name: &str) -> Result<String> {
    let look = look::look(export)?;
    let roles = roles::of(&look).ok_or_else(|| {
        let message = "no column has the time of anything in a form that is known";
        Error::invalid(export.name(), message).with_hint("events need times; docs/mappings.md describes the formats")
    })?;
    Ok(write::mapping(&look, &roles, name))
}
