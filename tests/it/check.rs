//! `check` finds nothing in facts that replay made, from any events, and finds every kind of fact that was altered.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use casebook::facts::columns::CASE_NUMBER;
use casebook::facts::layers::{Layers, Texts};
use casebook::facts::manifest;
use casebook::facts::manifest::Pointer;
use casebook::facts::tables::{CASE_FINDINGS, CASES, FACT_TABLES, FINDINGS, OTHER_FINDINGS};
use casebook::log::Log;
use casebook::log::rows::{EVENT_FILES, LOG_SCHEMA};
use casebook::query::database::Database;
use casebook::store::Store;
use casebook::store::engine::{self, Resources};
use casebook::store::objects::Seen;
use casebook::store::parquet::FileWriter;
use casebook::store::table::{CommitMode, Table};
use serde_json::{Value, json};

use crate::project::{Project, of_repository};
use crate::tangle::tangle;

const RESOURCES: Resources = Resources { memory_bytes: 512 << 20, threads: 2 };

/// Asserts that no check finds anything.
fn assert_passes(project: &Project, name: &str) {
    let ran = project.run(&["check"]);
    assert_eq!(ran.code, 0, "{name}\n{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.lines().count() > 25 && !ran.stdout.contains("FAIL"), "{name}\n{}", ran.stdout);
}

#[test]
fn the_worked_cases_pass() {
    let names = "01-life 02-office 03-targets 04-clock-change 05-bots 06-gap 07-desk 08-edges 09-forgotten";
    for name in names.split(' ') {
        let project = Project::new();
        project.ingest(&[of_repository(&format!("tests/golden/{name}.ndjson"))], 0);
        assert_passes(&project, name);
    }
}

#[test]
fn a_generated_desk_passes() {
    let project = Project::new();
    project.write("events.ndjson", project.run(&["generate", "--cases", "300"]).stdout);
    project.ingest(&["events.ndjson"], 0);
    assert_passes(&project, "generate --cases 300");
}

#[test]
fn any_events_pass() {
    for seed in 0..12 {
        let project = Project::new();
        project.write("events.ndjson", tangle(seed, 120));
        project.ingest(&["events.ndjson"], 0);
        assert_passes(&project, &format!("seed {seed}"));
    }
}

/// A check, a table, and the rows that replace those of the table: after `SELECT`.
const CORRUPTIONS: &[(&str, &str, &str)] = &[
    (
        "events_accounted",
        "findings",
        "time, source, id, case_id, type, 'no_case_yet' AS rule, 'rejected' AS effect, severity, detail FROM findings",
    ),
    ("events_accounted", "findings", "* FROM findings WHERE rule <> 'after_deletion'"),
    ("events_accounted", "findings", "* FROM findings WHERE rule <> 'message_before_case'"),
    ("findings_of_events", "findings", "* REPLACE ('x' || id AS id) FROM findings"),
    ("findings_of_events", "findings", "* REPLACE (time + INTERVAL '1 second' AS time) FROM findings"),
    ("findings_of_events", "findings", "* REPLACE ('case.created' AS type) FROM findings"),
    ("findings_of_events", "findings", "* FROM findings UNION ALL SELECT * FROM findings"),
    ("cases_from_events", "cases", "* REPLACE (created_at + INTERVAL '1 second' AS created_at) FROM cases"),
    ("cases_from_events", "cases", "* REPLACE ('unknown' AS customer) FROM cases"),
    ("cases_from_events", "cases", "* REPLACE (deleted_at + INTERVAL '1 second' AS deleted_at) FROM cases"),
    ("cases_from_events", "cases", "* REPLACE (nullif(deleted_at, deleted_at) AS deleted_at) FROM cases"),
    ("cases_from_events", "cases", "* FROM cases WHERE status <> 'done'"),
    ("cases_from_events", "cases", "* FROM cases UNION ALL SELECT * FROM cases"),
    ("periods_tile", "periods", "* FROM periods WHERE status <> 'done'"),
    ("periods_tile", "periods", "* REPLACE (until + INTERVAL '1 second' AS until) FROM periods"),
    ("periods_tile", "periods", "* REPLACE (since - INTERVAL '1 second' AS since) FROM periods"),
    ("periods_tile", "periods", "* REPLACE (coalesce(until, since) AS until) FROM periods"),
    ("periods_tile", "periods", "* REPLACE ('open' AS status, 'ana' AS assignee) FROM periods"),
    ("periods_tile", "periods", "* FROM periods WHERE false"),
    ("periods_tile", "periods", "* FROM periods WHERE until IS NOT NULL"),
    ("periods_tile", "periods", "* FROM periods UNION ALL SELECT * FROM periods"),
    ("periods_tile", "periods", "* FROM periods UNION ALL SELECT * FROM periods WHERE until IS NULL"),
    ("stays_and_neighbours", "periods", "* REPLACE (since AS status_since) FROM periods"),
    ("stays_and_neighbours", "periods", "* REPLACE (until AS status_until) FROM periods"),
    ("stays_and_neighbours", "periods", "* REPLACE (business_ms + 1 AS business_ms) FROM periods"),
    ("stays_and_neighbours", "periods", "* REPLACE (status_business_ms + 1 AS status_business_ms) FROM periods"),
    ("stays_and_neighbours", "resolutions", "* REPLACE (resolved_at AS next_resolved_at) FROM resolutions"),
    (
        "stays_and_neighbours",
        "resolutions",
        "* REPLACE (nullif(previous_resolved_at, previous_resolved_at) AS previous_resolved_at) FROM resolutions",
    ),
    ("stays_and_neighbours", "resolutions", "* REPLACE (elapsed_ms + 1 AS elapsed_business_ms) FROM resolutions"),
    ("stays_and_neighbours", "assignments", "* REPLACE (elapsed_ms + 1 AS elapsed_ms) FROM assignments"),
    ("stays_and_neighbours", "assignments", "* REPLACE (NOT is_first AS is_first) FROM assignments"),
    ("period_causes", "periods", "* REPLACE ('x' || event_id AS event_id) FROM periods"),
    ("period_causes", "periods", "* REPLACE ('case.closed' AS cause) FROM periods"),
    ("period_causes", "periods", "* REPLACE ('C1' AS case_id) FROM periods"),
    ("standing_from_events", "periods", "* REPLACE ('pending' AS status) FROM periods"),
    ("standing_from_events", "periods", "* REPLACE ('ana' AS assignee) FROM periods"),
    ("standing_from_events", "periods", "* REPLACE ('low' AS priority) FROM periods"),
    ("standing_from_events", "periods", "* REPLACE ('other' AS profile) FROM periods"),
    ("cases_as_periods", "cases", "* REPLACE ('pending' AS status) FROM cases"),
    ("cases_as_periods", "cases", "* REPLACE ('unknown' AS assignee) FROM cases"),
    ("cases_as_periods", "cases", "* REPLACE (nullif(priority, 'low') AS priority) FROM cases"),
    ("cases_as_periods", "periods", "* REPLACE ('other' AS profile) FROM periods"),
    ("backlog_identity", "periods", "* REPLACE ('open' AS status) FROM periods"),
    ("backlog_identity", "resolutions", "* FROM resolutions WHERE n > 1"),
    (
        "backlog_identity",
        "resolutions",
        "* REPLACE (reopened_at + INTERVAL '1 second' AS reopened_at) FROM resolutions",
    ),
    ("assignments_as_periods", "assignments", "* REPLACE ('unknown' AS agent) FROM assignments"),
    ("assignments_as_periods", "assignments", "* REPLACE (nullif(ended_at, ended_at) AS ended_at) FROM assignments"),
    ("assignments_as_periods", "assignments", "* REPLACE (n + 1 AS n) FROM assignments"),
    ("assignments_as_periods", "assignments", "* REPLACE (1 AS n) FROM assignments"),
    ("workload_two_ways", "assignments", "* FROM assignments WHERE agent <> 'ana'"),
    ("workload_two_ways", "resolutions", "* FROM resolutions WHERE n > 1"),
    (
        "workload_two_ways",
        "periods",
        "* REPLACE (CASE status WHEN 'open' THEN 'done' ELSE status END AS status) FROM periods",
    ),
    ("assignees_then", "resolutions", "* REPLACE ('unknown' AS agent) FROM resolutions"),
    ("assignees_then", "turns", "* REPLACE ('unknown' AS assignee) FROM turns"),
    ("assignees_then", "milestones", "* REPLACE ('unknown' AS assignee_at_due) FROM milestones"),
    ("assignees_then", "milestones", "* REPLACE ('unknown' AS assignee_at_end) FROM milestones"),
    (
        "first_assignment",
        "cases",
        "* REPLACE (nullif(first_assigned_at, first_assigned_at) AS first_assigned_at) FROM cases",
    ),
    ("first_assignment", "cases", "* REPLACE (created_at AS first_assigned_at) FROM cases"),
    (
        "first_assignment",
        "cases",
        "* REPLACE (first_assigned_at + INTERVAL '1 second' AS first_assigned_at) FROM cases",
    ),
    (
        "first_response",
        "cases",
        "* REPLACE (nullif(first_response_at, first_response_at) AS first_response_at) FROM cases",
    ),
    ("first_response", "cases", "* REPLACE (first_response_at + INTERVAL '1 second' AS first_response_at) FROM cases"),
    ("first_response", "cases", "* REPLACE (last_agent_message_at AS first_response_at) FROM cases"),
    ("first_response", "cases", "* REPLACE ('robo' AS first_response_by) FROM cases"),
    ("turns_in_order", "turns", "* REPLACE (n + 1 AS n) FROM turns"),
    ("turns_in_order", "turns", "* REPLACE (answered_at + INTERVAL '1 second' AS answered_at) FROM turns"),
    ("turns_in_order", "turns", "* REPLACE ('unknown' AS answered_by) FROM turns"),
    ("turns_in_order", "turns", "* REPLACE (answered_at AS stopped_at) FROM turns"),
    ("turns_in_order", "turns", "* REPLACE (elapsed_ms + 1 AS elapsed_ms) FROM turns"),
    ("turns_in_order", "turns", "* FROM turns WHERE n > 1"),
    ("turns_in_order", "turns", "* FROM turns UNION ALL SELECT * FROM turns"),
    ("turns_and_messages", "turns", "* FROM turns WHERE n = 1"),
    ("turns_and_messages", "turns", "* REPLACE ('unknown' AS answered_by) FROM turns"),
    ("turns_and_messages", "turns", "* REPLACE (CASE WHEN n > 1 THEN 'comment' END AS kind) FROM turns"),
    ("turns_and_messages", "turns", "* REPLACE (nullif(answered_at, answered_at) AS answered_at) FROM turns"),
    ("active_time", "turns", "* REPLACE (active_ms + 1 AS active_ms) FROM turns"),
    ("active_time", "turns", "* REPLACE (elapsed_ms + 1 AS business_ms) FROM turns"),
    ("active_time", "resolutions", "* REPLACE (elapsed_ms AS active_ms) FROM resolutions"),
    ("active_time", "resolutions", "* REPLACE (elapsed_ms + 1 AS elapsed_ms) FROM resolutions"),
    ("messages_from_events", "messages", "* FROM messages WHERE place <> 'resolved'"),
    ("messages_from_events", "messages", "* REPLACE ('sent' AS direction) FROM messages"),
    ("messages_from_events", "messages", "* REPLACE ('m9' AS message) FROM messages"),
    ("messages_from_events", "messages", "* FROM messages UNION ALL SELECT * FROM messages"),
    ("message_findings", "messages", "* REPLACE ('in_case' AS place) FROM messages"),
    ("message_findings", "findings", "* FROM findings WHERE rule <> 'reopened_after_close'"),
    ("case_counts", "cases", "* REPLACE (messages_sent + 1 AS messages_sent) FROM cases"),
    ("case_counts", "cases", "* REPLACE (assignments + 1 AS assignments) FROM cases"),
    ("case_counts", "cases", "* REPLACE (first_resolved_at AS resolved_at) FROM cases"),
    ("case_counts", "cases", "* REPLACE (created_at AS last_agent_message_at) FROM cases"),
    ("case_counts", "cases", "* REPLACE (nullif(resolved_by, resolved_by) AS resolved_by) FROM cases"),
    ("resolutions_in_order", "resolutions", "* REPLACE (n + 1 AS n) FROM resolutions"),
    ("resolutions_in_order", "resolutions", "* FROM resolutions UNION ALL SELECT * FROM resolutions"),
    (
        "resolutions_in_order",
        "resolutions",
        "* REPLACE (resolved_at - INTERVAL '30 days' AS resolved_at) FROM resolutions",
    ),
    (
        "resolutions_in_order",
        "resolutions",
        "* REPLACE (resolved_at - INTERVAL '1 second' AS closed_at) FROM resolutions",
    ),
    ("resolutions_in_order", "cases", "* REPLACE (closes_at + INTERVAL '1 second' AS closes_at) FROM cases"),
    ("resolutions_in_order", "cases", "* REPLACE ('open' AS status) FROM cases"),
    ("resolutions_in_order", "cases", "* REPLACE ('done' AS status) FROM cases"),
    ("resolutions_from_events", "resolutions", "* REPLACE ('unknown' AS by) FROM resolutions"),
    (
        "resolutions_from_events",
        "resolutions",
        "* REPLACE (reopened_at + INTERVAL '1 second' AS reopened_at) FROM resolutions",
    ),
    ("field_values_tile", "field_values", "* REPLACE (until + INTERVAL '1 second' AS until) FROM field_values"),
    ("field_values_tile", "field_values", "* REPLACE (since AS until) FROM field_values"),
    ("field_values_tile", "field_values", "* REPLACE ('rum' AS value) FROM field_values"),
    ("field_values_tile", "field_values", "* REPLACE (since - INTERVAL '30 days' AS since) FROM field_values"),
    ("field_values_tile", "cases", "* REPLACE ('neutral' AS sentiment) FROM cases"),
    ("desk_versions_tile", "users", "* REPLACE (until + INTERVAL '1 second' AS until) FROM users"),
    ("desk_versions_tile", "users", "* REPLACE (since AS until) FROM users"),
    ("milestones_valid_once", "milestones", "* REPLACE (n + 1 AS n) FROM milestones"),
    ("milestones_valid_once", "milestones", "* FROM milestones UNION ALL SELECT * FROM milestones"),
    ("milestones_valid_once", "milestones", "* REPLACE (nullif(until, until) AS until) FROM milestones"),
    ("milestones_valid_once", "milestones", "* REPLACE (started_at - INTERVAL '1 second' AS since) FROM milestones"),
    ("milestones_valid_once", "milestones", "* REPLACE (0 AS target_ms) FROM milestones"),
    ("milestones_valid_once", "milestones", "* REPLACE ('silver' AS policy) FROM milestones"),
    ("milestones_valid_once", "milestones", "* REPLACE (completed_at AS stopped_at) FROM milestones"),
    ("milestones_as_facts", "milestones", "* REPLACE (started_at + INTERVAL '1 second' AS started_at) FROM milestones"),
    (
        "milestones_as_facts",
        "milestones",
        "* REPLACE (nullif(completed_at, completed_at) AS completed_at) FROM milestones",
    ),
    ("milestones_as_facts", "turns", "* REPLACE (nullif(stopped_at, stopped_at) AS stopped_at) FROM turns"),
    ("ledger_sums", "milestones", "* REPLACE (counted_ms + 1 AS counted_ms) FROM milestones"),
    ("ledger_sums", "milestones", "* REPLACE (elapsed_ms + 1 AS elapsed_ms) FROM milestones"),
    ("ledger_sums", "ledger", "* REPLACE ('counted' AS label) FROM ledger"),
    ("ledger_sums", "ledger", "* FROM ledger WHERE label <> 'paused'"),
    ("ledger_sums", "ledger", "* REPLACE (since + INTERVAL '1 second' AS since) FROM ledger"),
    (
        "ledger_sums",
        "ledger",
        "* REPLACE (CASE label WHEN 'paused' THEN since + INTERVAL '1 second' ELSE since END AS since,
                    CASE label WHEN 'paused' THEN until + INTERVAL '1 second' ELSE until END AS until) FROM ledger",
    ),
    ("ledger_sums", "milestones", "* FROM milestones WHERE milestone <> 'assign'"),
    ("ledger_as_periods", "ledger", "* REPLACE ('on_hold' AS status) FROM ledger"),
    ("ledger_as_periods", "ledger", "* REPLACE ('counted' AS label) FROM ledger"),
    ("ledger_as_periods", "ledger", "* REPLACE (until + INTERVAL '30 days' AS until) FROM ledger"),
    ("outcomes_from_ledger", "milestones", "* REPLACE (due_at + INTERVAL '1 second' AS due_at) FROM milestones"),
    ("outcomes_from_ledger", "milestones", "* REPLACE (due_at - INTERVAL '1 second' AS due_at) FROM milestones"),
    ("outcomes_from_ledger", "milestones", "* REPLACE (target_ms + 1 AS target_ms) FROM milestones"),
    ("outcomes_from_ledger", "milestones", "* REPLACE (nullif(due_at, due_at) AS due_at) FROM milestones"),
    ("outcomes_from_ledger", "milestones", "* REPLACE (started_at + INTERVAL '1 second' AS due_at) FROM milestones"),
    ("outcomes_from_ledger", "ledger", "* REPLACE ('off_hours' AS label) FROM ledger"),
];

