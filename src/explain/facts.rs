//! The facts of one case that are needed to explain it.

use crate::model::case::clock::{Entry, Label};
use crate::model::event::{Priority, Status};
use crate::model::outcome::Outcome;
use crate::model::policy::Milestone;
use crate::model::sla::Situation;
use crate::model::time::Instant;

/// The facts of one case that are needed to explain it.
#[derive(Clone, Debug)]
pub struct CaseFacts {
    pub created_at: Instant,
    pub closed_at: Option<Instant>,
    /// The policy that it got, and the version by which it was chosen.
    pub policy: Option<(String, Instant)>,
    /// In time order, from the creation on.
    pub status_intervals: Vec<StatusInterval>,
    /// From creation to the last resolution, without the time in which the case was resolved.
    pub resolution_ms: Option<i64>,
    /// By milestone in the order of 3.6, then by number.
    pub instances: Vec<Instance>,
}

/// What the conditions of policies saw when a case was created.
#[derive(Clone, Copy, Debug)]
pub struct Creation<'a> {
    pub situation: Situation<'a>,
    /// The case was deleted since, and its text reads as null.
    pub is_deleted: bool,
}

/// A time of unchanged status and priority, up to the next.
#[derive(Clone, Copy, Debug)]
pub struct StatusInterval {
    pub since: Instant,
    pub status: Status,
    pub priority: Priority,
}

/// A row of `milestones`, with its rows of `ledger`.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    pub milestone: Milestone,
    pub n: i64,
    pub turn: Option<i64>,
    pub since: Instant,
    pub until: Option<Instant>,
    pub policy_version: Instant,
    pub started_at: Instant,
    pub target_ms: i64,
    pub due_at: Option<Instant>,
    pub end: Option<(Instant, End)>,
    pub assignee_at_due: Option<String>,
    pub ledger: Vec<Entry>,
}

/// How a clock ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// By whom.
    Completed(Option<String>),
    Stopped,
    Disabled,
}

impl Instance {
    fn ended(&self, how: impl Fn(&End) -> bool) -> Option<Instant> {
        self.end.as_ref().filter(|(_, end)| how(end)).map(|(time, _)| *time)
    }

    /// When it was completed.
    #[must_use]
    pub fn completed_at(&self) -> Option<Instant> {
        self.ended(|end| matches!(end, End::Completed(_)))
    }

    /// The outcome at an instant (3.6).
    #[must_use]
    pub fn outcome(&self, as_of: Instant) -> Outcome {
        let (stopped_at, disabled_at) =
            (self.ended(|end| *end == End::Stopped), self.ended(|end| *end == End::Disabled));
        Outcome::of(self.completed_at(), stopped_at, disabled_at, self.due_at, as_of)
    }

    /// Whether it counts at an instant: of the instances of one milestone the valid one does (3.3).
    #[must_use]
    pub fn is_valid(&self, time: Instant) -> bool {
        self.since <= time && self.until.is_none_or(|until| time < until)
    }
}

/// The label of that name.
#[must_use]
pub fn label_named(name: &str) -> Option<Label> {
    let labels = [Label::Counted, Label::OffHours, Label::Holiday, Label::Paused, Label::Gap];
    labels.into_iter().find(|label| label.name() == name)
}
