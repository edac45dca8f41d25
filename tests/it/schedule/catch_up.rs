//! Which runs are carried out after an outage, by each of the three rules.

use super::{SetClock, project, runs, work_at};

const SCHEDULES: &str = r#"
[targets.archive]
kind = "folder"
path = "out/{schedule}/{instant}-{file}"

[[schedule]]
name = "all"
cron = "*/30 * * * *"
time_zone = "Europe/Prague"
catch_up = "all"
to = ["archive"]
send = [{ metric = "created_cases", range = "last 7 days" }]

[[schedule]]
name = "latest"
cron = "*/30 * * * *"
time_zone = "Europe/Prague"
to = ["archive"]
send = [{ metric = "created_cases", range = "last 7 days" }]

[[schedule]]
name = "none"
cron = "*/30 * * * *"
time_zone = "Europe/Prague"
catch_up = "none"
to = ["archive"]
send = [{ metric = "created_cases", range = "last 7 days" }]
"#;

/// The runs of each schedule since an instant: how many were carried out, and how many were not.
fn counts(project: &crate::project::Project, since: &str) -> Vec<(usize, usize)> {
    let count = |name: &str, state: &str| {
        runs(project, &format!("name = '{name}' AND state = '{state}' AND scheduled_at > '{since}'")).len()
    };
    ["all", "latest", "none"].map(|name| (count(name, "done"), count(name, "skipped"))).into()
}

#[test]
fn runs_are_caught_up_on_by_the_rule_of_their_schedule() {
    let (project, clock) = (project(SCHEDULES), SetClock::default());
    work_at(&project, &clock, "2026-03-28T12:00:10Z");
    assert_eq!(runs(&project, "true"), Vec::<String>::new(), "a new schedule has missed nothing");

    // A minute, in which one run was due: no rule leaves it out.
    work_at(&project, &clock, "2026-03-28T12:30:50Z");
    assert_eq!(counts(&project, "2026-03-28T12:00:00Z"), [(1, 0), (1, 0), (1, 0)]);

    // A day with a clock change: 23 hours, 46 runs, of which the last was due two minutes ago.
    work_at(&project, &clock, "2026-03-29T11:32:00Z");
    assert_eq!(counts(&project, "2026-03-28T12:30:30Z"), [(46, 0), (1, 45), (1, 45)]);
    // 02:00 and 02:30 do not exist, and 03:00 comes at that instant.
    let night =
        runs(&project, "name = 'all' AND scheduled_at BETWEEN '2026-03-29T00:30:00Z' AND '2026-03-29T01:30:00Z'");
    assert_eq!(night, ["all 03-29T00:30 done 1", "all 03-29T01:00 done 1", "all 03-29T01:30 done 1"]);

    // A day, after which the last run was due twenty minutes ago: too late for `none`.
    work_at(&project, &clock, "2026-03-30T11:50:00Z");
    assert_eq!(counts(&project, "2026-03-29T11:32:00Z"), [(48, 0), (1, 47), (0, 48)]);

    // What is caught up on is the report of its own instant.
    let files = std::fs::read_dir(project.path("out/all")).unwrap().count();
    assert_eq!(files, 1 + 46 + 48);
}

#[test]
fn an_hour_that_is_repeated_runs_once() {
    let (project, clock) = (project(SCHEDULES), SetClock::default());
    work_at(&project, &clock, "2026-10-24T23:40:00Z");
    for time in [
        "2026-10-25T00:10:00Z",
        "2026-10-25T00:40:00Z",
        "2026-10-25T01:10:00Z",
        "2026-10-25T01:40:00Z",
        "2026-10-25T02:10:00Z",
    ] {
        work_at(&project, &clock, time);
    }
    let all = runs(&project, "name = 'all'");
    assert_eq!(all, ["all 10-25T00:00 done 1", "all 10-25T00:30 done 1", "all 10-25T02:00 done 1"]);
}
