//! Commands that set a project up: `init`, `config`, `generate`, `import` and what they say when something is wrong.

use std::process::Stdio;

use serde_json::json;

use crate::project::{Project, Ran};

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
    project.write(
        "casebook.toml",
        "time_zone = \"Europe/Prague\"\nmemory = \"256MiB\"\nthreads = 3\ncluster = \"far:1\"\n",
    );
    let mut command = project.command(&["config", "--threads", "1", "--cluster", "[::1]:50050"]);
    let output = command.env("CASEBOOK_MEMORY", "1GiB").env("CASEBOOK_CLUSTER_CA", "ca.pem").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        words[3..],
        [
            vec!["copies_size", "10GiB", "default"],
            vec!["time_zone", "Europe/Prague", "casebook.toml"],
            vec!["memory", "1GiB", "environment"],
            vec!["threads", "1", "flag"],
            vec!["file_events", "1048576", "default"],
            vec!["cluster", "[::1]:50050", "flag"],
            vec!["cluster_ca", "ca.pem", "environment"],
            vec!["cluster_cert", "-", "default"],
            vec!["cluster_key", "-", "default"],
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
    assert_eq!(summary["events"], json!({"case.created": 2}));
    assert!(ran.stderr.contains("\nevents: case.created 2\n"), "{}", ran.stderr);

    let whole = project.run(&["import", "--mapping", "mappings/tickets.toml", "table.csv", "--summary", "json"]);
    assert_eq!(whole.summary(1)["added"], 0, "a mapping by its path is the same mapping");
}

/// Rules that make an event for some row, for none, and for none because no row meets a condition; and times without a zone.
const MORE_RULES: &str = r#"
[[event]]
type = "case.assigned"
on = "row"
data.agent = { column = "agent" }
[[event]]
type = "case.status_changed"
name = "solved"
on = "row"
when = { column = "team", equals = "moon" }
data.status = "done"
[[event]]
type = "survey.answered"
on = "row"
data = { survey = { column = "ticket" }, kind = "csat", score = { column = "score" } }
"#;

/// A dry run of more tickets, in a folder without a project. Two rows have one key, and one id of a case is too long.
fn dry_run(more: &[&str]) -> (Project, Ran) {
    let project = Project::new();
    project.write("tickets.toml", format!("{MAPPING}{MORE_RULES}"));
    let long = "x".repeat(300);
    let table = format!(
        "ticket,at,who,team,urgency,agent,score\n\
         t1,2026-03-02T09:00:00Z,ann,eu,P1,,\n\
         t2,yesterday,ben,eu,P1,,\n\
         t3,2026-03-02T09:00:00Z,cid,test,P1,,\n\
         t4,2026-03-02T09:00:00Z,,eu,P2,ana,\n\
         t5,2026-03-02T09:00:00Z,eve,eu,P3,ana,9\n\
         t1,2026-03-02T09:00:00Z,eva,eu,P1,,\n\
         {long},2026-03-02T09:00:00Z,eva,eu,P3,,\n"
    );
    project.write("table.csv", table);
    let ran = project.run(&[&["import", "--dry-run", "--mapping", "tickets.toml", "table.csv"], more].concat());
    (project, ran)
}

#[test]
fn a_dry_run_shows_what_the_first_rows_become_and_writes_nothing() {
    let (project, ran) = dry_run(&["--rows", "2"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    let first = "table.csv:2\n  ticket   t1\n  at       2026-03-02T09:00:00Z\n  team     eu\n  who      ann\n  urgency  P1\n  \
                 empty: agent, score\n  becomes\n    case.created  t1  2026-03-02T09:00:00.000Z\n      \
                 {\"customer\":\"ann\",\"priority\":\"urgent\"}\n\ntable.csv:3\n";
    assert!(ran.stdout.starts_with(first), "{}", ran.stdout);
    let lines = [
        "  cannot be read: `at` = `yesterday`: expected the format `rfc3339`",
        "7 rows",
        "left out: 1 row held back by a filter",
        "left out: 1 row that cannot be read",
        "  case.created: 4",
        "  solved (case.status_changed): 0",
        "    no row met its `when`",
        "values that no map knows:",
        "  case.created, member `priority`, `urgency`: `P3` 2",
        "the log would set aside:",
        "  wrong_type: 1 event, such as table.csv:8: `subject` must have 1 to 256 bytes, found 300",
        "the log would set aside 1 event whose id another event with other content has, such as table.csv:7: the id `t1:case.created`",
        "  no resolutions (case.status_changed, case.closed): resolved_cases, ",
        "  no policies (`casebook apply` states them): sla_attainment, ",
        "event types that no rule of the mapping makes: ",
    ];
    for line in lines {
        assert!(ran.stdout.lines().any(|found| found.starts_with(line)), "no line `{line}` in\n{}", ran.stdout);
    }
    assert!(!ran.stdout.contains("no assignments of agents"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("table.csv:5\n"), "two rows are shown: {}", ran.stdout);
    let mut files: Vec<_> =
        std::fs::read_dir(project.path("")).unwrap().map(|file| file.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["table.csv", "tickets.toml"]);
}

#[test]
fn a_dry_run_has_the_same_as_json() {
    for flag in ["--format", "--summary"] {
        let found = dry_run(&[flag, "json"]).1.summary(1);
        assert_eq!(found["records"].as_array().unwrap().len(), 3);
        assert_eq!(found["records"][0]["rows"][0]["cells"][3], json!({"column": "who", "text": "ann"}));
        assert_eq!(found["records"][0]["events"][0]["data"]["customer"], "ann");
        assert_eq!(found["events"], json!({"case.assigned": 2, "case.created": 4, "solved": 0, "survey.answered": 1}));
        assert_eq!(found["rules"][2]["reasons"], json!([{"reason": "no row met its `when`", "count": null}]));
        assert_eq!((&found["rows"], &found["left_out"]["rows_filtered"]), (&json!(7), &json!(1)));
        assert_eq!((&found["refused"]["wrong_type"]["count"], &found["conflicts"]["count"]), (&json!(1), &json!(1)));
        assert_eq!(found["missing"]["facts"][0]["what"], "resolutions");
        assert_eq!(found["failure"], json!(null));
    }
}

#[test]
fn a_dry_run_names_the_rule_that_would_end_the_import() {
    let project = Project::new();
    project.write("tickets.toml", MAPPING.replace("on = \"row\"", "on = \"row\"\ntime = \"who\""));
    project.write("table.csv", TABLE);
    let ran = project.run(&["import", "--dry-run", "--mapping", "tickets.toml", "table.csv"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("\n  case.created: 0\n    `who`: expected the format"), "{}", ran.stdout);
    assert!(ran.stderr.starts_with("error: tickets.toml: `case.created`: none of its "), "{}", ran.stderr);
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
    casebook::import::Mapping::parse("mappings/README.md", toml, std::path::Path::new("")).unwrap();
}
