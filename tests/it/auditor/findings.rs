//! Findings (2.7): one row per event and rule, with the severity that the settings gave it then, and the counts of events
//! that changed nothing.

use super::Row;
use super::cases::row;
use super::desk::texts;
use super::event::written;
use super::life::{Case, Fate};
use super::rules;
use super::world::World;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// All findings of the log.
pub fn findings(world: &World) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut unknown_users = BTreeSet::new();
    for index in 0..world.events.len() {
        if is_repeated(world, index) {
            continue;
        }
        let mut found = rules_broken(world, index);
        let is_rejected = found.iter().any(|(_, effect)| *effect == "rejected");
        if !is_rejected && names_unknown_user(world, index, &mut unknown_users) {
            found.push(("unknown_user", "applied"));
        }
        rows.extend(found.into_iter().map(|(rule, effect)| finding(world, index, rule, effect)));
    }
    rows
}

/// A repeated message breaks no rule that makes a row.
fn is_repeated(world: &World, index: usize) -> bool {
    world.cases.iter().any(|case| case.fates.get(&index) == Some(&Fate::Repeated))
}

fn rules_broken(world: &World, index: usize) -> Vec<(&'static str, &'static str)> {
    let event = &world.events[index];
    if !event.is_about_a_case() {
        let is_unknown = rules::names_unknown(world, index);
        return if is_unknown { vec![("unknown_reference", "applied")] } else { Vec::new() };
    }
    let Some(case) = world.cases.iter().find(|case| case.id == event.subject) else { return Vec::new() };
    let mut found = Vec::new();
    match case.fates[&index] {
        Fate::Rejected(rule) => return vec![(rule, "rejected")],
        Fate::Kept(rule) => found.push((rule, "kept")),
        Fate::Applied | Fate::Repeated => {}
    }
    found.extend(rules::applied(world, case, index).into_iter().map(|rule| (rule, "applied")));
    found
}

/// Whether the event is the first to name a user whom no `user.updated` has named, in a log that has named users.
fn names_unknown_user(world: &World, index: usize, unknown_users: &mut BTreeSet<String>) -> bool {
    let event = &world.events[index];
    let named = |name: Option<&str>| {
        let earlier = world.events[..index].iter();
        earlier.filter(|e| e.kind == "user.updated").any(|e| name.is_none_or(|name| e.subject == name))
    };
    if !event.is_about_a_case() || !named(None) {
        return false;
    }
    let mut people: Vec<String> =
        [event.text("by"), event.text("agent")].into_iter().flatten().map(str::to_owned).collect();
    people.extend(texts(&event.data["mentions"]));
    let mut found = false;
    for person in people {
        if !named(Some(&person)) {
            found |= unknown_users.insert(person);
        }
    }
    found
}

/// How many events of each case changed nothing, by rule.
pub fn noted(world: &World) -> Vec<Row> {
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for case in &world.cases {
        for rule in case.fates.keys().filter_map(|index| noted_rule(world, case, *index)) {
            *counts.entry((&case.id, rule)).or_insert(0) += 1;
        }
    }
    let to_row = |((case, rule), count)| row(&json!({ "case_id": case, "rule": rule, "count": count }));
    counts.into_iter().map(to_row).collect()
}

fn noted_rule(world: &World, case: &Case, index: usize) -> Option<&'static str> {
    if case.fates[&index] == Fate::Repeated {
        return Some("message_repeated");
    }
    case.steps.iter().find(|step| step.index == index && step.before.as_ref() == Some(&step.after))?;
    match world.events[index].kind.as_str() {
        "case.priority_changed" => Some("priority_unchanged"),
        "case.assigned" | "case.unassigned" => Some("assignee_unchanged"),
        "case.status_changed" => Some("status_unchanged"),
        "case.closed" => Some("closed_already"),
        _ => None,
    }
}

fn finding(world: &World, index: usize, rule: &str, effect: &str) -> Row {
    let event = &world.events[index];
    let usual = if rule == "message_before_case" { "info" } else { "warning" };
    let severity = world.desk.setting(index, &format!("/findings/{rule}")).as_str().unwrap_or(usual);
    row(&json!({
        "time": written(event.time), "source": event.source, "id": event.id,
        "case_id": event.is_about_a_case().then_some(&event.subject), "type": event.kind,
        "rule": rule, "effect": effect, "severity": severity,
    }))
}
