//! The steps that are planned: by time, and at one time in the order in which they were planned.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::rhythm::PERIOD_END;

/// Something that will happen. A step about a case or a visit carries a turn number: if the case or the agent has moved on
/// since, the step is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// A new case arrives.
    Arrive,
    /// A case created without a profile gets one.
    FindProfile {
        case: u64,
    },
    /// The bot greets.
    Greet {
        case: u64,
    },
    /// The case is noticed in the inbox.
    Notice {
        case: u64,
        turn: u32,
    },
    /// The customer writes.
    Write {
        case: u64,
        why: Reason,
    },
    /// Waiting for the customer or the workshop is over.
    WaitOver {
        case: u64,
        turn: u32,
    },
    /// The agent's day begins, if it is a working day.
    ShiftStart {
        agent: usize,
        day: i64,
    },
    BreakDue {
        agent: usize,
    },
    BreakOver {
        agent: usize,
    },
    ShiftOver {
        agent: usize,
    },
    /// The agent is at a point of the present visit.
    Visit {
        agent: usize,
        visit: u64,
        at: VisitPoint,
    },
    SendSurvey {
        case: u64,
    },
    AnswerSurvey {
        case: u64,
        survey: u64,
        kind: Survey,
    },
    /// A supervisor ends the grace period.
    Close {
        case: u64,
        turn: u32,
    },
    /// A supervisor deletes the case.
    Delete {
        case: u64,
    },
    /// Nothing more can happen to a closed case: it is removed from memory.
    Forget {
        case: u64,
        turn: u32,
    },
}

/// Why a customer writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    /// The agent asked.
    Asked,
    /// No agent has answered for a long time.
    Impatient,
    /// It is not solved after all.
    Again,
    /// To say thanks.
    Thanks,
}

/// A point in an agent's visit to a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum VisitPoint {
    /// The case has been read: fields, notes, likes, handing on.
    Read,
    /// The answer is written.
    Answered,
    /// All that follows the answer is done.
    Wrapped,
}

/// The two kinds of survey that the desk sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Survey {
    Csat,
    Nps,
}

impl Survey {
    /// The name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Survey::Csat => "csat",
            Survey::Nps => "nps",
        }
    }
}

/// The steps to come.
#[derive(Default)]
pub(super) struct Agenda {
    steps: BinaryHeap<Reverse<(i64, u64, Step)>>,
    planned: u64,
}

impl Agenda {
    /// Plans a step; one after the end of the period is ignored.
    pub(super) fn plan(&mut self, at: i64, step: Step) {
        if at < PERIOD_END {
            self.planned += 1;
            self.steps.push(Reverse((at, self.planned, step)));
        }
    }

    /// The next step and its time.
    pub(super) fn next(&mut self) -> Option<(i64, Step)> {
        self.steps.pop().map(|Reverse((at, _, step))| (at, step))
    }
}
