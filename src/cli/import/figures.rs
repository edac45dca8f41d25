//! The figures of an import: as lines for people, and as JSON.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::import::{LeftOut, Mapping, Reason, Tally};

/// How many values of a column are shown for one reason.
const SHOWN_VALUES: usize = 5;
/// How many values of a column are in the summary for one reason.
const SUMMARY_VALUES: usize = 50;

/// The figures as an object; `rules` are the names of the mapping's.
pub fn object(rules: &[String], tally: &Tally) -> Value {
    let count = |name: &String| (name.clone(), json!(tally.events.get(name).copied().unwrap_or(0)));
    let events: Map<String, Value> = rules.iter().map(count).collect();
    json!({
        "rows": tally.rows_read,
        "cases": tally.cases,
        "events": events,
        "left_out": left_out_object(tally),
        "columns_absent": tally.columns_absent,
        "times": {
            "settled": tally.times_settled, "ambiguous": tally.times_ambiguous, "skipped": tally.times_skipped,
        },
    })
}

/// What the mapping left out, as an object.
fn left_out_object(tally: &Tally) -> Value {
    let examples: Vec<Value> =
        tally.malformed.iter().map(|row| json!({"file": &*row.file, "line": row.line, "reason": row.reason})).collect();
    let event = |(reason, left): (&Reason, &LeftOut)| {
        let values: Map<String, Value> =
            left.frequent(SUMMARY_VALUES).into_iter().map(|(value, count)| (value.to_owned(), json!(count))).collect();
        json!({"event": reason.rule, "reason": reason.reason, "count": left.count, "values": values})
    };
    json!({
        "rows_filtered": tally.rows_filtered,
        "rows_repeated": tally.rows_repeated,
        "rows_malformed": tally.rows_malformed,
        "malformed": examples,
        "rows": tally.rows_left_out,
        "cases": tally.cases_left_out,
        "events": tally.events_left_out.iter().map(event).collect::<Vec<_>>(),
    })
}

/// `7 rows, 2 cases`.
pub fn read(tally: &Tally) -> Vec<String> {
    let cases = tally.cases.map_or_else(String::new, |cases| format!(", {}", counted(cases, "case")));
    vec![format!("{}{cases}", counted(tally.rows_read, "row"))]
}

/// Rows, cases, events and members that were left out, each with the reason; events and members for some reasons only.
pub fn left_out(tally: &Tally, is_shown: impl Fn(&Reason) -> bool) -> Vec<String> {
    let rows = [
        (tally.rows_filtered, "held back by a filter"),
        (tally.rows_repeated, "read before"),
        (tally.rows_malformed, "that cannot be read"),
    ];
    let rows = rows.into_iter().filter(|(count, _)| *count > 0);
    let rows = rows.map(|(count, why)| format!("left out: {} {why}", counted(count, "row")));
    let malformed = tally.malformed.iter().map(|row| format!("  {}:{}: {}", row.file, row.line, row.reason));
    let mut lines: Vec<String> = rows.chain(malformed).collect();
    lines.extend(reasons(&tally.rows_left_out, "row"));
    lines.extend(reasons(&tally.cases_left_out, "case"));
    let events = tally.events_left_out.iter().filter(|(reason, _)| is_shown(reason));
    lines.extend(events.map(|(reason, left)| left_out_text(reason, left)));
    if tally.rows_filtered > 0 && tally.rows_filtered == tally.rows_read {
        lines.push("note: no row meets the `filter` of the mapping".to_owned());
    }
    let absent = tally.columns_absent.iter();
    lines.extend(absent.map(|column| format!("note: no row has `{column}`, which the mapping names")));
    lines
}

/// `left out: 12 events (case.status_changed: `state` is not in the map: Solved 7, Closed 5)`.
fn left_out_text(reason: &Reason, left: &LeftOut) -> String {
    let what = if reason.rule.contains(", member") { "member" } else { "event" };
    let values = left.frequent(SHOWN_VALUES);
    let shown: Vec<String> = values.iter().map(|(value, count)| format!("`{value}` {count}")).collect();
    let more = if left.values.len() > shown.len() { ", and others" } else { "" };
    let values = if shown.is_empty() { String::new() } else { format!(": {}{more}", shown.join(", ")) };
    format!("left out: {} ({}: {}{values})", counted(left.count, what), reason.rule, reason.reason)
}

/// In which zones times without an offset are read.
pub fn zones(mapping: &Mapping) -> Option<String> {
    let zones: Vec<&str> = mapping.zones().into_iter().collect();
    let stated =
        format!("times: those without an offset are read in {}, the `zone` of the mapping", zones.join(" and "));
    (!zones.is_empty()).then_some(stated)
}

/// How local times were read where the clock changed.
pub fn times(tally: &Tally) -> Vec<String> {
    let times = [
        (tally.times_settled, "of an hour that comes twice, settled by the order of a case's events"),
        (tally.times_ambiguous, "of an hour that comes twice, which nothing settles: read as the first of the two"),
        (tally.times_skipped, "that a change of clocks skips, read with the offset before it"),
    ];
    let times = times.into_iter().filter(|(count, _)| *count > 0);
    times.map(|(count, what)| format!("times: {} {what}", counted(count, "local time"))).collect()
}

/// `events: case.created 12, message.sent 0`.
pub fn events(rules: &[String], tally: &Tally) -> Vec<String> {
    let count = |name: &String| format!("{name} {}", tally.events.get(name).copied().unwrap_or(0));
    vec![format!("events: {}", rules.iter().map(count).collect::<Vec<_>>().join(", "))]
}

fn reasons(reasons: &BTreeMap<String, u64>, what: &str) -> impl Iterator<Item = String> {
    reasons.iter().map(move |(reason, count)| format!("left out: {} ({reason})", counted(*count, what)))
}

/// `1 row`, `2 rows`.
pub fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
