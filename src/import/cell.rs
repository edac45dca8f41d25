//! A cell of a foreign table, as a mapping names it.

use std::borrow::Cow;

/// The row a cell is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowChoice {
    /// The current row.
    Current,
    /// The first row of the case: the root of a thread.
    First,
}

/// A cell, and how its text is cleaned.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) column: usize,
    pub(super) row: RowChoice,
    pub(super) trim: bool,
    pub(super) lower: bool,
    pub(super) strip_prefix: String,
    pub(super) strip_suffix: String,
}

impl Cell {
    /// A cell of the current row whose text is taken as it is.
    pub(super) fn plain(column: usize) -> Cell {
        Cell {
            column,
            row: RowChoice::Current,
            trim: false,
            lower: false,
            strip_prefix: String::new(),
            strip_suffix: String::new(),
        }
    }

    /// The text as the mapping wants it.
    pub(super) fn cleaned<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let text = if self.trim { text.trim() } else { text };
        let text = text.strip_prefix(self.strip_prefix.as_str()).unwrap_or(text);
        let text = text.strip_suffix(self.strip_suffix.as_str()).unwrap_or(text);
        if self.lower { Cow::Owned(text.to_lowercase()) } else { Cow::Borrowed(text) }
    }
}
