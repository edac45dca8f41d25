//! One row of a foreign table, as the mapping sees it.

use std::borrow::Cow;

use super::mapping::{CaseOf, Cell, Condition, Mapping, Test, Whose};

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
pub(super) struct Sight<'a> {
    pub(super) row: &'a [&'a str],
    pub(super) head: &'a [String],
}

impl<'a> Sight<'a> {
    pub(super) fn text(self, cell: &Cell) -> Cow<'a, str> {
        let text = match cell.whose {
            Whose::Row => self.row.get(cell.column).copied(),
            Whose::Head => self.head.get(cell.column).map(String::as_str),
        };
        cell.tidied(text.unwrap_or_default())
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

impl Cell {
    fn tidied<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let text = if self.trim { text.trim() } else { text };
        let text = text.strip_prefix(self.strip_prefix.as_str()).unwrap_or(text);
        let text = text.strip_suffix(self.strip_suffix.as_str()).unwrap_or(text);
        if self.lower { Cow::Owned(text.to_lowercase()) } else { Cow::Borrowed(text) }
    }
}

/// The case a row names, or its own id and its parent's in a thread.
pub(super) struct Belongs<'a> {
    pub(super) id: Cow<'a, str>,
    /// Absent in a row without one, and in a row that names itself.
    pub(super) parent: Option<Cow<'a, str>>,
}

impl Mapping {
    /// Whether every filter lets the row through.
    pub(super) fn lets_through(&self, cells: &[&str]) -> bool {
        let sight = Sight { row: cells, head: &[] };
        self.filters.iter().all(|filter| sight.meets(filter))
    }

    /// The row's instant and sequence, or what is wrong with them.
    pub(super) fn instant(&self, cells: &[&str]) -> Result<(i64, i64), String> {
        let sight = Sight { row: cells, head: &[] };
        let time_ms = self.time.read_ms(&sight.text(&self.time.cell))?;
        let sequence = self.sequence.as_ref().map_or(Ok(None), |cell| self.integer(cell, cells))?;
        Ok((time_ms, sequence.unwrap_or(0)))
    }

    /// A whole number, absent where the cell is empty.
    pub(super) fn integer(&self, cell: &Cell, cells: &[&str]) -> Result<Option<i64>, String> {
        let text = Sight { row: cells, head: &[] }.text(cell);
        let name = self.columns.get(cell.column).map_or("", |column| column.name.as_str());
        match text.as_ref() {
            "" => Ok(None),
            digits => {
                digits.parse().map(Some).map_err(|_| format!("`{name}`: found `{digits}`, expected a whole number"))
            }
        }
    }

    /// Where the row belongs; a row that names no case is malformed.
    pub(super) fn belongs<'a>(&self, cells: &'a [&'a str]) -> Result<Belongs<'a>, String> {
        let sight = Sight { row: cells, head: &[] };
        let (id, parent) = match &self.case {
            CaseOf::Column(id) => (id, None),
            CaseOf::Thread { id, parent } => (id, Some(sight.text(parent))),
        };
        let name = self.columns.get(id.column).map_or("", |column| column.name.as_str());
        let id = sight.text(id);
        if id.is_empty() {
            return Err(format!("`{name}` is empty, expected an id"));
        }
        let parent = parent.filter(|parent| !parent.is_empty() && *parent != id);
        Ok(Belongs { id, parent })
    }
}
