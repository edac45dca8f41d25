//! What a file can state: the kinds of thing, the members each may have, and how they are compared (1.4, 3.1).

use serde_json::{Map, Value, json};

use crate::model::event::EventType;
use crate::wire::members;

/// A kind of thing that a file can state. The order is the one in which events are appended: a user finds their group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Calendar,
    Settings,
    Policy,
    Skill,
    Field,
    Group,
    User,
    Profile,
}

/// What a member holds, as far as comparing and showing it needs; ingestion checks the types.
#[derive(Clone, Copy, Debug)]
pub enum MemberType {
    Value,
    Text,
    Date,
    /// A list whose order has no meaning.
    Set,
    /// Members that are shown one by one.
    Members(&'static [(&'static str, MemberType)]),
    /// Members that are shown in one line where all of them are new.
    Row(&'static [(&'static str, MemberType)]),
    /// Opening hours from Monday to Sunday, shown like a row.
    Week,
    /// A list of days, compared by date.
    Holidays,
    /// One day of these, which is shown as a whole.
    Holiday,
}

/// What an event does to a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Updated,
    Removed,
}

use MemberType::{Date, Holiday, Holidays, Members, Row, Set, Text, Value as Any, Week};

const DAYS: &[(&str, MemberType)] =
    &[("mon", Any), ("tue", Any), ("wed", Any), ("thu", Any), ("fri", Any), ("sat", Any), ("sun", Any)];
const HOLIDAY: &[(&str, MemberType)] = &[("date", Date), ("name", Text), ("hours", Any)];
const CALENDAR: &[(&str, MemberType)] = &[("time_zone", Any), ("hours", Week), ("holidays", Holidays)];
const TARGETS: &[(&str, MemberType)] =
    &[("assign", Any), ("first_response", Any), ("next_response", Any), ("resolution", Any)];
const POLICY: &[(&str, MemberType)] = &[
    ("name", Any),
    ("position", Any),
    ("enabled", Any),
    (
        "conditions",
        Members(&[
            ("text", Members(&[("any", Any), ("all", Any), ("none", Any)])),
            ("profile", Any),
            ("platform", Any),
            ("sentiment", Any),
            ("language", Any),
        ]),
    ),
    (
        "targets",
        Members(&[("urgent", Row(TARGETS)), ("high", Row(TARGETS)), ("medium", Row(TARGETS)), ("low", Row(TARGETS))]),
    ),
    ("calendar", Any),
    ("pause_on", Any),
];
const TRANSITIONS: MemberType = Members(&[("assign", Any), ("unassign", Any), ("customer_reply", Any)]);
const SLA: MemberType = Members(&[("priority_change", Any), ("policy_edit", Any)]);
/// Every rule of 2.7 that makes a row, also those that replay does not find yet.
const FINDINGS: MemberType = Members(&[
    ("no_case_yet", Any),
    ("created_twice", Any),
    ("after_deletion", Any),
    ("message_before_case", Any),
    ("message_after_close", Any),
    ("reply_in_resolved_case", Any),
    ("reply_by_other", Any),
    ("profile_by_other", Any),
    ("reply_without_profile", Any),
    ("unknown_user", Any),
    ("unknown_reference", Any),
    ("unknown_priority", Any),
    ("not_permitted", Any),
    ("over_capacity", Any),
    ("not_auto_assignable", Any),
    ("mandatory_field_empty", Any),
    ("invalid_field_value", Any),
    ("second_open_case", Any),
    ("reopened_after_close", Any),
]);

