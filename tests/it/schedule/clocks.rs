//! A clock that jumps carries no run out twice.

use super::{SetClock, project, runs, work_at};

const SCHEDULES: &str = r#"
[targets.archive]
kind = "folder"
path = "out/{instant}-{file}"

[targets.record]
kind = "command"
run = ["/bin/sh", "-c", "echo $CASEBOOK_SCHEDULED_AT >> record"]

[[schedule]]
name = "s"
cron = "*/10 * * * *"
catch_up = "all"
to = ["archive", "record"]
send = [{ metric = "created_cases", range = "last 7 days" }]
"#;

#[test]
fn a_clock_that_jumps_carries_no_run_out_twice() {
    let (project, clock) = (project(SCHEDULES), SetClock::default());
    let steps = [
        ("2026-03-02T08:05:00Z", 0),
        ("2026-03-02T08:35:00Z", 3),
        // Back an hour, and on again.
        ("2026-03-02T07:36:00Z", 0),
        ("2026-03-02T08:36:00Z", 0),
        ("2026-03-02T08:46:00Z", 1),
        // Ahead by a day, and corrected: what was carried out ahead of time is not carried out again.
        ("2026-03-03T08:46:00Z", 144),
        ("2026-03-02T08:56:00Z", 0),
        ("2026-03-02T09:06:00Z", 0),
        ("2026-03-03T08:56:00Z", 1),
    ];
    let mut carried_out = 0;
    for (time, new) in steps {
        work_at(&project, &clock, time);
        carried_out += new;
        let runs = runs(&project, "true");
        assert_eq!(runs.len(), carried_out, "at {time}");
        assert!(runs.iter().all(|run| run.ends_with(" done 1")), "at {time}: {runs:?}");
    }
    let record = std::fs::read_to_string(project.path("record")).unwrap();
    let mut lines: Vec<&str> = record.lines().collect();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!((lines.len(), record.lines().count()), (carried_out, carried_out));
    assert_eq!(std::fs::read_dir(project.path("out")).unwrap().count(), carried_out);
}
