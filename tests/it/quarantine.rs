//! The way out of the quarantine: set-aside lines exported byte by byte, repaired, and tried again.

use serde_json::{Value, json};

use crate::project::Project;

fn event(id: &str, time: &str) -> String {
    json!({"id": id, "source": "test", "type": "case.closed", "subject": "C", "time": time}).to_string()
}

const GOOD: &str = "2026-03-02T09:00:00Z";
const LOCAL: &str = "2026-03-02T09:00:00";

/// What `quarantine list` shows of each line: file, line, rule.
fn set_aside(project: &Project) -> Vec<Value> {
    let ran = project.run(&["quarantine", "list", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let rows: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
    rows.iter().map(|row| json!([row["file"], row["line"], row["rule"]])).collect()
}

fn retry(project: &Project, arguments: &[&str], code: i32) -> Value {
    project.run(&[&["quarantine", "retry", "--format", "json"], arguments].concat()).summary(code)
}

fn counts(summary: &Value) -> Vec<u64> {
    ["read", "added", "duplicates", "quarantined", "released", "remaining"]
        .map(|name| summary[name].as_u64().unwrap())
        .into()
}

/// A project with four set-aside lines: a time without an offset, a torn line, no UTF-8, and a conflict.
fn project() -> (Project, Vec<u8>) {
    let project = Project::new();
    let mut torn = event("torn", GOOD).into_bytes();
    torn.truncate(torn.len() - 9);
    let mut latin = event("latin", GOOD).into_bytes();
    let at = latin.iter().position(|byte| *byte == b'C').unwrap();
    latin[at] = 0xe9;
    let lines = [event("local", LOCAL).into_bytes(), torn, latin];
    let mut file = [event("good", GOOD).into_bytes(), lines.join(&b'\n')].join(&b'\n');
    file.extend(format!("\n{}\n", event("good", "2026-03-02T10:00:00Z")).into_bytes());
    project.write("a.ndjson", &file);
    assert_eq!(project.ingest(&["a.ndjson"], 1)["quarantined"], 4);
    (project, lines.join(&b'\n'))
}

#[test]
fn lines_are_exported_as_they_were_all_of_them_or_some() {
    let (project, lines) = project();
    let ran = project.run(&["quarantine", "export", "--file", "a.ndjson", "-o", "bad.ndjson"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, "4 lines exported\n"));
    let bytes = std::fs::read(project.path("bad.ndjson")).unwrap();
    assert!(bytes.starts_with(&[&lines[..], b"\n"].concat()), "{}", String::from_utf8_lossy(&bytes));
    assert!(bytes.ends_with(b"}\n"));
    let some = project.run(&["quarantine", "export", "--rule", "time_without_offset"]);
    assert_eq!(some.stdout, format!("{}\n", event("local", LOCAL)));
    let hint = "hint: no quarantined line has the file `other`; `casebook quarantine list` shows what there is\n";
    let none = project.run(&["quarantine", "export", "--file", "other"]);
    assert_eq!(none.stderr, format!("0 lines exported\n{hint}"));
    let none = project.run(&["quarantine", "retry", "--file", "other"]);
    assert!(none.stderr.starts_with(&format!("released 0 from the quarantine, 4 remain\n{hint}")), "{}", none.stderr);
}

#[test]
fn repaired_lines_are_in_the_log_and_no_longer_set_aside_and_the_others_stay_as_they_are() {
    let (project, _) = project();
    let before = set_aside(&project);
    project.run(&["quarantine", "export", "-o", "bad.ndjson"]);
    let mut lines: Vec<Vec<u8>> =
        std::fs::read(project.path("bad.ndjson")).unwrap().split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    lines[0] = event("local", GOOD).into_bytes();
    lines[1] = event("torn", GOOD).into_bytes();
    project.write("bad.ndjson", lines.join(&b'\n'));
    let summary = retry(&project, &["bad.ndjson"], 1);
    assert_eq!(counts(&summary), [4, 2, 0, 2, 2, 2]);
    assert_eq!(set_aside(&project), before[2..]);
    assert_eq!(project.value("SELECT count(*) FROM events"), 3);
    // Once more changes nothing.
    assert_eq!(counts(&retry(&project, &["bad.ndjson"], 1)), [4, 0, 2, 2, 0, 2]);
    // The log's own content settles the conflict.
    project.write("settled.ndjson", event("good", GOOD));
    assert_eq!(counts(&retry(&project, &["settled.ndjson"], 0)), [1, 0, 1, 0, 1, 1]);
}

/// As after an interruption between the two commits of a retry: the event is in the log, the line still set aside.
#[test]
fn a_line_whose_event_is_in_the_log_already_leaves() {
    let (project, _) = project();
    project.write("b.ndjson", event("local", GOOD));
    project.ingest(&["b.ndjson"], 0);
    assert_eq!(counts(&retry(&project, &["b.ndjson"], 0)), [1, 0, 1, 0, 1, 3]);
}

/// What follows a closed array is set aside whatever it is; as a line of its own it may be good.
#[test]
fn lines_that_are_good_as_they_are_leave_and_a_conflict_keeps_the_first() {
    let project = Project::new();
    for (name, id) in [("a.json", "same"), ("b.json", "same"), ("c.json", "other")] {
        let time = if name == "a.json" { GOOD } else { "2026-03-02T10:00:00Z" };
        project.write(name, format!("[]\n{}", event(id, time)));
    }
    project.write("d.json", "[]\nno event");
    assert_eq!(project.ingest(&["a.json", "b.json", "c.json", "d.json"], 1)["quarantined"], 4);
    assert_eq!(counts(&retry(&project, &["--file", "c.json"], 0)), [1, 1, 0, 0, 1, 3]);
    let summary = retry(&project, &[], 1);
    assert_eq!((&counts(&summary)[..3], &summary["conflicts"]), (&[3, 1, 0][..], &json!(1)));
    assert_eq!(set_aside(&project), [json!(["b.json", 2, "conflict"]), json!(["d.json", 2, "invalid_json"])]);
    assert_eq!(project.value("SELECT count(*) FROM events"), 2);
    let again = retry(&project, &[], 1);
    assert_eq!((&again["added"], &again["released"], &again["remaining"]), (&json!(0), &json!(0), &json!(2)));
}

#[test]
fn a_retry_without_a_log_names_the_command_that_makes_one() {
    let project = Project::new();
    let ran = project.run(&["quarantine", "retry"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
}

/// Removes lines for good, and gives the summary.
fn remove(project: &Project, arguments: &[&str]) -> Value {
    project.run(&[&["quarantine", "remove", "--format", "json"], arguments].concat()).summary(0)
}

#[test]
fn lines_are_removed_by_rule_or_file_after_they_were_shown() {
    let (project, _) = project();
    project.write("b.ndjson", "no event\n");
    project.ingest(&["b.ndjson"], 1);
    let before = set_aside(&project);
    let shown = project.run(&["quarantine", "remove", "--rule", "invalid_json"]);
    assert_eq!(shown.code, 0);
    for name in ["a.ndjson", "b.ndjson", "invalid_json"] {
        assert!(shown.stdout.contains(name), "{}", shown.stdout);
    }
    assert!(!shown.stdout.contains("conflict"), "{}", shown.stdout);
    assert_eq!(
        shown.stderr,
        "2 of 5 quarantined lines would be removed\nhint: add `--yes` to remove them; `casebook quarantine export` keeps a copy\n"
    );
    let of_json = remove(&project, &["--rule", "invalid_json"]);
    let lines = json!([{"file": "a.ndjson", "rule": "invalid_json", "lines": 1}, {"file": "b.ndjson", "rule": "invalid_json", "lines": 1}]);
    assert_eq!((&of_json["lines"], &of_json["removed"], &of_json["remaining"]), (&lines, &json!(0), &json!(5)));
    assert_eq!(set_aside(&project), before, "nothing was removed");

    let done = project.run(&["quarantine", "remove", "--file", "a.ndjson", "--rule", "invalid_json", "--yes"]);
    assert_eq!((done.code, done.stderr.as_str()), (0, "removed 1 quarantined line, 4 remain\n"));
    let expected: Vec<Value> =
        before.iter().filter(|line| **line != json!(["a.ndjson", 3, "invalid_json"])).cloned().collect();
    assert_eq!(set_aside(&project), expected);
    let all = remove(&project, &["--all", "--yes"]);
    assert_eq!((&all["removed"], &all["remaining"]), (&json!(4), &json!(0)));
    assert!(set_aside(&project).is_empty());
    assert_eq!(project.value("SELECT count(*) FROM events"), 1, "events stay");
    // A line that was removed is set aside again where its file is ingested again.
    assert_eq!(project.ingest(&["b.ndjson"], 1)["quarantined"], 1);
    assert_eq!(set_aside(&project), [json!(["b.ndjson", 1, "invalid_json"])]);
}

#[test]
fn a_removal_asks_which_lines_and_names_the_nearest_where_none_match() {
    let (project, _) = project();
    assert_eq!(project.run(&["quarantine", "remove", "--yes"]).code, 2);
    assert_eq!(project.run(&["quarantine", "remove", "--all", "--rule", "conflict"]).code, 2);
    let none = project.run(&["quarantine", "remove", "--rule", "invalid_jsn", "--yes"]);
    assert_eq!(none.code, 0);
    assert_eq!(
        none.stderr,
        "nothing to remove: no quarantined line matches\n\
         hint: no quarantined line has the rule `invalid_jsn`; did you mean `invalid_json`?\n"
    );
    assert_eq!(remove(&project, &["--file", "other", "--yes"])["removed"], 0);
    assert_eq!(set_aside(&project).len(), 4);
}
