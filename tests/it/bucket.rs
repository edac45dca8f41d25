//! A store in a bucket: what a folder does, by several machines, whatever the answers of the bucket are. The bucket is in
//! memory; a real server is in `.ci/objects`.

use std::fmt::{Display, Formatter};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use casebook::facts::manifest::{self, Pointer};
use casebook::facts::vacuum;
use casebook::input::piece::{MadeLine, Piece};
use casebook::log::compact::{MergeOptions, MergeScope, compact};
use casebook::log::quarantine::Filter;
use casebook::log::{InputsSummary, Log, Options, Summary};
use casebook::model::time::Instant;
use casebook::query::database::Database;
use casebook::replay;
use casebook::replay::ReplayScope;
use casebook::store::Store;
use casebook::store::address::{BucketAddress, Service};
use casebook::store::bucket::Bucket;
use casebook::store::disk::WriteMode;
use casebook::store::engine::Resources;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path as Location;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::project::rows_of;

const RESOURCES: Resources = Resources { memory_bytes: 128 << 20, threads: 2 };
const OPTIONS: fn(i64) -> Options =
    |now| Options { now: casebook::log::Clock::Stopped(Instant(now)), threads: 2, memory_bytes: 64 << 20 };

/// What happens to a conditional write.
enum Fault {
    /// It is applied, and answered with an error.
    AppliedAndFailed,
    /// It is answered with an error.
    Failed,
    /// Something else happens before it.
    After(BoxFuture<'static, ()>),
}

/// A bucket whose conditional writes below a name meet faults.
#[derive(Default)]
struct Storage {
    objects: InMemory,
    faults: Mutex<Vec<(&'static str, Fault)>>,
    /// Whether nothing can be read.
    is_away: AtomicBool,
}

impl Storage {
    /// The next conditional write to a path that contains that text meets that fault. Of several faults for one text the last
    /// one comes first.
    fn meet(&self, path: &'static str, fault: Fault) {
        self.faults.lock().unwrap().push((path, fault));
    }

    fn next_fault(&self, location: &Location) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let position = faults.iter().rposition(|(path, _)| location.as_ref().contains(path))?;
        Some(faults.remove(position).1)
    }
}

impl Display for Storage {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.write_str("a bucket in memory")
    }
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        Display::fmt(self, out)
    }
}

#[async_trait]
impl ObjectStore for Storage {
    async fn put_opts(&self, location: &Location, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let failed = || Error::Generic { store: "memory", source: "the answer was lost".into() };
        let fault = if options.mode == PutMode::Overwrite { None } else { self.next_fault(location) };
        match fault {
            Some(Fault::Failed) => return Err(failed()),
            Some(Fault::AppliedAndFailed) => {
                self.objects.put_opts(location, payload, options).await?;
                return Err(failed());
            }
            Some(Fault::After(other)) => other.await,
            None => {}
        }
        self.objects.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Location,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.objects.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Location, options: GetOptions) -> Result<GetResult> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(Error::Generic { store: "memory", source: "the bucket is away".into() });
        }
        self.objects.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Location>>) -> BoxStream<'static, Result<Location>> {
        self.objects.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Location>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.objects.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Location>) -> Result<ListResult> {
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Location, to: &Location, options: CopyOptions) -> Result<()> {
        self.objects.copy_opts(from, to, options).await
    }
}

/// A bucket, and folders for the copies of several machines.
struct Shared {
    storage: Arc<Storage>,
    folder: tempfile::TempDir,
}

impl Shared {
    fn new() -> Shared {
        Shared { storage: Arc::default(), folder: tempfile::tempdir().unwrap() }
    }

    /// The store as a machine sees it.
    fn machine(&self, name: &str) -> Store {
        let address = BucketAddress {
            url: "s3://bucket/desk".to_owned(),
            service: Service::S3,
            prefix: Location::from("desk"),
            copies: self.folder.path().join(name),
            copies_bytes: 0,
            own: self.folder.path().join("own").join(name),
        };
        Store::in_bucket(Bucket::of(Arc::clone(&self.storage) as Arc<dyn ObjectStore>, &address))
    }

    async fn has(&self, name: &str) -> bool {
        self.machine("any").has(name).await.unwrap()
    }
}

fn event(n: u64, customer: &str) -> String {
    format!(
        r#"{{"id":"{n}","source":"s","type":"case.created","subject":"C{n}","time":"2026-01-01T00:00:00Z","data":{{"customer":"{customer}"}}}}"#
    )
}

