//! The exchange: brings the events of each case together, in the log's order, on one machine.
//!
//! Events come in any order; a case is replayed alone, from all of its events. So they are partitioned by ranges of case
//! ids and packed into text, and one partition at a time is unpacked and sorted, which is quick because it is small.
//! Partitions beyond the memory go to a temporary file. This takes a fraction of the time that sorting rows of thirty
//! columns takes, and cases come out in the order of their ids.
//!
//! A replay knows only [`CasePartitions`] of it: a frame of events goes in, and on every core case after case comes out. An
//! operator of the query engine whose input is partitioned by case and sorted within a case gives the same.

pub mod pack;
pub mod partitions;
pub mod ranges;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use datafusion::common::runtime::SpawnedTask;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::{DataFrame, col};
use foldhash::fast::FixedState;
use futures::StreamExt;

use crate::error::Result;
use crate::model::event::CaseEvent;
use crate::replay::exchange::partitions::{PackedItems, PartitionWriter, Partitions, unpack};
use crate::replay::exchange::ranges::CaseRanges;
use crate::replay::input::{CASE_COLUMNS, CaseColumns};
use crate::store::cores::{Numbers, blocking, on_every_core};
use crate::store::engine::Resources;
use crate::store::progress::Progress;

/// Bytes of an event, packed, about.
const EVENT_BYTES: usize = 160;

/// Events of a case, about.
const CASE_EVENTS: usize = 10;

/// One of so many rows is taken into the sample by which case ids are cut into ranges.
const SAMPLED: usize = 509;

/// Partitions for each core at the least, so that all cores are done at about the same time.
const PARTITIONS_PER_CORE: usize = 32;

/// The cases that events are about, as far as that is known before they are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseIds {
    /// Nothing is known: a sample is read first.
    Unknown,
    Known(Vec<String>),
    /// So few cases that one partition holds them.
    Few,
}

/// The events of cases, partitioned by case.
pub struct CasePartitions {
    partitions: Arc<Partitions>,
}

impl CasePartitions {
    /// Gathers the events about cases of a frame with the columns of the log.
    ///
    /// # Errors
    /// When the events cannot be read, or the temporary file cannot be written.
    pub async fn gather(events: DataFrame, cases: CaseIds, resources: Resources) -> Result<CasePartitions> {
        let ranges = match cases {
            CaseIds::Unknown => sampled(events.clone(), resources).await?.0,
            CaseIds::Known(ids) => {
                let wanted = wanted_partitions(ids.len() * CASE_EVENTS, resources);
                CaseRanges::cut(ids, wanted)
            }
            CaseIds::Few => CaseRanges::default(),
        };
        let streams = events.select_columns(CASE_COLUMNS)?.execute_stream_partitioned().await?;
        let partitions = Partitions::new(ranges.count(), resources.memory_bytes / 2, streams.len());
        let ranges = Arc::new(ranges);
        let begin =
            |stream| SpawnedTask::spawn(gather_stream(stream, ranges.clone(), PartitionWriter::new(&partitions)));
        // When one fails, the others are dropped and end, too.
        let writers: Vec<_> = streams.into_iter().map(begin).collect();
        for writer in writers {
            writer.join().await??;
        }
        Ok(CasePartitions { partitions })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.partitions.count()
    }

    /// What `work` gives on each core, which takes partitions until there are none left.
    ///
    /// # Errors
    /// What the work returns.
    pub async fn on_every_core<T: Send + 'static>(
        self,
        resources: Resources,
        progress: Progress,
        work: impl Fn(&Remaining<'_>) -> Result<T> + Send + Sync + 'static,
    ) -> Result<Vec<T>> {
        let (count, partitions) = (self.count(), self.partitions);
        let on_core =
            move |numbers: &Numbers| work(&Remaining { partitions: &partitions, numbers, progress: &progress });
        blocking(move || on_every_core(resources.threads, count, on_core)).await
    }
}

/// The partitions that no core has taken yet.
pub struct Remaining<'p> {
    partitions: &'p Partitions,
    numbers: &'p Numbers,
    progress: &'p Progress,
}

impl Remaining<'_> {
    /// Takes a partition; none when all are taken.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub fn next(&self) -> Result<Option<CasePartition>> {
        let count = self.numbers.count();
        let number = self.numbers.next();
        self.progress.report("replaying cases", number.unwrap_or(count) as u64, count as u64);
        number.map(|number| CasePartition::take(self.partitions, number)).transpose()
    }
}

/// The events of the cases of one partition.
pub struct CasePartition {
    packed: PackedItems,
}

