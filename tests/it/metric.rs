//! Metrics by example: a small desk whose numbers one can work out by hand.

mod compare;
mod instants;
mod opening;
mod overlap;
mod rows;
mod source;

use serde_json::{Value, json};

use crate::project::{Project, Ran};

/// One event line; `time` is of 2 March 2026 unless it names a date.
pub fn event(id: &str, kind: &str, subject: &str, time: &str, data: &str) -> String {
    let time = if time.contains('T') { time.to_owned() } else { format!("2026-03-02T{time}:00Z") };
    format!(r#"{{"id":"{id}","source":"t","type":"{kind}","subject":"{subject}","time":"{time}","data":{data}}}"#)
}

/// Ana answers A after 20 minutes; A is done, reopened by hand the next day and done again. B goes to Ben, then to Spam.
/// C stays New. D is created late on the day in UTC, which is the next day in Kolkata.
fn desk() -> Project {
    let lines = [
        event("u1", "user.updated", "ana", "2026-01-01T00:00:00Z", r#"{"team":"north"}"#),
        event("u2", "user.updated", "ben", "2026-01-01T00:00:00Z", r#"{"team":"south"}"#),
        event("u3", "user.updated", "ana", "2026-03-03T00:00:00Z", r#"{"team":"west"}"#),
        event("s", "settings.updated", "settings", "2026-01-01T00:00:00Z", r#"{"grace_period":"2d"}"#),
        event("a1", "case.created", "A", "09:00", r#"{"customer":"ca","platform":"x"}"#),
        event("a2", "case.assigned", "A", "09:05", r#"{"agent":"ana"}"#),
        event("a3", "message.sent", "A", "09:20", r#"{"message":"m1","by":"ana"}"#),
        event("a4", "case.status_changed", "A", "10:00", r#"{"status":"done","by":"ana"}"#),
        event("a5", "case.status_changed", "A", "2026-03-03T10:00:00Z", r#"{"status":"open"}"#),
        event("a6", "case.priority_changed", "A", "2026-03-03T11:00:00Z", r#"{"priority":"urgent"}"#),
        event("a7", "case.status_changed", "A", "2026-03-03T12:00:00Z", r#"{"status":"done"}"#),
        event("b1", "case.created", "B", "09:00", r#"{"customer":"cb","platform":"email"}"#),
        event("b2", "case.assigned", "B", "09:30", r#"{"agent":"ben"}"#),
        event("b3", "case.status_changed", "B", "11:00", r#"{"status":"spam","by":"ben"}"#),
        event("c1", "case.created", "C", "12:00", r#"{"customer":"cc","platform":"x"}"#),
        event("d1", "case.created", "D", "20:00", r#"{"customer":"cd","platform":"x"}"#),
        event("d2", "message.sent", "D", "20:40", r#"{"message":"m2","by":"ben"}"#),
    ];
    let project = Project::new();
    project.write("events.ndjson", lines.join("\n"));
    project.ingest(&["events.ndjson"], 0);
    project
}

fn ask(project: &Project, words: &str) -> Ran {
    let mut arguments = vec!["metric"];
    arguments.extend(words.split(' '));
    arguments.extend(["--format", "json"]);
    project.run(&arguments)
}

pub fn answer(project: &Project, words: &str) -> Value {
    let ran = ask(project, words);
    assert_eq!(ran.code, 0, "{words}: {}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn numbers_equal_those_computed_on_paper() {
    let project = desk();
    let minute = 60_000;
    let cases = [
        ("created_cases --range 2026-03-02", json!([{"count": 4, "contributions": 4, "cases": 4}])),
        (
            "first_response_time --range 2026-03-02 --show median,p90,mean,min,max",
            json!([{"median": 30.0 * 60_000.0, "p90": 38.0 * 60_000.0, "mean": 30.0 * 60_000.0, "min": 20 * 60_000,
                    "max": 40 * 60_000, "contributions": 2, "cases": 2}]),
        ),
        (
            "resolved_cases --range 2026-03 --by resolution",
            json!([{"resolution": "done", "count": 1, "contributions": 2, "cases": 1},
                   {"resolution": "spam", "count": 1, "contributions": 1, "cases": 1}]),
        ),
        // Reopened at the end of the first day: no; done again on the second: yes.
        ("stayed_resolved_cases --range 2026-03-02", json!([{"count": 2, "contributions": 2, "cases": 2}])),
        ("stayed_resolved_cases --range 2026-03-03", json!([{"count": 1, "contributions": 1, "cases": 1}])),
        ("reopenings --range 2026-03-03 --by agent", json!([{"agent": "ana", "count": 1, "contributions": 1, "cases": 1}])),
        (
            "first_resolution_time --range 2026-03-02",
            json!([{"median": f64::from(60 * minute), "contributions": 1, "cases": 1}]),
        ),
        (
            "unresolved_cases --range 2026-03-02..2026-03-04 --grain day",
            json!([{"bucket": "2026-03-02T00:00:00.000Z", "count": 2, "contributions": 2, "cases": 2},
                   {"bucket": "2026-03-03T00:00:00.000Z", "count": 2, "contributions": 2, "cases": 2}]),
        ),
        (
            "workload --range 2026-03-02..2026-03-03 --grain hour --where agent=ben --show count",
            Value::Array((0..24).map(|hour| {
                let holds = i64::from(hour == 9 || hour == 10);
                json!({"bucket": format!("2026-03-02T{hour:02}:00:00.000Z"), "count": holds, "contributions": holds, "cases": holds})
            }).collect()),
        ),
    ];
    for (words, expected) in cases {
        assert_eq!(answer(&project, words), expected, "{words}");
    }
}

#[test]
fn days_begin_in_the_zone_that_is_asked_for() {
    let project = desk();
    // 20:00 UTC on 2 March is 01:30 on 3 March in Kolkata.
    let rows = answer(&project, "created_cases --range 2026-03-02..2026-03-04 --grain day --tz Asia/Kolkata");
    let counts: Vec<_> =
        rows.as_array().unwrap().iter().map(|row| (row["bucket"].clone(), row["count"].clone())).collect();
    assert_eq!(counts, [(json!("2026-03-01T18:30:00.000Z"), json!(3)), (json!("2026-03-02T18:30:00.000Z"), json!(1))]);
}

#[test]
fn dimensions_are_taken_as_they_were_unless_now_is_asked_for() {
    let project = desk();
    let group = |words: &str, name: &str| {
        answer(&project, words).as_array().unwrap().iter().map(|row| row[name].clone()).collect::<Vec<_>>()
    };
    let first = "first_response_time --range 2026-03-02 --where platform=x --where agent=ana --by ";
    assert_eq!(group(&format!("{first}team"), "team"), [json!("north")]);
    assert_eq!(group(&format!("{first}priority"), "priority"), [json!("medium")]);
    let both = "first_response_time --range 2026-03 --where agent=ana --by ";
    assert_eq!(group(&format!("{both}priority@now"), "priority@now"), [json!("urgent")]);
    assert_eq!(group(&format!("{both}team@now"), "team@now"), [json!("west")]);
}

#[test]
fn what_is_left_out_is_reported() {
    let project = desk();
    let ran = ask(&project, "first_resolution_time --range 2026-03-02");
    assert!(ran.stderr.contains("left out: spam 1"), "{}", ran.stderr);
    let rows = answer(&project, "first_resolution_time --range 2026-03-02 --cases");
    let reasons: Vec<_> =
        rows.as_array().unwrap().iter().map(|row| (row["case_id"].clone(), row["excluded"].clone())).collect();
    assert_eq!(reasons, [(json!("A"), Value::Null), (json!("B"), json!("spam"))]);
}

#[test]
fn nothing_is_not_zero_for_durations() {
    let project = desk();
    assert_eq!(answer(&project, "first_response_time --range 2025")[0]["median"], Value::Null);
    assert_eq!(answer(&project, "created_cases --range 2025")[0]["count"], json!(0));
}

/// A metric's file: a header whose keys are `none` but for those that are given, and what follows it.
fn metric_file(name: &str, more: &str) -> String {
    let keys = [
        "title",
        "meaning",
        "agent",
        "excludes",
        "bots",
        "reopenings",
        "spam",
        "deletion",
        "pauses",
        "example",
        "differs",
    ];
    let common: String = keys.iter().map(|key| format!("-- {key}: none\n")).collect();
    format!("-- metric: {name}\n{common}{more}")
}

/// A metric of the user: a stock whose value depends on when it is read, and a ratio.
#[test]
fn own_metrics_see_the_instant_they_are_read_at_and_can_be_divided() {
    let project = desk();
    let age = "-- unit: ms\n-- kind: stock\n-- aggregate: max\n-- date: none\n\
               SELECT p.case_id, p.since, p.until, p.assignee AS agent,\n\
               CAST($at AS BIGINT) - CAST(c.created_at AS BIGINT) AS value\n\
               FROM periods p JOIN cases c ON c.case_id = p.case_id WHERE p.status IN ('new', 'open')\n";
    project.write("queries/oldest.sql", metric_file("oldest", age));
    let ratio = "-- unit: share\n-- kind: ratio\n-- numerator: unresolved_cases@end\n-- denominator: created_cases\n";
    project.write("queries/left_over.sql", metric_file("left_over", ratio));
    let hour = 3_600_000;
    let rows = answer(&project, "oldest --range 2026-03-02..2026-03-04 --grain day");
    assert_eq!(rows[0]["max"], json!(12 * hour - 1));
    assert_eq!(rows[1]["max"], json!(36 * hour - 1));
    assert_eq!(answer(&project, "left_over --range 2026-03-02")[0]["ratio"], json!(0.5));
}

#[test]
fn faulty_metrics_are_named_all_at_once_with_file_line_and_fix() {
    let project = desk();
    project.write("queries/broken.sql", "-- metric: broken\n-- titel: x\nSELECT 1\n");
    let good = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/queries/reopenings.sql")).unwrap();
    let mine = good.replace("metric: reopenings", "metric: mine").replace("reopened_at AS at", "reopend_at AS at");
    project.write("queries/mine.sql", mine);
    let ran = project.run(&["metric"]);
    assert_eq!(ran.code, 2);
    for expected in [
        "broken.sql:2: `titel` is not a key",
        "did you mean `title`?",
        "broken.sql:2: the header lacks `meaning`",
        "mine.sql:17",
    ] {
        assert!(ran.stderr.contains(expected), "`{expected}` in {}", ran.stderr);
    }
}

#[test]
fn a_refused_question_names_what_can_be_asked() {
    let project = desk();
    let cases = [
        ("workloads --range 2026", "did you mean `workload`?"),
        ("workload --range 2026 --by agnt", "did you mean `agent`?"),
        ("workload --range 2026 --by kind", "have no column `kind`"),
        ("workload --range soon", "last full month"),
        ("workload --range 2026 --show mediann", "did you mean `median`?"),
        ("workload --range 2026 --grain wek", "did you mean `week`?"),
        ("workload --by agent", "add --range"),
        ("workload --show p90", "add --range"),
        ("workload --as-of 2026-03-02", "add --range"),
        ("--range 2026", "`casebook metric` lists them"),
        ("--by agent", "`casebook metric` lists them"),
        ("workload --range 2026 --cases --show p90", "leave `--show` or `--cases` out"),
        ("response_time --range 2026 --show share", "use `mean`"),
        ("workload --range 2026 --where platform=x --where platform=y", "nothing passes both"),
    ];
    for (words, expected) in cases {
        let ran = ask(&project, words);
        assert!(ran.code == 2 && ran.stderr.contains(expected), "{words}: {}", ran.stderr);
    }
}

/// A misspelled value would be answered with nothing, as if nothing had happened.
#[test]
fn a_value_that_cannot_be_is_an_error_and_one_that_nothing_has_is_a_note() {
    let project = desk();
    let lines = [
        event(
            "f1",
            "field.updated",
            "tier",
            "2026-01-01T00:00:00Z",
            r#"{"kind":"single","values":["gold","silver"],"enabled":true}"#,
        ),
        event("f2", "case.field_changed", "A", "09:10", r#"{"field":"tier","value":"gold"}"#),
        event("f3", "case.field_changed", "A", "09:10", r#"{"field":"shelf","value":"7"}"#),
    ];
    project.write("fields.ndjson", lines.join("\n"));
    project.ingest(&["fields.ndjson"], 0);
    let refused = [
        ("created_cases --where deleted=false", "--where: `deleted` has the values kept, deleted; found `false`"),
        (
            "created_cases --where status=solved",
            "`status` has the values new, open, pending, on_hold, done, spam; found `solved`",
        ),
        (
            "created_cases --where priority=normal",
            "`priority` has the values urgent, high, medium, low; found `normal`",
        ),
        ("resolved_cases --where resolution=Done", "did you mean `done`?"),
        ("created_cases --where origin=email", "`origin` has the values manual, automatic, listening, direct"),
        ("created_cases --where sentiment=good", "`sentiment` has the values positive, negative, neutral, none"),
        ("created_cases --where hour_of_day=25", "`hour_of_day` has the values 0 to 23"),
        ("created_cases --where day_of_week=Moonday", "did you mean `monday`?"),
        ("messages_sent --where kind=pubic", "did you mean `public`?"),
        ("created_cases --where field.tire=gold", "--where: the log neither defines nor uses the field `tire`"),
        ("created_cases --where field.tire=gold", "did you mean `field.tier`?"),
        ("created_cases --by field.colour", "--by: the log neither defines nor uses the field `colour`"),
        ("created_cases --by field.colour --cases", "hint: the fields are shelf, tier"),
        ("created_cases --where field.tier=bronze", "`field.tier` has the values gold, silver; found `bronze`"),
    ];
    for (words, expected) in refused {
        let ran = ask(&project, &format!("{words} --range 2026-03"));
        assert!(ran.code == 2 && ran.stderr.contains(expected), "{words}: {} {}", ran.code, ran.stderr);
        assert_eq!(ran.stdout, "", "{words}");
    }
    let noted = [
        ("messages_sent --where agent=anna", "note: nothing in the log has `agent=anna`; did you mean `ana`?"),
        ("messages_sent --where team=nowhere", "note: nothing in the log has `team=nowhere`\n"),
        ("created_cases --where platform=fax", "note: nothing in the log has `platform=fax`\n"),
        ("created_cases --where customer=cz --cases", "note: nothing in the log has `customer=cz`"),
        ("created_cases --where field.shelf=8", "note: nothing in the log has `field.shelf=8`"),
    ];
    for (words, expected) in noted {
        let ran = ask(&project, &format!("{words} --range 2026-03"));
        assert!(ran.code == 0 && ran.stderr.contains(expected), "{words}: {} {}", ran.code, ran.stderr);
    }
    let known = [
        "created_cases --where field.tier=silver",
        "created_cases --where field.shelf=7",
        "created_cases --where agent=ana",
        "created_cases --where status=pending",
        "messages_sent --where kind=direct",
        "created_cases --by field.tier",
        "created_cases --where customer=",
        "created_cases --where customer=ca --cases",
    ];
    for words in known {
        let ran = ask(&project, &format!("{words} --range 2026-03"));
        assert!(ran.code == 0 && !ran.stderr.contains("note:"), "{words}: {} {}", ran.code, ran.stderr);
    }
}

/// A metric of the project names the values of its own columns.
#[test]
fn a_metric_of_the_project_may_have_kinds_of_its_own() {
    let project = desk();
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/queries/created_cases.sql")).unwrap();
    let mine = text.replace("metric: created_cases", "metric: mine").replace("SELECT", "SELECT 'letter' AS kind,");
    project.write("queries/mine.sql", mine);
    for (filter, count) in [("letter", 4), ("letter,fax", 4), ("fax", 0)] {
        let rows = answer(&project, &format!("mine --range 2026-03-02 --where kind={filter}"));
        assert_eq!(rows[0]["count"], json!(count), "{filter}");
    }
}

#[test]
fn a_dashboards_filter_is_checked_at_its_file_and_line() {
    let project = desk();
    let dashboard = |filter: &str| {
        let text = format!(
            "title = \"T\"\nrange = \"2026-03\"\nfilters = [\n  \"{filter}\",\n]\n[[row]]\n[[row.widget]]\ntitle = \"W\"\nmetric = \"created_cases\"\nchart = \"number\"\n"
        );
        project.write("dashboards/mine.toml", text);
        project.run(&["report", "mine", "--output", "out"])
    };
    let wrong = dashboard("priority=normal");
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.stderr.contains("mine.toml:4: `priority` has the values urgent, high, medium, low"),
        "{}",
        wrong.stderr
    );
    let unknown = dashboard("field.nosuch=1");
    assert_eq!(unknown.code, 2);
    assert!(
        unknown.stderr.contains("mine.toml:4: the log neither defines nor uses the field `nosuch`"),
        "{}",
        unknown.stderr
    );
    let unused = dashboard("platform=fax");
    assert_eq!(unused.code, 0, "{}", unused.stderr);
    assert!(unused.stderr.contains("note: nothing in the log has `platform=fax`"), "{}", unused.stderr);
    let page = std::fs::read_to_string(project.path("out/mine.html")).unwrap();
    assert!(page.contains("Nothing in the log has `platform=fax`."), "{page}");
    let several = dashboard("platform=email,fax");
    assert!(several.code == 0 && several.stderr.contains("note: nothing in the log has `platform=fax`"));
    assert!(!several.stderr.contains("no widget has data"), "{}", several.stderr);
    let known = dashboard("platform=email");
    assert!(known.code == 0 && !known.stderr.contains("note:"), "{}", known.stderr);
}

/// A stock of nothing is 0, which is shown like any number.
#[test]
fn a_dashboard_of_stocks_notes_a_misspelled_value_and_places_the_fault_of_a_widget() {
    let project = desk();
    let dashboard = |filter: &str, widget: &str| {
        let head =
            format!("title = \"T\"\nrange = \"2026-03-02\"\nfilters = [\"{filter}\"]\n[[row]]\n[[row.widget]]\n");
        project.write("dashboards/mine.toml", format!("{head}title = \"W\"\n{widget}\n"));
        project.run(&["report", "mine", "--output", "out"])
    };
    let stock = dashboard("platform=fax", "metric = \"backlog\"\nchart = \"number\"");
    assert_eq!(stock.code, 0, "{}", stock.stderr);
    assert!(stock.stderr.contains("note: nothing in the log has `platform=fax`"), "{}", stock.stderr);
    assert!(!stock.stderr.contains("no widget has data"), "{}", stock.stderr);
    let histogram = dashboard("platform=x", "metric = \"created_cases\"\nchart = \"histogram\"");
    assert!(histogram.code == 2 && histogram.stderr.contains("mine.toml:6: "), "{}", histogram.stderr);
    let ratio = dashboard("platform=x", "metric = \"days_to_clear\"\nchart = \"line\"");
    assert_eq!(ratio.code, 2, "{}", ratio.stderr);
    assert!(ratio.stderr.contains("mine.toml:6: `days_to_clear` is read at the end"), "{}", ratio.stderr);
    let whole =
        dashboard("platform=x", "metric = \"created_cases\"\nchart = \"bar\"\nby = \"agent\"\nshow = [\"per_day\"]");
    assert_eq!(whole.code, 0, "{}", whole.stderr);
}

#[test]
fn a_new_metric_works_as_it_is_written_and_a_check_names_what_is_wrong() {
    let project = desk();
    let made = project.run(&["metric", "new", "urgent_cases"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let file = "queries/urgent_cases.sql";
    let good = project.run(&["metric", "check", file]);
    assert_eq!(good.code, 0, "{}", good.stderr);
    assert!(
        good.stderr.contains("nothing is wrong") && good.stderr.contains("0 of 0 contributions"),
        "{}",
        good.stderr
    );
    assert_eq!(answer(&project, "urgent_cases --range 2026-03")[0]["count"], json!(0));
    // Each case of the desk is created with the priority medium.
    let text = std::fs::read_to_string(project.path(file)).unwrap();
    project.write(file, text.replace("p.priority = 'urgent'", "p.priority = 'medium'"));
    let good = project.run(&["metric", "check", file]);
    assert!(good.stderr.contains("4 of 4 contributions from 2026-02-02 to before 2026-03-04"), "{}", good.stderr);
    assert_eq!(good.stdout.lines().count(), 4 + 4, "{}", good.stdout);
    let again = project.run(&["metric", "new", "urgent_cases"]);
    assert!(again.code == 2 && again.stderr.contains("exists"), "{}", again.stderr);
    project.write(file, text.replace("AS value", "AS valu"));
    let wrong = project.run(&["metric", "check", file]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("urgent_cases.sql:") && wrong.stderr.contains("`value`"), "{}", wrong.stderr);
    let same = project.run(&["metric", "new", "created_cases"]);
    assert!(same.stderr.contains("takes the place of the built-in metric"), "{}", same.stderr);
    let named = project.run(&["metric", "new", "Urgent cases"]);
    assert!(named.code == 2 && named.stderr.contains("is not a name"), "{}", named.stderr);
}