/// A file with the events of those numbers, each with that customer.
fn lines(file: &str, numbers: &[u64], customer: &str) -> Vec<MadeLine> {
    let line =
        |(n, line): (&u64, u64)| MadeLine { json: event(*n, customer).into(), file: file.into(), line, offset: 0 };
    numbers.iter().zip(1..).map(line).collect()
}

async fn ingest(store: &Store, now: i64, lines: Vec<MadeLine>) -> (Summary, InputsSummary) {
    let mut log = Log::open(store).await.unwrap();
    let piece = Piece::Lines { number: 0, lines };
    log.ingest_by_input(OPTIONS(now), move |take| take(piece).map(|()| 1)).await.unwrap()
}

async fn rows(store: &Store, sql: &str) -> Vec<String> {
    let log = Log::open(store).await.unwrap();
    replay::refresh(&log, RESOURCES, ReplayScope::REFRESH).await.unwrap();
    let database = Database::present(&log, RESOURCES).await.unwrap();
    let batches = database.session().sql(sql).await.unwrap().collect().await.unwrap();
    batches.iter().flat_map(rows_of).map(|row| format!("{row:?}")).collect()
}

const EVENTS: &str = "SELECT id, customer, ingested_at, batch FROM events ORDER BY id";

#[tokio::test]
async fn another_machine_sees_what_one_has_written() {
    let shared = Shared::new();
    let (ana, ben) = (shared.machine("ana"), shared.machine("ben"));
    assert_eq!(ingest(&ana, 0, lines("a", &[1, 2], "x")).await.0.added, 2);
    assert_eq!(
        ingest(&ben, 1, lines("b", &[2, 3], "x")).await.0,
        Summary { read: 2, added: 1, duplicates: 1, bytes: 1, ..Summary::default() }
    );
    assert_eq!(rows(&ana, EVENTS).await, rows(&ben, EVENTS).await);
    assert_eq!(rows(&ben, "SELECT count(*) AS n FROM cases").await, rows(&ana, "SELECT 3 AS n").await);
}

/// The other machine adds one event of three, contradicts another one, and sets a line aside that this one has, too.
#[tokio::test]
async fn a_batch_that_another_machine_overtakes_becomes_the_batch_after_it() {
    let shared = Shared::new();
    let (ana, ben) = (shared.machine("ana"), shared.machine("ben"));
    ingest(&ana, 0, lines("first", &[0], "x")).await;
    let bad = MadeLine { json: b"{}".to_vec(), file: "bad".into(), line: 7, offset: 5 };
    let others: Vec<MadeLine> = [lines("b", &[1], "x"), lines("b", &[2], "other"), vec![bad.clone()]].concat();
    let meanwhile = {
        let ben = ben.clone();
        async move { drop(ingest(&ben, 5, others).await) }
    };
    shared.storage.meet("quarantine/_delta_log/", Fault::After(Box::pin(meanwhile)));
    let (summary, inputs) =
        ingest(&ana, 9, [lines("a", &[1, 2], "x"), lines("c", &[3], "x"), vec![bad]].concat()).await;
    let expected = Summary { read: 4, added: 1, duplicates: 1, conflicts: 1, quarantined: 2, bytes: 1 };
    assert_eq!(summary, expected);
    let added = |name: &str| inputs.added.get(name).copied();
    assert_eq!((added("a"), added("c")), (Some(0), Some(1)));
    let refused: Vec<_> = inputs.refused.iter().map(|line| (line.rule, &*line.file, line.line)).collect();
    assert!(refused.contains(&("conflict", "a", 2)) && refused.len() == 2, "{refused:?}");
    let found = rows(&ben, "SELECT id, customer, batch FROM events ORDER BY id").await;
    let wanted = "SELECT * FROM (VALUES ('0', 'x', 1), ('1', 'x', 2), ('2', 'other', 2), ('3', 'x', 3)) AS t(id, customer, batch)";
    assert_eq!(found, rows(&ben, wanted).await);
    // Each line was set aside once.
    let aside = rows(&ana, "SELECT file, line, rule FROM quarantine ORDER BY file").await;
    assert_eq!(aside.len(), 2, "{aside:?}");
    assert_eq!(ana.folder("events").list().await.unwrap().files.len(), 3, "files that lost are left");
}

