//! The tables of the present: `events`, `quarantine` and the facts, all of one state of the log.

use datafusion::prelude::{DataFrame, SessionContext, col, lit};

use crate::error::Result;
use crate::facts::layers::Layers;
use crate::facts::manifest;
use crate::facts::manifest::Pointer;
use crate::log::Log;
use crate::model::time::Instant;
use crate::query::shared;
use crate::store::engine;
use crate::store::engine::Resources;

/// A session of the engine with every table, view and function over the facts as they are now.
///
/// # Errors
/// When the store cannot be read, or its facts have never been made.
pub(super) async fn open(log: &Log, resources: Resources) -> Result<(SessionContext, Pointer)> {
    let session = engine::session(resources)?;
    let pointer = shared::pointer(log).await?;
    Layers::open(&manifest::home(log.store()), &pointer)?.register(&session)?;
    let events = events_until(&session, log, pointer.last_batch).await?;
    let (events, is_deleted) = shared::with_deletions(&session, events).await?;
    shared::register_events(&session, events, is_deleted)?;
    shared::register_rest(&session, log, None, pointer.last_event_at_ms.map(Instant)).await?;
    Ok((session, pointer))
}

/// The log up to that batch, for which facts stand.
async fn events_until(session: &SessionContext, log: &Log, batch: i64) -> Result<DataFrame> {
    let newest = match log.last_batch()? < batch {
        // Another process has added to the log, and replayed it, since it was opened.
        true => log.reopen().await?.events,
        false => log.events.clone(),
    };
    let is_ahead = newest.last_batch()? > batch;
    let events = session.read_table(newest.provider()?)?;
    Ok(if is_ahead { events.filter(col("batch").lt_eq(lit(batch)))? } else { events })
}
