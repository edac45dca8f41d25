//! The difference between what is wished and what is, as events that take one to the other.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::file::{What, Wish};
use super::kind::{Form, Kind};
use super::present::{State, Stated};
use super::warnings::{self, Warning};
use crate::error::{Error, Result};
use crate::input::piece::MadeLine;
use crate::json::Json;
use crate::model::event::EventType;
use crate::model::time::Instant;
use crate::wire::line;

/// The CloudEvents source of what is applied.
pub const SOURCE: &str = "apply";

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// From when on it is in force.
    pub at: Instant,
    /// The place of the first event among those of its instant.
    sequence: i64,
    pub changes: Vec<Change>,
    /// What the user should know; nothing that stands in the way.
    pub warnings: Vec<Warning>,
}

/// One event to be appended, and what it changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub kind: Kind,
    pub subject: String,
    /// Where the file begins to speak of it.
    pub line: u64,
    pub how: How,
    pub event: EventType,
    pub data: Map<String, Value>,
    pub members: Vec<MemberChange>,
}

/// What becomes of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    New,
    Changed,
    Removed,
}

impl How {
    /// The name that is shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            How::New => "new",
            How::Changed => "changed",
            How::Removed => "removed",
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

impl Plan {
    /// What the wishes change from an instant on. `events` are the desk's own, in log order, also those after it.
    #[must_use]
    pub fn new(wishes: &[Wish], events: &[Stated], at: Instant) -> Plan {
        let (past, later) = events.split_at(events.partition_point(|event| event.time <= at));
        let mut state = State::after(past);
        let mut changes = Vec::new();
        for wish in wishes {
            // Each against the state that those before it leave: one may take away what another needs.
            if let Some(change) = change(wish, &state) {
                state.apply(change.event, &change.subject, &change.data);
                changes.push(change);
            }
        }
        let at_once = past.iter().rev().take_while(|event| event.time == at);
        let sequence = at_once.map(|event| event.sequence.saturating_add(1)).max().unwrap_or(0);
        let mut warnings = warnings::unknown_references(wishes, &state, later);
        warnings.extend(warnings::stated_again(&changes, later));
        warnings.extend(warnings::never_enabled(wishes));
        Plan { at, sequence, changes, warnings }
    }

    /// The events as lines for the log, which are found good. The same change at the same instant is the same event.
    ///
    /// # Errors
    /// What ingestion would refuse.
    pub fn lines(&self, file: &Path) -> Result<Vec<MadeLine>> {
        let name: Arc<str> = file.display().to_string().into();
        let numbered = self.changes.iter().zip(self.sequence..);
        numbered.map(|(change, sequence)| self.line(change, sequence, &name)).collect()
    }

