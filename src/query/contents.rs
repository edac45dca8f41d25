//! What the events of a moment are, in one number.

use datafusion::common::runtime::SpawnedTask;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;

use crate::error::Result;
use crate::log::Log;
use crate::query::moment::Moment;
use crate::store::contents::Contents;
use crate::store::engine;
use crate::store::engine::Resources;
use crate::store::table::scan;

/// The events of a log at a moment. Reads only files of which not all events belong to the moment, and those of older stores,
/// whose commits do not state what they have.
///
/// # Errors
/// When the log cannot be read.
pub async fn of(log: &Log, resources: Resources, moment: Moment) -> Result<Contents> {
    let (mut contents, mut others) = (Contents::default(), Vec::new());
    for file in log.events.entries()? {
        match file.events.filter(|_| moment.has_all_of(&file)) {
            Some(fingerprint) => contents += Contents { events: file.rows, fingerprint },
            None => others.push(file.path),
        }
    }
    if others.is_empty() {
        return Ok(contents);
    }
    let session = engine::session(resources)?;
    let events = session.read_table(scan(log.store(), &others, log.events.schema().clone())?)?;
    let rows = moment.events(events)?.select_columns(&Contents::COLUMNS)?.execute_stream_partitioned().await?;
    let parts: Vec<_> = rows.into_iter().map(|rows| SpawnedTask::spawn(of_rows(rows))).collect();
    for part in parts {
        contents += part.join().await.map_err(|error| DataFusionError::External(error.into()))??;
    }
    Ok(contents)
}

async fn of_rows(mut rows: SendableRecordBatchStream) -> Result<Contents> {
    let mut contents = Contents::default();
    while let Some(batch) = rows.next().await {
        contents += Contents::of(&batch?)?;
    }
    Ok(contents)
}
