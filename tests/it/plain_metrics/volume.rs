//! Volume and backlog.

use crate::auditor::{Case, Row, Step};
use crate::laws::at;

use super::known::{Contribution, Known, is_unresolved, standing, text};
use super::question::Asked;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// What happened in any case: a contribution for each step that matters, dated then, for the assignee then.
fn steps(known: &Known, matters: impl Fn(&Step) -> bool) -> Vec<Contribution> {
    let of_case = |case: &Case| {
        let steps = case.steps.iter().filter(|step| matters(step));
        steps.map(|step| Contribution::of(&case.id, step.time).by(case.assignee_at(step.time))).collect::<Vec<_>>()
    };
    known.cases().flat_map(of_case).collect()
}

pub fn created_cases(known: &Known, _: &Asked) -> Vec<Contribution> {
    let created =
        |case: &Case| Contribution::of(&case.id, case.steps[0].time).by(known.assignee(&case.id, known.as_of));
    known.cases().map(created).collect()
}

pub fn assigned_cases(known: &Known, _: &Asked) -> Vec<Contribution> {
    let is_assignment = |step: &Step| step.reassigns() && step.after.assignee.is_some();
    let of_case = |case: &Case| {
        let steps = case.steps.iter().filter(|step| is_assignment(step));
        let assigned =
            |step: &Step| Contribution::of(&case.id, step.time).by(step.after.assignee.clone()).once_a_case();
        steps.map(assigned).collect::<Vec<_>>()
    };
    known.cases().flat_map(of_case).collect()
}

pub fn resolved_cases(known: &Known, _: &Asked) -> Vec<Contribution> {
    steps(known, Step::resolves).into_iter().map(Contribution::once_a_case).collect()
}

/// The last instant that a report over a range knows of it.
pub fn end(asked: &Asked) -> i64 {
    asked.as_of.min(asked.to - 1)
}

pub fn stayed_resolved_cases(known: &Known, asked: &Asked) -> Vec<Contribution> {
    let stayed = |case: &Case| {
        // A deletion changes nothing about what had been resolved.
        let last = case.steps.iter().rfind(|step| step.time <= end(asked) && (step.resolves() || step.reopens()))?;
        let resolution = Contribution::of(&case.id, last.time).by(case.assignee_at(last.time));
        last.resolves().then_some(resolution)
    };
    known.cases().filter_map(stayed).collect()
}

pub fn resolutions(known: &Known, _: &Asked) -> Vec<Contribution> {
    steps(known, Step::resolves)
}

pub fn spam_cases(known: &Known, _: &Asked) -> Vec<Contribution> {
    let is_new_spam = |step: &Step| step.resolves() && step.after.status == "spam";
    let mut all = steps(known, is_new_spam);
    for case in known.cases() {
        let is_spam = |at: i64| standing(case, at).is_some_and(|state| state.status == "spam");
        let mut instants: Vec<i64> = case.steps.iter().map(|step| step.time).collect();
        instants.dedup();
        // From Done: a change that is taken back within its instant leaves no trace.
        instants.retain(|at| is_spam(*at) && !is_spam(at - 1));
        instants.retain(|at| !case.steps.iter().any(|step| step.time == *at && is_new_spam(step)));
        all.extend(instants.into_iter().map(|at| Contribution::of(&case.id, at).by(case.assignee_at(at))));
    }
    all.into_iter().map(Contribution::once_a_case).collect()
}

pub fn reopenings(known: &Known, _: &Asked) -> Vec<Contribution> {
    steps(known, Step::reopens)
}

pub fn deleted_cases(known: &Known, _: &Asked) -> Vec<Contribution> {
    let deleted = |case: &Case| {
        let step = case.steps.iter().find(|step| step.deletes())?;
        let before = step.before.as_ref()?;
        let contribution = Contribution::of(&case.id, step.time).by(before.assignee.clone());
        let contribution = contribution.own("status", Some(before.status.clone()));
        let contribution = contribution.own("priority", Some(before.priority.clone()));
        Some(contribution.own("profile", before.profile.clone()))
    };
    known.cases().filter_map(deleted).collect()
}

/// Messages of one direction, each with its kind, for whom it is by.
pub fn messages(known: &Known, direction: &str, counts: impl Fn(&Row) -> bool) -> Vec<Contribution> {
    let rows = known.rows("messages").iter().filter(|row| row["direction"] == direction && counts(row));
    let message = |row: &Row| {
        let case_id = text(row, "case_id").unwrap_or_default();
        Contribution::of(&case_id, at(row, "time").unwrap_or(0)).by(text(row, "by")).own("kind", text(row, "kind"))
    };
    rows.map(message).collect()
}