/// A desk with every kind of event, whose instants are far enough apart that most of their order is unambiguous.
fn desk() -> (Project, Pointer) {
    let project = Project::new();
    project.write("events.ndjson", tangle(3, 400));
    project.ingest(&["events.ndjson"], 0);
    assert_passes(&project, "before anything was altered");
    let facts = manifest::home(&Store::open(&project.path("store")).unwrap());
    let pointer = tokio::runtime::Runtime::new().unwrap().block_on(Pointer::read(&facts)).unwrap().unwrap();
    (project, pointer)
}

/// The columns as SQL returned them, with the types of the table.
fn cast(batch: &RecordBatch, schema: &SchemaRef) -> RecordBatch {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| arrow::compute::cast(column, field.data_type()).unwrap());
    RecordBatch::try_new(schema.clone(), columns.collect()).unwrap()
}

/// Replaces the rows of a fact table.
async fn corrupt(project: &Project, pointer: &Pointer, table: &str, select: &str) {
    let store = project.path("store");
    let home = manifest::home(&Store::open(&store).unwrap());
    pointer.write(&home, &Seen::default()).await.unwrap();
    let context =
        Database::present(&Log::open(&Store::open(&store).unwrap()).await.unwrap(), RESOURCES).await.unwrap().session();
    let table = FACT_TABLES.iter().find(|known| known.name == table).unwrap();
    let altered = context.sql(&format!("SELECT {select}")).await.unwrap().into_view();
    context.register_table("altered", altered).unwrap();
    let cases = Layers::open(&home, pointer).await.unwrap().provider(&CASES, Texts::Views).unwrap();
    context.register_table("numbered", cases).unwrap();
    let column = |(name, _): &(&str, _)| match *name {
        CASE_NUMBER => format!("coalesce(n.{CASE_NUMBER}, arrow_cast(0, 'UInt64')) AS {CASE_NUMBER}"),
        name => format!("a.\"{name}\""),
    };
    let columns: Vec<String> = table.columns.iter().map(column).collect();
    let numbers = match table.visible_columns().count() < table.columns.len() {
        true => "LEFT JOIN numbered n ON n.case_id = a.case_id",
        false => "",
    };
    let sql = format!("SELECT {} FROM altered a {numbers}", columns.join(", "));
    let batches = context.sql(&sql).await.unwrap().collect().await.unwrap();
    let mut pointer = pointer.clone();
    let [layer] = pointer.layers.as_mut_slice() else { panic!("the facts have been made once") };
    // `findings` are kept in two parts.
    let table = if table.name == FINDINGS.name { OTHER_FINDINGS } else { *table };
    let parts = if table.name == OTHER_FINDINGS.name { vec![CASE_FINDINGS, OTHER_FINDINGS] } else { vec![table] };
    parts.iter().for_each(|part| drop(layer.files.remove(part.name)));
    let folder = manifest::create_folder(&home, &table).unwrap();
    let mut writer = manifest::begin_file(&folder, &table).unwrap();
    for batch in batches {
        writer.write(&cast(&batch, &table.schema())).unwrap();
    }
    layer.add(&table, writer.finish().unwrap());
    pointer.write(&home, &Seen::default()).await.unwrap();
}

