//! `check`: the audit queries, and every header and dashboard on the way. Changes nothing.

use std::sync::Arc;
use std::time::Instant as Stopwatch;

use clap::Args;
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use super::context::{CommandContext, Completion};
use super::moment::MomentArguments;
use super::summary::{SummaryArguments, seconds};
use crate::audit::{Check, Checks, Verdict};
use crate::error::Result;
use crate::export::{Format, RowWriter, Shown};
use crate::query::database::Database;
use crate::report::{dashboard_names, find_dashboard};

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    #[command(flatten)]
    pub moment: MomentArguments,
    /// The checks to run [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// How many rows of each check to show
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: usize,
    #[command(flatten)]
    pub summary: SummaryArguments,
}

/// What a check may take of the memory, so that several run at once: each of a million cases ran with as much.
const CHECK_BYTES: usize = 1 << 30;

/// What one check gave.
struct Ran<'c> {
    check: &'c Check,
    verdict: Verdict,
    seconds: f64,
}

/// Checks.
pub async fn check(context: &CommandContext, arguments: &CheckArguments) -> Result<Completion> {
    let begun = Stopwatch::now();
    let checks = read_all(context).await?;
    let selected = checks.select(&arguments.names)?;
    let database = Arc::new(context.database().await?);
    // A check on one core takes less time of it than on several, which pass each other all rows.
    let settings = &context.settings;
    let at_once = settings.threads.value.min(selected.len()).min(settings.memory_bytes.value / CHECK_BYTES).max(1);
    let cores = settings.threads.value / at_once;
    let mut results = Vec::new();
    let mut ran = stream::iter(selected).map(|check| run(check, &database, arguments.limit, cores)).buffered(at_once);
    while let Some(result) = ran.next().await {
        let result = result?;
        if !context.printer.json_summary {
            context.printer.data(text(context, &result)?)?;
        }
        results.push(result);
    }
    conclude(context, &results, begun)
}

/// Reads every header and every dashboard; reports everything that is wrong with any of them.
async fn read_all(context: &CommandContext) -> Result<Checks> {
    let project = &context.settings.project.value;
    let checks = Checks::load(project).await;
    let catalogue = context.catalogue().await;
    let mut errors = Vec::new();
    if let Ok(catalogue) = &catalogue {
        let names = dashboard_names(project);
        errors.extend(names.iter().filter_map(|name| find_dashboard(project, name, catalogue).err()));
    }
    errors.extend(catalogue.err());
    match checks {
        Ok(checks) if errors.is_empty() => Ok(checks),
        Ok(_) => Err(context.several(errors)),
        Err(more) => Err(context.several(errors.into_iter().chain(more).collect())),
    }
}

async fn run<'c>(check: &'c Check, database: &Arc<Database>, limit: usize, cores: usize) -> Result<Ran<'c>> {
    let begun = Stopwatch::now();
    let (of_task, database) = (check.clone(), Arc::clone(database));
    let verdict = tokio::spawn(async move { of_task.run_on(&database, limit, cores).await }).await??;
    Ok(Ran { check, verdict, seconds: seconds(begun) })
}

/// A line where all is well; else what should hold, the first rows, and what to do.
fn text(context: &CommandContext, result: &Ran<'_>) -> Result<String> {
    let Ran { check, verdict, .. } = result;
    if verdict.rows == 0 {
        return Ok(format!("ok    {}: {}", check.name, check.title));
    }
    let mut text = format!("FAIL  {}: {}, {}\n", check.name, check.title, rows_text(verdict.rows));
    text.push_str(&format!("      should hold: {}\n      {}\n", check.meaning, check.when_it_speaks));
    let shown: usize = verdict.first.iter().map(arrow::array::RecordBatch::num_rows).sum();
    if shown > 0 {
        text.push_str(&rows(context, verdict, Format::Table)?);
    }
    if shown < verdict.rows {
        text.push_str(&format!("      {} of {}; `--limit` shows more\n", shown, rows_text(verdict.rows)));
    }
    Ok(text)
}

fn rows_text(rows: usize) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }
}

fn rows(context: &CommandContext, verdict: &Verdict, format: Format) -> Result<String> {
    let mut bytes = Vec::new();
    let mut writer =
        RowWriter::begin(format, &verdict.schema, &Shown::new(context.settings.zone()?, "Rows"), &mut bytes)?;
    verdict.first.iter().try_for_each(|batch| writer.write(batch))?;
    writer.finish()?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn conclude(context: &CommandContext, results: &[Ran<'_>], begun: Stopwatch) -> Result<Completion> {
    let failed = results.iter().filter(|result| result.verdict.rows > 0).count();
    let rows: usize = results.iter().map(|result| result.verdict.rows).sum();
    let seconds = seconds(begun);
    let found = match context.printer.json_summary {
        true => results.iter().map(|result| as_json(context, result)).collect::<Result<Vec<_>>>()?,
        false => Vec::new(),
    };
    let object = json!({
        "checks": results.len(), "failed": failed, "rows": rows, "seconds": seconds, "results": found,
    });
    let text = format!("{} checks, {failed} failed, {} in {seconds} s", results.len(), rows_text(rows));
    context.printer.summary(text, &object)?;
    Ok(if failed > 0 { Completion::NeedsAttention } else { Completion::Done })
}

fn as_json(context: &CommandContext, result: &Ran<'_>) -> Result<Value> {
    let Ran { check, verdict, seconds } = result;
    let first: Value = serde_json::from_str(&rows(context, verdict, Format::Json)?)?;
    Ok(json!({
        "check": check.name, "title": check.title, "meaning": check.meaning, "when_it_speaks": check.when_it_speaks,
        "rows": verdict.rows, "first": first, "seconds": seconds,
    }))
}
