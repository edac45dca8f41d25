//! What events must have for a metric to have numbers: each need taken away from a desk on which every metric has one.

use std::collections::BTreeSet;
use std::path::Path;

use casebook::log::Log;
use casebook::metric::catalogue::Catalogue;
use casebook::metric::needs::NEEDS;
use casebook::metric::question::Question;
use casebook::model::time::Instant;
use casebook::query::database::Database;
use casebook::store::Store;
use casebook::wire::line;

use crate::catalogue::{desk, question};
use crate::project::Project;
use crate::refresh::RESOURCES;

/// The database of a project with these lines.
async fn database(lines: &[&str]) -> (Project, Database) {
    let project = Project::new();
    project.write("events.ndjson", lines.join("\n"));
    project.ingest(&["events.ndjson"], 0);
    assert_eq!(project.run(&["replay"]).code, 0);
    let log = Log::open(&Store::open(&project.path("store")).unwrap()).await.unwrap();
    let database = Database::present(&log, RESOURCES).await.unwrap();
    (project, database)
}

/// How many contributions a metric has, and whether it has a number that is not 0.
async fn found(database: &Database, catalogue: &Catalogue, metric: &str) -> (i64, bool) {
    let as_of = match metric {
        // At the end no target is at risk, but on Wednesday morning; and every case has an agent, but not on Tuesday.
        "sla_at_risk" => "2026-03-04T09:50:00Z",
        "unassigned_backlog" => "2026-03-03T23:00:00Z",
        _ => "2026-03-08T00:00:00Z",
    };
    let as_of = Instant::parse(as_of).unwrap();
    let asked = Question { show: Vec::new(), as_of, ..question(metric, "2026-03-02..2026-03-06", "sum") };
    let answer = asked.answer(database, catalogue).await.unwrap();
    (answer.contributions, answer.rows.iter().any(|row| row.values[0].is_some_and(|value| value != 0.0)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_metric_has_no_numbers_without_the_events_that_it_needs() {
    let text = std::fs::read_to_string(desk().path("events.ndjson")).unwrap();
    let all: Vec<&str> = text.lines().collect();
    let catalogue = Catalogue::load(Path::new("no such project")).await.unwrap();
    let (_project, whole) = database(&all).await;
    for metric in NEEDS.iter().flat_map(|need| need.metrics).collect::<BTreeSet<_>>() {
        assert!(found(&whole, &catalogue, metric).await.0 > 0, "{metric} has no contributions on the whole desk");
    }
    let mut wrong = Vec::new();
    for need in NEEDS {
        let is_left = |line: &&&str| !need.is_met_by(&line::parse(line.as_bytes()).unwrap());
        let left: Vec<&str> = all.iter().filter(is_left).copied().collect();
        assert!(left.len() < all.len(), "the desk has {}", need.what);
        let (_project, without) = database(&left).await;
        for metric in need.metrics {
            if found(&without, &catalogue, metric).await.1 {
                wrong.push(format!("{metric} has numbers without {}", need.what));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
