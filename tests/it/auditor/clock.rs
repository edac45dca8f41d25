//! Milestones and their clocks (3.3 to 3.6).
//!
//! First the runs of a milestone are found in the steps of the case: from a start to a completion or a stop, a new one after
//! each reopening. Then each run is divided into instances by the changes that take its target away and give it back.

use super::due::Walk;
use super::event::{written, written_if};
use super::label::{Piece, pieces};
use super::life::{Case, Step};
use super::policy;
use super::turns::{is_reply, turns};
use super::world::World;
use super::{Row, Tables};
use serde_json::{Value, json};

/// The clock of a milestone from a start to its end, whatever the targets.
#[derive(Clone, Debug)]
struct ClockRun {
    turn: Option<i64>,
    started_at: i64,
    /// The index of the step that began it.
    begun: usize,
    end: Option<End>,
}

#[derive(Clone, Debug)]
struct End {
    at: i64,
    is_completion: bool,
    by: Value,
}

/// Where an instance begins: the priority and the version that it has then, and the index in the log after which changes
/// affect it.
#[derive(Clone, Debug)]
struct Begin {
    index: usize,
    priority: String,
    version: usize,
}

/// The priority and the version of the policy that determine the target of an instance.
type Terms = (String, usize);

#[derive(Clone, Debug)]
struct Instance {
    run: ClockRun,
    since: i64,
    until: Option<i64>,
    begin: Begin,
    disabled_at: Option<i64>,
    is_cut: bool,
}

impl Instance {
    /// Completion, stop or disabling.
    fn end(&self) -> Option<i64> {
        if self.is_cut { self.disabled_at } else { self.run.end.as_ref().map(|end| end.at) }
    }
}

struct Clocks<'a> {
    world: &'a World,
    case: &'a Case,
    policy: String,
    pieces: Vec<Piece>,
    changes: Vec<Change>,
    milestone: &'static str,
}

/// A change of the case's priority or (none) of its policy.
struct Change {
    index: usize,
    time: i64,
    priority: Option<String>,
    /// `sla.priority_change` or `sla.policy_edit` was `keep` then (3.5).
    is_ignored: bool,
}

/// The changes in the order of the log.
fn changes(world: &World, case: &Case, policy: &str) -> Vec<Change> {
    let is_kept = |index: usize, name: &str| world.desk.setting(index, &format!("/sla/{name}")) == "keep";
    let is_priority = |step: &&Step| step.before.as_ref().is_some_and(|b| b.priority != step.after.priority);
    let of_case = |step: &Step| Change {
        index: step.index,
        time: step.time,
        priority: Some(step.after.priority.clone()),
        is_ignored: is_kept(step.index, "priority_change"),
    };
    let mut all: Vec<Change> = case.steps.iter().filter(is_priority).map(of_case).collect();
    for version in world.desk.versions("policy", policy).iter().filter(|version| version.value.is_some()) {
        let is_ignored = is_kept(version.index, "policy_edit");
        all.push(Change { index: version.index, time: version.since, priority: None, is_ignored });
    }
    all.sort_by_key(|change| change.index);
    all
}

/// Adds the case's rows of `milestones` and `ledger`.
pub fn add_rows(world: &World, case: &Case, tables: &mut Tables) {
    let Some((policy, _)) = policy::chosen(world, case) else { return };
    let pieces = pieces(world, case, &policy);
    let changes = changes(world, case, &policy);
    let mut clocks = Clocks { world, case, policy, pieces, changes, milestone: "" };
    for milestone in ["assign", "first_response", "next_response", "resolution"] {
        clocks.milestone = milestone;
        let mut n = 0;
        for chain in clocks.chains() {
            let instances = clocks.instances(&chain);
            for position in 0..instances.len() {
                n += 1;
                let row = clocks.row(&instances, position, n);
                tables.entry("ledger").or_default().extend(clocks.ledger(&instances[position], n));
                tables.entry("milestones").or_default().push(row);
            }
        }
    }
}

