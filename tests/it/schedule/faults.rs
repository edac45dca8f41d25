//! What is wrong with one schedule is stated, and holds up no other.

use super::project;

#[test]
fn each_fault_is_stated_with_its_place_and_the_others_go_on() {
    let project = project(
        r#"
[targets.archive]
kind = "folder"
path = "out/{schedule}/{instant}-{file}"

[targets.odd]
kind = "folder"
path = "out/{schedul}/{file}"

[targets.people]
kind = "email"
to = "recipients"

[[schedule]]
name = "people"
cron = "0 8 * * *"
to = ["people"]
send = [{ metric = "created_cases", range = "last 7 days" }]

[[schedule]]
name = "good"
cron = "0 8 * * *"
to = ["archive"]
send = [{ metric = "created_cases", range = "last 7 days" }]

[[schedule]]
name = "february"
cron = "0 8 31 2 *"
to = ["archive"]
send = [{ metric = "created_cases", range = "last 7 days" }]

[[schedule]]
name = "zone"
cron = "0 8 * * *"
time_zone = "Europe/Prag"
to = ["archive"]
send = [{ metric = "created_cases", range = "last 7 days" }]

[[schedule]]
name = "target"
cron = "0 8 * * *"
to = ["archiv"]
send = [{ metric = "created_cases", range = "last 7 days" }]

[[schedule]]
name = "key"
cron = "0 8 * * *"
to = ["archive"]
catchup = "all"
send = [{ metric = "created_cases", range = "last 7 days" }]

[[schedule]]
name = "good"
cron = "0 9 * * *"
to = ["archive"]
send = [{ metric = "created_cases", range = "last 7 days" }]

[[schedule]]
name = "board"
cron = "0 8 * * *"
to = ["archive"]
on_failure = ["archive"]
send = [{ board = "overvew" }]

[[schedule]]
name = "two words"
cron = "0 8 * * *"
to = ["archive"]
send = [{ metric = "created_cases", range = "last 7 days" }]
"#,
    );
    let checked = project.run(&["schedule", "check"]);
    assert_eq!(checked.code, 1);
    let stderr = checked.stderr.replace(&project.path("").display().to_string(), "");
    insta::assert_snapshot!(stderr);

    // The run of a board that is not there fails; the others are done.
    assert_eq!(project.run(&["schedule", "run", "--drain", "--at", "2026-06-01T07:00:00Z"]).code, 0);
    let ran = project.run(&["schedule", "run", "--drain", "--at", "2026-06-01T08:00:30Z"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let states = super::runs(&project, "true");
    assert_eq!(states, ["board 06-01T08:00 failed 1", "good 06-01T08:00 done 1"]);
    assert!(ran.stderr.contains("there is no dashboard `overvew`"), "{}", ran.stderr);
}

#[test]
fn a_file_that_is_no_toml_is_an_error_with_its_line() {
    let project = project("[[schedule]\nname = 1\n");
    let ran = project.run(&["schedule", "list"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("schedules.toml:1: "), "{}", ran.stderr);
    std::fs::remove_file(project.path("schedules.toml")).unwrap();
    let ran = project.run(&["schedule", "run"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("there is no ") && ran.stderr.contains("hint: "), "{}", ran.stderr);
}

#[test]
fn a_folder_that_cannot_be_written_fails_after_its_time_and_is_reported() {
    let project = project(
        r#"
[targets.blocked]
kind = "folder"
path = "blocked/{file}"

[targets.reports]
kind = "command"
run = ["/bin/sh", "-c", "cat > failure.json"]

[[schedule]]
name = "s"
cron = "0 8 * * *"
to = ["blocked"]
on_failure = ["reports"]
retry_for = "1m"
send = [{ metric = "created_cases", range = "last 7 days" }]
"#,
    );
    // A file where a folder is needed.
    project.write("blocked", "");
    let clock = super::SetClock::default();
    super::work_at(&project, &clock, "2026-03-02T07:00:00Z");
    for minutes in ["08:00:10", "08:01:10", "08:03:10", "08:09:10", "08:20:10"] {
        super::work_at(&project, &clock, &format!("2026-03-02T{minutes}Z"));
    }
    assert_eq!(super::runs(&project, "true"), ["s 03-02T08:00 failed 1"]);
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(project.path("failure.json")).unwrap()).unwrap();
    assert_eq!(report["title"], "Not delivered: s");
    assert!(report["notes"][0].as_str().unwrap().starts_with("blocked: given up after 4 attempts in "), "{report}");
}
