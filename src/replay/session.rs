//! Where queries see the log and the facts: one session of the engine with every table and view of 4 in it.

use std::sync::Arc;

use datafusion::prelude::{DataFrame, SessionContext, col, lit, when};

use super::engine::{self, Resources};
use super::facts::{self, Pointer};
use super::functions;
use super::layers::Layers;
use super::tables::FACT_TABLES;
use super::views;
use crate::error::{Error, Result};
use crate::log::Log;
use crate::log::rows::EVENT_COLUMNS;
use crate::model::time::Instant;

/// A session in which `events`, `quarantine` and the fact tables can be queried, all of one state of the log.
///
/// # Errors
/// When the store cannot be read, or its facts have never been made.
pub async fn open(log: &Log, resources: Resources) -> Result<(SessionContext, Pointer)> {
    let context = engine::session(resources)?;
    let home = facts::home(log.store());
    let pointer = Pointer::read(&home)?
        .ok_or_else(|| Error::refused("the facts have not been made yet").with_hint("`casebook replay` makes them"))?;
    Layers::open(&home, &pointer)?.register(&context)?;
    register_events(&context, events_until(&context, log, pointer.last_batch).await?).await?;
    context.register_table("quarantine", log.quarantine.provider()?)?;
    hide_column(&context, "quarantine", "bytes").await?;
    functions::register(&context, functions::calendars(&context).await?);
    views::register(&context, pointer.last_event_at_ms.map(Instant)).await?;
    Ok((context, pointer))
}

/// The log up to that batch, for which facts stand.
async fn events_until(context: &SessionContext, log: &Log, batch: i64) -> Result<DataFrame> {
    let newest = match log.last_batch()? < batch {
        // Somebody has added to it and replayed it since it was opened.
        true => Log::open(log.store()).await?.events,
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

/// The log as of the facts' version; text and data of deleted cases read as null (2.6).
pub(super) async fn register_events(context: &SessionContext, events: DataFrame) -> Result<()> {
    let deleted = context.table("cases").await?.filter(col("deleted_at").is_not_null())?;
    let deleted = deleted.select(vec![col("case_id").alias("deleted_case")])?;
    let joined = events.join(deleted, datafusion::prelude::JoinType::Left, &["case_id"], &["deleted_case"], None)?;
    let columns = EVENT_COLUMNS.iter().map(|name| match *name {
        "text" | "data" => {
            let kept = when(col("deleted_case").is_null(), col(*name))
                .otherwise(lit(datafusion::scalar::ScalarValue::Null))?;
            Ok(kept.alias(*name))
        }
        name => Ok(datafusion::prelude::ident(name)),
    });
    let columns = columns.collect::<datafusion::error::Result<Vec<_>>>()?;
    let view = joined.select(columns)?.into_view();
    context.register_table("events", Arc::clone(&view))?;
    Ok(())
}

/// Leaves a column out of a table that has been registered.
async fn hide_column(context: &SessionContext, table: &str, column: &str) -> Result<()> {
    let view = context.table(table).await?.drop_columns(&[column])?.into_view();
    context.deregister_table(table)?;
    context.register_table(table, view)?;
    Ok(())
}
