//! The members that the `data` of each event type may have, as a table, and the check of an event against it (1.1, 1.4).

use crate::json::Json;
use crate::model::calendar::Calendar;
use crate::model::content::Holds;
use crate::model::event::{
    EventType, FieldKind, FieldVisibility, MessageKind, Origin, Presence, Priority, Role, Sentiment, Status,
};
use crate::model::policy::Policy;
use crate::model::time::parse_duration_ms;
use crate::model::view::View;
use crate::model::{Refusal, check_listed_once};

/// The shape of one member.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Text,
    /// A text that names something, and so is not empty.
    Id,
    Flag,
    /// A whole number, not negative.
    Count,
    /// A whole number.
    Whole,
    Number,
    OneOf(&'static [&'static str]),
    Texts,
    /// Texts of which each is listed once.
    TextsOnce,
    /// Some of the values, each listed once.
    ListOf(&'static [&'static str]),
    Duration,
    /// An object of durations.
    Durations,
    Object,
    /// Any value, null included: it must be stated if there is none.
    AnyOrNull,
    /// An object of texts that name one of the values.
    ObjectOf(&'static [&'static str]),
    /// An object of flags.
    Flags,
}

/// One member of an event type's `data`.
struct Member {
    name: &'static str,
    shape: Shape,
    required: bool,
    /// What it holds, where it is of texts that an event states.
    holds: Option<Holds>,
}

impl Member {
    const fn of(self, holds: Holds) -> Member {
        Member { holds: Some(holds), ..self }
    }
}

const fn required(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, required: true, holds: None }
}

const fn optional(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, required: false, holds: None }
}

const BY: Member = optional("by", Shape::Id).of(Holds::User);
const REPLY_STATUSES: &[&str] = &["pending", "on_hold"];
/// The kinds of surveys.
pub const SURVEYS: &[&str] = &["csat", "nps", "ces"];
const SEVERITIES: &[&str] = &["hidden", "info", "warning"];

const USER: &[Member] = &[
    optional("name", Shape::Text).of(Holds::NameOfUser),
    optional("email", Shape::Text).of(Holds::NameOfUser),
    optional("role", Shape::OneOf(Role::NAMES)),
    optional("team", Shape::Text).of(Holds::Thing),
    optional("capacity", Shape::Count),
    optional("auto_assign", Shape::Flag),
    optional("bot", Shape::Flag),
    optional("skills", Shape::TextsOnce).of(Holds::Thing),
    optional("groups", Shape::TextsOnce).of(Holds::Thing),
];
const GROUP: &[Member] = &[
    optional("name", Shape::Text).of(Holds::Thing),
    optional("members", Shape::TextsOnce).of(Holds::User),
    optional("skills", Shape::TextsOnce).of(Holds::Thing),
    optional("profiles", Shape::TextsOnce).of(Holds::Thing),
];
const PROFILE: &[Member] = &[
    optional("name", Shape::Text).of(Holds::Thing),
    optional("platform", Shape::Text).of(Holds::Thing),
    optional("visible_to", Shape::TextsOnce).of(Holds::UsersOrGroups),
    optional("calendar", Shape::Text).of(Holds::Thing),
];
const FIELD: &[Member] = &[
    optional("name", Shape::Text).of(Holds::Thing),
    optional("kind", Shape::OneOf(FieldKind::NAMES)),
    optional("values", Shape::TextsOnce).of(Holds::Thing),
    optional("visibility", Shape::OneOf(FieldVisibility::NAMES)),
    optional("mandatory", Shape::Flag),
    optional("enabled", Shape::Flag),
    optional("position", Shape::Whole),
];
const SETTINGS: &[Member] = &[
    optional("grace_period", Shape::Duration).of(Holds::Thing),
    optional("grace_periods", Shape::Durations).of(Holds::Thing),
    optional("unassign_on", Shape::ListOf(Presence::NAMES)),
    optional("default_calendar", Shape::Text).of(Holds::Thing),
    optional("transitions", Shape::Flags).of(Holds::Thing),
    optional("sla", Shape::ObjectOf(&["retarget", "keep"])).of(Holds::Thing),
    optional("findings", Shape::ObjectOf(SEVERITIES)).of(Holds::Thing),
];
const CREATED: &[Member] = &[
    required("customer", Shape::Id).of(Holds::Customer),
    optional("profile", Shape::Id).of(Holds::Thing),
    optional("platform", Shape::Text).of(Holds::Thing),
    optional("origin", Shape::OneOf(Origin::NAMES)),
    // An unknown priority is a finding, not a refusal.
    optional("priority", Shape::Text).of(Holds::Thing),
    optional("sentiment", Shape::OneOf(Sentiment::NAMES)),
    optional("language", Shape::Text).of(Holds::Thing),
    optional("text", Shape::Text).of(Holds::Words),
    optional("message", Shape::Id).of(Holds::Thing),
    optional("customer_name", Shape::Text).of(Holds::NameOfCustomer),
    optional("fields", Shape::Object).of(Holds::FieldValues),
    BY,
];
const RECEIVED: &[Member] = &[
    required("message", Shape::Id).of(Holds::Thing),
    optional("kind", Shape::OneOf(MessageKind::NAMES)),
    optional("text", Shape::Text).of(Holds::Words),
    optional("sentiment", Shape::OneOf(Sentiment::NAMES)),
    optional("language", Shape::Text).of(Holds::Thing),
    optional("attachments", Shape::Count),
];
const SENT: &[Member] = &[
    required("message", Shape::Id).of(Holds::Thing),
    optional("kind", Shape::OneOf(MessageKind::NAMES)),
    BY,
    optional("text", Shape::Text).of(Holds::Words),
    optional("set_status", Shape::OneOf(REPLY_STATUSES)),
    optional("bot", Shape::Flag),
    optional("attachments", Shape::Count),
];
const NOTED: &[Member] = &[
    required("message", Shape::Id).of(Holds::Thing),
    BY,
    optional("text", Shape::Text).of(Holds::Words),
    optional("mentions", Shape::Texts).of(Holds::User),
];
const CONNECTION: &[Member] = &[optional("user", Shape::Id).of(Holds::User), optional("sandbox", Shape::Flag)];

