//! What cases show only together (2.7): a user who is full is assigned another case, a customer's case is created while
//! another stands open.
//!
//! While cases are replayed, their steps are gathered in heaps, those of one user or of one customer in one heap. A heap
//! is small, so that it is quickly sorted, and one is swept beside the other. Only what one user or one customer comes to
//! must fit into memory.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use arrow::array::RecordBatch;
use foldhash::fast::FixedState;

use crate::error::Result;
use crate::facts::rows::Sheet;
use crate::facts::tables::FINDINGS;
use crate::model::case::history::History;
use crate::model::case::span::OpenSpan;
use crate::model::desk::Desk;
use crate::model::event::EventType;
use crate::model::finding::Rule;
use crate::model::position::{EventOrder, LogPosition};
use crate::replay::gather::{Gather, Hand};
use crate::replay::pack::{Pack, pack_enum, pack_struct};

/// Rows of findings that are handed over at once.
const BATCH_ROWS: usize = 1024;

/// The heaps.
pub struct Across {
    users: Arc<Gather>,
    customers: Arc<Gather>,
}

/// The case that a finding would be about, and how it would be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct About<'a> {
    pub case_id: &'a str,
    pub severity: &'a str,
}

/// What bears on the workload of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load<'a> {
    pub user: &'a str,
    pub how: Bearing<'a>,
}

/// How it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearing<'a> {
    /// From one position to another an open case is the user's; no second: still.
    Bears(LogPosition<'a>, Option<LogPosition<'a>>),
    /// A case is assigned automatically to the user, who can take so many.
    Asked(LogPosition<'a>, i64, About<'a>),
}

/// What happens to a user's workload. Sorts in the order in which it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Step<'a> {
    at: LogPosition<'a>,
    change: Change<'a>,
}

/// An assignment is judged before what it changes itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change<'a> {
    Asked(i64, About<'a>),
    Begins,
    Ends,
}

impl<'a> Step<'a> {
    fn all_of(how: Bearing<'a>) -> impl Iterator<Item = Step<'a>> {
        let (first, second) = match how {
            Bearing::Asked(at, capacity, about) => (Step { at, change: Change::Asked(capacity, about) }, None),
            Bearing::Bears(since, until) => {
                let end = until.map(|at| Step { at, change: Change::Ends });
                (Step { at: since, change: Change::Begins }, end)
            }
        };
        std::iter::once(first).chain(second)
    }
}

/// A stretch in which a case stands in the way of another of that customer and profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch<'a> {
    pub customer: &'a str,
    pub profile: &'a str,
    pub span: Span<'a>,
}

/// From when to when it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span<'a> {
    pub since: LogPosition<'a>,
    /// It begins with the creation of this case.
    pub created: Option<About<'a>>,
    /// None: still.
    pub until: Option<LogPosition<'a>>,
}

pack_struct!(About { case_id, severity });
pack_struct!(Load { user, how });
pack_struct!(Stretch { customer, profile, span });
pack_struct!(Span { since, created, until });

pack_enum!(Bearing {
    0 = Bears(since, until),
    1 = Asked(at, capacity, about),
});

impl Across {
    /// So many heaps for users and for customers each, which hold at most so many bytes in memory, filled by so many hands.
    #[must_use]
    pub fn new(heaps: usize, held_bytes_max: usize, hands: usize) -> Across {
        let heaps = || Gather::new(heaps.max(1), held_bytes_max / 2, hands);
        Across { users: heaps(), customers: heaps() }
    }

    /// How many heaps there are of each kind.
    #[must_use]
    pub fn heaps(&self) -> usize {
        self.users.heaps()
    }

    /// What puts steps onto the heaps, on one core.
    #[must_use]
    pub fn hand(&self) -> AcrossHand {
        let (users, customers) = (Hand::of(&self.users), Hand::of(&self.customers));
        AcrossHand { users, customers, heaps: self.heaps() as u64 }
    }

