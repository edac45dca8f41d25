//! What every database has, whatever its moment: the events with the texts of deleted cases left out, the quarantine, the
//! functions and the views.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::prelude::{DataFrame, Expr, JoinType, SessionContext, col, ident, lit, when};
use datafusion::scalar::ScalarValue;

use crate::error::{Error, Result};
use crate::facts::manifest;
use crate::facts::manifest::Pointer;
use crate::log::Log;
use crate::log::rows::EVENT_COLUMNS;
use crate::model::time::Instant;
use crate::query::conditions::CheapFirst;
use crate::query::schedule_runs::SCHEDULE_RUNS;
use crate::query::{functions, schedule_runs, views};
use crate::replay::select::instant;
use crate::store::engine;
use crate::store::engine::Resources;
use crate::store::objects::Store;

/// A session of the engine for questions, without tables.
pub(super) fn session(resources: Resources) -> Result<SessionContext> {
    let session = engine::session(resources)?;
    session.add_optimizer_rule(Arc::new(CheapFirst));
    Ok(session)
}

/// What the facts of a store stand for.
pub(super) async fn pointer(store: &Store) -> Result<Pointer> {
    Pointer::read(&manifest::home(store))
        .await?
        .ok_or_else(|| Error::refused("the facts have not been made yet").with_hint("`casebook replay` makes them"))
}

/// Registers what a session has beside facts and events: the quarantine as of `known_at`, the functions and the views.
/// Views that are as of the end of the log are as of `end`.
pub(super) async fn register_rest(
    session: &SessionContext,
    log: &Log,
    known_at: Option<Instant>,
    end: Option<Instant>,
) -> Result<()> {
    session.register_table("quarantine", quarantine(session, log, known_at)?)?;
    session.register_table(SCHEDULE_RUNS, schedule_runs::table(log.store()).await?)?;
    functions::register(session, functions::calendars(session).await?);
    views::register(session, end).await
}

/// The lines that were set aside by `known_at`.
pub(super) fn quarantine(
    session: &SessionContext,
    log: &Log,
    known_at: Option<Instant>,
) -> Result<Arc<dyn TableProvider>> {
    let mut quarantine = session.read_table(log.quarantine.provider()?)?;
    if let Some(known_at) = known_at {
        quarantine = quarantine.filter(col("ingested_at").lt_eq(instant(known_at)))?;
    }
    Ok(quarantine.drop_columns(&["bytes"])?.into_view())
}

/// Events joined with the deletion of their case, if the facts contain one, and the condition that there is one.
pub(super) async fn with_deletions(session: &SessionContext, events: DataFrame) -> Result<(DataFrame, Expr)> {
    let deleted = session.table("cases").await?.filter(col("deleted_at").is_not_null())?;
    let deleted = deleted.select(vec![col("case_id").alias("deleted_case")])?;
    let joined = events.join(deleted, JoinType::Left, &["case_id"], &["deleted_case"], None)?;
    Ok((joined, col("deleted_case").is_not_null()))
}

/// The log as SQL sees it; text and data of deleted cases read as null (2.6).
pub(super) fn events(events: DataFrame, is_deleted: Expr) -> Result<Arc<dyn TableProvider>> {
    let columns = EVENT_COLUMNS.iter().map(|name| match *name {
        "text" | "data" => without_text(name, is_deleted.clone()),
        name => Ok(ident(name)),
    });
    Ok(events.select(columns.collect::<Result<Vec<_>>>()?)?.into_view())
}

/// A column that is null where a case is deleted.
pub(super) fn without_text(column: &str, is_deleted: Expr) -> Result<Expr> {
    Ok(when(is_deleted, lit(ScalarValue::Null)).otherwise(ident(column))?.alias(column))
}
