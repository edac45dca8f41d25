//! The log from outside: each event once, in whatever order it arrives; broken lines are set aside; nothing is lost.

use std::io::Write;
use std::path::PathBuf;

use casebook::generate::{Plan, write_events};
use serde_json::{Value, json};

use crate::project::{Project, Ran, assert_same_facts, of_repository};

/// Generated events, one on each line.
fn generated(cases: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_events(&Plan { cases, seed: 7, days: 30 }, &mut bytes).unwrap();
    bytes
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect()
}

fn created(id: &str, time: &str, customer: &str) -> String {
    json!({
        "id": id, "source": "test", "type": "case.created", "subject": id, "time": time, "data": {"customer": customer},
    })
    .to_string()
}

fn good(id: &str) -> String {
    created(id, "2026-03-02T09:00:00Z", "c")
}

#[test]
fn ingesting_twice_adds_nothing_and_leaves_every_fact_as_it_was() {
    let project = Project::new();
    let events = project.write("events.ndjson", generated(300));
    let first = project.ingest(&[&events], 0);
    assert_eq!((&first["added"], &first["duplicates"]), (&first["read"], &json!(0)));
    let facts = project.facts();
    let second = project.ingest(&[&events], 0);
    assert_eq!(second["added"], 0);
    assert_eq!((&second["duplicates"], &second["read"]), (&first["read"], &first["read"]));
    assert_eq!(project.run(&["replay", "--full"]).code, 0);
    assert_same_facts(&facts, &project.facts());
}

#[test]
fn order_and_batches_of_arrival_change_no_fact() {
    let events = generated(300);
    let straight = Project::new();
    straight.ingest(&[straight.write("events.ndjson", &events)], 0);
    let mut lines = lines(&events);
    shuffle(&mut lines);
    let parts: Vec<Vec<u8>> = lines.chunks(lines.len().div_ceil(10)).map(|part| part.join(&b'\n')).collect();
    assert_eq!(parts.len(), 10);
    let shuffled = Project::new();
    for (number, part) in parts.iter().enumerate() {
        shuffled.ingest(&[shuffled.write(&format!("{number}.ndjson"), part)], 0);
    }
    let expected = straight.facts();
    assert!(expected.iter().filter(|(_, rows)| !rows.is_empty()).count() > 8, "the generated desk fills the tables");
    assert_same_facts(&expected, &shuffled.facts());
}

/// Findings, deletions and presence depend on the order of events most of all, and the worked cases have many of them.
#[test]
fn worked_cases_that_arrive_in_reverse_are_the_same_cases() {
    for name in ["01-life", "07-desk", "08-edges"] {
        let events = std::fs::read(of_repository(&format!("tests/golden/{name}.ndjson"))).unwrap();
        let (straight, backwards) = (Project::new(), Project::new());
        straight.ingest(&[straight.write("events.ndjson", &events)], 0);
        let lines: Vec<&[u8]> = lines(&events).into_iter().rev().collect();
        for (number, part) in lines.chunks(lines.len().div_ceil(6)).enumerate() {
            backwards.ingest(&[backwards.write(&format!("{number}.ndjson"), part.join(&b'\n'))], 0);
        }
        assert_same_facts(&straight.facts(), &backwards.facts());
    }
}

/// Shuffles thoroughly, and to the same order every time.
fn shuffle<T>(items: &mut [T]) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for last in (1..items.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        items.swap(last, usize::try_from(state % (last as u64 + 1)).unwrap());
    }
}

