//! One instance of a milestone, explained: its steps, its ledger and its outcome.

use super::facts::Instance;
use super::ledger::{self, Line};
use super::target::{self, Step};
use crate::model::case::clock::{Entry, Sums, Timeline};
use crate::model::outcome::Outcome;
use crate::model::time::Instant;

/// One instance of a milestone, explained.
#[derive(Clone, Debug, PartialEq)]
pub struct Clock {
    pub instance: Instance,
    pub outcome: Outcome,
    /// How long after it was due it ended, or has been running; none where it is not breached.
    pub late: Option<Lateness>,
    /// The target when the clock started, and what changed it.
    pub steps: Vec<Step>,
    /// Up to the clock's end, or to the as-of while it has none.
    pub ledger: Vec<Entry>,
    /// The ledger, divided where it was due and where a target changed.
    pub lines: Vec<Line>,
    /// Of the whole ledger.
    pub sums: Sums,
}

/// The time from a breach to the clock's end, or to the as-of while it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lateness {
    pub elapsed_ms: i64,
    /// The part of it that the clock counted.
    pub counted_ms: i64,
}

/// Explains one instance. `steps` are those of its whole clock.
pub(super) fn explain(instance: &Instance, steps: &[Step], timeline: &Timeline<'_>, as_of: Instant) -> Clock {
    let ledger = match instance.end {
        Some(_) => instance.ledger.clone(),
        None => ledger::extended(instance, timeline, as_of),
    };
    let steps = target::of_instance(instance, steps);
    let lines = ledger::lines(instance, &ledger, &steps);
    let outcome = instance.outcome(as_of);
    let breached = matches!(outcome, Outcome::Late | Outcome::Missed | Outcome::Overdue);
    let end = instance.end.as_ref().map_or(as_of, |(time, _)| *time);
    let late = instance.due_at.filter(|_| breached).map(|due_at| Lateness {
        elapsed_ms: end.since_ms(due_at),
        counted_ms: ledger::sums(&ledger, due_at).counted_ms,
    });
    let sums = ledger::sums(&ledger, instance.started_at);
    Clock { instance: instance.clone(), outcome, late, steps, ledger, lines, sums }
}
