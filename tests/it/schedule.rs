//! Schedules: their instants, and what becomes of their runs.

mod alerts;
mod catch_up;
mod clocks;
mod faults;
mod kills;
mod leases;
mod pattern;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use casebook::model::time::Instant;
use casebook::schedule::daemon::{self, Setup, Until};
use casebook::schedule::secret::Environment;
use casebook::store::engine::Resources;
use casebook::store::objects::Store;
use jiff::tz::TimeZone;

use crate::project::Project;

/// A project with a small desk, and with that file of schedules.
fn project(schedules: &str) -> Project {
    project_of(20, schedules)
}

/// The same with so many cases.
fn project_of(cases: usize, schedules: &str) -> Project {
    let project = Project::new();
    let events = project.command(&["generate", "--cases", &cases.to_string(), "--seed", "3"]).output().unwrap();
    project.write("events.ndjson", events.stdout);
    project.ingest(&["events.ndjson"], 0);
    project.write("schedules.toml", schedules);
    project
}

/// A clock that a test sets.
#[derive(Clone, Default)]
struct SetClock(Arc<AtomicI64>);

impl SetClock {
    fn set(&self, text: &str) {
        self.0.store(instant(text).0, Ordering::Relaxed);
    }
}

fn instant(text: &str) -> Instant {
    Instant(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

/// What a daemon of this process works with, on a machine of that name.
fn setup(project: &Project, clock: &SetClock, host: &str) -> Setup {
    let clock = clock.clone();
    Setup {
        cluster: None,
        store: Store::open(&project.path("store")).unwrap(),
        zone: TimeZone::UTC,
        resources: Resources { memory_bytes: 256 << 20, threads: 1 },
        environment: Environment::new(&project.path(""), |_| None),
        clock: Arc::new(move || Instant(clock.0.load(Ordering::Relaxed))),
        tick: Duration::from_millis(20),
        host: host.to_owned(),
        observer: Arc::new(|_| {}),
    }
}

/// Does what is due when the clock shows that time.
fn work_at(project: &Project, clock: &SetClock, time: &str) {
    clock.set(time);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(daemon::run(setup(project, clock, "here"), Until::NothingToDo, std::future::pending())).unwrap();
}

/// The runs of the run log as `name scheduled_at state attempts`, with the days of March 2026 alone.
fn runs(project: &Project, condition: &str) -> Vec<String> {
    let query = format!(
        "SELECT name, scheduled_at, state, attempts FROM schedule_runs WHERE {condition} ORDER BY scheduled_at, name"
    );
    let text = |row: &crate::project::Row| {
        let cell = |name: &str| row[name].to_string().replace('"', "");
        let at = cell("scheduled_at").replace("2026-", "").replace(":00.000Z", "");
        format!("{} {at} {} {}", cell("name"), cell("state"), cell("attempts"))
    };
    project.rows(&query).iter().map(text).collect()
}
