//! Merging small files of the log into large ones, row for row the same.
//!
//! Files of about the same number of rows are merged when there are enough of them, which makes one of the next size, up
//! to a slice of time with about as many events as are wanted in a file. So an event is rewritten a few times in all, however many batches come. Inside a file the events
//! stand by case and, within a case, in the log's order: a case is found in few row groups, a time in few files.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Fields, Int64Type, Schema, SchemaRef, TimestampMillisecondType};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::prelude::{DataFrame, SessionContext, col, date_trunc, lit};
use datafusion::scalar::ScalarValue;
use futures::StreamExt;

use crate::error::{Error, Result};
use crate::log::Log;
use crate::log::rows::LOG_SCHEMA;
use crate::store::lock::WriterLock;
use crate::store::parquet::FileWriter;
use crate::store::table::{NewFile, Table, TableFile, scan};

/// Events of a file that is not merged any further, unless another number is wanted.
pub const FILE_EVENTS: u64 = 1 << 20;

/// Files of one size that make one of the next.
const FANOUT: usize = 8;

/// Events that one merge after an ingestion may rewrite; a second or two. Eight files of batches of a hundred thousand, as
/// streams commit them, are among them.
const QUICK_ROWS: u64 = 1 << 20;

/// Events that one merge may rewrite, or eight files of the size that is wanted.
const MERGE_ROWS: u64 = 8 << 20;

/// Rows that a merge handles at once.
const MERGE_BATCH_ROWS: usize = 2048;

/// What to merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aim {
    pub reach: Reach,
    /// Events that a file should have: one slice of time.
    pub file_events: u64,
}

impl Aim {
    /// That far, to files of the usual size.
    #[must_use]
    pub fn of(reach: Reach) -> Aim {
        Aim { reach, file_events: FILE_EVENTS }
    }
}

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Small merges only, as after an ingestion.
    Quick,
    /// All that pays.
    Paying,
    /// All files anew, once.
    Whole,
}

/// What was merged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    pub merges: u64,
    pub files_before: u64,
    pub files_after: u64,
    /// Events that were rewritten, once for each time.
    pub rows: u64,
    pub bytes_before: u64,
    pub bytes_after: u64,
}

/// Whether there is anything to merge.
///
/// # Errors
/// When the table cannot be read.
pub fn pays(log: &Log, aim: Aim) -> Result<bool> {
    Ok(next_merge(log.events.entries()?, aim).is_some())
}

/// Merges files of the log, within the memory of the session. Other writers wait for one merge at a time.
///
/// # Errors
/// When the store cannot be read or written; what was merged until then stays so.
pub async fn compact(log: &mut Log, context: &SessionContext, aim: Aim) -> Result<Compacted> {
    let mut compacted = Compacted::default();
    loop {
        let _lock = WriterLock::take(log.store(), "log").await?;
        *log = Log::open(log.store()).await?;
        let Some(old) = next_merge(log.events.entries()?, aim) else { break };
        let mut new = Vec::new();
        if let Err(error) = replace(log, context, &old, aim.file_events, &mut new).await {
            // On a full disk their room is needed.
            super::remove_unnamed(log.store(), &new).await;
            return Err(error);
        }
        compacted.merges += 1;
        compacted.rows += new.iter().map(|file| file.rows).sum::<u64>();
        compacted.files_before += old.len() as u64;
        compacted.files_after += new.len() as u64;
        compacted.bytes_before += old.iter().map(|file| file.bytes).sum::<u64>();
        compacted.bytes_after += new.iter().map(|file| file.bytes).sum::<u64>();
        if aim.reach == Reach::Whole {
            break;
        }
    }
    Ok(compacted)
}

/// The files to merge next: the smallest size of which there are enough, earlier times first.
fn next_merge(mut files: Vec<TableFile>, aim: Aim) -> Option<Vec<TableFile>> {
    files.sort_by(|a, b| (a.time_range, &a.path).cmp(&(b.time_range, &b.path)));
    if aim.reach == Reach::Whole {
        return (!files.is_empty()).then_some(files);
    }
    let most = if aim.reach == Reach::Quick {
        QUICK_ROWS
    } else {
        MERGE_ROWS.max(aim.file_events.saturating_mul(FANOUT as u64))
    };
    files.retain(|file| file.rows < aim.file_events / 2);
    let size = |file: &TableFile| file.rows.max(1).ilog(FANOUT as u64);
    let smallest = (0..=size(&TableFile { rows: aim.file_events, ..files.first()?.clone() }))
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

/// Puts new files, a slice of time each, in the place of those.
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
    log.events.swap(old, new, vec![("merged", old.len().into())]).await
}

