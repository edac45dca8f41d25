//! What an ingestion reads and writes: hardly anything of a log that has none of the events, and no file for events that are in it.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use casebook::input::piece::{MadeLine, Piece};
use casebook::log::compact::{MergeOptions, MergeScope, compact};
use casebook::log::lookup::{ByFingerprint, Expected, Lookup};
use casebook::log::{Log, Options, Summary};
use casebook::model::time::Instant;
use casebook::store::Store;
use casebook::store::disk;
use casebook::store::disk::DiskOperation;
use casebook::store::engine;
use casebook::store::engine::Resources;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::statistics::Statistics;

use crate::project::Project;

fn lines(numbers: std::ops::Range<u64>) -> Vec<MadeLine> {
    let line = |n: u64| {
        let json = format!(
            r#"{{"id":"{n}","source":"s","type":"case.created","subject":"C{n}","time":"2026-01-01T00:00:00Z","data":{{"customer":"c"}}}}"#
        );
        MadeLine { json: json.into_bytes(), file: Arc::from("made"), line: n, offset: 0 }
    };
    numbers.map(line).collect()
}

async fn ingest(store: &Path, lines: Vec<MadeLine>) -> Summary {
    let options = Options { now: Instant(0).into(), threads: 2, memory_bytes: 64 << 20 };
    let mut log = Log::open(&Store::open(store).unwrap()).await.unwrap();
    let pieces = lines.chunks(1000).zip(0..).map(|(lines, number)| Piece::Lines { number, lines: lines.to_vec() });
    let pieces: Vec<Piece> = pieces.collect();
    log.ingest(options, move |take| pieces.into_iter().try_for_each(take).map(|()| 1)).await.unwrap()
}

/// Overwrites the identities and contents in every file of the log, but not the filters and the metadata.
async fn spoil_columns(store: &Path) {
    for path in Log::open(&Store::open(store).unwrap()).await.unwrap().events.files().unwrap() {
        let mut bytes = std::fs::read(&path).unwrap();
        let metadata = SerializedFileReader::new(File::open(&path).unwrap()).unwrap().metadata().clone();
        for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
            if ["identity", "content"].contains(&column.column_path().string().as_str()) {
                let (from, length) = column.byte_range();
                bytes[from as usize..(from + length) as usize].fill(0xff);
            }
        }
        std::fs::write(&path, bytes).unwrap();
    }
}

/// The log is many times the size of the input. Its columns are unreadable, and need not be read.
#[tokio::test]
async fn new_events_are_added_without_reading_the_log() {
    let project = Project::new();
    let store = project.path("store");
    assert_eq!(ingest(&store, lines(0..20_000)).await.added, 20_000);
    spoil_columns(&store).await;
    let summary = ingest(&store, lines(20_000..20_005)).await;
    assert_eq!((summary.added, summary.duplicates), (5, 0));
}

