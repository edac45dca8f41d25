//! Where queries see the log and the facts: one session of the engine with every table and view of 4 in it.

use datafusion::prelude::{DataFrame, Expr, JoinType, SessionContext, col, ident, lit};

use crate::error::{Error, Result};
use crate::facts::layers::Layers;
use crate::facts::manifest;
use crate::facts::manifest::Pointer;
use crate::facts::tables::FACT_TABLES;
use crate::log::Log;
use crate::log::rows::EVENT_COLUMNS;
use crate::model::time::Instant;
use crate::query::functions;
use crate::query::moment::without_text;
use crate::query::views;
use crate::replay::select::instant;
use crate::store::engine;
use crate::store::engine::Resources;

/// A session in which `events`, `quarantine` and the fact tables can be queried, all of one state of the log.
///
/// # Errors
/// When the store cannot be read, or its facts have never been made.
pub async fn open(log: &Log, resources: Resources) -> Result<(SessionContext, Pointer)> {
    let context = engine::session(resources)?;
    let pointer = pointer(log).await?;
    Layers::open(&manifest::home(log.store()), &pointer)?.register(&context)?;
    let events = events_until(&context, log, pointer.last_batch).await?;
    let (events, is_deleted) = with_deletions(&context, events).await?;
    register_events(&context, events, is_deleted)?;
    register_rest(&context, log, None, pointer.last_event_at_ms.map(Instant)).await?;
    Ok((context, pointer))
}

/// What the facts of a store stand for.
pub(super) async fn pointer(log: &Log) -> Result<Pointer> {
    Pointer::read(&manifest::home(log.store()))
        .await?
        .ok_or_else(|| Error::refused("the facts have not been made yet").with_hint("`casebook replay` makes them"))
}

/// What a session has beside facts and events. What is as of the end of the log is as of that instant.
pub(super) async fn register_rest(
    context: &SessionContext,
    log: &Log,
    known_at: Option<Instant>,
    end: Option<Instant>,
) -> Result<()> {
    let mut quarantine = context.read_table(log.quarantine.provider()?)?;
    if let Some(known_at) = known_at {
        quarantine = quarantine.filter(col("ingested_at").lt_eq(instant(known_at)))?;
    }
    context.register_table("quarantine", quarantine.into_view())?;
    hide_column(context, "quarantine", "bytes").await?;
    functions::register(context, functions::calendars(context).await?);
    views::register(context, end).await
}

/// The log up to that batch, for which facts stand.
async fn events_until(context: &SessionContext, log: &Log, batch: i64) -> Result<DataFrame> {
    let newest = match log.last_batch()? < batch {
        // Somebody has added to it and replayed it since it was opened.
        true => log.reopen().await?.events,
        false => log.events.clone(),
    };
    let is_ahead = newest.last_batch()? > batch;
    let events = context.read_table(newest.provider()?)?;
    Ok(if is_ahead { events.filter(col("batch").lt_eq(lit(batch)))? } else { events })
}

/// The names of every table that a session has, in the order of 4, and of the views behind them.
#[must_use]
pub fn table_names() -> Vec<&'static str> {
    let facts = FACT_TABLES.iter().map(|table| table.name);
    std::iter::once("events").chain(facts).chain(["quarantine"]).chain(views::names()).collect()
}

/// Events beside the deletion of their case, if the facts know of one, and the condition that there is one.
pub(super) async fn with_deletions(context: &SessionContext, events: DataFrame) -> Result<(DataFrame, Expr)> {
    let deleted = context.table("cases").await?.filter(col("deleted_at").is_not_null())?;
    let deleted = deleted.select(vec![col("case_id").alias("deleted_case")])?;
    let joined = events.join(deleted, JoinType::Left, &["case_id"], &["deleted_case"], None)?;
    Ok((joined, col("deleted_case").is_not_null()))
}

/// The log as SQL sees it; text and data of deleted cases read as null (2.6).
pub(super) fn register_events(context: &SessionContext, events: DataFrame, is_deleted: Expr) -> Result<()> {
    let columns = EVENT_COLUMNS.iter().map(|name| match *name {
        "text" | "data" => without_text(name, is_deleted.clone()),
        name => Ok(ident(name)),
    });
    let view = events.select(columns.collect::<Result<Vec<_>>>()?)?.into_view();
    context.register_table("events", view)?;
    Ok(())
}

/// Leaves a column out of a table that has been registered.
async fn hide_column(context: &SessionContext, table: &str, column: &str) -> Result<()> {
    let view = context.table(table).await?.drop_columns(&[column])?.into_view();
    context.deregister_table(table)?;
    context.register_table(table, view)?;
    Ok(())
}
