//! The milestones of a case: their instances, targets, due instants and ends (3.3, 3.5, 3.6).
//!
//! While a case is replayed, [`Runs`] records when the clock of each milestone began and ended. Afterwards `CaseClocks` follows
//! each clock through the changes of priority and policy.

use super::clock::{Sums, Timeline};
use super::rows::Period;
use crate::model::desk::Desk;
use crate::model::event::{Priority, Status};
use crate::model::outcome::Outcome;
use crate::model::policy::Milestone;
use crate::model::schedule;
use crate::model::sla::{Statement, Terms};
use crate::model::time::Instant;

/// How a clock ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending<'a> {
    /// The milestone was completed, and by whom.
    Completed(Option<&'a str>),
    Stopped,
    /// The target was taken away.
    Disabled,
}

/// An interval in which the clock of a milestone ran, until it was completed or stopped. A reopening begins a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run<'a> {
    pub milestone: Milestone,
    /// The turn to be answered; none of assign and resolution.
    pub turn: Option<i64>,
    pub started_at: Instant,
    pub since: Instant,
    /// The status just after the event that began it.
    pub status: Status,
    pub priority: Priority,
    pub end: Option<(Instant, Ending<'a>)>,
}

/// The runs of a case's clocks, in the order in which they began.
#[derive(Clone, Debug, Default)]
pub struct Runs<'a> {
    list: Vec<Run<'a>>,
    open: [Option<usize>; 4],
}

impl<'a> Runs<'a> {
    /// A clock begins to run.
    pub(super) fn begin(&mut self, run: Run<'a>) {
        if let Some(open) = self.open.get_mut(run.milestone as usize) {
            *open = Some(self.list.len());
            self.list.push(run);
        }
    }

    /// The milestone's clock, if it runs, ends.
    pub(super) fn end(&mut self, milestone: Milestone, time: Instant, ending: Ending<'a>) {
        let open = self.open.get_mut(milestone as usize).and_then(Option::take);
        if let Some(run) = open.and_then(|position| self.list.get_mut(position)) {
            run.end = Some((time, ending));
        }
    }

    /// When the last clock ended; the end of time while one runs.
    fn horizon(&self) -> Instant {
        let end = |run: &Run<'_>| run.end.map_or(Instant(i64::MAX), |(time, _)| time);
        self.list.iter().map(end).max().unwrap_or(Instant(i64::MIN))
    }
}

/// One instance of a milestone, valid over [`since`, `until`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance<'a> {
    pub milestone: Milestone,
    /// Counts the instances of the milestone, from 1.
    pub n: i64,
    pub turn: Option<i64>,
    pub since: Instant,
    pub until: Option<Instant>,
    pub started_at: Instant,
    /// The last target in force, and the instant of the policy's version that set it.
    pub target_ms: i64,
    pub policy_version: Instant,
    pub due_at: Option<Instant>,
    pub end: Option<(Instant, Ending<'a>)>,
    /// Of the time from `started_at` to the end.
    pub sums: Option<Sums>,
}

impl Instance<'_> {
    /// The instant at which it was completed.
    #[must_use]
    pub fn completed_at(&self) -> Option<Instant> {
        self.end.filter(|(_, ending)| matches!(ending, Ending::Completed(_))).map(|(time, _)| time)
    }

    /// The instant at which it was stopped.
    #[must_use]
    pub fn stopped_at(&self) -> Option<Instant> {
        self.end.filter(|(_, ending)| *ending == Ending::Stopped).map(|(time, _)| time)
    }

    /// The instant at which it was disabled.
    #[must_use]
    pub fn disabled_at(&self) -> Option<Instant> {
        self.end.filter(|(_, ending)| *ending == Ending::Disabled).map(|(time, _)| time)
    }

    /// The outcome at an instant (3.6).
    #[must_use]
    pub fn outcome(&self, as_of: Instant) -> Outcome {
        Outcome::of(self.completed_at(), self.stopped_at(), self.disabled_at(), self.due_at, as_of)
    }
}

/// The milestones of a case under its policy.
#[derive(Clone, Debug)]
pub struct Clocks<'a> {
    pub policy: &'a str,
    /// When the version of the policy came into force by which it was chosen.
    pub policy_version: Instant,
    pub instances: Vec<Instance<'a>>,
    pub timeline: Timeline<'a>,
}

