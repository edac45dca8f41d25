//! Facts that change need a higher `FACTS_FORMAT`, or a store would go on serving those of the program before.
//!
//! `tests/golden/facts.hashes` holds the format and, for each worked case, a hash of its events and a hash of its facts:
//! every table, every row, every column. The same of histories that are drawn from a fixed seed, because they reach rules
//! that no worked case shows.

use std::fmt::Write;

use casebook::facts::columns::CASE_NUMBER;
use casebook::facts::layers::{Layers, Texts};
use casebook::facts::manifest::{self, FACTS_FORMAT, Pointer};
use casebook::facts::tables::{CASE_TABLES, DESK_EVENTS, FACT_TABLES};
use casebook::log::Log;
use casebook::replay::{self, ReplayScope};
use casebook::store::Store;
use casebook::store::engine::{self, Resources};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64;

use crate::audit::facts;
use crate::auditor::histories::{choice_history, clock_history, history, people_history};
use crate::project::{Project, of_repository, rows_of};

const RESOURCES: Resources = Resources { memory_bytes: 256 << 20, threads: 2 };
const STORED: &str = "tests/golden/facts.hashes";
/// Histories of each kind.
const HISTORIES: usize = 40;

/// What the stored hashes are compared with.
#[derive(Debug, PartialEq)]
struct Hashes {
    format: u32,
    /// Name, hash of the events, hash of the facts.
    cases: Vec<(String, String, String)>,
}

impl Hashes {
    fn parse(text: &str) -> Hashes {
        let mut lines = text.lines().map(|line| line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        let format = lines.next().unwrap()[1].parse().unwrap();
        let case = |words: Vec<String>| (words[0].clone(), words[1].clone(), words[2].clone());
        Hashes { format, cases: lines.map(case).collect() }
    }

    fn text(&self) -> String {
        let mut text = format!("FACTS_FORMAT {}\n", self.format);
        for (name, events, facts) in &self.cases {
            writeln!(text, "{name} {events} {facts}").unwrap();
        }
        text
    }

    fn of(&self, name: &str) -> Option<(&str, &str)> {
        let case = self.cases.iter().find(|(known, ..)| known == name)?;
        Some((case.1.as_str(), case.2.as_str()))
    }
}

/// The names of the worked cases, in order.
fn worked_cases() -> Vec<String> {
    let entries = std::fs::read_dir(of_repository("tests/golden")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter_map(|name| name.strip_suffix(".ndjson").map(str::to_owned)).collect();
    names.sort();
    names
}

/// Every row of every table of facts of that file of events, also of the tables that only replay reads.
async fn facts_text(name: &str) -> String {
    let project = Project::new();
    project.ingest(&[of_repository(&format!("tests/golden/{name}.ndjson"))], 0);
    let log = Log::open(&Store::open(&project.path("store")).unwrap()).await.unwrap();
    replay::refresh(&log, RESOURCES, ReplayScope::Full).await.unwrap();
    let home = manifest::home(log.store());
    let layers = Layers::open(&home, &Pointer::read(&home).await.unwrap().unwrap()).await.unwrap();
    let context = engine::session(RESOURCES).unwrap();
    let mut text = String::new();
    let more = CASE_TABLES.into_iter().filter(|table| FACT_TABLES.iter().all(|known| known.name != table.name));
    for table in FACT_TABLES.into_iter().chain(more).chain([DESK_EVENTS]) {
        let rows = context.read_table(layers.provider(&table, Texts::Views).unwrap()).unwrap();
        let batches = rows.collect().await.unwrap();
        // Another replay gives other numbers.
        let without_number = |mut row: Map<String, Value>| {
            row.remove(CASE_NUMBER);
            Value::Object(row).to_string()
        };
        let mut rows: Vec<String> = batches.iter().flat_map(rows_of).map(without_number).collect();
        rows.sort();
        let columns: Vec<&str> = table.visible_columns().map(|(name, _)| *name).collect();
        writeln!(text, "{} ({}):\n{}", table.name, columns.join(", "), rows.join("\n")).unwrap();
    }
    text
}

/// Histories drawn from a fixed seed, and their facts.
fn drawn(strategy: impl Strategy<Value = Vec<Value>>) -> (String, String) {
    let mut runner = TestRunner::deterministic();
    let (mut events, mut texts) = (String::new(), String::new());
    for _ in 0..HISTORIES {
        let lines = strategy.new_tree(&mut runner).unwrap().current();
        lines.iter().for_each(|line| writeln!(events, "{line}").unwrap());
        for (table, rows) in facts(&lines) {
            let mut rows: Vec<String> = rows.into_iter().map(|row| serde_json::to_string(&row).unwrap()).collect();
            rows.sort();
            writeln!(texts, "{table}:\n{}", rows.join("\n")).unwrap();
        }
    }
    (events, texts)
}

fn hash(text: &str) -> String {
    format!("{:016x}", xxh3_64(text.as_bytes()))
}

#[test]
fn facts_that_change_have_a_higher_format() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut found = Hashes { format: FACTS_FORMAT, cases: Vec::new() };
    for name in worked_cases() {
        let events = std::fs::read_to_string(of_repository(&format!("tests/golden/{name}.ndjson"))).unwrap();
        let facts = runtime.block_on(facts_text(&name));
        found.cases.push((name, hash(&events), hash(&facts)));
    }
    let drawn = [
        ("drawn-desks", drawn(history())),
        ("drawn-clocks", drawn(clock_history())),
        ("drawn-choices", drawn(choice_history())),
        ("drawn-people", drawn(people_history())),
    ];
    for (name, (events, facts)) in drawn {
        found.cases.push((name.to_owned(), hash(&events), hash(&facts)));
    }
    let stored = Hashes::parse(&std::fs::read_to_string(of_repository(STORED)).unwrap_or("FACTS_FORMAT 0".to_owned()));
    let of_same_events = |(name, events, facts): &&(String, String, String)| {
        stored.of(name).is_some_and(|(known, of)| known == events && of != facts)
    };
    let changed: Vec<&str> = found.cases.iter().filter(of_same_events).map(|(name, ..)| name.as_str()).collect();
    assert!(
        changed.is_empty() || stored.format != FACTS_FORMAT,
        "The facts of {} have changed, but FACTS_FORMAT is still {FACTS_FORMAT}. If they are meant to change, raise \
         FACTS_FORMAT in src/facts/manifest.rs and run this test again.",
        changed.join(", "),
    );
    assert_eq!(stored, found, "Write this into {STORED}:\n{}", found.text());
}
