//! Sessions: each question has its own, and making one costs next to nothing.

use std::sync::Arc;

use casebook::log::Log;
use casebook::metric::aggregation::Aggregation;
use casebook::metric::catalogue::Catalogue;
use casebook::metric::dimension::Dimension;
use casebook::metric::filter::Filter;
use casebook::metric::question::Question;
use casebook::metric::range::{Grain, Range};
use casebook::model::time::Instant;
use casebook::query::database::{Database, table_names};
use casebook::query::moment::Moment;
use casebook::store::Store;
use jiff::tz::TimeZone;

use crate::project::Project;
use crate::refresh::RESOURCES;

/// A project with the events of a small generated desk, replayed.
fn generated() -> Project {
    let project = Project::new();
    let made = project.run(&["generate", "--cases", "150", "--seed", "7"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    project.write("events.ndjson", made.stdout);
    project.ingest(&["events.ndjson"], 0);
    assert_eq!(project.run(&["replay"]).code, 0);
    project
}

/// Different metrics, ranges, grains, dimensions, filters and aggregations: 64 questions, of which no two are equal.
fn questions() -> Vec<Question> {
    let metrics = [
        ("created_cases", "count", "platform"),
        ("first_response_time", "p90", "agent"),
        ("unresolved_cases", "count", "status"),
        ("workload", "count", "team"),
        ("resolved_cases", "count", "resolution"),
        ("messages_sent", "count", "kind"),
        ("first_resolution_time", "p99.9", "priority"),
        ("response_time", "mean", "day_of_week"),
    ];
    let ranges = ["2026-05", "2026-04-06..2026-05-10", "2026-W21", "2026-05-20"];
    let mut questions = Vec::new();
    for (metric, show, by) in metrics {
        for (number, range) in ranges.into_iter().enumerate() {
            for is_cut in [false, true] {
                let zone = TimeZone::get(if number % 2 == 0 { "UTC" } else { "Asia/Kolkata" }).unwrap();
                let range = Range::parse(range, &zone, Instant(0)).unwrap();
                let filter = Filter::parse("--where", if number == 1 { "priority=high" } else { "deleted=kept" });
                questions.push(Question {
                    metric: metric.to_owned(),
                    by: if is_cut { vec![Dimension::parse(by).unwrap()] } else { Vec::new() },
                    grain: if is_cut { None } else { Some(Grain::Day) },
                    as_of: range.as_of(Instant(i64::MAX)),
                    show: vec![Aggregation::parse(show).unwrap()],
                    filters: if number == 0 { Vec::new() } else { vec![filter.unwrap()] },
                    range,
                });
            }
        }
    }
    questions
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn questions_at_once_have_the_answers_that_they_have_one_by_one() {
    let project = generated();
    let log = Log::open(&Store::open(&project.path("store")).unwrap()).await.unwrap();
    let as_of = Instant::parse("2026-05-15T12:00:00Z").unwrap();
    let then = Moment { as_of: Some(as_of), ..Moment::default() };
    let present = Arc::new(Database::present(&log, RESOURCES).await.unwrap());
    let past = Arc::new(Database::at(&log, RESOURCES, then).await.unwrap());
    let catalogue = Arc::new(Catalogue::load(&project.path("")).await.unwrap());
    let asked: Vec<(Arc<Database>, Question)> = questions()
        .into_iter()
        .enumerate()
        .map(|(number, question)| (if number % 4 == 3 { past.clone() } else { present.clone() }, question))
        .collect();
    assert_eq!(asked.len(), 64);
    let mut one_by_one = Vec::new();
    for (database, question) in &asked {
        one_by_one.push(question.answer(database, &catalogue).await.unwrap());
    }
    let with_numbers = one_by_one.iter().filter(|answer| answer.contributions > 0).count();
    assert!(with_numbers > 48, "{with_numbers} answers are of something");
    let mut running = Vec::new();
    for (database, question) in asked {
        let catalogue = catalogue.clone();
        running.push(tokio::spawn(async move { question.answer(&database, &catalogue).await.unwrap() }));
    }
    for (number, (running, expected)) in running.into_iter().zip(one_by_one).enumerate() {
        assert_eq!(running.await.unwrap(), expected, "question {number}");
    }
}

#[test]
fn a_question_about_facts_does_not_open_the_log() {
    let project = Project::new();
    let events = project.run(&["generate", "--cases", "150", "--seed", "7"]).stdout;
    let lines: Vec<&str> = events.lines().collect();
    let (earlier, later) = lines.split_at(lines.len() - 200);
    project.write("earlier.ndjson", earlier.join("\n"));
    project.write("later.ndjson", later.join("\n"));
    project.ingest(&["earlier.ndjson"], 0);
    assert_eq!(project.run(&["replay"]).code, 0);
    let asked = ["metric", "created_cases", "--range", "2026-05", "--format", "csv"];
    let before = project.run(&asked);
    let commits = project.path("store/events/_delta_log");
    let first = commits.join(format!("{:020}.json", 0));
    let content = std::fs::read(&first).unwrap();
    std::fs::write(&first, "not a commit").unwrap();
    let after = project.run(&asked);
    assert_eq!((after.code, &after.stdout), (0, &before.stdout), "{}", after.stderr);
    let of_the_log = project.run(&["sql", "SELECT count(*) FROM events"]);
    assert_eq!(of_the_log.code, 2, "{}", of_the_log.stdout);
    // Facts that are behind the log are brought up to date, whatever the newest commit does.
    std::fs::write(&first, content).unwrap();
    project.ingest(&["later.ndjson"], 0);
    assert_eq!(project.run(&["compact", "--full"]).code, 0);
    let behind = project.run(&["--no-refresh"].into_iter().chain(asked).collect::<Vec<_>>());
    assert_eq!((behind.code, &behind.stdout), (0, &before.stdout));
    assert!(behind.stderr.contains("1 batches behind the log"), "{}", behind.stderr);
    assert_ne!(project.run(&asked).stdout, before.stdout);
    let current = project.run(&["--no-refresh"].into_iter().chain(asked).collect::<Vec<_>>());
    assert!(!current.stderr.contains("behind"), "{}", current.stderr);
}

#[tokio::test]
async fn making_a_session_reads_no_file() {
    let project = generated();
    let log = Log::open(&Store::open(&project.path("store")).unwrap()).await.unwrap();
    let database = Database::present(&log, RESOURCES).await.unwrap();
    std::fs::remove_dir_all(project.path("store")).unwrap();
    let session = database.session();
    for name in table_names() {
        assert!(session.table(name).await.is_ok(), "{name}");
    }
    let planned = session.sql("SELECT business_ms(NULL, created_at, closed_at) FROM cases JOIN workload ON true").await;
    assert!(planned.is_ok(), "{:?}", planned.err());
}

#[tokio::test]
async fn what_a_session_registers_is_seen_in_no_other() {
    let project = generated();
    let log = Log::open(&Store::open(&project.path("store")).unwrap()).await.unwrap();
    let database = Database::present(&log, RESOURCES).await.unwrap();
    let (one, other) = (database.session(), database.session());
    let cases = one.table("cases").await.unwrap().into_view();
    one.register_table("mine", cases).unwrap();
    one.deregister_table("turns").unwrap();
    assert!(one.table("mine").await.is_ok() && one.table("turns").await.is_err());
    assert!(other.table("mine").await.is_err() && other.table("turns").await.is_ok());
    assert!(database.session().table("mine").await.is_err());
}
