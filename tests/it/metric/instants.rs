//! Stocks whose value depends on when they are read.

use serde_json::Value;

use super::{answer, ask, metric_file};
use crate::project::Project;

const HEADER: &str = "-- unit: ms\n-- kind: stock\n-- aggregate: median\n-- date: none\n";

/// The age of unresolved cases in SQL that is read at one instant after the other.
const AGE_AT: &str = "SELECT case_id, since, until, agent, ms AS value, CASE WHEN ms < 86400000 THEN 'new' ELSE 'old' END AS age\n\
     FROM (SELECT p.case_id, p.since, p.until, p.assignee AS agent, CAST($at AS BIGINT) - CAST(c.created_at AS BIGINT) AS ms\n\
     FROM periods p JOIN cases c ON c.case_id = p.case_id WHERE p.status IN ('new', 'open')) AS unresolved\n";

/// The same in SQL that is read at many instants at once.
const AGE_AT_READS: &str = "SELECT case_id, at, agent, ms AS value, CASE WHEN ms < 86400000 THEN 'new' ELSE 'old' END AS age\n\
     FROM (SELECT p.case_id, p.at, p.agent, CAST(p.at AS BIGINT) - CAST(c.created_at AS BIGINT) AS ms\n\
     FROM (SELECT case_id, assignee AS agent, unnest(stock_reads(since, until)) AS at FROM periods\n\
     WHERE status IN ('new', 'open')) AS p JOIN cases c ON c.case_id = p.case_id) AS unresolved\n";

#[test]
fn a_stock_is_the_same_at_one_instant_after_the_other_and_at_many_at_once() {
    let project = Project::new();
    project.write("events.ndjson", project.run(&["generate", "--cases", "120", "--seed", "5"]).stdout);
    project.ingest(&["events.ndjson"], 0);
    project.write("queries/age_at.sql", metric_file("age_at", &format!("{HEADER}{AGE_AT}")));
    project.write("queries/age_at_reads.sql", metric_file("age_at_reads", &format!("{HEADER}{AGE_AT_READS}")));
    let mut rows = 0;
    for question in [
        "--range 2026-05-04..2026-05-07 --grain hour --show count,mean,median,p90,min,max",
        "--range 2026-04..2026-05 --grain day --by agent --show count,sum,median,opening",
        "--range 2026-05 --grain day --by age",
        "--range 2026-05 --grain week --by platform --where age=old",
        "--range 2026-05 --by priority --show closing,count",
    ] {
        let expected = answer(&project, &format!("age_at {question}"));
        assert_eq!(answer(&project, &format!("age_at_reads {question}")), expected, "{question}");
        let has_value = |row: &&Value| row["median"].is_i64() || row["median"].is_f64();
        rows += expected.as_array().unwrap().iter().filter(has_value).count();
    }
    assert!(rows > 100, "only {rows} rows have a value");
}

#[test]
fn reads_are_of_a_stock_that_gives_their_instants() {
    let project = Project::new();
    project.write("events.ndjson", "");
    let error = |header: &str, sql: &str| {
        project.write("queries/mine.sql", metric_file("mine", &format!("{header}{sql}")));
        ask(&project, "mine --range 2026").stderr
    };
    let without_at =
        "SELECT case_id, since, assignee AS agent, 1 AS value, stock_reads(since, until) AS reads FROM periods\n";
    let shown = error(HEADER, without_at);
    assert!(shown.contains("lacks the column `at`"), "{shown}");
    let flow = HEADER.replace("kind: stock", "kind: flow");
    let shown = error(&flow, AGE_AT_READS);
    assert!(shown.contains("stock_reads"), "{shown}");
}
