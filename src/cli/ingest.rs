//! `ingest` and `replay`: events into the log, and the log into facts.

mod stream;

use std::time::Instant as Stopwatch;

use clap::Args;
use serde_json::json;

use super::{Desk, Outcome, SummaryForm, compact};
use crate::error::Result;
use crate::log::input;
use crate::log::pieces::read_all;
use crate::log::read::Source;
use crate::log::{Options, Summary};
use crate::replay::{self, Extent};
use stream::StreamArguments;

/// Arguments of `ingest`.
#[derive(Debug, Args)]
pub struct IngestArguments {
    /// Files of events: lines, an array, CSV or Parquet; folders, patterns in quotes; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    #[command(flatten)]
    stream: StreamArguments,
    #[command(flatten)]
    pub form: SummaryArguments,
}

/// The flag of commands that print nothing but a summary.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct SummaryArguments {
    /// Form of the summary, like --summary
    #[arg(long, value_enum, value_name = "FORM")]
    pub format: Option<SummaryForm>,
}

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub struct ReplayArguments {
    /// Make the facts anew even if they are up to date
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    pub form: SummaryArguments,
}

/// Appends events.
pub async fn ingest(desk: &Desk, arguments: &IngestArguments) -> Result<Outcome> {
    let sources = find(desk, &arguments.files)?;
    let begun = Stopwatch::now();
    let mut log = desk.log().await?;
    let summary = match arguments.stream.plan(&sources) {
        Some(plan) => stream::ingest(desk, &mut log, sources, &plan).await?,
        None => log.ingest(options(desk), move |take| read_all(sources, take)).await?,
    };
    let outcome = conclude(desk, &summary, begun, &json!({}))?;
    compact::after_ingestion(desk, &mut log).await;
    Ok(outcome)
}

/// What was typed as sources; says which files of folders hold no events.
pub fn find(desk: &Desk, typed: &[String]) -> Result<Vec<Source>> {
    let found = input::find(typed)?;
    if let Some(first) = found.passed_over.first() {
        let more = match found.passed_over.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        desk.printer.talk(format!("note: passed over {}{more}, by the ending no file of events", first.display()));
    }
    Ok(found.sources)
}

/// How this project ingests.
pub fn options(desk: &Desk) -> Options {
    Options { now: desk.now, threads: desk.settings.threads.value, memory_bytes: desk.settings.memory_bytes.value / 2 }
}

/// Says what an ingestion did; `more` joins the summary's object.
pub fn conclude(desk: &Desk, summary: &Summary, begun: Stopwatch, more: &serde_json::Value) -> Result<Outcome> {
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
    desk.printer.summary(text, &object)?;
    if *quarantined > 0 {
        desk.printer.talk("hint: `casebook quarantine list` shows what was set aside, and why");
        return Ok(Outcome::Look);
    }
    Ok(Outcome::Done)
}

/// Seconds since then, to the millisecond.
#[must_use]
pub fn seconds(begun: Stopwatch) -> f64 {
    (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0
}

/// Brings the facts up to date.
pub async fn replay(desk: &Desk, arguments: &ReplayArguments) -> Result<Outcome> {
    let begun = Stopwatch::now();
    let log = desk.existing_log().await?;
    let extent = if arguments.full { Extent::Full } else { Extent::REFRESH };
    let summary = replay::refresh(&log, desk.settings.resources(), extent).await?;
    let (pointer, seconds) = (&summary.pointer, seconds(begun));
    let object = json!({
        "events": pointer.events, "cases": pointer.cases, "cases_replayed": summary.cases_replayed,
        "findings": pointer.findings, "noted": pointer.noted, "last_batch": pointer.last_batch, "seconds": seconds,
    });
    let noted: Vec<String> = pointer.noted.iter().map(|(rule, count)| format!("{rule} {count}")).collect();
    let noted = if noted.is_empty() { String::new() } else { format!(" (noted: {})", noted.join(", ")) };
    let text = format!(
        "replayed {} of {} cases, {} events, {} findings{noted} in {seconds} s",
        summary.cases_replayed, pointer.cases, pointer.events, pointer.findings
    );
    desk.printer.summary(text, &object)?;
    Ok(Outcome::Done)
}
