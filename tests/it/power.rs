//! Power cuts: after each durable operation, a store with the least and with the most that the disk may then hold can be
//! opened and has everything that was acknowledged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use casebook::facts::manifest;
use casebook::facts::manifest::Pointer;
use casebook::facts::vacuum;
use casebook::input::piece::{MadeLine, Piece};
use casebook::log::compact::{self, MergeOptions, MergeScope};
use casebook::log::{Log, Options, inspect};
use casebook::model::time::Instant;
use casebook::query::database::Database;
use casebook::replay::{self, ReplayScope};
use casebook::store::Store;
use casebook::store::disk;
use casebook::store::disk::DiskOperation;
use casebook::store::engine::{self, Resources};

use crate::project::Project;

const RESOURCES: Resources = Resources { memory_bytes: 64 << 20, threads: 2 };

/// An operation on the disk, with the content of each file that was flushed.
#[derive(Clone, Debug)]
enum Step {
    FolderCreated(PathBuf),
    FolderFlushed(PathBuf),
    FileCreated(PathBuf),
    FileFlushed(PathBuf, Arc<Vec<u8>>),
    Linked(PathBuf, PathBuf),
    Renamed(PathBuf, PathBuf),
    Removed(PathBuf),
    /// That many events have been acknowledged, and perhaps the facts have been written.
    Acknowledged {
        events: u64,
        facts: bool,
    },
}

impl Step {
    /// The same step in another folder.
    fn moved(&self, from: &Path, to: &Path) -> Step {
        let moved = |path: &PathBuf| to.join(path.strip_prefix(from).unwrap());
        match self {
            Step::FolderCreated(path) => Step::FolderCreated(moved(path)),
            Step::FolderFlushed(path) => Step::FolderFlushed(moved(path)),
            Step::FileCreated(path) => Step::FileCreated(moved(path)),
            Step::FileFlushed(path, content) => Step::FileFlushed(moved(path), content.clone()),
            Step::Linked(from, to) => Step::Linked(moved(from), moved(to)),
            Step::Renamed(from, to) => Step::Renamed(moved(from), moved(to)),
            Step::Removed(path) => Step::Removed(moved(path)),
            Step::Acknowledged { .. } => self.clone(),
        }
    }
}

#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Step>>>);

impl Recorder {
    fn watch(root: &Path) -> Recorder {
        let recorder = Recorder::default();
        let steps = recorder.0.clone();
        disk::watch(root, Arc::new(move |operation| steps.lock().unwrap().push(Recorder::step(operation))));
        recorder
    }

    fn step(operation: DiskOperation<'_>) -> Step {
        match operation {
            DiskOperation::FolderCreated(path) => Step::FolderCreated(path.into()),
            DiskOperation::FolderFlushed(path) => Step::FolderFlushed(path.into()),
            DiskOperation::FileCreated(path) => Step::FileCreated(path.into()),
            DiskOperation::FileFlushed(path) => Step::FileFlushed(path.into(), Arc::new(std::fs::read(path).unwrap())),
            DiskOperation::Linked { from, to } => Step::Linked(from.into(), to.into()),
            DiskOperation::Renamed { from, to } => Step::Renamed(from.into(), to.into()),
            DiskOperation::Removed(path) => Step::Removed(path.into()),
        }
    }

    fn acknowledge(&self, events: u64, facts: bool) {
        self.0.lock().unwrap().push(Step::Acknowledged { events, facts });
    }

    fn steps(&self) -> Vec<Step> {
        self.0.lock().unwrap().clone()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    File(usize),
    Folder,
}

#[derive(Clone, Debug, Default)]
struct Folder {
    now: BTreeMap<PathBuf, Node>,
    durable: BTreeMap<PathBuf, Node>,
}

/// What a power cut leaves.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// Only what was flushed.
    Worst,
    /// Every name, but only the content that was flushed.
    Names,
    /// Everything, as if the disk had written it before the flush.
    Best,
}

/// A disk that remembers what was flushed.
#[derive(Clone, Debug, Default)]
struct Disk {
    folders: BTreeMap<PathBuf, Folder>,
    files: Vec<Option<Arc<Vec<u8>>>>,
}

impl Disk {
    fn new(root: &Path) -> Disk {
        Disk { folders: [(root.to_owned(), Folder::default())].into(), files: Vec::new() }
    }

    fn names(&mut self, path: &Path) -> &mut BTreeMap<PathBuf, Node> {
        let folder = path.parent().unwrap();
        &mut self.folders.get_mut(folder).unwrap_or_else(|| panic!("no folder {}", folder.display())).now
    }

