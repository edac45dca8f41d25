//! The state of a desk at an instant, according to its events: member by member for most things, as a whole for calendars
//! and policies (1.4).
//!
//! The model's desk keeps what replay needs, over time; this one keeps every member as it was stated, at one instant.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::kind::{Effect, Kind};
use crate::model::event::EventType;
use crate::model::time::Instant;

/// An event about the desk, as it is in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct DeskEvent {
    pub time: Instant,
    pub sequence: i64,
    pub kind: EventType,
    pub subject: String,
    pub data: Map<String, Value>,
}

/// The things of a desk and their members.
#[derive(Clone, Debug, Default)]
pub struct State {
    things: BTreeMap<(Kind, String), Map<String, Value>>,
    /// Who is in which group. Events of users and of groups both state it, so it is kept once, here.
    groups: BTreeMap<String, BTreeSet<String>>,
}

impl State {
    /// The state after those events, which must come in log order.
    pub fn after<'a>(events: impl IntoIterator<Item = &'a DeskEvent>) -> State {
        let mut state = State::default();
        for event in events {
            state.apply(event.kind, &event.subject, &event.data);
        }
        state
    }

    /// Applies one more event; one that is not about a thing of a [`Kind`] changes nothing.
    pub fn apply(&mut self, event: EventType, subject: &str, data: &Map<String, Value>) {
        match Kind::of(event) {
            Some((kind, Effect::Updated)) if kind.is_whole() => {
                self.things.insert((kind, subject.to_owned()), without_nulls(data));
            }
            Some((kind, Effect::Updated)) => self.update(kind, subject, data),
            Some((kind, Effect::Removed)) => self.remove(kind, subject),
            None => {}
        }
    }

    /// Whether the desk has it. A group exists as soon as a user is in it.
    #[must_use]
    pub fn exists(&self, kind: Kind, subject: &str) -> bool {
        let by_its_members = kind == Kind::Group && self.groups.contains_key(subject);
        kind == Kind::Settings || by_its_members || self.is_named(kind, subject)
    }

    /// Whether an event of its own has named it.
    #[must_use]
    pub fn is_named(&self, kind: Kind, subject: &str) -> bool {
        self.things.contains_key(&(kind, subject.to_owned()))
    }

    /// The names of all things of a kind.
    pub fn names(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.things.keys().filter(move |(other, _)| *other == kind).map(|(_, subject)| subject.as_str())
    }

    /// Everything that a thing has, defaults included.
    #[must_use]
    pub fn members(&self, kind: Kind, subject: &str) -> Map<String, Value> {
        let mut members = kind.defaults();
        members.extend(self.things.get(&(kind, subject.to_owned())).cloned().unwrap_or_default());
        match kind {
            Kind::User => {
                let groups = self.groups.iter().filter(|(_, members)| members.contains(subject));
                members.insert("groups".to_owned(), groups.map(|(group, _)| group.as_str()).collect());
            }
            Kind::Group => {
                let users = self.groups.get(subject).into_iter().flatten();
                members.insert("members".to_owned(), users.map(String::as_str).collect());
            }
            _ => {}
        }
        members
    }

    fn update(&mut self, kind: Kind, subject: &str, data: &Map<String, Value>) {
        match kind {
            Kind::User => self.join_groups(subject, texts(data, "groups")),
            Kind::Group => {
                let group = self.groups.entry(subject.to_owned()).or_default();
                if let Some(users) = texts(data, "members") {
                    *group = users;
                }
            }
            _ => {}
        }
        let thing = self.things.entry((kind, subject.to_owned())).or_insert_with(|| kind.defaults());
        for (name, value) in data {
            match (value, thing.get_mut(name)) {
                (Value::Null, _) => {
                    if kind.clearable().contains(&name.as_str()) {
                        thing.remove(name);
                    }
                }
                (Value::Object(value), Some(Value::Object(present))) => present.extend(without_nulls(value)),
                (Value::Object(value), _) => drop(thing.insert(name.clone(), Value::Object(without_nulls(value)))),
                (value, _) => drop(thing.insert(name.clone(), value.clone())),
            }
        }
    }

    /// A user's `groups` states all the groups they are in.
    fn join_groups(&mut self, user: &str, groups: Option<BTreeSet<String>>) {
        let Some(groups) = groups else { return };
        for (_, members) in self.groups.iter_mut().filter(|(group, _)| !groups.contains(*group)) {
            members.remove(user);
        }
        for group in groups {
            self.groups.entry(group).or_default().insert(user.to_owned());
        }
    }

    fn remove(&mut self, kind: Kind, subject: &str) {
        self.things.remove(&(kind, subject.to_owned()));
        match kind {
            Kind::User => {
                for members in self.groups.values_mut() {
                    members.remove(subject);
                }
            }
            Kind::Group => drop(self.groups.remove(subject)),
            Kind::Skill => {
                let have_skills = |kind| matches!(kind, Kind::User | Kind::Group);
                for (_, thing) in self.things.iter_mut().filter(|((kind, _), _)| have_skills(*kind)) {
                    if let Some(Value::Array(skills)) = thing.get_mut("skills") {
                        skills.retain(|skill| skill.as_str() != Some(subject));
                    }
                }
            }
            _ => {}
        }
    }
}