impl Clocks<'_> {
    fn steps(&self) -> impl Iterator<Item = (usize, &Step)> {
        self.case.steps.iter().enumerate()
    }

    /// The runs of the milestone; those with the same start are together.
    fn chains(&self) -> Vec<Vec<ClockRun>> {
        if self.milestone != "next_response" {
            return if self.case.steps.is_empty() { Vec::new() } else { vec![self.runs_of_start()] };
        }
        let asked = turns(self.world, self.case).into_iter().filter(|turn| turn.n > 1);
        let run = |begun: usize, turn: i64| {
            vec![ClockRun {
                turn: Some(turn),
                started_at: self.case.steps[begun].time,
                begun,
                end: self.end_after(begun),
            }]
        };
        asked.map(|turn| run(turn.asked, turn.n)).collect()
    }

    /// The creation begins the first run, each reopening a new one unless the milestone was completed for good.
    fn runs_of_start(&self) -> Vec<ClockRun> {
        let mut begun = vec![0];
        for (position, step) in self.steps().filter(|(_, step)| step.reopens()) {
            let is_kept =
                self.milestone != "resolution" && self.steps().any(|(p, s)| p < position && self.completes(s));
            if !step.deletes() && !is_kept {
                begun.push(position);
            }
        }
        let turn = (self.milestone == "first_response").then_some(1);
        let started_at = self.case.steps[0].time;
        begun.into_iter().map(|begun| ClockRun { turn, started_at, begun, end: self.end_after(begun) }).collect()
    }

    fn end_after(&self, begun: usize) -> Option<End> {
        let ends = |step: &Step| self.completes(step) || step.resolves() || step.deletes();
        let (_, step) = self.steps().find(|(position, step)| *position > begun && ends(step))?;
        let by = self.world.events[step.index].text("by");
        Some(End { at: step.time, is_completion: self.completes(step), by: json!(by) })
    }

    /// The third column of 3.3.
    fn completes(&self, step: &Step) -> bool {
        match self.milestone {
            "assign" => {
                let agent = step.after.assignee.as_deref().unwrap_or_default();
                step.is("case.assigned") && step.reassigns() && !self.world.desk.is_bot(agent, step.index)
            }
            "resolution" => step.resolves(),
            _ => is_reply(self.world, self.case, step),
        }
    }

    /// The version of the policy after the event at `index`.
    fn version(&self, index: usize) -> usize {
        policy::version(self.world, &self.policy, index).map_or(0, |version| version.0)
    }

    fn target(&self, terms: &Terms) -> Option<i64> {
        let (_, policy) = policy::version(self.world, &self.policy, terms.1)?;
        policy::target(policy, &terms.0, self.milestone)
    }

    /// The terms of an instance at an instant: those of its beginning, with each change since that the settings did not ignore.
    fn terms(&self, begin: &Begin, instant: i64) -> Terms {
        let mut terms = (begin.priority.clone(), begin.version);
        for change in self.changes.iter().filter(|change| !change.is_ignored) {
            if change.index <= begin.index || change.time > instant {
                continue;
            }
            match &change.priority {
                Some(priority) => terms.0.clone_from(priority),
                None => terms.1 = change.index,
            }
        }
        terms
    }

    /// The beginning right after a step.
    fn begin_at_step(&self, position: usize) -> Begin {
        let step = &self.case.steps[position];
        Begin { index: step.index, priority: step.after.priority.clone(), version: self.version(step.index) }
    }

    /// The beginning after all events of an instant.
    fn begin_after(&self, instant: i64) -> Begin {
        let index = self.world.last_index(instant);
        let priority = self.case.at(instant).map_or(String::new(), |state| state.priority.clone());
        Begin { index, priority, version: self.version(index) }
    }

    /// The instances of the runs of one start.
    fn instances(&self, clock_runs: &[ClockRun]) -> Vec<Instance> {
        let mut all: Vec<Instance> = Vec::new();
        for run in clock_runs {
            let since = self.case.steps[run.begun].time;
            let begin = self.begin_at_step(run.begun);
            let is_over_at_once = run.end.as_ref().is_some_and(|end| end.at == since);
            let terms =
                if is_over_at_once { (begin.priority.clone(), begin.version) } else { self.terms(&begin, since) };
            let has_target = self.target(&terms).is_some();
            // Without a target nothing begins, and the last instance stays valid.
            if has_target {
                if let Some(last) = all.last_mut() {
                    last.until.get_or_insert(since);
                }
                all.push(Instance { run: run.clone(), since, until: None, begin, disabled_at: None, is_cut: false });
            }
            self.retarget(run, since, has_target, &mut all);
        }
        all
    }

    /// Whether the events of an instant change anything: a priority that changes and changes back at once has not changed.
    fn changes_anything(&self, instant: i64) -> bool {
        let priority = |t: i64| self.case.at(t).map(|state| &state.priority);
        let is_of_policy = |change: &Change| change.time == instant && change.priority.is_none();
        self.changes.iter().any(is_of_policy) || priority(instant) != priority(instant - 1)
    }

    /// Applies the changes within a run that take its target away or give it back.
    fn retarget(&self, run: &ClockRun, since: i64, has_target: bool, all: &mut Vec<Instance>) {
        let mut runs = has_target;
        let mut instants: Vec<i64> = self.changes.iter().map(|change| change.time).collect();
        instants.dedup();
        let is_within = |t: &i64| *t > since && run.end.as_ref().is_none_or(|end| *t < end.at);
        for instant in instants.into_iter().filter(is_within).filter(|t| self.changes_anything(*t)) {
            if !runs {
                let begin = self.begin_after(instant);
                if self.target(&(begin.priority.clone(), begin.version)).is_some() {
                    if let Some(last) = all.last_mut() {
                        last.until.get_or_insert(instant);
                    }
                    let run = run.clone();
                    all.push(Instance { run, since: instant, until: None, begin, disabled_at: None, is_cut: false });
                    runs = true;
                }
            } else if let Some((last, earlier)) = all.split_last_mut()
                && self.target(&self.terms(&last.begin, instant)).is_none()
            {
                let mut cut = last.clone();
                (cut.disabled_at, cut.is_cut) = (Some(instant), true);
                let due = self.due_at(earlier, &cut);
                if due.is_none_or(|due| due > instant) {
                    *last = cut;
                    runs = false;
                }
            }
        }
    }

    /// The terms of an instance's last target at or before an instant.
    fn last_terms(&self, instance: &Instance, instant: i64) -> Terms {
        let begin = (instance.begin.priority.clone(), instance.begin.version);
        let mut instants: Vec<i64> = self.changes.iter().map(|c| c.time).filter(|t| *t <= instant).collect();
        instants.retain(|t| *t >= instance.since);
        instants.push(instance.since.min(instant));
        instants.sort_unstable();
        let terms = instants.into_iter().rev().map(|t| self.terms(&instance.begin, t));
        terms.into_iter().find(|terms| self.target(terms).is_some()).unwrap_or(begin)
    }

    /// The last terms before the end (3.5): a change at the instant of the end takes no part.
    fn final_terms(&self, instance: &Instance) -> Terms {
        match instance.end() {
            Some(end) if end == instance.since => (instance.begin.priority.clone(), instance.begin.version),
            Some(end) => self.last_terms(instance, end - 1),
            None => self.last_terms(instance, self.world.end()),
        }
    }

    fn due_at(&self, earlier: &[Instance], instance: &Instance) -> Option<i64> {
        let holds = |i: &&Instance, t: i64| i.since <= t && i.end().is_none_or(|end| t < end);
        let target_at = |t: i64| {
            let then = earlier.iter().chain([instance]).rfind(|i| holds(i, t))?;
            self.target(&self.last_terms(then, t))
        };
        let walk = Walk {
            world: self.world,
            case: self.case,
            policy: &self.policy,
            pieces: &self.pieces,
            started_at: instance.run.started_at,
            run_ends: earlier.iter().filter(|i| !i.is_cut).filter_map(Instance::end).collect(),
            status_at_start: &self.case.steps[instance.run.begun].after.status,
            end: instance.end(),
            last_target: self.target(&self.final_terms(instance)).unwrap_or(0),
        };
        walk.due_at(target_at)
    }

    fn row(&self, instances: &[Instance], position: usize, n: i64) -> Row {
        let instance = &instances[position];
        let end = instance.end();
        let due_at = self.due_at(&instances[..position], instance);
        let terms = self.final_terms(instance);
        let of_run = instance.run.end.as_ref().filter(|_| !instance.is_cut);
        let completed = of_run.filter(|end| end.is_completion);
        let stopped = of_run.filter(|end| !end.is_completion);
        let started_at = instance.run.started_at;
        let sum = |label: &str| -> Value {
            let within = |p: &&Piece| started_at <= p.since && p.until <= end.unwrap_or(0) && p.label.name() == label;
            let sum: i64 = self.pieces.iter().filter(within).map(|p| p.until - p.since).sum();
            end.map_or(Value::Null, |_| json!(sum))
        };
        let row = json!({
            "case_id": self.case.id, "milestone": self.milestone, "n": n, "turn": instance.run.turn,
            "since": written(instance.since), "until": written_if(instance.until),
            "policy": self.policy, "policy_version": written(self.world.events[terms.1].time),
            "started_at": written(started_at), "target_ms": self.target(&terms), "due_at": written_if(due_at),
            "completed_at": written_if(completed.map(|end| end.at)),
            "completed_by": completed.map_or(Value::Null, |end| end.by.clone()),
            "stopped_at": written_if(stopped.map(|end| end.at)), "disabled_at": written_if(instance.disabled_at),
            "assignee_at_due": due_at.and_then(|due| self.case.assignee_at(due)),
            "assignee_at_end": end.and_then(|end| self.case.assignee_at(end)),
            "elapsed_ms": end.map(|end| end - started_at),
            "counted_ms": sum("counted"), "off_hours_ms": sum("off_hours"), "holiday_ms": sum("holiday"),
            "paused_ms": sum("paused"), "gap_ms": sum("gap"),
        });
        row.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The ledger: maximal intervals of one label, status and calendar version, to the end of the clock or to the last
    /// event of the case (4).
    fn ledger(&self, instance: &Instance, n: i64) -> Vec<Row> {
        let until = instance.end().unwrap_or(last_event(self.world, self.case));
        let mut merged: Vec<Piece> = Vec::new();
        for piece in self.pieces.iter().filter(|p| instance.run.started_at <= p.since && p.until <= until) {
            let is_same = |last: &&mut Piece| {
                (last.label, &last.status, last.calendar_version)
                    == (piece.label, &piece.status, piece.calendar_version)
            };
            match merged.last_mut().filter(is_same) {
                Some(last) => last.until = piece.until,
                None => merged.push(piece.clone()),
            }
        }
        let row = |piece: Piece| {
            Row::from([
                ("case_id".to_owned(), json!(self.case.id)),
                ("milestone".to_owned(), json!(self.milestone)),
                ("n".to_owned(), json!(n)),
                ("since".to_owned(), written(piece.since)),
                ("until".to_owned(), written(piece.until)),
                ("label".to_owned(), json!(piece.label.name())),
                ("status".to_owned(), json!(piece.status)),
                ("calendar_version".to_owned(), written_if(piece.calendar_version)),
            ])
        };
        merged.into_iter().map(row).collect()
    }
}

/// The last event of the log with the case as its subject that is not rejected.
fn last_event(world: &World, case: &Case) -> i64 {
    let is_taken = |fate: &super::life::Fate| !matches!(fate, super::life::Fate::Rejected(_));
    let last = case.fates.iter().rfind(|(_, fate)| is_taken(fate)).map(|(index, _)| *index);
    last.map_or(0, |index| world.events[index].time)
}
