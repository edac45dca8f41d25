//! The types of events and the enumerations they use (1.4).

use super::position::{EventOrder, LogPosition};
use super::time::Instant;

/// Declares an enumeration whose variants have fixed names on the wire.
macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_meta])* $variant,)+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// Every name, as on the wire.
            pub const NAMES: &'static [&'static str] = &[$($text,)+];

            /// The value of that name.
            #[must_use]
            pub fn parse(name: &str) -> Option<$name> {
                match name { $($text => Some($name::$variant),)+ _ => None }
            }

            /// The name on the wire, in SQL and on the page.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }
        }
    };
}

pub(crate) use named;

named! {
    /// How urgent a case is.
    Priority { Urgent = "urgent", High = "high", Medium = "medium", Low = "low", }
}

named! {
    /// The status of a case.
    Status { New = "new", Open = "open", Pending = "pending", OnHold = "on_hold", Done = "done", Spam = "spam", }
}

impl Status {
    /// Done or Spam.
    #[must_use]
    pub fn is_resolved(self) -> bool {
        matches!(self, Status::Done | Status::Spam)
    }
}

named! {
    /// The sentiment of a message or case.
    Sentiment { Positive = "positive", Negative = "negative", Neutral = "neutral", None = "none", }
}

named! {
    /// Where a message was written: in public, as a comment, or directly to the profile.
    MessageKind { Public = "public", Comment = "comment", Direct = "direct", }
}

named! {
    /// How a case was created.
    Origin { Manual = "manual", Automatic = "automatic", Listening = "listening", Direct = "direct", }
}

named! {
    /// Whether a user is present.
    Presence { Online = "online", Away = "away", Offline = "offline", }
}

named! {
    /// The role of a user.
    Role { Agent = "agent", Supervisor = "supervisor", Admin = "admin", None = "none", }
}

named! {
    /// The kind of a custom field.
    FieldKind { Single = "single", Multi = "multi", Text = "text", Number = "number", Date = "date", }
}

named! {
    /// Who sees a custom field, and who may change it.
    FieldVisibility { Global = "global", ReadOnly = "read_only", Hidden = "hidden", }
}

named! {
    /// What happened. The order of the variants is that of 1.4; [`EventType::rank`] gives its rank.
    EventType {
        UserUpdated = "user.updated",
        UserRemoved = "user.removed",
        UserPresenceChanged = "user.presence_changed",
        GroupUpdated = "group.updated",
        GroupRemoved = "group.removed",
        SkillUpdated = "skill.updated",
        SkillRemoved = "skill.removed",
        ProfileUpdated = "profile.updated",
        ProfileRemoved = "profile.removed",
        CustomerUpdated = "customer.updated",
        CalendarUpdated = "calendar.updated",
        PolicyUpdated = "policy.updated",
        PolicyRemoved = "policy.removed",
        FieldUpdated = "field.updated",
        FieldRemoved = "field.removed",
        ViewUpdated = "view.updated",
        ViewRemoved = "view.removed",
        SettingsUpdated = "settings.updated",
        CaseCreated = "case.created",
        CaseProfileAssigned = "case.profile_assigned",
        CaseAssigned = "case.assigned",
        CaseUnassigned = "case.unassigned",
        CasePriorityChanged = "case.priority_changed",
        CaseSentimentChanged = "case.sentiment_changed",
        CaseFieldChanged = "case.field_changed",
        MessageReceived = "message.received",
        MessageSent = "message.sent",
        MessageNoted = "message.noted",
        MessageLiked = "message.liked",
        MessageDeleted = "message.deleted",
        CaseStatusChanged = "case.status_changed",
        CaseClosed = "case.closed",
        SurveySent = "survey.sent",
        SurveyAnswered = "survey.answered",
        SalesforceLinked = "salesforce.linked",
        SalesforceStatusChanged = "salesforce.status_changed",
        SalesforceConnected = "salesforce.connected",
        SalesforceExpired = "salesforce.expired",
        SalesforceDisconnected = "salesforce.disconnected",
        CaseDeleted = "case.deleted",
    }
}

