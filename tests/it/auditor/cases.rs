//! The tables of cases that need no clock (4).

use super::business::{active_ms, business_ms, open_hours_ms};
use super::event::{written, written_if};
use super::life::{Case, Fate, State, Step};
use super::turns::{Turn, is_reply, turns};
use super::world::World;
use super::{Row, Tables, policy};
use serde_json::{Value, json};

/// Adds the rows of one case to its tables.
pub fn add_rows(world: &World, case: &Case, tables: &mut Tables) {
    let messages = messages(world, case);
    if !case.steps.is_empty() {
        let assignments = assignments(world, case);
        let surveys = surveys(world, case);
        tables.entry("cases").or_default().push(case_row(world, case, &messages, &assignments, &surveys));
        tables.entry("periods").or_default().extend(periods(world, case));
        tables.entry("assignments").or_default().extend(assignments);
        let turns = turns(world, case);
        tables.entry("turns").or_default().extend(turns.iter().map(|turn| turn_row(world, case, turn)));
        tables.entry("resolutions").or_default().extend(resolutions(world, case));
        tables.entry("field_values").or_default().extend(field_values(case));
        tables.entry("community_locks").or_default().extend(locks(world, case));
        tables.entry("surveys").or_default().extend(surveys);
    }
    tables.entry("messages").or_default().extend(messages);
}