/// Writes the rows of those files into new ones, a slice of time each.
async fn merge(
    events: &Table,
    context: &SessionContext,
    old: &[TableFile],
    file_events: u64,
    new: &mut Vec<NewFile>,
) -> Result<()> {
    let paths: Vec<_> = old.iter().map(|file| file.path.clone()).collect();
    // What was spilled is merged a batch of each at a time, so a little memory goes further with small ones. On one core,
    // for what merges the cores' parts takes memory and cannot spill.
    let config = context.copied_config().with_batch_size(MERGE_BATCH_ROWS).with_target_partitions(1);
    let context = SessionContext::new_with_config_rt(config, context.runtime_env());
    let rows = context.read_table(scan(&paths, plain())?)?;
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
    let mut writer = FileWriter::create(events.folder(), "events", &LOG_SCHEMA)?;
    while let Some(batch) = batches.next().await {
        writer.write(&in_views(&batch?)?)?;
    }
    writer.finish()
}

/// The log's columns with plain texts. Batches of views share the buffers they point into, and the engine would count these
/// for every one of them as its own.
fn plain() -> SchemaRef {
    let plain = |field: &FieldRef| match field.data_type() {
        DataType::Utf8View => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8)),
        _ => Arc::clone(field),
    };
    Arc::new(Schema::new(LOG_SCHEMA.fields().iter().map(plain).collect::<Fields>()))
}

/// Plain rows as the log has them.
fn in_views(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(LOG_SCHEMA.fields());
    let columns =
        columns.map(|(column, field)| cast(column, field.data_type())).collect::<std::result::Result<_, _>>()?;
    Ok(RecordBatch::try_new(LOG_SCHEMA.clone(), columns)?)
}

/// A stretch of time in milliseconds: from the first, until before the second; open where there is none.
type Slice = (Option<i64>, Option<i64>);

/// Cuts the time of the rows so that each slice has about as many as a file should. Cuts fall on full hours.
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
            // Before this hour or after it: where it is nearer to the slice's end.
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
        TableFile { path: format!("{number}").into(), bytes: rows, rows, time_range, batch_range: None, hash: None }
    }

    /// Ten thousand small batches: few files stay, and no event is rewritten often.
    #[test]
    fn files_stay_few_and_rewriting_grows_with_the_logarithm() {
        for (reach, batches, largest) in
            [(Reach::Quick, 10_000, 200), (Reach::Paying, 10_000, 200), (Reach::Quick, 1_000, 100_000)]
        {
            let (mut files, mut rewritten, mut rows) = (Vec::new(), 0, 0);
            for batch in 0..batches {
                let size = 1 + (batch * 7919) % largest;
                rows += size;
                files.push(file(batch as i64, size));
                while let Some(old) = next_merge(files.clone(), Aim::of(reach)) {
                    let merged = old.iter().map(|file| file.rows).sum();
                    rewritten += merged;
                    files.retain(|file| !old.contains(file));
                    files.push(file(batch as i64 + 1_000_000, merged));
                }
            }
            assert_eq!(files.iter().map(|file| file.rows).sum::<u64>(), rows);
            // Large ones are about as many as the events need.
            files.retain(|file| file.rows < FILE_EVENTS / 4);
            assert!(files.len() < 40, "{reach:?}: {} files", files.len());
            assert!(rewritten < 7 * rows, "{reach:?}: {rewritten} rewritten of {rows}");
        }
    }

    /// Two hours of ten events each fit into thirty, a third does not; one hour is never cut.
    #[tokio::test]
    async fn time_is_cut_at_full_hours_and_every_instant_is_in_one_slice() {
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
    fn slices_of_time_are_left_alone() {
        let files: Vec<_> = (0..100).map(|number| file(number, FILE_EVENTS)).collect();
        assert!(next_merge(files.clone(), Aim::of(Reach::Paying)).is_none());
        assert_eq!(next_merge(files, Aim::of(Reach::Whole)).map(|files| files.len()), Some(100));
        assert!(next_merge(Vec::new(), Aim::of(Reach::Whole)).is_none());
    }
}
