//! The state of one case: its status by the rules of the log, and its stage in the simulation.

use super::agenda::Reason;
use super::profile::Profile;
use super::rhythm::{HOUR, MINUTE};
use super::text::{Language, Topic};

/// The status as the log will see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    New,
    Open,
    Pending,
    OnHold,
    Done,
    Spam,
}

/// What the case waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// That it is noticed.
    Unnoticed,
    /// That an agent takes it; its position in the queue.
    Queued(i64),
    /// That its agent has time for it.
    Held,
    /// Its agent is working on it.
    Visited,
    /// The customer, or the workshop.
    Waiting,
    /// Nothing: it is resolved.
    Resolved,
}

/// What the next visit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Answer,
    /// The customer has not written back: say goodbye and resolve.
    Farewell,
}

/// A customer, who can have several cases.
#[derive(Clone, Copy)]
pub(super) struct Customer {
    pub(super) number: u64,
    pub(super) profile: &'static Profile,
    pub(super) language: Language,
    pub(super) name: &'static str,
}

/// A case to which something can still happen.
pub(super) struct Case {
    pub(super) customer: Customer,
    pub(super) topic: &'static Topic,
    pub(super) kind: &'static str,
    pub(super) priority: &'static str,
    pub(super) sentiment: &'static str,
    pub(super) status: Status,
    pub(super) assignee: Option<usize>,
    pub(super) stage: Stage,
    pub(super) need: Need,
    /// Counts the changes of stage; steps planned in an earlier turn are ignored.
    pub(super) turn: u32,
    /// How many more times the agent will have to ask something.
    pub(super) questions: u32,
    pub(super) has_product: bool,
    pub(super) has_profile: bool,
    pub(super) reopened: bool,
    pub(super) closes_at: Option<i64>,
    /// The customer's last message.
    pub(super) last_received: u64,
}

impl Case {
    /// New, Open, Pending or On hold.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.status, Status::Done | Status::Spam)
    }

    /// Resolved, and no longer reopened by a message.
    pub(super) fn is_closed(&self, now: i64) -> bool {
        self.status == Status::Spam || (self.status == Status::Done && self.closes_at.is_none_or(|at| at <= now))
    }

    /// Enters a stage; all steps planned for the one before are ignored.
    pub(super) fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.turn += 1;
    }

    /// How long it usually takes until the case is noticed.
    pub(super) fn notice_ms(&self) -> i64 {
        match self.priority {
            "urgent" => 3 * MINUTE,
            "high" => 7 * MINUTE,
            "low" => 18 * MINUTE,
            _ => 11 * MINUTE,
        }
    }

    /// How far ahead of a medium case this one goes in the queue.
    pub(super) fn head_start_ms(&self) -> i64 {
        match self.priority {
            "urgent" => 10 * HOUR,
            "high" => 4 * HOUR,
            "low" => -4 * HOUR,
            _ => 0,
        }
    }

    /// What the customer's message shows about how they feel, if it shows anything new.
    pub(super) fn feeling(&self, why: Reason) -> Option<&'static str> {
        let feeling = match why {
            Reason::Impatient | Reason::Again => "negative",
            Reason::Thanks => "positive",
            Reason::Asked => return None,
        };
        (feeling != self.sentiment).then_some(feeling)
    }
}
