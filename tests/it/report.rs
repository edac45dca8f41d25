//! Reports as commands: the built-in page, one's own dashboards, and what happens when they are faulty.

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
fn every_widget_says_what_stands_behind_it() {
    let project = desk();
    let page = String::from_utf8(render(&project, &["--tz", "Europe/Prague"], "overview.html")).unwrap();
    let created = project.value(
        "SELECT count(*) FROM cases WHERE created_at >= '2026-04-30T22:00:00Z' AND created_at < '2026-05-31T22:00:00Z'",
    );
    for expected in [
        &format!(">{created}<"),
        "May 2026 · Europe/Prague · as of 31 May 2026, 23:59:59",
        " cases</p>",
        "--range 2026-05 --tz Europe/Prague",
        "the month before",
    ] {
        assert!(page.contains(expected), "no `{expected}`");
    }
    assert!(!page.contains("http://") || page.contains("http://www.w3.org"), "nothing is fetched");
}

#[test]
fn a_range_without_data_says_so() {
    let project = desk();
    let ran = project.run(&["report", "overview", "--range", "2020"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains("no widget has data"), "{}", ran.stderr);
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
    let ran = project.run(&["demo", "made-up", "--cases", "300"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let page = std::fs::read_to_string(ran.stdout.trim()).unwrap();
    assert!(page.contains("Created cases"));
    let again = project.run(&["demo", "made-up", "--cases", "300"]);
    assert!(again.stderr.contains("0 added"), "{}", again.stderr);
}

#[test]
fn a_case_shows_its_bands_turns_events_and_findings() {
    let project = Project::new();
    project.write("life.ndjson", include_str!("../golden/01-life.ndjson"));
    project.ingest(&["life.ndjson"], 0);
    let ran = project.run(&["case", "A"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    insta::assert_snapshot!(ran.stdout);
    let unknown = project.run(&["case", "Z"]);
    assert!(unknown.code == 2 && unknown.stderr.contains("there is no case `Z`"), "{}", unknown.stderr);
}
