//! Findings that cases show only together (2.7): a case is assigned automatically to a user who has as many as they can take,
//! or is created while another case of the customer is open.
//!
//! They follow from rows of three fact tables, [`OPEN_SPANS`], [`LOAD_SPANS`] and [`AUTOMATIC_ASSIGNMENTS`], as the kernel
//! gives them or as the facts hold them. The rows are partitioned, those of one user or of one customer into one partition.
//! A partition is small, so it is quickly sorted, and each core takes another. Only the rows of one user or one customer
//! must fit into memory.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::Int64Type;
use foldhash::fast::FixedState;

use crate::error::{Error, Result};
use crate::facts::columns::FactTable;
use crate::facts::rows::RowsBuilder;
use crate::facts::tables::{AUTOMATIC_ASSIGNMENTS, FindingRow, Findings, LOAD_SPANS, OPEN_SPANS};
use crate::model::event::EventType;
use crate::model::finding::Rule;
use crate::model::position::{EventOrder, LogPosition};
use crate::replay::exchange::pack::{Pack, pack_enum, pack_struct};
use crate::replay::exchange::partitions::{PartitionWriter, Partitions};

/// Rows of findings that are handed over at once.
const BATCH_ROWS: usize = 1024;

/// The tables from whose rows these findings follow.
pub const ACROSS_TABLES: [FactTable; 3] = [OPEN_SPANS, LOAD_SPANS, AUTOMATIC_ASSIGNMENTS];

/// The rows of users and of customers, partitioned.
pub struct Across {
    users: Arc<Partitions>,
    customers: Arc<Partitions>,
}

/// A log position as the facts hold it: a text that sorts as the log does.
type At<'a> = &'a str;

/// The case that a finding would be about, and how the finding would be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct FindingCase<'a> {
    case_id: &'a str,
    severity: &'a str,
}

/// A row about a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct OfUser<'a> {
    user: &'a str,
    row: UserRow<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UserRow<'a> {
    /// An open case is the user's from one position to another; without the second it still is.
    Load(At<'a>, Option<At<'a>>),
    /// A case is assigned automatically to the user, who has that capacity.
    Assigned(At<'a>, i64, FindingCase<'a>),
}

/// One change of a user's workload, or one automatic assignment. Sorts in the order in which they count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Step<'a> {
    at: At<'a>,
    change: Change<'a>,
}

/// An assignment is judged before the change that it makes itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change<'a> {
    Assigned(i64, FindingCase<'a>),
    LoadBegins,
    LoadEnds,
}

impl<'a> UserRow<'a> {
    fn steps(self) -> impl Iterator<Item = Step<'a>> {
        let (first, second) = match self {
            UserRow::Assigned(at, capacity, case) => (Step { at, change: Change::Assigned(capacity, case) }, None),
            UserRow::Load(since, until) => {
                let end = until.map(|at| Step { at, change: Change::LoadEnds });
                (Step { at: since, change: Change::LoadBegins }, end)
            }
        };
        std::iter::once(first).chain(second)
    }
}

/// A row about a customer and profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct OfCustomer<'a> {
    customer: &'a str,
    profile: &'a str,
    span: OpenSpan<'a>,
}

/// From when to when a case is open, so that another one should not be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct OpenSpan<'a> {
    since: At<'a>,
    /// The span begins with the creation of this case.
    created: Option<FindingCase<'a>>,
    /// None: the case is still open.
    until: Option<At<'a>>,
}

pack_struct!(FindingCase { case_id, severity });
pack_struct!(OfUser { user, row });
pack_struct!(OfCustomer { customer, profile, span });
pack_struct!(OpenSpan { since, created, until });

pack_enum!(UserRow {
    Load(since, until),
    Assigned(at, capacity, case),
});

impl Across {
    /// So many partitions of users and of customers each, which hold at most so many bytes in memory, filled by so many
    /// writers.
    #[must_use]
    pub fn new(partitions: usize, held_bytes_max: usize, writers: usize) -> Across {
        let partitions = || Partitions::new(partitions, held_bytes_max / 2, writers);
        Across { users: partitions(), customers: partitions() }
    }

    /// How many partitions there are of each kind.
    #[must_use]
    pub fn partitions(&self) -> usize {
        self.users.count()
    }

    /// What adds rows on one core.
    #[must_use]
    pub fn writer(&self) -> AcrossWriter {
        let (users, customers) = (PartitionWriter::new(&self.users), PartitionWriter::new(&self.customers));
        AcrossWriter { users, customers, partitions: self.partitions() as u64 }
    }

