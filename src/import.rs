//! Foreign exports become Casebook events: a CSV table and a [`Mapping`] in, lines of NDJSON out, one by one.
//!
//! Two ways through. A mapping whose every event needs only its own row and whose rows have a key is a plain stream. All others (the
//! first row of a case, a change within it, threads, rows without a key) go by way of a temporary file and a sort that spills, so
//! that the rows of a case come together, in order. Neither holds more than a few batches of rows in memory.
//!
//! This room only translates. It judges no event and remembers none: the log checks each line, sets broken ones aside and drops those
//! it has. What makes a second import add nothing is that the id of an event is a pure function of its row and of the mapping; the
//! order of the rows in the input, their files and their line endings play no part.

mod case;
mod document;
mod engine;
mod error;
mod event;
mod links;
mod mapping;
mod moment;
mod parse;
mod row;
mod spool;
mod table;
mod tally;
mod thread;
mod vocabulary;

use std::path::PathBuf;
use std::sync::Arc;

use futures::TryStreamExt;

pub use error::ImportError;
pub use mapping::Mapping;
pub use tally::{Malformed, Tally};

use case::Follow;
use engine::Workshop;
use event::{Watch, Writer};
use mapping::CaseOf;
use row::{Belongs, Place, Row};
use spool::{Ordered, Spool, Spooled};
use table::{Record, Table};

/// The name under which [`Tally::rows_left_out`] counts rows whose chain of parents has no root.
pub const CIRCLE: &str = "thread that runs in a circle";

/// One event, and the record it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventLine {
    /// A CloudEvent as one line of JSON, without the line ending.
    pub json: Vec<u8>,
    /// The table the record stands in; for the grace period the mapping.
    pub file: Arc<str>,
    /// Line on which the record begins, from 1.
    pub line: u64,
    /// Byte offset at which the record begins, after decompression.
    pub offset: u64,
}

/// What an import may use.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Memory in bytes, whatever the size of the input; values under 128 MiB count as 128 MiB.
    pub memory_bytes: usize,
    /// Folder for temporary files; the system's where absent.
    pub spill: Option<PathBuf>,
}

/// Whoever takes the events; an error ends the import. Rows are read no faster than it returns.
pub type Emit<'e> = &'e mut dyn FnMut(EventLine) -> Result<(), ImportError>;

/// Reads tables through a mapping and emits their events: first the one that states the grace period, then those of the rows.
///
/// The inputs are one table in several files, plain, `.gz` or `.zst`, each with a header of its own. Reading and `emit` block the
/// calling thread.
///
/// # Errors
/// An input that cannot be read, lacks a column of the mapping or has a record without end; a sort that fails; an error of `emit`.
/// Events emitted before the error are as good as any.
pub async fn read(
    mapping: &Mapping,
    inputs: &[PathBuf],
    limits: &Limits,
    emit: Emit<'_>,
) -> Result<Tally, ImportError> {
    let mut tally = Tally::default();
    let mut writer = Writer::new(mapping);
    writer.grace(&mut tally, emit)?;
    if mapping.needs_order() {
        in_order(mapping, inputs, limits, writer, &mut tally, emit).await?
    } else {
        as_they_come(mapping, inputs, &mut writer, &mut tally, emit)?
    }
    Ok(tally)
}

/// Every row on its own.
fn as_they_come(
    mapping: &Mapping,
    inputs: &[PathBuf],
    writer: &mut Writer<'_>,
    tally: &mut Tally,
    emit: Emit<'_>,
) -> Result<(), ImportError> {
    writer.files = names(inputs);
    walk(mapping, inputs, tally, &mut |row, belongs, tally| {
        writer.row(&belongs.id, row, &[], &mut Watch::default(), tally, emit).map(Ok)
    })
}

