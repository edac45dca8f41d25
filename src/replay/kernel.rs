//! The kernel of replay: sorted events of cases and the desk in, record batches of every fact table of cases out.
//!
//! It is pure: no I/O, no waiting, no state but the rows that have not been handed over and the next
//! number of a case. What reads events and what writes
//! tables is built around it. Some of the tables are not for queries but for the pass that looks across cases
//! ([`across`](super::across)) and for later refreshes.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Result;
use crate::model::case::Case;
use crate::model::desk::Desk;
use crate::model::event::CaseEvent;
use crate::replay::case_rows::{CaseTable, ReplayedCase, Take, case_tables};

/// Cases whose histories are handed to the tables together, and how many events they may have before that: so many stay in
/// the cache while each table takes its rows of them. One at a time takes a twelfth more of a replay, hundreds a sixth.
const CASES_AT_ONCE: usize = 16;
const EVENTS_AT_ONCE: usize = 4096;

/// Numbers the cases of a replay on all cores, each once and none left out.
#[derive(Debug)]
pub struct CaseNumbers {
    /// How many were taken.
    taken: AtomicU64,
    first: u64,
    step: u64,
}

impl Default for CaseNumbers {
    fn default() -> CaseNumbers {
        CaseNumbers::from(0)
    }
}

impl CaseNumbers {
    /// Numbers from that one on.
    #[must_use]
    pub fn from(first: u64) -> CaseNumbers {
        CaseNumbers { taken: AtomicU64::new(0), first, step: 1 }
    }

    /// Every `step`th number from `first` on: with as many steps as there are processes, none has a number of another.
    #[must_use]
    pub fn every(step: u64, first: u64) -> CaseNumbers {
        CaseNumbers { taken: AtomicU64::new(0), first, step }
    }

    /// The next numbers for that many cases.
    fn take(&self, cases: usize) -> impl Iterator<Item = u64> {
        let count = cases as u64;
        let taken = self.taken.fetch_add(count, Ordering::Relaxed);
        (taken..taken + count).map(|position| self.first + position * self.step)
    }

    /// The number of the next case.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.first + self.taken.load(Ordering::Relaxed) * self.step
    }
}

/// Replays cases and collects their rows, table by table.
pub struct Kernel<'d> {
    desk: &'d Desk,
    numbers: &'d CaseNumbers,
    tables: Vec<Box<dyn CaseTable>>,
}

