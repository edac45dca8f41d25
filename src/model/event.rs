//! Events: the only truth. Their types, their order and the enumerations they use (1.3, 1.4).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::time::Instant;

/// Declares an enumeration whose variants have fixed names on the wire.
macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$variant_meta])* $variant,)+ }

        impl $name {
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

named! {
    /// How urgent a case is.
    Priority { Urgent = "urgent", High = "high", Medium = "medium", Low = "low", }
}

named! {
    /// Where a case stands.
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
    /// How a message reads.
    Sentiment { Positive = "positive", Negative = "negative", Neutral = "neutral", None = "none", }
}

named! {
    /// Who can see a message: everybody, below a post, or the two who write.
    MessageKind { Public = "public", Comment = "comment", Direct = "direct", }
}

named! {
    /// How a case came to be.
    Origin { Manual = "manual", Automatic = "automatic", Listening = "listening", Direct = "direct", }
}

named! {
    /// Whether a user is there.
    Presence { Online = "online", Away = "away", Offline = "offline", }
}

named! {
    /// What a user may do.
    Role { Agent = "agent", Supervisor = "supervisor", Admin = "admin", None = "none", }
}

named! {
    /// What a custom field of a case holds.
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

/// The place of an event in the log (1.3). Sorts as the log does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order<'a> {
    pub time: Instant,
    /// False for rank 0: those come before all others of their instant.
    pub about_cases: bool,
    pub sequence: i64,
    pub rank: u8,
    pub source: &'a str,
    pub id: &'a str,
}

impl<'a> Order<'a> {
    /// The place of an event of that type.
    #[must_use]
    pub fn new(time: Instant, kind: EventType, sequence: i64, source: &'a str, id: &'a str) -> Order<'a> {
        let rank = kind.rank();
        Order { time, about_cases: rank > 0, sequence, rank, source, id }
    }
}

/// A position in the log: an event's own, or the one before all events of an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position<'a> {
    Before(Instant),
    Of(Order<'a>),
}

impl Position<'_> {
    /// Text behind that of every position.
    pub const END_TEXT: &'static str = "z";

    /// The time of a position that was made a text.
    #[must_use]
    pub fn time_of_text(text: &str) -> Option<Instant> {
        let time = u64::from_str_radix(text.get(..16)?, 16).ok()?;
        Some(Instant((time ^ (1 << 63)).cast_signed()))
    }

    /// The event at a position that was made a text: its time, source and id.
    #[must_use]
    pub fn event_of_text(text: &str) -> Option<(Instant, Cow<'_, str>, &str)> {
        let (source, id) = text.get(34..)?.split_once('\0')?;
        let source = match source.contains(ESCAPE) {
            true => Cow::Owned(source.replace(ESCAPED_NUL, "\0").replace(ESCAPED_ESCAPE, ESCAPE)),
            false => Cow::Borrowed(source),
        };
        Some((Position::time_of_text(text)?, source, id))
    }

    /// Text that compares, byte by byte, as the positions do, for SQL.
    #[must_use]
    pub fn to_text(self) -> String {
        let mut text = String::new();
        self.write_text(&mut text);
        text
    }

    /// The same at the end of a text.
    pub fn write_text(self, text: &mut String) {
        match self {
            Position::Before(time) => push_sortable(text, time.0),
            Position::Of(Order { time, about_cases, sequence, rank, source, id }) => {
                text.reserve(36 + source.len() + id.len());
                push_sortable(text, time.0);
                text.push(if about_cases { '1' } else { '0' });
                push_sortable(text, sequence);
                // Ranks go up to 10.
                text.push(char::from(b'0' + rank));
                // A NUL ends the source. One in it, which JSON can spell, must be another, and sort as it does.
                if source.contains(['\0', '\u{1}']) {
                    text.push_str(&source.replace(ESCAPE, ESCAPED_ESCAPE).replace('\0', ESCAPED_NUL));
                } else {
                    text.push_str(source);
                }
                text.push('\0');
                text.push_str(id);
            }
        }
    }
}

const ESCAPE: &str = "\u{1}";
const ESCAPED_NUL: &str = "\u{1}\u{1}";
const ESCAPED_ESCAPE: &str = "\u{1}\u{2}";

/// Sixteen hexadecimal digits that sort as the numbers do.
fn push_sortable(text: &mut String, number: i64) {
    let number = number.cast_unsigned() ^ (1 << 63);
    for place in (0..16).rev() {
        let digit = (number >> (4 * place)) as u8 & 15;
        text.push(char::from(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }));
    }
}

/// An event about a case, its members typed. Borrows everything. It is packed into bytes within one replay, never for long:
/// the form of these has no name and no version.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseEvent<'a> {
    pub case_id: &'a str,
    pub time: Instant,
    pub sequence: i64,
    pub source: &'a str,
    pub id: &'a str,
    pub kind: EventType,
    pub by: Option<&'a str>,
    pub act: Act<'a>,
}

impl<'a> CaseEvent<'a> {
    /// The event's place in the log.
    #[must_use]
    pub fn order(&self) -> Order<'a> {
        Order::new(self.time, self.kind, self.sequence, self.source, self.id)
    }

    /// Its position in the log.
    #[must_use]
    pub fn position(&self) -> Position<'a> {
        Position::Of(self.order())
    }
}

/// What an event about a case says, beside who did it and when.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Act<'a> {
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
    /// A type that moves nothing in a case's state.
    Other,
}

/// How a case began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer<'a> {
    pub survey: &'a str,
    /// `csat`, `nps` or `ces`.
    pub kind: Option<&'a str>,
    pub score: Option<f64>,
    pub comment: Option<&'a str>,
}

/// A message of any direction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message<'a> {
    pub message: &'a str,
    pub kind: MessageKind,
    pub text: Option<&'a str>,
    pub sentiment: Option<Sentiment>,
    pub language: Option<&'a str>,
    pub set_status: Option<Status>,
    /// The event itself says that a bot sent it.
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

    #[test]
    fn the_texts_of_positions_compare_as_the_positions_do() {
        let order = |time, kind, sequence, source, id| Order::new(Instant(time), kind, sequence, source, id);
        let sorted = [
            order(-5, EventType::CaseDeleted, 0, "s", "a"),
            order(7, EventType::UserUpdated, 3, "s", "a"),
            order(7, EventType::CaseDeleted, -1, "s", "a"),
            order(7, EventType::CaseCreated, 0, "s", "a"),
            order(7, EventType::CaseCreated, 0, "s", "ab"),
            order(7, EventType::CaseCreated, 0, "s\0", "a"),
            order(7, EventType::CaseCreated, 0, "s\0t", "a"),
            order(7, EventType::CaseCreated, 0, "s\u{1}\0", "a\0b"),
            order(7, EventType::CaseCreated, 0, "s\u{1}\u{1}", "a"),
            order(7, EventType::CaseCreated, 0, "sa", "a"),
            order(7, EventType::CaseAssigned, 0, "a", "a"),
        ];
        let texts = sorted.map(|order| Position::Of(order).to_text());
        assert!(sorted.is_sorted() && texts.windows(2).all(|pair| pair[0] < pair[1]));
        let before = Position::Before(Instant(7)).to_text();
        assert!(texts[0] < before && before < texts[1]);
        assert!(texts.iter().all(|text| text.as_str() < Position::END_TEXT));
        for (text, order) in texts.iter().zip(sorted) {
            assert_eq!(Position::event_of_text(text), Some((order.time, order.source.into(), order.id)));
        }
        assert_eq!(Position::time_of_text(&before), Some(Instant(7)));
        assert_eq!(Position::event_of_text(&before), None);
    }
}