/// A row from a JSON object.
pub fn row(object: &Value) -> Row {
    object.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The maximal times for which something about the case stays the same, up to the deletion; none of zero length.
fn intervals<T: PartialEq>(case: &Case, of: impl Fn(&State) -> T) -> Vec<(i64, Option<i64>, T)> {
    let mut instants: Vec<i64> = case.steps.iter().map(|step| step.time).collect();
    instants.dedup();
    instants.retain(|t| case.deleted_at().is_none_or(|deleted_at| *t < deleted_at));
    let mut intervals: Vec<(i64, Option<i64>, T)> = Vec::new();
    for instant in instants {
        let Some(value) = case.at(instant).map(&of) else { continue };
        if intervals.last().is_some_and(|last| last.2 == value) {
            continue;
        }
        if let Some(last) = intervals.last_mut() {
            last.1 = Some(instant);
        }
        intervals.push((instant, case.deleted_at(), value));
    }
    intervals
}

fn four(state: &State) -> (String, Option<String>, String, Option<String>) {
    (state.status.clone(), state.assignee.clone(), state.priority.clone(), state.profile.clone())
}

fn periods(world: &World, case: &Case) -> Vec<Row> {
    let changes = |step: &&Step| step.before.as_ref().map(four) != Some(four(&step.after));
    let to_row = |(since, until, (status, assignee, priority, profile)): (i64, Option<i64>, _)| {
        let cause = case.steps.iter().filter(changes).rfind(|step| step.time == since);
        let event = cause.map(|step| &world.events[step.index]);
        row(&json!({
            "case_id": case.id, "since": written(since), "until": written_if(until), "status": status,
            "assignee": assignee, "priority": priority, "profile": profile, "cause": cause.map(|step| &step.cause),
            "event_source": event.map(|event| &event.source), "event_id": event.map(|event| &event.id),
            "business_ms": until.map(|until| open_hours_ms(world, case, since, until)),
        }))
    };
    let mut rows: Vec<Row> = intervals(case, four).into_iter().map(to_row).collect();
    add_stays(&mut rows);
    rows
}

/// Adds to each period the unbroken stay in its status.
fn add_stays(periods: &mut [Row]) {
    for stay in periods.chunk_by_mut(|period, next| period["status"] == next["status"]) {
        let since = stay[0]["since"].clone();
        let until = stay[stay.len() - 1]["until"].clone();
        let parts: Option<i64> = stay.iter().map(|period| period["business_ms"].as_i64()).sum();
        for period in stay {
            period.insert("status_since".to_owned(), since.clone());
            period.insert("status_until".to_owned(), until.clone());
            period.insert("status_business_ms".to_owned(), json!(parts));
        }
    }
}

fn assignments(world: &World, case: &Case) -> Vec<Row> {
    let ends = |step: &&Step| step.reassigns() || step.deletes();
    let begins = |(_, step): &(usize, &Step)| step.reassigns() && step.after.assignee.is_some();
    let created = case.steps[0].time;
    let (mut rows, mut had_person) = (Vec::new(), false);
    for (position, step) in case.steps.iter().enumerate().filter(begins) {
        let event = &world.events[step.index];
        let agent = step.after.assignee.clone();
        let end = case.steps[position + 1..].iter().find(ends);
        let ended_by = end.map(|end| match end.cause.as_str() {
            "presence" => "presence",
            "case.deleted" => "deleted",
            "case.assigned" => "reassigned",
            _ => "unassigned",
        });
        let within = |s: &&Step| s.index > step.index && end.is_none_or(|end| s.index < end.index);
        let replies = |s: &&Step| {
            let is_taken = case.fates.get(&s.index) == Some(&Fate::Applied);
            s.is("message.sent") && is_taken && world.events[s.index].text("by") == agent.as_deref()
        };
        let first_reply = case.steps.iter().filter(within).find(replies);
        let is_first = !had_person && !world.desk.is_bot(agent.as_deref().unwrap_or_default(), step.index);
        had_person |= is_first;
        rows.push(row(&json!({
            "case_id": case.id, "n": rows.len() + 1, "agent": agent, "assigned_at": written(step.time),
            "assigned_by": event.text("by"), "automatic": event.flag("automatic"),
            "ended_at": written_if(end.map(|end| end.time)), "ended_by": ended_by,
            "first_reply_at": written_if(first_reply.map(|reply| reply.time)),
            "is_first": is_first, "elapsed_ms": step.time - created,
            "elapsed_business_ms": open_hours_ms(world, case, created, step.time),
        })));
    }
    rows
}

fn turn_row(world: &World, case: &Case, turn: &Turn) -> Row {
    let asked = &case.steps[turn.asked];
    let answered = turn.answered.map(|position| &case.steps[position]);
    let kind = (turn.n > 1).then(|| world.events[asked.index].text("kind").unwrap_or("public"));
    row(&json!({
        "case_id": case.id, "n": turn.n, "asked_at": written(asked.time),
        "answered_at": written_if(answered.map(|step| step.time)),
        "answered_by": answered.and_then(|step| world.events[step.index].text("by")),
        "stopped_at": written_if(turn.stopped.map(|position| case.steps[position].time)),
        "assignee": case.assignee_at(asked.time), "kind": kind,
        "elapsed_ms": answered.map(|step| step.time - asked.time),
        "active_ms": answered.map(|step| active_ms(world, case, asked.time, step.time)),
        "business_ms": answered.map(|step| business_ms(world, case, asked.time, step.time)),
    }))
}

fn resolutions(world: &World, case: &Case) -> Vec<Row> {
    let created = case.steps[0].time;
    let mut rows = Vec::new();
    for (position, step) in case.steps.iter().enumerate().filter(|(_, step)| step.resolves()) {
        let reopening = case.steps[position..].iter().find(|step| step.reopens());
        let last = case.steps[position..].iter().rfind(|step| reopening.is_none_or(|next| step.index < next.index));
        let closes_at = last.and_then(|step| step.after.closes_at);
        let until = reopening.map(|step| step.time).or(case.deleted_at());
        let closed_at = closes_at.filter(|closes_at| until.is_none_or(|until| *closes_at <= until));
        rows.push(row(&json!({
            "case_id": case.id, "n": rows.len() + 1, "resolved_at": written(step.time), "status": step.after.status,
            "agent": case.assignee_at(step.time), "by": world.events[step.index].text("by"),
            "elapsed_ms": step.time - created, "active_ms": active_ms(world, case, created, step.time),
            "business_ms": business_ms(world, case, created, step.time),
            "elapsed_business_ms": open_hours_ms(world, case, created, step.time),
            "reopened_at": written_if(reopening.map(|step| step.time)), "closed_at": written_if(closed_at),
        })));
    }
    let times: Vec<Value> = rows.iter().map(|row: &Row| row["resolved_at"].clone()).collect();
    for (position, row) in rows.iter_mut().enumerate() {
        let time = |position: Option<usize>| position.and_then(|at| times.get(at).cloned()).unwrap_or(Value::Null);
        row.insert("previous_resolved_at".to_owned(), time(position.checked_sub(1)));
        row.insert("next_resolved_at".to_owned(), time(Some(position + 1)));
    }
    rows
}

fn messages(world: &World, case: &Case) -> Vec<Row> {
    let mut rows = Vec::new();
    for (index, fate) in &case.fates {
        let event = &world.events[*index];
        let place = match fate {
            Fate::Rejected(_) | Fate::Repeated => continue,
            Fate::Kept("message_before_case") => "before_case",
            Fate::Kept("message_after_close") => "after_close",
            Fate::Kept(_) => "resolved",
            Fate::Applied => "in_case",
        };
        let Some(direction) = event.kind.strip_prefix("message.").filter(|_| event.is_message()) else { continue };
        let later = |kind: &str| {
            let mut taken = case.fates.iter().filter(|(later, fate)| *later > index && **fate == Fate::Applied);
            let is_it = |e: &&super::event::Event| e.kind == kind && e.text("message") == event.text("message");
            taken.find_map(|(later, _)| Some(&world.events[*later]).filter(is_it).map(|event| event.time))
        };
        let text = event.text("text").filter(|_| case.deleted_at().is_none());
        rows.push(row(&json!({
            "case_id": case.id, "time": written(event.time), "message": event.text("message"), "direction": direction,
            "kind": (direction != "noted").then(|| event.text("kind").unwrap_or("public")),
            "by": if direction == "received" { None } else { event.text("by") },
            "bot": direction != "received" && world.is_bots(*index), "text": text, "sentiment": event.text("sentiment"),
            "language": event.text("language"), "liked": later("message.liked").is_some(),
            "deleted_at": written_if(later("message.deleted")), "place": place,
        })));
    }
    rows
}

fn field_values(case: &Case) -> Vec<Row> {
    let mut names: Vec<&String> = case.steps.iter().flat_map(|step| step.after.fields.keys()).collect();
    names.sort();
    names.dedup();
    let mut rows = Vec::new();
    let mut add = |name: &str, since: i64, until: Option<i64>, value: Value| {
        rows.push(row(&json!({
            "case_id": case.id, "field": name, "since": written(since), "until": written_if(until), "value": value,
        })));
    };
    for (since, until, value) in intervals(case, |state| state.sentiment.clone()) {
        add("sentiment", since, until, json!(value));
    }
    for name in names {
        for (since, until, value) in intervals(case, |state| state.fields.get(name).cloned()) {
            value.into_iter().for_each(|value| add(name, since, until, value));
        }
    }
    rows
}

/// A community message is locked while its case is neither closed nor deleted (7.4).
fn locks(world: &World, case: &Case) -> Vec<Row> {
    let Some(message) = world.events[case.steps[0].index].text("message") else { return Vec::new() };
    let mut locked = Vec::new();
    for (since, until, closes_at) in intervals(case, |state| state.closes_at.filter(|_| state.is_resolved())) {
        let until = until.unwrap_or(i64::MAX).min(closes_at.unwrap_or(i64::MAX));
        locked.push((since, until));
    }
    locked.retain(|(since, until)| since < until);
    let to_row = |(since, until): (i64, i64)| {
        let until = Some(until).filter(|until| *until < i64::MAX);
        let (since, until) = (written(since), written_if(until));
        row(&json!({"message": message, "case_id": case.id, "since": since, "until": until}))
    };
    super::hours::union(locked).into_iter().map(to_row).collect()
}

/// The latest answer of each survey of the case; the agent is the assignee when it was sent.
fn surveys(world: &World, case: &Case) -> Vec<Row> {
    let named = |kind: &'static str| {
        let steps = case.steps.iter().filter(move |step| step.is(kind));
        steps.map(|step| (step, world.events[step.index].text("survey")))
    };
    let mut rows = Vec::new();
    for (step, survey) in named("survey.answered") {
        if named("survey.answered").any(|(later, name)| later.index > step.index && name == survey) {
            continue;
        }
        let sent = named("survey.sent").rfind(|(sent, name)| sent.index < step.index && *name == survey);
        let data = &world.events[step.index].data;
        rows.push(row(&json!({
            "case_id": case.id, "survey": survey, "kind": data["kind"], "score": data["score"],
            "comment": if case.deleted_at().is_some() { &Value::Null } else { &data["comment"] }, "answered_at": written(step.time),
            "agent": sent.and_then(|(sent, _)| case.assignee_at(sent.time)),
        })));
    }
    rows
}

