//! The time that a clock counts: one label for every millisecond of a case (3.4), and when a target is reached.

use std::ops::{Add, Sub};

use super::rows::Period;
use crate::model::event::Status;
use crate::model::hours::{Measured, OpenHours, Opening};
use crate::model::schedule::{self, Version};
use crate::model::sla::Terms;
use crate::model::time::Instant;

/// What a millisecond is to a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    Counted,
    OffHours,
    Holiday,
    /// The status is one in which the clocks of the policy stand still.
    Paused,
    /// The case is resolved.
    Gap,
}

impl Label {
    /// The name in SQL and on the page.
    #[must_use]
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

/// Milliseconds by label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub counted_ms: i64,
    pub off_hours_ms: i64,
    pub holiday_ms: i64,
    pub paused_ms: i64,
    pub gap_ms: i64,
}

impl From<Measured> for Sums {
    fn from(measured: Measured) -> Sums {
        let Measured { open_ms, off_hours_ms, holiday_ms } = measured;
        Sums { counted_ms: open_ms, off_hours_ms, holiday_ms, ..Sums::default() }
    }
}

impl Add for Sums {
    type Output = Sums;

    fn add(self, other: Sums) -> Sums {
        Sums {
            counted_ms: self.counted_ms + other.counted_ms,
            off_hours_ms: self.off_hours_ms + other.off_hours_ms,
            holiday_ms: self.holiday_ms + other.holiday_ms,
            paused_ms: self.paused_ms + other.paused_ms,
            gap_ms: self.gap_ms + other.gap_ms,
        }
    }
}

impl Sub for Sums {
    type Output = Sums;

    fn sub(self, other: Sums) -> Sums {
        Sums {
            counted_ms: self.counted_ms - other.counted_ms,
            off_hours_ms: self.off_hours_ms - other.off_hours_ms,
            holiday_ms: self.holiday_ms - other.holiday_ms,
            paused_ms: self.paused_ms - other.paused_ms,
            gap_ms: self.gap_ms - other.gap_ms,
        }
    }
}

/// Whether a case's clocks move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Motion {
    /// They count while the calendar is open.
    Running,
    Paused,
    Gap,
}

impl Motion {
    fn of(status: Status, terms: &Terms<'_>, time: Instant) -> Motion {
        match status {
            status if status.is_resolved() => Motion::Gap,
            status if terms.pauses(status, time) => Motion::Paused,
            _ => Motion::Running,
        }
    }
}

/// An interval in which status, pause and calendar version stay the same, up to the next one.
#[derive(Clone, Copy, Debug)]
struct Interval<'d> {
    since: Instant,
    status: Status,
    motion: Motion,
    /// None: all hours count.
    calendar: Option<Version<'d>>,
    /// The sums from the creation up to here.
    before: Sums,
}

impl<'d> Interval<'d> {
    fn hours(&self) -> Option<&'d OpenHours> {
        self.calendar.map(|version| version.hours)
    }

    /// The sums from the beginning of the interval to an instant in it.
    fn sums_until(&self, time: Instant) -> Sums {
        match self.motion {
            Motion::Running => schedule::measure(self.hours(), self.since, time).into(),
            Motion::Paused => Sums { paused_ms: time.since_ms(self.since), ..Sums::default() },
            Motion::Gap => Sums { gap_ms: time.since_ms(self.since), ..Sums::default() },
        }
    }
}

/// A row of the ledger: an interval of a clock with one label, one status and one version of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub since: Instant,
    pub until: Instant,
    pub label: Label,
    pub status: Status,
    /// When the version of the calendar came into force; none: all hours count.
    pub calendar_version: Option<Instant>,
}

/// What the clocks of a case do at each instant under one policy.
///
/// Invariant: the intervals are sorted and contiguous; the first begins with the case, and the last has no end.
#[derive(Clone, Debug, Default)]
pub struct Timeline<'d> {
    intervals: Vec<Interval<'d>>,
}

impl<'d> Timeline<'d> {
    /// The timeline of a case up to the `horizon`, after which nothing matters.
    #[must_use]
    pub fn new(created_at: Instant, periods: &[Period<'_>], terms: &Terms<'d>, horizon: Instant) -> Timeline<'d> {
        let mut edges: Vec<Instant> = vec![created_at];
        let following = |time: &Instant| created_at < *time && *time < horizon;
        edges.extend(periods.iter().map(|period| period.since).filter(following));
        edges.extend(terms.edges_after(created_at).take_while(|time| *time < horizon));
        edges.sort_unstable();
        edges.dedup();
        let mut timeline = Timeline { intervals: Vec::with_capacity(edges.len()) };
        let mut following = periods.iter().peekable();
        let mut status = Status::New;
        for since in edges {
            while let Some(period) = following.next_if(|period| period.since <= since) {
                status = period.standing.status;
            }
            timeline.push(since, status, Motion::of(status, terms, since), terms.calendar_at(since));
        }
        timeline
    }

