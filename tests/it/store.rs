//! The store as others find it: half made, long in use, used by several at once.

use std::sync::Arc;

use casebook::input::piece::{MadeLine, Piece};
use casebook::log::{Log, Options};
use casebook::model::time::Instant;
use casebook::query::session;
use casebook::replay;
use casebook::replay::Extent;
use casebook::store::engine::Resources;

use crate::project::Project;

fn line(n: u64) -> MadeLine {
    let json = format!(
        r#"{{"id":"{n}","source":"s","type":"case.created","subject":"C{n}","time":"2026-01-01T00:00:00Z","data":{{"customer":"c"}}}}"#
    );
    MadeLine { json: json.into_bytes(), file: Arc::from("made"), line: n, offset: 0 }
}

#[test]
fn a_store_whose_making_was_cut_short_is_made() {
    let project = Project::new();
    project.write("store/events/_delta_log/.begun", "");
    project.write("life.ndjson", include_str!("../golden/01-life.ndjson"));
    assert_eq!(project.ingest(&["life.ndjson"], 0)["added"], 23);
}

/// A table writes a checkpoint every hundred commits and reads from it afterwards.
#[tokio::test]
async fn a_hundred_batches_and_more_lose_nothing() {
    let project = Project::new();
    let store = project.path("store");
    for n in 1..=105 {
        let mut log = Log::open(&store).await.unwrap();
        let options = Options { now: Instant(0).into(), threads: 1, memory_bytes: 64 << 20 };
        let piece = Piece::Lines { number: 0, lines: vec![line(n), line(n.max(2) - 1)] };
        log.ingest(options, move |take| take(piece).map(|()| 1)).await.unwrap();
    }
    let log = Log::open(&store).await.unwrap();
    assert_eq!((log.events.rows().unwrap(), log.last_batch().unwrap()), (105, 105));
    let files = log.events.entries().unwrap();
    assert!(files.iter().all(|file| file.hash.is_some() && file.time_range.is_some() && file.rows == 1), "{files:?}");
    assert_eq!(log.events.files_since_batch(100).unwrap().len(), 5);
    let resources = Resources { memory_bytes: 64 << 20, threads: 2 };
    assert_eq!(replay::refresh(&log, resources, Extent::REFRESH).await.unwrap().pointer.cases, 105);
    let (context, pointer) = session::open(&log, resources).await.unwrap();
    let rows = context.sql("SELECT DISTINCT id FROM events").await.unwrap().count().await.unwrap();
    assert_eq!((rows, pointer.last_batch), (105, 105));
}

/// Facts stand for batches, and batches for commits of stores that did not write down which are in a file.
#[tokio::test]
async fn a_store_of_before_is_read_as_it_was() {
    let project = Project::new();
    let store = project.path("store");
    let options = Options { now: Instant(0).into(), threads: 1, memory_bytes: 64 << 20 };
    let add = |n: u64| Piece::Lines { number: 0, lines: vec![line(n)] };
    for n in 1..=3 {
        Log::open(&store).await.unwrap().ingest(options, move |take| take(add(n)).map(|()| 1)).await.unwrap();
        if n == 2 {
            project.run(&["replay"]);
        }
    }
    for n in 1..=3 {
        let commit = store.join(format!("events/_delta_log/{n:020}.json"));
        let text = std::fs::read_to_string(&commit).unwrap();
        let (from, until) = (text.find("\"tags\":{").unwrap(), text.find("},\"baseRowId\"").unwrap());
        let without =
            format!("{}\"tags\":null{}", &text[..from], &text[until + 1..]).replace(r#"\"batch\""#, r#"\"bunch\""#);
        std::fs::write(&commit, without).unwrap();
    }
    let log = Log::open(&store).await.unwrap();
    assert!(log.events.entries().unwrap().iter().all(|file| file.hash.is_none()));
    assert_eq!(log.last_batch().unwrap(), 3);
    let rows = |project: &Project, flag: &str| {
        let ran = project.run(&["sql", "--format", "json", flag, "SELECT count(*) AS n FROM events"]);
        (ran.stdout.replace('\n', ""), ran.stderr.contains("1 batches behind"))
    };
    assert_eq!(rows(&project, "--no-refresh"), (r#"[{"n":2}]"#.to_owned(), true));
    assert_eq!(rows(&project, "--quiet"), (r#"[{"n":3}]"#.to_owned(), false));
}

#[test]
fn replays_at_once_wait_for_each_other() {
    let project = Project::new();
    project.write("life.ndjson", include_str!("../golden/01-life.ndjson"));
    project.ingest(&["life.ndjson"], 0);
    let runs: Vec<_> = (0..4).map(|_| project.start(&["replay", "--full", "--format", "json"])).collect();
    for run in runs {
        let summary = Project::wait(run).summary(0);
        assert_eq!((&summary["cases"], &summary["findings"]), (&2.into(), &6.into()));
    }
}
