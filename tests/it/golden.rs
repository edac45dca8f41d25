//! The worked cases of the specification: each has events and the facts expected of them, compared as sets on the members that
//! a file shows.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::project::{Project, Row, of_repository};

#[test]
fn life_01() {
    check("01-life");
}

#[test]
fn office_02() {
    check("02-office");
}

#[test]
fn targets_03() {
    check("03-targets");
}

#[test]
fn clock_change_04() {
    check("04-clock-change");
}

#[test]
fn bots_05() {
    check("05-bots");
}

#[test]
fn gap_06() {
    check("06-gap");
}

#[test]
fn desk_07() {
    check("07-desk");
}

#[test]
fn edges_08() {
    check("08-edges");
}

#[test]
fn forgotten_09() {
    check("09-forgotten");
}

fn check(name: &str) {
    let project = Project::new();
    let summary = project.ingest(&[of_repository(&format!("tests/golden/{name}.ndjson"))], 0);
    assert_eq!(summary["added"], summary["read"]);
    let text = std::fs::read_to_string(of_repository(&format!("tests/golden/{name}.facts.json"))).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let cases = objects(&expected["cases"]);
    check_set(name, "cases", &cases, project.rows("SELECT * FROM cases"));
    for case in &cases {
        for (table, rows) in case.iter().filter(|(_, rows)| rows.is_array()) {
            let case_id = case["case_id"].as_str().unwrap();
            let found = match table.as_str() {
                "milestones" => milestones(&project, case_id, expected["as_of"].as_str().unwrap()),
                _ => project.rows(&format!("SELECT * FROM {table} WHERE case_id = '{case_id}'")),
            };
            check_set(&format!("{name}, {case_id}"), table, &objects(rows), found);
        }
    }
    check_set(name, "findings", &objects(&expected["findings"]), project.rows("SELECT * FROM findings"));
}

fn milestones(project: &Project, case_id: &str, as_of: &str) -> Vec<Row> {
    project.rows(&format!(
        "SELECT *, outcome(completed_at, stopped_at, disabled_at, due_at, TIMESTAMP '{as_of}') AS outcome
         FROM milestones WHERE case_id = '{case_id}'"
    ))
}

fn objects(list: &Value) -> Vec<Row> {
    list.as_array().unwrap().iter().map(|item| item.as_object().unwrap().clone()).collect()
}

/// Compares rows on the members that the expected ones show; lists under a row are tables of their own.
fn check_set(name: &str, table: &str, expected: &[Row], found: Vec<Row>) {
    let shown: BTreeSet<&String> = expected
        .iter()
        .flat_map(|row| row.iter())
        .filter(|(_, value)| !value.is_array())
        .map(|(member, _)| member)
        .collect();
    let texts = |rows: &[Row]| -> Vec<String> {
        let text = |row: &Row| -> String {
            let missing = Value::from("no such column");
            shown.iter().map(|member| format!("{member}={} ", row.get(*member).unwrap_or(&missing))).collect()
        };
        let mut texts: Vec<String> = rows.iter().map(text).collect();
        texts.sort();
        texts
    };
    let (expected, found) = (texts(expected), texts(&found));
    let less = |texts: &[String], others: &[String]| -> String {
        let mut others = others.to_vec();
        let mut is_alone = |text: &&String| {
            let twin = others.iter().position(|other| other == *text);
            twin.map(|twin| others.swap_remove(twin)).is_none()
        };
        texts.iter().filter(|text| is_alone(text)).map(|text| format!("  {text}\n")).collect()
    };
    let (missing, surplus) = (less(&expected, &found), less(&found, &expected));
    assert!(missing.is_empty() && surplus.is_empty(), "{name}: `{table}`\nmissing:\n{missing}not expected:\n{surplus}");
}

/// Each message came under two identities, as from a webhook that was sent again.
const REPEATED: &str = r#"{"id":"f1","source":"p","type":"case.created","subject":"F1","time":"2026-06-01T09:00:00Z","data":{"customer":"c"}}
{"id":"f2","source":"p","type":"case.created","subject":"F1","time":"2026-06-01T09:00:00Z","data":{"customer":"c"}}
{"id":"f3","source":"p","type":"message.received","subject":"F1","time":"2026-06-01T09:01:00Z","data":{"message":"mm"}}
{"id":"f4","source":"p","type":"message.received","subject":"F1","time":"2026-06-01T09:01:00Z","data":{"message":"mm"}}
{"id":"f5","source":"p","type":"message.sent","subject":"F1","time":"2026-06-01T09:05:00Z","data":{"message":"s1","by":"ana"}}
{"id":"f6","source":"p","type":"message.sent","subject":"F1","time":"2026-06-01T09:05:00Z","data":{"message":"s1","by":"ana"}}
{"id":"f7","source":"p","type":"case.status_changed","subject":"F1","time":"2026-06-01T10:00:00Z","data":{"status":"done"}}
{"id":"f8","source":"p","type":"case.status_changed","subject":"F1","time":"2026-06-01T10:00:00.500Z","data":{"status":"done"}}
"#;

#[test]
fn a_message_under_two_identities_counts_once() {
    let project = Project::new();
    project.write("events.ndjson", REPEATED);
    assert_eq!(project.ingest(&["events.ndjson"], 0)["added"], 8);
    let summary = project.run(&["replay", "--summary", "json"]).summary(0);
    assert_eq!(summary["noted"], json!({"message_repeated": 2, "status_unchanged": 1}));
    let counts = project.value("SELECT concat_ws(' ', messages_received, messages_sent, reopenings) FROM cases");
    assert_eq!(counts, "1 1 0");
    assert_eq!(project.value("SELECT concat_ws(' ', string_agg(message, ' ' ORDER BY time)) FROM messages"), "mm s1");
    assert_eq!(project.value("SELECT concat_ws(' ', rule, id) FROM findings"), "created_twice f2");
    let checks = project.run(&["check"]);
    assert_eq!(checks.code, 0, "{}", checks.stdout);
}
