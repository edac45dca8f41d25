//! Reads the events about the desk, in the order of the log.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMillisecondType};
use datafusion::prelude::{col, lit};

use super::kind::Kind;
use super::state::DeskEvent;
use crate::error::{Error, Result};
use crate::log::Log;
use crate::model::event::EventType;
use crate::model::time::Instant;
use crate::store::engine;
use crate::store::engine::Resources;

const COLUMNS: &[&str] = &["time", "sequence", "type", "subject", "data"];

/// Reads the events that state and remove things of a [`Kind`].
///
/// # Errors
/// When the store cannot be read.
pub async fn read(log: &Log, resources: Resources) -> Result<Vec<DeskEvent>> {
    let context = engine::session(resources)?;
    context.register_table("log", log.events.provider()?)?;
    let types = Kind::ALL.iter().flat_map(|kind| [Some(kind.updated()), kind.removed()]);
    let types = types.flatten().map(|kind| lit(kind.name())).collect();
    let order = ["time", "sequence", "source", "id"].map(|name| col(name).sort(true, false));
    let of_the_desk = col("rank").eq(lit(0)).and(col("type").in_list(types, false));
    let events = context.table("log").await?.filter(of_the_desk)?.sort(order.to_vec())?;
    let batches = events.select_columns(COLUMNS)?.collect().await?;
    let events = batches.iter().map(events_of).collect::<Result<Vec<_>>>()?;
    Ok(events.into_iter().flatten().collect())
}

fn events_of(batch: &RecordBatch) -> Result<Vec<DeskEvent>> {
    let column = |name: &str| {
        let lacks = || Error::invalid("table `events`", format!("there is no column `{name}`"));
        batch.column_by_name(name).ok_or_else(lacks)
    };
    let times = column("time")?.as_primitive::<TimestampMillisecondType>();
    let sequences = column("sequence")?.as_primitive::<Int64Type>();
    let types = column("type")?.as_string_view();
    let subjects = column("subject")?.as_string_view();
    let data = column("data")?.as_string_view();
    let event = |row: usize| {
        Some(DeskEvent {
            time: Instant(times.value(row)),
            sequence: sequences.value(row),
            kind: EventType::parse(types.value(row))?,
            subject: subjects.value(row).to_owned(),
            data: serde_json::from_str(data.value(row)).ok()?,
        })
    };
    Ok((0..batch.num_rows()).filter_map(event).collect())
}