    /// Hands over the findings of the heaps at a position.
    ///
    /// # Errors
    /// When the temporary file cannot be read, and what `take` returns.
    pub fn find(&self, heap: usize, mut take: impl FnMut(&RecordBatch) -> Result<()>) -> Result<()> {
        let mut found = Sheet::new(FINDINGS.columns);
        let mut hand_over = |found: &mut Sheet, least: usize| {
            if found.rows() >= least { take(&found.finish()?) } else { Ok(()) }
        };
        let packed = self.users.take(heap)?;
        let mut by_user: HashMap<&str, Vec<Step<'_>>, FixedState> = HashMap::default();
        for load in packed.unpack() {
            let Load { user, how } = load?;
            by_user.entry(user).or_default().extend(Step::all_of(how));
        }
        for (user, mut steps) in sorted(by_user) {
            steps.sort_unstable();
            workload(user, &steps, &mut found);
            hand_over(&mut found, BATCH_ROWS)?;
        }
        let packed = self.customers.take(heap)?;
        let mut by_customer: HashMap<(&str, &str), Vec<Span<'_>>, FixedState> = HashMap::default();
        for stretch in packed.unpack() {
            let Stretch { customer, profile, span } = stretch?;
            by_customer.entry((customer, profile)).or_default().push(span);
        }
        // Most customers have one case.
        by_customer.retain(|_, spans| spans.len() > 1);
        for ((customer, profile), mut spans) in sorted(by_customer) {
            spans.sort_unstable();
            open_cases(customer, profile, &spans, &mut found);
            hand_over(&mut found, BATCH_ROWS)?;
        }
        hand_over(&mut found, 1)
    }
}

/// In the order of the keys.
fn sorted<K: Ord, V>(by_key: HashMap<K, V, FixedState>) -> Vec<(K, V)> {
    let mut sorted: Vec<(K, V)> = by_key.into_iter().collect();
    sorted.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
    sorted
}

