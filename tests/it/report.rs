//! Reports as commands: the built-in page, one's own dashboards, and what happens when they are faulty.

use casebook::report::build::chart_kinds;
use casebook::report::dashboard::Groups;
use casebook::report::format::FORMATS;

use crate::project::Project;

fn desk() -> Project {
    let project = Project::new();
    let made = project.run(&["generate", "--cases", "300", "--seed", "3"]);
    project.write("events.ndjson", made.stdout);
    project.ingest(&["events.ndjson"], 0);
    project
}

fn render(project: &Project, arguments: &[&str], name: &str) -> Vec<u8> {
    let mut all = vec!["report", "overview", "--range", "2026-05", "-o", "pages"];
    all.extend(arguments);
    let ran = project.run(&all);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    std::fs::read(project.path("pages").join(name)).unwrap()
}

#[test]
fn the_same_question_gives_the_same_bytes_whatever_is_ingested_twice() {
    let project = desk();
    let first: Vec<_> = ["html", "svg", "png"]
        .iter()
        .map(|form| render(&project, &["--format", form], &format!("overview.{form}")))
        .collect();
    project.ingest(&["events.ndjson"], 0);
    project.run(&["replay", "--full"]);
    let again: Vec<_> = ["html", "svg", "png"]
        .iter()
        .map(|form| render(&project, &["--format", form], &format!("overview.{form}")))
        .collect();
    // Replaying everything makes no new version of the log.
    assert!(first == again);
}

#[test]
fn every_widget_names_its_range_zone_and_cases() {
    let project = desk();
    let page = String::from_utf8(render(&project, &["--tz", "Europe/Prague"], "overview.html")).unwrap();
    let page = page.replace("<wbr>", "");
    let created = project.value(
        "SELECT count(*) FROM cases WHERE created_at >= '2026-04-30T22:00:00Z' AND created_at < '2026-05-31T22:00:00Z'",
    );
    for expected in [
        &format!(">{created}<"),
        "May 2026 · Europe/Prague · as of 31 May 2026, 23:59:59",
        " cases</p>",
        &format!("cases: Created cases {created}, Resolved cases "),
        "--range 2026-05 --tz Europe/Prague",
        "the month before",
    ] {
        assert!(page.contains(expected), "no `{expected}`");
    }
    assert!(!page.contains("http://") || page.contains("http://www.w3.org"), "nothing is fetched");
}

/// The card of the widget with that title.
fn card<'a>(page: &'a str, title: &str) -> &'a str {
    let from = page.find(&format!("class=\"title\">{title}<")).unwrap_or_else(|| panic!("no `{title}` in {page}"));
    page[from..].split("</article>").next().unwrap()
}

/// A dashboard of the project with one row of widgets.
fn page_of(project: &Project, head: &str, widgets: &[&str]) -> String {
    let widgets: String = widgets.iter().map(|widget| format!("[[row.widget]]\n{widget}\n")).collect();
    project.write(
        "dashboards/overview.toml",
        format!("title = \"Mine\"\nrange = \"2026-05\"\n{head}\n[[row]]\n{widgets}"),
    );
    String::from_utf8(render(project, &[], "overview.html")).unwrap()
}

