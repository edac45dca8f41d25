//! `import --dry-run`: what an import would do, without doing it.

use serde_json::{Map, Value, json};

use super::figures::{self, counted};
use super::without::Without;
use crate::cli::context::{CommandContext, Completion};
use crate::error::Result;
use crate::import::dry_run::{self, DryRun, ReadRecord, Refused, RuleOutcome};
use crate::import::{Known, LeftOut, Limits, Mapping, ReadRow, Reason};
use crate::input::source::Source;
use crate::spelling::shortened;

/// The longest text of a cell or of an event that is shown whole.
const SHOWN_CHARACTERS: usize = 200;
/// How many values that no map knows are shown for one reason.
const SHOWN_VALUES: usize = 10;

/// Reads everything, writes nothing and prints what would happen.
pub async fn dry_run(
    context: &CommandContext,
    mapping: &Mapping,
    inputs: &[Source],
    known: &Known,
    limits: &Limits,
    rows: u64,
) -> Result<Completion> {
    let mut without = Without::everything();
    let run = dry_run::dry_run(mapping, inputs, known, limits, rows, &mut |event| without.see(event)).await?;
    if context.printer.json_summary {
        context.printer.data(object(&run, &without.object(mapping)))?;
    } else {
        context.printer.data(text(&run, mapping, without.lines(mapping)).join("\n"))?;
    }
    if let Some(failure) = &run.failure {
        context.printer.error(failure);
    }
    let is_clean = run.failure.is_none()
        && run.tally.rows_malformed == 0
        && run.refused.is_empty()
        && run.conflicts == Refused::default();
    Ok(if is_clean { Completion::Done } else { Completion::NeedsAttention })
}

fn object(run: &DryRun, missing: &Value) -> Value {
    let names: Vec<String> = run.rules.iter().map(|rule| rule.name.clone()).collect();
    let mut object = figures::object(&names, &run.tally);
    let refused = run.refused.iter().map(|(rule, refused)| ((*rule).to_owned(), refused_object(refused)));
    let more = json!({
        "dry_run": true,
        "records": run.records.iter().map(record_object).collect::<Vec<_>>(),
        "rules": run.rules.iter().map(rule_object).collect::<Vec<_>>(),
        "refused": refused.collect::<Map<_, _>>(),
        "duplicates": run.duplicates,
        "conflicts": refused_object(&run.conflicts),
        "missing": missing,
        "failure": run.failure.as_ref().map(ToString::to_string),
    });
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}

fn record_object(record: &ReadRecord) -> Value {
    let row = |row: &ReadRow| {
        let cells = row.cells.iter().map(|(name, text)| json!({"column": name, "text": text}));
        json!({"file": &*row.file, "line": row.line, "element": row.element, "cells": cells.collect::<Vec<_>>()})
    };
    json!({
        "rows": record.rows.iter().map(row).collect::<Vec<_>>(), "events": record.events, "problem": record.problem,
    })
}

fn rule_object(rule: &RuleOutcome) -> Value {
    let reasons = rule.reasons.iter().map(|(reason, count)| json!({"reason": reason, "count": count}));
    json!({"name": rule.name, "type": rule.kind, "events": rule.events, "reasons": reasons.collect::<Vec<_>>()})
}

fn refused_object(refused: &Refused) -> Value {
    let example = refused.example.as_ref();
    let example = example.map(|(file, line, detail)| json!({"file": &**file, "line": line, "detail": detail}));
    json!({"count": refused.count, "example": example})
}

fn text(run: &DryRun, mapping: &Mapping, missing: Vec<String>) -> Vec<String> {
    let mut lines: Vec<String> = run.records.iter().flat_map(record_lines).collect();
    lines.push("The whole input; nothing was written".to_owned());
    let unknown = |(reason, _): &(&Reason, &LeftOut)| is_unknown_value(reason);
    let others = figures::left_out(&run.tally, |reason| !is_unknown_value(reason));
    let values = run.tally.events_left_out.iter().filter(unknown).map(|(reason, left)| value_line(reason, left));
    let parts = [
        figures::read(&run.tally),
        others,
        figures::zones(mapping).into_iter().chain(figures::times(&run.tally)).collect(),
        part("events by rule:", run.rules.iter().flat_map(rule_lines)),
        part("values that no map knows:", values),
        refused_lines(run),
        missing,
    ];
    lines.extend(parts.into_iter().flatten());
    lines
}

