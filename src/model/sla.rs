//! SLA policies over time: which one a case gets (3.2), and the terms of its clocks (3.4, 3.5).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::event::{Priority, Sentiment, Status};
use super::hours::OpenHours;
use super::policy::{Conditions, Milestone, Policy};
use super::schedule::{Schedule, Version as CalendarVersion};
use super::time::Instant;
use super::versions::Versions;
use super::words::Words;

/// The values of a case at its creation that conditions are compared with.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    pub text: Option<&'a str>,
    pub profile: Option<&'a str>,
    pub platform: Option<&'a str>,
    pub sentiment: Sentiment,
    pub language: Option<&'a str>,
}

/// The condition of a policy that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// None of these keywords is in the text.
    TextAny,
    /// One of these is not.
    TextAll,
    /// One of these is.
    TextNone,
    Profile,
    Platform,
    Sentiment,
    Language,
}

impl Mismatch {
    /// The condition as a policy writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mismatch::TextAny => "text any",
            Mismatch::TextAll => "text all",
            Mismatch::TextNone => "text none",
            Mismatch::Profile => "profile",
            Mismatch::Platform => "platform",
            Mismatch::Sentiment => "sentiment",
            Mismatch::Language => "language",
        }
    }
}

/// Whether all conditions hold, else the first that does not.
fn holds(conditions: &Conditions, situation: &Situation<'_>, words: &mut Option<Words>) -> Result<(), Mismatch> {
    let listed = |list: &Option<Vec<String>>, value: Option<&str>| {
        list.as_ref()
            .is_none_or(|list| list.is_empty() || value.is_some_and(|value| list.iter().any(|item| item == value)))
    };
    let fails = |mismatch, holds: bool| if holds { Ok(()) } else { Err(mismatch) };
    fails(Mismatch::Profile, listed(&conditions.profile, situation.profile))?;
    fails(Mismatch::Platform, listed(&conditions.platform, situation.platform))?;
    fails(Mismatch::Language, listed(&conditions.language, situation.language))?;
    let sentiments = conditions.sentiment.as_deref().unwrap_or(&[]);
    fails(Mismatch::Sentiment, sentiments.is_empty() || sentiments.contains(&situation.sentiment))?;
    if !conditions.asks_for_text() {
        return Ok(());
    }
    let words = words.get_or_insert_with(|| Words::new(situation.text.unwrap_or_default()));
    fails(
        Mismatch::TextAny,
        conditions.text_any.is_empty() || conditions.text_any.iter().any(|word| words.have(word)),
    )?;
    fails(Mismatch::TextAll, conditions.text_all.iter().all(|word| words.have(word)))?;
    fails(Mismatch::TextNone, !conditions.text_none.iter().any(|word| words.have(word)))
}

/// A policy that was tried, and the condition that did not hold; none: it was chosen.
#[derive(Clone, Copy, Debug)]
pub struct Trial<'d> {
    pub policy: &'d str,
    pub statement: &'d Statement,
    pub mismatch: Option<Mismatch>,
}

/// All policies over time, with the calendars they refer to.
#[derive(Clone, Debug, Default)]
pub struct Sla {
    policies: BTreeMap<String, PolicyHistory>,
    /// From each instant on, the enabled policies in the order in which they are tried.
    trial_orders: Vec<(Instant, Vec<String>)>,
}

/// The policy that one `policy.updated` stated.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub since: Instant,
    pub policy: Policy,
    /// Whether it changes the targets of running clocks (`sla.policy_edit`, 3.5).
    pub retargets: bool,
}

/// All statements of a policy, in log order, whether it was removed or not.
#[derive(Clone, Debug)]
struct PolicyHistory {
    statements: Vec<Statement>,
    schedule: Schedule,
}

impl PolicyHistory {
    fn latest_at(&self, time: Instant) -> Option<&Statement> {
        let after = self.statements.partition_point(|statement| statement.since <= time);
        self.statements.get(after.checked_sub(1)?)
    }
}

impl Sla {
    /// Takes the policies in force over time, and all statements, also of removed policies.
    #[must_use]
    pub fn new(
        in_force: &BTreeMap<String, Versions<Policy>>,
        stated: BTreeMap<String, Vec<Statement>>,
        calendars: &BTreeMap<String, Versions<Arc<OpenHours>>>,
    ) -> Sla {
        let history = |statements: Vec<Statement>| {
            let references = statements.iter().map(|stated| (stated.since, stated.policy.calendar.as_deref()));
            PolicyHistory { schedule: Schedule::follow(references, calendars), statements }
        };
        let policies = stated.into_iter().map(|(name, statements)| (name, history(statements))).collect();
        Sla { policies, trial_orders: trial_orders(in_force) }
    }

    /// The policies that were enabled at that instant, in the order in which they are tried.
    fn trial_order(&self, time: Instant) -> impl Iterator<Item = (&str, &Statement)> {
        let after = self.trial_orders.partition_point(|(since, _)| *since <= time);
        let names = after.checked_sub(1).and_then(|at| self.trial_orders.get(at)).map_or(&[][..], |(_, names)| names);
        names.iter().filter_map(move |name| Some((name.as_str(), self.policies.get(name)?.latest_at(time)?)))
    }

