//! `store`: whether everything is there and whole, and how large it is.

use std::sync::Arc;
use std::time::Instant as Stopwatch;

use arrow::datatypes::Schema;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::context::{CommandContext, Completion};
use super::progress::Bar;
use super::summary::{SummaryArguments, SummaryFormat, seconds};
use crate::error::Result;
use crate::facts::manifest;
use crate::facts::manifest::Pointer;
use crate::facts::vacuum;
use crate::log::inspect::{self, Problem};
use crate::log::rows::LOG_SCHEMA;
use crate::store::commits::Commits;
use crate::store::data_file::TableFile;
use crate::store::objects::Store;
use crate::store::table;
use crate::store::table::Table;

/// Arguments of `store`.
#[derive(Debug, Args)]
pub struct StoreArguments {
    #[command(subcommand)]
    command: StoreCommand,
}

#[derive(Debug, Subcommand)]
enum StoreCommand {
    /// Check that every file and every event is there and as it was written
    Check(CheckArguments),
    /// How many files, rows and bytes each table has
    Stats(SummaryArguments),
}

#[derive(Debug, Args)]
struct CheckArguments {
    /// Check the files only, not every event in them
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    summary: SummaryArguments,
}

impl StoreArguments {
    /// The format of the summary that was asked for.
    pub fn summary_format(&self) -> Option<SummaryFormat> {
        match &self.command {
            StoreCommand::Check(arguments) => arguments.summary.format,
            StoreCommand::Stats(arguments) => arguments.format,
        }
    }
}

/// Runs a subcommand of `store`.
pub async fn store(context: &CommandContext, arguments: &StoreArguments) -> Result<Completion> {
    match &arguments.command {
        StoreCommand::Check(arguments) => check(context, arguments).await,
        StoreCommand::Stats(_) => stats(context).await,
    }
}

/// A table of the store, and its files.
struct StoredTable {
    name: String,
    files: Vec<TableFile>,
    /// Of the log's tables: their version, and how many commits of them no checkpoint holds.
    commits: Option<(u64, u64)>,
}

/// The tables of the store, the log's and those that facts are kept in.
async fn all_tables(store: &Store) -> Result<Vec<StoredTable>> {
    let mut all = Vec::new();
    for name in table::names(store).await? {
        let folder = store.folder(&name);
        let schema = if name == "events" { LOG_SCHEMA.clone() } else { Arc::new(Schema::empty()) };
        let table = Table::open(&folder, &name, schema).await?;
        let checkpoint = Commits::of(&folder).last_checkpoint().await.unwrap_or(0);
        let commits = Some((table.version(), table.version().saturating_sub(checkpoint)));
        all.push(StoredTable { name, files: table.entries()?, commits });
    }
    let home = manifest::home(store);
    let of_facts = Pointer::read(&home).await?.unwrap_or_default().files(&home);
    all.extend(of_facts.into_iter().map(|(name, files)| StoredTable { name, files, commits: None }));
    Ok(all)
}

async fn check(context: &CommandContext, arguments: &CheckArguments) -> Result<Completion> {
    let begun = Stopwatch::now();
    let log = context.existing_log().await?;
    let threads = context.settings.threads.value;
    let (mut problems, mut files, mut bytes) = (Vec::new(), 0, 0);
    for table in all_tables(log.store()).await? {
        files += table.files.len();
        bytes += table.files.iter().map(|file| file.bytes).sum::<u64>();
        problems.extend(match log.store().is_in_bucket() {
            true => inspect::files_in_bucket(log.store(), &table.files).await?,
            false => inspect::files(log.store(), &table.files, threads)?,
        });
    }
    if !arguments.quick {
        let _bar = Bar::of(context.printer, "reading every event");
        for path in log.events.files()? {
            // One that is missing is reported when it is read.
            let _ = log.store().fetch(&[path]).await;
        }
        problems.extend(inspect::events(&log, threads, context.settings.memory_bytes.value)?);
    }
    problems.sort_by(|a, b| (&a.file, a.rule, &a.detail).cmp(&(&b.file, b.rule, &b.detail)));
    let (events, seconds) = (log.events.rows()?, seconds(begun));
    conclude(context, &problems, &json!({"files": files, "bytes": bytes, "events": events, "seconds": seconds}))
}

