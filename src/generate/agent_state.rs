//! The state of an agent during a shift, and how fast agents work.

use std::collections::{BTreeSet, VecDeque};

use super::desk::SHIFT;
use super::rhythm::MINUTE;

/// How much of a shift an agent should spend on cases, in thousandths; the rest is a reserve for busy days.
const BUSY: i64 = 760;

/// How many ordinary visits a case takes, in thousandths; measured, not derived.
const VISITS: i64 = 2_500;

/// The state of one agent.
#[derive(Default)]
pub(super) struct AgentState {
    pub(super) on_shift: bool,
    pub(super) shift_end: i64,
    pub(super) away: bool,
    pub(super) break_due: bool,
    /// The case of the present visit.
    pub(super) visiting: Option<u64>,
    /// Counts the visits.
    pub(super) visit: u64,
    /// Since when there has been nothing to do.
    pub(super) idle_since: Option<i64>,
    /// The open cases assigned to the agent: the workload.
    pub(super) open: BTreeSet<u64>,
    /// Those of them that need something, in the order in which it was noticed.
    pub(super) held: VecDeque<u64>,
}

impl AgentState {
    pub(super) fn is_free(&self) -> bool {
        self.on_shift && !self.away && self.visiting.is_none()
    }
}

/// How long a visit usually takes, so that the agents can just handle all cases; within what people can do.
pub(super) fn pace_ms(agents: usize, cases: u64, days: i64) -> i64 {
    let worked = (agents as i64) * days * 5 / 7 * (SHIFT - 40 * MINUTE);
    let visits = i64::try_from(cases).unwrap_or(i64::MAX).saturating_mul(VISITS).max(1);
    (i128::from(worked) * i128::from(BUSY) / i128::from(visits)).clamp(i128::from(MINUTE / 4), i128::from(33 * MINUTE))
        as i64
}
