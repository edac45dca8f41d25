//! `compact`: small files of the log into large ones.

use std::time::Instant as Stopwatch;

use clap::Args;
use serde_json::json;

use super::ingest::{SummaryArguments, seconds};
use super::progress::Bar;
use super::{Desk, Outcome};
use crate::error::Result;
use crate::log::Log;
use crate::log::compact::{self, Reach};
use crate::replay::engine;

/// Arguments of `compact`.
#[derive(Debug, Args)]
pub struct CompactArguments {
    /// Write all files anew, cut into slices of time
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    pub form: SummaryArguments,
}

/// Merges what pays, or all.
pub async fn compact(desk: &Desk, arguments: &CompactArguments) -> Result<Outcome> {
    let begun = Stopwatch::now();
    let mut log = desk.existing_log().await?;
    let context = engine::session(desk.settings.resources())?;
    let reach = if arguments.full { Reach::Whole } else { Reach::Paying };
    let bar = Bar::of(desk.printer, "merging files of the log");
    let done = compact::compact(&mut log, &context, reach).await?;
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
    desk.printer.summary(text, &object)?;
    Ok(Outcome::Done)
}

/// Merges a little after an ingestion, so that files stay few however many batches come. The batch has been acknowledged;
/// if merging fails it is still there, and the next ingestion tries again.
pub async fn after_ingestion(desk: &Desk, log: &mut Log) {
    if !compact::pays(log, Reach::Quick).unwrap_or(false) {
        return;
    }
    let Ok(context) = engine::session(desk.settings.resources()) else { return };
    if let Err(error) = compact::compact(log, &context, Reach::Quick).await {
        desk.printer.talk(format!("note: files of the log were not merged: {error}"));
    }
}