fn members(kind: EventType) -> &'static [Member] {
    match kind {
        EventType::UserUpdated => USER,
        EventType::UserPresenceChanged => const { &[required("presence", Shape::OneOf(Presence::NAMES))] },
        EventType::GroupUpdated => GROUP,
        EventType::SkillUpdated => const { &[optional("description", Shape::Text).of(Holds::Thing)] },
        EventType::ProfileUpdated => PROFILE,
        EventType::CustomerUpdated => const { &[optional("name", Shape::Text).of(Holds::NameOfCustomer)] },
        EventType::FieldUpdated => FIELD,
        EventType::SettingsUpdated => SETTINGS,
        EventType::CaseCreated => CREATED,
        EventType::CaseProfileAssigned => const { &[required("profile", Shape::Id).of(Holds::Thing), BY] },
        EventType::CaseAssigned => {
            const { &[required("agent", Shape::Id).of(Holds::User), BY, optional("automatic", Shape::Flag)] }
        }
        EventType::CasePriorityChanged => const { &[required("priority", Shape::OneOf(Priority::NAMES)), BY] },
        EventType::CaseSentimentChanged => const { &[required("sentiment", Shape::OneOf(Sentiment::NAMES)), BY] },
        EventType::CaseFieldChanged => {
            const {
                &[
                    required("field", Shape::Id).of(Holds::Thing),
                    required("value", Shape::AnyOrNull).of(Holds::FieldValue),
                    BY,
                ]
            }
        }
        EventType::MessageReceived => RECEIVED,
        EventType::MessageSent => SENT,
        EventType::MessageNoted => NOTED,
        EventType::MessageLiked | EventType::MessageDeleted => {
            const { &[required("message", Shape::Id).of(Holds::Thing), BY] }
        }
        EventType::CaseStatusChanged => const { &[required("status", Shape::OneOf(Status::NAMES)), BY] },
        EventType::SurveySent => {
            const { &[required("survey", Shape::Id).of(Holds::Thing), required("kind", Shape::OneOf(SURVEYS)), BY] }
        }
        EventType::SurveyAnswered => {
            const {
                &[
                    required("survey", Shape::Id).of(Holds::Thing),
                    required("kind", Shape::OneOf(SURVEYS)),
                    required("score", Shape::Number),
                    optional("comment", Shape::Text).of(Holds::Words),
                ]
            }
        }
        EventType::SalesforceLinked => {
            const {
                &[
                    required("record", Shape::Id).of(Holds::Thing),
                    required("object", Shape::OneOf(&["case", "lead"])),
                    optional("user", Shape::Id).of(Holds::User),
                    required("token", Shape::OneOf(&["default", "personal"])),
                ]
            }
        }
        EventType::SalesforceStatusChanged => {
            const { &[required("record", Shape::Id).of(Holds::Thing), required("status", Shape::Text).of(Holds::Thing), BY] }
        }
        EventType::SalesforceConnected | EventType::SalesforceExpired | EventType::SalesforceDisconnected => CONNECTION,
        EventType::CaseUnassigned | EventType::CaseClosed | EventType::CaseDeleted => const { &[BY] },
        EventType::UserRemoved
        | EventType::GroupRemoved
        | EventType::SkillRemoved
        | EventType::ProfileRemoved
        | EventType::CalendarUpdated
        | EventType::PolicyUpdated
        | EventType::PolicyRemoved
        | EventType::FieldRemoved
        | EventType::ViewUpdated
        | EventType::ViewRemoved => &[],
    }
}

