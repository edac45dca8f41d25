//! A session, and a database, over events in memory, without a store.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;

use crate::error::{Error, Result};
use crate::facts::manifest::Pointer;
use crate::log::rows::{Arrival, EventRowsBuilder};
use crate::model::time::Instant;
use crate::query::database::Database;
use crate::query::{functions, numbers, shared, views};
use crate::replay::replay_in_memory;
use crate::store::engine::Resources;
use crate::wire::line;

/// A session with `events`, every fact table and every view of these lines of the wire format, which must differ in
/// identity.
///
/// # Errors
/// When a line is refused, or there is not enough memory.
pub async fn open<'l>(lines: impl IntoIterator<Item = &'l [u8]>, resources: Resources) -> Result<SessionContext> {
    let (session, _) = open_with_numbers(lines, resources).await?;
    numbers::hide(&session).await?;
    Ok(session)
}

/// The same with the numbers of the cases.
async fn open_with_numbers<'l>(
    lines: impl IntoIterator<Item = &'l [u8]>,
    resources: Resources,
) -> Result<(SessionContext, Option<Instant>)> {
    let mut rows = EventRowsBuilder::new(Arrival { ingested_at: Instant(0), batch: 0 });
    let mut last_event_at = None;
    for text in lines {
        let event = line::parse(text).map_err(|refusal| Error::refused(refusal.to_string()))?;
        last_event_at = last_event_at.max(Some(event.time));
        rows.push(&event, 0, 0);
    }
    let log = rows.finish()?;
    let session = shared::session(resources)?;
    session.register_table("log", in_memory(log.clone())?)?;
    for (table, rows) in replay_in_memory(&session, resources).await? {
        session.register_table(table.name, rows)?;
    }
    let (events, is_deleted) = shared::with_deletions(&session, session.read_table(in_memory(log)?)?).await?;
    session.register_table("events", shared::events(events, is_deleted)?)?;
    functions::register(&session, functions::calendars(&session).await?);
    views::register(&session, last_event_at).await?;
    Ok((session, last_event_at))
}

/// A database of these lines, as [`open`] makes a session; it stands for no batch of a log.
///
/// # Errors
/// As [`open`].
pub async fn database<'l>(lines: impl IntoIterator<Item = &'l [u8]>, resources: Resources) -> Result<Database> {
    let (session, last_event_at) = open_with_numbers(lines, resources).await?;
    Database::of(&session, Pointer::default(), resources.memory_bytes, last_event_at).await
}

fn in_memory(rows: RecordBatch) -> Result<Arc<MemTable>> {
    Ok(Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows]])?))
}