impl<'d> Kernel<'d> {
    /// A kernel without rows.
    #[must_use]
    pub fn new(desk: &'d Desk, numbers: &'d CaseNumbers) -> Kernel<'d> {
        Kernel { desk, numbers, tables: case_tables() }
    }

    /// Replays the cases that `each_case` passes on one after the other: all events of a case, in the log's order (1.3).
    /// `take` takes rows as soon as a table has enough of them.
    ///
    /// # Errors
    /// What `each_case` and `take` return.
    pub fn replay<'e>(
        &mut self,
        each_case: impl FnOnce(&mut dyn FnMut(&[CaseEvent<'e>]) -> Result<()>) -> Result<()>,
        take: &mut Take<'_>,
    ) -> Result<()>
    where
        'd: 'e,
    {
        let (mut cases, mut events_of_them) = (Vec::with_capacity(CASES_AT_ONCE), 0);
        each_case(&mut |events| {
            let Some(first) = events.first() else { return Ok(()) };
            cases.push(ReplayedCase { number: 0, history: Case::replay(first.case_id, events, self.desk) });
            events_of_them += events.len();
            if cases.len() < CASES_AT_ONCE && events_of_them < EVENTS_AT_ONCE {
                return Ok(());
            }
            let pushed = self.push(&mut cases, take);
            cases.clear();
            events_of_them = 0;
            pushed
        })?;
        self.push(&mut cases, take)
    }

    /// Numbers some cases and adds their rows, one table after the other.
    fn push(&mut self, cases: &mut [ReplayedCase<'_>], take: &mut Take<'_>) -> Result<()> {
        let numbers = self.numbers.take(cases.len());
        cases.iter_mut().zip(numbers).for_each(|(case, number)| case.number = number);
        self.tables.iter_mut().try_for_each(|table| table.push(cases, self.desk, take))
    }

    /// Has `take` take the rows that are left.
    ///
    /// # Errors
    /// What `take` returns.
    pub fn finish(mut self, take: &mut Take<'_>) -> Result<()> {
        self.tables.iter_mut().try_for_each(|table| table.finish(take))
    }
}

/// The rows of events that are sorted by case and, within a case, by the log's order.
///
/// # Errors
/// What `take` returns.
pub fn replay(events: &[CaseEvent<'_>], desk: &Desk, take: &mut Take<'_>) -> Result<()> {
    let numbers = CaseNumbers::default();
    let mut kernel = Kernel::new(desk, &numbers);
    let mut cases = events.chunk_by(|left, right| left.case_id == right.case_id);
    kernel.replay(|case| cases.try_for_each(case), take)?;
    kernel.finish(take)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use arrow::compute::concat_batches;
    use arrow::util::pretty::pretty_format_batches;

    use super::*;
    use crate::facts::columns::CASE_NUMBER;
    use crate::facts::tables::CASE_TABLES;
    use crate::json::Json;
    use crate::model::desk::DeskEvent;
    use crate::model::event::{Creation, EventBody, EventType, Message, MessageKind, Status};
    use crate::model::time::Instant;

    /// A case that is created, assigned automatically, answered, resolved and reopened.
    fn case<'e>(case_id: &'e str, ids: &'e [String]) -> Vec<CaseEvent<'e>> {
        let message = Message {
            message: "m",
            kind: MessageKind::Public,
            text: Some("text"),
            sentiment: None,
            language: None,
            set_status: None,
            bot: false,
            mentions: None,
        };
        let all = [
            (
                EventType::CaseCreated,
                EventBody::Created(Creation { customer: "kim", profile: Some("fb"), ..Creation::default() }),
            ),
            (EventType::CaseAssigned, EventBody::Assigned { agent: "ana", automatic: true }),
            (EventType::MessageSent, EventBody::Message(message)),
            (EventType::CaseStatusChanged, EventBody::StatusChanged(Status::Done)),
            (EventType::MessageReceived, EventBody::Message(message)),
            (EventType::CaseAssigned, EventBody::Assigned { agent: "zoe", automatic: false }),
        ];
        let event = |((kind, body), (n, id)): ((EventType, EventBody<'e>), (usize, &'e String))| {
            let time = Instant(60_000 * n as i64);
            CaseEvent { case_id, time, sequence: 0, source: "s", id, kind, by: Some("ana"), body }
        };
        all.into_iter().zip(ids.iter().enumerate()).map(event).collect()
    }

    fn rows_of(parts: &[&[CaseEvent<'_>]], desk: &Desk) -> BTreeMap<&'static str, String> {
        let mut batches: BTreeMap<&'static str, Vec<_>> = BTreeMap::new();
        for part in parts {
            replay(part, desk, &mut |table, rows| {
                // Each part numbers its cases from 0 on.
                let mut rows = rows.clone();
                if let Ok(number) = rows.schema().index_of(CASE_NUMBER) {
                    rows.remove_column(number);
                }
                batches.entry(table.name).or_default().push(rows);
                Ok(())
            })
            .unwrap();
        }
        let text = |batches: Vec<_>| {
            let schema = batches.first().map(arrow::array::RecordBatch::schema).unwrap();
            pretty_format_batches(&[concat_batches(&schema, &batches).unwrap()]).unwrap().to_string()
        };
        batches.into_iter().map(|(table, batches)| (table, text(batches))).collect()
    }

    #[test]
    fn a_cut_between_cases_changes_no_row() {
        let data = r#"{"capacity":0,"auto_assign":true}"#;
        let user = DeskEvent {
            time: Instant(-1),
            source: "s",
            id: "u",
            kind: EventType::UserUpdated,
            subject: "ana",
            data: Json::parse(data).unwrap(),
        };
        let desk = Desk::replay([user]);
        let ids: Vec<String> = (0..6).map(|n| format!("e-{n}")).collect();
        let names: Vec<String> = (0..40).map(|n| format!("C-{n:02}")).collect();
        let events: Vec<CaseEvent<'_>> = names.iter().flat_map(|name| case(name, &ids)).collect();
        let whole = rows_of(&[&events], &desk);
        for cases in [1, 17, 39] {
            let (first, second) = events.split_at(cases * ids.len());
            assert_eq!(rows_of(&[first, second], &desk), whole);
        }
        let filled: Vec<&str> = whole.keys().copied().collect();
        let expected =
            ["assignments", "automatic_assignments", "cases", "lifetimes", "load_spans", "messages", "open_spans"];
        assert!(expected.iter().all(|table| filled.contains(table)), "{filled:?}");
        assert_eq!(whole["cases"].lines().count(), 40 + 4);
        assert!(filled.iter().all(|name| CASE_TABLES.iter().any(|table| table.name == *name)));
    }
}
