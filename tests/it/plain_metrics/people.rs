//! Agents and satisfaction.

use crate::auditor::{Case, Event, Fate, Row};
use crate::laws::at;

use super::known::{Contribution, Known, is_unresolved, standing, text};
use super::question::Asked;
use super::volume::{messages, messages_sent};

/// The users whom the log names at an instant.
fn users(known: &Known, at: i64) -> impl Iterator<Item = &str> {
    known.world.desk.names("user").into_iter().filter(move |name| known.user(name, at).is_some())
}

/// How many open cases a user may have at an instant.
fn capacity(known: &Known, user: &str, at: i64) -> i64 {
    known.user(user, at).and_then(|user| user["capacity"].as_i64()).unwrap_or(5)
}

/// How many open cases a user has at an instant.
fn load(known: &Known, user: &str, at: i64) -> i64 {
    let is_theirs = |case: &&Case| is_unresolved(case, at) && case.assignee_at(at).as_deref() == Some(user);
    known.cases().filter(is_theirs).count() as i64
}

/// Between two instants, between which nothing changes: the time of each open case with a user whom the log names.
pub fn workload_time(known: &Known, since: i64, until: i64) -> Vec<Contribution> {
    let time = |case: &Case| {
        let user = standing(case, since).filter(|state| !state.is_resolved())?.assignee.clone()?;
        known.user(&user, since)?;
        Some(Contribution::of(&case.id, until - 1).by(Some(user)).worth(until - since))
    };
    known.cases().filter_map(time).collect()
}

pub fn capacity_of_users(known: &Known, at: i64) -> Vec<Contribution> {
    users(known, at).map(|user| Contribution::of_user(user, at, at + 1).worth(capacity(known, user, at))).collect()
}

pub fn capacity_time(known: &Known, since: i64, until: i64) -> Vec<Contribution> {
    let time =
        |user: &str| Contribution::of_user(user, since, until).worth(capacity(known, user, since) * (until - since));
    users(known, since).map(time).collect()
}

pub fn over_capacity_time(known: &Known, since: i64, until: i64) -> Vec<Contribution> {
    let over = users(known, since).filter(|user| load(known, user, since) > capacity(known, user, since));
    over.map(|user| Contribution::of_user(user, since, until)).collect()
}

pub fn online_time(known: &Known, since: i64, until: i64) -> Vec<Contribution> {
    let time = |user: &str| {
        let presence = known.world.desk.on("presence", user, since)?.value.as_ref()?.as_str()?;
        let time = Contribution::of_user(user, since, until).own("presence", Some(presence.to_owned()));
        ["online", "away"].contains(&presence).then_some(time)
    };
    known.world.desk.names("presence").into_iter().filter_map(time).collect()
}

/// Whether an event is something that a user does to a case: a message, a note, a status, an assignment, a field.
fn is_act(event: &Event) -> bool {
    let acts = [
        "message.sent",
        "message.noted",
        "case.status_changed",
        "case.closed",
        "case.assigned",
        "case.unassigned",
        "case.field_changed",
        "case.priority_changed",
        "case.sentiment_changed",
        "case.profile_assigned",
    ];
    acts.contains(&event.kind.as_str())
}

pub fn handled_cases(known: &Known, _: &Asked) -> Vec<Contribution> {
    let mut acts = Vec::new();
    for case in &known.world.cases {
        let taken = case.fates.iter().filter(|(_, fate)| !matches!(fate, Fate::Rejected(_) | Fate::Repeated));
        for event in taken.map(|(index, _)| &known.world.events[*index]).filter(|event| is_act(event)) {
            if let Some(by) = event.text("by") {
                acts.push(Contribution::of(&case.id, event.time).by(Some(by.to_owned())).once_a_case());
            }
        }
    }
    acts
}

pub fn reply_by_other_share(known: &Known, asked: &Asked) -> Vec<Contribution> {
    let judged = |reply: Contribution| {
        let assignee = known.assignee(reply.case_id.as_deref().unwrap_or_default(), reply.at);
        let (is_other, is_unknown) = (reply.agent != assignee, reply.agent.is_none());
        reply.yes(is_other).left_out("sender unknown", is_unknown)
    };
    messages_sent(known, asked).into_iter().map(judged).collect()
}

pub fn replies(known: &Known, _: &Asked) -> Vec<Contribution> {
    messages(known, "sent", |row| row["bot"] == false)
}

pub fn survey_response_rate(known: &Known, _: &Asked) -> Vec<Contribution> {
    let mut sent: Vec<Contribution> = Vec::new();
    for case in known.cases() {
        let of = |kind: &'static str| case.steps.iter().filter(move |step| step.is(kind));
        let event = |index: usize| &known.world.events[index];
        let mut names: Vec<Option<&str>> = of("survey.sent").map(|step| event(step.index).text("survey")).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let is_it = |index: usize| event(index).text("survey") == name;
            let is_answered = of("survey.answered").any(|step| is_it(step.index));
            sent.extend(of("survey.sent").find(|step| is_it(step.index)).map(|step| {
                let contribution = Contribution::of(&case.id, step.time).by(case.assignee_at(step.time));
                contribution.yes(is_answered).own("kind", event(step.index).text("kind").map(str::to_owned))
            }));
        }
    }
    sent
}

/// The last answer of each survey of a kind, dated then, with what its score is worth. The facts have only the last answer of
/// the whole log: an earlier one is not counted, also where the report ends between the two.
fn scores(known: &Known, kind: &str, worth: impl Fn(f64) -> f64) -> Vec<Contribution> {
    let rows = known.whole.tables["surveys"].iter().filter(|row| row["kind"] == kind);
    let score = |row: &Row| {
        let case_id = text(row, "case_id").unwrap_or_default();
        let contribution = Contribution::of(&case_id, at(row, "answered_at").unwrap_or(0)).by(text(row, "agent"));
        Contribution { value: row["score"].as_f64().map(&worth), ..contribution }
    };
    rows.map(score).collect()
}

pub fn csat(known: &Known, _: &Asked) -> Vec<Contribution> {
    scores(known, "csat", |score| if score >= 4.0 { 1.0 } else { 0.0 })
}

pub fn nps(known: &Known, _: &Asked) -> Vec<Contribution> {
    let worth = |score| match score {
        9.0.. => 1.0,
        ..=6.0 => -1.0,
        _ => 0.0,
    };
    scores(known, "nps", worth)
}

pub fn ces(known: &Known, _: &Asked) -> Vec<Contribution> {
    scores(known, "ces", |score| score)
}
