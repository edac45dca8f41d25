//! The ledger of a clock, divided where its target changed, with the time counted so far after each interval.

use super::facts::Instance;
use super::target::Step;
use crate::model::case::clock::{Entry, Label, Sums, Timeline};
use crate::model::event::Status;
use crate::model::time::Instant;

/// A line of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Interval(Interval),
    Mark(Instant, Mark),
}

/// A time with one label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    pub since: Instant,
    pub until: Instant,
    pub label: Label,
    pub status: Status,
    /// Counted from the clock's start to the end of this interval.
    pub counted_ms: i64,
}

/// Something that happened between two intervals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The target changed, or the settings kept it.
    Target(Step),
    /// The target in force was reached, with the time counted until then.
    Due { target_ms: i64, counted_ms: i64 },
    /// The version of the calendar that is in force from here on; none: all hours count.
    Calendar(Option<Instant>),
}

/// The ledger of a clock that has not ended. The facts have it up to the last event of the case; after that the clock goes on
/// in the last state.
pub fn extended(instance: &Instance, timeline: &Timeline<'_>, as_of: Instant) -> Vec<Entry> {
    let mut ledger = instance.ledger.clone();
    let known_until = ledger.last().map_or(instance.started_at, |last| last.until);
    for entry in timeline.entries(known_until, as_of) {
        let kind = |entry: &Entry| (entry.label, entry.status, entry.calendar_version);
        match ledger.last_mut() {
            Some(last) if kind(last) == kind(&entry) => last.until = entry.until,
            _ => ledger.push(entry),
        }
    }
    ledger
}

/// Milliseconds by label, from an instant on.
pub fn sums(ledger: &[Entry], from: Instant) -> Sums {
    let mut sums = Sums::default();
    for entry in ledger {
        add(&mut sums, entry.label, entry.until.since_ms(entry.since.max(from)).max(0));
    }
    sums
}

/// Adds time of one label.
pub fn add(sums: &mut Sums, label: Label, ms: i64) {
    let slot = match label {
        Label::Counted => &mut sums.counted_ms,
        Label::OffHours => &mut sums.off_hours_ms,
        Label::Holiday => &mut sums.holiday_ms,
        Label::Paused => &mut sums.paused_ms,
        Label::Gap => &mut sums.gap_ms,
    };
    *slot += ms;
}

/// The lines of a ledger, in time order; at one instant a change of the target comes before the line that shows that it is due.
pub fn lines(instance: &Instance, ledger: &[Entry], steps: &[Step]) -> Vec<Line> {
    let end = ledger.last().map_or(instance.started_at, |last| last.until);
    // A target that never changed is shown above the ledger.
    let shown = if steps.len() > 1 { steps } else { &[] };
    let mut marks: Vec<(Instant, Mark)> = shown.iter().map(|step| (step.at, Mark::Target(step.clone()))).collect();
    marks.extend(calendar_changes(ledger));
    marks.retain(|(at, _)| *at <= end);
    if let Some(due_at) = instance.due_at.filter(|due_at| *due_at <= end) {
        let counted_ms = sums(ledger, instance.started_at).counted_ms - sums(ledger, due_at).counted_ms;
        let target_ms = target_reached(instance, steps, due_at, counted_ms);
        marks.push((due_at, Mark::Due { target_ms, counted_ms }));
    }
    marks.sort_by_key(|(at, mark)| (*at, matches!(mark, Mark::Due { .. })));
    interleave(ledger, marks)
}

fn interleave(ledger: &[Entry], marks: Vec<(Instant, Mark)>) -> Vec<Line> {
    let (mut lines, mut counted_ms) = (Vec::new(), 0);
    let mut marks = marks.into_iter().peekable();
    for entry in ledger {
        let mut since = entry.since;
        while let Some((at, mark)) = marks.next_if(|(at, _)| *at < entry.until) {
            lines.extend(interval(entry, since, at, &mut counted_ms));
            lines.push(Line::Mark(at, mark));
            since = since.max(at);
        }
        lines.extend(interval(entry, since, entry.until, &mut counted_ms));
    }
    lines.extend(marks.map(|(at, mark)| Line::Mark(at, mark)));
    lines
}

fn interval(entry: &Entry, since: Instant, until: Instant, counted_ms: &mut i64) -> Option<Line> {
    if entry.label == Label::Counted {
        *counted_ms += until.since_ms(since).max(0);
    }
    let Entry { label, status, .. } = *entry;
    (since < until).then_some(Line::Interval(Interval { since, until, label, status, counted_ms: *counted_ms }))
}

fn calendar_changes(ledger: &[Entry]) -> impl Iterator<Item = (Instant, Mark)> + '_ {
    let pairs = ledger.iter().zip(ledger.iter().skip(1));
    let changed = pairs.filter(|(one, next)| one.calendar_version != next.calendar_version);
    changed.map(|(_, next)| (next.since, Mark::Calendar(next.calendar_version)))
}

/// The target that was reached: of several at that instant, the first that is not above the counted time.
fn target_reached(instance: &Instance, steps: &[Step], due_at: Instant, counted_ms: i64) -> i64 {
    let by_then = || steps.iter().filter(|step| step.at <= due_at).filter_map(|step| step.target_ms);
    let before = steps.iter().rev().find(|step| step.at < due_at).and_then(|step| step.target_ms);
    let enough = before.filter(|target_ms| *target_ms <= counted_ms);
    enough.or_else(|| by_then().next_back()).unwrap_or(instance.target_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(since: i64, until: i64, label: Label) -> Entry {
        Entry {
            since: Instant(since),
            until: Instant(until),
            label,
            status: Status::Open,
            calendar_version: Some(Instant(0)),
        }
    }

    #[test]
    fn intervals_are_cut_at_marks_and_counted_time_adds_up() {
        let ledger = [entry(0, 10, Label::Counted), entry(10, 30, Label::OffHours), entry(30, 40, Label::Counted)];
        let due = Mark::Due { target_ms: 15, counted_ms: 15 };
        let lines = interleave(&ledger, vec![(Instant(35), due.clone()), (Instant(40), due)]);
        let shown: Vec<String> = lines
            .iter()
            .map(|line| match line {
                Line::Interval(i) => format!("{}-{} {} {}", i.since.0, i.until.0, i.label.name(), i.counted_ms),
                Line::Mark(at, _) => format!("due {}", at.0),
            })
            .collect();
        assert_eq!(
            shown,
            ["0-10 counted 10", "10-30 off_hours 10", "30-35 counted 15", "due 35", "35-40 counted 20", "due 40"]
        );
    }

    #[test]
    fn sums_from_an_instant_leave_out_what_was_before() {
        let ledger = [entry(0, 10, Label::Counted), entry(10, 30, Label::Paused)];
        let sums = sums(&ledger, Instant(4));
        assert_eq!((sums.counted_ms, sums.paused_ms, sums.gap_ms), (6, 20, 0));
    }
}
