//! Merging small files of the log into large ones that have the same rows.
//!
//! Files with about the same number of rows are merged into one of the next size when there are enough of them. The largest
//! files hold a slice of time with about as many events as a file should have. So an event is rewritten a few times in all,
//! however many batches come. In a file the events are sorted by case and, within a case, in the log's order: a case is
//! in few row groups, and an interval of time in few files.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Fields, Int64Type, Schema, SchemaRef, TimestampMillisecondType};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::prelude::{DataFrame, SessionContext, col, date_trunc, lit};
use datafusion::scalar::ScalarValue;
use futures::StreamExt;

use crate::error::{Error, Result};
use crate::log::event_log::Log;
use crate::log::rows::{EVENT_FILES, LOG_SCHEMA};
use crate::store::data_file::{NewFile, TableFile};
use crate::store::engine;
use crate::store::engine::Resources;
use crate::store::lock::WriterLock;
use crate::store::parquet::FileWriter;
use crate::store::repeat::Attempts;
use crate::store::table::{Table, scan};

/// Events of a file that is not merged any further, unless the user sets another number.
pub const FILE_EVENTS: u64 = 1 << 20;

/// Files of one size that are merged into one of the next size.
const FANOUT: usize = 8;

/// Events that one merge after an ingestion may rewrite, which takes a second or two: eight batches of a hundred thousand
/// events, as streams commit them, can be merged.
const QUICK_ROWS: u64 = 1 << 20;

/// Events that one merge may rewrite; more if eight files of the largest size have more.
const MERGE_ROWS: u64 = 8 << 20;

/// Rows that a merge handles at once.
const MERGE_BATCH_ROWS: usize = 2048;

/// What to merge, and into files of which size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergeOptions {
    pub scope: MergeScope,
    /// Events that a file should have.
    pub file_events: u64,
}

impl MergeOptions {
    /// Merges that scope into files of the usual size.
    #[must_use]
    pub fn of(scope: MergeScope) -> MergeOptions {
        MergeOptions { scope, file_events: FILE_EVENTS }
    }
}

/// Which files are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeScope {
    /// Files of one size if there are enough of them and the merge is quick, as after an ingestion.
    Quick,
    /// Files of one size if there are enough of them.
    Enough,
    /// All files, once.
    All,
}

/// What was merged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    pub merges: u64,
    pub files_before: u64,
    pub files_after: u64,
    /// Events that were rewritten; an event counts once for each time.
    pub rows: u64,
    pub bytes_before: u64,
    pub bytes_after: u64,
}

/// Whether there are files to merge.
///
/// # Errors
/// When the table cannot be read.
pub fn is_due(log: &Log, options: MergeOptions) -> Result<bool> {
    Ok(next_merge(log.events.entries()?, options).is_some())
}

/// Merges a few files after an ingestion, so that files stay few however many batches come. The batch has been acknowledged: if
/// merging fails, the batch is in the log, and the next ingestion merges again.
///
/// # Errors
/// As [`compact`].
pub async fn after_ingestion(log: &mut Log, resources: Resources, file_events: u64) -> Result<()> {
    let options = MergeOptions { scope: MergeScope::Quick, file_events };
    if is_due(log, options)? {
        compact(log, resources, options).await?;
    }
    Ok(())
}

/// Merges files of the log within those resources. Other writers can work between two merges.
///
/// # Errors
/// When the store cannot be read or written; what was merged until then stays so.
pub async fn compact(log: &mut Log, resources: Resources, options: MergeOptions) -> Result<Compacted> {
    let context = engine::session(resources)?;
    let (mut compacted, mut attempts) = (Compacted::default(), Attempts::default());
    loop {
        let _lock = WriterLock::take(log.store(), "log").await?;
        *log = log.reopen().await?;
        let Some(old) = next_merge(log.events.entries()?, options) else { break };
        let mut new = Vec::new();
        if let Err(error) = replace(log, &context, &old, options.file_events, &mut new).await {
            // A full disk needs their space.
            log.remove_uncommitted(&new, &error).await;
            if attempts.again_after(&error) {
                continue;
            }
            return Err(error);
        }
        compacted.merges += 1;
        compacted.rows += new.iter().map(|file| file.rows).sum::<u64>();
        compacted.files_before += old.len() as u64;
        compacted.files_after += new.len() as u64;
        compacted.bytes_before += old.iter().map(|file| file.bytes).sum::<u64>();
        compacted.bytes_after += new.iter().map(|file| file.bytes).sum::<u64>();
        if options.scope == MergeScope::All {
            break;
        }
    }
    Ok(compacted)
}

