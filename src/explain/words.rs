//! What a clock and its ledger show, in words that need no clock of a zone.

use super::ledger::Mark;
use super::target::{Effect, Step, Why};
use super::{Clock, Instance, Lateness};
use crate::model::case::clock::Sums;
use crate::model::outcome::Outcome;
use crate::model::policy::Milestone;
use crate::model::time::{Instant, exact_duration_text};

/// A milestone and its turn, as people call it.
#[must_use]
pub fn milestone(milestone: Milestone, turn: Option<i64>) -> String {
    let name = milestone.name().replace('_', " ");
    turn.map_or(name.clone(), |turn| format!("{name} (turn {turn})"))
}

/// The outcome of a clock: `late by 2h (1h of it counted)`.
#[must_use]
pub fn outcome(clock: &Clock) -> String {
    let name = clock.outcome.name();
    let Some(Lateness { elapsed_ms, counted_ms }) = clock.late else {
        let left_ms = clock.instance.target_ms - clock.sums.counted_ms;
        return match clock.outcome {
            Outcome::Running => format!("{name}, {} left", exact_duration_text(left_ms.max(0))),
            _ => name.to_owned(),
        };
    };
    let preposition = if clock.outcome == Outcome::Overdue { "for" } else { "by" };
    let counted = match counted_ms {
        same if same == elapsed_ms => String::new(),
        counted_ms => format!(" ({} of it counted)", exact_duration_text(counted_ms)),
    };
    format!("{name} {preposition} {}{counted}", exact_duration_text(elapsed_ms))
}

/// What happened between two intervals of a ledger; `at` writes an instant.
#[must_use]
pub fn mark(mark: &Mark, instance: &Instance, at: impl Fn(Instant) -> String) -> String {
    match mark {
        Mark::Due { target_ms, counted_ms } => {
            let counted = match counted_ms {
                same if same == target_ms => String::new(),
                more => format!(" with {} counted", exact_duration_text(*more)),
            };
            format!("due, the target of {} is reached{counted}", exact_duration_text(*target_ms))
        }
        Mark::Target(step) => step_text(step, instance),
        Mark::Calendar(Some(version)) => format!("calendar: version of {}", at(*version)),
        Mark::Calendar(None) => "no calendar: all hours count".to_owned(),
    }
}

fn step_text(step: &Step, instance: &Instance) -> String {
    let target =
        |ms: Option<i64>| ms.map_or("no target".to_owned(), |ms| format!("target {}", exact_duration_text(ms)));
    let to = step.priority.name();
    let why = match step.why {
        Why::Started => return format!("{} for {to} priority", target(step.target_ms)),
        Why::Priority(from) => format!("priority {} → {to}", from.name()),
        Why::Policy => format!("policy edited, {to} priority"),
        Why::Both(from) => format!("policy edited, priority {} → {to}", from.name()),
        Why::Resumed => format!("runs again, {to} priority"),
    };
    let due_before = instance.due_at.is_some_and(|due_at| due_at < step.at);
    let effect = match (step.effect, step.before_ms, step.target_ms) {
        (Effect::Kept, _, kept) => format!("{}, kept by the settings", target(kept)),
        (Effect::TooLate, _, kept) => format!("{}, for it was due before", target(kept)),
        (Effect::Counts, before, after) if before == after => format!("{} as before", target(after)),
        (Effect::Counts, before, after) => {
            let was = before.map_or("none before".to_owned(), |ms| format!("was {}", exact_duration_text(ms)));
            let stays = if due_before { "; it was due already" } else { "" };
            format!("{}, {was}{stays}", target(after))
        }
    };
    format!("{why}: {effect}")
}

/// `counted 1h 1m + off hours 2d 16h = 2d 17h 1m elapsed`.
#[must_use]
pub fn sum(sums: &Sums) -> String {
    let total = |Sums { counted_ms, off_hours_ms, holiday_ms, paused_ms, gap_ms }: &Sums| {
        counted_ms + off_hours_ms + holiday_ms + paused_ms + gap_ms
    };
    format!("= {} = {} elapsed", parts(sums, " + "), exact_duration_text(total(sums)))
}

/// The labels that have time, each with its time.
#[must_use]
pub fn parts(sums: &Sums, between: &str) -> String {
    let all = [
        ("counted", sums.counted_ms),
        ("off hours", sums.off_hours_ms),
        ("holiday", sums.holiday_ms),
        ("paused", sums.paused_ms),
        ("gap", sums.gap_ms),
    ];
    let shown = all.iter().filter(|(name, ms)| *ms != 0 || *name == "counted");
    shown.map(|(name, ms)| format!("{} {name}", exact_duration_text(*ms))).collect::<Vec<_>>().join(between)
}
