//! The built-in dashboards, and what a dashboard's file can state beside its widgets: tabs, hours, filters, targets.

use serde_json::Value;

use crate::project::Project;

const BOARDS: [&str; 6] = ["overview", "case-management", "service-level", "agents", "messages", "supervisor-weekly"];

fn desk() -> Project {
    let project = Project::new();
    let made = project.run(&["generate", "--cases", "300", "--seed", "3"]);
    project.write("events.ndjson", made.stdout);
    project.ingest(&["events.ndjson"], 0);
    project
}

/// A dashboard in JSON.
fn board(project: &Project, name: &str, more: &[&str]) -> Value {
    let ran = project.run(&[&["report", name, "--format", "json", "-o", "-"], more].concat());
    assert_eq!(ran.code, 0, "{name}: {}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

fn widgets(page: &Value) -> Vec<&Value> {
    let rows = page["tabs"].as_array().unwrap().iter().flat_map(|tab| tab["rows"].as_array().unwrap());
    rows.flat_map(|row| row["widgets"].as_array().unwrap()).collect()
}

fn widget<'p>(page: &'p Value, title: &str) -> &'p Value {
    widgets(page).into_iter().find(|widget| widget["title"] == title).unwrap()
}

#[test]
fn every_built_in_board_answers_and_names_each_widget_once() {
    let project = desk();
    assert!(BOARDS.iter().all(|name| project.run(&["report"]).stdout.lines().any(|line| line == *name)));
    for name in BOARDS {
        let page = board(&project, name, &["--range", "2026-05"]);
        let mut titles: Vec<&str> = widgets(&page).iter().map(|widget| widget["title"].as_str().unwrap()).collect();
        assert!(titles.len() > 4, "{name}: {titles:?}");
        titles.sort_unstable();
        assert!(titles.windows(2).all(|pair| pair[0] != pair[1]), "{name}: {titles:?}");
        let empty: Vec<_> = widgets(&page).into_iter().filter(|widget| !widget["empty"].is_null()).collect();
        assert!(empty.len() <= 1, "{name}: {empty:#?}");
    }
}

