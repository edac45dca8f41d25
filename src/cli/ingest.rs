//! `ingest`: events into the log.

mod stream;

use std::time::Instant as Stopwatch;

use clap::Args;
use serde_json::json;

use super::compact;
use super::context::{CommandContext, Completion};
use super::progress::Bar;
use super::signals::Stop;
use super::summary::{SummaryArguments, seconds};
use crate::error::Result;
use crate::input::files;
use crate::input::piece::Take;
use crate::input::pieces::read_all;
use crate::input::source::{Source, uncompressed_bytes};
use crate::log::{Log, Summary};
use stream::StreamArguments;

/// Arguments of `ingest`.
#[derive(Debug, Args)]
pub struct IngestArguments {
    /// Files of events (JSON, CSV, Parquet), folders, patterns in quotes; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    #[command(flatten)]
    stream: StreamArguments,
    #[command(flatten)]
    pub summary: SummaryArguments,
}

/// Appends events.
pub async fn ingest(context: &CommandContext, arguments: &IngestArguments) -> Result<Completion> {
    let sources = find(context, &arguments.files)?;
    let begun = Stopwatch::now();
    let mut log = context.log().await?;
    let summary = match arguments.stream.plan(&sources) {
        Some(plan) => stream::ingest(context, &mut log, sources, &plan).await?,
        None => whole(context, &mut log, sources).await?,
    };
    let outcome = conclude(context, &summary, begun, &json!({}))?;
    compact::after_ingestion(context, &mut log).await;
    Ok(outcome)
}

/// Ingests sources that end, as one batch.
pub async fn whole(context: &CommandContext, log: &mut Log, sources: Vec<Source>) -> Result<Summary> {
    let bar = Bar::of(context.printer, "reading");
    let (progress, of) = (bar.progress(), plain_bytes(&sources));
    let stop = Stop::listen()?;
    let goes_on = stop.question();
    let feed = move |take: &mut Take<'_>| {
        let mut done = 0;
        let bytes = read_all(sources, &mut |piece| {
            goes_on()?;
            done += piece.bytes() as u64;
            progress.report("reading", done, of);
            take(piece)
        })?;
        progress.report("comparing and writing", 0, 0);
        Ok(bytes)
    };
    log.ingest(context.ingest_options(), feed).await
}

/// Bytes of all sources; 0 where one is compressed or has no size, so that the bytes to read are not known.
fn plain_bytes(sources: &[Source]) -> u64 {
    let bytes_of = |source: &Source| match source {
        Source::File(path) => uncompressed_bytes(path),
        Source::Stdin => None,
    };
    sources.iter().map(bytes_of).sum::<Option<u64>>().unwrap_or(0)
}

/// The sources of what was typed. Names the files of folders that are not read.
pub fn find(context: &CommandContext, typed: &[String]) -> Result<Vec<Source>> {
    let found = files::find(typed)?;
    if let Some(first) = found.skipped.first() {
        let more = match found.skipped.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        context
            .printer
            .talk(format!("note: skipped {}{more}: the ending is not one of a file of events", first.display()));
    }
    Ok(found.sources)
}

/// Reports what an ingestion did; `more` is added to the object of the summary.
pub fn conclude(
    context: &CommandContext,
    summary: &Summary,
    begun: Stopwatch,
    more: &serde_json::Value,
) -> Result<Completion> {
    let seconds = seconds(begun);
    let mut object = json!({
        "read": summary.read, "added": summary.added, "duplicates": summary.duplicates, "conflicts": summary.conflicts,
        "quarantined": summary.quarantined, "bytes": summary.bytes, "seconds": seconds,
    });
    if let (Some(object), Some(more)) = (object.as_object_mut(), more.as_object()) {
        object.extend(more.clone());
    }
    let Summary { read, added, duplicates, conflicts, quarantined, .. } = summary;
    let text = format!(
        "read {read}, added {added}, duplicates {duplicates}, conflicts {conflicts}, quarantined {quarantined} in {seconds} s"
    );
    context.printer.summary(text, &object)?;
    if *quarantined > 0 {
        context.printer.talk("hint: `casebook quarantine list` shows what was set aside, and why");
        return Ok(Completion::NeedsAttention);
    }
    Ok(Completion::Done)
}
