//! The clocks of a case: instance, outcome, and the ledger that adds up to both.

use super::style::Style;
use super::text::{aligned, clock, day_clock, harmless, widths, wrapped};
use crate::explain::current::verdict;
use crate::explain::fold::{Shown, fold};
use crate::explain::ledger::{Interval, Line, Mark};
use crate::explain::{Clock, End, Explanation, Instance, words};
use crate::model::case::clock::Label;
use crate::model::time::{Instant, exact_duration_text};

/// Adds every clock.
pub fn clocks(text: &mut String, explanation: &Explanation, style: &Style) {
    if explanation.clocks.is_empty() {
        return;
    }
    let as_of = clock(explanation.as_of, &style.zone);
    let heading = style.ink.bold(&format!("clocks, as of {as_of}"));
    text.push_str(&format!("\n{heading} (the log's last event); 1d is 24h\n"));
    for clock in &explanation.clocks {
        text.push('\n');
        one(text, clock, explanation.as_of, style);
    }
}

fn one(text: &mut String, clock: &Clock, as_of: Instant, style: &Style) {
    let instance = &clock.instance;
    let title = format!("{} {}", instance.milestone.name().replace('_', " "), instance.n);
    let turn = instance.turn.map(|turn| format!(", turn {turn}")).unwrap_or_default();
    let outcome = style.ink.verdict(verdict(clock.outcome), &words::outcome(clock));
    let void = if instance.is_valid(as_of) { "" } else { " (no longer valid)" };
    text.push_str(&format!("  {}{turn}: {outcome}{void}\n", style.ink.bold(&title)));
    for (what, value) in instance_lines(clock, style) {
        text.push_str(&format!("    {what:10}  {value}\n"));
    }
    ledger(text, clock, as_of, style);
}

fn instance_lines(clock: &Clock, style: &Style) -> Vec<(&'static str, String)> {
    let instance = &clock.instance;
    let at = |time| day_clock(time, &style.zone);
    let version = super::text::clock(instance.policy_version, &style.zone);
    // Where it never changed, the ledger does not show the priority.
    let priority = clock.steps.first().filter(|_| clock.steps.len() == 1);
    let priority = priority.map(|step| format!(" for {} priority", step.priority.name())).unwrap_or_default();
    let target = format!("{}{priority}, by the version of {version}", exact_duration_text(instance.target_ms));
    let mut lines = vec![("started", at(instance.started_at)), ("target", target), ("due", due_text(clock, style))];
    if let Some((time, end)) = &instance.end {
        lines.push(match end {
            End::Completed(by) => {
                let by = by.as_deref().map(|by| format!(" by {}", harmless(by))).unwrap_or_default();
                ("completed", format!("{}{by}", at(*time)))
            }
            End::Stopped => ("stopped", at(*time)),
            End::Disabled => ("disabled", format!("{}: its target was taken away", at(*time))),
        });
    }
    if clock.late.is_some() {
        let assignee = instance.assignee_at_due.as_deref();
        let unassigned = "no agent: it was not assigned when it was due".to_owned();
        let charged = assignee.map_or(unassigned, |name| format!("{}, who had it when it was due", harmless(name)));
        lines.push(("charged to", charged));
    }
    if instance.since != instance.started_at || instance.until.is_some() {
        let until = instance.until.map_or("on".to_owned(), |until| format!("to {}", at(until)));
        lines.push(("valid", format!("from {} {until}", at(instance.since))));
    }
    lines
}

fn due_text(clock: &Clock, style: &Style) -> String {
    let instance = &clock.instance;
    let Some(due_at) = instance.due_at else {
        let status = clock.ledger.last().map_or(String::new(), |last| format!(" ({})", last.status.name()));
        return match instance.end {
            Some(_) => format!("never: the clock was stopped when it ended{status}"),
            None => format!("not known while the clock is stopped{status}"),
        };
    };
    let text = day_clock(due_at, &style.zone);
    let ended_before = instance.end.as_ref().is_some_and(|(time, _)| *time < due_at);
    if ended_before { format!("{text}, had the clock gone on") } else { text }
}

