//! What must hold of the auditor itself.

use super::histories::{clock_history, history};
use super::{Row, Tables, audit, differences, instant, outcome};
use proptest::prelude::*;
use serde_json::Value;

fn whole(row: &Row, column: &str) -> i64 {
    row[column].as_i64().unwrap_or(0)
}

fn at(row: &Row, column: &str) -> Option<i64> {
    row[column].as_str().map(instant)
}

/// Rows of a table that belong to a row of another.
fn of<'a>(tables: &'a Tables, table: &str, owner: &'a Row, columns: &'a [&'a str]) -> Vec<&'a Row> {
    tables[table].iter().filter(|row| columns.iter().all(|column| row[*column] == owner[*column])).collect()
}

/// The events up to an instant.
fn prefix(lines: &[Value], until: i64) -> Vec<Value> {
    let is_within = |line: &&Value| line["time"].as_str().is_some_and(|time| instant(time) <= until);
    lines.iter().filter(is_within).cloned().collect()
}

/// The same lines in another order.
fn with_shuffled(lines: Vec<Value>) -> impl Strategy<Value = (Vec<Value>, Vec<Value>)> {
    (Just(lines.clone()), Just(lines).prop_shuffle())
}

/// The milliseconds of a ledger's row before an instant.
fn length_until(row: &Row, until: i64) -> i64 {
    (at(row, "until").unwrap_or(0).min(until) - at(row, "since").unwrap_or(0)).max(0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// 2.8.1: any set of events gives facts; 2.8.4: their order does not matter.
    #[test]
    fn order_does_not_matter((lines, shuffled) in history().prop_flat_map(with_shuffled)) {
        let found = differences(&audit(&lines), &audit(&shuffled));
        prop_assert!(found.is_empty(), "{}", found.join("\n"));
    }

    /// 2.8.6: the intervals of a clock sum to its times, tile it, and its labels differ from neighbour to neighbour.
    #[test]
    fn ledgers_sum_to_their_clocks(lines in prop_oneof![history(), clock_history()]) {
        let tables = audit(&lines);
        for clock in &tables["milestones"] {
            let ledger = of(&tables, "ledger", clock, &["case_id", "milestone", "n"]);
            let mut next = at(clock, "started_at");
            let mut sums = std::collections::BTreeMap::new();
            for row in &ledger {
                prop_assert_eq!(at(row, "since"), next);
                next = at(row, "until");
                *sums.entry(row["label"].as_str().unwrap_or_default()).or_insert(0) += length_until(row, i64::MAX);
            }
            if clock["elapsed_ms"].is_null() {
                continue;
            }
            let labels = ["counted", "off_hours", "holiday", "paused", "gap"];
            let sum: i64 = labels.map(|label| whole(clock, &format!("{label}_ms"))).iter().sum();
            prop_assert_eq!(sum, whole(clock, "elapsed_ms"));
            for label in labels {
                prop_assert_eq!(sums.get(label).copied().unwrap_or(0), whole(clock, &format!("{label}_ms")));
            }
        }
    }

    /// 2.8.2: periods tile the life of a case, none of zero length.
    #[test]
    fn periods_tile(lines in history()) {
        let tables = audit(&lines);
        for case in &tables["cases"] {
            let mut next = at(case, "created_at");
            for period in of(&tables, "periods", case, &["case_id"]) {
                prop_assert_eq!(at(period, "since"), next);
                next = at(period, "until");
                prop_assert!(next.is_none_or(|next| Some(next) > at(period, "since")));
            }
            prop_assert_eq!(next, at(case, "deleted_at"));
        }
    }

    /// 2.8.3: what the events up to T give is what the whole log says of T: status, assignee, and the outcome of each
    /// instance that is valid at T.
    #[test]
    fn as_of_is_as_it_was(lines in prop_oneof![history(), clock_history()], slot in 0..300i64, base in 0..400usize) {
        let tables = audit(&lines);
        let times: Vec<i64> = lines.iter().filter_map(|line| line["time"].as_str()).map(instant).collect();
        let until = times[base % times.len()] + (slot % 3 - 1) * (slot % 2);
        let earlier = audit(&prefix(&lines, until));
        let holds = |row: &&Row| at(row, "since") <= Some(until) && at(row, "until").is_none_or(|t| t > until);
        let columns = ["case_id", "status", "assignee", "priority", "profile", "since"];
        let periods = |tables: &Tables| -> Vec<Vec<Value>> {
            let rows = tables["periods"].iter().filter(holds);
            rows.map(|row| columns.iter().map(|column| row[*column].clone()).collect()).collect()
        };
        prop_assert_eq!(periods(&tables), periods(&earlier));
        // Outcomes, and that a due_at that is reached stays (3.6).
        let outcomes = |tables: &Tables| -> Vec<(Vec<Value>, &'static str, Option<i64>)> {
            let due = |row: &Row| at(row, "due_at").filter(|due| *due <= until);
            let key = |row: &Row| ["case_id", "milestone", "n"].map(|column| row[column].clone()).to_vec();
            let rows = tables["milestones"].iter().filter(holds);
            rows.map(|row| (key(row), outcome(row, until), due(row))).collect()
        };
        prop_assert_eq!(outcomes(&tables), outcomes(&earlier));
    }

    /// 3.3: the instances of a milestone (of a turn) follow one another without overlap.
    #[test]
    fn instances_do_not_overlap(lines in history()) {
        let tables = audit(&lines);
        for clock in &tables["milestones"] {
            let all = of(&tables, "milestones", clock, &["case_id", "milestone", "turn"]);
            for pair in all.windows(2) {
                prop_assert!(at(pair[0], "until").is_some() && at(pair[0], "until") <= at(pair[1], "since"));
            }
        }
    }

    /// 3.6: where neither priority nor policy changes, what the ledger has counted at `due_at` is the target.
    #[test]
    fn a_steady_target_is_reached_when_due(mut lines in clock_history()) {
        let mut policies = std::collections::BTreeSet::new();
        lines.retain(|line| match line["type"].as_str() {
            Some("policy.updated") => policies.insert(line["subject"].to_string()),
            Some("case.priority_changed") => false,
            _ => true,
        });
        let tables = audit(&lines);
        for clock in &tables["milestones"] {
            let ledger = of(&tables, "ledger", clock, &["case_id", "milestone", "n"]);
            let end = ledger.last().and_then(|row| at(row, "until")).or(at(clock, "started_at")).unwrap_or(0);
            let due = at(clock, "due_at");
            let until = due.unwrap_or(end).min(end);
            let counted = ledger.iter().filter(|row| row["label"] == "counted");
            let counted: i64 = counted.map(|row| length_until(row, until)).sum();
            let is_reached = due.is_some_and(|due| due <= end);
            let target = whole(clock, "target_ms");
            prop_assert!(if is_reached { counted == target } else { counted < target }, "{:?} {}", clock, counted);
        }
    }
}