#[tokio::test]
async fn events_that_the_log_has_are_not_written_again() {
    let project = Project::new();
    let store = std::path::absolute(project.path("store")).unwrap();
    ingest(&store, lines(0..5000)).await;
    let made = Arc::new(AtomicUsize::new(0));
    let count = made.clone();
    disk::watch(
        &store.join("events"),
        Arc::new(move |act| {
            if matches!(act, DiskOperation::FileCreated(path) if path.extension().is_some_and(|extension| extension == "parquet"))
            {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }),
    );
    let summary = ingest(&store, lines(0..5000)).await;
    assert_eq!((summary.added, summary.duplicates), (0, 5000));
    assert_eq!(made.load(Ordering::Relaxed), 0, "files for events that the log has");
    // With some new events among them there is one file, with these only. The contradicting event is set aside.
    let mut some = lines(0..5010);
    some.push(MadeLine {
        json: String::from_utf8(some[7].json.clone()).unwrap().replace("\"c\"", "\"d\"").into(),
        ..some[7].clone()
    });
    let summary = ingest(&store, some).await;
    assert_eq!((summary.added, summary.duplicates, summary.conflicts), (10, 5000, 1));
    let log = Log::open(&Store::open(&store).unwrap()).await.unwrap();
    assert_eq!(log.events.rows().unwrap(), 5010);
}

/// Identity and content of every event of a log.
fn fingerprints(log: &Log) -> Vec<(u128, u128)> {
    let mut all = Vec::new();
    for path in log.events.files().unwrap() {
        for batch in casebook::store::parquet::read_file(&path, &["identity", "content"]).unwrap() {
            let batch = batch.unwrap();
            let wide = |column: usize, row: usize| {
                let bytes: &arrow::array::BinaryArray = arrow::array::AsArray::as_binary(batch.column(column));
                u128::from_be_bytes(bytes.value(row).try_into().unwrap())
            };
            all.extend((0..batch.num_rows()).map(|row| (wide(0, row), wide(1, row))));
        }
    }
    all
}

/// Few or many identities, with the filters or without them: the answer is the same.
#[tokio::test]
async fn lookups_find_every_event() {
    let project = Project::new();
    let store = project.path("store");
    for batch in 0..3 {
        ingest(&store, lines(batch * 3000..(batch + 1) * 3000)).await;
    }
    let log = Log::open(&Store::open(&store).unwrap()).await.unwrap();
    let all = fingerprints(&log);
    assert_eq!(all.len(), 9000);
    let lookup = Lookup::new(log.events.files().unwrap(), 2);
    for step in [1, 2, 5, 100, 4000] {
        let mut expected: Vec<_> = all.iter().copied().step_by(step).collect();
        let unknown = (1..100_u128).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834), 0));
        let wanted: ByFingerprint<u128> = expected.iter().copied().chain(unknown).collect();
        let mut found = lookup.find(&wanted).unwrap();
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected, "every {step}th");
    }
    let some: Vec<u128> = all.iter().map(|(identity, _)| *identity).collect();
    assert!(lookup.has_many_of(&some).unwrap());
    let unknown: Vec<u128> = some.iter().map(|identity| !identity).collect();
    assert!(!lookup.has_many_of(&unknown).unwrap());
    // Piece after piece, as when a file is sent again, with unknown events among them; then again from the kept row groups.
    for round in 0..2 {
        for piece in all.chunks(500) {
            let known: ByFingerprint<u128> = piece.iter().copied().collect();
            let asked = piece.iter().flat_map(|(identity, _)| [*identity, !identity, *identity]).collect();
            let expected = Expected { logged: known.clone(), is_scattered: false };
            assert_eq!(lookup.find_expected(asked).unwrap(), expected, "round {round}");
            let known: Vec<u128> = known.into_keys().collect();
            assert!(lookup.has_many_of(&known).unwrap() && !lookup.has_many_of(&unknown).unwrap());
        }
    }
}

/// Events that are sent again may be scattered over the log. Then not all of it is read for every piece, and still no
/// event is added twice.
#[tokio::test]
async fn scattered_events_are_not_looked_up_again_and_again() {
    let project = Project::new();
    let store = project.path("store");
    for batch in 0..20 {
        ingest(&store, lines(batch * 50..(batch + 1) * 50)).await;
    }
    let log = Log::open(&Store::open(&store).unwrap()).await.unwrap();
    let identities = fingerprints(&log).into_iter().map(|(identity, _)| identity).collect();
    let lookup = Lookup::new(log.events.files().unwrap(), 2);
    let again = lookup.find_expected(identities).unwrap();
    assert!(again.is_scattered && (500..1000).contains(&again.logged.len()), "{}", again.logged.len());
    let summary = ingest(&store, lines(0..1003)).await;
    assert_eq!((summary.added, summary.duplicates, summary.conflicts), (3, 1000, 0));
}

