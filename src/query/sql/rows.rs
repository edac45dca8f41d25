//! The rows of one query in memory, for an answer that is sent as a whole.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::DataFrame;
use futures::TryStreamExt;

use super::problem;
use super::script::Script;
use crate::error::{Error, Result};
use crate::query::database::Database;

/// Bytes of the rows of one answer, so that one client does not take the memory of all.
const BYTES_MAX: usize = 256 << 20;

/// The rows of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    pub batch: RecordBatch,
    /// Whether there are more, which are left out.
    pub is_cut: bool,
}

/// Asks one query, of which at most that many rows are taken.
///
/// # Errors
/// When it is not one query that reads, fails, or has more rows than an answer may have.
pub async fn rows(database: &Database, script: &Script, limit: Option<usize>) -> Result<Rows> {
    let session = super::session(database);
    let mut plans = super::plans(&session, script).await?;
    let (Some(plan), true) = (plans.pop(), plans.is_empty()) else {
        let error = Error::invalid(&script.name, "there are several queries, expected one");
        return Err(error.with_hint("ask one after the other"));
    };
    let stream = super::run(&session, plan, script).await?;
    within(stream, limit, |error| problem::failed(error, script)).await
}

/// The rows of a frame.
///
/// # Errors
/// When they cannot be read, or are more than an answer may have.
pub async fn rows_of(frame: DataFrame) -> Result<RecordBatch> {
    Ok(within(frame.execute_stream().await?, None, Error::from).await?.batch)
}

async fn within(
    mut stream: SendableRecordBatchStream,
    limit: Option<usize>,
    problem: impl Fn(DataFusionError) -> Error,
) -> Result<Rows> {
    let schema = stream.schema();
    let (mut batches, mut bytes, mut rows) = (Vec::new(), 0, 0);
    while let Some(batch) = stream.try_next().await.map_err(&problem)? {
        bytes += batch.get_array_memory_size();
        rows += batch.num_rows();
        batches.push(batch);
        if limit.is_some_and(|limit| rows > limit) {
            break;
        }
        if bytes > BYTES_MAX {
            let error = Error::refused("the answer has more rows than one answer may have");
            return Err(error.with_hint("select fewer columns or rows, or read it by the Postgres wire in parts"));
        }
    }
    let shown = limit.map_or(rows, |limit| limit.min(rows));
    Ok(Rows { batch: concat_batches(&schema, &batches)?.slice(0, shown), is_cut: shown < rows })
}
