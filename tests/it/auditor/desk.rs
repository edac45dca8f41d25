//! Everything of rank 0 (1.4): users, groups, profiles, fields, calendars, policies and settings, version by version.

use super::event::Event;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A version from one event of the log on; `value` is None after a removal.
#[derive(Clone, Debug)]
pub struct Version {
    pub index: usize,
    pub since: i64,
    pub value: Option<Value>,
}

/// The versions of everything, by what it is and its name; who is in which group; who is present.
#[derive(Default)]
pub struct Desk {
    things: BTreeMap<(&'static str, String), Vec<Version>>,
    memberships: Vec<(usize, BTreeSet<(String, String)>)>,
}

const REMOVABLE: [&str; 6] = ["user", "group", "profile", "policy", "field", "calendar"];

impl Desk {
    /// Reads the events in their order.
    pub fn read(events: &[Event]) -> Desk {
        let mut desk = Desk::default();
        for (index, event) in events.iter().enumerate() {
            desk.take(index, event);
        }
        desk
    }

    fn take(&mut self, index: usize, event: &Event) {
        let (kind, act) = event.kind.split_once('.').unwrap_or_default();
        if kind == "settings" {
            self.change("settings", index, event, &["grace_period", "default_calendar"]);
        } else if kind == "skill" && act == "removed" {
            self.take_skill(index, event);
        } else if act == "presence_changed" {
            self.set("presence", index, event, Some(event.data["presence"].clone()));
        } else if let Some(kind) = REMOVABLE.into_iter().find(|name| *name == kind) {
            match (kind, act) {
                (_, "removed") => self.set(kind, index, event, None),
                ("policy" | "calendar", _) => self.set(kind, index, event, Some(event.data.clone())),
                _ => self.change(kind, index, event, &["team", "calendar"]),
            }
            if kind == "user" && act == "removed" {
                self.set("presence", index, event, None);
            }
            self.join_groups(kind, act, index, event);
        }
    }

    fn set(&mut self, kind: &'static str, index: usize, event: &Event, value: Option<Value>) {
        let versions = self.things.entry((kind, event.subject.clone())).or_default();
        versions.push(Version { index, since: event.time, value });
    }

    /// Changes the members that are present (1.4); after a removal the defaults are the beginning.
    fn change(&mut self, kind: &'static str, index: usize, event: &Event, cleared_by_null: &[&str]) {
        let mut value = self.at(kind, &event.subject, index).cloned().unwrap_or_else(|| json!({}));
        change_members(&mut value, &event.data, cleared_by_null);
        self.set(kind, index, event, Some(value));
    }

    /// A removed skill is taken from every user and group.
    fn take_skill(&mut self, index: usize, event: &Event) {
        for ((kind, _), versions) in &mut self.things {
            let last = versions.last().and_then(|version| version.value.clone());
            if let (true, Some(mut value)) = (["user", "group"].contains(kind), last)
                && let Some(skills) = value["skills"].as_array_mut()
            {
                skills.retain(|skill| skill.as_str() != Some(&event.subject));
                versions.push(Version { index, since: event.time, value: Some(value) });
            }
        }
    }

    /// One relation of users and groups (decision 51).
    fn join_groups(&mut self, kind: &str, act: &str, index: usize, event: &Event) {
        let mut pairs = self.memberships_at(index);
        let stated = |member: &str| event.data[member].as_array().map(|_| texts(&event.data[member]));
        let name = &event.subject;
        if kind == "user" {
            let groups = if act == "removed" { Some(Vec::new()) } else { stated("groups") };
            let Some(groups) = groups else { return };
            pairs.retain(|(user, _)| user != name);
            pairs.extend(groups.into_iter().map(|group| (name.clone(), group)));
        } else if kind == "group" {
            let members = if act == "removed" { Some(Vec::new()) } else { stated("members") };
            let Some(members) = members else { return };
            pairs.retain(|(_, group)| group != name);
            pairs.extend(members.into_iter().map(|user| (user, name.clone())));
        }
        self.memberships.push((index, pairs));
    }

    fn memberships_at(&self, index: usize) -> BTreeSet<(String, String)> {
        self.memberships.iter().rfind(|(at, _)| *at <= index).map(|(_, pairs)| pairs.clone()).unwrap_or_default()
    }

    /// All versions of one thing.
    pub fn versions(&self, kind: &'static str, name: &str) -> &[Version] {
        self.things.get(&(kind, name.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// The names of all things of a kind.
    pub fn names(&self, kind: &'static str) -> Vec<&str> {
        self.things.keys().filter(|key| key.0 == kind).map(|key| key.1.as_str()).collect()
    }

    /// The value after the event at `index` of the log.
    pub fn at(&self, kind: &'static str, name: &str, index: usize) -> Option<&Value> {
        self.versions(kind, name).iter().rfind(|version| version.index <= index)?.value.as_ref()
    }

    /// The version at an instant, events of that instant included.
    pub fn on(&self, kind: &'static str, name: &str, instant: i64) -> Option<&Version> {
        self.versions(kind, name).iter().rfind(|version| version.since <= instant).filter(|v| v.value.is_some())
    }

    /// A member of the settings after the event at `index`; null if there are none.
    pub fn setting(&self, index: usize, path: &str) -> &Value {
        self.at("settings", "settings", index).and_then(|settings| settings.pointer(path)).unwrap_or(&Value::Null)
    }

    pub fn is_bot(&self, user: &str, index: usize) -> bool {
        self.at("user", user, index).is_some_and(|user| user["bot"] == true)
    }

    pub fn groups_of(&self, user: &str, index: usize) -> Vec<String> {
        self.memberships_at(index).into_iter().filter(|pair| pair.0 == user).map(|pair| pair.1).collect()
    }
}

fn change_members(value: &mut Value, change: &Value, cleared_by_null: &[&str]) {
    let none = Map::new();
    for (name, new) in change.as_object().unwrap_or(&none) {
        match new {
            Value::Null if cleared_by_null.contains(&name.as_str()) => value[name] = Value::Null,
            Value::Null => {}
            Value::Object(_) if value[name].is_object() => change_members(&mut value[name], new, &[]),
            new => value[name] = new.clone(),
        }
    }
}

/// The texts of a list.
pub fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