/// A case of ana's that was created on a Friday at 16:00 and answered on Monday at 10:00, in an office that is open from 9 to 17;
/// a second one of hers, not answered; ben has none. Ana may have one case, ben two.
fn weekend() -> Project {
    let project = Project::new();
    let event = |id: &str, kind: &str, subject: &str, time: &str, data: &str| {
        format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"t","type":"{kind}","time":"2026-05-{time}:00Z","subject":"{subject}","data":{data}}}"#
        )
    };
    let days = ["mon", "tue", "wed", "thu", "fri"].map(|day| format!(r#""{day}":[["09:00","17:00"]]"#)).join(",");
    let lines = [
        event("k", "calendar.updated", "office", "01T00:00", &format!(r#"{{"time_zone":"UTC","hours":{{{days}}}}}"#)),
        event("s", "settings.updated", "settings", "01T00:00", r#"{"default_calendar":"office"}"#),
        event("u1", "user.updated", "ana", "01T00:00", r#"{"capacity":1}"#),
        event("u2", "user.updated", "ben", "01T00:00", r#"{"capacity":2}"#),
        event("a1", "case.created", "A", "08T16:00", r#"{"customer":"c","platform":"email"}"#),
        event("a2", "case.assigned", "A", "08T16:00", r#"{"agent":"ana"}"#),
        event("a3", "message.sent", "A", "11T10:00", r#"{"message":"m","by":"ana"}"#),
        event("b1", "case.created", "B", "12T16:00", r#"{"customer":"c","platform":"chat"}"#),
        event("b2", "case.assigned", "B", "12T16:00", r#"{"agent":"ana"}"#),
    ];
    project.write("events.ndjson", lines.join("\n"));
    project.ingest(&["events.ndjson"], 0);
    project
}

const HOUR_MS: f64 = 3_600_000.0;

fn dashboard(project: &Project, text: &str) {
    project.write("dashboards/own.toml", format!("title = \"Own\"\nrange = \"2026-05\"\n{text}"));
}

#[test]
fn business_hours_take_the_place_of_all_hours() {
    let project = weekend();
    let widget_file = "title = \"W\"\nchart = \"number\"\nmetric = \"first_response_time\"\n";
    dashboard(&project, &format!("[[row]]\n[[row.widget]]\n{widget_file}"));
    let shown = |more: &[&str]| {
        let page = board(&project, "own", more);
        let shown = widget(&page, "W");
        let hours = shown["rows"][0]["value"].as_f64().unwrap() / HOUR_MS;
        (
            hours,
            page["scope"]["hours"].as_str().unwrap().to_owned(),
            shown["what"].to_string().contains("business hours"),
        )
    };
    // From Friday 16:00 to Monday 10:00; of these one hour on Friday and one on Monday are in the office.
    assert_eq!(shown(&[]), (66.0, "all".to_owned(), false));
    assert_eq!(shown(&["--hours", "business"]), (2.0, "business".to_owned(), true));
    dashboard(&project, &format!("hours = \"business\"\n[[row]]\n[[row.widget]]\n{widget_file}"));
    assert_eq!(shown(&[]), (2.0, "business".to_owned(), true));
    assert_eq!(shown(&["--hours", "all"]), (66.0, "all".to_owned(), false));
}

#[test]
fn filters_of_a_widget_and_of_the_command_line_hold_beside_those_of_the_dashboard() {
    let project = weekend();
    let widget_file = |title: &str, more: &str| {
        format!("[[row.widget]]\ntitle = \"{title}\"\nchart = \"number\"\nmetric = \"created_cases\"\n{more}\n")
    };
    let chat = widget_file("Chat", "filters = [\"platform=chat\"]");
    dashboard(&project, &format!("[[row]]\n{}{chat}", widget_file("All", "")));
    let numbers = |more: &[&str]| {
        let page = board(&project, "own", more);
        ["All", "Chat"].map(|title| widget(&page, title)["rows"][0]["value"].as_f64())
    };
    assert_eq!(numbers(&[]), [Some(2.0), Some(1.0)]);
    assert_eq!(numbers(&["--where", "agent=ben"]), [Some(0.0), Some(0.0)]);
    let contrary = project.run(&["report", "own", "--where", "platform=email"]).stderr;
    assert!(contrary.contains("own.toml:13: two filters want different `platform`"), "{contrary}");
    let page = board(&project, "own", &[]);
    assert_eq!(widget(&page, "Chat")["what"], "figures · only platform = chat");
    let of_metric = "[[row.widget]]\ntitle = \"F\"\nchart = \"funnel\"\nmetrics = [{ metric = \"created_cases\" }, \
                     { metric = \"created_cases\", filters = [\"first_response_at>=2026-01-01\"] }]\n";
    let command = widget(&page, "Chat")["cases_commands"][0].as_str().unwrap().to_owned();
    assert!(command.contains("--where platform=chat"), "{command}");
    dashboard(&project, &format!("[[row]]\n{of_metric}"));
    let page = board(&project, "own", &[]);
    let funnel = widget(&page, "F");
    assert_eq!([0, 1].map(|stage| funnel["rows"][stage]["number"].as_f64()), [Some(2.0), Some(1.0)]);
    assert_eq!(funnel["cases_commands"].as_array().unwrap().len(), 2, "{funnel}");
}

#[test]
fn a_load_stands_beside_its_capacity_and_is_coloured() {
    let project = weekend();
    let table = "title = \"Load\"\nchart = \"table\"\nby = \"agent\"\n\
                 metrics = [{ metric = \"workload\", of = \"capacity\" }]\n";
    dashboard(&project, &format!("[[row]]\n[[row.widget]]\n{table}"));
    let page = board(&project, "own", &[]);
    let rows = widget(&page, "Load")["rows"].to_string();
    assert_eq!(rows, r#"[{"agent":"ana","capacity":1.0,"workload":2},{"agent":"ben","capacity":2.0,"workload":0}]"#);
    let html = project.run(&["report", "own", "--format", "html", "-o", "-"]).stdout;
    assert!(html.contains("<td class=\"number above\" data-value=\"2\">2/1</td>"), "{html}");
    assert!(html.contains("<td class=\"number free\" data-value=\"0\">0/2</td>"), "{html}");
    dashboard(&project, &format!("[[row]]\n[[row.widget]]\n{}", table.replace("\"capacity\"", "\"backlog_age\"")));
    let refused = project.run(&["report", "own"]).stderr;
    assert!(refused.contains("own.toml:8: `workload` is of `cases`, and `backlog_age` of `ms`"), "{refused}");
}

#[test]
fn a_gauge_compares_with_its_target_and_a_funnel_with_its_first_stage() {
    let project = weekend();
    let gauge = "[[row.widget]]\ntitle = \"G\"\nchart = \"gauge\"\nmetric = \"first_response_time\"\ntarget = \"1d\"\n";
    let funnel = "[[row.widget]]\ntitle = \"F\"\nchart = \"funnel\"\n\
                  metrics = [{ metric = \"created_cases\" }, { metric = \"replies\" }]\n";
    dashboard(&project, &format!("[[row]]\n{gauge}{funnel}"));
    let page = board(&project, "own", &[]);
    let row = &widget(&page, "G")["rows"][0];
    assert_eq!(row["verdict"], "above the target");
    assert_eq!(row["first_response_time_difference_ms"].as_f64(), Some(42.0 * HOUR_MS), "{row}");
    let rows = &widget(&page, "F")["rows"];
    assert_eq!([&rows[1]["number"], &rows[1]["of_first_share"]].map(Value::as_f64), [Some(1.0), Some(0.5)], "{rows}");
    dashboard(&project, &format!("[[row]]\n{}", gauge.replace("target = \"1d\"\n", "")));
    let refused = project.run(&["report", "own"]).stderr;
    assert!(refused.contains("own.toml:6: `gauge` shows a number against a target, and there is none"), "{refused}");
    let times = funnel.replace("\"replies\"", "\"response_time\"");
    dashboard(&project, &format!("[[row]]\n{times}"));
    let refused = project.run(&["report", "own"]).stderr;
    assert!(refused.contains("`response_time` is not a count"), "{refused}");
}

#[test]
fn tabs_have_titles_and_do_not_stand_beside_rows() {
    let project = weekend();
    let widget_file = "title = \"W\"\nchart = \"number\"\nmetric = \"created_cases\"\n";
    let tab = |title: &str| format!("[[tab]]\ntitle = \"{title}\"\n[[tab.row]]\n[[tab.row.widget]]\n{widget_file}");
    dashboard(&project, &format!("{}{}", tab("First"), tab("Second")));
    let page = board(&project, "own", &[]);
    let titles: Vec<&Value> = page["tabs"].as_array().unwrap().iter().map(|tab| &tab["title"]).collect();
    assert_eq!(titles, ["First", "Second"]);
    // Two widgets of one title have two files.
    let ran = project.run(&["report", "own", "--format", "csv", "-o", "."]);
    assert!(ran.stdout.contains("own.w.csv") && ran.stdout.contains("own.w-2.csv"), "{}", ran.stdout);
    dashboard(&project, &format!("{}[[row]]\n[[row.widget]]\n{widget_file}", tab("First")));
    let refused = project.run(&["report", "own"]).stderr;
    assert!(refused.contains("own.toml:4: a dashboard has rows or tabs, not both"), "{refused}");
}

#[test]
fn groups_that_have_an_order_stand_in_it() {
    let project = desk();
    let bars = "title = \"Hours\"\nchart = \"bar\"\nby = \"hour_of_day\"\ntop = 24\nmetric = \"messages_received\"\n";
    dashboard(&project, &format!("[[row]]\n[[row.widget]]\n{bars}"));
    let page = board(&project, "own", &[]);
    let rows = widget(&page, "Hours")["rows"].as_array().unwrap();
    let hours: Vec<&str> = rows.iter().map(|row| row["hour_of_day"].as_str().unwrap()).collect();
    assert!(hours.len() > 12 && hours.is_sorted(), "{hours:?}");
    let page = board(&project, "case-management", &["--range", "2026-05"]);
    let rows = widget(&page, "Volume by priority")["rows"].as_array().unwrap();
    let priorities: Vec<&str> = rows.iter().map(|row| row["priority"].as_str().unwrap()).collect();
    assert_eq!(priorities, ["urgent", "high", "medium", "low"]);
}

#[test]
fn people_read_ages_without_their_numbers_and_definitions_without_marks() {
    let project = desk();
    let page = board(&project, "case-management", &["--range", "2026-05"]);
    let ages = widget(&page, "Backlog by age, at the end");
    assert_eq!(ages["what"], "cases");
    let texts = ages["texts"].as_array().unwrap();
    assert!(!texts.is_empty() && ages["rows"][0]["age"].as_str().unwrap().contains(". "), "{ages}");
    let texts = texts.iter().map(|row| row[0].as_str().unwrap());
    assert!(texts.clone().all(|age| age.starts_with(['<', '≥'])), "{:?}", texts.collect::<Vec<_>>());
    let definitions = page["definitions"].to_string();
    assert!(definitions.contains("age separates the classes") && !definitions.contains('`'), "{definitions}");
}

#[test]
fn a_bucket_that_the_present_cuts_is_marked() {
    let project = weekend();
    let line = "title = \"L\"\nchart = \"line\"\nmetric = \"created_cases\"\ngrain = \"day\"\n";
    let table = line.replace("\"L\"", "\"T\"").replace("\"line\"", "\"table\"");
    dashboard(&project, &format!("[[row]]\n[[row.widget]]\n{line}[[row.widget]]\n{table}"));
    let texts = |more: &[&str]| {
        let page = board(&project, "own", &[&["--range", "2026-05-11..2026-05-14"], more].concat());
        ["L", "T"].map(|title| {
            let rows = widget(&page, title)["texts"].as_array().unwrap();
            rows.iter().map(|row| row[0].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" | ")
        })
    };
    let whole = "Mon 11 May | Tue 12 May | Wed 13 May";
    assert_eq!(texts(&[]), [whole, whole]);
    let cut = texts(&["--as-of", "2026-05-12T20:00:00Z"]);
    assert_eq!(cut[0], "Mon 11 May | Tue 12 May, so far | Wed 13 May");
    assert!(cut[1].starts_with("Mon 11 May | Tue 12 May, so far"), "{}", cut[1]);
}
