//! The invariants of 2.8 on random histories, for the program and for the auditor.
//!
//! The number of histories is that of [`crate::audit`].

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestError};
use serde_json::Value;

use crate::audit::{facts, histories_asked, keep, runner};
use crate::auditor::histories::{clock_history, history};
use crate::auditor::{Row, Tables, audit, differences, instant, outcome};

/// The program or the auditor.
type Facts = fn(&[Value]) -> Tables;
type Verdict = Result<(), TestCaseError>;

/// The whole number in a column of a row; 0 where there is none.
pub fn whole(row: &Row, column: &str) -> i64 {
    row[column].as_i64().unwrap_or(0)
}

/// The instant in a column of a row.
pub fn at(row: &Row, column: &str) -> Option<i64> {
    row[column].as_str().map(instant)
}

/// Rows of a table that belong to a row of another.
fn of<'a>(tables: &'a Tables, table: &str, owner: &'a Row, columns: &'a [&'a str]) -> Vec<&'a Row> {
    let mine = |row: &&Row| columns.iter().all(|column| row[*column] == owner[*column]);
    let mut rows: Vec<&Row> = tables[table].iter().filter(mine).collect();
    rows.sort_by_key(|row| (row.get("n").and_then(Value::as_i64), row.get("since").map(Value::to_string)));
    rows
}

/// The events up to an instant.
fn prefix(lines: &[Value], until: i64) -> Vec<Value> {
    let is_within = |line: &&Value| line["time"].as_str().is_some_and(|time| instant(time) <= until);
    lines.iter().filter(is_within).cloned().collect()
}

/// One of the instants of a history, or one next to it.
fn some_instant(lines: &[Value], (place, odd): (usize, i64)) -> i64 {
    let times: Vec<i64> = lines.iter().filter_map(|line| line["time"].as_str()).map(instant).collect();
    times[place % times.len()] + odd
}

/// 2.8, 2: periods tile the life of a case, none is empty.
fn periods_tile(tables: &Tables) -> Verdict {
    for case in &tables["cases"] {
        let mut next = at(case, "created_at");
        for period in of(tables, "periods", case, &["case_id"]) {
            prop_assert_eq!(at(period, "since"), next);
            next = at(period, "until");
            prop_assert!(next.is_none_or(|next| Some(next) > at(period, "since")));
        }
        prop_assert_eq!(next, at(case, "deleted_at"));
    }
    Ok(())
}

/// 2.8, 6: the intervals of a clock sum to its times and tile it.
fn ledgers_sum_to_their_clocks(tables: &Tables) -> Verdict {
    for clock in &tables["milestones"] {
        let mut next = at(clock, "started_at");
        let mut sums = BTreeMap::new();
        for row in of(tables, "ledger", clock, &["case_id", "milestone", "n"]) {
            prop_assert_eq!(at(row, "since"), next);
            next = at(row, "until");
            let length = next.unwrap_or(0) - at(row, "since").unwrap_or(0);
            *sums.entry(row["label"].as_str().unwrap_or_default()).or_insert(0) += length;
        }
        if clock["elapsed_ms"].is_null() {
            continue;
        }
        let labels = ["counted", "off_hours", "holiday", "paused", "gap"];
        let total: i64 = labels.map(|label| whole(clock, &format!("{label}_ms"))).iter().sum();
        prop_assert_eq!(total, whole(clock, "elapsed_ms"));
        for label in labels {
            prop_assert_eq!(sums.get(label).copied().unwrap_or(0), whole(clock, &format!("{label}_ms")));
        }
    }
    Ok(())
}

/// 3.3: the instances of a milestone (of a turn) follow one another without overlap.
fn instances_do_not_overlap(tables: &Tables) -> Verdict {
    for clock in &tables["milestones"] {
        let all = of(tables, "milestones", clock, &["case_id", "milestone", "turn"]);
        for pair in all.windows(2) {
            prop_assert!(at(pair[0], "until").is_some() && at(pair[0], "until") <= at(pair[1], "since"));
        }
    }
    Ok(())
}

/// 2.8, 5: over any range the backlog grows by creations and reopenings, and shrinks by resolutions and deletions.
fn backlog_adds_up(tables: &Tables, from: i64, to: i64) -> Verdict {
    let (from, to) = (from.min(to), from.max(to));
    let is_open = |row: &&Row| !matches!(row["status"].as_str(), Some("done" | "spam"));
    let backlog = |time: i64| {
        let holds = |row: &&Row| at(row, "since") <= Some(time) && at(row, "until").is_none_or(|until| time < until);
        tables["periods"].iter().filter(holds).filter(is_open).count() as i64
    };
    let within = |time: Option<i64>| time.is_some_and(|time| from < time && time <= to);
    let count = |table: &str, column: &str| tables[table].iter().filter(|row| within(at(row, column))).count() as i64;
    let deleted = tables["cases"].iter().filter(|row| within(at(row, "deleted_at"))).filter(is_open).count() as i64;
    let change = count("cases", "created_at") + count("resolutions", "reopened_at")
        - count("resolutions", "resolved_at")
        - deleted;
    prop_assert_eq!(backlog(to), backlog(from) + change);
    Ok(())
}

/// What the facts show of an instant: standings, what has been answered, resolved and assigned, and what is due.
fn as_of(tables: &Tables, until: i64) -> BTreeSet<String> {
    let holds = |row: &&Row| at(row, "since").is_some_and(|t| t <= until) && at(row, "until").is_none_or(|t| t > until);
    let mut shown = BTreeSet::new();
    let mut say = |row: &Row, columns: &[&str], more: String| {
        let values: Vec<String> = columns.iter().map(|column| row[*column].to_string()).collect();
        shown.insert(format!("{columns:?} {} {more}", values.join(" ")));
    };
    for row in tables["periods"].iter().filter(holds) {
        say(row, &["case_id", "status", "assignee", "priority", "profile", "since"], String::new());
    }
    for row in tables["field_values"].iter().filter(holds) {
        say(row, &["case_id", "field", "since", "value"], String::new());
    }
    for row in tables["milestones"].iter().filter(holds) {
        // A due instant that has been reached stays (3.6).
        let due_at = at(row, "due_at").filter(|due_at| *due_at <= until);
        say(row, &["case_id", "milestone", "n", "started_at"], format!("{due_at:?} {}", outcome(row, until)));
    }
    let past: [(&str, &str, &[&str]); 5] = [
        (
            "turns",
            "answered_at",
            &["case_id", "n", "asked_at", "answered_at", "answered_by", "active_ms", "business_ms"],
        ),
        ("resolutions", "resolved_at", &["case_id", "n", "resolved_at", "agent", "active_ms", "business_ms"]),
        ("assignments", "assigned_at", &["case_id", "n", "agent", "assigned_at", "automatic"]),
        ("messages", "time", &["case_id", "message", "time", "by", "place"]),
        ("findings", "time", &["time", "source", "id", "rule", "effect"]),
    ];
    for (table, column, columns) in past {
        for row in tables[table].iter().filter(|row| at(row, column).is_some_and(|time| time <= until)) {
            say(row, columns, String::new());
        }
    }
    shown
}

/// 2.8, 3: the facts of the events up to T are those of the whole log as of T.
fn a_prefix_agrees_with_the_whole(facts: Facts, lines: &[Value], until: i64) -> Verdict {
    let (then, now) = (as_of(&facts(&prefix(lines, until)), until), as_of(&facts(lines), until));
    let only = |left: &BTreeSet<String>, right: &BTreeSet<String>| left.difference(right).cloned().collect::<Vec<_>>();
    prop_assert!(then == now, "as of {until}: then {:#?}, now {:#?}", only(&then, &now), only(&now, &then));
    Ok(())
}

/// 2.8, 4: order, batches and repetitions of the input change nothing.
fn order_does_not_matter(facts: Facts, lines: &[Value], shuffled: &[Value]) -> Verdict {
    let found = differences(&facts(lines), &facts(shuffled));
    prop_assert!(found.is_empty(), "{}", found.join("\n"));
    Ok(())
}

/// 3.6: where neither priority nor policy changes, what the ledger has counted at `due_at` is the target.
fn a_steady_target_is_reached_when_due(facts: Facts, lines: &[Value]) -> Verdict {
    let mut policies = BTreeSet::new();
    let steady = |line: &&Value| match line["type"].as_str() {
        Some("policy.updated") => policies.insert(line["subject"].to_string()),
        Some("case.priority_changed") => false,
        _ => true,
    };
    let lines: Vec<Value> = lines.iter().filter(steady).cloned().collect();
    let tables = facts(&lines);
    for clock in &tables["milestones"] {
        let ledger = of(&tables, "ledger", clock, &["case_id", "milestone", "n"]);
        let end = ledger.last().and_then(|row| at(row, "until")).or(at(clock, "started_at")).unwrap_or(0);
        let until = at(clock, "due_at").unwrap_or(end).min(end);
        let length = |row: &&Row| (at(row, "until").unwrap_or(0).min(until) - at(row, "since").unwrap_or(0)).max(0);
        let counted: i64 = ledger.iter().filter(|row| row["label"] == "counted").map(length).sum();
        let is_reached = at(clock, "due_at").is_some_and(|due_at| due_at <= end);
        let target = whole(clock, "target_ms");
        prop_assert!(if is_reached { counted == target } else { counted < target }, "{:?} {}", clock, counted);
    }
    Ok(())
}

/// Checks every law on random histories. One that breaks a law is shrunk and kept.
fn examine(facts: Facts, histories: u32) {
    let lines = || prop_oneof![history(), clock_history()];
    let instants = || (0..400_usize, -1..=1_i64);
    let strategy = lines().prop_flat_map(move |lines| {
        let shuffled = Just(lines.clone()).prop_shuffle();
        (Just(lines), shuffled, instants(), instants())
    });
    let outcome = runner(histories).run(&strategy, |(lines, shuffled, from, to)| {
        let tables = facts(&lines);
        let (from, to) = (some_instant(&lines, from), some_instant(&lines, to));
        periods_tile(&tables)?;
        ledgers_sum_to_their_clocks(&tables)?;
        instances_do_not_overlap(&tables)?;
        backlog_adds_up(&tables, from, to)?;
        order_does_not_matter(facts, &lines, &shuffled)?;
        a_prefix_agrees_with_the_whole(facts, &lines, to)?;
        a_steady_target_is_reached_when_due(facts, &lines)
    });
    match outcome {
        Err(TestError::Fail(reason, (lines, ..))) => panic!("{reason}\n\nkept as {}", keep(&lines).display()),
        outcome => outcome.unwrap(),
    }
}

#[test]
fn the_program_keeps_the_laws() {
    examine(facts, histories_asked());
}

#[test]
fn the_auditor_keeps_the_laws() {
    examine(audit, histories_asked());
}
