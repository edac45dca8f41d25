//! The event log: what was accepted, each event once, and what was set aside.
//!
//! An ingestion is one batch: its lines are read in blocks, checked on every core and staged as Parquet files
//! ([`stage`]), compared with each other and with the log ([`identity`]), and become visible all at once with one commit
//! ([`crate::store::table`]). Lines that break a rule go to the [`quarantine`]. Memory stays the same whatever the size of the input.

pub mod compact;
pub mod identity;
pub mod inspect;
pub mod lookup;
pub mod quarantine;
pub mod retry;
pub mod rows;
pub mod stage;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMillisecondType};

use crate::error::{Error, Result};
use crate::input::piece::Quarantined;
use crate::input::piece::Take;
use crate::log::identity::{Conflict, Verdict};
use crate::log::lookup::Lookup;
use crate::log::quarantine::QuarantineWriter;
use crate::log::rows::{Arrival, LOG_SCHEMA};
use crate::log::stage::{Staged, StagedFile, Staging};
use crate::model::time::Instant;
use crate::store::lock::{WriterLock, blocking};
use crate::store::parquet::FileWriter;
use crate::store::table::{Mode, NewFile, Table};
use crate::store::{disk, parquet, vacuum};

/// The log of one store, at one version.
#[derive(Clone, Debug)]
pub struct Log {
    store: PathBuf,
    pub events: Table,
    pub quarantine: Table,
}

/// How an ingestion works.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Read when the batch has the log to itself, so that batches arrive in the order in which they are committed.
    pub now: Clock,
    pub threads: usize,
    /// Bytes of memory for comparing identities.
    pub memory_bytes: usize,
}

/// A clock. Only the command line may read the one on the wall.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    Wall(fn() -> Instant),
    Stopped(Instant),
}

impl Clock {
    fn read(self) -> Instant {
        match self {
            Clock::Wall(read) => read(),
            Clock::Stopped(at) => at,
        }
    }
}

impl From<Instant> for Clock {
    fn from(at: Instant) -> Clock {
        Clock::Stopped(at)
    }
}

/// What an ingestion did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Lines that were not blank.
    pub read: u64,
    pub added: u64,
    pub duplicates: u64,
    pub conflicts: u64,
    /// Lines set aside, conflicts included.
    pub quarantined: u64,
    /// Bytes of input, unpacked.
    pub bytes: u64,
}

