//! Manifests of reports: what they state, what `verify` finds, and which figures `restate` names.

use casebook::log::Log;
use casebook::model::time::Instant;
use casebook::query::contents;
use casebook::query::moment::Moment;
use casebook::store::Store;
use casebook::store::engine::Resources;
use serde_json::Value;

use crate::project::{Project, Ran};

/// A generated desk, its events in two files of the project: every second one in each.
fn files() -> Project {
    let project = Project::new();
    let made = project.run(&["generate", "--cases", "60", "--seed", "3"]).stdout;
    let half = |rest: usize| -> String {
        let lines = made.lines().enumerate().filter(|(number, _)| number % 2 == rest);
        lines.map(|(_, line)| format!("{line}\n")).collect()
    };
    project.write("even.ndjson", half(0));
    project.write("odd.ndjson", half(1));
    project
}

fn desk() -> Project {
    let project = files();
    project.ingest(&["even.ndjson", "odd.ndjson"], 0);
    project
}

const FORMATS: &str = "html,json,csv,markdown";

/// Renders the overview into `pages`, and gives the text of its manifest.
fn report(project: &Project, more: &[&str]) -> String {
    let report = ["report", "overview", "--range", "2026-05", "-o", "pages", "--format", FORMATS];
    let ran = project.run(&[&report, more].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let written = ran.stdout.lines().last().unwrap();
    assert!(written.ends_with("/pages/overview.manifest.json"), "{}", ran.stdout);
    std::fs::read_to_string(written).unwrap()
}

fn verify(project: &Project, more: &[&str]) -> Ran {
    project.run(&[&["verify", "pages/overview.manifest.json"], more].concat())
}

fn assert_verified(project: &Project, when: &str) {
    for threads in ["1", "2"] {
        let ran = verify(project, &["--threads", threads]);
        assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{when}: {}", ran.stderr);
        assert!(ran.stderr.contains("13 of 13 files are those of"), "{when}: {}", ran.stderr);
        assert!(!ran.stderr.contains("note:"), "{when}: {}", ran.stderr);
    }
}

/// An event of the month that arrives after the report: a case of the 4th without an answer.
const LATE: &str = r#"{"specversion":"1.0","id":"late","source":"t","type":"case.created","time":"2026-05-04T08:00:00Z","subject":"LATE","data":{"customer":"c","platform":"email"}}"#;

#[test]
fn a_manifest_states_what_the_report_was_made_from() {
    let project = desk();
    let text = report(&project, &["--tz", "Europe/Prague", "--where", "platform=email,chat", "--hours", "business"]);
    let manifest: Value = serde_json::from_str(&text).unwrap();
    let question = &manifest["question"];
    assert_eq!(question["filters"], serde_json::json!(["platform=email,chat"]));
    assert_eq!([&question["hours"], &question["zone"]], ["business", "Europe/Prague"]);
    assert_eq!(question["range"]["from"], "2026-04-30T22:00:00.000Z");
    assert_eq!(
        [&question["range"]["to"], &question["as_of"]],
        ["2026-05-31T22:00:00.000Z", "2026-05-31T21:59:59.999Z"]
    );
    assert_eq!(manifest["log"]["last_batch"], 1);
    assert_eq!(manifest["log"]["events"], project.value("SELECT count(*) FROM events"));
    assert_eq!(manifest["program"], env!("CARGO_PKG_VERSION"));
    let names = |part: &str| -> Vec<String> {
        let parts = manifest[part].as_array().unwrap().iter();
        parts.map(|part| part["name"].as_str().unwrap().to_owned()).collect()
    };
    let metrics = names("metrics");
    assert!(metrics.contains(&"first_response_time_business".to_owned()), "{metrics:?}");
    assert!(!names("policies").is_empty() && !names("calendars").is_empty(), "{text}");
    for output in manifest["outputs"].as_array().unwrap() {
        let bytes = std::fs::metadata(project.path("pages").join(output["file"].as_str().unwrap())).unwrap().len();
        assert_eq!(output["bytes"], bytes, "{output}");
    }
    assert_eq!(
        text,
        report(&project, &["--tz", "Europe/Prague", "--where", "platform=email,chat", "--hours", "business"])
    );
    assert_verified(&project, "business hours of two platforms");
}

/// A ratio depends on both of its sides, and a metric on its source.
#[test]
fn a_manifest_names_the_metrics_behind_a_metric() {
    let project = desk();
    let widget = |title: &str, metric: &str| {
        format!("[[row.widget]]\ntitle = \"{title}\"\nchart = \"number\"\nmetric = \"{metric}\"\n")
    };
    let widgets = widget("One", "utilization") + &widget("Two", "created_cases");
    project.write("dashboards/overview.toml", format!("title = \"Mine\"\nrange = \"2026-05\"\n[[row]]\n{widgets}"));
    let names = |text: &str| -> Vec<String> {
        let manifest: Value = serde_json::from_str(text).unwrap();
        let metrics = manifest["metrics"].as_array().unwrap().iter();
        metrics.map(|metric| metric["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&report(&project, &[])), ["capacity_time", "created_cases", "utilization", "workload_time"]);
    let one = ["report", "overview", "--widget", "One", "--format", "csv,parquet,png,svg"];
    assert_eq!(project.run(&one).code, 0);
    let text = std::fs::read_to_string(project.path("one.manifest.json")).unwrap();
    assert_eq!(names(&text), ["capacity_time", "utilization", "workload_time"]);
    assert_eq!(project.run(&["verify", "one.manifest.json"]).code, 0);
}

#[test]
fn nothing_is_written_beside_standard_output() {
    let project = desk();
    let ran = project.run(&["report", "overview", "--range", "2026-05", "--format", "json", "-o", "-"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(!project.path("overview.manifest.json").exists() && !project.path("-").exists());
}

#[test]
fn a_report_is_verified_whatever_becomes_of_its_log() {
    let project = desk();
    let manifest = report(&project, &[]);
    assert_verified(&project, "at once");
    project.write("late.ndjson", LATE);
    project.ingest(&["late.ndjson"], 0);
    assert_verified(&project, "after a late event");
    for command in [&["compact", "--full"][..], &["vacuum"], &["replay", "--full"]] {
        assert_eq!(project.run(command).code, 0);
    }
    assert_verified(&project, "after merging and replaying");
    let later = report(&project, &[]);
    assert!(manifest != later && later.contains("\"last_batch\": 2"), "{later}");
    assert_verified(&project, "of the later log");
}

/// Where files have events of a later batch, too, their rows are read.
#[tokio::test(flavor = "multi_thread")]
async fn what_commits_state_of_events_is_what_their_files_have() {
    let project = files();
    let resources = Resources { memory_bytes: 1 << 28, threads: 2 };
    let both = async |last_batch: Option<i64>| {
        let log = Log::open(&Store::open(&project.path("store")).unwrap()).await.unwrap();
        let stated = Moment { last_batch, ..Moment::default() };
        let known_at = Some(Instant::parse("2199-01-01T00:00:00Z").unwrap());
        let read = contents::of(&log, resources, Moment { known_at, ..stated }).await.unwrap();
        assert_eq!(contents::of(&log, resources, stated).await.unwrap(), read);
        read
    };
    project.ingest(&["even.ndjson"], 0);
    let first = both(None).await;
    project.ingest(&["odd.ndjson", "even.ndjson"], 0);
    let second = both(None).await;
    assert!(first.events > 100 && second.events > first.events && second.fingerprint != first.fingerprint);
    assert_eq!(both(Some(1)).await, first);
    assert_eq!(project.run(&["compact", "--full"]).code, 0);
    assert_eq!((both(None).await, both(Some(1)).await), (second, first));
}

#[test]
fn reports_as_of_another_moment_are_verified() {
    let project = desk();
    project.write("late.ndjson", LATE);
    for moment in [&["--as-of", "2026-05-15T12:00:00Z"][..], &["--known-at", "2199-12-31"]] {
        report(&project, moment);
        assert_verified(&project, moment[0]);
        project.ingest(&["late.ndjson"], 0);
        assert_verified(&project, moment[0]);
    }
}

#[test]
fn the_order_in_which_files_come_changes_no_manifest() {
    let first = desk();
    let manifest = report(&first, &[]);
    let second = files();
    second.ingest(&["odd.ndjson", "even.ndjson"], 0);
    assert_eq!(manifest, report(&second, &[]));
    let (third, fourth) = (files(), files());
    for (project, names) in [(&third, ["odd.ndjson", "even.ndjson"]), (&fourth, ["even.ndjson", "odd.ndjson"])] {
        names.iter().for_each(|name| drop(project.ingest(&[name], 0)));
    }
    let in_two = report(&third, &[]);
    assert_eq!(in_two, report(&fourth, &[]));
    let [one, two] = [&manifest, &in_two].map(|text| serde_json::from_str::<Value>(text).unwrap());
    assert_eq!(one["log"]["fingerprint"], two["log"]["fingerprint"]);
    let of = |manifest: &Value, ending: &str| -> Vec<Value> {
        let outputs = manifest["outputs"].as_array().unwrap().iter();
        outputs.filter(|output| output["file"].as_str().unwrap().ends_with(ending)).cloned().collect()
    };
    // The number of the last batch is in the head of the page.
    assert_ne!(of(&one, ".html"), of(&two, ".html"));
    assert!(of(&one, ".csv") == of(&two, ".csv") && of(&one, ".csv").len() > 5);
}

#[test]
fn every_format_is_the_same_bytes_with_one_core_and_two_and_from_a_log_in_another_order() {
    let formats: Vec<&str> = casebook::report::format::FORMATS.iter().map(|format| format.name).collect();
    let formats = formats.join(",");
    let rendered = |order: [&str; 2], threads: &str| {
        let project = files();
        project.ingest(&order, 0);
        let report = ["report", "supervisor-weekly", "--range", "2026-05", "--threads", threads, "-o", "pages"];
        let ran = project.run(&[report.as_slice(), &["--format", &formats]].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let paths = ran.stdout.lines().map(std::path::PathBuf::from);
        let file = |path: std::path::PathBuf| (path.file_name().unwrap().to_owned(), std::fs::read(path).unwrap());
        paths.map(file).collect::<Vec<_>>()
    };
    let one = rendered(["even.ndjson", "odd.ndjson"], "1");
    let two = rendered(["odd.ndjson", "even.ndjson"], "2");
    assert!(one.len() > casebook::report::format::FORMATS.len(), "{}", one.len());
    for ((name, bytes), (other, other_bytes)) in one.iter().zip(&two) {
        assert_eq!(name, other);
        assert!(bytes == other_bytes, "{name:?} differs");
    }
}

#[test]
fn what_differs_is_named_with_its_probable_cause() {
    let project = desk();
    report(&project, &[]);
    let csv = project.path("pages/overview.agents.csv");
    let text = std::fs::read_to_string(&csv).unwrap();
    std::fs::write(&csv, text.replace(",1", ",2")).unwrap();
    std::fs::remove_file(project.path("pages/overview.md")).unwrap();
    let ran = verify(&project, &[]);
    let lines = ["overview.agents.csv: was altered after the report was made", "overview.md: is missing"];
    assert_eq!((ran.code, ran.stdout.lines().collect::<Vec<_>>().as_slice()), (1, &lines[..]), "{}", ran.stderr);
    assert!(ran.stderr.contains("11 of 13 files are those of"), "{}", ran.stderr);
    report(&project, &[]);
    let metric = std::fs::read_to_string(crate::project::of_repository("queries/created_cases.sql")).unwrap();
    project.write("queries/created_cases.sql", format!("{metric}\n-- The same numbers.\n"));
    let ran = verify(&project, &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    assert!(
        ran.stderr.contains("note: the metric `created_cases` has changed, which changes no file"),
        "{}",
        ran.stderr
    );
    project.write("queries/created_cases.sql", metric.replace("FROM cases", "FROM cases WHERE platform = 'email'"));
    let ran = verify(&project, &["--summary", "json"]);
    let summary = ran.summary(1);
    assert_eq!(summary["changed"], serde_json::json!(["the metric `created_cases` has changed"]));
    assert!(summary["equal"].as_u64().unwrap() > 3, "{summary}");
    let first = &summary["differences"][0];
    assert_eq!(first["file"], "overview.html");
    let what = first["what"].as_str().unwrap();
    assert!(what.ends_with("; probably because the metric `created_cases` has changed"), "{what}");
}

#[test]
fn other_events_and_another_program_are_causes() {
    let project = desk();
    let manifest = report(&project, &[]);
    let other = Project::new();
    other.write("events.ndjson", project.run(&["generate", "--cases", "60", "--seed", "4"]).stdout);
    other.ingest(&["events.ndjson"], 0);
    report(&other, &[]);
    let own = r#""program": "0.1.0""#;
    assert!(manifest.contains(own));
    other.write("pages/overview.manifest.json", manifest.replace(own, r#""program": "0.0.9""#));
    let ran = verify(&other, &[]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let remade = ran.stdout.lines().find(|line| line.starts_with("overview.html: has ")).unwrap();
    let program = "probably because the version of the program is 0.1.0, was 0.0.9; the log has ";
    assert!(remade.contains(program) && remade.contains(" events up to batch 1, had "), "{remade}");
    let later = manifest.replace(r#""last_batch": 1"#, r#""last_batch": 7"#);
    other.write("pages/overview.manifest.json", later);
    let ran = verify(&other, &[]);
    assert!(ran.stdout.contains("the log ends with batch 1, and the report was made from 7"), "{}", ran.stdout);
}

#[test]
fn a_manifest_of_an_older_form_is_verified() {
    let project = desk();
    let manifest = report(&project, &[]);
    let older = ["\"anonymize\": false,", "\"with_text\": false,"].iter().fold(manifest, |text, member| {
        assert!(text.contains(member), "{text}");
        text.replace(member, "")
    });
    project.write("pages/overview.manifest.json", older.replace("\"form\": 2", "\"form\": 1"));
    assert_verified(&project, "a manifest without the choices about people");
}

#[test]
fn what_is_no_manifest_is_refused() {
    let project = desk();
    let manifest = report(&project, &[]);
    let refused = |text: &str, message: &str| {
        project.write("pages/overview.manifest.json", text);
        let ran = verify(&project, &[]);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains(message) && ran.stderr.contains("hint: "), "{}", ran.stderr);
    };
    refused("{\n\"form\": 1,\n}", "overview.manifest.json:3: not a manifest: ");
    refused("{\"form\": 1}", "overview.manifest.json:1: not a manifest: missing field `question`");
    refused(&manifest.replace("\"form\": 2", "\"form\": 3"), "the manifest has the form 3");
    refused(&manifest.replace("overview.md", "../overview.md"), "`../overview.md` is not the name of a file");
    refused(&manifest.replace("\"as_of\": \"2026", "\"as_of\": \"26"), "is not an RFC 3339 time");
    refused(&manifest.replace("\"zone\": \"UTC\"", "\"zone\": \"Mars/Base\""), "`Mars/Base` is not a time zone");
    assert_eq!(project.run(&["verify", "nothing.json"]).code, 2);
}

fn event(id: &str, kind: &str, subject: &str, time: &str, data: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"t","type":"{kind}","time":"2026-{time}:00Z","subject":"{subject}","data":{{{data}}}}}"#
    )
}

/// Two cases of May, answered after an hour, and a report of them.
fn two_cases() -> Project {
    let project = Project::new();
    let mut lines = Vec::new();
    for (case, agent) in [("A", "ana"), ("B", "ben")] {
        let customer = format!(r#""customer":"c{case}","platform":"email","profile":"p""#);
        lines.push(event(&format!("{case}1"), "case.created", case, "05-04T08:00", &customer));
        let (message, assigned) = (format!(r#""message":"m{case}","by":"{agent}""#), format!(r#""agent":"{agent}""#));
        lines.push(event(&format!("{case}2"), "case.assigned", case, "05-04T08:10", &assigned));
        lines.push(event(&format!("{case}3"), "message.sent", case, "05-04T09:00", &message));
    }
    let widgets = [
        "title = \"Figures\"\nchart = \"number\"\ncompare = \"previous\"\nmetrics = [{ metric = \"created_cases\" }, { metric = \"replies\" }]",
        "title = \"Response\"\nchart = \"table\"\nby = \"agent\"\nmetric = \"first_response_time\"",
        "title = \"By day\"\nchart = \"line\"\nby = \"agent\"\nmetric = \"replies\"",
        "title = \"Open\"\nchart = \"line\"\ngrain = \"month\"\nmetric = \"unresolved_cases\"",
        "title = \"Repeated\"\nchart = \"number\"\nmetric = \"repeat_contacts\"",
    ];
    let widgets: String = widgets.iter().map(|widget| format!("[[row.widget]]\n{widget}\n")).collect();
    project.write("dashboards/mine.toml", format!("title = \"Mine\"\nrange = \"2026-05\"\n[[row]]\n{widgets}"));
    project.write("events.ndjson", lines.join("\n"));
    project.ingest(&["events.ndjson"], 0);
    assert_eq!(project.run(&["report", "mine", "--format", "csv,json"]).code, 0);
    project
}

fn ingest(project: &Project, lines: &[String]) {
    project.write("late.ndjson", lines.join("\n"));
    project.ingest(&["late.ndjson"], 0);
}

/// The lines of `restate` without their head, and how it ended.
fn restated(project: &Project) -> (i32, Vec<String>, String) {
    let ran = project.run(&["restate", "mine.manifest.json", "--format", "csv"]);
    (ran.code, ran.stdout.lines().skip(1).map(str::to_owned).collect(), ran.stderr)
}

#[test]
fn figures_that_moved_are_named_with_the_events_that_moved_them() {
    let project = two_cases();
    let (code, lines, talk) = restated(&project);
    assert_eq!((code, lines.len()), (0, 0), "{lines:?}");
    assert!(talk.starts_with("0 figures have moved: the report is of batch 1, the log of batch 1; 0 events"), "{talk}");
    assert_eq!(project.run(&["restate", "mine.manifest.json"]).stdout, "");
    ingest(
        &project,
        &[
            event("late", "message.sent", "A", "05-04T08:30", r#""message":"m","by":"ana""#),
            event("april", "case.created", "APR", "04-10T08:00", r#""customer":"cAPR","platform":"email""#),
            // After the end of the range.
            event("june", "message.sent", "A", "06-04T08:30", r#""message":"j","by":"ana""#),
            event("also june", "message.sent", "B", "06-04T08:30", r#""message":"jb","by":"ben""#),
        ],
    );
    let (code, lines, talk) = restated(&project);
    let late = "A,late,2026-05-04T08:30:00.000Z,message.sent,A,t,2";
    let april = "APR,april,2026-04-10T08:00:00.000Z,case.created,APR,t,2";
    let expected = [
        format!("Figures,figure=Created cases,before,count,0.0,1.0,1.0,{april}"),
        format!("Figures,figure=Replies,value,count,2.0,3.0,1.0,{late}"),
        format!("Response,agent=ana,first_response_time_ms,ms,3600000.0,1800000.0,-1800000.0,{late}"),
        format!("By day,day=2026-05-04,ana,count,1.0,2.0,1.0,{late}"),
        format!("Open,month=2026-05-01,unresolved_cases,count,2.0,3.0,1.0,{april}"),
    ];
    assert_eq!((code, lines), (1, expected.to_vec()), "{talk}");
    let summary =
        "5 figures have moved: the report is of batch 1, the log of batch 2; 2 events have arrived whose time";
    assert!(talk.starts_with(summary), "{talk}");
    assert_eq!(project.run(&["verify", "mine.manifest.json"]).code, 0);
    let table = project.run(&["restate", "mine.manifest.json"]).stdout;
    let row = "| 3      | Response | agent=ana            | first_response_time_ms | 1h     | 30m | −30m       |";
    assert!(table.contains(row) && table.contains("| 2..4    |") && table.contains("| 1 5     |"), "{table}");
}

#[test]
fn late_events_about_the_desk_and_cases_that_others_moved_are_listed() {
    let project = two_cases();
    ingest(
        &project,
        &[
            event("first", "case.created", "FIRST", "05-03T08:00", r#""customer":"cA","profile":"p""#),
            event("ana", "user.updated", "ana", "05-01T00:00", r#""capacity":3"#),
        ],
    );
    let (_, lines, _) = restated(&project);
    let created = "Figures,figure=Created cases,value,count,2.0,3.0,1.0,";
    let of = |figure: &str| -> Vec<String> {
        lines.iter().filter_map(|line| line.strip_prefix(figure)).map(str::to_owned).collect()
    };
    let (case, desk) = (
        "FIRST,first,2026-05-03T08:00:00.000Z,case.created,FIRST,t,2",
        ",ana,2026-05-01T00:00:00.000Z,user.updated,ana,t,2",
    );
    assert_eq!(of(created), [case, desk], "{lines:#?}");
    // A is the second contact of its customer now, without an event of its own.
    let repeated = "Repeated,figure=Repeated contacts,value,count,0.0,1.0,1.0,";
    assert_eq!(of(repeated), ["A,,,,,,", desk], "{lines:#?}");
}

/// A deletion takes a case out of the stocks from then on, and nothing out of a report that has been made.
#[test]
fn a_listed_case_that_is_deleted_later_changes_no_report_and_is_named() {
    let project = two_cases();
    let formats = ["html", "json", "xlsx", "pdf", "pdf-letter"];
    let report = ["report", "mine", "-o", "pages", "--format", &formats.join(",")];
    assert_eq!(project.run(&report).code, 0);
    let page: Value = serde_json::from_slice(&std::fs::read(project.path("pages/mine.json")).unwrap()).unwrap();
    let widgets = page["tabs"][0]["rows"][0]["widgets"].as_array().unwrap();
    let open = widgets.iter().find(|widget| widget["title"] == "Open").unwrap();
    let listed = open["cases_behind"]["listed"].as_array().unwrap().iter();
    assert_eq!(listed.map(|case| case["case_id"].as_str().unwrap()).collect::<Vec<_>>(), ["A", "B"]);
    ingest(&project, &[event("gone", "case.deleted", "A", "05-20T12:00", r#""by":"ana""#)]);
    let verified = project.run(&["verify", "pages/mine.manifest.json"]);
    assert_eq!((verified.code, verified.stdout.as_str()), (0, ""), "{}", verified.stderr);
    assert!(verified.stderr.contains("5 of 5 files are those of"), "{}", verified.stderr);
    let restated = project.run(&["restate", "pages/mine.manifest.json", "--format", "csv"]);
    let rows: Vec<&str> = restated.stdout.lines().skip(1).collect();
    let gone = "A,gone,2026-05-20T12:00:00.000Z,case.deleted,A,t,2";
    let expected = format!("Open,month=2026-05-01,unresolved_cases,count,2.0,1.0,-1.0,{gone}");
    assert_eq!((restated.code, rows.as_slice()), (1, &[expected.as_str()][..]), "{}", restated.stderr);
}

/// What the program, the metrics and the dashboard have become moves nothing: both sides are answered with them.
#[test]
fn a_changed_metric_is_noted_and_moves_no_figure() {
    let project = two_cases();
    let metric = std::fs::read_to_string(crate::project::of_repository("queries/created_cases.sql")).unwrap();
    project.write("queries/created_cases.sql", metric.replace("FROM cases", "FROM cases WHERE platform = 'x'"));
    let (code, lines, talk) = restated(&project);
    assert_eq!((code, lines.len()), (0, 0), "{lines:?}");
    assert!(
        talk.contains("note: the metric `created_cases` has changed; both sides are answered as they are now"),
        "{talk}"
    );
}