/// The description of a member for authors of events and mappings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberOf {
    pub name: &'static str,
    /// Without it an event of the type is refused.
    pub required: bool,
    pub json_type: JsonType,
    /// What it holds, where it is of texts that an event states.
    pub holds: Option<Holds>,
    /// The values it may have, where they are fixed.
    pub values: Option<&'static [&'static str]>,
}

/// The JSON type of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonType {
    Text,
    Number,
    Flag,
    Texts,
    Other,
}

/// The members that the `data` of an event type may have.
pub fn of(kind: EventType) -> impl Iterator<Item = MemberOf> + Clone {
    members(kind).iter().map(|member| MemberOf {
        name: member.name,
        required: member.required,
        json_type: member.shape.json_type(),
        holds: member.holds,
        values: member.shape.values(),
    })
}

impl Shape {
    fn json_type(self) -> JsonType {
        match self {
            Shape::Text | Shape::Id | Shape::OneOf(_) | Shape::Duration | Shape::AnyOrNull => JsonType::Text,
            Shape::Count | Shape::Whole | Shape::Number => JsonType::Number,
            Shape::Flag => JsonType::Flag,
            Shape::Texts | Shape::TextsOnce | Shape::ListOf(_) => JsonType::Texts,
            Shape::Object | Shape::ObjectOf(_) | Shape::Durations | Shape::Flags => JsonType::Other,
        }
    }

    fn values(self) -> Option<&'static [&'static str]> {
        match self {
            Shape::OneOf(names) | Shape::ListOf(names) => Some(names),
            _ => None,
        }
    }
}

/// Whether events of that type have a member of that name; other members are ignored (1.1).
#[must_use]
pub fn has(kind: EventType, name: &str) -> bool {
    members(kind).iter().any(|member| member.name == name)
}

/// Checks the `data` of an event by its type. Unknown members are accepted.
///
/// # Errors
/// The rule that is broken and where: a missing or wrongly typed member, an unknown value of an enumeration, a
/// malformed duration, and for calendars, policies and views what [`Calendar::check`], [`Policy::check`] and [`View::parse`] refuse.
pub fn check(kind: EventType, subject: &str, data: &Json<'_>) -> Result<(), Refusal> {
    for member in members(kind) {
        let given = match member.shape {
            Shape::AnyOrNull => data.get_or_null(member.name),
            _ => data.get(member.name),
        };
        match given {
            Some(value) => check_member(member, value).map_err(|refusal| refusal.at(member.name))?,
            None if member.required => {
                let detail = format!("`{}` needs the member `{}`", kind.name(), member.name);
                return Err(Refusal::new("missing_member", detail));
            }
            None => {}
        }
    }
    match kind {
        EventType::CalendarUpdated => Calendar::check(subject, data),
        EventType::PolicyUpdated => Policy::check(subject, data),
        EventType::ViewUpdated => View::parse(subject, data).map(drop),
        EventType::SettingsUpdated if subject != "settings" => {
            let detail = format!("the subject of `settings.updated` is `settings`, found `{subject}`");
            Err(Refusal::new("wrong_subject", detail))
        }
        _ => Ok(()),
    }
}

