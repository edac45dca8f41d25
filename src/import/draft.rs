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

/// A first mapping, and what it was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The text of the mapping.
    pub text: String,
    /// The columns of the export, or the paths of its documents.
    pub columns: Vec<String>,
}

/// A first mapping, which reads the export; `name` becomes the source of its events.
///
/// # Errors
/// When the export cannot be read, is neither a table nor JSON, or has no column of times.
pub fn draft(export: &Source, name: &str) -> Result<Draft> {
    let look = look::look(export)?;
    let roles = roles::of(&look).ok_or_else(|| {
        let message = "no column has the time of anything in a form that is known";
        Error::invalid(export.name(), message).with_hint("events need times; docs/mappings.md describes the formats")
    })?;
    let text = write::mapping(&look, &roles, name);
    Ok(Draft { text, columns: look.columns.into_iter().map(|column| column.name).collect() })
}
