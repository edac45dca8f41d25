//! `quarantine`: the lines that were set aside and why; trying them again; removing them.

use std::path::{Path, PathBuf};
use std::time::Instant as Stopwatch;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use clap::{ArgGroup, Args, Subcommand};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::prelude::{DataFrame, col, lit};
use futures::TryStreamExt;
use serde_json::{Value, json};

use super::compact;
use super::context::{CommandContext, Completion};
use super::ingest::{conclude, find};
use super::output::{Bytes, OutputArguments};
use super::summary::{SummaryArguments, SummaryFormat, seconds};
use crate::error::Result;
use crate::export::{Format, Shown};
use crate::log::Log;
use crate::log::quarantine::Filter;
use crate::spelling::did_you_mean;
use crate::store::engine;

/// Arguments of `quarantine`.
#[derive(Debug, Args)]
pub struct QuarantineArguments {
    #[command(subcommand)]
    operation: Operation,
}

#[derive(Debug, Subcommand)]
enum Operation {
    /// List the lines by file and line number, with the rule that each breaks
    List(OutputArguments),
    /// Write the lines as they were, by file and line number, so that they can be repaired
    Export(ExportArguments),
    /// Try the lines again as they are, or repaired in FILEs; a line that is an event now leaves the quarantine
    Retry(RetryArguments),
    /// Remove lines for good: those of a file, of a rule, or all
    Remove(RemoveArguments),
}

#[derive(Debug, Args)]
struct ExportArguments {
    #[command(flatten)]
    filter: FilterArguments,
    /// Write to a file, which appears only when it is complete; - is standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct RetryArguments {
    /// Files of repaired lines; without any, the lines are tried as they are
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    #[command(flatten)]
    filter: FilterArguments,
    #[command(flatten)]
    summary: SummaryArguments,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("lines").args(["rule", "file", "all"]).required(true).multiple(true)))]
struct RemoveArguments {
    #[command(flatten)]
    filter: FilterArguments,
    /// All lines
    #[arg(long, conflicts_with_all = ["rule", "file"])]
    all: bool,
    /// Remove the lines; without it they are only counted, by file and rule
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    summary: SummaryArguments,
}

/// Which lines are selected.
#[derive(Clone, Debug, Default, Args)]
struct FilterArguments {
    /// Only lines that break this rule
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// Only lines of this file, named as in `quarantine list`
    #[arg(long, value_name = "NAME")]
    file: Option<String>,
}

impl FilterArguments {
    fn of_lines(&self) -> Filter {
        Filter { rule: self.rule.clone(), file: self.file.clone() }
    }
}

impl QuarantineArguments {
    /// The format of the summary that was asked for with `--format`.
    pub fn summary_format(&self) -> Option<SummaryFormat> {
        match &self.operation {
            Operation::Retry(arguments) => arguments.summary.format,
            Operation::Remove(arguments) => arguments.summary.format,
            Operation::List(_) | Operation::Export(_) => None,
        }
    }
}

/// The lines whole, for machines.
const WHOLE_SQL: &str = r#"
SELECT file, line, "offset", rule, detail, text FROM quarantine ORDER BY file, line, "offset", rule"#;

/// For people: the beginning of each line is enough to find it in its file.
const SHORT_SQL: &str = r#"
SELECT file, line, "offset", rule, detail,
       CASE WHEN character_length(text) > 60 THEN concat(left(text, 59), '…') ELSE text END AS text
FROM quarantine ORDER BY file, line, "offset", rule"#;

/// Runs one of the operations on the lines that were set aside.
pub async fn quarantine(context: &CommandContext, arguments: &QuarantineArguments) -> Result<Completion> {
    match &arguments.operation {
        Operation::List(output) => list(context, output).await,
        Operation::Export(arguments) => export(context, arguments).await,
        Operation::Retry(arguments) => retry(context, arguments).await,
        Operation::Remove(arguments) => remove(context, arguments).await,
    }
}

/// Writes the lines byte by byte as they were, each with a line end behind it.
async fn export(context: &CommandContext, arguments: &ExportArguments) -> Result<Completion> {
    let log = context.existing_log().await?;
    let mut output = Bytes::open(arguments.output.as_deref())?;
    let order = ["file", "line", "offset", "rule"].map(|column| col(column).sort(true, false));
    let lines = selected(context, &log, &arguments.filter)?.sort(order.to_vec())?;
    let mut stream = lines.select_columns(&["text", "bytes"])?.execute_stream().await?;
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
    if count == 0 {
        say_nearest(context, &log, &arguments.filter).await?;
    }
    Ok(Completion::Done)
}

fn all_lines(context: &CommandContext, log: &Log) -> Result<DataFrame> {
    Ok(engine::session(context.settings.resources())?.read_table(log.quarantine.provider()?)?)
}

/// The lines that a filter selects.
fn selected(context: &CommandContext, log: &Log, filter: &FilterArguments) -> Result<DataFrame> {
    let mut lines = all_lines(context, log)?;
    for (column, wanted) in [("rule", &filter.rule), ("file", &filter.file)] {
        if let Some(wanted) = wanted {
            lines = lines.filter(col(column).eq(lit(wanted.as_str())))?;
        }
    }
    Ok(lines)
}

