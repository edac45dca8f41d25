//! `compact`: merges small files of the log into large ones.

use std::time::Instant as Stopwatch;

use clap::Args;
use serde_json::json;

use super::context::{CommandContext, Completion};
use super::progress::Bar;
use super::settings::FILE_EVENTS;
use super::summary::{SummaryArguments, seconds};
use crate::error::Result;
use crate::log::Log;
use crate::log::compact::{self, MergeOptions, MergeScope};

/// Arguments of `compact`.
#[derive(Debug, Args)]
pub struct CompactArguments {
    /// Rewrite all files, each with a slice of time
    #[arg(long)]
    full: bool,
    /// Events that a file should have [default: the setting `file_events`]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(FILE_EVENTS))]
    file_events: Option<u64>,
    #[command(flatten)]
    pub summary: SummaryArguments,
}

/// Merges files if there are enough of them, or all files.
pub async fn compact(context: &CommandContext, arguments: &CompactArguments) -> Result<Completion> {
    let begun = Stopwatch::now();
    let mut log = context.existing_log().await?;
    let options = MergeOptions {
        scope: if arguments.full { MergeScope::All } else { MergeScope::Enough },
        file_events: arguments.file_events.unwrap_or(context.settings.file_events.value),
    };
    let bar = Bar::of(context.printer, "merging files of the log");
    let done = compact::compact(&mut log, context.settings.resources(), options).await?;
    drop(bar);
    let (files, seconds) = (log.events.entries()?.len(), seconds(begun));
    let object = json!({
        "merges": done.merges, "files_before": done.files_before, "files_after": done.files_after, "rows": done.rows,
        "bytes_before": done.bytes_before, "bytes_after": done.bytes_after, "files": files, "seconds": seconds,
    });
    let text = format!(
        "merged {} files into {}, {} events in {seconds} s; the log has {files} files",
        done.files_before, done.files_after, done.rows
    );
    context.printer.summary(text, &object)?;
    Ok(Completion::Done)
}

/// Merges a few files after an ingestion; if that fails, a note is printed.
pub async fn after_ingestion(context: &CommandContext, log: &mut Log) {
    let file_events = context.settings.file_events.value;
    if let Err(error) = compact::after_ingestion(log, context.settings.resources(), file_events).await {
        context.printer.talk(format!("note: files of the log were not merged: {error}"));
    }
}