    fn file(&mut self, path: &Path) -> usize {
        match self.names(path).get(path) {
            Some(Node::File(file)) => *file,
            other => panic!("{} is {other:?}", path.display()),
        }
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::FolderCreated(path) => {
                self.names(path).insert(path.clone(), Node::Folder);
                self.folders.entry(path.clone()).or_default();
            }
            Step::FolderFlushed(path) => {
                if let Some(folder) = self.folders.get_mut(path) {
                    folder.durable = folder.now.clone();
                }
            }
            Step::FileCreated(path) => {
                let file = Node::File(self.files.len());
                self.files.push(None);
                self.names(path).insert(path.clone(), file);
            }
            Step::FileFlushed(path, content) => {
                let file = self.file(path);
                self.files[file] = Some(content.clone());
            }
            Step::Linked(from, to) | Step::Renamed(from, to) => {
                let file = self.file(from);
                self.names(to).insert(to.clone(), Node::File(file));
                if matches!(step, Step::Renamed(..)) {
                    self.names(from).remove(from);
                }
            }
            Step::Removed(path) => {
                self.names(path).remove(path);
            }
            Step::Acknowledged { .. } => {}
        }
    }

    /// Writes what a cut leaves into another folder. `last` is the disk after all steps, which has every content.
    fn write(&self, root: &Path, cut: Cut, last: &Disk, to: &Path) {
        let Some(folder) = self.folders.get(root) else { return };
        std::fs::create_dir_all(to).unwrap();
        let names = if matches!(cut, Cut::Worst) { &folder.durable } else { &folder.now };
        for (path, node) in names {
            let target = to.join(path.file_name().unwrap());
            match node {
                Node::Folder => self.write(path, cut, last, &target),
                Node::File(file) => {
                    let known = if matches!(cut, Cut::Best) { &last.files } else { &self.files };
                    let content = known[*file].as_ref().map_or(&[][..], |content| content.as_slice());
                    std::fs::write(&target, content).unwrap();
                }
            }
        }
    }
}

fn line(n: u64, subject: u64) -> MadeLine {
    let json = format!(
        r#"{{"id":"{n}","source":"s","type":"case.created","subject":"C{subject}","time":"2026-01-01T00:00:00Z","data":{{"customer":"c"}}}}"#
    );
    MadeLine { json: json.into_bytes(), file: Arc::from("made"), line: n, offset: 0 }
}

/// Appends events with those numbers, a broken line, and an event that the log has.
async fn ingest(store: &Path, numbers: std::ops::Range<u64>) {
    let mut log = Log::open(&Store::open(store).unwrap()).await.unwrap();
    let options = Options { now: Instant(0).into(), threads: 2, memory_bytes: 64 << 20 };
    let mut lines: Vec<MadeLine> = numbers.map(|n| line(n, n)).collect();
    lines.push(line(0, 0));
    lines.push(MadeLine { json: b"broken".to_vec(), file: Arc::from("made"), line: lines.len() as u64, offset: 0 });
    log.ingest(options, move |take| take(Piece::Lines { number: 0, lines }).map(|()| 1)).await.unwrap();
}

/// The numbers of the events in a log.
async fn events(log: &Log) -> Vec<u64> {
    let context = engine::session(RESOURCES).unwrap();
    context.register_table("log", log.events.provider().unwrap()).unwrap();
    let batches = context.sql("SELECT id FROM log").await.unwrap().collect().await.unwrap();
    let ids = batches.iter().flat_map(|batch| {
        let ids: &arrow::array::StringViewArray = arrow::array::AsArray::as_string_view(batch.column(0));
        ids.iter().map(|id| id.unwrap().parse().unwrap()).collect::<Vec<u64>>()
    });
    let mut ids: Vec<u64> = ids.collect();
    ids.sort_unstable();
    ids
}

/// Events of a batch. A batch is in the log whole or not at all.
const BATCH: u64 = 5;

/// Builds the store that a cut leaves after each of those steps, and checks it.
async fn survive(root: &Path, steps: &[Step], after: impl Fn(usize, &Step) -> bool) {
    let last = steps.iter().fold(Disk::new(root), |mut disk, step| {
        disk.apply(step);
        disk
    });
    let mut disk = Disk::new(root);
    let (mut acknowledged, mut facts) = (0, false);
    for (number, step) in steps.iter().enumerate() {
        disk.apply(step);
        if let Step::Acknowledged { events, facts: made } = step {
            (acknowledged, facts) = (*events, *made);
        }
        for cut in [Cut::Worst, Cut::Names, Cut::Best].into_iter().filter(|_| after(number, step)) {
            let folder = tempfile::tempdir().unwrap();
            disk.write(root, cut, &last, folder.path());
            let place = format!("after step {number} of {} ({step:.200?}), {cut:?}", steps.len());
            check(&folder.path().join("store"), acknowledged, facts, &place).await;
        }
    }
}