/// The rows that one check finds, without a refresh.
fn rows_of(project: &Project, check: &str) -> Value {
    let ran = project.run(&["check", check, "--no-refresh", "--format", "json", "--limit", "1"]);
    assert!(ran.code < 2, "{check}: {}", ran.stderr);
    let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(ran.code == 1, summary["failed"] == 1, "{summary}");
    summary["rows"].clone()
}

#[test]
fn every_check_finds_altered_facts() {
    let (project, pointer) = desk();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut silent = Vec::new();
    for (check, table, select) in CORRUPTIONS {
        runtime.block_on(corrupt(&project, &pointer, table, select));
        if rows_of(&project, check) == 0 {
            silent.push(format!("{check}: SELECT {select}"));
        }
    }
    assert!(silent.is_empty(), "silent:\n{}", silent.join("\n"));
    let checks = std::fs::read_dir(of_repository("queries/check")).unwrap();
    let names = checks.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned());
    let untried: Vec<String> = names.filter(|name| !CORRUPTIONS.iter().any(|(check, ..)| check == name)).collect();
    assert_eq!(untried, ["events_once"], "the log has a test of its own");
}

/// Only another program can put an event into the log twice.
#[tokio::test]
async fn an_event_that_is_in_the_log_twice_is_found() {
    let project = Project::new();
    project.ingest(&[of_repository("tests/golden/01-life.ndjson")], 0);
    let store = project.path("store");
    let log = Log::open(&Store::open(&store).unwrap()).await.unwrap();
    let mut events = Table::open_or_create(&log.store().folder("events"), "events", LOG_SCHEMA.clone()).await.unwrap();
    let context = engine::session(RESOURCES).unwrap();
    context.register_table("log", log.events.provider().unwrap()).unwrap();
    let batches = context.sql("SELECT * FROM log LIMIT 3").await.unwrap().collect().await.unwrap();
    let mut writer = FileWriter::create(events.folder(), "events", &LOG_SCHEMA, &EVENT_FILES).unwrap();
    for batch in batches {
        writer.write(&cast(&batch, &LOG_SCHEMA)).unwrap();
    }
    events.commit(&[writer.finish().unwrap()], CommitMode::Append, Vec::new()).await.unwrap();
    let ran = project.run(&["check", "events_once", "--summary", "json"]);
    let summary = ran.summary(1);
    assert_eq!((&summary["rows"], &summary["results"][0]["first"][0]["times_in_log"]), (&json!(3), &json!(2)));
}

