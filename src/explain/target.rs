//! The targets of a clock and what changed them (3.5).
//!
//! They are computed from the facts: from the priorities of the case, the versions of its policy, and the times of its
//! instances. [`of_instance`] compares the last target with the one in the facts; where they differ, the facts are right and
//! no change is shown.

use super::facts::{End, Instance, StatusInterval};
use crate::model::desk::Desk;
use crate::model::event::Priority;
use crate::model::sla::{Statement, Terms};
use crate::model::time::Instant;

/// A target, or none, from an instant on, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub at: Instant,
    /// In force from here on; none: there is no target.
    pub target_ms: Option<i64>,
    /// What was in force before.
    pub before_ms: Option<i64>,
    /// The case's priority from here on.
    pub priority: Priority,
    pub why: Why,
    /// Whether the change had an effect.
    pub effect: Effect,
}

/// What happened to a clock's target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Started,
    /// The priority changed from this one.
    Priority(Priority),
    /// A new version of the policy.
    Policy,
    /// Both at one instant.
    Both(Priority),
    /// The clock runs again, with the present priority and version.
    Resumed,
}

/// Whether a change counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Counts,
    /// The settings keep the target of a running clock.
    Kept,
    /// It took the target away after it had been reached, which changes nothing.
    TooLate,
}

/// What determines the target.
#[derive(Clone, Copy)]
struct Followed<'d> {
    priority: Priority,
    statement: &'d Statement,
}

impl Followed<'_> {
    fn target_ms(&self, instance: &Instance) -> Option<i64> {
        self.statement.policy.target_ms(instance.milestone, self.priority)
    }
}

/// The steps of one clock, whose instances are `clock`, up to the as-of. The first is its start.
pub fn steps(
    clock: &[Instance],
    status_intervals: &[StatusInterval],
    terms: &Terms<'_>,
    desk: &Desk,
    as_of: Instant,
) -> Vec<Step> {
    let Some(first) = clock.first() else { return Vec::new() };
    let present = |time: Instant| {
        let priority = priority_at(status_intervals, time)?;
        Some(Followed { priority, statement: terms.stated_at(time)? })
    };
    let Some(mut followed) = present(first.started_at) else { return Vec::new() };
    let mut target_ms = followed.target_ms(first);
    let start = Step {
        at: first.started_at,
        target_ms,
        before_ms: None,
        priority: followed.priority,
        why: Why::Started,
        effect: Effect::Counts,
    };
    let mut steps = vec![start];
    for at in edges(clock, status_intervals, terms, as_of) {
        let (Some(now), Some(before)) = (present(at), present(Instant(at.0 - 1))) else { continue };
        let live = clock.iter().find(|instance| runs_into(instance, at));
        followed = match live {
            Some(_) => follow(followed, now, before, desk, at),
            None => now,
        };
        let wanted_ms = followed.target_ms(first);
        let reached = live.is_some_and(|instance| instance.due_at.is_some_and(|due_at| due_at <= at));
        let too_late = wanted_ms.is_none() && reached;
        let next_ms = if too_late { target_ms } else { wanted_ms };
        let asked = now.target_ms(first) != before.target_ms(first);
        let effect = match () {
            () if too_late => Effect::TooLate,
            () if live.is_some() && asked && next_ms == target_ms => Effect::Kept,
            () => Effect::Counts,
        };
        let why = why(before, now);
        if next_ms != target_ms || why != Why::Resumed {
            let priority = now.priority;
            steps.push(Step { at, target_ms: next_ms, before_ms: target_ms, priority, why, effect });
        }
        target_ms = next_ms;
    }
    steps
}

/// The instants at which a clock's target may change, in order.
fn edges(clock: &[Instance], status_intervals: &[StatusInterval], terms: &Terms<'_>, as_of: Instant) -> Vec<Instant> {
    let Some(started_at) = clock.first().map(|first| first.started_at) else { return Vec::new() };
    let mut edges: Vec<Instant> = status_intervals.iter().map(|status_interval| status_interval.since).collect();
    edges.extend(terms.stated_after(started_at).iter().map(|statement| statement.since));
    edges.extend(clock.iter().map(|instance| instance.since));
    edges.retain(|at| started_at < *at && *at <= as_of);
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// Whether an instance runs up to an instant, so that a change then takes part in it. A change at the end of the instance
/// does not, unless it ends the instance.
fn runs_into(instance: &Instance, at: Instant) -> bool {
    let ends_later = |(time, end): &(Instant, End)| at < *time || (at == *time && *end == End::Disabled);
    instance.since < at && instance.end.as_ref().is_none_or(ends_later)
}

fn follow<'d>(
    followed: Followed<'d>,
    now: Followed<'d>,
    before: Followed<'d>,
    desk: &Desk,
    at: Instant,
) -> Followed<'d> {
    let retargets = desk.sla_changes_at(at).priority_change_retargets;
    let takes_priority = now.priority != before.priority && retargets;
    let takes_version = now.statement.since != before.statement.since && now.statement.retargets;
    Followed {
        priority: if takes_priority { now.priority } else { followed.priority },
        statement: if takes_version { now.statement } else { followed.statement },
    }
}

fn why(before: Followed<'_>, now: Followed<'_>) -> Why {
    let from = before.priority;
    match (from != now.priority, before.statement.since != now.statement.since) {
        (true, false) => Why::Priority(from),
        (false, true) => Why::Policy,
        (true, true) => Why::Both(from),
        (false, false) => Why::Resumed,
    }
}

fn priority_at(status_intervals: &[StatusInterval], time: Instant) -> Option<Priority> {
    let after = status_intervals.partition_point(|status_interval| status_interval.since <= time);
    status_intervals.get(after.checked_sub(1)?).map(|status_interval| status_interval.priority)
}

/// The steps that one instance's ledger shows: those up to its end.
pub fn of_instance(instance: &Instance, steps: &[Step]) -> Vec<Step> {
    let takes_part = |step: &&Step| {
        let ends = |(time, end): &(Instant, End)| step.at < *time || (step.at == *time && *end == End::Disabled);
        step.at == instance.started_at || instance.end.as_ref().is_none_or(ends)
    };
    let steps: Vec<Step> = steps.iter().filter(takes_part).cloned().collect();
    let last_ms = steps.iter().rev().find_map(|step| step.target_ms);
    if last_ms == Some(instance.target_ms) { steps } else { Vec::new() }
}