fn texts(data: &Map<String, Value>, name: &str) -> Option<BTreeSet<String>> {
    Some(data.get(name)?.as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// Null is the same as absent (1.4), at any depth.
fn without_nulls(members: &Map<String, Value>) -> Map<String, Value> {
    let left = members.iter().filter(|(_, value)| !value.is_null());
    left.map(|(name, value)| {
        let value = match value {
            Value::Object(members) => Value::Object(without_nulls(members)),
            other => other.clone(),
        };
        (name.clone(), value)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn state(events: &[(EventType, &str, Value)]) -> State {
        let mut state = State::default();
        for (kind, subject, data) in events {
            state.apply(*kind, subject, data.as_object().unwrap());
        }
        state
    }

    #[test]
    fn members_change_one_by_one_and_calendars_as_a_whole() {
        let state = state(&[
            (EventType::UserUpdated, "ana", json!({"name": "Ana", "team": "north"})),
            (EventType::UserUpdated, "ana", json!({"team": null, "name": null, "bot": true})),
            (EventType::SettingsUpdated, "settings", json!({"transitions": {"assign": false}})),
            (EventType::SettingsUpdated, "settings", json!({"transitions": {"unassign": false, "assign": null}})),
            (EventType::CalendarUpdated, "office", json!({"time_zone": "UTC", "hours": {}, "holidays": []})),
            (EventType::CalendarUpdated, "office", json!({"time_zone": "UTC", "hours": {"mon": null}})),
        ]);
        let ana = Value::Object(state.members(Kind::User, "ana"));
        assert_eq!((&ana["name"], &ana["bot"], ana.get("team")), (&json!("Ana"), &json!(true), None));
        let settings = state.members(Kind::Settings, "settings");
        assert_eq!(settings["transitions"], json!({"assign": false, "unassign": false, "customer_reply": true}));
        let office = Value::Object(state.members(Kind::Calendar, "office"));
        assert_eq!(office, json!({"time_zone": "UTC", "hours": {}}));
    }

    #[test]
    fn a_thing_that_returns_starts_from_the_defaults() {
        let state = state(&[
            (EventType::UserUpdated, "ana", json!({"capacity": 9})),
            (EventType::UserRemoved, "ana", json!({})),
            (EventType::UserUpdated, "ana", json!({})),
        ]);
        assert_eq!(state.members(Kind::User, "ana")["capacity"], 5);
    }

    #[test]
    fn users_and_groups_share_their_memberships_and_removals_change_both() {
        let mut state = state(&[
            (EventType::UserUpdated, "ana", json!({"groups": ["vip"], "skills": ["french", "refunds"]})),
            (EventType::GroupUpdated, "vip", json!({"members": ["ben"], "skills": ["french"]})),
            (EventType::UserUpdated, "ben", json!({})),
        ]);
        assert_eq!(state.members(Kind::User, "ana")["groups"], json!([]));
        assert_eq!(state.members(Kind::User, "ben")["groups"], json!(["vip"]));
        state.apply(EventType::SkillRemoved, "french", &Map::new());
        assert_eq!(state.members(Kind::User, "ana")["skills"], json!(["refunds"]));
        assert_eq!(state.members(Kind::Group, "vip")["skills"], json!([]));
        state.apply(EventType::UserRemoved, "ben", &Map::new());
        assert_eq!(state.members(Kind::Group, "vip")["members"], json!([]));
        state.apply(EventType::GroupRemoved, "vip", &Map::new());
        assert!(!state.exists(Kind::Group, "vip") && !state.exists(Kind::User, "ben"));
    }
}
