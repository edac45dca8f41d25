//! Foreign exports become Casebook events: inputs and a [`Mapping`] in, lines of NDJSON out, one by one.
//!
//! There are two ways. If every event of a mapping needs only its own row, and rows have a key, rows are translated as they come. All
//! other mappings (the first row of a case, a change within it, threads, rows without a key) need a temporary file and a sort that
//! spills, which bring the rows of a case together, in order. Neither holds more than a few batches of rows in memory.
//!
//! This module only translates. It checks no event and keeps none: the log checks each line, sets broken ones aside and drops those
//! that it has. A second import adds nothing, because the id of an event is a pure function of its row and of the mapping; the order
//! of the rows in the input, their files and their line endings do not matter.
//!
//! `reader` turns an input of any format into records of cells, `mapping` states what they become, `event` writes it.

mod batch;
mod case;
mod cell;
mod condition;
mod document;
pub mod draft;
pub mod dry_run;
mod duration;
mod event;
mod instants;
mod known;
mod links;
mod lookup;
mod mapping;
mod parse;
mod path;
mod reader;
mod record;
mod route;
mod row;
mod seen;
mod spool;
mod tally;
mod thread;
mod time_rule;
mod view;
mod vocabulary;
mod workspace;

use std::cell::RefCell;
use std::sync::Arc;

use futures::TryStreamExt;
use serde_json::Value as Json;

pub use event::{Emit, Output, ReadRow};
pub use known::Known;
pub use mapping::{BUILT_IN_FILE, Mapping};
pub use route::{Conversation, KnownCases, RoutedEvent};
pub use tally::{LeftOut, Malformed, Reason, Tally};
pub use vocabulary::event_types;
pub use workspace::Limits;

use batch::Batch;
use case::CaseWriter;
use event::EventWriter;
use mapping::CaseOf;
use reader::Reader;
use record::RecordRow;
use row::{Belongs, Place, Row, RowResult};
use seen::Seen;
use spool::{Ordered, Spool, Spooled, cannot_sort};
use workspace::Workspace;

use crate::error::{Error, Result};
use crate::input::piece::Quarantined;
use crate::input::source::Source;
use crate::store::cores::map_in_order;

/// The name under which [`Tally::rows_left_out`] counts rows whose chain of parents has no root.
pub const CIRCLE: &str = "thread that runs in a circle";
/// The rule that a row breaks which cannot be read.
const UNREADABLE: &str = "unreadable_row";

/// Reads inputs through a mapping and emits their events: first the one that states the grace period, then those of the rows. Rows
/// that cannot be read are emitted as such, each as a JSON object that the same mapping reads once it is repaired.
///
/// The inputs are one table in several files, plain, `.gz` or `.zst`, each with a header of its own, or JSON. Reading and `emit` block
/// the calling thread.
///
/// # Errors
/// An input that cannot be read, is not a table, lacks a column of the mapping or has a record that is too long; a rule none of whose
/// events can be made because of what its cells have; a sort that fails; an error of `emit`. Events emitted before the error are valid.
pub async fn read(
    mapping: &Mapping,
    inputs: &[Source],
    known: &Known,
    limits: &Limits,
    emit: Emit<'_>,
) -> Result<Tally> {
    let tally = read_all(mapping, inputs, known, limits, 0, emit).await?;
    no_events(mapping, &tally).map_or(Ok(tally), Err)
}

/// The same, also where none of the events of a rule can be made. The first `rows_shown` rows are emitted as well, each before its events.
async fn read_all(
    mapping: &Mapping,
    inputs: &[Source],
    known: &Known,
    limits: &Limits,
    rows_shown: u64,
    emit: Emit<'_>,
) -> Result<Tally> {
    let mut files = inputs.iter().filter(|input| !input.may_never_end());
    files.try_for_each(|input| Reader::open(input, mapping).map(drop))?;
    let mut tally = Tally::default();
    let mut writer = EventWriter::new(mapping, known);
    writer.files = inputs.iter().map(|input| input.name().into()).collect();
    writer.rows_shown = rows_shown;
    if !known.grace_is_stated {
        writer.grace(emit)?;
    }
    if mapping.needs_order() {
        in_order(mapping, inputs, limits, writer, &mut tally, emit).await?
    } else {
        as_they_come(mapping, inputs, limits.threads, &writer, &mut tally, emit)?
    }
    Ok(tally)
}

