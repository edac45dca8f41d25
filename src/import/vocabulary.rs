//! The events that a foreign row can become, and the words their members may hold.
//!
//! A mapping is checked against this list before the first row is read, so that a slip of the pen is an error with a line number and
//! not a million quarantined events. The log remains the judge of each event.

/// One type of event that a mapping may emit.
#[derive(Debug)]
pub(super) struct EventType {
    /// The name in the wire format.
    pub(super) name: &'static str,
    /// What its subject is.
    pub(super) about: About,
    /// Members of `data` without which the log refuses the event.
    pub(super) required: &'static [&'static str],
    /// Members of `data` that may be absent.
    pub(super) optional: &'static [&'static str],
}

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

impl EventType {
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        EVENT_TYPES.iter().find(|kind| kind.name == name)
    }

    pub(super) fn members(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.required.iter().chain(self.optional).copied()
    }
}

const fn case(name: &'static str, required: &'static [&'static str], optional: &'static [&'static str]) -> EventType {
    EventType { name, about: About::Case, required, optional }
}

/// Every type a mapping may emit. Calendars, policies, views and settings are no rows of a table; the grace period has its own key.
pub(super) const EVENT_TYPES: &[EventType] = &[
    EventType {
        name: "user.updated",
        about: About::Named,
        required: &[],
        optional: &["name", "email", "role", "team", "capacity", "auto_assign", "bot", "skills", "groups"],
    },
    EventType { name: "user.removed", about: About::Named, required: &[], optional: &[] },
    EventType { name: "user.presence_changed", about: About::Named, required: &["presence"], optional: &[] },
    EventType {
        name: "profile.updated",
        about: About::Named,
        required: &[],
        optional: &["name", "platform", "visible_to", "calendar"],
    },
    EventType { name: "customer.updated", about: About::NamedFreely, required: &[], optional: &["name"] },
    case(
        "case.created",
        &["customer"],
        &[
            "profile",
            "platform",
            "origin",
            "priority",
            "sentiment",
            "language",
            "text",
            "message",
            "customer_name",
            "fields",
            "by",
        ],
    ),
    case("case.profile_assigned", &["profile"], &["by"]),
    case("case.assigned", &["agent"], &["by", "automatic"]),
    case("case.unassigned", &[], &["by"]),
    case("case.priority_changed", &["priority"], &["by"]),
    case("case.sentiment_changed", &["sentiment"], &["by"]),
    case("case.field_changed", &["field", "value"], &["by"]),
    case("message.received", &["message"], &["kind", "text", "sentiment", "language", "attachments"]),
    case("message.sent", &["message"], &["kind", "by", "text", "set_status", "bot", "attachments"]),
    case("message.noted", &["message"], &["by", "text", "mentions"]),
    case("message.liked", &["message"], &["by"]),
    case("message.deleted", &["message"], &["by"]),
    case("case.status_changed", &["status"], &["by"]),
    case("case.closed", &[], &["by"]),
    case("survey.sent", &["survey", "kind"], &["by"]),
    case("survey.answered", &["survey", "kind", "score"], &["comment"]),
    case("case.deleted", &[], &["by"]),
];

/// The words that a member may hold, where they are fixed.
pub(super) fn words(kind: &EventType, member: &str) -> Option<&'static [&'static str]> {
    Some(match member {
        "priority" => &["urgent", "high", "medium", "low"],
        "status" => &["new", "open", "pending", "on_hold", "done", "spam"],
        "set_status" => &["pending", "on_hold"],
        "sentiment" => &["positive", "negative", "neutral", "none"],
        "kind" if kind.name.starts_with("survey.") => &["csat", "nps", "ces"],
        "kind" => &["public", "comment", "direct"],
        "origin" => &["manual", "automatic", "listening", "direct"],
        "presence" => &["online", "away", "offline"],
        "role" => &["agent", "supervisor", "admin", "none"],
        _ => return None,
    })
}

/// How the text of a cell becomes a JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As it stands.
    Text,
    /// A whole number.
    Integer,
    /// `true`/`false`, `yes`/`no`, `1`/`0` in any case.
    Boolean,
    /// A list of texts with this separator.
    List(String),
}

/// The form of a member where the mapping states none.
pub(super) fn usual_form(member: &str) -> Form {
    match member {
        "capacity" | "attachments" | "score" => Form::Integer,
        "auto_assign" | "bot" | "automatic" => Form::Boolean,
        "skills" | "groups" | "visible_to" | "mentions" => Form::List(",".to_owned()),
        _ => Form::Text,
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

/// Whether the text is a duration of the specification: `1d 12h 30m`, units in order, each at most once, not all zero.
pub(super) fn is_duration(text: &str) -> bool {
    let mut units = ["d", "h", "m", "s"].into_iter();
    let mut some = false;
    for part in text.split(' ') {
        let digits = part.trim_end_matches(|letter: char| !letter.is_ascii_digit());
        let unit = part.get(digits.len()..).unwrap_or_default();
        let Ok(count) = digits.parse::<u32>() else { return false };
        if digits.starts_with('+') || !units.any(|known| known == unit) {
            return false;
        }
        some |= count > 0;
    }
    some
}

#[cfg(test)]
mod tests {
    use super::is_duration;

    #[test]
    fn durations_as_in_the_specification() {
        for good in ["3650d", "1d 12h 30m", "90s", "0d 1h"] {
            assert!(is_duration(good), "{good}");
        }
        for bad in ["", "0d", "1h 1d", "1d  1h", "1d 1d", "d", "1", "-1d", "+1d", "1w"] {
            assert!(!is_duration(bad), "{bad}");
        }
    }
}