fn case_row(world: &World, case: &Case, messages: &[Row], assignments: &[Row], surveys: &[Row]) -> Row {
    let (first, last) = (&case.steps[0], &case.steps[case.steps.len() - 1]);
    let created = &world.events[first.index];
    let state = &last.after;
    let policy = policy::chosen(world, case);
    let version = policy.as_ref().map(|(_, version)| world.events[*version].time);
    let count = |holds: &dyn Fn(&Row) -> bool| messages.iter().filter(|message| holds(message)).count();
    let latest = |holds: &dyn Fn(&Row) -> bool| -> Value {
        messages.iter().rfind(|message| holds(message)).map_or(Value::Null, |message| message["time"].clone())
    };
    let received = |message: &Row| message["direction"] == "received";
    let by_person = |message: &Row| message["direction"] == "sent" && message["bot"] == false;
    let is_person = |s: &&Step| !world.desk.is_bot(s.after.assignee.as_deref().unwrap_or_default(), s.index);
    let first_assigned =
        case.steps.iter().filter(|s| s.reassigns() && s.after.assignee.is_some()).find(is_person).map(|s| s.time);
    let reply = case.steps.iter().find(|step| is_reply(world, case, step));
    let resolved = case.steps.iter().rfind(|step| step.resolves()).filter(|_| state.is_resolved());
    let closed_at = state.closes_at.filter(|closes_at| case.deleted_at().is_none_or(|at| *closes_at <= at));
    let linked = case.steps.iter().rfind(|step| step.is("salesforce.linked"));
    let answer = surveys.iter().max_by_key(|row| row["answered_at"].as_str().map(str::to_owned));
    row(&json!({
        "case_id": case.id, "customer": created.text("customer"), "profile": state.profile,
        "platform": policy::platform(world, first.index), "origin": created.text("origin").unwrap_or("manual"),
        "language": created.text("language"), "created_at": written(first.time), "created_by": created.text("by"),
        "text": created.text("text").filter(|_| case.deleted_at().is_none()),
        "policy": policy.map(|policy| policy.0), "policy_version": written_if(version),
        "first_assigned_at": written_if(first_assigned), "first_response_at": written_if(reply.map(|step| step.time)),
        "first_response_by": reply.and_then(|step| world.events[step.index].text("by")),
        "first_resolved_at": written_if(case.steps.iter().find(|step| step.resolves()).map(|step| step.time)),
        "resolved_at": written_if(resolved.map(|step| step.time)),
        "resolved_by": resolved.and_then(|step| world.events[step.index].text("by")),
        "reopenings": case.steps.iter().filter(|step| step.reopens()).count(),
        "closes_at": written_if(state.closes_at), "closed_at": written_if(closed_at),
        "deleted_at": written_if(case.deleted_at()), "status": state.status, "assignee": state.assignee,
        "priority": state.priority, "sentiment": state.sentiment, "fields": state.fields,
        "messages_received": count(&received), "messages_sent": count(&by_person),
        "bot_messages_sent": count(&|message| message["direction"] == "sent" && message["bot"] == true),
        "notes": count(&|message| message["direction"] == "noted"), "assignments": assignments.len(),
        "last_customer_message_at": latest(&received), "last_agent_message_at": latest(&by_person),
        "salesforce_record": linked.and_then(|step| world.events[step.index].text("record")),
        "survey_score": answer.map_or(Value::Null, |row| row["score"].clone()),
    }))
}
