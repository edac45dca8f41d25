//! A row and the first row of its case, from which cells are taken.

use std::borrow::Cow;

use super::cell::{Cell, RowChoice};

/// A row and the first row of its case, from which cells are taken.
#[derive(Clone, Copy)]
pub(super) struct RowView<'a> {
    pub(super) row: &'a [&'a str],
    pub(super) first: &'a [String],
}

impl<'a> RowView<'a> {
    /// A row of which the first of its case is not known.
    pub(super) fn of(row: &'a [&'a str]) -> RowView<'a> {
        RowView { row, first: &[] }
    }

    pub(super) fn text(self, cell: &Cell) -> Cow<'a, str> {
        match cell.row {
            RowChoice::Current => cell.text(self.row),
            RowChoice::First => cell.text(self.first),
        }
    }
}