// The ledger

fn ledger(text: &mut String, clock: &Clock, as_of: Instant, style: &Style) {
    let shown: Vec<Shown<'_>> =
        if style.full { clock.lines.iter().map(Shown::Line).collect() } else { fold(&clock.lines) };
    let headings = ["since", "label", "status", "for", "counted so far"].map(str::to_owned);
    let mut rows = vec![headings.clone()];
    rows.extend(shown.iter().filter_map(|shown| match shown {
        Shown::Line(Line::Interval(interval)) => Some(cells(interval, style)),
        _ => None,
    }));
    let widths = widths(&rows);
    let mut push = |line: &str| text.push_str(&format!("    {line}\n"));
    // Sums of many labels are long; the lines after the first are indented.
    let long = |line: &str| wrapped(line, "      ").trim_start().to_owned();
    if rows.len() > 1 {
        push(&style.ink.grey(&aligned(&headings, &widths)));
    }
    for shown in &shown {
        match shown {
            Shown::Line(Line::Interval(interval)) => {
                let line = aligned(&cells(interval, style), &widths);
                let line = if interval.label == Label::Counted { line } else { style.ink.grey(&line) };
                push(&format!("{line}{}", clock_change(interval, style)));
            }
            Shown::Line(Line::Mark(at, mark)) => {
                let at = day_clock(*at, &style.zone);
                push(&format!("{at}  {}", mark_text(mark, clock, style)));
            }
            Shown::Folded { intervals, sums, counted_ms } => {
                let so_far = exact_duration_text(*counted_ms);
                push(&long(&format!(
                    "… {intervals} more intervals: {}; counted so far {so_far}",
                    words::parts(sums, ", ")
                )));
            }
        }
    }
    push(&end_text(&clock.instance, as_of, style));
    push(&long(&words::sum(&clock.sums)));
}

fn cells(interval: &Interval, style: &Style) -> [String; 5] {
    [
        day_clock(interval.since, &style.zone),
        interval.label.name().replace('_', " "),
        interval.status.name().to_owned(),
        exact_duration_text(interval.until.since_ms(interval.since)),
        exact_duration_text(interval.counted_ms),
    ]
}

/// Between two readings of the clock lies another time than they show where it was set forward or back.
fn clock_change(interval: &Interval, style: &Style) -> String {
    let offset_ms = |time: Instant| i64::from(style.zone.to_offset(time.to_timestamp()).seconds()) * 1000;
    match offset_ms(interval.until) - offset_ms(interval.since) {
        0 => String::new(),
        ms if ms > 0 => format!("  (clocks go {} forward)", exact_duration_text(ms)),
        ms => format!("  (clocks go {} back)", exact_duration_text(-ms)),
    }
}

fn mark_text(mark: &Mark, clock: &Clock, style: &Style) -> String {
    let text = words::mark(mark, &clock.instance, |time| super::text::clock(time, &style.zone));
    let is_broken = matches!(mark, Mark::Due { .. }) && clock.late.is_some();
    if is_broken { style.ink.verdict(Some(false), &text) } else { text }
}

fn end_text(instance: &Instance, as_of: Instant, style: &Style) -> String {
    let (time, what) = match &instance.end {
        Some((time, End::Completed(Some(by)))) => (*time, format!("completed by {}", harmless(by))),
        Some((time, End::Completed(None))) => (*time, "completed".to_owned()),
        Some((time, End::Stopped)) => (*time, "stopped".to_owned()),
        Some((time, End::Disabled)) => (*time, "disabled".to_owned()),
        None => (as_of, "as of here, not ended".to_owned()),
    };
    format!("{}  {what}", day_clock(time, &style.zone))
}
