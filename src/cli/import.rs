//! `import`: a foreign export through a mapping, into the log.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Instant as Stopwatch;

use clap::Args;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::compact;
use super::context::{CommandContext, Completion};
use super::ingest::conclude;
use super::signals::Stop;
use super::summary::SummaryArguments;
use crate::apply::desk_events;
use crate::apply::state::DeskEvent;
use crate::error::{Error, Result};
use crate::import::{self, Known, LeftOut, Limits, Mapping, Output, Reason, Tally};
use crate::input::files;
use crate::input::format::has_compressed_ending;
use crate::input::piece::{MadeLine, Piece, Take};
use crate::input::source::Source;
use crate::model::event::EventType;
use crate::spelling::did_you_mean;

/// Lines that are handed over at once; fewer when they are long.
const BATCH_LINES: usize = 4096;
const BATCH_BYTES: usize = 4 << 20;

/// The mappings that come with the program, by name.
const BUILT_IN: [(&str, &str); 3] = [
    ("support-tweets", include_str!("../../data/mappings/support-tweets.toml")),
    ("volvo-incidents", include_str!("../../data/mappings/volvo-incidents.toml")),
    ("xes", include_str!("../../data/mappings/xes.toml")),
];

/// Arguments of `import`.
#[derive(Debug, Args)]
pub struct ImportArguments {
    /// A mapping file, or a name: NAME.toml in the mappings/ of the project, or a built-in mapping
    #[arg(long, value_name = "FILE")]
    mapping: String,
    /// Files, folders, patterns in quotes: CSV, TSV, JSON or XES, uncompressed or compressed with gzip or zstd; - is standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<String>,
    #[command(flatten)]
    pub summary: SummaryArguments,
}

/// Endings of the files of a folder that are read; those of text also with `.gz` or `.zst` after them.
const ENDINGS: [&str; 7] = ["csv", "tsv", "txt", "json", "jsonl", "ndjson", "xes"];

/// Appends the events that tables become.
pub async fn import(context: &CommandContext, arguments: &ImportArguments) -> Result<Completion> {
    let begun = Stopwatch::now();
    let mapping = find_mapping(&context.settings.project.value, &arguments.mapping)?;
    let inputs = find_inputs(context, &arguments.inputs)?;
    let limits = Limits { memory_bytes: context.settings.memory_bytes.value / 2, spill: None };
    let known = known(context, &mapping).await?;
    let mut log = context.log().await?;
    let kept = Arc::new(OnceLock::new());
    let tally = Arc::clone(&kept);
    let stop = Stop::listen()?;
    let goes_on = stop.question();
    let feed = move |take: &mut Take<'_>| {
        let mut take_on = |piece: Piece| {
            goes_on()?;
            take(piece)
        };
        feed(&mapping, &inputs, &known, &limits, &mut take_on).map(|read| tally.get_or_init(|| read).bytes)
    };
    let summary = log.ingest(context.ingest_options(), feed).await?;
    let tally = kept.get().cloned().unwrap_or_default();
    say_what_was_left_out(context, &tally);
    let more = json!({
        "rows": tally.rows_read, "cases": tally.cases, "left_out": left_out(&tally), "times": times(&tally),
        "columns_absent": tally.columns_absent,
    });
    let outcome = conclude(context, &summary, begun, &more)?;
    compact::after_ingestion(context, &mut log).await;
    Ok(outcome)
}

/// A path; else a name of the project's; else a built-in name.
fn find_mapping(project: &Path, typed: &str) -> Result<Mapping> {
    let path = Path::new(typed);
    let is_name = path.extension().is_none() && path.components().count() == 1;
    if path.is_file() || !is_name {
        return Mapping::read(path);
    }
    let of_project = project.join("mappings").join(format!("{typed}.toml"));
    if of_project.is_file() {
        return Mapping::read(&of_project);
    }
    match BUILT_IN.iter().find(|(name, _)| *name == typed) {
        Some((name, text)) => Mapping::parse(&format!("built-in mapping {name}"), text),
        None => Err(unknown_mapping(&of_project, typed)),
    }
}

