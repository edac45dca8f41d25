//! The rows of one case after another, in order: what is first, what repeats, which cases are left out.

use std::borrow::Cow;

use super::event::{CaseState, Emit, EventWriter};
use super::mapping::{CaseOf, Mapping, OrderKey};
use super::route::{NO_CASE, Place, Router};
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
    router: Router<'m>,
}

impl<'m> CaseWriter<'m> {
    pub(super) fn new(mapping: &'m Mapping, writer: EventWriter<'m>) -> Self {
        let router = Router::new(writer.known_cases(), mapping.grace_period_ms());
        Self {
            mapping,
            writer,
            router,
            case: None,
            first_row: Vec::new(),
            left_out: false,
            state: CaseState::default(),
            last: None,
        }
    }

    /// Takes the next row; rows of a group come together, its first row first, equal rows one after the other. A group is a case or,
    /// where messages are routed, a conversation.
    pub(super) fn row(&mut self, group: &str, row: &Row<'_>, tally: &mut Tally, emit: Emit<'_>) -> Result<()> {
        let Some((case, is_first)) = self.place(group, row) else {
            count(&mut tally.rows_left_out, NO_CASE);
            return Ok(());
        };
        let case = case.as_ref();
        if self.case.as_deref() != Some(case) {
            self.begin(case, row, tally);
        }
        self.state.first = is_first;
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
        self.writer.row(case, row, &self.first_row, &mut self.state, tally, emit)?;
        self.state.happened.drain(..).for_each(|event| self.router.follow(event));
        Ok(())
    }

    /// The case of a row, and whether the row is its first; none where the row belongs to no case.
    fn place<'a>(&mut self, group: &'a str, row: &Row<'_>) -> Option<(Cow<'a, str>, bool)> {
        let CaseOf::Route { message } = &self.mapping.case else {
            return Some((Cow::Borrowed(group), self.case.as_deref() != Some(group)));
        };
        let message = RowView::of(&row.cells).text(message);
        let writer = &self.writer;
        let Place { case, opens } = self.router.place(group, &message, row.time.ms, || writer.is_received(row))?;
        Some((Cow::Owned(case), opens && row.level == 0))
    }

    fn begin(&mut self, case: &str, row: &Row<'_>, tally: &mut Tally) {
        self.case = Some(case.to_owned());
        self.first_row = row.cells.iter().map(|cell| (*cell).to_owned()).collect();
        self.last = None;
        let is_chain = self.mapping.order.first().is_some_and(|key| !matches!(key, OrderKey::Time));
        let rules = self.mapping.events.len();
        self.state = CaseState { before: vec![None; rules], met: vec![false; rules], is_chain, ..CaseState::default() };
        let view = RowView { row: &row.cells, first: &self.first_row };
        let reason = self.mapping.leave_out.iter().find(|reason| reason.condition.holds(view));
        self.left_out = reason.is_some();
        match reason {
            Some(reason) => count(&mut tally.cases_left_out, &reason.name),
            None => *tally.cases.get_or_insert(0) += 1,
        }
    }
}
