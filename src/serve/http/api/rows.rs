//! The rows of a query within the limits of questions.

use crate::query::sql::Script;
use crate::query::sql::rows::{Rows, rows};
use crate::serve::http::app::App;
use crate::serve::http::problem::Problem;
use crate::serve::http::visitor::Visitor;

/// Rows that a page shows.
pub const ROWS_SHOWN: usize = 500;

/// Asks one query, of which at most that many rows are taken.
///
/// # Errors
/// When it is not one query that reads, fails, or has more rows than an answer may have.
pub async fn ask(app: &App, visitor: &Visitor, query: &str, limit: Option<usize>) -> Result<Rows, Problem> {
    let script = Script { name: "query".to_owned(), text: query.to_owned(), reader: "this process" };
    let asked = async { rows(&*app.engine.database(&visitor.viewer).await?, &script, limit).await };
    Ok(app.engine.ask(&visitor.viewer, asked).await?)
}
