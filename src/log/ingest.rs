//! Appending a batch of events to the log.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

use arrow::array::BooleanArray;

use crate::error::{Error, Result};
use crate::input::piece::{Quarantined, Take};
use crate::log::event_log::Log;
use crate::log::identity;
use crate::log::identity::{Comparison, Conflict};
use crate::log::lookup::Lookup;
use crate::log::overtaken;
use crate::log::prepared::{InputsSummary, Prepared, Reported, Summary, conflict_line};
use crate::log::quarantine::{self, QuarantineWriter};
use crate::log::rows::{Arrival, EVENT_FILES, LOG_SCHEMA};
use crate::log::stage::{Staged, Staging};
use crate::log::staged::{Entry, StagedFile};
use crate::model::time::Instant;
use crate::store::cores::{blocking, into_inner};
use crate::store::data_file::NewFile;
use crate::store::disk;
use crate::store::lock::WriterLock;
use crate::store::objects::Store;
use crate::store::parquet;
use crate::store::parquet::FileWriter;
use crate::store::repeat::Attempts;
use crate::store::scratch::ScratchFolder;
use crate::store::table::{CommitMode, Table};

/// How an ingestion works.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Read when the ingestion has the lock of the log, so that batches arrive in the order in which they are committed.
    pub now: Clock,
    pub threads: usize,
    /// Bytes of memory for comparing identities.
    pub memory_bytes: usize,
}

/// A clock. Only the command line may read the real one.
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

