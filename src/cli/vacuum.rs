//! `vacuum`: removes the files that are not needed.

use std::time::Instant as Stopwatch;

use clap::Args;
use serde_json::json;

use super::context::{CommandContext, Completion};
use super::summary::{SummaryArguments, seconds};
use crate::error::{Error, Result};
use crate::facts::vacuum;
use crate::model::time::{Instant, parse_duration_ms};
use crate::store::objects::Store;

/// Arguments of `vacuum`.
#[derive(Debug, Args)]
pub struct VacuumArguments {
    /// Keep the files of the versions of that long: reports that began then may still read them
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    keep: String,
    /// Show what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    pub summary: SummaryArguments,
}

/// The least time that versions in a bucket stay: a writer of another machine may take as long to upload what it commits.
const KEPT_IN_BUCKET_MS: i64 = 3_600_000;

/// The instant since which versions must stay.
fn since(context: &CommandContext, store: &Store, duration: &str) -> Result<Instant> {
    // `0s` is no duration of the model, but a user who is the only one to use the store may want it.
    let keep_ms = match duration {
        "0s" => 0,
        _ => parse_duration_ms(duration).map_err(|refusal| Error::invalid("--keep", refusal.to_string()))?,
    };
    if store.is_in_bucket() && (1..KEPT_IN_BUCKET_MS).contains(&keep_ms) {
        let message = "files in a bucket must be kept for an hour at least";
        return Err(Error::invalid("--keep", message)
            .with_hint("other machines may be about to commit what they have uploaded; where none writes, use `0s`"));
    }
    Ok(Instant(context.now.0.saturating_sub(keep_ms)))
}

/// Removes the files that are not needed, or shows them.
pub async fn vacuum(context: &CommandContext, arguments: &VacuumArguments) -> Result<Completion> {
    let begun = Stopwatch::now();
    let log = context.existing_log().await?;
    let since = since(context, log.store(), &arguments.keep)?;
    let files = match arguments.dry_run {
        true => vacuum::removable(log.store(), since).await?,
        false => vacuum::remove(log.store(), since).await?,
    };
    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    let things: Vec<_> =
        files.iter().map(|file| json!({"path": file.name, "bytes": file.bytes, "why": file.reason.text()})).collect();
    if arguments.dry_run && !context.printer.json_summary {
        for file in &files {
            context.printer.data(format!("{}: {} bytes, {}", file.name, file.bytes, file.reason.text()))?;
        }
    }
    let seconds = seconds(begun);
    let verb = if arguments.dry_run { "would remove" } else { "removed" };
    let text = format!("{verb} {} files, {bytes} bytes in {seconds} s", files.len());
    let object = json!({
        "files": files.len(), "bytes": bytes, "dry_run": arguments.dry_run, "things": things, "seconds": seconds,
    });
    context.printer.summary(text, &object)?;
    Ok(Completion::Done)
}
