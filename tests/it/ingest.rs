//! What `ingest` reads: folders and patterns, arrays, tables, streams that never end; and the way back out of the quarantine.

use std::io::Write;

use casebook::generate::{Plan, write_events};
use serde_json::{Value, json};

use crate::project::Project;

fn closed(id: &str) -> String {
    let time = "2026-03-02T09:00:00Z";
    json!({"id": id, "source": "test", "type": "case.closed", "subject": "C", "time": time}).to_string()
}

#[test]
fn a_folder_is_read_whole_in_the_order_of_names_so_that_the_first_of_two_contents_stays() {
    let project = Project::new();
    project.write("feeds/b.ndjson", closed("same").replace("\"C\"", "\"late\""));
    project.write("feeds/a/x.jsonl", closed("same").replace("\"C\"", "\"early\""));
    project.write("feeds/a/readme.txt", "no events");
    let ran = project.run(&["ingest", "feeds", "--format", "json"]);
    assert_eq!((&ran.summary(1)["added"], &ran.summary(1)["conflicts"]), (&json!(1), &json!(1)));
    assert_eq!(project.value("SELECT subject FROM events"), "early");
    assert!(ran.stderr.starts_with("note: passed over feeds/a/readme.txt, "), "{}", ran.stderr);
}

#[test]
fn a_pattern_is_taken_as_a_shell_takes_it_and_none_found_is_not_done() {
    let project = Project::new();
    for name in ["one", "two"] {
        project.write(&format!("feeds/{name}.ndjson"), closed(name));
    }
    assert_eq!(project.ingest(&["feeds/*.ndjson"], 0)["added"], 2);
    let none = project.run(&["ingest", "feeds/*.csv"]);
    assert_eq!((none.code, none.stdout.as_str()), (2, ""));
    assert!(none.stderr.starts_with("error: feeds/*.csv: no file matches this pattern\nhint: "), "{}", none.stderr);
    std::fs::create_dir(project.path("empty")).unwrap();
    let empty = project.run(&["ingest", "empty"]);
    assert_eq!(empty.code, 2);
    assert!(empty.stderr.starts_with("error: empty: found no file of events in this folder\n"), "{}", empty.stderr);
}

/// A made-up desk's events.
fn made_up() -> Vec<u8> {
    let mut bytes = Vec::new();
    write_events(&Plan { cases: 60, seed: 7, days: 20 }, &mut bytes).unwrap();
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What `quarantine list` says of each line: file, line, offset, rule, text.
fn set_aside(project: &Project) -> Vec<Value> {
    let ran = project.run(&["quarantine", "list", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let rows: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
    rows.iter().map(|row| json!([row["file"], row["line"], row["offset"], row["rule"], row["text"]])).collect()
}

#[test]
fn an_array_of_events_is_the_events_packed_or_not_from_a_file_or_a_pipe() {
    let events = made_up();
    let values: Vec<Value> = serde_json::Deserializer::from_slice(&events).into_iter().map(Result::unwrap).collect();
    let project = Project::new();
    assert_eq!(project.ingest(&[project.write("events.ndjson", &events)], 0)["added"], values.len());
    let array = serde_json::to_vec_pretty(&values).unwrap();
    project.write("a.json", &array);
    project.write("b.json.gz", gzip(&array));
    project.write("c.json.zst", zstd::encode_all(&array[..], 3).unwrap());
    let again = project.ingest(&["a.json", "b.json.gz", "c.json.zst"], 0);
    assert_eq!((&again["read"], &again["duplicates"]), (&json!(3 * values.len()), &json!(3 * values.len())));
    assert_eq!(again["bytes"], 3 * array.len());
    let mut child = project.start(&["ingest", "-", "--summary", "json"]);
    child.stdin.take().unwrap().write_all(serde_json::to_string(&values).unwrap().as_bytes()).unwrap();
    assert_eq!(Project::wait(child).summary(0)["duplicates"], values.len());
}

#[test]
fn a_broken_array_keeps_what_stands_before_the_break_and_sets_the_rest_aside_as_one_line() {
    let project = Project::new();
    let head = format!("[{},\n {{\"id\":\"no event\"}},\n{}", closed("a"), closed("b"));
    project.write("broken.json", format!("{head},\n{{\"id\":\"c\"]}},\n{}]", closed("d")));
    let summary = project.ingest(&["broken.json"], 1);
    assert_eq!((&summary["read"], &summary["added"], &summary["quarantined"]), (&json!(4), &json!(2), &json!(2)));
    let (second, rest) = (closed("a").len() + 4, head.len() + 2);
    let expected = [
        json!(["broken.json", 2, second, "missing_attribute", "{\"id\":\"no event\"}"]),
        json!(["broken.json", 4, rest, "invalid_json", format!("{{\"id\":\"c\"]}},\n{}]", closed("d"))]),
    ];
    assert_eq!(set_aside(&project), expected);
}
