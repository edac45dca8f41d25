//! From a figure of a page to its cases, and from a case to its timeline.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::project::Project;

const BOARDS: [&str; 6] = ["overview", "case-management", "service-level", "agents", "messages", "supervisor-weekly"];

fn desk(cases: &str) -> Project {
    let project = Project::new();
    let made = project.run(&["generate", "--cases", cases, "--seed", "3"]);
    project.write("events.ndjson", made.stdout);
    project.ingest(&["events.ndjson"], 0);
    project
}

fn board(project: &Project, name: &str, more: &[&str]) -> Value {
    let ran = project.run(&[&["report", name, "--range", "2026-05", "--format", "json", "-o", "-"], more].concat());
    assert_eq!(ran.code, 0, "{name}: {}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

fn widgets(page: &Value) -> impl Iterator<Item = &Value> {
    let rows = page["tabs"].as_array().unwrap().iter().flat_map(|tab| tab["rows"].as_array().unwrap());
    rows.flat_map(|row| row["widgets"].as_array().unwrap())
}

fn listed(widget: &Value) -> &[Value] {
    widget["cases_behind"]["listed"].as_array().unwrap()
}

fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value[member].as_str().unwrap_or_else(|| panic!("no `{member}` in {value}"))
}

/// The words of a command, as a shell reads them.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for letter in command.chars() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            letter => word.push(letter),
        }
    }
    words.push(word);
    words
}

/// What a command lists: how many cases count, and the value and the instant of each contribution of a case.
struct Contributions {
    cases: usize,
    of_case: BTreeMap<String, Vec<(f64, String)>>,
}

fn contributions(project: &Project, command: &str) -> Contributions {
    let mut arguments = words(command);
    assert_eq!(arguments.remove(0), "casebook");
    let ran = project.run(&[arguments, vec!["--format".to_owned(), "json".to_owned()]].concat());
    assert_eq!(ran.code, 0, "{command}: {}", ran.stderr);
    let rows: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
    let mut of_case: BTreeMap<String, Vec<(f64, String)>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row["excluded"].is_null() && !row["case_id"].is_null()) {
        let value = row.get("value_ms").or_else(|| row.get("value")).and_then(Value::as_f64);
        let own = of_case.entry(text(row, "case_id").to_owned()).or_default();
        own.extend(value.map(|value| (value, text(row, "at").to_owned())));
    }
    Contributions { cases: of_case.len(), of_case }
}

/// Whether a list of a metric is what its command lists.
fn fits(metric: &Value, cases: &[&Value], all: &Contributions, is_whole: bool) -> bool {
    let is_there = |case: &&&Value| {
        let value = case["value"].as_f64().unwrap();
        let instants = case.get("at").and_then(Value::as_str);
        let own = all.of_case.get(text(case, "case_id"));
        own.is_some_and(|own| {
            own.iter().any(|(known, at)| {
                // Times that are cut into buckets are parts of what is listed without buckets.
                let same = (known - value).abs() <= 1e-6 * known.abs() || !is_whole && value <= *known;
                same && instants.is_none_or(|instant| instant == at || !is_whole)
            })
        })
    };
    metric["cases"].as_u64() == Some(all.cases as u64) && cases.iter().filter(is_there).count() == cases.len()
}