/// Tries lines again. A line that is an event now is added to the log, and then removed from the quarantine.
async fn retry(context: &CommandContext, arguments: &RetryArguments) -> Result<Completion> {
    let begun = Stopwatch::now();
    let mut log = context.existing_log().await?;
    let filter = arguments.filter.of_lines();
    let retried = match arguments.files.is_empty() {
        true => log.retry(context.ingest_options(), filter).await?,
        false => log.retry_with(context.ingest_options(), find(context, &arguments.files)?, filter).await?,
    };
    compact::after_ingestion(context, &mut log).await;
    let (released, remaining) = (retried.released, retried.remaining);
    context.printer.talk(format!("released {released} from the quarantine, {remaining} remain"));
    if released == 0 {
        say_nearest(context, &log, &arguments.filter).await?;
    }
    conclude(context, &retried.summary, begun, &json!({"released": released, "remaining": remaining}))
}

/// Removes lines with `--yes`; without it only counts those that would be removed, by file and rule.
async fn remove(context: &CommandContext, arguments: &RemoveArguments) -> Result<Completion> {
    let begun = Stopwatch::now();
    let mut log = context.existing_log().await?;
    let counts = counted(selected(context, &log, &arguments.filter)?, &["file", "rule"]).await?;
    let matching = sum(&counts);
    let (removed, remaining) = match arguments.yes {
        true => log.remove_quarantined(&arguments.filter.of_lines()).await?,
        false => (0, all_lines(context, &log)?.count().await? as u64),
    };
    let shows = !arguments.yes && matching > 0;
    if let Some(first) = counts.first().filter(|_| shows && !context.printer.json_summary) {
        let mut output = OutputArguments::default().open(Shown::new(context.settings.zone()?, "Quarantine"))?;
        output.write_batches(&first.schema(), &counts)?;
        output.finish()?;
    }
    let text = match (matching, removed) {
        (0, 0) => "nothing to remove: no quarantined line matches".to_owned(),
        (_, 0) => format!("{matching} of {remaining} quarantined lines would be removed"),
        (_, 1) => format!("removed 1 quarantined line, {remaining} remain"),
        _ => format!("removed {removed} quarantined lines, {remaining} remain"),
    };
    let object = json!({
        "removed": removed, "remaining": remaining, "lines": groups(&counts), "seconds": seconds(begun),
    });
    context.printer.summary(text, &object)?;
    if shows {
        context.printer.talk("hint: add `--yes` to remove them; `casebook quarantine export` keeps a copy");
    }
    if matching == 0 {
        say_nearest(context, &log, &arguments.filter).await?;
    }
    Ok(Completion::Done)
}

/// The number of lines of each group, in the order of the groups.
async fn counted(lines: DataFrame, by: &[&str]) -> Result<Vec<RecordBatch>> {
    let columns = || by.iter().map(|column| col(*column));
    let counts = lines.aggregate(columns().collect(), vec![count(lit(1)).alias("lines")])?;
    Ok(counts.sort(columns().map(|column| column.sort(true, false)).collect())?.collect().await?)
}

/// All groups of [`counted`] together.
fn sum(counts: &[RecordBatch]) -> u64 {
    let numbers = counts.iter().filter_map(|batch| batch.column_by_name("lines"));
    let sum: i64 = numbers.flat_map(|column| column.as_primitive::<Int64Type>().values().to_vec()).sum();
    sum.unsigned_abs()
}

/// The groups of [`counted`] as objects.
fn groups(counts: &[RecordBatch]) -> Vec<Value> {
    let of_batch = |batch: &RecordBatch| {
        let (files, rules) = (batch.column(0).as_string_view(), batch.column(1).as_string_view());
        let lines = batch.column(2).as_primitive::<Int64Type>();
        let group = |row| json!({"file": files.value(row), "rule": rules.value(row), "lines": lines.value(row)});
        (0..batch.num_rows()).map(group).collect::<Vec<Value>>()
    };
    counts.iter().flat_map(of_batch).collect()
}

/// Reports a rule or file of the filter that no line has, with the name that is probably meant.
async fn say_nearest(context: &CommandContext, log: &Log, filter: &FilterArguments) -> Result<()> {
    for (column, typed) in [("rule", &filter.rule), ("file", &filter.file)] {
        let Some(typed) = typed else { continue };
        let known = counted(all_lines(context, log)?, &[column]).await?;
        let names = known.iter().flat_map(|batch| batch.column(0).as_string_view().iter().flatten());
        let names: Vec<&str> = names.collect();
        if !names.contains(&typed.as_str()) {
            let nearest = did_you_mean(typed, names.iter().copied());
            let advice = nearest.unwrap_or_else(|| "`casebook quarantine list` shows what there is".to_owned());
            context.printer.talk(format!("hint: no quarantined line has the {column} `{typed}`; {advice}"));
        }
    }
    Ok(())
}

/// Lists the lines; possible also where no facts exist yet.
async fn list(context: &CommandContext, arguments: &OutputArguments) -> Result<Completion> {
    let log = context.existing_log().await?;
    let session = engine::session(context.settings.resources())?;
    session.register_table("quarantine", log.quarantine.provider()?)?;
    let format = arguments.format.or_else(|| Format::of_file(arguments.output.as_deref().unwrap_or(Path::new(""))));
    let sql = if format.is_none_or(|format| format == Format::Table) { SHORT_SQL } else { WHOLE_SQL };
    let mut output = arguments.open(Shown::new(context.settings.zone()?, "Quarantine"))?;
    output.write(session.sql(sql).await?.execute_stream().await?).await?;
    output.finish()?;
    Ok(Completion::Done)
}