impl Log {
    /// Opens the log of a store, creating an empty one where there is none.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn open(store: &Path) -> Result<Log> {
        let store = std::path::absolute(store).map_err(Error::file(store))?;
        disk::make_folders(&store).map_err(Error::file(&store))?;
        // Two who come first must not both create.
        let _lock = match Table::exists(&store.join("events")) && Table::exists(&store.join("quarantine")) {
            true => None,
            false => Some(WriterLock::take(&store, "log").await?),
        };
        let events = Table::open_or_create(&store.join("events"), "events", LOG_SCHEMA.clone()).await?;
        let quarantine = quarantine::open(&store).await?;
        Ok(Log { store, events, quarantine })
    }

    /// The folder of the store.
    #[must_use]
    pub fn store(&self) -> &Path {
        &self.store
    }

    /// The number of the newest batch in the log; facts stand for one such number. Merging files does not change it.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub fn last_batch(&self) -> Result<i64> {
        self.events.last_batch()
    }

    /// Appends the events that `feed` hands over, as one batch: all of its good events become visible together.
    /// Never changes an event that is there.
    ///
    /// # Errors
    /// When the input cannot be read or the store cannot be written; then nothing has been added.
    pub async fn ingest(
        &mut self,
        options: Options,
        feed: impl FnOnce(&mut Take<'_>) -> Result<u64> + Send + 'static,
    ) -> Result<Summary> {
        let _lock = WriterLock::take(&self.store, "log").await?;
        // Somebody else may have written while we waited.
        let mut log = Log::open(&self.store).await?;
        let batch = log.last_batch()?.saturating_add(1);
        let arrival = Arrival { ingested_at: options.now.read(), batch };
        let (events, quarantine) = (log.events.clone(), log.quarantine.clone());
        let store = self.store.clone();
        let prepared = blocking(move || {
            let before = vacuum::data_files(events.folder());
            prepare(&store, &events, &quarantine, arrival, options, feed).inspect_err(|_| {
                // On a full disk their room is needed. Nobody else makes files while we hold the lock.
                let files = vacuum::data_files(events.folder()).into_iter().filter(|file| !before.contains(file));
                files.for_each(|file| drop(disk::remove(&file)));
            })
        })
        .await?;
        if let Err(error) = log.commit(prepared.quarantine, &prepared.files, &prepared.summary, arrival).await {
            remove_unnamed(&self.store, &prepared.files).await;
            return Err(error);
        }
        *self = log;
        Ok(prepared.summary)
    }

    async fn commit(
        &mut self,
        quarantine: QuarantineWriter,
        files: &[NewFile],
        summary: &Summary,
        arrival: Arrival,
    ) -> Result<()> {
        // Set-aside lines first: a crash in between repeats them harmlessly, and never loses one.
        if let Some(file) = quarantine.finish()? {
            self.quarantine.commit(&[file], Mode::Append, vec![("batch", arrival.batch.into())]).await?;
        }
        if files.is_empty() {
            return Ok(());
        }
        let about = vec![
            ("batch", arrival.batch.into()),
            ("ingested_at", arrival.ingested_at.to_string().into()),
            ("read", summary.read.into()),
            ("added", summary.added.into()),
        ];
        self.events.commit(files, Mode::Append, about).await
    }
}

/// Removes files that a failed commit was to name, on a full disk for their room. Where the commit came into sight before it
/// failed, they stay, and where that cannot be told, too.
async fn remove_unnamed(store: &Path, files: &[NewFile]) {
    let Ok(log) = Log::open(store).await else { return };
    let Ok(named) = log.events.files() else { return };
    let paths = files.iter().map(|file| log.events.folder().join(&file.name));
    paths.filter(|path| !named.contains(path)).for_each(|path| drop(disk::remove(&path)));
}

/// Everything that is written but not yet visible.
struct Prepared {
    files: Vec<NewFile>,
    quarantine: QuarantineWriter,
    summary: Summary,
}