impl Log {
    /// Appends the events of the pieces that `read_input` passes on, as one batch: all of its good events become visible
    /// together. Never changes an event that is in the log.
    ///
    /// # Errors
    /// When the input cannot be read or the store cannot be written; then nothing has been added.
    pub async fn ingest(
        &mut self,
        options: Options,
        read_input: impl FnOnce(&mut Take<'_>) -> Result<u64> + Send + 'static,
    ) -> Result<Summary> {
        Ok(self.ingest_and_report(options, Reported::Sums, read_input).await?.0)
    }

    /// As [`Log::ingest`], and reports what became of each input. What it reports is in memory, so this is for inputs that are.
    ///
    /// # Errors
    /// As [`Log::ingest`].
    pub async fn ingest_by_input(
        &mut self,
        options: Options,
        read_input: impl FnOnce(&mut Take<'_>) -> Result<u64> + Send + 'static,
    ) -> Result<(Summary, InputsSummary)> {
        self.ingest_and_report(options, Reported::EachInput, read_input).await
    }

    async fn ingest_and_report(
        &mut self,
        options: Options,
        reported: Reported,
        read_input: impl FnOnce(&mut Take<'_>) -> Result<u64> + Send + 'static,
    ) -> Result<(Summary, InputsSummary)> {
        let _lock = WriterLock::take(self.store(), "log").await?;
        // Another writer may have committed while this one waited.
        let mut log = self.reopen().await?;
        let arrival = log.next_arrival(options)?;
        log.fetch().await?;
        let before = log.events.folder().written_files();
        let (events, quarantine, store) = (log.events.clone(), log.quarantine.clone(), log.store().clone());
        let prepared =
            blocking(move || prepare(&store, &events, &quarantine, arrival, (options, reported), read_input)).await;
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                // A full disk needs their space. No other writer creates files while this one holds the lock.
                log.events.discard_data_files(|name| !before.iter().any(|file| file == name));
                return Err(error);
            }
        };
        let prepared = log.commit_prepared(prepared, arrival, options).await?;
        *self = log;
        Ok((prepared.summary, prepared.inputs))
    }

    /// The arrival of the next batch.
    fn next_arrival(&self, options: Options) -> Result<Arrival> {
        Ok(Arrival { ingested_at: options.now.read(), batch: self.last_batch()?.saturating_add(1) })
    }

    /// Makes sure that all files can be read on the local disk.
    async fn fetch(&self) -> Result<()> {
        self.events.fetch().await?;
        self.quarantine.fetch().await
    }

    /// Commits what was prepared. Where another machine has added a batch meanwhile, what was prepared becomes the batch after
    /// it, without the events that the other machine has added.
    async fn commit_prepared(
        &mut self,
        mut prepared: Prepared,
        mut arrival: Arrival,
        options: Options,
    ) -> Result<Prepared> {
        let mut attempts = Attempts::default();
        loop {
            let Err(error) = self.commit(&mut prepared, arrival).await else { return Ok(prepared) };
            let is_tried_again = attempts.again_after(&error);
            let files = prepared.files.clone();
            if is_tried_again {
                let since = arrival.batch.saturating_sub(1);
                *self = self.reopen().await?;
                if self.last_batch()? == since {
                    // Files were merged; no event was added.
                    continue;
                }
                arrival = self.next_arrival(options)?;
                self.fetch().await?;
                let paths: Vec<_> = files.iter().map(|file| self.events.folder().local_path(&file.name)).collect();
                self.events.folder().fetch(&paths).await?;
                let (events, quarantine) = (self.events.clone(), self.quarantine.clone());
                let overtaken = std::mem::take(&mut prepared);
                let again = move || {
                    overtaken::prepare_again(overtaken, &events, &quarantine, (arrival, options.threads), since)
                };
                prepared = blocking(again).await?;
            }
            self.remove_uncommitted(&files, &error).await;
            if !is_tried_again {
                return Err(error);
            }
        }
    }

    async fn commit(&mut self, prepared: &mut Prepared, arrival: Arrival) -> Result<()> {
        // Lines that were set aside come first: a crash between the commits repeats them, which does no harm, and never
        // loses one.
        if let Some(file) = prepared.quarantine.take().map(QuarantineWriter::finish).transpose()?.flatten() {
            quarantine::commit(&mut self.quarantine, file, arrival).await?;
        }
        let (files, summary) = (&prepared.files, &prepared.summary);
        if files.is_empty() {
            return Ok(());
        }
        let metadata = vec![
            ("batch", arrival.batch.into()),
            ("ingested_at", arrival.ingested_at.to_string().into()),
            ("read", summary.read.into()),
            ("added", summary.added.into()),
        ];
        self.events.commit(files, CommitMode::Append, metadata).await
    }
}

fn prepare(
    store: &Store,
    events: &Table,
    quarantine: &Table,
    arrival: Arrival,
    (options, reported): (Options, Reported),
    read_input: impl FnOnce(&mut Take<'_>) -> Result<u64>,
) -> Result<Prepared> {
    let scratch = ScratchFolder::in_store(store)?;
    let mut quarantine = QuarantineWriter::open(quarantine, arrival)?;
    if reported == Reported::EachInput {
        quarantine.keep_lines();
    }
    let quarantine = Mutex::new(quarantine);
    let threads = options.threads.max(1);
    let log = Lookup::new(events.files()?, threads);
    let staging = Staging {
        folder: events.folder(),
        log: &log,
        scratch: &scratch,
        arrival,
        threads,
        batch_bytes: (options.memory_bytes / threads / 2).clamp(4 << 20, 64 << 20),
        entries_left: AtomicUsize::new(options.memory_bytes / 4 / size_of::<Entry>()),
        quarantine: &quarantine,
    };
    let staged = staging.run(read_input)?;
    let mut quarantine = into_inner(quarantine)?;
    let comparison = identity::compare(&staged.files, &log, options.memory_bytes)?;
    let files = keep_new(events, &staged, &comparison, &mut quarantine)?;
    let summary = Summary {
        read: staged.lines,
        added: files.iter().map(|file| file.rows).sum(),
        duplicates: staged.duplicates + comparison.duplicates,
        conflicts: comparison.conflicts.len() as u64,
        quarantined: quarantine.lines(),
        bytes: staged.bytes,
    };
    let added = match reported {
        Reported::Sums => HashMap::new(),
        Reported::EachInput => added_by_input(&staged, &comparison)?,
    };
    let inputs = InputsSummary { added, refused: quarantine.take_lines() };
    let (quarantine, staged, scratch) = (Some(quarantine), staged.files, Some(scratch));
    Ok(Prepared { files, quarantine, summary, reported, inputs, staged, scratch })
}

/// How many staged events of each input are new.
fn added_by_input(staged: &Staged, comparison: &Comparison) -> Result<HashMap<Arc<str>, u64>> {
    let mut added = HashMap::new();
    for (staged, dropped) in staged.files.iter().zip(&comparison.dropped) {
        staged.entries.each(|row, entry| {
            if dropped.binary_search(&row).is_err() {
                *added.entry(staged.entries.file(&entry)).or_default() += 1;
            }
        })?;
    }
    Ok(added)
}

/// The staged files without the events that are not new. A file that holds only new events stays as it is.
fn keep_new(
    events: &Table,
    staged: &Staged,
    comparison: &Comparison,
    quarantine: &mut QuarantineWriter,
) -> Result<Vec<NewFile>> {
    let mut conflicts: HashMap<usize, HashMap<u32, &Conflict>> = HashMap::new();
    for conflict in &comparison.conflicts {
        conflicts.entry(conflict.staged).or_default().insert(conflict.row, conflict);
    }
    let mut files = Vec::new();
    for (position, (staged, dropped)) in staged.files.iter().zip(&comparison.dropped).enumerate() {
        if dropped.is_empty() {
            files.push(staged.file.clone());
            continue;
        }
        let conflicts = conflicts.remove(&position).unwrap_or_default();
        files.extend(rewrite(events, staged, dropped, &conflicts, quarantine)?);
    }
    Ok(files)
}

/// Replaces a staged file by one without the dropped rows; by none if no row is left.
fn rewrite(
    events: &Table,
    staged: &StagedFile,
    dropped: &[u32],
    conflicts: &HashMap<u32, &Conflict>,
    quarantine: &mut QuarantineWriter,
) -> Result<Option<NewFile>> {
    let path = events.folder().local_path(&staged.file.name);
    let rows_left = staged.file.rows.saturating_sub(dropped.len() as u64);
    let mut writer = match rows_left {
        0 => None,
        _ => Some(FileWriter::create(events.folder(), "events", &LOG_SCHEMA, &EVENT_FILES)?),
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
