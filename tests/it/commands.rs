//! Commands that set a project up: `init`, `config`, `generate`, `import` and what they say when something is wrong.

use std::process::Stdio;

use serde_json::json;

use crate::project::Project;

#[test]
fn a_new_project_explains_every_setting_and_is_never_made_twice() {
    let project = Project::new();
    assert_eq!(project.run(&["init", "desk"]).code, 0);
    for name in ["casebook.toml", "queries/README.md", "dashboards/README.md", "mappings/README.md"] {
        assert!(project.path("desk").join(name).is_file(), "{name}");
    }
    let settings = std::fs::read_to_string(project.path("desk/casebook.toml")).unwrap();
    // What is commented out is what may be set: with the marks off, every setting comes from the file.
    let is_setting = |line: &&str| line.starts_with("# ") && line.contains(" = ");
    let set: Vec<&str> = settings.lines().filter(is_setting).map(|line| &line[2..]).collect();
    project.write("desk/casebook.toml", set.join("\n"));
    let config = project.run(&["--project", "desk", "config"]);
    assert_eq!(config.code, 0, "{}", config.stderr);
    for line in config.stdout.lines().skip(1) {
        assert!(line.ends_with("casebook.toml"), "{line}");
    }
    assert_eq!(set.len() + 1, config.stdout.lines().count(), "{}", config.stdout);

    let again = project.run(&["init", "desk"]);
    assert_eq!((again.code, again.stdout.as_str()), (2, ""));
    assert!(again.stderr.starts_with("error: desk/casebook.toml exists already\nhint: "), "{}", again.stderr);
}

#[test]
fn settings_come_from_the_flag_then_the_environment_then_the_file() {
    let project = Project::new();
    project.write("casebook.toml", "time_zone = \"Europe/Prague\"\nmemory = \"256MiB\"\nthreads = 3\n");
    let mut command = project.command(&["config", "--threads", "1"]);
    let output = command.env("CASEBOOK_MEMORY", "1GiB").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        words[2..],
        [
            vec!["time_zone", "Europe/Prague", "casebook.toml"],
            vec!["memory", "1GiB", "environment"],
            vec!["threads", "1", "flag"],
            vec!["file_events", "1048576", "default"],
        ]
    );
}

#[test]
fn the_same_seed_generates_the_same_bytes_and_the_log_takes_every_line() {
    let project = Project::new();
    let generate = |seed: &str| project.run(&["generate", "--cases", "60", "--days", "20", "--seed", seed]);
    let (first, again, other) = (generate("5"), generate("5"), generate("6"));
    assert!(first.stdout == again.stdout && first.stdout != other.stdout);
    assert!(first.stderr.contains("events of 60 cases"), "{}", first.stderr);
    project.write("events.ndjson", &first.stdout);
    let summary = project.ingest(&["events.ndjson"], 0);
    assert_eq!(summary["added"], first.stdout.lines().count());
}

#[test]
fn a_reader_that_stops_reading_is_no_error() {
    let project = Project::new();
    let mut child = project
        .command(&["generate", "--cases", "3000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ran = Project::wait(child);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}

const MAPPING: &str = r#"
source = "desk"
grace_period = "1d"
key = ["ticket"]
time = "at"
[case]
id = "ticket"
[[filter]]
column = "team"
not_equals = "test"
[[event]]
type = "case.created"
on = "row"
data.customer = { column = "who" }
data.priority = { column = "urgency", map = { P1 = "urgent", P2 = "low" } }
"#;

const TABLE: &str = "ticket,at,who,team,urgency
t1,2026-03-02T09:00:00Z,ann,eu,P1
t2,yesterday,ben,eu,P1
t3,2026-03-02T09:00:00Z,cid,test,P1
t4,2026-03-02T09:00:00Z,,eu,P2
t5,2026-03-02T09:00:00Z,eve,eu,P3
";

#[test]
fn an_import_reports_what_it_left_out_and_a_malformed_row_is_something_to_look_at() {
    let project = Project::new();
    project.write("mappings/tickets.toml", MAPPING);
    project.write("table.csv", TABLE);
    let ran = project.run(&["import", "--mapping", "tickets", "table.csv", "--summary", "json"]);
    let summary = ran.summary(1);
    assert_eq!((&summary["rows"], &summary["read"], &summary["added"]), (&json!(5), &json!(4), &json!(3)));
    assert_eq!(summary["quarantined"], 1);
    let left_out = &summary["left_out"];
    assert_eq!((&left_out["rows_filtered"], &left_out["rows_malformed"]), (&json!(1), &json!(1)));
    assert_eq!(
        (&left_out["malformed"][0]["file"], &left_out["malformed"][0]["line"]),
        (&json!("table.csv"), &json!(3))
    );
    let events = json!([
        {"event": "case.created", "reason": "`who` is empty", "count": 1, "values": {}},
        {
            "event": "case.created, member `priority`", "reason": "`urgency` is not in the map", "count": 1,
            "values": {"P3": 1}
        },
    ]);
    assert_eq!(left_out["events"], events);
    assert!(ran.stderr.contains("left out: 1 row that cannot be read\n  table.csv:3: "), "{}", ran.stderr);
    assert!(ran.stderr.contains("left out: 1 row held back by a filter\n"), "{}", ran.stderr);

    let whole = project.run(&["import", "--mapping", "mappings/tickets.toml", "table.csv", "--summary", "json"]);
    assert_eq!(whole.summary(1)["added"], 0, "a mapping by its path is the same mapping");
}

#[test]
fn a_mapping_that_is_wrong_or_missing_is_named_with_line_and_nearest_name() {
    let project = Project::new();
    project.write("mappings/tickets.toml", MAPPING.replace("case.created", "case.craeted"));
    project.write("table.csv", TABLE);
    let stderr = |mapping: &str, table: &str| {
        let ran = project.run(&["import", "--mapping", mapping, table]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
        ran.stderr
    };
    let typo = stderr("tickets", "table.csv");
    assert!(typo.starts_with("error: ./mappings/tickets.toml:12: "), "{typo}");
    assert!(typo.contains("hint: did you mean `case.created`?"), "{typo}");
    let missing = stderr("volvo-incident", "table.csv");
    assert!(missing.contains("hint: did you mean `volvo-incidents`?"), "{missing}");
    let column = stderr("volvo-incidents", "table.csv");
    assert!(column.starts_with("error: table.csv:1: no column `"), "{column}");
    let table = stderr("volvo-incidents", "none.csv");
    assert!(table.starts_with("error: none.csv: "), "{table}");
}

#[test]
fn the_mapping_that_a_new_project_shows_is_a_mapping() {
    let readme = include_str!("../../src/cli/init/mappings.md");
    let toml = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    casebook::import::Mapping::parse("mappings/README.md", toml).unwrap();
}