pub fn messages_received(known: &Known, _: &Asked) -> Vec<Contribution> {
    let for_assignee = |message: Contribution| {
        let assignee = known.assignee(message.case_id.as_deref().unwrap_or_default(), message.at);
        message.by(assignee)
    };
    messages(known, "received", |_| true).into_iter().map(for_assignee).collect()
}

pub fn messages_sent(known: &Known, _: &Asked) -> Vec<Contribution> {
    messages(known, "sent", |row| row["bot"] == false)
}

pub fn bot_messages_sent(known: &Known, _: &Asked) -> Vec<Contribution> {
    messages(known, "sent", |row| row["bot"] == true)
}

pub fn notes(known: &Known, _: &Asked) -> Vec<Contribution> {
    let without_kind = |note: Contribution| Contribution { own: Vec::new(), ..note };
    messages(known, "noted", |_| true).into_iter().map(without_kind).collect()
}

/// What the creation of a case states.
fn created_with<'k>(known: &'k Known, case: &Case, member: &str) -> Option<&'k str> {
    known.world.events[case.steps[0].index].text(member)
}

pub fn contacts_per_customer(known: &Known, _: &Asked) -> Vec<Contribution> {
    let contact = |case: &Case| {
        let key = created_with(known, case, "customer").map(str::to_owned);
        Contribution { key, ..Contribution::of(&case.id, case.steps[0].time) }
    };
    known.cases().map(contact).collect()
}

pub fn repeat_contacts(known: &Known, _: &Asked) -> Vec<Contribution> {
    let customer = |case: &Case| created_with(known, case, "customer");
    // As for every dimension, the events of the instant are included.
    let profile = |case: &Case| standing(case, case.steps[0].time)?.profile.clone();
    let mut repeated = Vec::new();
    for case in known.cases().filter(|case| profile(case).is_some()) {
        let created_at = case.steps[0].time;
        let precedes = |other: &&Case| {
            let days_before = created_at - 7 * DAY..created_at;
            days_before.contains(&other.steps[0].time)
                && profile(other) == profile(case)
                && customer(other) == customer(case)
        };
        if known.cases().any(|other| precedes(&other)) {
            repeated.push(Contribution::of(&case.id, created_at).by(case.assignee_at(created_at)));
        }
    }
    repeated
}

/// The unresolved cases at an instant, each for its assignee.
pub fn backlog(known: &Known, at: i64) -> Vec<Contribution> {
    let unresolved = known.cases().filter(|case| is_unresolved(case, at));
    unresolved.map(|case| Contribution::of(&case.id, at).by(case.assignee_at(at))).collect()
}

pub fn unassigned_backlog(known: &Known, at: i64) -> Vec<Contribution> {
    backlog(known, at).into_iter().filter(|case| case.agent.is_none()).collect()
}

pub fn backlog_age(known: &Known, at: i64) -> Vec<Contribution> {
    let classes = [
        (HOUR, "1. < 1h"),
        (4 * HOUR, "2. < 4h"),
        (8 * HOUR, "3. < 8h"),
        (DAY, "4. < 1d"),
        (3 * DAY, "5. < 3d"),
        (7 * DAY, "6. < 7d"),
        (30 * DAY, "7. < 30d"),
    ];
    let class = |age: i64| classes.iter().find(|(end, _)| age < *end).map_or("8. ≥ 30d", |(_, class)| class);
    let aged = |case: &Case| {
        let age = at - case.steps[0].time;
        let contribution = Contribution::of(&case.id, at).by(case.assignee_at(at)).worth(age);
        contribution.own("age", Some(class(age).to_owned()))
    };
    known.cases().filter(|case| is_unresolved(case, at)).map(aged).collect()
}

pub fn waiting_for_us(known: &Known, instant: i64) -> Vec<Contribution> {
    let by_then = |row: &Row, column: &str| at(row, column).is_some_and(|time| time <= instant);
    let is_open = |row: &Row| by_then(row, "asked_at") && !by_then(row, "answered_at") && !by_then(row, "stopped_at");
    let waits = |case: &&Case| is_unresolved(case, instant) && known.rows_of("turns", case).any(is_open);
    let contribution = |case: &Case| Contribution::of(&case.id, instant).by(case.assignee_at(instant)).once_a_case();
    known.cases().filter(waits).map(contribution).collect()
}

/// The unresolved cases with an assignee at an instant.
pub fn workload(known: &Known, at: i64) -> Vec<Contribution> {
    let is_assigned = |case: &&Case| standing(case, at).is_some_and(|state| state.assignee.is_some());
    let open = known.cases().filter(|case| is_unresolved(case, at)).filter(is_assigned);
    open.map(|case| Contribution::of(&case.id, at).by(case.assignee_at(at))).collect()
}
