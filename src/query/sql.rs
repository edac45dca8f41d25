//! Queries that users write: they may read and nothing else, and an error names the place in their text.

pub mod names;
pub mod problem;
pub mod rows;
pub mod script;
pub mod size;

use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SQLOptions, SessionContext};
use datafusion::sql::parser::{DFParser, Statement};

use crate::error::{Error, Result};
use crate::query::database::Database;
pub use script::Script;

/// A session that remembers where in the text each name is.
#[must_use]
pub fn session(database: &Database) -> SessionContext {
    with_places(database.session())
}

/// The session, which remembers from now on where in a text each name is.
#[must_use]
pub fn with_places(session: SessionContext) -> SessionContext {
    session.state_ref().write().config_mut().options_mut().sql_parser.collect_spans = true;
    session
}

/// The plans of every query of the script, in order; none is run.
///
/// # Errors
/// When there is no query, or one is not SQL, would change something, or names what is not there.
pub async fn plans(session: &SessionContext, script: &Script) -> Result<Vec<LogicalPlan>> {
    if let Some(excess) = size::too_many_operators(&script.text) {
        return Err(Error::invalid(&script.name, excess));
    }
    let statements = DFParser::parse_sql(&script.text).map_err(|error| problem::unreadable(&error, script))?;
    if statements.is_empty() {
        return Err(problem::nothing_asked(script));
    }
    let mut plans = Vec::new();
    for statement in statements {
        plans.push(plan(session, script, statement).await?);
    }
    Ok(plans)
}

/// The rows of a query, as they come.
///
/// # Errors
/// When the engine fails.
pub async fn run(session: &SessionContext, plan: LogicalPlan, script: &Script) -> Result<SendableRecordBatchStream> {
    let run = async { session.execute_logical_plan(plan).await?.execute_stream().await };
    run.await.map_err(|error| problem::failed(error, script))
}

async fn plan(session: &SessionContext, script: &Script, statement: Statement) -> Result<LogicalPlan> {
    if !reads(&statement) {
        return Err(problem::read_only(&problem::first_word(&statement), script));
    }
    let planned = session.state().statement_to_plan(statement.clone()).await;
    let plan = planned.map_err(|error| problem::meaningless(session, error, &statement, script))?;
    // The first look was at the statement; a query may still make a table.
    let reading = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    reading.verify_plan(&plan).map_err(|_| problem::read_only("SELECT INTO", script))?;
    Ok(plan)
}

/// Whether a statement only asks. What this list does not know is refused.
#[must_use]
pub fn reads(statement: &Statement) -> bool {
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
