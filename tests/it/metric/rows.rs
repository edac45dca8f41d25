//! Which rows of an answer are shown, in which order, and as which types.

use std::fs::File;

use arrow::array::RecordBatchReader;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use super::{answer, ask, desk, event, metric_file};
use crate::project::Project;

fn column(rows: &Value, name: &str) -> Vec<Value> {
    rows.as_array().unwrap().iter().map(|row| row[name].clone()).collect()
}

/// Five agents answer: ana 3 cases, ben 2, cid 2, dan 1; one more case has no agent.
fn agents() -> Project {
    let mut lines = Vec::new();
    for (agent, count, minutes) in [("ana", 3, 10), ("ben", 2, 30), ("cid", 2, 20), ("dan", 1, 5), ("", 1, 0)] {
        for n in 0..count {
            let case = format!("{agent}{n}");
            let customer = format!(r#"{{"customer":"of-{case}"}}"#);
            lines.push(event(&format!("{case}-c"), "case.created", &case, "09:00", &customer));
            if !agent.is_empty() {
                let data = format!(r#"{{"agent":"{agent}"}}"#);
                lines.push(event(&format!("{case}-a"), "case.assigned", &case, &format!("09:{minutes:02}"), &data));
            }
        }
    }
    let project = Project::new();
    project.write("events.ndjson", lines.join("\n"));
    project.ingest(&["events.ndjson"], 0);
    project
}

#[test]
fn rows_come_in_the_order_that_is_asked_for_and_ties_in_their_own() {
    let project = agents();
    let names =
        |words: &str| column(&answer(&project, &format!("created_cases --range 2026-03{words} --by agent")), "agent");
    assert_eq!(names(""), [json!("ana"), json!("ben"), json!("cid"), json!("dan"), Value::Null]);
    assert_eq!(names(" --sort -count"), [json!("ana"), json!("ben"), json!("cid"), json!("dan"), Value::Null]);
    assert_eq!(names(" --sort count"), [json!("dan"), Value::Null, json!("ben"), json!("cid"), json!("ana")]);
    assert_eq!(names(" --sort count,-agent"), [json!("dan"), Value::Null, json!("cid"), json!("ben"), json!("ana")]);
    assert_eq!(names(" --sort -agent"), [json!("dan"), json!("cid"), json!("ben"), json!("ana"), Value::Null]);
    let minutes = |words: &str| {
        let rows = answer(&project, &format!("time_to_assign --range 2026-03 --cases {words}"));
        column(&rows, "value_ms").iter().map(|value| value.as_i64().unwrap() / 60_000).collect::<Vec<_>>()
    };
    assert_eq!(minutes("--sort -value_ms --limit 3"), [30, 30, 20]);
    assert_eq!(minutes("--sort value_ms,-case_id"), [5, 10, 10, 10, 20, 20, 30, 30]);
    // A table for people calls the bucket by its grain.
    let days = "metric created_cases --range 2026-03-01..2026-03-03 --grain day --sort -day";
    let ran = project.run(&days.split(' ').collect::<Vec<_>>());
    assert!(ran.stdout.lines().nth(3).unwrap().contains("2026-03-02"), "{}", ran.stdout);
}

#[test]
fn what_a_limit_hides_is_counted() {
    let project = agents();
    let by_agent = "created_cases --range 2026-03 --by agent --sort -count --limit 2";
    let ran = ask(&project, by_agent);
    assert_eq!(column(&serde_json::from_str(&ran.stdout).unwrap(), "count"), [json!(3), json!(2)]);
    assert!(ran.stderr.contains("note: 3 of 5 rows are not shown; together they have count 4\n"), "{}", ran.stderr);
    let ran = ask(&project, &format!("{by_agent} --compare previous"));
    assert!(ran.stderr.contains("together they have count 4, count_previous 0\n"), "{}", ran.stderr);
    // Neither medians nor distinct cases add up.
    for words in ["time_to_assign --show median", "assigned_cases"] {
        let ran = ask(&project, &format!("{words} --range 2026-03 --by agent --limit 1"));
        assert!(ran.stderr.contains("note: 3 of 4 rows are not shown\n"), "{}", ran.stderr);
    }
    let ran = ask(&project, "time_to_assign --range 2026-03 --show sum,hours --by agent --sort -sum --limit 3");
    assert!(ran.stderr.contains("together they have sum 5m, hours 0.1\n"), "{}", ran.stderr);
    let ran = ask(&project, "backlog --range 2026-03 --grain week --limit 1");
    assert!(ran.stderr.contains("rows are not shown\n"), "{}", ran.stderr);
    let ran = ask(&project, "created_cases --range 2026-03 --cases --limit 2");
    assert_eq!(
        ran.stderr.lines().collect::<Vec<_>>(),
        [
            "Created cases: March 2026, as of 2026-03-31 23:59:59.999 UTC; 9 contributions of 9 cases",
            "note: 7 of 9 rows are not shown"
        ]
    );
    let ran = ask(&project, "created_cases --range 2026-03 --by agent --limit 5");
    assert!(!ran.stderr.contains("not shown"), "{}", ran.stderr);
}

#[test]
fn an_order_that_cannot_be_names_the_next_step() {
    let project = agents();
    let cases = [
        (
            "created_cases --range 2026-03 --sort cuont",
            "--sort: `cuont` is not a column of these rows\nhint: did you mean `count`?",
        ),
        (
            "created_cases --range 2026-03 --by agent --sort zz",
            "hint: the columns are agent, count, contributions, cases",
        ),
        ("created_cases --range 2026-03 --sort count:desc", "`--sort -count` for the largest"),
        ("created_cases --range 2026-03 --sort count,-count", "`count` is named twice"),
        ("created_cases --range 2026-03 --cases --sort count", "--sort: `count` is not a column of these rows"),
        ("created_cases --range 2026-03 --limit 0", "write a whole number of rows, 1 or more"),
        ("created_cases --range 2026-03 --limit few", "write a whole number of rows, 1 or more"),
        ("created_cases --limit 3", "add --range"),
        (
            "created_cases --range 2026-03 --grain day --show per_day",
            "--show: `per_day` is of the whole range, not of each day",
        ),
        ("created_cases --range 2026-03 --show hours", "--show: `created_cases` is not a time"),
        ("created_cases --range 2026-03 --show opening", "--show: `created_cases` is a flow"),
        ("created_cases --range 2026-03 --show count,count", "`count` is asked for twice"),
        ("--sort count", "--sort: numbers need a metric"),
        (
            "days_to_clear --range 2026-03 --cases",
            "`casebook metric backlog --cases` and `casebook metric resolutions --cases`",
        ),
    ];
    for (words, expected) in cases {
        let ran = ask(&project, words);
        assert!(ran.code == 2 && ran.stderr.contains(expected), "{words}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{words}");
    }
}

/// The type of each column of an answer in Parquet.
fn types(project: &Project, words: &str) -> Vec<String> {
    let words = format!("metric {words} -o out.parquet");
    let ran = project.run(&words.split(' ').collect::<Vec<_>>());
    assert_eq!(ran.code, 0, "{words}: {}", ran.stderr);
    let file = File::open(project.path("out.parquet")).unwrap();
    let schema = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap().schema();
    schema.fields().iter().map(|field| format!("{} {}", field.name(), field.data_type())).collect()
}

#[test]
fn whole_numbers_are_integers_by_the_type_of_the_metric() {
    let project = desk();
    let all = "--range 2026-03-02 --show count,sum,min,max,mean,median --compare previous";
    let found = types(&project, &format!("first_response_time {all}"));
    for integer in
        ["count", "sum", "min", "max", "sum_previous", "sum_previous_change", "contributions", "cases_previous"]
    {
        assert!(found.contains(&format!("{integer} Int64")), "{integer}: {found:?}");
    }
    for float in ["mean", "median", "sum_previous_percent", "median_previous_change"] {
        assert!(found.contains(&format!("{float} Float64")), "{float}: {found:?}");
    }
    let row = &answer(&project, "first_response_time --range 2026-03-02 --show sum,max")[0];
    assert_eq!([&row["sum"], &row["max"]], [&json!(60 * 60_000), &json!(40 * 60_000)]);
    // A day without a value has the same types.
    assert!(
        types(&project, &format!("first_response_time {}", all.replace("03-02", "03-09")))
            .contains(&"sum Int64".to_owned())
    );
    let csv = project
        .run(&"metric one_touch_cases --range 2026-03 --show sum,share --format csv".split(' ').collect::<Vec<_>>());
    assert_eq!(
        csv.stdout.lines().nth(1).unwrap().split(',').next().unwrap().parse::<i64>().ok(),
        Some(0),
        "{}",
        csv.stdout
    );

    let header = "-- unit: points\n-- kind: flow\n-- aggregate: sum\n-- date: none\n";
    let metric = |name: &str, value: &str| {
        let sql = format!("SELECT case_id, created_at AS at, NULL AS agent, {value} AS value FROM cases\n");
        project.write(&format!("queries/{name}.sql"), metric_file(name, &format!("{header}{sql}")));
    };
    metric("weighed", "CAST(2 AS DOUBLE)");
    metric("small", "CAST(2 AS SMALLINT)");
    metric("flagged", "created_at IS NOT NULL");
    assert!(types(&project, "weighed --range 2026-03").contains(&"sum Float64".to_owned()));
    assert!(types(&project, "weighed --range 2026-03 --cases").contains(&"value Float64".to_owned()));
    for name in ["small", "flagged"] {
        assert!(types(&project, &format!("{name} --range 2026-03")).contains(&"sum Int64".to_owned()), "{name}");
        assert!(
            types(&project, &format!("{name} --range 2026-03 --cases")).contains(&"value Int64".to_owned()),
            "{name}"
        );
    }
}