fn prepare(
    store: &Path,
    events: &Table,
    quarantine: &Table,
    arrival: Arrival,
    options: Options,
    feed: impl FnOnce(&mut Take<'_>) -> Result<u64>,
) -> Result<Prepared> {
    let scratch = tempfile::tempdir_in(store).map_err(Error::file(store))?;
    let quarantine = Mutex::new(QuarantineWriter::open(quarantine, arrival)?);
    let threads = options.threads.max(1);
    let log = Lookup::new(events.files()?, threads);
    let staging = Staging {
        folder: events.folder(),
        log: &log,
        scratch: scratch.path(),
        arrival,
        threads,
        batch_bytes: (options.memory_bytes / threads / 2).clamp(4 << 20, 64 << 20),
        entries_left: AtomicUsize::new(options.memory_bytes / 4 / size_of::<identity::Entry>()),
        quarantine: &quarantine,
    };
    let staged = staging.run(feed)?;
    let mut quarantine = quarantine.into_inner().map_err(|_| Error::Worker("a worker panicked".to_owned()))?;
    let verdict = identity::settle(&staged.files, &log, options.memory_bytes)?;
    let files = keep_new(events, &staged, &verdict, &mut quarantine)?;
    let summary = Summary {
        read: staged.lines,
        added: files.iter().map(|file| file.rows).sum(),
        duplicates: staged.duplicates + verdict.duplicates,
        conflicts: verdict.conflicts.len() as u64,
        quarantined: quarantine.lines(),
        bytes: staged.bytes,
    };
    Ok(Prepared { files, quarantine, summary })
}

/// The staged files without the events that are not new; a file that holds only new ones stays as it is.
fn keep_new(
    events: &Table,
    staged: &Staged,
    verdict: &Verdict,
    quarantine: &mut QuarantineWriter,
) -> Result<Vec<NewFile>> {
    let mut conflicts: HashMap<usize, HashMap<u32, &Conflict>> = HashMap::new();
    for conflict in &verdict.conflicts {
        conflicts.entry(conflict.staged).or_default().insert(conflict.row, conflict);
    }
    let mut files = Vec::new();
    for (position, (staged, dropped)) in staged.files.iter().zip(&verdict.dropped).enumerate() {
        if dropped.is_empty() {
            files.push(staged.file.clone());
            continue;
        }
        let conflicts = conflicts.remove(&position).unwrap_or_default();
        files.extend(rewrite(events, staged, dropped, &conflicts, quarantine)?);
    }
    Ok(files)
}

/// Writes a staged file anew without the dropped rows and removes it; nothing if no row is left.
fn rewrite(
    events: &Table,
    staged: &StagedFile,
    dropped: &[u32],
    conflicts: &HashMap<u32, &Conflict>,
    quarantine: &mut QuarantineWriter,
) -> Result<Option<NewFile>> {
    let path = events.folder().join(&staged.file.name);
    let rows_left = staged.file.rows.saturating_sub(dropped.len() as u64);
    let mut writer = match rows_left {
        0 => None,
        _ => Some(FileWriter::create(events.folder(), "events", &LOG_SCHEMA)?),
    };
    let mut first_row = 0_u32;
    for batch in parquet::read_whole_file(&path)? {
        let batch = batch?;
        let row_of = |offset: usize| first_row.saturating_add(u32::try_from(offset).unwrap_or(u32::MAX));
        let keep: BooleanArray =
            (0..batch.num_rows()).map(|offset| Some(dropped.binary_search(&row_of(offset)).is_err())).collect();
        if let Some(writer) = &mut writer {
            let kept = arrow::compute::filter_record_batch(&batch, &keep)?;
            writer.write(&parquet::with_schema(&kept, &LOG_SCHEMA)?)?;
        }
        let lines: Vec<Quarantined> = (0..batch.num_rows())
            .filter_map(|offset| Some(conflict_line(conflicts.get(&row_of(offset))?, &batch, offset)))
            .collect();
        quarantine.add(&lines)?;
        first_row = row_of(batch.num_rows());
    }
    disk::remove(&path).map_err(Error::file(&path))?;
    writer.map(FileWriter::finish).transpose()
}

/// A conflicting event as a line again: the same values, though perhaps not the same spelling.
fn conflict_line(conflict: &Conflict, batch: &RecordBatch, row: usize) -> Quarantined {
    let text = |name: &str| batch.column_by_name(name).map_or("", |column| column.as_string_view().value(row));
    let time =
        batch.column_by_name("time").map_or(0, |times| times.as_primitive::<TimestampMillisecondType>().value(row));
    let sequence = batch.column_by_name("sequence").map_or(0, |column| column.as_primitive::<Int64Type>().value(row));
    let data: Option<&serde_json::value::RawValue> = serde_json::from_str(text("data")).ok();
    let line = serde_json::json!({
        "specversion": "1.0", "id": text("id"), "source": text("source"), "type": text("type"),
        "subject": text("subject"), "time": Instant(time).to_string(), "sequence": sequence, "data": data,
    });
    let place = if conflict.logged { "the log" } else { "this input" };
    let detail =
        format!("`{}` of source `{}` is in {place} with other content; the first stays", text("id"), text("source"));
    Quarantined {
        file: Arc::clone(&conflict.file),
        line: conflict.line,
        offset: conflict.offset,
        rule: "conflict",
        detail,
        bytes: line.to_string().into_bytes(),
    }
}