/// The files to merge next: those of the smallest size of which there are enough, those with earlier times first.
fn next_merge(mut files: Vec<TableFile>, options: MergeOptions) -> Option<Vec<TableFile>> {
    files.sort_by(|a, b| (a.time_range, &a.path).cmp(&(b.time_range, &b.path)));
    if options.scope == MergeScope::All {
        return (!files.is_empty()).then_some(files);
    }
    let most = if options.scope == MergeScope::Quick {
        QUICK_ROWS
    } else {
        MERGE_ROWS.max(options.file_events.saturating_mul(FANOUT as u64))
    };
    files.retain(|file| file.rows < options.file_events / 2);
    let size = |file: &TableFile| file.rows.max(1).ilog(FANOUT as u64);
    let smallest = (0..=size(&TableFile { rows: options.file_events, ..files.first()?.clone() }))
        .find(|of| files.iter().filter(|file| size(file) == *of).count() >= FANOUT)?;
    files.retain(|file| size(file) == smallest);
    let mut rows = 0;
    let within = files.iter().take_while(|file| {
        rows += file.rows;
        rows <= most
    });
    let count = within.count();
    files.truncate(count);
    (count >= FANOUT).then_some(files)
}

/// Replaces those files by new ones, each with a slice of time.
async fn replace(
    log: &mut Log,
    context: &SessionContext,
    old: &[TableFile],
    file_events: u64,
    new: &mut Vec<NewFile>,
) -> Result<()> {
    merge(&log.events, context, old, file_events, new).await?;
    let before: u64 = old.iter().map(|file| file.rows).sum();
    let after: u64 = new.iter().map(|file| file.rows).sum();
    if before != after {
        return Err(Error::Worker(format!("merging {before} events gave {after}; nothing was changed")));
    }
    let mut attempts = Attempts::default();
    loop {
        match log.events.replace_files(old, new, vec![("merged", old.len().into())]).await {
            // What another machine has added does not matter, as long as the old files are there.
            Err(error) if attempts.again_after(&error) => {
                *log = log.reopen().await?;
                let present = log.events.files()?;
                if !old.iter().all(|file| present.contains(&file.path)) {
                    return Err(error);
                }
            }
            done => return done,
        }
    }
}

/// Writes the rows of those files into new files, each with a slice of time.
async fn merge(
    events: &Table,
    context: &SessionContext,
    old: &[TableFile],
    file_events: u64,
    new: &mut Vec<NewFile>,
) -> Result<()> {
    let paths: Vec<_> = old.iter().map(|file| file.path.clone()).collect();
    // A merge of spilled parts holds one batch of each part, so small batches need little memory. One core, because the
    // operator that merges the parts of several cores cannot spill.
    let config = context.copied_config().with_batch_size(MERGE_BATCH_ROWS).with_target_partitions(1);
    let context = SessionContext::new_with_config_rt(config, context.runtime_env());
    let rows = context.read_table(scan(events.folder(), &paths, plain())?)?;
    let total = old.iter().map(|file| file.rows).sum();
    for (from, until) in slices(&rows, total, file_events).await? {
        let mut slice = rows.clone();
        if let Some(from) = from {
            slice = slice.filter(col("time").gt_eq(instant(from)))?;
        }
        if let Some(until) = until {
            slice = slice.filter(col("time").lt(instant(until)))?;
        }
        new.push(write(events, slice).await?);
    }
    Ok(())
}

async fn write(events: &Table, slice: DataFrame) -> Result<NewFile> {
    let about_cases = col("rank").gt(lit(0)).sort(true, true);
    let by = |name: &str| col(name).sort(true, true);
    let order = vec![by("case_id"), by("time"), about_cases, by("sequence"), by("rank"), by("source"), by("id")];
    let mut batches = slice.sort(order)?.execute_stream().await?;
    let mut writer = FileWriter::create(events.folder(), "events", &LOG_SCHEMA, &EVENT_FILES)?;
    while let Some(batch) = batches.next().await {
        writer.write(&in_views(&batch?)?)?;
    }
    writer.finish()
}

/// The log's columns with plain texts. Batches of views share the buffers that they point into, and the engine would count
/// a buffer once for each batch.
fn plain() -> SchemaRef {
    let plain = |field: &FieldRef| match field.data_type() {
        DataType::Utf8View => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8)),
        _ => Arc::clone(field),
    };
    Arc::new(Schema::new(LOG_SCHEMA.fields().iter().map(plain).collect::<Fields>()))
}

/// Rows with plain texts as rows of the log.
fn in_views(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(LOG_SCHEMA.fields());
    let columns =
        columns.map(|(column, field)| cast(column, field.data_type())).collect::<std::result::Result<_, _>>()?;
    Ok(RecordBatch::try_new(LOG_SCHEMA.clone(), columns)?)
}

/// An interval of time in milliseconds: from the first instant until before the second; open where there is none.
type Slice = (Option<i64>, Option<i64>);

