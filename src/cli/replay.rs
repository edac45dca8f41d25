//! `replay`: the log into facts.

use std::time::Instant as Stopwatch;

use clap::Args;
use serde_json::json;

use super::context::{CommandContext, Completion};
use super::progress::Bar;
use super::summary::{SummaryArguments, seconds};
use crate::error::Result;
use crate::log::Log;
use crate::query::compare;
use crate::query::compare::Difference;
use crate::replay::ReplayScope;

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub struct ReplayArguments {
    /// Write all facts again, even if they are up to date
    #[arg(long)]
    full: bool,
    /// Also replay everything outside the store, and name the tables whose facts differ
    #[arg(long, conflicts_with = "full")]
    compare: bool,
    #[command(flatten)]
    pub summary: SummaryArguments,
}

/// Brings the facts up to date.
pub async fn replay(context: &CommandContext, arguments: &ReplayArguments) -> Result<Completion> {
    let begun = Stopwatch::now();
    let log = context.existing_log().await?;
    let scope = if arguments.full { ReplayScope::Full } else { ReplayScope::REFRESH };
    let summary = context.refresh(&log, scope).await?;
    let (pointer, seconds) = (&summary.pointer, seconds(begun));
    let object = json!({
        "events": pointer.events, "cases": pointer.cases, "cases_replayed": summary.cases_replayed,
        "findings": pointer.findings, "noted": pointer.noted, "last_batch": pointer.last_batch, "seconds": seconds,
    });
    if arguments.compare {
        return compare(context, &log, object).await;
    }
    let noted: Vec<String> = pointer.noted.iter().map(|(rule, count)| format!("{rule} {count}")).collect();
    let noted = if noted.is_empty() { String::new() } else { format!(" (noted: {})", noted.join(", ")) };
    let text = format!(
        "replayed {} of {} cases, {} events, {} findings{noted} in {seconds} s",
        summary.cases_replayed, pointer.cases, pointer.events, pointer.findings
    );
    context.printer.summary(text, &object)?;
    Ok(Completion::Done)
}

/// Compares the facts with those of a replay of everything; `object` is the summary of the replay before.
async fn compare(context: &CommandContext, log: &Log, mut object: serde_json::Value) -> Result<Completion> {
    let begun = Stopwatch::now();
    let bar = Bar::of(context.printer, "replaying everything beside the store");
    let differences = compare::compare(log, context.settings.resources()).await?;
    drop(bar);
    let described =
        differences.iter().map(|one| json!({"table": one.table, "too_many": one.too_many, "missing": one.missing}));
    if let Some(object) = object.as_object_mut() {
        object.insert("differences".to_owned(), described.collect());
    }
    for Difference { table, too_many, missing } in &differences {
        context.printer.talk(format!("{table}: {too_many} rows too many, {missing} missing"));
    }
    let seconds = seconds(begun);
    let text = match differences.is_empty() {
        true => format!("the facts are those of a full replay, row by row; compared in {seconds} s"),
        false => {
            format!("the facts of {} tables differ; `casebook replay --full` writes them again", differences.len())
        }
    };
    context.printer.summary(text, &object)?;
    Ok(if differences.is_empty() { Completion::Done } else { Completion::NeedsAttention })
}
