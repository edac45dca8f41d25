//! `sql`: questions to the events and the facts. Nothing can be changed here: events are the only truth, and they come
//! in by `ingest` alone.

mod catalog;
mod problem;
mod prompt;

use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SQLOptions, SessionContext};
use datafusion::sql::parser::{DFParser, Statement};

use super::context::{CommandContext, Completion};
use super::moment::MomentArguments;
use super::output::{Output, OutputArguments};
use crate::error::{Error, Result};

/// Arguments of `sql`.
#[derive(Debug, Args)]
pub struct SqlArguments {
    #[command(flatten)]
    pub moment: MomentArguments,
    /// The query, or several separated by `;`, or `\d` for the tables and `\d TABLE` for its columns. Without one:
    /// standard input, or a prompt on a terminal
    query: Option<String>,
    /// Read the queries from a file; - is standard input
    #[arg(long, short, value_name = "FILE", conflicts_with = "query")]
    file: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArguments,
}

/// Answers queries.
pub async fn sql(context: &CommandContext, arguments: &SqlArguments) -> Result<Completion> {
    let Some(script) = Script::of(arguments)? else {
        return prompt::run(context, arguments).await;
    };
    let mut output = arguments.output.open(context.settings.zone()?)?;
    let session = open(context).await?;
    answer(&session, &script, &mut output).await?;
    output.finish()?;
    Ok(Completion::Done)
}

/// A text of queries, and what to call it.
struct Script {
    /// `query`, or the name of the file.
    name: String,
    text: String,
}

impl Script {
    /// What was asked; nothing where somebody sits at a terminal and has not asked yet.
    fn of(arguments: &SqlArguments) -> Result<Option<Script>> {
        if let Some(text) = &arguments.query {
            return Ok(Some(Script { name: "query".to_owned(), text: text.clone() }));
        }
        let file = arguments.file.as_deref().filter(|path| *path != Path::new("-"));
        if let Some(path) = file {
            let text = std::fs::read_to_string(path).map_err(Error::file(path))?;
            return Ok(Some(Script { name: path.display().to_string(), text }));
        }
        if arguments.file.is_none() && io::stdin().is_terminal() {
            return Ok(None);
        }
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map_err(Error::file(Path::new("standard input")))?;
        Ok(Some(Script { name: "standard input".to_owned(), text }))
    }
}

/// The session, told to remember where in the text each name stood.
async fn open(context: &CommandContext) -> Result<SessionContext> {
    let (session, _) = context.session().await?;
    session.state_ref().write().config_mut().options_mut().sql_parser.collect_spans = true;
    Ok(session)
}

/// Answers every query of the script in order; gives the number of rows. All are understood before the first is run.
async fn answer(session: &SessionContext, script: &Script, output: &mut Output) -> Result<usize> {
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
