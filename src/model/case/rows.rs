//! The rows of one case: periods, assignments, turns, resolutions and messages.

use crate::model::desk::{Desk, Withdrawal};
use crate::model::event::{CaseEvent, EventType, Message, MessageKind, Priority, Sentiment, Status};
use crate::model::time::Instant;

/// The four values of a case whose change begins a new period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing<'a> {
    pub status: Status,
    pub assignee: Option<&'a str>,
    pub priority: Priority,
    pub profile: Option<&'a str>,
}

/// What changed the standing of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause<'a> {
    pub time: Instant,
    /// The event's type, or `presence`.
    pub name: &'static str,
    pub source: &'a str,
    pub id: &'a str,
}

impl<'a> From<&CaseEvent<'a>> for Cause<'a> {
    fn from(event: &CaseEvent<'a>) -> Cause<'a> {
        Cause { time: event.time, name: event.kind.name(), source: event.source, id: event.id }
    }
}

impl<'a> Cause<'a> {
    /// The cause where a case is taken from its assignee.
    #[must_use]
    pub fn presence(withdrawal: &'a Withdrawal) -> Cause<'a> {
        Cause { time: withdrawal.time, name: "presence", source: &withdrawal.source, id: &withdrawal.id }
    }
}

/// A maximal interval of unchanged standing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period<'a> {
    pub since: Instant,
    pub until: Option<Instant>,
    pub standing: Standing<'a>,
    pub cause: Cause<'a>,
}

impl Period<'_> {
    /// Milliseconds of the period between two instants in which the calendar of its profile was open (4).
    pub(super) fn open_ms(&self, from: Instant, to: Instant, desk: &Desk) -> i64 {
        let until = self.until.map_or(to, |until| until.min(to));
        desk.business_hours(self.standing.profile).open_ms(self.since.max(from), until)
    }

    /// The same of the whole period; nothing of one that is not over.
    #[must_use]
    pub fn business_ms(&self, desk: &Desk) -> Option<i64> {
        self.until.map(|until| self.open_ms(self.since, until, desk))
    }
}

/// How an assignment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssignmentEnd {
    Reassigned,
    Unassigned,
    Presence,
    Deleted,
}

impl AssignmentEnd {
    /// The name in SQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            AssignmentEnd::Reassigned => "reassigned",
            AssignmentEnd::Unassigned => "unassigned",
            AssignmentEnd::Presence => "presence",
            AssignmentEnd::Deleted => "deleted",
        }
    }
}

/// An interval in which a case was assigned to one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment<'a> {
    pub agent: &'a str,
    pub assigned_at: Instant,
    pub assigned_by: Option<&'a str>,
    pub automatic: bool,
    pub ended: Option<(Instant, AssignmentEnd)>,
    pub first_reply_at: Option<Instant>,
    /// Whether it is the first of the case to a person.
    pub is_first: bool,
}

/// An automatic assignment to a known user, and their capacity then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AutomaticAssignment<'a> {
    pub event: CaseEvent<'a>,
    pub agent: &'a str,
    pub capacity: i64,
}

/// A question of the customer until the reply of a person. The creation asks the first one, which is never stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn<'a> {
    pub asked_at: Instant,
    /// Kind of the message that asked; none for the creation.
    pub kind: Option<MessageKind>,
    pub answered_at: Option<Instant>,
    pub answered_by: Option<&'a str>,
    pub stopped_at: Option<Instant>,
}

impl Turn<'_> {
    /// A turn that has just been asked.
    #[must_use]
    pub fn asked<'a>(asked_at: Instant, kind: Option<MessageKind>) -> Turn<'a> {
        Turn { asked_at, kind, answered_at: None, answered_by: None, stopped_at: None }
    }
}

/// A change from an open status to Done or Spam.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution<'a> {
    pub resolved_at: Instant,
    pub status: Status,
    pub by: Option<&'a str>,
    pub reopened_at: Option<Instant>,
    pub closed_at: Option<Instant>,
}

impl<'a> Resolution<'a> {
    /// A resolution that has not been reopened or closed.
    #[must_use]
    pub fn new(event: &CaseEvent<'a>, status: Status) -> Resolution<'a> {
        Resolution { resolved_at: event.time, status, by: event.by, reopened_at: None, closed_at: None }
    }
}

/// The direction of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    Received,
    Sent,
    Noted,
}

impl Direction {
    /// The direction of an event's message.
    #[must_use]
    pub fn of(kind: EventType) -> Direction {
        match kind {
            EventType::MessageReceived => Direction::Received,
            EventType::MessageSent => Direction::Sent,
            _ => Direction::Noted,
        }
    }

    /// The name in SQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Direction::Received => "received",
            Direction::Sent => "sent",
            Direction::Noted => "noted",
        }
    }
}

/// Whether a message was in the case, or where it is kept and does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessagePlace {
    InCase,
    BeforeCase,
    AfterClose,
    /// A reply while the case was resolved.
    Resolved,
}

impl MessagePlace {
    /// The name in SQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            MessagePlace::InCase => "in_case",
            MessagePlace::BeforeCase => "before_case",
            MessagePlace::AfterClose => "after_close",
            MessagePlace::Resolved => "resolved",
        }
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow<'a> {
    pub time: Instant,
    pub message: &'a str,
    pub direction: Direction,
    /// None for a note.
    pub kind: Option<MessageKind>,
    pub by: Option<&'a str>,
    pub bot: bool,
    pub text: Option<&'a str>,
    pub sentiment: Option<Sentiment>,
    pub language: Option<&'a str>,
    pub liked: bool,
    pub deleted_at: Option<Instant>,
    pub place: MessagePlace,
}

impl<'a> MessageRow<'a> {
    /// The row of a message.
    #[must_use]
    pub fn new(
        event: &CaseEvent<'a>,
        message: &Message<'a>,
        direction: Direction,
        place: MessagePlace,
        bot: bool,
    ) -> MessageRow<'a> {
        MessageRow {
            time: event.time,
            message: message.message,
            direction,
            kind: (direction != Direction::Noted).then_some(message.kind),
            by: event.by,
            bot,
            text: message.text,
            sentiment: message.sentiment,
            language: message.language,
            liked: false,
            deleted_at: None,
            place,
        }
    }
}