    fn push(&mut self, since: Instant, status: Status, motion: Motion, calendar: Option<Version<'d>>) {
        let before = self.intervals.last().map_or(Sums::default(), |last| last.before + last.sums_until(since));
        self.intervals.push(Interval { since, status, motion, calendar, before });
    }

    /// The intervals from the one that contains an instant on, each with the next one, at whose beginning it ends.
    fn from(&self, time: Instant) -> impl Iterator<Item = (&Interval<'d>, Option<&Interval<'d>>)> {
        let at = self.intervals.partition_point(|interval| interval.since <= time).saturating_sub(1);
        let following = self.intervals.iter().skip(at + 1).map(Some).chain([None]);
        self.intervals.iter().skip(at).zip(following)
    }

    fn sums_at(&self, time: Instant) -> Sums {
        let Some((interval, _)) = self.from(time).next() else { return Sums::default() };
        if time == interval.since { interval.before } else { interval.before + interval.sums_until(time) }
    }

    /// Milliseconds from one instant to another, by label.
    #[must_use]
    pub fn sums(&self, from: Instant, to: Instant) -> Sums {
        self.sums_at(to) - self.sums_at(from)
    }

    /// The first instant in `from..=until` at which the clock counts. At `until` only what holds just before it decides, not
    /// what changes then.
    fn next_counting(&self, from: Instant, until: Instant) -> Option<Instant> {
        let near = self.from(from).take_while(|(interval, _)| interval.since < until);
        let mut running = near.filter(|(interval, _)| interval.motion == Motion::Running);
        running.find_map(|(interval, next)| {
            let open = schedule::next_open(interval.hours(), interval.since.max(from))?;
            let counts = next.is_none_or(|next| open < next.since || (open == until && next.since == until));
            (counts && open <= until).then_some(open)
        })
    }

    /// When a clock that began at `started_at` reaches a target that is in force since `in_force`, if it does up to `until`: a
    /// change of the target or the end of the clock.
    #[must_use]
    pub fn reach(&self, started_at: Instant, target_ms: i64, in_force: Instant, until: Instant) -> Option<Instant> {
        let begun = self.sums_at(started_at);
        let wanted = begun.counted_ms.saturating_add(target_ms);
        let at_force = if in_force == started_at { begun } else { self.sums_at(in_force) };
        if at_force.counted_ms >= wanted {
            return self.next_counting(in_force, until);
        }
        let near = self.from(in_force).take_while(|(interval, _)| interval.since <= until);
        let running = near.filter(|(interval, _)| interval.motion == Motion::Running);
        let at = running.into_iter().find_map(|(interval, next)| {
            let enough = next.is_none_or(|next| next.before.counted_ms >= wanted);
            let due = || schedule::end_of(interval.hours(), interval.since, wanted - interval.before.counted_ms);
            if enough { due() } else { None }
        });
        at.filter(|at| *at <= until)
    }

    /// Whether the clocks run just before an instant, and the hours that count then.
    #[must_use]
    pub fn just_before(&self, time: Instant) -> (bool, Option<&'d OpenHours>) {
        let interval = self.from(Instant(time.0.saturating_sub(1))).next();
        interval.map_or((false, None), |(interval, _)| (interval.motion == Motion::Running, interval.hours()))
    }

    /// The intervals from one instant to another; neighbours differ.
    #[must_use]
    pub fn entries(&self, from: Instant, to: Instant) -> Vec<Entry> {
        // Enough for two working days.
        let mut entries: Vec<Entry> = Vec::with_capacity(4);
        for (interval, next) in self.from(from) {
            let (since, until) = (interval.since.max(from), next.map_or(to, |next| next.since.min(to)));
            if since >= until {
                break;
            }
            let mut push = |since, until, label| {
                let calendar_version = interval.calendar.map(|version| version.since);
                let kind = (label, interval.status, calendar_version);
                match entries.last_mut() {
                    Some(last) if (last.label, last.status, last.calendar_version) == kind => last.until = until,
                    _ => entries.push(Entry { since, until, label, status: interval.status, calendar_version }),
                }
            };
            match interval.motion {
                Motion::Paused => push(since, until, Label::Paused),
                Motion::Gap => push(since, until, Label::Gap),
                Motion::Running => {
                    for (since, until, opening) in schedule::pieces(interval.hours(), since, until) {
                        push(since, until, Label::from(opening));
                    }
                }
            }
        }
        entries
    }
}

impl From<Opening> for Label {
    fn from(opening: Opening) -> Label {
        match opening {
            Opening::Open => Label::Counted,
            Opening::OffHours => Label::OffHours,
            Opening::Holiday => Label::Holiday,
        }
    }
}
