//! One row of a foreign table: the cells that the mapping names.

use std::borrow::Cow;

use super::cell::Cell;
use super::mapping::{CaseOf, Mapping, OrderKey};
use super::time_rule::TimeReading;
use super::view::RowView;

/// The reason why a row cannot be read, in words, as the error.
pub(super) type RowResult<T> = Result<T, String>;

/// What is known of a row once it has been read.
pub(super) struct Row<'a> {
    /// The cells in the mapping's order.
    pub(super) cells: Vec<&'a str>,
    /// 0 for a record itself, else the number of the `each` it is an element of.
    pub(super) level: usize,
    /// Which of the rows of its level of the record it is.
    pub(super) index: u64,
    pub(super) time: TimeReading,
    /// Of its record.
    pub(super) sequence: i64,
    /// A hash of the whole record, the level and the index.
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

/// The case a row names; its own id and its parent's in a thread; its own id and its conversation where messages are routed.
pub(super) struct Belongs<'a> {
    pub(super) id: Cow<'a, str>,
    /// Absent in a row without one, and in a row that names itself.
    pub(super) parent: Option<Cow<'a, str>>,
}

impl Mapping {
    /// Whether the row passes every filter.
    pub(super) fn accepts(&self, cells: &[&str]) -> bool {
        self.filters.iter().all(|filter| filter.holds(RowView::of(cells)))
    }

    /// The row's instant and sequence, or what is wrong with them.
    pub(super) fn instant(&self, cells: &[&str]) -> RowResult<(TimeReading, i64)> {
        let name = || self.cell_name(&self.time.cell);
        let moment = match self.time.read(RowView::of(cells)) {
            Ok(Some(moment)) => moment,
            Ok(None) => return Err(format!("`{}` is empty, expected a time", name())),
            Err((text, reason)) => return Err(format!("`{}` = `{text}`: {reason}", name())),
        };
        let sequence = self.sequence_cell().map_or(Ok(None), |cell| self.integer(cell, cells))?;
        Ok((moment, sequence.unwrap_or(0)))
    }

    /// The cell that orders the rows of one instant: that of `sequence`, else the first number of `order`.
    pub(super) fn sequence_cell(&self) -> Option<&Cell> {
        let of_order = |key: &'_ OrderKey| matches!(key, OrderKey::Integer(_));
        let first = self.order.iter().find(|key| of_order(key));
        let ordered = first.and_then(|key| if let OrderKey::Integer(cell) = key { Some(cell) } else { None });
        self.sequence.as_ref().or(ordered)
    }

    /// A whole number, absent where the cell is empty.
    pub(super) fn integer(&self, cell: &Cell, cells: &[&str]) -> RowResult<Option<i64>> {
        match RowView::of(cells).text(cell).as_ref() {
            "" => Ok(None),
            digits => digits
                .parse()
                .map(Some)
                .map_err(|_| format!("`{}`: found `{digits}`, expected a whole number", self.cell_name(cell))),
        }
    }

    /// Where the row belongs; a row that names no case is malformed.
    pub(super) fn belongs<'a>(&self, cells: &'a [&'a str]) -> RowResult<Belongs<'a>> {
        let view = RowView::of(cells);
        let (id, parent) = match &self.case {
            CaseOf::Column(id) | CaseOf::Route { message: id } => (id, None),
            CaseOf::Thread { id, parent } => (id, Some(view.text(parent))),
        };
        let cell = id;
        let id = view.text(cell);
        if id.is_empty() {
            return Err(format!("`{}` is empty, expected an id", self.cell_name(cell)));
        }
        let parent = parent.filter(|parent| !parent.is_empty() && *parent != id);
        Ok(Belongs { id, parent })
    }
}
