//! How one thing differs from what a file states, as the event that makes it so.

use serde_json::{Map, Value};

use super::file::{Desired, DesiredState};
use super::kind::{Kind, MemberType};
use super::state::State;
use crate::json::Json;
use crate::model::event::EventType;

/// One event to be appended, and what it changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub kind: Kind,
    pub subject: String,
    /// The line at which the file begins to state it.
    pub line: u64,
    pub how: ChangeKind,
    pub event: EventType,
    pub data: Map<String, Value>,
    pub members: Vec<MemberChange>,
}

/// What happens to a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    New,
    Changed,
    Removed,
}

impl ChangeKind {
    /// The name that is shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ChangeKind::New => "new",
            ChangeKind::Changed => "changed",
            ChangeKind::Removed => "removed",
        }
    }
}

/// One member, before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberChange {
    /// Such as `targets.urgent.first_response`.
    pub member: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// The event that a thing needs, if it needs one.
pub(super) fn change(thing: &Desired, state: &State) -> Option<Change> {
    let (kind, subject) = (thing.kind, &thing.subject);
    let made = |how, event, data, members| {
        Some(Change { kind, subject: subject.clone(), line: thing.line, how, event, data, members })
    };
    let desired = match &thing.state {
        DesiredState::Removed if !state.exists(kind, subject) => return None,
        DesiredState::Removed => return made(ChangeKind::Removed, kind.removed()?, Map::new(), Vec::new()),
        DesiredState::Members(desired) => desired,
    };
    let mut members = Vec::new();
    if !state.is_named(kind, subject) && kind != Kind::Settings {
        let stated: Map<String, Value> = desired
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        compare_members(kind, &Map::new(), &stated, &mut members);
        return made(ChangeKind::New, kind.updated(), stated, members);
    }
    let present = state.members(kind, subject);
    if kind.is_whole() {
        compare_members(kind, &present, desired, &mut members);
        let differs = !same(MemberType::Value, &Value::Object(present), &Value::Object(desired.clone()));
        return if differs { made(ChangeKind::Changed, kind.updated(), desired.clone(), members) } else { None };
    }
    let mut data = Map::new();
    let mut after = present.clone();
    for (name, value) in desired {
        if let Some(value) = to_send(kind.member_type(name), present.get(name), value) {
            data.insert(name.clone(), value);
        }
    }
    for (name, value) in &data {
        match (value, after.get_mut(name)) {
            (Value::Null, _) => drop(after.remove(name)),
            (Value::Object(value), Some(Value::Object(members))) => members.extend(value.clone()),
            (value, _) => drop(after.insert(name.clone(), value.clone())),
        }
    }
    compare_members(kind, &present, &after, &mut members);
    if data.is_empty() { None } else { made(ChangeKind::Changed, kind.updated(), data, members) }
}

/// What an event must state of a member; nothing if the member has that value already.
fn to_send(member_type: MemberType, present: Option<&Value>, desired: &Value) -> Option<Value> {
    match (present, desired) {
        (None, Value::Null) => None,
        (Some(Value::Object(present)), Value::Object(desired)) => {
            let differs = |name: &String, value: &Value| {
                present.get(name).is_none_or(|present| !same(member_type.member(name), present, value))
            };
            let left = desired.iter().filter(|(name, value)| differs(name, value));
            let left: Map<String, Value> = left.map(|(name, value)| (name.clone(), value.clone())).collect();
            (!left.is_empty()).then_some(Value::Object(left))
        }
        (Some(present), desired) if same(member_type, present, desired) => None,
        _ => Some(desired.clone()),
    }
}

/// Whether two values are equal as the log compares them; a set is no different in another order.
fn same(member_type: MemberType, one: &Value, other: &Value) -> bool {
    let canonical = |value: &Value| {
        let value = match (member_type, value) {
            (MemberType::Set, Value::Array(items)) => {
                let mut texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                texts.sort_unstable();
                texts.dedup();
                Value::from(texts)
            }
            _ => value.clone(),
        };
        let (text, mut bytes) = (value.to_string(), Vec::new());
        if let Ok(json) = Json::parse(&text) {
            json.write_canonical(&mut bytes);
        }
        bytes
    };
    canonical(one) == canonical(other)
}

fn compare_members(kind: Kind, before: &Map<String, Value>, after: &Map<String, Value>, found: &mut Vec<MemberChange>) {
    for name in in_order(&kind.members(), before, after) {
        compare(name, kind.member_type(name), before.get(name), after.get(name), found);
    }
}

/// Finds what differs, down to the members that are shown one by one.
fn compare(
    path: &str,
    member_type: MemberType,
    before: Option<&Value>,
    after: Option<&Value>,
    found: &mut Vec<MemberChange>,
) {
    let differs = match (before, after) {
        (Some(before), Some(after)) => !same(member_type, before, after),
        (None, None) => false,
        _ => true,
    };
    if !differs {
        return;
    }
    let none = Map::new();
    let (days_before, days_after) = (by_date(member_type, before), by_date(member_type, after));
    let parts = match (member_type, before, after) {
        (MemberType::Holiday, _, _) => None,
        (MemberType::Holidays, Some(_), Some(_)) => days_before.as_ref().zip(days_after.as_ref()),
        (_, Some(Value::Object(before)), Some(Value::Object(after))) => Some((before, after)),
        (MemberType::Members(_), None, Some(Value::Object(after))) => Some((&none, after)),
        (MemberType::Members(_), Some(Value::Object(before)), None) => Some((before, &none)),
        _ => None,
    };
    let Some((before, after)) = parts else {
        return found.push(MemberChange { member: path.to_owned(), before: before.cloned(), after: after.cloned() });
    };
    for name in in_order(member_type.members(), before, after) {
        compare(&format!("{path}.{name}"), member_type.member(name), before.get(name), after.get(name), found);
    }
}

/// The names of both, known ones first and in their order.
fn in_order<'a>(
    known: &[(&'static str, MemberType)],
    before: &'a Map<String, Value>,
    after: &'a Map<String, Value>,
) -> Vec<&'a str> {
    let place = |name: &str| known.iter().position(|(known, _)| *known == name).unwrap_or(known.len());
    let mut names: Vec<&str> = before.keys().chain(after.keys()).map(String::as_str).collect();
    names.sort_unstable_by_key(|name| (place(name), *name));
    names.dedup();
    names
}

/// Holidays by their date, where each has one of its own.
fn by_date(member_type: MemberType, value: Option<&Value>) -> Option<Map<String, Value>> {
    let (MemberType::Holidays, Value::Array(days)) = (member_type, value?) else { return None };
    let day = |day: &Value| Some((day.get("date")?.as_str()?.to_owned(), day.clone()));
    let by_date: Map<String, Value> = days.iter().map(day).collect::<Option<_>>()?;
    (by_date.len() == days.len()).then_some(by_date)
}
