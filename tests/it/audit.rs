//! Compares the program with the auditor: both get the same random histories, and every column of every table is compared.
//!
//! A history on which they differ is shrunk and written to `tests/found/`, where it stays as a test. There are 300 histories, the
//! same ones each time, so that a change is not refused for what it did not cause. `CASEBOOK_HISTORIES` asks for another
//! number (10,000 at night), of histories that are new each time.

use std::cell::Cell;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use casebook::query::memory;
use casebook::store::engine::Resources;
use datafusion::prelude::SessionContext;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use serde_json::Value;

use crate::auditor::{Row, TABLES, Tables, audit, differences, histories};
use crate::project::{of_repository, rows_of};

const RESOURCES: Resources = Resources { memory_bytes: 256 << 20, threads: 1 };

/// The program's facts of a history, whose repeated events count once.
pub fn facts(lines: &[Value]) -> Tables {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let session = session(lines).await;
        let mut tables = Tables::new();
        for name in TABLES {
            let batches = session.table(name).await.unwrap().collect().await.unwrap();
            tables.insert(name, batches.iter().flat_map(rows_of).map(Row::from_iter).collect());
        }
        tables
    })
}

/// A session over a history, whose repeated events count once.
async fn session(lines: &[Value]) -> SessionContext {
    let mut known = HashSet::new();
    let new = lines.iter().filter(|line| known.insert((line["source"].to_string(), line["id"].to_string())));
    let texts: Vec<String> = new.map(Value::to_string).collect();
    memory::open(texts.iter().map(String::as_bytes), RESOURCES).await.unwrap()
}

fn compare(lines: &[Value]) -> Vec<String> {
    let mut expected = audit(lines);
    for row in expected.get_mut("field_values").into_iter().flatten() {
        row.insert("value".to_owned(), text_of_value(&row["value"]));
    }
    for row in expected.get_mut("cases").into_iter().flatten() {
        let texts = |fields: &serde_json::Map<String, Value>| {
            fields.iter().map(|(field, value)| (field.clone(), text_of_value(value))).collect::<Value>()
        };
        let fields = row["fields"].as_object().map_or(Value::Null, texts);
        row.insert("fields".to_owned(), fields);
    }
    // Scores are floats in SQL.
    for (table, column) in [("cases", "survey_score"), ("surveys", "score")] {
        for row in expected.get_mut(table).into_iter().flatten() {
            let score = row[column].as_f64().map_or(Value::Null, Value::from);
            row.insert(column.to_owned(), score);
        }
    }
    differences(&expected, &facts(lines))
}

/// In SQL the value of a field is text; a value that is not a text is JSON.
fn text_of_value(value: &Value) -> Value {
    if value.is_string() { value.clone() } else { value.to_string().into() }
}

/// The number of histories that was asked for, if any.
fn histories_typed() -> Option<u32> {
    std::env::var("CASEBOOK_HISTORIES").ok().map(|text| text.parse().unwrap())
}

/// How many random histories a test tries.
pub fn histories_asked() -> u32 {
    histories_typed().unwrap_or(300)
}

/// A runner that draws the same values each time; new ones where a number of histories was asked for.
pub fn runner(cases: u32) -> TestRunner {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    match histories_typed() {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    }
}

/// Compares random histories. If one differs, it is shrunk and kept, and the message has the number of histories tried, which
/// shows how rare it is.
fn compare_random(strategy: impl Strategy<Value = Vec<Value>>) {
    let (tried, found) = (Cell::new(0), Cell::new(false));
    let outcome = runner(histories_asked()).run(&strategy, |lines| {
        // After the first that differs, the runner only shrinks it.
        tried.set(tried.get() + u32::from(!found.get()));
        match compare(&lines).as_slice() {
            [] => Ok(()),
            differences => {
                found.set(true);
                Err(TestCaseError::fail(differences.join("\n")))
            }
        }
    });
    match outcome {
        Err(TestError::Fail(reason, lines)) => {
            let (tried, kept) = (tried.get(), keep(&lines));
            panic!("{reason}\n\nfound after {tried} histories, kept as {}:\n{}", kept.display(), text_of(&lines))
        }
        outcome => outcome.unwrap(),
    }
}

fn text_of(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Keeps a history as a test, and returns the path.
pub fn keep(lines: &[Value]) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    text_of(lines).hash(&mut hasher);
    let path = of_repository(&format!("tests/found/{:016x}.ndjson", hasher.finish()));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text_of(lines)).unwrap();
    path
}

#[test]
fn random_desks_are_read_alike() {
    compare_random(histories::history());
}

#[test]
fn random_clocks_are_read_alike() {
    compare_random(histories::clock_history());
}

#[test]
fn random_choices_of_policies_are_read_alike() {
    compare_random(histories::choice_history());
}

#[test]
fn random_people_are_read_alike() {
    compare_random(histories::people_history());
}

#[test]
fn histories_found_earlier_stay_equal() {
    let entries = std::fs::read_dir(of_repository("tests/found")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    for path in paths.filter(|path| path.extension().is_some_and(|extension| extension == "ndjson")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let found = compare(&lines);
        assert!(found.is_empty(), "{}\n{}", path.display(), found.join("\n"));
    }
}