/// A heading and its lines; nothing without lines.
fn part(heading: &str, lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut part = vec![heading.to_owned()];
    part.extend(lines.map(|line| format!("  {line}")));
    if part.len() > 1 { part } else { Vec::new() }
}

fn record_lines(record: &ReadRecord) -> Vec<String> {
    let mut lines = Vec::new();
    let place = record.rows.first().map_or_else(String::new, |row| format!("{}:{}", row.file, row.line));
    lines.push(place);
    for row in &record.rows {
        lines.extend(row.element.map(|number| format!("  element {number}")));
        let filled = row.cells.iter().filter(|(_, text)| !text.is_empty());
        let width = filled.clone().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        lines.extend(filled.map(|(name, text)| format!("  {name:width$}  {}", on_one_line(text))));
        let empty: Vec<&str> =
            row.cells.iter().filter(|(_, text)| text.is_empty()).map(|(name, _)| name.as_str()).collect();
        if !empty.is_empty() {
            lines.push(format!("  empty: {}", empty.join(", ")));
        }
    }
    match (&record.problem, record.events.is_empty()) {
        (Some(problem), _) => lines.push(format!("  cannot be read: {problem}")),
        (None, true) => lines.push("  becomes no event".to_owned()),
        (None, false) => lines.push("  becomes".to_owned()),
    }
    lines.extend(record.events.iter().flat_map(event_lines));
    lines.push(String::new());
    lines
}

fn event_lines(event: &Value) -> [String; 2] {
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let sequence = event.get("sequence").map_or_else(String::new, |number| format!("  sequence {number}"));
    let head = format!("    {}  {}  {}{sequence}", text("type"), text("subject"), text("time"));
    let data = event.get("data").map_or_else(String::new, Value::to_string);
    [head, format!("      {}", on_one_line(&data))]
}

/// One line for a rule, and one for each reason why it made fewer events.
fn rule_lines(rule: &RuleOutcome) -> Vec<String> {
    let kind = if rule.name == rule.kind { String::new() } else { format!(" ({})", rule.kind) };
    let mut lines = vec![format!("{}{kind}: {}", rule.name, rule.events)];
    if rule.events == 0 {
        let reason = |(reason, count): &(String, Option<u64>)| match count {
            Some(count) => format!("  {reason}, {}", counted(*count, "time")),
            None => format!("  {reason}"),
        };
        lines.extend(rule.reasons.iter().map(reason));
    }
    lines
}

/// Whether something was left out because a map lacks a value.
fn is_unknown_value(reason: &Reason) -> bool {
    reason.reason.ends_with(" is not in the map")
}

fn value_line(reason: &Reason, left: &LeftOut) -> String {
    let values: Vec<String> =
        left.frequent(SHOWN_VALUES).into_iter().map(|(value, count)| format!("`{value}` {count}")).collect();
    let more = left.values.len().saturating_sub(values.len());
    let more = if more > 0 { format!(" and {more} more values") } else { String::new() };
    let column = reason.reason.trim_end_matches(" is not in the map");
    format!("{}, {column}: {}{more}", reason.rule, values.join(", "))
}

/// What the log would not take.
fn refused_lines(run: &DryRun) -> Vec<String> {
    let example = |refused: &Refused| match &refused.example {
        Some((file, line, detail)) => format!(", such as {file}:{line}: {detail}"),
        None => String::new(),
    };
    let line =
        |(rule, refused): (&&str, &Refused)| format!("{rule}: {}{}", counted(refused.count, "event"), example(refused));
    let mut lines = part("the log would set aside:", run.refused.iter().map(line));
    if run.conflicts.count > 0 {
        let example = example(&run.conflicts);
        let events = counted(run.conflicts.count, "event");
        lines.push(format!("the log would set aside {events} whose id another event with other content has{example}"));
        lines.push("  state as `key` the columns that identify a row".to_owned());
    }
    if run.duplicates > 0 {
        lines.push(format!("the log would drop {} that it has by then", counted(run.duplicates, "event")));
    }
    if run.ids_cut {
        lines.push("ids were compared among the first events only: there are too many to compare all".to_owned());
    }
    if lines.is_empty() {
        lines.push("the log would refuse no event".to_owned());
    }
    lines
}

/// A text on one line, and not too long.
fn on_one_line(text: &str) -> String {
    shortened(&text.replace(['\n', '\r'], " "), SHOWN_CHARACTERS)
}