async fn check(store: &Path, acknowledged: u64, facts: bool, place: &str) {
    let log = Log::open(&Store::open(store).unwrap()).await.unwrap_or_else(|error| panic!("{place}: {error}"));
    let found = events(&log).await;
    let expected: Vec<u64> = (0..found.len() as u64).collect();
    assert_eq!(found, expected, "{place}: none twice, none missing between");
    assert!(found.len() as u64 >= acknowledged, "{place}: {} of {acknowledged} acknowledged", found.len());
    assert_eq!(found.len() as u64 % BATCH, 0, "{place}: half a batch");
    let mut problems = inspect::files(log.store(), &log.events.entries().unwrap(), 1).unwrap();
    problems.extend(inspect::events(&log, 1, 1 << 20).unwrap());
    let home = manifest::home(log.store());
    let pointer = Pointer::read(&home).await.unwrap_or_else(|error| panic!("{place}: {error}"));
    for files in pointer.iter().flat_map(|pointer| pointer.files(&home).into_values()) {
        problems.extend(inspect::files(log.store(), &files, 1).unwrap());
    }
    assert_eq!(problems, [], "{place}");
    assert!(pointer.is_some() || !facts, "{place}: the facts are gone");
    if let Some(pointer) = pointer {
        let opened = Database::present(&log, RESOURCES).await;
        let context = opened.unwrap_or_else(|error| panic!("{place}: {error}")).session();
        let rows = context.sql("SELECT * FROM cases").await.unwrap().count().await.unwrap();
        assert_eq!(rows as u64, pointer.cases, "{place}: the facts are half there");
    }
}

#[tokio::test]
async fn a_power_cut_after_any_operation_leaves_every_acknowledged_batch_whole() {
    let project = Project::new();
    let root = std::fs::canonicalize(project.path(".")).unwrap();
    let recorder = Recorder::watch(&root);
    let store = root.join("store");
    for batch in 0..3 {
        ingest(&store, batch * BATCH..(batch + 1) * BATCH).await;
        recorder.acknowledge((batch + 1) * BATCH, false);
    }
    let steps = recorder.steps();
    assert!(steps.len() > 30, "{steps:?}");
    survive(&root, &steps, |_, _| true).await;
}

/// A writer is killed after any operation, and the next writer sees what was not flushed. It reports that the same events
/// are in the log, and they stay there even if the power is cut then.
#[tokio::test]
async fn a_power_cut_loses_nothing_that_was_acknowledged_after_a_killed_writer() {
    let project = Project::new();
    let root = std::fs::canonicalize(project.path(".")).unwrap();
    let recorder = Recorder::watch(&root);
    ingest(&root.join("store"), 0..BATCH).await;
    let begun = recorder.steps().len();
    ingest(&root.join("store"), BATCH..2 * BATCH).await;
    let steps = recorder.steps();
    let after = |steps: &[Step], mut disk: Disk| {
        steps.iter().for_each(|step| disk.apply(step));
        disk
    };
    let last = after(&steps, Disk::new(&root));
    for killed in begun..=steps.len() {
        let folder = tempfile::tempdir().unwrap();
        let other = std::fs::canonicalize(folder.path()).unwrap();
        let before = &steps[..killed];
        after(before, Disk::new(&root)).write(&root, Cut::Best, &last, &other);
        let recorder = Recorder::watch(&other);
        ingest(&other.join("store"), BATCH..2 * BATCH).await;
        let before: Vec<Step> = before.iter().map(|step| step.moved(&root, &other)).collect();
        let disk = after(&recorder.steps(), after(&before, Disk::new(&other)));
        for cut in [Cut::Worst, Cut::Names] {
            let left = tempfile::tempdir().unwrap();
            disk.write(&other, cut, &disk, left.path());
            let place = format!("killed after operation {killed} of {}, {cut:?}", steps.len());
            check(&left.path().join("store"), 2 * BATCH, false, &place).await;
        }
    }
}

