//! Service-level agreements.

use crate::auditor::{Case, Row, counted_ms, outcome};
use crate::laws::{at, whole};

use super::known::{Contribution, Known, text};
use super::processing::last_resolutions;
use super::question::Asked;

/// The milestone instances that are valid at an instant, with their outcome then.
fn valid(known: &Known, instant: i64) -> impl Iterator<Item = (&Row, &'static str)> {
    let is_valid = move |row: &&Row| {
        at(row, "since").is_some_and(|since| since <= instant) && at(row, "until").is_none_or(|until| until > instant)
    };
    known.rows("milestones").iter().filter(is_valid).map(move |row| (row, outcome(row, instant)))
}

fn is_breached(outcome: &str) -> bool {
    ["late", "missed", "overdue"].contains(&outcome)
}

/// Completion, stop or disabling.
fn end_of(row: &Row) -> Option<i64> {
    at(row, "completed_at").or(at(row, "stopped_at")).or(at(row, "disabled_at"))
}

fn of_milestone(row: &Row, at: i64) -> Contribution {
    Contribution::of(&text(row, "case_id").unwrap_or_default(), at).own("milestone", text(row, "milestone"))
}

pub fn sla_attainment(known: &Known, _: &Asked) -> Vec<Contribution> {
    let judged = |(row, outcome): (&Row, &'static str)| {
        let date = match outcome {
            "overdue" => at(row, "due_at"),
            _ => end_of(row).filter(|end| *end <= known.as_of),
        };
        let contribution = of_milestone(row, date.unwrap_or(known.as_of)).yes(outcome == "met");
        let is_undecided = ["running", "cancelled", "disabled"].contains(&outcome);
        let assignee = known.assignee(contribution.case_id.as_deref().unwrap_or_default(), contribution.at);
        // A clock that runs has no end and no assignee then.
        contribution.by(assignee.filter(|_| outcome != "running")).left_out(outcome, is_undecided)
    };
    valid(known, known.as_of).map(judged).collect()
}

pub fn sla_breaches(known: &Known, _: &Asked) -> Vec<Contribution> {
    let breached = valid(known, known.as_of).filter(|(_, outcome)| is_breached(outcome));
    let contribution = |(row, _): (&Row, _)| {
        let contribution = of_milestone(row, at(row, "due_at").unwrap_or(0));
        let assignee = known.assignee(contribution.case_id.as_deref().unwrap_or_default(), contribution.at);
        contribution.by(assignee)
    };
    breached.map(contribution).collect()
}

pub fn sla_late_by(known: &Known, _: &Asked) -> Vec<Contribution> {
    let late = valid(known, known.as_of).filter(|(_, outcome)| ["late", "missed"].contains(outcome));
    let contribution = |(row, _): (&Row, _)| {
        let (end, due_at) = (end_of(row).unwrap_or(0), at(row, "due_at").unwrap_or(0));
        let contribution = of_milestone(row, end).worth(end - due_at);
        let assignee = known.assignee(contribution.case_id.as_deref().unwrap_or_default(), end);
        contribution.by(assignee)
    };
    late.map(contribution).collect()
}

/// The milestones with that outcome at an instant, each for the assignee then.
fn standing_as(known: &Known, instant: i64, outcome: &str) -> Vec<(Contribution, Row)> {
    let such = valid(known, instant).filter(|(_, found)| *found == outcome);
    let contribution = |(row, _): (&Row, _)| {
        let contribution = of_milestone(row, instant);
        let assignee = known.assignee(contribution.case_id.as_deref().unwrap_or_default(), instant);
        (contribution.by(assignee), row.clone())
    };
    such.map(contribution).collect()
}

pub fn sla_overdue(known: &Known, instant: i64) -> Vec<Contribution> {
    standing_as(known, instant, "overdue").into_iter().map(|(contribution, _)| contribution).collect()
}

pub fn sla_at_risk(known: &Known, instant: i64) -> Vec<Contribution> {
    let is_at_risk = |row: &Row| {
        let (policy, started_at) = (text(row, "policy").unwrap_or_default(), at(row, "started_at").unwrap_or(0));
        let case = known.case(&text(row, "case_id").unwrap_or_default());
        let counted = case.map_or(0, |case| counted_ms(&known.world, case, &policy, started_at, instant));
        counted * 100 > whole(row, "target_ms") * 75
    };
    let running = standing_as(known, instant, "running").into_iter();
    running.filter(|(_, row)| is_at_risk(row)).map(|(contribution, _)| contribution).collect()
}

pub fn cases_within_sla(known: &Known, _: &Asked) -> Vec<Contribution> {
    let is_within = |case: &Case| {
        !valid(known, known.as_of).any(|(row, outcome)| row["case_id"] == *case.id && is_breached(outcome))
    };
    let resolved = |(case, row): (&Case, &Row)| {
        let resolved_at = at(row, "resolved_at").unwrap_or(0);
        Contribution::of(&case.id, resolved_at).by(case.assignee_at(resolved_at)).yes(is_within(case))
    };
    last_resolutions(known).map(resolved).collect()
}
