//! Findings: events that contradict the model, each with the rule it breaks (2.7).

use super::event::{CaseEvent, EventType};
use super::time::Instant;

/// The effect of an event that breaks a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The event does nothing at all.
    Rejected,
    /// The message is a row and counts as a message; it does nothing else.
    Kept,
    /// The event has its ordinary effect.
    Applied,
}

impl Effect {
    /// The name in SQL and on the page.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Effect::Rejected => "rejected",
            Effect::Kept => "kept",
            Effect::Applied => "applied",
        }
    }
}

/// The rules that make a row of `findings`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    NoCaseYet,
    CreatedTwice,
    AfterDeletion,
    MessageBeforeCase,
    MessageAfterClose,
    ReplyInResolvedCase,
    ReplyByOther,
    ProfileByOther,
    ReplyWithoutProfile,
    UnknownUser,
    UnknownReference,
    UnknownPriority,
    NotPermitted,
    OverCapacity,
    NotAutoAssignable,
    MandatoryFieldEmpty,
    InvalidFieldValue,
    SecondOpenCase,
    ReopenedAfterClose,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Rule; 19] = [
        Rule::NoCaseYet,
        Rule::CreatedTwice,
        Rule::AfterDeletion,
        Rule::MessageBeforeCase,
        Rule::MessageAfterClose,
        Rule::ReplyInResolvedCase,
        Rule::ReplyByOther,
        Rule::ProfileByOther,
        Rule::ReplyWithoutProfile,
        Rule::UnknownUser,
        Rule::UnknownReference,
        Rule::UnknownPriority,
        Rule::NotPermitted,
        Rule::OverCapacity,
        Rule::NotAutoAssignable,
        Rule::MandatoryFieldEmpty,
        Rule::InvalidFieldValue,
        Rule::SecondOpenCase,
        Rule::ReopenedAfterClose,
    ];

    /// The name in SQL and on the page.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Rule::NoCaseYet => "no_case_yet",
            Rule::CreatedTwice => "created_twice",
            Rule::AfterDeletion => "after_deletion",
            Rule::MessageBeforeCase => "message_before_case",
            Rule::MessageAfterClose => "message_after_close",
            Rule::ReplyInResolvedCase => "reply_in_resolved_case",
            Rule::ReplyByOther => "reply_by_other",
            Rule::ProfileByOther => "profile_by_other",
            Rule::ReplyWithoutProfile => "reply_without_profile",
            Rule::UnknownUser => "unknown_user",
            Rule::UnknownReference => "unknown_reference",
            Rule::UnknownPriority => "unknown_priority",
            Rule::NotPermitted => "not_permitted",
            Rule::OverCapacity => "over_capacity",
            Rule::NotAutoAssignable => "not_auto_assignable",
            Rule::MandatoryFieldEmpty => "mandatory_field_empty",
            Rule::InvalidFieldValue => "invalid_field_value",
            Rule::SecondOpenCase => "second_open_case",
            Rule::ReopenedAfterClose => "reopened_after_close",
        }
    }

    /// The effect of the event.
    #[must_use]
    pub fn effect(self) -> Effect {
        match self {
            Rule::NoCaseYet | Rule::CreatedTwice | Rule::AfterDeletion => Effect::Rejected,
            Rule::MessageBeforeCase | Rule::MessageAfterClose | Rule::ReplyInResolvedCase => Effect::Kept,
            _ => Effect::Applied,
        }
    }

    /// The severity where the settings state none.
    #[must_use]
    pub fn severity(self) -> &'static str {
        if self == Rule::MessageBeforeCase { "info" } else { "warning" }
    }
}

/// One finding of one event.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding<'a> {
    pub event: CaseEvent<'a>,
    pub rule: Rule,
    pub detail: String,
}

/// One finding of one event about the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskFinding {
    pub time: Instant,
    pub source: String,
    pub id: String,
    pub kind: EventType,
    pub rule: Rule,
    /// The severity by the settings in force at the event.
    pub severity: String,
    pub detail: String,
}

/// Events that change nothing ("noted"): they are counted and make no row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    pub priority_unchanged: u64,
    pub assignee_unchanged: u64,
    pub status_unchanged: u64,
    pub closed_already: u64,
    pub message_repeated: u64,
}

impl Noted {
    /// Adds the counts of another.
    pub fn add(&mut self, other: Noted) {
        self.priority_unchanged += other.priority_unchanged;
        self.assignee_unchanged += other.assignee_unchanged;
        self.status_unchanged += other.status_unchanged;
        self.closed_already += other.closed_already;
        self.message_repeated += other.message_repeated;
    }

    /// Name and count of each rule.
    #[must_use]
    pub fn counts(self) -> [(&'static str, u64); 5] {
        [
            ("priority_unchanged", self.priority_unchanged),
            ("assignee_unchanged", self.assignee_unchanged),
            ("status_unchanged", self.status_unchanged),
            ("closed_already", self.closed_already),
            ("message_repeated", self.message_repeated),
        ]
    }
}
