//! `compact`, `vacuum` and `store check`: no row changes, nothing that is needed is removed, and damage is found.

use std::path::{Path, PathBuf};

use arrow::array::{AsArray, RecordBatch, StringViewArray};
use casebook::generate::{Plan, write_events};
use casebook::log::compact::{self, Compacted, MergeOptions, MergeScope};
use casebook::log::rows::{EVENT_FILES, LOG_SCHEMA};
use casebook::log::{Log, inspect};
use casebook::replay::{self, ReplayScope};
use casebook::store::Store;
use casebook::store::engine::Resources;
use casebook::store::lock::WriterLock;
use casebook::store::parquet::{FileWriter, read_whole_file};
use serde_json::{Value, json};

use crate::project::Project;

const RESOURCES: Resources = Resources { memory_bytes: 64 << 20, threads: 2 };

/// A project with generated events in that many batches, none of which is merged.
async fn project_of(batches: usize) -> (Project, PathBuf) {
    let project = Project::new();
    let mut events = Vec::new();
    write_events(&Plan { cases: 60, seed: 7, days: 30 }, &mut events).unwrap();
    let lines: Vec<&[u8]> = events.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    // Each batch has every nth line, so that all batches have about the same interval of time.
    for batch in 0..batches {
        let part: Vec<&[u8]> = lines.iter().copied().skip(batch).step_by(batches).collect();
        ingest(&project, &project.write(&format!("{batch}.ndjson"), part.join(&b'\n'))).await;
    }
    let store = std::path::absolute(project.path("store")).unwrap();
    (project, store)
}

/// Ingests a file without the merges of the command.
async fn ingest(project: &Project, file: &Path) {
    use casebook::input::pieces::read_all;
    use casebook::input::source::Source;
    let options =
        casebook::log::Options { now: casebook::model::time::Instant(0).into(), threads: 2, memory_bytes: 64 << 20 };
    let sources = vec![Source::parse(file.to_str().unwrap())];
    let mut log = Log::open(&Store::open(&project.path("store")).unwrap()).await.unwrap();
    log.ingest(options, move |take| read_all(sources, take)).await.unwrap();
}

async fn merge(store: &Path, scope: MergeScope) -> Compacted {
    let mut log = Log::open(&Store::open(store).unwrap()).await.unwrap();
    compact::compact(&mut log, RESOURCES, MergeOptions::of(scope)).await.unwrap()
}

/// Waits for asynchronous work, in tests that also run the program.
fn block<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(work)
}

/// Every row of the log with every column as a text, sorted.
async fn rows(store: &Path) -> Vec<String> {
    let log = Log::open(&Store::open(store).unwrap()).await.unwrap();
    let mut rows = Vec::new();
    for path in log.events.files().unwrap() {
        for batch in read_whole_file(&path).unwrap() {
            let batch = batch.unwrap();
            let options = arrow::util::display::FormatOptions::default().with_null("null");
            let columns: Vec<_> = batch
                .columns()
                .iter()
                .map(|column| arrow::util::display::ArrayFormatter::try_new(column, &options).unwrap())
                .collect();
            rows.extend(
                (0..batch.num_rows()).map(|row| {
                    columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|")
                }),
            );
        }
    }
    rows.sort();
    rows
}