/// The error of a rule all of whose events are left out because of what its cells have.
fn no_events(mapping: &Mapping, tally: &Tally) -> Option<Error> {
    let (reason, left) = tally.rule_without_events()?;
    let value = left.frequent(1).first().map_or_else(String::new, |(value, _)| format!(", such as `{value}`"));
    let message = format!("`{}`: none of its {} events can be made: {}{value}", reason.rule, left.count, reason.reason);
    let hint = "state the `format` and the `zone` of its time, or what else its cells hold, in the mapping";
    Some(Error::invalid(&*mapping.file, message).with_hint(hint))
}

/// Translates every row on its own, on several threads; one more reads.
fn as_they_come(
    mapping: &Mapping,
    inputs: &[Source],
    threads: usize,
    writer: &EventWriter<'_>,
    tally: &mut Tally,
    emit: Emit<'_>,
) -> Result<()> {
    let read = |send: &mut dyn FnMut(Batch) -> Result<()>| {
        let (batch, mut tally) = (RefCell::new(Batch::default()), Tally::default());
        let mut aside = |output| {
            batch.borrow_mut().output(output);
            Ok(())
        };
        each_row(mapping, inputs, writer, &mut tally, &mut aside, &mut |row, belongs, _, _| {
            let mut rows = batch.borrow_mut();
            rows.row(row, belongs);
            if rows.is_full() { send(std::mem::take(&mut *rows)).map(Ok) } else { Ok(Ok(())) }
        })?;
        send(batch.take())?;
        Ok(tally)
    };
    let of_reading = map_in_order(
        threads,
        read,
        |batch| batch.written(writer),
        |written| {
            let (outputs, of_batch) = written?;
            tally.add(of_batch);
            outputs.into_iter().try_for_each(&mut *emit)
        },
    )?;
    tally.add(of_reading);
    Ok(())
}

/// Translates the rows of each case in order, after a file and a sort.
async fn in_order(
    mapping: &Mapping,
    inputs: &[Source],
    limits: &Limits,
    writer: EventWriter<'_>,
    tally: &mut Tally,
    emit: Emit<'_>,
) -> Result<()> {
    let limits = Limits { memory_bytes: limits.memory_bytes.max(128 << 20), ..limits.clone() };
    let workspace = Workspace::open(&limits)?;
    let mut spool = Spool::create(&workspace.path("rows.parquet"), mapping, limits.memory_bytes)?;
    each_row(mapping, inputs, &writer, tally, emit, &mut |row, belongs, _, _| spool.push(row, belongs))?;
    let Spooled { path, row_bytes_mean } = spool.close()?;
    let engine = workspace.engine(row_bytes_mean)?;
    engine.register("rows", &path).await?;
    if matches!(mapping.case, CaseOf::Thread { .. }) {
        thread::gather(&engine).await?;
    }
    let mut ordered = engine.stream(&ordered_rows(mapping)).await?;
    let mut follow = CaseWriter::new(mapping, writer);
    tally.cases = Some(0);
    while let Some(batch) = ordered.try_next().await.map_err(cannot_sort)? {
        for (case, row) in Ordered::of(&batch, mapping)?.rows() {
            match case {
                Some(case) => follow.row(case, &row, tally, emit)?,
                None => tally::count(&mut tally.rows_left_out, CIRCLE),
            }
        }
    }
    Ok(())
}

