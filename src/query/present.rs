//! The tables of the present: `events`, `quarantine` and the facts, all of one state of the log.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::execution::session_state::SessionState;
use datafusion::prelude::{DataFrame, SessionContext, col, lit};

use crate::error::Result;
use crate::facts::layers::{Layers, Texts};
use crate::facts::manifest;
use crate::facts::manifest::Pointer;
use crate::facts::tables::{CALENDARS, DESK_EVENTS, FACT_TABLES};
use crate::log::LogFolder;
use crate::model::time::Instant;
use crate::query::schedule_runs::SCHEDULE_RUNS;
use crate::query::tables::{Deferred, Tables};
use crate::query::{functions, schedule_runs, shared, tables, views};
use crate::store::engine::Resources;

/// Every table and view over the facts as they are now, and what sessions over them start with: the settings of the engine
/// and the functions.
///
/// # Errors
/// When the store cannot be read, or its facts have never been made.
pub(super) async fn open(log: &LogFolder, resources: Resources) -> Result<(SessionState, Tables, Pointer)> {
    let session = shared::session(resources)?;
    let pointer = shared::pointer(log.store()).await?;
    let layers = Arc::new(Layers::open(&manifest::home(log.store()), &pointer).await?);
    functions::register(&session, functions::calendars_of(&layers.rows(&CALENDARS, &functions::OF_CALENDARS).await?)?);
    let state = session.state();
    let mut facts = Tables::new();
    for table in FACT_TABLES.into_iter().chain([DESK_EVENTS]) {
        let layers = Arc::clone(&layers);
        let made = Deferred::new(move || std::future::ready(layers.provider(&table, Texts::Views)));
        facts.insert(table.name.to_owned(), made);
    }
    let of_facts = tables::session(&state, &facts);
    let mut tables = facts;
    for view in views::of_facts() {
        let (session, end) = (of_facts.clone(), pointer.last_event_at_ms.map(Instant));
        let made = Deferred::new(move || {
            let session = session.clone();
            async move { view.over(&session, end).await }
        });
        tables.insert(view.name.to_owned(), made);
    }
    let (folder, batch) = (log.clone(), pointer.last_batch);
    let events = Deferred::new(move || events(of_facts.clone(), folder.clone(), batch));
    tables.insert("events".to_owned(), events);
    let (folder, session) = (log.clone(), SessionContext::new_with_state(state.clone()));
    let quarantine = Deferred::new(move || quarantine(session.clone(), folder.clone()));
    tables.insert("quarantine".to_owned(), quarantine);
    let store = log.store().clone();
    let runs = Deferred::new(move || {
        let store = store.clone();
        async move { schedule_runs::table(&store).await }
    });
    tables.insert(SCHEDULE_RUNS.to_owned(), runs);
    Ok((state, tables, pointer))
}

async fn events(session: SessionContext, log: LogFolder, batch: i64) -> Result<Arc<dyn TableProvider>> {
    let events = events_until(&session, &log, batch).await?;
    let (events, is_deleted) = shared::with_deletions(&session, events).await?;
    shared::events(events, is_deleted)
}

async fn quarantine(session: SessionContext, log: LogFolder) -> Result<Arc<dyn TableProvider>> {
    shared::quarantine(&session, log.log().await?, None)
}

/// The log up to that batch, for which facts stand.
async fn events_until(session: &SessionContext, log: &LogFolder, batch: i64) -> Result<DataFrame> {
    let log = log.log().await?;
    let newest = match log.last_batch()? < batch {
        // Another process has added to the log, and replayed it, since it was opened.
        true => log.reopen().await?.events,
        false => log.events.clone(),
    };
    let is_ahead = newest.last_batch()? > batch;
    let events = session.read_table(newest.provider()?)?;
    Ok(if is_ahead { events.filter(col("batch").lt_eq(lit(batch)))? } else { events })
}
