//! Stores in unusual states: created in part, long in use, used by several programs at once, in folders with special names.

use std::sync::Arc;

use casebook::input::piece::{MadeLine, Piece, Take};
use casebook::log::{Log, Options};
use casebook::model::time::Instant;
use casebook::query::database::Database;
use casebook::replay;
use casebook::replay::ReplayScope;
use casebook::store::Store;
use casebook::store::engine::Resources;

use crate::project::{Project, Ran};

fn line(n: u64) -> MadeLine {
    let json = format!(
        r#"{{"id":"{n}","source":"s","type":"case.created","subject":"C{n}","time":"2026-01-01T00:00:00Z","data":{{"customer":"c"}}}}"#
    );
    MadeLine { json: json.into_bytes(), file: Arc::from("made"), line: n, offset: 0 }
}

#[test]
fn a_store_whose_creation_was_interrupted_is_created() {
    let project = Project::new();
    project.write("store/events/_delta_log/.begun", "");
    project.write("life.ndjson", include_str!("../golden/01-life.ndjson"));
    assert_eq!(project.ingest(&["life.ndjson"], 0)["added"], 23);
}

/// A table writes a checkpoint every hundred commits, and later reads it instead of them.
#[tokio::test]
async fn a_hundred_batches_and_more_lose_nothing() {
    let project = Project::new();
    let store = project.path("store");
    // One writer keeps the log open, and others come in between.
    let mut kept = Log::open(&Store::open(&store).unwrap()).await.unwrap();
    for n in 1..=105 {
        let options = Options { now: Instant(0).into(), threads: 1, memory_bytes: 64 << 20 };
        let piece = Piece::Lines { number: 0, lines: vec![line(n), line(n.max(2) - 1)] };
        let add = move |take: &mut Take<'_>| take(piece).map(|()| 1);
        match n % 3 {
            0 => Log::open(&Store::open(&store).unwrap()).await.unwrap().ingest(options, add).await.unwrap(),
            _ => kept.ingest(options, add).await.unwrap(),
        };
    }
    let log = Log::open(&Store::open(&store).unwrap()).await.unwrap();
    assert_eq!(kept.reopen().await.unwrap().events.entries().unwrap(), log.events.entries().unwrap());
    assert_eq!((log.events.rows().unwrap(), log.last_batch().unwrap()), (105, 105));
    let files = log.events.entries().unwrap();
    assert!(files.iter().all(|file| file.hash.is_some() && file.time_range.is_some() && file.rows == 1), "{files:?}");
    assert_eq!(log.events.files_since_batch(100).unwrap().len(), 5);
    let resources = Resources { memory_bytes: 64 << 20, threads: 2 };
    assert_eq!(replay::refresh(&log, resources, ReplayScope::REFRESH).await.unwrap().pointer.cases, 105);
    let database = Database::present(&log, resources).await.unwrap();
    let (context, pointer) = (database.session(), database.pointer());
    let rows = context.sql("SELECT DISTINCT id FROM events").await.unwrap().count().await.unwrap();
    assert_eq!((rows, pointer.last_batch), (105, 105));
}

/// Facts state the last batch that they include. In older stores a commit does not state the batches of its file.
#[tokio::test]
async fn a_store_of_an_older_version_is_read() {
    let project = Project::new();
    let store = project.path("store");
    let options = Options { now: Instant(0).into(), threads: 1, memory_bytes: 64 << 20 };
    let add = |n: u64| Piece::Lines { number: 0, lines: vec![line(n)] };
    for n in 1..=3 {
        Log::open(&Store::open(&store).unwrap())
            .await
            .unwrap()
            .ingest(options, move |take| take(add(n)).map(|()| 1))
            .await
            .unwrap();
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
    let log = Log::open(&Store::open(&store).unwrap()).await.unwrap();
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

/// Object stores do not know `..`, and the table library reads `%20` as a space.
#[test]
fn a_store_may_be_above_the_project_and_unusable_names_are_refused() {
    let project = Project::new();
    project.write("life.ndjson", include_str!("../golden/01-life.ndjson"));
    let run = |store: &str, arguments: &[&str]| {
        let folder = project.path("inside");
        std::fs::create_dir_all(&folder).unwrap();
        let mut command = project.command(arguments);
        Ran::of(command.current_dir(folder).env("CASEBOOK_STORE", store).output().unwrap())
    };
    for store in ["../beside", "../x [1]*", "d#1/e"] {
        assert_eq!(run(store, &["ingest", "../life.ndjson", "--summary", "json"]).summary(0)["added"], 23, "{store}");
        let counted = run(store, &["sql", "--format", "csv", "SELECT count(*) AS n FROM cases"]);
        assert_eq!((counted.code, counted.stdout.as_str()), (0, "n\n2\n"), "{store}: {}", counted.stderr);
    }
    let refused = run("../b%20c", &["ingest", "../life.ndjson"]);
    assert!(refused.code == 2 && refused.stderr.contains("must not contain `%`"), "{}", refused.stderr);
    assert!(!project.path("b%20c").exists() && !project.path("b c").exists());
}
