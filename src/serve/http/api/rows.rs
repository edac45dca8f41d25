//! The rows of a query.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::TryStreamExt;

use crate::error::Error;
use crate::metric::numbers::joined;
use crate::query::sql::{self, Script};
use crate::serve::http::app::App;
use crate::serve::http::problem::Problem;
use crate::serve::http::visitor::Visitor;

/// Rows that a page shows.
pub const ROWS_SHOWN: usize = 500;
/// Bytes of the rows of one answer, so that one client does not take the memory of all.
const BYTES_MAX: usize = 256 << 20;

/// The rows of a query.
pub struct Rows {
    pub batch: RecordBatch,
    /// Whether there are more, which are not shown.
    pub is_cut: bool,
}

/// Asks one query, of which at most that many rows are taken.
///
/// # Errors
/// When it is not one query that reads, fails, or has more rows than an answer may have.
pub async fn ask(app: &App, visitor: &Visitor, query: &str, limit: Option<usize>) -> Result<Rows, Problem> {
    let asked = async {
        let database = app.engine.database(&visitor.viewer).await?;
        let script = Script { name: "query".to_owned(), text: query.to_owned(), reader: "this process" };
        let session = sql::session(&database);
        let mut plans = sql::plans(&session, &script).await?;
        let (Some(plan), true) = (plans.pop(), plans.is_empty()) else {
            return Err(Error::invalid("query", "there are several queries, expected one"));
        };
        let mut stream = sql::run(&session, plan, &script).await?;
        let schema: SchemaRef = stream.schema();
        let (mut batches, mut bytes, mut rows) = (Vec::new(), 0, 0);
        while let Some(batch) = stream.try_next().await.map_err(|error| sql::problem::failed(error, &script))? {
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
        let batch = joined(&schema, &batches)?;
        let shown = limit.map_or(rows, |limit| limit.min(rows));
        Ok(Rows { batch: batch.slice(0, shown), is_cut: shown < rows })
    };
    Ok(app.engine.ask(&visitor.viewer, asked).await?)
}
