//! `vacuum`: what nobody needs goes.

use std::time::Instant as Stopwatch;

use clap::Args;
use serde_json::json;

use super::context::{CommandContext, Completion};
use super::summary::{SummaryArguments, seconds};
use crate::error::{Error, Result};
use crate::facts::manifest;
use crate::model::time::{Instant, parse_duration_ms};
use crate::store::vacuum;

/// Arguments of `vacuum`.
#[derive(Debug, Args)]
pub struct VacuumArguments {
    /// Leave what the versions of so long need: reports that began then may still be reading it
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    keep: String,
    /// Show what would go, and remove nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    pub summary: SummaryArguments,
}

/// The instant since when versions must stay.
fn since(context: &CommandContext, duration: &str) -> Result<Instant> {
    // `0s` is no duration of the model, but a wish of whoever is alone with the store.
    let keep_ms = match duration {
        "0s" => 0,
        _ => parse_duration_ms(duration).map_err(|refusal| Error::invalid("--keep", refusal.to_string()))?,
    };
    Ok(Instant(context.now.0.saturating_sub(keep_ms)))
}

/// Removes what nobody needs, or shows it.
pub async fn vacuum(context: &CommandContext, arguments: &VacuumArguments) -> Result<Completion> {
    let begun = Stopwatch::now();
    let log = context.existing_log().await?;
    let since = since(context, &arguments.keep)?;
    let litter = match arguments.dry_run {
        true => vacuum::find(log.store(), since, &manifest::litter).await?,
        false => vacuum::vacuum(log.store(), since, &manifest::litter).await?,
    };
    let bytes: u64 = litter.iter().map(|thing| thing.bytes).sum();
    let place = |path: &std::path::Path| path.strip_prefix(log.store()).unwrap_or(path).display().to_string();
    let things: Vec<_> = litter
        .iter()
        .map(|thing| json!({"path": place(&thing.path), "bytes": thing.bytes, "why": thing.why.text()}))
        .collect();
    if arguments.dry_run && !context.printer.json_summary {
        for thing in &litter {
            context.printer.data(format!("{}: {} bytes, {}", place(&thing.path), thing.bytes, thing.why.text()))?;
        }
    }
    let seconds = seconds(begun);
    let verb = if arguments.dry_run { "would remove" } else { "removed" };
    let text = format!("{verb} {} files, {bytes} bytes in {seconds} s", litter.len());
    let object = json!({
        "files": litter.len(), "bytes": bytes, "dry_run": arguments.dry_run, "things": things, "seconds": seconds,
    });
    context.printer.summary(text, &object)?;
    Ok(Completion::Done)
}
