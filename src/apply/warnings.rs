//! What a supervisor should know before a plan is carried out, though it can be.

use std::collections::BTreeSet;

use serde_json::Value;

use super::change::{Change, ChangeKind};
use super::file::{Desired, DesiredState};
use super::kind::{Effect, Kind};
use super::state::{DeskEvent, State};
use crate::spelling::did_you_mean;

/// Something to know about a line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub line: u64,
    pub text: String,
}

/// Names that neither the log nor the file knows (2.7, `unknown_reference`). `state` is the one after the plan.
pub(super) fn unknown_references(desired: &[Desired], state: &State, later: &[DeskEvent]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for thing in desired {
        for (member, kinds, name) in references(thing) {
            let known = known(kinds, state, later);
            if known.contains(name.as_str()) {
                continue;
            }
            let nouns: Vec<&str> = kinds.iter().map(|kind| kind.noun()).collect();
            let near = did_you_mean(&name, known.iter().copied()).map_or_else(String::new, |near| format!("; {near}"));
            let (named, nouns) = (thing.kind.named(&thing.subject), nouns.join(" or "));
            let text = format!("{named}, `{member}`: neither the log nor the file knows a {nouns} `{name}`{near}");
            warnings.push(Warning { line: thing.line, text });
        }
    }
    warnings
}

fn known<'a>(kinds: &[Kind], state: &'a State, later: &'a [DeskEvent]) -> BTreeSet<&'a str> {
    let now = kinds.iter().flat_map(|kind| state.names(*kind));
    let updates = |event: &&DeskEvent| kinds.iter().any(|kind| event.kind == kind.updated());
    now.chain(later.iter().filter(updates).map(|event| event.subject.as_str())).collect()
}

/// The names that a thing mentions: the member, what may be meant, the name.
fn references(thing: &Desired) -> Vec<(&'static str, &'static [Kind], String)> {
    let DesiredState::Members(data) = &thing.state else { return Vec::new() };
    let members: &[(&str, &str, &[Kind])] = match thing.kind {
        Kind::Policy => &[
            ("calendar", "/calendar", &[Kind::Calendar]),
            ("conditions.profile", "/conditions/profile", &[Kind::Profile]),
        ],
        Kind::Settings => &[("default_calendar", "/default_calendar", &[Kind::Calendar])],
        Kind::Profile => {
            &[("calendar", "/calendar", &[Kind::Calendar]), ("visible_to", "/visible_to", &[Kind::User, Kind::Group])]
        }
        Kind::Group => &[("members", "/members", &[Kind::User]), ("profiles", "/profiles", &[Kind::Profile])],
        Kind::User => &[("groups", "/groups", &[Kind::Group])],
        Kind::Calendar | Kind::Skill | Kind::Field => &[],
    };
    let data = Value::Object(data.clone());
    let mut found = Vec::new();
    for (member, path, kinds) in members {
        let names = match data.pointer(path) {
            Some(Value::String(name)) => vec![name.clone()],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        found.extend(names.into_iter().map(|name| (*member, *kinds, name)));
    }
    found
}

/// Changes that a later event of the log overrides.
pub(super) fn stated_again(changes: &[Change], later: &[DeskEvent]) -> Vec<Warning> {
    changes.iter().filter_map(|change| overridden(change, later)).collect()
}

fn overridden(change: &Change, later: &[DeskEvent]) -> Option<Warning> {
    let (event, members) = later.iter().find_map(|event| {
        let (kind, act) = Kind::of(event.kind)?;
        if kind != change.kind || event.subject != change.subject {
            return None;
        }
        match act {
            Effect::Removed if change.how == ChangeKind::Removed => None,
            Effect::Removed => Some((event, Vec::new())),
            Effect::Updated if kind.is_whole() || change.how == ChangeKind::Removed => Some((event, Vec::new())),
            Effect::Updated => {
                let again: Vec<&String> = change.data.keys().filter(|name| event.data.contains_key(*name)).collect();
                (!again.is_empty()).then_some((event, again))
            }
        }
    })?;
    let names: Vec<String> = members.iter().map(|name| format!("`{name}`")).collect();
    let what = if names.is_empty() { String::new() } else { format!(", {}", names.join(", ")) };
    let (named, kind) = (change.kind.named(&change.subject), event.kind.name());
    let text = format!("{named}{what}: the log has a `{kind}` at {}; what is applied holds until then", event.time);
    Some(Warning { line: change.line, text })
}

/// Policies that do not state whether they are enabled, and so are not.
pub(super) fn never_enabled(desired: &[Desired]) -> Vec<Warning> {
    let unsaid = |thing: &&Desired| match &thing.state {
        DesiredState::Members(data) => thing.kind == Kind::Policy && !data.contains_key("enabled"),
        DesiredState::Removed => false,
    };
    let warning = |thing: &Desired| {
        let named = thing.kind.named(&thing.subject);
        Warning { line: thing.line, text: format!("{named} gets no cases: it does not say `enabled = true`") }
    };
    desired.iter().filter(unsaid).map(warning).collect()
}
