//! An ingestion that another machine has overtaken: what was prepared becomes a later batch.
//!
//! The files that were prepared hold each event of the input once. Of these events some may be in the log now, from the other
//! machine. They are left out as if they had been there before: repetitions are counted, and contradictions are set aside with
//! the positions of their lines.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, TimestampMillisecondArray};

use crate::error::Result;
use crate::log::identity::Conflict;
use crate::log::lookup::{ByFingerprint, Lookup};
use crate::log::prepared::{Prepared, Reported, conflict_line};
use crate::log::quarantine::QuarantineWriter;
use crate::log::rows::{Arrival, EVENT_FILES, LOG_SCHEMA};
use crate::log::staged::StagedFile;
use crate::store::data_file::NewFile;
use crate::store::parquet::{self, FileWriter};
use crate::store::table::Table;

/// An event of the input that the other machine has added.
struct Known {
    /// Whether the log has another content.
    is_conflict: bool,
    /// Its content in the input.
    content: u128,
    /// The line in the input, once it is found; of several lines of the event the first.
    line: Option<(u64, Conflict)>,
}

/// Prepares the same events again, as the batch of that arrival. `since` is the last batch that the log had before.
///
/// # Errors
/// When the store cannot be read or written.
pub(super) fn prepare_again(
    prepared: Prepared,
    events: &Table,
    quarantine: &Table,
    (arrival, threads): (Arrival, usize),
    since: i64,
) -> Result<Prepared> {
    let Prepared { files, mut summary, reported, mut inputs, staged, scratch, .. } = prepared;
    let added: Vec<_> = events.files_since_batch(since)?.into_iter().map(|file| file.path).collect();
    let mut known = known_events(&files, events, &Lookup::new(added, threads))?;
    find_lines(&staged, &mut known)?;
    let mut set_aside = QuarantineWriter::open(quarantine, arrival)?;
    if reported == Reported::EachInput {
        set_aside.keep_lines();
    }
    let mut again = Vec::new();
    for file in &files {
        again.extend(rewrite(events, file, arrival, &known, &mut set_aside)?);
    }
    let conflicts = known.values().filter(|known| known.is_conflict).count() as u64;
    summary.added = again.iter().map(|file| file.rows).sum();
    summary.conflicts += conflicts;
    summary.duplicates += known.len() as u64 - conflicts;
    summary.quarantined += set_aside.lines();
    for (_, line) in known.into_values().filter_map(|known| known.line) {
        if let Some(added) = inputs.added.get_mut(&line.file) {
            *added = added.saturating_sub(1);
        }
    }
    inputs.refused.extend(set_aside.take_lines());
    Ok(Prepared { files: again, quarantine: Some(set_aside), summary, reported, inputs, staged, scratch })
}

/// The events of those files that are in the log now.
fn known_events(files: &[NewFile], events: &Table, log: &Lookup) -> Result<ByFingerprint<Known>> {
    let mut known = ByFingerprint::default();
    for file in files {
        let mut wanted: ByFingerprint<u128> = ByFingerprint::default();
        for batch in parquet::read_file(&events.folder().local_path(&file.name), &["identity", "content"])? {
            let batch = batch?;
            wanted.extend(fingerprints(&batch, 0).zip(fingerprints(&batch, 1)));
        }
        for (identity, logged) in log.find(&wanted)? {
            let content = wanted.get(&identity).copied().unwrap_or(logged);
            known.insert(identity, Known { is_conflict: content != logged, content, line: None });
        }
    }
    Ok(known)
}

/// The fingerprints in a column.
fn fingerprints(batch: &RecordBatch, column: usize) -> impl Iterator<Item = u128> {
    let values = batch.column(column).as_binary::<i32>();
    values.iter().map(|value| value.and_then(|bytes| bytes.try_into().ok()).map_or(0, u128::from_be_bytes))
}

/// Finds the lines of those events in the input.
fn find_lines(staged: &[StagedFile], known: &mut ByFingerprint<Known>) -> Result<()> {
    if known.is_empty() {
        return Ok(());
    }
    for (position, staged) in staged.iter().enumerate() {
        staged.entries.each(|row, entry| {
            let Some(known) = known.get_mut(&entry.identity) else { return };
            let is_first = known.line.as_ref().is_none_or(|(ordinal, _)| entry.ordinal < *ordinal);
            if entry.content == known.content && is_first {
                let (file, line, offset) = (staged.entries.file(&entry), entry.line, entry.offset);
                let line = Conflict { staged: position, row, file, line, offset, logged: true };
                known.line = Some((entry.ordinal, line));
            }
        })?;
    }
    Ok(())
}

/// The rows of a file that the log does not have, with the new arrival, in a new file; none if no row is left.
fn rewrite(
    events: &Table,
    file: &NewFile,
    arrival: Arrival,
    known: &ByFingerprint<Known>,
    quarantine: &mut QuarantineWriter,
) -> Result<Option<NewFile>> {
    let mut writer: Option<FileWriter> = None;
    for batch in parquet::read_whole_file(&events.folder().local_path(&file.name))? {
        let batch = batch?;
        let identities: Vec<u128> =
            batch.schema().index_of("identity").map(|at| fingerprints(&batch, at).collect()).unwrap_or_default();
        let is_new: BooleanArray = identities.iter().map(|identity| Some(!known.contains_key(identity))).collect();
        for (row, identity) in identities.iter().enumerate() {
            let conflict = known.get(identity).filter(|known| known.is_conflict);
            if let Some((_, line)) = conflict.and_then(|known| known.line.as_ref()) {
                quarantine.add(&[conflict_line(line, &batch, row)])?;
            }
        }
        let kept = with_arrival(&arrow::compute::filter_record_batch(&batch, &is_new)?, arrival)?;
        if kept.num_rows() > 0 {
            let mut open = match writer.take() {
                Some(writer) => writer,
                None => FileWriter::create(events.folder(), "events", &LOG_SCHEMA, &EVENT_FILES)?,
            };
            open.write(&kept)?;
            writer = Some(open);
        }
    }
    writer.map(FileWriter::finish).transpose()
}

/// The same events, which arrive then.
fn with_arrival(batch: &RecordBatch, arrival: Arrival) -> Result<RecordBatch> {
    let rows = batch.num_rows();
    let columns = LOG_SCHEMA.fields().iter().zip(batch.columns()).map(|(field, column)| -> ArrayRef {
        match field.name().as_str() {
            "ingested_at" => {
                Arc::new(TimestampMillisecondArray::from(vec![arrival.ingested_at.0; rows]).with_timezone("UTC"))
            }
            "batch" => Arc::new(Int64Array::from(vec![arrival.batch; rows])),
            _ => Arc::clone(column),
        }
    });
    Ok(RecordBatch::try_new(Arc::clone(&LOG_SCHEMA), columns.collect())?)
}
