//! How long cases take.

use crate::auditor::{Case, Row, Step, open_hours_ms};
use crate::laws::{at, whole};

use super::known::{Contribution, Known, standing, text};
use super::question::Asked;
use super::volume::end;

/// How the time of a case between two instants is measured.
type Measure = fn(&Known, &Case, i64, i64) -> i64;

fn elapsed(_: &Known, _: &Case, from: i64, until: i64) -> i64 {
    until - from
}

/// In business hours, resolved time included.
fn in_business_hours(known: &Known, case: &Case, from: i64, until: i64) -> i64 {
    open_hours_ms(&known.world, case, from, until)
}

fn first_assignments(known: &Known, measure: Measure) -> Vec<Contribution> {
    let first = |case: &Case| {
        let to_person = |step: &&Step| {
            let agent = step.after.assignee.as_deref();
            step.reassigns() && agent.is_some_and(|agent| !known.world.desk.is_bot(agent, step.index))
        };
        let step = case.steps.iter().find(to_person)?;
        let contribution = Contribution::of(&case.id, step.time).by(step.after.assignee.clone());
        Some(contribution.worth(measure(known, case, case.steps[0].time, step.time)))
    };
    known.cases().filter_map(first).collect()
}

pub fn time_to_assign(known: &Known, _: &Asked) -> Vec<Contribution> {
    first_assignments(known, elapsed)
}

pub fn time_to_assign_business(known: &Known, _: &Asked) -> Vec<Contribution> {
    first_assignments(known, in_business_hours)
}

/// The turns that were answered, dated at the answer, for whom it is by, with a time of them.
fn answered(known: &Known, time: &str, counts: impl Fn(i64) -> bool) -> Vec<Contribution> {
    let answered = |row: &&Row| counts(whole(row, "n")) && !row["answered_at"].is_null();
    let contribution = |row: &Row| {
        let case_id = text(row, "case_id").unwrap_or_default();
        let contribution = Contribution::of(&case_id, at(row, "answered_at").unwrap_or(0));
        contribution.by(text(row, "answered_by")).worth(whole(row, time)).own("kind", text(row, "kind"))
    };
    known.rows("turns").iter().filter(answered).map(contribution).collect()
}

pub fn first_response_time(known: &Known, _: &Asked) -> Vec<Contribution> {
    answered(known, "active_ms", |n| n == 1)
}

pub fn first_response_time_business(known: &Known, _: &Asked) -> Vec<Contribution> {
    answered(known, "business_ms", |n| n == 1)
}

pub fn next_response_time(known: &Known, _: &Asked) -> Vec<Contribution> {
    answered(known, "active_ms", |n| n > 1)
}

pub fn next_response_time_business(known: &Known, _: &Asked) -> Vec<Contribution> {
    answered(known, "business_ms", |n| n > 1)
}

pub fn response_time(known: &Known, _: &Asked) -> Vec<Contribution> {
    answered(known, "active_ms", |_| true)
}

pub fn response_time_business(known: &Known, _: &Asked) -> Vec<Contribution> {
    answered(known, "business_ms", |_| true)
}

/// A contribution of a resolution, for the assignee then.
fn resolved(row: &Row) -> Contribution {
    let case_id = text(row, "case_id").unwrap_or_default();
    Contribution::of(&case_id, at(row, "resolved_at").unwrap_or(0)).by(text(row, "agent"))
}

/// The same, left out where the case became Spam.
fn resolved_but_spam(row: &Row) -> Contribution {
    resolved(row).left_out("spam", row["status"] == "spam")
}

/// The first resolution of each case.
fn first_resolutions(known: &Known) -> impl Iterator<Item = &Row> {
    known.rows("resolutions").iter().filter(|row| row["n"] == 1)
}

/// The last resolution of each case as of the report, whether or not it was reopened since.
pub fn last_resolutions(known: &Known) -> impl Iterator<Item = (&Case, &Row)> {
    known.cases().filter_map(|case| Some((case, known.rows_of("resolutions", case).max_by_key(|row| whole(row, "n"))?)))
}

pub fn first_resolution_time(known: &Known, _: &Asked) -> Vec<Contribution> {
    first_resolutions(known).map(|row| resolved_but_spam(row).worth(whole(row, "elapsed_ms"))).collect()
}

pub fn first_resolution_time_business(known: &Known, _: &Asked) -> Vec<Contribution> {
    first_resolutions(known).map(|row| resolved_but_spam(row).worth(whole(row, "business_ms"))).collect()
}

fn last_resolution(known: &Known, time: &str) -> Vec<Contribution> {
    last_resolutions(known).map(|(_, row)| resolved_but_spam(row).worth(whole(row, time))).collect()
}

pub fn resolution_time(known: &Known, _: &Asked) -> Vec<Contribution> {
    last_resolution(known, "active_ms")
}

pub fn resolution_time_business(known: &Known, _: &Asked) -> Vec<Contribution> {
    last_resolution(known, "business_ms")
}

pub fn lifetime(known: &Known, _: &Asked) -> Vec<Contribution> {
    last_resolution(known, "elapsed_ms")
}

pub fn lifetime_business(known: &Known, _: &Asked) -> Vec<Contribution> {
    let lasted = |(case, row): (&Case, &Row)| {
        let resolved_at = at(row, "resolved_at").unwrap_or(0);
        resolved_but_spam(row).worth(in_business_hours(known, case, case.steps[0].time, resolved_at))
    };
    last_resolutions(known).map(lasted).collect()
}

