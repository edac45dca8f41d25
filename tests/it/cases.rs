//! `cases`: one row for each case, whose columns are the metrics of the case alone.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float64Type};
use casebook::metric::aggregation::Aggregation;
use casebook::metric::cases::{CaseTable, CasesQuestion};
use casebook::metric::catalogue::Catalogue;
use casebook::metric::filter::Filter;
use casebook::metric::header::MetricKind;
use casebook::metric::question::Question;
use casebook::metric::range::Range;
use casebook::model::time::Instant;
use casebook::query::database::Database;
use casebook::query::memory;
use casebook::store::engine::Resources;
use jiff::tz::TimeZone;

use crate::project::{Project, unpacked};

const RESOURCES: Resources = Resources { memory_bytes: 512 << 20, threads: 2 };

async fn desk() -> (Database, Catalogue) {
    let made = Project::new().run(&["generate", "--cases", "120", "--seed", "5"]).stdout;
    let database = memory::database(made.lines().map(str::as_bytes), RESOURCES).await.unwrap();
    let catalogue = Catalogue::load(tempfile::tempdir().unwrap().path()).await.unwrap();
    (database, catalogue)
}

fn asked(range: &str, filters: &[&str]) -> CasesQuestion {
    let as_of = Instant::parse("2026-05-20T10:00:00Z").unwrap();
    let range = Range::parse(range, &TimeZone::UTC, as_of).unwrap();
    let filters = filters.iter().map(|text| Filter::parse("--where", text).unwrap()).collect();
    CasesQuestion { range, filters, as_of }
}

async fn rows(question: &CasesQuestion, database: &Database, catalogue: &Catalogue, memory: usize) -> RecordBatch {
    let mut table = CaseTable::open(question, database, catalogue, memory).await.unwrap();
    let mut batches = Vec::new();
    while let Some(more) = table.next().await.unwrap() {
        batches.extend(more);
    }
    concat_batches(table.schema(), &batches).unwrap()
}

