//! A process that is killed at any step between rendering, delivering and recording: each delivery arrives once, or twice
//! and the second is marked as a repeat.
//!
//! `CASEBOOK_SCHEDULE_KILLS` makes it longer, `CASEBOOK_SCHEDULE_SEED` repeats the random moments of a run.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant as Stopwatch};

use serde_json::Value;

use super::project;
use crate::deliver::server::{self, Answer, Request, Server};
use crate::project::Project;

const SCHEDULES: &str = r#"
[targets.archive]
kind = "folder"
path = "out/{instant}-{file}"

[targets.record]
kind = "command"
run = ["/bin/sh", "record.sh"]

[targets.hook]
kind = "webhook"
url = "http://127.0.0.1:HOOK/"

[targets.asked]
kind = "webhook"
url = "http://127.0.0.1:ASKED/"
idempotent = true

[[schedule]]
name = "s"
cron = "* * * * *"
catch_up = "all"
to = ["archive", "record", "hook", "asked"]
send = [{ metric = "created_cases", range = "last 7 days" }]
"#;

/// Records the key of the delivery, and kills the program before or after that where it is asked to.
const RECORD: &str = r#"
order=$(cat order 2>/dev/null); rm -f order
[ "$order" = before ] && kill -9 $PPID && exit 1
echo "$CASEBOOK_SCHEDULED_AT $CASEBOOK_REPEAT" >> record
[ "$order" = after ] && kill -9 $PPID
exit 0
"#;

/// When the program is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Random,
    BeforeCommand,
    AfterCommand,
    BeforeRequest,
    AfterRequest,
    AfterAnswer,
    WhenRendered,
    WhenWritten,
}

const MOMENTS: [Moment; 8] = [
    Moment::Random,
    Moment::BeforeCommand,
    Moment::AfterCommand,
    Moment::BeforeRequest,
    Moment::AfterRequest,
    Moment::AfterAnswer,
    Moment::WhenRendered,
    Moment::WhenWritten,
];

fn kill(pid: u32) {
    let _ = Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status();
}

