//! The rules of 2.7 whose effect is `applied`, each checked with the state just before its event.

use super::desk::texts;
use super::event::Event;
use super::life::{Case, State, Step, is_priority};
use super::world::World;
use jiff::civil::Date;
use serde_json::Value;

/// The applied rules that an event of a case breaks.
pub fn applied(world: &World, case: &Case, index: usize) -> Vec<&'static str> {
    let event = &world.events[index];
    let before = case.before(index);
    let step = case.steps.iter().find(|step| step.index == index);
    let by = event.text("by");
    let is_by_other = before.is_some_and(|b| b.assignee.is_some() && by.is_some() && by != b.assignee.as_deref());
    let mut rules = Vec::new();
    let mut check = |rule: &'static str, is_broken: bool| {
        if is_broken {
            rules.push(rule);
        }
    };
    check("reply_by_other", event.kind == "message.sent" && is_by_other && !world.is_bots(index));
    check("profile_by_other", event.kind == "case.profile_assigned" && is_by_other);
    check("reply_without_profile", is_without_profile(world, index, before));
    check("unknown_priority", event.kind == "case.created" && event.text("priority").is_some_and(|p| !is_priority(p)));
    check("not_permitted", is_forbidden(world, index, before));
    check("over_capacity", is_over_capacity(world, index, step));
    check("not_auto_assignable", is_not_auto_assignable(world, index, step));
    check("mandatory_field_empty", leaves_field_empty(world, index, step));
    check("invalid_field_value", has_invalid_value(world, index));
    check("second_open_case", is_second(world, case, index));
    let was_closed = before.is_some_and(|before| before.is_closed(event.time));
    check("reopened_after_close", was_closed && step.is_some_and(Step::reopens));
    rules
}

/// A reply in a case with no profile, in a log that named a profile before.
fn is_without_profile(world: &World, index: usize, before: Option<&State>) -> bool {
    world.events[index].kind == "message.sent"
        && before.is_some_and(|before| before.profile.is_none())
        && world.events[..index].iter().any(|event| event.kind == "profile.updated")
}

/// An act of a user with role `none`, or on a profile that is not visible to them.
fn is_forbidden(world: &World, index: usize, before: Option<&State>) -> bool {
    let event = &world.events[index];
    let Some(by) = event.text("by") else { return false };
    let role = world.desk.at("user", by, index).and_then(|user| user["role"].as_str()).unwrap_or("agent");
    if role == "none" {
        return true;
    }
    let states_profile = ["case.created", "case.profile_assigned"].contains(&event.kind.as_str());
    let own = before.and_then(|before| before.profile.as_deref());
    let name = if states_profile { event.text("profile") } else { own };
    let profile = name.and_then(|name| world.desk.at("profile", name, index));
    let Some(visible_to) = profile.map(|profile| &profile["visible_to"]).filter(|list| list.is_array()) else {
        return false;
    };
    // Who is in a group that the profile names sees it, too: 7.1 speaks of "visible to them or to a group of theirs".
    let sees = |name_of_group: &String| {
        let is_listed = texts(visible_to).contains(name_of_group);
        let group = world.desk.at("group", name_of_group, index);
        is_listed
            || group.is_some_and(|group| texts(&group["profiles"]).iter().any(|listed| Some(listed.as_str()) == name))
    };
    let is_listed = texts(visible_to).iter().any(|user| user == by);
    let is_excepted = ["supervisor", "admin"].contains(&role);
    !is_excepted && !is_listed && !world.desk.groups_of(by, index).iter().any(sees)
}

/// The user of an automatic assignment, if it changes the assignee and the user is known.
fn auto_assigned<'a>(world: &'a World, index: usize, step: Option<&Step>) -> Option<(&'a str, &'a Value)> {
    let event = &world.events[index];
    let agent = event.text("agent").filter(|_| event.kind == "case.assigned" && event.flag("automatic"))?;
    step.filter(|step| step.reassigns())?;
    Some((agent, world.desk.at("user", agent, index)?))
}

fn is_not_auto_assignable(world: &World, index: usize, step: Option<&Step>) -> bool {
    auto_assigned(world, index, step).is_some_and(|(_, user)| user["auto_assign"] != true)
}