impl EventType {
    /// The rank of 1.4: 0 for the desk (people, profiles, policies, settings), 1 to 10 for cases.
    #[must_use]
    pub fn rank(self) -> u8 {
        match self {
            t if t <= EventType::SettingsUpdated => 0,
            EventType::CaseCreated => 1,
            EventType::CaseProfileAssigned => 2,
            EventType::CaseAssigned | EventType::CaseUnassigned => 3,
            EventType::CasePriorityChanged | EventType::CaseSentimentChanged | EventType::CaseFieldChanged => 4,
            EventType::MessageReceived => 5,
            EventType::MessageSent => 6,
            EventType::MessageNoted | EventType::MessageLiked | EventType::MessageDeleted => 7,
            EventType::CaseStatusChanged | EventType::CaseClosed => 8,
            EventType::CaseDeleted => 10,
            _ => 9,
        }
    }

    /// Whether the subject is a case.
    #[must_use]
    pub fn is_about_a_case(self) -> bool {
        let of_a_connection = matches!(
            self,
            EventType::SalesforceConnected | EventType::SalesforceExpired | EventType::SalesforceDisconnected
        );
        self.rank() > 0 && !of_a_connection
    }

    /// A message of any direction: received, sent or noted.
    #[must_use]
    pub fn is_message(self) -> bool {
        matches!(self, EventType::MessageReceived | EventType::MessageSent | EventType::MessageNoted)
    }
}

/// An event about a case with typed members, all borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CaseEvent<'a> {
    pub case_id: &'a str,
    pub time: Instant,
    pub sequence: i64,
    pub source: &'a str,
    pub id: &'a str,
    pub kind: EventType,
    pub by: Option<&'a str>,
    pub body: EventBody<'a>,
}

impl<'a> CaseEvent<'a> {
    /// The order of the event in the log.
    #[must_use]
    pub fn order(&self) -> EventOrder<'a> {
        EventOrder::new(self.time, self.kind.rank(), self.sequence, self.source, self.id)
    }

    /// The position of the event in the log.
    #[must_use]
    pub fn position(&self) -> LogPosition<'a> {
        LogPosition::Of(self.order())
    }
}

/// The content of an event about a case, beside its author and time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EventBody<'a> {
    Created(Creation<'a>),
    ProfileAssigned {
        profile: &'a str,
    },
    Assigned {
        agent: &'a str,
        automatic: bool,
    },
    Unassigned,
    PriorityChanged(Priority),
    SentimentChanged(Sentiment),
    FieldChanged {
        field: &'a str,
        /// JSON text; none clears.
        value: Option<&'a str>,
    },
    /// Received, sent or noted, by the event's type.
    Message(Message<'a>),
    MessageLiked {
        message: &'a str,
    },
    MessageDeleted {
        message: &'a str,
    },
    StatusChanged(Status),
    Closed,
    SurveySent {
        survey: &'a str,
    },
    SurveyAnswered(Answer<'a>),
    RecordLinked {
        record: &'a str,
    },
    Deleted,
    /// A type that does not change the state of a case.
    Other,
}

/// How a case began.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Creation<'a> {
    pub customer: &'a str,
    pub profile: Option<&'a str>,
    pub platform: Option<&'a str>,
    pub origin: Option<&'a str>,
    pub language: Option<&'a str>,
    pub text: Option<&'a str>,
    /// The community message that was escalated.
    pub message: Option<&'a str>,
    /// As given; absent or unknown counts as medium.
    pub priority: Option<&'a str>,
    pub sentiment: Option<Sentiment>,
    /// JSON text of an object: field to value.
    pub fields: Option<&'a str>,
}

/// A customer's answer to a survey.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer<'a> {
    pub survey: &'a str,
    /// `csat`, `nps` or `ces`.
    pub kind: Option<&'a str>,
    pub score: Option<f64>,
    pub comment: Option<&'a str>,
}

/// A message of any direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Message<'a> {
    pub message: &'a str,
    pub kind: MessageKind,
    pub text: Option<&'a str>,
    pub sentiment: Option<Sentiment>,
    pub language: Option<&'a str>,
    pub set_status: Option<Status>,
    /// The event itself states that a bot sent it.
    pub bot: bool,
    /// JSON text of a list of users.
    pub mentions: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_go_both_ways() {
        for name in EventType::NAMES {
            assert_eq!(EventType::parse(name).unwrap().name(), *name);
        }
        assert_eq!(EventType::parse("case.exploded"), None);
    }
}
