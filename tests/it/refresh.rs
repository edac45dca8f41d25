//! A refresh replays what new events touch; its facts are those of a full replay, row by row.

use std::collections::HashSet;
use std::sync::Arc;

use casebook::facts::tables::FACT_TABLES;
use casebook::input::piece::{MadeLine, Piece};
use casebook::log::{Log, Options};
use casebook::model::time::Instant;
use casebook::query::database::Database;
use casebook::query::memory;
use casebook::replay;
use casebook::replay::ReplayScope;
use casebook::store::Store;
use casebook::store::engine::Resources;
use datafusion::prelude::SessionContext;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::Value;

use crate::audit::{histories_asked, runner};
use crate::auditor::histories;
use crate::project::{Project, assert_same_facts, rows_of};
use crate::tangle::tangle;

pub const RESOURCES: Resources = Resources { memory_bytes: 256 << 20, threads: 2 };

/// What is touched, even if it is everything.
const TOUCHED: ReplayScope = ReplayScope::Touched { share: f64::INFINITY };

pub type Facts = Vec<(String, Vec<String>)>;

pub async fn facts_of(session: &SessionContext) -> Facts {
    let mut facts = Facts::new();
    for table in FACT_TABLES {
        let batches = session.table(table.name).await.unwrap().collect().await.unwrap();
        let rows = batches.iter().flat_map(rows_of);
        let mut texts: Vec<String> = rows.map(|row| Value::Object(row).to_string()).collect();
        texts.sort();
        facts.push((table.name.to_owned(), texts));
    }
    facts
}

pub async fn ingest(project: &Project, lines: &[String], now: Instant) -> Log {
    let mut log = Log::open(&Store::open(&project.path("store")).unwrap()).await.unwrap();
    let made = |(n, line): (u64, &String)| MadeLine {
        json: line.clone().into_bytes(),
        file: Arc::from("made"),
        line: n,
        offset: 0,
    };
    let lines = (1..).zip(lines).map(made).collect();
    let options = Options { now: now.into(), threads: 1, memory_bytes: 64 << 20 };
    log.ingest(options, move |take| take(Piece::Lines { number: 0, lines }).map(|()| 0)).await.unwrap();
    log
}

/// Ingests the lines in batches and refreshes after each; returns the greatest number of layers that the facts had.
async fn assert_refreshed(batches: &[Vec<String>]) -> usize {
    let project = Project::new();
    let (mut so_far, mut known, mut layers): (Vec<&String>, HashSet<_>, usize) = (Vec::new(), HashSet::new(), 0);
    let mut last = None;
    for batch in batches {
        let log = ingest(&project, batch, Instant(0)).await;
        let refreshed = replay::refresh(&log, RESOURCES, TOUCHED).await.unwrap().pointer;
        layers = layers.max(refreshed.layers.len());
        let session = Database::present(&log, RESOURCES).await.unwrap().session();
        let found = facts_of(&session).await;
        let identity = |line: &String| {
            let event: Value = serde_json::from_str(line).unwrap();
            (event["source"].to_string(), event["id"].to_string())
        };
        so_far.extend(batch.iter().filter(|line| known.insert(identity(line))));
        let lines = so_far.iter().map(|line| line.as_bytes());
        let expected = facts_of(&memory::open(lines, RESOURCES).await.unwrap()).await;
        assert_same_facts(&expected, &found);
        last = Some((log, refreshed));
    }
    // The counts of the summary.
    let Some((log, refreshed)) = last else { return layers };
    let replayed = replay::refresh(&log, RESOURCES, ReplayScope::Full).await.unwrap().pointer;
    assert_eq!((refreshed.cases, refreshed.findings), (replayed.cases, replayed.findings));
    assert_eq!((&refreshed.noted, refreshed.events), (&replayed.noted, replayed.events));
    layers
}

/// Distributes lines over that many batches.
fn distribute(lines: Vec<String>, batches: usize, numbers: &[usize]) -> Vec<Vec<String>> {
    let mut distributed = vec![Vec::new(); batches];
    for (line, number) in lines.into_iter().zip(numbers.iter().cycle()) {
        distributed[number % batches].push(line);
    }
    distributed.retain(|batch| !batch.is_empty());
    distributed
}

/// One in thirty of the histories that the auditor gets: each is ingested and replayed several times.
#[test]
fn random_batches_give_the_facts_of_a_full_replay() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let strategy = (histories::history(), prop::collection::vec(0..4_usize, 40));
    let histories_max = histories_asked() / 30;
    let mut runner = runner(histories_max);
    for _ in 0..histories_max {
        let (lines, numbers) = strategy.new_tree(&mut runner).unwrap().current();
        let batches = distribute(lines.iter().map(Value::to_string).collect(), 4, &numbers);
        runtime.block_on(assert_refreshed(&batches));
    }
}