/// By way of a file and a sort.
async fn in_order(
    mapping: &Mapping,
    inputs: &[PathBuf],
    limits: &Limits,
    mut writer: Writer<'_>,
    tally: &mut Tally,
    emit: Emit<'_>,
) -> Result<(), ImportError> {
    let limits = Limits { memory_bytes: limits.memory_bytes.max(128 << 20), ..limits.clone() };
    let workshop = Workshop::open(&limits)?;
    let mut spool = Spool::create(&workshop.path("rows.parquet"), mapping, limits.memory_bytes)?;
    writer.files = names(inputs);
    walk(mapping, inputs, tally, &mut |row, belongs, _| spool.push(row, belongs))?;
    let Spooled { path, row_bytes_mean } = spool.close()?;
    let engine = workshop.engine(row_bytes_mean)?;
    engine.register("rows", &path).await?;
    if matches!(mapping.case, CaseOf::Thread { .. }) {
        thread::gather(&engine).await?;
    }
    let mut ordered = engine.stream(&ordered_rows(mapping)).await?;
    let mut follow = Follow::new(mapping, writer);
    tally.cases = Some(0);
    while let Some(batch) = ordered.try_next().await.map_err(ImportError::engine)? {
        for (case, row) in Ordered::of(&batch, mapping)?.rows() {
            match case {
                Some(case) => follow.row(case, &row, tally, emit)?,
                None => tally::count(&mut tally.rows_left_out, CIRCLE.to_owned()),
            }
        }
    }
    Ok(())
}

/// Takes a row and where it belongs. The outer error ends the import, the inner one says what is wrong with the row.
type TakeRow<'w> = &'w mut dyn FnMut(&Row<'_>, &Belongs<'_>, &mut Tally) -> Result<Result<(), String>, ImportError>;

/// Walks the rows of all tables, one table after the other.
fn walk(mapping: &Mapping, inputs: &[PathBuf], tally: &mut Tally, take: TakeRow<'_>) -> Result<(), ImportError> {
    for ((input, number), file) in inputs.iter().zip(0..).zip(names(inputs)) {
        let mut table = Table::open(input, mapping)?;
        while let Some(record) = table.next()? {
            let place = Place { file: number, line: record.line, offset: record.offset };
            let Some(row) = row(mapping, record, place, &file, tally) else { continue };
            let taken = match mapping.belongs(&row.cells) {
                Ok(belongs) => take(&row, &belongs, tally)?,
                Err(reason) => Err(reason),
            };
            if let Err(reason) = taken {
                tally.malformed(&file, place.line, reason);
            }
        }
        tally.bytes += table.bytes();
    }
    Ok(())
}

/// The names by which tables go in messages, by their numbers.
fn names(inputs: &[PathBuf]) -> Vec<Arc<str>> {
    inputs.iter().map(|input| input.display().to_string().into()).collect()
}

/// The row of a record, unless it is malformed or a filter holds it back; counts what it is.
fn row<'t>(mapping: &Mapping, record: Record<'t>, place: Place, file: &Arc<str>, tally: &mut Tally) -> Option<Row<'t>> {
    tally.rows_read += 1;
    let hash = record.hash();
    let cells = match record.cells {
        Ok(cells) if !mapping.lets_through(&cells) => {
            tally.rows_filtered += 1;
            return None;
        }
        other => other,
    };
    let row = cells.and_then(|cells| {
        mapping.instant(&cells).map(|(time_ms, sequence)| Row { cells, time_ms, sequence, hash, place })
    });
    row.map_err(|reason| tally.malformed(file, place.line, reason)).ok()
}

/// The rows by case, the head of a thread first, equal rows side by side. The hash stands before the place, so that rows the mapping's
/// order does not tell apart come in an order that does not depend on the file.
fn ordered_rows(mapping: &Mapping) -> String {
    let order = spool::order_columns(mapping);
    let (rows, head) = match mapping.case {
        CaseOf::Column(_) => ("(SELECT id AS case_id, * FROM rows)", ""),
        CaseOf::Thread { .. } => ("rows", "reply, "),
    };
    format!("SELECT * FROM {rows} ORDER BY case_id, {head}{order}, hash_high, hash_low, file, line")
}

#[cfg(test)]
mod tests;
