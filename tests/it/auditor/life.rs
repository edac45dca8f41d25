//! The life cycle of one case (2.1 to 2.6), step by step.

use super::desk::{Desk, texts};
use super::event::{Event, duration};
use serde_json::Value;
use std::collections::BTreeMap;

/// The state of a case at one position of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    pub status: String,
    pub assignee: Option<String>,
    pub priority: String,
    pub sentiment: String,
    pub profile: Option<String>,
    pub fields: BTreeMap<String, Value>,
    pub closes_at: Option<i64>,
    /// Of the event that created it.
    pub source: String,
    pub deleted: bool,
}

impl State {
    pub fn is_resolved(&self) -> bool {
        is_resolved(&self.status)
    }

    /// Closed at an instant: an event at exactly closes_at comes too late (2.4).
    pub fn is_closed(&self, at: i64) -> bool {
        self.is_resolved() && self.closes_at.is_some_and(|closes_at| closes_at <= at)
    }
}

/// What an event did to its case (2.7).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    Rejected(&'static str),
    Kept(&'static str),
    Applied,
    /// A message that came before under another identity; it does nothing.
    Repeated,
}

/// An event that a case has processed, including derived ones.
#[derive(Clone, Debug)]
pub struct Step {
    pub index: usize,
    pub time: i64,
    /// The type of the event, or `presence`.
    pub cause: String,
    pub before: Option<State>,
    pub after: State,
}

impl Step {
    pub fn is(&self, cause: &str) -> bool {
        self.cause == cause
    }

    /// From an open status to Done or Spam.
    pub fn resolves(&self) -> bool {
        self.after.is_resolved() && self.before.as_ref().is_some_and(|before| !before.is_resolved())
    }

    /// From Done or Spam to an open status.
    pub fn reopens(&self) -> bool {
        !self.after.is_resolved() && self.before.as_ref().is_some_and(State::is_resolved)
    }

    pub fn deletes(&self) -> bool {
        self.after.deleted
    }

    /// Ends one assignment or begins another.
    pub fn reassigns(&self) -> bool {
        self.before.as_ref().is_some_and(|before| before.assignee != self.after.assignee)
    }
}

/// A case, or the subject of events without a creation (then there are no steps).
pub struct Case {
    pub id: String,
    pub steps: Vec<Step>,
    pub fates: BTreeMap<usize, Fate>,
}

impl Case {
    /// The state just before the event at `index` of the log.
    pub fn before(&self, index: usize) -> Option<&State> {
        self.steps.iter().rfind(|step| step.index < index).map(|step| &step.after)
    }

    /// The state at an instant, events of that instant included.
    pub fn at(&self, instant: i64) -> Option<&State> {
        self.steps.iter().rfind(|step| step.time <= instant).map(|step| &step.after)
    }

    pub fn deleted_at(&self) -> Option<i64> {
        self.steps.iter().find(|step| step.deletes()).map(|step| step.time)
    }

    /// The assignee of the period that contains an instant (3.6); none at and after the deletion.
    pub fn assignee_at(&self, instant: i64) -> Option<String> {
        if self.deleted_at().is_some_and(|deleted_at| deleted_at <= instant) {
            return None;
        }
        self.at(instant)?.assignee.clone()
    }
}

pub fn is_resolved(status: &str) -> bool {
    ["done", "spam"].contains(&status)
}

/// Replays the case of that name.
pub fn replay_case(events: &[Event], desk: &Desk, id: &str) -> Case {
    let mut case = Case { id: id.to_owned(), steps: Vec::new(), fates: BTreeMap::new() };
    for (index, event) in events.iter().enumerate() {
        let before = case.steps.last().map(|step| step.after.clone());
        let (cause, after) = if event.is_about_a_case() && event.subject == id {
            let fate = if is_repeated(events, &case, index) { Fate::Repeated } else { fate(event, before.as_ref()) };
            case.fates.insert(index, fate);
            (event.kind.clone(), take(event, index, desk, before.as_ref(), fate))
        } else {
            ("presence".to_owned(), before.as_ref().and_then(|before| leave(event, index, desk, before)))
        };
        if let Some(after) = after {
            case.steps.push(Step { index, time: event.time, cause, before, after });
        }
    }
    case
}

/// A message with the id, type and instant of an earlier one, unless the case had been deleted (2.7).
fn is_repeated(events: &[Event], case: &Case, index: usize) -> bool {
    let event = &events[index];
    let is_same = |other: &Event| {
        other.kind == event.kind && other.time == event.time && other.text("message") == event.text("message")
    };
    event.is_message() && case.deleted_at().is_none() && case.fates.keys().any(|earlier| is_same(&events[*earlier]))
}

/// Rejected, kept or applied (2.7).
fn fate(event: &Event, before: Option<&State>) -> Fate {
    match before {
        None if event.kind == "case.created" => Fate::Applied,
        None if event.is_message() => Fate::Kept("message_before_case"),
        None => Fate::Rejected("no_case_yet"),
        Some(before) if before.deleted => Fate::Rejected("after_deletion"),
        Some(_) if event.kind == "case.created" => Fate::Rejected("created_twice"),
        Some(before) if event.kind == "message.received" && before.is_closed(event.time) => {
            Fate::Kept("message_after_close")
        }
        Some(before) if event.kind == "message.sent" && before.is_resolved() => Fate::Kept("reply_in_resolved_case"),
        Some(_) => Fate::Applied,
    }
}