fn unknown_mapping(of_project: &Path, typed: &str) -> Error {
    let names = BUILT_IN.map(|(name, _)| name);
    let message = format!("`{typed}` is neither a file, nor {}, nor a built-in mapping", of_project.display());
    let hint = did_you_mean(typed, names).unwrap_or_else(|| format!("built in are {}", names.join(" and ")));
    Error::invalid("--mapping", message).with_hint(hint)
}

/// What the log holds already of the mapping's source.
///
/// # Errors
/// When the log cannot be read, or states another grace period for the source.
async fn known(context: &CommandContext, mapping: &Mapping) -> Result<Known> {
    let mut known = Known::default();
    if !context.has_log() {
        return Ok(known);
    }
    let log = context.existing_log().await?;
    let resources = context.settings.resources();
    known.grace_is_stated = is_grace_stated(mapping, &desk_events::read(&log, resources).await?)?;
    let types = mapping.types_stated_once();
    if !types.is_empty() {
        log.each_id(mapping.source(), &types, resources, &mut |id| known.add(id)).await?;
    }
    Ok(known)
}

/// Whether the desk has the mapping's grace period without its event: by `apply`.
fn is_grace_stated(mapping: &Mapping, events: &[DeskEvent]) -> Result<bool> {
    let (source, wanted) = (mapping.source(), mapping.grace_period());
    let stated = events.iter().filter(|event| event.kind == EventType::SettingsUpdated);
    let stated = stated.filter_map(|event| event.data.get("grace_periods")?.get(source)?.as_str());
    let stated: Vec<&str> = stated.collect();
    match (stated.first(), stated.last()) {
        (None, _) | (_, None) => Ok(false),
        (Some(first), _) if *first == wanted => Ok(false),
        (_, Some(last)) if *last == wanted => Ok(true),
        (_, Some(last)) => {
            let message = format!("states a grace period of {wanted}, but cases of the source `{source}` have {last}");
            let hint = format!(
                "to change it, write `grace_periods = {{ \"{source}\" = \"{wanted}\" }}` below [settings] of desk.toml and run `casebook apply desk.toml --at 1970-01-01 --yes`"
            );
            Err(Error::invalid(mapping.grace_place(), message).with_hint(hint))
        }
    }
}

/// The inputs of what was typed.
fn find_inputs(context: &CommandContext, typed: &[String]) -> Result<Vec<Source>> {
    let endings: Vec<String> = ENDINGS.iter().map(|ending| format!("`.{ending}`")).collect();
    let hint = format!("of a folder, files are read whose names end in {}", endings.join(", "));
    let found = files::find_of(typed, is_read, &hint)?;
    if let Some(first) = found.skipped.first() {
        let count = found.skipped.len();
        context.printer.talk(format!(
            "note: {} not read, such as {}: {hint}",
            counted(count as u64, "file"),
            first.display()
        ));
    }
    Ok(found.sources)
}

fn is_read(path: &Path) -> Result<bool> {
    let inner = if has_compressed_ending(path) { path.with_extension("") } else { path.to_owned() };
    let ending = inner.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase);
    Ok(ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str())))
}

/// Runs on a thread that may block, as reading does.
fn feed(mapping: &Mapping, inputs: &[Source], known: &Known, limits: &Limits, take: &mut Take<'_>) -> Result<Tally> {
    let mut batches = Batches { take, number: 0, lines: Vec::new(), bytes: 0 };
    let mut emit = |output| match output {
        Output::Event(line) => batches.add(line),
        Output::SetAside(row) => (batches.take)(Piece::SetAside(row)),
    };
    let tally = Handle::current().block_on(import::read(mapping, inputs, known, limits, &mut emit))?;
    batches.release()?;
    Ok(tally)
}

/// Gathers lines into pieces that are worth handing to a worker.
struct Batches<'a, 'b> {
    take: &'a mut Take<'b>,
    number: u64,
    lines: Vec<MadeLine>,
    bytes: usize,
}

impl Batches<'_, '_> {
    fn add(&mut self, line: MadeLine) -> Result<()> {
        self.bytes += line.json.len();
        self.lines.push(line);
        if self.lines.len() >= BATCH_LINES || self.bytes >= BATCH_BYTES { self.release() } else { Ok(()) }
    }