#[tokio::test]
async fn merging_changes_no_row_and_no_fact() {
    let (project, store) = project_of(20).await;
    let log = Log::open(&Store::open(&store).unwrap()).await.unwrap();
    let facts = replay::refresh(&log, RESOURCES, ReplayScope::REFRESH).await.unwrap();
    let (before, files, last_batch) =
        (rows(&store).await, log.events.files().unwrap().len(), log.last_batch().unwrap());
    assert!(before.len() > 500 && files >= 20, "{} rows in {files} files", before.len());
    for scope in [MergeScope::Quick, MergeScope::Enough, MergeScope::All] {
        merge(&store, scope).await;
        let log = Log::open(&Store::open(&store).unwrap()).await.unwrap();
        assert_eq!(rows(&store).await, before, "{scope:?}");
        assert_eq!(log.last_batch().unwrap(), last_batch);
        assert!(log.events.files().unwrap().len() < files);
        let again = replay::refresh(&log, RESOURCES, ReplayScope::REFRESH).await.unwrap();
        assert_eq!((again.cases_replayed, &again.pointer), (0, &facts.pointer), "{scope:?}");
    }
    let log = Log::open(&Store::open(&store).unwrap()).await.unwrap();
    assert_eq!(log.events.files().unwrap().len(), 1);
    let batches: Vec<RecordBatch> =
        read_whole_file(&log.events.files().unwrap()[0]).unwrap().map(|batch| batch.unwrap()).collect();
    let cases: Vec<Option<String>> = batches
        .iter()
        .flat_map(|batch| {
            let cases: &StringViewArray = batch.column_by_name("case_id").unwrap().as_string_view();
            cases.iter().map(|case| case.map(str::to_owned)).collect::<Vec<_>>()
        })
        .collect();
    assert!(cases.is_sorted(), "by case");
    // An event of an earlier batch is still a duplicate.
    assert_eq!(project.ingest(&["3.ndjson"], 0)["added"], 0);
    assert_eq!(project.run(&["store", "check"]).code, 0);
    assert_eq!(project.run(&["check"]).code, 0);
}

