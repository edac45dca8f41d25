//! What a supervisor should know before a plan is carried out, though nothing stands in its way.

use std::collections::BTreeSet;

use serde_json::Value;

use super::file::{What, Wish};
use super::kind::{Act, Kind};
use super::plan::{Change, How};
use super::present::{State, Stated};
use crate::spelling::did_you_mean;

/// Something to know about what a line of the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub line: u64,
    pub text: String,
}

/// Names that neither the log nor the file knows (2.7, `unknown_reference`). `state` is that after the wishes.
pub(super) fn unknown_references(wishes: &[Wish], state: &State, later: &[Stated]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for wish in wishes {
        for (member, kinds, name) in references(wish) {
            let known = known(kinds, state, later);
            if known.contains(name.as_str()) {
                continue;
            }
            let nouns: Vec<&str> = kinds.iter().map(|kind| kind.noun()).collect();
            let near = did_you_mean(&name, known.iter().copied()).map_or_else(String::new, |near| format!("; {near}"));
            let (named, nouns) = (wish.kind.named(&wish.subject), nouns.join(" or "));
            let text = format!("{named}, `{member}`: neither the log nor the file knows a {nouns} `{name}`{near}");
            warnings.push(Warning { line: wish.line, text });
        }
    }
    warnings
}

fn known<'a>(kinds: &[Kind], state: &'a State, later: &'a [Stated]) -> BTreeSet<&'a str> {
    let now = kinds.iter().flat_map(|kind| state.names(*kind));
    let updates = |event: &&Stated| kinds.iter().any(|kind| event.kind == kind.updated());
    now.chain(later.iter().filter(updates).map(|event| event.subject.as_str())).collect()
}

/// The names that a wish mentions: the member, what may be meant, the name.
fn references(wish: &Wish) -> Vec<(&'static str, &'static [Kind], String)> {
    let What::Be(data) = &wish.what else { return Vec::new() };
    let members: &[(&str, &str, &[Kind])] = match wish.kind {
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
pub(super) fn stated_again(changes: &[Change], later: &[Stated]) -> Vec<Warning> {
    changes.iter().filter_map(|change| overridden(change, later)).collect()
}

fn overridden(change: &Change, later: &[Stated]) -> Option<Warning> {
    let (event, members) = later.iter().find_map(|event| {
        let (kind, act) = Kind::of(event.kind)?;
        if kind != change.kind || event.subject != change.subject {
            return None;
        }
        match act {
            Act::Removed if change.how == How::Removed => None,
            Act::Removed => Some((event, Vec::new())),
            Act::Updated if kind.is_whole() || change.how == How::Removed => Some((event, Vec::new())),
            Act::Updated => {
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

/// Policies that say nothing about being enabled, and so are not.
pub(super) fn never_enabled(wishes: &[Wish]) -> Vec<Warning> {
    let unsaid = |wish: &&Wish| match &wish.what {
        What::Be(data) => wish.kind == Kind::Policy && !data.contains_key("enabled"),
        What::Gone => false,
    };
    let warning = |wish: &Wish| {
        let named = wish.kind.named(&wish.subject);
        Warning { line: wish.line, text: format!("{named} gets no cases: it does not say `enabled = true`") }
    };
    wishes.iter().filter(unsaid).map(warning).collect()
}