impl<'a> Clocks<'a> {
    /// Computes the instances of a case that has been replayed.
    pub(super) fn new(
        (policy, policy_version): (&'a str, Instant),
        created_at: Instant,
        periods: &[Period<'a>],
        runs: &Runs<'a>,
        desk: &'a Desk,
    ) -> Option<Clocks<'a>> {
        let terms = desk.sla().terms(policy)?;
        let timeline = Timeline::new(created_at, periods, &terms, runs.horizon());
        let case = CaseClocks { terms, timeline: &timeline, priorities: priorities(periods), desk };
        let mut instances = Vec::with_capacity(runs.list.len());
        for &milestone in Milestone::ALL {
            let mut n = 0;
            let runs: Vec<&Run<'a>> = runs.list.iter().filter(|run| run.milestone == milestone).collect();
            // Every turn has a clock of its own; the other milestones have one, which runs again after a reopening.
            for clock in runs.chunk_by(|_, _| milestone != Milestone::NextResponse) {
                case.add_instances(clock, &mut n, &mut instances);
            }
        }
        Some(Clocks { policy, policy_version, instances, timeline })
    }
}

/// The priorities of a case and since when.
fn priorities(periods: &[Period<'_>]) -> Vec<(Instant, Priority)> {
    let mut priorities: Vec<(Instant, Priority)> = Vec::with_capacity(1);
    for period in periods {
        if priorities.last().is_none_or(|(_, last)| *last != period.standing.priority) {
            priorities.push((period.since, period.standing.priority));
        }
    }
    priorities
}

/// A target, or that there is none, from an instant on.
#[derive(Clone, Copy, Debug)]
struct Step {
    since: Instant,
    target_ms: Option<i64>,
    policy_version: Instant,
}

/// The targets of one clock, one after the other.
#[derive(Debug, Default)]
struct Steps {
    list: Vec<Step>,
    /// How many of the first are over and were not reached; they need not be looked at again.
    passed: usize,
}

/// What determines the target of a clock.
#[derive(Clone, Copy)]
struct TargetBasis<'a> {
    priority: Priority,
    statement: &'a Statement,
}

/// What all clocks of a case share.
struct CaseClocks<'a, 't> {
    terms: Terms<'a>,
    timeline: &'t Timeline<'a>,
    priorities: Vec<(Instant, Priority)>,
    desk: &'a Desk,
}

/// A change of a case's priority or of its policy.
struct Change<'a> {
    at: Instant,
    priority: Option<Priority>,
    /// The last statement of the instant that changes the targets of running clocks.
    statement: Option<&'a Statement>,
}

