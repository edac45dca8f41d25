//! What a stock was before a range, and before each of its buckets.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{answer, ask, desk, event};
use crate::project::Project;

/// What each row is about, without its numbers.
fn key(row: &Value) -> String {
    format!("{} {}", row["bucket"], row["platform"])
}

/// A flow by the key of its rows.
fn counts(project: &Project, words: &str) -> BTreeMap<String, i64> {
    let rows = answer(project, words);
    let mut counts = BTreeMap::new();
    for row in rows.as_array().unwrap() {
        *counts.entry(key(row)).or_default() += row["count"].as_i64().unwrap_or(0);
    }
    counts
}

/// What was there, and came, and did not go, is there.
#[test]
fn the_closing_backlog_is_the_opening_one_and_what_came_and_went() {
    let project = Project::new();
    let events = project.run(&["generate", "--cases", "900", "--days", "150", "--seed", "11"]);
    project.write("events.ndjson", &events.stdout);
    project.ingest(&["events.ndjson"], 0);
    let unresolved = "--where status=new,open,pending,on_hold";
    let cuts = [
        "--range 2026-03-16..2026-04-07 --grain day --tz Europe/Prague",
        "--range 2026-01-08..2026-03-05 --grain week",
        "--range 2026-02 --by platform",
        "--range 2026-01..2026-03 --grain month --by platform",
    ];
    for cut in cuts {
        let created = counts(&project, &format!("created_cases {cut}"));
        let reopened = counts(&project, &format!("reopenings {cut}"));
        let resolved = counts(&project, &format!("resolutions {cut}"));
        let deleted = counts(&project, &format!("deleted_cases {cut} {unresolved}"));
        let rows = answer(&project, &format!("backlog {cut} --show opening,closing"));
        let rows = rows.as_array().unwrap();
        let moved: i64 =
            rows.iter().map(|row| row["closing"].as_i64().unwrap() - row["opening"].as_i64().unwrap()).sum();
        assert!(rows.iter().any(|row| row["opening"] != json!(0)) && moved != 0, "{cut}");
        for row in rows {
            let of = |counts: &BTreeMap<String, i64>| counts.get(&key(row)).copied().unwrap_or(0);
            let expected =
                row["opening"].as_i64().unwrap() + of(&created) + of(&reopened) - of(&resolved) - of(&deleted);
            assert_eq!(row["closing"], json!(expected), "{cut}: {row}");
        }
    }
}

#[test]
fn a_bucket_opens_with_what_the_one_before_closed_with() {
    let project = desk();
    let stock = |words: &str| {
        let rows = answer(&project, &format!("{words} --show opening,closing"));
        let pair = |row: &Value| (row["opening"].clone(), row["closing"].clone());
        rows.as_array().unwrap().iter().map(pair).collect::<Vec<_>>()
    };
    let pair = |opening: i64, closing: i64| (json!(opening), json!(closing));
    // C and D are left on 2 March; A is open again for two hours on 3 March.
    assert_eq!(stock("backlog --range 2026-03-02"), [pair(0, 2)]);
    assert_eq!(stock("backlog --range 2026-03-03"), [pair(2, 2)]);
    assert_eq!(stock("backlog --range 2026-03-02..2026-03-05 --grain day"), [pair(0, 2), pair(2, 2), pair(2, 2)]);
    let hours = stock("backlog --range 2026-03-03 --grain hour");
    assert_eq!(hours[9..13], [pair(2, 2), pair(2, 3), pair(3, 3), pair(3, 2)]);
    assert!(hours.windows(2).all(|two| two[0].1 == two[1].0));
    // The first week began before the range.
    assert_eq!(stock("backlog --range 2026-03-03..2026-03-10 --grain week"), [pair(2, 2), pair(2, 2)]);
    let hour = 3_600_000.0;
    let ages = stock("backlog_age --range 2026-03-03");
    assert_eq!(ages, [(json!(8.0 * hour - 1.0), json!(32.0 * hour - 1.0))]);
    // Nothing is not an age of 0.
    assert_eq!(stock("backlog_age --range 2026-03-02"), [(Value::Null, json!(8.0 * hour - 1.0))]);
}

#[test]
fn a_group_that_was_there_at_the_beginning_alone_has_a_row() {
    let project = desk();
    let end = event("c2", "case.priority_changed", "C", "2026-03-04T10:00:00Z", r#"{"priority":"high"}"#);
    project.write("more.ndjson", end);
    project.ingest(&["more.ndjson"], 0);
    let rows = answer(
        &project,
        "backlog --range 2026-03-04 --where platform=x --where customer=cc --by priority --show opening,closing",
    );
    let row = |priority: &str, opening: i64, closing: i64| json!({"priority": priority, "opening": opening, "closing": closing, "contributions": closing, "cases": closing});
    assert_eq!(rows, json!([row("high", 0, 1), row("medium", 1, 0)]));
    let rows = answer(
        &project,
        "backlog --range 2026-03-04..2026-03-06 --grain day --where customer=cc --by priority --show opening,closing",
    );
    let numbers: Vec<String> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{} {} {}", row["priority"], row["opening"], row["closing"]))
        .collect();
    assert_eq!(numbers, ["\"high\" 0 1", "\"medium\" 1 0", "\"high\" 1 1", "\"medium\" 0 0"]);
}

#[test]
fn what_lies_after_the_as_of_has_no_stock() {
    let project = desk();
    let stock = |words: &str| {
        let rows = answer(&project, &format!("backlog {words} --show opening,closing"));
        let pair = |row: &Value| format!("{} {}", row["opening"], row["closing"]);
        rows.as_array().unwrap().iter().map(pair).collect::<Vec<_>>().join(", ")
    };
    let days = "--range 2026-03-02..2026-03-05 --grain day";
    assert_eq!(stock(&format!("{days} --as-of 2026-03-03T12:00:00Z")), "0 2, 2 2, null null");
    assert_eq!(stock(&format!("{days} --as-of 2026-03-03T23:59:59.999Z")), "0 2, 2 2, 2 null");
    assert_eq!(stock(&format!("{days} --as-of 2026-03-01T23:59:59.999Z")), "0 null, null null, null null");
    assert_eq!(stock(&format!("{days} --as-of 2026-03-01")), "null null, null null, null null");
}

#[test]
fn the_caption_states_when_an_opening_stock_is_read_and_a_flow_has_none() {
    let project = desk();
    let ran = ask(&project, "backlog --range 2026-03-03..2026-03-05 --grain day --show opening,closing");
    let expected = "note: the opening stock is read at 2026-03-02 23:59:59.999 UTC; that of each later day is the stock at the end of the day before\n";
    assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    let refused = [
        ("created_cases --range 2026-03 --show opening", "`created_cases` is a flow, which has no `opening` stock"),
        ("days_to_clear --range 2026-03 --show closing", "it is `backlog@end` divided by"),
        ("backlog --range 2026-03 --show openning", "did you mean `opening`?"),
    ];
    for (words, expected) in refused {
        let ran = ask(&project, words);
        assert!(ran.code == 2 && ran.stderr.contains(expected), "{words}: {}", ran.stderr);
    }
}
