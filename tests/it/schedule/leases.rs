//! Two daemons on one store: one works, the other waits and takes over.

use std::sync::Mutex;

use casebook::schedule::daemon::{self, Progress, Setup, Until};

use super::*;

const SCHEDULES: &str = r#"
[targets.record]
kind = "command"
run = ["/bin/sh", "-c", "echo $CASEBOOK_SCHEDULED_AT >> record"]

[[schedule]]
name = "s"
cron = "* * * * *"
catch_up = "all"
to = ["record"]
send = [{ metric = "created_cases", range = "last 7 days" }]
"#;

/// A daemon that collects what it does as lines.
fn observed(project: &Project, clock: &SetClock, host: &str) -> (Setup, Arc<Mutex<Vec<String>>>) {
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let collected = Arc::clone(&lines);
    let observer = Arc::new(move |progress: &Progress<'_>| collected.lock().unwrap().push(format!("{progress:?}")));
    // A lease of three seconds: other tests at the same time must not make a daemon late to renew it.
    (Setup { observer, tick: Duration::from_millis(100), ..setup(project, clock, host) }, lines)
}

async fn until(lines: &Arc<Mutex<Vec<String>>>, word: &str) {
    let has = || lines.lock().unwrap().iter().any(|line| line.contains(word));
    let waiting = async {
        while !has() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    assert!(ended.is_ok(), "no `{word}` in {:?}", lines.lock().unwrap());
}

fn recorded(project: &Project) -> usize {
    std::fs::read_to_string(project.path("record")).unwrap_or_default().lines().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_works_and_the_other_takes_over_when_it_ends() {
    let (project, clock) = (project(SCHEDULES), SetClock::default());
    clock.set("2026-03-02T08:00:30Z");
    for (first, second) in [("here", "here"), ("here", "there")] {
        let (one, lines_of_one) = observed(&project, &clock, first);
        let one = tokio::spawn(daemon::run(one, Until::Stopped, std::future::pending()));
        until(&lines_of_one, "Working").await;
        let (other, lines_of_other) = observed(&project, &clock, second);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let other = tokio::spawn(daemon::run(other, Until::Stopped, async { drop(stopped.await) }));
        until(&lines_of_other, "Waiting").await;

        clock.0.fetch_add(60_000, Ordering::Relaxed);
        until(&lines_of_one, "Ended").await;
        let before = recorded(&project);
        assert!(!lines_of_other.lock().unwrap().iter().any(|line| line.contains("Ended")));

        // Ends without giving the lease back, as a process does that is killed.
        one.abort();
        until(&lines_of_other, "Working").await;
        clock.0.fetch_add(60_000, Ordering::Relaxed);
        until(&lines_of_other, "Ended").await;
        assert_eq!(recorded(&project), before + 1);
        drop(stop);
        other.await.unwrap().unwrap();
    }
    assert_eq!(recorded(&project), 4);
    let runs = tokio::task::block_in_place(|| runs(&project, "true"));
    assert!(runs.iter().all(|run| run.ends_with(" done 1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_whose_lease_was_taken_over_stops_its_work() {
    let (project, clock) = (project(SCHEDULES), SetClock::default());
    clock.set("2026-03-02T08:00:30Z");
    let (slow, lines_of_slow) = observed(&project, &clock, "here");
    // It renews its lease too seldom for the other one.
    let slow = tokio::spawn(daemon::run(
        Setup { tick: Duration::from_secs(1), ..slow },
        Until::Stopped,
        std::future::pending(),
    ));
    until(&lines_of_slow, "Working").await;
    let (quick, lines_of_quick) = observed(&project, &clock, "there");
    let quick = tokio::spawn(daemon::run(quick, Until::Stopped, std::future::pending()));
    until(&lines_of_quick, "Working").await;
    until(&lines_of_slow, "LeaseLost").await;
    clock.0.fetch_add(60_000, Ordering::Relaxed);
    until(&lines_of_quick, "Ended").await;
    assert_eq!(recorded(&project), 1);
    assert!(!lines_of_slow.lock().unwrap().iter().any(|line| line.contains("Delivered")));
    slow.abort();
    quick.abort();
}