/// Many cases that share users, customers and instants; more batches than layers are kept.
#[test]
fn tangled_batches_give_the_facts_of_a_full_replay() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for seed in 0..3 {
        let mut lines: Vec<String> = tangle(seed, 30).lines().map(str::to_owned).collect();
        // Customers with one event each, early and late: the layer that replaces others keeps them, too.
        for n in 0..12 {
            let customer = format!(
                r#"{{"id":"customer-{n}","source":"c","type":"customer.updated","subject":"c{n}","time":"2026-01-05T00:00:00Z","data":{{"name":"N{n}"}}}}"#
            );
            lines.insert(n * lines.len() / 12, customer);
        }
        let in_order: Vec<usize> = (0..lines.len()).map(|line| line * 12 / lines.len()).collect();
        let scattered: Vec<usize> = (0..lines.len()).map(|line| line * 7 % 11).collect();
        let numbers = if seed % 2 == 0 { in_order } else { scattered };
        let layers = runtime.block_on(assert_refreshed(&distribute(lines, 12, &numbers)));
        assert!((8..=10).contains(&layers), "{layers} layers");
    }
}

/// Events change cases that they do not name.
#[test]
fn late_events_change_every_case_that_depends_on_them() {
    let event = |n: usize, (time, kind, subject, data): &(&str, &str, &str, &str)| {
        let time = format!("2026-01-05T{time}:00Z");
        format!(
            r#"{{"id":"{n}","source":"s","type":"{kind}","subject":"{subject}","time":"{time}","data":{{{data}}}}}"#
        )
    };
    let assigned = r#""agent":"ana","automatic":true"#;
    let batches = [
        vec![
            ("08:00", "user.updated", "ana", r#""capacity":1,"auto_assign":true"#),
            ("08:00", "user.updated", "eve", r#""name":"Eve""#),
            ("09:00", "case.created", "C1", r#""customer":"u""#),
            ("09:00", "case.created", "C2", r#""customer":"v""#),
            ("09:00", "case.created", "C3", r#""customer":"w""#),
            ("09:10", "case.assigned", "C3", r#""agent":"ana""#),
            ("09:20", "case.status_changed", "C3", r#""status":"done","by":"eve""#),
            ("10:00", "case.assigned", "C1", assigned),
            ("11:00", "case.assigned", "C2", assigned),
        ],
        // When `C2` was assigned, `ana` was not at her capacity after all.
        vec![("10:30", "case.unassigned", "C1", "")],
        // Changes resolved cases, too.
        vec![("13:00", "user.removed", "ana", "")],
        // The same earlier: `C3` has had no assignee since 13:00, but had her at 12:00.
        vec![("12:00", "user.removed", "ana", "")],
        // Before the event of its instant that resolved `C3`.
        vec![("09:20", "user.updated", "eve", r#""role":"none""#)],
    ];
    let mut n = 0;
    let mut lines = |batch: Vec<_>| {
        let line = |one| {
            n += 1;
            event(n, one)
        };
        batch.iter().map(line).collect::<Vec<_>>()
    };
    let batches: Vec<Vec<String>> = batches.into_iter().map(&mut lines).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(assert_refreshed(&batches)), 5);
}

/// Few cases are touched, and no others are replayed.
#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_touched_is_replayed() {
    let project = Project::new();
    let lines: Vec<String> = tangle(6, 60).lines().map(str::to_owned).collect();
    let log = ingest(&project, &lines, Instant(0)).await;
    let first = replay::refresh(&log, RESOURCES, ReplayScope::REFRESH).await.unwrap();
    assert_eq!((first.cases_replayed, first.pointer.layers.len()), (first.pointer.cases, 1));
    let late = r#"{"id":"late","source":"z","type":"message.noted","subject":"C7","time":"2026-01-05T00:00:00Z","data":{"message":"n","text":"x"}}"#;
    let customer = r#"{"id":"later","source":"z","type":"customer.updated","subject":"c1","time":"2026-01-05T00:00:00Z","data":{"name":"Uma"}}"#;
    let log = ingest(&project, &[late.to_owned(), customer.to_owned()], Instant(0)).await;
    let second = replay::refresh(&log, RESOURCES, ReplayScope::REFRESH).await.unwrap();
    assert_eq!((second.cases_replayed, second.pointer.layers.len()), (1, 2));
    let again = replay::refresh(&log, RESOURCES, ReplayScope::REFRESH).await.unwrap();
    assert_eq!((again.cases_replayed, &again.pointer), (0, &second.pointer));
    let full = replay::refresh(&log, RESOURCES, ReplayScope::Full).await.unwrap();
    assert_eq!((full.cases_replayed, full.pointer.layers.len()), (first.pointer.cases, 1));
}

/// `replay --compare` finds no difference in correct facts, and names the table with wrong ones.
#[test]
fn comparing_names_the_tables_that_differ() {
    let project = Project::new();
    project.write("all.ndjson", tangle(5, 20));
    project.ingest(&["all.ndjson"], 0);
    let compared = project.run(&["replay", "--compare", "--format", "json"]);
    assert_eq!(compared.summary(0)["differences"], serde_json::json!([]), "{}", compared.stderr);
    let pointer = project.path("store/facts/current.json");
    let mut facts: Value = serde_json::from_slice(&std::fs::read(&pointer).unwrap()).unwrap();
    facts["layers"][0]["files"]["turns"] = serde_json::json!([]);
    std::fs::write(&pointer, facts.to_string()).unwrap();
    let compared = project.run(&["replay", "--compare", "--format", "json"]).summary(1);
    assert_eq!(compared["differences"][0]["table"], "turns");
    assert_eq!((&compared["differences"][0]["too_many"], &compared["differences"][1]), (&0.into(), &Value::Null));
}