fn check_member(member: &Member, value: &Json<'_>) -> Result<(), Refusal> {
    let wrong = |expected: &str| {
        let detail = format!("`{}` must be {expected}, found {}", member.name, value.kind());
        Err(Refusal::new("wrong_type", detail))
    };
    match member.shape {
        Shape::AnyOrNull => Ok(()),
        Shape::Text => value.as_text().map_or_else(|| wrong("a text"), |_| Ok(())),
        Shape::Id => match value.as_text() {
            Some(text) if !text.is_empty() => Ok(()),
            _ => wrong("a text that is not empty"),
        },
        Shape::Flag => value.as_flag().map_or_else(|| wrong("true or false"), |_| Ok(())),
        Shape::Count => match value.as_whole() {
            Some(count) if count >= 0 => Ok(()),
            _ => wrong("a whole number from 0"),
        },
        Shape::Whole => value.as_whole().map_or_else(|| wrong("a whole number"), |_| Ok(())),
        Shape::Number => {
            if matches!(value, Json::Number(_)) {
                Ok(())
            } else {
                wrong("a number")
            }
        }
        Shape::OneOf(names) => check_name(member.name, value, names),
        Shape::Texts | Shape::TextsOnce => match value.as_list() {
            Some(items) => match items.iter().position(|item| item.as_text().is_none()) {
                Some(at) => wrong("a list of texts").map_err(|refusal| refusal.at_item(at)),
                None if matches!(member.shape, Shape::TextsOnce) => check_once(member.name, items),
                None => Ok(()),
            },
            None => wrong("a list of texts"),
        },
        Shape::ListOf(names) => match value.as_list() {
            Some(items) => {
                let check = |(at, item): (usize, &Json<'_>)| {
                    check_name(member.name, item, names).map_err(|refusal| refusal.at_item(at))
                };
                items.iter().enumerate().try_for_each(check)?;
                check_once(member.name, items)
            }
            None => wrong("a list"),
        },
        Shape::Duration => match value.as_text() {
            Some(text) => parse_duration_ms(text).map(drop).map_err(|refusal| refusal.within(member.name)),
            None => wrong("a duration such as `1d 12h`"),
        },
        Shape::Durations => match value {
            Json::Object(members) => members.iter().try_for_each(|(name, value)| match (value, value.as_text()) {
                (Json::Null, _) => Ok(()),
                (_, Some(text)) => parse_duration_ms(text).map(drop).map_err(|refusal| refusal.within(name).at(name)),
                _ => wrong("an object of durations such as `1d 12h`"),
            }),
            _ => wrong("an object of durations"),
        },
        Shape::Object => {
            if matches!(value, Json::Object(_)) {
                Ok(())
            } else {
                wrong("an object")
            }
        }
        Shape::ObjectOf(names) => match value {
            Json::Object(members) => members
                .iter()
                .try_for_each(|(name, value)| check_name(name, value, names).map_err(|refusal| refusal.at(name))),
            _ => wrong("an object"),
        },
        Shape::Flags => match value {
            Json::Object(members) => {
                match members.iter().find(|(_, flag)| !matches!(flag, Json::Flag(_) | Json::Null)) {
                    Some((name, flag)) => {
                        let detail = format!("`{}.{name}` must be true or false, found {}", member.name, flag.kind());
                        Err(Refusal::new("wrong_type", detail).at(name))
                    }
                    None => Ok(()),
                }
            }
            _ => wrong("an object of true and false"),
        },
    }
}

