//! Foreign exports become Casebook events: a CSV table and a [`Mapping`] in, lines of NDJSON out, one by one.
//!
//! There are two ways. If every event of a mapping needs only its own row, and rows have a key, rows are translated as they come. All
//! other mappings (the first row of a case, a change within it, threads, rows without a key) need a temporary file and a sort that
//! spills, which bring the rows of a case together, in order. Neither holds more than a few batches of rows in memory.
//!
//! This module only translates. It checks no event and keeps none: the log checks each line, sets broken ones aside and drops those
//! that it has. A second import adds nothing, because the id of an event is a pure function of its row and of the mapping; the order
//! of the rows in the input, their files and their line endings do not matter.

mod case;
mod cell;
mod document;
mod event;
mod links;
mod mapping;
mod parse;
mod row;
mod spool;
mod table;
mod tally;
mod thread;
mod time_rule;
mod vocabulary;
mod workspace;

use std::path::PathBuf;
use std::sync::Arc;

use futures::TryStreamExt;

pub use event::Emit;
pub use mapping::Mapping;
pub use tally::{Malformed, Tally};
pub use workspace::Limits;

use case::CaseWriter;
use event::{CaseState, EventWriter};
use mapping::CaseOf;
use row::{Belongs, Place, Row, RowResult};
use spool::{Ordered, Spool, Spooled, cannot_sort};
use table::{Record, Table};
use workspace::Workspace;

use crate::error::Result;
use crate::input::format::InputFormat;
use crate::input::source::check_file;

/// The name under which [`Tally::rows_left_out`] counts rows whose chain of parents has no root.
pub const CIRCLE: &str = "thread that runs in a circle";

/// Reads tables through a mapping and emits their events: first the one that states the grace period, then those of the rows.
///
/// The inputs are one table in several files, plain, `.gz` or `.zst`, each with a header of its own. Reading and `emit` block the
/// calling thread.
///
/// # Errors
/// An input that cannot be read, is not a table, lacks a column of the mapping or has a record that is too long; a sort that fails;
/// an error of `emit`. Events emitted before the error are valid.
pub async fn read(mapping: &Mapping, inputs: &[PathBuf], limits: &Limits, emit: Emit<'_>) -> Result<Tally> {
    inputs.iter().try_for_each(|input| check_file(input, InputFormat::Csv))?;
    let mut tally = Tally::default();
    let mut writer = EventWriter::new(mapping);
    writer.grace(&mut tally, emit)?;
    if mapping.needs_order() {
        in_order(mapping, inputs, limits, writer, &mut tally, emit).await?
    } else {
        as_they_come(mapping, inputs, &mut writer, &mut tally, emit)?
    }
    Ok(tally)
}

/// Translates every row on its own.
fn as_they_come(
    mapping: &Mapping,
    inputs: &[PathBuf],
    writer: &mut EventWriter<'_>,
    tally: &mut Tally,
    emit: Emit<'_>,
) -> Result<()> {
    writer.files = names(inputs);
    each_row(mapping, inputs, tally, &mut |row, belongs, tally| {
        writer.row(&belongs.id, row, &[], &mut CaseState::default(), tally, emit).map(Ok)
    })
}

/// Translates the rows of each case in order, after a file and a sort.
async fn in_order(
    mapping: &Mapping,
    inputs: &[PathBuf],
    limits: &Limits,
    mut writer: EventWriter<'_>,
    tally: &mut Tally,
    emit: Emit<'_>,
) -> Result<()> {
    let limits = Limits { memory_bytes: limits.memory_bytes.max(128 << 20), ..limits.clone() };
    let workspace = Workspace::open(&limits)?;
    let mut spool = Spool::create(&workspace.path("rows.parquet"), mapping, limits.memory_bytes)?;
    writer.files = names(inputs);
    each_row(mapping, inputs, tally, &mut |row, belongs, _| spool.push(row, belongs))?;
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
                None => tally::count(&mut tally.rows_left_out, CIRCLE.to_owned()),
            }
        }
    }
    Ok(())
}

/// Takes a row and the case it belongs to. The outer error ends the import, the inner one is what is wrong with the row.
type TakeRow<'w> = &'w mut dyn FnMut(&Row<'_>, &Belongs<'_>, &mut Tally) -> Result<RowResult<()>>;

/// Reads the rows of all tables, one table after the other.
fn each_row(mapping: &Mapping, inputs: &[PathBuf], tally: &mut Tally, take: TakeRow<'_>) -> Result<()> {
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

/// The names of the tables in messages, by their numbers.
fn names(inputs: &[PathBuf]) -> Vec<Arc<str>> {
    inputs.iter().map(|input| input.display().to_string().into()).collect()
}

/// The row of a record, unless it is malformed or a filter leaves it out. Counts it in the tally.
fn row<'t>(mapping: &Mapping, record: Record<'t>, place: Place, file: &Arc<str>, tally: &mut Tally) -> Option<Row<'t>> {
    tally.rows_read += 1;
    let hash = record.hash();
    let cells = match record.cells {
        Ok(cells) if !mapping.accepts(&cells) => {
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

/// The rows by case, the first message of a thread first, equal rows side by side. The hash comes before the place, so that rows which
/// the mapping's order leaves equal come in an order that does not depend on the file.
fn ordered_rows(mapping: &Mapping) -> String {
    let order = spool::order_columns(mapping);
    let (rows, root) = match mapping.case {
        CaseOf::Column(_) => ("(SELECT id AS case_id, * FROM rows)", ""),
        CaseOf::Thread { .. } => ("rows", "reply, "),
    };
    format!("SELECT * FROM {rows} ORDER BY case_id, {root}{order}, hash_high, hash_low, file, line")
}

#[cfg(test)]
mod tests;