/// The rows need several times the memory, so the merge spills.
#[tokio::test]
async fn merging_keeps_within_its_memory() {
    let project = Project::new();
    for seed in 0..3 {
        let mut events = Vec::new();
        write_events(&Plan { cases: 4000, seed, days: 30 }, &mut events).unwrap();
        let events = String::from_utf8(events).unwrap().replace(r#""source":""#, &format!(r#""source":"{seed}-"#));
        ingest(&project, &project.write("events.ndjson", events)).await;
    }
    let store = std::path::absolute(project.path("store")).unwrap();
    let rows = Log::open(&Store::open(&store).unwrap()).await.unwrap().events.rows().unwrap();
    let mut log = Log::open(&Store::open(&store).unwrap()).await.unwrap();
    let little = Resources { memory_bytes: 32 << 20, threads: 2 };
    let done = compact::compact(&mut log, little, MergeOptions::of(MergeScope::All)).await.unwrap();
    assert_eq!((done.rows, done.files_after), (rows, 1));
    assert_eq!(inspect::events(&log, 2, 16 << 20).unwrap(), []);
}

/// The number is set by the flag, or else by the setting.
#[test]
fn files_have_the_wanted_number_of_events() {
    let project = Project::new();
    let mut events = Vec::new();
    write_events(&Plan { cases: 2000, seed: 1, days: 90 }, &mut events).unwrap();
    project.ingest(&[project.write("events.ndjson", &events)], 0);
    let lines = events.iter().filter(|byte| **byte == b'\n').count();
    project.write("casebook.toml", "file_events = 2000\n");
    for (flag, wanted) in [(None, 2000), (Some("5000"), 5000), (Some("1000000"), lines)] {
        let flag = flag.into_iter().flat_map(|number| ["--file-events", number]);
        let ran = project.run(&["compact", "--full"].into_iter().chain(flag).collect::<Vec<_>>());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let rows = |path: PathBuf| casebook::store::parquet::rows(&path).unwrap() as usize;
        let files: Vec<usize> = block(Log::open(&Store::open(&project.path("store")).unwrap()))
            .unwrap()
            .events
            .files()
            .unwrap()
            .into_iter()
            .map(rows)
            .collect();
        assert_eq!(files.iter().sum::<usize>(), lines);
        assert!(files.iter().all(|rows| wanted / 2 <= *rows && *rows <= wanted * 3 / 2), "{wanted}: {files:?}");
    }
    let ran = project.run(&["compact", "--file-events", "10"]);
    assert!(ran.code == 2 && ran.stderr.contains("--file-events"), "{}", ran.stderr);
    project.write("casebook.toml", "file_events = 10\n");
    let ran = project.run(&["compact"]);
    assert!(ran.stderr.contains("`10` is not a number of events from 1000 to 1000000000"), "{}", ran.stderr);
}

#[test]
fn files_stay_few_without_a_command() {
    let project = Project::new();
    for n in 0..20 {
        let event = json!({"id": n.to_string(), "source": "s", "type": "case.created", "subject": n.to_string(),
            "time": "2026-01-01T00:00:00Z", "data": {"customer": "c"}});
        project.ingest(&[project.write("one.ndjson", event.to_string())], 0);
    }
    let stats: Value = serde_json::from_str(&project.run(&["store", "stats", "--format", "json"]).stdout).unwrap();
    let events = stats["tables"].as_array().unwrap().iter().find(|table| table["table"] == "events").unwrap();
    assert_eq!((&events["rows"], &stats["last_batch"]), (&json!(20), &json!(20)));
    assert!(events["files"].as_u64().unwrap() < 12, "{stats}");
    assert_eq!(project.value("SELECT count(DISTINCT id) FROM events"), 20);
}

fn vacuum(project: &Project, arguments: &[&str]) -> Value {
    let ran = project.run(&[&["vacuum", "--format", "json"], arguments].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn vacuum_removes_files_that_are_not_needed_and_no_others() {
    let (project, store) = block(project_of(10));
    project.run(&["replay"]);
    block(merge(&store, MergeScope::All));
    project.run(&["replay", "--full"]);
    let (before, facts) = (block(rows(&store)), project.facts());
    assert_eq!(vacuum(&project, &[])["files"], 0, "readers of the last day may still want everything");

    // Files of killed writers.
    let orphan = store.join("events/events-00000000-0000-4000-8000-000000000000.parquet");
    std::fs::write(&orphan, "half").unwrap();
    std::fs::create_dir(store.join(".tmpKilled")).unwrap();
    std::fs::write(store.join(".tmpKilled/list.entries"), "half").unwrap();
    std::fs::write(store.join("facts/current.json#1"), "half").unwrap();
    std::fs::write(store.join("events/_delta_log/00000000000000000099.json#1"), "half").unwrap();
    std::fs::write(store.join("events/notes.txt"), "mine").unwrap();
    let shown = vacuum(&project, &["--dry-run"]);
    assert_eq!((&shown["files"], orphan.exists()), (&json!(4), true), "{shown}");
    assert_eq!(vacuum(&project, &[])["files"], 4);
    assert!(!orphan.exists() && !store.join(".tmpKilled").exists() && store.join("events/notes.txt").exists());

    let all = vacuum(&project, &["--keep", "0s"]);
    assert!(all["files"].as_u64().unwrap() > 30, "{all}");
    assert_eq!(vacuum(&project, &["--keep", "0s"])["files"], 0);
    assert_eq!(block(rows(&store)), before);
    crate::project::assert_same_facts(&facts, &project.facts());
    let checked = project.run(&["store", "check", "--format", "json"]);
    assert_eq!(checked.code, 0, "{}", checked.stdout);
    assert_eq!(project.run(&["vacuum", "--keep", "soon"]).code, 2);
}

/// Old facts stay as long as the pointer names them, even if newer files were written.
#[test]
fn vacuum_keeps_the_present_facts() {
    let (project, store) = block(project_of(3));
    project.run(&["replay"]);
    let pointer = std::fs::read(store.join("facts/current.json")).unwrap();
    let facts = project.facts();
    project.run(&["replay", "--full"]);
    project.run(&["replay", "--full"]);
    // As if the replays had been killed just before the end.
    std::fs::write(store.join("facts/current.json"), pointer).unwrap();
    vacuum(&project, &["--keep", "0s"]);
    crate::project::assert_same_facts(&facts, &project.facts());
}

/// The files of a writer at work look like those of a killed writer.
#[test]
fn vacuum_waits_for_the_writer() {
    let project = Project::new();
    project.ingest(&[project.write("life.ndjson", include_str!("../golden/01-life.ndjson"))], 0);
    let store = project.path("store");
    // A file that a writer has begun.
    let writer = block(WriterLock::take(&Store::open(&store).unwrap(), "log")).unwrap();
    let begun = project.write("store/events/events-begun.parquet", "");
    let mut sweeper = project.start(&["vacuum", "--keep", "0s"]);
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(sweeper.try_wait().unwrap().is_none(), "it did not wait");
    assert!(begun.exists());
    drop(writer);
    assert_eq!(Project::wait(sweeper).code, 0);
    assert!(!begun.exists());
    assert_eq!(project.run(&["store", "check"]).code, 0);
}

fn problems(project: &Project) -> Vec<String> {
    let ran = project.run(&["store", "check", "--format", "json"]);
    let object: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{} {}", ran.stdout, ran.stderr));
    let problems = object["problems"].as_array().unwrap();
    assert_eq!(ran.code, i32::from(!problems.is_empty()));
    problems.iter().map(|problem| problem["rule"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn damage_to_files_is_found() {
    let (project, store) = project_of(3).await;
    project.run(&["replay"]);
    assert!(problems(&project).is_empty());
    let files = Log::open(&Store::open(&store).unwrap()).await.unwrap().events.files().unwrap();
    let whole = std::fs::read(&files[0]).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    std::fs::write(&files[0], &flipped).unwrap();
    assert!(problems(&project).contains(&"file_altered".to_owned()));
    std::fs::write(&files[0], &whole[..whole.len() - 1]).unwrap();
    assert!(problems(&project).contains(&"file_size".to_owned()));
    std::fs::remove_file(&files[0]).unwrap();
    assert!(problems(&project).contains(&"file_missing".to_owned()));
    std::fs::write(&files[0], &whole).unwrap();
    assert!(problems(&project).is_empty());
    let mut cases = std::fs::read_dir(store.join("facts/cases")).unwrap().map(|entry| entry.unwrap().path());
    let cases = cases.find(|path| path.is_file()).unwrap();
    std::fs::write(&cases, "").unwrap();
    assert_eq!(problems(&project), ["file_size"]);
}

/// The bytes of the file are as its commit states, but its events are not those that were accepted.
#[tokio::test]
async fn damage_to_events_is_found() {
    let (_project, store) = project_of(2).await;
    let mut log = Log::open(&Store::open(&store).unwrap()).await.unwrap();
    assert_eq!(inspect::events(&log, 2, 1 << 20).unwrap(), []);
    let mut entries = log.events.entries().unwrap();
    // It is not known which worker takes which lines; the largest file has enough of them.
    entries.sort_by_key(|file| std::cmp::Reverse(file.rows));
    let batch = read_whole_file(&entries[0].path).unwrap().next().unwrap().unwrap();
    let written = |batch: &RecordBatch| {
        let mut writer = FileWriter::create(log.events.folder(), "events", &LOG_SCHEMA, &EVENT_FILES).unwrap();
        writer.write(&casebook::store::parquet::with_schema(batch, &LOG_SCHEMA).unwrap()).unwrap();
        writer.finish().unwrap()
    };
    let position = batch.schema().index_of("subject").unwrap();
    let subjects: &StringViewArray = batch.column(position).as_string_view();
    let altered: StringViewArray =
        subjects.iter().enumerate().map(|(row, text)| if row == 3 { Some("other") } else { text }).collect();
    let mut columns = batch.columns().to_vec();
    columns[position] = std::sync::Arc::new(altered);
    let (altered, mut again) =
        (written(&RecordBatch::try_new(batch.schema(), columns).unwrap()), written(&batch.slice(0, 5)));
    again.events = again.events.map(|events| events ^ 1);
    log.events.replace_files(&entries[..1], &[altered, again], Vec::new()).await.unwrap();
    let mut found = inspect::events(&log, 2, 1 << 20).unwrap();
    found.sort_by_key(|problem| problem.rule);
    let rules: Vec<_> = found.iter().map(|problem| problem.rule).collect();
    assert_eq!(rules, ["event_altered", "event_twice", "file_events"], "{found:?}");
    assert!(found[1].detail.starts_with("5 events"), "{found:?}");
}