impl<'a> CaseClocks<'a, '_> {
    /// Adds the instances of one clock.
    fn add_instances(&self, runs: &[&Run<'a>], n: &mut i64, instances: &mut Vec<Instance<'a>>) {
        let mut steps = Steps::default();
        // The valid instance, as a position in `instances`.
        let mut valid: Option<usize> = None;
        for run in runs {
            let Some(mut basis) = self.basis_at_start(run) else { continue };
            let step = Step::new(run, basis, run.since);
            steps.list.push(step);
            // Where no target is in force, the old instance stays valid until one comes back.
            if step.target_ms.is_some() {
                begin_instance(run, step, n, &mut valid, instances);
            }
            for change in self.changes_within(run) {
                let live = valid.and_then(|position| instances.get_mut(position)).filter(|live| live.end.is_none());
                basis = self.next_basis(basis, &change, live.is_some());
                let step = Step::new(run, basis, change.at);
                match (live, step.target_ms) {
                    // A target that was reached is breached; taking it away changes nothing.
                    (Some(_), None) if self.reached(run.started_at, &mut steps, Some(change.at)).is_some() => continue,
                    (Some(live), None) => self.end(live, run, &mut steps, (change.at, Ending::Disabled)),
                    (None, Some(_)) => begin_instance(run, step, n, &mut valid, instances),
                    _ => {}
                }
                steps.list.push(step);
            }
            let live = valid.and_then(|position| instances.get_mut(position)).filter(|live| live.end.is_none());
            match (live, run.end) {
                (Some(live), Some(end)) => self.end(live, run, &mut steps, end),
                (Some(live), None) => {
                    live.set_target(&steps.list);
                    live.due_at = self.due(run, &mut steps, None);
                }
                (None, _) => {}
            }
        }
    }

    /// What determines the target when a run begins: the present priority and version. In a run that ends at the instant of its
    /// beginning, later changes of that instant take no part.
    fn basis_at_start(&self, run: &Run<'a>) -> Option<TargetBasis<'a>> {
        let empty = run.end.is_some_and(|(end, _)| end == run.since);
        let keeps = !self.desk.sla_changes_at(run.since).priority_change_retargets;
        let priority = if empty || keeps { run.priority } else { self.priority_at(run.since).unwrap_or(run.priority) };
        Some(TargetBasis { priority, statement: self.terms.stated_at(run.since)? })
    }

    fn priority_at(&self, time: Instant) -> Option<Priority> {
        let after = self.priorities.partition_point(|(since, _)| *since <= time);
        self.priorities.get(after.checked_sub(1)?).map(|(_, priority)| *priority)
    }

    /// The changes within a run, one for each instant. A change at the end of the run takes no part.
    fn changes_within(&self, run: &Run<'a>) -> Vec<Change<'a>> {
        let end = run.end.map_or(Instant(i64::MAX), |(end, _)| end);
        let inside = |time: Instant| run.since < time && time < end;
        let first = self.priorities.partition_point(|(since, _)| *since <= run.since);
        let priorities = self.priorities.iter().skip(first).take_while(|(since, _)| inside(*since));
        let statements = self.terms.stated_after(run.since).iter().take_while(|stated| stated.since < end);
        let mut changes: Vec<Change<'a>> =
            priorities.map(|(at, priority)| Change { at: *at, priority: Some(*priority), statement: None }).collect();
        for stated in statements {
            let statement = Some(stated).filter(|stated| stated.retargets);
            match changes.iter_mut().find(|change| change.at == stated.since) {
                Some(change) => change.statement = statement.or(change.statement),
                None => changes.push(Change { at: stated.since, priority: None, statement }),
            }
        }
        changes.sort_by_key(|change| change.at);
        changes
    }

    /// What determines the target after a change. While an instance runs, the settings may keep what was before.
    fn next_basis(&self, basis: TargetBasis<'a>, change: &Change<'a>, runs: bool) -> TargetBasis<'a> {
        if !runs {
            return TargetBasis {
                priority: self.priority_at(change.at).unwrap_or(basis.priority),
                statement: self.terms.stated_at(change.at).unwrap_or(basis.statement),
            };
        }
        let retargets = self.desk.sla_changes_at(change.at).priority_change_retargets;
        TargetBasis {
            priority: change.priority.filter(|_| retargets).unwrap_or(basis.priority),
            statement: change.statement.unwrap_or(basis.statement),
        }
    }

    fn end(
        &self,
        instance: &mut Instance<'a>,
        run: &Run<'a>,
        steps: &mut Steps,
        (time, ending): (Instant, Ending<'a>),
    ) {
        instance.set_target(&steps.list);
        instance.end = Some((time, ending));
        let sums = self.timeline.sums(instance.started_at, time);
        instance.sums = Some(sums);
        instance.due_at = self.due(run, steps, Some((time, sums)));
    }

    /// The first instant at which the target then in force was reached, up to a change or the end at a given instant.
    fn reached(&self, started_at: Instant, steps: &mut Steps, up_to: Option<Instant>) -> Option<Instant> {
        loop {
            let step = steps.list.get(steps.passed)?;
            let mut following = steps.list.iter().enumerate().skip(steps.passed + 1);
            let change = following.find(|(_, later)| later.target_ms != step.target_ms);
            let until = change.map(|(_, change)| change.since).or(up_to).unwrap_or(Instant(i64::MAX));
            let reached =
                step.target_ms.and_then(|target_ms| self.timeline.reach(started_at, target_ms, step.since, until));
            match (reached, change) {
                (Some(reached), _) => return Some(reached),
                (None, None) => return None,
                (None, Some((position, _))) => steps.passed = position,
            }
        }
    }

    /// When the target is reached (3.6). A clock that has ended, with those sums, is continued as it ran just before.
    fn due(&self, run: &Run<'a>, steps: &mut Steps, end: Option<(Instant, Sums)>) -> Option<Instant> {
        let reached = self.reached(run.started_at, steps, end.map(|(time, _)| time));
        let (None, Some((end, sums))) = (reached, end) else { return reached };
        let (moves, hours) = if run.started_at == end {
            let moves = !run.status.is_resolved() && !self.terms.pauses(run.status, end);
            (moves, self.terms.calendar_at(end).map(|version| version.hours))
        } else {
            self.timeline.just_before(end)
        };
        match steps.list.last()?.target_ms? - sums.counted_ms {
            _ if !moves => None,
            left if left > 0 => schedule::end_of(hours, end, left),
            _ => schedule::next_open(hours, end),
        }
    }
}

/// A new instance begins, and the one that was valid until then ends.
fn begin_instance<'a>(
    run: &Run<'a>,
    step: Step,
    n: &mut i64,
    valid: &mut Option<usize>,
    instances: &mut Vec<Instance<'a>>,
) {
    if let Some(before) = valid.replace(instances.len()).and_then(|position| instances.get_mut(position)) {
        before.until = Some(step.since);
    }
    instances.push(Instance::begun(run, step, n));
}

impl Step {
    fn new(run: &Run<'_>, basis: TargetBasis<'_>, since: Instant) -> Step {
        let target_ms = basis.statement.policy.target_ms(run.milestone, basis.priority);
        Step { since, target_ms, policy_version: basis.statement.since }
    }
}

impl<'a> Instance<'a> {
    fn begun(run: &Run<'a>, step: Step, n: &mut i64) -> Instance<'a> {
        *n += 1;
        Instance {
            milestone: run.milestone,
            n: *n,
            turn: run.turn,
            since: step.since,
            until: None,
            started_at: run.started_at,
            target_ms: step.target_ms.unwrap_or_default(),
            policy_version: step.policy_version,
            due_at: None,
            end: None,
            sums: None,
        }
    }

    fn set_target(&mut self, steps: &[Step]) {
        if let Some((step, target_ms)) = steps.iter().rev().find_map(|step| Some((step, step.target_ms?))) {
            (self.target_ms, self.policy_version) = (target_ms, step.policy_version);
        }
    }
}