/// Two cases of ana, one of them spam, one of ben, one of eva, and one without an agent.
fn small_desk() -> Project {
    let event = |id: &str, kind: &str, case: &str, time: &str, data: &str| {
        format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"t","type":"{kind}","time":"2026-05-{time}:00Z","subject":"{case}","data":{data}}}"#
        )
    };
    let mut lines = Vec::new();
    for (case, agent, day, status) in
        [("A", "ana", "04", "done"), ("B", "ana", "05", "spam"), ("C", "ben", "05", "done"), ("D", "eva", "05", "done")]
    {
        let customer = format!(r#"{{"customer":"c{case}","platform":"email"}}"#);
        lines.push(event(&format!("{case}1"), "case.created", case, &format!("{day}T08:00"), &customer));
        let agent_data = format!(r#"{{"agent":"{agent}"}}"#);
        lines.push(event(&format!("{case}2"), "case.assigned", case, &format!("{day}T09:00"), &agent_data));
        let status = format!(r#"{{"status":"{status}","by":"{agent}"}}"#);
        lines.push(event(&format!("{case}3"), "case.status_changed", case, &format!("{day}T10:00"), &status));
    }
    lines.push(event("E1", "case.created", "E", "06T08:00", r#"{"customer":"cE","platform":"email"}"#));
    let project = Project::new();
    project.write("events.ndjson", lines.join("\n"));
    project.ingest(&["events.ndjson"], 0);
    project
}

#[test]
fn the_command_behind_a_widget_asks_the_widgets_own_question() {
    let project = small_desk();
    let field = r#"{"id":"size","source":"t","type":"field.updated","subject":"size","time":"2026-05-01T00:00:00Z","data":{"kind":"text"}}"#;
    project.write("size.ndjson", field);
    project.ingest(&["size.ndjson"], 0);
    let page = page_of(
        &project,
        "filters = [\"platform=email\", \"field.size=very large\"]",
        &[
            "title = \"One\"\nchart = \"bar\"\nby = \"agent\"\nmetric = \"created_cases\"",
            "title = \"Two\"\nchart = \"number\"\nmetrics = [{ metric = \"created_cases\" }, { metric = \"reopenings\" }, { metric = \"created_cases\" }]",
        ],
    );
    // Between two words a line may end.
    let page = page.replace("<wbr>", "");
    let rest = "--range 2026-05 --tz UTC --where platform=email --where &#39;field.size=very large&#39;";
    let one = format!("<code tabindex=\"0\">casebook metric created_cases {rest} --by agent --cases</code>");
    assert!(card(&page, "One").contains(&one), "{}", card(&page, "One"));
    let two =
        format!("<code>casebook metric created_cases {rest} --cases\ncasebook metric reopenings {rest} --cases</code>");
    assert!(card(&page, "Two").contains(&two), "{}", card(&page, "Two"));
}

#[test]
fn every_metric_of_a_widget_states_its_cases_and_what_it_leaves_out() {
    let project = small_desk();
    let metrics = "metrics = [{ metric = \"created_cases\", title = \"Created\" }, \
                   { metric = \"first_resolution_time\", title = \"Resolution\" }, \
                   { metric = \"first_resolution_time\", title = \"its p90\", show = [\"p90\"] }]";
    let widgets = [
        &format!("title = \"Figures\"\nchart = \"number\"\n{metrics}"),
        &format!("title = \"Table\"\nchart = \"table\"\nby = \"agent\"\n{metrics}"),
        "title = \"Line\"\nchart = \"line\"\nmetric = \"first_resolution_time\"",
    ];
    let page = page_of(&project, "", &widgets);
    for title in ["Figures", "Table"] {
        let card = card(&page, title);
        assert!(card.contains("· cases: Created 5, Resolution 3</p>"), "{card}");
        assert_eq!(card.matches("1 left out: spam.").count(), 1, "{card}");
        assert!(card.contains("<li>Resolution: 1 left out: spam.</li>"), "{card}");
    }
    assert!(card(&page, "Line").contains("<li>1 left out: spam.</li>"));
    assert!(card(&page, "Line").contains("· 3 cases</p>"));
}

/// Three days, a widget for every kind of chart, and one with everything that a line chart can show.
#[test]
fn every_kind_of_chart_is_drawn_as_it_was() {
    let project = small_desk();
    let mut widgets: Vec<String> = chart_kinds()
        .iter()
        .map(|kind| {
            let metric = if kind.name == "histogram" { "first_resolution_time" } else { "created_cases" };
            let target = if kind.needs_target { "target = \"5\"\n" } else { "" };
            let by = if kind.groups == Groups::None { "" } else { "by = \"agent\"\ntop = 2\n" };
            let by = if kind.groups == Groups::All { "by = [\"agent\", \"platform\"]\ngrain = \"day\"\n" } else { by };
            let compare = if kind.compares && by.is_empty() { "compare = \"previous\"\n" } else { "" };
            format!("title = \"{0}\"\nchart = \"{0}\"\nmetric = \"{metric}\"\n{by}{compare}{target}", kind.name)
        })
        .collect();
    let target = "show = [\"median\", \"p90\"]\ncompare = \"previous\"\ntarget = \"1h\"";
    widgets.push(format!("title = \"target\"\nchart = \"line\"\nmetric = \"first_resolution_time\"\n{target}"));
    widgets.push("title = \"empty\"\nchart = \"line\"\nmetric = \"reopenings\"".to_owned());
    let widgets: String = widgets.iter().map(|widget| format!("[[row.widget]]\n{widget}\n")).collect();
    project.write("dashboards/all.toml", format!("title = \"All\"\nrange = \"2026-05\"\n[[row]]\n{widgets}"));
    let ran = project.run(&["report", "all", "--range", "2026-05-04..2026-05-06", "--format", "html,svg"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let read = |name: &str| std::fs::read_to_string(project.path(name)).unwrap();
    insta::assert_snapshot!("all.svg", read("all.svg"));
    // The pictures are in the other snapshot; here their number and their sizes are enough.
    let page = read("all.html");
    let mut parts = page.split("<svg ");
    let head = parts.next().unwrap().to_owned();
    let without_shapes = parts.fold(head, |page, part| {
        let (picture, rest) = part.split_once("</svg>").unwrap();
        let size = picture.split_once(" role=").unwrap().0;
        format!("{page}<svg {size}/>{rest}")
    });
    insta::assert_snapshot!("all.html", without_shapes);
}

#[test]
fn every_format_renders_a_page_and_renders_or_refuses_one_widget() {
    let project = small_desk();
    for format in FORMATS {
        let run = |flags: &[&str]| {
            let report = ["report", "overview", "--range", "2026-05", "--format", format.name];
            project.run(&[&report, flags].concat())
        };
        let whole = run(&["-o", "."]);
        assert_eq!(whole.code, 0, "{}", whole.stderr);
        let mut files: Vec<&str> = whole.stdout.lines().collect();
        assert!(files.pop().is_some_and(|manifest| manifest.ends_with("/overview.manifest.json")), "{}", whole.stdout);
        assert!(files.iter().all(|file| file.ends_with(format.ending)) && !files.is_empty(), "{files:?}");
        assert!(files.iter().all(|file| !std::fs::read(file).unwrap().is_empty()), "{files:?}");
        let one = run(&["--widget", "Agents", "-o", "."]);
        let refusal = format!("`{}` shows a whole page, not one widget", format.name);
        let file = project.path(&format!("agents.{}", format.ending));
        assert!(if one.code == 0 { file.exists() } else { one.stderr.contains(&refusal) }, "{}", one.stderr);
    }
    let help = project.run(&["report", "--help"]).stdout;
    assert!(FORMATS.iter().all(|format| help.contains(format.about)), "{help}");
}

#[test]
fn a_new_project_lists_every_chart_and_format_and_its_example_is_a_dashboard() {
    let project = small_desk();
    assert_eq!(project.run(&["init"]).code, 0);
    let readme = std::fs::read_to_string(project.path("dashboards/README.md")).unwrap();
    for kind in chart_kinds() {
        assert!(readme.contains(&format!("- `{}`: {}", kind.name, kind.about)), "{readme}");
    }
    assert!(FORMATS.iter().all(|format| readme.contains(&format!("`{}` ({})", format.name, format.about))), "{readme}");
    let example = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    project.write("dashboards/example.toml", example);
    let ran = project.run(&["report", "example", "--range", "2026-05"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn groups_that_do_not_add_up_make_no_other() {
    let project = small_desk();
    let widget = |title: &str, metric: &str, chart: &str| {
        format!("title = \"{title}\"\nchart = \"{chart}\"\nby = \"agent\"\ntop = 1\nmetric = \"{metric}\"")
    };
    let widgets = [
        widget("Distinct", "resolved_cases", "bar"),
        widget("Median", "first_resolution_time", "line"),
        widget("Count", "created_cases", "bar"),
        widget("Lines", "created_cases", "line"),
    ];
    let page = page_of(&project, "", &widgets.each_ref().map(String::as_str));
    for (title, note) in [("Distinct", "2 smaller groups are not drawn"), ("Median", "2 smaller groups are not drawn")]
    {
        let card = card(&page, title);
        assert!(card.contains(note) && !card.contains("other ("), "{card}");
    }
    for title in ["Count", "Lines"] {
        let card = card(&page, title);
        assert!(card.contains("other (3)") && !card.contains("not drawn"), "{card}");
    }
    let widget = "title = \"All\"\nchart = \"bar\"\nby = \"agent\"\nmetric = \"created_cases\"";
    assert!(card(&page_of(&project, "", &[widget]), "All").contains(">nobody<"));
}

#[test]
fn a_table_with_a_grain_has_a_row_for_each_bucket_and_group() {
    let project = small_desk();
    let widget = "title = \"Table\"\nchart = \"table\"\nby = \"agent\"\ngrain = \"month\"\nmetric = \"created_cases\"";
    project.write(
        "dashboards/overview.toml",
        format!("title = \"Mine\"\nrange = \"2026-05\"\n[[row]]\n[[row.widget]]\n{widget}\n"),
    );
    let ran = project.run(&["report", "overview", "--range", "2026-04-01..2026-06-01", "-o", "pages"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let page = std::fs::read_to_string(project.path("pages/overview.html")).unwrap();
    let card = card(&page, "Table");
    assert!(card.contains(">Month · agent</th>") && card.contains("by month, agent ·"), "{card}");
    // The first column is sorted by the instant at which its bucket begins.
    let rows: Vec<&str> =
        card.split("<th scope=\"row\" data-value=").skip(1).map(|row| row.split("</tr>").next().unwrap()).collect();
    let row = |label: &str, count: u32| {
        let start = if label.starts_with("Apr") { 1_775_001_600_000_u64 } else { 1_777_593_600_000 };
        format!("\"{start}\">{label}</th><td class=\"number\" data-value=\"{count}\">{count}</td>")
    };
    let expected = [
        row("Apr 2026 · ana", 0),
        row("Apr 2026 · ben", 0),
        row("Apr 2026 · eva", 0),
        row("Apr 2026 · nobody", 0),
        row("May 2026 · ana", 2),
        row("May 2026 · ben", 1),
        row("May 2026 · eva", 1),
        row("May 2026 · nobody", 1),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn a_stock_of_zero_is_drawn_and_a_flow_without_data_is_noted() {
    let project = small_desk();
    let widgets = [
        "title = \"Stock\"\nchart = \"line\"\nmetric = \"workload\"\ngrain = \"month\"",
        "title = \"Flow\"\nchart = \"line\"\nmetric = \"reopenings\"\ngrain = \"month\"",
        "title = \"Waits\"\nchart = \"histogram\"\nmetric = \"first_resolution_time\"",
        "title = \"Heat\"\nchart = \"heatmap\"\nmetric = \"created_cases\"",
    ];
    let page = page_of(&project, "", &widgets);
    let stock = card(&page, "Stock");
    assert!(stock.contains("<svg") && stock.contains("<td class=\"number\" data-value=\"0\">0</td>"), "{stock}");
    assert!(card(&page, "Flow").contains("No data in May 2026."));
    let waits = card(&page, "Waits");
    assert!(waits.contains(">contributions · ") && waits.contains("First resolution time · contributions"), "{waits}");
    assert!(card(&page, "Heat").contains("cases, cells are sums over the range ·"));
}

#[test]
fn a_range_without_data_is_noted() {
    let project = desk();
    let ran = project.run(&["report", "overview", "--range", "2020"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains("no widget has data"), "{}", ran.stderr);
    let created = project.value("SELECT min(created_at)::DATE || ', the last on ' || max(created_at)::DATE FROM cases");
    let created = created.as_str().unwrap();
    let note = format!("note: no case was created in this range: the first was on {created}\n");
    assert!(ran.stderr.contains(&note), "{note}{}", ran.stderr);
    let last = created.rsplit(' ').next().unwrap().get(..7).unwrap();
    assert!(ran.stderr.contains(&format!("hint: use `--range`, such as `--range {last}`")), "{}", ran.stderr);
    let page = std::fs::read_to_string(project.path("overview.html")).unwrap();
    assert!(page.contains("No data in 2020."));
}

#[test]
fn ones_own_dashboard_takes_the_place_of_the_built_in_one_and_its_faults_are_placed() {
    let project = desk();
    let good = "title = \"Mine\"\nrange = \"2026-05\"\nfilters = [\"platform=email\"]\n[[row]]\n[[row.widget]]\ntitle = \"Cases by agent\"\n\
                metric = \"resolved_cases\"\nchart = \"bar\"\nby = \"agent\"\ntop = 2\n";
    project.write("dashboards/overview.toml", good);
    let page = String::from_utf8(render(&project, &[], "overview.html")).unwrap();
    assert!(page.contains("Cases by agent") && page.contains("platform = email") && !page.contains("At a glance"));
    project.write("dashboards/overview.toml", good.replace("resolved_cases", "resolve_cases"));
    let ran = project.run(&["report", "overview"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("overview.toml:7: there is no metric `resolve_cases`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("did you mean `resolved_cases`?"), "{}", ran.stderr);
}

#[test]
fn the_demo_ends_with_the_path_of_a_page_of_true_numbers() {
    let project = Project::new();
    let ran = project.run(&["demo", "demo", "--cases", "300"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let page = std::fs::read_to_string(ran.stdout.trim()).unwrap();
    assert!(page.contains("Created cases"));
    let again = project.run(&["demo", "demo", "--cases", "300"]);
    assert!(again.stderr.contains("0 added"), "{}", again.stderr);
}

#[test]
fn no_cases_are_an_empty_list_and_the_as_of_is_in_the_zone_of_the_range() {
    let project = small_desk();
    let ask = |format: &str| {
        project.run(&["metric", "created_cases", "--range", "2020", "--cases", "--format", format]).stdout
    };
    assert_eq!(ask("json").trim(), "[]");
    assert!(ask("csv").starts_with("case_id,at,value"), "{}", ask("csv"));
    let ran = project.run(&["metric", "created_cases", "--range", "2026-05", "--tz", "Europe/Prague"]);
    assert!(ran.stderr.contains("as of 2026-05-31 23:59:59.999 Europe/Prague;"), "{}", ran.stderr);
}

#[test]
fn one_widget_alone_is_a_picture() {
    let project = desk();
    let one = |arguments: &[&str]| {
        let mut all = vec!["report", "overview", "--range", "2026-05", "--widget"];
        all.extend(arguments);
        project.run(&all)
    };
    let ran = one(&["First response time", "--format", "svg,png"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let svg = std::fs::read_to_string(project.path("first-response-time.svg")).unwrap();
    assert!(svg.contains("First response time") && !svg.contains("At a glance"));
    assert!(std::fs::read(project.path("first-response-time.png")).unwrap().starts_with(b"\x89PNG"));
    assert!(one(&["First response", "--format", "svg"]).stderr.contains("did you mean `First response time`?"));
    assert!(one(&["First response time"]).stderr.contains("`svg`"));
}

#[test]
fn a_file_name_is_refused_where_the_folder_of_the_files_is_asked_for() {
    let project = desk();
    let ran = project.run(&["report", "overview", "--range", "2026-05", "-o", "out/overview.png"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let expected = "`out/overview.png` is the name of a file, expected a folder: a report is several files";
    assert!(
        ran.stderr.contains(expected) && ran.stderr.contains("hint: write `--format png -o out`"),
        "{}",
        ran.stderr
    );
    assert!(!project.path("out").exists());
}