fn check_once(member: &str, items: &[Json<'_>]) -> Result<(), Refusal> {
    let texts = items.iter().map(|item| item.as_text().unwrap_or("null"));
    check_listed_once(member, texts, |text| format!("`{text}`"))
}

fn check_name(member: &str, value: &Json<'_>, names: &[&str]) -> Result<(), Refusal> {
    let known = value.as_text().is_some_and(|text| names.contains(&text));
    if known || matches!(value, Json::Null) {
        return Ok(());
    }
    let found = value.as_text().map_or_else(|| value.kind().to_owned(), |text| format!("`{text}`"));
    let detail = format!("`{member}` must be one of {}, found {found}", names.join(", "));
    Err(Refusal::new("unknown_value", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_of_texts_states_what_it_holds() {
        for kind in EventType::ALL {
            for member in of(*kind) {
                let is_free = member.values.is_none() && !matches!(member.json_type, JsonType::Number | JsonType::Flag);
                assert!(!is_free || member.holds.is_some(), "`{}` of `{}`", member.name, kind.name());
            }
        }
    }

    fn rule(kind: EventType, data: &str) -> &'static str {
        check(kind, "settings", &Json::parse(data).unwrap()).err().map_or("accepted", |refusal| refusal.rule)
    }

    #[test]
    fn members_are_checked_against_their_type() {
        let cases = [
            (EventType::CaseCreated, r#"{"customer":"c"}"#, "accepted"),
            (EventType::CaseCreated, r#"{"customer":"c","priority":"P1","more":[1]}"#, "accepted"),
            (EventType::CaseCreated, r#"{"customer":null}"#, "missing_member"),
            (EventType::CaseCreated, r#"{"customer":7}"#, "wrong_type"),
            (EventType::CaseCreated, r#"{"customer":""}"#, "wrong_type"),
            (EventType::CaseCreated, r#"{"customer":"c","origin":"dream"}"#, "unknown_value"),
            (EventType::CaseCreated, r#"{"customer":"c","profile":null}"#, "accepted"),
            (EventType::CasePriorityChanged, r#"{"priority":"P1"}"#, "unknown_value"),
            (EventType::MessageSent, r#"{"message":"m","set_status":"done"}"#, "unknown_value"),
            (EventType::SettingsUpdated, r#"{"grace_period":"2x"}"#, "invalid_duration"),
            (EventType::SettingsUpdated, r#"{"grace_period":null,"unassign_on":["offline"]}"#, "accepted"),
            (EventType::SettingsUpdated, r#"{"unassign_on":["asleep"]}"#, "unknown_value"),
            (EventType::SettingsUpdated, r#"{"transitions":{"assign":1}}"#, "wrong_type"),
            (EventType::UserUpdated, r#"{"capacity":-1}"#, "wrong_type"),
            (EventType::UserUpdated, r#"{"team":null,"skills":["a"]}"#, "accepted"),
            (EventType::UserUpdated, r#"{"skills":["a","b","a"]}"#, "listed_twice"),
            (EventType::GroupUpdated, r#"{"members":["ana","ana"]}"#, "listed_twice"),
            (EventType::ProfileUpdated, r#"{"visible_to":["ana","ana"]}"#, "listed_twice"),
            (EventType::FieldUpdated, r#"{"values":["red","red"]}"#, "listed_twice"),
            (EventType::SettingsUpdated, r#"{"unassign_on":["away","away"]}"#, "listed_twice"),
            (
                EventType::CalendarUpdated,
                r#"{"time_zone":"UTC","hours":{},"holidays":[{"date":"2026-12-24"},{"date":"2026-12-24"}]}"#,
                "listed_twice",
            ),
            (
                EventType::PolicyUpdated,
                r#"{"position":1,"targets":{"low":{"assign":"1h"}},"pause_on":["new","new"]}"#,
                "listed_twice",
            ),
            (
                EventType::PolicyUpdated,
                r#"{"position":1,"targets":{"low":{"assign":"1h"}},"conditions":{"text":{"any":["a","a"]}}}"#,
                "listed_twice",
            ),
            (
                EventType::PolicyUpdated,
                r#"{"position":1,"targets":{"low":{"assign":"1h"}},"conditions":{"platform":["a","a"]}}"#,
                "listed_twice",
            ),
            // A note may name a colleague more than once.
            (EventType::MessageNoted, r#"{"message":"m","mentions":["ana","ana"]}"#, "accepted"),
            (EventType::CaseClosed, "{}", "accepted"),
            (EventType::CaseFieldChanged, r#"{"field":"f"}"#, "missing_member"),
            (EventType::CaseFieldChanged, r#"{"field":"f","value":null}"#, "accepted"),
        ];
        for (kind, data, expected) in cases {
            assert_eq!(rule(kind, data), expected, "{} {data}", kind.name());
        }
    }
}
