//! When an instance is due (3.6), found by following the elementary intervals from the start of the clock.

use super::hours;
use super::label::{Label, Piece, calendar_on, label};
use super::life::Case;
use super::world::World;

/// What is needed to follow a clock.
pub struct Walk<'a> {
    pub world: &'a World,
    pub case: &'a Case,
    pub policy: &'a str,
    pub pieces: &'a [Piece],
    pub started_at: i64,
    /// Where earlier runs of the clock were completed or stopped. That is no change of a target.
    pub run_ends: Vec<i64>,
    /// The status right after the event that began the instance.
    pub status_at_start: &'a str,
    /// Completion, stop or disabling.
    pub end: Option<i64>,
    /// The last target before the end.
    pub last_target: i64,
}

impl Walk<'_> {
    /// The first instant at which the counted time reaches the target in force: before the end, or continued without a pause
    /// after the end or the last event.
    pub fn due_at(&self, target_at: impl Fn(i64) -> Option<i64>) -> Option<i64> {
        let until = self.end.unwrap_or(self.world.end());
        let mut counted = 0;
        for piece in self.pieces.iter().filter(|p| self.started_at <= p.since && p.until <= until) {
            if self.stays_due(piece.since, counted, &target_at) {
                return Some(piece.since);
            }
            if piece.label != Label::Counted {
                continue;
            }
            let length = piece.until - piece.since;
            if let Some(target) = target_at(piece.since)
                && target <= counted + length
            {
                return Some(piece.since + (target - counted).max(0));
            }
            counted += length;
        }
        if self.end.is_none() && self.stays_due(until, counted, &target_at) {
            return Some(until);
        }
        self.after(until, (self.last_target - counted).max(0))
    }

    /// Whether the old target is due at the instant of its change, as the clock ran before.
    fn stays_due(&self, instant: i64, counted: i64, target_at: impl Fn(i64) -> Option<i64>) -> bool {
        let just_before = instant - 1;
        instant > self.started_at
            && !self.run_ends.contains(&instant)
            && target_at(just_before) != target_at(instant)
            && target_at(just_before).is_some_and(|target| target <= counted)
            && self.runs_on(just_before, &self.status_on(just_before), instant, 0) == Some(instant)
    }

    /// The clock continues without a pause, by the calendar in force just before the end; not at all if it stood still then.
    fn after(&self, until: i64, left: i64) -> Option<i64> {
        let (moment, status) = match self.end {
            Some(end) if end == self.started_at => (end, self.status_at_start.to_owned()),
            Some(end) => (end - 1, self.status_on(end - 1)),
            None => (until, self.status_on(until)),
        };
        self.runs_on(moment, &status, until, left)
    }

    /// When that much more is counted from an instant on, by the calendar and status at another instant.
    fn runs_on(&self, moment: i64, status: &str, from: i64, left: i64) -> Option<i64> {
        if matches!(label(self.world, self.policy, status, moment), Label::Paused | Label::Gap) {
            return None;
        }
        match calendar_on(self.world, self.policy, moment).and_then(|version| version.value.as_ref()) {
            Some(calendar) => hours::advance(calendar, from, left),
            None => Some(from + left),
        }
    }

    fn status_on(&self, instant: i64) -> String {
        self.case.at(instant).map_or(String::new(), |state| state.status.clone())
    }
}