impl CasePartition {
    /// Takes one of those partitions.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub fn take(partitions: &Partitions, number: usize) -> Result<CasePartition> {
        Ok(CasePartition { packed: partitions.take(number)? })
    }

    /// Passes on one case after the other, in the order of their ids, each with its events in the log's order (1.3).
    ///
    /// # Errors
    /// What `take` returns.
    pub fn each_case<'p>(&'p self, take: &mut dyn FnMut(&[CaseEvent<'p>]) -> Result<()>) -> Result<()> {
        let mut cases: HashMap<&str, Vec<&str>, FixedState> = HashMap::default();
        for packed in self.packed.packed() {
            let packed = packed?;
            // The first member of an event.
            let case_id: &str = unpack(packed)?;
            cases.entry(case_id).or_insert_with(|| Vec::with_capacity(CASE_EVENTS)).push(packed);
        }
        let mut cases: Vec<_> = cases.into_iter().collect();
        cases.sort_unstable_by_key(|(case_id, _)| *case_id);
        // Events take much more memory than packed: those of one case at a time.
        let mut events: Vec<CaseEvent<'_>> = Vec::new();
        for (_, packed) in cases {
            events.clear();
            for packed in packed {
                events.push(unpack(packed)?);
            }
            // Mostly they are sorted already, as the log's files are; then this compares each with the next once.
            events.sort_by(|left, right| left.order().cmp(&right.order()));
            take(&events)?;
        }
        Ok(())
    }
}

/// Partitions for so many events: one takes little memory on each core, and stays in its cache from the first case to the
/// last.
#[must_use]
pub fn wanted_partitions(events: usize, resources: Resources) -> usize {
    let partition_bytes = (resources.memory_bytes / resources.threads.max(1) / 64).clamp(1 << 19, 1 << 20);
    (events * EVENT_BYTES).div_ceil(partition_bytes).max(resources.threads * PARTITIONS_PER_CORE)
}

/// Ranges of the cases of those events, by a sample, and how many events are about cases.
///
/// # Errors
/// When the events cannot be read.
pub async fn sampled(events: DataFrame, resources: Resources) -> Result<(CaseRanges, u64)> {
    let cases = events.filter(col("case_id").is_not_null())?.select_columns(&["case_id"])?;
    let (mut sample, mut rows) = (Vec::new(), 0);
    let mut batches = cases.execute_stream().await?;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        let ids = batch.column(0).as_string_view();
        sample.extend(ids.iter().skip(rows % SAMPLED).step_by(SAMPLED).flatten().map(str::to_owned));
        rows += batch.num_rows();
    }
    Ok((CaseRanges::cut(sample, wanted_partitions(rows, resources)), rows as u64))
}

async fn gather_stream(
    mut events: SendableRecordBatchStream,
    ranges: Arc<CaseRanges>,
    mut writer: PartitionWriter,
) -> Result<()> {
    while let Some(batch) = events.next().await {
        add_events(&batch?, &mut writer, |_, case_id| ranges.of(case_id))?;
    }
    writer.finish()
}

/// Adds the events of a batch that are about cases, each to the partition of its row and its case.
///
/// # Errors
/// When a column is missing, or the temporary file cannot be written.
pub fn add_events(
    batch: &RecordBatch,
    writer: &mut PartitionWriter,
    partition: impl Fn(usize, &str) -> usize,
) -> Result<()> {
    let columns = CaseColumns::new(batch)?;
    let of_cases = (0..batch.num_rows()).filter(|row| columns.is_of_a_case(*row));
    let mut events = of_cases.filter_map(|row| Some((row, columns.event(row)?)));
    events.try_for_each(|(row, event)| writer.add(partition(row, event.case_id), &event))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::{EventBody, EventType};
    use crate::model::time::Instant;

    fn event<'a>(case_id: &'a str, time: i64, id: &'a str) -> CaseEvent<'a> {
        let (kind, body) = (EventType::CaseAssigned, EventBody::Assigned { agent: "ana", automatic: time % 2 == 0 });
        CaseEvent { case_id, time: Instant(time), sequence: 0, source: "s", id, kind, by: None, body }
    }

    /// Four hundred events of two writers come back whole, case by case and in order, from memory or from disk.
    #[test]
    fn cases_come_back_whole_and_in_order() {
        let names: Vec<(String, String)> = (0..400).map(|n| (format!("C-{}", n * 7 % 40), format!("e-{n}"))).collect();
        let all: Vec<_> = names.iter().zip(0..).map(|((case, id), n)| event(case, n * 31 % 50, id)).collect();
        let mut expected: Vec<_> = all.clone();
        expected.sort_by(|left, right| (left.case_id, left.order()).cmp(&(right.case_id, right.order())));
        for (held_bytes_max, ranges) in [(1 << 20, 1), (1 << 20, 7), (1000, 7), (0, 40)] {
            let sample = all.iter().map(|event| event.case_id.to_owned()).collect();
            let ranges = CaseRanges::cut(sample, ranges);
            let partitions = Partitions::new(ranges.count(), held_bytes_max, 2);
            let (mut left, mut right) = (PartitionWriter::new(&partitions), PartitionWriter::new(&partitions));
            for (event, n) in all.iter().zip(0..) {
                let writer = if n % 3 == 0 { &mut left } else { &mut right };
                writer.add(ranges.of(event.case_id), event).unwrap();
            }
            left.finish().unwrap();
            right.finish().unwrap();
            let mut found = Vec::new();
            for number in 0..partitions.count() {
                let partition = CasePartition { packed: partitions.take(number).unwrap() };
                let mut take = |events: &[CaseEvent<'_>]| {
                    assert!(events.iter().all(|event| event.case_id == events[0].case_id));
                    found.extend(events.iter().map(|event| format!("{event:?}")));
                    Ok(())
                };
                partition.each_case(&mut take).unwrap();
            }
            assert_eq!(found, expected.iter().map(|event| format!("{event:?}")).collect::<Vec<_>>());
        }
    }
}
