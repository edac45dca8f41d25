//! Random histories must reach the special cases: each must occur in a thousand of them.

use super::super::{Tables, audit, outcome};
use super::history;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;

#[test]
fn histories_reach_the_corners() {
    let mut runner = TestRunner::deterministic();
    let mut met: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..1000 {
        let lines = history().new_tree(&mut runner).expect("a history").current();
        let tables = audit(&lines);
        for corner in corners(&tables) {
            *met.entry(corner).or_insert(0) += 1;
        }
    }
    println!("{met:#?}");
    for corner in CORNERS {
        assert!(met.contains_key(corner), "{corner} is never met in {met:#?}");
    }
}

const CORNERS: [&str; 41] = [
    "met",
    "late",
    "missed",
    "cancelled",
    "disabled",
    "overdue",
    "running",
    "counted",
    "off_hours",
    "holiday",
    "paused",
    "gap",
    "met without due_at",
    "given back",
    "disabled and ended validity",
    "due at the very end",
    "ended at once",
    "no_case_yet",
    "created_twice",
    "after_deletion",
    "message_before_case",
    "message_after_close",
    "reply_in_resolved_case",
    "reply_by_other",
    "profile_by_other",
    "reply_without_profile",
    "unknown_user",
    "unknown_reference",
    "unknown_priority",
    "not_permitted",
    "over_capacity",
    "not_auto_assignable",
    "mandatory_field_empty",
    "invalid_field_value",
    "second_open_case",
    "reopened_after_close",
    "message_repeated",
    "priority_unchanged",
    "assignee_unchanged",
    "status_unchanged",
    "closed_already",
];

fn corners(tables: &Tables) -> Vec<String> {
    let mut met = Vec::new();
    for row in &tables["milestones"] {
        let now = outcome(row, i64::MAX / 2);
        let then = outcome(row, 1_790_000_000_000);
        met.extend([now.to_owned(), then.to_owned()]);
        let mut check = |corner: &str, holds: bool| met.extend(holds.then(|| corner.to_owned()));
        check("met without due_at", now == "met" && row["due_at"].is_null());
        check("given back", row["since"] != row["started_at"] && row["gap_ms"] == 0);
        check("disabled and ended validity", now == "disabled" && !row["until"].is_null());
        let end = if row["completed_at"].is_null() { &row["stopped_at"] } else { &row["completed_at"] };
        check("due at the very end", !end.is_null() && *end == row["due_at"]);
        check("ended at once", *end == row["started_at"]);
    }
    met.extend(tables["ledger"].iter().filter_map(|row| row["label"].as_str().map(str::to_owned)));
    let rules = tables["findings"].iter().chain(&tables["noted"]);
    met.extend(rules.filter_map(|row| row["rule"].as_str().map(str::to_owned)));
    met.extend(
        tables.iter().map(|(name, rows)| format!("rows of {name}: {}", if rows.is_empty() { "none" } else { "some" })),
    );
    met.sort();
    met.dedup();
    met
}
