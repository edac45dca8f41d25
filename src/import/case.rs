//! The rows of one case after another, in order: what is first, what repeats, which cases are left out.

use super::Emit;
use super::error::ImportError;
use super::event::{Watch, Writer};
use super::mapping::Mapping;
use super::row::{Row, Sight};
use super::tally::{Tally, count};

/// Follows the ordered rows. Holds one case's first row and nothing that grows with the input.
pub(super) struct Follow<'m> {
    mapping: &'m Mapping,
    writer: Writer<'m>,
    case: Option<String>,
    head: Vec<String>,
    left_out: bool,
    watch: Watch,
    last: Option<u128>,
}

impl<'m> Follow<'m> {
    pub(super) fn new(mapping: &'m Mapping, writer: Writer<'m>) -> Self {
        Self { mapping, writer, case: None, head: Vec::new(), left_out: false, watch: Watch::default(), last: None }
    }

    /// Takes the next row; rows of a case come together, its head first, equal rows one after the other.
    pub(super) fn row(
        &mut self,
        case: &str,
        row: &Row<'_>,
        tally: &mut Tally,
        emit: Emit<'_>,
    ) -> Result<(), ImportError> {
        self.watch.first = self.case.as_deref() != Some(case);
        if self.watch.first {
            self.begin(case, row, tally);
        }
        if self.last.replace(row.hash) == Some(row.hash) {
            if !self.mapping.key.is_empty() {
                tally.rows_repeated += 1;
                return Ok(());
            }
            self.watch.copies += 1;
        } else {
            self.watch.copies = 0;
        }
        if self.left_out {
            return Ok(());
        }
        self.writer.row(case, row, &self.head, &mut self.watch, tally, emit)
    }

    fn begin(&mut self, case: &str, row: &Row<'_>, tally: &mut Tally) {
        self.case = Some(case.to_owned());
        self.head = row.cells.iter().map(|cell| (*cell).to_owned()).collect();
        self.last = None;
        self.watch.before = vec![None; self.mapping.events.len()];
        let sight = Sight { row: &row.cells, head: &self.head };
        let reason = self.mapping.leave_out.iter().find(|reason| sight.meets(&reason.condition));
        self.left_out = reason.is_some();
        match reason {
            Some(reason) => count(&mut tally.cases_left_out, reason.name.clone()),
            None => *tally.cases.get_or_insert(0) += 1,
        }
    }
}
