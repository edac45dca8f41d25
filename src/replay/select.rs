//! The rows of the log that the steps of a replay read, as frames of the query engine.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use datafusion::prelude::{DataFrame, Expr, SessionContext, cast, col, ident, lit};
use datafusion::scalar::ScalarValue;

use crate::error::Result;
use crate::facts::layers::{Keys, Texts, key_filter, plain};
use crate::facts::tables::DESK_EVENTS;
use crate::model::desk::Desk;
use crate::model::event::EventType;
use crate::model::time::Instant;
use crate::replay::input::DESK_COLUMNS;

/// The events of the session's `log` that are about no case.
///
/// # Errors
/// When the session has no `log`.
pub async fn rank_0(context: &SessionContext) -> Result<DataFrame> {
    of_rank_0(context.table("log").await?)
}

/// Those of a frame of events that are about no case; row groups of others are passed over.
///
/// # Errors
/// When the frame has no `rank`.
pub fn of_rank_0(events: DataFrame) -> Result<DataFrame> {
    Ok(events.filter(col("rank").eq(lit(0)))?)
}

/// Those of a frame of events that the desk is made of (about people, profiles, policies, calendars and settings among
/// them), in the log's order, with plain texts.
///
/// # Errors
/// When a column is missing.
pub fn of_the_desk(events: DataFrame) -> Result<DataFrame> {
    let kinds = Desk::EVENT_TYPES.iter().map(|kind| lit(kind.name())).collect();
    let order = ["time", "sequence", "source", "id"].map(|name| col(name).sort(true, false));
    let columns: Vec<&str> = DESK_EVENTS.columns.iter().map(|(name, _)| *name).collect();
    let events = events.filter(col("type").in_list(kinds, false))?;
    Ok(plain_texts(events, &columns)?.sort(order.to_vec())?)
}

/// Those of a frame of events that are about customers, customer by customer, with plain texts.
///
/// # Errors
/// When a column is missing.
pub fn of_customers(events: DataFrame) -> Result<DataFrame> {
    let order = ["subject", "time", "sequence", "source", "id"].map(|name| col(name).sort(true, false));
    let events = of_rank_0(events)?.filter(col("type").eq(lit(EventType::CustomerUpdated.name())))?;
    Ok(plain_texts(events, &[DESK_COLUMNS, &["sequence"]].concat())?.sort(order.to_vec())?)
}

/// Those columns of a frame, texts as plain strings: what is sorted is read so, for views of a few rows keep whole pages
/// alive, and sorting would count those once for every batch.
///
/// # Errors
/// When there is no such column.
pub fn plain_texts(frame: DataFrame, columns: &[&str]) -> Result<DataFrame> {
    let selected = frame.select_columns(columns)?;
    let schema = plain(selected.schema().as_arrow());
    let columns = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 => cast(ident(field.name()), DataType::Utf8).alias(field.name()),
        _ => ident(field.name()),
    });
    let columns: Vec<_> = columns.collect();
    Ok(selected.select(columns)?)
}

/// The condition that a key of the log or of the facts, as replay reads them, is among those.
pub fn is_among(keys: &Arc<Keys>, column: &str, texts: Texts) -> Expr {
    let keys = Arc::clone(keys);
    key_filter("is_touched", column, texts, move |key| keys.contains(key))
}

/// An instant in a query.
#[must_use]
pub fn instant(time: Instant) -> Expr {
    lit(ScalarValue::TimestampMillisecond(Some(time.0), Some("UTC".into())))
}

/// Rows of the log with plain texts, as events about the desk are read.
///
/// # Errors
/// Arrow's, which would be a defect.
pub fn plain_rows(log: &RecordBatch) -> Result<RecordBatch> {
    let schema = plain(log.schema_ref());
    let columns = log.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| arrow::compute::cast(column, field.data_type()));
    Ok(RecordBatch::try_new(schema.clone(), columns.collect::<arrow::error::Result<_>>()?)?)
}
