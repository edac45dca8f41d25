//! What cases show only together (2.7): a user who is full is assigned another case, a customer's case is created while
//! another stands open.
//!
//! While cases are replayed, their steps are gathered in heaps, those of one user or of one customer in one heap. A heap
//! is small, so that it is quickly sorted, and one is swept beside the other. Only what one user or one customer comes to
//! must fit into memory.

use std::hash::BuildHasher;
use std::sync::Arc;

use arrow::array::RecordBatch;
use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use super::gather::{Gather, Hand};
use super::sheet::Sheet;
use super::tables::FINDINGS;
use crate::error::Result;
use crate::model::case::history::History;
use crate::model::desk::Desk;
use crate::model::event::{EventType, Position};
use crate::model::finding::Rule;

/// Rows of findings that are handed over at once.
const BATCH_ROWS: usize = 1024;

/// The heaps.
pub struct Across {
    users: Arc<Gather>,
    customers: Arc<Gather>,
}

/// The case that a finding would be about, and how it would be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct About<'a> {
    pub case_id: &'a str,
    pub severity: &'a str,
}

/// What bears on the workload of a user. Places of the log are texts that sort as the log does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Load<'a> {
    /// From place to place an open case is the user's; no second: still.
    Bears(&'a str, &'a str, Option<&'a str>),
    /// A case is assigned automatically to the user, who can take so many.
    Asked(&'a str, &'a str, i64, #[serde(borrow)] About<'a>),
}

impl Load<'_> {
    fn user(&self) -> &str {
        match self {
            Load::Bears(user, ..) | Load::Asked(user, ..) => user,
        }
    }
}

/// What happens to a user's workload. Sorts in the order in which it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Step<'a> {
    user: &'a str,
    place: &'a str,
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
    fn all_of(load: Load<'a>) -> impl Iterator<Item = Step<'a>> {
        let (first, second) = match load {
            Load::Asked(user, place, capacity, about) => {
                (Step { user, place, change: Change::Asked(capacity, about) }, None)
            }
            Load::Bears(user, since, until) => {
                let end = until.map(|place| Step { user, place, change: Change::Ends });
                (Step { user, place: since, change: Change::Begins }, end)
            }
        };
        std::iter::once(first).chain(second)
    }
}

/// A stretch, from place to place, in which a case stands in the way of another of that customer and profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stretch<'a> {
    pub customer: &'a str,
    pub profile: &'a str,
    pub since: &'a str,
    pub until: &'a str,
    /// It begins with the creation of this case.
    #[serde(borrow)]
    pub created: Option<About<'a>>,
}

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
        AcrossHand { users, customers, heaps: self.heaps() as u64, since: String::new(), until: String::new() }
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
        let mut steps: Vec<Step<'_>> = Vec::new();
        for load in packed.unpack() {
            steps.extend(Step::all_of(load?));
        }
        steps.sort_unstable();
        for steps in steps.chunk_by(|step, next| step.user == next.user) {
            workload(steps, &mut found);
            hand_over(&mut found, BATCH_ROWS)?;
        }
        let packed = self.customers.take(heap)?;
        let mut stretches: Vec<Stretch<'_>> = packed.unpack().collect::<Result<_>>()?;
        stretches.sort_unstable();
        for stretches in stretches.chunk_by(|one, next| (one.customer, one.profile) == (next.customer, next.profile)) {
            open_cases(stretches, &mut found);
            hand_over(&mut found, BATCH_ROWS)?;
        }
        hand_over(&mut found, 1)
    }
}

