//! The header of a case (3.6): its current milestone.

use super::clock::Clock;
use super::facts::CaseFacts;
use crate::model::outcome::Outcome;
use crate::model::policy::Milestone;
use crate::model::time::Instant;

/// The current milestone, or what the header shows when there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Current {
    /// It runs: the time left to count, and when it is due; none while the clock stands still.
    Left { milestone: Milestone, turn: Option<i64>, left_ms: i64, due_at: Option<Instant> },
    /// It is overdue since that time.
    Overdue { milestone: Milestone, turn: Option<i64>, due_at: Instant, for_ms: i64 },
    /// No milestone is running or overdue; this one was completed last.
    Completed { milestone: Milestone, turn: Option<i64>, completed_at: Instant, outcome: Outcome },
    /// The case is closed: the time to its last resolution, and the outcome of that milestone; none without a target.
    Closed { resolution_ms: i64, outcome: Option<Outcome> },
}

impl Current {
    /// Whether it is good (green), bad (red) or neither (grey).
    #[must_use]
    pub fn verdict(&self) -> Option<bool> {
        match self {
            Current::Left { .. } => Some(true),
            Current::Overdue { .. } => Some(false),
            Current::Completed { outcome, .. } => verdict(*outcome),
            Current::Closed { outcome, .. } => outcome.and_then(verdict),
        }
    }
}

/// Whether an outcome is good or bad, if it is either.
#[must_use]
pub fn verdict(outcome: Outcome) -> Option<bool> {
    match outcome {
        Outcome::Met => Some(true),
        Outcome::Late | Outcome::Missed | Outcome::Overdue => Some(false),
        Outcome::Cancelled | Outcome::Disabled | Outcome::Running => None,
    }
}

/// The current milestone as of an instant. Clocks come in the order of 3.6.
pub(super) fn of(facts: &CaseFacts, clocks: &[Clock], as_of: Instant) -> Option<Current> {
    let valid = || clocks.iter().filter(|clock| clock.instance.is_valid(as_of));
    if let (Some(_), Some(resolution_ms)) = (facts.closed_at.filter(|at| *at <= as_of), facts.resolution_ms) {
        let resolution = valid().find(|clock| clock.instance.milestone == Milestone::Resolution);
        return Some(Current::Closed { resolution_ms, outcome: resolution.map(|clock| clock.outcome) });
    }
    let watched = valid().find(|clock| matches!(clock.outcome, Outcome::Running | Outcome::Overdue));
    watched.map(|clock| watch(clock, as_of)).or_else(|| last_completed(valid()))
}

fn watch(clock: &Clock, as_of: Instant) -> Current {
    let (milestone, turn) = (clock.instance.milestone, clock.instance.turn);
    match clock.instance.due_at.filter(|due_at| *due_at < as_of) {
        Some(due_at) => Current::Overdue { milestone, turn, due_at, for_ms: as_of.since_ms(due_at) },
        None => {
            let left_ms = (clock.instance.target_ms - clock.sums.counted_ms).max(0);
            Current::Left { milestone, turn, left_ms, due_at: clock.instance.due_at }
        }
    }
}

fn last_completed<'c>(clocks: impl Iterator<Item = &'c Clock>) -> Option<Current> {
    let completed = clocks.filter_map(|clock| Some((clock.instance.completed_at()?, clock)));
    completed.max_by_key(|(completed_at, _)| *completed_at).map(|(completed_at, clock)| Current::Completed {
        milestone: clock.instance.milestone,
        turn: clock.instance.turn,
        completed_at,
        outcome: clock.outcome,
    })
}
