//! A plan as text for people.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::change::{Change, ChangeKind, MemberChange};
use super::kind::{Kind, MemberType};
use super::plan::Plan;

/// The changes one after the other, each with its members; empty where there are none.
#[must_use]
pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    for change in &plan.changes {
        write_change(&mut out, change);
    }
    out.trim_end().to_owned()
}

fn write_change(out: &mut String, change: &Change) {
    let subject = if change.kind == Kind::Settings { "" } else { &change.subject };
    let space = if subject.is_empty() { "" } else { " " };
    let _ = writeln!(out, "{}{space}{subject}, {}", change.kind.noun(), change.how.name());
    for member in &change.members {
        let _ = writeln!(out, "  {}", member_text(change, member));
    }
    if let Some(consequence) = change.kind.consequence().filter(|_| change.how == ChangeKind::Removed) {
        let _ = writeln!(out, "  {consequence}");
    }
}

fn member_text(change: &Change, member: &MemberChange) -> String {
    let mut names = member.member.split('.');
    let first = change.kind.member_type(names.next().unwrap_or_default());
    let member_type = names.fold(first, MemberType::member);
    let is_day = matches!(first, MemberType::Week) && member.member.contains('.');
    let text = |value: &Option<Value>| match value {
        None if is_day => "closed".to_owned(),
        None => "none".to_owned(),
        Some(Value::Array(hours)) if is_day && hours.is_empty() => "closed".to_owned(),
        Some(value) => value_text(member_type, value),
    };
    match (change.how, &member.before) {
        (ChangeKind::New, None) => format!("{}: {}", member.member, text(&member.after)),
        _ => format!("{}: {} → {}", member.member, text(&member.before), text(&member.after)),
    }
}

fn value_text(member_type: MemberType, value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(days) if matches!(member_type, MemberType::Holidays) => holidays_text(days),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(item_text).collect::<Vec<_>>().join(", "),
        Value::Object(_) if matches!(member_type, MemberType::Holiday) => holiday_text(value),
        Value::Object(members) => row_text(member_type, members),
        other => other.to_string(),
    }
}

/// An item of a list; two texts in a list are hours.
fn item_text(item: &Value) -> String {
    match item.as_array().map(Vec::as_slice) {
        Some([Value::String(from), Value::String(to)]) => format!("{from}–{to}"),
        _ => value_text(MemberType::Value, item),
    }
}

/// Members in one line; days that have the same hours together.
fn row_text(member_type: MemberType, members: &Map<String, Value>) -> String {
    if members.is_empty() {
        return if matches!(member_type, MemberType::Week) { "always closed".to_owned() } else { "none".to_owned() };
    }
    let known = member_type.members();
    let place = |name: &str| known.iter().position(|(known, _)| *known == name).unwrap_or(known.len());
    let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
    sorted.sort_by_key(|(name, _)| place(name));
    let mut runs: Vec<(&str, &str, &Value)> = Vec::new();
    for (name, value) in sorted {
        match runs.last_mut() {
            Some((_, last, same))
                if matches!(member_type, MemberType::Week) && *same == value && place(last) + 1 == place(name) =>
            {
                *last = name;
            }
            _ => runs.push((name, name, value)),
        }
    }
    let run = |(first, last, value): &(&str, &str, &Value)| {
        let names = if first == last { (*first).to_owned() } else { format!("{first}–{last}") };
        format!("{names} {}", value_text(MemberType::Value, value))
    };
    runs.iter().map(run).collect::<Vec<_>>().join(if matches!(member_type, MemberType::Week) { "; " } else { ", " })
}

fn holidays_text(days: &[Value]) -> String {
    let mut dates: Vec<&str> = days.iter().filter_map(|day| day.get("date")?.as_str()).collect();
    dates.sort_unstable();
    match (dates.first(), dates.last()) {
        (Some(first), Some(last)) if first != last => format!("{} days from {first} to {last}", days.len()),
        (Some(only), _) => (*only).to_owned(),
        _ => "none".to_owned(),
    }
}

fn holiday_text(day: &Value) -> String {
    let name = day.get("name").and_then(Value::as_str).map_or_else(String::new, |name| format!("{name}, "));
    let hours = day.get("hours").and_then(Value::as_array).filter(|hours| !hours.is_empty());
    let hours = hours.map_or_else(|| "closed".to_owned(), |hours| value_text(MemberType::Value, &hours.clone().into()));
    format!("{name}{hours}")
}
