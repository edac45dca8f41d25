//! The work of a replay on every core: events are gathered by ranges of cases, each core replays range after range and
//! writes files of its own, and then sweeps what cases show together.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use datafusion::common::runtime::SpawnedTask;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::{DataFrame, col};
use futures::StreamExt;
use tokio::task::JoinHandle;

use crate::error::Result;
use crate::facts::manifest;
use crate::facts::tables::{FactTable, OTHER_FINDINGS};
use crate::model::desk::Desk;
use crate::replay::across::Across;
use crate::replay::gather::{EVENT_BYTES, Gather, Hand, Ranges};
use crate::replay::input::{CASE_COLUMNS, CaseColumns};
use crate::replay::output::{CASE_SHEETS, Output};
use crate::store::cores::{Numbers, on_every_core};
use crate::store::data_file::NewFile;
use crate::store::engine::Resources;
use crate::store::lock::blocking;
use crate::store::objects::Store;
use crate::store::parquet::FileWriter;
use crate::store::progress::Progress;

/// Of so many rows one is taken into the sample by which cases are cut into ranges.
const SAMPLED: usize = 509;

/// Ranges for each core at the least, so that all are done at about the same time.
const RANGES_A_CORE: usize = 32;

/// Ranges of the cases of those events.
async fn sampled(events: DataFrame, resources: Resources) -> Result<Ranges> {
    let cases = events.filter(col("case_id").is_not_null())?.select_columns(&["case_id"])?;
    let (mut sample, mut rows) = (Vec::new(), 0);
    let mut batches = cases.execute_stream().await?;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        let ids = batch.column(0).as_string_view();
        sample.extend(ids.iter().skip(rows % SAMPLED).step_by(SAMPLED).flatten().map(str::to_owned));
        rows += batch.num_rows();
    }
    Ok(Ranges::cut(sample, wanted_ranges(rows, resources)))
}

/// So many ranges that one of them is little on each core, and at hand for it from the first case to the last.
#[must_use]
pub fn wanted_ranges(events: usize, resources: Resources) -> usize {
    let range_bytes = (resources.memory_bytes / resources.threads.max(1) / 64).clamp(1 << 19, 1 << 20);
    (events * EVENT_BYTES).div_ceil(range_bytes).max(resources.threads * RANGES_A_CORE)
}

/// Heaps for what the cases of so many ranges show together. That takes a fraction of the room of their events.
#[must_use]
pub fn across(ranges: usize, resources: Resources) -> Arc<Across> {
    Arc::new(Across::new(ranges.div_ceil(8), resources.memory_bytes / 8, resources.threads.max(1)))
}

/// All events about cases, range by range.
///
/// # Errors
/// As [`gather`].
pub async fn gather_all(events: DataFrame, resources: Resources) -> Result<Arc<Gather>> {
    let ranges = sampled(events.clone(), resources).await?;
    gather(events, ranges, resources).await
}

/// The events about cases, by those ranges.
///
/// # Errors
/// When the events cannot be read, or the temporary file not be written.
pub async fn gather(events: DataFrame, ranges: Ranges, resources: Resources) -> Result<Arc<Gather>> {
    let streams = events.select_columns(CASE_COLUMNS)?.execute_stream_partitioned().await?;
    let gather = Gather::new(ranges.count(), resources.memory_bytes / 2, streams.len());
    let ranges = Arc::new(ranges);
    let begin = |stream| SpawnedTask::spawn(gather_from(stream, ranges.clone(), Hand::of(&gather)));
    // After one that fails the others end, too.
    let hands: Vec<_> = streams.into_iter().map(begin).collect();
    for hand in hands {
        hand.join().await??;
    }
    Ok(gather)
}

async fn gather_from(mut events: SendableRecordBatchStream, ranges: Arc<Ranges>, mut hand: Hand) -> Result<()> {
    while let Some(batch) = events.next().await {
        let batch = batch?;
        let columns = CaseColumns::new(&batch)?;
        let of_cases = (0..batch.num_rows()).filter(|row| columns.is_of_a_case(*row));
        let mut events = of_cases.filter_map(|row| columns.event(row));
        events.try_for_each(|event| hand.add(ranges.of(event.case_id), &event))?;
    }
    hand.finish()
}

/// A table's file that is being finished, which is mostly waiting for the disk.
pub type Finishing = (FactTable, JoinHandle<Result<NewFile>>);

/// Replays range after range and writes the tables' rows, each core and table into a file of its own.
///
/// # Errors
/// When the disk refuses.
pub async fn replay(
    events: Arc<Gather>,
    desk: Arc<Desk>,
    across: Option<Arc<Across>>,
    home: &Store,
    resources: Resources,
    progress: Progress,
) -> Result<Vec<Finishing>> {
    let heaps = events.heaps();
    let mut folders = BTreeMap::new();
    for sheet in CASE_SHEETS {
        folders.insert(sheet.table.name, manifest::create_folder(home, &sheet.table)?);
    }
    let replay_on_core = move |ranges: &Numbers| {
        let mut writers = Writers { folders: &folders, open: BTreeMap::new() };
        let (mut output, mut hand) = (Output::new(&desk), across.as_ref().map(|across| across.hand()));
        while let Some(range) = ranges.next() {
            progress.report("replaying cases", range as u64, ranges.count() as u64);
            events.take(range)?.replay(&desk, |histories| {
                if let Some(hand) = &mut hand {
                    histories.iter().try_for_each(|history| hand.add(history, &desk))?;
                }
                output.push(histories, |table, rows| writers.write(table, rows))
            })?;
        }
        progress.report("replaying cases", ranges.count() as u64, ranges.count() as u64);
        output.finish(|table, rows| writers.write(table, rows))?;
        hand.map_or(Ok(()), |hand| hand.finish())?;
        Ok(writers.open)
    };
    let written = blocking(move || on_every_core(resources.threads, heaps, replay_on_core));
    let finish = |(table, writer): (FactTable, FileWriter)| (table, tokio::task::spawn_blocking(|| writer.finish()));
    Ok(written.await?.into_iter().flat_map(BTreeMap::into_values).map(finish).collect())
}

/// Writes what is found in heap after heap, each core into a file of its own.
///
/// # Errors
/// When the disk refuses.
pub async fn find(across: Arc<Across>, home: &Store, resources: Resources) -> Result<Vec<NewFile>> {
    let (heaps, folder) = (across.heaps(), manifest::create_folder(home, &OTHER_FINDINGS)?);
    let find_on_core = move |heaps: &Numbers| {
        let mut writer = manifest::begin_file(&folder, &OTHER_FINDINGS)?;
        while let Some(heap) = heaps.next() {
            across.find(heap, |rows| writer.write(rows))?;
        }
        writer.finish()
    };
    blocking(move || on_every_core(resources.threads, heaps, find_on_core)).await
}

/// The files that one core writes.
struct Writers<'f> {
    folders: &'f BTreeMap<&'static str, Store>,
    /// By the table's name, begun with its first rows.
    open: BTreeMap<&'static str, (FactTable, FileWriter)>,
}

impl Writers<'_> {
    fn write(&mut self, table: &FactTable, rows: &RecordBatch) -> Result<()> {
        let Some(folder) = self.folders.get(table.name) else { return Ok(()) };
        let (_, writer) = match self.open.entry(table.name) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(none) => none.insert((*table, manifest::begin_file(folder, table)?)),
        };
        writer.write(rows)
    }
}
