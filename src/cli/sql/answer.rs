//! Answering queries, which may read and nothing else.

use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SQLOptions, SessionContext};
use datafusion::sql::parser::{DFParser, Statement};

use super::script::Script;
use super::{catalog, problem};
use crate::cli::context::CommandContext;
use crate::cli::output::Output;
use crate::error::{Error, Result};

/// A session that remembers where in the text each name is.
pub async fn open(context: &CommandContext) -> Result<SessionContext> {
    let session = context.database().await?.session();
    session.state_ref().write().config_mut().options_mut().sql_parser.collect_spans = true;
    Ok(session)
}

/// Answers every query of the script in order; gives the number of rows. All are understood before the first is run.
pub async fn answer(session: &SessionContext, script: &Script, output: &mut Output) -> Result<usize> {
    if let Some(command) = script.text.trim().strip_prefix('\\') {
        return catalog::describe(session, command, output).await;
    }
    let statements = DFParser::parse_sql(&script.text).map_err(|error| problem::unreadable(&error, script))?;
    if statements.is_empty() {
        return Err(problem::nothing_asked(script));
    }
    let mut plans = Vec::new();
    for statement in statements {
        plans.push(plan(session, script, statement).await?);
    }
    let mut rows = 0;
    for plan in plans {
        let run = async { session.execute_logical_plan(plan).await?.execute_stream().await };
        let stream = run.await.map_err(|error| problem::failed(error, script))?;
        rows += output.write(stream).await.map_err(|error| match error {
            Error::Engine(error) => problem::failed(error, script),
            error => error,
        })?;
    }
    Ok(rows)
}

async fn plan(session: &SessionContext, script: &Script, statement: Statement) -> Result<LogicalPlan> {
    if !reads(&statement) {
        return Err(problem::read_only(&problem::first_word(&statement)));
    }
    let planned = session.state().statement_to_plan(statement.clone()).await;
    let plan = planned.map_err(|error| problem::meaningless(session, error, &statement, script))?;
    // The first look was at the statement; a query may still make a table.
    let reading = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    reading.verify_plan(&plan).map_err(|_| problem::read_only("SELECT INTO"))?;
    Ok(plan)
}

/// Whether a statement only asks. What this list does not know is refused.
fn reads(statement: &Statement) -> bool {
    use datafusion::sql::sqlparser::ast::Statement as Sql;
    match statement {
        Statement::Statement(sql) => matches!(
            **sql,
            Sql::Query(_)
                | Sql::Explain { .. }
                | Sql::ExplainTable { .. }
                | Sql::ShowTables { .. }
                | Sql::ShowColumns { .. }
                | Sql::ShowFunctions { .. }
                | Sql::ShowVariable { .. }
        ),
        Statement::Explain(explain) => reads(&explain.statement),
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => false,
    }
}