    fn line(&self, change: &Change, sequence: i64, file: &Arc<str>) -> Result<MadeLine> {
        let mut event = json!({
            "specversion": "1.0", "id": SOURCE, "source": SOURCE, "type": change.event.name(),
            "subject": change.subject, "time": self.at.to_string(), "sequence": sequence, "data": change.data,
        });
        let refused = |refusal| Error::invalid(format!("{file}:{}", change.line), format!("{refusal}"));
        let text = event.to_string();
        let content = line::parse(text.as_bytes()).map_err(refused)?.content(&mut Vec::new());
        if let Some(id) = event.get_mut("id") {
            *id = format!("{content:032x}").into();
        }
        Ok(MadeLine { json: event.to_string().into_bytes(), file: Arc::clone(file), line: change.line, offset: 0 })
    }
}

/// The event that a wish needs, if it needs one.
fn change(wish: &Wish, state: &State) -> Option<Change> {
    let (kind, subject) = (wish.kind, &wish.subject);
    let made = |how, event, data, members| {
        Some(Change { kind, subject: subject.clone(), line: wish.line, how, event, data, members })
    };
    let wished = match &wish.what {
        What::Gone if !state.exists(kind, subject) => return None,
        What::Gone => return made(How::Removed, kind.removed()?, Map::new(), Vec::new()),
        What::Be(wished) => wished,
    };
    let mut members = Vec::new();
    if !state.is_named(kind, subject) && kind != Kind::Settings {
        let stated: Map<String, Value> = wished
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        compare_members(kind, &Map::new(), &stated, &mut members);
        return made(How::New, kind.updated(), stated, members);
    }
    let present = state.members(kind, subject);
    if kind.is_whole() {
        compare_members(kind, &present, wished, &mut members);
        let differs = !same(Form::Value, &Value::Object(present), &Value::Object(wished.clone()));
        return if differs { made(How::Changed, kind.updated(), wished.clone(), members) } else { None };
    }
    let mut data = Map::new();
    let mut after = present.clone();
    for (name, value) in wished {
        if let Some(value) = to_send(kind.form(name), present.get(name), value) {
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
    if data.is_empty() { None } else { made(How::Changed, kind.updated(), data, members) }
}

/// What of a member an event must state; nothing if it is so already.
fn to_send(form: Form, present: Option<&Value>, wished: &Value) -> Option<Value> {
    match (present, wished) {
        (None, Value::Null) => None,
        (Some(Value::Object(present)), Value::Object(wished)) => {
            let differs = |name: &String, value: &Value| {
                present.get(name).is_none_or(|present| !same(form.member(name), present, value))
            };
            let left = wished.iter().filter(|(name, value)| differs(name, value));
            let left: Map<String, Value> = left.map(|(name, value)| (name.clone(), value.clone())).collect();
            (!left.is_empty()).then_some(Value::Object(left))
        }
        (Some(present), wished) if same(form, present, wished) => None,
        _ => Some(wished.clone()),
    }
}

/// Whether two values are equal as the log compares them; a set is no different in another order.
fn same(form: Form, one: &Value, other: &Value) -> bool {
    let canonical = |value: &Value| {
        let value = match (form, value) {
            (Form::Set, Value::Array(items)) => {
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
        compare(name, kind.form(name), before.get(name), after.get(name), found);
    }
}

/// Finds what differs, as deep as it is shown one by one.
fn compare(path: &str, form: Form, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<MemberChange>) {
    let differs = match (before, after) {
        (Some(before), Some(after)) => !same(form, before, after),
        (None, None) => false,
        _ => true,
    };
    if !differs {
        return;
    }
    let none = Map::new();
    let (days_before, days_after) = (by_date(form, before), by_date(form, after));
    let parts = match (form, before, after) {
        (Form::Holiday, _, _) => None,
        (Form::Holidays, Some(_), Some(_)) => days_before.as_ref().zip(days_after.as_ref()),
        (_, Some(Value::Object(before)), Some(Value::Object(after))) => Some((before, after)),
        (Form::Members(_), None, Some(Value::Object(after))) => Some((&none, after)),
        (Form::Members(_), Some(Value::Object(before)), None) => Some((before, &none)),
        _ => None,
    };
    let Some((before, after)) = parts else {
        return found.push(MemberChange { member: path.to_owned(), before: before.cloned(), after: after.cloned() });
    };
    for name in in_order(form.members(), before, after) {
        compare(&format!("{path}.{name}"), form.member(name), before.get(name), after.get(name), found);
    }
}

/// The names of both, known ones first and in their order.
fn in_order<'a>(
    known: &[(&'static str, Form)],
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
fn by_date(form: Form, value: Option<&Value>) -> Option<Map<String, Value>> {
    let (Form::Holidays, Value::Array(days)) = (form, value?) else { return None };
    let day = |day: &Value| Some((day.get("date")?.as_str()?.to_owned(), day.clone()));
    let by_date: Map<String, Value> = days.iter().map(day).collect::<Option<_>>()?;
    (by_date.len() == days.len()).then_some(by_date)
}
