//! Filters by what has an order: instants, durations, counts and numbers.

use std::collections::BTreeSet;
use std::path::Path;

use casebook::metric::catalogue::Catalogue;
use casebook::metric::filter::Filter;
use casebook::metric::interval::Scale;
use casebook::metric::quantity::QUANTITIES;
use casebook::metric::question::Question;
use casebook::model::time::Instant;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::auditor::histories::busy_history;
use crate::auditor::{Row, audit, instant};
use crate::catalogue;
use crate::metric::event;
use crate::plain_metrics::compare::open;
use crate::project::{Project, of_repository};

/// The desk of the catalogue, with fields: A has the amount 99.5 and is due on 10 March, B 250 and 1 April, C "many".
fn desk() -> Project {
    let project = catalogue::desk();
    let start = "2026-01-01T00:00:00Z";
    let field = |id: &str, case: &str, field: &str, value: &str| {
        event(id, "case.field_changed", case, "17:00", &format!(r#"{{"field":"{field}","value":{value}}}"#))
    };
    let lines = [
        event("f1", "field.updated", "due", start, r#"{"kind":"date","enabled":true}"#),
        event("f2", "field.updated", "count", start, r#"{"kind":"number","enabled":true}"#),
        event("f3", "field.updated", "tags", start, r#"{"kind":"multi","enabled":true}"#),
        field("v1", "A", "amount", "99.5"),
        field("v2", "B", "amount", "250"),
        field("v3", "C", "amount", "\"many\""),
        field("v4", "A", "due", "\"2026-03-10\""),
        field("v5", "B", "due", "\"2026-04-01\""),
    ];
    project.write("fields.ndjson", lines.join("\n"));
    project.ingest(&["fields.ndjson"], 0);
    project
}

/// Asks a metric with filters, each a word.
fn ask(project: &Project, metric: &str, range: &str, filters: &[&str]) -> crate::project::Ran {
    let mut words = vec!["metric", metric, "--range", range, "--format", "json"];
    words.extend(filters.iter().flat_map(|filter| ["--where", filter]));
    project.run(&words)
}

fn count(project: &Project, metric: &str, range: &str, filters: &[&str]) -> Value {
    let ran = ask(project, metric, range, filters);
    assert_eq!(ran.code, 0, "{filters:?}: {}", ran.stderr);
    serde_json::from_str::<Value>(&ran.stdout).unwrap()[0]["contributions"].clone()
}

#[test]
fn what_has_an_order_is_compared_as_of_the_report() {
    let project = desk();
    let (days, monday) = ("2026-03-02..2026-03-05", "2026-03-02");
    let created: &[(&str, &[&str], i64)] = &[
        (days, &["created_at>=2026-03-04"], 1),
        (days, &["created_at>2026-03-02"], 1),
        (days, &["created_at<=2026-03-02"], 3),
        (days, &["created_at<2026-03-02"], 0),
        (days, &["created_at=2026-03-02"], 3),
        (days, &["created_at!=2026-03-02"], 1),
        (days, &["created_at=2026-03-02..2026-03-04"], 3),
        (days, &["created_at=2026-03-04,2026-03-02"], 4),
        (days, &["created_at>=2026-03-02T16:30:00Z"], 2),
        (days, &["created_at>2026-03-02T17:30:00+01:00"], 1),
        (days, &["created_at>=2026-03-02T10:00:00Z", "created_at<2026-03-04"], 1),
        (days, &["first_response_at="], 2),
        (days, &["first_response_at!="], 2),
        (days, &["deleted_at!="], 1),
        (days, &["resolved_at=2026-03-03"], 1),
        (days, &["resolved_at!="], 2),
        (days, &["messages_received=2"], 1),
        (days, &["messages_received=0"], 3),
        (days, &["messages_sent>=3"], 1),
        (days, &["bot_messages_sent>0"], 1),
        (days, &["notes=1"], 1),
        (days, &["assignments>1"], 1),
        (days, &["reopenings>0"], 1),
        (days, &["reopenings=0..1"], 3),
        (days, &["reopenings=0,1"], 4),
        (days, &["reopenings!=0"], 1),
        (days, &["hour_of_day=9..16"], 3),
        (days, &["hour_of_day>=9", "hour_of_day<17"], 4),
        (days, &["day_of_week=01"], 3),
        (days, &["day_of_week<=mon"], 3),
        (days, &["day_of_week=tue..fri"], 1),
        (days, &["field.amount@now>=100"], 1),
        (days, &["field.amount@now<100"], 1),
        (days, &["field.amount@now>=99.5", "field.amount@now<=250"], 2),
        (days, &["field.due@now<2026-04"], 1),
        (days, &["field.due@now>=2026-03-10"], 2),
        (days, &["field.due@now>2026-03-10"], 1),
        // As of the end of Monday: A is reopened, and gets its third reply, on Tuesday, and C is deleted on Wednesday.
        (monday, &["reopenings>0"], 0),
        (monday, &["messages_sent>=3"], 0),
        (monday, &["messages_sent=2"], 1),
        (monday, &["resolved_at=2026-03-02"], 2),
        (monday, &["last_agent_message_at=2026-03-02"], 1),
        (monday, &["deleted_at!="], 0),
        (monday, &["first_response_at!="], 1),
    ];
    for (range, filters, expected) in created {
        assert_eq!(count(&project, "created_cases", range, filters), json!(expected), "{range} {filters:?}");
    }
    // 40 min, twice 30 min, 17 h.
    let values: &[(&str, &[&str], i64)] = &[
        ("response_time", &["value>=1h"], 1),
        ("response_time", &["value<1h"], 3),
        ("response_time", &["value=30m"], 2),
        ("response_time", &["value!=30m"], 2),
        ("response_time", &["value=30m..40m"], 2),
        ("response_time", &["value>30m", "value<=16h 59m"], 1),
        ("response_time", &["value>0"], 4),
        ("created_cases", &["value=1"], 4),
        ("ces", &["value>=5.5"], 1),
        ("ces", &["value>6"], 0),
        // D is almost 15 h old at the end of Wednesday, and C was deleted.
        ("backlog_age", &["value>=14h 59m"], 1),
        ("backlog_age", &["value>=15h"], 0),
    ];
    for (metric, filters, expected) in values {
        assert_eq!(count(&project, metric, days, filters), json!(expected), "{metric} {filters:?}");
    }
    // A local day: 16:30 UTC is 01:30 of the next day in Tokyo.
    let words = "created_cases --range 2026-03-02..2026-03-05 --where created_at=2026-03-03 --tz Asia/Tokyo";
    assert_eq!(catalogue::short(&project, words), "1");
}

#[test]
fn a_comparison_that_cannot_be_is_refused() {
    let project = desk();
    let cases = [
        (
            "created_cases",
            "value>=4h",
            "--where: the value of `created_cases` is a number; found `4h`\nhint: such as `value>=2`",
        ),
        ("response_time", "value>=5", "the value of `response_time` is a time; found `5`\nhint: such as `value>=4h`"),
        ("response_time", "value=1..8h", "the value of `response_time` is a time; found `1..8h`"),
        ("days_to_clear", "value>=5", "`days_to_clear` is a ratio, whose contributions have no common `value`"),
        ("online_time", "value>=1h", "the times of `online_time` are cut into buckets, so they have no `value`"),
        (
            "created_cases",
            "field.due>=5",
            "the values of `field.due` are days; found `5`\nhint: such as `field.due>=2026-05-01`",
        ),
        ("created_cases", "field.count>=2026-05-01", "the values of `field.count` are numbers; found `2026-05-01`"),
        ("created_cases", "field.tags>5", "`field.tags` has several values, which have no order"),
        ("created_cases", "survey_score>4", "`survey_score` is kept as of the end of the log"),
        ("created_cases", "reopening>0", "hint: did you mean `reopenings`?"),
    ];
    for (metric, filter, expected) in cases {
        let ran = ask(&project, metric, "2026-03", &[filter]);
        assert!(ran.code == 2 && ran.stderr.contains(expected), "{filter}: {}", ran.stderr);
    }
    let both = ask(&project, "response_time", "2026-03", &["value>5h", "value<3h"]);
    assert!(both.code == 2 && both.stderr.contains("two filters want different `value`"), "{}", both.stderr);
    let cut = project.run(&["metric", "created_cases", "--range", "2026-03", "--by", "reopenings"]);
    let expected = "--by: `reopenings` is only to filter by\nhint: write `--where \"reopenings>=5\"`";
    assert!(cut.code == 2 && cut.stderr.contains(expected), "{}", cut.stderr);
    let none = ask(&project, "created_cases", "2026-03", &["field.due@now>2027-01"]);
    assert!(none.code == 0 && !none.stderr.contains("note:"), "{}", none.stderr);
    let none = ask(&project, "created_cases", "2026-03", &["field.amount>=2026-01-01"]);
    assert!(none.stderr.contains("note: no value of `field.amount` in the log is a day"), "{}", none.stderr);
}

#[test]
fn a_dashboard_filters_by_what_has_an_order_and_names_the_line_of_a_wrong_one() {
    let project = desk();
    let report = |filter: &str| {
        let widget = "[[row]]\n[[row.widget]]\ntitle = \"W\"\nmetric = \"created_cases\"\nchart = \"number\"\n";
        let text = format!("title = \"T\"\nrange = \"2026-03\"\nfilters = [\n  \"{filter}\",\n]\n{widget}");
        project.write("dashboards/mine.toml", text);
        project.run(&["report", "mine", "-o", "pages"])
    };
    assert_eq!(report("created_at>=2026-03-04").code, 0);
    let page = std::fs::read_to_string(project.path("pages/mine.html")).unwrap().replace("<wbr>", "");
    assert!(page.contains("created_at &gt;= 2026-03-04"), "{page}");
    assert!(
        page.contains("--where &#39;created_at&gt;=2026-03-04&#39;")
            || page.contains("--where 'created_at&gt;=2026-03-04'")
    );
    for filter in ["created_at>=soon", "value>=4h", "field.due>=5"] {
        let wrong = report(filter);
        assert!(wrong.code == 2 && wrong.stderr.contains("mine.toml:4: "), "{filter}: {}", wrong.stderr);
    }
}

/// As of any instant, filters find what the auditor derives from the events up to then.
#[tokio::test(flavor = "multi_thread")]
async fn quantities_are_those_of_the_cases_as_of_then() {
    let worked = ["01-life", "05-bots", "06-gap", "08-edges", "09-forgotten"].iter().flat_map(|name| {
        let text = std::fs::read_to_string(of_repository(&format!("tests/golden/{name}.ndjson"))).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    });
    let mut runner = TestRunner::deterministic();
    let mut logs: Vec<Vec<Value>> = (0..3).map(|_| busy_history().new_tree(&mut runner).unwrap().current()).collect();
    logs.push(worked.collect());
    let metrics = Catalogue::load(Path::new("no such project")).await.unwrap();
    let mut had = BTreeSet::new();
    for lines in logs {
        let database = open(&lines).await;
        let mut times: Vec<i64> = lines.iter().map(|line| instant(line["time"].as_str().unwrap())).collect();
        times.sort_unstable();
        for as_of in [times[times.len() / 3], times[times.len() * 2 / 3], times[times.len() - 1]] {
            let is_known = |line: &&Value| instant(line["time"].as_str().unwrap()) <= as_of;
            let cases = audit(&lines.iter().filter(is_known).cloned().collect::<Vec<_>>())["cases"].clone();
            let middle = Instant(times[times.len() / 2]).to_string();
            for quantity in QUANTITIES {
                let name = quantity.name;
                // What follows if nothing more happens, such as the end of the grace period, has not happened yet.
                let at = |row: &Row| row[name].as_str().map(instant).filter(|at| *at <= as_of);
                let number = |row: &Row| row[name].as_i64().unwrap();
                let count = |holds: &dyn Fn(&Row) -> bool| cases.iter().filter(|row| holds(row)).count();
                let asked = match quantity.scale {
                    Scale::Instant => [
                        (format!("{name}<{middle}"), count(&|row| at(row).is_some_and(|at| at < instant(&middle)))),
                        (format!("{name}!="), count(&|row| at(row).is_some())),
                    ],
                    _ => [
                        (format!("{name}>=1"), count(&|row| number(row) >= 1)),
                        (format!("{name}=2"), count(&|row| number(row) == 2)),
                    ],
                };
                for (filter, expected) in asked {
                    let filters = vec![Filter::parse("test", &filter).unwrap()];
                    let all = catalogue::question("created_cases", "2000..2100", "count");
                    let asked = Question { filters, as_of: Instant(as_of), ..all };
                    let answer = asked.answer(&database, &metrics).await.unwrap();
                    assert_eq!(answer.rows[0].values[0], Some(expected as f64), "{filter} as of {}", Instant(as_of));
                    had.extend((expected > 0).then_some(filter.split(['<', '>', '=', '!']).next().unwrap().to_owned()));
                }
            }
        }
    }
    assert_eq!(had.len(), QUANTITIES.len(), "no case has another quantity than {had:?}");
}