    /// Has `take` take the findings of one partition of users and one of customers.
    ///
    /// # Errors
    /// When the temporary file cannot be read, when the facts hold an invalid log position, and what `take` returns.
    pub fn find(&self, partition: usize, mut take: impl FnMut(&RecordBatch) -> Result<()>) -> Result<()> {
        let mut found = RowsBuilder::<Findings>::new();
        let mut pass_on = |found: &mut RowsBuilder<Findings>, least: usize| {
            if found.rows() >= least { take(&found.finish()?) } else { Ok(()) }
        };
        let items = self.users.take(partition)?;
        let mut by_user: HashMap<&str, Vec<Step<'_>>, FixedState> = HashMap::default();
        for item in items.items() {
            let OfUser { user, row } = item?;
            by_user.entry(user).or_default().extend(row.steps());
        }
        for (user, mut steps) in sorted(by_user) {
            steps.sort_unstable();
            find_over_capacity(user, &steps, &mut found)?;
            pass_on(&mut found, BATCH_ROWS)?;
        }
        let items = self.customers.take(partition)?;
        let mut by_customer: HashMap<(&str, &str), Vec<OpenSpan<'_>>, FixedState> = HashMap::default();
        for item in items.items() {
            let OfCustomer { customer, profile, span } = item?;
            by_customer.entry((customer, profile)).or_default().push(span);
        }
        // Most customers have one case.
        by_customer.retain(|_, spans| spans.len() > 1);
        for ((customer, profile), mut spans) in sorted(by_customer) {
            spans.sort_unstable();
            find_second_open_cases(customer, profile, &spans, &mut found)?;
            pass_on(&mut found, BATCH_ROWS)?;
        }
        pass_on(&mut found, 1)
    }
}

/// In the order of the keys.
fn sorted<K: Ord, V>(by_key: HashMap<K, V, FixedState>) -> Vec<(K, V)> {
    let mut sorted: Vec<(K, V)> = by_key.into_iter().collect();
    sorted.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
    sorted
}