/// An answer from which nothing follows about what was done.
#[tokio::test]
async fn a_commit_that_was_applied_though_its_answer_was_lost_counts_once() {
    let shared = Shared::new();
    let ana = shared.machine("ana");
    ingest(&ana, 0, lines("first", &[0], "x")).await;
    for (batch, path) in [(2, "events/_delta_log/"), (3, "facts/current.json")] {
        shared.storage.meet(path, Fault::AppliedAndFailed);
        shared.storage.meet(path, Fault::Failed);
        assert_eq!(ingest(&ana, 0, lines("a", &[batch], "x")).await.0.added, 1);
        assert_eq!(rows(&ana, "SELECT case_id FROM cases").await.len() as u64, batch);
        assert!(shared.storage.faults.lock().unwrap().is_empty());
    }
    let log = Log::open(&ana).await.unwrap();
    assert_eq!((log.last_batch().unwrap(), log.events.rows().unwrap()), (3, 3));
}

/// Where it cannot be asked what became of a write, the write has not lost to another machine.
#[tokio::test]
async fn a_write_whose_outcome_is_not_known_is_not_taken_for_one_that_was_overtaken() {
    let shared = Shared::new();
    let ana = shared.machine("ana");
    ana.write("a.json", b"1".to_vec(), WriteMode::Replace).await.unwrap();
    let seen = ana.see("a.json").await.unwrap();
    ana.write("a.json", b"2".to_vec(), WriteMode::Replace).await.unwrap();
    let lost = ana.replace("a.json", b"3".to_vec(), &seen).await.unwrap_err();
    assert_eq!(lost.to_string(), "another machine has written to s3://bucket/desk/a.json at the same time");
    shared.storage.is_away.store(true, Ordering::Relaxed);
    let error = ana.replace("a.json", b"3".to_vec(), &seen).await.unwrap_err();
    assert_eq!(error.to_string(), "s3://bucket/desk/a.json: it is not known whether the write was applied");
}

/// A file that was removed before it was uploaded must not be named by a commit. Copies beyond the limit (0 bytes here) are
/// removed on a machine that only writes, too.
#[tokio::test]
async fn what_is_published_is_in_the_bucket_and_old_copies_are_removed() {
    let shared = Shared::new();
    let events = shared.machine("ana").folder("events");
    events.create_folder().unwrap();
    let error = events.publish(["gone.parquet"]).await.unwrap_err().to_string();
    assert!(error.starts_with("s3://bucket/desk/events/gone.parquet: "), "{error}");
    let path = events.local_path("old.parquet");
    std::fs::write(&path, "old").unwrap();
    events.publish(["old.parquet"]).await.unwrap();
    assert!(path.exists() && shared.has("events/old.parquet").await);
    let long_ago = std::fs::metadata(&path).unwrap().modified().unwrap() - std::time::Duration::from_secs(7200);
    let times = std::fs::FileTimes::new().set_accessed(long_ago).set_modified(long_ago);
    std::fs::File::open(&path).unwrap().set_times(times).unwrap();
    std::fs::write(events.local_path("new.parquet"), "new").unwrap();
    events.publish(["new.parquet"]).await.unwrap();
    assert!(!path.exists() && events.local_path("new.parquet").exists());
    // It is in the bucket, though there is no copy.
    events.publish(["old.parquet"]).await.unwrap();
}

/// The machine that replays last has read all of the log, and the facts are never those of fewer events than before.
#[tokio::test]
async fn a_replay_that_another_machine_overtakes_starts_again() {
    let shared = Shared::new();
    let (ana, ben) = (shared.machine("ana"), shared.machine("ben"));
    ingest(&ana, 0, lines("first", &[0, 1], "x")).await;
    let meanwhile = {
        let ben = ben.clone();
        async move {
            ingest(&ben, 1, lines("b", &[2], "x")).await;
            let log = Log::open(&ben).await.unwrap();
            replay::refresh(&log, RESOURCES, ReplayScope::REFRESH).await.unwrap();
        }
    };
    shared.storage.meet("facts/current.json", Fault::After(Box::pin(meanwhile)));
    let log = Log::open(&ana).await.unwrap();
    let replayed = replay::refresh(&log, RESOURCES, ReplayScope::REFRESH).await.unwrap();
    assert_eq!((replayed.pointer.last_batch, replayed.pointer.cases), (2, 3));
    let pointer = Pointer::read(&manifest::home(&ben)).await.unwrap().unwrap();
    assert_eq!((pointer.last_batch, pointer.cases), (2, 3));
}