/// A replay has very many operations; the store is checked after some of them, and after those that switch the facts.
#[tokio::test]
async fn a_power_cut_in_a_replay_leaves_the_old_facts_or_the_new_ones() {
    let project = Project::new();
    let root = std::fs::canonicalize(project.path(".")).unwrap();
    let recorder = Recorder::watch(&root);
    let store = root.join("store");
    for batch in 0..2 {
        ingest(&store, batch * BATCH..(batch + 1) * BATCH).await;
        recorder.acknowledge((batch + 1) * BATCH, batch > 0);
        let log = Log::open(&Store::open(&store).unwrap()).await.unwrap();
        replay::refresh(&log, RESOURCES, ReplayScope::REFRESH).await.unwrap();
        recorder.acknowledge((batch + 1) * BATCH, true);
    }
    let steps = recorder.steps();
    let pointer = store.join("facts/current.json");
    let is_pointer = |step: &Step| matches!(step, Step::Renamed(_, to) if *to == pointer);
    let after = |number: usize, step: &Step| {
        number.is_multiple_of(16) || is_pointer(step) || matches!(step, Step::Acknowledged { .. })
    };
    survive(&root, &steps, after).await;
}

/// Merging removes files from the log, and vacuum removes them from the disk: never before the files that replace them are
/// durable.
#[tokio::test]
async fn a_power_cut_while_merging_and_tidying_loses_nothing() {
    let project = Project::new();
    let root = std::fs::canonicalize(project.path(".")).unwrap();
    let recorder = Recorder::watch(&root);
    let store = root.join("store");
    for batch in 0..10 {
        ingest(&store, batch * BATCH..(batch + 1) * BATCH).await;
    }
    recorder.acknowledge(10 * BATCH, false);
    let begun = recorder.steps().len();
    for scope in [MergeScope::Quick, MergeScope::All] {
        let mut log = Log::open(&Store::open(&store).unwrap()).await.unwrap();
        let merged = compact::compact(&mut log, RESOURCES, MergeOptions::of(scope)).await.unwrap();
        assert_eq!(merged.merges, 1);
        let gone = vacuum::remove(log.store(), Instant(i64::MAX)).await.unwrap();
        assert!(!gone.is_empty(), "nothing was removed");
    }
    ingest(&store, 10 * BATCH..11 * BATCH).await;
    recorder.acknowledge(11 * BATCH, false);
    let steps = recorder.steps();
    survive(&root, &steps, |number, _| number >= begun).await;
}

/// When a batch is acknowledged, it is durable: every name was flushed after the content that it names.
#[tokio::test]
async fn content_is_on_disk_before_its_name_and_the_name_before_the_acknowledgement() {
    let project = Project::new();
    let root = std::fs::canonicalize(project.path(".")).unwrap();
    let recorder = Recorder::watch(&root);
    let store = root.join("store");
    ingest(&store, 0..BATCH).await;
    replay::refresh(&Log::open(&Store::open(&store).unwrap()).await.unwrap(), RESOURCES, ReplayScope::REFRESH)
        .await
        .unwrap();
    let mut disk = Disk::new(&root);
    let steps = recorder.steps();
    for (number, step) in steps.iter().enumerate() {
        if let Step::Linked(from, _) | Step::Renamed(from, _) = step {
            let file = disk.file(from);
            assert!(disk.files[file].is_some(), "step {number} names what is not on disk: {step:?}");
        }
        disk.apply(step);
    }
    for (path, folder) in &disk.folders {
        assert_eq!(folder.now, folder.durable, "entries of {} were not flushed", path.display());
    }
    let commits = steps
        .iter()
        .filter(|step| matches!(step, Step::Linked(_, to) if to.starts_with(store.join("events/_delta_log"))));
    assert_eq!(commits.count(), 2, "the making of the table and the batch");
}

/// Older versions could leave the torn commit of a batch that was never acknowledged.
#[tokio::test]
async fn a_torn_newest_commit_is_ignored_and_its_number_used_again() {
    for keep in [0.0, 0.5, 1.0] {
        let project = Project::new();
        let store = std::path::absolute(project.path("store")).unwrap();
        for batch in 0..3 {
            ingest(&store, batch * BATCH..(batch + 1) * BATCH).await;
        }
        let commit = store.join("events/_delta_log/00000000000000000003.json");
        let whole = std::fs::read(&commit).unwrap();
        let cut = if keep == 1.0 {
            // Cut at the end of a line: the rest is JSON, but does not have all rows of the batch.
            whole.iter().rposition(|byte| *byte == b'\n').unwrap()
        } else {
            (whole.len() as f64 * keep) as usize
        };
        std::fs::write(&commit, &whole[..cut]).unwrap();
        let log = Log::open(&Store::open(&store).unwrap()).await.unwrap();
        assert_eq!(events(&log).await, (0..2 * BATCH).collect::<Vec<_>>());
        ingest(&store, 2 * BATCH..3 * BATCH).await;
        assert_eq!(
            events(&Log::open(&Store::open(&store).unwrap()).await.unwrap()).await,
            (0..3 * BATCH).collect::<Vec<_>>()
        );
    }
}