const OWN: &str = "-- check: no_spam
-- title: No spam
-- meaning: No agent writes spam.
-- when it speaks: a row is a case that is spam.
SELECT case_id, status FROM cases WHERE status = 'spam' OR case_id = 'C-1001';
";

#[test]
fn a_project_adds_checks_and_a_failure_is_explained() {
    let project = Project::new();
    project.ingest(&[of_repository("tests/golden/01-life.ndjson")], 0);
    project.write("queries/check/no_spam.sql", OWN.replace("status = 'spam' OR case_id = 'C-1001'", "true"));
    let ran = project.run(&["check", "no_spam", "periods_tile", "--limit", "1"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines[0], "FAIL  no_spam: No spam, 2 rows");
    assert_eq!(lines[1], "      should hold: No agent writes spam.");
    assert_eq!(lines[2], "      a row is a case that is spam.");
    assert!(lines[4].contains("case_id") && lines[4].contains("status"), "{}", ran.stdout);
    assert!(ran.stdout.contains("1 of 2 rows; `--limit` shows more\n"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("ok    periods_tile: Periods tile\n"), "{}", ran.stdout);
    assert!(ran.stderr.starts_with("2 checks, 1 failed, 2 rows in "), "{}", ran.stderr);
    project.write(
        "queries/check/periods_tile.sql",
        OWN.replace("no_spam", "periods_tile").replace("cases WHERE", "cases WHERE false AND"),
    );
    assert!(project.run(&["check", "periods_tile"]).stdout.starts_with("ok    periods_tile: No spam"));
}

#[test]
fn faulty_files_are_all_named_and_nothing_is_run() {
    let project = Project::new();
    project.ingest(&[of_repository("tests/golden/01-life.ndjson")], 0);
    project.write("queries/check/no_spam.sql", OWN.replace("title", "titel"));
    project.write("queries/check/typo.sql", OWN.replace("no_spam", "typo").replace("FROM cases", "FROM casses"));
    project
        .write("queries/check/caseless.sql", OWN.replace("no_spam", "caseless").replace("SELECT case_id, ", "SELECT "));
    project.write("queries/mine.sql", "SELECT 1");
    project.write("dashboards/mine.toml", "title = 5");
    let ran = project.run(&["check"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    for words in [
        "no_spam.sql:2: `titel`",
        "typo.sql:5: ",
        "caseless.sql:5: the SQL lacks the column `case_id`",
        "mine.sql:1: the header lacks",
    ] {
        assert!(ran.stderr.contains(words), "{words}\n{}", ran.stderr);
    }
    std::fs::remove_dir_all(project.path("queries")).unwrap();
    let dashboard = project.run(&["check"]);
    assert!(dashboard.code == 2 && dashboard.stderr.contains("dashboards/mine.toml"), "{}", dashboard.stderr);
    std::fs::remove_dir_all(project.path("dashboards")).unwrap();
    let unknown = project.run(&["check", "period_tile"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("hint: did you mean `periods_tile`?"), "{}", unknown.stderr);
}