/// Divides the time of the rows into slices that have about as many rows as a file should. Slices begin at full hours.
async fn slices(rows: &DataFrame, total: u64, slice_rows: u64) -> Result<Vec<Slice>> {
    if total < slice_rows.saturating_mul(3) / 2 {
        return Ok(vec![(None, None)]);
    }
    let wanted = total.div_ceil(slice_rows);
    let hour = date_trunc(lit("hour"), col("time")).alias("hour");
    let hours = rows.clone().aggregate(vec![hour], vec![count(lit(1)).alias("n")])?;
    let (mut slices, mut from, mut before) = (Vec::new(), None, 0_u64);
    for batch in hours.sort(vec![col("hour").sort(true, true)])?.collect().await? {
        let starts = batch.column(0).as_primitive::<TimestampMillisecondType>().values();
        let counts = batch.column(1).as_primitive::<Int64Type>().values();
        for (start, count) in starts.iter().zip(counts) {
            let after = before + u64::try_from(*count).unwrap_or(0);
            let end = total * (slices.len() as u64 + 1) / wanted;
            // The slice ends before this hour or after it, whichever is nearer to the wanted number of rows.
            if before > 0 && (slices.len() as u64 + 1) < wanted && after.abs_diff(end) > before.abs_diff(end) {
                slices.push((from, Some(*start)));
                from = Some(*start);
            }
            before = after;
        }
    }
    slices.push((from, None));
    Ok(slices)
}

fn instant(ms: i64) -> datafusion::prelude::Expr {
    lit(ScalarValue::TimestampMillisecond(Some(ms), Some("UTC".into())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Instant;

    fn file(number: i64, rows: u64) -> TableFile {
        let time_range = Some((Instant(number), Instant(number)));
        let (batch_range, events, hash) = (None, None, None);
        TableFile { path: format!("{number}").into(), bytes: rows, rows, time_range, batch_range, events, hash }
    }

    /// Of ten thousand small batches few files stay, and no event is rewritten often.
    #[test]
    fn files_stay_few_and_rewriting_grows_with_the_logarithm() {
        for (scope, batches, largest) in
            [(MergeScope::Quick, 10_000, 200), (MergeScope::Enough, 10_000, 200), (MergeScope::Quick, 1_000, 100_000)]
        {
            let (mut files, mut rewritten, mut rows) = (Vec::new(), 0, 0);
            for batch in 0..batches {
                let size = 1 + (batch * 7919) % largest;
                rows += size;
                files.push(file(batch as i64, size));
                while let Some(old) = next_merge(files.clone(), MergeOptions::of(scope)) {
                    let merged = old.iter().map(|file| file.rows).sum();
                    rewritten += merged;
                    files.retain(|file| !old.contains(file));
                    files.push(file(batch as i64 + 1_000_000, merged));
                }
            }
            assert_eq!(files.iter().map(|file| file.rows).sum::<u64>(), rows);
            // The number of large files follows from the number of events.
            files.retain(|file| file.rows < FILE_EVENTS / 4);
            assert!(files.len() < 40, "{scope:?}: {} files", files.len());
            assert!(rewritten < 7 * rows, "{scope:?}: {rewritten} rewritten of {rows}");
        }
    }

    /// Two hours with ten events each fit into thirty, a third does not; an hour is never divided.
    #[tokio::test]
    async fn slices_begin_at_full_hours_and_every_instant_is_in_one_slice() {
        let hour = 3_600_000;
        let times = (0..100).map(|n| n / 10 * hour + n).chain(std::iter::repeat_n(20 * hour, 50));
        let times = arrow::array::TimestampMillisecondArray::from_iter_values(times).with_timezone("UTC");
        let batch =
            arrow::record_batch::RecordBatch::try_from_iter([("time", std::sync::Arc::new(times) as _)]).unwrap();
        let rows = SessionContext::new().read_batch(batch).unwrap();
        let cut = slices(&rows, 150, 30).await.unwrap();
        let starts: Vec<_> = cut.iter().map(|(from, _)| from.map(|from| from / hour)).collect();
        assert_eq!(starts, [None, Some(3), Some(6), Some(9), Some(20)]);
        assert!(cut.windows(2).all(|pair| pair[0].1 == pair[1].0) && cut[4].1.is_none(), "{cut:?}");
        assert_eq!(slices(&rows, 44, 30).await.unwrap(), [(None, None)]);
    }

    #[test]
    fn full_slices_of_time_are_not_merged() {
        let files: Vec<_> = (0..100).map(|number| file(number, FILE_EVENTS)).collect();
        assert!(next_merge(files.clone(), MergeOptions::of(MergeScope::Enough)).is_none());
        assert_eq!(next_merge(files, MergeOptions::of(MergeScope::All)).map(|files| files.len()), Some(100));
        assert!(next_merge(Vec::new(), MergeOptions::of(MergeScope::All)).is_none());
    }
}
