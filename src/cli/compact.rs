//! `compact`: small files of the log into large ones.

use std::time::Instant as Stopwatch;

use clap::Args;
use serde_json::json;

use super::ingest::{SummaryArguments, seconds};
use super::progress::Bar;
use super::settings::FILE_EVENTS;
use super::{Desk, Outcome};
use crate::error::Result;
use crate::log::Log;
use crate::log::compact::{self, Aim, Reach};
use crate::store::engine;

/// Arguments of `compact`.
#[derive(Debug, Args)]
pub struct CompactArguments {
    /// Write all files anew, cut into slices of time
    #[arg(long)]
    full: bool,
    /// Events that a file should have [default: the setting `file_events`]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(FILE_EVENTS))]
    file_events: Option<u64>,
    #[command(flatten)]
    pub form: SummaryArguments,
}

/// Merges what pays, or all.
pub async fn compact(desk: &Desk, arguments: &CompactArguments) -> Result<Outcome> {
    let begun = Stopwatch::now();
    let mut log = desk.existing_log().await?;
    let context = engine::session(desk.settings.resources())?;
    let aim = Aim {
        reach: if arguments.full { Reach::Whole } else { Reach::Paying },
        file_events: arguments.file_events.unwrap_or(desk.settings.file_events.value),
    };
    let bar = Bar::of(desk.printer, "merging files of the log");
    let done = compact::compact(&mut log, &context, aim).await?;
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
    let aim = Aim { reach: Reach::Quick, file_events: desk.settings.file_events.value };
    if !compact::pays(log, aim).unwrap_or(false) {
        return;
    }
    let Ok(context) = engine::session(desk.settings.resources()) else { return };
    if let Err(error) = compact::compact(log, &context, aim).await {
        desk.printer.talk(format!("note: files of the log were not merged: {error}"));
    }
}
