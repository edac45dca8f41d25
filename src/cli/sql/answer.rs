//! Answering queries, which may read and nothing else.

use datafusion::prelude::SessionContext;

use super::catalog;
use crate::cli::context::CommandContext;
use crate::cli::output::Output;
use crate::error::{Error, Result};
use crate::query::sql;
use crate::query::sql::{Script, problem};

/// A session that remembers where in the text each name is.
pub async fn open(context: &CommandContext) -> Result<SessionContext> {
    Ok(sql::session(&context.database().await?))
}

/// Answers every query of the script in order; gives the number of rows. All are understood before the first is run.
pub async fn answer(session: &SessionContext, script: &Script, output: &mut Output) -> Result<usize> {
    if let Some(command) = script.text.trim().strip_prefix('\\') {
        return catalog::describe(session, command, output).await;
    }
    let mut rows = 0;
    for plan in sql::plans(session, script).await? {
        let stream = sql::run(session, plan, script).await?;
        rows += output.write(stream).await.map_err(|error| match error {
            Error::Engine(error) => problem::failed(error, script),
            error => error,
        })?;
    }
    Ok(rows)
}
