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
        // The lifetime of the text is that of the rows: owned where the cell puts it together.
        let text = match cell.row {
            RowChoice::Current => {
                cell.column().map(|column| cell.cleaned(self.row.get(column).copied().unwrap_or_default()))
            }
            RowChoice::First => {
                cell.column().map(|column| cell.cleaned(self.first.get(column).map_or("", String::as_str)))
            }
        };
        text.unwrap_or_else(|| match cell.row {
            RowChoice::Current => Cow::Owned(cell.put_together(self.row)),
            RowChoice::First => Cow::Owned(cell.put_together(self.first)),
        })
    }
}
