//! The rows of one case after another, in order: what is first, what repeats, which cases are left out.

use super::event::{CaseState, Emit, EventWriter};
use super::mapping::{Mapping, OrderKey};
use super::row::Row;
use super::tally::{Tally, count};
use super::view::RowView;
use crate::error::Result;

/// Writes the events of ordered rows. Holds one case's first row and nothing that grows with the input.
pub(super) struct CaseWriter<'m> {
    mapping: &'m Mapping,
    writer: EventWriter<'m>,
    case: Option<String>,
    first_row: Vec<String>,
    left_out: bool,
    state: CaseState,
    last: Option<u128>,
}

impl<'m> CaseWriter<'m> {
    pub(super) fn new(mapping: &'m Mapping, writer: EventWriter<'m>) -> Self {
        Self {
            mapping,
            writer,
            case: None,
            first_row: Vec::new(),
            left_out: false,
            state: CaseState::default(),
            last: None,
        }
    }

    /// Takes the next row; rows of a case come together, its first row first, equal rows one after the other.
    pub(super) fn row(&mut self, case: &str, row: &Row<'_>, tally: &mut Tally, emit: Emit<'_>) -> Result<()> {
        self.state.first = self.case.as_deref() != Some(case);
        if self.state.first {
            self.begin(case, row, tally);
        }
        if self.last.replace(row.hash) == Some(row.hash) {
            if !self.mapping.key.is_empty() {
                tally.rows_repeated += u64::from(row.level == 0);
                return Ok(());
            }
            self.state.copies += 1;
        } else {
            self.state.copies = 0;
        }
        if self.left_out {
            return Ok(());
        }
        self.state.rank = if self.state.rank_ms == Some(row.time.ms) { self.state.rank + 1 } else { 0 };
        self.state.rank_ms = Some(row.time.ms);
        self.writer.row(case, row, &self.first_row, &mut self.state, tally, emit)
    }

    fn begin(&mut self, case: &str, row: &Row<'_>, tally: &mut Tally) {
        self.case = Some(case.to_owned());
        self.first_row = row.cells.iter().map(|cell| (*cell).to_owned()).collect();
        self.last = None;
        let is_chain = self.mapping.order.first().is_some_and(|key| !matches!(key, OrderKey::Time));
        self.state =
            CaseState { before: vec![None; self.mapping.events.len()], first: true, is_chain, ..CaseState::default() };
        let view = RowView { row: &row.cells, first: &self.first_row };
        let reason = self.mapping.leave_out.iter().find(|reason| reason.condition.holds(view));
        self.left_out = reason.is_some();
        match reason {
            Some(reason) => count(&mut tally.cases_left_out, &reason.name),
            None => *tally.cases.get_or_insert(0) += 1,
        }
    }
}
