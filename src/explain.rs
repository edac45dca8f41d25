//! Why a case's numbers are what they are: the choice of its policy (3.2), and each clock with its targets, its ledger and
//! its outcome (3.3 to 3.6).
//!
//! Pure: it takes the facts of one case and the desk, and returns an [`Explanation`], which the command line prints. Instants
//! and sums come from the facts; only what a running clock does after the last event of the case is computed here. Reading
//! order: [`choice`], [`target`], [`ledger`], [`current`].

pub mod choice;
mod clock;
pub mod current;
mod facts;
pub mod fold;
pub mod ledger;
pub mod target;
pub mod words;

use crate::model::case::clock::Timeline;
use crate::model::case::rows::{Cause, Period, Standing};
use crate::model::desk::Desk;
use crate::model::time::Instant;
use choice::Choice;
pub use clock::{Clock, Lateness};
use current::Current;
pub use facts::{CaseFacts, Creation, End, Instance, StatusInterval, label_named};

/// Why the numbers of a case are what they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The instant of the outcomes, up to which running clocks are shown.
    pub as_of: Instant,
    pub choice: Choice,
    /// The header of 3.6; none of a case without clocks.
    pub current: Option<Current>,
    pub clocks: Vec<Clock>,
}

/// Explains a case.
#[must_use]
pub fn explain(facts: &CaseFacts, creation: &Creation<'_>, desk: &Desk, as_of: Instant) -> Explanation {
    let choice = choice::explain(facts, creation, desk.sla());
    let clocks = clocks(facts, desk, as_of);
    let current = current::of(facts, &clocks, as_of);
    Explanation { as_of, choice, current, clocks }
}

/// The clocks of a case at an instant, up to which those that run are shown.
#[must_use]
pub fn clocks(facts: &CaseFacts, desk: &Desk, as_of: Instant) -> Vec<Clock> {
    let terms = facts.policy.as_ref().and_then(|(policy, _)| desk.sla().terms(policy));
    let Some(terms) = terms else { return Vec::new() };
    let timeline = Timeline::new(facts.created_at, &periods(&facts.status_intervals), &terms, Instant(i64::MAX));
    // Every turn has a clock of its own; the other milestones have one, which runs again after a reopening.
    let same_clock = |one: &Instance, other: &Instance| (one.milestone, one.turn) == (other.milestone, other.turn);
    let mut clocks = Vec::new();
    for clock in facts.instances.chunk_by(same_clock) {
        let steps = target::steps(clock, &facts.status_intervals, &terms, desk, as_of);
        for instance in clock {
            clocks.push(clock::explain(instance, &steps, &timeline, as_of));
        }
    }
    clocks
}

/// Periods for the clocks of the model, which do not look at the assignee and the profile.
fn periods(status_intervals: &[StatusInterval]) -> Vec<Period<'static>> {
    let period = |interval: &StatusInterval| Period {
        since: interval.since,
        until: None,
        standing: Standing { status: interval.status, assignee: None, priority: interval.priority, profile: None },
        cause: Cause { time: interval.since, name: "", source: "", id: "" },
    };
    status_intervals.iter().map(period).collect()
}
