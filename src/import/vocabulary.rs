//! The events that a foreign row can become, and the words their members may hold: those of the model, without what is never a row of
//! a table.
//!
//! A mapping is checked against this before the first row is read, so that a typing error in it is an error with a line number and not
//! a million quarantined events. The log still checks each event.

use crate::model::event::{EventType, Priority};
use crate::wire::members;
use crate::wire::members::MemberOf;

/// What the subject of an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// The case of the row.
    Case,
    /// Something the mapping must name.
    Named,
    /// The same, and its members are free.
    NamedFreely,
}

/// What an event of that type is about, if a mapping may emit it. Calendars, policies, views and settings are no rows of a table; the
/// grace period has its own key.
pub(super) fn about(kind: EventType) -> Option<About> {
    match kind {
        EventType::UserUpdated
        | EventType::UserRemoved
        | EventType::UserPresenceChanged
        | EventType::ProfileUpdated => Some(About::Named),
        EventType::CustomerUpdated => Some(About::NamedFreely),
        EventType::SalesforceLinked | EventType::SalesforceStatusChanged => None,
        kind => kind.is_about_a_case().then_some(About::Case),
    }
}

/// The type of that name, if a mapping may emit it.
pub(super) fn event_type(name: &str) -> Option<EventType> {
    EventType::parse(name).filter(|kind| about(*kind).is_some())
}

/// The names of every type that a mapping may emit.
pub fn event_types() -> impl Iterator<Item = &'static str> + Clone {
    EventType::NAMES.iter().copied().filter(|name| event_type(name).is_some())
}

/// The members that a mapping may state for a type.
pub(super) fn members(kind: EventType) -> impl Iterator<Item = MemberOf> + Clone {
    members::of(kind).map(move |member| match (kind, member.name) {
        // The log accepts an unknown priority as a finding; a mapping should not produce one.
        (EventType::CaseCreated, "priority") => MemberOf { values: Some(Priority::NAMES), ..member },
        _ => member,
    })
}

/// Whether null is a value of the member, which clears what was there.
pub(super) fn may_clear(kind: EventType, member: &str) -> bool {
    matches!(
        (kind, member),
        (EventType::CaseFieldChanged, "value")
            | (EventType::UserUpdated, "team")
            | (EventType::ProfileUpdated, "calendar")
    )
}

/// The type of the JSON value that the text of a cell becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ValueType {
    /// As it is.
    Text,
    /// A whole number.
    Integer,
    /// `true`/`false`, `yes`/`no`, `1`/`0` in any case.
    Boolean,
    /// A list of texts with this separator.
    List(String),
}

impl ValueType {
    /// In words for a message.
    pub(super) fn expected(&self) -> &'static str {
        match self {
            ValueType::Text => "a text",
            ValueType::Integer => "a whole number",
            ValueType::Boolean => "true or false",
            ValueType::List(_) => "a list",
        }
    }
}

/// The type of a member where the mapping states none; members that the model does not know are texts.
pub(super) fn default_type(member: Option<MemberOf>) -> ValueType {
    match member.map(|member| member.json_type) {
        Some(members::JsonType::Number) => ValueType::Integer,
        Some(members::JsonType::Flag) => ValueType::Boolean,
        Some(members::JsonType::Texts) => ValueType::List(",".to_owned()),
        Some(members::JsonType::Text | members::JsonType::Other) | None => ValueType::Text,
    }
}

/// Reads the words that foreign tables use for yes and no.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "t" | "1" => Some(true),
        "false" | "no" | "n" | "f" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_may_emit_events_about_cases_and_people_but_not_settings_of_the_desk() {
        for name in ["case.created", "survey.answered", "case.deleted", "user.presence_changed", "customer.updated"] {
            assert!(event_type(name).is_some(), "{name}");
        }
        for name in ["settings.updated", "policy.updated", "salesforce.linked", "salesforce.expired", "view.removed"] {
            assert!(event_type(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_member_has_the_type_that_the_model_states() {
        let value_type = |kind, name: &str| default_type(members(kind).find(|member| member.name == name));
        assert_eq!(value_type(EventType::SurveyAnswered, "score"), ValueType::Integer);
        assert_eq!(value_type(EventType::UserUpdated, "bot"), ValueType::Boolean);
        assert_eq!(value_type(EventType::MessageNoted, "mentions"), ValueType::List(",".to_owned()));
        assert_eq!(value_type(EventType::CaseFieldChanged, "value"), ValueType::Text);
        assert_eq!(value_type(EventType::CustomerUpdated, "shoe_size"), ValueType::Text);
    }
}
