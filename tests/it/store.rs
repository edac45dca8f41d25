//! The store as others find it: half made, long in use, used by several at once.

use std::sync::Arc;

use casebook::log::stage::{MadeLine, Piece};
use casebook::log::{Log, Options};
use casebook::model::time::Instant;
use casebook::replay::engine::Resources;
use casebook::replay::{self, Extent, session};

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
        let options = Options { now: Instant(0), threads: 1, memory_bytes: 64 << 20 };
        let piece = Piece::Lines { number: 0, lines: vec![line(n), line(n.max(2) - 1)] };
        log.ingest(options, move |take| take(piece).map(|()| 1)).await.unwrap();
    }
    let log = Log::open(&store).await.unwrap();
    assert_eq!((log.events.rows().unwrap(), log.version()), (105, 105));
    let resources = Resources { memory_bytes: 64 << 20, threads: 2 };
    assert_eq!(replay::refresh(&log, resources, Extent::REFRESH).await.unwrap().pointer.cases, 105);
    let (context, pointer) = session::open(&log, resources).await.unwrap();
    let rows = context.sql("SELECT DISTINCT id FROM events").await.unwrap().count().await.unwrap();
    assert_eq!((rows, pointer.log_version), (105, 105));
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