/// Prints every problem, then the summary.
fn conclude(context: &CommandContext, problems: &[Problem], counts: &Value) -> Result<Completion> {
    if !context.printer.json_summary {
        for Problem { file, rule, detail } in problems {
            context.printer.data(format!("{file}: {rule}: {detail}"))?;
        }
    }
    let listed: Vec<Value> = problems
        .iter()
        .map(|problem| json!({"place": problem.file, "rule": problem.rule, "detail": problem.detail}))
        .collect();
    let mut object = counts.clone();
    if let Some(object) = object.as_object_mut() {
        object.insert("problems".to_owned(), listed.into());
    }
    let number = |name: &str| counts.get(name).cloned().unwrap_or_default();
    let found = if problems.is_empty() { "all there".to_owned() } else { format!("{} problems", problems.len()) };
    let text = format!(
        "looked at {} files, {} bytes, {} events in {} s: {found}",
        number("files"),
        number("bytes"),
        number("events"),
        number("seconds")
    );
    context.printer.summary(text, &object)?;
    if problems.is_empty() {
        return Ok(Completion::Done);
    }
    context.printer.talk("hint: restore the files named above from a copy; events can be ingested again, `casebook replay --full` writes the facts again");
    Ok(Completion::NeedsAttention)
}

async fn stats(context: &CommandContext) -> Result<Completion> {
    let log = context.existing_log().await?;
    let mut all = Vec::new();
    for table in all_tables(log.store()).await? {
        let of_table = of_table(&table);
        if !context.printer.json_summary {
            context.printer.data(text(&of_table))?;
        }
        all.push(of_table);
    }
    let removable = vacuum::removable(log.store(), context.now).await?;
    let removable_bytes: u64 = removable.iter().map(|file| file.bytes).sum();
    let object = json!({
        "tables": all, "last_batch": log.last_batch()?, "not_needed": {"files": removable.len(), "bytes": removable_bytes},
    });
    let text = format!(
        "{} files, {removable_bytes} bytes are not of the present; `casebook vacuum` removes them",
        removable.len()
    );
    context.printer.summary(text, &object)?;
    Ok(Completion::Done)
}

fn of_table(table: &StoredTable) -> Value {
    let sum = |of: fn(&TableFile) -> u64| table.files.iter().map(of).sum::<u64>();
    let (rows, bytes) = (sum(|file| file.rows), sum(|file| file.bytes));
    let times = table.files.iter().filter_map(|file| file.time_range);
    let times = times.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let (first, last) = times.map(|(first, last)| (first.to_string(), last.to_string())).unzip();
    let per_row = if rows > 0 { Some((bytes as f64 / rows as f64 * 10.0).round() / 10.0) } else { None };
    let (version, since_checkpoint) = table.commits.unzip();
    json!({
        "table": table.name, "files": table.files.len(), "rows": rows, "bytes": bytes, "bytes_per_row": per_row,
        "first": first, "last": last, "version": version, "commits_since_checkpoint": since_checkpoint,
    })
}

fn text(of_table: &Value) -> String {
    let show = |name: &str| match of_table.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => "-".to_owned(),
        Some(other) => other.to_string(),
    };
    let times = if show("first") == "-" { String::new() } else { format!(", {} to {}", show("first"), show("last")) };
    format!(
        "{:<16} {:>6} files {:>12} rows {:>14} bytes {:>8} bytes a row{times}",
        show("table"),
        show("files"),
        show("rows"),
        show("bytes"),
        show("bytes_per_row")
    )
}
