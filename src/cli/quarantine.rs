//! `quarantine`: the lines that were set aside, and why; and the way back into the log.

use std::path::{Path, PathBuf};
use std::time::Instant as Stopwatch;

use arrow::array::{Array, AsArray};
use clap::{Args, Subcommand};
use datafusion::prelude::{DataFrame, col, lit};
use futures::TryStreamExt;
use serde_json::json;

use super::compact;
use super::context::{CommandContext, Completion};
use super::format::Format;
use super::ingest::{conclude, find, options};
use super::output::{Bytes, OutputArguments};
use super::summary::{SummaryArguments, SummaryFormat};
use crate::error::Result;
use crate::log::Log;
use crate::log::quarantine::Filter;
use crate::store::engine;

/// Arguments of `quarantine`.
#[derive(Debug, Args)]
pub struct QuarantineArguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List them by file and line
    List(OutputArguments),
    /// Write them as they were, one after the other by file and line, to be repaired
    Export(ExportArguments),
    /// Try them again as they are, or as FILEs have them repaired; what is an event now leaves the quarantine
    Retry(RetryArguments),
}

#[derive(Debug, Args)]
struct ExportArguments {
    #[command(flatten)]
    filter: FilterArguments,
    /// Write to a file, which appears whole or not at all; - is standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct RetryArguments {
    /// Repaired lines; without any, the lines are tried as they are
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    #[command(flatten)]
    filter: FilterArguments,
    #[command(flatten)]
    summary: SummaryArguments,
}

/// Which lines are meant.
#[derive(Clone, Debug, Default, Args)]
struct FilterArguments {
    /// Only lines that broke this rule
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// Only lines of this file, named as `quarantine list` names it
    #[arg(long, value_name = "NAME")]
    file: Option<String>,
}

impl QuarantineArguments {
    /// The format of the summary that was asked for with `--format`.
    pub fn summary_format(&self) -> Option<SummaryFormat> {
        match &self.act {
            Act::Retry(arguments) => arguments.summary.format,
            Act::List(_) | Act::Export(_) => None,
        }
    }
}

/// The lines whole, for machines.
const WHOLE_SQL: &str = r#"
SELECT file, line, "offset", rule, detail, text FROM quarantine ORDER BY file, line, "offset", rule"#;

/// A person wants to see which line it is, and has the file to look into.
const SHORT_SQL: &str = r#"
SELECT file, line, "offset", rule, detail,
       CASE WHEN character_length(text) > 60 THEN concat(left(text, 59), '…') ELSE text END AS text
FROM quarantine ORDER BY file, line, "offset", rule"#;

/// Does what was asked with the lines that were set aside.
pub async fn quarantine(context: &CommandContext, arguments: &QuarantineArguments) -> Result<Completion> {
    match &arguments.act {
        Act::List(output) => list(context, output).await,
        Act::Export(arguments) => export(context, arguments).await,
        Act::Retry(arguments) => retry(context, arguments).await,
    }
}

/// Writes the lines byte by byte as they were, each with a line end behind it.
async fn export(context: &CommandContext, arguments: &ExportArguments) -> Result<Completion> {
    let log = context.existing_log().await?;
    let mut output = Bytes::open(arguments.output.as_deref())?;
    let mut stream = lines(context, &log, &arguments.filter).await?.execute_stream().await?;
    let mut count = 0;
    while let Some(batch) = stream.try_next().await? {
        let (texts, bytes) = (batch.column(0).as_string_view(), batch.column(1).as_binary::<i32>());
        for row in 0..batch.num_rows() {
            let line = if bytes.is_valid(row) { bytes.value(row) } else { texts.value(row).as_bytes() };
            output.write_line(line)?;
        }
        count += batch.num_rows();
    }
    output.finish()?;
    context.printer.talk(format!("{count} lines exported"));
    Ok(Completion::Done)
}

/// The lines that are meant, in the order in which `list` lists them.
async fn lines(context: &CommandContext, log: &Log, filter: &FilterArguments) -> Result<DataFrame> {
    let session = engine::session(context.settings.resources())?;
    let mut lines = session.read_table(log.quarantine.provider()?)?;
    for (column, wanted) in [("rule", &filter.rule), ("file", &filter.file)] {
        if let Some(wanted) = wanted {
            lines = lines.filter(col(column).eq(lit(wanted.as_str())))?;
        }
    }
    let order = ["file", "line", "offset", "rule"].map(|column| col(column).sort(true, false));
    Ok(lines.sort(order.to_vec())?.select_columns(&["text", "bytes"])?)
}

/// Tries lines again; what is an event now is in the log, and then no longer here.
async fn retry(context: &CommandContext, arguments: &RetryArguments) -> Result<Completion> {
    let begun = Stopwatch::now();
    let mut log = context.existing_log().await?;
    let FilterArguments { rule, file } = arguments.filter.clone();
    let filter = Filter { rule, file };
    let retried = match arguments.files.is_empty() {
        true => log.retry(options(context), filter).await?,
        false => log.retry_with(options(context), find(context, &arguments.files)?, filter).await?,
    };
    compact::after_ingestion(context, &mut log).await;
    let (released, remaining) = (retried.released, retried.remaining);
    context.printer.talk(format!("released {released} from the quarantine, {remaining} remain"));
    conclude(context, &retried.summary, begun, &json!({"released": released, "remaining": remaining}))
}

/// Lists them; also before any fact was made.
async fn list(context: &CommandContext, arguments: &OutputArguments) -> Result<Completion> {
    let log = context.existing_log().await?;
    let session = engine::session(context.settings.resources())?;
    session.register_table("quarantine", log.quarantine.provider()?)?;
    let format = arguments.format.or_else(|| Format::of_file(arguments.output.as_deref().unwrap_or(Path::new(""))));
    let sql = if format.is_none_or(|format| format == Format::Table) { SHORT_SQL } else { WHOLE_SQL };
    let mut output = arguments.open(context.settings.zone()?)?;
    output.write(session.sql(sql).await?.execute_stream().await?).await?;
    output.finish()?;
    Ok(Completion::Done)
}
