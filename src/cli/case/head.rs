//! The case itself: customer, profile, status, and the milestone that is due next.

use super::style::Style;
use super::text::{Cells, brief_clock, day_clock, table};
use crate::explain::current::Current;
use crate::explain::{Explanation, words};
use crate::metric::range::zone_name;
use crate::model::outcome::Outcome;
use crate::model::time::duration_text;
use crate::timeline::rows::{CaseRows, RowAt};

/// Adds the case's own row, with the current milestone above it.
pub fn head(text: &mut String, id: &str, rows: &CaseRows, explanation: Option<&Explanation>, style: &Style) {
    match rows.cases.iter().next() {
        Some(row) => {
            let current = explanation.and_then(|explanation| explanation.current.as_ref());
            own_row(text, &row, current, style);
        }
        None => text.push_str(&format!("case {id}\nnever created; its events are listed below\n")),
    }
}

fn own_row(text: &mut String, row: &RowAt<'_>, current: Option<&Current>, style: &Style) {
    let cells = Cells { row, zone: &style.zone };
    let case = |column: &str| cells.text(column);
    let title = format!("case {}    {}, {} priority, ", case("case_id"), case("status"), case("priority"));
    let assignee =
        row.text("assignee").map_or("not assigned".to_owned(), |_| format!("assigned to {}", case("assignee")));
    text.push_str(&format!("{}\n", style.ink.bold(&format!("{title}{assignee}"))));
    if let Some(current) = current {
        text.push_str(&format!("  {}\n", style.ink.verdict(current.verdict(), &current_text(current, style))));
    }
    let count = |column: &str, one: &str, many: &str| match row.whole(column).unwrap_or(0) {
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    };
    let lines = [
        format!("customer {} on {} ({}), {}", case("customer"), case("profile"), case("platform"), case("origin")),
        format!("created {}, first response {}", cells.at("created_at"), cells.at("first_response_at")),
        format!("resolved {}, closes {}", cells.at("resolved_at"), cells.at("closes_at")),
        format!(
            "messages: {} received, {} sent, {} by bots; {}",
            case("messages_received"),
            case("messages_sent"),
            case("bot_messages_sent"),
            count("notes", "note", "notes")
        ),
        format!(
            "{}, {}",
            count("assignments", "assignment", "assignments"),
            count("reopenings", "reopening", "reopenings")
        ),
    ];
    for line in lines {
        text.push_str(&format!("  {line}\n"));
    }
    if let Some(deleted_at) = row.instant("deleted_at") {
        text.push_str(&format!(
            "  deleted {}: its text is gone, its numbers stay\n",
            brief_clock(deleted_at, &style.zone)
        ));
    }
    text.push_str(&format!("  times in {}\n", zone_name(&style.zone)));
}

fn current_text(current: &Current, style: &Style) -> String {
    let at = |time| day_clock(time, &style.zone);
    match current {
        Current::Left { milestone, turn, left_ms, due_at } => {
            let due = due_at.map_or("the clock is stopped".to_owned(), |due_at| format!("due {}", at(due_at)));
            format!("{}: {} left, {due}", words::milestone(*milestone, *turn), duration_text(*left_ms))
        }
        Current::Overdue { milestone, turn, due_at, for_ms } => {
            let name = words::milestone(*milestone, *turn);
            format!("{name}: overdue for {}, since {}", duration_text(*for_ms), at(*due_at))
        }
        Current::Completed { milestone, turn, completed_at, outcome } => {
            format!("{}: {}, completed {}", words::milestone(*milestone, *turn), outcome.name(), at(*completed_at))
        }
        Current::Closed { resolution_ms, outcome } => {
            let outcome = outcome.map_or("no target", Outcome::name);
            format!("closed: total resolution time {}, {outcome}", duration_text(*resolution_ms))
        }
    }
}

/// Adds status and assignment, as bands.
pub fn bands(text: &mut String, rows: &CaseRows, style: &Style) {
    text.push_str(&format!("\n{}\n", style.ink.bold("status and assignment")));
    let band = |row: RowAt<'_>| {
        let cells = Cells { row: &row, zone: &style.zone };
        let ended = row.instant("since").zip(row.instant("until"));
        let length = ended.map_or("still".to_owned(), |(since, until)| duration_text(until.since_ms(since)));
        let [status, assignee, priority] = ["status", "assignee", "priority"].map(|name| cells.text(name));
        let cause = cells.text("cause").trim_start_matches("case.").to_owned();
        [cells.at("since"), length, status, assignee, priority, cause]
    };
    let headings = ["since", "for", "status", "assignee", "priority", "because of"];
    table(text, style.ink, headings, rows.periods.iter().map(band).collect());
    let assignment = |row: RowAt<'_>| {
        let cells = Cells { row: &row, zone: &style.zone };
        let until = match row.instant("ended_at") {
            Some(at) => format!("{} ({})", brief_clock(at, &style.zone), cells.text("ended_by")),
            None => "still".to_owned(),
        };
        [cells.text("n"), cells.text("agent"), cells.at("assigned_at"), until, cells.at("first_reply_at")]
    };
    if rows.assignments.count() > 0 {
        text.push_str(&format!("\n{}\n", style.ink.bold("assignments")));
    }
    let headings = ["n", "agent", "since", "until", "first reply"];
    table(text, style.ink, headings, rows.assignments.iter().map(assignment).collect());
}

/// Adds turns and resolutions with their durations.
pub fn turns(text: &mut String, rows: &CaseRows, style: &Style) {
    text.push_str(&format!("\n{}\n", style.ink.bold("turns (the first is the first response)")));
    let turn = |row: RowAt<'_>| {
        let cells = Cells { row: &row, zone: &style.zone };
        let answered = match (row.instant("answered_at"), row.instant("stopped_at")) {
            (None, Some(at)) => format!("stopped {}", brief_clock(at, &style.zone)),
            (None, None) => "open".to_owned(),
            (Some(at), _) => brief_clock(at, &style.zone),
        };
        let [elapsed, active, business] = ["elapsed_ms", "active_ms", "business_ms"].map(|name| cells.length(name));
        [cells.text("n"), cells.at("asked_at"), answered, cells.text("answered_by"), elapsed, active, business]
    };
    let headings = ["n", "asked", "answered", "by", "elapsed", "active", "business"];
    table(text, style.ink, headings, rows.turns.iter().map(turn).collect());
    if rows.resolutions.count() == 0 {
        return;
    }
    text.push_str(&format!("\n{}\n", style.ink.bold("resolutions (times since the creation)")));
    let resolution = |row: RowAt<'_>| {
        let cells = Cells { row: &row, zone: &style.zone };
        let reopened = row.instant("reopened_at").map(|at| brief_clock(at, &style.zone)).unwrap_or_default();
        let [elapsed, active, business] = ["elapsed_ms", "active_ms", "business_ms"].map(|name| cells.length(name));
        let [n, status, by] = ["n", "status", "by"].map(|name| cells.text(name));
        [n, status, cells.at("resolved_at"), by, elapsed, active, business, reopened]
    };
    let headings = ["n", "status", "at", "by", "elapsed", "active", "business", "reopened"];
    table(text, style.ink, headings, rows.resolutions.iter().map(resolution).collect());
}