/// Automatic assignments to a user whose workload is at the capacity or above.
fn find_over_capacity(user: &str, steps: &[Step<'_>], found: &mut RowsBuilder<Findings>) -> Result<()> {
    let mut workload = 0_i64;
    for step in steps {
        match step.change {
            Change::Assigned(capacity, case) if workload >= capacity => {
                let detail = format!("`{user}` had {workload} open cases; the capacity is {capacity}");
                push(found, step.at, case, EventType::CaseAssigned, Rule::OverCapacity, &detail)?;
            }
            Change::Assigned(..) => {}
            Change::LoadBegins => workload += 1,
            Change::LoadEnds => workload -= 1,
        }
    }
    Ok(())
}

/// Creations of cases while another case of the customer with that profile is open.
fn find_second_open_cases(
    customer: &str,
    profile: &str,
    spans: &[OpenSpan<'_>],
    found: &mut RowsBuilder<Findings>,
) -> Result<()> {
    // Of all spans before, the one that ends last.
    let mut before: Option<&OpenSpan<'_>> = None;
    for span in spans {
        let open = before.filter(|before| before.until.is_none_or(|until| until > span.since));
        if let Some((case, _)) = span.created.zip(open) {
            let detail = format!("another case of customer `{customer}` with profile `{profile}` is not closed");
            push(found, span.since, case, EventType::CaseCreated, Rule::SecondOpenCase, &detail)?;
        }
        if before.is_none_or(|before| before.until.is_some_and(|last| span.until.is_none_or(|until| until > last))) {
            before = Some(span);
        }
    }
    Ok(())
}

fn push(
    found: &mut RowsBuilder<Findings>,
    at: At<'_>,
    case: FindingCase<'_>,
    kind: EventType,
    rule: Rule,
    detail: &str,
) -> Result<()> {
    let mut source_buffer = String::new();
    let position = LogPosition::of_text(at, &mut source_buffer).ok_or_else(invalid_position)?;
    if let Some(EventOrder { time, source, id, .. }) = position.order().copied() {
        found.push(FindingRow {
            time: Some(time),
            source: Some(source),
            id: Some(id),
            case_id: Some(case.case_id),
            kind: Some(kind.name()),
            rule: Some(rule.name()),
            effect: Some(rule.effect().name()),
            severity: Some(case.severity),
            detail: Some(detail),
        });
    }
    Ok(())
}

/// The facts were damaged, or written by another program.
pub fn invalid_position() -> Error {
    Error::refused("invalid log position in the facts").with_hint("`casebook replay --full` writes all facts again")
}

/// Adds rows of fact tables to the partitions, on one core.
pub struct AcrossWriter {
    users: PartitionWriter,
    customers: PartitionWriter,
    partitions: u64,
}

impl AcrossWriter {
    /// Adds rows of a fact table; those of tables that are not needed are ignored.
    ///
    /// # Errors
    /// When the temporary file cannot be written, or a column is missing.
    pub fn add(&mut self, table: &FactTable, rows: &RecordBatch) -> Result<()> {
        match table.name {
            name if name == OPEN_SPANS.name => self.add_open_spans(rows),
            name if name == LOAD_SPANS.name => self.add_load_spans(rows),
            name if name == AUTOMATIC_ASSIGNMENTS.name => self.add_automatic_assignments(rows),
            _ => Ok(()),
        }
    }

    fn add_open_spans(&mut self, rows: &RecordBatch) -> Result<()> {
        let (customer, profile) = (texts(rows, "customer")?, texts(rows, "profile")?);
        let (since, until) = (texts(rows, "since_position")?, texts(rows, "until_position")?);
        let (created, case_id, severity) = (flags(rows, "created")?, texts(rows, "case_id")?, texts(rows, "severity")?);
        (0..rows.num_rows()).try_for_each(|row| {
            let case = FindingCase { case_id: case_id.value(row), severity: severity.value(row) };
            let created = created.value(row).then_some(case);
            let span = OpenSpan { since: since.value(row), created, until: text(until, row) };
            let (customer, profile) = (customer.value(row), profile.value(row));
            self.customers.add(self.partition_of(customer), &OfCustomer { customer, profile, span })
        })
    }

    fn add_load_spans(&mut self, rows: &RecordBatch) -> Result<()> {
        let (user, since, until) =
            (texts(rows, "user")?, texts(rows, "since_position")?, texts(rows, "until_position")?);
        (0..rows.num_rows())
            .try_for_each(|row| self.add_of_user(user.value(row), UserRow::Load(since.value(row), text(until, row))))
    }

    fn add_automatic_assignments(&mut self, rows: &RecordBatch) -> Result<()> {
        let (user, at) = (texts(rows, "user")?, texts(rows, "event_position")?);
        let (capacity, case_id, severity) =
            (numbers(rows, "capacity")?, texts(rows, "case_id")?, texts(rows, "severity")?);
        (0..rows.num_rows()).try_for_each(|row| {
            let case = FindingCase { case_id: case_id.value(row), severity: severity.value(row) };
            self.add_of_user(user.value(row), UserRow::Assigned(at.value(row), capacity.value(row), case))
        })
    }

    fn add_of_user(&mut self, user: &str, row: UserRow<'_>) -> Result<()> {
        self.users.add(self.partition_of(user), &OfUser { user, row })
    }

    fn partition_of(&self, name: &str) -> usize {
        (FixedState::default().hash_one(name) % self.partitions) as usize
    }

    /// Passes on what is still in the buffers.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn finish(self) -> Result<()> {
        self.users.finish()?;
        self.customers.finish()
    }
}

fn column<'r, T>(rows: &'r RecordBatch, name: &str, of: impl FnOnce(&'r dyn Array) -> Option<&'r T>) -> Result<&'r T> {
    let column = rows.column_by_name(name).and_then(|column| of(column.as_ref()));
    column.ok_or_else(|| Error::refused(format!("the facts have no column `{name}`, or one of another type")))
}

fn texts<'r>(rows: &'r RecordBatch, name: &str) -> Result<&'r StringViewArray> {
    column(rows, name, |column| column.as_string_view_opt())
}

fn flags<'r>(rows: &'r RecordBatch, name: &str) -> Result<&'r BooleanArray> {
    column(rows, name, |column| column.as_boolean_opt())
}

fn numbers<'r>(rows: &'r RecordBatch, name: &str) -> Result<&'r Int64Array> {
    column(rows, name, |column| column.as_primitive_opt::<Int64Type>())
}

