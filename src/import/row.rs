//! One row of a foreign table: the cells that the mapping names.

use std::borrow::Cow;

use super::cell::{Cell, RowChoice};
use super::mapping::{CaseOf, Condition, Mapping, Test};

/// The reason why a row cannot be read, in words, as the error.
pub(super) type RowResult<T> = Result<T, String>;

/// What is known of a row once it has been read.
pub(super) struct Row<'a> {
    /// The cells in the mapping's order.
    pub(super) cells: Vec<&'a str>,
    pub(super) time_ms: i64,
    pub(super) sequence: i64,
    /// A hash of the whole record.
    pub(super) hash: u128,
    pub(super) place: Place,
}

/// Where a row was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Number of the input.
    pub(super) file: u32,
    pub(super) line: u64,
    pub(super) offset: u64,
}

/// A row and the first row of its case, from which cells are taken.
#[derive(Clone, Copy)]
pub(super) struct RowView<'a> {
    pub(super) row: &'a [&'a str],
    pub(super) first: &'a [String],
}

impl<'a> RowView<'a> {
    pub(super) fn text(self, cell: &Cell) -> Cow<'a, str> {
        let text = match cell.row {
            RowChoice::Current => self.row.get(cell.column).copied(),
            RowChoice::First => self.first.get(cell.column).map(String::as_str),
        };
        cell.cleaned(text.unwrap_or_default())
    }

    pub(super) fn meets(self, condition: &Condition) -> bool {
        let text = self.text(&condition.cell);
        match &condition.test {
            Test::In(known) => known.iter().any(|known| *known == text),
            Test::NotIn(known) => known.iter().all(|known| *known != text),
            Test::Empty(empty) => text.is_empty() == *empty,
        }
    }
}

/// The case a row names, or its own id and its parent's in a thread.
pub(super) struct Belongs<'a> {
    pub(super) id: Cow<'a, str>,
    /// Absent in a row without one, and in a row that names itself.
    pub(super) parent: Option<Cow<'a, str>>,
}

impl Mapping {
    /// Whether the row passes every filter.
    pub(super) fn accepts(&self, cells: &[&str]) -> bool {
        let view = RowView { row: cells, first: &[] };
        self.filters.iter().all(|filter| view.meets(filter))
    }

    /// The row's instant and sequence, or what is wrong with them.
    pub(super) fn instant(&self, cells: &[&str]) -> RowResult<(i64, i64)> {
        let view = RowView { row: cells, first: &[] };
        let time_ms = self.time.read_ms(&view.text(&self.time.cell))?;
        let sequence = self.sequence.as_ref().map_or(Ok(None), |cell| self.integer(cell, cells))?;
        Ok((time_ms, sequence.unwrap_or(0)))
    }

    /// A whole number, absent where the cell is empty.
    pub(super) fn integer(&self, cell: &Cell, cells: &[&str]) -> RowResult<Option<i64>> {
        let text = RowView { row: cells, first: &[] }.text(cell);
        let name = self.columns.get(cell.column).map_or("", |column| column.name.as_str());
        match text.as_ref() {
            "" => Ok(None),
            digits => {
                digits.parse().map(Some).map_err(|_| format!("`{name}`: found `{digits}`, expected a whole number"))
            }
        }
    }

    /// Where the row belongs; a row that names no case is malformed.
    pub(super) fn belongs<'a>(&self, cells: &'a [&'a str]) -> RowResult<Belongs<'a>> {
        let view = RowView { row: cells, first: &[] };
        let (id, parent) = match &self.case {
            CaseOf::Column(id) => (id, None),
            CaseOf::Thread { id, parent } => (id, Some(view.text(parent))),
        };
        let name = self.columns.get(id.column).map_or("", |column| column.name.as_str());
        let id = view.text(id);
        if id.is_empty() {
            return Err(format!("`{name}` is empty, expected an id"));
        }
        let parent = parent.filter(|parent| !parent.is_empty() && *parent != id);
        Ok(Belongs { id, parent })
    }
}