/// A receiver that counts what it has accepted, and kills the program where it is asked to.
async fn receiver(pid: &Arc<AtomicU32>, moment: &Arc<AtomicUsize>) -> Server<Request> {
    let (pid, moment) = (Arc::clone(pid), Arc::clone(moment));
    server::http(move |_| {
        let kills = |wanted: Moment| {
            let index = MOMENTS.iter().position(|moment| *moment == wanted).unwrap();
            moment.compare_exchange(index, usize::MAX, Ordering::SeqCst, Ordering::SeqCst).is_ok()
        };
        if kills(Moment::BeforeRequest) || kills(Moment::AfterRequest) {
            kill(pid.load(Ordering::SeqCst));
            return Answer::Close;
        }
        if kills(Moment::AfterAnswer) {
            let pid = pid.load(Ordering::SeqCst);
            tokio::spawn(async move { kill(pid) });
        }
        server::status("200 OK", "", "")
    })
    .await
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// `2026-06-01` and so many minutes.
fn minute(number: usize) -> String {
    format!("2026-06-01T{:02}:{:02}:00Z", number / 60, number % 60)
}

fn start(project: &Project, number: usize) -> Child {
    let at = minute(number);
    let mut command = project.command(&["schedule", "run", "--drain", "--at", &at]);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for a path, or for the end of the program.
fn wait_for(path: &std::path::Path, child: &mut Child) {
    while !path.exists() && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
}

/// Carries one run out, killed at that moment if it comes, and then once more.
fn carry_out(
    project: &Project,
    number: usize,
    moment: Moment,
    killing: &(Arc<AtomicU32>, Arc<AtomicUsize>),
    delay: Duration,
) -> bool {
    let (pid, armed) = killing;
    let index = MOMENTS.iter().position(|other| *other == moment).unwrap();
    armed.store(index, Ordering::SeqCst);
    match moment {
        Moment::BeforeCommand => drop(project.write("order", "before")),
        Moment::AfterCommand => drop(project.write("order", "after")),
        _ => {}
    }
    let mut child = start(project, number);
    pid.store(child.id(), Ordering::SeqCst);
    let name = minute(number).replace(['-', ':'], "").replace('Z', "");
    match moment {
        Moment::Random => std::thread::sleep(delay),
        Moment::WhenRendered => wait_for(&project.path(&format!("store/schedules/outputs/{name}.000Z")), &mut child),
        Moment::WhenWritten => wait_for(&project.path(&format!("out/{name}Z-created_cases.csv")), &mut child),
        _ => {}
    }
    if matches!(moment, Moment::Random | Moment::WhenRendered | Moment::WhenWritten) {
        let _ = child.kill();
    }
    let output = child.wait_with_output().unwrap();
    let was_killed = output.status.code().is_none();
    armed.store(usize::MAX, Ordering::SeqCst);
    let _ = std::fs::remove_file(project.path("order"));
    let again = Project::wait(start(project, number));
    assert_eq!(again.code, 0, "run {number}, killed at {moment:?}: {}", again.stderr);
    was_killed
}

/// How often each run was accepted, and whether each after the first was marked.
fn check_once(what: &str, accepted: &BTreeMap<String, Vec<bool>>, count: usize) -> usize {
    assert_eq!(accepted.len(), count, "{what}");
    let mut repeats = 0;
    for (run, marks) in accepted {
        assert!(matches!(marks.as_slice(), [_] | [false, true]), "{what} {run}: {marks:?}");
        repeats += marks.len() - 1;
    }
    repeats
}

fn of_requests(server: &Server<Request>) -> BTreeMap<String, Vec<bool>> {
    let mut accepted: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    for request in server.received.lock().unwrap().iter() {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        accepted.entry(body["scheduled_at"].to_string()).or_default().push(body["repeat"] == true);
    }
    accepted
}

#[test]
fn a_process_killed_at_any_step_delivers_once_or_marks_a_repeat() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let killing: (Arc<AtomicU32>, Arc<AtomicUsize>) = (Arc::default(), Arc::new(AtomicUsize::new(usize::MAX)));
    let hook = runtime.block_on(receiver(&killing.0, &killing.1));
    let asked = runtime.block_on(receiver(&killing.0, &killing.1));
    let schedules = SCHEDULES.replace("HOOK", &hook.port.to_string()).replace("ASKED", &asked.port.to_string());
    let project = project(&schedules);
    project.write("record.sh", RECORD);
    let first = Project::wait(start(&project, 0));
    assert_eq!(first.code, 0, "{}", first.stderr);

    let begun = Stopwatch::now();
    assert_eq!(Project::wait(start(&project, 1)).code, 0);
    let usual = begun.elapsed();
    let (count, mut random) = (number("CASEBOOK_SCHEDULE_KILLS", 200) as usize, number("CASEBOOK_SCHEDULE_SEED", 7));
    let mut kills = 0;
    for number in 2..count + 2 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let delay = usual * u32::try_from(random >> 33).unwrap() / (1 << 31);
        kills += usize::from(carry_out(&project, number, MOMENTS[number % MOMENTS.len()], &killing, delay));
    }
    assert!(kills > count / 2, "{kills} of {count} were killed");

    let runs = super::runs(&project, "state = 'done'");
    assert_eq!(runs.len(), count + 1, "every run is done");
    assert_eq!(
        std::fs::read_dir(project.path("out")).unwrap().count(),
        count + 1,
        "each file is there once, none in part"
    );
    let mut record: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    for line in std::fs::read_to_string(project.path("record")).unwrap().lines() {
        let (run, repeat) = line.split_once(' ').unwrap();
        record.entry(run.to_owned()).or_default().push(repeat == "1");
    }
    let repeats = check_once("command", &record, count + 1) + check_once("hook", &of_requests(&hook), count + 1);
    assert!((1..=2 * kills).contains(&repeats), "{repeats} repeats after {kills} kills");
    // A receiver that remembers keys sees each key, however often it is asked, and no mark.
    let asked = of_requests(&asked);
    assert!(asked.values().flatten().all(|is_repeat| !is_repeat), "{asked:?}");
    assert_eq!(asked.len(), count + 1);
}
