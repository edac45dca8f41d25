//! The header of a case (3.6): its current milestone, as `case` shows it.

use super::state::{CaseOfView, Instance};
use crate::model::desk::Desk;
use crate::model::outcome::Outcome;
use crate::model::policy::Milestone;
use crate::model::time::Instant;

/// What a header shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub milestone: Milestone,
    pub kind: HeaderKind,
    /// The time left to count, the time since the breach, or the total resolution time; nothing of a completed milestone.
    pub shown_ms: Option<i64>,
    pub colour: &'static str,
    pub due_at: Option<Instant>,
}

/// What the time of a header is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderKind {
    Left,
    Overdue,
    /// No milestone is running or overdue: the last that was completed.
    Completed,
    /// The case is closed: its total resolution time.
    Closed,
}

impl HeaderKind {
    /// The name in SQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            HeaderKind::Left => "left",
            HeaderKind::Overdue => "overdue",
            HeaderKind::Completed => "completed",
            HeaderKind::Closed => "closed",
        }
    }
}

/// The header of a case as of an instant; nothing of a case without clocks that is not closed.
pub(super) fn of(case: &CaseOfView, desk: &Desk, as_of: Instant) -> Option<Header> {
    let is_closed = case.closed_at.is_some_and(|at| at <= as_of);
    if let (true, Some(ms)) = (is_closed, case.resolution_ms) {
        let resolution = case.instances.iter().find(|instance| instance.milestone == Milestone::Resolution);
        let colour = resolution.map_or("grey", |instance| colour(instance.outcome));
        let due_at = resolution.and_then(|instance| instance.due_at);
        let (milestone, kind) = (Milestone::Resolution, HeaderKind::Closed);
        return Some(Header { milestone, kind, shown_ms: Some(ms), colour, due_at });
    }
    let current = case.instances.iter().find(|one| matches!(one.outcome, Outcome::Running | Outcome::Overdue));
    current.map(|instance| watch(instance, case, desk, as_of)).or_else(|| last_completed(&case.instances))
}

fn watch(instance: &Instance, case: &CaseOfView, desk: &Desk, as_of: Instant) -> Header {
    let Instance { milestone, due_at, .. } = *instance;
    if let Some(due_at) = due_at.filter(|due_at| *due_at < as_of) {
        let (kind, shown_ms) = (HeaderKind::Overdue, Some(as_of.since_ms(due_at)));
        return Header { milestone, kind, shown_ms, colour: "red", due_at: Some(due_at) };
    }
    let terms = case.state.policy.as_deref().and_then(|policy| desk.sla().terms(policy));
    let left_ms = match due_at {
        Some(due_at) => terms.map_or(due_at.since_ms(as_of), |terms| terms.open_ms(as_of, due_at)),
        // The clock stands still, since the last event of the case.
        None => instance.target_ms - instance.counted_ms,
    };
    Header { milestone, kind: HeaderKind::Left, shown_ms: Some(left_ms.max(0)), colour: "green", due_at }
}

fn last_completed(instances: &[Instance]) -> Option<Header> {
    let completed = instances.iter().filter_map(|instance| Some((instance.completed_at?, instance)));
    completed.max_by_key(|(completed_at, _)| *completed_at).map(|(_, instance)| Header {
        milestone: instance.milestone,
        kind: HeaderKind::Completed,
        shown_ms: None,
        colour: colour(instance.outcome),
        due_at: instance.due_at,
    })
}

fn colour(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Met => "green",
        Outcome::Late | Outcome::Missed | Outcome::Overdue => "red",
        Outcome::Cancelled | Outcome::Disabled | Outcome::Running => "grey",
    }
}