fn text(column: &StringViewArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::tables::{
        AutomaticAssignmentRow, AutomaticAssignments, LoadSpanRow, LoadSpans, OpenSpanRow, OpenSpans,
    };
    use crate::model::time::Instant;

    fn at(time: i64) -> Option<LogPosition<'static>> {
        Some(LogPosition::Of(EventOrder::new(Instant(time), EventType::CaseAssigned.rank(), 0, "s", "e")))
    }

    fn load(user: &'static str, since: i64, until: Option<i64>) -> (FactTable, RecordBatch) {
        let mut rows = RowsBuilder::<LoadSpans>::new();
        let (since_position, until_position) = (at(since), until.and_then(at));
        rows.push(LoadSpanRow { case_id: None, user: Some(user), since_position, until_position });
        (LOAD_SPANS, rows.finish().unwrap())
    }

    fn assigned(user: &'static str, time: i64, capacity: i64, case_id: &'static str) -> (FactTable, RecordBatch) {
        let mut rows = RowsBuilder::<AutomaticAssignments>::new();
        rows.push(AutomaticAssignmentRow {
            case_id: Some(case_id),
            user: Some(user),
            event_position: at(time),
            capacity: Some(capacity),
            severity: Some("warning"),
        });
        (AUTOMATIC_ASSIGNMENTS, rows.finish().unwrap())
    }

    fn open(
        customer: &'static str,
        profile: &'static str,
        since: i64,
        until: Option<i64>,
        created: Option<&'static str>,
    ) -> (FactTable, RecordBatch) {
        let mut rows = RowsBuilder::<OpenSpans>::new();
        rows.push(OpenSpanRow {
            case_id: created,
            customer: Some(customer),
            profile: Some(profile),
            since_position: at(since),
            until_position: until.and_then(at),
            created: Some(created.is_some()),
            severity: Some("warning"),
        });
        (OPEN_SPANS, rows.finish().unwrap())
    }

    /// The same from one partition or from many, in memory or on disk, put in any order by several writers.
    #[test]
    fn users_over_capacity_and_second_open_cases_are_found() {
        let rows = [
            // Ana can take two: the third is one too many, the fourth comes as the first ends.
            assigned("ana", 1, 2, "A"),
            load("ana", 1, Some(4)),
            assigned("ana", 2, 2, "B"),
            load("ana", 2, None),
            assigned("ana", 3, 2, "C"),
            load("ana", 3, Some(3)),
            assigned("ana", 5, 2, "D"),
            assigned("ben", 3, 1, "E"),
            assigned("eve", 9, 0, "F"),
            open("zoe", "fb", 1, Some(5), Some("G")),
            open("zoe", "fb", 2, Some(3), Some("H")),
            open("zoe", "fb", 4, None, Some("I")),
            open("zoe", "fb", 6, None, None),
            // While the longest of all before is open.
            open("zoe", "fb", 7, Some(8), Some("M")),
            open("zoe", "x", 2, None, Some("J")),
            open("kim", "fb", 2, Some(4), Some("K")),
            open("kim", "fb", 4, Some(5), Some("L")),
            open("lea", "fb", 1, Some(3), Some("N")),
            open("lea", "fb", 2, Some(4), Some("O")),
        ];
        for (partitions, held_bytes_max, backwards) in [(1, 1 << 20, false), (5, 1 << 20, true), (3, 0, false)] {
            let across = Across::new(partitions, held_bytes_max, 2);
            let mut writers = [across.writer(), across.writer()];
            for n in 0..rows.len() {
                let (table, rows) = &rows[if backwards { rows.len() - 1 - n } else { n }];
                writers[n % 2].add(table, rows).unwrap();
            }
            writers.into_iter().for_each(|writer| writer.finish().unwrap());
            let mut found = Vec::new();
            for partition in 0..across.partitions() {
                across
                    .find(partition, |rows| {
                        let text = |name: &str| texts(rows, name).unwrap();
                        let (cases, rules, details) = (text("case_id"), text("rule"), text("detail"));
                        found
                            .extend((0..rows.num_rows()).map(|row| {
                                format!("{} {} {}", cases.value(row), rules.value(row), details.value(row))
                            }));
                        Ok(())
                    })
                    .unwrap();
            }
            found.sort_unstable();
            let another = |name| format!("another case of customer `{name}` with profile `fb` is not closed");
            let expected = [
                "C over_capacity `ana` had 2 open cases; the capacity is 2".to_owned(),
                "F over_capacity `eve` had 0 open cases; the capacity is 0".to_owned(),
                format!("H second_open_case {}", another("zoe")),
                format!("I second_open_case {}", another("zoe")),
                format!("M second_open_case {}", another("zoe")),
                format!("O second_open_case {}", another("lea")),
            ];
            assert_eq!(found, expected, "{partitions} partitions");
        }
    }
}