/// The state after an event of the case; none where there is no case or the event is rejected.
fn take(event: &Event, index: usize, desk: &Desk, before: Option<&State>, fate: Fate) -> Option<State> {
    match (before, fate) {
        (_, Fate::Rejected(_) | Fate::Repeated) => None,
        (None, _) if event.kind == "case.created" => Some(created(event)),
        (None, _) => None,
        (Some(before), Fate::Kept(_)) => Some(before.clone()),
        (Some(before), Fate::Applied) => {
            let mut state = before.clone();
            apply(&mut state, event, index, desk);
            Some(state)
        }
    }
}

fn created(event: &Event) -> State {
    let priority = event.text("priority").filter(|priority| is_priority(priority)).unwrap_or("medium");
    let fields = event.data["fields"].as_object().into_iter().flatten();
    State {
        status: "new".to_owned(),
        assignee: None,
        priority: priority.to_owned(),
        sentiment: event.text("sentiment").unwrap_or("none").to_owned(),
        profile: event.text("profile").map(str::to_owned),
        fields: fields.filter(|(_, value)| !value.is_null()).map(|(n, v)| (n.clone(), v.clone())).collect(),
        closes_at: None,
        source: event.source.clone(),
        deleted: false,
    }
}

pub fn is_priority(text: &str) -> bool {
    ["urgent", "high", "medium", "low"].contains(&text)
}

/// The ordinary effect of an event (2.3).
fn apply(state: &mut State, event: &Event, index: usize, desk: &Desk) {
    let is_on = |name: &str| desk.setting(index, &format!("/transitions/{name}")) != false;
    let text = |member: &str| event.text(member).unwrap_or_default().to_owned();
    match event.kind.as_str() {
        "case.profile_assigned" => state.profile = Some(text("profile")),
        "case.assigned" if state.assignee.as_deref() != event.text("agent") => {
            state.assignee = Some(text("agent"));
            if state.status == "new" && is_on("assign") {
                state.status = "open".to_owned();
            }
        }
        "case.unassigned" => unassign(state, is_on("unassign")),
        "case.priority_changed" => state.priority = text("priority"),
        "case.sentiment_changed" => state.sentiment = text("sentiment"),
        "case.field_changed" if event.data["value"].is_null() => drop(state.fields.remove(&text("field"))),
        "case.field_changed" => drop(state.fields.insert(text("field"), event.data["value"].clone())),
        "message.received" if state.status == "done" => {
            let status = if state.assignee.is_some() { "open" } else { "new" };
            set_status(state, status, event.time, None);
        }
        "message.received" if state.status == "pending" && is_on("customer_reply") => state.status = "open".to_owned(),
        "message.sent" => {
            if let Some(status) = event.text("set_status") {
                state.status = status.to_owned();
            }
        }
        "case.status_changed" => {
            let of_source = desk.setting(index, "/grace_periods").get(&state.source).and_then(Value::as_str);
            let grace = of_source.or_else(|| desk.setting(index, "/grace_period").as_str()).map(duration);
            set_status(state, &text("status"), event.time, grace);
        }
        "case.closed" if !state.is_closed(event.time) => {
            if !state.is_resolved() {
                state.status = "done".to_owned();
            }
            state.closes_at = Some(event.time);
        }
        "case.deleted" => state.deleted = true,
        _ => {}
    }
}

/// A change of status, with its effect on the grace period (2.4).
fn set_status(state: &mut State, status: &str, at: i64, grace: Option<i64>) {
    if state.status == status {
        return;
    }
    let is_closed = state.is_closed(at);
    state.status = status.to_owned();
    state.closes_at = match status {
        "spam" | "done" if is_closed => state.closes_at,
        "spam" => Some(at),
        "done" => Some(at + grace.unwrap_or(0)),
        _ => None,
    };
}

fn unassign(state: &mut State, may_become_new: bool) {
    state.assignee = None;
    if !state.is_resolved() && may_become_new {
        state.status = "new".to_owned();
    }
}

/// A derived event: a user who is no longer present loses their open cases, a removed user all cases (2.5).
fn leave(event: &Event, index: usize, desk: &Desk, before: &State) -> Option<State> {
    if before.deleted || before.assignee.as_deref() != Some(&event.subject) {
        return None;
    }
    let taken_on = texts(desk.setting(index, "/unassign_on"));
    let goes = event.kind == "user.presence_changed"
        && event.text("presence").is_some_and(|presence| taken_on.iter().any(|on| on == presence))
        && !before.is_resolved();
    if !goes && event.kind != "user.removed" {
        return None;
    }
    let mut state = before.clone();
    unassign(&mut state, desk.setting(index, "/transitions/unassign") != false);
    Some(state)
}
