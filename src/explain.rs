//! Why a case's numbers are what they are: the choice of its policy (3.2), and each clock with its targets, its ledger and
//! its outcome (3.3 to 3.6).
//!
//! Pure: plain facts of one case and the desk in, a plain [`Explanation`] out, which the command line prints. Nothing is
//! measured twice: instants and sums come from the facts, and only what a running clock does behind the case's last event
//! is worked out here. Reading order: [`choice`], [`target`], [`ledger`], [`current`].

pub mod choice;
pub mod current;
pub mod fold;
pub mod ledger;
pub mod target;

use crate::model::case::clock::{Entry, Label, Sums, Timeline};
use crate::model::case::history::{Cause, Period, Standing};
use crate::model::case::milestones::Outcome;
use crate::model::desk::Desk;
use crate::model::event::{Priority, Status};
use crate::model::policy::Milestone;
use crate::model::sla::{Situation, Terms};
use crate::model::time::Instant;
use choice::Choice;
use current::Current;
use ledger::Line;
use target::Step;

/// What the facts say of one case, as far as explaining needs it.
#[derive(Clone, Debug)]
pub struct Facts {
    pub created_at: Instant,
    pub closed_at: Option<Instant>,
    /// Its text reads as null.
    pub deleted: bool,
    /// The policy that it got, and the version by which it was chosen.
    pub policy: Option<(String, Instant)>,
    /// In time order, from the creation on.
    pub stretches: Vec<Stretch>,
    /// From creation to the last resolution, without the time in which the case stood resolved.
    pub resolution_ms: Option<i64>,
    /// By milestone in the order of 3.6, then by number.
    pub promises: Vec<Promise>,
}

/// A time of unchanged status and priority, up to the next.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    pub since: Instant,
    pub status: Status,
    pub priority: Priority,
}

/// A row of `milestones`, with its rows of `ledger`.
#[derive(Clone, Debug)]
pub struct Promise {
    pub milestone: Milestone,
    pub n: i64,
    pub turn: Option<i64>,
    pub since: Instant,
    pub until: Option<Instant>,
    pub policy_version: Instant,
    pub started_at: Instant,
    pub target_ms: i64,
    pub due_at: Option<Instant>,
    pub end: Option<(Instant, End)>,
    pub assignee_at_due: Option<String>,
    pub ledger: Vec<Entry>,
}

/// How a clock ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// By whom.
    Completed(Option<String>),
    Stopped,
    Disabled,
}

impl Promise {
    fn ended(&self, how: impl Fn(&End) -> bool) -> Option<Instant> {
        self.end.as_ref().filter(|(_, end)| how(end)).map(|(time, _)| *time)
    }

    /// When it was completed.
    #[must_use]
    pub fn completed_at(&self) -> Option<Instant> {
        self.ended(|end| matches!(end, End::Completed(_)))
    }

    /// How the promise stands at an instant (3.6).
    #[must_use]
    pub fn outcome(&self, as_of: Instant) -> Outcome {
        let (stopped_at, disabled_at) =
            (self.ended(|end| *end == End::Stopped), self.ended(|end| *end == End::Disabled));
        Outcome::of(self.completed_at(), stopped_at, disabled_at, self.due_at, as_of)
    }

    /// Whether it counts at an instant: of the instances of one milestone the valid one does (3.3).
    #[must_use]
    pub fn is_valid(&self, time: Instant) -> bool {
        self.since <= time && self.until.is_none_or(|until| time < until)
    }
}

/// Everything there is to say on why a case's numbers are what they are.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The instant that outcomes and running clocks are told for.
    pub as_of: Instant,
    pub choice: Choice,
    /// What the case has to watch now; none of a case without clocks.
    pub current: Option<Current>,
    pub clocks: Vec<Clock>,
}

/// One instance of a milestone, explained.
#[derive(Clone, Debug)]
pub struct Clock {
    pub promise: Promise,
    pub outcome: Outcome,
    /// How long after it was due it ended, or has not ended; none where it is not broken.
    pub late: Option<Lateness>,
    /// What was promised when the clock started, and what changed it.
    pub steps: Vec<Step>,
    /// Up to the clock's end, or to the as-of while it has none.
    pub ledger: Vec<Entry>,
    /// The same, cut where it was due and where a target changed.
    pub lines: Vec<Line>,
    /// Of the whole ledger.
    pub sums: Sums,
}

/// The time from a breach to the clock's end, or to the as-of while it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lateness {
    pub elapsed_ms: i64,
    /// Of it, what the clock counted.
    pub counted_ms: i64,
}

/// Explains a case. `situation` is what the conditions of policies saw at its creation.
#[must_use]
pub fn explain(facts: &Facts, situation: &Situation<'_>, desk: &Desk, as_of: Instant) -> Explanation {
    let choice = choice::explain(facts, situation, desk.sla());
    let terms = facts.policy.as_ref().and_then(|(policy, _)| desk.sla().terms(policy));
    let clocks = terms.map_or_else(Vec::new, |terms| clocks(facts, &terms, desk, as_of));
    let current = current::of(facts, &clocks, as_of);
    Explanation { as_of, choice, current, clocks }
}

fn clocks(facts: &Facts, terms: &Terms<'_>, desk: &Desk, as_of: Instant) -> Vec<Clock> {
    let timeline = Timeline::new(facts.created_at, &periods(&facts.stretches), terms, Instant(i64::MAX));
    // Every turn has a clock of its own; the other milestones have one, which runs again after a reopening.
    let same_clock = |one: &Promise, other: &Promise| (one.milestone, one.turn) == (other.milestone, other.turn);
    let mut clocks = Vec::new();
    for clock in facts.promises.chunk_by(same_clock) {
        let steps = target::steps(clock, &facts.stretches, terms, desk, as_of);
        for promise in clock {
            clocks.push(explain_clock(promise, &steps, &timeline, as_of));
        }
    }
    clocks
}

fn explain_clock(promise: &Promise, steps: &[Step], timeline: &Timeline<'_>, as_of: Instant) -> Clock {
    let ledger = match promise.end {
        Some(_) => promise.ledger.clone(),
        None => ledger::extended(promise, timeline, as_of),
    };
    let steps = target::of_promise(promise, steps);
    let lines = ledger::lines(promise, &ledger, &steps);
    let outcome = promise.outcome(as_of);
    let breached = matches!(outcome, Outcome::Late | Outcome::Missed | Outcome::Overdue);
    let end = promise.end.as_ref().map_or(as_of, |(time, _)| *time);
    let late = promise.due_at.filter(|_| breached).map(|due_at| Lateness {
        elapsed_ms: end.since_ms(due_at),
        counted_ms: ledger::sums(&ledger, due_at).counted_ms,
    });
    let sums = ledger::sums(&ledger, promise.started_at);
    Clock { promise: promise.clone(), outcome, late, steps, ledger, lines, sums }
}

/// The stretches as the model's clocks look at them: who has the case makes no difference to them.
fn periods(stretches: &[Stretch]) -> Vec<Period<'static>> {
    let period = |stretch: &Stretch| Period {
        since: stretch.since,
        until: None,
        standing: Standing { status: stretch.status, assignee: None, priority: stretch.priority, profile: None },
        cause: Cause { time: stretch.since, name: "", source: "", id: "" },
    };
    stretches.iter().map(period).collect()
}

/// The label that a ledger's row names.
#[must_use]
pub fn label_named(name: &str) -> Option<Label> {
    let labels = [Label::Counted, Label::OffHours, Label::Holiday, Label::Paused, Label::Gap];
    labels.into_iter().find(|label| label.name() == name)
}