    /// The policy that a case created at that instant gets, and the version then in force.
    #[must_use]
    pub fn choose(&self, situation: &Situation<'_>, time: Instant) -> Option<(&str, Instant)> {
        let mut words = None;
        let mut fitting = self
            .trial_order(time)
            .filter(|(_, statement)| holds(&statement.policy.conditions, situation, &mut words).is_ok());
        fitting.next().map(|(name, statement)| (name, statement.since))
    }

    /// The policies that were tried for a case created at that instant, in order, up to the one that was chosen.
    #[must_use]
    pub fn trials(&self, situation: &Situation<'_>, time: Instant) -> Vec<Trial<'_>> {
        let (mut words, mut trials) = (None, Vec::new());
        for (policy, statement) in self.trial_order(time) {
            let mismatch = holds(&statement.policy.conditions, situation, &mut words).err();
            trials.push(Trial { policy, statement, mismatch });
            if mismatch.is_none() {
                break;
            }
        }
        trials
    }

    /// The same for a case whose text is deleted. The policy that it got is known; of the policies before only the other conditions
    /// can be compared. One of those without a mismatch did not match by its words.
    #[must_use]
    pub fn trials_without_text(
        &self,
        situation: &Situation<'_>,
        time: Instant,
        chosen: Option<&str>,
    ) -> Vec<Trial<'_>> {
        let mut trials = Vec::new();
        for (policy, statement) in self.trial_order(time) {
            let mut conditions = statement.policy.conditions.clone();
            for words in [&mut conditions.text_any, &mut conditions.text_all, &mut conditions.text_none] {
                words.clear();
            }
            let mismatch = holds(&conditions, situation, &mut None).err();
            trials.push(Trial { policy, statement, mismatch });
            if chosen == Some(policy) {
                break;
            }
        }
        trials
    }

    /// The terms of a policy.
    #[must_use]
    pub fn terms(&self, policy: &str) -> Option<Terms<'_>> {
        self.policies.get(policy).map(|history| Terms { history })
    }
}

fn trial_orders(policies: &BTreeMap<String, Versions<Policy>>) -> Vec<(Instant, Vec<String>)> {
    let edges = policies.values().flat_map(Versions::iter);
    let mut edges: Vec<Instant> = edges.flat_map(|version| version.until.into_iter().chain([version.since])).collect();
    edges.sort_unstable();
    edges.dedup();
    let trial_order = |time: Instant| {
        let present = policies.iter().filter_map(|(name, versions)| Some((name, versions.at(time)?)));
        let mut enabled: Vec<(i64, &String)> =
            present.filter(|(_, policy)| policy.enabled).map(|(name, policy)| (policy.position, name)).collect();
        enabled.sort_unstable();
        enabled.into_iter().map(|(_, name)| name.clone()).collect()
    };
    edges.into_iter().map(|time| (time, trial_order(time))).collect()
}

/// The terms of a policy over time for the cases that have it. A removed policy keeps its last terms.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'d> {
    history: &'d PolicyHistory,
}

impl<'d> Terms<'d> {
    /// What was stated last at an instant or before it.
    #[must_use]
    pub fn stated_at(&self, time: Instant) -> Option<&'d Statement> {
        self.history.latest_at(time)
    }

    /// What was stated after an instant, in the order of the log.
    #[must_use]
    pub fn stated_after(&self, time: Instant) -> &'d [Statement] {
        let after = self.history.statements.partition_point(|statement| statement.since <= time);
        self.history.statements.get(after..).unwrap_or(&[])
    }

    /// Whether the clocks stand still in that status.
    #[must_use]
    pub fn pauses(&self, status: Status, time: Instant) -> bool {
        self.stated_at(time).is_some_and(|statement| statement.policy.pause_on.contains(&status))
    }

    /// The version of the calendar in force; none: all hours count.
    #[must_use]
    pub fn calendar_at(&self, time: Instant) -> Option<CalendarVersion<'d>> {
        self.history.schedule.from(time).next().and_then(|shift| shift.hours)
    }

    /// Milliseconds that the calendar counts from one instant to another.
    #[must_use]
    pub fn open_ms(&self, from: Instant, to: Instant) -> i64 {
        self.history.schedule.open_ms(from, to)
    }

    /// The instants after that one at which the policy or its calendar changes, in order; each statement is a change.
    pub fn edges_after(&self, time: Instant) -> impl Iterator<Item = Instant> + use<'d> {
        self.history.schedule.from(time).skip(1).map(|shift| shift.since)
    }
}

impl Policy {
    /// The target of a milestone for a priority, in milliseconds; none: no target.
    #[must_use]
    pub fn target_ms(&self, milestone: Milestone, priority: Priority) -> Option<i64> {
        let targets = self.targets.get(priority as usize)?;
        match milestone {
            Milestone::Assign => targets.assign_ms,
            Milestone::FirstResponse => targets.first_response_ms,
            Milestone::NextResponse => targets.next_response_ms,
            Milestone::Resolution => targets.resolution_ms,
        }
    }
}