/// Automatic assignments to a user who is full.
fn workload(user: &str, steps: &[Step<'_>], found: &mut Sheet) {
    let mut workload = 0_i64;
    for step in steps {
        match step.change {
            Change::Asked(capacity, about) if workload >= capacity => {
                let detail = format!("`{user}` had {workload} open cases; the capacity is {capacity}");
                push(found, step.at, about, EventType::CaseAssigned, Rule::OverCapacity, &detail);
            }
            Change::Asked(..) => {}
            Change::Begins => workload += 1,
            Change::Ends => workload -= 1,
        }
    }
}

/// Creations while another case of the customer with that profile stands open, however many there are.
fn open_cases(customer: &str, profile: &str, spans: &[Span<'_>], found: &mut Sheet) {
    let mut before: Option<&Span<'_>> = None;
    for span in spans {
        let open = before.filter(|before| before.until.is_none_or(|until| until > span.since));
        if let Some((about, _)) = span.created.zip(open) {
            let detail = format!("another case of customer `{customer}` with profile `{profile}` is not closed");
            push(found, span.since, about, EventType::CaseCreated, Rule::SecondOpenCase, &detail);
        }
        if before.is_none_or(|before| before.until.is_some_and(|last| span.until.is_none_or(|until| until > last))) {
            before = Some(span);
        }
    }
}

fn push(found: &mut Sheet, at: LogPosition<'_>, about: About<'_>, kind: EventType, rule: Rule, detail: &str) {
    let Some(EventOrder { time, source, id, .. }) = at.order().copied() else { return };
    found
        .row()
        .put(time)
        .put(source)
        .put(id)
        .put(about.case_id)
        .name(kind.name())
        .name(rule.name())
        .name(rule.effect().name())
        .put(about.severity)
        .put(detail);
}

/// What puts steps onto the heaps, on one core.
pub struct AcrossHand {
    users: Hand,
    customers: Hand,
    heaps: u64,
}

impl AcrossHand {
    /// Puts what a case does.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn add(&mut self, history: &History<'_>, desk: &Desk) -> Result<()> {
        for span in &history.load_spans {
            self.add_load(&Load { user: span.user, how: Bearing::Bears(span.since, span.until) })?;
        }
        for assignment in &history.automatic_assignments {
            let severity = desk.severity_at(Rule::OverCapacity, assignment.event.time);
            let about = About { case_id: history.case_id, severity };
            let how = Bearing::Asked(assignment.event.position(), assignment.capacity, about);
            self.add_load(&Load { user: assignment.agent, how })?;
        }
        let Some(created) = &history.created else { return Ok(()) };
        let severity = desk.severity_at(Rule::SecondOpenCase, created.at);
        let about = About { case_id: history.case_id, severity };
        for span in &history.open_spans {
            let OpenSpan { profile, since, until, .. } = *span;
            let span = Span { since, created: span.created.then_some(about), until };
            self.add_stretch(&Stretch { customer: created.creation.customer, profile, span })?;
        }
        Ok(())
    }

    /// Puts what bears on a user's workload.
    ///
    /// # Errors
    /// As [`AcrossHand::add`].
    pub fn add_load(&mut self, load: &Load<'_>) -> Result<()> {
        self.users.add(heap_of(load.user, self.heaps), load)
    }

    /// Puts a stretch in which a case stands in the way of others.
    ///
    /// # Errors
    /// As [`AcrossHand::add`].
    pub fn add_stretch(&mut self, stretch: &Stretch<'_>) -> Result<()> {
        self.customers.add(heap_of(stretch.customer, self.heaps), stretch)
    }

    /// Puts what it holds onto the heaps.
    ///
    /// # Errors
    /// As [`AcrossHand::add`].
    pub fn finish(self) -> Result<()> {
        self.users.finish()?;
        self.customers.finish()
    }
}

fn heap_of(name: &str, heaps: u64) -> usize {
    (FixedState::default().hash_one(name) % heaps) as usize
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;

    use super::*;
    use crate::model::time::Instant;

    fn at(time: i64) -> LogPosition<'static> {
        LogPosition::Of(EventOrder::new(Instant(time), EventType::CaseAssigned.rank(), 0, "s", "e"))
    }

    /// The same from one heap or from many, in memory or on disk, put in any order by several hands.
    #[test]
    fn who_is_full_and_whose_case_is_the_second() {
        let about = |case_id| About { case_id, severity: "warning" };
        let bears = |user, since, until: Option<i64>| Load { user, how: Bearing::Bears(at(since), until.map(at)) };
        let asked = |user, time, capacity, case| Load { user, how: Bearing::Asked(at(time), capacity, about(case)) };
        let loads = [
            // Ana can take two: the third is one too many, the fourth comes as the first ends.
            asked("ana", 1, 2, "A"),
            bears("ana", 1, Some(4)),
            asked("ana", 2, 2, "B"),
            bears("ana", 2, None),
            asked("ana", 3, 2, "C"),
            bears("ana", 3, Some(3)),
            asked("ana", 5, 2, "D"),
            asked("ben", 3, 1, "E"),
            asked("eve", 9, 0, "F"),
        ];
        let stretch = |customer, profile, since, until: Option<i64>, case_id: Option<&'static str>| {
            let span = Span { since: at(since), created: case_id.map(about), until: until.map(at) };
            Stretch { customer, profile, span }
        };
        let stretches = [
            stretch("zoe", "fb", 1, Some(5), Some("G")),
            stretch("zoe", "fb", 2, Some(3), Some("H")),
            stretch("zoe", "fb", 4, None, Some("I")),
            stretch("zoe", "fb", 6, None, None),
            // As long as the longest of all before.
            stretch("zoe", "fb", 7, Some(8), Some("M")),
            stretch("zoe", "x", 2, None, Some("J")),
            stretch("kim", "fb", 2, Some(4), Some("K")),
            stretch("kim", "fb", 4, Some(5), Some("L")),
            stretch("lea", "fb", 1, Some(3), Some("N")),
            stretch("lea", "fb", 2, Some(4), Some("O")),
        ];
        for (heaps, held_bytes_max, backwards) in [(1, 1 << 20, false), (5, 1 << 20, true), (3, 0, false)] {
            let across = Across::new(heaps, held_bytes_max, 2);
            let mut hands = [across.hand(), across.hand()];
            let turn = |n: usize, of: usize| if backwards { of - 1 - n } else { n };
            for n in 0..loads.len() {
                hands[n % 2].add_load(&loads[turn(n, loads.len())]).unwrap();
            }
            for n in 0..stretches.len() {
                hands[n % 2].add_stretch(&stretches[turn(n, stretches.len())]).unwrap();
            }
            hands.into_iter().for_each(|hand| hand.finish().unwrap());
            let mut found = Vec::new();
            for heap in 0..across.heaps() {
                across
                    .find(heap, |rows| {
                        let text = |position: usize| rows.column(position).as_string_view();
                        let (cases, rules, details) = (text(3), text(5), text(8));
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
            assert_eq!(found, expected, "{heaps} heaps");
        }
    }
}
