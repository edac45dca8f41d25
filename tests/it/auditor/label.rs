//! The label of every millisecond of a case (3.4), computed for each elementary interval: between two neighbouring instants at
//! which anything could change.

use super::desk::{Version, texts};
use super::event::Event;
use super::hours;
use super::life::{Case, is_resolved};
use super::policy;
use super::world::World;

/// The label of an interval (3.4).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Label {
    Counted,
    OffHours,
    Holiday,
    Paused,
    Gap,
}

impl Label {
    pub fn name(self) -> &'static str {
        match self {
            Label::Counted => "counted",
            Label::OffHours => "off_hours",
            Label::Holiday => "holiday",
            Label::Paused => "paused",
            Label::Gap => "gap",
        }
    }
}

/// An elementary interval.
#[derive(Clone, Debug)]
pub struct Piece {
    pub since: i64,
    pub until: i64,
    pub label: Label,
    pub status: String,
    /// The instant of the version of the policy's calendar; none without a calendar.
    pub calendar_version: Option<i64>,
}

/// The elementary intervals from the creation to the last event of the log.
pub fn pieces(world: &World, case: &Case, policy: &str) -> Vec<Piece> {
    let created = case.steps.first().map_or(0, |step| step.time);
    let mut instants = instants(world, case, created);
    instants.dedup();
    let mut pieces = Vec::new();
    for pair in instants.windows(2) {
        let calendar = calendar_on(world, policy, pair[0]);
        for (since, until) in cuts(calendar, pair[0], pair[1]) {
            let status = case.at(since).map_or(String::new(), |state| state.status.clone());
            let label = label(world, policy, &status, since);
            pieces.push(Piece { since, until, label, status, calendar_version: calendar.map(|version| version.since) });
        }
    }
    pieces
}

/// The instants from one on at which an event of the desk or of the case happened, and the last one of the log.
fn instants(world: &World, case: &Case, from: i64) -> Vec<i64> {
    let concerns = |event: &&Event| !event.is_about_a_case() || event.subject == case.id || event.time == world.end();
    world.events.iter().filter(concerns).map(|event| event.time).filter(|time| *time >= from).collect()
}

/// The time that a clock of the policy counts for the case between two instants, also where they lie after the last event.
#[must_use]
pub fn counted_ms(world: &World, case: &Case, policy: &str, from: i64, until: i64) -> i64 {
    let mut instants = instants(world, case, from);
    instants.retain(|time| *time < until);
    instants.extend([from, until]);
    instants.sort_unstable();
    let mut counted = 0;
    for pair in instants.windows(2) {
        for (since, until) in cuts(calendar_on(world, policy, pair[0]), pair[0], pair[1]) {
            let status = case.at(since).map_or("", |state| &state.status);
            counted += if label(world, policy, status, since) == Label::Counted { until - since } else { 0 };
        }
    }
    counted
}

/// An interval, divided wherever the calendar may open or close or the local date may change.
fn cuts(calendar: Option<&Version>, since: i64, until: i64) -> Vec<(i64, i64)> {
    let mut instants = vec![since, until];
    if let Some(calendar) = calendar.and_then(|version| version.value.as_ref()) {
        instants.extend(hours::openings(calendar, since, until).into_iter().flat_map(|(a, b)| [a, b]));
        instants.extend(hours::date_changes(calendar, since, until));
    }
    instants.sort_unstable();
    instants.dedup();
    instants.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// The label of an instant at which the case has the given status: gap before paused before off hours and holiday.
pub fn label(world: &World, policy: &str, status: &str, instant: i64) -> Label {
    if is_resolved(status) {
        return Label::Gap;
    }
    if pauses_on(world, policy, instant).iter().any(|on| on == status) {
        return Label::Paused;
    }
    let Some(calendar) = calendar_on(world, policy, instant).and_then(|version| version.value.as_ref()) else {
        return Label::Counted;
    };
    if !hours::openings(calendar, instant, instant + 1).is_empty() {
        return Label::Counted;
    }
    if hours::is_on_holiday(calendar, instant) { Label::Holiday } else { Label::OffHours }
}

/// The version of the policy's calendar at an instant; none: all hours count.
pub fn calendar_on<'a>(world: &'a World, policy: &str, instant: i64) -> Option<&'a Version> {
    let (_, terms) = policy::version(world, policy, world.last_index(instant))?;
    world.desk.on("calendar", terms["calendar"].as_str()?, instant)
}

fn pauses_on(world: &World, policy: &str, instant: i64) -> Vec<String> {
    let terms = policy::version(world, policy, world.last_index(instant));
    terms.map(|(_, terms)| texts(&terms["pause_on"])).unwrap_or_default()
}