/// The workload just before the event is at or above the capacity.
fn is_over_capacity(world: &World, index: usize, step: Option<&Step>) -> bool {
    let Some((agent, user)) = auto_assigned(world, index, step) else { return false };
    let is_load = |state: &State| !state.deleted && !state.is_resolved() && state.assignee.as_deref() == Some(agent);
    let load = world.cases.iter().filter(|case| case.before(index).is_some_and(is_load)).count();
    load as i64 >= user["capacity"].as_i64().unwrap_or(5)
}

/// A resolution to Done while an enabled mandatory field is empty.
fn leaves_field_empty(world: &World, index: usize, step: Option<&Step>) -> bool {
    let Some(step) = step.filter(|step| step.resolves() && step.after.status == "done") else { return false };
    world.desk.names("field").into_iter().any(|name| {
        let field = world.desk.at("field", name, index);
        let is_asked = field.is_some_and(|field| field["enabled"] == true && field["mandatory"] == true);
        is_asked && step.after.fields.get(name).is_none_or(is_empty)
    })
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value == "" || value.as_array().is_some_and(Vec::is_empty)
}

fn has_invalid_value(world: &World, index: usize) -> bool {
    let event = &world.events[index];
    let is_invalid = |name: &str, value: &Value| {
        let field = world.desk.at("field", name, index);
        !value.is_null() && field.is_some_and(|field| !allows(field, value))
    };
    let fields = event.data["fields"].as_object().filter(|_| event.kind == "case.created");
    fields.into_iter().flatten().any(|(name, value)| is_invalid(name, value))
        || event.kind == "case.field_changed"
            && is_invalid(event.text("field").unwrap_or_default(), &event.data["value"])
}

/// Whether a field's kind and values allow a value.
fn allows(field: &Value, value: &Value) -> bool {
    let is_listed = |value: &Value| match field["values"].as_array() {
        Some(values) => value.is_string() && values.contains(value),
        None => value.is_string(),
    };
    match field["kind"].as_str() {
        Some("single") => is_listed(value),
        Some("multi") => value.as_array().is_some_and(|values| values.iter().all(is_listed)),
        Some("text") => value.is_string(),
        Some("number") => is_number(value),
        Some("date") => value.as_str().is_some_and(|text| text.len() == 10 && text.parse::<Date>().is_ok()),
        _ => true,
    }
}

/// A whole number of up to 9 digits.
fn is_number(value: &Value) -> bool {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let digits = text.strip_prefix('-').unwrap_or(&text);
    (1..=9).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit())
}

/// A creation while another case of the customer with the profile is neither closed nor deleted.
fn is_second(world: &World, case: &Case, index: usize) -> bool {
    let event = &world.events[index];
    let Some(profile) = event.text("profile").filter(|_| event.kind == "case.created") else { return false };
    let stands = |other: &&Case| {
        let Some(first) = other.steps.first() else { return false };
        let is_same_customer = world.events[first.index].text("customer") == event.text("customer");
        let state = other.before(index);
        let is_open =
            state.is_some_and(|s| !s.deleted && !s.is_closed(event.time) && s.profile.as_deref() == Some(profile));
        other.id != case.id && is_same_customer && is_open
    };
    world.cases.iter().any(|other| stands(&other))
}

/// A policy, profile or group that names something that does not exist at its event.
pub fn names_unknown(world: &World, index: usize) -> bool {
    let event: &Event = &world.events[index];
    let is_unknown = |kind: &'static str, name: &str| world.desk.at(kind, name, index).is_none();
    let names_unknown_calendar = event.text("calendar").is_some_and(|name| is_unknown("calendar", name));
    match event.kind.as_str() {
        "policy.updated" => {
            let profiles = texts(&event.data["conditions"]["profile"]);
            names_unknown_calendar || profiles.iter().any(|name| is_unknown("profile", name))
        }
        "profile.updated" => names_unknown_calendar,
        "group.updated" => texts(&event.data["members"]).iter().any(|name| is_unknown("user", name)),
        _ => false,
    }
}
