//! The tables about users: versions, presence, notices of breaches (4).

use super::cases::row;
use super::desk::texts;
use super::event::{instant, written, written_if};
use super::world::World;
use super::{Row, Tables, outcome};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The maximal times of an unchanged row of each user.
pub fn users(world: &World) -> Vec<Row> {
    rows_of(world, "user", "user", |name, instant| {
        let index = world.last_index(instant);
        let user = world.desk.at("user", name, index)?;
        let groups = world.desk.groups_of(name, index);
        let of_group = |group: &String| world.desk.at("group", group, index).map(|group| texts(&group["skills"]));
        let group_skills: BTreeSet<String> = groups.iter().filter_map(of_group).flatten().collect();
        let skills: BTreeSet<String> = texts(&user["skills"]).into_iter().collect();
        Some(json!({
            "name": user["name"], "role": user["role"].as_str().unwrap_or("agent"), "team": user["team"],
            "capacity": user["capacity"].as_i64().unwrap_or(5), "auto_assign": user["auto_assign"] == true,
            "bot": user["bot"] == true, "skills": skills, "group_skills": group_skills, "groups": groups,
        }))
    })
}

/// The maximal times of unchanged presence of each user, up to a removal.
pub fn presence(world: &World) -> Vec<Row> {
    rows_of(world, "presence", "user", |name, instant| {
        let presence = world.desk.on("presence", name, instant)?.value.as_ref()?;
        Some(json!({ "presence": presence }))
    })
}

/// Rows of unchanged values over the instants of the log.
fn rows_of(world: &World, kind: &'static str, key: &str, value_on: impl Fn(&str, i64) -> Option<Value>) -> Vec<Row> {
    let mut instants: Vec<i64> = world.events.iter().map(|event| event.time).collect();
    instants.dedup();
    let mut rows: Vec<Row> = Vec::new();
    for name in world.desk.names(kind) {
        let mut last: Option<(i64, Value)> = None;
        let mut end = |last: &mut Option<(i64, Value)>, until: Option<i64>| {
            if let Some((since, value)) = last.take() {
                let mut row = row(&value);
                row.insert(key.to_owned(), json!(name));
                row.insert("since".to_owned(), written(since));
                row.insert("until".to_owned(), written_if(until));
                rows.push(row);
            }
        };
        for instant in &instants {
            let value = value_on(name, *instant);
            if last.as_ref().map(|last| &last.1) != value.as_ref() {
                end(&mut last, Some(*instant));
                last = value.map(|value| (*instant, value));
            }
        }
        end(&mut last, None);
    }
    rows
}

/// A breach of an instance that is valid at the end of the log is notified to the assignee at due and to all
/// supervisors of that instant (3.6).
pub fn breaches(world: &World, tables: &Tables) -> Vec<Row> {
    let mut rows = Vec::new();
    let valid = tables["milestones"].iter().filter(|milestone| milestone["until"].is_null());
    for milestone in valid.filter(|m| ["late", "missed", "overdue"].contains(&outcome(m, world.end()))) {
        let due_at = milestone["due_at"].as_str().map(instant).unwrap_or_default();
        let is_supervisor = |name: &&str| {
            let user = world.desk.on("user", name, due_at).and_then(|version| version.value.as_ref());
            user.is_some_and(|user| user["role"] == "supervisor")
        };
        let supervisors = world.desk.names("user").into_iter().filter(is_supervisor);
        let recipients: BTreeSet<&str> = supervisors.chain(milestone["assignee_at_due"].as_str()).collect();
        rows.extend(recipients.into_iter().map(|recipient| {
            row(&json!({
                "case_id": milestone["case_id"], "milestone": milestone["milestone"], "n": milestone["n"],
                "due_at": milestone["due_at"], "recipient": recipient,
            }))
        }));
    }
    rows
}