impl MemberType {
    /// The members it may have; none where they are free, or it is no table.
    #[must_use]
    pub fn members(self) -> &'static [(&'static str, MemberType)] {
        match self {
            Members(members) | Row(members) => members,
            Week => DAYS,
            Holiday => HOLIDAY,
            _ => &[],
        }
    }

    /// The type of the items of a list.
    #[must_use]
    pub fn item(self) -> MemberType {
        if matches!(self, Holidays) { Holiday } else { Any }
    }

    /// The type of a member; the members of a list of days are its dates.
    #[must_use]
    pub fn member(self, name: &str) -> MemberType {
        if matches!(self, Holidays) {
            return self.item();
        }
        self.members().iter().find(|(known, _)| *known == name).map_or(Any, |(_, member_type)| *member_type)
    }
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 8] = [
        Kind::Calendar,
        Kind::Settings,
        Kind::Policy,
        Kind::Skill,
        Kind::Field,
        Kind::Group,
        Kind::User,
        Kind::Profile,
    ];

    /// The table of a file that states things of this kind.
    #[must_use]
    pub fn table(self) -> &'static str {
        match self {
            Kind::Calendar => "calendars",
            Kind::Settings => "settings",
            Kind::Policy => "policies",
            Kind::Skill => "skills",
            Kind::Field => "fields",
            Kind::Group => "groups",
            Kind::User => "users",
            Kind::Profile => "profiles",
        }
    }

    /// The word for one of them.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Kind::Settings => "settings",
            Kind::Policy => "policy",
            other => other.table().trim_end_matches('s'),
        }
    }

    /// The kind and a thing of it, as errors name it; there is one settings.
    #[must_use]
    pub fn named(self, subject: &str) -> String {
        match self {
            Kind::Settings => "settings".to_owned(),
            _ => format!("{} `{subject}`", self.noun()),
        }
    }

    /// The event that states a thing.
    #[must_use]
    pub fn updated(self) -> EventType {
        match self {
            Kind::Calendar => EventType::CalendarUpdated,
            Kind::Settings => EventType::SettingsUpdated,
            Kind::Policy => EventType::PolicyUpdated,
            Kind::Skill => EventType::SkillUpdated,
            Kind::Field => EventType::FieldUpdated,
            Kind::Group => EventType::GroupUpdated,
            Kind::User => EventType::UserUpdated,
            Kind::Profile => EventType::ProfileUpdated,
        }
    }

    /// The event that removes a thing, where there is one.
    #[must_use]
    pub fn removed(self) -> Option<EventType> {
        match self {
            Kind::Calendar | Kind::Settings => None,
            Kind::Policy => Some(EventType::PolicyRemoved),
            Kind::Skill => Some(EventType::SkillRemoved),
            Kind::Field => Some(EventType::FieldRemoved),
            Kind::Group => Some(EventType::GroupRemoved),
            Kind::User => Some(EventType::UserRemoved),
            Kind::Profile => Some(EventType::ProfileRemoved),
        }
    }

    /// The kind that an event is about, and what it does.
    #[must_use]
    pub fn of(event: EventType) -> Option<(Kind, Effect)> {
        Kind::ALL.into_iter().find_map(|kind| match event {
            event if event == kind.updated() => Some((kind, Effect::Updated)),
            event if Some(event) == kind.removed() => Some((kind, Effect::Removed)),
            _ => None,
        })
    }

    /// Whether an event states the whole thing rather than some of its members.
    #[must_use]
    pub fn is_whole(self) -> bool {
        matches!(self, Kind::Calendar | Kind::Policy)
    }

    /// The members that null clears.
    #[must_use]
    pub fn clearable(self) -> &'static [&'static str] {
        match self {
            Kind::User => &["team"],
            Kind::Profile => &["calendar"],
            Kind::Settings => &["grace_period", "default_calendar"],
            _ => &[],
        }
    }

    /// The members a file may state, in the order in which they are shown.
    #[must_use]
    pub fn members(self) -> Vec<(&'static str, MemberType)> {
        let member_type = |member: members::MemberOf| match (self, member.name, member.json_type) {
            (Kind::Settings, "transitions", _) => TRANSITIONS,
            (Kind::Settings, "sla", _) => SLA,
            (Kind::Settings, "findings", _) => FINDINGS,
            // The values of a field are offered in the order they are written in.
            (Kind::Field, _, _) => Any,
            (_, _, members::JsonType::Texts) => Set,
            _ => Any,
        };
        match self {
            Kind::Calendar => CALENDAR.to_vec(),
            Kind::Policy => POLICY.to_vec(),
            _ => members::of(self.updated()).map(|member| (member.name, member_type(member))).collect(),
        }
    }

    /// The type of a member.
    #[must_use]
    pub fn member_type(self, name: &str) -> MemberType {
        self.members().into_iter().find(|(known, _)| *known == name).map_or(Any, |(_, member_type)| member_type)
    }

    /// The members of a thing before any event states them (1.4).
    #[must_use]
    pub fn defaults(self) -> Map<String, Value> {
        let defaults = match self {
            Kind::User => json!({
                "role": "agent", "capacity": 5, "auto_assign": false, "bot": false, "skills": [], "groups": [],
            }),
            Kind::Group => json!({"members": [], "skills": [], "profiles": []}),
            Kind::Field => json!({"enabled": false}),
            Kind::Settings => json!({
                "unassign_on": [],
                "transitions": {"assign": true, "unassign": true, "customer_reply": true},
                "sla": {"priority_change": "retarget", "policy_edit": "retarget"},
            }),
            Kind::Calendar | Kind::Policy | Kind::Skill | Kind::Profile => json!({}),
        };
        match defaults {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }

    /// What else changes when one is removed.
    #[must_use]
    pub fn consequence(self) -> Option<&'static str> {
        match self {
            Kind::User => Some("all cases assigned to them become unassigned"),
            Kind::Policy => Some("cases that have it keep its last version"),
            Kind::Skill => Some("it is taken from every user and group"),
            Kind::Group => Some("its members lose the skills they have through it"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_about_a_thing_leads_back_to_its_kind() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of(kind.updated()), Some((kind, Effect::Updated)));
            assert!(kind.removed().is_none_or(|event| Kind::of(event) == Some((kind, Effect::Removed))));
        }
        assert_eq!(Kind::of(EventType::UserPresenceChanged), None);
        assert_eq!(Kind::of(EventType::CustomerUpdated), None);
    }

    #[test]
    fn what_can_be_cleared_and_what_has_a_default_is_a_member() {
        for kind in Kind::ALL {
            let names: Vec<&str> = kind.members().iter().map(|(name, _)| *name).collect();
            assert!(kind.clearable().iter().all(|name| names.contains(name)), "{kind:?}");
            assert!(kind.defaults().keys().all(|name| names.contains(&name.as_str())), "{kind:?}");
        }
    }
}