/// Automatic assignments to a user who is full.
fn workload(steps: &[Step<'_>], found: &mut Sheet) {
    let mut workload = 0_i64;
    for step in steps {
        match step.change {
            Change::Asked(capacity, about) if workload >= capacity => {
                let detail = format!("`{}` had {workload} open cases; the capacity is {capacity}", step.user);
                push(found, step.place, about, EventType::CaseAssigned, Rule::OverCapacity, &detail);
            }
            Change::Asked(..) => {}
            Change::Begins => workload += 1,
            Change::Ends => workload -= 1,
        }
    }
}

/// Creations while another case of the customer with that profile stands open, however many there are.
fn open_cases(stretches: &[Stretch<'_>], found: &mut Sheet) {
    let mut open_until = "";
    for stretch in stretches {
        if let Some(about) = stretch.created.filter(|_| open_until > stretch.since) {
            let (customer, profile) = (stretch.customer, stretch.profile);
            let detail = format!("another case of customer `{customer}` with profile `{profile}` is not closed");
            push(found, stretch.since, about, EventType::CaseCreated, Rule::SecondOpenCase, &detail);
        }
        open_until = open_until.max(stretch.until);
    }
}

fn push(found: &mut Sheet, place: &str, about: About<'_>, kind: EventType, rule: Rule, detail: &str) {
    let Some((time, source, id)) = Position::event_of_text(place) else { return };
    found
        .row()
        .put(time)
        .put(source.as_ref())
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
    since: String,
    until: String,
}

impl AcrossHand {
    /// Puts what a case does.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn add(&mut self, history: &History<'_>, desk: &Desk) -> Result<()> {
        let (mut since, mut until) = (std::mem::take(&mut self.since), std::mem::take(&mut self.until));
        for span in &history.load_spans {
            let until = span.until.map(|place| text_in(&mut until, place));
            self.add_load(&Load::Bears(span.user, text_in(&mut since, span.since), until))?;
        }
        for assignment in &history.automatic_assignments {
            let severity = desk.severity_at(Rule::OverCapacity, assignment.event.time);
            let about = About { case_id: history.case_id, severity };
            let place = text_in(&mut since, assignment.event.position());
            self.add_load(&Load::Asked(assignment.agent, place, assignment.capacity, about))?;
        }
        if let Some(created) = &history.created {
            let severity = desk.severity_at(Rule::SecondOpenCase, created.at);
            let about = About { case_id: history.case_id, severity };
            for span in &history.open_spans {
                self.add_stretch(&Stretch {
                    customer: created.creation.customer,
                    profile: span.profile,
                    since: text_in(&mut since, span.since),
                    until: span.until.map_or(Position::END_TEXT, |place| text_in(&mut until, place)),
                    created: span.created.then_some(about),
                })?;
            }
        }
        (self.since, self.until) = (since, until);
        Ok(())
    }

    /// Puts what bears on a user's workload.
    ///
    /// # Errors
    /// As [`AcrossHand::add`].
    pub fn add_load(&mut self, load: &Load<'_>) -> Result<()> {
        self.users.add(heap_of(load.user(), self.heaps), load)
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

fn text_in<'t>(text: &'t mut String, place: Position<'_>) -> &'t str {
    text.clear();
    place.write_text(text);
    text
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;

    use super::*;
    use crate::model::event::Order;
    use crate::model::time::Instant;

    fn place(time: i64, id: &str) -> String {
        Position::Of(Order::new(Instant(time), EventType::CaseAssigned, 0, "s", id)).to_text()
    }

    /// The same from one heap or from many, in memory or on disk, put in any order by several hands.
    #[test]
    fn who_is_full_and_whose_case_is_the_second() {
        let at: Vec<String> = (0..10).map(|time| place(time, "e")).collect();
        let about = |case_id| About { case_id, severity: "warning" };
        let end = Position::END_TEXT;
        let loads = [
            // Ana can take two: the third is one too many, the fourth comes as the first ends.
            Load::Asked("ana", &at[1], 2, about("A")),
            Load::Bears("ana", &at[1], Some(&at[4])),
            Load::Asked("ana", &at[2], 2, about("B")),
            Load::Bears("ana", &at[2], None),
            Load::Asked("ana", &at[3], 2, about("C")),
            Load::Bears("ana", &at[3], Some(&at[3])),
            Load::Asked("ana", &at[5], 2, about("D")),
            Load::Asked("ben", &at[3], 1, about("E")),
            Load::Asked("eve", &at[9], 0, about("F")),
        ];
        let stretch = |customer, profile, since: usize, until: Option<usize>, case_id: Option<&'static str>| Stretch {
            customer,
            profile,
            since: &at[since],
            until: until.map_or(end, |until| at[until].as_str()),
            created: case_id.map(about),
        };
        let stretches = [
            stretch("zoe", "fb", 1, Some(5), Some("G")),
            stretch("zoe", "fb", 2, Some(3), Some("H")),
            stretch("zoe", "fb", 4, None, Some("I")),
            stretch("zoe", "fb", 6, None, None),
            stretch("zoe", "x", 2, None, Some("J")),
            stretch("kim", "fb", 2, Some(4), Some("K")),
            stretch("kim", "fb", 4, Some(5), Some("L")),
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
            let another = "another case of customer `zoe` with profile `fb` is not closed";
            let expected = [
                "C over_capacity `ana` had 2 open cases; the capacity is 2".to_owned(),
                "F over_capacity `eve` had 0 open cases; the capacity is 0".to_owned(),
                format!("H second_open_case {another}"),
                format!("I second_open_case {another}"),
            ];
            assert_eq!(found, expected, "{heaps} heaps");
        }
    }
}