#[test]
fn a_list_states_how_many_cases_there_are_and_shows_their_contributions() {
    let project = desk("200");
    let mut compared = 0;
    for name in BOARDS {
        let page = board(&project, name, &[]);
        for widget in widgets(&page) {
            let commands: Vec<&str> =
                widget["cases_commands"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
            for (position, metric) in widget["cases_behind"]["metrics"].as_array().unwrap().iter().enumerate() {
                let of_metric = format!("casebook metric {} ", text(metric, "metric"));
                let alike = widget["cases_behind"]["metrics"].as_array().unwrap();
                let alike = alike.iter().filter(|other| other["metric"] == metric["metric"]).count();
                let cases: Vec<&Value> = listed(widget)
                    .iter()
                    .filter(|case| case["metric"] == metric["metric"] && (alike == 1 || case["row"] == position))
                    .collect();
                let is_whole = !matches!(text(metric, "metric"), "workload_time" | "capacity_time");
                let commands = commands.iter().filter(|command| command.starts_with(&of_metric));
                let fitting =
                    commands.filter(|command| fits(metric, &cases, &contributions(&project, command), is_whole));
                assert!(fitting.count() > 0, "{name}: {}: {metric} {cases:#?}", widget["title"]);
                compared += cases.len();
            }
        }
    }
    assert!(compared > 300, "{compared} cases were compared");
}

#[test]
fn every_listed_case_has_a_timeline_and_no_other() {
    let project = desk("200");
    let page = board(&project, "case-management", &[]);
    let cases: BTreeSet<&str> = widgets(&page).flat_map(listed).map(|case| text(case, "case_id")).collect();
    let timelines: Vec<&str> = page["cases"].as_array().unwrap().iter().map(|case| text(case, "case_id")).collect();
    assert!(cases.len() > 30 && timelines.is_sorted(), "{timelines:?}");
    assert_eq!(cases, timelines.iter().copied().collect());
    for timeline in page["cases"].as_array().unwrap().iter().step_by(9) {
        let ran = project.run(&["case", text(timeline, "case_id"), "--format", "json"]);
        let alone: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(timeline["as_of"], alone["as_of"]);
        for (table, members) in [
            ("milestones", &["milestone", "n", "outcome", "due_at", "target_ms", "late_ms", "breached"][..]),
            ("periods", &["since", "until", "status", "assignee", "priority"]),
            ("turns", &["n", "asked_at", "answered_at", "answered_by", "active_ms", "business_ms"]),
            ("events", &["time", "type", "by"]),
        ] {
            let part = |case: &Value| -> Vec<Vec<Value>> {
                let rows = case[table].as_array().unwrap().iter();
                rows.map(|row| members.iter().map(|member| row[*member].clone()).collect()).collect()
            };
            assert_eq!(part(timeline), part(&alone), "{table}");
        }
        let counted = |ledger: &Value| ledger.as_array().unwrap().last().map(|last| last["counted_so_far_ms"].clone());
        for (one, other) in
            timeline["milestones"].as_array().unwrap().iter().zip(alone["milestones"].as_array().unwrap())
        {
            assert_eq!(one["counted_ms"], counted(&other["ledger"]).unwrap_or(Value::from(0)));
        }
    }
}

#[test]
fn durations_begin_with_the_longest_and_each_group_has_a_case() {
    let project = desk("200");
    let widget = |title: &str, more: &str| {
        format!("[[row.widget]]\ntitle = \"{title}\"\nmetric = \"first_response_time\"\n{more}\n")
    };
    let widgets_of = widget("All", "chart = \"number\"")
        + &widget("Groups", "chart = \"bar\"\nby = \"platform\"")
        + &widget("Table", "chart = \"table\"\nby = \"agent\"")
        + &widget("Days", "chart = \"line\"\ngrain = \"day\"");
    project.write("dashboards/own.toml", format!("title = \"Own\"\nrange = \"2026-05\"\n[[row]]\n{widgets_of}"));
    let page = board(&project, "own", &[]);
    let of = |title: &str| listed(widgets(&page).find(|widget| widget["title"] == title).unwrap());
    let longest = "SELECT case_id FROM turns WHERE n = 1 AND answered_at >= '2026-05-01T00:00:00Z' \
                   AND answered_at < '2026-06-01T00:00:00Z' ORDER BY active_ms DESC, answered_at DESC, case_id LIMIT 10";
    let longest: Vec<String> =
        project.rows(longest).iter().map(|row| row["case_id"].as_str().unwrap().to_owned()).collect();
    let ids: Vec<&str> = of("All").iter().map(|case| text(case, "case_id")).collect();
    assert_eq!(ids, longest);
    for title in ["Groups", "Table"] {
        let values: Vec<f64> = of(title).iter().map(|case| case["value"].as_f64().unwrap()).collect();
        assert!(values.len() == 10 && values.is_sorted_by(|one, next| one >= next), "{title}: {values:?}");
        let rows: BTreeSet<u64> = of(title).iter().map(|case| case["row"].as_u64().unwrap()).collect();
        let all = widgets(&page).find(|widget| widget["title"] == title).unwrap()["rows"].as_array().unwrap().len();
        assert_eq!(rows.len(), all.min(10), "{title}: {rows:?}");
    }
    let days: BTreeSet<u64> = of("Days").iter().map(|case| case["row"].as_u64().unwrap()).collect();
    assert!(days.len() >= 5 && text(&of("Days")[0], "case_id") == longest[0], "{days:?}");
}

#[test]
fn the_same_cases_are_listed_on_any_number_of_cores() {
    let project = desk("120");
    let page = |threads: &str| {
        let arguments = ["report", "case-management", "--range", "2026-05", "--format", "html,json", "-o"];
        let ran = project.run(&[&arguments[..], &[threads, "--threads", threads]].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ["html", "json", "manifest.json"]
            .map(|ending| std::fs::read(project.path(threads).join(format!("case-management.{ending}"))).unwrap())
    };
    let (one, two) = (page("1"), page("2"));
    assert!(one == two && page("1") == one);
    assert!(String::from_utf8_lossy(&one[0]).contains("<details class=\"case\" "));
}

/// Some of the cases are in another layer of the facts, and have greater numbers and lesser ids.
#[test]
fn cases_of_one_instant_are_listed_in_the_order_of_their_ids_on_any_number_of_cores() {
    let project = Project::new();
    for cases in [12..100, 0..12] {
        let line = |n: u32| {
            format!(
                r#"{{"specversion":"1.0","id":"e-{n}","source":"s","type":"case.created","subject":"K-{n:02}","time":"2026-05-04T08:00:00Z","data":{{"customer":"c-{n}","platform":"email","profile":"p"}}}}"#
            )
        };
        project.write("events.ndjson", cases.map(line).collect::<Vec<_>>().join("\n"));
        project.ingest(&["events.ndjson"], 0);
        assert_eq!(project.run(&["replay"]).code, 0);
    }
    let widgets = ["created_cases", "unresolved_cases"]
        .map(|metric| format!("[[row.widget]]\ntitle = \"{metric}\"\nmetric = \"{metric}\"\nchart = \"number\"\n"));
    project
        .write("dashboards/own.toml", format!("title = \"Own\"\nrange = \"2026-05\"\n[[row]]\n{}", widgets.concat()));
    for threads in ["1", "2"] {
        let page = board(&project, "own", &["--threads", threads]);
        for widget in self::widgets(&page) {
            let ids: Vec<&str> = listed(widget).iter().map(|case| text(case, "case_id")).collect();
            let first = ["K-00", "K-01", "K-02", "K-03", "K-04", "K-05", "K-06", "K-07", "K-08", "K-09"];
            assert_eq!(ids, first, "{} on {threads}", widget["title"]);
        }
    }
}

#[test]
fn a_page_without_lists_has_no_cases_and_an_old_manifest_is_one_of_it() {
    let project = desk("60");
    let run = |arguments: &[&str]| {
        let ran = project.run(arguments);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    };
    run(&["report", "overview", "--range", "2026-05", "--format", "html,json", "--cases", "0"]);
    let html = std::fs::read_to_string(project.path("overview.html")).unwrap();
    assert!(!html.contains("class=\"behind\"") && !html.contains("id=\"case-"), "{html}");
    assert!(html.contains("Cases behind this"));
    let page: Value = serde_json::from_slice(&std::fs::read(project.path("overview.json")).unwrap()).unwrap();
    assert_eq!(page["cases"], serde_json::json!([]));
    assert!(widgets(&page).all(|widget| listed(widget).is_empty()));
    let manifest = std::fs::read_to_string(project.path("overview.manifest.json")).unwrap();
    let number = ",\n    \"cases\": 0";
    assert!(manifest.contains(number), "{manifest}");
    project.write("overview.manifest.json", manifest.replace(number, ""));
    run(&["verify", "overview.manifest.json"]);
    run(&["report", "overview", "--range", "2026-05", "--format", "html,json", "--cases", "3"]);
    let three: Value = serde_json::from_slice(&std::fs::read(project.path("overview.json")).unwrap()).unwrap();
    assert!(
        widgets(&three).all(|widget| listed(widget).len() <= 3)
            && widgets(&three).any(|widget| listed(widget).len() == 3)
    );
    run(&["verify", "overview.manifest.json"]);
}

/// Ids that a page has to escape, and that are one when only letters are looked at.
const HOSTILE: [&str; 7] = ["<script>alert(1)</script>", "a \"b\" 'c'", "x y", "x-y", "x/y", "случай №7", "案件/1"];

#[test]
fn cases_of_any_name_are_escaped_and_have_an_anchor_of_their_own() {
    let project = Project::new();
    let event = |id: String, kind: &str, case: &str, time: &str, data: &str| {
        let subject = serde_json::to_string(case).unwrap();
        format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"t","type":"{kind}","time":"2026-05-04T{time}:00Z","subject":{subject},"data":{data}}}"#
        )
    };
    let mut lines = Vec::new();
    for (number, case) in HOSTILE.iter().enumerate() {
        let data = format!(r#"{{"customer":"c{number}","platform":"<b>&amp;"}}"#);
        lines.push(event(format!("a{number}"), "case.created", case, "08:00", &data));
        lines.push(event(
            format!("b{number}"),
            "message.sent",
            case,
            "09:00",
            &format!(r#"{{"message":"m{number}","by":"</td>"}}"#),
        ));
    }
    project.write("events.ndjson", lines.join("\n"));
    project.ingest(&["events.ndjson"], 0);
    let ran = project.run(&["report", "overview", "--range", "2026-05", "-o", "-"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let html = ran.stdout;
    for raw in ["<script>alert", "a \"b\"", "<b>&amp;", "\"</td>", ">a \""] {
        assert!(!html.contains(raw), "{raw}");
    }
    let between =
        |mark: &str| -> Vec<&str> { html.split(mark).skip(1).map(|rest| rest.split('"').next().unwrap()).collect() };
    let anchors = between(" id=\"");
    let unique: BTreeSet<&str> = anchors.iter().copied().collect();
    assert_eq!(anchors.len(), unique.len());
    let cases: BTreeSet<&str> = unique.iter().copied().filter(|id| id.starts_with("case-")).collect();
    assert_eq!(cases.len(), HOSTILE.len(), "{cases:?}");
    assert!(cases.contains("case-x-y-2") && cases.contains("case-案件-1"), "{cases:?}");
    let links: BTreeSet<&str> = between("href=\"#").into_iter().collect();
    assert!(links.iter().all(|link| unique.contains(link)), "{links:?}");
    assert!(cases.iter().all(|case| links.contains(case)));
}