/// Five lines that break a rule, each after a good line; and the number and rule of each.
fn broken() -> (Vec<u8>, [(usize, &'static str); 5]) {
    let long = good("long").replace("\"c\"", &format!("\"{}\"", "x".repeat(2 << 20)));
    let status = r#"{"id":"e","source":"test","type":"case.status_changed","subject":"a","time":"2026-03-02T10:00:00Z","data":{"status":"perhaps"}}"#;
    let mut invalid = good("utf8").into_bytes();
    let at = invalid.iter().position(|byte| *byte == b'c').unwrap();
    invalid[at] = 0xff;
    let bad: [(Vec<u8>, &str); 5] = [
        (br#"{"id":"b","source":"#.to_vec(), "invalid_json"),
        (status.as_bytes().to_vec(), "unknown_value"),
        (created("o", "2026-03-02T09:00:00", "c").into_bytes(), "time_without_offset"),
        (invalid, "invalid_utf8"),
        (long.into_bytes(), "line_too_long"),
    ];
    let (mut file, mut offsets) = (Vec::new(), Vec::new());
    for (number, (line, rule)) in bad.iter().enumerate() {
        file.extend(good(&format!("good-{number}")).into_bytes());
        file.push(b'\n');
        offsets.push((file.len(), *rule));
        file.extend(line);
        file.push(b'\n');
    }
    file.extend(good("good-5").into_bytes());
    (file, offsets.try_into().unwrap())
}

#[test]
fn broken_lines_are_set_aside_with_their_position_and_rule_and_the_good_ones_are_added() {
    let (file, expected) = broken();
    let project = Project::new();
    project.write("mixed.ndjson", file);
    let summary = project.ingest(&["mixed.ndjson"], 1);
    assert_eq!((&summary["read"], &summary["added"], &summary["quarantined"]), (&json!(11), &json!(6), &json!(5)));
    assert_eq!(project.value("SELECT count(*) FROM cases"), 6);
    let listed = listed(&project);
    let found: Vec<Value> =
        listed.iter().map(|row| json!([row["file"], row["line"], row["offset"], row["rule"]])).collect();
    let expected =
        (1..).zip(expected).map(|(number, (offset, rule))| json!(["mixed.ndjson", number * 2, offset, rule]));
    assert_eq!(found, expected.collect::<Vec<_>>());
    assert!(listed.iter().all(|row| row["detail"].as_str().is_some_and(|detail| !detail.is_empty())));

    let again = project.ingest(&["mixed.ndjson"], 1);
    assert_eq!((&again["added"], &again["duplicates"], &again["quarantined"]), (&json!(0), &json!(6), &json!(5)));
    assert_eq!(self::listed(&project), listed, "the same lines, listed once");
}

fn listed(project: &Project) -> Vec<Value> {
    let ran = project.run(&["quarantine", "list", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn the_quarantine_is_listed_before_there_are_facts() {
    let project = Project::new();
    project.write("bad.ndjson", format!("{}\n", "x".repeat(300)));
    project.ingest(&["bad.ndjson"], 1);
    let table = project.run(&["quarantine", "list"]);
    assert!(table.stdout.contains("invalid_json") && !table.stdout.contains(&"x".repeat(61)), "{}", table.stdout);
    assert_eq!(listed(&project)[0]["text"], "x".repeat(300));
    assert!(!project.path("store/facts").exists());
}

#[test]
fn of_two_contents_of_one_identity_the_first_stays() {
    let project = Project::new();
    let (first, other) = (created("a", "2026-03-02T09:00:00Z", "first"), created("a", "2026-03-02T09:00:00Z", "other"));
    project.write("a.ndjson", format!("{first}\n{other}\n{first}\n"));
    let summary = project.ingest(&["a.ndjson"], 1);
    assert_eq!((&summary["added"], &summary["duplicates"], &summary["conflicts"]), (&json!(1), &json!(1), &json!(1)));
    project.write("b.ndjson", &other);
    let summary = project.ingest(&["b.ndjson"], 1);
    assert_eq!((&summary["added"], &summary["conflicts"], &summary["quarantined"]), (&json!(0), &json!(1), &json!(1)));
    assert_eq!(project.value("SELECT customer FROM cases"), "first");
    let places: Vec<Value> =
        listed(&project).iter().map(|row| json!([row["file"], row["line"], row["rule"]])).collect();
    assert_eq!(places, [json!(["a.ndjson", 2, "conflict"]), json!(["b.ndjson", 1, "conflict"])]);
}

#[test]
fn equal_values_in_another_spelling_are_one_event() {
    let project = Project::new();
    let spelled = r#"{"data":{"customer":"\u0063","score":1.0},"time":"2026-03-02T10:00:00.0001+01:00","subject":"a","type":"case.created","source":"test","id":"a"}"#;
    let plain = r#"{"id":"a","source":"test","type":"case.created","subject":"a","time":"2026-03-02T09:00:00Z","sequence":0,"data":{"score":1,"customer":"c"}}"#;
    project.write("a.ndjson", format!("{plain}\n{spelled}\n"));
    let summary = project.ingest(&["a.ndjson"], 0);
    assert_eq!((&summary["added"], &summary["duplicates"]), (&json!(1), &json!(1)));
}

#[test]
fn packed_files_and_standard_input_give_the_same_as_the_plain_file() {
    let events = generated(40);
    let plain = Project::new();
    plain.ingest(&[plain.write("events.ndjson", &events)], 0);
    let expected = plain.facts();

    let gzip = Project::new();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&events).unwrap();
    gzip.ingest(&[gzip.write("events.ndjson.gz", encoder.finish().unwrap())], 0);
    assert_same_facts(&expected, &gzip.facts());

    let zstandard = Project::new();
    zstandard.ingest(&[zstandard.write("events.ndjson.zst", zstd::encode_all(&events[..], 3).unwrap())], 0);
    assert_same_facts(&expected, &zstandard.facts());

    let piped = Project::new();
    let ran = pipe(&piped, &events);
    assert_eq!(ran.summary(0)["added"], lines(&events).len());
    assert_same_facts(&expected, &piped.facts());
}

/// Ingests standard input.
fn pipe(project: &Project, events: &[u8]) -> Ran {
    let mut child = project.start(&["ingest", "-", "--summary", "json"]);
    child.stdin.take().unwrap().write_all(events).unwrap();
    Project::wait(child)
}

#[test]
fn two_ingestions_at_once_lose_nothing() {
    let events = generated(200);
    let lines = lines(&events);
    let (early, late) = (&lines[..lines.len() * 2 / 3], &lines[lines.len() / 3..]);
    let project = Project::new();
    let files: [PathBuf; 2] =
        [project.write("early.ndjson", early.join(&b'\n')), project.write("late.ndjson", late.join(&b'\n'))];
    let children = files.each_ref().map(|file| {
        let arguments = ["ingest".as_ref(), "--summary".as_ref(), "json".as_ref(), file.as_os_str()];
        project.start(&arguments)
    });
    let summaries = children.map(|child| Project::wait(child).summary(0));
    let sum = |name: &str| summaries.iter().map(|summary| summary[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!(sum("added"), lines.len() as u64);
    assert_eq!(sum("duplicates"), (early.len() + late.len() - lines.len()) as u64);
    let alone = Project::new();
    alone.ingest(&[alone.write("events.ndjson", &events)], 0);
    assert_same_facts(&alone.facts(), &project.facts());
}

#[test]
fn a_missing_file_adds_nothing_and_is_named() {
    let project = Project::new();
    project.write("a.ndjson", good("a"));
    let ran = project.run(&["ingest", "a.ndjson", "missing.ndjson"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.starts_with("error: missing.ndjson: "), "{}", ran.stderr);
    assert_eq!(project.value("SELECT count(*) FROM events"), 0);
}