fn texts(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
    let column = cast(batch.column_by_name(column).unwrap(), &DataType::Utf8).unwrap();
    column.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

fn numbers(batch: &RecordBatch, column: &str) -> Vec<Option<f64>> {
    let column = cast(batch.column_by_name(column).unwrap(), &DataType::Float64).unwrap();
    column.as_primitive::<Float64Type>().iter().collect()
}

/// The values of the contributions of each case that are counted.
async fn contributions(question: &Question, database: &Database, catalogue: &Catalogue) -> BTreeMap<String, Vec<f64>> {
    let listing = question.contributions(database, catalogue).await.unwrap();
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for batch in &listing.batches {
        let value = if batch.column_by_name("value_ms").is_some() { "value_ms" } else { "value" };
        let (cases, numbers) = (texts(batch, "case_id"), numbers(batch, value));
        let excluded = cast(batch.column_by_name("excluded").unwrap(), &DataType::Utf8).unwrap();
        for (row, (case, number)) in cases.into_iter().zip(numbers).enumerate() {
            if excluded.is_null(row) {
                values.entry(case.unwrap()).or_default().extend(number);
            }
        }
    }
    values
}

fn aggregated(shown: &Aggregation, values: &[f64]) -> f64 {
    let sum: f64 = values.iter().sum();
    match shown {
        Aggregation::Count => values.len() as f64,
        Aggregation::Sum => sum,
        Aggregation::Mean | Aggregation::Share => sum / values.len() as f64,
        Aggregation::Percentile(500, _) => {
            let mut sorted = values.to_vec();
            sorted.sort_by(f64::total_cmp);
            let middle = sorted.len() / 2;
            if sorted.len() % 2 == 1 { sorted[middle] } else { sorted[middle - 1].midpoint(sorted[middle]) }
        }
        other => panic!("{other:?} has no plain reading here"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_is_the_metric_of_the_case_alone() {
    let (database, catalogue) = desk().await;
    let question = asked("2026", &[]);
    let batch = rows(&question, &database, &catalogue, 512 << 20).await;
    let cases: Vec<String> = texts(&batch, "case_id").into_iter().map(Option::unwrap).collect();
    assert!(cases.is_sorted() && cases.len() > 90, "{}", cases.len());
    let mut compared = 0;
    for metric in catalogue.iter().filter(|metric| metric.kind == MetricKind::Flow) {
        let ending = if metric.unit == "ms" { "_ms" } else { "" };
        let column = format!("{}{ending}", metric.name);
        if batch.column_by_name(&column).is_none() {
            let sql = metric.sql.as_deref().unwrap();
            let has_none = sql.contains("NULL AS VARCHAR) AS case_id") || metric.aggregate == "per_key";
            assert!(has_none || !sql.contains(" AS at"), "{} has no column", metric.name);
            continue;
        }
        let of = |show: Vec<Aggregation>| Question {
            metric: metric.name.clone(),
            by: Vec::new(),
            grain: None,
            range: question.range.clone(),
            as_of: question.as_of,
            show,
            filters: Vec::new(),
        };
        let values = numbers(&batch, &column);
        let listed = contributions(&of(Vec::new()), &database, &catalogue).await;
        let shown = Aggregation::parse(&metric.aggregate).unwrap();
        let counts_keys = metric.sql.as_deref().unwrap().contains(" AS key");
        for (case, value) in cases.iter().zip(&values) {
            let expected = match listed.get(case).filter(|values| !values.is_empty()) {
                None => metric.of_nothing(&shown),
                // Of one case the keys are few.
                Some(all) if counts_keys => {
                    assert!(value.is_some_and(|value| value >= 1.0 && value <= all.len() as f64), "{column} of {case}");
                    continue;
                }
                Some(all) => Some(aggregated(&shown, all)),
            };
            assert_eq!(*value, expected, "{column} of {case}");
        }
        let answer = of(Vec::new()).answer(&database, &catalogue).await.unwrap();
        let whole = answer.rows[0].values[0];
        let sum: f64 = values.iter().flatten().sum();
        let is_once = listed.values().all(|values| values.len() == 1);
        match shown {
            Aggregation::Count | Aggregation::Sum if !counts_keys => {
                assert_eq!(Some(sum), whole.or(Some(0.0)), "{column}")
            }
            Aggregation::Mean | Aggregation::Share if is_once => {
                let known = values.iter().flatten().count();
                assert_eq!((known > 0).then(|| sum / known as f64), whole, "{column}");
            }
            _ => {}
        }
        compared += 1;
    }
    assert!(compared > 40, "{compared} metrics");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_do_not_fit_into_memory_together_are_the_same() {
    let (database, catalogue) = desk().await;
    let question = asked("2026", &[]);
    let whole = rows(&question, &database, &catalogue, 512 << 20).await;
    let parts = rows(&question, &database, &catalogue, 120_000).await;
    assert!(whole == parts);
}

#[tokio::test(flavor = "multi_thread")]
async fn range_and_filters_choose_the_cases() {
    let (database, catalogue) = desk().await;
    let of_may = rows(&asked("2026-05", &["platform=email,x"]), &database, &catalogue, 512 << 20).await;
    let sql = "SELECT case_id FROM cases WHERE created_at >= '2026-05-01' AND created_at <= '2026-05-20T10:00:00Z' \
               AND platform IN ('email', 'x') ORDER BY case_id";
    let expected = database.session().sql(sql).await.unwrap().collect().await.unwrap();
    let expected: Vec<Option<String>> = expected.iter().flat_map(|batch| texts(batch, "case_id")).collect();
    assert!(!expected.is_empty());
    assert_eq!(texts(&of_may, "case_id"), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn milestones_and_fields_are_those_of_the_tables() {
    let (database, catalogue) = desk().await;
    let question = asked("2026", &[]);
    let batch = rows(&question, &database, &catalogue, 512 << 20).await;
    let session = database.session();
    session.register_batch("rows", batch.clone()).unwrap();
    let differing = |sql: &'static str| {
        let session = session.clone();
        async move { session.sql(sql).await.unwrap().count().await.unwrap() }
    };
    // The last instance of each milestone that is valid at the as-of.
    let milestones = "SELECT r.case_id FROM rows r LEFT JOIN (SELECT case_id, last_value(due_at ORDER BY n) AS due_at, \
        last_value(outcome(completed_at, stopped_at, disabled_at, due_at, arrow_cast('2026-05-20T10:00:00Z', 'Timestamp(Millisecond, Some(\"UTC\"))')) ORDER BY n) AS outcome \
        FROM milestones WHERE milestone = 'next_response' AND since <= '2026-05-20T10:00:00Z' AND (until IS NULL OR until > '2026-05-20T10:00:00Z') GROUP BY case_id) m \
        ON m.case_id = r.case_id WHERE (r.next_response_due_at IS DISTINCT FROM m.due_at) OR (r.next_response_outcome IS DISTINCT FROM m.outcome)";
    assert_eq!(differing(milestones).await, 0);
    assert!(differing("SELECT 1 FROM rows WHERE next_response_outcome IS NOT NULL").await > 10);
    assert!(differing("SELECT 1 FROM rows WHERE first_response_late_by_ms > 0 AND first_response_outcome IN ('late', 'missed', 'overdue')").await > 0);
    assert_eq!(differing("SELECT 1 FROM rows WHERE (coalesce(first_response_late_by_ms, 0) > 0) <> (first_response_outcome IN ('late', 'missed', 'overdue')) AND first_response_outcome IN ('late', 'missed', 'overdue', 'met')").await, 0);
    let fields = "SELECT 1 FROM rows r JOIN cases c USING (case_id) WHERE r.\"field.order\" IS DISTINCT FROM map_extract(c.fields, 'order')[1]";
    assert_eq!(differing(fields).await, 0);
    assert!(differing("SELECT 1 FROM rows WHERE \"field.order\" IS NOT NULL AND team IS NOT NULL").await > 0);
}

#[test]
fn every_format_has_the_same_rows_and_people_can_have_pseudonyms() {
    let project = Project::new();
    let made = project.run(&["generate", "--cases", "30", "--seed", "5"]).stdout;
    project.write("events.ndjson", made);
    project.ingest(&["events.ndjson"], 0);
    let run = |more: &[&str]| {
        let ran = project.run(&[&["cases", "--range", "2026"], more].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran
    };
    let csv = run(&["--format", "csv"]);
    assert!(csv.stderr.contains("30 cases, as of "), "{}", csv.stderr);
    assert_eq!(csv.stdout.lines().count(), 31);
    assert_eq!(run(&["--format", "ndjson"]).stdout.lines().count(), 30);
    let shown = run(&["--format", "csv", "--anonymize"]).stdout;
    assert!(shown.contains(",customer-") && !shown.contains("cu-0000"), "{shown}");
    let head = csv.stdout.lines().next().unwrap();
    for column in ["case_id,customer,", ",first_response_time_ms,", ",assign_due_at,", ",csat,", ",touches,"] {
        assert!(head.contains(column), "{column}: {head}");
    }
    run(&["-o", "cases.xlsx"]);
    let sheet = unpacked(&project.path("cases.xlsx"));
    assert_eq!(sheet.matches("<row ").count(), 31);
    let second: Vec<&str> = csv.stdout.lines().nth(1).unwrap().split(',').collect();
    let of = |column: &str| second[head.split(',').position(|name| name == column).unwrap()];
    assert!(of("case_id") == "C-000001" && !of("first_response_time_ms").is_empty(), "{second:?}");
    let first = sheet.split("<row ").nth(2).unwrap();
    let response: f64 = of("first_response_time_ms").parse().unwrap();
    for value in [format!("<t>{}</t>", of("case_id")), format!("<v>{}</v>", response / 86_400_000.0)] {
        assert!(first.contains(&value), "{value}: {first}");
    }
    assert!(sheet.contains("<t>first_response_time</t>") && !sheet.contains("_ms</t>"), "{sheet}");
    assert!(sheet.contains(r#"<sheet name="Cases""#), "{sheet}");
    let again = std::fs::read(project.path("cases.xlsx")).unwrap();
    run(&["-o", "cases.xlsx"]);
    assert!(std::fs::read(project.path("cases.xlsx")).unwrap() == again, "the same rows are the same bytes");
    let none = project.run(&["cases", "--range", "2031", "--format", "csv"]);
    assert_eq!((none.code, none.stdout.lines().count()), (0, 1), "{}", none.stderr);
}