    fn release(&mut self) -> Result<()> {
        let piece = Piece::Lines { number: self.number, lines: std::mem::take(&mut self.lines) };
        self.number += 1;
        self.bytes = 0;
        (self.take)(piece)
    }
}

/// How many values of a column are shown for one reason.
const SHOWN_VALUES: usize = 5;
/// How many values of a column are in the summary for one reason.
const SUMMARY_VALUES: usize = 50;

/// What the mapping left out, as an object.
fn left_out(tally: &Tally) -> Value {
    let examples: Vec<Value> =
        tally.malformed.iter().map(|row| json!({"file": &*row.file, "line": row.line, "reason": row.reason})).collect();
    let event = |(reason, left): (&Reason, &LeftOut)| {
        let values: serde_json::Map<String, Value> =
            left.frequent(SUMMARY_VALUES).into_iter().map(|(value, count)| (value.to_owned(), json!(count))).collect();
        json!({"event": reason.rule, "reason": reason.reason, "count": left.count, "values": values})
    };
    json!({
        "rows_filtered": tally.rows_filtered,
        "rows_repeated": tally.rows_repeated,
        "rows_malformed": tally.rows_malformed,
        "malformed": examples,
        "rows": tally.rows_left_out,
        "cases": tally.cases_left_out,
        "events": tally.events_left_out.iter().map(event).collect::<Vec<_>>(),
    })
}

/// How times without an offset were read where the clock changed.
fn times(tally: &Tally) -> Value {
    json!({
        "settled": tally.times_settled, "ambiguous": tally.times_ambiguous, "skipped": tally.times_skipped,
    })
}

fn say_what_was_left_out(context: &CommandContext, tally: &Tally) {
    let cases = tally.cases.map_or_else(String::new, |cases| format!(", {}", counted(cases, "case")));
    context.printer.talk(format!("{}{cases}", counted(tally.rows_read, "row")));
    let rows = [
        (tally.rows_filtered, "held back by a filter"),
        (tally.rows_repeated, "read before"),
        (tally.rows_malformed, "that cannot be read"),
    ];
    for (count, why) in rows.into_iter().filter(|(count, _)| *count > 0) {
        context.printer.talk(format!("left out: {} {why}", counted(count, "row")));
    }
    for row in &tally.malformed {
        context.printer.talk(format!("  {}:{}: {}", row.file, row.line, row.reason));
    }
    say_reasons(context, &tally.rows_left_out, "row");
    say_reasons(context, &tally.cases_left_out, "case");
    for (reason, left) in &tally.events_left_out {
        context.printer.talk(left_out_text(reason, left));
    }
    for column in &tally.columns_absent {
        context.printer.talk(format!("note: no row has `{column}`, which the mapping names"));
    }
    say_times(context, tally);
}

/// `left out: 12 events (case.status_changed: `state` is not in the map: Solved 7, Closed 5)`.
fn left_out_text(reason: &Reason, left: &LeftOut) -> String {
    let what = if reason.rule.contains(", member") { "member" } else { "event" };
    let values = left.frequent(SHOWN_VALUES);
    let shown: Vec<String> = values.iter().map(|(value, count)| format!("`{value}` {count}")).collect();
    let more = if left.values.len() > shown.len() { ", and others" } else { "" };
    let values = if shown.is_empty() { String::new() } else { format!(": {}{more}", shown.join(", ")) };
    format!("left out: {} ({}: {}{values})", counted(left.count, what), reason.rule, reason.reason)
}

fn say_times(context: &CommandContext, tally: &Tally) {
    let times = [
        (tally.times_settled, "of an hour that comes twice, settled by the order of a case's events"),
        (tally.times_ambiguous, "of an hour that comes twice, which nothing settles: read as the first of the two"),
        (tally.times_skipped, "that a change of clocks skips, read with the offset before it"),
    ];
    for (count, what) in times.into_iter().filter(|(count, _)| *count > 0) {
        context.printer.talk(format!("times: {} {what}", counted(count, "local time")));
    }
}

fn say_reasons(context: &CommandContext, reasons: &BTreeMap<String, u64>, what: &str) {
    for (reason, count) in reasons {
        context.printer.talk(format!("left out: {} ({reason})", counted(*count, what)));
    }
}

/// `1 row`, `2 rows`.
fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
