//! How a milestone instance is as of an instant (3.6).

use super::event::named;
use super::time::Instant;

named! {
    /// Whether a milestone was reached in time.
    Outcome {
        Met = "met",
        Late = "late",
        Missed = "missed",
        Cancelled = "cancelled",
        Disabled = "disabled",
        Overdue = "overdue",
        Running = "running",
    }
}

impl Outcome {
    /// The first row of the table in 3.6 that applies.
    #[must_use]
    pub fn of(
        completed_at: Option<Instant>,
        stopped_at: Option<Instant>,
        disabled_at: Option<Instant>,
        due_at: Option<Instant>,
        as_of: Instant,
    ) -> Outcome {
        let by_then = |time: Option<Instant>| time.filter(|time| *time <= as_of);
        let late_for = |time: Instant| due_at.is_some_and(|due_at| due_at < time);
        if let Some(completed_at) = by_then(completed_at) {
            if late_for(completed_at) { Outcome::Late } else { Outcome::Met }
        } else if let Some(stopped_at) = by_then(stopped_at) {
            if late_for(stopped_at) { Outcome::Missed } else { Outcome::Cancelled }
        } else if by_then(disabled_at).is_some() {
            Outcome::Disabled
        } else if late_for(as_of) {
            Outcome::Overdue
        } else {
            Outcome::Running
        }
    }
}
