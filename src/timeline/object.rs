//! A case as one JSON object, for programs: rows as the tables hold them, and the explanation beside them.

use serde_json::{Value, json};

use super::rows::{CaseRows, Rows};
use crate::error::Result;
use crate::explain::choice::{Choice, Tried};
use crate::explain::current::Current;
use crate::explain::target::{Effect, Step, Why};
use crate::explain::{Clock, Explanation};
use crate::model::time::Instant;

/// What people say, left out unless it is asked for.
const TEXTS: [&str; 3] = ["text", "data", "comment"];

/// The case as one object. Ledgers are never folded.
///
/// # Errors
/// When a row holds what JSON has no form for.
pub fn object(id: &str, rows: &CaseRows, explanation: Option<&Explanation>, with_text: bool) -> Result<Value> {
    let list = |rows: &Rows| -> Result<Vec<Value>> {
        let mut list = rows.json()?;
        list.iter_mut().filter(|_| !with_text).for_each(without_texts);
        Ok(list)
    };
    Ok(json!({
        "case_id": id,
        "as_of": explanation.map(|explanation| instant(explanation.as_of)),
        "case": list(&rows.cases)?.pop(),
        "current_milestone": explanation.and_then(|explanation| explanation.current.as_ref()).map(current),
        "policy": explanation.map(|explanation| choice(&explanation.choice)),
        "periods": list(&rows.periods)?,
        "assignments": list(&rows.assignments)?,
        "turns": list(&rows.turns)?,
        "milestones": milestones(rows, explanation)?,
        "resolutions": list(&rows.resolutions)?,
        "messages": list(&rows.messages)?,
        "surveys": list(&rows.surveys)?,
        "findings": list(&rows.findings)?,
        "events": list(&rows.events)?,
    }))
}

fn without_texts(row: &mut Value) {
    if let Value::Object(members) = row {
        members.retain(|name, _| !TEXTS.contains(&name.as_str()));
    }
}

fn instant(instant: Instant) -> String {
    instant.to_string()
}

fn current(current: &Current) -> Value {
    match current {
        Current::Left { milestone, turn, left_ms, due_at } => json!({
            "state": "running", "milestone": milestone.name(), "turn": turn, "left_ms": left_ms,
            "due_at": due_at.map(instant),
        }),
        Current::Overdue { milestone, turn, due_at, for_ms } => json!({
            "state": "overdue", "milestone": milestone.name(), "turn": turn, "overdue_ms": for_ms,
            "due_at": instant(*due_at),
        }),
        Current::Completed { milestone, turn, completed_at, outcome } => json!({
            "state": "completed", "milestone": milestone.name(), "turn": turn, "outcome": outcome.name(),
            "completed_at": instant(*completed_at),
        }),
        Current::Closed { resolution_ms, outcome } => json!({
            "state": "closed", "resolution_ms": resolution_ms, "outcome": outcome.map(|outcome| outcome.name()),
        }),
    }
}

fn choice(choice: &Choice) -> Value {
    let tried = |tried: &Tried| {
        json!({
            "policy": tried.policy, "policy_version": instant(tried.version), "position": tried.position,
            "calendar": tried.calendar, "pause_on": tried.pause_on,
            "chosen": tried.condition.is_none(), "condition": tried.condition, "detail": tried.detail,
        })
    };
    json!({
        "policy": choice.chosen.as_ref().map(|chosen| &chosen.policy),
        "policy_version": choice.chosen.as_ref().map(|chosen| instant(chosen.version)),
        "chosen_at": instant(choice.at),
        "tried": choice.rejected.iter().chain(&choice.chosen).map(tried).collect::<Vec<_>>(),
    })
}

/// The rows of `milestones`, each with its outcome, its targets and its ledger.
fn milestones(rows: &CaseRows, explanation: Option<&Explanation>) -> Result<Vec<Value>> {
    let mut list = rows.milestones.json()?;
    let clocks = explanation.map_or(&[][..], |explanation| &explanation.clocks);
    for row in &mut list {
        let is_its = |clock: &&Clock| {
            let named = row.get("milestone").and_then(Value::as_str) == Some(clock.instance.milestone.name());
            named && row.get("n").and_then(Value::as_i64) == Some(clock.instance.n)
        };
        if let (Some(clock), Value::Object(members)) = (clocks.iter().find(is_its), &mut *row)
            && let Value::Object(more) = explained(clock)
        {
            members.extend(more);
        }
    }
    Ok(list)
}

fn explained(clock: &Clock) -> Value {
    let mut counted_ms = 0;
    let ledger = clock.ledger.iter().map(|entry| {
        let length_ms = entry.until.since_ms(entry.since);
        counted_ms += if entry.label.name() == "counted" { length_ms } else { 0 };
        json!({
            "since": instant(entry.since), "until": instant(entry.until), "label": entry.label.name(),
            "status": entry.status.name(), "calendar_version": entry.calendar_version.map(instant),
            "length_ms": length_ms, "counted_so_far_ms": counted_ms,
        })
    });
    let ledger: Vec<Value> = ledger.collect();
    json!({
        "outcome": clock.outcome.name(),
        "breached": clock.late.is_some(),
        "late_ms": clock.late.map(|late| late.elapsed_ms),
        "late_counted_ms": clock.late.map(|late| late.counted_ms),
        "targets": clock.steps.iter().map(target).collect::<Vec<_>>(),
        "ledger": ledger,
    })
}

fn target(step: &Step) -> Value {
    let cause = match step.why {
        Why::Started => "started",
        Why::Priority(_) => "priority",
        Why::Policy => "policy",
        Why::Both(_) => "policy_and_priority",
        Why::Resumed => "resumed",
    };
    let effect = match step.effect {
        Effect::Counts => "counts",
        Effect::Kept => "kept",
        Effect::TooLate => "too_late",
    };
    json!({
        "since": instant(step.at), "target_ms": step.target_ms, "cause": cause, "effect": effect,
        "priority": step.priority.name(),
    })
}