/// Takes a row and the case it belongs to. The outer error ends the import, the inner one is what is wrong with the row.
type TakeRow<'w> = &'w mut dyn FnMut(&Row<'_>, &Belongs<'_>, &mut Tally, Emit<'_>) -> Result<RowResult<()>>;

/// Reads the rows of all inputs, one after the other. Those that cannot be read are emitted as such.
fn each_row(
    mapping: &Mapping,
    inputs: &[Source],
    writer: &EventWriter<'_>,
    tally: &mut Tally,
    emit: Emit<'_>,
    take: TakeRow<'_>,
) -> Result<()> {
    let mut seen = Seen::default();
    for ((input, number), file) in inputs.iter().zip(0..).zip(&writer.files) {
        let reader = Reader::open(input, mapping)?;
        let ended = reader.read(&mut |record, whole| {
            let place = Place { file: number, line: record.line, offset: record.offset };
            let outcome = match &record.problem {
                Some(reason) => {
                    tally.rows_read += 1;
                    Err(reason.clone())
                }
                None => rows_of(writer, record.rows(mapping.columns.len()), place, tally, emit, take)?,
            };
            let Err(reason) = outcome else { return Ok(()) };
            tally.malformed(file, place.line, reason.clone());
            emit(Output::SetAside(set_aside(file, place, reason, &whole())))
        })?;
        tally.bytes += ended.bytes;
        for (reason, count) in &ended.left_out {
            *tally.rows_left_out.entry(reason.clone()).or_default() += count;
        }
        seen.add(&ended);
    }
    tally.columns_absent = seen.absent(mapping)?;
    Ok(())
}

/// The rows of one record. The inner error is what is wrong with the record.
fn rows_of<'r>(
    writer: &EventWriter<'_>,
    rows: impl Iterator<Item = RecordRow<'r>>,
    place: Place,
    tally: &mut Tally,
    emit: Emit<'_>,
    take: TakeRow<'_>,
) -> Result<RowResult<()>> {
    let mapping = writer.mapping;
    for row in rows {
        tally.rows_read += u64::from(row.level == 0);
        if !mapping.accepts(&row.cells) {
            tally.rows_filtered += u64::from(row.level == 0);
            continue;
        }
        if (1..=writer.rows_shown).contains(&tally.rows_accepted()) {
            emit(Output::Row(writer.shown(&row, place)))?;
        }
        let (time, sequence) = match mapping.instant(&row.cells) {
            Ok(instant) => instant,
            Err(reason) => return Ok(Err(reason)),
        };
        let RecordRow { level, index, cells, hash } = row;
        let row = Row { cells, level, index, time, sequence, hash, place };
        let taken = match writer.belongs(&row.cells) {
            Ok(belongs) => take(&row, &belongs, tally, emit)?,
            Err(reason) => Err(reason),
        };
        if taken.is_err() {
            return Ok(taken);
        }
    }
    Ok(Ok(()))
}

/// A row that cannot be read, as a JSON object.
fn set_aside(file: &Arc<str>, place: Place, detail: String, whole: &Json) -> Quarantined {
    let bytes = whole.to_string().into_bytes();
    Quarantined { file: file.clone(), line: place.line, offset: place.offset, rule: UNREADABLE, detail, bytes }
}

/// The rows by case, or by conversation where messages are routed; the first message of a thread first, equal rows side by side. The hash
/// comes before the place, so that rows which the mapping's order leaves equal come in an order that does not depend on the file.
fn ordered_rows(mapping: &Mapping) -> String {
    let order = spool::order_columns(mapping);
    let (rows, root) = match mapping.case {
        CaseOf::Column(_) => ("(SELECT id AS case_id, * FROM rows)", ""),
        CaseOf::Route { .. } => ("(SELECT parent AS case_id, * FROM rows)", ""),
        CaseOf::Thread { .. } => ("rows", "reply, "),
    };
    format!("SELECT * FROM {rows} ORDER BY case_id, {root}{order}, hash_high, hash_low, file, line")
}

#[cfg(test)]
mod tests;
