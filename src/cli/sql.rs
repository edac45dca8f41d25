//! `sql`: questions to the events and the facts. Nothing can be changed here: events are the only truth, and they come
//! in by `ingest` alone.

mod answer;
mod catalog;
mod prompt;
mod script;

use std::path::PathBuf;

use clap::Args;

use super::context::{CommandContext, Completion};
use super::moment::MomentArguments;
use super::output::OutputArguments;
use super::people::PeopleArguments;
use crate::error::Result;
use crate::export::Shown;
use answer::{answer, open};

/// Arguments of `sql`.
#[derive(Debug, Args)]
pub struct SqlArguments {
    #[command(flatten)]
    pub moment: MomentArguments,
    #[command(flatten)]
    pub people: PeopleArguments,
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
    let Some(script) = script::of(arguments.query.as_ref(), arguments.file.as_deref())? else {
        return prompt::run(context, &arguments.output).await;
    };
    let mut output = arguments.output.open(Shown::new(context.settings.zone()?, "Rows"))?;
    let session = open(context).await?;
    answer(&session, &script, &mut output).await?;
    output.finish()?;
    Ok(Completion::Done)
}