/// The maximal times for which something about a case stays the same, up to the deletion, without those that took no time.
fn stays<'c, T: PartialEq>(case: &'c Case, of: impl Fn(i64) -> Option<T> + 'c) -> Vec<(i64, Option<i64>, T)> {
    let mut instants: Vec<i64> = case.steps.iter().map(|step| step.time).collect();
    instants.dedup();
    let mut stays: Vec<(i64, Option<i64>, T)> = Vec::new();
    for instant in instants {
        let value = of(instant);
        let last = stays.last_mut().filter(|last| last.1.is_none());
        if last.as_ref().map(|last| &last.2) == value.as_ref() {
            continue;
        }
        if let Some(last) = last {
            last.1 = Some(instant);
        }
        stays.extend(value.map(|value| (instant, None, value)));
    }
    stays
}

/// A contribution for a stay, at its end; one that is not over is left out, dated at the as-of.
fn stay(known: &Known, case: &Case, (since, until): (i64, Option<i64>), measure: Measure) -> Contribution {
    let contribution = Contribution::of(&case.id, until.unwrap_or(known.as_of));
    let value = until.map_or(0, |until| measure(known, case, since, until));
    contribution.worth(value).left_out("not over", until.is_none())
}

fn stays_in_status(known: &Known, measure: Measure) -> Vec<Contribution> {
    let of_case = |case: &Case| {
        let stays = stays(case, |at| Some(standing(case, at)?.status.clone()));
        let contribution = |(since, until, status)| {
            let contribution = stay(known, case, (since, until), measure).own("status", Some(status));
            let assignee = case.assignee_at(contribution.at);
            contribution.by(assignee)
        };
        stays.into_iter().map(contribution).collect::<Vec<_>>()
    };
    known.cases().flat_map(of_case).collect()
}

pub fn time_in_status(known: &Known, _: &Asked) -> Vec<Contribution> {
    stays_in_status(known, elapsed)
}

pub fn time_in_status_business(known: &Known, _: &Asked) -> Vec<Contribution> {
    stays_in_status(known, in_business_hours)
}

fn stays_with_agents(known: &Known, measure: Measure) -> Vec<Contribution> {
    let four = |case: &Case, at: i64| {
        let state = standing(case, at)?;
        Some((state.status.clone(), state.assignee.clone(), state.priority.clone(), state.profile.clone()))
    };
    let mut contributions = Vec::new();
    for case in known.cases() {
        for (since, until, (status, assignee, priority, profile)) in stays(case, |at| four(case, at)) {
            if status == "open" && assignee.is_some() {
                let contribution = stay(known, case, (since, until), measure).by(assignee).own("status", Some(status));
                contributions.push(contribution.own("priority", Some(priority)).own("profile", profile));
            }
        }
    }
    contributions
}

pub fn agent_time(known: &Known, _: &Asked) -> Vec<Contribution> {
    stays_with_agents(known, elapsed)
}

pub fn agent_time_business(known: &Known, _: &Asked) -> Vec<Contribution> {
    stays_with_agents(known, in_business_hours)
}

/// How many messages people sent in a case.
fn touches_of(known: &Known, case: &Case) -> i64 {
    let is_touch = |row: &&Row| row["direction"] == "sent" && row["bot"] == false;
    known.rows_of("messages", case).filter(is_touch).count() as i64
}

pub fn touches(known: &Known, _: &Asked) -> Vec<Contribution> {
    last_resolutions(known).map(|(case, row)| resolved_but_spam(row).worth(touches_of(known, case))).collect()
}

pub fn one_touch_cases(known: &Known, _: &Asked) -> Vec<Contribution> {
    let is_one = |case: &Case| touches_of(known, case) == 1 && !case.steps.iter().any(Step::reopens);
    last_resolutions(known).map(|(case, row)| resolved_but_spam(row).yes(is_one(case))).collect()
}

/// The last resolution in the range of each case that has one.
fn last_in_range<'k>(known: &'k Known, asked: &'k Asked) -> impl Iterator<Item = (&'k Case, &'k Row)> {
    let within = |row: &&Row| at(row, "resolved_at").is_some_and(|at| asked.from <= at && at <= end(asked));
    let last = move |case: &'k Case| {
        known.rows_of("resolutions", case).filter(within).max_by_key(|row| whole(row, "n")).map(|row| (case, row))
    };
    known.cases().filter_map(last)
}

pub fn reopened_share(known: &Known, asked: &Asked) -> Vec<Contribution> {
    let is_reopened = |case: &Case| {
        let first = case.steps.iter().position(|step| step.resolves() && asked.from <= step.time);
        let later = case.steps[first.unwrap_or(0)..].iter().filter(|step| step.time <= end(asked));
        later.into_iter().any(Step::reopens)
    };
    last_in_range(known, asked).map(|(case, row)| resolved_but_spam(row).yes(is_reopened(case))).collect()
}

pub fn reassigned_share(known: &Known, asked: &Asked) -> Vec<Contribution> {
    let is_reassigned = |case: &Case| known.rows_of("assignments", case).count() > 1;
    last_in_range(known, asked).map(|(case, row)| resolved_but_spam(row).yes(is_reassigned(case))).collect()
}
