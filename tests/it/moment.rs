//! Facts as of another moment: what had happened by then, what the log held then.

use std::collections::HashSet;

use casebook::model::time::Instant;
use casebook::query::database::Database;
use casebook::query::memory;
use casebook::query::moment::Moment;
use casebook::replay;
use casebook::replay::ReplayScope;
use serde_json::Value;

use crate::project::{Project, assert_same_facts};
use crate::refresh::{Facts, RESOURCES, facts_of, ingest};
use crate::tangle::tangle;

/// The events up to that time.
fn until(lines: &[String], time: &str) -> Vec<String> {
    let time = Instant::parse(time).unwrap();
    let is_past = |line: &&String| {
        let event: Value = serde_json::from_str(line).unwrap();
        Instant::parse(event["time"].as_str().unwrap()).unwrap() <= time
    };
    lines.iter().filter(is_past).cloned().collect()
}

/// What those events give, without what customers wrote in cases that are deleted.
async fn facts_without(lines: &[String], deleted: &HashSet<String>) -> Facts {
    let session = memory::open(lines.iter().map(|line| line.as_bytes()), RESOURCES).await.unwrap();
    let mut facts = facts_of(&session).await;
    for (table, rows) in &mut facts {
        for row in rows.iter_mut() {
            let mut object: Value = serde_json::from_str(row).unwrap();
            let text = match table.as_str() {
                "cases" | "messages" => "text",
                "surveys" => "comment",
                _ => continue,
            };
            if deleted.contains(object["case_id"].as_str().unwrap()) {
                object[text] = Value::Null;
            }
            *row = object.to_string();
        }
        rows.sort();
    }
    facts
}

fn moment(as_of: Option<&str>, known_at: Option<i64>) -> Moment {
    let as_of = as_of.map(|time| Instant::parse(time).unwrap());
    Moment { as_of, known_at: known_at.map(Instant), last_batch: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moment_has_the_facts_of_the_events_until_then() {
    let project = Project::new();
    let lines: Vec<String> = tangle(2, 25).lines().map(str::to_owned).collect();
    let (early, late) = lines.split_at(lines.len() / 2);
    ingest(&project, early, Instant(1_000)).await;
    let log = ingest(&project, late, Instant(2_000)).await;
    replay::refresh(&log, RESOURCES, ReplayScope::REFRESH).await.unwrap();
    let all = memory::open(lines.iter().map(|line| line.as_bytes()), RESOURCES).await.unwrap();
    let batches =
        all.sql("SELECT case_id FROM cases WHERE deleted_at IS NOT NULL").await.unwrap().collect().await.unwrap();
    let ids = batches.iter().flat_map(crate::project::rows_of).map(|row| row["case_id"].as_str().unwrap().to_owned());
    let deleted: HashSet<String> = ids.collect();
    assert!(deleted.len() > 2, "some cases are deleted");
    let time = "2026-01-06T12:00:00.000Z";
    let moments = [
        (moment(Some(time), None), until(&lines, time)),
        (moment(None, Some(1_999)), early.to_vec()),
        (moment(Some(time), Some(1_000)), until(early, time)),
        (moment(Some("2027-01-01T00:00:00.000Z"), Some(2_000)), lines.clone()),
        (moment(None, Some(0)), Vec::new()),
    ];
    for (moment, known) in moments {
        let database = Database::at(&log, RESOURCES, moment).await.unwrap();
        let session = database.session();
        assert_eq!(database.pointer().events, known.len() as u64, "{moment:?}");
        assert_same_facts(&facts_without(&known, &deleted).await, &facts_of(&session).await);
        let events = session.sql("SELECT count(*) AS n, count(text) AS texts FROM events").await.unwrap();
        let rows: Vec<_> = events.collect().await.unwrap().iter().flat_map(crate::project::rows_of).collect();
        assert_eq!(rows[0]["n"], known.len());
    }
}

#[test]
fn commands_answer_as_of_the_moment_that_was_typed() {
    let project = Project::new();
    project.write("life.ndjson", include_str!("../golden/01-life.ndjson"));
    project.ingest(&["life.ndjson"], 0);
    let count = |more: &[&str]| {
        let sql = "SELECT count(*) AS n, max(time) AS last FROM events";
        let ran = project.run(&[&["sql", sql, "--format", "json"], more].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        serde_json::from_str::<Value>(&ran.stdout).unwrap()[0].clone()
    };
    let all = count(&[]);
    let some = count(&["--as-of", "2026-03-02T10:00:00Z"]);
    assert!(
        some["n"].as_u64() < all["n"].as_u64() && some["last"].as_str() <= Some("2026-03-02T10:00:00.000Z"),
        "{some}"
    );
    assert_eq!(count(&["--known-at", "2000-01-01"])["n"], 0);
    let ran = project.run(&["sql", "SELECT 1", "--as-of", "yesterday"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--as-of") && ran.stderr.contains("hint: write a day such as"), "{}", ran.stderr);
}

/// A deletion that has not been replayed yet hides its text, too.
#[test]
fn no_text_of_a_deleted_case_is_shown_by_facts_that_are_behind() {
    let project = Project::new();
    let event = |n: u32, kind: &str, time: &str, data: &str| {
        format!(
            r#"{{"id":"{n}","source":"s","type":"{kind}","subject":"C","time":"2026-03-02T{time}:00Z","data":{{{data}}}}}"#
        )
    };
    let created = event(1, "case.created", "09:00", r#""customer":"c","text":"secret""#);
    project.write("created.ndjson", created + "\n");
    project.write("deleted.ndjson", event(2, "case.deleted", "12:00", "") + "\n");
    project.ingest(&["created.ndjson"], 0);
    let asked = ["sql", "SELECT text FROM events UNION ALL SELECT text FROM cases", "--format", "json"];
    assert_eq!(project.run(&asked).stdout.matches("secret").count(), 2);
    project.ingest(&["deleted.ndjson"], 0);
    let ran = project.run(&[&asked[..], &["--no-refresh", "--as-of", "2026-03-02T10:00:00Z"]].concat());
    assert_eq!((ran.code, ran.stdout.contains("secret")), (0, false), "{}", ran.stdout);
    let checked = project.run(&["check", "--as-of", "2026-03-02T10:00:00Z"]);
    assert_eq!(checked.code, 0, "{}{}", checked.stdout, checked.stderr);
}