/// Repairs, merges and removals meet the other machine, too.
#[tokio::test]
async fn every_writer_tries_again_when_it_was_overtaken() {
    let shared = Shared::new();
    let (ana, ben) = (shared.machine("ana"), shared.machine("ben"));
    let bad = |line| MadeLine { json: b"{}".to_vec(), file: "bad".into(), line, offset: 0 };
    for n in 0..4 {
        ingest(&ana, 0, [lines("a", &[n], "x"), vec![bad(n)]].concat()).await;
    }
    let other = |n: u64| -> BoxFuture<'static, ()> {
        let ben = ben.clone();
        let lines = [lines("b", &[n], "x"), vec![bad(n)]].concat();
        Box::pin(async move { drop(ingest(&ben, 0, lines).await) })
    };
    let mut log = Log::open(&ana).await.unwrap();
    shared.storage.meet("quarantine/_delta_log/", Fault::After(other(10)));
    assert_eq!(log.remove_quarantined(&Filter::default()).await.unwrap(), (5, 0));
    shared.storage.meet("events/_delta_log/", Fault::After(other(11)));
    let merged =
        compact(&mut log, RESOURCES, MergeOptions { scope: MergeScope::All, file_events: 1000 }).await.unwrap();
    // The merge is committed as it is; what came meanwhile is not merged again.
    assert_eq!((merged.merges, merged.files_before, merged.rows), (1, 5, 5));
    assert_eq!(rows(&ben, "SELECT id FROM events").await.len(), 6);
    assert_eq!(rows(&ben, "SELECT line FROM quarantine").await, rows(&ana, "SELECT 11 AS line").await);
}

/// What a killed writer wrote but did not upload is removed; what was uploaded a moment ago may still be committed.
#[tokio::test]
async fn vacuum_leaves_what_another_machine_may_commit() {
    let shared = Shared::new();
    let ana = shared.machine("ana");
    ingest(&ana, 0, lines("a", &[0], "x")).await;
    let mut log = Log::open(&ana).await.unwrap();
    let present = log.events.files().unwrap();
    let [path] = present.as_slice() else { panic!("{present:?}") };
    let (killed, uploaded) = (path.with_file_name("killed.parquet"), path.with_file_name("uploaded.parquet"));
    for copy in [&killed, &uploaded] {
        std::fs::write(copy, std::fs::read(path).unwrap()).unwrap();
    }
    ana.folder("events").publish(["uploaded.parquet"]).await.unwrap();
    let now = ana.folder("events").list().await.unwrap().files[0].written_at;
    let hour_ago = Instant(now.0 - 3_600_000);
    let names = |files: Vec<casebook::store::vacuum::RemovableFile>| {
        files.into_iter().map(|file| file.name).collect::<Vec<_>>()
    };
    assert_eq!(names(vacuum::remove(&ana, hour_ago).await.unwrap()), ["events/killed.parquet"]);
    assert!(!killed.exists() && shared.has("events/uploaded.parquet").await);
    let later = Instant(now.0 + 3_600_000);
    assert_eq!(names(vacuum::remove(&ana, later).await.unwrap()), ["events/uploaded.parquet"]);
    assert!(!shared.has("events/uploaded.parquet").await && !uploaded.exists());
    log = log.reopen().await.unwrap();
    assert_eq!(log.events.rows().unwrap(), 1);
}

/// A copy is downloaded again where it is missing; the limit of copies (0 bytes here) removes none that is in use.
#[tokio::test]
async fn copies_are_downloaded_when_they_are_read() {
    let shared = Shared::new();
    let (ana, ben) = (shared.machine("ana"), shared.machine("ben"));
    ingest(&ana, 0, lines("a", &[0, 1], "x")).await;
    let copies = |machine: &str| data_files(&shared.folder.path().join(machine));
    assert_eq!(copies("ben"), Vec::<PathBuf>::new());
    assert_eq!(rows(&ben, "SELECT id FROM events").await.len(), 2);
    let read = copies("ben");
    assert!(read.iter().any(|path| path.to_string_lossy().contains("events")), "{read:?}");
    read.iter().for_each(|path| std::fs::remove_file(path).unwrap());
    assert_eq!(rows(&ben, "SELECT id FROM events").await.len(), 2);
    // Without its object a file is missing, and the error names it.
    let log = Log::open(&ana).await.unwrap();
    let path = log.events.files().unwrap().remove(0);
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    ana.folder("events").remove(&name).await.unwrap();
    let error = log.events.fetch().await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("s3://bucket/desk/events/{name}: ")), "{error}");
}

fn data_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(data_files(&path)),
            false if path.extension().is_some_and(|extension| extension == "parquet") => found.push(path),
            false => {}
        }
    }
    found
}
