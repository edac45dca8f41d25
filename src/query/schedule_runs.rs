//! The runs of schedules as SQL sees them: the run log of the store, read when a question first asks for it.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringViewArray, TimestampMillisecondArray, UInt32Array};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use serde_json::json;

use crate::error::Result;
use crate::model::content::Holds;
use crate::model::time::Instant;
use crate::store::objects::Store;
use crate::store::run_log::{Delivery, Run, RunKey, RunLog};

/// The name of the table.
pub const SCHEDULE_RUNS: &str = "schedule_runs";

/// What the columns of texts hold. Deliveries and errors name mail addresses.
pub const SCHEDULE_RUNS_HOLD: &[(&str, Holds)] = &[
    ("name", Holds::Thing),
    ("state", Holds::Thing),
    ("outputs", Holds::Thing),
    ("deliveries", Holds::Raw),
    ("error", Holds::Raw),
];

/// The table of every run that the store has.
///
/// # Errors
/// When the run log cannot be read.
pub(super) async fn table(store: &Store) -> Result<Arc<dyn TableProvider>> {
    let (runs, deliveries) = match RunLog::existing(store).await? {
        Some(log) => (log.runs().await?, log.all_deliveries().await?),
        None => (Vec::new(), Vec::new()),
    };
    let rows = rows(&runs, deliveries)?;
    Ok(Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows]])?))
}

fn rows(runs: &[Run], deliveries: Vec<Delivery>) -> Result<RecordBatch> {
    let mut of_runs: HashMap<RunKey, Vec<serde_json::Value>> = HashMap::new();
    for delivery in deliveries {
        of_runs.entry(delivery.key.run.clone()).or_default().push(shown(&delivery));
    }
    let delivered = |run: &Run| json!(of_runs.get(&run.key).map_or(&[][..], Vec::as_slice)).to_string();
    let instants = |of: fn(&Run) -> Option<Instant>| -> ArrayRef {
        let values = runs.iter().map(|run| of(run).map(|instant| instant.0));
        Arc::new(values.collect::<TimestampMillisecondArray>().with_timezone("UTC"))
    };
    let texts = |values: Vec<Option<&str>>| -> ArrayRef { Arc::new(StringViewArray::from_iter(values)) };
    let deliveries: Vec<String> = runs.iter().map(delivered).collect();
    Ok(RecordBatch::try_from_iter_with_nullable([
        ("name", texts(runs.iter().map(|run| Some(run.key.name.as_str())).collect()), false),
        ("scheduled_at", instants(|run| Some(run.key.scheduled_at)), false),
        ("started_at", instants(|run| run.started_at), true),
        ("ended_at", instants(|run| run.ended_at), true),
        ("state", texts(runs.iter().map(|run| Some(run.state.name())).collect()), false),
        ("attempts", Arc::new(runs.iter().map(|run| Some(run.attempts)).collect::<UInt32Array>()), false),
        ("last_batch", Arc::new(runs.iter().map(|run| run.last_batch).collect::<Int64Array>()), true),
        ("outputs", texts(runs.iter().map(|run| Some(run.outputs.as_str())).collect()), false),
        ("deliveries", texts(deliveries.iter().map(|text| Some(text.as_str())).collect()), false),
        ("error", texts(runs.iter().map(|run| run.error.as_deref()).collect()), true),
    ])?)
}

/// A delivery as JSON.
fn shown(delivery: &Delivery) -> serde_json::Value {
    let Delivery { key, state, attempts, is_repeat, first_attempt_at, ended_at, receipt, error, .. } = delivery;
    json!({
        "kind": key.kind.name(),
        "target": key.target,
        "recipient": Some(key.recipient.as_str()).filter(|recipient| !recipient.is_empty()),
        "state": state.name(),
        "attempts": attempts,
        "repeat": is_repeat,
        "first_attempt_at": first_attempt_at,
        "ended_at": ended_at,
        "receipt": receipt,
        "error": error,
    })
}