/// The least and the greatest rank in each row group of the log.
async fn ranks_of_row_groups(store: &Path) -> Vec<(i32, i32)> {
    let mut spans = Vec::new();
    for path in Log::open(&Store::open(store).unwrap()).await.unwrap().events.files().unwrap() {
        let file = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
        for group in file.metadata().row_groups() {
            let rank = group.columns().iter().find(|column| column.column_path().string() == "rank").unwrap();
            let Some(Statistics::Int32(ranks)) = rank.statistics() else { panic!("no statistics") };
            spans.push((*ranks.min_opt().unwrap(), *ranks.max_opt().unwrap()));
        }
    }
    spans
}

/// Whether few or many are among events of cases, and after merging: a reader of the desk's events skips all others.
#[tokio::test]
async fn events_about_the_desk_have_row_groups_of_their_own() {
    for customers in [50, 20_000] {
        let project = Project::new();
        let store = project.path("store");
        let customer = |n: usize| {
            let json = format!(
                r#"{{"id":"u{n}","source":"s","type":"customer.updated","subject":"c{n}","time":"2026-01-01T00:00:00Z","data":{{"name":"N"}}}}"#
            );
            MadeLine { json: json.into(), file: "more".into(), line: n as u64, offset: 0 }
        };
        let mut all = lines(0..1000);
        (0..customers).for_each(|n| all.insert(n * 2 % all.len(), customer(n)));
        assert_eq!(ingest(&store, all.clone()).await.added, 1000 + customers as u64);
        assert_eq!(ingest(&store, all).await.duplicates, 1000 + customers as u64);
        ingest(&store, lines(1000..1500)).await;
        for merged in [false, true] {
            if merged {
                let resources = Resources { memory_bytes: 64 << 20, threads: 2 };
                let mut log = Log::open(&Store::open(&store).unwrap()).await.unwrap();
                compact(&mut log, resources, MergeOptions::of(MergeScope::All)).await.unwrap();
            }
            let spans = ranks_of_row_groups(&store).await;
            assert!(spans.iter().all(|(least, most)| (*least == 0) == (*most == 0)), "{spans:?}");
            assert!(spans.contains(&(0, 0)) && spans.len() > 1, "{spans:?}");
            assert_eq!(
                Log::open(&Store::open(&store).unwrap()).await.unwrap().events.rows().unwrap(),
                1500 + customers as u64
            );
        }
    }
}

/// The engine uses the filters too, for one case among many that are within the bounds of a row group.
#[tokio::test]
async fn a_file_without_a_case_is_not_read_for_it() {
    let project = Project::new();
    let store = project.path("store");
    ingest(&store, lines(0..5000)).await;
    let log = Log::open(&Store::open(&store).unwrap()).await.unwrap();
    let context = engine::session(Resources { memory_bytes: 64 << 20, threads: 2 }).unwrap();
    context.register_table("log", log.events.provider().unwrap()).unwrap();
    let plan = context.sql("EXPLAIN ANALYZE SELECT * FROM log WHERE case_id = 'C1x'").await.unwrap();
    let plan = arrow::util::pretty::pretty_format_batches(&plan.collect().await.unwrap()).unwrap().to_string();
    let found = plan.split("row_groups_pruned_bloom_filter=").nth(1).unwrap_or_else(|| panic!("{plan}"));
    assert!(!found.starts_with('0') && found.contains(" total → 0 matched"), "{found:.60}");
}

/// Two lookups at once share nothing but the files.
#[tokio::test]
async fn lookups_at_once_do_not_disturb_each_other() {
    let project = Project::new();
    let store = project.path("store");
    ingest(&store, lines(0..4000)).await;
    let log = Log::open(&Store::open(&store).unwrap()).await.unwrap();
    let lookup = Lookup::new(log.events.files().unwrap(), 2);
    let none: ByFingerprint<()> = [(1, ()), (2, ())].into_iter().collect();
    let failures = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    if !lookup.find(&none).is_ok_and(|found| found.is_empty()) {
                        *failures.lock().unwrap() += 1;
                    }
                }
            });
        }
    });
    assert_eq!(*failures.lock().unwrap(), 0);
}
